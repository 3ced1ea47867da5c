from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.metrics.words import word_errors
from genlock.speech.sphinx.model import load_acoustic_model, model_folder
from genlock.speech.sphinx.pronounce import DictionaryLines, GraphemeNetwork, Pronouncer, load_pronouncer

# Words that came into CMUdict after the network was trained, with their pronunciations there: names, mostly.
NEW_WORDS = {
    "cardiomyopathy": "K AA R D IY OW M AY AA P AH TH IY",
    "declarative": "D IH K L EH R AH T IH V",
    "emulsify": "IH M AH L S AH F AY",
    "hydrocortisone": "HH AY D R AH K AO R T AH Z OW N",
    "indifferently": "IH N D IH F R AH N T L IY",
    "subsequence": "S AH B S AH K W EH N S",
    "traceability": "T R EY S AH B IH L IH T IY",
    "westlife": "W EH S T L AY F",
    "zoolander": "Z UW L AE N D ER",
    "kilkenny": "K IH L K EH N IY",
}


@pytest.fixture(scope="module")
def pronounce() -> Pronouncer:
    return load_pronouncer()


@pytest.fixture(scope="module")
def network(pronounce: Pronouncer) -> GraphemeNetwork:
    return pronounce.network


def test_phone_errors_of_the_network(pronounce: Pronouncer, network: GraphemeNetwork) -> None:
    """On a sample of the dictionary, which it was partly trained on, and words that it cannot know."""
    words = random.Random(0).sample(
        [w for w in sorted(pronounce.lines) if w.isascii() and w.isalpha() and len(w) > 1], 400
    )
    errors = phones = 0
    for word in words:
        options = [word_errors(line.split(), network(word)) for line in pronounce.lines[word]]
        best = min(options, key=lambda e: e.total)
        errors, phones = errors + best.total, phones + best.true_words
    assert errors / phones < 0.10
    new = [word_errors(line.split(), network(word)) for word, line in NEW_WORDS.items()]
    assert sum(e.total for e in new) / sum(e.true_words for e in new) < 0.30


def test_letters_have_names(pronounce: Pronouncer) -> None:
    assert all(pronounce(letter) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert pronounce("W") == (("D", "AH", "B", "AH", "L", "Y", "UW"),)
    assert ("EY",) in pronounce("A")


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("café", "K AH F EY"),
        ("eighty-four", "EY T IY F AO R"),
        ("dogs'", "D AO G Z"),
        ("genlock's", "JH EH N L AH K S"),
        ("Zurich's", "Z UH R IH K S"),
    ],
)
def test_words_taken_apart(pronounce: Pronouncer, word: str, phones: str) -> None:
    assert tuple(phones.split()) in pronounce(word)


def test_endings_after_hissing_sounds(pronounce: Pronouncer) -> None:
    assert pronounce("zorbatch's")[0][-2:] == ("IH", "Z")


def test_words_of_other_scripts_have_none(pronounce: Pronouncer) -> None:
    assert pronounce("привет") == ()
    assert pronounce("你好") == ()
    assert pronounce("'") == ()


@given(st.text(max_size=20))
def test_any_word_gives_phones_of_the_model(word: str) -> None:
    known = set(load_acoustic_model().phones)
    assert all(row and set(row) <= known for row in load_pronouncer()(word))


def test_the_dictionary_is_spoken_in_phones_of_the_model(pronounce: Pronouncer) -> None:
    known = set(load_acoustic_model().phones)
    assert {phone for lines in pronounce.lines.values() for line in lines for phone in line.split()} <= known


def test_the_dictionary_says_what_its_file_says() -> None:
    """Beside a plain reading: every 50th word, and the two that lie the wrong way round in the file."""
    data = (model_folder() / "cmudict-en-us.dict").read_bytes()
    plain: dict[str, list[str]] = {}
    for line in data.decode().splitlines():
        head, _, phones = line.partition(" ")
        plain.setdefault(head.partition("(")[0], []).append(phones)
    lines = DictionaryLines(data)
    assert len(lines) == len(plain)
    for word in [*sorted(plain)[::50], "stilton", "stilted"]:
        assert list(lines[word]) == plain[word]
    assert not any(word in lines for word in ("", "zzzz", "genlocked", "\udcff"))


@given(st.dictionaries(st.text("abc'é", min_size=1, max_size=3), st.integers(1, 3)))
def test_a_dictionary_in_any_order(words: dict[str, int]) -> None:
    rows = [(f"{w}({k})" if k else w, f"P{k}") for w, count in words.items() for k in range(count)]
    lines = DictionaryLines("".join(f"{head} {phones}\n" for head, phones in rows).encode())
    assert dict(lines) == {w: tuple(f"P{k}" for k in range(count)) for w, count in words.items()}
