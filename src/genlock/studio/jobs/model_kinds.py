"""The job that fetches a model: the only one that touches the network, and only when a person asks for it."""

from __future__ import annotations

from pathlib import Path

from genlock import weights
from genlock.core.progress import Progress
from genlock.studio.folder import NotThere, StudioFolder
from genlock.studio.jobs.kinds import Done, JobKind
from genlock.weights import Model

__all__ = ["FETCH", "model_of"]


def model_of(folder: StudioFolder, name: str) -> Model:
    """A model of the registry by its name. Raises NotThere."""
    found = next((status.model for status in weights.list_models() if status.model.name == name), None)
    if found is None:
        raise NotThere(f"there is no model {name!r}")
    return found


def _fetch(folder: StudioFolder, model: Model, options: None, room: Path, progress: Progress) -> Done:
    def tell(now: weights.FetchProgress) -> None:
        progress(now.source, now.done_bytes, now.total_bytes)

    made = weights.fetch(model.name, progress=tell)
    how = "fetched from" if made.fetched else "was here already:"
    return Done(f"{made.name} {how} {made.source}", {"name": made.name, "fetched": made.fetched})


FETCH = JobKind("fetch", None, (), False, _fetch, find=model_of)
