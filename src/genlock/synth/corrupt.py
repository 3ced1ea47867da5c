"""Real or made clips with a known fault: their sync moved, their frames dropped, their sound or mouth taken away.

What comes in is believed to be in step. The part that is taken lies inside the source, so that a moved sound
brings the real sound of its neighbourhood with it: no silence at the ends, no seam, nothing by which the fault
could be seen without comparing sound and picture. Several sources are joined one after the other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from genlock.core.errors import NoStream, OptionError
from genlock.core.grid import Cells, Grid
from genlock.core.time import Exact, exact, exact_rate, round_fraction
from genlock.core.warp import Warp
from genlock.media import Picture, Sound, clock_of, encode, frame_cells, read_audio, read_frames
from genlock.synth.signals.clips import CODECS, uneven_ticks
from genlock.synth.signals.sounds import music, room_noise
from genlock.synth.signals.truth import SyncTruth
from genlock.synth.voice.speak import VoiceOptions, speak

__all__ = ["CORRUPT_VERSION", "CorruptOptions", "corrupt", "stretched"]

#: Raised whenever the same options give another clip than before.
CORRUPT_VERSION = 1

Pixels = npt.NDArray[np.uint8]
Array = npt.NDArray[np.float64]

_TAPS = 16  # of the interpolation between samples, on either side
_CHUNK = 1 << 16
_VOICE_OVER = (
    "Genlock puts the sound and the picture of a video on one exact clock.",
    "One, two, three, four, five, six, seven, eight, nine, ten.",
)


@dataclass(frozen=True)
class CorruptOptions:
    """What is done to a clip.

    >>> CorruptOptions(offset_seconds="-0.12", rate="29.97").rate
    Fraction(30000, 1001)
    """

    start: Exact | None = None
    """Where the part begins, in seconds from the first frame; None: as early as the moved sound allows."""
    seconds: Exact | None = None
    """Its length; None: as long as the moved sound allows."""
    offset_seconds: Exact = 0
    """How early the sound will be (positive: early), in the middle of the part."""
    drift_ppm: Exact = 0
    """How much slower the sound will run than the picture, in millionths."""
    splice_at: Exact | None = None
    """An instant of the part, in seconds from its start, from which on the offset is another."""
    splice_seconds: Exact = 0
    """By how much it changes there."""
    rate: Exact | None = None
    """Frames per second of the result: each new frame shows what is on show at its middle. None: as it is."""
    variable_rate: bool = False
    """Let the new frames last 1/2, 1, 3/2 and 2 periods of ``rate``, by ``seed``."""
    frozen_share: float = 0.0
    """Share of the frames that are replaced by the frame before, as a player that drops frames shows, 0...0.9."""
    sound: Literal["keep", "silence", "music", "noise", "voice-over", "other"] = "keep"
    """What is heard: the source's sound, or something that does not belong to the picture."""
    other: str | None = None
    """File whose sound is heard with ``other``: another speaker."""
    add: Literal["nothing", "noise", "music"] = "nothing"
    """What is mixed to the sound."""
    snr_decibels: float = 10.0
    """Level of the sound over what is mixed to it, -20...60."""
    cover: tuple[float, float, float, float] | None = None
    """Left, top, right, bottom of a grey box over the picture, as shares of its sides, 0...1."""
    picture_start: Exact = 0
    """Instant of the first frame of the result on its media clock, in seconds, not below zero."""
    sound_start: Exact = 0
    """Instant of its first sample, in seconds, not below zero; sound that would begin before is cut off."""
    quality: int = 20
    """CRF of H.264, 0 (lossless) ... 51."""
    sound_bit_rate: int = 128000
    """Bits per second of the sound where the codec takes that."""
    seed: int = 0
    """Seed of all that is drawn, not below zero."""

    def __post_init__(self) -> None:
        for name in ("offset_seconds", "drift_ppm", "splice_seconds", "picture_start", "sound_start"):
            object.__setattr__(self, name, exact(getattr(self, name)))
        for name in ("start", "seconds", "splice_at"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else exact(value))
        if self.rate is not None:
            object.__setattr__(self, "rate", exact_rate(self.rate))
        if self.variable_rate and self.rate is None:
            raise OptionError("a variable rate needs a nominal one: give rate too")
        if (
            not 0 <= self.frozen_share <= 0.9
            or not -20 <= self.snr_decibels <= 60
            or not 0 <= self.quality <= 51
        ):
            raise OptionError(
                f"frozen_share={self.frozen_share} must lie in 0...0.9, snr_decibels={self.snr_decibels} in "
                f"-20...60, quality={self.quality} in 0...51"
            )
        if min(exact(self.picture_start), exact(self.sound_start)) < 0 or self.seed < 0:
            raise OptionError("picture_start, sound_start and seed must not be below zero")
        if (self.sound == "other") != (self.other is not None):
            raise OptionError("sound='other' goes together with other=FILE")
        if self.cover is not None:
            left, top, right, bottom = self.cover
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise OptionError(f"cover={self.cover} is no box; give left, top, right, bottom within 0...1")

    def notes(self) -> tuple[str, ...]:
        """What is done, in words."""
        found = []
        if self.drift_ppm:
            found.append(f"drift {float(exact(self.drift_ppm)):g} ppm")
        if self.splice_at is not None:
            found.append(
                f"splice of {float(exact(self.splice_seconds)):g} s at {float(exact(self.splice_at)):g} s"
            )
        if self.rate is not None:
            found.append(f"{'variable rate about ' if self.variable_rate else ''}{self.rate} fps")
        if self.frozen_share:
            found.append(f"{100 * self.frozen_share:g} % of the frames frozen")
        if self.sound != "keep":
            found.append(f"sound: {self.sound}")
        if self.add != "nothing":
            found.append(f"{self.add} at {self.snr_decibels:g} dB")
        if self.cover is not None:
            found.append("covered")
        return tuple(found)


