"""``genlock train sync``: the linear lips-sound model, in closed form, and what is known about its errors.

Clips that are believed to be in step give the regression and the canonical correlation. Ordinary clips are a little
out of step themselves, so after a first fit each clip is put where a model of the others sees it, the middle of all
staying at zero, and the fit is made again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import find_peak, weighted
from genlock.core.errors import InputError, OptionError
from genlock.core.files import write_text
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.core.time import exact
from genlock.core.track import Track
from genlock.lipsync.confidence import Confidence, judge
from genlock.lipsync.estimators.linear import (
    LinearModel,
    LinearOptions,
    LinearSync,
    lip_channels,
    lip_context,
    lip_shapes,
    save_model,
    sound_bands,
    sound_context,
)
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import cut, main_face, with_offset
from genlock.train.lipsync.calibration import calibrate

__all__ = [
    "Part",
    "Parts",
    "SyncFigures",
    "SyncTrained",
    "SyncTraining",
    "fit_linear",
    "measure",
    "measure_with",
    "own_offsets",
    "require_enough",
    "train_on",
    "warped",
]

Array = npt.NDArray[np.float64]
#: What a clip is for: to train on, to fit the confidence on, or to report on.
Part = Literal["train", "calibrate", "report"]
#: Evidence of clips by name, by what they are for.
Parts: TypeAlias = Mapping[Part, Mapping[str, Evidence]]


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
    trials: int = 800
    """Films with planted offsets on which the confidence is fitted; at least 100."""
    seed: int = 0
    """Of everything random."""
    data: str = "videos of talking faces that were believed to be in step"
    """What the clips are, who made them and under which licence: for the model's card."""
    look: LinearOptions = field(default_factory=LinearOptions)
    """What the model looks at."""

    def __post_init__(self) -> None:
        if not (self.ridge > 0 and self.cca > 0 and self.copies >= 1 and self.rounds >= 1):
            raise OptionError(f"{self}: ridge and cca are above 0, copies and rounds at least 1")
        if self.trials < 100:
            raise OptionError(f"trials={self.trials} is too few to fit a confidence on; at least 100")
        if not 0 < self.warp[0] <= self.warp[1] or self.floor_decades < 0 or self.lip_noise < 0:
            raise OptionError(f"{self}: warp is a rising range above 0, the rest at least 0")


@dataclass(frozen=True)
class SyncFigures:
    """What a model reaches on the clips kept for reporting, with offsets drawn evenly from +-600 ms."""

    films: int
    """How many."""
    right: float
    """Share of offsets within 40 ms of the planted one, 0...1, abstained ones counted as wrong."""
    median_error_seconds: float
    """Median of the absolute error."""
    covered: float
    """Share of the stated 90 % intervals that hold the truth, 0...1."""


@dataclass(frozen=True)
class SyncTrained:
    """What ``genlock train sync`` made."""

    path: Path
    """The model file."""
    card: Path
    """What there is to know about it, for people."""
    clips: Mapping[str, int]
    """How many clips each part had."""
    figures: SyncFigures | None
    """On the part that was kept for reporting; None if it had fewer than four clips."""
    notes: tuple[str, ...] = ()
    """What else its reader should know, such as clips that were left out."""

    __repr__ = one_line

    def __str__(self) -> str:
        return "\n".join([self._sentence(), *self.notes])

    def _sentence(self) -> str:
        said = f"{self.path}: trained on {self.clips['train']} clips, calibrated on {self.clips['calibrate']}"
        if self.figures is None:
            return f"{said}; too few clips to report on"
        f = self.figures
        return (
            f"{said}; on {self.clips['report']} others: {f.right:.1%} of {f.films} shifts within 40 ms, "
            f"median error {1000 * f.median_error_seconds:.0f} ms, {f.covered:.0%} of the 90 % intervals hold"
        )

    def to_dict(self) -> dict[str, Any]:
        """``path``, ``card``, ``clips``, ``figures``, ``notes``."""
        return {
            "path": str(self.path),
            "card": str(self.card),
            "clips": dict(self.clips),
            "figures": None if self.figures is None else asdict(self.figures),
            "notes": list(self.notes),
        }


def train_on(
    parts: Parts,
    folder: str | os.PathLike[str],
    training: SyncTraining | None = None,
    progress: Progress = silent,
    notes: Sequence[str] = (),
) -> SyncTrained:
    """Train, calibrate and measure a linear sync model, and write it with its card.

    Parameters
    ----------
    parts : clips of single talking faces that are believed to be in step, by what they are for and by name
    folder : gets ``model.npz`` and ``MODEL_CARD.md``
    notes : what its reader should know of the clips

    Raises
    ------
    InputError
        If too few of them can be used.
    OutputError
        If the folder cannot be written.
    """
    training = training or SyncTraining()
    require_enough(parts)
    model = fit_linear(parts["train"], training, lambda done, total: progress("fit", done, total))
    model = calibrate(
        model,
        parts["calibrate"],
        training.trials,
        training.seed,
        lambda done, total: progress("calibrate", done, total),
    )
    clips: dict[str, int] = {part: len(found) for part, found in parts.items()}
    figures = None if clips["report"] < 4 else measure(model, parts["report"], seed=training.seed)
    facts = {**model.facts, "parts": clips, "figures": None if figures is None else asdict(figures)}
    target = Path(folder)
    trained = SyncTrained(target / "model.npz", target / "MODEL_CARD.md", clips, figures, tuple(notes))
    save_model(replace(model, facts=facts), trained.path)
    write_text(trained.card, _card(trained, training, float(model.facts["spread_of_clips_seconds"])))
    return trained


