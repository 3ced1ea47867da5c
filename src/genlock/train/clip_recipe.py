"""What recipes of one loss have in common: one optimiser over all weights, and batches of named clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from genlock.data.batches import Batches, Item
from genlock.train.optimizers import ScheduledOptimizer, adamw
from genlock.train.options import LoopOptions
from genlock.train.recipe import Batch, Loss, LossStep

__all__ = ["ClipRecipe", "OneLossRecipe"]


class OneLossRecipe:
    """A recipe with one optimiser and one loss, which it brings as ``loss``."""

    def optimizers(self, model: Any, loop: LoopOptions) -> dict[str, ScheduledOptimizer]:
        """One, over all weights that learn."""
        return {"model": adamw(model.parameters(), loop)}

    def losses(self) -> Sequence[LossStep]:
        """One."""
        return (LossStep(self.loss),)

    def loss(self, model: Any, batch: Batch, step: int) -> Loss:
        """The loss of one part of update ``step``."""
        raise NotImplementedError


class ClipRecipe(OneLossRecipe):
    """A recipe of one loss that learns from clips with names, an update's in one part."""

    training: Any
    """Its options, a dataclass."""
    clips: Sequence[Any]
    """What it learns from; each has a ``name``."""
    _batches: Batches

    def record(self) -> dict[str, Any]:
        """Options and clips."""
        return {**asdict(self.training), "clips": [clip.name for clip in self.clips]}

    def parts(self, step: int) -> list[list[Item]]:
        """The clips of an update, in one part."""
        return self._batches.at(step)

    def describe(self, part: list[Item]) -> str:
        """Names of its clips."""
        return ", ".join(self.clips[item.clips[0]].name for item in part)
