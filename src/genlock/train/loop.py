"""The training loop of every model here: plain, resumable to the bit, on one process or many.

A *recipe* brings the model, the data and the loss. The loop brings everything that recipes have in common::

    for step in range(done, steps):
        parts = recipe.parts(step)              # what is in this update: a pure function of the step
        for part in mine(parts):                # some here, some in other processes
            seed(step, part)                    # dropout and masks: a pure function of step and part
            loss_sum(part) / total_weight -> backward
        clip, step the optimiser, log, now and then evaluate and save

Nothing that decides a result lives outside the weights, the optimiser's state and the step. So a checkpoint is
small to describe, a run that was killed goes on with the same losses to the bit, and a part gives the same
gradient whether it is computed by this process or by another: one process with four parts does what four
processes with one part each do, but for the order in which numbers are added.

A run folder holds ``run.json`` (the recipe and the options), ``log.jsonl`` (one line an update),
``checkpoints/step-00001000/`` (safetensors and JSON) and ``model/`` (the result so far).
"""

from __future__ import annotations

import math
import random
import shutil
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from genlock.core.errors import FormatError, MissingDependency, OptionError, TrainingError
from genlock.core.files import atomic_folder
from genlock.core.json_forms import read_json_file
from genlock.core.progress import Progress, silent
from genlock.train.options import LoopOptions
from genlock.train.run_folder import claim_folder, defaults_of
from genlock.train.run_log import RunLog

try:
    import torch
    from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState
    from accelerate.utils import gather_object, parse_flag_from_env

    from genlock.train.run_state import (
        STATE,
        load_tensors,
        newest_checkpoint,
        optimizer_state,
        put_optimizer,
        put_state,
        whole_state,
        write_checkpoint,
    )
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["Batch", "LoopOptions", "Loss", "Recipe", "TrainResult", "processes", "train"]

Tensor = torch.Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """One part of an update, ready to compute."""

    tensors: Mapping[str, Tensor]
    """What the loss takes."""
    weight: float
    """By how much it counts: of loss sums, the loop divides by the weights of all parts (such as characters)."""
    seconds: float = 0.0
    """Seconds of sound in it, for the log."""


@dataclass(frozen=True, eq=False)
class Loss:
    """What one part gives."""

    total: Tensor
    """The loss, summed (not averaged) over whatever ``Batch.weight`` counts."""
    figures: Mapping[str, tuple[Tensor | float, float]] = field(default_factory=dict)
    """More for the log: name to (sum, weight); the log has the sums of all parts over their weights."""


class Recipe(Protocol):
    """What a model brings to the loop. Options of a recipe are a frozen dataclass; :meth:`record` is what a
    run must have in common with the one that it continues."""

    name: str
    best: str | None
    """Name of the evaluated figure whose lowest value marks the best model; None: the last one is taken."""

    def record(self) -> dict[str, Any]:
        """Everything that decides the result, as JSON."""
        ...

    def model(self) -> torch.nn.Module:
        """The model at its start; torch's generator is seeded before the call."""
        ...

    def parts(self, step: int) -> Sequence[Any]:
        """What is in update ``step``, in parts; always as many. A pure function of the step."""
        ...

    def load(self, part: Any) -> Batch | None:
        """The part's tensors, or None if it is empty. Called in a thread; draws nothing but from own seeds."""
        ...

    def loss(self, model: Any, batch: Batch, step: int) -> Loss:
        """The loss of one part. May draw from torch's generator."""
        ...

    def describe(self, part: Any) -> str:
        """What is in the part, for messages."""
        ...

    def evaluate(self, model: Any) -> dict[str, float]:
        """Figures on held-out data; the model is in evaluation mode."""
        ...

    def export(self, model: Any, folder: Path, figures: Mapping[str, float]) -> None:
        """Write the result into an empty folder."""
        ...


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

    def __str__(self) -> str:
        shown = ", ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
        first = f"{self.steps} steps{': ' + shown if shown else ''}; the model is in {self.model}"
        return "\n".join([first, *self.notes])

    def to_dict(self) -> dict[str, Any]:
        """``directory``, ``model``, ``steps``, ``figures``, ``notes``."""
        return asdict(self)


def train(
    recipe: Recipe, options: LoopOptions, folder: str | Path, progress: Progress = silent
) -> TrainResult:
    """Train a recipe in a run folder; a folder that holds a run of the same recipe is continued.

    Parameters
    ----------
    recipe : model, data and loss
    options : steps, rates, checkpoints
    folder : the run folder
    progress : told of the steps

    Raises
    ------
    TrainingError
        If the loss or the gradient is not finite any more; the message names the batch, and the last checkpoint
        stays.
    OptionError
        If the folder holds a run of another recipe.
    FormatError
        If the checkpoint is damaged, of another size of model or of a newer schema.
    OutputError
        If something cannot be written; the last checkpoint stays.
    """
    return _Run(recipe, options, Path(folder), progress).train()


def processes() -> PartialState:
    """The processes of this run, for what is done before the loop (``.main_process_first()``)."""
    return PartialState(cpu=_on_cpu())


