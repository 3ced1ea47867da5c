"""The networks of ``genlock.models.avhubert`` as a recogniser is asked for them: numpy in, numpy out, clip by clip."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from genlock.aligners.diagonal import REACH_FRAMES
from genlock.core.errors import FormatError, OptionError
from genlock.core.json_forms import read_json_file
from genlock.core.time import exact, round_fraction
from genlock.extractors.both.on_frames import FRAME_RATE, mouth_pictures
from genlock.models.avhubert.gate import gate_numbers
from genlock.models.avhubert.tokens import BLANK, END, SPACE, SPECIALS, Tokens
from genlock.speech.audiovisual.model import Encoded, Rows, ShiftEstimate, Spelling
from genlock.weights import require

if TYPE_CHECKING:
    from genlock.models.avhubert.recognizer import AVRecognizer

__all__ = ["OWN_MODEL", "AVHuBERTSpeech", "AVTokens", "load_recognizer", "mouths_of"]

#: The recogniser that comes with the package: of a few speakers of GRID, an example of the method.
OWN_MODEL = "avsr-nano"

#: Frames of the picture that pass the front end at a time, and those on either side that its convolution looks at.
_SEEN_AT_ONCE, _REACH = 250, 2
#: Clips that pass the transformer at a time.
_CLIPS_AT_ONCE = 16
#: Pairs of frames that a shift must have.
_LEAST_PAIRS = 5
_LONGEST_SECONDS = 28
#: Where a run keeps what it has made.
_OF_RUN = "model"
_CONFIG, _USUAL_MOUTH = "config.json", "mouth/96"


class AVTokens:
    """The tokens of a checkpoint, as columns of both heads.

    >>> letters = AVTokens(Tokens.of_characters(["bin blue"]))
    >>> letters.spell("Blue!"), letters.text([4, 5, 7, 9])
    (((5, 8, 10, 6), '!'), 'bin')
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.symbols: tuple[str, ...] = tokens.symbols
        self.blank, self.begin, self.end = BLANK, END, END
        self.silent: tuple[int, ...] = tuple(range(len(SPECIALS)))
        self._columns = {
            symbol: number for number, symbol in enumerate(self.symbols) if number >= len(SPECIALS)
        }
        self.delimiter = self._columns.get(SPACE) if tokens.kind == "characters" else None

    def text(self, tokens: Sequence[int]) -> str:
        """The sentence that symbols spell."""
        return " ".join(self._tokens.text(tokens).split())

    def spell(self, word: str) -> tuple[tuple[int, ...], str]:
        """The columns that spell one word, and its characters that have none."""
        if self._tokens.kind == "characters":
            return self._in_pieces(word, 1)
        return self._in_pieces(SPACE + word, max(map(len, self._columns), default=1))

    def _in_pieces(self, word: str, longest: int) -> tuple[tuple[int, ...], str]:
        """The longest piece that fits, again and again; of one character in its own case first."""
        found, unknown, at = [], "", 0
        while at < len(word):
            for length in range(min(longest, len(word) - at), 0, -1):
                piece = word[at : at + length]
                known = [form for form in (piece, piece.lower(), piece.upper()) if form in self._columns]
                if known:
                    found.append(self._columns[known[0]])
                    break
            else:
                length = 1
                unknown += word[at]
            at += length
        return tuple(found), unknown


