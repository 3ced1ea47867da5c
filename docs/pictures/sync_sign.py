"""What early and late sound are: a flash on the picture's cells, its beep before it, with it and after it."""

from __future__ import annotations

from _style import BLUE, GREEN, GREY, INK, PALE, RED, SKY, pyplot, save

from genlock.core import Grid
from genlock.lipsync.verdicts import describe_offset

grid, flash = Grid(25), 6
figure, axes = pyplot.subplots(3, 1, figsize=(8, 3.6), sharex=True)
for ax, offset, color in zip(axes, (0.118, 0.0, -0.118), (RED, GREEN, BLUE), strict=True):
    for k in range(14):
        low, high = float(grid.edge(k)), float(grid.edge(k + 1))
        ax.axvspan(low, high, ymin=0.55, ymax=0.95, color=SKY if k == flash else PALE, ec="white")
    at = float(grid.edge(flash))
    beep = at - offset
    ax.plot([0, 14 / 25], [0.22, 0.22], color=GREY, lw=1)
    ax.fill_between([beep, beep + 0.05], 0.1, 0.34, color=color)
    ax.plot([beep, at], [0.46, 0.46], color=color, lw=1.5)
    ax.text(
        0.565,
        0.5,
        f"{offset * 1000:+.0f} ms: {describe_offset(offset)}",
        color=color,
        va="center",
        fontsize=10,
    )
    ax.set(xlim=(0, 0.9), ylim=(0, 1), yticks=[])
    for side in ("bottom", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(bottom=False, labelbottom=False)
axes[0].text(0.005, 0.75, "picture", color=INK, fontsize=9, va="center")
axes[0].text(0.005, 0.28, "sound", color=INK, fontsize=9, va="bottom")
save(figure, "sync_sign")
