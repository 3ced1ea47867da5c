"""The clips of a prepared dataset as speech: their sound, what is said, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.grid import Grid
from genlock.data.output_files import true_cells
from genlock.data.reading import Clip, ClipSet, Word
from genlock.train.datasets import Needs
from genlock.train.speech.spoken import language_of, spoken_or_reason, spoken_text

__all__ = ["NEEDS", "RATE", "SOUND", "Speech", "Utterances"]

#: Samples per second of all sound that is trained on, and the output that holds it.
RATE, SOUND = 16000, "sound_16000"
#: What a dataset must hold.
NEEDS = Needs({SOUND: "sound@16000"}, "speech")
#: Shorter sound says nothing.
SHORTEST_SECONDS = 0.25

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Utterances:
    """Clips of one split, and beside each what is said in it; row k of everything is clip k."""

    clips: ClipSet
    """The clips; their sound is read when it is asked for."""
    texts: tuple[str, ...]
    """What is said, as :func:`genlock.train.speech.spoken.spoken_text` writes it; empty: not known."""
    words: tuple[tuple[Word, ...], ...]
    """Words with start and end in seconds from the first sample; empty: not known."""
    counts: tuple[int, ...]
    """Samples of each clip, without the zeros that fill up a clip behind its sound."""
    left_out: tuple[tuple[str, str], ...] = ()
    """(clip, reason) of what the split holds and is not among the clips."""

    @classmethod
    def open(cls, datasets: Sequence[str | Path], split: str, language: str = "en") -> Utterances:
        """The clips of a split with sound that can be used; those without a text as well.

        Parameters
        ----------
        datasets : folders of datasets or of their shards
        split : ``train``, ``valid`` or ``test``
        language : of the texts; see :func:`genlock.train.speech.spoken.spoken_or_reason`

        Raises InputError if no clip is left, FormatError if a dataset is damaged.
        """
        return cls.of(ClipSet(datasets, (SOUND,), split), language)

    @classmethod
    def of(cls, clips: ClipSet, language: str = "en") -> Utterances:
        """Those of some clips."""
        left_out, kept = list(clips.left_out), []
        for number, clip in enumerate(clips.known):
            reason = _unusable(clip)
            if reason:
                left_out.append((clip.name, reason))
            else:
                kept.append(number)
        usable = clips.take(kept)
        texts = []
        for clip in usable.known:
            text, reason = (
                spoken_or_reason(clip.transcript or "", language) if clip.transcript else (None, "")
            )
            texts.append(text or "")
            if reason:
                left_out.append((clip.name, reason))
        words = tuple(_words_of(clip, language) for clip in usable.known)
        return cls(usable, tuple(texts), words, tuple(usable.lengths(SOUND)), tuple(left_out))

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the clips."""
        return tuple(clip.name for clip in self.clips.known)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who speaks in each clip; empty where it is not known."""
        return tuple(clip.speaker for clip in self.clips.known)

    @property
    def seconds(self) -> list[float]:
        """Length of each clip."""
        return [count / RATE for count in self.counts]

    @property
    def total_seconds(self) -> float:
        """Length of all clips together."""
        return sum(self.counts) / RATE

    def samples(self, number: int) -> Samples:
        """Samples of a clip, float32 [n] within -1...1."""
        track = self.clips.read(number, SOUND)
        real = true_cells(self.clips.known[number].output(SOUND))
        return np.ascontiguousarray(track.values[real.start : real.stop], np.float32)

    def take(self, numbers: Sequence[int]) -> Utterances:
        """The clips of these numbers."""
        return replace(
            self,
            clips=self.clips.take(numbers),
            texts=tuple(self.texts[number] for number in numbers),
            words=tuple(self.words[number] for number in numbers),
            counts=tuple(self.counts[number] for number in numbers),
        )

    def where(self, keep: Callable[[int], bool]) -> Utterances:
        """The clips for whose numbers ``keep`` says True."""
        return self.take([number for number in range(len(self)) if keep(number)])

    def by_content(self) -> list[int]:
        """Numbers of the clips in an order drawn by their content alone, the same whatever they are called."""
        return sorted(range(len(self)), key=lambda k: str(self.clips.known[k].output(SOUND)["sha256"]))

    def first_minutes(self, minutes: float) -> Utterances:
        """So much of the sound, chosen by content; all of it for 0."""
        if not minutes:
            return self
        chosen, left = [], minutes * 60
        for number in self.by_content():
            if left <= 0:
                break
            chosen.append(number)
            left -= self.counts[number] / RATE
        return self.take(sorted(chosen))


@dataclass(frozen=True, eq=False)
class Speech:
    """What a recipe of speech learns from, and what it is measured on meanwhile. The split ``test`` is not opened."""

    train: Utterances
    """Clips that are learnt from."""
    valid: Utterances
    """Clips that decide which model is kept; may be none."""
    language: str
    """ISO 639-1 of the texts; empty: not known, letters are taken as they are written."""

    @classmethod
    def open(cls, datasets: Sequence[str | Path], language: str = "auto") -> Speech:
        """Both splits of some datasets.

        Parameters
        ----------
        language : of the texts; ``auto``: English if nearly all of the texts to learn from are in English letters

        Raises InputError if there is nothing to learn from, FormatError if a dataset is damaged.
        """
        clips = ClipSet(datasets, (SOUND,), "train")
        if language == "auto":
            language = language_of([clip.transcript for clip in clips.known if clip.transcript])
        try:
            valid = Utterances.open(datasets, "valid", language)
        except InputError:  # not an error: a small dataset may have none
            valid = Utterances.of(clips.take([]), language)
            valid = replace(valid, left_out=())
        return cls(Utterances.of(clips, language), valid, language)

    @property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """(clip, reason) of what could not be used."""
        return (*self.train.left_out, *self.valid.left_out)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was guessed or is missing, in words."""
        found = []
        if not len(self.valid):
            found.append(
                "no clip is in the split valid: nothing is measured on the way, and the last model is kept, not the "
                "best"
            )
        if not self.language and any(self.train.texts):
            found.append(
                "the texts are not taken for English: letters count as they are written (--language says how numbers "
                "are spoken)"
            )
        return tuple(found)

    def where(self, keep: Callable[[Utterances, int], bool]) -> Speech:
        """The clips for which ``keep`` says True, told the utterances and a number among them."""
        train, valid = (
            part.where(lambda number, part=part: keep(part, number))  # type: ignore[misc] # bound at once
            for part in (self.train, self.valid)
        )
        return replace(self, train=train, valid=valid)


def _unusable(clip: Clip) -> str:
    """Why the sound of a clip cannot be used; empty if it can."""
    made = clip.output(SOUND)
    if len(true_cells(made)) < SHORTEST_SECONDS * RATE:
        return f"its sound is shorter than {SHORTEST_SECONDS} s"
    return "its sound is silent" if '"silent": true' in str(made.get("more") or "") else ""


def _words_of(clip: Clip, language: str) -> tuple[Word, ...]:
    made = clip.output(SOUND)
    first = float(Grid(made["rate"], made["start"]).center(true_cells(made).start))
    return tuple(
        (spoken, start - first, end - first)
        for word, start, end in clip.words
        if (spoken := _spoken_word(word, language))
    )


@lru_cache(maxsize=100_000)
def _spoken_word(word: str, language: str) -> str:
    return spoken_text(word, language) or ""
