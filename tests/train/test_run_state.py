"""A model whose weights are shared out among processes: its state is written whole and taken up again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

PROGRAM = str(Path(__file__).parent / "sharded.py")


def test_a_sharded_run_goes_on_where_it_was_and_as_one_process_does(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for name, before in (("one", []), ("two", launch)):
        words = [sys.executable, *before, PROGRAM, str(tmp_path / name)]
        subprocess.run(words, check=True, env=environment, timeout=120)
    for step in (3, 6):
        for file in ("model.safetensors", "optimizer.safetensors"):
            one, two = (
                load_file(tmp_path / name / f"checkpoints/step-{step:08d}" / file) for name in ("one", "two")
            )
            assert set(one) == set(two)
            for key, value in one.items():
                torch.testing.assert_close(two[key], value, rtol=1e-5, atol=1e-7, msg=f"{file} {key}")
