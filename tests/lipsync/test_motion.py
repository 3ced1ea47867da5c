"""Motion against sound: planted offsets, their sign, and the reasons where nothing can be told."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.aligners.curves import find_peak, weighted
from genlock.core.errors import OptionError
from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.extractors.frame_cells import between_frames
from genlock.lipsync.estimators.motion import MotionOptions, MotionSync, onsets, rises, swell
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import gather
from genlock.media import Picture, Sound, encode

SECONDS = 12
HITS = np.array([0.9, 1.7, 2.1, 3.4, 4.6, 5.0, 6.3, 7.2, 7.5, 8.8, 9.9, 10.4])


def energy(seconds: np.ndarray) -> np.ndarray:
    """Bursts that set in at once and fade within a fifth of a second."""
    past = seconds[:, None] - HITS
    return np.where(past >= 0, np.exp(-np.maximum(past, 0) / 0.08), 0).sum(axis=1)


def evidence(offset: float, frames: Cells, count: int) -> Evidence:
    """Bursts of motion in two fields among steady noise, and their sound, early by the offset."""
    random = np.random.default_rng(4)
    cells = between_frames(frames)
    edges = cells.edges(count)
    # Mean over the cell, as a real difference of two frames sees it.
    fine = edges[:-1, None] + np.diff(edges)[:, None] * (np.arange(8) + 0.5) / 8
    moves = energy(fine.ravel()).reshape(count, 8).mean(axis=1)
    motion = 0.004 * random.random((count, 16))
    motion[:, 5:7] += 0.05 * moves[:, None]
    valid = np.ones(count, bool)
    valid[0] = False
    grid = Grid(100, clock="media")
    loud = 10 * np.log10(energy(grid.centers(100 * SECONDS) + offset) + 1e-4)
    mel = np.repeat(loud[:, None] * np.log(10) / 10, 40, axis=1) + 0.2 * random.random((len(loud), 40))
    return Evidence(
        clock="media",
        start=Fraction(0),
        end=Fraction(SECONDS),
        frames=None,
        mel=Track(mel, grid),
        loudness=Track(loud, grid),
        faces=(),
        luma=None,
        motion=Track(motion, cells, valid),
        flashes=Spans(),
        beeps=Spans(),
        cuts=(),
    )


def offset_of(piece: Evidence) -> float:
    (cue,) = MotionSync().cues(piece)
    assert cue.curve is not None, cue.reason
    peak = find_peak(weighted(cue.curve))
    assert peak is not None
    return peak.lag_seconds


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(60)])
@pytest.mark.parametrize("offset", [-0.31, 0.0, 0.118])
def test_a_planted_offset_is_found_with_its_sign(rate: Fraction, offset: float) -> None:
    count = int(SECONDS * rate)
    assert offset_of(evidence(offset, Grid(rate, clock="media"), count)) == pytest.approx(offset, abs=0.015)


def test_frames_of_variable_rate() -> None:
    random = np.random.default_rng(9)
    pts = np.cumsum(random.integers(20, 60, 300))
    ticks = Ticks(pts[pts < 1000 * (SECONDS - 1)], "1/1000", 40)
    assert offset_of(evidence(0.2, ticks, len(ticks))) == pytest.approx(0.2, abs=0.015)


def test_a_busy_field_that_knows_nothing_does_not_drown_the_others() -> None:
    piece = evidence(-0.15, Grid(25, clock="media"), 25 * SECONDS)
    assert piece.motion is not None
    piece.motion.values[:, 0] += 0.2  # much motion, but the same all the time
    assert offset_of(piece) == pytest.approx(-0.15, abs=0.015)


def test_through_a_real_file(tmp_path: Path) -> None:
    """A ball that starts with each hit; its sound comes 200 ms early."""
    rate, early = 25, 0.2
    middles = (np.arange(SECONDS * rate) + 0.5) / rate
    way = np.cumsum(energy(middles)) * 5
    rows, columns = np.mgrid[:96, :128]
    texture = 128 + 60 * np.sin(columns / 3) * np.sin(rows / 4)

    def frames() -> object:
        for x in way:
            ball = (rows - 48) ** 2 + (columns - 64 - 40 * np.sin(x / 12)) ** 2 < 400
            image = np.where(ball, 235, texture).astype(np.uint8)
            yield np.repeat(image[:, :, None], 3, axis=2)

    times = np.arange(SECONDS * 16000) / 16000
    noise = np.random.default_rng(1).standard_normal(len(times))
    sound = 0.1 * noise * energy(times + early) + 0.0005 * noise
    path = tmp_path / "ball.mp4"
    encode(path, Picture(frames(), rate=rate, codec="libx264"), Sound(sound, 16000, codec="aac"))
    (piece,) = gather(path, faces=None)
    assert offset_of(piece) == pytest.approx(early, abs=0.03)


def test_what_cannot_be_told_has_its_reason() -> None:
    whole = evidence(0.0, Grid(25, clock="media"), 25 * SECONDS)
    assert whole.motion is not None
    assert whole.loudness is not None

    def reason(**changes: object) -> str:
        (cue,) = MotionSync().cues(Evidence(**{**whole.__dict__, **changes}))  # type: ignore[arg-type]
        assert cue.curve is None
        return cue.reason

    assert reason(motion=None) == "there is no picture"
    assert reason(mel=None) == "there is no sound"
    assert reason(motion=whole.motion.map(lambda v: v * 0)) == "the picture hardly moves"
    assert reason(motion=whole.motion.part(range(20))) == "there is less than 1.5 s of picture"
    assert reason(loudness=whole.loudness.part(range(100))) == "there is less than 1.5 s of sound"
    assert reason(loudness=whole.loudness.map(lambda v: v * 0)) == "the sound is of one loudness throughout"
    away = whole.loudness.shifted(100), whole.mel.shifted(100) if whole.mel else None
    assert reason(loudness=away[0], mel=away[1]) == "sound and picture hardly overlap"


def test_swell_against_a_slow_reference() -> None:
    random = np.random.default_rng(0)
    ticks = Ticks(np.cumsum(random.integers(1, 9, 60)), "1/100", 3)
    track = Track(random.standard_normal((60, 3)), ticks, random.random(60) < 0.8)
    fast = swell(track, 0.5).values
    for k in range(60):
        near = (np.abs(track.centers - track.centers[k]) <= 0.25) & track.valid
        expected = track.values[k] - track.values[near].mean(axis=0) if track.valid[k] else np.zeros(3)
        assert fast[k] == pytest.approx(expected)


def test_onsets_are_where_the_sound_sets_in() -> None:
    values = np.full((100, 40), -12.0)
    values[40:70] = 0.0
    found = onsets(Track(values, Grid(100))).values[:, 0]
    assert np.flatnonzero(found > 0).tolist() == [38, 39, 40, 41]
    assert found.argmax() in (39, 40)


def test_a_rise_lies_between_the_motions_that_it_compares() -> None:
    frames = Grid(25)
    motion = Track(
        np.array([[0.0], [0.1], [0.4], [0.2]]), between_frames(frames), np.array([False, True, True, True])
    )
    found = rises(motion)
    assert found.values[:, 0] == pytest.approx([0, 0, 0.3, 0])
    assert found.valid.tolist() == [False, False, True, True]
    assert found.grid.center(2) == frames.center(1)  # motion from frames 0-1 to frames 1-2


def test_options_out_of_range() -> None:
    with pytest.raises(OptionError, match="above 0"):
        MotionOptions(reach_seconds=0)
    with pytest.raises(OptionError, match="outside 0...1"):
        MotionOptions(least_motion=2)
