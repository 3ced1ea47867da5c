"""Spans: order, look-ups, cells, warps."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from genlock.core import Grid, Span, Spans, Ticks, Warp
from genlock.core.errors import ClockError, OptionError

from .strategies import rationals, spans, warps

WORDS = Spans([Span(0, "0.4", "bin"), Span("0.4", 1, "blue"), Span("1.5", "1.5", "click"), Span(2, 3, "at")])


@given(spans(), rationals(-6, 20, 100))
def test_at(items: Spans, where: Fraction) -> None:
    assert items.at(where) == next((s for s in items if s.start <= where < s.end), None)


@given(spans(), rationals(-6, 20, 100), rationals(0, 5, 100))
def test_between(items: Spans, start: Fraction, length: Fraction) -> None:
    end = start + length
    wanted = [s for s in items if (s.start < end and s.end > start) or (s.start == s.end == start and length)]
    assert list(items.between(start, end)) == wanted


@given(spans())
def test_on_cells_is_what_lies_at_each_centre(items: Spans) -> None:
    for cells, count in ((Grid("7/2", "-1/3"), 40), (Ticks(np.cumsum(np.arange(1, 25)), "1/10", 4), 24)):
        numbers = items.on(cells, length=count).tolist()
        for k, number in enumerate(numbers):
            found = items.at(cells.center(k))
            assert number == (-1 if found is None else items.items.index(found))


def test_the_default_length_reaches_the_end() -> None:
    assert WORDS.on(Grid(10)).tolist() == [0] * 4 + [1] * 6 + [-1] * 10 + [3] * 10
    assert len(WORDS.on(Ticks([0, 5, 9], "1/10", 3))) == 3
    assert len(Spans().on(Grid(10))) == 0
    with pytest.raises(ClockError):
        WORDS.on(Grid(10, clock="other"))


@given(spans(), warps())
def test_warped_spans_hold_what_their_instants_map_to(items: Spans, warp: Warp) -> None:
    moved = items.warped(warp)
    assert [s.label for s in moved] == [s.label for s in items if s.label in {m.label for m in moved}]
    by_label = {m.label: m for m in moved}
    for span in items:
        places = [span.start + span.duration * k / 16 for k in range(16)] if span.duration else [span.start]
        for where in places:
            try:
                there = warp(where)
            except ClockError:
                continue
            last_instant = warp.after is None and where == warp.knots[-1][0]
            new = by_label.get(span.label)
            assert last_instant or (new is not None and new.start <= there <= new.end)


def test_warped_through_a_splice() -> None:
    """Source 0.2...0.6 s is cut out, and 1 s of nothing put in at 2.5 s."""
    warp = Warp([("0.2", "0.2"), ("0.6", "0.2"), ("2.5", "2.1"), ("2.5", "3.1")])
    moved = WORDS.warped(warp)
    assert [(s.label, float(s.start), float(s.end)) for s in moved] == [
        ("bin", 0, 0.2),
        ("blue", 0.2, 0.6),
        ("click", 1.1, 1.1),
        ("at", 1.6, 3.6),
    ]
    # An event within what is cut out is gone, and so is a span.
    assert [s.label for s in WORDS.warped(Warp([("0.3", "0.3"), ("1.6", "0.3")]))] == ["bin", "at"]
    assert WORDS.warped(Warp([(0, 0)], target_clock="b")).clock == "b"
    with pytest.raises(ClockError):
        WORDS.warped(Warp([(0, 0)], source_clock="other"))


def test_a_span_that_starts_in_a_hold_does_not_reach_into_the_gap_behind_it() -> None:
    warp = Warp([(0, 0), (1, 1), (2, 1), (2, 5)])
    (moved,) = Spans([Span("1.5", 3, "a")]).warped(warp)
    assert (moved.start, moved.end) == (5, 6)


@given(spans(), rationals(-5, 5, 90))
def test_shifted(items: Spans, by: Fraction) -> None:
    assert items.shifted(by).shifted(-by) == items
    assert items.shifted(by) == items.warped(Warp.shift(by))


def test_slices_are_spans() -> None:
    assert isinstance(WORDS[1:3], Spans)
    assert WORDS[-1].label == "at"
    assert [s.label for s in WORDS[1:3]] == ["blue", "click"]
    assert str(WORDS).splitlines()[1].split() == ["0.400", "1.000", "blue"]
    assert str(Spans()) == "(no spans)"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Span(1, 0),
        lambda: Span(0, 1, confidence=1.5),
        lambda: Span(0, 1, confidence=float("nan")),
        lambda: Span("x", 1),
        lambda: Spans([Span(0, 2, "a"), Span(1, 3, "b")]),
        lambda: Spans([Span(2, 3, "a"), Span(0, 1, "b")]),
    ],
)
def test_bad_spans_are_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(OptionError):
        make()
