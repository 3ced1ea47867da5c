"""The command that opens the studio."""

from __future__ import annotations

import tyro

from genlock.cli.running import say
from genlock.studio import StudioOptions, run_studio

__all__ = ["studio"]

_STUDIO = StudioOptions()


def studio(folder: tyro.conf.Positional[str] = ".", /, options: StudioOptions = _STUDIO) -> None:
    """A local web page to look, listen and correct: library, timeline, words and offset of a folder of films.

    Args:
        folder: Folder of the films.
    """
    run_studio(folder, options, say)
