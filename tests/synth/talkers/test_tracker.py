"""The noise of a tracker that landmarks may have: as strong as stated at any frame rate, none unless asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.core.track_file import load_track
from genlock.synth.talkers.mesh import upright
from genlock.synth.talkers.plans import TalkerOptions
from genlock.synth.talkers.tracker import tracker_noise
from genlock.synth.talkers.world import make_talkers


@pytest.mark.parametrize("rate", [12, 25, 50])
def test_spread_and_memory_are_those_of_seconds_and_not_of_frames(rate: int) -> None:
    noise = tracker_noise(np.arange(20000) / rate, 30, seed=2)
    together, alone = noise.mean(axis=1), noise - noise.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(together.std(axis=0), [0.0041, 0.0089], rtol=0.12)
    np.testing.assert_allclose(alone.std(axis=(0, 1)), [0.0014, 0.0021], rtol=0.05)
    lag = round(0.2 * rate)
    kept = [np.corrcoef(each[lag:], each[:-lag])[0, 1] for each in together.T]
    np.testing.assert_allclose(kept, np.exp(-lag / rate / 0.18), atol=0.06)


def test_landmarks_have_the_noise_that_was_asked_for(tmp_path: Path) -> None:
    options = {"count": 1, "films": False, "rates": ("25",), "rooms": 0.0, "difficulty": 0.0}
    exact = make_talkers(tmp_path / "a", TalkerOptions(**options)).truths[0]  # type: ignore[arg-type]
    make_talkers(tmp_path / "b", TalkerOptions(**options, tracker_noise=1.0))  # type: ignore[arg-type]
    kept, noisy = (load_track(tmp_path / name / "000000.landmarks.npz").values for name in "ab")
    np.testing.assert_array_equal(kept, exact.landmarks().values)
    apart = (upright(noisy) - upright(kept))[..., :2]
    assert 0.001 < apart.std() < 0.02
    np.testing.assert_array_equal(noisy, exact.landmarks(noise=1.0).values)
    with pytest.raises(OptionError, match="tracker_noise"):
        TalkerOptions(tracker_noise=5)
