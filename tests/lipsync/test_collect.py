"""Evidence: complete, on exact times, the same in pieces as whole, whatever the file lacks."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from genlock.core.errors import OptionError
from genlock.core.time import Exact
from genlock.core.track import Track
from genlock.extractors.face.mouth import Mouth, extract_mouths
from genlock.extractors.face.tracking import Sighting, watch_faces
from genlock.extractors.frame_cells import between_frames
from genlock.extractors.sound.mel import Mel
from genlock.extractors.spec import FeatureSpec
from genlock.lipsync.estimators.base import Trust, Window
from genlock.lipsync.estimators.flashbeep import FlashBeep
from genlock.lipsync.estimators.syncnet import SyncNetSync
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import EvidenceCollector, gather
from genlock.lipsync.evidence.waveform_rows import SOUND_MEL
from genlock.lipsync.fusion import Fusion
from genlock.media import (
    Picture,
    ReadOptions,
    Sound,
    VideoForm,
    encode,
    frame_cells,
    probe,
    read,
    read_audio,
    read_frames,
)
from genlock.speech.mouths import MouthSpool
from genlock.weights import registry

needs_faces = pytest.mark.skipif(
    registry.find("mediapipe-face-mesh") is None or registry.find("mediapipe-face-detection") is None,
    reason="the face models are not here: genlock models fetch",
)

SECONDS, RATE = 47, 10


def levels(count: int) -> np.ndarray:
    """Brightness of each frame, 60...180, never changing so much that it is a cut."""
    return np.rint(120 + 60 * np.sin(np.arange(count) * 0.29)).astype(np.uint8)


def noise(seconds: float) -> np.ndarray:
    random = np.random.default_rng(5)
    samples = random.standard_normal(round(seconds * 16000)) * 0.1
    return samples * (1 + np.sin(np.arange(len(samples)) * 2 * np.pi * 3 / 16000))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """47 s of grey frames, ten a second from 1.5 s on, with noise from 1.25 s on."""
    path = tmp_path_factory.mktemp("collect") / "film.mkv"
    frames = (np.full((64, 64), level, np.uint8) for level in levels(SECONDS * RATE))
    encode(
        path,
        Picture(frames, rate=RATE, start=Fraction(3, 2), codec="libx264", options={"crf": "1"}),
        Sound(noise(SECONDS), 16000, start=Fraction(5, 4), codec="flac"),
    )
    return path


def in_pieces(path: Path, seconds: int = 10, reading: ReadOptions | None = None) -> list[Evidence]:
    pieces: list[Evidence] = []
    collector = EvidenceCollector(pieces.append, piece_seconds=seconds, faces=None)
    read(path, collector.consumers_for(probe(path)), reading)
    return pieces


@pytest.fixture(scope="module")
def pieces(film: Path) -> list[Evidence]:
    """The film in pieces of ten seconds."""
    return in_pieces(film)


@pytest.fixture(scope="module")
def whole(film: Path) -> Evidence:
    """The film in one piece."""
    (piece,) = in_pieces(film, seconds=120)
    return piece


def test_pieces_tile_the_file(pieces: list[Evidence]) -> None:
    assert pieces[0].start == Fraction(5, 4)
    assert pieces[-1].end == Fraction(3, 2) + SECONDS
    for before, after in pairwise(pieces):
        assert before.end == after.start
        assert before.end - before.start == 10
    assert 5 <= pieces[-1].end - pieces[-1].start <= 15


def test_tracks_reach_over_the_ends_by_the_margin(pieces: list[Evidence]) -> None:
    piece = pieces[1]
    for track in (piece.mel, piece.loudness, piece.luma, piece.motion):
        assert track is not None
        assert -Fraction(5, 2) <= track.start - piece.start <= -2 + Fraction(1, 10)
        assert 2 - Fraction(1, 10) <= track.end - piece.end <= Fraction(5, 2)
    assert piece.frames is not None
    assert piece.frames.edge(0) <= piece.start - 2


@pytest.mark.parametrize("name", ["mel", "loudness", "luma", "motion"])
def test_pieces_hold_the_same_bits_as_the_whole(whole: Evidence, pieces: list[Evidence], name: str) -> None:
    known: Track = getattr(whole, name)
    place = {known.grid.center(k): k for k in range(len(known))}
    seen = set()
    for piece in pieces:
        track: Track = getattr(piece, name)
        rows = [place[track.grid.center(k)] for k in range(len(track))]  # KeyError: a time the whole has not
        seen.update(rows)
        assert (known.valid[rows] == track.valid).all()
        assert np.array_equal(known.values[rows], track.values)
    assert seen == set(range(len(known)))


def test_brightness_is_that_of_the_frame_on_its_own_cell(film: Path, whole: Evidence) -> None:
    assert whole.luma is not None
    cells, count = frame_cells(film)
    assert len(whole.luma) == count == SECONDS * RATE
    assert all(whole.luma.grid.edge(k) == cells.edge(k) for k in range(count + 1))
    assert np.abs(whole.luma.values * 255 - levels(count)).max() < 1.6


def test_motion_lies_between_the_frames_that_it_compares(whole: Evidence) -> None:
    assert whole.motion is not None
    assert whole.frames is not None
    assert not whole.motion.valid[0]
    assert whole.motion.valid[1:].all()
    for k in (1, 7, 200):
        assert whole.motion.grid.edge(k) == whole.frames.center(k - 1)
        assert whole.motion.grid.edge(k + 1) == whole.frames.center(k)
    change = np.abs(np.diff(levels(len(whole.motion)).astype(float))) / 255
    assert np.abs(whole.motion.values[1:] - change[:, None]).max() < 0.015


def test_sound_lies_where_the_file_says(whole: Evidence) -> None:
    """Loudness follows the planted swell, three a second from 1.25 s on."""
    assert whole.loudness is not None
    swell = np.sin(2 * np.pi * 3 * (whole.loudness.centers - 1.25))
    shifts = [-2, -1, 0, 1, 2]  # hops of 10 ms
    match = [np.corrcoef(np.roll(swell, k), whole.loudness.values)[0, 1] for k in shifts]
    assert shifts[int(np.argmax(match))] == 0
    assert whole.mel is not None
    assert whole.mel.grid.center(0) == Fraction(5, 4) + Fraction(200, 16000)


def test_the_waveform_gives_the_same_mel(film: Path, whole: Evidence) -> None:
    """An independent way: read the sound whole, then extract."""
    assert whole.mel is not None
    assert np.array_equal(Mel(SOUND_MEL)(read_audio(film)).values, whole.mel.values)


def test_a_part_of_a_file(film: Path) -> None:
    pieces = in_pieces(film, reading=ReadOptions(start=20, end=33))
    assert pieces[0].start == pytest.approx(20, abs=0.1)
    assert pieces[-1].end == pytest.approx(33, abs=0.1)


def test_pieces_come_while_the_file_is_read(film: Path) -> None:
    """Memory is flat: nothing is held for longer than a piece and a half with its margins."""
    told: list[Fraction] = []
    held: list[tuple[float, int, int]] = []
    collector = EvidenceCollector(lambda piece: told.append(piece.end), piece_seconds=10, faces=None)

    def progress(done: float, _total: float | None) -> None:
        samples = sum(map(len, collector._sound._blocks))
        held.append((done, len(told), max(len(collector._picture._luma), samples * RATE // 16000)))

    read(film, collector.consumers, None, progress)
    assert max(rows for _, _, rows in held) < 21 * RATE
    for done, count, _ in held:
        assert count >= min((done - 18) // 10, 4)


@pytest.mark.parametrize("lacks", ["sound", "picture"])
def test_what_a_file_lacks_is_none_and_nothing_fails(tmp_path: Path, lacks: str) -> None:
    frames = (np.full((32, 32), level, np.uint8) for level in levels(50))
    picture = Picture(frames, rate=25, codec="libx264")
    path = tmp_path / "one.mkv"
    encode(
        path,
        None if lacks == "picture" else picture,
        None if lacks == "sound" else Sound(noise(2), 16000, codec="flac"),
    )
    (piece,) = gather(path, faces=None)
    if lacks == "sound":
        assert piece.mel is None
        assert piece.loudness is None
        assert piece.luma is not None
    else:
        assert piece.frames is None
        assert piece.luma is None
        assert piece.mel is not None
    assert piece.faces == ()
    assert piece.cuts == ()
    assert float(piece.end - piece.start) == pytest.approx(2, abs=0.01)


def test_a_short_sound_does_not_hold_a_long_picture(tmp_path: Path) -> None:
    """Four seconds of sound with seven minutes of picture: the picture is not hoarded until the end."""
    path = tmp_path / "long.mkv"
    frames = (np.full((32, 32), level, np.uint8) for level in levels(2 * 420))
    encode(path, Picture(frames, rate=2, codec="libx264"), Sound(noise(4), 16000, codec="flac"))
    held = []
    pieces: list[Evidence] = []

    def tell(piece: Evidence) -> None:
        pieces.append(piece)
        held.append(len(collector._picture._luma))

    collector = EvidenceCollector(tell, piece_seconds=20, faces=None)
    read(path, collector.consumers)
    assert max(held) < 2 * 330
    assert [piece.mel is not None for piece in pieces] == [True] + [False] * (len(pieces) - 1)
    assert pieces[-1].end == 420


def test_a_tenth_of_a_second_is_a_piece_too(tmp_path: Path) -> None:
    path = tmp_path / "short.mkv"
    encode(
        path,
        Picture([np.zeros((32, 32), np.uint8)] * 2, rate=25, codec="libx264"),
        Sound(noise(0.02), 16000, codec="flac"),
    )
    (piece,) = gather(path, faces=None)
    assert piece.mel is None
    assert piece.luma is not None
    assert len(piece.luma) == 2


def test_a_cut_is_where_the_new_shot_begins(tmp_path: Path) -> None:
    path = tmp_path / "cut.mkv"
    random = np.random.default_rng(0)
    shots = [random.integers(0, 255, (8, 8)).astype(np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(2)]
    encode(path, Picture([shots[0]] * 30 + [shots[1]] * 20, rate=25, codec="libx264"))
    (piece,) = gather(path, faces=None)
    assert piece.cuts == (Fraction(30, 25),)


def test_variable_rate_keeps_its_ticks(tmp_path: Path) -> None:
    path = tmp_path / "vfr.mkv"
    pts = [0, 40, 113, 150, 190, 300, 340, 341, 400]
    frames = [np.full((32, 32), 20 * k, np.uint8) for k in range(len(pts))]
    encode(path, Picture(frames, pts=pts, time_base=Fraction(1, 1000), codec="libx264"))
    (piece,) = gather(path, faces=None)
    assert piece.frames is not None
    assert [piece.frames.edge(k) for k in range(len(pts))] == [Fraction(p, 1000) for p in pts]
    moved = between_frames(piece.frames)
    assert moved.center(2) == (piece.frames.center(1) + piece.frames.center(2)) / 2


def test_lengths_out_of_range_are_refused() -> None:
    with pytest.raises(OptionError, match="at least 10 s long"):
        EvidenceCollector(print, piece_seconds=3)
    with pytest.raises(OptionError, match="at most a quarter"):
        EvidenceCollector(print, piece_seconds=20, margin_seconds=6)


def test_without_models_all_but_the_faces_is_there(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENLOCK_CACHE", str(tmp_path / "empty"))
    pieces: list[Evidence] = []
    collector = EvidenceCollector(pieces.append)
    assert "genlock models fetch" in collector.missing[0]
    read(film, collector.consumers)
    assert pieces[0].faces == ()
    assert pieces[0].luma is not None


@needs_faces
def test_a_talking_person_s_mouth_on_the_frames_cells(shared_data: Path) -> None:
    (piece,) = gather(shared_data / "grid_s1" / "video" / "bbaf2n.mpg")
    (face,) = piece.faces
    assert face.share == 1
    assert len(face.lips) == 75
    assert face.lips.grid == face.aperture.grid == face.width.grid == piece.frames
    assert face.motion.valid.tolist() == [False] + [True] * 74
    assert 50 < face.size_pixels < 90
    # "bin blue at f two now": closed at first, open in the vowels, closed again.
    assert face.aperture.values[:5].max() < 0.03 < face.aperture.values.max() < 0.4
    assert 0.4 < face.width.values.min() < face.width.values.max() < 0.8
    assert np.abs(face.lips.values.mean(axis=(0, 1)) - [0, 0.85]).max() < 0.15


@needs_faces
def test_a_face_in_pieces_is_the_same_face(shared_data: Path, tmp_path: Path) -> None:
    """Twenty seconds of one person, at half the size: identity, lips and motion as in the whole."""
    source = shared_data / "talking" / "RD_Radio34_000.mp4"
    person = [cell.pixels for cell in read_frames(source, VideoForm(size=(128, 128)))][:40]
    path = tmp_path / "long.mp4"
    swing = person + person[::-1]
    encode(path, Picture((swing[k % 80] for k in range(200)), rate=10, codec="libx264"))
    (whole,) = gather(path)
    pieces: list[Evidence] = []
    collector = EvidenceCollector(pieces.append, piece_seconds=10, margin_seconds=1)
    read(path, collector.consumers_for(probe(path)))
    assert len(pieces) == 2
    (known,) = whole.faces
    for piece in pieces:
        (face,) = piece.faces
        assert face.face == known.face
        rows = [known.lips.grid.index(face.lips.grid.edge(k), "floor") for k in range(len(face.lips))]
        assert np.array_equal(known.lips.values[rows], face.lips.values)
        assert np.array_equal(known.motion.values[rows], face.motion.values)


def test_mouth_crops_are_kept_only_if_somebody_asks(shared_data: Path) -> None:
    file = shared_data / "grid_s1" / "video" / "bbaf2n.mpg"
    (piece,) = gather(file, mouths="mouth/64")
    mouth = piece.faces[0].mouth
    (known,) = extract_mouths(file, side=64)
    assert mouth is not None
    assert np.array_equal(mouth.values, known.crop.values)
    assert np.array_equal(mouth.valid, known.crop.valid)
    assert mouth.grid.edge(0) == piece.faces[0].lips.grid.edge(0)
    assert gather(file)[0].faces[0].mouth is None


def test_fusion_collects_what_its_estimators_ask_for(shared_data: Path) -> None:
    shapes = []

    class Reader:
        name, mouth_side, trust = "reader", 48, Trust()

        def windows(self, evidence: Evidence, window_seconds: Exact = 5) -> tuple[Window, ...]:
            shapes.extend(face.mouth.values.shape for face in evidence.faces if face.mouth is not None)
            return ()

    fusion = Fusion(estimators=[Reader(), FlashBeep()])
    collector = EvidenceCollector(fusion.add, mouths=fusion.mouths)
    read(shared_data / "grid_s1" / "video" / "bbaf2n.mpg", collector.consumers)
    assert shapes == [(75, 48, 48)]
    assert Fusion().mouths is None
    other = Reader()
    other.mouth_side = 96
    with pytest.raises(OptionError, match="different mouth crops"):
        Fusion(estimators=[Reader(), other]).mouths


def test_whoever_keeps_large_crops_gets_short_pieces(tmp_path: Path) -> None:
    """SyncNet's faces of a minute and a half of film lay in memory at once, 350 MB for each face."""
    told: list[float] = []

    class Large:
        name, mouth_side, trust, piece_seconds = "large", None, Trust(), 10

        def windows(self, evidence: Evidence, window_seconds: Exact = 5) -> tuple[Window, ...]:
            told.append(float(evidence.end - evidence.start))
            return ()

    frames = [np.full((64, 64, 3), 9 * k, np.uint8) for k in range(27)]
    encode(
        tmp_path / "a.mkv", Picture(frames, rate=1, codec="libx264"), Sound(noise(27), 16000, codec="flac")
    )
    fusion = Fusion(estimators=[FlashBeep(), Large()])
    collector = EvidenceCollector(fusion.add, fusion.piece_seconds, faces=None)
    read(tmp_path / "a.mkv", collector.consumers)
    assert told[0] == 10
    assert sum(told) == pytest.approx(27, abs=0.1)
    assert max(told) <= 15
    assert SyncNetSync.piece_seconds <= 15
    assert Fusion(estimators=[FlashBeep()]).piece_seconds == 60


