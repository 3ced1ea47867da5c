"""wav2vec 2.0 pretraining: speech representations from sound without text.

Spans of the convolutions' output are masked; the transformer is to tell, at *every* masked frame, the true
quantised vector of that frame from those of other masked frames of the same utterance. The model is transformers'
``Wav2Vec2ForPreTraining``; its losses are computed in another order (:mod:`genlock.train.speech.contrastive`), with the
same values.
Method: Baevski, Zhou, Mohamed, Auli, wav2vec 2.0 (2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from genlock.core.errors import InputError
from genlock.core.progress import Progress, silent
from genlock.data.batches import Batches, Item
from genlock.train.options import LoopOptions, Wav2Vec2Training
from genlock.train.recipe import Batch, Loss, TrainResult
from genlock.train.speech.contrastive import code_perplexity, contrast
from genlock.train.speech.masks import draw_negatives, heard_nevertheless, span_mask
from genlock.train.speech.recipe import SpeechRecipe, train_speech
from genlock.train.speech.tensors import hear, padded
from genlock.train.speech.utterances import RATE, Utterances

__all__ = ["Wav2Vec2Recipe", "collapse_notes", "pretrain"]

Tensor = torch.Tensor
#: Batches that a fresh quantiser is fitted to, and the spread of the numbers that choose its codes. The Gumbel noise,
#: of spread 1.3, then changes one choice in sixteen; at a spread of 5 it changed two of three, and nothing was learnt.
_BATCHES_SEEN, _LOGIT_SPREAD = 6, 40.0
#: Share of the codes; a quantiser that uses fewer has collapsed.
_COLLAPSED = 0.02


def pretrain(
    sounds: Sequence[str | Path],
    folder: str | Path,
    training: Wav2Vec2Training | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Pretrain a wav2vec 2.0 model.

    Parameters
    ----------
    sounds : prepared datasets, or folders of sounds or videos; texts are not looked at
    folder : the run folder; a run that is in it already is continued
    training, loop : the options; None: their defaults

    Raises
    ------
    InputError
        If there is nothing to train on.
    MissingModel, FormatError, TrainingError, OutputError
        See :func:`genlock.train.loop.train`.
    """
    training, options = training or Wav2Vec2Training(), loop or LoopOptions()
    result, _ = train_speech(
        lambda speech: Wav2Vec2Recipe(speech, training, options),
        sounds,
        folder,
        training,
        options,
        progress=progress,
    )
    return result


def collapse_notes(figures: Mapping[str, float], codes: int) -> tuple[str, ...]:
    """A warning if held-out sound is told by next to none of the codes: what was learnt then says little.

    >>> collapse_notes({"perplexity_1": 300.0, "perplexity_2": 41.5}, 320)
    ()
    >>> collapse_notes({"perplexity_1": 1.02, "perplexity_2": 2.5}, 320)[0].split(";")[0]
    'the codes have collapsed: of 320 in a group 1.0 and 2.5 are in use'
    """
    used = [value for name, value in figures.items() if name.startswith("perplexity_")]
    if not used or min(used) >= max(codes * _COLLAPSED, 2):
        return ()
    many = " and ".join(f"{value:.1f}" for value in used)
    return (
        f"the codes have collapsed: of {codes} in a group {many} are in use; what was learnt says little. From little "
        "sound use --freeze-convolutions, fewer --codes, or a higher --diversity",
    )