def corrupt(
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    target: str | os.PathLike[str],
    options: CorruptOptions | None = None,
) -> SyncTruth:
    """Write a part of a clip, or of several joined, with a known fault, and return the truth.

    Parameters
    ----------
    sources : one file or several of one frame size, believed to be in step
    target : its ending names container and codecs, see ``genlock.synth.signals.clips.CODECS``; written atomically
    options : CorruptOptions, optional

    Raises
    ------
    NoStream
        If a source has no picture or no sound.
    OptionError
        If the part with its moved sound reaches over the source.

    Examples
    --------
    >>> import tempfile
    >>> from genlock.testing import example_video
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     truth = corrupt(example_video(), f"{folder}/late.mp4", CorruptOptions(offset_seconds="-0.2"))
    >>> str(truth)
    'recut: sound 200 ms late'
    """
    how = options or CorruptOptions()
    files = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    codecs = CODECS.get(Path(target).suffix.lower())
    if codecs is None:
        raise OptionError(f"{str(target)!r} must end in one of {' '.join(CODECS)}")
    if not files:
        raise OptionError("there is no source; give at least one file")
    material = _Material([os.fspath(file) for file in files])
    plan = _Plan(how, material)
    samples = _sound(how, material, plan)
    encode(
        target,
        Picture(
            _frames(how, material, plan), codec=codecs[0], options=_settings(codecs[0], how), **plan.timing()
        ),
        Sound(samples, plan.sound_rate, plan.sound_start, codecs[1], bit_rate=_bit_rate(codecs[1], how)),
    )
    belongs = how.sound == "keep"
    return SyncTruth(
        kind="recut",
        warp=plan.warp if belongs else None,
        at=plan.at,
        speaking=belongs and how.cover is None,
        corruptions=how.notes(),
        seed=how.seed,
        version=CORRUPT_VERSION,
    ).on_clock(clock_of(target))


def _settings(codec: str, how: CorruptOptions) -> dict[str, str]:
    return {
        "libx264": {"crf": str(how.quality), "preset": "veryfast"},
        "libvpx": {"deadline": "realtime", "cpu-used": "8", "b": "1M"},
    }.get(codec, {"qmin": "2", "qmax": "6"})


def _bit_rate(codec: str, how: CorruptOptions) -> int:
    return 0 if codec.startswith("pcm") else how.sound_bit_rate


