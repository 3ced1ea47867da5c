"""A whole film as a recogniser hears and sees it: piece by piece, so that memory does not grow with its length.

Pieces are cut at the quietest places, about as long as the clips that the model was trained on. All lie on one Grid
of 25 frames a second. Of several faces the one is read whose mouth goes with the sound, by the model's
own alignment; where nothing is heard, the one that is seen longest; where no face is seen, the sound is on its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from genlock.aligners.ctc.words import Vocabulary, WordTokens, align_words
from genlock.core.errors import OutputError
from genlock.core.grid import Grid
from genlock.core.progress import Progress, silent
from genlock.core.spans import Span, Spans
from genlock.core.time import round_fraction
from genlock.core.track import Track
from genlock.extractors.both.on_frames import FRAME_RATE, heard_on_frames
from genlock.media.sound_source import SoundSource
from genlock.speech.audiovisual.model import AudioVisualModel, Encoded, Rows
from genlock.speech.audiovisual.search import SearchOptions, search
from genlock.speech.audiovisual.streams import Picture, fuse, hear, look, silenced
from genlock.speech.ctc.emissions import EmissionFile
from genlock.speech.ctc.laid import LaidWords
from genlock.speech.heard import Heard
from genlock.speech.mouths import SpooledMouths
from genlock.speech.sound import SAMPLE_RATE, instant, level_db, quiet_cuts, seconds_long
from genlock.speech.words import Word

__all__ = ["AvsrListening", "listen"]

#: Below this level a piece holds nothing that could be heard: lips are on their own.
_SILENT_DB = -65.0
#: A face that is seen in fewer frames of a piece is not read.
_LEAST_FRAMES = 5
#: Frames around a piece that its picture may be moved by.
_REACH = 25
#: Pieces may be longer than the model's clips by this: a clip of the training itself is never cut.
_LONGER = Fraction(4, 3)
_OVERLAP = 25
_HEADER_BYTES = 4096
_SURE, _NEVER = np.float32(0.0), np.float32(-50.0)
_NO_TIMES = "this model has no CTC head, so it cannot tell when its words are spoken"


class _Piece(NamedTuple):
    """Frames of the film's Grid."""

    keep: range
    """Those whose words and emissions are this piece's."""
    see: range
    """Those that the model is shown; more, where the border may lie inside a word."""


@dataclass(frozen=True)
class _Said:
    """A recognised word of a piece, on the clock."""

    word: Word
    middle: Fraction
    probability: float


class AvsrListening(LaidWords):
    """One film as the model heard and saw it; a :class:`~genlock.speech.recognize.Listening`."""

    def __init__(
        self, model: AudioVisualModel, emissions: EmissionFile, said: Sequence[_Said], faces: Spans
    ) -> None:
        super().__init__(model.tokens, emissions)
        self.model, self._said, self.faces = model, said, faces
        """Which face was read when, as ``face 0``; nothing where the sound was on its own."""

    def __enter__(self) -> AvsrListening:
        return self

    def __exit__(self, *_: object) -> None:
        self.emissions.close()

    @property
    def silent_reason(self) -> str | None:
        """Why nothing can be found at all, or None."""
        if self.emissions.frames == 0:
            return "there is not a single frame of 1/25 s"
        if not self.emissions.heard:
            return "nothing is heard, and no mouth is seen"
        return None if self.model.spells_frames else _NO_TIMES

    def recognize(self) -> list[Heard]:
        """The words that are recognised; rough times where the model cannot tell them."""
        found = []
        for said in self._said:
            start, end = said.word.start, said.word.end
            if start is None or end is None:
                start = end = said.middle
            found.append(Heard(said.word.text, start, end, said.probability))
        return found

    def words(self) -> list[Word]:
        """The words that are recognised, each with the times that the CTC head gives its spelling."""
        return [said.word for said in self._said]


