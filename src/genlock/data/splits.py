"""Train, valid and test: by group, reproducible from a seed, and never a group in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction

from genlock.core.errors import OptionError

__all__ = ["NAMES", "parse_shares", "place_of", "split_of"]

#: The splits.
NAMES = ("train", "valid", "test")


def parse_shares(text: str) -> tuple[Fraction, ...]:
    """Three shares that add up to one.

    >>> parse_shares("0.8/0.1/0.1")
    (Fraction(4, 5), Fraction(1, 10), Fraction(1, 10))

    Raises OptionError if they do not.
    """
    try:
        shares = tuple(Fraction(part) for part in text.split("/"))
    except (ValueError, ZeroDivisionError) as error:
        raise OptionError(f"--split {text!r} is not three shares such as 0.8/0.1/0.1") from error
    if len(shares) != len(NAMES) or sum(shares) != 1 or min(shares) < 0:
        raise OptionError(
            f"--split {text!r}: three shares of at least 0 that add up to 1, such as 0.8/0.1/0.1"
        )
    return shares


def place_of(key: str) -> Fraction:
    """Where a key falls in 0...1, evenly and by its hash alone: the same on every machine and in every version.

    >>> place_of("s1") == place_of("s1"), 0 <= place_of("s2") < 1
    (True, True)
    """
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
    return Fraction(int.from_bytes(digest[:8], "big"), 2**64)


def split_of(group: str, shares: Sequence[Fraction], seed: int, among: Sequence[str] = NAMES) -> str:
    """The split of a group. It depends on nothing else: other groups may come and go.

    >>> split_of("s1", parse_shares("0.8/0.1/0.1"), 0) == split_of("s1", parse_shares("0.8/0.1/0.1"), 0)
    True

    Parameters
    ----------
    among : the splits that a corpus allows it in, with their shares among each other; one of them: that one
    """
    allowed = [(name, share) for name, share in zip(NAMES, shares, strict=True) if name in among]
    place = place_of(f"{seed}:{group}") * sum((share for _, share in allowed), Fraction(0))
    for name, share in allowed:
        if place < share:
            return name
        place -= share
    return allowed[-1][0]
