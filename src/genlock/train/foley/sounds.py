"""The sounds of prepared datasets, in memory, and crops of them that are changed at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, OptionError
from genlock.core.progress import Progress, silent
from genlock.data.output_spec import Wanted
from genlock.data.splits import NAMES, place_of
from genlock.extractors.sound.mel import PRESETS, Mel
from genlock.models.foley.vocoder import CELL, SOUND_RATE
from genlock.train.datasets import Needs, each_clip, left_out_notes, open_datasets

__all__ = ["NEEDS", "SoundChanges", "SoundClip", "Sounds", "crop_of", "mel_of", "open_sounds"]

Array: TypeAlias = npt.NDArray[np.float32]

#: What a dataset must hold.
_SOUND = Wanted.parse(f"sound@{SOUND_RATE}")
NEEDS = Needs({_SOUND.kind: _SOUND.text}, "speech")
_SET_APART = 0.1
_SHORTEST = Fraction(1, 10)
_MEL = Mel(PRESETS["foley"])


@dataclass(frozen=True)
class SoundChanges:
    """How sound is changed at random, so that it does not matter who recorded what how loud."""

    gain_db: float = 12.0
    """Louder or softer by up to so many dB; at least 0."""
    speed: float = 0.3
    """Faster and higher, or slower and lower, by a factor of up to e to this; 0...1."""
    mixed: float = 0.3
    """Share of crops to which another one is added; 0...1."""

    def __post_init__(self) -> None:
        if self.gain_db < 0 or not 0 <= self.speed <= 1 or not 0 <= self.mixed <= 1:
            raise OptionError(f"{self}: gain_db is at least 0; speed and mixed lie in 0...1")


@dataclass(frozen=True, eq=False)
class SoundClip:
    """One sound."""

    name: str
    """Its name in the dataset."""
    samples: npt.NDArray[np.float16]
    """Mono at 24 kHz, within -1...1; half the memory of float32, and nearer than 16 bits where it is soft."""
    label: str
    """What sounds, as the index has it; may be empty."""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / SOUND_RATE


@dataclass(frozen=True, eq=False)
class Sounds:
    """What is learnt from, chosen on and reported on."""

    learnt: tuple[SoundClip, ...]
    held: tuple[SoundClip, ...]
    reported: tuple[SoundClip, ...]
    notes: tuple[str, ...] = ()
    """What was prepared, left out or set apart, in words."""


def open_sounds(named: Sequence[str | Path], run: str | Path, progress: Progress = silent) -> Sounds:
    """The sounds of datasets, or of plain folders and files that are prepared first.

    The index's split says what a clip is for: ``train`` to learn from, ``valid`` to choose on, ``test`` to report on.
    Where nothing is in ``valid``, a tenth of ``train`` is set apart for it, and the notes say so.

    Raises
    ------
    InputError
        If no clip can be used; see also :func:`genlock.train.datasets.open_datasets`.
    """
    opened = open_datasets(named, run, NEEDS, progress)
    by_split: dict[str, list[SoundClip]] = {name: [] for name in NAMES}
    left_out: list[tuple[str, str]] = []
    for split, clips, number in each_clip(opened, NEEDS, left_out, progress):
        clip = clips[number]
        track = clip.tracks[_SOUND.kind]
        samples = np.asarray(track.values, np.float32).reshape(len(track.values), -1).mean(axis=1)
        if len(samples) < _SHORTEST * SOUND_RATE:
            left_out.append((clip.name, "shorter than 0.1 s"))
            continue
        label = str(clip.row.get("label") or clip.row.get("speaker") or "")
        by_split[split].append(SoundClip(clip.name, samples.astype(np.float16), label))
    notes = [*opened.notes]
    if not by_split["valid"] and len(by_split["train"]) > 10:
        chosen = sorted(by_split["train"], key=lambda clip: place_of(clip.name))
        count = max(1, round(_SET_APART * len(chosen)))
        by_split["valid"], by_split["train"] = chosen[:count], chosen[count:]
        notes.append(f"the split valid has no clip: {count} of the split train were set apart to choose on")
    if not by_split["train"]:
        raise InputError("no clip with sound is left to learn from; give more")
    notes += left_out_notes(left_out, run)
    learnt, held, reported = (tuple(by_split[name]) for name in ("train", "valid", "test"))
    return Sounds(learnt, held, reported, tuple(notes))


def crop_of(
    clips: Sequence[SoundClip], number: int, cells: int, changes: SoundChanges, random: np.random.Generator
) -> Array:
    """``cells`` cells of sound, float32 [240 cells], from somewhere in a clip, changed; silence follows a short one."""
    crop = _stretch(clips[number], cells, changes, random)
    if random.random() < changes.mixed:
        other = clips[int(random.integers(len(clips)))]
        crop = crop + _stretch(other, cells, changes, random)
    peak = float(np.abs(crop).max(initial=0.0))
    return np.asarray(crop / max(peak, 1.0), np.float32)


def _stretch(clip: SoundClip, cells: int, changes: SoundChanges, random: np.random.Generator) -> Array:
    speed = float(np.exp(random.uniform(-changes.speed, changes.speed)))
    wanted = cells * CELL
    need = int(np.ceil(wanted * speed)) + 2
    room = len(clip.samples) - need
    # Some crops begin before the sound does.
    first = int(random.integers(-wanted // 4, max(room, 0) + 1))
    found = np.zeros(need, np.float32)
    low = max(first, 0)
    some = clip.samples[low : first + need]
    found[low - first : low - first + len(some)] = some
    place = np.arange(wanted) * speed
    gain = 10 ** (random.uniform(-changes.gain_db, changes.gain_db) / 20)
    return np.asarray(np.interp(place, np.arange(need), found) * gain, np.float32)


def mel_of(samples: Array) -> Array:
    """``mel:foley`` [T, 80] of samples."""
    return np.asarray(_MEL(samples).values, np.float32)
