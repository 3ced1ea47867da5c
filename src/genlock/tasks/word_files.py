"""Word files beside films: which there will be, and which are there already."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlock.core.errors import OptionError
from genlock.core.one_line import one_line
from genlock.media.opening import is_url
from genlock.speech.subtitles import FORMS
from genlock.tasks.files import own_name, result_folder

__all__ = ["PassedOver", "are_done", "word_files"]


def word_files(files: Sequence[str], output: str | None, forms: str) -> Mapping[str, tuple[Path, ...]]:
    """The files to write for each film: NAME.srt and so on, beside it or in a folder.

    Films whose names differ in the ending only keep it; those of one name in several folders get letters of their own.

    Raises OptionError if a form is unknown.

    >>> found = word_files(["a/talk.mp4", "b/talk.mp4", "b/song.mov"], None, "srt,vtt")
    >>> [str(path) for paths in found.values() for path in paths]
    ['a/talk.srt', 'a/talk.vtt', 'b/talk.srt', 'b/talk.vtt', 'b/song.srt', 'b/song.vtt']
    >>> str(word_files(["a/talk.mp4", "a/talk.mov"], "out", "srt")["a/talk.mov"][0])
    'out/talk.mov.srt'
    """
    endings = [_ending(form) for form in forms.split(",")]
    places = {file: _place(file, output) for file in files}
    stems = {file: places[file] / result_folder(file, None).stem for file in files}
    named = {file: places[file] / Path(file).name for file in files}
    chosen = {}
    for file in files:
        stem = stems[file]
        if sum(other == stem for other in stems.values()) > 1:
            stem = named[file]
        if sum(other == stem for other in named.values()) > 1:
            stem = stem.with_name(f"{stem.name}-{own_name(file)}")
        chosen[file] = tuple(stem.with_name(f"{stem.name}{ending}") for ending in endings)
    return chosen


def _ending(form: str) -> str:
    wanted = "." + form.strip().lower().lstrip(".")
    for known in FORMS:
        if known.lower() == wanted:
            return known
    raise OptionError(
        f"--forms {form.strip()!r} is unknown; name some of {', '.join(f.lstrip('.') for f in FORMS)}"
    )


def _place(file: str, output: str | None) -> Path:
    if output is not None:
        return Path(output)
    return Path() if is_url(file) else Path(file).parent


def are_done(file: str, written: Sequence[Path], *sources: str | None) -> bool:
    """Whether all files of a film are there, and no older than the film and what else they were made of."""
    if is_url(file) or not all(path.is_file() for path in written):
        return False
    made_of = [file, *(source for source in sources if source is not None and os.path.isfile(source))]
    oldest = min(path.stat().st_mtime_ns for path in written)
    return oldest >= max(os.stat(source).st_mtime_ns for source in made_of)


@dataclass(frozen=True)
class PassedOver:
    """A film whose files are there already."""

    file: str
    """The film."""
    written: tuple[Path, ...]
    """Its files."""
    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``passed_over`` (true), ``written[]``."""
        return {"passed_over": True, "written": [str(path) for path in self.written]}

    def __str__(self) -> str:
        return f"{self.file}: done before ({', '.join(str(path) for path in self.written)})"
