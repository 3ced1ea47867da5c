"""Train, valid and test: by group and by content, reproducible from a seed.

This is the only place where a split is drawn. A group is never in two splits, nor is one content, whatever its names:
groups that hold the same content are one group.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from genlock.core.errors import OptionError

__all__ = ["NAMES", "Member", "draw_splits", "parse_shares", "place_of", "split_of"]

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


@dataclass(frozen=True)
class Member:
    """One source that gets a split."""

    group: str
    """What it must not be parted from: its speaker, or its own name."""
    contents: tuple[str, ...] = ()
    """Hashes of what it holds; whoever shares one of them holds the same."""
    allowed: tuple[str, ...] = NAMES
    """The splits that its corpus allows it in."""


def draw_splits(members: Sequence[Member], shares: Sequence[Fraction], seed: int) -> list[str]:
    """The split of each member: one for a group, and one for a content.

    Groups that share a content are drawn together, by the first of their names. Where a corpus itself puts one content
    into two splits, as an official test list may, all copies go to the one that is trained on least.

    >>> same = draw_splits([Member("s1", ("aa",)), Member("s2", ("aa", "bb")), Member("s3", ("bb",))],
    ...                    parse_shares("0.8/0.1/0.1"), seed=0)
    >>> len(set(same))
    1
    >>> draw_splits([Member("a", ("aa",), ("train",)), Member("b", ("aa",), ("test",)), Member("a", (), ("train",))],
    ...             parse_shares("0.8/0.1/0.1"), seed=0)
    ['test', 'test', 'train']
    """
    by_content: dict[str, list[int]] = {}
    for number, member in enumerate(members):
        for content in member.contents:
            by_content.setdefault(content, []).append(number)
    shared = [numbers for numbers in by_content.values() if len(numbers) > 1]
    groups = _Joined(member.group for member in members)
    for numbers in shared:
        if _common(members[number].allowed for number in numbers):
            for number in numbers[1:]:
                groups.join(members[numbers[0]].group, members[number].group)
    allowed: dict[str, tuple[str, ...]] = {}
    for member in members:
        first = groups.first(member.group)
        allowed[first] = _common((allowed.get(first, NAMES), member.allowed))
    found = []
    for member in members:
        first = groups.first(member.group)
        # A group whose corpus parts it between train and test stays as its corpus has it.
        found.append(split_of(first, shares, seed, allowed[first] or member.allowed))
    for numbers in shared:
        strictest = max((found[number] for number in numbers), key=NAMES.index)
        for number in numbers:
            found[number] = strictest
    return found


def _common(allowed: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    sets = [set(names) for names in allowed]
    return tuple(name for name in NAMES if all(name in names for names in sets))


class _Joined:
    """Groups that belong together; the first name of those joined stands for all of them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._above = {name: name for name in names}

    def first(self, name: str) -> str:
        while self._above[name] != name:
            self._above[name] = self._above[self._above[name]]
            name = self._above[name]
        return name

    def join(self, one: str, other: str) -> None:
        low, high = sorted((self.first(one), self.first(other)))
        self._above[high] = low
