"""Clips whose sync is known exactly: flashes with beeps, and a shape that moves as a tone swells.

Flashes lie on the edges of frames (or anywhere within them, if wanted), beeps at any instant; the moving shape
is drawn as it is at the middle of each frame's cell. Any frame rate, also a variable one; offset, drift and the
starts of both streams are planted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.spans import Span, Spans
from genlock.core.time import Exact, exact, exact_rate, fraction_text, round_fraction
from genlock.core.warp import Warp
from genlock.media import Picture, Sound, clock_of, encode
from genlock.synth.signals.sounds import beep, room_noise
from genlock.synth.signals.truth import SyncTruth

__all__ = ["CODECS", "SIGNAL_VERSION", "SignalOptions", "make_signal", "render_signal", "uneven_ticks"]

#: Raised whenever the same options give another clip than before.
SIGNAL_VERSION = 1

#: Encoders of picture and sound by a target's ending.
CODECS: Mapping[str, tuple[str, str]] = {
    ".mp4": ("libx264", "aac"),
    ".mov": ("libx264", "pcm_s16le"),
    ".mkv": ("libx264", "libopus"),
    ".webm": ("libvpx", "libopus"),
    ".ts": ("libx264", "aac"),
    ".mpg": ("mpeg2video", "mp2"),
    ".avi": ("mpeg4", "pcm_s16le"),
}
_SETTINGS: Mapping[str, Mapping[str, str]] = {
    "libx264": {"crf": "23", "preset": "veryfast"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "b": "1M"},
    "mpeg2video": {"qmin": "3", "qmax": "6"},
    "mpeg4": {"qmin": "3", "qmax": "6"},
}

Pixels = npt.NDArray[np.uint8]
Array = npt.NDArray[np.float64]

_TICK = Fraction(1, 90000)  # of a variable rate
_BEEP_SECONDS = Fraction(1, 20)
_LEVEL = 0.4
_SWELL_STEP = 0.25  # seconds between the points through which the movement passes


@dataclass(frozen=True)
class SignalOptions:
    """What a test signal is.

    >>> SignalOptions(rate="23.976").rate
    Fraction(24000, 1001)
    """

    kind: Literal["flashes", "motion"] = "flashes"
    """``flashes`` with beeps, or ``motion``: a bar that grows as a tone swells."""
    width: int = 320
    """Pixels, even, 32...7680."""
    height: int = 180
    """Pixels, even, 32...7680."""
    rate: Exact = 25
    """Frames per second, exactly; of a variable rate the nominal one."""
    variable_rate: bool = False
    """Draw each frame's duration among 1/2, 1, 3/2 and 2 nominal ones, by ``seed``."""
    duration_seconds: Exact = 10
    """Length from the moment when both streams run, in seconds, 2...14400."""
    sound_rate: int = 48000
    """Samples per second, 8000...192000."""
    offset_seconds: Exact = 0
    """How early the sound is (positive: early), in the middle of the clip, in seconds, within +-1.5."""
    drift_ppm: Exact = 0
    """How much slower the sound runs than the picture, in millionths: ``W(t) = t + offset + drift 1e-6 (t - at)``."""
    picture_start: Exact = 0
    """Instant of the first frame on the media clock, in seconds, not below zero."""
    sound_start: Exact = 0
    """Instant of the first sample on the media clock, in seconds, not below zero; put on a whole sample."""
    on_edges: bool = True
    """Let flashes begin on the edge of a frame; else anywhere within it, where no picture can show it."""
    frequency_hz: float = 1000.0
    """Pitch of the beeps or of the tone, 100...0.4 of the sample rate."""
    noise_decibels: float = -60.0
    """RMS of the noise under it, in dB of full scale, -120...-20."""
    seed: int = 0
    """Seed of all that is drawn, not below zero."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", exact_rate(self.rate))
        for name in ("duration_seconds", "offset_seconds", "drift_ppm", "picture_start", "sound_start"):
            object.__setattr__(self, name, exact(getattr(self, name)))
        limits = {
            "width": (32, 7680),
            "height": (32, 7680),
            "duration_seconds": (2, 14400),
            "sound_rate": (8000, 192000),
            "offset_seconds": (-1.5, 1.5),
            "drift_ppm": (-100_000, 100_000),
            "picture_start": (0, 3600),
            "sound_start": (0, 3600),
            "frequency_hz": (100, 0.4 * self.sound_rate),
            "noise_decibels": (-120, -20),
            "rate": (1, 1000),
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise OptionError(f"{name}={getattr(self, name)} lies outside {low}...{high}")
        if self.width % 2 or self.height % 2 or self.seed < 0:
            raise OptionError(
                f"width={self.width} and height={self.height} are even, seed={self.seed} not below 0"
            )
        if self.kind not in ("flashes", "motion"):
            raise OptionError(f"kind={self.kind!r} is unknown; use 'flashes' or 'motion'")


def make_signal(target: str | os.PathLike[str], options: SignalOptions | None = None) -> SyncTruth:
    """Write a test signal and return what is planted in it.

    Parameters
    ----------
    target : its ending names container and codecs, see :data:`CODECS`; written atomically
    options : SignalOptions, optional

    Raises
    ------
    OptionError
        If the ending is unknown.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     truth = make_signal(f"{folder}/clip.mp4", SignalOptions(duration_seconds=3, offset_seconds="0.1"))
    >>> str(truth)
    'flashes: sound 100 ms early'
    """
    how = options or SignalOptions()
    codecs = CODECS.get(Path(target).suffix.lower())
    if codecs is None:
        raise OptionError(f"{str(target)!r} must end in one of {' '.join(CODECS)}")
    plan = _Plan(how)
    truth, frames, samples = _render(how, plan)
    encode(
        target,
        Picture(frames, codec=codecs[0], options=_SETTINGS[codecs[0]], **plan.timing()),
        Sound(samples, how.sound_rate, plan.sound_start, codecs[1]),
    )
    return truth.on_clock(clock_of(target))


def render_signal(
    options: SignalOptions | None = None,
) -> tuple[SyncTruth, Cells, Iterator[Pixels], npt.NDArray[np.float32]]:
    """A signal before it is encoded: truth, cells, frames (grey uint8 [height, width], one at a time), sound [n].

    Sample 0 lies at ``sound_start``, put on a whole sample.

    >>> truth, cells, frames, samples = render_signal(SignalOptions(duration_seconds=2))
    >>> next(frames).shape, samples.shape, len(truth.flashes)
    ((180, 320), (96000,), 1)
    """
    how = options or SignalOptions()
    plan = _Plan(how)
    truth, frames, samples = _render(how, plan)
    return truth, plan.cells, frames, samples


class _Plan:
    """The instants of a signal, exactly, on the media clock."""

    def __init__(self, how: SignalOptions) -> None:
        rate = exact_rate(how.rate)
        self.picture_start = exact(how.picture_start)
        self.sound_start = Fraction(
            round_fraction(exact(how.sound_start) * how.sound_rate, "nearest"), how.sound_rate
        )
        self.zero = max(self.picture_start, self.sound_start)
        self.end = self.zero + exact(how.duration_seconds)
        self.samples = round_fraction((self.end - self.sound_start) * how.sound_rate, "floor")
        self.at = (self.zero + self.end) / 2
        self.warp = Warp.sync(how.offset_seconds, how.drift_ppm, at=self.at)
        self.nominal_rate = rate
        self.cells: Cells
        if how.variable_rate:
            self.cells = uneven_ticks(rate, self.picture_start, self.end, how.seed)
            self.frames = len(self.cells)
        else:
            self.cells = Grid(rate, self.picture_start)
            self.frames = self.cells.index(self.end, "ceil")

    def timing(self) -> dict[str, Any]:
        """Arguments of a Picture."""
        if isinstance(self.cells, Grid):
            return {"rate": self.cells.rate, "start": self.cells.start}
        return {"rate": self.nominal_rate, "pts": self.cells.pts.tolist(), "time_base": self.cells.time_base}


def uneven_ticks(rate: Exact, start: Exact, end: Exact, seed: int) -> Ticks:
    """Frames of 1/2, 1, 3/2 or 2 nominal durations, drawn by a seed, until at least ``end``.

    >>> [float(uneven_ticks(25, 0, 1, seed=1).edge(k)) for k in range(4)]
    [0.0, 0.04, 0.1, 0.18]
    """
    nominal, first = exact_rate(rate), round_fraction(exact(start) / _TICK, "nearest")
    halves = round_fraction((exact(end) - exact(start)) * nominal * 2, "ceil")
    steps = np.random.default_rng(seed).integers(1, 5, size=halves + 1)
    edges = np.cumsum([0, *steps]).tolist()
    ticks = [first + round_fraction(n / (2 * nominal * _TICK), "nearest") for n in edges]
    last = round_fraction(1 / (nominal * _TICK), "nearest")
    count = 1 + next(k for k, tick in enumerate(ticks) if (tick + last) * _TICK >= exact(end))
    return Ticks(ticks[:count], _TICK, last)


# ---------------------------------------------------------------- what is seen and heard


def _render(how: SignalOptions, plan: _Plan) -> tuple[SyncTruth, Iterator[Pixels], npt.NDArray[np.float32]]:
    flashes = _flashes(how, plan) if how.kind == "flashes" else []
    truth = SyncTruth(
        kind=how.kind,
        warp=plan.warp,
        at=plan.at,
        speaking=False,
        corruptions=(),
        flashes=Spans([cell for _, cell in flashes], name="flashes"),
        beeps=Spans(
            [
                Span(heard, heard + _BEEP_SECONDS, "beep")
                for heard in (plan.warp.inverse()(at) for at, _ in flashes)
            ],
            name="beeps",
        ),
        seed=how.seed,
        version=SIGNAL_VERSION,
    )
    noise = room_noise(plan.samples, how.sound_rate, how.noise_decibels, how.seed)
    if how.kind == "flashes":
        samples = noise
        for span in truth.beeps:
            samples = samples + beep(
                plan.samples,
                how.sound_rate,
                span.start,
                origin=plan.sound_start,
                frequency_hz=how.frequency_hz,
                seconds=float(_BEEP_SECONDS),
                level=_LEVEL,
            )
        frames = _flash_frames(how, plan, truth.flashes)
    else:
        samples = noise + _swelling_tone(how, plan)
        frames = _motion_frames(how, plan)
    return truth, frames, np.clip(samples, -1, 1).astype(np.float32)


def _flashes(how: SignalOptions, plan: _Plan) -> list[tuple[Fraction, Span]]:
    """Instants of the flashes, at uneven distances (so that only one offset fits), and the cells that show them."""
    draw = np.random.default_rng([how.seed, 1])
    inverse = plan.warp.inverse()
    low = max(plan.zero, plan.warp(plan.sound_start)) + Fraction(3, 10)
    high = min(plan.end, plan.warp(plan.end)) - Fraction(3, 10)
    found = []
    at = low + Fraction(int(draw.integers(0, 400)), 1000)
    while at < high:
        k = plan.cells.index(at, "ceil")
        if k + 2 >= plan.frames:
            break
        instant = plan.cells.edge(k)
        if not how.on_edges:
            instant += (plan.cells.edge(k + 1) - instant) * Fraction(int(draw.integers(0, 1000)), 1000)
        # At least two frames and a fifteenth of a second: encoders must not drop it.
        stop = max(k + 2, min(plan.cells.index(instant + Fraction(1, 15), "ceil"), plan.frames - 1))
        if plan.sound_start <= inverse(instant) <= plan.end - 2 * _BEEP_SECONDS:
            found.append((instant, Span(plan.cells.edge(k), plan.cells.edge(stop), "flash")))
        at = plan.cells.edge(stop) + Fraction(int(draw.integers(550, 1300)), 1000)
    return found


def _flash_frames(how: SignalOptions, plan: _Plan, flashes: Spans) -> Iterator[Pixels]:
    lit = flashes.on(plan.cells, plan.frames) >= 0
    dark = _background(how)
    bright = dark.copy()
    bright[how.height // 4 : -(how.height // 4), how.width // 4 : -(how.width // 4)] = 235
    for k in range(plan.frames):
        yield bright if lit[k] else dark


def _background(how: SignalOptions) -> Pixels:
    slope = np.linspace(20, 70, how.width)[None, :] + np.linspace(0, 20, how.height)[:, None]
    return np.asarray(slope, np.uint8)


def _swell(how: SignalOptions, instants: Array) -> Array:
    """How far the shape stands open at instants of the picture, 0...1: smooth, uneven, the same for every rate."""
    first = int(np.floor(instants.min() / _SWELL_STEP)) - 2 if len(instants) else 0
    stop = int(np.ceil(instants.max() / _SWELL_STEP)) + 3 if len(instants) else 1
    points = np.array([np.random.default_rng([how.seed, 2, k + 10**6]).random() for k in range(first, stop)])
    position = instants / _SWELL_STEP - first
    whole = np.floor(position).astype(np.int64)
    share = 0.5 - 0.5 * np.cos(np.pi * (position - whole))
    return np.asarray(points[whole] + (points[whole + 1] - points[whole]) * share)


def _motion_frames(how: SignalOptions, plan: _Plan) -> Iterator[Pixels]:
    opening = _swell(how, plan.cells.centers(plan.frames) - float(plan.zero))
    dark = _background(how)
    rows = np.arange(how.height)
    left, right = how.width * 3 // 8, how.width * 5 // 8
    for k in range(plan.frames):
        frame = dark.astype(np.float64)
        half = (0.05 + 0.4 * opening[k]) * how.height
        # The edge is soft by a pixel, so that sub-pixel movement shows.
        cover = np.clip(half + 0.5 - np.abs(rows - how.height / 2 + 0.5), 0, 1)[:, None]
        frame[:, left:right] = (1 - cover) * frame[:, left:right] + cover * 220
        yield np.asarray(np.rint(frame), np.uint8)


def _swelling_tone(how: SignalOptions, plan: _Plan) -> Array:
    times = Grid.of_samples(how.sound_rate, plan.sound_start).centers(plan.samples)
    seen, _ = plan.warp.map(times)
    level = _LEVEL * _swell(how, seen - float(plan.zero)) ** 1.5
    return np.asarray(level * np.sin(2 * np.pi * how.frequency_hz * times))


def describe(how: SignalOptions) -> str:
    """A short text of what a signal is, for tables.

    >>> describe(SignalOptions(rate="29.97"))
    'flashes at 30000/1001 fps'
    """
    rate = "variable" if how.variable_rate else fraction_text(exact_rate(how.rate))
    return f"{how.kind} at {rate} fps"
