"""Mistakes about faces, in well-known code and in ours, each of which must not come back."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from genlock.extractors.face.landmarks import LIPS, extract_landmarks
from genlock.extractors.face.mouth import extract_mouths
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import EvidenceCollector, gather
from genlock.media import AudioBlock, Picture, VideoCell, VideoForm, encode, read_frames
from genlock.weights import registry

needs_faces = pytest.mark.skipif(
    registry.find("mediapipe-face-mesh") is None or registry.find("mediapipe-face-detection") is None,
    reason="the face models are not here: genlock models fetch",
)


@pytest.fixture(scope="module")
def interrupted(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six frames of a person with two blank ones in the middle, 40 and 80 ms apart."""
    source = shared_data / "talking" / "RD_Radio34_000.mp4"
    person = [cell.pixels for cell in read_frames(source, VideoForm(size=(256, 256)))][:6]
    frames = [*person[:3], *[np.full_like(person[0], 90)] * 2, *person[3:]]
    path = tmp_path_factory.mktemp("faces") / "interrupted.mkv"
    pts = [0, 40, 120, 160, 200, 280, 320, 400]
    encode(
        path, Picture(frames, pts=pts, time_base=Fraction(1, 1000), codec="libx264", options={"crf": "12"})
    )
    return path


@needs_faces
def test_frames_without_a_face_are_not_saved_as_whatever_the_memory_held(interrupted: Path) -> None:
    """A landmark corpus kept the uninitialised rows of frames in which no face was detected as if they were faces."""
    for face in extract_landmarks(interrupted, indices=LIPS):
        assert (face.points.values[~face.points.valid] == 0).all()
        assert (face.points.values[face.points.valid] > 0).any(axis=(1, 2)).all()
    seen = {
        float(face.points.grid.edge(int(k)))
        for face in extract_landmarks(interrupted, indices=LIPS)
        for k in np.flatnonzero(face.points.valid)
    }
    assert seen == {0.0, 0.04, 0.12, 0.28, 0.32, 0.4}


@needs_faces
def test_a_mouth_that_was_away_does_not_leap_when_it_comes_back(interrupted: Path) -> None:
    """The change from before a gap to after it is no motion of the mouth."""
    for mouth in extract_mouths(interrupted):
        for k in np.flatnonzero(mouth.motion.valid):
            assert mouth.crop.valid[k - 1 : k + 1].all()


@needs_faces
def test_a_lost_frame_does_not_make_two_people_of_one(interrupted: Path) -> None:
    """One black frame split a face, and half the clip was invalid: the shorter half was another person's."""
    (face,) = extract_landmarks(interrupted, indices=LIPS)
    assert face.points.valid.tolist() == [True] * 3 + [False] * 2 + [True] * 3


def test_the_stream_that_starts_first_may_be_the_one_that_arrives_later() -> None:
    """Ours: with the picture ahead in the file, the first piece began with it, and sound from before was lost."""
    pieces: list[Evidence] = []
    collector = EvidenceCollector(pieces.append, piece_seconds=10, faces=None)
    sound, picture = collector.consumers
    for k in range(4):
        start = Fraction(3, 2) + Fraction(k, 25)
        picture.push(VideoCell(np.zeros((64, 64), np.uint8), k, start, start + Fraction(1, 25), "media"))
    sound.push(AudioBlock(np.zeros((16000, 1), np.float32), 16000, Fraction(5, 4), "media"))
    picture.finish()
    assert [piece.start for piece in pieces] == [Fraction(5, 4)]


@needs_faces
def test_a_small_face_in_a_large_picture_is_found(shared_data: Path, tmp_path: Path) -> None:
    """The tile of a web camera in the recording of a screen was lost in the shrunken picture: "no face is seen"."""
    source = shared_data / "talking" / "RD_Radio34_000.mp4"
    tiles = [cell.pixels for cell in read_frames(source, VideoForm(size=(120, 120)))][:20]
    screens = [np.full((720, 1280, 3), 60, np.uint8) for _ in tiles]
    for screen, tile in zip(screens, tiles, strict=True):
        screen[580:700, 1140:1260] = tile
    path = tmp_path / "screen.mkv"
    encode(path, Picture(screens, rate=25, codec="libx264", options={"crf": "12", "preset": "ultrafast"}))
    (piece,) = gather(path)
    (face,) = piece.faces
    assert face.face == 0
    assert face.share == 1
    assert len(face.lips) >= 10
    assert 10 < face.size_pixels < 60


def test_pixels_that_are_not_square_are_made_so_where_that_is_asked(tmp_path: Path) -> None:
    """Faces were looked for in the stored picture; of a face at half its width p fell from .99 to .09."""
    path = tmp_path / "squeezed.mkv"
    frames = [np.full((96, 64, 3), 100, np.uint8)] * 2
    encode(path, Picture(frames, rate=25, codec="libx264", aspect=Fraction(2)))

    def shape(form: VideoForm) -> tuple[int, ...]:
        return next(iter(read_frames(path, form))).pixels.shape

    assert shape(VideoForm()) == (96, 64, 3)
    assert shape(VideoForm(as_seen=True)) == (96, 128, 3)
    assert shape(VideoForm(as_seen=True, longest_side=64)) == (48, 64, 3)
