"""Kokoro 82M: a neural voice under Apache-2.0, natural, in 54 timbres; it says itself how long each phone is.

The network (int8, ONNX) reads phones and tells for each how many frames of 25 ms it speaks it; that number is an
inner value of the graph, which is made an output here. The sound leads the sum of the frames by a constant.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency, OptionError
from genlock.synth.talkers.heard import heard_closures, settle_edges, sound_end
from genlock.synth.talkers.phone_sets import SILENCE
from genlock.synth.talkers.pronounce import words_of
from genlock.synth.talkers.voices import Manner, Spoken, Text, assemble, framed
from genlock.synth.voice.lexicon import SpokenWord
from genlock.synth.voice.phones import parse_phone
from genlock.weights import registry

__all__ = ["Kokoro"]

_RATE = 24000
_FRAME = 600
_DURATIONS = "/encoder/Clip_output_0"
#: By so much the sound leads the sum of the frames.
_LEAD_SAMPLES = round(0.075 * _RATE)
_MOST_TOKENS = 500
_STYLE = 256

#: Kokoro's symbols of the phones: its own letters for the diphthongs of American English.
_SYMBOLS = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "W", "AY": "I", "B": "b", "CH": "ʧ", "D": "d",
    "DH": "ð", "EH": "ɛ", "ER": "ɜɹ", "EY": "A", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i",
    "JH": "ʤ", "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "O", "OY": "Y", "P": "p",
    "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w",
    "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
_UNSTRESSED = {"AH": "ə", "ER": "əɹ"}
_STRESS = {1: "ˈ", 2: "ˌ"}
_PAUSES = {"none": "", "comma": ",", "full": "."}


@dataclass(frozen=True)
class _Symbol:
    """One token for the network: what it is read as, and whose time it is."""

    text: str
    phone: int
    """Number of the phone whose time it counts to; of a space the one before it; -1: silence."""


@dataclass(frozen=True)
class Kokoro:
    """The engine Kokoro, if its model is on the machine; the phones are ours, no other program is asked for them."""

    name: str = "kokoro"
    """As in ``kokoro:af_heart``."""
    licence: str = "Apache-2.0"
    """Of the weights and of the voices."""
    phone_accuracy_seconds: Fraction = Fraction(40, 1000)
    """Durations are whole frames of 25 ms; edges that can be heard are moved to where they are, the rest with them."""

    def missing(self) -> str | None:
        """How to get it, if it is not there."""
        if registry.find("kokoro") is None:
            return "Kokoro is not on this machine: genlock models fetch kokoro (96 MB), and kokoro-voices (28 MB)"
        return None

    def voices(self) -> tuple[str, ...]:
        """Of the 54 voices those that are here; American and British English first."""
        folder = registry.find("kokoro-voices")
        if self.missing():
            return ()
        if folder is None:
            return tuple(sorted(_bundled()))
        names = [path.stem for path in folder.glob("*.bin")]
        return tuple(sorted(names, key=lambda name: (name[0] not in "ab", name != "af_heart", name)))

    def speak(self, text: Text, voice: str, manner: Manner) -> Spoken:
        """Speak the words by their phones.

        Its pitch is its voice's own; :class:`genlock.synth.talkers.changes.Change` moves it afterwards.
        """
        if self.missing():
            raise MissingDependency(str(self.missing()))
        if voice not in self.voices():
            raise OptionError(f"kokoro has no voice {voice!r}; it has {', '.join(self.voices())}")
        if manner.pitch:
            raise OptionError(
                "kokoro speaks at its voice's own pitch: leave pitch=0, and move it by Change(pitch=...)"
            )
        words = words_of(text)
        symbols, labels, spans = _symbols(words)
        if len(symbols) > _MOST_TOKENS:
            raise OptionError(
                f"{len(words)} words are {len(symbols)} symbols; kokoro takes {_MOST_TOKENS}: cut it"
            )
        vocabulary = _vocabulary()
        tokens = [0, *(vocabulary[symbol.text] for symbol in symbols), 0]
        audio, frames = _session().run(
            None,
            {
                "tokens": np.array([tokens], np.int64),
                "style": _style(voice)[min(len(symbols), 510) - 1].reshape(1, _STYLE),
                "speed": np.array([manner.speed], np.float32),
            },
        )
        ends = np.cumsum(np.asarray(frames, np.float64).ravel()).astype(np.int64) * _FRAME - _LEAD_SAMPLES
        return self._spoken(np.asarray(audio).ravel(), ends, symbols, labels, spans, voice, manner)

    def _spoken(
        self,
        audio: npt.NDArray[np.float32],
        ends: npt.NDArray[np.int64],
        symbols: Sequence[_Symbol],
        labels: Sequence[str],
        spans: Sequence[tuple[int, int, str]],
        voice: str,
        manner: Manner,
    ) -> Spoken:
        starts = np.concatenate([[0], ends[:-1]])
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for place, symbol in enumerate(symbols, start=1):
            first.setdefault(symbol.phone, int(starts[place]))
            last[symbol.phone] = int(ends[place])
        edges, row, numbers = [first[0]], [], []
        for phone, label in enumerate(labels):
            if phone and first[phone] > edges[-1]:
                row.append(SILENCE)
                edges.append(first[phone])
            numbers.append(len(row))
            row.append(label)
            edges.append(last[phone])
        # The network counts the silence at the end to the last phone.
        edges[-1] = max(edges[-2] + _FRAME, min(edges[-1], sound_end(audio, _RATE)))
        row = [SILENCE, *row, SILENCE]
        edges = settle_edges(audio, _RATE, [0, *edges, len(audio)], row)
        sound, moved = framed(audio, _RATE, (edges[1], edges[-2]), manner)
        edges = [0, *(edge + moved for edge in edges[1:-1]), len(sound)]
        words = [(numbers[a] + 1, numbers[b - 1] + 2, text) for a, b, text in spans]
        return assemble(
            sound,
            _RATE,
            edges,
            row,
            words,
            heard_closures(sound, _RATE, edges, row),
            voice=f"{self.name}:{voice}",
            engine=self.name,
            licence=self.licence,
            phone_accuracy_seconds=self.phone_accuracy_seconds,
            closures_heard=True,
            seed=manner.seed,
        )


def _symbols(words: Sequence[SpokenWord]) -> tuple[list[_Symbol], list[str], list[tuple[int, int, str]]]:
    """The network's symbols, the phones' labels, and the words as runs of phones."""
    symbols: list[_Symbol] = []
    labels: list[str] = []
    spans: list[tuple[int, int, str]] = []
    for number, word in enumerate(words):
        begin = len(labels)
        if number:
            symbols.append(_Symbol(" ", len(labels) - 1 if words[number - 1].pause_after == "none" else -1))
        for phone in word.phones:
            name, stress = parse_phone(phone)
            if stress:
                # Within speech its time goes to what comes before the vowel; after silence, to the vowel.
                before = symbols[-1].phone if symbols else -1
                symbols.append(_Symbol(_STRESS[stress], len(labels) if before < 0 else before))
            text = _UNSTRESSED.get(name, _SYMBOLS[name]) if stress == 0 else _SYMBOLS[name]
            symbols += [_Symbol(letter, len(labels)) for letter in text]
            labels.append(name)
        spans.append((begin, len(labels), word.text.lower()))
        if word.pause_after != "none":
            symbols.append(_Symbol(_PAUSES[word.pause_after], -1))
    return symbols, labels, spans


def _model_folder() -> Path:
    return registry.require("kokoro")


@lru_cache(maxsize=1)
def _vocabulary() -> dict[str, int]:
    with open(_model_folder() / "vocab.json", encoding="utf-8") as file:
        table: dict[str, int] = json.load(file)["vocab"]
    return table


@lru_cache(maxsize=1)
def _bundled() -> dict[str, npt.NDArray[np.float32]]:
    with np.load(_model_folder() / "voices_ja.npz", allow_pickle=False) as archive:
        return {name: archive[name].astype(np.float32).reshape(-1, _STYLE) for name in archive.files}


@lru_cache(maxsize=64)
def _style(voice: str) -> npt.NDArray[np.float32]:
    """The voice's styles by the number of symbols, float32 [510, 256]."""
    folder = registry.find("kokoro-voices")
    if folder is None:
        return _bundled()[voice]
    return np.fromfile(folder / f"{voice}.bin", "<f4").reshape(-1, _STYLE)


@lru_cache(maxsize=1)
def _session() -> Any:
    """The network in one thread, with the durations as a second output."""
    import onnxruntime  # slow to import, and needed for this engine only

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    data = (_model_folder() / "model.onnx").read_bytes() + _as_output(_DURATIONS)
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _as_output(name: str) -> bytes:
    """What makes an inner value of an ONNX file an output, when it is appended to the file.

    A message of protocol buffers that is given in two parts is their union: the part here is a graph (field 7) with one
    output (field 12) of that name (field 1).

    >>> _as_output("x")
    b':\\x05b\\x03\\n\\x01x'
    """

    def field(number: int, content: bytes) -> bytes:
        assert len(content) < 128  # a longer one has its length in several bytes
        return bytes([number << 3 | 2, len(content)]) + content

    return field(7, field(12, field(1, name.encode())))
