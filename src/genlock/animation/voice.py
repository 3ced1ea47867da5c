"""From a voice to the motion of a face, piece by piece: a mover is fed sound, and frames read what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.animation.motion import FaceMotion, Mesh
from genlock.core.errors import InputError, OptionError
from genlock.core.grid import Cells, Grid
from genlock.core.track import Track
from genlock.extractors.registry import make_extractor
from genlock.extractors.sound.base import AudioExtractor, AudioStream, FramedExtractor, FramedStream
from genlock.models.talker.basis import FaceBasis
from genlock.models.talker.talker import Talker

__all__ = ["SAMPLE_RATE", "MotionReader", "Mover", "MoverStream", "TalkerMover"]

Samples: TypeAlias = npt.NDArray[np.float32]

#: Samples per second of the sound that movers take.
SAMPLE_RATE = 16000
# Live, features come in blocks of so many frames: the fewer, the sooner, and the more work for each.
_LIVE_BLOCK = 4


class MoverStream(Protocol):
    """One voice, piece by piece."""

    def push(self, samples: Samples) -> Track:
        """Take the next samples, float32 [n]; gives the weights [m, K] that are final now, maybe none."""
        ...

    def finish(self) -> Track:
        """The weights that are left: nothing follows."""
        ...


class Mover(Protocol):
    """Moves a face with a voice: a talker of ours, or another model."""

    @property
    def name(self) -> str:
        """What it is called in results."""
        ...

    @property
    def neutral(self) -> Mesh:
        """The face that it moves, at rest, [468, 3]."""
        ...

    @property
    def basis(self) -> FaceBasis | None:
        """The basis whose named shapes are solved from its points; None if there is none."""
        ...

    @property
    def lookahead_seconds(self) -> Fraction | None:
        """Sound after an instant that it needs for it; None: all of it."""
        ...

    def open(self, origin: Fraction, clock: str, live: bool = False) -> MoverStream:
        """Begin a voice whose first sample lies at ``origin`` seconds; ``live``: as soon as possible."""
        ...

    def points(self, weights: npt.NDArray[np.float32]) -> Mesh:
        """Weights [T, K] to points [T, 468, 3]."""
        ...


@dataclass(frozen=True, eq=False)
class TalkerMover:
    """A talker of Genlock, fed with sound."""

    talker: Talker
    """The model."""
    name: str
    """What it is called in results."""
    speaker: str | None = None
    """In whose manner it speaks; None: nobody's."""

    def __post_init__(self) -> None:
        for name, extractor in self._extractors().items():
            if extractor.sample_rate != SAMPLE_RATE:
                raise OptionError(
                    f"the talker {self.name!r} hears {name!r} at {extractor.sample_rate} Hz; animate gives it "
                    f"sound at {SAMPLE_RATE} Hz"
                )
        spans = [one.feature for one in self.talker.listening.heard if one.treatment == "spans"]
        if spans:
            raise OptionError(
                f"the talker {self.name!r} hears {', '.join(spans)} and not only sound; use another model"
            )

    @property
    def neutral(self) -> Mesh:
        """The mean face."""
        return self.talker.basis.neutral

    @property
    def basis(self) -> FaceBasis:
        """The talker's."""
        return self.talker.basis

    @property
    def lookahead_seconds(self) -> Fraction | None:
        """The talker's, and half a window of the features."""
        ahead = self.talker.lookahead_seconds
        if ahead is None or not all(isinstance(e, FramedExtractor) for e in self._extractors().values()):
            return None
        halves = [e.framing.window / Fraction(2 * SAMPLE_RATE) for e in self._extractors().values()]
        return ahead + max(halves)

    def open(self, origin: Fraction, clock: str, live: bool = False) -> MoverStream:
        """Begin a voice; what looks at the whole sound is heard at its end."""
        extractors = self._extractors()
        framed = {name: e.local for name, e in extractors.items() if isinstance(e.local, FramedExtractor)}
        if len(framed) < len(extractors):
            return _WholeVoice(self, {name: e.open(origin, clock) for name, e in extractors.items()})
        block = _LIVE_BLOCK if live else None
        streams = {
            name: FramedStream(e, origin, clock, block)
            for name, e in framed.items()
            if isinstance(e, FramedExtractor)
        }
        return _PiecewiseVoice(self, streams)

    def points(self, weights: npt.NDArray[np.float32]) -> Mesh:
        """Weights [T, K] to points [T, 468, 3]."""
        return self.talker.basis.points(weights)

    def _extractors(self) -> dict[str, AudioExtractor]:
        made = {name: make_extractor(name) for name in self.talker.features}
        return {name: extractor for name, extractor in made.items() if isinstance(extractor, AudioExtractor)}


