"""The networks of ``genlock.models.avhubert`` as a recogniser is asked for them: numpy in, numpy out, clip by clip."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from genlock.core.errors import FormatError, OptionError
from genlock.core.time import exact, round_fraction
from genlock.extractors.both.on_frames import FRAME_RATE, mouth_pictures
from genlock.models.avhubert.alignment import REACH_FRAMES, diagonal_scores
from genlock.models.avhubert.decoder import DecoderCache
from genlock.models.avhubert.gate import gate_numbers
from genlock.models.avhubert.recognizer import CONFIG, AVRecognizer, load_avsr
from genlock.models.avhubert.tokens import BLANK, END, SPACE, SPECIALS, Tokens
from genlock.speech.audiovisual.model import Encoded, Rows, ShiftEstimate
from genlock.weights import require

__all__ = ["OWN_MODEL", "AVHuBERTSpeech", "AVTokens", "load_recognizer"]

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
        self.network, self.name, facts = network, name, network.facts
        self.tokens = AVTokens(network.tokens)
        self.decodes, self.spells_frames = network.decoder is not None, network.ctc is not None
        self.language = str(facts.get("language", "en"))
        seconds = exact(str(facts.get("clip_seconds", _LONGEST_SECONDS)))
        self.longest_frames = max(1, round_fraction(seconds * FRAME_RATE, "floor"))
        self.mouth = str(facts.get("mouth", "mouth/96"))

    @property
    def _width(self) -> int:
        return int(self.network.encoder.shape.width)

    @torch.inference_mode()
    def hear(self, sounds: Sequence[Rows]) -> list[Rows]:
        """Rows of the sound's front end, of features [T, 104] each."""
        found = []
        for sound in sounds:
            rows = self.network.encoder.feature_extractor_audio(_tensor(sound.T)[None])
            found.append(_array(rows[0]))
        return found

    @torch.inference_mode()
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
            rows = self.network.encoder.feature_extractor_video(_tensor(shown)[None, None])
            parts.append(_array(rows[0])[first - low : stop - low])
        return np.concatenate(parts) if parts else np.zeros((0, self._width), np.float32)

    @torch.inference_mode()
    def encode(self, heard: Sequence[Rows] | None, seen: Sequence[Rows] | None) -> list[Encoded]:
        """Both streams, or one of them; rows of zeros are frames that were not heard or seen."""
        given = heard if heard is not None else seen
        if given is None:
            raise OptionError("nothing was heard or seen; give at least one of the two")
        found: list[Encoded] = []
        for first in range(0, len(given), _CLIPS_AT_ONCE):
            some = slice(first, first + _CLIPS_AT_ONCE)
            found += self._encoded(
                None if heard is None else heard[some], None if seen is None else seen[some]
            )
        return found

    def _encoded(self, heard: Sequence[Rows] | None, seen: Sequence[Rows] | None) -> list[Encoded]:
        given = heard if heard is not None else seen
        assert given is not None
        lengths = [len(rows) for rows in given]
        if not max(lengths, default=0):
            nothing = np.zeros((0, len(self.tokens.symbols)), np.float32)
            return [
                Encoded(np.zeros((0, self._width), np.float32), nothing, np.zeros(0, bool)) for _ in lengths
            ]
        sound, picture = (None if side is None else self._side(side, lengths) for side in (heard, seen))
        padding = _padding(lengths)
        last = self.network.encoder.encode(sound, picture, padding if padding.any() else None).last
        spelt = self.network.log_probabilities(last) if self.spells_frames else None
        flat = -float(np.log(len(self.tokens.symbols)))
        found = []
        for number, length in enumerate(lengths):
            rows_here = (
                torch.full((length, len(self.tokens.symbols)), flat)
                if spelt is None
                else spelt[number, :length]
            )
            there = np.any([rows[number].any(axis=1) for rows in (heard, seen) if rows is not None], axis=0)
            found.append(Encoded(_array(last[number, :length]), _array(rows_here), there))
        return found

    def _side(self, rows: Sequence[Rows], lengths: Sequence[int]) -> Tensor:
        """One stream of a batch, padded with zeros, [B, T, W]."""
        side = torch.zeros(len(lengths), max(lengths), self._width)
        for number, one in enumerate(rows):
            side[number, : len(one)] = _tensor(one)
        return side

    @torch.inference_mode()
    def shifts(self, alone: Sequence[Encoded], lips: Sequence[Encoded]) -> list[ShiftEstimate]:
        """How far each sound is early against its picture."""
        return [self._shift(*pair) for pair in zip(alone, lips, strict=True)]

    def _shift(self, alone: Encoded, lips: Encoded) -> ShiftEstimate:
        head = self.network.alignment
        shifts = np.arange(-REACH_FRAMES, REACH_FRAMES + 1)
        unknown = np.full(len(shifts), np.nan)
        if head is None:
            return ShiftEstimate(shifts, unknown, None, None, "this model was not taught to align")
        heard, seen = head.sound(_tensor(alone.memory)[None]), head.picture(_tensor(lips.memory)[None])
        heard, seen = (torch.nn.functional.normalize(rows, dim=-1) for rows in (heard, seen))
        there, shown = (torch.from_numpy(one.there)[None] for one in (alone, lips))
        found = diagonal_scores(heard, seen, there, shown)
        enough = (found.pairs[0] >= _LEAST_PAIRS).numpy()
        curve = np.where(enough, found.scores[0].double().numpy(), np.nan)
        if not enough.any():
            return ShiftEstimate(
                shifts, curve, None, None, "sound and mouth are not there together for long enough"
            )
        chance = torch.softmax(head.logits(found, _LEAST_PAIRS)[0], -1).double().numpy()
        best = int(np.nanargmax(curve))
        near = float(chance[max(0, best - 1) : best + 2].sum())
        return ShiftEstimate(shifts, curve, float(shifts[best]) + _between(curve, best), near)

    @torch.inference_mode()
    def helps(self, alone: Encoded, lips: Encoded, both: Encoded, found: ShiftEstimate | None) -> bool:
        """Whether the picture helps; True always if nobody taught it."""
        gate = self.network.gate
        if gate is None or not self.spells_frames:
            return True
        curve = None if found is None else found.curve
        numbers = gate_numbers(alone.log_probs, both.log_probs, lips.log_probs, curve)
        return bool(gate(_tensor(numbers)[None])[0] > 0)

    def spelling(self, memories: Sequence[Rows], hypotheses: int) -> _Spelling:
        """A decoder for clips, ``hypotheses`` rows each."""
        return _Spelling(self.network, memories, hypotheses)


