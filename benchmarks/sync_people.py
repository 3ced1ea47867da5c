"""Sync on people whom no model has seen: right, answered, sure and wrong, foreign sounds, risk and coverage.

Films of each person are cut or joined to 2, 4, 8 and 15 seconds and given an offset within +-0.6 s with real
neighbouring sound; others get the sound of somebody else, noise, music, or a mouth that only trembles. Two roads:

    python benchmarks/sync_people.py FILMS...             # measured by what comes with Genlock, and only that
    python benchmarks/sync_people.py --left-out DATASET... [--known s1] [--ordinary NAME ...] [--relearn]

The first takes each file as a person, puts it where the whole of it is seen (ordinary films are out of step as they
come; what counts is the recovery of what is planted) and fits nothing. The second is the recipe of the calibration:
each person is judged by what was fitted, and with ``--relearn`` learnt, without him. Intervals are over people.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from genlock.lipsync.confidence import Confidence
from genlock.lipsync.estimators.lips import LipsSync
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import gather
from genlock.lipsync.evidence.editing import main_face
from genlock.train.lipsync.figures import Told, risk_coverage, told_of
from genlock.train.lipsync.films import open_people
from genlock.train.lipsync.people import in_place, measure_people
from genlock.train.lipsync.people_calibration import calibrate_people, report_of
from genlock.train.options import CalibrationTraining


def films_of(files: Sequence[Path]) -> dict[str, dict[str, Evidence]]:
    """Evidence of the first minute and a half of each file, with the face that is seen longest; each is a person."""
    found = {}
    for file in files:
        evidence = gather(file)[0]
        face = main_face(evidence)
        if face is None or evidence.mel is None:
            print(f"{file.name}: no sound or no face", file=sys.stderr)
        else:
            found[file.stem] = {file.stem: replace(evidence, faces=(face,))}
    return found


def strangers(people: dict[str, dict[str, Evidence]], times: int, seed: int) -> list[Told]:
    """By what comes with Genlock."""
    estimator = LipsSync()
    placed = in_place(people, estimator, sorted(people))
    confidence = Confidence.of(estimator.calibration)
    return told_of(measure_people(placed, lambda who: estimator, times, seed), lambda who: confidence)


def left_out(chosen: argparse.Namespace) -> list[Told]:
    """By the recipe of the calibration."""
    with tempfile.TemporaryDirectory() as folder:
        people, notes = open_people(chosen.left_out, folder)
        training = CalibrationTraining(
            relearn=chosen.relearn,
            known=tuple(chosen.known),
            ordinary=tuple(chosen.ordinary),
            times=chosen.times,
            seed=chosen.seed,
        )
        print("\n".join(notes))
        return list(calibrate_people(people, folder, training).told)


def report(told: Sequence[Told], placed: Sequence[str]) -> str:
    """All tables."""
    curve = risk_coverage([t for t in told if t.seconds >= 4])
    picked = [curve[max(0, round(part * len(curve)) - 1)] for part in (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)]
    risks = ", ".join(f"{risk:.3f} at {share:.0%}" for share, risk in picked)
    return f"{report_of(told, placed)}\n\nWrong among the surest of all films from 4 s on, foreign ones too: {risks}."


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("films", type=Path, nargs="*")
    parser.add_argument("--left-out", nargs="+", default=[], help="datasets of genlock prepare, or folders")
    parser.add_argument("--known", nargs="*", default=[], help="people whom a model was trained on")
    parser.add_argument("--ordinary", nargs="*", default=[], help="people who are out of step as they come")
    parser.add_argument(
        "--relearn", action="store_true", help="the linear model is learnt without each person"
    )
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", type=Path, help="a JSON file of every film, for docs/pictures/sync_risk.py")
    chosen = parser.parse_args()
    if bool(chosen.films) == bool(chosen.left_out):
        parser.error("name films to measure, or --left-out datasets")
    told = (
        left_out(chosen) if chosen.left_out else strangers(films_of(chosen.films), chosen.times, chosen.seed)
    )
    print(report(told, chosen.ordinary))
    if chosen.save:
        chosen.save.write_text(json.dumps([asdict(t) for t in told]), encoding="utf-8")


if __name__ == "__main__":
    main()
