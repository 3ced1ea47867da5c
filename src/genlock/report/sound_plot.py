"""The picture of a sound that was made for a film: its spectrogram and onsets over the picture's motion and events."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from genlock.drawing.opencv import cv2
from genlock.drawing.sheet import Box, Polyline, Raster, Shape, Sheet, Text, round_numbers, write_sheet
from genlock.foley.events import Events
from genlock.foley.finding import SURE
from genlock.media import AudioBlock, AudioForm, VideoCell, VideoForm, read

__all__ = ["MotionCurve", "write_sound_plot"]

_WIDTH, _LEFT, _RIGHT = 960.0, 64.0, 940.0
_HEAD, _SOUND, _MOTION, _STRIP, _GAP = 58.0, 170.0, 90.0, 26.0, 8.0
_COLUMNS, _ROWS = 876, 64
_PIECES = 4096
_RATE, _WINDOW = 16000, 512
_FLOOR_DB, _RANGE_DB = -75.0, 65.0
_MOST_MARKS = 400


class MotionCurve:
    """A consumer of frames: how much the picture changes from one to the next, in bounded memory."""

    form = VideoForm(longest_side=64, pixels="gray")

    def __init__(self) -> None:
        self.points: list[tuple[float, float]] = []
        """Seconds, and mean difference of grey from the frame before, at most some thousands."""
        self._before: npt.NDArray[np.uint8] | None = None
        self._step, self._open = 1, list[tuple[float, float]]()

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""
        if self._before is not None and self._before.shape == cell.pixels.shape:
            self._open.append((float(cell.start), float(cv2.absdiff(cell.pixels, self._before).mean())))
        self._before = cell.pixels
        if len(self._open) == self._step:
            self.points.append(max(self._open, key=lambda point: point[1]))
            self._open = []
        if len(self.points) > _PIECES:
            pairs = zip(self.points[::2], self.points[1::2], strict=False)
            self.points = [max(pair, key=lambda point: point[1]) for pair in pairs]
            self._step *= 2

    def finish(self) -> None:
        """Nothing is held."""


class _Spectrogram:
    """A consumer of sound: the loudest power in each band of each column of the picture."""

    form = AudioForm(_RATE, 1)

    def __init__(self, seconds: float) -> None:
        self.power = np.full((_ROWS, _COLUMNS), 1e-12)
        self._per_column = max(seconds, 1e-3) / _COLUMNS
        self._waiting = np.zeros(0, np.float32)
        self._first = 0
        self._hop = int(min(max(self._per_column * _RATE / 2, 64), _WINDOW))
        edges = np.geomspace(60, _RATE / 2, _ROWS + 1) / _RATE * _WINDOW
        bins = np.arange(_WINDOW // 2 + 1)
        self._bands = [
            np.flatnonzero((bins >= np.floor(low)) & (bins <= np.ceil(high)))
            for low, high in pairwise(edges.tolist())
        ]
        self._window = np.hanning(_WINDOW).astype(np.float32)

    def push(self, block: AudioBlock) -> None:
        """Take the next block."""
        sound = np.concatenate([self._waiting, block.samples[:, 0]])
        count = max(0, (len(sound) - _WINDOW) // self._hop + 1)
        if count:
            frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[:: self._hop][:count]
            spectra = np.abs(np.fft.rfft(frames * self._window, axis=1)) ** 2 * (4 / _WINDOW**2)
            middles = (self._first + np.arange(count) * self._hop + _WINDOW / 2) / _RATE
            columns = np.minimum((middles / self._per_column).astype(int), _COLUMNS - 1)
            rows = np.stack([spectra[:, band].max(axis=1) for band in self._bands])
            np.maximum.at(self.power.T, columns, rows.T)
        self._waiting = sound[count * self._hop :]
        self._first += count * self._hop

    def finish(self) -> None:
        """What is shorter than a window is not seen."""

    def pixels(self) -> npt.NDArray[np.uint8]:
        """Dark where it is loud, low below, uint8 [rows, columns, 3]."""
        level = np.clip((10 * np.log10(self.power) - _FLOOR_DB) / _RANGE_DB, 0, 1)[::-1, :, None]
        paper, ink = np.array([250.0, 251.0, 253.0]), np.array([18.0, 44.0, 92.0])
        return np.asarray(np.rint(paper + level * (ink - paper)), np.uint8)


def write_sound_plot(
    target: str | os.PathLike[str],
    sound: str | os.PathLike[str],
    start: Fraction,
    onsets: Sequence[Fraction],
    events: Events,
    motion: MotionCurve,
    title: str = "",
) -> None:
    """Write the picture; the ending says the form, ``.svg`` or ``.png``.

    Parameters
    ----------
    sound : a WAV whose first sample lies at ``start`` on the film's clock
    onsets : of the sound, on the film's clock
    motion : of the film, which was fed with its frames

    Raises
    ------
    OptionError
        If the ending is another one.
    OutputError
        If the file cannot be written.
    """
    low, high = float(events.start), float(events.end)

    def x(second: float) -> float:
        return _LEFT + (min(max(second, low), high) - low) / max(high - low, 1e-9) * (_RIGHT - _LEFT)

    spectrogram = _Spectrogram(high - low)
    read(sound, [spectrogram])
    top = _HEAD
    strip = top + _SOUND + _GAP
    below = strip + _STRIP + _GAP
    bottom = below + _MOTION
    sure = sum(event.probability >= SURE for event in events)
    doubts = f", {sure} of them sure" if sure < len(events) else ""
    said = f"events: {len(events)} ({events.finder}){doubts}; onsets of the sound: {len(onsets)}"
    shapes: list[Shape] = [
        Text((_LEFT, 20), title[-90:], 13, "ink"),
        Text((_LEFT, 40), said, 10.5, "quiet"),
        Raster(_LEFT, top, _RIGHT, top + _SOUND, spectrogram.pixels()),
        Box(_LEFT, strip, _RIGHT, strip + _STRIP, "accept"),
        Text((_LEFT - 8, top + 8), "8 kHz", 9, "quiet", "right"),
        Text((_LEFT - 8, top + _SOUND - 6), "60 Hz", 9, "quiet", "right"),
        Text((_LEFT - 8, strip + 7), "onsets", 9, "ink", "right"),
        Text((_LEFT - 8, strip + _STRIP - 6), "events", 9, "found", "right"),
        Text((_LEFT - 8, below + _MOTION / 2), "motion", 9, "curve", "right"),
    ]
    middle = strip + _STRIP / 2
    for instant in onsets[:: max(1, -(-len(onsets) // _MOST_MARKS))]:
        at = x(float(instant))
        shapes.append(Polyline(((at, strip + 1), (at, middle - 1)), "ink", 1.2))
    strengths = events.strengths().tolist()
    for number in range(0, len(events), max(1, -(-len(events) // _MOST_MARKS))):
        at = x(float(events[number].instant))
        shapes.append(
            Polyline(((at, middle + 1), (at, strip + _STRIP - 1)), "found", 0.8 + 1.4 * strengths[number])
        )
        shapes.append(Polyline(((at, below), (at, bottom)), "good", 1.0))
    shapes += _curve(motion, x, below, bottom)
    for second in round_numbers(low, high, 10):
        shapes.append(Polyline(((x(second), bottom), (x(second), bottom + 5)), "quiet", 1.0))
        shapes.append(Text((x(second), bottom + 14), f"{second:g} s", 10, "quiet", "center"))
    write_sheet(target, Sheet(tuple(shapes), _WIDTH, bottom + 28, "Sound over motion and events"))


def _curve(motion: MotionCurve, x: Callable[[float], float], top: float, bottom: float) -> list[Shape]:
    shapes: list[Shape] = [Polyline(((_LEFT, bottom), (_RIGHT, bottom)), "line", 1.0)]
    if len(motion.points) > 1:
        peak = max(max(value for _, value in motion.points), 1e-6)
        points = tuple((x(at), bottom - value / peak * (bottom - top - 4)) for at, value in motion.points)
        shapes.append(Polyline(points, "curve", 1.4))
    return shapes
