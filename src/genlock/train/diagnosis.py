"""Why a run cannot go on: whether its data, a function of its model or too high a rate made it diverge."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping

import torch

__all__ = ["odd_gradient", "odd_tensors"]

Tensor = torch.Tensor


def odd_tensors(tensors: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors that hold a number that is not finite.

    >>> odd_tensors({"x": torch.ones(2), "y": torch.tensor([1.0, torch.nan])})
    ['y']
    """
    return [name for name, value in tensors.items() if not bool(torch.isfinite(value).all())]


def odd_gradient(loss: Tensor) -> str:
    """Which function of a loss has a derivative that is no number; empty if all have one.

    The gradient is added to what the weights have.

    >>> p = torch.tensor([0.0, 1.0], requires_grad=True)
    >>> odd_gradient((p.sqrt() * torch.tensor([0.0, 1.0])).sum())
    'sqrt'
    """
    try:
        with warnings.catch_warnings(action="ignore"), torch.autograd.set_detect_anomaly(True):
            loss.backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        found = re.search(r"Function '(\w+?)(Backward\d*)?' returned nan", str(error))
        if not found:
            raise
        return found[1].lower()
    return ""
