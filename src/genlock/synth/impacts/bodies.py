"""Things in a scene, what strikes them, and the paths on which everything moves: positions at any instant."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["GROUND", "Body", "Drop", "Roll", "Striker", "Swing", "drop_path", "roll_path", "tip_path"]

Array: TypeAlias = npt.NDArray[np.float64]
Point: TypeAlias = tuple[float, float, float]

#: The number of the ground among the things that can be struck.
GROUND = -1


@dataclass(frozen=True)
class Body:
    """One thing that sounds; lengths in metres, the ground is z = 0."""

    shape: str
    """``box``, ``plate``, ``can``, ``bar``, ``heap`` or ``ball``."""
    material: str
    """What it is made of."""
    size: float
    """How large it is across."""
    place: Point
    """Middle of its base."""
    height: float
    """From its base to its top."""
    turn: float
    """Turn about the vertical, radians."""
    seed: int
    """Of its own modes and its surface."""
    reaction: str = "still"
    """What it does after a hit: ``still``, ``wobble`` or ``push``."""
    painted: tuple[int, int, int] | None = None
    """A coat of RGB paint that hides what it is made of."""


@dataclass(frozen=True)
class Swing:
    """One way down and up of a tip, that ends on something or above it."""

    at: Fraction
    """When it is lowest: the contact, if it touches."""
    point: Point
    """Where, on a surface; metres."""
    body: int
    """What it hits: number of a body, or :data:`GROUND`."""
    raised: float
    """How high above the surface it comes from, metres."""
    power: float
    """Exponent of the way down: 1 is even speed, 2 falls like a stone."""
    down: float
    """Seconds of the way down."""
    up: float
    """Seconds of the way up before it, from the swing before this."""
    gap: float = 0.0
    """How far above the surface it turns round; 0: it touches."""
    stay: Fraction = Fraction(0)
    """How long it stays on the surface, in exact seconds."""
    slide: tuple[float, float] = (0.0, 0.0)
    """How far it goes along the surface while it stays, metres; it comes back and goes again ``strokes`` times."""
    strokes: int = 1
    """How often it goes there or back."""

    @property
    def end(self) -> Fraction:
        """When it leaves the surface."""
        return self.at + self.stay

    @property
    def speed(self) -> float:
        """At the lowest point, metres a second."""
        return (self.raised - self.gap) * self.power / self.down


@dataclass(frozen=True)
class Striker:
    """A stick in a hand, a mallet, or a bare hand."""

    kind: str
    """``stick``, ``mallet`` or ``hand``."""
    swings: tuple[Swing, ...]
    """In order of time."""
    mass: float
    """What of it takes part in a blow, kg."""
    length: float
    """From the tip to the grip, metres."""
    lean: Point
    """Direction from the tip to the grip, of length 1."""
    tilt: tuple[float, float]
    """How far it goes sideways for a metre that it is raised."""
    tip: float
    """Radius of the tip, metres."""
    colours: tuple[tuple[int, int, int], ...]
    """RGB of the stick, the tip, the hand and the sleeve."""
    sway: float = 0.0
    """How far it trembles and drifts while it is raised, metres."""
    seed: int = 0
    """Of that."""


@dataclass(frozen=True)
class Drop:
    """A thing that falls, and bounces."""

    body: Body
    """What falls; its place is where it rests on the surface at the first contact."""
    contacts: tuple[Fraction, ...]
    """When it touches, in order."""
    gravity: float
    """Metres a second squared."""
    fall: float
    """Seconds for which it falls to the first contact."""
    velocity: tuple[float, float]
    """Along the surface, metres a second."""
    spin: float
    """Radians a second."""
    held: bool = False
    """Whether it hangs still before it falls."""

    def speeds(self) -> tuple[float, ...]:
        """Speed at each contact, metres a second."""
        before = [
            2 * self.fall,
            *(float(b - a) for a, b in zip(self.contacts, self.contacts[1:], strict=False)),
        ]
        return tuple(0.5 * self.gravity * length for length in before)


@dataclass(frozen=True)
class Roll:
    """A ball that rolls, and may run against a body."""

    body: Body
    """The ball, where it is when it starts."""
    start: Fraction
    """When it starts."""
    end: Fraction
    """When it stands still, or runs against something."""
    velocity: tuple[float, float]
    """At the start, metres a second."""
    slowing: float
    """Share of its speed that is lost till the end, 0...1."""
    against: int | None = None
    """Number of the body that it runs against at the end."""

    def speed_at(self, instants: Array) -> Array:
        """Speed at instants, metres a second; 0 before and after."""
        share = (instants - float(self.start)) / float(self.end - self.start)
        first = float(np.hypot(*self.velocity))
        return np.where((share >= 0) & (share < 1), first * (1 - self.slowing * np.clip(share, 0, 1)), 0.0)


def tip_path(striker: Striker, instants: npt.ArrayLike) -> tuple[Array, Array]:
    """Where the tip is at instants: its position float64 [N, 3], and how far above its surface it is, [N].

    It touches at the very instants of its swings that have no gap, and for as long as they stay.
    """
    now = np.asarray(instants, np.float64)
    swings = striker.swings
    ends = np.array([float(swing.end) for swing in swings])
    # The piece of the way that leads to swing k; after the last one it goes up once more.
    number = np.searchsorted(ends, now, side="left")
    position = np.zeros((len(now), 3))
    height = np.zeros(len(now))
    for k in range(len(swings) + 1):
        chosen = number == k
        if not chosen.any():
            continue
        goal = swings[min(k, len(swings) - 1)]
        before = swings[k - 1] if k else None
        base, high = _way(before, goal if k < len(swings) else None, now[chosen])
        position[chosen], height[chosen] = base, high
    lifted = height + striker.sway * _tremble(now, striker.seed) * np.clip(height / 0.05, 0, 1)
    position[:, 0] += striker.tilt[0] * lifted
    position[:, 1] += striker.tilt[1] * lifted
    position[:, 2] += np.maximum(lifted, 0)
    return position, height


def _way(before: Swing | None, goal: Swing | None, now: Array) -> tuple[Array, Array]:
    """From the end of one swing to the contact of the next: points on the surface [n, 3] and heights above it [n]."""
    if goal is None:
        assert before is not None
        since = now - float(before.end)
        up = max(before.down, 0.15)
        share = np.clip(since / up, 0, 1)
        high = before.gap + (before.raised - before.gap) * (1 - (1 - share) ** 2)
        return np.broadcast_to(_slid(before, 1.0), (len(now), 3)).copy(), high
    at, end = float(goal.at), float(goal.end)
    # While it stays, it slides.
    share = np.clip((now - at) / max(end - at, 1e-9), 0, 1)
    here = np.array(goal.point) + np.outer(_strokes(share, goal.strokes), [*goal.slide, 0.0])
    fall = np.clip((now - (at - goal.down)) / goal.down, 0, 1)
    high = goal.raised - (goal.raised - goal.gap) * fall**goal.power
    if before is None:
        return here, high
    since, length = now - float(before.end), at - float(before.end)
    rise = np.clip(since / goal.up, 0, 1)
    rising = before.gap + (goal.raised - before.gap) * (1 - (1 - rise) ** 2)
    high = np.where(now < at - goal.down, rising, high)
    along = np.clip(since / max(0.85 * length, 1e-9), 0, 1)
    along = (along * along * (3 - 2 * along))[:, None]
    old = _slid(before, 1.0)
    return np.where((now < at)[:, None], old + along * (np.array(goal.point) - old), here), high


def _slid(swing: Swing, share: float) -> Array:
    where = float(_strokes(np.array([share]), swing.strokes)[0])
    return np.array(swing.point) + where * np.array([*swing.slide, 0.0])


def _strokes(share: Array, strokes: int) -> Array:
    """To and fro: 0 at the start, 1 after the first stroke, 0 after the second."""
    return 0.5 - 0.5 * np.cos(np.pi * strokes * share)


def _tremble(now: Array, seed: int) -> Array:
    draw = np.random.default_rng([seed, 11])
    hertz, phase = draw.uniform(0.3, 2.5, 3), draw.uniform(0, 2 * np.pi, 3)
    return np.asarray(np.sin(2 * np.pi * np.outer(now, hertz) + phase).mean(axis=1))


def drop_path(drop: Drop, instants: npt.ArrayLike) -> tuple[Array, Array]:
    """Where the base of a falling thing is at instants, float64 [N, 3], and its turn in radians, [N]."""
    now = np.asarray(instants, np.float64)
    times = np.array([float(at) for at in drop.contacts])
    since = now - times[0]
    if drop.held:
        since = np.maximum(since, -drop.fall)
    last = times[-1] - times[0]
    # It comes to rest within its own size after the last contact.
    slide = np.where(since < last, since, last + 0.15 * (1 - np.exp(-np.maximum(since - last, 0) / 0.15)))
    position = np.array(drop.body.place) + np.outer(slide, [*drop.velocity, 0.0])
    edges = np.concatenate([[times[0] - 2 * drop.fall], times])
    piece = np.clip(np.searchsorted(edges, now, side="right") - 1, 0, len(edges) - 2)
    left, right = edges[piece], edges[piece + 1]
    clock = np.maximum(now, times[0] - drop.fall) if drop.held else now
    high = 0.5 * drop.gravity * (clock - left) * (right - clock)
    position[:, 2] += np.where(now > times[-1], 0.0, high)
    return position, drop.spin * slide


def roll_path(roll: Roll, instants: npt.ArrayLike) -> tuple[Array, Array]:
    """Where the base of a ball is at instants, float64 [N, 3], and its turn in radians, [N]."""
    now = np.asarray(instants, np.float64)
    length = float(roll.end - roll.start)
    share = np.clip((now - float(roll.start)) / length, 0, 1)
    way = length * (share - roll.slowing * share * share / 2)
    if roll.against is not None:
        # It comes back with a fifth of its speed.
        back = np.maximum(now - float(roll.end), 0)
        way -= 0.2 * (1 - roll.slowing) * 0.3 * (1 - np.exp(-back / 0.3))
    position = np.array(roll.body.place) + np.outer(way, [*roll.velocity, 0.0])
    return position, way * float(np.hypot(*roll.velocity)) / max(roll.body.size / 2, 1e-3)
