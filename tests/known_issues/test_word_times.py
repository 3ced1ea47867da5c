"""Mistakes about words and their times: of well-known code, and of our own, once each."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from genlock.core import Grid
from genlock.speech.sphinx.features import HOP, SAMPLE_RATE, WINDOW, _usual_mean, cepstra, feature_grid
from genlock.speech.text import tokenize


def test_frame_number_over_a_hundred_is_not_when_a_sphinx_frame_is() -> None:
    """Its window holds samples 160 k ... 160 k + 409: "k / 100 s" puts what it saw 7.8 ms too early."""
    sphinx = Grid.of_windows(sample_rate=SAMPLE_RATE, hop=HOP, first_center=Fraction(WINDOW - 1, 2))
    assert sphinx.start == Fraction(249, 32000)  # 7.78 ms
    # Ours are centred by construction: a click at sample 160 k is loudest in frame k.
    sound = np.zeros(16000, np.float32)
    sound[160 * 40] = 0.9
    level = cepstra(sound)[:, 0]
    assert abs(int(np.flatnonzero(level > level.max() - 1).mean()) - 40) <= 1
    assert abs(feature_grid().center(40) - Fraction(160 * 40, SAMPLE_RATE)) < Fraction(1, SAMPLE_RATE)


def test_a_long_silence_does_not_shift_the_mean_of_the_cepstra() -> None:
    """Mean subtraction over a piece that is mostly silence moved every score, and words by up to half a second."""
    random = np.random.default_rng(0)
    speech, silence = (
        random.normal(10, 1, (200, 13)).astype(np.float32),
        random.normal(0, 1, (200, 13)).astype(np.float32),
    )
    some = _usual_mean(np.concatenate([speech, silence]))
    much = _usual_mean(np.concatenate([speech, *[silence] * 20]))
    assert np.abs(some - much).max() < 0.2
    assert np.allclose(_usual_mean(speech), speech.mean(axis=0), atol=0.3)


def test_digits_of_other_alphabets_are_digits() -> None:
    """``int()`` reads some of what ``str.isdigit`` accepts, and raises on the rest."""
    assert tokenize("٣")[0].forms == tokenize("3")[0].forms
    assert tokenize("²³")[0].text == "²³"
