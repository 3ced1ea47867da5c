"""The best path of a chain through emissions, exactly, for sound of any length and in little memory.

**Exact.** One pass forward over the frames keeps a single column of scores and stores a copy of it every
``4 sqrt(T)`` frames. The path is then found from the end, one stretch between two copies at a time: the
stretch is computed again from its copy, this time noting how each state was reached. A path moves on by at
most one pair a frame, so only pairs within reach of where the stretch ends are computed again. Memory grows
with ``L sqrt(T)``, time is one pass and a little. Pairs that no whole path can visit (too late to be reached,
or too early for the rest of the text to follow) are left out from the start.

**Band.** The same in a band of pairs that follows the best score. What it finds is the best path *within* the
band. It is the best of all if no path that leaves the band can be better, and that can be computed: a path
that leaves has the exact score F of the place where it first leaves, the exact score G of the rest
from where it last comes back (from a pass backward in the same band), and in between at most the best symbol
of each frame. If the highest such sum lies below the score that was found, the path is *proven*.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.aligners.ctc.chain import CtcChain, Scores
from genlock.aligners.ctc.emissions import EmissionSource, as_emissions, checked_rows
from genlock.aligners.ctc.kernels import advance, walk_back
from genlock.core.errors import OptionError

__all__ = ["CtcPath", "Method", "best_path"]

#: How the path is searched: a proven band or else exactly; exactly; in one band, proven or not.
Method: TypeAlias = Literal["auto", "exact", "band"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

# Frames that one call of the kernel passes over. A band moves once in as many frames.
_BLOCK = 256
#: The narrowest band, in pairs: a path that runs at full speed must not leave it within a block.
LEAST_BAND = 2 * _BLOCK + 2

_NO_CODES = np.zeros((0, 0), np.uint8)


@dataclass(frozen=True, eq=False)
class CtcPath:
    """The best path of a chain through emissions."""

    chain: CtcChain
    """The text."""
    states: npt.NDArray[np.int32]
    """State in each frame, int32 [T]: ``2 i`` is the blank before token i, ``2 i + 1`` token i. Empty if
    impossible."""
    score: float
    """Sum of the scores along the path, in nats; minus infinity if no path is possible."""
    frame_scores: npt.NDArray[np.float32]
    """Score of the path in each frame, float32 [T]."""
    best_scores: npt.NDArray[np.float32]
    """Logarithm of the probability of the likeliest symbol of all in each frame, float32 [T]."""
    speech: npt.NDArray[np.bool_]
    """Frames in which the path goes over speech without text, in a gap or a ``STAR``, bool [T]."""
    method: Literal["exact", "band"]
    """How it was found."""
    proven: bool
    """Whether it is certain that no path is better."""
    band: int | None = None
    """Width of the band in pairs, or None."""

    @property
    def possible(self) -> bool:
        """Whether there is a path at all."""
        return self.score > -np.inf

    def token_frames(self) -> I64:
        """First frame of each token and the frame after its last, int64 [L, 2]; -1 for tokens that were left
        out."""
        spans = np.full((len(self.chain.tokens), 2), -1, dtype=np.int64)
        frames = np.nonzero(self.states % 2)[0]
        tokens = self.states[frames] // 2
        # States never go back, so the frames of one token are a run: its first and last places in order.
        visited, first = np.unique(tokens, return_index=True)
        spans[visited, 0] = frames[first]
        spans[visited, 1] = frames[np.append(first[1:], len(frames)) - 1] + 1 if len(frames) else 0
        return spans


@dataclass(frozen=True, eq=False)
class _Lattice:
    """A chain in the layout of the kernels: last pair first."""

    scores: Scores
    columns: npt.NDArray[np.uint32]
    skips: F64
    gaps: I64
    hole_costs: F64
    length: int

    @classmethod
    def of(cls, scores: Scores) -> _Lattice:
        chain = scores.chain
        columns, can_skip = chain.columns, chain.can_skip
        return cls._laid_out(
            scores, columns, can_skip, chain.gap_pairs, np.asarray(chain.hole_costs, np.float64)
        )

    def mirrored(self) -> _Lattice:
        """The chain from its end: pair i is then the blank before token L - i, and token L - 1 - i."""
        chain = self.scores.chain
        can_skip = np.roll(chain.can_skip[::-1], 1)  # what was in front of a token is now behind it
        costs = np.concatenate([self.hole_costs[:1], self.hole_costs[:0:-1]])
        gaps = self.length - chain.gap_pairs[::-1]
        return self._laid_out(self.scores, chain.columns[::-1], can_skip, gaps, costs)

    @classmethod
    def _laid_out(
        cls, scores: Scores, columns: I64, can_skip: npt.NDArray[np.bool_], gaps: I64, hole_costs: F64
    ) -> _Lattice:
        never = np.uint32(scores.chain.never_column)
        return cls(
            scores,
            np.concatenate([[never], columns[::-1]]).astype(np.uint32),
            np.where(np.concatenate([[False], can_skip[::-1]]), 0.0, -np.inf),
            np.ascontiguousarray(gaps),
            hole_costs,
            len(columns),
        )

    def column(self) -> tuple[F64, F64]:
        """Scores of blanks and tokens before anything was reached."""
        return np.full(self.length + 2, -np.inf), np.full(self.length + 2, -np.inf)

    def where(self, first: int, last: int) -> slice:
        """The places of the pairs first...last, in a column."""
        return slice(self.length - last, self.length - first + 1)

    def advance(
        self,
        column: tuple[F64, F64],
        table: F64,
        low: int,
        high: int,
        top: F64,
        codes: npt.NDArray[np.uint8] = _NO_CODES,
    ) -> None:
        advance(*column, table, self.columns, self.skips, low, high, self.gaps, self.hole_costs, top, codes)


@dataclass(frozen=True, eq=False)
class _Block:
    """Frames start...stop - 1 and the pairs low...high that are worked on in them."""

    start: int
    stop: int
    low: int
    high: int


@dataclass(frozen=True, eq=False)
class _Forward:
    """What a pass forward leaves behind."""

    blocks: list[_Block]
    copies: dict[int, tuple[int, int, F64, F64]]
    """Before some blocks: pairs first...last, and the scores of their blanks and tokens."""
    state: int
    score: float
    leaving: F64
    """The best score of a path that is in the band in frame t and may be out of it in the next, [T]."""
    best: F64
    """The best score of any symbol of the text in each frame, [T]."""


#: Chooses the pairs low...high for a block (start, stop) from the current column and the block before.
_Place: TypeAlias = Callable[[int, int, tuple[F64, F64], "_Block | None"], tuple[int, int]]


def best_path(
    emissions: EmissionSource, chain: CtcChain, *, method: Method = "auto", band: int = 1024
) -> CtcPath:
    """The best path of a chain through emissions; see this module's text for how it is found.

    Parameters
    ----------
    emissions : natural logarithms of probabilities, [T, V]: an array, a memory map, or
        :class:`~genlock.aligners.ctc.emissions.EmissionBlocks`. Read in blocks of 256 frames, as float32.
    chain : the text
    method : ``"exact"``; ``"band"``: in a band of ``band`` pairs, whether that can be proven or not;
        ``"auto"``: in a band that is widened until its path is proven, or exactly where that is cheaper
    band : width of the (first) band in pairs, that is in tokens of text; at least 514

    Returns
    -------
    The path. Where none is possible (text longer than the sound, or symbols of probability zero) its score is
    minus infinity and it has no states; that is proven too, unless one band alone was searched.

    Raises
    ------
    InputError
        If the emissions are not log-probabilities: NaN, plus infinity, above zero, or of the wrong shape.
    OptionError
        If the method is unknown or the band is too narrow.

    Examples
    --------
    >>> emissions = np.log(np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.2, 0.1, 0.7]]))
    >>> path = best_path(emissions, CtcChain((1, 2), symbols=3))
    >>> path.states.tolist(), path.token_frames().tolist(), path.proven
    ([0, 1, 3], [[1, 2], [2, 3]], True)
    """
    if method not in ("auto", "exact", "band"):
        raise OptionError(f"the method {method!r} is unknown; use 'auto', 'exact' or 'band'")
    if band < LEAST_BAND:
        raise OptionError(f"a band of {band} pairs is too narrow; it is at least {LEAST_BAND}")
    source = as_emissions(emissions)
    scores = Scores(chain, source)
    lattice = _Lattice.of(scores)
    if source.frames == 0 or (source.frames < chain.least_frames and not chain.hole_costs):
        return _no_path(chain, 0.0 if source.frames == chain.least_frames else -np.inf)
    if method != "exact":
        width = band
        # Both passes of a band must be cheaper than the one pass that is exact in any case.
        while method == "band" or 3 * width < lattice.length:
            forward = _run(lattice, _in_band(lattice, width))
            proven = _is_best(lattice, forward)
            if proven or method == "band":
                return _traced(lattice, forward, "band", proven, width)
            width *= 4
    return _traced(lattice, _run(lattice, _everywhere(lattice)), "exact", True, None)


def _no_path(
    chain: CtcChain, score: float, method: Literal["exact", "band"] = "exact", proven: bool = True
) -> CtcPath:
    empty = np.zeros(0, np.float32)
    return CtcPath(chain, np.zeros(0, np.int32), score, empty, empty, np.zeros(0, bool), method, proven)


def _everywhere(lattice: _Lattice) -> _Place:
    """All pairs that a whole path can visit: reached at one a frame, and with frames left for the rest."""
    length, frames = lattice.length, lattice.scores.emissions.frames

    def place(start: int, stop: int, column: tuple[F64, F64], before: _Block | None) -> tuple[int, int]:
        if lattice.hole_costs.size:
            return 0, length
        return max(0, length - frames + start), min(length, stop - 1)

    return place


def _in_band(lattice: _Lattice, width: int) -> _Place:
    """A band around the pair of the best score, which never moves back and always leaves time for the
    rest."""
    length, frames = lattice.length, lattice.scores.emissions.frames

    def place(start: int, stop: int, column: tuple[F64, F64], before: _Block | None) -> tuple[int, int]:
        if before is None:
            low = 0
        else:
            held = lattice.where(before.low, before.high)
            best = before.high - int(np.argmax(np.maximum(column[0][held], column[1][held])))
            low = max(before.low, best - width // 2)
        low = max(low, length - (frames - stop) - width + 2)
        high = min(length, low + width - 1)
        return max(0, min(low, length - 1)), high

    return place


def _run(lattice: _Lattice, place: _Place) -> _Forward:
    """Pass over all frames once, forward."""
    frames = lattice.scores.emissions.frames
    every = _copy_interval(frames)
    column = lattice.column()
    column[0][lattice.length] = 0.0  # before the first frame a path is in the first blank, at no cost
    blocks: list[_Block] = []
    copies: dict[int, tuple[int, int, F64, F64]] = {}
    leaving, best = np.full(frames, -np.inf), np.empty(frames)
    before: _Block | None = None
    for start in range(0, frames, _BLOCK):
        stop = min(start + _BLOCK, frames)
        low, high = place(start, stop, column, before)
        if before is not None and low > before.low:
            dropped = lattice.where(before.low, low - 1)
            leaving[start - 1] = max(leaving[start - 1], column[0][dropped].max(), column[1][dropped].max())
        if start % every == 0:
            first, last = max(0, low - 1), before.high if before else 0
            held = lattice.where(first, last)
            copies[start] = (first, last, column[0][held].copy(), column[1][held].copy())
        table = lattice.scores.table(start, stop)
        lattice.advance(column, table, low, high, leaving[start:stop])
        best[start:stop] = lattice.scores.best(table)
        before = _Block(start, stop, low, high)
        blocks.append(before)
    final_blank = float(column[0][0])
    final_token = float(column[1][1]) if lattice.length else -np.inf
    state = 2 * lattice.length if final_blank >= final_token else 2 * lattice.length - 1
    return _Forward(blocks, copies, state, max(final_blank, final_token), leaving, best)


def _copy_interval(frames: int) -> int:
    return _BLOCK * math.ceil(4 * math.sqrt(frames) / _BLOCK)


def _is_best(lattice: _Lattice, forward: _Forward) -> bool:
    """Whether no path that leaves the band can be as good as the best path within it."""
    if forward.score == -np.inf:
        return False
    # Sums of n terms in float64, added in different orders, differ by at most n ulps of the sum of their
    # magnitudes.
    magnitude = abs(forward.score) + abs(forward.best.sum()) + 1
    slack = 8 * len(forward.best) * np.finfo(np.float64).eps * magnitude
    return bool(_best_outside(lattice, forward) < forward.score - slack)


def _best_outside(lattice: _Lattice, forward: _Forward) -> float:
    """A score that no path exceeds which begins in the band and leaves it, but for rounding."""
    so_far = np.cumsum(forward.best)
    left = np.maximum.accumulate(forward.leaving - so_far)
    # Leave after frame t1, take any symbols in between, be back with entering[t2]; t1 < t2.
    return float((left[:-1] + so_far[:-1] + _entering(lattice, forward)[1:]).max(initial=-np.inf))


def _entering(lattice: _Lattice, forward: _Forward) -> F64:
    """The best score of frames t... of a path that is out of the band until it comes back at t or just after,
    [T]."""
    mirror = lattice.mirrored()
    length = lattice.length
    column = mirror.column()
    column[0][length] = 0.0
    entering = np.full(len(forward.best), -np.inf)
    for number in range(len(forward.blocks) - 1, -1, -1):
        block = forward.blocks[number]
        table = np.ascontiguousarray(lattice.scores.table(block.start, block.stop)[::-1])
        from_below = np.empty(len(table))
        # In the mirror, what goes above its band is what comes into this one from below.
        mirror.advance(column, table, max(0, length - 1 - block.high), length - block.low, from_below)
        entering[block.start : block.stop] = from_below[::-1]
        if number and block.high > forward.blocks[number - 1].high:
            first, last = forward.blocks[number - 1].high + 1, block.high
            blanks = column[0][mirror.where(length - last, length - first)]
            tokens = column[1][mirror.where(max(0, length - 1 - last), max(0, length - 1 - first))]
            entering[block.start] = max(entering[block.start], blanks.max(), tokens.max())
    return entering


def _traced(
    lattice: _Lattice, forward: _Forward, method: Literal["exact", "band"], proven: bool, band: int | None
) -> CtcPath:
    """Find the path from its end, one stretch between two copies at a time."""
    chain = lattice.scores.chain
    if forward.score == -np.inf:
        return _no_path(chain, -np.inf, method, proven)
    frames = lattice.scores.emissions.frames
    path = CtcPath(
        chain,
        np.empty(frames, np.int32),
        forward.score,
        np.empty(frames, np.float32),
        np.empty(frames, np.float32),
        np.zeros(frames, bool),
        method,
        proven,
        band,
    )
    tracer = _Tracer(lattice, forward, path, lattice.column(), chain.state_columns())
    state = forward.state
    for start in sorted(forward.copies, reverse=True):
        state = tracer.stretch(start, state)
    return path


@dataclass(frozen=True, eq=False)
class _Tracer:
    lattice: _Lattice
    forward: _Forward
    path: CtcPath
    column: tuple[F64, F64]
    state_columns: I64
    interval: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "interval", _copy_interval(len(self.path.states)))

    def stretch(self, start: int, state: int) -> int:
        """Fill in the path from frame ``start`` to the end of its stretch, where it is in ``state``."""
        lattice, path = self.lattice, self.path
        blocks = self.forward.blocks[start // _BLOCK : (start + self.interval) // _BLOCK]
        end = state // 2
        first, last, blanks, tokens = self.forward.copies[start]
        for part, copy in zip(self.column, (blanks, tokens), strict=True):
            part.fill(-np.inf)
            part[lattice.where(first, last)] = copy
        noted: list[tuple[_Block, int, npt.NDArray[np.uint8]]] = []
        for block in blocks:
            low, high = block.low, min(block.high, end)
            if not lattice.hole_costs.size:
                low = max(low, end - (blocks[-1].stop - 1 - block.start))
            codes = np.empty((block.stop - block.start, high - low + 1), np.uint8)
            table = lattice.scores.table(block.start, block.stop)
            lattice.advance(self.column, table, low, high, np.empty(len(table)), codes)
            noted.append((block, high, codes))
        for block, high, codes in reversed(noted):
            here = path.states[block.start : block.stop]
            state = walk_back(codes, high, lattice.gaps, state, here)
            self.describe(block, self.state_columns[here])
        return state

    def describe(self, block: _Block, columns: I64) -> None:
        """Fill in what is said about each frame of a block, given the column of the path's state in each."""
        path, scores = self.path, self.lattice.scores
        rows = checked_rows(scores.emissions, block.start, block.stop)
        table = scores.table_of(rows)
        path.frame_scores[block.start : block.stop] = table[np.arange(len(rows)), columns]
        path.best_scores[block.start : block.stop] = rows.max(axis=1)
        path.speech[block.start : block.stop] = scores.over_speech(rows, table, columns)
