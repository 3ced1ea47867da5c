"""Exact instants, exact rates, and rounding that has a name.

An instant is a :class:`fractions.Fraction` of seconds on some clock. A float is accepted where a
person would type one, and is then read at the value that its shortest decimal form shows:
``0.1`` means one tenth, not 0.1000000000000000055.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Literal, TypeAlias

import numpy as np

from genlock.core.errors import OptionError

__all__ = [
    "Exact",
    "Instant",
    "Rounding",
    "clock_seconds",
    "exact",
    "exact_rate",
    "fraction_text",
    "microseconds",
    "round_fraction",
]

#: A named rounding. ``nearest`` sends a tie towards plus infinity (``floor(x + 1/2)``).
Rounding: TypeAlias = Literal["floor", "ceil", "nearest"]

#: What may be given where an exact number is wanted.
Exact: TypeAlias = Fraction | int | float | str

#: Seconds on a clock, exactly.
Instant: TypeAlias = Fraction

# Decimal nicknames that everybody uses for the NTSC family; the true rates are n * 1000/1001.
_NTSC_NICKNAMES = {
    Fraction(decimal): Fraction(1000 * nominal, 1001)
    for decimal, nominal in (
        ("23.976", 24),
        ("23.98", 24),
        ("29.97", 30),
        ("47.952", 48),
        ("47.95", 48),
        ("59.94", 60),
        ("119.88", 120),
        ("239.76", 240),
    )
}

# What a float can say. A longer exponent is an attack or an accident, and would fill the memory.
_MOST_DIGITS = 400


def exact(value: Exact) -> Fraction:
    """Read a number exactly.

    Parameters
    ----------
    value : Fraction, int, float or str
        A float is read at its shortest decimal form; a string may be a decimal or ``"a/b"``.

    Raises
    ------
    OptionError
        If the value is not a finite number.

    Examples
    --------
    >>> exact(0.1), exact("30000/1001"), exact("1.5")
    (Fraction(1, 10), Fraction(30000, 1001), Fraction(3, 2))
    """
    if isinstance(value, Fraction):
        return value
    try:
        if isinstance(value, (bool, np.bool_)):
            raise ValueError
        if isinstance(value, (int, np.integer)):
            return Fraction(int(value))
        text = str(value) if isinstance(value, (float, np.floating)) else value.strip()
        exponent = text.lower().partition("e")[2]
        if len(text) > _MOST_DIGITS or (exponent and abs(int(exponent)) > _MOST_DIGITS):
            raise ValueError
        return Fraction(text)
    except (ValueError, ZeroDivisionError, AttributeError, OverflowError):
        raise OptionError(
            f"{value!r} is not a finite number; give seconds such as 1.5 or a ratio such as 30000/1001"
        ) from None


def clock_seconds(value: Exact) -> Fraction:
    """Read an instant exactly: seconds, or minutes and hours before them, as players show them.

    Raises
    ------
    OptionError
        If it is neither; minutes and seconds after a colon lie below 60.

    Examples
    --------
    >>> clock_seconds("1:30"), clock_seconds("1:02:03.5"), clock_seconds(2.5)
    (Fraction(90, 1), Fraction(7447, 2), Fraction(5, 2))
    """
    if not isinstance(value, str) or ":" not in value:
        return exact(value)
    parts = value.strip().split(":")
    if len(parts) > 3 or not all(re.fullmatch(r"[0-9]+", part) for part in parts[:-1]):
        raise OptionError(f"{value!r} is no instant; give seconds such as 90.5, or 1:30.5, or 0:01:30.5")
    total = Fraction(0)
    for number, part in enumerate(parts):
        here = exact(part)
        if here < 0 or (number and here >= 60):
            raise OptionError(f"{value!r} is no instant: {part!r} after a colon lies outside 0...60")
        total = 60 * total + here
    return total


def microseconds(seconds: float) -> Fraction:
    """A measured number of seconds as a Fraction, to the nearest microsecond.

    >>> microseconds(0.1 + 0.2), microseconds(-1.5)
    (Fraction(3, 10), Fraction(-3, 2))
    """
    return Fraction(round(seconds * 1_000_000), 1_000_000)


def exact_rate(value: Exact) -> Fraction:
    """Read a rate (cells per second) exactly; the NTSC nicknames mean their true rates.

    A decimal such as 29.97 is a nickname, and a float such as ``30000 / 1001`` is the quotient that it was
    made from. A Fraction, and a ratio in a string, are taken as they are.

    Examples
    --------
    >>> exact_rate("29.97"), exact_rate(25), exact_rate("21.5")
    (Fraction(30000, 1001), Fraction(25, 1), Fraction(43, 2))
    >>> exact_rate(24000 / 1001), exact_rate("2997/100")
    (Fraction(24000, 1001), Fraction(2997, 100))

    Raises
    ------
    OptionError
        If the value is not a finite number above zero.
    """
    rate = exact(value)
    if rate <= 0:
        raise OptionError(f"the rate {value!r} is not above zero; give cells per second, such as 25")
    if isinstance(value, Fraction) or (isinstance(value, str) and "/" in value):
        return rate
    return _NTSC_NICKNAMES.get(rate) or _ntsc_quotient(rate) or rate


def _ntsc_quotient(rate: Fraction) -> Fraction | None:
    """The rate n * 1000/1001 that has the same float as a decimal that was printed from it, or None."""
    if not Fraction(1, 2) < rate < 10**6:
        return None
    quotient = Fraction(1000 * round_fraction(rate * 1001 / 1000, "nearest"), 1001)
    return quotient if float(quotient) == float(rate) else None


def round_fraction(value: Fraction, rounding: Rounding) -> int:
    """Round an exact number to an integer by the named rule.

    >>> [round_fraction(Fraction(-1, 2), how) for how in ("floor", "nearest", "ceil")]
    [-1, 0, 0]
    """
    if rounding == "floor":
        return math.floor(value)
    if rounding == "ceil":
        return math.ceil(value)
    if rounding == "nearest":
        return math.floor(value + Fraction(1, 2))
    raise OptionError(f"the rounding {rounding!r} is unknown; use 'floor', 'ceil' or 'nearest'")


def fraction_text(value: Fraction) -> str:
    """The exact text form that our files use: ``"25"`` or ``"30000/1001"``.

    >>> fraction_text(Fraction(30000, 1001))
    '30000/1001'
    """
    return str(value)
