"""Clicks in real files land in waveform, mel energy and onset strength, and in the right video frame."""

from __future__ import annotations

from fractions import Fraction
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from genlock.core import Track
from genlock.extractors import AudioExtractor, AudioStream, make_extractor
from genlock.media import (
    AudioBlock,
    AudioForm,
    Picture,
    ReadOptions,
    Sound,
    encode,
    frame_cells,
    probe,
    read,
    read_audio,
)

LIMIT_SECONDS = 0.001
INSTANTS = (0.31371, 0.77713, 1.24867)  # seconds from the sound's first sample, on no sample of any rate
OFFSETS = cycle(("0", "-0.5", "-0.1234", "0.3217", "2"))  # the sound's start less the picture's

CASES = [
    *(("wav", "pcm_s16le", rate, None) for rate in (8000, 11025, 16000, 44100, 48000)),
    *(("mp3", "libmp3lame", rate, None) for rate in (8000, 16000, 22050, 44100, 48000)),
    *(("mp4", "aac", rate, fps) for rate in (8000, 22050, 44100) for fps in ("25", "21.5", "variable")),
    *(("mkv", "libopus", rate, fps) for rate in (8000, 16000) for fps in ("30000/1001", "60", "variable")),
    ("mp4", "aac", 48000, "variable"),
    ("mp4", "aac", 16000, "30000/1001"),
    ("mp4", "aac", 32000, "60"),
    ("mkv", "libopus", 24000, "25"),
    ("mkv", "libopus", 48000, "21.5"),
]


class Feed:
    """Hands the sound of a file on to an extractor, piece by piece."""

    def __init__(self, extractor: AudioExtractor) -> None:
        self.extractor, self.form = extractor, AudioForm(extractor.sample_rate)
        self.stream: AudioStream | None = None

    def push(self, block: AudioBlock) -> None:
        self.stream = self.stream or self.extractor.open(block.start, block.clock)
        self.stream.push(block.samples)

    def finish(self) -> None:
        assert self.stream is not None
        self.track = self.stream.finish()


def clicks(rate: int) -> np.ndarray:
    """Bursts of some 3 ms about the instants, in the band of every codec, float32 [n]."""
    times = np.arange(round(1.5 * rate)) / rate
    away = times[:, None] - np.array(INSTANTS)
    bursts = np.exp(-((away / 0.0015) ** 2)) * np.cos(2 * np.pi * min(1500, rate / 8) * away)
    return (0.8 * bursts.sum(axis=1)).astype(np.float32)


def frames_at(rate: str, start: Fraction) -> Picture:
    """Two seconds and more of small grey frames."""
    if rate == "variable":
        steps = np.cumsum([0, *([33, 41, 17, 60, 100, 20] * 14)])
        pts = [int(s) * 10 + round(start * 10_000) for s in steps]
        return Picture([np.full((32, 32), 90, np.uint8)] * len(pts), pts=pts, time_base="1/10000")
    count = int(Fraction(rate) * 4)
    return Picture([np.full((32, 32), 90, np.uint8)] * count, rate=Fraction(rate), start=start)


def power_of(track: Track) -> np.ndarray:
    """What is proportional to power: of mel its sum over bands, of onset strength the rise as a ratio."""
    values = track.values.astype(np.float64)
    if track.name == "mel":
        return values.sum(axis=1)
    return 10 ** (values / 10) - 1 if track.name == "onset" else values**2


def centroid(track: Track, power: np.ndarray, truth: float) -> float:
    near = np.abs(track.centers - truth) < 0.1
    return float(power[near] @ track.centers[near] / power[near].sum())


@pytest.mark.parametrize("ending, codec, rate, fps", CASES, ids=lambda v: str(v).replace("/", ":"))
def test_clicks_land_where_they_are(
    tmp_path: Path, ending: str, codec: str, rate: int, fps: str | None
) -> None:
    offset = Fraction(next(OFFSETS)) if fps else Fraction(0)
    sound_start, picture_start = max(Fraction(0), offset), max(Fraction(0), -offset)
    path = tmp_path / f"a clip.{ending}"
    picture = frames_at(fps, picture_start) if fps else None
    # At its default bit rate MP3 of 8 kHz puts a twentieth of a click's energy up to 70 ms before it.
    bits = 64000 if ending == "mp3" else 0
    encode(path, picture, Sound(clicks(rate), rate, start=sound_start, codec=codec, bit_rate=bits))
    feeds = [Feed(make_extractor(spec)) for spec in ("mel", "onset")]
    read(path, feeds, ReadOptions())
    tracks = [*(feed.track for feed in feeds), read_audio(path, rate=None)]
    began = probe(path).video[0].start - picture_start if fps else Fraction(0)
    truths = [Fraction(str(instant)) + sound_start + began for instant in INSTANTS]
    for track in tracks:
        power = power_of(track)
        for truth in truths:
            found = centroid(track, power, float(truth))
            assert abs(found - float(truth)) < LIMIT_SECONDS, (track.name, float(truth), found)
    if fps:
        check_frames(path, tracks, truths)


def check_frames(path: Path, tracks: list[Track], truths: list[Fraction]) -> None:
    """Every click that is 1 ms or more from a frame's edge falls in the frame that holds it."""
    cells, length = frame_cells(path)
    edges = cells.edges(length)
    seen = [t for t in truths if edges[0] < t < edges[-1] and np.abs(edges - float(t)).min() > LIMIT_SECONDS]
    assert seen, "no click lies beside the picture"
    for truth in seen:
        frame = cells.index(truth, "floor")
        for track in tracks:
            power = power_of(track)
            assert cells.indices([centroid(track, power, float(truth))])[0] == frame
            if track.name == "mel":
                continue  # its window of 93 ms is longer than a frame: only the centroid tells them apart
            on_frames = Track(power, track.grid).on(cells, "mean", length=length)
            share = np.where(on_frames.valid, on_frames.values, 0) * np.diff(edges)
            near = np.abs(cells.centers(length) - float(truth)) < 0.2
            assert int(np.where(near, share, 0).argmax()) == frame, (track.name, float(truth))
