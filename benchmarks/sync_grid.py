"""The offset of GRID clips and of films joined from them: accuracy, confidence, abstention, drift and splices.

Only clips of the reporting part (:func:`genlock.data.corpora.lipsync.split_by_name`) are used: nothing was trained,
calibrated or
chosen on them. Offsets are planted by moving the sound's time stamps, to any fraction of a frame, and cutting away what
then lies outside the film, so what is lost at the ends is lost as in a real cut. Intervals are 90 % bootstraps over
films. GRID's own clips scatter by some 20 ms about zero, which no estimator can know (``sync_clips_own.py``).

    python benchmarks/sync_grid.py [FOLDER_OF_VIDEOS] [--clips N] [--films N] [--seed S]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from _data import VIDEOS, need

from genlock.aligners.curves import correlate, find_peak, weighted
from genlock.data.corpora.lipsync import split_by_name
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import gather
from genlock.lipsync.evidence.editing import cut, main_face, with_offset
from genlock.lipsync.fusion import Fusion
from genlock.lipsync.measurement import SyncMeasurement
from genlock.train.lipsync.calibration import Kind, Trials

#: What the project set itself.
TARGETS = {"within 40 ms": 0.96, "median ms": 12.0, "answered": 0.90, "confident and wrong": 0.02}


@dataclass(frozen=True)
class Film:
    """What was planted and what was said."""

    truth: float | None
    said: float | None
    probability: float
    interval: tuple[float, float] | None

    @property
    def error(self) -> float:
        """Infinite where nothing was said, or there is no truth."""
        return np.inf if self.said is None or self.truth is None else abs(self.said - self.truth)


def measure(evidence: Evidence, truth: float | None) -> Film:
    """Through the same door as ``genlock sync``, after the faces."""
    fusion = Fusion()
    fusion.add(evidence)
    said = fusion.finish().estimate
    return Film(truth, said.offset_seconds, said.probability or 0.0, said.interval_seconds)


def always_zero(evidence: Evidence, truth: float | None) -> Film:
    """The published test never shifts anything: this is what it gives full marks to."""
    return Film(truth, 0.0, 1.0, None)


def untrained(evidence: Evidence, truth: float | None) -> Film:
    """Opening of the mouth and its motion against loudness and its rise."""
    face = main_face(evidence)
    if face is None or evidence.loudness is None or len(evidence.loudness) < 3:
        return Film(truth, None, 0.0, None)
    level = np.maximum(evidence.loudness.values, evidence.loudness.values.max() - 40)
    level = np.convolve(level, np.hanning(11) / np.hanning(11).sum(), "same")
    rise = np.maximum(np.gradient(level), 0)
    sound = replace(evidence.loudness, values=np.stack([level, rise], axis=1))
    moves = face.motion.on(face.aperture.grid)
    picture = replace(face.aperture, values=np.stack([face.aperture.values, moves.values], axis=1))
    peak = find_peak(weighted(correlate(sound, picture, "1.2")))
    return Film(truth, None if peak is None else peak.lag_seconds, 1.0, None)


SYSTEMS: Mapping[str, Callable[[Evidence, float | None], Film]] = {
    "always 0": always_zero,
    "untrained correlation": untrained,
    "genlock": measure,
}


def bootstrap(values: Sequence[float], statistic: Callable[[np.ndarray], float], seed: int = 0) -> str:
    """A statistic with its 90 % interval."""
    data = np.array(values, np.float64)
    random = np.random.default_rng(seed)
    draws = [statistic(data[random.integers(0, len(data), len(data))]) for _ in range(400)]
    low, high = np.quantile(draws, [0.05, 0.95])
    return f"{statistic(data):6.3f} [{low:.3f}, {high:.3f}]"


def share(limit: float) -> Callable[[np.ndarray], float]:
    """Share of errors within a limit."""
    return lambda errors: float((errors <= limit).mean())


def single_clips(clips: Mapping[str, Evidence], seed: int) -> None:
    """Line 3: each clip of 3 s, twice, offsets even in +-600 ms."""
    random = np.random.default_rng(seed)
    offsets = {
        (name, k): Fraction(int(random.uniform(-6e5, 6e5)), 10**6) for name in sorted(clips) for k in (0, 1)
    }
    print(f"\nSingle clips of 3 s, {len(offsets)} offsets in +-600 ms (seed {seed}); targets {TARGETS}")
    print(f"{'':24}{'within 40 ms':>24}{'within 80 ms':>24}{'median, s':>24}")
    for name, system in SYSTEMS.items():
        errors, worst = [], []
        for (clip, _), offset in offsets.items():
            whole = clips[clip]
            film = system(cut(with_offset(whole, offset), whole.start, whole.end), float(offset))
            errors.append(film.error)
            worst.append((film.error, clip))
        print(
            f"{name:24}{bootstrap(errors, share(0.04)):>24}{bootstrap(errors, share(0.08)):>24}"
            f"{bootstrap(errors, lambda e: float(np.median(e))):>24}"
        )
    missed = [f"{clip} {1000 * error:.0f} ms" for error, clip in sorted(worst, reverse=True) if error > 0.04]
    print(f"missed by genlock: {', '.join(missed) or 'none'}")


def lengths(clips: Mapping[str, Evidence], films: int, seed: int) -> list[Film]:
    """By length: joined films, offsets even in +-600 ms."""
    print(f"\nJoined films, {films} of each length, offsets in +-600 ms (seed {seed})")
    print(
        f"{'seconds':>8}{'within 40 ms':>22}{'within 80 ms':>22}{'median ms':>11}{'answered':>10}"
        f"{'p >= .9':>9}{'covered':>9}{'half ms':>9}"
    )
    kept: list[Film] = []
    for seconds in (2.0, 3.0, 4.0, 8.0, 15.0, 30.0):
        trials = Trials(clips, seed + int(seconds))
        done = [
            measure(t.evidence, t.offset_seconds)
            for t in (trials.draw("clean", seconds, 0.6) for _ in range(films))
        ]
        answered = [f for f in done if f.said is not None]
        errors = [f.error for f in done]
        cover, half = coverage(answered)
        print(
            f"{seconds:8.0f}{bootstrap(errors, share(0.04)):>22}{bootstrap(errors, share(0.08)):>22}"
            f"{1000 * float(np.median(errors)):11.1f}{len(answered) / len(done):10.2f}"
            f"{np.mean([f.probability >= 0.9 for f in done]):9.2f}{cover:9.2f}{half:9.0f}"
        )
        kept += done if seconds >= 3 else []
    return kept


def coverage(films: Sequence[Film]) -> tuple[float, float]:
    """Share of intervals that hold the truth, and their median half-width in ms."""
    known = [(f.interval, f.truth) for f in films if f.interval is not None and f.truth is not None]
    if not known:
        return float("nan"), float("nan")
    inside = np.mean([low <= truth <= high for (low, high), truth in known])
    return float(inside), float(np.median([1000 * (high - low) / 2 for (low, high), _ in known]))


def abstention(clips: Mapping[str, Evidence], films: int, seed: int) -> None:
    """Line 4: what has no offset, and what has one but is worse."""
    print(f"\nAbstention, {films} films of 4 to 15 s each (seed {seed}); targets {TARGETS}")
    print(f"{'':14}{'answered':>10}{'p >= .9':>9}{'confident and wrong':>21}{'within 40 ms of answered':>26}")
    kinds: tuple[Kind | str, ...] = (
        "clean",
        "worse",
        "voice-over",
        "covered",
        "noise",
        "music",
        "silence",
        "no face",
    )
    for kind in kinds:
        trials = Trials(clips, seed + sum(map(ord, kind)))
        random = np.random.default_rng(seed)
        done = []
        for _ in range(films):
            base: Kind = "clean" if kind in ("silence", "no face") else kind  # type: ignore[assignment]
            trial = trials.draw(base, float(random.choice([4.0, 6.0, 9.0, 15.0])), 0.6)
            film, truth = trial.evidence, trial.offset_seconds
            if kind == "silence":
                film, truth = silenced(film), None
            if kind == "no face":
                film, truth = replace(film, faces=()), None
            done.append(measure(film, truth))
        answered = [f for f in done if f.said is not None]
        wrong = np.mean([f.probability >= 0.9 and f.error > 0.04 for f in done])
        right = (
            np.mean([f.error <= 0.04 for f in answered]) if answered and done[0].truth is not None else np.nan
        )
        print(
            f"{kind:14}{len(answered) / len(done):10.2f}{np.mean([f.probability >= 0.9 for f in done]):9.2f}"
            f"{wrong:21.3f}{right:26.3f}"
        )


def silenced(film: Evidence) -> Evidence:
    """The same with digital silence."""
    assert film.mel is not None
    assert film.loudness is not None
    return replace(
        film,
        mel=film.mel.map(lambda v: np.full_like(v, v.min() - 5)),
        loudness=film.loudness.map(lambda v: np.full_like(v, -120.0)),
    )


def risk_coverage(films: Sequence[Film]) -> None:
    """Right within 40 ms among the surest."""
    ordered = sorted(films, key=lambda f: -f.probability)
    print("\nRisk and coverage (films of 3 to 30 s): right within 40 ms among the surest")
    for part in (0.5, 0.8, 0.9, 1.0):
        some = ordered[: max(1, round(part * len(ordered)))]
        print(
            f"{part:6.0%} {np.mean([f.error <= 0.04 for f in some]):.3f} (p from {some[-1].probability:.2f})"
        )
    print("calibration: stated against true share within 40 ms")
    for low in (0.2, 0.4, 0.6, 0.8, 0.9):
        high = {0.8: 0.9, 0.9: 1.01}.get(low, low + 0.2)
        some = [f for f in films if low <= f.probability < high]
        if some:
            stated, true = np.mean([f.probability for f in some]), np.mean([f.error <= 0.04 for f in some])
            print(f"  {stated:.2f}  {true:.2f}  ({len(some)} films)")


def pieces(film: Evidence, seconds: int = 60) -> list[Evidence]:
    """As the collector gives them: a minute each, with two seconds over the ends."""
    count = max(1, round(float(film.end - film.start) / seconds))
    edges = [film.start + (film.end - film.start) * k / count for k in range(count + 1)]
    found = []
    for start, end in pairwise(edges):
        some = cut(film, max(film.start, start - 2), min(film.end, end + 2))
        found.append(replace(some, start=start, end=end))
    return found


def bent(film: Evidence, offset: Callable[[np.ndarray], np.ndarray]) -> Evidence:
    """The sound early by an offset that depends on the time."""
    assert film.mel is not None
    centers = film.mel.centers
    place = np.interp(centers + offset(centers), centers, np.arange(len(centers)))
    left = np.minimum(np.floor(place).astype(int), len(centers) - 2)
    part = (place - left)[:, None]
    return replace(film, mel=film.mel.map(lambda v: v[left] * (1 - part) + v[left + 1] * part))


def whole(film: Evidence) -> SyncMeasurement:
    """A long film, piece by piece."""
    fusion = Fusion()
    for piece in pieces(film):
        fusion.add(piece)
    return fusion.finish()


def drift_and_splices(clips: Mapping[str, Evidence], seed: int, each: int) -> None:
    """P6: drift of 0 to 1000 ppm, and one splice."""
    print(f"\nDrift, {each} films each (seed {seed})")
    heads = ("seconds", "ppm", "offset error ms", "ppm error", "covered", "half ppm", "known", "splices")
    print("".join(f"{head:>{width}}" for head, width in zip(heads, (8, 7, 17, 11, 9, 10, 7, 9), strict=True)))
    for seconds, ppm in (
        (60, 0),
        (60, 1000),
        (120, 0),
        (120, 145),
        (120, 1000),
        (300, 20),
        (300, 50),
        (300, 145),
    ):
        trials = Trials(clips, seed + seconds + ppm)
        rows, steps = [], 0
        for _ in range(each):
            film = trials.draw("clean", float(seconds), 0.0).evidence
            base = float(np.random.default_rng(seed).uniform(-0.3, 0.3))
            middle = float(film.start + film.end) / 2
            slope, at = 1e-6 * ppm, middle
            said = whole(bent(film, lambda t, b=base, s=slope, m=at: b + s * (t - m)))
            steps += len(said.segments) > 1
            truth = base + slope * (float(said.at) - middle)
            low, high = said.drift_interval_ppm or (np.nan, np.nan)
            rows.append(
                (
                    abs((said.estimate.offset_seconds or np.inf) - truth),
                    abs(said.drift_ppm - ppm) if said.drift_ppm is not None else np.nan,
                    low <= ppm <= high if said.drift_ppm is not None else np.nan,
                    (high - low) / 2,
                )
            )
        table = np.array(rows, np.float64)
        known = np.isfinite(table[:, 1])
        middle_of = [float(np.nanmedian(c)) if np.isfinite(c).any() else np.nan for c in table.T]
        covered = np.nanmean(table[:, 2]) if known.any() else np.nan
        print(
            f"{seconds:8}{ppm:7}{1000 * middle_of[0]:17.1f}{middle_of[1]:11.0f}{covered:9.2f}{middle_of[3]:10.0f}"
            f"{known.mean():7.2f}{steps:9}"
        )
    print(f"\nOne splice somewhere in the middle half, {each} films each")
    print(f"{'seconds':>8}{'jump ms':>9}{'found':>8}{'where, s off':>14}{'offsets ms off':>16}")
    for seconds, jump in ((30, 0.2), (60, 0.08), (60, 0.2), (60, -0.4), (120, 0.08), (120, 0.2)):
        trials = Trials(clips, seed + seconds)
        random = np.random.default_rng(seed + seconds)
        places, errors = [], []
        for _ in range(each):
            film = trials.draw("clean", float(seconds), 0.0).evidence
            where = float(film.start) + seconds * random.uniform(0.3, 0.7)
            said = whole(bent(film, lambda t, w=where, j=jump: np.where(t < w, -j / 2, j / 2)))
            if len(said.segments) == 2:
                places.append(abs(float(said.segments[1].start) - where))
                errors += [
                    abs((s.offset_seconds or np.inf) - o)
                    for s, o in zip(said.segments, (-jump / 2, jump / 2), strict=True)
                ]
        found = len(places) / each
        print(
            f"{seconds:8}{1000 * jump:9.0f}{found:8.2f}"
            + (f"{np.median(places):14.1f}{1000 * np.median(errors):16.1f}" if places else "")
        )


def gather_reporting(folder: Path, most: int | None) -> dict[str, Evidence]:
    """Evidence of the clips of the reporting part."""
    files = [f for f in need(folder) if split_by_name(f.stem) == "test"][:most]
    found = {}
    for number, file in enumerate(files):
        print(f"\rfaces: {number}/{len(files)}", end="", file=sys.stderr)
        evidence = gather(file)[0]
        if evidence.mel is not None and main_face(evidence) is not None:
            found[file.stem] = evidence
        else:
            print(f"\n{file.name}: no sound or no face", file=sys.stderr)
    print("\r", end="", file=sys.stderr)
    return found


def report(clips: Mapping[str, Evidence], films: int, seed: int) -> None:
    """All tables."""
    begun = time.process_time()
    print(f"{len(clips)} clips of the reporting part")
    single_clips(clips, seed)
    if films:
        kept = lengths(clips, films, seed)
        abstention(clips, films, seed)
        risk_coverage(kept)
        drift_and_splices(clips, seed, max(3, films // 12))
    print(f"\n{time.process_time() - begun:.0f} s of processor time")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=VIDEOS)
    parser.add_argument("--clips", type=int, default=None, help="at most so many clips")
    parser.add_argument("--films", type=int, default=120, help="films of each kind; 0: single clips alone")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    if chosen.films < 0:
        parser.error(f"--films {chosen.films}: at least 0")
    report(gather_reporting(chosen.folder, chosen.clips), chosen.films, chosen.seed)


if __name__ == "__main__":
    main()
