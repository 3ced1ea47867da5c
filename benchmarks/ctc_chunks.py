"""Does cutting long sound change what is recognised? Words of sounds of a minute, whole and cut in several
ways, with one CTC checkpoint.

Real speech is held-out recordings with known word times, cut to their words and joined without pauses, so that
people speak across the cuts; ``tones`` is the language of tones and the small checkpoint of the tests. The
reading of the whole sound is what the others are compared with; its own errors are beside it.

    python benchmarks/ctc_chunks.py [--model FOLDER --sounds PREPARED] [--count 6] [--margin 0.06] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import transformers

from genlock.core import Grid, Track
from genlock.metrics.words import word_errors
from genlock.speech import TrackSound
from genlock.speech.ctc.checkpoint import HfCtc
from genlock.speech.ctc.options import CtcModelOptions
from genlock.testing.tones import random_words, speak_tones
from genlock.train.speech.utterances import Utterances

TONES = Path(__file__).resolve().parent.parent / "tests" / "data" / "tone_ctc"
RATE, CUT, CONTEXT = 16000, 10, 4
WHOLE, OURS, BARE = "whole", "genlock, 10 s + 4 s", "bare cuts, 10 s"

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sound:
    """A minute, and what is said in it."""

    samples: Samples
    words: tuple[str, ...]


def real_sounds(folder: str, count: int, seconds: float, margin: float) -> Iterator[Sound]:
    """Held-out clips with word times, cut to their words and a margin, and joined in random order."""
    every = Utterances.open([folder], "test")
    sounds = every.where(lambda number: bool(every.words[number]))
    random = np.random.default_rng(0)
    for _ in range(count):
        pieces: list[Samples] = []
        words: list[str] = []
        length = 0
        while length < seconds * RATE:
            for k in random.permutation(len(sounds)):
                spoken = sounds.words[int(k)]
                first, last = (round(t * RATE) for t in (spoken[0][1] - margin, spoken[-1][2] + margin))
                piece = sounds.samples(int(k))[max(first, 0) : last]
                if length >= seconds * RATE:
                    break
                pieces.append(piece)
                words += [word for word, _, _ in spoken]
                length += len(piece)
        yield Sound(np.concatenate(pieces), tuple(words))


def tone_sounds(count: int, seconds: float) -> Iterator[Sound]:
    """The same in tones."""
    random = np.random.default_rng(0)
    for _ in range(count):
        said = speak_tones(random_words(round(2.2 * seconds), random), random)
        stop = round(seconds * RATE)
        inside = tuple(w for w, (_, last) in zip(said.words, said.word_spans, strict=True) if last < stop)
        yield Sound(said.samples[:stop], inside)


def readers(folder: str, seconds: float) -> dict[str, Callable[[Samples], list[str]]]:
    """Every way to read a sound, by name."""

    def genlock(chunk: float, context: float) -> Callable[[Samples], list[str]]:
        model = HfCtc(CtcModelOptions(folder, chunk_seconds=chunk, context_seconds=context))
        return lambda samples: [word.text for word, _ in heard_words(model, samples)]

    whole = genlock(2 * seconds, 0)
    pipeline = transformers.pipeline(
        "automatic-speech-recognition",
        model=transformers.AutoModelForCTC.from_pretrained(folder),
        tokenizer=transformers.Wav2Vec2CTCTokenizer.from_pretrained(folder),
        feature_extractor=transformers.Wav2Vec2FeatureExtractor.from_pretrained(folder),
        device="cpu",
    )

    def bare(samples: Samples) -> list[str]:
        return [w for k in range(0, len(samples), CUT * RATE) for w in whole(samples[k : k + CUT * RATE])]

    def theirs(chunk: float, stride: float) -> Callable[[Samples], list[str]]:
        def read(samples: Samples) -> list[str]:
            sound = {"raw": samples.copy(), "sampling_rate": RATE}
            return pipeline(sound, chunk_length_s=chunk, stride_length_s=(stride, stride))["text"].split()

        return read

    return {
        WHOLE: whole,
        OURS: genlock(CUT, CONTEXT),
        "genlock, 20 s + 4 s (default)": genlock(20, CONTEXT),
        "genlock, 10 s + 10 s": genlock(CUT, CUT),
        "pipeline, 18 s, stride 4 s": theirs(CUT + 2 * CONTEXT, CONTEXT),
        "pipeline, 10 s, stride 0": theirs(CUT, 0),
        BARE: bare,
    }


def heard_words(model: HfCtc, samples: Samples) -> list[tuple[object, tuple[int, int]]]:
    """Words, and their first and last sample."""
    with model.listen(TrackSound(Track(samples, Grid.of_samples(RATE)))) as heard:
        return [(w, (w.first_frame * 320, w.stop_frame * 320)) for w in heard.decode()]


def kept_words(whole: Sequence[str], found: Sequence[str]) -> list[bool]:
    """Which words of the whole reading are in another one, by a cheapest way to turn one into the other.

    >>> kept_words(["a", "b", "c"], ["a", "x", "c", "d"])
    [True, False, True]
    """
    costs = np.zeros((len(whole) + 1, len(found) + 1), np.int64)
    costs[0], costs[:, 0] = np.arange(len(found) + 1), np.arange(len(whole) + 1)
    for i, word in enumerate(whole, 1):
        for j, other in enumerate(found, 1):
            costs[i, j] = min(costs[i - 1, j - 1] + (word != other), costs[i - 1, j] + 1, costs[i, j - 1] + 1)
    kept = [False] * len(whole)
    i, j = len(whole), len(found)
    while i and j:
        if costs[i, j] == costs[i - 1, j - 1] + (whole[i - 1] != found[j - 1]):
            kept[i - 1] = whole[i - 1] == found[j - 1]
            i, j = i - 1, j - 1
        elif costs[i, j] == costs[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    return kept


def measure(
    folder: str, sounds: Sequence[Sound], seconds: float, only: Sequence[str] = ()
) -> list[dict[str, object]]:
    """One row for each way to read, or for some of them."""
    ways = {name: read for name, read in readers(folder, seconds).items() if not only or name in only}
    reference = HfCtc(CtcModelOptions(folder, chunk_seconds=2 * seconds, context_seconds=0))
    wholes = [heard_words(reference, sound.samples) for sound in sounds]
    rows: list[dict[str, object]] = []
    for name, read in ways.items():
        equal = words = extra = at_cut = lost_at_cut = 0
        errors = word_errors([], [])
        for sound, whole in zip(sounds, wholes, strict=True):
            found = read(sound.samples)
            texts = [w.text for w, _ in whole]  # type: ignore[attr-defined]
            kept = kept_words(texts, found)
            cuts = range(CUT * RATE, len(sound.samples), CUT * RATE)
            crossed = [any(first < cut < stop for cut in cuts) for _, (first, stop) in whole]
            equal, words = equal + sum(kept), words + len(kept)
            extra += max(0, len(found) - sum(kept))
            at_cut += sum(crossed)
            lost_at_cut += sum(c and not k for c, k in zip(crossed, kept, strict=True))
            errors += word_errors(sound.words, found)
        rows.append(
            {
                "way": name,
                "words": words,
                "equal": equal / max(words, 1),
                "other_words": extra,
                "at_cut": at_cut,
                "lost_at_cut": lost_at_cut,
                "wer": errors.rate,
            }
        )
    return rows


def show(title: str, rows: Sequence[dict[str, object]]) -> None:
    """Print a table."""
    print(f"\n{title}")
    print(f"{'':<32}{'equal to whole':>15}{'other words':>13}{'at a cut, lost':>16}{'WER':>8}")
    for row in rows:
        lost = f"{row['lost_at_cut']} of {row['at_cut']}"
        print(
            f"{row['way']:<32}{100 * row['equal']:>13.1f} %{row['other_words']:>13}{lost:>16}{100 * row['wer']:>6.1f} %"  # type: ignore[operator]
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="a CTC checkpoint for the real speech")
    parser.add_argument("--sounds", help="a dataset of genlock prepare with sound@16000 and word times")
    parser.add_argument("--count", type=int, default=6, help="how many sounds")
    parser.add_argument("--seconds", type=float, default=60, help="how long each is")
    parser.add_argument(
        "--margin", type=float, default=0.06, help="seconds of each clip kept beside its words"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    tables: dict[str, list[dict[str, object]]] = {}
    sounds = list(tone_sounds(options.count, options.seconds))
    tables["tones"] = measure(str(TONES), sounds, options.seconds)
    show(f"tones, {options.count} x {options.seconds:g} s", tables["tones"])
    if options.model and options.sounds:
        sounds = list(real_sounds(options.sounds, options.count, options.seconds, options.margin))
        tables["speech"] = measure(options.model, sounds, options.seconds)
        show(f"held-out speech, {options.count} x {options.seconds:g} s, {options.model}", tables["speech"])
    if options.json:
        options.json.write_text(json.dumps(tables, indent=1) + "\n")


if __name__ == "__main__":
    main()
