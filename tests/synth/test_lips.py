"""The mouth: shut when lips are shut, and nowhere else while a vowel sounds."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from genlock.core.grid import Grid
from genlock.synth import VoiceOptions, speak
from genlock.synth.voice.lips import lips_of

TEXT = "Please move my lips. Bin, beep, film, time, step."
SPEECH = speak(TEXT, VoiceOptions(rate=8000, lead_seconds=0.5, tail_seconds=0.5), origin=Fraction(1, 3))


def test_lips_are_shut_from_closing_to_opening() -> None:
    lips = lips_of([SPEECH])
    shut = [span for span in SPEECH.closures if span.label in ("P", "B", "M")]
    assert len(shut) >= 8
    for span in shut:
        inside = np.linspace(float(span.start), float(span.end), 20)
        np.testing.assert_array_equal(lips.aperture(inside), 0.0)


def test_the_mouth_is_open_in_every_stressed_vowel() -> None:
    lips = lips_of([SPEECH])
    for span in SPEECH.phones:
        if span.label.endswith("1"):
            middle = float(span.start + span.duration * Fraction(2, 5))
            assert lips.aperture(middle)[0] > 0.2, span.label


def test_it_rests_shut_and_stays_within_its_range() -> None:
    lips = lips_of([SPEECH])
    everywhere = np.linspace(-5, 20, 5001)
    assert lips.aperture(everywhere).min() == 0.0
    assert lips.aperture(everywhere).max() <= 1.0
    assert 0 <= lips.width(everywhere).min() <= lips.width(everywhere).max() <= 1
    np.testing.assert_array_equal(lips.aperture([0.0, 0.4, 19.0]), 0.0)


def test_between_two_lines_the_mouth_rests() -> None:
    # No pause belongs to either line: what lies between them is nobody's.
    line = speak("My eye.", VoiceOptions(rate=8000, lead_seconds=0, tail_seconds=0))
    rest = float(line.phones[-1].end) + np.linspace(0.2, 10, 50)
    np.testing.assert_array_equal(lips_of([line, line.shifted(20)]).aperture(rest), 0.0)


def test_a_shift_moves_the_mouth_and_nothing_else() -> None:
    at = np.linspace(0, 8, 333)
    early, late = lips_of([SPEECH]), lips_of([SPEECH], Fraction(1, 8))
    np.testing.assert_allclose(early.aperture(at), late.aperture(at + 0.125), atol=1e-9)


def test_tracks_hold_the_state_at_the_middle_of_each_cell() -> None:
    grid = Grid("30000/1001", "0.1")
    aperture, width = lips_of([SPEECH]).on(grid, 100)
    np.testing.assert_array_equal(aperture.values, lips_of([SPEECH]).aperture(grid.centers(100)))
    assert aperture.grid == width.grid == grid
