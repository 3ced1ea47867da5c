"""Put the sound of a file in step: move it by the measured offset, measure again, keep it only if it is better."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from genlock.core.errors import GenlockError, MediaError, OptionError, OutputError
from genlock.core.files import atomic_path
from genlock.core.one_line import one_line
from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.measurement import SyncMeasurement
from genlock.lipsync.verdicts import describe_offset
from genlock.media.opening import is_url
from genlock.media.remux import WriteReport
from genlock.media.retime import check_retime_target, number_of_the_sound, write_retimed

__all__ = ["Repair", "refusal_of", "repair_file", "repair_target"]

#: What is still farther out of step after the repair was not understood in the first place.
STILL_OUT_SECONDS = 0.040
#: A best estimate up to this is left alone where its interval holds 0: moving the sound would help as often as harm.
SMALL_SECONDS = 0.010
#: Stretches of a file whose offsets differ by more cannot be put in step by one shift.
SPLICE_SECONDS = 0.040


@dataclass(frozen=True)
class Repair:
    """What became of the wish to repair a file."""

    status: Literal["repaired", "not needed", "refused", "failed"]
    """``repaired``: the file was written; else there is none. ``failed``: it could not be written or read back."""
    path: str | None = None
    """The repaired file."""
    shift_seconds: float | None = None
    """What was added to the sound's time stamps: the offset that was measured."""
    written: WriteReport | None = None
    """How it was written."""
    after: Estimate | None = None
    """The offset measured in the repaired file."""
    reason: str = ""
    """Why nothing was written."""
    notes: tuple[str, ...] = ()
    """What one shift cannot repair, and what else to know about the copy."""

    __repr__ = one_line

    def __post_init__(self) -> None:
        if (self.status == "repaired") != (self.written is not None):
            raise OptionError(f"a repair that is {self.status!r} has a written file, or none, accordingly")

    def to_dict(self) -> dict[str, Any]:
        """``status``, ``path``, ``shift_seconds``, ``shift_made_seconds``, ``video``, ``sound``, the offset after
        it, ``reason``, ``notes[]``, ``left_out[]`` (what of the original the copy does not hold)."""
        after, written = self.after, self.written
        made = None if written is None or written.shift_made is None else float(written.shift_made)
        return {
            "status": self.status,
            "path": self.path,
            "shift_seconds": self.shift_seconds,
            "shift_made_seconds": made,
            "video": None if written is None else written.video,
            "sound": None if written is None else written.sound,
            "offset_after_seconds": None if after is None else after.offset_seconds,
            "interval_after_seconds": None
            if after is None or after.interval_seconds is None
            else list(after.interval_seconds),
            "reason": self.reason,
            "notes": list(self.notes),
            "left_out": [] if written is None else list(written.left_out),
        }

    def __str__(self) -> str:
        if self.written is None or self.shift_seconds is None or self.after is None:
            return f"repair {self.status}: {self.reason}"
        how = {
            "copied": "every packet copied",
            "encoded": "video copied, sound cut to the sample and encoded again",
        }
        lines = [
            f"wrote {self.path}: the sound {'waits' if self.shift_seconds > 0 else 'comes earlier by'} "
            f"{abs(self.shift_seconds) * 1000:.0f} ms ({how[self.written.sound or 'copied']})",
            f"measured again: {describe_offset(self.after.offset_seconds or 0.0)}",
            *(f"note: {note}" for note in self.notes),
            *(f"left out: {line}" for line in self.written.left_out),
        ]
        return "\n".join(lines)


def repair_target(file: str | os.PathLike[str], wanted: str | os.PathLike[str]) -> Path:
    """The file that a repair writes: what was named, or a file of the same name in a folder that was named.

    >>> str(repair_target("talk.mp4", "fixed/"))
    'fixed/talk.mp4'

    Raises
    ------
    OptionError
        If that is the file itself.
    """
    name, target = os.fspath(file), Path(wanted)
    if target.is_dir() or os.fspath(wanted).endswith(("/", os.sep)):
        target = target / (Path(name.split("?")[0]).name if is_url(name) else Path(name).name)
    if not is_url(name) and target.exists() and Path(name).exists() and target.samefile(name):
        raise OptionError(
            f"--fix {str(target)!r} is the file itself, and the original is never touched; name another file"
        )
    return target


def refusal_of(target: str | os.PathLike[str]) -> Repair | None:
    """What speaks against a target whatever will be measured; None: nothing.

    >>> refusal_of("fixed.mp4") is None
    True
    >>> refusal_of("fixed.xyz").reason
    "'fixed.xyz': the ending '.xyz' names no container; use .mp4, .mkv, .mov or .webm"
    """
    try:
        check_retime_target(target)
    except OutputError as error:
        return Repair("refused", reason=str(error))
    return None


