"""Whatever is asked of whom: no word without a length, none where nothing sounds, and all in order."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.speech import Word, Words, recognize_and_align
from genlock.speech.heard import Heard
from genlock.speech.phones.espeak import espeak_languages
from genlock.synth.voice.speak import VoiceOptions, speak

from .conftest import sound_of

RATE = 16000
SAID = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
GERMAN = dict(
    zip(
        SAID, ["eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn"], strict=True
    )
)
#: What is asked: aligner, language, whether words are recognised, whether the text is compared with what is heard.
ROADS = {
    "given": ("pocketsphinx", "en", False, 0.0),
    "given and compared": ("pocketsphinx", "en", False, 0.5),
    "recognised": ("pocketsphinx", "en", True, 0.0),
    "given, by phones": ("phones", "en", False, 0.0),
    "recognised, by phones": ("phones", "en", True, 0.0),
    "German, given": ("phones", "de", False, 0.0),
    "German, recognised": ("phones", "de", True, 0.0),
    "no aligner": ("auto", "xx", True, 0.0),
}


@pytest.fixture(scope="module")
def voices() -> list[np.ndarray]:
    """The made voice says each number."""
    made = []
    for text in SAID:
        samples = np.asarray(speak(text, VoiceOptions(rate=RATE)).waveform.values, float)
        made.append(0.1 * samples / np.abs(samples).max())
    return made


@st.composite
def films(draw: st.DrawFn) -> tuple[list[int | float], list[str], list[Heard]]:
    """What sounds (a number's word, or seconds of nothing), the text, and what a recogniser says, right or wrong."""
    parts: list[int | float] = [draw(st.sampled_from([0.3, 1.0, 2.5]))]
    for _ in range(draw(st.integers(1, 4))):
        parts.append(draw(st.integers(0, 9)))
        if draw(st.booleans()):
            parts.append(draw(st.sampled_from([0.2, 1.0, 3.0])))
    spoken = [SAID[part] for part in parts if isinstance(part, int)]
    text = list(spoken)
    for _ in range(draw(st.integers(0, 2))):  # words that nobody says, words that are left out
        text.insert(draw(st.integers(0, len(text))), draw(st.sampled_from([*SAID, "♪", "1984"])))
    if len(text) > 1 and draw(st.booleans()):
        del text[draw(st.integers(0, len(text) - 1))]
    heard, at = [], Fraction(0)
    for word in text:
        at += Fraction(draw(st.integers(0, 900)), 1000)
        end = at + Fraction(draw(st.sampled_from([0, 0, 20, 300, 700])), 1000)
        heard.append(Heard(word, at, end, 0.8))
        at = end
    return parts, text, heard


def is_sounding(samples: np.ndarray, word: Word) -> bool:
    """Whether any hundredth of a second within a word is louder than -66 dB."""
    assert word.start is not None
    assert word.end is not None
    held = samples[int(word.start * RATE) : int(word.end * RATE) + 1]
    step = RATE // 100
    return any(
        np.sqrt(np.mean(held[k : k + step] ** 2)) > 10 ** (-66 / 20) for k in range(0, len(held), step)
    )


@pytest.mark.parametrize("road", ROADS)
@settings(max_examples=10)
@given(film=films(), silence=st.sampled_from([0.0, 10**-3.5]))
def test_each_word_has_a_length_and_a_sound(
    voices: list[np.ndarray],
    road: str,
    film: tuple[list[int | float], list[str], list[Heard]],
    silence: float,
) -> None:
    aligner, language, recognised, least = ROADS[road]
    if language == "de" and "de" not in espeak_languages():
        pytest.skip("espeak-ng is not here")
    parts, text, heard = film
    random = np.random.default_rng(0)
    samples = np.concatenate(
        [
            voices[part] if isinstance(part, int) else silence * random.standard_normal(round(part * RATE))
            for part in parts
        ]
    )
    if language == "de":
        text = [GERMAN.get(word, word) for word in text]
        heard = [Heard(GERMAN.get(w.text, w.text), w.start, w.end, w.probability) for w in heard]
    words = recognize_and_align(
        sound_of(samples),
        transcript=None if recognised else " ".join(text),
        language=language,
        aligner=aligner,
        heard=heard if recognised or least else None,
        least_matched=least,
    )
    check(words, samples, road)


def check(words: Words, samples: np.ndarray, road: str) -> None:
    last = Fraction(0)
    for word in words:
        if word.start is None or word.end is None:
            assert word.reason
            continue
        assert word.end - word.start >= Fraction(1, 100), f"{road}: {word}"
        assert word.start >= last
        assert word.end <= Fraction(len(samples), RATE)
        assert is_sounding(samples, word), f"{road}: {word} is said where nothing sounds"
        last = word.end
