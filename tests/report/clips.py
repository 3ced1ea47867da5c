"""Clips whose truth is planted: each frame carries its number as a barcode, and flashes come with beeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from genlock.core import Grid, Ticks
from genlock.core.grid import Cells
from genlock.media.encode import Picture, Sound, encode

WIDTH, HEIGHT, BITS = 320, 180, 12
BEEP_SECONDS = Fraction(1, 20)


@dataclass(frozen=True)
class Clip:
    """A file and what is true of it."""

    path: Path
    cells: Cells
    count: int
    sound_start: Fraction
    flashes: tuple[int, ...]

    @property
    def edges(self) -> np.ndarray:
        """Frame edges on the media clock, float64 [T + 1]."""
        return self.cells.edges(self.count)


def barcode(number: int, bright: bool = False) -> np.ndarray:
    """A frame with its number in two rows of black and white blocks, one inverted, uint8 [H, W, 3]."""
    frame = np.full((HEIGHT, WIDTH, 3), (235, 235, 235) if bright else (52, 60, 74), np.uint8)
    block = WIDTH // BITS
    for bit in range(BITS):
        value = 255 * (number >> bit & 1)
        frame[20:60, bit * block : (bit + 1) * block] = value
        frame[60:100, bit * block : (bit + 1) * block] = 255 - value
    x = 10 + (number * 7) % (WIDTH - 40)
    frame[125:155, x : x + 24] = (255, 122, 92)
    return frame


def read_barcode(image: np.ndarray) -> int:
    """The number in a frame, grey or colour ``[H, W(, C)]`` of any size; -1 if the rows do not agree."""
    grey = image[..., :3].mean(axis=-1) if image.ndim == 3 else image
    height, width = grey.shape
    columns = [round((bit + 0.5) * (WIDTH // BITS) / WIDTH * width) for bit in range(BITS)]
    above = [grey[round(40 / HEIGHT * height), x] for x in columns]
    below = [grey[round(80 / HEIGHT * height), x] for x in columns]
    if min(abs(float(a) - float(b)) for a, b in zip(above, below, strict=True)) < 60:
        return -1
    return sum(int(a > b) << bit for bit, (a, b) in enumerate(zip(above, below, strict=True)))


def planted(
    path: Path,
    *,
    count: int = 60,
    rate: str = "25",
    start: str = "0",
    sound_start: str = "0",
    pts: Sequence[int] | None = None,
    time_base: str = "1/1000",
    codec: str | None = "libx264",
    sound_codec: str | None = "aac",
    picture: bool = True,
    sound: bool = True,
    sample_rate: int = 48000,
) -> Clip:
    """Write a clip of ``count`` frames; every 12th frame flashes, and a beep starts at its left edge."""
    cells: Cells = Ticks(pts, time_base, 40) if pts is not None else Grid(rate, start)
    count = len(pts) if pts is not None else count
    flashes = tuple(range(6, count, 12))
    wave_start = Fraction(sound_start)
    seconds = float(cells.edge(count) - wave_start)
    at = np.arange(round(seconds * sample_rate)) / sample_rate + float(wave_start)
    wave = 0.01 * np.sin(2 * np.pi * 220 * at)
    for frame in flashes:
        inside = (at >= float(cells.edge(frame))) & (at < float(cells.edge(frame) + BEEP_SECONDS))
        wave = np.where(inside, 0.6 * np.sin(2 * np.pi * 1000 * at), wave)
    options = {"crf": "16", "g": "24", "preset": "veryfast"} if codec == "libx264" else {}
    shown = Picture(
        (barcode(k, k in flashes) for k in range(count)),
        rate=rate,
        start=start,
        pts=pts,
        time_base=time_base if pts is not None else None,
        codec=codec,
        options=options,
    )
    heard = Sound(wave.astype(np.float32), sample_rate, start=wave_start, codec=sound_codec)
    encode(path, shown if picture else None, heard if sound else None)
    return Clip(path, cells, count, wave_start, flashes)


#: A variable rate in milliseconds: 40 ms with longer and shorter cells between.
VARIABLE_PTS = np.cumsum(
    [0, *([40] * 10), 80, 33, 33, 34, 120, *([40] * 12), 17, 17, 200, *([33, 34, 33] * 6)]
).tolist()
