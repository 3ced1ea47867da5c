"""How the vocal tract moves through a row of phones: its parameters every millisecond.

Each phone pulls the formants to its targets; between them they move on half cosines. Beside a consonant F2
starts from the consonant's locus, drawn towards the vowel by the slope of its locus equation (H. M.
Sussman, H. A. McCaffrey and S. A. Matthews, J. Acoust. Soc. Am. 90, 1991).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genlock.synth.voice.phones import Phone
from genlock.synth.voice.prosody import Segment, pitch_contour

__all__ = ["CONTROL_HZ", "Articulation", "Burst", "Closure", "articulate", "closure_of", "ease"]

#: Control values per second.
CONTROL_HZ = 1000

Array = npt.NDArray[np.float64]
_OPEN_TILT_HZ = 4000.0
# Of a voiceless stop that is not aspirated: length of the release and loudness of its breath.
_PLAIN_RELEASE_SECONDS, _PLAIN_BREATH = 0.036, 0.14
# A fricative fades in and out across its borders, half of it on either side.
_FADE_SECONDS = 0.012
_OBSTRUENTS = frozenset(["stop", "affricate", "fricative"])
# How long, in seconds, a vowel's formants are on the move beside a neighbour of each kind.
_TRANSITION = {
    "vowel": 0.05,
    "glide": 0.06,
    "liquid": 0.055,
    "nasal": 0.04,
    "fricative": 0.05,
    "stop": 0.045,
    "affricate": 0.045,
    "aspirate": 0.02,
    "silence": 0.015,
}


@dataclass(frozen=True)
class Burst:
    """A stretch of noise made in the mouth."""

    start: int
    """First sample."""
    end: int
    """First sample after it."""
    gain: float
    """RMS against a stressed vowel's."""
    bands: tuple[tuple[float, float, float], ...]
    """``(centre Hz, bandwidth Hz, amplitude)`` of the resonances that shape it."""
    attack: float
    """Seconds to rise."""
    decay: float
    """Seconds to fall at the end."""


@dataclass(frozen=True)
class Closure:
    """The two parts of a stop or affricate, in samples."""

    shut: tuple[int, int]
    """From closing to opening."""
    release: tuple[int, int]
    """From opening to the end of the phone."""


@dataclass(frozen=True)
class Articulation:
    """All that the synthesiser needs; arrays are float64 [T] at ``CONTROL_HZ`` unless said otherwise."""

    times: Array
    """Seconds from sample 0."""
    pitch: Array
    """Fundamental frequency, Hz."""
    voice: Array
    """Gain of the voice; 1 in a stressed vowel."""
    breath: Array
    """Gain of the breath noise."""
    tilt: Array
    """Corner in Hz above which the voice loses 6 dB an octave more."""
    formants: Array
    """F1, F2, F3 in Hz, [T, 3]."""
    bandwidths: Array
    """Their bandwidths in Hz, [T, 3]."""
    nasal_zero: Array
    """Zero of the nose branch in Hz; at 270 it cancels the pole that comes with it."""
    bursts: tuple[Burst, ...]
    """Noises of the mouth."""


def closure_of(segment: Segment, rate: int) -> Closure:
    """Where a stop or affricate is shut and where it is open, on whole samples."""
    phone = segment.phone
    release = phone.release_ms / 1000
    if phone.kind == "stop" and phone.voicing is None and not segment.aspirated:
        release = _PLAIN_RELEASE_SECONDS
    length = segment.end - segment.start
    opening = segment.end - min(round(release * rate), round(length * 0.65))
    return Closure((segment.start, opening), (opening, segment.end))


def articulate(segments: Sequence[Segment], rate: int, pitch_hz: float) -> Articulation:
    """The movement through the segments (contiguous from sample 0)."""
    total = segments[-1].end / rate
    times = np.arange(int(np.ceil(total * CONTROL_HZ)) + 1) / CONTROL_HZ
    voice, breath, tilt = _gains(segments, rate, times)
    return Articulation(
        times,
        pitch_contour(segments, rate, times, pitch_hz),
        voice,
        breath,
        tilt,
        _formants(segments, rate, times),
        _bandwidths(segments, rate, times),
        _nasal_zero(segments, rate, times),
        tuple(_bursts(segments, rate)),
    )


