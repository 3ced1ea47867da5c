"""Pictures of single frames, decoded from the file itself: what stands on the screen is the frame that is said."""

from __future__ import annotations

import threading
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MediaError
from genlock.core.grid import Cells
from genlock.core.time import round_fraction
from genlock.drawing.opencv import cv2
from genlock.media import MediaInfo, ReadOptions, VideoForm, probe, read_frames
from genlock.studio.folder import MediaFile, NotThere

__all__ = ["Stills"]

_KEPT_BYTES = 64_000_000
_BEFORE, _AFTER = 4, 8  # frames around the one that was asked for: whoever steps will ask for them next
_QUALITY = 92


class Stills:
    """Makes JPEG pictures of frames and keeps the last ones; memory for 64 MB of pictures. For several threads.

    Parameters
    ----------
    at_once : films that are decoded at the same time
    """

    def __init__(self, at_once: int = 2) -> None:
        self._kept: OrderedDict[tuple[str, str, int, int], bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(at_once)
        self._infos: OrderedDict[tuple[str, str], MediaInfo] = OrderedDict()

    def jpeg(self, file: MediaFile, cells: Cells, count: int, number: int, longest_side: int) -> bytes:
        """Frame ``number`` of a file as a JPEG picture whose longer side has at most so many pixels.

        Raises NotThere if there is no such frame, MediaError if it cannot be decoded.
        """
        if not 0 <= number < count:
            raise NotThere(f"frame {number} is none of 0...{count - 1}")
        version = file.version
        key = (file.ident, version, number, longest_side)
        with self._lock:
            found = self._kept.get(key)
        if found is None:
            with self._turns:
                with self._lock:
                    found = self._kept.get(key)  # whoever was before us in the queue has made it
                if found is None:
                    self._make(file, version, cells, count, number, longest_side)
                    with self._lock:
                        found = self._kept.get(key)
        if found is None:
            raise MediaError(f"frame {number} of {file.name!r} cannot be decoded")
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
        return found

    def info(self, file: MediaFile) -> MediaInfo:
        """What a file is, kept until it changes."""
        key = (file.ident, file.version)
        with self._lock:
            known = self._infos.get(key)
        if known is None:
            known = probe(file.path)
            with self._lock:
                self._infos[key] = known
                while len(self._infos) > 64:
                    self._infos.popitem(last=False)
        return known

    def _make(
        self, file: MediaFile, version: str, cells: Cells, count: int, number: int, longest_side: int
    ) -> None:
        picture = self.info(file).picture()
        aspect = Fraction(1) if picture is None or not picture.sample_aspect else picture.sample_aspect
        first, last = max(0, number - _BEFORE), min(count - 1, number + _AFTER)
        reading = ReadOptions(start=cells.center(first), end=cells.center(last))
        for cell in read_frames(file.path, VideoForm(pixels="bgr24", longest_side=longest_side), reading):
            # Stamps that a container has rounded lie a hair beside the grid: the middle of a cell is never in doubt.
            self._keep(
                (file.ident, version, cells.index(cell.center), longest_side), _jpeg(cell.pixels, aspect)
            )

    def _keep(self, key: tuple[str, str, int, int], data: bytes) -> None:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = data
                self._size += len(data)
            while self._size > _KEPT_BYTES and len(self._kept) > 1:
                self._size -= len(self._kept.popitem(last=False)[1])


def _jpeg(pixels: npt.NDArray[np.uint8], aspect: Fraction) -> bytes:
    """A picture as JPEG, with square pixels."""
    height, width = pixels.shape[:2]
    shown: npt.NDArray[Any] = pixels
    if aspect != 1:
        shown = cv2.resize(pixels, (max(1, round_fraction(width * aspect, "nearest")), height))
    done, data = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert done
    return bytes(data)


def still_of(path: Path, at: Fraction, longest_side: int) -> bytes | None:
    """The frame on show at an instant, for a thumbnail; None if there is none."""
    reading = ReadOptions(start=at, end=at + 1)
    for cell in read_frames(path, VideoForm(pixels="bgr24", longest_side=longest_side), reading):
        return _jpeg(cell.pixels, Fraction(1))
    return None
