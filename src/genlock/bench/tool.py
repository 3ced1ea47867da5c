"""Protocol P6: the whole tool, on real offsets at any fraction of a frame, and on clips where no offset is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import combine, correlate, find_peak, weighted
from genlock.bench.figures import Figure, Row, bootstrapped, share
from genlock.core.errors import OptionError
from genlock.core.one_line import one_line
from genlock.core.spans import Spans
from genlock.core.time import exact
from genlock.core.track import Track
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import cut, main_face, with_offset, with_sound_of
from genlock.lipsync.fusion import Fusion
from genlock.lipsync.measurement import SyncMeasurement

__all__ = [
    "Answer",
    "BenchClip",
    "System",
    "Trial",
    "abstention_row",
    "always_zero",
    "antisymmetry_row",
    "coverage_rows",
    "draw_shifts",
    "foreign_trials",
    "measure",
    "p6_row",
    "shortened",
    "silent_trials",
    "trials_of",
    "untrained",
]

#: A probability from which an answer counts as confident.
CONFIDENT = 0.9
#: Within this a viewer does not notice: what ``probability`` speaks of.
NEAR_SECONDS = 0.04
WIDE_SECONDS = 0.08


@dataclass(frozen=True, eq=False)
class BenchClip:
    """One clip of a data set, in step as far as anybody knows."""

    name: str
    """Its file name."""
    pieces: tuple[Evidence, ...]
    """What was seen and heard, with the sound where it belongs."""

    __repr__ = one_line

    @property
    def seconds(self) -> float:
        """Its length."""
        return float(self.pieces[-1].end - self.pieces[0].start)


@dataclass(frozen=True)
class Answer:
    """What a system said about one trial."""

    offset_seconds: float | None
    """Positive: the sound is early. None: it abstained."""
    interval_seconds: tuple[float, float] | None = None
    """90 % interval, if it states one."""
    probability: float | None = None
    """That the error is at most 40 ms, if it states one."""
    reason: str = ""
    """Why it abstained."""
    drift_ppm: float | None = None
    """What it said about drift."""


@dataclass(frozen=True)
class Trial:
    """One clip with one planted offset, and what was said."""

    clip: str
    """Name of the clip."""
    truth_seconds: float | None
    """What was planted; None where no offset is right."""
    answer: Answer
    """What was said."""

    __repr__ = one_line

    @property
    def error_seconds(self) -> float | None:
        """Answer less truth; None without an answer or a truth."""
        if self.answer.offset_seconds is None or self.truth_seconds is None:
            return None
        return self.answer.offset_seconds - self.truth_seconds

    def to_dict(self) -> dict[str, object]:
        """A JSON form."""
        return {
            "clip": self.clip,
            "truth_seconds": self.truth_seconds,
            "offset_seconds": self.answer.offset_seconds,
            "interval_seconds": self.answer.interval_seconds,
            "probability": self.answer.probability,
            "reason": self.answer.reason,
        }


#: Answers what the offset of a clip is.
System = Callable[[Sequence[Evidence]], Answer]


# ---------------------------------------------------------------- systems


def measure(pieces: Sequence[Evidence]) -> Answer:
    """The tool: every estimator and their fusion."""
    fusion = Fusion()
    for piece in pieces:
        fusion.add(piece)
    return _answer(fusion.finish())


def _answer(found: SyncMeasurement) -> Answer:
    estimate = found.estimate
    return Answer(
        estimate.offset_seconds,
        estimate.interval_seconds,
        estimate.probability,
        estimate.reason,
        found.drift_ppm,
    )


def always_zero(pieces: Sequence[Evidence]) -> Answer:
    """The baseline that most published tests crown."""
    return Answer(0.0)


def untrained(pieces: Sequence[Evidence]) -> Answer:
    """Opening and motion of the mouth against the loudness, over 1.2 s: correlation, nothing learnt."""
    piece = max(pieces, key=lambda p: p.end - p.start)
    face = main_face(piece)
    if face is None or piece.loudness is None:
        return Answer(None, reason="no face or no sound")
    loudness = _column(piece.loudness)
    curves = [correlate(loudness, _column(track), "1.2") for track in (face.aperture, face.motion)]
    if any(curve.empty for curve in curves):
        return Answer(None, reason="nothing moves")
    peak = find_peak(weighted(combine(curves)))
    return Answer(None, reason="nothing moves") if peak is None else Answer(peak.lag_seconds)


def _column(track: Track) -> Track:
    return replace(track, values=np.asarray(track.values, np.float64).reshape(len(track), 1))


# ---------------------------------------------------------------- trials


def draw_shifts(count: int, reach_seconds: float, seed: int) -> list[Fraction]:
    """Offsets in pairs of opposite sign, at any fraction of a frame but on no multiple of 40 ms, in whole microseconds.

    >>> shifts = draw_shifts(4, 0.6, seed=1)
    >>> shifts[0] == -shifts[1], all(abs(s) < 0.6 and s * 25 % 1 for s in shifts)
    (True, True)
    """
    if not 0 < reach_seconds <= 10:
        raise OptionError(f"a reach of {reach_seconds} s lies outside 0...10")
    draw = np.random.default_rng([seed, 6])
    found: list[Fraction] = []
    while len(found) < count:
        shift = Fraction(int(draw.integers(1, max(2, round(reach_seconds * 10**6)))), 10**6)
        if (shift * 25).denominator > 1:
            sign = 1 if draw.random() < 0.5 else -1
            found += [sign * shift, -sign * shift]
    return found[:count]


def shortened(clip: BenchClip, seconds: float, seed: int) -> tuple[Evidence, ...] | None:
    """A part of so many seconds from anywhere in a clip's first piece; None if it is not that long."""
    piece, length = clip.pieces[0], exact(seconds)
    room = piece.end - piece.start - length
    if room < 0:
        return None
    place = Fraction(int(np.random.default_rng([seed, 7]).integers(0, 1001)), 1000) * room
    return (cut(piece, piece.start + place, piece.start + place + length),)


