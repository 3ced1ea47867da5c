"""CTC alignment as plainly as it can be written: the whole trellis, in numpy. What the fast one is held
against.

Time and memory grow with frames x tokens: for some thousands of frames, not for an hour.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genlock.aligners.ctc.chain import CtcChain, Scores
from genlock.aligners.ctc.emissions import EmissionSource, as_emissions

__all__ = ["best_states"]


def best_states(emissions: EmissionSource, chain: CtcChain) -> tuple[npt.NDArray[np.int32], float]:
    """The best path of a chain through emissions, by the definition in :mod:`genlock.aligners.ctc.chain`.

    Parameters
    ----------
    emissions : log-probabilities, [T, V]
    chain : the text

    Returns
    -------
    states, score : the state in each frame, int32 [T], and the sum of the scores along them. Where no path is
        possible the score is minus infinity and the states are empty.

    Examples
    --------
    >>> emissions = np.log(np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.2, 0.1, 0.7]]))
    >>> states, score = best_states(emissions, CtcChain((1, 2), symbols=3))
    >>> states.tolist(), round(float(np.exp(score)), 3)
    ([0, 1, 3], 0.294)
    """
    source = as_emissions(emissions)
    table = Scores(chain, source).table(0, source.frames)
    frames, states = len(table), chain.states
    columns = chain.state_columns()
    can_skip = np.zeros(states, bool)
    can_skip[1::2] = chain.can_skip
    if frames == 0:
        return np.zeros(0, np.int32), 0.0 if not chain.tokens else -np.inf

    # reached_by[t, s]: the state before, in the frame before; after a leap, in the same frame.
    reached_by = np.zeros((frames, states), np.int32)
    leapt = np.zeros((frames, states), bool)
    score = np.full(states, -np.inf)
    score[0] = 0.0  # the frame before the first
    for t in range(frames):
        step = np.concatenate([[-np.inf], score[:-1]])
        skip = np.where(can_skip, np.concatenate([[-np.inf, -np.inf], score[:-2]])[:states], -np.inf)
        candidates = np.stack([score, step, skip])
        choice = candidates.argmax(axis=0)  # the first of equals: staying, then stepping
        reached_by[t] = np.arange(states) - choice
        score = candidates[choice, np.arange(states)] + table[t, columns]
        for k in range(1, len(chain.hole_costs)):
            here, there = 2 * chain.gaps[k - 1], 2 * chain.gaps[k]
            if score[here] - chain.hole_costs[k] > score[there]:
                score[there] = score[here] - chain.hole_costs[k]
                reached_by[t, there], leapt[t, there] = here, True

    ends = [states - 1, states - 2] if states > 1 else [0]
    state = max(ends, key=lambda s: (score[s], s))
    if score[state] == -np.inf:
        return np.zeros(0, np.int32), -np.inf
    total = float(score[state])
    path = np.zeros(frames, np.int32)
    for t in range(frames - 1, -1, -1):
        path[t] = state
        while leapt[t, state]:
            state = int(reached_by[t, state])
        state = int(reached_by[t, state])
    return path, total
