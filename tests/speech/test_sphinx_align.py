"""Phones of the first search against planted ones, and what has no phones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from genlock.speech.sphinx import align as sphinx_align
from genlock.speech.sphinx.align import SphinxAligner
from genlock.speech.text import tokenize
from genlock.synth.voice.speak import VoiceOptions, speak

TEXT = "One, two, three, four, five, six, seven, eight, nine, ten."


@pytest.fixture(scope="module")
def spoken() -> tuple[np.ndarray, list[tuple[str, float, float]]]:
    """Sound, and its planted phones without pauses."""
    speech = speak(TEXT, VoiceOptions(rate=16000))
    planted = [(str(p.label).rstrip("012"), float(p.start), float(p.end)) for p in speech.phones]
    return speech.samples, [row for row in planted if row[0] != "SIL"]


def test_planted_phones_come_back(spoken: tuple[np.ndarray, list[tuple[str, float, float]]]) -> None:
    samples, planted = spoken
    found = SphinxAligner(searches=1).phones(samples, tokenize(TEXT))
    assert all(start < end for _, start, end in found)
    assert all(before[2] <= after[1] for before, after in pairwise(found))
    centers = np.arange(0, len(samples) / 16000, 0.01)

    def spoken_at(rows: list[tuple[str, float, float]]) -> np.ndarray:
        names = np.full(len(centers), "", "<U3")
        for name, start, end in rows:
            names[(centers >= start) & (centers < end)] = name
        return names

    truth, said = spoken_at(planted), spoken_at(found)
    both = (truth != "") & (said != "")
    assert both.sum() > 0.95 * (truth != "").sum()
    # Shuffled phones of the same text agree on a tenth.
    assert (truth == said)[both].mean() > 0.85


def test_phones_begin_and_end_with_the_words(
    spoken: tuple[np.ndarray, list[tuple[str, float, float]]],
) -> None:
    aligner = SphinxAligner(searches=1)
    found = aligner.phones(spoken[0], tokenize(TEXT))
    words = [w for w in aligner.align(spoken[0], tokenize(TEXT)) if w.start is not None and w.end is not None]
    assert float(words[0].start or 0) == pytest.approx(found[0][1], abs=0.05)
    assert float(words[-1].end or 0) == pytest.approx(found[-1][2], abs=0.05)


def test_what_cannot_be_aligned_has_no_phones(
    spoken: tuple[np.ndarray, list[tuple[str, float, float]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    aligner = SphinxAligner(searches=1)
    assert aligner.phones(spoken[0], []) == []
    assert aligner.phones(np.zeros(16000, np.float32), tokenize("one")) == []
    assert aligner.phones(spoken[0][:200], tokenize("one")) == []
    assert aligner.phones(spoken[0][:3000], tokenize(TEXT * 3)) == []
    monkeypatch.setattr(sphinx_align, "LARGEST_SEARCH", 1000)
    assert aligner.phones(spoken[0], tokenize(TEXT)) == []
    assert "too many" in (aligner.align(spoken[0], tokenize(TEXT))[0].reason or "")