def trials_of(
    system: System, clips: Sequence[BenchClip], shifts: Sequence[Fraction], seconds: float | None, seed: int
) -> list[Trial]:
    """One trial a clip (the shift of its number): moved, and cut to ``seconds`` *after* it was moved."""
    found = []
    for number, (clip, shift) in enumerate(zip(clips, shifts, strict=True)):
        pieces: tuple[Evidence, ...] | None = tuple(with_offset(piece, shift) for piece in clip.pieces)
        if seconds is not None:
            pieces = shortened(BenchClip(clip.name, pieces or ()), seconds, seed + number)
        if pieces:
            found.append(Trial(clip.name, float(shift), system(pieces)))
    return found


def foreign_trials(system: System, clips: Sequence[BenchClip], seed: int) -> list[Trial]:
    """Each clip with the sound of another: whatever offset is given is wrong."""
    if len(clips) < 2:
        return []
    order = np.random.default_rng([seed, 8]).permutation(len(clips))
    found = []
    for here, there in zip(order.tolist(), np.roll(order, 1).tolist(), strict=True):
        other = clips[there].pieces[0]
        pieces = [with_sound_of(clips[here].pieces[0], other)]
        found.append(Trial(clips[here].name, None, system(pieces)))
    return found


def silent_trials(system: System, clips: Sequence[BenchClip]) -> list[Trial]:
    """Each clip without a sound: its level at the floor."""

    def still(track: Track | None, value: float) -> Track | None:
        return None if track is None else replace(track, values=np.full_like(track.values, value))

    found = []
    for clip in clips:
        pieces = [
            replace(
                piece,
                mel=still(piece.mel, -20.0),
                loudness=still(piece.loudness, -120.0),
                beeps=Spans([], piece.clock, "beeps"),
            )
            for piece in clip.pieces
        ]
        found.append(Trial(clip.name, None, system(pieces)))
    return found


# ---------------------------------------------------------------- rows


