"""Mistakes that ``genlock prepare`` once made with what it is asked for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from genlock.data.corpora.base import CorpusFolder, find_corpus
from genlock.data.index import read_index
from genlock.data.output_files import track_of_output
from genlock.data.output_spec import Wanted, parse_outputs
from genlock.data.prepare import PrepareOptions, prepare
from genlock.media import read_audio


@pytest.mark.parametrize(
    "text", ["frames@29.97/64x48", "video@23.976", "rgb@11025:512", "flow:tvl1@21.5/340x256"]
)
def test_an_output_is_read_back_from_its_own_text(text: str) -> None:
    """30000/1001 was written with a slash, behind which a size was looked for."""
    wanted = Wanted.parse(text)
    assert Wanted.parse(wanted.text) == wanted


def test_the_default_preset_and_the_bare_name_are_one_output() -> None:
    """Both were made, in one file, and the second one to be renamed was found missing."""
    assert [one.kind for one in parse_outputs("mfcc,mfcc:kaldi,mel:librosa,mel,onset:flux,mfcc:psf")] == [
        "mfcc",
        "mel",
        "onset",
        "mfcc-psf",
    ]


def test_a_second_size_of_mouths_is_not_dropped_without_a_word() -> None:
    assert [one.kind for one in parse_outputs("mouth,mouth/96,mouth/48")] == ["mouth_96", "mouth_48"]


def _with_a_hole(source: Path, target: Path) -> Path:
    """A copy with its table in front, and the middle tenth of its media data zeroed."""
    ffmpeg = shutil.which("ffmpeg")
    assert ffmpeg is not None
    command = [ffmpeg, "-v", "error", "-i", source, "-c", "copy", "-movflags", "+faststart", target]
    subprocess.run(command, check=True)
    data = bytearray(target.read_bytes())
    begin = data.index(b"mdat") + 4
    length = len(data) - begin
    hole = slice(begin + length * 45 // 100, begin + length * 55 // 100)
    data[hole] = bytes(hole.stop - hole.start)
    target.write_bytes(data)
    return target


def test_films_of_grid_in_webm_are_not_passed_over(tmp_path: Path) -> None:
    """The corpus knew five endings, and the clips of some mirrors are .webm."""
    for name in ("s29/video/bbaf2n.webm", "s29/video/lgbs5a.mpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {source.path: source.transcript for source in find_corpus("grid").sources(CorpusFolder(tmp_path))}
    assert found["s29/video/bbaf2n.webm"] == "bin blue at f two now"
    assert len(found) == 2


def test_sound_that_was_lost_is_not_valid_and_the_index_says_so(shared_data: Path, tmp_path: Path) -> None:
    """The silence that the reader put for lost packets counted as sound of the source."""
    (tmp_path / "s").mkdir()
    hole = _with_a_hole(shared_data / "talking" / "RD_Radio34_000.mp4", tmp_path / "s" / "hole.mp4")
    whole = read_audio(hole, 16000)
    assert not whole.valid.all()
    prepare(
        tmp_path / "s", tmp_path / "d", PrepareOptions("folder", outputs="sound@16000,mel:kaldi", workers=1)
    )
    (row,) = read_index(tmp_path / "d" / "index.parquet").to_pylist()
    outputs = {made["kind"].split("_")[0]: made for made in row["outputs"]}
    sound = outputs.pop("sound")
    track = track_of_output(sound, (tmp_path / "d" / sound["path"]).read_bytes(), row["clock"])
    places = np.rint((track.centers - float(whole.grid.center(0))) * 16000).astype(int)
    inside = (places >= 0) & (places < len(whole))
    expected = inside & whole.valid[np.clip(places, 0, len(whole) - 1)]
    assert np.array_equal(track.valid, expected)
    assert sound["valid"] == int(expected.sum())
    (mel,) = outputs.values()
    features = track_of_output(mel, (tmp_path / "d" / mel["path"]).read_bytes(), row["clock"])
    reach, lost = float(features.support) / 2, whole.centers[~whole.valid]
    touched = np.array([(np.abs(lost - center) < reach).any() for center in features.centers])
    assert not features.valid[touched].any()
    assert features.valid[~touched].all()
    assert "damaged" in row["reason"]
    assert row["damage"]
