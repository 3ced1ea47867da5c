"""Words laid into the emissions of a sound, whoever computed them: texts as they stand, and transcripts with several
spoken forms."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

import numpy as np

from genlock.aligners.ctc.chain import CtcChain
from genlock.aligners.ctc.viterbi import best_path
from genlock.aligners.ctc.words import (
    AlignedWord,
    CtcAlignment,
    CtcOptions,
    Vocabulary,
    WordTokens,
    align_words,
)
from genlock.speech.ctc.emissions import EmissionFile
from genlock.speech.sphinx.align import Placed
from genlock.speech.text import SpokenForm, Token
from genlock.speech.words import Word

__all__ = ["LaidWords", "SpellingAlphabet"]

# A token's other spoken forms are tried in the sound from the word before it to the word after it, up to this long.
_LONGEST_TRIAL = 1500


class SpellingAlphabet(Protocol):
    """The columns of emissions."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every column's symbol."""
        ...

    @property
    def blank(self) -> int:
        """Column of the blank."""
        ...

    @property
    def delimiter(self) -> int | None:
        """Column of the symbol between words, or None."""
        ...

    def spell(self, word: str) -> tuple[tuple[int, ...], str]:
        """The columns that spell a word, and its characters that have none."""
        ...


class LaidWords:
    """Emissions into which words are laid.

    Parameters
    ----------
    alphabet : of the emissions
    bias : how late the model's symbols come, in seconds
    widen : how much too narrow its words are at each side, in seconds
    lacking : whether words of a text may have no place in the sound
    """

    def __init__(
        self,
        alphabet: SpellingAlphabet,
        emissions: EmissionFile,
        bias: Fraction = Fraction(0),
        widen: Fraction = Fraction(0),
        lacking: bool = True,
    ) -> None:
        self.emissions = emissions
        self._lacking = lacking
        self._alphabet, self._bias, self._widen = alphabet, bias, widen
        self._vocabulary = Vocabulary(alphabet.symbols, alphabet.blank, alphabet.delimiter)

    @property
    def silent_reason(self) -> str | None:
        """Why nothing can be found at all, or None."""
        return None if self.emissions.heard else "the sound is silent here"

    def laid(self, texts: Sequence[str]) -> list[Word]:
        """Words with the times that their own spelling gets."""
        return [
            Word(w.text, reason=w.reason or "not found in the sound")
            if w.start is None or w.end is None
            else Word(w.text, w.start, w.end, None if w.confidence is None else round(w.confidence, 4))
            for w in self.align_texts(texts).words
        ]

    def align_texts(self, texts: Sequence[str], options: CtcOptions | None = None) -> CtcAlignment:
        """Lay words, spelt as they stand, into the sound: words, characters, and what has no partner."""
        spelt = [WordTokens(text, *self._alphabet.spell(text)) for text in texts]
        return self._aligned(spelt, options)

    def align(self, tokens: Sequence[Token]) -> list[Placed]:
        """One place for each token, in order; of several ways to speak it the one that fits the sound
        best."""
        spoken = [k for k, token in enumerate(tokens) if token.forms]
        results = [Placed(None, None, 0.0, token.reason or "nothing to say") for token in tokens]
        reason = self.silent_reason
        if not spoken or reason is not None:
            for k in spoken:
                results[k] = Placed(None, None, 0.0, reason)
            return results
        forms = [tokens[k].forms[0] for k in spoken]
        options = CtcOptions(
            sound_without_text=True,
            text_without_sound=self._lacking,
            bias_seconds=self._bias,
            widen_seconds=self._widen,
        )
        found = self._aligned([self._spelt(form) for form in forms], options)
        better = self._better_forms([tokens[k].forms for k in spoken], found.words)
        if better != forms:
            found = self._aligned([self._spelt(form) for form in better], options)
        for k, word in zip(spoken, found.words, strict=True):
            results[k] = _placed(word)
        return results

    def _aligned(self, spelt: Sequence[WordTokens], options: CtcOptions | None) -> CtcAlignment:
        chosen = options or CtcOptions(bias_seconds=self._bias, widen_seconds=self._widen)
        return align_words(self.emissions, spelt, self._vocabulary, self.emissions.grid, chosen)

    def _spelt(self, form: SpokenForm) -> WordTokens:
        spelt = [self._alphabet.spell(word) for word in form]
        columns = tuple(column for tokens, _ in spelt for column in tokens)
        return WordTokens("".join(form), columns, "".join(unknown for _, unknown in spelt))

    def _better_forms(
        self, choices: Sequence[Sequence[SpokenForm]], words: Sequence[AlignedWord]
    ) -> list[SpokenForm]:
        """For each word with several spoken forms the one that fits best between its neighbours."""
        best = [forms[0] for forms in choices]
        for k, forms in enumerate(choices):
            spellings = {self._spelt(form).tokens: form for form in reversed(forms)}
            if len(spellings) < 2:
                continue
            first, stop = _surroundings(words, k, self.emissions.frames)
            if not 0 < stop - first <= _LONGEST_TRIAL:
                continue
            rows = self.emissions.read(first, stop)
            around = [self._spelt(best[n]).tokens for n in (k - 1, k + 1) if 0 <= n < len(best)]
            before = around[0] if k else ()
            after = around[-1] if k + 1 < len(best) else ()
            scores = {form: self._score(rows, (before, tokens, after)) for tokens, form in spellings.items()}
            best[k] = max(forms, key=lambda form, scores=scores: scores.get(form, -np.inf))  # type: ignore[misc]
        return best

    def _score(self, rows: np.ndarray, parts: Sequence[tuple[int, ...]]) -> float:
        flat = [token for part in parts for token in part]
        if not flat:
            return -np.inf
        starts = np.cumsum([0, *(len(part) for part in parts)]).tolist()
        chain = CtcChain(
            flat,
            len(self._alphabet.symbols),
            self._alphabet.blank,
            gaps=sorted(set(starts)),
            separator=self._alphabet.delimiter,
        )
        return best_path(rows, chain, method="exact").score


def _surroundings(words: Sequence[AlignedWord], k: int, frames: int) -> tuple[int, int]:
    """Frames from the start of the word before to the end of the word after."""
    before = words[k - 1].first_frame if k else 0
    after = words[k + 1].stop_frame if k + 1 < len(words) else frames
    if before is None or after is None:
        return 0, 0
    return before, after


def _placed(word: AlignedWord) -> Placed:
    if word.start is None or word.end is None:
        return Placed(None, None, 0.0, word.reason or "not found in the sound")
    return Placed(
        word.start, word.end, word.confidence if word.confidence is not None else 0.5, word.reason or None
    )
