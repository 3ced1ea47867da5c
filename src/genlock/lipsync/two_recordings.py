"""Sound against sound: the offset and drift between two recordings of one event.

A camera and a recorder at one concert, two cameras at one talk: nobody needs a mouth to put them in step. The
algorithms are in :mod:`genlock.aligners.recordings`; here they meet sounds of any length, piece by piece.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.aligners.recordings import LagAt, LagFit, coarse_lags, fine_lag, fit_lags, onset_bands
from genlock.core.errors import OptionError
from genlock.core.time import exact
from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.measurement import Segment, SyncMeasurement
from genlock.media.sound_source import SoundSource

__all__ = ["match_sounds"]

_NAME = "sound against sound"
_BLOCK_SECONDS = 60
_COARSE_WIDTH = 0.03  # seconds within which stretches agree: rows are 10 ms
_SURE_SCORE = 9.0  # of one stretch alone; of unrelated sounds the best lag reaches about 6
_WINDOW_SECONDS = 4
_WINDOWS = 40
_FINE_REACH = 0.05  # seconds around the coarse lag
_FINE_WIDTH = 0.0015  # seconds within which windows agree: reflections of a room
_CLEAR = 1.25
_LEAST_SHARE = 0.4
_TINY_SECONDS = 2e-5


def match_sounds(sound: SoundSource, other: SoundSource) -> SyncMeasurement:
    """How early a sound is against another recording of the same event.

    Parameters
    ----------
    sound, other : two recordings at one sample rate; each instant on its own media clock

    Returns
    -------
    SyncMeasurement
        ``offset_seconds`` is positive where ``sound`` has an event earlier (at a smaller time stamp) than ``other``:
        added to its time stamps, it puts both in step. Without a common event, no offset but the reason.

    Raises
    ------
    OptionError
        If the sample rates differ.

    Examples
    --------
    >>> from genlock.core import Grid, Track
    >>> from genlock.media.sound_source import TrackSound
    >>> noise = np.random.default_rng(3).standard_normal(80000) * np.repeat(np.random.default_rng(4).random(80), 1000)
    >>> here = Track(noise[8000:72000].astype(np.float32), Grid.of_samples(8000))      # 1 s of it was missed
    >>> there = Track(noise.astype(np.float32), Grid.of_samples(8000))
    >>> round(match_sounds(TrackSound(here), TrackSound(there)).estimate.offset_seconds, 4)
    1.0
    """
    if sound.rate != other.rate:
        raise OptionError(
            f"sounds of {sound.rate} and {other.rate} samples a second cannot be compared; read both at one rate"
        )
    seconds = min(sound.count, other.count) / sound.rate
    if seconds < 1:
        return _unknown(sound, "less than a second of sound is there on one side")
    stretches = coarse_lags(_onsets(sound), _onsets(other))
    coarse = fit_lags(stretches, _COARSE_WIDTH)
    if coarse is None or not _agree(coarse, stretches):
        return _unknown(sound, "the two recordings have nothing in common that could be put in step")
    fine = _fine(sound, other, coarse)
    clear = [lag for lag in fine if lag.score >= _CLEAR]
    line = fit_lags(clear, _FINE_WIDTH)
    if line is None or line.agreeing < max(1, _LEAST_SHARE * len(fine)):
        return _unknown(
            sound, f"the sounds lie about {coarse.offset_seconds:.2f} s apart, but no finer lag stands out"
        )
    return _measurement(sound, other, line, len(fine))


def _onsets(sound: SoundSource) -> npt.NDArray[np.float32]:
    """Onset bands of the whole, block by block: 5 kB a second stay in memory."""
    block = _BLOCK_SECONDS * sound.rate
    extra = sound.rate // 40 + sound.rate // 25  # a window, and what a rise looks back to
    rows = []
    for first in range(0, sound.count, block):
        back = min(first, sound.rate // 25)
        part = onset_bands(sound.samples(first - back, first + block + extra), sound.rate)
        skip = back * 100 // sound.rate
        rows.append(part[skip : skip + 100 * _BLOCK_SECONDS])
    return np.concatenate(rows)


def _agree(line: LagFit, stretches: list[LagAt]) -> bool:
    """Whether the stretches on the line say more than chance would."""
    on_line = [
        lag
        for lag in stretches
        if abs(
            lag.lag_seconds - line.offset_seconds - line.drift_ppm * 1e-6 * (lag.at_seconds - line.at_seconds)
        )
        <= 2 * _COARSE_WIDTH
    ]
    return len(on_line) >= 3 or any(lag.score >= _SURE_SCORE for lag in on_line)


def _fine(sound: SoundSource, other: SoundSource, coarse: LagFit) -> list[LagAt]:
    """Lags of short windows, to a fraction of a sample, in seconds from the first sample of each."""
    rate, length = sound.rate, min(_WINDOW_SECONDS * sound.rate, sound.count // 2)
    margin = round(_FINE_REACH * rate)
    found = []
    for first in np.linspace(0, max(0, sound.count - length), _WINDOWS).round().astype(int).tolist():
        at = (first + length / 2) / rate
        lag = coarse.offset_seconds + coarse.drift_ppm * 1e-6 * (at - coarse.at_seconds)
        there = first + round(lag * rate)
        if there < 0 or there + length > other.count:
            continue
        ours = sound.samples(first, first + length).astype(np.float64)
        theirs = other.samples(there, there + length).astype(np.float64)
        if min(ours.std(), theirs.std()) < 1e-5:
            continue
        rest, clear = fine_lag(ours, theirs, rate, margin / rate)
        found.append(LagAt(at, (there - first) / rate + rest, clear))
    return found


def _measurement(sound: SoundSource, other: SoundSource, line: LagFit, windows: int) -> SyncMeasurement:
    # Lags count from the first samples; the offset is between instants of the two clocks.
    offset = line.offset_seconds + float(other.origin - sound.origin)
    half = 1.645 * max(line.offset_error, _TINY_SECONDS)
    at = sound.origin + exact(round(line.at_seconds, 6))
    share = line.agreeing / max(windows, 1)
    probability = min(0.99, 0.6 + 0.4 * share) if line.agreeing >= 3 else 0.6
    seconds = min(sound.count, other.count) / sound.rate
    estimate = Estimate(offset, (offset - half, offset + half), probability, _NAME, seconds=seconds)
    known = np.isfinite(line.drift_error)
    drift_half = 1.645 * line.drift_error
    whole = Segment(
        sound.origin,
        sound.origin + Fraction(sound.count, sound.rate),
        offset,
        (offset - half, offset + half),
        probability,
    )
    return SyncMeasurement(
        estimate,
        at,
        drift_ppm=line.drift_ppm if known else None,
        drift_interval_ppm=(line.drift_ppm - drift_half, line.drift_ppm + drift_half) if known else None,
        segments=(whole,),
    )


def _unknown(sound: SoundSource, reason: str) -> SyncMeasurement:
    return SyncMeasurement(Estimate(None, None, None, _NAME, reason), at=sound.origin)
