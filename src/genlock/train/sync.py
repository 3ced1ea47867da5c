"""``genlock train sync``: the linear lips-sound model, in closed form, and what is known about its errors.

Clips that are believed to be in step give the regression and the canonical correlation. Ordinary clips are a little
out of step themselves, so after a first fit each clip is put where the fit sees it, as far as the clips agree on zero
in the median, and the fit is made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import find_peak, weighted
from genlock.core.errors import InputError, OptionError
from genlock.core.time import exact
from genlock.core.track import Track
from genlock.lipsync.evidence import Evidence
from genlock.lipsync.linear import (
    LinearModel,
    LinearOptions,
    LinearSync,
    lip_channels,
    lip_context,
    lip_shapes,
    sound_bands,
    sound_context,
)
from genlock.lipsync.recut import main_face, with_offset

__all__ = ["Part", "SyncTraining", "fit_linear", "split_of"]

Array = npt.NDArray[np.float64]
#: What a clip is for: to train on, to fit the confidence on, or to report on.
Part = Literal["train", "calibrate", "report"]


def split_of(name: str) -> Part:
    """Which part of a corpus a clip belongs to, by its name without ending: 50, 20 and 30 of a hundred.

    The same on every machine and in every version, so that nothing that was trained on is ever reported on.

    >>> split_of("bbaf2n"), split_of("bbaf3s")
    ('report', 'train')
    """
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
    return "train" if place < 0.5 else "calibrate" if place < 0.7 else "report"


@dataclass(frozen=True)
class SyncTraining:
    """How the linear sync model is trained."""

    ridge: float = 1.0
    """Strength of the regression's regularisation, against standardised features; above 0."""
    cca: float = 1.0
    """The same for the canonical correlation; above 0."""
    copies: int = 2
    """Versions of each clip, the first as it is, the others changed; at least 1."""
    warp: tuple[float, float] = (0.85, 1.2)
    """The others' vocal tract is shorter or longer by a factor out of this range."""
    floor_decades: float = 0.7
    """The others' noise floor lies up to so many factors of ten higher or lower; at least 0."""
    lip_noise: float = 0.1
    """Noise on the others' lip components, against their own spread; at least 0."""
    rounds: int = 2
    """Fits; after each but the last the clips are put where it sees them. At least 1."""
    most_shift_seconds: float = 0.15
    """A clip that seems further out than this is left out of the next fit; above 0."""
    seed: int = 0
    """Of everything random."""
    look: LinearOptions = field(default_factory=LinearOptions)
    """What the model looks at."""

    def __post_init__(self) -> None:
        if not (self.ridge > 0 and self.cca > 0 and self.copies >= 1 and self.rounds >= 1):
            raise OptionError(f"{self}: ridge and cca are above 0, copies and rounds at least 1")
        if not 0 < self.warp[0] <= self.warp[1] or self.floor_decades < 0 or self.lip_noise < 0:
            raise OptionError(f"{self}: warp is a rising range above 0, the rest at least 0")


