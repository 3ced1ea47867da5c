"""61,334 samples and their 191 frames: what a frame means, and where others put the same frames."""

from __future__ import annotations

import numpy as np
from _style import BLUE, GREEN, GREY, INK, PALE, RED, SKY, save, sheet

from genlock.core import Grid
from genlock.extractors.sound.framing import wav2vec2

RATE, COUNT = 16000, 61_334
framing = wav2vec2()
grid = framing.grid(RATE)
frames = framing.count(COUNT)
length = COUNT / RATE
centers = grid.centers(frames)

figure, (first, last, errors) = sheet(8.2, 3)
figure.subplots_adjust(hspace=0.55)


def stretch(ax, begin: float, end: float, chosen: range, title: str) -> None:  # type: ignore[no-untyped-def]
    """Windows, cells and centres of some frames."""
    ax.set_title(title, loc="left", fontsize=10, color=INK)
    for n, k in enumerate(chosen):
        left, right, middle = float(grid.edge(k)), float(grid.edge(k + 1)), float(grid.center(k))
        ax.fill_between([left, right], 0, 0.8, color=SKY if k % 2 else PALE, lw=0)
        ax.plot([left, left], [0, 0.8], color=BLUE, lw=0.8)
        ax.plot(middle, 0.4, "o", color=BLUE, ms=4)
        ax.text(middle + 0.0007, 0.5, str(k), fontsize=9, color=BLUE)
        low, high = 320 * k / RATE, (320 * k + 400) / RATE
        y = -0.35 - 0.28 * (n % 3)
        ax.plot([low, high], [y, y], "|-", color=GREY, lw=1, ms=5)
        ax.plot(middle, y, ".", color=GREY, ms=4)
    ax.set(xlim=(begin, end), ylim=(-1.2, 1.2), yticks=[])


stretch(
    first,
    -0.002,
    0.085,
    range(4),
    "the start: cells of 20 ms (blue), centred on the windows of 25 ms that made them (grey)",
)
first.axvline(0, color=RED, lw=1)
first.text(0.0004, 1.0, "first sample", color=RED, fontsize=9)
stretch(last, length - 0.078, length + 0.009, range(frames - 4, frames), "the end")
last.axvline(length, color=RED, lw=1)
last.text(length - 0.0004, 1.0, "sound ends, 3833.4 ms", color=RED, fontsize=9, ha="right")
naive = frames * 0.02
last.axvline(naive, color=INK, lw=1, ls=":")
last.text(naive - 0.0004, -1.1, "191 x 20 ms", color=INK, fontsize=9, ha="right")
for ax in (first, last):
    ticks = [t for t in np.arange(0, 4, 0.02) if ax.get_xlim()[0] <= t <= ax.get_xlim()[1]]
    ax.set_xticks(ticks)
    ax.set_xticklabels([f"{1000 * t:.0f} ms" for t in ticks])


def at(rows: np.ndarray) -> np.ndarray:
    """The instant that a (fractional) row of features describes."""
    return np.interp(rows, np.arange(frames), centers)


k = np.arange(frames)
video30, video25 = int(frames / 50 * 30), Grid(25).index(length, "ceil")
j30, j25 = np.arange(video30), np.arange(video25)
inner = j25[(2 * j25 - 8 >= 0) & (2 * j25 + 8 <= frames)]
OTHERS = [
    ("k x duration / T (word times of CTC aligners)", centers, k * length / frames, INK),
    ("k x 20 ms (a frame's left edge; several pipelines)", centers, k * 0.02, GREY),
    (
        "stretch, align_corners=True, 30 fps (FaceFormer)",
        at(j30 * (frames - 1) / (video30 - 1)),
        j30 / 30,
        RED,
    ),
    (
        "stretch, align_corners=False, 25 fps",
        at((j25 + 0.5) * frames / video25 - 0.5),
        (j25 + 0.5) / 25,
        "#b5651d",
    ),
    (
        "16 rows [2i-8, 2i+8) (VOCA, AD-NeRF)",
        np.array([centers[2 * i - 8 : 2 * i + 8].mean() for i in inner]),
        (inner + 0.5) / 25,
        GREEN,
    ),
    ("Genlock", centers, grid.centers(frames), BLUE),
]
errors.set_title(
    "the instant that the value describes, less the instant that it is used for, in ms",
    loc="left",
    fontsize=10,
    color=INK,
)
for name, true, used, color in OTHERS:
    errors.plot(used, 1000 * (true - used), color=color, lw=1.6, label=name)
errors.axhline(0, color=GREY, lw=0.5)
errors.set(xlim=(0, length), ylim=(-20, 50), yticks=[-20, 0, 20, 40])
errors.set_xticks([0, 1, 2, 3])
errors.set_xticklabels(["0", "1", "2", "3 s"])
errors.legend(fontsize=8.5, frameon=False, loc="upper left", bbox_to_anchor=(0, -0.15), ncol=2)
save(figure, "samples_61334")

if __name__ == "__main__":
    for name, true, used, _ in OTHERS:
        off = 1000 * (true - used)
        print(
            f"{name:55} {off[0]:+6.1f} ... {off[-1]:+6.1f}   lowest {off.min():+.1f} highest {off.max():+.1f}"
        )
