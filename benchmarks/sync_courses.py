"""Films whose offset runs: far away, drifting, cut. What is found, and how much of the film its repair puts in step.

Films of ten minutes are joined from GRID clips of the reporting part
(:func:`genlock.data.corpora.lipsync.split_by_name`: nothing was trained, calibrated or chosen on them), and their sound
is laid by a planted Warp: offsets of seconds, wrong speeds, and splices of 80 to 300 ms at random instants. They are
measured as ``genlock sync`` does, after the faces. The Warp that ``--fix`` would write is compared with the planted:
``in step`` is the share of the film that it leaves within 20 ms. Clean films of a minute show what is invented.

    python benchmarks/sync_courses.py [--clips 60] [--minutes 10] [--clean 40] [--seed 4]

Aims: drifts within 10 ppm, splices within 2 s, 95 % of each film in step, nothing invented in 40 clean films.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from _data import VIDEOS, need

from genlock.core.warp import Warp
from genlock.data.corpora.lipsync import split_by_name
from genlock.lipsync.correction import correction_of, drifts, warp_of_stretches
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import gather
from genlock.lipsync.evidence.editing import cut, join
from genlock.lipsync.fusion import Fusion
from genlock.lipsync.measurement import SyncMeasurement

PIECE_SECONDS, MARGIN_SECONDS = 60, 2
IN_STEP_SECONDS = 0.020


def film_of(clips: Sequence[Evidence], seconds: float, draw: np.random.Generator) -> Evidence:
    """Clips in random order, again and again, until the film is long enough."""
    taken: list[Evidence] = []
    while sum(float(clip.end - clip.start) for clip in taken) < seconds:
        taken += [clips[k] for k in draw.permutation(len(clips))]
    return cut(join(taken), 0, Fraction(seconds))


def laid(film: Evidence, warp: Warp) -> Evidence:
    """The film with the sound that belongs to the picture's instant ``warp(s)`` at its instant ``s``."""
    assert film.mel is not None
    mel = film.mel
    centers = mel.centers
    wanted, _ = warp.map(centers)
    place = np.interp(wanted, centers, np.arange(len(centers)))
    low = np.minimum(place.astype(int), len(centers) - 2)
    part = (place - low)[:, None]
    values = (1 - part) * mel.values[low] + part * mel.values[low + 1]
    there = (wanted >= centers[0]) & (wanted <= centers[-1]) & mel.valid
    return replace(film, mel=replace(mel, values=values.astype(mel.values.dtype), valid=there))


def measure(film: Evidence) -> SyncMeasurement:
    """As a collector hands it over: a minute at a time, with two seconds over the ends."""
    fusion, start = Fusion(), film.start
    while start < film.end:
        end = start + PIECE_SECONDS if film.end - start > PIECE_SECONDS * 3 / 2 else film.end
        part = cut(film, max(film.start, start - MARGIN_SECONDS), min(film.end, end + MARGIN_SECONDS))
        fusion.add(replace(part, start=start, end=end))
        start = end
    return fusion.finish()


def repair_of(found: SyncMeasurement) -> Warp:
    """The Warp that a repair writes."""
    return correction_of(found) or Warp.shift(f"{found.estimate.offset_seconds or 0.0:.6f}")


def in_step(film: Evidence, truth: Warp, written: Warp) -> float:
    """The share of the film that is within 20 ms after the repair."""
    seconds = np.arange(0.0, float(film.end), 0.1)
    wanted, _ = truth.map(seconds)
    made, there = written.map(seconds)
    inside = (wanted >= 0) & (wanted < float(film.end))
    return float((np.abs(made - wanted)[inside] <= IN_STEP_SECONDS)[there[inside]].mean())


