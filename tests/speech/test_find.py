from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.speech.conftest import JFK, sound_of

from genlock.core.errors import MissingModel, OptionError, TranscriptError
from genlock.media import read_audio
from genlock.media.sound_source import TrackSound
from genlock.metrics.timing import boundary_errors
from genlock.speech import Cue, Words, recognize_and_align
from genlock.speech.find import _word
from genlock.speech.sphinx.align import Placed
from genlock.speech.text import tokenize


def times(words: Words) -> list[tuple[float, float]]:
    return [(float(w.start), float(w.end)) for w in words if w.start is not None and w.end is not None]


@pytest.fixture(scope="module")
def aligned(jfk: TrackSound) -> Words:
    return recognize_and_align(jfk, transcript=JFK)


def test_every_word_of_a_true_text_is_placed(aligned: Words) -> None:
    assert [w.text for w in aligned] == JFK.split()
    assert all(w.status == "aligned" for w in aligned)
    assert np.median([w.confidence for w in aligned]) > 0.8  # type: ignore[type-var]
    assert (aligned.recognizer, aligned.aligner, aligned.reason) == (None, "pocketsphinx", None)


def test_times_move_with_the_clock(jfk: TrackSound, aligned: Words) -> None:
    moved = TrackSound(jfk.track.shifted("1001/30000"))
    again = recognize_and_align(moved, transcript=JFK)
    pairs = zip(aligned.spans, again.spans, strict=True)
    assert all(b.start - a.start == Fraction(1001, 30000) for a, b in pairs)
    assert again.clock == jfk.clock


def test_silence_before_the_speech_moves_the_words_by_as_much(jfk: TrackSound, aligned: Words) -> None:
    quiet = 0.0005 * np.random.default_rng(0).normal(size=3 * 16000)
    late = recognize_and_align(sound_of(np.concatenate([quiet, jfk.samples(0, jfk.count)])), transcript=JFK)
    shifts = np.abs([b - a - 3 for (a, _), (b, _) in zip(times(aligned), times(late), strict=True)])
    assert np.median(shifts) < 0.01
    assert np.mean(shifts < 0.05) >= 0.9


def test_a_text_keeps_its_spelling(jfk: TrackSound, aligned: Words) -> None:
    text = (
        JFK.replace("for your", "4 your")
        .replace("And so,", "AND   so —")
        .replace("Americans,", "Americans, [applause] ♪")
    )
    words = recognize_and_align(jfk, transcript=text)
    assert [w.text for w in words] == text.split()
    assert [w.text for w in words if w.start is None] == ["—", "[applause]", "♪"]
    assert all(w.reason for w in words if w.start is None)
    assert (
        boundary_errors([s for s, _ in times(aligned)], [s for s, _ in times(words)]).mean_absolute_seconds
        < 0.03
    )


def test_recognised_words_lie_where_the_text_does(jfk: TrackSound, aligned: Words) -> None:
    heard = recognize_and_align(jfk)
    assert heard.recognizer in ("faster-whisper", "pocketsphinx")
    if heard.recognizer == "faster-whisper":
        assert len(heard) == len(aligned)
        errors = boundary_errors([s for s, _ in times(aligned)], [s for s, _ in times(heard)])
        assert errors.within(0.05) > 0.9


