"""Texts become pieces and come back; without the package, or with another file, one line says what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from tests.train.planted_clips import spoken_clip

from genlock.core.errors import FormatError, MissingDependency
from genlock.models.avhubert.pieces import SentencePieces
from genlock.train.avhubert.options import AvsrTraining

TEXTS = ["bin blue at f two now", "lay red by g four soon", "set green with b one again"] * 3


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    package = pytest.importorskip("sentencepiece")
    folder = tmp_path_factory.mktemp("pieces")
    (folder / "texts.txt").write_text("\n".join(TEXTS))
    package.SentencePieceTrainer.train(
        input=str(folder / "texts.txt"), model_prefix=str(folder / "unigram"), vocab_size=29, minloglevel=2
    )
    return folder / "unigram.model"


def test_texts_come_back(model: Path) -> None:
    pieces = SentencePieces(model)
    for text in TEXTS[:3]:
        numbers = pieces.numbers(text)
        assert pieces.tokens.text(numbers) == text
        assert len(numbers) < len(text)
    assert pieces.numbers("q")[-1] == 3  # a character that was never seen


def test_a_recogniser_learns_to_write_pieces(model: Path) -> None:
    pytest.importorskip("accelerate")
    pytest.importorskip("pyarrow")
    from genlock.train.avhubert.avsr import AvsrRecipe
    from genlock.train.avhubert.options import Network

    tiny = Network(
        layers=1,
        width=16,
        ffn=16,
        heads=2,
        position_kernel=4,
        position_groups=2,
        stem=2,
        trunk=(2, 2, 4, 4),
        crop=32,
    )
    clips = [spoken_clip(f"c{k}", ["lay", "red"]) for k in range(5)]
    recipe = AvsrRecipe(clips, (), AvsrTraining(network=tiny, batch=2, tokens=str(model)))
    assert recipe.tokens.kind == "pieces"
    batch = recipe.load(recipe.parts(0)[0])
    assert batch is not None
    assert recipe.tokens.text(batch.tensors["told"][0].tolist()) == "lay red"
    assert recipe.loss(recipe.model(), batch, 0).total.isfinite()


def test_what_is_missing_or_wrong_is_told(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FormatError, match=r"ends in \.model"):
        SentencePieces(tmp_path / "vocab.json")
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(MissingDependency, match="pip install sentencepiece"):
        SentencePieces(model).numbers("bin")
