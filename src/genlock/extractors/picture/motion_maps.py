"""What moves by itself around each frame of a film, as small maps: velocity into the frame and out of it, and change.

The camera's own movement is fitted to the whole picture and taken off first. Velocities are picture heights per
second, so that neither the size of the picture nor the frame rate is in them. Something that is hit, or hits, has
another velocity after a frame than before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Cells
from genlock.core.one_line import one_line
from genlock.core.track import Track
from genlock.drawing.opencv import cv2
from genlock.extractors.base import PictureFeature, PictureStream, Pixels, Row
from genlock.media import VideoCell, VideoForm

__all__ = [
    "CHANNELS",
    "LEAST_STEP",
    "MAP_FORM",
    "MAP_SHAPE",
    "MotionMapper",
    "MotionMaps",
    "MotionMapsFeature",
    "instant_of",
]

Grey: TypeAlias = npt.NDArray[np.uint8]
Array: TypeAlias = npt.NDArray[np.float32]

#: Rows and columns of a map.
MAP_SHAPE = (12, 16)
#: What the maps show, in their order. ``change`` is of grey, in standard deviations of the picture's own grey; across
#: is from the frame before to the frame after. The last four are the same everywhere.
CHANNELS = (
    "into x",
    "into y",
    "out x",
    "out y",
    "into area",
    "out area",
    "into speed",
    "out speed",
    "change before",
    "change after",
    "change across",
    "seconds before",
    "seconds after",
    "camera before",
    "camera after",
)
#: The frames that are looked at.
MAP_FORM = VideoForm(longest_side=160, pixels="gray")
#: Cameras open the shutter at a frame's stamp, for a part of its time: its middle is taken to lie there.
FRAME_INSTANT = Fraction(1, 6)
#: Seconds; frames nearer together are passed over: a thing that moves slowly moves by no pixel from one to the next.
LEAST_STEP = Fraction(1, 45)
_SCALARS = 4
# Of x, y, area and speed, what movement back changes its sign of: the first two.
_TURNED = np.array([1, 1, -1, -1], np.float32)
# Frames whose maps may still come.
_WAITING = 16
# Differences of grey below this are noise and compression.
_NOISE = 9
# Movement below this is none, in pixels of the small picture per frame.
_LEAST_PIXELS = 0.35
# A frame of which more than this share is unlike the one before begins another shot.
_CUT_SHARE = 0.55
_LEAST_PLACES = 12
_AROUND = np.ones((5, 5), np.uint8)


@dataclass(frozen=True, eq=False)
class MotionMaps:
    """What happens around one frame."""

    instant: Fraction
    """When the frame was taken, in exact seconds."""
    maps: Array
    """[rows, columns, channels], see :data:`CHANNELS`."""

    __repr__ = one_line


@dataclass(frozen=True)
class _Step:
    """From one frame to the next."""

    seconds: float
    out: Array
    """Own movement of the pixels of the first frame: x, y, area, speed, [H/2, W/2, 4]."""
    into: Array
    """The same of the pixels of the second frame."""
    change: Grey
    """Grey that changed, [H, W], at the pixels of the second frame, camera taken off."""
    way: npt.NDArray[np.float64]
    """Affine way of the camera from the second frame to the first, [2, 3], in pixels."""
    camera: float


class MotionMapper:
    """Takes small grey frames with their instants; gives maps of each but the first and the last of a shot.

    >>> mapper, maps = MotionMapper(), None
    >>> for k in range(4):
    ...     frame = np.full((60, 80), 90, np.uint8)
    ...     frame[10 + 6 * k : 30 + 6 * k, 20:40] = 200
    ...     maps = mapper.push(Fraction(k, 25), frame) or maps
    >>> maps.instant, maps.maps.shape, bool(maps.maps[..., 1].sum() > 0.5)
    (Fraction(2, 25), (12, 16, 15), True)
    """

    def __init__(self) -> None:
        self._flow: Any = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)  # type: ignore[attr-defined]
        self._frames: list[tuple[Fraction, Grey]] = []
        self._step: _Step | None = None
        self.cuts = 0
        """How often another shot began."""

    def push(self, instant: Fraction, frame: Grey) -> MotionMaps | None:
        """Take the next frame; gives the maps of the frame before it, once there are three in this shot.

        A frame that comes less than 1/45 s after the one before is passed over.
        """
        if self._frames and 0 <= instant - self._frames[-1][0] < LEAST_STEP:
            return None
        smooth = np.asarray(cv2.GaussianBlur(frame, (3, 3), 0), np.uint8)
        self._frames = [*self._frames[-2:], (instant, smooth)]
        if len(self._frames) < 2:
            return None
        (earlier, first), (now, second) = self._frames[-2:]
        if _is_cut(first, second):
            self.cuts += 1
            self._frames, self._step = self._frames[-1:], None
            return None
        before, self._step = self._step, self._step_between(first, second, float(now - earlier))
        if before is None:
            return None
        return self._maps(earlier, before, self._step)

    def _step_between(self, first: Grey, second: Grey, seconds: float) -> _Step:
        height, width = first.shape
        # The flow is measured at a quarter of the size; half of it holds all that it knows.
        back, forth = (
            _halved(self._flow.calc(one, two, None)) for one, two in ((second, first), (first, second))
        )
        way = _camera(back)
        change = np.asarray(cv2.absdiff(second, _moved(first, way)), np.uint8)
        moving = np.asarray(cv2.dilate((change > _NOISE).astype(np.uint8), _AROUND), np.uint8)
        size = (width // 2, height // 2)
        half = np.asarray(cv2.resize(moving, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        scale = np.float32(1 / (seconds * height))
        middle = np.array([width / 2, height / 2, 1.0])
        speed = float(np.hypot(*(way @ middle - middle[:2]))) * float(scale)
        away = np.asarray(cv2.invertAffineTransform(way), np.float64)
        return _Step(
            seconds,
            _alone(forth, away, half, scale),
            -_alone(back, way, half, scale) * _TURNED,
            change,
            way,
            speed,
        )

    def _maps(self, instant: Fraction, before: _Step, after: _Step) -> MotionMaps:
        first, middle, last = (frame for _, frame in self._frames)
        way = np.vstack([before.way, [0, 0, 1]]) @ np.vstack([after.way, [0, 0, 1]])
        across = np.asarray(cv2.absdiff(last, _moved(first, way[:2])), np.uint8)
        contrast = np.float32(1 / max(float(middle.std()), 8.0))
        into, out = _pooled(before.into), _pooled(after.out)
        changes = (
            np.stack([_pooled(each) for each in (before.change, after.change, across)], axis=2) * contrast
        )
        told = np.array([before.seconds, after.seconds, before.camera, after.camera], np.float32)
        # Of each movement: x, y, area, speed.
        both = (into[..., :2], out[..., :2], into[..., 2:3], out[..., 2:3], into[..., 3:], out[..., 3:])
        maps = np.concatenate([*both, changes, np.broadcast_to(told, (*MAP_SHAPE, _SCALARS))], axis=2)
        return MotionMaps(instant, maps)


def instant_of(cell: VideoCell, where: Fraction = FRAME_INSTANT) -> Fraction:
    """When a frame was taken that is shown over a cell."""
    return cell.start + where * (cell.end - cell.start)


class _MapStream(PictureStream):
    """Feeds :class:`MotionMapsFeature`: a frame's maps are known when the next frame is there."""

    def __init__(self, feature: MotionMapsFeature) -> None:
        super().__init__(feature)
        self._mapper = MotionMapper()
        self._numbers: dict[Fraction, int] = {}

    def push(self, cell: VideoCell) -> None:
        """Take the next frame. Rows of the first and the last frame of a shot are invalid, and of lost ones."""
        if cell.lost:
            self._lost.append(len(self._cells))
        instant = instant_of(cell)
        self._numbers[instant] = len(self._cells)
        self._cells.add(cell)
        self._rows.append(None)
        found = self._mapper.push(instant, cell.pixels)
        if found is not None and found.instant in self._numbers:
            self._rows[self._numbers[found.instant]] = found.maps
        while len(self._numbers) > _WAITING:
            del self._numbers[next(iter(self._numbers))]

    def take(self, cells: Cells | None = None) -> Track | None:
        """The Track of the frames since the last take; the maps of its last frame are not known, and invalid."""
        track = super().take(cells)
        self._numbers.clear()
        return track

    def _run(self) -> None:
        """Nothing waits: frames are looked at one by one."""


