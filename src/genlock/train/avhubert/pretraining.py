"""``genlock train avhubert DATASET``: an AV-HuBERT from films without text, by masked clusters or by distillation.

The first road is the published one: frames are clustered (MFCC first, then what the model before says), stretches of
both streams are hidden, streams are left out, and the cluster of each frame is asked for. The second one is cheaper:
the frames of a frozen speech model are asked for, from the lips as from the sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, MissingDependency
from genlock.data.batches import Batches, BatchPlan, Item
from genlock.data.splits import place_of
from genlock.train.avhubert.clips import AVClip, AVFilms, sound_of
from genlock.train.avhubert.examples import (
    changed_pictures,
    masked_spans,
    middle_pictures,
    noisy,
    substituted,
)
from genlock.train.avhubert.options import AVHubertTraining
from genlock.train.avhubert.targets import Clusters, Levels, frames_of_feature, phones_of, probe
from genlock.train.padding import stacked

try:
    import torch
    from torch import nn
    from torch.nn import functional

    from genlock.models.avhubert.recognizer import AVRecognizer, Parts, load_avsr, save_avsr
    from genlock.train.avhubert.beginning import started
    from genlock.train.clip_recipe import ClipRecipe
    from genlock.train.recipe import Batch, Exported, Loss
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["AVHubertRecipe", "layers_of", "probe_figures", "probed"]

Tensor: TypeAlias = torch.Tensor
FloatArray: TypeAlias = npt.NDArray[np.float32]

_LEAST_CLIPS = 4
_SNR = (-5.0, 15.0)
# Clips that a probe is fitted on and judged on, at most.
_PROBED = 80


class Pretrained(nn.Module):
    """The encoder in its folder's form, and what only distillation needs: a map to the frames that are learnt."""

    def __init__(self, model: AVRecognizer, outputs: int) -> None:
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.parts.encoder.width, outputs) if outputs else None


