"""Supervised CTC training: from a pretrained model, from any checkpoint of the hub, or from nothing.

The result is a folder that transformers opens by itself, and that ``genlock words --model FOLDER`` and
``genlock features --feature ssl --model FOLDER`` take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from genlock.core.errors import InputError
from genlock.core.progress import Progress, silent
from genlock.data.batches import Item
from genlock.metrics.words import WordErrors, word_errors
from genlock.speech.ctc.decode import Alphabet, GreedyDecoder
from genlock.train.loop import processes
from genlock.train.options import CtcTraining, LoopOptions
from genlock.train.recipe import Batch, Loss, TrainResult
from genlock.train.speech.borders import write_bias
from genlock.train.speech.recipe import SpeechRecipe, train_speech
from genlock.train.speech.symbols import (
    BLANK,
    DELIMITER,
    frame_targets,
    frames_needed,
    spell,
    symbol_vocabulary,
    symbols_in,
    written,
)
from genlock.train.speech.tensors import hear, normalized, padded
from genlock.train.speech.utterances import RATE, Speech, Utterances

__all__ = ["CtcRecipe", "CtcTraining", "train_ctc"]


def train_ctc(
    sounds: Sequence[str | Path],
    folder: str | Path,
    training: CtcTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Train a CTC model.

    Parameters
    ----------
    sounds : prepared datasets with texts, or folders of sounds or videos with texts
    folder : the run folder; a run that is in it already is continued
    training, loop : the options; None: their defaults

    Raises
    ------
    InputError
        If there is no text, or nothing to train on.
    MissingModel, FormatError, TrainingError, OutputError
        See :func:`genlock.train.loop.train`.
    """
    training, options = training or CtcTraining(), loop or LoopOptions()
    result, recipe = train_speech(
        lambda speech: CtcRecipe(speech, training, options),
        sounds,
        folder,
        training,
        options,
        training.language,
        progress,
    )
    if processes().is_main_process:
        write_bias(result.model, recipe.valid)
    return result


