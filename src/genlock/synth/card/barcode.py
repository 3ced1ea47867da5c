"""The number of a frame, drawn so that a machine reads it back after any lossy codec.

A strip along the lower edge: 28 bars of equal width, white for 1 and black for 0. Guards ``1 0`` and ``0
1`` stand at the ends; between them 20 bits of the number, highest first, and 4 check bits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError

__all__ = ["HIGHEST_NUMBER", "draw_number", "read_number", "strip_box"]

_BITS, _CHECKS = 20, 4
_BARS = _BITS + _CHECKS + 4
#: The largest number that fits.
HIGHEST_NUMBER = 2**_BITS - 1

Pixels = npt.NDArray[np.uint8]


def strip_box(width: int, height: int) -> tuple[int, int, int, int]:
    """The strip's ``(left, top, right, bottom)`` in a frame of this size, in pixels."""
    bar = max(width * 15 // 16 // _BARS, 1)
    tall = max(8, height // 24)
    left = (width - bar * _BARS) // 2
    bottom = height - max(2, height // 60)
    return left, bottom - tall, left + bar * _BARS, bottom


def draw_number(image: Pixels, number: int) -> None:
    """Draw a number into an image, uint8 [H, W, 3] or [H, W], in place.

    >>> frame = np.zeros((120, 160, 3), np.uint8)
    >>> draw_number(frame, 1234)
    >>> read_number(frame)
    1234
    """
    if not 0 <= number <= HIGHEST_NUMBER:
        raise OptionError(f"frame number {number} does not fit the strip; it holds 0...{HIGHEST_NUMBER}")
    left, top, right, bottom = strip_box(image.shape[1], image.shape[0])
    row = np.repeat(np.where(_pattern(number), 235, 16).astype(np.uint8), (right - left) // _BARS)
    image[top:bottom, left:right] = row if image.ndim == 2 else row[:, None]


def read_number(image: Pixels) -> int | None:
    """The number in an image, uint8 [H, W, 3] or [H, W]; None where no strip can be read."""
    left, top, right, bottom = strip_box(image.shape[1], image.shape[0])
    grey = image if image.ndim == 2 else image.mean(axis=2)
    margin = (bottom - top) // 4
    bars = grey[top + margin : bottom - margin, left:right].mean(axis=0).reshape(_BARS, -1)
    inner = max(bars.shape[1] // 4, 1)
    levels = bars[:, inner:-inner].mean(axis=1) if bars.shape[1] > 2 * inner else bars.mean(axis=1)
    if levels.max() - levels.min() < 60:
        return None
    bits = levels > (levels.max() + levels.min()) / 2
    number = int(sum(int(bit) << place for place, bit in enumerate(bits[2 : 2 + _BITS][::-1])))
    return number if np.array_equal(bits, _pattern(number)) else None


def _pattern(number: int) -> npt.NDArray[np.bool_]:
    check = 0
    for place in range(0, _BITS, _CHECKS):
        check = (3 * check + (number >> place) + 5) % 2**_CHECKS
    digits = f"10{number:0{_BITS}b}{check:0{_CHECKS}b}01"
    return np.array([digit == "1" for digit in digits])
