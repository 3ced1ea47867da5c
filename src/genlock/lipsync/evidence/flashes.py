"""Flashes: frames that light up at once and fall dark again soon."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import DEFAULT_CLOCK
from genlock.core.spans import Span, Spans
from genlock.core.time import Exact, exact
from genlock.media import VideoCell

__all__ = ["FlashFinder"]

Fields = npt.NDArray[np.float32]

_FIELDS = 16  # a side: a flash may fill a small part of the picture
_RISE = 0.12  # of full range, in one frame; more than codecs make and less than a grey flash
_LEAST_FIELDS = 6  # of 256
_RISE_OVER_FALL = 3.0  # what moves darkens as much as it brightens; a flash only brightens
_RISE_BEFORE = 0.25  # of the rise may have come in the frame before: what grows does so for several frames
_START_SHARE = 0.4  # of the peak: where a codec needs two frames to follow, the first still has as much
_LONGEST = Fraction(6, 10)  # seconds; what stays bright longer is a cut


@dataclass
class _Candidate:
    """Fields that rose together, and how bright they were in each frame since."""

    fields: npt.NDArray[np.intp]
    dark: Fields
    begun: Fraction
    starts: list[Fraction] = field(default_factory=list)
    excess: list[float] = field(default_factory=list)


class FlashFinder:
    """Finds flashes frame by frame, with bounded memory; fed with grey pictures of any one size.

    A flash is at least a fortieth of the picture that brightens within one frame and loses most of it again
    within 0.6 s. Its span covers the cells of the frames that are lit: the picture says no more than that. It is
    known at the latest 0.7 s after it began.

    Examples
    --------
    >>> finder = FlashFinder()
    >>> for k in range(10):
    ...     pixels = np.full((36, 64), 220 if k == 4 else 20, np.uint8)
    ...     finder.push(VideoCell(pixels, k, Fraction(k, 25), Fraction(k + 1, 25), "media"))
    >>> [(float(flash.start), float(flash.end)) for flash in finder.between(0, 1)]
    [(0.16, 0.2)]
    """

    def __init__(self) -> None:
        self._clock = DEFAULT_CLOCK
        self._before: Fields | None = None
        self._rise_before = 0.0
        self._open: list[_Candidate] = []
        self._found: deque[Span] = deque()

    def push(self, cell: VideoCell) -> None:
        """The next frame, uint8 [H, W], both at least 16."""
        if cell.pixels is None or cell.pixels.ndim != 2 or min(cell.pixels.shape) < _FIELDS:
            shape = None if cell.pixels is None else cell.pixels.shape
            raise OptionError(f"a flash is looked for in grey frames of at least 16 x 16, not {shape}")
        self._clock = cell.clock
        now = _fields_of(cell.pixels)
        self._follow(now, cell)
        if self._before is not None:
            change = now - self._before
            rising = np.flatnonzero(change > _RISE)
            falls = float(-change[change < 0].sum())
            rise = float(change[rising].sum())
            sudden = rise > _RISE_OVER_FALL * falls and self._rise_before < _RISE_BEFORE * rise
            self._rise_before = float(change[change > 0].sum())
            if len(rising) >= _LEAST_FIELDS and sudden:
                self._open.append(
                    _Candidate(
                        rising, self._before[rising], cell.start, [cell.start], [float(change[rising].mean())]
                    )
                )
        self._before = now

    def _follow(self, now: Fields, cell: VideoCell) -> None:
        """Which of the open candidates end with this frame, as a flash or because they last too long."""
        kept: list[_Candidate] = []
        for candidate in self._open:
            excess = float((now[candidate.fields] - candidate.dark).mean())
            if excess < 0.5 * max(candidate.excess):
                self._add(candidate, cell.start)
            elif cell.start - candidate.begun <= _LONGEST:
                candidate.starts.append(cell.start)
                candidate.excess.append(excess)
                kept.append(candidate)
        self._open = kept

    def _add(self, candidate: _Candidate, end: Fraction) -> None:
        bright = np.array(candidate.excess) >= _START_SHARE * max(candidate.excess)
        start = candidate.starts[int(bright.argmax())]
        # Fields that rose in a later frame of a flash that is already there are the same flash.
        if not self._found or start >= self._found[-1].end:
            self._found.append(Span(start, end, "flash"))

    def finish(self) -> None:
        """No more frames: what is still bright is no flash, its end was not seen."""
        self._open = []

    def between(self, start: Exact, end: Exact) -> Spans:
        """The flashes that begin in ``[start, end)``, on the media clock."""
        low, high = exact(start), exact(end)
        return Spans([span for span in self._found if low <= span.start < high], self._clock, "flashes")

    def forget(self, before: Exact) -> None:
        """Drop the flashes that begin before an instant."""
        while self._found and self._found[0].start < exact(before):
            self._found.popleft()


def _fields_of(pixels: npt.NDArray[np.uint8]) -> Fields:
    """Mean brightness of 16 x 16 fields, float32 [256], 0...1."""
    height, width = pixels.shape
    rows = np.add.reduceat(pixels, np.arange(_FIELDS) * height // _FIELDS, axis=0, dtype=np.float32)
    sums = np.add.reduceat(rows, np.arange(_FIELDS) * width // _FIELDS, axis=1)
    tall = np.diff(np.arange(_FIELDS + 1) * height // _FIELDS)
    wide = np.diff(np.arange(_FIELDS + 1) * width // _FIELDS)
    return np.asarray(sums / (255.0 * tall[:, None] * wide), np.float32).ravel()
