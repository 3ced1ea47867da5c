"""The networks of talkers where they learn: layers, names and numbers of :mod:`genlock.models.talker.networks`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency
from genlock.models.talker.flow import flow_inputs, flow_shape
from genlock.models.talker.networks import NetworkShape

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["TalkerNetwork"]

Tensor = torch.Tensor


class TalkerNetwork(nn.Module):
    """What is heard [B, N, D] to weights of a face [B, N, K].

    Parameters
    ----------
    shape : how it is built
    inputs, outputs : channels
    dropout : share of channels left out at random
    manners : speakers whose manner is learnt
    """

    def __init__(
        self, shape: NetworkShape, inputs: int, outputs: int, dropout: float = 0.1, manners: int = 0
    ) -> None:
        super().__init__()
        self.shape, width = shape, shape.width
        self.manners = nn.Parameter(torch.zeros(manners, width)) if manners else None
        self.drop = nn.Dropout(dropout)
        self.into = nn.Linear(inputs, width)
        last = width
        if shape.kind == "convolution":
            layers = shape.dilations
            self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in layers)
            self.convolutions = nn.ModuleList(nn.Conv1d(width, width, shape.taps, dilation=d) for d in layers)
            self.mixes = nn.ModuleList(nn.Linear(width, width) for _ in layers)
        elif shape.kind == "transformer":
            every = range(shape.layers)
            self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * shape.layers))
            self.attentions = nn.ModuleList(nn.Linear(width, 3 * width) for _ in every)
            self.mixes = nn.ModuleList(nn.Linear(width, width) for _ in every)
            self.wides = nn.ModuleList(nn.Linear(width, 2 * width) for _ in every)
            self.narrows = nn.ModuleList(nn.Linear(2 * width, width) for _ in every)
            self.places = nn.ParameterList(
                nn.Parameter(torch.zeros(shape.heads, 2 * shape.reach + 1)) for _ in every
            )
        else:
            make = nn.GRU if shape.kind == "gru" else nn.LSTM
            between = dropout if shape.layers > 1 else 0.0
            self.recurrent = make(
                width, width, shape.layers, batch_first=True, dropout=between, bidirectional=not shape.causal
            )
            last = width * (1 if shape.causal else 2)
        self.last = nn.LayerNorm(last)
        self.out = nn.Linear(last, outputs)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)
        self.flow: TalkerNetwork | None = None
        if shape.head == "flow":
            self.flow = TalkerNetwork(flow_shape(shape), flow_inputs(shape, outputs), outputs, 0.0)

    def forward(self, heard: Tensor, lengths: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Weights, [B, N, K]: of a network with a flow their mean.

        ``lengths`` [B] are the cells that are there, and what lies after them changes nothing; ``speaker`` [B] whose
        manner it is, -1: nobody's.
        """
        return self.inside(heard, lengths, speaker)[1]

    def inside(self, heard: Tensor, lengths: Tensor, speaker: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What the weights are told from, [B, N, last], and the weights."""
        there = torch.arange(heard.shape[1], device=heard.device) < lengths[:, None]
        # What is not there is zero, as beyond the end of a sound of its own.
        rows = heard * there[..., None]
        if self.shape.delay:
            rows = functional.pad(
                rows[:, self.shape.delay :], (0, 0, 0, min(self.shape.delay, rows.shape[1]))
            )
        rows = self.into(rows)
        if self.manners is not None and speaker is not None:
            own = self.manners[speaker.clamp(min=0)] * (speaker >= 0)[:, None]
            rows = rows + own[:, None]
        rows = self.drop(rows)
        if self.shape.kind == "convolution":
            rows = self._convolve(rows, there)
        elif self.shape.kind == "transformer":
            rows = self._attend(rows, there)
        else:
            packed = nn.utils.rnn.pack_padded_sequence(
                rows, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            rows, _ = nn.utils.rnn.pad_packed_sequence(
                self.recurrent(packed)[0], batch_first=True, total_length=heard.shape[1]
            )
        last: Tensor = self.last(rows)
        return last, self.out(self.drop(last))

    def _convolve(self, rows: Tensor, there: Tensor) -> Tensor:
        shape = self.shape
        for dilation, norm, convolution, mix in zip(
            shape.dilations, self.norms, self.convolutions, self.mixes, strict=True
        ):
            back = dilation * (shape.taps - 1 if shape.causal else shape.taps // 2)
            seen = (norm(rows) * there[..., None]).transpose(1, 2)
            seen = functional.pad(seen, (back, dilation * (shape.taps - 1) - back))
            rows = rows + self.drop(mix(functional.silu(convolution(seen)).transpose(1, 2)))
        return rows

    def _attend(self, rows: Tensor, there: Tensor) -> Tensor:
        shape = self.shape
        batch, count, width = rows.shape
        each, reach = width // shape.heads, shape.reach
        apart = (
            torch.arange(count, device=rows.device)[None] - torch.arange(count, device=rows.device)[:, None]
        )
        near = (apart.abs() <= reach) & ((apart <= 0) | torch.tensor(not shape.causal))
        allowed = near[None] & there[:, None]
        # A padded cell attends to itself, so that its softmax is finite.
        allowed = allowed | torch.eye(count, dtype=torch.bool, device=rows.device)
        for k in range(shape.layers):
            asked = self.attentions[k](self.norms[2 * k](rows)).view(batch, count, 3, shape.heads, each)
            query, key, value = asked.permute(2, 0, 3, 1, 4)
            place = self.places[k][:, (apart.clamp(-reach, reach) + reach)]
            score = query @ key.transpose(2, 3) / each**0.5 + place
            share = torch.softmax(score.masked_fill(~allowed[:, None], float("-inf")), -1)
            mixed = (share @ value).transpose(1, 2).reshape(batch, count, width)
            rows = rows + self.drop(self.mixes[k](mixed))
            wide = functional.silu(self.wides[k](self.norms[2 * k + 1](rows)))
            rows = rows + self.drop(self.narrows[k](wide))
        return rows

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Weights by name, for :func:`genlock.models.talker.networks.run_network`."""
        return {
            name: np.asarray(value.detach().cpu().numpy(), np.float32)
            for name, value in self.state_dict().items()
            if name != "manners"
        }
