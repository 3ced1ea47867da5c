"""Jobs of the timeline: what is looked for to be shown there, and words that are placed anew."""

from __future__ import annotations

import os
from pathlib import Path

from genlock.core.progress import Progress
from genlock.studio import names
from genlock.studio.folder import MediaFile, StudioFolder
from genlock.studio.jobs.kinds import Done, JobKind, free_name
from genlock.studio.lanes import lanes_folder
from genlock.studio.word_edits import Changed, WordEdits
from genlock.tasks.mend_sound import MendOptions, mend_sound
from genlock.tasks.realign_words import RealignOptions, realign_words
from genlock.tasks.timeline_lanes import LaneOptions, find_lanes

__all__ = ["TIMELINE_KINDS"]

_READING = ("reading.threads", "reading.max_gap_seconds", "reading.upright")


def _lanes(
    folder: StudioFolder, file: MediaFile, options: LaneOptions, room: Path, progress: Progress
) -> Done:
    """What was found before under other names stays."""
    found = find_lanes(file.path, WordEdits(folder).words(file), options, room / "lanes", progress)
    place = lanes_folder(folder, file)
    place.mkdir(parents=True, exist_ok=True)
    for each in sorted((room / "lanes").iterdir()):
        os.replace(each, place / each.name)
    counts = [f"{len(spans)} {spans.name}" for spans in found.spans]
    return Done(", ".join([f"{len(found.tracks)} tracks", *counts]), found.to_dict(), found.notes)


def _realign(
    folder: StudioFolder, file: MediaFile, options: RealignOptions, room: Path, progress: Progress
) -> Done:
    """The words come back with the job: the page puts them in place, so that it can be undone."""
    document = WordEdits(folder).document(file)
    if options.revision is not None and options.revision != document["revision"]:
        raise Changed(f"the words have been changed meanwhile (revision {document['revision']}): ask again")
    made = realign_words(file.path, WordEdits(folder).words(file), options, progress)
    return Done(str(made), {**made.to_dict(), "revision": document["revision"]}, made.notes)


def _mend(
    folder: StudioFolder, file: MediaFile, options: MendOptions, room: Path, progress: Progress
) -> Done:
    """The film is written beside the original, which is never touched."""
    target = free_name(file.path, "mended")
    staged = room / target.name
    made = mend_sound(file.path, staged, options, progress)
    os.link(staged, target, follow_symlinks=False)  # never overwrites
    return Done(
        str(made), {**made.to_dict(), "path": target.name, "written": target.name}, made.written.notes
    )


#: The kinds of jobs of the timeline.
TIMELINE_KINDS = (
    JobKind("lanes", LaneOptions, _READING, False, _lanes),
    JobKind("mend", MendOptions, (), False, _mend),
    JobKind("realign", RealignOptions, _READING, False, _realign, {"aligner": names.aligners}),
)
