"""What the requests of a studio share: its folder, its queue, and what it keeps in memory of clips."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from genlock.studio.folder import MediaFile, NotThere, StudioFolder
from genlock.studio.jobs.kinds import clip_folder
from genlock.studio.jobs.queue import JobQueue
from genlock.studio.jobs.runner import JobRunner
from genlock.studio.lanes import FileLanes
from genlock.studio.library import Library
from genlock.studio.options import StudioOptions
from genlock.studio.shelf import Shelf
from genlock.studio.stills import Stills
from genlock.studio.takes import Takes
from genlock.studio.word_edits import WordEdits
from genlock.tasks.prepare_timeline import TimelineClip, open_timeline

__all__ = ["Studio"]

_KEPT_CLIPS = 8  # what is known of as many clips stays in memory; their rows never do


class Studio:
    """Everything that the requests share."""

    def __init__(self, folder: StudioFolder, options: StudioOptions) -> None:
        self.folder, self.options = folder, options
        self.jobs = JobQueue(folder.own / "jobs.sqlite")
        self.runner = JobRunner(folder, self.jobs, options.workers)
        self.stills = Stills()
        self.library = Library(folder, self.stills)
        self.words = WordEdits(folder)
        self.lanes = FileLanes(folder)
        self.takes = Takes(folder)
        self.shelf = Shelf(folder)
        self._clips: OrderedDict[Path, TimelineClip] = OrderedDict()
        self._lock = threading.Lock()

    def clip(self, file: MediaFile) -> TimelineClip:
        """The timeline of a file. Raises NotThere if it was not prepared yet."""
        place = clip_folder(self.folder, file)
        if not place.is_dir():
            raise NotThere(f"{file.name!r} was not opened yet: ask for the job 'open'")
        with self._lock:
            known = self._clips.get(place)
            if known is None:
                known = self._clips[place] = open_timeline(place)
            self._clips.move_to_end(place)
            while len(self._clips) > _KEPT_CLIPS:
                self._clips.popitem(last=False)
        return known
