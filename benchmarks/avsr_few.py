"""What pretraining is worth to a recogniser of sound and lips that has 60 labelled clips: WER with and without it.

For each seed and each beginning (a folder of ``genlock train avhubert``, or nothing) a recogniser is trained on the
same clips for as many updates, and read greedily by its CTC head on the splits valid and test. Nothing is chosen: the
last weights are judged. A row for each beginning (mean and range over seeds), and one for each difference to nothing:
seed for seed, with Student's interval over the seeds and the share of 2000 resamples of the clips on the other side.

A run that was stopped goes on; one that is done is not made again.

    python benchmarks/avsr_few.py DATASET distilled=FOLDER [first=FOLDER ...] -o RUNS [--seeds 0 1 2 3 4] [--steps 500]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.stats import t as student

from genlock.core.json_forms import write_json
from genlock.metrics.words import word_errors
from genlock.models.avhubert.recognizer import AVRecognizer, load_avsr
from genlock.train.avhubert.avsr import AvsrRecipe
from genlock.train.avhubert.clips import AVClip, open_av, sound_of
from genlock.train.avhubert.examples import middle_pictures
from genlock.train.avhubert.held_figures import greedy_text
from genlock.train.avhubert.options import AVSR_LOOP, AvsrTraining, Network
from genlock.train.loop import train

WAYS = ("sound", "lips", "both")
NONE = "none"
#: Errors and true words of each clip in each way, [clips, ways, 2].
Errors = np.ndarray


def read(model: AVRecognizer, clips: Sequence[AVClip]) -> Errors:
    """What is read wrong of each clip."""
    found = np.zeros((len(clips), len(WAYS), 2), np.int64)
    for row, clip in zip(found, clips, strict=True):
        sound = torch.from_numpy(sound_of(clip.samples, len(clip))).T[None]
        picture = torch.from_numpy(middle_pictures(clip, model.parts.encoder.crop))[None, None]
        with torch.no_grad():
            heard, seen = model.encoder.fronts(sound, picture)
            for way, streams in enumerate(((heard, None), (None, seen), (heard, seen))):
                text = greedy_text(model, model.encoder.encode(*streams, None).last)
                errors = word_errors(clip.text.split(), text.split())
                row[way] = errors.total, errors.true_words
    return found


def difference(one: Errors, other: Errors) -> tuple[float, float, float, float]:
    """Mean of paired differences of WER over seeds [S, clips, 2], Student's interval, share of resamples above 0."""
    rates = [each[..., 0].sum(1) / each[..., 1].sum(1) for each in (one, other)]
    gaps = rates[0] - rates[1]
    half = (
        float(student.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / len(gaps) ** 0.5)
        if len(gaps) > 1
        else np.nan
    )
    chance, above, count = np.random.default_rng(0), 0, 2000
    for _ in range(count):
        seeds = chance.integers(0, len(one), len(one))[:, None]
        clips = chance.integers(0, one.shape[1], one.shape[1])
        a, b = one[seeds, clips].sum((0, 1)), other[seeds, clips].sum((0, 1))
        above += a[0] / a[1] >= b[0] / b[1]
    return float(gaps.mean()), float(gaps.mean() - half), float(gaps.mean() + half), above / count


def report(found: Mapping[str, Errors]) -> None:
    """Print the rows, errors [seeds, clips, ways, 2] by beginning."""

    def part(errors: Errors, way: int | None) -> Errors:
        return errors[:, :, way] if way is not None else errors.sum(2)

    ways = [*enumerate(WAYS), (None, "all three")]
    print(f"{'beginning':24}" + "".join(f"{name:>26}" for _, name in ways))
    for name, errors in found.items():
        cells = []
        for way, _ in ways:
            counted = part(errors, way).sum(1)
            rates = counted[:, 0] / counted[:, 1]
            cells.append(f"{rates.mean():.3f} ({rates.min():.3f}-{rates.max():.3f})")
        print(f"{name:24}" + "".join(f"{cell:>26}" for cell in cells))
    for name, errors in found.items():
        if name == NONE or NONE not in found:
            continue
        cells = []
        for way, _ in ways:
            mean, low, high, above = difference(part(errors, way), part(found[NONE], way))
            cells.append(f"{mean:+.3f} ({low:+.3f} to {high:+.3f}; {above:.3f})")
        print(f"{name + ' - ' + NONE:24}" + "".join(f"{cell:>34}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path)
    parser.add_argument("beginnings", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--labelled", type=int, default=60)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rate", type=float, default=2e-3)
    given = parser.parse_args()
    starts = dict(each.split("=", 1) for each in given.beginnings)
    shape = load_avsr(next(iter(starts.values()))).parts.encoder
    sizes = ("layers", "width", "ffn", "heads", "position_kernel", "position_groups", "stem", "trunk", "crop")
    base = AvsrTraining(
        network=Network(**{name: getattr(shape, name) for name in sizes}),
        labelled=given.labelled, batch=given.batch, decoder_layers=0, frame_labels="words",
        hearing=0.5, lips=0.5, both=0.0, align=0.0, other_lips=0.0, noise=0.0,
    )  # fmt: skip
    films = open_av([given.dataset], given.output, base, crop=shape.crop)
    judged = [clip for clip in (*films.held, *films.reported) if clip.text]
    print(
        f"{given.labelled} labelled clips, {given.steps} updates of {given.batch}; judged on {len(judged)} clips"
    )
    found: dict[str, list[Errors]] = {name: [] for name in (*starts, NONE)}
    for seed in given.seeds:
        for name in found:
            folder = given.output / f"{name}-{seed}"
            done = folder / "errors.json"
            if not done.exists():
                begun = time.process_time()
                recipe = AvsrRecipe(films.learnt, (), replace(base, start=starts.get(name, "")), seed)
                loop = replace(
                    AVSR_LOOP, steps=given.steps, learning_rate=given.rate, seed=seed, ema=0.0, save_every=100
                )
                errors = read(load_avsr(train(recipe, loop, folder / "run").model), judged)
                write_json(done, {"errors": errors.tolist(), "cpu_seconds": time.process_time() - begun})
            kept = json.loads(done.read_text())
            found[name].append(np.array(kept["errors"]))
            counted, cost = found[name][-1].sum(0), kept["cpu_seconds"]
            rates = np.round(counted[:, 0] / counted[:, 1], 3).tolist()
            print(name, seed, rates, f"{cost:.0f} CPU s", flush=True)
    report({name: np.stack(each) for name, each in found.items()})


if __name__ == "__main__":
    main()
