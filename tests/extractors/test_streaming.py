"""The same bits however the sound is cut; errors that name the instant; sounds too short for a window."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.core import Grid, Track
from genlock.core.errors import InputError, OptionError
from genlock.extractors import Mel, make_extractor
from genlock.extractors.sound.mel import MelOptions

BUILT_IN = [
    "mel",
    "mel:kaldi",
    "mel:whisper",
    "mel:whisper-local",
    "mel:specvqgan",
    "mfcc",
    "mfcc:psf",
    "mfcc:kaldi39",
    "mfcc:psf39",
    "energy",
    "energy:rms",
    "onset",
]


@pytest.mark.parametrize("spec", BUILT_IN)
@settings(max_examples=15)
@given(data=st.data())
def test_any_cuts_give_the_same_bits(long_sound: np.ndarray, spec: str, data: st.DataObject) -> None:
    extractor = make_extractor(spec)
    length = data.draw(st.sampled_from([70_001, 30_000, 5000, 700, 150, 3, 1, 0]), label="length")
    cuts = sorted(data.draw(st.lists(st.integers(0, length), max_size=12), label="cuts"))
    stream = extractor.open("1/3", "c")
    for start, stop in zip([0, *cuts], [*cuts, length], strict=True):
        stream.push(long_sound[start:stop])
    pieces, whole = stream.finish(), extractor(long_sound[:length], "1/3", "c")
    assert pieces.values.dtype == np.float32
    assert pieces.values.tobytes() == whole.values.tobytes()
    assert pieces.valid.tolist() == whole.valid.tolist()
    assert pieces.grid == whole.grid == extractor.grid("1/3", "c")


@pytest.mark.parametrize("spec", ["mel", "mfcc:psf", "onset", "mel:whisper"])
def test_pieces_of_one_sample(long_sound: np.ndarray, spec: str) -> None:
    extractor = make_extractor(spec)
    stream = extractor.open()
    for sample in long_sound[:3000]:
        stream.push(np.array([sample]))
    assert np.array_equal(stream.finish().values, extractor(long_sound[:3000]).values)


@pytest.mark.parametrize("spec", BUILT_IN)
@pytest.mark.parametrize("length", [0, 1, 2, 63, 64, 200, 399, 400, 401])
def test_sounds_shorter_than_a_window(long_sound: np.ndarray, spec: str, length: int) -> None:
    extractor = make_extractor(spec)
    track = extractor(long_sound[:length])
    assert len(track) == extractor.count(length)
    assert np.isfinite(track.values).all()
    assert length > 0 or not track.valid.any(), "a value of no sound is valid"


@pytest.mark.parametrize("spec", BUILT_IN)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_a_sample_that_is_not_a_number_is_named_by_its_instant(spec: str, bad: float) -> None:
    extractor = make_extractor(spec)
    sound = np.zeros(extractor.sample_rate, np.float32)
    at = extractor.sample_rate // 4
    sound[[at, at + 100]] = bad
    stream = extractor.open(Fraction(5, 2))
    stream.push(np.zeros(extractor.sample_rate, np.float32))
    with pytest.raises(InputError, match=rf"at 3\.7[45]\d+ s \(sample {extractor.sample_rate + at}\)"):
        stream.push(sound)


def test_what_is_not_mono_float_sound() -> None:
    mel = Mel()
    with pytest.raises(OptionError, match="divide 16-bit integers by 32768"):
        mel(np.zeros(100, np.int16))
    with pytest.raises(OptionError, match=r"float32 of shape \[100, 2\]"):
        mel(np.zeros((100, 2), np.float32))
    assert len(mel(np.zeros((1000, 1), np.float64))) == 2
    stream = mel.open()
    stream.finish()
    with pytest.raises(OptionError, match="is finished"):
        stream.push(np.zeros(10, np.float32))


def test_a_waveform_track_brings_its_clock(long_sound: np.ndarray) -> None:
    sound = Track(long_sound, Grid.of_samples(16000, "-0.5", "media:a.mp4#0"))
    track = make_extractor("mfcc")(sound)
    assert track.grid == make_extractor("mfcc").grid("-0.5", "media:a.mp4#0")
    with pytest.raises(OptionError, match="read it with rate=22050"):
        Mel()(sound)
    with pytest.raises(OptionError, match="of its own"):
        make_extractor("mfcc")(sound, origin=0)
    valid = np.ones(len(long_sound), bool)
    valid[16000] = False
    with pytest.raises(InputError, match=r"not valid from 0\.500000 s"):
        make_extractor("mfcc")(Track(long_sound, sound.grid, valid))


def test_memory_is_bounded_but_for_the_output() -> None:
    stream = make_extractor("mel:kaldi").open()
    piece = np.zeros(16000, np.float32)
    for _ in range(30):
        stream.push(piece)
    tracemalloc.start()
    for _ in range(120):
        stream.push(piece)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    output = 120 * 100 * 80 * 4
    assert held < 1.1 * output + 100_000
    assert peak < 1.1 * output + 3_000_000


def test_options_out_of_range() -> None:
    with pytest.raises(OptionError, match="hop=3000"):
        MelOptions(hop=3000)
    with pytest.raises(OptionError, match="do not fit sound of 22050 Hz"):
        Mel(MelOptions(high_hz=12000.0))
    with pytest.raises(OptionError, match="even window"):
        MelOptions(window=400, n_fft=512, hop=160)
