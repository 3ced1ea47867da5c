"""Sound that a network writes for events: events to codes, codes to a spectrogram, that to samples, piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError
from genlock.core.grid import Grid
from genlock.core.time import round_fraction
from genlock.core.track import Track
from genlock.extractors.sound.mel import PRESETS, Mel
from genlock.foley.events import Event, Events, heard_impulse
from genlock.foley.levelling import Levelling
from genlock.foley.sounding import Choice, Samples
from genlock.media import read_audio
from genlock.models.foley.codec import Codec, load_codec
from genlock.models.foley.columns import COLUMN_RATE, EVENT_CHANNELS
from genlock.models.foley.loudness import law_in
from genlock.models.foley.sampling import Sampling
from genlock.models.foley.vocoder import SOUND_RATE, VOCODER_NAME, Vocoder, load_vocoder
from genlock.models.foley.writer import WRITER_NAME, Writer, WriterStream, load_writer

__all__ = [
    "ATTENDED_SECONDS",
    "GeneratedTake",
    "GenerationOptions",
    "Generator",
    "make_generator",
    "posterior_of",
]

Codes: TypeAlias = npt.NDArray[np.int64]

#: Seconds from the beginning whose attention is told.
ATTENDED_SECONDS = 20
_CERTAIN = np.float32(0.97)  # what a posterior says of an event that is certain
_PIECE = 100  # columns that are written at a time: 2 s
_CELLS = SOUND_RATE // int(COLUMN_RATE)  # samples of a column, which is two cells of bands


@dataclass(frozen=True)
class GenerationOptions:
    """How sound is written."""

    model: str = WRITER_NAME
    """The writer: a model by its name, or a file or folder."""
    class_name: str = ""
    """What kind of sound, where the writer knows classes; empty: whatever fits."""
    sampling: Sampling = field(default_factory=Sampling)
    """How codes are drawn."""
    prime: str = ""
    """A sound that stands at the beginning, and is gone on with: a file; empty: none."""


class Generator:
    """A :class:`genlock.foley.sounding.Sounder` that writes sound column by column.

    Raises MissingModel if a model is not here, FormatError if one is damaged, OptionError if there is no such class,
    MediaError if the sound to begin with cannot be read.
    """

    name = "writer"
    rate = SOUND_RATE

    def __init__(self, options: GenerationOptions | None = None) -> None:
        self.options = options or GenerationOptions()
        self.writer: Writer = load_writer(self.options.model)
        self.codec: Codec = load_codec(self.writer.codec)
        if self.writer.shape.tokens != self.codec.tokens:
            raise FormatError(
                f"the writer {self.options.model!r} writes {self.writer.shape.tokens} codes a column, and the codec "
                f"{self.writer.codec!r} has {self.codec.tokens}: it learnt with another one; name that codec's file "
                "when training (--codec), or train it anew"
            )
        self.vocoder: Vocoder = load_vocoder(self.writer.vocoder or VOCODER_NAME)
        self.prime = _codes_of(self.options.prime, self.codec) if self.options.prime else None
        self.codes()  # what cannot be is told at once
        training = self.writer.facts.get("training", {})
        self.about = (
            f"a writer that has learnt from {training.get('data', 'drawn films with sounds of damped modes')}"
        )

    @property
    def latency(self) -> Fraction:
        """Seconds of events after an instant without which its sound is not final; a finder's own come on top."""
        law = Levelling(cell=_CELLS // 2).lookahead if law_in(self.writer.facts) is not None else 0
        return self.writer.latency + self.vocoder.lookahead_seconds + Fraction(law, SOUND_RATE)

    def of_class(self, name: str) -> Generator:
        """The same, for one kind of sound. Raises OptionError if the writer knows none of that name."""
        return Generator(replace(self.options, class_name=name))

    def drawing(self, sampling: Sampling, prime: str = "") -> Generator:
        """The same, its codes drawn in another way, or after a sound. Raises MediaError if that cannot be read."""
        return Generator(replace(self.options, sampling=sampling, prime=prime))

    def codes(self, seed: int = 0) -> WriterStream:
        """Codes for a posterior that comes piece by piece."""
        return self.writer.stream((seed,), self.options.sampling, self.options.class_name, self.prime)

    def attention(self, take: GeneratedTake, seconds: int = ATTENDED_SECONDS) -> Track:
        """What the columns of a take attended to, as far as it was asked for and at most so many seconds of it.

        See :meth:`genlock.models.foley.writer.Writer.attention`.
        """
        count = min(len(take.written), seconds * int(COLUMN_RATE))
        return self.writer.attention(
            take.posterior.part(range(count)), take.written[:count], self.options.class_name
        )

    def take(self, events: Events, seed: int) -> GeneratedTake:
        """Sound for events; another seed is another take."""
        told = posterior_of(events, self.writer.channels[len(EVENT_CHANNELS) :], self.writer)
        return self.take_of(told, seed, events)

    def take_of(self, posterior: Track, seed: int, events: Sequence[Event] = ()) -> GeneratedTake:
        """Sound for a posterior on columns, soft or certain."""
        return GeneratedTake(self, posterior, seed, events)


def make_generator(weights: str | None = None) -> Generator:
    """The generator of a writer that is named, or of the one that comes with Genlock: an entry of ``genlock.sounders``.

    Raises MissingModel if a model is not here, FormatError if one is damaged.
    """
    return Generator(GenerationOptions(model=weights or WRITER_NAME))


class WrittenSound:
    """A posterior in, piece by piece; sound out, as soon as what follows cannot change it. Mono, float32.

    Where the writer has learnt a law of loudness, events are as loud as it says.
    """

    def __init__(self, generator: Generator, seed: int) -> None:
        self._codes, self._parts = generator.codes(seed), list[Codes]()
        self._bands, self._samples = generator.codec.decoding(), generator.vocoder.vocoding()
        self._law = law_in(generator.writer.facts)
        self._materials = generator.writer.channels[len(EVENT_CHANNELS) :]
        self._levelling = None if self._law is None else Levelling(cell=_CELLS // 2)
        self._start: Fraction | None = None

    @property
    def written(self) -> Codes:
        """The codes so far, int64 [n, tokens]."""
        return np.concatenate([np.zeros((0, self._codes.tokens), np.int64), *self._parts])

    def push(self, posterior: Track, events: Sequence[Event] = ()) -> Samples:
        """Take the next columns of a posterior, and the events that begin in them, in order, for their loudness."""
        assert isinstance(posterior.grid, Grid)
        self._start = posterior.grid.edge(0) if self._start is None else self._start
        for event in events:
            self._level(posterior, posterior.grid, event, self._start)
        return self._sound([self._codes.push(posterior)])

    def finish(self) -> Samples:
        """What is left: nothing follows."""
        return self._sound([self._codes.finish()], last=True)

    def _level(self, posterior: Track, grid: Grid, event: Event, start: Fraction) -> None:
        """Say how loud an event is to be, where the writer has learnt a law of it."""
        k = grid.index(event.instant)
        if self._levelling is None or self._law is None or not 0 <= k < len(posterior):
            return
        row = np.asarray(posterior.values[k], np.float64)
        shares = dict(zip(self._materials, row[len(EVENT_CHANNELS) :].tolist(), strict=True))
        first = round_fraction((event.instant - start) * SOUND_RATE, "nearest")
        self._levelling.add(first, self._law.level(float(row[EVENT_CHANNELS.index("impulse")]), shares))

    def _sound(self, pieces: Sequence[Track], last: bool = False) -> Samples:
        codes = np.concatenate([np.asarray(piece.values, np.int64)[:, 0] for piece in pieces])
        self._parts.append(codes)
        bands = self._bands.push(codes)
        made = [self._samples.push(bands)]
        if last:
            made.append(self._samples.finish())
        if self._levelling is not None:
            made = [self._levelling.push(bands, np.concatenate(made))]
            if last:
                made.append(self._levelling.finish())
        return np.concatenate(made)


class GeneratedTake:
    """One sounding, written as it is asked for. Sample n lies at the beginning of the columns plus ``n/rate``."""

    notes: tuple[str, ...] = ()

    def __init__(
        self, generator: Generator, posterior: Track, seed: int, events: Sequence[Event] = ()
    ) -> None:
        self.choices = tuple(Choice(event, event.material, 0.0) for event in events)
        self.posterior, self._given = posterior, 0
        self._sound, self._events = WrittenSound(generator, seed), list(events)
        self._ready = np.zeros(0, np.float32)
        self._first, self._ended = 0, False

    @property
    def written(self) -> Codes:
        """The codes so far, int64 [n, tokens]."""
        return self._sound.written

    def block(self, first: int, stop: int) -> Samples:
        """Samples ``first ... stop - 1``, float32 [n, 2]; blocks are asked for in order."""
        while not self._ended and self._first + len(self._ready) < stop:
            self._write()
        self._ready = self._ready[max(first - self._first, 0) :]
        self._first = max(first, self._first)
        mono = self._ready[: stop - first]
        mono = np.pad(mono, (0, stop - first - len(mono)))
        return np.repeat(mono[:, None], 2, axis=1)

    def _write(self) -> None:
        upto = min(self._given + _PIECE, len(self.posterior))
        piece = self.posterior.part(range(self._given, upto))
        now = [event for event in self._events if piece.grid.index(event.instant) < len(piece)]
        self._events = self._events[len(now) :]
        made = [self._sound.push(piece, now)]
        self._given, self._ended = upto, upto == len(self.posterior)
        if self._ended:
            made.append(self._sound.finish())
        self._ready = np.concatenate([self._ready, *made])


def _codes_of(sound: str, codec: Codec) -> Codes:
    """The codes of a sound file, [n, tokens]."""
    samples = read_audio(sound, rate=SOUND_RATE, channels=1)
    mel = Mel(PRESETS["foley"])(np.asarray(samples.values, np.float32).reshape(-1))
    return np.asarray(codec.encode_track(mel).values, np.int64)


def posterior_of(events: Events, materials: Sequence[str], writer: Writer) -> Track:
    """Events in the form of a posterior, certain of each: float32 [N, channels] on columns that begin with the film.

    Impulses and sizes that are known in newton seconds and metres are told as they are, impulses as they are heard from
    one metre away. Others are taken relative to each other; a material that is not known is told as any.
    """
    grid = Grid(COLUMN_RATE, events.start, events.clock)
    count = max(grid.index(events.end, "ceil"), 0)
    rows = np.zeros((count, len(EVENT_CHANNELS) + len(materials)), np.float32)
    heard = [heard_impulse(event.impulse, event.distance or 1.0) for event in events]
    impulses = _logarithms(heard, writer, "impulse", events.absolute)
    sizes = _logarithms([event.size for event in events], writer, "size", events.absolute)
    for event, impulse, size in zip(events, impulses, sizes, strict=True):
        k = grid.index(event.instant)
        if not 0 <= k < count:
            continue
        place = float((event.instant - grid.center(k)) / grid.period)
        rows[k, : EVENT_CHANNELS.index("sustained")] = (_CERTAIN, place, impulse, size, event.x)
        shares = _shares(event, materials)
        rows[k, len(EVENT_CHANNELS) :] = shares
        if event.end is not None:
            upto = min(max(grid.index(event.end), k), count)
            rows[k:upto, EVENT_CHANNELS.index("sustained")] = _CERTAIN
            rows[k:upto, len(EVENT_CHANNELS) :] = shares
    return Track(rows, grid, name="events", support="whole")


def _logarithms(
    values: Sequence[float], writer: Writer, name: str, absolute: bool
) -> npt.NDArray[np.float64]:
    told = np.log10(np.maximum(np.array(values, np.float64), 1e-6))
    if absolute or len(told) == 0:
        return np.asarray(told)
    mean, spread = writer.means.get(name, 0.0), writer.spreads.get(name, 1.0)
    own = max(float(told.std()), 1e-3)
    return np.asarray(mean + spread * np.clip((told - told.mean()) / own, -2, 2))


def _shares(event: Event, materials: Sequence[str]) -> npt.NDArray[np.float32]:
    known = dict(event.materials) or ({event.material: 1.0} if event.material else {})
    shares = np.array([known.get(name, 0.0) for name in materials], np.float32)
    if not shares.sum():
        return np.full(len(materials), 1 / max(len(materials), 1), np.float32)
    return np.asarray(shares / shares.sum())
