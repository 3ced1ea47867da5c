"""What stands before the transformer: one linear map of the sound, a 3-D convolution and a ResNet-18 for the lips.

Names of modules are those of the published code, so that its weights keep their names (see :mod:`.names`).
"""

from __future__ import annotations

from genlock.core.errors import MissingDependency
from genlock.models.avhubert.shape import AVHuBERTShape

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"AV-HuBERT needs torch and transformers ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["PictureFront", "SoundFront"]


class SoundFront(nn.Module):
    """Sound [B, 104, T] to [B, T, W]."""

    def __init__(self, shape: AVHuBERTShape) -> None:
        super().__init__()
        self.proj = nn.Linear(shape.sound_width, shape.width)

    def forward(self, sound: Tensor) -> Tensor:
        """Each frame by itself."""
        mapped: Tensor = self.proj(sound.transpose(1, 2))
        return mapped


class PictureFront(nn.Module):
    """Grey mouths [B, 1, T, H, W] to [B, T, width]; a frame sees two frames to either side."""

    def __init__(self, shape: AVHuBERTShape) -> None:
        super().__init__()
        self.resnet = _ResNet(shape)
        self.proj = nn.Linear(shape.trunk[-1], shape.width)

    def forward(self, picture: Tensor) -> Tensor:
        """Beyond its ends a film is black."""
        mapped: Tensor = self.proj(self.resnet(picture))
        return mapped


class _ResNet(nn.Module):
    def __init__(self, shape: AVHuBERTShape) -> None:
        super().__init__()
        self.frontend3D = nn.Sequential(
            nn.Conv3d(1, shape.stem, (5, 7, 7), (1, 2, 2), (2, 3, 3), bias=False),
            nn.BatchNorm3d(shape.stem),
            nn.PReLU(shape.stem),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        )
        self.trunk = _Trunk(shape.stem, shape.trunk)

    def forward(self, picture: Tensor) -> Tensor:
        """Rows [B, T, channels] of a film [B, 1, T, H, W]."""
        frames = (
            self._frame_by_frame(picture)
            if self.training
            else self.frontend3D(picture).transpose(1, 2).flatten(0, 1)
        )
        rows: Tensor = self.trunk(frames).view(picture.shape[0], picture.shape[2], -1)
        return rows

    def _frame_by_frame(self, picture: Tensor) -> Tensor:
        """What ``frontend3D`` gives, [B T, C, H, W], by a 2-D convolution whose channels are five frames in a row.

        The gradient of a narrow stem then costs a third less on a CPU; without one the 3-D convolution is quicker.
        """
        convolution, norm, slope = (self.frontend3D[k] for k in range(3))
        weight: Tensor = convolution.weight  # type: ignore[assignment]
        batch, _, count, height, width = picture.shape
        padded = functional.pad(picture[:, 0], (0, 0, 0, 0, 2, 2))  # [B, T + 4, H, W]
        around = torch.stack([padded[:, k : k + count] for k in range(5)], 2)  # [B, T, 5, H, W]
        found = functional.conv2d(
            around.view(batch * count, 5, height, width), weight[:, 0], stride=2, padding=3
        )
        found = slope(norm(found[:, :, None])[:, :, 0])  # a norm over five axes, of which one is 1
        return functional.max_pool2d(found, 3, 2, 1)


class _Trunk(nn.Module):
    """ResNet-18 without its first convolution: two blocks a stage, halving the picture from the second on."""

    def __init__(self, stem: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        before = (stem, *channels)
        for k, (inputs, outputs) in enumerate(zip(before[:-1], channels, strict=True)):
            first = _Block(inputs, outputs, stride=2 if k else 1)
            self.add_module(f"layer{k + 1}", nn.Sequential(first, _Block(outputs, outputs)))

    def forward(self, frames: Tensor) -> Tensor:
        """Means [N, channels] over the picture of frames [N, C, H, W]."""
        for stage in self.children():
            frames = stage(frames)
        return frames.mean((2, 3))


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu1 = nn.PReLU(outputs)
        self.relu2 = nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, frames: Tensor) -> Tensor:
        """Frames [N, C, H, W], half as large with a stride of 2."""
        straight = frames if self.downsample is None else self.downsample(frames)
        bent = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(frames)))))
        out: Tensor = self.relu2(bent + straight)
        return out
