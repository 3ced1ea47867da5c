"""Sound against sound: the offset and drift between two recordings of one event.

A camera and a recorder at one concert, two cameras at one talk: nobody needs a mouth to put them in step. The
algorithms are in :mod:`genlock.aligners.recordings`; here they meet sounds of any length, piece by piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from genlock.aligners.recordings import (
    LagAt,
    LagFit,
    at_speed,
    coarse_lags,
    fine_lag,
    fit_lags,
    likely_speed,
    onset_bands,
)
from genlock.core.errors import OptionError
from genlock.core.time import exact
from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.measurement import Segment, SyncMeasurement
from genlock.media.sound_source import SoundSource

__all__ = ["match_sounds"]

_NAME = "sound against sound"
_BLOCK_SECONDS = 60
_COARSE_WIDTH = 0.03  # seconds within which stretches agree: rows are 10 ms
_SURE_SCORE = 9.0  # of one stretch alone; of unrelated sounds the best lag reaches about 6
_WINDOW_SECONDS = 4
_WINDOWS = 40
_FINE_REACH = 0.05  # seconds around the coarse lag
_FINE_WIDTH = 0.0015  # seconds within which windows agree: reflections of a room
_CLEAR = 1.25
_LEAST_SHARE = 0.4
_TINY_SECONDS = 2e-5
_MOST_PPM = 5000.0  # within which stretches of twenty seconds fit as they are
_SAME_PPM = 300.0  # by which the speeds of two parts of one recording are read off differently
_SAME_SPEED = 5e-4  # up to which a window of some seconds fits as it is
_MOST_LINES = 8
_LEAST_STRETCHES = 5  # that agree, where none of them is sure alone: neighbours share half of what they hear
_STEP_SECONDS = 0.25
# Speeds that are tried where the recordings have nothing in common at their own: up to 10 % in steps that a stretch of
# ten seconds tells.
_SPEEDS = tuple(float(speed) for speed in np.exp(np.arange(-40, 41) * 0.0025) if abs(speed - 1) > 1e-3)

Array = npt.NDArray[np.float64]


def match_sounds(sound: SoundSource, other: SoundSource) -> SyncMeasurement:
    """How early a sound is against another recording of the same event.

    Parameters
    ----------
    sound, other : two recordings at one sample rate; each instant on its own media clock

    Returns
    -------
    SyncMeasurement
        ``offset_seconds`` is positive where ``sound`` has an event earlier (at a smaller time stamp) than ``other``:
        added to its time stamps, it puts both in step. Without a common event, no offset but the reason.

    Raises
    ------
    OptionError
        If the sample rates differ.

    Examples
    --------
    >>> from genlock.core import Grid, Track
    >>> from genlock.media.sound_source import TrackSound
    >>> noise = np.random.default_rng(3).standard_normal(80000) * np.repeat(np.random.default_rng(4).random(80), 1000)
    >>> here = Track(noise[8000:72000].astype(np.float32), Grid.of_samples(8000))      # 1 s of it was missed
    >>> there = Track(noise.astype(np.float32), Grid.of_samples(8000))
    >>> round(match_sounds(TrackSound(here), TrackSound(there)).estimate.offset_seconds, 4)
    1.0
    """
    if sound.rate != other.rate:
        raise OptionError(
            f"sounds of {sound.rate} and {other.rate} samples a second cannot be compared; read both at one rate"
        )
    seconds = min(sound.count, other.count) / sound.rate
    if seconds < 1:
        return _unknown(sound, "less than a second of sound is there on one side")
    lines = _lines(_onsets(sound), _onsets(other))
    if not lines:
        return _unknown(sound, "the two recordings have nothing in common that could be put in step")
    windows = _fine(sound, other, lines)
    parts = []
    for number, line in enumerate(lines):
        own = [window.found for window in windows if window.line == number]
        part = _part(own, line)
        if part is not None:
            parts.append(part)
    if not parts:
        about = lines[0].offset_seconds
        return _unknown(sound, f"the sounds lie about {about:.2f} s apart, but no finer lag stands out")
    return _measurement(sound, other, sorted(parts, key=lambda part: part.first))


def _onsets(sound: SoundSource) -> npt.NDArray[np.float32]:
    """Onset bands of the whole, block by block: 5 kB a second stay in memory."""
    block = _BLOCK_SECONDS * sound.rate
    extra = sound.rate // 40 + sound.rate // 25  # a window, and what a rise looks back to
    rows = []
    for first in range(0, sound.count, block):
        back = min(first, sound.rate // 25)
        part = onset_bands(sound.samples(first - back, first + block + extra), sound.rate)
        skip = back * 100 // sound.rate
        rows.append(part[skip : skip + 100 * _BLOCK_SECONDS])
    return np.concatenate(rows)


def _lines(ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]) -> list[LagFit]:
    """Lines of lags that say more than chance would, at the speed at which the recordings fit."""
    found = _lines_of(coarse_lags(ours, theirs))
    if found:
        return found
    speed, score = likely_speed(ours, theirs, _SPEEDS)
    if score < _SURE_SCORE:
        return []
    return [_at_speed(line, speed) for line in _lines_of(coarse_lags(at_speed(ours, speed), theirs))]


def _lines_of(stretches: Sequence[LagAt]) -> list[LagFit]:
    """One line, or several of one speed where one of the recordings has a hole."""
    lines: list[LagFit] = []
    left = list(stretches)
    while left and len(lines) < _MOST_LINES:
        line = fit_lags(left, _COARSE_WIDTH, _MOST_PPM)
        if line is None:
            break
        on_line = [lag for lag in left if abs(lag.lag_seconds - line.at(lag.at_seconds)) <= 2 * _COARSE_WIDTH]
        if len(on_line) < _LEAST_STRETCHES and not any(lag.score >= _SURE_SCORE for lag in on_line):
            break
        known = np.isfinite(line.drift_error)
        if not lines or not known or abs(line.drift_ppm - lines[0].drift_ppm) <= _SAME_PPM:
            lines.append(line)
        left = [lag for lag in left if lag not in on_line]
    return lines


def _at_speed(line: LagFit, speed: float) -> LagFit:
    """A line of a sound whose seconds were made ``speed`` long, as one of the sound as it is."""
    at = line.at_seconds / speed
    drift = 1e6 * (speed * (1 + 1e-6 * line.drift_ppm) - 1)
    return replace(
        line, at_seconds=at, offset_seconds=line.at_seconds + line.offset_seconds - at, drift_ppm=drift
    )


class _Window(NamedTuple):
    """What a short window says, near one of the lines."""

    line: int
    found: LagAt


class _Part(NamedTuple):
    """A part of our sound with one line."""

    line: LagFit
    windows: int
    first: float
    last: float


def _part(windows: Sequence[LagAt], line: LagFit) -> _Part | None:
    """The line through what the windows near a coarse one say; None where they do not agree."""
    clear = [window for window in windows if window.score >= _CLEAR]
    rest = [replace(window, lag_seconds=window.lag_seconds - line.at(window.at_seconds)) for window in clear]
    found = fit_lags(rest, _FINE_WIDTH)
    if found is None or found.agreeing < max(1, _LEAST_SHARE * len(windows)):
        return None
    on_line = [r.at_seconds for r in rest if abs(r.lag_seconds - found.at(r.at_seconds)) <= _FINE_WIDTH]
    exact_line = replace(
        found,
        offset_seconds=found.offset_seconds + line.at(found.at_seconds),
        drift_ppm=found.drift_ppm + line.drift_ppm,
    )
    return _Part(exact_line, len(windows), min(on_line), max(on_line))


def _fine(sound: SoundSource, other: SoundSource, lines: Sequence[LagFit]) -> list[_Window]:
    """Lags of short windows, to a fraction of a sample, in seconds from the first sample of each; each belongs to the
    line near which it says most."""
    rate, length = sound.rate, min(_WINDOW_SECONDS * sound.rate, sound.count // 2)
    drift = lines[0].drift_ppm if np.isfinite(lines[0].drift_error) else 0.0
    found = []
    for first in np.linspace(0, max(0, sound.count - length), _WINDOWS).round().astype(int).tolist():
        ours = sound.samples(first, first + length).astype(np.float64)
        if ours.std() < 1e-5:
            continue
        tried = [
            _Window(number, lag)
            for number, line in enumerate(lines)
            if (lag := _window(ours, first, other, rate, replace(line, drift_ppm=drift))) is not None
        ]
        if tried:
            found.append(max(tried, key=lambda window: window.found.score))
    return found


def _window(ours: Array, first: int, other: SoundSource, rate: int, line: LagFit) -> LagAt | None:
    """What one window says near a line; None where the other sound has nothing there."""
    at = (first + len(ours) / 2) / rate
    speed = 1 + 1e-6 * line.drift_ppm
    if abs(speed - 1) > _SAME_SPEED:
        ours = _stretched(ours, round(len(ours) * speed))
    begins = at + line.at(at) - len(ours) / 2 / rate
    there = round(begins * rate)
    if there < 0 or there + len(ours) > other.count:
        return None
    theirs = other.samples(there, there + len(ours)).astype(np.float64)
    if theirs.std() < 1e-5:
        return None
    rest, clear = fine_lag(ours, theirs, rate, _FINE_REACH)
    return LagAt(at, there / rate + len(ours) / 2 / rate + rest - at, clear)


def _stretched(samples: Array, count: int) -> Array:
    """Samples made so many, by their spectrum: for a window whose ends do not count.

    >>> _stretched(np.cos(np.arange(8) * np.pi / 4), 16).round(3).tolist()[:5]
    [1.0, 0.924, 0.707, 0.383, 0.0]
    """
    spectrum = np.fft.rfft(samples)
    kept = np.zeros(count // 2 + 1, np.complex128)
    common = min(len(kept), len(spectrum))
    kept[:common] = spectrum[:common]
    return np.asarray(np.fft.irfft(kept, count) * (count / len(samples)))


def _measurement(sound: SoundSource, other: SoundSource, parts: Sequence[_Part]) -> SyncMeasurement:
    # Lags count from the first samples; the offset is between instants of the two clocks.
    apart = float(other.origin - sound.origin)
    end = sound.count / sound.rate
    borders = [0.0, *(_border(sound, other, a, b) for a, b in pairwise(parts)), end]
    segments = []
    for part, (start, stop) in zip(parts, pairwise(borders), strict=True):
        middle = (start + stop) / 2 if len(parts) > 1 else part.line.at_seconds
        offset = part.line.at(middle) + apart
        half = 1.645 * max(part.line.offset_error, _TINY_SECONDS)
        segments.append(
            Segment(
                sound.origin + exact(f"{start:.6f}"),
                sound.origin + exact(f"{stop:.6f}"),
                offset,
                (offset - half, offset + half),
                _probability(part),
            )
        )
    best = max(parts, key=lambda part: part.line.agreeing)
    number = parts.index(best)
    whole = segments[number]
    line = best.line
    known = bool(np.isfinite(line.drift_error))
    drift_half = 1.645 * line.drift_error
    notes = (
        []
        if len(parts) < 2
        else ["the offset jumps: one of the recordings lacks what the other has, see the segments"]
    )
    if known and abs(line.drift_ppm) > 1e6 * _SAME_SPEED:
        slow = "slow" if line.drift_ppm < 0 else "fast"
        notes.append(
            f"the same recording at another speed: the sound runs {abs(line.drift_ppm) / 1e4:.2f} % {slow}"
        )
    estimate = Estimate(
        whole.offset_seconds,
        whole.interval_seconds,
        min(segment.probability or 0.0 for segment in segments),
        _NAME,
        "; ".join(notes),
        seconds=min(sound.count, other.count) / sound.rate,
    )
    at = line.at_seconds if len(parts) < 2 else (borders[number] + borders[number + 1]) / 2
    return SyncMeasurement(
        estimate,
        sound.origin + exact(round(at, 6)),
        drift_ppm=line.drift_ppm if known else None,
        drift_interval_ppm=(line.drift_ppm - drift_half, line.drift_ppm + drift_half) if known else None,
        segments=tuple(segments),
        notes=tuple(notes),
    )


def _probability(part: _Part) -> float:
    share = part.line.agreeing / max(part.windows, 1)
    return min(0.99, 0.6 + 0.4 * share) if part.line.agreeing >= 3 else 0.6


def _border(sound: SoundSource, other: SoundSource, before: _Part, after: _Part) -> float:
    """Up to which of our instants the other sound fits by the line before it better than by the one after it."""
    rate, half = sound.rate, _STEP_SECONDS / 2
    places = np.arange(before.last, after.first, _STEP_SECONDS)
    gain = [0.0]
    for place in places.tolist():
        ours = sound.samples(round((place - half) * rate), round((place + half) * rate)).astype(np.float64)
        fits = []
        for line in (before.line, after.line):
            first = round((place - half + line.at(place)) * rate)
            inside = first >= 0 and first + len(ours) <= other.count
            fits.append(_likeness(ours, other.samples(first, first + len(ours))) if inside else 0.0)
        gain.append(gain[-1] + fits[0] - fits[1])
    best = int(np.argmax(gain))
    return (
        float(before.last + best * _STEP_SECONDS) - half if len(places) else (before.last + after.first) / 2
    )


def _likeness(ours: Array, theirs: npt.NDArray[np.floating]) -> float:
    """Correlation of two stretches, of either sign; 0 where one is silent."""
    one, two = ours - ours.mean(), theirs.astype(np.float64) - theirs.mean()
    size = float(np.sqrt((one @ one) * (two @ two)))
    return abs(float(one @ two)) / size if size > 1e-9 else 0.0


def _unknown(sound: SoundSource, reason: str) -> SyncMeasurement:
    return SyncMeasurement(Estimate(None, None, None, _NAME, reason), at=sound.origin)
