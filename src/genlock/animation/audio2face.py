"""Audio2Face-3D on our clock: each answer at the instant of the sample that it is for, moving our mesh."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.animation.motion import Mesh
from genlock.animation.voice import SAMPLE_RATE, MoverStream, Samples
from genlock.core.errors import FormatError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.models.audio2face import Audio2Face
from genlock.models.talker.basis import FaceBasis

__all__ = ["Audio2FaceMover"]

# Samples from one answer to the next: some 31 a second.
_HOP = 512


@dataclass(frozen=True, eq=False)
class Audio2FaceMover:
    """Audio2Face-3D, fed with sound.

    Raises
    ------
    FormatError
        If it hears another rate than 16 kHz, or none of its shapes has a name that the basis knows.
    """

    model: Audio2Face
    """The user's copy."""
    basis: FaceBasis
    """Whose named shapes it moves."""
    name: str = "audio2face"
    """What it is called in results."""

    def __post_init__(self) -> None:
        if self.model.sample_rate != SAMPLE_RATE:
            raise FormatError(
                f"this Audio2Face hears {self.model.sample_rate} Hz; {SAMPLE_RATE} Hz was expected"
            )
        if not self.known:
            raise FormatError("none of this Audio2Face's shapes has a name that our face knows")

    @property
    def known(self) -> tuple[str, ...]:
        """The shapes that both know."""
        return tuple(name for name in self.model.names if name in self.basis.shapes)

    @property
    def neutral(self) -> Mesh:
        """The mean face."""
        return self.basis.neutral

    @property
    def lookahead_seconds(self) -> Fraction:
        """From the answer's sample to the end of its window."""
        return Fraction(self.model.window - self.model.offset, SAMPLE_RATE)

    def open(self, origin: Fraction, clock: str, live: bool = False) -> MoverStream:
        """Begin a voice."""
        return _Windows(
            self,
            Grid.of_windows(sample_rate=SAMPLE_RATE, hop=_HOP, first_center=0, origin=origin, clock=clock),
        )

    def points(self, weights: npt.NDArray[np.float32]) -> Mesh:
        """Weights of the model's shapes [T, S] to points [T, 468, 3]; a shape that our face lacks moves nothing."""
        places = [self.model.names.index(name) for name in self.known]
        shapes = np.stack([self.basis.shapes[name] for name in self.known])
        moved = np.tensordot(weights[:, places], shapes, axes=1)
        return np.asarray(self.basis.neutral + moved, np.float32)


class _Windows:
    """The windows of one voice, zeros before and after it."""

    def __init__(self, mover: Audio2FaceMover, grid: Grid) -> None:
        self._model, self._grid = mover.model, grid
        self._buffer = np.zeros(mover.model.offset, np.float32)
        self._samples = self._done = 0

    def push(self, samples: Samples) -> Track:
        self._samples += len(samples)
        self._buffer = np.concatenate([self._buffer, np.asarray(samples, np.float32)])
        return self._take(max(0, (len(self._buffer) - self._model.window) // _HOP + 1))

    def finish(self) -> Track:
        """One answer for each hop up to the end of the sound."""
        count = (max(self._samples - 1, 0) // _HOP + 2 if self._samples else 0) - self._done
        need = self._model.window + max(count - 1, 0) * _HOP
        self._buffer = np.concatenate([self._buffer, np.zeros(max(0, need - len(self._buffer)), np.float32)])
        return self._take(max(count, 0))

    def _take(self, count: int) -> Track:
        rows = [self._buffer[k * _HOP : k * _HOP + self._model.window] for k in range(count)]
        windows = np.stack(rows) if rows else np.zeros((0, self._model.window), np.float32)
        values = self._model.weights(windows) if rows else np.zeros((0, len(self._model.names)), np.float32)
        first, self._done = self._done, self._done + count
        self._buffer = self._buffer[count * _HOP :]
        return Track(values, self._grid.part(range(first, self._done)), name="shapes")
