"""What happens in a scene: where things lie, who strikes what when, what falls and what rolls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from genlock.synth.impacts.bodies import GROUND, Body, Drop, Roll, Striker, Swing
from genlock.synth.impacts.materials import material_of
from genlock.synth.impacts.views import View

__all__ = ["SCENES", "Ranges", "draw_drops", "draw_rolls", "draw_strikers", "place_bodies"]

#: What can happen.
SCENES = ("sticks", "drops", "sticks", "hands", "sticks", "rolls", "sticks", "silent")
_SHAPES = ("box", "plate", "can", "bar", "heap", "ball")
# Microseconds: every instant is a whole number of them.
_STEP = 1_000_000
# The longest that a thing goes on bouncing, and the shortest bounce.
_BOUNCES = 12
_SHORTEST = 0.07

Draw = np.random.Generator
Span = tuple[float, float]


@dataclass(frozen=True)
class Ranges:
    """From where sizes, speeds and materials are drawn; each span is (low, high)."""

    materials: tuple[str, ...]
    """Names."""
    sizes: tuple[Span, ...] = ((0.07, 0.16),)
    """Across, metres."""
    speeds: tuple[Span, ...] = ((0.9, 3.2),)
    """Of a blow, m/s."""
    gravity: tuple[Span, ...] = ((7.0, 12.0),)
    """m/s^2."""
    painted: float = 0.0
    """Share of things with a coat of paint."""

    @classmethod
    def of(cls, materials: tuple[str, ...], other_sizes: bool, other_speeds: bool, painted: float) -> Ranges:
        """The usual ranges, or those outside of them."""
        sizes = ((0.045, 0.06), (0.18, 0.26)) if other_sizes else ((0.07, 0.16),)
        speeds = ((0.5, 0.75), (3.8, 5.5)) if other_speeds else ((0.9, 3.2),)
        gravity = ((3.5, 5.5), (15.0, 20.0)) if other_speeds else ((7.0, 12.0),)
        return cls(materials, sizes, speeds, gravity, painted)


def between(spans: Sequence[Span], draw: Draw) -> float:
    """A number out of one of some spans."""
    low, high = spans[int(draw.integers(len(spans)))]
    return float(np.exp(draw.uniform(np.log(low), np.log(high))))


def instant(seconds: float) -> Fraction:
    """Whole microseconds."""
    return Fraction(round(seconds * _STEP), _STEP)


def place_bodies(view: View, ranges: Ranges, draw: Draw, least: bool) -> tuple[Body, ...]:
    """Up to five things that do not lie in each other; ``least``: at least one, mostly."""
    wanted = int(draw.integers(1 if least and draw.random() < 0.85 else 0, 6))
    found: list[Body] = []
    for _ in range(8 * wanted):
        if len(found) == wanted:
            break
        body = draw_body(view, ranges, draw)
        if all(
            np.hypot(*np.subtract(body.place[:2], b.place[:2])) > 0.6 * (body.size + b.size) for b in found
        ):
            found.append(body)
    # Far ones first: so they are painted.
    return tuple(sorted(found, key=lambda one: -one.place[1]))


def draw_body(view: View, ranges: Ranges, draw: Draw, shapes: Sequence[str] = _SHAPES) -> Body:
    """One thing somewhere in the picture."""
    fitting = [name for name in ranges.materials if any(_fits(shape, name) for shape in shapes)]
    material = str(draw.choice(fitting))
    shape = str(draw.choice([s for s in shapes if _fits(s, material)]))
    size = between(ranges.sizes, draw)
    tall = {"plate": 0.12, "bar": 0.2, "ball": 1.0, "heap": 0.5}.get(shape, float(draw.uniform(0.3, 1.2)))
    deep = 0.28 * view.span * view.height / view.width / max(np.sin(view.pitch), 0.35)
    place = (float(draw.uniform(-0.33, 0.33) * view.span), float(draw.uniform(-deep, deep)), 0.0)
    painted = tuple(draw.integers(20, 236, 3).tolist()) if draw.random() < ranges.painted else None
    reaction = str(draw.choice(["still", "still", "wobble", "push"]))
    if material in ("stone", "water"):
        reaction = "still"
    return Body(
        shape,
        material,
        size,
        place,
        tall * size,
        float(draw.uniform(0, 2 * np.pi)),
        int(draw.integers(2**31)),
        reaction,
        painted,
    )


def _fits(shape: str, material: str) -> bool:
    if material == "water":
        return shape in ("can", "plate")
    if material == "leaves":
        return shape in ("heap", "plate")
    if material == "cloth":
        return shape in ("heap", "plate", "ball")
    return shape != "heap" or material in ("stone", "cardboard", "skin", "ceramic")


# ---------------------------------------------------------------- strikers

_WOODS = (
    (206, 170, 120),
    (236, 214, 172),
    (150, 108, 66),
    (90, 60, 40),
    (240, 240, 236),
    (34, 32, 30),
    (180, 40, 36),
)
_SKINS = ((236, 196, 164), (216, 168, 132), (176, 124, 88), (128, 84, 58), (88, 58, 42))


def draw_strikers(
    kinds: Sequence[str],
    bodies: Sequence[Body],
    view: View,
    ranges: Ranges,
    seconds: Fraction,
    misses: bool,
    draw: Draw,
    touch: bool = True,
) -> tuple[Striker, ...]:
    """One striker, now and then two, with all their swings."""
    count = 2 if draw.random() < 0.2 else 1
    side = float(draw.choice([-1.0, 1.0]))
    found = []
    for number in range(count):
        kind = str(draw.choice(list(kinds)))
        miss = 1.0 if not touch else float(draw.uniform(0.1, 0.4)) if misses else 0.0
        swings = _swings(bodies, view, ranges, seconds, miss, draw)
        if swings:
            found.append(_striker(kind, swings, side if number == 0 else -side, draw))
    return tuple(found)


def _striker(kind: str, swings: tuple[Swing, ...], side: float, draw: Draw) -> Striker:
    # From where the arm comes: mostly from below or from a side, seldom from above.
    way = np.array([side * draw.uniform(0.1, 1.0), draw.uniform(-1.0, 0.25), draw.uniform(0.1, 0.9)])
    way /= np.linalg.norm(way)
    wood, skin = _WOODS[int(draw.integers(len(_WOODS)))], _SKINS[int(draw.integers(len(_SKINS)))]
    bead = wood if draw.random() < 0.6 else tuple(draw.integers(10, 246, 3).tolist())
    sleeve = skin if draw.random() < 0.35 else tuple(draw.integers(10, 246, 3).tolist())
    length = {
        "stick": draw.uniform(0.2, 0.4),
        "mallet": draw.uniform(0.2, 0.35),
        "hand": draw.uniform(0.07, 0.11),
    }[kind]
    tip = {
        "stick": draw.uniform(0.005, 0.011),
        "mallet": draw.uniform(0.015, 0.03),
        "hand": draw.uniform(0.02, 0.04),
    }
    mass = {
        "stick": draw.uniform(0.03, 0.06),
        "mallet": draw.uniform(0.06, 0.12),
        "hand": draw.uniform(0.1, 0.2),
    }
    return Striker(
        kind,
        swings,
        float(mass[kind]),
        float(length),
        (float(way[0]), float(way[1]), float(way[2])),
        (float(draw.normal(0, 0.35)), float(draw.normal(0, 0.35))),
        float(tip[kind]),
        (wood, bead, skin, sleeve),
        sway=float(draw.uniform(0, 0.025)),
        seed=int(draw.integers(2**31)),
    )


def _swings(
    bodies: Sequence[Body], view: View, ranges: Ranges, seconds: Fraction, miss: float, draw: Draw
) -> tuple[Swing, ...]:
    scraping = draw.random() < 0.3
    steady = draw.random() < 0.5
    beat = 1 / between(((1.0, 5.0),), draw)
    clock = float(draw.uniform(0.1, 0.9))
    end = float(seconds) - 0.05
    found: list[Swing] = []
    free = -1.0
    target = _target(bodies, view, draw)
    while clock < end:
        if draw.random() < 0.3:
            target = _target(bodies, view, draw)
        body, middle, reach = target
        point = (
            float(middle[0] + draw.uniform(-0.3, 0.3) * reach),
            float(middle[1] + draw.uniform(-0.3, 0.3) * reach),
            float(middle[2]),
        )
        room = clock - free
        swing = _swing(instant(clock), point, body, reach, room, ranges, draw, miss, scraping)
        found.append(swing)
        free = float(swing.end)
        gap = beat * float(draw.normal(1, 0.04)) if steady else float(draw.uniform(0.18, 1.3))
        clock = free + max(gap, 0.16)
    return tuple(found)


def _target(bodies: Sequence[Body], view: View, draw: Draw) -> tuple[int, tuple[float, float, float], float]:
    """Number of a thing, the middle of its upper side, and how far across that is."""
    if not bodies or draw.random() < 0.12:
        spot = draw.uniform(-0.25, 0.25, 2) * view.span
        return GROUND, (float(spot[0]), float(0.6 * spot[1]), 0.0), 0.1
    number = int(draw.integers(len(bodies)))
    body = bodies[number]
    reach = body.size * {"bar": 0.3, "ball": 0.1, "heap": 0.3}.get(body.shape, 0.8)
    return number, (body.place[0], body.place[1], body.height), reach


def _swing(
    at: Fraction,
    point: tuple[float, float, float],
    body: int,
    reach: float,
    room: float,
    ranges: Ranges,
    draw: Draw,
    miss: float,
    scraping: bool,
) -> Swing:
    speed, power = between(ranges.speeds, draw), float(draw.uniform(1.3, 2.6))
    raised = float(np.exp(draw.uniform(np.log(0.05), np.log(0.3))))
    # The way down takes at most half of the time that there is, and at most as long as the speed asks for.
    down = raised * power / speed
    if down > 0.5 * room:
        down = 0.5 * room
        raised = speed * down / power
    up = float(draw.uniform(0.5, 1.0)) * (room - down)
    gap, stay, slide, strokes = 0.0, Fraction(0), (0.0, 0.0), 1
    if draw.random() < miss:
        gap = float(draw.uniform(0.25, 0.7)) * raised
    elif scraping and draw.random() < 0.35:
        strokes = int(draw.integers(1, 5))
        stay = instant(strokes * float(draw.uniform(0.15, 0.4)))
        way = draw.uniform(0, 2 * np.pi)
        far = 0.35 * reach + 0.02
        slide = (float(far * np.cos(way)), float(far * np.sin(way)))
        # A scrape is laid on.
        down, raised = max(down, 0.1), min(raised, 0.08)
        down = min(down, 0.5 * room)
    elif draw.random() < 0.12:
        stay = instant(float(draw.uniform(0.02, 0.25)))
    return Swing(at, point, body, raised, power, down, up, gap, stay, slide, strokes)


# ---------------------------------------------------------------- what falls and rolls


def draw_drops(
    bodies: Sequence[Body], view: View, ranges: Ranges, seconds: Fraction, draw: Draw
) -> tuple[Drop, ...]:
    """One to three things that fall and bounce on the ground."""
    found = []
    for _ in range(int(draw.integers(1, 4))):
        body = draw_body(view, ranges, draw, ("ball", "ball", "box", "can"))
        gravity = between(ranges.gravity, draw)
        fall = float(draw.uniform(0.18, 0.5))
        first = float(draw.uniform(0.2, max(0.6, 0.7 * float(seconds))))
        keeps = float(np.clip(material_of(body.material).restitution * draw.uniform(0.85, 1.3), 0.08, 0.9))
        times, step = [instant(first)], 2 * fall * keeps
        while step > _SHORTEST and len(times) < _BOUNCES and float(times[-1]) + step < float(seconds) - 0.03:
            times.append(times[-1] + instant(step))
            step *= keeps
        sideways = draw.normal(0, 0.18, 2)
        found.append(
            Drop(
                body,
                tuple(times),
                gravity,
                fall,
                (float(sideways[0]), float(0.5 * sideways[1])),
                float(draw.normal(0, 3.0)) if body.shape == "ball" else float(draw.normal(0, 0.8)),
                held=bool(draw.random() < 0.3),
            )
        )
    return tuple(found)


def draw_rolls(
    bodies: Sequence[Body], view: View, ranges: Ranges, seconds: Fraction, draw: Draw
) -> tuple[Roll, ...]:
    """A ball or two that roll over the ground; some run against what lies there."""
    found = []
    for _ in range(int(draw.integers(1, 3))):
        ball = draw_body(view, ranges, draw, ("ball",))
        start = float(draw.uniform(0.1, 0.35 * float(seconds)))
        speed = 0.25 * between(ranges.speeds, draw)
        against = int(draw.integers(len(bodies))) if bodies and draw.random() < 0.6 else None
        found.append(_roll(ball, bodies, against, start, speed, seconds, view, draw))
    return tuple(found)


def _roll(
    ball: Body,
    bodies: Sequence[Body],
    against: int | None,
    start: float,
    speed: float,
    seconds: Fraction,
    view: View,
    draw: Draw,
) -> Roll:
    side = float(draw.choice([-1.0, 1.0]))
    slowing = float(draw.uniform(0.1, 0.6)) if against is not None else 1.0
    longest = float(seconds) - start - 0.1
    if against is None:
        length = min(longest, float(draw.uniform(0.8, 2.5)))
        place = (side * 0.4 * view.span, ball.place[1], 0.0)
    else:
        goal = bodies[against]
        length = min(longest, float(draw.uniform(0.4, 1.6)))
        touch = goal.place[0] + side * (0.5 * goal.size + 0.5 * ball.size)
        place = (touch + side * speed * length * (1 - slowing / 2), goal.place[1], 0.0)
    moved = Body(
        ball.shape, ball.material, ball.size, place, ball.height, ball.turn, ball.seed, painted=ball.painted
    )
    begin = instant(start)
    return Roll(moved, begin, begin + instant(length), (-side * speed, 0.0), slowing, against)
