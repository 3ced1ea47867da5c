"""The state of a run: weights and the optimisers' numbers, as files and back, whole or shared out among processes.

A checkpoint is a folder ``checkpoints/step-00001000/`` of safetensors and JSON, which appears whole or not at all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from genlock.core.errors import FormatError
from genlock.core.files import atomic_folder
from genlock.core.json_forms import write_json

__all__ = [
    "STATE",
    "load_tensors",
    "newest_checkpoint",
    "optimizer_state",
    "put_optimizer",
    "put_state",
    "step_of",
    "whole_state",
    "write_checkpoint",
]

Tensor = torch.Tensor
#: What a checkpoint holds beside tensors.
STATE = "state.json"


def newest_checkpoint(run: Path) -> Path | None:
    """The last checkpoint of a run folder, if it has one."""
    return next(iter(reversed(_checkpoints(run))), None)


def step_of(checkpoint: Path) -> int:
    """Updates that were done when a checkpoint was written.

    >>> step_of(Path("run/checkpoints/step-00001000"))
    1000
    """
    return int(checkpoint.name.removeprefix("step-"))


def _checkpoints(run: Path) -> list[Path]:
    return sorted(p for p in (run / "checkpoints").glob("step-*") if (p / STATE).is_file())


def write_checkpoint(
    run: Path, step: int, tensors: Mapping[str, dict[str, Tensor]], state: Mapping[str, Any], keep: int
) -> None:
    """Write a checkpoint; of older ones the newest stay, ``keep`` in all.

    ``tensors`` are those of its files ``model``, ``optimizer`` and, where there is one, ``average``.

    Raises OutputError if it cannot be written; the older ones then all stay.
    """
    with atomic_folder(run / "checkpoints" / f"step-{step:08d}", marker=STATE) as fresh:
        for name, found in tensors.items():
            _save_tensors(found, fresh / f"{name}.safetensors")
        write_json(fresh / STATE, {"kind": "checkpoint", "step": step, **state})
    for old in _checkpoints(run)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)


def _whole(value: Tensor) -> Tensor:
    """A tensor whole and on the CPU; parts that lie in other processes are fetched (all must call this)."""
    full = value.full_tensor() if hasattr(value, "full_tensor") else value
    return full.detach().to("cpu", copy=True).contiguous()


def _put(target: Tensor, value: Tensor) -> None:
    if hasattr(target, "full_tensor"):
        from torch.distributed.tensor import distribute_tensor

        value = distribute_tensor(value.to(target.device), target.device_mesh, target.placements)  # type: ignore[attr-defined]
    with torch.no_grad():
        target.copy_(value)


def whole_state(model: torch.nn.Module) -> dict[str, Tensor]:
    """Weights and buffers by name, on the CPU; all processes must call this."""
    return {name: _whole(value) for name, value in model.state_dict().items()}


def optimizer_state(objective: torch.nn.Module, optimizer: Any) -> dict[str, Tensor]:
    """The optimiser's numbers as ``parameter/key``, on the CPU; all processes must call this."""
    state: dict[str, Tensor] = {}
    for name, parameter in objective.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            state[f"{name}/{key}"] = _whole(torch.as_tensor(value))
    return state


def put_state(model: torch.nn.Module, found: dict[str, Tensor], folder: Path) -> None:
    """Give a model its weights. Raises FormatError if they are of another model or size."""
    own = model.state_dict()
    if set(own) != set(found):
        odd = sorted(set(own) ^ set(found))
        raise FormatError(
            f"the checkpoint {str(folder)!r} is of another model: {len(odd)} weights differ, such as {odd[0]!r}"
        )
    for name, value in own.items():
        if value.shape != found[name].shape:
            raise FormatError(
                f"the checkpoint {str(folder)!r} is of another size: {name!r} has {list(found[name].shape)}, the "
                f"recipe's model {list(value.shape)}"
            )
        _put(value, found[name])


def put_optimizer(objective: torch.nn.Module, optimizer: Any, found: dict[str, Tensor], folder: Path) -> None:
    """Give an optimiser its numbers. Raises FormatError if they are of another size."""
    own = {parameter for group in optimizer.param_groups for parameter in group["params"]}
    for name, parameter in objective.named_parameters():
        values = {key.rsplit("/", 1)[1]: v for key, v in found.items() if key.rsplit("/", 1)[0] == name}
        if not values or parameter not in own:
            continue
        for key, value in values.items():
            if value.ndim == 0:
                optimizer.state[parameter][key] = value
            elif value.shape != parameter.shape:
                raise FormatError(f"the optimiser's state in {str(folder)!r} is of another size at {name!r}")
            else:
                optimizer.state[parameter][key] = torch.zeros_like(parameter)
                _put(optimizer.state[parameter][key], value)


def _save_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        raise OSError(None, f"{error}", str(path)) from error
    # safetensors makes files that only their owner can read; a file made in the usual way shows what others may.
    usual = path.with_suffix(".mode")
    usual.touch()
    shutil.copymode(usual, path)
    usual.unlink()
    with path.open("rb") as file:
        os.fsync(file.fileno())


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file. Raises FormatError if it cannot be read."""
    try:
        found: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise FormatError(
            f"the checkpoint file {str(path)!r} cannot be read ({error}); remove its folder to go on from the one "
            "before"
        ) from error
    return found
