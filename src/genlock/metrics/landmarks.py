"""How far a made face lies from a true one: places, motion, closures, lag, and the trade between them.

Both are Tracks of points of the face mesh on the same cells, in eye distances (or pixels of one picture). A face that
does not move has a small error of place, so nothing here is to be read alone: the energy of motion stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import correlate, find_peak
from genlock.core.errors import ClockError, OptionError
from genlock.core.grid import Grid
from genlock.core.json_forms import finite_or_none
from genlock.core.one_line import one_line
from genlock.core.spans import Span, Spans
from genlock.core.time import Exact, exact
from genlock.core.track import Track
from genlock.extractors.face.landmarks import MESH_TO_68
from genlock.extractors.face.mouth import aperture_of
from genlock.extractors.face.pose import LIPS, RIGID, head_pose

__all__ = [
    "BILABIALS",
    "GAINS",
    "ClosureScores",
    "GainPoint",
    "LandmarkScores",
    "aperture_track",
    "closed_level",
    "closed_runs",
    "closure_scores",
    "gain_curve",
    "lag_seconds",
    "landmark_scores",
]

Array: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]

#: Phones for which the lips close, as ARPAbet writes them.
BILABIALS = frozenset({"P", "B", "M"})
#: Gains of the curve of error against energy.
GAINS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
# A sound and its closure may lie this far apart.
_SLACK = Fraction(1, 25)
# Both faces are put on this many cells a second to look for a lag: no lag is then nearer to a cell than another.
_LAG_RATE = 100
# Of the true energy: what moves less does not move, but for the noise of the rigid points that it was aligned on.
_DEAD = 0.01
# Of the way from the most closed to the most open: up to here the lips count as closed.
_CLOSED_SHARE = 0.15


@dataclass(frozen=True)
class LandmarkScores:
    """How a made face stands against a true one, over the frames in which both are valid."""

    frames: int
    """Frames compared."""
    lmd: float
    """Mean distance of all points after Procrustes on the rigid ones, eye distances."""
    mouth_lmd: float
    """The same of the 40 points of the lips."""
    aperture_correlation: float
    """Pearson's correlation of the opening between the lips; 0 where the made one does not move, NaN where the true one
    does not."""
    velocity_error: float
    """Mean distance between the velocities of the lips' points, eye distances per second."""
    motion_energy: float
    """Squared speed of the made lips over that of the true ones; 1 is as lively as the truth, 0 is dead; NaN where the
    truth does not move."""
    lag_seconds: float | None
    """How late the made lips move; negative: early. None where it cannot be told."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """A JSON form; what is not known is null."""
        return {
            name: value if isinstance(value, int) else finite_or_none(value)
            for name, value in vars(self).items()
        }


@dataclass(frozen=True)
class ClosureScores:
    """Whether lips close where they should, and nowhere else."""

    wanted: int
    """Closures that there should be."""
    made: int
    """Of those, how many there are within the slack."""
    runs: int
    """Closed runs of the made lips that were judged."""
    false_runs: int
    """Of those, how many have no closure near them."""

    @property
    def recall(self) -> float:
        """Share of the closures that are there; NaN if none is wanted."""
        return self.made / self.wanted if self.wanted else float("nan")

    @property
    def false_share(self) -> float:
        """Share of the closed runs that should not be; NaN if there is none."""
        return self.false_runs / self.runs if self.runs else float("nan")

    def __add__(self, other: ClosureScores) -> ClosureScores:
        """The closures of two clips together."""
        return ClosureScores(
            self.wanted + other.wanted,
            self.made + other.made,
            self.runs + other.runs,
            self.false_runs + other.false_runs,
        )

    def to_dict(self) -> dict[str, Any]:
        """A JSON form; shares of nothing are null."""
        shares = {"recall": finite_or_none(self.recall), "false_share": finite_or_none(self.false_share)}
        return {**vars(self), **shares}


@dataclass(frozen=True)
class GainPoint:
    """What a made face would score if it moved more or less about its own mean."""

    gain: float
    """By how much its motion was multiplied."""
    mouth_lmd: float
    """Mean distance of the lips' points, eye distances."""
    motion_energy: float
    """Squared speed over that of the truth."""

    def to_dict(self) -> dict[str, float | None]:
        """A JSON form."""
        return {name: finite_or_none(value) for name, value in vars(self).items()}


# ---------------------------------------------------------------- places and motion


