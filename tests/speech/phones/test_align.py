"""Words placed by phones: planted ones of a synthetic voice, real ones of speakers that nothing learnt from."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from genlock.media import read_audio
from genlock.metrics.timing import boundary_errors
from genlock.speech.phones import align as phone_align
from genlock.speech.phones.align import PhoneAligner
from genlock.speech.phones.espeak import espeak_program
from genlock.speech.text import tokenize
from genlock.synth.voice.speak import VoiceOptions, speak

TEXT = "One, two, three, four, five, six, seven, eight, nine, ten."


@pytest.fixture(scope="module")
def spoken() -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Sound of a synthetic voice, and the planted times of its words."""
    speech = speak(TEXT, VoiceOptions(rate=16000))
    return speech.samples, [(float(w.start), float(w.end)) for w in speech.words]


def test_words_of_another_kind_of_voice_lie_where_they_were_planted(
    spoken: tuple[np.ndarray, list[tuple[float, float]]],
) -> None:
    samples, planted = spoken
    placed = PhoneAligner().align(samples, tokenize(TEXT))
    errors = boundary_errors(
        [s for s, _ in planted], [None if p.start is None else float(p.start) for p in placed]
    )
    assert errors.missing == 0
    assert errors.mean_absolute_seconds < 0.06


def test_times_are_on_the_clock_and_in_order(spoken: tuple[np.ndarray, list[tuple[float, float]]]) -> None:
    samples, _ = spoken
    plain = PhoneAligner().align(samples, tokenize(TEXT))
    moved = PhoneAligner().align(samples, tokenize(TEXT), Fraction(1001, 30000))
    assert all(
        p.start is not None and m.start == p.start + Fraction(1001, 30000)
        for p, m in zip(plain, moved, strict=True)
    )
    edges = [edge for p in plain for edge in (p.start, p.end)]
    assert all(before <= after for before, after in pairwise(edges))
    assert all(p.end - p.start >= Fraction(1, 200) for p in plain)
    phones = PhoneAligner().phones(samples, tokenize(TEXT))
    assert float(edges[0]) == pytest.approx(phones[0][1], abs=1e-3)
    assert phones[0][0] == "w"


@pytest.mark.parametrize("level", [1e-2, 3.0])
def test_the_level_of_the_sound_does_not_matter(
    spoken: tuple[np.ndarray, list[tuple[float, float]]], level: float
) -> None:
    samples, _ = spoken
    plain, other = (PhoneAligner().align(np.float32(gain) * samples, tokenize(TEXT)) for gain in (1, level))
    apart = [abs(float(p.start - o.start)) for p, o in zip(plain, other, strict=True)]
    assert max(apart) < 0.002


def test_exact_zeros_around_the_words_move_none(spoken: tuple[np.ndarray, list[tuple[float, float]]]) -> None:
    samples, _ = spoken
    zeros = np.zeros(10 * 16000, np.float32)
    plain = PhoneAligner().align(samples, tokenize(TEXT))
    padded = PhoneAligner().align(np.concatenate([zeros, samples, zeros]), tokenize(TEXT))
    apart = [abs(float(b.start - a.start) - 10) for a, b in zip(plain, padded, strict=True)]
    assert max(apart[1:-1]) < 0.03  # the first begins where the zeros end


def test_what_cannot_be_aligned_says_why(
    spoken: tuple[np.ndarray, list[tuple[float, float]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, _ = spoken
    aligner = PhoneAligner()
    assert aligner.align(samples, tokenize("♪ …"))
    assert not aligner.align(samples, tokenize("♪"))[0].start
    assert "silent" in (aligner.align(np.zeros(16000, np.float32), tokenize("one"))[0].reason or "")
    assert "too short" in (aligner.align(samples[:200], tokenize("one"))[0].reason or "")
    assert aligner.phones(samples[:200], tokenize("one")) == []
    monkeypatch.setattr(phone_align, "_LARGEST_SEARCH", 1000)
    assert "too many" in (aligner.align(samples, tokenize(TEXT))[0].reason or "")


def test_a_word_that_nobody_says_is_left_out(spoken: tuple[np.ndarray, list[tuple[float, float]]]) -> None:
    samples, _ = spoken
    text = TEXT.replace("four,", "four, Mississippi hippopotamus,")
    placed = PhoneAligner().align(samples, tokenize(text))
    found = [p.start is not None for p in placed]
    assert found[4:6] == [False, False]
    assert sum(found) >= 9


@pytest.mark.skipif(espeak_program() is None, reason="espeak-ng is not installed")
def test_other_languages_are_pronounced_by_espeak(
    spoken: tuple[np.ndarray, list[tuple[float, float]]],
) -> None:
    assert "fr" in PhoneAligner.languages
    german = PhoneAligner(language="de").align(spoken[0], tokenize("wann tuh srie vor faif", "de"))
    assert sum(p.start is not None for p in german) >= 4


def test_speakers_that_nothing_learnt_from(shared_data: Path) -> None:
    """Six clips of s5, which benchmarks/words_grid.py measures whole."""
    true, found = [], []
    for path in sorted((shared_data / "grid_more" / "s5" / "video").iterdir())[:6]:
        lines = (shared_data / "grid_more" / "s5" / "align" / f"{path.stem}.align").read_text().splitlines()
        rows = [line.split() for line in lines if line.split()[2] not in ("sil", "sp")]
        sound = read_audio(path)
        placed = PhoneAligner().align(
            sound.values, tokenize(" ".join(w for _, _, w in rows)), sound.grid.center(0)
        )
        true += [int(s) / 25000 for s, _, _ in rows]
        found += [None if p.start is None else float(p.start) for p in placed]
    errors = boundary_errors(true, found)
    assert errors.missing == 0
    assert errors.mean_absolute_seconds < 0.03
