"""A text that nobody had compared with the sound got times, and not a word was said about it."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

import genlock
from genlock.synth import speak

NOTE = "the text was not compared with what is said: "


@pytest.fixture
def talk(tmp_path: Path) -> tuple[Path, Path]:
    """A sound and its text."""
    said = speak("watch the hand of the clock")
    sound, text = tmp_path / "talk.wav", tmp_path / "said.txt"
    soundfile.write(sound, said.samples, said.rate)
    text.write_text("watch the hand of the clock")
    return sound, text


def test_without_a_recogniser_it_is_said_that_the_text_was_not_compared(
    talk: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("GENLOCK_CACHE", "HF_HUB_CACHE"):
        monkeypatch.setenv(folder, str(tmp_path / "empty"))
    words = genlock.words(*talk, least_matched=0.5)
    assert [note for note in words.notes if NOTE in note and "models fetch whisper-tiny.en" in note]


def test_whoever_asks_for_no_comparison_is_told_of_none(talk: tuple[Path, Path]) -> None:
    assert not [note for note in genlock.words(*talk, least_matched=0).notes if NOTE in note]


def test_a_recogniser_that_errs_too_often_is_named(talk: tuple[Path, Path]) -> None:
    notes = genlock.words(*talk, recognizer="pocketsphinx").notes
    assert [note for note in notes if NOTE + "pocketsphinx errs too often" in note]
