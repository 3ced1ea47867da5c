"""``genlock train --show``: curves out of a log that is planted, whole or cut short."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from genlock.cli import main
from genlock.core.errors import InputError, OptionError
from genlock.core.json_forms import write_json
from genlock.tasks.show_run import show_run


def plant(run: Path, rows: list[dict[str, Any]], tail: str = "") -> Path:
    """A run folder with a log."""
    write_json(run / "run.json", {"kind": "run", "recipe": "toy", "settings": {}, "loop": {"steps": 4000}})
    (run / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + tail)
    return run


def log(steps: int) -> list[dict[str, Any]]:
    """A loss that falls from 2 to 1, one gap in it, and every hundredth update a held-out one."""
    rows: list[dict[str, Any]] = []
    for step in range(1, steps + 1):
        row: dict[str, Any] = {"step": step, "loss": 1 + (steps - step) / (steps - 1), "frames": 7}
        if step == 50:
            row["loss"] = None
        if step % 100 == 0:
            row["valid_loss"] = 2.5
        rows.append({**row, "elapsed_seconds": step / 10, "left_seconds": 1})
    return rows


def points(svg: str, colour: str) -> list[list[tuple[float, float]]]:
    """The lines of a colour in a picture."""
    found = re.findall(rf'<path d="M([^"]*)" fill="none" stroke-width="1.5" stroke="{colour}"', svg)
    return [[(float(x), float(y)) for x, y in (p.split() for p in path.split("L"))] for path in found]


def test_the_planted_line_is_drawn(tmp_path: Path) -> None:
    run = plant(tmp_path / "run", log(400))
    found = show_run(run, tmp_path / "curves.svg")
    svg = (tmp_path / "curves.svg").read_text()
    ElementTree.fromstring(svg)
    assert "toy, 400 of 4000 updates" in svg
    assert [c["name"] for c in found.to_dict()["figures"]] == ["loss", "frames", "valid_loss"]
    loss = points(svg, "#1a5fb4")[0]
    # A straight line, from left to right and down: two thirds of the panel, whose top is the held-out 2.5.
    x, y = np.array(loss).T
    assert np.all(np.diff(x) > 0)
    assert np.abs(np.polyval(np.polyfit(x, y, 1), x) - y).max() < 0.2
    assert (y[-1] - y[0]) / 130 == pytest.approx(1 / 1.5, abs=0.01)
    held = points(svg, "#c01c28")[0]
    assert len(held) == 4
    assert len({y for _, y in held}) == 1


def test_more_updates_than_there_is_room_for_are_a_mean_and_a_band(tmp_path: Path) -> None:
    rows = [{"step": k + 1, "loss": float(k % 2)} for k in range(5000)]
    show_run(plant(tmp_path / "run", rows), tmp_path / "curves.svg")
    svg = (tmp_path / "curves.svg").read_text()
    assert len(svg) < 80_000
    mean = points(svg, "#1a5fb4")[0]
    assert len(mean) == 300
    heights = np.array(mean)[:, 1]
    assert np.ptp(heights) < 0.06 * 130  # one or nine of seventeen
    assert svg.count('stroke="#cdd3db"') > 300


def test_a_log_that_is_being_written(tmp_path: Path) -> None:
    run = plant(tmp_path / "run", log(120), tail='{"step": 121, "lo')
    found = show_run(run)
    assert found.done == 120
    loss = found.to_dict()["figures"][0]
    assert (loss["count"], loss["first"], loss["last"], loss["lowest"]) == (120, 2.0, 1.0, 1.0)
    lines = str(found).splitlines()
    assert lines[0] == f"toy, 120 of 4000 updates: {run}"
    assert "loss 1   valid_loss 2.5" in lines
    drawn = lines[lines.index("loss 1   valid_loss 2.5") + 1 :][:4]
    assert drawn[0].startswith("         2 \u2809")
    assert drawn[3].startswith("         1 ")
    # It falls: what is drawn in the first row ends where the last row's begins.
    assert len(drawn[0].rstrip()) < len(drawn[3].rstrip())


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plant(tmp_path / "outer/run", log(100))
    assert main(["train", "--show", str(tmp_path / "outer"), "-o", str(tmp_path / "c.png"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["steps"], told["planned_steps"], told["picture"]) == (100, 4000, str(tmp_path / "c.png"))
    assert cv2.imread(str(tmp_path / "c.png")) is not None
    assert main(["train", "--show", str(tmp_path)]) == 2
    assert "holds no run" in capsys.readouterr().err


def test_what_cannot_be_shown(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no line yet"):
        show_run(plant(tmp_path / "empty", []))
    with pytest.raises(OptionError, match=r"an \.svg or a \.png"):
        show_run(plant(tmp_path / "run", log(3)), tmp_path / "curves.pdf")
    rows = [{"step": 1, "loss": None}, {"step": 2, "loss": None}]
    odd = plant(tmp_path / "odd", rows)
    assert "loss (not finite)" in str(show_run(odd))
    show_run(odd, tmp_path / "odd.svg")
    show_run(plant(tmp_path / "one", [{"step": 1, "loss": 3.0}]), tmp_path / "one.png")
