"""Which word, and which part of it, each frame belongs to: what lips learn to read from within minutes.

CTC has to find out where each symbol lies before it can teach a network over pictures anything. Where the times of
words are known (an aligner finds them in the clean sound), each frame can be asked for directly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.data.reading import Word
from genlock.train.avhubert.clips import AVClip
from genlock.train.speech.symbols import DELIMITER, frame_targets, symbol_vocabulary

__all__ = ["NOT_ASKED", "FrameLabels", "LabelKind"]

#: What frames are asked for: nothing, the word and its third, or the phone.
LabelKind: TypeAlias = Literal["none", "words", "phones"]
#: The label of a frame that is not asked for.
NOT_ASKED = -100

IntArray: TypeAlias = npt.NDArray[np.int64]

# Parts of a word that are classes of their own.
_PARTS = 3
# A word that is said less often makes no class: nothing of it could be learnt.
_LEAST_TIMES = 5


@dataclass(frozen=True)
class FrameLabels:
    """Classes of frames; class 0 is that nobody speaks.

    Parameters
    ----------
    kind : ``"words"``: thirds of the words that are said at least five times; ``"phones"``: those of English
    words : the words that have classes, in order; none for phones
    """

    kind: LabelKind
    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, clips: Sequence[AVClip], kind: LabelKind) -> FrameLabels:
        """Those that some clips can teach.

        Raises InputError if no clip knows the times of its words, or no word is said five times.
        """
        if not any(clip.words for clip in clips):
            raise InputError(
                "no clip knows the times of its words, so its frames have no labels; prepare the films with their "
                "alignments (genlock words writes them), or train without --frame-labels"
            )
        if kind == "phones":
            return cls(kind)
        said = Counter(word for clip in clips for word, _, _ in clip.words)
        words = tuple(sorted(word for word, times in said.items() if times >= _LEAST_TIMES))
        if not words:
            raise InputError(
                f"no word is said {_LEAST_TIMES} times, so frames cannot be asked for words; take --frame-labels phones"
            )
        return cls(kind, words)

    def __len__(self) -> int:
        """How many classes there are."""
        return len(symbol_vocabulary([], "phones")) if self.kind == "phones" else 1 + _PARTS * len(self.words)

    def targets(self, words: Sequence[Word], centers: npt.NDArray[np.float64]) -> IntArray:
        """The class of each frame, :data:`NOT_ASKED` for words without a class and where no time is known, [T].

        >>> labels = FrameLabels("words", ("bin", "blue"))
        >>> labels.targets([("bin", 0.1, 0.4), ("rare", 0.4, 0.6), ("blue", 0.6, 0.7)], np.arange(8) / 10).tolist()
        [0, 1, 2, 3, -100, -100, 4, 0]
        """
        if not words:
            return np.full(len(centers), NOT_ASKED, np.int64)
        if self.kind == "phones":
            vocabulary = symbol_vocabulary([], "phones")
            found = frame_targets(words, centers, vocabulary, "phones")
            found[found == vocabulary[DELIMITER]] = 0
            return found
        targets = np.zeros(len(centers), np.int64)
        first = {word: 1 + _PARTS * k for k, word in enumerate(self.words)}
        for word, start, end in words:
            inside = np.flatnonzero((centers >= start) & (centers < end))
            if word not in first:
                targets[inside] = NOT_ASKED
            else:
                targets[inside] = first[word] + np.arange(len(inside)) * _PARTS // max(1, len(inside))
        return targets