class _Spelling:
    """The decoder of a batch. Hypotheses never change their clip, so that the memory is never copied."""

    def __init__(self, network: AVRecognizer, memories: Sequence[Rows], hypotheses: int) -> None:
        if network.decoder is None:
            raise OptionError("this model has no decoder; --beam 0 takes the likeliest symbol of each frame")
        lengths = [len(rows) for rows in memories]
        memory = torch.zeros(len(memories), max(lengths), network.parts.encoder.width)
        for number, rows in enumerate(memories):
            memory[number, : len(rows)] = _tensor(rows)
        self._decoder = network.decoder
        with torch.inference_mode():
            start = self._decoder.start(memory, _padding(lengths))
            self._cache = start.chosen(torch.arange(len(memories)).repeat_interleave(hypotheses))

    @torch.inference_mode()
    def step(self, parents: npt.NDArray[np.int64], tokens: npt.NDArray[np.int64]) -> Rows:
        """Append a token to hypotheses, and say what may follow."""
        rows = torch.from_numpy(np.ascontiguousarray(parents))
        past = [(keys[rows], values[rows]) for keys, values in self._cache.past]
        self._cache = DecoderCache(self._cache.memory, self._cache.padding, past)
        logits = self._decoder.step(torch.from_numpy(np.ascontiguousarray(tokens)), self._cache)
        return _array(torch.log_softmax(logits, -1))


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
    source = Path(folder)
    if str(folder) == OWN_MODEL and not source.is_dir():
        source = require(OWN_MODEL)
    if not (source / CONFIG).is_file() and (source / _OF_RUN / CONFIG).is_file():
        source = source / _OF_RUN
    named = source.resolve()
    while named.name in (_OF_RUN, "run") and named.parent.name:
        named = named.parent
    return AVHuBERTSpeech(load_avsr(source), named.name)


def _between(curve: npt.NDArray[np.float64], best: int) -> float:
    """How far beside the best candidate the peak lies, by a parabola through it and its neighbours, -1/2...1/2."""
    if not 0 < best < len(curve) - 1:
        return 0.0
    left, top, right = curve[best - 1 : best + 2]
    bend = left - 2 * top + right
    if not np.isfinite(bend) or bend >= 0:
        return 0.0
    return float(np.clip((left - right) / (2 * bend), -0.5, 0.5))


def _padding(lengths: Sequence[int]) -> Tensor:
    """True where a clip has no frame, bool [B, T]."""
    return torch.arange(max(lengths))[None] >= torch.tensor(lengths)[:, None]


def _tensor(values: npt.NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def _array(values: Tensor) -> Rows:
    return np.asarray(values.detach().cpu().numpy(), np.float32)
