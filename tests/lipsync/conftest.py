"""What tests of lips against speech share."""

from __future__ import annotations

import pytest

from genlock.lipsync.estimators.linear import LinearModel, LinearOptions
from genlock.train.lipsync.calibration import calibrate
from genlock.train.lipsync.linear import fit_linear
from genlock.train.options import SyncTraining

from .planted import talker


@pytest.fixture(scope="session")
def model() -> LinearModel:
    """Trained and calibrated on planted clips, those for calibration noisier."""
    look = LinearOptions(components=4, speeds=2, pairs=3)
    fitted = fit_linear({f"clip{k}": talker(4, seed=k) for k in range(12)}, SyncTraining(look=look, copies=1))
    return calibrate(fitted, {f"clip{k}": talker(3, seed=k, noise=3.0) for k in range(40, 60)}, trials=120)
