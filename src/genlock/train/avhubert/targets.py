"""What an AV-HuBERT is asked for while nobody tells it what is said: clusters, or the frames of a frozen model.

All is put on the film's frames by its true centres. A linear probe says how much of the phones a row of frames knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, OptionError
from genlock.core.grid import Grid
from genlock.data.labels import fit_centroids, nearest_centroid
from genlock.extractors.both.on_frames import FRAME_RATE
from genlock.extractors.registry import make_extractor
from genlock.extractors.sound.base import AudioExtractor
from genlock.train.avhubert.clips import AVClip
from genlock.train.speech.symbols import frame_targets, symbol_vocabulary

__all__ = ["Clusters", "Levels", "found_phones", "frames_of_feature", "phones_of", "probe"]

FloatArray: TypeAlias = npt.NDArray[np.float32]
IntArray: TypeAlias = npt.NDArray[np.int64]
#: Rows [T, D] of a clip.
Rows: TypeAlias = Callable[[AVClip], FloatArray]

_SOFTEST = 1e-3


def frames_of_feature(spec: str) -> Rows:
    """A function from a clip to a feature of its sound on its frames, float32 [T, D]: means over each frame's cell.

    Raises OptionError if the feature is not one of sound.
    """
    feature = make_extractor(spec)
    if not isinstance(feature, AudioExtractor):
        raise OptionError(f"{spec!r} is no feature of sound; try mfcc:kaldi39 or ssl")

    def rows(clip: AVClip) -> FloatArray:
        track = feature(clip.samples).on(Grid(FRAME_RATE), "mean", length=len(clip), min_cover=0)
        values = np.asarray(track.values, np.float32).reshape(len(clip), -1)
        if not track.valid.all() and track.valid.any():
            # At the very ends a window may not fit: the nearest frame stands there.
            there = np.flatnonzero(track.valid)
            values = values[there[np.abs(np.arange(len(clip))[:, None] - there).argmin(axis=1)]]
        return values

    return rows


@dataclass(frozen=True, eq=False)
class Clusters:
    """Centres of clusters, and what is taken from frames before they are compared."""

    centers: FloatArray
    """[K, D], of levelled frames."""
    levels: Levels

    @classmethod
    def fit(cls, rows: Sequence[FloatArray], count: int, seed: int, passes: int = 6) -> Clusters:
        """By mini-batch k-means over frames of clips.

        Raises InputError if there are fewer frames than clusters.
        """
        frames = sum(map(len, rows))
        if frames < count:
            raise InputError(
                f"{frames} frames make no {count} clusters; give more clips, or fewer --clusters"
            )
        levels = Levels.of(rows)
        order = np.random.default_rng([seed, 9])
        pieces = (levels(rows[int(k)]) for _ in range(passes) for k in order.permutation(len(rows)))
        return cls(fit_centroids(pieces, count, seed, batch=max(4096, 20 * count)), levels)

    def labels(self, rows: FloatArray) -> IntArray:
        """The cluster of each frame, [T, D] to [T]."""
        return nearest_centroid(self.levels(rows), self.centers).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Levels:
    """Mean and spread of a feature's columns.

    >>> levels = Levels.of([np.array([[0.0, 5.0], [2.0, 5.0]], np.float32)])
    >>> levels(np.array([[2.0, 5.0]], np.float32)).tolist()
    [[1.0, 0.0]]
    """

    mean: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, rows: Sequence[FloatArray]) -> Levels:
        """Those of some clips' frames."""
        whole = np.concatenate(rows).astype(np.float64)
        return cls(
            whole.mean(axis=0).astype(np.float32), np.maximum(whole.std(axis=0), _SOFTEST).astype(np.float32)
        )

    def __call__(self, rows: FloatArray) -> FloatArray:
        """Frames [T, D] with mean 0 and spread 1."""
        return np.asarray((rows - self.mean) / self.spread, np.float32)


def phones_of(clip: AVClip) -> IntArray:
    """The phone of each frame by the times of the words, whose phones share them evenly; 0 in silence, [T].

    Raises InputError if the times of its words are not known, or a word cannot be pronounced.
    """
    if not clip.words:
        raise InputError(f"{clip.name!r} has no times of words, so there is no phone to probe for")
    vocabulary = symbol_vocabulary([], "phones")
    found = frame_targets(clip.words, clip.centers, vocabulary, "phones")
    found[found == vocabulary["|"]] = 0
    return found


def probe(
    learnt: Sequence[FloatArray],
    phones: Sequence[IntArray],
    held: Sequence[FloatArray],
    held_phones: Sequence[IntArray],
    ridge: float = 1.0,
) -> float:
    """Share of held frames, silence left out, whose phone a linear map of the frame finds; fitted in closed form.

    Parameters
    ----------
    learnt, held : rows [T, D] of each clip
    phones, held_phones : classes [T] of each clip

    >>> random = np.random.default_rng(0)
    >>> classes = [random.integers(1, 4, 50) for _ in range(4)]
    >>> rows = [np.eye(4, dtype=np.float32)[c] + random.normal(0, 0.1, (50, 4)).astype(np.float32) for c in classes]
    >>> probe(rows[:3], classes[:3], rows[3:], classes[3:])
    1.0
    """
    said, asked = np.concatenate(found_phones(learnt, phones, held, ridge)), np.concatenate(held_phones)
    spoken = asked > 0
    return float((said == asked)[spoken].mean()) if spoken.any() else 0.0


def found_phones(
    learnt: Sequence[FloatArray], phones: Sequence[IntArray], held: Sequence[FloatArray], ridge: float = 1.0
) -> list[IntArray]:
    """The phone that a linear map finds in each frame of held clips, [T] each; silence is no answer."""
    levels = Levels.of(learnt)

    def design(rows: FloatArray) -> npt.NDArray[np.float64]:
        wide = levels(rows).astype(np.float64)
        return np.concatenate([wide, np.ones((len(wide), 1))], axis=1)

    true = np.concatenate(phones)
    inputs, classes = design(np.concatenate(learnt)), np.eye(int(true.max()) + 1)[true]
    weights = np.linalg.solve(inputs.T @ inputs + ridge * np.eye(inputs.shape[1]), inputs.T @ classes)
    # Silence is no answer where somebody speaks.
    return [np.asarray((design(rows) @ weights)[:, 1:].argmax(axis=1) + 1, np.int64) for rows in held]
