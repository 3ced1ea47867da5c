"""Words on sound whose every boundary is planted: our own synthesiser speaks. Needs no recordings."""

from __future__ import annotations

import pytest

from genlock.metrics.timing import BoundaryErrors, boundary_errors
from genlock.speech import TrackSound, recognize_and_align
from genlock.synth.voice.speak import VoiceOptions, speak

TEXT = "One, two, three, four, five, six, seven, eight, nine, ten."


def errors(origin: str, speed: float, pitch: float) -> tuple[BoundaryErrors, BoundaryErrors]:
    speech = speak(TEXT, VoiceOptions(rate=16000, speed=speed, pitch_hz=pitch), origin=origin)
    words = recognize_and_align(TrackSound(speech.waveform), transcript=TEXT)
    assert [w.text for w in words] == TEXT.split()
    found = [(None, None) if w.start is None else (float(w.start), float(w.end or 0)) for w in words]
    return (
        boundary_errors([float(w.start) for w in speech.words], [s for s, _ in found]),
        boundary_errors([float(w.end) for w in speech.words], [e for _, e in found]),
    )


@pytest.mark.parametrize(
    ("origin", "speed", "pitch"), [("0", 1.0, 112), ("1001/30000", 0.8, 112), ("-7/3", 1.2, 140)]
)
def test_planted_words_come_back(origin: str, speed: float, pitch: float) -> None:
    starts, ends = errors(origin, speed, pitch)
    assert starts.missing <= 1
    assert starts.within(0.05) >= 0.7
    assert ends.within(0.1) >= 0.7
