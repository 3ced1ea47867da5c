"""Word error rate: how far a recognised text lies from the true one, counted in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["WordErrors", "normal_words", "word_errors"]


@dataclass(frozen=True)
class WordErrors:
    """Counts of a cheapest way to turn the found words into the true ones.

    >>> errors = word_errors("ask not what", "ask what")
    >>> errors.substitutions, errors.deletions, errors.insertions, round(errors.rate, 3)
    (0, 1, 0, 0.333)
    """

    substitutions: int
    """Words that were taken for another."""
    deletions: int
    """True words that were not found."""
    insertions: int
    """Found words that were not there."""
    true_words: int
    """Number of true words."""

    @property
    def total(self) -> int:
        """All errors."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors over true words; above 1 if there are more errors than words; NaN if there are none of
        either."""
        if self.true_words:
            return self.total / self.true_words
        return float("inf") if self.total else float("nan")

    def __add__(self, other: WordErrors) -> WordErrors:
        """The errors of two texts together."""
        return WordErrors(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.true_words + other.true_words,
        )


def normal_words(text: str) -> list[str]:
    """Words for comparison: lower case, no punctuation but apostrophes inside words, hyphens as spaces.

    >>> normal_words("Don't - ask: WHAT, twenty-one?")
    ["don't", 'ask', 'what', 'twenty', 'one']
    """
    plain = unicodedata.normalize("NFKC", text).replace("’", "'").lower()
    return [w for w in (part.strip("'") for part in re.findall(r"[\w']+", plain)) if w]


def word_errors(true: str | Sequence[str], found: str | Sequence[str]) -> WordErrors:
    """Errors of the found words, by the least number of edits (Levenshtein).

    Parameters
    ----------
    true, found : texts, which :func:`normal_words` cuts, or rows of words, which are compared as they are
    """
    left, right = (normal_words(x) if isinstance(x, str) else list(x) for x in (true, found))
    costs = _costs(left, right)
    return _counted(costs, left, right)


def _costs(left: Sequence[str], right: Sequence[str]) -> np.ndarray:
    """Edits between each two beginnings, [len(left) + 1, len(right) + 1]."""
    costs = np.zeros((len(left) + 1, len(right) + 1), dtype=np.int32)
    costs[0] = np.arange(len(right) + 1)
    columns = np.arange(len(right) + 1)
    numbers = {word: k for k, word in enumerate(dict.fromkeys(right))}
    row_of = np.array([numbers[w] for w in right], dtype=np.int64)
    for i, word in enumerate(left):
        differs = (row_of != numbers.get(word, -1)).astype(np.int32)
        best = np.empty(len(right) + 1, dtype=np.int32)
        best[0] = i + 1
        best[1:] = np.minimum(costs[i, :-1] + differs, costs[i, 1:] + 1)
        # An insertion costs one a step, so the running minimum of what is left after taking the steps off is
        # exact.
        costs[i + 1] = np.minimum.accumulate(best - columns) + columns
    return costs


def _counted(costs: np.ndarray, left: Sequence[str], right: Sequence[str]) -> WordErrors:
    i, j = len(left), len(right)
    substitutions = deletions = insertions = 0
    while i or j:
        if i and j and costs[i, j] == costs[i - 1, j - 1] + (left[i - 1] != right[j - 1]):
            substitutions += left[i - 1] != right[j - 1]
            i, j = i - 1, j - 1
        elif i and costs[i, j] == costs[i - 1, j] + 1:
            deletions, i = deletions + 1, i - 1
        else:
            insertions, j = insertions + 1, j - 1
    return WordErrors(substitutions, deletions, insertions, len(left))