def spliced(seconds: float, count: int, draw: np.random.Generator) -> tuple[Warp, list[float]]:
    """Jumps of 80 to 300 ms either way, at least a fifteenth of the film from each other; where they are."""
    while True:
        at = np.sort(draw.uniform(0.07 * seconds, 0.93 * seconds, count))
        if count == 1 or np.diff(at).min() > seconds / 15:
            break
    jumps = draw.choice([-1, 1], count) * draw.uniform(0.08, 0.3, count)
    offsets = np.concatenate([[0.0], np.cumsum(jumps)])
    starts = [0.0, *at]
    exact = [(Fraction(f"{t:.3f}"), Fraction(f"{o:.4f}")) for t, o in zip(starts, offsets, strict=True)]
    return warp_of_stretches(exact), [float(t) for t in at]


def courses(seconds: float, draw: np.random.Generator) -> list[tuple[str, Warp, list[float]]]:
    """What is planted: name, Warp, instants of the splices."""
    plain: list[tuple[str, Warp, list[float]]] = [
        (f"{offset} s early", Warp.shift(offset), []) for offset in ("1.5", "-3", "8")
    ]
    middle = Fraction(seconds) / 2
    for ppm in (50, -1000, 2500):
        plain.append((f"drift {ppm:+} ppm", Warp.sync("0.05", ppm, middle), []))
    for name, speed in (("4.2 %", Fraction(25, 24)), ("8.8 %", Fraction(147, 160))):
        plain.append((f"speed of {name}", Warp.sync(0, (speed - 1) * 10**6), []))
    for count in (1, 1, 3, 3):
        plain.append((f"{count} splice{'s' * (count > 1)}", *spliced(seconds, count, draw)))
    return plain


def row(name: str, film: Evidence, truth: Warp, splices: list[float]) -> tuple[str, bool]:
    """One line of the table, and whether the aims are met."""
    found = measure(laid(film, truth))
    sure = found.estimate.probability or 0.0
    if found.estimate.offset_seconds is None:
        return f"{name:18} unknown: {found.estimate.reason[:60]}", False
    share = in_step(film, truth, repair_of(found))
    said, good = f"{len(found.segments)} segment(s)", share >= 0.95
    if splices:
        starts = [float(part.start) for part in found.segments[1:]]
        away = [min((abs(s - t) for s in starts), default=np.inf) for t in splices]
        said = f"{len(starts)} splices, off by {', '.join(f'{a:.2f}' for a in away)} s"
        good = good and len(starts) == len(splices) and max(away) <= 2
    elif truth.before != 1:
        wanted = 1e6 * float((truth.before or 1) - 1)
        low, high = found.drift_interval_ppm or (np.nan, np.nan)
        error = (found.drift_ppm or 0.0) - wanted
        said = f"drift off by {error:+.0f} ppm (90 %: {low - wanted:+.0f} to {high - wanted:+.0f})"
        good = good and abs(error) <= 10
    return f"{name:18} p {sure:.2f}  {said:48} in step {share:.3f}", good


def main() -> int:
    """Print the table; status 1 if an aim is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clean", type=int, default=40, help="clean films of a minute")
    parser.add_argument("--seed", type=int, default=4)
    chosen = parser.parse_args()
    files = [clip for clip in need(VIDEOS) if split_by_name(clip.stem) == "test"][: chosen.clips]
    begun, draw = time.process_time(), np.random.default_rng(chosen.seed)
    clips = [next(iter(gather(file))) for file in files]
    clips = [clip for clip in clips if clip.faces and clip.mel is not None]
    gathered = time.process_time()
    seconds = 60 * chosen.minutes
    print(f"{len(clips)} clips; films of {chosen.minutes:g} minutes, seed {chosen.seed}")
    all_good = True
    for name, truth, splices in courses(seconds, draw):
        line, good = row(name, film_of(clips, seconds, draw), truth, splices)
        all_good &= good
        print(f"{line}{'' if good else '   MISSED'}", flush=True)
    invented = 0
    for _ in range(chosen.clean):
        found = measure(film_of(clips, 60, draw))
        invented += len(found.segments) > 1 or drifts(found)
    print(f"{invented} of {chosen.clean} clean films of a minute have a splice or a drift")
    now = time.process_time()
    print(f"{gathered - begun:.0f} s of processor time for faces, {now - gathered:.0f} s for the rest")
    return 0 if all_good and not invented else 1


if __name__ == "__main__":
    sys.exit(main())
