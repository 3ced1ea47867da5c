"""Who says each word, by mouths alone: films of two GRID speakers side by side who take turns.

Of each pair a film where the other one rests, where the other one's mouth moves to no sound, where turns follow at
once, and where a third person speaks who is not seen. The words are given (``--recognised``: found), the faces are
numbered as they come, so the better of both ways to name them counts. Beside it: one speaker for all, the best one. Our
lip models were trained on GRID's speakers, these too.

    python benchmarks/words_by_mouths.py [--pairs N] [--turns N] [--recognised] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import numpy as np
from _data import DATA, need
from _turn_films import Said, at_rest, chewing, turn_film

from genlock.speech.matching import match_rows
from genlock.tasks.find_words import WordOptions, find_words

MORE = DATA / "grid_more"
PAIRS = (("s2", "s4"), ("s3", "s31"), ("s5", "s30"), ("s32", "s4"), ("s2", "s31"))
UNSEEN = "s30", "s32", "s2", "s3", "s5"
KINDS = ("rest", "moving mouth", "at once", "unseen third")


def film(path: Path, kind: str, pair: int, turns: int) -> list[Said]:
    """One film of a pair; who speaks when, and what, is drawn by the pair's number."""
    random = np.random.default_rng(pair)
    order: list[int | None] = [int(who) for who in random.permutation(np.arange(turns) % 2)]
    if kind == "unseen third":
        order[turns // 3] = order[turns - 2] = None

    def clips(speaker: str) -> list[Path]:
        there = need(MORE / speaker / "video")
        return [there[k] for k in random.permutation(len(there))[:turns]]

    left, right = (clips(speaker) for speaker in PAIRS[pair])
    return turn_film(
        path,
        left,
        right,
        order,
        unseen=clips(UNSEEN[pair]),
        margin=Fraction(1, 25) if kind == "at once" else Fraction(1, 4),
        listening=chewing if kind == "moving mouth" else at_rest,
    )


def right(path: Path, truth: Sequence[Said], recognised: bool) -> tuple[int, int, int]:
    """Words with their speaker, words that were compared, and how many one speaker for all would have got."""
    text = path.with_suffix(".txt")
    text.write_text(" ".join(word.text for word in truth))
    words = find_words(path, WordOptions(transcript=None if recognised else str(text), diarize=True)).words
    rows = match_rows([_bare(word.text) for word in words], [word.text for word in truth])
    pairs = [
        (words[said].speaker, truth[spoken].speaker) for said, spoken in rows if words[said].start is not None
    ]
    names = [*words.speakers, *("nobody", "nobody either")[: max(0, 2 - len(words.speakers))]]
    ways = [{None: None, **dict(zip(way, (0, 1), strict=False))} for way in permutations(names, 2)]
    best = max(sum(way.get(said, 2) == who for said, who in pairs) for way in ways)
    whose = [who for _, who in pairs]
    return best, len(pairs), max(whose.count(who) for who in (0, 1, None))


def _bare(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--recognised", action="store_true")
    parser.add_argument("--keep", type=Path, default=None, help="keep the films in this folder")
    options = parser.parse_args()
    need(MORE / "s2" / "video")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"{'the other one':14}  words  right  share  one speaker for all")
        for kind in KINDS:
            sums = np.zeros(3, int)
            for pair in range(min(options.pairs, len(PAIRS))):
                path = folder / f"{kind.replace(' ', '-')}-{pair}.mp4"
                sums += right(path, film(path, kind, pair, options.turns), options.recognised)
            best, count, alone = (int(value) for value in sums)
            print(f"{kind:14}  {count:5}  {best:5}  {best / count:5.3f}  {alone / count:5.3f}", flush=True)


if __name__ == "__main__":
    main()