def test_evidence_holds_the_crops_that_public_weights_see(shared_data: Path) -> None:
    """Estimators with public weights were shown our own crops."""
    file = shared_data / "grid_s1" / "video" / "bbaf2n.mpg"
    (piece,) = gather(file, mouths="mouth:avhubert/40")
    with closing(MouthSpool("mouth:avhubert/40")) as spool:
        (known,) = spool.mouths(watch_faces(file, [spool])).between(Fraction(0), Fraction(3))
    assert piece.faces[0].mouth is not None
    assert np.array_equal(piece.faces[0].mouth.values, known.values)
    with pytest.raises(OptionError, match="no crops of mouths"):
        gather(file, mouths="mouth:aperture")


def test_spooled_mouths_are_those_of_the_film(shared_data: Path) -> None:
    file = shared_data / "grid_s1" / "video" / "bbaf2n.mpg"
    (known,) = extract_mouths(file, side=40)
    with closing(MouthSpool(40)) as spool:
        spooled = spool.mouths(watch_faces(file, [spool]))
        (part,) = spooled.between(Fraction(1), Fraction(2))
        want = known.crop.between(Fraction(1), Fraction(2))
        assert np.array_equal(part.values, want.values)
        assert part.grid.edge(0) == want.grid.edge(0)
        assert part.clock == want.clock
        assert spooled.between(Fraction(50), Fraction(60)) == ()


def test_published_crops_are_spooled_once_they_are_settled(shared_data: Path) -> None:
    file = shared_data / "grid_s1" / "video" / "bbaf2n.mpg"
    with closing(MouthSpool("mouth:avhubert/40")) as spool:
        kept: dict[int, np.ndarray] = {}
        crop = Mouth.of_spec(FeatureSpec.parse("mouth:avhubert/40")).open()

        def watch(sighting: Sighting) -> None:
            kept[sighting.frame] = crop(sighting)

        (part,) = spool.mouths(watch_faces(file, [spool, watch])).between(Fraction(0), Fraction(3))
        assert np.array_equal(part.values, np.stack([kept[frame] for frame in sorted(kept)]))
    with pytest.raises(OptionError, match="no crops of mouths"):
        MouthSpool("mouth:aperture")
