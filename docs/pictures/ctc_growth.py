"""Time and memory of CTC alignment, from the figures of benchmarks/ctc_alignment.py.

python docs/pictures/ctc_growth.py [FOLDER [RECORD]]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from _style import BLUE, GREEN, GREY, INK, RED, save
from matplotlib import pyplot

FRAMES_A_SECOND = 50
RECORD = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_suffix(".json")
ROWS = json.loads(RECORD.read_text(encoding="utf-8"))
COLORS = {"genlock, exact": BLUE, "genlock, auto": GREEN, "hirschberg-viterbi": RED, "plain trellis": GREY}
TEXT_FRAMES = 36_000  # the sound whose text is varied


def rows(name: str, by_text: bool) -> list[dict[str, float]]:
    return [r for r in ROWS if r["name"] == name and (r["frames"] == TEXT_FRAMES) == by_text]


figure, axes = pyplot.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
for ax, quantity, title in (
    (axes[0], "processor_seconds", "seconds on one core"),
    (axes[1], "mib", "MiB beside the emissions"),
):
    for name, color in COLORS.items():
        table = rows(name, by_text=False)
        minutes = [r["frames"] / FRAMES_A_SECOND / 60 for r in table]
        ax.loglog(
            minutes, [max(r[quantity], 0.01) for r in table], "o-", ms=3.5, lw=1.3, color=color, label=name
        )
    ax.set_xticks([1, 6, 60], labels=["1", "6", "60"])
    ax.set_xlabel("minutes of sound, 15 characters a second")
    ax.set_title(title, loc="left", fontsize=11, color=INK)
for name in ("genlock, exact", "genlock, auto"):
    table = rows(name, by_text=True)
    rates = [r["tokens"] / (r["frames"] / FRAMES_A_SECOND) for r in table]
    axes[2].plot(rates, [r["processor_seconds"] for r in table], "o-", ms=3.5, lw=1.3, color=COLORS[name])
axes[2].set_ylim(0)
axes[2].set_xlabel("characters a second, 12 minutes of sound")
axes[2].set_title("seconds on one core", loc="left", fontsize=11, color=INK)
for ax in axes:
    ax.spines["left"].set_visible(True)
axes[0].legend(frameon=False, fontsize=9)
save(figure, "ctc_growth")
