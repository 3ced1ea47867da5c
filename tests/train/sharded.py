"""A run of a sharded model, in as many processes as it is launched in: ``python sharded.py STATE``.

Trains three updates, writes the whole state; a fresh sharded model takes it up and goes on for three more. The
main process leaves both states in STATE for comparison.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from genlock.train.run_state import (
    load_tensors,
    newest_checkpoint,
    optimizer_state,
    put_optimizer,
    put_state,
    whole_state,
    write_checkpoint,
)


def parts() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    """The model and its optimiser; sharded where there are several processes."""
    torch.manual_seed(0)
    # 5 rows do not divide by 2: one process holds more of them.
    model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.GELU(), torch.nn.Linear(5, 1))
    if torch.distributed.is_initialized():
        fully_shard(model, mesh=init_device_mesh("cpu", (torch.distributed.get_world_size(),)))
    return model, torch.optim.AdamW(model.parameters(), 0.05)


def updates(model: torch.nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
    """The same rows in all processes."""
    for step in steps:
        x = torch.randn(6, 4, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        (model(x) - x.sum(1, keepdim=True)).square().mean().backward()
        optimizer.step()


def main(folder: Path) -> None:
    """Train, write, read, go on."""
    if torch.distributed.is_torchelastic_launched():
        torch.distributed.init_process_group("gloo")
    main_process = not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0
    model, optimizer = parts()
    updates(model, optimizer, range(3))
    states = {"model": whole_state(model), "optimizer": optimizer_state(model, optimizer)}
    if main_process:
        write_checkpoint(folder, 3, states, {}, keep=2)
    if torch.distributed.is_initialized():
        torch.distributed.barrier()
    saved = newest_checkpoint(folder)
    assert saved is not None
    model, optimizer = parts()
    put_state(model, load_tensors(saved / "model.safetensors"), saved)
    put_optimizer(model, optimizer, load_tensors(saved / "optimizer.safetensors"), saved)
    updates(model, optimizer, range(3, 6))
    states = {"model": whole_state(model), "optimizer": optimizer_state(model, optimizer)}
    if main_process:
        write_checkpoint(folder, 6, states, {}, keep=2)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
