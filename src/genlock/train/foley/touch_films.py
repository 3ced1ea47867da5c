"""Films as a model of touches learns from them: small pictures, the motion in them, and what touches.

Some are learnt from at half their rate too: every second frame, and the motion from one of those to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.files import atomic_path
from genlock.core.progress import Progress, silent
from genlock.data.prepare import source_of
from genlock.data.reading import Clip
from genlock.data.splits import NAMES
from genlock.drawing.opencv import cv2
from genlock.extractors.picture.motion_maps import MotionMapper, instant_of
from genlock.media import VideoCell, VideoForm, read
from genlock.models.foley.contacts import prepared_maps
from genlock.models.foley.materials import LONGEST_SIDE
from genlock.models.foley.small_pictures import small_picture
from genlock.train.datasets import each_clip, left_out_notes, open_datasets
from genlock.train.foley.motion_films import MOTION_NEEDS, MotionFilm, motion_film_of

__all__ = ["TouchFilm", "open_touch_films", "pictures_of"]

Pixels: TypeAlias = npt.NDArray[np.uint8]

_NEAR = 1e-6  # seconds within which a frame is the one of a map
# Films of fewer frames a second are not halved, and what is left of one has so many frames at least.
_LEAST_RATE, _LEAST_FRAMES = 20, 8
# Films are halved by their number, so many of each ten.
_OF = 10


@dataclass(frozen=True, eq=False)
class TouchFilm:
    """A film whose motion and contacts are known, and its pictures."""

    film: MotionFilm
    """Its maps of motion, its contacts, and when its frames were taken."""
    small: Pixels
    """Of :func:`genlock.models.foley.small_pictures.small_picture`, uint8 [T, 18432]; on disk until it is looked at."""

    numbers: npt.NDArray[np.int64] | None = None
    """Which of the pictures its frames are, [T]; None: all."""

    def pictures(self, frames: npt.NDArray[np.int64] | slice) -> Pixels:
        """The small pictures of some frames."""
        return np.asarray(self.small[frames if self.numbers is None else self.numbers[frames]])

    @property
    def name(self) -> str:
        """Of the film."""
        return self.film.name


class _Pictures:
    """Keeps the frames of some instants, small, and the motion between every second of them."""

    form = VideoForm(longest_side=LONGEST_SIDE)

    def __init__(self, start: Fraction, instants: npt.NDArray[np.float64], halved: bool) -> None:
        self._start, self._instants = start, instants
        self._mapper = MotionMapper() if halved else None
        self.found: dict[int, Pixels] = {}
        self.maps: dict[Fraction, npt.NDArray[np.float32]] = {}
        self.numbers: dict[Fraction, int] = {}

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""
        instant = instant_of(cell)
        at = float(instant - self._start)
        number = int(np.searchsorted(self._instants, at - _NEAR))
        if number >= len(self._instants) or abs(self._instants[number] - at) > _NEAR:
            return
        self.found[number] = small_picture(cell.pixels)
        if self._mapper is None or number % 2:
            return
        self.numbers[instant] = number
        grey = np.asarray(cv2.cvtColor(cell.pixels, cv2.COLOR_RGB2GRAY), np.uint8)
        maps = self._mapper.push(instant, grey)
        if maps is not None:
            self.maps[maps.instant] = maps.maps

    def finish(self) -> None:
        """Nothing is held."""


def pictures_of(
    path: str | Path, start: Fraction, instants: npt.NDArray[np.float64], halved: bool = False
) -> tuple[Pixels, npt.NDArray[np.float16], npt.NDArray[np.int64]]:
    """The small pictures of a film at some instants; and prepared maps of the motion between every second of them.

    Parameters
    ----------
    path : the film
    start : where its tracks begin on its clock
    instants : when the frames were taken, in seconds from there
    halved : whether maps are asked for

    Returns
    -------
    Pictures uint8 [T, 18432]; maps [n, 12, 16, 15]; the numbers of their frames among those of the instants, [n].

    Raises
    ------
    InputError
        If frames of these instants are not in the film.
    NoStream, MediaError
        If it cannot be read.
    """
    pictures = _Pictures(start, instants, halved)
    read(path, [pictures])
    if len(pictures.found) < len(instants):
        raise InputError(
            f"{len(instants) - len(pictures.found)} of the frames that its motion was measured in are not in "
            "it any more; prepare it again"
        )
    maps = [prepared_maps(one[None])[0] for one in pictures.maps.values()]
    numbers = [pictures.numbers[instant] for instant in pictures.maps]
    shape = maps[0].shape if maps else (12, 16, 15)
    return (
        np.stack([pictures.found[k] for k in range(len(instants))]),
        np.array(maps, np.float16).reshape(-1, *shape),
        np.array(numbers, np.int64),
    )


def _kept_film(clip: Clip, path: Path, kept: Path, halved: bool) -> list[TouchFilm]:
    """A clip's film, and the same at half its rate; pictures are written once."""
    film = motion_film_of(clip)
    rate = len(film.instants) / max(film.seconds, _NEAR)
    wanted = halved and rate > _LEAST_RATE
    small, half = kept / f"{Path(clip.name).name}.npy", kept / f"{Path(clip.name).name}.half.npz"
    if not small.is_file() or (wanted and not half.is_file()):
        pictures, maps, numbers = pictures_of(path, clip.tracks["motion"].start, film.instants, wanted)
        if wanted:
            with atomic_path(half) as temporary:
                np.savez(temporary, maps=maps, numbers=numbers)
        with atomic_path(small) as temporary:
            np.save(temporary, pictures, allow_pickle=False)
    found = [TouchFilm(film, np.load(small, mmap_mode="r"))]
    if wanted:
        with np.load(half, allow_pickle=False) as held:
            maps, numbers = held["maps"], held["numbers"]
        if len(numbers) >= _LEAST_FRAMES:
            slower = replace(film, name=f"{film.name} halved", maps=maps, instants=film.instants[numbers])
            found.append(TouchFilm(slower, found[0].small, numbers))
    return found


