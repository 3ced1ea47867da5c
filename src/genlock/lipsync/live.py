"""The offset of a source that does not end, window by window, and when it is an alarm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from genlock.core.errors import OptionError
from genlock.core.one_line import one_line
from genlock.core.time import Exact
from genlock.lipsync.estimators.base import DEFAULT, Estimate, make_estimators
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.windows import WindowCollector
from genlock.lipsync.fusion import Fusion, FusionOptions
from genlock.lipsync.measurement import SyncMeasurement
from genlock.lipsync.summary import VERDICT_PROBABILITY, headline_of, verdicts_of
from genlock.lipsync.verdicts import EMITTED
from genlock.media import Consumer

__all__ = ["LiveWindow", "SyncWatch"]

# One window may catch a cough or a cut; two in a row, of which the second has new seconds, hardly do.
_IN_A_ROW = 2


@dataclass(frozen=True, eq=False)
class LiveWindow:
    """What one window of a live source says."""

    start: Fraction
    """Where the window begins on the media clock, in exact seconds."""
    end: Fraction
    """Where it ends."""
    measurement: SyncMeasurement
    """What was measured in it."""
    beyond: bool
    """Whether its offset is surely beyond the limit of the alarm."""
    alarm: bool
    """Whether that of the window before it was as well."""

    __repr__ = one_line

    @property
    def in_step(self) -> bool | None:
        """Whether it may be sent by EBU R37; None: that cannot be told."""
        answer = {verdict.limit.key: verdict.result for verdict in verdicts_of(self.measurement)}[EMITTED.key]
        return None if answer == "cannot tell" else answer == "passes"

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        return headline_of(self.measurement)

    def to_dict(self) -> dict[str, Any]:
        """The keys that programs may rely on; an offset is positive where the sound is early."""
        said = _newest(self.measurement)
        return {
            "start_seconds": float(self.start),
            "end_seconds": float(self.end),
            "offset_seconds": said.offset_seconds,
            "interval_seconds": None if said.interval_seconds is None else list(said.interval_seconds),
            "probability": said.probability,
            "belongs": said.belongs,
            "estimator": said.estimator,
            "face": said.face,
            "reason": said.reason,
            "in_step": self.in_step,
            "answers": {verdict.limit.key: verdict.result for verdict in verdicts_of(self.measurement)},
            "sentence": self.sentence,
            "alarm": self.alarm,
        }


class SyncWatch:
    """Measures the last seconds of a source again and again: hand its consumers to the read.

    Parameters
    ----------
    on_window : told what each window says, in order
    window_seconds, hop_seconds : how much is measured, and how often; see
        :class:`~genlock.lipsync.evidence.windows.WindowCollector`
    alarm_seconds : beyond which offset, to either side, a window is out of step, above 0; None: by EBU R37 at emission
    estimators : who measures, names separated by commas

    Examples
    --------
    >>> from genlock.media import read
    >>> from genlock.testing import example_video
    >>> told = []
    >>> watch = SyncWatch(told.append)
    >>> report = read(example_video(), watch.consumers)
    >>> ends = [round(float(window.end), 1) for window in told]
    >>> ends, told[0].measurement.estimate.offset_seconds is None, watch.in_step is None
    ([2.0], True, True)
    """

    def __init__(
        self,
        on_window: Callable[[LiveWindow], None],
        window_seconds: Exact = 8,
        hop_seconds: Exact = 2,
        alarm_seconds: float | None = None,
        estimators: str = DEFAULT,
    ) -> None:
        if alarm_seconds is not None and not alarm_seconds > 0:
            raise OptionError(f"an alarm beyond {alarm_seconds} s can never be silent: give a number above 0")
        self._tell, self._limit = on_window, alarm_seconds
        # A window is too short for the search ten seconds away, which a whole film gets.
        self._options = FusionOptions(estimators=estimators, far=False)
        self._estimators = make_estimators(estimators, self._options.reach_seconds)
        asked = Fusion(self._options, self._estimators)
        self._collector = WindowCollector(self._take, window_seconds, hop_seconds, asked.mouths, asked.sight)
        self._beyond = self._known = self.windows = 0
        """How many windows there were."""
        self.alarmed = False
        """Whether there was an alarm."""

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """The consumers that the read has to feed."""
        return self._collector.consumers

    @property
    def missing(self) -> tuple[str, ...]:
        """What cannot be looked at here, each with its reason."""
        return self._collector.missing

    @property
    def in_step(self) -> bool | None:
        """False after an alarm, None if no window could be told, else True."""
        if self.alarmed:
            return False
        return True if self._known else None

    def _take(self, evidence: Evidence) -> None:
        fusion = Fusion(self._options, self._estimators)
        fusion.add(evidence)
        found = fusion.finish()
        beyond = self._is_beyond(_newest(found), found)
        self._beyond = self._beyond + 1 if beyond else 0
        self._known += (_newest(found).probability or 0.0) >= VERDICT_PROBABILITY
        self.windows += 1
        alarm = self._beyond >= _IN_A_ROW
        self.alarmed |= alarm
        self._tell(LiveWindow(evidence.start, evidence.end, found, beyond, alarm))

    def _is_beyond(self, said: Estimate, found: SyncMeasurement) -> bool:
        if said.interval_seconds is None or (said.probability or 0.0) < VERDICT_PROBABILITY:
            return False
        if self._limit is None:
            return any(v.limit == EMITTED and v.result == "fails" for v in verdicts_of(found))
        low, high = said.interval_seconds
        return low > self._limit or high < -self._limit


def _newest(found: SyncMeasurement) -> Estimate:
    """The offset that holds at the end of a window: where it jumps, what was before the jump is no news."""
    if len(found.segments) < 2:
        return found.estimate
    last = found.segments[-1]
    return replace(
        found.estimate,
        offset_seconds=last.offset_seconds,
        interval_seconds=last.interval_seconds,
        probability=last.probability,
        reason="; ".join(filter(None, (found.estimate.reason, last.reason))) or "the offset jumps",
    )
