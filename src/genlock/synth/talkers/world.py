"""``genlock synth talkers``: films of people who speak, with everything that is said and seen known exactly."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlock.core.files import make_folders
from genlock.core.json_forms import write_json
from genlock.core.one_line import one_line
from genlock.core.optional import require_packages
from genlock.core.progress import Progress, silent
from genlock.synth.talkers.films import make_talker
from genlock.synth.talkers.plans import TalkerOptions, plan_talkers
from genlock.synth.talkers.truth import TALKER_VERSION, TalkerTruth
from genlock.synth.worlds import World

__all__ = ["TALKERS", "Talkers", "make_talkers"]


@dataclass(frozen=True)
class Talkers:
    """What was made."""

    directory: Path
    """The folder."""
    truths: tuple[TalkerTruth, ...]
    """What is planted in each film, in order."""
    names: tuple[str, ...]
    """Names of the films or sounds."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``directory``, ``clips[]``: ``name``, ``text``, ``person``, ``voice``, ``offset_seconds``."""
        clips = [
            {
                "name": name,
                "text": truth.text,
                "person": truth.person,
                "voice": truth.voice,
                "licence": truth.licence,
                "offset_seconds": float(truth.offset_seconds),
            }
            for name, truth in zip(self.names, self.truths, strict=True)
        ]
        return {"directory": str(self.directory), "clips": clips}

    def __str__(self) -> str:
        return "\n".join(
            f"{self.directory / name}: {truth}" for name, truth in zip(self.names, self.truths, strict=True)
        )


def make_talkers(
    directory: str | os.PathLike[str], options: TalkerOptions | None = None, progress: Progress = silent
) -> Talkers:
    """Make a set of talkers in a folder; ``talkers.json``, written last, lists them.

    The same options give the same truths, to the byte. What is there already of the same name is made again.

    >>> import tempfile
    >>> small = TalkerOptions(count=1, sizes=("96x96",), rates=("12",), rooms=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = make_talkers(folder, small)
    ...     sorted(path.name for path in Path(folder).iterdir())  # doctest: +NORMALIZE_WHITESPACE
    ['000000.landmarks.npz', '000000.mp4', '000000.mp4.truth.json', '000000.state.npz', '000000.talker.json',
     '000000.txt', 'talkers.json']

    Raises
    ------
    OptionError
        If a voice is unknown.
    MissingDependency, MissingModel
        If a voice is not on this machine.
    OutputError
        If a file cannot be written.
    """
    require_packages("numba", "cv2", what="drawing talkers")
    how, folder = options or TalkerOptions(), Path(directory)
    make_folders(folder)
    truths, names = [], []
    for number, plan in enumerate(plan_talkers(how)):
        truths.append(
            make_talker(
                folder,
                plan,
                sound_rate=how.sound_rate,
                film=how.films,
                landmarks=how.landmarks,
                tracker_noise=how.tracker_noise,
            )
        )
        names.append(f"{plan.name}{'.mp4' if how.films else '.wav'}")
        progress("talkers", number + 1, how.count)
    made = Talkers(folder, tuple(truths), tuple(names))
    write_json(
        folder / "talkers.json",
        {"kind": "talkers", "version": TALKER_VERSION, "clips": made.to_dict()["clips"]},
    )
    return made


TALKERS = World(
    "talkers",
    "faces that speak: phones, words, landmarks and offset of each film known exactly",
    TalkerOptions,
    make_talkers,
)
