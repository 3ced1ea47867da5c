"""Joint beam search: what the decoder would write next, and what the CTC head has heard, weighed against each other.

Every clip of a batch keeps ``beam`` hypotheses. Each is continued by the decoder's likeliest tokens; each continuation
gets the probability of its whole spelling under the CTC head (that of all paths that begin with it), so that a decoder
that skips or repeats words is caught (Watanabe, Hori, Kim, Hershey, Hayashi 2017). All clips go on together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.speech.audiovisual.model import AudioVisualModel, Encoded, TokenSet

__all__ = ["CtcPrefixes", "Hypothesis", "SearchOptions", "greedy", "search"]

Array: TypeAlias = npt.NDArray[np.float64]
Numbers: TypeAlias = npt.NDArray[np.int64]

_NEVER = -1e30  # a finite log of zero: differences of it stay numbers


@dataclass(frozen=True)
class SearchOptions:
    """How words are searched for."""

    beam: int = 8
    """Hypotheses that each clip keeps, at least 1; 0 takes the likeliest symbol of each frame by the CTC head."""
    best: int = 1
    """Hypotheses that are given back, at most ``beam``."""
    ctc_weight: float = 0.3
    """Weight of the CTC head, 0...1; the decoder has the rest."""
    length_bonus: float = 0.0
    """What every token adds to the score, in nats, at least 0."""

    def __post_init__(self) -> None:
        if self.beam < 0 or not 1 <= self.best <= max(self.beam, 1):
            raise OptionError(f"beam={self.beam} is at least 0, best={self.best} lies in 1...beam")
        if not 0 <= self.ctc_weight <= 1 or self.length_bonus < 0:
            raise OptionError(
                f"ctc_weight={self.ctc_weight} lies in 0...1, length_bonus={self.length_bonus} is not below 0"
            )


@dataclass(frozen=True)
class Hypothesis:
    """One spelling of a clip."""

    text: str
    """The words."""
    tokens: tuple[int, ...]
    """Its symbols, without those that begin and end it."""
    score: float
    """Weighted log-probability; the higher the better."""


def search(
    model: AudioVisualModel, clips: Sequence[Encoded], options: SearchOptions | None = None
) -> list[list[Hypothesis]]:
    """The best spellings of each clip, the best first; a clip without frames has one without words."""
    how = options or SearchOptions()
    if not how.beam or not model.decodes:
        return [[greedy(clip.log_probs, model.tokens)] for clip in clips]
    heard = [k for k, clip in enumerate(clips) if len(clip.log_probs)]
    found = [[Hypothesis("", (), 0.0)] for _ in clips]
    if heard:
        spelt = _Search(model, [clips[k] for k in heard], how).run()
        for k, best in zip(heard, spelt, strict=True):
            found[k] = best
    return found


def greedy(log_probs: npt.ArrayLike, tokens: TokenSet) -> Hypothesis:
    """The likeliest symbol of each frame, repeats merged, blanks dropped; [T, V]."""
    rows = np.asarray(log_probs, np.float64)
    if not len(rows):
        return Hypothesis("", (), 0.0)
    best = rows.argmax(axis=1)
    kept = best[np.flatnonzero(np.diff(best, prepend=-1))]
    spelt = tuple(token for token in kept.tolist() if token not in tokens.silent)
    return Hypothesis(tokens.text(spelt), spelt, float(rows.max(axis=1).sum()))


class CtcPrefixes:
    """Log-probabilities that a clip's frames begin with given symbols, for several hypotheses of several clips.

    A state holds, for each frame, the log-probability of all paths up to it that spell the hypothesis and end in its
    last symbol, or in a blank: [..., 2, T].

    Parameters
    ----------
    log_probs : [T, V] of each clip; shorter ones are filled with certain blanks, which spell nothing
    """

    def __init__(self, log_probs: Sequence[npt.ArrayLike], blank: int) -> None:
        rows = [np.maximum(np.asarray(one, np.float64), _NEVER) for one in log_probs]
        self.blank, self.frames = blank, max(len(one) for one in rows)
        self._rows = np.full((len(rows), self.frames, rows[0].shape[1]), _NEVER)
        self._rows[:, :, blank] = 0.0
        for filled, one in zip(self._rows, rows, strict=True):
            filled[: len(one)] = one

    def start(self) -> Array:
        """The state of the empty spelling of each clip, [N, 2, T]."""
        state = np.full((len(self._rows), 2, self.frames), _NEVER)
        state[:, 1] = np.cumsum(self._rows[:, :, self.blank], axis=1)
        return state

    def whole(self, state: Array) -> Array:
        """Log-probability that the frames spell exactly the hypothesis, of states [..., 2, T]."""
        return np.asarray(np.logaddexp(state[..., 0, -1], state[..., 1, -1]))

    def extended(self, clips: Numbers, states: Array, last: Numbers, tokens: Numbers) -> tuple[Array, Array]:
        """Hypotheses continued by candidates.

        Parameters
        ----------
        clips : the clip of each hypothesis, [H]
        states : their states, [H, 2, T]
        last : their last symbols, [H]; -1 for the empty one
        tokens : candidates of each, [H, K]

        Returns
        -------
        scores [H, K]
            Log-probability that the frames begin with hypothesis and candidate.
        states [H, K, 2, T]
        """
        said = self._rows[clips[:, None], :, tokens]  # [H, K, T]
        silent = self._rows[clips, :, self.blank][:, None, :]
        # A symbol that is repeated needs a blank before it.
        again = (tokens == last[:, None])[:, :, None]
        before = np.where(again, states[:, None, 1], np.logaddexp(states[:, 0], states[:, 1])[:, None])
        # The path up to the frame before; before the first frame there is only the empty spelling.
        entry = np.full(said.shape, _NEVER)
        entry[:, :, 1:] = before[:, :, :-1]
        entry[:, :, 0] = np.where(last < 0, 0.0, _NEVER)[:, None]
        made = np.empty((*said.shape[:2], 2, self.frames))
        ends_said = np.full(said.shape[:2], _NEVER)
        ends_silent = np.full(said.shape[:2], _NEVER)
        for t in range(self.frames):
            silent_now = np.logaddexp(ends_silent, ends_said) + silent[:, :, t]
            ends_said = np.logaddexp(ends_said, entry[:, :, t]) + said[:, :, t]
            ends_silent = silent_now
            made[:, :, 0, t], made[:, :, 1, t] = ends_said, ends_silent
        scores = np.logaddexp.reduce(entry + said, axis=2)
        return scores, np.maximum(made, _NEVER)


class _Search:
    """One batch of clips being spelt. Hypothesis h of clip n is row ``n * beam + h`` everywhere."""

    def __init__(self, model: AudioVisualModel, clips: Sequence[Encoded], how: SearchOptions) -> None:
        self.how, self.tokens = how, model.tokens
        self.weight = how.ctc_weight if model.spells_frames else 0.0
        self.count, self.symbols = len(clips), len(model.tokens.symbols)
        self.decoder = model.spelling([clip.memory for clip in clips], how.beam)
        self.ctc = CtcPrefixes([clip.log_probs for clip in clips], model.tokens.blank)
        # No path spells more symbols than it has frames.
        self.most = np.array([len(clip.log_probs) for clip in clips])
        self.ended: list[list[tuple[float, tuple[int, ...]]]] = [[] for _ in clips]
        rows = self.count * how.beam
        self.clips = np.repeat(np.arange(self.count), how.beam)
        self.spelt: list[tuple[int, ...]] = [()] * rows
        self.attended = np.where(np.arange(rows) % how.beam == 0, 0.0, _NEVER)  # the others begin as nobody
        self.states, self.begun = self.ctc.start()[self.clips], np.zeros(rows)
        self.last = np.full(rows, -1, np.int64)

    def run(self) -> list[list[Hypothesis]]:
        how = self.how
        parents, tokens = np.arange(len(self.spelt)), np.full(len(self.spelt), self.tokens.begin, np.int64)
        for length in range(int(self.most.max()) + 1):
            follows = self._allowed(np.asarray(self.decoder.step(parents, tokens), np.float64))
            self._end(follows[:, self.tokens.end], length)
            if self._settled(length):
                break
            parents, tokens = self._go_on(follows, length)
        return [
            [
                Hypothesis(self.tokens.text(spelt), spelt, score)
                for score, spelt in sorted(ended, key=lambda one: (-one[0], one[1]))[: how.best]
            ]
            for ended in self.ended
        ]

    def _allowed(self, follows: Array) -> Array:
        """What may follow, without what spells nothing."""
        follows = np.maximum(follows, _NEVER)
        follows[:, [column for column in self.tokens.silent if column != self.tokens.end]] = _NEVER
        return follows

    def _score(self, attended: Array, heard: Array, length: int) -> Array:
        parts = [part for part in ((1 - self.weight, attended), (self.weight, heard)) if part[0] > 0]
        return np.asarray(sum(share * part for share, part in parts) + self.how.length_bonus * length)

    def _end(self, ends: Array, length: int) -> None:
        """Every hypothesis that could end here, among the best that have ended."""
        scores = self._score(self.attended + ends, self.ctc.whole(self.states), length)
        for row in np.flatnonzero(self.attended > _NEVER / 2).tolist():
            ended = self.ended[self.clips[row]]
            ended.append((float(scores[row]), self.spelt[row]))
            ended.sort(key=lambda one: (-one[0], one[1]))
            del ended[self.how.beam :]

    def _settled(self, length: int) -> bool:
        """Whether nothing that still goes on can come among the best: scores only fall, but for the bonus."""
        for clip in range(self.count):
            rows = slice(clip * self.how.beam, (clip + 1) * self.how.beam)
            going = self.attended[rows] > _NEVER / 2
            if length >= self.most[clip] or not going.any():
                continue
            # A bound: the hypothesis itself, as if all its continuations were certain.
            bound = self._score(self.attended[rows], self.begun[rows], int(self.most[clip]))[going].max()
            if len(self.ended[clip]) < self.how.best or bound > self.ended[clip][self.how.best - 1][0]:
                return False
        return True

    def _go_on(self, follows: Array, length: int) -> tuple[Numbers, Numbers]:
        """The best continuations of each clip become its hypotheses; their parents and tokens."""
        beam, rows = self.how.beam, len(self.spelt)
        follows[:, self.tokens.end] = _NEVER
        wide = min(self.symbols, max(2 * beam, 12))
        choices = np.argsort(-follows, axis=1, kind="stable")[:, :wide]
        attended = self.attended[:, None] + np.take_along_axis(follows, choices, axis=1)
        heard, states = self._heard(choices)
        scores = self._score(attended, heard, length + 1)
        scores[np.repeat(length >= self.most, beam)] = _NEVER
        scores = np.where(attended > _NEVER / 2, scores, _NEVER)
        flat = scores.reshape(self.count, beam * wide)
        best = np.argsort(-flat, axis=1, kind="stable")[:, :beam]
        parents = (best // wide + beam * np.arange(self.count)[:, None]).reshape(rows)
        at = (best % wide).reshape(rows)
        tokens = choices[parents, at]
        kept = np.take_along_axis(flat, best, axis=1).reshape(rows) > _NEVER / 2
        self.spelt = [(*self.spelt[p], t) for p, t in zip(parents.tolist(), tokens.tolist(), strict=True)]
        self.attended = np.where(kept, attended[parents, at], _NEVER)
        self.begun = heard[parents, at]
        self.states = self.states[parents] if states is None else states[parents, at]
        self.last = tokens
        return parents, tokens

    def _heard(self, choices: Numbers) -> tuple[Array, Array | None]:
        """What the CTC head says of continuations; nothing is computed where it has no say."""
        if not self.weight:
            return np.zeros(choices.shape), None
        return self.ctc.extended(self.clips, self.states, self.last, choices)
