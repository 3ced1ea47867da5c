"""How well a watcher finds what sounds, beside what knows nothing: a metronome, motion alone, another film's events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.track import Track
from genlock.models.foley.reading import Reading, ReadOff, read_off
from genlock.models.foley.watcher import COLUMN_RATE, EVENT_CHANNELS, Watcher
from genlock.train.foley.films import Film

__all__ = ["Found", "controls", "figures_of", "fit_reading", "found_in", "match", "posteriors_of", "score"]

Floats: TypeAlias = npt.NDArray[np.float64]
Pairs: TypeAlias = npt.NDArray[np.int64]

_RATE = float(COLUMN_RATE)
_THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7)
_NEAR_SECONDS = 0.05


@dataclass(frozen=True, eq=False)
class Found:
    """Events of one film as they were found, and as they are."""

    times: Floats
    true: Floats
    read: ReadOff | None = None
    """What was read off, where it was."""
    film: Film | None = None


def match(found: Floats, true: Floats, tolerance: float) -> Pairs:
    """As many pairs as can be made of instants no further apart than ``tolerance``, each used once: [n, 2].

    >>> match(np.array([0.0, 0.06]), np.array([0.05, 0.5]), 0.05).tolist()
    [[0, 0]]
    """
    # On a line, the earliest that fits is as good as any.
    pairs, i, j = [], 0, 0
    ours, theirs = np.argsort(found, kind="stable"), np.argsort(true, kind="stable")
    while i < len(ours) and j < len(theirs):
        apart = found[ours[i]] - true[theirs[j]]
        if abs(apart) <= tolerance + 1e-9:
            pairs.append((int(ours[i]), int(theirs[j])))
            i, j = i + 1, j + 1
        elif apart < 0:
            i += 1
        else:
            j += 1
    return np.array(pairs, np.int64).reshape(-1, 2)


def posteriors_of(watcher: Watcher, films: Sequence[Film]) -> list[Track]:
    """What it says of each film."""
    return [watcher.posterior(film.pictures, film.cells) for film in films]


def found_in(posteriors: Sequence[Track], films: Sequence[Film], reading: Reading) -> list[Found]:
    """Events read off posteriors."""
    found = []
    for track, film in zip(posteriors, films, strict=True):
        read = read_off(np.asarray(track.values, np.float32), reading.threshold)
        found.append(Found(read.places / _RATE - reading.late_seconds, film.times, read, film))
    return found


def fit_reading(posteriors: Sequence[Track], films: Sequence[Film]) -> Reading:
    """The threshold with the best F at 50 ms, and the median of how late events then are, on films with known truth."""
    best, chosen = -1.0, Reading()
    for threshold in _THRESHOLDS:
        found = found_in(posteriors, films, Reading(threshold))
        f = score(found, _NEAR_SECONDS)
        if f > best:
            late = _offsets(found)
            best, chosen = f, Reading(threshold, float(np.median(late)) if len(late) else 0.0)
    return chosen


def score(found: Sequence[Found], tolerance: float) -> float:
    """F of all films together: nothing found where there is something is 0."""
    pairs = sum(len(match(one.times, one.true, tolerance)) for one in found)
    whole = sum(len(one.times) + len(one.true) for one in found)
    return 2 * pairs / whole if whole else 0.0


def _offsets(found: Sequence[Found]) -> Floats:
    apart = []
    for one in found:
        pairs = match(one.times, one.true, _NEAR_SECONDS)
        apart.append(one.times[pairs[:, 0]] - one.true[pairs[:, 1]])
    return np.concatenate(apart) if apart else np.zeros(0)


def figures_of(found: Sequence[Found], materials: Sequence[str]) -> dict[str, float]:
    """F at 50 and 20 ms, median offset in ms, share of right materials, correlations of impulse, size and place."""
    offsets = _offsets(found)
    told: dict[str, list[Floats]] = {name: [] for name in ("impulse", "size", "x")}
    right: list[bool] = []
    for one in found:
        if one.read is None or one.film is None:
            continue
        pairs = match(one.times, one.true, _NEAR_SECONDS)
        rows = one.read.rows[pairs[:, 0]]
        for column, name in ((2, "impulse"), (3, "size"), (4, "x")):
            told[name].append(np.stack([rows[:, column], one.film.facts[name][pairs[:, 1]]]))
        for row, (_, which) in zip(rows, pairs, strict=True):
            name = one.film.materials[which]
            if name in materials:
                right.append(materials[int(row[len(EVENT_CHANNELS) :].argmax())] == name)
    figures = {"f_50ms": score(found, 0.05), "f_20ms": score(found, 0.02)}
    if len(offsets):
        figures["late_ms"] = 1000 * float(np.median(offsets))
        figures["scatter_ms"] = 1000 * float(np.median(np.abs(offsets)))
    if right:
        figures["material_right"] = float(np.mean(right))
    for name, parts in told.items():
        both = np.concatenate(parts, axis=1) if parts else np.zeros((2, 0))
        if both.shape[1] > 2 and both.std(axis=1).min() > 0:
            figures[f"{name}_correlation"] = float(np.asarray(np.corrcoef(both))[0, 1])
    return figures


def controls(found: Sequence[Found], films: Sequence[Film]) -> dict[str, float]:
    """F at 50 ms of what does not know the film: another film's events, a metronome, peaks of motion, silence."""
    films, others = list(films), [*found[1:], *found[:1]]
    period = sum(film.seconds for film in films) / max(sum(len(film.times) for film in films), 1)
    rows = {
        "another_film": [Found(other.times, film.times) for other, film in zip(others, films, strict=True)],
        "metronome": [Found(np.arange(period / 2, film.seconds, period), film.times) for film in films],
        "motion_peaks": [Found(motion_peaks(film, period), film.times) for film in films],
        "silence": [Found(np.zeros(0), film.times) for film in films],
    }
    return {f"{name}_f_50ms": score(row, _NEAR_SECONDS) for name, row in rows.items()}


def motion_peaks(film: Film, period: float) -> Floats:
    """Where motion falls most, as often as things sound on average, [n]: what is hit stops."""
    grey = film.pictures.mean(axis=3)
    motion = np.abs(np.diff(grey, axis=0, prepend=grey[:1])).mean(axis=(1, 2))
    fall = np.maximum(motion[:-1] - motion[1:], 0)
    peaks = [
        k
        for k in range(1, len(fall) - 1)
        if fall[k] > 0 and fall[k] >= fall[k - 1] and fall[k] >= fall[k + 1]
    ]
    strongest = sorted(peaks, key=lambda k: -fall[k])[: max(round(film.seconds / period), 1)]
    starts = film.starts
    return np.array(sorted(float(starts[k] + starts[k + 1]) / 2 for k in strongest))
