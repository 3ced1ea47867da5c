"""Faults of sync that people met, seen with a script or told in words: each has a test here or beside its part.

| script | test |
|---|---|
| 01 chapters, tags, covers, subtitles | ``tests/media/test_patch.py``, ``tests/media/test_lossless.py`` |
| 02 timecode lost, 03 ``hvc1`` becomes ``hev1`` | here |
| 04 a playlist, 07 MXF as target | ``test_repair_losses.py`` |
| 05 a stream that starts again | ``test_repair_losses.py``, ``test_stamps_of_files.py`` |
| 06 a program stream | ``test_stamps_of_files.py``, ``tests/media/test_patch.py`` |
| 08 the good sound is spoiled, 09 the picture is moved | ``test_repair_losses.py`` |
| 10 an edit list inside a frame | ``test_stamps_of_files.py`` |
| 11 the headline hides a splice | ``tests/lipsync/test_summary.py``, here (the command) |
| 12 a drift called jumps | ``tests/lipsync/test_events.py``, ``tests/tasks/test_sync_courses.py`` |
| 13 a drift saturates | ``tests/lipsync/test_fusion.py`` (of a percent) |
| 14 wrong speeds | ``tests/lipsync/test_fusion.py`` (at another speed) |
| 15 a late stretch | ``tests/lipsync/test_fusion.py`` (three segments) |
| 16 a film that lost frames | ``tests/lipsync/test_seen_courses.py`` |
| 17, 18 ``--against``: a hole, another speed | ``tests/lipsync/test_two_recordings.py`` |
| 19 beyond the reach | ``tests/lipsync/test_fusion.py`` (of seconds), ``test_events.py`` |
| 20 what repeats itself | ``tests/lipsync/test_events.py`` |
| 21 stereo out of phase, 22 the first sound is silent | here |
| 23 half of it dubbed | ``tests/lipsync/test_fusion.py`` (another voice) |
| 24 a verdict without probability | ``tests/lipsync/test_summary.py`` (below one half) |
| 25 a small tile, a photograph | ``test_faces.py``, ``tests/lipsync/test_fusion.py`` |
| 26 two who take turns | ``tests/lipsync/test_fusion.py`` |
| 27 SIGTERM, late refusal | ``test_repair_losses.py`` |

| in words | test |
|---|---|
| sample aspect, a web camera's tile | ``test_faces.py`` |
| pictures for two eyes | ``tests/extractors/test_one_eye.py`` |
| motion alone excludes how the offset runs | ``tests/lipsync/test_seen_courses.py`` |
| each clip lost 20 ms | ``tests/lipsync/test_seen_courses.py`` |
| a splice of 50 ms is a drift | ``tests/lipsync/test_seen_courses.py`` |
| ``align`` names segments and prints none | here |
| cut from seven speakers with offsets of their own | ``tests/lipsync/test_course.py`` |
| planted offsets of 1.3, 2, 5 s | ``tests/lipsync/test_fusion.py`` |
| statuses of ``--check`` | here |
"""

from __future__ import annotations

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from genlock.cli import main
from genlock.media import Picture, ReadOptions, Sound, encode, probe, read_audio, read_frames
from genlock.media.add_sound import add_sound
from genlock.media.remux import Copy, mux
from genlock.synth.signals.clips import SignalOptions, make_signal
from genlock.tasks.sync_video import SyncOptions, sync_video

RATE = 48000


def signal(path: Path, offset: str = "0.12", seconds: int = 6) -> Path:
    make_signal(path, SignalOptions(offset_seconds=offset, duration_seconds=seconds, width=128, height=96))
    return path


def by_ffmpeg(*arguments: object) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg makes the file")
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


def test_the_timecode_stays(tmp_path: Path) -> None:
    """02: the repaired MOV had none."""
    given, film, fixed = signal(tmp_path / "a.mp4"), tmp_path / "tc.mov", tmp_path / "fixed.mov"
    by_ffmpeg("-i", given, "-c:v", "mjpeg", "-c:a", "pcm_s16le", "-timecode", "10:00:00:00", film)
    assert sync_video(film, SyncOptions(fix=str(fixed))).offset_seconds == pytest.approx(0.12, abs=0.002)
    assert probe(film).video[0].timecode == probe(fixed).video[0].timecode == "10:00:00:00"


