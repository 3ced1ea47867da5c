"""What a CTC model says about each frame, whole or in blocks, checked as it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError

__all__ = ["EmissionBlocks", "EmissionSource", "Emissions", "as_emissions", "checked_rows"]

#: Log-probabilities of a few frames, [n, symbols].
Rows: TypeAlias = npt.NDArray[np.float32]

# A sum of probabilities in float32, or in half precision, may exceed one by a little.
_ROUNDING = 1e-2


@runtime_checkable
class Emissions(Protocol):
    """Natural logarithms of the probability of each symbol in each frame, which can be read more than
    once."""

    @property
    def frames(self) -> int:
        """Number of frames, T."""
        ...

    @property
    def symbols(self) -> int:
        """Number of symbols that the model tells apart, V."""
        ...

    def read(self, start: int, stop: int) -> Rows:
        """Rows ``start ... stop - 1``, float32 [stop - start, V]."""
        ...


@dataclass(frozen=True)
class EmissionBlocks:
    """Emissions that a function delivers, so that they need not all be in memory.

    Every row is read three to four times (more if a band must be widened), in runs of up to 256 frames.

    >>> half = EmissionBlocks(4, 2, lambda start, stop: np.full((stop - start, 2), np.log(0.5), np.float32))
    >>> half.read(1, 3).shape
    (2, 2)
    """

    frames: int
    """Number of frames, T; at least 0."""
    symbols: int
    """Number of symbols, V; at least 1."""
    rows: Callable[[int, int], npt.ArrayLike]
    """Gives rows ``start ... stop - 1`` as [stop - start, V], the same each time it is asked."""

    def __post_init__(self) -> None:
        if self.frames < 0 or self.symbols < 1:
            raise InputError(
                f"emissions of {self.frames} frames and {self.symbols} symbols are not possible; "
                "give at least 0 frames and 1 symbol"
            )

    def read(self, start: int, stop: int) -> Rows:
        """Rows ``start ... stop - 1``, float32 [stop - start, V]."""
        return np.asarray(self.rows(start, stop), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class _EmissionArray:
    values: npt.NDArray[np.generic]

    @property
    def frames(self) -> int:
        return int(self.values.shape[0])

    @property
    def symbols(self) -> int:
        return int(self.values.shape[1])

    def read(self, start: int, stop: int) -> Rows:
        return np.asarray(self.values[start:stop], dtype=np.float32)


#: Where emissions may come from: an array or memory map [T, V], or an object that reads rows.
EmissionSource: TypeAlias = npt.NDArray[np.floating] | Emissions


def as_emissions(source: EmissionSource) -> Emissions:
    """Anything that may be given as emissions, in one form.

    >>> as_emissions(np.zeros((5, 3), np.float32)).frames
    5

    Raises
    ------
    InputError
        If an array is not of shape [T, V] with at least one symbol, or holds no floating-point numbers.
    """
    if isinstance(source, np.ndarray):
        if source.ndim != 2 or source.shape[1] == 0 or not np.issubdtype(source.dtype, np.floating):
            raise InputError(
                f"emissions are log-probabilities of shape [frames, symbols], not {source.dtype} of shape "
                f"{source.shape}; give one item of a batch, after log_softmax"
            )
        return _EmissionArray(source)
    if isinstance(source, Emissions):
        return source
    raise InputError(
        f"emissions cannot be read from a {type(source).__name__}; give an array "
        "[frames, symbols] or EmissionBlocks"
    )


def checked_rows(emissions: Emissions, start: int, stop: int) -> Rows:
    """Rows of emissions, float32 [stop - start, V], after a look at their shape and values.

    Minus infinity is allowed: a symbol that cannot be.

    Raises
    ------
    InputError
        If the shape is wrong, a value is NaN or plus infinity, or the values cannot be log-probabilities.
    """
    rows = emissions.read(start, stop)
    if rows.shape != (stop - start, emissions.symbols):
        raise InputError(
            f"frames {start}...{stop - 1} of the emissions came with shape {rows.shape}, "
            f"not {(stop - start, emissions.symbols)}; each frame has one value for each symbol"
        )
    if not rows.size:
        return rows
    highest = rows.max(axis=1)
    if np.isnan(highest).any():
        where = int(np.argmax(np.isnan(highest)))
        raise InputError(
            f"frame {start + where} of the emissions holds NaN; the model or its input is broken there, "
            "look for NaN or infinite samples in the sound"
        )
    if highest.max() > _ROUNDING:
        where = int(np.argmax(highest > _ROUNDING))
        raise InputError(
            f"frame {start + where} of the emissions has a value of {float(highest[where]):.4g}, but the "
            "logarithm of a probability is never above zero; give log_softmax of the model's logits"
        )
    return rows
