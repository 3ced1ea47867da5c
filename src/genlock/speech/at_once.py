"""Where a voice is not alone: somebody else speaks at once, or music plays.

A voice repeats itself with its pitch: less itself one period ago, little of it is left. Of two voices much is left,
until the other's period is taken away too. (Two periods at once: de Cheveigné, "Separation of concurrent harmonic
sounds", J. Acoust. Soc. Am. 93, 1993.) What counts is how often that is so in two seconds around a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Grid
from genlock.media.sound_source import SoundSource
from genlock.speech.words import Word, Words

__all__ = ["find_others", "share_of_tones", "with_others"]

Array = npt.NDArray[np.float64]

# Frames of 64 ms, 50 a second; their autocorrelation is counted in samples of 8 kHz.
_FRAME, _HOP, _LAG_RATE = 1024, 320, 8000
# The band in which pitch is looked for, in hertz, and its periods: 67 to 400 a second.
_BAND = (80.0, 1500.0)
_PERIODS = np.arange(20, 121)
# So much of a frame is left without one period, and so little of that without two, where two sound at once. Whoever
# leaves more has no pitch.
_LEFT_OF_ONE, _NOISE, _LEFT_OF_TWO = 0.2, 0.9, 0.3
# Frames so far below the loudest around, in dB, say nothing.
_LOUD_DB = 25.0
# How far around a word is looked, and which share of the loud frames there must be of two, for it and one of its
# neighbours. Of GRID words alone, in noise at 20 and at 10 dB, 0, 1 and 2 of 100 have more; of those mixed with another
# speaker's at 0, 6 and 10 dB 78, 65 and 34.
_AROUND = Fraction(9, 10)
_SHARE = 0.08
# A word is half as sure there.
_LESS_SURE = 0.5
_PIECE_SECONDS = 28


def with_others(sound: SoundSource, words: Words) -> Words:
    """Words that say where somebody else speaks at once, or music plays; those there are half as sure.

    Parameters
    ----------
    sound : the 16 kHz mono sound in which they were found
    """
    numbers = find_others(sound, words)
    if not numbers:
        return words
    items = [_less_sure(word) if number in numbers else word for number, word in enumerate(words)]
    return replace(words, items=tuple(items), at_once=_stretches(words, numbers))


def find_others(sound: SoundSource, words: Sequence[Word]) -> frozenset[int]:
    """Numbers of the words beside which something else with a pitch sounds.

    >>> from genlock.core import Track
    >>> from genlock.media.sound_source import TrackSound
    >>> quiet = TrackSound(Track(np.zeros(32000, np.float32), Grid.of_samples(16000)))
    >>> find_others(quiet, [Word("one", 0, 1)])
    frozenset()
    """
    spoken = [(number, word) for number, word in enumerate(words) if word.start is not None]
    grid = Grid(Fraction(sound.rate, _HOP), sound.origin)
    shares: dict[int, float] = {}
    while spoken:
        # The words of a piece, and the sound around them.
        low = spoken[0][1].start
        assert low is not None
        part = [(number, word) for number, word in spoken if _middle(word) < low + _PIECE_SECONDS]
        part = part or spoken[:1]
        spoken = spoken[len(part) :]
        first = max(0, grid.index(_middle(part[0][1]) - _AROUND, "floor"))
        stop = max(first + 1, grid.index(_middle(part[-1][1]) + _AROUND, "ceil"))
        level, _, double = _frames(sound.samples(first * _HOP, stop * _HOP + _FRAME))
        for number, word in part:
            middle = _middle(word)
            edges = (grid.index(middle + side, "nearest") - first for side in (-_AROUND, _AROUND))
            near = slice(*(max(0, edge) for edge in edges))
            shares[number] = _share(level[near], double[near])
    # One word alone is an accident, in one direction or the other.
    row = [0.0, *shares.values(), 0.0]
    middles = [sorted(row[place : place + 3])[1] for place in range(len(shares))]
    return frozenset(number for number, share in zip(shares, middles, strict=True) if share > _SHARE)


def share_of_tones(samples: npt.NDArray[np.floating]) -> float:
    """The share of the loud frames of a 16 kHz sound that have a pitch, or two, 0...1.

    >>> tone = np.sin(2 * np.pi * 220 * np.arange(16000) / 16000)
    >>> share_of_tones(tone), share_of_tones(np.random.default_rng(0).standard_normal(16000))
    (1.0, 0.0)
    """
    level, one, double = _frames(samples)
    if not len(level):
        return 0.0
    loud = level > level.max() - _LOUD_DB
    return float(((one < _LEFT_OF_ONE) | double)[loud].mean())


def _middle(word: Word) -> Fraction:
    assert word.start is not None
    assert word.end is not None
    return (word.start + word.end) / 2


def _share(level: Array, double: npt.NDArray[np.bool_]) -> float:
    if not len(level):
        return 0.0
    loud = (level > level.max() - _LOUD_DB) & (level > -65)
    return float(double[loud].mean()) if loud.any() else 0.0


def _frames(samples: npt.NDArray[np.floating]) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """Of each frame of a sound: level in dB, what is left without one period, whether two pitches are heard."""
    held = np.nan_to_num(np.asarray(samples, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    count = 1 + (len(held) - _FRAME) // _HOP
    if count < 1:
        return np.zeros(0), np.zeros(0), np.zeros(0, np.bool_)
    rows = held[np.arange(_FRAME)[None] + _HOP * np.arange(count)[:, None]]
    similar, power = _autocorrelation(rows)
    level = 10 * np.log10(power + 1e-12)
    one = 1 - similar[:, _PERIODS].max(axis=1)
    double = np.zeros(count, np.bool_)
    asked = (one > _LEFT_OF_ONE) & (one < _NOISE) & (level > level.max() - 2 * _LOUD_DB)
    for number in np.flatnonzero(asked):
        double[number] = _left_of_two(similar[number]) < _LEFT_OF_TWO * one[number]
    return level, one, double


def _autocorrelation(rows: Array) -> tuple[Array, Array]:
    """Of frames [N, 1024] within the band, at lags of 8 kHz, 1 at lag zero, [N, 512]; and their mean power [N]."""
    size = 2 * _FRAME
    kept = size * _LAG_RATE // (2 * 16000) + 1
    frequencies = np.arange(kept) * (16000 / size)
    inside = (frequencies >= _BAND[0]) & (frequencies <= _BAND[1])
    window = np.hanning(_FRAME)
    spectrum = np.abs(np.fft.rfft(rows * window, size, axis=1)[:, :kept]) ** 2 * inside
    usual = np.fft.irfft(np.abs(np.fft.rfft(window, size))[:kept] ** 2)
    half = _FRAME // 2
    found = np.fft.irfft(spectrum, axis=1)[:, :half]
    similar = found / np.maximum(found[:, :1], 1e-20) / np.maximum(usual[:half] / usual[0], 0.02)
    return similar, spectrum.sum(axis=1) / (_FRAME * size)


def _left_of_two(similar: Array) -> float:
    """What is left, at least, of a frame without itself one period ago and without what is left another period ago."""
    here = similar[_PERIODS]
    both = np.minimum(_PERIODS[:, None] + _PERIODS, len(similar) - 1)
    apart = np.abs(_PERIODS[:, None] - _PERIODS)
    left = (4 - 4 * here[:, None] - 4 * here + 2 * similar[both] + 2 * similar[apart]) / 4
    return float(left.min())


def _less_sure(word: Word) -> Word:
    halved = [None if p is None else round(_LESS_SURE * p, 4) for p in (word.confidence, word.within_50ms)]
    return replace(word, confidence=halved[0], within_50ms=halved[1])


def _stretches(words: Sequence[Word], numbers: frozenset[int]) -> tuple[tuple[Fraction, Fraction], ...]:
    """From the first to the last of words in a row that are not alone."""
    made: list[tuple[Fraction, Fraction]] = []
    last = -2
    spoken = [number for number, word in enumerate(words) if word.start is not None]
    for place, number in enumerate(spoken):
        start, end = words[number].start, words[number].end
        if number not in numbers or start is None or end is None:
            continue
        if last == place - 1:
            made[-1] = (made[-1][0], end)
        else:
            made.append((start, end))
        last = place
    return tuple(made)
