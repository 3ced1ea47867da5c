"""Mouths: upright grey crops of one size, and what of them can be told in a number: opening, width, motion."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Cells
from genlock.core.progress import Progress, silent
from genlock.core.track import Track
from genlock.extractors.face.pose import RIGID, HeadPose, head_pose
from genlock.extractors.face.tracking import FaceOptions, Sighting, watch_faces
from genlock.extractors.frame_cells import between_frames, run_of_frames
from genlock.media import ReadOptions

__all__ = [
    "CROP_EYE_DISTANCES",
    "LIPS",
    "FaceMouth",
    "Mouth",
    "MouthSink",
    "MouthWatcher",
    "aperture_of",
    "extract_mouths",
    "mouth_crop",
    "mouth_motion",
    "width_of",
]

Image: TypeAlias = npt.NDArray[np.uint8]

#: The lips: outer ring, then inner ring, each from the person's right corner over the upper lip and back.
LIPS: tuple[int, ...] = (
    61,
    185,
    40,
    39,
    37,
    0,
    267,
    269,
    270,
    409,
    291,
    375,
    321,
    405,
    314,
    17,
    84,
    181,
    91,
    146,
    78,
    191,
    80,
    81,
    82,
    13,
    312,
    311,
    310,
    415,
    308,
    324,
    318,
    402,
    317,
    14,
    87,
    178,
    88,
    95,
)
#: Side of a mouth crop in distances between the outer corners of the eyes: twice the width of a closed mouth.
CROP_EYE_DISTANCES = 1.2

_RIGID_ROWS, _LIP_ROWS = list(RIGID), list(LIPS)
# Where the inner lips' middle thirds lie among LIPS, upper above lower, and the corners of the mouth.
_UPPER, _LOWER = [LIPS.index(k) for k in (82, 13, 312)], [LIPS.index(k) for k in (87, 14, 317)]
_CORNERS = (LIPS.index(61), LIPS.index(291))
# The crop's middle follows the mouth so slowly (a time constant of 25 frames) that speech does not move it.
_FOLLOW = 1 / 25


@dataclass(frozen=True, eq=False)
class Mouth:
    """The mouth of one face in one frame."""

    face: int
    """Identity of the face."""
    frame: int
    """Number of the frame within the read."""
    lips: npt.NDArray[np.float32]
    """:data:`LIPS` with the head's pose removed, float32 [40, 2], in eye distances."""
    eye_pixels: float
    """Size of the face: pixels for each eye distance."""
    crop: Image
    """The upright mouth, grey, uint8 [side, side]."""
    motion: float | None
    """Mean absolute change of the crop against the frame before, 0...1; None if the face was not seen in it."""


#: Who is told of mouths.
Teller: TypeAlias = Callable[[Mouth], None]


class MouthWatcher:
    """Tells of the mouth of every face that a :class:`~genlock.extractors.face.tracking.FaceTracker` sees.

    Parameters
    ----------
    tell : called with each :class:`Mouth`, in order
    side : side of the crops in pixels, 16...512
    """

    def __init__(self, tell: Teller, side: int = 48) -> None:
        if not 16 <= side <= 512:
            raise OptionError(f"a mouth crop of {side} pixels is outside 16...512")
        self.tell, self.side = tell, side
        self._last: dict[int, tuple[int, Image, npt.NDArray[np.float64]]] = {}

    def __call__(self, sighting: Sighting) -> None:
        """Take one face of one frame."""
        pose = head_pose(sighting.points[_RIGID_ROWS])
        lips = pose.to_head(sighting.points[_LIP_ROWS])
        frame, before, middle = self._last.get(sighting.face, (None, None, None))
        middle = lips.mean(axis=0) if middle is None else middle + _FOLLOW * (lips.mean(axis=0) - middle)
        crop = mouth_crop(sighting.image, pose, middle, self.side)
        motion = None if before is None or frame != sighting.frame - 1 else mouth_motion(crop, before)
        self._forget(sighting.frame)
        self._last[sighting.face] = (sighting.frame, crop, middle)
        self.tell(
            Mouth(sighting.face, sighting.frame, lips.astype(np.float32), float(pose.scale), crop, motion)
        )

    def _forget(self, frame: int) -> None:
        """Faces that have been away for long do not come back under the same number."""
        for face in [face for face, (seen, _, _) in self._last.items() if seen < frame - 100]:
            del self._last[face]


def mouth_crop(image: Image, pose: HeadPose, middle: npt.ArrayLike, side: int = 48) -> Image:
    """The mouth, upright and always of the same size on the face, grey, uint8 [side, side].

    Parameters
    ----------
    image : RGB, uint8 [H, W, 3]; beyond its edges the last pixel is repeated
    pose : the head's, in this image
    middle : centre of the crop in eye distances, [2], as :meth:`HeadPose.to_head` gives
    side : pixels; a side is :data:`CROP_EYE_DISTANCES` long
    """
    per_pixel = CROP_EYE_DISTANCES / side
    # Where a pixel of the crop covers several of the image, it is their mean, not one of them.
    finer = min(8, max(1, round(per_pixel * float(pose.scale))))
    turn = complex(pose.turn) * per_pixel / finer
    x, y = np.asarray(middle, np.float64)
    centre = complex(pose.origin) + complex(pose.turn) * complex(x, y)
    # From the middles of the crop's pixels to those of the image's, which OpenCV numbers from zero.
    corner = centre - turn * complex(side * finer, side * finer) / 2 + turn * (0.5 + 0.5j) - (0.5 + 0.5j)
    matrix = np.array([[turn.real, -turn.imag, corner.real], [turn.imag, turn.real, corner.imag]])
    crop = cv2.warpAffine(
        image,
        matrix,
        (side * finer, side * finer),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if finer > 1:
        crop = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))


