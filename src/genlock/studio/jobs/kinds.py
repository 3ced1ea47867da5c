"""What a job is, and those that look at a film, find its words and its offset: each calls one function of ``tasks``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from genlock.core.errors import FormatError, InputError, OptionError
from genlock.core.files import atomic_folder, write_text
from genlock.core.json_forms import read_json_file, write_json
from genlock.core.one_line import one_line
from genlock.core.progress import Progress
from genlock.report import write_sync_plot
from genlock.report.similarity import similarity_rows
from genlock.studio import names
from genlock.studio.folder import MediaFile, StudioFolder
from genlock.studio.jobs.events_sent import events_sent, table_of
from genlock.studio.jobs.forms import FormField, form_of, options_from
from genlock.tasks.align_video import AlignOptions, align_video
from genlock.tasks.find_words import WordOptions, find_words
from genlock.tasks.prepare_timeline import prepare_timeline
from genlock.tasks.sync_video import SyncOptions, sync_video

__all__ = ["CLIP_KINDS", "Done", "JobKind", "clip_folder", "found_folder", "free_name"]

#: What a form sends instead of the name of a file.
TRANSCRIPT, EVENTS = "transcript_text", "events"
#: Names that may be chosen, and what each stands for.
Names: TypeAlias = Callable[[StudioFolder], Mapping[str, str]]
_LONGEST_TRANSCRIPT = 5_000_000
_ALWAYS_HIDDEN = ("reading.threads", "reading.max_gap_seconds", "reading.upright")
_WORDS_HIDDEN = (*_ALWAYS_HIDDEN, "transcript", "language_model", "resume")
# What names a file is no option of a page: whoever opens it would write where the server may.
_SYNC_HIDDEN = (*_ALWAYS_HIDDEN, "fix", "by", "against", "plot", "markers")
_SPEECH: Mapping[str, Names] = {
    "recognizer": names.recognizers,
    "aligner": names.aligners,
    "model": names.ctc_models,
}


@dataclass(frozen=True)
class Done:
    """What a job made."""

    sentence: str
    """What came out, in a sentence."""
    result: dict[str, Any]
    """The same for programs."""
    lines: tuple[str, ...] = ()
    """What else belongs into the log."""

    __repr__ = one_line


@dataclass(frozen=True)
class JobKind:
    """One kind of job."""

    name: str
    """What requests call it."""
    options: type | None
    """The dataclass that its form is made of; None: it has no options."""
    hidden: tuple[str, ...]
    """Options that a page may not set: they name files, or are the studio's to say."""
    takes_transcript: bool
    """Whether a text may come along that is spoken in the file."""
    do: Callable[[StudioFolder, Any, Any, Path, Progress], Done]
    """Does it: folder, file (or what else it is done to), options, an empty folder of its own, who is told how far
    it is."""
    names: Mapping[str, Names] = field(default_factory=dict)
    """Options that are chosen by name: who knows the names that there are now, and what each stands for."""
    takes_events: bool = False
    """Whether events may come along that somebody has placed by hand."""
    find: Callable[[StudioFolder, str], Any] = StudioFolder.file
    """What it is done to, by what a request calls it. Raises NotThere."""
    title: Callable[[Any], str] = lambda file: str(file.name)
    """How people call that."""

    __repr__ = one_line

    def form(self, folder: StudioFolder) -> tuple[FormField, ...]:
        """The fields of its form."""
        return () if self.options is None else form_of(self.options, self.hidden, self._named(folder))

    def _named(self, folder: StudioFolder) -> dict[str, Mapping[str, str]]:
        return {option: names(folder) for option, names in self.names.items()}

    def checked(self, folder: StudioFolder, given: Mapping[str, Any]) -> Any:
        """The options that a form sent, less transcript and events. Raises OptionError for what cannot be asked for."""
        text = given.get(TRANSCRIPT)
        if text is not None and not self.takes_transcript:
            raise OptionError(f"{self.name} takes no transcript")
        if text is not None and (not isinstance(text, str) or len(text) > _LONGEST_TRANSCRIPT):
            raise OptionError(f"the transcript is no text of at most {_LONGEST_TRANSCRIPT} letters")
        if EVENTS in given:
            if not self.takes_events:
                raise OptionError(f"{self.name} takes no events")
            events_sent(given[EVENTS])
        rest = {name: value for name, value in given.items() if name not in (TRANSCRIPT, EVENTS)}
        if self.options is None:
            if rest:
                raise OptionError(f"{self.name} has no options, and {', '.join(rest)} were given")
            return None
        return options_from(self.options, self.hidden, rest, self._named(folder))

    def run(
        self, folder: StudioFolder, ident: str, given: Mapping[str, Any], room: Path, progress: Progress
    ) -> Done:
        """Do it with the options that a form sent, in ``room``, an empty folder that is removed afterwards."""
        file = self.find(folder, ident)
        options = self.checked(folder, given)
        text = given.get(TRANSCRIPT)
        if text is not None and text.strip():
            write_text(room / "transcript.txt", text)
            options = replace(options, transcript=str(room / "transcript.txt"))
        if given.get(EVENTS) is not None:
            table = room / "events.csv"
            write_text(table, table_of(events_sent(given[EVENTS])))
            options = replace(options, events_from=str(table))
        return self.do(folder, file, options, room, progress)