# ---------------------------------------------------------------- what there is, and when


@dataclass(frozen=True)
class _Take:
    """One source on the joined time line."""

    path: str
    cells: Cells
    frames: int
    begins: Fraction
    """Where its first frame lies on the joined time line."""

    @property
    def shift(self) -> Fraction:
        return self.begins - self.cells.edge(0)

    @property
    def ends(self) -> Fraction:
        return self.cells.edge(self.frames) + self.shift


class _Material:
    """Sources joined one after the other: picture from instant 0 on without gap, each with its own sound."""

    def __init__(self, files: list[str]) -> None:
        self.takes: list[_Take] = []
        at = Fraction(0)
        for file in files:
            cells, count = frame_cells(file)
            take = _Take(file, cells, count, at)
            self.takes.append(take)
            at = take.ends
        self.end = at
        first = self.takes[0].cells
        self.rate = first.rate if isinstance(first, Grid) else None
        self.samples, self.sound_rate, self.sound_start = self._join()

    def _join(self) -> tuple[Array, int, Fraction]:
        """The sound, its rate, and the instant of sample 0 on the joined time line."""
        tracks = [read_audio(take.path, rate=None) for take in self.takes]
        if not all(len(track) for track in tracks):
            raise NoStream(f"{self.takes[0].path!r} has no sound that could be moved")
        rates = [track.grid.rate for track in tracks if isinstance(track.grid, Grid)]
        if len(set(rates)) > 1:
            raise OptionError(f"the sources have {len(set(rates))} sample rates; join files of one rate")
        rate = int(rates[0])
        if len(tracks) == 1:
            track, take = tracks[0], self.takes[0]
            return track.values.astype(np.float64), rate, track.grid.center(0) + take.shift
        joined = np.zeros(round_fraction(self.end * rate, "ceil"))
        for track, take in zip(tracks, self.takes, strict=True):
            # Sound that goes on while the next picture is there would be heard twice: it is cut.
            first = round_fraction((track.grid.center(0) + take.shift) * rate, "nearest")
            low = max(first, round_fraction(take.begins * rate, "ceil"))
            high = min(first + len(track), round_fraction(take.ends * rate, "ceil"))
            joined[low:high] = track.values[low - first : high - first]
        return joined, rate, Fraction(0)

    @property
    def sound_end(self) -> Fraction:
        return self.sound_start + Fraction(len(self.samples), self.sound_rate)


