"""A checkpoint of each public form loads, runs and says what it is; one that is not right is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from genlock.core.errors import FormatError, InputError, MissingModel
from genlock.models.avhubert.load import load_avhubert
from genlock.models.avhubert.recognizer import AVRecognizer, Parts, load_avsr, save_avsr
from genlock.models.avhubert.shape import DecoderShape
from genlock.models.avhubert.tokens import Tokens, read_tokens


def place(form: str, folder: Path) -> Path:
    return folder / ("port" if form == "port" else f"{form}.pt")


@pytest.fixture(scope="module")
def written(forms: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("public")
    for form in forms.FORMS:
        forms.write(form, "tiny", place(form, folder))
    return folder


def answers(model: AVRecognizer, plan: Any) -> torch.Tensor:
    with torch.no_grad():
        return model.encoder(plan.signal("audio", (2, 104, 5)), plan.signal("video", (2, 1, 5, 48, 48))).last


@pytest.mark.parametrize("form", ["pretrained", "finetuned", "align", "port"])
def test_a_checkpoint_of_each_public_form_loads_and_runs(
    form: str, written: Path, plan: Any, forms: Any
) -> None:
    loaded = load_avhubert(place(form, written))
    model = loaded.model
    assert loaded.form == {"align": "pretrained"}.get(form, form)
    assert len(loaded.sha256) == 64
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert torch.isfinite(answers(model, plan)).all()
    assert (model.alignment is not None) == (form == "align")
    if form in ("finetuned", "port"):
        assert model.tokens is not None
        assert model.decoder is not None
        assert model.tokens.symbols == tuple(forms.symbols_of(30))
        logits = model.decoder(torch.tensor([[2, 5]] * 2), answers(model, plan))
        assert logits.shape == (2, 2, 30)


def test_all_forms_of_the_same_weights_mean_the_same(
    written: Path, plan: Any, forms: Any, tmp_path: Path
) -> None:
    state = forms.random_state(forms.listing("tiny"), 3)
    decoder = forms.random_state(forms.decoder_listing("tiny"), 4)
    forms.write_fairseq(tmp_path / "a.pt", state, forms.settings_of("pretrained", "tiny"))
    names = forms.entries("finetuned", forms.listing("tiny"), {})
    fine = {name: state[name.removeprefix("encoder.w2v_model.")] for name in names}
    forms.write_fairseq(
        tmp_path / "b.pt",
        fine | decoder,
        forms.settings_of("finetuned", "tiny"),
        forms.symbols_of(30),
        as_objects=True,
    )
    port = {
        f"model.encoder.{forms._of_port(n.removeprefix('encoder.w2v_model.'))}": t for n, t in fine.items()
    } | {f"model.{n}": t for n, t in decoder.items()}
    forms.write_port(tmp_path / "c", port, "tiny", 30)
    one, two, three = (load_avhubert(tmp_path / name).model for name in ("a.pt", "b.pt", "c"))
    assert torch.equal(answers(one, plan), answers(two, plan))
    assert torch.equal(answers(one, plan), answers(three, plan))
    assert two.decoder is not None
    assert three.decoder is not None
    memory = answers(two, plan)
    tokens = torch.tensor([[2, 7, 9]] * 2)
    assert torch.equal(two.decoder(tokens, memory), three.decoder(tokens, memory))


def test_half_precision_and_the_older_file_form(forms: Any, tmp_path: Path, plan: Any) -> None:
    state = forms.random_state(forms.listing("tiny"), 3)
    forms.write_fairseq(tmp_path / "new.pt", state, forms.settings_of("pretrained", "tiny"))
    forms.write_fairseq(tmp_path / "old.pt", state, forms.settings_of("pretrained", "tiny"), legacy=True)
    half = {n: t.half() if t.is_floating_point() else t for n, t in state.items()}
    forms.write_fairseq(tmp_path / "half.pt", half, forms.settings_of("pretrained", "tiny"))
    new, old, less = (load_avhubert(tmp_path / f"{n}.pt").model for n in ("new", "old", "half"))
    assert torch.equal(answers(new, plan), answers(old, plan))
    assert torch.allclose(answers(new, plan), answers(less, plan), atol=0.05)
    assert next(less.parameters()).dtype == torch.float32


def test_the_hub_name_is_looked_for_in_the_cache(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan: Any
) -> None:
    revision = "0" * 40
    repository = tmp_path / "models--somebody--av"
    snapshot = repository / "snapshots" / revision
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(revision)
    for file in (written / "port").iterdir():
        (snapshot / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", str(tmp_path))
    loaded = load_avhubert("somebody/av")
    assert torch.equal(answers(loaded.model, plan), answers(load_avhubert(written / "port").model, plan))
    with pytest.raises(MissingModel, match="genlock models fetch nobody/nothing"):
        load_avhubert("nobody/nothing")


@pytest.mark.parametrize("form", ["pretrained", "finetuned", "align"])
def test_every_truncation_of_a_checkpoint_is_told(form: str, written: Path, tmp_path: Path) -> None:
    data = place(form, written).read_bytes()
    for share in (0.0, 0.01, 0.3, 0.9, 0.999):
        cut = tmp_path / "cut.pt"
        cut.write_bytes(data[: int(share * len(data))])
        with pytest.raises(FormatError, match=r"cut\.pt"):
            load_avhubert(cut)


def test_a_truncated_port_is_told(written: Path, tmp_path: Path) -> None:
    data = (written / "port" / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(FormatError, match="damaged"):
        load_avhubert(tmp_path)
    with pytest.raises(MissingModel):
        load_avhubert(tmp_path / "nothing.pt")


def test_one_missing_one_too_many_one_wrong_in_a_file(written: Path, tmp_path: Path) -> None:
    state = load_file(written / "port" / "model.safetensors")
    config = (written / "port" / "config.json").read_text()
    (tmp_path / "config.json").write_text(config)
    (tmp_path / "vocab.json").write_text((written / "port" / "vocab.json").read_text())
    name = "model.encoder.encoder.layers.1.attention.q_proj.weight"
    wrongs = {
        f"{name!r} is missing": {n: t for n, t in state.items() if n != name},
        "'model.encoder.new' is unknown": {**state, "model.encoder.new": torch.zeros(2)},
        f"{name!r} has the shape": {**state, name: torch.zeros(64, 65)},
        f"{name!r} holds numbers that are not finite": {**state, name: torch.full((64, 64), float("nan"))},
    }
    for said, changed in wrongs.items():
        save_file(changed, tmp_path / "model.safetensors")
        with pytest.raises(FormatError, match=said):
            load_avhubert(tmp_path)


def test_a_decoder_without_a_vocabulary_is_told_how_to_get_one(
    written: Path, tmp_path: Path, forms: Any
) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((written / "port" / name).read_bytes())
    with pytest.raises(InputError, match="--tokens"):
        load_avhubert(tmp_path)
    pieces = forms.symbols_of(30)[4:]
    dictionary = tmp_path / "dict.wrd.txt"
    dictionary.write_text("".join(f"{piece} 1\n" for piece in pieces))
    loaded = load_avhubert(tmp_path, dictionary)
    assert loaded.model.tokens is not None
    assert loaded.model.tokens.symbols == tuple(forms.symbols_of(30))
    dictionary.write_text("a 1\nb 1\n")
    with pytest.raises(FormatError, match="6"):
        load_avhubert(tmp_path, dictionary)


def test_vocabularies_of_others(tmp_path: Path) -> None:
    def message(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2, len(data)]) + data

    pieces = ["<unk>", "<s>", "</s>", "\u2581the", "ing"]
    entries = [message(1, message(1, p.encode()) + b"\x15\x00\x00\x80\x3f\x18\x01") for p in pieces]
    model = tmp_path / "spm.model"
    model.write_bytes(b"".join(entries) + message(2, b"\x20\x05"))
    assert read_tokens(model).symbols == ("<s>", "<pad>", "</s>", "<unk>", "\u2581the", "ing")
    assert read_tokens(model).text([2, 4, 5, 4, 2]) == "theing the"
    model.write_bytes(b"".join(entries)[:-3])
    with pytest.raises(FormatError):
        read_tokens(model)
    numbers = tmp_path / "vocab.json"
    numbers.write_text(json.dumps({"<pad>": 1, "<s>": 0, "<unk>": 3, "</s>": 2, "a": 4}))
    assert len(read_tokens(numbers)) == 5
    numbers.write_text(json.dumps({"<s>": 0, "a": 4}))
    with pytest.raises(FormatError):
        read_tokens(numbers)
    with pytest.raises(InputError):
        read_tokens(tmp_path / "none.txt")


# ---------------------------------------------------------------- our own folder


@pytest.fixture
def own(plan: Any) -> AVRecognizer:
    tokens = Tokens.of_characters(["place white at b nine soon"])
    decoder = DecoderShape(1, 32, 64, 2, tokens=len(tokens), memory=plan.TINY.width)
    parts = Parts(plan.TINY, decoder, ctc=True, alignment=True, alignment_channels=16, gate_inputs=7)
    return AVRecognizer(parts, tokens, {"trained_on": "nothing"}).eval()


@pytest.mark.parametrize("half", [False, True])
def test_our_own_folder_goes_there_and_back(own: AVRecognizer, half: bool, tmp_path: Path, plan: Any) -> None:
    save_avsr(own, tmp_path, half=half)
    for found in (load_avsr(tmp_path), load_avhubert(tmp_path).model):
        assert found.parts == own.parts
        assert found.tokens == own.tokens
        assert found.facts == own.facts
        for name, tensor in own.state_dict().items():
            assert torch.allclose(
                found.state_dict()[name], tensor, atol=2e-3 if half else 0, rtol=2e-3 * half
            )
    mode = os.stat(tmp_path / "config.json").st_mode
    assert os.stat(tmp_path / "model.safetensors").st_mode == mode


def test_a_damaged_folder_of_ours_is_refused(own: AVRecognizer, tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match=r"config\.json"):
        load_avsr(tmp_path)
    save_avsr(own, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    for change, said in (
        ({"version": 99}, "newer"),
        ({"model_type": "wav2vec2"}, "wav2vec2"),
        ({"tokens": None}, "tokens"),
        ({"parts": {**config["parts"], "encoder": {"width": "many"}}}, "damaged"),
        ({"parts": {**config["parts"], "unheard": 1}}, "damaged"),
        ({"parts": {**config["parts"], "gate_inputs": None}}, "gate.out.weight"),
    ):
        (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(FormatError, match=said):
            load_avsr(tmp_path)
