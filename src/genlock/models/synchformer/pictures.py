"""The tower of pictures: Motionformer (Patrick et al. 2021) with attention over time and over space by turns.

Sixteen pictures are cut into blocks of 2 x 16 x 16, each of which becomes a row; a row attends to those of the same
place at all times, then to those of the same time at all places (Bertasius et al. 2021), and always to one row of its
own kind that sees all. In the end each time is gathered over its places.
"""

from __future__ import annotations

from genlock.core.errors import MissingDependency
from genlock.models.synchformer.attention import Gathering, attend, heads_of, rows_of
from genlock.models.synchformer.sizes import PICTURE_STEPS, SIDE, TOWER_HEADS, Sizes

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"Synchformer needs torch ({error}); install it: pip install 'genlock[models]'"
    ) from error

__all__ = ["DividedAttention", "DividedLayer", "PictureTower"]

#: Side of a block in pixels, its pictures, and how many there are in a picture.
BLOCK, BLOCK_PICTURES, PLACES = 16, 2, (SIDE // 16) ** 2
_FLOOR = 1e-6


class DividedAttention(nn.Module):
    """Attention of rows that share a place or a time; the first row sees all, and all see it.

    >>> DividedAttention(24)(torch.zeros(1, 1 + 2 * 3, 24), times=2, over_time=True).shape
    torch.Size([1, 7, 24])
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, rows: Tensor, times: int, over_time: bool) -> Tensor:
        """Rows [B, 1 + T N, D], of which the first is the one that sees all, then place by place of each time."""
        asking, keys, values = (heads_of(each, TOWER_HEADS) for each in self.qkv(rows).chunk(3, dim=-1))
        whole = attend(asking[:, :, :1], keys, values)
        groups, parts = _groups(asking, times, over_time), []
        for each in (keys, values):
            grouped = _groups(each, times, over_time)
            shared = each[:, None, :, :1].expand(-1, grouped.shape[1], -1, -1, -1)
            parts.append(torch.cat([shared, grouped], dim=3).flatten(0, 1))
        seen = torch.unflatten(attend(groups.flatten(0, 1), *parts), 0, groups.shape[:2])
        # [B, T, H, N, d], or [B, N, H, T, d] over time: back to the heads' rows, time by time.
        seen = seen.permute(0, 2, 3, 1, 4) if over_time else seen.transpose(1, 2)
        found: Tensor = self.proj(rows_of(torch.cat([whole, seen.flatten(2, 3)], dim=2)))
        return found


def _groups(by_head: Tensor, times: int, over_time: bool) -> Tensor:
    """All rows but the first, [B, H, 1 + T N, d], as [B, T, H, N, d], or as [B, N, H, T, d] over time."""
    spread = torch.unflatten(by_head[:, :, 1:], 2, (times, -1))
    return spread.permute(0, 3, 1, 2, 4) if over_time else spread.transpose(1, 2)


class DividedLayer(nn.Module):
    """Attention over time, then over space, then two linear layers; each is added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width, eps=_FLOOR) for _ in range(3))
        self.attn, self.timeattn = DividedAttention(width), DividedAttention(width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})

    def forward(self, rows: Tensor, times: int) -> Tensor:
        """Rows [B, 1 + T N, D] to as many."""
        rows = rows + self.timeattn(self.norm3(rows), times, over_time=True)
        rows = rows + self.attn(self.norm1(rows), times, over_time=False)
        inner: Tensor = self.mlp["fc2"](functional.gelu(self.mlp["fc1"](self.norm2(rows))))
        return rows + inner


class PictureTower(nn.Module):
    """Sixteen pictures to eight rows, one for each pair of them.

    >>> with torch.device("meta"):                        # shapes alone: nothing is computed
    ...     seen = PictureTower(Sizes())(torch.zeros(2, 3, 16, 224, 224))
    >>> seen.shape
    torch.Size([2, 8, 768])
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width = sizes.width
        # The public weights have the blocks of single pictures too, which nothing is computed with.
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, BLOCK, BLOCK)})
        block = (BLOCK_PICTURES, BLOCK, BLOCK)
        self.patch_embed_3d = nn.ModuleDict({"proj": nn.Conv3d(3, width, block, block)})
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + PLACES, width))
        self.temp_embed = nn.Parameter(torch.zeros(1, PICTURE_STEPS, width))
        self.blocks = nn.ModuleList(DividedLayer(width) for _ in range(sizes.picture_layers))
        self.norm = nn.LayerNorm(width, eps=_FLOOR)
        self.spatial_attn_agg = Gathering(width, TOWER_HEADS)

    def forward(self, pictures: Tensor) -> Tensor:
        """[B, 8, D] of pictures [B, 3, 16, 224, 224], each value within -1...1."""
        blocks = self.patch_embed_3d["proj"](pictures).flatten(3).permute(0, 2, 3, 1)  # [B, T, N, D]
        blocks = blocks + self.pos_embed[:, None, 1:] + self.temp_embed[:, :, None]
        own = (self.cls_token + self.pos_embed[:, :1]).expand(len(blocks), -1, -1)
        rows = torch.cat([own, blocks.flatten(1, 2)], dim=1)
        for layer in self.blocks:
            rows = layer(rows, PICTURE_STEPS)
        by_time = self.norm(rows[:, 1:]).view(-1, PLACES, rows.shape[2])
        found: Tensor = self.spatial_attn_agg(by_time).view(len(blocks), PICTURE_STEPS, -1)
        return found
