"""SpecVQGAN as published: every array, every listing, every public form, and what is refused."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genlock.core.errors import FormatError, InputError, OptionError  # noqa: E402
from genlock.core.grid import Grid  # noqa: E402
from genlock.extractors import make_extractor  # noqa: E402
from genlock.models.foley.specvqgan.codebook import Codebook, CodebookShape, column_grid, in_order, in_place  # noqa: E402
from genlock.models.foley.specvqgan.layout import build, recognise  # noqa: E402
from genlock.models.foley.specvqgan.loading import is_specvqgan, load_specvqgan, save_specvqgan  # noqa: E402
from genlock.models.foley.specvqgan.melgan import MelGAN, MelGANShape  # noqa: E402
from genlock.models.foley.specvqgan.transformer import CodeTransformer, TransformerShape  # noqa: E402
from genlock.tasks.convert_model import convert_model  # noqa: E402

VECTORS = Path(__file__).parents[4] / "shared" / "conformance"
needs_vectors = pytest.mark.skipif(
    not VECTORS.is_dir(), reason=f"there are no conformance vectors at {VECTORS}"
)

TINY = CodebookShape(width=32, latent=32, codes=64, code_width=32)
TINY_TRANSFORMER = TransformerShape(2, 48, 4, 477, 24, 64)
SMALL = CodebookShape(width=32, factors=(1, 2), blocks=1, latent=8, codes=16, code_width=8)
SMALL_TRANSFORMER = TransformerShape(2, 64, 1, 40, 12, 16)


def rule() -> Any:
    spec = importlib.util.spec_from_file_location("conformance_rule", VECTORS / "rule.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def filled(network: Any) -> Any:
    rule().fill(network.state_dict())
    return network.eval().requires_grad_(False)


def listing(name: str) -> dict[str, tuple[int, ...]]:
    found = json.loads((VECTORS / "specvqgan" / f"{name}_names.json").read_text())
    return {entry: tuple(shape) for entry, shape in found.items()}


def vector(name: str) -> Any:
    return np.load(VECTORS / "specvqgan" / f"{name}_tiny.npz")


def error(found: Any, true: np.ndarray) -> float:
    """Largest error, as a share of the largest value."""
    return float(np.abs(np.asarray(found) - true).max() / np.abs(true).max())


# ---------------------------------------------------------------- arrays


@needs_vectors
def test_the_codebook_answers_as_published() -> None:
    true = vector("codebook")
    with torch.no_grad():
        mel = torch.tanh(torch.from_numpy(rule().signal("mel", (2, 1, 80, 848))))
        made, found = filled(Codebook(TINY))(mel)
    assert error(found.before, true["before_quantising"]) < 1e-4
    assert np.array_equal(found.codes, true["codes"])
    assert error(found.entries, true["quantised"]) < 1e-4
    assert error(made, true["decoded"]) < 1e-4
    assert float(found.commitment_loss) == pytest.approx(float(true["commitment_loss"]), rel=1e-4)


@needs_vectors
def test_the_transformer_answers_as_published() -> None:
    true = vector("transformer")
    codes = in_order(torch.from_numpy(vector("codebook")["codes"]))
    assert np.array_equal(codes, true["codes_in_order"])
    features = torch.from_numpy(rule().signal("video features", (2, 24, 212)))
    with torch.no_grad():
        logits = filled(CodeTransformer(TINY_TRANSFORMER))(features, codes[:, :-1])
    assert error(logits, true["logits"]) < 1e-4


@needs_vectors
def test_melgan_answers_as_published() -> None:
    with torch.no_grad():
        wave = filled(MelGAN(MelGANShape(filters=8)))(
            torch.from_numpy(rule().signal("melgan input", (1, 80, 40)))
        )
    assert error(wave, vector("melgan")["wave"]) < 1e-4


# ---------------------------------------------------------------- listings


@needs_vectors
@pytest.mark.parametrize(
    "name", ["codebook", "transformer", "melgan", "vggishish", "codebook_tiny", "melgan_tiny"]
)
def test_a_listing_is_recognised_and_any_change_of_it_refused(name: str) -> None:
    whole = listing(name)
    part = "classifier" if name == "vggishish" else name.partition("_")[0]
    layout = recognise(whole, name)
    assert list(layout.settings) == [part]
    built = build(part, layout.settings[part]).state_dict()
    assert {n: tuple(t.shape) for n, t in built.items()} == whole
    with pytest.raises(FormatError, match="'something.new' "):
        recognise({**whole, "something.new": (3,)}, name)
    # Every entry of the small listings; of the large ones each seventh.
    for entry in list(whole)[:: 7 if len(whole) > 200 else 1]:
        less = {n: s for n, s in whole.items() if n != entry}
        with pytest.raises(FormatError, match=f"'{entry}' is missing"):
            recognise(less, name)
        other = (*whole[entry][:-1], whole[entry][-1] + 1)
        with pytest.raises(FormatError, match="the shape"):
            recognise({**whole, entry: other}, name)


@needs_vectors
def test_how_many_numbers_they_have() -> None:
    """As the papers' networks have them."""
    sizes = {name: recognise(listing(name), name) for name in ("codebook", "transformer", "melgan")}
    counts = {
        name: sum(p.numel() for p in build(name, layout.settings[name]).parameters())
        for name, layout in sizes.items()
    }
    assert counts == {"codebook": 72_137_089, "transformer": 306_995_200, "melgan": 4_266_050}


