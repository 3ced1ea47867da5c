"""Features of faces: by name, on the video's own cells, saved and read back; and films that are hard on them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from genlock.core.errors import MissingModel, NoStream, OptionError
from genlock.core.grid import Grid, Ticks
from genlock.core.track import Track
from genlock.core.track_file import load_track
from genlock.extractors import make_extractor
from genlock.extractors.face.contact_sheet import ContactSheet, points_of
from genlock.extractors.face.landmarks import extract_landmarks
from genlock.extractors.face.mouth import extract_mouths
from genlock.extractors.face.tracking import FaceOptions, FaceTracker
from genlock.extractors.frame_cells import between_frames, on_whole_row, run_of_frames
from genlock.media import Picture, Sound, VideoForm, encode, read, read_frames
from genlock.tasks.extract_features import FeatureOptions, extract_features
from genlock.testing import example_video
from genlock.weights import registry

needs_faces = pytest.mark.skipif(
    registry.find("mediapipe-face-mesh") is None or registry.find("mediapipe-face-detection") is None,
    reason="the face models are not here: genlock models fetch",
)


@pytest.fixture(scope="module")
def person(shared_data: Path) -> list[np.ndarray]:
    """Sixteen frames of a person, 256 x 256."""
    source = shared_data / "talking" / "RD_Radio34_000.mp4"
    frames = []
    for cell in read_frames(source, VideoForm(size=(256, 256))):
        frames.append(cell.pixels)
        if len(frames) == 16:
            break
    return frames


def film(path: Path, frames: list[np.ndarray], **fields: object) -> Path:
    encode(path, Picture(frames, codec="libx264", options={"crf": "12"}, **fields))  # type: ignore[arg-type]
    return path


def seen_frames(path: Path, options: FaceOptions | None = None) -> tuple[FaceTracker, dict[int, list[int]]]:
    """Which frames each face was seen in."""
    frames: dict[int, list[int]] = {}
    tracker = FaceTracker([lambda s: frames.setdefault(s.face, []).append(s.frame)], options or FaceOptions())
    read(path, [tracker])
    return tracker, frames


# ---------------------------------------------------------------- names, cells, files


FACE_FEATURES = (
    "landmarks",
    "landmarks:68",
    "landmarks:lips",
    "landmarks:upright",
    "mouth",
    "mouth/48",
    "mouth:aperture",
    "mouth:width",
    "mouth:shape",
    "mouth:motion",
)


def test_an_unknown_preset_lists_what_there_is() -> None:
    with pytest.raises(
        OptionError, match=r"'mouth' has no preset '50'; there are: mouth:crop, mouth:aperture"
    ):
        make_extractor("mouth:50")
    with pytest.raises(OptionError, match="mouth:aperture/48.*takes no /"):
        make_extractor("mouth:aperture/48")
    with pytest.raises(OptionError, match="is square"):
        make_extractor("mouth/48x32")


@needs_faces
def test_every_feature_of_a_variable_rate_film(person: list[np.ndarray], tmp_path: Path) -> None:
    """Each on the frames' own ticks, one row for each frame; what the features say agrees among them."""
    pts = [40 * k + (7 if k % 3 else 0) for k in range(16)]
    path = film(tmp_path / "vfr.mkv", person, pts=pts, time_base=Fraction(1, 1000))
    options = FeatureOptions(feature=",".join(FACE_FEATURES), sheet=str(tmp_path / "sheet.png"))
    result = extract_features(path, options, tmp_path / "out")
    tracks = {saved.track.name: load_track(saved.path) for saved in result.tracks}
    assert set(tracks) == {f"{name}.face0" for name in FACE_FEATURES}
    shapes = {
        "landmarks": (468, 3),
        "landmarks:68": (68, 3),
        "landmarks:lips": (40, 2),
        "landmarks:upright": (468, 2),
        "mouth": (96, 96),
        "mouth/48": (48, 48),
        "mouth:aperture": (),
        "mouth:width": (),
        "mouth:shape": (2,),
        "mouth:motion": (),
    }
    for name, shape in shapes.items():
        track = tracks[f"{name}.face0"]
        assert track.values.shape == (16, *shape)
        assert isinstance(track.grid, Ticks)
        between = name == "mouth:motion"
        assert track.valid.tolist() == [not between] + [True] * 15
        if not between:
            assert [track.grid.edge(k) for k in range(16)] == [Fraction(p, 1000) for p in pts]
    small = [
        cv2.resize(crop, (48, 48), interpolation=cv2.INTER_AREA) for crop in tracks["mouth.face0"].values
    ]
    assert np.abs(np.float32(small) - tracks["mouth/48.face0"].values).mean() < 2.5
    changes = np.abs(np.diff(tracks["mouth/48.face0"].values.astype(float), axis=0)).mean(axis=(1, 2)) / 255
    assert tracks["mouth:motion.face0"].values[1:] == pytest.approx(changes, abs=1e-5)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape[0] > 600


