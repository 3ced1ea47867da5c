"""A dataset of planted talkers: faces whose lips follow a hidden signal, and sound whose bands follow the same."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.track import Track
from genlock.core.track_file import save_track
from genlock.data.index import write_index
from genlock.extractors.face.pose import CANONICAL_RIGID, LIPS, RIGID
from genlock.models.talker.resting import INNER_LOWER, INNER_UPPER

MEL = Grid.of_windows(sample_rate=16000, hop=160, first_center=Fraction(399, 2))
FRAMES: tuple[Cells, ...] = (
    Grid(25),
    Grid(Fraction(30000, 1001)),
    Ticks(np.arange(45) * 66 + np.arange(45) % 3, "1/1000", 66),
)


def hidden(seconds: npt.ArrayLike, seed: int) -> npt.NDArray[np.float64]:
    """What sound and face both follow, [..., 2]: how far the mouth opens (0...1) and how wide it is (-1...1)."""
    random, t = np.random.default_rng(seed), np.asarray(seconds, np.float64)
    a, b = (
        sum(np.sin(2 * np.pi * (f * t + random.random())) for f in random.uniform(1, 5, 3)) for _ in range(2)
    )
    return np.stack([1 / (1 + np.exp(-3 * np.asarray(a))), np.tanh(np.asarray(b))], axis=-1)


def planted_neutral(seed: int = 0) -> npt.NDArray[np.float64]:
    """A resting mesh whose rigid points stand where the extractor puts them, [468, 3]."""
    random = np.random.default_rng(seed)
    face = random.uniform(-0.6, 0.6, (468, 3)) + np.array([0, 0.5, 0])
    face[list(RIGID)] = CANONICAL_RIGID
    ring = np.linspace(np.pi, 3 * np.pi, 20, endpoint=False)
    for first, size in ((0, 0.3), (20, 0.22)):
        face[list(LIPS[first : first + 20]), 0] = size * np.cos(ring)
        face[list(LIPS[first : first + 20]), 1] = 0.75 + 0.25 * size * np.sin(ring)
    # Closed lips touch.
    face[list(INNER_UPPER), 1] = face[list(INNER_LOWER), 1] = 0.75
    face[152] = [0, 1.1, 0]
    return face


def planted_face(
    seconds: npt.ArrayLike, seed: int, neutral: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The upright mesh at some instants, [T, 468, 3]."""
    state = hidden(seconds, seed)
    face = np.tile(neutral, (len(state), 1, 1))
    lower = [*LIPS[11:20], *LIPS[31:40], 152, *INNER_LOWER]
    for point in dict.fromkeys(lower):
        face[:, point, 1] += 0.2 * state[:, 0]
    face[:, 61, 0] -= 0.05 * state[:, 1]
    face[:, 291, 0] += 0.05 * state[:, 1]
    return face


def planted_bands(cells: int, seed: int) -> npt.NDArray[np.float32]:
    """Log bands, [N, 80]: the lower half louder the wider the mouth opens, a hump that moves with its width."""
    state = hidden(MEL.centers(cells), seed)
    random, band = np.random.default_rng(1000 + seed), np.arange(80)
    hump = 3 * np.exp(-0.5 * ((band - 50 - 15 * state[:, 1:]) / 5) ** 2)
    loud = 8 + 7 * state[:, :1] * (band < 40)
    return (loud + hump + random.normal(0, 0.2, (cells, 80))).astype(np.float32)


def planted_dataset(target: Path, clips: int = 24, seconds: int = 3) -> Path:
    """Clips of three speakers at three frame rates, one variable; every fourth in valid, every fifth in test."""
    rows = []
    for number in range(clips):
        name, speaker, cells = f"clip{number:02}", f"s{number % 3}", FRAMES[number % 3]
        count = len(cells) if isinstance(cells, Ticks) else int(seconds * cells.rate)
        times = cells.centers(count)
        points = planted_face(times, number, planted_neutral(number % 3)) * 100 + [320, 240, 0]
        valid = np.arange(count) % 31 != 7
        points[~valid] = np.nan  # where nothing was seen, whatever stands there must not matter
        mel = Track(planted_bands(100 * seconds, number), MEL, name="mel:kaldi")
        face = Track(points.astype(np.float32), cells, valid, "landmarks", "pixels")
        made = [_saved(target, name, "mel-kaldi", mel), _saved(target, name, "landmarks", face)]
        rows.append(
            {
                "clip": name, "status": "done", "reason": "", "outputs": made,
                "split": "valid" if number % 4 == 3 else "test" if number % 5 == 4 else "train",
                "source": f"{name}.mp4", "source_sha256": name, "clock": "media", "number": 0, "tail": False,
                "transcript": "bin blue", "speaker": speaker, "group": name,
                "words": [{"text": "bin", "start_seconds": 0.5, "end_seconds": 0.9}],
                "start": "0", "end": str(seconds), "start_seconds": 0.0, "end_seconds": float(seconds),
            }
        )  # fmt: skip
    write_index(rows, target / "index.parquet", {})
    about = {"genlock_schema": 1, "kind": "dataset", "kinds": ["landmarks", "mel-kaldi"], "group": "source"}
    (target / "dataset.json").write_text(json.dumps(about))
    return target


def _saved(target: Path, clip: str, kind: str, track: Track) -> dict[str, Any]:
    path = target / kind / f"{clip}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_track(track, path)
    data = path.read_bytes()
    return {
        "kind": kind,
        "path": path.relative_to(target).as_posix(),
        "rate": str(track.grid.rate) if isinstance(track.grid, Grid) else None,
        "start": str(track.grid.edge(0)),
        "length": len(track),
        "valid": int(track.valid.sum()),
        "bytes": len(data),
        "more": "{}",
        "sha256": hashlib.sha256(data).hexdigest(),
    }
