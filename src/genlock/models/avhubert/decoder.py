"""The decoder: writes what was said, token by token, looking at what the encoder gives.

Norm first, ReLU, sinusoidal positions, one matrix for tokens that go in and come out: fairseq's transformer decoder,
with its names. A beam search asks for one token after the other: :meth:`Decoder.step` then computes that token alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from genlock.core.errors import MissingDependency, OptionError
from genlock.models.avhubert.shape import DecoderShape

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"AV-HuBERT needs torch and transformers ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["Decoder", "DecoderCache"]


@dataclass(eq=False)
class DecoderCache:
    """What a beam search need not compute again: keys and values of each layer, for memory and tokens so far."""

    memory: list[tuple[Tensor, Tensor]]
    """Keys and values of the memory, a pair for each layer, [B, heads, T, each]."""
    padding: Tensor | None
    """True where the memory has no frame, bool [B, T]."""
    past: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """Keys and values of the tokens so far, [B, heads, L, each]; empty before the first."""

    @property
    def length(self) -> int:
        """Tokens so far."""
        return self.past[0][0].shape[2] if self.past else 0

    def chosen(self, rows: Tensor) -> DecoderCache:
        """The cache of some rows of the batch [N], in this order: hypotheses that go on, or clips several times."""

        def pick(pairs: list[tuple[Tensor, Tensor]]) -> list[tuple[Tensor, Tensor]]:
            return [(keys[rows], values[rows]) for keys, values in pairs]

        padding = None if self.padding is None else self.padding[rows]
        return DecoderCache(pick(self.memory), padding, pick(self.past))


class Decoder(nn.Module):
    """Tokens so far, and what the encoder gave, to how likely each next token is.

    Parameters
    ----------
    shape : how large it is

    Examples
    --------
    >>> decoder = Decoder(DecoderShape(2, 16, 32, 2, tokens=10, memory=24)).eval()
    >>> memory, tokens = torch.randn(1, 7, 24), torch.tensor([[2, 5, 3]])
    >>> whole = decoder(tokens, memory)
    >>> whole.shape
    torch.Size([1, 3, 10])
    >>> cache = decoder.start(memory)
    >>> steps = torch.stack([decoder.step(tokens[:, k], cache) for k in range(3)], 1)
    >>> torch.allclose(steps, whole, atol=1e-5)
    True
    """

    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.tokens, shape.width, padding_idx=shape.pad)
        self.layers = nn.ModuleList(_Layer(shape) for _ in range(shape.layers))
        self.layer_norm = nn.LayerNorm(shape.width)
        self.dropout = nn.Dropout(shape.dropout)
        nn.init.normal_(self.embed_tokens.weight, std=shape.width**-0.5)
        with torch.no_grad():
            self.embed_tokens.weight[shape.pad].zero_()

    def forward(self, tokens: Tensor, memory: Tensor, padding: Tensor | None = None) -> Tensor:
        """Logits [B, L, V]: at place l of the token after ``tokens[:, l]``, which sees those up to it.

        Parameters
        ----------
        tokens : int64 [B, L], beginning with whatever sentences begin with in training
        memory : [B, T, memory], the encoder's last layer
        padding : True where the memory has no frame, bool [B, T]

        Raises
        ------
        OptionError
            If the shapes do not fit.
        """
        if tokens.ndim != 2 or memory.ndim != 3 or len(tokens) != len(memory):
            raise OptionError(
                f"tokens are [B, L] and memory [B, T, W], not {list(tokens.shape)} and {list(memory.shape)}"
            )
        rows = self._embedded(tokens, _positions(tokens, self.shape.pad))
        count = tokens.shape[1]
        ahead = torch.ones(count, count, dtype=torch.bool, device=tokens.device).triu(1)
        # A padded token is not looked at, but for by itself, so that its own softmax is finite.
        hidden = ahead[None] | (tokens == self.shape.pad)[:, None]
        hidden = hidden & ~torch.eye(count, dtype=torch.bool, device=tokens.device)
        unseen = None if padding is None else padding[:, None].bool()
        for layer in self._layers():
            rows, _ = layer(rows, hidden, layer.remembered(memory), unseen)
        return self._logits(rows)

    def start(self, memory: Tensor, padding: Tensor | None = None) -> DecoderCache:
        """Begin to write: the cache of a memory [B, T, memory], before the first token."""
        pairs = [layer.remembered(memory) for layer in self._layers()]
        return DecoderCache(pairs, padding)

    def step(self, tokens: Tensor, cache: DecoderCache) -> Tensor:
        """Logits [B, V] of what follows one more token each [B], none of them padding; the cache then knows it."""
        place = torch.full_like(tokens[:, None], self.shape.pad + 1 + cache.length)
        rows = self._embedded(tokens[:, None], place)
        unseen = None if cache.padding is None else cache.padding[:, None].bool()
        grown = []
        for k, layer in enumerate(self._layers()):
            rows, pair = layer(rows, None, cache.memory[k], unseen, cache.past[k] if cache.past else None)
            grown.append(pair)
        cache.past = grown
        return self._logits(rows)[:, 0]

    def _layers(self) -> list[_Layer]:
        return [layer for layer in self.layers if isinstance(layer, _Layer)]

    def _embedded(self, tokens: Tensor, positions: Tensor) -> Tensor:
        rows = math.sqrt(self.shape.width) * self.embed_tokens(tokens)
        waves = _waves(positions, self.shape.width, self.shape.pad).to(rows.dtype)
        embedded: Tensor = self.dropout(rows + waves)
        return embedded

    def _logits(self, rows: Tensor) -> Tensor:
        return functional.linear(self.layer_norm(rows), self.embed_tokens.weight)


class _Layer(nn.Module):
    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self.self_attn = _Attention(shape, shape.width)
        self.self_attn_layer_norm = nn.LayerNorm(shape.width)
        self.encoder_attn = _Attention(shape, shape.memory)
        self.encoder_attn_layer_norm = nn.LayerNorm(shape.width)
        self.fc1 = nn.Linear(shape.width, shape.ffn)
        self.fc2 = nn.Linear(shape.ffn, shape.width)
        self.final_layer_norm = nn.LayerNorm(shape.width)
        self.dropout = nn.Dropout(shape.dropout)
        self.inner_dropout = nn.Dropout(shape.activation_dropout)

    def remembered(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of a memory [B, T, memory]."""
        return self.encoder_attn.pair(memory)

    def forward(
        self,
        rows: Tensor,
        hidden: Tensor | None,
        memory: tuple[Tensor, Tensor],
        unseen: Tensor | None,
        past: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Rows [B, L, W], and keys and values of all tokens so far."""
        normed = self.self_attn_layer_norm(rows)
        pair = self.self_attn.pair(normed)
        if past is not None:
            pair = (torch.cat([past[0], pair[0]], 2), torch.cat([past[1], pair[1]], 2))
        rows = rows + self.dropout(self.self_attn(normed, pair, hidden))
        asked = self.encoder_attn_layer_norm(rows)
        rows = rows + self.dropout(self.encoder_attn(asked, memory, unseen))
        wide = self.inner_dropout(functional.relu(self.fc1(self.final_layer_norm(rows))))
        return rows + self.dropout(self.fc2(wide)), pair


class _Attention(nn.Module):
    def __init__(self, shape: DecoderShape, source: int) -> None:
        super().__init__()
        self.heads, self.share = shape.heads, shape.attention_dropout
        self.k_proj = nn.Linear(source, shape.width)
        self.v_proj = nn.Linear(source, shape.width)
        self.q_proj = nn.Linear(shape.width, shape.width)
        self.out_proj = nn.Linear(shape.width, shape.width)
        for linear in (self.k_proj, self.v_proj, self.q_proj, self.out_proj):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def pair(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of rows [B, T, source], each [B, heads, T, each]."""
        return self._split(self.k_proj(source)), self._split(self.v_proj(source))

    def forward(self, rows: Tensor, pair: tuple[Tensor, Tensor], hidden: Tensor | None) -> Tensor:
        """What rows [B, L, W] find; ``hidden`` [B or 1, L or 1, T] is True where they do not look."""
        seen = None if hidden is None else ~hidden[:, None]
        found = functional.scaled_dot_product_attention(
            self._split(self.q_proj(rows)), *pair, seen, self.share if self.training else 0.0
        )
        out: Tensor = self.out_proj(found.transpose(1, 2).flatten(2))
        return out

    def _split(self, rows: Tensor) -> Tensor:
        return rows.view(*rows.shape[:2], self.heads, -1).transpose(1, 2)


def _positions(tokens: Tensor, pad: int) -> Tensor:
    """Places of tokens [B, L], counted from ``pad + 1``; padding has the place ``pad``."""
    there = tokens != pad
    return there.cumsum(1) * there + pad


def _waves(positions: Tensor, width: int, pad: int) -> Tensor:
    """Sines, then cosines, of places [B, L]: float32 [B, L, width]; zero for padding."""
    half = width // 2
    slow = math.log(10000) / max(half - 1, 1)
    rates = torch.exp(torch.arange(half, device=positions.device, dtype=torch.float32) * -slow)
    angles = positions[..., None].float() * rates
    return torch.cat([angles.sin(), angles.cos()], -1) * (positions != pad)[..., None]
