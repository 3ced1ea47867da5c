"""One voice, one motion: whatever the pieces, the frame rate and the length."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tests.animation import standin

from genlock.animation.life import Life, life_at
from genlock.animation.motion import FaceMotion, closed_mouth, resting_mesh
from genlock.animation.voice import MotionReader, TalkerMover
from genlock.core.errors import InputError, OptionError
from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.track import Track
from genlock.extractors.face.mouth import aperture_of
from genlock.extractors.face.pose import LIPS
from genlock.metrics.landmarks import landmark_scores


def motion_of(cells: Cells, piece: int = 10**9, live: bool = False, gain: float = 1.0) -> FaceMotion:
    """The face of the first line on some cells, heard in pieces of so many samples."""
    mover = TalkerMover(standin.stand_in(), "stand-in")
    sound = standin.sound_16k(standin.clip(0))
    voice, reader = mover.open(Fraction(0), "media", live), MotionReader(mover, cells, gain)
    parts = [reader.push(voice.push(sound[k : k + piece])) for k in range(0, len(sound), piece)]
    parts.append(reader.finish(voice.finish(), Fraction(len(sound), 16000)))
    known = [part for part in parts if part is not None]
    values = np.concatenate([part.points.values for part in known])
    valid = np.concatenate([part.points.valid for part in known])
    return FaceMotion(Track(values, cells.part(range(len(values))), valid), mover.neutral, mover.name)


def test_pieces_change_nothing() -> None:
    whole = motion_of(Grid(25))
    for piece, live in ((1600, False), (333, False), (800, True)):
        parts = motion_of(Grid(25), piece, live)
        assert len(parts.points) == len(whole.points)
        np.testing.assert_allclose(parts.points.values, whole.points.values, atol=2e-4)
        assert (parts.points.valid == whole.points.valid).all()


def test_every_frame_of_the_sound_is_there() -> None:
    end = standin.seconds(standin.clip(0))
    motion = motion_of(Grid("30000/1001"))
    assert motion.points.end >= end > motion.points.grid.edge(len(motion.points) - 1)
    assert motion.points.valid.all()


@pytest.mark.parametrize("cells", [Grid("21.5"), Grid("30000/1001"), Grid(50), "variable"], ids=str)
def test_any_frame_rate_sees_the_same_motion(cells: Grid | str) -> None:
    steps = np.random.default_rng(2).integers(20, 70, 400)
    grid = (
        Ticks(np.concatenate([[0], np.cumsum(steps)[:-1]]), "1/1000", int(steps[-1]))
        if isinstance(cells, str)
        else cells
    )
    fine, coarse = motion_of(Grid(200)), motion_of(grid)
    seen = fine.points.on(coarse.points.grid, length=len(coarse.points))
    both = seen.valid & coarse.points.valid
    apart = np.abs(seen.values - coarse.points.values)[both][:, list(LIPS), :2]
    assert apart.max() < 0.004, "of a width of the mouth of .6; the talker's clock has 50 cells a second"
    assert np.mean(apart) < 0.0003


def test_a_voice_moves_the_face_as_it_should() -> None:
    motion = motion_of(Grid(25))
    truth = standin.clip(0).points(motion.points.grid, len(motion.points))
    scores = landmark_scores(truth, motion.points)
    assert scores.aperture_correlation > 0.85
    assert 0.7 < scores.motion_energy < 1.3
    assert scores.lag_seconds == pytest.approx(0, abs=0.015)


def test_gain_moves_more_about_rest() -> None:
    one, two = motion_of(Grid(25)), motion_of(Grid(25), gain=2)
    np.testing.assert_allclose(
        two.points.values - two.neutral, 2 * (one.points.values - one.neutral), atol=1e-5
    )


def test_no_sound_moves_nothing() -> None:
    mover = TalkerMover(standin.stand_in(), "stand-in")
    voice, reader = mover.open(Fraction(0), "media"), MotionReader(mover, Grid(25))
    with pytest.raises((InputError, OptionError)):
        reader.finish(voice.finish(), Fraction(0))


def test_a_mesh_at_rest_has_closed_lips() -> None:
    motion = motion_of(Grid(25))
    rest = resting_mesh(motion.points)
    assert float(aperture_of(rest[list(LIPS), :2])) < 0.035
    assert float(aperture_of(resting_mesh(motion.points.part(range(3)))[list(LIPS), :2])) < 1e-3
    opened = standin.NEUTRAL.copy()
    opened[[14, 87, 317], 1] += 0.1
    assert float(aperture_of(closed_mouth(opened)[list(LIPS), :2])) < 1e-6
    with pytest.raises(InputError, match="no frame"):
        resting_mesh(Track(np.zeros((3, 468, 3)), Grid(25), np.zeros(3, bool)))


def test_a_motion_has_the_whole_mesh() -> None:
    with pytest.raises(OptionError, match="468"):
        FaceMotion(Track(np.zeros((3, 68, 3)), Grid(25)), standin.NEUTRAL)


# ---------------------------------------------------------------- life


def test_life_is_a_function_of_time() -> None:
    times = Grid(25).centers(3000)
    whole = life_at(times, 5)
    for first in (0, 7, 1234):
        part = life_at(times[first : first + 40], 5)
        for name in ("blink", "turn", "gaze", "brows"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[first : first + 40])


def test_it_blinks_as_people_do_and_stays_upright() -> None:
    times = np.arange(0, 600, 0.01)
    life = life_at(times, 1)
    starts = (life.blink[1:] > 0.5) & (life.blink[:-1] <= 0.5)
    assert 10 <= starts.sum() / 10 <= 30, "blinks a minute"
    assert np.abs(life.turn).max() < np.radians(15)
    assert np.abs(np.diff(life.turn, axis=0)).max() / 0.01 < np.radians(40), "radians a second"
    assert np.abs(life.gaze).max() <= 1
    assert (life_at(times, 2).turn != life.turn).any()


def test_life_can_be_left_out() -> None:
    times = np.arange(0, 30, 0.04)
    assert not life_at(times, 1, blinks=False).blink.any()
    assert not life_at(times, 1, head=False).turn.any()
    assert not Life.none(4).blink.any()
    with pytest.raises(OptionError, match="below 0"):
        life_at(times, -1)
