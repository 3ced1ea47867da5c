"""Recognition with one CTC checkpoint: Genlock beside the pipeline of transformers, same weights, same
chunking, one run.

Each runs in a process of its own, on one thread: seconds for the sound (the model already loaded and warm),
peak memory above what the process had before, words. Both cut 28 s of sound with 4 s on each side (pipeline:
chunk_length_s=28, stride_length_s=(4, 4)). Genlock's last row also aligns the words exactly.

    python benchmarks/ctc_recognition.py [--shape tones|base] [--seconds 300] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import transformers

from genlock.core import Grid, Track
from genlock.speech import TrackSound
from genlock.speech.ctc.checkpoint import HfCtc
from genlock.speech.ctc.options import CtcModelOptions
from genlock.testing.tones import random_words, speak_tones

TONES = Path(__file__).resolve().parent.parent / "tests" / "data" / "tone_ctc"
RATE = 16000
CHUNK, CONTEXT = 20, 4
SYSTEMS = ("transformers pipeline", "genlock, words", "genlock, words and exact times")


def make_sound(seconds: int) -> npt.NDArray[np.float32]:
    """Tone language, as long as asked for."""
    random = np.random.default_rng(0)
    samples = speak_tones(random_words(3 * seconds, random), random).samples
    return np.resize(samples, seconds * RATE)


def make_base(folder: Path) -> None:
    """A checkpoint of wav2vec2-base's shape with random weights."""
    torch.manual_seed(0)
    vocabulary = {token: n for n, token in enumerate(("<pad>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz'"))}
    transformers.utils.logging.disable_progress_bar()
    transformers.Wav2Vec2ForCTC(transformers.Wav2Vec2Config(vocab_size=len(vocabulary))).save_pretrained(
        folder
    )
    for name in ("preprocessor_config.json", "tokenizer_config.json"):
        (folder / name).write_text((TONES / name).read_text())
    (folder / "vocab.json").write_text(json.dumps(vocabulary))


def peak_mb() -> float:
    """Peak memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def work(system: str, folder: str, seconds: int) -> dict[str, object]:
    """One system on the sound, after a short one to warm up."""
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    sound, short = make_sound(seconds), make_sound(3)

    if system == SYSTEMS[0]:
        recognise = transformers.pipeline(
            "automatic-speech-recognition",
            model=transformers.AutoModelForCTC.from_pretrained(folder),
            tokenizer=transformers.Wav2Vec2CTCTokenizer.from_pretrained(folder),
            feature_extractor=transformers.Wav2Vec2FeatureExtractor.from_pretrained(folder),
            device="cpu",
        )

        def run(samples: npt.NDArray[np.float32]) -> list[str]:
            return recognise(
                {"raw": samples.copy(), "sampling_rate": RATE},
                chunk_length_s=CHUNK + 2 * CONTEXT,
                stride_length_s=(CONTEXT, CONTEXT),
                return_timestamps="word",
            )["text"].split()

    else:
        model = HfCtc(CtcModelOptions(folder, chunk_seconds=CHUNK, context_seconds=CONTEXT))

        def run(samples: npt.NDArray[np.float32]) -> list[str]:
            with model.listen(TrackSound(Track(samples, Grid.of_samples(RATE)))) as heard:
                texts = [word.text for word in heard.decode()]
                if system == SYSTEMS[2]:
                    heard.align_texts(texts)
                return texts

    run(short)
    before = peak_mb()
    began, cpu = time.perf_counter(), time.process_time()
    words = run(sound)
    return {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "mb": peak_mb() - before,
        "words": words,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=("tones", "base"), default="tones")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", nargs=2, metavar=("SYSTEM", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(work(*options.worker, options.seconds)))
        return
    with tempfile.TemporaryDirectory() as folder:
        where = str(TONES)
        if options.shape == "base":
            where = folder
            make_base(Path(folder))
        results: dict[str, list[dict[str, object]]] = {system: [] for system in SYSTEMS}
        for _ in range(options.rounds):
            for system in SYSTEMS:
                command = [
                    sys.executable,
                    __file__,
                    "--seconds",
                    str(options.seconds),
                    "--worker",
                    system,
                    where,
                ]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                results[system].append(json.loads(done.stdout.splitlines()[-1]))
    theirs = statistics.median(r["cpu"] for r in results[SYSTEMS[0]])  # type: ignore[type-var]
    print(f"{options.seconds} s of sound, shape {options.shape}, median of {options.rounds}")
    print(f"{'':<32}{'seconds':>9}{'CPU s':>8}{'faster':>8}{'peak MB':>9}{'words':>7}{'as pipeline':>13}")
    for system, runs in results.items():
        wall, cpu, mb = (statistics.median(r[key] for r in runs) for key in ("seconds", "cpu", "mb"))  # type: ignore[type-var]
        words = runs[0]["words"]
        assert isinstance(words, list)
        same = "equal" if words == results[SYSTEMS[0]][0]["words"] else "differs"
        print(f"{system:<32}{wall:>9.1f}{cpu:>8.1f}{theirs / cpu:>7.2f}x{mb:>9.0f}{len(words):>7}{same:>13}")


if __name__ == "__main__":
    main()
