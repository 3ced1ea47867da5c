"""Writes src/genlock/tasks/keywords.py: the options of each command as typed keywords of its Python function.

An option has one place, the class that its command reads; this program copies name, type and words from there, so that
type checkers and editors see them. ``tests/test_python_front.py`` fails if the copy is old.

    python tools/write_keywords.py
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src" / "genlock" / "tasks" / "keywords.py"

# Where the types of options live.
_TYPES = {
    "ComputeType": "genlock.speech.whisper.options",
    "Device": "genlock.speech.whisper.options",
    "Exact": "genlock.core.time",
    "Snap": "genlock.tasks.on_frames",
    "Task": "genlock.speech.whisper.options",
}
# Options that name a file or a folder: Python gives a Path as well.
_PATHS = (
    *(
        "against",
        "attention",
        "events_from",
        "frames_of",
        "identity",
        "language_model",
        "library",
        "plot",
        "prime",
    ),
    *("resume", "retime", "sheet", "transcript", "wav"),
)
# What the command line reads as text may be a number in Python.
_NUMBERS = {"clip_seconds": "Exact | None", "layer": "int | str | None"}


class Keywords(NamedTuple):
    """One TypedDict: what it is called, of what, and what the function names itself."""

    name: str
    base: str
    file: str
    options: str
    what: str
    own: tuple[str, ...] = ()


_ALL = (
    Keywords("ReadingKeywords", "TypedDict", "media/read.py", "ReadOptions", "Which part of a file is read"),
    Keywords("WordKeywords", "ReadingKeywords", "tasks/find_words.py", "WordOptions", "words", ("transcript",)),
    Keywords("AlignKeywords", "WordKeywords", "tasks/align_video.py", "AlignOptions", "align"),
    Keywords("SyncKeywords", "ReadingKeywords", "tasks/sync_video.py", "SyncOptions", "sync", ("fix",)),
    Keywords("AnimateKeywords", "ReadingKeywords", "tasks/animate_sound.py", "AnimateOptions", "animate"),
    Keywords("SamplingKeywords", "ReadingKeywords", "models/foley/sampling.py", "Sampling", "How codes are drawn"),
    Keywords("SoundKeywords", "SamplingKeywords", "tasks/sound_video.py", "SoundOptions", "sound"),
    Keywords("PrepareKeywords", "TypedDict", "data/options.py", "PrepareOptions", "prepare"),
    Keywords("ExportKeywords", "TypedDict", "data/options.py", "ExportOptions", "export"),
)  # fmt: skip


def keywords_text() -> str:
    """The module, as it is to be."""
    classes = [_class_text(each) for each in _ALL]
    body = "\n\n\n".join(classes)
    modules: dict[str, list[str]] = {}
    for name, module in _TYPES.items():
        if re.search(rf"\b{name}\b", body):
            modules.setdefault(module, []).append(name)
    imports = "\n".join(
        f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(modules.items())
    )
    names = "\n".join(f'    "{name}",' for name in sorted(each.name for each in _ALL))
    return (
        '"""Options as typed keywords, for type checkers and editors: tools/write_keywords.py writes this file."""\n\n'
        "from __future__ import annotations\n\nimport os\nfrom typing import Literal, TypedDict\n\n"
        f"{imports}\n\n__all__ = [\n{names}\n]\n\n\n{body}\n"
    )


def _class_text(keywords: Keywords) -> str:
    what = keywords.what if " " in keywords.what else f"Keywords of :func:`genlock.{keywords.what}`"
    lines = [f"class {keywords.name}({keywords.base}, total=False):", f'    """{what}."""', ""]
    for name, kind, words in _options_of(keywords):
        lines += [f"    {name}: {kind}", f'    """{words}"""']
    return "\n".join(lines)


def _options_of(keywords: Keywords) -> list[tuple[str, str, str]]:
    """Name, type and words of each option that the class itself declares."""
    tree = ast.parse((ROOT / "src" / "genlock" / keywords.file).read_text(encoding="utf-8"))
    found = next(
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == keywords.options
    )
    options = []
    for node, after in zip(found.body, [*found.body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        name, kind = node.target.id, ast.unparse(node.annotation)
        if name in ("reading", "sampling", *keywords.own):
            continue
        words = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            words = str(after.value.value).replace("\\", "\\\\")
        options.append((name, _kind(name, kind.replace("'", '"')), words))
    return options


def _kind(name: str, kind: str) -> str:
    """The type as a caller may give it: paths as Path, sequences as tuples."""
    annotated = re.fullmatch(r"Annotated\[(.+?), tyro.*\]", kind)
    kind = _NUMBERS.get(name, annotated[1] if annotated else kind)
    return kind.replace("str", "str | os.PathLike[str]") if name in _PATHS else kind


if __name__ == "__main__":
    TARGET.write_text(keywords_text(), encoding="utf-8")
    print(TARGET.relative_to(ROOT))
