"""How often the stated 90 % interval of a drift holds the drift that was planted.

Films are joined from GRID clips of the reporting part (nothing was trained, calibrated or chosen on them), drawn one
by one, with the sound that is beside them; films of several people from ``grid_more``, each seen for half a minute.
Their sound is laid by a planted drift, even in the logarithm from 50 to 2,500 ppm to either side, and from 3,000 to
88,000. They are measured as ``genlock sync`` does, after the faces. Signals of flashes and beeps are made as files.

    python benchmarks/sync_drift.py [--films 24] [--seed 11] [--only "many, in turns"]

Aim: between 85 and 95 % of the intervals hold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from _data import DATA, VIDEOS, need
from sync_courses import laid, measure

from genlock.core.warp import Warp
from genlock.data.corpora.lipsync import split_by_name
from genlock.lipsync.correction import drifts
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import gather
from genlock.lipsync.evidence.editing import cut, join
from genlock.lipsync.fusion import Fusion
from genlock.lipsync.measurement import SyncMeasurement
from genlock.synth.signals.clips import SignalOptions, make_signal

TURN_SECONDS = 30.0

Films = Callable[[float, np.random.Generator], SyncMeasurement]


def joined(clips: Sequence[Evidence], seconds: float, draw: np.random.Generator) -> Evidence:
    """Clips drawn one by one, so that none of their own offsets is balanced by design."""
    taken: list[Evidence] = []
    while sum(float(clip.end - clip.start) for clip in taken) < seconds:
        taken.append(clips[int(draw.integers(len(clips)))])
    return cut(join(taken), 0, Fraction(seconds))


def in_turns(people: Sequence[Sequence[Evidence]], seconds: float, draw: np.random.Generator) -> Evidence:
    """Half a minute of one person after the other."""
    turns = [
        joined(people[int(draw.integers(len(people)))], TURN_SECONDS, draw)
        for _ in range(int(np.ceil(seconds / TURN_SECONDS)))
    ]
    return cut(join(turns), 0, Fraction(seconds))


def drawn_ppm(draw: np.random.Generator, low: float, high: float) -> float:
    """Even in the logarithm, to either side."""
    return float(draw.choice([-1, 1]) * np.exp(draw.uniform(np.log(low), np.log(high))))


def of_film(film: Evidence, ppm: float, draw: np.random.Generator) -> SyncMeasurement:
    """The measurement of a film whose sound drifts so, and is out of step by up to 300 ms in its middle."""
    offset = f"{draw.uniform(-0.3, 0.3):.4f}"
    return measure(laid(film, Warp.sync(offset, f"{ppm:.3f}", film.end / 2)))


def of_signal(seconds: float, ppm: float, draw: np.random.Generator) -> SyncMeasurement:
    """The same of a file of flashes and beeps."""
    with tempfile.TemporaryDirectory() as folder:
        how = SignalOptions(
            duration_seconds=Fraction(seconds),
            width=64,
            height=48,
            seed=int(draw.integers(2**31)),
            offset_seconds=f"{draw.uniform(-0.3, 0.3):.4f}",
            drift_ppm=f"{ppm:.3f}",
        )
        make_signal(Path(folder) / "signal.mkv", how)
        fusion = Fusion()
        for piece in gather(Path(folder) / "signal.mkv", faces=None):
            fusion.add(piece)
        return fusion.finish()


def row(name: str, planted: Sequence[float], found: Sequence[SyncMeasurement]) -> str:
    """One line of the table."""
    told = [
        (wanted, one.drift_ppm, one.drift_interval_ppm)
        for wanted, one in zip(planted, found, strict=True)
        if one.drift_ppm is not None and one.drift_interval_ppm is not None
    ]
    if not told:
        return f"{name:34} told of none of {len(planted)}"
    errors = np.array([ppm - wanted for wanted, ppm, _ in told])
    halves = np.array([(within[1] - within[0]) / 2 for *_, within in told])
    holds = np.array([within[0] <= wanted <= within[1] for wanted, _, within in told])
    taken_out = sum(drifts(one) for one in found)
    return (
        f"{name:34} told {len(told)} of {len(planted)}  error {np.median(np.abs(errors)):7.1f} ppm (largest "
        f"{np.abs(errors).max():7.1f})  interval +- {np.median(halves):6.1f}  holds {holds.mean():.2f}  "
        f"taken out {taken_out}"
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int, default=24, help="of a minute; of longer ones there are fewer")
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--each", type=int, default=4, help="clips of each of the other people")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--only", default="", help="only rows whose name holds this")
    chosen = parser.parse_args()
    draw = np.random.default_rng(chosen.seed)
    files = [clip for clip in need(VIDEOS) if split_by_name(clip.stem) == "test"][: chosen.clips]
    one = _gathered(files)
    folders = sorted((DATA / "grid_more").glob("s*"))
    people = [_gathered(sorted(folder.rglob("*.mp*g"))[: chosen.each]) for folder in folders]
    people = [clips for clips in people if clips]
    print(f"{len(one)} clips of one man, {sum(map(len, people))} of {len(people)} others; seed {chosen.seed}")
    kinds: list[tuple[str, float, int, tuple[float, float], Callable[..., Evidence], Sequence[object]]] = []
    for seconds, share in ((60.0, 1.0), (180.0, 0.6), (600.0, 0.4)):
        count = max(2, round(chosen.films * share))
        kinds.append((f"one man, {seconds:g} s", seconds, count, (50, 2500), joined, one))
    if people:
        kinds.append(("many, in turns, 180 s", 180, chosen.films // 2, (50, 2500), in_turns, people))
        kinds.append(("many, in turns, 600 s", 600, chosen.films // 4, (50, 2500), in_turns, people))
    kinds.append(("one man, 120 s, far", 120, chosen.films // 2, (3000, 88_000), joined, one))
    for name, seconds, count, (low, high), make, of in kinds:
        if chosen.only not in name:
            continue
        planted = [drawn_ppm(draw, low, high) for _ in range(count)]
        found = [of_film(make(of, seconds, draw), ppm, draw) for ppm in planted]
        print(row(f"{name}, {low:g}-{high:g} ppm", planted, found), flush=True)
    for seconds in (60, 300):
        if chosen.only not in f"flash and beep, {seconds} s":
            continue
        planted = [drawn_ppm(draw, 50, 2500) for _ in range(max(2, chosen.films // 4))]
        found = [of_signal(seconds, ppm, draw) for ppm in planted]
        print(row(f"flash and beep, {seconds} s, 50-2500 ppm", planted, found), flush=True)
    if chosen.only in "clean":
        clean = [measure(joined(one, 60, draw)) for _ in range(2 * chosen.films)]
        invented = sum(len(found.segments) > 1 or drifts(found) for found in clean)
        print(f"{invented} of {len(clean)} clean films of a minute have a splice or a drift")
    print(f"{time.process_time():.0f} s of processor time")
    return 0


def _gathered(files: Sequence[Path]) -> list[Evidence]:
    clips = [next(iter(gather(file))) for file in files]
    return [clip for clip in clips if clip.faces and clip.mel is not None]


if __name__ == "__main__":
    sys.exit(main())
