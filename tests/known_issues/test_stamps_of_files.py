"""Files whose stamps FFmpeg reads otherwise than they are meant; each put sound and picture out of step."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from genlock.core.grid import Grid
from genlock.media import Picture, Sound, VideoForm, encode, probe, read_audio, read_frames
from genlock.media.read import FrameTimesOnly, read
from genlock.media.remux import Copy, mux
from genlock.synth.signals.clips import SignalOptions, make_signal

_COLUMNS = 9


def _numbered(count: int) -> list[np.ndarray]:
    """Frames whose number can be read back: bits as black or white columns."""
    return [
        np.tile(
            np.repeat([235 if k >> bit & 1 else 16 for bit in range(_COLUMNS)], 8).astype(np.uint8), (48, 1)
        )
        for k in range(count)
    ]


def _number(pixels: np.ndarray) -> int:
    columns = pixels[:, : _COLUMNS * 8].reshape(48, _COLUMNS, 8).mean(axis=(0, 2))
    return sum(int(column > 125) << bit for bit, column in enumerate(columns))


def _bursts(seconds: int, start: Fraction = Fraction(0)) -> Sound:
    """A short burst at every whole second."""
    samples = np.zeros(seconds * 48000, np.float32)
    for second in range(seconds):
        samples[second * 48000 : second * 48000 + 480] = 0.8 * np.sin(np.arange(480) * 0.4)
    return Sound(samples, 48000, start=start, codec="aac")


def _burst_starts(path: Path) -> np.ndarray:
    """Seconds at which it gets loud after a tenth of a second of silence."""
    track = read_audio(path, rate=None)
    loud = track.centers[np.abs(track.values) > 0.2]
    return loud[np.diff(loud, prepend=-1) > 0.1]


def _ffmpegs_stamps(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return sorted(packet.pts for packet in container.demux(video=0) if packet.size)


@pytest.mark.parametrize("offset", ["-0.6", "0.05"])
def test_a_program_stream_that_states_the_time_of_the_next_picture(tmp_path: Path, offset: str) -> None:
    """Two frames had one stamp: 299 frames, a variable rate, and a frame less for every estimator."""
    film = tmp_path / "film.mpg"
    make_signal(film, SignalOptions(offset_seconds=offset, duration_seconds=12))
    steps = [b - a for a, b in pairwise(_ffmpegs_stamps(film))]
    assert 0 in steps
    assert 7200 in steps
    info = probe(film)
    assert (info.video[0].frames, info.video[0].rate) == (300, 25)
    assert any("stamps with the time of the next one" in note for note in info.notes)
    report = read(film, [FrameTimesOnly()])
    assert report.cells == Grid(25, info.video[0].start, info.clock)
    assert report.frames == 300
    copy = tmp_path / "copy.mkv"
    mux(copy, [Copy(film, "video"), Copy(film, "audio")])
    assert (probe(copy).video[0].frames, probe(copy).video[0].rate) == (300, 25)


def test_pictures_that_others_lie_before_are_shown_behind_them(tmp_path: Path) -> None:
    """With B-frames the wrong stamp was that of a frame shown earlier, and the picture was left out."""
    found = 0
    for seed in range(6):
        film = tmp_path / f"{seed}.mpg"
        random = np.random.default_rng(seed)
        noise = [
            np.clip(f + random.integers(-9, 9, f.shape), 0, 255).astype(np.uint8) for f in _numbered(300)
        ]
        options = {"g": "5", "bf": "2", "qmin": "3", "qmax": "6"}
        encode(
            film,
            Picture(noise, 25, codec="mpeg2video", options=options),
            Sound(np.zeros(576000), 48000, codec="mp2"),
        )
        naive = _ffmpegs_stamps(film)
        found += len(naive) - len(set(naive))
        cells = list(read_frames(film, VideoForm(pixels="gray")))
        assert [_number(cell.pixels) for cell in cells] == list(range(300))
        assert [cell.start - cells[0].start for cell in cells] == [Fraction(k, 25) for k in range(300)]
        assert probe(film).video[0].rate == 25
    assert found > 0


def _cut_losslessly(film: Path, cut: Path, at: Fraction) -> None:
    """What ``ffmpeg -ss AT -i FILM -c copy CUT`` writes: from a key frame on, and an edit list hides what is before."""
    with av.open(str(film)) as given, av.open(str(cut), "w") as out:
        outs = {stream.index: out.add_stream_from_template(stream, opaque=True) for stream in given.streams}
        begun = set()
        for packet in given.demux():
            key_frame = packet.stream.type == "audio" or packet.is_keyframe
            near = packet.size and packet.pts * packet.time_base >= at - (
                5 if packet.stream.type == "video" else 1
            )
            if not near or not (key_frame or packet.stream.index in begun):
                continue
            begun.add(packet.stream.index)
            back = round(at / packet.time_base)
            packet.pts, packet.dts = packet.pts - back, packet.dts - back
            packet.stream = outs[packet.stream.index]
            out.mux(packet)


def test_an_edit_list_that_begins_inside_a_frame(tmp_path: Path) -> None:
    """FFmpeg puts the first whole frame at zero, up to a frame early: 100 ms were measured of 120."""
    film, cut, begin = tmp_path / "film.mp4", tmp_path / "cut.mp4", Fraction("6.3")
    options = {"g": "50", "bf": "2", "crf": "10"}
    encode(film, Picture(_numbered(300), 25, codec="libx264", options=options), _bursts(12))
    _cut_losslessly(film, cut, begin)
    with av.open(str(cut)) as container:
        assert min(p.pts for p in container.demux(video=0) if p.size and not p.is_discard) == 0
    cells = list(read_frames(cut, VideoForm(pixels="gray")))
    assert [cell.start + begin for cell in cells] == [Fraction(_number(cell.pixels), 25) for cell in cells]
    assert cells[0].start == probe(cut).video[0].start == Fraction(1, 50)
    assert (_burst_starts(cut)[:3] + 6.3) == pytest.approx([7, 8, 9], abs=0.001)


def test_an_edit_list_at_the_edge_of_a_frame_moves_nothing(tmp_path: Path) -> None:
    film, cut = tmp_path / "film.mp4", tmp_path / "cut.mp4"
    encode(film, Picture(_numbered(300), 25, codec="libx264", options={"g": "50", "bf": "2"}), _bursts(12))
    _cut_losslessly(film, cut, Fraction("6.32"))
    assert probe(cut).video[0].start == 0


@pytest.mark.parametrize("ending", [".ts", ".mpg"])
def test_the_second_half_of_joined_files_is_read(tmp_path: Path, ending: str) -> None:
    """Two recordings joined byte for byte: the sound went on, of the picture only the first half was there."""
    once, twice = tmp_path / f"once{ending}", tmp_path / f"twice{ending}"
    make_signal(once, SignalOptions(offset_seconds="0.12", duration_seconds=6, width=128, height=96))
    twice.write_bytes(once.read_bytes() * 2)
    before, info = probe(once), probe(twice)
    assert (info.video[0].frames, info.video[0].rate) == (2 * (before.video[0].frames or 0), 25)
    assert any("start again" in note for note in info.notes)
    # One clock, whichever streams are read: the pieces of both halves are as far apart as before.
    frames = [cell for cell in read_frames(twice, VideoForm((8, 8), "gray")) if cell.pixels.mean() > 100]
    bursts = _burst_starts(twice)
    flashes = np.array([float(b.start) for a, b in pairwise(frames) if b.index > a.index + 1])
    halves = [flashes[: len(flashes) // 2], flashes[-(len(flashes) // 2) :]]
    for half in halves:
        nearest = np.array([bursts[np.abs(bursts - flash + 0.12).argmin()] for flash in half])
        assert nearest - half == pytest.approx(np.full(len(half), -0.12), abs=0.012)
