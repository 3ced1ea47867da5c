"""Noises of the kinds that speech is tested in, and mixtures of both at a signal-to-noise ratio.

A ratio is between mean powers over the whole of both sounds, as the published tests of audio-visual recognisers have
it: pauses of the speech count, so the voice itself lies somewhat higher than the ratio says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.synth.signals.sounds import music

__all__ = ["KINDS", "NoiseKind", "babble", "mean_power", "mixed", "noise"]

Samples: TypeAlias = npt.NDArray[np.float32]
NoiseKind: TypeAlias = Literal["white", "babble", "music"]

#: Every kind of noise, in the order of tables.
KINDS: tuple[NoiseKind, ...] = get_args(NoiseKind)
#: Voices of a babble, if there are as many: fewer can be followed word by word, more sound like steady noise.
_VOICES = 8


def noise(
    kind: NoiseKind, count: int, rate: int, draw: np.random.Generator, voices: Sequence[npt.ArrayLike] = ()
) -> Samples:
    """A noise of a mean power of 1 (0 if it has no samples); the same seed gives the same samples.

    Parameters
    ----------
    kind : ``white``, ``babble`` (of other people's ``voices``) or ``music`` (chords, a tune and a beat)
    count : number of samples
    rate : samples per second
    draw : where chance comes from, such as ``np.random.default_rng([seed, clip])``
    voices : sounds of speech at ``rate``, [n] each, for ``babble``

    Returns
    -------
    float32 [count]

    Raises
    ------
    OptionError
        If there is no such kind, or a babble lacks voices that can be heard.

    >>> hiss = noise("white", 16000, 16000, np.random.default_rng(3))
    >>> hiss.shape, round(mean_power(hiss), 3)
    ((16000,), 1.0)
    """
    if kind not in KINDS:
        raise OptionError(f"there is no noise {kind!r}; there are: {', '.join(KINDS)}")
    if kind == "white":
        made = draw.standard_normal(count)
    elif kind == "babble":
        return babble(voices, count, draw)
    else:
        made = music(count, rate, int(draw.integers(2**31)))
    return _unit_power(made)


def babble(voices: Sequence[npt.ArrayLike], count: int, draw: np.random.Generator) -> Samples:
    """Up to eight voices that speak at once, equally loud, each from a drawn place on and over again.

    >>> voices = [np.sin(np.arange(800) / k) for k in (3, 5, 7)]
    >>> crowd = babble(voices, 2000, np.random.default_rng(0))
    >>> crowd.shape, round(mean_power(crowd), 3)
    ((2000,), 1.0)

    Raises OptionError if no voice can be heard.
    """
    heard = [np.asarray(voice, np.float64).reshape(-1) for voice in voices]
    heard = [voice for voice in heard if mean_power(voice) > 0]
    if not heard:
        raise OptionError("a babble is made of voices, and none of those that were given can be heard")
    order = draw.permutation(len(heard))[:_VOICES]
    made = np.zeros(count)
    for number in order.tolist():
        voice = heard[number] / np.sqrt(mean_power(heard[number]))
        first = int(draw.integers(len(voice)))
        made += np.resize(np.concatenate([voice[first:], voice[:first]]), count)
    return _unit_power(made)


def mixed(speech: npt.ArrayLike, disturbance: npt.ArrayLike, snr_decibels: float) -> Samples:
    """Speech with a noise at a signal-to-noise ratio; the speech keeps its level, and nothing is clipped.

    Parameters
    ----------
    speech, disturbance : [n] both
    snr_decibels : mean power of the speech over that of the noise, in dB

    Raises
    ------
    OptionError
        If the lengths differ, or one of the two cannot be heard: no ratio holds then.

    >>> tone = np.sin(np.arange(16000) / 9)
    >>> both = mixed(tone, noise("white", 16000, 16000, np.random.default_rng(0)), snr_decibels=-5)
    >>> round(float(10 * np.log10(mean_power(tone) / mean_power(both - tone))), 2)
    -5.0
    """
    clean, other = (np.asarray(sound, np.float64).reshape(-1) for sound in (speech, disturbance))
    if len(clean) != len(other):
        raise OptionError(f"the noise has {len(other)} samples and the speech {len(clean)}; make them equal")
    loud, disturbing = mean_power(clean), mean_power(other)
    if not loud > 0 or not disturbing > 0:
        silent = "speech" if not loud > 0 else "noise"
        raise OptionError(f"the {silent} is silent: no ratio of {snr_decibels} dB can be made with it")
    gain = np.sqrt(loud / disturbing * 10 ** (-snr_decibels / 10))
    return np.asarray(clean + gain * other, np.float32)


def mean_power(sound: npt.ArrayLike) -> float:
    """Mean square of a sound; 0 if it has no samples."""
    values = np.asarray(sound, np.float64)
    return float(np.mean(values**2)) if values.size else 0.0


def _unit_power(made: npt.NDArray[np.float64]) -> Samples:
    power = mean_power(made)
    return np.asarray(made / np.sqrt(power) if power > 0 else made, np.float32)
