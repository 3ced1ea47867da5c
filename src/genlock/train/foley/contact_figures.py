"""How well contacts are told of films whose contacts are known, and how they are read off best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from genlock.core.time import exact
from genlock.foley.contacts import events_of_rows
from genlock.metrics.onsets import (
    OnsetScores,
    Wanted,
    match_onsets,
    metronome_onsets,
    offset_seconds,
    pooled_f,
    score_onsets,
)
from genlock.models.foley.contacts import ContactModel, ContactRows
from genlock.models.foley.reading import Reading
from genlock.train.foley.motion_films import MotionFilm

__all__ = ["Told", "figures_of_contacts", "fit_contacts", "fitted_reading", "told_by"]

_THRESHOLDS = np.arange(0.2, 0.96, 0.05).round(2).tolist()
_LEAST = 0.1
_NEAR, _CLOSE = 1, 0  # numbers of the tolerances of 50 and 20 ms
_NEAR_SECONDS = 0.05


class Told:
    """What is told of a film, read off at the lowest threshold.

    Parameters
    ----------
    rows : of its frames
    film : its contacts, and when its frames were taken
    """

    def __init__(self, rows: ContactRows, film: MotionFilm) -> None:
        instants = [exact(f"{at:.9f}") for at in film.instants.tolist()]
        self.film, self.events = film, events_of_rows(rows, instants, Reading(_LEAST))
        self.wanted = Wanted(
            tuple(film.times.tolist()), tuple((float(a), float(b)) for a, b in film.unsure), film.seconds
        )

    def seconds(self, reading: Reading) -> list[float]:
        """The instants that a reading tells."""
        return [
            float(event.instant) - reading.late_seconds
            for event in self.events
            if event.probability >= reading.threshold
        ]

    def scores(self, reading: Reading) -> OnsetScores:
        """How they stand against the truth."""
        return score_onsets(self.wanted, self.seconds(reading))


def told_by(model: ContactModel, films: Sequence[MotionFilm]) -> list[Told]:
    """What motion alone tells of films."""
    return [Told(model.rows_of_prepared(np.asarray(film.maps, np.float32)), film) for film in films]


def fit_contacts(model: ContactModel, films: Sequence[MotionFilm]) -> ContactModel:
    """The model with the reading that fits the films, see :func:`fitted_reading`."""
    return replace(model, reading=fitted_reading(told_by(model, films)))


def fitted_reading(told: Sequence[Told]) -> Reading:
    """The threshold of the best F at 50 ms, and the median of how late contacts then are."""
    best, chosen = -1.0, Reading()
    for threshold in _THRESHOLDS:
        reading = Reading(threshold)
        scores = [one.scores(reading) for one in told]
        if pooled_f(scores, _NEAR) > best:
            late = offset_seconds(scores)
            best, chosen = pooled_f(scores, _NEAR), Reading(threshold, late if np.isfinite(late) else 0.0)
    return chosen


def figures_of_contacts(told: Sequence[Told], reading: Reading) -> dict[str, float]:
    """F at 50 and 20 ms, median offset in ms, correlation of impulses; and what does not know the films."""
    films = [one.film for one in told]
    scores = [one.scores(reading) for one in told]
    others = [*told[1:], *told[:1]]
    rate = sum(len(film.times) for film in films) / max(sum(film.seconds for film in films), 1e-9)
    beats = [metronome_onsets(film.seconds, 1 / max(rate, 1e-3)) for film in films]
    found = {
        "f_50ms": pooled_f(scores, _NEAR),
        "f_20ms": pooled_f(scores, _CLOSE),
        "late_ms": 1000 * offset_seconds(scores),
        "impulse_correlation": _impulses(told, reading),
        "another_film_f_50ms": pooled_f(
            [
                score_onsets(one.wanted, other.seconds(reading))
                for one, other in zip(told, others, strict=True)
            ],
            _NEAR,
        ),
        "metronome_f_50ms": pooled_f(
            [score_onsets(one.wanted, beat) for one, beat in zip(told, beats, strict=True)], _NEAR
        ),
    }
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}


def _impulses(told: Sequence[Told], reading: Reading) -> float:
    pairs = []
    for one in told:
        events = [event for event in one.events if event.probability >= reading.threshold]
        for true, found in match_onsets(one.film.times.tolist(), one.seconds(reading), _NEAR_SECONDS):
            pairs.append((one.film.impulses[true], np.log10(max(events[found].impulse, 1e-6))))
    both = np.array(pairs, np.float64).reshape(-1, 2)
    if len(both) < 3 or both.std(axis=0).min() < 1e-9:
        return float("nan")
    return float(np.asarray(np.corrcoef(both.T))[0, 1])
