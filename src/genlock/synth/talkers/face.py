"""From the state of a face to the 468 points of the mesh, and from there to where a camera sees them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.synth.talkers.life import LIFE
from genlock.synth.talkers.mesh import BROWS, EYES, FOLDS, INNER, JAW, OUTER, face_mesh
from genlock.synth.talkers.speakers import Speaker, resting_face
from genlock.synth.talkers.visemes import MOUTH

__all__ = ["Camera", "aperture", "jaw_moves", "place", "points_of"]

Array = npt.NDArray[np.float64]

_NAMES = (*MOUTH, "close", "tuck", *LIFE)
_COLUMN = {name: k for k, name in enumerate(_NAMES)}

# Displacements at weight 1, in eye distances. A wide jaw turns by 0.34 rad about a hinge before the ears.
_JAW_TURN, _HINGE = 0.34, (0.22, 0.42)
_JAW_CORNER = 0.46
_UPPER_RISE, _LOWER_DROP = 0.055, 0.07
_ROUND_IN, _ROUND_OUT, _ROUND_OPEN = 0.22, 0.1, 0.008
_SPREAD_OUT, _SPREAD_UP = 0.12, 0.01
_SMILE_OUT, _SMILE_UP = 0.05, 0.055
_UPPER_YIELDS = 0.25
_SOFT = 0.05
_TUCK_GAP, _TUCK_BACK = 0.012, 0.05
_PRESS = 0.15
_BROW_LIFT = 0.06


def points_of(state: npt.ArrayLike, speaker: Speaker) -> Array:
    """The mesh of a face that looks ahead, upright, in eye distances, float64 [T, 468, 3].

    Parameters
    ----------
    state : [T, 20], the columns of :data:`genlock.synth.talkers.motion.STATE`; turns of the head do nothing here
    speaker : whose face it is

    Notes
    -----
    Lips are moved column by column, so that they may touch but never pass through each other; the skin follows them
    and the jaw harmonically.
    """
    given = np.asarray(state, np.float64)
    if given.ndim != 2 or given.shape[1] != len(_NAMES):
        raise OptionError(f"a state has shape [T, {len(_NAMES)}], not {list(given.shape)}")
    rest = _resting(speaker)
    moves = _control_moves(given, rest, speaker)
    mesh = face_mesh()
    points: Array = rest + np.einsum("pc,tcd->tpd", mesh.spread, moves)
    _lids(points, rest, given)
    for upper, lower in BROWS:
        points[:, upper, 1] -= _BROW_LIFT * given[:, _COLUMN["brows"], None]
        points[:, lower, 1] -= 0.8 * _BROW_LIFT * given[:, _COLUMN["brows"], None]
    return points


def aperture(points: npt.ArrayLike) -> Array:
    """How far the inner lips stand apart in their middle, in the unit of the points [..., 468, 2 or 3]; [...]."""
    mesh = np.asarray(points, np.float64)
    return np.asarray(np.linalg.norm(mesh[..., 14, :2] - mesh[..., 13, :2], axis=-1))


@lru_cache(maxsize=64)
def _resting(speaker: Speaker) -> Array:
    face = resting_face(speaker)
    face.setflags(write=False)
    return face


def _control_moves(state: Array, rest: Array, speaker: Speaker) -> Array:
    """Movement of the controls, [T, C, 3]."""
    mesh = face_mesh()
    place = {index: k for k, index in enumerate(mesh.controls)}
    columns = {name: state[:, k] for name, k in _COLUMN.items()}
    jaw = np.array([JAW.get(index, 0.0) for index in mesh.controls])
    across = np.linspace(-1, 1, len(INNER.upper))
    # The corners hang between the lips: they go with the jaw by a half.
    profile = 1 - np.abs(across) ** 2.4
    lowered = _JAW_CORNER + (1 - _JAW_CORNER) * profile
    for ring in (INNER, OUTER):
        for column, index in enumerate(ring.lower):
            jaw[place[index]] = lowered[column]
        for index in (ring.upper[0], ring.upper[-1]):
            jaw[place[index]] = _JAW_CORNER
    for ring, share in ((INNER, 0.05), (OUTER, 0.02)):
        for column, index in enumerate(ring.upper[1:-1], 1):
            # The upper lip is drawn down a little at its sides, where it meets the corners.
            jaw[place[index]] = share + (_JAW_CORNER - share) * (1 - profile[column]) ** 2
    moves = jaw_moves(columns["jaw"], rest[list(mesh.controls)], jaw)
    side = 1 + speaker.lopsided * np.sign(across) * np.abs(across) ** 0.5
    for ring, reach in ((INNER, 1.0), (OUTER, 0.9)):
        upper, lower = ([place[i] for i in half] for half in (ring.upper, ring.lower))
        _shape(moves, columns, rest, ring.upper, upper, -1, reach, profile, side)
        _shape(moves, columns, rest, ring.lower[1:-1], lower[1:-1], 1, reach, profile[1:-1], side[1:-1])
    _touch(moves, columns, rest, place, speaker, profile)
    return moves


def jaw_moves(jaw: Array, points: Array, share: Array) -> Array:
    """Turns of points about the hinge, each by its share, [T, C, 3]."""
    turn = _JAW_TURN * jaw[:, None] * share
    down, back = points[:, 1] - _HINGE[0], points[:, 2] - _HINGE[1]
    moves = np.zeros((len(jaw), len(points), 3))
    moves[..., 1] = (np.cos(turn) - 1) * down - np.sin(turn) * back
    moves[..., 2] = (np.cos(turn) - 1) * back + np.sin(turn) * down
    return moves


def _shape(
    moves: Array,
    columns: dict[str, Array],
    rest: Array,
    indices: tuple[int, ...],
    rows: list[int],
    sign: int,
    reach: float,
    profile: Array,
    side: Array,
) -> None:
    """Rounding, spreading, a smile, and the lips' own opening, added to one half of a ring."""
    x = rest[list(indices), 0]
    lift = _UPPER_RISE * columns["upper"] if sign < 0 else _LOWER_DROP * columns["lower"]
    narrow, wide = columns["round"][:, None], columns["spread"][:, None]
    smile = columns["smile"][:, None]
    corner = 1 - profile
    moves[:, rows, 0] += x * (
        -_ROUND_IN * narrow + (_SPREAD_OUT * wide + _SMILE_OUT * 4 * smile) * (0.4 + 0.6 * corner)
    )
    moves[:, rows, 1] += sign * reach * (lift[:, None] * profile * side)
    moves[:, rows, 1] += sign * _ROUND_OPEN * narrow * profile
    moves[:, rows, 1] -= (_SPREAD_UP * wide + _SMILE_UP * smile) * corner * side
    moves[:, rows, 2] += -_ROUND_OUT * narrow * (1 - 0.6 * corner) + 0.02 * wide * corner


