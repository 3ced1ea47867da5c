"""Straight lines over integers, exactly: the only place where counted time becomes floats.

``line(n) = scale * n + shift`` with rational ``scale`` and ``shift`` is ``(a*n + b) / c`` in integers, so a
whole array is worked out without a rounding error, and each answer is rounded once.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "IntArray", "Line"]

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]

# Below 2^53 an integer is a float, so that numpy's division of two of them is rounded once.
_EXACT_FLOAT = 2**53
_INT64_MAX = 2**63 - 1
# Where an answer is too large for int64 (it then lies outside every signal), this stands for it.
_FAR = 2**62


class Line:
    """``scale * n + shift`` for integer arrays n.

    >>> Line(Fraction(1001, 30000), Fraction(0)).floats(np.array([0, 30000])).tolist()
    [0.0, 1001.0]
    """

    __slots__ = ("_denominator", "_shift", "_step")

    def __init__(self, scale: Fraction, shift: Fraction) -> None:
        self._denominator = math.lcm(scale.denominator, shift.denominator)
        self._step = int(scale * self._denominator)
        self._shift = int(shift * self._denominator)

    def at(self, n: Fraction) -> Fraction:
        """The exact value at one number, whole or not."""
        return (n * self._step + self._shift) / self._denominator

    def floats(self, n: IntArray) -> FloatArray:
        """The values, float64 of the shape of ``n``, each the float nearest to the exact value."""
        if self._reach(n) <= _EXACT_FLOAT and self._denominator <= _EXACT_FLOAT:
            return np.asarray((n * self._step + self._shift) / self._denominator, dtype=np.float64)
        # Python divides integers of any size with one rounding.
        exact = [(k * self._step + self._shift) / self._denominator for k in n.ravel().tolist()]
        return np.array(exact, dtype=np.float64).reshape(n.shape)

    def split(self, n: IntArray) -> tuple[IntArray, FloatArray]:
        """The values as ``floor``, int64, and what is above it, float64 in [0, 1).

        The floor is exact, and the rest is zero exactly where the value is an integer.
        """
        if self._reach(n) <= _INT64_MAX and self._denominator <= _INT64_MAX:
            whole, rest = np.divmod(n * self._step + self._shift, self._denominator)
            part = rest / self._denominator
        else:
            pairs = [divmod(k * self._step + self._shift, self._denominator) for k in n.ravel().tolist()]
            whole = np.array([min(max(w, -_FAR), _FAR) for w, _ in pairs], dtype=np.int64).reshape(n.shape)
            part = np.array([r / self._denominator for _, r in pairs], dtype=np.float64).reshape(n.shape)
        return whole, np.minimum(part, np.nextafter(1.0, 0.0))

    def _reach(self, n: IntArray) -> int:
        """No value times the denominator is larger than this."""
        largest = max(abs(int(n.min())), abs(int(n.max()))) if n.size else 0
        return largest * abs(self._step) + abs(self._shift)
