"""What estimators of the offset look at: tracks of sound and picture of one piece of a file, on its media clock."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from genlock.core.grid import Cells
from genlock.core.one_line import one_line
from genlock.core.spans import Spans
from genlock.core.track import Track

__all__ = ["Evidence", "FaceEvidence"]


@dataclass(frozen=True, eq=False)
class FaceEvidence:
    """The mouth of one face, on the cells of the frames between its first and last one in this piece."""

    face: int
    """Identity within the file, from 0 in order of appearance; a cut ends it."""
    lips: Track
    """Lip points with pose removed, float32 [T, 40, 2], in eye distances; frames without the face are invalid."""
    aperture: Track
    """Inner opening of the mouth, float32 [T], in eye distances."""
    width: Track
    """Width between the corners of the mouth, float32 [T], in eye distances."""
    motion: Track
    """Mean absolute change of the aligned grey mouth crop against the frame before, float32 [T], 0...1."""
    size_pixels: float
    """Median distance between the outer corners of the eyes, in pixels of the picture that was looked at."""
    mouth: Track | None = None
    """Upright grey crops of the mouth, uint8 [T, side, side], or what else was asked for as ``mouths``, such as whole
    faces [T, 224, 224, 3]; None unless somebody asked."""

    __repr__ = one_line

    @property
    def share(self) -> float:
        """Share of its frames in which the face was really seen, 0...1."""
        return float(self.lips.valid.mean()) if len(self.lips) else 0.0


@dataclass(frozen=True, eq=False)
class Evidence:
    """One piece of a file, at most a minute or so; a long file gives one after the other, so memory stays flat.

    Tracks reach up to two seconds over ``start`` and ``end`` where the file has more, so that lags near the edges have
    real neighbouring content; what belongs to the piece itself is ``[start, end)``.
    """

    clock: str
    """The media clock of the file."""
    start: Fraction
    """Where the piece begins, in exact seconds."""
    end: Fraction
    """Where it ends."""
    frames: Cells | None
    """Cells of the frames with their margins; None without a picture."""
    mel: Track | None
    """Natural log of mel power, float32 [T, 40], 100 cells a second, 25 ms windows, 16 kHz mono; None without sound."""
    loudness: Track | None
    """RMS level in dB of full scale, float32 [T], 100 cells a second."""
    faces: tuple[FaceEvidence, ...]
    """Mouths, in order of identity; empty if none was seen or no face models are here."""
    luma: Track | None
    """Mean brightness of each frame, float32 [T], 0...1."""
    motion: Track | None
    """Mean absolute change of the grey picture against the frame before in 4 x 4 fields, float32 [T, 16], 0...1."""
    flashes: Spans
    """Frames that flash up, as spans of their cells."""
    beeps: Spans
    """Tone bursts, with their onset to a fraction of a millisecond."""
    cuts: tuple[Fraction, ...]
    """Instants at which a new shot begins."""
    waveform: Track | None = None
    """The sound itself, float32 [T], 16 kHz mono; None without sound, or where nobody kept it."""
    sight: Track | None = None
    """What an estimator saw of the whole picture while it was read, one row a segment; None: nobody looked, or no
    segment was complete."""

    __repr__ = one_line
