"""Attention as a Synchformer's parts share it: of all rows to all, and of one row that gathers the others."""

from __future__ import annotations

from genlock.core.errors import MissingDependency

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"Synchformer needs torch ({error}); install it: pip install 'genlock[models]'"
    ) from error

__all__ = ["Gathering", "attend", "heads_of", "rows_of"]

# Of the norms of both towers' last layers.
_FLOOR = 1e-6


def heads_of(rows: Tensor, heads: int) -> Tensor:
    """Rows [B, L, D] by heads, [B, H, L, D / H]."""
    return torch.unflatten(rows, -1, (heads, -1)).transpose(1, 2)


def rows_of(by_head: Tensor) -> Tensor:
    """What :func:`heads_of` split, side by side again: [B, L, D] of [B, H, L, D / H]."""
    return by_head.transpose(1, 2).flatten(2)


def attend(asking: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """softmax(q k' / sqrt(d)) v of [..., L, d], [..., M, d] and [..., M, e] (Vaswani et al. 2017, equation 1).

    >>> attend(torch.zeros(1, 1, 1, 4), torch.ones(1, 1, 3, 4), torch.eye(3)[None, None])[0, 0].tolist()
    [[0.3333333432674408, 0.3333333432674408, 0.3333333432674408]]
    """
    return functional.scaled_dot_product_attention(asking, keys, values)


class Gathering(nn.Module):
    """One layer of a transformer, norm first, whose row of its own gathers all others: [N, L, D] to [N, D].

    It has the entries of torch's ``TransformerEncoderLayer`` and ``cls_token``; only the row that is asked for is
    computed.

    >>> Gathering(24, 12)(torch.zeros(5, 7, 24)).shape
    torch.Size([5, 24])
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.self_attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=_FLOOR), nn.LayerNorm(width, eps=_FLOOR)

    def forward(self, rows: Tensor) -> Tensor:
        """[N, D] of [N, L, D]."""
        own = self.cls_token.expand(len(rows), -1, -1)
        normed = self.norm1(torch.cat([own, rows], dim=1))
        gathered = own + self.self_attn(normed[:, :1], normed, normed, need_weights=False)[0]
        inner = self.linear2(functional.gelu(self.linear1(self.norm2(gathered))))
        found: Tensor = gathered + inner
        return found[:, 0]