def landmark_scores(true: Track, made: Track, indices: Sequence[int] | None = None) -> LandmarkScores:
    """Compare a made face with the true one.

    Parameters
    ----------
    true, made : points [T, P, 2 or 3] on the same cells; rows that are not valid in both are left out
    indices : which points of the mesh the P are; None: by their number, 468 (all), 68 (``landmarks:68``) or 40 (the
        lips). Where rigid points are among them, each made frame is first brought onto the true one by the best
        similarity on those; else both are taken as they are, upright

    Raises
    ------
    OptionError
        If shapes differ, or the lips are not among the points.
    ClockError
        If the cells differ.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> true = Track(random.normal(size=(50, 40, 2)).cumsum(axis=0) / 50, Grid(25))
    >>> scores = landmark_scores(true, true.map(lambda points: points + [0.1, 0]))
    >>> round(scores.mouth_lmd, 3), round(scores.motion_energy, 3), round(scores.aperture_correlation, 3)
    (0.1, 1.0, 1.0)
    """
    pair = _Pair.of(true, made, indices)
    t, m = pair.true[pair.valid], pair.made[pair.valid]
    if not len(t):
        nan = float("nan")
        return LandmarkScores(0, nan, nan, nan, nan, nan, None)
    energy, error = _motion(pair)
    dead = energy < _DEAD
    apart = np.abs(t - m)
    return LandmarkScores(
        frames=len(t),
        lmd=float(apart.mean()),
        mouth_lmd=float(apart[:, pair.lips].mean()),
        aperture_correlation=0.0
        if dead
        else _correlation(_aperture(t[:, pair.lips]), _aperture(m[:, pair.lips])),
        velocity_error=error,
        motion_energy=energy,
        lag_seconds=None if dead else lag_seconds(pair.track(pair.true), pair.track(pair.made)),
    )


def gain_curve(
    true: Track, made: Track, gains: Sequence[float] = GAINS, indices: Sequence[int] | None = None
) -> tuple[GainPoint, ...]:
    """Error of place against energy of motion, where the made lips move by ``gain`` times as much about their mean.

    A model that has regressed to the mean lies low and left: its error grows as soon as its motion is given back.

    >>> still = Track(np.zeros((9, 40, 2)), Grid(25))
    >>> moves = still.map(lambda points: points + np.sin(np.arange(9))[:, None, None])
    >>> [round(point.motion_energy, 2) for point in gain_curve(moves, moves, (0, 0.5, 1))]
    [0.0, 0.25, 1.0]
    """
    pair = _Pair.of(true, made, indices)
    mean = np.asarray(pair.made[pair.valid].mean(axis=0) if pair.valid.any() else 0, np.complex128)
    points = []
    for gain in gains:
        scaled = np.asarray(mean + gain * (pair.made - mean), np.complex128)
        other = _Pair(pair.true, scaled, pair.valid, pair.lips, pair.cells)
        apart = np.abs(other.true - other.made)[pair.valid][:, pair.lips]
        lmd = float(apart.mean()) if apart.size else float("nan")
        points.append(GainPoint(float(gain), lmd, _motion(other)[0]))
    return tuple(points)


def lag_seconds(true: Track, made: Track, reach_seconds: Exact = Fraction(3, 10)) -> float | None:
    """How late the made motion is against the true one, to a fraction of a frame; negative: early.

    Parameters
    ----------
    true, made : float [T, ...] on any cells of one clock; all their numbers are compared, the lively ones the more
    reach_seconds : the largest lag that is looked for

    Returns
    -------
    float or None
        Seconds. None where nothing moves, or the best lag lies at the end of the search.

    Examples
    --------
    >>> times = np.arange(100) / 25
    >>> wave = lambda late: np.sin(9 * (times - late)) + np.sin(14.3 * (times - late))
    >>> round(lag_seconds(Track(wave(0), Grid(25)), Track(wave(0.013), Grid(25))), 3)
    0.013
    """
    fine = [_finely(track) for track in (true, made)]
    if any(not track.valid.any() for track in fine):
        return None
    rows = np.asarray(fine[0].values, np.float64)[fine[0].valid].reshape(int(fine[0].valid.sum()), -1)
    lively = rows.var(axis=0)
    if not lively.any():
        return None
    curve = correlate(fine[0], fine[1], reach_seconds, weights=lively, least_overlap=0)
    peak = find_peak(curve)
    return None if peak is None or peak.at_edge else peak.lag_seconds


