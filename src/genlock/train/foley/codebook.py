"""``genlock train codebook DATASET``: a codec of sound, what it learns from, and how it is reported on."""

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
from genlock.models.foley.codec import Codec, load_codec, save_codec
from genlock.train.foley.cards import codec_card
from genlock.train.foley.figures import codec_figures, glance_at_bands
from genlock.train.foley.listening import write_heard
from genlock.train.foley.options import CODEBOOK_LOOP, CodebookTraining
from genlock.train.foley.sounds import SoundClip, crop_of, mel_of, open_sounds
from genlock.train.options import LoopOptions

try:
    import torch

    from genlock.train.foley.beginnings import begin_with
    from genlock.train.foley.classifier import SoundClassifier, classifier_for, perceived
    from genlock.train.foley.discriminators import PatchDiscriminator, adaptive_weight
    from genlock.train.foley.losses import band_losses, hinge_of_false, hinge_of_true
    from genlock.train.foley.networks import MIDDLE, SPREAD, CodecNetwork
    from genlock.train.loop import train
    from genlock.train.optimizers import ScheduledOptimizer, adamw
    from genlock.train.recipe import Batch, Exported, Loss, LossStep, TrainResult
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["CodebookRecipe", "train_codebook"]

Array: TypeAlias = npt.NDArray[np.float32]


class CodecPair(torch.nn.Module):
    """A codec, and who judges it, if anybody does."""

    def __init__(self, training: CodebookTraining) -> None:
        super().__init__()
        self.codec = CodecNetwork(training.codec)
        self.discriminator = PatchDiscriminator() if training.losses.patch_loss else None


