"""How fast a face follows a voice: without drawing, with each drawn face, and how late a live frame is.

    python benchmarks/animate_speed.py [--seconds 20] [--model talker-nano] [--hour]

CPU seconds of this process alone are counted, so that a busy machine changes little; the pipe is timed by the clock.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import soxr

from genlock.animation.faces.base import face_names
from genlock.animation.show import Show, ShowPlan
from genlock.animation.voice import SAMPLE_RATE, TalkerMover
from genlock.bench.figures import machine_card
from genlock.core.grid import Grid
from genlock.media import Sound, encode
from genlock.models.talker.talker import TALKER_NAME, load_talker
from genlock.synth.talkers.speaking import speak
from genlock.tasks.animate_sound import AnimateOptions, animate_sound

_RATE = 25
_BLOCK = SAMPLE_RATE // 50


def voice(seconds: float) -> np.ndarray:
    """Speech of our own voice, over and over, float32 at 16 kHz."""
    spoken = speak("Bob may be more than happy to pick a map of my home.", "own")
    once = soxr.resample(np.asarray(spoken.sound.values, np.float32), spoken.rate, SAMPLE_RATE)
    count = int(seconds * SAMPLE_RATE)
    return np.tile(once, count // len(once) + 1)[:count].astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--model", default=TALKER_NAME)
    parser.add_argument("--hour", action="store_true", help="an hour of motion: memory, and its last minute")
    how = parser.parse_args()
    cv2.setNumThreads(1)
    sound = voice(how.seconds)
    mover = TalkerMover(load_talker(how.model), how.model)
    rows = [("motion alone", f"{_motion(mover, sound):.1f} x real time (CPU)")]
    rows += [(f"film, {face}", f"{_film(face, how.model, sound)} (CPU)") for face in face_names()]
    rows += [
        ("live, by the sound heard", _live(mover, sound)),
        ("live, through a pipe", _pipe(how.model, sound)),
    ]
    if how.hour:
        rows.append(("an hour of motion", _hour(mover, sound)))
    print(f"| {how.seconds:g} s of speech, {_RATE} frames a second, films 512 x 512 | |\n|---|---|")
    for name, figure in rows:
        print(f"| {name} | {figure} |")
    print(f"\nMachine: {machine_card()}")


def _motion(mover: TalkerMover, sound: np.ndarray) -> float:
    def run(samples: np.ndarray) -> None:
        show = Show(ShowPlan(mover, Grid(_RATE)))
        for k in range(0, len(samples), SAMPLE_RATE):
            show.hear(samples[k : k + SAMPLE_RATE])
        show.finish()

    run(sound[:SAMPLE_RATE])
    begin = time.process_time()
    run(sound)
    return len(sound) / SAMPLE_RATE / (time.process_time() - begin)


def _film(face: str, model: str, sound: np.ndarray) -> str:
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/voice.wav", Path(folder) / "face.mp4"
        encode(source, sound=Sound(sound, SAMPLE_RATE))
        # What is compiled is compiled once.
        animate_sound(source, AnimateOptions(face=face, model=model, side=64), Path(folder) / "warm.mp4")
        begin = time.process_time()
        animate_sound(source, AnimateOptions(face=face, model=model), target)
        spent = time.process_time() - begin
        seconds = len(sound) / SAMPLE_RATE
        return f"{seconds / spent:.1f} x real time, {1000 * spent / (seconds * _RATE):.1f} ms a frame"


def _live(mover: TalkerMover, sound: np.ndarray) -> str:
    """Blocks of 20 ms: sound that was heard when a frame came, less the frame's middle; and the work for a block."""
    late: list[float] = []
    heard = 0
    show = Show(ShowPlan(mover, Grid(_RATE), live=True), lines=lambda line: late.append(heard / SAMPLE_RATE))
    begin = time.process_time()
    for k in range(0, len(sound), _BLOCK):
        heard = min(k + _BLOCK, len(sound))
        show.hear(sound[k : k + _BLOCK])
    work = (time.process_time() - begin) / (len(sound) / _BLOCK)
    return f"{_behind(late)} of sound after a frame's middle; {1000 * work:.1f} ms of work for 20 ms of sound"


def _pipe(model: str, sound: np.ndarray) -> str:
    """A process that is given 20 ms of sound every 20 ms: when its lines come, by the clock."""
    command = [
        str(Path(sys.executable).with_name("genlock")),
        "animate",
        "-",
        "--model",
        model,
        "--pipe-rate",
        str(SAMPLE_RATE),
    ]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    assert process.stdout is not None
    came: list[float] = []
    reader = threading.Thread(target=lambda: [came.append(time.monotonic()) for _ in process.stdout or ()])
    reader.start()
    bits = np.rint(np.clip(sound, -1, 1) * 32767).astype("<i2")
    # The program starts, loads and waits for sound meanwhile.
    time.sleep(8)
    begin = time.monotonic()
    for k in range(0, len(bits), _BLOCK):
        # A block is whole, and can be sent, at its end.
        time.sleep(max(0.0, begin + (k + _BLOCK) / SAMPLE_RATE - time.monotonic()))
        process.stdin.write(bits[k : k + _BLOCK].tobytes())
        process.stdin.flush()
    ended = time.monotonic()
    process.stdin.close()
    reader.join()
    process.wait()
    return f"{_behind([t - begin for t in came if t <= ended])} after a frame's middle, by the clock"


def _behind(came: list[float]) -> str:
    if not came:
        return "no frame before the sound's end"
    late = 1000 * (np.array(came) - (np.arange(len(came)) + 0.5) / _RATE)
    return f"{np.median(late):.0f} ms (95 %: {np.percentile(late, 95):.0f})"


def _hour(mover: TalkerMover, sound: np.ndarray) -> str:
    """An hour of sound, a minute at a time: memory, and whether the last minute is as lively as the second."""
    minute = np.tile(sound, 60 * SAMPLE_RATE // len(sound) + 1)[: 60 * SAMPLE_RATE]
    show = Show(ShowPlan(mover, Grid(_RATE)))
    openings, memory = [], []
    for _ in range(60):
        before = show.figures.open_sum, show.figures.frames
        show.hear(minute)
        openings.append((show.figures.open_sum - before[0]) / (show.figures.frames - before[1]))
        memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    show.finish(Fraction(3600))
    return (
        f"at most {memory[1]:.0f} MB after two minutes, {memory[-1]:.0f} MB after sixty; mean opening of the second "
        f"minute {openings[1]:.4f}, of the last {openings[-1]:.4f} eye distances"
    )


if __name__ == "__main__":
    main()
