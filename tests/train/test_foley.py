"""How a codec and a vocoder learn: the same networks as in use, losses that move them, whole trainings in small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch")

from genlock.core.errors import InputError, OptionError  # noqa: E402
from genlock.models.foley.codec import Codec, CodecShape, load_codec  # noqa: E402
from genlock.models.foley.vocoder import Vocoder, VocoderShape, load_vocoder  # noqa: E402
from genlock.train.foley.classifier import SoundClassifier  # noqa: E402
from genlock.train.foley.codebook import CodebookRecipe, train_codebook  # noqa: E402
from genlock.train.foley.discriminators import PatchDiscriminator, adaptive_weight  # noqa: E402
from genlock.train.foley.figures import usage_of  # noqa: E402
from genlock.train.foley.losses import bands_of_sound, spectrum_loss, wave_loss  # noqa: E402
from genlock.train.foley.networks import CodecNetwork, VocoderNetwork  # noqa: E402
from genlock.train.foley.options import (  # noqa: E402
    CODEBOOK_LOOP,
    CodebookLosses,
    CodebookTraining,
    VocoderLosses,
    VocoderTraining,
)
from genlock.train.foley.sounds import SoundChanges, SoundClip, crop_of, mel_of  # noqa: E402
from genlock.train.foley.vocoder import VocoderRecipe, train_vocoder  # noqa: E402

SMALL = CodecShape(width=16, encoder_dilations=(1,), decoder_dilations=(1, 2), levels=(4, 4))
SMALL_VOCODER = VocoderShape(width=16, dilations=(1, 2))
LOOP = replace(CODEBOOK_LOOP, steps=3, evaluate_every=3, save_every=3, log_every=1, ema=0.0)


def strikes(seed: int, seconds: float = 0.8) -> np.ndarray:
    """Two damped tones at 24 kHz."""
    random = np.random.default_rng(seed)
    t = np.arange(round(24000 * seconds)) / 24000
    sound = np.zeros(len(t), np.float32)
    for at in random.uniform(0.05, seconds - 0.2, 2):
        after = np.maximum(t - at, 0)
        sound += (t >= at) * 0.3 * np.exp(-30 * after) * np.sin(2 * np.pi * random.uniform(300, 3000) * after)
    return sound.astype(np.float32)


def clips(count: int = 4) -> list[SoundClip]:
    return [SoundClip(f"{k}", strikes(k).astype(np.float16), "ab"[k % 2]) for k in range(count)]


# ---------------------------------------------------------------- the same networks


def test_a_codec_learns_as_what_it_is_in_use() -> None:
    torch.manual_seed(0)
    network = CodecNetwork(SMALL)
    codec = Codec(SMALL, network.arrays())
    mel = mel_of(strikes(3))
    with torch.no_grad():
        told, inside, rounded = network(torch.from_numpy(mel)[None])
    codes = codec.encode(mel)
    assert np.allclose(codec.digits_of(codes), rounded[0], atol=1e-6)
    assert float((inside - rounded).abs().max()) <= 1 / 3 + 1e-6
    assert np.allclose(codec.decode(codes), np.maximum(told[0], -8), atol=1e-4)


def test_a_vocoder_learns_as_what_it_is_in_use() -> None:
    torch.manual_seed(0)
    network = VocoderNetwork(SMALL_VOCODER)
    mel = mel_of(strikes(3, 0.3))
    with torch.no_grad():
        told = network(torch.from_numpy(mel)[None])[0]
    assert np.allclose(Vocoder(SMALL_VOCODER, network.arrays()).sound(mel), told, atol=1e-5)


def test_bands_in_torch_are_the_feature() -> None:
    sound = strikes(1)
    assert np.allclose(bands_of_sound(torch.from_numpy(sound)[None])[0], mel_of(sound), atol=1e-4)


def test_a_vocoder_that_has_not_learnt_already_is_as_loud_as_the_bands_say() -> None:
    random = np.random.default_rng(0)
    noise = (0.1 * random.standard_normal(12000)).astype(np.float32)
    torch.manual_seed(0)
    with torch.no_grad():
        made = VocoderNetwork(SMALL_VOCODER)(torch.from_numpy(mel_of(noise))[None])[0].numpy()
    # Phases at random lose some of it where windows overlap.
    assert 0.25 < made[2000:10000].std() / noise.std() < 1.5


# ---------------------------------------------------------------- losses


def gradients(training: CodebookTraining, step: int = 10) -> tuple[float, torch.Tensor]:
    """The loss of a batch, and the gradient of all of the codec's weights."""
    torch.manual_seed(0)
    classifier = SoundClassifier(2).requires_grad_(False)
    recipe = CodebookRecipe(clips(), [], training, 0, classifier)
    model = recipe.model()
    torch.nn.init.normal_(model.codec.decoder.out.weight, std=0.1)
    batch = recipe.load(recipe.parts(0)[0])
    assert batch is not None
    torch.manual_seed(1)
    loss = recipe.loss(model, batch, step)
    loss.total.backward()
    moved = torch.cat([p.grad.flatten() for p in model.codec.parameters() if p.grad is not None])
    return float(loss.total.detach()), moved


