"""Who speaks: the shape of a face at rest, and the manner in which it moves."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.synth.talkers.mesh import EYES, INNER, OUTER, face_mesh, upright

__all__ = ["Speaker", "draw_speaker", "resting_face"]

Array = npt.NDArray[np.float64]

_LIP_HEIGHT, _CHIN_HEIGHT = 0.79, 1.3


@dataclass(frozen=True)
class Speaker:
    """A face and its manner; every proportion is 1 and every shift 0 in the canonical face.

    >>> plain = Speaker()
    >>> plain.amplitude, plain.mouth_width
    (1.0, 1.0)
    """

    # proportions
    face_width: float = 1.0
    """Width beside the eyes, 0.8...1.25."""
    jaw_width: float = 1.0
    """Width of the jaw, 0.75...1.25."""
    lower_face: float = 1.0
    """Length from the nose's foot to the chin, 0.8...1.25."""
    chin: float = 0.0
    """How much longer the chin is, in eye distances, -0.12...0.12."""
    forehead: float = 1.0
    """Height of the forehead, 0.8...1.2."""
    nose_width: float = 1.0
    """0.75...1.35."""
    nose_length: float = 1.0
    """How far it stands out, 0.75...1.35."""
    eye_height: float = 1.0
    """Opening of the eyes, 0.75...1.3."""
    brow_height: float = 0.0
    """Shift of the brows upwards, in eye distances, -0.05...0.05."""
    mouth_width: float = 1.0
    """0.8...1.2."""
    mouth_height: float = 0.0
    """Shift of the mouth downwards, in eye distances, -0.06...0.14."""
    upper_lip: float = 1.0
    """Height of the upper lip, 0.5...1.8."""
    lower_lip: float = 1.0
    """Height of the lower lip, 0.5...1.8."""
    rest_gap: float = 0.0
    """How far the lips stand apart at rest, in eye distances, 0...0.04."""
    skew: float = 0.0
    """How much lower the right corner of the mouth as seen lies than the left, in eye distances, -0.05...0.05."""
    # manner
    amplitude: float = 1.0
    """How far the mouth goes, 0.3...2.5."""
    jaw_share: float = 1.0
    """How much of an opening the jaw makes, against the lips, 0.5...1.5."""
    rounding: float = 1.0
    """How far rounding and spreading go, 0.4...1.6."""
    lead_seconds: float = -0.012
    """How long before the middles of phones the lips are where they go, except in closures, in seconds, -0.05...0.1."""
    sluggish: float = 1.0
    """How far phones reach into each other, 0.6...1.6."""
    variety: float = 0.15
    """How much targets vary from phone to phone, 0...0.5."""
    lopsided: float = 0.0
    """How much further the right half of the mouth as seen moves, -0.3...0.3."""
    smile: float = 0.0
    """How much the face smiles while it speaks, -0.2...0.5."""
    head_motion: float = 1.0
    """How much the head moves, 0...2."""
    blinks_a_minute: float = 16.0
    """0...60."""

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise OptionError(f"{name}={getattr(self, name)} of a speaker lies outside {low}...{high}")


_LIMITS = {
    "face_width": (0.8, 1.25), "jaw_width": (0.75, 1.25), "lower_face": (0.8, 1.25), "chin": (-0.12, 0.12),
    "forehead": (0.8, 1.2), "nose_width": (0.75, 1.35), "nose_length": (0.75, 1.35), "eye_height": (0.75, 1.3),
    "brow_height": (-0.05, 0.05), "mouth_width": (0.8, 1.2), "mouth_height": (-0.06, 0.14), "upper_lip": (0.5, 1.8),
    "lower_lip": (0.5, 1.8), "rest_gap": (0, 0.04), "skew": (-0.05, 0.05), "amplitude": (0.3, 2.5),
    "jaw_share": (0.5, 1.5), "rounding": (0.4, 1.6), "lead_seconds": (-0.05, 0.1), "sluggish": (0.6, 1.6),
    "variety": (0, 0.5), "lopsided": (-0.3, 0.3), "smile": (-0.2, 0.5), "head_motion": (0, 2),
    "blinks_a_minute": (0, 60),
}  # fmt: skip

# Middle and spread of what is drawn; cut to the limits. Those of the mouth, the chin and the amplitude are of 13
# speakers of GRID (CC BY 4.0), whose meshes the project's tracker saw. The aligner's phones hardly tell the lead on
# GRID (correlation of the jaw .734 at 0, .741 at 0.04 s). `sync`, whose zero is GRID's, saw lips with a lead of 0.04
# early by 33 ms (57 talkers), with 0.006 by 17 ms (38), with -0.02 late by 8 ms (28): in step between the last two.
_DRAWN: dict[str, tuple[float, float]] = {
    "face_width": (0.97, 0.045), "jaw_width": (1, 0.07), "lower_face": (1.06, 0.055), "chin": (0, 0.035),
    "forehead": (1, 0.06),
    "nose_width": (1, 0.1), "nose_length": (1, 0.1), "eye_height": (1, 0.09), "brow_height": (0, 0.015),
    "mouth_width": (1.03, 0.05), "mouth_height": (0.055, 0.025),
    "upper_lip": (1.2, 0.18), "lower_lip": (1.3, 0.15),
    "rest_gap": (0.008, 0.008), "skew": (0, 0.009), "amplitude": (1.7, 0.42), "jaw_share": (1, 0.15),
    "rounding": (1, 0.2), "lead_seconds": (-0.012, 0.008), "sluggish": (1, 0.12), "variety": (0.22, 0.05),
    "lopsided": (0, 0.07), "smile": (0.05, 0.1), "head_motion": (1, 0.35), "blinks_a_minute": (16, 6),
}  # fmt: skip


