"""The recipes, really trained for a few steps on the language of tones."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import transformers
from accelerate.state import AcceleratorState

from genlock.cli import main
from genlock.core.errors import FormatError, InputError, MissingModel, OptionError
from genlock.extractors.sound.ssl import Ssl, SslOptions
from genlock.models.speech.encoder import load_speech_encoder
from genlock.train.loop import train
from genlock.train.option_files import options_from, read_options
from genlock.train.options import CtcTraining, LoopOptions, Wav2Vec2Training
from genlock.train.speech.contrastive import code_perplexity, contrast
from genlock.train.speech.ctc import CtcRecipe, train_ctc
from genlock.train.speech.shapes import SHAPES, filter_bank, make_config
from genlock.train.speech.symbols import spell
from genlock.train.speech.utterances import Speech
from genlock.train.speech.wav2vec2 import Wav2Vec2Recipe, pretrain

QUICK = LoopOptions(steps=4, save_every=2, evaluate_every=4, threads=1)
MICRO = CtcTraining(shape="micro", batch_seconds=8, word_times=0.5)
SOUNDS = Wav2Vec2Training(shape="micro", batch_seconds=8, negatives=20, codes=16)


@pytest.fixture(scope="module")
def pretrained(tone_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("pretrained") / "run"
    pretrain([tone_dataset], run, SOUNDS, QUICK)
    return run


@pytest.fixture(scope="module")
def supervised(pretrained: Path, tone_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("supervised") / "run"
    options = CtcTraining(start=str(pretrained / "model"), batch_seconds=8, join_seconds=4, parts=2)
    train_ctc([tone_dataset], run, options, QUICK)
    return run


def log(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def test_pretraining_logs_what_the_method_is_judged_by(pretrained: Path) -> None:
    rows = log(pretrained)
    for row in rows:
        assert {
            "contrastive",
            "diversity",
            "accuracy",
            "chance",
            "perplexity_1",
            "perplexity_2",
            "gradient_norm",
            "gumbel_temperature",
            "features_penalty",
        } <= set(row)
        assert 1 <= row["perplexity_1"] <= 16
        assert 0 < row["chance"] <= row["accuracy"] + 1
    assert {"valid_accuracy", "valid_chance", "valid_contrastive"} <= set(rows[-1])
    temperatures = [row["gumbel_temperature"] for row in rows]
    assert temperatures == sorted(temperatures, reverse=True)
    transformers.Wav2Vec2ForPreTraining.from_pretrained(pretrained / "model")


def test_our_loss_is_transformers_and_the_penalty(tone_speech: Speech) -> None:
    recipe = Wav2Vec2Recipe(tone_speech, SOUNDS, QUICK)
    torch.manual_seed(0)
    model = recipe.model().train()
    batch = recipe.load(recipe.parts(0)[0])
    assert batch is not None
    t = batch.tensors
    torch.manual_seed(1)  # the same dropout and the same choice of codes
    found = recipe.loss(model, batch, 0)
    torch.manual_seed(1)
    theirs = model(
        t["samples"],
        attention_mask=t["attention"],
        mask_time_indices=t["mask"],
        sampled_negative_indices=t["negatives"],
    )
    penalty = model.wav2vec2.feature_extractor(t["samples"]).square().mean()
    expected = (theirs.loss + 10 * penalty * batch.weight).detach()
    assert float(found.total.detach()) == pytest.approx(float(expected), rel=1e-5)
    assert batch.weight == float(t["mask"].sum())
    # Perplexity of the two groups adds up to theirs, which is one number for both.
    _, normed = model.wav2vec2.feature_projection(
        model.wav2vec2.feature_extractor(t["samples"]).transpose(1, 2)
    )
    logits = model.quantizer.train()(normed, t["mask"])[1], model.quantizer.weight_proj(normed)
    assert code_perplexity(logits[1], t["mask"], 2).sum().item() == pytest.approx(logits[0].item(), rel=1e-5)


def test_pretraining_survives_a_code_that_is_not_used(tone_speech: Speech, tmp_path: Path) -> None:
    """The gradient of transformers' perplexity is not finite there (see also tests/known_issues/test_training.py)."""

    class Planted(Wav2Vec2Recipe):
        def model(self) -> Any:
            model = super().model()
            with torch.no_grad():
                model.quantizer.weight_proj.bias[::3] -= 1000.0
            return model

    training = Wav2Vec2Training(shape="micro", batch_seconds=8, negatives=20, codes=16, heard=1.0)
    options = LoopOptions(steps=3, save_every=3, evaluate_every=3, threads=1)
    for share in (0.0, 1.0):  # heard=1: no frame is hidden, so that no code is looked at
        recipe = Planted(tone_speech, replace(training, heard=share), options)
        assert train(recipe, options, tmp_path / f"run{share}").steps == 3


