"""The network that writes codes of sound where it learns: layers, names and numbers of
:mod:`genlock.models.foley.writer_network`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency
from genlock.models.foley.writer_network import WriterShape

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["WriterNetwork"]

Tensor = torch.Tensor


class WriterNetwork(nn.Module):
    """Codes [B, N, tokens] and conditions [B, N, D] to scores of every code, a list of [B, N, codes] by token."""

    def __init__(self, shape: WriterShape, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape, width = shape, shape.width
        self.drop = nn.Dropout(dropout)
        self.into = nn.Linear(shape.conditions + 1, width)
        self.condition_norms = nn.ModuleList(nn.LayerNorm(width) for _ in shape.dilations)
        self.condition_convolutions = nn.ModuleList(
            nn.Conv1d(width, width, 3, dilation=d, padding=d) for d in shape.dilations
        )
        self.condition_mixes = nn.ModuleList(nn.Linear(width, width) for _ in shape.dilations)
        self.spoken = nn.ModuleList(nn.Embedding(shape.codes + 1, width) for _ in range(shape.tokens))
        self.classes = nn.Embedding(shape.classes + 1, width) if shape.classes else None
        every = range(shape.layers)
        self.told = nn.ModuleList(nn.Linear(width, width) for _ in every)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * shape.layers))
        self.attentions = nn.ModuleList(nn.Linear(width, 3 * width) for _ in every)
        self.mixes = nn.ModuleList(nn.Linear(width, width) for _ in every)
        self.wides = nn.ModuleList(nn.Linear(width, 4 * width) for _ in every)
        self.narrows = nn.ModuleList(nn.Linear(4 * width, width) for _ in every)
        self.places = nn.ParameterList(nn.Parameter(torch.zeros(shape.heads, shape.reach)) for _ in every)
        self.last = nn.LayerNorm(width)
        self.heads = nn.ModuleList(nn.Linear(width, width) for _ in range(shape.tokens))
        self.told_codes = nn.ModuleList(nn.Embedding(shape.codes, width) for _ in range(shape.tokens - 1))
        self.outs = nn.ModuleList(nn.Linear(width, shape.codes) for _ in range(shape.tokens))
        for embedding in (*self.spoken, *self.told_codes, *([self.classes] if self.classes else [])):
            nn.init.normal_(embedding.weight, std=0.3)
        for layer in (*self.mixes, *self.narrows):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def forward(
        self,
        heard: Tensor,
        codes: Tensor,
        conditions: Tensor,
        known: Tensor,
        there: Tensor,
        classes: Tensor | None = None,
    ) -> list[Tensor]:
        """Scores of the codes of every column.

        Parameters
        ----------
        heard : int [B, N, tokens], the history as it is heard: codes of every column, some of them maybe wrong
        codes : int [B, N, tokens], what is to be written: the later codes of a column know the earlier ones
        conditions : [B, N, D]
        known : bool [B, N], whether the conditions of a column are told
        there : bool [B, N], which columns are there
        classes : int [B]
        """
        shape = self.shape
        batch, count = codes.shape[:2]
        told = torch.cat([conditions, torch.ones_like(conditions[..., :1])], 2) * known[..., None]
        told = self._read_around(self.into(told), there)
        before = functional.pad(heard[:, :-1], (0, 0, 1, 0), value=shape.codes)
        rows = told + sum(spoken(before[..., k]) for k, spoken in enumerate(self.spoken))
        if self.classes is not None and classes is not None:
            rows = rows + self.classes(classes)[:, None]
        place = torch.arange(count, device=rows.device)
        back = place[:, None] - place[None]
        near = (back >= 0) & (back < shape.reach)
        clamped = back.clamp(0, shape.reach - 1)
        for k in range(shape.layers):
            rows = rows + self.told[k](told)
            asked = self.attentions[k](self.norms[2 * k](rows)).view(batch, count, 3, shape.heads, -1)
            query, key, value = asked.permute(2, 0, 3, 1, 4)
            weight = self.places[k][:, clamped].masked_fill(~near, float("-inf"))
            mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=weight[None])
            rows = rows + self.drop(self.mixes[k](mixed.transpose(1, 2).reshape(batch, count, -1)))
            wide = functional.silu(self.wides[k](self.norms[2 * k + 1](rows)))
            rows = rows + self.drop(self.narrows[k](wide))
        state = self.last(rows)
        found = []
        for k in range(shape.tokens):
            own = self.heads[k](state)
            for i in range(k):
                own = own + self.told_codes[i](codes[..., i])
            found.append(self.outs[k](functional.silu(own)))
        return found

    def _read_around(self, rows: Tensor, there: Tensor) -> Tensor:
        for norm, convolution, mix in zip(
            self.condition_norms, self.condition_convolutions, self.condition_mixes, strict=True
        ):
            seen = (norm(rows) * there[..., None]).transpose(1, 2)
            rows = rows + mix(functional.silu(convolution(seen)).transpose(1, 2))
        return rows

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Weights by name, for :mod:`genlock.models.foley.writer_network`."""
        return {
            name: np.asarray(value.detach().cpu().numpy(), np.float32)
            for name, value in self.state_dict().items()
        }
