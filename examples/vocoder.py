"""A whole recipe of one's own: a small vocoder, log-mel to sound, with a discriminator.

It learns from a dataset that ``genlock prepare SOUNDS -o DATASET --recipe speech`` made. Run it as a program,
``python examples/vocoder.py DATASET RUN``, or register ``VOCODER`` as an entry point (docs/write-a-recipe.md) and say
``genlock train vocoder DATASET -o RUN``. It is a toy: what matters here is where everything goes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import l1_loss

from genlock.core.errors import OptionError
from genlock.core.json_forms import write_json
from genlock.core.progress import Progress, silent
from genlock.data.batches import Batches, BatchPlan, Item
from genlock.data.reading import ClipSet, crop
from genlock.train.loop import train
from genlock.train.optimizers import ScheduledOptimizer, adamw
from genlock.train.options import LoopOptions
from genlock.train.recipe import Batch, Exported, Loss, LossStep, TrainResult
from genlock.train.registry import RecipeCommand

SOUND, RATE, HOP, BANDS = "sound_16000", 16000, 160, 40
Tensor = torch.Tensor


@dataclass(frozen=True)
class VocoderTraining:
    """What the vocoder learns from, and how. Each field is a flag, and a name in a YAML file."""

    clips: int = 8
    """Clips in one update; at least 1."""
    crop_seconds: float = 0.5
    """How much of each clip is heard; whole hundredths of a second."""
    adversary_begins: int = 100
    """The update from which on there is a discriminator; at least 0."""
    adversary_rate: float = 2e-4
    """Its highest learning rate; above 0."""
    adversary: float = 0.1
    """Weight of fooling it; at least 0."""

    def __post_init__(self) -> None:
        if self.clips < 1 or self.crop_seconds < 0.1 or self.adversary < 0:
            raise OptionError(f"{self}: clips is at least 1, crop_seconds at least 0.1, adversary at least 0")


class Vocoder(nn.Module):
    """Both networks; which optimiser moves which is said by the recipe."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Sequential(
            nn.Conv1d(BANDS, 32, 5, padding=2),
            nn.GELU(),
            nn.ConvTranspose1d(32, 16, 32, stride=16, padding=8),
            nn.GELU(),
            nn.ConvTranspose1d(16, 1, 20, stride=10, padding=5),
            nn.Tanh(),
        )
        self.discriminator = nn.Sequential(
            nn.Conv1d(1, 16, 31, stride=4), nn.LeakyReLU(0.1), nn.Conv1d(16, 1, 31, stride=4)
        )


