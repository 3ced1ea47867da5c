"""``genlock synth tones``: films that glow while a tone sounds, with what is said and the offset beside each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from genlock.core.files import make_folders, write_text
from genlock.core.progress import Progress
from genlock.core.time import Exact, exact
from genlock.media import Picture, Sound, encode
from genlock.synth.worlds import World

#: The language: words and their pitches in hertz.
WORDS = {"low": 300, "mid": 700, "high": 1500}
RATE, FRAMES = 16000, 25
SLOT = Fraction(1, 2)
"""A word begins every half second."""
LENGTHS = (Fraction(1, 5), Fraction(3, 10), Fraction(2, 5))
"""A tone lasts one of these, in seconds."""


@dataclass(frozen=True)
class ToneOptions:
    """What is made."""

    count: int = 3
    """Number of films, at least 1."""
    words: int = 12
    """Words in each, at least 1."""
    offset_seconds: Exact = 0
    """How early the sound is, in seconds; positive: early."""
    seed: int = 0
    """Seed of the words and of how long each lasts."""


@dataclass(frozen=True)
class Films:
    """What was made."""

    folder: str
    """The folder."""
    clips: tuple[str, ...]
    """Names of the films; each has ``NAME.json`` beside it."""

    def to_dict(self) -> dict[str, object]:
        """``folder``, ``clips[]``."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{len(self.clips)} films in {self.folder}"


def make(folder: str, options: ToneOptions, progress: Progress) -> Films:
    """Make the films one after the other, the same for the same options."""
    make_folders(Path(folder))
    names = []
    for number in range(options.count):
        draw = np.random.default_rng([options.seed, number])
        said = [str(word) for word in draw.choice(list(WORDS), options.words)]
        lengths = [LENGTHS[k] for k in draw.integers(len(LENGTHS), size=options.words)]
        name = f"{number:03d}.mkv"
        film(Path(folder) / name, said, lengths, exact(options.offset_seconds))
        truth = {"words": said, "offset_seconds": float(exact(options.offset_seconds))}
        write_text(Path(folder) / f"{number:03d}.json", json.dumps(truth) + "\n")
        names.append(name)
        progress("films", number + 1, options.count)
    return Films(str(folder), tuple(names))


def film(path: Path, said: list[str], lengths: list[Fraction], offset: Fraction) -> None:
    """Write one film: frame k is bright if a tone sounds at its middle; the sound lies ``offset`` before it."""
    seconds = SLOT * (len(said) + 1)
    # Where a tone sounds is asked in whole samples and whole frames: counted, never rounded.
    begins = [SLOT * k + SLOT / 2 for k in range(len(said))]
    samples = np.zeros(int(seconds * RATE), np.float32)
    bright = np.zeros(int(seconds * FRAMES), bool)
    middles = [Fraction(2 * k + 1, 2 * FRAMES) for k in range(len(bright))]
    for word, begin, length in zip(said, begins, lengths, strict=True):
        count, first = int(length * RATE), int(begin * RATE)
        wave = 0.3 * np.sin(2 * np.pi * WORDS[word] * np.arange(count) / RATE)
        samples[first : first + count] = wave * np.hanning(count) ** 0.25
        bright |= [begin <= middle < begin + length for middle in middles]
    frames = [np.full((64, 64), 180 if lit else 40, np.uint8) for lit in bright]
    # Both streams begin late, so that the sound may be moved before the picture.
    encode(
        path,
        Picture(frames, FRAMES, start=2, codec="ffv1", pixels="gray"),
        Sound(samples, RATE, start=2 - offset, codec="pcm_s16le"),
    )


TONES = World("tones", "films that glow while one of three tones sounds", ToneOptions, make)
