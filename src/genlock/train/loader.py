"""What is loaded for the updates to come, beside the computation: by a thread, or by processes.

What an update holds is a pure function of its number, so that neither the number of workers nor a restart changes
anything. Updates come in their order.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from genlock.core.errors import GenlockError, OptionError, TrainingError
from genlock.train.recipe import Batch, Recipe

__all__ = ["Loaded", "Share", "killed_workers_explained", "loaded_updates", "update_parts"]


@dataclass(frozen=True, eq=False)
class Loaded:
    """One part of an update."""

    number: int
    """Which part of the update it is."""
    part: Any
    """What the recipe calls it."""
    batch: Batch | None
    """Its tensors; None if it is empty."""


@dataclass(frozen=True)
class Share:
    """Which parts of each update this process computes: every ``world``-th, from number ``rank`` on."""

    accumulate: int = 1
    """How many of the recipe's updates are one of the run."""
    world: int = 1
    rank: int = 0


def update_parts(recipe: Recipe, step: int, accumulate: int) -> list[Any]:
    """All parts of one update of the run."""
    return [part for k in range(accumulate) for part in recipe.parts(step * accumulate + k)]


def loaded_updates(
    recipe: Recipe, steps: range, workers: int = 0, share: Share | None = None
) -> Generator[list[Loaded], None, None]:
    """This process's parts of each of the updates, in order.

    Parameters
    ----------
    steps : numbers of the updates (0 is the first)
    workers : processes that load; 0: one thread of this process. Each is one or two updates ahead

    Raises
    ------
    GenlockError
        What the recipe raises about its data.
    OptionError
        If the parts of an update cannot be shared evenly by the processes that compute.
    """
    updates = _Updates(recipe, share or Share())
    return _by_processes(updates, steps, workers) if workers else _by_a_thread(updates, steps)


class _Updates(Dataset[Any]):
    def __init__(self, recipe: Recipe, share: Share) -> None:
        self._recipe, self._share = recipe, share

    def __getitem__(self, step: int) -> list[Loaded]:
        recipe, share = self._recipe, self._share
        parts = update_parts(recipe, step, share.accumulate)
        if len(parts) % share.world:
            raise OptionError(
                f"an update of {len(parts)} parts cannot be shared by {share.world} processes; set parts to a multiple"
            )
        mine = range(share.rank, len(parts), share.world)
        return [Loaded(k, parts[k], recipe.load(parts[k])) for k in mine]


def _by_a_thread(updates: _Updates, steps: range) -> Generator[list[Loaded], None, None]:
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(updates.__getitem__, steps[0]) if steps else None
        for step in steps:
            assert coming is not None
            mine = coming.result()
            if step + 1 in steps:
                coming = ahead.submit(updates.__getitem__, step + 1)
            yield mine


class _UpdatesOrErrors(_Updates):
    """Errors come back as values: raised in a worker, they would come wrapped in a traceback."""

    def __getitem__(self, step: int) -> Any:
        try:
            return super().__getitem__(step)
        except GenlockError as error:
            return error


def _by_processes(updates: _Updates, steps: range, workers: int) -> Generator[list[Loaded], None, None]:
    loader: DataLoader[Any] = DataLoader(
        _UpdatesOrErrors(updates._recipe, updates._share),
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        collate_fn=_as_it_is,
        # A recipe holds what need not be sendable, such as lambdas; only Linux forks safely.
        multiprocessing_context="fork" if sys.platform == "linux" else None,
        generator=torch.Generator(),  # else each start would draw from the generator that models draw from
    )
    # What is garbage here is not theirs to collect: a film that was read has threads of FFmpeg, which a fork does not
    # have, and whose end it would wait for for ever.
    gc.freeze()
    try:
        coming: Any = iter(loader)
    finally:
        gc.unfreeze()
    try:
        while True:
            try:
                mine = next(coming)
            except StopIteration:
                return
            except (ConnectionError, EOFError) as error:
                # Tensors are fetched from the process that made them: it may be gone before torch has noticed.
                raise _ended(error, workers) from error
            if isinstance(mine, GenlockError):
                raise mine
            yield mine
    finally:
        # A traceback that holds the iterator would keep torch's handler at its watch: any child of this process that
        # ended later would bring the error again, wherever the process is then.
        coming._shutdown_workers()


@contextmanager
def killed_workers_explained(workers: int) -> Iterator[None]:
    """Within the block, a loading process that is killed raises TrainingError, wherever the main one just is."""
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker (pid" not in str(
            error
        ):  # torch's own words, which come from a signal's handler
            raise
        raise _ended(error, workers) from error


def _ended(error: Exception, workers: int) -> TrainingError:
    return TrainingError(
        f"a loading process ended ({error}); the last checkpoint stays: run again to go on, with fewer workers "
        f"than {workers} if memory is short"
    )


def _as_it_is(value: Any) -> Any:
    return value
