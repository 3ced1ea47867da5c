"""The tower of sound: AST (Gong et al. 2021) over 0.64 s, each of whose times is gathered over its frequencies.

Blocks of 16 bands x 16 frames, which overlap by six, become rows: twelve of frequency by six of time, 100 ms apart.
"""

from __future__ import annotations

from genlock.core.errors import MissingDependency
from genlock.models.synchformer.attention import Gathering, attend, heads_of, rows_of
from genlock.models.synchformer.sizes import BAND_FRAMES, BANDS, SOUND_STEPS, TOWER_HEADS, Sizes

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"Synchformer needs torch ({error}); install it: pip install 'genlock[models]'"
    ) from error

__all__ = ["SoundLayer", "SoundTower"]

#: Side of a block in bands and in frames, and from one to the next; blocks along the frequencies.
BLOCK, BLOCK_STEP = 16, 10
PITCHES = (BANDS - BLOCK) // BLOCK_STEP + 1
assert (BAND_FRAMES - BLOCK) // BLOCK_STEP + 1 == SOUND_STEPS
_FLOOR = 1e-12


class SoundLayer(nn.Module):
    """Attention of all rows to all, then two linear layers, norm first; each is added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = _Attention(width)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, 4 * width)})
        self.output = nn.ModuleDict({"dense": nn.Linear(4 * width, width)})
        self.layernorm_before = nn.LayerNorm(width, eps=_FLOOR)
        self.layernorm_after = nn.LayerNorm(width, eps=_FLOOR)

    def forward(self, rows: Tensor) -> Tensor:
        """Rows [B, L, D] to as many."""
        rows = rows + self.attention(self.layernorm_before(rows))
        inner = functional.gelu(self.intermediate["dense"](self.layernorm_after(rows)))
        found: Tensor = rows + self.output["dense"](inner)
        return found


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        maps = {name: nn.Linear(width, width) for name in ("query", "key", "value")}
        self.attention = nn.ModuleDict(maps)
        self.output = nn.ModuleDict({"dense": nn.Linear(width, width)})

    def forward(self, rows: Tensor) -> Tensor:
        by_head = (heads_of(self.attention[each](rows), TOWER_HEADS) for each in ("query", "key", "value"))
        found: Tensor = self.output["dense"](rows_of(attend(*by_head)))
        return found


class SoundTower(nn.Module):
    """Bands of 0.64 s to six rows.

    >>> with torch.device("meta"):                        # shapes alone: nothing is computed
    ...     heard = SoundTower(Sizes())(torch.zeros(2, 128, 66))
    >>> heard.shape
    torch.Size([2, 6, 768])
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.ast = _Spectrogram(sizes)
        self.freq_attn_agg = Gathering(sizes.width, TOWER_HEADS)

    def forward(self, bands: Tensor) -> Tensor:
        """[B, 6, D] of bands [B, 128, 66]."""
        rows = torch.unflatten(self.ast(bands)[:, 2:], 1, (PITCHES, SOUND_STEPS)).transpose(1, 2)
        found: Tensor = self.freq_attn_agg(rows.flatten(0, 1)).view(len(bands), SOUND_STEPS, -1)
        return found


class _Spectrogram(nn.Module):
    """The transformer itself: two rows of its own, then block by block of each frequency."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width = sizes.width
        self.embeddings = _Blocks(width)
        self.encoder = _Layers(sizes)
        self.layernorm = nn.LayerNorm(width, eps=_FLOOR)

    def forward(self, bands: Tensor) -> Tensor:
        """[B, 2 + 72, D] of bands [B, 128, 66]."""
        found: Tensor = self.layernorm(self.encoder(self.embeddings(bands)))
        return found


class _Layers(nn.Module):
    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.layer = nn.ModuleList(SoundLayer(sizes.width) for _ in range(sizes.sound_layers))

    def forward(self, rows: Tensor) -> Tensor:
        for layer in self.layer:
            rows = layer(rows)
        return rows


class _Blocks(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.distillation_token = nn.Parameter(torch.zeros(1, 1, width))
        self.position_embeddings = nn.Parameter(torch.zeros(1, 2 + PITCHES * SOUND_STEPS, width))
        self.patch_embeddings = nn.ModuleDict({"projection": nn.Conv2d(1, width, BLOCK, BLOCK_STEP)})

    def forward(self, bands: Tensor) -> Tensor:
        blocks = self.patch_embeddings["projection"](bands[:, None]).flatten(2).transpose(1, 2)
        own = torch.cat([self.cls_token, self.distillation_token], dim=1).expand(len(blocks), -1, -1)
        found: Tensor = torch.cat([own, blocks], dim=1) + self.position_embeddings
        return found
