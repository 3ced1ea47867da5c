"""``genlock train sync``: the linear lips-sound model, in closed form, and what is known about its errors.

Clips that are believed to be in step give the regression and the canonical correlation. Ordinary clips are a little
out of step themselves, so after a first fit each clip is put where a model of the others sees it, the middle of all
staying at zero, and the fit is made again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import find_peak, weighted
from genlock.core.progress import Progress, silent
from genlock.core.time import exact
from genlock.core.track import Track
from genlock.lipsync.estimators.linear import (
    LinearModel,
    LinearSync,
    lip_channels,
    lip_context,
    lip_shapes,
    save_model,
    sound_bands,
    sound_context,
)
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import with_offset
from genlock.train.lipsync.parts import Parts, in_step, lip_scatter, require_enough, talking_face, usable
from genlock.train.lipsync.trained import SyncTrained, finish
from genlock.train.lipsync.turned import Turning, turned
from genlock.train.options import SyncTraining

__all__ = ["fit_linear", "fit_people", "own_offsets", "train_on", "warped"]

Array = npt.NDArray[np.float64]


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
    look = training.look
    words = {
        "sound": 2 * look.sound_steps + 1,
        "lips": 2 * look.lip_steps + 1,
        "components": look.components,
        "speeds": look.speeds,
        "ridge": training.ridge,
        "cca": training.cca,
        "copies": training.copies,
        "rounds": training.rounds,
        "warp": " to ".join(f"{w:g}" for w in training.warp),
        "turned": training.turned,
    }
    return finish(model, save_model, _CARD, words, parts, folder, training, training.seed, progress, notes)


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
  trembling lips, {turned:.0%} of them with heads turned by rule);
  {rounds} rounds, between which each clip is put where a model of the others sees it. The clips
  themselves scatter by {spread:.0f} ms about their common zero.
- Figures on the clips to report on: {figures}.

Limits: of speakers it was not trained on it sees the offset as well, with a bias of its own of some ten milliseconds.
Profile faces, beards, masks, sung or far-away speech were not tried. Under four seconds a peak can hardly be told from
that of a voice-over. It says nothing about who speaks, or what.
"""


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
    return fit_people({"": clips}, training, progress)[0]


