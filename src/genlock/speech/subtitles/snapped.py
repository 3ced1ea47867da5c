"""Subtitles on the frames of a film: each border is that of a frame, and near a change of shot, that of the shot.

A subtitle that comes or goes some frames beside a cut makes the cut look like a mistake, so subtitlers move it there:
it begins with the first frame of a shot, and ends with the last one of a shot, or the profile's gap before. Words that
are said long before the cut are not held back for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from genlock.core.grid import Cells
from genlock.core.time import round_fraction
from genlock.speech.subtitles.cue import Cue
from genlock.speech.subtitles.rules import PLAIN, SubtitleRules

__all__ = ["cut_down", "snapped"]


def snapped(
    cues: Sequence[Cue],
    frames: Cells,
    count: int,
    cuts: Sequence[Fraction] = (),
    rules: SubtitleRules = PLAIN,
) -> tuple[Cue, ...]:
    """Cues whose borders are borders of frames, and those near a cut the cut's.

    Parameters
    ----------
    cues : in order of their starts
    frames, count : the cells of the film's frames, of whatever rate, and their number
    cuts : instants at which a new shot begins, rising; ``()``: only frames count
    rules : how near a cut counts as near (``cut_reach``), how late a cue may come for its sake (``cut_wait``), and the
        gap before it

    Cues that did not overlap still do not; none is shorter than a frame. What lies outside of the film's frames moves
    to their first or last border.

    >>> from genlock.core.grid import Grid
    >>> cue, = snapped([Cue("Hi", Fraction("1.21"), Fraction("2.6"))], Grid(25), 100, [Fraction("1.04")])
    >>> float(cue.start), float(cue.end)
    (1.04, 2.6)
    """
    borders = _Borders(frames, count, cuts, rules)
    made: list[Cue] = []
    for number, cue in enumerate(cues):
        start, end = borders.start(cue.start), borders.end(cue.end)
        if number and cues[number - 1].end <= cue.start:
            start = max(start, made[-1].end)
        if end - start < min(rules.shortest, cue.end - cue.start):  # not at the price of its reading time
            end = max(end, borders.near(cue.end))
        if number + 1 < len(cues) and cue.end <= cues[number + 1].start:
            end = min(end, borders.start(cues[number + 1].start))
        made.append(replace(cue, start=start, end=max(end, borders.after(start))))
    return tuple(made)


def cut_down(cues: Sequence[Cue], hundredths: bool = False) -> tuple[Cue, ...]:
    """Cues whose times are cut down to what a form can write, milliseconds or hundredths of a second.

    A player shows a cue with the first frame that begins at its start or later: rounded up by half a millisecond, a
    border that is a frame's would come one frame late.

    >>> cue, = cut_down([Cue("Hi", Fraction(1001, 24000), Fraction(1))])
    >>> cue.start
    Fraction(41, 1000)
    """
    unit = 100 if hundredths else 1000

    def down(time: Fraction) -> Fraction:
        return Fraction(round_fraction(unit * time, "floor"), unit)

    return tuple(replace(cue, start=down(cue.start), end=down(cue.end)) for cue in cues)


class _Borders:
    """Borders of frames and shots that cues may have."""

    def __init__(self, frames: Cells, count: int, cuts: Sequence[Fraction], rules: SubtitleRules) -> None:
        self._frames, self._count, self._cuts, self._rules = frames, count, list(cuts), rules

    def near(self, instant: Fraction) -> Fraction:
        """The nearest border of a frame."""
        number = self._frames.index(instant, "nearest")
        return self._frames.edge(min(max(number, 0), self._count))

    def after(self, border: Fraction) -> Fraction:
        """The border one frame later, if there is one."""
        number = self._frames.index(border, "nearest") + 1
        return self._frames.edge(min(number, self._count))

    def start(self, instant: Fraction) -> Fraction:
        """Where a cue begins that would begin at an instant."""
        cut = self._cut_near(instant)
        if cut is None or cut - instant > self._rules.cut_wait:
            return self.near(instant)
        return cut

    def end(self, instant: Fraction) -> Fraction:
        """Where a cue ends that would end at an instant: in time for the cut, with the gap before it."""
        cut = self._cut_near(instant)
        return self.near(instant if cut is None else cut - self._rules.gap)

    def _cut_near(self, instant: Fraction) -> Fraction | None:
        place = bisect_left(self._cuts, instant)
        beside = self._cuts[max(0, place - 1) : place + 1]
        near = [cut for cut in beside if abs(cut - instant) <= self._rules.cut_reach]
        return min(near, key=lambda cut: abs(cut - instant), default=None)
