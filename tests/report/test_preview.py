"""The preview against planted truth: every frame carries its number, every flash has its beep."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from genlock.core.errors import MediaError, NoStream, OptionError, OutputError
from genlock.media import Picture, ReadOptions, Sound, encode, probe, read_audio
from genlock.report import Preview, PreviewOptions, make_preview

from .clips import Clip, planted, read_barcode
from .conftest import CLIPS

# Matroska rounds to milliseconds, so that a frame of a uniform rate may lie half of one off the grid.
TOLERANCE_SECONDS = {".mkv": 0.0006, ".mp4": 2e-6, ".avi": 2e-6}


def shown(preview: Preview) -> list[tuple[float, int]]:
    """Media-clock time and barcode of each frame, by PyAV alone."""
    with av.open(str(preview.path)) as container:
        return [
            (float(frame.pts * frame.time_base + preview.zero), read_barcode(frame.to_ndarray(format="gray")))
            for frame in container.decode(video=0)
        ]


def beeps(preview: Preview, clip: Clip) -> list[float]:
    """For each flash inside the sound: when its beep begins, minus when its frame does, in seconds."""
    sound = read_audio(preview.path, rate=48000)
    at, loud = sound.centers + float(preview.zero), np.abs(sound.values) > 0.25
    late = []
    for frame in clip.flashes:
        edge = float(clip.cells.edge(frame))
        if edge > float(clip.sound_start) + 0.01:
            late.append(at[loud & (at > edge - 0.03)][0] - edge)
    return late


@pytest.mark.parametrize("encoded", [False, True])
@pytest.mark.parametrize("name", CLIPS)
def test_every_frame_and_every_beep_stays_where_it_was(
    name: str, encoded: bool, clip: Callable[[str], Clip], tmp_path: Path
) -> None:
    truth = clip(name)
    options = PreviewOptions(copy=False) if encoded else PreviewOptions()
    preview = make_preview(truth.path, tmp_path / "preview.mp4", options)
    seen = shown(preview)
    assert [number for _, number in seen] == list(range(truth.count))
    off = np.array([time for time, _ in seen]) - truth.edges[:-1]
    assert np.abs(off).max() <= TOLERANCE_SECONDS[truth.path.suffix]
    # A sine of 1 kHz is loud a tenth of a millisecond after it begins; Matroska rounds its start.
    assert np.abs(np.array(beeps(preview, truth))).max() <= 0.001
    assert preview.frame_count == truth.count
    assert preview.has_picture
    assert preview.has_sound


def test_what_browsers_play_is_copied_and_the_rest_encoded(
    clip: Callable[[str], Clip], tmp_path: Path
) -> None:
    copied = {name: make_preview(clip(name).path, tmp_path / "p.mp4").copied for name in CLIPS}
    assert copied["plain.mp4"]
    assert copied["variable.mp4"]
    assert copied["late_sound.mp4"]
    assert not copied["old.avi"]


def test_preview_times_begin_at_zero(clip: Callable[[str], Clip], tmp_path: Path) -> None:
    for name in ("late_picture.mkv", "ntsc.mkv", "late_sound.mp4"):
        preview = make_preview(clip(name).path, tmp_path / "p.mp4")
        with av.open(str(preview.path)) as container:
            starts = [stream.start_time * stream.time_base for stream in container.streams]
        assert min(starts) >= 0
        assert min(starts) <= Fraction(1, 1000)


def test_a_part_is_cut_on_the_media_clock(clip: Callable[[str], Clip], tmp_path: Path) -> None:
    truth = clip("plain.mp4")
    preview = make_preview(truth.path, tmp_path / "p.mp4", reading=ReadOptions(start="0.5", end="1.5"))
    seen = shown(preview)
    # Frame 12 is on show at 0.5 s (its cell is 0.48...0.52); 37 is the last to begin before 1.5 s.
    assert [number for _, number in seen] == list(range(12, 38))
    assert preview.zero == Fraction(1, 2)
    assert np.abs(np.array([time for time, _ in seen])[1:] - truth.edges[13:38]).max() < 2e-6
    assert not preview.copied


def test_sound_alone_and_picture_alone(tmp_path: Path) -> None:
    sound = planted(tmp_path / "s.wav", picture=False, sound_codec=None)
    heard = make_preview(sound.path, tmp_path / "s.mp4")
    assert (heard.has_picture, heard.has_sound, heard.frame_count, heard.mime) == (
        False,
        True,
        0,
        "audio/mp4",
    )
    picture = planted(tmp_path / "v.mp4", sound=False, start="0.4")
    seen = make_preview(picture.path, tmp_path / "v.preview.mp4")
    assert (seen.has_picture, seen.has_sound, seen.zero) == (True, False, Fraction(2, 5))


def test_a_sideways_picture_is_turned_upright_and_pixels_made_square(tmp_path: Path) -> None:
    frame = np.zeros((64, 128, 3), np.uint8)
    frame[:, :32] = 255  # the left edge, as stored
    source = Picture([frame] * 5, rotation=90, codec="libx264", aspect="2")
    encode(tmp_path / "turned.mp4", source)
    copied = make_preview(tmp_path / "turned.mp4", tmp_path / "c.mp4")
    assert copied.copied
    (kept,) = probe(copied.path).video
    assert (kept.rotation_degrees, kept.sample_aspect) == (90, 2)
    preview = make_preview(tmp_path / "turned.mp4", tmp_path / "p.mp4", PreviewOptions(copy=False))
    with av.open(str(preview.path)) as container:
        image = next(container.decode(video=0)).to_ndarray(format="gray")
    # 128 pixels twice as wide as high, turned: 256 high; the stored picture's left edge is at the bottom.
    assert image.shape == (256, 64)
    assert image[-40:].mean() > 200
    assert image[:180].mean() < 60


def test_a_large_picture_is_made_small_and_even(tmp_path: Path) -> None:
    encode(
        tmp_path / "large.mkv", Picture([np.zeros((725, 1281), np.uint8)] * 3, codec="ffv1", pixels="gray")
    )
    preview = make_preview(tmp_path / "large.mkv", tmp_path / "p.mp4", PreviewOptions(short_side=240))
    with av.open(str(preview.path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.width, context.height, context.pix_fmt) == (424, 240, "yuv420p")


def test_sound_with_six_channels_and_an_odd_rate(tmp_path: Path) -> None:
    samples = np.zeros((20000, 6), np.float32)
    samples[10000:10200] = 0.5
    encode(tmp_path / "six.wav", sound=Sound(samples, 18900))
    preview = make_preview(tmp_path / "six.wav", tmp_path / "p.mp4")
    sound = read_audio(preview.path, rate=None)
    power = sound.values.astype(float) ** 2
    assert abs((sound.centers * power).sum() / power.sum() - 10100 / 18900) < 0.001


def test_a_long_picture_that_would_have_to_be_encoded_is_left_out_and_that_is_said(
    clip: Callable[[str], Clip], tmp_path: Path
) -> None:
    options = PreviewOptions(picture_up_to_seconds=1)
    left_out = make_preview(clip("old.avi").path, tmp_path / "p.mp4", options)
    assert (left_out.has_picture, left_out.has_sound, left_out.frame_count) == (False, True, 0)
    assert "mpeg4" in left_out.note
    copied = make_preview(clip("plain.mp4").path, tmp_path / "p.mp4", options)
    assert copied.has_picture
    assert not copied.note


def test_progress_goes_forward_and_ends(clip: Callable[[str], Clip], tmp_path: Path) -> None:
    told: list[tuple[str, float, float | None]] = []
    make_preview(clip("old.avi").path, tmp_path / "p.mp4", progress=lambda *told_: told.append(told_))
    assert {stage for stage, _, _ in told} == {"preview"}
    done = [seconds for _, seconds, _ in told]
    assert done == sorted(done)
    assert told[-1][1] == told[-1][2]


@pytest.mark.parametrize("content", [b"", b"no media at all", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_media_leaves_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(content)
    with pytest.raises(MediaError):
        make_preview(tmp_path / "bad.mp4", tmp_path / "p.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.mp4"]


def test_a_part_without_anything_and_a_target_that_cannot_be(
    clip: Callable[[str], Clip], tmp_path: Path
) -> None:
    with pytest.raises((NoStream, MediaError)):
        make_preview(clip("plain.mp4").path, tmp_path / "p.mp4", reading=ReadOptions(start=50))
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OutputError):
        make_preview(clip("plain.mp4").path, tmp_path / "folder.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.mp4"]


def test_options_are_checked() -> None:
    with pytest.raises(OptionError, match="short_side"):
        PreviewOptions(short_side=8)
    with pytest.raises(OptionError, match="quality"):
        PreviewOptions(quality=60)
