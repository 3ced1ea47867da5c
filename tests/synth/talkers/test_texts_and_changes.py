"""Sentences cover the phones; changes keep the times of phones, or move them exactly."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.core.grid import Grid
from genlock.core.spans import Span, Spans
from genlock.core.track import Track
from genlock.synth.talkers import texts
from genlock.synth.talkers.borders import find_borders
from genlock.synth.talkers.changes import Change, apply_change, draw_change
from genlock.synth.talkers.phone_sets import ARPABET, from_ipa
from genlock.synth.talkers.pronounce import words_of
from genlock.synth.talkers.speaking import speak
from genlock.synth.talkers.texts import draw_sentences, evenness, phones_of
from genlock.synth.talkers.voices import Spoken
from genlock.synth.talkers.word_list import PRONUNCIATIONS
from genlock.weights import registry


def counted(count: int, seed: int) -> Counter[str]:
    return Counter(phone for words in draw_sentences(count, seed) for phone in phones_of(words))


def test_every_phone_is_said_and_about_equally_often(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = counted(200, 3)
    assert set(chosen) == ARPABET
    assert min(chosen.values()) > 0.15 * max(chosen.values())
    monkeypatch.setattr(texts, "_DRAWN", 1)
    assert evenness(chosen) > evenness(counted(200, 3)) + 0.01


def test_a_smaller_set_is_the_beginning_of_a_larger() -> None:
    larger = list(draw_sentences(20, 5))
    assert larger[:7] == list(draw_sentences(7, 5))
    assert larger != list(draw_sentences(20, 6))
    commands = [" ".join(word.text for word in words) for words in draw_sentences(30, 1, commands=1)]
    pattern = (
        r"(bin|lay|place|set) (blue|green|red|white) (at|by|in|with) [b-vxyz] \w+ (again|now|please|soon)"
    )
    assert all(re.fullmatch(pattern, text) for text in commands)


def test_pronunciations_are_those_of_the_dictionary() -> None:
    """Compared with the CMU dictionary as pocketsphinx has it, which marks no stress."""
    table: dict[str, set[str]] = {}
    with open(registry.require("pocketsphinx-en-us") / "cmudict-en-us.dict", encoding="utf-8") as lines:
        for line in lines:
            word, _, phones = line.strip().partition(" ")
            table.setdefault(re.sub(r"\(\d\)", "", word), set()).add(phones)
    wrong = {
        word: phones
        for word, phones in PRONUNCIATIONS.items()
        if re.sub(r"\d", "", " ".join(phones)) not in table.get(word, set())
    }
    assert wrong == {}


def test_words_beyond_those_known_by_heart_come_from_the_dictionary() -> None:
    (word,) = words_of("pepper")
    assert word.phones == ("P", "EH1", "P", "ER0")


def test_symbols_of_other_languages_become_the_nearest() -> None:
    assert from_ipa("ʁ") == ("R",)
    assert from_ipa("y") == ("UW",)
    assert from_ipa("ã") == ("AA",)
    assert from_ipa("t͡ʃ") in (("CH",), ("T", "SH"))
    assert from_ipa("ˈoʊ") == ("OW",)


def planted() -> Spoken:
    """A click in silence at 1 s, with a phone that starts there."""
    sound = np.zeros(32000, np.float32)
    sound[16000:16010] = 0.5
    phones = [Span(0, 1, "sil"), Span(1, "3/2", "AA"), Span("3/2", 2, "sil")]
    return Spoken(
        Track(sound, Grid.of_samples(16000)),
        Spans(phones),
        Spans([Span(1, "3/2", "click")]),
        Spans(),
        "test",
        "test",
        "MIT",
        Fraction(0),
    )


@pytest.mark.parametrize("factor", ["4/5", "1", "9/8", "1.037"])
def test_playback_moves_sound_and_times_alike(factor: str) -> None:
    changed = apply_change(planted(), Change(playback=Fraction(factor)))
    heard = (np.argmax(np.abs(changed.samples)) - 5 / float(Fraction(factor))) / 16000
    assert heard == pytest.approx(1 / float(Fraction(factor)), abs=0.0004)
    assert abs(changed.phones[1].start - 1 / Fraction(factor)) <= Fraction(1, 32000)
    assert changed.phones[-1].end == Fraction(len(changed.sound), 16000)
    assert changed.words[0].start == changed.phones[1].start


@pytest.mark.parametrize(
    "change",
    [
        Change(tract=1.15),
        Change(tract=0.85),
        Change(room_seconds=0.5, room_share=0.5),
        Change(noise=20, noise_kind="music"),
        Change(level=-20),
    ],
    ids=str,
)
def test_the_click_stays_where_it_was(change: Change) -> None:
    before, after = planted(), apply_change(planted(), change)
    assert after.phones == before.phones
    assert after.changes == (str(change),)
    first = int(np.argmax(np.abs(after.samples) > 0.5 * np.abs(after.samples).max()))
    assert abs(first - 16000) <= 16


def test_pitch_moves_the_pitch_and_not_the_formants() -> None:
    said = speak("lay blue")
    high = apply_change(said, Change(pitch=4))
    factor = 2 ** (4 / 12)
    assert float(said.words[0].start / high.words[0].start) == pytest.approx(factor, rel=0.001)
    # The edges that were heard in the sound are heard where they were moved to.
    assert all(abs(border.error_seconds) < 0.02 for border in find_borders(high))
    tract = apply_change(said, Change(tract=1.2))

    def centre(spoken: Spoken) -> float:
        """Mean frequency of the vowel of "lay", below 4 kHz."""
        vowel = next(span for span in spoken.phones if span.label == "EY")
        part = spoken.sound.between(vowel.start, vowel.end).values.astype(float)
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
        hertz = np.fft.rfftfreq(len(part), 1 / spoken.rate)
        inside = hertz < 4000
        weight = np.sqrt(power[inside])
        return float((hertz[inside] * weight).sum() / weight.sum())

    plain = centre(said)
    assert abs(centre(high) / plain - 1) < 0.12
    assert centre(tract) / plain > 1.08


def test_noise_has_the_level_that_is_asked_for() -> None:
    said = speak("lay blue")
    for kind in ("room", "white", "hum", "music"):
        noisy = apply_change(said, Change(noise=10, noise_kind=kind, seed=4))
        noise = noisy.samples.astype(float) - said.samples
        loud = np.sort(said.samples.astype(float) ** 2)[len(said.sound) // 2 :].mean()
        assert 10 * np.log10(loud / (noise**2).mean()) == pytest.approx(10, abs=0.5)


def test_drawn_changes_are_the_same_again_and_apply() -> None:
    said = speak("two")
    for seed in range(6):
        change = draw_change(seed)
        one, two = apply_change(said, change), apply_change(said, change)
        assert one.samples.tobytes() == two.samples.tobytes()
        assert np.abs(one.samples).max() <= 1
        assert len(one.phones) == len(said.phones)
    assert len({draw_change(seed) for seed in range(20)}) == 20


@pytest.mark.parametrize(
    "wrong",
    [
        {"playback": 3},
        {"pitch": 13},
        {"tract": 2},
        {"room_seconds": 9},
        {"noise": 99},
        {"noise_kind": "x"},
        {"seed": -1},
    ],
)
def test_changes_out_of_range(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=next(iter(wrong))):
        Change(**wrong)  # type: ignore[arg-type]
