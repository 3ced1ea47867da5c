"""Emissions of a CTC model that never was, whose truth is known: what alignments are tested and measured on.

They look like those of a trained model: the blank is likely nearly everywhere, each token is a peak of
one to three frames, some tokens are taken for others, and the rest is noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError

__all__ = ["place_tokens", "planted_emissions"]

I64 = npt.NDArray[np.int64]


def place_tokens(
    tokens: Sequence[int],
    frames: int,
    random: np.random.Generator,
    *,
    start: int = 0,
    unevenness: float = 1.0,
) -> I64:
    """Places for tokens in frames ``start ... start + frames - 1``, in order and apart.

    Parameters
    ----------
    tokens : the tokens; two equal ones in a row are kept a frame apart
    frames : number of frames to spread them over
    random : where chance comes from
    start : the first frame
    unevenness : spread of the distances between tokens: 0 spaces them evenly, 1 as uneven as a speaker does

    Returns
    -------
    First frame of each token and the frame after its last, int64 [L, 2].

    Examples
    --------
    >>> place_tokens([3, 3, 5], 9, np.random.default_rng(0), unevenness=0).tolist()
    [[1, 2], [4, 5], [6, 7]]

    Raises
    ------
    OptionError
        If the tokens do not fit.
    """
    ids = np.asarray(tokens, dtype=np.int64)
    count = len(ids)
    # The least distance from each token to the next; what is left over is shared out by chance.
    least = np.ones(count + 1, dtype=np.int64)
    least[0] = 0
    least[1:count] += ids[1:] == ids[:-1]
    spare = frames - int(least.sum())
    if spare < 0:
        raise OptionError(f"{count} tokens need at least {int(least.sum())} frames; {frames} are too few")
    weights = random.lognormal(sigma=unevenness, size=count + 1)
    shares = np.floor(np.cumsum(weights) / weights.sum() * spare).astype(np.int64)
    firsts = (start + shares + np.cumsum(least))[:count]
    # A second frame now and then, where there is room for it.
    room = np.append(firsts[1:] - (least[1:count] - 1) if count > 1 else [], start + frames)[:count]
    stops = np.minimum(
        firsts + 1 + (random.random(count) < 0.4 * min(unevenness, 1.0)), np.maximum(room, firsts + 1)
    )
    return np.stack([firsts, stops.astype(np.int64)], axis=1)


def planted_emissions(
    tokens: Sequence[int],
    places: I64,
    frames: int,
    symbols: int,
    random: np.random.Generator,
    *,
    blank: int = 0,
    peak: float = 9.0,
    noise: float = 1.5,
    mistaken: float = 0.0,
) -> npt.NDArray[np.float32]:
    """Log-probabilities, float32 [frames, symbols], in which each token peaks at its place.

    Parameters
    ----------
    tokens, places : what is said and where, as :func:`place_tokens` gives it
    frames, symbols : T and V
    random : where chance comes from
    blank : the blank symbol
    peak : how far the right symbol stands out, as a logit
    noise : standard deviation of the logits
    mistaken : share of tokens, 0...1, where another symbol is as high as the right one or higher

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> emissions = planted_emissions([2, 1], np.array([[1, 2], [3, 5]]), 6, 3, random)
    >>> emissions.argmax(axis=1).tolist()
    [0, 2, 0, 1, 1, 0]
    """
    labels = np.full(frames, blank, dtype=np.int64)
    wrong = random.random(len(tokens)) < mistaken
    logits = random.normal(scale=noise, size=(frames, symbols)).astype(np.float32)
    for token, (first, stop), is_wrong in zip(tokens, places, wrong, strict=True):
        labels[first:stop] = token
        if is_wrong and symbols > 2:
            other = random.choice([s for s in range(symbols) if s not in (token, blank)])
            logits[first:stop, other] += np.float32(peak * random.uniform(0.9, 1.4))
    logits[np.arange(frames), labels] += np.float32(peak)
    # A peak casts a faint shadow on the frames beside it.
    for step in (-1, 1):
        beside = np.clip(np.arange(frames) + step, 0, frames - 1)
        is_token = labels[beside] != blank
        logits[is_token, labels[beside][is_token]] += np.float32(peak / 3)
    highest = logits.max(axis=1, keepdims=True)
    logits -= highest + np.log(np.exp(logits - highest).sum(axis=1, keepdims=True))
    return logits
