"""A text beside a film: NAME.txt, NAME.lab or NAME.srt is what is said in NAME.mp4, as in corpora of aligners."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from genlock.core.errors import OptionError
from genlock.media.opening import is_url
from genlock.tasks.find_words import WordOptions
from genlock.tasks.written import is_ours

__all__ = ["TEXT_ENDINGS", "require_one_film_of_text", "text_beside", "with_text_beside"]

#: Endings of the texts that are looked for, the first that is there counts.
TEXT_ENDINGS = (".txt", ".lab", ".srt")

Options = TypeVar("Options", bound=WordOptions)


def text_beside(file: str) -> str | None:
    """The text of a film that lies beside it under its name; None if there is none.

    Subtitles that Genlock wrote, and nobody changed since, are its own answer and no text of anybody's.

    >>> text_beside("no-such-film.mp4") is None
    True
    """
    if is_url(file) or file == "-":
        return None
    for ending in TEXT_ENDINGS:
        place = Path(file).with_suffix(ending)
        if place.is_file() and not is_ours(place):
            return str(place)
    return None


def with_text_beside(file: str, options: Options) -> Options:
    """Options with the text beside a film as transcript, unless one is named or the words are to be recognised so."""
    plain = WordOptions()
    by_ear = ("recognizer", "task", "initial_prompt", "hotwords")
    if options.transcript is not None or any(getattr(options, n) != getattr(plain, n) for n in by_ear):
        return options
    return replace(options, transcript=text_beside(file))


def require_one_film_of_text(files: list[str], options: WordOptions) -> None:
    """Raise OptionError if one text is named for several films."""
    if options.transcript is not None and len(files) > 1:
        raise OptionError(
            f"--transcript {options.transcript!r} is the text of one file, and {len(files)} are to be done; "
            "put NAME.txt, NAME.lab or NAME.srt beside each NAME, which is then its transcript"
        )
