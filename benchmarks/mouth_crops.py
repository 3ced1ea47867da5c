"""How far the published mouth crop lies from ours, in pixels and in what is read from it.

Each film is looked at once. From the same landmarks are cut: our own crop (``mouth/96``), the published one as we make
it (``mouth:avhubert/96``) onto the mean face that we ship (our own upright face: the published file is not ours to
ship), and the same onto mean faces a tenth smaller and larger, to see what another file could change. ``--public
FOLDER`` (a checkout of the public code, which needs scikit-image) lets its own ``align_mouth.py`` cut the same frames
with the same landmarks and mean face.

Printed are: where the published crop lies against ours (an affine map found by correlation: shift of its middle in
pixels of 96, factor, and how the shift trembles from frame to frame), and of each crop what ``avsr-nano``, which learnt
from ours, makes of it: the cosine of its front's rows with those of our crop, and word errors from the lips alone, of
GRID speakers whom it never saw.

    python benchmarks/mouth_crops.py [FILM ...] [--model avsr-nano] [--public FOLDER]
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _data import DATA, need

from genlock.bench.figures import bootstrapped
from genlock.extractors.face.landmarks import MESH_TO_68
from genlock.extractors.face.mouth import MouthWatcher
from genlock.extractors.face.published_mouth import FACE_SIDE, STABLE, PublishedCrops, default_mean_face
from genlock.extractors.face.tracking import Sighting, watch_faces
from genlock.metrics.words import word_errors
from genlock.speech.audiovisual.checkpoint import load_recognizer
from genlock.speech.audiovisual.search import SearchOptions, search
from genlock.speech.audiovisual.streams import look

OURS, PUBLISHED = "mouth/96", "mouth:avhubert/96"
SIDE = 96
#: Speakers whom ``avsr-nano`` never saw.
STRANGERS = ("s3", "s5", "s31")


def scaled(factor: float) -> np.ndarray:
    """Our mean face, larger by a factor about the middle of its points."""
    points = default_mean_face()
    middle = points.mean(axis=0)
    return np.asarray(middle + factor * (points - middle))


class Watch:
    """The crops of the first face of a film, in every way, and what the public code needs to make its own."""

    def __init__(self) -> None:
        self._takers: dict[str, Callable[[Sighting], Any]] = {
            PUBLISHED: PublishedCrops(SIDE),
            "mean face x 0.9": PublishedCrops(SIDE, scaled(0.9)),
            "mean face x 1.1": PublishedCrops(SIDE, scaled(1.1)),
        }
        self._own = MouthWatcher(SIDE)
        self.crops: dict[str, list[np.ndarray]] = {OURS: [], **{name: [] for name in self._takers}}
        self.images: list[np.ndarray] = []
        self.points: list[np.ndarray] = []

    def __call__(self, face: Sighting) -> None:
        if face.face:
            return
        self.crops[OURS].append(self._own(face)[0])
        for name, take in self._takers.items():
            self.crops[name].append(take(face))
        self.images.append(np.array(face.image))
        self.points.append(np.asarray(face.points[list(MESH_TO_68), :2], np.float64))


def public_crops(folder: Path, watch: Watch) -> list[np.ndarray]:
    """What the public code cuts out of the same frames, grey as its data loader makes them."""
    file = next(folder.rglob("align_mouth.py"))
    spec = importlib.util.spec_from_file_location("align_mouth", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    mean_face = np.zeros((68, 2))
    mean_face[list(STABLE)] = default_mean_face()
    if hasattr(module, "read_video"):  # frames come from memory, not from a file
        module.get_frame_count, module.read_video = len, iter
    cut = module.crop_patch(
        watch.images, watch.points, mean_face, list(STABLE), (FACE_SIDE, FACE_SIDE), 12, 48, 68, SIDE, SIDE
    )
    return [cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2GRAY) for crop in cut]


def between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Shift of the middle in pixels (right, down) and factor of the affine map from a crop to another, [3]; NaN if no
    map is found."""
    matrix = np.eye(2, 3, dtype=np.float32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-5)
    try:
        _, found = cv2.findTransformECC(one, other, matrix, cv2.MOTION_AFFINE, stop, None, 5)
    except cv2.error:
        return np.full(3, np.nan)
    middle = np.array([SIDE / 2, SIDE / 2, 1.0])
    return np.array([*(found @ middle - middle[:2]), np.sqrt(abs(np.linalg.det(found[:, :2])))])


