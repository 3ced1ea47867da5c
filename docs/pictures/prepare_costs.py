"""What each output of ``genlock prepare`` costs an hour of clips, from the figures of benchmarks/prepare_costs.py.

python docs/pictures/prepare_costs.py [FOLDER [RECORD]]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from _style import BLUE, GREEN, INK, SKY, save
from matplotlib import pyplot

RECORD = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_suffix(".json")
ROWS = sorted(
    json.loads(RECORD.read_text(encoding="utf-8"))["rows"], key=lambda row: row["processor_seconds"]
)
LEAST_MB = 0.1  # what is only said in the index has no file

figure, axes = pyplot.subplots(1, 2, figsize=(9, 4.2), sharey=True, layout="constrained")
for ax, quantity, scale, title in (
    (axes[0], "processor_seconds", 1, "CPU seconds for an hour of clips"),
    (axes[1], "bytes", 1e6, "MB for an hour of clips"),
):
    for y, row in enumerate(ROWS):
        value = row[quantity] / scale
        whole = row["name"].startswith("all")
        color = {"processor_seconds": (SKY, BLUE), "bytes": ("#cfe8d5", GREEN)}[quantity][whole]
        ax.barh(y, max(value, LEAST_MB), color=color, height=0.66)
        text = f"{value:,.0f}" if value >= LEAST_MB else "in the index"
        ax.text(max(value, LEAST_MB) * 1.1, y, text, va="center", fontsize=9.5, color=INK)
    ax.set(xscale="log", title=title, yticks=range(len(ROWS)), yticklabels=[row["name"] for row in ROWS])
    ax.set_xlim(right=ax.get_xlim()[1] * 4)
    ax.title.set_fontsize(11)
save(figure, "prepare_costs")
