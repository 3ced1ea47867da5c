"""Words into sound by a CTC model's emissions: exact, at any length, with a list of what does not fit.

:func:`align_words` takes log-probabilities and the words, and says when each word was spoken::

    emissions [T, V] + words -> chain of states -> best path -> frames of tokens -> times of words

The search itself is in :mod:`genlock.aligners.ctc.viterbi`, its definition in
:mod:`genlock.aligners.ctc.chain`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from genlock.aligners.ctc.chain import STAR, CtcChain
from genlock.aligners.ctc.emissions import EmissionSource, as_emissions
from genlock.aligners.ctc.viterbi import LEAST_BAND, CtcPath, Method, best_path
from genlock.core.errors import InputError, OptionError
from genlock.core.grid import Cells
from genlock.core.one_line import one_line
from genlock.core.spans import Span, Spans
from genlock.core.time import Exact, exact, fraction_text

__all__ = [
    "STAR",
    "WILDCARD",
    "AlignedWord",
    "CtcAlignment",
    "CtcOptions",
    "Unaligned",
    "Vocabulary",
    "WordTokens",
    "align_words",
]

#: Among the words of a text: here is sound that nobody wrote down.
WILDCARD = "*"


@dataclass(frozen=True)
class WordTokens:
    """A word and the symbols that spell it.

    >>> WordTokens("ab", (1, 2)).text
    'ab'
    """

    text: str
    """The word as it is shown."""
    tokens: tuple[int, ...]
    """Symbols of the model, or ``STAR``; empty if the model has none for it."""
    unknown: str = ""
    """Characters of the word that the model has no symbol for."""


@dataclass(frozen=True)
class Vocabulary:
    """The symbols of a CTC model.

    >>> letters = Vocabulary(("<pad>", "|", "a", "b"), blank=0, separator=1)
    >>> letters.spell("abé")
    WordTokens(text='abé', tokens=(2, 3), unknown='é')

    Raises
    ------
    OptionError
        If the blank or the separator is not one of the symbols, or both are one.
    """

    symbols: tuple[str, ...]
    """The symbols; the number of one is its place in the list and its column in the emissions."""
    blank: int = 0
    """Number of the blank (``<pad>`` in models of Hugging Face)."""
    separator: int | None = None
    """Number of the symbol between words (``|`` in models of Hugging Face), or None if there is none."""

    def __init__(self, symbols: Iterable[str], blank: int = 0, separator: int | None = None) -> None:
        object.__setattr__(self, "symbols", tuple(symbols))
        object.__setattr__(self, "blank", blank)
        object.__setattr__(self, "separator", separator)
        for name, number in (("blank", blank), ("separator", separator)):
            if number is not None and not 0 <= number < len(self.symbols):
                raise OptionError(f"the {name} {number} is not one of {len(self.symbols)} symbols")
        if blank == separator:
            raise OptionError(
                f"symbol {blank} cannot be both the blank and the separator; give separator=None"
            )

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {s: n for n, s in enumerate(self.symbols) if n not in (self.blank, self.separator)}

    def spell(self, word: str) -> WordTokens:
        """A word, character by character, as it stands: bring it into the model's own case and spelling
        first.

        For symbols of several characters make :class:`WordTokens` yourself.
        """
        if word == WILDCARD:
            return WordTokens(word, (STAR,))
        known = tuple(self._numbers[c] for c in word if c in self._numbers)
        return WordTokens(word, known, "".join(c for c in word if c not in self._numbers))


@dataclass(frozen=True, kw_only=True)
class CtcOptions:
    """How words are laid into emissions."""

    method: Method = "auto"
    """``"auto"``: a band that is proven to hold the best path, else exactly; ``"exact"``; ``"band"``: one
    band, proven or not."""
    band_tokens: int = 1024
    """Width of the first band, in tokens; at least 514."""
    separator_required: bool = False
    """Whether the separator must be heard between words. If not, blank and separator serve alike between
    them."""
    sound_without_text: bool = False
    """Whether there may be speech before, between and after the words that the text does not have."""
    text_without_sound: bool = False
    """Whether words of the text may be missing in the sound. A place where some are takes at least a frame of
    pause."""
    sound_cost: float = 2.0
    """What a frame of speech without text costs, in nats, 0 or above: beside ``*`` and unknown words as
    well."""
    hole_cost: float = 3.0
    """What each token of a missing word costs, in nats, 0 or above. Below it a word is found, however badly
    it fits."""
    shortest_sound_seconds: Fraction = Fraction(3, 10)
    """Speech without text is reported from this length on, in seconds, 0 or above."""
    longest_word_seconds: Fraction | None = None
    """A word that comes out longer, in seconds, counts as not aligned; None: any length."""
    least_confidence: float = 0.0
    """A word that comes out with less, 0...1, counts as not aligned."""
    bias_seconds: Fraction = Fraction(0)
    """How late the model's tokens come, in seconds, measured; it is taken off every time. Negative: they come
    early."""
    widen_seconds: Fraction = Fraction(0)
    """How much too late words begin and too early they end beside that, in seconds, 0 or above, measured; they are
    widened by it on both sides, at most to the middle of the gap to their neighbour. Characters stay."""

    def __post_init__(self) -> None:
        for name in ("shortest_sound_seconds", "longest_word_seconds", "bias_seconds", "widen_seconds"):
            value: Exact | None = getattr(self, name)
            object.__setattr__(self, name, None if value is None else exact(value))
        for name in ("sound_cost", "hole_cost", "shortest_sound_seconds", "widen_seconds"):
            if not 0 <= getattr(self, name) < np.inf:
                raise OptionError(f"{name} is {getattr(self, name)}; it is 0 or above, and finite")
        if self.longest_word_seconds is not None and self.longest_word_seconds <= 0:
            raise OptionError(f"longest_word_seconds is {self.longest_word_seconds}; it is above 0, or None")
        if not 0 <= self.least_confidence <= 1:
            raise OptionError(f"least_confidence is {self.least_confidence}; it lies within 0...1")
        if self.method not in ("auto", "exact", "band"):
            raise OptionError(f"the method {self.method!r} is unknown; use 'auto', 'exact' or 'band'")
        if self.band_tokens < LEAST_BAND:
            raise OptionError(
                f"a band of {self.band_tokens} tokens is too narrow; it is at least {LEAST_BAND}"
            )

    def to_dict(self) -> dict[str, object]:
        """A JSON form; exact seconds as text."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: fraction_text(v) if isinstance(v, Fraction) else v for name, v in values.items()}


