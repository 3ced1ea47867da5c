"""Takes of a film's sound: made, listened to, ranked; and what is mixed with the sound that is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from genlock.core.progress import Progress, silent
from genlock.core.time import round_fraction
from genlock.foley.events import Events
from genlock.foley.mixing import Limiter
from genlock.foley.onsets import OnsetListener
from genlock.foley.sounding import Choice, Samples, Sounder, Take
from genlock.foley.spool import SpooledSound
from genlock.foley.takes import TakeScore, score_take
from genlock.media import ReadOptions, read
from genlock.media.encode import SoundEncoder, open_output

__all__ = ["Made", "best_take", "listen", "mixed_under", "write_sound", "write_take"]

_BLOCK = 65536
_LIMITED_DB = -1.0


@dataclass
class Made:
    """A sound that was made."""

    path: Path
    """Where it lies: a WAV whose first sample is at ``start``."""
    start: Fraction
    """Instant of its first sample on the film's clock."""
    model: str
    """Who made it."""
    about: str
    """What that learnt from."""
    seed: int
    """Of the take."""
    scores: dict[int, TakeScore]
    """Of every take that was made, by seed."""
    onsets: list[Fraction]
    """Of the take, on the film's clock."""
    take: Take | None = None
    """The take, all of it asked for; None: it was not made here."""
    choices: tuple[Choice, ...] = ()
    """What sounds on each event."""
    moved: list[dict[str, Any]] = field(default_factory=list)
    """What was moved, by how much."""
    notes: list[str] = field(default_factory=list)
    """What to beware of."""


def write_sound(path: Path, rate: int, blocks: Iterable[Samples]) -> float:
    """Write blocks [n, 2] as a WAV of 24 bits, below full scale; gives the limiter's largest reduction in dB."""
    limiter = Limiter(rate)
    with open_output(path, "wav", {"rf64": "auto"}) as output:
        encoder = SoundEncoder(output, "pcm_s24le", rate, "stereo")
        for block in blocks:
            encoder.write(limiter(block))
        encoder.write(limiter.finish())
        encoder.finish()
    return limiter.most_db


def best_take(
    sounder: Sounder, events: Events, seeds: range, gain_db: float, folder: Path, progress: Progress
) -> Made:
    """Make a take with each seed and keep the one whose onsets fit the events best, the first of equals."""
    best: Made | None = None
    scores: dict[int, TakeScore] = {}
    for seed in seeds:
        take = sounder.take(events, seed)
        path = folder / f"take-{seed}.wav"
        notes = [*take.notes, *write_take(path, take, events, sounder.rate, gain_db, progress)]
        onsets = listen(path, events.start)
        scores[seed] = score_take(onsets, events)
        if best is None or scores[seed].rank > scores[best.seed].rank:
            if best is not None:
                best.path.unlink()
            best = Made(
                path,
                events.start,
                sounder.name,
                sounder.about,
                seed,
                scores,
                onsets,
                take,
                tuple(take.choices),
                notes=notes,
            )
        else:
            path.unlink()
    assert best is not None
    return best


def write_take(
    path: Path, take: Take, events: Events, rate: int, gain_db: float, progress: Progress = silent
) -> list[str]:
    """Write a take as a WAV from the picture's first instant to its last; gives what to beware of."""
    return _limited(write_sound(path, rate, _blocks(take, events, rate, gain_db, progress)))


def _limited(most_db: float) -> list[str]:
    if most_db > _LIMITED_DB:
        return []
    return [
        f"sounds together would have been louder than full scale: a limiter took off up to {-most_db:.1f} dB"
    ]


def _blocks(take: Take, events: Events, rate: int, gain_db: float, progress: Progress) -> Iterator[Samples]:
    count = round_fraction((events.end - events.start) * rate, "ceil")
    gain = np.float32(10 ** (gain_db / 20))
    for first in range(0, count, _BLOCK):
        stop = min(first + _BLOCK, count)
        yield take.block(first, stop) * gain
        progress("sound", stop / rate, count / rate)


def listen(path: Path, start: Fraction) -> list[Fraction]:
    """Onsets of a WAV whose first sample lies at ``start``."""
    listener = OnsetListener()
    read(path, [listener])
    return [instant + start for instant in listener.instants]


def mixed_under(
    film: str, made: Made, rate: int, reading: ReadOptions, folder: Path, end: Fraction
) -> tuple[Path, Fraction, list[str]]:
    """The film's own sound with another one under it: a WAV, the instant of its first sample, what to beware of."""
    own = SpooledSound(film, folder / "own.f32", rate, reading)
    new = SpooledSound(made.path, folder / "new.f32", rate)
    start = min(own.start, made.start)
    ahead = round_fraction((own.start - start) * rate, "nearest")
    later = round_fraction((made.start - start) * rate, "nearest")
    total = max(ahead + own.count, round_fraction((end - start) * rate, "ceil"))

    def blocks() -> Iterator[Samples]:
        for first in range(0, total, _BLOCK):
            stop = min(first + _BLOCK, total)
            yield own.part(first - ahead, stop - ahead) + new.part(first - later, stop - later)

    path = folder / "mixed.wav"
    return path, start, _limited(write_sound(path, rate, blocks()))
