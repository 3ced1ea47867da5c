"""A film is as good as its worst part, and nothing passes or fails that is likelier wrong than right."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.measurement import Segment, SyncMeasurement
from genlock.lipsync.summary import best_guess_of, headline_of, mark_of, verdicts_of

EMISSION = "ebu_r37_emission"


def segment(start: int, end: int, offset: float | None, p: float = 0.95, half: float = 0.002) -> Segment:
    if offset is None:
        return Segment(Fraction(start), Fraction(end), None, None, None, "no face is seen")
    return Segment(Fraction(start), Fraction(end), offset, (offset - half, offset + half), p)


def film(
    *segments: Segment, p: float = 0.95, drift: float | None = None, spread: float = 20
) -> SyncMeasurement:
    first = segments[0]
    known = Estimate(first.offset_seconds, first.interval_seconds, p, "flash-beep")
    middle = (segments[0].start + segments[-1].end) / 2
    within = None if drift is None else (drift - spread, drift + spread)
    return SyncMeasurement(known, middle, drift, within, segments)


def result(found: SyncMeasurement, key: str = EMISSION) -> str:
    return {verdict.limit.key: verdict.result for verdict in verdicts_of(found)}[key]


def test_a_splice_makes_the_headline_and_the_verdict() -> None:
    found = film(segment(0, 30, 0.0), segment(30, 60, -0.3))
    assert result(found) == "fails"
    said = headline_of(found)
    assert said.startswith("the offset jumps: in step from 0.0 s, 300 ms late from 30.0 s: more than")
    assert "passes" not in said


def test_a_film_passes_where_all_of_it_is_known_to() -> None:
    assert result(film(segment(0, 30, 0.0), segment(30, 60, 0.02))) == "passes"
    half = film(segment(0, 30, 0.0), segment(30, 60, None))
    assert result(half) == "cannot tell"  # the half that is known would pass
    said = headline_of(half)
    assert said == "sound in step from 0.0 s, unknown from 30.0 s: where it is known, viewers do not notice"
    assert result(film(segment(0, 30, -0.3), segment(30, 60, None))) == "fails"
    assert result(film(segment(0, 30, 0.0), segment(30, 60, -0.3, p=0.3))) == "cannot tell"


def test_parts_of_which_none_is_known_pass_nothing() -> None:
    """All of nothing passes, says logic; a film of which nothing is known does not."""
    unknown = film(segment(0, 30, 0.0), segment(30, 60, 0.0))
    unknown = replace(unknown, segments=(segment(0, 30, None), segment(30, 60, None)))
    assert {verdict.result for verdict in verdicts_of(unknown)} == {"cannot tell"}


def test_many_jumps_are_counted() -> None:
    said = headline_of(film(*(segment(k, k + 1, 0.1 * (k % 2)) for k in range(8))))
    assert "and 5 more" in said


def test_a_drift_is_judged_by_its_ends() -> None:
    found = film(segment(0, 300, 0.0), drift=1000.0)
    assert result(found) == "fails"
    assert headline_of(found).startswith("sound drifts from 150 ms late to 150 ms early (+1000 ppm): more")
    assert result(film(segment(0, 300, 0.0), drift=50.0)) == "passes"
    unsure = film(segment(0, 300, 0.0), drift=1000.0, spread=1200.0)
    assert result(unsure) == "passes"  # nobody knows that it drifts
    assert headline_of(unsure).startswith("sound in step (")


@pytest.mark.parametrize("p", [0.13, 0.49])
def test_below_one_half_there_is_no_verdict(p: float) -> None:
    found = film(segment(0, 8, -0.9, p), p=p)
    assert {verdict.result for verdict in verdicts_of(found)} == {"cannot tell"}
    assert headline_of(found) == f"unknown: what was found is too unsure to tell (p {p:.2f})"
    assert "900 ms late" in str(best_guess_of(found))


def test_what_may_be_off_by_more_than_200_ms_is_unknown() -> None:
    """A likely offset of a wide interval was told like any other."""
    wide = film(segment(0, 8, -0.3), p=0.8)
    wide = replace(wide, estimate=replace(wide.estimate, interval_seconds=(-0.5, 0.1)), segments=())
    assert headline_of(wide) == "unknown: what was found may be off by 600 ms"
    assert {verdict.result for verdict in verdicts_of(wide)} == {"cannot tell"}
    told = {"offset_seconds": -0.3, "interval_seconds": [-0.5, 0.1], "probability": 0.8}
    assert mark_of(told) == "none"


def test_the_colour_is_that_of_the_verdict() -> None:
    verdict = {
        verdict.limit.key: verdict.to_dict()
        for verdict in verdicts_of(film(segment(0, 9, 0.0), segment(9, 18, -0.3)))
    }
    told = {"offset_seconds": 0.0, "probability": 0.95, "verdicts": verdict}
    assert mark_of(told) == "bad"
    assert mark_of({**told, "probability": 0.4}) == "none"
    assert mark_of({"offset_seconds": 0.0}) == "good"
    assert mark_of({"offset_seconds": None}) == "none"
    assert mark_of({"offset_seconds": 0.08}) == "warn"
