"""Mouths: upright grey crops of one size, and what of them can be told in a number: opening, width, motion."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.progress import Progress, silent
from genlock.core.track import Track
from genlock.drawing.opencv import cv2
from genlock.extractors.base import FaceFeature, Row
from genlock.extractors.face.landmarks import Landmarks
from genlock.extractors.face.pose import LIPS, HeadPose, upright_crop
from genlock.extractors.face.published_mouth import PublishedCrops, read_mean_face
from genlock.extractors.face.rows import FaceRows
from genlock.extractors.face.syncnet_face import FACE_PIXELS, FaceSquares
from genlock.extractors.face.tracking import FaceOptions, Sighting, watch_faces
from genlock.extractors.frame_cells import run_of_frames
from genlock.extractors.spec import FeatureSpec
from genlock.media import ReadOptions

__all__ = [
    "CROP_EYE_DISTANCES",
    "LIPS",
    "FaceMouth",
    "Mouth",
    "MouthOptions",
    "MouthWatcher",
    "aperture_of",
    "extract_mouths",
    "mouth_crop",
    "mouth_crops",
    "mouth_motion",
    "width_of",
]

Image: TypeAlias = npt.NDArray[np.uint8]

#: Side of a mouth crop in distances between the outer corners of the eyes: twice the width of a closed mouth.
CROP_EYE_DISTANCES = 1.2

# Where the inner lips' middle thirds lie among LIPS, upper above lower, and the corners of the mouth.
_UPPER, _LOWER = [LIPS.index(k) for k in (82, 13, 312)], [LIPS.index(k) for k in (87, 14, 317)]
_CORNERS = (LIPS.index(61), LIPS.index(291))
# The crop's middle follows the mouth so slowly (a time constant of 25 frames) that speech does not move it.
_FOLLOW = 1 / 25


@dataclass(frozen=True)
class MouthOptions:
    """Options say what of a mouth is wanted."""

    what: Literal["crop", "aperture", "width", "shape", "motion", "avhubert", "syncnet"] = "crop"
    """``crop``: the upright grey mouth, uint8 [side, side]. ``aperture``: opening between the inner lips. ``width``:
    distance between the corners. ``shape``: both, [2]. ``motion``: mean absolute change of the crop between two
    frames, 0...1. ``avhubert``: the crop in the published way of AV-HuBERT
    (:mod:`genlock.extractors.face.published_mouth`). ``syncnet``: the whole face in that of SyncNet, RGB uint8
    [side, side, 3] (:mod:`genlock.extractors.face.syncnet_face`)."""
    side: int = 96
    """Side of the crop in pixels, 16...512."""
    mean_face: str = ""
    """File of the published mean face, ``20words_mean_face.npy``, for ``avhubert``; empty: our own upright face."""

    def __post_init__(self) -> None:
        if not 16 <= self.side <= 512:
            raise OptionError(f"a mouth crop of {self.side} pixels is outside 16...512")


_CROPS = ("crop", "avhubert", "syncnet")
# Crops of a side that is named, made in a published way.
_PUBLISHED = {"avhubert": 96, "syncnet": FACE_PIXELS}
# Motion is as the sync estimators see it, at 48 pixels.
_PRESETS: Mapping[str, MouthOptions] = MappingProxyType(
    {
        "crop": MouthOptions(),
        "aperture": MouthOptions("aperture"),
        "width": MouthOptions("width"),
        "shape": MouthOptions("shape"),
        "motion": MouthOptions("motion", 48),
        "avhubert": MouthOptions("avhubert"),
        "syncnet": MouthOptions("syncnet", FACE_PIXELS),
    }
)


class Mouth(FaceFeature):
    """The mouth of each face, of which the head's pose is removed.

    ``mouth`` and ``mouth/48`` are crops, uint8 [T, 96, 96] or [T, 48, 48]; ``mouth:avhubert/96`` are the crops that
    public weights of AV-HuBERT were trained on (``mouth:avhubert:FILE.npy/96`` with the published mean face),
    ``mouth:syncnet/224`` the whole faces of SyncNet's, RGB uint8 [T, 224, 224, 3]. Presets say
    what can be told in a number: ``aperture`` and ``width``, float32 [T] in eye distances, ``shape`` (both,
    [T, 2]) and ``motion`` (between frames).
    """

    presets: ClassVar[Mapping[str, MouthOptions]] = _PRESETS

    def __init__(self, options: MouthOptions = _PRESETS["crop"]) -> None:
        self.options, what = options, options.what
        self.name = "mouth" if what == "crop" else f"mouth:{what}"
        self.between = what == "motion"
        self.unit = "" if what in (*_CROPS, "motion") else "eye distances"
        self.value_shape = _value_shape(options)
        self.dtype = np.uint8 if what in _CROPS else np.float32

    @classmethod
    def of_spec(cls, spec: FeatureSpec) -> Self:
        """A preset, or ``mouth/SIDE``."""
        cls.check(spec)
        side, (preset, _, mean_face) = spec.size, spec.variant.partition(":")
        if preset in _PUBLISHED and not (preset == "syncnet" and mean_face):
            what: Literal["avhubert", "syncnet"] = "syncnet" if preset == "syncnet" else "avhubert"
            feature = cls(MouthOptions(what, _PUBLISHED[what] if side is None else side[0], mean_face))
        else:
            feature = cls(cls.preset(spec) if side is None else MouthOptions("crop", side[0]))
        feature.rate, feature.name = spec.rate, spec.text
        return feature

    @classmethod
    def check(cls, spec: FeatureSpec) -> None:
        """Raise OptionError for another preset, or a crop that is not square."""
        published = spec.variant.partition(":")[0] == "avhubert" or spec.variant == "syncnet"
        if not published:
            cls.preset(spec)
        spec.require_only("variant", "rate", *(() if spec.variant and not published else ("size",)))
        if spec.size is not None and spec.size[0] != spec.size[1]:
            raise OptionError(f"{spec.text!r}: a mouth crop is square; say mouth/96")

    @classmethod
    def weights_of(cls, spec: FeatureSpec) -> str | None:
        """The file of the mean face, if it names one."""
        return spec.variant.partition(":")[2] or None

    def open(self) -> Callable[[Sighting], Row]:
        """Crops follow each mouth slowly, and motion needs the frame before."""
        watch, what = MouthWatcher(self.options.side), self.options.what
        if what == "avhubert":
            named = self.options.mean_face
            return PublishedCrops(self.options.side, read_mean_face(named) if named else None)
        if what == "syncnet":
            return FaceSquares(self.options.side)
        if what == "crop":
            return lambda face: watch(face)[0]
        if what == "motion":
            return lambda face: _moved(watch(face)[1])
        return {"aperture": _aperture, "width": _width, "shape": _shape}[what]


def _value_shape(options: MouthOptions) -> tuple[int, ...]:
    if options.what not in _CROPS:
        return (2,) if options.what == "shape" else ()
    return (options.side, options.side, *((3,) if options.what == "syncnet" else ()))


def _moved(motion: float | None) -> Row:
    return None if motion is None else np.array(motion, np.float32)


def _aperture(face: Sighting) -> Row:
    return aperture_of(face.lips.astype(np.float32))


def _width(face: Sighting) -> Row:
    return width_of(face.lips.astype(np.float32))


def _shape(face: Sighting) -> Row:
    lips = face.lips.astype(np.float32)
    return np.stack([aperture_of(lips), width_of(lips)])


def mouth_crops(text: str) -> Mouth:
    """The crops that a feature names, ``mouth/96`` or ``mouth:avhubert/96``.

    Raises OptionError if it names no crops.

    >>> mouth_crops("mouth:avhubert/96").value_shape
    (96, 96)
    """
    spec = FeatureSpec.parse(text)
    if spec.name == "mouth":
        made = Mouth.of_spec(spec)
        if made.options.what in _CROPS:
            return made
    raise OptionError(
        f"{text!r} names no crops of mouths; say mouth/96, mouth:avhubert/96 or mouth:syncnet/224"
    )


class MouthWatcher:
    """Crops the mouth of every face of a film, frame by frame.

    Parameters
    ----------
    side : side of the crops in pixels
    """

    def __init__(self, side: int = 48) -> None:
        self.side = side
        self._last: dict[int, tuple[int, Image, npt.NDArray[np.float64]]] = {}

    def __call__(self, face: Sighting) -> tuple[Image, float | None]:
        """The upright grey mouth of one face of one frame, uint8 [side, side], and its mean absolute change against
        the frame before, 0...1; None if the face was not followed from there."""
        frame, before, middle = self._last.get(face.face, (None, None, None))
        now = face.lips_in_plane.mean(axis=0)
        middle = now if middle is None else middle + _FOLLOW * (now - middle)
        crop = mouth_crop(face.image, face.pose, middle, self.side)
        followed = before is not None and frame == face.frame - 1 and not face.fresh
        self._forget(face.frame)
        self._last[face.face] = (face.frame, crop, middle)
        return crop, mouth_motion(crop, before) if followed and before is not None else None

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
    return upright_crop(image, pose, middle, side, CROP_EYE_DISTANCES)


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
    lips = Landmarks(Landmarks.presets["lips"])
    of_mouth = [Mouth(MouthOptions(what, side)) for what in ("crop", "aperture", "width", "motion")]
    rows = FaceRows([lips, *of_mouth])
    cells = watch_faces(file, [rows], options, reading, progress)
    found = []
    for face in rows.faces():
        run = rows.run(face)
        part = run_of_frames(cells, run.start, len(run))
        tracks = [rows.track(face, feature, run, part) for feature in rows.features]
        found.append(FaceMouth(face, run.start, tracks[1], tracks[0], *tracks[2:]))
    return found
