"""Words in planted probabilities: found where they were put, to a fraction of a frame, also beside what is not said."""

import numpy as np
import numpy.typing as npt
import pytest

from genlock.speech.phones.lattice import PhonePrices
from genlock.speech.phones.search import find_words

CLASSES = 12


def planted(plan: list[tuple[int, float]], seed: int = 0) -> npt.NDArray[np.float32]:
    """ln probabilities of (class, frames), a border within a frame shared by both sides."""
    length = sum(frames for _, frames in plan)
    shares = np.full((round(length), CLASSES), 0.002)
    at = 0.0
    for phone, frames in plan:
        edges = np.clip(np.arange(len(shares) + 1.0), at, at + frames)
        shares[:, phone] += np.diff(edges)
        at += frames
    shares *= np.random.default_rng(seed).uniform(0.9, 1.1, shares.shape)
    return np.log(shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def test_borders_are_finer_than_frames() -> None:
    chances = planted([(0, 10.3), (2, 5.4), (3, 6.1), (4, 7.6), (0, 10.6)])
    first, second = find_words(chances, [[[2, 3]], [[4]]]) or []
    assert first
    assert second
    assert first.start == pytest.approx(10.3, abs=0.25)
    assert first.end == second.start == pytest.approx(21.8, abs=0.25)
    assert second.end == pytest.approx(29.4, abs=0.25)
    assert first.fit > -0.3


def test_the_pronunciation_that_is_heard_is_taken() -> None:
    chances = planted([(0, 10), (2, 6), (5, 6), (0, 10)])
    (word,) = find_words(chances, [[[2, 3], [2, 5], [7]]]) or []
    assert word
    assert [phone for phone, _, _ in word.phones] == [2, 5]


def test_a_word_that_is_not_said_is_left_out() -> None:
    chances = planted([(0, 10), (2, 8), (3, 8), (4, 8), (5, 8), (0, 10)])
    found = find_words(chances, [[[2, 3]], [[8, 9, 10, 11, 8, 9]], [[4, 5]]])
    assert found is not None
    assert found[0]
    assert found[2]
    assert found[1] is None


def test_speech_that_nobody_wrote_down_belongs_to_no_word() -> None:
    chances = planted([(0, 10), (2, 8), (3, 8), (9, 9), (8, 9), (7, 9), (10, 9), (4, 8), (5, 8), (0, 10)])
    first, second = find_words(chances, [[[2, 3]], [[4, 5]]]) or []
    assert first
    assert second
    assert first.end == pytest.approx(26, abs=0.6)
    assert second.start == pytest.approx(62, abs=0.6)


def test_no_word_is_without_length() -> None:
    random = np.random.default_rng(3)
    for _ in range(30):
        noise = random.normal(size=(14, CLASSES)).astype(np.float32) * 3
        found = find_words(noise, [[[2]], [[3]], [[4]], [[5]]], PhonePrices(left_out=None))
        assert found is not None
        edges = [edge for word in found if word for edge in (word.start, word.end)]
        assert edges == sorted(edges)
        assert all(word.end - word.start >= 0.5 for word in found if word)


def test_words_that_do_not_fit_are_said() -> None:
    assert find_words(planted([(0, 3)]), [[[2, 3, 4]], [[2, 3, 4]]], PhonePrices(left_out=None)) is None
