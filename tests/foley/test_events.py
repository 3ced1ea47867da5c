"""Events as values: order, strengths, spans, cells, one line."""

from __future__ import annotations

from fractions import Fraction

import pytest

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.foley.events import Event, Events


def three() -> Events:
    made = [
        Event("1.25", 0.9, impulse=2.0, material="wood"),
        Event("0.5", 0.4, impulse=1.0, x=0.2),
        Event("1.6", 1.0, impulse=4.0, end="1.9", material="stone"),
    ]
    return Events(made, 0, "2.2", "film", "planted")


def test_events_lie_in_order_and_are_compared_with_the_hard_ones() -> None:
    found = three()
    assert [event.instant for event in found] == [Fraction(1, 2), Fraction(5, 4), Fraction(8, 5)]
    assert found.strengths().tolist() == [0.25, 0.5, 1.0]
    assert [event.material for event in found.likely(0.9)] == ["wood", "stone"]
    assert "\n" not in repr(found)
    assert len(repr(found)) <= 200


def test_spans_never_reach_the_next_event() -> None:
    spans = three().spans("0.5")
    assert [(float(s.start), float(s.end)) for s in spans] == [(0.5, 1.0), (1.25, 1.6), (1.6, 1.9)]
    assert [s.label for s in spans] == ["event", "wood", "stone"]


def test_a_track_tells_where_in_its_cell_an_instant_lies() -> None:
    track = three().track(Grid(10, 0, "film"))
    assert track.values.shape == (22, 5)
    assert track.values[12].tolist() == pytest.approx([0.9, 0.5, 0.5, 0.5, 0.5])
    assert track.values[5].tolist() == pytest.approx([0.4, 0.0, 0.25, 0.2, 0.5])
    assert track.values[:, 0].sum() == pytest.approx(2.3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"probability": 1.2},
        {"x": -0.1},
        {"impulse": -1.0},
        {"impulse": float("nan")},
        {"end": Fraction(1, 2)},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        Event(1, **wrong)  # type: ignore[arg-type]
