"""Well-known mistakes about when a number happened, each made again from its formula, beside what Genlock
says.

Prints one table: the error of each mistake in milliseconds (lowest and highest), and ours. The error is the
instant that a value is said to describe less the instant that it does describe, except where the row says so.

    python benchmarks/timing.py
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
import numpy.typing as npt

from genlock.core import Grid, Ticks, Track
from genlock.extractors.sound import framing
from genlock.media import Sound, encode, read_audio

Errors: TypeAlias = npt.NDArray[np.float64]

SPEECH_RATE = 16000


@dataclass(frozen=True)
class Mistake:
    """One mistake: what it does, and the errors in ms that it and Genlock make on the same values."""

    name: str
    """What is done, in a few words."""
    seen_in: str
    """Where."""
    errors: Callable[[], tuple[Errors, Errors]]
    """Gives (theirs, ours), each in ms."""


def instants(feature: framing.Framing, frames: int) -> Track:
    """A track whose every value is the instant that it describes, in seconds: moved along, it tells its
    error."""
    grid = feature.grid(SPEECH_RATE)
    return Track(grid.centers(frames), grid)


def interpolated(values: Errors, places: Errors) -> Errors:
    return np.interp(places, np.arange(len(values)), values)


def milliseconds(said: npt.ArrayLike, true: npt.ArrayLike) -> Errors:
    return 1000 * (np.asarray(said, np.float64) - np.asarray(true, np.float64))


# ------------------------------------------------------------------ from seconds to frames


def truncated_product() -> tuple[Errors, Errors]:
    """int(1.16 * 25) is 28, because 1.16 * 25 is 28.999999999999996."""
    grid, frames = Grid(25), np.arange(1, 501)
    times = [round(0.04 * int(k), 2) for k in frames]
    theirs = np.array([int(t * 25) for t in times])
    ours = np.array([grid.index(t, "floor") for t in times])
    return 40.0 * (theirs - frames), 40.0 * (ours - frames)


def rounded_stamps() -> tuple[Errors, Errors]:
    """Times of 29.97 fps rounded to milliseconds, times 29.97, floored."""
    true = Grid("30000/1001")
    frames = np.arange(5000)
    stamps = np.array([round(1000 * true.edge(int(k))) for k in frames])
    theirs = np.floor(stamps / 1000 * 29.97).astype(int)
    found = Ticks(stamps, "1/1000", 33).as_grid("30000/1001")
    assert found is not None
    ours = np.array([found.index(true.center(int(k)), "floor") for k in frames])
    length = float(1000 * true.period)
    return length * (theirs - frames), length * (ours - frames)


def segment_to_range() -> tuple[Errors, Errors]:
    """A range of frames to a span of seconds and back, by a class that holds window and step in floats."""
    window, step, grid = 0.025, 0.01, Grid(100)
    theirs, ours = [], []
    for first in range(50):
        for count in range(1, 50):
            start = (first - 0.5) * step + 0.5 * window
            end = start + count * step
            start = 0.0 if first == 0 else start
            back_first, back = int(np.rint((start - 0.5 * window) / step)), int((end - start) / step) + 1
            theirs.append(10.0 * max(abs(back - count), abs(back_first - first)))
            cells = grid.cells(*grid.span(range(first, first + count)))
            ours.append(10.0 * max(abs(len(cells) - count), abs(cells.start - first)))
    return np.array(theirs), np.array(ours)


# ------------------------------------------------------------------ from one rate to another


def stretched_corners() -> tuple[Errors, Errors]:
    """499 features of 10 s onto int(499 / 50 * 30) frames with align_corners=True; frame j is shown at
    j/30."""
    frames = int(499 / 50 * 30)
    track, video = instants(framing.wav2vec2(), 499), Grid(30)
    described = interpolated(track.values, np.arange(frames) * (499 - 1) / (frames - 1))
    ours = track.on(video, length=frames).values
    return milliseconds(described, video.edges(frames)[:-1]), milliseconds(ours, video.centers(frames))


def stretched_halves() -> tuple[Errors, Errors]:
    """499 features of 10 s onto 250 frames with align_corners=False; the middle of frame j is (j +
    1/2)/25."""
    track, video = instants(framing.wav2vec2(), 499), Grid(25)
    described = interpolated(track.values, (np.arange(250) + 0.5) * 499 / 250 - 0.5)
    # The last frame's middle lies after the last feature's, so there is nothing to interpolate to: it is
    # held.
    inner = slice(0, 249)
    ours = track.on(video, length=250).values[inner]
    return milliseconds(described[inner], video.centers(249)), milliseconds(ours, video.centers(249))


def even_windows() -> tuple[Errors, Errors]:
    """Sixteen features [2i - 8, 2i + 8) for video frame i, taken to lie about its middle."""
    track, video = instants(framing.wav2vec2(), 499), Grid(25)
    inner = np.arange(5, 240)
    theirs = np.array([track.values[2 * i - 8 : 2 * i + 8].mean() for i in inner])
    stacked = track.on(Grid(50)).on(video, "stack", count=16, length=250)
    return milliseconds(theirs, video.centers(250)[inner]), milliseconds(
        stacked.values[inner].mean(axis=1), video.centers(250)[inner]
    )


def video_rate_from_mel_rate() -> tuple[Errors, Errors]:
    """22,050 / 256 / 4 frames a second taken for 21.5: ten seconds."""
    video = Grid("21.5")
    frames = np.arange(216)
    return milliseconds(video.edges(215), frames / (22050 / 256 / 4)), milliseconds(
        video.edges(215), [float(Fraction(2 * int(k), 43)) for k in frames]
    )


def training_two_before() -> tuple[Errors, Errors]:
    """Mel at frame i - 2, with i counted from 1, in training; at frame i, counted from 0, when it runs."""
    frames, video = np.arange(2, 200), Grid(25)
    trained, run = video.edges(200)[frames + 1 - 2], video.edges(200)[frames]
    track = Track(video.centers(200), video)
    ours = track.on(video).values[frames]
    return milliseconds(trained, run), milliseconds(ours, video.centers(200)[frames])


# ------------------------------------------------------------------ from frames to seconds


def duration_over_count() -> tuple[Errors, Errors]:
    """Frame k of T taken to be (k + 1/2) duration / T: a segment of 30 s has 1499 frames, not 1500."""
    feature = framing.wav2vec2()
    count = feature.count(30 * SPEECH_RATE)
    true = [float(feature.center(k) / SPEECH_RATE) for k in range(count)]
    said = (np.arange(count) + 0.5) * 30 / count
    return milliseconds(said, true), milliseconds(feature.grid(SPEECH_RATE).centers(count), true)


def stride_of_21_ms() -> tuple[Errors, Errors]:
    """A stride of 20 ms rounded up to 21: a minute."""
    frames = np.arange(3000)
    feature = framing.wav2vec2()
    true = [float((feature.center(int(k)) - feature.first_center) / SPEECH_RATE) for k in frames]
    ours = feature.grid(SPEECH_RATE).centers(3000)
    return milliseconds(frames * 0.021, true), milliseconds(ours - ours[0], true)


def hop_in_seconds() -> tuple[Errors, Errors]:
    """A hop of int(0.01 * 22050) = 220 samples called 0.01 s: a minute."""
    feature = framing.stft_centered(512, int(0.01 * 22050))
    count = feature.count(60 * 22050)
    true = [float(feature.center(k) / 22050) for k in range(count)]
    return milliseconds(np.arange(count) * 0.01, true), milliseconds(feature.grid(22050).centers(count), true)


def window_forgotten() -> tuple[Errors, Errors]:
    """Frame k of a 25 ms window taken to describe k hops: half a window too early."""
    feature = framing.kaldi()
    true = [float(feature.center(k) / SPEECH_RATE) for k in range(1000)]
    return milliseconds(np.arange(1000) * 0.01, true), milliseconds(
        feature.grid(SPEECH_RATE).centers(1000), true
    )


def window_inside_transform() -> tuple[Errors, Errors]:
    """A window of 1024 in a transform of 2048 without centring, its middle taken to be 512: it is 1024."""
    feature = framing.stft_inside(2048, 512)
    true = [float(feature.center(k) / 22050) for k in range(100)]
    said = (np.arange(100) * 512 + 1024 / 2) / 22050
    return milliseconds(said, true), milliseconds(feature.grid(22050).centers(100), true)


def labels_not_snipped() -> tuple[Errors, Errors]:
    """Cluster label 2k of 100 Hz features made without snip_edges, for frame k of HuBERT."""
    labels, frames = framing.kaldi_no_snip(), framing.wav2vec2()
    true = [float(frames.center(k) / SPEECH_RATE) for k in range(500)]
    theirs = [float(labels.center(2 * k) / SPEECH_RATE) for k in range(500)]
    ours = [float(framing.kaldi().center(2 * k) / SPEECH_RATE) for k in range(500)]
    return milliseconds(theirs, true), milliseconds(ours, true)


def length_from_frames() -> tuple[Errors, Errors]:
    """61,334 samples give 191 frames; 191 x 0.02 s is taken to be how long the sound is."""
    true = 61_334 / SPEECH_RATE
    sound = Track(np.zeros(61_334, np.float32), Grid.of_samples(SPEECH_RATE))
    ours = len(sound) * float(sound.grid.period)
    return milliseconds([framing.wav2vec2().count(61_334) * 0.02], [true]), milliseconds([ours], [true])


def frame_lost_per_chunk() -> tuple[Errors, Errors]:
    """Chunks of 30 s give 1499 frames each; put together they are read as one row of 20 ms: an hour."""
    chunks = np.arange(120)
    feature = framing.wav2vec2()
    per_chunk = feature.count(30 * SPEECH_RATE)
    said = chunks * per_chunk * 0.02
    ours = [
        float(feature.grid(SPEECH_RATE, 30 * int(c)).start - feature.grid(SPEECH_RATE).start) for c in chunks
    ]
    return milliseconds(said, chunks * 30.0), milliseconds(ours, chunks * 30.0)


def flux_shifted_by_half_a_window() -> tuple[Errors, Errors]:
    """The difference of frames k-1 and k put at frame k + n_fft // (2 hop): it lies between k-1 and k."""
    frames = np.arange(1, 500)
    stft = framing.stft_centered(2048, 512)
    true = [float((stft.center(int(k) - 1) + stft.center(int(k))) / 2 / 22050) for k in frames]
    said = (frames + 2048 // (2 * 512)) * 512 / 22050
    ours = Grid.of_windows(sample_rate=22050, hop=512, first_center=-256).centers(499, first=1)
    return milliseconds(said, true), milliseconds(ours, true)


# ------------------------------------------------------------------ from file to clock


def mp3_delay(rate: int) -> Callable[[], tuple[Errors, Errors]]:
    """A click in an MP3 file, at the container's time stamps and on Genlock's media clock."""

    def errors() -> tuple[Errors, Errors]:
        truth, times = 0.51371, np.arange(rate) / rate
        burst = np.exp(-(((times - truth) / 0.0015) ** 2)) * np.cos(2 * np.pi * 1500 * (times - truth))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "click.mp3"
            encode(path, sound=Sound(0.8 * burst, rate, codec="libmp3lame", bit_rate=64000))
            with av.open(str(path)) as container:
                decoded = list(container.decode(audio=0))
            raw = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in decoded])
            first = float(decoded[0].pts * decoded[0].time_base)
            track = read_audio(path, rate=None)
        theirs = centroid(raw, first + np.arange(len(raw)) / rate)
        ours = centroid(track.values, track.centers)
        return milliseconds([theirs], [truth]), milliseconds([ours], [truth])

    return errors


