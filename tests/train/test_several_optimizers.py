"""Several losses, optimisers and workers: a small GAN, killed and taken up again, and its arithmetic by hand."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("accelerate")

import torch
from safetensors.torch import load_file

from genlock.core.errors import InputError, OptionError, TrainingError
from genlock.train.loader import Share, loaded_updates
from genlock.train.loop import train
from genlock.train.optimizers import adamw
from genlock.train.options import LoopOptions

GAN = Path(__file__).with_name("gan.py")
spec = importlib.util.spec_from_file_location("gan_recipe", GAN)
assert spec is not None
assert spec.loader is not None
gan = importlib.util.module_from_spec(spec)
sys.modules["gan_recipe"] = gan
spec.loader.exec_module(gan)

TENSORS = ("model", "optimizer", "average")


def figures(run: Path) -> list[dict[str, Any]]:
    """The log without the times of day."""
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if k not in ("elapsed_seconds", "left_seconds")} for row in rows]


def assert_same(run: Path, whole: Path, steps: int) -> None:
    """Losses, and bytes of the last checkpoint."""
    assert figures(run) == figures(whole)
    for name in TENSORS:
        file = f"checkpoints/step-{steps:08d}/{name}.safetensors"
        assert (run / file).read_bytes() == (whole / file).read_bytes(), name
    assert (run / "model/config.json").read_text() == (whole / "model/config.json").read_text()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run of 40 updates."""
    run = tmp_path_factory.mktemp("gan") / "whole"
    gan.run(run, 40)
    return run


