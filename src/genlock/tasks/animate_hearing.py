"""Where the sound of ``genlock animate`` comes from, a file or a pipe, and what is noticed of it on the way."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import soxr

from genlock.animation.film import FilmSound
from genlock.animation.pipe import open_pipe
from genlock.animation.voice import SAMPLE_RATE
from genlock.core.errors import NoStream, OptionError
from genlock.core.optional import is_installed
from genlock.core.progress import Progress
from genlock.media import AudioBlock, AudioForm, ReadOptions, probe, read

__all__ = ["FileSound", "Hearing", "StandardInput"]

Samples: TypeAlias = npt.NDArray[np.float32]
Take: TypeAlias = Callable[[Samples], None]

# Below this peak a sound counts as silent, dB of full scale.
_SILENT = -60.0
# Pieces in which speech is looked for, and what of a sound must be speech for nothing to be said.
_PIECE_SECONDS = 20
_LITTLE_SPEECH = 0.1
_NARROW_RATE = 12000


class Hearing:
    """Listens along: how loud it is, how much of it is speech, whether both channels say the same."""

    def __init__(self) -> None:
        self._peak, self._power, self._count = 0.0, 0.0, 0
        self._waiting: list[Samples] = []
        self._waiting_count = 0
        self._speech = 0
        self._knows_speech = is_installed("faster_whisper")
        self._left = self._right = self._both = 0.0

    def hear(self, samples: Samples) -> None:
        """Take samples at 16 kHz, [n]."""
        if not len(samples):
            return
        self._peak = max(self._peak, float(np.abs(samples).max()))
        self._power += float((samples.astype(np.float64) ** 2).sum())
        self._count += len(samples)
        self._waiting.append(samples)
        self._waiting_count += len(samples)
        if self._waiting_count >= _PIECE_SECONDS * SAMPLE_RATE:
            self._look()

    def hear_channels(self, samples: Samples) -> None:
        """Take samples of two channels, [n, 2]."""
        if samples.shape[1] == 2:
            self._left += float((samples[:, 0].astype(np.float64) ** 2).sum())
            self._right += float((samples[:, 1].astype(np.float64) ** 2).sum())
            self._both += float((samples[:, 0].astype(np.float64) * samples[:, 1]).sum())

    def finish(self) -> None:
        """Nothing follows."""
        self._look()

    def _look(self) -> None:
        if self._waiting and self._knows_speech:
            self._speech += _speech_samples(np.concatenate(self._waiting))
        self._waiting, self._waiting_count = [], 0

    @property
    def speech_share(self) -> float | None:
        """Share of the sound that is speech, by Silero's detector; None without sound or without the detector."""
        return self._speech / self._count if self._count and self._knows_speech else None

    def to_dict(self) -> dict[str, Any]:
        """``peak_db``, ``level_db``, ``speech_share``."""
        level = math.sqrt(self._power / max(self._count, 1))
        share = self.speech_share
        return {
            "peak_db": _decibels(self._peak),
            "level_db": _decibels(level),
            "speech_share": None if share is None else round(share, 4),
        }

    def notes(self) -> list[str]:
        """What to beware of in the sound."""
        if 20 * math.log10(max(self._peak, 1e-9)) < _SILENT:
            return ["the sound is silent (its peak lies below -60 dB): the face rests"]
        found = []
        share = self.speech_share
        if share is not None and share < _LITTLE_SPEECH:
            found.append(
                f"{100 * share:.0f} % of the sound is speech: the mouth moves with all that is heard"
            )
        loud = min(self._left, self._right) > 0.05 * max(self._left, self._right, 1e-12)
        if loud and abs(self._both) < 0.2 * math.sqrt(self._left * self._right):
            found.append(
                "left and right differ, two voices perhaps: one face moves with both; give a file of each"
            )
        return found


def _decibels(value: float) -> float | None:
    return None if value <= 0 else round(20 * math.log10(value), 1)


def _speech_samples(samples: Samples) -> int:
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    if len(samples) < 512:
        return 0
    found = get_speech_timestamps(np.ascontiguousarray(samples), VadOptions(min_silence_duration_ms=400))
    return sum(int(part["end"]) - int(part["start"]) for part in found)


@dataclass
class _Taker:
    """A consumer that hands blocks on."""

    form: AudioForm
    take: Callable[[AudioBlock], None]

    def push(self, block: AudioBlock) -> None:
        self.take(block)

    def finish(self) -> None:
        """Nothing is held."""


