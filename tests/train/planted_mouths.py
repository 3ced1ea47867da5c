"""Films that speak in tones: while a letter sounds, a light stands in its own place on the mouth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tests.train.planted_faces import _saved

from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.data.index import write_index
from genlock.testing.tones import LETTERS, ToneSpeech, random_words, speak_tones


def said(number: int, words: int = 3) -> ToneSpeech:
    """What clip ``number`` says."""
    random = np.random.default_rng([3, number])
    return speak_tones(random_words(words, random), random)


def mouths(speech: ToneSpeech, rate: float = 25.0, side: int = 96) -> np.ndarray:
    """Its crops, uint8 [T, side, side]: a letter lights a square, in every frame whose middle it spans."""
    count = int(np.ceil(len(speech.samples) / 16000 * rate))
    crops = np.full((count, side, side), 60, np.uint8)
    middles = (np.arange(count) + 0.5) / rate * 16000
    letters = "".join(speech.words)
    for letter, (start, end) in zip(letters, speech.letter_spans.tolist(), strict=True):
        row, column = divmod(LETTERS.index(letter), 4)
        inside = (middles >= start - 320) & (middles < end + 320)
        top, left = 20 + 20 * row, 10 + 20 * column
        crops[inside, top : top + 14, left : left + 14] = 250
    return crops


def planted_mouths(target: Path, clips: int = 24, words: bool = True) -> Path:
    """A dataset of clips of three speakers; every fourth in valid, every fifth in test."""
    rows = []
    for number in range(clips):
        name, speech = f"clip{number:02}", said(number)
        sound = Track(speech.samples, Grid(16000), name="sound@16000")
        crops = Track(mouths(speech), Grid(25), name="mouth/96")
        made = [_saved(target, name, "sound_16000", sound), _saved(target, name, "mouth_96", crops)]
        spans = (speech.word_spans / 16000).tolist()
        times = [
            {"text": word, "start_seconds": a, "end_seconds": b}
            for word, (a, b) in zip(speech.words, spans, strict=True)
        ]
        seconds = len(speech.samples) / 16000
        rows.append(
            {
                "clip": name, "status": "done", "reason": "", "outputs": made,
                "split": "valid" if number % 4 == 3 else "test" if number % 5 == 4 else "train",
                "source": f"{name}.mp4", "source_sha256": name, "clock": "media", "number": 0, "tail": False,
                "transcript": " ".join(speech.words), "speaker": f"s{number % 3}", "group": name,
                "words": times if words else None,
                "start": "0", "end": str(len(speech.samples)) + "/16000", "start_seconds": 0.0,
                "end_seconds": seconds,
            }
        )  # fmt: skip
    write_index(rows, target / "index.parquet", {})
    about = {"genlock_schema": 1, "kind": "dataset", "kinds": ["mouth_96", "sound_16000"], "group": "source"}
    (target / "dataset.json").write_text(json.dumps(about))
    return target
