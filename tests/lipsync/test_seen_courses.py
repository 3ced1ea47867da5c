"""Courses of the offset in films that people met (``tests/known_issues/test_sync_seen.py`` has the whole table)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from genlock.core.grid import Grid
from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.extractors.frame_cells import between_frames
from genlock.lipsync.estimators.linear import LinearModel
from genlock.lipsync.estimators.motion import MotionSync
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import cut
from genlock.lipsync.fusion import Fusion
from genlock.lipsync.measurement import SyncMeasurement
from genlock.lipsync.summary import is_known, verdicts_of

from .planted import talker
from .test_fusion import bent, measure

Array = npt.NDArray[np.float64]
Offsets = Callable[[Array], Array]


def talk(seconds: int, offsets: Offsets, model: LinearModel) -> SyncMeasurement:
    film = talker(seconds, seed=21)
    assert film.mel is not None
    return measure(bent(film, offsets(film.mel.centers)), model)


def test_a_film_that_lost_one_frame_in_fifty_drifts(model: LinearModel) -> None:
    """16: it was told as 1111 ms late, p .99, though most of it was unknown."""
    said = talk(60, lambda seconds: -0.02 * seconds, model)
    assert said.drift_ppm == pytest.approx(-20_000, abs=100)
    assert said.drift_interval_ppm is not None
    assert said.drift_interval_ppm[0] < -20_000 < said.drift_interval_ppm[1]
    assert said.estimate.offset_seconds == pytest.approx(-0.6, abs=0.02)


def test_clips_that_lost_20_ms_each_drift_from_end_to_end(model: LinearModel) -> None:
    """They were told as 286 ms early, p .98, where the truth runs from 0 to 380."""
    said = talk(60, lambda seconds: 0.02 * np.floor(seconds / 3), model)
    assert said.drift_ppm == pytest.approx(0.02e6 / 3, abs=200)
    assert said.estimate.offset_seconds == pytest.approx(0.19, abs=0.01)
    assert {v.limit.key: v.result for v in verdicts_of(said)}["ebu_r37_emission"] == "fails"


@pytest.mark.parametrize("seconds", [60, 150])
def test_a_small_splice_is_no_sure_drift(model: LinearModel, seconds: int) -> None:
    """A splice of 50 ms was a drift of 1238 ppm, without a word that it may be a splice."""
    said = talk(seconds, lambda at: np.where(at < 0.45 * seconds, 0.0, 0.05), model)
    if len(said.segments) == 1:
        assert any("a jump at about" in note for note in said.notes)
    else:
        assert [part.offset_seconds for part in said.segments] == pytest.approx([0.0, 0.05], abs=0.01)
        assert float(said.segments[1].start) == pytest.approx(0.45 * seconds, abs=1)


def test_a_clear_drift_or_jump_is_told_without_doubt(model: LinearModel) -> None:
    for offsets in (lambda at: 2e-3 * (at - 75), lambda at: np.where(at < 60, 0.0, 0.2)):
        assert not [note for note in talk(150, offsets, model).notes if "nearly as well" in note]


def hits(seconds: int, offsets: Offsets) -> SyncMeasurement:
    """Bursts of motion at random instants and their sound, measured by motion as a collector hands them over."""
    draw = np.random.default_rng(0)
    at = np.cumsum(draw.uniform(0.3, 1.4, seconds))
    at = at[at < seconds - 1]

    def energy(instants: Array) -> Array:
        past = instants[:, None] - at
        return np.asarray(np.where(past >= 0, np.exp(-np.maximum(past, 0) / 0.08), 0).sum(axis=1))

    count, frames = 25 * seconds, Grid(25, clock="media")
    edges = between_frames(frames).edges(count)
    fine = edges[:-1, None] + np.diff(edges)[:, None] * (np.arange(8) + 0.5) / 8
    motion = 0.004 * draw.random((count, 16))
    motion[:, 5:7] += 0.05 * energy(fine.ravel()).reshape(count, 8).mean(axis=1)[:, None]
    valid = np.arange(count) > 0
    sound = Grid(100, clock="media")
    centers = sound.centers(100 * seconds)
    loud = 10 * np.log10(energy(centers + offsets(centers)) + 1e-4)
    mel = np.repeat(loud[:, None] * np.log(10) / 10, 40, axis=1) + 0.2 * draw.random((len(loud), 40))
    film = Evidence(
        clock="media",
        start=Fraction(0),
        end=Fraction(seconds),
        frames=None,
        mel=Track(mel, sound),
        loudness=Track(loud, sound),
        faces=(),
        luma=None,
        motion=Track(motion, between_frames(frames), valid),
        flashes=Spans(),
        beeps=Spans(),
        cuts=(),
    )
    fusion = Fusion(estimators=[MotionSync()])
    for start in range(0, seconds, 60):
        end = min(start + 60, seconds)
        part = cut(film, max(0, start - 2), min(seconds, end + 2))
        fusion.add(replace(part, start=Fraction(start), end=Fraction(end)))
    return fusion.finish()


@pytest.mark.parametrize(
    "offsets",
    [
        lambda at: np.where(at < 36, 0.0, 0.3),
        lambda at: np.where((at > 18) & (at < 33), 0.3, 0.0),
        lambda at: 5e-3 * (at - 30),
        lambda at: 0.04 * (at - 30),
    ],
    ids=["jump", "late stretch", "drift", "another speed"],
)
def test_motion_states_no_interval_that_excludes_how_the_offset_runs(offsets: Offsets) -> None:
    """It answered with an interval of 50 ms to either side where the truth ran over 2.4 s."""
    said = hits(60, offsets)
    assert not is_known(said)


def test_motion_of_one_offset_keeps_its_answer() -> None:
    said = hits(60, lambda at: np.full(len(at), 0.1))
    assert is_known(said)
    assert said.estimate.offset_seconds == pytest.approx(0.1, abs=0.01)
