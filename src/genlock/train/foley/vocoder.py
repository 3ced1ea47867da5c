"""``genlock train vocoder DATASET``: a vocoder, what it learns from, and how it is reported on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from genlock.core.errors import InputError, MissingDependency
from genlock.core.files import write_text
from genlock.core.json_forms import write_json
from genlock.core.progress import Progress, silent
from genlock.data.batches import Batches, BatchPlan, Item
from genlock.models.foley.codec import load_codec
from genlock.models.foley.vocoder import Vocoder, load_vocoder, save_vocoder
from genlock.train.foley.cards import vocoder_card
from genlock.train.foley.figures import glance_at_sound, vocoder_figures
from genlock.train.foley.listening import write_heard
from genlock.train.foley.options import VOCODER_LOOP, VocoderTraining
from genlock.train.foley.sounds import SoundClip, crop_of, mel_of, open_sounds
from genlock.train.options import LoopOptions

try:
    import torch

    from genlock.train.foley.beginnings import begin_with
    from genlock.train.foley.discriminators import PatchDiscriminator, adaptive_weight
    from genlock.train.foley.losses import (
        bands_of_sound,
        hinge_of_false,
        hinge_of_true,
        log_spectra,
        spectrum_loss,
        wave_loss,
    )
    from genlock.train.foley.networks import VocoderNetwork
    from genlock.train.loop import train
    from genlock.train.optimizers import ScheduledOptimizer, adamw
    from genlock.train.recipe import Batch, Exported, Loss, LossStep, TrainResult
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["VocoderRecipe", "train_vocoder"]

Tensor = torch.Tensor


class VocoderPair(torch.nn.Module):
    """A vocoder, and who judges it, if anybody does."""

    def __init__(self, training: VocoderTraining) -> None:
        super().__init__()
        self.vocoder = VocoderNetwork(training.vocoder)
        judged = bool(training.losses.patch_loss)
        self.discriminators = torch.nn.ModuleList(PatchDiscriminator(16) for _ in range(2 * judged))


class VocoderRecipe:
    """A vocoder for :func:`genlock.train.loop.train`.

    Parameters
    ----------
    clips : to learn from
    held : to choose on; may be empty
    training : how
    seed : of the order and of all changes
    """

    name = "vocoder"
    best: str | None = "band_error"
    unit = "sound_seconds"

    def __init__(
        self,
        clips: Sequence[SoundClip],
        held: Sequence[SoundClip],
        training: VocoderTraining | None = None,
        seed: int = 0,
    ) -> None:
        self.training, self.seed = training or VocoderTraining(), seed
        self.clips, self.held = list(clips), list(held)
        if not self.clips:
            raise InputError("no sound is left to learn from; give more")
        self._codec = load_codec(self.training.codec) if self.training.codec else None
        self._batches = Batches([1.0] * len(self.clips), BatchPlan(clips=self.training.batch, seed=seed))

    # ------------------------------------------------------------ what the loop asks for

    def record(self) -> dict[str, Any]:
        """Options and clips."""
        return {**asdict(self.training), "clips": [clip.name for clip in self.clips]}

    def model(self) -> VocoderPair:
        """At its start."""
        pair, o = VocoderPair(self.training), self.training
        begin_with(pair.vocoder, o.vocoder, o.start, load_vocoder)
        return pair

    def optimizers(self, model: VocoderPair, loop: LoopOptions) -> dict[str, ScheduledOptimizer]:
        """One of the vocoder, and one of the discriminators."""
        found = {"vocoder": adamw(model.vocoder.parameters(), loop)}
        if len(model.discriminators):
            found["discriminator"] = adamw(model.discriminators.parameters(), loop, betas=(0.5, 0.9))
        return found

    def losses(self) -> Sequence[LossStep]:
        """The vocoder's, then the discriminators', which begin later."""
        steps = [LossStep(self.loss, "vocoder")]
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
        """Changed crops [B, 240 T], their bands [B, T, 80], and the bands that are given."""
        if not part:
            return None
        cells = self.training.crop_cells // 2 * 2
        sounds, true, given = [], [], []
        for item in part:
            random = np.random.default_rng(item.seed)
            sounds.append(crop_of(self.clips, item.clips[0], cells, self.training.changes, random))
            true.append(mel_of(sounds[-1]))
            coded = self._codec is not None and random.random() < self.training.coded
            given.append(
                self._codec.decode(self._codec.encode(true[-1])) if self._codec and coded else true[-1]
            )
        tensors = {"sound": sounds, "mel": true, "given": given}
        return Batch(
            {name: torch.from_numpy(np.stack(each)) for name, each in tensors.items()},
            float(len(part)),
            len(part) * cells / 100,
        )

    def loss(self, model: VocoderPair, batch: Batch, step: int) -> Loss:
        """How far what is heard is from the true sound."""
        o, true = self.training.losses, batch.tensors["sound"]
        found = model.vocoder(batch.tensors["given"])
        parts: dict[str, Tensor] = {}
        if o.band_loss:
            parts["band"] = o.band_loss * (bands_of_sound(found) - batch.tensors["mel"]).abs().mean()
        if o.spectrum_loss:
            parts["spectrum"] = o.spectrum_loss * spectrum_loss(found, true)
        if o.wave_loss:
            parts["wave"] = o.wave_loss * wave_loss(found, true)
        total = torch.stack(list(parts.values())).sum()
        if len(model.discriminators) and step >= o.patch_begins:
            judged = -torch.stack([score.mean() for score in self._scores(model, found)]).mean()
            weight = adaptive_weight(total, judged, model.vocoder.network.out.weight)
            parts["patch"] = o.patch_loss * weight * judged
            total = total + parts["patch"]
        figures = {name: (part.detach() * batch.weight, batch.weight) for name, part in parts.items()}
        return Loss(total * batch.weight, figures)

    def judge(self, model: VocoderPair, batch: Batch, step: int) -> Loss:
        """How well the discriminators tell true sounds from those of the vocoder."""
        with torch.no_grad():
            found = model.vocoder(batch.tensors["given"])
        of_true = self._scores(model, batch.tensors["sound"])
        pairs = zip(of_true, self._scores(model, found), strict=True)
        total = torch.stack([hinge_of_true(a) + hinge_of_false(b) for a, b in pairs]).mean()
        return Loss(total * batch.weight / 2)

    def evaluate(self, model: VocoderPair) -> dict[str, float]:
        """On the held clips: error of the bands of what is heard."""
        return glance_at_sound(self.vocoder(model.vocoder), self.held or self.clips)

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        """``model.npz`` and ``config.json``; some held clips as they are heard."""
        pair = VocoderPair(self.training)
        pair.load_state_dict(model.weights)
        vocoder = self.vocoder(pair.vocoder, figures)
        save_vocoder(vocoder, folder / "model.npz")
        write_heard(vocoder, (self.held or self.clips)[: self.training.heard], folder)
        write_json(folder / "config.json", {"kind": self.name, "training": asdict(self.training)})

    # ------------------------------------------------------------ what else it knows

    def vocoder(self, network: VocoderNetwork, figures: Mapping[str, float] | None = None) -> Vocoder:
        """The vocoder of a network as it now is."""
        facts = {
            "training": asdict(self.training),
            "clips": len(self.clips),
            "seconds": round(sum(clip.seconds for clip in self.clips), 1),
            "valid": dict(figures or {}),
        }
        return Vocoder(self.training.vocoder, network.arrays(), facts)

    @staticmethod
    def _scores(model: VocoderPair, sound: Tensor) -> list[Tensor]:
        return [
            judge(spectra) for judge, spectra in zip(model.discriminators, log_spectra(sound), strict=True)
        ]


# ---------------------------------------------------------------- a whole training


def train_vocoder(
    sources: Sequence[str | Path],
    folder: str | Path,
    training: VocoderTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Train a vocoder, and report on what it did not learn from.

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
    options, target = loop or VOCODER_LOOP, Path(folder)
    o = training or VocoderTraining()
    sounds = open_sounds(sources, target, progress)
    result = train(
        VocoderRecipe(sounds.learnt, sounds.held, o, options.seed), options, target / "run", progress
    )
    vocoder = load_vocoder(Path(result.model) / "model.npz")
    reported = sounds.reported or sounds.held
    found = vocoder_figures(vocoder, reported, load_codec(o.codec) if o.codec else None) if reported else {}
    vocoder = replace(vocoder, facts={**vocoder.facts, "loop": asdict(options), "report": found})
    save_vocoder(vocoder, target / "model.npz", half=True)
    write_text(target / "MODEL_CARD.md", vocoder_card(vocoder, o, options, sounds))
    return replace(
        result,
        directory=str(target),
        model=str(target),
        figures={**result.figures, **{f"report_{name}": value for name, value in found.items()}},
        notes=(*result.notes, *sounds.notes),
    )
