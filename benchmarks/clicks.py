"""Where a click planted at a known instant is read, container by container: error in ms, and the video frame.

The click is a short tone burst; it is found again as the centroid of its energy in the waveform. The truth is
relative to the first video frame where there is one (muxers of streams move sound and picture together), else
absolute.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from genlock.core.errors import GenlockError
from genlock.core.time import exact
from genlock.media import Picture, Sound, encode, frame_cells, probe, read_audio

INSTANTS = (0.3137, 0.7771, 1.2487, 1.5003)
SECONDS = 1.8


@dataclass(frozen=True)
class Case:
    """One container with one codec."""

    name: str
    ending: str
    codec: str
    rates: tuple[int, ...]
    video: str | None = None
    starts: tuple[str, ...] = ("0",)
    frame_rates: tuple[str, ...] = ("25",)
    options: tuple[tuple[str, str], ...] = ()


OFFSETS = ("0", "-0.5", "-0.1234", "0.3217", "2")
FRAME_RATES = ("25", "30000/1001", "43/2", "60", "variable")
CASES = (
    Case("wav / PCM", "wav", "pcm_s16le", (8000, 11025, 16000, 22050, 44100, 48000)),
    Case("flac", "flac", "flac", (8000, 22050, 44100, 48000)),
    Case("ogg / Opus", "ogg", "libopus", (8000, 16000, 48000)),
    Case("mp3, CBR", "mp3", "libmp3lame", (8000, 11025, 16000, 22050, 44100, 48000)),
    Case("mp3, VBR", "mp3", "libmp3lame", (16000, 44100), options=(("qscale", "4"), ("flags", "+qscale"))),
    Case("m4a / AAC", "m4a", "aac", (8000, 16000, 22050, 44100, 48000)),
    Case("mp4 / AAC", "mp4", "aac", (8000, 16000, 44100, 48000), "libx264", OFFSETS, FRAME_RATES),
    Case("mkv / AAC", "mkv", "aac", (16000, 44100, 48000), "libx264", OFFSETS, FRAME_RATES),
    Case("mkv / Opus", "mkv", "libopus", (8000, 16000, 48000), "libx264", OFFSETS, FRAME_RATES),
    Case("webm / Opus", "webm", "libopus", (48000,), "libvpx", OFFSETS, ("25", "30000/1001")),
    Case("mkv / FLAC", "mkv", "flac", (44100,), "ffv1", OFFSETS),
    Case("mkv / MP3", "mkv", "libmp3lame", (44100,), "libx264", OFFSETS),
    Case("mov / PCM", "mov", "pcm_s16le", (8000, 44100, 48000), "libx264", OFFSETS, FRAME_RATES),
    Case("mpg / MP2", "mpg", "mp2", (44100, 48000), "mpeg2video", OFFSETS, ("25", "30000/1001")),
    Case("ts / AAC", "ts", "aac", (44100, 48000), "libx264", OFFSETS, ("25", "30000/1001")),
    Case("flv / AAC", "flv", "aac", (44100,), "libx264", OFFSETS),
    Case("avi / PCM", "avi", "pcm_s16le", (44100,), "mpeg4"),
    Case("avi / MP3 (states no delay)", "avi", "libmp3lame", (44100,), "mpeg4"),
    Case("adts / AAC (states no delay)", "aac", "aac", (44100,)),
)


def clicks(rate: int) -> np.ndarray:
    """Tone bursts centred on INSTANTS, each some 3 ms long, within the band of every codec."""
    times = np.arange(round(SECONDS * rate)) / rate
    sound = np.zeros(len(times))
    for instant in INSTANTS:
        away = times - instant
        sound += 0.8 * np.exp(-((away / 0.0015) ** 2)) * np.cos(2 * np.pi * min(1500, rate / 8) * away)
    return sound.astype(np.float32)


def pictures(rate: str, start: Fraction) -> Picture:
    """A picture that is white exactly in the frames that hold a click."""
    if rate == "variable":
        steps = itertools.cycle((33, 41, 17, 60, 100, 20))
        pts = [int(start * 1000)]
        while pts[-1] < (start + 2) * 1000:
            pts.append(pts[-1] + next(steps))
        edges = [Fraction(p, 1000) - start for p in pts]
        timing = {"rate": 25, "pts": pts, "time_base": Fraction(1, 1000)}
    else:
        edges = [k / Fraction(rate) for k in range(int(2 * Fraction(rate)))]
        timing = {"rate": rate, "start": start}
    frames = []
    for low, high in itertools.pairwise([*edges, edges[-1] + 1]):
        lit = any(low <= exact(instant) < high for instant in INSTANTS)
        frames.append(np.full((48, 64), 235 if lit else 16, np.uint8))
    return Picture(frames, **timing)


def measure(case: Case, rate: int, start: str, frame_rate: str, folder: Path) -> tuple[float, int]:
    """Largest error of a click in ms, and how many clicks fell into a frame that is not theirs."""
    path = folder / f"clip.{case.ending}"
    sound_start, picture_start = max(Fraction(0), Fraction(start)), max(Fraction(0), -Fraction(start))
    sound = Sound(clicks(rate), rate, start=sound_start, codec=case.codec, options=dict(case.options))
    # Frames and clicks are laid out from the sound's own beginning: the picture shows the sound's clicks.
    picture = None
    if case.video:
        picture = pictures(frame_rate, picture_start)
        picture = Picture(**{**vars(picture), "codec": case.video})
    encode(path, picture, sound)
    track = read_audio(path, rate=None)
    times, energy = track.centers, track.values.astype(np.float64) ** 2
    zero = Fraction(0)
    if case.video:
        picture_began = probe(path).video[0].start
        assert picture_began is not None
        zero = picture_began - picture_start
    errors, wrong = [], 0
    for instant in INSTANTS:
        truth = float(zero + sound_start) + instant
        near = np.abs(times - truth) < 0.1
        found = (
            float((energy[near] * times[near]).sum() / energy[near].sum()) if energy[near].any() else np.inf
        )
        errors.append(abs(found - truth) * 1000)
        if case.video and np.isfinite(found):
            cells, _ = frame_cells(path)
            told = cells.index(found, "floor")
            true = cells.index(zero + sound_start + exact(instant), "floor")
            wrong += told != true
    return max(errors), wrong


def main() -> int:
    """Print the table; status 1 if a container that states its delay is off by more than 1 ms."""
    print(f"{'container':30s} {'files':>5s} {'mean ms':>8s} {'worst ms':>8s} {'wrong frame':>11s}")
    worst_of_all = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            errors, wrong = [], 0
            for rate, start, frame_rate in itertools.product(case.rates, case.starts, case.frame_rates):
                try:
                    error, missed = measure(case, rate, start, frame_rate, Path(folder))
                except GenlockError as problem:
                    print(f"{case.name}: {rate} Hz, start {start}, {frame_rate}: {problem}", file=sys.stderr)
                    continue
                errors.append(error)
                wrong += missed
            if not errors:
                continue
            print(
                f"{case.name:30s} {len(errors):5d} {np.mean(errors):8.3f} {max(errors):8.3f} {wrong:11d}",
                flush=True,
            )
            if "states no delay" not in case.name:
                worst_of_all = max(worst_of_all, max(errors))
    print(f"worst where a delay is stated or none exists: {worst_of_all:.3f} ms (limit 1 ms)")
    return 0 if worst_of_all < 1 else 1


if __name__ == "__main__":
    sys.exit(main())
