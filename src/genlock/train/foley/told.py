"""Clips as a writer of sound learns from them: codes of the sound, and what is told of each column's instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import GenlockError, InputError
from genlock.core.grid import Grid
from genlock.core.progress import Progress, silent
from genlock.core.track import Track
from genlock.data.corpora.impacts import contacts_of
from genlock.data.prepare import source_of
from genlock.data.reading import Clip, ClipSet
from genlock.data.splits import NAMES
from genlock.foley.events import heard_impulse
from genlock.foley.finding import EventOptions, find_events
from genlock.media import ReadOptions
from genlock.models.foley.codec import Codec
from genlock.models.foley.columns import COLUMN_RATE, EVENT_CHANNELS
from genlock.models.foley.loudness import HEARD_CELLS, LoudnessLaw, fit_loudness, level_of_bands
from genlock.train.datasets import Needs, each_clip, left_out_notes, open_datasets
from genlock.train.foley.sounds import mel_of

__all__ = [
    "TOLD_NEEDS",
    "Heard",
    "ToldClip",
    "ToldClips",
    "heard_in",
    "loudness_of",
    "materials_of",
    "open_told",
    "true_posterior",
]

Codes: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Rows: TypeAlias = npt.NDArray[np.float32]
Random: TypeAlias = np.random.Generator

_SOUND = "sound_24000"
#: What a dataset must hold for a writer.
TOLD_NEEDS = Needs({_SOUND: "sound@24000"}, "impacts")
_RATE = float(COLUMN_RATE)
# What a posterior says of an event that is certain.
_CERTAIN = 0.97
_LEAST_IMPULSE, _LEAST_SIZE = 1e-6, 1e-4
_ALONE = 0.06  # seconds within which another contact would be heard too


@dataclass(frozen=True, eq=False)
class Heard:
    """What is seen and heard to sound in a clip."""

    times: Floats
    """When contacts begin, seconds from the clip's beginning, [n]."""
    facts: Mapping[str, Floats]
    """Of each: log10 of ``impulse``, as it is heard from a metre away, and of ``size``, and ``x``, [n]."""
    materials: tuple[str, ...]
    """Of each."""
    lasting: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    """From when to when something scrapes or rolls, seconds from the beginning, [m, 2]."""
    lasting_materials: tuple[str, ...] = ()
    """Of each."""


@dataclass(frozen=True, eq=False)
class ToldClip:
    """One clip, its columns beginning with the picture."""

    name: str
    codes: Codes
    """[N, tokens]."""
    heard: Heard
    """What sounds."""
    label: str = ""
    """Its class; may be empty."""
    levels: Floats = field(default_factory=lambda: np.zeros(0))
    """How loud each contact is, see :func:`genlock.models.foley.loudness.level_of_bands`, [n]; empty: not known."""


@dataclass(frozen=True, eq=False)
class ToldClips:
    """What a writer learns from, is chosen on, and is reported on."""

    learnt: tuple[ToldClip, ...]
    held: tuple[ToldClip, ...]
    reported: tuple[ToldClip, ...]
    notes: tuple[str, ...] = ()
    """What was prepared or left out, in words."""


def open_told(
    named: Sequence[str | Path],
    run: str | Path,
    codec: Codec,
    finder: EventOptions | None = None,
    progress: Progress = silent,
) -> ToldClips:
    """The clips of datasets, or of folders that are prepared first, by their splits, coded.

    What sounds in them is known from the truth of films of ``genlock synth impacts``. In other films it is looked for
    by ``finder``, in the films that the dataset was made from.

    Raises
    ------
    InputError
        If no clip can be used; see also :func:`genlock.train.datasets.open_datasets`.
    """
    opened = open_datasets(named, run, TOLD_NEEDS, progress)
    by_split: dict[str, list[ToldClip]] = {name: [] for name in NAMES}
    left_out: list[tuple[str, str]] = []
    for dataset in opened.datasets:
        sources = source_of(dataset)
        # A silent film among films whose truth is known has no contact; where no film has one, they are looked for.
        known = any(contacts_of(clip) for clip in ClipSet(dataset, (), None).known)
        for split, clips, number in each_clip(type(opened)((dataset,)), TOLD_NEEDS, left_out, progress):
            try:
                clip = clips[number]
                heard = heard_in(clip) if known else _found_in(clip, sources, finder)
                by_split[split].append(_told_clip(clip, codec, heard))
            except GenlockError as error:
                left_out.append((clips.known[number].name, str(error)))
    notes = (*opened.notes, *left_out_notes(left_out, run))
    return ToldClips(tuple(by_split["train"]), tuple(by_split["valid"]), tuple(by_split["test"]), notes)


def materials_of(clips: Sequence[ToldClip]) -> tuple[str, ...]:
    """The materials that sound in clips, in alphabetical order."""
    return tuple(
        sorted(
            {name for clip in clips for name in (*clip.heard.materials, *clip.heard.lasting_materials)} - {""}
        )
    )


def heard_in(clip: Clip) -> Heard:
    """What is seen and heard in a clip of the recipe ``impacts``."""
    known = [c for c in contacts_of(clip) if c.visible and c.audible and clip.start <= c.time < clip.end]
    begun = [c for c in known if c.kind != "roll"]
    lasting = [c for c in known if c.end is not None]
    return Heard(
        np.array([float(c.time - clip.start) for c in begun], np.float64),
        {
            "impulse": np.log10([max(heard_impulse(c.impulse, c.distance), _LEAST_IMPULSE) for c in begun]),
            "size": np.log10([max(c.size, _LEAST_SIZE) for c in begun]),
            "x": np.clip(np.array([c.x for c in begun], np.float64), 0, 1),
        },
        tuple(c.material for c in begun),
        np.array([_span(c.time, c.end, clip.start) for c in lasting], np.float64).reshape(-1, 2),
        tuple(c.material for c in lasting),
    )


