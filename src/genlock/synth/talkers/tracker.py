"""What a face tracker adds to landmarks that are exact: its noise, in the statistics that it has on still faces.

Measured on 22 clips of 13 speakers of GRID (CC BY 4.0; Cooke, Barker, Cunningham and Shao 2006) before their first
word, 221 pairs of frames at 25 a second, meshes of the project's tracker without the pose. From one frame to the next
the lips move by .0026 (x) and .0056 (y) eye distances together, and each point by .0020 and .0030 for itself (RMS,
medians over clips). Over two and four frames the power of these steps grows to 1.7 and 3.2 times (x): noise that is
forgotten in about 0.18 s, and not white. In y it grows to 2.4 and 5.3 times, faster than any noise could: mouths make
ready to speak there, so that the figures of y are an upper bound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError

__all__ = ["tracker_noise"]

#: Noise that all points of the mouth share is forgotten in this time, in seconds.
_MEMORY_SECONDS = 0.18
# Spreads, x and y, in eye distances; of what is shared, a step of 1/25 s is sqrt(2 (1 - exp(-0.04 / 0.18))) of it.
_TOGETHER = np.array([0.0026, 0.0056]) / np.sqrt(2 * (1 - np.exp(-0.04 / _MEMORY_SECONDS)))
_ALONE = np.array([0.0020, 0.0030]) / np.sqrt(2)


def tracker_noise(instants: npt.ArrayLike, points: int, seed: int) -> npt.NDArray[np.float64]:
    """Noise of a tracker at instants in seconds [T], in order, for so many points: eye distances, [T, points, 2].

    Any frame rate has the same spread, and the same memory in seconds.

    >>> noise = tracker_noise(np.arange(5000) / 25, 40, seed=1)
    >>> np.round(np.sqrt((np.diff(noise.mean(axis=1), axis=0) ** 2).mean(axis=0)), 3).tolist()
    [0.003, 0.006]

    Raises OptionError if the instants are not in order, or the seed is below 0.
    """
    at = np.asarray(instants, np.float64)
    steps = np.diff(at)
    if (steps < 0).any() or seed < 0:
        raise OptionError(f"instants must be in order, and seed={seed} not below 0")
    draw = np.random.default_rng([seed, 31])
    fresh = draw.standard_normal((len(at), 2))
    shared = np.empty_like(fresh)
    kept = np.exp(-steps / _MEMORY_SECONDS)
    for k in range(len(at)):
        last = kept[k - 1] if k else 0.0
        shared[k] = (last * shared[k - 1] if k else 0.0) + np.sqrt(1 - last**2) * fresh[k]
    alone = draw.standard_normal((len(at), points, 2))
    return np.asarray(_TOGETHER * shared[:, None] + _ALONE * alone)
