"""What is seen of a mouth from outside and inside: lips, dark, teeth and tongue, for any drawn face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genlock.animation.brush import Brush, curve, ellipse, mixed
from genlock.animation.faces.base import MouthShape, Points
from genlock.drawing.canvas import Colour

__all__ = ["MouthColours", "draw_mouth", "inside_of", "smooth_ring"]

#: Openings below this, in eye distances, are drawn as a line between the lips.
_A_LINE = 0.012
_ACROSS = np.linspace(-1, 1, 13)


@dataclass(frozen=True)
class MouthColours:
    """What a mouth is painted with."""

    lip: Colour
    lip_dark: Colour
    lip_light: Colour
    inside: Colour = (74, 20, 30)
    tongue: Colour = (212, 96, 106)
    teeth: Colour = (252, 250, 244)


def smooth_ring(ring: Points, steps: int = 4) -> Points:
    """The outline of a ring of lips [20, 2], smooth but for its two corners, [M, 2]."""
    upper = curve(ring[:11], closed=False, steps=steps)
    lower = curve(np.concatenate([ring[10:], ring[:1]]), closed=False, steps=steps)
    return np.concatenate([upper[:-1], lower[:-1]])


def draw_mouth(
    brush: Brush,
    mouth: MouthShape,
    colours: MouthColours,
    rest: float,
    depth: float = -0.12,
    lips: bool = True,
) -> None:
    """Lips, and what lies between them.

    Parameters
    ----------
    rest : y at which the lips meet while the mouth is shut: the upper teeth hang from there
    lips : whether the lips themselves are painted
    """
    outer, inner = smooth_ring(mouth.outer), smooth_ring(mouth.inner)
    if lips:
        brush.fill(outer, colours.lip, depth)
        _shine(brush, mouth, colours, depth)
    if mouth.opening < _A_LINE:
        middle = 0.5 * (mouth.inner[:11] + np.concatenate([mouth.inner[:1], mouth.inner[19:9:-1]]))
        brush.stroke(curve(middle, closed=False, steps=4), colours.lip_dark, 0.026, depth, taper=0.75)
        return
    inside_of(brush, mouth, inner, colours, rest, depth)
    brush.line(np.concatenate([inner, inner[:1]]), mixed(colours.lip, colours.lip_dark, 0.7), 0.008, depth)


def inside_of(
    brush: Brush, mouth: MouthShape, inner: Points, colours: MouthColours, rest: float, depth: float
) -> None:
    """Paint the dark, the tongue and both rows of teeth within the inner lips."""
    behind = brush.within(inner, depth)
    if behind is None:
        return
    inner_brush = behind.brush
    left, right = mouth.inner[:, 0].min(), mouth.inner[:, 0].max()
    middle, half = 0.5 * (left + right), 0.5 * (right - left)
    top, floor = mouth.inner[:, 1].min(), mouth.inner[:, 1].max()
    room = floor - top
    inner_brush.fill(
        [(left - 1, top - 1), (right + 1, top - 1), (right + 1, floor + 1), (left - 1, floor + 1)],
        colours.inside,
        depth,
    )
    tongue = floor + 0.02 - min(0.42 * room, 0.2)
    inner_brush.fill(ellipse((middle, tongue + 0.16), (0.62 * half, 0.16)), colours.tongue, depth)
    inner_brush.line(
        [(middle, tongue + 0.05), (middle, tongue + 0.3)],
        mixed(colours.tongue, colours.inside, 0.35),
        0.02,
        depth,
    )
    teeth = min(0.085, 0.55 * room)
    edge = max(rest - 0.03, top) + teeth
    inner_brush.fill(_row(middle, 0.86 * half + 0.03, rest - 0.3, edge, 0.05), colours.teeth, depth)
    shade = mixed(colours.teeth, colours.inside, 0.16)
    inner_brush.line([(middle, edge - 0.5 * teeth), (middle, edge + 0.01)], shade, 0.008, depth)
    if room > 0.16:
        low = floor - 0.035
        inner_brush.fill(
            _row(middle, 0.62 * half, low + 0.3, low, -0.03), mixed(colours.teeth, colours.inside, 0.2), depth
        )
    # The upper lip throws a shadow on the teeth.
    rim = curve(mouth.inner[:11], closed=False, steps=4)
    inner_brush.line(np.add(rim, [0, 0.012]), mixed(colours.teeth, colours.inside, 0.4), 0.02, depth)
    behind.done()


def _row(middle: float, half: float, back: float, edge: float, bend: float) -> Points:
    """A row of teeth from far behind the lip to its edge, which bends up (or down) to the sides."""
    ends = edge - bend * _ACROSS**2
    rim = np.column_stack([middle + half * _ACROSS, ends])
    return np.concatenate([rim, [(middle + half, back), (middle - half, back)]])


def _shine(brush: Brush, mouth: MouthShape, colours: MouthColours, depth: float) -> None:
    """Upper lip a little darker, light on the lower one."""
    upper = np.concatenate([mouth.outer[:11], mouth.inner[10::-1]])
    brush.fill(upper, mixed(colours.lip, colours.lip_dark, 0.22), depth)
    low = 0.45 * mouth.outer[13:18] + 0.55 * mouth.inner[13:18]
    brush.stroke(curve(low, closed=False, steps=3), colours.lip_light, 0.02, depth, taper=0.9)
