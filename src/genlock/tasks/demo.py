"""``genlock demo``: a talking test card of our own, and the main job on it."""

from __future__ import annotations

import os
from pathlib import Path

from genlock.core.files import write_text
from genlock.core.progress import Progress, silent
from genlock.synth import make_card
from genlock.tasks.align_video import Alignment, AlignOptions, align_video

__all__ = ["run_demo"]


def run_demo(folder: str | os.PathLike[str], progress: Progress = silent) -> Alignment:
    """Make ``testcard.mp4`` in a folder, with its transcript and its planted truth, and align it."""
    where = Path(folder)
    where.mkdir(parents=True, exist_ok=True)
    video, text = where / "testcard.mp4", where / "testcard.txt"
    truth = make_card(video)
    truth.save(where / "testcard.truth.json")
    write_text(text, truth.transcript + "\n")
    return align_video(video, AlignOptions(transcript=str(text)), None, progress)
