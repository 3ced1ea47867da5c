"""How faces are looked for in any film: the one road of all who want faces, whatever the film is like.

A film may show faces as most do, small ones in a large picture, the pictures of two eyes in one frame, or the crop of a
mouth alone. A :class:`FaceWatch` takes all of them, and tells its sinks where each face lies in the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from genlock.extractors.face.mouth_alone import MouthAlone
from genlock.extractors.face.one_eye import OneEye
from genlock.extractors.face.small_faces import SmallFaces
from genlock.extractors.face.tracking import FaceOptions, FaceTracker, Sighting, Sink
from genlock.media import Consumer, VideoForm

__all__ = ["FaceWatch"]


@dataclass
class FaceWatch:
    """Follows faces, and whoever stands in for a face; its consumers are fed by :func:`genlock.media.read`, in order.

    Parameters
    ----------
    sinks : each is called once for every face of every frame, in order; more may be added until the read begins
    options : how faces are looked for
    form : what it asks the reader for, pixels square as a player shows them

    Examples
    --------
    >>> from genlock.media import read
    >>> from genlock.testing import example_video
    >>> watch = FaceWatch()                                             # doctest: +SKIP
    >>> report = read(example_video(), watch.consumers)                 # doctest: +SKIP
    >>> watch.faces, watch.notes                                        # doctest: +SKIP
    (0, ())

    Raises
    ------
    MissingModel
        If the face models are not here: ``genlock models fetch``.
    """

    sinks: Sequence[Sink] = ()
    options: FaceOptions = field(default_factory=FaceOptions)
    form: VideoForm = field(default_factory=lambda: VideoForm(pixels="rgb24", as_seen=True))

    def __post_init__(self) -> None:
        self._tracker = FaceTracker((self._tell,), self.options, self.form)
        self._alone = MouthAlone(self._tracker, (self._tell,))
        self._eye = OneEye(self._alone)
        self._small = SmallFaces(self._tracker, (self._tell_small,))

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """What is to be fed; the second looks for small faces where the first sees nobody."""
        return (self._eye, self._small)

    @property
    def faces(self) -> int:
        """How many identities were given so far."""
        return self._tracker.faces

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frames in the pixels that faces are told in; known from the first frame on."""
        return self._eye.size

    @property
    def notes(self) -> tuple[str, ...]:
        """How the picture was looked at, where that needs saying; known after the read."""
        return tuple(each.note for each in (self._eye, self._alone) if each.note)

    def _tell(self, face: Sighting) -> None:
        self._hand_on(face, self._eye.scale)

    def _tell_small(self, face: Sighting) -> None:
        height, width = face.image.shape[:2]
        self._hand_on(face, (self._eye.size[0] / width, self._eye.size[1] / height))

    def _hand_on(self, face: Sighting, scale: tuple[float, float]) -> None:
        told = face if scale == (1.0, 1.0) else replace(face, scale=scale)
        for sink in self.sinks:
            sink(told)