def test_the_sample_entry_stays(tmp_path: Path) -> None:
    """03: Apple's players refuse ``hev1``."""
    given, film = signal(tmp_path / "a.mp4", seconds=4), tmp_path / "h.mp4"
    x265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"]
    by_ffmpeg("-i", given, *x265, "-tag:v", "hvc1", "-c:a", "copy", film)
    for ending in (".mp4", ".mov"):
        fixed = tmp_path / f"fixed{ending}"
        sync_video(film, SyncOptions(fix=str(fixed)))
        with av.open(str(fixed)) as container:
            assert container.streams.video[0].codec_tag == "hvc1"


def test_channels_out_of_phase_are_heard(tmp_path: Path) -> None:
    """21: the right channel is the left's negative, as a wrongly wired microphone gives: "the sound is silent"."""
    film, wrong = signal(tmp_path / "a.mkv"), tmp_path / "phase.mkv"
    one = np.asarray(read_audio(film, RATE).values).reshape(-1)
    sound = Sound(np.stack([one, -one], axis=1), RATE, codec="flac")
    encode(wrong, Picture((cell.pixels for cell in read_frames(film)), rate=25, codec="libx264"), sound)
    found = sync_video(wrong)
    assert found.offset_seconds == pytest.approx(0.12, abs=0.005)
    assert any("negative" in note for note in found.notes)


def test_a_silent_first_sound_names_the_others(tmp_path: Path) -> None:
    """22: the talk is on the second sound."""
    film, silent, both = signal(tmp_path / "a.mkv"), tmp_path / "silent.mkv", tmp_path / "both.mkv"
    encode(silent, sound=Sound(np.zeros(6 * RATE, np.float32), RATE, codec="flac"))
    mux(both, [Copy(film, "video"), Copy(silent, "audio"), Copy(film, "audio")])
    found = sync_video(both)
    assert found.offset_seconds is None
    assert any("2 sounds" in note and "--audio-stream" in note for note in found.notes)
    second = sync_video(both, SyncOptions(reading=ReadOptions(audio_stream=1)))
    assert second.offset_seconds == pytest.approx(0.12, abs=0.002)


@pytest.fixture(scope="module")
def jumping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In step for 12 s, then 300 ms late."""
    folder = tmp_path_factory.mktemp("jumps")
    film, jumps = folder / "film.mkv", folder / "jumps.mkv"
    make_signal(film, SignalOptions(duration_seconds=24, width=64, height=48))
    one = np.asarray(read_audio(film, RATE).values).reshape(-1)
    late = np.concatenate([one[: 12 * RATE], np.zeros(3 * RATE // 10), one[12 * RATE : -3 * RATE // 10]])
    encode(folder / "late.wav", sound=Sound(late, RATE))
    add_sound(film, jumps, folder / "late.wav", Fraction(0))
    return jumps


@pytest.mark.parametrize("command", ["sync", "align"])
def test_a_splice_is_told_with_its_parts(
    command: str, jumping: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """11: "in step ... passes" for half a film; ``align`` said "see the segments" and printed none."""
    target = [str(tmp_path / "report")] if command == "align" else []
    assert main([command, str(jumping), *(["-o", *target] if target else [])]) == 0
    shown = capsys.readouterr().out
    assert "in step from 0.0 s" in shown
    assert "300 ms late from 11.9 s" in shown
    assert "more than viewers tolerate" in shown
    assert shown.count("see the segments") == 1


def test_check_has_three_statuses(tmp_path: Path) -> None:
    """A script could not tell in step from unknown."""
    good, bad = signal(tmp_path / "good.mkv", "0"), signal(tmp_path / "bad.mkv")
    mute = tmp_path / "mute.mkv"
    mux(mute, [Copy(good, "video")])
    assert [main(["sync", str(film), "--check"]) for film in (good, bad, mute)] == [0, 1, 3]
