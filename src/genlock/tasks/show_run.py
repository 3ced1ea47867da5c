"""``genlock train --show RUN``: the log of a run as a picture, or for a terminal."""

from __future__ import annotations

import os
from dataclasses import replace

from genlock.drawing.sheet import plot_ending
from genlock.train.run_curves import RunCurves, read_curves, write_curves

__all__ = ["show_run"]


def show_run(folder: str | os.PathLike[str], output: str | os.PathLike[str] | None = None) -> RunCurves:
    """The curves of a run, which may still be going on.

    Parameters
    ----------
    folder : the run folder
    output : a picture to write, ``.svg`` or ``.png``; None: none

    Raises
    ------
    InputError
        If the folder holds no run, or nothing was logged yet.
    OptionError
        If the output has another ending.
    OutputError
        If it cannot be written.
    """
    if output is not None:
        plot_ending(output)
    curves = read_curves(folder)
    if output is None:
        return curves
    write_curves(curves, output)
    return replace(curves, picture=os.fspath(output))
