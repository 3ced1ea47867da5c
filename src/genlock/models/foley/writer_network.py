"""The network that writes codes of sound, in numpy: one column after the other, each told what its own instant shows.

A transformer whose attention reaches a fixed number of columns back, with a learnt weight for each distance and no
position of any other kind: so there is no longest sound, no seam, and memory stays bounded. What was found in the
picture enters at the column's own instant: once before the first layer and again in each, so that the network cannot
but look at it. The codes of a column are told one after the other, each knowing those before it.

Arrays have the names and the layouts of torch's own layers: :mod:`genlock.train.foley.writer_network` is the same
network where it learns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.models.layers import Array, Arrays, layer_norm, linear, silu

__all__ = [
    "Cache",
    "WriterShape",
    "array_shapes",
    "run_conditions",
    "run_history",
    "run_step",
    "tell_code",
    "told_to_layers",
    "unknown_conditions",
]

Codes: TypeAlias = npt.NDArray[np.int64]

_TAPS = 3


@dataclass(frozen=True)
class WriterShape:
    """How the network is built."""

    codes: int = 256
    """Codes that each token can be; at least 2."""
    tokens: int = 2
    """Tokens of a column; at least 1."""
    conditions: int = 20
    """Numbers that each column is told of its instant."""
    width: int = 160
    """Channels inside; a multiple of ``heads``."""
    layers: int = 5
    """Layers of the transformer; at least 1."""
    heads: int = 4
    """Heads of attention."""
    reach: int = 64
    """Columns that a layer attends to: the newest and those before it; at least 1."""
    dilations: tuple[int, ...] = (1, 2, 3)
    """Columns between the taps of the layers that read what is told of the instants around a column."""
    classes: int = 0
    """Classes of sound that can be asked for."""

    def __post_init__(self) -> None:
        if min(self.codes - 1, self.tokens, self.width, self.layers, self.heads, self.reach) < 1:
            raise OptionError(f"{self}: there are at least 2 codes; the other sizes are at least 1")
        if self.width % self.heads or min(self.conditions, self.classes) < 0 or min((1, *self.dilations)) < 1:
            raise OptionError(
                f"{self}: the width is a multiple of the heads; conditions, classes are at least 0"
            )

    @property
    def lookahead(self) -> int:
        """Columns after one whose instants it is told of."""
        return sum(self.dilations) * (_TAPS // 2)


def array_shapes(shape: WriterShape) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array.

    >>> array_shapes(WriterShape(codes=64, width=32))["spoken.0.weight"]
    (65, 32)
    """
    o, width = shape, shape.width
    found = _linear_shapes("into", width, o.conditions + 1)
    for k in range(len(o.dilations)):
        found |= _norm_shapes(f"condition_norms.{k}", width)
        found |= {f"condition_convolutions.{k}.weight": (width, width, _TAPS)}
        found |= {f"condition_convolutions.{k}.bias": (width,)}
        found |= _linear_shapes(f"condition_mixes.{k}", width, width)
    for k in range(o.tokens):
        # One code more: before the first column there is none.
        found |= {f"spoken.{k}.weight": (o.codes + 1, width)}
    if o.classes:
        found |= {"classes.weight": (o.classes + 1, width)}
    for k in range(o.layers):
        found |= _linear_shapes(f"told.{k}", width, width)
        found |= _norm_shapes(f"norms.{2 * k}", width) | _norm_shapes(f"norms.{2 * k + 1}", width)
        found |= _linear_shapes(f"attentions.{k}", 3 * width, width) | _linear_shapes(
            f"mixes.{k}", width, width
        )
        found |= _linear_shapes(f"wides.{k}", 4 * width, width) | _linear_shapes(
            f"narrows.{k}", width, 4 * width
        )
        found |= {f"places.{k}": (o.heads, o.reach)}
    found |= _norm_shapes("last", width)
    for k in range(o.tokens):
        found |= _linear_shapes(f"heads.{k}", width, width) | _linear_shapes(f"outs.{k}", o.codes, width)
        if k:
            found |= {f"told_codes.{k - 1}.weight": (o.codes, width)}
    return found


