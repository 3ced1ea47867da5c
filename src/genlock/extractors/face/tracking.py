"""Faces through a film: each with an identity that lasts until it leaves or the camera cuts.

A :class:`FaceTracker` is fed one frame after the other and tells its sinks what it saw. The mesh of a face says where
to look for it in the next frame, so the detector runs only now and then, and wherever a face was lost. It sees faces
of some 15 % of the picture's longer side; smaller ones, down to 8 %, are found in overlapping tiles: in all of them
where nobody is in sight, else in one tile with each look, in turn.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from genlock.core.errors import MediaError, OptionError
from genlock.core.grid import Cells
from genlock.core.progress import Progress, silent
from genlock.media import ReadOptions, VideoCell, VideoForm, read
from genlock.models.face_nets import Detection, FaceDetector, FaceMesh, Points, Region

__all__ = ["FaceOptions", "FaceTracker", "Sighting", "watch_faces"]

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

    def __post_init__(self) -> None:
        if self.most < 1 or self.detect_every < 1:
            raise OptionError(f"most={self.most} and detect_every={self.detect_every} are at least 1")
        for name in ("least_score", "least_presence", "cut_level"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name}={getattr(self, name)} lies outside 0...1")


@dataclass(frozen=True, eq=False)
class Sighting:
    """One face in one frame."""

    face: int
    """Identity, from 0 in order of appearance; a cut ends all identities."""
    frame: int
    """Number of the frame within the read."""
    points: Points
    """The mesh, float32 [468, 3]: x, y in pixels of the frame, z in the same scale, smaller is nearer."""
    presence: float
    """How sure the mesh is, 0...1."""
    region: Region
    """Where it was found."""
    image: Image
    """The frame, RGB uint8 [H, W, 3]; read-only, for sinks that cut something out of it."""


#: What is told of every face of a frame.
Sink: TypeAlias = Callable[[Sighting], None]


@dataclass
class _Face:
    """A face that is being followed."""

    identity: int
    region: Region


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
        if self._cut(image):
            self.cuts.append(self.frames)
            self._known = []
        lost = self._follow(image)
        self._since += 1
        if lost or not self._known or self._since > self.options.detect_every:
            self._look(image)
        self.frames += 1

    def finish(self) -> None:
        """Nothing is left to do after the last frame."""

    def _cut(self, image: Image) -> bool:
        # Every n-th pixel is enough to tell shots apart, and averaging a large picture costs as much as the mesh.
        step = max(1, min(image.shape[0] // 72, image.shape[1] // 128))
        sparse = np.ascontiguousarray(image[::step, ::step])
        small = (
            cv2.resize(sparse, (32, 18), interpolation=cv2.INTER_AREA).mean(axis=2, dtype=np.float32) / 255
        )
        before, self._small = self._small, small
        return before is not None and float(np.abs(small - before).mean()) > self.options.cut_level

    def _follow(self, image: Image) -> bool:
        """Find the known faces again, the largest first; True if one is lost."""
        kept: list[_Face] = []
        for face in sorted(self._known, key=lambda f: -f.region.side):
            region = self._see(image, face.region, face.identity, kept)
            if region is not None:
                kept.append(_Face(face.identity, region))
        lost = len(kept) < len(self._known)
        self._known = kept
        return lost

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
            seen = self._see(image, region, self.faces, self._known)
            if seen is not None:
                self._known.append(_Face(self.faces, seen))
                self.faces += 1

    def _see(self, image: Image, region: Region, identity: int, others: Sequence[_Face]) -> Region | None:
        """Fit the mesh and tell the sinks; None where there is no face, or it is one of the others."""
        points, presence = self._mesh.points(image, region)
        following = Region.of_mesh(points)
        doubled = any(following.overlap(face.region) > 0.5 for face in others)
        if presence < self.options.least_presence or doubled or following.side < 8:
            return None
        sighting = Sighting(identity, self.frames, points, presence, region, image)
        for sink in self.sinks:
            sink(sighting)
        return following


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
    """Left, top and side of squares of half the longer side that overlap by half; none where they would be small."""
    height, width = image.shape[:2]
    side = min(max(height, width) // 2, height, width)
    if side < _LEAST_TILE:
        return []
    lefts, tops = (
        np.linspace(0, length - side, 1 + -(-2 * (length - side) // side)).astype(int).tolist()
        for length in (width, height)
    )
    return [(left, top, side) for top in tops for left in lefts]
