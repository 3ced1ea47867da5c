"""Optimisers with their schedules and limits, and the running average of the weights.

A recipe names its optimisers in a dict; here for a generator and a discriminator::

    def optimizers(self, model, loop):
        return {
            "generator": adamw(model.generator.parameters(), loop),
            "discriminator": adamw(model.discriminator.parameters(), loop, rate=replace(loop.schedule, highest=2e-4)),
        }
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel

from genlock.core.errors import OptionError
from genlock.train.options import LoopOptions

__all__ = ["ScheduledOptimizer", "adamw", "running_average"]


@dataclass(frozen=True, eq=False)
class ScheduledOptimizer:
    """An optimiser of torch, its learning rate over the updates, and the limit of its gradients."""

    algorithm: torch.optim.Optimizer
    """Moves the weights. What it keeps, it keeps for each parameter, as all of torch's do but LBFGS."""
    rate: Callable[[int], float]
    """Learning rate of an update (0 is the first): a pure function, such as a Schedule."""
    clip_norm: float = float("inf")
    """Gradients of its parameters are scaled down to at most this norm, all together; above 0."""

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """What it moves."""
        return [parameter for group in self.algorithm.param_groups for parameter in group["params"]]

    def set_rate(self, step: int) -> float:
        """Set the learning rate for an update, and return it."""
        rate = self.rate(step)
        for group in self.algorithm.param_groups:
            group["lr"] = rate
        return rate


def adamw(
    parameters: Iterable[torch.nn.Parameter],
    loop: LoopOptions,
    *,
    rate: Callable[[int], float] | None = None,
    betas: tuple[float, float] | None = None,
    clip_norm: float | None = None,
) -> ScheduledOptimizer:
    """AdamW over those of the parameters that learn.

    Parameters
    ----------
    parameters : of the model, or of a part of it; those that do not require a gradient are left out
    loop : says what the others do not
    rate : the learning rate over the updates; None: the loop's schedule
    betas : AdamW's; None: 0.9 and the loop's
    clip_norm : None: the loop's

    Examples
    --------
    >>> layer = torch.nn.Linear(2, 1)
    >>> slow = adamw(layer.parameters(), LoopOptions(steps=10), rate=lambda step: 1e-4)
    >>> slow.set_rate(0), len(slow.parameters), slow.clip_norm
    (0.0001, 2, 1.0)
    """
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    return ScheduledOptimizer(
        torch.optim.AdamW(
            learning, loop.learning_rate, betas or (0.9, loop.beta2), weight_decay=loop.weight_decay
        ),
        rate or loop.schedule,
        loop.clip_norm if clip_norm is None else clip_norm,
    )


def running_average(model: torch.nn.Module, decay: float) -> AveragedModel:
    """A copy of a model that follows it: ``update_parameters(model)`` after each update.

    Its weights are an exponential average over about ``1 / (1 - decay)`` updates. In the first updates it follows
    faster (after n of them with a decay of (1 + n) / (10 + n)), so that it does not keep the weights of the start.
    Its buffers are those of the model.

    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> average = running_average(model, 0.5)
    >>> for value in (0.0, 1.0, 1.0):
    ...     _ = torch.nn.init.constant_(model.weight, value)
    ...     average.update_parameters(model)
    >>> round(average.module.weight.item(), 4)
    0.9545

    Raises OptionError if the decay is not within 0...1.
    """
    if not 0 < decay < 1:
        raise OptionError(f"ema={decay} is no decay: it lies between 0 and 1, such as 0.999")

    def follow(averaged: Any, new: Any, count: Any) -> Any:
        updates = int(count)
        return averaged.lerp(new, 1 - min(decay, (1 + updates) / (10 + updates)))

    return AveragedModel(model, avg_fn=follow)