@pytest.mark.parametrize(
    "changed",
    [
        {"band_loss": 2.0},
        {"attack_loss": 2.0},
        {"scale_loss": 2.0},
        {"commitment_loss": 1.0},
        {"patch_loss": 0.8},
        {"perceptual_loss": 1.0},
    ],
)
def test_each_part_of_the_loss_moves_the_codec(changed: dict[str, float]) -> None:
    plain = CodebookTraining(
        codec=SMALL, batch=4, crop_columns=16, plain=0.0, losses=CodebookLosses(patch_begins=5)
    )
    usual, before = gradients(plain)
    other, after = gradients(replace(plain, losses=replace(plain.losses, **changed)))
    assert abs(other - usual) > 1e-6
    assert torch.isfinite(after).all()
    assert float((after - before).abs().max()) > 1e-7


def test_a_discriminator_counts_from_its_beginning_on_and_learns_alone() -> None:
    losses = CodebookLosses(patch_loss=1.0, patch_begins=5)
    training = CodebookTraining(codec=SMALL, batch=4, crop_columns=16, losses=losses)
    assert gradients(training, step=4)[0] != gradients(training, step=5)[0]
    recipe = CodebookRecipe(clips(), [], training, 0)
    assert [(one.optimizer, one.begins) for one in recipe.losses()] == [("codec", 0), ("discriminator", 5)]
    model = recipe.model()
    batch = recipe.load(recipe.parts(0)[0])
    assert batch is not None
    recipe.judge(model, batch, 5).total.backward()
    assert all(p.grad is None for p in model.codec.parameters())
    assert model.discriminator is not None
    assert any(float(p.grad.abs().max()) > 0 for p in model.discriminator.parameters() if p.grad is not None)


def test_the_discriminators_weight_balances_the_last_layer() -> None:
    layer = torch.nn.Linear(4, 2)
    told = layer(torch.ones(3, 4))
    asked, judged = told.sum(), -0.1 * told.sum()
    assert float(adaptive_weight(asked, judged, layer.weight)) == pytest.approx(10, rel=1e-2)
    assert PatchDiscriminator()(torch.zeros(2, 32, 80)).shape == (2, 1, 4, 10)


def test_losses_of_a_vocoder_are_nothing_for_the_truth_and_grow_with_a_delay() -> None:
    true = torch.from_numpy(strikes(2))[None]
    for loss in (spectrum_loss, wave_loss):
        assert float(loss(true, true)) == 0
        late = [float(loss(torch.roll(true, n, 1), true)) for n in (48, 960)]
        assert 0 < late[0] < late[1]
    weights = [
        VocoderLosses(spectrum_loss=0, wave_loss=0),
        VocoderLosses(spectrum_loss=0),
        VocoderLosses(),
        VocoderLosses(patch_loss=1.0, patch_begins=0),
    ]
    found = []
    for each in weights:
        torch.manual_seed(0)
        training = VocoderTraining(vocoder=SMALL_VOCODER, batch=2, crop_cells=24, losses=each)
        recipe = VocoderRecipe(clips(), [], training)
        model = recipe.model()
        batch = recipe.load(recipe.parts(0)[0])
        assert batch is not None
        loss = recipe.loss(model, batch, 1).total
        loss.backward()
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.vocoder.parameters())
        found.append(float(loss.detach()))
    assert len(set(found)) == len(found)


