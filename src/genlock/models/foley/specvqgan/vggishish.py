"""VGGish-ish, the sound classifier under SpecVQGAN's measures and its perceptual loss: 309 classes of VGGSound."""

from __future__ import annotations

from genlock.core.errors import MissingDependency

try:
    import torch
    from torch import nn
except ImportError as error:
    raise MissingDependency(
        f"VGGish-ish needs torch ({error}); install it: pip install 'genlock[models]'"
    ) from error

__all__ = ["CLASSES", "Vggishish"]

Tensor = torch.Tensor

#: Classes of VGGSound.
CLASSES = 309
# Channels of each stage; a pool halves bands and frames between two of them.
_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class Vggishish(nn.Module):
    """Logits [B, classes] of spectrograms [B, F, T], the values of ``mel:specvqgan`` x 2 - 1.

    >>> with torch.device("meta"):
    ...     net = Vggishish()
    >>> sum(weight.numel() for weight in net.parameters())
    137622517
    """

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.classes = classes
        layers: list[nn.Module] = []
        given = 1
        for k, stage in enumerate(_STAGES):
            for width in stage:
                layers += [nn.Conv2d(given, width, 3, padding=1), nn.ReLU()]
                given = width
            if k < len(_STAGES) - 1:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((5, 10))
        self.classifier = nn.Sequential(
            nn.Linear(given * 5 * 10, 4096),
            nn.ReLU(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Linear(4096, classes),
        )

    def forward(self, mel: Tensor) -> Tensor:
        """Its logits."""
        logits: Tensor = self.classifier(self.avgpool(self.features(mel[:, None])).flatten(1))
        return logits

    def layers(self, mel: Tensor) -> list[Tensor]:
        """What the last layer of each stage sees, for distances as it perceives them."""
        seen, found = mel[:, None], []
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                found.append(seen)
            seen = layer(seen)
        return [*found, seen]
