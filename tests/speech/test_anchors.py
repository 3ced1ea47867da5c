from __future__ import annotations

import itertools
import random
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from genlock.speech.anchors import match_words, pieces
from genlock.speech.heard import Heard
from genlock.speech.matching import match_rows
from genlock.speech.text import tokenize

rows = st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f"]), max_size=40)


@given(rows, rows)
def test_matches_increase_and_agree(left: list[str], right: list[str]) -> None:
    pairs = match_rows(left, right)
    assert all(left[i] == right[j] for i, j in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(pairs))


@given(rows)
def test_a_row_matches_itself(row: list[str]) -> None:
    assert match_rows(row, row) == [(k, k) for k in range(len(row))]


def test_a_long_garbled_text_is_found_again() -> None:
    """Twenty thousand words, a third of them wrong, missing or added: nearly all that agree are matched, in
    their place."""
    random_ = random.Random(0)
    common = ["the", "of", "and", "a", "to"]
    text = [
        random_.choice(common) if random_.random() < 0.4 else f"w{random_.randrange(3000)}"
        for _ in range(20_000)
    ]
    heard: list[str] = []
    truth = []
    for number, word in enumerate(text):
        fate = random_.random()
        if fate < 0.67:
            truth.append((number, len(heard)))
            heard.append(word)
        elif fate < 0.8:
            heard.append("wrong")
        elif fate < 0.9:
            heard += ["added", word]
            truth.append((number, len(heard) - 1))
    found = set(match_rows(text, heard))
    assert len(found & set(truth)) > 0.97 * len(truth)
    assert len(found - set(truth)) < 0.02 * len(truth)


def test_numbers_match_however_they_are_written() -> None:
    def heard(*words: str) -> list[Heard]:
        return [Heard(w, Fraction(k), Fraction(k + 1), 0.9) for k, w in enumerate(words)]

    matched = match_words(
        tokenize("On May 22nd, 1961 — he paid $5."),
        heard("on", "may", "twenty-second", "nineteen", "sixty", "one", "he", "paid", "$5"),
    )
    assert sorted(matched) == [0, 1, 2, 3, 5, 6, 7]
    assert (matched[3].start, matched[3].end) == (3, 6)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 20), st.booleans()), min_size=1, max_size=80))
def test_every_word_is_kept_once_and_no_piece_is_endless(row: list[tuple[int, int, bool]]) -> None:
    time, anchors = Fraction(0), {}
    for number, (gap, length, known) in enumerate(row):
        time += Fraction(gap, 10)
        if known:
            anchors[number] = Heard("x", time, time + Fraction(length, 20), 1.0)
        time += Fraction(length, 20)
    parts = pieces(len(row), anchors, Fraction(0), time)
    if not anchors:
        assert parts == []
        return
    assert [k for p in parts for k in p.keep] == list(range(len(row)))
    for part in parts:
        assert part.start < part.end
        assert part.words.start <= part.keep.start <= part.keep.stop <= part.words.stop
        for k in part.keep:
            if k in anchors:
                assert part.start <= anchors[k].middle <= part.end


def test_pieces_of_steady_speech_are_short() -> None:
    anchors = {k: Heard("x", Fraction(k, 2), Fraction(k, 2) + Fraction(2, 5), 1.0) for k in range(7200)}
    parts = pieces(7200, anchors, Fraction(0), Fraction(3600))
    assert max(p.end - p.start for p in parts) < 31
    assert max(len(p.words) for p in parts) < 70


def test_the_text_of_one_sentence_lies_in_one_place() -> None:
    """The recording begins with the same words: they were taken for the sentence's, 28 s before the rest of it."""
    sentences = [
        "please enter the room that you want",
        "a tour of the town",
        "please enter the boat and take a seat",
    ]
    heard = [word for sentence in sentences for word in sentence.split()]
    for place, sentence in enumerate(sentences):
        first = sum(len(s.split()) for s in sentences[:place])
        row = sentence.split()
        assert match_rows(row, heard) == [(k, first + k) for k in range(len(row))]


def test_a_word_heard_wrongly_breaks_nothing() -> None:
    heard = [*"abcxefagh"]
    assert match_rows([*"abcdef"], heard) == [(0, 0), (1, 1), (2, 2), (4, 4), (5, 5)]
