"""The compiled inner loops of CTC alignment. What they compute is said in :mod:`genlock.aligners.ctc.chain`.

Scores are float64 and are added frame after frame, as in :mod:`genlock.aligners.ctc.reference`: the same
additions in the same order, so the results agree bit for bit and not only nearly.

A column of scores is stored from the last pair to the first (pair i of L at index ``L - i``). A pair looks at
itself and at the pair before it, so in this order a column can be overwritten front to back without a second
one, and the loop over pairs has no dependence that would keep it out of vector registers. The work is done in
tiles, so many pairs wide that a tile stays in the first-level cache while all frames of a block pass over it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genlock.core.compiled import compiled

__all__ = ["advance", "walk_back"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]

# How a state was reached, in one byte for a pair: bits 0-1 for its token, bits 2-3 for its blank.
_TOKEN_FROM_BLANK, _TOKEN_FROM_TOKEN = np.uint8(1), np.uint8(2)
_BLANK_FROM_TOKEN, _GAP_FROM_GAP = np.uint8(4), np.uint8(8)
_TOKEN_BITS = np.uint8(3)

#: Pairs in a tile: six arrays of 8 bytes each must fit into 32 KiB.
_TILE = 640


@compiled
def advance(
    blanks: F64,
    tokens: F64,
    table: F64,
    columns: U32,
    skips: F64,
    low: int,
    high: int,
    gaps: I64,
    hole_costs: F64,
    top: F64,
    codes: U8,
) -> None:
    """Move a column of scores forward over the frames of ``table``, in place, for the pairs low...high.

    Parameters
    ----------
    blanks, tokens : scores of the blank and of the token of each pair, last pair first, [L + 2]; index L + 1
        stands for the pair before the first and holds minus infinity
    table : scores of the symbols, [n, symbols + 4]; the last four columns are blank, gap, star, never
    columns : column of the token of each pair, last pair first, [L + 1]
    skips : 0 where a token may follow the token before it without a blank, else -inf; last pair first, [L +
    1] low, high : first and last pair to work on; what is below ``low`` is forgotten afterwards
    gaps : pairs whose blank is a gap, ascending, [G]
    hole_costs : cost of reaching ``gaps[k]`` from ``gaps[k - 1]`` in the same frame, infinite where that is
        not allowed, [G]; or of length 0, where it is allowed nowhere
    top : receives the best score after each frame with which a path can go above ``high``: that of the token
        of pair ``high``, or of the highest gap less the cost of leaping to the next, [n]
    codes : receives how each state was reached, pair ``high`` first, [n, high - low + 1]; or of length 0
    """
    frames = table.shape[0]
    last = blanks.shape[0] - 2
    blank_column = table.shape[1] - 4
    with_holes = hole_costs.shape[0] > 0
    with_codes = codes.shape[0] > 0
    tile_blanks, tile_tokens = np.empty(_TILE), np.empty(_TILE + 1)
    blank_scores, token_scores = np.empty(_TILE), np.empty(_TILE)
    # What the tile below hands up: the score of its highest token before each frame, and of its highest gap.
    edge, gap_edge = np.empty(frames + 1), np.empty(frames)
    edge[0] = tokens[last - low + 1]
    for t in range(frames):
        edge[t + 1] = gap_edge[t] = -np.inf
    first_gap = 0
    while first_gap < gaps.shape[0] and gaps[first_gap] < low:
        first_gap += 1
    for start in range(low, high + 1, _TILE):
        stop = min(start + _TILE, high + 1)
        count = stop - start
        j0 = last - stop + 1
        shift = high - stop + 1
        end_gap = first_gap
        while end_gap < gaps.shape[0] and gaps[end_gap] < stop:
            end_gap += 1
        # Views that start at 0: with an index that might be negative the loops below would run element by
        # element.
        wide_blanks, wide_tokens = blanks[j0:], tokens[j0:]
        tile_columns, tile_skips = columns[j0:], skips[j0:]
        for j in range(count):
            tile_blanks[j], tile_tokens[j] = wide_blanks[j], wide_tokens[j]
        handed_up = tile_tokens[0]
        for t in range(frames):
            row = table[t]
            blank_score, gap_score = row[blank_column], row[blank_column + 1]
            for j in range(count):
                token_scores[j] = row[tile_columns[j]]
            for j in range(count):
                blank_scores[j] = blank_score
            for k in range(first_gap, end_gap):
                blank_scores[stop - 1 - gaps[k]] = gap_score
            tile_tokens[count] = edge[t]
            edge[t] = handed_up
            if with_codes:
                tile_codes = codes[t, shift:]
                # A tie goes to staying, then to the state just before: to the highest state that can be left.
                for j in range(count):
                    before, blank, token = tile_tokens[j + 1], tile_blanks[j], tile_tokens[j]
                    skipped = before + tile_skips[j]
                    best = blank if blank > token else token
                    code = _TOKEN_FROM_BLANK if blank > token else np.uint8(0)
                    code = _TOKEN_FROM_TOKEN if skipped > best else code
                    tile_codes[j] = code | (_BLANK_FROM_TOKEN if before > blank else np.uint8(0))
            for j in range(count):
                before, blank, token = tile_tokens[j + 1], tile_blanks[j], tile_tokens[j]
                skipped = before + tile_skips[j]
                best = blank if blank > token else token
                best = skipped if skipped > best else best
                tile_tokens[j] = best + token_scores[j]
                tile_blanks[j] = (before if before > blank else blank) + blank_scores[j]
            if with_holes:
                score = gap_edge[t]
                for k in range(first_gap, end_gap):
                    j = stop - 1 - gaps[k]
                    leapt, reached = score - hole_costs[k], tile_blanks[j]
                    score = leapt if leapt > reached else reached
                    tile_blanks[j] = score
                    if with_codes and leapt > reached:
                        codes[t, shift + j] = (codes[t, shift + j] & _TOKEN_BITS) | _GAP_FROM_GAP
                gap_edge[t] = score
            handed_up = tile_tokens[0]
        edge[frames] = handed_up
        for j in range(count):
            wide_blanks[j], wide_tokens[j] = tile_blanks[j], tile_tokens[j]
        first_gap = end_gap
    leap = hole_costs[first_gap] if with_holes and first_gap < gaps.shape[0] else np.inf
    for t in range(frames):
        top[t] = max(edge[t + 1], gap_edge[t] - leap)
    tokens[last - low + 1] = -np.inf


@compiled
def walk_back(codes: U8, high: int, gaps: I64, state: int, states: I32) -> int:
    """Follow the codes of :func:`advance` from the last frame back to the first.

    Parameters
    ----------
    codes : how each state was reached, pair ``high`` first, [n, pairs]
    gaps : pairs whose blank is a gap, ascending, [G]
    state : the state in the last frame (2 i for the blank of pair i, 2 i + 1 for its token)
    states : receives the state of each frame, [n]; after a leap over words, the state that was leapt to

    Returns
    -------
    The state in the frame before the first.
    """
    for t in range(codes.shape[0] - 1, -1, -1):
        states[t] = state
        while state % 2 == 0 and codes[t, high - state // 2] & _GAP_FROM_GAP:
            state = 2 * gaps[np.searchsorted(gaps, state // 2) - 1]
        code = codes[t, high - state // 2]
        if state % 2:
            state -= code & _TOKEN_BITS
        elif code & _BLANK_FROM_TOKEN:
            state -= 1
    return state
