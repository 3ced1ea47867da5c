"""A classifier of sounds by their bands, and how far apart it perceives two of them (LPAPS, after LPIPS)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from genlock.core.errors import InputError
from genlock.models.state import fill_module, load_safetensors, save_safetensors
from genlock.train.foley.networks import MIDDLE, SPREAD
from genlock.train.foley.options import CodebookLosses
from genlock.train.foley.sounds import SoundChanges, SoundClip, Sounds, crop_of, mel_of

__all__ = ["SoundClassifier", "classifier_for", "perceived"]

Tensor = torch.Tensor

FILE = "classifier.safetensors"
_WIDTHS = (24, 48, 96, 96)
_STEPS, _BATCH, _CELLS = 300, 16, 96
_CHANGES = SoundChanges(gain_db=12.0, speed=0.15, mixed=0.0)


class SoundClassifier(nn.Module):
    """Logits [B, classes] of bands [B, T, 80].

    >>> SoundClassifier(3)(torch.zeros(2, 64, 80)).shape
    torch.Size([2, 3])
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        sizes = (1, *_WIDTHS)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, 1 if k == 0 else 2, 1) for k, (a, b) in enumerate(pairwise(sizes))
        )
        self.out = nn.Linear(sizes[-1], classes)

    def layers(self, bands: Tensor) -> list[Tensor]:
        """What each layer sees, [B, C, t, f] each."""
        seen, found = ((bands - MIDDLE) / SPREAD)[:, None], []
        for convolution in self.convolutions:
            seen = functional.silu(convolution(seen))
            found.append(seen)
        return found

    def forward(self, bands: Tensor) -> Tensor:
        """Its logits."""
        logits: Tensor = self.out(self.layers(bands)[-1].mean(dim=(2, 3)))
        return logits


def perceived(classifier: SoundClassifier, found: Tensor, true: Tensor) -> Tensor:
    """How far apart bands [B, T, 80] are in what the classifier sees: each place of each layer is scaled to length one.

    >>> bands = torch.randn(1, 32, 80)
    >>> float(perceived(SoundClassifier(2), bands, bands).detach())
    0.0
    """
    distances = []
    for a, b in zip(classifier.layers(found), classifier.layers(true), strict=True):
        apart = functional.normalize(a, dim=1) - functional.normalize(b, dim=1)
        distances.append(apart.square().sum(dim=1).mean())
    return torch.stack(distances).sum()


def classifier_for(sounds: Sounds, losses: CodebookLosses, folder: Path, seed: int) -> SoundClassifier:
    """The classifier that is named, or one that is trained on the labels of the clips and kept in the folder.

    Raises
    ------
    InputError
        If none is named, and the clips have not two labels at least.
    MissingModel, FormatError
        If the one that is named is not there, or not a classifier.
    """
    own = folder / FILE
    named = Path(losses.classifier) if losses.classifier else own
    if losses.classifier or own.is_file():
        state = load_safetensors(named)
        classes = state["out.bias"].shape[0] if "out.bias" in state else 1
        found = SoundClassifier(classes)
        fill_module(found, state, str(named), "a classifier of sounds")
    else:
        found = _trained(sounds.learnt, seed)
        save_safetensors(found.state_dict(), own)
    return found.eval().requires_grad_(False)


def _trained(clips: Sequence[SoundClip], seed: int) -> SoundClassifier:
    named = [clip for clip in clips if clip.label]
    labels = sorted({clip.label for clip in named})
    if len(labels) < 2:
        raise InputError(
            f"a perceptual loss needs clips of two labels at least, or a classifier; there are: {labels}; name one "
            "with --classifier, or sort the clips into a folder for each class"
        )
    random = np.random.default_rng([seed, 7])
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = SoundClassifier(len(labels))
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    for _ in range(_STEPS):
        chosen = [int(k) for k in random.integers(len(named), size=_BATCH)]
        bands = np.stack([mel_of(crop_of(named, k, _CELLS, _CHANGES, random)) for k in chosen])
        wanted = torch.tensor([labels.index(named[k].label) for k in chosen])
        loss = functional.cross_entropy(network(torch.from_numpy(bands)), wanted)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return network
