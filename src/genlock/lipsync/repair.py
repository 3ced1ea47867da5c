"""Put the sound of a file in step: move it, take out its drift, close its splices; measure again, keep it if better."""

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
from genlock.core.time import microseconds
from genlock.core.warp import Warp
from genlock.lipsync.correction import correction_of, jumps
from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.measurement import SyncMeasurement
from genlock.lipsync.summary import told_offsets, worst_offset
from genlock.lipsync.verdicts import describe_offset
from genlock.media.laid_sound import Laid, write_laid
from genlock.media.opening import is_url
from genlock.media.remux import WriteReport
from genlock.media.retime import check_retime_target, number_of_the_sound, write_retimed

__all__ = [
    "Repair",
    "move_by_hand",
    "needs_repair",
    "refusal_of",
    "repair_file",
    "repair_target",
    "repaired_name",
]

#: What is still farther out of step after the repair was not understood in the first place.
STILL_OUT_SECONDS = 0.040
#: A best estimate up to this is left alone where its interval holds 0: moving the sound would help as often as harm.
SMALL_SECONDS = 0.010
#: Time stamps of many containers are whole milliseconds: nobody is helped by a shift of less, however exactly known.
EXACT_SECONDS = 0.001


@dataclass(frozen=True)
class Repair:
    """What became of the wish to repair a file."""

    status: Literal["repaired", "not needed", "refused", "failed"]
    """``repaired``: the file was written; else there is none. ``failed``: it could not be written or read back."""
    path: str | None = None
    """The repaired file."""
    shift_seconds: float | None = None
    """What was added to the sound's time stamps: the offset that was measured. None where one shift is not enough."""
    warp: Warp | None = None
    """From the sound's instants to those of the picture, where the sound was laid anew: with a drift, or jumps."""
    silence_seconds: float = 0.0
    """Silence that was put in where the sound had to wait."""
    dropped_seconds: float = 0.0
    """Sound that was left out where it had to come earlier."""
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
        """``status``, ``path``, ``shift_seconds``, ``shift_made_seconds``, ``warp`` (with ``silence_seconds`` and
        ``dropped_seconds``), ``video``, ``sound``, the offset after it, ``reason``, ``notes[]``, ``left_out[]`` (what
        of the original the copy does not hold)."""
        after, written = self.after, self.written
        made = None if written is None or written.shift_made is None else float(written.shift_made)
        return {
            "status": self.status,
            "path": self.path,
            "shift_seconds": self.shift_seconds,
            "shift_made_seconds": made,
            "warp": None if self.warp is None else self.warp.to_dict(),
            "silence_seconds": self.silence_seconds,
            "dropped_seconds": self.dropped_seconds,
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
        if self.written is None or self.after is None:
            return f"repair {self.status}: {self.reason}"
        lines = [
            f"wrote {self.path}: {self._what()}",
            f"measured again: {describe_offset(self.after.offset_seconds or 0.0)}",
            *(f"note: {note}" for note in self.notes),
            *(f"left out: {line}" for line in self.written.left_out),
        ]
        return "\n".join(lines)

    def _what(self) -> str:
        """What was done to the sound."""
        assert self.written is not None
        if self.warp is not None:
            return told_warp(self.warp, self.silence_seconds, self.dropped_seconds)
        how = {
            "copied": "every packet copied",
            "encoded": "video copied, sound cut to the sample and encoded again",
        }
        shift = self.shift_seconds or 0.0
        return (
            f"the sound {'waits' if shift > 0 else 'comes earlier by'} "
            f"{abs(shift) * 1000:.0f} ms ({how[self.written.sound or 'copied']})"
        )


def told_warp(warp: Warp, silence_seconds: float, dropped_seconds: float) -> str:
    """What became of a sound that was laid anew, in words.

    >>> told_warp(Warp.sync(0, drift_ppm=-500), 0.0, 0.0)
    'the sound runs at 0.99950 of its length; video copied, sound encoded again'
    """
    slope = warp.before or Fraction(1)
    parts = [] if slope == 1 else [f"the sound runs at {float(slope):.5f} of its length"]
    pieces = len({(piece.slope, piece.shift) for piece in warp.pieces()})
    if pieces > 1:
        parts.append(f"the sound is laid in {pieces} pieces")
    if silence_seconds:
        parts.append(f"{silence_seconds:.3f} s of silence put in")
    if dropped_seconds:
        parts.append(f"{dropped_seconds:.3f} s of it left out")
    return f"{', '.join(parts) or 'the sound is laid anew'}; video copied, sound encoded again"


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


def repaired_name(name: str) -> str:
    """A name for the repaired copy of a file: in a container that can be repaired.

    >>> repaired_name("films/talk.mp4"), repaired_name("talk.rmvb")
    ('films/talk.repaired.mp4', 'talk.repaired.mkv')
    """
    stem, ending = os.path.splitext(name)
    return f"{stem}.repaired{ending if refusal_of(f'a{ending}') is None else '.mkv'}"


def needs_repair(found: SyncMeasurement, least_probability: float = 0.5) -> bool:
    """Whether :func:`repair_file` would move the sound: what was measured is sure enough, and is not in step already.

    >>> from genlock.lipsync.estimators.base import Estimate
    >>> late = Estimate(-0.2, (-0.21, -0.19), 0.97, "lips")
    >>> needs_repair(SyncMeasurement(late, Fraction(2))), needs_repair(SyncMeasurement(late, Fraction(2)), 0.99)
    (True, False)
    """
    if _reason_against(found, least_probability):
        return False
    try:
        return correction_of(found) is not None or not _stands(found.estimate)
    except OptionError:  # the offsets that were found cannot be one Warp: a repair is refused
        return False


def repair_file(
    file: str | os.PathLike[str],
    target: str | os.PathLike[str],
    found: SyncMeasurement,
    measure_again: Callable[[Path], SyncMeasurement],
    least_probability: float = 0.5,
    *,
    sound: int | None = None,
    all_sounds: bool = False,
    alone: bool = False,
) -> Repair:
    """Write ``file`` with its sound put in step, if what was found can be trusted and that helps.

    One offset is a shift of the sound, of which nothing else changes (:func:`genlock.media.retime.retime`). A drift is
    taken out by resampling, and jumps are closed by silence, or by leaving sound out
    (:func:`genlock.media.laid_sound.lay_sounds`); the sound is encoded again then.

    Parameters
    ----------
    found : what was measured in ``file``
    measure_again : measures the repaired file in the same way
    least_probability : how sure the measurement must be, 0...1
    sound : number of the sound that was measured; None: the default one
    all_sounds : whether the other sounds are moved by as much
    alone : whether the other sounds are seen to by themselves, so that nothing need be said of them

    Returns
    -------
    Repair
        Also where the file cannot be written: ``failed``, with the reason. Nothing is left half-written.
    """
    reason = _reason_against(found, least_probability)
    if reason:
        return Repair("refused", reason=reason)
    try:
        warp = correction_of(found)
    except OptionError as error:
        return Repair("refused", reason=str(error))
    if warp is None and _stands(found.estimate):
        offset = found.estimate.offset_seconds or 0.0
        return Repair("not needed", reason=f"{describe_offset(offset)}, and 0 lies within the 90 % interval")
    place = Path(target)
    shift = None if warp is not None else microseconds(found.estimate.offset_seconds or 0.0)
    plain = Repair("failed", shift_seconds=None if shift is None else float(shift), warp=warp)
    temporary = place
    try:
        number, count = number_of_the_sound(file, sound)
        with atomic_path(place) as temporary:
            only = None if all_sounds else [number]
            laid = _write(file, temporary, place, shift, warp, only)
            after = measure_again(temporary)
            _require_better(found, after)
    except _NotBetter as error:
        return replace(plain, status="refused", reason=str(error))
    except (OutputError, MediaError) as error:
        reason = str(error).replace(str(temporary), str(place)).replace(temporary.name, place.name)
        return replace(plain, reason=reason)
    others = () if alone else _other_sounds(number, count, all_sounds)
    notes = (*_not_matched(found, warp), *others, *laid.written.notes)
    return replace(
        plain,
        status="repaired",
        path=str(place),
        silence_seconds=float(laid.silence_seconds),
        dropped_seconds=float(laid.dropped_seconds),
        written=replace(laid.written, path=str(place)),
        after=after.estimate,
        notes=notes,
    )


def move_by_hand(
    file: str | os.PathLike[str],
    target: str | os.PathLike[str],
    shift: Fraction,
    measure_again: Callable[[Path], SyncMeasurement],
    *,
    sound: int | None = None,
    all_sounds: bool = False,
) -> Repair:
    """Write ``file`` with its sound moved by what a person has heard, whatever is measured before and after.

    Parameters
    ----------
    shift : exact seconds; positive: the sound plays later
    measure_again : measures the moved file, to be told
    sound : number of the sound to move; None: the default one
    all_sounds : whether the other sounds are moved by as much

    Returns
    -------
    Repair
        Also where the file cannot be written: ``failed``, with the reason. Nothing is left half-written.
    """
    place = temporary = Path(target)
    plain = Repair("failed", shift_seconds=float(shift))
    try:
        number, count = number_of_the_sound(file, sound)
        with atomic_path(place) as temporary:
            written = write_retimed(file, temporary, place, shift, None if all_sounds else [number])
            after = measure_again(temporary)
    except (OutputError, MediaError) as error:
        reason = str(error).replace(str(temporary), str(place)).replace(temporary.name, place.name)
        return replace(plain, reason=reason)
    return replace(
        plain,
        status="repaired",
        path=str(place),
        written=replace(written, path=str(place)),
        after=after.estimate,
        notes=(*_other_sounds(number, count, all_sounds), *written.notes),
    )


def _stands(estimate: Estimate) -> bool:
    """Whether moving the sound would help as often as harm."""
    low, high = estimate.interval_seconds or (0.0, 0.0)
    away = abs(estimate.offset_seconds or 0.0)
    return away <= EXACT_SECONDS or (low <= 0 <= high and away <= SMALL_SECONDS)


def _write(
    file: str | os.PathLike[str],
    temporary: Path,
    place: Path,
    shift: Fraction | None,
    warp: Warp | None,
    only: list[int] | None,
) -> Laid:
    """The copy, by one shift where that is enough: no sample changes then."""
    if warp is not None:
        return write_laid(file, temporary, place, warp, only)
    assert shift is not None
    return Laid(write_retimed(file, temporary, place, shift, only), Fraction(0), Fraction(0))


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
    unsure = [
        part
        for part in found.segments
        if jumps(found) and part.offset_seconds is not None and (part.probability or 0.0) < least_probability
    ]
    if unsure:
        said = ", ".join(f"from {float(part.start):.1f} to {float(part.end):.1f} s" for part in unsure)
        return f"the offset jumps, and it is too uncertain {said}; listen first"
    return ""


def _not_matched(found: SyncMeasurement, warp: Warp | None) -> tuple[str, ...]:
    """What became of stretches in which no offset is known."""
    if warp is None:
        return ()
    return tuple(
        f"from {float(part.start):.1f} to {float(part.end):.1f} s the offset is unknown: that sound was moved as its "
        "neighbour"
        for part in found.segments
        if part.offset_seconds is None
    )


def _other_sounds(number: int, count: int, all_sounds: bool) -> tuple[str, ...]:
    """What became of the sound streams that were not measured."""
    if count == 1:
        return ()
    if all_sounds:
        return (f"one of {count} sound streams was measured, all were moved alike",)
    return (
        f"sound {number} of {count} was measured and moved, the others stay where they were; --all-sound moves all "
        "alike, --each-sound measures each by itself",
    )


class _NotBetter(GenlockError):
    """A repaired file is no better than the one it was made of."""


def _require_better(before: SyncMeasurement, after: SyncMeasurement) -> None:
    was = f"before it {told_offsets(before)}"
    if after.estimate.offset_seconds is None:
        raise _NotBetter(f"{was}; after it the offset is unknown ({after.estimate.reason})")
    left = worst_offset(after)
    if left >= worst_offset(before) or left > STILL_OUT_SECONDS:
        raise _NotBetter(f"measured again it is not better: {was}, after it {told_offsets(after)}")