def test_a_collapsed_quantiser_is_seen() -> None:
    states, same = torch.randn(1, 6, 4), torch.ones(1, 6, 4)
    mask = torch.ones(1, 6, dtype=torch.bool)
    others = torch.tensor([[[(k + 1) % 6, (k + 2) % 6] for k in range(6)]])
    found = contrast(states, same, mask, others)
    assert (found.right, found.chance) == (6.0, 6.0)
    distinct = torch.eye(6)[None]
    found = contrast(distinct, distinct, mask, others)
    assert (found.right, found.chance) == (6.0, pytest.approx(2.0))
    assert contrast(-distinct, distinct, mask, others).right == 0.0
    one_code = torch.full((1, 6, 8), -20.0)
    one_code[..., 3] = 20.0
    assert code_perplexity(one_code, mask, 1).tolist() == [pytest.approx(1.0, abs=1e-3)]


def test_the_result_opens_with_transformers_and_with_genlock(supervised: Path, tone_folder: Path) -> None:
    folder = supervised / "model"
    model = transformers.AutoModelForCTC.from_pretrained(folder)
    processor = transformers.AutoProcessor.from_pretrained(folder)
    sound, _ = soundfile.read(tone_folder / "00.wav", dtype="float32")
    taken = processor(sound, sampling_rate=16000, return_tensors="pt")
    logits = model(**taken).logits[0]
    encoder = load_speech_encoder(folder, ctc=True)
    ours = encoder.log_probabilities(
        encoder.prepared(sound, *encoder.clip_statistics(lambda a, b: sound[a:b], len(sound)))[None]
    )
    assert np.allclose(ours[0], torch.log_softmax(logits, -1).detach().numpy(), atol=1e-4)
    assert processor.batch_decode(logits.argmax(-1)[None])[0] is not None
    features = Ssl(SslOptions(model=str(folder)))(sound)
    assert len(features) == len(logits)
    assert float(features.grid.center(0)) == pytest.approx(199.5 / 16000)


def test_fine_tuning_begins_with_the_pretrained_weights_and_leaves_the_convolutions(
    pretrained: Path, supervised: Path
) -> None:
    before = transformers.AutoModel.from_pretrained(pretrained / "model").state_dict()
    after = transformers.AutoModelForCTC.from_pretrained(supervised / "model").wav2vec2.state_dict()
    conv = [name for name in before if name.startswith("feature_extractor")]
    rest = [name for name in before if "encoder.layers" in name and name.endswith("weight")]
    assert all(torch.equal(before[name], after[name]) for name in conv)
    for name in rest:
        assert not torch.equal(before[name], after[name])
        assert (before[name] - after[name]).abs().max() < 0.1


