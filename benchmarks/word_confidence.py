"""Whether ``within_50ms`` of aligned English words is what happens: stated and happened, by length and by noise.

Speakers s5, s10, s16, s25, s27, s29 and s32 of GRID are judged; the numbers were fitted on s1, s2, s3, s4, s30 and s31
(``tools/fit_word_confidence.py``), and nothing was on these. Beside it stands the raw confidence, which says whether a
word is spoken there, and not how well its edges lie. Words that are not reported are left out.

    python benchmarks/word_confidence.py [--clips N]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from _data import DATA, need

from genlock.speech.sphinx.align import SphinxAligner
from genlock.speech.word_trust import load_word_trust
from genlock.train.speech.word_trust import CONDITIONS, Judged, grid_words, judged

Array = npt.NDArray[np.float64]

MORE = DATA / "grid_more"
JUDGED = ("s5", "s10", "s16", "s25", "s27", "s29", "s32")
#: Groups of words by length, in seconds.
LENGTHS = (0.0, 0.15, 0.25, float("inf"))
BINS = 5
SEED = 77


def table(name: str, stated: Array, near: Array) -> None:
    """One row: stated, happened and number of words in each of five equal bins, and the figures over all of them."""
    cells = []
    places = np.minimum((stated * BINS).astype(int), BINS - 1)
    for place in range(BINS):
        own = places == place
        if own.any():
            cells.append(f"{stated[own].mean():.2f} {near[own].mean():.2f} {own.sum():4}")
        else:
            cells.append(f"{'-':>4} {'-':>4} {0:4}")
    print(
        f"{name:30} "
        + " | ".join(cells)
        + f" | {apart(stated, near):.3f} {np.mean((stated - near) ** 2):.3f}"
    )


def apart(stated: Array, near: Array) -> float:
    """Expected calibration error: mean over words of how far their bin's stated mean is from what happened."""
    places = np.minimum((stated * BINS).astype(int), BINS - 1)
    gaps = [abs(float((stated - near)[places == k].sum())) for k in range(BINS)]
    return sum(gaps) / max(len(stated), 1)


def order(stated: Array, near: Array) -> float:
    """How often a word that lies near is stated more than one that does not (area under the ROC curve)."""
    yes, no = stated[near > 0.5], stated[near < 0.5]
    above = (yes[:, None] > no).mean() + 0.5 * (yes[:, None] == no).mean()
    return float(above)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=None, help="at most so many of each speaker")
    options = parser.parse_args(arguments)
    need(MORE / JUDGED[0] / "video")
    aligner, rows, kinds = SphinxAligner(), list[Judged](), list[str]()
    said = 0
    for speaker in JUDGED:
        for number, clip in enumerate(grid_words(MORE / speaker, options.clips)):
            for kind, condition in enumerate(CONDITIONS):
                rows.append(judged(clip, condition, aligner, SEED + number * len(CONDITIONS) + kind))
                kinds.append(str(condition))
                said += len(clip.words)
    near = np.concatenate([row.near for row in rows]).astype(float)
    raw = np.concatenate([row.confidence for row in rows])
    seconds = np.concatenate([row.seconds for row in rows])
    noise = np.concatenate([np.full(len(row.near), kind) for row, kind in zip(rows, kinds, strict=True)])
    stated = load_word_trust().probabilities(np.concatenate([row.features for row in rows]))
    print(f"{len(near)} of {said} words reported, of {len(JUDGED)} speakers; {near.mean():.1%} within 50 ms")
    print(
        "each bin: stated, happened, words; then the mean gap of stated and happened (ECE) and the Brier score\n"
    )
    groups = [("all", np.ones(len(near), bool))]
    groups += [(kind, noise == kind) for kind in dict.fromkeys(kinds)]
    for low, high in pairwise(LENGTHS):
        named = (
            f"{1000 * low:.0f} ms and more"
            if high == LENGTHS[-1]
            else f"{1000 * low:.0f} to {1000 * high:.0f} ms"
        )
        groups.append((named, (seconds >= low) & (seconds < high)))
    for title, values in (("within_50ms", stated), ("confidence, raw", raw)):
        print(f"{title}: right order {order(values, near):.3f}")
        for name, own in groups:
            if own.any():
                table(f"  {name}", values[own], near[own])
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