WRONG = {
    "another text": "the quick brown fox jumps over the lazy dog while seven men sing songs about winter",
    "another language": "Das ist ein ganz anderer Text, der nicht hierher gehört, aber deutsch ist.",
    "another script": "Это совсем другой текст",
    "no words": "— ♪ … 😀",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_text_that_does_not_belong_gets_no_times(jfk: TrackSound, kind: str) -> None:
    words = recognize_and_align(jfk, transcript=WRONG[kind])
    assert [w.text for w in words] == WRONG[kind].split()
    assert not times(words)
    assert words.reason
    assert words.notes


def test_a_text_ten_times_too_long(jfk: TrackSound) -> None:
    extra = " ".join(
        f"Then {animal} number {k} went over the old bridge."
        for k, animal in enumerate(["cats", "dogs", "cows", "bees"] * 6)
    )
    words = recognize_and_align(jfk, transcript=f"{JFK} {extra}")
    assert len(words) > 9 * len(JFK.split())
    placed = [k for k, w in enumerate(words) if w.start is not None]
    assert len([k for k in placed if k < 22]) >= 20
    assert len([k for k in placed if k >= 22]) <= 4
    assert "not found" in str(words.reason)


def test_a_word_that_nobody_says_is_left_out(jfk: TrackSound, aligned: Words) -> None:
    words = recognize_and_align(
        jfk, transcript=JFK.replace("Americans,", "Americans, hippopotamus extravaganza")
    )
    missing = [w.text for w in words if w.start is None]
    assert missing == ["hippopotamus", "extravaganza"]
    assert (
        boundary_errors([s for s, _ in times(aligned)], [s for s, _ in times(words)]).mean_absolute_seconds
        < 0.03
    )


def test_speech_that_nobody_wrote_down_drags_no_word_along(jfk: TrackSound, aligned: Words) -> None:
    short = " ".join([*JFK.split()[:5], *JFK.split()[-5:]])
    words = recognize_and_align(jfk, transcript=short)
    true = [*times(aligned)[:5], *times(aligned)[-5:]]
    found = [
        (float(w.start), float(w.end)) if w.start is not None and w.end is not None else (None, None)
        for w in words
    ]
    assert boundary_errors([e for _, e in true], [e for _, e in found]).within(0.1) >= 0.8
    assert max(e - s for s, e in times(words)) < 1


@pytest.mark.parametrize("kind", ["silence", "noise", "tone", "nan", "tenth of a second", "nothing"])
def test_sound_without_speech_takes_no_words(kind: str) -> None:
    random = np.random.default_rng(0)
    samples = {
        "silence": np.zeros(48000),
        "noise": random.normal(0, 0.1, 48000),
        "nothing": np.zeros(0),
        "tone": 0.3 * np.sin(np.arange(48000) / 5),
        "nan": np.full(48000, np.nan),
        "tenth of a second": random.normal(0, 0.1, 1600),
    }[kind]
    words = recognize_and_align(sound_of(samples), transcript="ask not what your country can do for you")
    assert not times(words)
    assert words.reason
    assert len(words) == 9


def test_a_word_without_length_gets_no_times() -> None:
    [token] = tokenize("word")
    word = _word(token, Placed(Fraction(3, 2), Fraction(3, 2), 0.9))
    assert (word.start, word.reason) == (None, "its neighbours leave it no time at 1.50 s")
    assert _word(token, Placed(Fraction(1), Fraction(3, 2), 0.9)).duration == Fraction(1, 2)


def test_empty_texts_and_unknown_names(
    jfk: TrackSound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cache in ("GENLOCK_CACHE", "HF_HUB_CACHE"):
        monkeypatch.setenv(cache, str(tmp_path))
    with pytest.raises(TranscriptError, match="empty"):
        recognize_and_align(jfk, transcript="  \n ")
    with pytest.raises(OptionError, match="nobody"):
        recognize_and_align(jfk, transcript="a", aligner="nobody")
    with pytest.raises(MissingModel, match="'de'"):
        recognize_and_align(jfk, language="de")
    foreign = recognize_and_align(jfk, transcript="Guten Tag — 21", language="de", aligner="pocketsphinx")
    assert [w.reason is not None for w in foreign] == [True] * 4
    assert "'de'" in str(foreign.reason)


def test_subtitles_come_back_with_their_times_repaired(jfk: TrackSound, aligned: Words) -> None:
    row = JFK.split()
    cues = [
        Cue(" ".join(row[:5]), Fraction(30), Fraction(31)),
        Cue(f"<i>{row[5]}</i>\n" + " ".join(row[6:]), Fraction(32), Fraction(33)),
    ]
    words = recognize_and_align(jfk, cues=cues)
    assert [w.text for w in words] == row
    assert words[0].start == aligned[0].start


@pytest.mark.slow
def test_long_sound_is_aligned_in_pieces(jfk: TrackSound, aligned: Words, shared_data: Path) -> None:
    """Two and a half minutes of speeches and other sentences; the text is that of the speeches alone."""
    other = read_audio(shared_data / "grid_s1" / "video" / "bbaf2n.mpg").values
    one = np.concatenate([jfk.samples(0, jfk.count), other])
    sound = sound_of(np.tile(one, 10))
    words = recognize_and_align(sound, transcript=" ".join([JFK] * 10))
    assert words.recognizer is not None
    expected = [s + k * len(one) / 16000 for k in range(10) for s, _ in times(aligned)]
    found = [None if w.start is None else float(w.start) for w in words]
    assert boundary_errors(expected, found).within(0.05) > 0.9
