"""The estimator ``syncnet``: planted offsets at several frame rates, by towers that have nothing to learn.

They hear how loud a window is and see how bright it is: clocks, signs, windows and faces that come and go are ours.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("torch")

from genlock.aligners.curves import find_peak, pool
from genlock.core.errors import MissingModel, OptionError
from genlock.core.grid import Grid
from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.lipsync.confidence import judge
from genlock.lipsync.estimators import syncnet
from genlock.lipsync.estimators.base import make_estimators, mouths_of
from genlock.lipsync.estimators.syncnet import SyncNetSync, heard_windows
from genlock.lipsync.evidence.base import Evidence, FaceEvidence

SIDE = 4
# Of the mean coefficient 0, the log energy of a frame of 400 samples: one unit of what is planted, and its zero.
LOUDER = 2.0


class Plain:
    """Towers whose numbers are the mean level of a window, times ten."""

    def hear_windows(self, windows: np.ndarray) -> np.ndarray:
        return np.asarray(10 * (windows[:, :, :1].mean(1) - self.zero) / LOUDER, np.float32)

    def see_windows(self, faces: np.ndarray) -> np.ndarray:
        levels = faces.reshape(len(faces), -1).mean(1) / 100 - 1
        return np.asarray(10 * np.convolve(levels, np.ones(5) / 5, "valid")[:, None], np.float32)

    def __init__(self) -> None:
        noise = 0.01 * np.random.default_rng(1).standard_normal(16000).astype(np.float32)
        grid = Grid(16000)
        self.zero = heard_windows(Track(noise, grid), Grid(25, "0.2"), 15).values[:, :, 0].mean()


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> SyncNetSync:
    """The estimator with those towers in the place of a file's."""
    import genlock.models.syncnet.load as load

    monkeypatch.setattr(load, "load_syncnet", lambda _: Plain())
    return SyncNetSync("any")


def evidence(offset: float, rate: object, seconds: float = 12.0, unseen: int = 0) -> Evidence:
    """A face as bright as the noise is loud; the sound is early by ``offset``."""
    chance = np.random.default_rng(7)
    steps = [chance.uniform(-1, 1) for _ in range(400)]
    planted = np.repeat(steps, chance.integers(80, 240, 400))
    at = ((np.arange(int(seconds * 16000)) / 16000 + 2 + offset) * 1000).astype(int)
    noise = np.random.default_rng(2).standard_normal(len(at))
    wave = (0.01 * noise * np.exp(planted[at] * LOUDER / 2)).astype(np.float32)
    grid = Grid(rate)  # type: ignore[arg-type]
    count = int(seconds * float(grid.rate))
    bright = planted[((grid.centers(count) + 2) * 1000).astype(int)]
    values = np.round((bright + 1) * 100).astype(np.uint8)
    valid = np.ones(count, bool)
    valid[:unseen] = False
    crops = Track(np.broadcast_to(values[:, None, None, None], (count, SIDE, SIDE, 3)).copy(), grid, valid)
    flat = Track(np.zeros(count, np.float32), grid, valid)
    lips = Track(np.zeros((count, 40, 2), np.float32), grid, valid)
    face = FaceEvidence(0, lips, flat, flat, flat, 60.0, crops)
    sound, hops = Track(wave, Grid(16000)), Grid(100)
    return Evidence(
        sound.clock, Fraction(0), Fraction(seconds), grid, Track(np.zeros((1200, 40), np.float32), hops),
        Track(np.full(1200, -20.0, np.float32), hops), (face,), None, None, Spans([]), Spans([]), (), sound,
    )  # fmt: skip


@pytest.mark.parametrize("rate", [25, 30, "30000/1001", 60])
@pytest.mark.parametrize("offset", [0.0, 0.2, -0.48])
def test_a_planted_offset_is_found_at_any_frame_rate(plain: SyncNetSync, rate: object, offset: float) -> None:
    windows = plain.windows(evidence(offset, rate))
    assert [float(window.end) for window in windows] == [6.0, 12.0]
    curves = [cue.curve for window in windows for cue in window.cues]
    peak = find_peak(pool([curve for curve in curves if curve is not None]))
    assert peak is not None
    assert not peak.at_edge
    # The centre of a window's sound lies 7.5 ms late, as published.
    assert peak.lag_seconds == pytest.approx(offset, abs=0.02)


def test_the_curve_is_the_published_distance_over_31_shifts(plain: SyncNetSync) -> None:
    plain.reach_seconds = Fraction(3, 5)
    (window,) = plain.windows(evidence(0.08, 25), 20)
    curve = window.cues[0].curve
    assert curve is not None
    assert len(curve.values) == 31
    assert np.round(curve.lags_seconds / 0.04).astype(int).tolist() == list(range(-15, 16))
    assert int(np.nanargmax(curve.values)) - 15 == 2
    # Towers in which sound and picture are alike: no distance at the right shift, some elsewhere.
    assert -2.5 < curve.values.max() <= 0
    assert np.median(curve.values) < -4


def test_a_probability_that_was_not_calibrated_is_at_most_a_half(plain: SyncNetSync) -> None:
    (window,) = plain.windows(evidence(0.08, 25), 20)
    curve = window.cues[0].curve
    assert curve is not None
    assert judge(curve, plain.trust.confidence) is not None
    assert plain.trust.most_probability == 0.5
    assert "not calibrated" in plain.trust.remark
    assert not plain.trust.follows_changes


def test_a_face_that_is_away_counts_where_it_is_seen(plain: SyncNetSync) -> None:
    first, second = plain.windows(evidence(0.2, 25, unseen=150))
    assert first.cues[0].curve is None
    assert "no face is seen" in first.cues[0].reason
    assert second.cues[0].curve is not None


def test_what_lacks_is_a_reason(plain: SyncNetSync) -> None:
    whole = evidence(0.0, 25, 3.0)
    for lacking, said in ((replace(whole, faces=()), "no face"), (replace(whole, waveform=None), "not kept")):
        (window,) = plain.windows(lacking)
        assert said in window.cues[0].reason


def test_it_is_registered_and_asks_for_whole_faces_and_a_file() -> None:
    with pytest.raises(MissingModel, match="nowhere.model"):
        make_estimators("syncnet:nowhere.model")
    with pytest.raises(OptionError, match="syncnet:syncnet_v2.model"):
        make_estimators("syncnet")
    assert mouths_of(SyncNetSync) == "mouth:syncnet/224"  # type: ignore[arg-type]
    assert syncnet.SyncNetSync.name == "syncnet"
