"""Sound laid anew by a Warp: every sample where the Warp puts it, and no click where pieces meet."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from genlock.core.warp import Warp
from genlock.media.fades import FADE_SECONDS
from genlock.media.laid_sound import lay_sounds

RATE = 48000


def film_with_tone(path: Path, seconds: int = 3) -> None:
    """A film of 16 x 16 pixels, and a tone of 441 Hz, which changes by at most .029 a sample at half scale."""
    with av.open(str(path), "w") as output:
        picture = output.add_stream("mpeg4", rate=25)
        picture.width = picture.height = 16
        sound = output.add_stream("pcm_s16le", rate=RATE)
        sound.layout = "mono"
        for number in range(25 * seconds):
            frame = av.VideoFrame.from_ndarray(np.full((16, 16, 3), number % 200, np.uint8), format="rgb24")
            frame.pts = number
            output.mux(picture.encode(frame))
        wave = 0.5 * np.sin(2 * np.pi * 441 * np.arange(RATE * seconds) / RATE)
        block = av.AudioFrame.from_ndarray((wave * 32767).astype(np.int16)[None], format="s16", layout="mono")
        block.sample_rate, block.pts = RATE, 0
        output.mux(sound.encode(block))
        output.mux(picture.encode(None))
        output.mux(sound.encode(None))


def heard(path: Path) -> npt.NDArray[np.float64]:
    """The sound ``[n]`` of a film, -1...1, by PyAV."""
    with av.open(str(path)) as film:
        blocks = [frame.to_ndarray().ravel() for frame in film.decode(audio=0)]
    return np.concatenate(blocks).astype(np.float64) / 32768


JUMP = Fraction("1.0003")
"""Where nothing is zero."""


def waiting(seconds: Fraction, at: Fraction = JUMP) -> Warp:
    """From an instant on the sound waits; below 0 a piece of it is left out."""
    return Warp([(at, at), (at, at + seconds)] if seconds > 0 else [(at, at), (at - seconds, at)])


@pytest.mark.parametrize("later", ["0.2503", "-0.2503"])
def test_nothing_clicks_where_the_sound_waits_or_is_left_out(tmp_path: Path, later: str) -> None:
    film, laid = tmp_path / "film.mov", tmp_path / "laid.mov"
    film_with_tone(film)
    result = lay_sounds(film, laid, waiting(Fraction(later)))
    sound = heard(laid)
    assert np.abs(np.diff(sound)).max() < 0.03 * 1.3  # the tone's own step, and a fade's
    assert result.silence_seconds + result.dropped_seconds == pytest.approx(abs(float(later)), abs=2 / RATE)


def test_away_from_the_cut_no_sample_is_changed(tmp_path: Path) -> None:
    film, laid = tmp_path / "film.mov", tmp_path / "laid.mov"
    film_with_tone(film)
    lay_sounds(film, laid, waiting(Fraction(1, 4), Fraction(1)))
    before, after = heard(film), heard(laid)
    fade = int(FADE_SECONDS * RATE)
    np.testing.assert_array_equal(after[: RATE - fade], before[: RATE - fade])
    moved = RATE * 5 // 4
    np.testing.assert_array_equal(after[moved + fade : 2 * RATE], before[RATE + fade : 2 * RATE - RATE // 4])
    assert not after[RATE:moved].any()