def _finely(track: Track) -> Track:
    flat = track.map(lambda values: np.asarray(values, np.float64).reshape(len(values), -1))
    return flat.on(Grid(_LAG_RATE, track.start, track.clock))


# ---------------------------------------------------------------- closures


def closure_scores(
    aperture: Track,
    closures: Spans,
    level: float,
    allowed: Spans | None = None,
    slack_seconds: Exact = _SLACK,
    judged: Spans | None = None,
) -> ClosureScores:
    """Whether the made lips close for each closure, and only there.

    Parameters
    ----------
    aperture : opening between the made lips, [T], on their frames
    closures : where lips close: the spans of /p b m/
    level : openings up to this count as closed; see :func:`closed_level`
    allowed : where they may be closed besides, such as pauses, or where the true lips are closed
    slack_seconds : how far a closure may lie from its span, to either side
    judged : a closed run that shares no time with these is not judged; None: all are

    Returns
    -------
    ClosureScores
        A closure of which no frame is valid is not wanted.

    Examples
    --------
    >>> aperture = Track(np.array([0.2, 0.2, 0.0, 0.2, 0.2, 0.2, 0.2, 0.0, 0.2]), Grid(25))
    >>> scores = closure_scores(aperture, Spans([Span("0.08", "0.12", "M")]), 0.02)
    >>> scores.recall, scores.false_share
    (1.0, 0.5)
    """
    slack = exact(slack_seconds)
    runs = closed_runs(aperture, level)
    wanted = made = 0
    for span in closures:
        low, high = span.start - slack, span.end + slack
        near = aperture.grid.cells(low, high, "touched")
        near = range(max(0, near.start), min(len(aperture), near.stop))
        if not aperture.valid[near.start : near.stop].any():
            continue
        wanted += 1
        made += any(run.start < high and run.end > low for run in runs)
    excuses = [*closures, *(allowed or ())]
    counted = [run for run in runs if judged is None or _touches(run, judged, Fraction(0))]
    false = sum(not _touches(run, excuses, slack) for run in counted)
    return ClosureScores(wanted, made, len(counted), false)


def closed_runs(aperture: Track, level: float) -> Spans:
    """The runs of frames in which the lips are closed, on the frames' own edges.

    >>> closed_runs(Track(np.array([0.0, 0.0, 0.3]), Grid(25)), 0.01)[0].end
    Fraction(2, 25)
    """
    shut = aperture.valid & (np.asarray(aperture.values) <= level)
    turns = np.flatnonzero(np.diff(np.concatenate([[0], shut.astype(np.int8), [0]]))).tolist()
    cells = aperture.grid
    items = [
        Span(cells.edge(a), cells.edge(b), "closed") for a, b in zip(turns[::2], turns[1::2], strict=True)
    ]
    return Spans(items, aperture.clock, "closed lips")


def closed_level(aperture: Track) -> float:
    """The opening up to which this mouth counts as closed: a little above the least that it shows.

    15 % of the way from its 2nd to its 98th percentile; NaN if nothing is valid.

    >>> round(closed_level(Track(np.linspace(0, 1, 101), Grid(25))), 3)
    0.164
    """
    seen = np.asarray(aperture.values, np.float64)[aperture.valid]
    if not len(seen):
        return float("nan")
    low, high = np.percentile(seen, [2, 98])
    return float(low + _CLOSED_SHARE * (high - low))


def aperture_track(points: Track, indices: Sequence[int] | None = None) -> Track:
    """Opening between the lips of points [T, P, 2 or 3], float32 [T], in the same unit; see :func:`landmark_scores`."""
    lips = [_places(points, indices)[k] for k in LIPS]
    return points.map(lambda values: aperture_of(values[:, lips, :2]), name="aperture")


def _touches(run: Span, spans: Spans | Sequence[Span], slack: Fraction) -> bool:
    return any(run.start < span.end + slack and run.end > span.start - slack for span in spans)


# ---------------------------------------------------------------- both faces, brought together


