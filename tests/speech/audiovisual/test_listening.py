"""Films of known words through the recogniser that hears and sees: what was said, when, and by whom."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from tests.speech.audiovisual import planted

from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.track import Track
from genlock.media.sound_source import SilentSound, TrackSound
from genlock.speech.audiovisual.listening import AvsrListening, listen
from genlock.speech.mouths import SpooledMouths
from genlock.speech.text import tokenize

Said = Sequence[tuple[str, float, float]]


@pytest.fixture(scope="module")
def model() -> planted.ToneModel:
    return planted.ToneModel()


def _sound(words: Said, seconds: float, origin: Fraction = Fraction(0)) -> TrackSound:
    return TrackSound(Track(planted.spoken(words, seconds), Grid.of_samples(16000, origin)))


def _face(words: Said, cells: Cells, frames: int, seen: range | None = None) -> dict[int, np.ndarray]:
    crops = planted.mouthed(words, cells, frames)
    return {frame: crops[frame] for frame in (range(frames) if seen is None else seen)}


def _mouths(words: Said, seconds: float, cells: Cells | None = None) -> SpooledMouths:
    grid = cells or Grid(25)
    frames = int(seconds * 25) if cells is None else grid.index(Fraction(seconds), "floor")
    return planted.spooled({0: _face(words, grid, frames)}, grid)


def _check(found: AvsrListening, words: Said, within: float = 0.05) -> None:
    said = found.words()
    assert [word.text for word in said] == [text for text, _, _ in words]
    for word, (_, start, end) in zip(said, words, strict=True):
        assert word.start is not None
        assert word.end is not None
        assert float(word.start) == pytest.approx(start, abs=within)
        assert float(word.end) == pytest.approx(end, abs=within)


def test_every_word_of_a_long_film_comes_once_and_in_time(model: planted.ToneModel) -> None:
    words = planted.sentence(45)
    with listen(model, _sound(words, 45), _mouths(words, 45)) as found:
        _check(found, words)
        assert found.emissions.frames == 45 * 25
        assert next(span.label for span in found.faces) == "face 0"


def test_speech_without_a_pause_is_cut_and_no_word_is_lost_or_doubled(model: planted.ToneModel) -> None:
    words = [(planted.WORDS[k % 5], 0.4 * k, 0.4 * (k + 1)) for k in range(62)]
    with listen(model, _sound(words, 24.8)) as found:
        _check(found, words)


def test_sound_alone_and_lips_alone_are_enough(model: planted.ToneModel) -> None:
    words = planted.sentence(12, seed=1)
    with listen(model, _sound(words, 12)) as heard:
        _check(heard, words)
        assert len(heard.faces) == 0
    with listen(model, SilentSound(Fraction(0), 12 * 16000), _mouths(words, 12)) as seen:
        _check(seen, words)


def test_a_face_that_is_away_for_half_the_film_leaves_the_other_half_to_the_sound(
    model: planted.ToneModel,
) -> None:
    words = planted.sentence(30, seed=2)
    grid = Grid(25)
    mouths = planted.spooled({0: _face(words, grid, 750, range(375))}, grid)
    with listen(model, _sound(words, 30), mouths) as found:
        _check(found, words)
        assert 10 < float(max(span.end for span in found.faces)) < 27


def test_of_two_faces_the_one_that_speaks_is_read(model: planted.ToneModel) -> None:
    """Both are seen all the time; the second, which is seen a little less, is the one that says what is heard."""
    words, other = planted.sentence(12, seed=3), planted.sentence(12, seed=4)
    grid = Grid(25)
    faces = {0: _face(other, grid, 300), 1: _face(words, grid, 300, range(2, 300))}
    with listen(model, _sound(words, 12), planted.spooled(faces, grid)) as found:
        _check(found, words)
        assert {span.label for span in found.faces} == {"face 1"}


def test_a_picture_that_is_late_is_moved_and_harms_nothing(model: planted.ToneModel) -> None:
    words = planted.sentence(12, seed=5)
    late = [(text, start + 0.4, end + 0.4) for text, start, end in words]
    with listen(model, _sound(words, 12), _mouths(late, 12)) as found:
        _check(found, words)


@pytest.mark.parametrize("rate", ["12", "60", "30000/1001"])
def test_films_of_other_rates_are_read_by_their_instants(model: planted.ToneModel, rate: str) -> None:
    words = planted.sentence(12, seed=6)
    mouths = _mouths(words, 12, Grid(Fraction(rate)))
    # At 12 frames a second a border may lie 42 ms away from where the lips show it.
    with listen(model, SilentSound(Fraction(0), 12 * 16000), mouths) as found:
        _check(found, words, within=0.05 + 0.5 / float(Fraction(rate)))
    with listen(model, _sound(words, 12), mouths) as found:
        assert [word.text for word in found.words()] == [text for text, _, _ in words]


def test_a_variable_rate_and_sound_that_starts_earlier_are_on_one_clock(model: planted.ToneModel) -> None:
    words = [(text, start + 3, end + 3) for text, start, end in planted.sentence(10, seed=7)]
    draw = np.random.default_rng(0)
    pts = np.cumsum(draw.integers(20, 60, 300)) + 3100
    cells = Ticks(pts, Fraction(1, 1000), last_duration=40)
    mouths = planted.spooled({0: _face(words, cells, 300)}, cells)
    shifted = [(text, start - 2.5, end - 2.5) for text, start, end in words]
    sound = _sound(shifted, 10.5, origin=Fraction(5, 2))
    with listen(model, sound, mouths) as found:
        _check(found, words)
        assert found.emissions.grid.start <= sound.origin


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.3])
def test_a_clip_of_almost_nothing_says_so(model: planted.ToneModel, seconds: float) -> None:
    sound = TrackSound(Track(planted.spoken([], seconds), Grid.of_samples(16000)))
    for mouths in (None, _mouths([], seconds)):
        with listen(model, sound, mouths) as found:
            assert found.words() == []
            if not seconds:
                assert "not a single frame" in str(found.silent_reason)
    word = [("red", 0.02, 0.28)]
    with listen(model, _sound(word, 0.3), _mouths(word, 0.3)) as found:
        assert [one.text for one in found.words()] == ["red"]


def test_where_nothing_is_heard_and_nobody_seen_there_is_nothing(model: planted.ToneModel) -> None:
    with listen(model, SilentSound(Fraction(0), 48000), planted.spooled({}, Grid(25))) as found:
        assert found.words() == []
        assert "no mouth is seen" in str(found.silent_reason)


def test_a_transcript_is_laid_into_both_streams(model: planted.ToneModel) -> None:
    words = planted.sentence(20, seed=8)
    with listen(model, _sound(words, 20), _mouths(words, 20)) as found:
        places = found.align(tokenize(" ".join(text for text, _, _ in words)))
    for place, (_, start, _) in zip(places, words, strict=True):
        assert place.start is not None
        assert float(place.start) == pytest.approx(start, abs=0.05)


@pytest.mark.slow
def test_memory_does_not_grow_over_an_hour(model: planted.ToneModel) -> None:
    def peak(seconds: int) -> int:
        words = planted.sentence(60, seed=9)
        many = [(t, s + 60 * k, e + 60 * k) for k in range(seconds // 60) for t, s, e in words]
        crops = planted.mouthed(words, Grid(25), 1500)
        mouths = planted.spooled({0: dict.fromkeys(range(seconds * 25), crops[0])}, Grid(25))
        sound = _sound(many, seconds)
        tracemalloc.start()
        with listen(model, sound, mouths) as found:
            highest = tracemalloc.get_traced_memory()[1]
            assert len(found.words()) == len(many)
        tracemalloc.stop()
        return highest

    assert peak(3600) < peak(600) + 30_000_000