def _touch(
    moves: Array,
    columns: dict[str, Array],
    rest: Array,
    place: dict[int, int],
    speaker: Speaker,
    profile: Array,
) -> None:
    """Let the lips meet where they are shut, or the lower lip meet the teeth, and never let them pass each other."""
    upper, lower = ([place[i] for i in half] for half in (INNER.upper, INNER.lower))
    outer_upper, outer_lower = ([place[i] for i in half] for half in (OUTER.upper, OUTER.lower))
    before = moves[:, upper + lower].copy()
    shut, tuck = (np.clip(columns[name], 0, 1)[:, None] for name in ("close", "tuck"))
    gap = moves[:, lower, 1] - moves[:, upper, 1] + speaker.rest_gap * profile
    # Soft lips stay near each other until the jaw has gone some way.
    gap = np.maximum(gap, 0)
    wanted = gap**2 / (gap + _SOFT) * (1 - shut)
    # The lower lip touches the teeth, which leaves a slit.
    wanted += tuck * (np.minimum(wanted, _TUCK_GAP * profile) - wanted)
    closing = moves[:, lower, 1] - moves[:, upper, 1] - wanted
    yields = _UPPER_YIELDS * (1 - tuck)
    moves[:, upper, 1] += yields * closing
    moves[:, lower, 1] -= (1 - yields) * closing
    moves[:, lower, 2] += _TUCK_BACK * tuck * profile
    # In the seal both lips lie in one plane, halfway between where they would be.
    middle = 0.5 * (moves[:, upper, 2] + moves[:, lower, 2])
    for rows in (upper, lower):
        moves[:, rows, 2] += shut * (middle - moves[:, rows, 2])
    changed = moves[:, upper + lower] - before
    count = len(upper)
    # The outer edges follow; pressed lips get a little narrower in height.
    moves[:, outer_upper[1:-1]] += 0.85 * changed[:, 1 : count - 1]
    moves[:, outer_lower[1:-1]] += 0.85 * changed[:, count + 1 : -1]
    press = _PRESS * shut * profile
    for outer, inner, indices in (
        (outer_upper, INNER.upper, OUTER.upper),
        (outer_lower, INNER.lower, OUTER.lower),
    ):
        height = rest[list(indices), 1] - rest[list(inner), 1]
        moves[:, outer, 1] -= press * height


