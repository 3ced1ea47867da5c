"""Evidence cut, joined and moved: what training, calibration and benchmarks plant their truth with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Grid, Ticks
from genlock.core.spans import Span, Spans
from genlock.core.time import Exact, exact
from genlock.core.track import Track
from genlock.lipsync.evidence.base import Evidence, FaceEvidence

__all__ = ["cut", "join", "main_face", "with_offset", "with_sound_of"]


def with_offset(evidence: Evidence, offset_seconds: Exact) -> Evidence:
    """The same with its sound early by ``offset_seconds`` (late where negative): its time stamps are that much less."""
    earlier = -exact(offset_seconds)
    return replace(
        evidence,
        mel=None if evidence.mel is None else evidence.mel.shifted(earlier),
        loudness=None if evidence.loudness is None else evidence.loudness.shifted(earlier),
        waveform=None if evidence.waveform is None else evidence.waveform.shifted(earlier),
        beeps=Spans(
            [Span(b.start + earlier, b.end + earlier, b.label, b.confidence) for b in evidence.beeps],
            evidence.beeps.clock,
            evidence.beeps.name,
        ),
    )


def with_sound_of(evidence: Evidence, other: Evidence) -> Evidence:
    """The picture of one with the sound of another, laid start to start."""
    move = evidence.start - other.start

    def moved(track: Track | None) -> Track | None:
        if track is None:
            return None
        shifted = track.shifted(move)
        return replace(shifted, grid=shifted.grid.on_clock(evidence.clock))

    beeps = [Span(b.start + move, b.end + move, b.label) for b in other.beeps]
    return replace(
        evidence,
        mel=moved(other.mel),
        loudness=moved(other.loudness),
        waveform=moved(other.waveform),
        beeps=Spans(beeps, evidence.clock, "beeps"),
    )


def cut(evidence: Evidence, start: Exact, end: Exact) -> Evidence:
    """The evidence within ``[start, end)`` and nothing beyond, as if the file had been cut there.

    Raises OptionError if the span is empty.
    """
    low, high = exact(start), exact(end)
    if high <= low:
        raise OptionError(f"a cut from {start} to {end} s holds nothing")

    def part(track: Track | None) -> Track | None:
        return None if track is None else track.between(low, high)

    faces = []
    for face in evidence.faces:
        lips = face.lips.between(low, high)
        if len(lips) and lips.valid.any():
            faces.append(
                replace(
                    face,
                    lips=lips,
                    aperture=face.aperture.between(low, high),
                    width=face.width.between(low, high),
                    motion=face.motion.between(low, high),
                    mouth=part(face.mouth),
                )
            )
    frames = evidence.frames
    if isinstance(frames, Ticks):
        frames = frames.part(frames.cells(low, high, "centers"))
    return replace(
        evidence,
        start=low,
        end=high,
        frames=frames,
        mel=part(evidence.mel),
        loudness=part(evidence.loudness),
        waveform=part(evidence.waveform),
        sight=part(evidence.sight),
        faces=tuple(faces),
        luma=part(evidence.luma),
        motion=part(evidence.motion),
        flashes=Spans(evidence.flashes.between(low, high).items, evidence.clock, "flashes"),
        beeps=Spans(evidence.beeps.between(low, high).items, evidence.clock, "beeps"),
        cuts=tuple(c for c in evidence.cuts if low <= c < high),
    )


def main_face(evidence: Evidence) -> FaceEvidence | None:
    """The face that is seen longest; None if there is none."""
    return max(evidence.faces, key=lambda face: int(face.lips.valid.sum()), default=None)


def join(pieces: Sequence[Evidence], clock: str = "joined") -> Evidence:
    """Clips one after the other as one film of one face, from zero on; what a clip lacks at its ends is filled from
    the nearest cell of the sound.

    Only the bands and the level of the sound, and the lips of the face that is seen longest, are kept. Each clip has
    all of them, and lasts a whole number of sound cells.

    Raises OptionError if one has not.
    """
    sound_rows: list[npt.NDArray[Any]] = []
    levels: list[npt.NDArray[Any]] = []
    lips_rows, seen, stamps, ends = [], [], [], Fraction(0)
    base = Fraction(1, 90000)
    rate = Fraction(100)
    for piece in pieces:
        face = main_face(piece)
        if face is None or piece.mel is None or piece.loudness is None:
            raise OptionError("clips that are joined have sound and a face")
        assert isinstance(piece.mel.grid, Grid)
        rate = piece.mel.grid.rate
        length = Fraction(Grid(rate).index(piece.end - piece.start, "nearest")) / rate
        wanted = Grid(rate, piece.start, piece.clock)
        count = wanted.index(piece.start + length, "nearest")
        for rows, track in ((sound_rows, piece.mel), (levels, piece.loudness)):
            # Each cell takes the cell of its clip that is nearest: a shift of less than half a cell, put right below.
            first = Grid(rate, track.grid.edge(0), piece.clock).index(piece.start, "nearest")
            place = np.clip(np.arange(count) + first, 0, len(track) - 1)
            rows.append(track.values[place])
        edges = face.lips.grid
        starts = [ends + edges.edge(k) - piece.start for k in range(len(face.lips))]
        stamps += [Grid(1 / base).index(s, "nearest") for s in starts]
        lips_rows.append(face.lips.values)
        seen.append(face.lips.valid)
        ends += length
    assert pieces[0].mel is not None
    assert pieces[0].loudness is not None
    frame = Grid(1 / base).index(ends, "nearest") - stamps[-1]
    cells = Ticks(np.array(stamps), base, max(1, frame), clock)
    valid = np.concatenate(seen)
    lips = Track(np.concatenate(lips_rows), cells, valid, name="lips", unit="eye distances")
    flat = Track(np.zeros(len(valid), np.float32), cells, valid)
    size = float(np.median([face.size_pixels for piece in pieces for face in piece.faces[:1]]))
    first_mel, first_level = pieces[0].mel, pieces[0].loudness

    def grid(track: Track) -> Grid:
        """Cells whose centres keep the clips' own place within their files."""
        rest = track.grid.edge(0) - pieces[0].start
        whole = Grid(rate).index(rest, "nearest")
        return Grid(rate, rest - Fraction(whole) / rate, clock)

    return Evidence(
        clock=clock,
        start=Fraction(0),
        end=ends,
        frames=cells,
        mel=replace(
            first_mel,
            values=np.concatenate(sound_rows),
            grid=grid(first_mel),
            valid=np.ones(sum(len(rows) for rows in sound_rows), bool),
        ),
        loudness=replace(
            first_level,
            values=np.concatenate(levels),
            grid=grid(first_level),
            valid=np.ones(sum(len(rows) for rows in levels), bool),
        ),
        faces=(FaceEvidence(0, lips, flat, flat, flat, size),),
        luma=None,
        motion=None,
        flashes=Spans([], clock, "flashes"),
        beeps=Spans([], clock, "beeps"),
        cuts=(),
    )
