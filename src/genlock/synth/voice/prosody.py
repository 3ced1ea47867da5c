"""When each phone is spoken, and at what pitch: durations and a fundamental-frequency contour by rule.

Durations follow the scheme of D. H. Klatt (in "Frontiers of Speech Communication Research", 1979): each
phone has an inherent and a shortest duration, and rules stretch or shrink what lies between. The contour is
a line that falls over each phrase, with a rise on each stressed syllable and a fall at the end (J.
Pierrehumbert, 1981).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genlock.synth.voice.lexicon import SpokenWord
from genlock.synth.voice.phones import ALLOPHONES, PHONES, SILENCE, Phone, parse_phone

__all__ = ["Segment", "pitch_contour", "plan_segments"]

# Spoken without an accent, although their vowel may be full.
_WEAK = frozenset(["a", "and", "at", "by", "for", "from", "in", "is", "it", "of", "on", "the", "to", "with"])
_PAUSE_MS = {"none": 0.0, "comma": 230.0, "full": 480.0}


@dataclass(frozen=True)
class Segment:
    """One phone in its place."""

    label: str
    """ARPAbet with its stress, or ``SIL``."""
    phone: Phone
    """What it is."""
    stress: int
    """0, 1 or 2; of a consonant 0."""
    word: int
    """Number of its word, or -1 in a pause."""
    start: int
    """First sample."""
    end: int
    """First sample after it."""
    accented: bool = False
    """True of a vowel that carries an accent of pitch."""
    phrase: int = 0
    """Number of its phrase."""
    aspirated: bool = False
    """True of a voiceless stop that is released with a breath."""


@dataclass
class _Draft:
    label: str
    phone: Phone
    stress: int
    word: int
    phrase: int
    accented: bool
    aspirated: bool
    milliseconds: float


def plan_segments(
    words: Sequence[SpokenWord], rate: int, speed: float, lead_ms: float, tail_ms: float
) -> list[Segment]:
    """The phones and pauses of an utterance, contiguous, on whole samples from sample 0.

    ``speed`` divides all durations but the two outer pauses; 1 is about 150 words a minute.
    """
    drafts = [_pause(lead_ms, 0)] if lead_ms > 0 else []
    phrase = 0
    for number, word in enumerate(words):
        drafts += _word_drafts(words, number, phrase, speed)
        pause = _PAUSE_MS[word.pause_after]
        if pause and number + 1 < len(words):
            drafts.append(_pause(pause / speed, phrase))
        if pause:
            phrase += 1
    if tail_ms > 0:
        drafts.append(_pause(tail_ms, phrase))
    # Edges are rounded, not durations: nothing adds up.
    edges = np.floor(np.cumsum([0.0] + [d.milliseconds for d in drafts]) * rate / 1000 + 0.5).astype(int)
    return [
        Segment(d.label, d.phone, d.stress, d.word, int(a), int(b), d.accented, d.phrase, d.aspirated)
        for d, a, b in zip(drafts, edges[:-1], edges[1:], strict=True)
    ]


def _pause(milliseconds: float, phrase: int) -> _Draft:
    return _Draft(SILENCE, PHONES[SILENCE], 0, -1, phrase, False, False, milliseconds)


@dataclass(frozen=True)
class _Shape:
    """What the rules of duration ask about a word."""

    names: tuple[str, ...]
    stresses: tuple[int, ...]
    kinds: tuple[str, ...]
    weak: bool
    last_of_phrase: bool

    @property
    def vowels(self) -> list[int]:
        return [i for i, kind in enumerate(self.kinds) if kind == "vowel"]

    @property
    def stressed(self) -> list[int]:
        return [i for i in self.vowels if self.stresses[i] == 1]


def _shape_of(word: SpokenWord, last: bool) -> _Shape:
    names, digits = zip(*(parse_phone(label) for label in word.phones), strict=True)
    kinds = tuple(PHONES[name].kind for name in names)
    stresses = tuple(
        0 if kind != "vowel" else 1 if digit is None else digit
        for kind, digit in zip(kinds, digits, strict=True)
    )
    weak = word.text.lower() in _WEAK
    return _Shape(tuple(names), stresses, kinds, weak, word.pause_after != "none" or last)


def _word_drafts(words: Sequence[SpokenWord], number: int, phrase: int, speed: float) -> list[_Draft]:
    shape = _shape_of(words[number], number + 1 == len(words))
    stressed = shape.stressed
    drafts = []
    for i, label in enumerate(words[number].phones):
        stress, phone = shape.stresses[i], _allophone(shape, i)
        aspirated = _is_aspirated(shape, i)
        accented = not shape.weak and stressed[:1] == [i]
        milliseconds = _milliseconds(shape, i, phone) / speed
        if aspirated:  # the tables count the closure alone
            milliseconds += 0.25 * phone.release_ms / speed
        drafts.append(_Draft(label, phone, stress, number, phrase, accented, aspirated, milliseconds))
    return drafts


def _allophone(shape: _Shape, i: int) -> Phone:
    name = shape.names[i]
    after = shape.names[i + 1] if i + 1 < len(shape.names) else ""
    special = ALLOPHONES.get(f"{name} {after}") or ALLOPHONES.get(f"{name}{shape.stresses[i]}")
    return special or PHONES[name]


def _is_aspirated(shape: _Shape, i: int) -> bool:
    """A voiceless stop before a vowel, glide or liquid of a stressed syllable, unless an /s/ precedes it."""
    if shape.kinds[i] != "stop" or PHONES[shape.names[i]].voicing is not None:
        return False
    if i + 1 >= len(shape.kinds) or shape.kinds[i + 1] not in ("vowel", "glide", "liquid"):
        return False
    if i and shape.names[i - 1] == "S":
        return False
    return i == 0 or any(0 < j - i <= 2 for j in shape.stressed)


def _milliseconds(shape: _Shape, i: int, phone: Phone) -> float:
    """Duration at normal speed: the shortest, and a share of the stretch up to the inherent one."""
    vowels, kinds = shape.vowels, shape.kinds
    is_vowel, unstressed = kinds[i] == "vowel", shape.stresses[i] == 0
    final_syllable = shape.last_of_phrase and bool(vowels) and i >= vowels[-1]
    following = kinds[i + 1] if i + 1 < len(kinds) else None
    share = 0.7 if shape.weak else 1.0
    if is_vowel:
        share *= 1.2 if final_syllable else 0.72
        share *= 0.85 if len(vowels) > 1 else 1.0
        share *= 0.6 if unstressed else 1.0
        if following in ("stop", "affricate", "fricative"):
            share *= 0.65 if PHONES[shape.names[i + 1]].voicing is None else 1.1
    else:
        clustered = following not in (None, "vowel") or (i > 0 and kinds[i - 1] != "vowel")
        share *= (0.6 if clustered else 0.9) * (1.5 if final_syllable else 1.0)
    shortest = phone.shortest_ms * (0.7 if is_vowel and unstressed else 1.0)
    return shortest + max(phone.inherent_ms - shortest, 0.0) * share


def pitch_contour(
    segments: Sequence[Segment], rate: int, times: npt.NDArray[np.float64], pitch_hz: float
) -> npt.NDArray[np.float64]:
    """Pitch in Hz at times (seconds from sample 0), float64 [T]; also where nothing is voiced."""
    points: list[tuple[float, float]] = []
    for phrase in sorted({s.phrase for s in segments if s.word >= 0}):
        points += _phrase_points([s for s in segments if s.phrase == phrase and s.word >= 0], rate, segments)
    if not points:
        return np.full(len(times), pitch_hz)
    instants, semitones = np.array(points).T
    contour = np.interp(times, instants, semitones)
    step = float(times[1] - times[0]) if len(times) > 1 else 1.0
    return pitch_hz * 2 ** (_smooth(contour, max(1, round(0.07 / step))) / 12)


def _phrase_points(
    spoken: Sequence[Segment], rate: int, segments: Sequence[Segment]
) -> list[tuple[float, float]]:
    """(seconds, semitones against the mean) of one phrase."""
    start, end = spoken[0].start / rate, spoken[-1].end / rate
    is_last = spoken[-1].phrase == max(s.phrase for s in segments if s.word >= 0)
    length = max(end - start, 1e-3)

    def line(t: float) -> float:
        return 1.0 - 3.0 * (t - start) / max(length, 1.5)

    accents = [s for s in spoken if s.accented]
    points = [(start, line(start) - 0.5)]
    for number, vowel in enumerate(accents):
        a, b = vowel.start / rate, vowel.end / rate
        nuclear = number == len(accents) - 1
        height = (4.5 if number == 0 else 3.0) + (0.8 if nuclear and number else 0.0)
        points.append((max(a - 0.06, points[-1][0] + 1e-3), line(a)))
        points.append((max(a + 0.35 * (b - a), points[-1][0] + 1e-3), line(a) + height))
        if not nuclear:
            points.append((b + 0.05, line(b) + 0.5))
        elif is_last or length > 1.5:
            points.append((max(b, points[-1][0] + 1e-3), -5.0))
        else:  # an item of a list that goes on: falls, and hints at a rise
            points.append((max(b - 0.02, points[-1][0] + 1e-3), -1.5))
    points.append((max(end, points[-1][0] + 1e-3), -6.0 if is_last or length > 1.5 else -0.5))
    return sorted(points)


def _smooth(values: npt.NDArray[np.float64], width: int) -> npt.NDArray[np.float64]:
    window = np.hanning(width + 2)[1:-1]
    padded = np.pad(values, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, window / window.sum(), mode="valid")
