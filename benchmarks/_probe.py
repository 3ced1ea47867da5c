"""A linear probe: multinomial logistic regression of labels on frames of features, and its share of right frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

#: L2 penalties to choose from.
PENALTIES = (1e-4, 1e-3, 1e-2)

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Heard:
    """One clip: its features by name, each [T, width], and the phone of each frame ("" outside words)."""

    features: dict[str, Array]
    phones: Array
    codes: Array
    voice: str


def fit(x: Array, y: Array, classes: int, penalty: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights and constants of a multinomial logistic regression."""
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    weight = torch.zeros(x.shape[1], classes, requires_grad=True)
    constant = torch.zeros(classes, requires_grad=True)
    solver = torch.optim.LBFGS(
        [weight, constant], max_iter=60, history_size=10, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        solver.zero_grad()
        value = torch.nn.functional.cross_entropy(inputs @ weight + constant, targets)
        value = value + penalty * weight.square().sum()
        value.backward()
        return value

    solver.step(loss)
    return weight.detach(), constant.detach()


def accuracy(model: tuple[torch.Tensor, torch.Tensor], x: Array, y: Array) -> Array:
    """Whether each frame is right."""
    found = (torch.from_numpy(x) @ model[0] + model[1]).argmax(1).numpy()
    return found == y


def interval(sums: Array) -> tuple[float, float, float]:
    """Share of the first column in the second, and its 95 % interval by a bootstrap over the rows, which are clips."""
    random = np.random.default_rng(0)
    draws = sums[random.integers(0, len(sums), (2000, len(sums)))].sum(1)
    low, high = np.percentile(draws[:, 0] / draws[:, 1], [2.5, 97.5])
    return float(sums[:, 0].sum() / sums[:, 1].sum()), float(low), float(high)


def share_of(right: list[Array]) -> tuple[float, float, float]:
    """Share of right frames, with its interval."""
    return interval(np.array([(r.sum(), len(r)) for r in right], float))