def test_options_out_of_range_are_refused() -> None:
    for bad in (
        lambda: CodebookLosses(band_loss=-1),
        lambda: CodebookTraining(batch=0),
        lambda: VocoderTraining(crop_cells=2),
        lambda: CodecShape(levels=(1,)),
        lambda: SoundChanges(mixed=2),
    ):
        with pytest.raises(OptionError):
            bad()


def test_a_crop_is_a_function_of_its_seed_and_never_too_loud() -> None:
    some = clips()
    for seed in range(20):
        crop = crop_of(some, 1, 200, SoundChanges(gain_db=40), np.random.default_rng(seed))
        assert crop.shape == (48000,)
        assert np.abs(crop).max() <= 1
        again = crop_of(some, 1, 200, SoundChanges(gain_db=40), np.random.default_rng(seed))
        assert np.array_equal(crop, again)


def test_usage_of_codes() -> None:
    assert usage_of(np.array([[0], [1], [2], [3]]), 4) == {"codes_used": 1.0, "code_perplexity": 4.0}


# ---------------------------------------------------------------- whole trainings


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    for k in range(12):
        path = folder / ("wood" if k % 2 else "metal") / f"{k}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, strikes(k), 24000)
    return folder


@pytest.mark.slow  # whole trainings, a classifier of sounds among them
def test_a_codec_from_a_folder_of_sounds(sounds: Path, tmp_path: Path) -> None:
    losses = CodebookLosses(patch_loss=0.5, patch_begins=1, perceptual_loss=0.5)
    training = CodebookTraining(codec=SMALL, batch=4, crop_columns=16, losses=losses, heard=1)
    result = train_codebook([sounds], tmp_path / "run", training, LOOP)
    codec = load_codec(tmp_path / "run")
    assert codec.shape == SMALL
    assert codec.encode(mel_of(strikes(1))).shape == (40, 2)
    assert 0 < result.figures["code_perplexity"] <= 16
    card = (tmp_path / "run" / "MODEL_CARD.md").read_text()
    assert "genlock train codebook DATASET" in card
    assert "--patch-loss 0.5" in card
    heard = Path(result.directory) / "run" / "model" / "heard"
    assert sorted(path.name for path in heard.iterdir()) == ["0-made.wav", "0-true.wav", "0.png"]
    assert (tmp_path / "run" / "classifier.safetensors").is_file()
    log = (tmp_path / "run" / "run" / "log.jsonl").read_text()
    assert "discriminator_loss" in log
    assert "codec_perceptual" in log
    vocoding = VocoderTraining(
        vocoder=SMALL_VOCODER, batch=2, crop_cells=24, codec=str(tmp_path / "run"), heard=1
    )
    trained = train_vocoder([tmp_path / "run" / "dataset"], tmp_path / "vocoder", vocoding, LOOP)
    assert load_vocoder(tmp_path / "vocoder").sound(np.full((4, 80), -8.0)).shape == (960,)
    assert "report_griffin_lim_band_error" in trained.figures
    assert "report_coded_band_error" in trained.figures


def test_a_perceptual_loss_needs_two_classes(tmp_path: Path) -> None:
    folder = tmp_path / "sounds"
    folder.mkdir()
    for k in range(3):
        soundfile.write(folder / f"{k}.wav", strikes(k), 24000)
    training = CodebookTraining(codec=SMALL, batch=2, losses=CodebookLosses(perceptual_loss=1.0))
    with pytest.raises(InputError, match="two labels at least"):
        train_codebook([folder], tmp_path / "run", training, LOOP)
