"""What a talker's head is built of around the face: skull, ears, neck, eyes, teeth, tongue, hair, glasses, clothes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genlock.synth.talkers.face import jaw_moves
from genlock.synth.talkers.looks import Look
from genlock.synth.talkers.mesh import EYES, INNER, OVAL
from genlock.synth.talkers.shapes import Surface, ball, sheet, tube

__all__ = [
    "Anatomy",
    "body",
    "cap",
    "ears",
    "eyeball",
    "fringe",
    "glasses",
    "hand",
    "long_hair",
    "microphone",
    "mouth_bag",
    "neck",
    "skull",
    "teeth",
    "tongue",
]

Array = npt.NDArray[np.float64]

_MIDDLE = np.array([0.0, 0.0, 0.52])
# Half axes of the skull; the power makes it rounder than an ellipsoid.
_SKULL, _POWER = np.array([0.86, 1.02, 1.0]), 2.5
#: Columns of hair: the upper half of the face's outline from ear to ear, left as seen first.
_HAIRLINE = [
    OVAL.index(k)
    for k in (93, 234, 127, 162, 21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251, 389, 356, 454, 323)
]
_EYE_RADIUS = 0.133


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Places in a resting face that its parts hang on."""

    rest: Array
    """The face at rest, [468, 3]."""

    @property
    def seal(self) -> Array:
        """Middle of the closed lips."""
        return np.asarray(0.5 * (self.rest[13] + self.rest[14]))


def skull(points: Array) -> Surface:
    """From the face's outline back over the head, for a face of points [468, 3]."""
    return sheet(_loft(points[list(OVAL)], np.linspace(0, 1, 9), lambda _: 0.0), closed=True)


def _loft(outline: Array, rows: Array, height: object) -> Array:
    """Rows [R] of points from an outline [C, 3] to the back of the head, raised by a function of the row."""
    from_middle = outline - _MIDDLE
    radius = np.linalg.norm(from_middle, axis=1)
    first = from_middle / radius[:, None]
    back = np.array([0.0, 0.05, 1.0]) / np.linalg.norm([0.0, 0.05, 1.0])
    angle = np.arccos(np.clip(first @ back, -1, 1))
    out = np.empty((len(rows), len(outline), 3))
    for number, row in enumerate(rows.tolist()):
        turned = (np.sin((1 - row) * angle)[:, None] * first + np.sin(row * angle)[:, None] * back) / np.sin(
            angle
        )[:, None]
        ellipsoid = (np.abs(turned / _SKULL) ** _POWER).sum(axis=1) ** (-1 / _POWER)
        share = _rise(row, 0.0, 0.4)
        reach = radius * (1 - share) + ellipsoid * share
        raised = height(row) if callable(height) else 0.0
        out[number] = _MIDDLE + turned * (reach + raised)[:, None]
    return out


def _rounded(line: Array) -> Array:
    """A line [C, 3] with a point more in each gap, on a smooth curve (the four-point scheme): [2 C - 1, 3]."""
    before = np.concatenate([line[:1], line[:-2]])
    after = np.concatenate([line[2:], line[-1:]])
    middles = 0.5625 * (line[:-1] + line[1:]) - 0.0625 * (before + after)
    out = np.empty((2 * len(line) - 1, 3))
    out[0::2], out[1::2] = line, middles
    return out


def _rise(value: float, low: float, high: float) -> float:
    share = min(max((value - low) / (high - low), 0.0), 1.0)
    return share * share * (3 - 2 * share)


def ears(anatomy: Anatomy) -> list[Surface]:
    """Two ears."""
    found = []
    for index in (234, 454):
        x, y, z = anatomy.rest[index]
        found.append(ball((1.03 * x, y + 0.02, z + 0.08), (0.055, 0.17, 0.11), 8, 12))
    return found


