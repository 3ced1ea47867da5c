"""After a seek: has every stream landed early enough, before anything is handed on?"""

from __future__ import annotations

from fractions import Fraction

__all__ = ["Landing", "SeekedTooFar"]

_SETTLED = Fraction(1, 2)  # seconds before what is needed in which nothing is handed on to a consumer


class SeekedTooFar(Exception):
    """A seek landed behind what is needed; nothing was handed on: try again from further back."""


class Landing:
    """Watches the first frames after a seek. Files need not be interleaved well, nor their index be right.

    >>> landing = Landing({0: Fraction(10), 1: Fraction(9)}, {0: Fraction(0), 1: Fraction(0)})
    >>> landing.arrive(0, Fraction(8))
    True
    >>> landing.arrive(0, Fraction(19, 2))
    Traceback (most recent call last):
    ...
    genlock.media.seek_check.SeekedTooFar: stream 1 has not arrived
    """

    def __init__(self, needed: dict[int, Fraction], beginnings: dict[int, Fraction]) -> None:
        self.needed, self.beginnings = needed, beginnings
        self.waiting = set(needed)

    def arrive(self, index: int, instant: Fraction | None) -> bool:
        """A frame of a stream was decoded; True if it is the stream's first one.

        Raises SeekedTooFar if the first frame is too late or does not say when it is shown, or if another stream
        has not arrived although this one nears what is needed.
        """
        first = index in self.waiting
        if first:
            latest = max(self.needed[index], self.beginnings[index])
            if instant is None or instant > latest:
                raise SeekedTooFar(f"stream {index} has landed behind what is needed")
            self.waiting.discard(index)
        if self.waiting and (instant is None or instant >= self.needed[index] - _SETTLED):
            raise SeekedTooFar(f"stream {min(self.waiting)} has not arrived")
        return first

    def finish(self) -> None:
        """The file has ended: a stream that never arrived may have been passed over."""
        if self.waiting:
            raise SeekedTooFar(f"stream {min(self.waiting)} has not arrived")
