"""Right Dutch texts were refused: "the text does not fit the sound: another language?".

The model of phones was trained on five languages; in others what is said fits it no better than what is not, so it can
place words but cannot judge a text.
"""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from genlock.media import read_audio
from genlock.media.sound_source import TrackSound
from genlock.speech import recognize_and_align
from genlock.speech.phones.espeak import espeak_program

DUTCH = "dat is het wrak van het vliegtuig"


@pytest.fixture
def spoken(tmp_path: Path) -> TrackSound:
    """Dutch, by espeak-ng."""
    program = espeak_program()
    if program is None:
        pytest.skip("espeak-ng is not installed")
    subprocess.run([program, "-v", "nl", "-w", str(tmp_path / "nl.wav"), DUTCH], check=True)
    return TrackSound(read_audio(tmp_path / "nl.wav", rate=16000))


def test_a_language_that_the_model_never_heard_keeps_its_times_and_says_how_rough_they_are(
    spoken: TrackSound,
) -> None:
    words = recognize_and_align(spoken, transcript=DUTCH, language="nl", aligner="phones")
    ends = [word.end for word in words if word.end is not None]
    assert len(ends) == len(words)
    assert ends == sorted(ends)
    assert ends[-1] <= Fraction(spoken.count, spoken.rate)
    assert "was not trained on the language 'nl'" in str(words.reason)


def test_a_language_that_it_knows_is_still_judged(spoken: TrackSound) -> None:
    other = "quisiera dejar un mensaje después del tono"
    words = recognize_and_align(spoken, transcript=other, language="es", aligner="phones")
    assert all(word.start is None for word in words)
    assert "does not fit the sound" in str(words.reason)