def centroid(samples: npt.NDArray[np.float32], times: Errors) -> float:
    power = samples.astype(np.float64) ** 2
    near = np.abs(times - times[power.argmax()]) < 0.02
    return float(power[near] @ times[near] / power[near].sum())


MISTAKES = (
    Mistake("int(seconds * fps)", "an offset test set", truncated_product),
    Mistake("floor of ms-rounded times at 29.97 fps", "frame extraction", rounded_stamps),
    Mistake("segment to range and back, in floats", "pyannote.core", segment_to_range),
    Mistake("stretch with align_corners=True", "FaceFormer", stretched_corners),
    Mistake("stretch with align_corners=False", "talking heads", stretched_halves),
    Mistake("16 features [2i-8, 2i+8)", "VOCA, AD-NeRF", even_windows),
    Mistake("86.13 / 4 frames a second taken for 21.5, 10 s", "SpecVQGAN", video_rate_from_mel_rate),
    Mistake("mel at i-2 in training, i when it runs", "Wav2Lip", training_two_before),
    Mistake("word times duration / T, 30 s", "CTC alignment", duration_over_count),
    Mistake("stride of 20 ms rounded up to 21, 60 s", "CTC alignment", stride_of_21_ms),
    Mistake("hop of 220 samples called 0.01 s, 60 s", "22,050 Hz front ends", hop_in_seconds),
    Mistake("frame k of a 25 ms window at k hops", "Kaldi front ends", window_forgotten),
    Mistake("centre at win/2 instead of n_fft/2", "uncentred STFT", window_inside_transform),
    Mistake("labels made without snip_edges", "HuBERT targets", labels_not_snipped),
    Mistake("length = frames x 0.02", "wav2vec 2.0", length_from_frames),
    Mistake("one frame lost in each 30 s chunk, 1 h", "HF pipelines", frame_lost_per_chunk),
    Mistake("flux shifted by half a window", "librosa.onset", flux_shifted_by_half_a_window),
    Mistake("MP3 delay not taken off, 44.1 kHz (measured)", "PyAV time stamps", mp3_delay(44100)),
    Mistake("MP3 delay not taken off, 16 kHz (measured)", "PyAV time stamps", mp3_delay(16000)),
)


def main() -> None:
    """Print the table."""
    print(f"{'mistake':<48} {'seen in':<22} {'wrong':>6} {'error, ms':>20} {'ours, ms':>9}")
    for mistake in MISTAKES:
        theirs, ours = mistake.errors()
        span = f"{theirs.min():+.1f} ... {theirs.max():+.1f}"
        wrong = np.mean(np.abs(theirs) > 0.05)
        worst = ours[np.abs(ours).argmax()]
        print(f"{mistake.name:<48} {mistake.seen_in:<22} {wrong:>6.0%} {span:>20} {abs(worst):>9.1f}")


if __name__ == "__main__":
    main()