def open_touch_films(
    named: Sequence[str | Path], run: str | Path, halved: float = 0.0, progress: Progress = silent
) -> tuple[dict[str, tuple[TouchFilm, ...]], tuple[str, ...]]:
    """Films of datasets by split, and notes; folders of ``genlock synth impacts`` are prepared first.

    Small pictures are written once into ``pictures`` in the folder of the run, some 2 MB a film.

    Parameters
    ----------
    named : datasets, or folders of films
    run : folder of the run
    halved : share of the films to learn from that are there at half their rate too
    progress : told of the reading

    Raises
    ------
    InputError
        If the films that a dataset was made from are not there, or nothing can be used; see also
        :func:`genlock.train.datasets.open_datasets`.
    OutputError
        If the pictures cannot be written.
    """
    opened = open_datasets(named, run, MOTION_NEEDS, progress)
    by_split: dict[str, list[TouchFilm]] = {split: [] for split in NAMES}
    left_out: list[tuple[str, str]] = []
    for number_of_set, dataset in enumerate(opened.datasets):
        folder = source_of(dataset)
        if folder is None:
            raise InputError(
                f"the films that {str(dataset)!r} was made from are not known here; name their folder instead"
            )
        kept = Path(run) / "pictures" / str(number_of_set)
        for split, clips, number in each_clip(type(opened)((dataset,)), MOTION_NEEDS, left_out, progress):
            clip = clips[number]
            path = Path(folder) / str(clip.row["source"])
            if not path.is_file():
                left_out.append((clip.name, f"its film {str(path)!r} is not there any more"))
                continue
            try:
                too = split == "train" and number % _OF < round(_OF * halved)
                by_split[split] += _kept_film(clip, path, kept, too)
            except InputError as error:
                left_out.append((clip.name, str(error)))
    notes = (*opened.notes, *left_out_notes(left_out, run))
    return {split: tuple(films) for split, films in by_split.items()}, notes
