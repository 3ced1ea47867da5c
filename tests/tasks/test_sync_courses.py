"""``genlock sync --fix`` of films whose offset runs: a drift is taken out, jumps are closed, and a decoder agrees."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from genlock.lipsync.estimators.base import Estimate
from genlock.lipsync.measurement import Segment, SyncMeasurement
from genlock.lipsync.repair import repair_file
from genlock.media import read_audio
from genlock.media.add_sound import add_sound
from genlock.synth.signals.clips import SignalOptions, make_signal
from genlock.tasks.sync_video import SyncOptions, sync_video

RATE = 48000


def offsets(file: Path) -> np.ndarray:
    """How early each beep is against the nearest flash, by PyAV alone, in seconds."""
    with av.open(str(file)) as container:
        base = container.streams.video[0].time_base
        light = [(float(f.pts * base), f.to_ndarray(format="gray").mean()) for f in container.decode(video=0)]
    times, levels = np.array(light).T
    on = levels > (levels.min() + levels.max()) / 2
    flashes = times[1:][on[1:] & ~on[:-1]]
    sound, start = [], None
    with av.open(str(file)) as container:
        for frame in container.decode(audio=0):
            start = float(frame.pts * frame.time_base) if start is None else start
            sound.append(frame.to_ndarray().reshape(len(frame.layout.channels), -1)[0].astype(np.float64))
            rate = frame.sample_rate
    samples = np.abs(np.concatenate(sound))
    loud = np.flatnonzero(samples > 0.3 * samples.max())
    beeps = start + loud[np.diff(loud, prepend=-rate) > rate // 10] / rate
    near = np.abs(beeps[:, None] - flashes).argmin(axis=1)
    return flashes[near] - beeps


def spliced(folder: Path, cuts: list[tuple[float, float]]) -> Path:
    """A film whose sound from each instant on has so much more silence (positive: it comes later), in seconds."""
    film = folder / "true.mkv"
    make_signal(film, SignalOptions(duration_seconds=26, width=64, height=48))
    sound = np.asarray(read_audio(film, RATE).values).reshape(-1)
    for instant, seconds in sorted(cuts, reverse=True):
        at, much = round(instant * RATE), round(abs(seconds) * RATE)
        sound = (
            np.insert(sound, at, np.zeros(much)) if seconds > 0 else np.delete(sound, slice(at, at + much))
        )
    soundfile.write(folder / "sound.wav", sound, RATE)
    add_sound(film, folder / "spliced.mkv", folder / "sound.wav", 0)
    return folder / "spliced.mkv"


@pytest.mark.parametrize(
    "ending",
    [pytest.param(".mp4", marks=pytest.mark.slow), ".mkv", pytest.param(".avi", marks=pytest.mark.slow)],
)
def test_a_drift_is_taken_out(tmp_path: Path, ending: str) -> None:
    how = SignalOptions(offset_seconds="0.05", drift_ppm=1500, duration_seconds=30, width=64, height=48)
    film = tmp_path / ("drifts.avi" if ending == ".avi" else "drifts.mp4")
    make_signal(film, how)
    before = offsets(film)
    assert np.ptp(before) > 0.03
    repair = sync_video(film, SyncOptions(fix=str(tmp_path / f"fixed{ending}"))).repair
    assert repair is not None
    assert repair.status == "repaired", repair
    assert repair.warp is not None
    assert float(repair.warp.before or 0) == pytest.approx(1 + 1500e-6, abs=50e-6)
    assert "runs at 1.0015" in str(repair)
    assert np.abs(offsets(tmp_path / f"fixed{ending}")).max() < 0.004


def test_jumps_are_closed_where_they_are(tmp_path: Path) -> None:
    film = spliced(tmp_path, [(8.3, -0.12), (16.6, 0.2)])
    assert np.abs(offsets(film)).max() > 0.07
    found = sync_video(film, SyncOptions(fix=str(tmp_path / "fixed.mkv")))
    assert len(found.measurement.segments) == 3
    assert found.repair is not None
    assert found.repair.status == "repaired", found.repair
    assert found.repair.silence_seconds == pytest.approx(0.12, abs=0.003)
    assert found.repair.dropped_seconds == pytest.approx(0.2, abs=0.003)
    assert found.repair.to_dict()["warp"]["kind"] == "warp"
    left = offsets(tmp_path / "fixed.mkv")
    assert np.abs(left).max() < 0.002


def test_stretches_too_short_to_be_closed_are_refused_and_the_measurement_stays(tmp_path: Path) -> None:
    parts = [(0, 0.5), (10, 0.0), (Fraction("10.1"), -0.5)]
    segments = [Segment(Fraction(a), Fraction(a) + Fraction(1, 10), o, (o, o), 0.99) for a, o in parts]
    sure = Estimate(0.5, (0.49, 0.51), 0.99, "flash-beep")
    found = SyncMeasurement(sure, Fraction(5), segments=tuple(segments))
    repair = repair_file("film.mkv", tmp_path / "fixed.mkv", found, lambda made: found)
    assert repair.status == "refused"
    assert "shorter than what would have to be left out" in repair.reason
