"""Films of faces: exact, whole or not there, of people and of drawn faces; and what cannot talk is told so."""

from __future__ import annotations

import io
import json
import struct
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.animation import standin

from genlock.animation.faces.base import FaceFrame, face_names, make_face
from genlock.animation.identity import load_footage
from genlock.animation.mesh import mesh_triangles
from genlock.animation.warp import WarpedFace
from genlock.core.errors import InputError, MediaError, NoStream, OptionError
from genlock.core.grid import Ticks
from genlock.media import Picture, Sound, encode, frame_cells, probe, read_audio, read_frames
from genlock.tasks.animate_sound import AnimateOptions, animate_sound


def opened(by: float, **more: Any) -> FaceFrame:
    """A frame with the mouth this far open, in eye distances."""
    points = standin.NEUTRAL + by / 0.1 * standin.face_basis().shapes["jawOpen"] * _per_tenth()
    return FaceFrame(points.astype(np.float32), standin.NEUTRAL, 0.0, **more)


def _per_tenth() -> float:
    jaw = standin.face_basis().shapes["jawOpen"]
    return 0.1 / float(jaw[14, 1] - jaw[13, 1])


def mouth_box(side: int) -> tuple[slice, slice]:
    return slice(side // 2, side), slice(side // 4, 3 * side // 4)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in ("robot", "bust"))) for name in face_names()],
)
def test_drawn_faces_open_their_mouth_and_blink(name: str) -> None:
    face = make_face(name, side=256, seed=1)
    assert face.title
    shut, wide = face.draw(opened(0)), face.draw(opened(0.12))
    assert shut.shape == (256, 256, 3)
    assert shut.dtype == np.uint8
    moved = np.abs(wide.astype(int) - shut).sum(axis=2) > 40
    assert moved[mouth_box(256)].sum() > 150
    assert moved[: 256 // 4].mean() < 0.08, "the forehead stays but for the brows"
    blinking = np.abs(face.draw(opened(0, blink=1.0)).astype(int) - shut).sum(axis=2) > 40
    assert blinking[256 // 5 : 256 * 3 // 5].sum() > 100
    np.testing.assert_array_equal(make_face(name, 256, 1).draw(opened(0)), shut)
    turned = face.draw(opened(0, turn=np.array([0.1, 0.05, 0.05])))
    assert np.abs(turned.astype(int) - shut).mean() > 1


def test_unknown_faces_are_refused() -> None:
    with pytest.raises(OptionError, match="robot"):
        make_face("robott")
    with pytest.raises(OptionError, match="even"):
        make_face("toon", side=63)


def test_the_mesh_is_a_surface_with_its_openings() -> None:
    triangles = mesh_triangles(standin.NEUTRAL)
    edges = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1
    )
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert counts.max() == 2, "no edge belongs to three triangles"
    inner = {78, 13, 308, 14}
    assert not any(inner >= set(t) for t in triangles.tolist())


# ---------------------------------------------------------------- films


def test_a_film_is_exact(tmp_path: Path, talker_file: str, voice_file: str) -> None:
    target = tmp_path / "a.mkv"
    options = AnimateOptions(model=talker_file, rate="30000/1001", side=128, sheet=str(tmp_path / "a.png"))
    result = animate_sound(voice_file, options, target)
    info = probe(target)
    assert info.video[0].start == info.audio[0].start == 0
    true, kept = read_audio(voice_file, rate=None), read_audio(target, rate=None)
    np.testing.assert_array_equal(kept.values, true.values)
    cells, count = frame_cells(target)
    assert count == result.measures["frames"]
    assert abs(float(cells.edge(count)) - float(true.end)) < 0.04
    assert cv2.imread(str(tmp_path / "a.png")) is not None
    assert json.loads(json.dumps(result.to_dict()))["model"] == talker_file


def test_frames_of_a_film_of_variable_rate(tmp_path: Path, talker_file: str, voice_file: str) -> None:
    pts = [0, 30, 90, 130, 220, 260, 300, 380, 420, 500]
    frames = (np.full((32, 32, 3), 5 * k, np.uint8) for k in range(10))
    encode(tmp_path / "v.mkv", Picture(frames, 25, pts=pts, time_base="1/1000", codec="libx264"))
    options = AnimateOptions(model=talker_file, frames_of=str(tmp_path / "v.mkv"), side=128)
    result = animate_sound(voice_file, options, tmp_path / "a.mkv")
    cells, count = frame_cells(tmp_path / "a.mkv")
    assert isinstance(cells, Ticks)
    assert result.rate == "variable"
    steps = np.diff([float(cells.edge(k)) for k in range(21)]) * 1000
    np.testing.assert_allclose(steps[:9], np.diff(pts), atol=1)
    np.testing.assert_allclose(steps[10:19], np.diff(pts), atol=1)
    assert float(cells.edge(count)) >= float(standin.seconds(standin.clip(0)))


def test_words_are_written_into_the_film_and_beside_it(
    tmp_path: Path, talker_file: str, voice_file: str
) -> None:
    text = tmp_path / "said.txt"
    text.write_text(standin.LINES[0])
    options = AnimateOptions(model=talker_file, words=True, transcript=str(text), side=128)
    result = animate_sound(voice_file, options, tmp_path / "a.mp4")
    assert tmp_path / "a.srt" in result.written
    assert "Bob may be more" in (tmp_path / "a.srt").read_text().replace("\n", " ")
    plain = animate_sound(voice_file, AnimateOptions(model=talker_file, side=128), tmp_path / "b.mp4")
    assert plain.written == (tmp_path / "b.mp4",)
    with_words, without = (list(read_frames(tmp_path / f"{name}.mp4")) for name in "ab")
    middle = len(without) // 2
    low = slice(104, 128)
    assert np.abs(with_words[middle].pixels[low].astype(int) - without[middle].pixels[low]).mean() > 3


def test_a_failure_leaves_nothing(tmp_path: Path, talker_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Any, frame: FaceFrame) -> Any:
        raise MediaError("the brush broke")

    monkeypatch.setattr("genlock.animation.faces.toon.ToonFace.draw", fails)
    encode(tmp_path / "s.wav", sound=Sound(np.zeros(16000), 16000))
    with pytest.raises(MediaError, match="broke"):
        animate_sound(tmp_path / "s.wav", AnimateOptions(model=talker_file), tmp_path / "a.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["s.wav"]


# ---------------------------------------------------------------- a pipe


class _Pipe:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def wav(samples: np.ndarray, rate: int, length: int | None = None) -> bytes:
    data = (samples * 32767).astype("<i2").tobytes()
    head = struct.pack(
        "<4sI4s4sIHHIIHH", b"RIFF", 0xFFFFFFFF, b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16
    )
    return head + struct.pack("<4sI", b"data", 0xFFFFFFFF if length is None else length) + data


@pytest.mark.parametrize("kind", ["wav", "raw"])
def test_live_from_a_pipe(
    talker_file: str, voice_file: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = standin.sound_16k(standin.clip(0))
    data = wav(sound, 16000) if kind == "wav" else (sound * 32767).astype("<i2").tobytes()
    monkeypatch.setattr(sys, "stdin", _Pipe(data))
    lines: list[str] = []
    result = animate_sound("-", AnimateOptions(model=talker_file), lines=lines.append)
    frames = [json.loads(line) for line in lines]
    assert result.output is None
    assert [frame["frame"] for frame in frames] == list(range(len(frames)))
    assert len(frames) == -(-len(sound) * 25 // 16000)
    assert {"aperture", "width", "shapes", "mouth", "start", "end", "blink", "head"} <= set(frames[0])
    assert max(frame["aperture"] for frame in frames) > 0.05
    assert result.lookahead_seconds is not None


def test_lines_come_before_the_sound_is_over(talker_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = standin.sound_16k(standin.clip(0))
    data = io.BytesIO((sound * 32767).astype("<i2").tobytes())
    read_when: list[int] = []

    class _Slowly:
        def read(self, count: int) -> bytes:
            return data.read(count)

        def read1(self, count: int) -> bytes:
            return data.read(min(count, 3200))

    monkeypatch.setattr(sys, "stdin", type("Pipe", (), {"buffer": _Slowly()})())
    result = animate_sound(
        "-", AnimateOptions(model=talker_file), lines=lambda line: read_when.append(data.tell())
    )
    at = np.array(read_when) / 32000
    ends = (np.arange(len(at)) + 0.5) / 25
    late = at - ends
    assert result.lookahead_seconds is not None
    # A tenth of a second is read at a time, and features come in blocks of 40 ms.
    assert np.median(late) < result.lookahead_seconds + 0.2


def test_a_film_from_a_pipe(tmp_path: Path, talker_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", _Pipe(wav(standin.sound_16k(standin.clip(0)), 16000)))
    animate_sound("-", AnimateOptions(model=talker_file, side=128), tmp_path / "a.mp4")
    assert probe(tmp_path / "a.mp4").audio[0].rate == 16000


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF1234JUNK", b"ab"])
def test_a_pipe_without_sound_is_told_so(
    talker_file: str, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", _Pipe(data))
    with pytest.raises(InputError, match="pipe"):
        animate_sound("-", AnimateOptions(model=talker_file), lines=lambda line: None)


# ---------------------------------------------------------------- people


@pytest.fixture(scope="module")
def person(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    film = sorted((shared_data / "grid_s1" / "video").glob("*.mpg"))[0]
    image = next(iter(read_frames(film))).pixels
    path = tmp_path_factory.mktemp("person") / "person.png"
    cv2.imwrite(str(path), cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)[..., ::-1])
    return path


def test_a_picture_of_a_person_talks(person: Path) -> None:
    face = WarpedFace(load_footage(person))
    shut, wide = face.draw(opened(0)), face.draw(opened(0.12))
    original = cv2.imread(str(person))[..., ::-1]
    assert shut.shape[:2] == original.shape[:2]
    changed = np.abs(wide.astype(int) - shut).sum(axis=2) > 60
    assert 100 < changed.sum() < 0.05 * changed.size
    # What is far from the face is not touched.
    assert not np.abs(wide[:20].astype(int) - shut[:20]).any()
    # And the tracker sees the mouth that was made: within a quarter of what was asked for.
    from genlock.animation.identity import _of_picture
    from genlock.extractors.face.mouth import aperture_of
    from genlock.extractors.face.pose import LIPS, RIGID, head_pose

    meshes = [_of_picture(np.ascontiguousarray(image), "made").meshes[0] for image in (shut, wide)]
    seen = [aperture_of(head_pose(m[list(RIGID)]).to_head(m)[list(LIPS)]) for m in meshes]
    assert float(seen[1] - seen[0]) == pytest.approx(0.12, abs=0.05)


def test_a_film_of_a_person_runs_back_and_forth(
    shared_data: Path, tmp_path: Path, talker_file: str, voice_file: str
) -> None:
    film = sorted((shared_data / "grid_s1" / "video").glob("*.mpg"))[0]
    result = animate_sound(
        voice_file, AnimateOptions(model=talker_file, identity=str(film)), tmp_path / "a.mp4"
    )
    assert result.rate == "25"
    assert probe(tmp_path / "a.mp4").video[0].width == 360
    footage = load_footage(film)
    _, order = footage.back_and_forth(Fraction(7))
    n = len(footage)
    assert order[:n].tolist() == list(range(n))
    assert order[n : 2 * n - 2].tolist() == list(range(n - 2, 0, -1))
    _, held = footage.back_and_forth(Fraction(7), hold=True)
    assert held[-1] == n - 1
    assert len(held) >= 175


@pytest.mark.parametrize(
    ("name", "word"),
    [("nobody", "no face"), ("small", "too small"), ("drawing", "no face"), ("text", "invalid|cannot|not")],
)
def test_identities_that_cannot_talk(person: Path, tmp_path: Path, name: str, word: str) -> None:
    path = tmp_path / f"{name}.png"
    image = cv2.imread(str(person))
    if name == "nobody":
        cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (240, 320, 3)).astype(np.uint8))
    elif name == "small":
        page = np.full((576, 720, 3), 90, np.uint8)
        small = cv2.resize(image, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
        page[100 : 100 + small.shape[0], 100 : 100 + small.shape[1]] = small
        cv2.imwrite(str(path), page)
    elif name == "drawing":
        page = np.full((300, 300, 3), 255, np.uint8)
        cv2.circle(page, (150, 150), 90, (0, 0, 0), 3)
        for x in (115, 185):
            cv2.circle(page, (x, 130), 6, (0, 0, 0), -1)
        cv2.imwrite(str(path), page)
    else:
        path.write_text("this is no picture")
    with pytest.raises(InputError, match=word):
        load_footage(path)


def test_of_several_faces_the_largest_talks(person: Path, tmp_path: Path) -> None:
    image = cv2.imread(str(person))
    small = cv2.resize(image, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    page = np.full((image.shape[0], image.shape[1] + small.shape[1], 3), 60, np.uint8)
    page[:, : image.shape[1]] = image
    page[: small.shape[0], image.shape[1] :] = small
    cv2.imwrite(str(tmp_path / "two.png"), page)
    footage = load_footage(tmp_path / "two.png")
    assert "2 faces" in footage.notes[0]
    assert footage.meshes[0][:, 0].mean() < image.shape[1] * footage.size[0] / page.shape[1]


# ---------------------------------------------------------------- sounds


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("silence", "silent"),
        ("noise", "speech"),
        ("narrow", "4000 Hz"),
        ("two voices", "two voices"),
        ("short", None),
    ],
)
def test_sounds_that_are_hard(tmp_path: Path, talker_file: str, name: str, word: str | None) -> None:
    random = np.random.default_rng(0)
    voice = standin.sound_16k(standin.clip(0))
    rate, samples = 16000, {
        "silence": np.zeros(16000),
        "noise": random.normal(0, 0.1, 48000),
        "narrow": voice[::2],
        "two voices": np.stack([voice, np.roll(voice, 9000)], axis=1),
        "short": voice[8000:9600],
    }[name]  # fmt: skip
    rate = 8000 if name == "narrow" else rate
    encode(tmp_path / "s.wav", sound=Sound(samples, rate))
    result = animate_sound(tmp_path / "s.wav", AnimateOptions(model=talker_file, side=64), tmp_path / "a.mp4")
    assert word is None or any(word in note for note in result.notes), result.notes
    assert result.measures["frames"] >= 1
    assert probe(tmp_path / "a.mp4").video


def test_what_has_no_sound_is_refused(tmp_path: Path, talker_file: str) -> None:
    encode(tmp_path / "v.mp4", Picture([np.zeros((32, 32), np.uint8)] * 5, codec="libx264"))
    with pytest.raises(NoStream, match="no sound"):
        animate_sound(tmp_path / "v.mp4", AnimateOptions(model=talker_file), tmp_path / "a.mp4")
    with pytest.raises(MediaError):
        animate_sound(tmp_path / "absent.wav", AnimateOptions(model=talker_file), tmp_path / "a.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["v.mp4"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"gain": 5}, "gain"),
        ({"seed": -1}, "seed"),
        ({"rate": 1000}, "rate"),
        ({"rate": 25, "frames_of": "x.mp4"}, "exclude"),
        ({"transcript": "x.txt"}, "--words"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], word: str) -> None:
    with pytest.raises(OptionError, match=word):
        AnimateOptions(**options)
