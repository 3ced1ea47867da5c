"""What people sync models learn from: how many, of which kind, with heads turned by rule or not; three seeds.

Linear models are learnt in closed form from one, two, and all of some people, as they come and with heads turned by
rule, from ordinary talk alone, from both, and from made talkers (``genlock synth talkers``), and tried on others (on
ordinary people each time by a model without that one): films of a few seconds with planted offsets, and with foreign
sound. ``best`` is the share of own sounds whose highest lag is within 80 ms, ``area`` that of pairs of an own and a
foreign sound in which the own looks likelier to belong.

With ``--towers FOLDER`` both models are learnt and judged together: towers for each seed from one, all, all with
ordinary talk (twice, each without half of the ordinary people, who are judged by the one that does not know them), the
made talkers, and all of them. A row takes minutes; what was trained is kept in FOLDER and is not trained again.

    python benchmarks/sync_ablation.py DATASET... --trainers s1 s2 s3 s4 s5 --judged s30 s31 s32 \\
        --ordinary obama aoc markey crema [--clips 20] [--seconds 4] [--times 1] [--seeds 3] \\
        [--made DATASET] [--towers FOLDER] [--steps 800]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from genlock.lipsync.confidence import Confidence, judge
from genlock.lipsync.estimators.linear import LinearSync
from genlock.lipsync.estimators.lips import LipsSync
from genlock.lipsync.evidence.base import Evidence
from genlock.train.lipsync.films import open_people
from genlock.train.lipsync.linear import fit_people
from genlock.train.lipsync.people import Measured, People, in_place, measure_people
from genlock.train.lipsync.tower import fit_tower
from genlock.train.options import TOWER_LOOP, SyncTraining

TURNED = 0.67


@dataclass(frozen=True)
class Row:
    """What is learnt from."""

    name: str
    trainers: int
    """How many of those who look ahead."""
    ordinary: bool
    turned: float
    made: bool = False
    """Whether the made talkers are among them."""


def rows(count: int, made: bool) -> list[Row]:
    """The table's, for linear models."""
    numbers = sorted({1, min(2, count), count})
    plain = [Row(f"{n} who look{'s' if n == 1 else ''} ahead", n, False, 0.0) for n in numbers]
    turned = [replace(row, name=f"{row.name}, turned by rule", turned=TURNED) for row in plain]
    return [
        *plain,
        *turned,
        Row("ordinary talk", 0, True, 0.0),
        Row("ordinary talk, turned by rule", 0, True, TURNED),
        Row(f"ordinary talk and {count}, turned by rule", count, True, TURNED),
        *([Row("made talkers, turned by rule", 0, False, TURNED, True)] if made else []),
        *([Row("all of them, turned by rule", count, True, TURNED, True)] if made else []),
    ]


def tower_rows(count: int, made: bool) -> list[Row]:
    """Those for which towers are trained: heads are turned by rule in all of them."""
    real = [
        Row("1 who looks ahead", 1, False, TURNED),
        Row(f"{count} who look ahead", count, False, TURNED),
        Row(f"{count} and ordinary talk", count, True, TURNED),
    ]
    return [
        *real,
        *([Row("made talkers", 0, False, TURNED, True)] if made else []),
        *([Row(f"{count}, ordinary talk and made talkers", count, True, TURNED, True)] if made else []),
    ]


def chosen_for(row: Row, names: argparse.Namespace, seed: int) -> list[str]:
    """Who is learnt from."""
    ahead = list(np.random.default_rng(seed).permutation(names.trainers)[: row.trainers])
    return [*ahead, *(names.ordinary if row.ordinary else []), *(names.talkers if row.made else [])]


def models(row: Row, people: People, names: argparse.Namespace, seed: int) -> dict[str, LinearSync]:
    """A linear one for each person who is judged, learnt without that one."""
    training = SyncTraining(turned=row.turned, seed=seed)
    chosen = {who: people[who] for who in chosen_for(row, names, seed)}
    everybody, without = fit_people(chosen, training)
    return {who: LinearSync(without.get(who, everybody)) for who in (*names.judged, *names.ordinary)}


