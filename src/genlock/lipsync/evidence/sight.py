"""What an estimator sees of the whole picture, segment by segment while it is read: rows are kept, never pictures.

A minute of pictures of 224 x 224 takes 226 MB, what a network says of them some megabytes. So whoever looks at whole
pictures brings a :class:`Sight`; its rows come with the evidence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.media import VideoCell, VideoForm

__all__ = ["Sight", "SightRows"]

Pictures = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Sight:
    """How an estimator looks at the picture.

    Raises OptionError if the form has no rate, or segments leave pictures out.
    """

    name: str
    """What its rows are, such as ``synchformer``."""
    form: VideoForm
    """The pictures that it wants, at a rate."""
    frames: int
    """Pictures in a segment, at least 1."""
    step: int
    """From one segment to the next, 1...frames."""
    cut: Callable[[Pictures], Pictures]
    """What it keeps of a picture until its segment is complete, [h, w, 3] of [H, W, 3]."""
    see: Callable[[Pictures], npt.NDArray[np.float32]]
    """What it says of a segment, float32 [...] of uint8 [frames, h, w, 3]; always of one shape."""

    def __post_init__(self) -> None:
        if self.form.rate is None or not 1 <= self.step <= self.frames:
            raise OptionError(f"{self}: a sight has a rate, and steps of 1...{self.frames} pictures")

    @property
    def seconds(self) -> Fraction:
        """Length of a segment, in exact seconds."""
        assert isinstance(self.form.rate, Fraction)
        return self.frames / self.form.rate


class SightRows:
    """Keeps what was seen until its piece is given.

    >>> sight = Sight("levels", VideoForm(rate=25), 2, 1, lambda p: p, lambda p: p.mean((1, 2, 3)).astype(np.float32))
    >>> rows = SightRows(sight)
    >>> for k in range(3):
    ...     pixels = np.full((4, 4, 3), 10 * k, np.uint8)
    ...     rows.push(VideoCell(pixels, k, Fraction(k, 25), Fraction(k + 1, 25), "media"))
    >>> track = rows.track(Fraction(0), Fraction(1))
    >>> track.values.tolist(), str(track.grid.center(0)), str(track.support)
    ([[0.0, 10.0], [10.0, 20.0]], '1/25', '2/25')
    """

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._grid: Grid | None = None  # cells of a step, each in the middle of its segment
        self._first = 0  # the segment of the first row that is kept
        self._rows: list[npt.NDArray[np.float32]] = []
        self._whole: list[bool] = []
        self._waiting: deque[tuple[Pictures, bool]] = deque()

    def push(self, cell: VideoCell) -> None:
        """Take the next picture; when it completes a segment, that is looked at."""
        sight, rate = self._sight, self._sight.form.rate
        if self._grid is None:
            assert isinstance(rate, Fraction)
            edge = cell.start + Fraction(sight.frames - sight.step, 2) / rate
            self._grid = Grid(rate / sight.step, edge, cell.clock)
        self._waiting.append((np.array(sight.cut(cell.pixels)), cell.lost))
        if len(self._waiting) == sight.frames:
            self._rows.append(sight.see(np.stack([picture for picture, _ in self._waiting])))
            self._whole.append(not any(lost for _, lost in self._waiting))
            for _ in range(sight.step):
                self._waiting.popleft()

    def track(self, low: Fraction, high: Fraction) -> Track | None:
        """Rows of the segments whose middle step touches ``[low, high)``, [S, ...]; None if there are none.

        Segments in which packets were lost are not valid.
        """
        if self._grid is None:
            return None
        cells = self._grid.cells(low, high)
        first = max(cells.start, self._first)
        stop = max(first, min(cells.stop, self._first + len(self._rows)))
        if stop == first:
            return None
        kept = slice(first - self._first, stop - self._first)
        return Track(
            np.stack(self._rows[kept]),
            self._grid.part(range(first, stop)),
            np.array(self._whole[kept]),
            name=self._sight.name,
            support=self._sight.seconds,
        )

    def forget(self, before: Fraction) -> None:
        """What was seen before this instant is not asked for again."""
        if self._grid is None:
            return
        gone = min(max(0, self._grid.index(before, "floor") - self._first), len(self._rows))
        del self._rows[:gone], self._whole[:gone]
        self._first += gone