class _PiecewiseVoice:
    """Features that come block by block, and a talker that hears them so."""

    def __init__(self, mover: TalkerMover, streams: Mapping[str, FramedStream]) -> None:
        self._streams, self._talker = streams, mover.talker.stream(mover.speaker)
        self._size = mover.basis.size
        self._held: dict[str, list[Track]] = {name: [] for name in streams}

    def push(self, samples: Samples) -> Track:
        for stream in self._streams.values():
            stream.push(samples)
        return self._hear({name: stream.take() for name, stream in self._streams.items()})

    def finish(self) -> Track:
        last = self._hear({name: stream.finish() for name, stream in self._streams.items()})
        if self._held:
            return last
        return _joined([last, self._talker.finish()])

    def _hear(self, pieces: Mapping[str, Track]) -> Track:
        """A talker begins when each feature has a value."""
        if not self._held:
            return self._talker.push(pieces)
        for name, piece in pieces.items():
            self._held[name] += [piece] if len(piece) else []
        if not all(self._held.values()):
            return Track(np.zeros((0, self._size), np.float32), Grid(1))
        begun = {name: _joined(parts) for name, parts in self._held.items()}
        self._held = {}
        return self._talker.push(begun)


class _WholeVoice:
    """Features that look at the whole sound."""

    def __init__(self, mover: TalkerMover, streams: Mapping[str, AudioStream]) -> None:
        self._streams, self._mover = streams, mover

    def push(self, samples: Samples) -> Track:
        for stream in self._streams.values():
            stream.push(samples)
        return Track(np.zeros((0, self._mover.basis.size), np.float32), Grid(1))

    def finish(self) -> Track:
        tracks = {name: stream.finish() for name, stream in self._streams.items()}
        return self._mover.talker.weights(tracks, self._mover.speaker)


def _joined(parts: list[Track]) -> Track:
    values, valid = (np.concatenate(rows) for rows in zip(*((p.values, p.valid) for p in parts), strict=True))
    return Track(values, parts[0].grid, valid, parts[0].name)


class MotionReader:
    """Reads the motion of a face off a mover's weights, on frames of any rate, as soon as each is known.

    Parameters
    ----------
    mover : whose weights they are
    cells : the frames; Ticks that end before the voice does leave its end out
    gain : how much more the face moves than the mover says
    seed : noted in the motion
    """

    def __init__(self, mover: Mover, cells: Cells, gain: float = 1.0, seed: int = 0) -> None:
        self._mover, self._cells, self._gain, self._seed = mover, cells, gain, seed
        self._rows: npt.NDArray[np.float32] | None = None
        self._valid = np.zeros(0, bool)
        self._grid: Grid | None = None
        self.done = 0
        """Frames read so far."""

    def push(self, weights: Track) -> FaceMotion | None:
        """Take the next weights; gives the frames that are known now, or None."""
        self._append(weights)
        if self._grid is None or not len(self._valid):
            return None
        known = self._grid.center(len(self._valid) - 1)
        first = self._cells.edge(0)
        stop = self._cells.cells(first, max(known, first), "centers").stop
        return self._read(stop)

    def finish(self, weights: Track, end: Fraction) -> FaceMotion | None:
        """Take the last weights; gives the frames that begin before ``end``, the sound's end, and were not given.

        Raises InputError if there was no sound at all.
        """
        self._append(weights)
        if self._grid is None:
            raise InputError("the sound is too short for a face to move with it")
        count = max(1, self._cells.index(end, "ceil"))
        return self._read(count if self._cells.length is None else min(count, self._cells.length))

    def _append(self, weights: Track) -> None:
        if not len(weights):
            return
        if self._rows is None or self._grid is None:
            assert isinstance(weights.grid, Grid)
            self._rows, self._grid = weights.values, weights.grid
            self._valid = weights.valid
            return
        self._rows = np.concatenate([self._rows, weights.values])
        self._valid = np.concatenate([self._valid, weights.valid])

    def _read(self, stop: int) -> FaceMotion | None:
        if stop <= self.done or self._rows is None or self._grid is None:
            return None
        cells = self._cells.part(range(self.done, stop))
        seen = Track(self._rows, self._grid, self._valid).on(cells, "sample", length=stop - self.done)
        neutral = self._mover.neutral
        points = self._mover.points(seen.values.astype(np.float32))
        if self._gain != 1:
            points = neutral + np.float32(self._gain) * (points - neutral)
        points = np.where(seen.valid[:, None, None], points, neutral).astype(np.float32)
        self.done = stop
        self._forget(self._cells.edge(stop))
        track = Track(points, cells, seen.valid, name="points", unit="eye distances")
        return FaceMotion(track, neutral, self._mover.name, self._seed)

    def _forget(self, before: Fraction) -> None:
        assert self._rows is not None
        assert self._grid is not None
        keep = min(max(self._grid.index(before, "floor") - 2, 0), max(len(self._rows) - 2, 0))
        self._rows, self._valid = self._rows[keep:], self._valid[keep:]
        self._grid = self._grid.part(range(keep, keep))
