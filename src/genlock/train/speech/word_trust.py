"""Fits the probability that a word's edges lie within 50 ms: aligned words whose true times are known, in noise too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from genlock.core.errors import InputError, OptionError
from genlock.media import read_audio
from genlock.speech.find import LEAST_CONFIDENCE
from genlock.speech.sound import SAMPLE_RATE
from genlock.speech.sphinx.align import SphinxAligner
from genlock.speech.text import tokenize
from genlock.speech.word_trust import FEATURES, RAISES, WITHIN_SECONDS, WordTrust, features_of

__all__ = [
    "CONDITIONS",
    "Condition",
    "Judged",
    "TrueWords",
    "fit_word_trust",
    "grid_words",
    "judged",
    "with_noise",
]

Array = npt.NDArray[np.float64]

#: GRID's times are counted in these a second.
_GRID_UNITS = 25_000
#: Penalty on the squared weights of features of variance 1, per word: next to none, but the fit is then one point.
_SHRINK = 1e-4
#: Features count between these percentiles of what they were fitted on.
_LOW, _HIGH = 1, 99


@dataclass(frozen=True)
class Condition:
    """A noise that is added, or none.

    >>> str(Condition("pink", 10.0)), str(Condition())
    ('pink noise, 10 dB', 'clean')
    """

    colour: str | None = None
    """``white`` or ``pink``; None: the sound as it is."""
    snr_db: float = 0.0
    """Level of the whole sound over that of the noise."""

    def __str__(self) -> str:
        return "clean" if self.colour is None else f"{self.colour} noise, {self.snr_db:g} dB"


#: As the numbers that come with Genlock were fitted.
CONDITIONS = (
    Condition(),
    Condition("white", 10.0),
    Condition("pink", 10.0),
    Condition("white", 0.0),
    Condition("pink", 0.0),
)


def with_noise(samples: npt.NDArray[np.floating], condition: Condition, seed: int) -> npt.NDArray[np.float32]:
    """A sound with noise of a level below its own; pink noise falls by 3 dB an octave.

    Raises OptionError for another colour.

    >>> loud = np.full(16000, 0.1)
    >>> noise = with_noise(loud, Condition("white", 0.0), 1) - loud
    >>> round(float(np.sqrt(np.mean(noise ** 2))), 3)
    0.1
    """
    if condition.colour is None:
        return np.asarray(samples, np.float32)
    if condition.colour not in ("white", "pink"):
        raise OptionError(f"noise of the colour {condition.colour!r} is unknown; take white or pink")
    noise = np.random.default_rng(seed).standard_normal(len(samples))
    if condition.colour == "pink":
        spectrum = np.fft.rfft(noise)
        spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
        noise = np.fft.irfft(spectrum, len(samples))
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    noise *= np.sqrt(power / max(float(np.mean(noise**2)), 1e-20)) * 10 ** (-condition.snr_db / 20)
    return np.asarray(samples + noise, np.float32)


@dataclass(frozen=True)
class TrueWords:
    """A sound whose words have known times."""

    samples: npt.NDArray[np.floating]
    """16 kHz."""
    origin: Fraction
    """Instant of sample 0, in seconds."""
    words: tuple[str, ...]
    times: tuple[tuple[Fraction, Fraction], ...]
    """Start and end of each word, in seconds."""


def grid_words(folder: Path, count: int | None = None) -> Iterator[TrueWords]:
    """Clips of one speaker of GRID: ``video`` and ``align`` in a folder.

    Parameters
    ----------
    count : so many, spread evenly over the list by name; all if None

    Raises InputError if there are none.
    """
    paths = sorted(
        p for p in (folder / "video").glob("*.*") if (folder / "align" / f"{p.stem}.align").is_file()
    )
    if not paths:
        raise InputError(
            f"no clips with word times in {folder}: it needs video/NAME.mpg and align/NAME.align"
        )
    wanted = len(paths) if count is None else min(count, len(paths))
    for path in (paths[k * len(paths) // wanted] for k in range(wanted)):
        lines = (folder / "align" / f"{path.stem}.align").read_text().splitlines()
        rows = [(int(s), int(e), w) for s, e, w in map(str.split, lines) if w not in ("sil", "sp")]
        sound = read_audio(path)
        times = tuple((Fraction(s, _GRID_UNITS), Fraction(e, _GRID_UNITS)) for s, e, _ in rows)
        yield TrueWords(sound.values, sound.grid.center(0), tuple(w for _, _, w in rows), times)


@dataclass(frozen=True)
class Judged:
    """Aligned words whose true times are known."""

    features: Array
    """[words, features], of :func:`genlock.speech.word_trust.features_of`."""
    near: npt.NDArray[np.bool_]
    """Whether both edges lie within 50 ms."""
    confidence: Array
    seconds: Array
    """Length of each word as it was aligned."""


def judged(clip: TrueWords, condition: Condition, aligner: SphinxAligner, seed: int) -> Judged:
    """Align the words of a clip in noise, and see which lie near; only words that would be reported."""
    samples = with_noise(clip.samples, condition, seed)
    known = aligner.known(samples, tokenize(" ".join(clip.words)))
    if len(known) != len(clip.words):
        raise InputError(f"{' '.join(clip.words)!r} was read as {len(known)} words; one line is one word")
    kept = [
        (word, times)
        for word, times in zip(known, clip.times, strict=True)
        if word is not None and word.confidence >= LEAST_CONFIDENCE
    ]
    near = [
        all(
            abs(float(clip.origin + Fraction(edge, SAMPLE_RATE) - true)) <= WITHIN_SECONDS
            for edge, true in zip((word.first, word.stop), times, strict=True)
        )
        for word, times in kept
    ]
    words = [word for word, _ in kept]
    return Judged(
        features_of(samples, words),
        np.array(near, bool),
        np.array([word.confidence for word in words], float),
        np.array([(word.stop - word.first) / SAMPLE_RATE for word in words], float),
    )


def fit_word_trust(features: Array, near: npt.NDArray[np.bool_], signs: Sequence[int] = RAISES) -> WordTrust:
    """The logistic regression of largest likelihood whose weights have the signs that are asked for.

    Parameters
    ----------
    features : [words, features]
    near : [words], whether both edges lie within 50 ms
    signs : 1 where a weight may not be negative, -1 not positive, 0 either

    Raises
    ------
    InputError
        If there are fewer than ten words of either kind, or a number is not finite.
    """
    if min(int(near.sum()), int((~near).sum())) < 10:
        raise InputError(
            f"{int(near.sum())} of {len(near)} words lie near: ten at least must, and ten must not"
        )
    if features.shape != (len(near), len(FEATURES)) or not np.isfinite(features).all():
        raise InputError(f"features must be finite, [{len(near)}, {len(FEATURES)}], not {features.shape}")
    low, high = np.percentile(features, [_LOW, _HIGH], axis=0)
    seen = np.clip(features, low, high)
    mean, spread = seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-9)
    rows = (seen - mean) / spread
    sides = np.where(near, 1.0, -1.0)

    def price(values: Array) -> tuple[float, Array]:
        margins = sides * (values[0] + rows @ values[1:])
        pulls = -sides / (1 + np.exp(np.clip(margins, -500, 500))) / len(near)
        cost = float(np.logaddexp(0, -margins).mean() + _SHRINK * np.sum(values[1:] ** 2))
        slope = np.concatenate([[pulls.sum()], rows.T @ pulls + 2 * _SHRINK * values[1:]])
        return cost, slope

    bounds = [(None, None), *((0 if s > 0 else None, 0 if s < 0 else None) for s in signs)]
    found = minimize(price, np.zeros(len(FEATURES) + 1), jac=True, bounds=bounds, method="L-BFGS-B").x
    weights = found[1:] / spread
    return WordTrust(
        float(found[0] - weights @ mean), tuple(weights.tolist()), tuple(low.tolist()), tuple(high.tolist())
    )
