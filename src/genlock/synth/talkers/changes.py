"""Variety: what may befall a voice on its way to the microphone, with the times of phones kept or exactly moved.

Size and pitch play the sound at another speed, by which every time is divided exactly. The vocal tract, the
room, noise and level leave all times as they are: the room's direct sound arrives at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt
import soxr

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.spans import Span, Spans
from genlock.core.time import exact, round_fraction
from genlock.core.track import Track
from genlock.synth.signals.sounds import music, room_noise
from genlock.synth.talkers.voices import Spoken

__all__ = ["Change", "apply_change", "draw_change"]

Array = npt.NDArray[np.float64]

_WINDOW_SECONDS = 0.02
_SMOOTH_HZ = 350.0
# A formant is raised or lowered by no more than this, so that a hole in the spectrum is not filled with noise.
_MOST_GAIN = 10.0
_LIMITS = {
    "pitch": (-12, 12),
    "tract": (0.7, 1.4),
    "playback": (0.5, 2),
    "room_seconds": (0, 3),
    "level": (-60, 20),
}


@dataclass(frozen=True)
class Change:
    """What is done to a voice, in this order.

    >>> Change(tract=1.1, noise=20).noise_kind
    'room'
    """

    playback: Fraction = Fraction(1)
    """Played so many times as fast: pitch, formants and tempo together, as of a smaller or larger head; 0.5...2."""
    pitch: float = 0.0
    """Semitones by which the pitch is moved (the tempo moves with it, the formants do not), -12...12."""
    tract: float = 1.0
    """Factor of the formants alone: above 1 a shorter vocal tract, 0.7...1.4."""
    room_seconds: float = 0.0
    """Time in which the room's sound falls by 60 dB, 0...3 s; 0: no room."""
    room_share: float = 0.2
    """Energy of the room's sound against the direct one's, 0...4."""
    noise: float | None = None
    """Speech against noise in dB, -10...80; None: none."""
    noise_kind: Literal["room", "white", "hum", "music"] = "room"
    """What the noise is."""
    level: float = 0.0
    """Decibels of gain; what would exceed full scale is scaled down to it."""
    seed: int = 0
    """Seed of the room and the noise; not below zero."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "playback", exact(self.playback))
        for name, (low, high) in _LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise OptionError(f"{name}={getattr(self, name)!r} lies outside {low}...{high}")
        if not 0 <= self.room_share <= 4 or self.seed < 0:
            raise OptionError(
                f"room_share={self.room_share} lies in 0...4, and seed={self.seed} is not below 0"
            )
        if self.noise is not None and not -10 <= self.noise <= 80:
            raise OptionError(f"noise={self.noise} dB lies outside -10...80")
        if self.noise_kind not in _NOISES:
            raise OptionError(f"noise_kind={self.noise_kind!r} is unknown; use {', '.join(_NOISES)}")

    def __str__(self) -> str:
        parts = [
            f"{field.name}={getattr(self, field.name)}"
            for field in fields(self)
            if getattr(self, field.name) != field.default
        ]
        return ", ".join(parts) or "as spoken"


def draw_change(seed: int, amount: float = 1.0) -> Change:
    """A change that happens to voices, drawn by a seed; half of the parts are left out of each.

    ``amount`` 0...1 scales how far pitch and formants go.

    >>> draw_change(4) == draw_change(4), draw_change(4) != draw_change(5)
    (True, True)
    """
    random = np.random.default_rng([seed, 31])
    picked = random.random(5) < 0.5
    kinds: tuple[Literal["room", "white", "hum", "music"], ...] = ("room", "room", "white", "hum", "music")
    pitch, tract = random.uniform(-3, 3) * amount, 1 + random.uniform(-0.13, 0.15) * amount
    return Change(
        playback=Fraction(round(1000 * (1 + random.uniform(-0.08, 0.08) * amount)), 1000)
        if picked[0]
        else Fraction(1),
        pitch=round(float(pitch), 2) if picked[1] else 0.0,
        tract=round(float(tract), 3) if picked[2] else 1.0,
        room_seconds=round(float(random.uniform(0.1, 0.7)), 2) if picked[3] else 0.0,
        room_share=round(float(10 ** random.uniform(-1.5, 0)), 3),
        noise=round(float(random.uniform(5, 35)), 1) if picked[4] else 45.0,
        noise_kind=kinds[int(random.integers(len(kinds)))] if picked[4] else "room",
        level=round(float(random.uniform(-15, 3)), 1),
        seed=int(random.integers(2**31)),
    )


def apply_change(spoken: Spoken, change: Change) -> Spoken:
    """The voice after a change; its phones, words and closures where they then are, to the sample.

    >>> from genlock.synth.talkers.speaking import speak
    >>> said = speak("two", "own")
    >>> fast = apply_change(said, Change(playback=Fraction(5, 4)))
    >>> float(said.words[0].start / fast.words[0].start)
    1.25
    """
    semitones = Fraction(round(1000 * 2 ** (change.pitch / 12)), 1000)
    faster = change.playback * semitones
    if faster != 1:
        spoken = _played(spoken, faster)
    samples = np.asarray(spoken.samples, np.float64)
    formants = change.tract / float(semitones)
    if abs(formants - 1) > 1e-9:
        samples = _formants_moved(samples, spoken.rate, formants)
    speech = _speech_power(samples)
    if change.room_seconds:
        samples = _in_room(samples, spoken.rate, change)
    if change.noise is not None:
        noise = _NOISES[change.noise_kind](len(samples), spoken.rate, change.seed)
        power = float((noise**2).mean()) if len(noise) else 0.0
        samples = samples + noise * np.sqrt(speech / max(power, 1e-20) / 10 ** (change.noise / 10))
    samples = samples * 10 ** (change.level / 20)
    peak = float(np.abs(samples).max(initial=0.0))
    track = spoken.sound.map(lambda _: (samples / max(1.0, peak)).astype(np.float32))
    note = () if change == Change(seed=change.seed) else (str(change),)
    return replace(spoken, sound=track, changes=(*spoken.changes, *note))


def _played(spoken: Spoken, faster: Fraction) -> Spoken:
    """Played ``faster`` times as fast at the same rate; every instant is divided by it and put on a sample."""
    rate = spoken.rate
    count = round_fraction(len(spoken.sound) / faster, "nearest")
    sound = soxr.resample(np.asarray(spoken.samples, np.float64), float(faster), 1.0)
    sound = np.concatenate([sound[:count], np.zeros(max(0, count - len(sound)))])

    def moved(spans: Spans) -> Spans:
        return spans.map(lambda s: Span(instant(s.start), instant(s.end), s.label, s.confidence))

    def instant(at: Fraction) -> Fraction:
        return Fraction(min(round_fraction(at / faster * rate, "nearest"), count), rate)

    gestures = spoken.gestures
    if gestures is not None:
        assert isinstance(gestures.grid, Grid)
        grid = Grid(gestures.grid.rate * faster, gestures.grid.start / faster, gestures.grid.clock)
        gestures = Track(gestures.values, grid, name=gestures.name, unit=gestures.unit)
    return replace(
        spoken,
        sound=Track(sound.astype(np.float32), Grid.of_samples(rate), name=spoken.sound.name),
        phones=moved(spoken.phones),
        words=moved(spoken.words),
        closures=moved(spoken.closures),
        gestures=gestures,
    )


def _formants_moved(samples: Array, rate: int, factor: float) -> Array:
    """The envelope of the short-time spectrum stretched by a factor along frequency; nothing moves in time."""
    size = 2 * round(_WINDOW_SECONDS * rate / 2)
    hop = size // 4
    window = np.hanning(size + 1)[:size]
    padded = np.concatenate([np.zeros(size), samples, np.zeros(2 * size)])
    starts = np.arange(0, len(padded) - size, hop)
    frames = padded[starts[:, None] + np.arange(size)] * window
    spectra = np.fft.rfft(frames, n=2 * size, axis=1)
    level = np.log(np.abs(spectra) + 1e-7)
    # The envelope: the logarithm smoothed over more than the distance of two harmonics.
    width = max(1, round(_SMOOTH_HZ / rate * 2 * size))
    smooth = np.apply_along_axis(_smoothed, 1, level, width)
    bins = np.arange(spectra.shape[1])
    moved = np.stack([np.interp(bins / factor, bins, row) for row in smooth])
    limit = np.log(_MOST_GAIN)
    changed = (
        np.fft.irfft(spectra * np.exp(np.clip(moved - smooth, -limit, limit)), axis=1)[:, :size] * window
    )
    out, weight = np.zeros(len(padded)), np.zeros(len(padded))
    for start, frame in zip(starts, changed, strict=True):
        out[start : start + size] += frame
        weight[start : start + size] += window**2
    result: Array = (out / np.maximum(weight, 1e-3))[size : size + len(samples)]
    return result


def _smoothed(row: Array, width: int) -> Array:
    total = np.cumsum(np.pad(row, (width + 1, width), mode="reflect"))
    return np.asarray((total[2 * width + 1 :] - total[: -2 * width - 1]) / (2 * width + 1))


def _in_room(samples: Array, rate: int, change: Change) -> Array:
    """With the echoes of a room: noise that falls by 60 dB in the given time, from 2 ms after the direct sound on."""
    random = np.random.default_rng([change.seed, 32])
    count = max(1, round(change.room_seconds * rate))
    tail = random.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    first = min(count, round(0.002 * rate))
    tail[:first] = 0
    tail *= np.sqrt(change.room_share / max(float((tail**2).sum()), 1e-20))
    tail[0] = 1.0
    size = len(samples) + count
    echoed: Array = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples)]
    return echoed


def _speech_power(samples: Array) -> float:
    """Mean square of the louder half of the sound."""
    square = np.sort(samples**2)
    return float(square[len(square) // 2 :].mean()) if len(square) else 0.0


def _white(count: int, rate: int, seed: int) -> Array:
    del rate
    return np.random.default_rng([seed, 33]).standard_normal(count)


def _room(count: int, rate: int, seed: int) -> Array:
    return room_noise(count, rate, -30, seed)


def _hum(count: int, rate: int, seed: int) -> Array:
    random = np.random.default_rng([seed, 34])
    mains = float(random.choice([50.0, 60.0]))
    turns = np.arange(count)[:, None] / rate * mains * np.arange(1, 9)
    hum = (np.sin(2 * np.pi * (turns + random.random(8))) / np.arange(1, 9)).sum(axis=1)
    return np.asarray(hum + 0.05 * random.standard_normal(count))


_NOISES: dict[str, Callable[[int, int, int], Array]] = {
    "room": _room,
    "white": _white,
    "hum": _hum,
    "music": music,
}
