"""Films of talking faces as audio-visual speech: sound and mouths on one clock of 25 frames, and what is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.grid import Grid
from genlock.core.progress import Progress, silent
from genlock.core.time import round_fraction
from genlock.core.track import Track
from genlock.data.output_spec import Wanted
from genlock.data.reading import Clip, Word
from genlock.data.splits import NAMES
from genlock.drawing.opencv import cv2
from genlock.extractors.both.on_frames import FRAME_RATE, heard_on_frames, seen_on_frames
from genlock.train.avhubert.options import AVTraining
from genlock.train.datasets import Needs, each_clip, left_out_notes, open_datasets, split_by
from genlock.train.speech.spoken import spoken_or_reason

__all__ = ["AVClip", "AVFilms", "av_clip", "crops_for", "needs_of", "open_av", "sound_of"]

Samples: TypeAlias = npt.NDArray[np.float32]
Pictures: TypeAlias = npt.NDArray[np.uint8]

_RATE, _SAMPLES = 16000, 640
_SOUND = "sound_16000"
_LEAST_FRAMES = 8
_LEAST_SEEN = 0.5
# An offset in the index is believed if it is at least so likely.
_BELIEVED = 0.5


@dataclass(frozen=True, eq=False)
class AVClip:
    """One clip, its sound and its mouths cut to the same frames."""

    name: str
    speaker: str
    """Who speaks; the clip's own name where nobody says."""
    samples: Samples
    """Sound at 16 kHz from the first frame's edge to a little behind the last one's, [640 T + 240]."""
    crops: Pictures
    """Grey mouths, uint8 [T, S, S], 25 a second."""
    seen: npt.NDArray[np.bool_]
    """Whether a mouth is seen in a frame, [T]."""
    text: str
    """What is said, in small letters; empty: not known."""
    words: tuple[Word, ...]
    """Words with start and end in seconds from the first frame's edge; empty: not known."""

    def __len__(self) -> int:
        return len(self.crops)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self) / float(FRAME_RATE)

    @property
    def centers(self) -> npt.NDArray[np.float64]:
        """Middles of the frames in seconds from the first one's edge, [T]."""
        return Grid(FRAME_RATE).centers(len(self))


@dataclass(frozen=True, eq=False)
class AVFilms:
    """What is learnt from, chosen on, and reported on."""

    learnt: tuple[AVClip, ...]
    held: tuple[AVClip, ...]
    """To choose on: the split valid, and the speakers to choose on."""
    reported: tuple[AVClip, ...]
    """The split test."""
    strangers: tuple[AVClip, ...]
    """Of the speakers who were left out."""
    notes: tuple[str, ...] = ()
    """What was prepared and left out, in words."""


def sound_of(samples: Samples, length: int) -> Samples:
    """The sound of a clip's frames as an AV-HuBERT hears it, float32 [T, 104].

    >>> sound_of(np.zeros(640 * 3 + 240, np.float32), 3).shape
    (3, 104)
    """
    found = heard_on_frames(Track(samples, Grid(_RATE)), Grid(FRAME_RATE), length)
    return np.asarray(found.values, np.float32)


def needs_of(training: AVTraining) -> Needs:
    """What a dataset must hold.

    >>> dict(needs_of(AVTraining()).outputs)
    {'sound_16000': 'sound@16000', 'mouth_96': 'mouth/96x96'}
    """
    mouths = Wanted.parse(training.mouths)
    return Needs({_SOUND: "sound@16000", mouths.kind: mouths.text}, "face")


def av_clip(clip: Clip, mouths: str, side: int) -> AVClip:
    """A clip of a prepared dataset, its crops ``side`` pixels wide.

    Where the index knows that sound and picture are out of step (the output ``offset``), the sound is put in its place.

    Raises InputError if a mouth is hardly seen, or the clip is too short.
    """
    picture, sound = seen_on_frames(clip.tracks[mouths]), clip.tracks[_SOUND]
    offset, likely = clip.row.get("offset_seconds"), clip.row.get("offset_probability")
    if offset is not None and float(likely or 0.0) > _BELIEVED:
        # A sound that is early by so much belongs so much later.
        sound = sound.shifted(Fraction(str(round(float(offset), 6))))
    length = len(picture)
    if length < _LEAST_FRAMES:
        raise InputError(f"is too short: {length} frames of picture")
    if picture.valid.mean() < _LEAST_SEEN:
        raise InputError(f"a mouth is seen in {int(picture.valid.sum())} of {length} frames")
    grid = picture.grid
    assert isinstance(grid, Grid)
    text = spoken_or_reason(clip.transcript, "en")[0] if clip.transcript else None
    start = float(grid.start)
    words = tuple((word, a - start, b - start) for word, a, b in clip.words)
    crops = np.asarray(picture.values, np.uint8).reshape(length, *picture.values.shape[1:3])
    return AVClip(
        clip.name,
        clip.speaker or clip.name,
        _cut(sound, grid, length),
        _resized(crops, side),
        np.asarray(picture.valid),
        text or "",
        words,
    )


