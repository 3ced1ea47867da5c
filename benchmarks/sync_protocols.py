"""Retrieval of the offset in whole frames, P1, P1b and P2 of docs/sync-protocols.md, on people whom no model has seen.

Each person's clips are measured by a linear model that was learnt from all others, in closed form; beside it stand the
hand-made correlation, chance, another person's sound, the answer 0, and what comes with Genlock, which has learnt from
these people and is no measurement of strangers. Towers learnt without some people are taken by ``--tower-without``.
Intervals are over people. A window of P2 is as long as a GRID clip, three seconds, and the sound that is moved in is
its real neighbour, or missing beyond the clip.

    python benchmarks/sync_protocols.py                     # GRID's speakers in $GENLOCK_DATA, prepared first
    python benchmarks/sync_protocols.py DATASET... [--ordinary NAME ...] [--tower-without NAME,NAME=FILE ...]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from _data import DATA, need

from genlock.bench.figures import Row, table_text
from genlock.bench.retrieval import (
    Rows,
    always_zero,
    chance_rows,
    lips_rows,
    p1_rows,
    p2_rows,
    untrained_rows,
)
from genlock.lipsync.estimators.linear import LinearSync
from genlock.lipsync.estimators.lips import LipsSync
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.editing import with_sound_of
from genlock.train.lipsync.films import open_people
from genlock.train.lipsync.linear import fit_people
from genlock.train.lipsync.people import People, in_place
from genlock.train.lipsync.people_calibration import towers_without
from genlock.train.options import SyncTraining

#: Frames of a window of P2: three seconds at 25 a second.
P2_FRAMES = 75

Clips = Sequence[tuple[str, Evidence]]
Seen = Callable[[str, Evidence], Rows | None]


def clips_of(people: People, most: int) -> list[tuple[str, Evidence]]:
    """Whose, and what, at most so many of each person, evenly by name."""
    found = []
    for who in sorted(people):
        names = sorted(people[who])
        chosen = names if len(names) <= most else [names[k * len(names) // most] for k in range(most)]
        found += [(who, people[who][name]) for name in chosen]
    return found


def with_sound_of_others(clips: Clips) -> list[tuple[str, Evidence]]:
    """The same with the sound of somebody else, half the clips farther on."""
    count = len(clips)
    found = []
    for k, (who, clip) in enumerate(clips):
        others = ((k + count // 2 + step) % count for step in range(count))
        other = next(n for n in others if clips[n][0] != who)
        found.append((who, with_sound_of(clip, clips[other][1])))
    return found


def systems(clips: Clips, without: Mapping[str, LinearSync], seed: int) -> dict[str, tuple[Clips, Seen]]:
    """What is measured, by name: the clips, and how one is seen."""
    draw, shipped = np.random.default_rng([seed, 11]), LipsSync()

    def left_out(who: str, clip: Evidence) -> Rows | None:
        return lips_rows(clip, without[who])

    def by_chance(who: str, clip: Evidence) -> Rows | None:
        rows = untrained_rows(clip)
        return None if rows is None else chance_rows(rows, draw)

    return {
        "learnt without the person": (clips, left_out),
        "hand-made correlation": (clips, lambda who, clip: untrained_rows(clip)),
        "chance": (clips, by_chance),
        "somebody else's sound": (with_sound_of_others(clips), left_out),
        "shipped, which has seen them": (clips, lambda who, clip: lips_rows(clip, shipped)),
    }


def table(clips: Clips, without: Mapping[str, LinearSync], seed: int) -> list[Row]:
    """All rows, by protocol."""
    found: list[Row] = []
    for name, (those, seen) in systems(clips, without, seed).items():
        pairs = [(who, rows) for who, clip in those if (rows := seen(who, clip)) is not None]
        whose, each = [who for who, _ in pairs], [rows for _, rows in pairs]
        found += p1_rows(name, each, False, seed, whose) + p1_rows(name, each, True, seed, whose)
        windows = [(who, part) for who, rows in pairs for part in parts_of(rows)]
        found.append(p2_rows(name, [part for _, part in windows], seed, [who for who, _ in windows])[0])
    order = list(dict.fromkeys(row.protocol for row in found))
    return sorted([*found, *always_zero(len(clips))], key=lambda row: order.index(row.protocol))


def parts_of(rows: Rows) -> list[Rows]:
    """Windows of three seconds, and what is left if it is two at least; a shorter clip whole."""
    starts = range(0, max(1, len(rows) - P2_FRAMES + 26), P2_FRAMES)
    return [rows[start : start + P2_FRAMES] for start in starts]


def estimators(people: People, chosen: argparse.Namespace) -> dict[str, LinearSync]:
    """One for each person, learnt without that one."""
    towers = towers_without(chosen.tower_without, people)
    _, linear = fit_people(people, SyncTraining(turned=chosen.turned, seed=chosen.seed))
    return {
        who: LipsSync(model, towers[who]) if who in towers else LinearSync(model)
        for who, model in linear.items()
    }


def report(people: People, chosen: argparse.Namespace) -> None:
    """Print the tables of those who are in step as they come, and of those who are not."""
    without = estimators(people, chosen)
    groups = {
        "In step as they come": [who for who in people if who not in chosen.ordinary],
        "Ordinary talk, each clip put where what comes with Genlock sees it": list(chosen.ordinary),
    }
    kept: dict[str, list[Row]] = {}
    for name, who in groups.items():
        clips = clips_of({one: people[one] for one in who}, chosen.clips)
        if len(who) < 2:
            continue
        kept[name] = table(clips, without, chosen.seed)
        print(f"\n{name}: {len(clips)} clips of {len(who)} people, 95 % intervals over people\n", flush=True)
        print(table_text(kept[name]), flush=True)
    if chosen.save:
        chosen.save.write_text(
            json.dumps({name: [row.to_dict() for row in rows] for name, rows in kept.items()}),
            encoding="utf-8",
        )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("datasets", nargs="*", help="of genlock prepare, or folders of films")
    parser.add_argument("--ordinary", nargs="*", default=[], help="people who are out of step as they come")
    parser.add_argument(
        "--tower-without", nargs="*", default=[], help="towers learnt without some people: NAME,NAME=FILE"
    )
    parser.add_argument("--clips", type=int, default=20, help="of each person, at most")
    parser.add_argument("--turned", type=float, default=0.67, help="share of changed clips with turned heads")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="a JSON file of all rows")
    chosen = parser.parse_args()
    if not chosen.datasets:
        need(DATA / "grid_more" / "s2" / "video", "GRID clips of several speakers")
        chosen.datasets = [str(DATA / "grid_more")]
    with tempfile.TemporaryDirectory() as folder:
        people, notes = open_people(chosen.datasets, folder)
    print("\n".join(notes))
    report(in_place(people, LipsSync(), chosen.ordinary), chosen)


if __name__ == "__main__":
    main()
