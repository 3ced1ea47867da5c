from __future__ import annotations

import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.core.errors import OptionError
from genlock.metrics.timing import boundary_errors
from genlock.metrics.words import normal_words, word_errors

rows = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=12)


@given(rows.filter(bool), rows.filter(bool))
def test_word_errors_are_those_of_jiwer(true: list[str], found: list[str]) -> None:
    ours = word_errors(true, found)
    theirs = jiwer.process_words(" ".join(true), " ".join(found))
    assert ours.total == theirs.substitutions + theirs.deletions + theirs.insertions
    assert ours.rate == pytest.approx(theirs.wer)


@given(rows, rows)
def test_counts_are_consistent(true: list[str], found: list[str]) -> None:
    errors = word_errors(true, found)
    assert len(found) - len(true) == errors.insertions - errors.deletions
    assert word_errors(found, true).total == errors.total
    assert word_errors(true, true).total == 0


def test_empty_texts() -> None:
    assert np.isnan(word_errors("", "").rate)
    assert word_errors("", "one").rate == float("inf")
    assert word_errors("one two", "").deletions == 2
    assert (word_errors("one", "") + word_errors("", "two")).rate == 2


def test_spelling_of_the_same_words() -> None:
    assert normal_words("Don’t STOP — it’s 5 o'clock!") == ["don't", "stop", "it's", "5", "o'clock"]


def test_boundary_errors_by_hand() -> None:
    errors = boundary_errors([1.0, 2.0, 3.0, 4.0], [1.02, 1.95, 3.3, None])
    assert errors.count == 4
    assert errors.missing == 1
    assert errors.mean_absolute_seconds == pytest.approx(0.37 / 3)
    assert errors.bias_seconds == pytest.approx(0.27 / 3)
    assert errors.within(0.02) == 0.25  # a float's last digit does not decide
    assert errors.within(0.2) == 0.5  # what was not found counts as outside
    assert errors.to_dict()["within"]["50 ms"] == 0.5  # type: ignore[index]
    with pytest.raises(OptionError, match="3 found"):
        boundary_errors([1.0], [1.0, 2.0, 3.0])
    assert np.isnan(boundary_errors([1.0], [None]).mean_absolute_seconds)
