"""Networks that tell true bands from made ones, patch by patch (Isola et al. 2017), and when they begin to count."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

__all__ = ["PatchDiscriminator", "adaptive_weight"]

Tensor = torch.Tensor


class PatchDiscriminator(nn.Module):
    """A score for each patch of pictures [B, T, F], [B, 1, t, f]; above 0: true."""

    def __init__(self, width: int = 24, layers: int = 3) -> None:
        super().__init__()
        sizes = [1, *(width * 2**k for k in range(layers))]
        convolutions = [
            layer
            for a, b in pairwise(sizes)
            for layer in (spectral_norm(nn.Conv2d(a, b, 4, 2, 1)), nn.LeakyReLU(0.2))
        ]
        self.layers = nn.Sequential(*convolutions, nn.Conv2d(sizes[-1], 1, 3, 1, 1))

    def forward(self, bands: Tensor) -> Tensor:
        """Its scores."""
        scores: Tensor = self.layers(bands[:, None])
        return scores


def adaptive_weight(asked: Tensor, judged: Tensor, last: Tensor) -> Tensor:
    """By how much what a discriminator asks for counts, so that it moves the last layer as much as all else does
    (Esser et al. 2021)."""
    (one,) = torch.autograd.grad(asked, last, retain_graph=True)
    (other,) = torch.autograd.grad(judged, last, retain_graph=True)
    weight: Tensor = (one.norm() / (other.norm() + 1e-4)).clamp(0, 1e4).detach()
    return weight