def fit_linear(
    clips: Mapping[str, Evidence],
    training: SyncTraining | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> LinearModel:
    """Fit the model to clips that are believed to be in step.

    Parameters
    ----------
    clips : by name, at least four, with sound and a face each

    Raises
    ------
    InputError
        If there are too few.
    """
    training = training or SyncTraining()
    usable = {n: e for n, e in clips.items() if e.mel is not None and main_face(e) is not None}
    if len(usable) < 4:
        raise InputError(f"{len(usable)} of {len(clips)} clips have sound and a face; at least 4 are needed")
    offsets = dict.fromkeys(usable, 0.0)
    model = _fit(usable, offsets, training)
    for done in range(1, training.rounds):
        progress(done, training.rounds)
        offsets = _own_offsets(usable, training)
        model = _fit(usable, offsets, training)
    kept = [round(v, 3) for v in offsets.values() if abs(v) <= training.most_shift_seconds]
    facts = {
        "training": asdict(training), "clips": len(usable), "clips_kept": len(kept),
        "spread_of_clips_seconds": float(np.std(kept)),
    }  # fmt: skip
    return replace(model, facts=facts)


def _own_offsets(clips: Mapping[str, Evidence], training: SyncTraining) -> dict[str, float]:
    """Where each clip is seen by a model of the others, less the median of all: the corpus stays at zero."""
    names = sorted(clips)
    found: dict[str, float] = {}
    for fold in range(2):
        others = {n: clips[n] for n in names[fold::2]}
        model = _fit(others, dict.fromkeys(others, 0.0), replace(training, copies=1))
        estimator = LinearSync(model, "0.6")
        for name in names[1 - fold :: 2]:
            curve = estimator.cues(clips[name])[0].curve
            peak = None if curve is None else find_peak(weighted(curve))
            found[name] = np.inf if peak is None else peak.lag_seconds
    middle = float(np.median([v for v in found.values() if np.isfinite(v)]))
    return {name: value - middle for name, value in found.items()}


@dataclass
class _Sums:
    """Second moments of sound x, lip channels y and lips in context z, all less their clip's means."""

    xx: Array | float = 0.0
    xy: Array | float = 0.0
    yy: Array | float = 0.0
    xz: Array | float = 0.0
    zz: Array | float = 0.0
    rows: int = 0

    def add(self, x: Array, y: Array, z: Array) -> None:
        self.xx = self.xx + x.T @ x
        self.xy = self.xy + x.T @ y
        self.yy = self.yy + (y * y).sum(axis=0)
        self.xz = self.xz + x.T @ z
        self.zz = self.zz + z.T @ z
        self.rows += len(x)

    def plus(self, other: _Sums) -> _Sums:
        return _Sums(
            self.xx + other.xx, self.xy + other.xy, self.yy + other.yy, self.xz + other.xz, self.zz + other.zz,
            self.rows + other.rows,
        )  # fmt: skip


def _fit(clips: Mapping[str, Evidence], offsets: Mapping[str, float], training: SyncTraining) -> LinearModel:
    look = training.look
    names = [n for n in sorted(clips) if abs(offsets[n]) <= training.most_shift_seconds]
    basis = _basis([clips[n] for n in names], look)
    halves = (_Sums(), _Sums())
    kept: list[tuple[Array, Array, Array]] = []
    random = np.random.default_rng(training.seed)
    for number, name in enumerate(names):
        clip = with_offset(clips[name], -exact(round(offsets[name], 6)))
        for copy in range(training.copies):
            rows = _rows(clip, basis, training, random if copy else None)
            halves[number % 2].add(*rows)
            if number % 2 and not copy:
                kept.append(rows)
    ridge, first, second = _solve(halves[0], training)
    x, y, z = (np.concatenate([rows[k] for rows in kept]) for k in range(3))
    ridge_weights = np.maximum(_correlations(x @ ridge, y), 0.0) ** 2
    pair_weights = np.maximum(_correlations(x @ first, z @ second), 0.0) ** 2
    ridge, first, second = _solve(halves[0].plus(halves[1]), training)
    steps = 2 * look.sound_steps + 1
    shape = (steps, x.shape[1] // steps, -1)
    return LinearModel(
        look, basis, ridge.reshape(shape), ridge_weights, first.reshape(shape), second, pair_weights
    )


def _basis(clips: Sequence[Evidence], look: LinearOptions) -> Array:
    scatter = np.zeros((80, 80))
    for clip in clips:
        face = main_face(clip)
        assert face is not None
        shapes, _ = lip_shapes(face.lips, look)
        scatter += shapes.T @ shapes
    _, vectors = np.linalg.eigh(scatter)
    return np.asarray(vectors[:, ::-1][:, : look.components])


def _rows(
    clip: Evidence, basis: Array, training: SyncTraining, random: np.random.Generator | None
) -> tuple[Array, Array, Array]:
    """Sound in context, lip channels and lips in context at the frames of a clip, changed if ``random`` is given."""
    look = training.look
    face = main_face(clip)
    assert face is not None
    assert clip.mel is not None
    mel = clip.mel
    if random is not None:
        mel = _warped(mel, random.uniform(*training.warp))
        decades = random.uniform(-training.floor_decades, training.floor_decades)
        look = replace(look, floor=look.floor * 10**decades)
    bands = sound_bands(mel, look)
    context = sound_context(bands, look).reshape(len(bands), -1)
    shapes, seconds = lip_shapes(face.lips, look)
    if random is not None and training.lip_noise:
        spread = training.lip_noise * (shapes @ basis).std(axis=0)
        shapes = shapes + (random.standard_normal((len(shapes), basis.shape[1])) * spread) @ basis.T
    channels = lip_channels(shapes, seconds, basis, look)
    lips = lip_context(channels, seconds, look)
    centers = bands.grid.centers(len(bands))
    inside = (seconds >= centers[0]) & (seconds <= centers[-1])
    place = (seconds[inside] - centers[0]) * float(bands.grid.rate)  # type: ignore[union-attr]
    left = np.minimum(np.floor(place).astype(np.int64), len(bands) - 2)
    share = (place - left)[:, None]
    x = context[left] * (1 - share) + context[left + 1] * share
    return tuple(v - v.mean(axis=0) for v in (x, channels[inside], lips[inside]))  # type: ignore[return-value]


def _warped(mel: Track, factor: float) -> Track:
    """Bands read off as if the vocal tract were shorter by ``factor``."""
    bands = mel.values.shape[1]
    place = np.clip(np.arange(bands) * factor, 0, bands - 1)
    left = np.minimum(np.floor(place).astype(np.int64), bands - 2)
    share = place - left
    return mel.map(lambda v: v[:, left] * (1 - share) + v[:, left + 1] * share)


def _solve(sums: _Sums, training: SyncTraining) -> tuple[Array, Array, Array]:
    """Ridge map [X, C] and canonical maps [X, K], [Z, K], for features as they come."""
    xx, xy, xz, zz = (np.asarray(s) / sums.rows for s in (sums.xx, sums.xy, sums.xz, sums.zz))
    sx, sz = np.sqrt(np.diag(xx)) + 1e-9, np.sqrt(np.diag(zz)) + 1e-9
    sy = np.sqrt(np.asarray(sums.yy) / sums.rows) + 1e-9
    xx = xx / np.outer(sx, sx)
    ridge = np.linalg.solve(xx + training.ridge * np.eye(len(xx)), xy / np.outer(sx, sy)) / sx[:, None]
    kx = _inverse_root(xx + training.cca * np.eye(len(xx)))
    kz = _inverse_root(zz / np.outer(sz, sz) + training.cca * np.eye(len(zz)))
    u, _, v = np.linalg.svd(kx @ (xz / np.outer(sx, sz)) @ kz, full_matrices=False)
    pairs = training.look.pairs
    return ridge, (kx @ u[:, :pairs]) / sx[:, None], (kz @ v.T[:, :pairs]) / sz[:, None]


def _inverse_root(matrix: Array) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors / np.sqrt(values) @ vectors.T)


def _correlations(a: Array, b: Array) -> Array:
    return np.asarray((a * b).sum(axis=0) / np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0) + 1e-30))
