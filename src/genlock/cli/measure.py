"""Test material and benchmarks: ``genlock synth``, ``genlock bench``."""

from __future__ import annotations

from typing import Annotated

import tyro

from genlock.bench.sync import SyncBenchOptions, bench_sync
from genlock.cli.arguments import Json, Output
from genlock.cli.running import Bar, show
from genlock.core.errors import OptionError
from genlock.core.time import Exact
from genlock.tasks.make_signals import SetOptions, make_signals

__all__ = ["bench", "synth"]

_BENCH = SyncBenchOptions()


def synth(
    what: tyro.conf.Positional[str] = "signals",
    /,
    count: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 24,
    seconds: Exact = 10,
    reach_seconds: Exact = 1,
    drift: bool = True,
    seed: int = 0,
    output: Output = None,
    json: Json = False,
) -> None:
    """Make test clips whose sync is known exactly, each with its truth beside it: genlock synth signals -n 24 -o DIR.

    Args:
        what: signals (flashes with beeps, motion with tones; every frame rate and container in turn).
        count: Number of clips.
        seconds: Length of each.
        reach_seconds: Offsets are drawn within +- so many seconds, at any fraction of a frame.
        drift: Let some of the clips drift.
        seed: The same seed gives the same clips.
        output: Folder for the clips (default: genlock-signals here).
        json: Print one JSON object instead of text.
    """
    if what != "signals":
        raise OptionError(f"synth {what!r} is unknown; use signals")
    options = SetOptions(count=count, seconds=seconds, reach_seconds=reach_seconds, drift=drift, seed=seed)
    with Bar("") as bar:
        made = make_signals(output or "genlock-signals", options, bar)
    show(made, json)


def bench(
    name: tyro.conf.Positional[str],
    dataset: tyro.conf.Positional[str],
    /,
    options: SyncBenchOptions = _BENCH,
    output: Output = None,
    json: Json = False,
) -> None:
    """Run a benchmark on a folder: genlock bench sync DATASET.

    Args:
        name: sync (offsets of sound and picture: retrieval P1, P1b, P2, and the whole tool, P6, with baselines).
        dataset: Folder of clips believed to be in step, or with their truth beside them.
        output: JSON file that keeps the run: its table, failures and run card.
        json: Print one JSON object instead of text.
    """
    if name != "sync":
        raise OptionError(f"bench {name!r} is unknown; use sync")
    with Bar("") as bar:
        found = bench_sync(dataset, options, output, bar)
    show(found, json)
