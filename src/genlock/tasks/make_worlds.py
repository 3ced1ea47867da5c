"""The worlds of ``genlock synth``: clips of which everything is known."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlock.core.files import make_folders, write_text
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.synth import CardOptions, CardTruth, make_card
from genlock.synth.signals.sets import SetOptions, SignalClip, make_signal_set
from genlock.synth.worlds import World

__all__ = ["CARD", "SIGNALS", "CardMade", "SignalSet", "make_card_folder", "make_signals"]


@dataclass(frozen=True)
class SignalSet:
    """The clips that were made."""

    directory: Path
    """The folder that holds them, their truths and ``signals.json``."""
    clips: tuple[SignalClip, ...]
    """The clips, in order."""

    __repr__ = one_line

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


@dataclass(frozen=True)
class CardMade:
    """The talking test card that was made."""

    video: Path
    """The film; ``.txt`` and ``.truth.json`` beside it hold what is said, and the truth."""
    truth: CardTruth
    """What is planted in it."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``video``, ``transcript``."""
        return {"video": str(self.video), "transcript": self.truth.transcript}

    def __str__(self) -> str:
        return f"{self.video}: {self.truth.frame_count} frames; {self.truth.transcript}"


def make_card_folder(
    directory: str | os.PathLike[str], options: CardOptions | None = None, progress: Progress = silent
) -> CardMade:
    """Make ``testcard.mp4`` in a folder, with its transcript and its planted truth beside it."""
    where = Path(directory)
    make_folders(where)
    video = where / "testcard.mp4"
    truth = make_card(video, options)
    truth.save(where / "testcard.truth.json")
    write_text(where / "testcard.txt", truth.transcript + "\n")
    progress("card", 1, 1)
    return CardMade(video, truth)


SIGNALS = World(
    "signals",
    "flashes with beeps, motion with tones; every frame rate and container in turn",
    SetOptions,
    make_signals,
)
CARD = World(
    "card", "a talking test card: a face that speaks, flashes with beeps", CardOptions, make_card_folder
)
