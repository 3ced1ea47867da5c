"""Can the borders of English words be moved nearer to GRID's own times by what is known of each border?

A ridge regression learns by how much the aligner's borders between two words differ from the corpus' times: from the
two phones there alone (bias by kind of border), and with the sound too, whose level and spectrum are looked at within
100 ms. It is judged on speakers that it did not learn from, one left out after the other, and once more on clips of the
very speakers that it learnt from, a tenth left out after the other. Speakers s1, s2, s3, s4, s30 and s31 count alike;
those of ``words_grid.py`` are not looked at. Of several penalties the best is shown, which flatters all of it.

What helps on a speaker's other clips and not on other speakers is how the corpus cut that speaker, whose times were
made by a model for each; no rule about sound can know it.

    python benchmarks/word_borders.py [--clips N]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from _data import GRID
from words_grid import LEARNT, MORE

from genlock.speech.sphinx.align import SphinxAligner
from genlock.speech.sphinx.features import cepstra
from genlock.speech.text import tokenize
from genlock.speech.word_edges import LEVEL_STEP, levels
from genlock.train.speech.word_trust import TrueWords, grid_words

Array = npt.NDArray[np.float64]

#: Classes of phones, for borders of which each pair of phones is rare.
CLASSES = tuple(
    tuple(group.split())
    for group in (
        "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW",
        "M N NG",
        "B D G",
        "P T K",
        "V DH Z ZH",
        "F TH S SH HH",
        "CH JH",
        "L R",
        "W Y",
    )
)
#: Steps of 2.5 ms from the border at which the sound is looked at.
AT = range(-40, 41, 4)
#: Neighbouring words touch if they are no further apart, in seconds.
TOUCHING = 0.005
PENALTIES = (10.0, 30.0, 100.0, 300.0, 1000.0)


@dataclass(frozen=True)
class Border:
    """One border between two words that follow each other without a pause."""

    speaker: str
    clip: int
    kind: Array
    sound: Array
    error_ms: float
    """How much later than the corpus the aligner has it."""


def borders(speaker: str, number: int, clip: TrueWords, aligner: SphinxAligner) -> list[Border]:
    """All borders of a clip where the aligner has no pause."""
    tokens = tokenize(" ".join(clip.words))
    placed = aligner.align(clip.samples, tokens, clip.origin)
    phones = aligner.phones(clip.samples, tokens)
    level = levels(clip.samples)
    spectrum = cepstra(clip.samples, LEVEL_STEP)
    spectrum = (spectrum - spectrum.mean(axis=0)) / (spectrum.std(axis=0) + 0.1)
    found = []
    for before, word, (true, _) in zip(placed, placed[1:], clip.times[1:], strict=False):
        if before.end is None or word.start is None or word.start - before.end > TOUCHING:
            continue
        at = float(word.start - clip.origin)
        left = min(phones, key=lambda p: abs(p[2] - at))[0]
        right = min(phones, key=lambda p: abs(p[1] - at))[0]
        steps = np.clip(round(at * 16000 / LEVEL_STEP) + np.array(AT), 0, min(len(level), len(spectrum)) - 1)
        heard = np.concatenate(
            [np.clip(level[steps] - np.percentile(level, 10), 0, 60) / 20, spectrum[steps, :6].ravel()]
        )
        kind = np.array([float(phone in group) for phone in (left, right) for group in CLASSES])
        found.append(Border(speaker, number, kind, heard, 1000 * float(word.start - true)))
    return found


def ridge(rows: Array, errors: Array, weights: Array, penalty: float, others: Array) -> Array:
    """What a ridge regression on some borders says of others; errors count up to 50 ms."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 0.1
    x, y = (rows - mean) / spread, np.clip(errors, -50, 50)
    centre = float(np.average(y, weights=weights))
    square = (x * weights[:, None]).T @ x + penalty * np.eye(x.shape[1])
    slopes = np.linalg.solve(square, (x * weights[:, None]).T @ (y - centre))
    said: Array = centre + (others - mean) / spread @ slopes
    return said


def left_over(rows: Array, errors: Array, speakers: Array, groups: Array, penalty: float) -> Array:
    """Errors less what is said of them by a regression that did not see their group."""
    left = errors.copy()
    for group in np.unique(groups):
        out = groups == group
        counts = {name: (speakers[~out] == name).sum() for name in np.unique(speakers[~out])}
        weights = np.array([len(errors) / len(counts) / counts[name] for name in speakers[~out]])
        left[out] -= ridge(rows[~out], errors[~out], weights, penalty, rows[out])
    return left


def of_speakers(errors: Array, speakers: Array) -> str:
    """Mean absolute error, each speaker alike, and of each."""
    each = [np.abs(errors[speakers == name]).mean() for name in np.unique(speakers)]
    return f"{np.mean(each):6.1f}   " + " ".join(f"{value:5.1f}" for value in each)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=60, help="at most so many of each speaker")
    options = parser.parse_args()
    aligner, found = SphinxAligner(), list[Border]()
    for folder in (GRID, *(MORE / name for name in LEARNT)):
        name = folder.name.removeprefix("grid_")
        for number, clip in enumerate(grid_words(folder, options.clips)):
            found += borders(name, number, clip, aligner)
    report(found)


def report(found: Sequence[Border]) -> None:
    speakers = np.array([border.speaker for border in found])
    errors = np.array([border.error_ms for border in found])
    kind, sound = (np.stack([getattr(border, name) for border in found]) for name in ("kind", "sound"))
    print(
        f"{len(found)} borders between words; mean absolute error in ms, of {' '.join(np.unique(speakers))}"
    )
    print(f"{'as they are':46} {of_speakers(errors, speakers)}")
    tenths = np.array([border.clip % 10 for border in found])
    own = [np.stack([speakers == name for name in np.unique(speakers)], axis=1).astype(float)]
    ways = {
        "other speakers, kinds": (kind, speakers),
        "other speakers, kinds and sound": (np.hstack([kind, sound]), speakers),
        "other clips, kinds": (kind, tenths),
        "other clips, kinds and sound": (np.hstack([kind, sound]), tenths),
        "other clips, kinds, sound and who it is": (np.hstack([kind, sound, *own]), tenths),
    }
    for name, (rows, groups) in ways.items():
        tried = [left_over(rows, errors, speakers, groups, penalty) for penalty in PENALTIES]
        best = min(range(len(tried)), key=lambda k: float(of_speakers(tried[k], speakers)[:6]))
        print(f"{name + f' (penalty {PENALTIES[best]:g})':46} {of_speakers(tried[best], speakers)}")
    alone = np.concatenate(
        [alone_of(kind, sound, errors, speakers, tenths, name) for name in np.unique(speakers)]
    )
    order = np.concatenate([np.flatnonzero(speakers == name) for name in np.unique(speakers)])
    print(f"{'other clips of each speaker alone':46} {of_speakers(alone, speakers[order])}")


def alone_of(kind: Array, sound: Array, errors: Array, speakers: Array, tenths: Array, name: str) -> Array:
    """What a regression of one speaker's clips leaves of the others of that speaker."""
    own = speakers == name
    rows = np.hstack([kind, sound])[own]
    tried = [left_over(rows, errors[own], speakers[own], tenths[own], penalty) for penalty in PENALTIES]
    return min(tried, key=lambda left: float(np.abs(left).mean()))


if __name__ == "__main__":
    main()
