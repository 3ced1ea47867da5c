"""The real recipe in processes of their own: killed, and shared by two."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

OPTIONS = "--shape micro --batch-seconds 8 --negatives 20 --codes 16 --parts 2 --steps 30 --save-every 4"


def command(dataset: Path, run: Path) -> list[str]:
    """``genlock train wav2vec2`` as a person types it."""
    words = [*OPTIONS.split(), "--evaluate-every", "10", "--threads", "1", "-o", str(run)]
    return ["-m", "genlock.cli", "train", "wav2vec2", str(dataset), *words]


def figures(run: Path) -> list[dict[str, Any]]:
    """The log without the times of day."""
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if k not in ("elapsed_seconds", "left_seconds")} for row in rows]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def whole(tone_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run in one process."""
    run = tmp_path_factory.mktemp("whole") / "run"
    subprocess.run([sys.executable, *command(tone_dataset, run)], check=True, env=environment())
    return run


def test_pretraining_killed_with_signal_9_goes_on_to_the_bit(
    whole: Path, tone_dataset: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    kills = 0
    for _ in range(3):
        process = subprocess.Popen([sys.executable, *command(tone_dataset, run)], env=environment())
        log = run / "log.jsonl"
        first = len(log.read_bytes().splitlines()) if log.is_file() else 0
        while process.poll() is None and not (log.is_file() and len(log.read_bytes().splitlines()) > first):
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.8))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    subprocess.run([sys.executable, *command(tone_dataset, run)], check=True, env=environment())
    assert kills >= 1
    assert figures(run) == figures(whole)
    for name in ("model.safetensors", "optimizer.safetensors"):
        last = f"checkpoints/step-00000030/{name}"
        assert (run / last).read_bytes() == (whole / last).read_bytes()


def test_two_processes_have_the_curve_of_one(whole: Path, tone_dataset: Path, tmp_path: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    run = tmp_path / "two"
    subprocess.run([*launch, *command(tone_dataset, run)], check=True, env=environment())
    one, two = figures(whole), figures(run)
    assert len(one) == len(two) == 30
    for name in ("loss", "contrastive", "diversity", "gradient_norm"):
        assert [row[name] for row in two] == pytest.approx([row[name] for row in one], rel=2e-3), name
