"""Does an offset pass? The limits of the standards, which allow more for late sound than for early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from genlock.core.errors import OptionError
from genlock.core.one_line import one_line

__all__ = [
    "ACCEPTED",
    "EMITTED",
    "LIMITS",
    "NOTICED",
    "Answer",
    "Limit",
    "Verdict",
    "allowance_of",
    "describe_offset",
    "early_or_late",
    "interval_words",
    "judge",
    "meaning_of",
    "places_of",
    "sentence_of",
]

Interval = tuple[float, float]
Answer = Literal["passes", "fails", "cannot tell"]


@dataclass(frozen=True)
class Limit:
    """How early and how late sound may be. A sound exactly at a limit still passes."""

    key: str
    """Name for programs."""
    name: str
    """Name for people."""
    early_seconds: float
    """How early the sound may be, above 0."""
    late_seconds: float
    """How late it may be, above 0."""

    def __post_init__(self) -> None:
        if not (self.early_seconds > 0 and self.late_seconds > 0):
            raise OptionError(
                f"limit {self.key!r}: {self.early_seconds} s early and {self.late_seconds} s late "
                "must both lie above 0"
            )

    def holds(self, offset_seconds: float) -> bool:
        """Whether an offset that is known for certain passes; positive: sound early."""
        return -self.late_seconds <= offset_seconds <= self.early_seconds

    def answer(self, interval: Interval | None) -> Answer:
        """Whether every offset within the interval passes, or none does; positive: sound early.

        >>> Limit("r37", "EBU R37 at emission", 0.040, 0.060).answer((0.045, 0.055))
        'fails'
        """
        if interval is None:
            return "cannot tell"
        low, high = interval
        if self.holds(low) and self.holds(high):
            return "passes"
        if high < -self.late_seconds or low > self.early_seconds:
            return "fails"
        return "cannot tell"


#: What viewers accept, by ITU-R BT.1359.
ACCEPTED = Limit("itu_bt1359_acceptable", "ITU-R BT.1359", 0.090, 0.185)
#: What viewers do not notice, by the same.
NOTICED = Limit("itu_bt1359_detectable", "not noticed, by ITU-R BT.1359", 0.045, 0.125)
#: What may be sent, by EBU R37.
EMITTED = Limit("ebu_r37_emission", "EBU R37 at emission", 0.040, 0.060)
#: What the standards say, the widest first. BT.1359 states both what viewers accept and what they notice.
LIMITS: tuple[Limit, ...] = (
    ACCEPTED,
    NOTICED,
    EMITTED,
    Limit("atsc_is191", "ATSC IS-191", 0.015, 0.045),
    Limit("film_editing", "film editing (half a frame)", 0.020, 0.020),
    Limit("ebu_r37_stage", "EBU R37 for one stage", 0.005, 0.015),
)
# Estimators by events are exact; by mouths and motion they share a habit of the speaker that no length of film tells.
_EXACT = frozenset({"flash-beep", "sound against sound"})
_HABIT_SECONDS = 0.015
_NARROW_SECONDS = 0.004  # an interval that is narrower deserves tenths of milliseconds


@dataclass(frozen=True)
class Verdict:
    """What one limit says of an offset."""

    limit: Limit
    """The limit."""
    result: Answer
    """``passes``, ``fails``, or ``cannot tell`` where the interval straddles the limit or nothing is known."""

    __repr__ = one_line

    def __str__(self) -> str:
        limit = self.limit
        allowed = f"{limit.early_seconds * 1000:.0f} ms early to {limit.late_seconds * 1000:.0f} ms late"
        return f"{limit.name}, {allowed}: {self.result}"

    def to_dict(self) -> dict[str, Any]:
        """``name``, ``result``, ``early_seconds``, ``late_seconds``."""
        return {
            "name": self.limit.name,
            "result": self.result,
            "early_seconds": self.limit.early_seconds,
            "late_seconds": self.limit.late_seconds,
        }


def allowance_of(estimator: str) -> float:
    """By how many seconds an estimator may be off for good on a speaker that it does not know.

    The interval of an offset from lips is measured on speakers like those that the model knows. Others have habits (the
    linear and the untrained cues are some 10 to 25 ms off for good), which joining more of their film never shows.

    >>> allowance_of("lips"), allowance_of("flash-beep")
    (0.015, 0.0)
    """
    return 0.0 if set(estimator.split("+")) <= _EXACT else _HABIT_SECONDS


def judge(interval_seconds: Interval | None, allowance_seconds: float = 0.0) -> tuple[Verdict, ...]:
    """What every standard says, given the 90 % interval of the offset (positive: sound early) or None.

    Nothing passes or fails by less than the allowance, see :func:`allowance_of`.

    >>> {v.limit.key: v.result for v in judge((0.104, 0.132))}["itu_bt1359_acceptable"]
    'fails'
    >>> {v.limit.key: v.result for v in judge((0.030, 0.050))}["ebu_r37_emission"]
    'cannot tell'
    """
    if interval_seconds is not None and not interval_seconds[0] <= interval_seconds[1]:
        raise OptionError(f"the interval {interval_seconds} must have its lower end first")
    if interval_seconds is not None:
        interval_seconds = interval_seconds[0] - allowance_seconds, interval_seconds[1] + allowance_seconds
    return tuple(Verdict(limit, limit.answer(interval_seconds)) for limit in LIMITS)


def describe_offset(offset_seconds: float, places: int = 0) -> str:
    """An offset in words, in milliseconds with so many decimal places.

    >>> describe_offset(0.1184), describe_offset(-0.06), describe_offset(0.0001)
    ('the sound is 118 ms early', 'the sound is 60 ms late', 'the sound is in step')
    """
    return f"the sound is {early_or_late(offset_seconds, places)}"


def early_or_late(offset_seconds: float, places: int = 0) -> str:
    """The same without its subject, for sentences that name several.

    >>> early_or_late(0.1184), early_or_late(0.0001)
    ('118 ms early', 'in step')
    """
    size, side = _amount(offset_seconds, places), "early" if offset_seconds > 0 else "late"
    return f"{size} ms {side}" if float(size) else "in step"


def sentence_of(
    offset_seconds: float | None,
    interval_seconds: Interval | None,
    reason: str = "",
    allowance_seconds: float = 0.0,
    meaning: str | None = None,
) -> str:
    """One offset in one sentence; the allowance is that of :func:`judge`, the meaning what :func:`meaning_of` says if
    nothing else is given.

    >>> sentence_of(-0.058, (-0.079, -0.031), allowance_seconds=0.08)
    'sound 58 ms late (31-79): within what viewers tolerate'
    >>> sentence_of(None, None, "no face was seen")
    'unknown: no face was seen'
    """
    if offset_seconds is None or interval_seconds is None:
        return f"unknown: {reason or 'not measured'}"
    places, within = places_of(interval_seconds), interval_words(interval_seconds)
    if meaning is None:
        meaning = meaning_of(judge(interval_seconds, allowance_seconds))
    return f"sound {early_or_late(offset_seconds, places)} ({within})" + (f": {meaning}" if meaning else "")


def meaning_of(verdicts: Sequence[Verdict]) -> str:
    """What it means to viewers, by both limits of ITU-R BT.1359: what they notice, and what they tolerate.

    >>> meaning_of(judge((0.104, 0.132)))
    'more than viewers tolerate'
    >>> meaning_of(judge((0.050, 0.070)))
    'within what viewers tolerate'
    """
    answers = {verdict.limit.key: verdict.result for verdict in verdicts}
    noticed, tolerated = answers[NOTICED.key], answers[ACCEPTED.key]
    if noticed == "passes":
        return "viewers do not notice"
    if tolerated != "cannot tell":
        return "within what viewers tolerate" if tolerated == "passes" else "more than viewers tolerate"
    return "viewers notice" if noticed == "fails" else "viewers may notice"


def places_of(interval: Interval) -> int:
    """With how many decimal places milliseconds are told: an interval that is very narrow deserves one.

    >>> places_of((0.104, 0.132)), places_of((0.1176, 0.1184))
    (0, 1)
    """
    return 1 if interval[1] - interval[0] < _NARROW_SECONDS else 0


def interval_words(interval: Interval) -> str:
    """The interval in milliseconds, in numbers alone if it lies on one side of zero, the nearer end first.

    >>> interval_words((0.104, 0.132)), interval_words((-0.02, 0.01))
    ('104-132', '20 late to 10 early')
    """
    places = places_of(interval)
    low, high = interval
    if low >= 0 or high <= 0:
        near, far = sorted((abs(low), abs(high)))
        return f"{_amount(near, places)}-{_amount(far, places)}"
    return f"{_amount(low, places)} late to {_amount(high, places)} early"


def _amount(seconds: float, places: int) -> str:
    """Milliseconds without a sign."""
    return f"{abs(seconds) * 1000:.{places}f}"
