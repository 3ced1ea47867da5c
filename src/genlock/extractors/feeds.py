"""Features of one file, fed from one pass over it: who takes what, and the Tracks at the end.

Features of sound are fed one by one, each at its own rate; pictures in their own form; all features of faces from one
watch, so that the face nets run once a frame whatever is asked of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Protocol

from genlock.core.errors import OptionError
from genlock.core.grid import Cells
from genlock.core.spans import Span
from genlock.core.track import Track
from genlock.extractors.base import FaceFeature, Feature, PictureFeature
from genlock.extractors.both.base import BothFeature
from genlock.extractors.face.rows import FaceRows
from genlock.extractors.face.watching import FaceWatch
from genlock.extractors.frame_cells import run_of_frames
from genlock.extractors.sound.base import AudioExtractor, AudioStream
from genlock.media import AudioBlock, Consumer, VideoCell

__all__ = ["BothFeed", "FaceFeed", "Feed", "PictureFeed", "SoundFeed", "feeds_of"]


class Feed(Protocol):
    """A feed takes what is read for some features of one file."""

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """The consumers that :func:`genlock.media.read` is to feed."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the file, known after the read."""

    def tracks(self, frames: Cells | None, gaps: Iterable[Span] = ()) -> dict[str, Track]:
        """Their Tracks by name, after the read; ``frames`` are the cells of all video frames that were read, ``gaps``
        where silence stands for sound that was missing."""


def feeds_of(features: Sequence[Feature], watch: FaceWatch | None = None) -> list[Feed]:
    """Feeds for features of all kinds, in their order; those of faces together.

    Parameters
    ----------
    watch : of faces, where somebody else looks at them too and feeds it; None: one of one's own

    Raises
    ------
    MissingModel
        If features of faces are asked for and the face models are not here.
    OptionError
        For a feature of no known kind.
    """
    feeds: list[Feed] = []
    of_faces = [feature for feature in features if isinstance(feature, FaceFeature)]
    of_both = [feature for feature in features if isinstance(feature, BothFeature)]
    for feature in features:
        if isinstance(feature, AudioExtractor):
            feeds.append(SoundFeed(feature))
        elif isinstance(feature, PictureFeature):
            feeds.append(PictureFeed(feature))
        elif not isinstance(feature, FaceFeature | BothFeature):
            raise OptionError(f"{feature!r} is a feature neither of sound nor of the picture nor of faces")
    if of_faces:
        faces = FaceFeed(of_faces, watch)
        feeds.append(faces)
        watch = faces.watch
    if of_both:
        feeds.append(BothFeed(of_both, watch))
    return feeds


class SoundFeed:
    """Feeds one feature of sound."""

    def __init__(self, feature: AudioExtractor) -> None:
        self.feature, self.form = feature, feature.form
        self._stream: AudioStream | None = None
        self._track: Track | None = None
        self._start = Fraction(0)

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """Itself."""
        return (self,)

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def push(self, block: AudioBlock) -> None:
        """Take the next samples."""
        if self._stream is None:
            self._start = block.start
            self._stream = self.feature.open(block.start, block.clock)
        self._stream.push(block.samples[:, 0])

    def finish(self) -> None:
        """The sound is over."""
        if self._stream is not None:
            self._track = self._stream.finish()

    def tracks(self, frames: Cells | None, gaps: Iterable[Span] = ()) -> dict[str, Track]:
        """The Track, or nothing without sound. A rate of one's own is counted from the first frame, else from the
        first sample."""
        if self._track is None:
            return {}
        start = self._start if frames is None else frames.edge(0)
        track = self.feature.placed(self._heard(self._track, gaps), start)
        return {self.feature.name: replace(track, name=self.feature.name)}

    def _heard(self, track: Track, gaps: Iterable[Span]) -> Track:
        """The Track, invalid wherever a value looks at silence that stands for missing sound."""
        window = Fraction(self.feature.framing.window, self.feature.sample_rate)
        reach = float((window if isinstance(track.support, str) else track.support) / 2)
        valid = track.valid.copy()
        for gap in gaps:
            near = (track.centers > float(gap.start) - reach) & (track.centers < float(gap.end) + reach)
            valid &= ~near
        return replace(track, valid=valid)


class PictureFeed:
    """Feeds one feature of whole frames."""

    def __init__(self, feature: PictureFeature) -> None:
        self.feature, self.form = feature, feature.form
        self._stream = feature.open()

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """Itself."""
        return (self,)

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""
        self._stream.push(cell)

    def finish(self) -> None:
        """The picture is over."""

    def tracks(self, frames: Cells | None, gaps: Iterable[Span] = ()) -> dict[str, Track]:
        """The Track, or nothing without a picture."""
        track = self._stream.take(frames)
        return {} if track is None else {self.feature.name: track}


class FaceFeed:
    """Feeds all features of faces."""

    def __init__(self, features: Sequence[FaceFeature], watch: FaceWatch | None = None) -> None:
        self._rows = FaceRows(features)
        self.watch = watch or FaceWatch()
        self.watch.sinks = (*self.watch.sinks, self._rows)
        self._own = watch is None
        self.consumers: tuple[Consumer, ...] = self.watch.consumers if self._own else ()
        """Those of the watch, unless somebody else feeds it."""

    @property
    def notes(self) -> tuple[str, ...]:
        """How the picture was looked at, unless somebody else says it."""
        return self.watch.notes if self._own else ()

    def tracks(self, frames: Cells | None, gaps: Iterable[Span] = ()) -> dict[str, Track]:
        """``NAME.face0``, ``NAME.face1`` ... of each feature, on the cells from a face's first frame to its last."""
        found: dict[str, Track] = {}
        for feature in self._rows.features if frames is not None else ():
            for face in self._rows.faces():
                assert frames is not None
                run, name = self._rows.run(face), f"{feature.name}.face{face}"
                track = self._rows.track(face, feature, run, run_of_frames(frames, run.start, len(run)))
                found[name] = replace(feature.placed(track, frames.edge(0)), name=name)
        return found


class BothFeed:
    """Feeds the parts of all features of sound and picture together."""

    def __init__(self, features: Sequence[BothFeature], watch: FaceWatch | None = None) -> None:
        self.features = tuple(features)
        parts = {spec: part for feature in features for spec, part in feature.made_of.items()}
        self._feeds = feeds_of(list(parts.values()), watch)
        self.consumers = tuple(consumer for feed in self._feeds for consumer in feed.consumers)
        """Those of the parts."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Those of the parts."""
        return tuple(note for feed in self._feeds for note in feed.notes)

    def tracks(self, frames: Cells | None, gaps: Iterable[Span] = ()) -> dict[str, Track]:
        """The Tracks, where sound and picture are there. A rate of one's own is counted from the first frame."""
        gaps = tuple(gaps)
        parts = {name: one for feed in self._feeds for name, one in feed.tracks(frames, gaps).items()}
        found: dict[str, Track] = {}
        for feature in self.features:
            for name, track in feature.joined(parts).items():
                start = track.start if frames is None else frames.edge(0)
                found[name] = replace(feature.placed(track, start), name=name)
        return found
