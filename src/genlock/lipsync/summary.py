"""What a whole measurement means: its verdicts, and the answer in one sentence.

A film is as good as its worst part: it passes where all of it is known to, and fails where a part of it surely fails.
What is less likely right than wrong is no verdict at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from genlock.lipsync.measurement import Segment, SyncMeasurement
from genlock.lipsync.verdicts import (
    ACCEPTED,
    EMITTED,
    LIMITS,
    Answer,
    Limit,
    Verdict,
    allowance_of,
    describe_offset,
    early_or_late,
    meaning_of,
    sentence_of,
)

__all__ = [
    "VERDICT_PROBABILITY",
    "WIDEST_SECONDS",
    "best_guess_of",
    "headline_of",
    "is_known",
    "known_by",
    "mark_of",
    "told_offsets",
    "verdicts_of",
    "worst_offset",
]

#: Below this probability of being right within 40 ms, an offset passes nothing and fails nothing.
VERDICT_PROBABILITY = 0.5
#: An offset whose 90 % interval is wider says nothing that a viewer could use.
WIDEST_SECONDS = 0.2
# A drift that moves the offset by less over the whole film is not worth the headline.
_DRIFT_TOLD_SECONDS = 0.020
_MOST_PARTS = 3  # that a sentence names


class _Part(NamedTuple):
    """An offset that holds in a part of the film, or at an instant of it."""

    interval: tuple[float, float] | None
    probability: float | None


def verdicts_of(found: SyncMeasurement) -> tuple[Verdict, ...]:
    """What every standard says of a whole film; where nothing is known of a part of it, none says that it passes.

    >>> from fractions import Fraction
    >>> from genlock.lipsync.estimators.base import Estimate
    >>> first = Segment(Fraction(0), Fraction(30), 0.0, (-0.002, 0.002), 0.99)
    >>> second = Segment(Fraction(30), Fraction(60), -0.3, (-0.302, -0.298), 0.99)
    >>> sure = Estimate(0.0, (-0.002, 0.002), 0.99, "flash-beep")
    >>> film = SyncMeasurement(sure, Fraction(30), segments=(first, second))
    >>> {verdict.limit.key: verdict.result for verdict in verdicts_of(film)}["ebu_r37_emission"]
    'fails'
    """
    verdicts = _of_known_parts(found)
    if not _has_unknown_parts(found):
        return verdicts
    return tuple(
        verdict if verdict.result == "fails" else replace(verdict, result="cannot tell")
        for verdict in verdicts
    )


def headline_of(found: SyncMeasurement) -> str:
    """The answer in one sentence: an offset, a drift from end to end, or where the offset jumps."""
    estimate = found.estimate
    if estimate.offset_seconds is None or estimate.interval_seconds is None:
        return sentence_of(None, None, estimate.reason)
    if not is_known(found):
        return sentence_of(None, None, _unsure(estimate.interval_seconds, estimate.probability))
    meaning = meaning_of(_of_known_parts(found))
    if len(found.segments) > 1:
        jumps = sum(part.offset_seconds is not None for part in found.segments) > 1
        of_known = "where it is known, " if _has_unknown_parts(found) else ""
        return (
            f"{'the offset jumps:' if jumps else 'sound'} {_told_parts(found.segments)}: {of_known}{meaning}"
        )
    ends = _ends_of(found)
    if ends is not None and abs(ends[1] - ends[0]) > _DRIFT_TOLD_SECONDS:
        first, last = (early_or_late(end) for end in ends)
        return f"sound drifts from {first} to {last} ({found.drift_ppm:+.0f} ppm): {meaning}"
    return sentence_of(estimate.offset_seconds, estimate.interval_seconds, estimate.reason, meaning=meaning)


def is_known(found: SyncMeasurement) -> bool:
    """Whether an offset may be told as such: right within 40 ms more likely than not, its 90 % interval at most 200 ms
    wide; of a film in several parts, that of one of them.

    >>> from fractions import Fraction
    >>> from genlock.lipsync.estimators.base import Estimate
    >>> guess = Estimate(0.7, (0.5, 0.8), 0.4, "motion")
    >>> is_known(SyncMeasurement(guess, Fraction(3)))
    False
    """
    parts = found.segments if len(found.segments) > 1 else (found.estimate,)
    return any(_is_known(part.interval_seconds, part.probability) for part in parts)


def _is_known(interval: tuple[float, float] | None, probability: float | None) -> bool:
    if interval is None or probability is None or probability < VERDICT_PROBABILITY:
        return False
    return interval[1] - interval[0] <= WIDEST_SECONDS


def _unsure(interval: tuple[float, float], probability: float | None) -> str:
    if (probability or 0.0) < VERDICT_PROBABILITY:
        return f"what was found is too unsure to tell (p {probability or 0.0:.2f})"
    return f"what was found may be off by {1000 * (interval[1] - interval[0]):.0f} ms"


def best_guess_of(found: SyncMeasurement) -> str | None:
    """What is found and not told, for those who want details; None: nothing is, or it is told.

    >>> from fractions import Fraction
    >>> from genlock.lipsync.estimators.base import Estimate
    >>> best_guess_of(SyncMeasurement(Estimate(0.7, (-0.9, 0.8), 0.36, "motion"), Fraction(3)))
    'best guess: 700 ms early; it may be anything from 900 ms late to 800 ms early (90 %)'
    """
    offset, interval = found.estimate.offset_seconds, found.estimate.interval_seconds
    if offset is None or interval is None or is_known(found):
        return None
    low, high = (early_or_late(end) for end in interval)
    return f"best guess: {early_or_late(offset)}; it may be anything from {low} to {high} (90 %)"


def known_by(sync: Mapping[str, Any]) -> bool:
    """The same as :func:`is_known` of a result as :meth:`genlock.SyncResult.to_dict` gives it.

    >>> known_by({"offset_seconds": 0.1, "interval_seconds": [0.0, 0.15], "probability": 0.4})
    False
    """
    if sync.get("offset_seconds") is None:
        return False
    parts = sync.get("segments") or ()
    told = [part for part in parts if part.get("offset_seconds") is not None] if len(parts) > 1 else [sync]
    for part in told:
        probability, interval = part.get("probability"), part.get("interval_seconds")
        sure = probability is None or probability >= VERDICT_PROBABILITY
        if sure and (interval is None or interval[1] - interval[0] <= WIDEST_SECONDS):
            return True
    return False


def mark_of(sync: Mapping[str, Any]) -> Literal["good", "warn", "bad", "none"]:
    """A colour for a result as :meth:`genlock.SyncResult.to_dict` gives it: ``good`` may be sent, ``bad`` is noticed
    by viewers, ``warn`` lies between or cannot be told, ``none``: no offset, or too unsure a one."""
    if not known_by(sync):
        return "none"
    offset = float(sync["offset_seconds"])
    verdicts = sync.get("verdicts") or {}
    results = [
        verdicts[limit.key]["result"] if limit.key in verdicts else limit.answer((offset, offset))
        for limit in (EMITTED, ACCEPTED)
    ]
    if results[0] == "passes":
        return "good"
    return "bad" if results[1] == "fails" else "warn"


def worst_offset(found: SyncMeasurement) -> float:
    """The largest offset of any part whose offset is known, without its sign, in seconds."""
    known = [abs(part.offset_seconds) for part in found.segments if part.offset_seconds is not None]
    ends = _ends_of(found) or ()
    return max([abs(found.estimate.offset_seconds or 0.0), *map(abs, ends), *known])


def told_offsets(found: SyncMeasurement) -> str:
    """The offset, or how it runs, in words that stand in a sentence."""
    if len(found.segments) > 1:
        return f"the sound is {_told_parts(found.segments)}"
    ends = _ends_of(found)
    if ends is not None and abs(ends[1] - ends[0]) > _DRIFT_TOLD_SECONDS:
        first, last = (early_or_late(end) for end in ends)
        return f"the sound drifts from {first} to {last}"
    return describe_offset(found.estimate.offset_seconds or 0.0)


# ---------------------------------------------------------------- parts


def _of_known_parts(found: SyncMeasurement) -> tuple[Verdict, ...]:
    """What every standard says of the parts whose offset is told."""
    allowance = allowance_of(found.estimate.estimator)
    parts = _parts_of(found)
    return tuple(
        Verdict(limit, _worst([_answer(limit, part, allowance) for part in parts])) for limit in LIMITS
    )


def _has_unknown_parts(found: SyncMeasurement) -> bool:
    """Whether some of the film has an offset and some has none."""
    return len(found.segments) > 1 and any(part.offset_seconds is None for part in found.segments)


def _parts_of(found: SyncMeasurement) -> list[_Part]:
    estimate = found.estimate
    if len(found.segments) > 1:
        return [
            _Part(part.interval_seconds, part.probability)
            for part in found.segments
            if part.offset_seconds is not None
        ]
    if estimate.interval_seconds is None or _ends_of(found) is None:
        return [_Part(estimate.interval_seconds, estimate.probability)]
    assert found.drift_interval_ppm is not None
    low, high = estimate.interval_seconds
    parts = []
    for end in (found.segments[0].start, found.segments[-1].end):
        away = float(end - found.at)
        moved = sorted(1e-6 * ppm * away for ppm in found.drift_interval_ppm)
        parts.append(_Part((low + moved[0], high + moved[1]), estimate.probability))
    return parts


def _ends_of(found: SyncMeasurement) -> tuple[float, float] | None:
    """Offsets at the start and at the end of a film that surely drifts; None: it does not, or nobody knows."""
    offset, within = found.estimate.offset_seconds, found.drift_interval_ppm
    if offset is None or found.drift_ppm is None or within is None or within[0] <= 0 <= within[1]:
        return None
    if len(found.segments) != 1:
        return None
    whole = found.segments[0]
    return (
        offset + 1e-6 * found.drift_ppm * float(whole.start - found.at),
        offset + 1e-6 * found.drift_ppm * float(whole.end - found.at),
    )


def _answer(limit: Limit, part: _Part, allowance: float) -> Answer:
    if part.interval is None or not _is_known(part.interval, part.probability):
        return "cannot tell"
    low, high = part.interval
    return limit.answer((low - allowance, high + allowance))


def _worst(answers: Sequence[Answer]) -> Answer:
    if "fails" in answers:
        return "fails"
    return "passes" if answers and all(answer == "passes" for answer in answers) else "cannot tell"


def _told_parts(segments: Sequence[Segment]) -> str:
    told = []
    for part in segments[:_MOST_PARTS]:
        said = "unknown" if part.offset_seconds is None else early_or_late(part.offset_seconds)
        told.append(f"{said} from {float(part.start):.1f} s")
    more = len(segments) - _MOST_PARTS
    return ", ".join([*told, *([f"and {more} more"] if more > 0 else [])])
