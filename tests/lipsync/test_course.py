"""One offset, a drift, or an offset for each person: planted in curves of a few seconds, found again."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from genlock.aligners.curves import LagCurve
from genlock.lipsync.confidence import Confidence
from genlock.lipsync.course import Course, Stretch

LAGS = np.arange(-60, 61) / 100


def film_of(people: Sequence[int], offsets: Sequence[float]) -> list[Stretch]:
    """Stretches of five seconds with the person who speaks in each, and a bump at the offset of each."""
    draw, film = np.random.default_rng(3), []
    for number, (person, offset) in enumerate(zip(people, offsets, strict=True)):
        at = offset + 0.012 * draw.standard_normal()
        values = 0.6 * np.exp(-0.5 * ((LAGS - at) / 0.06) ** 2) + 0.02 * draw.standard_normal(len(LAGS))
        curve = LagCurve(LAGS, values, np.full(len(LAGS), 5.0))
        film.append(Stretch(Fraction(5 * number), Fraction(5 * number + 5), {person: curve}))
    return film


def course_of(film: Sequence[Stretch]) -> Course:
    """As the fusion asks for it."""
    return Course.of(film, Confidence(), splice_penalty=6.0, drift_penalty=3.0)


def test_each_person_of_a_film_cut_from_several_has_an_offset() -> None:
    """Four people in turns of ten seconds, again and again: one number for all would be wrong of most."""
    own = {0: 0.065, 1: -0.117, 2: 0.02, 3: -0.06}
    people = [0, 0, 1, 1, 2, 2, 3, 3] * 2
    found = course_of(film_of(people, [own[person] for person in people]))
    assert [(rows.start, rows.stop) for rows in found.parts] == [(k, k + 2) for k in range(0, 16, 2)]
    assert found.drift is None
    assert found.pooled_with is not None
    assert found.pooled_with[0] == found.pooled_with[4] == (0, 1, 8, 9)


def test_people_who_are_all_in_step_are_one_part() -> None:
    people = [0, 0, 1, 1, 2, 2, 3, 3] * 2
    found = course_of(film_of(people, [0.04] * len(people)))
    assert found.parts == [range(16)]
    assert found.pooled_with is None


def test_a_drift_through_several_people_stays_a_drift() -> None:
    people = [0, 0, 1, 1, 2, 2, 3, 3] * 2
    found = course_of(film_of(people, [2e-3 * 5 * (k - 7.5) for k in range(16)]))
    assert found.parts == [range(16)]
    assert found.drift is not None
    assert abs(found.drift.ppm - 2000) < 300
