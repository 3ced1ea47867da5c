"""``genlock train writer DATASET``: a writer of codes of sound, told column by column what its own instant shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, MissingDependency
from genlock.core.files import write_text
from genlock.core.json_forms import write_json
from genlock.core.progress import Progress, silent
from genlock.data.batches import Batches, BatchPlan, Item
from genlock.foley.finding import EventOptions
from genlock.models.foley.codec import Codec, load_codec
from genlock.models.foley.columns import EVENT_CHANNELS
from genlock.models.foley.vocoder import VOCODER_NAME, load_vocoder
from genlock.models.foley.writer import Writer, conditions_of, load_writer, save_writer
from genlock.models.foley.writer_network import WriterShape
from genlock.train.foley.told import ToldClip, loudness_of, materials_of, open_told, true_posterior
from genlock.train.foley.writer_card import writer_card
from genlock.train.foley.writer_options import WRITER_LOOP, WriterTraining
from genlock.train.foley.written import write_written
from genlock.train.options import LoopOptions
from genlock.weights.npz_model import put_beside

try:
    import torch
    from torch.nn import functional

    from genlock.train.clip_recipe import ClipRecipe
    from genlock.train.foley.beginnings import begin_with, fitted_writer, with_those_before
    from genlock.train.foley.preferences import preference_loss, told_wrongly
    from genlock.train.foley.writer_network import WriterNetwork
    from genlock.train.loop import train
    from genlock.train.recipe import Batch, Exported, Loss, TrainResult
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["WriterRecipe", "train_writer"]

Tensor: TypeAlias = torch.Tensor

_LEAST_CLIPS = 4
_LEAST_SPREAD = 0.05


class WriterRecipe(ClipRecipe):
    """A writer for :func:`genlock.train.loop.train`.

    Parameters
    ----------
    clips : to learn from
    held : to choose on; may be empty
    codec : whose codes are written
    training : how
    seed : of the order and of all changes
    prefers_from : the first update in which preferences count, where there are any
    """

    name = "writer"
    best: str | None = "code_loss"
    unit = "columns"

    def __init__(
        self,
        clips: Sequence[ToldClip],
        held: Sequence[ToldClip],
        codec: Codec,
        training: WriterTraining | None = None,
        seed: int = 0,
        prefers_from: int = 0,
    ) -> None:
        self.training, self.seed, self._prefers_from = training or WriterTraining(), seed, prefers_from
        self._codec = codec
        self.clips, self.held = list(clips), list(held)
        if len(self.clips) < _LEAST_CLIPS:
            raise InputError(f"{len(self.clips)} clips are too few; give at least {_LEAST_CLIPS}")
        o = self.training
        self._begins = begins = load_writer(o.start) if o.start else None
        told = () if begins is None else begins.channels[len(EVENT_CHANNELS) :]
        self.materials = with_those_before(told, materials_of(self.clips))
        self.channels = (*EVENT_CHANNELS, *self.materials)
        self.means, self.spreads = _told_sizes(self.clips)
        labels = {clip.label for clip in self.clips} - {""}
        new = tuple(sorted(labels)) if o.classes else ()
        self.classes = with_those_before(() if begins is None else begins.classes, new)
        self.shape = WriterShape(
            codes=codec.vocabulary,
            tokens=codec.tokens,
            conditions=len(self.channels),
            width=o.width,
            layers=o.layers,
            reach=o.reach,
            classes=len(self.classes),
        )
        if begins is not None:
            # Its weights know impulses and sizes as it was told them.
            self.means, self.spreads = dict(begins.means), dict(begins.spreads)
        self._batches = Batches([1.0] * len(self.clips), BatchPlan(clips=o.batch, seed=seed))

    # ------------------------------------------------------------ what the loop asks for

    def model(self) -> WriterNetwork:
        """At its start."""
        network = WriterNetwork(self.shape, self.training.dropout)
        begins = self._begins
        if begins is None:
            return network
        fitted = fitted_writer(begins, self.channels, self.classes)
        return begin_with(network, self.shape, self.training.start, lambda _: fitted)

    def load(self, part: list[Item]) -> Batch | None:
        """Stretches of clips, what is told of them, and a history that is wrong in places."""
        if not part:
            return None
        rows = [self._example(self.clips[item.clips[0]], np.random.default_rng(item.seed)) for item in part]
        tensors = {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}
        return Batch(tensors, float(len(rows)), float(tensors["there"].sum()))

    def _example(self, clip: ToldClip, random: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        o, whole = self.training, len(clip.codes)
        told = true_posterior(clip.heard, whole, self.materials, self.spreads, o.blur, random)
        conditions = conditions_of(told, self.means, self.spreads)
        first = int(random.integers(0, max(whole - o.columns, 0) + 1))
        # A stretch from the middle begins without a history, as a film does: so a film may begin in the middle.
        codes = clip.codes[first : first + o.columns]
        count = len(codes)
        heard = codes.copy()
        wrong = random.random(count) < o.wrong_history
        heard[wrong] = random.integers(0, self.shape.codes, (int(wrong.sum()), codes.shape[1]))
        known = np.full(count, random.random() >= o.untold)
        prefers: dict[str, npt.NDArray[Any]] = {}
        if o.preferences:
            other = self.clips[int(random.integers(len(self.clips)))].heard
            _, wrong = told_wrongly(clip.heard, other, self.materials, random)
            rows = true_posterior(wrong, whole, self.materials, self.spreads, o.blur, random)
            worse = conditions_of(rows, self.means, self.spreads)
            prefers["worse"] = _longer(worse[first : first + count], o.columns)
        number = len(self.classes)
        if clip.label in self.classes and random.random() >= o.unnamed:
            number = self.classes.index(clip.label)
        return {
            "codes": _longer(codes, o.columns),
            "heard": _longer(heard, o.columns),
            "conditions": _longer(conditions[first : first + count], o.columns),
            **prefers,
            "known": _longer(known, o.columns),
            "there": _longer(np.ones(count, bool), o.columns),
            "classes": np.asarray(number, np.int64),
        }

    def loss(self, model: WriterNetwork, batch: Batch, step: int) -> Loss:
        """How unlikely the true codes are, in nats a token."""
        t = batch.tensors
        told = model(t["heard"], t["codes"], t["conditions"], t["known"], t["there"], t["classes"])
        each = [_unlikely(scores, t["codes"][..., k], t["there"]) for k, scores in enumerate(told)]
        figures = {
            f"token_{k + 1}": (part.detach() * batch.weight, batch.weight) for k, part in enumerate(each)
        }
        total = torch.stack(each).mean()
        if self.training.preferences and step >= self._prefers_from:
            prefers, clear = self._prefers(model, told, t)
            figures |= {
                "preference": (prefers.detach() * batch.weight, batch.weight),
                "preferred": (clear * batch.weight, batch.weight),
            }
            total = total + prefers
        return Loss(total * batch.weight, figures)

    def _prefers(
        self, model: WriterNetwork, told: list[Tensor], t: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """The loss of preferences, and the share of sounds that are likelier as they are told."""
        # Where nothing is told there is nothing to prefer.
        there = t["there"] & t["known"]
        wrongly = model(t["heard"], t["codes"], t["worse"], t["known"], t["there"], t["classes"])
        right, wrong = (
            torch.stack([_nats(s, t["codes"][..., k], there) for k, s in enumerate(scores)]).sum(dim=0)
            for scores in (told, wrongly)
        )
        return preference_loss(right, wrong, self.training.preference_strength), (
            right < wrong
        ).float().mean()

    def evaluate(self, model: WriterNetwork) -> dict[str, float]:
        """On the held clips, told what sounds in them; then what sounds in another clip, and nothing.

        ``shuffled_gap``: by how much the codes are less likely when each clip is told what another one shows. A writer
        that does not look has none.
        """
        if not self.held:
            return {"code_loss": 0.0}
        longest = max(len(clip.codes) for clip in self.held)
        told = [self.told(clip, longest) for clip in self.held]
        own, others = self._loss_on(model, told), [*told[1:], *told[:1]]
        shuffled, blind = self._loss_on(model, others), self._loss_on(model, None)
        return {
            "code_loss": own,
            "shuffled_loss": shuffled,
            "shuffled_gap": shuffled - own,
            "untold_loss": blind,
        }

    def told(self, clip: ToldClip, count: int) -> npt.NDArray[np.float32]:
        """What is told of a clip where all of it is certain, on so many columns."""
        rows = true_posterior(clip.heard, count, self.materials, self.spreads, 0.0, np.random.default_rng(0))
        return np.asarray(rows, np.float32)

    @torch.no_grad()
    def _loss_on(self, model: WriterNetwork, told: Sequence[npt.NDArray[np.float32]] | None) -> float:
        total, tokens = 0.0, 0
        for number, clip in enumerate(self.held):
            count = len(clip.codes)
            seen = self.told(clip, count) if told is None else told[number]
            codes = torch.from_numpy(clip.codes[:count])[None]
            conditions = conditions_of(seen[:count], self.means, self.spreads)
            there = torch.ones(1, count, dtype=torch.bool)
            known = there if told is not None else ~there
            classes = torch.tensor([len(self.classes)])
            scores = model(codes, codes, torch.from_numpy(conditions)[None], known, there, classes)
            parts = [float(_unlikely(s, codes[..., k], there)) for k, s in enumerate(scores)]
            total, tokens = total + float(np.mean(parts)) * count, tokens + count
        return total / max(tokens, 1)

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        """``model.npz`` and ``config.json``; what is written for some held clips, as pictures and sound."""
        network = WriterNetwork(self.shape, self.training.dropout)
        network.load_state_dict(model.weights)
        o = self.training
        writer = Writer(
            self.shape,
            network.arrays(),
            self.channels,
            self.means,
            self.spreads,
            self.classes,
            facts={"training": asdict(o), "clips": len(self.clips), "valid": dict(figures)},
        )
        _save_with_its_models(writer, o, folder)
        heard = (self.held or self.clips)[: o.heard]
        vocoder = load_vocoder(o.vocoder or VOCODER_NAME) if heard else None
        if vocoder is not None:
            write_written(writer, self._codec, vocoder, heard, o.sampling, self.materials, folder)
        write_json(folder / "config.json", {"kind": self.name, "training": asdict(o)})


def _save_with_its_models(writer: Writer, training: WriterTraining, folder: Path) -> None:
    """Write ``model.npz``, and beside it what it needs of models that have no name, so that it can be moved."""
    codec = put_beside(training.codec, folder, "codec.npz")
    vocoder = put_beside(training.vocoder, folder, "vocoder.npz") if training.vocoder else ""
    save_writer(replace(writer, codec=codec, vocoder=vocoder), folder / "model.npz")


def _told_sizes(clips: Sequence[ToldClip]) -> tuple[dict[str, float], dict[str, float]]:
    """Means and spreads of the logarithms of impulses and sizes."""
    means, spreads = dict[str, float](), dict[str, float]()
    for name in ("impulse", "size"):
        every = np.concatenate([clip.heard.facts[name] for clip in clips])
        means[name] = float(every.mean()) if len(every) else 0.0
        spreads[name] = max(float(every.std()), _LEAST_SPREAD) if len(every) else 1.0
    return means, spreads


def _unlikely(scores: Tensor, codes: Tensor, there: Tensor) -> Tensor:
    each = functional.cross_entropy(scores.flatten(0, 1), codes.flatten(), reduction="none").view_as(codes)
    return (each * there).sum() / there.sum().clamp(min=1)


def _nats(scores: Tensor, codes: Tensor, there: Tensor) -> Tensor:
    """How unlikely the codes of each sound are in all, [B]."""
    each = functional.cross_entropy(scores.flatten(0, 1), codes.flatten(), reduction="none").view_as(codes)
    return (each * there).sum(dim=1)


def _longer(values: npt.NDArray[Any], length: int) -> npt.NDArray[Any]:
    return np.pad(values, ((0, length - len(values)), *((0, 0),) * (values.ndim - 1)))


# ---------------------------------------------------------------- a whole training


def train_writer(
    sources: Sequence[str | Path],
    folder: str | Path,
    training: WriterTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Train a writer, and report how much it looks at the picture.

    Parameters
    ----------
    sources : prepared datasets with ``sound@24000``, or films, which are prepared first
    folder : gets ``model.npz`` and ``MODEL_CARD.md``, the codec and the vocoder where they are files, and the run in
        ``run``; a run that was stopped goes on

    Raises
    ------
    InputError
        If too few clips can be used.
    OutputError
        If the folder cannot be written.
    """
    options, target, o = loop or WRITER_LOOP, Path(folder), training or WriterTraining()
    codec = load_codec(o.codec)
    clips = open_told(sources, target, codec, EventOptions(finder=o.finder), progress)
    recipe = WriterRecipe(
        clips.learnt, clips.held, codec, o, options.seed, prefers_from=options.steps - o.preferences
    )
    result = train(recipe, options, target / "run", progress)
    writer = load_writer(Path(result.model) / "model.npz")
    law = loudness_of(clips.learnt)
    loudness = {} if law is None else {"loudness": law.to_dict()}
    writer = replace(writer, facts={**writer.facts, "loop": asdict(options), **loudness})
    _save_with_its_models(writer, o, target)
    write_text(target / "MODEL_CARD.md", writer_card(writer, o, clips, options))
    return replace(result, directory=str(target), model=str(target), notes=(*result.notes, *clips.notes))
