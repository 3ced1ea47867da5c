"""Lips against speech by a linear model: what the sound lets one expect of the lips, compared with what they do.

Two views of one thing, both learnt in closed form by :mod:`genlock.train.lipsync.linear`: a ridge regression
from the sound to
the lips, and canonical correlation between the two. Each gives channels of the sound and of the lips that should move
together; they are compared over all lags, and the two curves are added.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import combine, correlate, pool
from genlock.core.errors import FormatError, OptionError
from genlock.core.grid import Grid
from genlock.core.time import Exact, exact
from genlock.core.track import Track
from genlock.lipsync.confidence import Confidence
from genlock.lipsync.estimators.base import Cue, Trust, Window, not_matched, why_nothing
from genlock.lipsync.estimators.by_face import windows_by_face
from genlock.lipsync.evidence.base import Evidence, FaceEvidence
from genlock.lipsync.evidence.rows import rows_at
from genlock.weights import registry
from genlock.weights.npz_model import read_model, write_model

__all__ = [
    "MODEL_NAME",
    "LinearModel",
    "LinearOptions",
    "LinearSync",
    "Shapes",
    "View",
    "default_model",
    "face_signals",
    "lip_shapes",
    "load_model",
    "save_model",
    "sound_bands",
    "sound_context",
]

Array = npt.NDArray[np.float64]
#: Lip shapes [V, 80] and their instants in seconds [V].
Shapes: TypeAlias = tuple[Array, Array]

#: Name of the model of our own in the registry.
MODEL_NAME = "lipsync-linear"

# The lips come as two rings, each from one corner over the upper lip and back: left and right change places so.
_MIRROR = np.array([(10 - k) % 20 for k in range(20)] + [20 + (10 - k) % 20 for k in range(20)])
_SPAN_STEP_SECONDS = 0.04
# Points of lips that move less than this about their mean, in eye distances, are those of a picture that stands still
# (photographs .001 to .002, talkers .011 and more).
_STILL = 0.004


@dataclass(frozen=True)
class LinearOptions:
    """What the model looks at. Everything is in seconds, so that any frame rate gives the same channels."""

    components: int = 10
    """Principal components of the lips; 1...80."""
    speeds: int = 5
    """How many of them also count by their speed; 0...``components``."""
    sound_steps: int = 5
    """Steps of 40 ms of sound to either side of an instant; at least 0."""
    lip_steps: int = 3
    """Steps of 40 ms of lips to either side, for the canonical correlation; at least 0."""
    smooth_cells: int = 2
    """The sound's bands are smoothed over so many cells to either side; at least 0."""
    floor: float = 1e-4
    """Level of the soft noise floor below the loud parts of the sound, as a ratio of powers; above 0."""
    pairs: int = 8
    """Pairs of canonical channels; at least 1."""

    def __post_init__(self) -> None:
        if not (1 <= self.components <= 80 and 0 <= self.speeds <= self.components and self.pairs >= 1):
            raise OptionError(f"{self}: components 1...80, speeds up to components, pairs at least 1")
        if min(self.sound_steps, self.lip_steps, self.smooth_cells) < 0 or not self.floor > 0:
            raise OptionError(f"{self}: steps are at least 0, the floor above 0")


