"""The generator of MelGAN (Kumar et al. 2019), SpecVQGAN's vocoder.

Spectrograms [B, 80, T], the values of ``mel:specvqgan`` themselves (0...1), become samples [B, 1, 256 T].
"""

from __future__ import annotations

from dataclasses import dataclass

from genlock.core.errors import MissingDependency, OptionError

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"MelGAN needs torch ({error}); install it: pip install 'genlock[models]'"
    ) from error

__all__ = ["MelGAN", "MelGANShape"]

Tensor = torch.Tensor

_SLOPE = 0.2


@dataclass(frozen=True)
class MelGANShape:
    """How it is built; as published by default."""

    bands: int = 80
    """Mel bands."""
    filters: int = 32
    """Channels of the last layer; twice as many with each ratio before it."""
    ratios: tuple[int, ...] = (8, 8, 2, 2)
    """Samples that each layer makes of one."""
    blocks: int = 3
    """Residual blocks after each."""

    def __post_init__(self) -> None:
        if min(self.bands, self.filters, self.blocks, *self.ratios, 1) < 1:
            raise OptionError(f"{self}: all are above 0")


class MelGAN(nn.Module):
    """Spectrograms to sound at 22,050 Hz, within -1...1."""

    def __init__(self, shape: MelGANShape | None = None) -> None:
        super().__init__()
        self.shape = s = shape or MelGANShape()
        width = s.filters * 2 ** len(s.ratios)
        layers: list[nn.Module] = [nn.ReflectionPad1d(3), _Convolution(s.bands, width, 7)]
        for ratio in s.ratios:
            layers += [nn.LeakyReLU(_SLOPE), _Upsampling(width, width // 2, ratio)]
            width //= 2
            layers += [_Residual(width, 3**k) for k in range(s.blocks)]
        layers += [nn.LeakyReLU(_SLOPE), nn.ReflectionPad1d(3), _Convolution(width, 1, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, mel: Tensor) -> Tensor:
        """The sound."""
        sound: Tensor = self.model(mel)
        return sound


class _Normed(nn.Module):
    """A kernel as its direction ``weight_v`` and its length ``weight_g``, each of its first dimension."""

    def __init__(self, shape: tuple[int, int, int], outputs: int) -> None:
        super().__init__()
        self.weight_v = nn.Parameter(0.02 * torch.randn(shape))
        self.weight_g = nn.Parameter(self.weight_v.detach().flatten(1).norm(dim=1).view(-1, 1, 1))
        self.bias = nn.Parameter(torch.zeros(outputs))

    @property
    def kernel(self) -> Tensor:
        length: Tensor = self.weight_v.flatten(1).norm(dim=1)
        return self.weight_g * self.weight_v / length.view(-1, 1, 1)


class _Convolution(_Normed):
    def __init__(self, inputs: int, outputs: int, taps: int, dilation: int = 1) -> None:
        super().__init__((outputs, inputs, taps), outputs)
        self.dilation = dilation

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv1d(x, self.kernel, self.bias, dilation=self.dilation)


class _Upsampling(_Normed):
    def __init__(self, inputs: int, outputs: int, ratio: int) -> None:
        super().__init__((inputs, outputs, 2 * ratio), outputs)
        self.ratio = ratio

    def forward(self, x: Tensor) -> Tensor:
        r = self.ratio
        return functional.conv_transpose1d(
            x, self.kernel, self.bias, stride=r, padding=r // 2 + r % 2, output_padding=r % 2
        )


class _Residual(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.LeakyReLU(_SLOPE),
            nn.ReflectionPad1d(dilation),
            _Convolution(width, width, 3, dilation),
            nn.LeakyReLU(_SLOPE),
            _Convolution(width, width, 1),
        )
        self.shortcut = _Convolution(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.shortcut(x) + self.block(x)
        return found
