"""Speakers whom a talker never heard: each left out of a training once, in folds, with several seeds.

    python benchmarks/talker_strangers.py                    a true but small one: four speakers of GRID, a few updates
    python benchmarks/talker_strangers.py DATASET... --steps 400 --folds s1 s2+s30+s10+s25 s3+s31 --seeds 0 1 2 \\
        --keep FOLDER --groups GRID=s1+s2+s3 -- --balance 0.5

What follows a lone ``--`` goes to ``genlock train talker``. A dataset has ``mel:kaldi`` and ``landmarks`` and names its
speakers. What is trained lies in the folder ``--keep`` and is not trained again, and a training that was stopped goes
on: so the command may be stopped and given again. Every speaker counts the same, each with at most ``--most`` clips.
Nothing of the speakers of a fold is learnt, and its emphasis is fitted on the split *valid* of the others.

*Rest*: the resting face that each film shows; *fitted rest*: found with what the talker says of the film's own sound;
*own reach*: the movement is taken as far as this face goes in the speaker's other clips. The loudness line is fitted on
those who were learnt from, and knows how loud it is, and nothing else; *another sound*: the talker hears another clip.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from _data import DATA, need
from _talker import header, keep, kept, print_rows, print_speakers, times

from genlock.cli import main as genlock
from genlock.data.options import PrepareOptions
from genlock.data.prepare import prepare
from genlock.models.talker.talker import Talker, load_talker
from genlock.train.talker.clips import TalkingClip, resting_faces
from genlock.train.talker.controls import another_sound, loudness_line
from genlock.train.talker.figures import fitted_rests, own_reaches, raw_weights, score
from genlock.train.talker.films import open_talking
from genlock.train.talker.options import TalkerTraining
from genlock.train.talker.reports import Row

SMALL = ("s2", "s3", "s4", "s5")


def small_dataset(folder: Path, clips: int) -> Path:
    """A few clips of four speakers of GRID."""
    source = folder / "films"
    for speaker in SMALL:
        (source / speaker).mkdir(parents=True, exist_ok=True)
        for film in need(DATA / "grid_more" / speaker / "video")[:clips]:
            link = source / speaker / film.name
            if not link.exists():
                link.symlink_to(film)
    how = PrepareOptions(recipe="grid", outputs="mel:kaldi,landmarks", group="source")
    prepare(source, folder / "dataset", how)
    return folder / "dataset"


def trained(datasets: Sequence[str], folder: Path, speakers: Sequence[str], words: Sequence[str]) -> Talker:
    """A talker that learnt nothing of these speakers."""
    if not (folder / "model.npz").is_file():
        genlock(["train", "talker", *datasets, "-o", str(folder), *words, "--leave-out", *speakers])
    return load_talker(folder)


def rows_of(
    talker: Talker, clips: Sequence[TalkingClip], learnt: Sequence[TalkingClip]
) -> dict[str, list[Row]]:
    """Rows of the table by the name of what made them."""
    rest, basis, made = resting_faces(clips), talker.basis, raw_weights(talker, clips)
    fitted = fitted_rests(made, clips, basis)
    reached = own_reaches(made, clips, basis)
    further = {name: times(track, reached[name]) for name, track in made.items()}
    line = loudness_line(learnt, clips, {**rest, **resting_faces(learnt)}, basis)
    return {
        "rest": score(made, clips, rest, basis),
        "fitted rest": score(made, clips, fitted, basis),
        "fitted rest, own reach": score(further, clips, fitted_rests(further, clips, basis), basis),
        "loudness line": score(line, clips, rest, basis),
        "another sound": score(another_sound(made, clips), clips, rest, basis),
    }


def of_fold(
    datasets: Sequence[str], folder: Path, fold: str, words: Sequence[str], most: int
) -> dict[str, list[Row]]:
    """Train without the speakers of a fold where that is not done yet, and report on them."""
    speakers = tuple(fold.split("+"))
    talker = trained(datasets, folder, speakers, words)
    about = {
        "fold": fold,
        "most": most,
        "datasets": list(datasets),
        "emphasis": list(vars(talker.emphasis).values()),
    }
    there = kept(folder / "rows.json", about)
    if there is not None:
        return there
    films = open_talking(datasets, folder, TalkerTraining(hears=talker.features, leave_out=speakers))
    people = [clip for clip in films.learnt if not clip.made]
    found = rows_of(talker, _some(films.reported, most), people)
    keep(folder / "rows.json", about, found)
    return found


def _some(clips: Sequence[TalkingClip], most: int) -> list[TalkingClip]:
    """Of each speaker at most so many, evenly over the names."""
    found = []
    for speaker in sorted({clip.speaker for clip in clips}):
        own = sorted((clip for clip in clips if clip.speaker == speaker), key=lambda clip: clip.name)
        found += own[:: -(-len(own) // most)]
    return found


def print_table(found: Sequence[dict[str, list[Row]]], groups: Sequence[str]) -> None:
    """As Markdown: the groups of speakers, one line for what made the faces, then speaker by speaker."""
    header()
    everybody = {row.speaker for row in found[0]["rest"]}
    for group in groups or ["all"]:
        title, _, named = group.partition("=")
        speakers = set(named.split("+")) if named else everybody
        for name in found[0]:
            runs = [[row for row in one[name] if row.speaker in speakers] for one in found]
            if runs[0]:
                print_rows(f"{title}: {name}", runs)
    print_speakers([one["rest"] for one in found])


def main() -> None:
    """See the module."""
    given = sys.argv[1:]
    own, more = (given[: given.index("--")], given[given.index("--") + 1 :]) if "--" in given else (given, [])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("datasets", nargs="*")
    parser.add_argument(
        "--folds", nargs="+", default=["s2+s3", "s4+s5"], help="speakers left out together: s1+s2"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument(
        "--groups", nargs="+", default=[], help="lines of the table: NAME=s1+s2; else one for all"
    )
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--most", type=int, default=100, help="clips of a speaker that are reported on")
    parser.add_argument(
        "--clips", type=int, default=4, help="clips of each speaker, where no dataset is named"
    )
    parser.add_argument("--keep", type=Path, default=None)
    chosen = parser.parse_args(own)
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        datasets = chosen.datasets or [str(small_dataset(folder, chosen.clips))]
        words = ["--steps", str(chosen.steps), "--evaluate-every", str(chosen.steps), *more]
        found: list[dict[str, list[Row]]] = []
        for seed in chosen.seeds:
            rows: dict[str, list[Row]] = {}
            for fold in chosen.folds:
                place = folder / f"seed-{seed}" / f"without-{fold}"
                theirs = of_fold(datasets, place, fold, [*words, "--seed", str(seed)], chosen.most)
                for name, some in theirs.items():
                    rows.setdefault(name, []).extend(some)
            found.append(rows)
        print_table(found, chosen.groups)


if __name__ == "__main__":
    main()
