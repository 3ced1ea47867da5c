"""Whatever is thrown at the main job: a clear error with status 2 and nothing half-written, or a result that says
what it could not do."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from genlock.media import Picture, Sound, encode


def grey(count: int, height: int = 96, width: int = 128) -> list[np.ndarray]:
    return [np.full((height, width, 3), 40 + k % 100, np.uint8) for k in range(count)]


def tone(seconds: float, rate: int = 48000, channels: int = 1) -> np.ndarray:
    samples = 0.2 * np.sin(2 * np.pi * 300 * np.arange(int(seconds * rate)) / rate)
    return samples if channels == 1 else np.repeat(samples[:, None], channels, axis=1)


def refused(run, folder: Path, *words: str) -> None:
    """Status 2, one clear message without a traceback, and nothing left in the folder."""
    assert run.status == 2, run.err
    assert "Traceback" not in run.err
    for word in words:
        assert word in run.err
    assert not list(folder.rglob(".genlock-*"))
    assert not list(folder.rglob("*.genlock"))


@pytest.mark.parametrize(
    "content, word",
    [
        (b"", "empty"),
        (b"hello, I am text", "genlock"),
        (bytes(5000), "genlock"),
        (os.urandom(5000), "genlock"),
    ],
    ids=["zero bytes", "text", "zeros", "noise"],
)
def test_a_file_that_is_no_media(genlock, tmp_path: Path, content: bytes, word: str) -> None:
    video = tmp_path / "talk.mp4"
    video.write_bytes(content)
    refused(genlock("align", video), tmp_path, word, "talk.mp4")


def test_a_file_that_is_not_there(genlock, tmp_path: Path) -> None:
    refused(genlock("align", tmp_path / "no.mp4"), tmp_path, "does not exist")


def test_an_empty_folder(genlock, tmp_path: Path) -> None:
    refused(genlock("align", tmp_path), tmp_path, "no video or sound")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_file(genlock, tone_clip: Path, tmp_path: Path, share: float) -> None:
    """MP4 has its index at the end: cut anywhere, it is refused; MPEG-TS is read as far as it goes."""
    data = tone_clip.read_bytes()
    video = tmp_path / "cut.mp4"
    video.write_bytes(data[: int(share * len(data))])
    run = genlock("align", video, "--recognizer", "pocketsphinx")
    assert run.status in (0, 2)
    assert "Traceback" not in run.err
    assert not list(tmp_path.rglob(".genlock-*"))
    if run.status == 2:
        assert not (tmp_path / "cut.genlock").exists()


def test_no_sound(genlock, tmp_path: Path) -> None:
    encode(tmp_path / "silent film.mp4", Picture(grey(50), rate=25))
    run = genlock("align", tmp_path / "silent film.mp4", "--json")
    assert run.status == 0, run.err
    assert any("no sound" in note for note in run.json["notes"])
    assert run.json["words"] == []
    assert (tmp_path / "silent film.genlock" / "report.html").exists()
    assert "no sound" in genlock("features", tmp_path / "silent film.mp4").err
    assert "no sound" in genlock("words", tmp_path / "silent film.mp4").err


def test_no_picture(genlock, tmp_path: Path) -> None:
    encode(tmp_path / "radio.wav", sound=Sound(tone(2), 48000))
    run = genlock("align", tmp_path / "radio.wav", "--json", "--recognizer", "pocketsphinx")
    assert run.status == 0, run.err
    assert any("no picture" in note for note in run.json["notes"])
    refused_frames = genlock("features", tmp_path / "radio.wav", "--on", "frames", "-o", tmp_path / "f")
    assert refused_frames.status == 2
    assert "no picture" in refused_frames.err
    assert not (tmp_path / "f").exists()


def test_one_frame(genlock, tmp_path: Path) -> None:
    encode(tmp_path / "still.mp4", Picture(grey(1), rate=25), Sound(tone(1), 48000))
    run = genlock("features", tmp_path / "still.mp4", "--on", "frames", "--json", "-o", tmp_path / "f")
    assert run.status == 0, run.err
    assert [track["length"] for track in run.json["tracks"]] == [1, 1, 1, 1]


@pytest.mark.parametrize("rate", ["1/10", "1000"])
def test_absurd_rates(genlock, tmp_path: Path, rate: str) -> None:
    encode(tmp_path / "odd.mkv", Picture(grey(8), rate=rate, codec="libx264"), Sound(tone(1), 48000))
    run = genlock("features", tmp_path / "odd.mkv", "--feature", "energy", "--on", "frames", "--json")
    assert run.status == 0, run.err
    assert run.json["tracks"][0]["length"] == 8


def test_odd_size_and_surround(genlock, tmp_path: Path) -> None:
    encode(
        tmp_path / "odd.mkv",
        Picture(grey(25, 63, 35), rate=25, codec="ffv1", pixels="bgr0"),
        Sound(tone(1, channels=6), 48000, codec="flac", layout="5.1"),
    )
    run = genlock("align", tmp_path / "odd.mkv", "--json", "--recognizer", "pocketsphinx")
    assert run.status == 0, run.err
    assert run.json["media"]["streams"][1]["channels"] == 6


@pytest.mark.parametrize(
    "name", ["with space.mp4", "quote'\".mp4", "new\nline.mp4", "имя 映画.mp4", "-o.mp4", "a:b%03d.mp4"]
)
def test_any_name(genlock, tone_clip: Path, tmp_path: Path, name: str) -> None:
    shutil.copy(tone_clip, tmp_path / name)
    run = genlock("align", tmp_path / name, "--json", "--recognizer", "pocketsphinx")
    assert run.status == 0, run.err
    assert Path(run.json["directory"]) == tmp_path / f"{Path(name).stem}.genlock"
    assert (tmp_path / f"{Path(name).stem}.genlock" / "summary.json").exists()


def test_a_target_that_cannot_be_written(genlock, tone_clip: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    run = genlock("align", tone_clip, "-o", tmp_path / "file" / "below", "--recognizer", "pocketsphinx")
    refused(run, tmp_path, "cannot write")
    run = genlock("align", tone_clip, "-o", tmp_path / "file", "--recognizer", "pocketsphinx")
    refused(run, tmp_path, "file has that name")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_of_somebody_else_is_left_alone(genlock, tone_clip: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    run = genlock("align", tone_clip, "-o", mine, "--recognizer", "pocketsphinx")
    refused(run, tmp_path, "not a result of genlock")
    assert (mine / "thesis.txt").read_text() == "years of work"


def test_the_result_of_another_film_is_left_alone(genlock, tone_clip: Path, tmp_path: Path) -> None:
    for name in ("talk.mp4", "talk.mov"):
        shutil.copy(tone_clip, tmp_path / name)
    assert genlock("align", tmp_path / "talk.mp4", "--recognizer", "pocketsphinx").status == 0
    run = genlock("align", tmp_path / "talk.mov", "--recognizer", "pocketsphinx")
    assert run.status == 2
    assert "talk.mp4" in run.err
    both = genlock(
        "align", tmp_path / "talk.mp4", tmp_path / "talk.mov", "--json", "--recognizer", "pocketsphinx"
    )
    assert {Path(r["directory"]).name for r in both.json["results"]} == {
        "talk.mp4.genlock",
        "talk.mov.genlock",
    }


def test_a_full_disk(genlock, tone_clip: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a small file system needs root")
    small = tmp_path / "small"
    small.mkdir()
    if os.system(f"mount -t tmpfs -o size=64k tmpfs '{small}'") != 0:
        pytest.skip("this machine does not let us mount a small file system")
    try:
        run = genlock("align", tone_clip, "-o", small / "out", "--recognizer", "pocketsphinx")
        refused(run, small, "cannot write")
        assert list(small.iterdir()) == []
    finally:
        os.system(f"umount '{small}'")


def test_transcripts_that_do_not_fit(genlock, tone_clip: Path, tmp_path: Path) -> None:
    """A tone says nothing: no word of a transcript may come back with a confident time."""
    for name, text in {
        "long": "every word of this is far too much for it " * 60,
        "russian": "Привет, как дела? Это совсем другой язык.",
    }.items():
        file = tmp_path / f"{name}.txt"
        file.write_text(text, encoding="utf-8")
        run = genlock("words", tone_clip, "--transcript", file, "--json")
        assert run.status == 3, run.err
        words = run.json["words"]
        assert [word["text"] for word in words] == text.split()
        assert all(word["status"] == "unaligned" and word["reason"] for word in words)


@pytest.mark.parametrize("content", [b"", b"   \n", bytes(range(256)) * 8], ids=["empty", "blank", "binary"])
def test_a_transcript_that_is_no_text(genlock, tone_clip: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.txt").write_bytes(content)
    run = genlock("align", tone_clip, "-o", tmp_path / "o", "--transcript", tmp_path / "t.txt")
    refused(run, tmp_path, "transcript")
    assert not (tmp_path / "o").exists()


def test_options_that_make_no_sense(genlock, tone_clip: Path, tmp_path: Path) -> None:
    for arguments in (
        ["--feature", "melody"],
        ["--feature", ","],
        ["--start", "3", "--end", "1"],
        ["--recognizer", "magic"],
        ["--audio-stream", "7"],
        ["--start", "soon"],
    ):
        run = genlock("align", tone_clip, "-o", tmp_path / "o", *arguments)
        assert run.status == 2, (arguments, run.err)
        assert "Traceback" not in run.err
        assert not (tmp_path / "o").exists()
    assert genlock("align").status == 2
    assert genlock("words", tone_clip, "-o", tmp_path / "words.docx").status == 2