@dataclass(eq=False)
class Wav2Vec2Recipe(SpeechRecipe[Wav2Vec2Training]):
    """The recipe for the loop."""

    name: str = "wav2vec2"

    def __post_init__(self) -> None:
        self.learnt, self.valid = self.speech.train, self.speech.valid
        self.configure(self._settings())
        self._longest = int(self.training.longest_seconds * RATE)
        self.batch_by_length(self._lengths(self.learnt))

    def _lengths(self, utterances: Utterances) -> list[float]:
        return [min(seconds, self.training.longest_seconds) for seconds in utterances.seconds]

    def notes(self, figures: Mapping[str, float]) -> tuple[str, ...]:
        return collapse_notes(figures, self.training.codes)

    # ------------------------------------------------------------ the model

    def _settings(self) -> dict[str, Any]:
        t = self.training
        width = t.code_width or (256 if t.shape == "base" else 128)
        if width % t.codebooks:
            raise InputError(
                f"a code vector of {width} cannot be cut into {t.codebooks} groups; set code_width"
            )
        return {
            "num_codevector_groups": t.codebooks,
            "num_codevectors_per_group": t.codes,
            "codevector_dim": width,
            "proj_codevector_dim": width,
            "contrastive_logits_temperature": t.logit_temperature,
            "num_negatives": t.negatives,
            "diversity_loss_weight": t.diversity,
            "hidden_dropout": t.dropout,
            "attention_dropout": t.dropout,
            "layerdrop": 0.0,
            "mask_time_prob": t.mask_start * t.mask_length,
            "mask_time_length": t.mask_length,
        }

    def model(self) -> Any:
        kind = transformers.Wav2Vec2ForPreTraining
        model = self.begin(kind, kind)
        if not self.training.start:
            batches = [self._loaded(self.learnt, self._batches.at(step)[0]) for step in range(_BATCHES_SEEN)]
            _even_codes(model, [batch for batch in batches if batch is not None and batch.weight])
        if self.training.freeze_convolutions:
            model.freeze_feature_encoder()
            model.wav2vec2.feature_projection.layer_norm.requires_grad_(False)
        return model

    # ------------------------------------------------------------ data

    def load(self, part: list[Item]) -> Batch | None:
        return self._loaded(self.learnt, part, self.training.heard)

    def _loaded(self, utterances: Utterances, part: list[Item], share_heard: float = 0.0) -> Batch | None:
        heard = [hear(utterances, item, self.training.augmentation, self._longest) for item in part]
        if not heard:
            return None
        samples, attention = padded([h.samples for h in heard])
        masks = np.zeros((len(heard), self.framing.count(samples.shape[1])), np.bool_)
        random = np.random.default_rng([part[0].seed, 1])
        for row, h in zip(masks, heard, strict=True):
            frames = self.framing.count(len(h.samples))
            row[:frames] = span_mask(frames, self.training.mask_start, self.training.mask_length, random)
            if row.sum() < 2:  # nothing to be told apart from
                row[:] = False
        negatives = draw_negatives(masks, self.training.negatives, random)
        hidden = masks
        if share_heard:
            hidden = masks & ~heard_nevertheless(masks, share_heard, self.training.mask_length, random)
        tensors = {
            "samples": samples,
            "attention": attention,
            "mask": torch.from_numpy(masks),
            "hidden": torch.from_numpy(hidden),
            "negatives": torch.from_numpy(negatives),
        }
        return Batch(tensors, float(masks.sum()), sum(len(h.samples) for h in heard) / RATE)

    # ------------------------------------------------------------ the loss

    def loss(self, model: Any, batch: Batch, step: int) -> Loss:
        temperature = self.training.gumbel(step, self.loop.steps)
        model.set_gumbel_temperature(temperature)
        t = batch.tensors
        if batch.weight == 0:  # only sounds of a frame or two: nothing is masked
            return Loss(0.0 * next(model.parameters()).sum())
        with _overheard(model) as heard:
            found = model(
                t["samples"],
                attention_mask=t["attention"] if self._masked else None,
                mask_time_indices=t["hidden"],
            )
        contrasted = contrast(
            found.projected_states,
            found.projected_quantized_states,
            t["mask"],
            t["negatives"],
            self.training.logit_temperature,
        )
        codes = self.training.codebooks * self.training.codes
        used = code_perplexity(heard["code_logits"], t["hidden"], self.training.codebooks)
        diversity = (codes - used.sum()) / codes * batch.weight
        penalty = heard["convolved"].float().square().mean()
        total = (
            contrasted.loss
            + self.training.diversity * diversity
            + self.training.features_penalty * penalty * batch.weight
        )
        figures: dict[str, tuple[Tensor | float, float]] = {
            "contrastive": (contrasted.loss.detach(), batch.weight),
            "diversity": (diversity.detach(), batch.weight),
            "accuracy": (contrasted.right, batch.weight),
            "chance": (contrasted.chance, batch.weight),
            "features_penalty": (penalty.detach() * batch.weight, batch.weight),
            "gumbel_temperature": (temperature * batch.weight, batch.weight),
        }
        with torch.no_grad():
            used = code_perplexity(heard["code_logits"], t["mask"], self.training.codebooks)
        for group, value in enumerate(used.tolist(), 1):
            figures[f"perplexity_{group}"] = (value * batch.weight, batch.weight)
        return Loss(total, figures)

    # ------------------------------------------------------------ what came of it

    def evaluate(self, model: Any) -> dict[str, float]:
        """The same measures on held-out clips, with masks that are always the same; batched by length."""
        if not len(self.valid):
            return {}
        sums: dict[str, list[float]] = {}
        device = next(model.parameters()).device
        plan = Wav2Vec2Training(batch_seconds=self.training.batch_seconds).plan(0)
        batches = Batches(self._lengths(self.valid), plan)
        step = 0
        while batches.epoch_of(step) == 0:
            batch = self._loaded(self.valid, batches.at(step)[0])
            step += 1
            if batch is None or not batch.weight:
                continue
            moved = Batch({k: v.to(device) for k, v in batch.tensors.items()}, batch.weight)
            found = self.loss(model, moved, self.loop.steps)
            for name, (total, weight) in found.figures.items():
                pair = sums.setdefault(name, [0.0, 0.0])
                pair[0] += float(total)
                pair[1] += weight
        kept = ("contrastive", "accuracy", "chance")
        return {n: a / b for n, (a, b) in sums.items() if n in kept or n.startswith("perplexity")}