class _Plan:
    """The part and its times, on the media clock of the result."""

    def __init__(self, how: CorruptOptions, material: _Material) -> None:
        self.sound_rate = material.sound_rate
        splice = exact(how.splice_seconds) if how.splice_at is not None else Fraction(0)
        offset, drift = exact(how.offset_seconds), exact(how.drift_ppm) / 1_000_000
        shifts = (offset, offset + splice)
        sound_low = max(Fraction(0), material.sound_start)
        sound_high = min(material.end, material.sound_end)
        belongs = how.sound == "keep"
        reach = abs(drift) * material.end / 2
        # Sound of the source that is heard at t belongs to t + offset: both must be there.
        before = max(Fraction(0), sound_low - min(shifts) + reach) if belongs else Fraction(0)
        after = max(Fraction(0), material.end - sound_high + max(shifts) + reach) if belongs else Fraction(0)
        self.begin = before if how.start is None else exact(how.start)
        end = material.end - after if how.seconds is None else self.begin + exact(how.seconds)
        if self.begin < before or end > material.end - after or end - self.begin < Fraction(1, 2):
            raise OptionError(
                f"the part from {float(self.begin):.3f} s to {float(end):.3f} s with its sound moved by "
                f"{float(offset):.3f} s does not lie in the source, which allows {float(before):.3f} s to "
                f"{float(material.end - after):.3f} s; choose another part, or a longer source"
            )
        self.picture_start = exact(how.picture_start)
        cells = self._cells(how, material, end)
        self.cells, self.frames = cells
        self.end = self.cells.edge(self.frames)
        wanted = max(exact(how.sound_start), Fraction(0))
        self.sound_start = Fraction(round_fraction(wanted * self.sound_rate, "nearest"), self.sound_rate)
        if how.sound_start == 0:  # unless the caller wants otherwise, both begin together
            self.sound_start = Fraction(
                round_fraction(self.picture_start * self.sound_rate, "ceil"), self.sound_rate
            )
        self.count = round_fraction((self.end - self.sound_start) * self.sound_rate, "floor")
        self.at = (max(self.picture_start, self.sound_start) + self.end) / 2
        self.warp = _warp(how, self.at, self.picture_start, offset, drift, splice)
        #: From the picture of the result to the time line of the sources.
        self.back = self.begin - self.picture_start

    def _cells(self, how: CorruptOptions, material: _Material, end: Fraction) -> tuple[Cells, int]:
        rate = material.rate if how.rate is None else exact_rate(how.rate)
        if rate is None:
            raise OptionError("the source's frame rate varies: give the rate of the result")
        length = end - self.begin
        if how.variable_rate:
            ticks = uneven_ticks(rate, self.picture_start, self.picture_start + length, how.seed)
            count = len(ticks)
            while count > 1 and ticks.edge(count) > self.picture_start + length:
                count -= 1
            return ticks.part(range(count)), count
        grid = Grid(rate, self.picture_start)
        if how.rate is None:
            # Whole frames of the source: the part begins with the one that is on show.
            first = material.takes[0]
            self.begin = first.cells.edge(first.cells.index(self.begin - first.shift, "ceil")) + first.shift
            length = end - self.begin
        return grid, max(1, round_fraction(length * rate, "floor"))

    def timing(self) -> dict[str, Any]:
        """Arguments of a Picture."""
        if isinstance(self.cells, Grid):
            return {"rate": self.cells.rate, "start": self.cells.start}
        nominal = exact_rate(round(self.frames / float(self.end - self.picture_start)))
        return {"rate": nominal, "pts": self.cells.pts.tolist(), "time_base": self.cells.time_base}


def _warp(
    how: CorruptOptions,
    at: Fraction,
    picture_start: Fraction,
    offset: Fraction,
    drift: Fraction,
    splice: Fraction,
) -> Warp:
    plain = Warp.sync(offset, drift * 1_000_000, at=at)
    if how.splice_at is None or splice == 0:
        return plain
    where = picture_start + exact(how.splice_at)
    low = plain(where)
    if splice > 0:  # the sound skips a piece of the picture's time
        knots = [(where, low), (where, low + splice)]
    else:  # the same picture time is heard twice: what a Warp cannot say, so that piece of sound has no place
        knots = [(where, low), (where - splice / (1 + drift), low)]
    return Warp(knots, before=1 + drift, after=1 + drift)


# ---------------------------------------------------------------- sound


def _sound(how: CorruptOptions, material: _Material, plan: _Plan) -> npt.NDArray[np.float32]:
    rate, count = plan.sound_rate, plan.count
    if how.sound == "keep":
        out = _moved(how, material, plan)
    elif how.sound == "silence":
        out = np.zeros(count)
    elif how.sound == "noise":
        out = room_noise(count, rate, -30, how.seed)
    elif how.sound == "music":
        out = music(count, rate, how.seed)
    elif how.sound == "voice-over":
        out = _voice_over(count, rate, how.seed)
    else:
        assert how.other is not None
        out = _other(how.other, count, rate)
    if how.add != "nothing":
        extra = (
            room_noise(count, rate, -30, how.seed + 1)
            if how.add == "noise"
            else music(count, rate, how.seed + 1)
        )
        level = max(float(out.std()), 1e-4) / max(float(extra.std()), 1e-9)
        out = out + extra * level * 10 ** (-how.snr_decibels / 20)
    return np.clip(out, -1, 1).astype(np.float32)


def _moved(how: CorruptOptions, material: _Material, plan: _Plan) -> Array:
    """The source's sound at the instants to which the warp leads."""
    times = Grid.of_samples(plan.sound_rate, plan.sound_start).centers(plan.count)
    if how.splice_at is not None and exact(how.splice_seconds) < 0:
        # The Warp says that a piece has no place; what is heard there is the jump back itself.
        late = times >= float(plan.picture_start + exact(how.splice_at))
        places = times + float(exact(how.offset_seconds)) + late * float(exact(how.splice_seconds))
        places += float(exact(how.drift_ppm)) * 1e-6 * (times - float(plan.at))
    else:
        places, _ = plan.warp.map(times)
    at = (places + float(plan.back - material.sound_start)) * material.sound_rate
    return stretched(material.samples, at)


