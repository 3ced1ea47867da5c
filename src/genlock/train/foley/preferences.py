"""Pairs made by rule: what sounds in a clip as it is, and told wrongly, so that a writer learns to tell the two apart.

The same sound is to be likelier when it is told as it is than when a contact is shifted or left out, when another clip
is told, or another material: the loss of direct preference optimisation, without a model to compare with, because what
is written stays and only what is told differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency
from genlock.train.foley.told import Heard

try:
    import torch
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["RULES", "preference_loss", "told_wrongly"]

Tensor: TypeAlias = torch.Tensor

#: How a clip is told wrongly.
RULES = ("shifted", "dropped", "swapped", "material")
# A shift that is heard and yet small: seconds.
_SHIFTS = (0.04, 0.2)


def told_wrongly(
    heard: Heard, other: Heard, materials: Sequence[str], random: np.random.Generator
) -> tuple[str, Heard]:
    """The rule that was drawn, and what sounds in a clip told wrongly by it; ``other`` is what sounds in another clip.

    A clip in which nothing begins can only be swapped.

    >>> one = Heard(np.array([0.5]), {"impulse": np.zeros(1), "size": np.zeros(1), "x": np.zeros(1)}, ("wood",))
    >>> rule, wrong = told_wrongly(one, one, ("glass", "wood"), np.random.default_rng(1))
    >>> rule in RULES
    True
    """
    rule = str(random.choice(RULES)) if len(heard.times) else "swapped"
    if rule == "shifted":
        by = random.choice([-1, 1]) * random.uniform(*_SHIFTS)
        return rule, replace(heard, times=heard.times + by)
    if rule == "dropped":
        kept = np.arange(len(heard.times)) != random.integers(len(heard.times))
        return rule, _only(heard, kept)
    if rule == "material" and len(materials) > 1:
        return rule, replace(
            heard, materials=tuple(_another(name, materials, random) for name in heard.materials)
        )
    return "swapped", other


def _only(heard: Heard, kept: npt.NDArray[np.bool_]) -> Heard:
    facts: Mapping[str, npt.NDArray[np.float64]] = {
        name: values[kept] for name, values in heard.facts.items()
    }
    names = tuple(name for name, stays in zip(heard.materials, kept.tolist(), strict=True) if stays)
    return replace(heard, times=heard.times[kept], facts=facts, materials=names)


def _another(name: str, materials: Sequence[str], random: np.random.Generator) -> str:
    others = [other for other in materials if other != name]
    return others[int(random.integers(len(others)))]


def preference_loss(right: Tensor, wrong: Tensor, strength: float) -> Tensor:
    """How far a writer is from preferring each sound told as it is, for nats [B] of whole sounds told so and wrongly.

    >>> far = preference_loss(torch.tensor([90.0]), torch.tensor([80.0]), 0.1)
    >>> near = preference_loss(torch.tensor([80.0]), torch.tensor([90.0]), 0.1)
    >>> round(float(far), 3), round(float(near), 3)
    (1.313, 0.313)
    """
    return -functional.logsigmoid(strength * (wrong - right)).mean()