def _cut(sound: Track, grid: Grid, length: int) -> Samples:
    """The samples of so many frames, and what a last window of 25 ms every 10 ms needs behind them."""
    first = round_fraction((grid.start - sound.start) * _RATE, "nearest")
    values = np.asarray(sound.values, np.float32).reshape(-1)
    found = np.zeros(length * _SAMPLES + 240, np.float32)
    low, high = max(0, -first), min(len(found), len(values) - first)
    if high > low:
        found[low:high] = values[first + low : first + high]
    return found


def crops_for(clip: AVClip, side: int) -> Pictures:
    """The crops of a clip in the size of which a network that sees ``side`` pixels takes the middle 88 of 96 parts.

    >>> grey = np.zeros((3, 96, 96), np.uint8)
    >>> clip = AVClip("a", "a", np.zeros(2160, np.float32), grey, np.ones(3, bool), "", ())
    >>> crops_for(clip, 44).shape
    (3, 48, 48)
    """
    return _resized(clip.crops, round_fraction(Fraction(side * 96, 88), "nearest"))


def _resized(crops: Pictures, side: int) -> Pictures:
    if crops.shape[1] == side:
        return np.ascontiguousarray(crops)
    way = cv2.INTER_AREA if crops.shape[1] > side else cv2.INTER_LINEAR
    return np.stack(
        [np.asarray(cv2.resize(crop, (side, side), interpolation=way), np.uint8) for crop in crops]
    )


def open_av(
    named: Sequence[str | Path],
    run: str | Path,
    training: AVTraining,
    progress: Progress = silent,
    *,
    crop: int | None = None,
) -> AVFilms:
    """The clips of datasets, or of plain folders and films that are prepared first.

    The index's split says what a clip is for. Speakers who are left out, or chosen on, are taken out of all splits.

    Parameters
    ----------
    crop : the side in pixels that the network sees; None: that of ``training.network``

    Raises
    ------
    InputError
        If no clip can be learnt from, or there is no such speaker; see also
        :func:`genlock.train.datasets.open_datasets`.
    """
    needs = needs_of(training)
    mouths = next(kind for kind in needs.outputs if kind != _SOUND)
    opened = open_datasets(named, run, needs, progress, split_by("clip"))
    side = round_fraction(Fraction((crop or training.network.encoder.crop) * 96, 88), "nearest")
    by_split: dict[str, list[AVClip]] = {name: [] for name in NAMES}
    left_out: list[tuple[str, str]] = []
    for split, clips, number in each_clip(opened, needs, left_out, progress):
        try:
            if clips.seconds[number] > training.longest_seconds:
                raise InputError(f"is longer than {training.longest_seconds:g} s: cut it with --clip-seconds")
            by_split[split].append(av_clip(clips[number], mouths, side))
        except InputError as error:
            left_out.append((clips.known[number].name, str(error)))
    known = {clip.speaker for clips in by_split.values() for clip in clips}
    for speaker in (*training.leave_out, *training.choose_on):
        if speaker not in known:
            raise InputError(
                f"there is no speaker {speaker!r} to leave out or choose on; there are: {', '.join(sorted(known))}"
            )
    everyone = [clip for split in NAMES for clip in by_split[split]]
    apart = {*training.leave_out, *training.choose_on}
    own = {split: [c for c in clips if c.speaker not in apart] for split, clips in by_split.items()}
    if not own["train"]:
        raise InputError("no clip of the split train can be used: prepare more, or leave fewer speakers out")
    notes = (*opened.notes, *left_out_notes(left_out, run))
    return AVFilms(
        tuple(own["train"]),
        (*own["valid"], *(c for c in everyone if c.speaker in training.choose_on)),
        tuple(own["test"]),
        tuple(c for c in everyone if c.speaker in training.leave_out),
        notes,
    )