def neck() -> Surface:
    """A neck, which goes down into the clothes."""
    heights = np.linspace(0.7, 2.3, 9)
    around = np.linspace(-np.pi, np.pi, 25)
    wide = (
        0.43 + 0.07 * np.clip((heights - 1.5) / 0.6, 0, 1) ** 2 + 0.03 * np.clip((1.1 - heights) / 0.4, 0, 1)
    )
    deep = 0.68 + 0.1 * (heights - 0.7)
    return sheet(
        np.stack(
            [
                wide[:, None] * np.sin(around),
                heights[:, None] * np.ones_like(around),
                deep[:, None] - wide[:, None] * np.cos(around),
            ],
            axis=-1,
        )
    )


def body(collar: bool) -> list[Surface]:
    """Shoulders and chest, and a collar if there is one."""
    heights = np.array([1.62, 1.7, 1.8, 1.9, 2.02, 2.18, 2.45, 3.0, 4.5, 6.5])
    wide = np.array([0.47, 0.56, 0.78, 1.06, 1.34, 1.56, 1.72, 1.8, 1.85, 1.85])
    deep = np.array([0.45, 0.5, 0.55, 0.58, 0.6, 0.62, 0.66, 0.72, 0.75, 0.75])
    around = np.linspace(-np.pi, np.pi, 37)
    # The neckline lies lower in front.
    drop = 0.22 * np.exp(-((around / 0.8) ** 2)) * np.exp(-np.arange(len(heights)) / 1.3)[:, None]
    torso = np.stack(
        [wide[:, None] * np.sin(around), heights[:, None] + drop, 0.85 - deep[:, None] * np.cos(around)],
        axis=-1,
    )
    found = [sheet(torso)]
    if collar:
        for side in (-1, 1):
            path = [
                (side * 0.46, 1.52, 0.75),
                (side * 0.42, 1.6, 0.5),
                (side * 0.24, 1.86, 0.36),
                (side * 0.05, 2.02, 0.34),
            ]
            fine = np.stack(
                [np.interp(np.linspace(0, 3, 13), range(4), column) for column in zip(*path, strict=True)], 1
            )
            found.append(tube(fine, 0.085, 7))
    return found


def eyeball(anatomy: Anatomy, which: int, gaze: tuple[float, float]) -> Surface:
    """One eyeball, the side that is seen, looking somewhere; 0 is the person's right."""
    ring = anatomy.rest[list(EYES[which].loop)]
    middle = ring.mean(axis=0)
    middle[2] += 0.8 * _EYE_RADIUS
    grid = np.linspace(-1, 1, 15)
    y, x = np.meshgrid(grid, grid, indexing="ij")
    across = np.minimum(np.hypot(x, y), 1.0)
    polar, around = across * 0.5 * np.pi, np.arctan2(y, x)
    unit = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), -np.cos(polar)], axis=-1)
    yaw, pitch = 0.45 * gaze[0], 0.3 * gaze[1]
    turn = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]]) @ np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    points, triangles, _ = sheet(middle + _EYE_RADIUS * unit @ turn.T)
    # The texture is flat: as far from its middle as the point is turned away from the pupil.
    flat = np.stack([across * np.cos(around), across * np.sin(around)], axis=-1).reshape(-1, 2)
    return points, triangles, (0.5 + 0.5 * flat).astype(np.float32)


def _arch(y_from: float, y_to: float, middle: Array, wide: float) -> Array:
    turn = np.linspace(-1.35, 1.35, 25)
    rows = np.linspace(y_from, y_to, 4)
    x, z = wide * np.sin(turn), 1.25 * wide * (1 - np.cos(turn))
    return np.stack(
        [np.tile(x, (4, 1)), np.tile(rows[:, None], (1, 25)), np.tile(middle[2] + z, (4, 1))], axis=-1
    )


def teeth(anatomy: Anatomy, jaw: float) -> tuple[Surface, Surface]:
    """Upper and lower teeth; the lower ones go with the jaw."""
    seal = anatomy.seal
    wide = 0.8 * abs(anatomy.rest[308, 0])
    upper = _arch(seal[1] - 0.09, seal[1] + 0.004, seal + np.array([0, 0, 0.06]), wide)
    lower = _arch(seal[1] + 0.022, seal[1] + 0.1, seal + np.array([0, 0, 0.1]), 0.92 * wide)
    flat = lower.reshape(-1, 3)
    lower = (flat + jaw_moves(np.array([jaw]), flat, np.ones(len(flat)))[0]).reshape(lower.shape)
    return sheet(upper), sheet(lower)


