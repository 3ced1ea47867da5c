"""What a talker is given to learn from: clips of prepared datasets, by what they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genlock.core.errors import InputError
from genlock.core.progress import Progress, silent
from genlock.data.output_spec import Wanted
from genlock.data.splits import NAMES, place_of
from genlock.train.datasets import Needs, each_clip, left_out_notes, open_datasets
from genlock.train.talker.clips import TalkingClip, talking_clip
from genlock.train.talker.made import is_made, made_clips, voices_of
from genlock.train.talker.options import TalkerTraining

__all__ = ["TalkingFilms", "needs_of", "open_talking"]

#: The output with the face.
FACE = "landmarks"
# Of the clips to learn from, this share is set apart where none are held out.
_SET_APART = 0.1


@dataclass(frozen=True, eq=False)
class TalkingFilms:
    """What a talker learns from, is chosen on, and is reported on."""

    learnt: tuple[TalkingClip, ...]
    held: tuple[TalkingClip, ...]
    reported: tuple[TalkingClip, ...]
    notes: tuple[str, ...] = ()
    """What was prepared, left out or set apart, in words."""
    voices: str = ""
    """Of talkers that were made: engines, their licences and numbers of clips; empty: there are none."""


def needs_of(training: TalkerTraining) -> Needs:
    """What a dataset must hold.

    >>> dict(needs_of(TalkerTraining()).outputs)
    {'mel-kaldi': 'mel:kaldi', 'landmarks': 'landmarks'}
    """
    features = [Wanted.parse(one) for one in training.hears if one != "words"]
    return Needs({**{one.kind: one.text for one in features}, FACE: FACE}, "face")


def open_talking(
    named: Sequence[str | Path], run: str | Path, training: TalkerTraining, progress: Progress = silent
) -> TalkingFilms:
    """The clips of datasets, or of plain folders and films that are prepared first; and talkers that were made.

    The index's split says what a clip is for: ``train`` to learn from, ``valid`` to choose and to fit the emphasis on,
    ``test`` to report on. Speakers that are left out are reported on instead of ``test``. Where nothing is in
    ``valid``, a tenth of ``train`` is set apart for it, and the notes say so. A folder of ``genlock synth talkers`` is
    read as it is, and only learnt from: of a made face nobody needs to know how truly it is followed.

    Raises
    ------
    InputError
        If no clip can be used, or there is no such speaker to leave out; see also
        :func:`genlock.train.datasets.open_datasets`.
    """
    needs = needs_of(training)
    synthetic = [folder for folder in named if is_made(folder)]
    people = [folder for folder in named if folder not in synthetic]
    if synthetic and not people:
        raise InputError(
            "only talkers that were made are named; name a dataset of people beside them, or prepare them as one: "
            f"genlock prepare {synthetic[0]} -o DATASET --recipe talkers"
        )
    opened = open_datasets(people, run, needs, progress)
    spec = {Wanted.parse(one).text: one for one in training.hears if one != "words"}
    features = {spec[text]: kind for kind, text in needs.outputs.items() if kind != FACE}
    by_split: dict[str, list[TalkingClip]] = {name: [] for name in NAMES}
    left_out: list[tuple[str, str]] = []
    for split, clips, number in each_clip(opened, needs, left_out, progress):
        try:
            clip = talking_clip(clips[number], features)
            if "words" in training.hears and "words" not in clip.heard:
                raise InputError("its words are not known")
            by_split[split].append(clip)
        except InputError as error:
            left_out.append((clips.known[number].name, str(error)))
    notes = [*opened.notes]
    if training.leave_out:
        _leave_out(by_split, training.leave_out)
        notes.append(f"nothing was learnt of {', '.join(training.leave_out)}: they are reported on")
    if not by_split["valid"] and len(by_split["train"]) > 10:
        chosen = sorted(by_split["train"], key=lambda clip: place_of(clip.name))
        count = round(_SET_APART * len(chosen))
        by_split["valid"] = chosen[:count]
        by_split["train"] = sorted(chosen[count:], key=lambda clip: clip.name)
        notes.append(f"the split valid has no clip: {count} of the split train were set apart to choose on")
    voices: list[str] = []
    for folder in synthetic:
        made, theirs = made_clips(folder, training.hears, progress)
        by_split["train"] += made
        voices += theirs
    if voices:
        notes.append(f"{len(voices)} talkers were made: {voices_of(voices)}")
    notes += left_out_notes(left_out, run)
    return TalkingFilms(
        tuple(by_split["train"]),
        tuple(by_split["valid"]),
        tuple(by_split["test"]),
        tuple(notes),
        voices_of(voices) if voices else "",
    )


def _leave_out(by_split: dict[str, list[TalkingClip]], speakers: Sequence[str]) -> None:
    known = sorted({clip.speaker for clips in by_split.values() for clip in clips})
    missing = [speaker for speaker in speakers if speaker not in known]
    if missing:
        raise InputError(f"there is no speaker {missing[0]!r} to leave out; there are: {', '.join(known)}")
    theirs = [clip for clips in by_split.values() for clip in clips if clip.speaker in speakers]
    for split, clips in by_split.items():
        by_split[split] = [clip for clip in clips if clip.speaker not in speakers]
    by_split["test"] = theirs
