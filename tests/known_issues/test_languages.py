"""Faults that words of other languages than English had."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.speech.conftest import sound_of

from genlock.core.errors import MissingModel
from genlock.speech import recognize_and_align
from genlock.speech.heard import Heard
from genlock.speech.phones.hama import HamaAligner
from genlock.speech.whisper.models import default_model
from genlock.speech.whisper.recognizer import FasterWhisper

GERMAN = "Guten Tag, meine Damen und Herren. Der Zug fährt heute um 14:30 Uhr von Gleis sieben ab."


@pytest.fixture
def noise() -> np.ndarray:
    return (0.05 * np.random.default_rng(2).standard_normal(3 * 16000)).astype(np.float32)


def test_a_german_text_is_not_taken_for_english(noise: np.ndarray) -> None:
    """Without --language it was; now its common words tell, and the result says so."""
    words = recognize_and_align(sound_of(noise), transcript=GERMAN, language="auto")
    assert (words.language, words.language_probability) == ("de", 1.0)
    assert recognize_and_align(sound_of(noise), transcript="We are here", language="auto").language == "en"


def test_nothing_here_says_what_to_fetch(
    noise: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The advice was to give a transcript, and with one it was that nothing aligns the language."""
    monkeypatch.setenv("GENLOCK_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(MissingModel, match="genlock models fetch whisper-base"):
        recognize_and_align(sound_of(noise), language="de")


@pytest.mark.skipif(default_model("ja") is None, reason="no model of many languages is here: make words-all")
@pytest.mark.skipif(not HamaAligner.languages, reason="hama or espeak-ng is not installed")
def test_recognised_words_of_several_letters_each(noise: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Whisper hands over in a language without spaces is longer than what is aligned: the command ended."""
    heard = [
        Heard("今日は、", Fraction(0), Fraction(1), 0.9),
        Heard("晴れです。", Fraction(1), Fraction(2), 0.8),
    ]
    monkeypatch.setattr(FasterWhisper, "hear", lambda self, samples, language, mouths=(): heard)
    words = recognize_and_align(sound_of(noise), language="ja", aligner="hama")
    assert [w.text for w in words] == ["今", "日", "は、", "晴", "れ", "で", "す。"]
