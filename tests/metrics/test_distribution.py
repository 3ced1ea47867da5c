"""Distances between sets of sounds: equal sets are near, whatever their number."""

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.metrics.distribution import frechet_distance, kernel_distance, mean_divergence


def test_the_kernel_distance_is_unbiased_where_frechet_is_not():
    draw = np.random.default_rng(1)
    sets = [draw.normal(size=(2, 30, 20)) for _ in range(20)]
    kernel = np.array([kernel_distance(one, two).value for one, two in sets])
    assert abs(kernel.mean()) < 3 * kernel.std() / np.sqrt(len(kernel))
    assert min(frechet_distance(one, two) for one, two in sets) > 3


def test_sets_that_differ_are_above_the_floor():
    draw = np.random.default_rng(2)
    found = kernel_distance(draw.normal(size=(40, 6)), draw.normal(0.8, 1, (40, 6)))
    assert found.floor < found.low < found.value


def test_divergence_has_a_direction():
    sure, unsure = [[0.98, 0.02]], [[0.5, 0.5]]
    assert mean_divergence(sure, unsure) == pytest.approx(0.98 * np.log(1.96) + 0.02 * np.log(0.04))
    assert mean_divergence(unsure, sure) > mean_divergence(sure, unsure)


def test_too_few_sounds_are_refused():
    with pytest.raises(OptionError, match="at least 4"):
        kernel_distance(np.zeros((2, 3)), np.zeros((9, 3)))
