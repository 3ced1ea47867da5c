"""The probability that a word's edges lie within 50 ms: how it moves, where it comes from, and its way into results."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from genlock.core import Grid, Track
from genlock.core.errors import FormatError, InputError, OptionError
from genlock.media.sound_source import TrackSound
from genlock.speech import Word
from genlock.speech.find import recognize_and_align
from genlock.speech.heard import Heard
from genlock.speech.sphinx.align import SphinxAligner
from genlock.speech.text import tokenize
from genlock.speech.word_trust import FEATURES, RAISES, Known, WordTrust, features_of, load_word_trust
from genlock.synth.voice.speak import VoiceOptions, speak
from genlock.train.speech.word_trust import Condition, TrueWords, fit_word_trust, judged, with_noise

TEXT = "One, two, three, four, five, six."
WORDS = ("one", "two", "three", "four", "five", "six")


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    samples: np.ndarray = speak(TEXT, VoiceOptions(rate=16000)).samples
    return samples


def trusted(samples: np.ndarray, words: Sequence[Known]) -> np.ndarray:
    found: np.ndarray = load_word_trust().probabilities(features_of(samples, words))
    return found


@pytest.mark.parametrize(("name", "sign"), [pair for pair in zip(FEATURES, RAISES, strict=True) if pair[1]])
def test_more_of_a_feature_never_moves_it_the_wrong_way(name: str, sign: int) -> None:
    trust = load_word_trust()
    rows = np.tile([2.0, -1.2, -2.5, 20.0, 0.0, -4.0], (61, 1))
    rows[:, FEATURES.index(name)] = np.linspace(-100, 100, 61)
    found = trust.probabilities(rows)
    assert ((found > 0) & (found < 1)).all()
    assert (sign * np.diff(found) >= 0).all()
    assert found[-1] != found[0]


def test_a_word_in_noise_is_trusted_less_than_the_same_in_a_quiet_room() -> None:
    random = np.random.default_rng(3)
    quiet = 1e-4 * random.standard_normal(32000)
    quiet[12000:18000] += 0.1 * random.standard_normal(6000)
    loud = quiet + 0.1 * random.standard_normal(32000)
    word = [Known(12000, 18000, 0.95, 4, 320)]
    assert trusted(quiet, word)[0] > trusted(loud, word)[0] + 0.05


def test_a_word_of_silence_is_trusted_less_than_a_sound_that_stands_out() -> None:
    silence = np.zeros(32000)
    sounding = silence.copy()
    sounding[12000:18000] = 0.1 * np.random.default_rng(4).standard_normal(6000)
    word = [Known(12000, 18000, 0.95, 4, 320)]
    assert trusted(sounding, word)[0] > trusted(silence, word)[0] + 0.05


def test_any_word_of_any_sound_gets_a_probability() -> None:
    broken = np.full(4000, np.nan)
    words = [Known(0, 0, 0.0, 0, 0), Known(0, 4000, 1.0, 1, 10**6), Known(4000, 4000, 0.5, 3, 0)]
    found = trusted(broken, words)
    assert ((found > 0) & (found < 1)).all()
    assert features_of(broken, []).shape == (0, len(FEATURES))


def test_aligned_words_carry_it_and_noise_lowers_it(voice: np.ndarray) -> None:
    clean = SphinxAligner().align(voice, tokenize(TEXT))
    noisy = SphinxAligner().align(with_noise(voice, Condition("white", 0.0), 5), tokenize(TEXT))
    sure, unsure = ([p.within_50ms for p in placed if p.start is not None] for placed in (clean, noisy))
    assert len(sure) == len(WORDS)
    assert all(p is not None and 0 < p < 1 for p in [*sure, *unsure])
    assert np.mean([p or 0.0 for p in sure]) > np.mean([p or 0.0 for p in unsure]) + 0.05


def test_what_is_known_is_what_is_aligned(voice: np.ndarray) -> None:
    tokens = [*tokenize(TEXT), *tokenize("-")]
    placed, known = SphinxAligner().align(voice, tokens), SphinxAligner().known(voice, tokens)
    assert known[-1] is None
    for place, word in zip(placed[:-1], known[:-1], strict=True):
        assert word is not None
        assert (place.start, place.end) == (Fraction(word.first, 16000), Fraction(word.stop, 16000))
        assert word.phones >= 2
    assert all(a.stop <= b.first for a, b in pairwise(known[:-1]) if a is not None and b is not None)


def test_results_hold_it_and_read_it_back(voice: np.ndarray) -> None:
    sound = TrackSound(Track(voice.astype(np.float32), Grid.of_samples(16000)))
    words = recognize_and_align(
        sound, transcript=TEXT, language="en", aligner="pocketsphinx", least_matched=0
    )
    assert all(word.within_50ms is not None and 0 < word.within_50ms < 1 for word in words)
    assert [Word.from_dict(word.to_dict()) for word in words] == list(words)
    before = {key: value for key, value in words[0].to_dict().items() if key != "within_50ms"}
    assert Word.from_dict(before) == replace(words[0], within_50ms=None)
    with pytest.raises(OptionError, match="outside 0"):
        replace(words[0], within_50ms=1.5)


def test_words_that_were_heard_hold_it_too(voice: np.ndarray) -> None:
    sound = TrackSound(Track(voice.astype(np.float32), Grid.of_samples(16000)))
    times = [(p.start, p.end) for p in SphinxAligner().align(voice, tokenize(TEXT))]
    heard = [
        Heard(w, s, e, 0.5) for w, (s, e) in zip(WORDS, times, strict=True) if s is not None and e is not None
    ]
    words = recognize_and_align(sound, language="en", aligner="pocketsphinx", heard=heard)
    assert [word.text for word in words] == list(WORDS)
    # Whether the recogniser was right is no matter of the edges.
    told = SphinxAligner().align(voice, tokenize(" ".join(WORDS)))
    assert [word.within_50ms for word in words] == pytest.approx([p.within_50ms for p in told], abs=1e-4)
    assert [word.confidence for word in words] == pytest.approx([p.confidence / 2 for p in told], abs=1e-4)


# ---------------------------------------------------------------- the fit


def planted(count: int, weights: Sequence[float], seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, what happened, and the probabilities that it was drawn with."""
    random = np.random.default_rng(seed)
    features = random.standard_normal((count, len(FEATURES))) * (2, 0.5, 0.4, 10, 1, 0.8)
    truth = 1 / (1 + np.exp(-(0.4 + features @ np.asarray(weights))))
    return features, random.random(count) < truth, truth


