"""What the documents tell people to type is there: every command in them, and each of its flags."""

from __future__ import annotations

import contextlib
import io
import re
from functools import cache
from pathlib import Path

import pytest

from genlock.cli import main
from genlock.core.plugins import plugin_names

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED = {"train", "synth", "bench"}
#: Plug-ins that a page shows how to write.
OTHERS = (["tones"],)
TYPED = re.compile(r"(?:^|`)genlock ((?:[a-z]|--)[^`\n#]*)", re.MULTILINE)


def commands_in(page: Path) -> list[str]:
    """Lines that begin with genlock, or stand in code; a line that ends in a backslash goes on."""
    text = page.read_text("utf-8").replace("\\\n", " ")
    return [found.group(1) for found in TYPED.finditer(text)]


@cache
def help_of(*words: str) -> str:
    """What ``--help`` prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main([*words, "--help"])
    return out.getvalue()


#: Names that follow an option or a command, and what they are registered in.
NAMES = (
    (re.compile(r"^prepare .*--recipe ([a-z][\w-]*)"), "genlock.corpora"),
    (re.compile(r"^export .*--to ([a-z][\w-]*)"), "genlock.exporters"),
    (re.compile(r"^train ([a-z][\w-]*)"), "genlock.recipes"),
    (re.compile(r"^synth ([a-z][\w-]*)"), "genlock.worlds"),
    (re.compile(r"^bench ([a-z][\w-]*)"), "genlock.benches"),
    (re.compile(r"^animate .*--face ([a-z][\w-]*)"), "genlock.faces"),
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_in_the_documents_are_registered(page: Path) -> None:
    """The start page named a recipe that is none."""
    if page.name.startswith("write-a"):
        return  # these show how to register what is not there
    for command in commands_in(page):
        for pattern, group in NAMES:
            named = pattern.match(command)
            if named is not None:
                assert named.group(1) in plugin_names(group), f"{page.name} says: genlock {command.strip()}"


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="the documents are not part of an installed package")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_flags_in_the_documents_exist(page: Path) -> None:
    for command in commands_in(page):
        words = command.split()
        name = words[:2] if words[0] in NAMED and len(words) > 1 and words[1][0] != "-" else words[:1]
        if page.name.startswith("write-a") and name[1:2] in OTHERS:
            continue
        flags = {word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z][a-z-]*(=.*)?", word)}
        if words[0] == "train" and "--model" in flags:
            name += ["--model", words[words.index("--model") + 1]]
        shown = help_of(*name)
        missing = [flag for flag in sorted(flags) if not re.search(rf"{flag}\b", shown)]
        assert not missing, f"{page.name} says: genlock {command.strip()}; there is no {missing}"
