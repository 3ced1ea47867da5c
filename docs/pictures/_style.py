"""What the pictures have in common: colours, size, and where they go."""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

matplotlib.use("svg")
# Text stays text, and equal pictures are equal files.
pyplot.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "genlock",
        "font.family": "sans-serif",
        "font.size": 11,
        "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
    }
)

INK, BLUE, RED, GREEN, GREY, PALE, SKY = (
    "#1c2430",
    "#1a5fb4",
    "#c01c28",
    "#26843f",
    "#8b94a3",
    "#eef1f5",
    "#c9dcf3",
)


def sheet(height: float, rows: int = 1, **options: object) -> tuple[Figure, list[Axes]]:
    """An empty picture of some rows over one time axis."""
    figure, axes = pyplot.subplots(rows, 1, figsize=(8, height), squeeze=False, **options)  # type: ignore[arg-type]
    for ax in axes[:, 0]:
        ax.set_yticks([])
    return figure, list(axes[:, 0])


def save(figure: Figure, name: str) -> None:
    """Write the picture into the folder that the program was given."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/docs/pictures")
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None}, bbox_inches="tight")
