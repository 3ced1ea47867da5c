"""One of the movements that may come, instead of their mean: a head that draws, by flow matching.

A network that is asked for places answers with the mean of all that may come with a sound. What is left, the departure
from that mean, is learnt here as a flow: a small network says in which direction noise must go to become a departure
(Y. Lipman and others, *Flow matching for generative modeling*, 2023; straight paths), and a few steps follow it.

What is drawn belongs to the cells of the talker's clock, not to the piece in which they are heard: a stream says what
the whole says.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.models.talker.networks import FLOW_DILATIONS, FLOW_TAPS, NetworkShape, check_arrays, run_network

__all__ = [
    "FLOW",
    "FLOW_UNIT",
    "FLOW_WAVES",
    "check_flow",
    "flow_inputs",
    "flow_rows",
    "flow_shape",
    "follow_flow",
    "noise_of",
]

Array: TypeAlias = npt.NDArray[np.float32]
Arrays: TypeAlias = Mapping[str, Array]

#: What the names of a flow's arrays begin with.
FLOW = "flow."
#: Departures from the mean are told in units of this, about their spread, in weights of a basis.
FLOW_UNIT = 0.5
#: How often the waves turn that tell how far along a path is.
FLOW_WAVES = (1.0, 2.0)
# Cells whose noise is drawn at a time.
_BLOCK = 64


def flow_shape(shape: NetworkShape) -> NetworkShape:
    """The network of a talker's flow: a convolution, causal where the talker is."""
    return NetworkShape(
        "convolution", shape.flow_width, dilations=FLOW_DILATIONS, taps=FLOW_TAPS, causal=shape.causal
    )


def flow_inputs(shape: NetworkShape, outputs: int) -> int:
    """Its channels: the talker's own last ones, the mean, where the path is, and how far along.

    >>> flow_inputs(NetworkShape(width=80), 16)
    117
    """
    return shape.last_width + 2 * outputs + 1 + 2 * len(FLOW_WAVES)


def flow_rows(inside: Array, mean: Array, at: Array, time: float) -> Array:
    """What the flow's network is given, float32 [N, channels].

    Parameters
    ----------
    inside, mean : what :func:`~genlock.models.talker.networks.run_inside` gives, [N, W] and [N, K]
    at : where the path is, [N, K]
    time : how far along it is, 0...1
    """
    turns = 2 * np.pi * time * np.array(FLOW_WAVES)
    clock = np.concatenate([[time], np.sin(turns), np.cos(turns)]).astype(np.float32)
    return np.concatenate([inside, mean, at, np.tile(clock, (len(mean), 1))], axis=1).astype(np.float32)


def follow_flow(inside: Array, mean: Array, noise: Array, arrays: Arrays, shape: NetworkShape) -> Array:
    """Weights [N, K]: the mean, and the departure from it that the noise [N, K] becomes."""
    own = {name.removeprefix(FLOW): array for name, array in arrays.items() if name.startswith(FLOW)}
    at, network = np.asarray(noise, np.float32), flow_shape(shape)
    for step in range(shape.flow_steps):
        rows = flow_rows(inside, mean, at, step / shape.flow_steps)
        at = at + run_network(rows, own, network) / np.float32(shape.flow_steps)
    return np.asarray(mean + FLOW_UNIT * at, np.float32)


def noise_of(seed: int, first: int, count: int, size: int) -> Array:
    """Noise of the cells from ``first`` on, float32 [count, size]; each cell has its own, however it is asked for.

    >>> bool(np.array_equal(noise_of(3, 0, 200, 4)[70:90], noise_of(3, 70, 20, 4)))
    True
    """
    blocks = range(first // _BLOCK, -(-(first + count) // _BLOCK))
    rows = [_block(seed, number, size) for number in blocks]
    whole = np.concatenate([np.zeros((0, size), np.float32), *rows])
    begin = first - blocks.start * _BLOCK
    return whole[begin : begin + count]


@lru_cache(maxsize=64)
def _block(seed: int, number: int, size: int) -> Array:
    return np.random.default_rng([seed, number]).standard_normal((_BLOCK, size), np.float32)


def check_flow(arrays: Arrays, shape: NetworkShape, outputs: int) -> None:
    """Raise FormatError if a talker that draws lacks an array of its flow, or one has another shape."""
    if shape.head == "flow":
        own = {name.removeprefix(FLOW): array for name, array in arrays.items() if name.startswith(FLOW)}
        check_arrays(own, flow_shape(shape), flow_inputs(shape, outputs), outputs)