def _lids(points: Array, rest: Array, state: Array) -> None:
    """Shut the eyes by their blinks, in place."""
    for ring, fold, name in zip(EYES, FOLDS, ("blink_right", "blink_left"), strict=True):
        shut = state[:, _COLUMN[name], None]
        upper, lower = list(ring.upper[1:-1]), list(ring.lower[1:-1])
        meeting = rest[upper] + 0.85 * (rest[lower] - rest[upper])
        points[:, upper, :] += shut[..., None] * (meeting - rest[upper])
        points[:, lower, :] += shut[..., None] * (meeting - rest[lower])
        points[:, list(fold), 1] += 0.25 * shut * (rest[lower, 1] - rest[upper, 1])


# ---------------------------------------------------------------- the camera


@dataclass(frozen=True)
class Camera:
    """Where the face stands in the picture.

    >>> Camera(640, 360).eye_distance
    60.0
    """

    width: int
    """Of the picture, in pixels."""
    height: int
    """Of the picture, in pixels."""
    eye_distance: float = 60.0
    """Pixels between the outer corners of the eyes."""
    x: float = 0.5
    """Where the middle of the face lies, as a share of the width, 0...1."""
    y: float = 0.45
    """Where the middle of the face lies, as a share of the height, 0...1."""
    yaw: float = 0.0
    """Turn of the head to the right as seen, in radians."""
    pitch: float = 0.0
    """Turn of the head downwards, in radians."""
    roll: float = 0.0
    """Tilt of the head, clockwise as seen, in radians."""
    distance: float = 9.0
    """Of the camera from the face, in eye distances: the nearer, the stronger the perspective."""


# The head turns about its neck, not about its face.
_PIVOT = np.array([0.0, 0.6, 0.75])


def place(points: npt.ArrayLike, state: npt.ArrayLike, camera: Camera) -> Array:
    """Points of the head [T, P, 3], in eye distances, as a camera sees them: x, y in pixels, z in the same scale.

    Parameters
    ----------
    points : of a face that looks ahead, from :func:`points_of`, or of hair, glasses and whatever else moves with it
    state : [T, 20], whose turns and shifts are added to the camera's
    camera : Camera
    """
    columns = {name: np.asarray(state, np.float64)[:, k] for name, k in _COLUMN.items()}
    turned = (np.asarray(points, np.float64) - _PIVOT) @ np.swapaxes(
        _rotation(
            columns["yaw"] + camera.yaw, columns["pitch"] + camera.pitch, columns["roll"] + camera.roll
        ),
        -1,
        -2,
    )
    turned = turned + _PIVOT
    turned[..., 0] += columns["shift_x"][:, None]
    turned[..., 1] += columns["shift_y"][:, None]
    nearness = camera.distance / (camera.distance + turned[..., 2:])
    scale = camera.eye_distance * (1 + columns["size"][:, None, None]) * nearness
    middle = np.array([camera.x * camera.width, camera.y * camera.height])
    flat = turned[..., :2] * scale + middle
    depth = turned[..., 2:] * camera.eye_distance
    return np.concatenate([flat, depth], axis=-1)


def _rotation(yaw: Array, pitch: Array, roll: Array) -> Array:
    """Rotations [T, 3, 3]: first roll, then pitch, then yaw."""
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)
    about_y = _stack([[np.cos(yaw), zero, -np.sin(yaw)], [zero, one, zero], [np.sin(yaw), zero, np.cos(yaw)]])
    about_x = _stack(
        [[one, zero, zero], [zero, np.cos(pitch), -np.sin(pitch)], [zero, np.sin(pitch), np.cos(pitch)]]
    )
    about_z = _stack(
        [[np.cos(roll), -np.sin(roll), zero], [np.sin(roll), np.cos(roll), zero], [zero, zero, one]]
    )
    return about_y @ about_x @ about_z


def _stack(rows: list[list[Array]]) -> Array:
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
