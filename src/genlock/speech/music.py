"""Music between speech, which is hidden from whoever puts words on the clock: its tones are taken for words else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency
from genlock.core.grid import Grid
from genlock.media.sound_source import SoundSource
from genlock.speech.activity import speech_spans
from genlock.speech.at_once import share_of_tones
from genlock.speech.sound import level_db, seconds_long

__all__ = ["WithoutMusic", "music_spans"]

_Span = tuple[Fraction, Fraction]

# A stretch without speech as long as this may be music; so much beside speech is left as it is.
_SHORTEST, _MARGIN = Fraction(1), Fraction(3, 10)
# Share of its loud frames with a pitch, one or several, from which on it is.
_TONES = 0.5
# Quieter than this, in dB of full scale, it disturbs nobody.
_QUIET_DB = -55.0
# So little speech for each word cannot be all that is said: it is sung, or too faint for the detector.
_LEAST_OF_WORD = Fraction(3, 20)
_FADE_SECONDS = Fraction(1, 50)


def music_spans(sound: SoundSource, words: int) -> tuple[_Span, ...]:
    """From when to when music plays, and nobody speaks, in exact seconds on the sound's clock.

    Parameters
    ----------
    sound : 16 kHz mono sound of any length
    words : how many words are said in it; where the detector of voices finds too little speech for them, nothing is
        music. Nor is it where there is no such detector here.

    >>> from genlock.core import Track
    >>> from genlock.media.sound_source import TrackSound
    >>> music_spans(TrackSound(Track(np.zeros(32000, np.float32), Grid.of_samples(16000))), 0)
    ()
    """
    try:
        speech = speech_spans(sound)
    except MissingDependency:
        return ()
    if sum((end - start for start, end in speech), Fraction(0)) < words * _LEAST_OF_WORD:
        return ()
    begin = sound.origin
    edges = [(begin, begin), *speech, (begin + seconds_long(sound),) * 2]
    found = []
    for (_, low), (high, _) in pairwise(edges):
        start = low + (_MARGIN if low > begin else 0)
        end = high - (_MARGIN if high < edges[-1][0] else 0)
        if end - start >= _SHORTEST and _is_music(_part(sound, start, end)):
            found.append((start, end))
    return tuple(found)


def _part(sound: SoundSource, start: Fraction, end: Fraction) -> npt.NDArray[np.float32]:
    """The sound of a stretch, of a long one half a minute."""
    grid = Grid.of_samples(sound.rate, sound.origin)
    first = grid.index(start, "nearest")
    return sound.samples(first, min(grid.index(end, "nearest"), first + 30 * sound.rate))


def _is_music(samples: npt.NDArray[np.float32]) -> bool:
    return level_db(samples) > _QUIET_DB and share_of_tones(samples) > _TONES


@dataclass(frozen=True, eq=False)
class WithoutMusic:
    """A sound in which some stretches are silent; a :class:`~genlock.media.sound_source.SoundSource`.

    >>> from genlock.core import Track
    >>> from genlock.media.sound_source import TrackSound
    >>> loud = TrackSound(Track(np.ones(32000, np.float32), Grid.of_samples(16000)))
    >>> hidden = WithoutMusic(loud, [(Fraction(1), Fraction(2))])
    >>> [float(hidden.samples(k, k + 1)[0]) for k in (15999, 24000)]
    [1.0, 0.0]
    """

    sound: SoundSource
    """The sound."""
    spans: Sequence[_Span]
    """From when to when it is silent, in exact seconds, with fades of 20 ms inside."""

    @property
    def rate(self) -> int:
        """Samples per second."""
        return self.sound.rate

    @property
    def origin(self) -> Fraction:
        """Instant of sample 0, in exact seconds."""
        return self.sound.origin

    @property
    def count(self) -> int:
        """Number of samples."""
        return self.sound.count

    @property
    def clock(self) -> str:
        """Name of the time axis."""
        return self.sound.clock

    def samples(self, first: int, stop: int) -> npt.NDArray[np.float32]:
        """Samples ``first ... stop - 1``, clipped to what there is; float32 [n]."""
        held = np.array(self.sound.samples(first, stop), np.float32)
        grid, fade = Grid.of_samples(self.rate, self.origin), float(_FADE_SECONDS * self.rate)
        begin = max(0, first)
        for start, end in self.spans:
            low, high = (grid.index(edge, "nearest") for edge in (start, end))
            near = slice(max(low - begin, 0), max(high - begin, 0))
            place = np.arange(begin, begin + len(held), dtype=np.float64)[near]
            held[near] *= np.clip(1 - np.minimum(place - low, high - 1 - place) / fade, 0, 1).astype(
                np.float32
            )
        return held
