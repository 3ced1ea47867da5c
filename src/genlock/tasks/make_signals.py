"""``genlock synth signals``: test clips whose sync is known exactly."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlock.core.progress import Progress, silent
from genlock.synth.signals.sets import SetOptions, SignalClip, make_signal_set

__all__ = ["SetOptions", "SignalSet", "make_signals"]


@dataclass(frozen=True)
class SignalSet:
    """The clips that were made."""

    directory: Path
    """The folder that holds them, their truths and ``signals.json``."""
    clips: tuple[SignalClip, ...]
    """The clips, in order."""

    def to_dict(self) -> dict[str, Any]:
        """``directory``, ``clips[]``."""
        return {"directory": str(self.directory), "clips": [clip.to_dict() for clip in self.clips]}

    def __str__(self) -> str:
        lines = [f"{self.directory / clip.name}: {clip.truth}" for clip in self.clips]
        return "\n".join(lines)


def make_signals(
    directory: str | os.PathLike[str], options: SetOptions | None = None, progress: Progress = silent
) -> SignalSet:
    """Make a set of test signals in a folder."""
    how = options or SetOptions()
    clips = []
    for clip in make_signal_set(directory, how):
        clips.append(clip)
        progress("signals", len(clips), how.count)
    return SignalSet(Path(directory), tuple(clips))
