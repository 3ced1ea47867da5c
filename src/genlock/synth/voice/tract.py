"""Sound out of the vocal tract's parameters: a source-filter synthesiser, pulse by pulse, in numpy alone.

The voice is a row of glottal pulses; each is shaped, in the frequency domain, by the vocal tract of its
instant (a cascade of resonators, with a pole and a zero of the nose) and added at its exact, fractional
time. So nothing is computed sample by sample in Python, any sample rate gives the same sound, and no pulse
is moved to a sample. The pulse is that of D. H. Klatt and L. C. Klatt, J. Acoust. Soc. Am. 87 (1990), u(t)
= a t^2 - b t^3.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from genlock.synth.voice.articulation import Articulation, Burst

__all__ = ["render"]

Array = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]
Real = npt.NDArray[np.floating]

# The formants above the third hardly move: a tube of 17 cm has one every kilohertz.
_HIGH = ((3400.0, 220.0), (4300.0, 300.0), (5200.0, 500.0), (6100.0, 700.0), (7100.0, 900.0))
_NOSE_HZ, _NOSE_BANDWIDTH = 270.0, 100.0
_HIGHEST_HZ = 8000.0
_OPEN_SHARE = 0.6  # of a period, in which the folds are apart
_PIECE_SECONDS = 0.08  # length of one filtered pulse: the slowest formant has fallen by 100 dB
_CHUNK = 128


def render(articulation: Articulation, samples: int, rate: int, seed: int) -> Array:
    """The sound, float64 [samples], with a stressed vowel's RMS near 1. Equal seeds give equal sounds."""
    random = np.random.default_rng(seed)
    tail = round(_PIECE_SECONDS * rate)
    out = np.zeros(samples + 2 * tail)
    _add_voice(out, articulation, rate, random)
    _add_breath(out, articulation, samples, rate, random)
    for burst in articulation.bursts:
        _add_burst(out, burst, rate, random)
    return out[:samples]


# ---------------------------------------------------------------- the voice


def _add_voice(out: Array, state: Articulation, rate: int, random: np.random.Generator) -> None:
    instants = _pulse_instants(state, random)
    at = _at(state, instants)
    shimmer = 1 + 0.03 * random.standard_normal(len(instants))
    gains = np.interp(instants, state.times, state.voice) * shimmer
    sounding = np.flatnonzero(gains > 1e-3)
    size = 2 * round(_PIECE_SECONDS * rate / 2)
    frequencies = _frequencies(size, rate)
    first = np.floor(instants * rate).astype(np.int64)
    for begin in range(0, len(sounding), _CHUNK):
        chosen = sounding[begin : begin + _CHUNK]
        late = instants[chosen] - first[chosen] / rate
        spectrum = _pulse(frequencies, 1 / np.interp(instants[chosen], state.times, state.pitch))
        spectrum *= _tract(frequencies, *(row[chosen] for row in at))
        spectrum /= 1 + 1j * frequencies / np.interp(instants[chosen], state.times, state.tilt)[:, None]
        spectrum *= np.exp(-2j * np.pi * frequencies * late[:, None])
        pieces = (
            np.fft.irfft(_padded(spectrum, size), n=size) * (rate * gains[chosen] / _voice_level())[:, None]
        )
        for piece, n in zip(pieces, first[chosen], strict=True):
            out[n : n + size] += piece[: len(out) - n]


def _pulse_instants(state: Articulation, random: np.random.Generator) -> Array:
    """Opening instants of the glottis in seconds, with half a per cent of jitter and a slow waver."""
    end, instants, now, waver = state.times[-1], [], 0.004, 0.0
    while now < end:
        instants.append(now)
        waver = 0.9 * waver + 0.1 * random.standard_normal()
        period = 1 / float(np.interp(now, state.times, state.pitch))
        now += period * (1 + 0.004 * random.standard_normal() + 0.015 * waver)
    return np.array(instants)


def _at(state: Articulation, instants: Array) -> tuple[Array, Array, Array]:
    def row(values: Array) -> Array:
        return np.interp(instants, state.times, values)

    formants = np.stack([row(state.formants[:, k]) for k in range(3)], axis=1)
    bandwidths = np.stack([row(state.bandwidths[:, k]) for k in range(3)], axis=1)
    return formants, bandwidths, row(state.nasal_zero)


def _pulse(frequencies: Real, periods: Array) -> Complex:
    """Fourier transform of the flow's derivative over one opening, [pulses, bins], down to -1 at its end."""
    length = _OPEN_SHARE * periods[:, None]
    s = 2j * np.pi * np.maximum(frequencies, 1.0)
    fall = np.exp(-s * length)
    first = (1 - fall * (1 + s * length)) / s**2
    second = (2 - fall * (2 + 2 * s * length + (s * length) ** 2)) / s**3
    spectrum = 2 * first / length - 3 * second / length**2
    spectrum[:, frequencies == 0] = 0.0  # the flow ends where it began
    return np.asarray(spectrum)


def _tract(frequencies: Real, formants: Array, bandwidths: Array, nasal_zero: Array) -> Complex:
    """Response of the vocal tract, [instants, bins]."""
    response = np.ones((len(formants), len(frequencies)), np.complex128)
    for k in range(3):
        response *= _resonance(frequencies, formants[:, k : k + 1], bandwidths[:, k : k + 1])
    response *= _resonance(frequencies, np.array([[_NOSE_HZ]]), np.array([[_NOSE_BANDWIDTH]]))
    response /= _resonance(frequencies, nasal_zero[:, None], np.array([[_NOSE_BANDWIDTH]]))
    return np.asarray(response * _high_formants(len(frequencies), float(frequencies[1])))


