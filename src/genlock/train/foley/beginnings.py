"""Trainings that begin with the weights of a model: fine-tuning by ``--from``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError

__all__ = ["begin_with"]


class _Network(Protocol):
    def arrays(self) -> dict[str, npt.NDArray[np.float32]]: ...


class _Model(Protocol):
    @property
    def shape(self) -> Any: ...
    @property
    def arrays(self) -> Mapping[str, npt.NDArray[np.float32]]: ...


Network = TypeVar("Network", bound=_Network)


def begin_with(
    network: Network, shape: Any, start: str | os.PathLike[str], load: Callable[[str], _Model]
) -> Network:
    """A network with the weights of a model that is named; as it is where none is.

    Parameters
    ----------
    network : on the CPU, as it is made for a training
    shape : how it is built
    start : name, file or folder of the model; empty: none
    load : reads such models

    Raises
    ------
    OptionError
        If the model is built in another way; the message says how.
    """
    if not os.fspath(start):
        return network
    model = load(os.fspath(start))
    if model.shape != shape:
        raise OptionError(
            f"--from {os.fspath(start)!r} is built as {model.shape}, and this training asks for {shape}; give the "
            "same"
        )
    # The arrays are the network's own memory.
    for name, own in network.arrays().items():
        own[...] = model.arrays[name]
    after = network.arrays()
    assert all(np.array_equal(after[name], model.arrays[name]) for name in after)
    return network
