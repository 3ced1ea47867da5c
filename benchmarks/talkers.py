"""Talkers: what they cost, how the tracker follows them, whether ``sync`` finds their offsets, how real lips differ.

    python benchmarks/talkers.py                   60 films with offsets within +-600 ms, and GRID beside them
    python benchmarks/talkers.py --count 6         a few
    python benchmarks/talkers.py --keep FOLDER     films are kept there, and not made again if they are there

1. CPU seconds of a film, the voice, the drawing and the encoding included.
2. The project's own face tracker on each film, less what a hand hides: frames with a face, correlation of its aperture
   with the planted one, distance of its lips in eye distances, its delay; its aperture in closures of /p b m/, beside
   the planted one and the median of the film.
3. ``genlock sync``: share answered, median and 90 % quantile of the error, share within 40 ms; beside it always 0.
4. Statistics of the lips, planted and as tracked, beside those of 13 speakers of GRID (where GRID is).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from _data import DATA

from genlock.core.track import Track
from genlock.extractors.face.landmarks import extract_landmarks
from genlock.extractors.face.pose import LIPS
from genlock.lipsync.evidence.base import FaceEvidence
from genlock.lipsync.evidence.collect import gather
from genlock.lipsync.fusion import Fusion
from genlock.synth.talkers.face import points_of
from genlock.synth.talkers.films import make_talker
from genlock.synth.talkers.mesh import upright
from genlock.synth.talkers.motion import STATE
from genlock.synth.talkers.plans import TalkerOptions, plan_talkers
from genlock.synth.talkers.truth import TalkerTruth, load_talker_truth, talker_path
from genlock.tasks.sync_video import SyncOptions, sync_video

VOICES = ("own", "flite", "kokoro:af_heart")
#: What stands for the mix of sizes and rates of the world, with less to compute.
SIZES, RATES = ("224x224", "256x256"), ("25", "30000/1001")
CLOSE = STATE.index("close")
LAGS = np.arange(-60, 61, 4) / 1000
#: Clips of each speaker of GRID that are looked at.
GRID_CLIPS = 6


@dataclass
class Film:
    """One film, and what was seen of it."""

    path: Path
    truth: TalkerTruth
    planted: np.ndarray
    tracked: np.ndarray
    seen: np.ndarray
    ok: np.ndarray
    faces: int


def gap(points: np.ndarray) -> np.ndarray:
    """Opening of the inner lips."""
    return np.asarray(points[..., 14, 1] - points[..., 13, 1])


def options_of(count: int, difficulty: float, seed: int) -> TalkerOptions:
    """What is made."""
    return TalkerOptions(
        count=count,
        reach_seconds="0.6",
        voices=VOICES,
        hidden=0.1,
        difficulty=difficulty,
        seed=seed,
        sizes=SIZES,
        rates=RATES,
        commands=0.8,
    )


def make(folder: Path, count: int, difficulty: float, seed: int) -> None:
    """Make what is not there, and tell what it cost."""
    costs, frames = [], 0
    for number, plan in enumerate(plan_talkers(options_of(count, difficulty, seed))):
        if talker_path(folder / f"{plan.name}.mp4").exists():
            continue
        before = time.process_time()
        frames_here = make_talker(folder, plan, landmarks=False).frame_count
        # The first film also loads voices and compiles.
        if number > len(VOICES):
            costs.append(time.process_time() - before)
            frames += frames_here
    if costs:
        print(
            f"cost: {np.mean(costs):.2f} CPU s a film of {frames / len(costs):.0f} frames in the mean "
            f"({1000 * np.mean(costs) / 3600:.2f} hours for a thousand), n={len(costs)}"
        )


def watch(path: Path) -> Film:
    """Track one film."""
    truth = load_talker_truth(talker_path(path))
    mesh, count = truth.landmarks().values.astype(float), truth.frame_count
    faces = extract_landmarks(path)
    tracked, seen = mesh.copy(), np.zeros(count, bool)
    for face in sorted(faces, key=lambda each: len(each.points))[-1:]:
        run = slice(face.first_frame, face.first_frame + len(face.points))
        seen[run] = face.points.valid
        tracked[run][face.points.valid] = face.points.values[face.points.valid]
    open_to_view = truth.hidden.on(truth.cells, count) < 0
    return Film(
        path, truth, upright(mesh), upright(tracked), seen[open_to_view], seen & open_to_view, len(faces)
    )


def delay(film: Film) -> float:
    """By how many seconds the tracked aperture lags behind the planted one."""
    instants = film.truth.cells.centers(film.truth.frame_count)[film.ok]
    motion, tracked = film.truth.motion(), gap(film.tracked)[film.ok]
    at = [gap(points_of(motion.at(instants - lag), film.truth.speaker)) for lag in LAGS]
    scores = np.array([np.corrcoef(each, tracked)[0, 1] for each in at])
    k = int(np.clip(scores.argmax(), 1, len(LAGS) - 2))
    left, middle, right = scores[k - 1 : k + 2]
    return float(LAGS[k] + 0.5 * (LAGS[1] - LAGS[0]) * (left - right) / (left - 2 * middle + right))


def closures(film: Film) -> tuple[list[float], list[float]]:
    """Least opening within each closure that a frame shows, planted and tracked."""
    found: tuple[list[float], list[float]] = ([], [])
    centers = film.truth.cells.centers(film.truth.frame_count)
    for span in film.truth.closures.shifted(film.truth.offset_seconds):
        inside = (centers >= float(span.start)) & (centers < float(span.end)) & film.ok
        if inside.any():
            for values, points in zip(found, (film.planted, film.tracked), strict=True):
                values.append(float(gap(points)[inside].min()))
    return found


def tracking(films: list[Film]) -> None:
    """The second table."""
    seen = sum(f.seen.sum() for f in films) / sum(len(f.seen) for f in films)
    usable = [f for f in films if f.ok.sum() > 20]
    corr = [np.corrcoef(gap(f.tracked)[f.ok], gap(f.planted)[f.ok])[0, 1] for f in usable]
    error = [np.linalg.norm((f.tracked - f.planted)[f.ok][:, LIPS, :2], axis=-1).mean() for f in usable]
    still = [
        np.linalg.norm(
            ((f.tracked - f.planted) - (f.tracked - f.planted)[f.ok].mean(axis=0))[f.ok][:, LIPS, :2], axis=-1
        ).mean()
        for f in usable
    ]
    late = np.array([delay(f) for f in usable])
    print(f"tracker: face in {100 * seen:.2f} % of the frames that nothing hides, n={len(films)} films")
    print(
        f"  one face in {sum(f.faces == 1 for f in films)} films; correlation of the aperture: {spread(corr)}"
    )
    print(f"  lips: {spread(error)} eye distances off, {spread(still)} less the mean of each film")
    print(f"  delay: median {1000 * np.median(late):+.1f} ms, {spread(1000 * late)}")
    planted, tracked = (np.concatenate(each) for each in zip(*(closures(f) for f in usable), strict=True))
    typical = np.median(np.concatenate([gap(f.tracked)[f.ok] for f in usable]))
    print(
        f"  in {len(planted)} closures of /p b m/: planted aperture at most {planted.max():.4f}; tracked median "
        f"{np.median(tracked):.4f}, 90 % below {np.quantile(tracked, 0.9):.4f}; median of all frames {typical:.4f}"
    )


def spread(values: object) -> str:
    """Median and the middle 80 %."""
    low, middle, high = np.quantile(np.asarray(values, float), [0.1, 0.5, 0.9])
    return f"{middle:.3f} ({low:.3f}...{high:.3f})"


def sync(films: list[Film]) -> None:
    """The third table."""
    errors, planted = [], np.array([float(f.truth.offset_seconds) for f in films])
    sure = []
    for film in films:
        found = sync_video(film.path, SyncOptions())
        sure.append(0.0 if found.offset_seconds is None else float(found.probability or 0))
        errors.append(
            np.nan
            if found.offset_seconds is None
            else found.offset_seconds - float(film.truth.offset_seconds)
        )
    report("sync on films", np.array(errors), planted, np.array(sure))


def report(what: str, error: np.ndarray, planted: np.ndarray, sure: np.ndarray) -> None:
    """Errors in seconds, NaN where there was no answer, beside those of always answering 0; and by how sure it was."""
    answered = ~np.isnan(error)
    print(f"{what}: {answered.sum()} of {len(error)} answered")
    for name, off in {"genlock sync": error[answered], "always 0": -planted}.items():
        size = 1000 * np.abs(off)
        draws = np.random.default_rng(0).integers(len(size), size=(2000, len(size)))
        low, high = np.quantile(np.median(size[draws], axis=1), [0.05, 0.95])
        print(
            f"  {name:13} median |error| {np.median(size):6.1f} ms (90 %: {low:.1f}...{high:.1f}), 90 % below "
            f"{np.quantile(size, 0.9):6.1f} ms, within 40 ms {np.mean(size <= 40):.3f}, "
            f"bias {1000 * np.median(off):+.1f} ms"
        )
    for name, some in {
        "at least half sure": sure >= 0.5,
        "less than half sure": answered & (sure < 0.5),
    }.items():
        if some.any():
            size = 1000 * np.abs(error[some])
            print(
                f"  {name}: {some.sum()}, median |error| {np.median(size):.1f} ms, within 40 ms "
                f"{np.mean(size <= 40):.3f}, largest {size.max():.0f} ms"
            )


def lips_alone(folder: Path, count: int, seed: int) -> None:
    """The same without pictures: the planted lips with a tracker's noise, the sound as a file, fused as ever."""
    errors, planted, sure = [], [], []
    for plan in plan_talkers(options_of(count, 0.5, seed)):
        truth = make_talker(folder / "sounds", plan, film=False, landmarks=False)
        (sound, *_) = gather(folder / "sounds" / f"{plan.name}.wav")
        fusion = Fusion()
        fusion.add(replace(sound, frames=truth.cells, faces=(noisy_face(truth),)))
        estimate = fusion.finish().estimate
        found = estimate.offset_seconds
        sure.append(0.0 if found is None else float(estimate.probability or 0))
        errors.append(np.nan if found is None else found - float(truth.offset_seconds))
        planted.append(float(truth.offset_seconds))
    report("sync on planted lips with noise, no picture", np.array(errors), np.array(planted), np.array(sure))