class CodebookRecipe:
    """A codec for :func:`genlock.train.loop.train`.

    Parameters
    ----------
    clips : to learn from
    held : to choose on; may be empty
    training : how
    seed : of the order and of all changes
    classifier : whose perception counts, where the losses ask for one
    """

    name = "codebook"
    best: str | None = "band_error"
    unit = "sound_seconds"

    def __init__(
        self,
        clips: Sequence[SoundClip],
        held: Sequence[SoundClip],
        training: CodebookTraining | None = None,
        seed: int = 0,
        classifier: SoundClassifier | None = None,
    ) -> None:
        self.training, self.seed = training or CodebookTraining(), seed
        self.clips, self.held = list(clips), list(held)
        if not self.clips:
            raise InputError("no sound is left to learn from; give more")
        if self.training.losses.perceptual_loss and classifier is None:
            raise InputError(
                "a perceptual loss needs a classifier; give one, or clips of two classes at least"
            )
        self._classifier = classifier
        self._batches = Batches([1.0] * len(self.clips), BatchPlan(clips=self.training.batch, seed=seed))

    # ------------------------------------------------------------ what the loop asks for

    def record(self) -> dict[str, Any]:
        """Options and clips."""
        return {**asdict(self.training), "clips": [clip.name for clip in self.clips]}

    def model(self) -> CodecPair:
        """At its start."""
        pair, o = CodecPair(self.training), self.training
        begin_with(pair.codec, o.codec, o.start, load_codec)
        return pair

    def optimizers(self, model: CodecPair, loop: LoopOptions) -> dict[str, ScheduledOptimizer]:
        """One of the codec, and one of the discriminator."""
        found = {"codec": adamw(model.codec.parameters(), loop)}
        if model.discriminator is not None:
            found["discriminator"] = adamw(model.discriminator.parameters(), loop, betas=(0.5, 0.9))
        return found

    def losses(self) -> Sequence[LossStep]:
        """The codec's, then the discriminator's, which begins later."""
        steps = [LossStep(self.loss, "codec")]
        if self.training.losses.patch_loss:
            steps.append(LossStep(self.judge, "discriminator", begins=self.training.losses.patch_begins))
        return steps

    def parts(self, step: int) -> list[list[Item]]:
        """The crops of an update, in one part."""
        return self._batches.at(step)

    def describe(self, part: list[Item]) -> str:
        """Names of its clips."""
        return ", ".join(self.clips[item.clips[0]].name for item in part)

    def load(self, part: list[Item]) -> Batch | None:
        """Bands of changed crops, [B, T, 80]."""
        if not part:
            return None
        cells = 2 * self.training.crop_columns
        made = []
        for item in part:
            random = np.random.default_rng(item.seed)
            made.append(mel_of(crop_of(self.clips, item.clips[0], cells, self.training.changes, random)))
        return Batch({"mel": torch.from_numpy(np.stack(made))}, float(len(made)), len(made) * cells / 100)

    def loss(self, model: CodecPair, batch: Batch, step: int) -> Loss:
        """How far the bands that come back are from the true ones."""
        o, true = self.training.losses, batch.tensors["mel"]
        plain = torch.rand(len(true)) < self.training.plain
        found, inside, rounded = model.codec(true, plain.to(true.device))
        parts = band_losses(found, true, o)
        if o.commitment_loss:
            parts["commitment"] = o.commitment_loss * (inside - rounded.detach()).square().mean()
        if o.perceptual_loss:
            assert self._classifier is not None
            parts["perceptual"] = o.perceptual_loss * perceived(self._classifier, found, true)
        total = torch.stack(list(parts.values())).sum()
        if model.discriminator is not None and step >= o.patch_begins:
            judged = -model.discriminator((found - MIDDLE) / SPREAD).mean()
            weight = adaptive_weight(total, judged, model.codec.decoder.out.weight)
            parts["patch"] = o.patch_loss * weight * judged
            total = total + parts["patch"]
        figures = {name: (part.detach() * batch.weight, batch.weight) for name, part in parts.items()}
        return Loss(total * batch.weight, figures)

    def judge(self, model: CodecPair, batch: Batch, step: int) -> Loss:
        """How well the discriminator tells true bands from those that come back."""
        assert model.discriminator is not None
        true = batch.tensors["mel"]
        with torch.no_grad():
            found = model.codec(true)[0]
        score = model.discriminator((true - MIDDLE) / SPREAD)
        total = hinge_of_true(score) + hinge_of_false(model.discriminator((found - MIDDLE) / SPREAD))
        return Loss(total * batch.weight / 2)

    def evaluate(self, model: CodecPair) -> dict[str, float]:
        """On the held clips: errors of the bands, and how many of the tokens are used."""
        return glance_at_bands(self.codec(model.codec), self.held or self.clips)

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        """``model.npz`` and ``config.json``; some held clips as they come back, as pictures and sound."""
        pair = CodecPair(self.training)
        pair.load_state_dict(model.weights)
        codec = self.codec(pair.codec, figures)
        save_codec(codec, folder / "model.npz")
        write_heard(codec, (self.held or self.clips)[: self.training.heard], folder)
        write_json(folder / "config.json", {"kind": self.name, "training": asdict(self.training)})

    # ------------------------------------------------------------ what else it knows

    def codec(self, network: CodecNetwork, figures: Mapping[str, float] | None = None) -> Codec:
        """The codec of a network as it now is."""
        facts = {
            "training": asdict(self.training),
            "clips": len(self.clips),
            "seconds": round(sum(clip.seconds for clip in self.clips), 1),
            "valid": dict(figures or {}),
        }
        return Codec(self.training.codec, network.arrays(), facts)


# ---------------------------------------------------------------- a whole training


def train_codebook(
    sources: Sequence[str | Path],
    folder: str | Path,
    training: CodebookTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Train a codec, and report on what it did not learn from.

    Parameters
    ----------
    sources : prepared datasets with ``sound@24000``; or sounds or films, which are prepared first
    folder : gets ``model.npz`` and ``MODEL_CARD.md``, and the run in ``run``; a run that was stopped goes on

    Raises
    ------
    InputError
        If no clip can be used.
    OutputError
        If the folder cannot be written.
    """
    options, target = loop or CODEBOOK_LOOP, Path(folder)
    o = training or CodebookTraining()
    sounds = open_sounds(sources, target, progress)
    classifier = classifier_for(sounds, o.losses, target, options.seed) if o.losses.perceptual_loss else None
    recipe = CodebookRecipe(sounds.learnt, sounds.held, o, options.seed, classifier)
    result = train(recipe, options, target / "run", progress)
    codec = load_codec(Path(result.model) / "model.npz")
    reported = sounds.reported or sounds.held
    found = codec_figures(codec, reported) if reported else {}
    codec = replace(codec, facts={**codec.facts, "loop": asdict(options), "report": found})
    save_codec(codec, target / "model.npz", half=True)
    write_text(target / "MODEL_CARD.md", codec_card(codec, o, options, sounds))
    return replace(
        result,
        directory=str(target),
        model=str(target),
        figures={**result.figures, **{f"report_{name}": value for name, value in found.items()}},
        notes=(*result.notes, *sounds.notes),
    )
