"""Counterfactual pairs: two films that differ in one factor; does the made sound change as the true one does?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from genlock.bench.figures import Row, bootstrapped, share
from genlock.bench.sound_clips import Samples, SoundClip
from genlock.bench.sound_hearing import RATE, brightness, hit_features, level_db
from genlock.bench.sound_judging import Array, Judged

__all__ = ["pair_rows", "pairs_of"]


def pairs_of(clips: Sequence[SoundClip]) -> list[tuple[int, int]]:
    """Numbers of the two films of each pair."""
    places = {clip.name: number for number, clip in enumerate(clips)}
    found = []
    for number, clip in enumerate(clips):
        other = places.get(str(clip.truth.pair.get("other", "")))
        if other is not None and number < other:
            found.append((number, other))
    return found


def pair_rows(
    clips: Sequence[SoundClip],
    systems: Mapping[str, Sequence[Samples]],
    judged: Mapping[str, Sequence[Judged]],
    seed: int,
) -> list[Row]:
    """A row for each system: sign of the change right in all and by factor, how far onsets moved; none without pairs.

    The change is that of the level (speed, distance), the brightness (size) or the spectrum along the true change
    (material), over the contacts that sound in both films. Silence changes nothing and is wrong.
    """
    pairs = pairs_of(clips)
    if not pairs:
        return []
    rows = []
    for name, sounds in systems.items():
        right: dict[str, list[bool]] = {}
        moved: list[float] = []
        for one, two in pairs:
            factor = str(clips[one].truth.pair["factor"])
            right.setdefault(factor, []).append(
                _right(factor, clips, systems["truth"], sounds, judged[name], one, two)
            )
            moved += _moved(judged[name][one], judged[name][two])
        everything = [sign for signs in right.values() for sign in signs]
        figures = {"sign right": share(everything)}
        figures |= {factor: share(signs) for factor, signs in sorted(right.items())}
        figures["onset moved ms"] = bootstrapped(np.abs(np.array(moved, np.float64)) * 1000, np.median, seed)
        rows.append(Row("pairs", name, len(pairs), figures))
    return rows


def _right(
    factor: str,
    clips: Sequence[SoundClip],
    true: Sequence[Samples],
    made: Sequence[Samples],
    judged: Sequence[Judged],
    one: int,
    two: int,
) -> bool:
    at = [
        (a, b, float(c.time))
        for a, b, c in zip(judged[one].heard_at, judged[two].heard_at, clips[one].contacts, strict=False)
        if a is not None and b is not None
    ]
    if not at:
        return False
    wanted = np.mean([_change(factor, true[one], true[two], t, t) for _, _, t in at], axis=0)
    found = np.mean([_change(factor, made[one], made[two], a, b) for a, b, _ in at], axis=0)
    return bool(float(np.sum(wanted * found)) > 0)


def _change(factor: str, one: Samples, two: Samples, at: float, then: float) -> Array:
    first, second = round(at * RATE), round(then * RATE)
    if factor == "material":
        return hit_features(two[second:]) - hit_features(one[first:])
    tell = brightness if factor == "size" else level_db
    return np.array([tell(two, second) - tell(one, first)])


def _moved(one: Judged, two: Judged) -> list[float]:
    """How much later each contact sounds in the second film, in seconds: their instants are equal."""
    return [
        b - a for a, b in zip(one.heard_at, two.heard_at, strict=False) if a is not None and b is not None
    ]
