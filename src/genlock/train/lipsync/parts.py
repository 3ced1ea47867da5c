"""What the lips-sound models are trained on: clips by what they are for, and which of them can be used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.lipsync.estimators.linear import LinearOptions, lip_shapes
from genlock.lipsync.evidence.base import Evidence, FaceEvidence
from genlock.lipsync.evidence.editing import main_face

__all__ = ["Part", "Parts", "in_step", "lip_scatter", "require_enough", "talking_face", "usable"]

#: What a clip is for: to train on, to fit the confidence on, or to report on.
Part = Literal["train", "calibrate", "report"]
#: Evidence of clips by name, by what they are for.
Parts: TypeAlias = Mapping[Part, Mapping[str, Evidence]]

#: Fewer clips are too few to train or to calibrate on.
LEAST_CLIPS = 4


def require_enough(parts: Parts) -> None:
    """Raise InputError if there are too few clips with sound and a face to train or to calibrate on."""
    if min(len(parts["train"]), len(parts["calibrate"])) < LEAST_CLIPS:
        raise InputError(
            f"{len(parts['train'])} clips can be trained and {len(parts['calibrate'])} calibrated on, at least "
            f"{LEAST_CLIPS} are needed of each; give more videos with sound and a talking face"
        )


def usable(clips: Mapping[str, Evidence]) -> dict[str, Evidence]:
    """Those of the clips that have sound and a face; InputError if they are fewer than four."""
    found = {n: e for n, e in clips.items() if e.mel is not None and main_face(e) is not None}
    if len(found) < LEAST_CLIPS:
        raise InputError(
            f"{len(found)} of {len(clips)} clips have sound and a face; at least {LEAST_CLIPS} are needed"
        )
    return found


def in_step(offsets: Mapping[str, float], most_seconds: float, least: int) -> list[str]:
    """Names of the clips that lie so near to the others, sorted; InputError if they are fewer than ``least``.

    >>> in_step({"b": 0.01, "a": 0.0, "c": 0.3}, 0.15, 2)
    ['a', 'b']
    """
    names = [name for name in sorted(offsets) if abs(offsets[name]) <= most_seconds]
    if len(names) < least:
        raise InputError(
            f"{len(names)} of {len(offsets)} clips are in step with the others to {most_seconds} s, at least {least} "
            "are needed; give more clips, or such as are in step"
        )
    return names


def talking_face(clip: Evidence) -> FaceEvidence:
    """The face of a usable clip that is seen longest."""
    face = main_face(clip)
    assert face is not None
    return face


def lip_scatter(clips: Iterable[Evidence], look: LinearOptions) -> tuple[npt.NDArray[np.float64], int]:
    """Second moments of the lip shapes of all clips, [80, 80], and of how many frames they are the sum."""
    scatter, rows = np.zeros((80, 80)), 0
    for clip in clips:
        shapes, _ = lip_shapes(talking_face(clip).lips, look)
        scatter += shapes.T @ shapes
        rows += len(shapes)
    return scatter, rows
