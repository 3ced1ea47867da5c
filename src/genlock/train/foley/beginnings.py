"""Trainings that begin with the weights of a model: fine-tuning by ``--from``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.models.foley.writer import Writer

__all__ = ["begin_with", "fitted_writer", "with_those_before"]


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


def with_those_before(known: tuple[str, ...], found: tuple[str, ...]) -> tuple[str, ...]:
    """Names that the model to begin with knows, and then those that are new.

    >>> with_those_before(("wood", "glass"), ("bone", "glass"))
    ('wood', 'glass', 'bone')
    """
    return (*known, *(name for name in found if name not in known))


def fitted_writer(model: Writer, channels: Sequence[str], classes: Sequence[str]) -> Writer:
    """A writer that reads other materials and knows other classes, and else writes what ``model`` does.

    What both know by a name keeps its weights. A new material tells nothing yet, and a new class sounds as any.

    Parameters
    ----------
    model : to begin with
    channels : channels of the posteriors that it is to read
    classes : classes that it is to know
    """
    if tuple(channels) == model.channels and tuple(classes) == model.classes:
        return model
    arrays = dict(model.arrays)
    old = arrays["into.weight"]
    into = np.zeros((len(old), len(channels) + 1), np.float32)
    for column, name in enumerate(channels):
        if name in model.channels:
            into[:, column] = old[:, model.channels.index(name)]
    into[:, -1] = old[:, -1]  # whether anything is told
    arrays["into.weight"] = into
    known = arrays.pop("classes.weight", np.zeros((1, model.shape.width), np.float32))
    if classes:
        # The last row is any class.
        rows = [known[model.classes.index(name)] if name in model.classes else known[-1] for name in classes]
        arrays["classes.weight"] = np.stack([*rows, known[-1]])
    shape = replace(model.shape, conditions=len(channels), classes=len(classes))
    return replace(model, shape=shape, arrays=arrays, channels=tuple(channels), classes=tuple(classes))
