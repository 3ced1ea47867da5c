"""What ``sync --fix`` lost, moved or left behind before media/patch: each case was seen in use."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import av
import pytest

from genlock.cli import main
from genlock.cli.dispatch import _stopped_cleanly
from genlock.core.errors import OutputError
from genlock.core.files import atomic_path
from genlock.media import probe
from genlock.media.retime import check_retime_target, retime
from genlock.media.trim import trim
from genlock.synth.signals.clips import SignalOptions, make_signal
from genlock.tasks.sync_video import SyncOptions, sync_video


def film(path: Path, offset: str = "0.120", **options: object) -> Path:
    make_signal(
        path, SignalOptions(offset_seconds=offset, duration_seconds=6, width=128, height=96, **options)
    )
    return path


def test_a_playlist_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    """An HLS target kept the last segments of a film, and said that it was repaired."""
    for name, word in (
        ("fixed.m3u8", "not one file but several"),
        ("fixed.mpd", "not one file but several"),
        ("frame%03d.png", "not one file but several"),
        ("fixed.mxf", r"\.mxf"),
        ("fixed.xyz", "names no container"),
        ("fixed", "names no container"),
        ("fixed.wav", "holds no picture"),
    ):
        with pytest.raises(OutputError, match=word) as caught:
            check_retime_target(tmp_path / name)
        assert name in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_measurement_is_printed_whatever_becomes_of_the_repair(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A target that could not be written cost the measurement, and was named by its hidden temporary name."""
    made = film(tmp_path / "film.mp4")
    (tmp_path / "file").write_text("no folder")
    target = tmp_path / "file" / "below.mp4"
    assert main(["sync", str(made), "--fix", str(target)]) == 2
    shown = capsys.readouterr()
    assert "sound 120.0 ms early" in shown.out
    assert target.name in shown.out
    assert ".genlock-" not in shown.out + shown.err
    # What no container is called costs no measurement: it is refused before.
    assert main(["sync", str(made), "--fix", str(tmp_path / "fixed.xyz")]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "fixed.xyz" in shown.err
    assert ".genlock-" not in shown.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "film.mp4"]


def test_stamps_that_start_again(tmp_path: Path) -> None:
    """Two recordings joined byte for byte: moved as they are, or the second half is put behind the first."""
    once, twice = film(tmp_path / "once.ts"), tmp_path / "twice.ts"
    twice.write_bytes(once.read_bytes() * 2)
    found = sync_video(twice, SyncOptions(fix=str(tmp_path / "fixed.ts")))
    assert found.repair is not None
    assert found.repair.status == "repaired"
    assert (tmp_path / "fixed.ts").stat().st_size == twice.stat().st_size
    assert sum("start again" in note for note in found.notes) == 1
    found = sync_video(twice, SyncOptions(fix=str(tmp_path / "fixed.mkv")))
    assert found.offset_seconds == pytest.approx(0.120, abs=0.002)
    assert found.repair is not None
    assert found.repair.status == "repaired"
    assert found.repair.written is not None
    assert any("start again" in note for note in found.repair.written.notes)
    fixed = probe(tmp_path / "fixed.mkv")
    assert fixed.video[0].frames == probe(twice).video[0].frames == 2 * (probe(once).video[0].frames or 0)
    assert fixed.video[0].rate == 25


