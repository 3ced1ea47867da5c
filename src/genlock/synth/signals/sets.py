"""A folder of test signals: versioned, the same for the same seed, with the truth beside each clip."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from genlock.core.errors import OptionError
from genlock.core.files import make_folders
from genlock.core.json_forms import write_json
from genlock.core.one_line import one_line
from genlock.core.time import Exact, exact, fraction_text
from genlock.synth.signals.clips import SIGNAL_VERSION, SignalOptions, describe, make_signal
from genlock.synth.signals.truth import SyncTruth, truth_path

__all__ = ["SetOptions", "SignalClip", "make_signal_set", "plan_signal_set"]

_RATES = ("24000/1001", "24", "25", "30000/1001", "30", "50", "60", "variable")
_ENDINGS = (".mp4", ".mkv", ".mov", ".ts", ".mpg", ".webm")
_DRIFTS = (0, 0, 0, 0, 20, -50, 145, -1000)  # ppm; every second clip has none


@dataclass(frozen=True)
class SetOptions:
    """What a set of signals holds.

    >>> SetOptions(count=4).reach_seconds
    Fraction(1, 1)
    """

    count: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 24
    """Number of clips, 1...100000."""
    seconds: Exact = 10
    """Length of each, in seconds, 2...14400."""
    reach_seconds: Exact = 1
    """Offsets are drawn evenly within +- so many seconds, 0...1.5, at any fraction of a frame."""
    drift: bool = True
    """Whether every other clip drifts, by 20 to 1000 ppm."""
    width: int = 320
    """Pixels, even."""
    height: int = 180
    """Pixels, even."""
    seed: int = 0
    """Seed of all that is drawn, not below zero."""

    def __post_init__(self) -> None:
        for name in ("seconds", "reach_seconds"):
            object.__setattr__(self, name, exact(getattr(self, name)))
        if (
            not 1 <= self.count <= 100_000
            or not 0 <= exact(self.reach_seconds) <= Fraction(3, 2)
            or self.seed < 0
        ):
            raise OptionError(
                f"count={self.count} must lie in 1...100000, reach_seconds={self.reach_seconds} in 0...1.5, "
                f"seed={self.seed} not below 0"
            )


@dataclass(frozen=True)
class SignalClip:
    """One clip of a set."""

    name: str
    """Its file name."""
    options: SignalOptions
    """How it is made."""
    truth: SyncTruth | None = None
    """What is planted in it, once it is made."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, object]:
        """A JSON form."""
        truth = self.truth
        offset = None if truth is None else truth.offset_seconds
        return {
            "name": self.name,
            "what": describe(self.options),
            "offset_seconds": None if offset is None else float(offset),
            "offset_exact": None if offset is None else fraction_text(offset),
            "drift_ppm": None if truth is None else truth.drift_ppm,
        }


def plan_signal_set(options: SetOptions | None = None) -> tuple[SignalClip, ...]:
    """What the clips of a set will be: every rate and container in turn, the rest drawn by the seed.

    A set of n clips begins with those of every smaller set of the same seed.

    >>> [clip.name for clip in plan_signal_set(SetOptions(count=3))]
    ['0000-flashes.mp4', '0001-motion.mkv', '0002-flashes.mov']
    """
    how = options or SetOptions()
    return tuple(_clip(how, number) for number in range(how.count))


def _clip(how: SetOptions, number: int) -> SignalClip:
    draw = np.random.default_rng([how.seed, number])
    kind = "motion" if number % 4 == 1 else "flashes"
    rate = _RATES[(number + number // len(_RATES)) % len(_RATES)]
    ending = _ENDINGS[number % len(_ENDINGS)]
    if rate == "variable" and ending == ".mpg":
        ending = ".mp4"  # MPEG-2 counts frames of one rate
    reach = round(exact(how.reach_seconds) * 10**6)
    late_starts = draw.random() < 0.5
    starts = [Fraction(int(draw.integers(0, 90)), 90), Fraction(int(draw.integers(0, 1000)), 1000)]
    return SignalClip(
        f"{number:04d}-{kind}{ending}",
        SignalOptions(
            kind="motion" if kind == "motion" else "flashes",
            width=how.width,
            height=how.height,
            rate=30 if rate == "variable" else Fraction(rate),
            variable_rate=rate == "variable",
            duration_seconds=how.seconds,
            offset_seconds=Fraction(int(draw.integers(-reach, reach + 1)), 10**6),
            drift_ppm=_DRIFTS[int(draw.integers(len(_DRIFTS)))] if how.drift else 0,
            picture_start=starts[0] if late_starts else 0,
            sound_start=starts[1] if late_starts else 0,
            on_edges=kind == "motion" or draw.random() < 0.8,
            frequency_hz=float(draw.choice([440.0, 1000.0, 2500.0])),
            noise_decibels=round(float(draw.uniform(-70, -40)), 1),
            seed=int(draw.integers(2**31)),
        ),
    )


def make_signal_set(
    folder: str | os.PathLike[str], options: SetOptions | None = None
) -> Iterator[SignalClip]:
    """Make the clips of a set one after the other, each with ``CLIP.truth.json`` beside it, and list them.

    What is there already, of the same version and seed, is made again and comes out the same. ``signals.json``, written
    last, lists all clips.

    Raises
    ------
    OutputError
        If a clip cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> small = SetOptions(count=1, seconds=2, width=64, height=48)
    >>> with tempfile.TemporaryDirectory() as where:
    ...     [(clip.name, clip.truth.kind) for clip in make_signal_set(where, small)]
    [('0000-flashes.mp4', 'flashes')]
    """
    how, where = options or SetOptions(), Path(folder)
    make_folders(where)
    made = []
    for clip in plan_signal_set(how):
        truth = make_signal(where / clip.name, clip.options)
        truth.save(truth_path(where / clip.name))
        done = SignalClip(clip.name, clip.options, truth)
        made.append(done.to_dict())
        yield done
    listing = {"kind": "signal set", "version": SIGNAL_VERSION, "seed": how.seed, "clips": made}
    write_json(where / "signals.json", listing)
