"""Measures of a made face, on motions of which the truth is planted."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from genlock.core.errors import ClockError, OptionError
from genlock.core.grid import Grid, Ticks
from genlock.core.spans import Span, Spans
from genlock.core.track import Track
from genlock.extractors.face.landmarks import MESH_TO_68
from genlock.extractors.face.pose import CANONICAL_RIGID, LIPS, RIGID
from genlock.metrics.landmarks import (
    aperture_track,
    closed_level,
    closed_runs,
    closure_scores,
    gain_curve,
    lag_seconds,
    landmark_scores,
)

GRID = Grid(25)
LOWER = [LIPS.index(k) for k in (14, 87, 317, 17, 84, 314)]


def opening(times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A smooth opening between 0 and some 0.2 eye distances, without a period."""
    wave = sum(np.sin(2 * np.pi * f * times + f) for f in (1.1, 1.9, 2.7, 3.6))
    return np.asarray(0.03 * np.maximum(wave + 2, 0))


def face(times: npt.NDArray[np.float64], seed: int = 0) -> npt.NDArray[np.float64]:
    """A mesh at these instants, [T, 468, 3]: rigid points stand, the lower lip falls, the rest is somewhere."""
    still = np.random.default_rng(seed).normal(0, 0.4, (468, 3))
    still[list(RIGID)] = CANONICAL_RIGID
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    ring = np.stack([0.3 * -np.cos(turn), 0.8 - 0.02 * np.sin(turn), 0 * turn], axis=1)
    still[list(LIPS[:20])] = ring * [1.1, 1, 1]
    still[list(LIPS[20:])] = ring * [1, 0, 1] + [0, 0.8, 0]
    points = np.repeat(still[None], len(times), axis=0)
    points[:, [LIPS[k] for k in LOWER], 1] += opening(times)[:, None]
    return points


@pytest.fixture
def true() -> Track:
    return Track(face(GRID.centers(100)), GRID)


def test_the_truth_is_perfect(true: Track) -> None:
    scores = landmark_scores(true, true)
    assert scores.frames == 100
    assert scores.lmd == pytest.approx(0, abs=1e-12)
    assert scores.mouth_lmd == pytest.approx(0, abs=1e-12)
    assert scores.aperture_correlation == pytest.approx(1)
    assert scores.motion_energy == pytest.approx(1)
    assert scores.velocity_error == pytest.approx(0, abs=1e-9)
    assert scores.lag_seconds == pytest.approx(0, abs=1e-6)


def test_position_size_and_tilt_of_the_made_face_do_not_count(true: Track) -> None:
    turned = 40 * np.exp(0.3j) * (true.values[..., 0] + 1j * true.values[..., 1]) + (200 + 90j)
    made = true.map(lambda values: np.stack([turned.real, turned.imag], axis=-1))
    assert landmark_scores(true, made).lmd == pytest.approx(0, abs=1e-9)
    # The unit is the true face's eye distance, whatever the picture's pixels are.
    pixels = true.map(lambda values: values[..., :2] * 100)
    off = pixels.map(
        lambda values: np.where(
            np.isin(np.arange(468), LIPS)[None, :, None], values + np.array([5, 0]), values
        )
    )
    assert landmark_scores(pixels, off).mouth_lmd == pytest.approx(0.05)


def test_a_dead_mouth_cannot_pass(true: Track) -> None:
    mean = true.map(lambda values: np.repeat(values.mean(axis=0)[None], len(values), axis=0))
    scores = landmark_scores(true, mean)
    assert scores.aperture_correlation == 0
    assert scores.motion_energy == 0
    assert scores.lag_seconds is None
    assert scores.mouth_lmd < 0.02, "and yet its error of place is small"


@pytest.mark.parametrize("gain", [0.5, 0.8, 1.3])
def test_a_scaled_motion_has_the_square_of_its_gain(true: Track, gain: float) -> None:
    mean = true.values.mean(axis=0)
    made = true.map(lambda values: mean + gain * (values - mean))
    assert landmark_scores(true, made).motion_energy == pytest.approx(gain**2)
    curve = gain_curve(true, made, (1 / gain, 1.0))
    assert curve[0].motion_energy == pytest.approx(1)
    assert curve[0].mouth_lmd == pytest.approx(0, abs=1e-12)
    assert curve[1].mouth_lmd == pytest.approx(landmark_scores(true, made).mouth_lmd)


@pytest.mark.parametrize("late", [0.04, 0.013, -0.0275, 0.16])
@pytest.mark.parametrize("cells", [GRID, Grid("30000/1001"), Grid(50), "ticks"])
def test_a_lag_is_found_to_a_fraction_of_a_frame(late: float, cells: Grid | str) -> None:
    if isinstance(cells, str):
        steps = np.random.default_rng(4).integers(2, 7, 100)
        grid: Grid | Ticks = Ticks(np.cumsum(steps), Fraction(1, 100), 4)
    else:
        grid = cells
    times = grid.centers(100)
    true, made = Track(face(times), grid), Track(face(times - late), grid)
    found = landmark_scores(true, made).lag_seconds
    assert found == pytest.approx(late, abs=0.002)
    back = landmark_scores(made, true).lag_seconds
    assert back == pytest.approx(-late, abs=0.002)


