"""A stretch of a film as a watcher meets it while it learns: other rates, other cameras, other light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from genlock.train.foley.event_options import EventChanges
from genlock.train.foley.films import Film, Floats, Pixels

__all__ = ["Stretch", "glimpse_of", "stretch_of"]

Random: TypeAlias = np.random.Generator
Indices: TypeAlias = npt.NDArray[np.int64]

_SHEETS = 6


@dataclass(frozen=True, eq=False)
class Stretch:
    """Some frames of a film, changed."""

    pictures: Pixels
    """uint8 [T, side, side, 3]."""
    starts: Floats
    """When frames begin to be shown, seconds from the film's beginning, [T]."""
    end: float
    """When the last one ends."""
    mirrored: bool
    """Whether left is right."""
    scale: float
    """How much the picture was enlarged."""
    left: float
    """Where its left edge was, as a share of the picture's width."""
    top: float = 0.0
    """Where its upper edge was, as a share of the picture's height."""

    def x(self, x: Floats) -> Floats:
        """Where something is in the changed picture that was at ``x``."""
        seen = (x - self.left) * self.scale
        return np.clip(1 - seen if self.mirrored else seen, 0, 1)

    def y(self, y: Floats) -> Floats:
        """The same downwards."""
        return np.clip((y - self.top) * self.scale, 0, 1)


def stretch_of(film: Film, frames: int, changes: EventChanges, random: Random) -> Stretch:
    """So many frames of a film, changed at random; a film that is too short ends with a still picture."""
    kept, blurred = _left_out(film, frames, changes, random)
    starts = film.starts
    pictures = _between(film.pictures, kept) if blurred else film.pictures[kept]
    after = kept[-1] + (kept[-1] - kept[-2] if len(kept) > 1 else 1)
    end = float(starts[after]) if after < len(starts) else film.seconds
    return _changed(pictures, starts[kept], end, frames, changes, random)


def glimpse_of(film: Film, frame: int, changes: EventChanges, random: Random) -> Stretch:
    """Frame ``frame``, at least 1, and the one before it, changed at random."""
    both = slice(frame - 1, frame + 1)
    starts = film.starts
    end = float(starts[frame + 1]) if frame + 1 < len(starts) else film.seconds
    return _changed(film.pictures[both], starts[both], end, 2, changes, random)


def _changed(
    pictures: Pixels, times: Floats, end: float, frames: int, changes: EventChanges, random: Random
) -> Stretch:
    scale = 1 / (1 - random.uniform(0, changes.zoom))
    left, top = random.uniform(0, 1 - 1 / scale, 2)
    mirrored = bool(random.random() < 0.5)
    pictures = _filmed(pictures, scale, left, top, changes, random)
    if mirrored:
        pictures = pictures[:, :, ::-1]
    if len(times) < frames:
        more = frames - len(times)
        gap = (end - times[-1]) or 0.04
        times = np.concatenate([times, times[-1] + gap * np.arange(1, more + 1)])
        pictures = np.concatenate([pictures, np.repeat(pictures[-1:], more, 0)])
        end = float(times[-1] + gap)
    return Stretch(
        np.ascontiguousarray(_lit(pictures, changes, random)), times, end, mirrored, scale, left, top
    )


def _left_out(film: Film, frames: int, changes: EventChanges, random: Random) -> tuple[Indices, bool]:
    """Which frames are kept, and whether each shall show what lay between it and the next."""
    count = len(film.pictures)
    rate = count / film.seconds
    most = max(1, min(int(rate / changes.least_rate), count // frames))
    stride = int(random.integers(1, most + 1))
    if stride > 1 and random.random() < changes.uneven:
        steps = random.integers(1, 2 * stride, frames)
        kept = np.cumsum(steps) - steps[0]
        kept = kept[kept < count]
    else:
        kept = np.arange(0, min(frames * stride, count), stride)[:frames]
    last = count - 1 - int(kept[-1])
    first = int(random.integers(0, last + 1))
    if len(film.times) and random.random() < changes.around:
        # Contacts are rare: most stretches hold one, anywhere in them.
        contact = int(np.searchsorted(film.starts, film.times[random.integers(len(film.times))]))
        first = int(np.clip(contact - int(random.integers(0, kept[-1] + 1)), 0, last))
    kept = kept + first
    return kept.astype(np.int64), bool(stride > 1 and random.random() < changes.blur)


def _between(pictures: Pixels, kept: Indices) -> Pixels:
    stops = np.append(kept[1:], min(2 * kept[-1] - kept[-2], len(pictures)))
    shown = [
        pictures[a : a + max((b - a + 1) // 2, 1)].mean(axis=0) for a, b in zip(kept, stops, strict=True)
    ]
    return np.asarray(np.stack(shown), np.uint8)


def _filmed(
    pictures: Pixels, scale: float, left: float, top: float, changes: EventChanges, random: Random
) -> Pixels:
    """The part of the picture that is kept, on a camera that shakes."""
    side = pictures.shape[1]
    strength = random.uniform(0, changes.shake) if random.random() < 0.5 else 0.0
    # A hand shakes slowly: white noise that is smoothed.
    noise = random.normal(size=(len(pictures) + 4, 2))
    shake = strength * np.stack([np.convolve(noise[:, k], np.ones(5) / 5**0.5, "valid") for k in (0, 1)], 1)
    if scale == 1 and not strength:
        return pictures
    found = np.empty_like(pictures)
    for picture, (across, down), out in zip(pictures, shake, found, strict=True):
        move = np.array([[scale, 0, across - scale * left * side], [0, scale, down - scale * top * side]])
        cv2.warpAffine(picture, move, (side, side), out, cv2.INTER_LINEAR, cv2.BORDER_REFLECT)
    return found


def _lit(pictures: Pixels, changes: EventChanges, random: Random) -> Pixels:
    """Other light, another sensor."""
    light, contrast, gamma = np.exp(random.uniform(-changes.light, changes.light, 3))
    tint = np.exp(random.uniform(-changes.tint, changes.tint, 3))
    steps = (np.arange(256) / 255) ** gamma
    curve = np.clip(((steps - 0.5) * contrast + 0.5) * light, 0, 1)
    table = np.clip(255 * curve[:, None] * tint, 0, 255).astype(np.uint8)
    side = pictures.shape[1]
    # All frames as one tall picture: a table takes a fraction of the time of arithmetic.
    shown = cv2.LUT(np.ascontiguousarray(pictures).reshape(-1, side, 3), table[None])
    if random.random() < changes.grey:
        shown = cv2.cvtColor(cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    noise = random.uniform(0, changes.noise)
    if noise > 0.5:
        # A few sheets of noise are enough for all frames, and take a fraction of the time.
        sheets = noise * random.standard_normal((_SHEETS, side, side, 3), np.float32)
        drawn = sheets.astype(np.int8)[random.integers(0, _SHEETS, len(pictures))]
        shown = cv2.add(shown, drawn.reshape(shown.shape), dtype=cv2.CV_8U)
    return np.asarray(shown, np.uint8).reshape(pictures.shape)
