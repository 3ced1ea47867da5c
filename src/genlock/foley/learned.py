"""Events found by motion, and what is struck by what it looks like: a finder that knows materials and sizes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt

from genlock.extractors.picture.motion_maps import LEAST_STEP, instant_of
from genlock.foley.contacts import ContactFinder, Looks
from genlock.foley.finding import EventOptions
from genlock.media import VideoCell, VideoForm
from genlock.models.foley.contacts import ContactRows
from genlock.models.foley.materials import LONGEST_SIDE, load_materials
from genlock.models.layers import Array

__all__ = ["LearnedFinder"]

# Frames less likely than this are not looked at: nothing is read off them.
_LEAST = 0.08


class LearnedFinder(ContactFinder):
    """A :class:`genlock.foley.contacts.ContactFinder` that says of what material and how large what is struck is.

    Motion says when and where; the picture around that place is read then. Pictures are held only until that is done.

    Raises MissingModel if a model is not here, FormatError if one is damaged.
    """

    form = VideoForm(longest_side=LONGEST_SIDE)
    name = "learned"

    def __init__(self, options: EventOptions | None = None) -> None:
        super().__init__(options)
        self._reader = load_materials()
        self._pictures: dict[Fraction, npt.NDArray[np.uint8]] = {}
        self._shares: list[npt.NDArray[np.float32]] = []
        self._sizes: list[npt.NDArray[np.float32]] = []

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""
        self._pictures[instant_of(cell, self._where)] = cell.pixels
        super().push(
            replace(cell, pixels=np.asarray(cv2.cvtColor(cell.pixels, cv2.COLOR_RGB2GRAY), np.uint8))
        )

    def take_rows(self, rows: ContactRows, instants: list[Fraction], maps: Array) -> None:
        """Read what is touched where it is likely enough that something is."""
        count = len(instants)
        shares = np.full((count, len(self._reader.materials)), 1 / len(self._reader.materials), np.float32)
        sizes = np.full(count, self._reader.size_mean, np.float32)
        likely = np.flatnonzero(rows.presence >= _LEAST)
        if len(likely):
            pictures = [self._around(instants[k]) for k in likely.tolist()]
            near = np.stack([rows.x[likely], rows.y[likely]], axis=1)
            places, shares[likely], sizes[likely] = self._reader.look(pictures, near)
            rows.x[likely], rows.y[likely] = places.T
        super().take_rows(rows, instants, maps)
        self._shares.append(shares)
        self._sizes.append(sizes)
        # The last one is the one before the next.
        self._pictures = {at: picture for at, picture in self._pictures.items() if at >= instants[-1]}

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
