"""Jobs of the timeline: lanes to look at, words to be placed anew, a file mended as somebody says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from genlock import tasks
from genlock.core.progress import Progress
from genlock.studio.folder import MediaFile, StudioFolder
from genlock.studio.jobs.places import Done, lanes_folder
from genlock.studio.word_edits import WordEdits

__all__ = ["look_for_lanes"]


def look_for_lanes(
    folder: StudioFolder, file: MediaFile, options: tasks.LaneOptions, room: Path, progress: Progress
) -> Done:
    """Curves, phones and shots of a file; what was found before under other names stays."""
    found = tasks.find_lanes(file.path, WordEdits(folder).words(file), options, room / "lanes", progress)
    place = lanes_folder(folder, file)
    place.mkdir(parents=True, exist_ok=True)
    made = sorted((room / "lanes").iterdir())
    for each in made:
        os.replace(each, place / each.name)
        shutil.rmtree(place / f"{each.stem}.tiles", ignore_errors=True)
    counts = [f"{len(spans)} {spans.name}" for spans in found.spans]
    sentence = ", ".join([f"{len(found.tracks)} curves and bands", *counts])
    return Done(sentence, found.to_dict(), found.notes)
