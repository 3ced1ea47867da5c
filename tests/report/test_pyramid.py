"""Tiles carry their grid: what is drawn at any zoom lies where the samples lie."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core import Grid
from genlock.core.errors import InputError
from genlock.report.pyramid import (
    TILE_ROWS,
    Pyramid,
    SoundFile,
    read_tile,
    write_pyramid,
    write_sound_pyramid,
)


@pytest.fixture
def sound(tmp_path: Path) -> SoundFile:
    """Noise with one click, at 44100 Hz from an odd instant; no whole number of rows at any level."""
    samples = np.random.default_rng(0).integers(-900, 900, 300_007).astype("<i2")
    samples[123_456] = 30_000
    samples.tofile(tmp_path / "sound.i16")
    return SoundFile(tmp_path / "sound.i16", 44100, Fraction(-1001, 30000))


def test_a_click_lies_in_the_row_that_says_so_at_every_level(sound: SoundFile, tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    pyramid = write_sound_pyramid(tmp_path / "w", sound)
    instant = sound.origin + Fraction(123_456, 44100)
    for level in range(pyramid.levels):
        whole = Grid(Fraction(44100, 2**level), sound.origin - Fraction(1, 2 * 44100))
        row = whole.index(instant)
        grid, first, rows = read_tile(pyramid.tile(level, row // TILE_ROWS))
        assert (grid.rate, grid.start) == (whole.rate, whole.start)
        assert rows[row - first, 1] == 30_000
        assert np.count_nonzero(rows[:, 1] == 30_000) == 1


def test_levels_are_the_extremes_of_the_samples(sound: SoundFile, tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    pyramid = write_sound_pyramid(tmp_path / "w", sound)
    samples = sound.samples(0, sound.count)
    for level in (0, 3, 6, 9):
        group = 2**level
        last = -(-sound.count // group) - 1
        _, first, rows = read_tile(pyramid.tile(level, last // TILE_ROWS))
        part = samples[first * group :]
        low = [part[k : k + group].min() for k in range(0, len(part), group)]
        high = [part[k : k + group].max() for k in range(0, len(part), group)]
        assert rows[:, 0].tolist() == low
        assert rows[:, 1].tolist() == high
        with pytest.raises(InputError, match="no tile"):
            pyramid.tile(level, last // TILE_ROWS + 1)
    for level in (-1, pyramid.levels):
        with pytest.raises(InputError, match="no tile"):
            pyramid.tile(level, 0)


def test_a_mean_leaves_out_what_is_not_known(tmp_path: Path) -> None:
    rows = np.array([[10, 0], [30, 0], [0, 8], [7, 0]] * 40, np.uint8)
    pyramid = write_pyramid(tmp_path, rows, Grid("100", "1/7"), "mean", {"label": "mel"})
    again = Pyramid(tmp_path)
    assert again.to_dict() == pyramid.to_dict()
    assert again.to_dict()["label"] == "mel"
    grid, _, values = read_tile(again.tile(1, 0))
    assert (grid.rate, grid.start) == (50, Fraction(1, 7))
    assert values[:2].tolist() == [[20, 0], [7, 8]]


def test_pieces_of_sound_follow_each_other(sound: SoundFile) -> None:
    joined = []
    for number in range(4):
        grid, first, rows = read_tile(sound.piece(number, 2))
        assert grid.center(first) == sound.origin + Fraction(first, 44100)
        joined.append(rows[:, 0])
    assert np.array_equal(np.concatenate(joined), sound.samples(0, sound.count))
    for number in (-1, 4):
        with pytest.raises(InputError, match="no piece"):
            sound.piece(number, 2)
