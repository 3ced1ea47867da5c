"""Real struck sounds in place of modal ones: a folder of one-shots, sorted by material, loudness layers and licence."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from genlock.core.errors import FormatError, InputError
from genlock.synth.impacts.materials import MATERIALS
from genlock.synth.impacts.sound import LOUDNESS
from genlock.synth.impacts.truth import Contact

__all__ = ["ONE_SHOT_LIST", "OneShot", "OneShots"]

Array: TypeAlias = npt.NDArray[np.float64]

#: The list in a folder of one-shots, tab-separated: ``file``, ``material``, ``layer``, ``layers``, ``group``,
#: ``licence``.
ONE_SHOT_LIST = "oneshots.tsv"
# A sound begins where it first reaches this share of its peak.
_BEGINS = 0.05
_PEAK, _USUAL_IMPULSE = 0.22, 0.2


@dataclass(frozen=True)
class OneShot:
    """One real sound."""

    path: Path
    """Where it lies."""
    material: str
    """What was struck."""
    layer: float
    """How hard: 0 is the softest layer of its group, 1 the hardest."""
    group: str
    """The instrument: another layer of the same thing."""
    licence: str
    """Under which it may be used."""


class OneShots:
    """The real sounds of a folder.

    Raises
    ------
    InputError
        If there is no list of sounds in the folder.
    FormatError
        If the list cannot be read.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        listed = self.folder / ONE_SHOT_LIST
        if not listed.is_file():
            raise InputError(
                f"{str(folder)!r} holds no {ONE_SHOT_LIST}; fetch sounds there: python tools/fetch_oneshots.py {folder}"
            )
        self.shots = tuple(_read(listed))
        self._by_material: dict[str, dict[str, list[OneShot]]] = {}
        for shot in self.shots:
            self._by_material.setdefault(shot.material, {}).setdefault(shot.group, []).append(shot)

    def of(self, contact: Contact, rate: int, seed: int, touch: int) -> tuple[Array, str] | None:
        """A sound for a contact, from its onset on, and where it is from; None where half of the things sound modal.

        The same thing has the same instrument; the layer goes by the impulse.
        """
        groups = self._by_material.get(contact.material)
        if groups is None or np.random.default_rng([seed, 31]).random() < 0.5:
            return None
        names = sorted(groups)
        group = groups[names[int(np.random.default_rng([seed, 37]).integers(len(names)))]]
        hardness = float(np.clip(np.log2(max(contact.impulse, 1e-3) / 0.03) / 6, 0, 1))
        nearest = min(abs(shot.layer - hardness) for shot in group)
        fitting = [shot for shot in group if abs(shot.layer - hardness) <= nearest + 1e-9]
        shot = fitting[touch % len(fitting)]
        samples = _samples(str(shot.path), rate)
        peak = _PEAK * (max(contact.impulse, 1e-3) / _USUAL_IMPULSE) ** LOUDNESS
        return peak * samples, f"{shot.group} ({shot.licence})"


def _read(listed: Path) -> list[OneShot]:
    with listed.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    found = []
    for number, row in enumerate(rows, 2):
        try:
            layers = max(int(row["layers"]) - 1, 1)
            if row["material"] not in MATERIALS:
                raise ValueError(f"there is no material {row['material']!r}")
            place = listed.parent / row["file"]
            found.append(
                OneShot(place, row["material"], int(row["layer"]) / layers, row["group"], row["licence"])
            )
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(
                f"line {number} of {str(listed)!r} cannot be read: {error}; fetch it anew"
            ) from error
    return found


@lru_cache(maxsize=256)
def _samples(path: str, rate: int) -> Array:
    """A sound from its onset on, mono, with a peak of 1."""
    try:
        samples, own = soundfile.read(path, dtype="float64", always_2d=True)
    except soundfile.SoundFileError as error:
        raise InputError(f"the one-shot {path!r} cannot be read ({error}); fetch it anew") from error
    mono = samples.mean(axis=1)
    if own != rate:
        mono = soxr.resample(mono, own, rate, quality="HQ")
    size = np.abs(mono)
    peak = float(size.max(initial=0.0))
    if not peak:
        return np.zeros(1)
    first = int(np.argmax(size >= _BEGINS * peak))
    return np.asarray(mono[first : first + 3 * rate] / peak)
