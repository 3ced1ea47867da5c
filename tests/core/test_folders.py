"""A folder of results appears whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from genlock.core.errors import MediaError, OutputError
from genlock.core.files import atomic_folder


def fill(target: Path | str, text: str = "new") -> None:
    with atomic_folder(target, marker="summary.json") as fresh:
        (fresh / "summary.json").write_text(text)
        (fresh / "tracks").mkdir()


def test_it_appears_whole_and_replaces_its_own_kind(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "talk.genlock"
    for text in ("one", "two"):
        fill(target, text)
        assert (target / "summary.json").read_text() == text
        assert os.listdir(target.parent) == ["talk.genlock"]
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "empty")
    assert sorted(os.listdir(tmp_path / "empty")) == ["summary.json", "tracks"]


@pytest.mark.parametrize("error", [RuntimeError(), KeyboardInterrupt(), MediaError("a.mp4 is damaged")])
def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    fill(tmp_path / "old.genlock", "old")
    for target in (tmp_path / "old.genlock", tmp_path / "deep" / "new.genlock"):
        with pytest.raises(type(error)), atomic_folder(target, marker="summary.json") as fresh:  # noqa: PT012
            (fresh / "half").write_text("half")
            raise error
    assert os.listdir(tmp_path) == ["old.genlock"]
    assert (tmp_path / "old.genlock" / "summary.json").read_text() == "old"


def test_a_full_disk_is_an_output_error(tmp_path: Path) -> None:
    """Writing to a full disk raises an OSError that names no file."""
    with pytest.raises(OutputError, match="No space left"), atomic_folder(tmp_path / "a", marker="m"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(FileNotFoundError), atomic_folder(tmp_path / "a", marker="m"):
        open(tmp_path / "input").close()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("target", ["plain", "plain/below", "theirs", "a\0b", "x" * 300, "/proc/genlock"])
def test_folders_that_cannot_be_written(tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain").write_text("a file")
    Path("theirs").mkdir()
    Path("theirs/thesis.txt").write_text("years of work")
    with pytest.raises(OutputError) as caught:
        fill(target)
    assert repr(target) in str(caught.value)
    assert sorted(os.listdir()) == ["plain", "theirs"]
    assert os.listdir("theirs") == ["thesis.txt"]