def p6_row(protocol: str, system: str, trials: Sequence[Trial], seed: int = 0) -> Row:
    """What a system reached on trials with a truth; errors are of the answered ones, shares of all."""
    errors = [trial.error_seconds for trial in trials]
    answered = np.array([e is not None for e in errors], bool)
    size = np.array([abs(e) for e in errors if e is not None], np.float64)
    near = np.array([e is not None and abs(e) <= NEAR_SECONDS for e in errors], bool)
    wide = np.array([e is not None and abs(e) <= WIDE_SECONDS for e in errors], bool)
    sure_wrong = [
        t.answer.probability is not None and t.answer.probability >= CONFIDENT and not n
        for t, n in zip(trials, near, strict=True)
    ]
    figures = {
        "answered": share(answered),
        "within 40 ms": share(near),
        "within 80 ms": share(wide),
        "median error ms": bootstrapped(1000 * size, np.median, seed),
        "95 % error ms": bootstrapped(1000 * size, lambda v: np.percentile(v, 95), seed),
        "confident and wrong": share(sure_wrong),
    }
    return Row(protocol, system, len(trials), {**figures, **_line(trials), **_intervals(trials)})


def _line(trials: Sequence[Trial]) -> dict[str, Figure]:
    """Slope and intercept of answers over truths (by medians: wrong peaks are counted elsewhere), and antisymmetry."""
    pairs = [
        (t.truth_seconds, t.answer.offset_seconds)
        for t in trials
        if t.truth_seconds is not None and t.answer.offset_seconds is not None
    ]
    known = np.array(pairs, np.float64).reshape(-1, 2)
    gaps = known[None, :, 0] - known[:, None, 0]
    far = gaps > 0.1
    nothing = Figure(float("nan"))
    if not far.any():
        return {"slope": nothing, "intercept ms": nothing}
    slope = float(np.median((known[None, :, 1] - known[:, None, 1])[far] / gaps[far]))
    return {
        "slope": Figure(slope),
        "intercept ms": Figure(1000 * float(np.median(known[:, 1] - slope * known[:, 0]))),
    }


def _intervals(trials: Sequence[Trial]) -> dict[str, Figure]:
    stated = [
        (t, t.answer.interval_seconds)
        for t in trials
        if t.answer.interval_seconds and t.truth_seconds is not None
    ]
    covered = [low <= float(t.truth_seconds or 0) <= high for t, (low, high) in stated]
    halves = [500 * (high - low) for _, (low, high) in stated]
    return {
        "90 % interval covers": share(covered),
        "half-width ms": Figure(float(np.median(halves)) if halves else float("nan")),
    }


def antisymmetry_row(
    protocol: str, system: str, one: Sequence[Trial], opposite: Sequence[Trial], seed: int = 0
) -> Row:
    """Answers to a shift and to its opposite on the same clip: their sum is twice the clip's own offset and no more."""
    sums = [
        a.answer.offset_seconds + b.answer.offset_seconds
        for a, b in zip(one, opposite, strict=True)
        if a.answer.offset_seconds is not None and b.answer.offset_seconds is not None
    ]
    values: npt.NDArray[np.float64] = np.array(sums, np.float64) * 500
    middle = bootstrapped(values, np.median, seed)
    scatter = bootstrapped(np.abs(values - middle.value), np.median, seed)
    return Row(protocol, system, len(values), {"own offset ms": middle, "scatter ms": scatter})


def abstention_row(protocol: str, system: str, trials: Sequence[Trial]) -> Row:
    """What a system did where no offset is right."""
    answered = [t.answer.offset_seconds is not None for t in trials]
    sure = [t.answer.probability is not None and t.answer.probability >= CONFIDENT for t in trials]
    return Row(
        protocol, system, len(trials), {"answered": share(answered), "confident and wrong": share(sure)}
    )


def coverage_rows(protocol: str, system: str, trials: Sequence[Trial]) -> list[Row]:
    """Risk against coverage: of the trials that it is surest of, the share within 40 ms."""
    order = sorted(trials, key=lambda t: -(t.answer.probability or 0.0))
    rows = []
    for percent in (100, 90, 80, 60, 40, 20):
        kept = order[: len(order) * percent // 100]
        near = [t.error_seconds is not None and abs(t.error_seconds) <= NEAR_SECONDS for t in kept]
        rows.append(Row(f"{protocol}, surest {percent} %", system, len(kept), {"within 40 ms": share(near)}))
    return rows
