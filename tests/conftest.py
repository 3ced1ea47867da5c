"""What every test may use. Nothing here needs more than pytest and hypothesis."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent

# No test asserts wall-clock time, so none may fail for being slow on a busy machine.
settings.register_profile(
    "genlock", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", settings.get_profile("genlock"), derandomize=False, max_examples=2000)
settings.register_profile("quick", settings.get_profile("genlock"), max_examples=20)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "genlock"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root folder."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings, which are not part of the project: $GENLOCK_DATA or ../shared/data, else a skip."""
    named = os.environ.get("GENLOCK_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(
            f"real recordings are not here: {folder} does not exist (GENLOCK_DATA names another folder)"
        )
    return folder
