"""Films of two people side by side who take turns, made of GRID clips: who says each word, and when, is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Grid
from genlock.core.time import exact
from genlock.data.corpora.grid import read_align
from genlock.media import Picture, Sound, encode, read_audio, read_frames

Pictures: TypeAlias = npt.NDArray[np.uint8]

FRAMES, SAMPLES = Grid(25), Grid(44100)
_REST_FRAMES = 9
"""So many frames at the beginning of a GRID clip show a face at rest."""


@dataclass(frozen=True)
class Said:
    """One word of a film."""

    text: str
    start: Fraction
    end: Fraction
    speaker: int | None
    """0: the left one, 1: the right one, None: somebody who is not seen."""


@dataclass(frozen=True, eq=False)
class Clip:
    """A GRID clip, whole or in part: frames, samples, words with start and end."""

    pictures: Pictures
    sound: npt.NDArray[np.float32]
    words: tuple[tuple[str, Fraction, Fraction], ...]

    def part(self, start: Fraction, end: Fraction) -> Clip:
        """From the frame at ``start`` up to the one at ``end``."""
        first, stop = FRAMES.index(start, "floor"), FRAMES.index(end, "ceil")
        low, high = FRAMES.edge(first), FRAMES.edge(stop)
        sound = self.sound[SAMPLES.index(low, "nearest") : SAMPLES.index(high, "nearest")]
        return Clip(self.pictures[first:stop], sound, tuple((w, a - low, b - low) for w, a, b in self.words))

    def spoken(self, margin: Fraction) -> Clip:
        """What is said, and a little around it."""
        low, high = self.words[0][1] - margin, self.words[-1][2] + margin
        return self.part(max(low, Fraction(0)), min(high, FRAMES.edge(len(self.pictures))))


@lru_cache(maxsize=40)
def clip_of(video: Path) -> Clip:
    """A clip with the times of its words, its picture and sound from the same instant on."""
    words = read_align(video.parent.parent / "align" / f"{video.stem}.align")
    cells = list(read_frames(video))
    sound = read_audio(video, rate=44100, channels=1)
    lead = SAMPLES.index(cells[0].start - sound.grid.edge(0), "nearest")
    samples = sound.values[lead:] if lead >= 0 else np.pad(sound.values, (-lead, 0))
    at = cells[0].start
    return Clip(
        np.stack([cell.pixels for cell in cells]),
        samples.astype(np.float32),
        tuple(
            (str(w["text"]), _exact(w["start_seconds"]) - at, _exact(w["end_seconds"]) - at) for w in words
        ),
    )


def _exact(seconds: float) -> Fraction:
    return exact(f"{seconds:.6f}")


def at_rest(clip: Clip, count: int) -> Pictures:
    """So many frames of somebody who listens: the first frames of the clip, to and fro."""
    there = np.arange(_REST_FRAMES)
    return clip.pictures[np.resize(np.concatenate([there, there[-2:0:-1]]), count)]


def chewing(clip: Clip, count: int) -> Pictures:
    """So many frames of somebody whose mouth moves to no sound: the clip's own picture, to and fro."""
    there = np.arange(len(clip.pictures))
    return clip.pictures[np.resize(np.concatenate([there, there[-2:0:-1]]), count)]


def turn_film(
    path: Path,
    left: Sequence[Path],
    right: Sequence[Path],
    turns: Sequence[int | None],
    *,
    unseen: Sequence[Path] = (),
    margin: Fraction = Fraction(1, 4),
    listening: Callable[[Clip, int], Pictures] = at_rest,
) -> list[Said]:
    """Write a film of turns, each of one clip, and tell its words.

    Parameters
    ----------
    left, right, unseen : clips of each person; each turn takes the next one
    turns : who speaks: 0 the left one, 1 the right one, None somebody who is not seen
    margin : seconds before and after the words of each turn
    listening : what is seen of who does not speak
    """
    waiting = {0: list(left), 1: list(right), None: list(unseen)}
    resting = {0: clip_of(left[0]), 1: clip_of(right[0])}
    frames: list[Pictures] = []
    sound: list[npt.NDArray[np.float32]] = []
    said: list[Said] = []
    for speaker in turns:
        spoken = clip_of(waiting[speaker].pop(0)).spoken(margin)
        count = len(spoken.pictures)
        at = FRAMES.edge(sum(len(part) for part in frames))
        said += [Said(text, at + start, at + end, speaker) for text, start, end in spoken.words]
        seen = [spoken.pictures if side == speaker else listening(resting[side], count) for side in (0, 1)]
        frames.append(np.concatenate(seen, axis=2))
        sound.append(spoken.sound)
    encode(
        path,
        Picture(
            (picture for part in frames for picture in part), rate=25, codec="libx264", options={"crf": "18"}
        ),
        Sound(np.concatenate(sound), 44100),
    )
    return said
