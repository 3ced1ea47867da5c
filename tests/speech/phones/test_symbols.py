"""One set of phones: everything that others write comes to a symbol of it."""

import numpy as np
import pytest

from genlock.core.errors import InputError
from genlock.speech.phones.espeak import espeak_languages, espeak_program, ipa_of_words
from genlock.speech.phones.symbols import OTHER, PAUSE, phone_table
from genlock.speech.phones.ways import ways_of_tokens, ways_of_words
from genlock.speech.sphinx.pronounce import ARPABET
from genlock.speech.text import tokenize

needs_espeak = pytest.mark.skipif(espeak_program() is None, reason="espeak-ng is not installed")


def test_every_entry_names_symbols() -> None:
    table = phone_table()
    assert table.symbols[:2] == (PAUSE, OTHER)
    assert len(table.symbols) <= 80
    assert len(set(table.symbols)) == len(table.symbols)
    named = {phone for row in table.ipa.values() for phone in row} | set(table.arpabet.values())
    named |= {phone for row in table.alike.values() for phone in row} | set(table.alike)
    assert named <= set(table.symbols)
    assert set(table.arpabet) == ARPABET


def test_every_phone_that_english_lacks_says_what_it_is_like() -> None:
    table = phone_table()
    lacking = set(table.symbols[2:]) - set(table.arpabet.values())
    assert lacking == set(table.alike)
    assert not lacking & {phone for row in table.alike.values() for phone in row}


def test_a_phone_that_there_is_not_is_refused() -> None:
    with pytest.raises(InputError, match="'click' is none of the"):
        phone_table().classes(("t", "click"))


def test_english_needs_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert ways_of_words(["hello"])[0]
    assert len(ways_of_tokens(tokenize("U.S. 1984"))[1]) >= 2


@needs_espeak
@pytest.mark.parametrize(
    ("language", "word", "phones"),
    [
        ("fr", "bonjour", "b ɔ̃ ʒ u ʁ"),
        ("es", "mañana", "m a ɲ a n a"),
        ("it", "gatto", "ɡ a t o"),
        ("ru", "привет", "p r i v e t"),
        ("de", "zwei", "ts v aɪ"),
    ],
)
def test_words_of_other_languages(language: str, word: str, phones: str) -> None:
    symbols = phone_table().symbols
    ways = [" ".join(symbols[k] for k in way) for way in ways_of_words([word], language)[0]]
    assert phones in ways


@needs_espeak
def test_spanish_has_two_ways_to_say_a_z() -> None:
    assert len(ways_of_words(["gracias"], "es")[0]) == 2


@needs_espeak
def test_words_that_it_says_in_several_lines_do_not_move_the_others() -> None:
    words = ["un", "x.y", "deux", "", "trois"]
    said = ipa_of_words(words, "fr")
    assert len(said) == len(words)
    assert said[4] == ipa_of_words(["trois"], "fr")[0]


@needs_espeak
def test_languages_have_two_or_three_letters() -> None:
    found = espeak_languages()
    assert {"de", "es", "fr", "it", "ru", "cs", "nl", "pt"} <= found
    assert all(2 <= len(code) <= 4 for code in found)


def test_classes_fit_numpy() -> None:
    assert np.array(ways_of_words(["hello"])[0][0]).max() < len(phone_table().symbols)
