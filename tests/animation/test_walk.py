"""An animator's walk, from a sound to the files of other programs; and identities as people will give them."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from genlock.animation.faces.base import FaceFrame, make_face
from genlock.animation.identity import load_footage
from genlock.cli import main
from genlock.core.errors import InputError
from genlock.media import Sound, encode, probe
from genlock.synth.talkers.face import Camera
from genlock.synth.talkers.looks import draw_look
from genlock.synth.talkers.motion import STATE
from genlock.synth.talkers.render import FaceRenderer
from genlock.synth.talkers.speakers import draw_speaker
from genlock.synth.talkers.speaking import speak
from genlock.synth.talkers.voices import Spoken
from genlock.tasks.animate_sound import AnimateOptions, animate_sound

SAID = "Bob may be more than happy to pick a map of my home."


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Spoken, Path]:
    """A sentence whose phones are known, as a sound."""
    one = speak(SAID, "own")
    path = tmp_path_factory.mktemp("walk") / "line.wav"
    encode(path, sound=Sound(one.sound.values, one.rate, codec="pcm_s16le"))
    return one, path


def person(yaw: float = 0.0, side: int = 256) -> np.ndarray:
    """Somebody who rests, RGB: nobody's face is needed."""
    camera = Camera(side, side, 0.3 * side, y=0.43, yaw=yaw)
    return FaceRenderer(draw_speaker(8), draw_look(5, 0.2), camera).draw(np.zeros(len(STATE)), 0, 0.0)


def saved(path: Path, image: np.ndarray) -> Path:
    cv2.imwrite(str(path), np.ascontiguousarray(image[..., ::-1]))
    return path


def test_an_animators_walk(
    spoken: tuple[Spoken, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, sound = spoken
    for arguments in (["-o", "line.tsv"], ["-o", "line.dat"], ["--format", "arkit", "-o", "line.csv"]):
        *rest, name = arguments
        assert main(["animate", str(sound), *rest, str(tmp_path / name)]) == 0
    assert (
        main(["animate", str(sound), "--format", "visemes", "-o", str(tmp_path / "line.json"), "--json"]) == 0
    )
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["output"].endswith("line.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "line.csv",
        "line.dat",
        "line.json",
        "line.tsv",
    ]
    # Rhubarb's table: where the sound's closures are, the mouth is shut or nearly so; the file ends in X.
    rows = [line.split("\t") for line in (tmp_path / "line.tsv").read_text().splitlines()]
    starts, shapes = np.array([float(row[0]) for row in rows]), [row[1] for row in rows]
    assert (np.diff(starts) > 0).all()
    assert shapes[-1] == "X"
    lips = [shut for shut in one.closures if shut.label in ("P", "B", "M")]
    shut = [
        any(
            shape in "ABX" and start < float(span.end) + 0.04 and end > float(span.start) - 0.04
            for start, end, shape in zip(starts, [*starts[1:], starts[-1] + 1], shapes, strict=True)
        )
        for span in lips
    ]
    assert len(lips) >= 8
    assert np.mean(shut) >= 0.75
    cues = json.loads((tmp_path / "line.json").read_text())["mouthCues"]
    assert [cue["value"] for cue in cues] == shapes[:-1]
    # Moho counts frames from 1 on under a heading.
    heading, *frames = (tmp_path / "line.dat").read_text().splitlines()
    assert heading == "MohoSwitch1"
    assert int(frames[0].split()[0]) == 1
    # A take of Live Link Face: the jaw falls in open vowels, and not in closures.
    with (tmp_path / "line.csv").open(newline="") as file:
        take = list(csv.DictReader(file))
    jaw = np.array([float(row["JawOpen"]) for row in take])
    middles = (np.arange(len(take)) + 0.5) / 25

    def mean(spans: list[tuple[float, float]]) -> float:
        inside = np.logical_or.reduce([(middles >= a) & (middles < b) for a, b in spans])
        return float(jaw[inside].mean())

    start = one.phones[0].start
    open_wide = [
        (float(s.start - start), float(s.end - start)) for s in one.phones if s.label in ("AA", "AE", "AY")
    ]
    closed = [(float(s.start - start), float(s.end - start)) for s in lips]
    assert mean(open_wide) > 1.5 * mean(closed)


def test_music_moves_the_mouth_and_a_note_says_how_little_of_it_is_speech(tmp_path: Path) -> None:
    at = np.arange(4 * 16000) / 16000
    chord = sum(np.sin(2 * np.pi * f * at) * np.exp(-3 * (at % 0.5)) for f in (220, 277.2, 329.6, 440))
    encode(tmp_path / "music.wav", sound=Sound(0.15 * chord, 16000))
    made = animate_sound(tmp_path / "music.wav", AnimateOptions(side=64), tmp_path / "a.mp4")
    assert any("of the sound is speech" in note for note in made.notes)
    assert probe(tmp_path / "a.mp4").video


def test_of_ten_faces_the_largest_talks(tmp_path: Path) -> None:
    small, large = person(side=256), person(side=320)
    page = np.full((660, 5 * 256 + 64, 3), 60, np.uint8)
    for k in range(10):
        y, x = 330 * (k // 5), 256 * (k % 5) + (64 if k % 5 > 2 else 0)
        tile = large if k == 2 else small
        page[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    footage = load_footage(saved(tmp_path / "ten.png", page))
    # The detector may see fewer than there are; what it saw is told.
    assert re.match(r"\d+ faces are seen", footage.notes[0])
    middle = footage.meshes[0][:, :2].mean(axis=0) / footage.size
    np.testing.assert_allclose(middle, [672 / page.shape[1], 160 / page.shape[0]], atol=0.06)


def test_a_profile_is_refused_and_a_turned_face_is_noted(tmp_path: Path, spoken: tuple[Spoken, Path]) -> None:
    with pytest.raises(InputError, match=r"turned away|no face"):
        animate_sound(
            spoken[1],
            AnimateOptions(identity=str(saved(tmp_path / "profile.png", person(yaw=1.2)))),
            tmp_path / "a.mp4",
        )
    assert [path.name for path in tmp_path.iterdir()] == ["profile.png"]
    assert load_footage(saved(tmp_path / "ahead.png", person())).notes == ()


def test_a_cartoon_talks_or_is_refused_with_a_reason(tmp_path: Path, spoken: tuple[Spoken, Path]) -> None:
    neutral = load_footage(saved(tmp_path / "person.png", person())).resting
    drawn = make_face("toon", 384).draw(FaceFrame(neutral, neutral, 0.0))
    cartoon = saved(tmp_path / "cartoon.png", drawn)
    reason = None
    try:
        made = animate_sound(spoken[1], AnimateOptions(identity=str(cartoon)), tmp_path / "a.mp4")
        assert probe(made.output or "").video[0].width == 384
    except InputError as error:
        reason = str(error)
    assert (tmp_path / "a.mp4").exists() == (reason is None)
    assert reason is None or any(word in reason for word in ("--face", "turned", "small"))
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part" or path.name.startswith(".")]
