"""The training loop of every model here: plain, resumable to the bit, on one process or many.

A :class:`~genlock.train.recipe.Recipe` brings the model, the data, the losses and their optimisers. The loop brings
everything that recipes have in common::

    for step in range(done, steps):
        parts = recipe.parts(step)                  # what is in this update: a pure function of the step
        for loss in recipe.losses():                # in their order: discriminator, then generator
            for part in mine(parts):                # some here, some in other processes
                seed(step, part, loss)              # dropout and masks: a pure function of these three
                loss_sum(part) / total_weight -> backward
            clip, step the loss's optimiser
        average the weights, log, now and then evaluate and save

Nothing that decides a result lives outside the weights, their running average, the optimisers' states and the step.
So a checkpoint is small to describe, a run that was killed goes on with the same losses to the bit, and a part gives
the same gradient whether it is computed by this process or by another: one process with four parts does what four
processes with one part each do, but for the order in which numbers are added.

A run folder holds ``run.json`` (the recipe and the options), ``log.jsonl`` (one line an update),
``checkpoints/step-00001000/`` (safetensors and JSON) and ``model/`` (the result so far).
"""

from __future__ import annotations

import math
import random
import shutil
import time
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

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

    from genlock.train.diagnosis import odd_gradient, odd_tensors
    from genlock.train.loader import Loaded, Share, killed_workers_explained, loaded_updates, update_parts
    from genlock.train.optimizers import running_average
    from genlock.train.recipe import Batch, Exported, Loss, LossStep, Recipe, TrainResult, check_optimizers
    from genlock.train.run_state import (
        STATE,
        load_tensors,
        newest_checkpoint,
        optimizer_state,
        put_optimizer,
        put_state,
        step_of,
        whole_state,
        write_checkpoint,
    )
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["processes", "train"]

Tensor = torch.Tensor


