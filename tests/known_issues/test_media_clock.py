"""Mistakes about the clock of a file, each made once: by the libraries underneath, by others, or by us."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from genlock.core.errors import NoStream
from genlock.media import Picture, Sound, VideoForm, encode, probe, read_audio, read_frames
from genlock.media.retime import retime


def impulse(rate: int, at: float, seconds: float = 1.0) -> np.ndarray:
    times = np.arange(round(seconds * rate)) / rate - at
    return (0.8 * np.exp(-((times / 0.0015) ** 2)) * np.cos(2 * np.pi * 1500 * times)).astype(np.float32)


def centroid(times: np.ndarray, samples: np.ndarray) -> float:
    energy = samples.astype(float) ** 2
    return float((energy * times).sum() / energy.sum())


def black(count: int) -> list[np.ndarray]:
    return [np.full((32, 32), 16, np.uint8)] * count


def test_mp3_is_read_1105_samples_late_by_its_time_stamps(tmp_path):
    """25 ms at 44.1 kHz, 69 ms at 16 kHz: the delay that the file states is in its time stamps."""
    for rate in (16000, 44100):
        path = tmp_path / "a.mp3"
        encode(path, sound=Sound(impulse(rate, 0.5), rate, codec="libmp3lame"))
        with av.open(str(path)) as container:
            frames = list(container.decode(audio=0))
            naive = np.concatenate([frame.to_ndarray()[0] for frame in frames])
            times = float(frames[0].pts * frames[0].time_base) + np.arange(len(naive)) / rate
        assert centroid(times, naive) - 0.5 == pytest.approx(1105 / rate, abs=0.001)
        track = read_audio(path, rate=None)
        assert centroid(track.centers, track.values) == pytest.approx(0.5, abs=0.0001)


def test_mp4_rounds_a_late_start_to_a_millisecond_unless_told_otherwise(tmp_path):
    start = Fraction(14187, 44100)  # 321.7 ms
    errors = []
    for options in ({"movie_timescale": "1000"}, {}):
        path = tmp_path / "a.mp4"
        sound = Sound(impulse(44100, 0.5), 44100, start=start, codec="aac")
        encode(path, Picture(black(40), codec="libx264"), sound, options=options)
        track = read_audio(path, rate=None)
        errors.append(abs(centroid(track.centers, track.values) - float(start) - 0.5))
    assert errors[0] > 0.0004
    assert errors[1] < 0.00002


def test_matroska_from_ffmpeg_rounds_twice_and_is_read_within_half_a_tick(tmp_path):
    """The muxer stores round(start - delay) + round(delay): by itself up to 1 ms late, never early."""
    naive, ours = [], []
    for start in (Fraction(2), Fraction(20007, 10000), Fraction(20002, 10000)):
        path = tmp_path / "a.mkv"
        encode(
            path,
            Picture(black(5), codec="libx264"),
            Sound(impulse(48000, 0.5), 48000, start=start, codec="libopus"),
        )
        with av.open(str(path)) as container:
            first = next(container.decode(audio=0))
            naive.append(float(first.pts * first.time_base - start))
        ours.append(float(probe(path).audio[0].start - start))
    assert max(naive) > 0.0009
    assert max(map(abs, ours)) <= 0.00051


def test_counting_from_rounded_stamps_makes_no_gaps(tmp_path):
    """A reader that trusts every stamp of Matroska tears a 44.1 kHz stream at each packet."""
    path = tmp_path / "a.mkv"
    tone = np.sin(2 * np.pi * 440 * np.arange(3 * 44100) / 44100).astype(np.float32) * 0.5
    encode(path, sound=Sound(tone, 44100, codec="flac"))
    with av.open(str(path)) as container:
        stamps = [(f.pts, f.samples) for f in container.decode(audio=0)]
    torn = [abs(b[0] - a[0] - a[1] / 44.1) > 0.05 for a, b in pairwise(stamps)]
    assert any(torn)
    assert np.abs(read_audio(path, rate=None).values - tone).max() < 1e-4


def test_the_rate_of_milliseconds_is_not_33_ms_a_frame(tmp_path):
    """29.97 fps in Matroska: 1/33 ms is 30.30 fps, which drifts by 11 ms a second."""
    path = tmp_path / "v.mkv"
    encode(path, Picture(black(60), "30000/1001", codec="libx264"))
    info = probe(path).video[0]
    assert info.rate == Fraction(30000, 1001)
    assert info.cells.edge(30) == Fraction(1001, 1000)


def test_no_streams_means_none(tmp_path):
    """PyAV demuxes everything when it is asked for no stream; a file of subtitles alone broke the probe."""
    path = tmp_path / "only.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nbin blue at f two now\n")
    info = probe(path)
    assert [s.kind for s in info.streams] == ["subtitle"]
    with pytest.raises(NoStream):
        read_audio(path)


def test_the_last_frame_lasts(tmp_path):
    """Lists of pts alone lose the last frame's duration, or make it zero."""
    path = tmp_path / "v.mp4"
    encode(path, Picture(black(3), 10, codec="libx264"))
    assert [c.end - c.start for c in read_frames(path)] == [Fraction(1, 10)] * 3
    assert probe(path).video[0].duration == Fraction(3, 10)


def test_moving_the_sound_does_not_show_as_its_start(tmp_path):
    """Moved earlier than the picture, AAC's priming is hidden by the edit list with the sound: only the content
    tells. Moved later, an empty edit says it exactly."""
    path, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    encode(path, Picture(black(30), codec="libx264"), Sound(impulse(48000, 0.5), 48000, codec="aac"))
    for shift in (Fraction(-1, 5), Fraction(1, 5)):
        report = retime(path, target, shift)
        track = read_audio(target, rate=None)
        assert centroid(track.centers, track.values) == pytest.approx(0.5 + float(shift), abs=0.0001)
        assert report.shift_made == shift
        moved_start = probe(target).audio[0].start - probe(path).audio[0].start
        assert (moved_start == shift) == (shift > 0)


def test_frames_are_not_shown_twice_when_a_rate_is_asked_for(tmp_path):
    """Resampling by index (frame k of 25 is frame k of 30) loses step with the clock."""
    path = tmp_path / "v.mkv"
    encode(path, Picture([np.full((16, 16), 16 + 2 * k, np.uint8) for k in range(100)], 25, codec="ffv1"))
    cells = list(read_frames(path, VideoForm(pixels="gray", rate=30)))
    for cell in cells:
        assert cell.shown[0] <= cell.center < cell.shown[1]
