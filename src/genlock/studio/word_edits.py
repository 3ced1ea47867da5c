"""The words of a file as a person corrects them: a change is one splice, checked, saved at once, undone by another.

Times are exact: what was not touched keeps its fraction to the last digit, and a border that snaps to a frame is that
frame's edge. The first words come from the newest result; once they are changed, they are the person's, and no
result replaces them without being asked to.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, InputError, OptionError
from genlock.core.json_forms import dump_json, read_json_file, write_json
from genlock.core.time import exact
from genlock.speech import Word, Words
from genlock.speech.subtitles import LINE_LETTERS, READING_SPEED, numbered_cues
from genlock.studio.folder import MediaFile, StudioFolder
from genlock.studio.jobs.kinds import found_folder

__all__ = ["Changed", "WordEdits"]

_LONGEST_WORD = 500
_MOST_WORDS = 200_000
_KEPT = 4


class Changed(InputError):
    """The words have been changed by somebody else in the meantime."""


class WordEdits:
    """The words of every file of a folder. For several threads."""

    def __init__(self, folder: StudioFolder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        # The last ones that were read, by file and its state: of two hours, reading takes a third of a second.
        self._kept: OrderedDict[tuple[Path, int, int], tuple[Words, int]] = OrderedDict()
        # The same as they are sent.
        self._written: OrderedDict[tuple[tuple[Path, int, int] | None, bool], str] = OrderedDict()

    def words(self, file: MediaFile) -> Words:
        """The words as they stand; none where nothing has found any."""
        return self._read(file)[0]

    def document(self, file: MediaFile) -> dict[str, Any]:
        """The words, their revision, and whether a newer result is there than the one that they were made of."""
        with self._lock:
            words, revision = self._read(file)
            corrected, newer = self._own(file).exists(), self._newer(file)
        return {**words.to_dict(), "revision": revision, "corrected": corrected, "newer_result": newer}

    def columns(self, file: MediaFile) -> str:
        """The document as JSON, each property of all words as one list; ``reasons`` only of words without times."""
        with self._lock:
            words, revision = self._read(file)
            newer = self._newer(file)
            key = (self._state(file), newer)
            text = self._written.get(key)
            if text is None:
                told = {**_columns(words), "revision": revision, "newer_result": newer}
                text = self._written[key] = dump_json(told)
                while len(self._written) > _KEPT:
                    self._written.popitem(last=False)
        return text

    def cues(self, file: MediaFile) -> dict[str, Any]:
        """The words as subtitles: each with its text, its times, and which words it is made of."""
        words, revision = self._read(file)
        cues = [
            {
                "at": numbers.start,
                "count": len(numbers),
                "text": cue.text,
                "start_seconds": float(cue.start),
                "end_seconds": float(cue.end),
            }
            for numbers, cue in numbered_cues(words)
        ]
        return {"cues": cues, "revision": revision, "limits": {"speed": READING_SPEED, "line": LINE_LETTERS}}

    def splice(
        self, file: MediaFile, revision: int, at: int, count: int, words: Sequence[Mapping[str, Any]]
    ) -> int:
        """Put ``words`` into the place of words ``at`` to ``at + count`` and save; the new revision.

        Each word has ``text``, ``start`` and ``end`` (exact seconds as text, or both None) and ``confidence``.

        Raises
        ------
        Changed
            If ``revision`` is not the words' own: somebody else has changed them.
        OptionError
            If a word is none, or words would overlap or change their order.
        """
        with self._lock:
            old, now = self._read(file)
            if revision != now:
                raise Changed(
                    f"the words have been changed elsewhere (revision {now}, not {revision}): look again"
                )
            if not 0 <= at <= at + count <= len(old):
                raise OptionError(f"words {at} to {at + count} are none of the {len(old)} that there are")
            items = [*old.items[:at], *(_word(each) for each in words), *old.items[at + count :]]
            if len(items) > _MOST_WORDS:
                raise OptionError(f"{len(items)} words are more than {_MOST_WORDS}")
            fresh = replace(old, items=tuple(items))
            write_json(self._own(file), {**fresh.to_dict(), "revision": now + 1})
            return now + 1

    def take_result(self, file: MediaFile) -> None:
        """Drop the corrections (kept beside, as ``.old.json``) and take the words of the newest result."""
        with self._lock:
            own = self._own(file)
            if own.exists():
                own.replace(own.with_suffix(".old.json"))

    def _state(self, file: MediaFile) -> tuple[Path, int, int] | None:
        """The file that the words are read from, and what changes when it does; None where there is none."""
        own = self._own(file)
        source = own if own.exists() else self._source(file)
        if source is None:
            return None
        state = source.stat()
        return source, state.st_mtime_ns, state.st_size

    def _newer(self, file: MediaFile) -> bool:
        """Whether a result came after the corrections."""
        own, source = self._own(file), self._source(file)
        return own.exists() and source is not None and source.stat().st_mtime > own.stat().st_mtime

    def _read(self, file: MediaFile) -> tuple[Words, int]:
        key = self._state(file)
        if key is None:
            return Words(clock="media"), 0
        found = self._kept.get(key)
        if found is None:
            source = key[0]
            told = read_json_file(source)
            words = Words.from_dict({"clock": "media", "reason": None, **told})
            found = words, int(told.get("revision", 0)) if source == self._own(file) else 0
            self._kept[key] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def _source(self, file: MediaFile) -> Path | None:
        """The newest result with words."""
        places = (file.results / "words.json", found_folder(self._folder, file) / "words.json")
        there = [place for place in places if place.is_file()]
        return max(there, key=lambda place: place.stat().st_mtime, default=None)

    def _own(self, file: MediaFile) -> Path:
        return self._folder.own / "words" / f"{file.ident}.json"


def _columns(words: Words) -> dict[str, Any]:
    return {
        "text": [word.text for word in words],
        "start": [word.start for word in words],
        "end": [word.end for word in words],
        "confidence": [word.confidence for word in words],
        "reasons": {number: word.reason for number, word in enumerate(words) if word.start is None},
    }


def _word(told: Mapping[str, Any]) -> Word:
    """A word as a page sends it. Raises OptionError if it is none."""
    text = told.get("text")
    if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST_WORD:
        raise OptionError(f"{text!r} is no word of 1 to {_LONGEST_WORD} letters")
    times = [told.get("start"), told.get("end")]
    if any(not isinstance(time, str | None) for time in times):
        raise OptionError(f"the times of {text!r} are not exact: give them as text")
    confidence = told.get("confidence")
    if confidence is not None and (isinstance(confidence, bool) or not isinstance(confidence, int | float)):
        raise OptionError(f"the confidence {confidence!r} of {text!r} is no number")
    reason = told.get("reason")
    try:
        start, end = (None if time is None else exact(time) for time in times)
        missing = None if start is not None else str(reason or "no times were given")
        return Word(text.strip(), start, end, confidence, missing)
    except (FormatError, ValueError) as error:
        raise OptionError(f"{text!r} has no times that can be read: {error}") from error