def _linear_shapes(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm_shapes(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


# ---------------------------------------------------------------- what a column is told


def run_conditions(conditions: Array, arrays: Arrays, shape: WriterShape) -> Array:
    """What each column is told, [N, width], of conditions [N, D]; there is nothing beyond both ends.

    Columns of which nothing is known are told :func:`unknown_conditions` instead.
    """
    known = np.concatenate([conditions, np.ones((len(conditions), 1), np.float32)], axis=1)
    return _read_around(known, arrays, shape)


def told_to_layers(told: Array, arrays: Arrays, shape: WriterShape) -> Array:
    """What each layer adds to a column for what it is told, [N, layers, width]: of many columns at once."""
    return np.stack([linear(told, arrays, f"told.{k}") for k in range(shape.layers)], axis=1)


def unknown_conditions(count: int, arrays: Arrays, shape: WriterShape) -> Array:
    """The same of ``count`` columns of which nothing is known, [N, width]."""
    return _read_around(np.zeros((count, shape.conditions + 1), np.float32), arrays, shape)


def _read_around(rows: Array, arrays: Arrays, shape: WriterShape) -> Array:
    rows, count = linear(rows, arrays, "into"), len(rows)
    for k, dilation in enumerate(shape.dilations):
        padded = np.pad(layer_norm(rows, arrays, f"condition_norms.{k}"), ((dilation, dilation), (0, 0)))
        kernel = arrays[f"condition_convolutions.{k}.weight"]
        found = np.tile(arrays[f"condition_convolutions.{k}.bias"], (count, 1))
        for tap in range(_TAPS):
            found += padded[tap * dilation : tap * dilation + count] @ kernel[:, :, tap].T
        rows = rows + linear(silu(found), arrays, f"condition_mixes.{k}")
    return rows


# ---------------------------------------------------------------- column after column


class Cache:
    """Keys and values of the columns that later ones may attend to, for ``batch`` sounds at a time.

    ``watched``: ``shares`` then holds how much the newest column attends to itself and to those before it, float32
    [layers, batch, heads, reach]; each row sums to one.
    """

    def __init__(self, shape: WriterShape, batch: int, watched: bool = False) -> None:
        each = shape.width // shape.heads
        self._rows = np.zeros((2, shape.layers, batch, shape.heads, 2 * shape.reach, each), np.float32)
        self._reach, self._stop = shape.reach, 0
        seen = (shape.layers, batch, shape.heads, shape.reach)
        self.shares = np.zeros(seen, np.float32) if watched else None

    def next(self) -> None:
        """Make place for a column."""
        if self._stop == self._rows.shape[4]:
            # Seldom, so that what is kept need not move with every column.
            kept = self._reach - 1
            self._rows[..., :kept, :] = self._rows[..., self._stop - kept :, :].copy()
            self._stop = kept
        self._stop += 1

    def put(self, layer: int, key: Array, value: Array) -> tuple[Array, Array]:
        """Keep a column's, [B, heads, each]; gives those of all columns within reach, [B, heads, n, each]."""
        self._rows[0, layer, :, :, self._stop - 1], self._rows[1, layer, :, :, self._stop - 1] = key, value
        seen = slice(max(self._stop - self._reach, 0), self._stop)
        return self._rows[0, layer, :, :, seen], self._rows[1, layer, :, :, seen]


def run_step(
    before: Codes,
    told: Array,
    in_layers: Array,
    classes: Codes | None,
    cache: Cache,
    arrays: Arrays,
    shape: WriterShape,
) -> Array:
    """The state that a column's codes are told from, [B, width].

    Parameters
    ----------
    before : codes of the column before it, [B, tokens]; ``shape.codes`` where there is none
    told : what it is told of its instant, [B, width], see :func:`run_conditions`
    in_layers : the same for each layer, [B, layers, width], see :func:`told_to_layers`
    classes : class of each sound, [B]; ``shape.classes``: any
    cache : what was before; the column is added to it
    """
    rows = _spoken(before, arrays, shape) + told
    if shape.classes and classes is not None:
        rows = rows + arrays["classes.weight"][classes]
    batch, each = len(rows), shape.width // shape.heads
    cache.next()
    for k in range(shape.layers):
        rows = rows + in_layers[:, k]
        asked = linear(layer_norm(rows, arrays, f"norms.{2 * k}"), arrays, f"attentions.{k}")
        query, key, value = (asked[:, i * shape.width : (i + 1) * shape.width] for i in range(3))
        keys, values = cache.put(
            k, key.reshape(batch, shape.heads, each), value.reshape(batch, shape.heads, each)
        )
        count = keys.shape[2]
        score = (keys @ query.reshape(batch, shape.heads, each, 1))[..., 0] / np.float32(np.sqrt(each))
        # Place 0 is the newest column.
        score = score + arrays[f"places.{k}"][:, count - 1 :: -1]
        share = np.exp(score - score.max(axis=-1, keepdims=True))
        share /= share.sum(axis=-1, keepdims=True)
        if cache.shares is not None:
            cache.shares[k, :, :, :count] = share[..., ::-1]
        mixed = (share[:, :, None] @ values).reshape(batch, shape.width)
        rows = rows + linear(mixed, arrays, f"mixes.{k}")
        wide = silu(linear(layer_norm(rows, arrays, f"norms.{2 * k + 1}"), arrays, f"wides.{k}"))
        rows = rows + linear(wide, arrays, f"narrows.{k}")
    return layer_norm(rows, arrays, "last")


def tell_code(state: Array, told: Codes, arrays: Arrays, shape: WriterShape) -> Array:
    """Scores of the next code of a column, [B, codes], of its state and the codes already told, [B, n]."""
    k = told.shape[1]
    rows = linear(state, arrays, f"heads.{k}")
    for i in range(k):
        rows = rows + arrays[f"told_codes.{i}.weight"][told[:, i]]
    return linear(silu(rows), arrays, f"outs.{k}")


def run_history(
    codes: Codes, told: Array, classes: Codes | None, arrays: Arrays, shape: WriterShape
) -> Array:
    """States of all columns at once, [B, N, width], as without a cache; column n knows ``codes[:, :n]``.

    Parameters
    ----------
    codes : [B, N - 1 or more, tokens]
    told : [B, N, width]
    """
    batch, count = told.shape[:2]
    none = np.full((batch, 1, shape.tokens), shape.codes, np.int64)
    before = np.concatenate([none, codes[:, : count - 1]], axis=1)
    rows = _spoken(before, arrays, shape) + told
    if shape.classes and classes is not None:
        rows = rows + arrays["classes.weight"][classes][:, None]
    each = shape.width // shape.heads
    back = np.arange(count)[:, None] - np.arange(count)[None]
    near = (back >= 0) & (back < shape.reach)
    for k in range(shape.layers):
        rows = rows + linear(told, arrays, f"told.{k}")
        asked = linear(layer_norm(rows, arrays, f"norms.{2 * k}"), arrays, f"attentions.{k}")
        query, key, value = (
            part.reshape(batch, count, shape.heads, each).transpose(0, 2, 1, 3)
            for part in np.split(asked, 3, axis=2)
        )
        score = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(each))
        score = score + arrays[f"places.{k}"][:, np.where(near, back, 0)]
        score = np.where(near, score, -np.inf)
        share = np.exp(score - score.max(axis=-1, keepdims=True))
        share = (share / share.sum(axis=-1, keepdims=True)).astype(np.float32)
        mixed = (share @ value).transpose(0, 2, 1, 3).reshape(batch, count, shape.width)
        rows = rows + linear(mixed, arrays, f"mixes.{k}")
        wide = silu(linear(layer_norm(rows, arrays, f"norms.{2 * k + 1}"), arrays, f"wides.{k}"))
        rows = rows + linear(wide, arrays, f"narrows.{k}")
    return layer_norm(rows, arrays, "last")


def _spoken(before: Codes, arrays: Arrays, shape: WriterShape) -> Array:
    rows = arrays["spoken.0.weight"][before[..., 0]]
    for k in range(1, shape.tokens):
        rows = rows + arrays[f"spoken.{k}.weight"][before[..., k]]
    return np.asarray(rows, np.float32)
