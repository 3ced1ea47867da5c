"""Films as a finder of contacts learns from them: maps of motion, and what touches when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.progress import Progress, silent
from genlock.data.corpora.impacts import contacts_of
from genlock.data.reading import Clip
from genlock.data.splits import NAMES
from genlock.extractors.picture.motion_maps import FRAME_INSTANT
from genlock.models.foley.contacts import prepared_maps
from genlock.train.datasets import Needs, each_clip, left_out_notes, open_datasets

__all__ = [
    "MOTION_NEEDS",
    "ContactTargets",
    "MotionFilm",
    "motion_film_of",
    "motion_films",
    "targets_of_film",
]

Floats: TypeAlias = npt.NDArray[np.float64]

#: What a dataset must hold.
MOTION_NEEDS = Needs({"motion": "motion"}, "impacts")
_LEAST_FRAMES = 8
_LEAST_IMPULSE = 1e-4
# Around what may sound but need not, nothing is asked, so many seconds.
_UNSURE = 0.09


@dataclass(frozen=True, eq=False)
class MotionFilm:
    """The motion in a film, and what touches in it; times are seconds from the film's beginning."""

    name: str
    maps: npt.NDArray[np.float16]
    """As the network takes them, [T, rows, columns, channels]."""
    instants: Floats
    """When each frame was taken, [T]."""
    times: Floats
    """When contacts begin that are seen and heard, [n]."""
    impulses: Floats
    """Of each, log10 N s."""
    places: Floats
    """Of each: x and y in the picture, [n, 2]."""
    unsure: Floats
    """From when to when something may sound, but need not, [m, 2]."""
    seconds: float
    """Length of the film."""


def motion_film_of(clip: Clip) -> MotionFilm:
    """A clip of a dataset that was prepared with ``--recipe impacts --outputs motion``.

    Raises InputError if it has hardly any frames.
    """
    track = clip.tracks["motion"]
    seen = np.flatnonzero(track.valid)
    if len(seen) < _LEAST_FRAMES:
        raise InputError(f"it has only {len(seen)} frames with motion")
    start, end = track.start, track.end
    edges = [track.grid.edge(int(k)) - start for k in range(len(track) + 1)]
    taken = [edges[k] + FRAME_INSTANT * (edges[k + 1] - edges[k]) for k in seen.tolist()]
    known = [c for c in contacts_of(clip) if start <= c.time < end]
    must = [c for c in known if c.visible and c.audible and c.kind != "roll"]
    may = [c for c in known if not (c.visible and c.audible) or c.kind in ("scrape", "roll")]
    return MotionFilm(
        clip.name,
        prepared_maps(np.asarray(track.values[seen], np.float32)).astype(np.float16),
        np.array([float(at) for at in taken]),
        np.array([float(c.time - start) for c in must], np.float64),
        np.log10([max(c.impulse, _LEAST_IMPULSE) for c in must]),
        np.array([(c.x, c.y) for c in must], np.float64).reshape(-1, 2),
        np.array([_span(c.time, c.end, start) for c in may], np.float64).reshape(-1, 2),
        float(end - start),
    )


def _span(begin: Fraction, end: Fraction | None, start: Fraction) -> tuple[float, float]:
    return float(begin - start), float((begin if end is None else end) - start)


def motion_films(
    named: Sequence[str | Path], run: str | Path, progress: Progress = silent
) -> tuple[dict[str, tuple[MotionFilm, ...]], tuple[str, ...]]:
    """Films by split, and notes; folders of ``genlock synth impacts`` are prepared first.

    Raises InputError if a dataset cannot be used, see :func:`genlock.train.datasets.open_datasets`.
    """
    opened = open_datasets(named, run, MOTION_NEEDS, progress)
    by_split: dict[str, list[MotionFilm]] = {name: [] for name in NAMES}
    left_out: list[tuple[str, str]] = []
    for split, clips, number in each_clip(opened, MOTION_NEEDS, left_out, progress):
        try:
            by_split[split].append(motion_film_of(clips[number]))
        except InputError as error:
            left_out.append((clips.known[number].name, str(error)))
    notes = (*opened.notes, *left_out_notes(left_out, run))
    return {name: tuple(films) for name, films in by_split.items()}, notes


@dataclass(frozen=True, eq=False)
class ContactTargets:
    """What is to be told of each frame, [T]."""

    presence: npt.NDArray[np.float32]
    """Share of a contact: of the two frames around it, each as near as it is."""
    place: npt.NDArray[np.float32]
    """When, in frames."""
    impulse: npt.NDArray[np.float32]
    where: npt.NDArray[np.int64]
    """Number of the place in the picture; -1: none."""
    asked: npt.NDArray[np.float32]
    """1 where presence is asked, 0 around what may sound or not."""


def targets_of_film(film: MotionFilm, rows: int, columns: int) -> ContactTargets:
    """What is to be told of the frames of a film, with so many places down and across.

    >>> film = MotionFilm("a", np.zeros((3, 2, 2, 1), np.float16), np.array([0.0, 0.1, 0.2]), np.array([0.125]),
    ...     np.array([-1.0]), np.array([[0.9, 0.1]]), np.zeros((0, 2)), 0.3)
    >>> targets_of_film(film, 2, 2).presence.round(2).tolist(), targets_of_film(film, 2, 2).where.tolist()
    ([0.0, 0.75, 0.25], [-1, 1, 1])
    """
    count = len(film.instants)
    presence, place, impulse = (np.zeros(count, np.float32) for _ in range(3))
    where, asked = np.full(count, -1, np.int64), np.ones(count, np.float32)
    for begin, end in film.unsure:
        asked[(film.instants >= begin - _UNSURE) & (film.instants <= end + _UNSURE)] = 0
    for at, hard, (x, y) in zip(film.times, film.impulses, film.places, strict=True):
        after = int(np.searchsorted(film.instants, at))
        if not 0 < after < count:
            continue
        step = film.instants[after] - film.instants[after - 1]
        later = (at - film.instants[after - 1]) / step
        asked[after - 1 : after + 1] = 1
        for frame, away in ((after - 1, later), (after, later - 1)):
            share = 1 - abs(away)
            if share > presence[frame]:
                presence[frame], place[frame], impulse[frame] = share, away, hard
                down, right = (min(max(int(v * n), 0), n - 1) for v, n in ((y, rows), (x, columns)))
                where[frame] = down * columns + right
    return ContactTargets(presence, place, impulse, where, asked)