@dataclass(eq=False)
class CtcRecipe(SpeechRecipe[CtcTraining]):
    """The recipe for the loop."""

    name: str = "ctc"
    best: str | None = "wer"
    vocabulary: dict[str, int] = field(init=False)
    unfit: tuple[str, ...] = field(init=False)
    """Names of clips whose text is too long for their sound; they are left out."""

    def __post_init__(self) -> None:
        learnt = _with_texts(self.speech.train)
        self.valid = _with_texts(self.speech.valid)
        if not len(learnt):
            raise InputError(
                "no clip of the split train has a text that can be used "
                f"({_reasons(self.speech)}); put transcripts.tsv into the folder of sounds (path without ending, tab, "
                "text), and prepare it again"
            )
        # Of clips that are held out nothing is learnt, not even their letters.
        self.vocabulary = symbol_vocabulary([self.training.characters, *learnt.texts], self.training.units)
        if not len(self.valid):
            self.best = None
        self.configure(self._settings())
        self._config.mask_feature_length = max(1, self._config.hidden_size // 16)
        fits = [self._fits(text, count) for text, count in zip(learnt.texts, learnt.counts, strict=True)]
        self.unfit = tuple(name for name, fit in zip(learnt.names, fits, strict=True) if not fit)
        self.learnt = learnt.where(lambda number: fits[number]).first_minutes(self.training.minutes)
        self.batch_by_length(self.learnt.seconds)

    @property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """(clip, reason) of what this recipe cannot use of the speech."""
        textless = [
            (name, "no text is known")
            for part in (self.speech.train, self.speech.valid)
            for name, text in zip(part.names, part.texts, strict=True)
            if not text and name not in dict(part.left_out)
        ]
        return (*textless, *((name, "its text is too long for its sound") for name in self.unfit))

    def _spelt(self, text: str) -> list[int]:
        return spell(text, self.vocabulary, self.training.units)

    def _fits(self, text: str, samples: int) -> bool:
        shortest = samples / (1 + self.training.speed)
        return frames_needed(self._spelt(text)) <= self.framing.count(int(shortest))

    def record(self) -> dict[str, Any]:
        plain = self.training.units == "characters"
        characters = "".join(c for c in self.vocabulary if len(c) == 1) if plain else ""
        return {**super().record(), "characters": characters}

    def about(self) -> dict[str, Any]:
        return {"too_long_texts": list(self.unfit)}

    # ------------------------------------------------------------ the model

    def _settings(self) -> dict[str, Any]:
        t = self.training
        return {
            "vocab_size": len(self.vocabulary),
            "pad_token_id": self.vocabulary[BLANK],
            "apply_spec_augment": True,
            "mask_time_prob": t.mask_time,
            "mask_time_length": 10,
            "mask_time_min_masks": 0,
            "mask_feature_prob": t.mask_channels,
            "mask_feature_min_masks": 0,
            "hidden_dropout": t.dropout,
            "attention_dropout": t.dropout,
            "final_dropout": t.dropout,
            "layerdrop": 0.0,
            "ctc_loss_reduction": "sum",
            "ctc_zero_infinity": True,
        }

    def model(self) -> Any:
        kind = transformers.AutoModelForCTC
        model = self.begin(kind, kind.from_config)
        if self.training.start and self.training.freeze_convolutions:
            model.freeze_feature_encoder()
        return model

    # ------------------------------------------------------------ data

    def load(self, part: list[Item]) -> Batch | None:
        heard = [hear(self.learnt, item, self.training.augmentation) for item in part]
        if not heard:
            return None
        samples, mask = padded([h.samples for h in heard])
        texts = [self._spelt(h.text) for h in heard]
        frames = [self.framing.count(len(h.samples)) for h in heard]
        tensors = {
            "samples": samples,
            "mask": mask,
            "frames": torch.tensor(frames),
            "labels": torch.tensor([c for text in texts for c in text]),
            "lengths": torch.tensor([len(text) for text in texts]),
        }
        if self.training.word_times:
            # -100: no target; what cross entropy leaves out.
            targets = np.full((len(heard), self.framing.count(samples.shape[1])), -100, np.int64)
            for row, h, count in zip(targets, heard, frames, strict=True):
                if h.words:
                    centers = (np.arange(count) * self.framing.hop + (self.framing.window - 1) / 2) / RATE
                    row[:count] = frame_targets(h.words, centers, self.vocabulary, self.training.units)
                    for start, end in h.unknown:
                        row[:count][(centers >= start) & (centers < end)] = -100
            tensors["targets"] = torch.from_numpy(targets)
        seconds = sum(len(h.samples) for h in heard) / RATE
        return Batch(tensors, float(sum(map(len, texts))), seconds)

    def loss(self, model: Any, batch: Batch, step: int) -> Loss:
        t = batch.tensors
        base = getattr(model, model.base_model_prefix)
        frozen = bool(self.training.start) and step < self.training.head_only * self.loop.steps
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
            hidden = base(t["samples"], attention_mask=t["mask"] if self._masked else None)[0]
        logits = model.lm_head(model.dropout(hidden)).float()
        chances = logits.log_softmax(-1)
        ctc = torch.nn.functional.ctc_loss(
            chances.transpose(0, 1),
            t["labels"],
            t["frames"],
            t["lengths"],
            blank=self.vocabulary[BLANK],
            reduction="sum",
            zero_infinity=True,
        )
        figures = {"ctc": (ctc.detach(), batch.weight)}
        total = ctc
        if "targets" in t and bool((t["targets"] >= 0).any()):
            known = int((t["targets"] >= 0).sum())
            frames = torch.nn.functional.nll_loss(
                chances.transpose(1, 2), t["targets"], ignore_index=-100, reduction="sum"
            )
            figures["frame"] = (frames.detach(), known)
            # In characters, as the CTC loss: about one for every four frames.
            total = total + self.training.word_times * frames / 4
        return Loss(total, figures)

    # ------------------------------------------------------------ what came of it

    def evaluate(self, model: Any) -> dict[str, float]:
        """Word errors, and those of characters (``cer``) or phones (``per``)."""
        units = self.training.units
        words, symbols = WordErrors(0, 0, 0, 0), WordErrors(0, 0, 0, 0)
        if not len(self.valid):
            return {}
        for number, text in enumerate(self.valid.texts):
            found, true = self._read(model, self.valid.samples(number)), written(text, units)
            words += word_errors(true.split(), found.split())
            symbols += word_errors(symbols_in(true, units), symbols_in(found, units))
        return {"wer": words.rate, "cer" if units == "characters" else "per": symbols.rate}

    def _read(self, model: Any, samples: Any) -> str:
        device = next(model.parameters()).device
        sound = torch.from_numpy(normalized(samples))[None].to(device)
        rows = torch.log_softmax(model(sound).logits[0].float(), -1).cpu().numpy()
        alphabet = Alphabet.of(self.vocabulary, self.vocabulary[BLANK], DELIMITER)
        return " ".join(word.text for word in GreedyDecoder(alphabet).words([(0, rows)]))


def _with_texts(utterances: Utterances) -> Utterances:
    return utterances.where(lambda number: bool(utterances.texts[number]))


def _reasons(speech: Speech) -> str:
    reasons = {reason for _, reason in speech.left_out}
    return "; ".join(sorted(reasons)[:3]) if reasons else "its transcripts are empty"
