"""The network that sees what sounds where it learns: layers, names and numbers of
:mod:`genlock.models.foley.watcher_network`.

Convolutions of the trunk are normalised over the batch while they learn; what comes out has the normalisation in its
weights.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency, OptionError
from genlock.models.foley.watcher_network import (
    ACROSS,
    CHANNELS,
    FIRST_NAME,
    GAP_FEATURES,
    MOTION_FEATURES,
    MOTION_TAPS,
    PHASE_FEATURES,
    SLOTS,
    WatcherShape,
    places_of,
    stride_of,
    taps_of,
)

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["ROUGHLY", "Told", "WatcherNetwork"]

Tensor = torch.Tensor

_CLEARLY = 0.25
#: Numbers that tell roughly when contacts begin.
ROUGHLY = 3


# What is asked for only while it learns, and left out of what it becomes.
_ASKED = ("evens", "roughly")


class Told(NamedTuple):
    """What a network says while it learns."""

    columns: Tensor
    """Rows of columns, [B, N, outputs]."""
    roughly: Tensor
    """Whether a contact begins within 30, 70 and 150 ms, [B, N, 3]."""
    where: Tensor
    """Where in each picture something touches: logits of the cells of its map, of all
    pictures and then of the glimpses, [B * T + G, cells]."""
    named: Tensor
    """Of what material, by what is seen there alone, [B * T + G, materials]."""
    cells: Tensor
    """Middles of the cells, [cells, 2]."""


class _Blocks(nn.Module):
    """Residual convolutions over rows [B, N, W], of which those that are not there are zero."""

    def __init__(self, width: int, dilations: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        self.dilations = dilations
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in dilations)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, width, 3, dilation=d, padding=d) for d in dilations
        )
        self.mixes = nn.ModuleList(nn.Linear(width, width) for _ in dilations)
        self.drop = nn.Dropout(dropout)

    def forward(self, rows: Tensor, there: Tensor) -> Tensor:
        for norm, convolution, mix in zip(self.norms, self.convolutions, self.mixes, strict=True):
            seen = (norm(rows) * there[..., None]).transpose(1, 2)
            rows = rows + self.drop(mix(functional.silu(convolution(seen)).transpose(1, 2)))
        return rows


class WatcherNetwork(nn.Module):
    """Pictures [B, T, 6, H, W] to rows of columns [B, N, outputs].

    Parameters
    ----------
    shape : how it is built
    outputs : numbers in a row
    materials : how many of them, at their end, name materials
    dropout : share of channels left out at random

    Raises OptionError if the shape is one that is only run.
    """

    def __init__(self, shape: WatcherShape, outputs: int, materials: int, dropout: float = 0.1) -> None:
        super().__init__()
        if not shape.at_contact:
            raise OptionError(
                "a watcher that reads the whole picture is not trained any more; leave at_contact on"
            )
        self.shape, width = shape, shape.width
        given = (CHANNELS, *shape.channels[:-1])
        self.trunk = nn.ModuleList(
            nn.Conv2d(a, b, taps_of(k), stride_of(k, shape), taps_of(k) // 2)
            for k, (a, b) in enumerate(zip(given, shape.channels, strict=True))
        )
        self.evens = nn.ModuleList(nn.BatchNorm2d(channels) for channels in shape.channels)
        self.drop = nn.Dropout(dropout)
        self.where = nn.Linear(shape.channels[-1], 1)
        self.embed = nn.Linear(shape.seen + MOTION_FEATURES + shape.detectors, width)
        self.places = nn.Linear(3 * MOTION_TAPS, shape.detectors)
        self.detect = nn.Linear(shape.detectors, shape.detectors)
        self.gaps = nn.Linear(GAP_FEATURES, width)
        self.frame = _Blocks(width, (1,) * shape.frame_layers, dropout)
        self.slots = nn.Linear(SLOTS * width, width)
        self.phases = nn.Linear(PHASE_FEATURES, width)
        self.gates = nn.Linear(PHASE_FEATURES, width)
        self.column = _Blocks(width, shape.dilations, dropout)
        self.last = nn.LayerNorm(width)
        self.out = nn.Linear(width, outputs)
        # Asked for only while it learns: a contact in a picture teaches the trunk itself what it should read off there,
        # which what is asked of columns hardly does. And to know roughly when something sounds comes before knowing
        # exactly.
        self.roughly = nn.Linear(width, ROUGHLY)
        self.named = nn.Linear(shape.channels[-1], materials)
        side = shape.places
        self.cells: Tensor
        self.register_buffer("cells", torch.from_numpy(places_of(side, side)), persistent=False)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)
        nn.init.zeros_(self.gates.weight)
        nn.init.zeros_(self.gates.bias)

    def forward(
        self,
        seen: Tensor,
        motion: Tensor,
        gaps: Tensor,
        slots: Tensor,
        phases: Tensor,
        columns: Tensor,
        glimpses: Tensor | None = None,
    ) -> Told:
        """Rows of columns, and what else is asked for while it learns.

        Parameters
        ----------
        seen : [B, T, 6, H, W], what :func:`genlock.models.foley.watcher_network.look` gives; every clip has T frames
        motion : [B, T, 192], what :func:`genlock.models.foley.watcher_network.motion_of` gives
        gaps : [B, T, 4]
        slots : int [B, N, 4], -1 where there is no frame
        phases : [B, N, 14]
        columns : bool [B, N], which columns are there
        glimpses : [G, 6, H, W], single pictures of which is asked only what touches where
        """
        batch, count = seen.shape[:2]
        rows = seen.flatten(0, 1)
        if glimpses is not None:
            rows = torch.cat([rows, glimpses])
        for convolution, even in zip(self.trunk, self.evens, strict=True):
            rows = functional.relu(even(convolution(rows)))
        found = self._found(motion).flatten(0, 1)
        looked, where, named = self._looked_at(rows)
        rows = torch.cat([looked[: batch * count], motion.flatten(0, 1), found], dim=1)
        rows = self.embed(self.drop(rows)).view(batch, count, -1)
        rows = functional.silu(rows + self.gaps(gaps))
        rows = self.frame(rows, torch.ones_like(rows[..., 0]))
        which = slots.clamp(min=0).flatten(1)[..., None].expand(-1, -1, rows.shape[2])
        read = rows.gather(1, which).view(batch, slots.shape[1], SLOTS, -1) * (slots >= 0)[..., None]
        rows = functional.silu(self.slots(read.flatten(2)) + self.phases(phases)) * (1 + self.gates(phases))
        rows = self.column(rows, columns.to(rows.dtype))
        last = self.last(rows)
        # What pictures say themselves is told on: the way through both networks alone hardly learns it.
        channels = self.shape.channels[-1]
        own = torch.cat([looked[:, 2 * channels : 2 * channels + 1], named], dim=1)[: batch * count]
        own = own.view(batch, count, -1)
        both, there = slots[..., 1:3].clamp(min=0), (slots[..., 1:3] >= 0).to(own.dtype)
        which = both.flatten(1)[..., None].expand(-1, -1, own.shape[2])
        said = (own.gather(1, which).view(batch, slots.shape[1], 2, -1) * there[..., None]).sum(dim=2)
        said = said / there.sum(dim=2, keepdim=True).clamp(min=1)
        answer = self.out(self.drop(last))
        first, across, rest = (
            answer[..., :ACROSS],
            answer[..., ACROSS : ACROSS + 1],
            answer[..., ACROSS + 1 :],
        )
        kept, names = rest[..., : FIRST_NAME - ACROSS - 1], rest[..., FIRST_NAME - ACROSS - 1 :]
        answer = torch.cat([first, across + said[..., :1], kept, names + said[..., 1:]], dim=2)
        return Told(answer, self.roughly(last), where, named, self.cells)

    def _looked_at(self, maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What is seen where something touches; where that is, as logits; and what it is by that alone."""
        cells = maps.flatten(2).transpose(1, 2)
        where = self.where(cells)[..., 0]
        share = where.softmax(dim=1)
        seen = torch.einsum("tn,tnc->tc", share, cells)
        spot = share @ self.cells
        clear = (where.logsumexp(dim=1, keepdim=True) - math.log(where.shape[1])) * _CLEARLY
        return torch.cat([seen, cells.amax(dim=1), spot, clear], dim=1), where, self.named(seen)

    def _found(self, motion: Tensor) -> Tensor:
        """The strongest of what is found at any place, [B, T, detectors]."""
        batch, count = motion.shape[:2]
        earlier = functional.pad(motion, (0, 0, MOTION_TAPS - 1, 0)).view(batch, -1, 3, MOTION_FEATURES // 3)
        told = torch.cat([earlier[:, k : k + count] for k in range(MOTION_TAPS)], dim=2).transpose(2, 3)
        found: Tensor = self.detect(functional.relu(self.places(told))).amax(dim=2)
        return found

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Weights by name, for :mod:`genlock.models.foley.watcher_network`: as it answers when it learns no more."""
        found = {}
        for name, value in self.state_dict().items():
            first, _, rest = name.partition(".")
            if first not in _ASKED:
                joined = f"{first}_{rest}" if first in ("frame", "column") else name
                found[joined] = np.asarray(value.detach().cpu().numpy(), np.float32)
        for k, even in enumerate(self.evens):
            assert isinstance(even, nn.BatchNorm2d)
            assert even.running_var is not None
            assert even.running_mean is not None
            scale = (even.weight / torch.sqrt(even.running_var + even.eps)).detach().cpu().numpy()
            mean, shift = even.running_mean.cpu().numpy(), even.bias.detach().cpu().numpy()
            found[f"trunk.{k}.weight"] = found[f"trunk.{k}.weight"] * scale[:, None, None, None]
            found[f"trunk.{k}.bias"] = (found[f"trunk.{k}.bias"] - mean) * scale + shift
        return found
