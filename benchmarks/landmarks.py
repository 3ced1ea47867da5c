"""Faces: how often they are seen, how fast, and how near our points are to those of MediaPipe's own package.

    python benchmarks/landmarks.py                        every GRID clip and the two talking ones, hit rate and speed
    python benchmarks/landmarks.py --clips 20             twenty GRID clips, evenly spread
    python benchmarks/landmarks.py --oracle build/mediapipe/bin/python
                                                          and against MediaPipe (tools/mediapipe_env.sh makes that)

Clips are looked for in ../shared/data, or in $GENLOCK_DATA. The contact sheet goes to build/landmarks.png.
Three GRID clips (bbizzn, brwa4p, lrarzn) begin in the middle of a group of pictures: their first 12 frames decode to
grey with some blocks, and there is no face to see in them.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from _data import BUILD, TALKING, VIDEOS, need

from genlock.extractors.face.landmarks import draw_landmarks
from genlock.extractors.face.tracking import FaceTracker, Sighting
from genlock.media import VideoCell, VideoForm, read

ORACLE_CLIPS, ORACLE_FRAMES = 10, 25
# Cheeks where the face is widest.
LEFT, RIGHT = 234, 454


@dataclass
class Clip:
    """What was seen of one clip."""

    name: str
    frames: int = 0
    seen: int = 0
    faces: int = 0
    cpu_seconds: float = 0.0
    pictures: list[np.ndarray] = field(default_factory=list)
    points: dict[int, np.ndarray] = field(default_factory=dict)
    middle: np.ndarray | None = None


class Watcher:
    """A tracker whose own time is measured; the first frames and points are kept for the oracle."""

    def __init__(self, clip: Clip, keep: int) -> None:
        self.clip, self.keep = clip, keep
        self.tracker = FaceTracker([self.sink])
        self.form = VideoForm(pixels="rgb24")
        self.frames: set[int] = set()

    def sink(self, sighting: Sighting) -> None:
        self.frames.add(sighting.frame)
        if sighting.frame < self.keep and sighting.face == 0:
            self.clip.points[sighting.frame] = sighting.points
        if sighting.frame == 40:
            self.clip.middle = draw_landmarks(sighting.image, sighting.points)

    def push(self, cell: VideoCell) -> None:
        clip = self.clip
        clip.frames += 1
        if len(clip.pictures) < self.keep:
            clip.pictures.append(np.array(cell.pixels))
        before = time.process_time()
        self.tracker.push(cell)
        clip.cpu_seconds += time.process_time() - before

    def finish(self) -> None:
        self.clip.seen, self.clip.faces = len(self.frames), self.tracker.faces


def watch(path: Path, keep: int) -> Clip:
    clip = Clip(path.stem)
    read(path, [Watcher(clip, keep)])
    return clip


def report(title: str, clips: list[Clip]) -> None:
    frames, seen = sum(c.frames for c in clips), sum(c.seen for c in clips)
    missed = [f"{c.name} ({c.frames - c.seen})" for c in clips if c.seen < c.frames]
    several = [c.name for c in clips if c.faces != 1]
    each = 1000 * sum(c.cpu_seconds for c in clips) / max(1, frames)
    print(
        f"{title}: {len(clips)} clips, face seen in {seen} of {frames} frames ({100 * seen / max(1, frames):.2f} %)"
    )
    print(f"  missed: {', '.join(missed) or 'none'}; not exactly one face: {', '.join(several) or 'none'}")
    print(
        f"  {each:.2f} ms of CPU a frame (cut detection, mesh, now and then the detector), without decoding"
    )


def against_oracle(clips: list[Clip], python: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        frames, points = f"{folder}/frames.npz", f"{folder}/points.npz"
        np.savez(frames, **{clip.name: np.stack(clip.pictures) for clip in clips})
        script = Path(__file__).with_name("landmarks_oracle.py")
        subprocess.run([python, script, frames, points], check=True, stderr=subprocess.DEVNULL)
        with np.load(points) as found:
            answers = {name: found[name] for name in found.files}
    print(
        f"against MediaPipe: {len(clips)} clips, their first {ORACLE_FRAMES} frames; distances in % of the face's width"
    )
    for kind in ("", ".static"):
        rows, ours_only, theirs_only = [], 0, 0
        for clip in clips:
            for k, theirs in enumerate(answers[clip.name + kind]):
                ours = clip.points.get(k)
                if ours is None or np.isnan(theirs).any():
                    ours_only += ours is not None
                    theirs_only += not np.isnan(theirs).any()
                    continue
                width = np.hypot(*(theirs[RIGHT, :2] - theirs[LEFT, :2]))
                rows.append(100 * np.hypot(*(ours - theirs)[:, :2].T) / width)
        apart = np.array(rows)
        label = "it looks at each frame anew (we follow)" if kind else "both follow the face"
        print(f"  {label}: {len(apart)} frames, mean {apart.mean():.3f}", end="")
        print(f", worst frame's mean {apart.mean(axis=1).max():.3f}, worst point {apart.max():.3f}", end="")
        print(f"; only we saw a face {ours_only}, only MediaPipe {theirs_only}")


def sheet(clips: list[Clip], target: Path) -> None:
    pictures = [clip.middle for clip in clips if clip.middle is not None]
    small = [
        cv2.resize(p, (300, 300 * p.shape[0] // p.shape[1]), interpolation=cv2.INTER_AREA) for p in pictures
    ]
    height = max(p.shape[0] for p in small)
    small = [np.pad(p, ((0, height - p.shape[0]), (0, 0), (0, 0))) for p in small]
    columns = 6
    small += [np.zeros_like(small[0])] * (-len(small) % columns)
    rows = [np.hstack(small[k : k + columns]) for k in range(0, len(small), columns)]
    target.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(target), np.vstack(rows)[..., ::-1])
    print(f"contact sheet of {len(pictures)} clips: {target}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, help="so many GRID clips, evenly spread; all by default")
    parser.add_argument("--oracle", type=Path, help="Python of an environment with MediaPipe")
    parser.add_argument("--sheet", type=Path, default=BUILD / "landmarks.png")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    grid, talking = need(VIDEOS), sorted(TALKING.glob("*.mp4"))
    chosen = grid if options.clips is None else grid[:: max(1, len(grid) // options.clips)][: options.clips]
    compared = {path.stem for path in chosen[:: max(1, len(chosen) // ORACLE_CLIPS)][:ORACLE_CLIPS]}
    keep = ORACLE_FRAMES if options.oracle else 0
    clips = [watch(path, keep if path.stem in compared else 0) for path in chosen]
    report("GRID s1", clips)
    faces = [watch(path, keep) for path in talking]
    report("talking", faces)
    shown = clips[:: max(1, len(clips) // 16)][:16] + faces
    sheet(shown, options.sheet)
    if options.oracle:
        against_oracle([clip for clip in clips if clip.pictures] + faces, options.oracle)


if __name__ == "__main__":
    main()
