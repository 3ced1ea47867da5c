"""Two recordings of one event: how far one lies behind the other, to a fraction of a sample, and how they drift.

First coarsely: where the onsets of a stretch of one fit best into the whole of the other, by correlation over all
lags at once. Then finely, where several stretches agree: the generalised cross-correlation with phase transform
(C. H. Knapp and G. C. Carter, IEEE Trans. Acoust. Speech Signal Process. 24, 1976) of short windows, which different
rooms, gains and equalisers hardly move. A straight line through what the windows say gives offset and drift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError

__all__ = [
    "LagAt",
    "LagFit",
    "at_speed",
    "coarse_lags",
    "fine_lag",
    "fit_lags",
    "likely_speed",
    "onset_bands",
]

Array = npt.NDArray[np.float64]

_BANDS = 12
_LOW_HZ, _HIGH_HZ = 120.0, 6000.0
#: Rows of :func:`onset_bands` per second.
ROWS = 100


@dataclass(frozen=True)
class LagAt:
    """What one stretch says."""

    at_seconds: float
    """Middle of the stretch."""
    lag_seconds: float
    """How much later the other sound has what is here."""
    score: float
    """How far the best lag stands out: in standard deviations of all lags (coarse), or over its rival (fine)."""


@dataclass(frozen=True)
class LagFit:
    """Offset and drift through what the stretches say."""

    offset_seconds: float
    """Lag at ``at_seconds``."""
    drift_ppm: float
    """Change of the lag, in millionths of a second per second."""
    at_seconds: float
    """Middle of the stretches that agree."""
    offset_error: float
    """Standard error of the offset, in seconds."""
    drift_error: float
    """Standard error of the drift, in ppm; infinite where one stretch decided."""
    agreeing: int
    """How many stretches agree."""

    def at(self, seconds: float) -> float:
        """The lag at an instant of ours, in seconds."""
        return self.offset_seconds + 1e-6 * self.drift_ppm * (seconds - self.at_seconds)


def onset_bands(samples: npt.ArrayLike, rate: int) -> npt.NDArray[np.float32]:
    """How much the level rises in each of 12 bands, float32 [T, 12], 100 rows a second.

    Row k looks at the 25 ms that begin at ``k / 100`` s. Gain does not matter.

    >>> onset_bands(np.zeros(16000), 16000).shape
    (98, 12)
    """
    sound = np.asarray(samples, np.float64)
    size, hop = rate // 40, rate // ROWS
    if len(sound) < size:
        return np.zeros((0, _BANDS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(sound, size)[::hop]
    hertz = np.fft.rfftfreq(size, 1 / rate)
    edges = np.geomspace(_LOW_HZ, min(_HIGH_HZ, 0.45 * rate), _BANDS + 1)
    bands = np.array([(hertz >= a) & (hertz < b) for a, b in pairwise(edges)], np.float64)
    window = np.hanning(size)
    rows = []
    for first in range(0, len(frames), 4096):
        power = np.abs(np.fft.rfft(frames[first : first + 4096] * window, axis=1)) ** 2
        rows.append(np.log(power @ bands.T + 1e-7 * size))
    level = np.concatenate(rows)
    rise = np.zeros_like(level)
    rise[2:] = np.maximum(0.0, level[2:] - level[:-2])
    return np.asarray(np.minimum(rise, 6.0), np.float32)


def coarse_lags(
    ours: npt.NDArray[np.float32],
    theirs: npt.NDArray[np.float32],
    stretch_seconds: float = 20.0,
    most: int = 32,
) -> list[LagAt]:
    """The best lag of up to ``most`` stretches of our onsets within theirs, to a hundredth of a second; stretches
    overlap by half where they are enough for the whole.

    Parameters
    ----------
    ours, theirs : rows of :func:`onset_bands`
    """
    rows = min(len(ours), round(stretch_seconds * ROWS))
    if rows < ROWS // 2 or len(theirs) < ROWS // 2:
        return []
    count = min(most, max(1, 2 * len(ours) // rows - 1))
    size = 1 << (len(theirs) + rows).bit_length()
    spectra = np.fft.rfft(theirs - theirs.mean(axis=0), size, axis=0)
    energy = np.concatenate(
        [[0.0], np.cumsum(((theirs - theirs.mean(axis=0)) ** 2).sum(axis=1, dtype=np.float64))]
    )
    found = []
    for first in np.linspace(0, len(ours) - rows, count).round().astype(int).tolist():
        part = ours[first : first + rows]
        part = part - part.mean(axis=0)
        own = float((part**2).sum())
        if own <= 0:
            continue
        product = np.fft.irfft((spectra * np.fft.rfft(part, size, axis=0).conj()).sum(axis=1), size)
        # Lags at which the stretch begins at row -rows+1 ... len(theirs)-1 of theirs.
        starts = np.arange(1 - rows, len(theirs))
        low, high = np.clip(starts, 0, None), np.minimum(starts + rows, len(theirs))
        there = energy[high] - energy[low]
        # Where little overlaps, chance rules: the floor keeps it down.
        norm = np.sqrt(own * np.maximum(there, 0.25 * own + 1e-9))
        values = product[starts % size] / norm
        best = int(values.argmax())
        spread = float(np.median(np.abs(values - np.median(values)))) * 1.4826 + 1e-12
        score = float(values[best] - np.median(values)) / spread
        found.append(LagAt((first + rows / 2) / ROWS, (starts[best] - first) / ROWS, score))
    return found


def likely_speed(
    ours: npt.NDArray[np.float32],
    theirs: npt.NDArray[np.float32],
    speeds: Sequence[float],
    stretch_seconds: float = 10.0,
    tries: int = 3,
) -> tuple[float, float]:
    """Of some speeds that at which our onsets fit somewhere in theirs, and how far its best lag stands out.

    Parameters
    ----------
    ours, theirs : rows of :func:`onset_bands`
    speeds : how many of their seconds one of ours lasts
    stretch_seconds, tries : what is tried of ours: so many stretches in which much happens. Speeds a quarter of a
        per cent apart are told by stretches of 10 s

    Returns
    -------
    the speed, and its score as of :func:`coarse_lags`; 1 and 0 if there is too little
    """
    rows = round(stretch_seconds * ROWS)
    if len(ours) < rows:
        return 1.0, 0.0
    energy = np.concatenate([[0.0], np.cumsum(ours.sum(axis=1, dtype=np.float64))])
    firsts = np.arange(0, len(ours) - rows + 1, max(1, rows // 2))
    busy = firsts[np.argsort(-(energy[firsts + rows] - energy[firsts]))[:tries]]
    best = (1.0, 0.0)
    for speed in speeds:
        scores = []
        for first in busy.tolist():
            found = coarse_lags(
                at_speed(ours[first : first + rows], speed), theirs, stretch_seconds * speed, 1
            )
            scores += [lag.score for lag in found]
        score = float(np.median(scores)) if scores else 0.0
        if score > best[1]:
            best = (float(speed), score)
    return best


def at_speed(rows: npt.NDArray[np.float32], speed: float) -> npt.NDArray[np.float32]:
    """Rows of onsets as those of a sound whose seconds last ``speed`` of ours.

    >>> at_speed(np.arange(5, dtype=np.float32)[:, None], 2.0)[:, 0].tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]
    """
    if speed == 1 or len(rows) < 2:
        return rows
    count = int((len(rows) - 1) * speed) + 1
    place = np.arange(count) / speed
    low = np.minimum(place.astype(np.int64), len(rows) - 2)
    share = (place - low)[:, None]
    return np.asarray((1 - share) * rows[low] + share * rows[low + 1], np.float32)


def fine_lag(ours: Array, theirs: Array, rate: int, most_seconds: float) -> tuple[float, float]:
    """How many seconds later their stretch has what ours has, within +-``most_seconds``, and how clearly.

    Parameters
    ----------
    ours, theirs : float [n], of one length and nominally of one time

    Returns
    -------
    lag in seconds, and the best value over the best rival more than 2 ms away (about 1 for unrelated sounds)

    >>> noise = np.random.default_rng(0).standard_normal(9000)
    >>> lag, clear = fine_lag(noise[200:8200], noise[177:8177], 8000, 0.01)
    >>> round(lag * 8000, 2), clear > 3
    (23.0, True)
    """
    if len(ours) != len(theirs):
        raise OptionError(f"stretches of {len(ours)} and {len(theirs)} samples cannot be compared")
    size = 1 << (2 * len(ours) - 1).bit_length()
    window = np.hanning(len(ours))
    cross = np.fft.rfft(theirs * window, size) * np.fft.rfft(ours * window, size).conj()
    hertz = np.fft.rfftfreq(size, 1 / rate)
    low, high = min(_LOW_HZ, 0.02 * rate), min(_HIGH_HZ, 0.45 * rate)
    # Between the phase transform and plain correlation: bins without sound must not shout.
    weight = np.where((hertz >= low) & (hertz <= high), 1 / (np.abs(cross) ** 0.8 + 1e-12), 0.0)
    values = np.fft.irfft(cross * weight, size)
    reach = max(2, round(most_seconds * rate))
    lags = np.arange(-reach, reach + 1)
    near = values[lags % size]
    best = int(near.argmax())
    rivals = near[np.abs(lags - lags[best]) > max(2, rate // 500)]
    clear = float(near[best] / max(float(rivals.max(initial=0.0)), 1e-12))
    shift = 0.0
    if 0 < best < len(near) - 1:
        a, b, c = near[best - 1 : best + 2]
        bend = a - 2 * b + c
        shift = float(0.5 * (a - c) / bend) if bend < 0 else 0.0
    return float((lags[best] + shift) / rate), clear


def fit_lags(lags: Sequence[LagAt], width_seconds: float, most_ppm: float = 2000.0) -> LagFit | None:
    """The line that the most stretches agree on, within ``width_seconds``; None if there are no stretches.

    >>> line = fit_lags([LagAt(t, 0.5 + 1e-4 * (t - 20), 9.0) for t in (0.0, 10.0, 20.0, 30.0, 40.0)], 0.001)
    >>> round(line.offset_seconds, 6), round(line.drift_ppm, 3), line.agreeing
    (0.5, 100.0, 5)
    """
    if not lags:
        return None
    times = np.array([lag.at_seconds for lag in lags])
    values = np.array([lag.lag_seconds for lag in lags])
    best = np.zeros(len(lags), bool)
    spread = np.inf
    for i in range(len(lags)):
        for j in range(i, len(lags)):
            gap = times[j] - times[i]
            slope = (values[j] - values[i]) / gap if gap > 0 else 0.0
            if abs(slope) > most_ppm * 1e-6:
                continue
            away = np.abs(values - values[i] - slope * (times - times[i]))
            inside = away <= width_seconds
            if (inside.sum(), -away[inside].mean()) > (best.sum(), -spread):
                best, spread = inside, float(away[inside].mean())
    return _line(times[best], values[best], width_seconds)


def _line(times: Array, values: Array, width: float) -> LagFit:
    at = float(times[0] + times[-1]) / 2
    count = len(times)
    if count < 3 or times[-1] - times[0] <= 0:
        middle = float(np.median(values))
        return LagFit(middle, 0.0, at, width / 2, float("inf"), count)
    slope, level = np.polyfit(times - at, values, 1)
    left = values - level - slope * (times - at)
    sigma = float(np.sqrt((left**2).sum() / (count - 2)))
    around = float(np.sqrt(((times - times.mean()) ** 2).sum()))
    return LagFit(
        float(level), 1e6 * float(slope), at, sigma / np.sqrt(count), 1e6 * sigma / max(around, 1e-9), count
    )
