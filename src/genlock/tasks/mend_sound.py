"""A film's sound laid anew by a Warp that somebody has seen and corrected: splices closed, drift taken out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, OptionError
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.core.time import exact
from genlock.core.warp import Warp
from genlock.lipsync.correction import warp_of_stretches
from genlock.media.laid_sound import lay_sounds
from genlock.media.remux import WriteReport
from genlock.media.retime import number_of_the_sound
from genlock.tasks.sync_video import SyncOptions, SyncResult, sync_video

__all__ = ["MendOptions", "Mended", "mend_sound", "warp_of"]

_MOST_STRETCHES = 1000


@dataclass(frozen=True)
class MendOptions:
    """How the sound is laid anew."""

    stretches: str = "0:0"
    """Offsets in milliseconds from an instant on, ``SECONDS:MILLISECONDS`` with commas: ``0:80,61.2:-40`` makes the
    sound wait 80 ms, and from second 61.2 of it come 40 ms earlier than it does. Before the first instant the first
    offset holds."""
    drift_ppm: Fraction = Fraction(0)
    """How much later the sound has to come with every second, in millionths, -100,000...100,000."""
    drift_at: Fraction = Fraction(0)
    """The instant at which drift begins to be counted, in seconds."""

    def __post_init__(self) -> None:
        for name in ("drift_ppm", "drift_at"):
            object.__setattr__(self, name, exact(getattr(self, name)))
        if abs(self.drift_ppm) > 100_000:
            raise OptionError(f"a drift of {self.drift_ppm} ppm lies outside -100,000...100,000")
        warp_of(self)


@dataclass(frozen=True)
class Mended:
    """What was written, and what is measured in it."""

    path: Path
    """The file."""
    warp: Warp
    """From the film's sound to its picture."""
    silence_seconds: float
    """Silence that was put where the sound had to wait."""
    dropped_seconds: float
    """Sound that was left out where it had to come earlier."""
    written: WriteReport
    """How it was written."""
    after: SyncResult
    """The offset, measured again."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``path``, ``warp``, ``silence_seconds``, ``dropped_seconds``, ``after`` (as ``genlock sync`` tells it)."""
        return {
            "path": str(self.path),
            "warp": self.warp.to_dict(),
            "silence_seconds": self.silence_seconds,
            "dropped_seconds": self.dropped_seconds,
            "after": self.after.to_dict(),
        }

    def __str__(self) -> str:
        laid = (
            f"{self.silence_seconds:.3f} s of silence put in, {self.dropped_seconds:.3f} s of sound left out"
        )
        return f"wrote {self.path.name}: {laid}; measured again: {self.after.sentence}"


def warp_of(options: MendOptions) -> Warp:
    """The Warp from sound to picture that the options say.

    >>> warp = warp_of(MendOptions("0:100,10:-50"))
    >>> float(warp(5)), float(warp(20))
    (5.1, 19.95)

    Raises OptionError if an instant or an offset cannot be read, or they are not in order.
    """
    parts = [part for part in options.stretches.split(",") if part.strip()]
    try:
        said = [tuple(exact(value.strip()) for value in part.split(":")) for part in parts]
    except (FormatError, ValueError, OptionError) as error:
        raise OptionError(f"stretches={options.stretches!r} cannot be read: {error}") from error
    if not said or len(said) > _MOST_STRETCHES or any(len(pair) != 2 for pair in said):
        raise OptionError(
            f"stretches={options.stretches!r}: say SECONDS:MILLISECONDS, with commas between them"
        )
    if any(after[0] <= before[0] for before, after in pairwise(said)):
        raise OptionError(f"stretches={options.stretches!r} are not in order")
    stretches = [(instant, offset / 1000) for instant, offset in said]
    return warp_of_stretches(stretches, options.drift_ppm, options.drift_at)


def mend_sound(
    file: str | os.PathLike[str],
    target: str | os.PathLike[str],
    options: MendOptions,
    progress: Progress = silent,
) -> Mended:
    """Write a film whose sound is laid anew, its picture copied; then measure it again.

    Where the sound waits there is silence, where it comes earlier a piece is left out, to the sample; a drift is taken
    out by resampling. The sound is encoded again.

    Raises
    ------
    NoStream
        If the film has no picture or no sound.
    OutputError
        If the target cannot be written; nothing is left half-written.
    """
    warp = warp_of(options)
    progress("lay", 0, 1)
    laid = lay_sounds(file, target, warp, only=[number_of_the_sound(file)[0]])
    after = sync_video(target, SyncOptions(), progress)
    return Mended(
        Path(target), warp, float(laid.silence_seconds), float(laid.dropped_seconds), laid.written, after
    )
