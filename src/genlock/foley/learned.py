"""Events found by motion and by a close look at the pictures, and what is struck by what it looks like."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.time import exact
from genlock.drawing.opencv import cv2
from genlock.extractors.picture.motion_maps import LEAST_STEP, MotionMapper, MotionMaps, instant_of
from genlock.foley.contacts import Looks, columns_of, events_found
from genlock.foley.events import Event
from genlock.foley.finding import EventOptions
from genlock.media import VideoCell, VideoForm
from genlock.models.foley.contacts import ContactRows, prepared_maps
from genlock.models.foley.materials import LONGEST_SIDE, MATERIALS_NAME, load_materials
from genlock.models.foley.small_pictures import small_picture
from genlock.models.foley.touches import TOUCHES_NAME, load_touches
from genlock.models.layers import Array

__all__ = ["LearnedFinder"]

# Frames less likely than this are not asked for their material: nothing is read off them.
_LEAST = 0.08
_AT_A_TIME = 64  # frames that are told at a time


class LearnedFinder:
    """A :class:`genlock.foley.finding.Finder` that looks at the pictures where motion says that something may touch.

    A close look says whether something does, where and when; then it is said of what material and how large it is.
    Pictures are held only until that is done: some hundred frames.

    Raises MissingModel if a model is not here, FormatError if one is damaged.
    """

    form = VideoForm(longest_side=LONGEST_SIDE)
    name = "learned"

    def __init__(self, options: EventOptions | None = None) -> None:
        how = options or EventOptions()
        self._model = load_touches(how.model or TOUCHES_NAME)
        self._reader = load_materials(how.materials or MATERIALS_NAME)
        self._where = exact(how.frame_instant)
        self.about = str(self._model.facts.get("data", "drawn films of things that touch"))
        self.reading = self._model.reading
        self.least_probability = self.reading.threshold
        self._mapper = MotionMapper()
        self._pictures: dict[Fraction, npt.NDArray[np.uint8]] = {}
        # Maps and small pictures that are not told of yet, after those that the first of them depends on.
        self._maps: list[MotionMaps] = []
        self._small: list[npt.NDArray[np.uint8]] = []
        self._known = 0
        self._instants: list[Fraction] = []
        self._told: list[ContactRows] = []
        self._shares: list[Array] = []
        self._sizes: list[Array] = []

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""
        instant = instant_of(cell, self._where)
        self._pictures[instant] = cell.pixels
        maps = self._mapper.push(instant, np.asarray(cv2.cvtColor(cell.pixels, cv2.COLOR_RGB2GRAY), np.uint8))
        if maps is None:
            return
        self._maps.append(maps)
        self._small.append(small_picture(self._pictures[maps.instant]))
        reach = self._model.shape.reach
        if len(self._maps) == self._known + _AT_A_TIME + reach:
            self._tell(len(self._maps) - reach)

    def finish(self) -> None:
        """Tell the last frames."""
        self._tell(len(self._maps))
        self._pictures, self._maps, self._small = {}, [], []

    def events(self) -> list[Event]:
        """What was found, after ``finish``; those that are half as likely as they should be too."""
        if not self._told:
            return []
        looks = Looks(self._reader.materials, np.concatenate(self._shares), np.concatenate(self._sizes))
        return events_found(self._told, self._instants, self.reading, looks)

    def notes(self) -> list[str]:
        """What to beware of."""
        return []

    def _tell(self, stop: int) -> None:
        if stop <= self._known:
            return
        maps = prepared_maps(np.stack([one.maps for one in self._maps]))
        rows = self._model.rows(np.stack(self._small), maps)
        now = slice(self._known, stop)
        final = ContactRows(*(part[now] for part in columns_of(rows)))
        instants = [one.instant for one in self._maps[now]]
        self._read(final, instants)
        self._told.append(final)
        self._instants += instants
        kept = max(0, stop - self._model.shape.reach)
        self._maps, self._small, self._known = self._maps[kept:], self._small[kept:], stop - kept
        self._let_go()

    def _let_go(self) -> None:
        """Forget pictures before those that materials may still be read off."""
        if self._known < len(self._maps):
            first = self._maps[self._known].instant
            known = [at for at in self._pictures if at < first]
            # The one before the next frame that is told of may have been passed over: so a few more are kept.
            for at in known[: -int(1 / LEAST_STEP) or None]:
                del self._pictures[at]

    def _read(self, rows: ContactRows, instants: list[Fraction]) -> None:
        """Read what is touched where it is likely enough that something is."""
        count = len(rows.presence)
        shares = np.full((count, len(self._reader.materials)), 1 / len(self._reader.materials), np.float32)
        sizes = np.full(count, self._reader.size_mean, np.float32)
        likely = np.flatnonzero(rows.presence >= _LEAST)
        if len(likely):
            pictures = [self._around(instants[k]) for k in likely.tolist()]
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
