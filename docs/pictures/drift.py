"""How far off usual shortcuts put 50 Hz features on the frames of a 29.97 fps video, beside Track.on."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from _style import GREEN, GREY, RED, pyplot, save

from genlock.core import Grid, Track

SECONDS = 10
ORANGE = "#b45f06"
count = (16000 * SECONDS - 400) // 320 + 1
native = Grid.of_windows(sample_rate=16000, hop=320, first_center=Fraction(399, 2))
frames = Grid("29.97")
shown = frames.index(SECONDS, "ceil")
# Each feature holds the instant that it is centred on; put on a frame, it says which instant the frame shows.
says, wanted = native.centers(count), frames.centers(shown)
k = np.arange(shown)


def stretched(align_corners: bool) -> np.ndarray:
    """Interpolated to the number of frames, as an image would be."""
    if align_corners:
        place = k * (count - 1) / (shown - 1)
    else:
        place = np.clip((k + 0.5) * count / shown - 0.5, 0, count - 1)
    return np.interp(place, np.arange(count), says)


counted = says[np.minimum((k / 29.97 * 50).astype(int), count - 1)]
track = Track(says, native).on(frames, length=shown)
# At both ends a feature's own value holds for half a cell; between them it is the line.
inner = track.valid & (wanted > says[0]) & (wanted < says[-1])
exact = np.where(inner, track.values, np.nan)
assert np.nanmax(np.abs(exact - wanted)) < 1e-6

figure, ax = pyplot.subplots(figsize=(8, 3.6))
for name, got, color in (
    ("features[int(k / 29.97 * 50)]", counted, GREY),
    ("interpolate(...,\nalign_corners=True)", stretched(True), RED),
    ("interpolate(...,\nalign_corners=False)", stretched(False), ORANGE),
    ("track.on(frames)", exact, GREEN),
):
    error = (got - wanted) * 1000
    ax.plot(wanted, error, color=color, lw=0.8 if got is counted else 2)
    end = np.nanmean(error[-30:])
    ax.text(10.1, end, name, color=color, fontsize=9, va="center", linespacing=1.1)
ax.axhline(0, color=GREY, lw=0.5, zorder=0)
ax.set(
    xlim=(0, SECONDS), ylim=(-32, 12), xlabel="time in the clip (s)", ylabel="error (ms; below 0: too early)"
)
ax.set_yticks([-30, -20, -10, 0, 10])
ax.spines["left"].set_visible(True)
save(figure, "drift")