@dataclass
class FileSound:
    """The sound of a file."""

    name: str
    """Path or URL."""
    reading: ReadOptions = field(default_factory=ReadOptions)
    """Which sound, and which part of it."""

    def __post_init__(self) -> None:
        info = probe(self.name)
        if not info.audio:
            raise NoStream(f"{self.name!r} has no sound, so no face can move with it")
        number = self.reading.audio_stream
        if number is not None and number >= len(info.audio):
            raise NoStream(f"{self.name!r} has {len(info.audio)} sounds; there is no number {number}")
        default = next((stream for stream in info.audio if stream.default), info.audio[0])
        self._stream = default if number is None else info.audio[number]
        self._film: tuple[FilmSound, Take] | None = None

    @property
    def rate(self) -> int:
        """Samples per second."""
        return int(self._stream.rate)

    @property
    def channels(self) -> int:
        """Channels."""
        return int(self._stream.channels)

    @property
    def start(self) -> Fraction:
        """Instant of the first sample that is heard, on the file's clock."""
        low, own = self.reading.cut[0], self._stream.start or Fraction(0)
        return own if low is None else max(low, own)

    @property
    def notes(self) -> list[str]:
        """What to beware of, before it is heard."""
        found = []
        if self.rate < _NARROW_RATE:
            found.append(
                f"the sound has {self.rate} samples a second, nothing above {self.rate // 2} Hz: S and F are guesses"
            )
        if self.channels > 2:
            found.append(f"the sound has {self.channels} channels; the film keeps two, mixed from all")
        return found

    def seconds(self, why: str) -> Fraction:
        """At least how long the sound is."""
        end = self._stream.duration
        if end is None:
            raise OptionError(f"{self.name!r} does not say how long it is, and {why}; give --rate")
        return end + 1

    def also(self, kept: FilmSound, take: Take) -> None:
        """Hand the sound on for the film as well."""
        self._film = (kept, take)

    def play(self, hearing: Hearing, take: Take, progress: Progress) -> Fraction:
        """Hand everything on, in order; gives the sound's length in exact seconds."""
        ends: list[Fraction] = []
        first: list[Fraction] = []

        def heard(block: AudioBlock) -> None:
            if not first:
                first.append(block.start)
            ends.append(block.end)
            del ends[:-1]
            hearing.hear(block.samples[:, 0])
            take(block.samples[:, 0])

        consumers = []
        if self._film is not None:
            kept, give = self._film

            def kept_too(block: AudioBlock) -> None:
                hearing.hear_channels(block.samples)
                give(block.samples)

            form = AudioForm(
                None if kept.rate == self.rate else kept.rate, kept.channels if kept.channels < 3 else 2
            )
            consumers.append(_Taker(form, kept_too))
        consumers.append(_Taker(AudioForm(SAMPLE_RATE, 1), heard))
        read(self.name, consumers, self.reading, lambda done, total: progress("animate", done, total))
        hearing.finish()
        return ends[-1] - first[0] if ends else Fraction(0)


class StandardInput:
    """WAV or bare samples on standard input, as they come."""

    def __init__(self, rate: int) -> None:
        self._sound = open_pipe(sys.stdin.buffer, rate)
        self.rate, self.channels = self._sound.rate, self._sound.channels
        self.start = Fraction(0)
        self.notes: list[str] = []
        self._film: tuple[FilmSound, Take] | None = None

    def seconds(self, why: str) -> Fraction:
        """Nobody knows."""
        raise OptionError(f"nobody knows how long standard input lasts, and {why}; give --rate and a picture")

    def also(self, kept: FilmSound, take: Take) -> None:
        """Hand the sound on for the film as well."""
        self._film = (kept, take)

    def play(self, hearing: Hearing, take: Take, progress: Progress) -> Fraction:
        """Hand everything on as it comes; gives the sound's length in exact seconds."""
        voice = _Resampled(self.rate, SAMPLE_RATE, 1)
        film = (
            None if self._film is None else _Resampled(self.rate, self._film[0].rate, self._film[0].channels)
        )
        count = 0
        for block in self._sound.blocks:
            count += len(block)
            self._hand_on(block, voice, film, hearing, take, last=False)
            progress("animate", count / self.rate, None)
        self._hand_on(np.zeros((0, self.channels), np.float32), voice, film, hearing, take, last=True)
        hearing.finish()
        return Fraction(count, self.rate)

    def _hand_on(
        self,
        block: Samples,
        voice: _Resampled,
        film: _Resampled | None,
        hearing: Hearing,
        take: Take,
        last: bool,
    ) -> None:
        if film is not None and self._film is not None:
            kept = block if block.shape[1] <= 2 else np.repeat(block.mean(axis=1, keepdims=True), 2, axis=1)
            if kept.shape[1] == 2:
                hearing.hear_channels(kept)
            self._film[1](film(kept, last))
        mono = voice(block.mean(axis=1, keepdims=True), last)[:, 0]
        hearing.hear(mono)
        take(mono)


class _Resampled:
    """Sound at another rate, as it comes."""

    def __init__(self, rate: int, wanted: int, channels: int) -> None:
        self._stream = (
            None if rate == wanted else soxr.ResampleStream(rate, wanted, channels, dtype="float32")
        )

    def __call__(self, samples: Samples, last: bool) -> Samples:
        if self._stream is None:
            return samples
        out: Samples = self._stream.resample_chunk(np.ascontiguousarray(samples, np.float32), last)
        return out.reshape(-1, samples.shape[1])