def aperture_of(lips: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Opening between the inner lips, [..., 40, 2] to float32 [...], in the same unit.

    The mean over the middle and both thirds; 0 where the lips touch, never below.
    """
    gap = (lips[..., _LOWER, :] - lips[..., _UPPER, :]).mean(axis=-2)
    return np.asarray(np.maximum(gap[..., 1], 0), dtype=np.float32)


def width_of(lips: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Distance between the corners of the mouth, [..., 40, 2] to float32 [...], in the same unit."""
    across = lips[..., _CORNERS[1], :] - lips[..., _CORNERS[0], :]
    return np.asarray(np.hypot(across[..., 0], across[..., 1]), dtype=np.float32)


def mouth_motion(crop: Image, before: Image) -> float:
    """Mean absolute change of a crop against the one before, 0...1."""
    return float(cv2.norm(crop, before, cv2.NORM_L1)) / (255 * crop.size)


@dataclass(frozen=True)
class FaceMouth:
    """The mouth of one face through a film, from its first frame to its last; invalid where it was lost."""

    face: int
    """Identity, from 0 in order of appearance."""
    first_frame: int
    """Number of the frame in which it appears."""
    crop: Track
    """Grey crops, uint8 [T, side, side]."""
    lips: Track
    """:data:`LIPS` with pose removed, float32 [T, 40, 2], in eye distances."""
    aperture: Track
    """Opening between the inner lips, float32 [T], in eye distances."""
    width: Track
    """Distance between the corners of the mouth, float32 [T], in eye distances."""
    motion: Track
    """Mean absolute change of the crop against the frame before, float32 [T], 0...1; on cells *between* the frames,
    see :func:`~genlock.extractors.frame_cells.between_frames`. Crops of 96 pixels show a little more of a picture's
    noise than those of 48."""


class MouthSink:
    """Collects the mouths that a face tracker sees; 9 kB a frame and face at 96."""

    def __init__(self, side: int = 96) -> None:
        self._watch = MouthWatcher(self._keep, side)
        self._mouths: dict[int, list[Mouth]] = {}

    def __call__(self, sighting: Sighting) -> None:
        """Take one face of one frame."""
        self._watch(sighting)

    def _keep(self, mouth: Mouth) -> None:
        self._mouths.setdefault(mouth.face, []).append(mouth)

    def mouths(self, cells: Cells) -> list[FaceMouth]:
        """All mouths, each on its part of the video's cells."""
        return [_through(face, mouths, cells) for face, mouths in self._mouths.items()]


def _through(face: int, mouths: list[Mouth], cells: Cells) -> FaceMouth:
    first, length = mouths[0].frame, mouths[-1].frame - mouths[0].frame + 1
    rows = np.array([mouth.frame for mouth in mouths]) - first
    part = run_of_frames(cells, first, length)
    seen, moved = np.zeros(length, bool), np.zeros(length, bool)
    crops = np.zeros((length, *mouths[0].crop.shape), np.uint8)
    lips, motion = np.zeros((length, len(LIPS), 2), np.float32), np.zeros(length, np.float32)
    seen[rows], moved[rows] = True, [mouth.motion is not None for mouth in mouths]
    crops[rows] = [mouth.crop for mouth in mouths]
    lips[rows] = [mouth.lips for mouth in mouths]
    motion[rows] = [mouth.motion or 0.0 for mouth in mouths]
    return FaceMouth(
        face=face,
        first_frame=first,
        crop=Track(crops, part, seen, name="mouth"),
        lips=Track(lips, part, seen, name="lips", unit="eye distances"),
        aperture=Track(aperture_of(lips), part, seen, name="aperture", unit="eye distances"),
        width=Track(width_of(lips), part, seen, name="width", unit="eye distances"),
        motion=Track(motion, between_frames(part), moved, name="mouth motion"),
    )


def extract_mouths(
    file: str | os.PathLike[str],
    options: FaceOptions | None = None,
    reading: ReadOptions | None = None,
    side: int = 96,
    progress: Progress = silent,
) -> list[FaceMouth]:
    """The mouth of every face of a video, on the video's own cells; all in memory.

    Parameters
    ----------
    side : pixels of the crops, 16...512

    Raises
    ------
    NoStream, MediaError
        If the file has no picture, or cannot be read.
    MissingModel
        If the face models are not here: ``genlock models fetch``.
    """
    sink = MouthSink(side)
    return sink.mouths(watch_faces(file, [sink], options, reading, progress))
