"""How sure a lips-sound model may be: fitted on clips with planted offsets that it was not trained on.

Films of 2 to 30 seconds are joined from clips and given an offset; some are made worse, in some the sound belongs to
another film or is no speech at all. From these follow how fast a curve grows into a distribution over lags, how far
clips lie from their true offset anyway, and what tells sound and lips that belong together from those that do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

__all__ = ["Kind", "Trial", "Trials", "calibrate", "estimator_of", "fit_confidence"]

Array = npt.NDArray[np.float64]
Model = TypeVar("Model", LinearModel, TowerModel)
#: What a trial is: a clean film, one made worse, a voice-over, lips that only tremble, noise, or music.
Kind = Literal["clean", "worse", "voice-over", "covered", "noise", "music"]

KINDS: tuple[Kind, ...] = ("clean", "worse", "voice-over", "covered", "noise", "music")
_SHARES = (0.4, 0.28, 0.17, 0.05, 0.05, 0.05)
_LENGTHS = (2.0, 3.0, 4.0, 6.0, 9.0, 15.0, 30.0)
_LENGTH_SHARES = (0.15, 0.2, 0.2, 0.15, 0.1, 0.1, 0.1)
_MOST_OFFSET = 0.8
# Other speakers and cameras scatter more than those of one corpus: however long a film is, so much is never known.
_LEAST_BLUR = 0.006


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

    Raises InputError if they are fewer.
    """

    def __init__(self, clips: Mapping[str, Evidence], seed: int = 0) -> None:
        self._clips = [clip for _, clip in sorted(usable(clips).items())]
        self._random = np.random.default_rng(seed)

    def draw(
        self, kind: Kind | None = None, seconds: float | None = None, most: float = _MOST_OFFSET
    ) -> Trial:
        """The next film; its kind, length and offset are drawn where not given."""
        random = self._random
        what: Kind = KINDS[int(random.choice(len(KINDS), p=_SHARES))] if kind is None else kind
        length = float(random.choice(_LENGTHS, p=_LENGTH_SHARES)) if seconds is None else seconds
        offset = Fraction(int(random.uniform(-most, most) * 1e6), 1_000_000)
        film = self._film(length + 2 * most)
        if what == "worse":
            film = self._worse(film)
        elif what == "voice-over":
            film = with_sound_of(film, self._film(length + 2 * most))
        elif what == "covered":
            film = self._covered(film)
        elif what == "noise":
            film = self._noise(film)
        elif what == "music":
            film = self._music(film)
        start = exact(f"{most + random.uniform(0, 1.1):.3f}")
        film = cut(with_offset(film, offset), start, start + exact(f"{length:.3f}"))
        truth = float(offset) if what in ("clean", "worse") else None
        return Trial(film, what, length, truth)

    def _film(self, seconds: float) -> Evidence:
        """Clips in random order, a little longer than asked for."""
        chosen: list[Evidence] = []
        total = 0.0
        while total < seconds + 1.2:
            clip = self._clips[int(self._random.integers(len(self._clips)))]
            chosen.append(clip)
            total += float(clip.end - clip.start)
        return join(chosen)

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


def fit_confidence(curves: list[LagCurve], offsets: list[float | None]) -> Confidence:
    """Fit to pooled curves with their true offsets, None where sound and lips do not belong together.

    Raises InputError if there are fewer than 20 of either kind.
    """
    together = [(c, o) for c, o in zip(curves, offsets, strict=True) if o is not None and not c.empty]
    if min(len(together), len(curves) - len(together)) < 20:
        raise InputError("at least 20 trials with and 20 without an offset are needed")
    confidence = Confidence()
    for choices in (
        [{"sharpness": s} for s in (4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 20.0)],
        [
            {"blur_seconds": b, "wander_seconds": w, "tail": t}
            for b in (_LEAST_BLUR, 0.008, 0.01, 0.014)
            for w in (0.0, 0.015, 0.02, 0.025, 0.03, 0.035)
            for t in (0.02, 0.05, 0.1)
        ],
    ):
        tried = [replace(confidence, **choice) for choice in choices]
        confidence = min(tried, key=lambda c: _surprise(together, c))
    features, labels = [], []
    for curve, offset in zip(curves, offsets, strict=True):
        peak = find_peak(weighted(curve))
        if peak is not None:
            near = int(np.abs(curve.lags_seconds - peak.lag_seconds).argmin())
            features.append(belonging_features(curve, peak, float(curve.overlap_seconds[near])))
            labels.append(offset is not None)
    bias, height, lead, score, seconds = _logistic(np.array(features), np.array(labels, np.float64))
    return replace(confidence, bias=bias, by_height=height, by_lead=lead, by_score=score, by_seconds=seconds)


def _surprise(together: list[tuple[LagCurve, float]], confidence: Confidence) -> float:
    """Mean negative log density of the true offsets, each at least as likely as one in a hundred a second."""
    total = 0.0
    for curve, offset in together:
        lags, shares = spread_over(curve, confidence)
        density = np.interp(offset, lags, shares / (lags[1] - lags[0]), left=0.0, right=0.0)
        total -= float(np.log(density + 0.01))
    return total / len(together)


def _logistic(features: Array, labels: Array, penalty: float = 1e-3) -> tuple[float, ...]:
    """Logistic regression by Newton's method, slightly regularised on standardised features: bias, then weights."""
    middle, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    rows = np.hstack([np.ones((len(features), 1)), (features - middle) / spread])
    ridge = penalty * np.diag([0.0] + [1.0] * features.shape[1])
    weights = np.zeros(rows.shape[1])
    for _ in range(50):
        guess = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (labels - guess) / len(labels) - ridge @ weights
        bend = (
            (rows * (guess * (1 - guess))[:, None]).T @ rows / len(labels)
            + ridge
            + 1e-9 * np.eye(len(weights))
        )
        weights = weights + np.linalg.solve(bend, slope)
    scaled = weights[1:] / spread
    return (float(weights[0] - scaled @ middle), *(float(w) for w in scaled))
