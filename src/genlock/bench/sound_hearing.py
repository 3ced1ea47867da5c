"""What ``genlock bench sound`` hears in a sound: what is struck, how bright and how loud, and an embedding of a clip.

The classifier of materials is a small network that is trained here, on the sounds of films of ``genlock synth impacts``
that are made for it from a seed of its own: the same numbers on every machine, a few seconds of one core. It learns
what it is asked for: contacts in a room, at a distance, in the ring of those before them, cut off by the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.synth.impacts.contacts import events_of, hear
from genlock.synth.impacts.materials import MATERIALS
from genlock.synth.impacts.plans import HeldOut, ImpactOptions
from genlock.synth.impacts.sets import plan_impacts
from genlock.synth.impacts.sound import first_sample

__all__ = ["RATE", "Hearing", "brightness", "clip_embedding", "hearing", "hit_features", "level_db"]

Array: TypeAlias = npt.NDArray[np.float64]

#: Samples per second of what is heard here.
RATE = 24000
_WINDOW, _HOP, _BANDS = 512, 240, 32
_HIT_SECONDS = 0.3
_RING_SECONDS = 0.4  # of what is learnt from
# Films to learn from, and what they take from outside of what is otherwise made.
_LESSONS: tuple[tuple[tuple[HeldOut, ...], int], ...] = (((), 100), (("materials",), 40))
_SEED, _STRUCK = 770_001, ("sticks", "hands", "drops")
_NUMBERS = {name: number for number, name in enumerate(MATERIALS)}
_HIDDEN, _STEPS = 64, 600
_SLICES = ((0, 2), (2, 5), (5, 10), (10, 18), (18, 29))


@lru_cache(maxsize=1)
def _filters() -> Array:
    """Triangles on a mel scale from 60 Hz to 11 kHz, [bins, bands]."""
    edges = 700 * (10 ** (np.linspace(np.log10(1 + 60 / 700), np.log10(1 + 11000 / 700), _BANDS + 2)) - 1)
    hertz = np.fft.rfftfreq(_WINDOW, 1 / RATE)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    return np.asarray(
        np.clip(np.minimum((hertz - low) / (middle - low), (high - hertz) / (high - middle)), 0, None)
    )


def log_mel(sound: npt.ArrayLike) -> Array:
    """Levels in dB, [T, 32]; frame t begins at sample 240 t."""
    samples = np.asarray(sound, np.float64)
    padded = np.concatenate([samples, np.zeros(_WINDOW)])
    count = max(1, len(samples) // _HOP)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:count]
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1)) ** 2 / _WINDOW
    return np.asarray(10 * np.log10(power @ _filters() + 1e-8))


def hit_features(sound: npt.ArrayLike) -> Array:
    """What tells the materials of a hit apart, float64 [160]: bands in five slices of 0.3 s, without loudness."""
    samples = np.zeros(round(_HIT_SECONDS * RATE))
    given = np.asarray(sound, np.float64)[: len(samples)]
    samples[: len(given)] = given
    peak = float(np.abs(samples).max(initial=0.0))
    levels = log_mel(samples / max(peak, 1e-6))
    return np.concatenate([np.maximum(levels[first:last].mean(axis=0), -60) for first, last in _SLICES]) / 20


def level_db(sound: npt.ArrayLike, first: int) -> float:
    """RMS of the 30 ms from a sample on, dB of full scale."""
    part = np.asarray(sound, np.float64)[max(first, 0) : max(first, 0) + round(0.03 * RATE)]
    return float(10 * np.log10(max(float((part**2).mean()) if len(part) else 0.0, 1e-12)))


def brightness(sound: npt.ArrayLike, first: int) -> float:
    """Logarithm of the spectral centroid of the 100 ms from a sample on."""
    part = np.asarray(sound, np.float64)[max(first, 0) : max(first, 0) + RATE // 10]
    if not len(part):
        return 0.0
    power = np.abs(np.fft.rfft(part * np.hanning(2 * len(part))[len(part) :])) ** 2
    hertz = np.fft.rfftfreq(len(part), 1 / RATE)
    return float(np.log(max(float((power * hertz).sum() / max(power.sum(), 1e-12)), 20.0)))


def clip_embedding(sound: npt.ArrayLike) -> Array:
    """A clip as a whole, float64 [96]: mean, spread and mean rise of each band."""
    levels = np.maximum(log_mel(sound), -60)
    rises = np.maximum(np.diff(levels, axis=0, prepend=levels[:1]), 0)
    return np.concatenate([levels.mean(axis=0), levels.std(axis=0), 4 * rises.mean(axis=0)]) / 10


@dataclass(frozen=True, eq=False)
class Hearing:
    """A trained classifier of materials."""

    mean: Array
    scale: Array
    weights: tuple[Array, ...]
    """Weights and biases of two layers."""

    def posteriors(self, features: npt.ArrayLike) -> Array:
        """Probability of each of :data:`MATERIALS`, [N, 11], for features [N, 160]."""
        rows = (np.atleast_2d(np.asarray(features, np.float64)) - self.mean) / self.scale
        return _softmax(_forward(rows, self.weights)[1])


@lru_cache(maxsize=1)
def hearing() -> Hearing:
    """The classifier, trained once in a process."""
    rows, classes = _lessons()
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 0.05
    rows = (rows - mean) / scale
    draw = np.random.default_rng([5, 1])
    sizes = ((rows.shape[1], _HIDDEN), (_HIDDEN, len(MATERIALS)))
    weights = [part for a, b in sizes for part in (draw.normal(0, a**-0.5, (a, b)), np.zeros(b))]
    first, second = ([np.zeros_like(part) for part in weights] for _ in range(2))
    wanted = np.eye(len(MATERIALS))[classes]
    for step in range(1, _STEPS + 1):
        chosen = draw.integers(0, len(rows), 256)
        inputs = rows[chosen] + draw.normal(0, 0.15, (256, rows.shape[1]))
        hidden, scores = _forward(inputs, weights)
        error = (_softmax(scores) - wanted[chosen]) / 256
        back = (error @ weights[2].T) * (hidden > 0)
        slopes = (inputs.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0))
        for part, slope, mean_slope, square in zip(weights, slopes, first, second, strict=True):
            mean_slope += 0.1 * (slope - mean_slope)
            square += 0.01 * (slope**2 - square)
            right = (1 - 0.9**step, 1 - 0.99**step)
            part -= 0.003 * (mean_slope / right[0]) / (np.sqrt(square / right[1]) + 1e-8) + 1e-5 * part
    return Hearing(mean, scale, tuple(weights))


def _forward(rows: Array, weights: tuple[Array, ...] | list[Array]) -> tuple[Array, Array]:
    hidden = np.maximum(rows @ weights[0] + weights[1], 0)
    return hidden, hidden @ weights[2] + weights[3]


def _softmax(scores: Array) -> Array:
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


def _lessons() -> tuple[Array, npt.NDArray[np.int64]]:
    """Contacts as they are heard in films, in the room and in each other's ring, cut off where the next one begins."""
    rows, classes = [], []
    for held_out, count in _LESSONS:
        how = ImpactOptions(
            count=count, seed=_SEED, scenes=_STRUCK, distractors=0.0, held_out=held_out, films=False
        )
        for plan in plan_impacts(how):
            sound, contacts, _ = hear(plan, events_of(plan), RATE, longest=_RING_SECONDS)
            firsts = [first_sample(contact.time, RATE) for contact in contacts]
            for contact, first, stop in zip(contacts, firsts, [*firsts[1:], len(sound)], strict=True):
                if contact.audible and stop > first:
                    rows.append(hit_features(sound[first:stop]))
                    classes.append(_NUMBERS[contact.material])
    return np.stack(rows), np.array(classes, np.int64)
