"""``genlock demo``: a short talking test card, aligned."""

from __future__ import annotations

from genlock.cli.arguments import Json, Output
from genlock.cli.running import each
from genlock.tasks.demo import run_demo

__all__ = ["demo"]


def demo(output: Output = None, json: Json = False) -> None:
    """Make a short talking test card and align it.

    Args:
        output: Folder to make it in (default: genlock-demo here).
        json: Print one JSON object instead of text.
    """
    folder = output or "genlock-demo"
    each([folder], None, json, lambda folder, where, bar: run_demo(folder, bar), expand=False)
