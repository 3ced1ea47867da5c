"""Sound and lips on 25 frames a second: published numbers where streams begin together, own instants everywhere."""

from __future__ import annotations

import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import ClockError, OptionError
from genlock.core.grid import Grid, Ticks
from genlock.core.track import Track
from genlock.extractors.both.on_frames import (
    SOUND_LAG,
    av_frames,
    heard_on_frames,
    mouth_pictures,
    normed,
    seen_on_frames,
)
from genlock.extractors.sound.filterbank import Logfbank


def _noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(4).normal(0, 0.1, int(seconds * 16000)).astype(np.float32)


def test_where_streams_begin_together_the_numbers_are_the_published_ones() -> None:
    sound = _noise(2)
    found = heard_on_frames(Track(sound, Grid(16000)), Grid(25), 50)
    assert np.array_equal(found.values, normed(Logfbank(4)(sound).values))
    assert found.valid.all()


def test_they_are_those_of_the_public_code(shared_data: Path) -> None:
    file = shared_data.parent / "conformance" / "avhubert" / "audio_features.npz"
    if not file.is_file():
        pytest.skip("the conformance folder is not here")
    with np.load(file) as stored:
        want = stored["normalised"]
    # The folder's rule of inputs: a normal deviate drawn by the input's name.
    draw = np.random.default_rng(zlib.crc32(b"input speech wave"))
    wave = np.round(draw.standard_normal(16333).astype(np.float32) * 3000)
    found = heard_on_frames(Track((wave / 32768).astype(np.float32), Grid(16000)), Grid(25), len(want))
    assert np.abs(found.values - want).max() < 1e-4 * np.abs(want).max()


@pytest.mark.parametrize("late", [Fraction(-3, 50), Fraction(1, 80), Fraction(17, 1000), Fraction(2, 5)])
def test_a_click_is_heard_at_its_own_instant_wherever_the_streams_begin(late: Fraction) -> None:
    sound = np.zeros(48000, np.float32)
    sound[24000] = 1.0
    track = Track(sound, Grid(16000, late))
    found = heard_on_frames(track, Grid(25), 60)
    level = found.values  # each row is normed: a click is the row that differs from silence
    differs = np.abs(level - level[0]).max(axis=1) > 1e-3
    middle = late + Fraction(24000, 16000)
    heard_at = found.centers[differs] + float(SOUND_LAG)
    # Four windows span 55 ms around where a row is centred.
    assert np.all(np.abs(heard_at - float(middle)) < 0.0276)
    assert 1 <= differs.sum() <= 2


@pytest.mark.parametrize("rate", [12, Fraction(24000, 1001), 25, Fraction(30000, 1001), 60])
def test_a_mouth_is_that_of_the_nearest_frame_at_every_rate(rate: Fraction | int) -> None:
    own = Grid(rate, Fraction(1, 7))
    count = int(2 * own.rate)
    crops = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None], (count, 16, 16))
    found = seen_on_frames(Track(np.ascontiguousarray(crops), own))
    shown = found.values[:, 0, 0].astype(int)
    errors = own.centers(count)[shown] - found.centers
    assert np.abs(errors).max() <= float(own.period) / 2 + 1e-9 + max(0, 0.02 - float(own.period) / 2)
    assert found.grid.start == own.start
    assert abs(len(found) / 25 - count / float(own.rate)) <= 0.04


def test_frames_of_variable_length_and_gaps_are_not_invented() -> None:
    ticks = Ticks([0, 40, 80, 400, 440], Fraction(1, 1000), 40)
    crops = Track(np.full((5, 16, 16), 9, np.uint8), ticks, np.array([True, True, False, True, True]))
    found = av_frames(Track(_noise(0.5), Grid(16000)), crops)
    assert len(found) == 12
    assert (
        found.picture.valid.tolist() == [True] * 4 + [False] * 4 + [True] * 4
    )  # of the frame in the gap's middle


def test_what_is_not_there_is_invalid_and_wrong_input_is_told() -> None:
    found = heard_on_frames(Track(_noise(0.2), Grid(16000, Fraction(1, 5))), Grid(25), 20)
    assert found.valid.tolist() == [False] * 5 + [True] * 5 + [False] * 10
    short = av_frames(Track(_noise(0.3), Grid(16000)), Track(np.zeros((8, 96, 96), np.uint8), Grid(25)))
    assert len(short) == 8
    with pytest.raises(OptionError, match="sound@16000"):
        heard_on_frames(Track(_noise(1), Grid(8000)), Grid(25), 3)
    with pytest.raises(ClockError):
        heard_on_frames(Track(_noise(1), Grid(16000, clock="a")), Grid(25, clock="b"), 3)


def test_pictures_are_the_middle_of_the_crop_at_any_size() -> None:
    ramp = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (1, 96, 1))
    wide, narrow = mouth_pictures(ramp, 88)[0, 44], mouth_pictures(ramp, 44)[0, 22]
    assert wide.shape == (88,)
    assert np.allclose(wide[:2].mean(), narrow[0], atol=0.1)
    assert np.allclose(wide[-2:].mean(), narrow[-1], atol=0.1)
    assert not mouth_pictures(ramp, 88, np.array([False])).any()