@dataclass(frozen=True)
class AlignedWord:
    """A word of the text and what became of it."""

    text: str
    """The word."""
    status: Literal["aligned", "unaligned"]
    """Whether it has a place."""
    start: Fraction | None
    """When it begins, in exact seconds: the left edge of its first token's first frame."""
    end: Fraction | None
    """When it ends, in exact seconds: the right edge of its last token's last frame."""
    first_frame: int | None
    """First frame of its first token."""
    stop_frame: int | None
    """The frame after the last of its last token."""
    confidence: float | None
    """Mean probability of its tokens in their frames, 0...1; None where it has no tokens of its own."""
    contrast: float | None
    """Mean over its frames of ln(probability of the path / of the likeliest symbol), 0 or below; 0: nothing
    fits better."""
    reason: str = ""
    """Why it has no place, or what is odd about its place; empty if nothing is."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, object]:
        """A JSON form, with exact times and readable ones."""
        return {
            "text": self.text,
            "status": self.status,
            "start": _text(self.start),
            "end": _text(self.end),
            "start_seconds": _float(self.start),
            "end_seconds": _float(self.end),
            "confidence": self.confidence,
            "contrast": self.contrast,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Unaligned:
    """Something that found no partner: a word without sound, or sound without a word."""

    kind: Literal["word", "sound"]
    """Which of the two."""
    text: str
    """The word; empty for sound."""
    word: int
    """Number of the word in the text; for sound, of the word that it comes before."""
    start: Fraction | None
    """Where the sound begins, in exact seconds; None for a word."""
    end: Fraction | None
    """Where the sound ends, in exact seconds; None for a word."""
    reason: str
    """Why."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, object]:
        """A JSON form, with exact times and readable ones."""
        return {
            "kind": self.kind,
            "text": self.text,
            "word": self.word,
            "start": _text(self.start),
            "end": _text(self.end),
            "start_seconds": _float(self.start),
            "end_seconds": _float(self.end),
            "reason": self.reason,
        }


