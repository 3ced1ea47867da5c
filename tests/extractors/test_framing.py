"""Frame counts and centres against the formulas, by arithmetic, and against the programs that made them
known."""

from __future__ import annotations

from fractions import Fraction

import librosa
import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.extractors import Energy, Mel, Mfcc, Onset
from genlock.extractors.sound import framing as conventions
from genlock.extractors.sound.framing import Framing, conv_stack

knf = pytest.importorskip("kaldi_native_fbank")

EVERY = np.arange(50_001)
# At each hop residue three lengths and more: below a window, at it, above it.
RESIDUES = [160 * cells + residue for residue in range(160) for cells in (0, 2, 13)] + list(range(395, 415))


def zero_below(length: int, frames: np.ndarray) -> np.ndarray:
    return np.where(length <= EVERY, frames, 0)


FORMULAS = {
    "stft centred 2048/512": (conventions.stft_centered(2048, 512), 1 + EVERY // 512, 0, 512),
    "stft centred 400/160": (conventions.stft_centered(400, 160), 1 + EVERY // 160, 0, 160),
    "stft 1024/256 inside": (
        conventions.stft_inside(1024, 256),
        zero_below(1024, 1 + (EVERY - 1024) // 256),
        512,
        256,
    ),
    "kaldi": (conventions.kaldi(), zero_below(400, 1 + (EVERY - 400) // 160), Fraction(399, 2), 160),
    "kaldi, not snipped": (conventions.kaldi_no_snip(), (EVERY + 80) // 160, Fraction(159, 2), 160),
    "python_speech_features": (
        conventions.python_speech_features(),
        np.where(EVERY == 0, 0, np.maximum(1, 1 + np.ceil((EVERY - 400) / 160))),
        Fraction(399, 2),
        160,
    ),
    "wav2vec2": (conventions.wav2vec2(), zero_below(400, (EVERY - 400) // 320 + 1), Fraction(399, 2), 320),
    "whisper mel": (conventions.whisper_mel(), EVERY // 160, 0, 160),
    "whisper encoder": (conventions.whisper_encoder(), np.ceil(EVERY // 160 / 2), 0, 320),
    "deepspeech": (
        conventions.deepspeech(),
        np.where(EVERY == 0, 0, np.ceil(np.maximum(1, 1 + np.ceil((EVERY - 400) / 160)) / 2)),
        Fraction(399, 2),
        320,
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_counts_and_centres_for_every_length(name: str) -> None:
    framing, counts, first, hop = FORMULAS[name]
    np.testing.assert_array_equal(framing.count(EVERY), counts)
    assert [framing.center(k) for k in range(100)] == [first + hop * k for k in range(100)]
    assert [framing.count(int(n)) for n in EVERY[::997]] == counts[::997].astype(int).tolist()


@pytest.mark.parametrize("name", FORMULAS)
def test_the_grid_has_its_centres_there(name: str) -> None:
    framing, _, first, hop = FORMULAS[name]
    grid = framing.grid(16000, origin="1/3", clock="c")
    for k in (0, 1, 977):
        assert grid.center(k) == Fraction(1, 3) + (first + Fraction(hop * k)) / 16000
    assert grid.rate == Fraction(16000, hop)


def test_the_known_figures() -> None:
    assert conventions.wav2vec2().count(61_334) == 191
    assert (conventions.whisper_mel().count(480_000), conventions.whisper_encoder().count(480_000)) == (
        3000,
        1500,
    )
    assert conventions.stft_centered(1024, 256).count(220_500) == 862
    assert conventions.wav2vec2().grid(16000).start == Fraction(79, 32000)
    assert conventions.wav2vec2().window == 400
    context_of_deepspeech = 400 + 2 * 9 * 320
    assert conventions.deepspeech().window == context_of_deepspeech


@pytest.mark.parametrize(
    "kernels, strides, paddings",
    [
        ([10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2], None),
        ([3, 3], [1, 2], [1, 1]),
        ([7, 5, 4], [3, 1, 2], [2, 0, 1]),
    ],
)
def test_a_stack_counts_as_its_layers_do(
    kernels: list[int], strides: list[int], paddings: list[int] | None
) -> None:
    lengths = EVERY
    for kernel, stride, padding in zip(kernels, strides, paddings or [0] * len(kernels), strict=True):
        lengths = np.maximum((lengths + 2 * padding - kernel) // stride + 1, 0)
        # A layer whose input is too short gives nothing, whatever its padding.
    some = EVERY[conv_stack(kernels, strides, paddings).window :]
    np.testing.assert_array_equal(conv_stack(kernels, strides, paddings).count(some), lengths[some])


@pytest.mark.filterwarnings("ignore:n_fft=")
def test_librosa_counts_so() -> None:
    mel = Mel()
    short = conventions.stft_centered(400, 160)
    for n in RESIDUES:
        if n == 0:
            continue
        sound = np.zeros(n, np.float32)
        assert librosa.stft(sound, n_fft=400, hop_length=160, pad_mode="constant").shape[1] == short.count(n)
        if n >= 400:
            inside = librosa.stft(sound, n_fft=400, hop_length=160, center=False)
            assert inside.shape[1] == conventions.stft_inside(400, 160).count(n)
    for n in range(1, 60_000, 6007):
        sound = np.zeros(n, np.float32)
        assert librosa.feature.melspectrogram(y=sound).shape[1] == mel.count(n) == len(mel(sound))


@pytest.mark.parametrize("snip", [True, False])
def test_kaldi_native_fbank_counts_so(snip: bool) -> None:
    framing = conventions.kaldi() if snip else conventions.kaldi_no_snip()
    for n in RESIDUES:
        options = knf.FbankOptions()
        options.frame_opts.dither = 0
        options.frame_opts.snip_edges = snip
        fbank = knf.OnlineFbank(options)
        fbank.accept_waveform(16000, np.zeros(n, np.float32))
        fbank.input_finished()
        if n < 400 and not snip:
            continue  # it mirrors a sound shorter than its window and does not promise how
        assert fbank.num_frames_ready == framing.count(n), n


def test_ours_make_what_they_count() -> None:
    for extractor in (Mel(Mel.presets["kaldi"]), Mfcc(), Mfcc(Mfcc.presets["psf"]), Energy(), Onset()):
        for n in RESIDUES[::7]:
            track = extractor(np.zeros(n, np.float32))
            assert len(track) == extractor.count(n) == extractor.framing.count(n)


def test_bad_framings() -> None:
    with pytest.raises(OptionError, match="at least 1"):
        Framing(400, 0, Fraction(200))
    with pytest.raises(OptionError, match="below zero"):
        Framing(400, 160, Fraction(200), left=-1)
    with pytest.raises(OptionError, match="-1 samples"):
        conventions.kaldi().count(-1)
    with pytest.raises(OptionError, match="not a stack"):
        conv_stack([3, 3], [1])