# ---------------------------------------------------------------- time


def test_53_columns_of_10_s_lie_where_their_frames_do() -> None:
    mel = make_extractor("mel:specvqgan")(np.zeros(220500, np.float32))
    assert isinstance(mel.grid, Grid)
    columns = column_grid(mel.grid, first=0)
    assert columns.rate == Fraction(22050, 16 * 256)
    for k in (0, 1, 52):
        frames = [mel.grid.center(j) for j in range(16 * k, 16 * k + 16)]
        assert columns.center(k) == sum(frames) / 16
    # 53 columns are 9.8453 s: the last one ends 165 ms before the 860 frames of 10 s do.
    assert columns.edge(53) - columns.edge(0) == Fraction(53 * 4096, 22050)
    codes = torch.arange(2 * 5 * 53).view(2, 5, 53)
    assert torch.equal(in_place(in_order(codes)), codes)
    assert in_order(codes)[0, :5].tolist() == [0, 53, 106, 159, 212]


# ---------------------------------------------------------------- writing


def small_transformer(seed: int = 0) -> CodeTransformer:
    torch.manual_seed(seed)
    network = CodeTransformer(SMALL_TRANSFORMER)
    for weight in network.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.3)
    return network.eval().requires_grad_(False)


def test_with_and_without_cache_the_same_codes_are_written() -> None:
    network, features = small_transformer(), torch.randn(2, 12, 20)
    for options in ({"seed": 3}, {"temperature": 0.0}, {"top_k": None, "temperature": 2.0}):
        fast = network.generate(features, 20, **options)  # type: ignore[arg-type]
        assert torch.equal(fast, network.generate(features, 20, cache=False, **options))  # type: ignore[arg-type]
        assert fast.shape == (2, 20)
    assert not torch.equal(network.generate(features, 20, seed=1), network.generate(features, 20, seed=2))
    prime = fast[:, :7]
    assert torch.equal(network.generate(features, 20, prime=prime)[:, :7], prime)


def test_a_code_depends_on_none_that_follows() -> None:
    network, features = small_transformer(), torch.randn(1, 12, 10)
    codes = torch.randint(0, 16, (1, 12))
    other = codes.clone()
    other[:, 6:] = (other[:, 6:] + 5) % 16
    with torch.no_grad():
        a, b = network(features, codes), network(features, other)
    assert torch.equal(a[:, :7], b[:, :7])
    assert not torch.allclose(a[:, 7:], b[:, 7:])


def test_more_than_there_are_places_for_is_refused() -> None:
    network = small_transformer()
    with pytest.raises(InputError, match="more than the 40 places"):
        network.generate(torch.randn(1, 12, 30), 20)
    with pytest.raises(InputError, match=r"give \[B, 12, frames\]"):
        network.generate(torch.randn(1, 9, 30), 2)
    with pytest.raises(OptionError, match="top_k"):
        network.generate(torch.randn(1, 12, 3), 2, top_k=0)


# ---------------------------------------------------------------- public forms


