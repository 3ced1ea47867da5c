"""Characters or phones as CTC classes: the vocabulary of a corpus, texts as numbers, and the files that let
transformers read them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.files import write_text
from genlock.speech.ctc.decode import POINT
from genlock.speech.sphinx.pronounce import ARPABET, load_pronouncer
from genlock.train.options import Units

__all__ = [
    "BLANK",
    "DELIMITER",
    "frame_targets",
    "frames_needed",
    "spell",
    "symbol_vocabulary",
    "symbols_in",
    "write_processor",
    "written",
]

BLANK, UNKNOWN, DELIMITER = "<pad>", "<unk>", "|"


def written(text: str, units: Units = "characters") -> str:
    """A text as a model writes it: as it is, or its words as phones with points between them.

    Of several pronunciations the commonest is taken (:mod:`genlock.speech.sphinx.pronounce`; English).

    >>> written("bin two"), written("bin two", "phones")
    ('bin two', 'B.IH.N T.UW')

    Raises InputError if a word cannot be pronounced.
    """
    if units == "characters":
        return text
    return " ".join(POINT.join(_phones(word)) for word in text.split())


def _phones(word: str) -> tuple[str, ...]:
    found = load_pronouncer()(word)
    if not found:
        raise InputError(f"no English pronunciation is known for {word!r}; train with --units characters")
    return found[0]


def symbols_in(writing: str, units: Units = "characters") -> list[str]:
    """The symbols of what :func:`written` gives, the delimiter between words.

    >>> symbols_in("B.IH.N T.UW", "phones"), symbols_in("a b")
    (['B', 'IH', 'N', '|', 'T', 'UW'], ['a', '|', 'b'])
    """
    words = [word.split(POINT) if units == "phones" else list(word) for word in writing.split()]
    return [symbol for k, word in enumerate(words) for symbol in ([DELIMITER, *word] if k else word)]


def symbol_vocabulary(texts: Iterable[str], units: Units = "characters") -> dict[str, int]:
    """Class of each character of some texts, or of each phone there is, the blank first.

    >>> symbol_vocabulary(["ab a"])
    {'<pad>': 0, '<unk>': 1, '|': 2, 'a': 3, 'b': 4}
    >>> len(symbol_vocabulary([], "phones"))
    42

    Raises InputError if there is no character at all.
    """
    found = sorted(ARPABET) if units == "phones" else sorted({c for text in texts for c in text if c != " "})
    if not found:
        raise InputError("no text is known of any clip, so there is nothing to learn; give transcripts")
    return {token: k for k, token in enumerate((BLANK, UNKNOWN, DELIMITER, *found))}


def spell(text: str, vocabulary: Mapping[str, int], units: Units = "characters") -> list[int]:
    """The classes of a text; spaces are the delimiter, what is unknown is left out.

    >>> spell("a b", {"|": 2, "a": 3, "b": 4})
    [3, 2, 4]
    """
    return [vocabulary[s] for s in symbols_in(written(text, units), units) if s in vocabulary]


def frames_needed(classes: Sequence[int]) -> int:
    """The fewest frames that CTC can spell this in: one for each, and one between equal neighbours.

    >>> frames_needed([3, 3, 4])
    4
    """
    return len(classes) + sum(a == b for a, b in pairwise(classes))


def frame_targets(
    words: Sequence[tuple[str, float, float]],
    centers: npt.NDArray[np.float64],
    vocabulary: Mapping[str, int],
    units: Units = "characters",
) -> npt.NDArray[np.int64]:
    """The class of each frame where the times of words are known.

    A word's symbols share its time evenly, with a blank between equal ones; the delimiter stands in the
    frame nearest to the middle between two words; all else is blank.

    Parameters
    ----------
    words : word, start and end in seconds, in order
    centers : centres of the frames in seconds, [T]
    vocabulary : class of each symbol

    >>> vocabulary = {"<pad>": 0, "|": 2, "a": 3, "b": 4}
    >>> frame_targets([("ab", 0.1, 0.5), ("b", 0.6, 0.8)], np.arange(9) / 10 + 0.05, vocabulary).tolist()
    [0, 3, 3, 4, 4, 2, 4, 4, 0]
    """
    targets = np.zeros(len(centers), np.int64)
    for word, start, end in words:
        classes: list[int] = []
        for number in spell(word, vocabulary, units):
            classes += [vocabulary[BLANK], number] if classes and classes[-1] == number else [number]
        inside = np.flatnonzero((centers >= start) & (centers < end))
        if classes and len(inside):
            share = np.minimum((centers[inside] - start) / (end - start) * len(classes), len(classes) - 1)
            targets[inside] = np.array(classes)[share.astype(np.int64)]
    for (_, _, end), (_, start, _) in pairwise(words):
        if len(centers):
            targets[np.argmin(np.abs(centers - (end + start) / 2))] = vocabulary[DELIMITER]
    return targets


def write_processor(
    folder: Path, vocabulary: Mapping[str, int] | None, *, normalize: bool, mask: bool
) -> None:
    """Write what transformers' processor reads: the vocabulary (of a CTC model) and how sound is prepared.

    Parameters
    ----------
    normalize : whether a clip is brought to zero mean and unit variance
    mask : whether padded batches take an attention mask (models with layer norm do)
    """
    sound = {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "feature_size": 1,
        "sampling_rate": 16000,
        "padding_value": 0.0,
        "padding_side": "right",
        "do_normalize": normalize,
        "return_attention_mask": mask,
    }
    write_text(folder / "preprocessor_config.json", json.dumps(sound, indent=1) + "\n")
    if vocabulary is None:
        return
    text = {
        "tokenizer_class": "Wav2Vec2CTCTokenizer",
        "pad_token": BLANK,
        "unk_token": UNKNOWN,
        "bos_token": None,
        "eos_token": None,
        "word_delimiter_token": DELIMITER,
        "do_lower_case": False,
    }
    write_text(folder / "vocab.json", json.dumps(dict(vocabulary), indent=1) + "\n")
    write_text(folder / "tokenizer_config.json", json.dumps(text, indent=1) + "\n")
