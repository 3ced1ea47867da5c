"""Events as values: order, strengths, spans, cells, one line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.foley.event_files import write_events
from genlock.foley.events import Event, Events
from genlock.foley.given import read_events


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
        {"distance": 0.0},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        Event(1, **wrong)  # type: ignore[arg-type]


def test_what_is_known_in_newton_seconds_is_not_compared_within_a_film() -> None:
    soft = Events([Event(1, impulse=0.1, distance=1.0), Event(2, impulse=0.05, distance=1.0)], 0, 3)
    far = Events([Event(1, impulse=0.1, distance=2.0)], 0, 3)
    assert soft.absolute
    assert soft.strengths().tolist() == pytest.approx([0.1, 0.05])
    assert far.strengths()[0] < 0.5 * soft.strengths()[0]
    # One event of which that is not known, and all are compared.
    mixed = Events([*soft, Event("2.5", impulse=0.1)], 0, 3)
    assert not mixed.absolute
    assert mixed.strengths().tolist() == [1.0, 0.5, 1.0]


def test_a_table_keeps_what_is_known_in_newton_seconds(tmp_path: Path) -> None:
    events = Events([Event(1, impulse=0.125, size=0.25, distance=1.5), Event(2)], 0, 3)
    write_events(tmp_path / "hits.csv", events, "film.mp4")
    told = read_events(tmp_path / "hits.csv")
    assert [event.distance for event in told] == [1.5, None]
    assert (told[0].impulse, told[0].size) == (0.125, 0.25)


def test_a_table_keeps_how_likely_each_material_is_until_somebody_names_another(tmp_path: Path) -> None:
    """Sounds of a table that nobody had touched were others than those of the events in it."""
    shares = (("wood", 0.61), ("metal", 0.39))
    found = Events([Event(1, material="wood", materials=shares), Event(2)], 0, 3)
    write_events(tmp_path / "hits.csv", found, "film.mp4")
    assert [event.materials for event in read_events(tmp_path / "hits.csv")] == [shares, ()]
    text = (tmp_path / "hits.csv").read_text().replace(",wood,", ",glass,")
    (tmp_path / "hits.csv").write_text(text)
    corrected = read_events(tmp_path / "hits.csv")[0]
    assert (corrected.material, corrected.materials) == ("glass", ())
