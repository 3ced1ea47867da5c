"""A sheet: still frames of a film that was made, over the waveform that moved it."""

from __future__ import annotations

import os
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.files import write_bytes
from genlock.drawing.canvas import paste_text
from genlock.drawing.opencv import cv2

__all__ = ["StillSheet"]

Pixels: TypeAlias = npt.NDArray[np.uint8]

_TILE, _GAP, _WAVE = 220, 8, 120
_PAPER, _INK, _QUIET, _CURVE = (255, 255, 255), (28, 36, 48), (150, 158, 170), (26, 95, 180)
# The envelope is kept in so many pieces at most; two are then joined to one.
_PIECES = 4096


class StillSheet:
    """Collects stills and the envelope of the sound, whatever their length, and draws them.

    Parameters
    ----------
    count : stills on the sheet, 2...24
    """

    def __init__(self, count: int = 8) -> None:
        if not 2 <= count <= 24:
            raise OptionError(f"a sheet of {count} stills: give 2...24")
        self._count, self._step, self._seen = count, 1, 0
        self._kept: dict[int, tuple[float, str, Pixels]] = {}
        self._envelope: list[float] = []
        self._per_piece, self._open, self._open_peak = 160, 0, 0.0
        self._samples = 0

    def frame(self, seconds: float, label: str, image: Pixels) -> None:
        """Take a frame, its middle and what is written under it."""
        if self._seen % self._step == 0:
            height = round(image.shape[0] * _TILE / image.shape[1])
            small = np.asarray(cv2.resize(image, (_TILE, height), interpolation=cv2.INTER_AREA), np.uint8)
            self._kept[self._seen] = (seconds, label, small)
            while len(self._kept) > 4 * self._count:
                self._step *= 2
                self._kept = {k: kept for k, kept in self._kept.items() if k % self._step == 0}
        self._seen += 1

    def sound(self, samples: npt.NDArray[np.float32]) -> None:
        """Take samples at 16 kHz, [n]."""
        self._samples += len(samples)
        at = 0
        while at < len(samples):
            part = samples[at : at + self._per_piece - self._open]
            self._open_peak = max(self._open_peak, float(np.abs(part).max(initial=0)))
            self._open += len(part)
            at += len(part)
            if self._open == self._per_piece:
                self._envelope.append(self._open_peak)
                self._open, self._open_peak = 0, 0.0
        if len(self._envelope) > _PIECES:
            pairs = self._envelope[: len(self._envelope) // 2 * 2]
            self._envelope = [max(a, b) for a, b in zip(pairs[::2], pairs[1::2], strict=True)]
            self._per_piece *= 2

    def image(self) -> Pixels:
        """The sheet, RGB uint8 [H, W, 3].

        Raises OptionError if there was no frame.
        """
        if not self._kept:
            raise OptionError("there is no frame to make a sheet of")
        kept = [self._kept[k] for k in sorted(self._kept)]
        seconds = self._samples / 16000
        # The still nearest to the middle of each part of the sound.
        middles = (np.arange(self._count) + 0.5) * max(seconds, 1e-9) / self._count
        chosen = [min(kept, key=lambda each, t=middle: abs(each[0] - t)) for middle in middles]  # type: ignore[misc]
        tall = chosen[0][2].shape[0]
        width = self._count * (_TILE + _GAP) + _GAP
        page = np.full((tall + _WAVE + 4 * _GAP + 20, width, 3), _PAPER, np.uint8)
        base = tall + 3 * _GAP + 20 + _WAVE // 2
        self._wave(page, base)
        for number, (at, label, still) in enumerate(chosen):
            left = _GAP + number * (_TILE + _GAP)
            page[_GAP : _GAP + tall, left : left + _TILE] = still
            x = _GAP + at / max(seconds, 1e-9) * (width - 2 * _GAP)
            middle = left + _TILE / 2
            path = np.array(
                [
                    (middle, tall + _GAP + 2),
                    (middle, tall + _GAP + 22),
                    (x, tall + 2 * _GAP + 28),
                    (x, base + _WAVE // 2),
                ]
            )
            cv2.polylines(page, [np.rint(path * 16).astype(np.int32)], False, _QUIET, 1, cv2.LINE_AA, 4)
            paste_text(
                page, f"{at:.2f} s  {label}".rstrip(), (middle + 6, tall + 2 * _GAP + 6), 9, _INK, "left"
            )
        return page

    def _wave(self, page: Pixels, base: int) -> None:
        envelope = np.array([*self._envelope, self._open_peak])
        columns = np.linspace(0, len(envelope) - 1, page.shape[1] - 2 * _GAP)
        peak = max(float(envelope.max()), 1e-6)
        heights = np.interp(columns, np.arange(len(envelope)), envelope) / peak * (_WAVE / 2 - 4)
        for column, height in enumerate(heights.tolist()):
            low, high = round(base - height), round(base + height)
            page[low : high + 1, _GAP + column] = _CURVE

    def save(self, target: str | os.PathLike[str]) -> None:
        """Write the sheet as PNG, atomically.

        Raises OptionError for another ending, OutputError if it cannot be written.
        """
        if not os.fspath(target).lower().endswith(".png"):
            raise OptionError(f"a sheet is a .png, not {os.fspath(target)!r}")
        done, data = cv2.imencode(".png", np.ascontiguousarray(self.image()[..., ::-1]))
        assert done
        write_bytes(target, data.tobytes())
