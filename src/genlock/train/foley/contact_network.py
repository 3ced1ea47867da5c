"""The network of contacts where it learns: layers, names and numbers of :mod:`genlock.models.foley.contacts`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from genlock.core.errors import MissingDependency
from genlock.models.foley.contacts import OUTPUTS, ContactShape
from genlock.models.layers import Array

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["ContactNetwork", "ContactsTold", "along", "told_of_places"]

# Contacts are rare: so the network begins by telling few.
_BEGIN = -4.0


class ContactsTold(NamedTuple):
    """What a network says while it learns."""

    presence: torch.Tensor
    """Logits of contacts near frames, [B, T]."""
    places: torch.Tensor
    """Logits of the places in the picture, [B, T, places]."""
    place: torch.Tensor
    """When, in frames, [B, T]."""
    impulse: torch.Tensor
    """How hard, [B, T]."""


class _Block(nn.Module):
    def __init__(self, width: int, step: int, far: int) -> None:
        super().__init__()
        self.step, self.far = step, far
        self.time, self.space = nn.Linear(3 * width, width), nn.Linear((9 if far else 1) * width, width)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        inner = functional.relu(self.time(along(functional.relu(rows), self.step)))
        return torch.add(rows, self.space(_around(inner, 1) if self.far else inner))


def told_of_places(raw: torch.Tensor, level: torch.Tensor) -> ContactsTold:
    """What is told of frames by what is told of their places, [B, T, rows, columns, outputs]."""
    told = raw.flatten(2, 3)
    clear = told[..., 0]
    share = clear.softmax(dim=-1)
    return ContactsTold(
        clear.logsumexp(dim=-1) + level,
        clear,
        (told[..., 1] * share).sum(dim=-1),
        (told[..., 2] * share).sum(dim=-1),
    )


def _around(rows: torch.Tensor, stride: int) -> torch.Tensor:
    height, width = rows.shape[2] // stride, rows.shape[3] // stride
    padded = functional.pad(rows, (0, 0, 1, 1, 1, 1))
    parts = [
        padded[:, :, down : down + stride * height : stride, right : right + stride * width : stride]
        for down in range(3)
        for right in range(3)
    ]
    return torch.cat(parts, dim=-1)


def along(rows: torch.Tensor, step: int) -> torch.Tensor:
    """Each frame with those ``step`` before and after it, [B, T, rows, columns, 3 D]."""
    padded = functional.pad(rows, (0, 0, 0, 0, 0, 0, step, step))
    return torch.cat([padded[:, tap * step : tap * step + rows.shape[1]] for tap in range(3)], dim=-1)


class ContactNetwork(nn.Module):
    """Prepared maps [B, T, rows, columns, channels] to what is told of frames."""

    def __init__(self, shape: ContactShape) -> None:
        super().__init__()
        self.enter = nn.Linear(9 * shape.maps, shape.width)
        self.blocks = nn.ModuleList(
            _Block(shape.width, step, far) for step, far in zip(shape.dilations, shape.across, strict=True)
        )
        self.out = nn.Linear(shape.width, len(OUTPUTS))
        self.level = nn.Parameter(torch.full((1,), _BEGIN))

    def forward(self, maps: torch.Tensor) -> ContactsTold:
        """What is told of frames."""
        return told_of_places(self.out(self.hidden(maps)), self.level)

    def hidden(self, maps: torch.Tensor) -> torch.Tensor:
        """What is known of each place before it is answered, [B, T, rows/2, columns/2, width]."""
        hidden = self.enter(_around(maps, 2))
        for block in self.blocks:
            hidden = block(hidden)
        return functional.relu(hidden)

    def arrays(self) -> dict[str, Array]:
        """Its weights by name."""
        return {
            name: np.asarray(value.detach().numpy(), np.float32) for name, value in self.state_dict().items()
        }
