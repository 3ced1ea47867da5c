"""``genlock prepare`` against the chain of programs that RegNet and its heirs prepare their data with.

The chain is written anew here, step by step as its authors run it; each step takes the files of the last one:

1. ``ffmpeg`` takes the sound out of the video; ``ffprobe`` (where there is one) says how long it is
2. ``ffmpeg`` cuts the sound at 10 s, and again makes it mono at 22,050 Hz
3. ``ffmpeg`` cuts the video at 10 s, which encodes it anew, and again brings it to 21.5 frames a second
4. ``ffmpeg`` writes the frames as JPEG files of 340 x 256
5. a Python program makes the mel spectrograms with librosa
6. with flow: a Python program measures TV-L1 between the JPEG files and writes two JPEG files a pair

(RegNet repeats shorter videos until they last 10 s; we do not, which spares the chain two thirds of its work on clips
of 3 s.) ``genlock prepare`` makes the same outputs: sound and mel at 22,050 Hz, video and frames at 21.5, flow.
Both sides have the same number of processes at a time; ffmpeg takes as many threads as it likes. Starting Python and
importing count on both sides. The clips are dealt into rounds, in which the sides take turns, the first one
alternating; what else the machine does falls on both. CPU seconds are those of all processes of a side, and say
more than the wall clock on a machine that has other work.

Three comparisons: (i) all clips without flow, with the video at 21.5 frames as an output and, in rounds of its own,
without it (for the chain that is only a step on the way, which it cannot leave out); (ii) few clips with flow, DIS
against TV-L1; (iii) the same with the same flow on both sides.

    python benchmarks/prepare_chain.py [FOLDER] [--clips 60] [--rounds 2] [--flow-clips 1] [--workers 2]
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _data import VIDEOS, need

SECONDS, RATE, FPS = 10, 22050, "21.5"
WIDTH, HEIGHT = 340, 256
BOUND = 20.0
SOUND = f"sound@{RATE},mel:specvqgan"
FRAMES = f"frames@{FPS}/{WIDTH}x{HEIGHT}"
VIDEO = f"video@{FPS}"


# ---------------------------------------------------------------- the chain


def find_programs() -> tuple[str, str | None]:
    """``ffmpeg`` on the path or in the imageio-ffmpeg package, and ``ffprobe`` where there is one."""
    found = shutil.which("ffmpeg")
    if found is None:
        try:
            import imageio_ffmpeg
        except ImportError:
            sys.exit("the chain to compare with needs ffmpeg: install it, or `pip install imageio-ffmpeg`")
        found = str(imageio_ffmpeg.get_ffmpeg_exe())
    return found, shutil.which("ffprobe")


@dataclass
class Chain:
    """The chain of programs, in a folder of its own."""

    folder: Path
    workers: int
    ffmpeg: str = field(default_factory=lambda: find_programs()[0])
    ffprobe: str | None = field(default_factory=lambda: find_programs()[1])

    def run(self, videos: Sequence[Path], flow: str | None = None) -> None:
        """All steps of some videos; flow is ``tvl1`` or ``dis``."""
        for step in (
            "audio_ori",
            "audio_10s",
            "audio_10s_22050hz",
            "videos_align",
            "videos_10s_21.5fps",
            "frames",
        ):
            (self.folder / step).mkdir(parents=True, exist_ok=True)
        for step in (self.extract, self.frames):
            with ThreadPoolExecutor(self.workers) as pool:
                list(pool.map(step, videos))
        names = [video.stem for video in videos]
        self.python("mel", names)
        if flow is not None:
            self.python(flow, names)

    def call(self, source: Path, *arguments: str, before: Sequence[str] = ()) -> None:
        command = [self.ffmpeg, "-nostdin", "-loglevel", "error", *before, "-i", str(source), *arguments]
        subprocess.run(command, check=True)

    def extract(self, video: Path) -> None:
        """Sound and video of one file, steps 1 to 3."""
        folder = self.folder
        own, cut, sound = (
            folder / step / f"{video.stem}.wav" for step in ("audio_ori", "audio_10s", "audio_10s_22050hz")
        )
        align, slow = (folder / step / f"{video.stem}.mp4" for step in ("videos_align", "videos_10s_21.5fps"))
        self.call(video, "-f", "wav", "-vn", "-y", str(own))
        if self.ffprobe is not None:
            show = ["-show_entries", "format=duration", "-v", "quiet", "-of", "csv=p=0"]
            subprocess.run([self.ffprobe, "-i", str(own), *show], check=True, capture_output=True)
        self.call(own, "-t", str(SECONDS), "-y", str(cut))
        self.call(cut, "-ac", "1", "-ab", "16k", "-ar", str(RATE), "-y", str(sound))
        self.call(video, "-t", str(SECONDS), "-y", str(align))
        self.call(align, "-r", FPS, "-y", str(slow))

    def frames(self, video: Path) -> None:
        """Step 4."""
        target = self.folder / "frames" / video.stem
        target.mkdir(exist_ok=True)
        slow = self.folder / "videos_10s_21.5fps" / f"{video.stem}.mp4"
        self.call(slow, "-s", f"{WIDTH}x{HEIGHT}", "-q:v", "2", str(target / "img_%05d.jpg"))

    def python(self, step: str, names: Sequence[str]) -> None:
        """A step that is a Python program of its own."""
        command = [sys.executable, __file__, "--step", step, str(self.folder), str(self.workers), *names]
        subprocess.run(command, check=True)


def mel_step(work: tuple[str, str]) -> None:
    """Step 5 of one clip: SpecVQGAN's mel spectrogram by librosa."""
    import librosa

    folder, name = Path(work[0]), work[1]
    samples, rate = librosa.load(folder / "audio_10s_22050hz" / f"{name}.wav", sr=None)
    spectrum = np.abs(librosa.stft(samples, n_fft=1024, hop_length=256))
    mel = librosa.filters.mel(sr=rate, n_fft=1024, n_mels=80, fmin=125, fmax=7600) @ spectrum
    level = np.clip((20 * np.log10(np.maximum(1e-5, mel)) - 20 + 100) / 100, 0, 1)
    (folder / "melspec_10s_22050hz").mkdir(exist_ok=True)
    np.save(folder / "melspec_10s_22050hz" / f"{name}_mel.npy", level)