def require_enough(parts: Parts) -> None:
    """Raise InputError if there are too few clips with sound and a face to train or to calibrate on."""
    if min(len(parts["train"]), len(parts["calibrate"])) < 4:
        raise InputError(
            f"{len(parts['train'])} clips can be trained and {len(parts['calibrate'])} calibrated on, at least 4 are "
            "needed of each; give more videos with sound and a talking face"
        )


def measure(model: LinearModel, clips: Mapping[str, Evidence], times: int = 2, seed: int = 0) -> SyncFigures:
    """Figures on ``clips``, each ``times`` times with another offset; what the shift moves out of a clip is lost."""
    return measure_with(LinearSync(model), clips, times, seed)


def measure_with(
    estimator: LinearSync, clips: Mapping[str, Evidence], times: int = 2, seed: int = 0
) -> SyncFigures:
    """:func:`measure` of an estimator."""
    confidence = Confidence.of(estimator.calibration)
    random = np.random.default_rng(seed)
    errors, covered = [], []
    for name in sorted(clips) * times:
        whole = clips[name]
        offset = Fraction(int(random.uniform(-6e5, 6e5)), 1_000_000)
        curve = estimator.cues(cut(with_offset(whole, offset), whole.start, whole.end))[0].curve
        found = None if curve is None else judge(curve, confidence)
        if found is None:
            errors.append(np.inf)
            continue
        errors.append(abs(found.peak.lag_seconds - float(offset)))
        low, high = found.interval_seconds
        covered.append(low <= offset <= high)
    right = float(np.mean(np.array(errors) <= 0.04))
    return SyncFigures(
        len(errors), right, float(np.median(errors)), float(np.mean(covered)) if covered else 0.0
    )


_CARD = """# Lips against speech, linear

What it is: a ridge regression from sound to lips and a canonical correlation between them, which give the offset of
sound and picture of a talking face (`genlock sync`). {size_kb:.0f} kB, numpy only.

- Data: {data}.
- Split as the index of the dataset says: {train} clips to train on, {calibrate} to fit the confidence on, {report} to
  report on.
- Licence: that of the data, with credit to its makers.
- Made by: `genlock train sync --model linear DATASET -o DIR`, seed {seed}; everything random follows from it.
- It sees 40 log-mel bands in {sound} steps of 40 ms, and 40 points of the lips without pose, made symmetrical:
  {components} components, {speeds} speeds, {lips} steps of 40 ms; at any frame rate.
- Options: ridge {ridge}, cca {cca}; {copies} versions of each clip (other vocal tracts by {warp}, other noise floors,
  trembling lips); {rounds} rounds, between which each clip is put where a model of the others sees it. The clips
  themselves scatter by {spread:.0f} ms about their common zero.
- Figures on the clips to report on: {figures}.

Limits: of speakers it was not trained on it sees the offset as well, with a bias of its own of some ten milliseconds.
Profile faces, beards, masks, sung or far-away speech were not tried. Under four seconds a peak can hardly be told from
that of a voice-over. It says nothing about who speaks, or what.
"""


def _card(trained: SyncTrained, training: SyncTraining, spread_seconds: float) -> str:
    f = trained.figures
    figures = (
        "too few clips"
        if f is None
        else (
            f"{f.films} shifts even in +-600 ms: {f.right:.1%} within 40 ms, median error "
            f"{1000 * f.median_error_seconds:.1f} ms, {f.covered:.0%} of the stated 90 % intervals hold the truth"
        )
    )
    look = training.look
    return _CARD.format(
        **trained.clips,
        size_kb=trained.path.stat().st_size / 1000,
        figures=figures,
        data=training.data.rstrip("."),
        seed=training.seed,
        sound=2 * look.sound_steps + 1,
        lips=2 * look.lip_steps + 1,
        components=look.components,
        speeds=look.speeds,
        ridge=training.ridge,
        cca=training.cca,
        copies=training.copies,
        rounds=training.rounds,
        warp=" to ".join(f"{w:g}" for w in training.warp),
        spread=1000 * spread_seconds,
    )


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
        offsets = own_offsets(usable, training)
        model = _fit(usable, offsets, training)
    kept = [round(v, 3) for v in offsets.values() if abs(v) <= training.most_shift_seconds]
    facts = {
        "training": asdict(training),
        "clips": len(usable),
        "clips_kept": len(kept),
        "spread_of_clips_seconds": float(np.std(kept)),
    }
    return replace(model, facts=facts)


def own_offsets(clips: Mapping[str, Evidence], training: SyncTraining) -> dict[str, float]:
    """Where each clip is seen by a model of the others, less the middle of all: the corpus stays at zero."""
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
    # Clips are cut at whole frames, so each lies anywhere within some tens of ms, evenly: the middle of the range says
    # more about the corpus' own zero than the median does.
    low, high = np.quantile([v for v in found.values() if np.isfinite(v)], [0.05, 0.95])
    middle = float(low + high) / 2
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
            self.xx + other.xx,
            self.xy + other.xy,
            self.yy + other.yy,
            self.xz + other.xz,
            self.zz + other.zz,
            self.rows + other.rows,
        )


def _fit(clips: Mapping[str, Evidence], offsets: Mapping[str, float], training: SyncTraining) -> LinearModel:
    look = training.look
    names = [n for n in sorted(clips) if abs(offsets[n]) <= training.most_shift_seconds]
    if len(names) < 2:
        raise InputError(
            f"{len(names)} of {len(clips)} clips are in step with the others to "
            f"{training.most_shift_seconds} s, at least 2 are needed; give more clips, or such as are in step"
        )
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
        mel = warped(mel, random.uniform(*training.warp))
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
    seen, around = channels[inside], lips[inside]
    return x - x.mean(axis=0), seen - seen.mean(axis=0), around - around.mean(axis=0)


def warped(mel: Track, factor: float) -> Track:
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