def noisy_face(truth: TalkerTruth) -> FaceEvidence:
    """What a tracker would see of planted lips, with its noise on silent faces of GRID."""
    mesh = upright(truth.landmarks(noise=1.0).values)[..., :2]
    valid = truth.hidden.on(truth.cells, truth.frame_count) < 0

    def track(values: np.ndarray) -> Track:
        return Track(values.astype(np.float32), truth.cells, valid)

    width = mesh[:, 291, 0] - mesh[:, 61, 0]
    still = np.zeros(len(mesh))
    return FaceEvidence(
        0, track(mesh[:, LIPS]), track(gap(mesh)), track(width), track(still), truth.camera.eye_distance
    )


# ---------------------------------------------------------------- likeness


def figures(clips: list[tuple[np.ndarray, float]]) -> dict[str, float]:
    """Statistics of lips of one speaker: clips of points [T, 468, 2...] with their rates."""
    opening = np.concatenate([gap(points) for points, _ in clips])
    width = np.concatenate([points[:, 308, 0] - points[:, 78, 0] for points, _ in clips])
    speed = np.concatenate([np.diff(gap(points)) * rate for points, rate in clips])
    lips = np.concatenate([points[:, LIPS, :2] - points[:, LIPS, :2].mean(axis=0) for points, _ in clips])
    power = np.linalg.svd(lips.reshape(len(lips), -1), compute_uv=False) ** 2
    chin = np.concatenate([points[:, 152, 1] - points[:, 152, 1].mean() for points, _ in clips])
    found = {f"aperture {q} %": float(np.quantile(opening, q / 100)) for q in (5, 50, 95, 99)}
    found["speed of aperture, 1/s"] = float(speed.std())
    found |= {f"width {q} %": float(np.quantile(width, q / 100)) for q in (5, 50, 95)}
    found["power above 3 Hz"] = float(np.mean([fast(gap(points), rate) for points, rate in clips]))
    found["aperture with chin"] = float(np.corrcoef(opening, chin)[0, 1])
    found["aperture with width"] = float(np.corrcoef(opening, width)[0, 1])
    found |= {f"{k} components": float(power[:k].sum() / power.sum()) for k in (1, 2, 4, 8)}
    return found