def test_a_recipe_goes_on_to_the_bit(tone_speech: Speech, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def progress(stage: str, done: float, total: float | None) -> None:
        if done == 3:
            raise Killed

    for make in (
        lambda: CtcRecipe(tone_speech, MICRO, QUICK),
        lambda: Wav2Vec2Recipe(tone_speech, SOUNDS, QUICK),
    ):
        recipe = make()
        whole, run = tmp_path / f"{recipe.name}-whole", tmp_path / recipe.name
        train(recipe, QUICK, whole)
        with pytest.raises(Killed):
            train(make(), QUICK, run, progress)
        train(make(), QUICK, run)
        one, two = (
            [{k: v for k, v in row.items() if "_seconds" not in k} for row in log(r)] for r in (whole, run)
        )
        assert one == two


def test_a_run_from_before_an_option_goes_on_with_its_default(tone_dataset: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    pretrain([tone_dataset], run, SOUNDS, QUICK)
    record = json.loads((run / "run.json").read_text())
    del record["settings"]["freeze_convolutions"]
    (run / "run.json").write_text(json.dumps(record))
    assert pretrain([tone_dataset], run, SOUNDS, QUICK).steps == QUICK.steps
    del record["settings"]["codes"]  # another than the default
    (run / "run.json").write_text(json.dumps(record))
    with pytest.raises(OptionError, match="codes 320, not 16"):
        pretrain([tone_dataset], run, SOUNDS, QUICK)


def test_a_fresh_model_hears_a_spectrogram_and_uses_its_codes(tone_speech: Speech) -> None:
    recipe = Wav2Vec2Recipe(tone_speech, replace(SOUNDS, freeze_convolutions=True), QUICK)
    torch.manual_seed(0)
    model = recipe.model()
    # Each channel answers most to a tone of its own band, the higher channel to the higher tone.
    bands = []
    for hertz in (400, 2500):
        tone = torch.sin(2 * np.pi * hertz * torch.arange(4000) / 16000)[None]
        bands.append(int(model.wav2vec2.feature_extractor(tone)[0, :16].mean(1).argmax()))
    assert bands[0] < bands[1]
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {
        n
        for n, _ in model.named_parameters()
        if any(place in n for place in (".feature_extractor.", "projection.layer_norm"))
    }
    batch = recipe.load(recipe.parts(0)[0])
    assert batch is not None
    figures = recipe.loss(model, batch, 0).figures
    assert min(figures[f"perplexity_{k}"][0] / batch.weight for k in (1, 2)) > 4
    plain = transformers.Wav2Vec2ForPreTraining(recipe._config)
    wasted = recipe.loss(plain, batch, 0).figures
    assert wasted["perplexity_1"][0] < figures["perplexity_1"][0]


def test_the_contrastive_loss_has_the_gradient_of_transformers(tone_speech: Speech) -> None:
    recipe = Wav2Vec2Recipe(tone_speech, SOUNDS, QUICK)
    torch.manual_seed(0)
    model = recipe.model().eval()
    batch = recipe.load(recipe.parts(0)[0])
    assert batch is not None
    t = batch.tensors
    theirs = model(
        t["samples"],
        attention_mask=t["attention"],
        mask_time_indices=t["mask"],
        sampled_negative_indices=t["negatives"],
    )
    names = ("project_hid.weight", "project_q.weight", "wav2vec2.masked_spec_embed")
    chosen = [dict(model.named_parameters())[name] for name in names]
    expected = torch.autograd.grad(theirs.contrastive_loss, chosen)
    again = model(t["samples"], attention_mask=t["attention"], mask_time_indices=t["mask"])
    found = contrast(again.projected_states, again.projected_quantized_states, t["mask"], t["negatives"])
    for ours, true in zip(torch.autograd.grad(found.loss, chosen), expected, strict=True):
        assert torch.allclose(ours, true, rtol=1e-3, atol=1e-4 * float(true.abs().max()))


def test_pretraining_in_mixed_precision(tone_dataset: Path, tmp_path: Path) -> None:
    AcceleratorState._reset_state()  # as a new process has it
    try:
        half = replace(QUICK, precision="bf16")
        pretrain([tone_dataset], tmp_path / "run", SOUNDS, half)
    finally:
        AcceleratorState._reset_state()
    rows = log(tmp_path / "run")
    assert len(rows) == QUICK.steps
    assert all(np.isfinite(row["loss"]) for row in rows)


def test_training_learns(tone_dataset: Path, tmp_path: Path) -> None:
    loop = LoopOptions(steps=40, save_every=100, evaluate_every=40, learning_rate=5e-3, threads=1)
    # Letters are pitches here, so speed and pitch stay.
    still = replace(MICRO, speed=0.0, noise=0.0, mask_time=0.0, dropout=0.0, minutes=0.07)
    train_ctc([tone_dataset], tmp_path / "run", still, loop)
    rows = log(tmp_path / "run")
    for name, share in (("ctc", 0.5), ("frame", 0.95)):
        values = [row[name] for row in rows]
        assert np.mean(values[-5:]) < share * np.mean(values[:5]), name


def test_the_command_line(tone_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--list"]) == 0
    assert "wav2vec2" in capsys.readouterr().out
    run = tmp_path / "run"
    tone_folder = Path(shutil.copytree(tone_folder, tmp_path / "mine"))
    (tone_folder / "empty.wav").write_bytes(b"")
    (tmp_path / "o.yaml").write_text("steps: 9\nshape: micro\nbatch_seconds: 8\nthreads: 1\n")
    words = ["train", "ctc", str(tone_folder), "-o", str(run), "--options", str(tmp_path / "o.yaml")]
    assert main([*words, "--steps", "2", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["steps"] == 2
    assert {"wer", "cer"} <= set(result["figures"])
    assert any("1 clip left out" in note and "empty.wav" in note for note in result["notes"])
    left_out = json.loads((run / "left_out.json").read_text())["clips"]
    assert [entry["clip"] for entry in left_out] == ["empty.wav"]
    assert (
        main(
            [
                "words",
                str(tone_folder / "00.wav"),
                "--recognizer",
                "hf-ctc",
                "--model",
                result["model"],
                "--json",
            ]
        )
        == 0
    )
    assert json.loads(capsys.readouterr().out)["recognizer"] == "hf-ctc"
    # The record of a run is a file of options; the run is done, so it only answers.
    again = ["train", "ctc", str(tone_folder), "-o", str(run), "--options", str(run / "run.json")]
    assert main(again) == 0
    assert main(["train", "ctc", str(tone_folder), "-o", str(run), "--shape", "nano"]) == 2
    assert "holds another run" in capsys.readouterr().err
    assert main(["train"]) == 2
    for flag in (["--from", result["model"]], [f"--from={result['model']}"]):
        further = tmp_path / f"further{len(flag)}"
        command = ["train", "ctc", str(tone_folder), "-o", str(further), *flag, "--steps", "1", "--json"]
        assert main([*command, "--batch-seconds", "8", "--threads", "1"]) == 0
        assert json.loads((further / "run.json").read_text())["settings"]["start"] == result["model"]


@pytest.mark.slow
def test_a_model_of_phones(tone_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    options = [
        "--units",
        "phones",
        "--shape",
        "micro",
        "--batch-seconds",
        "8",
        "--steps",
        "3",
        "--threads",
        "1",
        "--json",
    ]
    assert main(["train", "ctc", str(tone_folder), "-o", str(run), *options]) == 0
    result = json.loads(capsys.readouterr().out)
    assert {"wer", "per"} <= set(result["figures"])
    vocabulary = json.loads((run / "model/vocab.json").read_text())
    assert len(vocabulary) == 42
    processor = transformers.AutoProcessor.from_pretrained(run / "model")
    classes = spell("bin two", vocabulary, "phones")
    assert processor.batch_decode([classes]) == ["BIHN TUW"]
    text = tmp_path / "said.txt"
    text.write_text("bin two")
    words = ["words", str(tone_folder / "00.wav"), "--model", result["model"]]
    # After three updates it may find no word: then the status says so.
    assert main([*words, "--transcript", str(text), "--json"]) in (0, 3)
    found = json.loads(capsys.readouterr().out)
    assert (found["aligner"], [w["text"] for w in found["words"]]) == ("ctc", ["bin", "two"])
    assert main([*words, "--recognizer", "hf-ctc"]) == 2
    assert "writes phones, not words: give what is said with --transcript" in capsys.readouterr().err


def test_bad_input(tone_speech: Speech, tone_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match="neither a folder nor in the local cache"):
        CtcRecipe(tone_speech, CtcTraining(start="nobody/nothing"), QUICK)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/config.json").write_text("{")
    with pytest.raises(FormatError, match="no checkpoint"):
        CtcRecipe(tone_speech, CtcTraining(start=str(tmp_path / "broken")), QUICK)
    silent = tmp_path / "textless"
    silent.mkdir()
    soundfile.write(silent / "a.wav", np.random.default_rng(0).standard_normal(16000) * 0.1, 16000)
    with pytest.raises(InputError, match=r"no clip .* has a text that can be used .*; put transcripts\.tsv"):
        train_ctc([silent], tmp_path / "run", MICRO, QUICK)
    with pytest.raises(OptionError, match="the shape 'huge' is unknown"):
        make_config("huge")
    with pytest.raises(OptionError, match="the option 'stepps' is unknown"):
        options_from({"stepps": 3}, LoopOptions)
    with pytest.raises(OptionError, match="steps='many' is no int"):
        options_from({"steps": "many"}, LoopOptions)
    (tmp_path / "x.yaml").write_text("- 1\n")
    with pytest.raises(InputError, match="no list of options"):
        read_options(tmp_path / "x.yaml")


def test_a_text_that_its_sound_cannot_hold_is_left_out(tone_speech: Speech) -> None:
    train = tone_speech.train
    speech = replace(tone_speech, train=replace(train, texts=("ab " * 300, *train.texts[1:])))
    recipe = CtcRecipe(speech, MICRO, QUICK)
    assert recipe.unfit == (train.names[0],)
    assert recipe.left_out == ((train.names[0], "its text is too long for its sound"),)
    assert train.names[0] not in recipe.learnt.names


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_have_the_framing_of_wav2vec2(shape: str) -> None:
    config = make_config(shape)
    window, hop = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        window, hop = window + (kernel - 1) * hop, hop * stride
    assert (window, hop) == (400, 320)


def test_the_filter_bank_hears_its_frequencies() -> None:
    bank = filter_bank(64, 80)
    times = np.arange(80) / 16000
    for hertz in (300, 1000, 3000):
        wave = np.exp(2j * np.pi * hertz * times)
        energy = (np.abs(bank @ wave) ** 2).reshape(-1, 2).sum(1)
        spectrum = np.abs(np.fft.rfft(bank[2 * int(energy.argmax())], 4096))
        assert abs(spectrum.argmax() * 16000 / 4096 - hertz) < 150
