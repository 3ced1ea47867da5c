"""Time stamps in milliseconds: a rounded uniform rate, and a rate that varies."""

from __future__ import annotations

import math

from _style import BLUE, GREY, INK, PALE, SKY, save, sheet

from genlock.core import Grid, Ticks

ntsc = Grid("30000/1001")
rounded = Ticks([math.floor(ntsc.edge(k) * 1000 + 0.5) for k in range(10)], "1/1000", 33)
phone = Ticks([0, 33, 67, 100, 150, 183, 283, 300], "1/1000", 33)
assert rounded.as_grid("30000/1001") == ntsc
assert phone.as_grid("30000/1001") is None

figure, (ax,) = sheet(2.9)
for base, name, cells in (
    (
        1.55,
        "29.97 fps in a container that counts milliseconds: as_grid() finds the exact rate again",
        rounded,
    ),
    (0.0, "a phone that dropped frames: as_grid() answers None, the cells stay as they are", phone),
):
    ax.text(0, base + 1.05, name, color=INK, fontsize=9.5)
    for k in range(len(cells)):
        left, right = float(cells.edge(k)), float(cells.edge(k + 1))
        ax.fill_between([left, right], base + 0.3, base + 0.95, color=SKY if k % 2 else PALE, lw=0)
        ax.plot([left, left], [base + 0.3, base + 0.95], color=BLUE, lw=0.8)
        ax.plot(float(cells.center(k)), base + 0.62, "o", color=BLUE, ms=4)
        ax.text(left, base + 0.1, str(int(cells.pts[k])), fontsize=8.5, color=GREY, ha="center")
ax.set(xlim=(-0.005, 0.34), ylim=(-0.1, 2.9), xticks=[0, 0.1, 0.2, 0.3])
ax.set_xticklabels(["0", "100", "200", "300 ms"])
save(figure, "ticks")
