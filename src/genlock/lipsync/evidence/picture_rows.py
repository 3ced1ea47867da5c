"""The frames of the piece that is being collected: their cells, brightness and motion."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Ticks
from genlock.core.track import Track
from genlock.extractors.frame_cells import between_frames, ticks_of
from genlock.media import VideoCell

__all__ = ["FIELDS", "SMALL_PICTURE", "PictureRows"]

#: Width and height of the grey picture that brightness and motion are measured on.
SMALL_PICTURE = (64, 64)
#: Motion is measured in so many fields across and down.
FIELDS = 4
# Mean change of the small picture above which a new shot begins, as a share of full scale.
_CUT_LEVEL = 0.1

FloatArray = npt.NDArray[np.float32]


class PictureRows:
    """Keeps what is measured of each frame until its piece is given."""

    def __init__(self) -> None:
        self.start: Fraction | None = None
        """Start of the first frame of all, in exact seconds; None before it came."""
        self.end: Fraction | None = None
        """End of the last frame so far."""
        self.clock = ""
        """Name of the time axis; empty before the first frame."""
        self._first = 0  # number of the first frame that is kept
        self._edges: list[Fraction] = []
        self._luma: list[float] = []
        self._motion: list[FloatArray | None] = []
        self._small: FloatArray | None = None

    def push(self, cell: VideoCell) -> None:
        """Take the next frame, grey."""
        if self.start is None:
            self.start, self.clock, self._first = cell.start, cell.clock, cell.index
            self._edges = [cell.start]
        small = cell.pixels.astype(np.float32) * np.float32(1 / 255)
        self._luma.append(float(small.mean()))
        self._motion.append(None if self._small is None else _fields(np.abs(small - self._small)))
        self._small = small
        self._edges.append(cell.end)
        self.end = cell.end

    def frames(self, low: Fraction, high: Fraction) -> Ticks | None:
        """The cells that touch ``[low, high)``; None if there are none."""
        rows = self._rows(low, high)
        return ticks_of(self._edges[rows.start : rows.stop + 1], self.clock) if len(rows) else None

    def first_frame(self, instant: Fraction) -> int:
        """Number, within the read, of the first frame that ends after an instant."""
        return self._first + self._rows(instant, None).start

    def tracks(self, low: Fraction, high: Fraction) -> tuple[Track | None, Track | None]:
        """Brightness and motion of the frames that touch ``[low, high)``; None if there are none."""
        rows = self._rows(low, high)
        cells = self.frames(low, high)
        if cells is None:
            return None, None
        luma = np.array(self._luma[rows.start : rows.stop], np.float32)
        found = self._motion[rows.start : rows.stop]
        valid = np.array([fields is not None for fields in found])
        motion = np.stack([np.zeros(FIELDS**2, np.float32) if f is None else f for f in found])
        return (Track(luma, cells, name="luma"), Track(motion, between_frames(cells), valid, name="motion"))

    def cuts(self, low: Fraction, high: Fraction) -> tuple[Fraction, ...]:
        """Instants in ``[low, high)`` at which a new shot begins."""
        return tuple(
            self._edges[k]
            for k in self._rows(low, high)
            if (fields := self._motion[k]) is not None and fields.mean() > _CUT_LEVEL
        )

    def forget(self, before: Fraction) -> None:
        """Frames that end by this instant are not asked for again."""
        gone = self._rows(before, None).start
        del self._edges[:gone], self._luma[:gone], self._motion[:gone]
        self._first += gone

    def _rows(self, low: Fraction, high: Fraction | None) -> range:
        """The kept rows whose cells touch ``[low, high)``."""
        edges = self._edges
        count = len(self._luma)
        first = next((k for k in range(count) if edges[k + 1] > low), count)
        stop = count if high is None else next((k for k in range(first, count) if edges[k] >= high), count)
        return range(first, stop)


def _fields(change: FloatArray) -> FloatArray:
    """Mean change in each field, row by row, float32 [16]."""
    height, width = (side // FIELDS for side in change.shape)
    means = change.reshape(FIELDS, height, FIELDS, width).mean(axis=(1, 3))
    return np.asarray(means.reshape(-1), dtype=np.float32)
