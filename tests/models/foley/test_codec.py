"""The codec and the vocoder: streams say what the whole says, columns look only back, bad input is refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from genlock.core.errors import FormatError, InputError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.extractors import make_extractor
from genlock.extractors.sound.griffin_lim import griffin_lim
from genlock.models.foley.codec import QUIET, load_codec, save_codec
from genlock.models.foley.vocoder import load_vocoder, save_vocoder


def strike(at: float, seconds: float = 1.0, pitch: float = 900.0) -> np.ndarray:
    """A damped tone at 24 kHz."""
    t = np.arange(round(24000 * seconds)) / 24000 - at
    tone = np.exp(-18 * np.maximum(t, 0)) * np.sin(2 * np.pi * pitch * t)
    return np.where(t >= 0, 0.4 * tone, 0).astype(np.float32)


def mel(sound: np.ndarray) -> Track:
    return make_extractor("mel:foley")(sound)


def test_cells_of_the_feature_begin_with_the_sound() -> None:
    track = mel(strike(0.5))
    assert isinstance(track.grid, Grid)
    assert (track.grid.edge(0), track.grid.rate, len(track)) == (0, 100, 100)
    # The first cell whose window of 512 samples reaches the strike is the one before it.
    loud = np.flatnonzero(track.values.max(axis=1) > QUIET + 1)
    assert loud[0] in (49, 50)


def test_a_column_knows_nothing_of_what_follows() -> None:
    codec, bands = load_codec(), mel(strike(0.1)).values
    other = bands.copy()
    other[60:] += 3.0
    assert np.array_equal(codec.encode(bands)[:30], codec.encode(other)[:30])
    codes = codec.encode(bands)
    changed = codes.copy()
    changed[30:] = (changed[30:] + 17) % codec.vocabulary
    assert np.array_equal(codec.decode(codes)[:60], codec.decode(changed)[:60])
    assert not np.allclose(codec.decode(codes)[60:62], codec.decode(changed)[60:62])


def test_an_attack_comes_back_where_it_was() -> None:
    codec = load_codec()
    for at in (0.203, 0.31, 0.417):
        bands = mel(strike(at)).values
        rise = np.diff(codec.decode(codec.encode(bands)).mean(axis=1))
        assert abs(int(np.argmax(rise)) - int(np.argmax(np.diff(bands.mean(axis=1))))) <= 1


def test_codes_lie_on_columns_of_20_ms() -> None:
    codec = load_codec()
    track = mel(strike(0.2, 0.5)).shifted(Fraction(1, 3))
    codes = codec.encode_track(track)
    assert isinstance(codes.grid, Grid)
    assert (codes.grid.rate, codes.grid.edge(0), codes.values.dtype) == (50, Fraction(1, 3), np.int64)
    again = codec.decode_track(codes)
    assert again.grid == track.grid
    with pytest.raises(InputError, match="100 cells a second"):
        codec.encode_track(codes)
    with pytest.raises(InputError, match="50 a second"):
        codec.decode_track(track)


def test_tokens_are_the_digits_they_stand_for() -> None:
    codec = load_codec()
    every = np.stack([np.arange(codec.vocabulary)] * codec.tokens, axis=1)
    digits = codec.digits_of(every)
    assert len(np.unique(digits[:, : digits.shape[1] // 2], axis=0)) == codec.vocabulary
    # tanh comes nowhere near the outermost levels' borders.
    assert np.array_equal(codec.tokens_of(np.arctanh(digits * 0.999)), every)


@pytest.mark.parametrize(
    "codes, said",
    [
        (np.zeros((3, 2)), "no tokens"),
        (np.zeros((3, 3), int), "no tokens"),
        (np.full((1, 4), -1), "this codec has"),
        (np.full((1, 4), 10**6), "this codec has"),
    ],
)
def test_what_is_no_code_is_refused(codes: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_codec().decode(codes)


def test_a_file_is_the_same_after_reading(tmp_path: object) -> None:
    codec, vocoder, folder = load_codec(), load_vocoder(), str(tmp_path)
    save_codec(codec, f"{folder}/codec.npz")
    save_vocoder(vocoder, f"{folder}/vocoder.npz", half=True)
    bands = mel(strike(0.2, 0.4)).values
    assert np.array_equal(load_codec(f"{folder}/codec.npz").encode(bands), codec.encode(bands))
    assert np.array_equal(load_vocoder(f"{folder}/vocoder.npz").sound(bands), vocoder.sound(bands))
    with pytest.raises(FormatError, match="not a vocoder"):
        load_vocoder(f"{folder}/codec.npz")


def test_pieces_of_the_vocoder_are_the_whole() -> None:
    vocoder, bands = load_vocoder(), mel(strike(0.3, 0.8)).values
    whole = vocoder.sound(bands)
    assert whole.shape == (len(bands) * 240,)
    stream = vocoder.vocoding()
    pieces = [stream.push(bands[k : k + 5]) for k in range(0, len(bands), 5)]
    # What came out before the end lags behind by the stated look-ahead and no more.
    late = len(bands) * 240 - sum(map(len, pieces))
    assert late <= float(vocoder.lookahead_seconds) * 24000 + 1e-6
    assert np.allclose(np.concatenate([*pieces, stream.finish()]), whole, atol=1e-4)


def test_a_vocoder_of_nothing_is_silent_and_of_a_cell_is_a_cell() -> None:
    vocoder = load_vocoder()
    assert vocoder.sound(np.zeros((0, 80))).shape == (0,)
    assert vocoder.sound(np.full((1, 80), QUIET)).shape == (240,)
    with pytest.raises(InputError, match="give finite numbers"):
        vocoder.sound(np.full((4, 80), np.nan))


def test_griffin_lim_puts_an_attack_where_it_was() -> None:
    at = 0.317
    made = griffin_lim(mel(strike(at, 0.6)).values, iterations=8)
    assert made.shape == (14400,)
    assert abs(int(np.argmax(np.abs(made) > 0.1)) / 24000 - at) < 0.004
    with pytest.raises(InputError, match="give finite numbers"):
        griffin_lim(np.zeros((4, 12)))


def test_no_columns_are_no_sound() -> None:
    """A stream that had nothing to give yet ended with an error of reshaping."""
    codec = load_codec()
    none = np.zeros((0, codec.tokens), np.int64)
    assert codec.digits_of(none).shape == (0, codec.shape.digits)
    assert len(codec.decoding().push(none)) == 0
