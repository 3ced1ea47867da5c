"""The networks of the codec and the vocoder where they learn: names and numbers of :mod:`genlock.models.foley`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency
from genlock.extractors.sound.mel import PRESETS
from genlock.extractors.sound.spectrum import mel_filters
from genlock.models.foley.codec import BANDS, CodecShape
from genlock.models.foley.vocoder import BINS, CELL, HOP, OUTPUTS, WINDOW, VocoderShape, spectrum_window

try:
    import torch
    from torch import nn
    from torch.nn import functional

    from genlock.train.talker.networks import TalkerNetwork
except ImportError as error:
    raise MissingDependency(
        f"training needs torch, accelerate and safetensors ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["MIDDLE", "SPREAD", "CodecNetwork", "VocoderNetwork"]

Tensor = torch.Tensor

#: The networks see and say bands less this, over that.
MIDDLE, SPREAD = -3.0, 4.0
_CELLS = 2


class CodecNetwork(nn.Module):
    """Bands [B, T, 80] to bands, by tokens."""

    levels: Tensor

    def __init__(self, shape: CodecShape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = TalkerNetwork(shape.encoder, _CELLS * BANDS, shape.digits, 0.0)
        self.decoder = TalkerNetwork(shape.decoder, shape.digits, _CELLS * BANDS, 0.0)
        nn.init.normal_(self.encoder.out.weight, std=0.1)
        self.register_buffer("levels", torch.tensor(shape.levels * shape.tokens).float(), persistent=False)

    def forward(self, mel: Tensor, plain: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Bands that come back [B, T, 80], the encoder's numbers within -1...1, [B, T / 2, digits], and what they
        were rounded to. ``plain`` [B] says whose numbers are not rounded."""
        rows = (mel.reshape(len(mel), -1, _CELLS * BANDS) - MIDDLE) / SPREAD
        lengths = torch.full((len(rows),), rows.shape[1], device=rows.device)
        inside = torch.tanh(self.encoder(rows, lengths))
        rounded = self.round(inside)
        given = inside + (rounded - inside).detach()
        if plain is not None:
            given = torch.where(plain[:, None, None], inside, given)
        told = self.decoder(given, lengths) * SPREAD + MIDDLE
        return told.reshape(mel.shape), inside, rounded

    def round(self, inside: Tensor) -> Tensor:
        """The nearest level of numbers within -1...1."""
        ranks = torch.floor((inside + 1) / 2 * (self.levels - 1) + 0.5)
        return 2 * ranks / (self.levels - 1) - 1

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Weights by name, for :class:`genlock.models.foley.codec.Codec`."""
        return {
            f"{part}.{name}": array
            for part, network in (("encoder", self.encoder), ("decoder", self.decoder))
            for name, array in network.arrays().items()
        }


class VocoderNetwork(nn.Module):
    """Bands [B, T, 80] to samples [B, 240 T]."""

    window: Tensor

    def __init__(self, shape: VocoderShape) -> None:
        super().__init__()
        self.shape = shape
        self.network = TalkerNetwork(shape.network, BANDS, OUTPUTS, 0.0)
        # Phases start anywhere, magnitudes as the bands say them.
        nn.init.normal_(self.network.out.weight, std=0.1)
        spread, bias = usual_magnitudes()
        self.bands_to_bins = nn.Parameter(torch.from_numpy(spread))
        self.bins_bias = nn.Parameter(torch.from_numpy(bias))
        window = torch.from_numpy(spectrum_window())
        self.register_buffer("window", window, persistent=False)

    def forward(self, mel: Tensor) -> Tensor:
        """The sound; what lies before and after it is silent."""
        batch, cells, _ = mel.shape
        lengths = torch.full((batch,), cells, device=mel.device)
        told = self.network((mel - MIDDLE) / SPREAD, lengths)
        both = told.reshape(batch, cells * CELL // HOP, 2, BINS)
        usual = (mel @ self.bands_to_bins + self.bins_bias).repeat_interleave(CELL // HOP, dim=1)
        size = torch.exp((both[:, :, 0] + usual).clamp(max=8.0))
        spectra = torch.polar(size, both[:, :, 1])
        return self._joined(torch.fft.irfft(spectra, WINDOW) * self.window)

    def _joined(self, frames: Tensor) -> Tensor:
        """Frames [B, M, 512] that overlap, as samples [B, 120 M]."""
        batch, count, _ = frames.shape
        long = (count - 1) * HOP + WINDOW
        folded = functional.fold(frames.transpose(1, 2), (1, long), (1, WINDOW), stride=(1, HOP))
        weights = (self.window**2).expand(1, count, WINDOW).transpose(1, 2)
        weight = functional.fold(weights, (1, long), (1, WINDOW), stride=(1, HOP))
        lead = WINDOW // 2 - HOP // 2
        sound = (folded / weight.clamp(min=1e-3)).reshape(batch, long)
        return sound[:, lead : lead + count * HOP]

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Weights by name, for :class:`genlock.models.foley.vocoder.Vocoder`."""
        own = {
            name: np.asarray(getattr(self, name).detach().cpu().numpy(), np.float32)
            for name in ("bands_to_bins", "bins_bias")
        }
        return {**self.network.arrays(), **own}


def usual_magnitudes() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """What bands tell of the logarithm of magnitudes: a matrix [80, 257] and what is added, [257].

    Between the centres of bands it goes in straight lines; a band's power is spread evenly over its bins.
    """
    options = PRESETS["foley"]
    high = options.high_hz or options.sample_rate / 2
    filters = mel_filters(
        options.sample_rate, options.n_fft, options.bands, options.low_hz, high, options.scale
    ).astype(np.float64)
    fine = np.arange(len(filters)) * (options.sample_rate / options.n_fft)
    centres = (filters * fine[:, None]).sum(axis=0) / filters.sum(axis=0)
    bins = np.arange(BINS) * (options.sample_rate / WINDOW)
    place = np.interp(bins, centres, np.arange(BANDS))
    left = np.minimum(np.floor(place).astype(int), BANDS - 2)
    share = place - left
    matrix = np.zeros((BANDS, BINS))
    matrix[left, np.arange(BINS)] = 0.5 * (1 - share)
    matrix[left + 1, np.arange(BINS)] = 0.5 * share
    area = np.interp(bins, centres, np.log(filters.sum(axis=0)))
    return matrix.astype(np.float32), (-0.5 * area).astype(np.float32)
