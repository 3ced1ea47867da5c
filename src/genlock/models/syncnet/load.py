"""SyncNet's weights out of the public checkpoint, or out of safetensors or npz under the same names."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genlock.core.errors import FormatError, MissingDependency, MissingModel
from genlock.models.inert_pickle import StoredTensor, read_inert
from genlock.models.state import fill_module, load_safetensors
from genlock.models.syncnet.towers import SyncNet

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise MissingDependency(
        f"SyncNet needs torch ({error}); install it: pip install 'genlock[models]'"
    ) from error

__all__ = ["load_syncnet"]


def load_syncnet(path: str | os.PathLike[str]) -> SyncNet:
    """The towers with the weights of a file.

    Parameters
    ----------
    path : the public ``syncnet_v2.model`` or another file of ``torch.save``, whatever it is called, of which nothing is
        run; or ``.safetensors`` or ``.npz`` with the same names

    Raises
    ------
    MissingModel
        If there is no such file.
    FormatError
        If it is damaged, or an entry is missing, unknown, of another shape, or not finite; the message names it.
    """
    file = Path(path)
    if not file.is_file():
        raise MissingModel(
            f"there is no file {str(file)!r}: fetch SyncNet's public weights, syncnet_v2.model (docs/syncnet.md says "
            "where they are), and name the file, as syncnet:FILE"
        )
    readers = {".safetensors": load_safetensors, ".npz": _of_npz}
    state = readers.get(file.suffix.lower(), _of_pickle)(file)
    with torch.device("meta"):
        net = SyncNet()
    fill_module(net, state, str(file), "SyncNet")
    return net.eval().requires_grad_(False)


def _of_npz(file: Path) -> dict[str, Tensor]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(np.array(arrays[name])) for name in arrays.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(f"the weights {str(file)!r} are damaged ({error}); fetch them again") from error


def _of_pickle(file: Path) -> dict[str, Tensor]:
    found = read_inert(file)
    if not isinstance(found, Mapping):
        raise FormatError(f"{str(file)!r} holds no weights by name, as SyncNet's public file does")
    odd = [name for name, value in found.items() if not isinstance(value, StoredTensor)]
    if odd:
        raise FormatError(
            f"{str(file)!r} does not hold the weights of SyncNet: {str(odd[0])!r} is no tensor; it is of another model"
        )
    return {str(name): value.read() for name, value in found.items()}
