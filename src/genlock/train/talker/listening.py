"""What a talker will hear: its features, and how they usually are, from the clips that it learns from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.models.talker.inputs import CLOCK_RATE, Heard, Listening
from genlock.models.talker.levels import Leveling
from genlock.train.talker.clips import TalkingClip
from genlock.train.talker.options import TalkerTraining

__all__ = ["listening_for"]

Array: TypeAlias = npt.NDArray[np.float32]

_SOFTEST = 1e-4


def listening_for(clips: Sequence[TalkingClip], training: TalkerTraining) -> Listening:
    """What a talker hears, with the usual mean and spread of its features over the clips.

    Raises InputError if a feature has rows of no or of several sizes.
    """
    leveling = Leveling(future=0) if training.live else Leveling()
    heard: list[Heard] = []
    mean: dict[str, Array] = {}
    spread: dict[str, Array] = {}
    for feature in training.hears:
        given = [clip.heard[feature] for clip in clips if feature in clip.heard]
        spans = [one for one in given if isinstance(one, Spans)]
        tracks = [one for one in given if isinstance(one, Track)]
        if spans:
            labels = tuple(sorted({span.label for one in spans for span in one}))
            heard.append(Heard(feature, len(labels), "spans", 1, labels))
            continue
        sizes = {track.values.shape[1:] for track in tracks}
        if len(sizes) != 1 or len(next(iter(sizes))) != 1:
            raise InputError(
                f"{feature!r} has rows of shapes {sorted(map(list, sizes))}; a talker hears rows of one size"
            )
        rate = float(tracks[0].grid.rate) if hasattr(tracks[0].grid, "rate") else float(CLOCK_RATE)
        steps = max(1, round(rate / float(CLOCK_RATE)))
        levelled = feature.partition(":")[0] in ("mel", "logfbank")
        heard.append(Heard(feature, next(iter(sizes))[0], "level" if levelled else "standard", steps))
        rows = [_above_floor(track, leveling) if levelled else track.values[track.valid] for track in tracks]
        whole = np.concatenate(rows).astype(np.float64)
        mean[feature] = whole.mean(axis=0).astype(np.float32)
        spread[feature] = np.maximum(whole.std(axis=0), _SOFTEST).astype(np.float32)
    return Listening(tuple(heard), leveling, mean, spread)


def _above_floor(track: Track, leveling: Leveling) -> npt.NDArray[np.float64]:
    """Bands above the loudness of a clip."""
    values = np.asarray(track.values[track.valid], np.float64)
    level = np.logaddexp.reduce(values, axis=1) - np.log(values.shape[1])
    loud = max(float(np.quantile(level, 0.95)), leveling.quietest)
    return np.asarray(np.logaddexp(values, loud + np.log(leveling.floor)) - loud)
