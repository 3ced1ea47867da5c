"""Who says which word: planted talkers in turns, somebody who is not seen, and mouths that move to no sound."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from genlock.lipsync.estimators.linear import LinearModel, LinearSync
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import cut
from genlock.lipsync.turns import SpeakingFaces, TurnOptions

from .planted import talker

# Words of 0.4 s with 0.05 s between them, and a pause after every fifth.
WORDS = [
    (Fraction(k, 2) + Fraction(1, 20), Fraction(k, 2) + Fraction(9, 20) - Fraction(1, 5) * (k % 5 == 4))
    for k in range(120)
]


def in_turns(speakers: list[int | None], seconds: int = 5) -> Evidence:
    """Three talkers, of whom two are seen; the sound is of one of them at a time."""
    films = {0: talker(60, seed=51), 1: talker(60, seed=52), None: talker(60, seed=53)}
    one, other = films[0], films[1]
    assert one.mel is not None
    turn = (one.mel.centers // seconds).astype(int)
    rows = np.zeros_like(one.mel.values)
    for number, speaker in enumerate(speakers):
        mel = films[speaker].mel
        assert mel is not None
        rows[turn == number] = mel.values[turn == number]
    return replace(
        one, mel=replace(one.mel, values=rows), faces=(one.faces[0], replace(other.faces[0], face=1))
    )


def said_by(film: Evidence, model: LinearModel, **options: object) -> list[int | None]:
    found = SpeakingFaces(TurnOptions(**options), LinearSync(model))  # type: ignore[arg-type]
    for start in (0, 30):
        part = cut(film, max(0, start - 2), min(60, start + 32))
        found.add(replace(part, start=Fraction(start), end=Fraction(start + 30)))
    return found.of_words(WORDS)


def right(said: list[int | None], truth: list[int | None]) -> float:
    return sum(a == b for a, b in zip(said, truth, strict=True)) / len(truth)


@pytest.mark.parametrize("offset", ["0", "0.16", "-0.2"])
def test_two_who_take_turns_are_told_apart(model: LinearModel, offset: str) -> None:
    """Also where sound and picture are out of step: the offset of the film is known first."""
    turns: list[int | None] = [0, 1, 1, 0, 1, 0, 0, 0, 1, 0, 1, 1]
    film = in_turns(turns)
    assert film.mel is not None
    said = said_by(replace(film, mel=film.mel.shifted(offset)), model)
    # Words are where the sound is; the five seconds of a turn have ten of them.
    truth = [turns[int(float((start + end) / 2 - Fraction(offset)) // 5) % 12] for start, end in WORDS]
    assert right(said, truth) > 0.95
    assert max(truth.count(0), truth.count(1)) / len(truth) < 0.6  # what one speaker for all would give


def test_words_of_somebody_who_is_not_seen_are_nobodys(model: LinearModel) -> None:
    turns: list[int | None] = [0, None, 1, 0, None, 1, 1, 0, 0, None, 1, 0]
    said = said_by(in_turns(turns), model)
    truth = [turns[int(float(start) // 5)] for start, _ in WORDS]
    assert right(said, truth) > 0.9
    assert None in said


def test_a_film_without_faces_says_why() -> None:
    found = SpeakingFaces()
    assert found.reason == "nothing was read"
    found.add(replace(talker(10), faces=()))
    assert found.reason == "no face is seen"
    assert found.of_words(WORDS[:3]) == [None] * 3
    assert found.of_words([]) == []