@dataclass(frozen=True, eq=False)
class _Pair:
    """Both faces as x + i y, [T, P], the made one on the true one, in eye distances."""

    true: npt.NDArray[np.complex128]
    made: npt.NDArray[np.complex128]
    valid: Mask
    lips: list[int]
    cells: Track

    @classmethod
    def of(cls, true: Track, made: Track, indices: Sequence[int] | None) -> _Pair:
        if true.values.shape[:2] != made.values.shape[:2] or true.values.ndim != 3:
            raise OptionError(
                f"points of shape {list(true.values.shape)} and {list(made.values.shape)} cannot be compared: "
                "both are [T, P, 2 or 3]"
            )
        if true.clock != made.clock or not np.array_equal(true.edges, made.edges):
            raise ClockError("true and made points lie on different cells; put one on the other's with on()")
        places = _places(true, indices)
        rigid = [places[k] for k in RIGID if k in places]
        valid = true.valid & made.valid
        t, m = (_plane(np.where(valid[:, None, None], track.values, 0)) for track in (true, made))
        if len(rigid) == len(RIGID):
            pose = head_pose(np.asarray(true.values, np.float64)[:, rigid])
            t = (t - pose.origin[:, None]) / pose.turn[:, None]
            m = _onto(m, t, rigid)
        return cls(t, m, valid, [places[k] for k in LIPS], true)

    def track(self, points: npt.NDArray[np.complex128]) -> Track:
        lips = points[:, self.lips]
        return Track(np.stack([lips.real, lips.imag], axis=-1), self.cells.grid, self.valid)


def _places(points: Track, indices: Sequence[int] | None) -> dict[int, int]:
    """Where each point of the mesh lies among the rows."""
    count = points.values.shape[1] if points.values.ndim == 3 else 0
    known: dict[int, Sequence[int]] = {468: range(468), 68: MESH_TO_68, 40: LIPS}
    chosen = known.get(count) if indices is None else indices
    if chosen is None or len(chosen) != count:
        raise OptionError(
            f"{count} points are neither the mesh (468), nor landmarks:68, nor the lips (40): say which they are"
        )
    places = {index: k for k, index in enumerate(chosen)}
    # landmarks:68 has 20 points of the lips, in which every point of LIPS has its nearest neighbour.
    places |= {k: places[_nearest_of_68(k)] for k in LIPS if k not in places and count == 68}
    missing = [k for k in LIPS if k not in places]
    if missing:
        raise OptionError(f"the lips' points {missing[:5]} are not among those given; keep the whole mesh")
    return places


def _nearest_of_68(index: int) -> int:
    """The point of ``landmarks:68`` next to a point of the lips on its ring."""
    ring = LIPS[:20] if index in LIPS[:20] else LIPS[20:]
    at = ring.index(index)
    return min(
        (k for k in ring if k in MESH_TO_68),
        key=lambda k: min(abs(ring.index(k) - at), len(ring) - abs(ring.index(k) - at)),
    )


def _plane(points: npt.NDArray[Any]) -> npt.NDArray[np.complex128]:
    pairs = np.asarray(points, np.float64)
    return np.asarray(pairs[..., 0] + 1j * pairs[..., 1])


def _onto(
    made: npt.NDArray[np.complex128], true: npt.NDArray[np.complex128], rigid: list[int]
) -> npt.NDArray[np.complex128]:
    """Each made frame by the similarity that brings its rigid points nearest to the true ones."""
    a, b = made[:, rigid], true[:, rigid]
    origin, target = a.mean(axis=1, keepdims=True), b.mean(axis=1, keepdims=True)
    size = (np.abs(a - origin) ** 2).sum(axis=1)
    turn = ((b - target) * (a - origin).conj()).sum(axis=1) / np.where(size > 0, size, 1)
    return np.asarray((made - origin) * turn[:, None] + target)


def _motion(pair: _Pair) -> tuple[float, float]:
    """Energy of the made motion over the true one, and the mean error of velocity, of the lips."""
    both = pair.valid[1:] & pair.valid[:-1]
    if not both.any():
        return float("nan"), float("nan")
    seconds = np.diff(pair.cells.centers)[both][:, None]
    t, m = (np.diff(points[:, pair.lips], axis=0)[both] / seconds for points in (pair.true, pair.made))
    # Each step counts as long as it lasts: so the energy of a motion does not depend on the frames.
    true_energy = float((np.abs(t) ** 2 * seconds).sum())
    made_energy = float((np.abs(m) ** 2 * seconds).sum())
    return (made_energy / true_energy if true_energy > 0 else float("nan")), float(np.abs(t - m).mean())


def _aperture(lips: npt.NDArray[np.complex128]) -> Array:
    return np.asarray(aperture_of(np.stack([lips.real, lips.imag], axis=-1)), np.float64)


def _correlation(true: Array, made: Array) -> float:
    a, b = true - true.mean(), made - made.mean()
    if not (a**2).sum() > 1e-12:
        return float("nan")
    return float((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum())) if (b**2).sum() > 1e-12 else 0.0
