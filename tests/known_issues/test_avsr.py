"""What ``genlock train avsr`` and ``genlock bench avsr`` did wrongly once."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.train.planted_clips import spoken_clip

from genlock.bench.avsr_words import prior_cases
from genlock.train.avhubert.examples import changed_pictures, middle_pictures


def test_the_prior_is_no_neighbour_that_begins_alike() -> None:
    """Files lie in the order of their sentences: the next one's text was right in half of its words, by no merit."""
    texts = [" ".join(words) for words in product(("bin", "lay"), ("blue", "red"), "abcdefgh")]
    cases = prior_cases("m", texts, ["s1"] * len(texts), texts)
    wrong = sum(case.errors for case in cases if case.system == "another clip's text")
    # Of a text drawn at random a half, a half and an eighth of the words are right; of the next one nearly two.
    assert wrong / len(texts) > 1.5


def test_a_network_over_small_pictures_sees_whole_mouths_of_large_crops() -> None:
    """A recogniser that began with a model of 44 pixels learnt from the middle half of crops of 96."""
    clip = spoken_clip("c", ["red"], side=96)
    clip.crops[:] = 0
    clip.crops[:, 30:66, 8:20] = 255  # within the 88 that are seen, outside the middle 44
    seen = middle_pictures(clip, 44)
    assert seen.shape[1:] == (44, 44)
    assert 0.05 < (seen > seen.min() + 1).mean() < 0.08
    assert np.ptp(changed_pictures(clip, 44, np.random.default_rng(0))) > 1
