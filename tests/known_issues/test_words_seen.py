"""Faults of words that people met: each was seen with a script, and has a test here or beside its part.

| seen | test |
|---|---|
| 01 dotted numbers crash | ``test_word_times.py`` (figures with several points) |
| 02 several files with -o | ``tests/tasks/test_words_output.py`` (a folder each) |
| 03 digital silence | ``test_word_times.py`` (exact zeros), ``tests/speech/test_beside_others.py`` |
| 04 one sentence again and again | here |
| 05 the text of one sentence out of many | here |
| 06 subtitles of an editor, A to G | ``test_subtitle_repair.py`` |
| 07 encodings | ``tests/speech/test_text_encoding.py`` |
| 08 channels out of phase | here |
| 09 languages | ``test_languages.py``, ``tests/speech/test_aligners_by_language.py`` |
| 10 other forms of text | ``tests/speech/test_other_forms.py`` |
| 11 TextGrid ends with the sound | here |
| 12 a speaker's label | ``tests/speech/test_text_check.py`` (a speaker's name) |
| 13 even noise before speech | here |
| cues too short, too fast, without gap | ``tests/speech/test_subtitle_rules.py`` |
| upper-case endings, unknown ending of several files | ``tests/tasks/test_words_output.py`` |
| a foreign text comes back "aligned" | ``tests/speech/test_text_check.py`` (another text, exit status 3) |
| many lines of "no times for" | here |
"""

from __future__ import annotations

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core import Grid, Track
from genlock.media import AudioForm, Sound, encode, read_audio
from genlock.media.sound_source import TrackSound
from genlock.speech import Word, Words, recognize_and_align, write_words
from genlock.synth.voice.speak import VoiceOptions, speak

RATE = 16000
TOUR = (
    "Please enter the number of the room you want to visit today.",
    "The museum closes at six and the garden closes at eight.",
    "Visitors can leave their coats and bags at the front desk.",
    "Please do not touch the paintings or the glass cases.",
    "A guided tour of the old town starts every hour.",
    "You can buy a ticket for the tour at the front desk.",
)


def sound_of(samples: np.ndarray) -> TrackSound:
    return TrackSound(Track(samples.astype(np.float32), Grid.of_samples(RATE)))


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Six sentences with pauses, and when each is said."""
    if shutil.which("flite") is None:
        pytest.skip("flite is not here, which speaks")
    path = tmp_path_factory.mktemp("tour") / "said.wav"
    parts, spans, at = [], [], 0.0
    for number, text in enumerate(TOUR):
        voice = "slt" if number % 2 else "rms"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", path], check=True)
        samples = np.asarray(read_audio(path, rate=RATE).values, float)
        pause = np.random.default_rng(number).normal(0, 8e-4, RATE * 6 // 10)
        spans.append((at, at + len(samples) / RATE))
        parts += [samples, pause]
        at += (len(samples) + len(pause)) / RATE
    return np.concatenate(parts), spans


def test_the_text_of_one_sentence_is_not_scattered(
    tour: tuple[np.ndarray, list[tuple[float, float]]],
) -> None:
    """05: its first words occur elsewhere too."""
    samples, spans = tour
    words = recognize_and_align(sound_of(samples), transcript=TOUR[5])
    low, high = spans[5]
    placed = [w for w in words if w.start is not None]
    assert len(placed) >= 10  # of 12
    assert all(low - 0.1 <= float(w.start) < high + 0.1 for w in placed if w.start is not None)


@pytest.mark.parametrize("level", [0.02, 0.05])
def test_even_noise_before_the_speech_takes_no_word(
    tour: tuple[np.ndarray, list[tuple[float, float]]], level: float
) -> None:
    """13: a minute of a fan made one word of ten seconds."""
    samples, _ = tour
    fan = np.random.default_rng(2).normal(0, level, 20 * RATE)
    words = recognize_and_align(sound_of(np.concatenate([fan, samples])), transcript=" ".join(TOUR))
    placed = [w for w in words if w.start is not None]
    assert len(placed) >= 0.9 * len(words)
    assert all(w.start >= Fraction(199, 10) for w in placed if w.start is not None)
    assert max(w.duration for w in placed if w.duration is not None) < 1.5


def test_one_sentence_again_and_again_is_placed_each_time(
    tour: tuple[np.ndarray, list[tuple[float, float]]],
) -> None:
    """04: fourteen times the same sentence got no times at all."""
    samples, spans = tour
    one = samples[: int(spans[0][1] * RATE)]
    pause = np.random.default_rng(0).normal(0, 8e-4, RATE * 3 // 2)
    words = recognize_and_align(
        sound_of(np.concatenate([one, pause] * 8)), transcript=" ".join([TOUR[0]] * 8)
    )
    length, count = (len(one) + len(pause)) / RATE, len(TOUR[0].split())
    home = [
        w.start is not None and k // count * length <= float(w.start) < (k // count + 1) * length
        for k, w in enumerate(words)
    ]
    assert np.mean(home) >= 0.95


def test_channels_out_of_phase_are_heard(tmp_path: Path) -> None:
    """08: on speakers they are clearly there; their mean is silence."""
    voice = np.asarray(speak("One, two, three, four.", VoiceOptions(rate=RATE)).waveform.values, float)
    encode(tmp_path / "a.wav", sound=Sound(np.stack([voice, -voice], 1), RATE))
    track = read_audio(tmp_path / "a.wav")
    assert AudioForm().channels == 1
    assert np.abs(track.values).max() > 0.5 * np.abs(voice).max()
    words = recognize_and_align(TrackSound(track), transcript="One, two, three, four.")
    assert all(word.start is not None for word in words)


def test_a_textgrid_ends_with_the_sound(tmp_path: Path) -> None:
    """11: it ended with the last word."""
    words = Words([Word("Hi", "0.5", "0.75")])
    write_words(words, tmp_path / "a.TextGrid", span=(Fraction(0), Fraction(11)))
    bounds = [
        line for line in (tmp_path / "a.TextGrid").read_text("utf-8").split("\n") if "xmax = 11" in line
    ]
    assert len(bounds) >= 3


def test_many_words_without_times_are_one_note() -> None:
    """Ten minutes gave thirteen lines; the list is in the JSON."""
    lost = [Word(f"w{k}", reason="it is not in the sound") for k in range(300)]
    notes = Words(lost).notes
    assert len(notes) == 1
    assert len(notes[0]) < 150
    assert "295 more" in notes[0]
