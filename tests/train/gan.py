"""A small GAN, with all that a vocoder needs of the loop: two optimisers with schedules and limits of their own, the
discriminator's step before the generator's and later begun, gradients of several parts and several updates added up,
averaged weights, what is loaded made by workers.

Run as a program it trains in a folder: ``python gan.py RUN STEPS WORKERS PAUSE``.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus

from genlock.core.errors import InputError
from genlock.train.loop import train
from genlock.train.optimizers import ScheduledOptimizer, adamw
from genlock.train.options import LoopOptions
from genlock.train.recipe import Batch, Exported, Loss, LossStep, TrainResult

Tensor = torch.Tensor
#: The update from which on there is a discriminator.
BEGINS = 5


class Pair(nn.Module):
    """A generator of points and a discriminator of them; both with dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(4, 16), nn.GELU(), nn.Dropout(0.1), nn.Linear(16, 2))
        self.discriminator = nn.Sequential(nn.Linear(2, 16), nn.GELU(), nn.Dropout(0.1), nn.Linear(16, 1))


class Gan:
    """Learns to throw points on a circle, near where it is told to."""

    name = "toy-gan"
    best: str | None = None
    unit = "points"

    def __init__(self, *, pause: float = 0.0, bad_step: int | None = None) -> None:
        self.pause, self.bad_step = pause, bad_step

    def record(self) -> dict[str, Any]:
        return {}

    def model(self) -> Pair:
        return Pair()

    def optimizers(self, model: Pair, loop: LoopOptions) -> dict[str, ScheduledOptimizer]:
        late = replace(loop.schedule, highest=2e-3, hold=0.1, decay="linear", begins=BEGINS)
        return {
            "generator": adamw(model.generator.parameters(), loop),
            "discriminator": adamw(
                model.discriminator.parameters(), loop, rate=late, betas=(0.5, 0.9), clip_norm=0.1
            ),
        }

    def losses(self) -> list[LossStep]:
        return [LossStep(self.judge, "discriminator", begins=BEGINS), LossStep(self.throw, "generator")]

    def parts(self, step: int) -> list[tuple[int, int]]:
        return [(step, k) for k in range(2)]

    def load(self, part: tuple[int, int]) -> Batch | None:
        step, k = part
        if step == self.bad_step:
            raise InputError(f"the points of update {step} cannot be read")
        if step % 7 == 3 and k == 1:
            return None
        random = np.random.default_rng(part)
        angle = random.uniform(0, 2 * np.pi, 4 + (step + k) % 3)
        true = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
        told = np.concatenate(
            [true + 0.3 * random.standard_normal(true.shape), random.standard_normal(true.shape)], 1
        )
        tensors = {"told": torch.from_numpy(told.astype(np.float32)), "true": torch.from_numpy(true)}
        return Batch(tensors, float(len(true)), len(true))

    def judge(self, model: Pair, batch: Batch, step: int) -> Loss:
        """The discriminator's loss: true points from thrown ones."""
        thrown = model.generator(batch.tensors["told"])
        real, false = model.discriminator(batch.tensors["true"]), model.discriminator(thrown.detach())
        right = (real > 0).sum() + (false < 0).sum()
        return Loss((softplus(-real) + softplus(false)).sum(), {"right": (right.detach(), 2 * batch.weight)})

    def throw(self, model: Pair, batch: Batch, step: int) -> Loss:
        """The generator's: near the true point, and the discriminator fooled once there is one."""
        if self.pause:
            time.sleep(self.pause)
        thrown = model.generator(batch.tensors["told"])
        near = (thrown - batch.tensors["true"]).square().sum()
        fooled = softplus(-model.discriminator(thrown)).sum() * float(step >= BEGINS)
        return Loss(near + 0.1 * fooled, {"near": (near.detach(), batch.weight)})

    def describe(self, part: tuple[int, int]) -> str:
        return f"points {part}"

    def evaluate(self, model: Pair) -> dict[str, float]:
        thrown = model.generator(torch.linspace(-1, 1, 200).view(50, 4))
        return {"radius_error": float((thrown.norm(dim=1) - 1).abs().mean())}

    def export(self, model: Exported, folder: Path, figures: Any) -> None:
        (folder / "config.json").write_text(f'{{"weight": {float(model.weights["generator.0.bias"][0])!r}}}')


def options(steps: int, **more: Any) -> LoopOptions:
    """Few steps, checkpoints often, one thread."""
    settings: dict[str, Any] = {
        "steps": steps,
        "save_every": 3,
        "evaluate_every": 4,
        "learning_rate": 0.02,
        "threads": 1,
        "accumulate": 2,
        "ema": 0.9,
    }
    return LoopOptions(**{**settings, **more})


def run(folder: Path, steps: int, workers: int = 0, pause: float = 0.0) -> TrainResult:
    """Train it."""
    return train(Gan(pause=pause), options(steps, workers=workers), folder)


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
