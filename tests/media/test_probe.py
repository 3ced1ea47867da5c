"""What the probe says is what was planted, and what the ffprobe program says."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from genlock.core import Grid, Ticks
from genlock.core.errors import MediaError
from genlock.core.timecode import Timecode
from genlock.media import FrameTimes, Picture, Sound, encode, frame_cells, probe, read, read_frames

RATES = ("24000/1001", "24", "25", "30000/1001", "30", "43/2", "50", "60000/1001", "60", "12", "15", "119/7")


class Times:
    """A consumer of frame times."""

    form = FrameTimes()

    def __init__(self):
        self.cells = []

    def push(self, cell):
        self.cells.append(cell)

    def finish(self):
        pass


@pytest.mark.parametrize(
    "ending, codec",
    [
        ("mp4", "libx264"),
        ("mkv", "libx264"),
        ("webm", "libvpx-vp9"),
        ("mov", "mjpeg"),
        ("ts", "libx264"),
        ("flv", "libx264"),
        ("avi", "mpeg4"),
    ],
)
def test_constant_rates_are_exact_in_every_container(tmp_path, ending, codec):
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    options = (
        {"preset": "ultrafast"}
        if codec == "libx264"
        else {"cpu-used": "8", "deadline": "realtime"}
        if "vp9" in codec
        else {}
    )
    for rate in RATES:
        path = tmp_path / f"v.{ending}"
        encode(
            path,
            Picture(
                [np.zeros((16, 16), np.uint8)] * 110, rate=rate, codec=codec, pixels=pixels, options=options
            ),
        )
        info = probe(path).video[0]
        assert info.rate == Fraction(rate), (ending, rate)
        assert not info.variable_rate
        assert info.frames == 110
        assert isinstance(info.cells, Grid)
        assert info.cells.rate == Fraction(rate)


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 30])
@pytest.mark.parametrize("rate", ["25", "30000/1001", "24000/1001", "43/2"])
def test_a_short_stream_in_milliseconds_has_its_stated_rate(tmp_path, frames, rate):
    path = tmp_path / "v.mkv"
    encode(path, Picture([np.zeros((16, 16), np.uint8)] * frames, rate=rate, codec="ffv1"))
    assert probe(path).video[0].rate == Fraction(rate)


def test_a_dropped_frame_makes_the_rate_variable(tmp_path):
    pts = [k for k in range(50) if k != 20]
    for ending in ("mp4", "mkv"):
        path = tmp_path / f"v.{ending}"
        encode(
            path,
            Picture([np.zeros((16, 16), np.uint8)] * 49, rate=25, pts=pts, time_base="1/25", codec="libx264"),
        )
        info = probe(path).video[0]
        assert info.rate is None
        assert info.variable_rate
        assert isinstance(info.cells, Ticks)
        assert [info.cells.edge(k) for k in range(49)] == [Fraction(p, 25) for p in pts]
        assert "variable frame rate" in str(info)
        assert info.to_dict()["rate"] is None


@pytest.mark.parametrize(
    "ending, codec, options",
    [
        ("mp4", "libx264", {"bf": "3"}),
        ("mkv", "libx264", {"bf": "3"}),
        ("ts", "libx264", {"bf": "3"}),
        ("mp4", "libx264", {"flags": "+ilme+ildct"}),
        ("webm", "libvpx", {"auto-alt-ref": "1", "lag-in-frames": "8"}),
        ("webm", "libvpx-vp9", {"auto-alt-ref": "1", "lag-in-frames": "8", "cpu-used": "8"}),
        ("mkv", "ffv1", {}),
        ("avi", "mpeg4", {"bf": "2"}),
        ("mpg", "mpeg2video", {"bf": "2"}),
        ("mpg", "mpeg1video", {}),
        ("mov", "prores", {}),
    ],
)
def test_frames_counted_from_packets_are_the_frames_that_decode(tmp_path, ending, codec, options):
    path = tmp_path / f"v.{ending}"
    pixels = "yuv422p10le" if codec == "prores" else "yuv420p"
    frames = [np.full((64, 64), 16 + 5 * (k % 40), np.uint8) for k in range(75)]
    encode(path, Picture(frames, codec=codec, pixels=pixels, options={**options, "g": "12"}))
    times = Times()
    read(path, [times])
    cells, length = frame_cells(path)
    assert length == len(times.cells)
    assert [cells.edge(k) for k in range(length + 1)] == [
        *(c.start for c in times.cells),
        times.cells[-1].end,
    ]


def test_the_real_clips(shared_data):
    clip = sorted((shared_data / "grid_s1" / "video").glob("*.mpg"))[0]
    info = probe(clip)
    assert (info.video[0].rate, info.video[0].frames, info.audio[0].rate) == (25, 75, 44100)
    assert info.sound_minus_picture_start == 0
    assert info.video[0].timecode == "00:00:00:00"
    talk = probe(shared_data / "talking" / "RD_Radio34_000.mp4")
    assert (talk.video[0].rate, talk.video[0].frames, talk.audio[0].encoder_delay_samples) == (25, 200, 1024)


def test_the_keys_that_programs_rely_on(talking):
    info = probe(talking)
    data = json.loads(json.dumps(info.to_dict()))
    assert data["genlock_schema"] == 1
    video, audio = data["streams"]
    assert (video["kind"], video["rate"], video["start"], video["variable_rate"]) == (
        "video",
        "25",
        "0",
        False,
    )
    assert video["duration_seconds"] == 5
    assert (audio["kind"], audio["rate"], audio["timecode"]) == ("audio", "48000", None)
    apart = Fraction(1, 8) - Fraction(1024, 48000)
    assert data["sound_minus_picture_start_seconds"] == pytest.approx(float(apart), abs=1e-12)
    assert info.sound_minus_picture_start == apart
    assert "later than the picture" in str(info)
    assert info.clock.startswith("media:talking.mp4#")


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov", "ts", "avi", "flv"])
def test_frames_and_stamps_agree_with_ffprobe(tmp_path, ffmpeg, media_tools, ending):
    path = tmp_path / f"v.{ending}"
    codec = "mpeg4" if ending == "avi" else "libx264"
    sound = Sound(media_tools.clicks(44100), 44100, codec="libmp3lame" if ending == "avi" else "aac")
    encode(path, Picture(media_tools.numbered(40), rate="30000/1001", codec=codec), sound)
    told = json.loads(
        ffmpeg("ffprobe", "-select_streams", "v:0", "-show_entries", "frame=pts", "-of", "json", path)
    )
    base = json.loads(
        ffmpeg("ffprobe", "-select_streams", "v:0", "-show_entries", "stream=time_base", "-of", "json", path)
    )
    unit = Fraction(base["streams"][0]["time_base"])
    assert [c.start for c in read_frames(path)] == [frame["pts"] * unit for frame in told["frames"]]


# ---------------------------------------------------------------- what else bears on time


@pytest.mark.parametrize(
    "label, rate", [("01:02:03:04", "25"), ("00:59:59;28", "30000/1001"), ("10:00:00:00", "24000/1001")]
)
@pytest.mark.parametrize("ending", ["mov", "mp4", "mkv"])
def test_timecode(tmp_path, label, rate, ending):
    path = tmp_path / f"v.{ending}"
    encode(
        path,
        Picture([np.zeros((16, 16), np.uint8)] * 5, rate=rate, codec="libx264", metadata={"timecode": label}),
    )
    info = probe(path)
    assert info.timecode == info.video[0].timecode == label
    assert str(Timecode.parse(info.timecode, info.video[0].rate)) == label


def test_timecode_of_a_group_of_pictures(tmp_path):
    path = tmp_path / "v.mpg"
    options = {"gop_timecode": "00:10:00;02"}
    encode(
        path,
        Picture([np.zeros((32, 32), np.uint8)] * 5, rate="30000/1001", codec="mpeg2video", options=options),
    )
    assert probe(path).timecode == "00:10:00;02"


def test_interlacing(tmp_path):
    frames = [np.random.default_rng(k).integers(16, 235, (64, 64)).astype(np.uint8) for k in range(5)]
    for options, named in (({}, "progressive"), ({"flags": "+ildct+ilme"}, "bottom field first")):
        path = tmp_path / "v.mpg"
        encode(path, Picture(frames, codec="mpeg2video", options=options))
        assert probe(path).video[0].interlacing == named


def test_sample_aspect(tmp_path):
    path = tmp_path / "v.mkv"
    encode(path, Picture([np.zeros((32, 32), np.uint8)] * 3, codec="libx264", aspect="16/11"))
    assert probe(path).video[0].sample_aspect == Fraction(16, 11)
    assert "16/11 as wide as high" in str(probe(path))


def test_a_cover_is_not_video(tmp_path, media_tools):
    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as out:
        sound = out.add_stream("libmp3lame", rate=44100, layout="mono")
        cover = out.add_stream("png", rate=1)
        cover.width = cover.height = 32
        cover.pix_fmt = "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
        out.mux(cover.encode(picture))
        frame = av.AudioFrame.from_ndarray(media_tools.clicks(44100)[None], format="flt", layout="mono")
        frame.sample_rate, frame.pts = 44100, 0
        out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    info = probe(path)
    assert info.video == ()
    assert [s.attached_picture for s in info.streams if s.kind == "video"] == [True]
    assert info.sound_minus_picture_start is None
    assert "not video" in str(info)
    with pytest.raises(MediaError, match="only a cover picture"):
        next(read_frames(path))


def test_language_and_number_of_streams(tmp_path):
    path = tmp_path / "v.mkv"
    with av.open(str(path), "w") as out:
        streams = [out.add_stream("flac", rate=8000, layout="mono") for _ in range(2)]
        for tag, stream in zip(("eng", "deu"), streams, strict=True):
            stream.metadata["language"] = tag
        for stream in streams:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.float32), format="flt", layout="mono")
            frame.sample_rate, frame.pts = 8000, 0
            out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    assert [(s.number, s.language) for s in probe(path).audio] == [(0, "eng"), (1, "deu")]


def test_key_frames_are_those_that_decode_alone(tmp_path: Path) -> None:
    made = tmp_path / "made.mp4"
    with av.open(str(made), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"g": "12", "bf": "2", "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(60):
            shade = np.full((48, 64, 3), 4 * number, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(shade, format="rgb24")))
        out.mux(stream.encode())
    with av.open(str(made)) as given:
        keys = tuple(k for k, frame in enumerate(given.decode(video=0)) if frame.key_frame)
    assert probe(made).video[0].key_frames == keys == (0, 12, 24, 36, 48)
