"""A small model of our own, a wheel that carries it, and a hub that serves it: all on this machine."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from genlock.weights import Registry

CONTENT = {"model.bin": bytes(range(256)) * 400, "sub/config.json": b'{"layers": 2}\n'}


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of wheels that pip finds, and nothing else."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def make_wheel(folder: Path, name: str, content: dict[str, bytes], tag: str = "py3-none-any") -> Path:
    """A wheel ``name`` 1.0 with ``content`` in its folder ``data``."""
    info = f"{name}-1.0.dist-info"
    path = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in content.items():
            archive.writestr(f"{name}/data/{member}", data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def registry(tmp_path: Path) -> Callable[..., Registry]:
    """``registry(source, ...)``: a registry whose one model ``small`` has these sources (TOML)."""

    def make(*sources: str) -> Registry:
        files = ",".join(
            f'{{ path = "{name}", size_bytes = {len(data)}, sha256 = "{hashlib.sha256(data).hexdigest()}" }}'
            for name, data in CONTENT.items()
        )
        table = tmp_path / "table.toml"
        table.write_text(
            '[model.small]\ntitle = "a test"\nlicence = "MIT"\ncredit = "us"\ndefault = true\n'
            f"files = [{files}]\nsources = [{','.join(sources)}]\n"
        )
        return Registry.read(table, tmp_path / "cache")

    return make


class _Hub(BaseHTTPRequestHandler):
    """The part of the hub's protocol that its client library needs to download a plain file."""

    def _head(self) -> bytes | None:
        prefix = "/us/small/resolve/main/"
        data = CONTENT.get(self.path.removeprefix(prefix)) if self.path.startswith(prefix) else None
        self.send_response(200 if data is not None else 404)
        self.send_header("Content-Length", str(len(data or b"")))
        if data is not None:
            self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
        else:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        return data

    def do_HEAD(self) -> None:
        self._head()

    def do_GET(self) -> None:
        self.wfile.write(self._head() or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a hub on this machine that has ``us/small``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", address)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield address
    server.shutdown()
    server.server_close()


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub at whose address nobody listens (port 1 is never given out)."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
