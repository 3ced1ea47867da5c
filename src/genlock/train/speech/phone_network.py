"""The network of phones where it learns: layers, names and numbers of :mod:`genlock.models.speech.phones`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from genlock.core.errors import MissingDependency
from genlock.models.layers import Array
from genlock.models.speech.phones import PhoneShape

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["PhoneNetwork"]

_MIDDLE, _SPREAD = -4.0, 4.0


class _Along(nn.Module):
    """One filter over the frames for each channel. Sums of shifted rows are quicker here than a grouped convolution."""

    def __init__(self, width: int, taps: int, dilation: int) -> None:
        super().__init__()
        self.dilation, self.side = dilation, taps // 2 * dilation
        self.weight = nn.Parameter(torch.empty(taps, width).uniform_(-1, 1) * taps**-0.5)
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        padded = functional.pad(rows, (0, 0, self.side, self.side))
        found = self.bias.expand_as(rows)
        for tap in range(len(self.weight)):
            first = tap * self.dilation
            found = torch.addcmul(found, padded[:, first : first + rows.shape[1]], self.weight[tap])
        return found


class _Block(nn.Module):
    def __init__(self, shape: PhoneShape, dilation: int, dropout: float) -> None:
        super().__init__()
        self.along = _Along(shape.width, shape.taps, dilation)
        self.norm = nn.LayerNorm(shape.width)
        self.wide, self.narrow = (
            nn.Linear(shape.width, 2 * shape.width),
            nn.Linear(2 * shape.width, shape.width),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        inner = functional.silu(self.wide(self.norm(self.along(rows))))
        return torch.add(rows, self.dropout(self.narrow(inner)))


class PhoneNetwork(nn.Module):
    """Mel bands [B, T, bands] to logits of phones [B, T, classes]."""

    def __init__(self, shape: PhoneShape, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.enter = nn.Linear(3 * shape.bands, shape.width)
        self.blocks = nn.ModuleList(_Block(shape, dilation, dropout) for dilation in shape.dilations)
        self.norm = nn.LayerNorm(shape.width)
        self.out = nn.Linear(shape.width, classes)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Logits."""
        rows = (mel - _MIDDLE) / _SPREAD
        beside = functional.pad(rows, (0, 0, 1, 1))
        hidden = self.enter(torch.cat([beside[:, :-2], rows, beside[:, 2:]], dim=2))
        for block in self.blocks:
            hidden = block(hidden)
        logits: torch.Tensor = self.out(self.norm(hidden))
        return logits

    def arrays(self) -> dict[str, Array]:
        """Its weights by name."""
        return {
            name: np.asarray(value.detach().cpu().numpy(), np.float32)
            for name, value in self.state_dict().items()
        }

    def begin_with(self, arrays: Mapping[str, Array]) -> None:
        """Take the weights of a model that is built alike."""
        state = self.state_dict()
        self.load_state_dict({name: torch.from_numpy(np.array(arrays[name])) for name in state})