def listen(
    model: AudioVisualModel,
    sound: SoundSource,
    mouths: SpooledMouths | None = None,
    options: SearchOptions | None = None,
    progress: Progress = silent,
) -> AvsrListening:
    """Recognise a film of any length.

    Parameters
    ----------
    sound : 16 kHz mono; silence where the film has none
    mouths : of all its faces; None: there is no picture

    Raises
    ------
    OutputError
        If the temporary folder is full.
    """
    film = _Film(model, sound, mouths, options or SearchOptions())
    file: BinaryIO = tempfile.TemporaryFile(prefix="genlock-emissions-")  # noqa: SIM115 - AvsrListening closes it
    symbols = len(model.tokens.symbols)
    said: list[_Said] = []
    faces: list[Span] = []
    heard = False
    try:
        file.write(bytes(_HEADER_BYTES))
        for piece in film.pieces():
            encoded, face = film.encoded(piece)
            rows = (
                _blank(len(piece.keep), symbols, model.tokens.blank) if encoded is None else encoded.log_probs
            )
            first = 0 if encoded is None else piece.keep.start - piece.see.start
            file.write(np.ascontiguousarray(rows[first : first + len(piece.keep)], np.float32).tobytes())
            if encoded is not None:
                heard = True
                said = _joined(said, film.words(piece, encoded))
            if face is not None:
                edges = film.grid.edge(piece.keep.start), film.grid.edge(piece.keep.stop)
                faces.append(Span(edges[0], edges[1], f"face {face}"))
            progress("recognise", float(len(piece.keep) + piece.keep.start) / 25, float(seconds_long(sound)))
    except OSError as error:
        file.close()
        raise OutputError(
            f"the emissions cannot be kept ({error.strerror}); free some space, or set TMPDIR"
        ) from error
    except BaseException:
        file.close()
        raise
    emissions = EmissionFile(file, film.frames, symbols, film.grid, heard)
    return AvsrListening(model, emissions, said, Spans(faces, sound.clock))


