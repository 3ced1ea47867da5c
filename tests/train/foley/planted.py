"""Strikes that are planted: when they are, how hard, and on what."""

from __future__ import annotations

import numpy as np

from genlock.train.foley.told import Heard


def planted_strikes(seed: int, seconds: float = 2.0) -> Heard:
    """Strikes on the left are on wood, those on the right on glass."""
    random = np.random.default_rng(seed)
    times = np.cumsum(random.uniform(0.25, 0.5, 8)) - 0.1
    times = times[(times > 0) & (times < seconds)]
    left, count = bool(random.integers(2)), len(times)
    facts = {
        "impulse": -1 + random.normal(0, 0.3, count),
        "size": np.full(count, -1.0),
        "x": np.full(count, 0.25 if left else 0.75),
    }
    return Heard(times, facts, ("wood" if left else "glass",) * count)