class AVHubertRecipe(ClipRecipe):
    """An AV-HuBERT for :func:`genlock.train.loop.train`.

    Parameters
    ----------
    clips : to learn from
    held : to watch; may be empty
    training : how
    seed : of clusters, of the order and of everything drawn
    """

    name = "avhubert"
    best: str | None = None
    unit = "frames"

    def __init__(
        self,
        clips: Sequence[AVClip],
        held: Sequence[AVClip],
        training: AVHubertTraining | None = None,
        seed: int = 0,
    ) -> None:
        self.training, self.seed = training or AVHubertTraining(), seed
        self.clips, self.held = list(clips), list(held)
        if len(self.clips) < _LEAST_CLIPS:
            raise InputError(
                f"{len(self.clips)} clips are too few to learn from; give at least {_LEAST_CLIPS}"
            )
        o = self.training
        rows = self._asked_rows()
        learnt, held_rows = [rows(clip) for clip in self.clips], [rows(clip) for clip in self.held]
        self.clusters: Clusters | None = None
        self._asked: list[npt.NDArray[Any]]
        if o.distill:
            levels = Levels.of(learnt)
            self._asked = [levels(one) for one in learnt]
            self._held_asked: list[npt.NDArray[Any]] = [levels(one) for one in held_rows]
        else:
            self.clusters = Clusters.fit(learnt, o.network.encoder.clusters, seed)
            self._asked = [self.clusters.labels(one) for one in learnt]
            self._held_asked = [self.clusters.labels(one) for one in held_rows]
        self._batches = Batches([clip.seconds for clip in self.clips], BatchPlan(clips=o.batch, seed=seed))

    def _asked_rows(self) -> Any:
        o = self.training
        if o.distill:
            return frames_of_feature(o.distill)
        if o.iteration == 1:
            return frames_of_feature(o.labels)
        model = load_avsr(o.start)
        return lambda clip: layers_of(model, clip)[o.layer]

    # ------------------------------------------------------------ what the loop asks for

    def model(self) -> Pretrained:
        """At its start: fresh, or with the weights of the model before."""
        outputs = self._asked[0].shape[1] if self.training.distill else 0
        made = AVRecognizer(self._parts())
        if self.training.keep_weights:
            # Clusters are numbered anew, so that what told the old ones apart says nothing of them.
            started(
                made, load_avsr(self.training.start), ("encoder.label_embs_concat", "encoder.final_proj.")
            )
        return Pretrained(made, outputs)

    def load(self, part: list[Item]) -> Batch | None:
        """Sound and mouths with what is hidden of them, and what is asked for."""
        if not part:
            return None
        made = [self._example(item.clips[0], np.random.default_rng(item.seed)) for item in part]
        longest = max(len(one.sound) for one in made)
        tensors = {
            name: torch.from_numpy(stacked([getattr(one, name) for one in made], longest))
            for name in ("sound", "pictures", "hidden", "masked", "asked")
        }
        tensors |= {
            "lengths": torch.tensor([len(one.sound) for one in made]),
            "hears": torch.tensor([one.hears for one in made]),
            "sees": torch.tensor([one.sees for one in made]),
        }
        return Batch(tensors, float(len(made)), float(sum(len(one.sound) for one in made)))

    def loss(self, model: Pretrained, batch: Batch, step: int) -> Loss:
        """How far each frame's answer is from what was asked, summed over clips."""
        t, encoder = batch.tensors, model.model.encoder
        padding = torch.arange(t["sound"].shape[1], device=t["sound"].device) >= t["lengths"][:, None]
        sound = t["sound"].transpose(1, 2)
        if model.head is None:
            sound = encoder.masked_sound(sound, t["hidden"])
        heard = encoder.feature_extractor_audio(sound)
        # The network over the picture costs most: it is asked only where there is one.
        seen = torch.zeros_like(heard)
        if bool(t["sees"].any()):
            seen[t["sees"]] = encoder.feature_extractor_video(t["pictures"][t["sees"]][:, None])
        last = encoder.encode(heard, seen, padding, hears=t["hears"], sees=t["sees"]).last
        counts = torch.where(t["masked"], 1.0, self.training.unmasked) * ~padding
        losses, right = self._frame_losses(model, last, t["asked"])
        lips = (~t["hears"])[:, None] & ~padding
        total = ((losses * counts).sum(1) / counts.sum(1).clamp(min=1)).sum()
        figures: dict[str, tuple[Tensor | float, float]] = {}
        if right is not None and bool(lips.any()):
            figures["lips_right"] = ((right & lips).sum(), float(lips.sum()))
        return Loss(total, figures)

    def _frame_losses(self, model: Pretrained, last: Tensor, asked: Tensor) -> tuple[Tensor, Tensor | None]:
        """Loss of each frame [B, T], and whether its cluster is the likeliest."""
        if model.head is not None:
            return functional.smooth_l1_loss(model.head(last), asked, reduction="none").mean(-1), None
        logits = model.model.encoder.cluster_logits(last)
        losses = functional.cross_entropy(logits.transpose(1, 2), asked, reduction="none")
        return losses, logits.argmax(-1) == asked

    def evaluate(self, model: Pretrained) -> dict[str, float]:
        """On held clips, nothing hidden: the loss from sound, from lips and from both, and the share of right clusters;
        of distillation the share of variance that is explained."""
        totals: dict[str, list[float]] = {}
        encoder = model.model.encoder
        device = next(model.parameters()).device
        for clip, asked in zip(self.held, self._held_asked, strict=True):
            sound = torch.from_numpy(sound_of(clip.samples, len(clip))).T[None].to(device)
            picture = torch.from_numpy(middle_pictures(clip, self.training.network.encoder.crop))[
                None, None
            ].to(device)
            want = torch.from_numpy(asked)[None].to(device)
            with torch.no_grad():
                heard, seen = encoder.fronts(sound, picture)
                for way, (one, other) in {
                    "sound": (heard, None), "lips": (None, seen), "both": (heard, seen)
                }.items():  # fmt: skip
                    last = encoder.encode(one, other, None).last
                    losses, right = self._frame_losses(model, last, want)
                    if right is not None:
                        totals.setdefault(f"{way}_loss", []).append(float(losses.mean()))
                        totals.setdefault(f"{way}_right", []).append(float(right.float().mean()))
                    elif model.head is not None:
                        error = (model.head(last) - want).pow(2).mean()
                        totals.setdefault(f"{way}_explained", []).append(
                            1 - float(error / want.pow(2).mean())
                        )
        return {name: float(np.mean(values)) for name, values in totals.items()}

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        """``model.safetensors`` and ``config.json`` of the encoder."""
        weights = {
            name.removeprefix("model."): value
            for name, value in model.weights.items()
            if name.startswith("model.")
        }
        made = AVRecognizer(self._parts(), None, self.facts(figures))
        made.load_state_dict(weights)
        save_avsr(made, folder)

    def facts(self, figures: Mapping[str, float]) -> dict[str, Any]:
        """What the folder says of itself."""
        return {
            "recipe": self.name,
            "training": asdict(self.training),
            "seed": self.seed,
            "clips": len(self.clips),
            "speakers": sorted({clip.speaker for clip in self.clips}),
            "clip_seconds": max(clip.seconds for clip in self.clips),
            "mouth": self.training.mouths,
            "valid": dict(figures),
        }

    def _parts(self) -> Parts:
        """The encoder; what only masked prediction needs is not there where frames are distilled."""
        shape = self.training.network.encoder
        return Parts(replace(shape, clusters=0) if self.training.distill else shape)

    # ------------------------------------------------------------ examples

    def _example(self, number: int, random: np.random.Generator) -> _Example:
        clip, o, length = self.clips[number], self.training, len(self.clips[number])
        samples = clip.samples
        if random.random() < o.noise:
            samples = noisy(samples, [c for c in self.clips if c.name != clip.name], _SNR, random)
        side = o.network.encoder.crop
        pictures = changed_pictures(clip, side, random) if o.jitter else middle_pictures(clip, side)
        hears = sees = True
        if random.random() < o.modality_dropout:
            hears = bool(random.random() >= o.sound_dropout)
            sees = not hears
        nothing = np.zeros(length, bool)
        hidden, covered = nothing, nothing
        if not o.distill:
            hidden = masked_spans(length, o.mask_sound, o.sound_span, random)
            covered = masked_spans(length, o.mask_picture, o.picture_span, random)
            pictures = substituted(pictures, covered, random)
        masked = (hidden & hears) | (covered & sees) if not o.distill else np.ones(length, bool)
        return _Example(sound_of(samples, length), pictures, hidden, masked, self._asked[number], hears, sees)


