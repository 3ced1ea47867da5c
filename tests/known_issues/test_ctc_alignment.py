"""Mistakes of CTC aligners in use, which ours must not make."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from genlock.aligners.ctc.planted import place_tokens, planted_emissions
from genlock.aligners.ctc.words import CtcOptions, Vocabulary, align_words
from genlock.core import Grid

LETTERS = Vocabulary(["-", *"abcdefghijklmnopqrstuvwxyz"])
GRID = Grid.of_windows(sample_rate=16000, hop=320, first_center=Fraction(399, 2))


@pytest.fixture(scope="module")
def swallowed() -> np.ndarray:
    """'start seq end': the q is swallowed; five minutes of other speech follow, with a q at their end."""
    random = np.random.default_rng(0)
    other = "".join(random.choice(list("bcfghijklmopuvwxyz"), 4000)) + "q"
    tokens = [*LETTERS.spell("startse").tokens, *LETTERS.spell(other).tokens, *LETTERS.spell("end").tokens]
    places = np.concatenate(
        [
            place_tokens(tokens[:7], 40, random, start=10),
            place_tokens(tokens[7:-3], 14850, random, start=80),
            place_tokens(tokens[-3:], 20, random, start=14960),
        ]
    )
    return planted_emissions(tokens, places, 15000, len(LETTERS.symbols), random, noise=0.7)


def test_no_word_of_298_seconds_passes_as_aligned(swallowed):
    text = ["start", "seq", "end"]
    closed = align_words(swallowed, text, LETTERS, GRID)
    assert closed.words[1].end - closed.words[1].start > 290  # what everybody gets who asks for nothing else
    limited = align_words(swallowed, text, LETTERS, GRID, CtcOptions(longest_word_seconds=5))
    assert [w.status for w in limited.words] == ["aligned", "unaligned", "aligned"]
    assert "more than 5 s" in limited.unaligned[0].reason


def test_speech_without_text_does_not_drag_words_along(swallowed):
    options = CtcOptions(sound_without_text=True, text_without_sound=True)
    found = align_words(swallowed, ["start", "seq", "end"], LETTERS, GRID, options)
    assert all(w.end - w.start < 2 for w in found.words if w.status == "aligned")
    assert [w.status for w in found.words][::2] == ["aligned", "aligned"]
    (sound,) = found.untranscribed
    assert sound.duration > 290


def test_word_times_are_those_of_the_grid_not_a_share_of_the_duration():
    """Frame k at ``k * duration / T``: 61,334 samples are 191 frames, and the last ones come out late."""
    random = np.random.default_rng(1)
    places = np.array([[10, 11], [180, 181]])
    emissions = planted_emissions(
        LETTERS.spell("ab").tokens, places, 191, len(LETTERS.symbols), random, noise=0.7
    )
    found = align_words(emissions, ["a", "b"], LETTERS, GRID)
    # Frame 180 is centred on sample 199.5 + 320 * 180.
    assert (found.words[1].start + found.words[1].end) / 2 == (Fraction(399, 2) + 320 * 180) / 16000
    share = (180 + 0.5) * (61334 / 16000) / 191
    assert abs(share - float((found.words[1].start + found.words[1].end) / 2)) > 0.005
