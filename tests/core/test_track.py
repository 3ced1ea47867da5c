"""Track: its fields, its cuts and its texts. (Track.on has a file of its own.)"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.core import Grid, Ticks, Track
from genlock.core.errors import OptionError

from .strategies import rationals, tracks


@given(tracks(min_size=1), st.data())
def test_a_part_keeps_its_times(track: Track, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(track)))
    stop = data.draw(st.integers(first, len(track)))
    part = track.part(range(first, stop))
    assert len(part) == stop - first
    assert part.values.tobytes() == track.values[first:stop].tobytes()
    assert part.centers.tolist() == track.centers[first:stop].tolist()
    if len(part):
        assert (part.start, part.end) == track.grid.span(range(first, stop))


@given(tracks(), rationals(-3, 3, 60), rationals(0, 3, 60))
def test_between_takes_the_cells_whose_centres_lie_there(
    track: Track, start: Fraction, length: Fraction
) -> None:
    got = track.between(start, start + length)
    wanted = [k for k in range(len(track)) if start <= track.grid.center(k) < start + length]
    assert got.values.tobytes() == track.values[wanted].tobytes()


def test_what_a_track_says() -> None:
    track = Track(
        np.zeros((4, 2), np.float32), Grid(25, 1), np.array([True, True, False, True]), "mel", "dB", "0.025"
    )
    assert str(track) == (
        "mel [4, 2] float32: 25 cells per second from 1 s on clock 'media', "
        "1.000000 to 1.160000 s, 3 of 4 valid"
    )
    assert track.to_dict()["support"] == {"seconds": 0.025}
    assert track.map(np.abs, name="size").name == "size"
    assert (track.start, track.end, track.clock) == (1, Fraction(29, 25), "media")
    assert track.shifted("0.5").start == Fraction(3, 2)
    assert track.edges.tolist() == [1.0, 1.04, 1.08, 1.12, 1.16]
    whole = Track(np.zeros(1), Ticks([5], "1/10", 2), support="whole")
    assert whole.to_dict()["support"] == "whole"
    assert (whole.start, whole.end) == (Fraction(1, 2), Fraction(7, 10))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Track(np.float64(3), Grid(25)),
        lambda: Track(np.array([None, 1]), Grid(25)),
        lambda: Track(np.array(["a"]), Grid(25)),
        lambda: Track(np.array([1], "M8[s]"), Grid(25)),
        lambda: Track(np.zeros(3), 25),  # type: ignore[arg-type]
        lambda: Track(np.zeros(3), Ticks([0, 1], "1/10", 1)),
        lambda: Track(np.zeros(3), Grid(25), np.ones(2, bool)),
        lambda: Track(np.zeros(3), Grid(25), np.ones(3)),  # type: ignore[arg-type]
        lambda: Track(np.zeros(3), Grid(25), support="-1"),
        lambda: Track(np.zeros(3), Grid(25), support="all"),
        lambda: Track(np.zeros(3), Grid(25)).part(range(1, 5)),
        lambda: Track(np.zeros(3), Grid(25)).part(range(0, 3, 2)),
        lambda: Track(np.zeros(3), Grid(25)).map(lambda v: v[:2]),
    ],
)
def test_bad_tracks_are_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(OptionError):
        make()
