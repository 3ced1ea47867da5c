"""What judgements of films with planted truth are worth: by length and by person, how sure against how right.

An abstention counts as not right. Intervals are 90 % bootstraps over people, not over films: another person is what a
judgement meets next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genlock.lipsync.confidence import Confidence, judge
from genlock.train.lipsync.people import Measured

__all__ = [
    "Told",
    "coverage",
    "reliability",
    "risk_coverage",
    "table_by_length",
    "table_by_person",
    "told_of",
]

Array = npt.NDArray[np.float64]

RIGHT_SECONDS = 0.080
# As genlock sync answers: half as sure is enough of two seconds, which can prove nothing.
_LEAST_PROBABILITY = 0.12
_SURE = 0.9
_BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Told:
    """One film: its truth, and what was said of it."""

    person: str
    """Whose face it shows."""
    seconds: float
    """How long it is."""
    truth: float | None
    """The planted offset; None where the sound belongs to no mouth."""
    lag: float
    """The best lag, in seconds."""
    interval: tuple[float, float]
    """The 90 % interval."""
    probability: float
    """That the lag is right within 40 ms."""
    belongs: float
    """That the sound belongs to the mouth."""

    @property
    def own(self) -> bool:
        """Whether the sound belongs to the mouth."""
        return self.truth is not None

    @property
    def error(self) -> float:
        """Distance of the best lag from the truth; infinite where there is none."""
        return np.inf if self.truth is None else abs(self.lag - self.truth)

    @property
    def answered(self) -> bool:
        """Whether ``genlock sync`` gives an offset."""
        return self.probability >= _LEAST_PROBABILITY * min(1.0, self.seconds / 4)


def told_of(films: Sequence[Measured], confidence: Callable[[str], Confidence]) -> list[Told]:
    """What is said of films; ``confidence`` gives that for a person's, such as one fitted without him."""
    told = []
    for film in films:
        found = judge(film.curve, confidence(film.person))
        if found is not None:
            told.append(
                Told(
                    film.person,
                    film.seconds,
                    film.truth,
                    found.peak.lag_seconds,
                    found.interval_seconds,
                    found.probability,
                    found.belongs,
                )
            )
    return told


_COLUMNS: Mapping[str, Callable[[Told], float | None]] = {
    "best lag": lambda t: float(t.error <= RIGHT_SECONDS) if t.own else None,
    "right, of all": lambda t: float(t.answered and t.error <= RIGHT_SECONDS) if t.own else None,
    "answered": lambda t: float(t.answered) if t.own else None,
    "p >= .5": lambda t: float(t.probability >= 0.5) if t.own else None,
    "p >= .9": lambda t: float(t.probability >= _SURE) if t.own else None,
    "p >= .9, wrong": lambda t: float(t.probability >= _SURE and t.error > RIGHT_SECONDS),
    "foreign >= .5": lambda t: None if t.own else float(t.belongs >= 0.5),
    "in interval": lambda t: (
        float(t.interval[0] <= t.truth <= t.interval[1]) if t.truth is not None else None
    ),
}


def table_by_length(told: Sequence[Told], seed: int = 0) -> str:
    """Shares for each length, with intervals over people; Markdown."""
    lines = [f"| seconds | films | {' | '.join(_COLUMNS)} |", "|" + "---|" * (len(_COLUMNS) + 2)]
    for seconds in sorted({t.seconds for t in told}):
        some = [t for t in told if t.seconds == seconds]
        cells = [_share(some, column, seed) for column in _COLUMNS.values()]
        lines.append(f"| {seconds:g} | {len(some)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def table_by_person(told: Sequence[Told]) -> str:
    """Shares for each person, all lengths together; Markdown."""
    lines = [f"| person | films | {' | '.join(_COLUMNS)} |", "|" + "---|" * (len(_COLUMNS) + 2)]
    for person in sorted({t.person for t in told}):
        some = [t for t in told if t.person == person]
        cells = [f"{_mean(some, column):.2f}" for column in _COLUMNS.values()]
        lines.append(f"| {person} | {len(some)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def reliability(told: Sequence[Told]) -> list[tuple[float, float, int]]:
    """For five bins of the stated probability: its mean, how often the lag is right within 40 ms, and of how many.

    Own and other sounds count as much as each other, however many there are of each.

    >>> sure = Told("a", 4.0, 0.1, 0.1, (0.0, 0.2), 0.95, 0.97)
    >>> reliability([sure, sure])
    [(0.95, 1.0, 2)]
    """
    own = sum(t.own for t in told)
    counts = np.array([1 / own if t.own else 1 / (len(told) - own) for t in told])
    stated, right = (np.array(v) for v in zip(*((t.probability, t.error <= 0.04) for t in told), strict=True))
    place = np.clip(np.searchsorted(_BINS, stated, side="right") - 1, 0, len(_BINS) - 2)
    rows = []
    for k in range(len(_BINS) - 1):
        here = place == k
        if here.any():
            weights = counts[here] / counts[here].sum()
            rows.append((float(weights @ stated[here]), float(weights @ right[here]), int(here.sum())))
    return rows


def risk_coverage(told: Sequence[Told]) -> list[tuple[float, float]]:
    """How many of all films are answered, the surest first, and how many of those are wrong by 80 ms; [N].

    A sound that belongs to no mouth is wrong wherever it is answered.
    """
    ordered = sorted(told, key=lambda t: -t.probability)
    wrong = np.cumsum([t.error > RIGHT_SECONDS for t in ordered]) / np.arange(1, len(ordered) + 1)
    return [((k + 1) / len(ordered), float(risk)) for k, risk in enumerate(wrong)]


def coverage(told: Sequence[Told], placed: Sequence[str] = (), least: float = 0.5) -> float:
    """Share of the stated 90 % intervals that hold the truth, among own sounds that are said to belong.

    Of people ``placed`` where the models see them the truth is known no better than that, so they do not count.
    """
    some = [t for t in told if t.belongs >= least and t.person not in placed]
    return _mean(some, _COLUMNS["in interval"])


def _mean(told: Sequence[Told], column: Callable[[Told], float | None]) -> float:
    values = [v for v in map(column, told) if v is not None]
    return float(np.mean(values)) if values else float("nan")


def _share(told: Sequence[Told], column: Callable[[Told], float | None], seed: int) -> str:
    by_person: dict[str, list[float]] = {}
    for t in told:
        value = column(t)
        if value is not None:
            by_person.setdefault(t.person, []).append(value)
    groups = list(by_person.values())
    if not groups:
        return "-"
    random = np.random.default_rng(seed)
    draws = [
        np.mean(np.concatenate([groups[k] for k in random.integers(0, len(groups), len(groups))]))
        for _ in range(400)
    ]
    low, high = np.quantile(draws, [0.05, 0.95])
    return f"{np.mean(np.concatenate(groups)):.2f} [{low:.2f}, {high:.2f}]"
