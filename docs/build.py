"""Makes the documents: pictures by docs/pictures/*.py, pages by MkDocs out of docs/**/*.md, into build/docs/.

    python docs/build.py [FOLDER]         pictures and pages; says which pictures in docs/pictures are out of date
    python docs/build.py --pages [FOLDER] the pages alone, with the pictures as the repository has them
    python docs/build.py --pictures       the pictures alone, into docs/pictures, where the repository shows them

Each program in docs/pictures is run with the folder that it writes its SVG, JPEG or film into. It draws what Genlock
computes, so that a picture cannot disagree with the code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2

DOCS = Path(__file__).resolve().parent
#: Mean difference, of 255, below which two pictures of a page are the same.
ALIKE = 4.0
#: Pictures of a measurement, which come out a little different each time.
MEASURED = ("walk",)


def main(target: Path) -> None:
    """Make every picture, then every page, into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder))
        stale = out_of_date(Path(folder))
    pages(target)
    if stale:
        raise SystemExit(
            f"out of date in docs/pictures: {', '.join(stale)}; run `python docs/build.py --pictures`, look at them, "
            "and commit them"
        )


def pages(target: Path) -> None:
    """Make the site; a link that leads nowhere ends it."""
    call = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(target.resolve()),
    ]
    # Material says at length that its next version is another program.
    subprocess.run(call, cwd=DOCS.parent, check=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})
    print(f"{len(list(target.rglob('*.html')))} pages in {target}")


def draw(target: Path) -> None:
    """Make every picture into a folder."""
    for program in sorted((DOCS / "pictures").glob("[a-z]*.py")):
        subprocess.run([sys.executable, program, target], check=True)
    # What needs a recording that is not here is shown as the repository has it.
    for kept in (path for ending in ("mp4", "jpg") for path in (DOCS / "pictures").glob(f"*.{ending}")):
        if not (target / kept.name).exists():
            shutil.copy(kept, target)


def out_of_date(made: Path) -> list[str]:
    """Names of the pictures in docs/pictures that differ from those that were just made, or are not there."""
    kept = DOCS / "pictures"
    found = []
    for picture in sorted(made.glob("*.svg")):
        same = (kept / picture.name).exists() and (kept / picture.name).read_bytes() == picture.read_bytes()
        if not same and picture.stem not in MEASURED:
            found.append(picture.name)
    pages_shown = sorted([*made.glob("report-*.jpg"), *made.glob("studio-*.jpg")])
    return found + [page.name for page in pages_shown if not looks_alike(kept / page.name, page)]


def looks_alike(one: Path, other: Path) -> bool:
    """Whether two pictures of a page show the same to the eye; letters come out a little different elsewhere."""
    first, second = (cv2.imread(str(path)) for path in (one, other))
    if first is None or second is None or first.shape != second.shape:
        return False
    size = (first.shape[1] // 8, first.shape[0] // 8)
    small = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in (first, second)]
    return float(cv2.absdiff(*small).mean()) < ALIKE


if __name__ == "__main__":
    wanted = [Path(argument) for argument in sys.argv[1:] if not argument.startswith("--")]
    site = wanted[0] if wanted else DOCS.parent / "build" / "docs"
    if "--pictures" in sys.argv:
        draw(DOCS / "pictures")
    elif "--pages" in sys.argv:
        pages(site)
    else:
        main(site)
