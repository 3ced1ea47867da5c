"""Whatever is thrown at ``genlock sync``: an answer with its reason, or a clear refusal with status 2."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from genlock.media import Picture, Sound, encode
from genlock.synth import CardOptions, render_card
from genlock.synth.signals.clips import SignalOptions, make_signal

Frames = Iterator[np.ndarray]


def answered(run) -> dict:
    """Status 0 and JSON that either names an offset or says why there is none."""
    assert run.status == 0, run.err
    found = run.json
    assert (
        (found["offset_seconds"] is None)
        == (found["interval_seconds"] is None)
        == (found["probability"] is None)
    )
    if found["offset_seconds"] is None:
        assert found["reason"]
        assert found["sentence"] == f"unknown: {found['reason']}"
        assert {verdict["result"] for verdict in found["verdicts"].values()} == {"cannot tell"}
    return found


def not_confident(found: dict) -> None:
    """Sound and picture have nothing to do with each other: no sure answer."""
    assert found["offset_seconds"] is None or found["probability"] < 0.9, found["sentence"]


def grey(count: int, size: tuple[int, int] = (96, 128)) -> Frames:
    return (np.full((*size, 3), 40 + k % 100, np.uint8) for k in range(count))


def hum(seconds: float, channels: int = 1, seed: int = 3) -> np.ndarray:
    """A voice-like noise, louder and softer."""
    chance = np.random.default_rng(seed)
    count = round(seconds * 16000)
    loud = np.interp(
        np.arange(count) / 16000,
        np.arange(0, seconds + 1, 0.15),
        chance.random(int(seconds / 0.15) + 8)[: len(np.arange(0, seconds + 1, 0.15))],
    )
    samples = 0.2 * loud * chance.standard_normal(count)
    return samples if channels == 1 else np.repeat(samples[:, None], channels, axis=1)


@pytest.fixture(scope="module")
def faces() -> list[np.ndarray]:
    """Four seconds of the talking card at 12.5 frames a second: 50 frames with a face that speaks."""
    options = CardOptions(
        width=480,
        height=270,
        rate="25/2",
        duration_seconds=4,
        lines=(("0.3", "One, two, three."),),
        flashes=(),
    )
    return list(render_card(options)[1])


def test_a_cartoon_without_a_face(genlock, tmp_path: Path) -> None:
    def bouncing() -> Frames:
        for k in range(100):
            image = np.full((96, 128, 3), 200, np.uint8)
            x, y = 10 + k, 20 + abs(30 - k % 60)
            image[y : y + 16, x % 110 : x % 110 + 16] = (220, 40, 40)
            yield image

    encode(tmp_path / "a.mp4", Picture(bouncing(), rate=25), Sound(hum(4), 16000))
    not_confident(answered(genlock("sync", tmp_path / "a.mp4", "--json")))


def test_black_frames(genlock, tmp_path: Path) -> None:
    black = (np.zeros((96, 128, 3), np.uint8) for _ in range(100))
    encode(tmp_path / "a.mp4", Picture(black, rate=25), Sound(hum(4), 16000))
    assert answered(genlock("sync", tmp_path / "a.mp4", "--json"))["offset_seconds"] is None


@pytest.mark.slow
def test_ten_faces(genlock, tmp_path: Path, faces: list[np.ndarray]) -> None:
    def crowd() -> Frames:
        for k in range(50):
            # Faces that all do something else: each shows the frame of another moment.
            rows = [
                np.concatenate([faces[(k + 7 * i + 3 * j) % 50][20:200, 130:350] for i in range(5)], 1)
                for j in range(2)
            ]
            yield np.concatenate(rows, 0)

    encode(tmp_path / "a.mp4", Picture(crowd(), rate="25/2"), Sound(hum(4), 16000))
    not_confident(answered(genlock("sync", tmp_path / "a.mp4", "--json")))


def test_a_face_in_a_twentieth_of_the_frames(genlock, tmp_path: Path, faces: list[np.ndarray]) -> None:
    def rarely() -> Frames:
        for k in range(200):
            yield faces[k % 50] if k % 100 < 5 else np.full_like(faces[0], 60)

    encode(tmp_path / "a.mp4", Picture(rarely(), rate=25), Sound(hum(8), 16000))
    not_confident(answered(genlock("sync", tmp_path / "a.mp4", "--json")))


def test_cuts_every_second(genlock, tmp_path: Path, faces: list[np.ndarray]) -> None:
    def cut() -> Frames:
        for k in range(100):
            picture = faces[k % 50]
            yield picture[:, ::-1] if (k // 25) % 2 else np.clip(picture * 0.5 + 60, 0, 255).astype(np.uint8)

    encode(tmp_path / "a.mp4", Picture(cut(), rate=25), Sound(hum(4), 16000))
    not_confident(answered(genlock("sync", tmp_path / "a.mp4", "--json")))


def test_silent_sound(genlock, tmp_path: Path, faces: list[np.ndarray]) -> None:
    encode(tmp_path / "a.mp4", Picture(iter(faces), rate="25/2"), Sound(np.zeros(4 * 16000), 16000))
    assert answered(genlock("sync", tmp_path / "a.mp4", "--json"))["offset_seconds"] is None


@pytest.mark.parametrize("channels, layout", [(1, None), (2, None), (6, "5.1")])
def test_mono_stereo_and_surround(genlock, tmp_path: Path, channels: int, layout: str | None) -> None:
    """The same planted shift is found whatever the channels."""
    film, many = tmp_path / "film.mkv", tmp_path / "many.mkv"
    make_signal(film, SignalOptions(duration_seconds=5, width=128, height=96, offset_seconds="-0.09"))
    frames, samples = [], []
    with av.open(str(film)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with av.open(str(film)) as container:
        samples = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    one = np.concatenate(samples).astype(np.float64)
    every = np.repeat(one[:, None], channels, axis=1) if channels > 1 else one
    encode(
        many,
        Picture(iter(frames), rate=25, codec="libx264"),
        Sound(every, 48000, codec="flac", layout=layout),
    )
    found = answered(genlock("sync", many, "--json"))
    assert found["offset_seconds"] == pytest.approx(-0.09, abs=0.01)  # Opus' pre-skip is decoded by hand here


@pytest.mark.parametrize("seconds", [0.04, 0.4])
def test_short_clips(genlock, tmp_path: Path, seconds: float, faces: list[np.ndarray]) -> None:
    shown = islice(iter(faces), max(1, round(seconds * 25)))
    encode(tmp_path / "a.mp4", Picture(shown, rate=25), Sound(hum(max(seconds, 0.1)), 16000))
    not_confident(answered(genlock("sync", tmp_path / "a.mp4", "--json")))


def test_four_seconds_of_sound_with_two_hours_of_picture(genlock, tmp_path: Path) -> None:
    encode(
        tmp_path / "a.mkv",
        Picture(grey(720, (48, 64)), rate="1/10", codec="libx264"),
        Sound(hum(4), 16000, codec="flac"),
    )
    not_confident(answered(genlock("sync", tmp_path / "a.mkv", "--json")))


def test_two_minutes_of_sound_with_one_frame(genlock, tmp_path: Path) -> None:
    encode(
        tmp_path / "a.mkv", Picture(grey(1), rate=25, codec="libx264"), Sound(hum(120), 16000, codec="flac")
    )
    assert answered(genlock("sync", tmp_path / "a.mkv", "--json"))["offset_seconds"] is None


@pytest.mark.parametrize("what, reason", [("sound", "no picture"), ("picture", "no sound")])
def test_one_stream_alone(genlock, tmp_path: Path, what: str, reason: str) -> None:
    picture = Picture(grey(50), rate=25, codec="libx264") if what == "picture" else None
    encode(tmp_path / "a.mkv", picture, Sound(hum(2), 16000, codec="flac") if what == "sound" else None)
    found = answered(genlock("sync", tmp_path / "a.mkv", "--json"))
    assert reason in found["reason"]
    assert found["container_offset_seconds"] is None
    refused = genlock("sync", tmp_path / "a.mkv", "--fix", tmp_path / "b.mkv")
    assert refused.status == 2
    assert not (tmp_path / "b.mkv").exists()


def test_frames_out_of_order(genlock, tmp_path: Path) -> None:
    """The second half of a transport stream before its first half: time runs backwards once."""
    film = tmp_path / "film.ts"
    make_signal(film, SignalOptions(duration_seconds=8, width=128, height=96, offset_seconds="0.1"))
    data = film.read_bytes()
    middle = len(data) // 188 // 2 * 188
    (tmp_path / "odd.ts").write_bytes(data[middle:] + data[:middle])
    run = genlock("sync", tmp_path / "odd.ts", "--json")
    if run.status == 2:
        assert "odd.ts" in run.err
        assert "Traceback" not in run.err
        return
    found = answered(run)
    assert (
        found["offset_seconds"] is None
        or abs(found["offset_seconds"] - 0.1) < 0.04
        or found["probability"] < 0.9
    )


@pytest.mark.parametrize("ending", [".mkv", ".ts", ".mpg", ".mp4"])
def test_a_stream_that_ends_mid_packet(genlock, tmp_path: Path, ending: str) -> None:
    film = tmp_path / f"film{ending}"
    make_signal(film, SignalOptions(duration_seconds=8, width=128, height=96, offset_seconds="0.1"))
    cut = tmp_path / f"cut{ending}"
    data = film.read_bytes()
    cut.write_bytes(data[: len(data) * 7 // 10 + 1])
    run = genlock("sync", cut, "--json")
    if ending == ".mp4":  # its index lies at the end
        assert run.status == 2
        assert "cut.mp4" in run.err
        return
    found = answered(run)
    assert found["offset_seconds"] == pytest.approx(0.1, abs=0.0015)


def test_a_target_that_cannot_be_written(genlock, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    make_signal(film, SignalOptions(duration_seconds=5, width=128, height=96, offset_seconds="0.1"))
    for target, word in ((tmp_path / "fixed.xyz", ".xyz"), (tmp_path / "film.mp4" / "below.mp4", "film.mp4")):
        run = genlock("sync", film, "--fix", target)
        assert run.status == 2
        assert word in run.err
        assert "Traceback" not in run.err
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_options_out_of_range(genlock, tone_clip: Path) -> None:
    run = genlock("sync", tone_clip, "--least-probability", "2")
    assert run.status == 2
    assert "0...1" in run.err


def test_the_offset_holds_for_a_part(genlock, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    make_signal(film, SignalOptions(duration_seconds=8, width=128, height=96, offset_seconds=Fraction(-1, 8)))
    found = answered(genlock("sync", film, "--start", "2", "--end", "7", "--json"))
    assert found["offset_seconds"] == pytest.approx(-0.125, abs=0.0015)
