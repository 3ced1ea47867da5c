"""Shot changes that were planted are found to the frame; flashes, pans and single damaged frames are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from genlock.extractors import make_extractor
from genlock.extractors.picture.shots import shot_changes
from genlock.media.encode import Picture, encode
from genlock.pipeline import ClipRequest, read_clip


def scene(seed: int) -> np.ndarray:
    """A wide picture of patches of colour, to look at a part of, uint8 [90, 320, 3]."""
    rng = np.random.default_rng(seed)
    small = rng.integers(30, 226, (6, 20, 3)).astype(np.uint8)
    return np.kron(small, np.ones((15, 16, 1), np.uint8))


def film(path: Path) -> list[int]:
    """Shots that pan at several speeds, with flashes of one to three frames in them; where the shots begin."""
    frames, begins = [], []
    lengths = [20, 33, 12, 50, 8, 25, 40]
    for shot, length in enumerate(lengths):
        begins.append(len(frames))
        wide = scene(shot)
        for k in range(length):
            x = min(k * (shot % 3), 160)
            picture = wide[:, x : x + 160]
            if length > 24 and 10 <= k < 10 + 1 + shot % 3:
                picture = np.full_like(picture, 245)
            frames.append(picture)
    encode(path, Picture(frames, rate="25", options={"crf": "20", "preset": "veryfast"}), None)
    return begins[1:]


def test_planted_shot_changes_are_found_to_the_frame_and_nothing_else(tmp_path: Path) -> None:
    planted = film(tmp_path / "cuts.mp4")
    with read_clip(
        tmp_path / "cuts.mp4", ClipRequest((make_extractor("shots"), make_extractor("flow-energy")))
    ) as clip:
        track, energy = clip.tracks["shots"], clip.tracks["flow-energy"]
    assert shot_changes(track) == planted
    assert track.grid == clip.frames
    # The first shot stands still, the second moves by a pixel of 160 a frame.
    assert float(np.median(energy.values[2:19])) < 0.001
    assert 0.004 < float(np.median(energy.values[36:50])) < 0.009
