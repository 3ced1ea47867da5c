"""How fast a face follows a voice: without drawing, with each drawn face, and how late a live frame is.

    python benchmarks/animate_speed.py [--seconds 60] [--model talker-nano]

CPU seconds of this process alone are counted, so that a busy machine changes little.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from genlock.animation.faces.base import face_names
from genlock.animation.show import Show, ShowPlan
from genlock.animation.voice import SAMPLE_RATE, TalkerMover
from genlock.core.grid import Grid
from genlock.media import Sound, encode
from genlock.models.talker.talker import TALKER_NAME, load_talker
from genlock.synth.talkers.speaking import speak
from genlock.tasks import AnimateOptions, animate_sound


def voice(seconds: float) -> np.ndarray:
    """Speech of our own voice, over and over, float32 at 16 kHz."""
    import soxr

    spoken = speak("Bob may be more than happy to pick a map of my home.", "own")
    once = soxr.resample(np.asarray(spoken.sound.values, np.float32), spoken.rate, SAMPLE_RATE)
    return np.tile(once, int(seconds * SAMPLE_RATE / len(once)) + 1)[: int(seconds * SAMPLE_RATE)].astype(
        np.float32
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--model", default=TALKER_NAME)
    parser.add_argument("--hour", action="store_true", help="an hour of motion: memory, and its last minute")
    how = parser.parse_args()
    sound = voice(how.seconds)
    mover = TalkerMover(load_talker(how.model), how.model)

    def cpu() -> float:
        return time.process_time()

    warm = Show(ShowPlan(mover, Grid(25)))
    warm.hear(sound[:SAMPLE_RATE])
    warm.finish()
    begin = cpu()
    show = Show(ShowPlan(mover, Grid(25)))
    for k in range(0, len(sound), SAMPLE_RATE):
        show.hear(sound[k : k + SAMPLE_RATE])
    show.finish()
    print(f"motion alone: {how.seconds / (cpu() - begin):.1f} x real time (CPU)")
    with tempfile.TemporaryDirectory() as folder:
        encode(f"{folder}/voice.wav", sound=Sound(sound, SAMPLE_RATE))
        for face in face_names():
            options = AnimateOptions(face=face, model=how.model)
            animate_sound(
                f"{folder}/voice.wav",
                AnimateOptions(face=face, model=how.model, side=64),
                Path(folder) / "w.mp4",
            )
            begin = cpu()
            animate_sound(f"{folder}/voice.wav", options, Path(folder) / f"{face}.mp4")
            print(
                f"film of {face}, 512 pixels, 25 a second, x264: {how.seconds / (cpu() - begin):.1f} x real time (CPU)"
            )
    _live(mover, sound)
    if how.hour:
        _hour(mover, sound)


def _live(mover: TalkerMover, sound: np.ndarray) -> None:
    """Blocks of 20 ms: sound that was heard when a frame came, less the frame's middle; and the work for a block."""
    late: list[float] = []
    heard = 0
    show = Show(ShowPlan(mover, Grid(25), live=True), lines=lambda line: late.append(heard / SAMPLE_RATE))
    begin = time.process_time()
    for k in range(0, len(sound), 320):
        heard = min(k + 320, len(sound))
        show.hear(sound[k : k + 320])
    work = (time.process_time() - begin) / (len(sound) / 320)
    behind = np.array(late) - (np.arange(len(late)) + 0.5) / 25
    print(
        f"live: a frame comes {1000 * np.median(behind):.0f} ms (95 %: {1000 * np.percentile(behind, 95):.0f}) "
        f"of sound after its middle, and {1000 * work:.1f} ms of work for each 20 ms of sound"
    )


def _hour(mover: TalkerMover, sound: np.ndarray) -> None:
    """An hour of sound, a minute at a time: memory, and whether the last minute is as lively as the second."""
    minute = np.tile(sound, 60 * SAMPLE_RATE // len(sound) + 1)[: 60 * SAMPLE_RATE]
    show = Show(ShowPlan(mover, Grid(25)))
    openings, memory = [], []
    for _ in range(60):
        before = show.figures.open_sum
        show.hear(minute)
        openings.append(show.figures.open_sum - before)
        memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    show.finish(Fraction(3600))
    print(
        f"an hour: {memory[1]:.0f} MB after two minutes, {memory[-1]:.0f} MB after sixty; mean opening of the "
        f"second minute {openings[1] / 1500:.4f}, of the last {openings[-1] / 1500:.4f} eye distances"
    )


if __name__ == "__main__":
    main()