def tongue(anatomy: Anatomy, jaw: float, raised: float) -> Surface:
    """The tongue, behind the lower teeth or up between them."""
    middle = anatomy.seal + np.array([0, 0.1 - 0.08 * raised, 0.3 - 0.08 * raised])
    points, triangles, uv = ball(middle, (0.13, 0.05, 0.2), 9, 16)
    moved = points + jaw_moves(np.array([jaw]), points, np.full(len(points), 0.85 - 0.35 * raised))[0]
    return moved, triangles, uv


def mouth_bag(points: Array) -> Surface:
    """The dark of the mouth, behind the inner edge of the lips."""
    loop = points[list(INNER.loop)]
    middle = loop.mean(axis=0)
    rows = [
        middle + (loop - middle) * wide + [0, 0, deep]
        for wide, deep in ((1.0, 0.005), (1.12, 0.1), (1.1, 0.3), (0.6, 0.45), (0.01, 0.47))
    ]
    return sheet(np.stack(rows), closed=True)


# ---------------------------------------------------------------- hair


def cap(points: Array, look: Look, draw: np.random.Generator) -> Surface:
    """Hair from the hairline to the back of the head."""
    thick = {"short": 0.06, "parted": 0.1, "fringe": 0.1, "long": 0.1, "curly": 0.24, "bun": 0.05}[look.hair]
    rows = np.array([-0.055, -0.02, 0.02, 0.07, 0.14, 0.24, 0.36, 0.5, 0.66, 0.82, 1.0])
    outline = _rounded(points[[OVAL[k] for k in _HAIRLINE]])
    across = np.linspace(-1, 1, len(outline))
    grid = _loft(outline, rows, lambda row: 0.012 + thick * _rise(row, -0.06, 0.16))
    away = grid - _MIDDLE
    if look.hair == "parted":
        # A crest on one side, flat on the other.
        side = np.sign(draw.random() - 0.5)
        crest = np.exp(-(((across - 0.22 * side) / 0.3) ** 2))
        grid = grid + away * (0.07 * crest)[None, :, None] * np.clip(rows / 0.12 + 0.4, 0, 1)[:, None, None]
    if look.hair == "curly":
        bumps = draw.normal(0, 0.035, grid.shape[:2])
        grid = grid + away * bumps[..., None] * np.clip(rows + 0.06, 0, 0.1)[:, None, None] * 10
    if look.hair in ("short", "bun"):
        grid = grid + away * draw.normal(0, 0.004, grid.shape[:2])[..., None]
    return sheet(grid)


def fringe(rest: Array, look: Look, draw: np.random.Generator) -> Surface:
    """Hair over the forehead."""
    columns = _HAIRLINE[4:-4]
    outline = _rounded(rest[[OVAL[k] for k in columns]])
    base = _loft(outline, np.array([0.1]), lambda _: 0.1)[0]
    across = np.linspace(-1, 1, len(outline))
    if look.hair == "fringe":
        low = -0.27 + 0.05 * across**2 + draw.normal(0, 0.012, len(outline))
        x = 0.62 * across
    else:
        side = 1 if draw.random() < 0.5 else -1
        low = -0.47 + 0.1 * np.clip(side * across, -0.3, 1) + 0.03 * across**2
        x = 0.64 * across + 0.04 * side
    forehead = rest[rest[:, 1] < 0.05]
    tips = np.stack([x, low, np.zeros(len(outline))], axis=1)
    apart = ((tips[:, None, :2] - forehead[None, :, :2]) ** 2).sum(axis=2)
    near = 1 / (apart + 1e-3) ** 2
    tips[:, 2] = (near * forehead[:, 2]).sum(axis=1) / near.sum(axis=1) - 0.03
    rows = np.linspace(0, 1, 7)[:, None, None]
    grid = base + (tips - base) * rows
    away = grid - _MIDDLE
    grid = grid + away / np.linalg.norm(away, axis=2, keepdims=True) * 0.07 * np.sin(np.pi * rows) ** 1
    return sheet(grid)


