"""How many of the source's own samples and frames lie in each clip: integer counts on the clocks of the source."""

from __future__ import annotations

from typing import Any

from genlock.core.grid import Cells, Grid
from genlock.data.cutting import ClipLayout
from genlock.media import AudioBlock, AudioForm

__all__ = ["NativeSound", "frame_counts"]


class NativeSound:
    """Notes where the source's own samples lie; a consumer of :func:`genlock.media.read` that holds nothing."""

    form = AudioForm(None, None)

    def __init__(self) -> None:
        self._grid: Grid | None = None
        self._length = 0

    def push(self, block: AudioBlock) -> None:
        """Take the next samples."""
        if self._grid is None:
            self._grid = Grid.of_samples(block.rate, block.start, block.clock)
        self._length += len(block.samples)

    def finish(self) -> None:
        """There is no more sound."""

    def counts(self, layout: ClipLayout) -> dict[int, dict[str, Any]]:
        """``sound_rate`` and ``sound_samples`` by the number of the clip; empty without sound."""
        if self._grid is None:
            return {}
        found = {}
        for clip in layout.clips():
            inside = self._grid.cells(clip.start, clip.end, "centers")
            count = min(inside.stop, self._length) - max(inside.start, 0)
            found[clip.number] = {"sound_rate": int(self._grid.rate), "sound_samples": max(0, count)}
        return found


def frame_counts(layout: ClipLayout, cells: Cells, length: int) -> dict[int, dict[str, Any]]:
    """``frames`` by the number of the clip: the source's own frames whose middle lies in it.

    >>> from fractions import Fraction
    >>> frame_counts(ClipLayout(Fraction(0), Fraction(1), Fraction(3, 2)), Grid(25), 37)
    {0: {'frames': 25}, 1: {'frames': 12}}
    """
    found = {}
    for clip in layout.clips():
        inside = cells.cells(clip.start, clip.end, "centers")
        found[clip.number] = {"frames": max(0, min(inside.stop, length) - max(inside.start, 0))}
    return found