def test_the_good_sound_is_not_spoiled(tmp_path: Path) -> None:
    """Measuring the second sound moved the first, which was in step."""
    made, two = film(tmp_path / "film.mkv"), tmp_path / "two.mkv"
    with av.open(str(made)) as given, av.open(str(two), "w") as out:
        video, audio = given.streams.video[0], given.streams.audio[0]
        outs = [out.add_stream_from_template(stream, opaque=True) for stream in (video, audio, audio)]
        for packet in given.demux(video, audio):
            pts, dts = packet.pts, packet.dts
            for target in (outs[:1] if packet.stream is video else outs[1:]) if packet.size else ():
                packet.pts, packet.dts, packet.stream = pts, dts, target
                out.mux_one(packet)
    before = [sound.start for sound in probe(two).audio]
    fixed = tmp_path / "fixed.mkv"
    found = sync_video(two, SyncOptions(fix=str(fixed)))
    assert found.repair is not None
    assert any("--all-sound" in note for note in found.repair.notes)
    after = [sound.start for sound in probe(fixed).audio]
    assert [float(b - a) for a, b in zip(before, after, strict=True)] == pytest.approx([0.120, 0], abs=0.001)
    sync_video(two, SyncOptions(fix=str(fixed), all_sound=True))
    after = [sound.start for sound in probe(fixed).audio]
    assert [float(b - a) for a, b in zip(before, after, strict=True)] == pytest.approx(
        [0.120, 0.120], abs=0.001
    )


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
def test_each_sound_has_a_shift_of_its_own(tmp_path: Path, ending: str) -> None:
    """A film with two sounds, one early and one late, was told one number, and one of them was spoiled.

    The second is 200 ms late in a file whose picture is stamped from 0 on, 80 ms late in this one.
    """
    early, late = film(tmp_path / f"early{ending}"), film(tmp_path / f"late{ending}", "-0.2")
    two, fixed = tmp_path / f"two{ending}", tmp_path / f"fixed{ending}"
    with av.open(str(early)) as one, av.open(str(late)) as other, av.open(str(two), "w") as out:
        streams = [(one, one.streams.video[0]), (one, one.streams.audio[0]), (other, other.streams.audio[0])]
        outs = [out.add_stream_from_template(stream, opaque=True) for _, stream in streams]
        for (source, stream), target in zip(streams, outs, strict=True):
            source.seek(0)
            for packet in source.demux(stream):
                if packet.size:
                    packet.stream = target
                    out.mux(packet)
    found = sync_video(two, SyncOptions(fix=str(fixed), each_sound=True))
    assert [sound.offset_seconds for sound in found.sounds] == pytest.approx([0.120, -0.080], abs=0.003)
    assert found.in_step is False
    assert str(found).count("measured again") == 2
    assert [sound.repair.path for sound in found.sounds if sound.repair] == [str(fixed)] * 2
    again = sync_video(fixed, SyncOptions(each_sound=True))
    assert [sound.offset_seconds for sound in again.sounds] == pytest.approx([0.0, 0.0], abs=0.003)
    assert again.in_step is True
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        {p.name for p in (early, late, two, fixed)}
    )


@pytest.mark.parametrize("ending", [".mkv", ".ts"])
def test_the_picture_stays_where_it_was(tmp_path: Path, ending: str) -> None:
    """Sound that came 900 ms earlier moved the picture by as much, and every subtitle outside lost step."""
    made, fixed = film(tmp_path / f"film{ending}", "-0.9"), tmp_path / f"fixed{ending}"
    found = sync_video(made, SyncOptions(fix=str(fixed)))
    assert found.repair is not None
    assert found.repair.status == "repaired"
    assert probe(fixed).video[0].start == probe(made).video[0].start


def test_a_stream_that_nothing_decodes_is_left_out_by_name(tmp_path: Path) -> None:
    """FFmpeg writes a cover in fragments as a second picture of no codec: a trim crashed, a copy was refused."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg makes the file")
    made, strange = film(tmp_path / "film.mp4"), tmp_path / "strange.mp4"
    cover = ["-f", "lavfi", "-i", "color=red:s=64x64:d=0.04", "-c:v:1", "mjpeg"]
    maps = ["-map", "0:v", "-map", "0:a", "-map", "1:v", "-c:v:0", "copy", "-c:a", "copy"]
    words = ["-disposition:v:1", "attached_pic", "-movflags", "frag_keyframe+empty_moov+delay_moov"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", made, *cover, *maps, *words, strange], check=True)
    with av.open(str(strange)) as container:
        assert any(stream.type == "video" and stream.codec_context is None for stream in container.streams)
    for target, write in (
        ("fixed.mov", lambda path: retime(strange, path, "0.12")),
        ("part.mp4", lambda path: trim(strange, path, 1, 4)),
    ):
        report = write(tmp_path / target)
        assert any("stream 2 (video)" in line or "no decoder" in line for line in report.left_out)
        assert probe(tmp_path / target).video[0].frames


def test_sigterm_leaves_nothing(tmp_path: Path) -> None:
    """A batch queue ended the process while the copy was measured: .genlock-*.mov stayed."""
    with (  # noqa: PT012 - the signal comes from within
        pytest.raises(KeyboardInterrupt, match="SIGTERM"),
        _stopped_cleanly(),
        atomic_path(tmp_path / "out.mov") as temporary,
    ):
        temporary.write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_sigterm_ends_the_command_with_its_status(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, genlock.cli as cli, genlock.cli.dispatch as dispatch\n"
        "def work(*a, **k): os.kill(os.getpid(), signal.SIGTERM); signal.pause()\n"
        "dispatch.run_command = work\n"
        "sys.exit(cli.main(['sync']))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 143
    assert "nothing was left half-written" in run.stderr
