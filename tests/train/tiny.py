"""A recipe of a few numbers, with all that can go wrong in a resumed run: dropout, masks from numpy's global
generator, parts of different sizes, an empty part.

Run as a program it trains in a folder: ``python tiny.py RUN STEPS [PARTS]``.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genlock.train.loop import processes, train
from genlock.train.optimizers import ScheduledOptimizer, adamw
from genlock.train.options import LoopOptions
from genlock.train.recipe import Batch, Loss, LossStep


class Tiny:
    """Learns y = w x with a mask and dropout."""

    name = "tiny"
    best: str | None = "error"
    unit = "seconds"

    def __init__(
        self, *, parts: int = 1, width: int = 8, bad_step: int | None = None, pause: float = 0.0
    ) -> None:
        self.count, self.width, self.bad_step, self.pause = parts, width, bad_step, pause

    def record(self) -> dict[str, Any]:
        return {"width": self.width, "parts": self.count}

    def model(self) -> torch.nn.Module:
        return torch.nn.Sequential(
            torch.nn.Linear(self.width, 16), torch.nn.GELU(), torch.nn.Dropout(0.2), torch.nn.Linear(16, 1)
        )

    def optimizers(self, model: torch.nn.Module, loop: LoopOptions) -> dict[str, ScheduledOptimizer]:
        return {"model": adamw(model.parameters(), loop)}

    def losses(self) -> list[LossStep]:
        return [LossStep(self.loss)]

    def parts(self, step: int) -> list[tuple[int, int, int]]:
        # Parts of different sizes; every fifth update the last one is empty.
        return [
            (step, k, 0 if self.count > 1 and step % 5 == 4 and k == self.count - 1 else 3 + (step + k) % 4)
            for k in range(self.count)
        ]

    def load(self, part: tuple[int, int, int]) -> Batch | None:
        step, k, rows = part
        if not rows:
            return None
        random = np.random.default_rng([step, k])
        x = random.standard_normal((rows, self.width)).astype(np.float32)
        y = x.sum(1, keepdims=True)
        if step == self.bad_step:
            y[0] = np.nan
        return Batch({"x": torch.from_numpy(x), "y": torch.from_numpy(y)}, float(rows), rows / 10)

    def loss(self, model: Any, batch: Batch, step: int) -> Loss:
        if self.pause:
            time.sleep(self.pause)
        x, y = batch.tensors["x"], batch.tensors["y"]
        kept = torch.from_numpy((np.random.random(x.shape) > 0.1).astype(np.float32))  # noqa: NPY002 - as transformers
        error = (model(x * kept) - y).square().sum()
        return Loss(error, {"rows": (float(len(x)), 1.0)})

    def describe(self, part: tuple[int, int, int]) -> str:
        return f"rows {part[0]}/{part[1]}"

    def evaluate(self, model: Any) -> dict[str, float]:
        x = torch.from_numpy(np.random.default_rng(9).standard_normal((50, self.width)).astype(np.float32))
        return {"error": float((model(x) - x.sum(1, keepdim=True)).square().mean())}

    def export(self, model: Any, folder: Path, figures: Any) -> None:
        (folder / "config.json").write_text(f'{{"error": {figures["error"]!r}}}')


def options(steps: int, **more: Any) -> LoopOptions:
    """Few steps, many checkpoints, one thread."""
    settings = {"steps": steps, "save_every": 3, "evaluate_every": 4, "learning_rate": 0.05, "threads": 1}
    return LoopOptions(**{**settings, **more})


if __name__ == "__main__":
    # One write a line: two processes share the pipe.
    os.write(1, f"processes: {processes().num_processes}\n".encode())
    train(Tiny(parts=int(sys.argv[3]), pause=float(sys.argv[4])), options(int(sys.argv[2])), sys.argv[1])
