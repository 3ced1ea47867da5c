"""Speech to test on: real where it is at hand, else spoken by our own synthesiser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genlock.core import Grid, Track
from genlock.media import read_audio
from genlock.media.sound_source import TrackSound
from genlock.speech.recognize import FasterWhisper, PocketSphinx, Recognizer

JFK = (
    "And so, my fellow Americans, ask not what your country can do for you, "
    "ask what you can do for your country."
)


def sound_of(samples: np.ndarray, origin: str | int = 0) -> TrackSound:
    return TrackSound(
        Track(np.asarray(samples, np.float32), Grid.of_samples(16000, origin=origin, clock="media"))
    )


@pytest.fixture(scope="session")
def jfk(shared_data: Path) -> TrackSound:
    """Eleven seconds of a famous speech."""
    return TrackSound(read_audio(shared_data / "speech" / "jfk.flac"))


@pytest.fixture(scope="session")
def listener() -> Recognizer:
    """The best recogniser at hand."""
    return FasterWhisper() if FasterWhisper.missing() is None else PocketSphinx()
