"""Motion of the picture against the loudness of the sound: what is left where there is no usable face.

Nothing is trained. Whatever moves more while it sounds more, and starts to move when it starts to sound, gives a
peak: hands that clap, things that fall, a person who is seen from far away. It is far less sure than lips are, and a
sound that follows its motion (an echo, a distant blow) is measured as it is seen and heard, late.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.aligners.curves import LagCurve, combine, correlate
from genlock.core.errors import OptionError
from genlock.core.time import Exact, exact
from genlock.core.track import Track
from genlock.extractors.frame_cells import between_frames
from genlock.lipsync.confidence import Confidence
from genlock.lipsync.estimators.base import Cue, Trust, Window
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import cut
from genlock.lipsync.evidence.rows import rows_at

__all__ = ["MotionOptions", "MotionSync", "onsets", "rises", "swell"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MotionOptions:
    """How motion and sound are compared."""

    reach_seconds: Exact = Fraction(1)
    """Largest offset that is looked for, above 0."""
    window_seconds: Exact = Fraction(2)
    """What changes more slowly than this counts as standing still; above 0."""
    least_motion: float = 0.001
    """Mean change from frame to frame in the busiest field, as a share of full scale, below which the picture stands
    still, 0...1."""
    least_seconds: float = 1.5
    """Seconds of both that must be there, above 0."""

    def __post_init__(self) -> None:
        if not (exact(self.reach_seconds) > 0 and exact(self.window_seconds) > 0 and self.least_seconds > 0):
            raise OptionError(f"{self}: reach, window and least length are above 0")
        if not 0 <= self.least_motion <= 1:
            raise OptionError(f"least_motion={self.least_motion} lies outside 0...1")


# From GRID clips of 3 s with their faces hidden: .6 of its offsets are right within 40 ms. Whether sound and picture
# belong together it cannot tell on these, so it is believed half, and never counts as confident.
_TRUST = Trust(
    Confidence(
        sharpness=12.0,
        blur_seconds=0.025,
        tail=0.1,
        tail_seconds=0.1,
        bias=-0.8,
        by_height=0.6,
        by_lead=1.0,
        by_score=0.1,
        by_seconds=0.0,
    ),
    least_probability=0.3,
    most_probability=0.85,
    follows_changes=False,
    remark="by motion alone: less sure than by lips",
    foreign="motion and sound do not fit clearly at any offset",
)


# Length of the parts of a longer film, and how far each is seen beyond its ends.
_PART_SECONDS = Fraction(15)
_PART_MARGIN = Fraction(1)


class MotionSync:
    """Estimator of the offset from motion; see the module.

    Examples
    --------
    >>> from genlock.lipsync.evidence.collect import gather
    >>> from genlock.testing import example_video
    >>> (piece,) = gather(example_video(), faces=None)
    >>> MotionSync().cues(piece)[0].reason
    'the sound is of one loudness throughout'
    """

    name = "motion"
    mouth_side = None
    by_faces = False
    trust = _TRUST

    def __init__(self, options: MotionOptions | None = None, *, reach_seconds: Exact | None = None) -> None:
        chosen = options or MotionOptions()
        self.options = chosen if reach_seconds is None else replace(chosen, reach_seconds=reach_seconds)

    def windows(self, evidence: Evidence, window_seconds: Exact = 5) -> tuple[Window, ...]:
        """Parts of a quarter of a minute or more: a few seconds of motion say too little, and whether the offset runs
        is told by parts that differ."""
        count = max(1, round((evidence.end - evidence.start) / _PART_SECONDS))
        if count == 1:
            return (Window(evidence.start, evidence.end, self.cues(evidence)),)
        length = (evidence.end - evidence.start) / count
        windows = []
        for k in range(count):
            start, end = evidence.start + k * length, evidence.start + (k + 1) * length
            seen = cut(evidence, start - _PART_MARGIN, end + _PART_MARGIN)
            windows.append(Window(start, end, self.cues(seen)))
        return tuple(windows)

    def cues(self, evidence: Evidence) -> tuple[Cue, ...]:
        """One cue: a curve, or the reason why there is none."""
        motion, loudness, mel = evidence.motion, evidence.loudness, evidence.mel
        if motion is None or loudness is None or mel is None:
            return (Cue(self.name, None, reason=f"there is no {'picture' if motion is None else 'sound'}"),)
        reason = self._unfit(motion, loudness)
        if reason:
            return (Cue(self.name, None, reason=reason),)
        window = float(exact(self.options.window_seconds))
        reach = self.options.reach_seconds
        weights = _activity(motion)
        loud, begins = _wide(swell(loudness, window), motion), _wide(onsets(mel), motion)
        moves, sets_off = swell(_in_decibels(motion), window), rises(motion)
        pairs = ((loud, moves), (begins, moves), (begins, sets_off))
        curves = [correlate(sound, picture, reach, weights=weights) for sound, picture in pairs]
        curve = combine(curves, [1 / len(curves)] * len(curves))
        if curve.empty:
            return (Cue(self.name, None, reason="sound and picture hardly overlap"),)
        return (Cue(self.name, _smooth(curve)),)

    def _unfit(self, motion: Track, loudness: Track) -> str:
        least = self.options.least_seconds
        for track, what in ((motion, "picture"), (loudness, "sound")):
            if float(track.end - track.start) < least or track.valid.sum() < 4:
                return f"there is less than {least:g} s of {what}"
        if float(motion.values[motion.valid].mean(axis=0).max()) < self.options.least_motion:
            return "the picture hardly moves"
        if float(np.ptp(loudness.values[loudness.valid])) < 6.0:
            return "the sound is of one loudness throughout"
        return ""


def swell(track: Track, window_seconds: float) -> Track:
    """The part of each channel that changes within the window: values less their mean over the window, [T, C].

    >>> from genlock.core.grid import Grid
    >>> flat = swell(Track(np.full((50, 1), 7.0), Grid(10)), 1.0)
    >>> float(np.abs(flat.values).max())
    0.0
    """
    values = np.asarray(track.values, np.float64).reshape(len(track), -1)
    weights = track.valid.astype(np.float64)[:, None]
    centers = track.centers
    first = np.searchsorted(centers, centers - window_seconds / 2)
    stop = np.searchsorted(centers, centers + window_seconds / 2, side="right")
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values * weights, axis=0)])
    counts = np.concatenate([np.zeros((1, 1)), np.cumsum(weights, axis=0)])
    mean = (sums[stop] - sums[first]) / np.maximum(counts[stop] - counts[first], 1)
    return replace(track, values=np.where(track.valid[:, None], values - mean, 0.0))


def onsets(mel: Track, rise_seconds: float = 0.03) -> Track:
    """How much louder the bands become within ``rise_seconds`` around each cell, on average, [N, 1].

    Falls count nothing. Bands more than 40 dB below the loud ones are as good as silent.
    """
    values = np.asarray(mel.values, np.float64)
    floor = np.quantile(values[mel.valid], 0.95) - 40 / 10 * np.log(10) if mel.valid.any() else 0.0
    values = np.maximum(values, floor)
    centers = mel.centers
    ahead, behind = (rows_at(centers + shift * rise_seconds / 2, centers, values) for shift in (1, -1))
    return replace(mel, values=np.maximum(ahead - behind, 0).mean(axis=1, keepdims=True), name="onsets")


def rises(motion: Track) -> Track:
    """How much more each field moves than between the frames before, [T, C]; on the cells between those of motion."""
    values = np.asarray(motion.values, np.float64)
    change = np.maximum(np.diff(values, axis=0, prepend=values[:1]), 0)
    valid = motion.valid & np.concatenate([[False], motion.valid[:-1]])
    return Track(np.where(valid[:, None], change, 0), between_frames(motion.grid), valid, name="rises")


def _in_decibels(motion: Track) -> Track:
    # The soft floor is the noise of a still camera: below it, ratios mean nothing.
    return motion.map(lambda values: 20 * np.log10(np.asarray(values, np.float64) + 0.003))


def _activity(motion: Track) -> Array:
    """How much the motion of each field varies; what stands still, or moves evenly, says nothing."""
    moves = np.asarray(motion.values, np.float64)[motion.valid].var(axis=0)
    return moves if moves.any() else np.ones_like(moves)


def _wide(track: Track, fields: Track) -> Track:
    """One channel of sound against each field."""
    channels = fields.values.shape[1]
    return track.map(lambda values: np.repeat(values.reshape(len(track), 1), channels, axis=1))


def _smooth(curve: LagCurve) -> LagCurve:
    """Three lags averaged: single lags of a hundredth of a second say more than motion can tell."""
    values = curve.values
    padded = np.concatenate([values[:1], values, values[-1:]])
    return replace(curve, values=np.convolve(padded, np.full(3, 1 / 3), "valid"))
