"""What every drawn face is given, and what it gives: one frame after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.animation.life import Life
from genlock.animation.outlines import carried_lips
from genlock.core.errors import OptionError
from genlock.core.plugins import plugin_class, plugin_names
from genlock.extractors.face.pose import LIPS

__all__ = [
    "DEFAULT",
    "GROUP",
    "DrawnFace",
    "FaceFrame",
    "MouthShape",
    "face_names",
    "make_face",
    "mouth_shape",
    "rest_lips",
]

Pixels: TypeAlias = npt.NDArray[np.uint8]
Points: TypeAlias = npt.NDArray[np.float64]

#: The entry-point group of drawn faces. Each entry makes one when it is called with ``side=`` (pixels), ``seed=``.
GROUP = "genlock.faces"
#: The face that is drawn if nobody is named.
DEFAULT = "toon"

_CHIN = 152
_MOVED = [*LIPS, _CHIN]


@dataclass(frozen=True, eq=False)
class FaceFrame:
    """One frame of a face."""

    points: npt.NDArray[np.float32]
    """The mesh, float32 [468, 3], upright, in eye distances."""
    neutral: npt.NDArray[np.float32]
    """The same at rest, [468, 3]."""
    seconds: float
    """The frame's middle, since the face began."""
    blink: float = 0.0
    """How far the lids are closed, 0...1."""
    turn: Points = None  # type: ignore[assignment]
    """Yaw, pitch and roll of the head in radians, [3]."""
    gaze: Points = None  # type: ignore[assignment]
    """Where the eyes look, [2], -1...1."""
    brows: float = 0.0
    """How far the brows are lifted, -1...1."""

    def __post_init__(self) -> None:
        for name, size in (("turn", 3), ("gaze", 2)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.zeros(size))

    @classmethod
    def of(cls, points: Any, neutral: Any, seconds: float, life: Life, k: int) -> FaceFrame:
        """Frame k of a piece that lives."""
        return cls(
            points, neutral, seconds, float(life.blink[k]), life.turn[k], life.gaze[k], float(life.brows[k])
        )


class DrawnFace(Protocol):
    """Draws a face, frame by frame."""

    title: ClassVar[str]
    """One line that says what it looks like."""
    size: tuple[int, int]
    """Width and height of its frames, even numbers of pixels."""

    def draw(self, frame: FaceFrame) -> Pixels:
        """One frame, RGB uint8 [height, width, 3]: a new array each time, which is encoded while the next is drawn."""
        ...


def face_names() -> list[str]:
    """The names of the drawn faces that there are."""
    return plugin_names(GROUP)


def make_face(name: str = DEFAULT, side: int = 512, seed: int = 0) -> DrawnFace:
    """The drawn face of a name; other packages register theirs by entry points of :data:`GROUP`.

    Raises OptionError for an unknown name or a side outside 64...4096, PluginError for a broken one.
    """
    if not 64 <= side <= 4096 or side % 2:
        raise OptionError(f"a face of {side} pixels: give an even number in 64...4096")
    made: DrawnFace = plugin_class(GROUP, name, "title", "draw")(side=side, seed=seed)
    return made


@dataclass(frozen=True, eq=False)
class MouthShape:
    """The mouth of a character: where the real lips have moved, carried over to lips of another rest."""

    outer: Points
    """Outer ring from the corner on the left as seen, over the upper lip and back, [20, 2], in eye distances."""
    inner: Points
    """Inner ring, in the same order, [20, 2]; where the lips touch, both of its sides lie on one line."""
    jaw: float
    """How far the chin has fallen."""
    opening: float
    """The largest distance between the inner lips."""


def mouth_shape(
    frame: FaceFrame,
    rest_outer: Points,
    rest_inner: Points,
    gain: Sequence[float] = (1.6, 2.0),
    shut: float = 0.006,
) -> MouthShape:
    """Carry the motion of a frame's lips over to a character.

    Parameters
    ----------
    rest_outer, rest_inner : the character's lips at rest, [20, 2] each, as :class:`MouthShape` has them
    gain : how much more the character moves, across and up or down
    shut : openings of the real lips below this are none, in eye distances
    """
    # What a head does as a whole is no motion of its mouth.
    moved = np.asarray(frame.points[_MOVED, :2] - frame.neutral[_MOVED, :2], np.float64)
    across, down = gain
    outer, inner, opening = carried_lips(moved, rest_outer, rest_inner, across, down, shut)
    return MouthShape(outer, inner, down * max(float(moved[-1, 1]), -0.02), opening)


def rest_lips(
    centre: tuple[float, float], half_width: float, upper: float, lower: float, smile: float = 0.0
) -> tuple[Points, Points]:
    """Lips at rest for a character: outer ring and inner ring, [20, 2] each.

    Parameters
    ----------
    centre : middle of the closed mouth
    half_width : from there to a corner
    upper, lower : how thick the lips are in the middle
    smile : how much higher the corners lie than the middle
    """
    across = -np.cos(np.linspace(0, np.pi, 11))
    line = centre[1] - smile * across**2
    bow = np.maximum(1 - np.abs(across) ** 2.2, 0)
    # The upper lip dips in its middle.
    heart = bow * (1 - 0.16 * np.exp(-((across / 0.16) ** 2)))
    x = centre[0] + half_width * across
    top, bottom = line - upper * heart, line + lower * bow
    outer = np.column_stack([np.concatenate([x, x[9:0:-1]]), np.concatenate([top, bottom[9:0:-1]])])
    inner_x = centre[0] + 0.93 * half_width * across
    inner = np.column_stack(
        [np.concatenate([inner_x, inner_x[9:0:-1]]), np.concatenate([line, line[9:0:-1]])]
    )
    return outer, inner
