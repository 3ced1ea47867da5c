"""How loud what is struck is: a law of a blow's impulse and material, fitted to sounds whose contacts are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.models.layers import Array

__all__ = ["HEARD_CELLS", "LoudnessLaw", "fit_loudness", "law_in", "level_of_bands"]

#: Cells of 10 ms over which a blow's level is told.
HEARD_CELLS = 4
_LEAST = 24  # blows without which nothing is fitted


@dataclass(frozen=True)
class LoudnessLaw:
    """The level of a blow: that of its material, and more for a larger impulse.

    >>> law = LoudnessLaw(3.0, {"wood": 1.0, "glass": 2.0})
    >>> law.level(-1.0, {"wood": 0.5, "glass": 0.5})
    -1.5
    """

    slope: float
    """Natural logarithms of power for ten times the impulse."""
    base: Mapping[str, float] = field(default_factory=dict)
    """Level of each material at one newton second from a metre away."""

    def level(self, impulse: float, shares: Mapping[str, float]) -> float:
        """The level of a blow of an impulse (logarithm to base 10) and of materials that are so likely each."""
        known = {name: share for name, share in shares.items() if name in self.base}
        total = sum(known.values())
        usual = (
            sum(share * self.base[name] for name, share in known.items()) / total
            if total > 0
            else float(np.mean(list(self.base.values())))
        )
        return usual + self.slope * impulse

    def to_dict(self) -> dict[str, Any]:
        """A JSON form, for the facts of a model."""
        return asdict(self)


def law_in(facts: Mapping[str, Any]) -> LoudnessLaw | None:
    """The law in the facts of a model, or None where it has none."""
    told = facts.get("loudness")
    return LoudnessLaw(float(told["slope"]), dict(told["base"])) if told and told["base"] else None


def level_of_bands(bands: Array) -> float:
    """Level of cells of ``mel:foley`` [n, 80]: natural logarithm of the power of all bands, mean over the cells."""
    power = np.exp(np.asarray(bands, np.float64)).sum(axis=1)
    return float(np.log(max(float(power.mean()), 1e-12)))


def fit_loudness(
    levels: npt.ArrayLike, impulses: npt.ArrayLike, materials: Sequence[str]
) -> LoudnessLaw | None:
    """The law of some blows, by least squares; None where they are too few or equally hard.

    Parameters
    ----------
    levels, impulses : level and logarithm to base 10 of the impulse of each, [n]
    materials : of each
    """
    known, x = np.asarray(levels, np.float64), np.asarray(impulses, np.float64)
    names = sorted(set(materials))
    if len(known) < _LEAST or x.std() < 0.02:
        return None
    columns = np.stack([x, *((np.array(materials) == name).astype(float) for name in names)], axis=1)
    answer = np.linalg.lstsq(columns, known, rcond=None)[0]
    return LoudnessLaw(float(answer[0]), {name: float(v) for name, v in zip(names, answer[1:], strict=True)})
