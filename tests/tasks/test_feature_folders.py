"""Whose features a folder holds: nothing is written over, and a new file renames nobody."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from genlock.cli import main
from genlock.core.track_file import load_track
from genlock.media import Sound, encode
from genlock.tasks.files import result_folders


def sound(path: Path, seconds: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    encode(path, sound=Sound(np.zeros(16000 * seconds), 16000))
    return path


def test_a_loop_over_files_of_one_name_overwrites_nothing(tmp_path: Path) -> None:
    """``features X -o OUT`` in a loop wrote OUT/energy.npz for every file; the last one stayed."""
    for name, seconds in (("b", 1), ("c", 2), ("b", 1)):
        file = sound(tmp_path / name / "talk.wav", seconds)
        assert main(["features", str(file), "--feature", "energy", "-o", str(tmp_path / "out")]) == 0
    found = sorted((tmp_path / "out").rglob("energy.npz"))
    assert sorted(len(load_track(path)) for path in found) == [97, 197]
    assert len(load_track(tmp_path / "out" / "energy.npz")) == 97


def test_a_file_that_is_added_renames_nobody(tmp_path: Path) -> None:
    for name in ("b", "c"):
        sound(tmp_path / "s" / name / "talk.wav", 1)
    command = ["features", str(tmp_path / "s"), "--feature", "energy", "-o", str(tmp_path / "many")]
    assert main(command) == 0
    files = [str(tmp_path / "s" / name / "talk.wav") for name in ("b", "c")]
    before = result_folders(files, str(tmp_path / "many"))
    new = str(sound(tmp_path / "s" / "a" / "talk.wav", 3))
    after = result_folders([new, *files], str(tmp_path / "many"))
    assert after[1:] == before
    assert len(set(after)) == 3
    assert main(command) == 0
    found = [len(load_track(Path(str(folder)) / "energy.npz")) for folder in after]
    assert found == [297, 97, 97]
