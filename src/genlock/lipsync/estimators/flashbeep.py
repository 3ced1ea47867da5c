"""Flashes against beeps: the offset of a test signal, exactly.

A sound is known to a fraction of a millisecond, a flash only by the cell of the frame that shows it. Two kinds
of signal lead further. Where the flashes lie on the edges of frames, as those of test signals do, the difference
between the beginning of a flash's cell and its beep is the same for every pair: it *is* the offset. Where the
flashes happen anywhere within their frames, each pair says that the offset lies within one cell, and the
intersection of all is what is known. (Flashes that lie at the same place within every frame, not on its edge,
cannot be told from the first kind: what the screen shows is identical.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, hypot

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import LagCurve
from genlock.core.grid import Cells
from genlock.core.spans import Spans
from genlock.core.time import Exact, exact
from genlock.lipsync.estimators.base import Cue, Trust, Window
from genlock.lipsync.estimators.flash_runs import runs_of
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.beeps import BeepFinder
from genlock.lipsync.evidence.flashes import FlashFinder

__all__ = ["BeepFinder", "FlashBeep", "FlashFinder", "Pairs", "pair_events", "slope_error"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_STEP_SECONDS = 0.01
_TOLERANCE = 0.001  # seconds by which a time stamp or an onset may be off
# Where a sharp beep begins is known so well: of 45 clips in six containers, where stamps say frames exactly, offsets
# were off by up to 27 microseconds, and drifts of ten films of a minute by what 50 a beep would explain.
_ONSET = 0.00005
# Stamps of whole milliseconds show in the scatter of the pairs. They move the start of the sound as well, for all pairs
# alike: of those clips the offset was off by up to 2.6 times the scatter, 90 % by up to 2.5.
_ROUNDED = 2.5
_SAME = 0.0015  # seconds within which differences count as equal: time stamps of 1 ms are rounded
_DRIFT = 0.001  # the most that sound and picture may run apart
_LEAST_PAIRS = 2
_LEAST_FOR_DRIFT = 4
_LEAST_SHARE = 0.5  # of the flashes that can have a beep at the offset, or of such beeps
_FAR_REACH = 10.0  # seconds to which many pairs are looked for where near ones do not agree
_LEAST_FAR = 4
_ALL_BUT = 0.85  # share of the flashes at one offset above which no jump is looked for
_APART = 0.1  # seconds between offsets that are not one and the same
_AS_GOOD = 0.9  # share of the possible pairs, of that at the best offset, from which another fits as well
_CHANCE = 1e-3  # a match as good as that by accident must be rarer than this


@dataclass(frozen=True)
class Pairs:
    """Flashes and beeps that belong together, and what they say about the offset."""

    offset_seconds: float
    """Positive: the beep is early; at the instant ``at_seconds``."""
    interval_seconds: tuple[float, float]
    """90 % interval, from the scatter of the pairs, or from the offsets that all of them allow."""
    at_seconds: float
    """Middle of the pairs, on the media clock."""
    drift_ppm: float | None
    """How much slower the sound runs than the picture; None where it cannot be told."""
    drift_error_ppm: float | None
    """How far that may be off, to either side (90 %); None without a drift."""
    count: int
    """How many pairs."""
    on_edges: bool
    """Whether the flashes lie on the edges of frames (then the offset is exact)."""
    others: tuple[float, ...] = ()
    """Other offsets within the reach at which as many pair up: the signal repeats, and nothing tells them apart."""


class FlashBeep:
    """Estimator of the offset for test signals: flashes of the picture against beeps of the sound.

    Parameters
    ----------
    reach_seconds : the largest offset that is looked for; events are exact, so it is never less than two seconds
    """

    name = "flash-beep"
    mouth_side = None
    by_faces = False
    trust = Trust()

    def __init__(self, reach_seconds: Exact = 2) -> None:
        self.reach_seconds = max(2.0, float(exact(reach_seconds)))
        """Largest offset that is looked for, in seconds."""

    def windows(self, evidence: Evidence, window_seconds: Exact = 5) -> tuple[Window, ...]:
        """The whole piece, if at least two of its flashes have their beeps; its parts, where the offset jumps."""
        near = self._near(evidence)
        cue = self._cue(evidence, near)
        whole = () if cue.curve is None else (Window(evidence.start, evidence.end, (cue,)),)
        events = min(len(evidence.flashes), len(evidence.beeps))
        if whole and (near is None or near.count / events >= _ALL_BUT):
            return whole
        return self._parts(evidence) or whole

    def _near(self, evidence: Evidence) -> Pairs | None:
        """The pairs within the reach."""
        flashes, beeps = evidence.flashes, evidence.beeps
        if evidence.frames is None or not len(flashes) or not len(beeps):
            return None
        return pair_events(flashes, beeps, evidence.frames, self.reach_seconds)

    def _parts(self, evidence: Evidence) -> tuple[Window, ...]:
        """The runs of flashes that agree on one offset each, if there are several."""
        flashes, beeps, frames = evidence.flashes, evidence.beeps, evidence.frames
        if frames is None or not len(flashes) or not len(beeps):
            return ()
        early, late = _differences(flashes, beeps, frames)
        runs = runs_of(flashes, beeps, early, late, self.reach_seconds)
        windows = []
        for number, run in enumerate(runs):
            start = evidence.start if number == 0 else run.start
            end = evidence.end if number == len(runs) - 1 else run.end
            heard = beeps.between(run.start, run.end) if 0 < number < len(runs) - 1 else beeps
            (cue,) = self.cues(replace(evidence, flashes=flashes[run.flashes], beeps=heard))
            if cue.curve is not None:
                windows.append(Window(start, end, (cue,)))
        return tuple(windows) if len(windows) > 1 else ()

    def cues(self, evidence: Evidence) -> tuple[Cue]:
        """One cue: a curve and the exact offset if at least two flashes have their beeps, else a reason."""
        return (self._cue(evidence, self._near(evidence)),)

    def _cue(self, evidence: Evidence, near: Pairs | None) -> Cue:
        flashes, beeps = evidence.flashes, evidence.beeps
        if evidence.frames is None or not len(flashes) or not len(beeps):
            lacking = [name for name, found in (("flashes", flashes), ("beeps", beeps)) if not len(found)]
            return Cue(self.name, None, reason=f"there are no {' and no '.join(lacking or ['frames'])}")
        pairs = near or _far_pairs(flashes, beeps, evidence.frames)
        if pairs is None:
            reason = f"{len(flashes)} flashes and {len(beeps)} beeps do not pair up at one offset"
            return Cue(self.name, None, reason=reason)
        reach = max(self.reach_seconds, abs(pairs.offset_seconds) + 1.0)
        curve = _curve(flashes, beeps, evidence.frames, reach, float(evidence.end - evidence.start))
        return Cue(
            self.name,
            curve,
            offset_seconds=pairs.offset_seconds,
            interval_seconds=pairs.interval_seconds,
            at_seconds=pairs.at_seconds,
            drift_ppm=pairs.drift_ppm,
            drift_error_ppm=pairs.drift_error_ppm,
            others=pairs.others,
        )


def _far_pairs(flashes: Spans, beeps: Spans, frames: Cells) -> Pairs | None:
    """A film muxed or dubbed seconds out of step; a few events agree at some far offset by accident."""
    pairs = pair_events(flashes, beeps, frames, _FAR_REACH)
    return pairs if pairs is not None and pairs.count >= _LEAST_FAR else None


def pair_events(flashes: Spans, beeps: Spans, frames: Cells, reach_seconds: float = 2.0) -> Pairs | None:
    """The offset at which the most flashes have a beep, and what these pairs say about it.

    Parameters
    ----------
    flashes : spans of the cells of frames that are lit
    beeps : spans from their onset on
    frames : the cells of the picture
    reach_seconds : largest offset that is looked for

    Returns
    -------
    Pairs or None
        None if fewer than two pairs agree, or no more than chance would bring together. Signals that repeat
        exactly have several such offsets: the smallest is taken, the others are named.

    Examples
    --------
    >>> from fractions import Fraction
    >>> from genlock.core.grid import Grid
    >>> from genlock.core.spans import Span
    >>> flashes = Spans([Span(k, k + Fraction(1, 25)) for k in (1, 2, 4)])
    >>> beeps = Spans([Span(k - Fraction(3, 100), k) for k in (1, 2, 4)])
    >>> pair_events(flashes, beeps, Grid(25)).offset_seconds
    0.03
    """
    early, late = _differences(flashes, beeps, frames)
    near = (late >= -reach_seconds) & (early <= reach_seconds)
    if not near.any():
        return None
    slack = _TOLERANCE + _DRIFT * float(flashes[-1].start - flashes[0].start) / 2
    tally = _Tally.of(early, late, near, slack)
    at = tally.best
    members = near & (early - slack <= at) & (at <= late + slack)
    # One beep to a flash and one flash to a beep: the pair whose difference is nearest.
    chosen = _one_to_one(members, np.abs((early + late) / 2 - at))
    if not _believable(chosen, flashes, beeps, at, float(np.median(late - early)) + 2 * slack):
        return None
    times = np.array([float(flashes[flash].start) for flash, _ in chosen])
    found = _offset_of(
        times, np.array([early[pair] for pair in chosen]), np.array([late[pair] for pair in chosen])
    )
    return replace(found, others=tally.others(flashes, beeps))


def _differences(flashes: Spans, beeps: Spans, frames: Cells) -> tuple[Array, Array]:
    """Beginning and end of each flash's first cell less the onset of each beep, float64 [flashes, beeps]."""
    firsts = [frames.index(flash.start, "floor") for flash in flashes]
    begins = np.array([[float(flash.start - beep.start) for beep in beeps] for flash in flashes])
    widths = np.array([float(frames.edge(k + 1) - frames.edge(k)) for k in firsts])
    return begins, begins + widths[:, None]