def _found_in(clip: Clip, sources: str | None, finder: EventOptions | None) -> Heard:
    """What a finder sees in the film of a clip.

    Raises InputError if the film is not there; see also :func:`genlock.foley.finding.find_events`.
    """
    film = Path(sources or "") / str(clip.row["source"])
    if sources is None or not film.is_file():
        raise InputError(f"what sounds in it is not known, and its film {str(film)!r} is not there")
    how = finder or EventOptions()
    reading = ReadOptions(start=clip.start, end=clip.end)
    events = find_events(film, EventOptions(how.finder, how.model, how.least_probability, reading=reading))
    begins = [event.instant for event in events]
    return Heard(
        np.array([float(begin - clip.start) for begin in begins], np.float64),
        {
            "impulse": np.log10(
                [max(heard_impulse(e.impulse, e.distance or 1.0), _LEAST_IMPULSE) for e in events]
            ),
            "size": np.log10([max(event.size, _LEAST_SIZE) for event in events]),
            "x": np.array([event.x for event in events], np.float64),
        },
        tuple(event.material for event in events),
    )


def _span(begin: Fraction, end: Fraction | None, start: Fraction) -> tuple[float, float]:
    return float(begin - start), float((begin if end is None else end) - start)


def _told_clip(clip: Clip, codec: Codec, heard: Heard) -> ToldClip:
    mel = mel_of(_from_the_picture(clip.tracks[_SOUND], clip.start))
    return ToldClip(
        clip.name, codec.encode(mel), heard, str(clip.row.get("label") or ""), _levels(mel, heard)
    )


def _levels(mel: Rows, heard: Heard) -> Floats:
    """How loud each contact is; NaN where the sound is over before it."""
    cells = np.floor(heard.times * 2 * _RATE).astype(int).tolist()
    parts = [mel[cell : cell + HEARD_CELLS] for cell in cells]
    return np.array([level_of_bands(part) if len(part) else np.nan for part in parts], np.float64)


def loudness_of(clips: Sequence[ToldClip]) -> LoudnessLaw | None:
    """How loud a contact is by its impulse and material, fitted to those that no other follows or precedes closely."""
    levels, impulses, materials = list[float](), list[float](), list[str]()
    for clip in clips:
        if len(clip.levels) != len(clip.heard.times):
            continue
        for k, time in enumerate(clip.heard.times):
            near = np.abs(np.delete(clip.heard.times, k) - time) < _ALONE
            if not near.any() and np.isfinite(clip.levels[k]):
                levels.append(float(clip.levels[k]))
                impulses.append(float(clip.heard.facts["impulse"][k]))
                materials.append(clip.heard.materials[k])
    return fit_loudness(levels, impulses, materials)


def _from_the_picture(sound: Track, start: Fraction) -> npt.NDArray[np.float32]:
    """The sound from the instant on at which the clip begins; silence where it begins later."""
    assert isinstance(sound.grid, Grid)
    values = np.asarray(sound.values, np.float32).reshape(len(sound), -1).mean(axis=1)
    # The sample whose own instant is nearest to the clip's beginning.
    first = sound.grid.index(start - sound.grid.period / 2, "nearest")
    if first >= len(values):
        raise InputError("its sound ends before its picture begins")
    return values[first:] if first >= 0 else np.concatenate([np.zeros(-first, np.float32), values])


def true_posterior(
    heard: Heard,
    count: int,
    materials: Sequence[str],
    spreads: Mapping[str, float],
    blur: float,
    random: Random,
) -> Rows:
    """The true contacts in the form of a posterior on ``count`` columns, [count, channels].

    A share ``blur`` of them is told as one tells what is not seen for certain: displaced and spread alike, so that the
    truth is distributed as it is told.
    """
    rows = np.zeros((count, len(EVENT_CHANNELS) + len(materials)), np.float32)
    centers = np.arange(count) + 0.5
    names = {name: k + len(EVENT_CHANNELS) for k, name in enumerate(materials)}
    for (begin, end), name in zip(heard.lasting, heard.lasting_materials, strict=True):
        there = (centers >= begin * _RATE) & (centers < end * _RATE)
        rows[there, 5] = _CERTAIN
        if name in names:
            rows[there, names[name]] = 1
    for k, time in enumerate(heard.times):
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
            rows[mine, column] = heard.facts[fact][k] + random.normal(0, 0.15 * spreads.get(fact, 1.0))
        rows[mine, 4] = heard.facts["x"][k]
        _name(rows, mine, names, heard.materials[k], spread > 0, random)
    return rows


def _name(
    rows: Rows, mine: npt.NDArray[np.bool_], names: Mapping[str, int], name: str, unsure: bool, random: Random
) -> None:
    """Tell a material, and with it one that it might be as well; one that is not known is told as any, as in use."""
    rows[mine, len(EVENT_CHANNELS) :] = 0 if name in names else 1 / max(len(names), 1)
    if name not in names:
        return
    other = random.uniform(0, 0.4) if unsure else 0.0
    if other:
        rows[mine, random.choice(list(names.values()))] = other
    rows[mine, names[name]] += 1 - other
