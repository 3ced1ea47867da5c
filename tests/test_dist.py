"""What would be published holds what it should, and nothing of the machine that built it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("build", reason="build is not installed (the release extra has it)")
    pytest.importorskip("cyclonedx_py", reason="cyclonedx-bom is not installed (the release extra has it)")
    target = tmp_path_factory.mktemp("dist") / "dist"
    tool = [sys.executable, str(ROOT / "tools" / "check_dist.py"), "--build-only", "--keep", str(target)]
    subprocess.run(tool, check=True, capture_output=True)
    return target


def test_wheel_and_sdist_hold_what_they_should(built: Path) -> None:
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    for end in ("genlock/py.typed", "genlock/weights/table.toml", "man/man1/genlock.1", "licenses/LICENSE"):
        assert any(name.endswith(end) for name in names), end
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]
    assert wheel.stat().st_size < 30e6
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"tests/conftest.py", "tools/check_dist.py", "Makefile", "examples/captioner.ipynb"} <= inside


def test_sums_and_parts_are_told(built: Path) -> None:
    for row in (built / "SHA256SUMS").read_text().splitlines():
        digest, name = row.split("  ")
        assert hashlib.sha256((built / name).read_bytes()).hexdigest() == digest
    (bill,) = built.glob("*.cdx.json")
    text = bill.read_text("utf-8")
    told = json.loads(text)
    parts = {part["name"].lower(): part for part in told["components"]}
    assert {"numpy", "av", "tyro", "soundfile"} <= parts.keys()
    assert "torch" not in parts
    assert all(part.get("version") for part in parts.values())
    assert str(ROOT) not in text
    assert str(Path(sys.executable).parent) not in text