def tvl1_step(work: tuple[str, str]) -> None:
    """TV-L1 as OpenCV has it."""
    _flow_step(work, cv2.optflow.DualTVL1OpticalFlow_create())  # type: ignore[attr-defined]


def dis_step(work: tuple[str, str]) -> None:
    """DIS, medium preset."""
    _flow_step(work, cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM))  # type: ignore[attr-defined]


def _flow_step(work: tuple[str, str], method: Any) -> None:
    cv2.setNumThreads(1)  # the processes of the pool are what runs in parallel, as on the other side
    folder, name = Path(work[0]), work[1]
    target = folder / "flow" / name
    target.mkdir(parents=True, exist_ok=True)
    before = None
    for k, path in enumerate(sorted((folder / "frames" / name).glob("*.jpg"))):
        after = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if before is not None:
            flow = method.calc(before, after, None)
            packed = np.clip((flow + BOUND) * (255 / (2 * BOUND)), 0, 255).astype(np.uint8)
            cv2.imwrite(str(target / f"flow_x_{k:05d}.jpg"), packed[..., 0])
            cv2.imwrite(str(target / f"flow_y_{k:05d}.jpg"), packed[..., 1])
        before = after


STEPS: dict[str, Callable[[tuple[str, str]], None]] = {"mel": mel_step, "tvl1": tvl1_step, "dis": dis_step}


# ---------------------------------------------------------------- ours


