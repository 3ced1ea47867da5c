"""How long work tells how far it is: one callable, so that no algorithm knows who draws the bar."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "silent"]


class Progress(Protocol):
    """Called as often as there is something to say.

    Parameters
    ----------
    stage : what is being done, such as ``"read"``; a stage is over when ``done`` reaches ``total``
    done : how much of it, in the stage's own unit (seconds of the recording for most)
    total : how much there is, in the same unit, or None where that is not known
    """

    def __call__(self, stage: str, done: float, total: float | None) -> None: ...


def silent(stage: str, done: float, total: float | None) -> None:
    """Progress that nobody watches.

    >>> silent("read", 1.0, 2.0)
    """
