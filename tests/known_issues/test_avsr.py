"""What ``genlock train avsr`` and ``genlock bench avsr`` did wrongly once."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.train.planted_clips import spoken_clip

from genlock.bench.avsr_words import prior_cases
from genlock.speech.audiovisual.model import Encoded, ShiftEstimate
from genlock.speech.audiovisual.streams import Picture, fuse
from genlock.train.avhubert.examples import changed_pictures, middle_pictures
from genlock.train.avhubert.pretraining import probed


def test_the_prior_is_no_neighbour_that_begins_alike() -> None:
    """Files lie in the order of their sentences: the next one's text was right in half of its words, by no merit."""
    texts = [" ".join(words) for words in product(("bin", "lay"), ("blue", "red"), "abcdefgh")]
    cases = prior_cases("m", texts, ["s1"] * len(texts), texts)
    wrong = sum(case.errors for case in cases if case.system == "another clip's text")
    # Of a text drawn at random a half, a half and an eighth of the words are right; of the next one nearly two.
    assert wrong / len(texts) > 1.5


def test_a_network_over_small_pictures_sees_whole_mouths_of_large_crops() -> None:
    """A recogniser that began with a model of 44 pixels learnt from the middle half of crops of 96."""
    clip = spoken_clip("c", ["red"], side=96)
    clip.crops[:] = 0
    clip.crops[:, 30:66, 8:20] = 255  # within the 88 that are seen, outside the middle 44
    seen = middle_pictures(clip, 44)
    assert seen.shape[1:] == (44, 44)
    assert 0.05 < (seen > seen.min() + 1).mean() < 0.08
    assert np.ptp(changed_pictures(clip, 44, np.random.default_rng(0))) > 1


def test_a_probe_is_not_fitted_on_clips_that_begin_alike() -> None:
    """It was fitted on the first eighty of the list, which all said "bin": MFCC seemed to know .27 of the phones, not
    .39."""
    clips = [spoken_clip(f"{word}{k:03d}", [word]) for word in ("bin", "set") for k in range(40)]
    assert {clip.name[:3] for clip in probed(clips, 20)} == {"bin", "set"}


def test_a_picture_whose_shift_is_doubted_is_left_aside() -> None:
    """Of people left out the gate took pictures that the model had not dared to move: 54 words were lost in 34
    readings, most of them at -25 frames, and none in any condition where the shift was trusted."""
    rows = [np.ones((30, 4), np.float32)]
    picture = [Picture(rows[0], np.ones(30, bool), 0)]
    read = {sure: fuse(_Sure(sure), rows, picture) for sure in (0.49, 0.51)}
    assert [read[sure].looked for sure in (0.49, 0.51)] == [[False], [True]]
    assert [read[sure].used for sure in (0.49, 0.51)] == [[0], [7]]
    # Whoever was not asked for the shift doubts nothing, and without sound there is none to be found.
    assert fuse(_Sure(0.49), rows, picture, align=False).looked == [True]
    assert fuse(_Sure(float("nan")), rows, picture).looked == [True]


class _Sure:
    """A model that finds a shift of 7 frames, as sure as it is told, and whose gate takes every picture."""

    def __init__(self, probability: float) -> None:
        self.probability = probability

    def encode(self, heard: list[np.ndarray] | None, seen: list[np.ndarray] | None) -> list[Encoded]:
        rows = heard or seen or []
        return [Encoded(one, one, np.ones(len(one), bool)) for one in rows]

    def shifts(self, alone: list[Encoded], lips: list[Encoded]) -> list[ShiftEstimate]:
        shifts = np.arange(-10, 11)
        if np.isnan(self.probability):
            return [ShiftEstimate(shifts, np.full(21, np.nan), None, None, "no sound")]
        return [ShiftEstimate(shifts, (shifts == 7).astype(float), 7.0, self.probability)]

    def helps(self, *_: object) -> bool:
        return True
