"""Seconds of sound per second in pretraining: our loop against transformers' own example, the same model.

transformers' example program (``examples/pytorch/speech-pretraining/run_wav2vec2_pretraining_no_trainer.py``) is
no part of its package, and reads data sets from the hub only. Its update is rebuilt here from transformers' own parts:
random clips padded to the longest by ``Wav2Vec2FeatureExtractor.pad``, masks and negatives by transformers' numpy
functions, ``Wav2Vec2ForPreTraining`` with its own losses, accelerate, gradients divided by the number of losses,
their norm, AdamW, the schedule and the temperature. It has no features penalty, no measures, no clipping and no
bit-exact resume; ours pays for these. Both take blocks of updates by turns in one process; only real sound counts, not
padding.

    python benchmarks/training_speed.py [--sounds FOLDER ...] [--shape nano] [--seconds 24] [--blocks 4] [--updates 5]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _data import BUILD, speech_datasets
from accelerate import Accelerator
from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2ForPreTraining, get_scheduler
from transformers.models.wav2vec2.modeling_wav2vec2 import _compute_mask_indices, _sample_negative_indices

from genlock.core.progress import silent
from genlock.train.loader import loaded_updates
from genlock.train.loop import _Run
from genlock.train.options import LoopOptions, Wav2Vec2Training
from genlock.train.speech.utterances import RATE, Speech
from genlock.train.speech.wav2vec2 import Wav2Vec2Recipe


def ours(recipe: Wav2Vec2Recipe, options: LoopOptions, folder: Path) -> Callable[[], float]:
    """One update of our loop, which gives the seconds of sound in it."""
    run = _Run(recipe, options, folder, silent)
    coming = loaded_updates(recipe, range(options.steps))

    def update() -> float:
        line = run._update(next(coming))
        run.step += 1
        return line["sound_seconds"]

    return update


class Collator:
    """Pads clips and draws masks and negatives, as the example's."""

    def __init__(self, model: Any) -> None:
        self.model, self.extractor = model, Wav2Vec2FeatureExtractor(return_attention_mask=True)

    def __call__(self, clips: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        batch = self.extractor.pad(clips, padding="longest", return_tensors="pt")
        frames = int(self.model._get_feat_extract_output_lengths(batch["input_values"].shape[-1]))
        heard = self.model._get_feature_vector_attention_mask(frames, batch["attention_mask"])
        shape, config = (len(clips), frames), self.model.config
        # Theirs is the share of frames that would be masked without overlaps.
        mask = _compute_mask_indices(
            shape, config.mask_time_prob, config.mask_time_length, attention_mask=heard
        )
        negatives = _sample_negative_indices(shape, config.num_negatives, mask_time_indices=mask)
        batch["mask_time_indices"] = torch.tensor(mask, dtype=torch.long)
        batch["sampled_negative_indices"] = torch.tensor(negatives, dtype=torch.long)
        return dict(batch)


def theirs(recipe: Wav2Vec2Recipe, options: LoopOptions, clips: int) -> Callable[[], float]:
    """One update of the example."""
    torch.manual_seed(0)
    model = Wav2Vec2ForPreTraining(recipe._config)
    longest = int(recipe.training.longest_seconds * RATE)
    extractor = Wav2Vec2FeatureExtractor()
    features = [
        {"input_values": extractor(recipe.learnt.samples(k)[:longest], sampling_rate=RATE).input_values[0]}
        for k in range(min(len(recipe.learnt), 400))
    ]
    loader = torch.utils.data.DataLoader(
        features, shuffle=True, collate_fn=Collator(model), batch_size=clips, drop_last=True
    )
    optimizer = torch.optim.AdamW(list(model.parameters()), lr=5e-4, betas=(0.9, 0.98))
    model, optimizer, loader = Accelerator(cpu=not torch.accelerator.is_available()).prepare(
        model, optimizer, loader
    )
    schedule = get_scheduler("linear", optimizer, num_warmup_steps=10, num_training_steps=options.steps)
    batches = forever(loader)
    count = 0

    def update() -> float:
        nonlocal count
        model.train()
        batch = next(batches)
        losses = batch["mask_time_indices"].sum()
        seconds = float(batch["attention_mask"].sum()) / RATE
        model(**batch).loss.backward()
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad.mul_(1 / losses)
        sum(float(p.grad.norm(2)) ** 2 for p in model.parameters() if p.grad is not None)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        model.set_gumbel_temperature(max(2.0 * 0.999995**count, 0.5))
        count += 1
        return seconds

    return update


def forever(loader: Any) -> Iterator[Any]:
    """Its batches, again and again."""
    while True:
        yield from loader


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sounds", nargs="+", help="folders of sounds, raw or prepared; GRID's by default")
    parser.add_argument(
        "--keep", default=str(BUILD / "training_speed"), help="folder that keeps the prepared sounds"
    )
    parser.add_argument("--shape", default="nano")
    parser.add_argument("--seconds", type=float, default=24.0)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--updates", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    # The first updates of a long run: a schedule as short as the measurement would begin at its highest rate.
    options = LoopOptions(steps=10_000, threads=args.threads)
    recipe = Wav2Vec2Recipe(
        Speech.open(speech_datasets(args.sounds, Path(args.keep))),
        Wav2Vec2Training(shape=args.shape, batch_seconds=args.seconds),
        options,
    )
    mean = recipe.learnt.total_seconds / len(recipe.learnt)
    with tempfile.TemporaryDirectory() as folder:
        updates = {
            "genlock": ours(recipe, options, Path(folder) / "run"),
            "transformers' example": theirs(recipe, options, max(1, round(args.seconds / mean))),
        }
        for update in updates.values():
            update()  # first allocations
        rows = measure(updates, args.blocks, args.updates)
    print(
        f"{args.shape}, about {args.seconds:g} s of sound an update, {args.threads} threads, "
        f"{args.blocks} blocks of {args.updates} updates by turns"
    )
    print(
        "seconds of sound per second of CPU (median, least, most of the blocks), per second on the wall (median)"
    )
    for name, blocks in rows.items():
        cpu, wall = (np.array([b[0] / b[k] for b in blocks]) for k in (1, 2))
        print(f"{name:<22} {np.median(cpu):6.1f} {cpu.min():6.1f} {cpu.max():6.1f} {np.median(wall):6.1f}")
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")


def measure(
    updates: dict[str, Callable[[], float]], blocks: int, count: int
) -> dict[str, list[tuple[float, float, float]]]:
    """Seconds of sound, CPU and wall of every block, by name."""
    rows: dict[str, list[tuple[float, float, float]]] = {name: [] for name in updates}
    for _ in range(blocks):
        for name, update in updates.items():
            cpu, wall = time.process_time(), time.perf_counter()
            seconds = sum(update() for _ in range(count))
            rows[name].append((seconds, time.process_time() - cpu, time.perf_counter() - wall))
    return rows


if __name__ == "__main__":
    main()