def with_towers(row: Row, people: People, names: argparse.Namespace, seed: int) -> dict[str, LinearSync]:
    """Linear and towers for each person who is judged, learnt without that one."""
    linear = models(row, people, names, seed)
    halves = [names.ordinary[::2], names.ordinary[1::2]] if row.ordinary else [[]]
    found: dict[str, LinearSync] = {}
    for number, left_out in enumerate(halves):
        chosen = [who for who in chosen_for(row, names, seed) if who not in left_out]
        clips = {f"{who}/{name}": clip for who in chosen for name, clip in people[who].items()}
        speakers = {f"{who}/{name}": who for who in chosen for name in people[who]}
        folder = Path(names.towers) / f"{row.name.replace(' ', '-').replace(',', '')}-{seed}-{number}"
        loop = replace(TOWER_LOOP, steps=names.steps, seed=seed)
        tower, _ = fit_tower(clips, {}, folder, loop=loop, people=speakers)
        judged = left_out or names.ordinary
        for who in (*judged, *names.judged):
            found[who] = LipsSync(linear[who].model, tower)
    return found


def figures(films: Sequence[Measured]) -> tuple[float, float]:
    """Share of best lags that are right, and area under the curve."""
    own: list[float] = []
    foreign: list[float] = []
    right: list[bool] = []
    for film in films:
        found = judge(film.curve, Confidence(proof_seconds=0))
        if found is None:
            continue
        (foreign if film.truth is None else own).append(found.belongs)
        if film.truth is not None:
            right.append(abs(found.peak.lag_seconds - film.truth) <= 0.08)
    pairs = np.array(own)[:, None] - np.array(foreign)[None]
    return float(np.mean(right)), float(np.mean(pairs > 0) + np.mean(pairs == 0) / 2)


def few(clips: Mapping[str, Evidence], most: int) -> dict[str, Evidence]:
    """The first so many clips by name."""
    return {name: clips[name] for name in sorted(clips)[:most]}


def table(people: People, names: argparse.Namespace) -> None:
    """Print it."""
    judged = {"ordinary": names.ordinary, "looking ahead": names.judged}
    print(f"| learnt from | {' | '.join(f'{kind}: best | area' for kind in judged)} |")
    print("|" + "---|" * (1 + 2 * len(judged)))
    for row in (tower_rows if names.towers else rows)(len(names.trainers), bool(names.talkers)):
        found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in judged}
        for seed in range(names.seeds):
            made = (with_towers if names.towers else models)(row, people, names, seed)
            for kind, who in judged.items():
                films = measure_people(
                    {name: people[name] for name in who},
                    lambda name: made[name],  # noqa: B023 - used at once
                    names.times,
                    seed + 1,
                    (names.seconds,),
                )
                found[kind].append(figures(films))
        cells = [
            f"{np.mean(values):.2f} ({min(values):.2f}-{max(values):.2f})"
            for kind in judged
            for values in zip(*found[kind], strict=True)
        ]
        print(f"| {row.name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("datasets", nargs="*", help="of genlock prepare, or folders of films")
    parser.add_argument("--trainers", nargs="+", default=["s1", "s2", "s3", "s4", "s5"])
    parser.add_argument("--judged", nargs="+", default=["s30", "s31", "s32"])
    parser.add_argument("--ordinary", nargs="+", default=["obama", "aoc", "markey", "crema"])
    parser.add_argument("--clips", type=int, default=20, help="of each of those who look ahead")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument(
        "--times", type=int, default=1, help="how many times four films of each person are made"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--made", nargs="*", default=[], help="datasets of made talkers")
    parser.add_argument("--towers", help="a folder for towers: they are trained and judged too")
    parser.add_argument("--steps", type=int, default=TOWER_LOOP.steps, help="of the towers' training")
    names = parser.parse_args()
    if not names.datasets:
        parser.error("name datasets of genlock prepare, or folders of films")
    with tempfile.TemporaryDirectory() as folder:
        people, notes = open_people(names.datasets, folder)
        talkers, more = open_people(names.made, folder) if names.made else ({}, [])
    print("\n".join([*notes, *more]))
    names.talkers = sorted(talkers)
    wanted = (*names.trainers, *names.judged, *names.ordinary)
    if unknown := [who for who in wanted if who not in people]:
        parser.error(
            f"nobody in these datasets is called {', '.join(unknown)}; there are {', '.join(sorted(people))}"
        )
    real = {who: few(people[who], names.clips) for who in wanted}
    table(in_place(real, LipsSync(), names.ordinary) | talkers, names)


if __name__ == "__main__":
    main()
