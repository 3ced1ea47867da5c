"""Heads turned by rule: what a turn does to lips is what the extractor would see of a turned head."""

from __future__ import annotations

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.extractors.face.pose import CANONICAL_RIGID, head_pose
from genlock.train.lipsync.turned import LIPS_DEPTH, Turning, turned, turned_lips

from .planted import talker


def test_a_turned_head_is_seen_as_the_extractor_sees_it() -> None:
    """A head known in space, turned by 20 degrees: its lips in the picture, pose removed in the plane, and by rule."""
    random = np.random.default_rng(2)
    lips = np.concatenate([random.normal(0, 0.2, (40, 2)), LIPS_DEPTH[:, None]], axis=1)
    angle = np.deg2rad(20)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    head = np.concatenate([CANONICAL_RIGID, lips]) @ turn.T * 80 + [300, 200, 0]
    seen = head_pose(head[:16]).to_head(head[16:])
    track = Track(lips[None, :, :2], Grid(25))
    by_rule = turned_lips(track, np.array([angle]), np.zeros(1))
    assert np.abs(by_rule.values[0] - seen).max() < 1e-5
    assert np.abs(seen - lips[:, :2]).max() > 0.05  # a turn that changes nothing would prove nothing


def test_a_head_that_nods_moves_its_lips_and_nothing_else() -> None:
    clip = talker(4, seed=3)
    moved = turned(clip, Turning(), np.random.default_rng(1))
    before, after = clip.faces[0].lips, moved.faces[0].lips
    assert np.abs(after.values - before.values).max() > 0.01
    assert moved.mel is clip.mel
    assert after.grid == before.grid
    still = turned(clip, Turning((0, 0), (0, 0)), np.random.default_rng(1))
    assert np.abs(still.faces[0].lips.values - before.values).max() < 1e-5


def test_angles_are_as_wide_as_asked_for_at_any_frame_rate() -> None:
    turning = Turning((12, 6), (6, 4))
    random = np.random.default_rng(0)
    drawn = [np.rad2deg(turning.angles(np.arange(0, 6, 0.04), random)) for _ in range(300)]
    assert np.std([aside.mean() for aside, _ in drawn]) == pytest.approx(12, rel=0.15)
    assert np.sqrt(np.mean([aside.var() for aside, _ in drawn])) == pytest.approx(6, rel=0.25)
    fine, coarse = (
        turning.angles(np.arange(0, 4, step), np.random.default_rng(7))[0] for step in (0.02, 0.08)
    )
    assert np.allclose(fine[::4], coarse)
    with pytest.raises(OptionError, match="at least 0"):
        Turning((-1, 0))
