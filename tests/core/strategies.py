"""Hypothesis strategies for the things of genlock.core."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from genlock.core import Grid, Span, Spans, Ticks, Track, Warp

#: The rates that the project names: film, PAL, NTSC, a generator's, features', a vocoder's.
RATES = [
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(24000, 1001),
    Fraction(43, 2),
    Fraction(100),
    Fraction(22050, 256),
]

#: Starts that features and containers really have, and odd ones.
STARTS = [
    Fraction(0),
    Fraction(79, 32000),
    Fraction(-1, 200),
    Fraction(-1, 96000),
    Fraction(1105, 44100),
    Fraction(1001, 30000) * 7,
    Fraction(17, 13),
    Fraction(-33, 7),
    Fraction(10**6) + Fraction(1, 90000),
]

DAY = 24 * 3600


def rationals(low: int, high: int, max_denominator: int = 1000) -> st.SearchStrategy[Fraction]:
    return st.fractions(low, high, max_denominator=max_denominator)


rates = st.sampled_from(RATES) | st.fractions(Fraction(1, 10), 200, max_denominator=1001)
starts = st.sampled_from(STARTS) | rationals(-100, 100)
#: Cell numbers up to a day at 48 kHz, and beyond, on both sides of zero.
numbers = st.integers(-300, 300) | st.integers(-DAY * 48000, DAY * 48000) | st.integers(-(2**50), 2**50)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    return Grid(draw(rates), draw(starts))


@st.composite
def ticks(draw: st.DrawFn, min_size: int = 0, max_size: int = 12) -> Ticks:
    steps = draw(st.lists(st.integers(1, 12), min_size=min_size, max_size=max_size))
    first = draw(st.integers(-40, 40))
    base = draw(
        st.sampled_from([Fraction(1, 1000), Fraction(1, 90000), Fraction(1001, 30000), Fraction(1, 7)])
    )
    return Ticks(np.cumsum([first, *steps])[: len(steps)], base, draw(st.integers(1, 12)))


@st.composite
def warps(draw: st.DrawFn, max_knots: int = 6, limited: bool = True) -> Warp:
    """Monotone maps with holds and jumps; with or without ends."""
    steps = st.sampled_from(
        [Fraction(0), Fraction(0), Fraction(1, 3), Fraction(1), Fraction(5, 2), Fraction(4, 7)]
    )
    x, y = draw(rationals(-3, 3, 8)), draw(rationals(-3, 3, 8))
    knots = [(x, y)]
    for _ in range(draw(st.integers(0, max_knots - 1))):
        x, y = x + draw(steps), y + draw(steps)
        knots.append((x, y))
    slopes = st.sampled_from([Fraction(1), Fraction(1), Fraction(1001, 1000), Fraction(2), Fraction(1, 3)])
    if limited:
        slopes |= st.none()
    return Warp(knots, draw(slopes), draw(slopes))


@st.composite
def values(draw: st.DrawFn, length: int) -> np.ndarray:
    """Values of any kind of number, [length], [length, 2] or [length, 2, 1]."""
    kind = draw(st.sampled_from(["f8", "f4", "i2", "i8", "u1", "?", "c8", "c16", "f2"]))
    shape = (length, *draw(st.sampled_from([(), (2,), (2, 1), (0,)])))
    whole = np.array(
        draw(st.lists(st.integers(0, 50), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    ).reshape(shape)
    if kind == "?":
        return whole % 2 == 1
    return (whole + 1j * (whole % 7)).astype(kind) if kind.startswith("c") else whole.astype(kind)


@st.composite
def tracks(draw: st.DrawFn, min_size: int = 0, max_size: int = 12) -> Track:
    """Short tracks on a Grid or Ticks; invalid cells hold NaN or nonsense."""
    length = draw(st.integers(min_size, max_size))
    if draw(st.booleans()):
        cells: Grid | Ticks = draw(ticks(min_size=length, max_size=length))
    else:
        cells = Grid(
            draw(st.sampled_from([Fraction(2), Fraction(3), Fraction(7, 2), Fraction(30000, 1001)])),
            draw(rationals(-2, 2, 60)),
        )
    data = draw(values(length))
    valid = np.array(draw(st.lists(st.booleans() | st.just(True), min_size=length, max_size=length)), bool)
    nonsense = np.nan if data.dtype.kind in "fc" else 1 if data.dtype.kind == "b" else 111
    data[~valid] = nonsense
    return Track(data, cells, valid)


@st.composite
def targets(draw: st.DrawFn, track: Track) -> tuple[Grid | Ticks, int | None]:
    """Cells around a track, and how many of them."""
    span = max(track.end - track.start, Fraction(1, 10))
    count = draw(st.integers(0, 14))
    start = track.start + span * draw(st.fractions(Fraction(-1, 2), 1, max_denominator=12))
    if draw(st.booleans()):
        period = span * draw(st.fractions(Fraction(1, 12), 2, max_denominator=12))
        return Grid(1 / period, start), count
    base = span / draw(st.integers(5, 60))
    steps = draw(st.lists(st.integers(1, 9), min_size=count, max_size=count))
    first = int(start / base)
    return Ticks(np.cumsum([first, *steps])[:count], base, draw(st.integers(1, 9))), None


@st.composite
def spans(draw: st.DrawFn) -> Spans:
    at, items = draw(rationals(-5, 5, 100)), []
    for number in range(draw(st.integers(0, 6))):
        at += draw(st.sampled_from([Fraction(0), Fraction(1, 7), Fraction(2)]))
        end = at + draw(st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(1, 100), Fraction(3)]))
        confidence = draw(st.none() | st.floats(0, 1))
        items.append(Span(at, end, f"{number}-{draw(st.text(max_size=4))}", confidence))
        at = end
    return Spans(items, name="words")
