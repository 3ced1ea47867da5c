"""A :class:`Track`: values on a Grid or Ticks, and the one way from one grid to another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib import import_module
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core import draw, resample
from genlock.core.errors import ClockError, MissingDependency, OptionError
from genlock.core.grid import DEFAULT_CLOCK, Cells, Grid, Ticks, require_same_clock
from genlock.core.one_line import LONGEST, shortened
from genlock.core.resample import Mask, Values
from genlock.core.time import Exact, exact
from genlock.core.warp import Piece, Warp

__all__ = ["How", "Support", "Track"]

#: How values pass from one grid to another; see :meth:`Track.on`.
How: TypeAlias = Literal["sample", "mean", "nearest", "stack"]
#: Seconds around its centre that a value depends on, or the whole signal.
Support: TypeAlias = Fraction | Literal["whole"]

# How much of a cell or window must be there for its value to be valid, unless the caller says otherwise.
_DEFAULT_COVER = {"mean": Fraction(1, 2), "stack": Fraction(1)}
_SAME_CLOCK = (Piece(None, None, Fraction(1), Fraction(0)),)


@dataclass(frozen=True, eq=False)
class Track:
    """Values over time.

    Examples
    --------
    >>> track = Track(np.array([0.0, 1.0, 2.0, 3.0]), Grid(100), name="ramp")
    >>> slow = track.on(Grid(50), how="mean")
    >>> slow.values.tolist(), slow.valid.tolist()
    ([0.5, 2.5], [True, True])

    Raises
    ------
    OptionError
        If shapes disagree, or the values hold Python objects.
    """

    values: Values
    """Values, [T, ...]. Axis 0 is time, always."""
    grid: Cells
    """The cells that the values live on: value k belongs to cell k."""
    valid: Mask = None  # type: ignore[assignment]
    """True where the value means something, bool [T]; all True if not given."""
    name: str = ""
    """What the values are, such as ``"mel"``."""
    unit: str = ""
    """The unit of the values, such as ``"dB"``."""
    support: Support = Fraction(0)
    """Length of the window around ``center(k)`` beyond which nothing matters to value k, in seconds, or
    ``"whole"``."""
    context: str = "whole"
    """How the signal was cut for the computation: ``"whole"``, or a text that says how."""

    def __repr__(self) -> str:
        told = self.described(f"{self.grid.rate} cells a second" if isinstance(self.grid, Grid) else "")
        name = shortened(self.name, LONGEST - len(told) - len("Track(: )"))
        return f"Track({name}: {told})" if name else f"Track({told})"

    def described(self, pace: str) -> str:
        """Form, cells, length and how many are valid, in words.

        Parameters
        ----------
        pace : how often cells come; of cells that come at no rate it is not used

        >>> Track(np.ones((50, 3)), Grid(25)).described("25 a second")
        'float64[50, 3], 25 a second, 0.000 to 2.000 s'
        """
        if not isinstance(self.grid, Grid):
            pace = "cells of their own lengths"
        count = int(self.valid.sum())
        invalid = "" if count == len(self) else f", {count} of {len(self)} valid"
        form = f"{self.values.dtype}{list(self.values.shape)}"
        return f"{form}, {pace}, {float(self.start):z.3f} to {float(self.end):z.3f} s{invalid}"

    def __post_init__(self) -> None:
        values = np.asarray(self.values)
        if values.ndim == 0 or values.dtype.kind not in "biufc":
            raise OptionError(
                f"a Track needs numbers of shape [T, ...], not {values.dtype} of shape {values.shape}"
            )
        if not isinstance(self.grid, (Grid, Ticks)):
            raise OptionError(f"a Track needs a Grid or Ticks, not {self.grid!r}; give Grid(rate)")
        length = len(values)
        if self.grid.length not in (None, length):
            raise OptionError(f"{length} values do not fit {self.grid.length} cells")
        valid = np.ones(length, bool) if self.valid is None else np.asarray(self.valid)
        if valid.shape != (length,) or valid.dtype != np.bool_:
            raise OptionError(
                f"valid must be bool of shape [{length}], not {valid.dtype} of shape {valid.shape}"
            )
        support = self.support if self.support == "whole" else exact(self.support)
        if support != "whole" and support < 0:
            raise OptionError(f"a support of {support} s is not possible; give seconds from 0 on, or 'whole'")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "valid", valid)
        object.__setattr__(self, "support", support)

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """The values: ``np.asarray(track)``."""
        return np.array(self.values, dtype, copy=copy)

    def __getitem__(self, rows: slice) -> Track:
        """The values of some cells that follow each other, on cells of the same times; see :meth:`part`.

        >>> Track(np.arange(5), Grid(25))[-2:].start
        Fraction(3, 25)
        """
        if not isinstance(rows, slice) or rows.step not in (None, 1):
            raise OptionError(
                f"track[{rows!r}]: a Track is cut by slices of cells, such as track[10:20]; "
                "single values are in track.values"
            )
        first, stop, _ = rows.indices(len(self))
        return self.part(range(first, max(first, stop)))

    @property
    def clock(self) -> str:
        """Name of the time axis."""
        return self.grid.clock

    @property
    def start(self) -> Fraction:
        """Left edge of the first cell, in exact seconds; zero cells start at the grid's start."""
        return self.grid.edge(0) if len(self) or isinstance(self.grid, Grid) else Fraction(0)

    @property
    def end(self) -> Fraction:
        """Right edge of the last cell, in exact seconds."""
        return self.grid.edge(len(self)) if len(self) else self.start

    @property
    def centers(self) -> npt.NDArray[np.float64]:
        """Centres of the cells in seconds, float64 [T]."""
        return self.grid.centers(len(self))

    @property
    def times(self) -> npt.NDArray[np.float64]:
        """The same as :attr:`centers`: when each value is, in seconds, float64 [T]."""
        return self.centers

    def to_frame(self) -> Any:
        """The values as a table of pandas: a row a cell, its time in seconds as the index; NaN where they mean nothing.

        Values of more dimensions have a column for each of their numbers, ``0.3`` for that at [0, 3].

        Raises
        ------
        MissingDependency
            If pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ModuleNotFoundError as error:
            raise MissingDependency(
                "to_frame() needs pandas, which is not installed: pip install pandas"
            ) from error
        rest = self.values.shape[1:]
        names = [".".join(map(str, place)) for place in np.ndindex(rest)] if rest else [self.name or "value"]
        flat = self.values.reshape(len(self), -1)
        frame = pandas.DataFrame(flat, index=pandas.Index(self.times, name="seconds"), columns=names)
        return frame if self.valid.all() else frame.where(np.broadcast_to(self.valid[:, None], flat.shape))

    def plot(self, axes: Any = None) -> Any:
        """Draw the values over their seconds with matplotlib: one number a cell as a line, several as a picture of as
        many rows, the first lowest, powers in dB. Cells whose values mean nothing stay empty.

        Parameters
        ----------
        axes : matplotlib's Axes to draw on; None: those of now

        Returns
        -------
        matplotlib.axes.Axes
            What it is drawn on: ``track.plot().figure.savefig("track.png")``.

        Raises
        ------
        MissingDependency
            If matplotlib is not installed.
        OptionError
            If a cell holds a table or a picture; ``track.map`` makes numbers of it.
        """
        if self.values.ndim > 2 or not self.values.size:
            raise OptionError(
                f"plot() draws one number a cell, or a row of them, and {self.name or 'this track'} has the shape "
                f"{list(self.values.shape)}; make some of it with track.map(function)"
            )
        try:
            pyplot = import_module("matplotlib.pyplot")
        except ModuleNotFoundError as error:
            raise MissingDependency(
                "plot() needs matplotlib, which is not installed: pip install matplotlib"
            ) from error
        on = pyplot.gca() if axes is None else axes
        values, unit = draw.shown_values(self)
        if values.ndim == 1:
            on.plot(self.times, values)
            on.set_ylabel(", ".join(filter(None, (self.name, unit))))
        else:
            drawn = on.pcolormesh(self.edges, np.arange(values.shape[1] + 1), values.T)
            on.figure.colorbar(drawn, ax=on, label=unit)
            on.set_ylabel(self.name)
        on.set_xlabel("seconds")
        return on

    @property
    def edges(self) -> npt.NDArray[np.float64]:
        """Edges of the cells in seconds, float64 [T + 1]."""
        return self.grid.edges(len(self))

    def part(self, cells: range) -> Track:
        """The values of a run of cells, on cells of the same times.

        >>> Track(np.arange(5), Grid(25)).part(range(2, 4)).start
        Fraction(2, 25)
        """
        if cells.step != 1 or not 0 <= cells.start <= cells.stop <= len(self):
            raise OptionError(f"{cells!r} is not a run of the {len(self)} cells of track {self.name!r}")
        rows = slice(cells.start, cells.stop)
        return replace(self, values=self.values[rows], grid=self.grid.part(cells), valid=self.valid[rows])

    def between(self, start: Exact, end: Exact) -> Track:
        """The values of the cells whose centres lie in ``[start, end)``."""
        chosen = self.grid.cells(start, end, "centers")
        first, stop = (min(max(k, 0), len(self)) for k in (chosen.start, chosen.stop))
        return self.part(range(first, max(first, stop)))

    def shifted(self, seconds: Exact) -> Track:
        """The same values, later by so many exact seconds."""
        return replace(self, grid=self.grid.shifted(seconds))

    def map(self, function: Callable[[Values], Values], **changes: Any) -> Track:
        """The track of ``function(values)`` on the same cells; ``changes`` set other fields."""
        return replace(self, values=function(self.values), **changes)

    def on(
        self,
        grid: Cells | int | float | str | Fraction,
        how: How = "sample",
        *,
        length: int | None = None,
        count: int = 1,
        min_cover: Exact | None = None,
        warp: Warp | None = None,
    ) -> Track:
        """These values on other cells.

        Parameters
        ----------
        grid : Grid or Ticks
            The target cells; its clock is this track's, unless ``warp`` leads there. A Grid that names no clock,
            such as ``Grid(25)``, is one on this track's; a number alone (25, "30000/1001") is the rate of one.
        how : str
            ``sample``: linear between source centres, at the target cell's centre; in the outer half of a
            source cell that has no valid neighbour there, the cell's own value.
            ``mean``: mean of what the target cell overlaps, weighted by overlap in target time.
            ``nearest``: value of the source cell whose centre is nearest (a tie goes to the earlier one).
            ``stack``: the ``count`` source cells around the target centre, [T, count, ...]; missing or
            invalid ones are zero.
        length : int, optional
            Number of target cells from cell 0; by default as many as start before this track's end
            (for Ticks all of them).
        count : int
            Number of source cells, for ``stack``.
        min_cover : number in 0...1, optional
            The share of the target cell (``mean``, default 1/2) or of the ``count`` cells (``stack``,
            default 1) that valid source cells must cover for the result to be valid.
        warp : Warp, optional
            Maps this track's clock to the target's. What it skips is invalid.

        Returns
        -------
        Track
            float64 for ``sample`` and ``mean`` unless the values are float32, float64 or complex.
            What lies outside the source or touches only invalid cells is ``valid=False``, never invented.

        Raises
        ------
        ClockError
            If the clocks differ and there is no warp.
        """
        if how not in ("sample", "mean", "nearest", "stack"):
            raise OptionError(f"how={how!r} is unknown; use 'sample', 'mean', 'nearest' or 'stack'")
        if count < 1 or (count != 1 and how != "stack"):
            raise OptionError(f"count={count} goes with how='stack' and is at least 1")
        cover = exact(_DEFAULT_COVER.get(how, Fraction(1)) if min_cover is None else min_cover)
        if not 0 <= cover <= 1:
            raise OptionError(f"min_cover={min_cover} lies outside 0...1")
        if not isinstance(grid, (Grid, Ticks)):
            grid = Grid(grid)
        if warp is None and isinstance(grid, Grid) and grid.clock == DEFAULT_CLOCK:
            grid = Grid(grid.rate, grid.start, self.clock)
        back, end = self._way_back(grid, warp)
        target_length = self._target_length(grid, length, end)
        if len(self) == 0:
            return self._nothing_on(grid, how, count, target_length)
        route = resample.Route(
            resample.Source.of(self.values, self.valid, self.grid), grid, target_length, back
        )
        if how == "mean":
            values, valid = resample.mean(route, cover)
        elif how == "sample":
            values, valid = resample.sample(route)
        elif how == "nearest":
            values, valid = resample.nearest(route)
        else:
            values, valid = resample.stack(route, count, cover)
        support = self._support_on(grid, how, count, warp)
        return replace(self, values=values, grid=grid, valid=valid, support=support)

    def _nothing_on(self, grid: Cells, how: How, count: int, length: int) -> Track:
        window = (count,) if how == "stack" else ()
        kind = resample.float_type(self.values) if how in ("sample", "mean") else self.values.dtype
        values = np.zeros((length, *window, *self.values.shape[1:]), kind)
        return replace(self, values=values, grid=grid, valid=np.zeros(length, np.bool_))

    def _support_on(self, grid: Cells, how: How, count: int, warp: Warp | None) -> Support:
        """The old support, and how far away the old centres that a new value reads may lie."""
        if self.support == "whole" or (grid == self.grid and how in ("sample", "nearest") and warp is None):
            return self.support
        assert isinstance(self.support, Fraction)
        period, target = _longest(self.grid, len(self)), _longest(grid, len(self))
        reach = {"nearest": period, "sample": 2 * period, "stack": count * period, "mean": target + period}[
            how
        ]
        return self.support + reach

    def _way_back(self, grid: Cells, warp: Warp | None) -> tuple[tuple[Piece, ...], Fraction]:
        """The straight pieces from the target's clock back to this one, and this track's end over there."""
        if warp is None:
            require_same_clock(self.clock, grid.clock, f"put track {self.name!r} on the grid")
            return _SAME_CLOCK, self.end
        for name, own in ((warp.source_clock, self.clock), (warp.target_clock, grid.clock)):
            if name is not None and name != own:
                raise ClockError(
                    f"the warp leads from clock {warp.source_clock!r} to {warp.target_clock!r}, "
                    f"but the track is on {self.clock!r} and the grid on {grid.clock!r}"
                )
        _, end = warp.bounds(self.start, self.end)
        return warp.inverse().pieces(), grid.origin if end is None else end

    def _target_length(self, grid: Cells, length: int | None, end: Fraction) -> int:
        if isinstance(grid, Ticks):
            if length not in (None, len(grid)):
                raise OptionError(f"length={length} does not fit Ticks of {len(grid)} cells")
            return len(grid)
        if length is None:
            return max(0, grid.index(end, "ceil")) if len(self) else 0
        if length < 0:
            raise OptionError(f"length={length} is below zero")
        return length

    def to_dict(self) -> dict[str, object]:
        """What is known about the track, without its values, in a JSON form."""
        return {
            "name": self.name,
            "unit": self.unit,
            "shape": list(self.values.shape),
            "length": len(self),
            "dtype": str(self.values.dtype),
            "grid": self.grid.to_dict(),
            "support": "whole" if self.support == "whole" else {"seconds": float(self.support)},
            "context": self.context,
            "valid_cells": int(self.valid.sum()),
        }

    def _repr_svg_(self) -> str:
        return draw.track_svg(self)

    def _repr_html_(self) -> str:
        return draw.html(str(self), self._repr_svg_())

    def __str__(self) -> str:
        return (
            f"{self.name or 'track'} {list(self.values.shape)} {self.values.dtype}: {self.grid}, "
            f"{float(self.start):.6f} to {float(self.end):.6f} s, "
            f"{int(self.valid.sum())} of {len(self)} valid"
        )


def _longest(cells: Cells, count: int) -> Fraction:
    """The longest of the first cells, in seconds."""
    if isinstance(cells, Grid) or count == 0:
        return cells.tick
    return int(np.diff(cells.stamps()).max(initial=0)) * cells.tick
