"""One clip as a talker learns from it: changed sound on the clock, and where the face truly is at the frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.metrics.landmarks import closed_level
from genlock.models.talker.basis import FaceBasis
from genlock.models.talker.inputs import CLOCK_RATE
from genlock.models.talker.resting import opening_of
from genlock.train.talker.clips import TalkingClip
from genlock.train.talker.losses import ASKED

__all__ = ["MADE", "Example", "TrueFace", "balanced", "manner_of", "on_cells", "sped_spans", "stretch_of"]

Array: TypeAlias = npt.NDArray[np.float32]

#: In a talker's manners: what was learnt from talkers that were made.
MADE = "made"
# Cells of sound beside a cropped clip that are heard with it.
_MARGIN = 60


@dataclass(frozen=True, eq=False)
class TrueFace:
    """What is asked for at the frames of a clip; zero where the face was not seen."""

    asked: Array
    """Displacement of the points that are asked for, [T, P, 2]."""
    weights: Array
    """Of the basis, [T, K]."""
    opening: float
    """Of the resting lips."""
    closed: float
    """Opening up to which the lips count as closed."""

    @classmethod
    def of(cls, clip: TalkingClip, rest: Array, basis: FaceBasis) -> TrueFace:
        """Of a clip and its resting face."""
        moved = np.where(clip.valid[:, None, None], clip.points - rest, 0).astype(np.float32)
        asked = np.ascontiguousarray(moved[:, list(ASKED), :2])
        level = closed_level(Track(opening_of(moved + rest), clip.cells, clip.valid))
        return cls(asked, basis.weights(moved + basis.neutral), float(opening_of(rest)), level)


@dataclass(frozen=True, eq=False)
class Example:
    """One clip as it is learnt from."""

    heard: Array
    cell_weights: Array
    """The true weights at the cells, [N, K]."""
    cell_valid: npt.NDArray[np.bool_]
    """Where they are known."""
    left: npt.NDArray[np.int64]
    share: Array
    true: Array
    weights: Array
    valid: npt.NDArray[np.bool_]
    gaps: Array
    opening: float
    closed: float
    speaker: int


def manner_of(clip: TalkingClip) -> str:
    """In whose manner a clip is learnt, where it is learnt in its own."""
    return MADE if clip.made else clip.speaker


def balanced(speakers: Sequence[str], balance: float) -> list[int]:
    """Numbers of clips, each as often as it stands in a round, in their order.

    >>> balanced(["a", "a", "a", "a", "b"], 0.5)
    [0, 1, 2, 3, 4, 4]
    """
    counts = Counter(speakers)
    most = max(counts.values())
    times = {who: max(1, round((most / count) ** balance)) for who, count in counts.items()}
    return [k for k, who in enumerate(speakers) for _ in range(times[who])]


def stretch_of(
    place: npt.NDArray[np.float64], cells: int, seconds: float, random: np.random.Generator
) -> tuple[slice, slice]:
    """Frames of a stretch of at most so many seconds, somewhere, and the cells around them."""
    longest = seconds * float(CLOCK_RATE)
    room = float(place[-1] - place[0]) - longest
    if room <= 0:
        return slice(0, len(place)), slice(0, cells)
    begin = float(place[0]) + random.uniform(0, room)
    frames = slice(int(np.searchsorted(place, begin)), int(np.searchsorted(place, begin + longest)))
    low = int(np.clip(np.floor(place[frames.start]) - _MARGIN, 0, cells - 2))
    high = int(np.clip(np.ceil(place[frames.stop - 1]) + _MARGIN, low + 2, cells))
    return frames, slice(low, high)


def on_cells(
    place: npt.NDArray[np.float64], weights: Array, valid: npt.NDArray[np.bool_], count: int
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Weights [T, K] of frames at places between cells, at the cells: straight lines between frames that are seen."""
    cells, at = np.arange(count), place[valid]
    if len(at) < 2:
        return np.zeros((count, weights.shape[1]), np.float32), np.zeros(count, bool)
    left = np.clip(np.searchsorted(at, cells, "right") - 1, 0, len(at) - 2)
    share = ((cells - at[left]) / (at[left + 1] - at[left])).astype(np.float32)
    seen = weights[valid]
    found = seen[left] + np.clip(share, 0, 1)[:, None] * (seen[left + 1] - seen[left])
    # Over a hole nobody knows the way.
    usual = 2.5 * float(np.median(np.diff(at)))
    return found, (share >= 0) & (share <= 1) & (at[left + 1] - at[left] < usual)


def sped_spans(spans: Spans, speed: Fraction, start: Fraction) -> Spans:
    """The same words ``speed`` times as fast, about the instant ``start``."""
    return spans.map(
        lambda s: replace(s, start=start + (s.start - start) / speed, end=start + (s.end - start) / speed)
    )
