"""The project's own voice, by rule: every edge is exact to the sample, and it needs nothing but the package."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from genlock.core.errors import OptionError
from genlock.core.spans import Span, Spans
from genlock.synth.talkers.phone_sets import SILENCE
from genlock.synth.talkers.pronounce import words_of
from genlock.synth.talkers.voices import Manner, Spoken, Text
from genlock.synth.voice import speak as rule_voice
from genlock.synth.voice.phones import parse_phone

__all__ = ["OWN_VOICES", "OwnVoice"]

#: Mean fundamental frequency of each, in Hz; the vocal tract is one and the same.
OWN_VOICES = {"middle": 112.0, "low": 84.0, "high": 150.0, "light": 196.0}
_RATE = 48000


@dataclass(frozen=True)
class OwnVoice:
    """The formant synthesiser in :mod:`genlock.synth.voice`.

    >>> OwnVoice().speak("bin blue", "middle", Manner()).closures[0].label
    'B'
    """

    name: str = "own"
    """As in ``own:middle``."""
    licence: str = "Apache-2.0"
    """The project's."""
    phone_accuracy_seconds: Fraction = Fraction(0)
    """Exact by construction."""

    def missing(self) -> None:
        """It is always there."""

    def voices(self) -> tuple[str, ...]:
        """By how high they are."""
        return tuple(OWN_VOICES)

    def speak(self, text: Text, voice: str, manner: Manner) -> Spoken:
        """Speak; the seed draws jitter and noise."""
        if voice not in OWN_VOICES:
            raise OptionError(f"own has no voice {voice!r}; it has {', '.join(OWN_VOICES)}")
        options = rule_voice.VoiceOptions(
            rate=_RATE,
            speed=manner.speed,
            pitch_hz=OWN_VOICES[voice] * 2 ** (manner.pitch / 12),
            lead_seconds=float(manner.lead_seconds),
            tail_seconds=float(manner.tail_seconds),
            room_decibels=None,
            seed=manner.seed,
        )
        said = rule_voice.speak(words_of(text), options)
        return Spoken(
            sound=said.waveform,
            phones=_plain(said.phones),
            words=said.words.map(lambda s: Span(s.start, s.end, s.label.lower())),
            closures=_plain(said.closures),
            voice=f"{self.name}:{voice}",
            engine=self.name,
            licence=self.licence,
            phone_accuracy_seconds=self.phone_accuracy_seconds,
            seed=manner.seed,
        )


def _plain(spans: Spans) -> Spans:
    """Without stress, and with our name for silence."""

    def plain(span: Span) -> Span:
        name = parse_phone(span.label)[0]
        return Span(span.start, span.end, SILENCE if name == "SIL" else name)

    return spans.map(plain)
