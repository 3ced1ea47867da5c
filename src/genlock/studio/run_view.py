"""A training run as the page shows it: settings, curves, and the sounds, films and pictures that it has made."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError, InputError
from genlock.core.json_forms import read_json_file
from genlock.studio.folder import NotThere
from genlock.studio.shelf import Run
from genlock.train.run_curves import read_curves, write_curves

__all__ = ["SAMPLES", "curves_of", "run_facts", "sample_of"]

#: What a run has made to be heard and seen, and how a browser is told of it.
SAMPLES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".svg": "image/svg+xml",
}
_MOST = 200


def run_facts(run: Run) -> dict[str, Any]:
    """What is known of a run, which may still be going on."""
    told: dict[str, Any] = {"name": run.name, "recipe": run.recipe, "model": run.model is not None}
    try:
        record = read_json_file(run.path / "run.json")
    except FormatError as error:
        raise FormatError(f"the record of the run {run.name!r} is damaged") from error
    told |= {name: record.get(name) for name in ("settings", "loop", "changes")}
    try:
        told["curves"] = {**read_curves(run.path).to_dict(), "directory": run.name}
    except InputError:
        told["curves"] = None  # no update is logged yet
    told["samples"] = _samples(run)
    return told


def curves_of(run: Run) -> bytes:
    """The curves as SVG. Raises NotThere while nothing is logged."""
    try:
        curves = read_curves(run.path)
    except InputError as error:
        raise NotThere(f"the run {run.name!r} has no curve yet") from error
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "curves.svg"
        write_curves(curves, target)
        return target.read_bytes().replace(os.fsencode(str(run.path)), os.fsencode(run.name))


def sample_of(run: Run, name: str) -> Path:
    """A sample by its name. Raises NotThere."""
    if name not in _samples(run):
        raise NotThere(f"the run {run.name!r} has no sample {name!r}")
    return run.path / name


def _samples(run: Run) -> list[str]:
    """Files to see and hear, relative to the run; none that a link leads out to."""
    found = []
    for path in sorted(run.path.rglob("*")):
        inside = Path(os.path.realpath(path)).is_relative_to(run.path)
        if path.suffix.lower() in SAMPLES and path.is_file() and inside:
            found.append(path.relative_to(run.path).as_posix())
    return found[:_MOST]