def log_mel(sound: Tensor) -> Tensor:
    """Sound [B, N] to bands [B, 40, N / 160]: powers summed in even steps of the logarithm of frequency."""
    powers = torch.stft(sound, 512, HOP, window=torch.hann_window(512), return_complex=True).abs().square()
    edges = np.geomspace(2, 257, BANDS + 1).round().astype(int)
    bands = [powers[:, a : max(b, a + 1)].sum(1) for a, b in pairwise(edges)]
    return torch.log(torch.stack(bands, 1)[..., : sound.shape[1] // HOP] + 1e-5)


class VocoderRecipe:
    """What the loop asks for, in the order in which it is asked."""

    name = "vocoder"
    best: str | None = "mel_error"  # the model with the lowest is kept
    unit = "sound_seconds"  # what Batch.amount counts

    def __init__(self, dataset: str | Path, training: VocoderTraining, seed: int = 0) -> None:
        self.training = training
        self._length = Fraction(round(training.crop_seconds * 100), 100)
        self.learnt = ClipSet(dataset, [SOUND], "train")
        self.held = ClipSet(dataset, [SOUND], "valid")
        self._batches = Batches(self.learnt.seconds, BatchPlan(clips=training.clips, seed=seed))

    def record(self) -> dict[str, Any]:
        """A run is continued only by a recipe that says the same here."""
        return {**asdict(self.training), "clips_learnt_from": len(self.learnt)}

    def model(self) -> Vocoder:
        return Vocoder()

    # ------------------------------------------------------------ how it learns

    def optimizers(self, model: Vocoder, loop: LoopOptions) -> dict[str, ScheduledOptimizer]:
        begins, highest = self.training.adversary_begins, self.training.adversary_rate
        return {
            "generator": adamw(model.generator.parameters(), loop),
            "discriminator": adamw(
                model.discriminator.parameters(),
                loop,
                rate=replace(loop.schedule, highest=highest, begins=begins),
                betas=(0.5, 0.9),
                clip_norm=10.0,
            ),
        }

    def losses(self) -> Sequence[LossStep]:
        return (
            LossStep(self.judge, "discriminator", begins=self.training.adversary_begins),
            LossStep(self.speak, "generator"),
        )

    def judge(self, model: Vocoder, batch: Batch, step: int) -> Loss:
        """The discriminator's loss: true sound up, made sound down."""
        true = batch.tensors["sound"]  # [B, N]
        made = model.generator(batch.tensors["mel"]).detach()  # [B, 1, N]
        up, down = (model.discriminator(x).mean((1, 2)) for x in (true[:, None], made))  # [B] each
        total = (up - 1).square().sum() + down.square().sum()
        return Loss(
            total, {"told_apart": (((up > 0.5).sum() + (down < 0.5).sum()).detach(), 2 * batch.weight)}
        )

    def speak(self, model: Vocoder, batch: Batch, step: int) -> Loss:
        """The generator's loss: the bands that were asked for, and the discriminator fooled."""
        made = model.generator(batch.tensors["mel"])  # [B, 1, N]
        mel = l1_loss(log_mel(made[:, 0]), batch.tensors["mel"]) * batch.weight
        total = mel
        if step >= self.training.adversary_begins:
            total = (
                mel + self.training.adversary * (model.discriminator(made).mean((1, 2)) - 1).square().sum()
            )
        return Loss(total, {"mel": (mel.detach(), batch.weight)})

    # ------------------------------------------------------------ what it learns from

    def parts(self, step: int) -> list[list[Item]]:
        return self._batches.at(step)

    def load(self, part: list[Item]) -> Batch | None:
        """Called in a thread or in another process; everything drawn comes from the items' own seeds."""
        if not part:
            return None
        rows = []
        for item in part:
            clip, random = self.learnt[item.clips[0]], np.random.default_rng(item.seed)
            room = max(int((clip.end - clip.start - self._length) * RATE), 0)
            rows.append(self._sound(clip, clip.start + Fraction(int(random.integers(room + 1)), RATE)))
        sound = torch.stack(rows)
        return Batch({"sound": sound, "mel": log_mel(sound)}, float(len(rows)), sound.numel() / RATE)

    def _sound(self, clip: Any, start: Fraction) -> Tensor:
        values = crop(clip, start, self._length)[SOUND].values
        return torch.from_numpy(np.ascontiguousarray(values.reshape(len(values)), np.float32))

    def describe(self, part: list[Item]) -> str:
        return ", ".join(self.learnt.known[item.clips[0]].name for item in part)

    # ------------------------------------------------------------ what came of it

    def evaluate(self, model: Vocoder) -> dict[str, float]:
        sound = torch.stack([self._sound(clip, clip.start) for clip in self.held[:16]])
        mel = log_mel(sound)
        return {"mel_error": float(l1_loss(log_mel(model.generator(mel)[:, 0]), mel))}

    def export(self, model: Exported, folder: Path, figures: Mapping[str, float]) -> None:
        weights = {k: v for k, v in model.weights.items() if k.startswith("generator.")}
        save_file(weights, folder / "generator.safetensors")
        write_json(folder / "config.json", {"kind": "vocoder", "hop": HOP, "figures": dict(figures)})


def train_vocoder(
    sources: Sequence[str],
    folder: str | Path,
    training: VocoderTraining | None = None,
    loop: LoopOptions | None = None,
    progress: Progress = silent,
) -> TrainResult:
    """Train it on the first of the sources, a prepared dataset."""
    options = loop or LoopOptions()
    recipe = VocoderRecipe(sources[0], training or VocoderTraining(), options.seed)
    return train(recipe, options, folder, progress)


VOCODER = RecipeCommand(
    "vocoder",
    "sound from log-mel bands, with a discriminator",
    VocoderTraining,
    train_vocoder,
    LoopOptions(steps=2000, learning_rate=2e-3, ema=0.999),
    "A dataset of genlock prepare --recipe speech.",
)

if __name__ == "__main__":
    print(train_vocoder(sys.argv[1:2], sys.argv[2], loop=VOCODER.loop))
