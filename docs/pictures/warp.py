"""A warp with a cut and a gap, and its inverse."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from _style import BLUE, GREY, INK, PALE, RED, pyplot, save

from genlock.core import Warp

warp = Warp([(0, "0.4"), (2, "2.4"), (3, "2.4"), ("4.5", "3.9"), ("4.5", "4.7"), (6, "6.35")], after="1.1")

figure, axes = pyplot.subplots(1, 2, figsize=(8, 4.1))
figure.subplots_adjust(wspace=0.28)
for ax, shown, names in (
    (axes[0], warp, ("sound", "picture")),
    (axes[1], warp.inverse(), ("picture", "sound")),
):
    for piece in shown.pieces():
        ends = (-1 if piece.start is None else piece.start, 7 if piece.end is None else piece.end)
        x = np.array([float(end) for end in ends])
        ax.plot(x, float(piece.slope) * x + float(piece.shift), color=BLUE, lw=2.2, solid_capstyle="butt")
    points = [(float(x), float(y)) for x, y in shown.knots]
    for (x0, y0), (x1, y1) in pairwise(points):
        if y0 == y1:
            ax.axvspan(x0, x1, color=PALE, zorder=0)
            says, at, shift = "hold: skipped", (x1, y1), (5, -12)
        elif x0 == x1:
            ax.axhspan(y0, y1, color=PALE, zorder=0)
            says, at, shift = "jump: nothing\nleads here", (x0, (y0 + y1) / 2), (6, -9)
        else:
            continue
        ax.plot([x0, x1], [y0, y1], color=RED, lw=1.2, ls=(0, (2, 2)))
        ax.annotate(says, at, shift, textcoords="offset points", color=RED, fontsize=9)
    ax.plot(*zip(*points, strict=True), "o", color=INK, ms=4, ls="")
    ax.plot([-1, 7], [-1, 7], color=GREY, lw=0.6, ls=":")
    ax.set(xlim=(-0.3, 6.4), ylim=(-0.3, 6.8), xlabel=f"{names[0]} time (s)", ylabel=f"{names[1]} time (s)")
    ax.spines["left"].set_visible(True)
says = "W: 0.4 s later, a cut at 2 s, a gap at 4.5 s,\nthen slower"
axes[0].set_title(says, loc="left", fontsize=9.5, color=INK)
axes[1].set_title("W.inverse(): the hold is a jump,\nthe jump a hold", loc="left", fontsize=9.5, color=INK)
save(figure, "warp")
