"""Labelled intervals in order: words, phones, events."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import overload

import numpy as np
import numpy.typing as npt

from genlock.core import draw
from genlock.core.errors import OptionError
from genlock.core.grid import DEFAULT_CLOCK, Cells, require_same_clock
from genlock.core.one_line import one_line
from genlock.core.time import Exact, exact, fraction_text
from genlock.core.warp import Warp

__all__ = ["Span", "Spans"]


@dataclass(frozen=True)
class Span:
    """One labelled half-open interval ``[start, end)``.

    >>> Span("0.5", 1, "hello").duration
    Fraction(1, 2)

    Raises
    ------
    OptionError
        If it ends before it starts, or the confidence lies outside 0...1.
    """

    start: Fraction
    """First instant, in exact seconds."""
    end: Fraction
    """First instant after it, in exact seconds; not before ``start``."""
    label: str = ""
    """What it is."""
    confidence: float | None = field(default=None)
    """How sure its source is, 0...1, or None where that is not known."""

    def __init__(self, start: Exact, end: Exact, label: str = "", confidence: float | None = None) -> None:
        low, high = exact(start), exact(end)
        if high < low:
            raise OptionError(f"the span {label!r} ends at {end} s, before its start at {start} s")
        if confidence is not None and not 0 <= confidence <= 1:
            raise OptionError(f"the confidence {confidence} of span {label!r} lies outside 0...1")
        object.__setattr__(self, "start", low)
        object.__setattr__(self, "end", high)
        object.__setattr__(self, "label", label)
        object.__setattr__(self, "confidence", confidence)

    @property
    def duration(self) -> Fraction:
        """``end - start``, in exact seconds."""
        return self.end - self.start

    def to_dict(self) -> dict[str, object]:
        """A JSON form, with exact times and readable ones."""
        return {
            "start": fraction_text(self.start),
            "end": fraction_text(self.end),
            "label": self.label,
            "confidence": self.confidence,
            "start_seconds": float(self.start),
            "end_seconds": float(self.end),
        }


@dataclass(frozen=True)
class Spans(Sequence[Span]):
    """Spans in order on one clock; a span starts no earlier than the one before it ends.

    >>> words = Spans([Span(0, "0.4", "bin"), Span("0.4", 1, "blue")])
    >>> words.at("0.4").label, [w.label for w in words.between(0, "0.2")]
    ('blue', ['bin'])

    Raises
    ------
    OptionError
        If a span starts before the one in front of it ends.
    """

    items: tuple[Span, ...]
    """The spans."""
    clock: str = DEFAULT_CLOCK
    """Name of the time axis."""
    name: str = ""
    """What they are, such as ``"words"``."""

    __repr__ = one_line

    def __init__(self, items: Iterable[Span] = (), clock: str = DEFAULT_CLOCK, name: str = "") -> None:
        spans = tuple(items)
        for before, after in pairwise(spans):
            if after.start < before.end:
                raise OptionError(
                    f"spans must be in order and apart, but {after.label!r} starts at "
                    f"{float(after.start):.6f} s, before {before.label!r} ends at {float(before.end):.6f} s"
                )
        object.__setattr__(self, "items", spans)
        object.__setattr__(self, "clock", clock)
        object.__setattr__(self, "name", name)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Span]:
        return iter(self.items)

    @overload
    def __getitem__(self, index: int) -> Span: ...
    @overload
    def __getitem__(self, index: slice) -> Spans: ...
    def __getitem__(self, index: int | slice) -> Span | Spans:
        if isinstance(index, slice):
            return replace(self, items=self.items[index])
        return self.items[index]

    def at(self, instant: Exact) -> Span | None:
        """The span that contains an instant, or None."""
        where = exact(instant)
        # Of the spans that start at or before it, only the last that has a length can contain it.
        for span in reversed(self.items[: bisect_right(self.items, where, key=lambda s: s.start)]):
            if span.start < span.end:
                return span if where < span.end else None
        return None

    def between(self, start: Exact, end: Exact) -> Spans:
        """The spans that overlap ``[start, end)``, whole (events of no length count where they lie)."""
        low, high = exact(start), exact(end)
        return replace(
            self,
            items=tuple(s for s in self.items if s.start < high and (s.end > low or s.start == s.end == low)),
        )

    def on(self, cells: Cells, length: int | None = None) -> npt.NDArray[np.int64]:
        """The index of the span at each cell's centre, int64 [T]; -1 where there is none.

        ``length`` is the number of cells from cell 0 (default: up to the last span's end, or all Ticks).
        """
        require_same_clock(self.clock, cells.clock, f"put spans {self.name!r} on the grid")
        count = cells.length if length is None else length
        if count is None:
            count = max(0, cells.index(self.items[-1].end, "ceil")) if self.items else 0
        labels = np.full(count, -1, dtype=np.int64)
        for number, span in enumerate(self.items):
            chosen = cells.cells(span.start, span.end, "centers")
            labels[max(chosen.start, 0) : max(chosen.stop, 0)] = number
        return labels

    def map(self, function: Callable[[Span], Span]) -> Spans:
        """The spans of ``function(span)``; they must stay in order."""
        return replace(self, items=tuple(function(span) for span in self.items))

    def shifted(self, seconds: Exact) -> Spans:
        """The same spans, later by so many exact seconds."""
        by = exact(seconds)
        return self.map(lambda s: Span(s.start + by, s.end + by, s.label, s.confidence))

    def warped(self, warp: Warp) -> Spans:
        """The spans on the clock that the warp leads to; a span that it wholly skips is left out.

        A span keeps the part of it that the warp maps.
        """
        if warp.source_clock is not None:
            require_same_clock(self.clock, warp.source_clock, f"warp spans {self.name!r}")
        moved: list[Span] = []
        for span in self.items:
            start, end = warp.bounds(span.start, span.end)
            if start is None or end is None or (end <= start and span.duration > 0):
                continue
            moved.append(Span(start, end, span.label, span.confidence))
        return Spans(moved, warp.target_clock or self.clock, self.name)

    def to_dict(self) -> dict[str, object]:
        """A JSON form; :func:`genlock.core.json_forms.spans_from_dict` reads it."""
        return {
            "kind": "spans",
            "name": self.name,
            "clock": self.clock,
            "items": [s.to_dict() for s in self.items],
        }

    def _repr_svg_(self) -> str:
        return draw.spans_svg(self)

    def _repr_html_(self) -> str:
        return draw.html(f"{self.name or 'spans'}: {len(self)} on clock {self.clock!r}", self._repr_svg_())

    def __str__(self) -> str:
        lines = [f"{float(s.start):10.3f} {float(s.end):10.3f}  {s.label}" for s in self.items]
        return "\n".join(lines) or "(no spans)"
