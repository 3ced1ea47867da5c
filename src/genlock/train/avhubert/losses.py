"""What a recogniser of sound and lips is asked for, and what a wrong answer costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from genlock.core.errors import MissingDependency
from genlock.models.avhubert.tokens import BLANK, END, PAD
from genlock.train.avhubert.frame_labels import NOT_ASKED
from genlock.train.avhubert.options import AvsrTraining

try:
    import torch
    from torch.nn import functional

    from genlock.models.avhubert.alignment import Shifts, diagonal_scores
    from genlock.models.avhubert.recognizer import AVRecognizer
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["compared", "moved", "of_frames", "reading"]

Tensor: TypeAlias = torch.Tensor


def compared(
    model: AVRecognizer, heard: Tensor, seen: Tensor, t: Mapping[str, Tensor], most_shift: int
) -> tuple[Shifts, Tensor]:
    """How well each shift fits on the drawn stretches, and the true ones."""
    assert model.alignment is not None
    starts, count = t["windows"][:, :2], t["windows"][:, 2]
    places = torch.arange(int(count.max()), device=heard.device)
    beyond = places >= count[:, None]
    rows = torch.arange(len(heard), device=heard.device)[:, None]
    last = heard.shape[1] - 1
    of_sound, of_picture = ((starts[:, k, None] + places).clamp(max=last) for k in (0, 1))
    shown = t["seen"][rows, of_picture] & ~beyond
    alone = model.encoder.encode(heard[rows, of_sound], None, beyond).last
    lips = model.encoder.encode(None, seen[rows, of_picture], beyond).last
    one = functional.normalize(model.alignment.sound(alone), dim=-1)
    other = functional.normalize(model.alignment.picture(lips), dim=-1)
    return diagonal_scores(one, other, ~beyond, shown, most_shift), t["shift"]


def reading(
    model: AVRecognizer, memory: Tensor, padding: Tensor, t: Mapping[str, Tensor], training: AvsrTraining
) -> Tensor:
    """Sum over clips of what a token costs on average, by the CTC head, the decoder and the frames."""
    o, told, count = training, t["told"], t["told_lengths"]
    chances = model.log_probabilities(memory).float()
    ctc = functional.ctc_loss(
        chances.transpose(0, 1), told, t["lengths"], count, BLANK, "none", zero_infinity=True
    )
    total = (ctc / count).sum() * (o.ctc if model.decoder is not None else 1.0)
    if model.decoder is not None:
        begun = torch.cat([torch.full_like(told[:, :1], END), told[:, :-1]], 1)
        begun = begun.masked_fill(told == PAD, PAD)
        logits = model.decoder(begun, memory, padding)
        losses = functional.cross_entropy(
            logits.transpose(1, 2), told, ignore_index=PAD, reduction="none", label_smoothing=o.smoothing
        )
        total = total + (1 - o.ctc) * (losses.sum(1) / (count + 1)).sum()
    if o.word_times and bool((t["targets"] >= 0).any()):
        total = total + o.word_times * of_frames(chances, t["targets"], t["lengths"])
    return total


def of_frames(logits: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
    """Sum over clips of what a frame's class costs on average, of logits [B, T, C] (or their logarithms)."""
    losses = functional.cross_entropy(
        logits.transpose(1, 2), targets, ignore_index=NOT_ASKED, reduction="none"
    )
    return (losses.sum(1) / lengths).sum()


def moved(seen: Tensor, frames: Tensor, lengths: Tensor) -> Tensor:
    """Rows of the picture [B, T, W] put off by so many frames each [B]; its ends are held."""
    places = torch.arange(seen.shape[1], device=seen.device)[None] - frames[:, None]
    places = torch.minimum(places.clamp(min=0), (lengths - 1)[:, None])
    return seen[torch.arange(len(seen), device=seen.device)[:, None], places]
