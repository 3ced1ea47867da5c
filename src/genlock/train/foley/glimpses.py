"""Pictures of things that touch, and what they show around that place, as a reader of materials learns from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError
from genlock.core.progress import Progress, silent
from genlock.data.corpora.impacts import contacts_of
from genlock.data.prepare import source_of
from genlock.data.splits import NAMES
from genlock.extractors.picture.motion_maps import LEAST_STEP
from genlock.media import VideoCell, VideoForm, read
from genlock.models.foley.materials import LONGEST_SIDE, light_of, part_of, small_grey
from genlock.synth.impacts.truth import Contact
from genlock.train.datasets import Needs, each_clip, left_out_notes, open_datasets

__all__ = ["GLIMPSE_NEEDS", "MARGIN", "Glimpse", "Glimpses", "glimpse_of", "glimpses_of", "open_glimpses"]

Pixels: TypeAlias = npt.NDArray[np.uint8]

#: What a dataset must hold for a reader of materials; the pictures are those of its sources, at full size.
GLIMPSE_NEEDS = Needs({"sound_24000": "sound@24000"}, "impacts")
#: Pixels around what a reader sees, so that it can be moved while it learns.
MARGIN = 8


@dataclass(frozen=True, eq=False)
class Glimpse:
    """A part of one picture, with a contact in its middle."""

    name: str
    """Of the film."""
    pixels: Pixels
    """uint8 [side, side, 3]."""
    beside: Pixels
    """The same part of the picture before and the one after, grey, uint8 [2, side, side]."""
    light: npt.NDArray[np.float32]
    """Of the whole picture, [6]."""
    material: str
    """What sounds."""
    size: float
    """How large it is, metres."""
    around: Pixels
    """The whole picture between the one before and the one after, grey, uint8 [3, 64, 64]."""
    x: float
    """Where the contact is in it, 0 left ... 1 right."""
    y: float
    """0 top ... 1 bottom."""


@dataclass(frozen=True, eq=False)
class Glimpses:
    """What a reader learns from, is chosen on, and is reported on."""

    learnt: tuple[Glimpse, ...]
    held: tuple[Glimpse, ...]
    reported: tuple[Glimpse, ...]
    notes: tuple[str, ...] = ()
    """What was prepared or left out, in words."""


class _Cutter:
    """Cuts what is asked for out of the frames before and after each contact."""

    form = VideoForm(longest_side=LONGEST_SIDE)

    def __init__(self, name: str, contacts: Sequence[Contact], side: int) -> None:
        self._name, self._side = name, side
        self._left = sorted(contacts, key=lambda contact: contact.time)
        self._last: list[VideoCell] = []  # the last three frames
        self.found: list[Glimpse] = []

    def push(self, cell: VideoCell) -> None:
        """Take the next frame; nearer ones are passed over as a finder does."""
        if self._last and cell.start - self._last[-1].start < LEAST_STEP:
            return
        self._last = [*self._last[-2:], cell]
        if len(self._last) < 3:
            return
        before, _, after = self._last
        while self._left and self._left[0].time < before.start:
            self._left.pop(0)
        for contact in self._left:
            # The middle one is the last before the contact, or the first after it.
            if not before.start <= contact.time < after.start:
                break
            pictures = [one.pixels for one in self._last]
            self.found.append(glimpse_of(self._name, pictures, contact, self._side))

    def finish(self) -> None:
        """Nothing is held."""


def glimpse_of(name: str, three: Sequence[Pixels], contact: Contact, side: int) -> Glimpse:
    """What three pictures that follow each other, RGB [H, W, 3], show around a contact near the middle one."""
    pixels, beside = part_of(three, contact.x, contact.y, side)
    return Glimpse(
        name,
        pixels,
        beside,
        light_of(three[1]),
        contact.material,
        contact.size,
        np.stack([small_grey(one) for one in three]),
        float(np.clip(contact.x, 0, 1)),
        float(np.clip(contact.y, 0, 1)),
    )


def glimpses_of(film: str | Path, name: str, contacts: Sequence[Contact], side: int) -> list[Glimpse]:
    """The frames before and after each visible contact of a film, cut out around it.

    Raises NoStream or MediaError if the film cannot be read.
    """
    cutter = _Cutter(name, [c for c in contacts if c.visible and c.kind != "roll"], side)
    if cutter._left:
        read(film, [cutter])
    return cutter.found


def open_glimpses(
    named: Sequence[str | Path], run: str | Path, side: int, progress: Progress = silent
) -> Glimpses:
    """Parts of the films of datasets, or of folders of ``genlock synth impacts`` that are prepared first.

    Raises
    ------
    InputError
        If the films that a dataset was made from are not there, or no contact can be used; see also
        :func:`genlock.train.datasets.open_datasets`.
    """
    opened = open_datasets(named, run, GLIMPSE_NEEDS, progress)
    by_split: dict[str, list[Glimpse]] = {split: [] for split in NAMES}
    left_out: list[tuple[str, str]] = []
    for dataset in opened.datasets:
        alone = type(opened)((dataset,))
        folder = source_of(dataset)
        if folder is None:
            raise InputError(
                f"the films that {str(dataset)!r} was made from are not known here; name their folder instead"
            )
        for split, clips, number in each_clip(alone, GLIMPSE_NEEDS, left_out, progress):
            clip = clips[number]
            film = Path(folder) / str(clip.row["source"])
            if not film.is_file():
                left_out.append((clip.name, f"its film {str(film)!r} is not there any more"))
                continue
            by_split[split] += glimpses_of(film, clip.name, contacts_of(clip), side + 2 * MARGIN)
    notes = (*opened.notes, *left_out_notes(left_out, run))
    return Glimpses(tuple(by_split["train"]), tuple(by_split["valid"]), tuple(by_split["test"]), notes)
