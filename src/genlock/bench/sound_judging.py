"""One sound judged against the film that it was made for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.bench.sound_clips import Samples, SoundClip
from genlock.bench.sound_hearing import RATE, clip_embedding, hearing, hit_features, level_db
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.metrics.onsets import OnsetScores, find_onsets, match_onsets, score_onsets
from genlock.synth.impacts.materials import MATERIALS

__all__ = ["Judged", "judge"]

Array: TypeAlias = npt.NDArray[np.float64]

# What is said of a contact is read off the onset that is matched with it within so many seconds.
_NEAR = 0.1
# The published onset precision forgives this, and finds no fault in what is not there.
_LEGACY = 0.3
_ENVELOPE_RATE = 50


@dataclass(frozen=True, eq=False)
class Judged:
    """What is known of one sound of one film."""

    onsets: OnsetScores
    """Its onsets against the true ones."""
    found: tuple[float, ...]
    """Its onsets, in seconds."""
    heard_at: tuple[float | None, ...]
    """For each wanted contact the onset that is matched with it, in seconds; None where there is none."""
    levels: tuple[tuple[float, float], ...]
    """Of the matched contacts: impulse over distance and level of the onset, both in dB."""
    materials: tuple[bool, ...]
    """Whether each wanted contact sounds like its material; what is missed does not."""
    posterior: Array
    """Mean posterior of the materials over the sound's own onsets, [11]; even where it has none."""
    embedding: Array
    """The sound as a whole, [96]."""
    energy_r: float
    """Correlation of its level over time with that of the true sound."""
    motion_r: float
    """Correlation of the rises of its level with the change of the picture; NaN where nothing moves."""
    legacy_precision: float
    """Share of its onsets within 0.3 s of a true one, 1 if it has none, as published."""
    legacy_count: float
    """Whether it has as many onsets as are true, as published: 0 or 1."""


def judge(clip: SoundClip, sound: Samples) -> Judged:
    """Judge a sound at 24 kHz from instant 0 on, [n]."""
    found = find_onsets(Track(sound, Grid.of_samples(RATE))).seconds.tolist()
    pairs = dict(match_onsets(clip.wanted.seconds, found, _NEAR))
    heard = [found[pairs[k]] if k in pairs else None for k in range(len(clip.wanted.seconds))]
    posteriors = _posteriors(sound, found)
    levels, materials = [], []
    for number, (contact, at) in enumerate(zip(clip.contacts, heard, strict=True)):
        if at is None:
            materials.append(False)
            continue
        best = MATERIALS[int(posteriors[pairs[number]].argmax())]
        materials.append(best == contact.material)
        if contact.impulse > 0:
            strength = 20 * np.log10(contact.impulse / max(contact.distance, 0.3))
            levels.append((float(strength), level_db(sound, round(at * RATE))))
    own, true = _envelope(sound), _envelope(clip.sound)
    return Judged(
        onsets=score_onsets(clip.wanted, found),
        found=tuple(found),
        heard_at=tuple(heard),
        levels=tuple(levels),
        materials=tuple(materials),
        posterior=posteriors.mean(axis=0) if len(found) else np.full(len(MATERIALS), 1 / len(MATERIALS)),
        embedding=clip_embedding(sound),
        energy_r=_correlation(own, true),
        motion_r=_correlation(np.maximum(np.diff(own, prepend=own[:1]), 0), clip.motion[: len(own)]),
        legacy_precision=_legacy(clip.wanted.seconds, found),
        legacy_count=float(len(found) == len(clip.wanted.seconds)),
    )


def _posteriors(sound: Samples, found: list[float]) -> Array:
    """Posterior of the materials at each onset, [n, 11]; what sounds next is cut off."""
    rows = []
    for number, at in enumerate(found):
        stop = found[number + 1] if number + 1 < len(found) else len(sound) / RATE
        rows.append(hit_features(sound[round(at * RATE) : max(round(stop * RATE), round(at * RATE) + 1)]))
    return hearing().posteriors(np.stack(rows)) if rows else np.zeros((0, len(MATERIALS)))


def _envelope(sound: Samples) -> Array:
    """Level in dB, 50 a second, not below -70."""
    step = RATE // _ENVELOPE_RATE
    count = len(sound) // step
    power = (sound[: count * step].reshape(count, step) ** 2).mean(axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-7)))


def _correlation(one: Array, two: Array) -> float:
    """Pearson's; 0 where the first does not change, NaN where the second does not."""
    count = min(len(one), len(two))
    one, two = one[:count], two[:count]
    if count < 3 or two.std() < 1e-9:
        return float("nan")
    return 0.0 if one.std() < 1e-9 else float(np.corrcoef(one, two)[0, 1])


def _legacy(true: tuple[float, ...], found: list[float]) -> float:
    if not found or not true:
        return 1.0
    gaps = np.abs(np.subtract.outer(np.array(found), np.array(true))).min(axis=1)
    return float((gaps <= _LEGACY).mean())
