"""The one assembly of faces into Tracks: what features take of each face of each frame, kept until it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from genlock.core.grid import Cells
from genlock.core.track import Track
from genlock.extractors.base import FaceFeature, Row
from genlock.extractors.face.tracking import Sighting

__all__ = ["FaceRows"]


class FaceRows:
    """A sink of a :class:`~genlock.extractors.face.tracking.FaceTracker`.

    Parameters
    ----------
    features : each gets one row of each face of each frame
    """

    def __init__(self, features: Sequence[FaceFeature]) -> None:
        self.features = tuple(features)
        self._takers = [feature.open() for feature in features]
        self._kept: dict[int, dict[int, tuple[float, list[Row]]]] = {}

    def __call__(self, sighting: Sighting) -> None:
        """Take one face of one frame."""
        rows = [take(sighting) for take in self._takers]
        self._kept.setdefault(sighting.face, {})[sighting.frame] = float(sighting.pose.scale), rows

    def faces(self, frames: range | None = None) -> list[int]:
        """The faces that were seen in these frames, or in any, in order of their identities."""
        return [face for face in sorted(self._kept) if self._seen(face, frames)]

    def run(self, face: int, frames: range | None = None) -> range:
        """The frames from the first to the last one in which a face was seen, within ``frames``."""
        seen = self._seen(face, frames)
        return range(min(seen), max(seen) + 1)

    def eye_pixels(self, face: int, frames: range | None = None) -> list[float]:
        """How large a face was in each frame in which it was seen: pixels for each eye distance."""
        return [self._kept[face][frame][0] for frame in self._seen(face, frames)]

    def main(self, frames: range) -> int | None:
        """The face that was seen longest and largest in these frames; None if there was none."""
        sizes = {face: sum(self.eye_pixels(face, frames)) for face in self.faces(frames)}
        return max(sizes, key=lambda face: (sizes[face], -face)) if sizes else None

    def track(self, face: int | None, feature: FaceFeature, frames: range, cells: Cells) -> Track:
        """One feature of one face in some frames, whose cells these are; invalid where it was not seen.

        Parameters
        ----------
        face : its identity; None: of nobody, so that every row is invalid
        """
        place = self.features.index(feature)
        kept = {} if face is None else self._kept[face]
        return feature.track([kept[frame][1][place] if frame in kept else None for frame in frames], cells)

    def forget(self, before: int) -> None:
        """Frames before this one are not asked for again."""
        for face in list(self._kept):
            self._kept[face] = {frame: row for frame, row in self._kept[face].items() if frame >= before}
            if not self._kept[face]:
                del self._kept[face]

    def _seen(self, face: int, frames: range | None) -> list[int]:
        return [frame for frame in self._kept[face] if frames is None or frame in frames]
