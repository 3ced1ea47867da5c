"""Films whose contacts are known, as a watcher of events learns from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.grid import Cells
from genlock.core.progress import Progress, silent
from genlock.data.corpora.impacts import contacts_of
from genlock.data.reading import Clip
from genlock.data.splits import NAMES
from genlock.train.datasets import Needs, each_clip, left_out_notes, open_datasets

__all__ = ["FILM_NEEDS", "Film", "Films", "film_of", "materials_of", "open_films"]

Pixels: TypeAlias = npt.NDArray[np.uint8]
Floats: TypeAlias = npt.NDArray[np.float64]

#: What a dataset must hold for a watcher.
FILM_NEEDS = Needs({"frames_64": "frames/64x64"}, "impacts")
_LEAST_IMPULSE, _LEAST_SIZE = 1e-6, 1e-4
_LEAST_FRAMES = 8


@dataclass(frozen=True, eq=False)
class Film:
    """The pictures of a film, and what sounds in it."""

    name: str
    pictures: Pixels
    """uint8 [T, side, side, 3]."""
    cells: Cells
    """When each is shown."""
    times: Floats
    """When contacts begin that are seen and heard, seconds from the film's beginning, [n]."""
    facts: Mapping[str, Floats]
    """Of each: log10 of ``impulse`` and ``size``, ``x`` and ``y``, [n]."""
    materials: tuple[str, ...]
    """Of each."""
    lasting: Floats
    """From when to when something scrapes or rolls, seen and heard, seconds from the beginning, [m, 2]."""
    lasting_materials: tuple[str, ...] = ()
    """Of each."""

    @property
    def starts(self) -> Floats:
        """When frames begin to be shown, [T], seconds from the film's beginning."""
        return np.asarray(self.cells.edges(len(self.pictures))[:-1] - float(self.cells.edge(0)))

    @property
    def seconds(self) -> float:
        """Length of the film."""
        return float(self.cells.edge(len(self.pictures)) - self.cells.edge(0))


@dataclass(frozen=True, eq=False)
class Films:
    """What a watcher learns from, is chosen on, and is reported on."""

    learnt: tuple[Film, ...]
    held: tuple[Film, ...]
    reported: tuple[Film, ...]
    notes: tuple[str, ...] = ()
    """What was prepared or left out, in words."""


def film_of(clip: Clip, kind: str = "frames_64") -> Film:
    """A clip of a dataset of the recipe ``impacts``.

    Raises InputError if it has hardly any frames.
    """
    track = clip.tracks[kind]
    if len(track) < _LEAST_FRAMES:
        raise InputError(f"it has only {len(track)} frames")
    start, end = track.start, track.end
    known = [c for c in contacts_of(clip) if c.visible and c.audible and start <= c.time < end]
    begun = [c for c in known if c.kind != "roll"]
    lasting = [c for c in known if c.end is not None]
    return Film(
        clip.name,
        np.asarray(track.values, np.uint8),
        track.grid,
        np.array([float(c.time - start) for c in begun], np.float64),
        {
            "impulse": np.log10([max(c.impulse, _LEAST_IMPULSE) for c in begun]),
            "size": np.log10([max(c.size, _LEAST_SIZE) for c in begun]),
            "x": np.clip(np.array([c.x for c in begun], np.float64), 0, 1),
            "y": np.clip(np.array([c.y for c in begun], np.float64), 0, 1),
        },
        tuple(c.material for c in begun),
        np.array([_span(c.time, c.end, start) for c in lasting], np.float64).reshape(-1, 2),
        tuple(c.material for c in lasting),
    )


def _span(begin: Fraction, end: Fraction | None, start: Fraction) -> tuple[float, float]:
    return float(begin - start), float((begin if end is None else end) - start)


def materials_of(films: Sequence[Film]) -> tuple[str, ...]:
    """The materials that sound in films, in alphabetical order."""
    return tuple(sorted({name for film in films for name in (*film.materials, *film.lasting_materials)}))


def open_films(named: Sequence[str | Path], run: str | Path, progress: Progress = silent) -> Films:
    """The films of datasets, or of folders of ``genlock synth impacts`` that are prepared first, by their splits.

    Raises
    ------
    InputError
        If no film can be used; see also :func:`genlock.train.datasets.open_datasets`.
    """
    opened = open_datasets(named, run, FILM_NEEDS, progress)
    by_split: dict[str, list[Film]] = {name: [] for name in NAMES}
    left_out: list[tuple[str, str]] = []
    for split, clips, number in each_clip(opened, FILM_NEEDS, left_out, progress):
        try:
            by_split[split].append(film_of(clips[number]))
        except InputError as error:
            left_out.append((clips.known[number].name, str(error)))
    notes = (*opened.notes, *left_out_notes(left_out, run))
    return Films(tuple(by_split["train"]), tuple(by_split["valid"]), tuple(by_split["test"]), notes)