@dataclass(frozen=True, eq=False)
class CtcAlignment:
    """Words in sound."""

    words: tuple[AlignedWord, ...]
    """Every word of the text, in order (wildcards are not words)."""
    unaligned: tuple[Unaligned, ...]
    """Words without a place, in the order of the text; then sound without text, in the order of time."""
    cells: Cells
    """The cells that the emissions live on."""
    frames: int
    """Number of frames, T."""
    token_symbols: tuple[str, ...]
    """The symbol of each token of the chain, separators and wildcards among them, [L]."""
    token_frames: npt.NDArray[np.int64]
    """First frame of each token and the frame after its last, [L, 2]; -1 for tokens that have no place."""
    score: float
    """Logarithm of the probability of the path, costs taken off, in nats; minus infinity if no path is
    possible."""
    method: Literal["exact", "band"]
    """How the path was found."""
    proven: bool
    """Whether it is certain that no path is better."""
    options: CtcOptions
    """The options; their ``bias_seconds`` has been taken off every time."""

    __repr__ = one_line

    @property
    def clock(self) -> str:
        """Name of the time axis."""
        return self.cells.clock

    @property
    def spans(self) -> Spans:
        """The words that have a place."""
        return Spans(
            [
                Span(w.start, w.end, w.text, w.confidence)
                for w in self.words
                if w.start is not None and w.end is not None
            ],
            self.clock,
            "words",
        )

    @property
    def characters(self) -> Spans:
        """Tokens that have a place, as wide as the model shows them: often a frame or two."""
        placed = zip(self.token_symbols, self.token_frames.tolist(), strict=True)
        return Spans(
            [Span(*self._times(first, stop), symbol) for symbol, (first, stop) in placed if first >= 0],
            self.clock,
            "characters",
        )

    @property
    def untranscribed(self) -> Spans:
        """Sound that has no text."""
        found = [u for u in self.unaligned if u.kind == "sound" and u.start is not None and u.end is not None]
        return Spans([Span(u.start, u.end, WILDCARD) for u in found], self.clock, "untranscribed")  # type: ignore[arg-type]

    def _times(self, first: int, stop: int) -> tuple[Fraction, Fraction]:
        bias = self.options.bias_seconds
        return self.cells.edge(first) - bias, self.cells.edge(stop) - bias

    def to_dict(self) -> dict[str, object]:
        """A JSON form."""
        return {
            "words": [w.to_dict() for w in self.words],
            "unaligned": [u.to_dict() for u in self.unaligned],
            "clock": self.clock,
            "frames": self.frames,
            "method": self.method,
            "proven": self.proven,
            "score": self.score if np.isfinite(self.score) else None,
            "bias_seconds": float(self.options.bias_seconds),
            "options": self.options.to_dict(),
        }

    def __str__(self) -> str:
        lines = [str(self.spans)]
        lines += [
            f"not aligned: {u.text or 'sound'}{_when(u.start, u.end)}: {u.reason}" for u in self.unaligned
        ]
        return "\n".join(lines)


def align_words(
    emissions: EmissionSource,
    words: Sequence[str | WordTokens],
    vocabulary: Vocabulary,
    cells: Cells,
    options: CtcOptions | None = None,
) -> CtcAlignment:
    """Say when each word was spoken.

    Parameters
    ----------
    emissions : natural logarithms of the probabilities of V symbols in T frames, [T, V]: an array, a memory
        map or :class:`~genlock.aligners.ctc.emissions.EmissionBlocks`
    words : the text; a string is spelt by ``vocabulary.spell``, and ``"*"`` stands for sound that was not
        written down. A word of which the model knows no character is placed like a ``"*"``, on the sound
        between its neighbours.
    vocabulary : the model's symbols
    cells : where the frames lie: frame k of the emissions is cell k
    options : see :class:`CtcOptions`

    Returns
    -------
    The alignment. Where no path is possible every word is unaligned, and the reason says why.

    Raises
    ------
    InputError
        If the emissions are not log-probabilities, do not fit the vocabulary, or do not fit ``cells``.

    Examples
    --------
    >>> from genlock.core import Grid
    >>> letters = Vocabulary(("-", "a", "h", "o"))
    >>> likely = [0, 2, 1, 0, 0, 0, 3, 2, 0]
    >>> emissions = np.log(np.where(np.arange(4) == np.array(likely)[:, None], 0.97, 0.01)).astype(np.float32)
    >>> found = align_words(emissions, ["ha", "oh"], letters, Grid(50))
    >>> print(found)
         0.020      0.060  ha
         0.120      0.160  oh
    >>> [round(w.confidence, 2) for w in found.words], found.proven
    ([0.97, 0.97], True)
    """
    options = options or CtcOptions()
    source = as_emissions(emissions)
    if source.symbols != len(vocabulary.symbols):
        raise InputError(
            f"the emissions have {source.symbols} symbols, the vocabulary {len(vocabulary.symbols)}; "
            "use both of the same model"
        )
    if cells.length is not None and cells.length < source.frames:
        raise InputError(
            f"{source.frames} frames of emissions do not fit {cells.length} cells; give the model's own grid"
        )
    spelt = tuple(word if isinstance(word, WordTokens) else vocabulary.spell(word) for word in words)
    text = _Text.of(spelt, vocabulary, options)
    path = best_path(source, text.chain, method=options.method, band=options.band_tokens)
    return _Reader(text, path, cells, source.frames, vocabulary, options).alignment()


