"""One track, put on other cells in four ways."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from _style import BLUE, GREY, INK, PALE, RED, save, sheet
from matplotlib.axes import Axes

from genlock.core import Grid, Track

values = np.array([1.0, 3.0, 2.5, 4.0, 2.0, np.nan, np.nan, 3.5, 1.0, 2.0])
track = Track(values, Grid(10), np.isfinite(values))
target = Grid(6, "-0.07")

WAYS = [
    (
        "sample: on the straight line between centres; in the outer half of a cell its own value",
        track.on(target),
    ),
    ("mean: of what the cell overlaps, if at least half of it is covered", track.on(target, "mean")),
    ("nearest: the value of the nearest centre", track.on(target, "nearest")),
]

figure, axes = sheet(6.6, len(WAYS) + 1, sharex=True)
figure.subplots_adjust(hspace=0.42)


def bars(ax: Axes, shown: Track, color: str) -> None:
    """Each cell as a bar at its value, or hatched."""
    for k, (left, right) in enumerate(pairwise(shown.edges)):
        ax.plot([left, left], [0, 4.4], color=GREY, lw=0.5)
        if shown.valid[k]:
            ax.plot([left, right], [shown.values[k]] * 2, color=color, lw=2.2, solid_capstyle="butt")
        else:
            ax.fill_between([left, right], 0, 4.4, facecolor=PALE, hatch="///", edgecolor="#c5cbd6", lw=0)
    ax.plot([shown.edges[-1]] * 2, [0, 4.4], color=GREY, lw=0.5)


# The line that `sample` reads, drawn by asking for very small cells.
line = track.on(Grid(2000))
first = ("a track on Grid(10); hatched cells are not valid", track, INK)
for ax, (name, shown, color) in zip(axes, [first, *((n, t, BLUE) for n, t in WAYS)], strict=True):
    if shown is not track:
        bars(ax, shown, color)
        for k in np.flatnonzero(track.valid):
            ax.plot(track.edges[[k, k + 1]], [track.values[k]] * 2, color=GREY, lw=1)
        ax.plot(shown.centers[shown.valid], shown.values[shown.valid], "o", color=RED, ms=3.5, zorder=4)
    else:
        bars(ax, shown, color)
    if name.startswith("sample"):
        ax.plot(line.centers, np.where(line.valid, line.values, np.nan), color=RED, lw=0.9)
    ax.set_title(name, loc="left", fontsize=9.5, color=INK, pad=3)
    ax.set(ylim=(0, 4.4), xlim=(-0.12, 1.15))
    ax.spines["bottom"].set_visible(ax is axes[-1])
    ax.tick_params(bottom=ax is axes[-1])
axes[-1].set_xticks([0, 0.5, 1.0])
axes[-1].set_xticklabels(["0", "0.5", "1 s"])
save(figure, "on")
