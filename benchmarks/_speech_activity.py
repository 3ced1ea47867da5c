"""What a user of tools that align subtitles by speech activity gets for picture against sound.

``ffsubsync`` and its kind compare two rows of bits, a hundred a second: whether speech is heard, and whether a subtitle
is shown. A film has no subtitle to compare its sound with; the nearest there is in the picture is whether the mouth
moves. So the same comparison is made of both: bits as -1 and +1, the shift at which they agree most.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import cut, join, with_offset
from genlock.lipsync.fusion import Fusion

Bits = npt.NDArray[np.float64]
RATE = 100
# As tools do that go by energy: speech is what is so much louder than the quiet parts.
_LOUD_DB = 12.0


def heard(film: Evidence) -> Track:
    """Whether speech is heard in each hundredth of a second: -1 or +1, [N]."""
    assert film.loudness is not None
    loud = film.loudness.on(Grid(RATE, film.start, film.clock), length=round((film.end - film.start) * RATE))
    floor = float(np.quantile(loud.values[loud.valid], 0.1))
    return loud.map(lambda values: np.where(values > floor + _LOUD_DB, 1.0, -1.0))


def seen(film: Evidence) -> Track:
    """Whether the mouth of the first face moves more than it usually does: -1 or +1, [N]."""
    (face, *_) = film.faces
    lips = np.asarray(face.lips.values, np.float64)
    moves = np.abs(np.diff(lips, axis=0, prepend=lips[:1])).mean(axis=(1, 2))
    track = Track(moves, face.lips.grid, face.lips.valid)
    rows = track.on(Grid(RATE, film.start, film.clock), length=round((film.end - film.start) * RATE))
    usual = float(np.median(rows.values[rows.valid]))
    return rows.map(lambda values: np.where(values > usual, 1.0, -1.0))


def offset_of(film: Evidence, reach_seconds: float = 1.2) -> float:
    """How early the sound is by the shift at which both agree most, in seconds."""
    one, other = heard(film), seen(film)
    reach = round(reach_seconds * RATE)
    bits = [np.where(track.valid, track.values, 0.0) for track in (one, other)]
    agreement = [
        float((bits[0][max(0, -k) : len(one) - max(0, k)] * bits[1][max(0, k) : len(one) - max(0, -k)]).sum())
        for k in range(-reach, reach + 1)
    ]
    return (int(np.argmax(agreement)) - reach) / RATE


def right_by_activity(
    clips: Sequence[Evidence], films: int = 20, seconds: float = 15.0, seed: int = 1
) -> str:
    """How often films of a quarter of a minute are right within 80 ms, by activity and as ``genlock sync`` does."""
    draw = np.random.default_rng(seed)
    errors: dict[str, list[float]] = {"speech activity": [], "genlock": []}
    for _ in range(films):
        order = draw.permutation(len(clips))
        offset = Fraction(int(draw.uniform(-1000, 1000)), 1000)
        whole = join([clips[k] for k in order[: int(seconds / 3) + 2]])
        film = cut(with_offset(whole, offset), 2, 2 + Fraction(seconds))
        film = replace(film, faces=film.faces[:1])
        errors["speech activity"].append(abs(offset_of(film) - float(offset)))
        fusion = Fusion()
        fusion.add(film)
        found = fusion.finish().estimate.offset_seconds
        errors["genlock"].append(np.inf if found is None else abs(found - float(offset)))
    told = [
        f"{name} {np.mean(np.array(each) <= 0.08):.2f} (median error {1000 * np.median(each):.0f} ms)"
        for name, each in errors.items()
    ]
    return f"right within 80 ms of {films} films of {seconds:g} s, offsets within 1 s: {', '.join(told)}"


if __name__ == "__main__":
    print(__doc__, file=sys.stderr)