def lightning(folder: Path, change: Callable[[dict[str, Any]], None] | None = None) -> Path:
    """A checkpoint of a transformer as Lightning writes it, with its codebook and the codebook's losses."""
    torch.manual_seed(1)
    state = {f"transformer.{n}": t for n, t in small_transformer().state_dict().items()}
    state |= {f"first_stage_model.{n}": t for n, t in Codebook(SMALL).state_dict().items()}
    state["first_stage_model.loss.discriminator.main.0.weight"] = torch.zeros(4, 1, 4, 4)
    if change:
        change(state)
    path = folder / "transformer.ckpt"
    torch.save({"epoch": 3, "global_step": 7, "state_dict": state, "callbacks": {Path: {"best": 0.1}}}, path)
    return path


def test_a_transformer_as_lightning_writes_it(tmp_path: Path) -> None:
    loaded = load_specvqgan(lightning(tmp_path))
    assert loaded.form == "transformer"
    assert loaded.transformer.shape == SMALL_TRANSFORMER
    assert loaded.codebook.shape == SMALL
    assert any("discriminator" in note for note in loaded.notes)
    features = torch.randn(1, 12, 5)
    assert torch.equal(loaded.transformer.generate(features, 9), small_transformer().generate(features, 9))
    with pytest.raises(OptionError, match="and no melgan"):
        loaded.melgan


def test_plain_state_dicts_and_nested_ones(tmp_path: Path) -> None:
    torch.manual_seed(2)
    vocoder, book = MelGAN(MelGANShape(filters=2)), Codebook(SMALL)
    torch.save(vocoder.state_dict(), tmp_path / "best_netG.pt")
    torch.save({"model": book.state_dict(), "optimizer": {}}, tmp_path / "book.pt")
    loaded = load_specvqgan(tmp_path / "best_netG.pt")
    mel = torch.rand(1, 80, 6)
    with torch.no_grad():
        assert torch.equal(loaded.melgan(mel), vocoder(mel))
        assert loaded.melgan(mel).shape == (1, 1, 6 * 256)
    assert load_specvqgan(tmp_path / "book.pt").codebook.shape == SMALL


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda s: s.pop("transformer.ln_f.weight"), "'ln_f.weight' is missing"),
        (lambda s: s.pop("first_stage_model.quant_conv.bias"), "'quant_conv.bias' is missing"),
        (lambda s: s.update({"transformer.extra": torch.zeros(1)}), "'extra' is unknown"),
        (lambda s: s.update({"cond.weight": torch.zeros(1)}), "'cond.weight'"),
        (lambda s: s["transformer.head.weight"].fill_(float("nan")), "not finite"),
        (lambda s: s.update({"transformer.embedder.weight": torch.zeros(9, 64)}), "told a class"),
        (lambda s: s.update({"transformer.head.weight": "text"}), "no tensor"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(tmp_path: Path, change: Any, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        load_specvqgan(lightning(tmp_path, change))


def test_what_is_none_of_them_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2)}, tmp_path / "other.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    (tmp_path / "text.pt").write_text("no checkpoint")
    for name, said in (("other", "neither"), ("list", "no weights"), ("text", "no checkpoint")):
        with pytest.raises(FormatError, match=said):
            load_specvqgan(tmp_path / f"{name}.pt")
        assert not is_specvqgan(tmp_path / f"{name}.pt")


def test_converting_makes_a_folder_that_is_the_same(tmp_path: Path) -> None:
    source = lightning(tmp_path)
    made = convert_model(source, tmp_path / "converted")
    assert made.form == "transformer"
    assert any("discriminator" in note for note in made.notes)
    card = (tmp_path / "converted" / "MODEL_CARD.md").read_text()
    assert made.sha256 in card
    again = load_specvqgan(tmp_path / "converted")
    assert again.form == "genlock"
    features = torch.randn(1, 12, 5)
    assert torch.equal(
        again.transformer.generate(features, 9), load_specvqgan(source).transformer.generate(features, 9)
    )
    save_specvqgan(again, tmp_path / "again")
    assert (tmp_path / "again" / "codebook.safetensors").is_file()
    (tmp_path / "converted" / "config.json").write_text(
        '{"genlock_schema": 1, "model_type": "specvqgan", "parts": {"codebook": {}}}'
    )
    with pytest.raises(FormatError, match="damaged"):
        load_specvqgan(tmp_path / "converted")