@dataclass(frozen=True, eq=False)
class _Text:
    """The words, and where their tokens are in the chain."""

    words: tuple[WordTokens, ...]
    chain: CtcChain
    tokens: tuple[range, ...]
    """Tokens of each word in the chain."""

    @classmethod
    def of(cls, words: tuple[WordTokens, ...], vocabulary: Vocabulary, options: CtcOptions) -> _Text:
        flat: list[int] = []
        ranges: list[range] = []
        for number, word in enumerate(words):
            if number and options.separator_required and vocabulary.separator is not None:
                flat.append(vocabulary.separator)
            first = len(flat)
            flat.extend(word.tokens or (STAR,))
            ranges.append(range(first, len(flat)))
        softened = vocabulary.separator is not None and not options.separator_required
        with_gaps = softened or options.sound_without_text or options.text_without_sound
        chain = CtcChain(
            flat,
            len(vocabulary.symbols),
            vocabulary.blank,
            gaps=[*(r.start for r in ranges), len(flat)] if with_gaps else (),
            separator=vocabulary.separator if softened else None,
            gap_cost=options.sound_cost if options.sound_without_text else np.inf,
            star_cost=options.sound_cost,
            hole_costs=[0.0, *(options.hole_cost * len(r) for r in ranges)]
            if options.text_without_sound
            else (),
        )
        return cls(words, chain, tuple(ranges))


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads words and times off a path."""

    text: _Text
    path: CtcPath
    cells: Cells
    frames: int
    vocabulary: Vocabulary
    options: CtcOptions

    def alignment(self) -> CtcAlignment:
        spans = self.path.token_frames()
        states = self.path.states
        # Running sums: what is asked about frames first...stop is then two look-ups.
        on_token = states % 2 == 1
        sums = {
            "tokens": _running(on_token),
            "probability": _running(np.where(on_token, np.exp(np.minimum(self.path.frame_scores, 0)), 0)),
            "contrast": _running(np.minimum(self.path.frame_scores - self.path.best_scores, 0)),
        }
        sounds = self._sounds()
        judged = self._widened(
            [self._word(number, spans, sums) for number in range(len(self.text.words))], sounds
        )
        shown = [(n, w) for n, w in enumerate(judged) if self.text.words[n].text != WILDCARD]
        lost = [
            Unaligned("word", w.text, n, None, None, w.reason) for n, w in shown if w.status == "unaligned"
        ]
        return CtcAlignment(
            tuple(w for _, w in shown),
            tuple(lost + sounds),
            self.cells,
            self.frames,
            tuple(WILDCARD if t == STAR else self.vocabulary.symbols[t] for t in self.text.chain.tokens),
            spans,
            self.path.score,
            self.path.method,
            self.path.proven,
            self.options,
        )

    def _edges(self, first: int, stop: int) -> tuple[Fraction, Fraction]:
        bias = self.options.bias_seconds
        return self.cells.edge(first) - bias, self.cells.edge(stop) - bias

    def _widened(self, words: list[AlignedWord], sounds: Sequence[Unaligned]) -> list[AlignedWord]:
        """Words with what the model cuts off at both sides, as far as there is room."""
        wide = self.options.widen_seconds
        placed = [(w.start, w.end) for w in words if w.start is not None and w.end is not None]
        placed += [(s.start, s.end) for s in sounds if s.start is not None and s.end is not None]
        if not wide or not placed:
            return words
        first, last = self._edges(0, self.frames)
        ends, starts = (
            [first, *sorted(end for _, end in placed)],
            [*sorted(start for start, _ in placed), last],
        )
        found = []
        for word in words:
            if word.start is not None and word.end is not None:
                before, after = bisect_right(ends, word.start) - 1, bisect_left(starts, word.end)
                # Two words share the gap between them; what is left at the ends of the sound is nobody's.
                left = (word.start - ends[before]) / (2 if before else 1)
                right = (starts[after] - word.end) / (2 if after < len(starts) - 1 else 1)
                start, end = word.start - min(wide, left), word.end + min(wide, right)
                found.append(replace(word, start=start, end=end))
            else:
                found.append(word)
        return found

    def _word(
        self, number: int, spans: npt.NDArray[np.int64], sums: Mapping[str, npt.NDArray[np.float64]]
    ) -> AlignedWord:
        word, tokens = self.text.words[number], self.text.tokens[number]
        if not self.path.possible:
            return _lost(word, self._why_impossible())
        first, stop = int(spans[tokens[0], 0]), int(spans[tokens[-1], 1])
        if first < 0:
            return _lost(word, "it is not in the sound: leaving it out fits better than any place for it")
        if not word.tokens:
            return self._unknown_word(word, first, stop)
        inside = {name: float(s[stop] - s[first]) for name, s in sums.items()}
        confidence = inside["probability"] / inside["tokens"]
        start, end = self._edges(first, stop)
        longest = self.options.longest_word_seconds
        if longest is not None and end - start > longest:
            return _lost(
                word,
                f"its best place is {float(end - start):.3f} s long{_when(start, end)}, "
                f"more than {float(longest):g} s",
            )
        if confidence < self.options.least_confidence:
            return _lost(
                word,
                f"its best place has a confidence of {confidence:.3f}{_when(start, end)}, "
                f"less than {self.options.least_confidence:g}",
            )
        reason = f"placed without {word.unknown!r}, which the model has no symbol for" if word.unknown else ""
        return AlignedWord(
            word.text,
            "aligned",
            start,
            end,
            first,
            stop,
            min(confidence, 1.0),
            inside["contrast"] / (stop - first),
            reason,
        )

    def _unknown_word(self, word: WordTokens, first: int, stop: int) -> AlignedWord:
        heard = first + np.nonzero(self.path.speech[first:stop])[0]
        if not len(heard):
            return _lost(
                word, "the model has no symbol for any of its characters, and no sound is left for it"
            )
        first, stop = int(heard[0]), int(heard[-1]) + 1
        return AlignedWord(
            word.text,
            "aligned",
            *self._edges(first, stop),
            first,
            stop,
            None,
            None,
            "the model has no symbol for any of its characters: it has the sound "
            "that is left between its neighbours",
        )

    def _why_impossible(self) -> str:
        needed = self.text.chain.least_frames
        if needed > self.frames:
            return (
                f"the text is longer than the sound can hold: it needs at least {needed} frames, "
                f"the sound has {self.frames}"
            )
        if not self.path.proven:
            return "the band holds no path; use method 'auto' or 'exact'"
        return (
            "no path is possible: some symbol that the text needs has probability zero wherever it could be"
        )

    def _sounds(self) -> list[Unaligned]:
        """Speech in gaps and wildcards, run by run; what an unknown word stands on belongs to that word."""
        states = self.path.states
        columns = self.text.chain.state_columns()[states]
        used = len(self.text.chain.used)
        is_open = (columns > used) & (columns < self.text.chain.never_column)
        starts_of_words = np.array([r.start for r in self.text.tokens], dtype=np.int64)
        unknown = [r.start for r, w in zip(self.text.tokens, self.text.words, strict=True) if not w.tokens]
        is_open &= ~np.isin(states, 2 * np.array(unknown, dtype=np.int64) + 1)
        found: list[Unaligned] = []
        for begin, end in _runs(is_open):
            heard = begin + np.nonzero(self.path.speech[begin:end])[0]
            if not len(heard):
                continue
            start, stop = self._edges(int(heard[0]), int(heard[-1]) + 1)
            if stop - start < self.options.shortest_sound_seconds:
                continue
            # Pair of the last state in the run: the next token, or the wildcard itself.
            following = int(np.searchsorted(starts_of_words, states[end - 1] // 2))
            at_wildcard = bool((states[begin:end] % 2).any())
            reason = "marked with * in the text" if at_wildcard else "speech that the text does not have"
            found.append(Unaligned("sound", "", following, start, stop, reason))
        return found


def _lost(word: WordTokens, reason: str) -> AlignedWord:
    return AlignedWord(word.text, "unaligned", None, None, None, None, None, None, reason)


def _running(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])


def _runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The half-open ranges in which a mask is True.

    >>> _runs(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _text(value: Fraction | None) -> str | None:
    return None if value is None else fraction_text(value)


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _when(start: Fraction | None, end: Fraction | None) -> str:
    return "" if start is None or end is None else f" ({float(start):.3f} s to {float(end):.3f} s)"
