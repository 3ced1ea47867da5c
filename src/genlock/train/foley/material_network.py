"""The network that tells materials where it learns: layers, names and numbers of
:mod:`genlock.models.foley.materials`.

Convolutions are normalised over the batch while they learn; what comes out has the normalisation in its weights.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency
from genlock.models.foley.convolution import FOLD
from genlock.models.foley.materials import LIGHT, PLACES_SHOWN, ReaderShape, step_of

try:
    import torch
    from torch import nn
    from torch.nn import functional

    from genlock.train.foley.evened import evened_arrays
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["MaterialNetwork"]

Tensor = torch.Tensor

_GRID = 3


class MaterialNetwork(nn.Module):
    """Parts of pictures [n, 3 or 5, side, side] and the light of each [n, 6] to [n, materials + 1]; the size is last.

    Parameters
    ----------
    shape : how it is built
    materials : how many
    dropout : share of numbers left out at random
    """

    def __init__(self, shape: ReaderShape, materials: int, dropout: float = 0.3) -> None:
        super().__init__()
        given = (shape.given * FOLD**2, *shape.channels[:-1])
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, step_of(k), 1)
            for k, (a, b) in enumerate(zip(given, shape.channels, strict=True))
        )
        self.evens = nn.ModuleList(nn.BatchNorm2d(channels) for channels in shape.channels)
        given = (PLACES_SHOWN * FOLD**2, *shape.places[:-1])
        self.places = nn.ModuleList(
            nn.Conv2d(a, b, 3, 2 if k == 1 else 1, far, far)
            for k, (a, b, far) in enumerate(zip(given, shape.places, shape.spread, strict=True))
        )
        self.levels = nn.ModuleList(nn.BatchNorm2d(channels) for channels in shape.places)
        self.where = nn.Linear(shape.places[-1], 1)
        self.drop = nn.Dropout(dropout)
        self.hidden = nn.Linear(shape.seen + LIGHT, shape.hidden)
        self.out = nn.Linear(shape.hidden, materials + 1)

    def forward(self, cuts: Tensor, light: Tensor) -> Tensor:
        """Logits of materials, and the standardised logarithm of the size."""
        rows = functional.pixel_unshuffle(cuts, FOLD).contiguous(memory_format=torch.channels_last)
        for convolution, even in zip(self.convolutions, self.evens, strict=True):
            rows = functional.relu(even(convolution(rows)))
        part = functional.avg_pool2d(rows, rows.shape[2] // _GRID).flatten(1)
        seen = torch.cat([part, rows.mean(dim=(2, 3)), light], dim=1)
        found: Tensor = self.out(self.drop(functional.relu(self.hidden(self.drop(seen)))))
        return found

    def located(self, seen: Tensor) -> Tensor:
        """Where something touches in what :func:`genlock.models.foley.materials.shown` gives: logits [n, cells]."""
        rows = functional.pixel_unshuffle(seen, FOLD).contiguous(memory_format=torch.channels_last)
        for convolution, level in zip(self.places, self.levels, strict=True):
            rows = functional.relu(level(convolution(rows)))
        found: Tensor = self.where(rows.permute(0, 2, 3, 1)).flatten(1)
        return found

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Weights by name, for :mod:`genlock.models.foley.materials`: as it answers when it learns no more."""
        return evened_arrays(self, {"convolutions": self.evens, "places": self.levels}, ("evens.", "levels."))
