"""A recogniser that reads what was planted: symbols and a fingerprint lie in every frame of sound and of picture.

It knows nothing but numpy. What is planted comes back exactly where sound and picture are in step and nothing disturbs
them; out of step, two symbols are mixed in each frame.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genlock.aligners.diagonal import diagonal_means
from genlock.bench.avsr_clips import AVClip, Disturbance
from genlock.core.grid import Cells, Grid
from genlock.core.track import Track
from genlock.extractors.both.on_frames import heard_on_frames
from genlock.extractors.face.mouth import Mouth, MouthOptions
from genlock.speech.audiovisual.model import Encoded, Rows, ShiftEstimate
from genlock.speech.mouths import SpooledMouths

WORDS = ("bin", "lay", "set", "red", "blue", "now")
REACH = 25
_MARKS = 16
_PIXELS = 16


class WordTokens:
    """A blank, a border of sentences, and one symbol for each word."""

    symbols = ("-", "</s>", *WORDS)
    blank, begin, end, silent = 0, 1, 1, (0, 1)
    delimiter = None

    def text(self, tokens: Sequence[int]) -> str:
        return " ".join(self.symbols[token] for token in tokens)

    def spell(self, word: str) -> tuple[tuple[int, ...], str]:
        return ((self.symbols.index(word),), "") if word in WORDS else ((), word)


_SYMBOLS = len(WordTokens.symbols)
_WIDTH = _SYMBOLS + _MARKS


class PlantedModel:
    """Reads symbols and fingerprints; an AudioVisualModel."""

    name, language, mouth = "planted", "en", "mouth/96"
    decodes, spells_frames, longest_frames = False, True, 250

    def __init__(self, similarity: bool = True) -> None:
        self.tokens = WordTokens()
        self.similarity = similarity

    def hear(self, sounds: Sequence[Rows]) -> list[Rows]:
        return [np.asarray(sound[:, :_WIDTH], np.float32) for sound in sounds]

    def see(self, pictures: Sequence[np.ndarray], seen: Sequence[np.ndarray]) -> list[Rows]:
        return [code_of(picture) for picture in pictures]

    def encode(self, heard: Sequence[Rows] | None, seen: Sequence[Rows] | None) -> list[Encoded]:
        sides = [side for side in (heard, seen) if side is not None]
        found = []
        for each in zip(*sides, strict=True):
            rows = np.mean(each, axis=0)
            logits = 12 * rows[:, :_SYMBOLS].astype(np.float64)
            log_probs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
            found.append(Encoded(rows, log_probs.astype(np.float32), np.abs(rows).sum(axis=1) > 0))
        return found

    def _sure(self, means: np.ndarray) -> float:
        return float(np.nanmax(means))

    def _marks(self, one: Encoded) -> np.ndarray:
        """What tells one frame from another: its fingerprint."""
        return one.memory[:, _SYMBOLS:]

    def shifts(self, alone: Sequence[Encoded], lips: Sequence[Encoded]) -> list[ShiftEstimate]:
        shifts, found = np.arange(-REACH, REACH + 1), []
        for sound, picture in zip(alone, lips, strict=True):
            a, b = (
                marks / np.maximum(np.linalg.norm(marks, axis=1, keepdims=True), 1e-9)
                for marks in (self._marks(sound), self._marks(picture))
            )
            means, _ = diagonal_means(a @ b.T, REACH, heard=sound.there, seen=picture.there, least_frames=5)
            if not self.similarity:
                means = np.where(shifts == 0, 1.0, 0.0)
            best = int(np.nanargmax(means)) if np.isfinite(means).any() else None
            frames = None if best is None else float(shifts[best])
            found.append(
                ShiftEstimate(shifts, means, frames, None if best is None else self._sure(means), "")
            )
        return found

    def helps(self, alone: Encoded, lips: Encoded, both: Encoded, found: ShiftEstimate | None) -> bool:
        return True


def code_of(picture: np.ndarray) -> Rows:
    flat = picture.reshape(len(picture), -1)[:, :_WIDTH].astype(np.float32)
    rows = (flat - 128) / 100
    rows[:, :_SYMBOLS] *= 5
    rows[flat.sum(axis=1) == 0] = 0
    return np.asarray(rows, np.float32)


def mouths_of(code: np.ndarray) -> np.ndarray:
    """Pictures that :func:`code_of` reads; symbols are faint beside the fingerprint, as lips are in a face."""
    scaled = code.copy()
    scaled[:, :_SYMBOLS] /= 5
    flat = np.full((len(code), _PIXELS * _PIXELS), 128.0)
    flat[:, :_WIDTH] = np.clip(128 + 100 * scaled, 1, 255)
    return np.rint(flat).astype(np.uint8).reshape(len(code), _PIXELS, _PIXELS)


@dataclass(frozen=True, eq=False)
class PlantedClip(AVClip):
    """A clip whose features are its code, more or less disturbed."""

    code: np.ndarray | None = None

    def heard(
        self, disturbed: Disturbance | None = None, crowd: Sequence[np.ndarray] = (), seed: int = 0
    ) -> Rows:
        assert self.code is not None
        sound = np.zeros((len(self.code), 104), np.float32)
        sound[:, :_WIDTH] = self.code
        if disturbed is not None:
            noise = self.draw(seed, 1).standard_normal((len(self.code), _SYMBOLS))
            sound[:, :_SYMBOLS] += 0.35 * 10 ** (-disturbed.snr_decibels / 20) * noise
        return sound


def planted_clip(number: int, frames: int = 75, speaker: str = "") -> PlantedClip:
    """Three words at known frames, and a fingerprint that moves slowly."""
    draw = np.random.default_rng([7, number])
    words = [WORDS[k] for k in draw.integers(0, len(WORDS), 3)]
    code = np.zeros((frames, _WIDTH))
    code[:, 0] = 1
    for place, word in enumerate(words):
        first = 15 + 15 * place
        code[first : first + 9] = 0
        code[first : first + 9, WordTokens.symbols.index(word)] = 1
    walk = draw.standard_normal((frames + 16, _MARKS))
    kernel = np.exp(-0.5 * (np.arange(-8, 9) / 2.0) ** 2)
    smooth = np.stack([np.convolve(column, kernel, "valid") for column in walk.T], axis=1)
    code[:, _SYMBOLS:] = smooth / np.abs(smooth).max()
    grid = Grid(25)
    sound = Track(draw.standard_normal(640 * frames).astype(np.float32), Grid.of_samples(16000))
    mouth = Track(mouths_of(code), grid, np.ones(frames, bool))
    return PlantedClip(f"clip{number}", speaker or f"s{number % 2}", " ".join(words), sound, mouth, code=code)


HERTZ = (300.0, 520.0, 850.0, 1300.0, 2000.0, 3100.0)
RATE = 16000


class ToneModel(PlantedModel):
    """The same, of real sound: every word is a tone. Frames are told apart by their words alone."""

    longest_frames = 250

    def __init__(self) -> None:
        super().__init__()
        n = np.arange(RATE)
        # The first one is the hiss between words.
        tones = [spoken([], 1.0), *(0.3 * np.sin(2 * np.pi * hertz * n / RATE) for hertz in HERTZ)]
        rows = [heard_on_frames(_sound(tone), Grid(25), 10).values[5] for tone in tones]
        self._patterns = np.stack(rows) / np.linalg.norm(rows, axis=1, keepdims=True)

    def hear(self, sounds: Sequence[Rows]) -> list[Rows]:
        found = []
        for sound in sounds:
            alike = sound @ self._patterns.T / np.maximum(np.linalg.norm(sound, axis=1, keepdims=True), 1e-9)
            rows = np.zeros((len(sound), _WIDTH), np.float32)
            # Pattern 0 is the blank, the others follow the border of sentences.
            best = alike.argmax(axis=1)
            rows[np.arange(len(sound)), np.where(best > 0, best + 1, 0)] = 1
            found.append(rows)
        return found

    def _marks(self, one: Encoded) -> np.ndarray:
        return one.memory[:, 1:_SYMBOLS]

    def _sure(self, means: np.ndarray) -> float:
        """Words are rarer than frames, so the best mean is far below one: what counts is how it stands out."""
        return float(np.nanmax(means) > 2 * np.nanmedian(means))


def _sound(samples: np.ndarray) -> Track:
    return Track(samples.astype(np.float32), Grid.of_samples(RATE))


def spoken(words: Sequence[tuple[str, float, float]], seconds: float) -> np.ndarray:
    """Tones for words ``(text, start, end)`` over a hiss that nobody takes for one."""
    count = round(seconds * RATE)
    made = 1e-3 * np.random.default_rng(2).standard_normal(count)
    for text, start, end in words:
        n = np.arange(round(start * RATE), round(end * RATE))
        made[n] += 0.3 * np.sin(2 * np.pi * HERTZ[WORDS.index(text)] * n / RATE)
    return made.astype(np.float32)


def mouthed(words: Sequence[tuple[str, float, float]], cells: Cells, frames: int) -> np.ndarray:
    """The mouth that says words, on frames: uint8 [frames, side, side]."""
    code = np.zeros((frames, _WIDTH))
    code[:, 0] = 1
    for text, start, end in words:
        said = np.array([start <= float(cells.center(k)) < end for k in range(frames)])
        code[said] = 0
        code[said, WordTokens.symbols.index(text)] = 1
    return mouths_of(code)


def spooled(faces: dict[int, dict[int, np.ndarray]], cells: Cells, side: int = _PIXELS) -> SpooledMouths:
    """Mouths in a file: for each face and frame a crop."""
    file, places, count = tempfile.TemporaryFile(), {}, 0  # noqa: SIM115 - it goes with the mouths
    for face, crops in faces.items():
        for frame, crop in crops.items():
            file.write(crop.tobytes())
            places.setdefault(face, {})[frame] = count
            count += 1
    file.flush()
    return SpooledMouths(file, Mouth(MouthOptions("crop", side)), places, cells)


def sentence(seconds: float, seed: int = 0) -> list[tuple[str, float, float]]:
    """Words of drawn lengths with pauses between them."""
    draw, at, found = np.random.default_rng(seed), 0.5, []
    while at + 1.0 < seconds:
        length = float(draw.uniform(0.24, 0.44))
        found.append((WORDS[int(draw.integers(len(WORDS)))], at, at + length))
        at += length + float(draw.uniform(0.16, 0.9))
    return found
