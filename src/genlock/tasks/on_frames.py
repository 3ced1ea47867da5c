"""Subtitles on frames and shots: changes of shot are found while a film is read, cues are moved afterwards."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, TypeAlias

from genlock.core.errors import NoStream, OptionError
from genlock.core.grid import Cells
from genlock.lipsync.evidence.picture_rows import SMALL_PICTURE, PictureRows
from genlock.media import Consumer, MediaInfo, VideoCell, VideoForm
from genlock.media.consumers import Tap
from genlock.speech.subtitles import Cue, SubtitleRules, snapped

__all__ = ["Snap", "SnapToPicture"]

#: What subtitles are moved to: nothing, borders of frames, or those of frames and shots.
Snap: TypeAlias = Literal["none", "frames", "shots"]

# So often what is known of frames is forgotten, but for the cuts, in frames.
_EVERY = 1000


class SnapToPicture:
    """Moves the borders of subtitles to those of frames, or of frames and shots.

    Parameters
    ----------
    to : what they are moved to
    info : what the file is

    Raises
    ------
    NoStream
        If there is something to move to, and the file has no picture.
    """

    def __init__(self, to: Snap, info: MediaInfo) -> None:
        if to not in ("none", "frames", "shots"):
            raise OptionError(f"--snap {to!r} is unknown; say none, frames or shots")
        if to != "none" and not info.video:
            raise NoStream(
                f"{os.fspath(info.path)!r} has no picture, so --snap has no {to} to go by; leave it out"
            )
        self._to = to
        self._rows = PictureRows()
        self._cuts: list[Fraction] = []
        self._before: Fraction | None = None
        self._waiting = 0

    @property
    def wanted(self) -> bool:
        """Whether anything is moved, so that the cells of the frames have to be known."""
        return self._to != "none"

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """What looks for changes of shot; to be fed from the pass over the file."""
        if self._to != "shots":
            return ()
        return (Tap(VideoForm(size=SMALL_PICTURE, pixels="gray"), self._look, self._gather),)

    def _look(self, cell: VideoCell) -> None:
        self._rows.push(cell)
        self._waiting += 1
        if self._waiting >= _EVERY:
            self._gather()

    def _gather(self) -> None:
        """Keep the cuts of the frames so far, and forget the frames."""
        start, end = self._rows.start, self._rows.end
        if start is None or end is None or self._before == end:
            return
        low = start if self._before is None else self._before
        self._cuts += [cut for cut in self._rows.cuts(low, end) if cut > start]
        self._rows.forget(end)
        self._before, self._waiting = end, 0

    def moved(
        self, cues: Sequence[Cue], frames: Cells | None, count: int, rules: SubtitleRules
    ) -> tuple[Cue, ...]:
        """Cues on the borders of frames, in exact seconds; as they are where nothing is to be moved.

        Parameters
        ----------
        frames, count : the cells of the film's frames, and their number
        """
        if not self.wanted or frames is None or not count:
            return tuple(cues)
        return snapped(cues, frames, count, sorted(set(self._cuts)), rules)
