from __future__ import annotations

import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pocketsphinx
import pytest

from genlock.media.sound_source import TrackSound
from genlock.speech.sphinx.features import HOP, WINDOW, cepstra, feature_grid, features
from genlock.speech.sphinx.model import SILENCE, load_acoustic_model, model_folder


def noisy_sweep(seconds: float = 2.0) -> np.ndarray:
    random = np.random.default_rng(0)
    t = np.arange(int(16000 * seconds)) / 16000
    return (0.3 * np.sin(2 * np.pi * (200 + 900 * t) * t) + random.normal(0, 0.02, len(t))).astype(np.float32)


def test_cepstra_are_those_of_pocketsphinx(jfk: TrackSound) -> None:
    """Pocketsphinx hears the same words at the same frames, whether it gets our cepstra or the sound."""
    sound = jfk.samples(0, 6 * 16000)
    folder = model_folder()
    decoder = pocketsphinx.Decoder(
        hmm=str(folder / "en-us"),
        dict=str(folder / "cmudict-en-us.dict"),
        lm=str(folder / "en-us.lm.bin"),
        remove_noise=False,
        loglevel="FATAL",
    )
    # Pocketsphinx takes its windows from sample 0 on; ours are centred on multiples of the hop.
    late = np.concatenate([np.zeros(HOP * 2 - WINDOW // 2, np.float32), sound])
    heard = []
    for feed in (
        lambda: decoder.process_raw(np.rint(sound * 32767).astype("<i2").tobytes(), full_utt=True),
        lambda: decoder.process_cep(cepstra(late)[2:].tobytes(), full_utt=True),
    ):
        decoder.start_utt()
        feed()
        decoder.end_utt()
        heard.append([(s.word, s.start_frame) for s in decoder.seg() if s.word[0] not in "<["])
    assert len(heard[0]) > 5
    assert [w for w, _ in heard[0]] == [w for w, _ in heard[1]]
    assert max(abs(a - b) for (_, a), (_, b) in zip(*heard, strict=True)) <= 3


def test_a_click_stands_at_the_centre_of_its_frame() -> None:
    for sample in (3200, 5000, 7999):
        sound = np.zeros(16000, np.float32)
        sound[sample] = 0.9
        level = cepstra(sound, 16)[:, 0]
        loud = np.flatnonzero(level > level.max() - 0.1 * (level.max() - level.min()))
        middle = feature_grid(16).center(int(loud.mean()))
        assert abs(float(middle) - sample / 16000) < 0.0015


@pytest.mark.parametrize("count", [0, 1, 159, 160, 161, 410, 16000])
@pytest.mark.parametrize("hop", [160, 80, 32])
def test_frame_counts(count: int, hop: int) -> None:
    assert features(np.zeros(count, np.float32), hop).shape == (-(-count // hop), 39)


def test_dense_frames_hold_the_sparse_ones() -> None:
    sound = noisy_sweep(0.5)
    assert np.allclose(cepstra(sound, 160), cepstra(sound, 40)[::4], atol=1e-3)


def test_long_sound_is_the_same_as_its_parts() -> None:
    sound = np.tile(noisy_sweep(), 11)  # several blocks of 2048 frames
    middle = cepstra(sound)[1000:1100]
    assert np.allclose(middle, cepstra(sound[160 * 990 : 160 * 1110])[10:110], atol=1e-3)


def test_bad_samples_count_as_silence() -> None:
    sound = noisy_sweep(0.2)
    sound[100:200] = np.nan
    sound[200:210] = np.inf
    assert np.isfinite(features(sound)).all()
    with pytest.raises(ValueError, match="divisor"):
        features(sound, 150)


def test_scores_are_the_mixtures_by_definition() -> None:
    model = load_acoustic_model()
    frames = features(noisy_sweep(0.1))
    chosen = np.array([0, 17, 130, 5125, 2000])
    found = model.scores(frames, chosen)
    for row in (0, 5):
        for column, senone in enumerate(chosen):
            book, total = model.book_of_senone[senone], 0.0
            for stream in range(3):
                x = frames[row, 13 * stream : 13 * stream + 13].astype(np.float64)
                mean, precision = (
                    model.means[book, stream].astype(np.float64),
                    model.precisions[book, stream].astype(np.float64),
                )
                densities = model.constants[book, stream] - 0.5 * ((x - mean) ** 2 * precision).sum(axis=1)
                total += np.logaddexp.reduce(
                    densities + np.log(np.maximum(model.mixtures[senone, stream], 1e-300))
                )
            assert found[row, column] == pytest.approx(total, abs=0.02)


def test_the_model_as_its_files_say() -> None:
    model = load_acoustic_model()
    assert model.senones.max() == len(model.book_of_senone) - 1
    assert np.allclose(model.mixtures.sum(axis=2), 0.95, atol=0.06)  # eight bits round them down
    assert (model.stay < 0).all()
    assert model.states("AA", "B", "T") != model.states("AA", "R", "L")
    assert model.states("+NSN+") == tuple(model.senones[model.phone("+NSN+")])
    assert all(model.book_of_senone[s] == model.phone("T") for s in model.states("T", "S", "+SPN+", "end"))
    assert model.states("B", SILENCE, "ZH", "single")
    with pytest.raises(KeyError):
        model.states("QQ")


def test_the_grid_of_features() -> None:
    assert feature_grid(160, Fraction(1)).center(100) == 2 - Fraction(1, 32000)


def test_words_are_aligned_where_the_package_has_no_wheel(tmp_path: Path) -> None:
    """As on Python 3.14: the model was fetched, the package is not installed."""
    shutil.copytree(model_folder(), tmp_path / "models" / "pocketsphinx-en-us")
    program = """
import importlib.abc, sys

class Kept(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "pocketsphinx":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Kept())
import numpy as np
from genlock.speech.recognize import PocketSphinx
from genlock.speech.sphinx.align import SphinxAligner
from genlock.speech.text import tokenize
(word,) = SphinxAligner().align(np.zeros(16000, np.float32), tokenize("hello"))
print(word.reason)
print(PocketSphinx.missing())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "GENLOCK_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    told = done.stdout.splitlines()
    assert told[0] == "the sound is silent here"
    assert "pocketsphinx" in told[1]
