"""The offset of a whole file, from what the estimators see in its pieces.

They are asked in their order, and the first that sees something answers: flashes with their beeps where there are any,
for they are exact; else lips, then motion. Pieces are kept as curves of a few seconds each (one kilobyte), so a file
may last for hours; the mouth that speaks, the drift and the splices are found in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import LagCurve, pool
from genlock.aligners.drift import Drift
from genlock.core.errors import OptionError
from genlock.core.time import Exact, exact, microseconds
from genlock.lipsync.confidence import RIGHT_SECONDS, Judgement, judge
from genlock.lipsync.course import Course, Stretch, running_offsets
from genlock.lipsync.estimators.base import (
    DEFAULT,
    Estimate,
    Estimator,
    by_faces,
    make_estimators,
    mouths_of,
    not_matched,
    piece_seconds_of,
    sight_of,
)
from genlock.lipsync.events import Event, of_events
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.sight import Sight
from genlock.lipsync.far import FAR_SECONDS, Far, Seeing, find_far, from_afar
from genlock.lipsync.film import KeptFilm
from genlock.lipsync.measurement import (
    AGREES_SECONDS,
    FaceOffset,
    Segment,
    SyncMeasurement,
    agreeing_share,
    at_odds,
    by_chance,
    notes_of_parts,
    of_longest,
    segment_of,
    sure_share,
)
from genlock.lipsync.speakers import Faces, choose_speakers
from genlock.lipsync.splices import with_splices_placed

__all__ = ["Fusion", "FusionOptions"]

# What is less probable than this nearby is looked for farther off.
_SURE_NEARBY = 0.5
# A drift of so much moves the offset by 10 ms within a stretch of five seconds.
_FAST_PPM = 2000.0
# Of so many pieces at least half have to say what is said of the film; else it is looked for farther off.
_PIECES_THAT_TELL = 4
# Stretches whose curves are judged together for the offset over time.
_PIECE_STRETCHES = 3


@dataclass(frozen=True)
class FusionOptions:
    """How pieces become one answer."""

    estimators: str = DEFAULT
    """The estimators that are asked, in this order: names and commas. The first that sees something answers."""
    reach_seconds: Exact = Fraction(6, 5)
    """The largest offset that is looked for by lips and motion, to either side; 0.1...1.9 seconds."""
    least_probability: float = 0.12
    """Below this probability of being right within 40 ms no offset is given, 0...1; in proportion less where under
    four seconds were compared, which can hardly prove that sound and lips do *not* belong together."""
    window_seconds: Exact = Fraction(5)
    """Length of the stretches that are compared one by one; 2...20 seconds."""
    splice_penalty: float = 6.0
    """By how much two offsets must explain the film better than one, in units of log likelihood; above 0."""
    drift_penalty: float = 3.0
    """The same for a steady drift; above 0."""
    far: bool = True
    """Whether a film that does not match nearby is searched ten seconds to either side, and at other speeds."""

    def __post_init__(self) -> None:
        if not Fraction(1, 10) <= exact(self.reach_seconds) <= Fraction(19, 10):
            raise OptionError(f"reach_seconds={self.reach_seconds} lies outside 0.1...1.9")
        if not 2 <= exact(self.window_seconds) <= 20 or not 0 <= self.least_probability <= 1:
            raise OptionError(f"{self}: windows last 2...20 s, a probability lies in 0...1")
        if not (self.splice_penalty > 0 and self.drift_penalty > 0):
            raise OptionError(f"{self}: penalties are above 0")


@dataclass(eq=False)
class _Seen:
    """What one estimator has seen so far."""

    estimator: Estimator
    stretches: list[Stretch] = field(default_factory=list)
    """Curves, by face."""
    events: list[Event] = field(default_factory=list)
    """Pieces with an exact offset."""

    def __bool__(self) -> bool:
        return bool(self.stretches or self.events)


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
    estimators: Sequence[Estimator] = ()
    """The estimators that are asked, in this order; those that the options name, if none is given."""

    def __post_init__(self) -> None:
        if not self.estimators:
            self.estimators = make_estimators(self.options.estimators, self.options.reach_seconds)
        self._seen = [_Seen(estimator) for estimator in self.estimators]
        self._faces = Faces()
        self._film = KeptFilm()
        self._reasons: dict[str, None] = {}
        self._span: tuple[Fraction, Fraction] | None = None

    @property
    def mouths(self) -> str | None:
        """The mouth crops that the estimators ask for, as a feature; None: nobody does.

        Raises OptionError if two of them ask for different ones.
        """
        asked = {mouths_of(e): e.name for e in self.estimators if e.mouth_side is not None}
        if len(asked) > 1:
            names = ", ".join(f"{name} {crops}" for crops, name in asked.items())
            raise OptionError(f"estimators ask for different mouth crops ({names}); name one of them")
        return next(iter(asked), None)

    @property
    def by_faces(self) -> bool:
        """Whether an estimator makes anything of faces; else nobody needs to look for them."""
        return any(by_faces(estimator) for estimator in self.estimators)

    @property
    def piece_seconds(self) -> Fraction:
        """How long the pieces of a film shall be, in exact seconds."""
        return piece_seconds_of(self.estimators)

    @property
    def sight(self) -> Sight | None:
        """How an estimator looks at the whole picture while it is read; None: nobody does.

        Raises OptionError if two of them do.
        """
        asked = {e.name: sight for e in self.estimators if (sight := sight_of(e)) is not None}
        if len(asked) > 1:
            raise OptionError(f"estimators look at the whole picture ({', '.join(asked)}); name one of them")
        return next(iter(asked.values()), None)

    # ------------------------------------------------------------ gathering

    def add(self, evidence: Evidence) -> None:
        """Take the next piece. What is kept of it is a kilobyte for every few seconds, and what may be searched once
        more farther off, twelve kilobytes a second."""
        start = evidence.start if self._span is None else self._span[0]
        self._span = start, evidence.end
        self._faces.add(evidence)
        for seen in self._seen:
            self._ask(seen, evidence)
            if seen:  # whoever comes later in the order would not be believed
                return

    def _ask(self, seen: _Seen, evidence: Evidence) -> None:
        if self.options.far and isinstance(seen.estimator, Seeing):
            self._film.add(evidence)
        for start, end, cues in seen.estimator.windows(evidence, self.options.window_seconds):
            seen.events += [Event(start, end, cue) for cue in cues if cue.offset_seconds is not None]
            curves = {
                cue.face: _narrow(cue.curve)
                for cue in cues
                if cue.offset_seconds is None and cue.curve is not None and not cue.curve.empty
            }
            if curves:
                seen.stretches.append(Stretch(start, end, curves))
            self._reasons.update((cue.reason, None) for cue in cues if cue.curve is None)

    # ------------------------------------------------------------ the answer

    def finish(self) -> SyncMeasurement:
        """What all of it says."""
        if self._span is None:
            return SyncMeasurement(Estimate(None, None, None, "none", "nothing was read"), Fraction(0))
        seen = next((seen for seen in self._seen if seen), None)
        if seen is None:
            return self._unknown("none")
        if seen.events:
            return of_events(seen.events, seen.estimator.name, self._faces.undecided())
        if not seen.estimator.trust.follows_changes:
            return self._from_whole(seen)
        near = self._from_stretches(seen)
        unsure = (near.estimate.probability or 0.0) < _SURE_NEARBY
        if self.options.far and (unsure or len(near.segments) > 1 or _little_agrees(near)):
            away = self._from_afar(seen.estimator)
            if away is not None and (unsure or _explains_more(away, near)):
                return self._placed(away, seen.estimator)
            if unsure:
                return self._nowhere(near, seen.estimator)
            if at_odds(near, _SURE_NEARBY):
                return self._parts_doubted(near, "those of its parts contradict each other")
            if by_chance(near, _SURE_NEARBY):
                return self._parts_doubted(near, "what fits a part of it may do so by chance")
        return self._placed(self._at_its_speed(near, seen.estimator), seen.estimator)

    def _at_its_speed(self, near: SyncMeasurement, estimator: Estimator) -> SyncMeasurement:
        """The measurement of a film that drifts fast, once more with its sound at the speed that was found: within a
        stretch of some seconds such a drift moves the offset by more than what is measured."""
        ppm, offset = near.drift_ppm, near.estimate.offset_seconds
        if not self.options.far or ppm is None or offset is None or abs(ppm) < _FAST_PPM:
            return near
        speed = 1 + exact(f"{ppm:.3f}") / 1_000_000
        far = Far(speed, microseconds(offset) - (speed - 1) * near.at, 0.0)
        again = self._with_sound_at(far, estimator) if isinstance(estimator, Seeing) else None
        return again if again is not None and len(again.segments) == 1 else near

    def _placed(self, found: SyncMeasurement, estimator: Estimator) -> SyncMeasurement:
        """The measurement with its splices where they are, as far as that can be seen."""
        known = found.drift_ppm is None  # at another speed a splice has no one offset on either side
        if isinstance(estimator, Seeing) and len(found.segments) > 1 and self._film.pieces and known:
            return with_splices_placed(found, self._film, estimator)
        return found

    def _nowhere(self, near: SyncMeasurement, estimator: Estimator) -> SyncMeasurement:
        """The measurement nearby, where the search farther off was in vain."""
        if near.estimate.reason != estimator.trust.foreign or not isinstance(estimator, Seeing):
            return near
        return replace(near, estimate=replace(near.estimate, reason=not_matched(FAR_SECONDS)))

    def _parts_doubted(self, found: SyncMeasurement, why: str) -> SyncMeasurement:
        """A measurement whose few sure parts are not believed, while nothing fits most of the film."""
        doubtful = Estimate(
            None,
            None,
            None,
            found.estimate.estimator,
            f"no offset holds in most of the film, and {why}",
            found.estimate.face,
            found.estimate.curve,
            found.estimate.seconds,
        )
        return replace(
            found, estimate=doubtful, drift_ppm=None, drift_interval_ppm=None, segments=(), notes=()
        )

    def _from_afar(self, estimator: Estimator) -> SyncMeasurement | None:
        """What the film says with its sound where it leads all other lags and speeds; None: it leads nowhere."""
        if not isinstance(estimator, Seeing):
            return None
        tried = (self._with_sound_at(far, estimator) for far in find_far(self._film, estimator))
        return next((found for found in tried if found is not None), None)

    def _with_sound_at(self, far: Far, estimator: Estimator) -> SyncMeasurement | None:
        """What the film says with its sound moved so; None: nothing that is likelier right than wrong."""
        again = Fusion(replace(self.options, far=False), [estimator])
        for piece in self._film.with_sound_moved(far.speed, far.offset):
            again.add(piece)
        found = again.finish()
        if (found.estimate.probability or 0.0) < _SURE_NEARBY:
            return None
        return from_afar(found, far)

    @property
    def _middle(self) -> Fraction:
        assert self._span is not None
        return (self._span[0] + self._span[1]) / 2

    def _unknown(
        self, estimator: str, why: str = "", curve: LagCurve | None = None, seconds: float = 0.0
    ) -> SyncMeasurement:
        reason = "; ".join([*self._reasons, *([why] if why else [])]) or "there is nothing to compare"
        estimate = Estimate(None, None, None, estimator, reason, curve=curve, seconds=seconds)
        return SyncMeasurement(estimate, self._middle, faces=self._faces.undecided())

    def _from_whole(self, seen: _Seen) -> SyncMeasurement:
        """One offset for all that was seen: the curves are not sure enough for more. Where they say that it runs, the
        interval holds all of its way."""
        assert self._span is not None
        name, trust = seen.estimator.name, seen.estimator.trust
        curve = pool([stretch.curve for stretch in seen.stretches])
        found = judge(curve, trust.confidence)
        if found is None:
            return self._unknown("none")
        probability = min(found.probability, trust.most_probability)
        if probability < max(trust.least_probability, self.options.least_probability) or found.peak.at_edge:
            return self._unknown(name, trust.foreign, curve, found.seconds)
        offset, (low, high) = found.peak.lag_seconds, found.interval_seconds
        remark = trust.remark
        runs = self._offsets_that_run(seen, offset)
        if runs is not None:
            low = float(np.nanmin([low, *(low - offset + runs)]))
            high = float(np.nanmax([high, *(high - offset + runs)]))
            probability *= float((np.abs(runs - offset) <= RIGHT_SECONDS).mean())
            remark = "; ".join(part for part in (remark, "the offset seems to change") if part)
            if probability < trust.least_probability:
                return self._unknown(name, "the offset seems to change", curve, found.seconds)
        estimate = Estimate(
            offset, (low, high), probability, name, remark, curve=curve, seconds=found.seconds
        )
        whole = segment_of(*self._span, estimate)
        curves = tuple((stretch.start, stretch.end, stretch.curve) for stretch in seen.stretches)
        return SyncMeasurement(
            estimate, self._middle, segments=(whole,), faces=self._faces.undecided(), curves=curves
        )

    def _offsets_that_run(self, seen: _Seen, offset: float) -> npt.NDArray[np.float64] | None:
        """The offset of each stretch of one that is measured as a whole, in seconds; NaN: nothing fits there. None: all
        of them agree with that of the whole."""
        confidence, options = seen.estimator.trust.confidence, self.options
        runs = running_offsets(seen.stretches, confidence, options.splice_penalty, options.drift_penalty)
        told = np.full(len(seen.stretches), offset) if runs is None else runs
        for number, stretch in enumerate(seen.stretches):
            own = judge(stretch.curve, confidence)
            if own is None or own.probability < _SURE_NEARBY:
                continue
            if abs(own.peak.lag_seconds - told[number]) > AGREES_SECONDS:
                told[number] = own.peak.lag_seconds
        return None if (told == offset).all() else told

    def _from_stretches(self, seen: _Seen) -> SyncMeasurement:
        """The offset as it runs through the film, by the face that speaks."""
        estimator, options = seen.estimator, self.options
        confidence = estimator.trust.confidence
        stretches, speakers = choose_speakers(seen.stretches, confidence, options.splice_penalty)
        course = Course.of(stretches, confidence, options.splice_penalty, options.drift_penalty)
        estimate = self._estimate(estimator, course.pooled, speakers)
        pieces = tuple(self._piece(estimator, group) for group in _grouped(stretches))
        segments: tuple[Segment, ...] = ()
        notes: tuple[str, ...] = ()
        drift: Drift | None = None
        if len(course.parts) > 1:
            pooled_with = course.pooled_with or tuple(tuple(rows) for rows in course.parts)
            segments = tuple(
                self._part(estimator, stretches, rows, own)
                for rows, own in zip(course.parts, pooled_with, strict=True)
            )
            notes = notes_of_parts(segments, by_person=course.pooled_with is not None)
            notes = (*notes, f"the offset jumps: {course.doubt}") if course.doubt else notes
            estimate = of_longest(estimate, segments, "; ".join(notes))
        elif estimate.offset_seconds is not None:
            segments = (segment_of(stretches[0].start, stretches[-1].end, estimate),)
            drift = course.drift
            notes = (f"the offset drifts: {course.doubt}",) if course.doubt else ()
        # A drift that could be anything is not known.
        is_clear = drift is not None and np.ptp(drift.interval_ppm) <= 1500
        return SyncMeasurement(
            estimate,
            course.at,
            drift.ppm if drift and is_clear else None,
            drift.interval_ppm if drift and is_clear else None,
            segments,
            pieces,
            self._face_offsets(seen, stretches, speakers, estimate),
            notes,
            tuple((stretch.start, stretch.end, stretch.curve) for stretch in stretches),
        )

    def _face_offsets(
        self, seen: _Seen, chosen: Sequence[Stretch], speakers: set[int | None], estimate: Estimate
    ) -> tuple[FaceOffset, ...]:
        """What each mouth says: one that speaks while it does, any other all the time that it is seen."""
        offsets = []
        for face, seconds in sorted(self._faces.seconds.items()):
            if seconds < 1.0 and face not in speakers:
                continue
            stretches = chosen if face in speakers else seen.stretches
            curves = [s.curves[face] for s in stretches if face in s.curves]
            own = judge(pool(curves), seen.estimator.trust.confidence) if curves else None
            sure = own is not None and own.probability >= self._least(seen.estimator, own)
            speaks = face in speakers and estimate.offset_seconds is not None
            reason = "" if sure else self._why_unsure(seen.estimator, own)
            if sure and not speaks:
                reason = "another mouth fits the sound better"
            known = own if sure else None
            offsets.append(
                FaceOffset(
                    face,
                    seconds,
                    self._faces.share(face),
                    None if known is None else known.peak.lag_seconds,
                    None if known is None else known.probability,
                    speaks,
                    reason,
                    pool(curves) if curves else None,
                )
            )
        return tuple(offsets)

    # ------------------------------------------------------------ estimates

    def _estimate(self, estimator: Estimator, curve: LagCurve, speakers: set[int | None]) -> Estimate:
        name, trust = estimator.name, estimator.trust
        found = judge(curve, trust.confidence)
        face = next(iter(speakers)) if len(speakers) == 1 else None
        if found is None:
            return Estimate(None, None, None, name, trust.still, face, curve)
        supposed = Estimate(
            None,
            None,
            None,
            name,
            self._why_unsure(estimator, found),
            face,
            curve,
            found.seconds,
            found.belongs,
            found.peak.lag_seconds,
            found.interval_seconds,
        )
        if found.probability < self._least(estimator, found) or found.peak.at_edge:
            return supposed
        return replace(
            supposed,
            offset_seconds=found.peak.lag_seconds,
            interval_seconds=found.interval_seconds,
            probability=min(found.probability, trust.most_probability),
            reason=trust.remark,
        )

    def _least(self, estimator: Estimator, found: Judgement) -> float:
        asked = self.options.least_probability * min(1.0, found.seconds / 4)
        return max(estimator.trust.least_probability, asked)

    def _why_unsure(self, estimator: Estimator, found: Judgement | None) -> str:
        if found is None:
            return "its mouth does not move"
        if found.seconds < 1.5:
            return f"only {found.seconds:.1f} s of sound and a face together: too little to tell"
        if found.peak.at_edge:
            return "the best offset lies at the end of the search: the true one may be larger"
        if found.belongs < 0.5:
            return estimator.trust.foreign
        return "several offsets fit about equally well"

    def _piece(self, estimator: Estimator, group: Sequence[Stretch]) -> Segment:
        found = self._estimate(estimator, pool([stretch.curve for stretch in group]), _faces_of(group))
        return segment_of(group[0].start, group[-1].end, found)

    def _part(
        self, estimator: Estimator, stretches: Sequence[Stretch], rows: range, pooled_with: Sequence[int]
    ) -> Segment:
        group = [stretches[k] for k in rows]
        curve = pool([stretches[k].curve for k in pooled_with])
        found = self._estimate(estimator, curve, _faces_of(group))
        # Up to the next part: stretches may have gaps between them.
        end = stretches[rows.stop].start if rows.stop < len(stretches) else group[-1].end
        return segment_of(group[0].start, end, found)


def _little_agrees(found: SyncMeasurement) -> bool:
    """Whether most of a film does not say what is said of it: a little of it may match by itself."""
    if len(found.segments) > 1:
        return sure_share(found, _SURE_NEARBY) < 0.5
    return len(found.pieces) >= _PIECES_THAT_TELL and agreeing_share(found, _SURE_NEARBY) < 0.5


def _explains_more(away: SyncMeasurement, near: SyncMeasurement) -> bool:
    """Whether one offset far off says of all the film what several nearby say of its parts: phrases that follow each
    other evenly match at wrong lags, but not all of them at one."""
    return len(away.segments) < max(2, len(near.segments)) and not _little_agrees(away)


def _faces_of(group: Sequence[Stretch]) -> set[int | None]:
    return {face for stretch in group for face in stretch.curves}


def _narrow(curve: LagCurve) -> LagCurve:
    """The same in half the memory."""
    return LagCurve(
        curve.lags_seconds, curve.values.astype(np.float32), curve.overlap_seconds.astype(np.float32)
    )


def _grouped(stretches: Sequence[Stretch]) -> list[list[Stretch]]:
    """Neighbours that are judged together; a group has no gap."""
    runs: list[list[Stretch]] = []
    for stretch in stretches:
        if runs and runs[-1][-1].end == stretch.start:
            runs[-1].append(stretch)
        else:
            runs.append([stretch])
    groups = []
    for run in runs:
        count = max(1, len(run) // _PIECE_STRETCHES)
        bounds = [len(run) * k // count for k in range(count + 1)]
        groups += [run[a:b] for a, b in pairwise(bounds)]
    return groups
