"""Risk and coverage of ``genlock sync`` on people it has not met, from the films of benchmarks/sync_people.py.

python docs/pictures/sync_risk.py [FOLDER]
"""

from __future__ import annotations

import json
from pathlib import Path

from _style import BLUE, GREEN, INK, save
from matplotlib import pyplot

record = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
figure, ax = pyplot.subplots(figsize=(7, 3.4), layout="constrained")
for name, colour in (("strangers", BLUE), ("people of the data left out", GREEN)):
    shares, risks = zip(*record[name]["curve"], strict=True)
    ax.plot(shares, risks, color=colour, lw=2, label=name)
    ax.axvline(record[name]["own"], color=colour, lw=0.8, ls=":")
ax.set(xlabel="share of all films that is answered, the surest first", ylabel="share of those that is wrong")
ax.set_xlim(0, 0.6)
ax.set_ylim(0, 0.5)
ax.grid(axis="y", color="#e3e6ea", lw=0.8)
ax.legend(frameon=False, fontsize=9.5, labelcolor=INK)
save(figure, "sync_risk")
