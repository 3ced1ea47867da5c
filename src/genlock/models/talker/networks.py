"""The networks of talkers, run with numpy alone: what is heard [N, D] becomes weights of a face [N, K].

Four kinds: ``convolution`` (residual, dilated), ``gru``, ``lstm`` (with a time delay: obamanet's and WAV2KP's) and
``transformer`` (attention within a reach). Arrays have the names and the layouts of torch's own layers, so that
:mod:`genlock.train.talker.networks` is the same network where it learns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.models.layers import Array, Arrays, check_shapes, layer_norm, linear, sigmoid, silu

__all__ = [
    "FLOW_DILATIONS",
    "FLOW_TAPS",
    "KINDS",
    "Head",
    "Kind",
    "NetworkShape",
    "array_shapes",
    "check_arrays",
    "run_inside",
    "run_network",
]

Kind: TypeAlias = Literal["convolution", "gru", "lstm", "transformer"]

#: The kinds of networks.
KINDS: tuple[Kind, ...] = ("convolution", "gru", "lstm", "transformer")
#: What says the weights: their mean, or one of those that may come (:mod:`genlock.models.talker.flow`).
Head: TypeAlias = Literal["regression", "flow"]
#: Cells between the taps of the layers of a flow, and how many taps.
FLOW_DILATIONS, FLOW_TAPS = (1, 2, 4), 5


@dataclass(frozen=True)
class NetworkShape:
    """How a network is built. All reaches count cells of its clock, 20 ms each."""

    kind: Kind = "convolution"
    """Which network."""
    width: int = 80
    """Channels inside; at least 1."""
    layers: int = 2
    """Layers of ``gru``, ``lstm`` and ``transformer``; at least 1."""
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16)
    """``convolution``: cells between the taps of each layer; at least 1."""
    taps: int = 5
    """``convolution``: cells that a layer looks at; odd."""
    reach: int = 12
    """``transformer``: cells to either side that a layer attends to; at least 1."""
    heads: int = 4
    """``transformer``: heads of attention; ``width`` is a multiple of it."""
    causal: bool = False
    """Whether a layer looks only back."""
    delay: int = 0
    """Cells by which the mouth is told later than its sound is heard: a causal network's look-ahead; at least 0."""
    head: Head = "regression"
    """``flow``: beside the mean, what departs from it is drawn at random, by flow matching."""
    flow_width: int = 64
    """``flow``: channels inside; at least 1."""
    flow_steps: int = 4
    """``flow``: steps from noise to movement; at least 1."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise OptionError(f"there is no network {self.kind!r}; there are: {', '.join(KINDS)}")
        sizes = (self.width, self.layers, self.reach, self.heads, self.flow_width, self.flow_steps)
        if min(*sizes, *self.dilations) < 1 or not self.dilations:
            raise OptionError(f"{self}: widths, layers, reaches, heads, dilations and steps are at least 1")
        if self.head not in ("regression", "flow"):
            raise OptionError(f"there is no head {self.head!r}; there are: regression, flow")
        if self.taps % 2 != 1 or self.width % self.heads or self.delay < 0:
            raise OptionError(f"{self}: taps are odd, width is a multiple of heads, delay is at least 0")

    @property
    def lookahead(self) -> int | None:
        """Cells after one that its answer depends on; None: all that follow."""
        if self.causal:
            return self.delay
        ahead = self.delay + self._flow_reach
        if self.kind == "convolution":
            return ahead + sum(self.dilations) * (self.taps // 2)
        return ahead + self.layers * self.reach if self.kind == "transformer" else None

    @property
    def lookback(self) -> int | None:
        """Cells before one that its answer depends on; None: all before it."""
        back = self._flow_reach * (2 if self.causal else 1)
        if self.kind == "convolution":
            return back + sum(self.dilations) * (self.taps - 1 if self.causal else self.taps // 2)
        return back + self.layers * self.reach if self.kind == "transformer" else None

    @property
    def _flow_reach(self) -> int:
        """Cells to either side that a flow looks at, in all of its steps."""
        return self.flow_steps * sum(FLOW_DILATIONS) * (FLOW_TAPS // 2) if self.head == "flow" else 0

    @property
    def last_width(self) -> int:
        """Channels of what the weights are told from."""
        return self.width * (2 if self.kind in ("gru", "lstm") and not self.causal else 1)


def array_shapes(shape: NetworkShape, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array of a network from ``inputs`` to ``outputs`` channels.

    >>> array_shapes(NetworkShape("gru", width=8, layers=1), 5, 3)["recurrent.weight_ih_l0"]
    (24, 8)
    """
    o, width = shape, shape.width
    found: dict[str, tuple[int, ...]] = {"into.weight": (width, inputs), "into.bias": (width,)}
    if o.kind == "convolution":
        for k in range(len(o.dilations)):
            found |= _norm_shapes(f"norms.{k}", width)
            found |= {f"convolutions.{k}.weight": (width, width, o.taps), f"convolutions.{k}.bias": (width,)}
            found |= {f"mixes.{k}.weight": (width, width), f"mixes.{k}.bias": (width,)}
    elif o.kind == "transformer":
        for k in range(o.layers):
            found |= _norm_shapes(f"norms.{2 * k}", width) | _norm_shapes(f"norms.{2 * k + 1}", width)
            found |= {f"attentions.{k}.weight": (3 * width, width), f"attentions.{k}.bias": (3 * width,)}
            found |= {f"mixes.{k}.weight": (width, width), f"mixes.{k}.bias": (width,)}
            found |= {f"wides.{k}.weight": (2 * width, width), f"wides.{k}.bias": (2 * width,)}
            found |= {f"narrows.{k}.weight": (width, 2 * width), f"narrows.{k}.bias": (width,)}
            found[f"places.{k}"] = (o.heads, 2 * o.reach + 1)
    else:
        gates, ways = (3 if o.kind == "gru" else 4), [""] if o.causal else ["", "_reverse"]
        for k in range(o.layers):
            given = width if k == 0 else width * len(ways)
            for way in ways:
                end = f"l{k}{way}"
                found |= {
                    f"recurrent.weight_ih_{end}": (gates * width, given),
                    f"recurrent.weight_hh_{end}": (gates * width, width),
                    f"recurrent.bias_ih_{end}": (gates * width,),
                    f"recurrent.bias_hh_{end}": (gates * width,),
                }
    last = o.last_width
    return {**found, **_norm_shapes("last", last), "out.weight": (outputs, last), "out.bias": (outputs,)}