def train(
    recipe: Recipe, options: LoopOptions, folder: str | Path, progress: Progress = silent
) -> TrainResult:
    """Train a recipe in a run folder; a folder that holds a run of the same recipe is continued.

    Parameters
    ----------
    recipe : model, data, losses and optimisers
    options : steps, rates, checkpoints. Of a run that is continued, ``steps``, ``threads``, ``workers``, ``keep`` and
        how often it saves, evaluates and logs may differ; the result's notes say what that means
    folder : the run folder
    progress : told of the steps

    Raises
    ------
    TrainingError
        If a loss or a gradient is not finite any more, and what it came from; the last checkpoint stays. If the
        recipe's losses and optimisers do not fit together.
    OptionError
        If the folder holds a run of another recipe or other options.
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
    """Model and losses in one module, so that whatever wraps it sees every computation."""

    def __init__(self, model: torch.nn.Module, losses: tuple[LossStep, ...]) -> None:
        super().__init__()
        self.model = model
        self._losses = losses

    def forward(self, tensors: dict[str, Tensor], weight: float, step: int, which: int) -> Loss:
        return self._losses[which].loss(self.model, Batch(tensors, weight), step)


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
        self.notes = self._open_folder()
        _seed_all(options.seed)
        model = recipe.model()
        named, self.losses = recipe.optimizers(model, options), tuple(recipe.losses())
        check_optimizers(recipe.name, model, named, self.losses)
        self.objective, *algorithms = self.accelerator.prepare(
            _Objective(model, self.losses), *(o.algorithm for o in named.values())
        )
        self.optimizers = {
            name: replace(o, algorithm=a) for (name, o), a in zip(named.items(), algorithms, strict=True)
        }
        self.model = self.accelerator.unwrap_model(self.objective).model
        self.average = running_average(self.model, options.ema) if options.ema else None
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
        share = Share(options.accumulate, self.accelerator.num_processes, self.accelerator.process_index)
        coming = loaded_updates(self.recipe, range(first, options.steps), options.workers, share)
        with killed_workers_explained(options.workers), closing(coming):
            for mine in coming:
                line = self._update(mine)
                self.step += 1
                self.elapsed = time.monotonic() - began
                last = self.step == options.steps
                evaluated = last or self.step % options.evaluate_every == 0
                if evaluated:
                    line |= self._evaluate()
                if log and (evaluated or self.step % options.log_every == 0):
                    left = round(self.elapsed / self.step * (options.steps - self.step))
                    log.write(
                        self.step, {**line, "elapsed_seconds": round(self.elapsed, 3), "left_seconds": left}
                    )
                if last or self.step % options.save_every == 0:
                    self._save()
                self.progress("train", self.step, options.steps)
        if log:
            log.close()
        if self.step == first and self.main and not (self.folder / "model").is_dir():
            self._evaluate()
        figures = {k: v for k, v in self.best.items() if k != "step"}
        return TrainResult(str(self.folder), str(self.folder / "model"), self.step, figures, self.notes)

    def _update(self, mine: list[Loaded]) -> dict[str, float]:
        """One update of the weights; its line for the log."""
        weight, amount = self._summed(
            [
                sum(loaded.batch.weight for loaded in mine if loaded.batch),
                sum(loaded.batch.amount for loaded in mine if loaded.batch),
            ]
        )
        self.objective.train()
        line: dict[str, float] = {}
        for which, loss in enumerate(self.losses):
            if self.step >= loss.begins:
                found = self._descend(which, mine, weight)
                prefix = f"{loss.name or loss.optimizer}_" if len(self.losses) > 1 else ""
                line |= {prefix + name: value for name, value in found.items()}
        if self.average is not None:
            self.average.update_parameters(self.model)
        return {**line, self.recipe.unit: round(amount, 3)}

    def _descend(self, which: int, mine: list[Loaded], weight: float) -> dict[str, float]:
        """Compute one loss on all parts of the update, and move its optimiser's weights once."""
        accelerator, world = self.accelerator, self.accelerator.num_processes
        optimizer = self.optimizers[self.losses[which].optimizer]
        rate = optimizer.set_rate(self.step)
        self._learn_only(self.losses[which].optimizer)
        sums: dict[str, list[float]] = {"loss": [0.0, 0.0]}
        for count, loaded in enumerate(mine):
            # Every process computes the same number of parts: what is empty is done by a stand-in of no weight.
            used, share = (loaded.batch, 1.0) if loaded.batch else (self._stand_in(), 0.0)
            last = count == len(mine) - 1
            with nullcontext() if last else accelerator.no_sync(self.objective):
                found = self._loss(self.objective, which, loaded.number, used)
                # Processes' gradients are averaged, so each is scaled up by their number.
                accelerator.backward(found.total * (share * world / max(weight, 1e-9)))
            if not loaded.batch:
                continue
            _add(sums, "loss", float(found.total.detach()), weight=used.weight)
            for name, (total, by) in found.figures.items():
                _add(sums, name, float(total), weight=by)
            if not math.isfinite(sums["loss"][0]):
                self._stop_at_loss(loaded)
        norm = float(accelerator.clip_grad_norm_(optimizer.parameters, optimizer.clip_norm))
        if not math.isfinite(norm) and self.options.precision != "fp16":
            self._stop_at_gradient(which, mine)
        optimizer.algorithm.step()
        means = {name: total / max(by, 1e-9) for name, (total, by) in self._of_all(sums).items()}
        return {"loss": means.pop("loss"), **means, "gradient_norm": norm, "learning_rate": rate}

    def _loss(self, objective: torch.nn.Module, which: int, number: int, batch: Batch) -> Loss:
        """The loss of part ``number``; what it draws at random follows from the update, the part and the loss."""
        _seed_all(self.options.seed, self.step, number, *([which] if which else []))
        tensors = {k: v.to(self.accelerator.device) for k, v in batch.tensors.items()}
        found: Loss = objective(tensors, batch.weight, self.step, which)
        return found

    def _learn_only(self, name: str) -> None:
        """Forget all gradients; only what the named optimiser moves gets new ones."""
        for other, optimizer in self.optimizers.items():
            optimizer.algorithm.zero_grad()
            for parameter in optimizer.parameters:
                parameter.requires_grad_(other == name)

    def _stand_in(self) -> Batch:
        for step in range(self.step, self.step + 1000):
            for part in update_parts(self.recipe, step, self.options.accumulate):
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
                _add(everything, name, total, weight=by)
        return everything

    def _summed(self, values: list[float]) -> list[float]:
        if self.accelerator.num_processes == 1:
            return values
        gathered = torch.tensor(values, dtype=torch.float64, device=self.accelerator.device)
        return [float(v) for v in self.accelerator.reduce(gathered, "sum")]

    # ------------------------------------------------------------ what cannot go on

    def _stop_at_loss(self, loaded: Loaded) -> NoReturn:
        odd = odd_tensors(loaded.batch.tensors) if loaded.batch else []
        cause = (
            f"its {', '.join(odd)} holds numbers that are not finite: look at that batch"
            if odd
            else "all numbers in it are finite: lower the learning rate"
        )
        self._stop("loss", f"; its batch: {self.recipe.describe(loaded.part)}; {cause}")

    def _stop_at_gradient(self, which: int, mine: list[Loaded]) -> NoReturn:
        plain = self.accelerator.unwrap_model(self.objective)
        for loaded in mine:
            if not loaded.batch:
                continue
            odd = odd_gradient(self._loss(plain, which, loaded.number, loaded.batch).total)
            if odd:
                self._stop(
                    "gradient",
                    f", though its loss is: {odd} gives no finite derivative. That is a fault of the model at its "
                    f"present weights, not of the batch ({self.recipe.describe(loaded.part)}): lower the learning "
                    "rate, or mend the model",
                )
        self._stop("gradient", ", though its loss is: it is too large for float32; lower the learning rate")

    def _stop(self, what: str, cause: str) -> NoReturn:
        newest = newest_checkpoint(self.folder)
        kept = f"the last good checkpoint is {str(newest)!r}" if newest else "no checkpoint was written yet"
        raise TrainingError(f"the {what} of step {self.step + 1} is not finite{cause}; {kept}")

    # ------------------------------------------------------------ evaluating and writing

    def _evaluate(self) -> dict[str, float]:
        """Every process evaluates the same, so that sharded models can; the main one writes."""
        model = self.model if self.average is None else self.average.module
        model.eval()
        with torch.no_grad():
            figures = self.recipe.evaluate(model)
        name = self.recipe.best
        if name is None or not self.best or figures[name] < self.best[name]:
            self.best = {"step": float(self.step), **figures}
            weights = whole_state(model)
            if self.main:
                with atomic_folder(self.folder / "model", marker="config.json") as fresh:
                    self.recipe.export(Exported(model, weights), fresh, self.best)
                    for file in fresh.iterdir():  # safetensors makes files that only their owner can read
                        shutil.copymode(fresh / "config.json", file)
        return {f"valid_{k}": v for k, v in figures.items()}

    def _save(self) -> None:
        tensors = {"model": whole_state(self.model), "optimizer": {}}
        for optimizer in self.optimizers.values():
            tensors["optimizer"] |= optimizer_state(self.objective, optimizer.algorithm)
        if self.average is not None:
            tensors["average"] = whole_state(self.average)
        if self.main:
            scaler = getattr(self.accelerator, "scaler", None)
            state = {
                "recipe": self.recipe.name,
                "best": self.best,
                "elapsed_seconds": self.elapsed,
                "seed": self.options.seed,
                "scaler": scaler.state_dict() if scaler is not None else None,
            }
            write_checkpoint(self.folder, self.step, tensors, state, self.options.keep)
        self.accelerator.wait_for_everyone()

    def _load(self, folder: Path) -> None:
        state = read_json_file(folder / STATE)
        put_state(self.model, load_tensors(folder / "model.safetensors"), folder)
        found = load_tensors(folder / "optimizer.safetensors")
        for optimizer in self.optimizers.values():
            put_optimizer(self.objective, optimizer.algorithm, found, folder)
        if self.average is not None:
            put_state(self.average, load_tensors(folder / "average.safetensors"), folder)
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

    def _open_folder(self) -> tuple[str, ...]:
        # The main process looks and writes first: another one would meet a folder that is half made.
        notes: tuple[str, ...] = ()
        if self.main:
            known = defaults_of(getattr(self.recipe, "training", None), self.options)
            newest = newest_checkpoint(self.folder)
            done = step_of(newest) if newest else 0
            notes = claim_folder(
                self.folder, self.recipe.name, self.recipe.record(), self.options, known, done
            )
        self.accelerator.wait_for_everyone()
        return notes


def _add(sums: dict[str, list[float]], name: str, value: float, *, weight: float) -> None:
    pair = sums.setdefault(name, [0.0, 0.0])
    pair[0] += value
    pair[1] += weight


def _seed_all(*numbers: int) -> None:
    """Seed every generator that a model may draw from; masks of transformers come from numpy's global one."""
    words = np.random.SeedSequence(numbers).generate_state(3)
    torch.manual_seed(int(words[0]))
    np.random.seed(words[1])  # noqa: NPY002 - theirs, not ours
    random.seed(int(words[2]))
