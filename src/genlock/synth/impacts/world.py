"""``genlock synth impacts``: films of things that strike, bounce, scrape and roll, with every contact known exactly."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlock.core.files import make_folders
from genlock.core.json_forms import write_json
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.synth.impacts.films import make_impact
from genlock.synth.impacts.oneshots import OneShots
from genlock.synth.impacts.plans import ImpactOptions
from genlock.synth.impacts.sets import plan_impacts
from genlock.synth.impacts.truth import IMPACT_VERSION, ImpactTruth
from genlock.synth.worlds import World

__all__ = ["IMPACTS", "Impacts", "make_impacts"]


@dataclass(frozen=True)
class Impacts:
    """What was made."""

    directory: Path
    """The folder."""
    truths: tuple[ImpactTruth, ...]
    """What is planted in each film, in order."""
    names: tuple[str, ...]
    """Names of the films or sounds."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``directory``, ``clips[]``: ``name``, ``scene``, ``contacts`` (how many), ``distractors``, ``pair``."""
        clips = [
            {
                "name": name,
                "scene": truth.scene,
                "contacts": len(truth.contacts),
                "distractors": list(truth.distractors),
                "pair": dict(truth.pair),
            }
            for name, truth in zip(self.names, self.truths, strict=True)
        ]
        return {"directory": str(self.directory), "clips": clips}

    def __str__(self) -> str:
        return "\n".join(
            f"{self.directory / name}: {truth}" for name, truth in zip(self.names, self.truths, strict=True)
        )


def make_impacts(
    directory: str | os.PathLike[str], options: ImpactOptions | None = None, progress: Progress = silent
) -> Impacts:
    """Make a set of films in a folder; ``impacts.json``, written last, lists them.

    The same options give the same truths, to the byte. What is there already of the same name is made again.

    >>> import tempfile
    >>> small = ImpactOptions(count=1, seconds=1, sizes=("64x64",), rates=("12",))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = make_impacts(folder, small)
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['000000.mp4', '000000.mp4.truth.json', 'impacts.json']

    Raises
    ------
    InputError
        If the folder of one-shots holds none.
    OutputError
        If a file cannot be written.
    """
    how, folder = options or ImpactOptions(), Path(directory)
    shots = None if how.oneshots is None else OneShots(how.oneshots)
    make_folders(folder)
    truths, names = [], []
    for plan in plan_impacts(how):
        truths.append(make_impact(folder, plan, sound_rate=how.sound_rate, film=how.films, shots=shots))
        names.append(f"{plan.name}{'.mp4' if how.films else '.wav'}")
        progress("impacts", len(names), how.count * (2 if how.pairs else 1))
    made = Impacts(folder, tuple(truths), tuple(names))
    write_json(
        folder / "impacts.json",
        {"kind": "impacts", "version": IMPACT_VERSION, "clips": made.to_dict()["clips"]},
    )
    return made


IMPACTS = World(
    "impacts",
    "films of things that strike, bounce, scrape and roll: every contact known to the sample",
    ImpactOptions,
    make_impacts,
)
