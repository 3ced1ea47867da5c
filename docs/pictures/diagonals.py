"""A similarity of what is heard with what is seen, and the means of its diagonals: the sound is seven frames early."""

from __future__ import annotations

import numpy as np
from _style import BLUE, GREY, INK, RED, save
from matplotlib import pyplot

from genlock.aligners.curves import find_peak
from genlock.aligners.diagonal import diagonal_means, shift_curve
from genlock.core.grid import Grid

FRAMES, SHIFT = 75, 7

chance = np.random.default_rng(3)
course = chance.standard_normal((FRAMES + 40, 12))
for _ in range(2):  # neighbouring frames are alike
    course[1:] += 0.9 * course[:-1]
noise = chance.standard_normal((2, FRAMES, 12))
heard = course[20 : 20 + FRAMES] + 0.6 * noise[0]
seen = course[20 - SHIFT : 20 - SHIFT + FRAMES] + 0.6 * noise[1]
heard, seen = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (heard, seen))
similarity = heard @ seen.T
there = np.ones(FRAMES, bool)
there[40:48] = False  # the face is away

figure, (left, right) = pyplot.subplots(1, 2, figsize=(8, 3.4), width_ratios=(1, 1.35))
left.imshow(np.where(there, similarity, np.nan), cmap="Blues", origin="lower", vmin=-0.2, vmax=1)
left.plot([SHIFT, FRAMES - 1], [0, FRAMES - 1 - SHIFT], color=RED, linewidth=0.8, linestyle="--")
left.set_xlabel("picture frame (white: the face is away)", color=INK)
left.set_ylabel("sound frame", color=INK)
means, pairs = diagonal_means(similarity, seen=there)
curve = shift_curve(means, pairs, Grid(25), Grid(25))
peak = find_peak(curve)
assert peak is not None
right.plot(curve.lags_seconds * 1000, curve.values, color=BLUE)
right.axvline(peak.lag_seconds * 1000, color=RED, linewidth=0.8, linestyle="--")
right.annotate(
    f"sound early by {peak.lag_seconds * 1000:.0f} ms",
    (peak.lag_seconds * 1000, peak.value),
    (-950, peak.value - 0.06),
    color=RED,
)
right.axvline(0, color=GREY, linewidth=0.5)
right.set_xlabel("offset, ms: 51 diagonals, 40 ms apart", color=INK)
right.set_title("mean of each diagonal", color=INK, fontsize=11)
right.set_yticks([])
figure.tight_layout()
save(figure, "diagonals")
