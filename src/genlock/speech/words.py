"""Words with times on a clock: what recognition and alignment of speech give."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from html import escape
from importlib import import_module
from typing import Any, Literal, overload

from genlock.core import Span, Spans
from genlock.core.errors import FormatError, OptionError
from genlock.core.one_line import LONGEST, one_line, shortened
from genlock.core.time import Exact, exact, fraction_text
from genlock.speech.text_check import TextCheck

__all__ = ["Status", "Word", "Words"]

Status = Literal["aligned", "unaligned"]

_SHOWN = 100  # words in the table of a notebook


@dataclass(frozen=True)
class Word:
    """One word as it was written, and where it is spoken.

    >>> Word("Hello,", "0.5", "0.82", confidence=0.97).duration
    Fraction(8, 25)
    >>> str(Word("♪", reason="nothing to say"))
    '         -          -  ♪  (nothing to say)'

    Raises
    ------
    OptionError
        If only one of start and end is given, the end lies before the start, the confidence or
        the probability outside 0...1, a word without times has no reason, or the speaker's name is empty.
    """

    text: str
    """The word as written, with its punctuation and case."""
    start: Fraction | None = None
    """First instant, in exact seconds on the clock; None if unaligned."""
    end: Fraction | None = None
    """First instant after it, in exact seconds; None if unaligned."""
    confidence: float | None = None
    """How sure it is that this word is spoken there, 0...1; None if unaligned."""
    reason: str | None = None
    """Why the word has no times; None if it has."""
    within_50ms: float | None = None
    """Probability that both edges lie within 50 ms of the truth, if this word is spoken there, 0...1; None if
    unaligned, or if nothing here knows it."""
    speaker: str | None = None
    """Who says it, such as ``face0``; None if nobody was asked, or who says it is not known."""

    __repr__ = one_line

    def __init__(
        self,
        text: str,
        start: Exact | None = None,
        end: Exact | None = None,
        confidence: float | None = None,
        reason: str | None = None,
        within_50ms: float | None = None,
        speaker: str | None = None,
    ) -> None:
        low, high = (None if t is None else exact(t) for t in (start, end))
        if (low is None) != (high is None):
            raise OptionError(f"the word {text!r} has only one of start and end")
        if low is not None and high is not None and high < low:
            raise OptionError(
                f"the word {text!r} ends at {float(high)} s, before its start at {float(low)} s"
            )
        if confidence is not None and not 0 <= confidence <= 1:
            raise OptionError(f"the confidence {confidence} of the word {text!r} lies outside 0...1")
        if within_50ms is not None and not 0 <= within_50ms <= 1:
            raise OptionError(f"the probability {within_50ms} of the word {text!r} lies outside 0...1")
        if low is None and not reason:
            raise OptionError(f"the word {text!r} has no times and no reason for that; say why")
        if speaker == "":
            raise OptionError(f"the speaker of the word {text!r} has no name; give one, or None")
        for name, value in zip(
            ("text", "start", "end", "confidence", "reason", "within_50ms", "speaker"),
            (text, low, high, confidence, reason, within_50ms, speaker),
            strict=True,
        ):
            object.__setattr__(self, name, value)

    @property
    def status(self) -> Status:
        """``aligned`` if the word has times, else ``unaligned``."""
        return "unaligned" if self.start is None else "aligned"

    @property
    def duration(self) -> Fraction | None:
        """``end - start``, in exact seconds; None if unaligned."""
        return None if self.start is None or self.end is None else self.end - self.start

    def shifted(self, seconds: Exact) -> Word:
        """The same word, later by so many exact seconds."""
        if self.start is None or self.end is None:
            return self
        by = exact(seconds)
        return replace(self, start=self.start + by, end=self.end + by)

    def to_dict(self) -> dict[str, Any]:
        """A JSON form: readable seconds, and the exact ones as text."""
        return {
            "text": self.text,
            "start_seconds": None if self.start is None else float(self.start),
            "end_seconds": None if self.end is None else float(self.end),
            "status": self.status,
            "confidence": self.confidence,
            "reason": self.reason,
            "within_50ms": self.within_50ms,
            "speaker": self.speaker,
            "start": None if self.start is None else fraction_text(self.start),
            "end": None if self.end is None else fraction_text(self.end),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Word:
        """The word that :meth:`to_dict` described. Raises FormatError if the mapping is none."""
        try:
            times = data["text"], data["start"], data["end"]
            return cls(
                *times, data["confidence"], data["reason"], data.get("within_50ms"), data.get("speaker")
            )
        except (KeyError, TypeError) as error:
            raise FormatError(f"{data!r} is not a word that genlock wrote") from error

    def __str__(self) -> str:
        times = "".join(f"{'-':>10} " if t is None else f"{float(t):10.3f} " for t in (self.start, self.end))
        return f"{times} {self.text}" + (f"  ({self.reason})" if self.reason else "")


@dataclass(frozen=True)
class Words(Sequence[Word]):
    """Words in the order of the text.

    >>> words = Words([Word("bin", 1, "1.2", 0.9), Word("-", reason="nothing to say")], clock="media")
    >>> len(words), len(words.spans), words.share_aligned
    (2, 1, 0.5)
    """

    items: tuple[Word, ...] = ()
    """The words. Those with times start no earlier than the one before them ends."""
    clock: str = "media"
    """Name of the time axis."""
    recognizer: str | None = None
    """What recognised the words, or found the anchors of a long text; None if nothing did."""
    aligner: str | None = None
    """What put them on the clock; None if nothing did."""
    language: str = "en"
    """Language of the speech, ISO 639-1."""
    reason: str | None = None
    """Why the result as a whole cannot be trusted, or is empty; None if nothing speaks against it."""
    check: TextCheck | None = None
    """How the text compares with what was recognised; None if nothing was compared."""
    language_probability: float | None = None
    """How sure it is that this language is spoken, 0...1, where it was found out; None where it was told."""
    at_once: tuple[tuple[Fraction, Fraction], ...] = ()
    """Where somebody else speaks at once, or music plays: start and end in exact seconds. Words there are less sure."""

    def __repr__(self) -> str:
        timed = [word for word in self if word.start is not None and word.end is not None]
        parts = [f"{len(self)} word{'' if len(self) == 1 else 's'}"]
        if timed:
            parts.append(f"{float(timed[0].start or 0):.3f} to {float(timed[-1].end or 0):.3f} s")
        if len(timed) < len(self):
            parts.append(f"{len(self) - len(timed)} without times")
        parts.append(self.language)
        parts += [f"recognised by {self.recognizer}"] if self.recognizer else []
        parts += [f"aligned by {self.aligner}"] if self.aligner else []
        told = f"Words({', '.join(parts)})"
        room = LONGEST - len(told) - len(": ''")
        said = shortened(" ".join(word.text for word in self.items[:20]), min(room, 48))
        return f"{told[:-1]}: {said!r})" if said and room > 48 else told

    def __init__(
        self,
        items: Sequence[Word] = (),
        clock: str = "media",
        recognizer: str | None = None,
        aligner: str | None = None,
        language: str = "en",
        reason: str | None = None,
        check: TextCheck | None = None,
        language_probability: float | None = None,
        at_once: Sequence[tuple[Exact, Exact]] = (),
    ) -> None:
        words = tuple(items)
        last: Fraction | None = None
        for word in words:
            if word.start is None or word.end is None:
                continue
            if last is not None and word.start < last:
                raise OptionError(
                    f"words must be in order and apart, but {word.text!r} starts at {float(word.start):.6f} "
                    f"s, before the word before it ends at {float(last):.6f} s"
                )
            last = word.end
        names = (
            "items",
            "clock",
            "recognizer",
            "aligner",
            "language",
            "reason",
            "check",
            "language_probability",
            "at_once",
        )
        together = tuple((exact(start), exact(end)) for start, end in at_once)
        values = (words, clock, recognizer, aligner, language, reason, check, language_probability, together)
        for name, value in zip(names, values, strict=True):
            object.__setattr__(self, name, value)

    @classmethod
    def none(cls, clock: str, reason: str, text: str | None = None, language: str = "en") -> Words:
        """No word with times, for one reason; the words of ``text``, if any, come back unaligned.

        >>> print(Words.none("media", "the file has no sound", "Good morning"))
                 -          -  Good
                 -          -  morning
        note: the file has no sound
        """
        words = [Word(token, reason=reason) for token in (text or "").split()]
        return cls(words, clock, language=language, reason=reason)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Word]:
        return iter(self.items)

    @overload
    def __getitem__(self, index: int) -> Word: ...
    @overload
    def __getitem__(self, index: slice) -> Words: ...
    def __getitem__(self, index: int | slice) -> Word | Words:
        if isinstance(index, slice):
            return replace(self, items=self.items[index])
        return self.items[index]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the words to a file, in the form that its ending names: .srt, .vtt, .TextGrid, .json and so on.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Words([Word("bin", 1, 2)]).save(f"{folder}/bin.txt")
        ...     print(open(f"{folder}/bin.txt").read().strip())
        bin

        Raises
        ------
        OptionError
            If the ending is unknown.
        OutputError
            If the file cannot be written; nothing is left of it.
        """
        # What writes subtitles is made of words itself.
        import_module("genlock.speech.subtitles").write_words(self, path)

    def _repr_html_(self) -> str:
        """A table for notebooks, of the first hundred."""
        rows = "".join(
            f"<tr><td>{'' if w.start is None else f'{float(w.start):.3f}'}</td>"
            f"<td>{'' if w.end is None else f'{float(w.end):.3f}'}</td>"
            f"<td style='text-align:left'>{escape(w.text)}</td>"
            f"<td style='text-align:left'>{escape(w.reason or '')}</td></tr>"
            for w in self.items[:_SHOWN]
        )
        more = f"<p>and {len(self) - _SHOWN} more</p>" if len(self) > _SHOWN else ""
        head = "<tr><th>start</th><th>end</th><th>word</th><th></th></tr>"
        note = f"<p>{escape(self.reason)}</p>" if self.reason else ""
        return f"<table>{head}{rows}</table>{more}{note}"

    @property
    def spans(self) -> Spans:
        """The words that have times, as Spans."""
        return Spans(
            [
                Span(w.start, w.end, w.text, w.confidence)
                for w in self
                if w.start is not None and w.end is not None
            ],
            self.clock,
            "words",
        )

    @property
    def share_aligned(self) -> float:
        """The share of words that have times, 0...1; 0 if there are none."""
        return sum(w.start is not None for w in self) / len(self) if len(self) else 0.0

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who says them, as far as that is known, in the order in which they begin to speak."""
        return tuple(dict.fromkeys(w.speaker for w in self if w.speaker is not None))

    def of_speaker(self, name: str) -> Words:
        """The words of one speaker alone.

        >>> Words([Word("Hi", 0, 1, speaker="Anna"), Word("there", 1, 2)]).of_speaker("Anna").text
        'Hi'
        """
        return replace(self, items=tuple(word for word in self if word.speaker == name))

    def said_by(self, speakers: Sequence[str | None]) -> Words:
        """The same words, each with who says it.

        Parameters
        ----------
        speakers : one for each word; None: that is not known

        Raises OptionError if there are more or fewer than words.

        >>> Words([Word("Hi", 0, 1), Word("there", 1, 2)]).said_by(["Anna", None]).speakers
        ('Anna',)
        """
        if len(speakers) != len(self):
            raise OptionError(f"{len(speakers)} speakers were given for {len(self)} words; give one for each")
        spoken = zip(self, speakers, strict=True)
        return replace(self, items=tuple(replace(word, speaker=speaker) for word, speaker in spoken))

    @property
    def text(self) -> str:
        """The words with single spaces between them."""
        return " ".join(w.text for w in self)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know before using the result, in sentences; empty if all is well."""
        notes = [str(self.check)] if self.check is not None and self.check.differs else []
        notes += [self.reason] if self.reason and self.reason not in notes else []
        if self.at_once:
            shown = ", ".join(f"{float(start):.1f} to {float(end):.1f} s" for start, end in self.at_once[:3])
            more = f" and {len(self.at_once) - 3} more" if len(self.at_once) > 3 else ""
            notes.append(f"another voice or music sounds at once: {shown}{more}; words there are less sure")
        missing = [w for w in self if w.start is None and w.reason != self.reason]
        for reason in dict.fromkeys(w.reason for w in missing):
            texts = [repr(w.text) for w in missing if w.reason == reason]
            shown = ", ".join(texts[:5]) + (f" and {len(texts) - 5} more" if len(texts) > 5 else "")
            notes.append(f"no times for {shown}: {reason}")
        return tuple(notes)

    def shifted(self, seconds: Exact) -> Words:
        """The same words, later by so many exact seconds."""
        by = exact(seconds)
        check = None if self.check is None else self.check.shifted(by)
        at_once = tuple((start + by, end + by) for start, end in self.at_once)
        return replace(self, items=tuple(w.shifted(by) for w in self), check=check, at_once=at_once)

    def to_dict(self) -> dict[str, Any]:
        """``words[]``, ``recognizer``, ``aligner``, ``language`` with its probability, ``reason``, ``clock``,
        ``text_check``, ``at_once[]``."""
        return {
            "words": [w.to_dict() for w in self],
            "recognizer": self.recognizer,
            "aligner": self.aligner,
            "language": self.language,
            "language_probability": self.language_probability,
            "reason": self.reason,
            "clock": self.clock,
            "text_check": None if self.check is None else self.check.to_dict(),
            "at_once": [
                {
                    "start_seconds": float(s),
                    "end_seconds": float(e),
                    "start": fraction_text(s),
                    "end": fraction_text(e),
                }
                for s, e in self.at_once
            ],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Words:
        """The words that :meth:`to_dict` described. Raises FormatError if the mapping is none."""
        try:
            items = [Word.from_dict(w) for w in data["words"]]
            found = data.get("text_check")
            check = None if found is None else TextCheck.from_dict(found)
            names = ("clock", "recognizer", "aligner", "language", "reason")
            given: dict[str, Any] = {name: data[name] for name in names}
            together = [(span["start"], span["end"]) for span in data.get("at_once", ())]
            sure = data.get("language_probability")
            return cls(items, **given, check=check, language_probability=sure, at_once=together)
        except (KeyError, TypeError) as error:
            raise FormatError(
                f"this is not a list of words that genlock wrote: {error!r} is missing"
            ) from error

    def __str__(self) -> str:
        first = [str(self.check)] if self.check is not None and self.check.differs else []
        # What keeps all of them from having times is said once, in the note.
        each = [str(word).removesuffix(f"  ({self.reason})") for word in self]
        lines = [*first, *each] if each else [*first, "(no words)"]
        return "\n".join(lines + [f"note: {self.reason}"] * bool(self.reason and self.reason not in first))