def clip_folder(folder: StudioFolder, file: MediaFile) -> Path:
    """Where the timeline of a file lies; another place when the file has changed."""
    return folder.own / "clips" / f"{file.ident}-{file.version}"


def found_folder(folder: StudioFolder, file: MediaFile) -> Path:
    """Where what was found about a file lies, beside the results of ``genlock align``."""
    return folder.own / "found" / file.ident


def _open(folder: StudioFolder, file: MediaFile, options: None, room: Path, progress: Progress) -> Done:
    made = prepare_timeline(file.path, clip_folder(folder, file), progress)
    return Done(f"{made.frame_count} frames, ready to be looked at", {"frames": made.frame_count})


def _align(
    folder: StudioFolder, file: MediaFile, options: AlignOptions, room: Path, progress: Progress
) -> Done:
    owner = file.results / "summary.json"
    _require_own(owner, file)
    found = align_video(file.path, options, room / "result", progress)
    # A kill leaves a half-written result in this job's own folder only, which the next start removes.
    with atomic_folder(file.results, marker=owner.name) as fresh:
        for each in sorted((room / "result").iterdir()):
            os.rename(each, fresh / each.name)
    words = sum(word.status == "aligned" for word in found.words)
    sentence = f"{words} of {len(found.words)} words have times; {found.sync.sentence}"
    return Done(
        sentence, {"words": len(found.words), "aligned": words, "sync": found.sync.to_dict()}, found.notes
    )


def _require_own(summary: Path, file: MediaFile) -> None:
    """Raises InputError if a folder of results is that of another file (talk.mov beside talk.mp4)."""
    if not summary.is_file():
        return
    try:
        name = read_json_file(summary).get("file")
    except FormatError:
        return  # damaged: it may be replaced
    if name not in (None, file.path.name):
        raise InputError(f"{summary.parent.name!r} holds the result of {name!r}; rename one of the two")


def _words(
    folder: StudioFolder, file: MediaFile, options: WordOptions, room: Path, progress: Progress
) -> Done:
    found = find_words(file.path, options, None, progress)
    place = found_folder(folder, file)
    place.mkdir(parents=True, exist_ok=True)
    write_json(place / "words.json", found.words.to_dict())
    aligned = sum(word.status == "aligned" for word in found.words)
    sentence = f"{aligned} of {len(found.words)} words have times"
    return Done(sentence, {"words": len(found.words), "aligned": aligned}, (*found.words.notes, *found.notes))


def _sync(
    folder: StudioFolder, file: MediaFile, options: SyncOptions, room: Path, progress: Progress
) -> Done:
    found = sync_video(file.path, options, progress)
    place = found_folder(folder, file)
    place.mkdir(parents=True, exist_ok=True)
    if found.measurement.estimate.offset_seconds is not None:
        write_sync_plot(place / "sync.svg", found.measurement, file.name)
    else:
        (place / "sync.svg").unlink(missing_ok=True)
    write_json(place / "similarity.json", {"similarity": similarity_rows(found.measurement)})
    write_json(place / "sync.json", {**found.to_dict(), "version": file.version})
    return Done(found.sentence, found.to_dict(), found.notes)


def _repair(
    folder: StudioFolder, file: MediaFile, options: SyncOptions, room: Path, progress: Progress
) -> Done:
    target = free_name(file.path, "repaired")
    staged = room / target.name
    found = sync_video(file.path, replace(options, fix=str(staged)), progress)
    repair = found.repair
    assert repair is not None
    if repair.status in ("refused", "failed"):
        raise InputError(f"not repaired: {repair.reason}")
    if repair.status == "not needed":
        return Done(f"not needed: {repair.reason}", found.to_dict())
    os.link(staged, target, follow_symlinks=False)  # never overwrites
    told = {**found.to_dict(), "written": target.name}
    sentence = f"wrote {target.name}; " + str(repair).splitlines()[1]
    return Done(sentence, told, (*found.notes, *repair.notes))


def free_name(path: Path, what: str, ending: str | None = None) -> Path:
    """A name beside a file, for what was made of it, that no file has.

    >>> free_name(Path("nowhere/talk.mp4"), "repaired").name
    'talk.repaired.mp4'
    """
    ending = path.suffix if ending is None else ending
    number, target = 1, path.with_name(f"{path.stem}.{what}{ending}")
    while os.path.lexists(target):
        number += 1
        target = path.with_name(f"{path.stem}.{what}-{number}{ending}")
    return target


#: What is done to the words and the offset of a film.
CLIP_KINDS = (
    JobKind("open", None, (), False, _open),
    JobKind("align", AlignOptions, _WORDS_HIDDEN, True, _align, _SPEECH),
    JobKind("words", WordOptions, _WORDS_HIDDEN, True, _words, _SPEECH),
    JobKind("sync", SyncOptions, (*_SYNC_HIDDEN, "all_sound", "each_sound"), False, _sync),
    JobKind("repair", SyncOptions, (*_SYNC_HIDDEN, "each_sound"), False, _repair),
)
