"""How sure a lips-sound model may be: fitted on clips with planted offsets that it was not trained on.

Films of 2 to 30 seconds are joined from clips and given an offset; some are made worse, in some the sound belongs to
another film or is no speech at all. From these follow how fast a curve grows into a distribution over lags, how far
clips lie from their true offset anyway, and what tells sound and lips that belong together from those that do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import LagCurve, find_peak, pool, weighted
from genlock.core.errors import InputError
from genlock.core.time import exact
from genlock.lipsync.confidence import Confidence, belonging_features, spread_over
from genlock.lipsync.estimators.linear import LinearModel, LinearSync
from genlock.lipsync.estimators.lips import LipsSync
from genlock.lipsync.estimators.tower import TowerModel
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import cut, join, with_offset, with_sound_of
from genlock.train.lipsync.parts import usable

__all__ = ["Kind", "Trial", "Trials", "calibrate", "estimator_of", "fit_confidence", "fit_without_each"]

Array = npt.NDArray[np.float64]
Model = TypeVar("Model", LinearModel, TowerModel)
#: What a trial is: a clean film, one made worse, a voice-over, other sentences of the same person (each begun with one
#: that is seen, as a dubbing actor begins), lips that only tremble, noise, or music.
Kind = Literal["clean", "worse", "voice-over", "other sentence", "covered", "noise", "music"]

KINDS: tuple[Kind, ...] = ("clean", "worse", "voice-over", "covered", "noise", "music")
_SHARES = (0.4, 0.28, 0.17, 0.05, 0.05, 0.05)
_LENGTHS = (2.0, 3.0, 4.0, 6.0, 9.0, 15.0, 30.0)
_LENGTH_SHARES = (0.15, 0.2, 0.2, 0.15, 0.1, 0.1, 0.1)
_MOST_OFFSET = 0.8
# Other speakers and cameras scatter more than those of one corpus: however long a film is, so much is never known.
_LEAST_BLUR = 0.010


@dataclass(frozen=True, eq=False)
class Trial:
    """One film with its truth."""

    evidence: Evidence
    """The film."""
    kind: Kind
    """What it is."""
    seconds: float
    """How long it is."""
    offset_seconds: float | None
    """The planted offset; None where sound and lips do not belong together."""


class Trials:
    """Films made of clips, reproducible from a seed.

    Parameters
    ----------
    clips : by name, with sound and a face each; at least four
    others : by name, those of other people, whose sound a voice-over is; of the same clips if there are none. Where
        there are some, one clip is enough

    Raises InputError if they are fewer.
    """

    def __init__(
        self, clips: Mapping[str, Evidence], seed: int = 0, others: Mapping[str, Evidence] | None = None
    ) -> None:
        self._clips = [clip for _, clip in sorted((clips if others else usable(clips)).items())]
        self._others = [clip for _, clip in sorted((others or {}).items())] or self._clips
        self._random = np.random.default_rng(seed)

    @property
    def seconds(self) -> float:
        """How long all clips are together."""
        return float(sum(clip.end - clip.start for clip in self._clips))

    def draw(
        self, kind: Kind | None = None, seconds: float | None = None, most: float = _MOST_OFFSET
    ) -> Trial:
        """The next film; its kind, length and offset are drawn where not given."""
        random = self._random
        what: Kind = KINDS[int(random.choice(len(KINDS), p=_SHARES))] if kind is None else kind
        length = float(random.choice(_LENGTHS, p=_LENGTH_SHARES)) if seconds is None else seconds
        offset = Fraction(int(random.uniform(-most, most) * 1e6), 1_000_000)
        film = self._film(length + 2 * most, self._clips)
        if what == "worse":
            film = self._worse(film)
        elif what == "voice-over":
            film = with_sound_of(film, self._film(length + 2 * most, self._others))
        elif what == "other sentence":
            film = self._of_two(length + 2 * most)
        elif what == "covered":
            film = self._covered(film)
        elif what == "noise":
            film = self._noise(film)
        elif what == "music":
            film = self._music(film)
        room = 1.1 if self._others is self._clips else max(0.0, float(film.end) - length - 2 * most)
        start = exact(f"{most + random.uniform(0, room):.3f}")
        film = cut(with_offset(film, offset), start, start + exact(f"{length:.3f}"))
        truth = float(offset) if what in ("clean", "worse") else None
        return Trial(film, what, length, truth)

    def _film(self, seconds: float, clips: Sequence[Evidence]) -> Evidence:
        """Clips in random order, a little longer than asked for; none again before all have been."""
        chosen: list[Evidence] = []
        total = 0.0
        order: list[int] = []
        while total < seconds + 1.2:
            order = order or list(self._random.permutation(len(clips)))
            chosen.append(clips[order.pop()])
            total += float(chosen[-1].end - chosen[-1].start)
        return join(chosen)

    def _of_two(self, seconds: float) -> Evidence:
        """Clips with the sound of other clips of the same people, each begun together."""
        order = [self._clips[k] for k in self._random.permutation(len(self._clips))]
        half = max(1, len(order) // 2)
        return with_sound_of(
            self._film(seconds, order[:half]), self._film(seconds, order[half:] or order[:half])
        )

    def _worse(self, film: Evidence) -> Evidence:
        """Noise in the sound at 3 to 30 dB below its loud parts, and trembling landmarks."""
        random, mel = self._random, film.mel
        assert mel is not None
        level = np.quantile(np.logaddexp.reduce(mel.values, axis=1) - np.log(mel.values.shape[1]), 0.95)
        tilt = np.linspace(0.0, random.uniform(0, 3), mel.values.shape[1])
        noise = level + np.log(random.gamma(4, 0.25, mel.values.shape)) - tilt - random.uniform(0.7, 6.9)
        trembling = self._trembling(film, random.uniform(0, 0.6), still=False)
        return replace(trembling, mel=replace(mel, values=np.logaddexp(mel.values, noise)))

    def _covered(self, film: Evidence) -> Evidence:
        return self._trembling(film, self._random.uniform(0.1, 0.6), still=True)

    def _trembling(self, film: Evidence, size: float, still: bool) -> Evidence:
        face = film.faces[0]
        points = np.asarray(face.lips.values, np.float64)
        spread = points.std(axis=0).mean()
        base = np.repeat(points[:1], len(points), axis=0) if still else points
        noisy = base + self._random.standard_normal(points.shape) * spread * size
        return replace(film, faces=(replace(face, lips=replace(face.lips, values=noisy)),))

    def _noise(self, film: Evidence) -> Evidence:
        """Noise whose level wanders."""
        assert film.mel is not None
        shape = film.mel.values.shape
        wander = np.cumsum(self._random.standard_normal(shape[:1])) * 0.15
        wander -= np.linspace(0, wander[-1], shape[0])
        values = 15 + wander[:, None] + np.log(self._random.gamma(4, 0.25, shape))
        return replace(film, mel=replace(film.mel, values=values))

    def _music(self, film: Evidence) -> Evidence:
        """Chords that change with a beat of 80 to 160 a minute."""
        assert film.mel is not None
        random, shape = self._random, film.mel.values.shape
        beat = 6000 / random.uniform(80, 160)
        place = np.arange(shape[0]) / beat
        chords = random.standard_normal((int(place[-1]) + 1, shape[1])).cumsum(axis=1) * 0.7
        decay = 4 * np.exp(-(place % 1) * random.uniform(1, 4))
        values = 12 + chords[place.astype(int)] + decay[:, None] + np.log(random.gamma(4, 0.25, shape))
        return replace(film, mel=replace(film.mel, values=values))


def estimator_of(model: LinearModel | TowerModel) -> LinearSync:
    """What measures with a model; towers do so beside the linear model that comes with Genlock."""
    return LinearSync(model) if isinstance(model, LinearModel) else LipsSync(tower=model)


def calibrate(
    model: Model,
    clips: Mapping[str, Evidence],
    trials: int = 800,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Model:
    """The model with what is known about its errors, from clips that it was not trained on.

    Raises InputError if there are fewer than four clips, or too few trials to tell.
    """
    estimator, films = estimator_of(model), Trials(clips, seed)
    curves: list[LagCurve] = []
    truths: list[float | None] = []
    for number in range(trials):
        trial = films.draw()
        seen = [cue.curve for _, _, cues in estimator.windows(trial.evidence) for cue in cues if cue.curve]
        if seen:
            curves.append(pool(seen))
            truths.append(trial.offset_seconds)
        progress(number + 1, trials)
    return replace(model, calibration=fit_confidence(curves, truths).to_dict())


def fit_confidence(
    curves: Sequence[LagCurve], offsets: Sequence[float | None], *, alike: bool = False
) -> Confidence:
    """Fit to pooled curves with their true offsets, None where sound and lips do not belong together.

    ``alike``: own and other sound count as much as each other, however many there are of each.

    Raises InputError if there are fewer than 20 of either kind.
    """
    everybody, _ = fit_without_each(curves, offsets, [""] * len(curves), alike=alike)
    return everybody


def fit_without_each(
    curves: Sequence[LagCurve],
    offsets: Sequence[float | None],
    people: Sequence[str],
    *,
    alike: bool = True,
    placed: Sequence[str] = (),
) -> tuple[Confidence, dict[str, Confidence]]:
    """:func:`fit_confidence` to all curves, and without those of each person, by name; none where there is but one.

    Of people ``placed`` where the models see them it is only learnt whether a sound belongs: how far the models are off
    cannot be told by themselves.

    Raises InputError if fewer than 20 curves of either kind are left.
    """
    kept = [(c, o, who) for c, o, who in zip(curves, offsets, people, strict=True) if not c.empty]
    rows = _Rows([c for c, _, _ in kept], [o for _, o, _ in kept])
    names = np.array([who for _, _, who in kept])
    exact_ones = ~np.isin(names, list(placed))
    everybody = rows.fit(np.ones(len(names), np.bool_), alike, exact_ones)
    each = sorted(set(people))
    return everybody, {who: rows.fit(names != who, alike, exact_ones) for who in each if len(each) > 1}


_SHARPNESS: Sequence[Mapping[str, float]] = [
    {"sharpness": s} for s in (4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 20.0, 25.0)
]
_SCATTER: Sequence[Mapping[str, float]] = [
    {"blur_seconds": b, "wander_seconds": w, "tail": t}
    for b in (_LEAST_BLUR, 0.014, 0.018, 0.022)
    for w in (0.0, 0.015, 0.02, 0.025, 0.03, 0.04)
    for t in (0.02, 0.05, 0.1)
]


class _Rows:
    """Curves with what is fitted to them; what each says of a choice is reckoned once, whoever is left out."""

    def __init__(self, curves: Sequence[LagCurve], offsets: Sequence[float | None]) -> None:
        self._curves, self._offsets = curves, offsets
        self._own = np.array([offset is not None for offset in offsets])
        self._features = np.array([_features(curve) for curve in curves]).reshape(len(curves), 4)
        self._known: dict[Confidence, Array] = {}

    def fit(self, used: npt.NDArray[np.bool_], alike: bool, exact_ones: npt.NDArray[np.bool_]) -> Confidence:
        """To the rows ``used`` [N]; how far offsets scatter only to those that are ``exact_ones`` [N] too."""
        own = used & self._own & exact_ones
        if min(own.sum(), (used & ~self._own).sum()) < 20:
            raise InputError("at least 20 trials with and 20 without an offset are needed")
        confidence = Confidence()
        for choices in (_SHARPNESS, _SCATTER):
            tried = [replace(confidence, **choice) for choice in choices]
            confidence = min(tried, key=lambda c: float(self._surprise(c)[own].mean()))
        labels = self._own[used].astype(np.float64)
        share = labels.mean() if alike else 0.5
        counts = np.where(labels > 0, 0.5 / share, 0.5 / (1 - share))
        bias, height, lead, score, seconds = _logistic(self._features[used], labels, counts)
        return replace(
            confidence, bias=bias, by_height=height, by_lead=lead, by_score=score, by_seconds=seconds
        )

    def _surprise(self, confidence: Confidence) -> Array:
        """Negative log density of each true offset, at least as likely as one in a hundred a second, [N]."""
        if confidence not in self._known:
            values = np.zeros(len(self._curves))
            for row, (curve, offset) in enumerate(zip(self._curves, self._offsets, strict=True)):
                if offset is not None:
                    lags, shares = spread_over(curve, confidence)
                    density = np.interp(offset, lags, shares / (lags[1] - lags[0]), left=0.0, right=0.0)
                    values[row] = -np.log(density + 0.01)
            self._known[confidence] = values
        return self._known[confidence]


def _features(curve: LagCurve) -> Array:
    peak = find_peak(weighted(curve))
    assert peak is not None
    near = int(np.abs(curve.lags_seconds - peak.lag_seconds).argmin())
    return belonging_features(curve, peak, float(curve.overlap_seconds[near]))


def _logistic(features: Array, labels: Array, counts: Array, penalty: float = 1e-3) -> tuple[float, ...]:
    """Logistic regression by Newton's method, slightly regularised on standardised features: bias, then weights.

    ``counts`` [N] says how much each row counts; their mean is 1.
    """
    middle, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    rows = np.hstack([np.ones((len(features), 1)), (features - middle) / spread])
    ridge = penalty * np.diag([0.0] + [1.0] * features.shape[1])
    weights = np.zeros(rows.shape[1])
    for _ in range(50):
        guess = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (counts * (labels - guess)) / len(labels) - ridge @ weights
        bend = (
            (rows * (counts * guess * (1 - guess))[:, None]).T @ rows / len(labels)
            + ridge
            + 1e-9 * np.eye(len(weights))
        )
        weights = weights + np.linalg.solve(bend, slope)
    scaled = weights[1:] / spread
    return (float(weights[0] - scaled @ middle), *(float(w) for w in scaled))
