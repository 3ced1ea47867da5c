"""Clips whose phones are learnt: what is heard, what is said, and which phone each frame is taken for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, OptionError
from genlock.core.progress import Progress, silent
from genlock.models.speech.phones import PhoneModel
from genlock.speech.phones.hearing import HOP, heard
from genlock.speech.phones.lattice import PhonePrices
from genlock.speech.phones.search import find_words
from genlock.speech.phones.symbols import phone_table
from genlock.speech.phones.ways import ways_of_words
from genlock.speech.sphinx.align import SphinxAligner
from genlock.speech.text import tokenize
from genlock.train.speech.utterances import RATE, Speech, Utterances

__all__ = ["NO_TARGET", "PhoneClip", "align_again", "begin_targets", "open_phone_clips", "shown_unheard"]

Array = npt.NDArray[np.float32]
Targets = npt.NDArray[np.int64]
Row = tuple[int, ...]

#: A frame of which nothing is known: what cross entropy leaves out.
NO_TARGET = -100
#: What is said is all there, and nothing else is said.
_EVERYTHING = PhonePrices(left_out=None, stranger=-1e9)
_NEVER = -50.0
_FRAME = HOP / RATE
# How much less a phone counts than what it is taken for.
_LIKE = 0.1


@dataclass(frozen=True, eq=False)
class PhoneClip:
    """One clip. Its frames are kept in 16 bits: a megabyte a minute."""

    name: str
    speaker: str
    language: str
    frames: npt.NDArray[np.float16]
    """Mel bands, [T, 80]."""
    ways: tuple[tuple[Row, ...], ...]
    """The ways to say each word."""
    times: tuple[tuple[float, float], ...]
    """Start and end of each word in seconds, where they are known; else empty."""
    phones: tuple[tuple[int, float, float], ...] = ()
    """Class, start and end of its phones, as another model hears them; may be empty."""

    @property
    def mel(self) -> Array:
        """Its frames in 32 bits."""
        return self.frames.astype(np.float32)

    @property
    def centers(self) -> npt.NDArray[np.float64]:
        """The middle of each frame, in seconds."""
        return np.asarray((np.arange(len(self.frames)) + 0.5) * _FRAME, np.float64)


def open_phone_clips(
    datasets: Sequence[Path], languages: Sequence[str], progress: Progress = silent, begin: bool = True
) -> tuple[list[PhoneClip], list[PhoneClip], tuple[tuple[str, str], ...]]:
    """The clips to learn from, those that decide, and (clip, reason) of what was left out.

    Parameters
    ----------
    languages : one for all datasets, or one for each
    begin : whether the phones of English clips without known times are looked for by the CMU model, which is not needed
        where there is a model to begin with

    Raises
    ------
    OptionError
        If there are neither one nor as many languages as datasets.
    InputError
        If a dataset has nothing to learn from.
    MissingDependency
        If a language needs espeak-ng, which is not installed.
    """
    if len(languages) not in (1, len(datasets)):
        raise OptionError(
            f"{len(languages)} languages for {len(datasets)} datasets: name one for all, or one for each"
        )
    learnt: list[PhoneClip] = []
    valid: list[PhoneClip] = []
    left_out: list[tuple[str, str]] = []
    for dataset, language in zip(datasets, cycle(languages)):
        speech = Speech.open([dataset], language)
        left_out += speech.left_out
        for part, clips in ((speech.train, learnt), (speech.valid, valid)):
            for name, clip in _clips(part, language, begin, progress):
                if isinstance(clip, str):
                    left_out.append((name, clip))
                else:
                    clips.append(clip)
    if not learnt:
        raise InputError(
            "no clip of the split train has a text whose words can be pronounced; give transcripts"
        )
    return learnt, valid, tuple(left_out)


def _clips(
    utterances: Utterances, language: str, begin: bool, progress: Progress
) -> Iterator[tuple[str, PhoneClip | str]]:
    words = sorted({word for text in utterances.texts for word in text.split()})
    known = dict(zip(words, ways_of_words(words, language) if words else [], strict=True))
    sphinx = SphinxAligner(searches=1)
    for number, (name, text) in enumerate(zip(utterances.names, utterances.texts, strict=True)):
        progress(f"hear {language}", number, len(utterances))
        timed = utterances.words[number]
        said = [word for row, _, _ in timed for word in row.split()] if timed else text.split()
        silent_words = [
            word for word in said if not known.get(word) and not ways_of_words([word], language)[0]
        ]
        if not said or silent_words:
            yield (
                name,
                f"no pronunciation is known: {silent_words[0]}" if silent_words else "no text is known",
            )
            continue
        if timed and any(" " in row for row, _, _ in timed):
            timed = ()  # a number that is several words: only their times together are known
        samples = utterances.samples(number)
        phones: tuple[tuple[int, float, float], ...] = ()
        if begin and not timed and language == "en":
            table = phone_table()
            phones = tuple(
                (table.classes((table.arpabet[phone],))[0], start, end)
                for phone, start, end in sphinx.phones(samples, tokenize(text))
            )
        yield (
            name,
            PhoneClip(
                name,
                utterances.speakers[number] or name,
                language,
                heard(samples).astype(np.float16),
                tuple(known.get(word) or ways_of_words([word], language)[0] for word in said),
                tuple((start, end) for _, start, end in timed),
                phones,
            ),
        )
    progress(f"hear {language}", len(utterances), len(utterances))


def begin_targets(clip: PhoneClip) -> Targets | None:
    """The class of each frame before there is any model: a word's phones share its time evenly, all else is a pause.

    Where no word has times, the phones are those of the CMU model; None where that has none either.

    >>> frames = np.zeros((6, 80), np.float16)
    >>> begin_targets(PhoneClip("a", "s", "en", frames, (((2, 3),),), ((0.01, 0.05),))).tolist()
    [0, 2, 2, 3, 3, 0]
    """
    if not clip.times and not clip.phones:
        return None
    targets, centers = np.zeros(len(clip.frames), np.int64), clip.centers
    for phone, start, end in clip.phones:
        targets[(centers >= start) & (centers < end)] = phone
    for (start, end), ways in zip(clip.times, clip.ways, strict=bool(clip.times)):
        inside = np.flatnonzero((centers >= start) & (centers < end))
        targets[inside] = _shared(ways[0], len(inside))
    return targets


def _shared(phones: Row, frames: int) -> Targets:
    return np.array(phones, np.int64)[np.arange(frames) * len(phones) // max(frames, 1)]


def shown_unheard(chances: Array, heard_of: npt.NDArray[np.bool_]) -> Array:
    """Chances in which each phone that a model never heard has those of what it may be taken for.

    Parameters
    ----------
    chances : float32 [T, classes]
    heard_of : whether the model learnt each class, [classes]
    """
    table = phone_table()
    found = chances.copy()
    for phone, others in table.alike.items():
        place = table.symbols.index(phone)
        if not heard_of[place]:
            found[:, place] = chances[:, table.classes(others)].max(axis=1) - _LIKE
    return found


def align_again(
    clip: PhoneClip, model: PhoneModel, heard_of: npt.NDArray[np.bool_], worst: float
) -> Targets | None:
    """The class of each frame, as the model aligns what is said; None where that does not fit.

    Where the times of words are known, only the phones inside each word are moved.
    """
    chances = shown_unheard(model(clip.mel) - 0.5 * model.prior, heard_of)
    targets = np.zeros(len(clip.frames), np.int64)
    if clip.times:
        centers = clip.centers
        for (start, end), ways in zip(clip.times, clip.ways, strict=True):
            inside = np.flatnonzero((centers >= start) & (centers < end))
            targets[inside] = _inside(chances[inside], ways)
        return targets
    found = find_words(chances, clip.ways, _EVERYTHING)
    if found is None or float(np.mean([word.fit for word in found if word is not None])) < worst:
        return None
    middles = np.arange(len(targets)) + 0.5
    for word in found:
        for phone, start, end in word.phones if word is not None else ():
            targets[(middles >= start) & (middles < end)] = phone
    return targets


def _inside(chances: Array, ways: Sequence[Row]) -> Targets:
    """The classes of the frames of one word."""
    if not len(chances):
        return np.zeros(0, np.int64)
    spoken = chances.copy()
    spoken[:, :2] = _NEVER  # all of it is the word
    found = find_words(spoken, [ways], _EVERYTHING)
    word = found[0] if found else None
    targets = _shared(ways[0], len(chances))
    if word is not None:
        middles = np.arange(len(chances)) + 0.5
        for phone, start, end in word.phones:
            targets[(middles >= start) & (middles < end)] = phone
    return targets
