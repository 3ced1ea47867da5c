"""One talker at every frame rate, and over an hour: what frames see of one curve, and whether it stays the same.

    python benchmarks/talker_clock.py [--model talker-nano] [--seconds 60] [--hours 0.1]

1. Frames of 21.5, 25, 29.97, 50 and a variable number a second read the talker's curve of the lips at their own
   centres. *At frames*: how far the value is from the curve there. *Between*: how far a straight line between two
   frames is from the curve, in the mean; beside it how far the lips move.
2. Sound is heard piece by piece for as long as is said: CPU seconds, memory at the start and at the end, and how the
   last minute differs from the second one, whose sound is the same.
"""

from __future__ import annotations

import argparse
import resource
import time
from fractions import Fraction

import numpy as np
import soxr

from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.track import Track
from genlock.extractors import make_extractor
from genlock.extractors.face.pose import LIPS
from genlock.models.talker.talker import TALKER_NAME, Talker, load_talker
from genlock.synth.talkers.speaking import speak

RATE = 16000
RATES = ("21.5", "25", "30000/1001", "50", "variable")
#: Cells of bands in a minute, and in one piece.
MINUTE, PIECE = 6000, 1000


def bands(talker: Talker, seconds: float) -> Track:
    """What the talker hears of our own voice, over and over."""
    spoken = speak("Bob may be more than happy to pick a map of my home.", "own")
    once = soxr.resample(np.asarray(spoken.sound.values, np.float32), spoken.rate, RATE)
    count = int(seconds * RATE)
    sound = np.tile(once, count // len(once) + 1)[:count].astype(np.float32)
    return make_extractor(talker.features[0])(sound)


def cells_of(rate: str, seconds: float, clock: str) -> Cells:
    """Frames of a rate; of a variable one, 20 to 60 ms each."""
    if rate != "variable":
        return Grid(Fraction(rate), 0, clock)
    steps = np.random.default_rng(0).integers(20, 60, int(seconds * 25))
    return Ticks(np.cumsum(steps), Fraction(1, 1000), 40, clock)


def at_rates(talker: Talker, heard: Track) -> None:
    """The first table."""
    lips = talker.basis.components[:, list(LIPS), :2].reshape(talker.basis.size, -1).astype(np.float64)
    weights = talker.weights({talker.features[0]: heard})
    # Cells before and after the sound say nothing, and nothing is read from them.
    curve = np.asarray(weights.values, np.float64)[weights.valid] @ lips
    own = weights.centers[weights.valid]
    moves = _far(curve - curve.mean(axis=0))
    print("| frames a second | at frames, most | between, mean | the lips move by |\n|---|---|---|---|")
    for rate in RATES:
        cells = cells_of(rate, float(own[-1]), weights.clock)
        count = None if cells.length is not None else int((own[-1] - 0.1) * float(cells.rate))
        frames = weights.on(cells, length=count)
        seen, at = np.asarray(frames.values, np.float64)[frames.valid] @ lips, frames.centers[frames.valid]
        inside = own[(own > at[0]) & (own < at[-1])]
        wrong = np.abs(seen - _line(at, own, curve)).max()
        between = _far(_line(inside, at, seen) - _line(inside, own, curve))
        print(f"| {rate} | {wrong:.1e} | {between:.4f} | {moves:.4f} |")


def _line(at: np.ndarray, own: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(at, own, column) for column in rows.T], axis=1)


def _far(flat: np.ndarray) -> float:
    return float(np.linalg.norm(flat.reshape(len(flat), -1, 2), axis=-1).mean())


def long(talker: Talker, minute: np.ndarray, grid: Grid, minutes: int) -> None:
    """The second table."""
    stream, memory, kept = talker.stream(), [], {}
    begin = time.process_time()
    for number in range(minutes):
        said = []
        for first in range(0, MINUTE, PIECE):
            at = number * MINUTE + first
            part = Track(minute[first : first + PIECE], grid.part(range(at, at)))
            said.append(stream.push({talker.features[0]: part}).values)
        # The first one begins in silence.
        kept["second" if number == 1 else "last"] = np.concatenate(said)
        memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    cpu = time.process_time() - begin
    different = np.abs(kept["second"] - kept["last"]).max()
    print(
        "| minutes | CPU s | times real time | memory after 1 minute, MB | at the end | last minute, most different |"
    )
    print("|---|---|---|---|---|---|")
    print(
        f"| {minutes} | {cpu:.1f} | {60 * minutes / cpu:.0f} | {memory[0]:.0f} | {memory[-1]:.0f} | "
        f"{different:.1e} |"
    )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=TALKER_NAME)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--hours", type=float, default=0.1)
    chosen = parser.parse_args()
    talker = load_talker(chosen.model)
    heard = bands(talker, chosen.seconds)
    at_rates(talker, heard)
    print()
    minute = bands(talker, 62).values[:MINUTE]
    assert isinstance(heard.grid, Grid)
    long(talker, np.asarray(minute, np.float32), heard.grid, max(3, round(60 * chosen.hours)))


if __name__ == "__main__":
    main()
