"""The weights of a torch module, checked entry by entry: nothing is silently left out, added or cut to fit."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from genlock.core.errors import FormatError, MissingDependency, MissingModel
from genlock.core.files import atomic_path
from genlock.models.inert_pickle import StoredTensor, read_inert

try:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file
    from torch import Tensor, nn
except ImportError as error:
    raise MissingDependency(
        f"networks need torch and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = [
    "Shapes",
    "check_shapes",
    "fill_module",
    "load_public",
    "load_safetensors",
    "save_safetensors",
    "shapes_of",
]

#: Shape of each entry of a state dict, parameters and buffers, by name.
Shapes = Mapping[str, tuple[int, ...]]

# How many wrong entries an error names.
_NAMED = 3


def shapes_of(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Shape of each entry.

    >>> shapes_of(nn.Linear(3, 2).state_dict())
    {'weight': (2, 3), 'bias': (2,)}
    """
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def check_shapes(found: Shapes, wanted: Shapes, source: str, what: str) -> None:
    """Refuse weights that are not those of a model.

    Parameters
    ----------
    found, wanted : what there is, and what the model has
    source : the file or folder, for the message
    what : the model, in words

    Raises
    ------
    FormatError
        If one is missing, unknown or of another shape; the message names the first few of each.

    Examples
    --------
    >>> check_shapes({"a": (2,), "c": (1,)}, {"a": (3,), "b": (1,)}, "x.pt", "a toy")
    Traceback (most recent call last):
    genlock.core.errors.FormatError: 'x.pt' does not hold the weights of a toy: 'b' is missing; 'c' is unknown; 'a' has
    the shape [2] instead of [3]; it is damaged, or of another model or size
    """
    missing = [f"{name!r}" for name in wanted if name not in found]
    unknown = [f"{name!r}" for name in found if name not in wanted]
    other = [
        f"{name!r} has the shape {list(found[name])} instead of {list(shape)}"
        for name, shape in wanted.items()
        if name in found and tuple(found[name]) != tuple(shape)
    ]
    if not (missing or unknown or other):
        return
    said = [_some(missing, "is missing", "are missing"), _some(unknown, "is unknown", "are unknown")]
    said.append(
        "; ".join(other[:_NAMED]) + (f" and {len(other) - _NAMED} more" if len(other) > _NAMED else "")
    )
    raise FormatError(
        f"{source!r} does not hold the weights of {what}: {'; '.join(s for s in said if s)}; it is damaged, or of "
        "another model or size"
    )


def _some(names: list[str], one: str, many: str) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more} {one if len(names) == 1 else many}"


def fill_module(
    module: nn.Module,
    state: Mapping[str, Tensor],
    source: str,
    what: str,
    names: Mapping[str, str] | None = None,
) -> None:
    """Give a module its weights, float32 whatever they were stored as.

    A module that was built on the device ``meta`` (so that nothing was drawn at random in vain) has them afterwards. A
    counter of batch norm, which no result depends on, may be missing.

    Parameters
    ----------
    source, what : the file or folder, and the model, for messages
    names : what the source calls an entry, where it has names of its own

    Raises
    ------
    FormatError
        If an entry is missing, unknown, of another shape, no number, or not finite.
    """
    wanted = shapes_of(module.state_dict())
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}
    given = {name: torch.zeros((), dtype=torch.int64) for name in counters} | dict(state)
    check_shapes(shapes_of(given), wanted, source, what)
    for name, tensor in given.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            called = (names or {}).get(name, name)
            raise FormatError(
                f"{source!r} is damaged: {called!r} holds numbers that are not finite; fetch it again"
            )
    numbers = {
        name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in given.items()
    }
    empty = any(parameter.is_meta for parameter in module.parameters())
    module.load_state_dict(numbers, assign=empty)


def load_safetensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises
    ------
    MissingModel
        If there is no such file.
    FormatError
        If it is cut short or otherwise damaged.
    """
    file = Path(path)
    if not file.is_file():
        raise MissingModel(f"there is no file {str(file)!r}; give one, or the folder of a model")
    try:
        found: dict[str, Tensor] = load_file(file)
    except (OSError, SafetensorError) as error:
        raise FormatError(
            f"the weights {str(file)!r} are damaged ({error}); fetch or make them again"
        ) from error
    return found


def save_safetensors(
    state: Mapping[str, Tensor],
    path: str | os.PathLike[str],
    *,
    half: bool = False,
    facts: Mapping[str, str] | None = None,
) -> None:
    """Write tensors as a safetensors file that appears whole or not at all.

    Parameters
    ----------
    half : numbers are stored in 16 bits, half as many bytes
    facts : short texts that go into the file's header

    Raises OutputError if it cannot be written.
    """

    def stored(tensor: Tensor) -> Tensor:
        tensor = tensor.detach().cpu()
        return (tensor.half() if half and tensor.is_floating_point() else tensor).contiguous().clone()

    with atomic_path(path) as temporary:
        rights = temporary.stat().st_mode
        save_file(
            {name: stored(tensor) for name, tensor in state.items()},
            temporary,
            dict(facts) if facts else None,
        )
        # safetensors makes files that only their owner can read.
        os.chmod(temporary, rights)


def load_public(
    path: str | os.PathLike[str], what: str, within: Sequence[str] = (), before: str = ""
) -> dict[str, Tensor]:
    """The state dict of a public checkpoint: safetensors, npz, or a file of ``torch.save`` of which nothing is run.

    Parameters
    ----------
    path : ``.safetensors`` and ``.npz`` are read as such, any other name as a file of ``torch.save``
    what : the model, in words, for messages
    within : names under which training code keeps the weights beside other things; the first that is there counts;
        of files of ``torch.save`` alone
    before : what training may have put before every name there; it is taken off

    Raises
    ------
    FormatError
        If it is damaged, or holds something else than tensors by name.
    """
    file = Path(path)
    ending = file.suffix.lower()
    if ending == ".safetensors":
        return load_safetensors(file)
    return _of_npz(file) if ending == ".npz" else _of_pickle(file, what, within, before)


def _of_npz(file: Path) -> dict[str, Tensor]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(np.array(arrays[name])) for name in arrays.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(f"the weights {str(file)!r} are damaged ({error}); fetch them again") from error


def _of_pickle(file: Path, what: str, within: Sequence[str], before: str) -> dict[str, Tensor]:
    found = read_inert(file)
    if isinstance(found, Mapping):
        inner = (found[key] for key in within if isinstance(found.get(key), Mapping))
        found = next(inner, found)
    if not isinstance(found, Mapping):
        raise FormatError(f"{str(file)!r} holds no weights by name, as public files of {what} do")
    odd = [name for name, value in found.items() if not isinstance(value, StoredTensor)]
    if odd:
        raise FormatError(
            f"{str(file)!r} does not hold the weights of {what}: {str(odd[0])!r} is no tensor; it is of another model"
        )
    return {str(name).removeprefix(before): value.read() for name, value in found.items()}
