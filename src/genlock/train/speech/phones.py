"""``genlock train phones DATASETS``: a small model of phones that puts words of any language on the clock.

It learns in rounds. The first begins with what is known of times: those of words, which their phones share evenly, and
for English those of the CMU model. Each later round aligns all clips anew by the model of the round before and goes on
from it, so that borders come to lie where the sound changes (Viterbi training, as of hybrid recognisers: Bourlard and
Morgan 1994).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, MissingDependency, OptionError
from genlock.core.files import write_text
from genlock.core.json_forms import write_json
from genlock.core.progress import Progress, silent
from genlock.data.batches import Batches, BatchPlan, Item
from genlock.metrics.timing import boundary_errors
from genlock.models.speech.phones import PhoneModel, load_phones, save_phones
from genlock.speech.phones.hearing import HOP
from genlock.speech.phones.search import find_words
from genlock.speech.phones.symbols import phone_table
from genlock.train.datasets import left_out_notes, open_datasets
from genlock.train.options import LoopOptions
from genlock.train.speech.phone_card import phone_card
from genlock.train.speech.phone_changes import changed_stretch
from genlock.train.speech.phone_clips import (
    NO_TARGET,
    PhoneClip,
    align_again,
    begin_targets,
    open_phone_clips,
)
from genlock.train.speech.phone_options import PHONES_LOOP, PhonesTraining
from genlock.train.speech.utterances import NEEDS, RATE

try:
    import torch
    from torch.nn import functional

    from genlock.train.clip_recipe import ClipRecipe
    from genlock.train.loop import train
    from genlock.train.recipe import Batch, Exported, Loss, TrainResult
    from genlock.train.speech.phone_network import PhoneNetwork
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["PhonesRecipe", "train_phones"]

Targets = npt.NDArray[np.int64]

#: Frames that a class is taken to have been met in at least, so that none is impossible.
_LEAST_FRAMES = 50
_OF_ALL_ROUNDS = ("rounds", "rise", "data")
# By how much of the prior the probabilities are divided where words are placed.
_PRIOR_SHARE = 0.5


class PhonesRecipe(ClipRecipe):
    """One round, for :func:`genlock.train.loop.train`.

    Parameters
    ----------
    clips : to learn from, each with the class of each of its frames
    held : the same, to choose on; may be empty
    training : how
    seed : of the order and of all changes
    start : the model that it goes on from; None: it begins from nothing
    """

    name = "phones"
    best: str | None = "nats"
    unit = "sound_seconds"

    def __init__(
        self,
        clips: Sequence[tuple[PhoneClip, Targets]],
        held: Sequence[tuple[PhoneClip, Targets]],
        training: PhonesTraining,
        seed: int = 0,
        start: PhoneModel | None = None,
    ) -> None:
        self.training, self.start, self.held = training, start, list(held)
        self.clips = [clip for clip, _ in clips]
        self.targets = [targets for _, targets in clips]
        if not self.clips:
            raise InputError(
                "no clip has known times to begin with; add clips with times of words, or with English texts"
            )
        if not self.held:
            self.best = None
        self.symbols = phone_table().symbols
        counts = np.bincount(np.concatenate(self.targets), minlength=len(self.symbols))
        self.heard_of: npt.NDArray[np.bool_] = counts > 0
        shares = np.maximum(counts, _LEAST_FRAMES)
        self.prior = np.log(shares / shares.sum()).astype(np.float32)
        self._order = _evened([clip.speaker for clip in self.clips], training.even)
        self._frames = round(training.seconds * RATE / HOP)
        self._batches = Batches([1.0] * len(self._order), BatchPlan(clips=training.batch, seed=seed))

    def record(self) -> dict[str, Any]:
        """Options and how much there is; how many rounds follow decides nothing about this one."""
        about = {name: value for name, value in asdict(self.training).items() if name not in _OF_ALL_ROUNDS}
        return {**about, "clips": len(self.clips), "goes_on": self.start is not None}

    def model(self) -> PhoneNetwork:
        network = PhoneNetwork(self.training.network, len(self.symbols), self.training.dropout)
        if self.start is not None:
            network.begin_with(self.start.arrays)
        return network

    def describe(self, part: list[Item]) -> str:
        return ", ".join(self.clips[self._order[item.clips[0]]].name for item in part)

    def load(self, part: list[Item]) -> Batch | None:
        if not part:
            return None
        rows = []
        for item in part:
            number = self._order[item.clips[0]]
            random = np.random.default_rng(item.seed)
            rows.append(
                changed_stretch(
                    self.clips[number].mel, self.targets[number], self._frames, self.training, random
                )
            )
        tensors = {
            "mel": torch.from_numpy(np.stack([mel for mel, _ in rows])),
            "targets": torch.from_numpy(np.stack([targets for _, targets in rows])),
        }
        frames = len(part) * self._frames
        return Batch(tensors, float(frames), frames * HOP / RATE)

    def loss(self, model: PhoneNetwork, batch: Batch, step: int) -> Loss:
        """Cross entropy of the phone in each frame."""
        logits, targets = model(batch.tensors["mel"]).transpose(1, 2), batch.tensors["targets"]
        total = functional.cross_entropy(
            logits, targets, ignore_index=NO_TARGET, label_smoothing=self.training.smoothing, reduction="sum"
        )
        right = (logits.detach().argmax(dim=1) == targets).float().sum()
        return Loss(total, {"right": (right, batch.weight)})

    def evaluate(self, model: PhoneNetwork) -> dict[str, float]:
        """Nats a frame on the held clips; where the times of words are known, how far words lie from them."""
        if not self.held:
            return {}
        reader = self.reader(model)
        nats, frames, right = 0.0, 0, 0
        true, found = [], []
        for clip, targets in self.held:
            chances = reader(clip.mel)
            nats -= float(chances[np.arange(len(targets)), targets].sum())
            right += int((chances.argmax(axis=1) == targets).sum())
            frames += len(targets)
            if clip.times:
                words = find_words(chances - _PRIOR_SHARE * reader.prior, clip.ways) or [None] * len(
                    clip.ways
                )
                true += list(clip.times)
                found += words
        figures = {"nats": nats / frames, "frames_right": right / frames}
        if true:
            step = HOP / RATE
            starts = [None if word is None else word.start * step for word in found]
            ends = [None if word is None else word.end * step for word in found]
            figures["start_ms"] = 1000 * boundary_errors([s for s, _ in true], starts).mean_absolute_seconds
            figures["end_ms"] = 1000 * boundary_errors([e for _, e in true], ends).mean_absolute_seconds
        return figures

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        network = self.model()
        network.load_state_dict(model.weights)
        save_phones(self.reader(network.eval()), folder / "model.npz")
        write_json(folder / "config.json", {"kind": self.name, "training": asdict(self.training)})

    def reader(self, network: PhoneNetwork) -> PhoneModel:
        """The model as it is used."""
        facts = {
            "training": asdict(self.training),
            "clips": len(self.clips),
            "seconds": round(sum(len(targets) for targets in self.targets) * HOP / RATE, 1),
        }
        arrays = {**network.arrays(), "prior": self.prior}
        return PhoneModel(self.training.network, self.symbols, arrays, facts)


def _evened(speakers: Sequence[str], even: float) -> list[int]:
    """Numbers of clips, those of speakers with few clips several times.

    >>> _evened(["a", "a", "a", "a", "b"], 1.0)
    [0, 1, 2, 3, 4, 4, 4, 4]
    """
    counts = {speaker: speakers.count(speaker) for speaker in set(speakers)}
    most = max(counts.values())
    return [
        number
        for number, speaker in enumerate(speakers)
        for _ in range(max(1, round((most / counts[speaker]) ** even)))
    ]


# ---------------------------------------------------------------- a whole training


def train_phones(
    sources: Sequence[str | Path],
    folder: str | Path,
    training: PhonesTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Train a model of phones in rounds.

    Parameters
    ----------
    sources : datasets of the recipe ``speech``, or folders of sounds with texts, which are prepared first
    folder : gets ``model.npz`` and ``MODEL_CARD.md``, and the runs in ``round-1`` ...; one that was stopped goes on
    training, loop : the options; the loop's steps are those of the first round

    Raises
    ------
    InputError
        If there is nothing to learn from.
    OptionError
        If there are neither one nor as many languages as datasets, or ``start`` is built otherwise.
    MissingDependency
        If a language needs espeak-ng, which is not installed.
    OutputError
        If the folder cannot be written.
    """
    o, options, target = training or PhonesTraining(), loop or PHONES_LOOP, Path(folder)
    opened = open_datasets(sources, target, NEEDS, progress)
    learnt, valid, left_out = open_phone_clips(opened.datasets, o.languages, progress, begin=not o.start)
    model = load_phones(o.start) if o.start else None
    if model is not None and (model.shape, model.symbols) != (o.network, phone_table().symbols):
        raise OptionError(
            f"--from {o.start!r} is built as {model.shape} with {len(model.symbols)} phones, and this training asks "
            f"for {o.network} with {len(phone_table().symbols)}; give the same"
        )
    heard_of = np.full(len(phone_table().symbols), model is not None)
    unfit: tuple[tuple[str, str], ...] = ()
    for number in range(1, o.rounds + 1):
        aligned = [
            [
                (
                    clip,
                    begin_targets(clip) if model is None else align_again(clip, model, heard_of, o.worst_fit),
                )
                for clip in clips
            ]
            for clips in (learnt, valid)
        ]
        fit, held = ([(clip, row) for clip, row in part if row is not None] for part in aligned)
        unfit = tuple(
            (clip.name, "its words do not fit its sound") for clip, row in aligned[0] if row is None
        )
        steps = round(options.steps * o.rise ** (number - 1))
        how = replace(options, steps=steps, seed=options.seed + number - 1)
        recipe = PhonesRecipe(fit, held, o, how.seed, model)
        result = train(recipe, how, target / f"round-{number}", progress)
        model, heard_of = load_phones(Path(result.model) / "model.npz"), recipe.heard_of
    assert model is not None
    model = replace(model, facts={**model.facts, "loop": asdict(options), "report": result.figures})
    save_phones(model, target / "model.npz")
    write_text(target / "MODEL_CARD.md", phone_card(model, o, learnt, options))
    return replace(
        result,
        directory=str(target),
        model=str(target),
        notes=(*result.notes, *opened.notes, *left_out_notes((*left_out, *unfit), target)),
    )
