"""Print how large Genlock is with each set of extras, as a table: each is installed into an empty environment.

    python tools/measure_install.py [--sets core speech faces speech,faces] [--keep FOLDER]
    python tools/measure_install.py --start          how long commands take to begin, with the Python that runs this

An extra's row is the core with that extra. Megabytes are of site-packages on disk, Genlock and pip among them.
Seconds of a start are of one core, user and system, the best of five.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SETS = ("core", "speech", "faces", "speech,faces")


def install(where: Path, extras: str) -> float:
    """Make an environment with the core and extras (names and commas); the seconds that took."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-m", "venv", str(where)], check=True)
    wanted = str(REPOSITORY) + ("" if extras == "core" else f"[{extras}]")
    pip = [str(where / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--constraint", str(REPOSITORY / "constraints.txt"), wanted], check=True)
    return time.monotonic() - begun


def megabytes(folder: Path) -> float:
    """What all files below a folder take on the disk."""
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file()) / 1e6


# The film is made by another process: the memory of whoever starts a command would be counted as the command's.
_FILM = (
    "import shutil, sys; from genlock.testing import example_video; shutil.copy(example_video(), sys.argv[1])"
)


def measure_start() -> None:
    """A row for each command that does little: seconds of a core, and the most memory in MB."""
    print("| command | CPU s | MB |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        film = str(Path(scratch) / "film.mp4")
        subprocess.run([sys.executable, "-c", _FILM, film], check=True)
        for words in (["--help"], ["--version"], ["probe", "--help"], ["probe", film]):
            runs = [_run_of([sys.executable, "-m", "genlock", *words]) for _ in range(5)]
            shown = " ".join(Path(word).name for word in words)
            print(
                f"| `genlock {shown}` | {min(runs)[0]:.2f} | {max(mega for _, mega in runs):.0f} |",
                flush=True,
            )


def _run_of(call: list[str]) -> tuple[float, float]:
    process = subprocess.Popen(call, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(call)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    """Measure every set, print a row of each."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--sets", nargs="+", default=SETS, metavar="EXTRAS", help="sets of extras to install")
    asked.add_argument("--keep", type=Path, help="make the environments here and leave them")
    asked.add_argument("--start", action="store_true", help="measure how long commands take to begin")
    words = asked.parse_args()
    if words.start:
        measure_start()
        return
    print("| installed | MB | packages | seconds |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for extras in words.sets:
            where = (words.keep or Path(scratch)) / extras.replace(",", "-")
            seconds = install(where, extras)
            (packages,) = where.glob("lib/python3*/site-packages")
            count = len(list(packages.glob("*.dist-info")))
            print(f"| {extras} | {megabytes(packages):.0f} | {count} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
