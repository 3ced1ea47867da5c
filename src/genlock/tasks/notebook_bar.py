"""A progress bar below a notebook's cell, so that a minute's work does not look like a machine that hangs."""

from __future__ import annotations

import sys
import time
import warnings
from html import escape
from importlib import import_module
from types import TracebackType
from typing import Any

from genlock.core.progress import Progress, silent, told_progress

__all__ = ["NotebookBar", "in_notebook", "watched"]


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this program, which shows HTML below its cells.

    >>> in_notebook()
    False
    """
    shell = _shell()
    return shell is not None and "IPKernelApp" in getattr(shell, "config", {})


def watched(progress: Progress | None) -> NotebookBar | _Unseen:
    """Who is told how far work is, for a ``with``: the one that was given, else a bar in a notebook, else nobody.

    >>> with watched(None) as progress:
    ...     progress("read", 1.0, 2.0)
    """
    if progress is None and in_notebook():
        return NotebookBar()
    return _Unseen(silent if progress is None else progress)


class NotebookBar:
    """A bar of the stage that work is in, with the time left; it is gone when the work is done.

    Nothing is shown of what is over within a second, and no more than five pictures a second.
    """

    _FIRST_SECONDS = 1.0
    _EVERY_SECONDS = 0.2

    def __init__(self, shown: Any = None) -> None:
        """``shown``: what takes the HTML, with ``display`` and ``update``; None: the notebook's own."""
        self._shown, self._on_screen = shown, False
        self._began = self._said = time.monotonic()
        self._stages: dict[str, float] = {}
        self._unwarned = warnings.catch_warnings()

    def __enter__(self) -> NotebookBar:
        # A library that is first imported by this work asks for another package, for bars that we do not use.
        self._unwarned.__enter__()
        warnings.filterwarnings("ignore", message="IProgress not found")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unwarned.__exit__(kind, error, trace)
        if self._on_screen:
            self._show("")

    def __call__(self, stage: str, done: float, total: float | None) -> None:
        """Take how far a stage is; see :class:`genlock.core.progress.Progress`."""
        now = time.monotonic()
        begun = self._stages.setdefault(stage, now)
        if now - self._began < self._FIRST_SECONDS or now - self._said < self._EVERY_SECONDS:
            return
        self._said = now
        share = "" if not total else f' value="{min(done / total, 1.0):.4f}"'
        told = escape(f"{stage}: {told_progress(done, total, now - begun)}")
        self._show(f'<progress max="1"{share} aria-label="{escape(stage)}"></progress> {told}')

    def _show(self, text: str) -> None:
        display = import_module("IPython.display")  # only a notebook has it
        if self._shown is None:
            self._shown = display.DisplayHandle()
        if self._on_screen:
            self._shown.update(display.HTML(text))
        else:
            self._shown.display(display.HTML(text))
        self._on_screen = True


class _Unseen:
    """Hands on what it is told; it has nothing to open or close."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __enter__(self) -> Progress:
        return self._progress

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def _shell() -> Any:
    """The running IPython, if this program runs in one: whoever has not imported it is in none."""
    python = sys.modules.get("IPython")
    return None if python is None else python.get_ipython()