def test_noise_lowers_the_correlation_and_raises_the_energy(true: Track) -> None:
    noise = np.random.default_rng(1).normal(0, 0.01, true.values.shape)
    noise[:, list(RIGID)] = 0
    scores = landmark_scores(true, true.map(lambda values: values + noise))
    assert 0.8 < scores.aperture_correlation < 0.999
    assert scores.motion_energy > 1.1
    assert scores.mouth_lmd == pytest.approx(0.01 * np.sqrt(np.pi / 2), rel=0.05)


def test_the_energy_of_one_motion_does_not_depend_on_the_frames() -> None:
    slow, fast = Grid(50), Grid(100)
    energies = []
    for grid, count in ((slow, 200), (fast, 400)):
        times = grid.centers(count)
        energies.append(
            landmark_scores(Track(face(times), grid), Track(face(times * 1.5), grid)).motion_energy
        )
    assert energies[0] == pytest.approx(energies[1], rel=0.03)


def test_frames_that_are_not_there_do_not_count(true: Track) -> None:
    valid = np.ones(100, bool)
    valid[20:30] = False
    values = true.values.copy()
    values[20:30] = np.nan
    scores = landmark_scores(true, replace(true, values=values, valid=valid))
    assert scores.frames == 90
    assert scores.lmd == pytest.approx(0, abs=1e-12)
    nothing = landmark_scores(true, replace(true, valid=np.zeros(100, bool)))
    assert nothing.frames == 0
    assert np.isnan(nothing.mouth_lmd)
    assert nothing.lag_seconds is None


def test_parts_of_the_mesh_do_as_well(true: Track) -> None:
    made = true.map(lambda values: np.where(values > 10, values, values * [1, 1.02, 1]))
    whole = landmark_scores(true, made)
    lips = [track.map(lambda values: values[:, list(LIPS)]) for track in (true, made)]
    assert landmark_scores(*lips).aperture_correlation == pytest.approx(whole.aperture_correlation)
    dlib = [track.map(lambda values: values[:, list(MESH_TO_68)]) for track in (true, made)]
    assert landmark_scores(*dlib).aperture_correlation > 0.99
    np.testing.assert_allclose(aperture_track(lips[0]).values, aperture_track(true).values)


def test_what_cannot_be_compared_is_refused(true: Track) -> None:
    with pytest.raises(OptionError, match="cannot be compared"):
        landmark_scores(true, true.part(range(50)))
    with pytest.raises(ClockError, match="different cells"):
        landmark_scores(true, true.shifted(Fraction(1, 100)))
    with pytest.raises(OptionError, match="say which"):
        landmark_scores(*(track.map(lambda values: values[:, :30]) for track in (true, true)))


def test_closures() -> None:
    values = np.full(100, 0.2)
    values[[10, 11, 30, 60, 61, 62, 90]] = 0.0
    aperture = Track(values, GRID)
    # The one at 0.42 s is met, the one at 1.24 s is 40 ms late, the one at 2 s is missing.
    closures = Spans([Span("0.40", "0.48", "P"), Span("1.26", "1.30", "B"), Span("2", "2.1", "M")])
    scores = closure_scores(aperture, closures, 0.02)
    assert (scores.wanted, scores.made) == (3, 2)
    assert (scores.runs, scores.false_runs) == (4, 2)
    pause = Spans([Span("2.4", "2.52", "pause")])
    assert closure_scores(aperture, closures, 0.02, pause).false_runs == 1
    speech = Spans([Span(0, "3.5", "speech")])
    assert closure_scores(aperture, closures, 0.02, pause, judged=speech).false_runs == 0
    both = scores + scores
    assert both.recall == scores.recall
    assert both.wanted == 6


def test_a_mouth_that_never_opens_closes_everywhere() -> None:
    shut = Track(np.zeros(100), GRID)
    closures = Spans([Span("0.40", "0.48", "P"), Span("2", "2.1", "M")])
    scores = closure_scores(shut, closures, 0.02)
    assert scores.recall == 1
    assert len(closed_runs(shut, 0.02)) == 1, "one run: its false share tells nothing, its energy does"


def test_closures_nobody_could_see_are_not_wanted() -> None:
    valid = np.ones(100, bool)
    valid[40:60] = False
    aperture = Track(np.full(100, 0.2), GRID, valid)
    assert closure_scores(aperture, Spans([Span("1.9", "2.0", "M")]), 0.02).wanted == 0


def test_the_closed_level_is_that_of_the_mouth() -> None:
    random = np.random.default_rng(0)
    apertures = np.concatenate([random.normal(0.01, 0.002, 30), random.uniform(0.05, 0.25, 170)])
    level = closed_level(Track(apertures, GRID))
    assert 0.015 < level < 0.05


def test_the_lag_of_one_number() -> None:
    times = GRID.centers(200)
    assert lag_seconds(Track(opening(times), GRID), Track(opening(times - 0.021), GRID)) == pytest.approx(
        0.021, abs=0.002
    )
    assert lag_seconds(Track(np.zeros(200), GRID), Track(opening(times), GRID)) is None
