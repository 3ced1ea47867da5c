"""Builds wheel and sdist, installs the wheel into empty environments, and runs the core's tests of the sdist on it.

    python tools/check_dist.py [--pythons python3.12 ...] [--keep FOLDER] [--build-only]

What is kept in FOLDER is what would be published: the two files, SHA256SUMS, and a list of what the wheel installs with
its versions and licences (CycloneDX 1.6). Needs the packages of the extra `release`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
_TESTERS = ("pytest", "pytest-timeout", "hypothesis")


def build(target: Path) -> tuple[Path, Path]:
    """The wheel and the sdist; the wheel is built out of the sdist, so that nothing is missing there."""
    # In the environment of this Python, whose hatchling is pinned.
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(target), str(REPOSITORY)], check=True)
    (wheel,), (sdist,) = target.glob("*.whl"), target.glob("*.tar.gz")
    return wheel, sdist


def check(wheel: Path, sdist: Path, python: str, scratch: Path) -> str:
    """Install the wheel alone, run the tests that need nothing else, and what a person does first; what was seen."""
    where = Path(tempfile.mkdtemp(dir=scratch))  # two Pythons may have one name in different folders
    subprocess.run([python, "-m", "venv", str(where)], check=True)
    own = str(where / ("Scripts" if os.name == "nt" else "bin") / "python")
    pip = [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint"]
    subprocess.run([*pip, str(REPOSITORY / "constraints.txt"), str(wheel)], check=True)
    version = _said([own, "-m", "genlock", "--version"], where)
    _said([own, "-m", "genlock", "synth", "signals", "-n", "1", "-o", str(where / "made")], where)
    (film, *_) = sorted((where / "made").glob("*.mp4"))
    _said([own, "-m", "genlock", "sync", str(film)], where)
    subprocess.run([*pip, str(REPOSITORY / "constraints.txt"), *_TESTERS], check=True)
    tests = where / "sdist"
    with tarfile.open(sdist) as archive:
        archive.extractall(tests, filter="data")
    (unpacked,) = tests.iterdir()
    # The tests are of the wheel that was installed, not of the sources beside them.
    (unpacked / "src").rename(unpacked / "not-src")
    call = [own, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", "tests/core"]
    told = _said(call, unpacked).strip().splitlines()[-1]
    return f"{version.strip()} on {_said([own, '--version'], where).strip()}: {told}"


def _said(call: list[str], where: Path) -> str:
    """What a command prints; its errors end everything."""
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "quick"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(call, cwd=where, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(
            f"{' '.join(call)} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        )
    return done.stdout


def write_sums(files: list[Path], target: Path) -> None:
    """``sha256sum --check`` reads it."""
    rows = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    target.write_text("".join(rows), encoding="utf-8")


def write_bill(wheel: Path, target: Path, scratch: Path) -> None:
    """What the wheel installs, with versions and licences, as CycloneDX: of an environment that has nothing else."""
    where = scratch / "bill"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(where)], check=True)
    python = str(where / ("Scripts" if os.name == "nt" else "bin") / "python")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, "--constraint", str(REPOSITORY / "constraints.txt"), str(wheel)], check=True)
    listed = [
        "--pyproject",
        str(REPOSITORY / "pyproject.toml"),
        "--output-reproducible",
        "--output-file",
        str(target),
    ]
    subprocess.run([sys.executable, "-m", "cyclonedx_py", "environment", python, *listed], check=True)


def main() -> None:
    """Build, check on each Python, and keep what would be published."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument(
        "--pythons", nargs="+", default=[sys.executable], help="default: the Python that runs this"
    )
    asked.add_argument("--keep", type=Path, help="folder for what would be published")
    asked.add_argument("--build-only", action="store_true", help="install and test nothing")
    words = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        target = words.keep or scratch / "dist"
        if target.exists() and any(target.iterdir()):
            raise SystemExit(f"{target} is not empty: name a folder of its own")
        target.mkdir(parents=True, exist_ok=True)
        wheel, sdist = build(target)
        for file in (wheel, sdist):
            print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB")
        write_bill(wheel, target / f"{wheel.name}.cdx.json", scratch)
        write_sums(sorted(file for file in target.iterdir()), target / "SHA256SUMS")
        for python in () if words.build_only else words.pythons:
            print(check(wheel, sdist, python, scratch), flush=True)


if __name__ == "__main__":
    main()
