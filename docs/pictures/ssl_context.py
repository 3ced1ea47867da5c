"""What cutting the sound costs a wav2vec 2.0 model, from the figures of benchmarks/ssl_context.py."""

from __future__ import annotations

import json
from pathlib import Path

from _style import BLUE, GREY, INK, RED, save, sheet

FIGURES = json.loads((Path(__file__).parent / "ssl_context.json").read_text())

figure, (ax,) = sheet(3.6)
for name, color in (("wav2vec2-base", RED), ("wav2vec2-large-lv60", BLUE)):
    table = FIGURES[name]["contexts"]
    places = range(len(table))
    for norm, style in (("own", ":"), ("clip", "-")):
        label = f"{name}, norm of {'the whole clip' if norm == 'clip' else 'each chunk'}"
        ax.plot(
            places, [row[f"last, {norm}"] for row in table], style, color=color, marker="o", ms=4, label=label
        )
        ax.plot(
            places,
            [max(row[f"conv, {norm}"], 1e-7) for row in table],
            style,
            color=GREY if norm == "own" else color,
            marker="s",
            ms=3,
            lw=0.8,
        )
ax.set_yscale("log")
ax.set(ylim=(3e-8, 1), yticks=[1e-7, 1e-5, 1e-3, 1e-1])
ax.set_xticks(range(len(table)))
ax.set_xticklabels([f"{row['context_seconds']:g} s" for row in table])
ax.set_title(
    "difference from the whole, by context on both sides\n(large dots: last layer; small: convolutions, 0 at 1e-7)",
    loc="left",
    fontsize=10,
    color=INK,
)
ax.legend(fontsize=8.5, frameon=False, loc="upper left", bbox_to_anchor=(0, -0.12), ncol=2)
save(figure, "ssl_context")
