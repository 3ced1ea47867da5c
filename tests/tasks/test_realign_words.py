"""A corrected text: words that stayed keep their times to the last digit, new ones are found where they are spoken."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.media.encode import Sound, encode
from genlock.speech import Word, Words
from genlock.synth.voice.speak import VoiceOptions, speak
from genlock.tasks.realign_words import RealignOptions, realign_words

TEXT = "hello listen the clock to seven moves at nine from picture four"


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Word]]:
    """A voice made by rule, and its words where they were planted."""
    target = tmp_path_factory.mktemp("spoken") / "talk.wav"
    said = speak(TEXT, VoiceOptions(rate=16000))
    encode(target, None, Sound(np.asarray(said.samples, np.float32), 16000, codec="pcm_s16le"))
    return target, [Word(span.label, span.start, span.end, 0.9) for span in said.words]


def test_only_what_changed_is_placed_anew(spoken: tuple[Path, list[Word]]) -> None:
    file, truth = spoken
    heard = list(truth)
    # "the clock to seven" was heard as "the lock two seven": one word wrong, one word with borders that are wrong.
    third = truth[3]
    assert third.start is not None
    assert third.end is not None
    heard[3] = replace(third, text="lock", start=third.start + Fraction(1, 12))
    heard[4] = replace(truth[4], text="two")
    made = realign_words(file, Words(heard), RealignOptions(at=2, count=4, text="the clock to\nseven"))
    assert (made.at, made.count, made.placed) == (2, 4, 2)
    assert [word.text for word in made.words] == ["the", "clock", "to", "seven"]
    assert (made.words[0], made.words[3]) == (heard[2], heard[5])
    for found, planted in zip(made.words[1:3], truth[3:5], strict=True):
        assert found.start is not None
        assert planted.start is not None
        assert abs(found.start - planted.start) < Fraction(1, 20)
    assert made.words[1].start is not None
    assert heard[2].end is not None
    assert made.words[1].start >= heard[2].end


def test_words_that_are_taken_out_need_no_sound(spoken: tuple[Path, list[Word]]) -> None:
    file, truth = spoken
    made = realign_words(file, Words(truth), RealignOptions(at=0, count=3, text="hello the"))
    assert made.words == (truth[0], truth[2])
    assert made.placed == 0


def test_what_is_not_spoken_there_comes_without_times_and_with_a_reason(
    spoken: tuple[Path, list[Word]],
) -> None:
    file, truth = spoken
    made = realign_words(file, Words(truth), RealignOptions(at=1, count=1, text="listen extraordinarily"))
    assert made.words[0] == truth[1]
    assert made.words[1].start is None
    assert made.words[1].reason


def test_words_that_are_not_there_are_refused(spoken: tuple[Path, list[Word]]) -> None:
    with pytest.raises(OptionError, match="words 11 to 14 are none of the 12"):
        realign_words(spoken[0], Words(spoken[1]), RealignOptions(at=11, count=3))