class MotionMapsFeature(PictureFeature):
    """Maps of what moves by itself around each frame, float32 [T, 12, 16, 15]: ``motion``, see :data:`CHANNELS`.

    Rows are those of the film's own frames; where more than 45 come in a second, those between are invalid.
    """

    name = "motion"
    form = MAP_FORM
    value_shape: tuple[int, ...] | None = (*MAP_SHAPE, len(CHANNELS))
    unit = "picture heights per second"

    def at(self, rate: Fraction, how: object = None) -> None:
        """Refused: motion is measured between the film's own frames."""
        raise OptionError(
            f"the feature 'motion' is measured between a film's own frames, not {rate} times a second"
        )

    def kernel(self) -> Callable[[list[Pixels]], list[Row]]:
        """Nothing: without instants of frames there is no velocity; :meth:`open` looks at each frame as it comes."""
        return lambda frames: [None] * len(frames)

    def open(self) -> PictureStream:
        """Begin a film."""
        return _MapStream(self)


def _pooled(picture: Array | Grey) -> Array:
    picture = picture.astype(np.float32, copy=False)
    return np.asarray(cv2.resize(picture, MAP_SHAPE[::-1], interpolation=cv2.INTER_AREA), np.float32)


def _halved(flow: Array) -> Array:
    height, width = flow.shape[:2]
    return np.asarray(cv2.resize(flow, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.float32)


def _moved(frame: Grey, way: npt.NDArray[np.float64]) -> Grey:
    """A frame as the camera saw it where the way leads from."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(frame, way, frame.shape[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _is_cut(first: Grey, second: Grey) -> bool:
    small = [cv2.resize(f, (16, 12), interpolation=cv2.INTER_AREA) for f in (first, second)]
    return float((cv2.absdiff(*small) > 30).mean()) > _CUT_SHARE


def _camera(flow: Array) -> npt.NDArray[np.float64]:
    """The affine way [2, 3], in pixels of the whole picture, that most of a flow follows."""
    points = flow[2::4, 2::4].astype(np.float64)
    height, width = points.shape[:2]
    ys, xs = (8.0 * np.indices((height, width)) + 5).reshape(2, -1)
    values = points.reshape(-1, 2)
    places = np.stack([xs, ys, np.ones(xs.size)], 1)
    fit = np.zeros((3, 2))
    fit[2] = np.median(values, axis=0)
    for _ in range(3):
        error = np.abs(values - places @ fit).sum(axis=1)
        kept = error <= max(float(np.median(error)) * 2.5, 0.3)
        if kept.sum() < _LEAST_PLACES:
            break
        some = places[kept]
        fit = np.linalg.solve(some.T @ some + 1e-6 * np.eye(3), some.T @ values[kept])
    return np.asarray(fit.T + np.eye(2, 3))


def _alone(flow: Array, way: npt.NDArray[np.float64], moving: Grey, scale: np.float32) -> Array:
    """The flow without that of the camera, the area that moves by itself, and its speed, [h, w, 4]; zero elsewhere."""
    height, width = flow.shape[:2]
    camera = (way - np.eye(2, 3)).astype(np.float32)
    columns, rows = (
        2 * np.arange(width, dtype=np.float32) + 0.5,
        2 * np.arange(height, dtype=np.float32)[:, None] + 0.5,
    )
    x, y = (
        flow[..., axis] - (camera[axis, 0] * columns + camera[axis, 2]) - camera[axis, 1] * rows
        for axis in range(2)
    )
    speed = np.sqrt(x * x + y * y)
    area = ((speed >= _LEAST_PIXELS) & (moving > 0)).astype(np.float32)
    fast = area * scale
    return np.stack([x * fast, y * fast, area, speed * fast], axis=2)
