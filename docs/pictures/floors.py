"""The floors of the house: each room of the package on its layer, read from the project."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from _style import BLUE, GREY, INK, PALE, SKY, save, sheet
from matplotlib.patches import Rectangle

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src" / "genlock"


def floors() -> list[list[str]]:
    """The rooms of each layer, the top one first, as import-linter checks them."""
    with open(REPOSITORY / "pyproject.toml", "rb") as stream:
        contracts = tomllib.load(stream)["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    found = [re.findall(r"\w+", layer) for layer in layers]
    return [[room for room in rooms if is_there(room)] for rooms in found]


def is_there(room: str) -> bool:
    """Whether a room of the contract is in the package: a folder or a single file."""
    return (SOURCE / f"{room}.py").exists() or (SOURCE / room / "__init__.py").exists()


if __name__ == "__main__":
    house = [rooms for rooms in floors() if rooms]
    figure, (ax,) = sheet(0.62 * len(house) + 0.6)
    for number, rooms in enumerate(house):
        y, left = -number, 0.0
        width = 8.0 / len(rooms)
        for room in rooms:
            ax.add_patch(
                Rectangle(
                    (left + 0.03, y - 0.42),
                    width - 0.06,
                    0.84,
                    facecolor=(PALE, SKY)[number % 2],
                    edgecolor=BLUE,
                    lw=0.8,
                )
            )
            ax.text(left + width / 2, y, room, ha="center", va="center", color=INK, fontsize=11)
            left += width
    ax.annotate(
        "", xy=(-0.22, -len(house) + 0.7), xytext=(-0.22, 0.4), arrowprops={"arrowstyle": "->", "color": GREY}
    )
    ax.text(
        -0.34,
        -len(house) / 2 + 0.5,
        "may import",
        rotation=90,
        ha="center",
        va="center",
        color=GREY,
        fontsize=9,
    )
    ax.set(xlim=(-0.6, 8.1), ylim=(-len(house) + 0.4, 0.6), xticks=[])
    ax.spines["bottom"].set_visible(False)
    save(figure, "floors")