@dataclass(frozen=True, eq=False)
class _Example:
    """One clip as it is learnt from."""

    sound: FloatArray
    pictures: FloatArray
    hidden: npt.NDArray[np.bool_]
    """Frames whose sound is hidden."""
    masked: npt.NDArray[np.bool_]
    """Frames of which something is hidden."""
    asked: npt.NDArray[Any]
    hears: bool
    sees: bool


def layers_of(
    model: AVRecognizer, clip: AVClip, hears: bool = True, sees: bool = True
) -> tuple[FloatArray, ...]:
    """What each layer of an encoder says of a clip, [T, W] each; 0 is what goes into the first one."""
    sound = torch.from_numpy(sound_of(clip.samples, len(clip))).T[None]
    picture = torch.from_numpy(middle_pictures(clip, model.parts.encoder.crop))[None, None]
    with torch.no_grad():
        heard, seen = model.encoder.fronts(sound if hears else None, picture if sees else None)
        found = model.encoder.encode(heard, seen, None, layers=True).layers
    return tuple(np.asarray(rows[0].numpy(), np.float32) for rows in found)


def probed(clips: Sequence[AVClip], most: int = _PROBED) -> list[AVClip]:
    """Clips with the times of their words, at most so many: those of the lowest hash, for neighbours begin alike."""
    return sorted((clip for clip in clips if clip.words), key=lambda clip: place_of(clip.name))[:most]


def probe_figures(model: AVRecognizer, films: AVFilms, labels: str = "mfcc:kaldi39") -> dict[str, float]:
    """How much of the phones a linear map finds in each layer, from sound, lips and both, and in ``labels``.

    Fitted on clips to learn from, read on held ones (or those to report on). Empty where no times of words are known.
    """
    learnt = probed(films.learnt)
    held = probed(films.reported or films.held)
    if not learnt or not held:
        return {}
    phones, held_phones = [phones_of(c) for c in learnt], [phones_of(c) for c in held]
    feature = frames_of_feature(labels)
    base = probe([feature(c) for c in learnt], phones, [feature(c) for c in held], held_phones)
    figures = {f"probe_{labels.partition(':')[0]}": base}
    for way, kwargs in {"sound": {"sees": False}, "lips": {"hears": False}, "both": {}}.items():
        rows, held_rows = ([layers_of(model, c, **kwargs) for c in clips] for clips in (learnt, held))
        for layer in range(len(rows[0])):
            figures[f"probe_{way}_{layer}"] = probe(
                [r[layer] for r in rows], phones, [r[layer] for r in held_rows], held_phones
            )
    return figures
