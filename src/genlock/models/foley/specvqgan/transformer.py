"""The transformer of SpecVQGAN: codes one after the other, column by column, after the features of a video as a prefix.

Where a code lies in time it knows by its position alone: 212 positions of the video, then 265 of codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genlock.core.errors import InputError, MissingDependency, OptionError

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"SpecVQGAN needs torch ({error}); install it: pip install 'genlock[models]'"
    ) from error

__all__ = ["CodeTransformer", "TransformerShape"]

Tensor = torch.Tensor


@dataclass(frozen=True)
class TransformerShape:
    """How it is built; as published by default."""

    layers: int = 24
    """Its layers; at least 1."""
    width: int = 1024
    """Channels; a multiple of ``heads``."""
    heads: int = 16
    """Heads of attention."""
    positions: int = 477
    """Places: frames of the video, and codes."""
    features: int = 2048
    """Numbers of a frame of the video."""
    codes: int = 1024
    """Entries of the codebook."""

    def __post_init__(self) -> None:
        if min(vars(self).values()) < 1 or self.width % self.heads:
            raise OptionError(f"{self}: all are above 0, and width is a multiple of heads")


class CodeTransformer(nn.Module):
    """Logits of codes, given the video and the codes before."""

    def __init__(self, shape: TransformerShape | None = None) -> None:
        super().__init__()
        self.shape = s = shape or TransformerShape()
        self.pos_emb = nn.Parameter(torch.zeros(1, s.positions, s.width))
        self.tok_emb = nn.Embedding(s.codes, s.width)
        self.blocks = nn.ModuleList(_Block(s) for _ in range(s.layers))
        self.ln_f = nn.LayerNorm(s.width)
        self.head = nn.Linear(s.width, s.codes, bias=False)
        self.embedder = nn.Conv1d(s.features, s.width, 1)

    def forward(self, features: Tensor, codes: Tensor) -> Tensor:
        """Logits [B, n + 1, codes] of the codes after none, one, ... and all n of ``codes`` [B, n], which come in
        order; ``features`` are [B, features, frames].

        Raises InputError if there are more than it has places for.
        """
        frames = features.shape[2]
        seen, _ = self._run(self._rows(features, codes), 0, None)
        logits: Tensor = self.head(self.ln_f(seen[:, frames - 1 :]))
        return logits

    @torch.inference_mode()
    def generate(
        self,
        features: Tensor,
        count: int = 265,
        *,
        prime: Tensor | None = None,
        temperature: float = 1.0,
        top_k: int | None = 100,
        seed: int = 0,
        cache: bool = True,
    ) -> Tensor:
        """``count`` codes in order, int64 [B, count], drawn one after the other.

        Parameters
        ----------
        features : of the video, [B, features, frames]
        prime : codes [B, n] that are there already; they are the first of the answer
        temperature : above 0; 0 takes the likeliest
        top_k : of so many likeliest one is drawn; None: of all
        seed : of what is drawn
        cache : whether keys and values are kept; without it the same is computed anew for each code

        Raises
        ------
        InputError
            If there are more than it has places for.
        OptionError
            If an option is out of range.
        """
        if temperature < 0 or (top_k is not None and top_k < 1):
            raise OptionError(f"temperature={temperature}, top_k={top_k}: at least 0, and at least 1 or None")
        codes = features.new_zeros(len(features), 0, dtype=torch.int64) if prime is None else prime
        random = torch.Generator().manual_seed(seed)
        past: list[tuple[Tensor, Tensor]] | None = None
        rows = self._rows(features, codes)
        while codes.shape[1] < count:
            if cache:
                seen, past = self._run(rows, 0 if past is None else past[0][0].shape[2], past)
            else:
                seen, _ = self._run(self._rows(features, codes), 0, None)
            logits = self.head(self.ln_f(seen[:, -1]))
            codes = torch.cat([codes, _drawn(logits, temperature, top_k, random)], 1)
            if codes.shape[1] < count:
                rows = self.tok_emb(codes[:, -1:])
                self._check(features.shape[2] + codes.shape[1])
        return codes[:, :count]

    def _rows(self, features: Tensor, codes: Tensor) -> Tensor:
        if features.ndim != 3 or features.shape[1] != self.shape.features:
            raise InputError(
                f"features of shape {list(features.shape)}: give [B, {self.shape.features}, frames]"
            )
        self._check(features.shape[2] + codes.shape[1])
        return torch.cat([self.embedder(features).transpose(1, 2), self.tok_emb(codes)], 1)

    def _check(self, places: int) -> None:
        if places > self.shape.positions:
            raise InputError(
                f"{places} frames and codes are more than the {self.shape.positions} places of this transformer; cut "
                "the video into pieces of 10 s"
            )

    def _run(
        self, rows: Tensor, first: int, past: Sequence[tuple[Tensor, Tensor]] | None
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        seen = rows + self.pos_emb[:, first : first + rows.shape[1]]
        kept = []
        for k, block in enumerate(self.blocks):
            seen, own = block(seen, None if past is None else past[k])
            kept.append(own)
        return seen, kept


def _drawn(logits: Tensor, temperature: float, top_k: int | None, random: torch.Generator) -> Tensor:
    if temperature == 0:
        return logits.argmax(1, keepdim=True)
    logits = logits / temperature
    if top_k is not None and top_k < logits.shape[1]:
        least = logits.topk(top_k, 1).values[:, -1:]
        logits = logits.masked_fill(logits < least, float("-inf"))
    return torch.multinomial(torch.softmax(logits, 1).cpu(), 1, generator=random).to(logits.device)


class _SelfAttention(nn.Module):
    mask: Tensor

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.key = nn.Linear(shape.width, shape.width)
        self.query = nn.Linear(shape.width, shape.width)
        self.value = nn.Linear(shape.width, shape.width)
        self.proj = nn.Linear(shape.width, shape.width)
        # Part of every public checkpoint, and obeyed: what is 0 there is not seen.
        places = torch.ones(shape.positions, shape.positions)
        self.register_buffer("mask", places.tril()[None, None])

    def forward(self, x: Tensor, past: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        batch, count, width = x.shape

        def split(rows: Tensor) -> Tensor:
            return rows.view(batch, count, self.heads, -1).transpose(1, 2)

        asked, keys, values = split(self.query(x)), split(self.key(x)), split(self.value(x))
        if past is not None:
            keys, values = torch.cat([past[0], keys], 2), torch.cat([past[1], values], 2)
        whole = keys.shape[2]
        seen = self.mask[:, :, whole - count : whole, :whole] != 0
        mixed = functional.scaled_dot_product_attention(asked, keys, values, attn_mask=seen)
        return self.proj(mixed.transpose(1, 2).reshape(batch, count, width)), (keys, values)


class _Block(nn.Module):
    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(shape.width)
        self.ln2 = nn.LayerNorm(shape.width)
        self.attn = _SelfAttention(shape)
        self.mlp = nn.Sequential(
            nn.Linear(shape.width, 4 * shape.width), nn.GELU(), nn.Linear(4 * shape.width, shape.width)
        )

    def forward(self, x: Tensor, past: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        mixed, kept = self.attn(self.ln1(x), past)
        x = x + mixed
        return x + self.mlp(self.ln2(x)), kept
