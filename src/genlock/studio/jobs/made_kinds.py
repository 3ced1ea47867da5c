"""Jobs that make something of a file: a face that talks with it, a sound for it. What they make are takes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genlock.animation.export import FORMS
from genlock.core.errors import OptionError
from genlock.core.progress import Progress
from genlock.studio import names
from genlock.studio.folder import MediaFile, StudioFolder
from genlock.studio.jobs.kinds import Done, JobKind
from genlock.studio.takes import Takes
from genlock.tasks.animate_sound import AnimateOptions, animate_sound
from genlock.tasks.sound_video import SoundOptions, SoundResult, sound_video

__all__ = ["MADE_KINDS", "SoundTakes"]

_READING = (
    "reading.threads",
    "reading.max_gap_seconds",
    "reading.upright",
    "reading.audio_stream",
    "reading.video_stream",
)
_ANIMATE_HIDDEN = (*_READING, "sheet", "transcript", "pipe_rate")
_SOUND_HIDDEN = (
    *_READING,
    "reading.start",
    "reading.end",
    "wav",
    "events",
    "events_from",
    "plot",
    "attention",
    "prime",
)


@dataclass(frozen=True)
class SoundTakes(SoundOptions):
    """Options of the Sound screen: those of ``genlock sound``, but all takes are kept."""

    takes: int = 1
    """How many takes are made, each with its own seed, 1...32; all stand beside each other, to be compared."""


def _animate(
    folder: StudioFolder, file: MediaFile, options: AnimateOptions, room: Path, progress: Progress
) -> Done:
    ending = FORMS.get(options.format or "film", (".mp4",))[0]
    made = animate_sound(file.path, options, room / f"{file.path.stem}{ending}", progress)
    assert made.output is not None
    told = {**made.to_dict(), "output": None, "written": []}  # where it lay is nobody's business any more
    sentence = str(made).splitlines()[0]
    facts = _facts("animate", sentence, told, _shown(folder, ANIMATE, options))
    Takes(folder).add(file, _number(room), made.output, facts, progress, film=ending == ".mp4")
    return Done(sentence, {"takes": [_number(room)]}, made.notes)


def _sound(
    folder: StudioFolder, file: MediaFile, options: SoundTakes, room: Path, progress: Progress
) -> Done:
    if options.retime is not None and options.takes > 1:
        raise OptionError("retime moves one sound: ask for one take")
    table = room / "found.csv"
    ids: list[str] = []
    first: SoundResult | None = None
    takes = Takes(folder)
    how: SoundOptions = replace(options, takes=1, events=(str(table),))
    for number in range(options.takes):
        one = replace(how, seed=options.seed + number)
        place = room / f"take-{number}" / f"{file.path.stem}{file.path.suffix}"
        place.parent.mkdir()
        made = sound_video(file.path, one, place, progress)
        assert made.output is not None
        if first is None:
            first = made
            # The events are looked for once; all takes sound the same ones.
            how = replace(how, events=(), events_from=str(table))
        told = {**made.to_dict(), "finder": first.finder, "finder_about": first.finder_about}
        told |= {"output": None, "written": []}
        facts = _facts("sound", str(made).splitlines()[0], told, _shown(folder, SOUND, one))
        ids.append(f"{_number(room)}-{number}")
        takes.add(file, ids[-1], made.output, facts, progress, film=True)
    assert first is not None
    return Done(str(first).splitlines()[0], {"takes": ids}, first.notes)


def _number(room: Path) -> str:
    """The number of the job: begun anew after a kill, it writes over its own takes only."""
    return room.name.partition("-")[0]


def _facts(kind: str, sentence: str, result: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "sentence": sentence, "result": result, "options": options, "created": time.time()}


def _shown(folder: StudioFolder, kind: JobKind, options: Any) -> dict[str, Any]:
    """What of the options is not as it is by default, with names for what was chosen by name."""
    told = {}
    chosen = {option: {v: k for k, v in known(folder).items()} for option, known in kind.names.items()}
    for field in kind.form(folder):
        value = options
        for part in field.name.split("."):
            value = getattr(value, part)
        usual = tuple(field.default) if isinstance(field.default, list) else field.default
        if value is not None and value != usual and str(value) != usual:
            told[field.name] = chosen.get(field.name, {}).get(
                value, value if isinstance(value, bool) else str(value)
            )
    return told


ANIMATE = JobKind(
    "animate",
    AnimateOptions,
    _ANIMATE_HIDDEN,
    True,
    _animate,
    {"identity": names.identities, "face": names.faces, "model": names.talkers, "frames_of": names.films},
)
SOUND = JobKind(
    "sound",
    SoundTakes,
    _SOUND_HIDDEN,
    False,
    _sound,
    {
        "library": names.libraries,
        "retime": names.sounds,
        "model": names.sounders,
        "finder": names.finders,
        "finder_model": names.event_models,
    },
    takes_events=True,
)
#: What makes something of a file.
MADE_KINDS = (ANIMATE, SOUND)
