"""What is kept of a whole film so that it can be looked at once more: the bands of its sound, and its lips.

Twelve kilobytes a second for one face, in half precision: two hours take 90 MB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from genlock.core.grid import Grid
from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import cut

__all__ = ["KeptFilm", "joined", "moved"]

# How far the sound reaches over the ends of a piece, as in evidence that comes from a file.
_MARGIN = Fraction(2)


@dataclass
class KeptFilm:
    """Pieces of evidence without what only other estimators look at."""

    pieces: list[Evidence] = field(default_factory=list)
    """In order; tracks are cut to the pieces themselves and in half precision."""

    def add(self, evidence: Evidence) -> None:
        """Keep a piece that has sound and faces."""
        if evidence.mel is None or evidence.frames is None or not evidence.faces:
            return
        own = cut(evidence, evidence.start, evidence.end)
        if own.mel is None or not len(own.mel):
            return
        nothing = Spans([], own.clock)
        faces = tuple(replace(face, lips=_half(face.lips), mouth=None) for face in own.faces)
        self.pieces.append(
            replace(
                own,
                mel=_half(own.mel),
                loudness=None,
                waveform=None,
                sight=None,
                luma=None,
                motion=None,
                faces=faces,
                flashes=nothing,
                beeps=nothing,
            )
        )

    @property
    def seconds(self) -> float:
        """How much was kept."""
        return float(sum(piece.end - piece.start for piece in self.pieces))

    def sound(self) -> Track:
        """The bands of all pieces on one grid; what lies between pieces is not valid."""
        return joined([piece.mel for piece in self.pieces if piece.mel is not None])

    def with_sound_moved(self, speed: Fraction, offset: Fraction) -> Iterator[Evidence]:
        """The pieces with the sound's instant ``s`` at ``speed * s + offset``."""
        whole = moved(self.sound(), speed, offset)
        for piece in self.pieces:
            yield replace(piece, mel=_full(whole.between(piece.start - _MARGIN, piece.end + _MARGIN)))


def joined(parts: Sequence[Track]) -> Track:
    """Tracks whose cells are those of one Grid, as one; what none of them has is not valid.

    >>> two = [Track(np.ones(2), Grid(100)), Track(np.full(3, 2.0), Grid(100, "0.04"))]
    >>> joined(two).values.tolist(), joined(two).valid.tolist()
    ([1.0, 1.0, 0.0, 0.0, 2.0, 2.0, 2.0], [True, True, False, False, True, True, True])
    """
    grid = parts[0].grid
    assert isinstance(grid, Grid)
    firsts = [grid.index(part.grid.edge(0), "nearest") for part in parts]
    count = max(first + len(part) for first, part in zip(firsts, parts, strict=True))
    values = np.zeros((count, *parts[0].values.shape[1:]), parts[0].values.dtype)
    valid = np.zeros(count, np.bool_)
    for first, part in zip(firsts, parts, strict=True):
        place = slice(first, first + len(part))
        values[place][part.valid] = part.values[part.valid]
        valid[place] |= part.valid
    return replace(parts[0], values=values, valid=valid)


def moved(track: Track, speed: Fraction, offset: Fraction) -> Track:
    """A track on a Grid whose instant ``s`` lies at ``speed * s + offset`` now; no value changes.

    >>> two = moved(Track(np.zeros(3), Grid(100, 1)), Fraction(24, 25), Fraction(1, 2))
    >>> str(two.grid.start), str(two.grid.rate)
    ('73/50', '625/6')
    """
    grid = track.grid
    assert isinstance(grid, Grid)
    return replace(track, grid=Grid(grid.rate / speed, speed * grid.start + offset, grid.clock))


def _half(track: Track) -> Track:
    return track.map(lambda values: values.astype(np.float16))


def _full(track: Track) -> Track:
    return track.map(lambda values: values.astype(np.float32))