def said_in(film: Path) -> list[str]:
    """The words of a GRID clip."""
    lines = (film.parent.parent / "align" / f"{film.stem}.align").read_text().split("\n")
    words = [line.split()[2] for line in lines if len(line.split()) == 3]
    return [word for word in words if word not in ("sil", "sp")]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=8, help="clips of each of the default folders")
    parser.add_argument("--model", default="avsr-nano")
    parser.add_argument("--public", type=Path)
    given = parser.parse_args()
    films = given.films or [
        film
        for folder in (DATA / "grid_more" / who / "video" for who in STRANGERS)
        for film in _spread(need(folder), given.count)
    ]
    model = load_recognizer(given.model)
    maps: list[np.ndarray] = []
    levels: list[tuple[float, float]] = []
    errors: dict[str, list[tuple[int, int]]] = {}
    cosines: dict[str, list[float]] = {}
    for film in films:
        watch = Watch()
        watch_faces(film, [watch])
        crops = {name: np.stack(each) for name, each in watch.crops.items()}
        maps.append(np.array([between(*pair) for pair in zip(crops[OURS], crops[PUBLISHED], strict=True)]))
        if given.public:
            crops["public code"] = np.stack(public_crops(given.public, watch))
            apart = np.abs(crops["public code"].astype(float) - crops[PUBLISHED])
            levels.append((float(apart.mean()), float(np.percentile(apart, 99))))
        pictures = look(model, list(crops.values()), [np.ones(len(each), bool) for each in crops.values()])
        lips = model.encode(None, [picture.part(len(watch.images)) for picture in pictures])
        for name, best, picture in zip(crops, search(model, lips, SearchOptions(4)), pictures, strict=True):
            wrong = word_errors(said_in(film), best[0].text.split())
            errors.setdefault(name, []).append((wrong.total, wrong.true_words))
            cosines.setdefault(name, []).append(_cosine(pictures[0].rows, picture.rows))
        print(".", end="", file=sys.stderr, flush=True)
    print(f"\n{len(films)} clips; the published crop against ours, in pixels of {SIDE}:")
    whole = np.concatenate(maps)
    right, down, factor = np.nanmedian(whole, axis=0)
    steps = np.concatenate([np.linalg.norm(np.diff(one[:, :2], axis=0), axis=1) for one in maps])
    spread = float(np.median([np.nanstd(one[:, :2], axis=0).max() for one in maps]))
    print(
        f"  {right:+.1f} to the right, {down:+.1f} down, {factor:.3f} times as large; "
        f"within a clip {spread:.1f} to and fro"
    )
    print(
        f"  from frame to frame {np.nanmedian(steps):.2f} (median), {np.nanpercentile(steps, 95):.2f} (95 %)"
    )
    if levels:
        mean, high = np.mean(levels, axis=0)
        print(
            f"  the public code's own crop against our published one: {mean:.2f} grey levels, 99 % within {high:.1f}"
        )
    print(f"{'crop':20} cosine of rows   word errors from the lips alone")
    for name, each in errors.items():
        rate = bootstrapped(each, lambda x: float(x[:, 0].sum() / x[:, 1].sum()))
        print(f"{name:20} {np.mean(cosines[name]):.3f}            {rate}")


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Mean cosine of two clips' rows, their common mean taken off."""
    middle = one.mean(axis=0)
    a, b = one - middle, other - middle
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / np.maximum(lengths, 1e-9)).mean())


def _spread(files: Sequence[Path], count: int) -> list[Path]:
    films = [file for file in files if file.suffix in (".mpg", ".mp4", ".mkv")]
    return films[:: max(1, len(films) // count)][:count]


if __name__ == "__main__":
    main()
