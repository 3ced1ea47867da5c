"""Segments as a Synchformer is given them: bands against another implementation, instants, the middle of pictures."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.extractors.both.segments import (
    SEGMENT_SECONDS,
    STEP_SECONDS,
    bands_of_segments,
    heard_segments,
    middle_of,
)


def test_bands_are_those_of_the_published_settings() -> None:
    audio = pytest.importorskip("transformers.audio_utils")
    chance = np.random.default_rng(1)
    samples = chance.standard_normal((2, 10240)).astype(np.float32) * np.float32([[0.1], [0.001]])
    filters = audio.mel_filter_bank(513, 128, 0, 8000, 16000, norm=None, mel_scale="htk")
    window = audio.window_function(400, "hann")
    for ours, given in zip(bands_of_segments(samples), samples, strict=True):
        # Its frames are 400 long; padded to 1024 on both sides they are those of torch's stft.
        power = audio.spectrogram(
            given, window, frame_length=400, hop_length=160, fft_length=1024, power=2.0, pad_mode="reflect",
            mel_filters=filters, mel_floor=0.0,
        )  # fmt: skip
        known = np.pad(np.log(power + 1e-6), ((0, 0), (0, 1)))
        known = (known + 4.2677393) / (2 * 4.5689974)
        assert ours.shape == known.shape == (128, 66)
        assert np.abs(ours - known).max() < 2e-5


def test_a_segment_is_heard_at_its_own_instant() -> None:
    """A click 5 samples after a segment's start, in sound that itself starts late and between two ticks."""
    samples = np.zeros(32000, np.float32)
    start = Fraction(3, 10) + Fraction(1, 48000)
    sound = Track(samples, Grid(16000, start))
    click = sound.grid.index(Fraction(1), "floor") + 5
    samples[click] = 1.0
    segment = Fraction(1) - 2 * STEP_SECONDS
    known = bands_of_segments(samples[click - 5 - 10240 : click - 5][None])[0]
    bands, there = heard_segments(sound, [Fraction(1), segment, Fraction(0), start, Fraction(9)])
    assert there.tolist() == [True, True, False, True, False]
    assert np.array_equal(bands[1], known)
    assert bands[0][:, 0].mean() > bands[0][:, 10].mean()
    assert not bands[2].any()
    assert Fraction(16, 25) == SEGMENT_SECONDS


def test_the_middle_of_a_picture_is_the_published_crop() -> None:
    marked = np.zeros((256, 455, 3), np.uint8)
    marked[16, 115] = marked[239, 338] = 255
    cut = middle_of(marked)
    assert cut.shape == (224, 224, 3)
    assert cut[0, 0].all()
    assert cut[-1, -1].all()
    with pytest.raises(OptionError, match="224 x 224"):
        middle_of(np.zeros((200, 400, 3), np.uint8))


def test_sound_at_another_rate_is_refused() -> None:
    with pytest.raises(OptionError, match="sound@16000"):
        heard_segments(Track(np.zeros(9000, np.float32), Grid(8000)), [Fraction(0)])
    with pytest.raises(OptionError, match=r"\[S, 10240\]"):
        bands_of_segments(np.zeros((1, 9000), np.float32))
