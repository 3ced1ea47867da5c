"""Contacts of films that are never made: only the three frames around each are drawn.

So a reader of materials sees many more things than a folder of films holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.files import atomic_path
from genlock.core.grid import Cells
from genlock.core.progress import Progress, silent
from genlock.drawing.opencv import cv2
from genlock.synth.impacts.contacts import events_of
from genlock.synth.impacts.films import cells_of, frames_of, stage_of
from genlock.synth.impacts.plans import ImpactOptions, ImpactPlan, plan_one
from genlock.synth.impacts.truth import Contact
from genlock.train.foley.glimpses import Glimpse, glimpse_of

__all__ = ["DRAWN", "draw_glimpses", "open_drawn"]

Pixels: TypeAlias = npt.NDArray[np.uint8]

#: Films of which frames are drawn: short, and of rates at which neighbouring frames are looked at as they are.
DRAWN = ImpactOptions(
    count=1_000_000, seconds=4, rates=("12", "15", "24", "25", "30"),
    scenes=("sticks", "drops", "sticks", "hands", "sticks", "rolls", "hands"),
)  # fmt: skip
# Films in one place, and contacts of each, of different things: a place takes longer to draw than what lies there.
_FILMS, _MOST = 5, 3
# Places that are kept in one file.
_PART = 100
_ARRAYS = ("pixels", "beside", "light", "around")
_VALUES = ("name", "material", "size", "x", "y")
# What a JPEG is to be like, for the quality (CRF) of the film's encoder: both leave out what is fine.
_JPEG_BEST, _JPEG_FALL, _JPEG_LEAST = 96.0, 3.2, 25.0


def draw_glimpses(seed: int, number: int, side: int, options: ImpactOptions = DRAWN) -> list[Glimpse]:
    """Glimpses of some films in one place that are drawn anew: at most three of each, each of another thing.

    Parameters
    ----------
    seed, number : of the place; the same two give the same glimpses
    side : pixels across and down

    Examples
    --------
    >>> seen = draw_glimpses(seed=1, number=0, side=64)
    >>> [glimpse.pixels.shape for glimpse in seen][:1], 0 < len(seen) <= 12
    ([(64, 64, 3)], True)
    """
    draw = np.random.default_rng([seed, number, 89])
    plans = [plan_one(replace(options, seed=seed), _FILMS * number + k) for k in range(_FILMS)]
    stage, found = stage_of(plans[0]), list[Glimpse]()
    for plan in plans:
        there = replace(
            plan,
            seed=plans[0].seed,
            view=plans[0].view,
            ground=plans[0].ground,
            disturbance=plans[0].disturbance,
        )
        found += _glimpses_in(there, stage, f"drawn {number}", side, draw)
    return found


def _glimpses_in(
    plan: ImpactPlan, stage: Pixels, name: str, side: int, draw: np.random.Generator
) -> list[Glimpse]:
    contacts = [event.contact for event in events_of(plan)]
    cells, count = cells_of(plan)
    wanted = [
        (contact, middle)
        for contact in _of_different_things(contacts, draw)
        if (middle := _frame_near(contact, cells, count, draw)) is not None
    ]
    numbers = sorted({number for _, middle in wanted for number in range(middle - 1, middle + 2)})
    drawn = frames_of(plan, contacts, numbers, stage)
    frames = dict(zip(numbers, _compressed(drawn, plan), strict=True))
    return [
        glimpse_of(name, [frames[k] for k in range(middle - 1, middle + 2)], contact, side)
        for contact, middle in wanted
    ]


def _of_different_things(contacts: Sequence[Contact], draw: np.random.Generator) -> list[Contact]:
    """One contact of each thing, of a few things."""
    by_body: dict[int, list[Contact]] = {}
    for contact in contacts:
        if contact.visible and contact.kind != "roll":
            by_body.setdefault(contact.body, []).append(contact)
    things = [by_body[key] for key in draw.permutation(sorted(by_body)).tolist()]
    return [each[int(draw.integers(len(each)))] for each in things[:_MOST]]


def _frame_near(contact: Contact, cells: Cells, count: int, draw: np.random.Generator) -> int | None:
    """The last frame before a contact, or the first after it; None if it has no neighbours in the film."""
    middle = cells.index(contact.time, "floor") + int(draw.integers(2))
    return middle if 1 <= middle < count - 1 else None


def _compressed(frames: Iterator[Pixels], plan: ImpactPlan) -> Iterator[Pixels]:
    quality = max(_JPEG_BEST - _JPEG_FALL * max(plan.disturbance.quality - 14, 0), _JPEG_LEAST)
    for frame in frames:
        done, written = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
        assert done
        read = cv2.imdecode(written, cv2.IMREAD_COLOR)
        assert read is not None
        yield np.ascontiguousarray(read[..., ::-1], np.uint8)


# ---------------------------------------------------------------- many of them, kept


def open_drawn(
    folder: str | Path, places: int, seed: int, side: int, progress: Progress = silent
) -> list[Glimpse]:
    """Glimpses of so many places, in all some eight times as many; they are drawn once and kept in a folder.

    What was drawn before a stop is there; another seed or side has files of its own.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    found: list[Glimpse] = []
    for first in range(0, places, _PART):
        count = min(_PART, places - first)
        part = Path(folder) / f"seed{seed}-side{side}-{first:06d}-{count}.npz"
        if not part.is_file():
            drawn = [
                glimpse
                for number in range(first, first + count)
                for glimpse in draw_glimpses(seed, number, side)
            ]
            _keep(part, drawn)
        found += _kept(part)
        progress("draw", first + count, places)
    return found


def _keep(part: Path, drawn: Sequence[Glimpse]) -> None:
    arrays = {name: np.stack([getattr(glimpse, name) for glimpse in drawn]) for name in _ARRAYS}
    arrays |= {name: np.array([getattr(glimpse, name) for glimpse in drawn]) for name in _VALUES}
    with atomic_path(part) as temporary, open(temporary, "wb") as out:
        np.savez(out, allow_pickle=False, **arrays)


def _kept(part: Path) -> list[Glimpse]:
    with np.load(part, allow_pickle=False) as held:
        arrays = {name: held[name] for name in (*_ARRAYS, *_VALUES)}
    return [
        Glimpse(
            **{name: arrays[name][k] for name in _ARRAYS},
            **{name: arrays[name][k].item() for name in _VALUES},
        )
        for k in range(len(arrays["name"]))
    ]
