"""Music between sentences took a third of their words: its tones were taken for vowels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genlock.core import Grid, Track
from genlock.data.corpora.grid import read_align
from genlock.media import read_audio
from genlock.media.sound_source import TrackSound
from genlock.speech import recognize_and_align
from genlock.speech.music import music_spans

RATE = 16000


def chords(seconds: int) -> np.ndarray:
    """Three tones at a time, others every half second."""
    random = np.random.default_rng(0)
    time = np.arange(RATE // 2) / RATE
    parts = []
    for _ in range(2 * seconds):
        tones = random.choice([220.0, 261.6, 293.7, 329.6, 392.0, 440.0], 3, replace=False)
        parts.append(sum(np.sin(2 * np.pi * t * k * time) / k for t in tones for k in range(1, 7)))
    made = np.concatenate(parts)
    return np.asarray(0.05 * made / made.std())


def test_music_between_sentences_takes_no_word(shared_data: Path) -> None:
    pytest.importorskip("faster_whisper", reason="the detector of voices lies in faster-whisper")
    parts, words, at = [], [], 0.0
    for clip in sorted((shared_data / "grid_more" / "s5" / "video").glob("*.mpg"))[:3]:
        samples = np.asarray(read_audio(clip).values, float)
        align = clip.parent.parent / "align" / f"{clip.stem}.align"
        words += [(w["text"], at + w["start_seconds"]) for w in read_align(align)]
        parts += [0.05 * samples / samples.std(), chords(3)]
        at += len(samples) / RATE + 3
    sound = TrackSound(Track(np.concatenate(parts).astype(np.float32), Grid.of_samples(RATE)))
    found = recognize_and_align(sound, transcript=" ".join(text for text, _ in words))
    off = [abs(float(w.start) - t) for w, (_, t) in zip(found, words, strict=True) if w.start is not None]
    assert len(off) >= 16  # of 18
    assert max(off) < 0.3
    spans = music_spans(sound, len(words))
    assert len(spans) == 3
    assert all(not low <= t < high for low, high in spans for _, t in words)
    # Where nearly nothing is spoken for so many words they may be sung: nothing is hidden then.
    assert music_spans(sound, 1000) == ()