@pytest.mark.slow
def test_kill_9_at_random_points_whatever_the_number_of_workers(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for workers in (0, 2, 1):
        before = newest(run)
        words = [sys.executable, str(GAN), str(run), "40", str(workers), "0.04"]
        process = subprocess.Popen(words, env=environment, start_new_session=True)
        while process.poll() is None and newest(run) == before:
            time.sleep(0.005)
        time.sleep(random.uniform(0, 0.3))
        assert process.poll() is None, "the run ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    gan.run(run, 40, workers=2)
    assert_same(run, whole, 40)


def newest(run: Path) -> str:
    return max((p.name for p in (run / "checkpoints").glob("step-*")), default="")


@pytest.mark.slow
def test_two_processes_do_what_one_does(whole: Path, tmp_path: Path) -> None:
    """Each loss goes through all parts of an update, wherever they are computed, with workers in each process."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    run = tmp_path / "two"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*launch, str(GAN), str(run), "40", "1", "0"], check=True, env=environment)
    for ours, theirs in zip(figures(whole), figures(run), strict=True):
        assert theirs == pytest.approx(ours, rel=1e-3)


def test_the_arithmetic_by_hand(whole: Path) -> None:
    """Ten updates of the same in plain torch: the discriminator, then the generator."""
    recipe, options = gan.Gan(), gan.options(40)
    rows = figures(whole)
    seed_all(options.seed)
    model = recipe.model()
    algorithms = {name: o.algorithm for name, o in recipe.optimizers(model, options).items()}
    rates = {
        "generator": options.rate,
        "discriminator": recipe.optimizers(model, options)["discriminator"].rate,
    }
    limits = {"generator": 1.0, "discriminator": 0.1}
    losses = [("discriminator", recipe.judge, gan.BEGINS), ("generator", recipe.throw, 0)]
    for step in range(10):
        parts = [part for k in (0, 1) for part in recipe.parts(2 * step + k)]
        batches = [(k, recipe.load(part)) for k, part in enumerate(parts)]
        weight = sum(batch.weight for _, batch in batches if batch)
        for which, (name, loss, begins) in enumerate(losses):
            if step < begins:
                assert f"{name}_loss" not in rows[step]
                continue
            model.zero_grad()
            total = 0.0
            for k, batch in batches:
                if batch:
                    seed_all(options.seed, step, k, *([which] if which else []))
                    found = loss(model, batch, step).total
                    total += float(found.detach())
                    (found / weight).backward()
            mine = list(getattr(model, name).parameters())
            norm = torch.nn.utils.clip_grad_norm_(mine, limits[name])
            for group in algorithms[name].param_groups:
                group["lr"] = rates[name](step)
            algorithms[name].step()
            assert rows[step][f"{name}_loss"] == pytest.approx(total / weight, rel=1e-5)
            assert rows[step][f"{name}_gradient_norm"] == pytest.approx(float(norm), rel=1e-4)
            assert rows[step][f"{name}_learning_rate"] == rates[name](step)
        assert rows[step]["points"] == weight


def seed_all(*numbers: int) -> None:
    from genlock.train.loop import _seed_all

    _seed_all(*numbers)


def test_the_average_is_saved_evaluated_and_exported(whole: Path) -> None:
    saved = {name: load_file(whole / f"checkpoints/step-00000040/{name}.safetensors") for name in TENSORS}
    average, plain = saved["average"]["module.generator.0.bias"], saved["model"]["generator.0.bias"]
    assert not torch.equal(average, plain)
    exported = json.loads((whole / "model/config.json").read_text())["weight"]
    assert exported == float(average[0])
    # Two optimisers' numbers lie in one file, by weight.
    assert {key.split(".")[1] for key in saved["optimizer"]} == {"generator", "discriminator"}


def test_accumulation_is_a_larger_update(tmp_path: Path) -> None:
    """Two updates added up are one update of their parts."""

    class Double(gan.Gan):
        def parts(self, step: int) -> list[tuple[int, int]]:
            return [*super().parts(2 * step), *super().parts(2 * step + 1)]

    train(gan.Gan(), gan.options(8), tmp_path / "added")
    train(Double(), gan.options(8, accumulate=1), tmp_path / "double")
    assert figures(tmp_path / "added") == figures(tmp_path / "double")


def test_what_cannot_be_read_is_told_as_it_is(tmp_path: Path) -> None:
    for workers in (0, 2):
        with pytest.raises(InputError, match=r"^the points of update 12 cannot be read$"):
            train(gan.Gan(bad_step=12), gan.options(20, workers=workers), tmp_path / f"run{workers}")
        assert newest(tmp_path / f"run{workers}") == "step-00000006"


def test_a_worker_that_is_killed_is_told(tmp_path: Path) -> None:
    class Short(gan.Gan):
        def load(self, part: tuple[int, int]) -> Any:
            if part[0] == 9:
                os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does where memory is short
            return super().load(part)

    with pytest.raises(TrainingError, match="a loading process ended.*fewer workers than 2") as told:
        train(Short(), gan.options(20, workers=2), tmp_path / "run")
    for _ in range(3):  # once told, no child that ends brings it again, though the traceback is kept
        subprocess.run([sys.executable, "-c", ""], check=True)
        time.sleep(0.01)
    assert told.tb is not None


def test_workers_give_what_a_thread_gives_in_its_order() -> None:
    recipe = gan.Gan()
    for share in (Share(), Share(accumulate=3), Share(accumulate=2, world=2, rank=1)):
        plain = list(loaded_updates(recipe, range(2, 9), 0, share))
        forked = list(loaded_updates(recipe, range(2, 9), 2, share))
        assert len(plain) == len(forked) == 7
        for ours, theirs in zip(plain, forked, strict=True):
            assert [(a.number, a.part) for a in ours] == [(b.number, b.part) for b in theirs]
            for a, b in zip(ours, theirs, strict=True):
                assert (a.batch is None) == (b.batch is None)
                if a.batch and b.batch:
                    assert all(torch.equal(a.batch.tensors[n], b.batch.tensors[n]) for n in a.batch.tensors)
    with pytest.raises(OptionError, match="2 parts cannot be shared by 3 processes"):
        next(loaded_updates(recipe, range(3), 0, Share(world=3)))


def test_optimizers_that_do_not_fit_the_losses_are_refused(tmp_path: Path) -> None:
    def only_one(model: Any, loop: LoopOptions) -> Any:
        return {"generator": adamw(model.generator.parameters(), loop)}

    def twice(model: Any, loop: LoopOptions) -> Any:
        return both(model, loop) | {"all": adamw(model.parameters(), loop)}

    def frozen(model: Any, loop: LoopOptions) -> Any:
        found = both(model, loop)
        model.generator[0].requires_grad_(False)
        return found

    both, losses = gan.Gan().optimizers, gan.Gan().losses()
    cases = [
        (only_one, losses[1:], r"gives 'discriminator\.0\.weight' to no optimiser"),
        (twice, losses, "one weight to two optimisers, 'generator' and 'all'"),
        (frozen, losses, "a frozen weight to the optimiser 'generator'"),
        (both, [replace(losses[1], optimizer="critic")], "for the optimiser 'critic'; it names generator"),
        (both, losses[:1], "no loss for the first update"),
    ]
    for number, (optimizers, steps, said) in enumerate(cases):
        recipe = gan.Gan()
        recipe.optimizers, recipe.losses = optimizers, lambda steps=steps: steps
        with pytest.raises(TrainingError, match=said):
            train(recipe, gan.options(3), tmp_path / f"run{number}")
