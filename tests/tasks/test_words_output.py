"""Where ``genlock words`` writes: one file by its ending, a folder, a folder below a folder for each of several."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genlock.core.files import write_text
from genlock.media import Sound, encode
from genlock.synth import speak


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sounds that say hello, and their text."""
    folder = tmp_path_factory.mktemp("spoken")
    speech = speak("hello")
    for name in ("a.wav", "b.wav"):
        encode(folder / name, None, Sound(speech.samples, speech.rate))
    for name in ("text.txt", "a.txt", "b.txt"):
        write_text(folder / name, "hello\n")
    return folder


def test_several_files_get_a_folder_each(genlock, spoken: Path, tmp_path: Path) -> None:
    run = genlock("words", spoken / "a.wav", spoken / "b.wav", "-o", tmp_path)
    assert run.status == 0
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.srt")}
    assert written == {"a.genlock/a.srt", "b.genlock/b.srt"}


@pytest.mark.slow
def test_a_whole_folder_of_sounds(genlock, spoken: Path, tmp_path: Path) -> None:
    run = genlock("words", spoken, "-o", tmp_path / "out")
    assert run.status == 0
    assert len(list((tmp_path / "out").rglob("*.json"))) == 2


def test_one_file_cannot_hold_the_words_of_several(genlock, spoken: Path, tmp_path: Path) -> None:
    run = genlock("words", spoken, "-o", tmp_path / "all.srt")
    assert run.status == 2
    assert "2 files" in run.err
    assert "folder" in run.err
    assert not list(tmp_path.iterdir())


def test_an_ending_may_be_in_capitals(genlock, spoken: Path, tmp_path: Path) -> None:
    target = tmp_path / "words.SRT"
    assert genlock("words", spoken / "a.wav", "--transcript", spoken / "text.txt", "-o", target).status == 0
    assert "-->" in target.read_text()


def test_an_unknown_ending_is_named(genlock, spoken: Path, tmp_path: Path) -> None:
    run = genlock("words", spoken / "a.wav", "-o", tmp_path / "words.doc")
    assert run.status == 2
    assert ".doc" in run.err


def test_subtitles_beside_each_film_and_a_stopped_run_goes_on(genlock, spoken: Path, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "a.wav", "b.wav"):
        (tmp_path / name).write_bytes((spoken / name).read_bytes())
    command = ("words", tmp_path, "--forms", "srt,json", "--skip-done")
    (tmp_path / "a.srt").write_text("kept")
    (tmp_path / "a.json").write_text("{}")
    run = genlock(*command)
    assert run.status == 0
    made = {"a.srt", "a.json", "b.srt", "b.json"}
    assert {p.name for p in tmp_path.iterdir()} == {"a.txt", "b.txt", "a.wav", "b.wav", *made}
    assert (tmp_path / "a.srt").read_text() == "kept"
    assert "-->" in (tmp_path / "b.srt").read_text()
    for name in ("a.wav", "b.wav"):
        os.utime(tmp_path / name)
    run = genlock(*command)  # b is made anew; what lies beside a is somebody else's
    assert run.status == 2
    assert "--force" in run.err
    assert (tmp_path / "a.srt").read_text() == "kept"
    assert genlock(*command, "--force").status == 0
    assert "-->" in (tmp_path / "a.srt").read_text()


def test_forms_into_a_folder(genlock, spoken: Path, tmp_path: Path) -> None:
    run = genlock("words", spoken, "--forms", "vtt", "-o", tmp_path / "out")
    assert run.status == 0
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"a.vtt", "b.vtt"}


def test_forms_that_cannot_be_meant(genlock, spoken: Path) -> None:
    assert "doc" in genlock("words", spoken, "--forms", "doc").err
    assert "--forms" in genlock("words", spoken, "--skip-done").err
