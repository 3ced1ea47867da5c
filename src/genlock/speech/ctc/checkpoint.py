"""Recognition and alignment with a CTC checkpoint (wav2vec 2.0, HuBERT, WavLM): one pass of the model, both
answers.

sound -> emissions of every frame (in pieces with context, in a file) -> words (greedy or beam)
                                                                     -> exact alignment of words or of a
                                                                     transcript
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

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
from genlock.core.errors import MissingModel, OptionError
from genlock.core.progress import Progress, silent
from genlock.media.sound_source import SoundSource
from genlock.speech.ctc.decode import Alphabet, BeamDecoder, DecodedWord, GreedyDecoder
from genlock.speech.ctc.emissions import EmissionFile, listen
from genlock.speech.ctc.options import CtcModelOptions
from genlock.speech.recognize import Heard
from genlock.speech.sphinx.align import Placed
from genlock.speech.text import SpokenForm, Token
from genlock.speech.words import Word

if TYPE_CHECKING:
    from genlock.models.speech.encoder import SpeechEncoder

__all__ = ["CtcListening", "HfCtc"]

# A token's other spoken forms are tried in the sound from the word before it to the word after it, up to this long.
_LONGEST_TRIAL = 1500


class HfCtc:
    """A loaded CTC checkpoint that recognises and aligns; a :class:`~genlock.speech.recognize.SpeechModel`, registered
    as the recogniser ``hf-ctc`` and the aligner ``ctc``.

    Raises
    ------
    MissingModel
        If no checkpoint is named, or it is not on this machine.
    InputError, FormatError
        If it is of another architecture, has no CTC head or vocabulary, or is damaged.
    """

    name = "hf-ctc"
    languages: tuple[str, ...] = ("*",)
    takes_model = True

    def __init__(self, options: CtcModelOptions) -> None:
        if not options.model:
            raise MissingModel("no CTC checkpoint is named: name its folder with --model FOLDER")
        # torch is an optional package: only who names a checkpoint waits for it.
        from genlock.models.speech.encoder import load_speech_encoder

        self.options = options
        self.encoder: SpeechEncoder = load_speech_encoder(options.model, ctc=True)
        self.alphabet = Alphabet.of(
            self.encoder.vocabulary,
            self.encoder.blank,
            self.encoder.word_delimiter,
            self.encoder.model.config.vocab_size,
        )
        self.decoder: GreedyDecoder | BeamDecoder = (
            BeamDecoder(self.alphabet, options.beam, options.language_model)
            if options.beam
            else GreedyDecoder(self.alphabet)
        )

    @classmethod
    def missing(cls) -> str | None:
        """Nothing that could be told before a checkpoint is named."""
        return None

    def listen(self, sound: SoundSource, progress: Progress = silent) -> CtcListening:
        """Compute the emissions of a sound; use the result with ``with``."""
        emissions = listen(
            self.encoder,
            sound,
            chunking=self.options.chunking,
            batch=self.options.batch,
            keep=None if self.options.keep is None else Path(self.options.keep),
            progress=progress,
        )
        return CtcListening(self, emissions)


class CtcListening:
    """One sound as the model heard it. Times are on the sound's clock, the model's bias taken off."""

    def __init__(self, model: HfCtc, emissions: EmissionFile) -> None:
        self.model, self.emissions = model, emissions
        alphabet = model.alphabet
        self._vocabulary = Vocabulary(alphabet.symbols, alphabet.blank, alphabet.delimiter)
        self._bias, self._widen = model.encoder.bias_seconds, model.encoder.widen_seconds

    def __enter__(self) -> CtcListening:
        return self

    def __exit__(self, *_: object) -> None:
        self.emissions.close()

    @property
    def silent_reason(self) -> str | None:
        """Why nothing can be found at all, or None."""
        if self.emissions.frames == 0:
            return "the sound is too short: the model needs at least 400 samples"
        return None if self.emissions.heard else "the sound is silent here"

    def decode(self) -> list[DecodedWord]:
        """The words that are recognised, in frames. Raises OptionError if the model writes phones."""
        if self.model.alphabet.phones:
            raise OptionError(
                f"the model {self.model.encoder.source!r} writes phones, not words: give what is said with "
                "--transcript, or let another recogniser listen with --recognizer"
            )
        return [] if self.silent_reason else self.model.decoder.decode(self.emissions)

    def recognize(self) -> list[Heard]:
        """The words that are recognised, with the decoder's own rough times."""
        return [
            Heard(w.text, *self._edges(w.first_frame, w.stop_frame), min(max(w.probability, 0.0), 1.0))
            for w in self.decode()
        ]

    def words(self) -> list[Word]:
        """The words that are recognised, each laid into the sound as it is spelt."""
        found = self.align_texts([word.text for word in self.decode()])
        return [
            Word(w.text, reason=w.reason or "not found in the sound")
            if w.start is None or w.end is None
            else Word(w.text, w.start, w.end, None if w.confidence is None else round(w.confidence, 4))
            for w in found.words
        ]

    def align_texts(self, texts: Sequence[str], options: CtcOptions | None = None) -> CtcAlignment:
        """Lay words, spelt as they stand, into the sound: words, characters, and what has no partner."""
        spelt = [WordTokens(text, *self.model.alphabet.spell(text)) for text in texts]
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
            text_without_sound=True,
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
        spelt = [self.model.alphabet.spell(word) for word in form]
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
        alphabet = self.model.alphabet
        starts = np.cumsum([0, *(len(part) for part in parts)]).tolist()
        chain = CtcChain(
            flat,
            len(alphabet.symbols),
            alphabet.blank,
            gaps=sorted(set(starts)),
            separator=alphabet.delimiter,
        )
        return best_path(rows, chain, method="exact").score

    def _edges(self, first: int, stop: int) -> tuple[Fraction, Fraction]:
        grid = self.emissions.grid
        return grid.edge(first) - self._bias, grid.edge(stop) - self._bias


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
