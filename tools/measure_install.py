"""Print how large Genlock is with each set of extras, as a table: each is installed into an empty environment.

    python tools/measure_install.py [--sets core speech faces speech,faces] [--keep FOLDER]

An extra's row is the core with that extra. Megabytes are of site-packages on disk, Genlock and pip among them.
"""

import argparse
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


def main() -> None:
    """Measure every set, print a row of each."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--sets", nargs="+", default=SETS, metavar="EXTRAS", help="sets of extras to install")
    asked.add_argument("--keep", type=Path, help="make the environments here and leave them")
    words = asked.parse_args()
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