def fast(values: np.ndarray, rate: float) -> float:
    """Share of a curve's power between 3 and 10 Hz, of that between 0.5 and 10."""
    power = np.abs(np.fft.rfft((values - values.mean()) * np.hanning(len(values)))) ** 2
    hertz = np.fft.rfftfreq(len(values), 1 / rate)
    return float(power[(hertz > 3) & (hertz < 10)].sum() / power[(hertz > 0.5) & (hertz < 10)].sum())


def grid() -> list[dict[str, float]]:
    """Statistics of each speaker of GRID."""
    folders = [DATA / "grid_s1" / "video", *sorted((DATA / "grid_more").glob("s*/video"))]
    found = []
    for folder in folders:
        clips = []
        for path in sorted(folder.glob("*"))[:GRID_CLIPS]:
            faces = extract_landmarks(path)
            if len(faces) == 1 and faces[0].share == 1 and len(faces[0].points) > 40:
                clips.append((upright(faces[0].points.values), 25.0))
        if clips:
            found.append(figures(clips))
    return found


def likeness(films: list[Film]) -> None:
    """The fourth table."""
    whole = [f for f in films if f.ok.mean() > 0.98]
    rates = [len(f.ok) / float(f.truth.cells.edge(f.truth.frame_count)) for f in whole]
    rows = {
        "planted": [figures([(f.planted, r)]) for f, r in zip(whole, rates, strict=True)],
        "as tracked": [figures([(f.tracked, r)]) for f, r in zip(whole, rates, strict=True)],
        "GRID": grid(),
    }
    print("likeness: median over speakers (10...90 %)")
    print(f"  {'':24}" + "".join(f"{f'{name}, n={len(values)}':>26}" for name, values in rows.items()))
    for key in rows["planted"][0]:
        cells = [spread([v[key] for v in values]) if values else "-" for values in rows.values()]
        print(f"  {key:24}" + "".join(f"{cell:>26}" for cell in cells))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=14, help="13 is what the lead of the lips was set on")
    parser.add_argument("--difficulty", type=float, default=0.5)
    parser.add_argument("--keep", type=Path, default=None)
    parser.add_argument("--parts", default="make,lips,tracking,sync,likeness")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        parts = chosen.parts.split(",")
        if "make" in parts:
            make(folder, chosen.count, chosen.difficulty, chosen.seed)
        if "lips" in parts:
            lips_alone(folder, chosen.count, chosen.seed)
        if not set(parts) & {"tracking", "sync", "likeness"}:
            return
        films = [
            watch(path) for path in sorted(folder.glob("*.mp4"))[: chosen.count] if talker_path(path).exists()
        ]
        for name, part in (("tracking", tracking), ("sync", sync), ("likeness", likeness)):
            if name in parts:
                part(films)
        voices = sorted({json.dumps(film.truth.voice) for film in films})
        print(f"voices: {', '.join(voices)}")


if __name__ == "__main__":
    main()