def stretched(samples: Array, at: Array) -> Array:
    """Samples at fractional places, by windowed sinc interpolation; float64 [n], zero outside.

    >>> tone = np.sin(np.arange(400) / 5)
    >>> between = np.arange(100, 300) + 0.37
    >>> bool(np.abs(stretched(tone, between) - np.sin(between / 5)).max() < 1e-4)
    True
    """
    padded = np.pad(np.asarray(samples, np.float64), _TAPS)
    out = np.zeros(len(at))
    taps = np.arange(1 - _TAPS, _TAPS + 1)
    for first in range(0, len(at), _CHUNK):
        part = slice(first, first + _CHUNK)
        whole = np.floor(at[part]).astype(np.int64)
        share = (at[part] - whole)[:, None]
        away = taps - share
        kernel = np.sinc(away) * np.cos(np.pi * away / (2 * _TAPS + 1)) ** 2
        inside = (whole >= 0) & (whole < len(samples))
        index = np.clip(whole, 0, len(samples) - 1)[:, None] + taps + _TAPS
        out[part] = np.where(inside, (padded[index] * kernel).sum(axis=1), 0.0)
    return out


def _voice_over(count: int, rate: int, seed: int) -> Array:
    out = room_noise(count, rate, -60, seed)
    draw = np.random.default_rng([seed, 3])
    # Another voice, and another beginning, with each seed.
    voice = VoiceOptions(
        rate=rate,
        pitch_hz=float(draw.uniform(90, 220)),
        speed=float(draw.uniform(0.85, 1.15)),
        room_decibels=None,
        seed=seed,
    )
    spoken = np.concatenate([speak(text, voice).samples for text in _VOICE_OVER]).astype(np.float64)
    spoken = np.roll(spoken, -int(draw.integers(len(spoken))))
    return out + np.resize(spoken, count)


def _other(path: str, count: int, rate: int) -> Array:
    track = read_audio(path, rate=rate)
    if not len(track):
        raise NoStream(f"{path!r} has no sound that could be put in place of the clip's")
    return np.resize(track.values.astype(np.float64), count)


# ---------------------------------------------------------------- picture


def _frames(how: CorruptOptions, material: _Material, plan: _Plan) -> Iterator[Pixels]:
    """Each new frame shows what the sources show at its middle."""
    draw = np.random.default_rng([how.seed, 4])
    number, shown = 0, None
    for pixels, end in _source_frames(material):
        while number < plan.frames and plan.cells.center(number) + plan.back < end:
            frozen = shown is not None and draw.random() < how.frozen_share
            if not frozen:
                shown = _covered(pixels, how.cover)
            assert shown is not None
            yield shown
            number += 1
        last = pixels
    while number < plan.frames:  # the last frame is shown to the end
        yield _covered(last, how.cover)
        number += 1


def _source_frames(material: _Material) -> Iterator[tuple[Pixels, Fraction]]:
    """The frames of the sources, and until when each is on show on the joined time line."""
    shape = None
    for take in material.takes:
        for cell in read_frames(take.path):
            if shape is not None and cell.pixels.shape != shape:
                raise OptionError(f"{take.path!r} has frames of another size; join files of one size")
            shape = cell.pixels.shape
            height, width = shape[0] // 2 * 2, shape[1] // 2 * 2  # encoders want even sides
            yield cell.pixels[:height, :width], cell.end + take.shift


def _covered(pixels: Pixels, box: tuple[float, float, float, float] | None) -> Pixels:
    if box is None:
        return pixels
    height, width = pixels.shape[:2]
    left, top, right, bottom = (
        round(share * side) for share, side in zip(box, (width, height, width, height), strict=True)
    )
    out = pixels.copy()
    out[top:bottom, left:right] = 110
    return out
