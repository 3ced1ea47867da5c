"""Bugs of the first core: files that were written or read wrongly."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from genlock.core import Grid, Track, files, json_forms, track_file
from genlock.core.errors import FormatError, OutputError

TRACK = Track(np.zeros(5000), Grid(25))


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no /dev/null here")
def test_writing_to_dev_null_as_root_put_a_file_in_its_place() -> None:
    with pytest.raises(OutputError):
        files.write_text("/dev/null", "a")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_link_was_replaced_instead_of_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    files.write_text(tmp_path / "link", "a")
    assert (tmp_path / "file").read_text() == "a"


def test_folders_stayed_behind_when_writing_failed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), files.atomic_path(tmp_path / "a" / "b" / "c.txt"):
        raise RuntimeError
    assert os.listdir(tmp_path) == []


def test_a_folder_below_a_file_was_a_bare_not_a_directory_error(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").touch()
    with pytest.raises(OutputError, match="film.mp4' is a file; choose another folder"):
        files.make_folders(tmp_path / "film.mp4" / "talkers" / "one")
    with pytest.raises(OutputError, match="film.mp4' is a file"):
        files.make_folders(tmp_path / "film.mp4")
    with pytest.raises(OutputError):
        files.write_text(tmp_path / "film.mp4" / "a.txt", "")
    assert os.listdir(tmp_path) == ["film.mp4"]


def test_a_name_with_a_nul_was_no_output_error() -> None:
    with pytest.raises(OutputError):
        files.write_text("a\0b", "")


def test_a_missing_input_was_blamed_on_the_target(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), files.atomic_path(tmp_path / "out"):
        open(tmp_path / "input").close()


def test_a_file_name_that_is_not_utf_8_could_not_be_written(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.mp4")
    json_forms.write_json(tmp_path / "a.json", {"file": name})
    assert json_forms.read_json_file(tmp_path / "a.json")["file"] == name


def test_damaged_compression_escaped_as_zlib_error(tmp_path: Path) -> None:
    track_file.save_track(TRACK, tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz") as old, zipfile.ZipFile(tmp_path / "b.npz", "w", 8) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    data = bytearray((tmp_path / "b.npz").read_bytes())
    place = data.index(b"values.npy") + 20
    data[place : place + 20] = b"\xff" * 20
    (tmp_path / "b.npz").write_bytes(data)
    with pytest.raises(FormatError):
        track_file.load_track(tmp_path / "b.npz")


def test_an_array_that_is_no_archive_escaped_as_type_error(tmp_path: Path) -> None:
    with open(tmp_path / "a.npz", "wb") as out:
        np.save(out, np.zeros(3))
    with pytest.raises(FormatError):
        track_file.load_track(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "read", [json_forms.cells_from_dict, json_forms.spans_from_dict, json_forms.warp_from_dict]
)
def test_a_missing_key_escaped_as_key_error(read) -> None:  # type: ignore[no-untyped-def]
    for kind in ("grid", "ticks", "spans", "warp"):
        with pytest.raises(FormatError):
            read({"kind": kind})


def test_the_compression_level_was_never_used_and_cost_a_second_for_ten_megabytes(tmp_path: Path) -> None:
    """A zip member made by hand ignores the archive's level. Stored now: the same bytes on every machine."""
    track_file.save_track(TRACK, tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {m.compress_type for m in archive.infolist()} == {zipfile.ZIP_STORED}


def test_true_was_schema_one() -> None:
    with pytest.raises(FormatError):
        json_forms.load_json('{"genlock_schema": true}', "here")
