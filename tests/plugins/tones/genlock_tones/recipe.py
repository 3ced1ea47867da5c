"""``genlock train tones``: learns the pitch of each word from films of ``genlock synth tones``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from genlock.core.errors import InputError, OptionError
from genlock.core.files import make_folders, write_text
from genlock.core.progress import Progress
from genlock.media import read_audio
from genlock.train.registry import RecipeCommand
from genlock_tones.recognizer import loud_parts


@dataclass(frozen=True)
class ToneTraining:
    """How pitches are learnt."""

    quantile: float = 0.5
    """Which of a word's pitches is taken for all, 0...1."""

    def __post_init__(self) -> None:
        if not 0 <= self.quantile <= 1:
            raise OptionError(f"quantile={self.quantile} lies outside 0...1")


@dataclass(frozen=True)
class Pitches:
    """What was learnt."""

    model: str
    """The file."""
    hertz: dict[str, float]
    """Pitch of each word."""

    def to_dict(self) -> dict[str, object]:
        """``model``, ``hertz``."""
        return asdict(self)

    def __str__(self) -> str:
        return ", ".join(f"{word} {hertz:.0f} Hz" for word, hertz in self.hertz.items())


def train(sources: Sequence[str], folder: str, training: ToneTraining, progress: Progress) -> Pitches:
    """Learn from every film of some folders; without a loop, so there is no LoopOptions before ``progress``."""
    films = [film for source in sources for film in sorted(Path(source).glob("*.mkv"))]
    if not films:
        raise InputError(f"{', '.join(sources) or 'nothing'} holds no film; make some: genlock synth tones")
    pitches: dict[str, list[float]] = {}
    for number, film in enumerate(films, 1):
        said = json.loads(film.with_suffix(".json").read_text(encoding="utf-8"))["words"]
        samples = read_audio(film).values
        for word, (first, stop) in zip(said, loud_parts(samples.reshape(len(samples))), strict=False):
            spectrum = np.abs(np.fft.rfft(samples[first:stop].reshape(stop - first)))
            pitches.setdefault(word, []).append(float(spectrum.argmax()) * 16000 / (stop - first))
        progress("films", number, len(films))
    hertz = {word: float(np.quantile(known, training.quantile)) for word, known in sorted(pitches.items())}
    make_folders(Path(folder))
    model = Path(folder) / "pitches.json"
    write_text(model, json.dumps(hertz) + "\n")
    return Pitches(str(model), hertz)


TONES = RecipeCommand(
    "tones",
    "the pitch of each word of the language of tones",
    ToneTraining,
    train,
    loop=None,
    sources="Folders of films that genlock synth tones made.",
)
