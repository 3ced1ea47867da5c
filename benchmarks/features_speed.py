"""Speed of sound features: Genlock's one pass against ffmpeg-to-wav and librosa, on the same clips, in one
run.

Both sides make a mel spectrogram (librosa's default), 13 MFCC, energy and onset strength of every clip.

- Genlock: what ``genlock features`` does for a clip: probe, the times of the video frames, and one pass over
the
  file that decodes the sound once and feeds four extractors.
- The chain: ``ffmpeg`` writes a wav file, ``librosa.load`` reads it at 22,050 Hz, and ``melspectrogram``,
  ``mfcc``, ``rms`` and ``onset_strength`` are called on the samples. ``shared`` is the same for somebody who
  knows that librosa makes the spectrogram anew in every call, and makes it once by hand.

The start of Python and the import of packages count for neither side; the start of the ffmpeg process, which
the chain needs for every clip, counts, and is printed apart. The sides take turns, clip by clip.

    python benchmarks/features_speed.py [--clips FOLDER] [--count 60]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import librosa
from _data import VIDEOS, need

from genlock.extractors import AudioExtractor, make_extractor
from genlock.media import AudioBlock, AudioForm, read
from genlock.pipeline import ClipRequest, read_clip

SPECS = ("mel", "mfcc", "energy", "onset")


class Feed:
    """Hands sound on to an extractor."""

    def __init__(self, extractor: AudioExtractor) -> None:
        self.extractor, self.form = extractor, AudioForm(extractor.sample_rate)
        self.stream = None

    def push(self, block: AudioBlock) -> None:
        if self.stream is None:
            self.stream = self.extractor.open(block.start, block.clock)
        self.stream.push(block.samples)

    def finish(self) -> None:
        self.track = self.stream.finish()


def find_ffmpeg() -> str:
    """The ffmpeg program: on the path, or in the imageio-ffmpeg package."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg
    except ImportError:
        sys.exit("the chain to compare with needs ffmpeg: install it, or `pip install imageio-ffmpeg`")
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def ours(extractors: list[AudioExtractor]) -> Callable[[Path], object]:
    return lambda clip: read_clip(clip, ClipRequest(extractors=tuple(extractors)))


def ours_bare(extractors: list[AudioExtractor]) -> Callable[[Path], object]:
    return lambda clip: read(clip, [Feed(extractor) for extractor in extractors])


def to_wav(ffmpeg: str, folder: str) -> Callable[[Path], Path]:
    def convert(clip: Path) -> Path:
        wav = Path(folder) / "clip.wav"
        command = [ffmpeg, "-v", "error", "-nostdin", "-y", "-i", str(clip), "-vn", str(wav)]
        subprocess.run(command, check=True)
        return wav

    return convert


def chain(convert: Callable[[Path], Path]) -> Callable[[Path], object]:
    def run(clip: Path) -> object:
        samples, rate = librosa.load(convert(clip), sr=22050)
        return (
            librosa.feature.melspectrogram(y=samples, sr=rate),
            librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=13),
            librosa.feature.rms(y=samples),
            librosa.onset.onset_strength(y=samples, sr=rate),
        )

    return run


def chain_shared(convert: Callable[[Path], Path]) -> Callable[[Path], object]:
    def run(clip: Path) -> object:
        samples, rate = librosa.load(convert(clip), sr=22050)
        mel = librosa.feature.melspectrogram(y=samples, sr=rate)
        decibels = librosa.power_to_db(mel)
        return (
            mel,
            librosa.feature.mfcc(S=decibels, sr=rate, n_mfcc=13),
            librosa.feature.rms(y=samples),
            librosa.onset.onset_strength(S=decibels, sr=rate),
        )

    return run


def main() -> None:
    """Print seconds a clip for each side, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=Path, default=VIDEOS, help="folder of clips")
    parser.add_argument("--count", type=int, default=60, help="how many of them")
    arguments = parser.parse_args()
    clips = need(arguments.clips)[: arguments.count]
    extractors = [make_extractor(spec) for spec in SPECS]
    with tempfile.TemporaryDirectory() as folder:
        convert = to_wav(find_ffmpeg(), folder)
        sides: dict[str, Callable[[Path], object]] = {
            "genlock features": ours(extractors),
            "genlock, read and extractors alone": ours_bare(extractors),
            "ffmpeg + librosa": chain(convert),
            "ffmpeg + librosa, shared": chain_shared(convert),
            "ffmpeg alone": convert,
        }
        wall, processor = dict.fromkeys(sides, 0.0), dict.fromkeys(sides, 0.0)
        for side in sides.values():
            side(clips[0])  # imports, compilation and caches
        for clip in clips:
            for name, side in sides.items():
                began, used = time.perf_counter(), processor_seconds()
                side(clip)
                wall[name] += time.perf_counter() - began
                processor[name] += processor_seconds() - used
    print(f"{len(clips)} clips, features {', '.join(SPECS)}; milliseconds a clip")
    print(f"{'':<36} {'elapsed':>8} {'processor':>10}")
    for name in sides:
        print(f"{name:<36} {1000 * wall[name] / len(clips):8.1f} {1000 * processor[name] / len(clips):10.1f}")
    for name in ("ffmpeg + librosa", "ffmpeg + librosa, shared"):
        ratios = [spent[name] / spent["genlock features"] for spent in (wall, processor)]
        print(f"ratio, {name}: {ratios[0]:.2f} elapsed, {ratios[1]:.2f} processor (aim: 3)")


def processor_seconds() -> float:
    """Processor time of this process, its threads and its finished children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
