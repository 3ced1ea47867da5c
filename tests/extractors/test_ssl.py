"""Self-supervised features: the exact grid, batches, chunks, layers, and checkpoints that cannot be used."""

from __future__ import annotations

import importlib.util
import json
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import FormatError, InputError, MissingModel, OptionError
from genlock.testing import check_feature

torch = pytest.importorskip("torch", reason="speech models need the extra genlock[models]")
pytest.importorskip("transformers", reason="speech models need the extra genlock[models]")

from genlock.extractors.sound.ssl import Ssl, SslOptions  # noqa: E402
from genlock.weights import require  # noqa: E402

_spec = importlib.util.spec_from_file_location(
    "checkpoints", Path(__file__).parents[1] / "models" / "checkpoints.py"
)
assert _spec is not None
assert _spec.loader is not None
checkpoints = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checkpoints)

BARE = [kind for kind in checkpoints.KINDS if not kind.startswith("ctc")]
SECOND = 16000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One checkpoint of each kind."""
    root = tmp_path_factory.mktemp("checkpoints")
    for kind in checkpoints.KINDS:
        checkpoints.write_checkpoint(root, kind)
    return root


def noise(count: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    # Louder and louder, with an offset: what a clip's normalisation sees differs from place to place.
    swell = np.linspace(0.05, 0.4, count) * (1 + np.sin(np.arange(count) / 3000))
    return (0.02 + swell * random.standard_normal(count)).astype(np.float32)


def far(a: np.ndarray, b: np.ndarray) -> float:
    """Greatest difference, relative to the spread of the values."""
    return float(np.abs(a - b).max() / b.std())


@pytest.mark.parametrize("kind", BARE)
def test_the_same_values_as_transformers_alone(folder: Path, kind: str) -> None:
    sound = noise(61_334)
    track = Ssl(SslOptions(str(folder / kind)))(sound)
    model, extractor = checkpoints.reference(folder / kind)
    with torch.inference_mode():
        inputs = extractor(sound, sampling_rate=SECOND, return_tensors="pt").input_values
        states = model(inputs, output_hidden_states=True)
    assert far(track.values, states.last_hidden_state[0].numpy()) < 1e-4
    assert len(track) == 191
    assert track.grid.center(0) == Fraction(399, 2 * SECOND)
    assert track.support == "whole"
    first = Ssl(SslOptions(str(folder / kind), layer=1))(sound)
    assert far(first.values, states.hidden_states[1][0].numpy()) < 1e-4


@pytest.mark.parametrize("kind", ["wav2vec2-layer", "wav2vec2-group"])
def test_a_weighted_sum_of_layers(folder: Path, kind: str) -> None:
    sound = noise(SECOND)
    each = [Ssl(SslOptions(str(folder / kind), layer=k))(sound).values for k in range(3)]
    summed = Ssl(SslOptions(str(folder / kind), layer_weights=(0.5, 0.25, -1.0)))(sound).values
    np.testing.assert_allclose(summed, 0.5 * each[0] + 0.25 * each[1] - each[2], atol=1e-5)


@pytest.mark.parametrize("kind", BARE)
def test_batched_is_single(folder: Path, kind: str) -> None:
    """Equal lengths computed together are what each is alone: nothing is padded."""
    options = {"chunk_seconds": 0.5, "left_seconds": 0.5, "right_seconds": 0.5}
    sound = noise(6 * SECOND)
    single = Ssl(SslOptions(str(folder / kind), batch=1, **options))(sound).values
    batched = Ssl(SslOptions(str(folder / kind), batch=5, **options))(sound).values
    assert far(batched, single) < 1e-4


# Stated tolerances, relative to the spread of the values. The convolutions are exact but for rounding. The
# transformer of these random models hears everything equally, which trained ones do not.
@pytest.mark.parametrize("kind", BARE)
def test_in_chunks_is_whole(folder: Path, kind: str) -> None:
    sound = noise(7 * SECOND + 123)
    chunks = {"chunk_seconds": 1.0, "left_seconds": 1.0, "right_seconds": 1.0}
    whole = Ssl(SslOptions(str(folder / kind), layer="conv"))(sound)
    pieces = Ssl(SslOptions(str(folder / kind), layer="conv", **chunks))(sound)
    assert pieces.grid == whole.grid
    assert len(pieces) == len(whole)
    assert far(pieces.values, whole.values) < 2e-5
    # With the whole clip as context the transformer is exact as well.
    last = Ssl(SslOptions(str(folder / kind)))(sound)
    generous = Ssl(SslOptions(str(folder / kind), chunk_seconds=2.0, left_seconds=9.0, right_seconds=9.0))(
        sound
    )
    assert far(generous.values, last.values) < 1e-3
    assert "of the whole clip" in generous.context


def test_a_group_norm_model_without_the_clip_norm_warns_and_is_off(folder: Path) -> None:
    sound = noise(5 * SECOND)
    chunks = {"chunk_seconds": 1.0, "left_seconds": 0.5, "right_seconds": 0.5, "layer": "conv"}
    model = str(folder / "wav2vec2-group")
    whole = Ssl(SslOptions(model, layer="conv"))(sound).values
    with pytest.warns(UserWarning, match="normalises its first layer over the whole clip"):
        naive = Ssl(SslOptions(model, clip_statistics=False, **chunks))
    assert far(naive(sound).values, whole) > 0.05
    assert far(Ssl(SslOptions(model, **chunks))(sound).values, whole) < 2e-5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Ssl(SslOptions(str(folder / "wav2vec2-layer"), clip_statistics=False, **chunks))


@pytest.mark.parametrize("kind", ["wav2vec2-layer", "wavlm-group"])
def test_the_declared_times_are_true(folder: Path, kind: str) -> None:
    check_feature(Ssl(SslOptions(str(folder / kind))))


def test_input_gradients_of_a_frame_fill_its_window_and_no_more(folder: Path) -> None:
    """Frame k of the convolutions depends on samples 320 k ... 320 k + 399 and on nothing else."""
    encoder = Ssl(SslOptions(str(folder / "wav2vec2-layer"))).encoder
    for k in (0, 3, 7):
        samples = torch.from_numpy(noise(4000))[None].requires_grad_()
        encoder.base.feature_extractor.requires_grad_(True)
        encoder.base.feature_extractor(samples)[0, :, k].pow(2).sum().backward()
        touched = np.flatnonzero(samples.grad[0].numpy())
        assert (touched[0], touched[-1]) == (320 * k, 320 * k + 399)


def test_short_and_silent_sound(folder: Path) -> None:
    for kind in ("wav2vec2-layer", "wav2vec2-group"):
        extractor = Ssl(SslOptions(str(folder / kind)))
        for count, frames in ((0, 0), (399, 0), (400, 1), (719, 1), (720, 2)):
            assert extractor(noise(count)).values.shape == (frames, 24)
            assert extractor.count(count) == frames
        assert np.isfinite(extractor(np.zeros(4000, np.float32)).values).all()
    chunked = Ssl(SslOptions(str(folder / "wav2vec2-group"), chunk_seconds=1.0))
    assert chunked(noise(399)).values.shape == (0, 24)


def test_samples_that_are_not_numbers(folder: Path) -> None:
    sound = noise(SECOND)
    sound[160] = np.nan
    with pytest.raises(InputError, match=r"nan at 0\.010000 s \(sample 160\)"):
        Ssl(SslOptions(str(folder / "wav2vec2-layer")))(sound)
    sound[160] = np.inf
    with pytest.raises(InputError, match="inf at"):
        Ssl(SslOptions(str(folder / "wav2vec2-layer")))(sound)


def test_layers_that_do_not_exist(folder: Path) -> None:
    model = str(folder / "wav2vec2-layer")
    with pytest.raises(OptionError, match=r"layer 3 does not exist.*0\.\.\.2"):
        Ssl(SslOptions(model, layer=3))
    with pytest.raises(OptionError, match="2 layer_weights"):
        Ssl(SslOptions(model, layer_weights=(0.5, 0.5)))
    with pytest.raises(OptionError, match="chunk of 0"):
        SslOptions(model, chunk_seconds=0)
    with pytest.raises(OptionError, match="neither is below zero"):
        SslOptions(model, chunk_seconds=1, left_seconds=-1)


def test_our_own_model_gives_the_layer_that_its_card_names() -> None:
    sound = (0.1 * np.random.default_rng(0).standard_normal(8000)).astype(np.float32)
    own = Ssl().values(sound)
    assert np.array_equal(own, Ssl(SslOptions(layer=0)).values(sound))
    assert not np.array_equal(own, Ssl(SslOptions(layer=-1)).values(sound))
    named = SslOptions(str(require("speech-nano")))  # by its folder it is a model as any other
    assert np.array_equal(Ssl(named).values(sound), Ssl(SslOptions(layer=-1)).values(sound))


def test_checkpoints_that_cannot_be_used(folder: Path, tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    assert Ssl().encoder.base.config.hidden_size == 192  # our own model, which comes with the package
    with pytest.raises(MissingModel, match="neither a folder nor in the local cache; get it") as told:
        Ssl(SslOptions("nobody/has-this-model"))
    assert "\n" not in str(told.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no config\.json"):
        Ssl(SslOptions(str(tmp_path / "empty")))
    bert = BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=10
    )
    BertModel(bert).save_pretrained(tmp_path / "bert")
    with pytest.raises(InputError, match="checkpoint of 'bert'; speech features need one of wav2vec2"):
        Ssl(SslOptions(str(tmp_path / "bert")))


@pytest.mark.parametrize("damage", ["cut", "garbage", "config", "lacking", "gone"])
def test_damaged_checkpoints(folder: Path, tmp_path: Path, damage: str) -> None:
    broken = checkpoints.write_checkpoint(tmp_path, "wav2vec2-layer")
    weights, config = broken / "model.safetensors", broken / "config.json"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:5000])
    elif damage == "garbage":
        weights.write_bytes(b"\xff" * 5000)
    elif damage == "gone":
        weights.unlink()
    elif damage == "lacking":
        from safetensors.torch import load_file, save_file

        state = load_file(weights)
        state.pop("encoder.layers.1.attention.k_proj.weight")
        save_file(state, weights, metadata={"format": "pt"})
    else:
        config.write_text(config.read_text()[:200])
    with pytest.raises((FormatError, InputError)) as told:
        Ssl(SslOptions(str(broken)))
    assert str(broken) in str(told.value)
    assert "\n" not in str(told.value)


def test_settings_beside_the_checkpoint(tmp_path: Path) -> None:
    from genlock.models.speech.encoder import load_speech_encoder

    path = checkpoints.write_checkpoint(tmp_path, "ctc-layer")
    (path / "genlock.json").write_text(json.dumps({"bias_seconds": "0.035"}))
    encoder = load_speech_encoder(path, ctc=True)
    assert encoder.bias_seconds == Fraction(35, 1000)
    assert (encoder.blank, encoder.word_delimiter, len(encoder.vocabulary)) == (0, "|", 8)
    (path / "genlock.json").write_text(json.dumps({"bias_seconds": "late"}))
    with pytest.raises(FormatError, match="bias_seconds is 'late'"):
        load_speech_encoder(path, ctc=True)
    (path / "genlock.json").unlink()
    (path / "vocab.json").unlink()
    with pytest.raises(InputError, match=r"no vocab\.json"):
        load_speech_encoder(path, ctc=True)
    with pytest.raises(InputError, match="no CTC head"):
        load_speech_encoder(checkpoints.write_checkpoint(tmp_path, "wav2vec2-layer"), ctc=True)


def test_by_name_from_a_file(folder: Path, tmp_path: Path) -> None:
    import genlock
    from genlock.cli import main
    from genlock.testing import example_video

    model = folder / "wav2vec2-group"
    spec = f"ssl:{model}#1+0.5s"
    tracks = genlock.features(example_video(), f"{spec},energy")
    assert set(tracks) == {spec, "energy"}
    assert tracks[spec].values.shape[1] == 24
    assert 99 <= len(tracks[spec]) <= 101  # the coder pads the sound
    assert tracks[spec].grid.start == Fraction(79, 32000)
    flags = genlock.features(example_video(), f"ssl:{model}", layer=1, chunk_seconds=0.5)
    assert np.array_equal(flags[f"ssl:{model}"].values, tracks[spec].values)
    command = ["features", str(example_video()), "--feature", f"ssl:{model}", "-o", str(tmp_path)]
    assert main([*command, "--layer", "conv", "--on", "frames"]) == 0
    saved = genlock.load_track(tmp_path / "ssl-wav2vec2-group.npz")
    assert saved.values.shape == (50, 8)
    for wrong in (["--layer", "last"], ["--layer", "9"], ["--chunk-seconds", "-1"]):
        assert main([*command, *wrong]) == 2
    assert genlock.features(example_video(), "ssl", layer=2)["ssl"].values.shape[1] == 192  # our own model
    with pytest.raises(OptionError, match="go with the feature ssl"):
        genlock.features(example_video(), "mel", layer=2)
    with pytest.raises(OptionError, match="go with the feature ssl"):
        genlock.features(example_video(), "mel", layer=1)
