"""ADR 3: a file is probed once, and each stream that anybody wants is decoded once; counted at PyAV's own door."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from genlock.data.ledger import Item
from genlock.data.one_source import Plan, make_clips
from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.measurement import SyncMeasurement
from genlock.media import Picture, Sound, encode
from genlock.tasks.align_video import AlignOptions, align_video
from genlock.tasks.extract_features import FeatureOptions, extract_features
from genlock.tasks.sync_video import SyncOptions, SyncProbe, SyncResult, sync_video

from .counting import Counting

FRAMES = 75
# What probing decodes of each stream: its first frame, and what the decoder hands out with it.
FIRST = 2
# Name, encoder of the picture and of the sound, and whether the packets tell the frames.
KINDS = {
    "h264.mp4": ("libx264", "aac", True),
    "part2.mp4": ("mpeg4", "aac", False),
    "part2.avi": ("mpeg4", "mp2", False),
    "untrusted.webm": ("libvpx", "libopus", False),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a moving square with a tone that swells, in each kind of file."""
    folder = tmp_path_factory.mktemp("films")
    frames = []
    for k in range(FRAMES):
        image = np.full((96, 128, 3), 90, np.uint8)
        image[30:60, k : k + 30] = (230, 200, 40)
        frames.append(image)
    at = np.arange(3 * 48000) / 48000
    wave = 0.3 * np.sin(2 * np.pi * 300 * at) * (0.5 + 0.5 * np.sin(2 * np.pi * 2 * at))
    for name, (picture, sound, _) in KINDS.items():
        encode(folder / name, Picture(frames, rate=25, codec=picture), Sound(wave, 48000, codec=sound))
    for name in ("sound.flac", "sound.mp3"):
        encode(folder / name, sound=Sound(wave, 48000))
    return folder


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Counting]:
    """Begins to count when it is called, so that what makes the films is not counted."""

    def begin() -> Counting:
        count = Counting()
        monkeypatch.setattr(av, "open", count.open)
        return count

    return begin


@pytest.mark.parametrize("name", KINDS)
def test_sound_features_decode_no_picture(
    name: str, films: Path, counting: Callable[[], Counting], tmp_path: Path
) -> None:
    count = counting()
    extract_features(films / name, FeatureOptions(feature="energy"), tmp_path)
    assert len(count.of(name)) == count.demuxes(name) == 2
    assert count.decoded(name, "video") <= FIRST
    assert count.reads[1].packets["video"] == 0
    assert 0 < count.reads[1].frames["audio"] <= count.reads[1].packets["audio"] + 1


@pytest.mark.parametrize("name", KINDS)
def test_sound_features_on_frames_decode_a_picture_only_where_packets_do_not_tell(
    name: str, films: Path, counting: Callable[[], Counting], tmp_path: Path
) -> None:
    count = counting()
    made = extract_features(films / name, FeatureOptions(feature="energy", on="frames"), tmp_path)
    assert len(made.tracks[0].track) == FRAMES
    assert len(count.of(name)) == count.demuxes(name) == 2
    assert count.reads[1].frames["video"] == (0 if KINDS[name][2] else FRAMES)


@pytest.mark.parametrize("name", KINDS)
def test_sync_decodes_each_stream_once(name: str, films: Path, counting: Callable[[], Counting]) -> None:
    count = counting()
    sync_video(films / name)
    assert len(count.of(name)) == count.demuxes(name) == 2
    assert count.reads[1].frames["video"] == FRAMES
    assert count.decoded(name, "video") <= FRAMES + FIRST


@pytest.mark.parametrize("name", KINDS)
def test_align_decodes_each_stream_once_preview_and_frame_times_included(
    name: str, films: Path, counting: Callable[[], Counting], tmp_path: Path
) -> None:
    count = counting()
    made = align_video(films / name, AlignOptions(recognizer="pocketsphinx"), tmp_path / "out")
    assert made.frame_count == FRAMES
    assert made.sync.reason != "not measured"
    probed, read = count.of(name)
    assert (probed.demuxes, read.demuxes) == (1, 1)
    assert max(probed.frames.values()) <= FIRST
    assert read.frames["video"] == FRAMES
    assert read.frames["audio"] <= read.packets["audio"] + 1
    # What is written is only ever probed.
    assert all(
        max(other.frames.values(), default=0) <= FIRST for other in count.reads if other.name != read.name
    )
    assert (
        any(path.stem == "preview" for path in (tmp_path / "out").iterdir())
        or b"preview" in (tmp_path / "out" / "report.html").read_bytes()
    )


@pytest.mark.parametrize("name", KINDS)
def test_each_measurement_of_a_repair_reads_the_file_twice_at_most(
    name: str, films: Path, counting: Callable[[], Counting], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = SyncMeasurement(Estimate(0.1, (0.09, 0.11), 0.99, "planted", "", seconds=3.0), at=Fraction(0))
    monkeypatch.setattr(SyncProbe, "result", lambda self, info, notes=(): SyncResult(found, 0.0))
    count = counting()
    sync_video(films / name, SyncOptions(fix=str(tmp_path / name)))
    source = [each for each in count.of(name) if each.packets["audio"] > 1]
    made = [each for each in count.reads if not each.name.endswith(name) and each.packets["video"] > 1]
    assert len(made) == sum(each.demuxes for each in made) == 2
    # AVI cannot say that its sound starts late: that is decoded once more, to be encoded again.
    assert len(source) <= (4 if name.endswith(".avi") else 2)
    assert sum(each.frames["video"] for each in source) <= FRAMES + 2 * FIRST
    assert sum(each.frames["video"] for each in made) <= FRAMES + FIRST


@pytest.mark.parametrize("name", [*KINDS, "sound.flac", "sound.mp3"])
def test_prepare_decodes_each_stream_once(
    name: str, films: Path, counting: Callable[[], Counting], tmp_path: Path
) -> None:
    count = counting()
    plan = Plan(
        "sound@16000,mel" if name.startswith("sound") else "sound@16000,mel,frames@25/64x48", clip_seconds=1
    )
    made = make_clips(Item("a", name, 0, 0), films, tmp_path / "dataset", plan)
    assert len(made.clips) == 3
    read = count.of(name)
    assert count.decoded(name, "video") <= (0 if name.startswith("sound") else FRAMES + FIRST)
    # Where an MP3 ends, only decoding tells: what its packets say of it is taken back then.
    assert len(read) == (3 if name == "sound.mp3" else 2)
    assert all(each.frames["audio"] <= each.packets["audio"] + 1 for each in read)