class _Film:
    """A film on one Grid of 25 frames a second, whose cells are those of the picture where there is one."""

    def __init__(
        self, model: AudioVisualModel, sound: SoundSource, mouths: SpooledMouths | None, how: SearchOptions
    ) -> None:
        self.model, self.sound, self.mouths, self.how = model, sound, mouths, how
        cells = None if mouths is None else mouths.frames
        first = sound.origin if cells is None else cells.edge(0)
        first += round_fraction((sound.origin - first) * FRAME_RATE, "floor") / FRAME_RATE
        self.grid = Grid(FRAME_RATE, first, sound.clock)
        length = sound.origin + seconds_long(sound) - first
        self.frames = max(0, round_fraction(length * FRAME_RATE, "ceil")) if sound.count else 0
        self._vocabulary = Vocabulary(model.tokens.symbols, model.tokens.blank, model.tokens.delimiter)

    def pieces(self) -> Iterator[_Piece]:
        """The film, cut at its quietest places."""
        longest = round_fraction(self.model.longest_frames * _LONGER / FRAME_RATE * SAMPLE_RATE, "floor")
        overlap = min(_OVERLAP, self.model.longest_frames // 6)
        first, first_silent = 0, True
        for cut, cut_silent in quiet_cuts(self.sound, longest // 2, longest):
            stop = round_fraction((instant(self.sound, cut) - self.grid.start) * FRAME_RATE, "nearest")
            stop = self.frames if cut >= self.sound.count else min(stop, self.frames)
            if stop > first:
                before, after = (0 if quiet else overlap for quiet in (first_silent, cut_silent))
                yield _Piece(
                    range(first, stop), range(max(0, first - before), min(self.frames, stop + after))
                )
            first, first_silent = stop, cut_silent

    def encoded(self, piece: _Piece) -> tuple[Encoded | None, int | None]:
        """What the model makes of a piece, and the face that was read; None where there is nothing, or nobody."""
        heard = self._heard(piece.see)
        faces = self._faces(piece.see)
        if heard is None:
            if not faces:
                return None, None
            face, picture = faces[0]
            return self.model.encode(None, [picture.part(len(piece.see))])[0], face
        alone = self.model.encode([heard], None)
        if not faces:
            return alone[0], None
        face, picture = faces[0] if len(faces) == 1 else self._speaking(alone[0], faces, len(piece.see))
        fused = fuse(self.model, [heard], [picture], alone=alone)
        return fused.encoded[0], face if fused.looked[0] else None

    def _heard(self, frames: range) -> Rows | None:
        """Rows of the sound; None where nothing can be heard."""
        # A window of the last frame reaches over its end.
        start, end = self.grid.edge(frames.start), self.grid.edge(frames.stop) + Fraction(1, 50)
        first = max(0, round_fraction((start - self.sound.origin) * SAMPLE_RATE, "floor"))
        stop = min(self.sound.count, round_fraction((end - self.sound.origin) * SAMPLE_RATE, "ceil"))
        samples = np.nan_to_num(self.sound.samples(first, stop), nan=0.0, posinf=0.0, neginf=0.0)
        if not len(samples) or level_db(samples) < _SILENT_DB:
            return None
        track = Track(samples, Grid.of_samples(SAMPLE_RATE, instant(self.sound, first), self.sound.clock))
        part = Grid(FRAME_RATE, start, self.grid.clock)
        features = heard_on_frames(track, part, len(frames))
        return hear(self.model, [silenced(np.asarray(features.values, np.float32), features.valid)])[0]

    def _faces(self, frames: range) -> list[tuple[int, Picture]]:
        """The faces of a piece after the picture's front end, the one that is seen longest first."""
        if self.mouths is None:
            return []
        start, end = self.grid.edge(frames.start - _REACH), self.grid.edge(frames.stop + _REACH)
        around = Grid(FRAME_RATE, start, self.grid.clock)
        found = []
        for face, track in self.mouths.faces_between(start, end):
            crops = track.on(around, "nearest", length=len(frames) + 2 * _REACH)
            if crops.valid[_REACH : _REACH + len(frames)].sum() >= _LEAST_FRAMES:
                values = np.asarray(crops.values, np.uint8)
                found.append((face, look(self.model, [values], [crops.valid], [_REACH])[0]))
        return found

    def _speaking(
        self, alone: Encoded, faces: Sequence[tuple[int, Picture]], count: int
    ) -> tuple[int, Picture]:
        """The face whose mouth goes best with the sound."""
        lips = self.model.encode(None, [picture.part(count) for _, picture in faces])
        found = self.model.shifts([alone] * len(faces), lips)
        scores = [float(np.nanmax(one.curve)) if np.isfinite(one.curve).any() else -np.inf for one in found]
        return faces[int(np.argmax(scores))]

    def words(self, piece: _Piece, encoded: Encoded) -> Iterator[_Said]:
        """The recognised words whose middle belongs to a piece."""
        best = search(self.model, [encoded], self.how)[0][0]
        texts = best.text.split()
        part = Grid(FRAME_RATE, self.grid.edge(piece.see.start), self.grid.clock)
        start, end = self.grid.edge(piece.keep.start), self.grid.edge(piece.keep.stop)
        for place, word in enumerate(self._placed(texts, encoded, part)):
            if word.start is None or word.end is None:
                # It stays where its order among the others puts it.
                middle = part.edge(0) + Fraction(2 * place + 1, 2 * len(texts)) * Fraction(len(piece.see), 25)
            else:
                middle = (word.start + word.end) / 2
            if start <= middle < end:
                yield _Said(word, middle, 0.5 if word.confidence is None else word.confidence)

    def _placed(self, texts: Sequence[str], encoded: Encoded, part: Grid) -> list[Word]:
        if not texts:
            return []
        if not self.model.spells_frames:
            return [Word(text, reason=_NO_TIMES) for text in texts]
        spelt = [WordTokens(text, *self.model.tokens.spell(text)) for text in texts]
        found = align_words(encoded.log_probs, spelt, self._vocabulary, part)
        return [
            Word(text, reason=word.reason or "not found in the sound")
            if word.start is None or word.end is None
            else Word(
                text, word.start, word.end, None if word.confidence is None else round(word.confidence, 4)
            )
            for text, word in zip(texts, found.words, strict=True)
        ]


def _joined(before: list[_Said], after: Iterator[_Said]) -> list[_Said]:
    """Words of two pieces; one at the border that both have counts once, and none begins before the one before ends."""
    new = list(after)
    same = bool(before) and bool(new) and before[-1].word.text == new[0].word.text
    if same and abs(new[0].middle - before[-1].middle) < Fraction(3, 10):
        new = new[1:]
    if before and new:
        last, first = before[-1].word, new[0].word
        if (
            last.end is not None
            and first.start is not None
            and first.end is not None
            and first.start < last.end
        ):
            start = min(last.end, first.end)
            new[0] = replace(new[0], word=Word(first.text, start, first.end, first.confidence))
    return [*before, *new]


def _blank(frames: int, symbols: int, blank: int) -> npt.NDArray[np.float32]:
    rows = np.full((frames, symbols), _NEVER, np.float32)
    rows[:, blank] = _SURE
    return rows
