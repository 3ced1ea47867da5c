"""Losses of two iterations of masked prediction and of distillation, and what a probe finds in the layers afterwards.

python docs/pictures/avhubert_pretraining.py [FOLDER [RECORD | ITERATION1 ITERATION2 DISTILLED]]

With three run folders of ``genlock train avhubert`` the record is written anew from their logs and figures.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from _style import BLUE, GREEN, GREY, RED, save
from matplotlib import pyplot

RECORD = Path(__file__).with_suffix(".json")
NAMES = ("iteration 1", "iteration 2", "distilled")
COLORS = dict(zip(NAMES, (BLUE, RED, GREEN), strict=True))


def recorded(run: Path) -> dict[str, Any]:
    """The losses and the held-out figures of a run, and its probe."""
    rows = [json.loads(line) for line in (run / "run" / "log.jsonl").read_text("utf-8").splitlines()]
    by_step = {row["step"]: row for row in rows}  # a run that went on has some steps twice
    return {
        "loss": [[step, round(row["loss"], 4)] for step, row in sorted(by_step.items())],
        "valid": [
            {key: round(value, 4) for key, value in row.items() if key == "step" or key.startswith("valid_")}
            for _, row in sorted(by_step.items())
            if any(key.startswith("valid_") for key in row)
        ],
        "probe": json.loads((run / "figures.json").read_text("utf-8"))["probe"],
    }


if len(sys.argv) > 3:
    runs = {name: recorded(Path(folder)) for name, folder in zip(NAMES, sys.argv[2:], strict=True)}
    RECORD.write_text(json.dumps(runs) + "\n", "utf-8")
elif len(sys.argv) > 2:
    RECORD = Path(sys.argv[2])
DATA = json.loads(RECORD.read_text("utf-8"))

figure, axes = pyplot.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
for ax, names, title in (
    (axes[0], NAMES[:2], "cross-entropy of the clusters"),
    (axes[1], NAMES[2:], "squared error of the frames"),
):
    for name in names:
        steps, losses = zip(*DATA[name]["loss"], strict=True)
        ax.plot(steps, losses, color=COLORS[name], label=name)
    ax.set_title(title)
    ax.set_xlabel("updates")
    ax.legend(frameon=False)
for name in NAMES:
    probe = DATA[name]["probe"]
    for stream, line in (("sound", ":"), ("lips", "--"), ("both", "-")):
        found = [probe[key] for key in sorted(probe) if key.startswith(f"probe_{stream}_")]
        axes[2].plot(range(len(found)), found, line, color=COLORS[name])
axes[2].axhline(DATA[NAMES[0]]["probe"]["probe_mfcc"], color=GREY)
axes[2].set_title("phones found: sound ···, lips – –, both —")
axes[2].set_xlabel("layer (grey: MFCC)")
axes[2].set_xticks(range(4))
save(figure, "avhubert_pretraining")
