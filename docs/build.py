"""Makes the documents: pictures by docs/pictures/*.py, pages by docs/**/*.md, all into build/docs/.

    python docs/build.py [FOLDER]         pictures and pages; says which pictures in docs/pictures are out of date
    python docs/build.py --pictures       the pictures alone, into docs/pictures, where the repository shows them

Each program in docs/pictures is run with the folder that it writes its SVG, JPEG or film into. It draws what Genlock
computes, so that a picture cannot disagree with the code.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

DOCS = Path(__file__).resolve().parent
CODE = HtmlFormatter(nowrap=True)
#: A paragraph that is a picture with a link to a film: the page plays the film, where the repository shows the picture.
FILM = r'<p><a href="([^"]+\.mp4)"><img src="([^"]+)" alt="([^"]*)"\s*/?></a></p>'
VIDEO = r'<video controls loop playsinline preload="metadata" poster="\2" src="\1" title="\3"></video>'
#: Pictures of a measurement, which come out a little different each time.
MEASURED = ("walk",)

STYLE = """
body { font: 17px/1.55 system-ui, sans-serif; color: #1c2430; max-width: 46rem; margin: 2rem auto;
padding: 0 1rem }
h1, h2, h3 { line-height: 1.2; margin-top: 2em } h1 { margin-top: 0 }
img, video { width: 100%; margin: .5rem 0 } a { color: #1a5fb4 }
pre { background: #f4f6f9; padding: .7rem .9rem; overflow-x: auto; font-size: 14px; border-radius: 6px }
code { font-family: ui-monospace, monospace; font-size: .9em }
table { border-collapse: collapse; font-size: 15px }
th, td { border-bottom: 1px solid #d5dae2; padding: .3rem .7rem; text-align: left; vertical-align: top }
nav { font-size: 14px; margin-bottom: 2rem }
"""


def main(target: Path) -> None:
    """Make every picture, then every page, into a folder."""
    target.mkdir(parents=True, exist_ok=True)
    draw(target / "pictures")
    pages = sorted(DOCS.rglob("*.md"))
    titles = {page: title(page.read_text(encoding="utf-8")) for page in pages}
    for page in pages:
        write(page, titles, target)
    index = "".join(f'<li><a href="{address(p)}">{escape(titles[p])}</a></li>' for p in pages)
    wrap(target / "index.html", "Genlock: the documents", f"<h1>Genlock</h1><ul>{index}</ul>", "")
    missing = [link for page in target.rglob("*.html") for link in broken_links(page)]
    if missing:
        raise SystemExit("links that lead nowhere:\n" + "\n".join(missing))
    print(f"{len(pages)} pages in {target}")
    if stale := out_of_date(target / "pictures"):
        raise SystemExit(
            f"out of date in docs/pictures: {', '.join(stale)}; run `python docs/build.py --pictures`, look at them, "
            "and commit them"
        )


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
    return found


def title(markdown: str) -> str:
    """The first heading of a page."""
    found = re.search(r"^# (.+)$", markdown, flags=re.MULTILINE)
    if found is None:
        raise SystemExit(f"a page has no heading: {markdown[:80]!r}")
    return found[1]


def address(page: Path) -> str:
    """Where a page lies, from the target folder."""
    return page.relative_to(DOCS).with_suffix(".html").as_posix()


def write(page: Path, titles: dict[Path, str], target: Path) -> None:
    """Make one page."""
    reader = MarkdownIt("commonmark", {"highlight": coloured}).enable("table")
    body = str(reader.render(page.read_text(encoding="utf-8")))
    body = re.sub(r'href="(?!\w+:)([^"#]+)\.md(#[^"]*)?"', r'href="\1.html\2"', body)
    body = re.sub(FILM, VIDEO, body)
    up = "../" * (len(page.relative_to(DOCS).parts) - 1)
    wrap(target / address(page), titles[page], body, f'<nav><a href="{up}index.html">All documents</a></nav>')


def coloured(code: str, language: str, _: str) -> str:
    """Code with its syntax coloured, or as it is."""
    name = "pycon" if ">>>" in code else language
    try:
        return str(highlight(code, get_lexer_by_name(name), CODE))
    except ClassNotFound:
        return escape(code)


def wrap(path: Path, heading: str, body: str, before: str) -> None:
    """Write a page that needs nothing but its pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(heading)}</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}{CODE.get_style_defs('pre')}</style>"
        f"<body>{before}{body}</body></html>\n"
    )
    path.write_text(page, encoding="utf-8")


def broken_links(page: Path) -> list[str]:
    """The pictures and pages that a page names and that are not there."""
    named = re.findall(r'(?:href|src)="(?!\w+:|#)([^"#]+)', page.read_text(encoding="utf-8"))
    return [f"{page}: {link}" for link in named if not (page.parent / link).exists()]


if __name__ == "__main__":
    if sys.argv[1:] == ["--pictures"]:
        draw(DOCS / "pictures")
    else:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS.parent / "build" / "docs")
