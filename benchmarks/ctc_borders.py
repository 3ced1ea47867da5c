"""Word borders by our CTC aligner on a CTC checkpoint, on held-out clips whose word times are known.

The clips' own text is aligned; the share of wrong words when the checkpoint reads by itself is beside it. The
checkpoint states in genlock.json how late its words come and how much too narrow they are, measured on other clips (the
part ``valid``); without that the errors are those of the model as it is. The baseline knows the
words, and makes them all equally long.

Without ``--model`` one is trained first, from nothing, on the part ``train`` of the sounds (some 12 minutes of a core);
it stays in the folder ``--keep``, and said again, the program goes on where it was stopped.

    python benchmarks/ctc_borders.py [--model FOLDER] [--sounds FOLDER ...] [--part test] [--steps 1000] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
import transformers
from _data import BUILD, speech_datasets

from genlock.core import Grid, Track
from genlock.core.json_forms import read_json_file
from genlock.metrics.timing import TOLERANCES, BoundaryErrors, boundary_errors
from genlock.metrics.words import word_errors
from genlock.models.speech.encoder import load_speech_encoder
from genlock.speech import TrackSound
from genlock.speech.ctc.checkpoint import HfCtc
from genlock.speech.ctc.options import CtcModelOptions
from genlock.train.options import CtcTraining, LoopOptions
from genlock.train.speech.borders import border_errors
from genlock.train.speech.ctc import train_ctc
from genlock.train.speech.utterances import RATE, Utterances


def trained(datasets: Sequence[Path], run: Path, steps: int) -> str:
    """The folder of a model trained in ``run``; a run that is there is continued."""
    training = CtcTraining(
        freeze_convolutions=False,
        word_times=1.0,
        batch_seconds=16,
        mask_time=0.05,
        speed=0.1,
        dropout=0.1,
        characters="'abcdefghijklmnopqrstuvwxyz",
    )
    loop = LoopOptions(
        steps=steps,
        learning_rate=1.5e-3,
        warmup=0.1,
        hold=0.4,
        threads=1,
        save_every=100,
        evaluate_every=steps,
    )
    return train_ctc(datasets, run, training, loop).model


def show_training(model: str) -> None:
    """What a model of ours was trained on; others do not say."""
    told = Path(model) / "training.json"
    if told.is_file():
        training = read_json_file(told)
        clips, minutes = training["settings"]["clips"], training["settings"]["seconds"] / 60
        print(f"trained on {clips} clips, {minutes:.1f} minutes, in {training['loop']['steps']} steps")


def read_alone(model: str, clips: Utterances) -> str:
    """The share of wrong words when the model reads by itself, in words; one that writes phones cannot."""
    reader, errors = HfCtc(CtcModelOptions(model)), word_errors([], [])
    if reader.alphabet.phones:
        return "writes phones, so no WER"
    for number, text in enumerate(clips.texts):
        with reader.listen(TrackSound(Track(clips.samples(number), Grid.of_samples(RATE)))) as heard:
            errors += word_errors(text.split(), [word.text for word in heard.decode()])
    return f"WER {errors.rate:.3f}"


def spread_evenly(clips: Utterances) -> tuple[BoundaryErrors, BoundaryErrors]:
    """Errors of starts and ends if the words filled the clip, all equally long."""
    true = np.array([times for words in clips.words for _, *times in words])
    edges = [np.linspace(0, s, len(w) + 1) for s, w in zip(clips.seconds, clips.words, strict=True)]
    found = np.concatenate([np.stack([edge[:-1], edge[1:]], axis=1) for edge in edges])
    return boundary_errors(true[:, 0], found[:, 0]), boundary_errors(true[:, 1], found[:, 1])


def main() -> None:
    """Train what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="a CTC checkpoint; without it one is trained")
    parser.add_argument("--sounds", nargs="+", help="folders of sounds, raw or prepared; GRID's by default")
    parser.add_argument("--part", choices=("train", "valid", "test"), default="test")
    parser.add_argument("--steps", type=int, default=1000, help="of the training")
    parser.add_argument(
        "--keep", default=str(BUILD / "ctc_borders"), help="folder of the prepared sounds and the run"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    keep = Path(options.keep)
    datasets = speech_datasets(options.sounds, keep)
    every = Utterances.open(datasets, options.part)
    clips = every.where(lambda number: bool(every.words[number]))
    model = options.model or trained(datasets, keep / f"{options.steps}-steps", options.steps)
    show_training(model)
    encoder = load_speech_encoder(model, ctc=True)
    print(f"{len(clips)} clips of the part {options.part}; the model: {read_alone(model, clips)}")
    print(
        f"milliseconds: mean absolute, bias, median, 95 %; share within "
        f"{', '.join(f'{1000 * t:.0f}' for t in TOLERANCES)} ms; not found"
    )
    rows = {"words spread evenly": spread_evenly(clips)}
    rows["as it is"] = border_errors(model, clips, bias_seconds=Fraction(0))
    if encoder.bias_seconds or encoder.widen_seconds:
        bias, wide = (round(1000 * float(s)) for s in (encoder.bias_seconds, encoder.widen_seconds))
        rows[f"{-bias:+} ms, wider by {wide}"] = border_errors(model, clips)
    for name, (starts, ends) in rows.items():
        print(f"{name:<20} starts {starts}")
        print(f"{'':<20} ends   {ends}")


if __name__ == "__main__":
    main()
