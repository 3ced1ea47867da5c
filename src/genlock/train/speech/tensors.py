"""From clips to the tensors of a batch: joined, changed, normalised, padded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from genlock.data.batches import Item
from genlock.train.speech.augment import Augmentation, change
from genlock.train.speech.utterances import RATE, Utterances

__all__ = ["SILENCE_SECONDS", "Heard", "hear", "normalized", "padded"]

Samples = npt.NDArray[np.float32]
#: Between joined clips lies silence of up to this length, in every second gap.
SILENCE_SECONDS = 0.5
_EPSILON = 1e-7  # as transformers' feature extractor


@dataclass(frozen=True, eq=False)
class Heard:
    """One row of a batch."""

    samples: Samples
    """Normalised, float32 [n]."""
    text: str
    """What is said; empty if it is not known."""
    words: tuple[tuple[str, float, float], ...]
    """Words with start and end in seconds from the first sample, of the clips where they are known."""
    unknown: tuple[tuple[float, float], ...] = ()
    """Start and end in seconds of the clips where they are not."""


def hear(utterances: Utterances, item: Item, how: Augmentation | None, longest: int | None = None) -> Heard:
    """The sound of an item.

    Parameters
    ----------
    how : how it is changed; None leaves it, and puts no silence between clips
    longest : samples to cut it to, at a random place; None: all of it. For sound without text only
    """
    random = np.random.default_rng(item.seed)
    pieces: list[Samples] = []
    words: list[tuple[str, float, float]] = []
    unknown: list[tuple[float, float]] = []
    length = 0
    for number in item.clips:
        plain = utterances.samples(number)
        changed = plain if how is None else change(plain, how, random)
        stretch = len(changed) / len(plain)
        words += [
            (w, length / RATE + a * stretch, length / RATE + b * stretch)
            for w, a, b in utterances.words[number]
        ]
        if not utterances.words[number]:
            unknown.append((length / RATE, (length + len(changed)) / RATE))
        pieces.append(changed)
        length += len(changed)
        if how is not None and random.random() < 0.5:
            pieces.append(np.zeros(int(random.integers(0, int(SILENCE_SECONDS * RATE))), np.float32))
            length += len(pieces[-1])
    samples = np.concatenate(pieces)
    if longest is not None and len(samples) > longest:
        first = int(random.integers(0, len(samples) - longest + 1))
        samples = samples[first : first + longest]
    if how is not None:
        # Digital silence is no natural sound; a floor far below speech takes its place.
        samples = samples + np.float32(1e-4) * random.standard_normal(len(samples), dtype=np.float32)
    text = " ".join(utterances.texts[k] for k in item.clips)
    return Heard(normalized(samples), text, tuple(words), tuple(unknown))


def normalized(samples: Samples) -> Samples:
    """Zero mean and unit variance, as transformers' feature extractor does it.

    >>> normalized(np.array([1.0, 3.0], np.float32)).round(3).tolist()
    [-1.0, 1.0]
    """
    values = (samples - samples.mean(dtype=np.float64)) / np.sqrt(samples.var(dtype=np.float64) + _EPSILON)
    return np.asarray(values, np.float32)


def padded(rows: Sequence[Samples]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of any length as one tensor [batch, n] padded with zeros, and its mask [batch, n] of 1 and 0.

    >>> padded([np.ones(2, np.float32), np.ones(3, np.float32)])[1].tolist()
    [[1, 1, 0], [1, 1, 1]]
    """
    values = np.zeros((len(rows), max(map(len, rows))), np.float32)
    mask = np.zeros(values.shape, np.int64)
    for k, row in enumerate(rows):
        values[k, : len(row)] = row
        mask[k, : len(row)] = 1
    return torch.from_numpy(values), torch.from_numpy(mask)
