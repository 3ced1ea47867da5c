"""A sound that jumps and one that drifts are laid by a Warp: every click comes back to where it belongs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.media import read_audio
from genlock.media.encode import Picture, Sound, encode
from genlock.tasks.mend_sound import MendOptions, mend_sound, warp_of

RATE = 48000
CLICKS = np.arange(1, 18, 2) / 2  # seconds: where each click belongs


def film(path: Path, at: np.ndarray) -> None:
    """Nine seconds with clicks at these instants."""
    sound = np.zeros(9 * RATE, np.float32)
    for instant in at:
        first = round(instant * RATE)
        sound[first : first + 48] = 0.7 * np.sin(2 * np.pi * 4000 * np.arange(48) / RATE)
    frames = [np.full((48, 64, 3), 8 * (k % 25), np.uint8) for k in range(9 * 25)]
    encode(path, Picture(frames, rate=25), Sound(sound, RATE, codec="pcm_s16le"))


def clicks(path: Path) -> np.ndarray:
    """Instants of the clicks in a file."""
    track = read_audio(path, RATE)
    samples = np.abs(np.asarray(track.values).reshape(len(track), -1).mean(axis=1))
    loud = np.flatnonzero(samples > 0.1)
    firsts = loud[np.diff(loud, prepend=-RATE) > RATE // 10]
    return float(track.grid.center(0)) + firsts / RATE


def test_splices_are_closed_to_the_sample(tmp_path: Path) -> None:
    # The sound lost 80 ms at 3 s, and has 120 ms too many at 6 s: early by 80 ms, then late by 40 ms.
    early = np.where(CLICKS < 3, CLICKS, np.where(CLICKS < 6, CLICKS - 0.08, CLICKS + 0.04))
    film(tmp_path / "spliced.mkv", early)
    made = mend_sound(tmp_path / "spliced.mkv", tmp_path / "mended.mkv", MendOptions("0:0,2.9:80,5.9:-40"))
    found = clicks(made.path)
    assert np.abs(found - CLICKS).max() < 0.0011  # Matroska counts milliseconds
    assert np.ptp(found - CLICKS) < 2 / RATE
    assert (made.silence_seconds, made.dropped_seconds) == pytest.approx((0.08, 0.12), abs=2 / RATE)
    assert "measured again" in str(made)


def test_a_drift_is_taken_out(tmp_path: Path) -> None:
    film(tmp_path / "drifting.mkv", CLICKS * (1 - 2000e-6))
    slope = Fraction(10**6, 10**6 - 2000)
    made = mend_sound(
        tmp_path / "drifting.mkv", tmp_path / "mended.mkv", MendOptions("0:0", drift_ppm=(slope - 1) * 10**6)
    )
    assert np.abs(clicks(made.path) - CLICKS).max() < 0.0015


@pytest.mark.parametrize("said", ["", "0", "0:1:2", "5:0,1:0", "x:3", "0:nan", "0:0,0:1"])
def test_what_is_no_row_of_stretches_is_refused(said: str) -> None:
    with pytest.raises(OptionError, match="stretches"):
        MendOptions(said)


def test_the_warp_waits_and_leaves_out() -> None:
    warp = warp_of(MendOptions("1:100,2:300,3:-100"))
    assert [warp(t) for t in (0, Fraction(3, 2), Fraction(5, 2), 4)] == [
        Fraction(1, 10), Fraction(16, 10), Fraction(28, 10), Fraction(39, 10),
    ]  # fmt: skip
