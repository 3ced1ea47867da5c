"""The network of touches where it learns: layers, names and numbers of :mod:`genlock.models.foley.touches`.

It is given what a network of motion tells, which learns no more. Convolutions of pictures are normalised over the batch
while they learn, but not where it begins with weights that have learnt; what comes out of a training has the
normalisation in its weights.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency
from genlock.models.foley.contacts import OUTPUTS
from genlock.models.foley.convolution import FOLD
from genlock.models.foley.glances import ANSWERED, FRAMES
from genlock.models.foley.touches import GREYS, TINTS, TOLD, TouchShape

try:
    import torch
    from torch import nn
    from torch.nn import functional

    from genlock.train.foley.contact_network import ContactsTold, along, told_of_places
    from genlock.train.foley.evened import evened_arrays
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["TouchNetwork"]

Tensor = torch.Tensor

# Contacts are rarer than frames and places: so the network begins by telling few.
_BEGIN = -4.5


class _Block(nn.Module):
    def __init__(self, width: int, step: int) -> None:
        super().__init__()
        self.step = step
        self.time, self.space = nn.Linear(3 * width, width), nn.Conv2d(width, width, 3, 1, 1)

    def forward(self, rows: Tensor) -> Tensor:
        inner = functional.relu(self.time(along(functional.relu(rows), self.step)))
        flat = inner.flatten(0, 1).permute(0, 3, 1, 2)
        return torch.add(rows, self.space(flat).permute(0, 2, 3, 1).reshape(rows.shape))


class TouchNetwork(nn.Module):
    """What :func:`genlock.models.foley.touches.shown` gives, channels first, with what motion tells, to what is told.

    Parameters
    ----------
    shape : how it is built
    dropout : share of numbers of what is seen that are left out at random
    even : whether convolutions are normalised
    """

    def __init__(self, shape: TouchShape, dropout: float = 0.1, even: bool = True) -> None:
        super().__init__()
        given = (GREYS * FOLD**2 + TINTS, *shape.channels[:-1])
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, 2, 1) for a, b in zip(given, shape.channels, strict=True)
        )
        self.evens = nn.ModuleList(nn.BatchNorm2d(channels) for channels in shape.channels if even)
        known = shape.channels[-1] + shape.motion.maps + TOLD + shape.motion.width
        self.enter = nn.Linear(known, shape.width)
        self.blocks = nn.ModuleList(_Block(shape.width, step) for step in shape.dilations)
        self.out = nn.Linear(shape.width, len(OUTPUTS))
        self.level = nn.Parameter(torch.full((1,), _BEGIN))
        self.drop = nn.Dropout(dropout)

    def forward(self, seen: Tensor, maps: Tensor, told: Tensor, hidden: Tensor) -> ContactsTold:
        """What is told of the frames in the middle.

        Parameters
        ----------
        seen : [n * FRAMES, 14, 4 * side, 4 * side]
        maps : [n, FRAMES, side, side, 15]
        told : what motion alone tells of the frames, [n, FRAMES, 3]
        hidden : what it knows of the places, [n, FRAMES, side, side, width]
        """
        rows = seen.contiguous(memory_format=torch.channels_last)
        for k, convolution in enumerate(self.convolutions):
            rows = convolution(rows)
            rows = functional.relu(self.evens[k](rows) if len(self.evens) else rows)
        rows = self.drop(rows.permute(0, 2, 3, 1)).unflatten(0, (-1, FRAMES))
        everywhere = told[:, :, None, None].expand(-1, -1, *rows.shape[2:4], -1)
        places = self.enter(torch.cat([rows, maps, everywhere, hidden], dim=4))
        for block in self.blocks:
            places = block(places)
        first = (FRAMES - ANSWERED) // 2
        middle = slice(first, first + ANSWERED)
        return told_of_places(self.out(functional.relu(places[:, middle])), self.level)

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Weights by name, for :mod:`genlock.models.foley.touches`, without those for motion."""
        return evened_arrays(self, {"convolutions": self.evens}, ("evens.",))
