"""The clips of a prepared dataset as evidence of who speaks when, and which of them are for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path, PurePosixPath

import numpy as np

from genlock.core.errors import InputError
from genlock.core.progress import Progress, silent
from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.data.output_files import true_cells
from genlock.data.reading import Clip
from genlock.data.splits import place_of
from genlock.extractors.face.mouth import aperture_of, width_of
from genlock.extractors.sound.energy import Energy
from genlock.extractors.sound.mel import Mel
from genlock.lipsync.estimators.lips import LipsSync
from genlock.lipsync.evidence.base import Evidence, FaceEvidence
from genlock.lipsync.evidence.editing import cut, main_face
from genlock.lipsync.evidence.waveform_rows import SOUND_MEL
from genlock.train.datasets import Needs, each_clip, left_out_notes, open_datasets
from genlock.train.lipsync.parts import LEAST_CLIPS, Part, Parts
from genlock.train.lipsync.people import in_step_as_seen

__all__ = ["NEEDS", "Films", "evidence_of", "open_films", "open_people", "person_of"]

SOUND, LIPS = "sound_16000", "lips"
#: What a dataset must hold; the lips come with every output of the face.
NEEDS = Needs({SOUND: "sound@16000", LIPS: "landmarks:lips"}, "lipsync")
#: So much of a film is looked at.
_LONGEST = Fraction(60)
_PARTS: Mapping[str, Part] = {"train": "train", "valid": "calibrate", "test": "report"}


@dataclass(frozen=True, eq=False)
class Films:
    """What the lips-sound models are trained, calibrated and reported on."""

    parts: Parts
    """Evidence of each clip by name, by what it is for."""
    notes: tuple[str, ...]
    """What was prepared, left out or set apart, in words."""
    people: Mapping[str, str] = field(default_factory=dict)
    """Who speaks in each clip, by its name."""


def open_films(
    named: Sequence[str | Path],
    run: str | Path,
    progress: Progress = silent,
    ordinary: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Films:
    """The clips of datasets, or of plain folders and films that are prepared first.

    The index's split says what a clip is for: ``train`` to train on, ``valid`` to fit the confidence on, ``test`` to
    report on. Where ``valid`` has too few, some clips of ``train`` are set apart for it, and the notes say so.

    Parameters
    ----------
    ordinary : people whose clips are out of step as they come; each is put where the models of ours see it
    without : people who are left out

    Raises
    ------
    InputError
        If too few of them can be used; see also :func:`genlock.train.datasets.open_datasets`.
    """
    opened = open_datasets(named, run, NEEDS, progress)
    known = LipsSync()
    parts: dict[Part, dict[str, Evidence]] = {"train": {}, "calibrate": {}, "report": {}}
    left_out: list[tuple[str, str]] = []
    people: dict[str, str] = {}
    for split, clips, number in each_clip(opened, NEEDS, left_out, progress):
        clip = clips[number]
        if person_of(clip) in without:
            continue
        people[clip.name] = person_of(clip)
        evidence = evidence_of(clip)
        if evidence.mel is None or main_face(evidence) is None:
            left_out.append((clip.name, "has no sound" if evidence.mel is None else "no face is seen in it"))
        else:
            off_step = person_of(clip) in ordinary
            parts[_PARTS[split]][clip.name] = in_step_as_seen(evidence, known) if off_step else evidence
    notes = [*opened.notes, *_set_apart(parts)]
    return Films(parts, (*notes, *left_out_notes(left_out, run)), people)


def _set_apart(parts: Mapping[Part, dict[str, Evidence]]) -> list[str]:
    """Move clips of ``train`` to where the confidence is fitted, if there are too few; ``test`` is left alone."""
    train, held = parts["train"], parts["calibrate"]
    if len(held) >= LEAST_CLIPS:
        return []
    before = len(held)
    wanted = max(LEAST_CLIPS, (len(train) + len(held)) // 5)
    for name in sorted(train, key=place_of)[: wanted - before]:
        held[name] = train.pop(name)
    if len(train) < LEAST_CLIPS:
        raise InputError(
            f"{len(train) + len(held)} clips of the splits train and valid have sound and a talking face; at least "
            f"{2 * LEAST_CLIPS} are needed: give more"
        )
    return [
        f"the split valid has {before} clips that can be used: {len(held) - before} of the split train were set apart "
        "to fit the confidence on"
    ]


def evidence_of(clip: Clip) -> Evidence:
    """What the lips-sound models look at, of a clip with its sound and its lips; the first minute of it."""
    sound, lips = clip.tracks[SOUND], clip.tracks[LIPS]
    real = true_cells(clip.output(SOUND))
    samples = np.ascontiguousarray(sound.values[real.start : real.stop], np.float32)
    enough = len(samples) >= SOUND_MEL.window
    first = sound.grid.center(real.start)
    flat = Track(np.zeros(len(lips), np.float32), lips.grid, np.zeros(len(lips), bool))
    shape = np.asarray(lips.values, np.float32)
    face = FaceEvidence(
        face=0,
        lips=lips,
        aperture=replace(flat, values=np.where(lips.valid, aperture_of(shape), 0), valid=lips.valid),
        width=replace(flat, values=np.where(lips.valid, width_of(shape), 0), valid=lips.valid),
        motion=flat,
        size_pixels=0.0,
    )
    clock = sound.clock
    whole = Evidence(
        clock=clock,
        start=clip.start,
        end=clip.end,
        frames=lips.grid,
        mel=Mel(SOUND_MEL)(samples, first, clock) if enough else None,
        loudness=Energy()(samples, first, clock) if enough else None,
        faces=(face,) if lips.valid.any() else (),
        luma=None,
        motion=None,
        flashes=Spans([], clock, "flashes"),
        beeps=Spans([], clock, "beeps"),
        cuts=(),
    )
    return whole if clip.end - clip.start <= _LONGEST else cut(whole, clip.start, clip.start + _LONGEST)


def person_of(clip: Clip) -> str:
    """Who speaks in a clip: as the index says, else the folder of its source, else its source itself.

    Folders that are no person of their own, such as ``video``, are passed over.
    """
    if clip.speaker:
        return clip.speaker
    path = PurePosixPath(str(clip.row["source"]))
    folders = [part for part in path.parts[:-1] if part not in {"video", "videos"}]
    return folders[-1] if folders else path.stem


def open_people(
    named: Sequence[str | Path], run: str | Path, progress: Progress = silent
) -> tuple[dict[str, dict[str, Evidence]], tuple[str, ...]]:
    """The clips of datasets, by who speaks, and notes on what was prepared or left out; ``test`` is not opened.

    Parameters
    ----------
    named : datasets of ``genlock prepare``, or folders of films, which are prepared first
    run : folder of the run

    Raises
    ------
    InputError
        If nobody is left; see also :func:`genlock.train.datasets.open_datasets`.
    """
    opened = open_datasets(named, run, NEEDS, progress)
    people: dict[str, dict[str, Evidence]] = {}
    left_out: list[tuple[str, str]] = []
    for split, clips, number in each_clip(opened, NEEDS, left_out, progress):
        if split == "test":
            continue
        clip = clips[number]
        who = person_of(clip)
        evidence = evidence_of(clip)
        if evidence.mel is None or main_face(evidence) is None:
            left_out.append((clip.name, "has no sound" if evidence.mel is None else "no face is seen in it"))
        else:
            people.setdefault(who, {})[clip.name] = evidence
    if len(people) < 2:
        raise InputError(f"{len(people)} people with sound and a face are left; at least two are needed")
    return people, (*opened.notes, *left_out_notes(left_out, run))
