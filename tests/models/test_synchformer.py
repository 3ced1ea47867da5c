"""Synchformer: names and shapes of the public code, each part against its formulas, and what a wrong file is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")  # the rule of made weights lies beside AV-HuBERT

import torch
from safetensors.torch import save_file
from tests.models import synchformer_by_hand as by_hand

from genlock.core.errors import FormatError, MissingModel, OptionError
from genlock.models.state import shapes_of
from genlock.models.synchformer.load import load_synchformer
from genlock.models.synchformer.net import Synchformer

ONE = "afeat_extractor.ast.embeddings.patch_embeddings.projection.weight"
State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def made() -> State:
    return by_hand.small_state()


@pytest.fixture(scope="module")
def net(made: State, tmp_path_factory: pytest.TempPathFactory) -> Synchformer:
    """A small network out of a file as the public ones are, with what lies beside the weights."""
    file = tmp_path_factory.mktemp("synchformer") / "24-01-04T16-39-21.pt"
    torch.save({"model": made, "optimizer": {"state": {0: torch.zeros(3)}}, "epoch": 3}, file)
    return load_synchformer(file)


def _numbers(state: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in state.items()}


def _close(found: np.ndarray, known: np.ndarray) -> None:
    assert found.shape == known.shape
    assert np.abs(found - known).max() <= 1e-5 * np.abs(known).max()


def test_names_and_shapes_are_the_public_ones() -> None:
    with torch.device("meta"):
        found = shapes_of(Synchformer().state_dict())
    assert found == {name: tuple(shape) for name, shape in by_hand.NAMES.items()}
    assert len(found) == 513


def test_pictures_are_seen_as_the_formulas_say(net: Synchformer, made: State) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (16, 224, 224, 3)).astype(np.uint8)
    _close(net.see(pictures), by_hand.see(_numbers(made), pictures))


def test_sound_is_heard_as_the_formulas_say(net: Synchformer, made: State) -> None:
    bands = np.random.default_rng(2).standard_normal((2, 128, 66)).astype(np.float32)
    _close(net.hear(bands), np.stack([by_hand.hear(_numbers(made), each) for each in bands]))


def test_both_are_joined_as_the_formulas_say(net: Synchformer, made: State) -> None:
    chance = np.random.default_rng(3)
    seen, heard = (chance.standard_normal((1, 14, n, by_hand.WIDTH)).astype(np.float32) for n in (8, 6))
    found = net.judge(seen, heard)
    _close(found[0], by_hand.judge(_numbers(made), seen[0], heard[0]))
    assert np.exp(found).sum() == pytest.approx(1)


def test_ast_is_that_of_transformers(net: Synchformer) -> None:
    """Hugging Face's AST, which the public code changed nothing in but its masks, on the same weights."""
    from transformers import ASTConfig, ASTModel

    wide = by_hand.WIDTH
    config = ASTConfig(
        hidden_size=wide, num_hidden_layers=1, num_attention_heads=12, intermediate_size=4 * wide,
        max_length=66, num_mel_bins=128, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    theirs = ASTModel(config).eval()
    ours = net.afeat_extractor.ast
    state = ours.state_dict()
    renamed = _as_transformers_says(state, set(theirs.state_dict()))
    theirs.load_state_dict(renamed)
    bands = torch.from_numpy(np.random.default_rng(4).standard_normal((2, 128, 66)).astype(np.float32))
    with torch.inference_mode():
        known = theirs(bands.transpose(1, 2)).last_hidden_state
        _close(ours(bands).numpy(), known.numpy())


def _as_transformers_says(state: State, wanted: set[str]) -> State:
    """Newer releases have names of their own for the same entries."""
    if set(state) == wanted:
        return state
    words = {
        "encoder.layer.": "layers.", "attention.attention.query": "attention.q_proj",
        "attention.attention.key": "attention.k_proj", "attention.attention.value": "attention.v_proj",
        "attention.output.dense": "attention.o_proj", "intermediate.dense": "mlp.fc1", "output.dense": "mlp.fc2",
    }  # fmt: skip
    renamed = {}
    for name, value in state.items():
        for old, new in words.items():
            name = name.replace(old, new)
        renamed[name] = value
    return renamed


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pt"])
def test_other_forms_are_read_and_what_is_wrong_is_named(made: State, tmp_path: Path, suffix: str) -> None:
    def written(state: State) -> Path:
        file = tmp_path / f"weights{suffix}"
        if suffix == ".safetensors":
            save_file(state, file)
        elif suffix == ".npz":
            np.savez(file, **_numbers(state))
        else:
            torch.save(state, file)
        return file

    assert torch.equal(load_synchformer(written(made)).vproj.weight, made["vproj.weight"])
    lacking = {name: value for name, value in made.items() if name != ONE}
    with pytest.raises(FormatError, match=f"'{ONE}' is missing"):
        load_synchformer(written(lacking))
    with pytest.raises(FormatError, match="'more' is unknown"):
        load_synchformer(written({**made, "more": torch.zeros(1)}))
    with pytest.raises(
        FormatError, match=rf"'{ONE}' has the shape \[24, 1, 16, 8\] instead of \[24, 1, 16, 16\]"
    ):
        load_synchformer(written({**made, ONE: made[ONE][..., :8].contiguous()}))


def test_places_beyond_a_window_are_left_away_and_too_few_are_refused(made: State, tmp_path: Path) -> None:
    name, file = "transformer.pos_emb_cfg.pos_emb", tmp_path / "long.pt"
    torch.save({"model": {**made, name: torch.cat([made[name], made[name]], dim=1)}}, file)
    assert torch.equal(load_synchformer(file).transformer.pos_emb_cfg["pos_emb"], made[name])
    torch.save({"model": {**made, name: made[name][:, :170]}}, file)
    with pytest.raises(FormatError, match=rf"'{name}' has the shape \[1, 170, 24\]"):
        load_synchformer(file)


def test_a_file_that_is_none_or_not_there_is_told(made: State, tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match=r"docs/synchformer\.md"):
        load_synchformer(tmp_path / "nowhere.pt")
    (tmp_path / "text.pt").write_text("no weights")
    with pytest.raises(FormatError, match="no checkpoint"):
        load_synchformer(tmp_path / "text.pt")
    torch.save({"epoch": 3}, tmp_path / "other.pt")
    with pytest.raises(FormatError, match="'epoch' is no tensor"):
        load_synchformer(tmp_path / "other.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(FormatError, match="no weights by name"):
        load_synchformer(tmp_path / "list.pt")
    torch.save({"model": {**made, "transformer.OFF_tok": torch.zeros(1, 1, 25)}}, tmp_path / "odd.pt")
    with pytest.raises(FormatError, match="a multiple of 24"):
        load_synchformer(tmp_path / "odd.pt")


def test_other_checkpoints_of_the_same_authors_are_told_apart(made: State, tmp_path: Path) -> None:
    towers = {"state_dict": {"module.v_encoder.cls_token": torch.zeros(1, 1, 768)}}
    torch.save(towers, tmp_path / "epoch_best.pt")
    with pytest.raises(FormatError, match="the towers alone"):
        load_synchformer(tmp_path / "epoch_best.pt")
    tells = {name: value for name, value in made.items() if "off_head" not in name}
    torch.save({"model": {**tells, "transformer.sync_head.weight": torch.zeros(2, 24)}}, tmp_path / "s.pt")
    with pytest.raises(FormatError, match="whether a film can be synchronised"):
        load_synchformer(tmp_path / "s.pt")


class _Harm:
    """What a hostile pickle would run."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.file, "run")


def test_nothing_in_a_checkpoint_is_run(made: State, tmp_path: Path) -> None:
    torch.save({"args": _Harm(tmp_path / "run"), "model": made}, tmp_path / "hostile.pt")
    load_synchformer(tmp_path / "hostile.pt")
    assert not (tmp_path / "run").exists()


def test_inputs_of_another_shape_are_refused(net: Synchformer) -> None:
    with pytest.raises(OptionError, match=r"\[16, 224, 224, 3\]"):
        net.see(np.zeros((16, 96, 96, 3), np.uint8))
    with pytest.raises(OptionError, match=r"\[S, 128, 66\]"):
        net.hear(np.zeros((1, 66, 128), np.float32))
    with pytest.raises(OptionError, match=r"\[N, 14, 8, 24\]"):
        net.judge(np.zeros((1, 13, 8, 24), np.float32), np.zeros((1, 14, 6, 24), np.float32))