@torch.no_grad()
def _even_codes(model: Any, batches: Sequence[Batch]) -> None:
    """Let a fresh quantiser use all of its codes: its choice begins whitened, by the frames of some batches.

    What all frames have in common, and the few directions in which they differ most, would choose the same few
    codes everywhere; the diversity loss is too slow to undo that before the contrastive loss makes use of it.
    """
    rows = []
    for batch in batches:
        convolved = model.wav2vec2.feature_extractor(batch.tensors["samples"]).transpose(1, 2)
        rows.append(model.wav2vec2.feature_projection(convolved)[1][batch.tensors["mask"]])
    seen = torch.cat(rows).double()
    mean = seen.mean(0)
    variances, directions = torch.linalg.eigh(torch.cov((seen - mean).T))
    scale = (variances + 5 * variances.mean()).rsqrt()
    choice = model.quantizer.weight_proj
    drawn = _LOGIT_SPREAD / len(mean) ** 0.5 * torch.randn(choice.weight.shape).double()
    choice.weight.copy_((drawn * scale) @ directions.T)
    choice.bias.copy_(-(choice.weight.double() @ mean))
    # Drawn from 0...1, as they are otherwise, all vectors point the same way, and are hard to tell apart.
    model.quantizer.codevectors.normal_()


@contextmanager
def _overheard(model: Any) -> Iterator[dict[str, Tensor]]:
    """Within the block, what the convolutions give and what chooses the codes is kept for us to see."""
    heard: dict[str, Tensor] = {}
    places = {"convolved": model.wav2vec2.feature_extractor, "code_logits": model.quantizer.weight_proj}
    hooks = [
        module.register_forward_hook(lambda _m, _i, out, name=name: heard.__setitem__(name, out))
        for name, module in places.items()
    ]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()
