"""Words beside what is no speech of theirs: music, laughter, long silence, another voice, the same sentence again.

Four GRID sentences of one speaker, joined, whose words' times are known; each sound as it is and with something added.
The text is given. Told are words within 100 ms at both edges, words without times, words dragged away by more than half
a second, and words beside which another voice or music is said to sound. Music is chords of three tones with six
partials each; laughter is made too, bursts of a voice five times a second.

    python benchmarks/words_beside_others.py [--sounds N]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from _data import DATA, need

from genlock.core import Grid, Track
from genlock.data.corpora.grid import read_align
from genlock.media import read_audio
from genlock.media.sound_source import TrackSound
from genlock.speech import Words, recognize_and_align

RATE = 16000
SPEAKERS = ("s5", "s32", "s2", "s30", "s31", "s3")
Samples = npt.NDArray[np.float64]
Random = np.random.Generator


@dataclass(frozen=True, eq=False)
class Spoken:
    """A sound, and when each of its words is said, in seconds."""

    samples: Samples
    words: tuple[tuple[str, float, float], ...]

    def then(self, other: Spoken) -> Spoken:
        """Another one after it."""
        by = len(self.samples) / RATE
        later = tuple((text, start + by, end + by) for text, start, end in other.words)
        return Spoken(np.concatenate([self.samples, other.samples]), (*self.words, *later))


def clip(speaker: str, number: int) -> Spoken:
    """A GRID clip of usual level."""
    folder = DATA / "grid_more" / speaker
    videos = need(folder / "video")
    video = videos[number % len(videos)]
    samples = np.asarray(read_audio(video, rate=RATE, channels=1).values, np.float64)
    words = read_align(folder / "align" / f"{video.stem}.align")
    times = tuple((str(w["text"]), float(w["start_seconds"]), float(w["end_seconds"])) for w in words)
    return Spoken(0.05 * samples / samples.std(), times)


def joined(parts: Sequence[Spoken], between: Samples | None = None) -> Spoken:
    """Clips one after the other, with something between."""
    whole = parts[0]
    for part in parts[1:]:
        whole = whole if between is None else whole.then(Spoken(between, ()))
        whole = whole.then(part)
    return whole


def music(random: Random, seconds: float) -> Samples:
    """Chords of half a second, of the level of speech."""
    time = np.arange(round(seconds * RATE)) / RATE
    made = np.zeros(len(time))
    for first in range(0, len(time), RATE // 2):
        here = time[first : first + RATE // 2]
        for tone in random.choice([220.0, 261.6, 293.7, 329.6, 392.0, 440.0], 3, replace=False):
            for partial in range(1, 7):
                made[first : first + RATE // 2] += np.sin(2 * np.pi * tone * partial * here) / partial
    return 0.05 * made / made.std()


def laughter(random: Random, seconds: float) -> Samples:
    """Bursts of a voice with breath, five a second."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(220 + 60 * np.cos(2 * np.pi * 5 * time)) / RATE
    voice = np.sum([np.sin(k * phase) / (1 + abs(k - 4)) for k in range(1, 14)], axis=0)
    bursts = np.maximum(0, np.sin(2 * np.pi * 5 * time)) ** 2
    made = bursts * voice + 0.3 * np.maximum(0, -np.sin(2 * np.pi * 5 * time)) * random.standard_normal(
        len(time)
    )
    return np.asarray(0.05 * made / made.std())


def under(spoken: Spoken, other: Samples, level_db: float) -> Spoken:
    """Something at the same time, so far below the speech."""
    laid = np.resize(other, len(spoken.samples)) * 10 ** (-level_db / 20)
    return Spoken(spoken.samples + laid, spoken.words)


def noise(random: Random, seconds: float) -> Samples:
    """Seventy decibels below full scale."""
    return 10**-3.5 * random.standard_normal(round(seconds * RATE))


def cases(number: int) -> dict[str, Callable[[], Spoken]]:
    """What is made of one speaker's sentences."""
    random = np.random.default_rng(number)
    speaker, other = SPEAKERS[number % len(SPEAKERS)], SPEAKERS[(number + 1) % len(SPEAKERS)]
    parts = [clip(speaker, 4 * number + k) for k in range(4)]
    second = joined([clip(other, 4 * number + k) for k in range(4)]).samples
    plain = joined(parts)
    return {
        "as it is": lambda: plain,
        "three seconds of music between": lambda: joined(parts, music(random, 3)),
        "three seconds of laughter between": lambda: joined(parts, laughter(random, 3)),
        "twenty seconds of zeros between": lambda: joined(parts, np.zeros(20 * RATE)),
        "twenty seconds at -70 dB between": lambda: joined(parts, noise(random, 20)),
        "one sentence four times": lambda: joined([parts[0]] * 4, noise(random, 1)),
        "music 12 dB below": lambda: under(plain, music(random, 12), 12),
        "music 6 dB below": lambda: under(plain, music(random, 12), 6),
        "another voice 12 dB below": lambda: under(plain, second, 12),
        "another voice 6 dB below": lambda: under(plain, second, 6),
        "another voice as loud": lambda: under(plain, second, 0),
    }


def align(spoken: Spoken) -> Words:
    """With the text given, as nobody listened to it before."""
    samples = Track(spoken.samples.astype(np.float32), Grid.of_samples(RATE))
    return recognize_and_align(TrackSound(samples), transcript=" ".join(text for text, *_ in spoken.words))


def told(words: Words, spoken: Spoken) -> list[float]:
    """Of all words: near, without times, dragged, beside others."""
    off = [
        None
        if w.start is None or w.end is None
        else max(abs(float(w.start) - start), abs(float(w.end) - end))
        for w, (_, start, end) in zip(words, spoken.words, strict=True)
    ]
    beside = [
        w.start is not None and any(low <= w.start < high for low, high in words.at_once) for w in words
    ]
    return [
        float(np.mean([e is not None and e <= 0.1 for e in off])),
        float(np.mean([e is None for e in off])),
        float(np.mean([e is not None and e > 0.5 for e in off])),
        float(np.mean(beside)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sounds", type=int, default=4)
    options = parser.parse_args()
    need(DATA / "grid_more" / SPEAKERS[0] / "video")
    rows: dict[str, list[list[float]]] = {}
    for number in range(options.sounds):
        for name, make in cases(number).items():
            spoken = make()
            rows.setdefault(name, []).append(told(align(spoken), spoken))
    print(f"{'':34}  within .1 s  no times  dragged  not alone")
    for name, found in rows.items():
        near, without, dragged, beside = np.mean(found, axis=0)
        print(f"{name:34}  {near:11.3f}  {without:8.3f}  {dragged:7.3f}  {beside:9.3f}")


if __name__ == "__main__":
    main()
