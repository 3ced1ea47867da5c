"""The offset of a whole file, from what the estimators see in its pieces.

Flashes with their beeps decide where there are any: they are exact. Else lips decide, then motion. Pieces are kept as
curves of a few seconds each (one kilobyte), so a file may last for hours; the mouth that speaks, the drift and the
splices are found in the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import LagCurve, pool
from genlock.aligners.drift import Drift, find_drift, find_steps, straightened
from genlock.core.errors import OptionError
from genlock.core.time import Exact, exact
from genlock.lipsync.confidence import Confidence, Judgement, bell, judge, log_posterior
from genlock.lipsync.estimators.base import Cue, Estimate
from genlock.lipsync.estimators.flashbeep import FlashBeep, Pairs, pair_events
from genlock.lipsync.estimators.linear import LinearSync
from genlock.lipsync.estimators.lips import LipsSync
from genlock.lipsync.estimators.motion import MotionOptions, MotionSync
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.measurement import FaceOffset, Segment, SyncMeasurement

__all__ = ["Fusion", "FusionOptions"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FusionOptions:
    """How pieces become one answer."""

    reach_seconds: Exact = Fraction(6, 5)
    """The largest offset that is looked for by lips and motion, to either side; 0.1...1.9 seconds."""
    least_probability: float = 0.12
    """Below this probability of being right within 40 ms no offset is given, 0...1; in proportion less where under
    four seconds were compared, which can hardly prove that sound and lips do *not* belong together."""
    window_seconds: Exact = Fraction(5)
    """Length of the stretches that are compared one by one; 2...20 seconds."""
    splice_penalty: float = 10.0
    """By how much two offsets must explain the film better than one, in units of log likelihood; above 0."""
    drift_penalty: float = 3.0
    """The same for a steady drift; above 0."""

    def __post_init__(self) -> None:
        if not Fraction(1, 10) <= exact(self.reach_seconds) <= Fraction(19, 10):
            raise OptionError(f"reach_seconds={self.reach_seconds} lies outside 0.1...1.9")
        if not 2 <= exact(self.window_seconds) <= 20 or not 0 <= self.least_probability <= 1:
            raise OptionError(f"{self}: windows last 2...20 s, a probability lies in 0...1")
        if not (self.splice_penalty > 0 and self.drift_penalty > 0):
            raise OptionError(f"{self}: penalties are above 0")


# Motion, from GRID clips of 3 s with their faces hidden: .6 of its offsets are right within 40 ms. Whether sound and
# picture belong together it cannot tell on these, so it is believed half, and never counts as confident.
_MOTION = Confidence(
    sharpness=12.0,
    blur_seconds=0.025,
    tail=0.1,
    tail_seconds=0.1,
    bias=-0.8,
    by_height=0.6,
    by_lead=1.0,
    by_score=0.1,
    by_seconds=0.0,
)
_MOTION_LEAST = 0.3
_MOTION_MOST = 0.85
# A segment between splices is believed from this probability on.
_SEGMENT_PROBABILITY = 0.7
# Offsets of neighbouring segments that differ by less are one offset.
_SAME_SECONDS = 0.045
# Stretches whose curves are judged together for the offset over time.
_PIECE_WINDOWS = 3
# By how much the offset of a few seconds scatters about that of the film, mostly and sometimes, and how often a
# stretch is simply wrong.
_STRETCH_BLUR = 0.02
_STRETCH_TAIL = 0.06
_STRETCH_WRONG = 0.05


@dataclass(frozen=True, eq=False)
class _Window:
    """A few seconds of the film: the curve of each face in it."""

    start: Fraction
    end: Fraction
    curves: Mapping[int | None, LagCurve]


@dataclass
class _Seen:
    """How long a face was in the picture."""

    seconds: float = 0.0
    first: Fraction = Fraction(0)


@dataclass
class Fusion:
    """Gathers what the estimators see, piece by piece, and says in the end what the file's offset is.

    Examples
    --------
    >>> from genlock.lipsync.evidence.collect import gather
    >>> from genlock.testing import example_video
    >>> fusion = Fusion()
    >>> for piece in gather(example_video(), faces=None):
    ...     fusion.add(piece)
    >>> fusion.finish().estimate.reason.split(";")[0]
    'no face is seen'
    """

    options: FusionOptions = field(default_factory=FusionOptions)
    """How pieces become one answer."""
    lips: LinearSync | None = None
    """The estimator from lips; with the models of our own, the linear one and the towers, if not given."""

    def __post_init__(self) -> None:
        if self.lips is None:
            self.lips = LipsSync(reach_seconds=self.options.reach_seconds)
        self._confidence = Confidence.of(self.lips.calibration)
        self._flash_beep = FlashBeep()
        self._motion = MotionSync(replace(MotionOptions(), reach_seconds=self.options.reach_seconds))
        self._pairs: list[tuple[Fraction, Fraction, Pairs, LagCurve | None]] = []
        self._windows: list[_Window] = []
        self._moves: list[LagCurve] = []
        self._faces: dict[int, _Seen] = {}
        self._picture_seconds = 0.0
        self._reasons: dict[str, None] = {}
        self._span: tuple[Fraction, Fraction] | None = None

    # ------------------------------------------------------------ gathering

    def add(self, evidence: Evidence) -> None:
        """Take the next piece. What is kept of it is a kilobyte for every few seconds."""
        start = evidence.start if self._span is None else self._span[0]
        self._span = start, evidence.end
        self._note_faces(evidence)
        self._add_events(evidence)
        if not self._pairs:
            self._add_lips(evidence)
            self._add_motion(evidence)

    def _note_faces(self, evidence: Evidence) -> None:
        if evidence.frames is not None:
            low, high = evidence.frames.edge(0), evidence.frames.edge(evidence.frames.length or 0)
            self._picture_seconds += max(0.0, float(min(high, evidence.end) - max(low, evidence.start)))
        for face in evidence.faces:
            lips = face.lips.between(evidence.start, evidence.end)
            if len(lips):
                seen = self._faces.setdefault(face.face, _Seen(first=lips.start))
                seen.seconds += float(np.diff(lips.edges)[lips.valid].sum())

    def _add_events(self, evidence: Evidence) -> None:
        if evidence.frames is None or len(evidence.flashes) < 2 or len(evidence.beeps) < 2:
            return
        pairs = pair_events(evidence.flashes, evidence.beeps, evidence.frames, self._flash_beep.reach_seconds)
        if pairs is not None:
            cue = self._flash_beep.cues(evidence)[0]
            self._pairs.append((evidence.start, evidence.end, pairs, cue.curve))

    def _add_lips(self, evidence: Evidence) -> None:
        assert self.lips is not None
        for start, end, cues in self.lips.windows(evidence, self.options.window_seconds):
            curves = {cue.face: _narrow(cue.curve) for cue in cues if cue.curve is not None}
            if curves:
                self._windows.append(_Window(start, end, curves))
            for cue in cues:
                self._note(cue)

    def _add_motion(self, evidence: Evidence) -> None:
        if self._windows:  # a face was seen: motion is not asked
            return
        for cue in self._motion.cues(evidence):
            if cue.curve is not None and not cue.curve.empty:
                self._moves.append(_narrow(cue.curve))
            self._note(cue)

    def _note(self, cue: Cue) -> None:
        if cue.curve is None:
            self._reasons.setdefault(cue.reason)

    # ------------------------------------------------------------ the answer

    def finish(self) -> SyncMeasurement:
        """What all of it says."""
        if self._span is None:
            return SyncMeasurement(Estimate(None, None, None, "none", "nothing was read"), Fraction(0))
        if self._pairs:
            return self._from_events()
        if self._windows:
            return self._from_lips()
        return self._from_motion()

    def _from_events(self) -> SyncMeasurement:
        pieces = tuple(
            Segment(start, end, pairs.offset_seconds, pairs.interval_seconds, _sure(pairs.interval_seconds))
            for start, end, pairs, _ in self._pairs
        )
        segments = _joined(pieces)
        offsets = np.array([pairs.offset_seconds for _, _, pairs, _ in self._pairs])
        at = np.array([pairs.at_seconds for _, _, pairs, _ in self._pairs])
        drifts = [pairs.drift_ppm for _, _, pairs, _ in self._pairs if pairs.drift_ppm is not None]
        middle = float(at.mean())
        drift: float | None = float(np.median(drifts)) if drifts else None
        if len(at) >= 2 and len(segments) == 1 and np.ptp(at) > 10:
            drift = 1e6 * float(np.polyfit(at, offsets, 1)[0])
        offset = float(np.median(offsets - 1e-6 * (drift or 0.0) * (at - middle)))
        widths = np.array([np.ptp(pairs.interval_seconds) / 2 for _, _, pairs, _ in self._pairs])
        half = float(widths.min())
        interval = (offset - half, offset + half)
        seconds = float(sum(end - start for start, end, _, _ in self._pairs))
        notes = ("the offset jumps: see the segments",) if len(segments) > 1 else ()
        estimate = Estimate(
            offset,
            interval,
            _sure(interval),
            "flash-beep",
            curve=self._pairs[0][3],
            seconds=seconds,
            reason=notes[0] if notes else "",
        )
        within = None if drift is None else (drift - 2e3 / max(seconds, 1.0), drift + 2e3 / max(seconds, 1.0))
        return SyncMeasurement(
            estimate, exact(f"{middle:.6f}"), drift, within, segments, pieces, self._silent_faces(), notes
        )

    def _from_motion(self) -> SyncMeasurement:
        assert self._span is not None
        middle = (self._span[0] + self._span[1]) / 2
        reason = "; ".join(self._reasons) or "there is nothing to compare"
        found = judge(pool(self._moves), _MOTION) if self._moves else None
        if found is None:
            return SyncMeasurement(
                Estimate(None, None, None, "none", reason), middle, faces=self._silent_faces()
            )
        probability = min(found.probability, _MOTION_MOST)
        least = max(_MOTION_LEAST, self.options.least_probability)
        if probability < least or found.peak.at_edge:
            why = f"{reason}; motion and sound do not fit clearly at any offset"
            estimate = Estimate(
                None, None, None, "motion", why, curve=pool(self._moves), seconds=found.seconds
            )
            return SyncMeasurement(estimate, middle, faces=self._silent_faces())
        estimate = Estimate(
            found.peak.lag_seconds,
            found.interval_seconds,
            probability,
            "motion",
            "by motion alone: less sure than by lips",
            curve=pool(self._moves),
            seconds=found.seconds,
        )
        whole = _segment(self._span, estimate)
        return SyncMeasurement(estimate, middle, segments=(whole,), faces=self._silent_faces())

    def _from_lips(self) -> SyncMeasurement:
        windows, speakers = self._speaking()
        course = _Course.of(windows, self._confidence, self.options)
        measured = (windows[0].start, windows[-1].end)
        estimate = self._estimate(course.pooled, speakers)
        pieces = tuple(self._piece(group) for group in _grouped(windows))
        known = estimate.offset_seconds is not None
        segments: tuple[Segment, ...] = ()
        notes: tuple[str, ...] = ()
        drift: Drift | None = None
        if len(course.stretches) > 1:
            segments = tuple(self._stretch(windows, rows) for rows in course.stretches)
            estimate, notes = _of_longest(estimate, segments), ("the offset jumps: see the segments",)
        elif known:
            segments = (_segment(measured, estimate),)
            drift = course.drift
        # A drift that could be anything is not known.
        told = drift is not None and np.ptp(drift.interval_ppm) <= 1500
        return SyncMeasurement(
            estimate,
            course.at,
            drift.ppm if drift and told else None,
            drift.interval_ppm if drift and told else None,
            segments,
            pieces,
            self._face_offsets(speakers, estimate),
            notes,
        )

    # ------------------------------------------------------------ who speaks

    def _speaking(self) -> tuple[list[_Window], set[int | None]]:
        """Windows with the curve of one face each, and the faces that were taken.

        Faces that are seen at the same time compete by how well their own curves stand out over their whole life,
        then by how well they fit the offset that the first choice gives.
        """
        lives: dict[int | None, list[LagCurve]] = {}
        for window in self._windows:
            for face, curve in window.curves.items():
                lives.setdefault(face, []).append(curve)
        pooled = {face: pool(curves) for face, curves in lives.items()}
        strength: dict[int | None, float] = {}
        for face, curve in pooled.items():
            found = judge(curve, self._confidence)
            strength[face] = -1.0 if found is None else found.belongs
        chosen = [max(window.curves, key=lambda face: strength[face]) for window in self._windows]
        if any(len(window.curves) > 1 for window in self._windows):
            curves = [w.curves[face] for w, face in zip(self._windows, chosen, strict=True)]
            first = judge(pool(curves), self._confidence)
            if first is not None:
                fit = {face: _fit_at(curve, first.peak.lag_seconds) for face, curve in pooled.items()}
                chosen = [max(window.curves, key=lambda face: fit[face]) for window in self._windows]
        kept = [
            replace(window, curves={face: window.curves[face]})
            for window, face in zip(self._windows, chosen, strict=True)
        ]
        return kept, set(chosen)

    def _face_offsets(self, speakers: set[int | None], estimate: Estimate) -> tuple[FaceOffset, ...]:
        found = []
        for face, seen in sorted(self._faces.items()):
            if seen.seconds < 1.0 and face not in speakers:
                continue
            curves = [w.curves[face] for w in self._windows if face in w.curves]
            own = judge(pool(curves), self._confidence) if curves else None
            sure = own is not None and own.probability >= self._least(own)
            speaks = face in speakers and estimate.offset_seconds is not None
            reason = "" if sure else self._why_unsure(own)
            if sure and not speaks:
                reason = "another mouth fits the sound better"
            found.append(
                FaceOffset(
                    face,
                    seen.seconds,
                    min(1.0, seen.seconds / max(self._picture_seconds, 1e-9)),
                    own.peak.lag_seconds if own and sure else None,
                    own.probability if own and sure else None,
                    speaks,
                    reason,
                )
            )
        return tuple(found)

    def _silent_faces(self) -> tuple[FaceOffset, ...]:
        share = max(self._picture_seconds, 1e-9)
        return tuple(
            FaceOffset(
                face, seen.seconds, min(1.0, seen.seconds / share), None, None, False, "it did not decide"
            )
            for face, seen in sorted(self._faces.items())
            if seen.seconds >= 1.0
        )

    # ------------------------------------------------------------ estimates

    def _estimate(self, curve: LagCurve, speakers: set[int | None]) -> Estimate:
        found = judge(curve, self._confidence)
        face = next(iter(speakers)) if len(speakers) == 1 else None
        if found is None:
            reason = "neither lips nor sound move together at any lag"
            return Estimate(None, None, None, "lips", reason, face, curve)
        if found.probability < self._least(found) or found.peak.at_edge:
            why = self._why_unsure(found)
            return Estimate(None, None, None, "lips", why, face, curve, found.seconds)
        return Estimate(
            found.peak.lag_seconds,
            found.interval_seconds,
            found.probability,
            "lips",
            "",
            face,
            curve,
            found.seconds,
        )

    def _least(self, found: Judgement) -> float:
        return self.options.least_probability * min(1.0, found.seconds / 4)

    def _why_unsure(self, found: Judgement | None) -> str:
        if found is None:
            return "its mouth does not move"
        if found.seconds < 1.5:
            return f"only {found.seconds:.1f} s of sound and a face together: too little to tell"
        if found.peak.at_edge:
            return "the best offset lies at the end of the search: the true one may be larger"
        if found.belongs < 0.5:
            return "no mouth in the picture moves with this sound: a voice-over, music, or another speaker"
        return "several offsets fit about equally well"

    def _piece(self, group: Sequence[_Window]) -> Segment:
        found = self._estimate(pool([_only(window) for window in group]), {None})
        return _segment((group[0].start, group[-1].end), found)

    def _stretch(self, windows: Sequence[_Window], rows: range) -> Segment:
        group = [windows[k] for k in rows]
        found = self._estimate(pool([_only(window) for window in group]), {None})
        # Up to the next stretch: windows may have gaps between them.
        end = windows[rows.stop].start if rows.stop < len(windows) else group[-1].end
        return _segment((group[0].start, end), found)


@dataclass(frozen=True, eq=False)
class _Course:
    """How the offset runs through the film: a constant, a line, or steps."""

    at: Fraction
    pooled: LagCurve
    drift: Drift | None
    stretches: list[range]

    @classmethod
    def of(cls, windows: Sequence[_Window], confidence: Confidence, options: FusionOptions) -> _Course:
        weights = np.array([_only(w).overlap_seconds.max() for w in windows])
        middles = np.array([float(w.start + w.end) / 2 for w in windows])
        at = exact(f"{float((weights * middles).sum() / weights.sum()):.6f}")
        curves = [_only(window) for window in windows]
        pooled = pool(curves)
        whole = range(len(windows))
        if len(windows) < 3:
            return cls(at, pooled, None, [whole])
        lags = curves[0].lags_seconds
        scores = _scores(curves, confidence)
        times = middles - float(at)
        constant = float(scores.sum(axis=0).max())
        drift = find_drift(scores, lags, times)
        line = constant + max(0.0, (drift.gain if drift else 0.0) - options.drift_penalty)
        steps = [rows for rows, _ in find_steps(scores, options.splice_penalty)]
        stepped = sum(float(scores[rows.start : rows.stop].sum(axis=0).max()) for rows in steps)
        stepped -= options.splice_penalty * (len(steps) - 1)
        if len(steps) > 1 and stepped > line:
            believed = _believed(curves, steps, confidence)
            if len(believed) > 1:
                return cls(at, pooled, None, believed)
        if drift is not None and drift.gain > options.drift_penalty:
            straight = [_straight(c, float(t), drift.ppm) for c, t in zip(curves, times, strict=True)]
            pooled = pool(straight)
        return cls(at, pooled, drift, [whole])


def _scores(curves: Sequence[LagCurve], confidence: Confidence) -> Array:
    """Log likelihood of each lag in each stretch, [K, L], finite.

    Each stretch is allowed its own small deviation, and a little of being wrong altogether: one that is sure of itself
    must not bend the line of all.
    """
    step = curves[0].step_seconds
    reach = int(np.ceil(3 * _STRETCH_TAIL / step))
    away = np.arange(-reach, reach + 1) * step
    kernel = 0.9 * bell(away, _STRETCH_BLUR) + 0.1 * bell(away, _STRETCH_TAIL)
    rows = []
    for curve in curves:
        score = log_posterior(curve, confidence)
        density = np.exp(score - score.max())
        density = np.convolve(density / density.sum(), kernel, "same")
        rows.append(np.log((1 - _STRETCH_WRONG) * density + _STRETCH_WRONG / len(density)))
    return np.stack(rows)


def _believed(curves: Sequence[LagCurve], steps: Sequence[range], confidence: Confidence) -> list[range]:
    """Stretches that stand on their own, each with the doubtful ones next to it; those of one offset joined."""
    merged: list[tuple[range, float | None]] = []
    for rows in steps:
        found = judge(pool(curves[rows.start : rows.stop]), confidence)
        offset = found.peak.lag_seconds if found and found.probability >= _SEGMENT_PROBABILITY else None
        if merged and (
            offset is None or merged[-1][1] is None or abs(offset - merged[-1][1]) < _SAME_SECONDS
        ):
            before, known = merged.pop()
            merged.append((range(before.start, rows.stop), known if known is not None else offset))
        else:
            merged.append((rows, offset))
    return [rows for rows, _ in merged]


def _straight(curve: LagCurve, seconds: float, ppm: float) -> LagCurve:
    """A curve with the drift up to its time taken out of its lags."""
    known = np.isfinite(curve.values)
    if not known.any():
        return curve
    low = float(curve.values[known].min())
    values = np.where(known, curve.values, low)[None]
    moved = straightened(values, curve.lags_seconds, np.array([seconds]), ppm)[0]
    return LagCurve(curve.lags_seconds, moved, curve.overlap_seconds)


def _only(window: _Window) -> LagCurve:
    return next(iter(window.curves.values()))


def _narrow(curve: LagCurve) -> LagCurve:
    """The same in half the memory."""
    return LagCurve(
        curve.lags_seconds, curve.values.astype(np.float32), curve.overlap_seconds.astype(np.float32)
    )


def _fit_at(curve: LagCurve, lag_seconds: float) -> float:
    """Score of a curve near a lag, so that long lives count more."""
    near = np.abs(curve.lags_seconds - lag_seconds) <= 0.06
    values = curve.values[near]
    if not np.isfinite(values).any():
        return -np.inf
    return float(np.nanmax(values) * np.sqrt(curve.overlap_seconds[near].max()))


def _grouped(windows: Sequence[_Window]) -> list[list[_Window]]:
    count = max(1, len(windows) // _PIECE_WINDOWS)
    bounds = [len(windows) * k // count for k in range(count + 1)]
    return [list(windows[a:b]) for a, b in pairwise(bounds)]


def _segment(span: tuple[Fraction, Fraction], estimate: Estimate) -> Segment:
    return Segment(
        span[0],
        span[1],
        estimate.offset_seconds,
        estimate.interval_seconds,
        estimate.probability,
        estimate.reason,
    )


def _of_longest(estimate: Estimate, segments: Sequence[Segment]) -> Estimate:
    """The offset of the longest segment that is known speaks for a film with jumps."""
    known = [s for s in segments if s.offset_seconds is not None]
    if not known:
        return estimate
    longest = max(known, key=lambda s: s.end - s.start)
    return replace(
        estimate,
        offset_seconds=longest.offset_seconds,
        interval_seconds=longest.interval_seconds,
        probability=longest.probability,
        reason="the offset jumps: this is that of the longest segment",
    )


def _sure(interval: tuple[float, float]) -> float:
    """Probability that the middle of an interval that events allow is right within 40 ms."""
    half = (interval[1] - interval[0]) / 2
    return 0.99 if half <= 0.04 else max(0.0, 0.99 * 0.04 / half)


def _joined(pieces: Sequence[Segment]) -> tuple[Segment, ...]:
    """Neighbouring pieces whose intervals meet, as one segment."""
    joined: list[list[Segment]] = []
    for piece in pieces:
        last = joined[-1][-1] if joined else None
        assert piece.offset_seconds is not None
        meets = (
            last is not None
            and last.offset_seconds is not None
            and abs(last.offset_seconds - piece.offset_seconds) <= _SAME_SECONDS
        )
        if meets:
            joined[-1].append(piece)
        else:
            joined.append([piece])
    out = []
    for number, group in enumerate(joined):
        offset = float(np.median([p.offset_seconds for p in group if p.offset_seconds is not None]))
        half = min(float(np.ptp(p.interval_seconds)) / 2 for p in group if p.interval_seconds is not None)
        end = joined[number + 1][0].start if number + 1 < len(joined) else group[-1].end
        interval = (offset - half, offset + half)
        out.append(Segment(group[0].start, end, offset, interval, _sure(interval)))
    return tuple(out)
