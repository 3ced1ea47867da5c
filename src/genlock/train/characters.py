"""Characters as CTC classes: the vocabulary of a corpus, texts as numbers, and the files that let transformers
read them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.serial import write_text

__all__ = [
    "BLANK",
    "DELIMITER",
    "character_vocabulary",
    "frame_targets",
    "frames_needed",
    "spell",
    "write_processor",
]

BLANK, UNKNOWN, DELIMITER = "<pad>", "<unk>", "|"


def character_vocabulary(texts: Iterable[str]) -> dict[str, int]:
    """Class of each character of some texts, the blank first.

    >>> character_vocabulary(["ab a"])
    {'<pad>': 0, '<unk>': 1, '|': 2, 'a': 3, 'b': 4}

    Raises InputError if there is no character at all.
    """
    found = sorted({c for text in texts for c in text if c != " "})
    if not found:
        raise InputError("no text is known of any clip, so there is nothing to learn; give transcripts")
    return {token: k for k, token in enumerate((BLANK, UNKNOWN, DELIMITER, *found))}


def spell(text: str, vocabulary: Mapping[str, int]) -> list[int]:
    """The classes of a text; spaces are the delimiter, what is unknown is left out.

    >>> spell("a b", {"|": 2, "a": 3, "b": 4})
    [3, 2, 4]
    """
    tokens = (DELIMITER if c == " " else c for c in text)
    return [vocabulary[token] for token in tokens if token in vocabulary]


def frames_needed(classes: Sequence[int]) -> int:
    """The fewest frames that CTC can spell this in: one for each, and one between equal neighbours.

    >>> frames_needed([3, 3, 4])
    4
    """
    return len(classes) + sum(a == b for a, b in pairwise(classes))


def frame_targets(
    words: Sequence[tuple[str, float, float]], centers: npt.NDArray[np.float64], vocabulary: Mapping[str, int]
) -> npt.NDArray[np.int64]:
    """The class of each frame where the times of words are known.

    A word's characters share its time evenly, with a blank between equal ones; the delimiter stands in the
    frame nearest to the middle between two words; all else is blank.

    Parameters
    ----------
    words : word, start and end in seconds, in order
    centers : centres of the frames in seconds, [T]
    vocabulary : class of each character

    >>> vocabulary = {"<pad>": 0, "|": 2, "a": 3, "b": 4}
    >>> frame_targets([("ab", 0.1, 0.5), ("b", 0.6, 0.8)], np.arange(9) / 10 + 0.05, vocabulary).tolist()
    [0, 3, 3, 4, 4, 2, 4, 4, 0]
    """
    targets = np.zeros(len(centers), np.int64)
    for word, start, end in words:
        classes: list[int] = []
        for number in spell(word, vocabulary):
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
        "feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1, "sampling_rate": 16000,
        "padding_value": 0.0, "padding_side": "right", "do_normalize": normalize, "return_attention_mask": mask,
    }  # fmt: skip
    write_text(folder / "preprocessor_config.json", json.dumps(sound, indent=1) + "\n")
    if vocabulary is None:
        return
    text = {
        "tokenizer_class": "Wav2Vec2CTCTokenizer", "pad_token": BLANK, "unk_token": UNKNOWN, "bos_token": None,
        "eos_token": None, "word_delimiter_token": DELIMITER, "do_lower_case": False,
    }  # fmt: skip
    write_text(folder / "vocab.json", json.dumps(dict(vocabulary), indent=1) + "\n")
    write_text(folder / "tokenizer_config.json", json.dumps(text, indent=1) + "\n")
