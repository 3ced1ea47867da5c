"""Events found by motion, looked at closely, and what is struck by what it looks like: the finder that knows most."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt

from genlock.extractors.picture.motion_maps import LEAST_STEP, instant_of
from genlock.foley.closely import REACH, look_closely
from genlock.foley.contacts import ContactFinder, Looks, columns_of
from genlock.foley.finding import EventOptions
from genlock.media import VideoCell, VideoForm
from genlock.models.foley.contacts import ContactRows
from genlock.models.foley.materials import LONGEST_SIDE, load_materials
from genlock.models.foley.touches import load_touches
from genlock.models.layers import Array

__all__ = ["LearnedFinder"]

# Frames less likely than this are not asked for their material: nothing is read off them.
_LEAST = 0.08


class LearnedFinder(ContactFinder):
    """A :class:`genlock.foley.contacts.ContactFinder` that looks at the pictures where motion says that it may touch.

    A close look says whether something does, and when; then it is said of what material and how large it is. Pictures
    are held only until that is done.

    Raises MissingModel if a model is not here, FormatError if one is damaged.
    """

    form = VideoForm(longest_side=LONGEST_SIDE)
    name = "learned"

    def __init__(self, options: EventOptions | None = None) -> None:
        super().__init__(options)
        self._touches, self._reader = load_touches(), load_materials()
        self.reading = self._touches.reading
        self.least_probability = self.reading.threshold
        self._pictures: dict[Fraction, npt.NDArray[np.uint8]] = {}
        # Frames told by motion that are not looked at yet, after those that the first of them depends on.
        self._rows: list[npt.NDArray[np.float32]] = []
        self._maps: list[Array] = []
        self._times: list[Fraction] = []
        self._looked = 0
        self._shares: list[npt.NDArray[np.float32]] = []
        self._sizes: list[npt.NDArray[np.float32]] = []

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""
        self._pictures[instant_of(cell, self._where)] = cell.pixels
        super().push(
            replace(cell, pixels=np.asarray(cv2.cvtColor(cell.pixels, cv2.COLOR_RGB2GRAY), np.uint8))
        )

    def finish(self) -> None:
        """Look at the last frames."""
        super().finish()
        self._look(len(self._times))
        self._pictures = {}

    def take_rows(self, rows: ContactRows, instants: list[Fraction], maps: Array) -> None:
        """Look at those frames around which enough is known."""
        self._rows += list(np.stack(columns_of(rows), axis=1))
        self._maps += list(maps)
        self._times += instants
        self._look(len(self._times) - REACH)

    def _look(self, stop: int) -> None:
        if stop <= self._looked:
            return
        maps, pictures = np.stack(self._maps), [self._pictures[at] for at in self._times]
        told = look_closely(ContactRows(*np.stack(self._rows).T), maps, pictures, self._reader, self._touches)
        now = slice(self._looked, stop)
        final = ContactRows(*(part[now] for part in columns_of(told)))
        self._read(final, self._looked)
        super().take_rows(final, self._times[now], maps[now])
        kept = max(0, stop - REACH)
        self._rows, self._maps, self._times = self._rows[kept:], self._maps[kept:], self._times[kept:]
        self._looked = stop - kept
        if self._times:
            first = self._times[0]
            self._pictures = {at: picture for at, picture in self._pictures.items() if at >= first}

    def _read(self, rows: ContactRows, first: int) -> None:
        """Read what is touched where it is likely enough that something is, in the frames from one on."""
        count = len(rows.presence)
        shares = np.full((count, len(self._reader.materials)), 1 / len(self._reader.materials), np.float32)
        sizes = np.full(count, self._reader.size_mean, np.float32)
        likely = np.flatnonzero(rows.presence >= _LEAST)
        if len(likely):
            pictures = [self._around(self._times[first + k]) for k in likely.tolist()]
            near = np.stack([rows.x[likely], rows.y[likely]], axis=1)
            places, shares[likely], sizes[likely] = self._reader.look(pictures, near)
            rows.x[likely], rows.y[likely] = places.T
        self._shares.append(shares)
        self._sizes.append(sizes)

    def _around(self, instant: Fraction) -> list[npt.NDArray[np.uint8]]:
        """The picture of an instant, between the one before and the one after that were looked at."""
        known = list(self._pictures)
        at = known.index(instant)
        before = next((t for t in reversed(known[:at]) if instant - t >= LEAST_STEP), instant)
        after = next((t for t in known[at:] if t - instant >= LEAST_STEP), instant)
        return [self._pictures[t] for t in (before, instant, after)]

    def looks(self) -> Looks | None:
        """Materials and sizes of all frames so far."""
        return Looks(self._reader.materials, np.concatenate(self._shares), np.concatenate(self._sizes))
