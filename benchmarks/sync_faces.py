"""Faces where people have them: one talk in unusual pictures, and what ``genlock sync`` says of each.

A talk as it is; stored half as wide with pixels twice as wide as high; as a small tile in the recording of a screen; as
pictures of two eyes, side by side, each squeezed to half; and crops of the mouth alone, of the talks and of GRID clips
beside the whole picture. The sound is copied as it is, so all answers of a talk should agree.

    python benchmarks/sync_faces.py [TALK ...] [--grid CLIP ...] [--seconds 8]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from _data import DATA, TALKING, VIDEOS, need

import genlock
from genlock.extractors.face.landmarks import extract_landmarks
from genlock.extractors.face.pose import LIPS
from genlock.media import ReadOptions, probe

CROP, TILE, SCREEN = 96, 160, (1920, 1080)
#: Corners of the mouth among the lips.
_CORNERS = (0, 10)


def encoded(film: Path, target: Path, seconds: float, filters: str) -> Path:
    """The first seconds through a filter of FFmpeg, the sound as it came in samples."""
    coded = ["-c:v", "libx264", "-crf", "16", "-preset", "veryfast", "-c:a", "pcm_s16le"]
    taken = [
        "-i",
        str(film),
        "-t",
        f"{seconds:g}",
        "-filter_complex",
        filters,
        "-map",
        "[out]",
        "-map",
        "0:a",
    ]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *taken, *coded, str(target)], check=True)
    return target


def mouth_of(film: Path, seconds: float) -> str:
    """The filter that cuts out the mouth, half the crop wide."""
    face = max(
        extract_landmarks(film, reading=ReadOptions(end=str(seconds)), indices=LIPS),
        key=lambda each: each.share,
    )
    lips = face.points.values[face.points.valid][..., :2]
    wide = float(np.linalg.norm(lips[:, _CORNERS[0]] - lips[:, _CORNERS[1]], axis=1).mean())
    side = round(2 * wide)
    x, y = lips.mean(axis=(0, 1))
    return f"[0:v]crop={side}:{side}:{x - side / 2:.0f}:{y - side / 2:.0f},scale={CROP}:{CROP}[out]"


def pictures(film: Path, folder: Path, seconds: float, *, whole: bool) -> Iterator[tuple[str, Path]]:
    """Name and file of each; of GRID clips, whose faces are small already, only the picture and the crop."""
    yield "as it is", encoded(film, folder / "plain.mkv", seconds, "[0:v]null[out]")
    if not whole:
        yield "the crop of the mouth", encoded(film, folder / "mouth.mkv", seconds, mouth_of(film, seconds))
        return
    video = probe(film).video[0]
    wide, high = video.width, video.height
    yield (
        "stored half as wide",
        encoded(film, folder / "narrow.mkv", seconds, f"[0:v]scale={wide // 4 * 2}:{high},setsar=2/1[out]"),
    )
    tile = f"scale={TILE}:-2[tile];color=gray:s={SCREEN[0]}x{SCREEN[1]}:r={video.rate}[desk]"
    yield (
        f"in a tile of {TILE} pixels of a picture of {SCREEN[0]} x {SCREEN[1]}",
        encoded(
            film, folder / "tile.mkv", seconds, f"[0:v]{tile};[desk][tile]overlay=1600:80:shortest=1[out]"
        ),
    )
    half = f"[0:v]scale={wide // 4 * 2}:{high},split[left][right];[right]scroll=hpos=0.01[moved]"
    yield (
        "for two eyes, each squeezed to half",
        encoded(film, folder / "eyes.mkv", seconds, f"{half};[left][moved]hstack,setsar=1[out]"),
    )
    yield "the crop of the mouth", encoded(film, folder / "mouth.mkv", seconds, mouth_of(film, seconds))


def said_of(film: Path) -> str:
    """Offset, probability and belonging in a few words."""
    found = genlock.sync(film)
    if found.offset_seconds is None:
        return f"unknown: {found.reason}"
    way = "early" if found.offset_seconds > 0 else "late"
    return f"{abs(1000 * found.offset_seconds):.0f} ms {way}, p {found.probability:.2f}"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("talks", type=Path, nargs="*", help="those of $GENLOCK_DATA if none is given")
    parser.add_argument(
        "--grid", type=Path, nargs="*", help="clips of GRID; a few of $GENLOCK_DATA if not given"
    )
    parser.add_argument("--seconds", type=float, default=8.0)
    chosen = parser.parse_args()
    talks = chosen.talks or need(TALKING, "talking faces")
    clips = chosen.grid
    if clips is None:
        clips = need(VIDEOS)[5:6]
        for who in ("s2", "s10"):
            folder = DATA / "grid_more" / who / "video"
            clips += sorted(folder.iterdir())[:1] if folder.is_dir() else []
    print("| film | picture | sync says |\n|---|---|---|")
    for film, whole in [*((talk, True) for talk in talks), *((clip, False) for clip in clips)]:
        with tempfile.TemporaryDirectory() as folder:
            for name, made in pictures(film, Path(folder), chosen.seconds, whole=whole):
                print(f"| {film.stem} | {name} | {said_of(made)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