@dataclass(frozen=True, eq=False)
class _Tally:
    """How many flashes have a beep at each candidate for the offset."""

    offsets: Array
    """The candidates, rising, [K]: a best offset lies on some cell's beginning."""
    counts: Array
    """Flashes in whose cell a beep falls there, [K]."""
    same: Array
    """Those of them that lie on the edge of their cell, [K]."""

    @classmethod
    def of(cls, early: Array, late: Array, near: Mask, slack: float) -> _Tally:
        candidates = np.unique(early[near])
        counts, same = np.zeros(len(candidates)), np.zeros(len(candidates))
        for number, offset in enumerate(candidates):
            counts[number] = (near & (early - slack <= offset) & (offset <= late + slack)).any(axis=1).sum()
            same[number] = (near & (np.abs(early - offset) <= _SAME)).any(axis=1).sum()
        return cls(candidates, counts, same)

    @property
    def best(self) -> float:
        """The offset that lies in the cells of the most flashes; of equals, one on edges, then the smallest."""
        return float(self.offsets[np.lexsort((np.abs(self.offsets), -self.same, -self.counts))[0]])

    def others(self, flashes: Spans, beeps: Spans) -> tuple[float, ...]:
        """Offsets apart from the best at which as large a share of what could pair up does, the smallest first."""
        seen = np.array([float(flash.start) for flash in flashes])
        heard = np.array([float(beep.start) for beep in beeps])
        at = seen[None] - self.offsets[:, None]
        could = ((at >= heard.min() - _APART) & (at <= heard.max() + _APART)).sum(axis=1)
        best = int(np.abs(self.offsets - self.best).argmin())
        # Where the flashes lie on edges, so do those of the signal's repetition: hardly ever by accident.
        on_edges = self.same[best] >= 0.7 * self.counts[best]
        counts, least = (self.same, 3.0) if on_edges else (self.counts, 5.0)
        share = counts / np.maximum(could, 1)
        fits = (share >= _AS_GOOD * share[best]) & (counts >= max(least, counts[best] / 2))
        taken = [float(self.offsets[best])]
        for number in np.lexsort((np.abs(self.offsets), -self.same, -self.counts)):
            offset = float(self.offsets[number])
            if fits[number] and all(abs(offset - other) > _APART for other in taken):
                taken.append(offset)
        return tuple(sorted(taken[1:], key=abs))


