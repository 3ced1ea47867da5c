"""What the site of the documents has besides its pages: commands, notebooks, a gallery, a list of decisions, made anew.

MkDocs calls it (``hooks`` in mkdocs.yml).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

DOCS = Path(__file__).resolve().parent
NOTEBOOKS = sorted((DOCS.parent / "examples").glob("*.ipynb"))
#: A paragraph that is a picture with a link to a film: the page plays the film, where the repository shows the picture.
FILM = re.compile(r'<p><a href="([^"]+\.mp4)"><img([^>]*?)src="([^"]+)"[^>]*></a></p>')
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made."""
    made = {"commands.md": commands(), "gallery.md": gallery(), "decisions.md": decisions()}
    made |= {f"notebook-{path.stem.replace('_', '-')}.md": notebook(path) for path in NOTEBOOKS}
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_content(html: str, **_: Any) -> str:
    """Play films where the repository shows a picture of one."""
    return FILM.sub(
        r'<p><video controls loop playsinline preload="metadata" poster="\3" src="\1"></video></p>', html
    )


def commands() -> str:
    """The help of every command, as a terminal of 80 columns shows it."""
    from genlock.cli.table import COMMANDS

    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}
    parts = ["# Commands\n\nWhat `genlock COMMAND --help` says.\n"]
    for name in COMMANDS:
        call = [sys.executable, "-m", "genlock", *name.split(), "--help"]
        said = subprocess.run(call, capture_output=True, text=True, check=True, env=environment).stdout
        parts.append(f"## genlock {name}\n\n```text\n{said.strip()}\n```\n")
    return "\n".join(parts)


def gallery() -> str:
    """Every picture of the documents, with the page that explains it."""
    parts = [
        "# Gallery\n\nEvery picture is drawn by a program in `docs/pictures` out of what Genlock computes.\n"
    ]
    for page in sorted(DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        heading = re.search(r"^# (.+)$", text, flags=re.MULTILINE)
        found = [(alt, path) for alt, path in PICTURE.findall(text) if path.startswith("pictures/")]
        if found and heading:
            shown = "\n\n".join(f"![{alt}]({path})" for alt, path in found)
            parts.append(f"## [{heading[1]}]({page.name})\n\n{shown}\n")
    return "\n".join(parts)


def notebook(path: Path) -> str:
    """A notebook of examples/ as a page: its words, its code, and what that showed when it was last run."""
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
            continue
        parts.append(f"```python\n{text}\n```")
        parts += [shown for output in cell["outputs"] if (shown := _output(output))]
    where = (
        f"*This page is [`examples/{path.name}`](../examples/{path.name}), a notebook to run and to change.*"
    )
    heading, _, rest = parts[0].partition("\n")
    return "\n\n".join([heading, where, rest.strip(), *parts[1:]]) + "\n"


def _output(output: Mapping[str, Any]) -> str:
    """What a cell showed: HTML as it is, text in a box."""
    data = output.get("data", {})
    if "text/html" in data:
        # A blank line would end the HTML, for Markdown.
        html = re.sub(r"\n\s*\n", "\n", "".join(data["text/html"]))
        return f'<div class="shown">{html}</div>'
    text = "".join(output.get("text", data.get("text/plain", ""))).rstrip()
    return f"```text\n{text}\n```" if text else ""


def decisions() -> str:
    """The list of docs/adr."""
    rows = []
    for page in sorted((DOCS / "adr").glob("*.md")):
        heading = page.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ")
        rows.append(f"- [{escape(heading, quote=False)}](adr/{page.name})")
    return "# Decisions\n\nWhy things are as they are.\n\n" + "\n".join(rows) + "\n"