@needs_faces
def test_rows_are_frames_if_wanted(person: list[np.ndarray], tmp_path: Path) -> None:
    """A face that comes in the sixth frame: on the video's frames, row 5 is the first valid one."""
    blank = [np.full_like(person[0], 90)] * 5
    path = film(tmp_path / "late.mp4", [*blank, *person[:10]], rate=25)
    options = FeatureOptions(feature="mouth/48,mouth:motion,landmarks:68", on="frames")
    tracks = {s.track.name: s.track for s in extract_features(path, options, tmp_path / "out").tracks}
    for name in ("mouth/48.face0", "landmarks:68.face0"):
        assert len(tracks[name]) == 15
        assert np.flatnonzero(tracks[name].valid).tolist() == list(range(5, 15))
    assert tracks["mouth/48.face0"].values.dtype == np.uint8
    assert tracks["mouth:motion.face0"].grid == tracks["mouth/48.face0"].grid
    native = extract_features(path, FeatureOptions(feature="mouth/48"), tmp_path / "native").tracks[0].track
    assert native.start == Fraction(5, 25)
    assert np.array_equal(native.values, tracks["mouth/48.face0"].values[5:])


def test_a_run_on_the_whole_row() -> None:
    ticks = Ticks([0, 2, 5, 9, 10], "1/10", 2)
    track = Track(np.arange(2.0), run_of_frames(ticks, 2, 2), np.array([True, False]))
    whole = on_whole_row(track, ticks, 5)
    assert whole.values.tolist() == [0, 0, 0, 1, 0]
    assert whole.valid.tolist() == [False, False, True, False, False]
    change = Track(np.arange(1.0, 4.0), between_frames(run_of_frames(Grid(25), 3, 3)))
    middle = on_whole_row(change, Grid(25), 8)
    # At the last frame's middle the last change has ended: what moves after it is not known.
    assert middle.values[2:5] == pytest.approx([1, 1.5, 2.5])
    assert np.flatnonzero(middle.valid).tolist() == [2, 3, 4]