def long_hair(look: Look, anatomy: Anatomy, draw: np.random.Generator) -> Surface:
    """A curtain of hair behind the face and beside it."""
    down = {"long": 2.05, "curly": 1.0}.get(look.hair, 1.2)
    wide = 1.05 * abs(anatomy.rest[454, 0])
    around = np.linspace(-1.75, 1.75, 27)
    rows = np.linspace(-0.5, down, 12)
    widen = 1.06 + 0.1 * np.clip(rows / 1.2, 0, 1) + (0.22 if look.hair == "curly" else 0)
    wave = 0.02 * np.sin(rows[:, None] * 5 + draw.uniform(0, 6)) + draw.normal(
        0, 0.012, (len(rows), len(around))
    )
    x = wide * widen[:, None] * np.sin(around) * (1 + wave)
    z = 0.62 + 0.62 * np.cos(around) * (1 + wave) + 0 * rows[:, None]
    y = np.repeat(rows[:, None], len(around), axis=1)
    return sheet(np.stack([x, y, z], axis=-1))


# ---------------------------------------------------------------- things


def glasses(anatomy: Anatomy, kind: str) -> list[Surface]:
    """The frame of a pair of glasses."""
    found, inner = [], []
    turn = np.linspace(0, 2 * np.pi, 33)
    power = 1.0 if kind == "round" else 0.45
    for which, side in ((0, -1), (1, 1)):
        middle = anatomy.rest[list(EYES[which].loop)].mean(axis=0)
        x = middle[0] + 0.205 * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power
        y = middle[1] + 0.02 + 0.16 * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power
        z = middle[2] - 0.09 + 0.18 * (np.abs(x) - 0.25) ** 2 * np.sign(np.abs(x) - 0.25)
        found.append(tube(np.stack([x, y, z], axis=1), 0.014, 5))
        inner.append((x[np.argmin(np.abs(x))], middle[1] - 0.02, middle[2] - 0.1))
        ear = anatomy.rest[454 if side > 0 else 234]
        hinge = (middle[0] + 0.205 * side, middle[1] - 0.01, middle[2] - 0.07)
        found.append(tube(np.linspace(hinge, ear + np.array([0.05 * side, -0.12, 0.0]), 6), 0.013, 5))
    nose = np.array([0, inner[0][1] - 0.02, inner[0][2] - 0.05])
    found.append(tube(np.array([inner[0], nose, inner[1]]), 0.013, 5))
    return found


def microphone() -> tuple[Surface, Surface]:
    """A head of wire and a handle, before the chin."""
    grip = np.linspace((0.08, 1.62, -0.62), (0.38, 3.4, -0.3), 8)
    return ball((0.04, 1.44, -0.66), (0.19, 0.21, 0.19), 12, 20), tube(grip, np.linspace(0.1, 0.085, 8), 12)


def hand(share: float) -> list[Surface]:
    """A hand before the mouth; ``share`` 0 (out of the picture) ... 1 (over the mouth)."""
    away = np.array([0.9, 2.3, 0.0]) * (1 - share)
    found = []
    for number, (reach, drop) in enumerate(((-0.36, 0.62), (-0.42, 0.79), (-0.4, 0.96), (-0.3, 1.12))):
        path = np.array(
            [
                (0.62, drop + 0.16, -0.56),
                (0.3, drop + 0.05, -0.66),
                (0.0, drop, -0.69),
                (reach, drop + 0.02, -0.58),
            ]
        )
        fine = np.stack([np.interp(np.linspace(0, 3, 12), range(4), path[:, k]) for k in range(3)], axis=1)
        radius = 0.095 * np.sqrt(np.clip(np.linspace(1.25, 0.02, 12), 0, 1)) * (1 - 0.05 * number) + 0.004
        found.append(tube(fine + away, radius, 10))
    found.append(ball(np.array([0.68, 1.12, -0.5]) + away, (0.28, 0.42, 0.13), 10, 16))
    arm = np.linspace((0.8, 1.4, -0.45), (1.3, 3.6, -0.2), 6) + away
    found.append(tube(arm, 0.21, 10))
    return found
