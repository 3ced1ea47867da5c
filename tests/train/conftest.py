"""Sound to train on: the language of tones, spoken into files once a session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("accelerate")

import soundfile

from genlock.core.json_forms import read_json_file, write_json
from genlock.testing.tones import random_words, speak_tones
from genlock.train.speech.sounds import SoundSet, prepare_sounds


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
def tone_sounds(tone_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> SoundSet:
    """The same, prepared, with word times."""
    target = tmp_path_factory.mktemp("prepared") / "tones"
    prepare_sounds([tone_folder], target)
    index = read_json_file(target / "index.json")
    random = np.random.default_rng(5)
    for row in index["clips"]:
        said = speak_tones(random_words(int(random.integers(1, 4)), random), random)
        spans = (said.word_spans / 16000).tolist()
        row["words"] = [[word, a, b] for word, (a, b) in zip(said.words, spans, strict=True)]
    write_json(target / "index.json", {k: v for k, v in index.items() if k != "genlock_schema"})
    return SoundSet.open(target)
