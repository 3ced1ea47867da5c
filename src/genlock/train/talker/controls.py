"""What needs no talker that hears the clip: a line from loudness, and what a talker says of another clip's sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.models.talker.basis import FaceBasis
from genlock.train.talker.clips import TalkingClip

__all__ = ["another_sound", "loudness_line"]

Array: TypeAlias = npt.NDArray[np.float32]


def another_sound(made: Mapping[str, Track], clips: Sequence[TalkingClip]) -> dict[str, Track]:
    """Of each clip what a talker says of the next one's sound, begun when the clip begins; by the name of the clip."""
    found = {}
    for clip, wrong in zip(clips, [*clips[1:], *clips[:1]], strict=True):
        begin, theirs = clip.cells.edge(0) - wrong.cells.edge(0), made[wrong.name]
        assert isinstance(theirs.grid, Grid)
        found[clip.name] = replace(theirs, grid=theirs.grid.shifted(begin).on_clock(clip.cells.clock))
    return found


def loudness_line(
    learnt: Sequence[TalkingClip], clips: Sequence[TalkingClip], rest: Mapping[str, Array], basis: FaceBasis
) -> dict[str, Track]:
    """Weights of each clip from its loudness alone: a straight line, fitted on the clips that were learnt from."""
    level, weights = [], []
    for clip in learnt:
        found = _loudness(clip).on(clip.cells, "sample", length=clip.length)
        use = found.valid & clip.valid
        level.append(found.values[use])
        weights.append(basis.weights(clip.points[use], rest[clip.name]))
    one = np.concatenate(level)
    design = np.stack([one, np.ones_like(one)], axis=1).astype(np.float64)
    line = np.linalg.lstsq(design, np.concatenate(weights).astype(np.float64), rcond=None)[0]
    return {
        clip.name: _loudness(clip).map(
            lambda v: np.asarray(np.stack([v, np.ones_like(v)], axis=1) @ line, np.float32)
        )
        for clip in clips
    }


def _loudness(clip: TalkingClip) -> Track:
    """Level of the first feature of the sound above its own median, smoothed over 50 ms, [N]."""
    track = next(given for given in clip.heard.values() if isinstance(given, Track))
    values = np.asarray(track.values, np.float64)
    level = np.logaddexp.reduce(values, axis=1)
    level = np.convolve(np.pad(level, 2, "edge"), np.ones(5) / 5, "valid")
    return track.map(lambda _: (level - np.median(level)).astype(np.float32))