def ease(times: Array, points: Sequence[tuple[float, float]]) -> Array:
    """Values at times, moving from point to point ``(seconds, value)`` on half cosines; constant outside."""
    at, values = np.array(points, dtype=np.float64).T
    after = np.clip(np.searchsorted(at, times, side="right"), 1, max(len(at) - 1, 1))
    if len(at) == 1:
        return np.full(len(times), values[0])
    width = np.maximum(at[after] - at[after - 1], 1e-9)
    share = np.clip((times - at[after - 1]) / width, 0.0, 1.0)
    return np.asarray(
        values[after - 1] + (values[after] - values[after - 1]) * (0.5 - 0.5 * np.cos(np.pi * share))
    )


# ---------------------------------------------------------------- formants


def _formants(segments: Sequence[Segment], rate: int, times: Array) -> Array:
    out = np.empty((len(times), 3))
    for which in range(3):
        points: list[tuple[float, float]] = []
        for number in range(len(segments)):
            for at, value in _targets(segments, number, rate, which):
                points.append((max(at, points[-1][0] + 1e-6) if points else at, value))
        out[:, which] = _smooth(ease(times, points), 12)
    return out


def _targets(segments: Sequence[Segment], number: int, rate: int, which: int) -> list[tuple[float, float]]:
    segment = segments[number]
    before = segments[number - 1] if number else None
    after = segments[number + 1] if number + 1 < len(segments) else None
    start, end = segment.start / rate, segment.end / rate
    kind = segment.phone.kind
    if kind == "silence":
        return []
    if kind == "vowel":
        first, last = segment.phone.formants[0][which], segment.phone.formants[-1][which]
        enter = min(_TRANSITION[before.phone.kind] if before else 0.0, 0.45 * (end - start))
        leave = min(_TRANSITION[after.phone.kind] if after else 0.0, 0.45 * (end - start))
        if len(segment.phone.formants) == 2 and end - start > 0.1:
            # A diphthong stays a little at its first target and reaches the second near its end.
            hold = start + max(enter, 0.22 * (end - start))
            return [(start + enter, first), (hold, first), (max(end - leave, hold + 0.01), last)]
        return [(start + enter, first), (end - leave, last)]
    if kind in ("glide", "liquid"):
        left, right = (_locus(segment.phone, side, which) for side in (before, after))
        middle = 0.5 * (left + right)
        return [(start + 0.35 * (end - start), middle), (end - 0.35 * (end - start), middle)]
    left, right = _locus(segment.phone, before, which), _locus(segment.phone, after, which)
    if kind == "aspirate":
        left = right
    # Obstruents and nasals hold their place between their ends.
    return [(start, left), (end, right)]


def _locus(phone: Phone, beside: Segment | None, which: int) -> float:
    own = phone.formants[0][which]
    if beside is None or beside.phone.kind not in ("vowel", "glide", "liquid"):
        return own
    near = beside.phone.formants[0][which]
    # F1 falls to the consonant's whatever the vowel is, except in a breath, which has no place of its own.
    slope = phone.yielding if which == 1 or phone.kind == "aspirate" else 0.3 * phone.yielding
    value = own + slope * (near - own)
    if phone.release_ms and phone.voicing is None and which == 0:
        value = max(value, 0.75 * near)  # the voice starts only when the mouth is open
    return value


def _bandwidths(segments: Sequence[Segment], rate: int, times: Array) -> Array:
    rows = _steps(segments, rate, times, [segment.phone.bandwidths for segment in segments])
    return np.stack([_smooth(rows[:, which], 16) for which in range(3)], axis=1)


def _nasal_zero(segments: Sequence[Segment], rate: int, times: Array) -> Array:
    points = [(0.0, 270.0)]
    for segment in segments:
        if segment.phone.kind != "nasal":
            continue
        start, end = segment.start / rate, segment.end / rate
        for at, value in (
            (start - 0.07, 270.0),
            (start - 0.004, 350.0),
            (start + 0.008, 450.0),
            (end - 0.008, 450.0),
            (end + 0.004, 330.0),
            (end + 0.05, 270.0),
        ):
            points.append((max(at, points[-1][0] + 1e-6), value))
    return ease(times, points)


# ---------------------------------------------------------------- levels


