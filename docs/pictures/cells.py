"""The first 80 ms of a recording, as four kinds of numbers see them."""

from __future__ import annotations

from fractions import Fraction

from _style import BLUE, GREY, INK, PALE, RED, SKY, save, sheet

from genlock.core import Grid

END = 0.085
ROWS = [
    ("video, 25 frames per second", Grid(25), None),
    (
        "wav2vec 2.0: windows of 400 samples,\none every 320, at 16 kHz",
        Grid.of_windows(sample_rate=16000, hop=320, first_center=Fraction(399, 2)),
        Fraction(400, 16000),
    ),
    (
        "Kaldi filterbank: windows of 400 samples,\none every 160, at 16 kHz",
        Grid.of_windows(sample_rate=16000, hop=160, first_center=Fraction(399, 2)),
        Fraction(400, 16000),
    ),
    (
        "centred STFT: windows of 1024 samples,\none every 256, at 22.05 kHz",
        Grid.of_windows(sample_rate=22050, hop=256, first_center=0),
        Fraction(1024, 22050),
    ),
]

figure, (ax,) = sheet(5.4)
for row, (name, grid, window) in enumerate(ROWS):
    base = -1.6 * row
    ax.text(-0.0265, base + 1.04, name, va="bottom", color=INK, fontsize=9.5, linespacing=1.1)
    for k in range(-1 if window is None else 0, 40):
        left, right, middle = float(grid.edge(k)), float(grid.edge(k + 1)), float(grid.center(k))
        if left >= END or right <= -0.0265 or (window is None and k < 0):
            continue
        ax.fill_between([left, min(right, END)], base + 0.32, base + 0.95, color=SKY if k % 2 else PALE, lw=0)
        ax.plot([left, left], [base + 0.32, base + 0.95], color=BLUE, lw=0.8)
        if middle < END:
            ax.plot(middle, base + 0.63, "o", color=BLUE, ms=4)
            ax.text(middle + 0.0006, base + 0.72, str(k), fontsize=8.5, color=BLUE)
        if window is not None and k == 1:
            half = float(window) / 2
            y = base + 0.17
            ax.plot([middle - half, middle + half], [y, y], "|-", color=GREY, lw=1, ms=5)
            note = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            where = (middle + half + 0.001, y)
            ax.text(
                *where, "what frame 1 looked at", va="center", fontsize=8.5, color=GREY, bbox=note, zorder=3
            )
event = 0.0413
ax.plot([event, event], [-4.5, 1.05], color=RED, lw=1.2)
cells = [grid.index(str(event), "floor") for _, grid, _ in ROWS]
says = f"an event at 41.3 ms lies in the cells {', '.join(map(str, cells))}"
ax.text(event - 0.0005, 1.12, says, color=RED, fontsize=9.5)
ax.set(xlim=(-0.027, END), ylim=(-4.8, 1.5), xticks=[0, 0.02, 0.04, 0.06, 0.08])
ax.set_xticklabels(["0", "20", "40", "60", "80 ms"])
save(figure, "cells")
