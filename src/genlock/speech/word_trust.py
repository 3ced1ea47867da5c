"""How likely it is that both edges of an aligned word lie within 50 ms of the truth.

A confidence says whether a word is spoken where it was put; this says how well its times can be trusted. It is a
logistic regression on what is known of each aligned word (:data:`FEATURES`); its few numbers lie in
``word_trust.toml``, with where they come from.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError
from genlock.speech.sound import SAMPLE_RATE
from genlock.speech.word_edges import LEVEL_STEP, levels

__all__ = ["FEATURES", "RAISES", "WITHIN_SECONDS", "Known", "WordTrust", "features_of", "load_word_trust"]

Array = npt.NDArray[np.float64]

#: Both edges lie this near to the truth.
WITHIN_SECONDS = 0.05
#: What is known of a word, in the order of columns.
FEATURES = ("fit", "log_seconds", "log_seconds_of_a_phone", "over_floor_db", "pauses", "log_spread")
#: Whether more of it can only raise the probability (1), only lower it (-1), or either (0).
RAISES = (1, 0, 0, 1, 0, -1)
# Samples on either side of a word in which the floor is looked for (1 s), and the shortest pause (50 ms).
_AROUND, _PAUSE = SAMPLE_RATE, SAMPLE_RATE // 20
# Seconds added to how far the searches differ before the logarithm is taken: half a step of them.
_LEAST_SPREAD = 0.005
_FLOOR_PERCENTILE = 10


@dataclass(frozen=True)
class Known:
    """What an aligner knows of one word.

    >>> Known(1600, 4800, 0.9, 3, 160).phones
    3
    """

    first: int
    """First sample, at 16 kHz."""
    stop: int
    """The sample after its last."""
    confidence: float
    """That the word is spoken there, 0...1."""
    phones: int
    """How many phones it was spoken with."""
    spread: int
    """How far the edges that several searches found are apart at most, in samples."""


def features_of(samples: npt.NDArray[np.floating], words: Sequence[Known]) -> Array:
    """What the probability is computed from.

    Parameters
    ----------
    samples : float [n], 16 kHz, full scale +-1
    words : in order of time, apart

    Returns
    -------
    float64 [words, 6]
        Columns as in :data:`FEATURES`: log odds of the confidence; ln of the length in seconds, and of that of one
        phone; level in dB over the tenth percentile of the levels within a second around; how many of its edges lie
        beside a pause (0...2); ln of how many seconds the searches differ by.

    >>> rows = features_of(np.zeros(16000, np.float32), [Known(1600, 4800, 0.5, 2, 0)])
    >>> rows.round(2).tolist()
    [[0.0, -1.61, -2.3, 0.0, 2.0, -5.3]]
    """
    heard = levels(samples)
    rows = np.zeros((len(words), len(FEATURES)))
    for place, word in enumerate(words):
        seconds = max(word.stop - word.first, 1) / SAMPLE_RATE
        sure = min(max(word.confidence, 1e-9), 1 - 1e-9)
        before = words[place - 1].stop if place else 0
        after = words[place + 1].first if place + 1 < len(words) else len(samples)
        rows[place] = (
            np.log(sure / (1 - sure)),
            np.log(seconds),
            np.log(seconds / max(word.phones, 1)),
            _over_floor(heard, word),
            (word.first - before >= _PAUSE) + (after - word.stop >= _PAUSE),
            np.log(word.spread / SAMPLE_RATE + _LEAST_SPREAD),
        )
    return rows


def _over_floor(heard: Array, word: Known) -> float:
    """By how many dB a word stands out of the quietest that is around it."""
    own = heard[word.first // LEVEL_STEP : max(word.stop // LEVEL_STEP, word.first // LEVEL_STEP + 1)]
    near = heard[max(word.first - _AROUND, 0) // LEVEL_STEP : (word.stop + _AROUND) // LEVEL_STEP + 1]
    if len(own) == 0 or len(near) == 0:
        return 0.0
    level = 10 * float(np.log10(np.mean(10 ** (own / 10))))
    return max(level - float(np.percentile(near, _FLOOR_PERCENTILE)), 0.0)


@dataclass(frozen=True)
class WordTrust:
    """A logistic regression of ``both edges lie within 50 ms``.

    A feature counts no further than it went in what the numbers were fitted on: ``low`` and ``high``.

    Raises FormatError if there is not one of each for each of :data:`FEATURES`, or a number is not finite.

    >>> even = WordTrust(0.0, (0.0,) * 6, (-9.0,) * 6, (9.0,) * 6)
    >>> even.probabilities(np.zeros((2, 6))).tolist()
    [0.5, 0.5]
    """

    constant: float
    weights: tuple[float, ...]
    """Log odds per unit of each feature."""
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        rows = (self.weights, self.low, self.high)
        if any(len(row) != len(FEATURES) for row in rows):
            raise FormatError(f"word trust needs {len(FEATURES)} weights and bounds: {', '.join(FEATURES)}")
        if not np.isfinite([self.constant, *self.weights, *self.low, *self.high]).all():
            raise FormatError("a number of the word trust is not finite; fit it anew")

    def probabilities(self, features: Array) -> Array:
        """Probabilities, 0...1, of rows that :func:`features_of` gave."""
        seen = np.clip(features, self.low, self.high)
        logits = np.clip(self.constant + seen @ np.asarray(self.weights), -30, 30)
        found: Array = 1 / (1 + np.exp(-logits))
        return found

    def to_toml(self, card: str = "") -> str:
        """The numbers as text, below the lines of a card."""
        lines = [f"# {line}".rstrip() for line in card.splitlines()]
        lines += ["", f"within_seconds = {WITHIN_SECONDS}", f"constant = {self.constant:.4f}"]
        for row in zip(FEATURES, self.weights, self.low, self.high, strict=True):
            name, weight, low, high = row
            lines += ["", f"[features.{name}]", f"weight = {weight:.4f}"]
            lines += [f"low = {low:.3f}", f"high = {high:.3f}"]
        return "\n".join(lines).lstrip("\n") + "\n"

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> WordTrust:
        """What :meth:`to_toml` wrote. Raises FormatError if it is something else."""
        try:
            rows = [data["features"][name] for name in FEATURES]
            if data["within_seconds"] != WITHIN_SECONDS:
                raise FormatError(f"the word trust is of {data['within_seconds']} s, not of {WITHIN_SECONDS}")
            weights, low, high = (tuple(float(row[key]) for row in rows) for key in ("weight", "low", "high"))
            return cls(float(data["constant"]), weights, low, high)
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(
                f"these are not the numbers of a word trust: {error!r}; fit them anew"
            ) from error


@cache
def load_word_trust() -> WordTrust:
    """The numbers that come with Genlock: English words as :class:`~genlock.speech.sphinx.align.SphinxAligner` aligns.

    >>> 0 < load_word_trust().probabilities(np.zeros((1, 6)))[0] < 1
    np.True_
    """
    with open(Path(__file__).with_name("word_trust.toml"), "rb") as stream:
        return WordTrust.from_mapping(tomllib.load(stream))
