"""Which frames are masked in pretraining, and between which the right code vector is to be found."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["draw_negatives", "heard_nevertheless", "span_mask"]


def span_mask(
    frames: int, start_share: float, length: int, random: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Frames that are masked: spans that may overlap, begun at a share of all frames.

    Parameters
    ----------
    frames : number of frames, T
    start_share : share of frames at which a span begins, 0...1; rounded up or down at random, at least one
    length : frames of a span; spans that would not fit are as long as the sound
    random : where the spans come from

    Returns
    -------
    bool [T]

    >>> mask = span_mask(1000, 0.065, 10, np.random.default_rng(0))
    >>> bool(0.4 < mask.mean() < 0.6)
    True
    """
    mask = np.zeros(frames, np.bool_)
    if frames < 2 or start_share == 0:
        return mask
    span = min(length, frames - 1)
    places = frames - span + 1
    count = min(max(1, int(np.floor(start_share * frames + random.random()))), places)
    starts = random.choice(places, count, replace=False)
    mask[(starts[:, None] + np.arange(span)).ravel()] = True
    return mask


def heard_nevertheless(
    mask: npt.NDArray[np.bool_], share: float, length: int, random: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Masked frames that are heard all the same: of each row's stretches of ``length`` frames a share.

    Parameters
    ----------
    mask : [B, T]
    share : of the stretches, 0...1

    >>> mask = np.ones((1, 600), np.bool_)
    >>> found = heard_nevertheless(mask, 0.2, 6, np.random.default_rng(0))
    >>> bool(0.1 < found.mean() < 0.3), sorted({int(row.sum()) for row in found.reshape(100, 6)})
    (True, [0, 6])
    """
    stretches = np.arange(mask.shape[1]) // length
    drawn = random.random((len(mask), stretches[-1] + 1 if len(stretches) else 0)) < share
    return mask & drawn[:, stretches]


def draw_negatives(
    mask: npt.NDArray[np.bool_], count: int, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """For each masked frame other masked frames of the same utterance, drawn with replacement.

    Parameters
    ----------
    mask : [B, T]; a row has no masked frame, or at least two
    count : how many for each

    Returns
    -------
    int64 [B, T, count], numbers in the batch laid out flat (row x T + frame); 0 where nothing is masked

    >>> mask = np.array([[True, False, True, True]])
    >>> found = draw_negatives(mask, 50, np.random.default_rng(0))
    >>> sorted(set(found[0, 2].tolist()))
    [0, 3]
    """
    rows, frames = mask.shape
    found = np.zeros((rows, frames, count), np.int64)
    for row in range(rows):
        places = np.flatnonzero(mask[row])
        if len(places) == 0:
            continue
        others = random.integers(0, len(places) - 1, (len(places), count))
        others += others >= np.arange(len(places))[:, None]  # not the frame itself
        found[row, places] = places[others] + row * frames
    return found
