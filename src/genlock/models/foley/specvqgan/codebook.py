"""The autoencoder of SpecVQGAN, VQGAN's (Esser et al. 2021): spectrograms [B, 1, 80, 848] to 5 x 53 codes and back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from genlock.core.errors import MissingDependency, OptionError
from genlock.core.grid import Grid

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"SpecVQGAN needs torch ({error}); install it: pip install 'genlock[models]'"
    ) from error

__all__ = [
    "FRAMES_OF_COLUMN",
    "Codebook",
    "CodebookShape",
    "Quantised",
    "column_grid",
    "in_order",
    "in_place",
]

Tensor = torch.Tensor

#: Frames of the mel spectrogram in a column of codes, and bands in a row of them.
FRAMES_OF_COLUMN = 16
#: What a code that is not the nearest costs the encoder, against what it costs the codebook.
_COMMITMENT = 0.25


@dataclass(frozen=True)
class CodebookShape:
    """How a codebook is built; as published by default (VGGSound)."""

    width: int = 128
    """Channels of the first layer; a multiple of 32."""
    factors: tuple[int, ...] = (1, 1, 2, 2, 4)
    """Channels of each level against the first; each level but the last halves bands and frames."""
    blocks: int = 2
    """Residual blocks of a level of the encoder; one more in the decoder."""
    latent: int = 256
    """Channels of what is quantised."""
    codes: int = 1024
    """Entries; 128 where it learnt from VAS."""
    code_width: int = 256
    """Numbers of an entry."""

    def __post_init__(self) -> None:
        if self.width % 32 or min(self.width, self.blocks, self.latent, self.codes, self.code_width) < 1:
            raise OptionError(f"{self}: width is a multiple of 32, and all are above 0")


@dataclass(frozen=True, eq=False)
class Quantised:
    """What the encoder and the quantiser make of a spectrogram."""

    before: Tensor
    """What is quantised, [B, code_width, 5, 53]."""
    codes: Tensor
    """Codes int64 [B, 5, 53], low bands first."""
    entries: Tensor
    """Their entries [B, code_width, 5, 53]."""
    commitment_loss: Tensor
    """How far the two are apart."""


class Codebook(nn.Module):
    """Spectrograms to codes and back. Values are those of ``mel:specvqgan`` x 2 - 1."""

    def __init__(self, shape: CodebookShape | None = None) -> None:
        super().__init__()
        self.shape = s = shape or CodebookShape()
        self.encoder = _Encoder(s)
        self.decoder = _Decoder(s)
        self.quantize = _Entries(s)
        self.quant_conv = nn.Conv2d(s.latent, s.code_width, 1)
        self.post_quant_conv = nn.Conv2d(s.code_width, s.latent, 1)

    def encode(self, mel: Tensor) -> Quantised:
        """Of spectrograms [B, 1, F, T], F and T multiples of 16."""
        before = self.quant_conv(self.encoder(mel))
        rows = before.permute(0, 2, 3, 1)
        codes = self._nearest(rows.reshape(-1, rows.shape[-1])).reshape(rows.shape[:-1])
        entries = self.entries_of(codes)
        apart = (entries.detach() - before).square().mean()
        loss = _COMMITMENT * apart + (entries - before.detach()).square().mean()
        return Quantised(before, codes, entries, loss)

    def decode(self, codes: Tensor) -> Tensor:
        """Spectrograms [B, 1, 16 h, 16 w] of codes [B, h, w]."""
        return self.decode_entries(self.entries_of(codes))

    def decode_entries(self, entries: Tensor) -> Tensor:
        """The same of entries [B, code_width, h, w]."""
        made: Tensor = self.decoder(self.post_quant_conv(entries))
        return made

    def entries_of(self, codes: Tensor) -> Tensor:
        """Entries [B, code_width, h, w] of codes [B, h, w]."""
        entries: Tensor = self.quantize.embedding(codes)
        return entries.permute(0, 3, 1, 2)

    def forward(self, mel: Tensor) -> tuple[Tensor, Quantised]:
        """What comes back, and by which codes; gradients pass by the rounding."""
        found = self.encode(mel)
        straight = found.before + (found.entries - found.before).detach()
        return self.decode_entries(straight), found

    def _nearest(self, rows: Tensor) -> Tensor:
        table = self.quantize.embedding.weight
        apart = rows.square().sum(1, keepdim=True) + table.square().sum(1) - 2 * rows @ table.T
        return apart.argmin(1)


def column_grid(mel: Grid, first: int = 0) -> Grid:
    """The cells of the columns of codes whose first begins with frame ``first`` of ``mel:specvqgan``.

    >>> mel = Grid.of_windows(sample_rate=22050, hop=256, first_center=0)
    >>> columns = column_grid(mel, 6)
    >>> columns.rate, columns.center(0)
    (Fraction(11025, 2048), Fraction(192, 1225))
    """
    return Grid(mel.rate / FRAMES_OF_COLUMN, mel.edge(first), mel.clock)


def in_order(codes: Tensor) -> Tensor:
    """Codes [B, 5, 53] in the order in which they are written, column by column: [B, 265]."""
    return codes.transpose(1, 2).flatten(1)


def in_place(codes: Tensor, rows: int = 5) -> Tensor:
    """Codes in order [B, 5 n] in their places, [B, 5, n].

    >>> in_place(in_order(torch.arange(10).view(1, 5, 2)))[0, 1].tolist()
    [2, 3]
    """
    return codes.view(len(codes), -1, rows).transpose(1, 2)


# ---------------------------------------------------------------- layers


def _norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(32, width, eps=1e-6)


class _Entries(nn.Module):
    def __init__(self, shape: CodebookShape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.codes, shape.code_width)
        nn.init.uniform_(self.embedding.weight, -1 / shape.codes, 1 / shape.codes)


class _Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1 = _norm(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = _norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.nin_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(functional.silu(self.norm1(x)))
        inner = self.conv2(functional.silu(self.norm2(inner)))
        past = x if self.nin_shortcut is None else self.nin_shortcut(x)
        found: Tensor = past + inner
        return found


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = _norm(width)
        self.q = nn.Conv2d(width, width, 1)
        self.k = nn.Conv2d(width, width, 1)
        self.v = nn.Conv2d(width, width, 1)
        self.proj_out = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.norm(x)
        asked, keys, values = (part(seen).flatten(2).transpose(1, 2) for part in (self.q, self.k, self.v))
        mixed = functional.scaled_dot_product_attention(asked, keys, values)
        found: Tensor = x + self.proj_out(mixed.transpose(1, 2).reshape(x.shape))
        return found


class _Level(nn.Module):
    """Blocks of one size, each with attention where there is any, and what leads to the next size."""

    def __init__(self, sizes: list[tuple[int, int]], attention: bool) -> None:
        super().__init__()
        self.block = nn.ModuleList(_Residual(a, b) for a, b in sizes)
        self.attn = nn.ModuleList(_Attention(b) for _, b in sizes if attention)

    def forward(self, x: Tensor) -> Tensor:
        for k, block in enumerate(self.block):
            x = block(x)
            if len(self.attn):
                x = self.attn[k](x)
        return x


class _Middle(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.block_1 = _Residual(width, width)
        self.attn_1 = _Attention(width)
        self.block_2 = _Residual(width, width)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.block_2(self.attn_1(self.block_1(x)))
        return found


class _Sampler(nn.Module):
    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride, padding=0 if stride == 2 else 1)


class _Encoder(nn.Module):
    def __init__(self, shape: CodebookShape) -> None:
        super().__init__()
        widths = [shape.width * factor for factor in (1, *shape.factors)]
        self.conv_in = nn.Conv2d(1, shape.width, 3, padding=1)
        self.down = nn.ModuleList()
        for k, (a, b) in enumerate(pairwise(widths)):
            last = k == len(shape.factors) - 1
            level = _Level([(a, b), *((b, b),) * (shape.blocks - 1)], attention=last)
            if not last:
                level.downsample = _Sampler(b, 2)
            self.down.append(level)
        self.mid = _Middle(widths[-1])
        self.norm_out = _norm(widths[-1])
        self.conv_out = nn.Conv2d(widths[-1], shape.latent, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
            if level is not self.down[-1]:
                # Theirs is padded on one side only.
                x = level.get_submodule("downsample.conv")(functional.pad(x, (0, 1, 0, 1)))
        found: Tensor = self.conv_out(functional.silu(self.norm_out(self.mid(x))))
        return found


class _Decoder(nn.Module):
    def __init__(self, shape: CodebookShape) -> None:
        super().__init__()
        widths = [shape.width * factor for factor in shape.factors]
        self.conv_in = nn.Conv2d(shape.latent, widths[-1], 3, padding=1)
        self.mid = _Middle(widths[-1])
        levels = []
        given = widths[-1]
        for k in reversed(range(len(widths))):
            sizes = [(given, widths[k]), *((widths[k], widths[k]),) * shape.blocks]
            level = _Level(sizes, attention=k == len(widths) - 1)
            if k:
                level.upsample = _Sampler(widths[k], 1)
            levels.append(level)
            given = widths[k]
        self.up = nn.ModuleList(levels[::-1])
        self.norm_out = _norm(widths[0])
        self.conv_out = nn.Conv2d(widths[0], 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mid(self.conv_in(x))
        for k in reversed(range(len(self.up))):
            x = self.up[k](x)
            if k:
                x = self.up[k].get_submodule("upsample.conv")(functional.interpolate(x, scale_factor=2.0))
        found: Tensor = self.conv_out(functional.silu(self.norm_out(x)))
        return found
