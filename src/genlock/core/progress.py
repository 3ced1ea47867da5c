"""How long work tells how far it is: one callable, so that no algorithm knows who draws the bar."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "in_words", "silent", "told_progress"]


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


def told_progress(done: float, total: float | None, seconds: float) -> str:
    """How far something is, and how long the rest takes at this pace.

    >>> told_progress(30, 120, 15), told_progress(7, None, 15), told_progress(0, 120, 15)
    ('25 %, some 45 s to go', '7 done', '0 %')
    """
    if total is None or total <= 0:
        return f"{done:g} done"
    share = min(done / total, 1.0)
    if share in (0.0, 1.0):
        return f"{share:.0%}".replace("%", " %")
    return f"{100 * share:.0f} %, some {in_words(seconds * (1 - share) / share)} to go"


def in_words(seconds: float) -> str:
    """A time as people say it, never nought.

    >>> in_words(0.2), in_words(75.3), in_words(400), in_words(9000)
    ('1 s', '75 s', '7 min', '2.5 h')
    """
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
