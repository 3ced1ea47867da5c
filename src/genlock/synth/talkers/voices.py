"""What is spoken, and who speaks it: :class:`Spoken`, and the interface that every engine stands behind.

Phones are ARPABET as in the CMU dictionary, without stress; ``sil`` is silence. They cover the sound without a gap, and
their edges lie on samples. How far an edge may be off is stated by each engine, and measured by tests that look for the
edges in the sound itself (:mod:`genlock.synth.talkers.borders`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import DEFAULT_CLOCK, Grid
from genlock.core.one_line import one_line
from genlock.core.spans import Span, Spans
from genlock.core.time import exact, fraction_text, round_fraction
from genlock.core.track import Track
from genlock.synth.talkers.phone_sets import ARPABET, SILENCE
from genlock.synth.voice.lexicon import SpokenWord

__all__ = ["Closed", "Engine", "Manner", "Spoken", "Text", "assemble", "plain_words"]

#: What an engine is asked to speak: a text, or words with their ARPABET phones.
Text = str | Sequence[SpokenWord]
#: The first and the last sample of a closure, and the phone that it belongs to.
Closed = tuple[int, int, str]


@dataclass(frozen=True)
class Manner:
    """How a voice speaks.

    >>> Manner(speed=1.2).lead_seconds
    Fraction(1, 4)
    """

    speed: float = 1.0
    """Tempo against the voice's own, 0.5...2."""
    pitch: float = 0.0
    """Semitones above the voice's own pitch, -12...12."""
    lead_seconds: Fraction = Fraction(1, 4)
    """Silence before the first phone, in exact seconds, 0...60."""
    tail_seconds: Fraction = Fraction(1, 4)
    """Silence after the last phone, in exact seconds, 0...60."""
    seed: int = 0
    """Seed of what an engine draws; not below zero. Most draw nothing."""

    def __post_init__(self) -> None:
        for name in ("lead_seconds", "tail_seconds"):
            object.__setattr__(self, name, exact(getattr(self, name)))
        for name, low, high in (
            ("speed", 0.5, 2),
            ("pitch", -12, 12),
            ("lead_seconds", 0, 60),
            ("tail_seconds", 0, 60),
            ("seed", 0, 2**63 - 1),
        ):
            if not low <= getattr(self, name) <= high:
                raise OptionError(f"{name}={getattr(self, name)!r} lies outside {low}...{high}")


@dataclass(frozen=True, eq=False)
class Spoken:
    """A sentence as sound, and when each of its phones and words is spoken.

    >>> from genlock.synth.talkers.speaking import speak
    >>> said = speak("bin blue", "own")
    >>> [span.label for span in said.phones], said.phone_accuracy_seconds
    (['sil', 'B', 'IH', 'N', 'B', 'L', 'UW', 'sil'], Fraction(0, 1))

    Raises
    ------
    OptionError
        If the phones leave a gap, are no ARPABET, or do not cover the sound.
    """

    sound: Track
    """float32 [N], mono, on ``Grid.of_samples``."""
    phones: Spans
    """ARPABET without stress and ``sil``, from the first sample to the end of the last, without a gap."""
    words: Spans
    """Words, in lower case, each from its first phone to its last."""
    closures: Spans
    """When the mouth is shut: of stops and affricates from closing to release, of /m/ from closing to opening."""
    voice: str
    """As :func:`genlock.synth.talkers.speaking.speak` takes it: ``"espeak-ng:en-us+f3"``."""
    engine: str
    """Name of the engine."""
    licence: str
    """SPDX identifier of the licence that the sound stands under, or of its engine's where that may reach the sound."""
    phone_accuracy_seconds: Fraction
    """Edges of phones lie within this of where they are heard, in exact seconds; 0: exact by construction."""
    closures_heard: bool = False
    """True if the closures were found in the sound, False if the engine planned them."""
    gestures: Track | None = None
    """Of an engine with a mouth of its own: its positions ``[T, D]``, named by :attr:`gesture_names`."""
    gesture_names: tuple[str, ...] = ()
    """Names of the columns of ``gestures``."""
    changes: tuple[str, ...] = ()
    """What was done to the sound since it was spoken, in order."""
    seed: int = field(default=0)
    """The seed that it was spoken with."""

    __repr__ = one_line

    def __post_init__(self) -> None:
        if not len(self.phones) or not isinstance(self.sound.grid, Grid) or self.sound.values.ndim != 1:
            raise OptionError(f"{self.voice}: spoken sound is one channel on a Grid, with at least one phone")
        for before, after in pairwise(self.phones):
            if before.end != after.start:
                raise OptionError(f"{self.voice}: a gap between {before.label} and {after.label}")
        unknown = {span.label for span in self.phones} - ARPABET - {SILENCE}
        if unknown:
            raise OptionError(f"{self.voice}: {', '.join(sorted(unknown))} is no ARPABET phone")
        rate, origin = self.sound.grid.rate, self.sound.grid.center(0)
        if (self.phones[0].start, self.phones[-1].end) != (origin, origin + len(self.sound) / rate):
            raise OptionError(f"{self.voice}: the phones do not cover the sound")

    @property
    def rate(self) -> int:
        """Samples per second."""
        assert isinstance(self.sound.grid, Grid)
        return int(self.sound.grid.rate)

    @property
    def samples(self) -> npt.NDArray[np.float32]:
        """The sound, float32 [N]."""
        return np.asarray(self.sound.values, np.float32)

    @property
    def text(self) -> str:
        """The words in a row."""
        return " ".join(word.label for word in self.words)

    @property
    def copyleft(self) -> bool:
        """Whether the licence passes itself on: such sound trains no shipped weights unless a model card says why."""
        return "GPL" in self.licence

    @property
    def lips_shut(self) -> Spans:
        """The closures of /p b m/."""
        return replace(self.closures, items=tuple(c for c in self.closures if c.label in ("P", "B", "M")))

    def shifted(self, seconds: Any) -> Spoken:
        """The same, later by so many exact seconds."""
        moved = {
            name: getattr(self, name).shifted(seconds) for name in ("sound", "phones", "words", "closures")
        }
        return replace(self, **moved, gestures=self.gestures and self.gestures.shifted(seconds))

    def to_dict(self) -> dict[str, object]:
        """Everything but the samples, in a JSON form."""
        return {
            "kind": "spoken",
            "text": self.text,
            "voice": self.voice,
            "engine": self.engine,
            "licence": self.licence,
            "copyleft": self.copyleft,
            "rate": self.rate,
            "samples": len(self.sound),
            "phone_accuracy_seconds": fraction_text(self.phone_accuracy_seconds),
            "closures_heard": self.closures_heard,
            "changes": list(self.changes),
            "seed": self.seed,
            "phones": self.phones.to_dict(),
            "words": self.words.to_dict(),
            "closures": self.closures.to_dict(),
        }

    def __str__(self) -> str:
        seconds = len(self.sound) / self.rate
        return f"{self.voice}: {seconds:.2f} s, {len(self.phones)} phones: {self.text}"