def _gains(segments: Sequence[Segment], rate: int, times: Array) -> tuple[Array, Array, Array]:
    voice, breath = np.zeros(len(times)), np.zeros(len(times))
    tilt = np.full(len(times), _OPEN_TILT_HZ)
    for number, segment in enumerate(segments):
        span = slice(*np.searchsorted(times, (segment.start / rate, segment.end / rate)))
        phone = segment.phone
        level = _decibels(phone.voicing)
        voice[span], breath[span] = level, 0.02 * level
        if phone.kind == "vowel":
            voice[span] = {0: 0.62, 1: 1.0, 2: 0.85}[segment.stress]
            breath[span] = 0.02 * voice[span]
        elif phone.kind == "aspirate":
            voiced_before = number and segments[number - 1].phone.voicing is not None
            voice[span], breath[span] = (0.12 if voiced_before else 0.0), 0.17
        elif phone.kind in ("stop", "affricate"):
            _release_gains(segments, number, rate, times, voice, breath, tilt)
        elif phone.kind == "fricative" and phone.voicing is not None:
            tilt[span] = 900.0
        elif phone.kind == "nasal":
            tilt[span] = 1600.0
    return _smooth(voice, 12), _smooth(breath, 8), _smooth(tilt, 14)


def _release_gains(
    segments: Sequence[Segment],
    number: int,
    rate: int,
    times: Array,
    voice: Array,
    breath: Array,
    tilt: Array,
) -> None:
    segment = segments[number]
    closure = closure_of(segment, rate)
    shut = slice(*np.searchsorted(times, [n / rate for n in closure.shut]))
    release = slice(*np.searchsorted(times, [n / rate for n in closure.release]))
    breath[shut] = breath[release] = 0.0
    tilt[shut] = 260.0
    if segment.phone.voicing is None:
        voice[shut] = voice[release] = 0.0
        loudness = 0.22 if segment.aspirated else _PLAIN_BREATH
        breath[release] = np.linspace(loudness, 0.6 * loudness, max(release.stop - release.start, 0))
        return
    before = segments[number - 1].phone.kind if number else "silence"
    # After a pause or a voiceless sound the vocal folds need a while to start against a closure.
    voice[shut] *= 0.35 if before == "silence" else 1.0
    voice[release] = 0.25 if segment.phone.kind == "stop" else _decibels(segment.phone.voicing)


def _bursts(segments: Sequence[Segment], rate: int) -> list[Burst]:
    out = []
    fade = round(_FADE_SECONDS * rate)
    for number, segment in enumerate(segments):
        noise = segment.phone.noise
        if noise is None:
            continue
        gain, bands = _decibels(noise.level), noise.bands
        after = segments[number + 1] if number + 1 < len(segments) else None
        before = segments[number - 1] if number else None
        if segment.phone.kind == "fricative":
            out.append(Burst(max(segment.start - fade, 0), segment.end + fade, gain, bands, 0.014, 0.014))
            continue
        opening, end = closure_of(segment, rate).release
        if segment.phone.kind == "affricate":
            out.append(Burst(opening, end, gain, bands, 0.001, 0.015))
            continue
        if segment.phone.formants[0][1] == 1850.0:  # the tongue's back: the burst lies at the vowel's F2
            bands = _velar(bands, after if after and after.phone.kind != "silence" else before)
        unreleased = after is not None and after.phone.kind in ("stop", "affricate")
        length = min(end - opening, round((0.03 if segment.aspirated else 0.034) * rate))
        out.append(
            Burst(opening, opening + length, gain * (0.5 if unreleased else 1.0), bands, 0.0004, 0.016)
        )
    return out


def _velar(
    bands: tuple[tuple[float, float, float], ...], beside: Segment | None
) -> tuple[tuple[float, float, float], ...]:
    second = (
        beside.phone.formants[0][1] if beside is not None and beside.phone.kind not in _OBSTRUENTS else 1900.0
    )
    centre = float(np.clip(0.7 * second + 800.0, 1500.0, 2600.0))
    return ((centre, *bands[0][1:]), *bands[1:])


def _decibels(level: float | None) -> float:
    return 0.0 if level is None else float(10 ** (level / 20))


def _steps(segments: Sequence[Segment], rate: int, times: Array, rows: Sequence[Sequence[float]]) -> Array:
    ends = np.array([segment.end / rate for segment in segments])
    which = np.minimum(np.searchsorted(ends, times, side="right"), len(segments) - 1)
    return np.asarray(np.array(rows, dtype=np.float64)[which])


def _smooth(values: Array, width: int) -> Array:
    window = np.hanning(width + 3)[1:-1]  # odd or even, centred to half a step
    half = len(window) // 2
    padded = np.pad(values, (half, len(window) - 1 - half), mode="edge")
    return np.convolve(padded, window / window.sum(), mode="valid")
