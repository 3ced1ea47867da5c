"""The 52 shapes of ARKit: those that are solved from the mesh or drawn, and those that are absent."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.animation.life import Life
from genlock.animation.motion import FaceMotion
from genlock.core.errors import OptionError
from genlock.core.time import round_fraction
from genlock.models.talker.basis import FaceBasis

__all__ = [
    "ARKIT",
    "ROTATIONS",
    "absent_shapes",
    "live_link_timecode",
    "rotation_rows",
    "shape_rows",
    "solved_shapes",
]

#: Names of the shapes, in the order of Live Link Face.
ARKIT: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawRight", "jawLeft", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthRight", "mouthLeft", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft",
    "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
#: What Live Link Face adds: rotations in radians.
ROTATIONS: tuple[str, ...] = (
    "headYaw", "headPitch", "headRoll", "leftEyeYaw", "leftEyePitch", "leftEyeRoll", "rightEyeYaw", "rightEyePitch",
    "rightEyeRoll",
)  # fmt: skip
_DRAWN = ("eyeBlinkLeft", "eyeBlinkRight")
# Eyes at the edge of their look are turned by this, in radians.
_LOOK = 0.35


def solved_shapes(basis: FaceBasis | None) -> tuple[str, ...]:
    """The shapes that have values, in ARKit's order: those of the basis, and the blinks.

    Raises OptionError if the basis names none.
    """
    names = () if basis is None else basis.names
    if not any(name in ARKIT for name in names):
        raise OptionError(
            "this model's face has no named shapes, so there is nothing to call by ARKit's names"
        )
    return tuple(name for name in ARKIT if name in names or name in _DRAWN)


def absent_shapes(basis: FaceBasis | None) -> tuple[str, ...]:
    """The shapes that nothing is known of, in ARKit's order."""
    solved = solved_shapes(basis)
    return tuple(name for name in ARKIT if name not in solved)


def shape_rows(motion: FaceMotion, life: Life, basis: FaceBasis) -> npt.NDArray[np.float32]:
    """Weights of :func:`solved_shapes` on each frame, 0...1, float32 [T, S]."""
    weights = basis.shape_weights(motion.points.values, motion.neutral)
    rows = dict(zip(basis.names, weights.T, strict=True))
    # A blink is drawn where the talker knows of none.
    for name in _DRAWN:
        rows[name] = np.maximum(rows.get(name, 0), life.blink)
    return np.stack([np.asarray(rows[name], np.float32) for name in solved_shapes(basis)], axis=1)


def rotation_rows(life: Life) -> npt.NDArray[np.float64]:
    """:data:`ROTATIONS` on each frame, in radians, [T, 9]."""
    none = np.zeros(len(life.blink))
    yaw, pitch = _LOOK * life.gaze[:, 0], _LOOK * life.gaze[:, 1]
    return np.stack([*life.turn.T, yaw, pitch, none, yaw, pitch, none], axis=1)


def live_link_timecode(seconds: Fraction, rate: Fraction) -> str:
    """Hours, minutes, seconds, frames and thousandths of a frame, as Live Link Face writes them.

    >>> live_link_timecode(Fraction(61, 25) + 3600, Fraction(25))
    '01:00:02:11.000'
    """
    whole = round_fraction(seconds, "floor")
    frames = round_fraction((seconds - whole) * rate * 1000, "nearest")
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}:{frames // 1000:02d}.{frames % 1000:03d}"
