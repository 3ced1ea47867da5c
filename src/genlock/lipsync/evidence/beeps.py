"""Beeps: bursts of one steady tone, with their onset to a fraction of a millisecond.

A tone is found in short spectra; where it begins is then a question of change: of all instants (and lengths
of attack), the one at which "nothing before, this tone after" leaves the least of the sound unexplained. That
is the maximum-likelihood change point, and neither pre-echo nor the band limit of a codec moves it, as a
threshold on the level would.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import DEFAULT_CLOCK, Grid
from genlock.core.spans import Span, Spans
from genlock.core.time import Exact, exact
from genlock.media import AudioBlock

__all__ = ["BeepFinder"]

Array = npt.NDArray[np.float64]

_LOWEST_RATE = 4000
_LOWEST_HZ, _HIGHEST_HZ = 200.0, 16000.0
_TONALITY = 0.6  # share of a frame's energy that lies in one tone
_RISE = 10.0  # energy of the tone over what was there just before: 10 dB
_STEADY = 8.0  # the most by which the energy of a tone may change: AAC bends a beep by 8 dB
_FLOOR = 1e-6  # mean power of a tone that counts: -60 dB of full scale
_LEAST_FRAMES = 4
_EXPLAINED = 0.6  # share of the sound after the onset that the fitted tone explains
_ATTACKS_SECONDS = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02)
# A longer attack must explain so much more of the tone's energy: a codec's blur is no attack.
_ATTACK_GAIN = 0.0005


@dataclass(frozen=True)
class _Sizes:
    """Lengths in samples at one rate."""

    rate: int

    @property
    def window(self) -> int:
        """10 ms."""
        return self.rate // 100

    @property
    def hop(self) -> int:
        """2.5 ms."""
        return self.rate // 400

    @property
    def core(self) -> int:
        """Half a second: onsets are looked for in stretches of it."""
        return self.rate // 2

    @property
    def before(self) -> int:
        """0.15 s that are seen before a stretch."""
        return self.rate * 3 // 20

    @property
    def after(self) -> int:
        """0.5 s that are seen after it."""
        return self.rate // 2


class BeepFinder:
    """Finds beeps block by block, with bounded memory, at any sample rate from 4000 on.

    A beep is a steady tone of 200 Hz up, at least 10 ms long, that stands 10 dB over what lay in its band just
    before. Its span begins at the onset (the beginning of the attack) and ends where the tone does, half a second
    later at most. It is known at the latest 1.2 s after it began.

    Examples
    --------
    >>> times = np.arange(16000) / 16000 - 0.3
    >>> tone = np.where((times > 0) & (times < 0.1), 0.5 * np.sin(2 * np.pi * 1000 * times), 0)
    >>> finder = BeepFinder()
    >>> finder.push(AudioBlock(tone[:, None].astype(np.float32), 16000, Fraction(0), "media"))
    >>> finder.finish()
    >>> [round(float(beep.start), 3) for beep in finder.between(0, 1)]
    [0.3]
    """

    def __init__(self) -> None:
        self._clock = DEFAULT_CLOCK
        self._sizes: _Sizes | None = None
        self._origin = Fraction(0)
        self._held: Array = np.zeros(0)
        self._first = 0  # number of the first sample that is held
        self._done = 0  # onsets before this sample have been looked for
        self._tones: tuple[int, _Tones] | None = None  # of the last stretch, and its first sample
        self._found: deque[Span] = deque()

    def push(self, block: AudioBlock) -> None:
        """The next samples, float32 [n, channels]; channels are averaged."""
        if self._sizes is None:
            if block.rate < _LOWEST_RATE:
                raise OptionError(
                    f"beeps cannot be found at {block.rate} samples a second; give at least 4000"
                )
            self._sizes, self._origin, self._clock = _Sizes(block.rate), block.start, block.clock
        self._held = np.concatenate([self._held, block.samples.mean(axis=1, dtype=np.float64)])
        sizes = self._sizes
        while self._first + len(self._held) >= self._done + sizes.core + sizes.after:
            self._look(self._done + sizes.core)

    def finish(self) -> None:
        """No more samples: look at the rest."""
        if self._sizes is not None and self._done < self._first + len(self._held):
            self._look(self._first + len(self._held))

    def between(self, start: Exact, end: Exact) -> Spans:
        """The beeps that begin in ``[start, end)``, on the media clock."""
        low, high = exact(start), exact(end)
        return Spans([span for span in self._found if low <= span.start < high], self._clock, "beeps")

    def forget(self, before: Exact) -> None:
        """Drop the beeps that begin before an instant."""
        while self._found and self._found[0].start < exact(before):
            self._found.popleft()

    def _look(self, stop: int) -> None:
        """Look for onsets from ``_done`` to ``stop``; keep what the next stretch needs."""
        assert self._sizes is not None
        sizes = self._sizes
        low = max(self._first, self._done - sizes.before)
        sound = self._held[low - self._first : stop + sizes.after - self._first]
        grid = Grid.of_samples(sizes.rate, self._origin, self._clock)
        if len(sound) < 4 * sizes.window:
            self._done = stop
            return
        tones = _Tones(sound, sizes, self._known_from(low))
        self._tones = low, tones
        for begin, end in _beeps_in(sound, tones, range(self._done - low, stop - low)):
            # Between two samples: exact in eighths of one.
            eighths = round(8 * begin)
            start = grid.center(low) + Fraction(eighths, 8 * sizes.rate)
            if not self._found or start >= self._found[-1].end:
                self._found.append(Span(start, max(start, grid.center(low + end)), "beep"))
        self._done = stop
        keep = max(0, self._done - sizes.before - self._first)
        self._held, self._first = self._held[keep:], self._first + keep

    def _known_from(self, low: int) -> _Spectra | None:
        """What the last stretch knew of the windows from a sample on, where they are the same windows."""
        assert self._sizes is not None
        if self._tones is None or (low - self._tones[0]) % self._sizes.hop:
            return None
        rows = slice((low - self._tones[0]) // self._sizes.hop, None)
        tones = self._tones[1]
        return tones.near[rows], tones.peak[rows], tones.tonal[rows]


# ---------------------------------------------------------------- one stretch of sound


#: Of each window: energy near each bin, strongest bin, whether it is a tone.
_Spectra: TypeAlias = tuple[Array, npt.NDArray[np.intp], npt.NDArray[np.bool_]]


def _beeps_in(sound: Array, tones: _Tones, wanted: range) -> list[tuple[float, int]]:
    """Onset (in samples, between them) and end (in samples) of every beep that begins in a range, in order."""
    sizes = tones.sizes
    found = []
    for first, stop in tones.runs():
        near = range(wanted.start - 5 * sizes.window, wanted.stop + 5 * sizes.window)
        if first * sizes.hop not in near or not tones.sets_in(first, stop):
            continue
        onset = _onset(
            sound, sizes, first * sizes.hop, (stop - 1) * sizes.hop + sizes.window, tones.hertz(first, stop)
        )
        end = (stop - 1) * sizes.hop + sizes.window // 2
        if onset is not None and wanted.start <= onset < min(wanted.stop, end - sizes.window // 2):
            found.append((onset, end))
    return found


class _Tones:
    """Short spectra of a stretch: where one tone dominates, which, and how strong it is."""

    def __init__(self, sound: Array, sizes: _Sizes, known: _Spectra | None = None) -> None:
        self.sizes = sizes
        self.size = 1 << (2 * sizes.window - 1).bit_length()
        self.bin_hertz = sizes.rate / self.size
        frames = np.lib.stride_tricks.sliding_window_view(sound, sizes.window)[:: sizes.hop]
        # Stretches overlap by more than half: what the one before knows is not computed again.
        begin = 0 if known is None else len(known[1])
        self.near, self.peak, self.tonal = self._spectra(frames[begin:])
        if known is not None:
            self.near = np.concatenate([known[0], self.near])
            self.peak = np.concatenate([known[1], self.peak])
            self.tonal = np.concatenate([known[2], self.tonal])

    def _spectra(self, frames: Array) -> _Spectra:
        sizes = self.sizes
        window = np.hanning(sizes.window + 2)[1:-1]
        power = _power(np.fft.rfft(frames * window, self.size)) / (window.sum() ** 2 / 2)
        hertz = np.fft.rfftfreq(self.size, 1 / sizes.rate)
        # All that lies within the window's main lobe of a bin belongs to the tone there.
        lobe = round(2 * self.size / sizes.window)
        sums = np.zeros((len(power), power.shape[1] + 2 * lobe + 1))
        bins = sums[:, lobe + 1 : -lobe]
        np.cumsum(power, axis=1, out=bins)
        sums[:, -lobe:] = bins[:, -1:]
        near = sums[:, 2 * lobe + 1 :] - sums[:, : -2 * lobe - 1]
        able = np.flatnonzero((hertz >= _LOWEST_HZ) & (hertz <= min(_HIGHEST_HZ, 0.95 * sizes.rate / 2)))
        peak = able[0] + power[:, able[0] : able[-1] + 1].argmax(axis=1)
        whole = power[:, np.searchsorted(hertz, 100, "right") :].sum(axis=1) + 1e-20
        rows = np.arange(len(power))
        tonal = (near[rows, peak] > _TONALITY * whole) & (power[rows, peak] > _FLOOR)
        return near, peak, tonal

    def runs(self) -> list[tuple[int, int]]:
        """Frames ``[first, stop)`` of one tone each, at least four."""
        runs: list[tuple[int, int]] = []
        first = None
        peak = self.peak.tolist()
        for k, tonal in enumerate([*self.tonal.tolist(), False]):
            same = first is not None and k < len(peak) and abs(peak[k] - peak[k - 1]) <= 2
            if first is not None and not (tonal and same):
                if k - first >= _LEAST_FRAMES:
                    runs.append((first, k))
                first = None
            if tonal and first is None:
                first = k
        return runs

    def sets_in(self, first: int, stop: int) -> bool:
        """Whether the tone is much stronger than what lay in its band just before, and soon stays as it is."""
        band = self.near[:, round(float(np.median(self.peak[first:stop])))]
        steady = _quantile(band[first + 2 : stop], 0.5)
        # The frames that end 5 to 30 ms before the first one that is tonal.
        past = band[max(0, first - 16) : max(0, first - 6)]
        if len(past) < 6 or steady < _RISE * float(past.mean()):
            return False
        # A vowel swells, glides and dies away; a beep keeps its level, but for its first and last frames.
        # An attack may take 10 ms, and so may the end, which windows of 10 ms see for 20.
        begin = first + (6 if stop - first >= 16 else 2)
        middle = band[begin : max(min(stop - 8, first + 40), begin + 2)]
        low, high = _quantile(middle, 0.15), _quantile(middle, 0.85)  # a codec may overshoot in single frames
        return bool(high >= 0.5 * steady and low * _STEADY >= high)

    def hertz(self, first: int, stop: int) -> float:
        """Frequency of the tone, to a bin."""
        return float(np.median(self.peak[first:stop])) * self.bin_hertz


def _onset(sound: Array, sizes: _Sizes, first: int, stop: int, hertz: float) -> float | None:
    """Where the tone between two samples sets in, in samples; None if no steady tone explains what is there."""
    rate = sizes.rate
    # The first tonal frame may reach before the onset by most of its window, but its end lies within the tone.
    inside = slice(first + sizes.window, min(stop - sizes.hop, first + sizes.window + rate // 50))
    if inside.stop - inside.start < sizes.window // 2:
        inside = slice(first + sizes.window // 2, stop - sizes.hop)
    times = np.arange(len(sound)) / rate
    omega, cosine, sine = _fit_tone(sound[inside], times[inside], hertz)
    low, high = max(0, first - rate // 40), min(len(sound), first + sizes.window + rate // 40)
    tone = cosine * np.cos(omega * times[low:high]) + sine * np.sin(omega * times[low:high])
    heard = sound[low:high]
    at, attack, left = _change(heard, tone, rate)
    after = slice(max(0, int(np.ceil(at + attack))), None)
    energy = float((heard[after] ** 2).sum())
    unexplained = float(((heard[after] - tone[after]) ** 2).sum())
    if energy <= 0 or unexplained > (1 - _EXPLAINED) * energy or left <= 0:
        return None
    return low + at


def _power(spectrum: npt.NDArray[np.complex128]) -> Array:
    """Squared magnitude, without the root that ``abs`` takes."""
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


def _quantile(values: Array, share: float) -> float:
    """Gives what ``np.quantile`` gives, which takes longer to begin than to work on so few values."""
    ordered = sorted(values.tolist())
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def _fit_tone(sound: Array, times: Array, hertz: float) -> tuple[float, float, float]:
    """Angular frequency and the amplitudes of cosine and sine that explain a stretch best."""
    window = np.hanning(len(sound) + 2)[1:-1]
    heard = window * sound
    width = 0.5 / (times[-1] - times[0])
    best = hertz
    since = times - times[0]
    turned = np.empty((21, len(sound)), np.complex128)
    for _ in range(4):  # each time a finer comb, and the vertex of the parabola through its best three
        comb = best + width * np.linspace(-1, 1, len(turned))
        # The teeth lie evenly, so each phasor is the one before, turned on: two exponentials instead of 21.
        step = np.exp(-2j * np.pi * (comb[1] - comb[0]) * since)
        np.multiply(heard, np.exp(-2j * np.pi * comb[0] * since), out=turned[0])
        for before, after in pairwise(turned):
            np.multiply(before, step, out=after)
        power = _power(turned.sum(axis=1))
        k = int(np.clip(power.argmax(), 1, 19))
        a, b, c = power[k - 1 : k + 2]
        bend = a - 2 * b + c
        best = float(comb[k] + (comb[1] - comb[0]) * (0.5 * (a - c) / bend if bend < 0 else 0.0))
        width /= 6
    omega = 2 * np.pi * best
    basis = np.stack([np.cos(omega * times), np.sin(omega * times)], axis=1)
    cosine, sine = np.linalg.lstsq(basis * window[:, None], heard, rcond=None)[0]
    return omega, float(cosine), float(sine)


def _change(heard: Array, tone: Array, rate: int) -> tuple[float, float, float]:
    """Where the tone begins (samples), how long its attack is (samples), and what beginning there gains.

    With the envelope e, ``sum (x - e m)^2 = sum x^2 - sum (2 e x m - e^2 m^2)``: the last sum is the gain.
    """
    numbers = np.arange(len(heard))
    product, square = heard * tone, tone**2
    # Running sums of both times the powers of the sample number: every envelope's sum is a difference of these.
    products = [np.concatenate([[0.0], np.cumsum(product * numbers**p)]) for p in (0, 1)]
    squares = [np.concatenate([[0.0], np.cumsum(square * numbers**p)]) for p in (0, 1, 2)]
    starts = numbers[1:] - 0.5  # midway between two samples: nobody can tell where in between
    first = numbers[1:]
    best = (0.0, 0.0, -np.inf)
    for attack in (seconds * rate for seconds in _ATTACKS_SECONDS):
        full = np.minimum(np.ceil(starts + attack).astype(np.int64), len(heard))
        gain = 2 * (products[0][-1] - products[0][full]) - (squares[0][-1] - squares[0][full])
        if attack:
            p0, p1 = (total[full] - total[first] for total in products)
            q0, q1, q2 = (total[full] - total[first] for total in squares)
            gain += 2 * (p1 - starts * p0) / attack - (q2 - 2 * starts * q1 + starts**2 * q0) / attack**2
        k = int(gain.argmax())
        if gain[k] > best[2] + (_ATTACK_GAIN * float(square.sum()) if best[2] > 0 else 0.0):
            best = (float(starts[k]), attack, float(gain[k]))
    return best
