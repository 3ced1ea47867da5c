"""Retrieval of the offset in whole frames at 25 fps: protocols P1, P1b and P2.

For each frame of the picture, its similarity with the sound at every lag is one row. Candidates beyond the sound are
masked, not filled: zeros would pull the answer to the ends. The protocols as published search near zero and shift
nothing, so *always 0* is a perfect system in P1; P1b and P2 draw the true shift.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.bench.figures import Figure, Row, bootstrapped, share
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.lipsync.estimators.linear import LinearSync
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import main_face

__all__ = [
    "RATE",
    "Rows",
    "always_zero",
    "chance_rows",
    "lips_rows",
    "one_of_p1",
    "one_of_p2",
    "p1_rows",
    "p2_rows",
    "similarity_rows",
    "untrained_rows",
]

#: Frames per second of the protocols.
RATE = Fraction(25)
_P1_REACH, _P2_REACH = 15, 25
_CONTEXTS = (5, 7, 9, 11, 13, 15)
#: The largest lag that any protocol looks at: a search of 25 about a shift of 25.
_REACH = 50

Rows = npt.NDArray[np.float64]


def similarity_rows(sound: Track, picture: Track, weights: npt.ArrayLike, reach: int = _REACH) -> Rows:
    """Similarity of every frame with the sound at every lag, float64 [T, 2 reach + 1]; NaN where one is missing.

    Column ``reach + d`` compares the picture at frame t with the sound at frame t - d: the offset d.

    Parameters
    ----------
    sound, picture : [N, C] and [T, C] on any cells of one clock; channels are standardised over the clip
    weights : of the channels, [C]

    >>> moves = Track(np.random.default_rng(0).standard_normal((80, 3)), Grid(25))
    >>> rows = similarity_rows(moves.shifted(Fraction(-2, 25)), moves, np.ones(3))
    >>> int(np.nanmean(rows[5:75], axis=0).argmax()) - 50
    2
    """
    grid = Grid(RATE, picture.start, picture.clock)
    frames = max(0, grid.index(picture.end, "floor"))
    seen = picture.on(grid, length=frames)
    low = grid.index(sound.start, "floor") - 1
    around = range(low, max(low, grid.index(sound.end, "ceil") + 1))
    heard = sound.on(grid.part(around), length=len(around))
    a, b = _standard(seen), _standard(heard)
    scale = np.asarray(weights, np.float64) / max(float(np.sum(weights)), 1e-12)
    lags = np.arange(-reach, reach + 1)
    # Sound cell of frame t at lag d: t - d, counted from the sound's own first cell.
    where = np.arange(frames)[:, None] - lags - low
    there = (where >= 0) & (where < len(b))
    at = np.clip(where, 0, max(len(b) - 1, 0))
    rows = np.einsum("tc,tdc,c->td", a, b[at], scale)
    known = there & heard.valid[at] & seen.valid[:, None]
    return np.where(known, rows, np.nan)


def _standard(track: Track) -> Rows:
    values = np.asarray(track.values, np.float64).reshape(len(track), -1)
    if not track.valid.any():
        return np.zeros_like(values)
    middle, spread = values[track.valid].mean(axis=0), values[track.valid].std(axis=0)
    return np.where(track.valid[:, None], (values - middle) / np.maximum(spread, 1e-9), 0.0)


def lips_rows(evidence: Evidence, estimator: LinearSync) -> Rows | None:
    """Rows by what an estimator from lips and speech compares, each view by its share; None without a face or sound.

    Of several faces that which is seen longest counts.
    """
    face = main_face(evidence)
    if face is None or evidence.mel is None or len(face.lips) < 5:
        return None
    views = next(views for seen, views in estimator.views(evidence) if seen is face)
    return sum(
        (view.share * similarity_rows(view.sound, view.picture, view.weights) for view in views), np.zeros(())
    )


def untrained_rows(evidence: Evidence) -> Rows | None:
    """Rows without any model: opening and motion of the mouth against the loudness; None without a face or sound.

    Where nothing is known of the motion, as in prepared clips, the opening counts alone.
    """
    face = main_face(evidence)
    if face is None or evidence.loudness is None or len(face.lips) < 5:
        return None
    opening = similarity_rows(evidence.loudness, face.aperture, [1.0])
    if not face.motion.valid.any():
        return opening
    return opening + similarity_rows(evidence.loudness, face.motion, [1.0])


def chance_rows(rows: Rows, drawn: np.random.Generator) -> Rows:
    """Random numbers where ``rows`` has similarities: what is right by chance among the candidates that there are.

    >>> rows = np.array([[np.nan, 0.5], [0.1, 0.2]])
    >>> np.isnan(chance_rows(rows, np.random.default_rng(0))).tolist()
    [[True, False], [False, False]]
    """
    return np.where(np.isfinite(rows), drawn.standard_normal(rows.shape), np.nan)


def one_of_p1(rows: Rows, context: int, drawn: np.random.Generator | None) -> list[bool]:
    """Every window of ``context`` frames of a clip: whether the answer is within one frame of the truth.

    With ``drawn`` the truth is drawn among -15...15 for each window (P1b), else it is 0 (P1).
    """
    middle = rows.shape[1] // 2
    right = []
    for first in range(0, len(rows) - context + 1, context):
        truth = 0 if drawn is None else int(drawn.integers(-_P1_REACH, _P1_REACH + 1))
        # Had the sound been early by `truth`, lag d of the search would be lag d - truth of what was measured.
        window = rows[first : first + context, middle - _P1_REACH - truth : middle + _P1_REACH + 1 - truth]
        score = window.mean(axis=0)  # a candidate that is missing anywhere is masked
        if np.isfinite(score).sum() < 2:
            continue
        right.append(abs(int(np.nanargmax(score)) - _P1_REACH - truth) <= 1)
    return right


def one_of_p2(rows: Rows, truth: int) -> int | None:
    """How many frames the answer is away from a shift of the whole clip, of 51 candidates; None without any."""
    middle = rows.shape[1] // 2
    window = rows[:, middle - _P2_REACH - truth : middle + _P2_REACH + 1 - truth]
    there = np.isfinite(window).sum(axis=0)
    if not there.any():
        return None
    sums = np.where(np.isfinite(window), window, 0.0).sum(axis=0)
    # The sum of unrelated rows grows as the root of their number: so may the score.
    score = np.where(there >= 5, sums / np.sqrt(np.maximum(there, 1)), -np.inf)
    return int(score.argmax()) - _P2_REACH - truth


def p1_rows(
    system: str, clips: Sequence[Rows], shifted: bool, seed: int, whose: Sequence[str] = ()
) -> list[Row]:
    """The rows of P1 (``shifted`` False) or P1b of one system.

    Parameters
    ----------
    whose : who speaks in each clip; intervals are then over people, who count as often as they have windows, and over
        clips where nobody is named
    """
    name = "P1b" if shifted else "P1"
    found = []
    for context in _CONTEXTS:
        draw = np.random.default_rng([seed, context]) if shifted else None
        each = [one_of_p1(rows, context, draw) for rows in clips]
        # Windows of one clip resemble each other: clips or people are resampled, not windows.
        pairs = _by_person([[sum(right), len(right)] for right in each], whose)
        figure = bootstrapped(pairs, _share_of(0), seed)
        found.append(
            Row(f"{name}, {context} frames", system, int(pairs[:, 1].sum()), {"within 1 frame": figure})
        )
    return found


def p2_rows(
    system: str, clips: Sequence[Rows], seed: int, whose: Sequence[str] = ()
) -> tuple[Row, list[int | None]]:
    """The row of P2 of one system, and how far it was away on each clip; ``whose`` as in :func:`p1_rows`."""
    draw = np.random.default_rng([seed, 2])
    away = [one_of_p2(rows, int(draw.integers(-_P2_REACH, _P2_REACH + 1))) for rows in clips]
    errors = np.array([np.nan if a is None else abs(a) for a in away])
    known = np.isfinite(errors)
    right = {"exact": errors == 0, "within 1 frame": errors <= 1, "over 5 frames": errors > 5}
    if whose:
        table = np.column_stack([*right.values(), known]).astype(np.float64)
        pairs = _by_person(table.tolist(), whose)
        figures = {name: bootstrapped(pairs, _share_of(k), seed) for k, name in enumerate(right)}
    else:
        figures = {name: share(values[known]) for name, values in right.items()}
    return Row("P2, 51 candidates", system, int(known.sum()), figures), away


def _by_person(counts: Sequence[Sequence[float]], whose: Sequence[str]) -> Rows:
    """Counts of clips, the last of which is how many cases there were, added up for each person; [people, columns].

    Raises ValueError if there are not as many names as clips.
    """
    groups: dict[str, list[Sequence[float]]] = {}
    for who, row in zip(whose or [str(k) for k in range(len(counts))], counts, strict=True):
        if row[-1]:
            groups.setdefault(who, []).append(row)
    return np.array([np.sum(rows, axis=0) for rows in groups.values()], np.float64).reshape(
        len(groups), len(counts[0]) if counts else 2
    )


def _share_of(column: int) -> Callable[[Rows], float]:
    """Share of a column of counts among all cases."""
    return lambda counts: float(counts[:, column].sum() / counts[:, -1].sum())


def always_zero(clips: int) -> list[Row]:
    """What the answer 0 reaches, exactly: one value of 31 and its neighbours, or of 51."""
    near, far = 3 / (2 * _P1_REACH + 1), 2 * _P2_REACH + 1
    rows = [Row(f"P1, {c} frames", "always 0", clips, {"within 1 frame": Figure(1.0)}) for c in _CONTEXTS]
    rows += [Row(f"P1b, {c} frames", "always 0", clips, {"within 1 frame": Figure(near)}) for c in _CONTEXTS]
    figures = {
        "exact": Figure(1 / far),
        "within 1 frame": Figure(3 / far),
        "over 5 frames": Figure((far - 11) / far),
    }
    return [*rows, Row("P2, 51 candidates", "always 0", clips, figures)]
