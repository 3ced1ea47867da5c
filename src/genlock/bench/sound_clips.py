"""What generated sound is judged by: films with their truth, sounds made for them, and what stands in their place."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soxr

from genlock.bench.sound_hearing import RATE
from genlock.core.errors import InputError
from genlock.core.one_line import one_line
from genlock.core.track import Track
from genlock.media import VideoForm, read_audio, read_frames
from genlock.metrics.onsets import CONTROLS, Wanted, mean_rate_onsets, metronome_onsets
from genlock.synth.impacts.truth import Contact, ImpactTruth, load_impact_truth, truth_path

__all__ = ["SoundClip", "controls", "find_made", "read_sound", "read_sound_clip", "shuffled", "wanted_of"]

Samples: TypeAlias = npt.NDArray[np.float64]

_ENDINGS = (".wav", ".flac", ".mp4", ".mkv", ".mov", ".ogg", ".m4a")
_HIT_SECONDS = 0.4
_MOTION_RATE = 50


@dataclass(frozen=True, eq=False)
class SoundClip:
    """One film whose contacts are known."""

    name: str
    """Of the film."""
    path: Path
    """Where it lies."""
    truth: ImpactTruth
    """What is planted."""
    wanted: Wanted
    """The onsets that its sound must have."""
    sound: Samples
    """Its own sound, 24 kHz, from instant 0 on."""
    motion: Samples
    """Mean change of the picture at 50 instants a second, [n]."""

    __repr__ = one_line

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """The contacts that must sound, in order of time."""
        return self.truth.seen()


def wanted_of(truth: ImpactTruth) -> Wanted:
    """What the onsets of a film's sound are judged against."""
    allowed = tuple((float(c.time), float(c.time if c.end is None else c.end)) for c in truth.allowed())
    return Wanted(tuple(float(c.time) for c in truth.seen()), allowed, float(truth.seconds))


def read_sound_clip(path: str | os.PathLike[str], *, motion: bool = True) -> SoundClip:
    """Read a film with its truth.

    Raises
    ------
    InputError
        If there is no truth beside it.
    MediaError
        If it cannot be read.
    """
    film = Path(path)
    if not truth_path(film).is_file():
        raise InputError(
            f"there is no {truth_path(film).name!r} beside it; make films: genlock synth impacts"
        )
    truth = load_impact_truth(truth_path(film))
    length = round(float(truth.seconds) * RATE)
    moved = _motion(film, float(truth.seconds)) if motion else np.zeros(0)
    return SoundClip(film.stem, film, truth, wanted_of(truth), read_sound(film, length), moved)


def read_sound(path: str | os.PathLike[str], length: int) -> Samples:
    """The sound of a file at 24 kHz from instant 0 on, so many samples; silence where it has none."""
    track = read_audio(path, RATE)
    return placed(track, length)


def placed(track: Track, length: int) -> Samples:
    """A waveform from instant 0 on, so many samples."""
    samples = np.asarray(track.values, np.float64).reshape(len(track), -1).mean(axis=1)
    rate = float(track.grid.rate) if hasattr(track.grid, "rate") else float(RATE)
    if rate != RATE:
        samples = soxr.resample(samples, rate, RATE, quality="HQ")
    first = round(float(track.grid.center(0)) * RATE) if len(track) else 0
    out = np.zeros(length)
    start, stop = max(first, 0), min(first + len(samples), length)
    if start < stop:
        out[start:stop] = samples[start - first : stop - first]
    return out


def find_made(folder: Path, clip: SoundClip) -> Path:
    """The sound that was made for a film: the file of its name.

    Raises InputError if there is none.
    """
    for ending in _ENDINGS:
        if (folder / f"{clip.name}{ending}").is_file():
            return folder / f"{clip.name}{ending}"
    raise InputError(f"there is no sound for it in {str(folder)!r}, such as {clip.name}.wav")


def _motion(film: Path, seconds: float) -> Samples:
    instants, changes = list[float](), list[float]()
    before: npt.NDArray[np.float32] | None = None
    for cell in read_frames(film, VideoForm((64, 64), "gray")):
        now = np.asarray(cell.pixels, np.float32)
        instants.append(float(cell.start))
        changes.append(0.0 if before is None else float(np.abs(now - before).mean()))
        before = now
    grid = np.arange(round(seconds * _MOTION_RATE)) / _MOTION_RATE
    return np.interp(grid, instants, changes) if instants else np.zeros(len(grid))


# ---------------------------------------------------------------- controls


def shuffled(count: int, seed: int) -> list[int]:
    """A number of another clip for each, drawn by a seed.

    >>> order = shuffled(5, seed=0)
    >>> sorted(order), any(here == there for here, there in enumerate(order))
    ([0, 1, 2, 3, 4], False)
    """
    order = np.random.default_rng([seed, 19]).permutation(count)
    found = np.zeros(count, int)
    found[order] = np.roll(order, 1)
    return [int(number) for number in found]


def controls(clips: Sequence[SoundClip], seed: int = 0) -> dict[str, list[Samples]]:
    """What is judged in the place of a system: sounds of all clips by the names of ``CONTROLS``, in their order."""
    others = shuffled(len(clips), seed)
    hits = [_one_hit(clip) for clip in clips]
    seconds = sum(clip.wanted.length for clip in clips)
    rate = sum(len(clip.wanted.seconds) for clip in clips) / max(seconds, 1e-9)
    some = next((hit for hit in hits if len(hit)), np.zeros(1))
    found: dict[str, list[Samples]] = {name: [] for name in CONTROLS}
    for clip, hit, other in zip(clips, hits, others, strict=True):
        length = clip.wanted.length
        one = hit if len(hit) else some
        first = clip.wanted.seconds[:1]
        foreign = clips[other].sound
        found["truth"].append(clip.sound)
        found["silence"].append(np.zeros_like(clip.sound))
        found["one hit"].append(_hits_at(first, one, len(clip.sound)))
        found["truth + 80 ms"].append(_late(clip.sound, 0.08))
        found["truth + 200 ms"].append(_late(clip.sound, 0.2))
        found["shuffled clips"].append(np.resize(foreign, len(clip.sound)) if len(foreign) else foreign)
        found["metronome"].append(_hits_at(metronome_onsets(length), one, len(clip.sound)))
        found["mean rate"].append(_hits_at(mean_rate_onsets(length, rate), one, len(clip.sound)))
    return found


def _one_hit(clip: SoundClip) -> Samples:
    """The first hit of a clip, up to the next."""
    times = clip.wanted.seconds
    if not times:
        return np.zeros(0)
    last = min(times[0] + _HIT_SECONDS, *(t for t in (*times[1:2], clip.wanted.length)))
    hit = clip.sound[round(times[0] * RATE) : max(round(last * RATE), round(times[0] * RATE) + 1)].copy()
    fade = min(len(hit), RATE // 100)
    hit[len(hit) - fade :] *= np.linspace(1, 0, fade)
    return hit


def _hits_at(instants: Sequence[float], hit: Samples, length: int) -> Samples:
    out = np.zeros(length)
    for at in instants:
        first = round(at * RATE)
        part = hit[: max(0, length - first)]
        out[first : first + len(part)] += part
    return out


def _late(sound: Samples, seconds: float) -> Samples:
    shift = round(seconds * RATE)
    return np.concatenate([np.zeros(shift), sound[: len(sound) - shift]])