def _one_to_one(members: Mask, distance: Array) -> list[tuple[int, int]]:
    pairs = sorted(zip(*np.nonzero(members), strict=True), key=lambda pair: float(distance[pair]))
    flashes: set[int] = set()
    beeps: set[int] = set()
    chosen: list[tuple[int, int]] = []
    for flash, beep in pairs:
        if flash not in flashes and beep not in beeps:
            chosen.append((int(flash), int(beep)))
            flashes.add(flash)
            beeps.add(beep)
    return sorted(chosen)


def _believable(
    chosen: Sequence[tuple[int, int]], flashes: Spans, beeps: Spans, at: float, width_seconds: float
) -> bool:
    """Whether so many pairs are a good part of what is there, and more than chance would bring together."""
    if len(chosen) < _LEAST_PAIRS:
        return False
    # Only events whose partner could be there count: at a large offset the first or last has none.
    seen = [float(flash.start) - at for flash in flashes]
    heard = [float(beep.start) for beep in beeps]
    low, high = max(min(seen), min(heard)) - 0.1, min(max(seen), max(heard)) + 0.1
    could_flash = sum(low <= instant <= high for instant in seen)
    could_beep = sum(low <= instant <= high for instant in heard)
    if len(chosen) < _LEAST_SHARE * min(could_flash, could_beep):
        return False
    # Beeps at random would fall into a flash's cell so often; the best of all offsets was picked.
    length = max(heard) - min(heard) + 1.0
    expected = could_flash * min(1.0, len(heard) / length * width_seconds)
    offsets = min(len(flashes) * len(heard), 4.0 / width_seconds)
    # The third pair and those after it are evidence; the first two may always agree somewhere.
    return (
        len(chosen) == min(len(flashes), len(heard))
        or offsets * _poisson_tail(expected, len(chosen)) < _CHANCE
    )


