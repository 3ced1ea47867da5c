"""Whose are the errors on GRID: the estimator's, or the clips' own?

Each clip of 3 s is measured as it came, by the linear model and by the towers alone (the same bands of sound and points
of the lips, another method); whole, in halves, and with its sound moved one way and the other. Neither was trained on
these clips. What the two models agree on lies in the clip, what they differ in is error of measurement; what the two
halves agree on lasts through the clip. Words are asked too: if a model saw some words early, the words of a sentence
would tell its error.

    python benchmarks/sync_clips_own.py [FOLDER_OF_VIDEOS] [--part calibrate] [--clips N]
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from _data import VIDEOS, need

from genlock.aligners.curves import correlate, find_peak, weighted
from genlock.data.corpora.lipsync import split_by_name
from genlock.lipsync.estimators.linear import LinearSync
from genlock.lipsync.estimators.lips import LipsSync
from genlock.lipsync.estimators.tower import default_tower, picture_tower, sound_tower
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import gather
from genlock.lipsync.evidence.editing import cut, main_face, with_offset

#: Seen further out than this, a clip was not seen at all.
MOST_SECONDS = 0.1
MODELS = ("linear", "towers", "both")
#: What the splits are for.
SPLITS = {"train": "train", "calibrate": "valid", "report": "test"}


def offsets(evidence: Evidence) -> np.ndarray:
    """Where each of the models sees a clip, [3], NaN if nowhere."""
    face, tower = main_face(evidence), default_tower()
    if face is None or evidence.mel is None:
        return np.full(len(MODELS), np.nan)
    heard, said = sound_tower(evidence.mel, tower), picture_tower(face, tower)
    curves = [
        LinearSync().cues(evidence)[0].curve,
        correlate(heard, said, "1.2", weights=tower.arrays["weights"], least_overlap="0.4"),
        LipsSync().cues(evidence)[0].curve,
    ]
    peaks = [None if curve is None else find_peak(weighted(curve)) for curve in curves]
    return np.array([np.nan if peak is None else peak.lag_seconds for peak in peaks])


def shifted(evidence: Evidence, shift: str) -> np.ndarray:
    """The same after its sound was moved and what then stands out was cut away, less the move."""
    return offsets(cut(with_offset(evidence, shift), evidence.start, evidence.end)) - float(shift)


def agreement(a: np.ndarray, b: np.ndarray) -> str:
    """Correlation and spread of the difference of what both saw."""
    near = (np.abs(a) < MOST_SECONDS) & (np.abs(b) < MOST_SECONDS)
    a, b = a[near], b[near]
    return (
        f"r {np.corrcoef(a, b)[0, 1]:5.3f}   they differ by {1000 * np.std(a - b):5.1f} ms   ({len(a)} clips)"
    )


def by_words(clips: list[str], seen: np.ndarray) -> None:
    """How much of the scatter the word in each place explains, beside what as many random groups would."""
    near = np.abs(seen) < MOST_SECONDS
    names, values = [n for n, k in zip(clips, near, strict=True) if k], seen[near] - seen[near].mean()
    print("\nscatter explained by a word (by chance):", end=" ")
    for place, what in enumerate(("command", "colour", "preposition", "letter", "digit", "adverb")):
        groups: dict[str, list[float]] = {}
        for name, value in zip(names, values, strict=True):
            groups.setdefault(name[place], []).append(value)
        explained = sum(len(g) * np.mean(g) ** 2 for g in groups.values()) / (values**2).sum()
        print(f"{what} {explained:.2f} ({(len(groups) - 1) / (len(values) - 1):.2f})", end="; ")
    print()


def report(clips: Mapping[str, Evidence]) -> None:
    """All figures."""
    names = sorted(clips)
    whole = np.array([offsets(clips[n]) for n in names])
    halves = [
        np.array(
            [
                offsets(cut(e, *span))
                for e in (clips[n] for n in names)
                for span in [(e.start, (e.start + e.end) / 2) if k == 0 else ((e.start + e.end) / 2, e.end)]
            ]
        )
        for k in (0, 1)
    ]
    moved = [np.array([shifted(clips[n], shift) for n in names]) for shift in ("0.3137", "-0.3137")]
    print(f"{len(names)} clips; offsets as they came:")
    for k, model in enumerate(MODELS):
        seen = whole[np.abs(whole[:, k]) < MOST_SECONDS, k]
        marks = " ".join(f"{1000 * q:+.0f}" for q in np.quantile(seen, [0.05, 0.25, 0.5, 0.75, 0.95]))
        print(f"  {model:8} spread {1000 * seen.std():.1f} ms; 5, 25, 50, 75, 95 %: {marks} ms")
    print(f"\nlinear and towers, whole clips:      {agreement(whole[:, 0], whole[:, 1])}")
    for k, model in enumerate(MODELS):
        print(f"{model:8} moved by +-314 ms:          {agreement(moved[0][:, k], moved[1][:, k])}")
        print(f"{model:8} first half and second:      {agreement(halves[0][:, k], halves[1][:, k])}")
    print(f"linear's first half, towers' second: {agreement(halves[0][:, 0], halves[1][:, 1])}")
    by_words(names, whole[:, 2])


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=VIDEOS)
    parser.add_argument("--part", default="calibrate", choices=tuple(SPLITS))
    parser.add_argument("--clips", type=int, default=None, help="at most so many")
    chosen = parser.parse_args()
    files = [f for f in need(chosen.folder) if split_by_name(f.stem) == SPLITS[chosen.part]]
    found = {file.stem: gather(file)[0] for file in files[: chosen.clips]}
    report({n: e for n, e in found.items() if e.mel is not None and main_face(e) is not None})


if __name__ == "__main__":
    main()
