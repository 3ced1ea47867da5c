"""What a model brings to the training loop, and what it gets back.

A *recipe* says what is learnt (:meth:`Recipe.model`), from what (:meth:`Recipe.parts`, :meth:`Recipe.load`), by which
losses in which order (:meth:`Recipe.losses`), and which optimiser moves which weights (:meth:`Recipe.optimizers`).
Everything else is done by :func:`genlock.train.loop.train`. ``docs/write-a-recipe.md`` shows a whole one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from genlock.core.errors import TrainingError
from genlock.core.one_line import one_line
from genlock.train.optimizers import ScheduledOptimizer
from genlock.train.options import LoopOptions

__all__ = ["Batch", "Exported", "Loss", "LossStep", "Recipe", "TrainResult", "check_optimizers"]

Tensor = torch.Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """One part of an update, ready to compute."""

    tensors: Mapping[str, Tensor]
    """What the losses take."""
    weight: float
    """By how much it counts: the loop divides sums of losses by the weights of all parts (such as characters)."""
    amount: float = 0.0
    """How much it holds of what :attr:`Recipe.unit` names, for the log."""


@dataclass(frozen=True, eq=False)
class Loss:
    """What one part gives."""

    total: Tensor
    """The loss, summed (not averaged) over whatever ``Batch.weight`` counts."""
    figures: Mapping[str, tuple[Tensor | float, float]] = field(default_factory=dict)
    """More for the log: name to (sum, weight); the log has the sums of all parts over their weights."""


@dataclass(frozen=True, eq=False)
class LossStep:
    """One loss of an update, and the optimiser that its gradient moves.

    An update goes through its losses in the order in which the recipe states them: each runs its own forward pass
    over all parts of the update, and its optimiser has moved the weights before the next loss is computed. What
    another optimiser moves gets no gradient meanwhile.
    """

    loss: Callable[[Any, Batch, int], Loss]
    """Gives the loss of one part from model, batch and update (0 is the first). It may draw from torch's generator."""
    optimizer: str = "model"
    """Name of the optimiser."""
    begins: int = 0
    """The update (0 is the first) from which on it is computed."""
    name: str = ""
    """What its figures are called in the log, where there are several losses; empty: as the optimiser."""


@dataclass(frozen=True, eq=False)
class Exported:
    """A model to export."""

    module: Any
    """The module itself, or the running average of it."""
    weights: dict[str, Tensor]
    """Its weights and buffers, whole and on the CPU (those of a sharded model as well)."""


class Recipe(Protocol):
    """What a model brings to the loop."""

    name: str
    best: str | None
    """Name of the evaluated figure whose lowest value marks the best model; None: the last one is taken."""
    unit: str
    """What ``Batch.amount`` counts, as the log calls it: ``sound_seconds``, ``frames``, ``clips``."""

    def record(self) -> dict[str, Any]:
        """Everything that decides the result, as JSON: what a run must have in common with the one it continues."""
        ...

    def model(self) -> torch.nn.Module:
        """The model at its start; torch's generator is seeded before the call."""
        ...

    def optimizers(self, model: Any, loop: LoopOptions) -> Mapping[str, ScheduledOptimizer]:
        """The optimisers by name. Each weight that is to learn belongs to exactly one of them."""
        ...

    def losses(self) -> Sequence[LossStep]:
        """The losses of an update, in their order."""
        ...

    def parts(self, step: int) -> Sequence[Any]:
        """What is in update ``step``, in parts; always as many. A pure function of the step."""
        ...

    def load(self, part: Any) -> Batch | None:
        """The part's tensors, or None if it is empty. A pure function of the part: it is called in another thread or
        another process, and draws only from seeds of its own."""
        ...

    def describe(self, part: Any) -> str:
        """What is in the part, for messages."""
        ...

    def evaluate(self, model: Any) -> dict[str, float]:
        """Figures on held-out data; the model is in evaluation mode."""
        ...

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        """Write the result into an empty folder; one of its files is ``config.json``."""
        ...


def check_optimizers(
    recipe: str,
    model: torch.nn.Module,
    optimizers: Mapping[str, ScheduledOptimizer],
    losses: Sequence[LossStep],
) -> None:
    """See that each weight that learns belongs to one optimiser, and each loss to one that there is.

    Raises TrainingError, which names the weight or the loss.
    """
    owner: dict[torch.nn.Parameter, str] = {}
    for name, optimizer in optimizers.items():
        for parameter in optimizer.parameters:
            if owner.setdefault(parameter, name) != name:
                raise TrainingError(
                    f"the recipe {recipe!r} gives one weight to two optimisers, {owner[parameter]!r} and {name!r}; "
                    "give it to one of them"
                )
            if not parameter.requires_grad:
                raise TrainingError(
                    f"the recipe {recipe!r} gives a frozen weight to the optimiser {name!r}; leave it out"
                )
    for weight, parameter in model.named_parameters():
        if parameter.requires_grad and parameter not in owner:
            raise TrainingError(
                f"the recipe {recipe!r} gives {weight!r} to no optimiser; give it to one of {', '.join(optimizers)}, "
                "or freeze it with requires_grad_(False)"
            )
    for step in losses:
        if step.optimizer not in optimizers:
            raise TrainingError(
                f"the recipe {recipe!r} has a loss for the optimiser {step.optimizer!r}; it names "
                f"{', '.join(optimizers)}"
            )
    if not any(step.begins == 0 for step in losses):
        raise TrainingError(f"the recipe {recipe!r} has no loss for the first update")


@dataclass(frozen=True)
class TrainResult:
    """What a run gave."""

    directory: str
    """The run folder."""
    model: str
    """The folder with the result."""
    steps: int
    """Updates done in all."""
    figures: dict[str, float]
    """Figures of the model that was kept, on held-out data."""
    notes: tuple[str, ...] = ()
    """What else its reader should know, such as files that were skipped."""

    __repr__ = one_line

    def __str__(self) -> str:
        shown = ", ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
        first = f"{self.steps} steps{': ' + shown if shown else ''}; the model is in {self.model}"
        return "\n".join([first, *self.notes])

    def to_dict(self) -> dict[str, Any]:
        """``directory``, ``model``, ``steps``, ``figures``, ``notes``."""
        return asdict(self)
