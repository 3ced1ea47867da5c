"""The loop: equal to the bit after a kill, equal between one process and two, and what bad input does."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("accelerate")

import torch
from accelerate.state import AcceleratorState

from genlock.core.errors import FormatError, OptionError, OutputError, TrainingError
from genlock.core.json_forms import read_json_file, write_json
from genlock.train.loop import train
from genlock.train.options import LoopOptions

TINY = Path(__file__).with_name("tiny.py")
spec = importlib.util.spec_from_file_location("tiny_recipe", TINY)
assert spec is not None
assert spec.loader is not None
tiny = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tiny)


def figures(run: Path) -> list[dict[str, Any]]:
    """The log without the times of day."""
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if k not in ("elapsed_seconds", "left_seconds")} for row in rows]


class Killed(Exception):
    """The end of a run that nobody expected."""


def killed_at(step: int) -> Any:
    def progress(stage: str, done: float, total: float | None) -> None:
        if done == step:
            raise Killed

    return progress


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """An undisturbed run of 14 steps."""
    train(tiny.Tiny(parts=2), tiny.options(14), tmp_path / "whole")
    return tmp_path / "whole"


@pytest.mark.parametrize("step", [1, 3, 4, 8, 13])
def test_a_run_that_was_cut_off_goes_on_to_the_bit(whole: Path, tmp_path: Path, step: int) -> None:
    run = tmp_path / "run"
    with pytest.raises(Killed):
        train(tiny.Tiny(parts=2), tiny.options(14), run, killed_at(step))
    train(tiny.Tiny(parts=2), tiny.options(14), run)
    assert figures(run) == figures(whole)
    last = "checkpoints/step-00000014"
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (run / last / name).read_bytes() == (whole / last / name).read_bytes()
    assert (run / "model/config.json").read_text() == (whole / "model/config.json").read_text()


def test_kill_9_at_random(tmp_path: Path) -> None:
    command = [sys.executable, str(TINY)]
    subprocess.run([*command, str(tmp_path / "whole"), "40", "2", "0"], check=True, env=environment())
    run = tmp_path / "run"
    process = subprocess.Popen([*command, str(run), "40", "2", "0.02"], env=environment())
    try:
        while not list((run / "checkpoints").glob("step-*")) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.5))
        assert process.poll() is None, "the run ended before it could be killed"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(figures_so_far(run)) < 40
    subprocess.run([*command, str(run), "40", "2", "0"], check=True, env=environment())
    assert figures(run) == figures(tmp_path / "whole")
    assert not list((run / "checkpoints").glob(".genlock-*"))


def figures_so_far(run: Path) -> list[bytes]:
    return (run / "log.jsonl").read_bytes().splitlines()


def test_two_processes_do_what_one_does(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "two"
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    done = subprocess.run(
        [*launch, str(TINY), str(run), "14", "2", "0"],
        check=True,
        capture_output=True,
        env=environment(),
        timeout=200,
    )
    assert done.stdout.count(b"processes: 2") == 2
    one, two = figures(whole), figures(run)
    assert len(one) == len(two) == 14
    for ours, theirs in zip(one, two, strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours:
            assert theirs[name] == pytest.approx(ours[name], rel=1e-4), name


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def test_checkpoints_are_few_and_the_best_model_is_kept(whole: Path) -> None:
    assert sorted(p.name for p in (whole / "checkpoints").iterdir()) == ["step-00000012", "step-00000014"]
    rows = figures(whole)
    evaluated = {row["step"]: row["valid_error"] for row in rows if "valid_error" in row}
    assert set(evaluated) == {4, 8, 12, 14}
    assert json.loads((whole / "model/config.json").read_text())["error"] == min(evaluated.values())
    kinds = {path.suffix for path in (whole / "checkpoints").rglob("*") if path.is_file()}
    assert kinds == {".safetensors", ".json"}


def test_a_loss_that_is_not_finite_stops_and_names_its_batch(tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError, match="loss of step 8 is not finite; its batch: rows 7/0.*step-00000006"
    ):
        train(tiny.Tiny(bad_step=7), tiny.options(14), tmp_path / "run")
    assert (tmp_path / "run/checkpoints/step-00000006/model.safetensors").is_file()
    # The data repaired, it goes on from there.
    assert train(tiny.Tiny(), tiny.options(14), tmp_path / "run").steps == 14


def test_another_recipe_in_the_folder_is_refused(whole: Path) -> None:
    with pytest.raises(OptionError, match="width 8, not 9"):
        train(tiny.Tiny(parts=2, width=9), tiny.options(14), whole)
    with pytest.raises(OptionError, match=r"learning_rate 0\.05, not 0\.1"):
        train(tiny.Tiny(parts=2), tiny.options(14, learning_rate=0.1), whole)
    train(tiny.Tiny(parts=2), tiny.options(14, keep=1, log_every=2), whole)


def test_a_run_is_made_longer(tmp_path: Path) -> None:
    """Finished or interrupted; what depends on the number of steps follows the new one from there on."""
    run, again = tmp_path / "run", tmp_path / "again"
    train(tiny.Tiny(), tiny.options(6), run)
    longer = train(tiny.Tiny(), tiny.options(14), run)
    assert longer.steps == 14
    assert len(longer.notes) == 1
    assert "was to have 6 steps and has 14 now, 6 of which are done" in longer.notes[0]
    assert "(learning rate 0.05, not 0.0025)" in longer.notes[0]
    rates = [row["learning_rate"] for row in figures(run)]
    assert rates == [tiny.options(6 if k < 6 else 14).rate(k) for k in range(14)]
    assert [c["step"] for c in read_json_file(run / "run.json")["changes"]] == [6]
    # An interrupted run too; killed again after the change it goes on without another word, to the bit.
    for stop, steps in ((6, 9), (10, 14)):
        with pytest.raises(Killed):
            train(tiny.Tiny(), tiny.options(steps), again, killed_at(stop))
    last = train(tiny.Tiny(), tiny.options(14), again)
    assert last.notes == ()
    assert [c["step"] for c in read_json_file(again / "run.json")["changes"]] == [6]
    assert [row["step"] for row in figures(again)] == list(range(1, 15))


def test_a_run_that_is_done_already(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(tiny.Tiny(), tiny.options(6), run)
    before = (run / "checkpoints/step-00000006/model.safetensors").read_bytes()
    found = train(tiny.Tiny(), tiny.options(4), run)
    assert (found.steps, found.notes) == (
        6,
        ("the run has done 6 steps already, more than 4: nothing was trained",),
    )
    assert (run / "checkpoints/step-00000006/model.safetensors").read_bytes() == before
    assert read_json_file(run / "run.json")["loop"]["steps"] == 6
    assert train(tiny.Tiny(), tiny.options(6), run).notes == ()
    # Of a run that has done nothing yet there is nothing to tell.
    with pytest.raises(TrainingError):
        train(tiny.Tiny(bad_step=0), tiny.options(6), tmp_path / "new")
    assert train(tiny.Tiny(), tiny.options(3), tmp_path / "new").notes == ()


def test_other_threads_go_on_with_a_note(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(Killed):
        train(tiny.Tiny(), tiny.options(9), run, killed_at(5))
    threads = torch.get_num_threads()
    try:
        found = train(tiny.Tiny(), tiny.options(9, threads=2, workers=1), run)
    finally:
        torch.set_num_threads(threads)
    assert found.notes == (
        "threads 1 before, 2 now: from step 4 on the last bits may differ from those of an undisturbed run",
    )
    with pytest.raises(
        OptionError, match=r"clip_norm 1\.0, not 0\.5.*\(steps, threads, .*workers may differ\)"
    ):
        train(tiny.Tiny(), tiny.options(9, clip_norm=0.5), run)


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OptionError, match="holds no run"):
        train(tiny.Tiny(), tiny.options(3), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_checkpoint_of_another_size(tmp_path: Path) -> None:
    train(tiny.Tiny(), tiny.options(3), tmp_path / "run")
    path = tmp_path / "run/run.json"
    record = read_json_file(path)
    record["settings"]["width"] = 9
    write_json(path, {k: v for k, v in record.items() if k != "genlock_schema"})
    with pytest.raises(
        FormatError, match=r"another size: '0\.weight' has \[16, 8\], the recipe's model \[16, 9\]"
    ):
        train(tiny.Tiny(width=9), tiny.options(3), tmp_path / "run")


def test_a_newer_checkpoint_and_a_damaged_one(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(tiny.Tiny(), tiny.options(6), run)
    state = run / "checkpoints/step-00000006/state.json"
    text = state.read_text()
    state.write_text(text.replace('"genlock_schema": 1', '"genlock_schema": 99'))
    with pytest.raises(FormatError, match="schema 99"):
        train(tiny.Tiny(), tiny.options(6), run)
    state.write_text(text)
    weights = run / "checkpoints/step-00000006/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(FormatError, match="remove its folder to go on from the one before"):
        train(tiny.Tiny(), tiny.options(6), run)


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.system(f"mount -t tmpfs -o size=128k tmpfs '{disk}' 2>/dev/null") != 0:
        pytest.skip("no right to mount a small disk here")
    try:
        run = disk / "run"
        train(tiny.Tiny(), tiny.options(3), run)
        fill = disk / "fill"
        with suppress(OSError), fill.open("wb", buffering=0) as file:
            while file.write(bytes(512)):
                pass
        with pytest.raises(OutputError, match="No space left"):
            train(tiny.Tiny(), tiny.options(9), run)
        assert [p.name for p in (run / "checkpoints").iterdir()] == ["step-00000003"]
        fill.unlink()
        assert train(tiny.Tiny(), tiny.options(9), run).steps == 9
    finally:
        os.system(f"umount -l '{disk}'")


def test_mixed_precision(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="precision='bf16' cannot be used here"):
        train(tiny.Tiny(parts=2), tiny.options(6, precision="bf16"), tmp_path / "half")
    AcceleratorState._reset_state()  # as a new process has it
    try:
        train(tiny.Tiny(parts=2), tiny.options(6, precision="bf16"), tmp_path / "half")
    finally:
        AcceleratorState._reset_state()
    half, full = figures(tmp_path / "half"), figures(whole)
    assert half[0]["loss"] != full[0]["loss"]
    assert half[0]["loss"] == pytest.approx(full[0]["loss"], rel=0.05)


def test_the_schedule() -> None:
    rates = [LoopOptions(steps=100, learning_rate=1.0).rate(k) for k in range(100)]
    assert rates == pytest.approx(
        [min(1, (k + 1) / 10) for k in range(51)] + [0.05 ** ((k - 50) / 50) for k in range(51, 100)]
    )
    straight = LoopOptions(steps=100, learning_rate=1.0, hold=0, final=0.5, decay="linear")
    assert straight.rate(55) == pytest.approx(0.75)
    for wrong in ({"steps": 0}, {"warmup": 0.8, "hold": 0.4}, {"learning_rate": 0.0}, {"final": 2.0}):
        with pytest.raises(OptionError):
            LoopOptions(**wrong)