class AVHuBERTSpeech:
    """A loaded recogniser; an :class:`~genlock.speech.audiovisual.model.AudioVisualModel`.

    Parameters
    ----------
    network : in evaluation mode
    name : for tables

    Raises
    ------
    FormatError
        If it can write nothing: it has neither a decoder nor a CTC head.
    """

    def __init__(self, network: AVRecognizer, name: str) -> None:
        if network.tokens is None or (network.ctc is None and network.decoder is None):
            raise FormatError(
                f"the model {name!r} has neither a CTC head nor a decoder, so it recognises nothing; train one with "
                "genlock train avsr"
            )
        from genlock.models.avhubert.arrays import RecognizerArrays  # needs the optional torch

        self.network, self.name, facts = network, name, network.facts
        self._arrays = RecognizerArrays(network)
        self.tokens = AVTokens(network.tokens)
        self.decodes, self.spells_frames = network.decoder is not None, network.ctc is not None
        self.language = str(facts.get("language", "en"))
        seconds = exact(str(facts.get("clip_seconds", _LONGEST_SECONDS)))
        self.longest_frames = max(1, round_fraction(seconds * FRAME_RATE, "floor"))
        self.mouth = str(facts.get("mouth", _USUAL_MOUTH))

    def hear(self, sounds: Sequence[Rows]) -> list[Rows]:
        """Rows of the sound's front end, of features [T, 104] each."""
        return [self._arrays.hear(sound) for sound in sounds]

    def see(
        self, pictures: Sequence[npt.NDArray[np.uint8]], seen: Sequence[npt.NDArray[np.bool_]]
    ) -> list[Rows]:
        """Rows of the picture's front end, of grey mouths [T, side, side] each."""
        return [self._seen(*pair) for pair in zip(pictures, seen, strict=True)]

    def _seen(self, picture: npt.NDArray[np.uint8], seen: npt.NDArray[np.bool_]) -> Rows:
        parts = []
        for first in range(0, len(picture), _SEEN_AT_ONCE):
            stop = min(first + _SEEN_AT_ONCE, len(picture))
            low, high = max(0, first - _REACH), min(len(picture), stop + _REACH)
            shown = mouth_pictures(picture[low:high], self.network.encoder.shape.crop, seen[low:high])
            parts.append(self._arrays.see(shown)[first - low : stop - low])
        return np.concatenate(parts) if parts else np.zeros((0, self._arrays.width), np.float32)

    def encode(self, heard: Sequence[Rows] | None, seen: Sequence[Rows] | None) -> list[Encoded]:
        """Both streams, or one of them; rows of zeros are frames that were not heard or seen."""
        given = heard if heard is not None else seen
        if given is None:
            raise OptionError("nothing was heard or seen; give at least one of the two")
        found: list[Encoded] = []
        for first in range(0, len(given), _CLIPS_AT_ONCE):
            some = slice(first, first + _CLIPS_AT_ONCE)
            sides = [None if side is None else side[some] for side in (heard, seen)]
            found += self._encoded(sides[0], sides[1], [len(rows) for rows in given[some]])
        return found

    def _encoded(
        self, heard: Sequence[Rows] | None, seen: Sequence[Rows] | None, lengths: Sequence[int]
    ) -> list[Encoded]:
        symbols = len(self.tokens.symbols)
        if not max(lengths, default=0):
            nothing = np.zeros((0, self._arrays.width), np.float32), np.zeros((0, symbols), np.float32)
            return [Encoded(*nothing, np.zeros(0, bool)) for _ in lengths]
        memory, spelt = self._arrays.encode(heard, seen, lengths)
        flat = np.float32(-np.log(symbols))
        found = []
        for number, length in enumerate(lengths):
            rows = np.full((length, symbols), flat) if spelt is None else spelt[number]
            there = np.any([side[number].any(axis=1) for side in (heard, seen) if side is not None], axis=0)
            found.append(Encoded(memory[number], rows, there))
        return found

    def shifts(self, alone: Sequence[Encoded], lips: Sequence[Encoded]) -> list[ShiftEstimate]:
        """How far each sound is early against its picture."""
        return [self._shift(*pair) for pair in zip(alone, lips, strict=True)]

    def _shift(self, alone: Encoded, lips: Encoded) -> ShiftEstimate:
        shifts = np.arange(-REACH_FRAMES, REACH_FRAMES + 1)
        if self.network.alignment is None:
            unknown = np.full(len(shifts), np.nan)
            return ShiftEstimate(shifts, unknown, None, None, "this model was not taught to align")
        scores, pairs, chance = self._arrays.shifts(
            alone.memory, lips.memory, alone.there, lips.there, _LEAST_PAIRS
        )
        curve = np.where(pairs >= _LEAST_PAIRS, scores, np.nan)
        if not np.isfinite(curve).any():
            return ShiftEstimate(
                shifts, curve, None, None, "sound and mouth are not there together for long enough"
            )
        best = int(np.nanargmax(curve))
        near = float(chance[max(0, best - 1) : best + 2].sum())
        return ShiftEstimate(shifts, curve, float(shifts[best]) + _between(curve, best), near)

    def helps(self, alone: Encoded, lips: Encoded, both: Encoded, found: ShiftEstimate | None) -> bool:
        """Whether the picture helps; True always if nobody taught it."""
        if self.network.gate is None or not self.spells_frames:
            return True
        curve = None if found is None else found.curve
        return self._arrays.helps(gate_numbers(alone.log_probs, both.log_probs, lips.log_probs, curve))

    def spelling(self, memories: Sequence[Rows], hypotheses: int) -> Spelling:
        """A decoder for clips, ``hypotheses`` rows each."""
        from genlock.models.avhubert.arrays import SpellingArrays  # needs the optional torch

        return SpellingArrays(self.network, memories, hypotheses)


def load_recognizer(folder: str | os.PathLike[str]) -> AVHuBERTSpeech:
    """The recogniser of a folder that ``genlock train avsr`` made (the run, or ``model`` in it), or ``genlock models
    convert``; it is called as the folder is, or as the run where that is called ``model``. ``avsr-nano`` is ours.

    Raises
    ------
    MissingModel
        If there is no such folder.
    FormatError
        If it is damaged, of another kind or size, or recognises nothing.
    """
    from genlock.models.avhubert.recognizer import load_avsr  # needs the optional torch

    source = _folder_of(folder)
    named = source.resolve()
    while named.name in (_OF_RUN, "run") and named.parent.name:
        named = named.parent
    return AVHuBERTSpeech(load_avsr(source), named.name)


def mouths_of(folder: str | os.PathLike[str]) -> str:
    """The crops that the recogniser of a folder sees, as a feature; ``mouth/96`` if it does not say, or is not there.

    >>> mouths_of("avsr-nano")
    'mouth/96'
    """
    file = _folder_of(folder) / _CONFIG
    if not file.is_file():
        return _USUAL_MOUTH  # that there is no model is told by whoever loads it
    facts = read_json_file(file).get("facts")
    return str(facts.get("mouth", _USUAL_MOUTH)) if isinstance(facts, dict) else _USUAL_MOUTH


def _folder_of(folder: str | os.PathLike[str]) -> Path:
    source = Path(folder)
    if str(folder) == OWN_MODEL and not source.is_dir():
        source = require(OWN_MODEL)
    if not (source / _CONFIG).is_file() and (source / _OF_RUN / _CONFIG).is_file():
        source = source / _OF_RUN
    return source


def _between(curve: npt.NDArray[np.float64], best: int) -> float:
    """How far beside the best candidate the peak lies, by a parabola through it and its neighbours, -1/2...1/2."""
    if not 0 < best < len(curve) - 1:
        return 0.0
    left, top, right = curve[best - 1 : best + 2]
    bend = left - 2 * top + right
    if not np.isfinite(bend) or bend >= 0:
        return 0.0
    return float(np.clip((left - right) / (2 * bend), -0.5, 0.5))