@dataclass(frozen=True, eq=False)
class LinearModel:
    """The learnt maps."""

    options: LinearOptions
    """What it looks at."""
    basis: Array
    """Principal components of the lips, [80, P]."""
    ridge: Array
    """From sound in context to lip channels, [S, bands, C]; S steps of 40 ms, C = P + speeds."""
    ridge_weights: Array
    """What each lip channel counts: squared correlation on clips that were not trained on, [C]."""
    sound_pairs: Array
    """From sound in context to canonical channels, [S, bands, K]."""
    lip_pairs: Array
    """From lips in context to canonical channels, [L * C, K]."""
    pair_weights: Array
    """What each pair counts, as ``ridge_weights``, [K]."""
    calibration: Mapping[str, float] = field(default_factory=dict)
    """What :mod:`genlock.lipsync.confidence` knows about its errors."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What it was trained on, how and when it was checked."""

    def __post_init__(self) -> None:
        o = self.options
        channels, steps = o.components + o.speeds, 2 * o.sound_steps + 1
        bands = self.ridge.shape[1] if self.ridge.ndim == 3 else 0
        wanted = {
            "basis": (80, o.components),
            "ridge": (steps, bands, channels),
            "ridge_weights": (channels,),
            "sound_pairs": (steps, bands, o.pairs),
            "pair_weights": (o.pairs,),
            "lip_pairs": ((2 * o.lip_steps + 1) * channels, o.pairs),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise FormatError(
                    f"{name} of a sync model has shape {getattr(self, name).shape}, not {shape}"
                )


_ARRAYS = ("basis", "ridge", "ridge_weights", "sound_pairs", "lip_pairs", "pair_weights")


# ---------------------------------------------------------------- what it looks at


def sound_bands(mel: Track, options: LinearOptions) -> Track:
    """Log-mel bands above a soft noise floor, smoothed, each less its mean, [N, bands].

    The floor follows the loud parts of the sound, so that the level of a recording does not matter.

    >>> from genlock.core.grid import Grid
    >>> quiet, loud = (sound_bands(Track(np.eye(6) + level, Grid(100)), LinearOptions()) for level in (0, 9))
    >>> bool(np.allclose(quiet.values, loud.values))
    True
    """
    values = np.asarray(mel.values, np.float64)
    if not mel.valid.any():
        return replace(mel, values=np.zeros_like(values), name="sound bands")
    level = np.logaddexp.reduce(values[mel.valid], axis=1) - np.log(values.shape[1])
    floored = np.logaddexp(values, np.quantile(level, 0.95) + np.log(options.floor))
    floored -= floored[mel.valid].mean(axis=0)
    floored[~mel.valid] = 0.0
    return replace(mel, values=_smoothed(floored, options.smooth_cells), name="sound bands")


def _smoothed(values: Array, reach: int) -> Array:
    if reach == 0 or len(values) == 0:
        return values
    kernel = np.hanning(2 * reach + 1)
    kernel /= kernel.sum()
    padded = np.pad(values, ((reach, reach), (0, 0)), "edge")
    return np.asarray(sum(w * padded[k : k + len(values)] for k, w in enumerate(kernel)))


def sound_context(bands: Track, options: LinearOptions) -> Array:
    """Bands at each cell and at steps of 40 ms around it, [N, S, bands]; zero, the mean, beyond the ends."""
    step = _context_cells(bands)
    count = len(bands)
    reach = options.sound_steps * step
    padded = np.pad(bands.values, ((reach, reach), (0, 0)))
    return np.stack([padded[k * step : k * step + count] for k in range(2 * options.sound_steps + 1)], axis=1)


def _through_context(bands: Track, maps: Array, options: LinearOptions) -> Array:
    """:func:`sound_context` times maps [S, bands, C], without building it, [N, C]."""
    step = _context_cells(bands)
    count = len(bands)
    reach = options.sound_steps * step
    padded = np.pad(bands.values, ((reach, reach), (0, 0)))
    out = np.zeros((count, maps.shape[2]))
    for k, matrix in enumerate(maps):
        out += padded[k * step : k * step + count] @ matrix
    return out


def _context_cells(bands: Track) -> int:
    if not isinstance(bands.grid, Grid):
        raise OptionError("the sound's bands lie on a Grid")
    return bands.grid.index(bands.grid.start + exact("0.04"), "nearest")


def lip_shapes(lips: Track, options: LinearOptions) -> Shapes:
    """Lip shapes [V, 80] of the frames in which the face was seen, and their instants in seconds [V].

    Shapes are made symmetrical (what differs between left and right is pose, not speech), less their mean.
    """
    seen = lips.valid
    points = np.asarray(lips.values, np.float64)[seen].reshape(-1, 40, 2)
    both = (points + points[:, _MIRROR] * np.array([-1.0, 1.0])) / 2
    flat = both.reshape(len(both), 80)
    return flat - (flat.mean(axis=0) if len(flat) else 0.0), lips.grid.centers(len(lips))[seen]


def lip_channels(shapes: Array, seconds: Array, basis: Array, options: LinearOptions) -> Array:
    """Components of lip shapes and the speed of the first of them (eye distances a second), [V, C]."""
    parts = shapes @ basis
    if options.speeds == 0:
        return parts
    fast = parts[:, : options.speeds]
    ahead, behind = (rows_at(seconds + d, seconds, fast) for d in (_SPAN_STEP_SECONDS, -_SPAN_STEP_SECONDS))
    return np.hstack([parts, (ahead - behind) / (2 * _SPAN_STEP_SECONDS)])


def lip_context(channels: Array, seconds: Array, options: LinearOptions) -> Array:
    """Lip channels at each frame and at steps of 40 ms around it, [V, L * C]; held beyond the ends."""
    reach = range(-options.lip_steps, options.lip_steps + 1)
    return np.hstack([rows_at(seconds + k * _SPAN_STEP_SECONDS, seconds, channels) for k in reach])


@dataclass(frozen=True, eq=False)
class View:
    """Channels of sound and picture that should move together, and what their curve counts."""

    sound: Track
    """Channels of the sound, [N, C]."""
    picture: Track
    """The same channels of the picture, [T, C]."""
    weights: npt.ArrayLike
    """What each channel counts, at least 0, [C]."""
    share: float
    """What the curve counts among those of the other views; all add up to 1."""


def sound_signals(mel: Track, model: LinearModel) -> tuple[Track, Track]:
    """Lip channels as the sound lets one expect them, [N, C], and canonical channels of the sound, [N, K]."""
    bands = sound_bands(mel, model.options)
    both = np.concatenate([model.ridge, model.sound_pairs], axis=2)
    values = _through_context(bands, both, model.options)
    cut = model.ridge.shape[2]
    return (
        replace(bands, values=values[:, :cut], name="expected lips"),
        replace(bands, values=values[:, cut:], name="canonical sound"),
    )


def face_signals(face: FaceEvidence, model: LinearModel, seen: Shapes | None = None) -> tuple[Track, Track]:
    """Lip channels as they are, [T, C], and canonical channels of the lips, [T, K].

    ``seen`` is what :func:`lip_shapes` gave for the face, where it is known already.
    """
    shapes, seconds = seen or lip_shapes(face.lips, model.options)
    channels = lip_channels(shapes, seconds, model.basis, model.options)
    pairs = lip_context(channels, seconds, model.options) @ model.lip_pairs
    return (_spread(face.lips, channels, "lip channels"), _spread(face.lips, pairs, "canonical lips"))


def _spread(lips: Track, rows: Array, name: str) -> Track:
    """Rows of the frames with a face, on all frames."""
    values = np.zeros((len(lips), rows.shape[1]))
    values[lips.valid] = rows
    return replace(lips, values=values, name=name, unit="")


# ---------------------------------------------------------------- the estimator


class LinearSync:
    """Estimator of the offset from speech and lips.

    Parameters
    ----------
    model : the one that comes with Genlock if not given
    reach_seconds : the largest offset that is looked for, to either side; 0.1...10
    """

    name = "lips"
    mouth_side: int | None = None

    def __init__(self, model: LinearModel | None = None, reach_seconds: Exact = Fraction(6, 5)) -> None:
        self.model = default_model() if model is None else model
        self.reach_seconds = exact(reach_seconds)
        if not Fraction(1, 10) <= self.reach_seconds <= 10:
            raise OptionError(f"reach_seconds={reach_seconds} lies outside 0.1...10")

    @property
    def calibration(self) -> Mapping[str, float]:
        """What is known about its errors."""
        return self.model.calibration

    @property
    def trust(self) -> Trust:
        """Its curves are believed as far as its calibration says."""
        return Trust(
            Confidence.of(self.calibration),
            still="neither lips nor sound move together at any lag",
            foreign=not_matched(self.reach_seconds),
        )

    def cues(self, evidence: Evidence) -> tuple[Cue, ...]:
        """One cue for each face; a single one with the reason where there is nothing to compare."""
        by_face: dict[int | None, list[Cue]] = {}
        for _, _, cues in self.windows(evidence):
            for cue in cues:
                by_face.setdefault(cue.face, []).append(cue)
        found = []
        for face, own in by_face.items():
            curves = [cue.curve for cue in own if cue.curve is not None]
            found.append(Cue(self.name, pool(curves), face) if curves else own[0])
        return tuple(found)

    def windows(self, evidence: Evidence, window_seconds: Exact = 5) -> list[Window]:
        """Cues of stretches of about ``window_seconds`` of the piece, in order: start, end, one cue for each face.

        Sound and picture of a stretch are compared less their means there, so slow changes of pose and level do not
        count, and offsets that change in time show.
        """
        reason = why_nothing(evidence)
        if reason:
            return [Window(evidence.start, evidence.end, (Cue(self.name, None, reason=reason),))]
        faces = self.views(evidence)

        def cues(start: Fraction, end: Fraction) -> Iterator[Cue]:
            seen = (self.cue(face, views, start, end) for face, views in faces)
            return (cue for cue in seen if cue is not None)

        return windows_by_face(self.name, evidence, window_seconds, cues)

    def views(self, evidence: Evidence) -> list[tuple[FaceEvidence, list[View]]]:
        """Channels of sound and picture that should move together, for each face of a piece that has sound."""
        assert evidence.mel is not None
        heard = self._heard(evidence.mel)
        return [
            (face, self._compared(heard, face, lip_shapes(face.lips, self.model.options)))
            for face in evidence.faces
        ]

    def _heard(self, mel: Track) -> tuple[Track, ...]:
        """The sound's side of each view."""
        return sound_signals(mel, self.model)

    def _compared(self, heard: Sequence[Track], face: FaceEvidence, seen: Shapes) -> list[View]:
        """The views of one face."""
        lips, lip_pairs = face_signals(face, self.model, seen)
        return [
            View(heard[0], lips, self.model.ridge_weights, 0.5),
            View(heard[1], lip_pairs, self.model.pair_weights, 0.5),
        ]

    def cue(self, face: FaceEvidence, views: Sequence[View], start: Fraction, end: Fraction) -> Cue | None:
        """How one face fits the sound in a stretch; None where it is seen for less than half a second in it."""
        lips = face.lips.between(start, end)
        seen = float(np.diff(lips.edges)[lips.valid].sum()) if len(lips) else 0.0
        if seen < 0.5:
            return None
        if _stands_still(lips):
            return Cue(self.name, None, face.face, "the mouth does not move")
        curves = [
            correlate(
                view.sound,
                view.picture.between(start, end),
                self.reach_seconds,
                weights=view.weights,
                least_overlap="0.4",
            )
            for view in views
        ]
        curve = combine(curves, [view.share for view in views])
        if curve.empty:
            return Cue(self.name, None, face.face, "neither lips nor sound move together at any lag")
        return Cue(self.name, curve, face.face)


def _stands_still(lips: Track) -> bool:
    points = np.asarray(lips.values, np.float64)[lips.valid]
    return bool(np.sqrt(points.var(axis=0).sum(axis=-1)).mean() < _STILL)


# ---------------------------------------------------------------- the file of a model


def save_model(model: LinearModel, target: str | os.PathLike[str]) -> None:
    """Write a model as ``.npz``, atomically, byte for byte the same for the same model.

    Raises OutputError if the target cannot be written.
    """
    header = {
        "options": asdict(model.options),
        "calibration": dict(model.calibration),
        "facts": dict(model.facts),
    }
    write_model(target, MODEL_NAME, header, {name: getattr(model, name) for name in _ARRAYS})


def load_model(path: str | os.PathLike[str]) -> LinearModel:
    """Read a model that :func:`save_model` wrote.

    Raises FormatError if it is not there, damaged, or of another kind.
    """

    def build(header: Mapping[str, Any], found: Mapping[str, npt.NDArray[Any]]) -> LinearModel:
        arrays = {name: found[name].astype(np.float64) for name in _ARRAYS}
        options = LinearOptions(**header["options"])
        return LinearModel(options, **arrays, calibration=header["calibration"], facts=header["facts"])

    return read_model(path, MODEL_NAME, "linear sync model", build)


@cache
def _cached(path: Path) -> LinearModel:
    return load_model(path)


def default_model() -> LinearModel:
    """The model that comes with Genlock.

    >>> default_model().options.components
    10
    """
    return _cached(registry.require(MODEL_NAME))
