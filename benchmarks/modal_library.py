"""A library of one-shots for ``genlock sound --library``, struck by the world of impacts: what a benchmark places.

    python benchmarks/modal_library.py FOLDER [--seed 5]

For each material a folder, in it three layers (soft, middle, hard) of four sounds each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from genlock.media import Sound, encode
from genlock.synth.impacts.materials import MATERIALS, material_of
from genlock.synth.impacts.sound import struck

RATE = 48000
LAYERS = {"soft": (0.03, 0.9), "middle": (0.1, 1.8), "hard": (0.35, 3.0)}


def main() -> None:
    """Write the library."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    draw = np.random.default_rng(given.seed)
    for material in MATERIALS:
        name = material_of(material).name
        (given.folder / name).mkdir(parents=True, exist_ok=True)
        for layer, (impulse, speed) in LAYERS.items():
            for number in range(1, 5):
                hit = struck(
                    material_of(material),
                    float(draw.uniform(0.08, 0.15)),
                    int(draw.integers(2**31)),
                    impulse,
                    speed,
                    rate=RATE,
                )
                samples = np.concatenate([np.zeros(480), hit])
                encode(
                    given.folder / name / f"{layer}_{number}.wav",
                    sound=Sound(samples.astype(np.float32), RATE),
                )
    print(f"{given.folder}: {len(MATERIALS)} materials, {len(LAYERS)} layers of 4 sounds")


if __name__ == "__main__":
    main()