def test_planted_probabilities_come_back() -> None:
    weights = (0.3, -0.8, 0.9, 0.05, -0.7, -0.6)
    features, near, _ = planted(20000, weights)
    fresh, _, truth = planted(2000, weights, seed=1)
    found = fit_word_trust(features, near).probabilities(fresh)
    # 20,000 draws pin seven numbers to about .01 in probability; beyond the 1st and 99th percentile they stand still.
    assert np.abs(found - truth).mean() < 0.015
    assert abs(found.mean() - truth.mean()) < 0.01


def test_a_weight_never_gets_the_wrong_sign() -> None:
    features, near, _ = planted(3000, (-0.3, 0, 0, -0.05, 0, 0.6))
    fitted = fit_word_trust(features, near).weights
    assert [fitted[k] for k, sign in enumerate(RAISES) if sign] == [0.0, 0.0, 0.0]


def test_the_numbers_survive_their_file_and_others_are_refused() -> None:
    trust = load_word_trust()
    data = tomllib.loads(trust.to_toml("a card\n\nof two parts"))
    again = WordTrust.from_mapping(data)
    assert again == trust
    del data["features"]["pauses"]
    with pytest.raises(FormatError, match="pauses"):
        WordTrust.from_mapping(data)
    with pytest.raises(FormatError, match="not of"):
        WordTrust.from_mapping(tomllib.loads(trust.to_toml().replace("seconds = 0.05", "seconds = 0.1")))
    with pytest.raises(FormatError, match="finite"):
        replace(trust, constant=float("nan"))


def test_too_few_words_are_not_fitted() -> None:
    features, near, _ = planted(100, (0.0,) * 6)
    with pytest.raises(InputError, match="ten at least"):
        fit_word_trust(features, np.ones(100, bool))
    with pytest.raises(InputError, match="finite"):
        fit_word_trust(features * np.nan, near)


def test_words_are_judged_by_their_true_times(voice: np.ndarray) -> None:
    aligner = SphinxAligner()
    times = tuple((p.start, p.end) for p in aligner.align(voice, tokenize(TEXT)))
    known = [(start, end) for start, end in times if start is not None and end is not None]
    late = [
        (start + Fraction(k, 100), end) for k, (start, end) in zip((0, 4, 5, 6, 0, 0), known, strict=True)
    ]
    late[5] = (late[5][0], late[5][1] - Fraction(6, 100))
    clip = TrueWords(voice, Fraction(0), WORDS, tuple(late))
    found = judged(clip, Condition(), aligner, 0)
    assert found.near.tolist() == [True, True, True, False, True, False]


@pytest.mark.parametrize("colour", ["white", "pink"])
def test_noise_has_the_level_and_the_colour(colour: str) -> None:
    tone = np.sin(np.arange(32000) / 3) * 0.2
    noise = with_noise(tone, Condition(colour, 10.0), 1) - tone
    assert 10 * np.log10(np.mean(tone**2) / np.mean(noise**2)) == pytest.approx(10.0, abs=0.01)
    power = np.abs(np.fft.rfft(noise)) ** 2
    fall = 10 * np.log10(power[1000:2000].mean() / power[8000:16000].mean())
    assert fall == pytest.approx(0.0 if colour == "white" else 9.0, abs=0.5)
    with pytest.raises(OptionError, match="brown"):
        with_noise(tone, Condition("brown"), 1)
