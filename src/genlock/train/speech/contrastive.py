"""wav2vec 2.0's contrastive loss, and the measures that say whether it works.

transformers compares every frame of a batch with all of its negatives, each a vector of its own, masked or not.
Only masked frames count, and negatives are masked frames of the same utterance: one small product of matrices
an utterance holds every cosine that is needed. The values are the same (a test compares them).

transformers takes the perplexity of the codes as ``exp(-sum(xlogy(p, p)))``, whose derivative at ``p = 0``, a code that
no frame comes near, is 0 times minus infinity. Here it is computed from logarithms throughout: the same value, and a
derivative that is finite everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

__all__ = ["Contrast", "code_perplexity", "contrast"]

Tensor = torch.Tensor


@dataclass(frozen=True, eq=False)
class Contrast:
    """Sums over the masked frames."""

    loss: Tensor
    """Cross entropy of the true vector against the negatives."""
    right: float
    """How often the true vector is the nearest."""
    chance: float
    """How often it would be by chance."""


def contrast(
    predicted: Tensor, quantized: Tensor, mask: Tensor, negatives: Tensor, temperature: float = 0.1
) -> Contrast:
    """The contrastive loss at every masked frame.

    Parameters
    ----------
    predicted, quantized : [B, T, D]
    mask : bool [B, T]; a row has no masked frame, or at least two
    negatives : int [B, T, N], numbers of masked frames of the same row, in the batch laid out flat
    temperature : cosines are divided by it

    Notes
    -----
    A negative that *is* the true vector (the same codes) does not compete. So chance is above 1/(N + 1), and 1
    where all codes are the same: a collapsed quantiser has an accuracy of 1, and a chance of 1 beside it.

    >>> far, true = torch.eye(4)[None], torch.eye(4)[None]
    >>> mask = torch.ones(1, 4, dtype=torch.bool)
    >>> others = torch.tensor([[[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]])
    >>> found = contrast(far, true, mask, others)
    >>> found.right, found.chance, bool(found.loss < 0.001)
    (4.0, 1.0, True)
    """
    frames = mask.shape[1]
    loss = predicted.sum() * 0.0
    right = chance = 0.0
    for row in range(len(mask)):
        places = mask[row].nonzero()[:, 0]
        if not len(places):
            continue
        aim = torch.nn.functional.normalize(predicted[row, places].float(), dim=-1)
        true = quantized[row, places].float()
        cosines = aim @ torch.nn.functional.normalize(true, dim=-1).T
        rank = torch.zeros(frames, dtype=torch.long, device=mask.device)
        rank[places] = torch.arange(len(places), device=mask.device)
        others = rank[negatives[row, places] - row * frames]
        codes = torch.unique(true.detach(), dim=0, return_inverse=True)[1]
        same = codes[others] == codes[:, None]
        wrong = cosines.gather(1, others).masked_fill(same, -torch.inf)
        logits = torch.cat([cosines.diagonal()[:, None], wrong], 1) / temperature
        loss = loss - logits.log_softmax(1)[:, 0].sum()
        right += float((logits[:, 0] > logits[:, 1:].amax(1)).sum())
        chance += float((1 / (1.0 + (~same).sum(1))).sum())
    return Contrast(loss, right, chance)


def code_perplexity(logits: Tensor, mask: Tensor, groups: int) -> Tensor:
    """How many codes of each group are in use: e to the entropy of their mean probability over the masked frames.

    Parameters
    ----------
    logits : what chooses the codes, [B, T, groups * codes] or [B * T, groups * codes]
    mask : bool [B, T]

    Returns
    -------
    Perplexities [groups], each from 1 to the number of codes; of no frames at all, the number of codes.

    Examples
    --------
    >>> code_perplexity(torch.zeros(1, 3, 8), torch.ones(1, 3, dtype=torch.bool), 2)
    tensor([4., 4.])
    >>> unused = torch.tensor([[[200.0, -200.0]]], requires_grad=True)
    >>> code_perplexity(unused, torch.ones(1, 1, dtype=torch.bool), 1).sum().backward()
    >>> unused.grad
    tensor([[[0., 0.]]])
    """
    chosen = logits.reshape(*mask.shape, groups, -1)[mask].float()  # [frames, groups, codes]
    if not len(chosen):
        return logits.new_full((groups,), logits.shape[-1] / groups, dtype=torch.float32)
    log_mean = chosen.log_softmax(-1).logsumexp(0) - math.log(len(chosen))
    return torch.exp(-(log_mean.exp() * log_mean).sum(-1))
