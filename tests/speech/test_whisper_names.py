"""Which Whisper a name means, where it is looked for, and what is said where it is not here.

The models are of random weights and some kilobytes, made by the converter that makes real ones; the hub's cache is laid
out as the hub's own library lays it out.
"""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from faster_whisper import WhisperModel
from tests.speech.conftest import sound_of

from genlock.core.errors import FormatError, InputError, MissingModel, OptionError
from genlock.speech import recognize_and_align
from genlock.speech.recognize import find_recognizer, recognizer_instance
from genlock.speech.whisper.models import default_model, find_whisper, is_whisper, require_whisper
from genlock.speech.whisper.options import COMPUTE_TYPES, WhisperOptions
from genlock.speech.whisper.recognizer import FasterWhisper
from genlock.tasks.find_words import WordOptions, model_options
from genlock.weights.hub_models import whisper_names, whisper_repository

pytest.importorskip("torch", reason="making a Whisper needs the extra genlock[models]")
pytest.importorskip("transformers", reason="making a Whisper needs the extra genlock[models]")

from genlock.testing.tiny_whisper import make_tiny_whisper

#: Every name that whisper's own command knows, and how makers and the hub write them.
NAMES = [
    *whisper_names(),
    "whisper-large-v3",
    "openai/whisper-tiny",
    "openai/whisper-large-v3-turbo",
    "distil-whisper/distil-large-v3",
    "Systran/faster-whisper-medium",
    "deepdml/faster-whisper-large-v3-turbo-ct2",
    "somebody/my-own-whisper",
]


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of many languages."""
    return make_tiny_whisper(tmp_path_factory.mktemp("whisper") / "several")


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of English alone."""
    return make_tiny_whisper(tmp_path_factory.mktemp("whisper") / "english", multilingual=False)


