"""Films as a model that looks closely learns from them: what is looked at, and what touches there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.progress import Progress, silent
from genlock.data.prepare import source_of
from genlock.data.splits import NAMES
from genlock.extractors.picture.motion_maps import instant_of
from genlock.foley.closely import Glances, look_around
from genlock.media import VideoCell, VideoForm, read
from genlock.models.foley.contacts import ContactModel, ContactRows
from genlock.models.foley.materials import LONGEST_SIDE, MaterialReader
from genlock.train.datasets import each_clip, left_out_notes, open_datasets
from genlock.train.foley.motion_films import MOTION_NEEDS, MotionFilm, motion_film_of

__all__ = ["MARGIN", "TouchFilm", "open_touch_films", "touch_film_of"]

Pixels: TypeAlias = npt.NDArray[np.uint8]

#: Pixels around what is looked at, so that it can be moved while it is learnt from.
MARGIN = 4
_NEAR = 1e-6  # seconds within which a frame is the one of a map


@dataclass(frozen=True, eq=False)
class TouchFilm:
    """What is looked at in a film, and what is to be told of it."""

    film: MotionFilm
    """Its contacts, and when its frames were taken; its maps are no longer held."""
    rows: ContactRows
    """What motion tells of its frames."""
    looks: Glances
    """What is looked at; parts have a margin of :data:`MARGIN` pixels."""

    @property
    def name(self) -> str:
        """Of the film."""
        return self.film.name


class _Pictures:
    """Keeps the frames of some instants."""

    form = VideoForm(longest_side=LONGEST_SIDE)

    def __init__(self, start: Fraction, instants: npt.NDArray[np.float64]) -> None:
        self._start, self._instants = start, instants
        self.found: dict[int, Pixels] = {}

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""
        at = float(instant_of(cell) - self._start)
        number = int(np.searchsorted(self._instants, at - _NEAR))
        if number < len(self._instants) and abs(self._instants[number] - at) <= _NEAR:
            self.found[number] = cell.pixels

    def finish(self) -> None:
        """Nothing is held."""


def touch_film_of(
    path: str | Path,
    start: Fraction,
    film: MotionFilm,
    model: ContactModel,
    reader: MaterialReader,
    side: int,
) -> TouchFilm:
    """What is looked at in a film whose maps of motion are known.

    Parameters
    ----------
    path : the film
    start : where its tracks begin on its clock
    side : pixels of the parts that the network looks at

    Raises
    ------
    InputError
        If frames that the maps are of are not in the film.
    NoStream, MediaError
        If it cannot be read.
    """
    maps = np.asarray(film.maps, np.float32)
    rows = model.rows_of_prepared(maps)
    pictures = _Pictures(start, film.instants)
    read(path, [pictures])
    if len(pictures.found) < len(film.instants):
        raise InputError(
            f"{len(film.instants) - len(pictures.found)} of the frames that its motion was measured in are not in "
            "it any more; prepare it again"
        )
    frames = [pictures.found[k] for k in range(len(film.instants))]
    looks = look_around(rows, maps, frames, reader, side, MARGIN)
    shorter = replace(film, maps=np.zeros((0, *film.maps.shape[1:]), np.float16))
    kept = replace(looks, moved=looks.moved.astype(np.float16))
    return TouchFilm(shorter, rows, kept)


def open_touch_films(
    named: Sequence[str | Path],
    run: str | Path,
    model: ContactModel,
    reader: MaterialReader,
    side: int,
    progress: Progress = silent,
) -> tuple[dict[str, tuple[TouchFilm, ...]], tuple[str, ...]]:
    """Films of datasets by split, and notes; folders of ``genlock synth impacts`` are prepared first.

    Raises
    ------
    InputError
        If the films that a dataset was made from are not there, or nothing can be used; see also
        :func:`genlock.train.datasets.open_datasets`.
    """
    opened = open_datasets(named, run, MOTION_NEEDS, progress)
    by_split: dict[str, list[TouchFilm]] = {split: [] for split in NAMES}
    left_out: list[tuple[str, str]] = []
    for dataset in opened.datasets:
        folder = source_of(dataset)
        if folder is None:
            raise InputError(
                f"the films that {str(dataset)!r} was made from are not known here; name their folder instead"
            )
        for split, clips, number in each_clip(type(opened)((dataset,)), MOTION_NEEDS, left_out, progress):
            clip = clips[number]
            path = Path(folder) / str(clip.row["source"])
            if not path.is_file():
                left_out.append((clip.name, f"its film {str(path)!r} is not there any more"))
                continue
            try:
                film = motion_film_of(clip)
                found = touch_film_of(path, clip.tracks["motion"].start, film, model, reader, side)
            except InputError as error:
                left_out.append((clip.name, str(error)))
                continue
            if len(found.looks.centres) or split != "train":
                by_split[split].append(found)
    notes = (*opened.notes, *left_out_notes(left_out, run))
    return {split: tuple(films) for split, films in by_split.items()}, notes