def fit_people(
    people: Mapping[str, Mapping[str, Evidence]],
    training: SyncTraining | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[LinearModel, dict[str, LinearModel]]:
    """Fit the model to the clips of everybody, and one without each person, by name; none where there is but one.

    Lip components and the clips' own offsets are those of all; all else of a model without a person is without him.

    Parameters
    ----------
    people : clips that are believed to be in step, by name, by who speaks; at least four with sound and a face each

    Raises
    ------
    InputError
        If there are too few.
    """
    training = training or SyncTraining()
    whose = {f"{who}/{name}": who for who, clips in people.items() for name in clips}
    chosen = usable({f"{who}/{name}": clip for who, clips in people.items() for name, clip in clips.items()})
    offsets = dict.fromkeys(chosen, 0.0)
    for done in range(1, training.rounds):
        progress(done, training.rounds)
        offsets = own_offsets(chosen, training)
    gathered = _Gathered.of(chosen, offsets, training, {name: whose[name] for name in chosen})
    kept = [round(v, 3) for v in offsets.values() if abs(v) <= training.most_shift_seconds]
    facts = {
        "training": asdict(training),
        "clips": len(chosen),
        "clips_kept": len(kept),
        "spread_of_clips_seconds": float(np.std(kept)),
    }
    if len(people) > 1:
        facts["people"] = sorted(people)
    without = {who: gathered.model(who) for who in people if len(people) > 1}
    return replace(gathered.model(), facts=facts), without


def own_offsets(clips: Mapping[str, Evidence], training: SyncTraining) -> dict[str, float]:
    """The offsets at which a model of the others sees each clip, less the middle of all: the corpus stays at zero."""
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
    return _Gathered.of(clips, offsets, training, dict.fromkeys(clips, "")).model()


@dataclass(frozen=True, eq=False)
class _Gathered:
    """Moments of clips by person and by half, so that a model without one of them costs no second look."""

    training: SyncTraining
    basis: Array
    halves: Mapping[str, tuple[_Sums, _Sums]]
    """Those of every other clip, and of the rest."""
    kept: Mapping[str, list[tuple[Array, Array, Array]]]
    """Rows of the clips of the second half, unchanged."""

    @classmethod
    def of(
        cls,
        clips: Mapping[str, Evidence],
        offsets: Mapping[str, float],
        training: SyncTraining,
        people: Mapping[str, str],
    ) -> _Gathered:
        """Of clips put where they lie; ``people`` says whose each is."""
        look = training.look
        names = in_step({name: offsets[name] for name in clips}, training.most_shift_seconds, 2)
        _, vectors = np.linalg.eigh(lip_scatter(_seen(clips, names, training), look)[0])
        basis = np.asarray(vectors[:, ::-1][:, : look.components])
        halves = {who: (_Sums(), _Sums()) for who in people.values()}
        kept: dict[str, list[tuple[Array, Array, Array]]] = {who: [] for who in people.values()}
        random = np.random.default_rng(training.seed)
        for number, name in enumerate(names):
            clip = with_offset(clips[name], -exact(round(offsets[name], 6)))
            for copy in range(training.copies):
                rows = _rows(clip, basis, training, random if copy else None)
                halves[people[name]][number % 2].add(*rows)
                if number % 2 and not copy:
                    kept[people[name]].append(rows)
        return cls(training, basis, halves, kept)

    def model(self, without: str | None = None) -> LinearModel:
        """Of everybody, or of all but one."""
        used = [who for who in self.halves if who != without]
        first_half, second_half = _Sums(), _Sums()
        for who in used:
            first_half = first_half.plus(self.halves[who][0])
            second_half = second_half.plus(self.halves[who][1])
        ridge, first, second = _solve(first_half, self.training)
        kept = [rows for who in used for rows in self.kept[who]]
        x, y, z = (np.concatenate([rows[k] for rows in kept]) for k in range(3))
        ridge_weights = np.maximum(_correlations(x @ ridge, y), 0.0) ** 2
        pair_weights = np.maximum(_correlations(x @ first, z @ second), 0.0) ** 2
        ridge, first, second = _solve(first_half.plus(second_half), self.training)
        look = self.training.look
        steps = 2 * look.sound_steps + 1
        shape = (steps, x.shape[1] // steps, -1)
        return LinearModel(
            look, self.basis, ridge.reshape(shape), ridge_weights, first.reshape(shape), second, pair_weights
        )


def _seen(clips: Mapping[str, Evidence], names: Sequence[str], training: SyncTraining) -> Iterator[Evidence]:
    """Clips as they are, and with their heads turned where some of them are."""
    random = np.random.default_rng(training.seed)
    for name in names:
        yield clips[name]
        if training.turned and training.copies > 1:
            yield turned(clips[name], Turning(), random)


def _rows(
    clip: Evidence, basis: Array, training: SyncTraining, random: np.random.Generator | None
) -> tuple[Array, Array, Array]:
    """Sound in context, lip channels and lips in context at the frames of a clip, changed if ``random`` is given."""
    look = training.look
    mel = clip.mel
    assert mel is not None
    if random is not None and random.random() < training.turned:
        clip = turned(clip, Turning(), random)
    if random is not None:
        mel = warped(mel, random.uniform(*training.warp))
        decades = random.uniform(-training.floor_decades, training.floor_decades)
        look = replace(look, floor=look.floor * 10**decades)
    bands = sound_bands(mel, look)
    context = sound_context(bands, look).reshape(len(bands), -1)
    shapes, seconds = lip_shapes(talking_face(clip).lips, look)
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
