"""Which checkpoint aligns a language, where it is looked for, and what is said where it is not here.

The checkpoints are of random weights, in the form of public ones and with letters of the language; the hub's cache is
laid out as the hub's own library lays it out.
"""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tests.speech.conftest import sound_of

from genlock.core.errors import MissingModel
from genlock.speech import recognize_and_align
from genlock.speech.ctc.by_language import (
    aligner_in_cache,
    how_to_align,
    language_of_checkpoint,
    named_aligner,
)
from genlock.speech.find import aligner_for, find_aligner
from genlock.speech.phones.hama import HamaAligner
from genlock.weights import hub_models

torch = pytest.importorskip("torch", reason="speech models need the extra genlock[models]")
transformers = pytest.importorskip("transformers", reason="speech models need the extra genlock[models]")

#: Sentences with letters that the models of these languages know.
SENTENCES = {
    "de": "Grüße aus München, um 14:30 Uhr",
    "fr": "L'été, c'est déjà demain",
    "ru": "Поезд отправляется в 7 часов",
    "ar": "مرحبا بالعالم",
    "he": "שלום עולם",
    "el": "Καλημέρα κόσμε",
    "ja": "今日は15時です",
    "zh": "你好世界",
    "hi": "नमस्ते दुनिया",
    "ko": "안녕하세요 세계",
}


def make_checkpoint(folder: Path, letters: str) -> Path:
    """A wav2vec2-CTC of random weights whose vocabulary is these letters."""
    vocabulary = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4}
    for letter in dict.fromkeys(letters):
        vocabulary[letter] = len(vocabulary)
    config = transformers.Wav2Vec2Config(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        pad_token_id=0,
    )
    torch.manual_seed(1)
    transformers.Wav2Vec2ForCTC(config).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"pad_token": "<pad>", "word_delimiter_token": "|"})
    )
    return folder


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache, empty."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put(hub: Path, repository: str, folder: Path | None = None) -> Path:
    """Lay a checkpoint out as the hub's library does; None: names without weights."""
    place = hub / f"models--{repository.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("1" * 40)
    snapshot = place / "snapshots" / ("1" * 40)
    if folder is not None:
        shutil.copytree(folder, snapshot)
        return snapshot
    snapshot.mkdir(parents=True)
    for name in ("config.json", "vocab.json"):
        (snapshot / name).write_text("{}")
    return snapshot


def noise() -> np.ndarray:
    return (0.1 * np.random.default_rng(5).standard_normal(4 * 16000)).astype(np.float32)


@pytest.mark.parametrize("language", sorted(hub_models.aligners()))
def test_each_language_finds_its_checkpoint(language: str, hub: Path) -> None:
    repository = hub_models.aligners()[language]
    assert f"genlock models fetch {repository}" in how_to_align(language)
    assert aligner_in_cache(language) is None
    folder = put(hub, repository)
    found = aligner_in_cache(language)
    assert found is not None
    assert (found.name, found.source, found.romanized) == (repository, str(folder), False)
    assert language_of_checkpoint(repository) == language
    if language != "en":
        assert aligner_for(language) == (f"ctc:{repository}", found)
    assert find_aligner("ctc", language, with_model=False) == (f"ctc:{repository}", found)
    assert find_aligner(f"ctc:{repository}", language, with_model=False) == (f"ctc:{repository}", found)


@pytest.mark.parametrize("language", SENTENCES)
def test_words_of_a_language_are_laid_into_sound(language: str, hub: Path, tmp_path: Path) -> None:
    from genlock.speech.text import tokenize

    text = SENTENCES[language]
    tokens = tokenize(text, language)
    letters = "".join(word for token in tokens for form in token.forms for word in form)
    put(hub, hub_models.aligners()[language], make_checkpoint(tmp_path / "made", letters + text.lower()))
    words = recognize_and_align(sound_of(noise()), transcript=text, language=language)
    assert words.aligner == f"ctc:{hub_models.aligners()[language]}"
    assert [w.text for w in words] == [token.text for token in tokens]
    # Random weights are sure of nothing; that a letter is not known, or a word not spoken, would be told.
    assert not any("no symbol" in str(w.reason) or "nothing to say" in str(w.reason) for w in words)


def test_other_languages_are_written_in_roman_letters(hub: Path, tmp_path: Path) -> None:
    if find_spec("uroman") is None:
        pytest.skip("uroman is not installed")
    roman = put(
        hub,
        hub_models.romanized_repository(),
        make_checkpoint(tmp_path / "made", "abcdefghijklmnopqrstuvwxyz'"),
    )
    found = named_aligner(hub_models.romanized_repository())
    assert (found.source, found.romanized) == (str(roman), True)
    assert aligner_in_cache("sw") == found
    words = recognize_and_align(sound_of(noise()), transcript="Habari ya dunia", language="sw", aligner="ctc")
    assert words.aligner == f"ctc:{hub_models.romanized_repository()}"


def test_a_name_that_is_not_here_says_what_to_fetch(hub: Path) -> None:
    with pytest.raises(MissingModel, match=r"genlock models fetch owner/name$") as missing:
        find_aligner("ctc:owner/name", "de", with_model=False)
    assert missing.value.fetch == "owner/name"
    with pytest.raises(MissingModel):
        find_aligner("ctc:no-such-folder", "de", with_model=False)


@pytest.mark.skipif(not HamaAligner.languages, reason="hama or espeak-ng is not installed")
def test_hama_aligns_where_nothing_else_does(hub: Path) -> None:
    """Spanish of a synthesiser, which the model never learnt from: at most one word of four is doubted."""
    import subprocess

    from genlock.media import read_audio
    from genlock.media.sound_source import TrackSound

    said = "buenos días señores pasajeros"
    wave = hub.parent / "said.wav"
    subprocess.run(["espeak-ng", "-v", "es", "-s", "130", "-w", str(wave), said], check=True)
    words = recognize_and_align(TrackSound(read_audio(wave)), transcript=said, language="es", aligner="hama")
    assert words.aligner == "hama"
    placed = [w for w in words if w.start is not None]
    assert len(placed) >= 3
    assert all(float(w.duration or 0) > 0.05 for w in placed)
