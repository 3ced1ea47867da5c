"""Speakers whom a talker never heard: each left out of a training once, in folds, and reported on.

    python benchmarks/talker_strangers.py                    a true but small one: four speakers of GRID, a few updates
    python benchmarks/talker_strangers.py DATASET... --steps 1200 --folds s1 s2+s30+s10+s25 s3+s31 --keep FOLDER
    python benchmarks/talker_strangers.py DATASET... TALKERS --folds ... -- --balance 0.8

What follows a lone ``--`` goes to ``genlock train talker``. A dataset has ``mel:kaldi`` and ``landmarks`` and names its
speakers. What is trained stays in the folder ``--keep`` and is not trained again. Every speaker counts the same, each
with at most ``--most`` clips. *Rest*: the resting face that each film shows; *fitted rest*: found with what the talker
says of the film's own sound; *own reach*: the movement is taken as far as this face goes in the speaker's other clips.
The loudness line knows how loud it is, and nothing else.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from _data import DATA, need

from genlock.cli import main as genlock
from genlock.core.track import Track
from genlock.data.options import PrepareOptions
from genlock.data.prepare import prepare
from genlock.models.talker.talker import Talker, load_talker
from genlock.train.talker.clips import TalkingClip, resting_faces
from genlock.train.talker.figures import (
    Row,
    fitted_rests,
    loudness_line,
    own_reaches,
    raw_weights,
    report,
    score,
)
from genlock.train.talker.films import open_talking
from genlock.train.talker.options import TalkerTraining

COLUMNS = ("mouth_lmd_below_mean", "mouth_lmd_below_speaker_mean", "correlation", "energy", "lag_ms")
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
    further = {name: _times(track, reached[name]) for name, track in made.items()}
    line = loudness_line(learnt, clips, {**rest, **resting_faces(learnt)}, basis)
    return {
        "rest": score(made, clips, rest, basis),
        "fitted rest": score(made, clips, fitted, basis),
        "fitted rest, own reach": score(further, clips, fitted_rests(further, clips, basis), basis),
        "loudness line": score(line, clips, rest, basis),
    }


def _times(track: Track, factor: float) -> Track:
    return track.map(lambda values: np.asarray(values * np.float32(factor), np.float32))


def print_table(found: Mapping[str, Sequence[Row]]) -> None:
    """As Markdown: all, then speaker by speaker."""
    print(f"| | clips | {' | '.join(COLUMNS)} |\n|---|---|{'---|' * len(COLUMNS)}")
    for name, rows in found.items():
        cells = [f"{v:.3f} ({a:.3f} to {b:.3f})" for v, a, b in (report(rows).figures[c] for c in COLUMNS)]
        print(
            f"| {name}, {len({row.speaker for row in rows})} speakers | {len(rows)} | {' | '.join(cells)} |"
        )
    own = found["rest"]
    for speaker in sorted({row.speaker for row in own}):
        theirs = [row for row in own if row.speaker == speaker]
        values = report(theirs).figures
        print(f"| {speaker} | {len(theirs)} | {' | '.join(f'{values[c][0]:.3f}' for c in COLUMNS)} |")


def main() -> None:
    """See the module."""
    given, _, more = " ".join(sys.argv[1:]).partition(" -- ")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("datasets", nargs="*")
    parser.add_argument(
        "--folds", nargs="+", default=["s2+s3", "s4+s5"], help="speakers left out together: s1+s2"
    )
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--most", type=int, default=100, help="clips of a speaker that are reported on")
    parser.add_argument(
        "--clips", type=int, default=4, help="clips of each speaker, where no dataset is named"
    )
    parser.add_argument("--keep", type=Path, default=None)
    chosen = parser.parse_args(given.split())
    with tempfile.TemporaryDirectory() as scratch:
        keep = chosen.keep or Path(scratch)
        datasets = chosen.datasets or [str(small_dataset(keep, chosen.clips))]
        words = ["--steps", str(chosen.steps), "--evaluate-every", str(chosen.steps), *more.split()]
        found: dict[str, list[Row]] = {}
        for fold in chosen.folds:
            speakers = tuple(fold.split("+"))
            talker = trained(datasets, keep / f"without-{fold}", speakers, words)
            films = open_talking(datasets, keep, TalkerTraining(hears=talker.features, leave_out=speakers))
            people = [clip for clip in films.learnt if not clip.made]
            for name, rows in rows_of(talker, _some(films.reported, chosen.most), people).items():
                found.setdefault(name, []).extend(rows)
        print_table(found)


def _some(clips: Sequence[TalkingClip], most: int) -> list[TalkingClip]:
    """Of each speaker at most so many, evenly over the names."""
    found = []
    for speaker in sorted({clip.speaker for clip in clips}):
        own = sorted((clip for clip in clips if clip.speaker == speaker), key=lambda clip: clip.name)
        found += own[:: -(-len(own) // most)]
    return found


if __name__ == "__main__":
    main()
