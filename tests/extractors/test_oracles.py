"""Values against independent programs, within the tolerances that the documentation states."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import numpy.typing as npt
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from genlock.extractors import Energy, EnergyOptions, Mel, Mfcc, MfccOptions, make_extractor

knf = pytest.importorskip("kaldi_native_fbank")
psf = pytest.importorskip("python_speech_features")

Array = npt.NDArray[np.floating]

# Both sides compute in float32, so a band far below the loudest of its frame carries the rounding of the loud
# ones.
FAR_BELOW = 14.0  # nepers of power: 61 dB


def within(ours: Array, theirs: Array, tolerance: float) -> None:
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


def all_of(stream: object) -> Array:
    return np.array([stream.get_frame(k) for k in range(stream.num_frames_ready)])  # type: ignore[attr-defined]


def test_mel_is_librosas(hard_sound: Callable[..., np.ndarray]) -> None:
    sound = hard_sound(22050)
    theirs = librosa.feature.melspectrogram(y=sound).T
    within(make_extractor("mel")(sound).values, theirs, 1e-6 * theirs.max())


def test_mel_of_kaldi(hard_sound: Callable[..., np.ndarray]) -> None:
    sound = hard_sound(16000)
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = 80
    fbank = knf.OnlineFbank(options)
    fbank.accept_waveform(16000, sound * 32768)
    fbank.input_finished()
    ours, theirs = make_extractor("mel:kaldi")(sound).values, all_of(fbank)
    within(ours, theirs, 0.02)
    loud = theirs > theirs.max(axis=1, keepdims=True) - FAR_BELOW
    assert loud.mean() > 0.5
    assert np.abs(ours - theirs)[loud].max() < 1e-3


def test_mel_of_whisper(hard_sound: Callable[..., np.ndarray]) -> None:
    sound = hard_sound(16000)
    theirs = FeatureExtractor()(sound, padding=0).T
    within(make_extractor("mel:whisper")(sound).values, theirs, 3e-5)
    local = make_extractor("mel:whisper-local")(sound).values
    within(np.maximum(local, local.max() - 2), theirs, 3e-5)


def test_mel_of_specvqgan(hard_sound: Callable[..., np.ndarray]) -> None:
    sound = hard_sound(22050)
    magnitude = np.abs(librosa.stft(sound, n_fft=1024, hop_length=256, pad_mode="reflect"))
    bands = librosa.filters.mel(sr=22050, n_fft=1024, n_mels=80, fmin=125, fmax=7600) @ magnitude
    theirs = np.clip((20 * np.log10(np.maximum(1e-5, bands)) - 20 + 100) / 100, 0, 1).T
    within(make_extractor("mel:specvqgan")(sound).values, theirs, 1e-4)


def test_mel_without_padding_is_librosas(hard_sound: Callable[..., np.ndarray]) -> None:
    options = {"n_fft": 1024, "hop_length": 300, "n_mels": 40, "fmin": 50.0, "fmax": 8000.0}
    sound = hard_sound(22050)
    theirs = librosa.feature.melspectrogram(y=sound, center=False, **options).T
    from_inside = Mel(
        type(Mel().options)(
            window=1024, n_fft=1024, hop=300, bands=40, low_hz=50.0, high_hz=8000.0, frames="inside"
        )
    )
    within(from_inside(sound).values, theirs, 1e-6 * theirs.max())
    assert from_inside.grid().center(0) * 22050 == 512


@pytest.mark.parametrize("energy", [True, False])
def test_mfcc_of_kaldi(hard_sound: Callable[..., np.ndarray], energy: bool) -> None:
    sound = hard_sound(16000)
    options = knf.MfccOptions()
    options.frame_opts.dither = 0
    options.use_energy = energy
    mfcc = knf.OnlineMfcc(options)
    mfcc.accept_waveform(16000, sound * 32768)
    mfcc.input_finished()
    within(Mfcc(MfccOptions(energy=energy))(sound).values, all_of(mfcc), 0.02)


@pytest.mark.parametrize("length", [-1, 1, 200, 399, 400, 401, 560, 561])
def test_mfcc_of_python_speech_features(hard_sound: Callable[..., np.ndarray], length: int) -> None:
    sound = hard_sound(16000)[: length if length > 0 else None]
    theirs = psf.mfcc(sound.astype(np.float64) * 32768, 16000)
    slope = psf.delta(theirs, 2)
    within(make_extractor("mfcc:psf")(sound).values, theirs, 2e-3)
    within(make_extractor("mfcc:psf39")(sound).values, np.hstack([theirs, slope, psf.delta(slope, 2)]), 2e-3)


def kaldi_slopes(values: np.ndarray) -> np.ndarray:
    """Regression over five frames, the end frames repeated, as torchaudio.functional.compute_deltas."""
    padded = np.pad(values, ((2, 2), (0, 0)), mode="edge")
    return np.stack([(np.arange(-2, 3)[:, None] * padded[k : k + 5]).sum(0) / 10 for k in range(len(values))])


@pytest.mark.parametrize(("spec", "scale"), [("mfcc:hubert", 1.0), ("mfcc:kaldi39", 32768.0)])
def test_features_that_hubert_is_first_labelled_by(
    hard_sound: Callable[..., np.ndarray], spec: str, scale: float
) -> None:
    """fairseq's dump_mfcc_feature: Kaldi's cepstra without the energy, slopes, slopes of slopes. ``kaldi39`` had the
    energy in place of coefficient 0."""
    sound = hard_sound(16000)
    options = knf.MfccOptions()
    options.frame_opts.dither = 0
    options.use_energy = False
    mfcc = knf.OnlineMfcc(options)
    mfcc.accept_waveform(16000, sound * scale)
    mfcc.input_finished()
    theirs = all_of(mfcc)
    slopes = kaldi_slopes(theirs)
    within(make_extractor(spec)(sound).values, np.hstack([theirs, slopes, kaldi_slopes(slopes)]), 0.02)


@pytest.mark.parametrize("length", [-1, 1, 399, 401, 880, 881, 1041])
def test_log_filterbanks_of_python_speech_features(
    hard_sound: Callable[..., np.ndarray], length: int
) -> None:
    """As AV-HuBERT reads them: 26 bands, four frames side by side, zeros after the end."""
    sound = hard_sound(16000)[: length if length > 0 else None]
    theirs = psf.logfbank(sound.astype(np.float64) * 32768, 16000)
    within(make_extractor("logfbank")(sound).values, theirs, 2e-3)
    rest = -len(theirs) % 4
    stacked = np.concatenate([theirs, np.zeros((rest, 26))]).reshape(-1, 104)
    track = make_extractor("logfbank:avhubert")(sound)
    within(track.values, stacked, 2e-3)
    assert track.grid.rate == 25


def test_log_filterbanks_are_those_of_the_conformance_vectors(shared_data: Path) -> None:
    place = shared_data.parent / "conformance"
    if not place.is_dir():
        pytest.skip("the conformance vectors are not here")
    rng = np.random.default_rng(zlib.crc32(b"input speech wave"))
    wave = np.round(rng.standard_normal(16333).astype(np.float32) * 3000) / 32768
    with np.load(place / "avhubert" / "audio_features.npz") as known:
        for spec, name in (("logfbank", "log_filterbank"), ("logfbank:avhubert", "stacked")):
            within(make_extractor(spec)(wave.astype(np.float32)).values, known[name], 2e-3)


def test_energy_is_librosas_rms(hard_sound: Callable[..., np.ndarray]) -> None:
    sound = hard_sound(16000)
    ours = Energy(EnergyOptions(window=400, window_kind="rectangular", values="rms"))(sound).values
    theirs = librosa.feature.rms(y=sound, frame_length=400, hop_length=160, center=False)[0]
    within(ours, theirs, 1e-6)


def test_energy_of_a_full_scale_tone_is_minus_3_db() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    within(make_extractor("energy")(tone).values, np.full(97, -3.0103), 1e-3)
    silence = make_extractor("energy")(np.zeros(16000, np.float32)).values
    within(silence, np.full(97, -100.0), 1e-4)
