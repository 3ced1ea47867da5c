"""The record of a pretraining run that the pictures of docs/wav2vec2.md are drawn from.

python benchmarks/phone_probe.py --model RUN/model --sounds PREPARED --json PROBE
python benchmarks/pretraining_record.py RUN PROBE docs/pictures/wav2vec2.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

KEPT = ("contrastive", "accuracy", "chance", "perplexity_1", "perplexity_2")
POINTS = 60


def main() -> None:
    """Write it: means of the log in 60 stretches, the held-out figures, codes against phones."""
    run, probe, target = map(Path, sys.argv[1:4])
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    settings = json.loads((run / "run.json").read_text(encoding="utf-8"))
    curve: list[dict[str, Any]] = []
    for some in np.array_split(np.arange(len(rows)), min(POINTS, len(rows))):
        means = {name: round(float(np.mean([rows[k][name] for k in some])), 4) for name in KEPT}
        curve.append({"step": rows[some[-1]]["step"], **means})
    valid = [
        {"step": row["step"], **{name: round(row[f"valid_{name}"], 4) for name in KEPT}}
        for row in rows
        if "valid_accuracy" in row
    ]
    found = json.loads(probe.read_text(encoding="utf-8"))
    record = {
        "settings": settings["settings"],
        "loop": settings["loop"],
        "codes": settings["settings"]["codes"],
        "curve": curve,
        "valid": valid,
        "phones": found["phones"],
        "phone_counts": found["codes"],
    }
    target.write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(curve)} points, {len(valid)} evaluations, {len(found['phones'])} phones in {target}")


if __name__ == "__main__":
    main()
