"""What models may be sure of, fitted on many people: each left out in turn, and nobody who is not there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from genlock.aligners.curves import LagCurve
from genlock.core.errors import InputError
from genlock.lipsync.confidence import Confidence, judge
from genlock.lipsync.estimators.linear import LinearOptions, LinearSync
from genlock.lipsync.evidence.editing import with_offset
from genlock.train.lipsync.calibration import Trials, fit_without_each
from genlock.train.lipsync.figures import Told, reliability, risk_coverage, table_by_length, told_of
from genlock.train.lipsync.linear import fit_linear
from genlock.train.lipsync.people import Measured, in_place, measure_people
from genlock.train.options import SyncTraining

from .planted import talker

LAGS = np.arange(-30, 31) / 25


def planted_curve(random: np.random.Generator, height: float, at: float, seconds: float) -> LagCurve:
    """Chance that falls with the root of the seconds, and a bump where the offset is."""
    noise = np.convolve(random.standard_normal(81), np.hanning(5), "same")[10:71]
    values = 0.15 * noise / np.sqrt(seconds) + height * np.exp(-(((LAGS - at) / 0.06) ** 2))
    return LagCurve(LAGS, values, np.full(len(LAGS), seconds))


@pytest.fixture(scope="module")
def films() -> list[Measured]:
    """Of five people, two of whom hardly move their lips."""
    random = np.random.default_rng(5)
    found = []
    for number in range(5):
        height = 0.25 if number > 3 else 0.5
        for seconds in (4.0, 8.0):
            for k in range(8):
                at = float(random.uniform(-0.6, 0.6))
                curve = planted_curve(random, height if k % 2 else 0.0, at, seconds)
                found.append(Measured(f"p{number}", seconds, "clean", curve, at if k % 2 else None))
    return found


def test_everybody_is_judged_by_a_fit_without_him(films: list[Measured]) -> None:
    everybody, without = fit_without_each(
        [f.curve for f in films], [f.truth for f in films], [f.person for f in films]
    )
    assert sorted(without) == [f"p{k}" for k in range(5)]
    assert len({everybody, *without.values()}) > 2
    told = told_of(films, without.__getitem__)
    long = [t for t in told if t.seconds == 8]
    assert np.mean([t.belongs >= 0.5 for t in long if t.own]) > 0.85
    assert np.mean([t.belongs >= 0.5 for t in long if not t.own]) < 0.1
    # What is stated is what happens, for people whom the fit never saw.
    assert all(abs(stated - right) < 0.2 for stated, right, count in reliability(told) if count > 10)
    assert "| 8 | 40 |" in table_by_length(told)


def test_own_and_foreign_count_alike_however_many_there_are(films: list[Measured]) -> None:
    more = [*films, *(f for f in films if f.truth is None), *(f for f in films if f.truth is None)]

    def fitted(some: list[Measured]) -> Confidence:
        people = [f.person for f in some]
        return fit_without_each([f.curve for f in some], [f.truth for f in some], people)[0]

    assert fitted(more).bias == pytest.approx(fitted(films).bias, abs=0.2)


def test_a_wrong_answer_is_a_risk_wherever_the_sound_belongs() -> None:
    right = Told("a", 4.0, 0.1, 0.1, (0.0, 0.2), 0.9, 0.9)
    foreign = replace(right, truth=None, probability=0.5)
    assert risk_coverage([foreign, right]) == [(0.5, 0.0), (1.0, 0.5)]


def test_ordinary_people_are_put_in_step_and_nobody_is_invented() -> None:
    look = LinearOptions(components=4, speeds=2, pairs=3)
    model = fit_linear({f"clip{k}": talker(4, seed=k) for k in range(8)}, SyncTraining(look=look, copies=1))
    people = {
        who: {f"{who}{k}": with_offset(talker(3, seed=40 + 10 * n + k), late) for k in range(4)}
        for n, (who, late) in enumerate((("studio", "0"), ("street", "0.23"), ("yard", "0")))
    }
    estimator = LinearSync(model)
    placed = in_place(people, estimator, ("street",))
    assert placed["studio"]["studio0"].mel is not None
    films = measure_people(placed, lambda who: estimator, times=1, lengths=(2.0, 4.0))
    own = [f for f in films if f.truth is not None and f.kind == "clean"]
    errors = [abs(found.peak.lag_seconds - f.truth) for f in own if (found := judge(f.curve, Confidence()))]  # type: ignore[operator]
    assert np.median(errors) < 0.02
    assert {f.person for f in films} == {"studio", "street", "yard"}
    with pytest.raises(InputError, match="nobody is called roof"):
        in_place(people, estimator, ("roof",))


def test_a_voice_over_is_the_sound_of_others() -> None:
    """One clip is enough for a person, and the sound of a voice-over is never his own."""
    mine, other = talker(4, seed=1), talker(4, seed=2)
    assert other.mel is not None
    loud = replace(other, mel=other.mel.map(lambda v: v + 100))
    trial = Trials({"a": mine}, 0, {"b": loud}).draw("voice-over", 2.0, 0.2)
    assert trial.offset_seconds is None
    assert trial.evidence.mel is not None
    assert float(trial.evidence.mel.values.min()) > 50


def test_people_who_were_put_in_place_say_nothing_of_intervals(films: list[Measured]) -> None:
    """Who lies where the models saw him is off by nothing, by their own account: intervals must not shrink by him."""
    random = np.random.default_rng(9)

    def off(film: Measured) -> Measured:
        away = 0.0 if film.truth is None or film.person == "p0" else float(random.normal(0, 0.03))
        return replace(film, truth=None if film.truth is None else film.truth + away)

    # The most of them are p0's.
    some = [off(f) for f in films] + [f for f in films if f.person == "p0"] * 6
    curves, truths, people = [f.curve for f in some], [f.truth for f in some], [f.person for f in some]

    def half(confidence: Confidence) -> float:
        found = judge(films[1].curve, confidence)
        assert found is not None
        return (found.interval_seconds[1] - found.interval_seconds[0]) / 2

    shy, _ = fit_without_each(curves, truths, people, placed=("p0",))
    bold, _ = fit_without_each(curves, truths, people)
    assert half(shy) > 1.2 * half(bold)
    assert half(shy) > 0.03
