"""How contacts sound: damped modes that begin at the very instant of a contact, and noise that moves with a slide."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.time import round_fraction
from genlock.synth.impacts.materials import Material

__all__ = [
    "LONGEST",
    "LOUDNESS",
    "Modes",
    "add_sliding",
    "add_struck",
    "first_sample",
    "late_by",
    "limited",
    "modes_of",
    "struck",
]

Array: TypeAlias = npt.NDArray[np.float64]

#: Amplitude grows with this power of the impulse; ears and microphones of films are kinder than physics.
LOUDNESS = 0.8
_USUAL_IMPULSE = 0.2
_USUAL_PEAK = 0.22
_USUAL_SIZE = 0.1
# Modes are followed until they have fallen by so much.
_FLOOR = 1e-4
#: Seconds after which a ring is cut.
LONGEST = 2.5
_SOFT = 0.8
# A soft striker leaves high modes alone: how much longer its touch lasts than that of a hard one.
_SOFTNESS = {"stick": 1.0, "body": 1.0, "mallet": 2.5, "hand": 6.0}


@dataclass(frozen=True)
class Modes:
    """How one thing rings."""

    hertz: Array
    """Frequencies, [M]."""
    seconds: Array
    """Time in which each falls by 60 dB, [M]."""
    gains: Array
    """Amplitude of each after a touch without length, [M]."""


def modes_of(material: Material, size: float, seed: int) -> Modes:
    """The modes of a thing; ``size`` is across, in metres: twice as large is half as high, and rings longer.

    >>> from genlock.synth.impacts.materials import material_of
    >>> low, high = (modes_of(material_of("metal"), size, seed=1).hertz[0] for size in (0.2, 0.1))
    >>> round(float(high / low), 6)
    2.0
    """
    draw = np.random.default_rng([seed, 3])
    ratios = np.array(material.ratios) * np.concatenate(
        [[1.0], draw.uniform(0.96, 1.05, len(material.ratios) - 1)]
    )
    hertz = material.pitch_hz * (_USUAL_SIZE / size) * ratios * draw.uniform(0.9, 1.1)
    seconds = (
        material.decay_seconds * (size / _USUAL_SIZE) ** 0.3 * draw.uniform(0.8, 1.2) / ratios**material.tilt
    )
    gains = draw.uniform(0.5, 1.0, len(ratios)) / np.sqrt(ratios)
    return Modes(hertz, seconds, gains)


def struck(
    material: Material,
    size: float,
    seed: int,
    impulse: float,
    speed: float,
    *,
    rate: int,
    late: float = 0.0,
    striker: str = "stick",
    touch: int = 0,
    longest: float = LONGEST,
) -> Array:
    """One contact from its first sample on, float64 [n].

    Parameters
    ----------
    material, size, seed : the thing that is hit: what of, how large (m), which one
    impulse, speed : N s and m/s: more is louder; faster is shorter and so brighter
    rate : samples per second
    late : by how much the first sample lies after the contact, in seconds, at least 0 and below 1/rate
    striker : ``stick``, ``body``, ``mallet`` or ``hand``; soft ones leave high modes alone
    touch : number of the touch: no two are quite alike
    longest : seconds after which it is cut

    Examples
    --------
    >>> from genlock.synth.impacts.materials import material_of
    >>> hard, soft = (struck(material_of("metal"), 0.1, 1, N, 2.0, rate=24000) for N in (0.4, 0.1))
    >>> bool(abs(hard).max() > 2.5 * abs(soft).max()), bool(hard[0] != 0)
    (True, True)
    """
    modes = modes_of(material, size, seed)
    draw = np.random.default_rng([seed, touch, 7])
    heard = modes.hertz < 0.45 * rate
    length = material.contact_seconds * _SOFTNESS[striker] * max(speed, 0.05) ** -0.4
    # The spectrum of a push that lasts so long; what turns round within it is not driven.
    driven = 1 / (1 + (modes.hertz * length * 1.3) ** 2)
    gains = (modes.gains * driven * draw.uniform(0.75, 1.0, len(modes.gains)) * heard)[:, None]
    count = _length(modes.seconds[heard], material.noise_seconds, rate, longest)
    since = np.arange(count) / rate + late
    glide = since + material.glide * 5.0 * since * since
    # Cosines begin at once; their sum is turned a little so that it does not begin with a click of all of them.
    phases = draw.uniform(0.25, 1.2, len(modes.hertz))[:, None]
    fall = np.exp(-6.908 * since / modes.seconds[:, None])
    ringing = (gains * fall * np.sin(2 * np.pi * modes.hertz[:, None] * glide + phases)).sum(axis=0)
    burst = _burst(material, since, rate, draw, length)
    sound = (1 - material.noise) * _of_energy(ringing, rate) + material.noise * _of_energy(burst, rate)
    peak = _USUAL_PEAK * (impulse / _USUAL_IMPULSE) ** LOUDNESS
    return np.asarray(peak * sound / max(float(np.abs(sound[: max(1, rate // 50)]).max()), 1e-12))


def _length(seconds: Array, noise_seconds: float, rate: int, most: float) -> int:
    longest = max(noise_seconds, float(seconds.max()) if len(seconds) else 0.0)
    return max(8, round(min(most, longest * float(-np.log(_FLOOR)) / 6.908) * rate))


def _of_energy(sound: Array, rate: int) -> Array:
    """So that the first 30 ms have an RMS of 1."""
    first = sound[: max(1, round(0.03 * rate))]
    return sound / max(float(np.sqrt((first**2).mean())), 1e-12)


def _burst(material: Material, since: Array, rate: int, draw: np.random.Generator, length: float) -> Array:
    """Noise of the material's band that falls from the contact on."""
    low, high = material.noise_hz
    count = len(since)
    # A long touch has a dull noise.
    high = max(1.5 * low, min(high, 0.45 * rate, 12000.0, 3.0 / length))
    padded = 2 ** (count + 64).bit_length()
    spectrum = np.fft.rfft(draw.standard_normal(padded))
    hertz = np.fft.rfftfreq(padded, 1 / rate)
    spectrum /= (1 + (hertz / high) ** 4) * (1 + (low / np.maximum(hertz, 1.0)) ** 4)
    noise = np.fft.irfft(spectrum, padded)[32 : 32 + count]
    if material.texture == "leaves":
        # It crackles: the noise comes in grains.
        grains = np.repeat(draw.random(count // max(1, rate // 500) + 1) ** 3, max(1, rate // 500))[:count]
        noise = noise * (0.25 + grains)
    return np.asarray(noise * np.exp(-6.908 * since / material.noise_seconds))


def add_struck(sound: Array, rate: int, at: Fraction, contact: Array) -> None:
    """Add a contact whose first sample is the first one at or after its instant; what lies beyond the end is cut."""
    first = first_sample(at, rate)
    if first < 0:
        contact, first = contact[-first:], 0
    stop = min(first + len(contact), len(sound))
    if first < stop:
        sound[first:stop] += contact[: stop - first]


def first_sample(at: Fraction, rate: int) -> int:
    """The first sample at or after an instant."""
    return round_fraction(at * rate, "ceil")


def late_by(at: Fraction, rate: int) -> float:
    """How far :func:`first_sample` lies after the instant, in seconds."""
    return float(Fraction(first_sample(at, rate), rate) - at)


def add_sliding(
    sound: Array,
    rate: int,
    start: Fraction,
    end: Fraction,
    speeds: Array,
    material: Material,
    size: float,
    seed: int,
    *,
    level: float,
    low: bool = False,
) -> None:
    """Add what lasts: noise through the modes of a thing, as loud as the slide is fast.

    Parameters
    ----------
    sound : float64 [n], changed in place
    rate : samples per second
    start, end : when it lasts; it is silent outside
    speeds : of the slide at its samples, m/s, [m] for the samples from ``start`` on
    level : amplitude at 1 m/s
    low : a rumble (rolling) in place of a scratch
    """
    first, stop = max(first_sample(start, rate), 0), min(first_sample(end, rate), len(sound))
    count = min(stop - first, len(speeds))
    if count <= 0:
        return
    draw = np.random.default_rng([seed, 17])
    modes = modes_of(material, size, seed)
    padded = 2 ** (count + rate // 4).bit_length()
    spectrum = np.fft.rfft(draw.standard_normal(padded))
    hertz = np.fft.rfftfreq(padded, 1 / rate)
    wide = np.maximum(6.908 / np.minimum(modes.seconds, 0.08) / np.pi, 0.03 * modes.hertz)
    peaks = (modes.gains[:, None] / (1 + ((hertz - modes.hertz[:, None]) / wide[:, None]) ** 2)).sum(axis=0)
    corner = 350.0 if low else material.noise_hz[1]
    spectrum *= (0.3 + peaks) / (1 + (hertz / corner) ** (1.5 if low else 4.0)) * (hertz > 40)
    noise = np.fft.irfft(spectrum, padded)[rate // 8 : rate // 8 + count]
    noise *= 1 / max(float(np.sqrt((noise**2).mean())), 1e-12)
    fade = np.clip(np.minimum(np.arange(count), np.arange(count)[::-1]) / (0.004 * rate), 0, 1)
    sound[first : first + count] += level * speeds[:count] * noise * fade


def limited(sound: Array) -> npt.NDArray[np.float32]:
    """Samples within -1...1: what is below 0.8 is left as it is.

    >>> limited(np.array([0.5, 2.0, -3.0])).round(2).tolist()
    [0.5, 1.0, -1.0]
    """
    size = np.abs(sound)
    bent = _SOFT + (1 - _SOFT) * np.tanh((size - _SOFT) / (1 - _SOFT))
    return np.where(size > _SOFT, np.sign(sound) * bent, sound).astype(np.float32)