def _poisson_tail(mean: float, least: int) -> float:
    """Probability of at least so many events."""
    term, below = exp(-mean), 0.0
    for k in range(least):
        below += term
        term *= mean / (k + 1)
    return max(0.0, 1.0 - below)


def _offset_of(times: Array, edges: Array, ends: Array) -> Pairs:
    at = float(times[0] + times[-1]) / 2
    drift = _slope(times, edges) if len(times) >= _LEAST_FOR_DRIFT else 0.0
    level = edges - drift * (times - at)
    same = np.abs(level - np.median(level)) <= _SAME
    on_edges = bool(same.sum() >= (len(edges) if len(edges) < 4 else 0.7 * len(edges)))
    scatter = float(level[same].std(ddof=1)) if on_edges and same.sum() > 1 else 0.0
    if on_edges:
        offset = _middle(level[same])
        half = hypot(_ONSET, _ROUNDED * scatter * _student(int(same.sum()) - 1) / _student(100))
    else:
        low, high = sorted(
            (float((edges - drift * (times - at)).max()), float((ends - drift * (times - at)).min()))
        )
        offset = (low + high) / 2
        half = 0.45 * (high - low) + _TOLERANCE  # nothing within is likelier, so nine tenths of it hold 90 %
    known = on_edges and len(times) >= _LEAST_FOR_DRIFT
    return Pairs(
        offset_seconds=round(offset, 9),
        interval_seconds=(offset - half, offset + half),
        at_seconds=at,
        # W(t) = t + offset + drift (t - t0), with t on the sound: the picture's times differ by a ppm of a ppm.
        drift_ppm=1e6 * drift if known else None,
        drift_error_ppm=1e6 * slope_error(times[same], hypot(_ONSET, scatter)) if known else None,
        count=len(edges),
        on_edges=on_edges,
    )


def slope_error(at: Array, scatter: float) -> float:
    """How far the slope of values at some instants may be off, to either side (90 %), if they scatter so.

    >>> round(slope_error(np.arange(-30.0, 31.0, 10.0), 0.001) * 1e6)
    38
    """
    return float(_student(len(at) - 2) * scatter / np.sqrt(((at - at.mean()) ** 2).sum()))


def _student(free: int) -> float:
    """Student's t at 95 %, to some hundredths from two degrees of freedom on (Cornish and Fisher's expansion)."""
    n = max(1, free)
    return 1.645 + 1.524 / n + 1.42 / n**2 + 1.7 / n**3


def _slope(times: Array, values: Array) -> float:
    """Median of the slopes between all pairs that lie far enough apart (Theil and Sen)."""
    apart = times[None] - times[:, None]
    far = apart > 0.3 * (times[-1] - times[0])
    return float(np.median((values[None] - values[:, None])[far] / apart[far]))


def _middle(values: Array) -> float:
    """Mean of the closest three quarters: time stamps are rounded evenly, but an onset may be off."""
    ordered = np.sort(values)
    keep = -(-3 * len(ordered) // 4)
    widths = ordered[keep - 1 :] - ordered[: len(ordered) - keep + 1]
    first = int(widths.argmin())
    return float(ordered[first : first + keep].mean())


def _curve(flashes: Spans, beeps: Spans, frames: Cells, reach: float, seconds: float) -> LagCurve:
    """Share of the flashes whose cell, moved by the lag, holds a beep; smooth by the cell's own width."""
    count = round(reach / _STEP_SECONDS)
    lags: Array = np.arange(-count, count + 1, dtype=np.float64) * _STEP_SECONDS
    early, late = _differences(flashes, beeps, frames)
    away = np.maximum(0.0, np.maximum(early[None] - lags[:, None, None], lags[:, None, None] - late[None]))
    values = np.exp(-0.5 * (away / _STEP_SECONDS) ** 2).max(axis=2).mean(axis=1)
    return LagCurve(lags, np.asarray(values, np.float64), np.maximum(0.0, seconds - np.abs(lags)))
