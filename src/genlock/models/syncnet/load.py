"""SyncNet's weights out of the public checkpoint, or out of safetensors or npz under the same names."""

from __future__ import annotations

import os
from pathlib import Path

from genlock.core.errors import MissingDependency, MissingModel
from genlock.models.state import fill_module, load_public
from genlock.models.syncnet.towers import SyncNet

try:
    import torch
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
    state = load_public(file, "SyncNet")
    with torch.device("meta"):
        net = SyncNet()
    fill_module(net, state, str(file), "SyncNet")
    return net.eval().requires_grad_(False)
