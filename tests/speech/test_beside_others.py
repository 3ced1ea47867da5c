"""Speech that is not alone: another voice or music is said, and nothing of it drags words away. Planted sounds."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.media import read_audio
from genlock.speech import Word, Words, recognize_and_align
from genlock.speech.at_once import find_others, with_others
from genlock.synth.voice.speak import VoiceOptions, speak

from .conftest import sound_of

TEXT = "One, two, three, four, five, six, seven, eight, nine, ten."
RATE = 16000


def voice(pitch: float, seconds: float = 6, seed: int = 0) -> np.ndarray:
    """A voice that says nothing: harmonics of a pitch that wanders, opened and closed three times a second."""
    time = np.arange(round(seconds * RATE)) / RATE
    random = np.random.default_rng(seed)
    wander = sum(np.sin(2 * np.pi * rate * time + random.uniform(0, 6)) for rate in (0.3, 0.7, 1.1))
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.04 * wander)) / RATE
    tones = sum(np.sin(k * phase + random.uniform(0, 6)) / k for k in range(1, 20))
    opened = 0.3 + np.maximum(0, np.sin(2 * np.pi * 3 * time + random.uniform(0, 6)))
    made = tones * opened
    return np.asarray(0.05 * made / made.std() + 1e-4 * random.standard_normal(len(time)))


def chords(seconds: float, seed: int = 0) -> np.ndarray:
    """Three tones at a time, others every half second."""
    random = np.random.default_rng(seed)
    time = np.arange(RATE // 2) / RATE
    parts = []
    for _ in range(round(2 * seconds)):
        tones = random.choice([220.0, 261.6, 293.7, 329.6, 392.0, 440.0], 3, replace=False)
        parts.append(sum(np.sin(2 * np.pi * t * k * time) / k for t in tones for k in range(1, 7)))
    made = np.concatenate(parts)
    return np.asarray(0.05 * made / made.std())


def words_every_third(count: int = 18) -> Words:
    return Words(
        [Word(str(k), Fraction(k, 3), Fraction(k + 1, 3), 0.8, within_50ms=0.9) for k in range(count)]
    )


@pytest.mark.parametrize("pitch", [95, 130, 210, 310])
def test_a_voice_alone_is_alone(pitch: float) -> None:
    words = words_every_third()
    assert with_others(sound_of(voice(pitch)), words) == words
    noisy = voice(pitch) + 0.015 * np.random.default_rng(1).standard_normal(6 * RATE)
    assert not find_others(sound_of(noisy), words)


@pytest.mark.parametrize(("one", "other"), [(95, 210), (130, 175), (110, 310)])
def test_two_voices_are_said_where_they_are(one: float, other: float) -> None:
    """The second voice speaks from the third second on."""
    both = voice(one) + np.where(np.arange(6 * RATE) >= 3 * RATE, voice(other, seed=1), 0)
    words = with_others(sound_of(both, origin="1/7"), words_every_third().shifted("1/7"))
    ((start, end),) = words.at_once
    assert abs(float(start) - 3 - 1 / 7) < 0.8
    assert float(end) > 5.5
    assert [word.confidence for word in words][:6] == [0.8] * 6
    assert [(word.confidence, word.within_50ms) for word in words][-4:] == [(0.4, 0.45)] * 4
    assert any("another voice or music sounds at once" in note for note in words.notes)
    assert Words.from_dict(words.to_dict()) == words
    assert words.shifted(1).at_once == ((start + 1, end + 1),)


def test_speakers_of_a_corpus_alone_and_at_once(shared_data: Path) -> None:
    share = {}
    for name, level in (("alone", 0.0), ("both", 1.0)):
        found = []
        for one, other in (("s2", "s4"), ("s3", "s31"), ("s5", "s30"), ("s32", "s3")):
            first, second = (
                sorted((shared_data / "grid_more" / s / "video").glob("*.mpg"))[-1] for s in (one, other)
            )
            sounds = [
                np.asarray(read_audio(clip).values[: 45 * RATE // 16], float) for clip in (first, second)
            ]
            mixed = sum(gain * sound / sound.std() for gain, sound in zip((1.0, level), sounds, strict=True))
            said = [Word("x", Fraction(6 + 3 * k, 10), Fraction(9 + 3 * k, 10)) for k in range(5)]
            found.append(len(find_others(sound_of(0.05 * np.asarray(mixed)), said)) / 5)
        share[name] = float(np.mean(found))
    assert share["alone"] <= 0.1
    assert share["both"] >= 0.5


@pytest.mark.parametrize("kind", ["music", "silence", "zeros", "music below"])
def test_what_is_no_speech_drags_no_word(kind: str) -> None:
    """The made voice counts, with five seconds of something in the middle of it, or music below it."""
    speech = speak(TEXT, VoiceOptions(rate=RATE))
    samples = np.asarray(speech.waveform.values, float)
    samples = 0.05 * samples / samples.std()
    cut, added = round(float(speech.words[5].start) * RATE) - RATE // 20, 5 * RATE
    if kind == "music below":
        made, added = samples + 0.25 * np.resize(chords(20), len(samples)), 0
    else:
        hiss = 10**-3.5 * np.random.default_rng(0).standard_normal(added)
        middle = {"music": chords(5), "silence": hiss, "zeros": np.zeros(added)}[kind]
        made = np.concatenate([samples[:cut], middle, samples[cut:]])
    words = recognize_and_align(sound_of(made), transcript=TEXT)
    truth = [w.start + (Fraction(added, RATE) if k >= 5 else 0) for k, w in enumerate(speech.words)]
    off = [abs(float(w.start - t)) for w, t in zip(words, truth, strict=True) if w.start is not None]
    assert len(off) >= 9
    assert max(off) < 0.3
