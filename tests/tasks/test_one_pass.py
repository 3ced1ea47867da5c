"""ADR 3: a file is probed once, and each stream that anybody wants is decoded once; counted at PyAV's own door."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from genlock.media import Picture, Sound, encode
from genlock.tasks import FeatureOptions, extract_features, sync_video

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
