"""The chain of states that a text becomes, and what it scores in each frame.

A text of L tokens becomes L + 1 *pairs*: pair i is the blank before token i, and token i; pair L is the last
blank alone. States are numbered ``2 i`` (blank of pair i) and ``2 i + 1`` (its token). With e(t, x) the score
of symbol x in frame t and F(t, s) the best sum over all ways to be in state s after frame t,

    F(t, blank i) = e(t, blank) + max(F(t-1, blank i), F(t-1, token i-1))
    F(t, token i) = e(t, token i) + max(F(t-1, token i), F(t-1, blank i), F(t-1, token i-1))

where the last term falls away if tokens i-1 and i are equal: two equal tokens need a blank between them
(Graves et al. 2006, "Connectionist temporal classification", section 4.1, with max for sum). A path
begins in state 0 or 1 and ends in one of the last two.

Two things are added, both still exact:

- The blank of some pairs may be a *gap*, which scores the best of several symbols in each frame: the blank,
the
  separator of words, or any speech at a cost. A text with sound between its words that nobody wrote down
  goes over it in a gap. The symbol ``STAR`` in the text is a token that scores in the same way.
- A path may leap from one gap to the next within a frame, at a cost: the word between them was not spoken.

**Ties.** Read from the last frame back to the first, the path is always in the highest state that lies on any
best path: it stays rather than steps, steps rather than skips, and leaps last. So each token is entered as
early as it can be. This is what :mod:`genlock.aligners.ctc.reference` and the compiled kernels both do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from genlock.aligners.ctc.emissions import Emissions, checked_rows
from genlock.core.errors import InputError, OptionError

__all__ = ["STAR", "CtcChain", "Scores"]

#: Stands in a sequence of tokens for sound that nobody wrote down.
STAR = -1

_BLANK, _GAP, _STAR, _NEVER = 0, 1, 2, 3

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CtcChain:
    """The states of a text, ready to be laid over emissions.

    >>> chain = CtcChain((3, 3, 1), symbols=5)
    >>> chain.least_frames, chain.states
    (4, 7)

    Raises
    ------
    InputError
        If a token is not a symbol of the model, or is its blank.
    OptionError
        If a cost is negative, or gaps are not in order.
    """

    tokens: tuple[int, ...]
    """Symbols of the text in order, each 0...symbols - 1 or ``STAR``; not the blank."""
    symbols: int
    """Number of symbols that the model tells apart, V."""
    blank: int = 0
    """The blank symbol."""
    gaps: tuple[int, ...] = ()
    """Pairs, 0...L ascending, whose blank is a gap."""
    separator: int | None = None
    """A symbol that a gap takes as it takes the blank, or None."""
    gap_cost: float = np.inf
    """Cost, in nats a frame, of a gap that goes over a frame of any other symbol; infinite: it cannot."""
    star_cost: float = 0.0
    """The same for ``STAR``."""
    hole_costs: tuple[float, ...] = ()
    """Cost, in nats, of leaping from gap k - 1 to gap k, one for each gap (the first is not used); or none at
    all."""

    def __init__(
        self,
        tokens: Sequence[int],
        symbols: int,
        blank: int = 0,
        gaps: Sequence[int] = (),
        separator: int | None = None,
        gap_cost: float = np.inf,
        star_cost: float = 0.0,
        hole_costs: Sequence[float] = (),
    ) -> None:
        _check_symbols(tokens, symbols, blank)
        if separator is not None and not 0 <= separator < symbols:
            raise InputError(
                f"the separator {separator} is not one of the model's {symbols} symbols, 0...{symbols - 1}"
            )
        costs = [gap_cost, star_cost, *hole_costs]
        if any(np.isnan(cost) or cost < 0 for cost in costs):
            raise OptionError(f"a cost of {min(costs)} nats is not possible; costs are 0 or above")
        if any(b <= a for a, b in pairwise(gaps)) or any(not 0 <= g <= len(tokens) for g in gaps):
            raise OptionError(f"the gaps {tuple(gaps)} are not ascending pairs within 0...{len(tokens)}")
        if len(hole_costs) not in (0, len(gaps)):
            raise OptionError(
                f"{len(hole_costs)} costs of holes do not fit {len(gaps)} gaps; give one for each gap"
            )
        for name, value in {
            "tokens": tuple(map(int, tokens)),
            "symbols": symbols,
            "blank": blank,
            "gaps": tuple(map(int, gaps)),
            "separator": separator,
            "gap_cost": gap_cost,
            "star_cost": star_cost,
            "hole_costs": tuple(map(float, hole_costs)),
        }.items():
            object.__setattr__(self, name, value)

    @property
    def states(self) -> int:
        """Number of states, 2 L + 1."""
        return 2 * len(self.tokens) + 1

    @cached_property
    def least_frames(self) -> int:
        """Frames that the whole text needs: one for each token, and one blank between two equal ones."""
        return len(self.tokens) + int(np.count_nonzero(~self.can_skip[1:]))

    @cached_property
    def can_skip(self) -> npt.NDArray[np.bool_]:
        """Where a token may follow the token before it without a blank, [L]; False for the first."""
        ids = np.asarray(self.tokens, dtype=np.int64)
        return np.concatenate([np.zeros(min(1, len(ids)), bool), ids[1:] != ids[:-1]])

    @cached_property
    def used(self) -> I64:
        """The symbols that occur in the text, ascending."""
        return np.array(sorted(set(self.tokens) - {STAR}), dtype=np.int64)

    @cached_property
    def columns(self) -> I64:
        """Column of each token in the scores of :class:`Scores`, [L]."""
        ids = np.asarray(self.tokens, dtype=np.int64)
        return np.where(ids == STAR, len(self.used) + _STAR, np.searchsorted(self.used, ids))

    @property
    def never_column(self) -> int:
        """The column that is always minus infinity."""
        return len(self.used) + _NEVER

    @cached_property
    def gap_pairs(self) -> I64:
        """``gaps`` as an array, [G]."""
        return np.asarray(self.gaps, dtype=np.int64)

    def state_columns(self) -> I64:
        """Column of each state, [2 L + 1]."""
        columns = np.full(self.states, len(self.used) + _BLANK, dtype=np.int64)
        columns[1::2] = self.columns
        columns[2 * self.gap_pairs] = len(self.used) + _GAP
        return columns


@dataclass(frozen=True)
class Scores:
    """Emissions narrowed to what a chain can use: ``used`` symbols, then blank, gap, star and never.

    >>> from genlock.aligners.ctc.emissions import as_emissions
    >>> chain = CtcChain((2, STAR), symbols=3, star_cost=1.0)
    >>> Scores(chain, as_emissions(np.log([[0.2, 0.7, 0.1]]))).table(0, 1).round(2).tolist()
    [[-2.3, -1.61, -1.61, -1.36, -inf]]
    """

    chain: CtcChain
    """The chain."""
    emissions: Emissions
    """The model's log-probabilities."""

    def __post_init__(self) -> None:
        if self.emissions.symbols != self.chain.symbols:
            raise InputError(
                f"the emissions have {self.emissions.symbols} symbols, the text was spelt for "
                f"{self.chain.symbols}; use the vocabulary of the same model"
            )

    def table(self, start: int, stop: int) -> F64:
        """Scores of frames ``start ... stop - 1``, float64 [n, used + 4]."""
        return self.table_of(checked_rows(self.emissions, start, stop))

    def table_of(self, rows: npt.NDArray[np.float32]) -> F64:
        """Scores of rows that have been read already, float64 [n, used + 4]."""
        chain = self.chain
        used = len(chain.used)
        table = np.empty((len(rows), used + 4), dtype=np.float64)
        table[:, :used] = rows[:, chain.used]
        table[:, used + _BLANK] = rows[:, chain.blank]
        quiet = self._quiet(rows)
        any_symbol = rows.max(axis=1).astype(np.float64)
        table[:, used + _GAP] = np.maximum(quiet, any_symbol - chain.gap_cost)
        table[:, used + _STAR] = np.maximum(quiet, any_symbol - chain.star_cost)
        table[:, used + _NEVER] = -np.inf
        return table

    def _quiet(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        blank, separator = self.chain.blank, self.chain.separator
        return rows[:, blank] if separator is None else np.maximum(rows[:, blank], rows[:, separator])

    def best(self, table: F64) -> F64:
        """The best score that any state could have in each frame of a table, [n]."""
        chain = self.chain
        last = len(chain.used) + (_STAR if STAR in chain.tokens else _GAP if chain.gaps else _BLANK)
        return np.asarray(table[:, : last + 1].max(axis=1))

    def over_speech(self, rows: npt.NDArray[np.float32], table: F64, columns: I64) -> npt.NDArray[np.bool_]:
        """Where a path goes over something that is neither blank nor separator, in a gap or a ``STAR``, bool
        [n].

        ``columns`` are those of the path in each of these frames.
        """
        is_open = (columns > len(self.chain.used) + _BLANK) & (columns < self.chain.never_column)
        return np.asarray(is_open & (table[np.arange(len(rows)), columns] > self._quiet(rows)))


def _check_symbols(tokens: Sequence[int], symbols: int, blank: int) -> None:
    if not 0 <= blank < symbols:
        raise InputError(f"the blank {blank} is not one of the model's {symbols} symbols, 0...{symbols - 1}")
    for place, token in enumerate(tokens):
        if token == blank:
            raise InputError(
                f"token {place} of the text is the blank ({blank}); blanks are put in by the alignment"
            )
        if token != STAR and not 0 <= token < symbols:
            raise InputError(
                f"token {place} of the text is {token}, outside the model's vocabulary of {symbols} symbols "
                f"(0...{symbols - 1}); leave it out, or put STAR ({STAR}) in its place"
            )