def _norm_shapes(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def check_arrays(arrays: Arrays, shape: NetworkShape, inputs: int, outputs: int) -> None:
    """Raise FormatError if an array is missing or has another shape."""
    check_shapes(arrays, array_shapes(shape, inputs, outputs), "a talker")


def run_network(rows: npt.ArrayLike, arrays: Arrays, shape: NetworkShape) -> Array:
    """What the network says, float32 [N, K], of what is heard, [N, D]; zeros lie beyond both ends."""
    return run_inside(rows, arrays, shape)[1]


def run_inside(rows: npt.ArrayLike, arrays: Arrays, shape: NetworkShape) -> tuple[Array, Array]:
    """What it says that from, [N, ``last_width``], and what it says."""
    heard = np.asarray(rows, np.float32)
    if shape.delay:
        heard = np.concatenate(
            [heard[shape.delay :], np.zeros((min(shape.delay, len(heard)), heard.shape[1]))]
        )
    inside = np.asarray(linear(heard.astype(np.float32), arrays, "into"), np.float32)
    if shape.kind == "convolution":
        inside = _convolve(inside, arrays, shape)
    elif shape.kind == "transformer":
        inside = _attend(inside, arrays, shape)
    else:
        inside = _recur(inside, arrays, shape)
    last = layer_norm(inside, arrays, "last")
    return last, linear(last, arrays, "out")


def _convolve(rows: Array, arrays: Arrays, shape: NetworkShape) -> Array:
    for k, dilation in enumerate(shape.dilations):
        seen = layer_norm(rows, arrays, f"norms.{k}")
        back = dilation * (shape.taps - 1 if shape.causal else shape.taps // 2)
        padded = np.pad(seen, ((back, dilation * (shape.taps - 1) - back), (0, 0)))
        kernel = arrays[f"convolutions.{k}.weight"]
        found = np.tile(arrays[f"convolutions.{k}.bias"], (len(rows), 1))
        for tap in range(shape.taps):
            found += padded[tap * dilation : tap * dilation + len(rows)] @ kernel[:, :, tap].T
        rows = rows + linear(silu(found), arrays, f"mixes.{k}")
    return rows


def _attend(rows: Array, arrays: Arrays, shape: NetworkShape) -> Array:
    count, heads, reach = len(rows), shape.heads, shape.reach
    each = shape.width // heads
    # Each cell and its neighbours within reach; None beyond the ends.
    around = np.arange(count)[:, None] + np.arange(-reach, reach + 1)
    there = (around >= 0) & (around < count)
    if shape.causal:
        there[:, reach + 1 :] = False
    around = np.clip(around, 0, max(count - 1, 0))
    for k in range(shape.layers):
        asked = linear(layer_norm(rows, arrays, f"norms.{2 * k}"), arrays, f"attentions.{k}")
        query, key, value = (part.reshape(count, heads, each) for part in np.split(asked, 3, axis=1))
        score = np.einsum("nhe,nahe->nha", query, key[around], optimize=True) / np.float32(np.sqrt(each))
        score = np.where(there[:, None], score + arrays[f"places.{k}"], -np.inf)
        score = np.exp(score - score.max(axis=2, keepdims=True))
        share = (score / score.sum(axis=2, keepdims=True)).astype(np.float32)
        mixed = np.einsum("nha,nahe->nhe", share, value[around], optimize=True).reshape(count, -1)
        rows = rows + linear(mixed.astype(np.float32), arrays, f"mixes.{k}")
        wide = silu(linear(layer_norm(rows, arrays, f"norms.{2 * k + 1}"), arrays, f"wides.{k}"))
        rows = rows + linear(wide, arrays, f"narrows.{k}")
    return rows


def _recur(rows: Array, arrays: Arrays, shape: NetworkShape) -> Array:
    for k in range(shape.layers):
        ways = [_one_way(rows, arrays, f"l{k}", shape.kind)]
        if not shape.causal:
            ways.append(_one_way(rows[::-1], arrays, f"l{k}_reverse", shape.kind)[::-1])
        rows = np.concatenate(ways, axis=1)
    return rows


def _one_way(rows: Array, arrays: Arrays, end: str, kind: Kind) -> Array:
    given = rows @ arrays[f"recurrent.weight_ih_{end}"].T + arrays[f"recurrent.bias_ih_{end}"]
    again = np.ascontiguousarray(arrays[f"recurrent.weight_hh_{end}"].T)
    bias = arrays[f"recurrent.bias_hh_{end}"]
    width = len(again)
    state, cell = np.zeros(width, np.float32), np.zeros(width, np.float32)
    found = np.empty((len(rows), width), np.float32)
    for k, new in enumerate(given):
        old = state @ again + bias
        if kind == "gru":
            gates = sigmoid(new[: 2 * width] + old[: 2 * width])
            reset, keep = gates[:width], gates[width:]
            fresh = np.tanh(new[2 * width :] + reset * old[2 * width :])
            state = (1 - keep) * fresh + keep * state
        else:
            whole = new + old
            gates = sigmoid(np.concatenate([whole[: 2 * width], whole[3 * width :]]))
            cell = gates[width : 2 * width] * cell + gates[:width] * np.tanh(whole[2 * width : 3 * width])
            state = gates[2 * width :] * np.tanh(cell)
        found[k] = state
    return found
