"""The network of touches where it learns: layers, names and numbers of :mod:`genlock.models.foley.touches`.

Convolutions are normalised over the batch while they learn; what comes out has the normalisation in its weights.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency
from genlock.models.foley.convolution import FOLD
from genlock.models.foley.touches import ANSWERED, FRAMES, MOVED, NUMBERS, OUTPUTS, TouchShape

try:
    import torch
    from torch import nn
    from torch.nn import functional

    from genlock.train.foley.evened import evened_arrays
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["TouchNetwork", "TouchesTold"]

Tensor = torch.Tensor

# Contacts are rarer than frames and places: so the network begins by telling few.
_BEGIN = -4.5


class TouchesTold(NamedTuple):
    """What a network says while it learns."""

    presence: Tensor
    """Logits of contacts near frames, [n, ANSWERED]."""
    places: Tensor
    """Logits of the places in the part, [n, ANSWERED, places * places]."""
    place: Tensor
    """When, in frames, [n, ANSWERED]."""
    impulse: Tensor
    """How hard, [n, ANSWERED]."""


class _Block(nn.Module):
    def __init__(self, width: int, step: int) -> None:
        super().__init__()
        self.step = step
        self.time, self.space = nn.Linear(3 * width, width), nn.Conv2d(width, width, 3, 1, 1)

    def forward(self, rows: Tensor) -> Tensor:
        padded = functional.pad(functional.relu(rows), (0, 0, 0, 0, 0, 0, self.step, self.step))
        taps = torch.cat([padded[:, k * self.step : k * self.step + rows.shape[1]] for k in range(3)], dim=4)
        inner = functional.relu(self.time(taps)).flatten(0, 1).permute(0, 3, 1, 2)
        return torch.add(rows, self.space(inner).permute(0, 2, 3, 1).reshape(rows.shape))


class TouchNetwork(nn.Module):
    """What :func:`genlock.models.foley.touches.shown` gives, channels first, with motion and numbers, to what is told.

    Parameters
    ----------
    shape : how it is built
    dropout : share of numbers of what is seen that are left out at random
    """

    def __init__(self, shape: TouchShape, dropout: float = 0.1) -> None:
        super().__init__()
        given = (3 * FOLD**2, *shape.channels[:-1])
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, 2, 1) for a, b in zip(given, shape.channels, strict=True)
        )
        self.evens = nn.ModuleList(nn.BatchNorm2d(channels) for channels in shape.channels)
        self.enter = nn.Linear(shape.channels[-1] + MOVED + NUMBERS, shape.width)
        self.blocks = nn.ModuleList(_Block(shape.width, step) for step in shape.dilations)
        self.out = nn.Linear(shape.width, OUTPUTS)
        self.level = nn.Parameter(torch.full((1,), _BEGIN))
        self.drop = nn.Dropout(dropout)

    def forward(self, parts: Tensor, moved: Tensor, numbers: Tensor) -> TouchesTold:
        """What is told of the frames in the middle."""
        rows = functional.pixel_unshuffle(parts, FOLD).contiguous(memory_format=torch.channels_last)
        for convolution, even in zip(self.convolutions, self.evens, strict=True):
            rows = functional.relu(even(convolution(rows)))
        seen = self.drop(rows.permute(0, 2, 3, 1)).unflatten(0, (-1, FRAMES))
        everywhere = numbers[:, :, None, None].expand(-1, -1, *seen.shape[2:4], -1)
        hidden = self.enter(torch.cat([seen, moved, everywhere], dim=4))
        for block in self.blocks:
            hidden = block(hidden)
        first = (FRAMES - ANSWERED) // 2
        raw = self.out(functional.relu(hidden[:, first : first + ANSWERED])).flatten(2, 3)
        clear = raw[..., 0]
        share = clear.softmax(dim=-1)
        return TouchesTold(
            clear.logsumexp(dim=-1) + self.level,
            clear,
            (raw[..., 1] * share).sum(dim=-1),
            (raw[..., 2] * share).sum(dim=-1),
        )

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Weights by name, for :mod:`genlock.models.foley.touches`: as it answers when it learns no more."""
        return evened_arrays(self, {"convolutions": self.evens}, ("evens.",))
