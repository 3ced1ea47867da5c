"""Fit the probability that a word's edges lie within 50 ms of the truth: writes src/genlock/speech/word_trust.toml.

    python tools/fit_word_confidence.py GRID_FOLDER... [--clips 20] [--seed 1] [-o FILE]

GRID_FOLDER holds ``video`` and ``align`` of one speaker of the GRID corpus; the numbers that are shipped are of s1, s2,
s3, s4, s30 and s31. Each clip is aligned as it is, and with white and pink noise at 10 and 0 dB; words that would not
be reported, as the sound does not fit them, are left out. Figures on other speakers:
``python benchmarks/word_confidence.py``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from genlock.core.errors import GenlockError
from genlock.speech.sphinx.align import SphinxAligner
from genlock.train.speech.word_trust import CONDITIONS, Judged, fit_word_trust, grid_words, judged

NUMBERS = Path(__file__).resolve().parents[1] / "src" / "genlock" / "speech" / "word_trust.toml"
CARD = """\
Probability that both edges of an English word lie within 50 ms of the truth: a logistic regression, see
genlock/speech/word_trust.py. Aligner: pocketsphinx' model with Genlock's own search.
Data: GRID corpus (Cooke, Barker, Cunningham, Shao 2006, CC BY 4.0), speakers {speakers}: {clips} clips,
{words} words that are reported, of which {near:.1%} lie within 50 ms.
Each clip was aligned so: {conditions}.
Made by: python tools/fit_word_confidence.py {folders} --clips {most} --seed {seed}
Limits: read sentences of six words, even noise; whether a word is said at all is the confidence's matter, not this
number's."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="GRID_FOLDER")
    parser.add_argument("--clips", type=int, default=20, help="at most so many of each folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=NUMBERS)
    options = parser.parse_args(arguments)
    if options.clips < 1:
        parser.error(f"--clips {options.clips} is none; give 1 or more")
    aligner, found = SphinxAligner(), list[Judged]()
    for folder in options.folders:
        for clip in grid_words(folder, options.clips):
            for condition in CONDITIONS:
                found.append(judged(clip, condition, aligner, options.seed * 1_000_000 + len(found)))
    features = np.concatenate([row.features for row in found])
    near = np.concatenate([row.near for row in found])
    names = [folder.resolve().name for folder in options.folders]
    card = CARD.format(
        speakers=", ".join(name.removeprefix("grid_") for name in names),
        folders=" ".join(names),
        clips=len(found) // len(CONDITIONS),
        conditions="; ".join(map(str, CONDITIONS)),
        words=len(near),
        near=near.mean(),
        most=options.clips,
        seed=options.seed,
    )
    text = fit_word_trust(features, near).to_toml(card)
    options.output.write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except GenlockError as error:
        sys.exit(str(error))
