"""The tiny AV-HuBERT that every test of this folder may use, and the vectors it must answer."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")


def _beside(name: str) -> Any:
    """A module of this folder that is no test."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_PLANTED, _FORMS = _beside("planted"), _beside("public_forms")


@pytest.fixture(scope="session")
def plan() -> Any:
    """The module :mod:`planted`."""
    return _PLANTED


@pytest.fixture(scope="session")
def forms() -> Any:
    """The module :mod:`public_forms`."""
    return _FORMS


@pytest.fixture(scope="session")
def tiny(plan: Any) -> Any:
    """The tiny encoder with its planted weights, in evaluation mode; nobody changes it."""
    return plan.tiny_encoder()


@pytest.fixture(scope="session")
def vectors(plan: Any) -> dict[str, dict[str, np.ndarray]]:
    """The arrays that the public code gave, by file and name."""
    found = {}
    for name in ("tiny", "tiny_decoder", "tiny_align"):
        with np.load(plan.VECTORS / f"{name}.npz") as arrays:
            found[name] = {key: arrays[key] for key in arrays}
    return found


@pytest.fixture(scope="session")
def agrees() -> Callable[[Any, np.ndarray], None]:
    """Whether an array is the public one: within 1e-4 of its largest value."""

    def check(found: Any, known: np.ndarray) -> None:
        values = np.asarray(found.detach() if hasattr(found, "detach") else found)
        assert values.shape == known.shape
        assert float(np.abs(values - known).max()) <= 1e-4 * float(np.abs(known).max())

    return check
