"""``genlock train sync --model calibration``: what the lips-sound models may be sure of, fitted on many people.

Films of everybody, with planted offsets and with the sound of somebody else, are
measured with them, and what a curve means is fitted to all of it. It is fitted without each person as well, and tried
on that one: those figures are told.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from genlock.core.errors import OptionError
from genlock.core.files import write_text
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.lipsync.estimators.linear import LinearModel, default_model, load_model, save_model
from genlock.lipsync.estimators.lips import LipsSync
from genlock.lipsync.estimators.tower import TowerModel, default_tower, load_tower, save_tower
from genlock.train.lipsync.calibration import fit_without_each
from genlock.train.lipsync.figures import (
    Told,
    coverage,
    reliability,
    table_by_length,
    table_by_person,
    told_of,
)
from genlock.train.lipsync.linear import fit_people
from genlock.train.lipsync.people import People, in_place, measure_people
from genlock.train.options import CalibrationTraining

__all__ = ["Calibrated", "calibrate_people", "report_of", "towers_without"]


@dataclass(frozen=True)
class Calibrated:
    """What ``genlock train sync --model calibration`` made."""

    path: Path
    """The towers with what both models may be sure of."""
    card: Path
    """What there is to know about it, for people."""
    told: tuple[Told, ...]
    """Every film with what was said of it by the fit without its person."""
    placed: tuple[str, ...] = ()
    """People whose clips were put where the models see them: they say nothing of intervals."""
    notes: tuple[str, ...] = ()
    """What else its reader should know, such as clips that were left out."""

    __repr__ = one_line

    def __str__(self) -> str:
        people = len({t.person for t in self.told})
        said = f"{self.path}: calibrated on {len(self.told)} films of {people} people; each left out in turn:"
        return "\n".join([said, report_of(self.told, self.placed), *self.notes])

    def to_dict(self) -> dict[str, Any]:
        """``path``, ``card``, ``people``, ``films``, ``reliability``, ``coverage``, ``notes``."""
        return {
            "path": str(self.path),
            "card": str(self.card),
            "people": sorted({t.person for t in self.told}),
            "films": len(self.told),
            "reliability": reliability(self.told),
            "coverage": coverage(self.told, self.placed),
            "notes": list(self.notes),
        }


def calibrate_people(
    people: People,
    folder: str | os.PathLike[str],
    training: CalibrationTraining | None = None,
    progress: Progress = silent,
    notes: Sequence[str] = (),
) -> Calibrated:
    """Fit what the models may be sure of, and write the towers with it and with a card.

    Parameters
    ----------
    people : clips of single talking faces by name, by who speaks
    folder : gets ``model.npz``, ``MODEL_CARD.md`` and, where it is learnt anew, ``linear.npz``
    notes : what its reader should know of the clips

    Raises
    ------
    InputError, OptionError
        If there is too little to fit it to, or somebody who is named is not there.
    FormatError
        If a model that is named cannot be read.
    OutputError
        If the folder cannot be written.
    """
    training = training or CalibrationTraining()
    tower = load_tower(training.tower) if training.tower else default_tower()
    linear = load_model(training.linear) if training.linear else default_model()
    towers = towers_without(training.tower_without, people)
    placed = in_place(people, LipsSync(linear, tower), training.ordinary)
    without_him: dict[str, LinearModel] = {}
    if training.relearn:
        linear, without_him = fit_people(
            placed,
            replace(training.learning, data=training.data),
            lambda done, total: progress("learn", done, total),
        )
    films = measure_people(
        {who: clips for who, clips in placed.items() if who not in training.known},
        lambda who: LipsSync(without_him.get(who, linear), towers.get(who, tower)),
        training.times,
        training.seed,
        progress=lambda done, total: progress("measure", done, total),
    )
    everybody, without = fit_without_each(
        [film.curve for film in films],
        [film.truth for film in films],
        [film.person for film in films],
        placed=training.ordinary,
    )
    told = tuple(told_of(films, lambda person: without.get(person, everybody)))
    facts = {**tower.facts, "calibration": {**asdict(training), "people": sorted(people)}}
    target = Path(folder)
    made = Calibrated(target / "model.npz", target / "MODEL_CARD.md", told, training.ordinary, tuple(notes))
    if training.relearn:
        save_model(replace(linear, calibration=everybody.to_dict()), target / "linear.npz")
    save_tower(replace(tower, calibration=everybody.to_dict(), facts=facts), made.path)
    names = ", ".join(f"{who} ({len(clips)})" for who, clips in sorted(people.items()))
    write_text(
        made.card,
        _CARD.format(
            data=training.data.rstrip("."),
            seed=training.seed,
            times=training.times,
            people=names,
            ordinary=", ".join(training.ordinary) or "nobody",
            known=", ".join(training.known) or "nobody else",
            learnt=_LEARNT if training.relearn else "",
            report=report_of(told, training.ordinary),
        ),
    )
    return made


def towers_without(named: Sequence[str], people: People) -> dict[str, TowerModel]:
    """The towers by which each person is measured who is named before a file."""
    found: dict[str, TowerModel] = {}
    for entry in named:
        names, _, file = entry.partition("=")
        unknown = sorted(set(names.split(",")) - set(people))
        if not file or unknown:
            raise OptionError(f"tower_without={entry!r} is no NAME,NAME=FILE of {', '.join(sorted(people))}")
        found |= dict.fromkeys(names.split(","), load_tower(file))
    return found


def report_of(told: Sequence[Told], placed: Sequence[str] = ()) -> str:
    """Tables by length and by person, how sure against how right, and how often intervals hold; Markdown.

    People ``placed`` where the models see them say nothing of intervals.
    """
    aside = f" (without {', '.join(placed)})" if placed else ""
    known = f"90 % intervals of what is said to belong hold the truth in {coverage(told, placed):.0%}{aside}."
    bins = ", ".join(
        f"{stated:.2f} stated {right:.2f} right ({count})" for stated, right, count in reliability(told)
    )
    return "\n\n".join(
        [
            table_by_length(told),
            table_by_person(told),
            f"Probability, own and other sounds alike: {bins}.",
            *([known] if any(t.person not in placed for t in told) else []),
        ]
    )


_LEARNT = """; the linear model (`linear.npz`) was learnt anew from
all of them, and each person was measured by one that was learnt without him"""
_CARD = """# Lips against speech: what both models may be sure of

What it is: what `genlock sync` may be sure of, fitted on many people. The networks are those that were given{learnt}.

- Data: {data}.
- People, with their clips: {people}. Clips of {ordinary} were put where the models see each of them, for they are out
  of step as they come; all others count as in step.
- Made by: `genlock train sync --model calibration DATASET ... -o DIR`, seed {seed}, {times} times ten films of every
  length for each person: three clean, one made worse, three with the sound of somebody else, noise, music, a mouth that
  only trembles. The sure-ness is not fitted on {known}.
- Figures below: each person judged by a fit without him, right within 80 ms, intervals over people.

{report}
"""
