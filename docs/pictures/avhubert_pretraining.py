"""Losses of two iterations of masked prediction and of distillation, and what a probe finds in the last layers.

python docs/pictures/avhubert_pretraining.py [FOLDER [RECORD | PROBE ITERATION1 MORE ITERATION2 DISTILLED]]

PROBE is what ``benchmarks/avhubert_probe.py -o`` wrote of models called as the runs are, the others run folders of
``genlock train avhubert``: MORE goes on with ITERATION1, ITERATION2 with MORE. The record is then written anew.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from _style import BLUE, GREEN, GREY, RED, save
from matplotlib import pyplot

RECORD = Path(__file__).with_suffix(".json")
NAMES = ("iteration 1", "iteration 2", "distilled")
COLORS = dict(zip(NAMES, (BLUE, RED, GREEN), strict=True))
WAYS = ("sound", "lips", "both")


def losses_of(run: Path, first: int = 0) -> list[list[float]]:
    """Steps and losses of a run that went on after so many steps of another one."""
    rows = [json.loads(line) for line in (run / "run" / "log.jsonl").read_text("utf-8").splitlines()]
    by_step = {row["step"]: row["loss"] for row in rows}  # a run that went on has some steps twice
    return [[first + step, round(loss, 4)] for step, loss in sorted(by_step.items())]


if len(sys.argv) > 3:
    found = json.loads(Path(sys.argv[2]).read_text("utf-8"))["shares"]
    first, more, second, distilled = map(Path, sys.argv[3:])
    begun = losses_of(first)
    begun += losses_of(more, int(begun[-1][0]))
    losses = (begun, losses_of(second, int(begun[-1][0])), losses_of(distilled))
    RECORD.write_text(
        json.dumps({"losses": dict(zip(NAMES, losses, strict=True)), "shares": found}) + "\n", "utf-8"
    )
elif len(sys.argv) > 2:
    RECORD = Path(sys.argv[2])
DATA = json.loads(RECORD.read_text("utf-8"))

figure, axes = pyplot.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
for ax, names, title in (
    (axes[0], NAMES[:2], "cross-entropy of the clusters"),
    (axes[1], NAMES[2:], "squared error of the frames"),
):
    for name in names:
        steps, losses = zip(*DATA["losses"][name], strict=True)
        ax.plot(steps, losses, color=COLORS[name], label=name)
    ax.set_title(title)
    ax.set_xlabel("updates")
    ax.legend(frameon=False)
for number, name in enumerate(NAMES):
    shares = [DATA["shares"][name][way] for way in WAYS]
    values = [share["value"] for share in shares]
    below = [share["value"] - share["low"] for share in shares]
    above = [share["high"] - share["value"] for share in shares]
    places = [k + 0.2 * (number - 1) for k in range(3)]
    axes[2].errorbar(places, values, [below, above], fmt="o", color=COLORS[name])
axes[2].axhline(DATA["shares"]["mfcc"]["sound"]["value"], color=GREY)
axes[2].set_title("phones found by the last layer")
axes[2].set_xticks(range(3), WAYS)
axes[2].set_xlabel("line: MFCC")
save(figure, "avhubert_pretraining")