def _on_cpu() -> bool:
    # Said aloud: on a machine without an accelerator, several processes would not find each other otherwise.
    return bool(parse_flag_from_env("ACCELERATE_USE_CPU")) or not torch.accelerator.is_available()


class _Objective(torch.nn.Module):
    """Model and loss in one module, so that whatever wraps it sees every computation."""

    def __init__(self, model: torch.nn.Module, recipe: Recipe) -> None:
        super().__init__()
        self.model = model
        self._recipe = recipe

    def forward(self, tensors: dict[str, Tensor], weight: float, step: int) -> Loss:
        return self._recipe.loss(self.model, Batch(tensors, weight), step)


class _Run:
    def __init__(self, recipe: Recipe, options: LoopOptions, folder: Path, progress: Progress) -> None:
        if options.threads:
            torch.set_num_threads(options.threads)
        self.recipe, self.options, self.folder, self.progress = recipe, options, folder, progress
        try:
            self.accelerator = Accelerator(
                cpu=_on_cpu(),
                mixed_precision=options.precision,
                kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
            )
        except ValueError as error:  # accelerate keeps the precision for the whole process
            raise OptionError(f"precision={options.precision!r} cannot be used here: {error}") from error
        self.main = self.accelerator.is_main_process
        self._open_folder()
        _seed_all(options.seed)
        objective = _Objective(recipe.model(), recipe)
        trained = [p for p in objective.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(
            trained, options.learning_rate, (0.9, options.beta2), weight_decay=options.weight_decay
        )
        self.objective, self.optimizer = self.accelerator.prepare(objective, optimizer)
        self.model = self.accelerator.unwrap_model(self.objective).model
        self.step, self.elapsed = 0, 0.0
        self.best: dict[str, float] = {}
        newest = newest_checkpoint(self.folder)
        if newest is not None:
            self._load(newest)

    # ------------------------------------------------------------ the loop

    def train(self) -> TrainResult:
        options, began = self.options, time.monotonic() - self.elapsed
        log = RunLog(self.folder, self.step) if self.main else None
        first = self.step
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(self._mine, self.step)
            while self.step < options.steps:
                mine = coming.result()
                coming = ahead.submit(self._mine, self.step + 1)
                line = self._update(mine)
                self.step += 1
                self.elapsed = time.monotonic() - began
                last = self.step == options.steps
                if last or self.step % options.evaluate_every == 0:
                    line |= self._evaluate()
                if log and (last or self.step % options.log_every == 0 or len(line) > 6):
                    left = self.elapsed / self.step * (options.steps - self.step)
                    log.write(
                        self.step,
                        {**line, "elapsed_seconds": round(self.elapsed, 3), "left_seconds": round(left)},
                    )
                if last or self.step % options.save_every == 0:
                    self._save()
                self.progress("train", self.step, options.steps)
            coming.cancel()
        if log:
            log.close()
        if self.step == first and self.main and not (self.folder / "model").is_dir():
            self._evaluate()
        return TrainResult(
            str(self.folder),
            str(self.folder / "model"),
            self.step,
            {k: v for k, v in self.best.items() if k != "step"},
        )

    def _mine(self, step: int) -> list[tuple[int, Any, Batch | None]]:
        """This process's parts of an update, loaded."""
        parts = self.recipe.parts(step)
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        if len(parts) % world:
            raise OptionError(
                f"an update of {len(parts)} parts cannot be shared by {world} processes; set parts to a multiple"
            )
        return [(k, part, self.recipe.load(part)) for k, part in enumerate(parts) if k % world == rank]

    def _update(self, mine: list[tuple[int, Any, Batch | None]]) -> dict[str, float]:
        accelerator, world = self.accelerator, self.accelerator.num_processes
        weight, seconds = self._summed(
            [
                sum(batch.weight for _, _, batch in mine if batch),
                sum(batch.seconds for _, _, batch in mine if batch),
            ]
        )
        rate = self.options.rate(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.objective.train()
        self.optimizer.zero_grad()
        sums: dict[str, list[float]] = {"loss": [0.0, 0.0]}
        for count, (number, part, batch) in enumerate(mine):
            # Every process computes the same number of parts: what is empty is done by a stand-in of no weight.
            used, share = (batch, 1.0) if batch else (self._stand_in(), 0.0)
            _seed_all(self.options.seed, self.step, number)
            together = nullcontext() if count == len(mine) - 1 else accelerator.no_sync(self.objective)
            with together:
                tensors = {k: v.to(accelerator.device) for k, v in used.tensors.items()}
                found = self.objective(tensors, used.weight, self.step)
                # Processes' gradients are averaged, so each is scaled up by their number.
                accelerator.backward(found.total * (share * world / max(weight, 1e-9)))
            if not batch:
                continue
            self._add(sums, "loss", float(found.total.detach()), weight=batch.weight)
            for name, (total, by) in found.figures.items():
                self._add(sums, name, float(total), weight=by)
            if not math.isfinite(sums["loss"][0]):
                self._diverged("loss", self.recipe.describe(part))
        norm = float(accelerator.clip_grad_norm_(self.objective.parameters(), self.options.clip_norm))
        if not math.isfinite(norm) and self.options.precision != "fp16":
            self._diverged("gradient", "; ".join(self.recipe.describe(part) for _, part, b in mine if b))
        self.optimizer.step()
        means = {name: total / max(by, 1e-9) for name, (total, by) in self._of_all(sums).items()}
        return {
            "loss": means.pop("loss"),
            **means,
            "gradient_norm": norm,
            "learning_rate": rate,
            "sound_seconds": round(seconds, 3),
        }

    @staticmethod
    def _add(sums: dict[str, list[float]], name: str, value: float, *, weight: float) -> None:
        pair = sums.setdefault(name, [0.0, 0.0])
        pair[0] += value
        pair[1] += weight

    def _stand_in(self) -> Batch:
        for step in range(self.step, self.step + 1000):
            for part in self.recipe.parts(step):
                batch = self.recipe.load(part)
                if batch:
                    return batch
        raise TrainingError("none of the next 1000 updates holds anything to train on; give more data")

    def _of_all(self, sums: dict[str, list[float]]) -> dict[str, list[float]]:
        """The sums of all processes; one may have figures that another has not."""
        if self.accelerator.num_processes == 1:
            return sums
        everything: dict[str, list[float]] = {}
        for theirs in gather_object([sums]):
            for name, (total, by) in theirs.items():
                self._add(everything, name, total, weight=by)
        return everything

    def _summed(self, values: list[float]) -> list[float]:
        if self.accelerator.num_processes == 1:
            return values
        gathered = torch.tensor(values, dtype=torch.float64, device=self.accelerator.device)
        return [float(v) for v in self.accelerator.reduce(gathered, "sum")]

    def _diverged(self, what: str, batch: str) -> None:
        newest = newest_checkpoint(self.folder)
        kept = f"the last good checkpoint is {str(newest)!r}" if newest else "no checkpoint was written yet"
        raise TrainingError(
            f"the {what} of step {self.step + 1} is not finite; its batch: {batch}. {kept}. Look at that batch, or "
            "lower the learning rate"
        )

    # ------------------------------------------------------------ evaluating and writing

    def _evaluate(self) -> dict[str, float]:
        """Every process evaluates the same, so that sharded models can; the main one writes."""
        self.model.eval()
        with torch.no_grad():
            figures = self.recipe.evaluate(self.model)
        name = self.recipe.best
        if name is None or not self.best or figures[name] < self.best[name]:
            self.best = {"step": float(self.step), **figures}
            weights = whole_state(self.model)
            if self.main:
                with atomic_folder(self.folder / "model", marker="config.json") as fresh:
                    self.recipe.export(_Exported(self.model, weights), fresh, self.best)
                    for file in fresh.iterdir():  # safetensors makes files that only their owner can read
                        shutil.copymode(fresh / "config.json", file)
        return {f"valid_{k}": v for k, v in figures.items()}

    def _save(self) -> None:
        model, optimizer = whole_state(self.model), optimizer_state(self.objective, self.optimizer)
        if self.main:
            scaler = getattr(self.accelerator, "scaler", None)
            state = {
                "recipe": self.recipe.name,
                "best": self.best,
                "elapsed_seconds": self.elapsed,
                "seed": self.options.seed,
                "scaler": scaler.state_dict() if scaler is not None else None,
            }
            write_checkpoint(self.folder, self.step, model, optimizer, state, self.options.keep)
        self.accelerator.wait_for_everyone()

    def _load(self, folder: Path) -> None:
        state = read_json_file(folder / STATE)
        put_state(self.model, load_tensors(folder / "model.safetensors"), folder)
        optimizer = load_tensors(folder / "optimizer.safetensors")
        put_optimizer(self.objective, self.optimizer, optimizer, folder)
        try:
            self.step, self.best = int(state["step"]), dict(state["best"])
            self.elapsed = float(state["elapsed_seconds"])
            scaler = getattr(self.accelerator, "scaler", None)
            if scaler is not None and state["scaler"]:
                scaler.load_state_dict(state["scaler"])
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(
                f"{STATE} of {str(folder)!r} is damaged ({error}); remove that checkpoint"
            ) from error

    def _open_folder(self) -> None:
        # The main process looks and writes first: another one would meet a folder that is half made.
        if self.main:
            known = defaults_of(getattr(self.recipe, "training", None), self.options)
            claim_folder(self.folder, self.recipe.name, self.recipe.record(), asdict(self.options), known)
        self.accelerator.wait_for_everyone()


class _Exported:
    """A model to export: the module, and its whole weights on the CPU (of a sharded one as well)."""

    def __init__(self, module: Any, weights: dict[str, Tensor]) -> None:
        self.module, self.weights = module, weights


def _seed_all(*numbers: int) -> None:
    """Seed every generator that a model may draw from; masks of transformers come from numpy's global one."""
    words = np.random.SeedSequence(numbers).generate_state(3)
    torch.manual_seed(int(words[0]))
    np.random.seed(words[1])  # noqa: NPY002 - theirs, not ours
    random.seed(int(words[2]))
