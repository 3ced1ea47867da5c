"""How sure an offset is: from a curve over lags to a 90 % interval and a calibrated probability.

A curve says how well every lag fits. Its values grow into a distribution over lags with the seconds that were
compared; how fast they do was fitted on clips with planted offsets. Whether sound and lips belong together at all is
judged apart, by how high and how lonely the peak stands: a distribution over lags alone cannot answer "none".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import LagCurve, Peak, find_peak, weighted
from genlock.core.errors import FormatError, OptionError

__all__ = [
    "Confidence",
    "Judgement",
    "among",
    "bell",
    "belonging_features",
    "judge",
    "log_posterior",
    "spread_over",
    "sure_within",
]

Array = npt.NDArray[np.float64]

#: An offset counts as right within this.
RIGHT_SECONDS = 0.040
# How large offsets are, before anything is measured: most are a few frames, few are a second (an assumption, and used
# only between offsets that a signal cannot tell apart).
_USUAL_SECONDS = 0.4
# Chance alone brings a peak that looks sure in one of twenty clips of two or three seconds.
_MOST_WHEN_SHORT = 0.89


@dataclass(frozen=True)
class Confidence:
    """What is known about the errors of an estimator; fitted by :mod:`genlock.train.lipsync.linear`."""

    sharpness: float = 14.0
    """How fast a curve grows into a distribution, per second of overlap; above 0."""
    growth: float = 1.0
    """Power of the overlap with which it does; 0...1. Below 1 where neighbouring moments are not independent."""
    blur_seconds: float = 0.012
    """Spread of clips and speakers about their true offset, which no amount of sound takes away; above 0."""
    wander_seconds: float = 0.0
    """Further spread of a film of one second, which falls with the root of its length: what differs from one moment, or
    one clip of a joined film, to the next; at least 0."""
    tail: float = 0.05
    """Share of clips that are further out than that, by ``tail_seconds``; 0...0.5."""
    tail_seconds: float = 0.05
    """Spread of those, above 0."""
    bias: float = -3.5
    """Of the logistic judgement whether sound and lips belong together."""
    by_height: float = 2.0
    """Its weight of the peak's height over the curve's usual values, times the root of the seconds compared."""
    by_lead: float = 5.5
    """Its weight of the peak's prominence, times the same root."""
    by_score: float = 1.0
    """Its weight of the peak's height in the curve's own scatter."""
    by_seconds: float = -1.9
    """Its weight of the logarithm of the seconds compared."""
    proof_seconds: float = 3.5
    """Shorter overlaps cannot prove that sound and lips belong together, so they are never confident; at least 0."""

    def __post_init__(self) -> None:
        if not (
            self.sharpness > 0 and 0 <= self.growth <= 1 and self.blur_seconds > 0 and self.tail_seconds > 0
        ):
            raise OptionError(f"{self}: sharpness, blur and tail are above 0, growth lies in 0...1")
        if not 0 <= self.tail <= 0.5 or self.wander_seconds < 0:
            raise OptionError(f"{self}: tail lies in 0...0.5, wander is at least 0")

    @classmethod
    def of(cls, values: Mapping[str, float]) -> Confidence:
        """Out of the file of a model; what it does not name keeps its default.

        Raises FormatError for names that are not known.
        """
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise FormatError(
                f"the calibration of a sync model has unknown entries: {', '.join(sorted(unknown))}"
            )
        return cls(**values)

    def to_dict(self) -> dict[str, float]:
        """For the file of a model."""
        return asdict(self)


@dataclass(frozen=True)
class Judgement:
    """What a curve says about an offset."""

    peak: Peak
    """Its best lag."""
    interval_seconds: tuple[float, float]
    """90 % interval of the offset, if sound and lips belong together."""
    probability: float
    """That the error is at most 40 ms, 0...1."""
    belongs: float
    """That sound and lips belong together, 0...1."""
    seconds: float
    """How much was compared at the best lag."""


def judge(curve: LagCurve, confidence: Confidence) -> Judgement | None:
    """Offset, interval and probability out of a pooled curve (not yet weighted by overlap); None if it is empty.

    >>> lags = np.arange(-100, 101) / 100
    >>> bump = LagCurve(lags, 0.6 * np.exp(-(((lags - 0.2) / 0.05) ** 2)), np.full(201, 8.0))
    >>> found = judge(bump, Confidence())
    >>> round(found.peak.lag_seconds, 3), found.interval_seconds[0] < 0.2 < found.interval_seconds[1]
    (0.2, True)
    """
    peak = find_peak(weighted(curve))
    if peak is None:
        return None
    near = int(np.abs(curve.lags_seconds - peak.lag_seconds).argmin())
    seconds = float(curve.overlap_seconds[near])
    lags, density = spread_over(curve, confidence)
    inside = np.abs(lags - peak.lag_seconds) <= RIGHT_SECONDS + 1e-9
    belongs = 1.0 / (1.0 + np.exp(-np.clip(_belonging(curve, peak, seconds, confidence), -50, 50)))
    if seconds < confidence.proof_seconds:
        belongs = min(belongs, _MOST_WHEN_SHORT)
    total = np.concatenate([[0.0], np.cumsum(density)])
    edges = np.concatenate([[lags[0]], lags]) if len(lags) == 1 else _edges(lags)
    low, high = np.interp([0.05, 0.95], total / total[-1], edges)
    interval = (min(float(low), peak.lag_seconds), max(float(high), peak.lag_seconds))
    return Judgement(peak, interval, float(belongs * density[inside].sum()), float(belongs), seconds)