def repair_file(
    file: str | os.PathLike[str],
    target: str | os.PathLike[str],
    found: SyncMeasurement,
    measure_again: Callable[[Path], SyncMeasurement],
    least_probability: float = 0.5,
    *,
    sound: int | None = None,
    all_sounds: bool = False,
) -> Repair:
    """Write ``file`` with its sound moved by the offset that was found, if that can be trusted and helps.

    Nothing else of the file changes (:func:`genlock.media.retime.retime`), or the result says what did.

    Parameters
    ----------
    found : what was measured in ``file``
    measure_again : measures the repaired file in the same way
    least_probability : how sure the measurement must be, 0...1
    sound : number of the sound that was measured; None: the default one
    all_sounds : whether the other sounds are moved by as much

    Returns
    -------
    Repair
        Also where the file cannot be written: ``failed``, with the reason. Nothing is left half-written.
    """
    reason = _reason_against(found, least_probability)
    if reason:
        return Repair("refused", reason=reason)
    before = found.estimate
    assert before.offset_seconds is not None
    assert before.interval_seconds is not None
    low, high = before.interval_seconds
    if low <= 0 <= high and abs(before.offset_seconds) <= SMALL_SECONDS:
        return Repair(
            "not needed",
            reason=f"{describe_offset(before.offset_seconds)}, and 0 lies within the 90 % interval",
        )
    place = Path(target)
    shift = Fraction(round(before.offset_seconds * 1_000_000), 1_000_000)
    temporary = place
    try:
        number, count = number_of_the_sound(file, sound)
        with atomic_path(place) as temporary:
            only = None if all_sounds else [number]
            written = write_retimed(file, temporary, place, shift, only)
            after = measure_again(temporary).estimate
            _require_better(before, after)
    except _NotBetter as error:
        return Repair("refused", shift_seconds=float(shift), reason=str(error))
    except (OutputError, MediaError) as error:
        reason = str(error).replace(str(temporary), str(place)).replace(temporary.name, place.name)
        return Repair("failed", shift_seconds=float(shift), reason=reason)
    notes = (*_limits_of_one_shift(found), *_other_sounds(number, count, all_sounds), *written.notes)
    written = replace(written, path=str(place))
    return Repair("repaired", str(place), float(shift), written, after, notes=notes)


def _reason_against(found: SyncMeasurement, least_probability: float) -> str:
    """Why a measurement does not bear a repair, or nothing."""
    estimate = found.estimate
    if estimate.offset_seconds is None or estimate.probability is None:
        return f"the offset is unknown ({estimate.reason})"
    if estimate.probability < least_probability:
        return (
            f"too uncertain to repair: the offset is right to 40 ms with a probability of only "
            f"{estimate.probability:.2f}; listen first"
        )
    known = [part for part in found.segments if part.offset_seconds is not None]
    offsets = [part.offset_seconds or 0.0 for part in known]
    if known and max(offsets) - min(offsets) > SPLICE_SECONDS:
        said = ", ".join(
            f"{offset * 1000:+.0f} ms from {float(part.start):.1f} s"
            for part, offset in zip(known, offsets, strict=True)
        )
        return f"the offset jumps ({said}; +: sound early), so that one shift cannot repair it; cut the file there"
    return ""


def _limits_of_one_shift(found: SyncMeasurement) -> tuple[str, ...]:
    """What stays out of step where the offset drifts."""
    low, high = found.drift_interval_ppm or (0.0, 0.0)
    if found.drift_ppm is None or low <= 0 <= high or not found.segments:
        return ()
    at = found.at
    reach = float(max(at - found.segments[0].start, found.segments[-1].end - at))
    return (
        f"the offset drifts by {found.drift_ppm:+.0f} ppm: in step at {float(at):.1f} s, "
        f"{abs(found.drift_ppm) * 1e-3 * reach:.0f} ms out of step at the ends",
    )


def _other_sounds(number: int, count: int, all_sounds: bool) -> tuple[str, ...]:
    """What became of the sound streams that were not measured."""
    if count == 1:
        return ()
    if all_sounds:
        return (f"one of {count} sound streams was measured, all were moved alike",)
    return (
        f"sound {number} of {count} was measured and moved, the others stay where they were; --all-sound moves all",
    )


class _NotBetter(GenlockError):
    """A repaired file is no better than the one it was made of."""


def _require_better(before: Estimate, after: Estimate) -> None:
    assert before.offset_seconds is not None
    was = describe_offset(before.offset_seconds)
    if after.offset_seconds is None:
        raise _NotBetter(f"before it {was}; after it the offset is unknown ({after.reason})")
    left = abs(after.offset_seconds)
    if left >= abs(before.offset_seconds) or left > STILL_OUT_SECONDS:
        raise _NotBetter(
            f"measured again it is not better: {was} before it, {describe_offset(after.offset_seconds)} after it"
        )
