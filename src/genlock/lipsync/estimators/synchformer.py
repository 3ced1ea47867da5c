"""The whole picture against the sound by Synchformer's public weights: which of 21 offsets a window of 4.8 s has.

``synchformer:FILE`` names the weights; none come with Genlock. It needs torch. The network answers by classes 0.2 s
apart; so it is asked five times, with the sound moved by steps of 40 ms, and its answers are laid over each other at
the lags that they mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import LagCurve
from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.time import Exact, exact, round_fraction
from genlock.core.track import Track
from genlock.extractors.both.segments import (
    FRAME_RATE,
    SEEN_FORM,
    SEGMENT_FRAMES,
    SEGMENT_SECONDS,
    STEP_FRAMES,
    STEP_SECONDS,
    heard_segments,
    middle_of,
)
from genlock.lipsync.confidence import Confidence
from genlock.lipsync.estimators.base import SILENT, Cue, Trust, Window, stretches
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.sight import Sight

if TYPE_CHECKING:
    from genlock.models.synchformer.net import Synchformer

__all__ = ["WINDOW_SECONDS", "SynchformerSync", "lag_values"]

# Segments in a window, and how long that is.
_SEGMENTS = 14
WINDOW_SECONDS = (_SEGMENTS - 1) * STEP_SECONDS + SEGMENT_SECONDS
#: The offsets of the classes, in exact seconds: from 2 s late to 2 s early.
_OFFSETS = [Fraction(k, 5) for k in range(-10, 11)]
# How far the sound is moved, in frames: the classes are five frames apart, so all frames between them are asked for.
_MOVES = range(-2, 3)
_QUIET_DB = -75


class SynchformerSync:
    """Estimator of the offset from what Synchformer sees in the whole picture and hears.

    Parameters
    ----------
    model : the file of the weights, as :func:`genlock.models.synchformer.load.load_synchformer` takes it
    reach_seconds : the largest offset that is looked for, to either side, in whole frames; 0.1...1.9
    fine : whether the sound is moved between the classes; without it an eighth of the time is saved, and the curve is a
        straight line from class to class

    Raises
    ------
    OptionError
        If the reach is out of range, or no model is named.
    MissingModel, FormatError
        If the weights are not there, or are not Synchformer's.
    MissingDependency
        Without torch.
    """

    name = "synchformer"
    mouth_side: int | None = None
    #: Believed by half at most: how often it is right was not measured here. Classes are 0.2 s wide, and one of three
    #: answers or more is the neighbour of the right one, as published: the interval is never narrower than a class.
    trust = Trust(
        Confidence(
            sharpness=float(1 / WINDOW_SECONDS),
            blur_seconds=0.06,
            tail=0.2,
            tail_seconds=0.2,
            by_height=float(2 / WINDOW_SECONDS),
            by_lead=float(Fraction(11, 2) / WINDOW_SECONDS),
        ),
        most_probability=0.5,
        follows_changes=False,
        remark="Synchformer's probability was not calibrated, and its classes are 200 ms apart",
        still="what is heard and what is seen are alike at no lag",
        foreign="no offset of the picture to this sound stands out: another sound, or an offset beyond the search",
    )

    def __init__(self, model: str = "", reach_seconds: Exact = Fraction(6, 5), *, fine: bool = True) -> None:
        self.reach_seconds, self.fine = exact(reach_seconds), fine
        if not Fraction(1, 10) <= self.reach_seconds <= Fraction(19, 10):
            raise OptionError(f"reach_seconds={reach_seconds} lies outside 0.1...1.9")
        if not model:
            raise OptionError(
                "the estimator 'synchformer' has no weights of its own: name a public file, as "
                "synchformer:24-01-04T16-39-21.pt (docs/synchformer.md says where they are)"
            )
        # torch is an optional package: only who asks for this estimator waits for it.
        from genlock.models.synchformer.load import load_synchformer

        self.model: Synchformer = load_synchformer(model)

    @cached_property
    def sight(self) -> Sight:
        """Looks at each segment while the film is read, so that no pictures are kept."""
        return Sight(self.name, SEEN_FORM, SEGMENT_FRAMES, STEP_FRAMES, middle_of, self.model.see)

    def windows(self, evidence: Evidence, window_seconds: Exact = 5) -> Sequence[Window]:
        """One window of the network's own 4.8 s in the middle of each stretch of about as much.

        Parameters
        ----------
        window_seconds : not heeded, for the network has a length of its own
        """
        reason = _why_nothing(evidence)
        seen, sound = evidence.sight, evidence.waveform
        if reason or seen is None or sound is None:
            return [Window(evidence.start, evidence.end, (Cue(self.name, None, reason=reason),))]
        return [
            Window(start, end, (self._cue(seen, sound, start, end),))
            for start, end in stretches(evidence.start, evidence.end, WINDOW_SECONDS)
        ]

    def _cue(self, seen: Track, sound: Track, start: Fraction, end: Fraction) -> Cue:
        """What the network says of the window in the middle of a stretch, or as near to it as the picture allows."""
        assert isinstance(seen.grid, Grid)
        middle = (start + end) / 2
        # A window of 14 segments is symmetric about the edge between the 7th and the 8th.
        first = seen.grid.index(middle, "nearest") - _SEGMENTS // 2
        rows = range(min(max(first, 0), len(seen) - _SEGMENTS), len(seen))[:_SEGMENTS]
        if not seen.valid[rows.start : rows.stop].all():
            return Cue(self.name, None, reason="pictures are missing from a window")
        lead = (SEGMENT_SECONDS - STEP_SECONDS) / 2
        starts = [seen.grid.edge(row) - lead for row in rows]
        told: dict[int, npt.NDArray[np.float32]] = {}
        for move in _MOVES if self.fine else (0,):
            heard = heard_segments(sound, [start + move / FRAME_RATE for start in starts])
            if heard.there.all():
                pictures = np.asarray(seen.values[rows.start : rows.stop], np.float32)
                told[move] = self.model.judge(pictures[None], self.model.hear(heard.bands)[None])[0]
        if not told:
            return Cue(
                self.name, None, reason=f"there is no sound of {float(WINDOW_SECONDS):g} s beside the picture"
            )
        lags, values = lag_values(told, self.reach_seconds)
        # Where windows overlap, each counts as its stretch alone.
        seconds = float(min(WINDOW_SECONDS, end - start))
        return Cue(self.name, LagCurve(lags, values, np.full(len(lags), seconds)))


def lag_values(
    told: dict[int, npt.NDArray[np.float32]], reach_seconds: Exact
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The mean of what was told of a window with its sound taken from later or earlier on, at every lag of a frame.

    Sound taken ``m`` frames later on is as much earlier beside the picture, so class ``c`` then means the lag
    ``c - m``. Between classes the logarithms are joined by straight lines.

    Parameters
    ----------
    told : by ``m``, the logarithms of the probabilities of the 21 classes
    reach_seconds : of the lags, to either side

    Returns
    -------
    lags, values : float64 [L], in seconds, 25 a second; and natural logarithms

    >>> sure = np.where(np.arange(21) == 12, 0.0, -8.0).astype(np.float32)      # 0.4 s early
    >>> lags, values = lag_values({0: sure}, 1)
    >>> round(float(lags[values.argmax()]), 3), round(float(values[np.isclose(lags, 0.48)][0]), 3)
    (0.4, -3.2)
    >>> lags, values = lag_values({0: sure, 1: sure}, 1)                        # either 0.4 or 0.36
    >>> bool(np.isclose(values[np.isclose(lags, 0.4)], values[np.isclose(lags, 0.36)]))
    True
    """
    reach = round_fraction(exact(reach_seconds) * FRAME_RATE, "floor")
    lags = np.array([float(k / FRAME_RATE) for k in range(-reach, reach + 1)])
    means = [[float(offset - move / FRAME_RATE) for offset in _OFFSETS] for move in told]
    laid = [np.interp(lags, at, values) for at, values in zip(means, told.values(), strict=True)]
    return lags, np.mean(laid, axis=0, dtype=np.float64)


def _why_nothing(evidence: Evidence) -> str:
    """Why picture and sound cannot be compared in a piece, in words; empty if they can."""
    if evidence.frames is None:
        return "there is no picture"
    if evidence.waveform is None or not len(evidence.waveform):
        return "there is no sound"
    loud = evidence.loudness
    if loud is not None and len(loud) and loud.values.max() < _QUIET_DB:
        return SILENT
    count = 0 if evidence.sight is None else len(evidence.sight)
    if count < _SEGMENTS:
        seconds = 0 if not count else (count - 1) * STEP_SECONDS + SEGMENT_SECONDS
        return (
            f"Synchformer looks at {float(WINDOW_SECONDS):g} s at once, and of the picture there are no more than "
            f"{float(seconds):.2f} s in a row"
        )
    return ""
