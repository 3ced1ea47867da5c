"""Sources with planted truth: a click in the sound and a flash in the picture at known instants."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import numpy as np

from genlock.media import Picture, Sound, encode

RATE = 16000


def film(
    path: Path,
    *,
    seconds: int = 3,
    rate: Fraction | int = 25,
    events: tuple[float, ...] = (),
    start: str = "0",
    seed: int = 0,
    size: tuple[int, int] = (64, 48),
    sound: bool = True,
    picture: bool = True,
) -> None:
    """Noise and a moving square; at each event, in seconds, a click and one white frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    samples = 0.01 * random.standard_normal(seconds * RATE).astype(np.float32)
    count = int(seconds * Fraction(rate))
    frames = []
    for k in range(count):
        image = np.full((size[1], size[0], 3), 40 + seed % 100, np.uint8)
        image[10:20, (k * 2) % (size[0] - 10) : (k * 2) % (size[0] - 10) + 10] = (200, 50, 50)
        frames.append(image)
    for event in events:
        samples[round(event * RATE)] = 0.9
        frames[int(Fraction(event).limit_denominator(10**6) * Fraction(rate))][:] = 255
    encode(
        path,
        Picture(frames, rate=rate, start=start, codec="libx264", options={"crf": "10"}) if picture else None,
        Sound(samples, RATE, start=start, codec="flac" if path.suffix == ".mkv" else None) if sound else None,
    )


def fingerprint(dataset: Path) -> dict[str, str]:
    """SHA-256 of every file of a dataset, its ledger left out."""
    return {
        path.relative_to(dataset).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(dataset.rglob("*"))
        if path.is_file() and ".genlock" not in path.relative_to(dataset).parts
    }