class Engine(Protocol):
    """Something that speaks."""

    @property
    def name(self) -> str:
        """As in ``NAME:voice``."""

    @property
    def licence(self) -> str:
        """What :attr:`Spoken.licence` says of its sound."""

    @property
    def phone_accuracy_seconds(self) -> Fraction:
        """What :attr:`Spoken.phone_accuracy_seconds` says of its sound."""

    def missing(self) -> str | None:
        """None if it can speak on this machine, else one line that says how to get it."""

    def voices(self) -> tuple[str, ...]:
        """Names of its voices, the first being the one if none is named; empty if it is missing."""

    def speak(self, text: Text, voice: str, manner: Manner) -> Spoken:
        """Speak; equal arguments give equal samples.

        Raises
        ------
        MissingDependency, MissingModel
            If the engine, or a model that it needs, is not on this machine; the message says how to get it.
        OptionError
            If there is no such voice, nothing to say, or something that the engine cannot say.
        """


def assemble(
    samples: npt.NDArray[np.floating[Any]],
    rate: int,
    edges: Sequence[int],
    labels: Sequence[str],
    words: Sequence[tuple[int, int, str]],
    closed: Sequence[Closed],
    **fields: Any,
) -> Spoken:
    """Make a :class:`Spoken` of sample numbers.

    ``edges`` [P + 1] are the first samples of the phones and the end of the last; ``words`` are pairs of phone
    numbers (first, one after the last) with a label; ``fields`` are the remaining fields. Neighbours of silence are
    joined, phones of no length left out.
    """

    def instant(sample: int) -> Fraction:
        return Fraction(int(sample), rate)

    phones: list[Span] = []
    for first, stop, label in zip(edges, edges[1:], labels, strict=False):
        if stop <= first:
            continue
        if label == SILENCE and phones and phones[-1].label == SILENCE:
            phones[-1] = Span(phones[-1].start, instant(stop), SILENCE)
        else:
            phones.append(Span(instant(first), instant(stop), label))
    said = [Span(instant(edges[a]), instant(edges[b]), text) for a, b, text in words if edges[b] > edges[a]]
    shut = [Span(instant(first), instant(stop), label) for first, stop, label in closed if stop > first]
    return Spoken(
        sound=Track(np.asarray(samples, np.float32), Grid.of_samples(rate), name="speech"),
        phones=Spans(phones, DEFAULT_CLOCK, "phones"),
        words=Spans(said, DEFAULT_CLOCK, "words"),
        closures=Spans(shut, DEFAULT_CLOCK, "closures"),
        **fields,
    )


def framed(
    samples: npt.NDArray[np.floating[Any]], rate: int, speech: tuple[int, int], manner: Manner
) -> tuple[npt.NDArray[np.float32], int]:
    """The sound with the manner's silence before and after the speech ``[first, stop)``, and how far it moved.

    What an engine left silent there is taken away or added to; answers with the new sound and the number to add to
    every sample number of the old one.
    """
    first, stop = speech
    lead, tail = (
        round_fraction(each * rate, "nearest") for each in (manner.lead_seconds, manner.tail_seconds)
    )
    pieces = [np.zeros(max(0, lead - first)), samples[max(0, first - lead) : stop + tail]]
    missing = stop + tail - len(samples)
    return np.concatenate([*pieces, np.zeros(max(0, missing))]).astype(np.float32), lead - first


def plain_words(text: Text) -> str:
    """The text of what is to be said, in one line.

    >>> plain_words([SpokenWord("bin", ("B", "IH1", "N"), "comma"), SpokenWord("blue", ("B", "L", "UW1"))])
    'bin, blue'
    """
    if isinstance(text, str):
        return " ".join(text.split())
    marks = {"none": "", "comma": ",", "full": "."}
    return " ".join(word.text + marks[word.pause_after] for word in text)
