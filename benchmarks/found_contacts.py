"""How well a finder finds what touches in films whose contacts are known: F of one-to-one matching, by scene and rate.

    genlock synth impacts -n 40 --seed 900001 -o films
    python benchmarks/found_contacts.py films [MORE ...] [--finders learned contacts motion] [--model FILE]

Beside each finder stand what knows nothing of a film: its contacts of the next film, and a metronome at the mean rate
of all films. Intervals are of 400 resamples of whole films. ``ceiling`` is the share of contacts that have an
event within 100 ms, however unlikely.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from genlock.bench.figures import Figure, bootstrapped
from genlock.bench.sound_clips import wanted_of
from genlock.core.grid import Grid
from genlock.foley.events import Event
from genlock.foley.finding import EventOptions, find_events, make_finder
from genlock.metrics.onsets import Wanted, metronome_onsets, offset_seconds, pooled_f, score_onsets
from genlock.synth.impacts.truth import ImpactTruth, load_impact_truth, truth_path

#: Numbers of the tolerances of 20, 50 and 100 ms.
CLOSE, NEAR, FAR = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Film:
    """What was found in a film."""

    truth: ImpactTruth
    events: tuple[Event, ...]
    """As likely as the finder advises."""
    all_events: tuple[Event, ...]
    """Unlikely ones too."""

    @property
    def wanted(self) -> Wanted:
        """What must be found, and what may be."""
        return wanted_of(self.truth)

    @property
    def rate(self) -> str:
        """Frames a second."""
        uniform = isinstance(self.truth.cells, Grid)
        return f"{float(self.truth.frame_count / self.truth.seconds):.0f}" if uniform else "variable"


def looked_at(folder: Path, finder: str, model: str | None = None) -> list[Film]:
    """The films of a folder; ``model``: another than the finder's own."""
    found = []
    for path in sorted(folder.glob("*.mp4")):
        truth, one = load_impact_truth(truth_path(path)), make_finder(EventOptions(finder, model))
        events = find_events(path, EventOptions(finder, least_probability=Fraction(0)), finder=one)
        likely = tuple(event for event in events if event.probability >= one.least_probability)
        found.append(Film(truth, likely, tuple(events)))
    return found


def f_of(films: Sequence[Film], seconds: Callable[[int], Sequence[float]], number: int) -> Figure:
    """F at a tolerance, with its interval over films; ``seconds`` gives what was found in film k."""
    scores = [score_onsets(film.wanted, seconds(k)) for k, film in enumerate(films)]
    return bootstrapped(np.arange(len(films)), lambda rows: pooled_f([scores[int(k)] for k in rows], number))


def report(films: Sequence[Film], name: str) -> None:
    """Print the rows of one finder."""
    own = [[float(event.instant) for event in film.events] for film in films]
    loose = [[float(event.instant) for event in film.all_events] for film in films]
    scores = [score_onsets(film.wanted, own[k]) for k, film in enumerate(films)]
    wanted = sum(score.wanted for score in scores)
    reached = sum(score_onsets(film.wanted, loose[k]).hits[FAR] for k, film in enumerate(films))
    print(
        f"{name}: {len(films)} films, {wanted} contacts; F 50 ms {f_of(films, own.__getitem__, NEAR)}, 20 ms "
        f"{f_of(films, own.__getitem__, CLOSE)}; {1000 * offset_seconds(scores):+.1f} ms; ceiling "
        f"{reached / max(wanted, 1):.3f}"
    )
    parts = {
        "scene": lambda film: film.truth.scene,
        "rate": lambda film: film.rate,
        "near misses": lambda film: "near misses" in film.truth.distractors,
    }
    for title, key in parts.items():
        for value in sorted({key(film) for film in films}, key=str):
            some = [k for k, film in enumerate(films) if key(film) == value]
            part = [scores[k] for k in some]
            hits, found = (sum(getattr(one, what)[NEAR] for one in part) for what in ("hits", "found"))
            count = sum(one.wanted for one in part)
            print(
                f"  {title} {value}: {len(some)} films, {count} contacts, F 50 ms {pooled_f(part, NEAR):.3f}, "
                f"20 ms {pooled_f(part, CLOSE):.3f}, missed {count - hits}, false {found - hits}"
            )
    beat = 1 / max(wanted / max(sum(float(film.truth.seconds) for film in films), 1e-9), 1e-3)
    other = f_of(films, lambda k: own[(k + 1) % len(films)], NEAR)
    metronome = f_of(films, lambda k: metronome_onsets(float(films[k].truth.seconds), beat), NEAR)
    print(f"  contacts of another film {other}, a metronome {metronome}")


def main() -> None:
    """Films of folders, finder by finder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--finders", nargs="+", default=["learned", "contacts", "motion"])
    parser.add_argument("--model", help="model of the finder, where one finder is named: a name or a file")
    given = parser.parse_args()
    for folder in given.folders:
        for finder in given.finders:
            begun = time.process_time()
            films = looked_at(folder, finder, given.model)
            spent = time.process_time() - begun
            report(films, f"{folder.name}, {finder}")
            length = sum(float(film.truth.seconds) for film in films)
            print(f"  {spent / max(length, 1e-9):.3f} seconds of a core for one of film", flush=True)


if __name__ == "__main__":
    main()