@dataclass
class Ours:
    """``genlock prepare`` on a folder that grows."""

    folder: Path
    workers: int

    def run(self, videos: Sequence[Path], outputs: str) -> None:
        """The videos are added to the folder, and the same command goes on."""
        source = self.folder / "source"
        source.mkdir(parents=True, exist_ok=True)
        for video in videos:
            (source / video.name).symlink_to(video.resolve())
        command = [
            sys.executable,
            "-m",
            "genlock.cli",
            "prepare",
            str(source),
            "-o",
            str(self.folder / "dataset"),
            "--outputs",
            outputs,
            "--clip-seconds",
            str(SECONDS),
            "--workers",
            str(self.workers),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# ---------------------------------------------------------------- measuring


@dataclass
class Cost:
    """What one side took for some clips."""

    clips: int = 0
    wall: float = 0.0
    processor: float = 0.0

    def add(self, clips: int, run: Callable[[], None]) -> tuple[float, float]:
        """Run it; wall and CPU seconds of this time."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        run()
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.clips, self.wall, self.processor = (
            self.clips + clips,
            self.wall + wall,
            self.processor + processor,
        )
        return wall, processor

    def __str__(self) -> str:
        return (
            f"{self.clips:4d} clips  {self.wall:8.1f} s wall ({60 * self.clips / self.wall:7.1f} clips a minute)  "
            f"{self.processor:8.1f} s CPU ({60 * self.clips / self.processor:7.1f} clips a CPU minute)"
        )


Side = tuple[str, Callable[[Sequence[Path]], None]]


def compare(title: str, rounds: Sequence[Sequence[Path]], base: Side, *others: Side) -> dict[str, Cost]:
    """Each round is done by every side; prints what each cost, and how many times more clips it makes than the base."""
    if not rounds:
        return {}
    sides = (base, *others)
    costs = {name: Cost() for name, _ in sides}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name, _ in sides}
    for number, videos in enumerate(rounds):
        for name, run in sides if number % 2 == 0 else sides[::-1]:
            times[name].append(costs[name].add(len(videos), lambda run=run, videos=videos: run(videos)))  # type: ignore[misc]
    print(f"\n{title}")
    for name, _ in sides:
        print(f"  {name:<36} {costs[name]}")
    for name, _ in others:
        wall = [b[0] / o[0] for b, o in zip(times[base[0]], times[name], strict=True)]
        processor = [b[1] / o[1] for b, o in zip(times[base[0]], times[name], strict=True)]
        print(
            f"  {name}: x {costs[base[0]].wall / costs[name].wall:.2f} by wall ({min(wall):.2f}...{max(wall):.2f} in "
            f"{len(wall)} rounds), x {costs[base[0]].processor / costs[name].processor:.2f} by CPU "
            f"({min(processor):.2f}...{max(processor):.2f})"
        )
    sys.stdout.flush()
    return costs


def check(chain: Chain, dataset: Path) -> None:
    """The finished dataset, read and checked whole, and beside what the chain made."""
    from genlock.data.reading import ClipSet

    clips = ClipSet(dataset, ["sound_22050", "mel-specvqgan"])
    differences, lengths = [], []
    for clip in clips:
        mel = clip.tracks["mel-specvqgan"].values
        theirs = np.load(chain.folder / "melspec_10s_22050hz" / f"{Path(clip.row['source']).stem}_mel.npy").T
        count = min(len(mel), len(theirs))
        differences.append(np.abs(mel[:count] - theirs[:count]).mean())
        frames = next(made for made in clip.row["outputs"] if made["kind"].startswith("frames"))
        made_by_chain = len(list((chain.folder / "frames" / Path(clip.row["source"]).stem).glob("*.jpg")))
        lengths.append((frames["length"], made_by_chain))
    counted = ", ".join(
        f"{a} of ours, {b} of theirs: {lengths.count((a, b))} clips" for a, b in sorted(set(lengths))
    )
    print(
        f"\nread and checked against their SHA-256: {len(clips)} clips; mel beside the chain's: mean difference "
        f"{np.mean(differences):.4f} of 0...1 (largest clip {np.max(differences):.4f})\nframes: {counted}"
    )


def main() -> None:
    """Print the three comparisons."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=VIDEOS)
    parser.add_argument("--clips", type=int, default=60, help="without flow, with the video")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--bare-clips", type=int, default=20, help="without flow, without the video")
    parser.add_argument("--flow-clips", type=int, default=1, help="with TV-L1, which takes a second a pair")
    parser.add_argument("--same-clips", type=int, default=20, help="with DIS on both sides")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    videos = need(arguments.folder)

    def dealt(count: int, rounds: int) -> list[list[Path]]:
        chosen = videos[:count]
        return [chosen[k::rounds] for k in range(min(rounds, len(chosen)))]

    program, _ = find_programs()
    version = subprocess.run([program, "-version"], capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )[0]
    print(
        f"machine: {platform.processor() or platform.machine()}, {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.1f}; {arguments.workers} processes at a time on both sides; {version}"
    )
    with tempfile.TemporaryDirectory() as scratch:
        places = iter(Path(scratch) / str(k) for k in range(100))

        def chain_of(flow: str | None = None) -> tuple[Chain, Callable[[Sequence[Path]], None]]:
            chain = Chain(next(places), arguments.workers)
            return chain, lambda some: chain.run(some, flow)

        def ours_of(*outputs: str) -> tuple[Ours, Callable[[Sequence[Path]], None]]:
            ours = Ours(next(places), arguments.workers)
            return ours, lambda some: ours.run(some, ",".join((SOUND, FRAMES, *outputs)))

        chain, run_chain = chain_of()
        ours, run_ours = ours_of(VIDEO)
        compare(
            "(i) sound, mel, frames, video; without flow",
            dealt(arguments.clips, arguments.rounds),
            ("the chain", run_chain),
            ("genlock prepare", run_ours),
        )
        if arguments.clips:
            check(chain, ours.folder / "dataset")
        compare(
            "(i) the same without the video as an output",
            dealt(arguments.bare_clips, 2),
            ("the chain", chain_of()[1]),
            ("genlock prepare", ours_of()[1]),
        )
        flow = f"flow:{{}}@{FPS}/{WIDTH}x{HEIGHT}"
        same = compare(
            "(iii) with DIS on both sides",
            dealt(arguments.same_clips, 2),
            ("the chain, DIS", chain_of("dis")[1]),
            ("genlock prepare, DIS", ours_of(VIDEO, flow.format("dis"))[1]),
        )
        slow = compare(
            "(ii) with flow: DIS against TV-L1; (iii) TV-L1 on both sides",
            dealt(arguments.flow_clips, 1),
            ("the chain, TV-L1", chain_of("tvl1")[1]),
            ("genlock prepare, DIS", ours_of(VIDEO, flow.format("dis"))[1]),
            ("genlock prepare, TV-L1", ours_of(VIDEO, flow.format("tvl1"))[1]),
        )
        if same and slow:
            ours_dis, theirs = same["genlock prepare, DIS"], slow["the chain, TV-L1"]
            wall = theirs.wall / theirs.clips / (ours_dis.wall / ours_dis.clips)
            processor = theirs.processor / theirs.clips / (ours_dis.processor / ours_dis.clips)
            print(
                f"\n(ii) a clip of the chain with TV-L1 against one of genlock prepare with DIS, the latter from more "
                f"clips, so that its start weighs less: x {wall:.1f} by wall, x {processor:.1f} by CPU"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        step, place, workers, *names = sys.argv[2:]
        with Pool(int(workers)) as pool:
            pool.map(STEPS[step], [(place, name) for name in names], chunksize=1)
    else:
        main()
