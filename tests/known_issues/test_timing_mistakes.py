"""Mistakes of well-known programs about when a number happened: made again, they have the size that is known,
and Genlock does not make them. The mistakes themselves are in benchmarks/timing.py."""

from __future__ import annotations

import importlib.util
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from genlock.core import Grid
from genlock.core.errors import OptionError
from genlock.extractors import Framing, make_extractor

# Name of the function, least and greatest error in ms, share of values that are wrong by more than 0.05 ms.
KNOWN = {
    "truncated_product": (-40.0, 0.0, (0.04, 0.08)),
    "rounded_stamps": (-33.37, 0.0, (0.4, 0.6)),
    "segment_to_range": (0.0, 10.0, (2142 / 2450, 2142 / 2450)),
    "stretched_corners": (12.5, 39.1, (1, 1)),
    "stretched_halves": (-17.45, 2.43, (0.99, 1)),
    "even_windows": (-17.53, -17.53, (1, 1)),
    "video_rate_from_mel_rate": (0.0, 15.45, (0.99, 1)),
    "training_two_before": (-40.0, -40.0, (1, 1)),
    "duration_over_count": (-2.46, 17.52, (0.98, 1)),
    "stride_of_21_ms": (0.0, 2999.0, (0.99, 1)),
    "hop_in_seconds": (0.0, 136.3, (0.99, 1)),
    "window_forgotten": (-12.47, -12.47, (1, 1)),
    "window_inside_transform": (-23.22, -23.22, (1, 1)),
    "labels_not_snipped": (-7.5, -7.5, (1, 1)),
    "length_from_frames": (-13.375, -13.375, (1, 1)),
    "frame_lost_per_chunk": (-2380.0, 0.0, (0.99, 1)),
    "flux_shifted_by_half_a_window": (58.05, 58.05, (1, 1)),
}


@pytest.fixture(scope="module")
def timing(repository: Path) -> ModuleType:
    path = repository / "benchmarks" / "timing.py"
    spec = importlib.util.spec_from_file_location("genlock_benchmark_timing", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", KNOWN)
def test_the_mistake_has_its_known_size_and_is_not_ours(timing: ModuleType, name: str) -> None:
    theirs, ours = getattr(timing, name)()
    low, high, (fewest, most) = KNOWN[name]
    assert (theirs.min(), theirs.max()) == pytest.approx((low, high), abs=0.05)
    assert fewest <= np.mean(np.abs(theirs) > 0.05) <= most
    assert np.abs(ours).max() < 1e-6


@pytest.mark.parametrize("rate, late", [(44100, 1105 / 44.1), (16000, 1105 / 16)])
def test_mp3_delay_is_taken_off(timing: ModuleType, rate: int, late: float) -> None:
    theirs, ours = timing.mp3_delay(rate)()
    assert theirs[0] == pytest.approx(late, abs=0.1)
    assert abs(ours[0]) < 0.1


def test_every_mistake_is_on_the_table(timing: ModuleType) -> None:
    on_table = {mistake.errors.__name__ for mistake in timing.MISTAKES}
    assert on_table == {*KNOWN, "errors"}  # "errors": the two measured rows


def test_a_hop_is_never_seconds() -> None:
    """10 ms at 22,050 Hz is 220.5 samples: it cannot be asked for by mistake."""
    with pytest.raises(OptionError, match="whole number|at least 1"):
        Framing(551, 0, Fraction(551, 2))
    for spec in ("mel", "mel:specvqgan"):
        extractor = make_extractor(spec)
        assert (extractor.sample_rate / extractor.grid().rate).denominator == 1
    assert Grid(Fraction(22050, 256)).rate != Fraction(8613, 100)
