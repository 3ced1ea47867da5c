"""Subtitles against a film whose cut differs: planted shifts, speeds and cuts come back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.speech.subtitles import Cue
from genlock.speech.subtitles.retimed import Retimed, Spoken, retimed

Span = tuple[Fraction, Fraction]


def dialogue(seed: int = 0, seconds: int = 600) -> list[Span]:
    """Lines of a film: from when to when they are said, to the millisecond."""
    random = np.random.default_rng(seed)
    at, lines = 3.0, []
    while at < seconds - 10:
        length = float(random.uniform(0.8, 4.5))
        lines.append((Fraction(round(1000 * at), 1000), Fraction(round(1000 * (at + length)), 1000)))
        at += length + float(random.choice([random.uniform(0.2, 1.5), random.uniform(2, 14)]))
    return lines


def heard(lines: list[Span], end: int, seed: int = 1) -> Spoken:
    """What a detector of speech says of them: edges off by 0.1 s, a tenth not found, something that is no speech."""
    random = np.random.default_rng(seed)
    found = []
    for low, high in lines:
        if random.uniform() > 0.1:
            off = [Fraction(round(float(random.normal(0, 60))), 1000) for _ in range(2)]
            found.append((low + off[0], max(high + off[1], low + off[0] + Fraction(1, 10))))
    found += [(Fraction(k), Fraction(k) + 1) for k in random.uniform(0, end - 2, end // 60).round(2).tolist()]
    return Spoken(Fraction(0), Fraction(end), tuple(sorted(found)))


def subtitles(lines: list[Span]) -> list[Cue]:
    return [Cue(f"line {k}", low, high) for k, (low, high) in enumerate(lines)]


def errors(found: Retimed, truth: dict[str, Fraction]) -> np.ndarray:
    return np.array([abs(float(cue.start - truth[cue.text])) for cue in found.cues])


def test_a_shift_of_twelve_seconds() -> None:
    lines = dialogue()
    cues = [Cue(c.text, c.start - 12, c.end - 12) for c in subtitles(lines)]
    found = retimed(cues, heard(lines, 600))
    assert (found.speed, len(found.moved), found.left_out) == (1, 1, ())
    assert float(found.moved[0].shift) == pytest.approx(12, abs=0.05)


@pytest.mark.parametrize("speed", [Fraction(25025, 24000), Fraction(24, 25), Fraction(1001, 1000)])
def test_a_film_at_another_speed(speed: Fraction) -> None:
    lines = dialogue(2, 1800 if speed == Fraction(1001, 1000) else 600)
    cues = [Cue(c.text, c.start / speed + 5, c.end / speed + 5) for c in subtitles(lines)]
    found = retimed(cues, heard(lines, int(lines[-1][1]) + 10))
    truth = {c.text: c.start for c in subtitles(lines)}
    assert found.speed == speed
    assert np.quantile(errors(found, truth), 0.95) < 0.15


def test_a_scene_that_the_film_lacks_and_one_that_only_it_has() -> None:
    """Of the subtitles' film 150 to 210 s are cut out, and after 400 s of it 30 s of others are put in."""
    lines = dialogue(3)
    cues = subtitles(lines)

    def now(t: Fraction) -> Fraction:
        return t - 60 * (t >= 210) + 30 * (t >= 400)

    kept = [c for c in cues if c.end < 150 or c.start >= 210]
    film = [(now(c.start), now(c.start) + c.end - c.start) for c in kept]
    inserted = [(Fraction(345 + 6 * k), Fraction(348 + 6 * k)) for k in range(4)]
    found = retimed(cues, heard(sorted(film + inserted), 570))
    truth = {c.text: now(c.start) for c in kept}
    placed = {c.text for c in found.cues}
    assert len(placed & set(truth)) >= len(truth) - 2
    assert len(placed - set(truth)) <= 2
    right = np.array([abs(float(c.start - truth[c.text])) for c in found.cues if c.text in truth])
    assert np.mean(right < 0.2) > 0.95
    assert any("does not have" in note for note in found.notes)


def test_words_in_common_decide_where_speech_does_not() -> None:
    """Lines at equal distances fit at many places; words fit at one."""
    lines = [(Fraction(4 * k), Fraction(4 * k + 2)) for k in range(5, 100)]
    cues = [Cue(c.text, c.start - 20, c.end - 20) for c in subtitles(lines)]
    words = tuple((c.start + Fraction(1, 2), c.start + Fraction(41, 2)) for c in cues[::7])
    found = retimed(cues, Spoken(Fraction(0), Fraction(420), tuple(lines), words))
    assert [float(part.shift) for part in found.moved] == pytest.approx([20], abs=0.05)


def test_subtitles_that_fit_stay() -> None:
    lines = dialogue(5)
    found = retimed(subtitles(lines), heard(lines, 600))
    assert len(found.moved) == 1
    assert abs(float(found.moved[0].shift)) < 0.05


def test_too_little_to_compare() -> None:
    with pytest.raises(OptionError, match="too little"):
        retimed([Cue("x", Fraction(0), Fraction(1))], Spoken(Fraction(0), Fraction(9), ()))


@pytest.mark.parametrize("seed", range(12))
def test_few_subtitles_say_by_how_much_they_may_be_off(seed: int) -> None:
    """Two that stay to be read after their line are moved by a time that fits many ways: it was told to a hundredth."""
    random = np.random.default_rng(seed)
    first = float(random.uniform(0.5, 2))
    lines = [(first, first + 3.2), (first + 4.5, first + 8)]
    spoken = [(Fraction(round(1000 * a), 1000), Fraction(round(1000 * b), 1000)) for a, b in lines]
    stays = [float(random.uniform(0.3, 1.2)) for _ in lines]
    cues = [
        Cue(f"line {k}", low + 30, high + 30 + Fraction(round(1000 * stays[k]), 1000))
        for k, (low, high) in enumerate(spoken)
    ]
    (part,) = retimed(cues, Spoken(Fraction(0), Fraction(13), tuple(spoken))).moved
    assert abs(float(part.shift + 30)) <= float(part.within) + 0.05
    assert part.within < 3
    assert ("may be off by" in str(part)) == (part.within > 0.25)


def test_many_subtitles_are_sure_of_their_time() -> None:
    lines = dialogue()
    (part,) = retimed(
        [Cue(c.text, c.start - 12, c.end - 12) for c in subtitles(lines)], heard(lines, 600)
    ).moved
    assert part.within <= 0.25
    assert "may be off" not in str(part)
