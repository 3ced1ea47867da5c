"""``align`` sees faces as ``sync`` does, wherever they are: small, for two eyes, or a mouth alone.

Each film has a shift that was planted, and the points lie where the face lies in the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

import genlock
from genlock.media import AudioForm, Picture, Sound, VideoForm, encode, read
from genlock.media.consumers import Tap

LATE = 0.24
RATE = 16000


@dataclass(frozen=True)
class Talk:
    """A clip of a talking face in memory."""

    frames: list[np.ndarray]
    sound: np.ndarray
    lips: np.ndarray
    """Points 48...67 of its face, [T, 20, 2], in pixels of its frames."""
    offset: float
    """As it came."""


def aligned(path: Path) -> genlock.Alignment:
    """What ``align`` finds, with points of faces among its features, so that sync shares their eyes."""
    return genlock.align(path, feature="landmarks:68", recognizer="pocketsphinx")


def lips_of(found: genlock.Alignment) -> np.ndarray:
    tracks = [t for name, t in found.tracks.items() if name.startswith("landmarks:68.")]
    track = max(tracks, key=lambda t: int(t.valid.sum()))  # two eyes are told after five frames
    return np.asarray(track.values[track.valid][:, 48:, :2])


@pytest.fixture(scope="module")
def talk(shared_data: Path) -> Talk:
    clip = sorted((shared_data / "grid_s1" / "video").iterdir())[5]
    frames: list[np.ndarray] = []
    sound: list[np.ndarray] = []
    taps = [
        Tap(VideoForm(pixels="rgb24"), lambda cell: frames.append(cell.pixels.copy())),
        Tap(AudioForm(RATE, 1), lambda block: sound.append(block.samples[:, 0].copy())),
    ]
    read(clip, taps)
    found = aligned(clip)
    assert found.sync.offset_seconds is not None
    return Talk(frames, np.concatenate(sound), lips_of(found), found.sync.offset_seconds)


def told_of(talk: Talk, frames: list[np.ndarray], path: Path) -> genlock.Alignment:
    """The same talk in other pictures, with its sound late."""
    encode(path, Picture(frames, rate=25), Sound(talk.sound, RATE, start=str(LATE)))
    found = aligned(path)
    assert found.sync.offset_seconds is not None, found.sync.sentence
    assert found.sync.offset_seconds - talk.offset == pytest.approx(-LATE, abs=0.05)
    return found


@pytest.mark.slow
def test_a_small_face_in_a_large_picture(talk: Talk, tmp_path: Path) -> None:
    left, top, wide, high = 1500, 60, 200, 160
    frames = []
    for frame in talk.frames:
        desk = np.full((1080, 1920, 3), 40, np.uint8)
        desk[top : top + high, left : left + wide] = cv2.resize(frame, (wide, high))
        frames.append(desk)
    lips = lips_of(told_of(talk, frames, tmp_path / "desk.mp4"))
    shape = talk.frames[0].shape
    expected = talk.lips.mean(axis=(0, 1)) * [wide / shape[1], high / shape[0]] + [left, top]
    assert np.abs(lips.mean(axis=(0, 1)) - expected).max() < 4


def test_pictures_of_two_eyes(talk: Talk, tmp_path: Path) -> None:
    frames = []
    for frame in talk.frames:
        half = cv2.resize(frame, (frame.shape[1] // 2, frame.shape[0]), interpolation=cv2.INTER_AREA)
        frames.append(np.hstack([half, np.roll(half, 3, axis=1)]))
    found = told_of(talk, frames, tmp_path / "eyes.mp4")
    assert any("two eyes" in note for note in found.notes)
    expected = talk.lips.mean(axis=(0, 1)) * [0.5, 1]
    assert np.abs(lips_of(found).mean(axis=(0, 1)) - expected).max() < 4


def test_the_crop_of_a_mouth_alone(talk: Talk, tmp_path: Path) -> None:
    middle = talk.lips.mean(axis=(0, 1))
    wide = float(np.ptp(talk.lips[..., 0], axis=1).mean())
    scale = 96 / (2 * wide)
    place = np.array([[scale, 0, 48 - scale * middle[0]], [0, scale, 48 - scale * middle[1]]])
    frames = [cv2.warpAffine(frame, place, (96, 96)) for frame in talk.frames]
    found = told_of(talk, frames, tmp_path / "mouth.mp4")
    assert any("mouth alone" in note for note in found.notes)
    assert np.abs(lips_of(found).mean(axis=(0, 1)) - 48).max() < 8
