"""A small formant synthesiser that speaks with planted times: text or phones in, sound and exact spans out.

Not a voice to live with, but one whose every boundary is known to the sample: truth for tests, and the
voice of the test card. All by rule, no recordings: what a phone is stands in ``phones``, when and how high
in ``prosody``, how the mouth moves in ``articulation``, how that sounds in ``tract``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import DEFAULT_CLOCK, Grid
from genlock.core.one_line import one_line
from genlock.core.spans import Span, Spans
from genlock.core.time import Exact, exact
from genlock.core.track import Track
from genlock.synth.signals.sounds import room_noise
from genlock.synth.voice.articulation import articulate, closure_of
from genlock.synth.voice.lexicon import SpokenWord, read_text
from genlock.synth.voice.prosody import Segment, plan_segments
from genlock.synth.voice.tract import render

__all__ = ["Speech", "VoiceOptions", "speak"]


@dataclass(frozen=True)
class VoiceOptions:
    """How to speak.

    >>> VoiceOptions(speed=1.2).pitch_hz
    112.0
    """

    rate: int = 48000
    """Samples per second, 8000...192000. (Sound above 8 kHz is not made.)"""
    speed: float = 1.0
    """Tempo, 0.5...2; 1 is about 150 words a minute."""
    pitch_hz: float = 112.0
    """Mean fundamental frequency in Hz, 60...300."""
    lead_seconds: float = 0.15
    """Silence before the first word, 0...60 s."""
    tail_seconds: float = 0.25
    """Silence after the last word, 0...60 s."""
    peak: float = 0.6
    """Largest absolute sample, above 0, at most 1."""
    room_decibels: float | None = -56.0
    """RMS of the room's quiet noise in dB of full scale, -120...-20; None: digital silence in pauses."""
    seed: int = 2
    """Seed of jitter and noise; not below zero."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("rate", 8000, 192000),
            ("speed", 0.5, 2),
            ("pitch_hz", 60, 300),
            ("lead_seconds", 0, 60),
            ("tail_seconds", 0, 60),
            ("peak", 1e-6, 1),
            ("seed", 0, 2**63),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise OptionError(f"{name}={value!r} lies outside {low}...{high}")
        if self.room_decibels is not None and not -120 <= self.room_decibels <= -20:
            raise OptionError(f"room_decibels={self.room_decibels!r} lies outside -120...-20")
        if self.rate != int(self.rate):
            raise OptionError(f"rate={self.rate!r} is not a whole number of samples per second")


@dataclass(frozen=True)
class Speech:
    """What was spoken, and when: phones cover the sound from its first sample to its end without a gap."""

    samples: npt.NDArray[np.float32]
    """Sound, float32 [n], mono, within -1...1."""
    rate: int
    """Samples per second."""
    origin: Fraction
    """Instant of sample 0, in exact seconds."""
    phones: Spans
    """ARPAbet phones with stress digits, and ``SIL``; edges lie on samples."""
    words: Spans
    """Words as they were written."""
    closures: Spans
    """When the lips or the tongue shut the mouth in stops and affricates, and when the lips do in /m/."""
    segments: tuple[Segment, ...] = field(repr=False)
    """The plan behind it, in samples."""

    __repr__ = one_line

    def __post_init__(self) -> None:
        if self.segments[-1].end != len(self.samples) or self.segments[0].start != 0:
            raise OptionError("the phones do not cover the samples")

    @property
    def waveform(self) -> Track:
        """The sound as a Track on ``Grid.of_samples``."""
        return Track(self.samples, Grid.of_samples(self.rate, self.origin, self.words.clock), name="speech")

    def shifted(self, seconds: Exact) -> Speech:
        """The same speech, later by so many exact seconds."""
        return Speech(
            self.samples,
            self.rate,
            self.origin + exact(seconds),
            self.phones.shifted(seconds),
            self.words.shifted(seconds),
            self.closures.shifted(seconds),
            self.segments,
        )

    def to_dict(self) -> dict[str, object]:
        """Everything but the samples, in a JSON form."""
        return {
            "rate": self.rate,
            "origin": str(self.origin),
            "samples": len(self.samples),
            "phones": self.phones.to_dict(),
            "words": self.words.to_dict(),
            "closures": self.closures.to_dict(),
        }

    def __str__(self) -> str:
        seconds = len(self.samples) / self.rate
        return f"{seconds:.3f} s of speech at {self.rate} Hz: {' '.join(w.label for w in self.words)}"


def speak(
    text: str | Sequence[SpokenWord],
    options: VoiceOptions | None = None,
    *,
    origin: Exact = 0,
    clock: str = DEFAULT_CLOCK,
) -> Speech:
    """Speak a text, with every boundary known to the sample.

    Parameters
    ----------
    text : str or sequence of SpokenWord
        A text of words in :data:`genlock.synth.voice.lexicon.LEXICON`, or any words with their phones.
    options : VoiceOptions, optional
    origin : exact number, optional
        Instant of the first sample, in seconds.
    clock : str, optional
        Name of the time axis of the spans.

    Returns
    -------
    Speech
        Equal input gives equal samples.

    Raises
    ------
    OptionError
        If a word or phone is unknown, or there is none.

    Examples
    --------
    >>> speech = speak("One, two.", VoiceOptions(rate=16000))
    >>> [w.label for w in speech.words], speech.phones[1].label
    (['One', 'two'], 'W')
    >>> sum(p.duration for p in speech.phones) == Fraction(len(speech.samples), 16000)
    True
    """
    how = options or VoiceOptions()
    words = read_text(text) if isinstance(text, str) else tuple(text)
    if not words:
        raise OptionError("there are no words to speak")
    segments = plan_segments(words, how.rate, how.speed, 1000 * how.lead_seconds, 1000 * how.tail_seconds)
    sound = render(articulate(segments, how.rate, how.pitch_hz), segments[-1].end, how.rate, how.seed)
    sound *= how.peak / max(float(np.abs(sound).max()), 1e-9)
    if how.room_decibels is not None:
        sound += room_noise(len(sound), how.rate, how.room_decibels, how.seed)
    start = exact(origin)
    return Speech(
        sound.astype(np.float32),
        how.rate,
        start,
        Spans([_span(s.start, s.end, s.label, how.rate, start) for s in segments], clock, "phones"),
        Spans(_word_spans(words, segments, how.rate, start), clock, "words"),
        Spans(_closures(segments, how.rate, start), clock, "closures"),
        tuple(segments),
    )


def _span(first: int, stop: int, label: str, rate: int, origin: Fraction) -> Span:
    return Span(origin + Fraction(first, rate), origin + Fraction(stop, rate), label)


def _word_spans(
    words: Sequence[SpokenWord], segments: Sequence[Segment], rate: int, origin: Fraction
) -> list[Span]:
    spans = []
    for number, word in enumerate(words):
        own = [segment for segment in segments if segment.word == number]
        spans.append(_span(own[0].start, own[-1].end, word.text, rate, origin))
    return spans


def _closures(segments: Sequence[Segment], rate: int, origin: Fraction) -> list[Span]:
    spans = []
    for segment in segments:
        if segment.phone.kind in ("stop", "affricate"):
            spans.append(_span(*closure_of(segment, rate).shut, segment.label, rate, origin))
        elif segment.phone.lips_shut:
            spans.append(_span(segment.start, segment.end, segment.label, rate, origin))
    return spans
