"""The network of touches where it learns: layers, names and numbers of :mod:`genlock.models.foley.touches`.

Convolutions are normalised over the batch while they learn; what comes out has the normalisation in its weights.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency
from genlock.models.foley.convolution import FOLD
from genlock.models.foley.touches import ANSWERED, FRAMES, NUMBERS, OUTPUTS, TouchShape, step_of

try:
    import torch
    from torch import nn
    from torch.nn import functional

    from genlock.train.foley.evened import evened_arrays
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["TouchNetwork"]

Tensor = torch.Tensor

# Contacts are rarer than frames: so the network begins by telling few.
_BEGIN = -1.5


class _Block(nn.Module):
    def __init__(self, width: int, step: int) -> None:
        super().__init__()
        self.step = step
        self.time, self.mix = nn.Linear(3 * width, width), nn.Linear(width, width)

    def forward(self, rows: Tensor) -> Tensor:
        padded = functional.pad(functional.relu(rows), (0, 0, self.step, self.step))
        taps = torch.cat([padded[:, k * self.step : k * self.step + rows.shape[1]] for k in range(3)], dim=2)
        return torch.add(rows, self.mix(functional.relu(self.time(taps))))


class TouchNetwork(nn.Module):
    """What :func:`genlock.models.foley.touches.shown` gives, channels first, and numbers, to raw answers [n, 5, 3].

    Parameters
    ----------
    shape : how it is built
    dropout : share of numbers left out at random
    """

    def __init__(self, shape: TouchShape, dropout: float = 0.2) -> None:
        super().__init__()
        given = (3 * FOLD**2, *shape.channels[:-1])
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, step_of(k), 1)
            for k, (a, b) in enumerate(zip(given, shape.channels, strict=True))
        )
        self.evens = nn.ModuleList(nn.BatchNorm2d(channels) for channels in shape.channels)
        self.see = nn.Linear(shape.last**2 * shape.channels[-1], shape.seen)
        self.move = nn.Linear(NUMBERS, shape.moved)
        self.enter = nn.Linear(shape.seen + shape.moved, shape.width)
        self.blocks = nn.ModuleList(_Block(shape.width, step) for step in shape.dilations)
        self.out = nn.Linear(shape.width, OUTPUTS)
        self.drop = nn.Dropout(dropout)
        with torch.no_grad():
            self.out.bias[0] = _BEGIN

    def forward(self, parts: Tensor, numbers: Tensor) -> Tensor:
        """Logits of presence, places and impulses."""
        rows = functional.pixel_unshuffle(parts, FOLD).contiguous(memory_format=torch.channels_last)
        for convolution, even in zip(self.convolutions, self.evens, strict=True):
            rows = functional.relu(even(convolution(rows)))
        seen = self.see(self.drop(rows.contiguous().flatten(1))).unflatten(0, (-1, FRAMES))
        both = torch.cat([seen, self.move(numbers)], dim=2)
        hidden = self.enter(self.drop(functional.relu(both)))
        for block in self.blocks:
            hidden = block(hidden)
        first = (FRAMES - ANSWERED) // 2
        found: Tensor = self.out(functional.relu(hidden[:, first : first + ANSWERED]))
        return found

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Weights by name, for :mod:`genlock.models.foley.touches`: as it answers when it learns no more."""
        return evened_arrays(self, {"convolutions": self.evens}, ("evens.",))