def _resonance(frequencies: Real, centre: Real, bandwidth: Real) -> Complex:
    """A resonator with a gain of 1 at 0 Hz."""
    square = centre**2 + (bandwidth / 2) ** 2
    return np.asarray(square / (square - frequencies**2 + 1j * frequencies * bandwidth))


@lru_cache(maxsize=8)
def _high_formants(bins: int, step: float) -> Complex:
    frequencies = np.arange(bins) * step
    response = np.ones(bins, np.complex128)
    for centre, bandwidth in _HIGH:
        response *= _resonance(frequencies, np.array(centre), np.array(bandwidth))
    # A soft end instead of an edge, which would ring.
    response *= np.clip((_HIGHEST_HZ - frequencies) / 600.0, 0.0, 1.0)
    return response


@lru_cache(maxsize=1)
def _voice_level() -> float:
    """RMS of an unscaled "uh" at 115 Hz, by Parseval: the unit of all gains."""
    frequencies = np.arange(1, 700) * (_HIGHEST_HZ / 700)
    spectrum = _pulse(frequencies, np.array([1 / 115])) * _tract(
        frequencies,
        np.array([[630.0, 1210.0, 2500.0]]),
        np.array([[80.0, 60.0, 140.0]]),
        np.array([_NOSE_HZ]),
    )
    spectrum /= 1 + 1j * frequencies / 4000.0
    return float(np.sqrt(2 * 115 * (np.abs(spectrum) ** 2).sum() * (frequencies[1] - frequencies[0])))


# ---------------------------------------------------------------- noises


def _add_breath(
    out: Array, state: Articulation, samples: int, rate: int, random: np.random.Generator
) -> None:
    """Noise at the glottis, shaped by the moving tract: windows of 8 ms that overlap by half."""
    half = round(0.004 * rate)
    count = samples // half + 1
    size = 2 * round(_PIECE_SECONDS * rate / 2)
    frequencies = _frequencies(size, rate)
    window = np.hanning(2 * half + 1)[:-1]
    noise = random.standard_normal((count + 1) * half)
    times = np.arange(len(noise)) / rate
    noise *= np.interp(times, state.times, state.breath) * _flutter(state, times)
    pieces = np.lib.stride_tricks.sliding_window_view(noise, 2 * half)[::half] * window
    centers = (np.arange(len(pieces)) + 1) * half / rate
    loud = np.flatnonzero(np.abs(pieces).max(axis=1) > 1e-4)
    for begin in range(0, len(loud), _CHUNK):
        chosen = loud[begin : begin + _CHUNK]
        formants, bandwidths, nasal_zero = _at(state, centers[chosen])
        bandwidths = bandwidths + np.array([150.0, 40.0, 40.0])  # the open glottis damps
        spectrum = np.fft.rfft(pieces[chosen], n=size)[:, : len(frequencies)]
        response = _tract(frequencies, formants, bandwidths, nasal_zero)
        # Equal power whatever the formants: the level is the caller's.
        power = (np.abs(response) ** 2).sum(axis=1, keepdims=True) / (size / 2)
        shaped = np.fft.irfft(_padded(spectrum * response / np.sqrt(power), size), n=size)
        for piece, n in zip(shaped, chosen * half, strict=True):
            out[n : n + size] += piece[: len(out) - n]


def _flutter(state: Articulation, times: Array) -> Array:
    """Breath comes in puffs while the folds vibrate."""
    phase = (
        np.cumsum(state.pitch) * (state.times[1] - state.times[0]) if len(state.times) > 1 else state.times
    )
    depth = np.clip(np.interp(times, state.times, state.voice), 0.0, 0.6)
    return np.asarray(1 - depth * (0.5 + 0.5 * np.cos(2 * np.pi * np.interp(times, state.times, phase))))


def _add_burst(out: Array, burst: Burst, rate: int, random: np.random.Generator) -> None:
    length = burst.end - burst.start
    if length <= 0:
        return
    tail = round(0.006 * rate)
    noise = random.standard_normal(length) * _edges(length, burst.attack * rate, burst.decay * rate)
    size = 2 * ((length + tail + 1) // 2)
    frequencies = np.arange(size // 2 + 1) * (rate / size)
    shape = np.zeros(len(frequencies), np.complex128)
    for centre, bandwidth, amplitude in burst.bands:
        # A band-pass: the resonator times its own normalised frequency, 1 at its centre.
        band = _resonance(frequencies, np.array(centre), np.array(bandwidth)) * (
            1j * frequencies * bandwidth / (centre**2 + (bandwidth / 2) ** 2)
        )
        shape += amplitude * band**2
    power = (np.abs(shape) ** 2).sum() / (size / 2)
    shaped = np.fft.irfft(np.fft.rfft(noise, n=size) * shape / np.sqrt(power), n=size)
    stop = min(burst.start + size, len(out))
    out[burst.start : stop] += burst.gain * shaped[: stop - burst.start]


def _edges(length: int, attack: float, decay: float) -> Array:
    """An envelope that rises at once or over ``attack`` samples, and falls over ``decay``."""
    n = np.arange(length) + 0.5
    rise = np.clip(n / max(attack, 1.0), 0.0, 1.0)
    fall = np.clip((length - n) / max(decay, 1.0), 0.0, 1.0)
    return np.asarray(np.sin(0.5 * np.pi * rise) * np.sin(0.5 * np.pi * fall))


# ---------------------------------------------------------------- spectra


def _frequencies(size: int, rate: int) -> Array:
    bins = np.arange(size // 2 + 1) * (rate / size)
    return np.asarray(bins[bins <= _HIGHEST_HZ], np.float64)


def _padded(spectrum: Complex, size: int) -> Complex:
    return np.pad(spectrum, ((0, 0), (0, size // 2 + 1 - spectrum.shape[1])))
