"""Sound to train on: the language of tones, spoken into files once a session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("accelerate")
pytest.importorskip("pyarrow")

import soundfile

from genlock.data.index import read_index, write_index
from genlock.data.prepare import PrepareOptions, prepare
from genlock.testing.tones import random_words, speak_tones
from genlock.train.speech.utterances import Speech


@pytest.fixture(scope="session")
def tone_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 short recordings with ``transcripts.tsv``."""
    folder = tmp_path_factory.mktemp("tones") / "tones"
    folder.mkdir()
    random = np.random.default_rng(5)
    lines = []
    for k in range(60):
        said = speak_tones(random_words(int(random.integers(1, 4)), random), random)
        soundfile.write(folder / f"{k:02}.wav", said.samples, 16000)
        lines.append(f"{k:02}\t{' '.join(said.words)}\n")
    (folder / "transcripts.tsv").write_text("".join(lines))
    return folder


@pytest.fixture(scope="session")
def tone_dataset(tone_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, prepared, with word times."""
    target = tmp_path_factory.mktemp("prepared") / "tones"
    prepare(
        tone_folder,
        target,
        PrepareOptions(recipe="speech", outputs="sound@16000", group="source", split="0.7/0.1/0.2"),
    )
    rows = read_index(target / "index.parquet").to_pylist()
    random = np.random.default_rng(5)
    for row in sorted(rows, key=lambda row: str(row["source"])):
        said = speak_tones(random_words(int(random.integers(1, 4)), random), random)
        spans = (said.word_spans / 16000).tolist()
        row["words"] = [
            {"text": word, "start_seconds": a, "end_seconds": b}
            for word, (a, b) in zip(said.words, spans, strict=True)
        ]
        row["transcript"] = " ".join(said.words)
    write_index(rows, target / "index.parquet", {})
    return target


@pytest.fixture(scope="session")
def tone_speech(tone_dataset: Path) -> Speech:
    """What a recipe makes of it."""
    return Speech.open([tone_dataset])
