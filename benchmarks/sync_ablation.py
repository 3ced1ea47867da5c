"""What people a linear sync model learns from: how many, of which kind, with heads turned by rule or not; three seeds.

Models are learnt in closed form from one, two, and all of some people, as they come and with heads turned by rule, from
ordinary talk alone, and from both, and tried on others (on ordinary people each time by a model without that one):
films of a few seconds with planted offsets, and with foreign sound. ``best`` is the share of own sounds whose highest
lag is within 80 ms, ``area`` that of pairs of an own and a foreign sound in which the own looks likelier to belong.

    python benchmarks/sync_ablation.py DATASET... --trainers s1 s2 s3 s4 s5 --judged s30 s31 s32 \\
        --ordinary obama aoc markey crema [--clips 20] [--seconds 4] [--seeds 3]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genlock.lipsync.confidence import Confidence, judge
from genlock.lipsync.estimators.linear import LinearModel, LinearSync
from genlock.lipsync.estimators.lips import LipsSync
from genlock.lipsync.evidence.base import Evidence
from genlock.train.lipsync.films import open_people
from genlock.train.lipsync.linear import fit_people
from genlock.train.lipsync.people import Measured, People, in_place, measure_people
from genlock.train.options import SyncTraining

TURNED = 0.67


@dataclass(frozen=True)
class Row:
    """What is learnt from."""

    name: str
    trainers: int
    """How many of those who look ahead."""
    ordinary: bool
    turned: float


def rows(count: int) -> list[Row]:
    """The table's."""
    numbers = sorted({1, min(2, count), count})
    plain = [Row(f"{n} who look{'s' if n == 1 else ''} ahead", n, False, 0.0) for n in numbers]
    turned = [replace(row, name=f"{row.name}, turned by rule", turned=TURNED) for row in plain]
    return [
        *plain,
        *turned,
        Row("ordinary talk", 0, True, 0.0),
        Row("ordinary talk, turned by rule", 0, True, TURNED),
        Row(f"ordinary talk and {count}, turned by rule", count, True, TURNED),
    ]


def models(row: Row, people: People, names: argparse.Namespace, seed: int) -> dict[str, LinearModel]:
    """One for each person who is judged, learnt without that one."""
    chosen = list(np.random.default_rng(seed).permutation(names.trainers)[: row.trainers])
    chosen += names.ordinary if row.ordinary else []
    training = SyncTraining(turned=row.turned, seed=seed)
    everybody, without = fit_people({who: people[who] for who in chosen}, training)
    return {who: without.get(who, everybody) for who in (*names.judged, *names.ordinary)}


def figures(films: Sequence[Measured]) -> tuple[float, float]:
    """Share of best lags that are right, and area under the curve."""
    own, foreign, right = [], [], []
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
    for row in rows(len(names.trainers)):
        found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in judged}
        for seed in range(names.seeds):
            made = models(row, people, names, seed)
            for kind, who in judged.items():
                films = measure_people(
                    {name: people[name] for name in who},
                    lambda name: LinearSync(made[name]),  # noqa: B023 - used at once
                    1,
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
    parser.add_argument("--seeds", type=int, default=3)
    names = parser.parse_args()
    if not names.datasets:
        parser.error("name datasets of genlock prepare, or folders of films")
    with tempfile.TemporaryDirectory() as folder:
        people, notes = open_people(names.datasets, folder)
    print("\n".join(notes))
    table(
        in_place({who: few(clips, names.clips) for who, clips in people.items()}, LipsSync(), names.ordinary),
        names,
    )


if __name__ == "__main__":
    main()
