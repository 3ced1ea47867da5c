"""A film with several sounds (a dub, a commentary): each is measured by itself, and moved by its own offset.

Two sounds of one film are often muxed by different hands, so that what puts one in step spoils the other.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from genlock.core.errors import OutputError
from genlock.lipsync.measurement import SyncMeasurement
from genlock.lipsync.repair import Repair, repair_file

__all__ = ["repair_each"]

MeasureAgain = Callable[[Path, int], SyncMeasurement]


def repair_each(
    file: str | os.PathLike[str],
    target: str | os.PathLike[str],
    found: Sequence[SyncMeasurement],
    measure_again: MeasureAgain,
    least_probability: float = 0.5,
) -> tuple[Repair, ...]:
    """Write ``file`` with each of its sounds moved by what was measured of it; a sound that is refused stays.

    Parameters
    ----------
    found : of every sound, by its number
    measure_again : measures one sound of a file in the same way
    least_probability : how sure a measurement must be, 0...1

    Returns
    -------
    tuple of Repair
        One for each sound. The target is written if at least one of them was repaired; nothing is left half-written.

    Raises OutputError if the target's folder cannot be written.
    """
    place = Path(target)
    repairs: list[Repair] = []
    try:
        # Beside the target, so that the last step is a change of name.
        with tempfile.TemporaryDirectory(prefix=f".{place.stem}-", dir=place.parent) as folder:
            latest: Path | None = None
            for number, measured in enumerate(found):
                step = Path(folder) / f"{number}{place.suffix}"
                repair = repair_file(
                    latest or file,
                    step,
                    measured,
                    lambda made, number=number: measure_again(made, number),  # type: ignore[misc]
                    least_probability,
                    sound=number,
                    alone=True,
                )
                latest = step if repair.written is not None else latest
                repairs.append(_named(repair, step, place))
            if latest is not None:
                os.replace(latest, place)
    except OSError as error:
        raise OutputError(
            f"{str(place)!r} cannot be written: {error.strerror or error}; name another file"
        ) from error
    return tuple(repairs)


def _named(repair: Repair, step: Path, place: Path) -> Repair:
    """The repair as one of the file that the user named."""
    written = None if repair.written is None else replace(repair.written, path=str(place))
    reason = repair.reason.replace(str(step), str(place)).replace(step.name, place.name)
    return replace(repair, path=None if written is None else str(place), written=written, reason=reason)
