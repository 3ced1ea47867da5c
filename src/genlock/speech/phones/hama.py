"""Words of any language on the clock by the package hama: a small model of phones that needs no torch.

It is of use where a language has no aligner of its own here; espeak-ng says how its words are pronounced.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from genlock.core import Grid
from genlock.core.optional import not_installed
from genlock.speech.ctc.emissions import EmissionFile
from genlock.speech.ctc.laid import LaidWords
from genlock.speech.phones.espeak import espeak_languages, ipa_of_words
from genlock.speech.sound import SAMPLE_RATE, level_db
from genlock.speech.sphinx.align import Placed
from genlock.speech.text import Token

__all__ = ["HamaAligner", "IpaColumns"]

#: Samples from one frame of its emissions to the next; frame k is centred on sample 320 k.
_HOP = 320
#: How late its phones come, and how much too narrow words are at each side: measured once, on GRID's speaker s1.
BIAS_SECONDS, WIDEN_SECONDS = Fraction(3, 100), Fraction(1, 20)
_SILENT_DB = -75.0
# Phones that espeak-ng writes and the model has no sign for, or hardly ever hears, and what it hears instead.
_HEARD_AS = {
    "ɐ": "ə",
    "ɚ": "ɚ",
    "ᵻ": "ɪ",
    "ɬ": "l",
    "ɭ": "l",
    "ʲ": "",
    "ˈ": "",
    "ˌ": "",
    "ː": "",
    "r": "r",
    "g": "ɡ",
}


@dataclass(frozen=True)
class IpaColumns:
    """The columns of emissions over phones in IPA.

    >>> columns = IpaColumns(("b", "t", "t͡ʃ", "a", "<blank>"), 4, {"chat": ("t͡ʃˈat",)})
    >>> columns.spell("chat"), columns.spell("xyz")
    (((2, 3, 1), ''), ((), 'xyz'))
    """

    symbols: tuple[str, ...]
    """Every column's phone."""
    blank: int
    """Column of the blank."""
    said: Mapping[str, tuple[str, ...]]
    """Pronunciations of words, in IPA."""
    delimiter: int | None = None
    """No column stands between words: in fluent speech nothing is heard there."""

    def spell(self, word: str) -> tuple[tuple[int, ...], str]:
        """The columns of a word's pronunciation; the word again if it has none."""
        ways = self.said.get(word, ())
        columns = self._columns(ways[0]) if ways else ()
        return columns, "" if columns else word

    def _columns(self, ipa: str) -> tuple[int, ...]:
        """The longest phones that are known, one after the other; marks that are not known are left out."""
        known = {symbol: k for k, symbol in enumerate(self.symbols)}
        text = unicodedata.normalize("NFC", "".join(_HEARD_AS.get(c, c) for c in ipa))
        found, at = [], 0
        while at < len(text):
            size = next((n for n in range(min(4, len(text) - at), 0, -1) if text[at : at + n] in known), 0)
            if size:
                found.append(known[text[at : at + size]])
            at += max(size, 1)
        return tuple(found)


class _Languages:
    """The languages that can be pronounced here; none if hama is not installed."""

    def __get__(self, instance: object, owner: object) -> tuple[str, ...]:
        return tuple(sorted(espeak_languages())) if _installed() else ()


class HamaAligner:
    """Aligns words with sound by hama's phones; made with the language of the words.

    Raises
    ------
    MissingDependency
        If hama or espeak-ng is not installed.
    """

    #: The name that results carry.
    name = "hama"
    #: ISO 639-1 codes of the languages that espeak-ng pronounces.
    languages: ClassVar[tuple[str, ...]] = _Languages()  # type: ignore[assignment] # a tuple to whoever asks
    #: It is made with the language of the words.
    takes_language = True

    def __init__(self, language: str = "en") -> None:
        if not _installed():
            raise not_installed("hama", "the aligner hama")
        self.language = language

    def align(
        self,
        samples: npt.NDArray[np.floating],
        tokens: Sequence[Token],
        origin: Fraction = Fraction(0),
        clock: str = "media",
    ) -> list[Placed]:
        """One place for each token, in order, in a piece of 16 kHz sound whose sample 0 is at ``origin``."""
        model = _model()
        words = sorted({word for token in tokens for form in token.forms for word in form})
        said = dict(zip(words, ipa_of_words(words, self.language), strict=True)) if words else {}
        columns = IpaColumns(tuple(model.decoder_tokens), model.blank_id, said)
        clean = np.nan_to_num(np.asarray(samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        with _emissions(model, clean, origin, clock) as emissions:
            # It is so unsure of most phones that leaving words out would cost less than placing them.
            laid = LaidWords(columns, emissions, BIAS_SECONDS, WIDEN_SECONDS, lacking=False)
            return laid.align(tokens)


def _emissions(model: Any, samples: npt.NDArray[np.float32], origin: Fraction, clock: str) -> EmissionFile:
    """Log-probabilities of all phones in each frame."""
    grid = Grid(Fraction(SAMPLE_RATE, _HOP), origin - Fraction(_HOP, 2 * SAMPLE_RATE), clock)
    symbols = len(model.decoder_tokens)
    if len(samples) < _HOP or level_db(samples) < _SILENT_DB:
        return EmissionFile(io.BytesIO(b" " * 4096), 0, symbols, grid, heard=False)
    inputs = {"waveform": samples[None], "waveform_lengths": np.array([len(samples)], np.int64)}
    rows, frames = model.session.run(["log_probs", "out_lengths"], inputs)
    kept = np.ascontiguousarray(rows[0][: int(frames[0])], np.float32)
    return EmissionFile(io.BytesIO(b" " * 4096 + kept.tobytes()), len(kept), symbols, grid)


def _installed() -> bool:
    return find_spec("hama") is not None


@lru_cache(maxsize=1)
def _model() -> Any:
    from hama import ASRModel  # optional

    return ASRModel()
