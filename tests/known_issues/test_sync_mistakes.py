"""Mistakes of published sync tests and signals, none of which may come back here."""

from __future__ import annotations

import numpy as np
import pytest

from genlock.bench.retrieval import always_zero, one_of_p1, one_of_p2, similarity_rows
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.synth.signals.clips import SignalOptions, render_signal


@pytest.mark.parametrize("rate", ["23.976", "25", "29.97", "60"])
def test_every_beep_sounds_while_its_flash_is_on_show(rate: str) -> None:
    """A published generator of flashing dots puts the beep on the right frame for a fifth of them."""
    how = SignalOptions(rate=rate, on_edges=False, duration_seconds=20, width=32, height=32, seed=1)
    truth, cells, _, _ = render_signal(how)
    for flash, heard in zip(truth.flashes, truth.beeps, strict=True):
        assert cells.index(heard.start, "floor") == cells.index(flash.start, "floor")


def test_the_published_test_that_never_shifts_is_won_by_always_answering_zero() -> None:
    baseline = {row.protocol: row.figures["within 1 frame"].value for row in always_zero(10)}
    assert baseline["P1, 5 frames"] == 1.0
    assert baseline["P1b, 5 frames"] == pytest.approx(3 / 31)


def test_missing_sound_is_masked_and_does_not_pull_answers_to_the_ends() -> None:
    """With zeros in place of the missing sound, 67 to 97 % of unrelated clips are answered 13 frames away or more."""
    draw = np.random.default_rng(0)
    ends = []
    for _ in range(80):
        pair = [Track(draw.standard_normal((60, 4)) + 2.0, Grid(25)) for _ in range(2)]
        rows = similarity_rows(*pair, np.ones(4))
        middle = rows.shape[1] // 2
        window = rows[20:25, middle - 15 : middle + 16].mean(axis=0)
        ends.append(abs(int(np.nanargmax(window)) - 15) >= 13)
    assert np.mean(ends) < 0.35  # 6 of 31 by chance


def test_the_sign_of_the_shift_is_not_given_away() -> None:
    """The published evaluation of 51 shifts searches only the 26 of the right sign."""
    draw = np.random.default_rng(1)
    signs = []
    for _ in range(200):
        pair = [Track(draw.standard_normal((80, 4)), Grid(25)) for _ in range(2)]
        away = one_of_p2(similarity_rows(*pair, np.ones(4)), truth=20)
        assert away is not None
        signs.append(away + 20 > 0)
    assert 0.35 < np.mean(signs) < 0.65  # of unrelated sounds, either sign is as likely
    moves = Track(draw.standard_normal((80, 4)), Grid(25))
    assert one_of_p2(similarity_rows(moves, moves, np.ones(4)), truth=-20) == 0
    assert all(one_of_p1(similarity_rows(moves, moves, np.ones(4)), 5, draw))
