"""SMPTE ST 12 timecode: hours, minutes, seconds and frames, with or without dropped frame *numbers*.

Drop-frame timecode skips the numbers 0 and 1 (0 to 3 at 59.94) at the start of each minute that is not
a multiple of ten, so that the label stays within a frame or two of the wall clock; no picture is dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from genlock.core.errors import OptionError
from genlock.core.time import Exact, exact_rate, round_fraction

__all__ = ["Timecode"]

_FORM = re.compile(r"^(\d{2}):(\d{2}):(\d{2})([:;.])(\d{2,3})$")


@dataclass(frozen=True)
class Timecode:
    """A frame number with its rate, read and written as ``HH:MM:SS:FF`` (``;`` before FF if drop-frame).

    >>> tc = Timecode.parse("00:01:00;02", "30000/1001")
    >>> tc.frame, str(tc), tc.seconds == Fraction(1800 * 1001, 30000)
    (1800, '00:01:00;02', True)

    Raises
    ------
    OptionError
        For a label that no frame has (``00:01:00;00`` in drop-frame), or drop-frame at a rate without it.
    """

    frame: int
    """Number of frames since ``00:00:00:00``; not below zero."""
    rate: Fraction
    """Frames per second, exactly; at least 1/2, so that a second of the label counts a frame."""
    drop: bool = False
    """True for drop-frame numbering; only at 30000/1001 and 60000/1001."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", exact_rate(self.rate))
        if self.frame < 0:
            raise OptionError(f"timecode frame {self.frame} is below zero")
        if self.nominal < 1:
            raise OptionError(f"timecode counts whole frames of a second; there are none at {self.rate}")
        if self.drop and self.rate not in (Fraction(30000, 1001), Fraction(60000, 1001)):
            raise OptionError(f"drop-frame timecode exists at 29.97 and 59.94, not at {self.rate}")

    @property
    def nominal(self) -> int:
        """Frames that one second of the label counts (30 at 29.97)."""
        return round_fraction(self.rate, "nearest")

    @property
    def seconds(self) -> Fraction:
        """True time since ``00:00:00:00``, in exact seconds."""
        return self.frame / self.rate

    @classmethod
    def parse(cls, text: str, rate: Exact) -> Timecode:
        """Read a label at a rate; ``;`` or ``.`` before the frames means drop-frame."""
        exact_frames = exact_rate(rate)
        found = _FORM.match(text.strip())
        if not found:
            raise OptionError(f"{text!r} is not a timecode; write HH:MM:SS:FF, or HH:MM:SS;FF for drop-frame")
        hours, minutes, seconds, frames = (int(found[i]) for i in (1, 2, 3, 5))
        drop = found[4] != ":"
        nominal = round_fraction(exact_frames, "nearest")
        skipped = _skipped_each_minute(nominal) if drop else 0
        bad = minutes > 59 or seconds > 59 or frames >= nominal
        if bad or (seconds == 0 and minutes % 10 and frames < skipped):
            raise OptionError(f"no frame has the timecode {text!r} at {exact_frames} frames per second")
        total_minutes = 60 * hours + minutes
        count = (60 * total_minutes + seconds) * nominal + frames
        return cls(count - skipped * (total_minutes - total_minutes // 10), exact_frames, drop)

    def __str__(self) -> str:
        number, nominal = self.frame, self.nominal
        if self.drop:
            skipped = _skipped_each_minute(nominal)
            per_minute = 60 * nominal - skipped
            tens, rest = divmod(number, 10 * per_minute + skipped)
            number += 9 * skipped * tens + skipped * max(0, (rest - skipped) // per_minute)
        seconds, frames = divmod(number, nominal)
        width = 3 if nominal > 100 else 2
        mark = ";" if self.drop else ":"
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{mark}{frames:0{width}d}"


def _skipped_each_minute(nominal: int) -> int:
    return nominal // 15