def log_posterior(curve: LagCurve, confidence: Confidence) -> Array:
    """Logarithm of how likely each lag is, up to a constant, [L]; minus infinity where nothing is known."""
    growth = confidence.sharpness * np.maximum(curve.overlap_seconds, 1e-9) ** confidence.growth
    return np.where(np.isfinite(curve.values), growth * np.nan_to_num(curve.values), -np.inf)


def spread_over(curve: LagCurve, confidence: Confidence) -> tuple[Array, Array]:
    """Lags (finer, and wider than the curve's by the blur), and the share of probability of each; sums to 1."""
    scores = log_posterior(curve, confidence)
    step = curve.step_seconds / 5
    lags = np.arange(curve.lags_seconds[0], curve.lags_seconds[-1] + step / 2, step)
    floor = float(scores[np.isfinite(scores)].min())
    fine = np.interp(lags, curve.lags_seconds, np.where(np.isfinite(scores), scores, floor - 50))
    density = np.exp(fine - fine.max())
    density /= density.sum()
    seconds = max(float(curve.overlap_seconds.max()), 0.1)
    blur = float(np.hypot(confidence.blur_seconds, confidence.wander_seconds / np.sqrt(seconds)))
    reach = int(np.ceil(4 * max(blur, confidence.tail_seconds) / step))
    away = np.arange(-reach, reach + 1) * step
    kernel = (1 - confidence.tail) * bell(away, blur)
    kernel += confidence.tail * bell(away, confidence.tail_seconds)
    wide = np.convolve(density, kernel)
    lags = np.concatenate([lags[0] + away[:reach], lags, lags[-1] + away[reach + 1 :]])
    return lags, np.asarray(wide / wide.sum())


def bell(away: npt.NDArray[np.floating], spread: float) -> Array:
    """Weights of a normal distribution at distances ``away`` [N], which add up to 1."""
    values = np.exp(-0.5 * (away / spread) ** 2)
    return np.asarray(values / values.sum())


def _edges(lags: Array) -> Array:
    half = (lags[1] - lags[0]) / 2
    return np.concatenate([lags - half, [lags[-1] + half]])


def belonging_features(curve: LagCurve, peak: Peak, seconds: float) -> Array:
    """What tells whether sound and lips belong together, [4].

    Height above the curve's median and prominence, both times the root of the seconds (the scatter of unrelated
    signals falls with it); height in the curve's own scatter; logarithm of the seconds.
    """
    scaled = weighted(curve)
    far = np.abs(scaled.lags_seconds - peak.lag_seconds) > 0.12
    usual = scaled.values[far & np.isfinite(scaled.values)]
    root, log = float(np.sqrt(seconds)), float(np.log(max(seconds, 0.1)))
    if len(usual) < 8:
        return np.array([0.0, 0.0, 0.0, log])
    middle, scatter = float(np.median(usual)), float(usual.std()) + 1e-3
    lead = peak.prominence if np.isfinite(peak.prominence) else 0.0
    return np.array([(peak.value - middle) * root, lead * root, (peak.value - middle) / scatter, log])


def _belonging(curve: LagCurve, peak: Peak, seconds: float, c: Confidence) -> float:
    weights = np.array([c.by_height, c.by_lead, c.by_score, c.by_seconds])
    return float(c.bias + weights @ belonging_features(curve, peak, seconds))


def sure_within(interval: tuple[float, float]) -> float:
    """Probability that the middle of an interval that events allow is right within 40 ms.

    >>> sure_within((0.01, 0.03)), round(sure_within((0.0, 0.16)), 3)
    (0.99, 0.495)
    """
    half = (interval[1] - interval[0]) / 2
    return 0.99 if half <= RIGHT_SECONDS else max(0.0, 0.99 * RIGHT_SECONDS / half)


def among(offset_seconds: float, others: Sequence[float]) -> float:
    """Probability of an offset that a signal cannot tell from some others, 0...1: small ones are likelier.

    >>> round(among(0.3, (-0.7,)), 2), among(0.3, ())
    (0.73, 1.0)
    """
    rivals = sum(math.exp((abs(offset_seconds) - abs(other)) / _USUAL_SECONDS) for other in others)
    return 1.0 / (1.0 + rivals)
