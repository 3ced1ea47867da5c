"""Faces through a film: each with an identity that lasts until it leaves or the camera cuts to somebody else.

A :class:`FaceTracker` is fed one frame after the other and tells its sinks what it saw. The mesh of a face says where
to look for it in the next frame, so the detector runs only now and then, and wherever a face was lost. It sees faces
of some 15 % of the picture's longer side; smaller ones, down to 8 %, are found in overlapping tiles: in all of them
where nobody is in sight, else in one tile with each look, in turn.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MediaError, OptionError
from genlock.core.grid import Cells
from genlock.core.progress import Progress, silent
from genlock.core.time import Exact, exact
from genlock.drawing.opencv import cv2
from genlock.extractors.face.pose import LIPS, RIGID, HeadPose, head_pose, turned_pose, upright_crop
from genlock.media import ReadOptions, VideoCell, VideoForm, read
from genlock.models.face_nets import Detection, FaceDetector, FaceMesh, Points, Region

__all__ = ["FaceOptions", "FaceTracker", "Sighting", "Sink", "squares", "watch_faces"]

Image: TypeAlias = npt.NDArray[np.uint8]

# Faces in tiles of a smaller picture would be too small for their lips to be measured.
_LEAST_TILE = 160


@dataclass(frozen=True)
class FaceOptions:
    """How faces are looked for."""

    most: int = 4
    """Faces that are followed at once, the largest first; at least 1."""
    detect_every: int = 10
    """Frames between two looks for new faces while all known ones are in sight; at least 1."""
    least_score: float = 0.5
    """What the detector must be sure of to begin a face, 0...1."""
    least_presence: float = 0.5
    """What the mesh must be sure of to keep a face, 0...1."""
    cut_level: float = 0.1
    """Mean change of the small grey picture, as a share of full scale, above which a cut is declared, 0...1."""
    join_seconds: Exact = 1
    """Who comes back sooner than this, in seconds, to the same place and looking the same, is the same face: a flash, a
    hand or a lost frame ends nobody. 0: whoever is lost is new when seen again."""

    def __post_init__(self) -> None:
        if self.most < 1 or self.detect_every < 1:
            raise OptionError(f"most={self.most} and detect_every={self.detect_every} are at least 1")
        for name in ("least_score", "least_presence", "cut_level"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name}={getattr(self, name)} lies outside 0...1")
        object.__setattr__(self, "join_seconds", exact(self.join_seconds))
        if exact(self.join_seconds) < 0:
            raise OptionError(f"join_seconds={self.join_seconds} is below zero")


@dataclass(frozen=True, eq=False)
class Sighting:
    """One face in one frame."""

    face: int
    """Identity, from 0 in order of appearance; it lasts over short gaps (:attr:`FaceOptions.join_seconds`)."""
    frame: int
    """Number of the frame within the read."""
    points: Points
    """The mesh, float32 [468, 3]: x, y in pixels of :attr:`image`, z in the same scale, smaller is nearer."""
    presence: float
    """How sure the mesh is, 0...1."""
    region: Region
    """Where it was found."""
    image: Image
    """The frame, or what was looked at of it, RGB uint8 [H, W, 3]; read-only, for sinks that cut something out."""
    fresh: bool = False
    """Whether it was not followed from the frame before: it is new, was lost for a while, or the camera cut."""
    origin: tuple[float, float] = (0.0, 0.0)
    """Where the frame begins in :attr:`image`, in its pixels, x and y: not at its corner where a part was cut out."""
    scale: tuple[float, float] = (1.0, 1.0)
    """Pixels of the frame for each pixel of :attr:`image`, across and down: what was looked at is not always the frame
    itself, but a smaller copy, or the picture of one of two eyes."""

    @property
    def in_frame(self) -> Points:
        """The mesh in pixels of the frame, z in the scale of x, float32 [468, 3]."""
        if self.origin == (0.0, 0.0) and self.scale == (1.0, 1.0):
            return self.points
        moved = self.points - np.array([*self.origin, 0.0], np.float32)
        return np.asarray(moved * np.array([*self.scale, self.scale[0]], np.float32))

    @cached_property
    def pose(self) -> HeadPose:
        """Place, size and tilt of the head."""
        return head_pose(self.points[list(RIGID)])

    @cached_property
    def lips(self) -> npt.NDArray[np.float64]:
        """:data:`~genlock.extractors.face.pose.LIPS` as they would be seen if the face looked ahead, in eye distances.

        float64 [40, 2]: the pose is taken out in space, so that lips do not seem to move as the head turns or nods.
        """
        ahead = turned_pose(self.points[list(RIGID)]).to_head(self.points[list(LIPS)])
        return ahead[:, :2]

    @cached_property
    def lips_in_plane(self) -> npt.NDArray[np.float64]:
        """The same points where they lie in the upright picture, as :attr:`pose` has it, [40, 2]: for crops of it."""
        return self.pose.to_head(self.points[list(LIPS)])


#: What is told of every face of a frame.
Sink: TypeAlias = Callable[[Sighting], None]


@dataclass(frozen=True, eq=False)
class _Face:
    """A face that is being followed, or was until a moment ago."""

    identity: int
    region: Region
    """Where to look for it next."""
    seen: Sighting
    """The last time that it was seen, ..."""
    end: Fraction
    """... until when, in exact seconds, ..."""
    picture: npt.NDArray[np.float32]
    """... and the small picture of then."""

    def is_again(self, other: _Face, cut_level: float) -> bool:
        """Whether another one is the same face come back: in the same place, and looking the same.

        Within a shot a person may turn away and back, so less likeness is asked for than across a cut. (Measured on
        talking faces and GRID: the same person half a second later .58 or more in 99 of 100, others .75 at most.)
        """
        if self.region.overlap(other.region) <= 0.3:
            return False
        same_shot = float(np.abs(self.picture - other.picture).mean()) <= cut_level
        same_shot = same_shot or _likeness(self.picture, other.picture) > 0.9
        like = _likeness(*(upright_crop(f.seen.image, f.seen.pose, (0, 0.3), 32, 1.6) for f in (self, other)))
        return like > (0.4 if same_shot else 0.8)


def _likeness(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    """Correlation of two pictures, -1...1, whatever their light and contrast."""
    a, b = (picture - picture.mean(dtype=np.float64) for picture in (one, other))
    return float((a * b).sum() / max(np.sqrt((a**2).sum() * (b**2).sum()), 1e-9))


@dataclass
class FaceTracker:
    """Follows faces; a consumer of :func:`genlock.media.read`.

    Examples
    --------
    >>> from genlock.testing import example_video
    >>> from genlock.media import read
    >>> tracker = FaceTracker()                                         # doctest: +SKIP
    >>> report = read(example_video(), [tracker])                       # doctest: +SKIP
    >>> tracker.faces, tracker.frames                                   # doctest: +SKIP
    (0, 50)
    """

    sinks: Sequence[Sink] = ()
    """Each is called once for every face of every frame, in order."""
    options: FaceOptions = field(default_factory=FaceOptions)
    """How faces are looked for."""
    form: VideoForm = field(default_factory=lambda: VideoForm(pixels="rgb24"))
    """What it asks the reader for."""

    def __post_init__(self) -> None:
        self._detector, self._mesh = FaceDetector(), FaceMesh()
        self._known: list[_Face] = []
        self._gone: list[_Face] = []
        self._small: npt.NDArray[np.float32] | None = None
        self._since = self._since_tiles = self.options.detect_every
        self._next_tile = 0
        self.cuts: list[int] = []
        """Frames that begin after a cut."""
        self.faces = 0
        """Identities given so far."""
        self.frames = 0
        """Frames seen so far."""

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""
        image = cell.pixels
        self._end, self._lost = cell.end, cell.lost
        if self._cut(image):
            self.cuts.append(self.frames)
            self._gone += self._known
            self._known = []
        before = len(self._known)
        self._follow(image)
        lost = len(self._known) < before
        self._gone = [face for face in self._gone if cell.start - face.end < exact(self.options.join_seconds)]
        self._since += 1
        if lost or self._gone or not self._known or self._since > self.options.detect_every:
            self._look(image)
        self.frames += 1

    def finish(self) -> None:
        """Nothing is left to do after the last frame."""

    @property
    def sees_somebody(self) -> bool:
        """Whether a face was seen in the last frame."""
        return bool(self._known)

    def new_identity(self) -> int:
        """An identity that nobody has, for a face that somebody else follows in the same film."""
        self.faces += 1
        return self.faces - 1

    def _cut(self, image: Image) -> bool:
        # Every n-th pixel is enough to tell shots apart, and averaging a large picture costs as much as the mesh.
        step = max(1, min(image.shape[0] // 72, image.shape[1] // 128))
        sparse = np.ascontiguousarray(image[::step, ::step])
        small = (
            cv2.resize(sparse, (32, 18), interpolation=cv2.INTER_AREA).mean(axis=2, dtype=np.float32) / 255
        )
        before, self._small = self._small, small
        return before is not None and float(np.abs(small - before).mean()) > self.options.cut_level

    def _follow(self, image: Image) -> None:
        """Find the known faces again, the largest first; those that are lost are gone."""
        kept: list[_Face] = []
        for face in sorted(self._known, key=lambda f: -f.region.side):
            found = self._see(image, face.region, kept, face)
            (kept if found is not None else self._gone).append(found or face)
        self._known = kept

    def _look(self, image: Image) -> None:
        """Ask the detector for faces that are not known yet."""
        self._since = 0
        self._begin(image, self._detector.detect(image, self.options.least_score))
        tiles = _tiles(image)
        if self._known:
            tiles = tiles[self._next_tile % len(tiles) :][:1] if tiles else []
            self._next_tile += 1
        elif self._since_tiles < self.options.detect_every:
            self._since_tiles += 1
            tiles = []
        else:
            self._since_tiles = 0
        for left, top, side in tiles:
            part = np.ascontiguousarray(image[top : top + side, left : left + side])
            found = self._detector.detect(part, self.options.least_score)
            self._begin(image, [detection.moved(left, top) for detection in found])

    def _begin(self, image: Image, found: Sequence[Detection]) -> None:
        """Follow the detected faces that are not known yet, the largest first, while there is room."""
        for detection in sorted(found, key=lambda d: -d.region().side):
            region = detection.region()
            taken = any(region.overlap(face.region) > 0.3 for face in self._known)
            if taken or len(self._known) >= self.options.most:
                continue
            seen = self._see(image, region, self._known)
            if seen is not None:
                self._known.append(seen)

    def _see(
        self, image: Image, region: Region, others: Sequence[_Face], followed: _Face | None = None
    ) -> _Face | None:
        """Fit the mesh and tell the sinks; None where there is no face, or it is one of the others."""
        points, presence = self._mesh.points(image, region)
        following = Region.of_mesh(points)
        doubled = any(following.overlap(face.region) > 0.5 for face in others)
        if presence < self.options.least_presence or doubled or following.side < 8:
            return None
        assert self._small is not None
        identity = self.faces if followed is None else followed.identity
        sighting = Sighting(identity, self.frames, points, presence, region, image, followed is None)
        face = _Face(identity, following, sighting, self._end, self._small)
        if followed is None:
            face = self._named(face)
        for sink in () if self._lost else self.sinks:
            sink(face.seen)
        return face

    def _named(self, face: _Face) -> _Face:
        """A face that was not followed: one that is back, under its old identity, or a new one."""
        for gone in sorted(self._gone, key=lambda gone: -gone.end):
            if gone.is_again(face, self.options.cut_level):
                self._gone.remove(gone)
                return replace(face, identity=gone.identity, seen=replace(face.seen, face=gone.identity))
        self.faces += 1
        return face


def watch_faces(
    file: str | os.PathLike[str],
    sinks: Sequence[Sink],
    options: FaceOptions | None = None,
    reading: ReadOptions | None = None,
    progress: Progress = silent,
) -> Cells:
    """Tell sinks of every face of a video; gives the cells of its frames.

    Raises
    ------
    NoStream, MediaError
        If the file has no picture, or cannot be read.
    MissingModel
        If the face models are not here: ``genlock models fetch``.
    """
    tracker = FaceTracker(sinks, options or FaceOptions())
    report = read(file, [tracker], reading, lambda done, total: progress("faces", done, total))
    if report.cells is None:
        raise MediaError(f"{os.fspath(file)!r} has no frame in the part that was asked for")
    return report.cells


def _tiles(image: Image) -> list[tuple[int, int, int]]:
    """Squares of half the longer side; none where they would be small."""
    height, width = image.shape[:2]
    side = min(max(height, width) // 2, height, width)
    return [] if side < _LEAST_TILE else squares(image, side)


def squares(image: Image, side: int) -> list[tuple[int, int, int]]:
    """Left, top and side of squares that cover an image and overlap by half.

    >>> squares(np.zeros((90, 160, 3), np.uint8), 80)[:3]
    [(0, 0, 80), (40, 0, 80), (80, 0, 80)]
    """
    height, width = image.shape[:2]
    side = min(side, height, width)
    lefts, tops = (
        np.linspace(0, length - side, 1 + -(-2 * (length - side) // side)).astype(int).tolist()
        for length in (width, height)
    )
    return [(left, top, side) for top in tops for left in lefts]
