"""Does pretraining help? Fine-tuning with ten minutes of labels from pretrained and from random weights.

Equal in everything but the first weights: the same labelled clips (chosen by hash), steps, rates, batches and
masks; one run a seed and start. Word and character errors on the clips of the part ``test``, which no
training and no choice ever saw; the model after the last step is taken, so that nothing is chosen. Runs lie
in the folder; said again, the program goes on where it was stopped.

    python benchmarks/pretraining_helps.py [--pretrained RUN/model] [--sounds FOLDER ...] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import transformers
from _data import BUILD, speech_datasets

from genlock.metrics.words import word_errors
from genlock.train.loop import train
from genlock.train.options import CtcTraining, LoopOptions
from genlock.train.speech.checkpoints import load_checkpoint
from genlock.train.speech.ctc import CtcRecipe
from genlock.train.speech.utterances import Speech, Utterances
from genlock.weights import require

#: Two-sided 95 % of Student's t, by degrees of freedom.
STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}


@dataclass(eq=False)
class LastStep(CtcRecipe):
    """The recipe without a choice of the best step."""

    best: str | None = None

    def evaluate(self, model: torch.nn.Module) -> dict[str, float]:
        """Nothing: the held-out part is read once, at the end."""
        return {}


def errors(folder: Path, recipe: CtcRecipe, clips: Utterances) -> list[list[int]]:
    """Wrong and true words, wrong and true characters, of each clip."""
    model = load_checkpoint(transformers.AutoModelForCTC, str(folder), recipe._config).eval()
    rows = []
    with torch.no_grad():
        for number, text in enumerate(clips.texts):
            found = recipe._read(model, clips.samples(number))
            words = word_errors(text.split(), found.split())
            characters = word_errors(list(text), list(found))
            rows.append([words.total, words.true_words, characters.total, characters.true_words])
    return rows


def main() -> None:
    """Train what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pretrained", help="a pretrained model; speech-nano by default")
    parser.add_argument("--sounds", nargs="+", help="folders of sounds, raw or prepared; GRID's by default")
    parser.add_argument("--keep", default=str(BUILD / "pretraining_helps"), help="folder of the runs")
    parser.add_argument("--only", default="", help="clips whose names begin so")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seconds", type=float, default=16.0, help="sound in one update")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument(
        "--word-times", type=float, default=0.0, help="weight of frame targets, for both alike"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--start", choices=("both", "pretrained", "random"), default="both")
    args = parser.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    datasets = speech_datasets(args.sounds, Path(args.keep))
    sounds = Speech.open(datasets).where(lambda part, k: part.names[k].startswith(args.only))
    every = Utterances.open(datasets, "test")
    test = every.where(lambda k: every.names[k].startswith(args.only) and bool(every.texts[k]))
    starts = {"random": "", "pretrained": args.pretrained or str(require("speech-nano"))}
    chosen = starts if args.start == "both" else {args.start: starts[args.start]}
    rows: dict[str, list[np.ndarray]] = {name: [] for name in chosen}
    for seed in range(args.seeds):
        for name, start in chosen.items():
            loop = LoopOptions(
                steps=args.steps,
                learning_rate=args.rate,
                warmup=0.1,
                hold=0.4,
                save_every=50,
                evaluate_every=args.steps,
                keep=1,
                seed=seed,
                threads=1,
            )
            training = CtcTraining(
                start=start,
                freeze_convolutions=False,
                batch_seconds=args.seconds,
                minutes=args.minutes,
                word_times=args.word_times,
                mask_time=0.03,
                speed=0.1,
                dropout=0.05,
                characters="'abcdefghijklmnopqrstuvwxyz",
            )
            recipe = LastStep(sounds, training, loop)
            run = Path(args.keep) / f"{name}-{seed}"
            result = run / "errors.json"
            if not result.is_file():
                train(recipe, loop, run)
                result.write_text(json.dumps(errors(run / "model", recipe, test)), encoding="utf-8")
            rows[name].append(np.array(json.loads(result.read_text(encoding="utf-8"))))
            word, character = (rows[name][-1][:, k].sum() / rows[name][-1][:, k + 1].sum() for k in (0, 2))
            print(f"seed {seed}, {name:<10}  WER {word:.3f}  CER {character:.3f}", flush=True)
    learnt = recipe.learnt
    print(
        f"{learnt.total_seconds / 60:.1f} minutes of labels ({len(learnt)} clips), {args.steps} steps of "
        f"{args.seconds:g} s, frame targets weigh {args.word_times:g}; {len(test)} held-out clips"
    )
    for kind, k in (("WER", 0), ("CER", 2)):
        rates = {name: [r[:, k].sum() / r[:, k + 1].sum() for r in found] for name, found in rows.items()}
        for name, values in rates.items():
            each = ", ".join(f"{v:.3f}" for v in values)
            print(f"{kind} {name:<10} mean {np.mean(values):.3f} ({each})")
        if len(rates) == 2 and args.seeds > 1:
            gain = np.array(rates["random"]) - np.array(rates["pretrained"])
            half = STUDENT[len(gain) - 1] * gain.std(ddof=1) / np.sqrt(len(gain))
            low, high = over_clips(rows, k)
            print(
                f"{kind} saved by pretraining: {gain.mean():.3f}; 95 % over seeds (t) "
                f"[{gain.mean() - half:.3f}, {gain.mean() + half:.3f}], "
                f"over clips [{low:.3f}, {high:.3f}]"
            )


def over_clips(rows: dict[str, list[np.ndarray]], k: int) -> tuple[float, float]:
    """95 % interval of the gain by a paired bootstrap over clips, seeds together."""
    random = np.random.default_rng(0)
    wrong = {name: np.sum([r[:, k] for r in found], 0) for name, found in rows.items()}
    true = np.sum([r[:, k + 1] for r in rows["random"]], 0)
    draws = random.integers(0, len(true), (2000, len(true)))
    gain = (wrong["random"] - wrong["pretrained"])[draws].sum(1) / true[draws].sum(1)
    low, high = np.percentile(gain, [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    main()
