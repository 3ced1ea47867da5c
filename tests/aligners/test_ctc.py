"""Words into emissions whose truth is planted: times, holes, insertions, and what cannot be aligned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from genlock.aligners.ctc.emissions import EmissionBlocks
from genlock.aligners.ctc.planted import place_tokens, planted_emissions
from genlock.aligners.ctc.words import WILDCARD, CtcAlignment, CtcOptions, Vocabulary, WordTokens, align_words
from genlock.core import Grid
from genlock.core.errors import InputError, OptionError

LETTERS = Vocabulary(["<pad>", "|", *"abcdefghijklmnopqrstuvwxyz'"], blank=0, separator=1)
# wav2vec 2.0: frame k is centred on sample 199.5 + 320 k of 16 kHz sound.
GRID = Grid.of_windows(sample_rate=16000, hop=320, first_center=Fraction(399, 2), clock="media:planted")
OPEN = CtcOptions(sound_without_text=True, text_without_sound=True)


@dataclass(frozen=True)
class Planted:
    words: list[str]
    """What is said."""
    frames: list[tuple[int, int]]
    """First frame of each word and the frame after its last."""
    emissions: np.ndarray


def random_words(random: np.random.Generator, count: int, shortest: int = 3) -> list[str]:
    letters = list("abcdefghijklmnopqrstuvwxyz")
    # No two words that touch share the letter there, so that no boundary is open to two readings.
    words: list[str] = []
    while len(words) < count:
        word = "".join(random.choice(letters, size=random.integers(shortest, 8)))
        if not words or words[-1][-1] != word[0]:
            words.append(word)
    return words


def say(
    words: list[str],
    seed: int,
    *,
    drift_ppm: float = 0,
    mistaken: float = 0.0,
    pauses: Mapping[int, int] | None = None,
):
    """A talk of these words at an uneven pace, its clock running fast by ``drift_ppm``; pauses before some
    words."""
    random = np.random.default_rng(seed)
    tokens: list[int] = []
    places: list[np.ndarray] = []
    at = 20.0
    spans: list[tuple[int, int]] = []
    for number, word in enumerate(words):
        at += 3 + random.integers(0, 8) + (pauses or {}).get(number, 0)
        spelt = LETTERS.spell(word).tokens
        length = int(len(word) * random.uniform(2.5, 4)) + 2
        start = round(at * (1 + drift_ppm * 1e-6))
        placed = place_tokens(spelt, length, random, start=start, unevenness=0.7)
        separator = np.array([[placed[-1, 1] + 1, placed[-1, 1] + 2]])
        tokens += [*spelt, 1]
        places += [placed, separator]
        spans.append((int(placed[0, 0]), int(placed[-1, 1])))
        at += length
    frames = spans[-1][1] + 40
    emissions = planted_emissions(
        tokens, np.concatenate(places), frames, len(LETTERS.symbols), random, mistaken=mistaken, noise=0.7
    )
    return Planted(words, spans, emissions)


def times(frames: tuple[int, int], bias: Fraction = Fraction(0)) -> tuple[Fraction, Fraction]:
    return GRID.edge(frames[0]) - bias, GRID.edge(frames[1]) - bias


def placed(alignment: CtcAlignment) -> list[tuple[int | None, int | None]]:
    return [(w.first_frame, w.stop_frame) for w in alignment.words]


@pytest.mark.parametrize("drift_ppm", [0, 1000, 20000])
@pytest.mark.parametrize(
    "options", [CtcOptions(), OPEN, CtcOptions(method="exact"), CtcOptions(separator_required=True)]
)
def test_planted_words_come_out_on_their_frames(drift_ppm, options):
    talk = say(random_words(np.random.default_rng(1), 200), 2, drift_ppm=drift_ppm)
    found = align_words(talk.emissions, talk.words, LETTERS, GRID, options)
    assert placed(found) == talk.frames
    assert [(w.start, w.end) for w in found.words] == [times(f) for f in talk.frames]
    assert (found.unaligned, found.proven) == ((), True)
    assert min(w.confidence for w in found.words) > 0.5
    assert [s.label for s in found.spans] == talk.words
    assert "".join(s.label for s in found.characters if s.label != "|") == "".join(talk.words)


def test_drift_hole_and_insertion_together():
    """Must show 4 of issue 3: exact times, both reported, and no word stretched over them."""
    random = np.random.default_rng(3)
    spoken = random_words(random, 240)
    pauses = {40: 400, 150: 300}
    talk = say(spoken, 4, drift_ppm=5000, mistaken=0.02, pauses=pauses)
    # The text lacks words 90...119 (an insertion) and has 25 words after word 170 that nobody says (a hole).
    unsaid = random_words(random, 25)
    text = spoken[:90] + spoken[120:171] + unsaid + spoken[171:]
    found = align_words(talk.emissions, text, LETTERS, GRID, OPEN)
    said = [*range(90), *range(120, 171)], [*range(171, 240)]
    truth = [talk.frames[n] for n in said[0]] + [(None, None)] * 25 + [talk.frames[n] for n in said[1]]

    assert placed(found) == truth
    holes = [u for u in found.unaligned if u.kind == "word"]
    assert [u.text for u in holes] == unsaid
    assert all("not in the sound" in u.reason for u in holes)
    (sound,) = [u for u in found.unaligned if u.kind == "sound"]
    assert (sound.start, sound.end) == times((talk.frames[90][0], talk.frames[119][1]))
    assert sound.word == 90
    assert [(s.start, s.end) for s in found.untranscribed] == [(sound.start, sound.end)]
    longest = max(b - a for a, b in talk.frames)
    assert max(w.stop_frame - w.first_frame for w in found.words if w.status == "aligned") <= longest
    assert found.proven


def test_closed_text_is_dragged_over_a_hole_and_an_insertion_and_the_open_one_is_not():
    """Why the gaps are there: without them the same talk puts words where nobody said them."""
    random = np.random.default_rng(5)
    talk = say(random_words(random, 60), 6)
    unsaid = random_words(random, 20, shortest=7)  # a short word can be found by chance in other speech
    text = talk.words[:20] + unsaid + talk.words[40:]
    truth = [*talk.frames[:20], *[(None, None)] * 20, *talk.frames[40:]]
    closed = align_words(talk.emissions, text, LETTERS, GRID)
    opened = align_words(talk.emissions, text, LETTERS, GRID, OPEN)
    assert placed(opened) == truth
    assert [u.kind for u in opened.unaligned] == ["word"] * 20 + ["sound"]
    assert all(w.status == "aligned" for w in closed.words)
    # Even closed, the confidence says that something is wrong there.
    assert max(w.confidence for w in closed.words[20:40]) < min(w.confidence for w in opened.words[:20])


def test_a_hole_longer_than_any_band_is_found_exactly():
    random = np.random.default_rng(7)
    talk = say(random_words(random, 900), 8)
    text = talk.words[:300] + random_words(random, 300) + talk.words[300:]
    options = CtcOptions(sound_without_text=True, text_without_sound=True, band_tokens=514)
    found = align_words(talk.emissions, text, LETTERS, GRID, options)
    assert found.proven
    assert placed(found) == talk.frames[:300] + [(None, None)] * 300 + talk.frames[300:]


def test_a_wildcard_stands_for_what_nobody_wrote_down():
    talk = say(random_words(np.random.default_rng(9), 40), 10)
    text = [*talk.words[:10], WILDCARD, *talk.words[25:]]
    found = align_words(talk.emissions, text, LETTERS, GRID)
    assert [w.text for w in found.words] == talk.words[:10] + talk.words[25:]
    assert placed(found) == talk.frames[:10] + talk.frames[25:]
    (sound,) = found.unaligned
    assert (sound.start, sound.end) == times((talk.frames[10][0], talk.frames[24][1]))
    assert sound.reason == "marked with * in the text"


def test_a_word_without_known_characters_keeps_its_time():
    talk = say(random_words(np.random.default_rng(11), 20), 12)
    text = [*talk.words[:7], "1984", *talk.words[8:]]
    found = align_words(talk.emissions, text, LETTERS, GRID)
    assert placed(found) == talk.frames
    assert (found.words[7].status, found.words[7].confidence) == ("aligned", None)
    assert "no symbol for any of its characters" in found.words[7].reason
    assert found.unaligned == ()


def test_an_unknown_word_without_sound_is_reported():
    talk = say(random_words(np.random.default_rng(13), 12), 14)
    found = align_words(talk.emissions, [*talk.words[:6], "42", *talk.words[6:]], LETTERS, GRID)
    assert placed(found) == [*talk.frames[:6], (None, None), *talk.frames[6:]]
    assert [(u.text, u.word) for u in found.unaligned] == [("42", 6)]


def test_unknown_characters_in_a_word_are_left_out_and_named():
    talk = say(["hello", "world"], 15)
    found = align_words(talk.emissions, ["hellöo", "world"], LETTERS, GRID)
    assert placed(found) == talk.frames
    assert "'ö'" in found.words[0].reason


def test_words_too_long_or_too_doubtful_are_not_aligned():
    talk = say(["alpha", "bravo", "charlie"], 16)
    at, end = talk.frames[1]
    found = align_words(
        talk.emissions, talk.words, LETTERS, GRID, CtcOptions(longest_word_seconds=Fraction(end - at - 1, 50))
    )
    assert "s long" in {w.text: w.reason for w in found.words}["bravo"]
    unsaid = align_words(
        talk.emissions, ["alpha", "kiwi", "charlie"], LETTERS, GRID, CtcOptions(least_confidence=0.3)
    )
    assert [w.status for w in unsaid.words] == ["aligned", "unaligned", "aligned"]
    assert "confidence" in unsaid.words[1].reason
    assert unsaid.words[1].start is None


def test_confidence_and_contrast_tell_a_wrong_word_from_a_right_one():
    talk = say(["alpha", "bravo", "charlie"], 17)
    right = align_words(talk.emissions, talk.words, LETTERS, GRID).words[1]
    wrong = align_words(talk.emissions, ["alpha", "quick", "charlie"], LETTERS, GRID).words[1]
    assert right.confidence > 0.8 > 0.3 > wrong.confidence
    assert right.contrast == pytest.approx(0, abs=1e-6)
    assert wrong.contrast < -0.5


def test_the_bias_of_a_model_is_taken_off_and_kept():
    talk = say(["alpha", "bravo"], 18)
    bias = Fraction(37, 1000)
    found = align_words(talk.emissions, talk.words, LETTERS, GRID, CtcOptions(bias_seconds="0.037"))
    assert [(w.start, w.end) for w in found.words] == [times(f, bias) for f in talk.frames]
    assert found.characters[0].start == found.words[0].start
    assert found.to_dict()["bias_seconds"] == 0.037


@pytest.mark.parametrize("wide", [Fraction(0), Fraction(1, 100), Fraction(1, 10), Fraction(5)])
def test_narrow_words_are_widened_as_far_as_there_is_room(wide: Fraction):
    talk = say(["alpha", "bravo", "charlie"], 18)
    plain = align_words(talk.emissions, talk.words, LETTERS, GRID).words
    found = align_words(talk.emissions, talk.words, LETTERS, GRID, CtcOptions(widen_seconds=wide))
    edges = [
        GRID.edge(0),
        *(t for w in found.words for t in (w.start, w.end)),
        GRID.edge(len(talk.emissions)),
    ]
    assert edges == sorted(edges)
    gaps = [(a.end, b.start) for a, b in pairwise(plain)]
    for k, (a, b) in enumerate(gaps):
        assert found.words[k].end == min(a + wide, (a + b) / 2)
        assert found.words[k + 1].start == max(b - wide, (a + b) / 2)
    assert found.words[0].start == max(plain[0].start - wide, edges[0])
    assert found.words[-1].end == min(plain[-1].end + wide, edges[-1])
    assert [s.start for s in found.characters] == [
        s.start for s in align_words(talk.emissions, talk.words, LETTERS, GRID).characters
    ]
    with pytest.raises(OptionError, match="widen_seconds is -1"):
        CtcOptions(widen_seconds=-1)


def test_words_of_one_letter_and_doubled_letters():
    talk = say(["a", "aa", "a", "aaa", "bb", "b"], 19)
    found = align_words(talk.emissions, talk.words, LETTERS, GRID, CtcOptions(separator_required=True))
    assert placed(found) == talk.frames


def test_phones_and_pieces_are_given_as_tokens():
    talk = say(["alpha", "bravo"], 20)
    words = [WordTokens(w.upper(), LETTERS.spell(w).tokens) for w in talk.words]
    found = align_words(talk.emissions, words, LETTERS, GRID)
    assert [(w.text, w.first_frame) for w in found.words] == [
        ("ALPHA", talk.frames[0][0]),
        ("BRAVO", talk.frames[1][0]),
    ]


# ---------------------------------------------------------------- bad and empty input


def quiet(frames: int) -> np.ndarray:
    return planted_emissions(
        [], np.zeros((0, 2), np.int64), frames, len(LETTERS.symbols), np.random.default_rng(0), noise=0.7
    )


def test_text_longer_than_the_sound_is_reported_with_numbers():
    found = align_words(quiet(10), ["hello", "world"], LETTERS, GRID)
    assert [w.status for w in found.words] == ["unaligned", "unaligned"]
    assert "at least 11 frames, the sound has 10" in found.unaligned[0].reason
    assert found.to_dict()["score"] is None
    # Where words may be missing, such a text is no obstacle.
    assert align_words(quiet(10), ["hello", "world"], LETTERS, GRID, OPEN).proven


def test_silence_aligns_nothing_when_words_may_be_missing():
    found = align_words(quiet(500), ["hello", "world"], LETTERS, GRID, OPEN)
    assert [u.kind for u in found.unaligned] == ["word", "word"]
    assert len(found.spans) == 0


def test_no_frames_and_no_words():
    none = np.zeros((0, len(LETTERS.symbols)), np.float32)
    assert [w.status for w in align_words(none, ["hello"], LETTERS, GRID).words] == ["unaligned"]
    assert align_words(none, [], LETTERS, GRID).words == ()
    talk = say(["alpha", "bravo"], 21)
    found = align_words(talk.emissions, [], LETTERS, GRID, CtcOptions(sound_without_text=True))
    assert [(u.kind, u.start, u.end) for u in found.unaligned] == [
        ("sound", GRID.edge(talk.frames[0][0]), GRID.edge(talk.frames[1][1]))
    ]


def test_symbols_of_probability_zero_are_reported():
    emissions = quiet(100).copy()
    emissions[:, LETTERS.symbols.index("z")] = -np.inf
    found = align_words(emissions, ["zoo"], LETTERS, GRID)
    assert "probability zero" in found.words[0].reason


def test_what_does_not_belong_together_is_refused():
    talk = say(["alpha"], 22)
    with pytest.raises(InputError, match="the vocabulary 3"):
        align_words(talk.emissions, ["a"], Vocabulary(["-", "a", "b"]), GRID)
    broken = talk.emissions.copy()
    broken[5] = np.nan
    with pytest.raises(InputError, match="frame 5"):
        align_words(broken, ["alpha"], LETTERS, GRID)
    for wrong in (
        {"sound_cost": -1.0},
        {"hole_cost": np.inf},
        {"least_confidence": 2.0},
        {"longest_word_seconds": 0},
        {"method": "fast"},
        {"band_tokens": 3},
    ):
        with pytest.raises(OptionError):
            CtcOptions(**wrong)
    with pytest.raises(OptionError, match="both the blank and the separator"):
        Vocabulary(["-", "a"], blank=0, separator=0)


def test_the_record_is_json_and_the_text_form_names_what_is_missing():
    talk = say(["alpha", "bravo"], 23)
    blocks = EmissionBlocks(*talk.emissions.shape, lambda a, b: talk.emissions[a:b])
    found = align_words(blocks, ["alpha", "zulu", "bravo"], LETTERS, GRID, OPEN)
    record = json.loads(json.dumps(found.to_dict()))
    assert [w["status"] for w in record["words"]] == ["aligned", "unaligned", "aligned"]
    assert record["words"][0]["start_seconds"] == pytest.approx(float(found.words[0].start))
    assert (record["clock"], record["proven"]) == ("media:planted", True)
    assert "not aligned: zulu" in str(found)
