"""Clips as a writer of sound learns from them: codes of the sound, and what is told of each column's instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.grid import Grid
from genlock.core.progress import Progress, silent
from genlock.core.track import Track
from genlock.data.reading import Clip
from genlock.data.splits import NAMES
from genlock.models.foley.codec import Codec
from genlock.models.foley.watcher import COLUMN_RATE, EVENT_CHANNELS, Watcher
from genlock.train.datasets import Needs, each_clip, left_out_notes, open_datasets
from genlock.train.foley.films import FILM_NEEDS, Film, film_of
from genlock.train.foley.sounds import mel_of

__all__ = ["TOLD_NEEDS", "ToldClip", "ToldClips", "open_told", "true_posterior"]

Codes: TypeAlias = npt.NDArray[np.int64]
Rows: TypeAlias = npt.NDArray[np.float32]
Random: TypeAlias = np.random.Generator

_SOUND = "sound_24000"
#: What a dataset must hold for a writer.
TOLD_NEEDS = Needs({**FILM_NEEDS.outputs, _SOUND: "sound@24000"}, "impacts")
_RATE = float(COLUMN_RATE)
# What a posterior says of an event that is certain.
_CERTAIN = 0.97


@dataclass(frozen=True, eq=False)
class ToldClip:
    """One clip, its columns beginning with the picture."""

    name: str
    codes: Codes
    """[N, tokens]."""
    told: Rows
    """What the watcher sees, [N, channels]."""
    film: Film
    """What sounds, without the pictures."""
    label: str = ""
    """Its class; may be empty."""


@dataclass(frozen=True, eq=False)
class ToldClips:
    """What a writer learns from, is chosen on, and is reported on."""

    learnt: tuple[ToldClip, ...]
    held: tuple[ToldClip, ...]
    reported: tuple[ToldClip, ...]
    notes: tuple[str, ...] = ()
    """What was prepared or left out, in words."""


def open_told(
    named: Sequence[str | Path], run: str | Path, codec: Codec, watcher: Watcher, progress: Progress = silent
) -> ToldClips:
    """The clips of datasets, or of folders that are prepared first, by their splits, coded and watched.

    Raises
    ------
    InputError
        If no clip can be used; see also :func:`genlock.train.datasets.open_datasets`.
    """
    opened = open_datasets(named, run, TOLD_NEEDS, progress)
    by_split: dict[str, list[ToldClip]] = {name: [] for name in NAMES}
    left_out: list[tuple[str, str]] = []
    for split, clips, number in each_clip(opened, TOLD_NEEDS, left_out, progress):
        try:
            by_split[split].append(told_clip(clips[number], codec, watcher))
        except InputError as error:
            left_out.append((clips.known[number].name, str(error)))
    notes = (*opened.notes, *left_out_notes(left_out, run))
    return ToldClips(tuple(by_split["train"]), tuple(by_split["valid"]), tuple(by_split["test"]), notes)


def told_clip(clip: Clip, codec: Codec, watcher: Watcher) -> ToldClip:
    """A clip of a dataset, coded and watched.

    Raises InputError if it has hardly any frames, or no sound where the picture begins.
    """
    film = film_of(clip)
    told = watcher.posterior(film.pictures, film.cells)
    samples = _from_the_picture(clip.tracks[_SOUND], told)
    codes = codec.encode(mel_of(samples))
    count = min(len(codes), len(told))
    small = Film(**{**vars(film), "pictures": film.pictures[:0]})
    label = str(clip.row.get("label") or "")
    return ToldClip(clip.name, codes[:count], np.asarray(told.values[:count], np.float32), small, label)


def _from_the_picture(sound: Track, told: Track) -> npt.NDArray[np.float32]:
    """The sound from the instant on at which the picture begins; silence where it begins later."""
    assert isinstance(sound.grid, Grid)
    values = np.asarray(sound.values, np.float32).reshape(len(sound), -1).mean(axis=1)
    # The sample whose own instant is nearest to the picture's beginning.
    first = sound.grid.index(told.start - sound.grid.period / 2, "nearest")
    if first >= len(values):
        raise InputError("its sound ends before its picture begins")
    return values[first:] if first >= 0 else np.concatenate([np.zeros(-first, np.float32), values])


def true_posterior(
    film: Film,
    count: int,
    materials: Sequence[str],
    spreads: Mapping[str, float],
    blur: float,
    random: Random,
) -> Rows:
    """The true contacts in the form of a posterior on ``count`` columns, [count, channels].

    A share ``blur`` of them is told as a watcher tells what it does not see for certain: displaced and spread alike, so
    that the truth is distributed as it is told.
    """
    rows = np.zeros((count, len(EVENT_CHANNELS) + len(materials)), np.float32)
    centers = np.arange(count) + 0.5
    names = {name: k + len(EVENT_CHANNELS) for k, name in enumerate(materials)}
    for (begin, end), name in zip(film.lasting, film.lasting_materials, strict=True):
        there = (centers >= begin * _RATE) & (centers < end * _RATE)
        rows[there, 5] = _CERTAIN
        if name in names:
            rows[there, names[name]] = 1
    for k, time in enumerate(film.times):
        spread = random.uniform(0.3, 1.5) if random.random() < blur else 0.0
        place = time * _RATE + (random.normal(0, spread) if spread else 0.0)
        if not 0 <= place < count:
            continue
        share = np.exp(-(((centers - place) / spread) ** 2) / 2) if spread else np.zeros(count)
        share[int(place)] = max(share[int(place)], 1e-3)
        share = _CERTAIN * share / share.sum()
        near = share > 0.003
        before = rows[near, 0].copy()
        rows[near, 0] = np.minimum(before + share[near], 1)
        mine = near & (share > 0.5 * rows[:, 0])
        rows[mine, 1] = np.clip(place - centers[mine], -2, 2)
        for column, fact in ((2, "impulse"), (3, "size")):
            rows[mine, column] = film.facts[fact][k] + random.normal(0, 0.15 * spreads.get(fact, 1.0))
        rows[mine, 4] = film.facts["x"][k]
        _name(rows, mine, names, film.materials[k], spread > 0, random)
    return rows


def _name(
    rows: Rows, mine: npt.NDArray[np.bool_], names: Mapping[str, int], name: str, unsure: bool, random: Random
) -> None:
    """Tell a material, and with it one that it might be as well."""
    rows[mine, len(EVENT_CHANNELS) :] = 0
    if name not in names:
        return
    other = random.uniform(0, 0.4) if unsure else 0.0
    if other:
        rows[mine, random.choice(list(names.values()))] = other
    rows[mine, names[name]] += 1 - other