def draw_speaker(seed: int) -> Speaker:
    """A speaker by number, the same everywhere.

    >>> draw_speaker(3) == draw_speaker(3), draw_speaker(3) == draw_speaker(4)
    (True, False)
    """
    if seed < 0:
        raise OptionError(f"seed={seed} of a speaker must not be below 0")
    draw = np.random.default_rng([seed, 11])
    values = {}
    for field in fields(Speaker):
        middle, spread = _DRAWN[field.name]
        low, high = _LIMITS[field.name]
        # Two tails at most as long as 2.2 spreads: no caricatures.
        value = middle + spread * float(np.clip(draw.standard_normal(), -2.2, 2.2))
        values[field.name] = round(float(np.clip(value, low, high)), 4)
    return Speaker(**values)


def resting_face(speaker: Speaker) -> Array:
    """The speaker's face at rest, looking ahead, lips together, upright, float64 [468, 3].

    >>> face = resting_face(Speaker())
    >>> round(float(face[14, 1] - face[13, 1]), 6)
    0.0
    """
    points = face_mesh().points.copy()
    _proportions(points, speaker)
    points += face_mesh().spread @ _lip_moves(points, speaker)
    return upright(points)


def _bump(values: Array, middle: float, width: float) -> Array:
    return np.exp(-(((values - middle) / width) ** 2))


def _rise(values: Array, low: float, high: float) -> Array:
    """0 below ``low``, 1 above ``high``, smooth between them."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def _proportions(points: Array, speaker: Speaker) -> None:
    x, y, _ = points.T.copy()
    aside = _rise(np.abs(x), 0.45, 0.75)
    points[:, 0] *= 1 + (speaker.face_width - 1) * aside
    points[:, 0] *= 1 + (speaker.jaw_width - 1) * _rise(y, 0.45, 1.1)
    points[:, 1] += (speaker.lower_face - 1) * np.maximum(y - 0.5, 0)
    points[:, 1] += speaker.chin * _rise(y, 0.95, _CHIN_HEIGHT)
    points[:, 1] -= (speaker.forehead - 1) * np.maximum(-y - 0.1, 0)
    nose = _bump(x, 0, 0.2) * _bump(y, 0.42, 0.14)
    points[:, 0] += (speaker.nose_width - 1) * x * nose
    points[:, 2] -= (
        (speaker.nose_length - 1) * 0.16 * _bump(x, 0, 0.12) * _rise(y, -0.1, 0.4) * _bump(y, 0.4, 0.25)
    )
    for ring in EYES:
        middle = points[list(ring.loop)].mean(axis=0)
        near = _bump(x, middle[0], 0.17) * _bump(y, middle[1], 0.07)
        points[:, 1] += (speaker.eye_height - 1) * (y - middle[1]) * near
    points[:, 1] -= speaker.brow_height * _bump(y, -0.14, 0.08) * _rise(np.abs(x), 0.05, 0.15)


def _lip_moves(points: Array, speaker: Speaker) -> Array:
    """What closes the canonical lips, which stand apart, and gives them their own width and height, [C, 3]."""
    controls = face_mesh().controls
    place = {index: k for k, index in enumerate(controls)}
    moves = np.zeros((len(controls), 3))
    seal = 0.5 * (points[list(INNER.upper)] + points[list(INNER.lower)])
    columns = np.linspace(-1, 1, len(INNER.upper))
    for column in range(len(columns)):
        for half, thickness in (("upper", speaker.upper_lip), ("lower", speaker.lower_lip)):
            inner, outer = getattr(INNER, half)[column], getattr(OUTER, half)[column]
            to_seal = seal[column] - points[inner]
            moves[place[inner]] = to_seal
            height = points[outer] - points[inner]
            moves[place[outer]] = to_seal * (1, 1, 1) + (thickness - 1) * height * (0, 1, 0.3)
    for ring in (INNER, OUTER):
        for index in ring.loop:
            # Where it was moved to: what met in the seal must stay together.
            across = points[index, 0] + moves[place[index], 0]
            moves[place[index], 0] += (speaker.mouth_width - 1) * across
            moves[place[index], 1] += speaker.mouth_height + speaker.skew * across / 0.5
    for k, index in enumerate(controls):
        if index not in {*INNER.loop, *OUTER.loop}:
            moves[k, 1] = 0.5 * speaker.mouth_height * _bump(points[index], _LIP_HEIGHT, 0.3)[1]
    return moves
