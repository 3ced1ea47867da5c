"""How what moves in a picture is slowed down at a frame: movement into it against movement out of it, by tile."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.drawing.opencv import cv2
from genlock.extractors.picture.flow import OpticalFlow

__all__ = ["TILES", "Slowing", "SlowingMeter"]

Grey: TypeAlias = npt.NDArray[np.uint8]
Array: TypeAlias = npt.NDArray[np.float32]

#: Tiles down and across in which movement is summed.
TILES = (6, 8)
# Differences of grey below this are noise and compression.
_NOISE = 9
# Movement below this is none, in pixels of the small picture per frame.
_LEAST_PIXELS = 0.35
# A frame of which more than this share is unlike the one before, and not because it was shifted, begins another shot.
_CUT_SHARE = 0.55
_GRID_STEP = 8


@dataclass(frozen=True, eq=False)
class Slowing:
    """What happens at one frame, by tile."""

    instant: Fraction
    """When the frame was taken, in exact seconds."""
    change: Array
    """Velocity lost from before the frame to after it, summed over what moves: [tiles, 2], x and y, in picture heights
    per second times the share of the picture that moves."""
    incoming: Array
    """Velocity before the frame, summed in the same way, [tiles, 2]."""
    area: Array
    """Share of the picture that moves, [tiles]."""


class SlowingMeter:
    """Takes small grey frames with their instants; gives the slowing at each but the first and the last of a shot.

    The movement of the camera is taken off: an affine movement is fitted to all of the picture, and what does not
    follow it moves by itself.
    """

    def __init__(self) -> None:
        self._flow = OpticalFlow()
        self._frames: list[tuple[Fraction, Grey]] = []
        self._incoming: Array | None = None
        self.cuts = 0
        """How often another shot began."""

    def push(self, instant: Fraction, frame: Grey) -> Slowing | None:
        """Take the next frame; gives the slowing at the frame before it, once there are three."""
        self._frames.append((instant, cv2.GaussianBlur(frame, (3, 3), 0)))  # type: ignore[arg-type]
        if len(self._frames) < 2:
            return None
        (before, first), (now, second) = self._frames[-2:]
        if _is_cut(first, second):
            self.cuts += 1
            self._frames, self._incoming = self._frames[-1:], None
            return None
        height = first.shape[0]
        differs = (cv2.absdiff(first, second) > _NOISE).astype(np.uint8)
        moving = np.asarray(cv2.dilate(differs, np.ones((5, 5), np.uint8)), np.uint8)
        per_second = 1 / (float(now - before) * height)
        outgoing = _alone(self._flow.between(first, second), moving) * np.float32(per_second)
        into, self._incoming = (
            self._incoming,
            -_alone(self._flow.between(second, first), moving) * np.float32(per_second),
        )
        self._frames = self._frames[-2:]
        return None if into is None else _slowing(before, into, outgoing)


def _is_cut(first: Grey, second: Grey) -> bool:
    small = [cv2.resize(f, (16, 12), interpolation=cv2.INTER_AREA) for f in (first, second)]
    return float((cv2.absdiff(*small) > 30).mean()) > _CUT_SHARE


def _alone(flow: Array, moving: Grey) -> Array:
    """The flow without that of the camera, zero where nothing moves by itself, [H, W, 2]."""
    height, width = flow.shape[:2]
    ys, xs = np.mgrid[_GRID_STEP // 2 : height : _GRID_STEP, _GRID_STEP // 2 : width : _GRID_STEP]
    places = np.stack([np.ones(xs.size), xs.ravel() / width - 0.5, ys.ravel() / height - 0.5], 1)
    values = flow[ys.ravel(), xs.ravel()].astype(np.float64)
    kept = np.ones(len(values), bool)
    fit = np.zeros((3, 2))
    fit[0] = np.median(values, axis=0)
    for _ in range(3):
        error = np.abs(values - places @ fit).sum(axis=1)
        kept = error <= max(float(np.median(error)) * 2.5, 0.3)
        if kept.sum() < 12:
            break
        fit = np.linalg.lstsq(places[kept], values[kept], rcond=None)[0]
    rows, columns = np.arange(height) / height - 0.5, np.arange(width) / width - 0.5
    camera = fit[0] + columns[None, :, None] * fit[1] + rows[:, None, None] * fit[2]
    left = flow - camera.astype(np.float32)
    alone = (np.hypot(left[..., 0], left[..., 1]) >= _LEAST_PIXELS) & (moving > 0)
    return np.where(alone[..., None], left, np.float32(0))


def _slowing(instant: Fraction, into: Array, out: Array) -> Slowing:
    moves = ((into != 0).any(axis=2) | (out != 0).any(axis=2)).astype(np.float32)
    parts = np.concatenate([into - out, into, moves[..., None]], axis=2)
    height, width = moves.shape
    rows = np.linspace(0, height, TILES[0] + 1).round().astype(int)[:-1]
    columns = np.linspace(0, width, TILES[1] + 1).round().astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(parts, rows, axis=0), columns, axis=1)
    tiles = np.asarray(sums / (height * width), np.float32).reshape(-1, 5)
    return Slowing(instant, tiles[:, :2], tiles[:, 2:4], tiles[:, 4])