@pytest.fixture
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches that are empty; returns the hub's."""
    monkeypatch.setenv("GENLOCK_CACHE", str(tmp_path / "ours"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put_into_hub(hub: Path, repository: str, folder: Path) -> Path:
    """Lay a folder out as the hub's library does."""
    place = hub / f"models--{repository.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("0" * 40)
    shutil.copytree(folder, place / "snapshots" / ("0" * 40))
    return place / "snapshots" / ("0" * 40)


def voice(seconds: int = 2) -> np.ndarray:
    return (0.1 * np.random.default_rng(3).standard_normal(seconds * 16000)).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_each_public_name_loads_out_of_the_cache(name: str, several: Path, nothing_here: Path) -> None:
    assert is_whisper(name)
    with pytest.raises(
        MissingModel, match=rf"genlock models fetch (whisper-)?{name.replace('.', '[.]')}$"
    ) as missing:
        require_whisper(name)
    assert missing.value.fetch in (name, f"whisper-{name}")
    folder = put_into_hub(nothing_here, whisper_repository(name) or name, several)
    assert require_whisper(name) == folder
    assert isinstance(model_options(WordOptions(model=name)), WhisperOptions)


def test_a_model_runs_in_every_type_that_the_machine_has(several: Path) -> None:
    import ctranslate2

    able = ctranslate2.get_supported_compute_types("cpu")
    assert {"int8", "float32"} <= able
    for kind in COMPUTE_TYPES:
        options = WhisperOptions(str(several), compute_type=kind, device="cpu", beam_size=1, vad=False)
        if kind == "auto" or kind in able:
            FasterWhisper(options).hear(voice(1), "de")
        else:
            with pytest.raises(OptionError, match=f"--compute-type {kind}.*int8"):
                FasterWhisper(options)


def test_a_gpu_that_is_not_there_is_told(several: Path) -> None:
    import ctranslate2

    if ctranslate2.get_cuda_device_count():
        pytest.skip("there is a GPU here")
    with pytest.raises(OptionError, match="--device cuda.*--device cpu"):
        FasterWhisper(WhisperOptions(str(several), device="cuda"))


def test_a_model_of_english_alone_says_so(english: Path, several: Path) -> None:
    listener = FasterWhisper(WhisperOptions(str(english), vad=False))
    assert not listener.multilingual
    assert listener.find_language(voice()).language == "en"
    with pytest.raises(OptionError, match="'de'.*English alone"):
        listener.hear(voice(), "de")
    with pytest.raises(OptionError, match="cannot translate"):
        FasterWhisper(WhisperOptions(str(english), task="translate")).hear(voice(), "en")
    many = FasterWhisper(WhisperOptions(str(several), vad=False))
    assert many.multilingual
    assert 0 < many.find_language(voice()).probability <= 1
    with pytest.raises(OptionError, match="'xx'.*100 languages"):
        many.hear(voice(), "xx")


def test_without_a_name_the_language_decides(several: Path, english: Path, nothing_here: Path) -> None:
    assert default_model("en") is default_model("de") is None
    assert FasterWhisper.missing_for("en").endswith("genlock models fetch whisper-tiny.en")
    assert FasterWhisper.missing_for("de").endswith("genlock models fetch whisper-base")
    put_into_hub(nothing_here, "Systran/faster-whisper-tiny.en", english)
    assert (default_model("en"), default_model("de")) == ("tiny.en", None)
    put_into_hub(nothing_here, "Systran/faster-whisper-small", several)
    assert (default_model("en"), default_model("de"), default_model("auto")) == ("tiny.en", "small", "small")


def test_options_are_handed_on(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reaches the net under its own name (random weights would not show what it does there)."""
    told: dict[str, object] = {}
    real = WhisperModel.transcribe

    def transcribe(self: WhisperModel, samples: np.ndarray, **options: object) -> object:
        told.update(options)
        return real(self, samples, **options)

    monkeypatch.setattr(WhisperModel, "transcribe", transcribe)
    options = WhisperOptions(
        str(several), "translate", beam_size=2, initial_prompt="abc xyz", hotwords="lmn", vad=False
    )
    FasterWhisper(options).hear(voice(1), "de")
    names = ("language", "task", "beam_size", "initial_prompt", "hotwords", "vad_filter")
    assert [told[name] for name in names] == ["de", "translate", 2, "abc xyz", "lmn", False]
    assert FasterWhisper(WhisperOptions(str(several))).hear(voice(1), "de") == []
    assert told["vad_filter"]
    with pytest.raises(OptionError, match="beam_size=0"):
        WhisperOptions(beam_size=0)
    with pytest.raises(OptionError, match="compute_type='int3'"):
        WhisperOptions(compute_type="int3")  # type: ignore[arg-type]


def test_translated_words_keep_the_recognisers_times(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from genlock.speech.heard import Heard

    # Random weights say nothing that could be asserted: only what is heard is planted, everything else runs.
    heard = [
        Heard("Good", Fraction(1, 10), Fraction(1, 2), 0.9),
        Heard("day", Fraction(1, 2), Fraction(1), 0.8),
    ]
    monkeypatch.setattr(FasterWhisper, "hear", lambda self, samples, language, mouths=(): heard)
    words = recognize_and_align(
        sound_of(voice()), language="de", model=WhisperOptions(str(several), task="translate")
    )
    assert [(w.text, w.start) for w in words] == [("Good", Fraction(1, 10)), ("day", Fraction(1, 2))]
    assert (words.language, words.aligner) == ("en", "faster-whisper")
    with pytest.raises(OptionError, match="takes no transcript"):
        recognize_and_align(
            sound_of(voice()), transcript="Guten Tag", language="de", model=WhisperOptions(task="translate")
        )


def test_folders_of_other_kinds(several: Path, tmp_path: Path) -> None:
    foreign = several.parent / f"{several.name}-transformers"
    with pytest.raises(InputError, match="ct2-transformers-converter"):
        is_whisper(str(foreign))
    empty = tmp_path / "empty"
    empty.mkdir()
    assert not is_whisper(str(empty))
    with pytest.raises(InputError, match=r"lacks config.json and model.bin"):
        require_whisper(str(empty))
    broken = tmp_path / "broken"
    shutil.copytree(several, broken)
    (broken / "model.bin").write_bytes(b"not a model")
    with pytest.raises(FormatError, match="cannot be loaded"):
        FasterWhisper(WhisperOptions(str(broken)))
    with pytest.raises(OptionError, match="'huge'.*large-v3"):
        find_whisper("huge")


def test_whisper_is_a_name_of_the_recogniser(several: Path) -> None:
    assert (
        find_recognizer("whisper", "en", with_model=False, whisper=WhisperOptions(str(several)))[1]
        is FasterWhisper
    )
    assert isinstance(
        recognizer_instance("faster-whisper", "de", WhisperOptions(str(several))), FasterWhisper
    )
    with pytest.raises(OptionError, match="Whisper's.*'pocketsphinx'"):
        find_recognizer("pocketsphinx", "en", with_model=False, whisper=WhisperOptions("large-v3"))


def test_options_of_one_kind_are_not_given_to_the_other() -> None:
    with pytest.raises(OptionError, match="--beam-size"):
        model_options(WordOptions(model="tiny", beam=5))
    with pytest.raises(OptionError, match="is a CTC checkpoint"):
        model_options(WordOptions(model="facebook/wav2vec2-base-960h", hotwords="Genlock"))
    assert model_options(WordOptions()) is None
    assert model_options(WordOptions(vad=False)) == WhisperOptions(vad=False)
