"""Mistakes about words and their times: of well-known code, and of our own, once each."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core import Grid
from genlock.media import read_audio
from genlock.speech.sphinx.align import SphinxAligner
from genlock.speech.sphinx.features import (
    HOP,
    SAMPLE_RATE,
    WINDOW,
    _usual_mean,
    cepstra,
    feature_grid,
    features,
)
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


@pytest.mark.parametrize(
    "token", ["2.1.3", "192.168.0.1", "4.2.1", "1.000.000", "1.2.3,4", "v2.1.3-rc1", "10.0.0.1/24"]
)
@pytest.mark.parametrize("language", ["en", "de"])
def test_figures_with_several_points_are_spoken(token: str, language: str) -> None:
    """A version, an address, a section or European thousands ended the whole command with a traceback."""
    assert tokenize(f"see {token}.", language)[1].forms


def _jfk_with_zeros(shared_data: Path, seconds: int) -> tuple[np.ndarray, str]:
    samples = read_audio(shared_data / "speech" / "jfk.flac", SAMPLE_RATE).values.reshape(-1)
    text = (
        "And so, my fellow Americans, ask not what your country can do for you, "
        "ask what you can do for your country."
    )
    return np.concatenate([samples, np.zeros(seconds * SAMPLE_RATE, np.float32), samples]), f"{text} {text}"


def test_exact_zeros_do_not_spoil_the_words_around_them(shared_data: Path) -> None:
    """Editors, gates and muted calls write exact zeros: cepstra of nothing lay far outside what the model knows."""
    samples, text = _jfk_with_zeros(shared_data, 5)
    tokens = tokenize(text)
    placed = SphinxAligner().align(samples, tokens)
    assert all(word.start is not None for word in placed)
    assert np.mean([word.confidence for word in placed]) > 0.9
    half = len(placed) // 2
    apart = Fraction(len(samples) - 5 * SAMPLE_RATE, 2 * SAMPLE_RATE) + 5
    for first, again in zip(placed[:half], placed[half:], strict=True):
        assert first.start is not None
        assert again.start is not None
        assert abs(again.start - first.start - apart) < Fraction(6, 100)


def test_zeros_count_as_the_deepest_pause_there_is() -> None:
    random = np.random.default_rng(3)
    speech = (random.normal(0, 0.1, SAMPLE_RATE)).astype(np.float32)
    level = features(np.concatenate([speech, np.zeros(SAMPLE_RATE, np.float32)]))[:, 0]
    noisy = features(np.concatenate([speech, random.normal(0, 1e-4, SAMPLE_RATE).astype(np.float32)]))[:, 0]
    assert abs(level[150:].mean() - noisy[150:].mean()) < 0.25 * (level[:90].mean() - level[150:].mean())
