"""Clicks at known odd instants land where they are: within 1 ms, in the right cell, in the right video
frame."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import soxr

from genlock.core import Grid, Ticks, Track
from genlock.extractors import AudioExtractor, make_extractor

RATES = [8000, 11025, 16000, 22050, 32000, 44100, 48000]
# What turns a value into something proportional to power, so that its centroid means something.
POWER = {
    "mel": lambda v: v.sum(axis=1),
    "mel:specvqgan": lambda v: 10 ** (10 * v - 8).max(axis=1),
    "mel:kaldi": lambda v: np.exp(v).sum(axis=1),
    "energy": lambda v: 10 ** (v / 10),
    "energy:rms": lambda v: v**2,
    "onset": lambda v: 10 ** (v / 10) - 1,
}


def power(track: Track) -> np.ndarray:
    values = POWER[track.name](track.values.astype(np.float64))
    return np.maximum(values - np.median(values), 0)


def centroid(track: Track) -> float:
    weight = power(track)
    return float(weight @ track.centers / weight.sum())


def heard(extractor: AudioExtractor, sound: np.ndarray, rate: int, origin: Fraction) -> Track:
    if rate != extractor.sample_rate:
        sound = soxr.resample(sound, rate, extractor.sample_rate)
    return extractor(sound.astype(np.float32), origin)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("spec", POWER)
def test_within_a_millisecond(spec: str, rate: int) -> None:
    extractor = make_extractor(spec)
    random = np.random.default_rng(rate)
    for origin in (Fraction(-1, 2), Fraction(0), Fraction(1001, 30000), Fraction(2)):
        n = int(random.integers(rate // 3, rate))
        sound = np.zeros(4 * rate // 3, np.float32)
        sound[n] = random.choice([0.05, 0.5, -1.0])
        instant = origin + Fraction(n, rate)
        track = heard(extractor, sound, rate, origin)
        assert abs(centroid(track) - float(instant)) < 1e-3
        # The greatest value is the cell's own, or a neighbour's where the click lies between two cells.
        loudest = int(power(track).argmax())
        assert abs(track.grid.center(loudest) - instant) <= track.grid.period * Fraction(6, 10) + Fraction(
            1, 2000
        )


FRAMES = {
    "25": Grid(25),
    "29.97": Grid("30000/1001", "1/90000"),
    "21.5": Grid("21.5"),
    "60": Grid(60, "-0.5"),
    "variable": Ticks(np.cumsum([0, *np.random.default_rng(5).integers(1500, 6000, 60)]), "1/90000", 3000),
}


@pytest.mark.parametrize("spec", ["onset", "mel", "mel:kaldi", "energy"])
@pytest.mark.parametrize("frames", FRAMES)
def test_in_the_right_video_frame(spec: str, frames: str) -> None:
    extractor, cells = make_extractor(spec), FRAMES[frames]
    rate = 16000
    for fraction in (Fraction(1, 10), Fraction(3, 10), Fraction(1, 2), Fraction(7, 10), Fraction(9, 10)):
        frame = 11 + int(20 * fraction)
        n = int((cells.edge(frame) + fraction * (cells.edge(frame + 1) - cells.edge(frame)) + 1) * rate)
        sound = np.zeros(4 * rate, np.float32)
        sound[n] = 0.5
        track = heard(extractor, sound, rate, Fraction(-1))
        assert cells.index(Fraction(n, rate) - 1, "floor") == frame
        assert cells.indices([centroid(track)])[0] == frame
        if spec != "onset" and frames == "variable":
            continue  # where a window is longer than a frame, the longer frame hears more of it
        # Power may be averaged; a long frame's mean times its length is how much of the click it holds.
        on_frames = Track(power(track), track.grid).on(cells, "mean")
        share = on_frames.values * np.diff(cells.edges(len(on_frames)))
        assert int(np.where(on_frames.valid, share, 0).argmax()) == frame


@pytest.mark.parametrize("kind", ["noise", "tone"])
def test_a_sound_that_stays_is_found_where_it_sets_in(kind: str) -> None:
    """The strength's rising edge lies at the first sample, and it is over one gap later."""
    onset = make_extractor("onset")
    random = np.random.default_rng(0)
    for start in random.integers(5000, 9000, 20):
        sound = 1e-4 * random.standard_normal(16000)
        steady = random.standard_normal(16000) if kind == "noise" else np.sin(np.arange(16000) * 0.7)
        sound[start:] += 0.2 * steady[start:]
        track = onset(sound.astype(np.float32))
        away = track.centers - start / 16000
        strength = np.where(np.abs(away) < 0.03, track.values, 0)
        loud = away[strength > strength.max() / 2]
        assert -2.5e-3 < loud.min() < 0.5e-3, (kind, loud.min())
        assert loud.max() < 10e-3, (kind, loud.max())


def test_a_voice_is_not_an_onset_at_every_pulse() -> None:
    """Pulses at 80 Hz: the first one is an onset, the others are heard before."""
    sound = np.zeros(16000, np.float32)
    sound[4000::200] = 0.5
    track = make_extractor("onset")(sound)
    first = np.abs(track.centers - 0.25) < 3e-3
    later = track.centers > 0.26
    assert track.values[first].max() > 20 * max(track.values[later].max(), 1e-3)


@pytest.mark.slow  # librosa compiles for half a minute in a new environment
def test_onsets_agree_with_librosas_once_both_say_when(shared_data) -> None:  # type: ignore[no-untyped-def]
    """librosa's envelope, put on its own true times, and ours averaged there: the same events."""
    librosa = pytest.importorskip("librosa")
    soundfile = pytest.importorskip("soundfile")
    speech, rate = soundfile.read(str(shared_data / "speech" / "jfk.flac"), dtype="float32", always_2d=True)
    sound = soxr.resample(speech[:, 0], rate, 16000).astype(np.float32)
    envelope = librosa.onset.onset_strength(y=sound, sr=16000, n_fft=512, hop_length=160, center=False)
    ours = make_extractor("onset")(sound)
    # With a 32 ms window and a logarithm theirs fires about when the window's leading edge arrives.
    best = max(range(-5, 6), key=lambda lag: _correlation(envelope, ours, Fraction(lag, 100)))
    assert _correlation(envelope, ours, Fraction(best, 100)) > 0.5
    assert 0 <= best <= 2


def _correlation(envelope: np.ndarray, ours: Track, lag: Fraction) -> float:
    grid = Grid.of_windows(sample_rate=16000, hop=160, first_center=-80).shifted(lag)
    mine = ours.on(grid, "mean", length=len(envelope))
    both = mine.valid
    both[:5] = False
    return float(np.corrcoef(mine.values[both], envelope[both])[0, 1])


def test_silence_and_a_hard_sound_have_finite_onsets(hard_sound: Callable[..., np.ndarray]) -> None:
    onset = make_extractor("onset")
    assert set(onset(np.zeros(16000, np.float32)).values.tolist()) == {0.0}
    values = onset(hard_sound(16000)).values
    assert np.isfinite(values).all()
    assert (values >= 0).all()