@needs_faces
def test_sound_and_faces_in_one_pass(person: list[np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "both.mkv"
    encode(path, Picture(person, rate=25, codec="libx264"), Sound(np.zeros(16000), 16000, codec="flac"))
    result = extract_features(path, FeatureOptions(feature="energy,mouth:aperture"), tmp_path / "out")
    assert [saved.track.name for saved in result.tracks] == ["energy", "mouth:aperture.face0"]
    assert {saved.track.clock for saved in result.tracks} == {result.tracks[0].track.clock}


@needs_faces
def test_no_face_is_said_and_nothing_is_invented(tmp_path: Path) -> None:
    options = FeatureOptions(feature="landmarks", sheet=str(tmp_path / "sheet.png"))
    result = extract_features(example_video(), options, tmp_path / "out")
    assert result.tracks == ()
    assert "no face was seen" in str(result)
    assert (tmp_path / "sheet.png").exists()
    assert extract_mouths(example_video()) == []


@needs_faces
def test_a_sound_has_no_faces(tmp_path: Path) -> None:
    encode(tmp_path / "a.wav", sound=Sound(np.zeros(8000), 8000))
    with pytest.raises(NoStream, match="no picture, so it has no faces"):
        extract_features(tmp_path / "a.wav", FeatureOptions(feature="mouth"), tmp_path / "out")


def test_without_models_it_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOCK_CACHE", str(tmp_path / "empty"))
    with pytest.raises(MissingModel, match="genlock models fetch"):
        extract_features(example_video(), FeatureOptions(feature="mouth"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@needs_faces
def test_a_sheet_needs_a_picture_format(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="name it .png, .jpg or .webp"):
        extract_features(
            example_video(),
            FeatureOptions(feature="landmarks", sheet=str(tmp_path / "sheet.txt")),
            tmp_path / "out",
        )
    assert not (tmp_path / "sheet.txt").exists()


def test_a_sheet_of_a_long_film_holds_few_pictures() -> None:
    from genlock.extractors.face.tracking import Sighting
    from genlock.models.face_nets import Region

    sheet, image = ContactSheet(frames=4, width=64), np.zeros((36, 64, 3), np.uint8)
    for frame in range(500):
        sheet(Sighting(0, frame, np.zeros((468, 3), np.float32), 1.0, Region(0, 0, 1, 0), image))
        assert len(sheet._kept) <= 8
    assert sheet.image().shape == (72 + 3 * 30, 128, 3)  # two rows of two, and a line for each colour
    assert min(sheet._kept) == 0
    assert max(sheet._kept) > 350


def test_a_sheet_draws_the_points_that_were_asked_for_with_time_and_legend() -> None:
    from genlock.extractors.face.landmarks import MESH_TO_68
    from genlock.extractors.face.tracking import Sighting
    from genlock.models.face_nets import Region

    points = np.zeros((468, 3), np.float32)
    points[:, :2] = (300, 60)  # all of them in one corner, ...
    points[list(MESH_TO_68), :2] = (60, 100)  # ... those that were asked for somewhere else
    image = np.zeros((180, 320, 3), np.uint8)
    sheet = ContactSheet(width=320, points=points_of(["landmarks:68"]))
    sheet(Sighting(0, 50, points, 1.0, Region(0, 0, 1, 0), image))
    plain, timed = sheet.image(), sheet.image(Grid(25))
    assert plain[100, 60].tolist() == [60, 255, 120]
    assert plain[40:90, 200:].max() == 0
    assert (timed[:25] != plain[:25]).any(), "2.000 s stands there beside the number of the frame"
    assert (plain[180:] == [60, 255, 120]).all(axis=-1).sum() > 20, "the colour in the legend"


# ---------------------------------------------------------------- hard films


@needs_faces
def test_ten_faces_are_the_largest_four(person: list[np.ndarray], tmp_path: Path) -> None:
    """Two large ones at the left, eight of a tenth of the width beside them. Nobody changes place."""
    small, large = 160, 256
    frames = []
    for frame in person[:8]:
        drawn = np.full((2 * large, large + 4 * small, 3), 60, np.uint8)
        little = cv2.resize(frame, (small, small), interpolation=cv2.INTER_AREA)
        for row in range(2):
            drawn[row * large : (row + 1) * large, :large] = frame
            for k in range(4):
                drawn[row * large : row * large + small, large + k * small : large + (k + 1) * small] = little
        frames.append(drawn)
    path = film(tmp_path / "ten.mp4", frames, rate=25)
    tracker, seen = seen_frames(path, FaceOptions(most=2))
    assert seen == {0: list(range(8)), 1: list(range(8))}
    faces = extract_landmarks(path, FaceOptions(most=4, detect_every=1))
    assert len(faces) == 4
    for face in faces:
        assert np.ptp(face.points.values[face.points.valid][:, 33, 0]) < 30
    tracker, _ = seen_frames(path, FaceOptions(most=12, detect_every=1))
    assert tracker.faces == 10


@needs_faces
@pytest.mark.parametrize("place", [(20, 30), (560, 10), (1090, 530), (600, 300)])
def test_a_small_face_anywhere_in_a_large_picture(
    person: list[np.ndarray], tmp_path: Path, place: tuple[int, int]
) -> None:
    """A face of a twelfth of the width is found in the first frame, wherever it is."""
    left, top = place
    frames = []
    for frame in person[:3]:
        drawn = np.full((720, 1280, 3), 60, np.uint8)
        drawn[top : top + 180, left : left + 180] = cv2.resize(
            frame, (180, 180), interpolation=cv2.INTER_AREA
        )
        frames.append(drawn)
    _, seen = seen_frames(film(tmp_path / "small.mp4", frames, rate=25))
    assert seen == {0: [0, 1, 2]}


@needs_faces
def test_a_face_in_a_twentieth_of_the_frames(person: list[np.ndarray], tmp_path: Path) -> None:
    blank = np.full_like(person[0], 90)
    frames = [blank] * 55 + person[:6] + [blank] * 59
    tracker, seen = seen_frames(film(tmp_path / "rare.mp4", frames, rate=25))
    # The detector looks wherever nobody is known, so not a frame of it is missed.
    assert seen == {0: list(range(55, 61))}
    assert tracker.frames == 120


@needs_faces
def test_cuts_every_second_give_a_face_for_every_shot(
    person: list[np.ndarray], shared_data: Path, tmp_path: Path
) -> None:
    other = [
        cell.pixels
        for cell in read_frames(
            shared_data / "talking" / "WDA_BobMenendez_000.mp4", VideoForm(size=(256, 256))
        )
    ][:10]
    frames = [*person[:10], *other, *person[:10], *other]
    tracker, seen = seen_frames(film(tmp_path / "cuts.mp4", frames, rate=10))
    assert tracker.cuts == [10, 20, 30]
    assert seen == {k: list(range(10 * k, 10 * k + 10)) for k in range(4)}


@needs_faces
@pytest.mark.parametrize("what", ["black", "noise", "bars"])
def test_no_person_no_face(what: str, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    kinds = {
        "black": lambda k: np.zeros((120, 160, 3), np.uint8),
        "noise": lambda k: random.integers(0, 255, (120, 160, 3)).astype(np.uint8),
        "bars": lambda k: (
            np.repeat(np.linspace(0, 255, 8).astype(np.uint8), 20)[None, :, None].repeat(120, 0).repeat(3, 2)
        ),
    }
    path = film(tmp_path / "none.mp4", [kinds[what](k) for k in range(12)], rate=25)
    assert extract_landmarks(path) == []


@needs_faces
def test_a_cartoon_is_an_answer_or_none_but_no_crash(tmp_path: Path) -> None:
    """Circles for eyes: whatever the mesh makes of it, points are finite and cells are the film's."""
    frames = []
    for k in range(10):
        image = np.full((240, 240, 3), 255, np.uint8)
        cv2.circle(image, (120, 120), 90, (255, 214, 170), -1)
        for x in (85, 155):
            cv2.circle(image, (x, 95), 14, (0, 0, 0), -1)
        cv2.ellipse(image, (120, 165), (35, 4 + k), 0, 0, 360, (180, 30, 30), -1)
        frames.append(image)
    for mouth in extract_mouths(film(tmp_path / "cartoon.mp4", frames, rate=25)):
        assert np.isfinite(mouth.lips.values).all()
        assert mouth.first_frame + len(mouth.crop) <= 10


@needs_faces
def test_a_picture_smaller_than_any_face(tmp_path: Path) -> None:
    assert (
        extract_landmarks(film(tmp_path / "tiny.mp4", [np.zeros((16, 16, 3), np.uint8)] * 5, rate=25)) == []
    )


@needs_faces
def test_a_face_half_out_of_the_picture(person: list[np.ndarray], tmp_path: Path) -> None:
    half = [np.ascontiguousarray(frame[:, 100:]) for frame in person[:8]]
    half = [frame[:, : frame.shape[1] // 2 * 2] for frame in half]
    for mouth in extract_mouths(film(tmp_path / "half.mp4", half, rate=25)):
        assert mouth.crop.values.shape[1:] == (96, 96)


@needs_faces
def test_a_part_says_which_points(shared_data: Path) -> None:
    (face,) = extract_landmarks(shared_data / "grid_s1" / "video" / "bbaf2n.mpg", indices=[33, 263])
    assert face.points.values.shape == (75, 2, 3)
    with pytest.raises(OptionError, match="were not kept"):
        face.select([1])
