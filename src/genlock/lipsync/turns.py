"""Which of the faces in the picture says what is said: by its lips, and by nothing else.

The offset of the film is known first: that at which any of its faces fits. Then each face is compared with the sound at
that offset around every word, and who has just spoken is believed to go on, less so after a pause. What fits no mouth
is nobody's: somebody who is not in the picture, or whose lips are hidden.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from genlock.core.errors import OptionError
from genlock.core.time import Exact, exact
from genlock.lipsync.course import Stretch
from genlock.lipsync.estimators.base import why_nothing
from genlock.lipsync.estimators.linear import LinearSync, View
from genlock.lipsync.estimators.lips import LipsSync
from genlock.lipsync.evidence.base import Evidence, FaceEvidence
from genlock.lipsync.film import KeptFilm
from genlock.lipsync.speakers import fits_at, lags_of_any, one_after_the_other, scores_of_faces

__all__ = ["SpeakingFaces", "TurnOptions"]

_Span = tuple[Fraction, Fraction]

# What the offset of the film is read off: stretches of so many seconds, and what a change of it costs.
_STRETCH_SECONDS = Fraction(5)
_SPLICE_PENALTY = 6.0


@dataclass(frozen=True)
class TurnOptions:
    """How words are given to faces."""

    around_seconds: Exact = Fraction(3, 4)
    """What is said so long before and after the middle of a word belongs to it, up to the next pause; above 0."""
    pause_seconds: Exact = Fraction(1, 4)
    """After a pause as long as this another one may speak; above 0."""
    change: float = 3.0
    """By how much another face has to fit better before it takes over without a pause, in units of log likelihood."""
    change_at_pause: float = 0.7
    """The same after a pause."""
    nobody: float = 1.3
    """A face that speaks fits better than chance by so much at least, in the same units."""

    def __post_init__(self) -> None:
        if exact(self.around_seconds) <= 0 or exact(self.pause_seconds) <= 0:
            raise OptionError(f"{self}: around_seconds and pause_seconds are above 0")


@dataclass
class SpeakingFaces:
    """Takes the evidence of a film, piece by piece, and says in the end who says which word.

    It keeps twelve kilobytes a second for one face, in half precision: two hours take 90 MB.

    Examples
    --------
    >>> from genlock.lipsync.evidence.collect import gather
    >>> from genlock.testing import example_video
    >>> faces = SpeakingFaces()
    >>> for piece in gather(example_video(), faces=None):
    ...     faces.add(piece)
    >>> faces.reason, faces.of_words([(Fraction(0), Fraction(1))])
    ('no face is seen', [None])
    """

    options: TurnOptions = field(default_factory=TurnOptions)
    """How words are given to faces."""
    estimator: LinearSync = field(default_factory=LipsSync)
    """Who compares lips with sound."""

    def __post_init__(self) -> None:
        self._film = KeptFilm()
        self._why: dict[str, None] = {}

    def add(self, evidence: Evidence) -> None:
        """Take the next piece."""
        reason = why_nothing(evidence)
        if reason:
            self._why[reason] = None
        else:
            self._film.add(evidence)

    @property
    def reason(self) -> str:
        """Why no word can be given to anybody, in words; empty if there is something to go by."""
        return "" if self._film.pieces else "; ".join(self._why) or "nothing was read"

    @property
    def faces(self) -> tuple[int, ...]:
        """Identities of the faces that were seen while there was sound."""
        return tuple(sorted({face.face for piece in self._film.pieces for face in piece.faces}))

    def of_words(self, words: Sequence[_Span]) -> list[int | None]:
        """The face that says each of some words; None: nobody who is seen.

        Parameters
        ----------
        words : start and end of each, in exact seconds, in order
        """
        if not words or not self._film.pieces:
            return [None] * len(words)
        phrases = _phrases(words, exact(self.options.pause_seconds))
        fits = self._fits([window for phrase in phrases for window in self._windows(phrase)])
        changes = [
            self.options.change if number else self.options.change_at_pause
            for phrase in phrases
            for number in range(len(phrase))
        ]
        return one_after_the_other(fits, changes)

    def _windows(self, phrase: Sequence[_Span]) -> list[_Span]:
        """What is looked at for each word of a phrase."""
        around = exact(self.options.around_seconds)
        low, high = phrase[0][0] - around / 4, phrase[-1][1] + around / 4
        middles = [(start + end) / 2 for start, end in phrase]
        return [(max(low, middle - around), min(high, middle + around)) for middle in middles]

    def _fits(self, windows: Sequence[_Span]) -> list[dict[int | None, float]]:
        """By how much better than chance each face that is seen explains the sound in each window."""
        found: list[dict[int | None, float]] = [{None: self.options.nobody} for _ in windows]
        offsets = _Offsets(self._film, self.estimator)
        for piece in self._film.pieces:
            within = [
                k for k, (start, end) in enumerate(windows) if piece.start <= (start + end) / 2 < piece.end
            ]
            views = self.estimator.views(piece) if within else []
            for k in within:
                found[k].update(self._fits_of(views, windows[k], offsets))
        return found

    def _fits_of(
        self, views: Sequence[tuple[FaceEvidence, list[View]]], window: _Span, offsets: _Offsets
    ) -> dict[int | None, float]:
        cues = [self.estimator.cue(face, of_face, *window) for face, of_face in views]
        curves = {cue.face: cue.curve for cue in cues if cue is not None and cue.curve is not None}
        stretch = Stretch(*window, {face: curve for face, curve in curves.items() if not curve.empty})
        if not stretch.curves:
            return {}
        scores = scores_of_faces(stretch, self.estimator.trust.confidence)
        return fits_at(scores, stretch.curve.lags_seconds, offsets.at((window[0] + window[1]) / 2))


class _Offsets:
    """How the offset runs through a film of several faces."""

    def __init__(self, film: KeptFilm, estimator: LinearSync) -> None:
        stretches = []
        for piece in film.pieces:
            for start, end, cues in estimator.windows(piece, _STRETCH_SECONDS):
                curves = {
                    cue.face: cue.curve for cue in cues if cue.curve is not None and not cue.curve.empty
                }
                if curves:
                    stretches.append(Stretch(start, end, curves))
        self._starts = [stretch.start for stretch in stretches]
        self._lags: list[float | None] = []
        if stretches:
            scores = [scores_of_faces(stretch, estimator.trust.confidence) for stretch in stretches]
            self._lags = lags_of_any(scores, stretches[0].curve.lags_seconds, _SPLICE_PENALTY)

    def at(self, instant: Fraction) -> float | None:
        """The offset at an instant, in seconds; None: nothing fits there."""
        if not self._lags:
            return None
        return self._lags[max(0, bisect_right(self._starts, instant) - 1)]


def _phrases(words: Sequence[_Span], pause: Fraction) -> list[list[_Span]]:
    """Words in groups between pauses.

    >>> spans = [(Fraction(k), Fraction(k) + Fraction(9, 10)) for k in (0, 1, 3)]
    >>> [len(phrase) for phrase in _phrases(spans, Fraction(1, 4))]
    [2, 1]
    """
    phrases: list[list[_Span]] = []
    for word in words:
        if phrases and word[0] - phrases[-1][-1][1] < pause:
            phrases[-1].append(word)
        else:
            phrases.append([word])
    return phrases
