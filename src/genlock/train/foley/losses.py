"""How far bands and sounds are from the true ones; functions of torch."""

from __future__ import annotations

from functools import cache

import torch
from torch.nn import functional

from genlock.extractors.sound.mel import PRESETS, SOFT_FLOOR, MelOptions
from genlock.extractors.sound.spectrum import mel_filters, window_samples
from genlock.train.foley.options import CodebookLosses

__all__ = [
    "band_losses",
    "bands_of_sound",
    "hinge_of_false",
    "hinge_of_true",
    "log_spectra",
    "spectrum_loss",
    "wave_loss",
]

Tensor = torch.Tensor

#: Windows of the spectra that sounds are compared by; each hop is a quarter.
WINDOWS = (128, 512, 2048)
_FLOOR = 1e-2


def band_losses(found: Tensor, true: Tensor, weights: CodebookLosses) -> dict[str, Tensor]:
    """Distances of bands [B, T, 80], each times what it counts, by name; means over all bands.

    >>> flat = torch.zeros(1, 16, 80)
    >>> {name: float(part) for name, part in band_losses(flat + 1, flat, CodebookLosses()).items()}
    {'band': 1.0, 'attack': 0.0, 'scale': 0.5}
    """
    parts = {}
    if weights.band_loss:
        parts["band"] = weights.band_loss * (found - true).abs().mean()
    if weights.attack_loss:
        parts["attack"] = weights.attack_loss * (found.diff(dim=1) - true.diff(dim=1)).abs().mean()
    if weights.scale_loss:
        pooled = [
            (functional.avg_pool2d(found[:, None], n) - functional.avg_pool2d(true[:, None], n)).abs().mean()
            for n in (2, 4, 8)
            if found.shape[1] >= n
        ]
        parts["scale"] = weights.scale_loss * torch.stack(pooled).mean()
    return parts


def spectrum_loss(found: Tensor, true: Tensor) -> Tensor:
    """Mean distance of spectra of sounds [B, S] in windows of several sizes: of logarithms, and of magnitudes as a
    share of the true ones' norm."""
    losses = []
    for size in WINDOWS:
        a, b = _magnitudes(found, size), _magnitudes(true, size)
        share = torch.linalg.vector_norm(a - b, dim=(1, 2)) / torch.linalg.vector_norm(b, dim=(1, 2)).clamp(
            min=1.0
        )
        logs = (torch.log(a + _FLOOR) - torch.log(b + _FLOOR)).abs().mean()
        losses.append(share.mean() + logs)
    return torch.stack(losses).mean()


def wave_loss(found: Tensor, true: Tensor) -> Tensor:
    """Distance of samples [B, S], as a share of the true ones' size."""
    return ((found - true).abs().mean(dim=1) / true.abs().mean(dim=1).clamp(min=1e-3)).mean()


def log_spectra(sound: Tensor) -> list[Tensor]:
    """Logarithms of spectra of sounds [B, S], [B, frames, bins], as the discriminators see them: in short and in long
    windows."""
    return [torch.log(_magnitudes(sound, size) + _FLOOR).transpose(1, 2) / 3 for size in (256, 1024)]


def bands_of_sound(sound: Tensor, options: MelOptions = PRESETS["foley"]) -> Tensor:
    """``mel:foley`` [B, T, 80] of sounds [B, 240 T], as :class:`genlock.extractors.sound.mel.Mel` makes it.

    >>> bands_of_sound(torch.zeros(1, 2400)).shape
    torch.Size([1, 10, 80])
    """
    around = (options.window - options.hop) // 2
    frames = functional.pad(sound, (around, around)).unfold(1, options.window, options.hop)
    power = torch.fft.rfft(frames * _window(options), options.n_fft).abs() ** 2
    return torch.log(power @ _filters(options) + float(SOFT_FLOOR))


def hinge_of_true(score: Tensor) -> Tensor:
    """What a discriminator pays for what it says of the true ones."""
    return functional.relu(1 - score).mean()


def hinge_of_false(score: Tensor) -> Tensor:
    """What it pays for what it says of the others."""
    return functional.relu(1 + score).mean()


def _magnitudes(sound: Tensor, size: int) -> Tensor:
    window = torch.hann_window(size, device=sound.device)
    spectra = torch.stft(
        sound, size, size // 4, window=window, center=True, pad_mode="constant", return_complex=True
    )
    return (spectra.real**2 + spectra.imag**2 + 1e-8).sqrt()


@cache
def _window(options: MelOptions) -> Tensor:
    return torch.from_numpy(window_samples(options.window_kind, options.window)).float()


@cache
def _filters(options: MelOptions) -> Tensor:
    high = options.sample_rate / 2 if options.high_hz is None else options.high_hz
    return torch.from_numpy(
        mel_filters(options.sample_rate, options.n_fft, options.bands, options.low_hz, high, options.scale)
    )
