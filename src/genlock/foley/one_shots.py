"""A folder of one-shots: sounds of single blows in any format, sorted by class and by how hard they are."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import InputError, MediaError
from genlock.core.one_line import one_line
from genlock.foley.attacks import find_attack, loudness_after
from genlock.media import read_audio

__all__ = ["SOUND_ENDINGS", "Library", "OneShot", "ShotReader", "open_library"]

Samples: TypeAlias = npt.NDArray[np.float32]

#: Endings of the files that are taken for one-shots.
SOUND_ENDINGS = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".aifc", ".mp3", ".m4a", ".caf", ".w64"}
)
_LONGEST_SECONDS = 60
_LAYER_GAP_DB = 3.0
_CACHE_BYTES = 256 * 2**20
# How musicians and libraries write how hard a blow is.
_DYNAMICS = {
    name: rank
    for rank, names in enumerate(
        (
            ("ppp", "softest"),
            ("pp", "quiet"),
            ("p", "soft", "light", "lite"),
            ("mp",),
            ("mf", "med", "mid", "medium"),
            ("f", "hard", "loud", "heavy"),
            ("ff",),
            ("fff", "hardest"),
        )
    )
    for name in names
}
_NUMBERED_LAYER = re.compile(r"(?:v|vel|velocity|layer|lay|dyn)(\d+)$")
_ROBIN = re.compile(r"(?:rr|r|take|alt|var|no|nr|hit)?\d+$|[a-d]$")


@dataclass(frozen=True)
class OneShot:
    """One recorded blow."""

    path: str
    """The file."""
    group: str
    """Its class: the sub-folder, or what its name says besides numbers and dynamics."""
    dynamic: int | None
    """How hard by its name, small is soft; None where the name does not say."""
    rate: int
    """Samples per second of the file."""
    channels: int
    """Channels of the file."""
    seconds: Fraction
    """Length of the file."""
    attack: Fraction
    """When its attack begins, in exact seconds from its first sample."""
    loudness_db: float
    """Level of the 150 ms after that, dB of full scale."""


@dataclass(frozen=True)
class Library:
    """One-shots by class; each class is layers from soft to hard, each layer sounds that may stand for each other."""

    folder: str
    """Where they lie."""
    groups: Mapping[str, tuple[tuple[OneShot, ...], ...]]
    """Layers of each class."""
    left_out: tuple[str, ...] = ()
    """Files that are not used, each with the reason."""

    __repr__ = one_line

    @property
    def count(self) -> int:
        """Number of one-shots."""
        return sum(len(layer) for layers in self.groups.values() for layer in layers)

    def classes_of(self, material: str) -> tuple[str, ...]:
        """The classes whose name has the material's as one of its words.

        >>> Library("", {"Wood/planks": (), "dry wood": (), "metal": ()}).classes_of("wood")
        ('Wood/planks', 'dry wood')
        """
        wanted = material.casefold()
        return tuple(name for name in self.groups if wanted in _words(name) or name.casefold() == wanted)

    def to_dict(self) -> dict[str, object]:
        """A JSON form."""
        return {
            "folder": self.folder,
            "count": self.count,
            "classes": {name: [len(layer) for layer in layers] for name, layers in self.groups.items()},
            "left_out": list(self.left_out),
        }


def open_library(folder: str | os.PathLike[str]) -> Library:
    """Listen to every sound in a folder and below it.

    Parameters
    ----------
    folder : its sub-folders are classes (materials); without any, names of files are

    Raises
    ------
    InputError
        If it is no folder, or no sound in it can be used.

    Examples
    --------
    >>> import tempfile
    >>> from genlock.media import Sound, encode
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, level in (("wood_soft_1", 0.1), ("wood_soft_2", 0.1), ("wood_hard_1", 0.8)):
    ...         encode(f"{folder}/{name}.wav", sound=Sound(level * np.exp(-np.arange(4800) / 600), 48000))
    ...     library = open_library(folder)
    >>> [[len(layer) for layer in layers] for layers in library.groups.values()], list(library.groups)
    ([[2, 1]], ['wood'])
    """
    top = Path(folder)
    if not top.is_dir():
        raise InputError(f"the library {os.fspath(folder)!r} is no folder; give one with sounds in it")
    files = sorted(p for p in top.rglob("*") if p.is_file() and not p.name.startswith("."))
    sounds = [p for p in files if p.suffix.lower() in SOUND_ENDINGS]
    nested = any(p.parent != top for p in sounds)
    shots, left_out = [], []
    for path in sounds:
        try:
            shots.append(_listened(path, top, nested))
        except (InputError, ValueError) as error:
            left_out.append(f"{path.relative_to(top)}: {error}")
    if not shots:
        why = "; ".join(left_out[:3]) or f"it has {len(files)} files, none of them a sound"
        raise InputError(
            f"the library {os.fspath(folder)!r} has no sound that can be used ({why}); "
            f"sounds end in {', '.join(sorted(SOUND_ENDINGS))}"
        )
    names = sorted({shot.group for shot in shots})
    groups = {name: _layers([shot for shot in shots if shot.group == name]) for name in names}
    return Library(os.fspath(folder), groups, tuple(left_out))


def _listened(path: Path, top: Path, nested: bool) -> OneShot:
    track = read_audio(path, rate=None, channels=None)
    rate = round(1 / track.grid.tick)
    seconds = Fraction(len(track), rate)
    if seconds > _LONGEST_SECONDS:
        raise MediaError(f"it lasts {float(seconds):.0f} s, which is no single blow; cut it")
    attack = find_attack(track.values, rate)
    if attack is None:
        raise MediaError("it is silent")
    level = loudness_after(track.values, rate, attack)
    if not np.isfinite(level):
        raise MediaError("it holds numbers that are no sound (NaN or infinity)")
    rest, dynamic = _name_of(path.stem)
    folder = path.parent.relative_to(top).as_posix()
    group = (folder if folder != "." else "sounds") if nested else (rest or "sounds")
    channels = 1 if track.values.ndim == 1 else track.values.shape[1]
    return OneShot(str(path), group, dynamic, rate, channels, seconds, Fraction(attack, rate), level)


def _words(text: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return [word for word in re.split(r"[\W_]+", spaced.casefold()) if word]


def _name_of(stem: str) -> tuple[str, int | None]:
    """What a file's name says besides numbers and dynamics, and how hard it says the blow is."""
    kept, dynamic = [], None
    for place, word in enumerate(_words(stem)):
        layer = _NUMBERED_LAYER.match(word)
        if layer:
            dynamic = int(layer.group(1))
        elif word in _DYNAMICS and place > 0:
            dynamic = _DYNAMICS[word]
        elif not (place > 0 and _ROBIN.match(word)) and not word.isdigit():
            kept.append(word)
    bare = re.sub(r"\d+$", "", kept[-1]) if kept else ""
    return " ".join([*kept[:-1], bare]).strip() if kept else "", dynamic


def _layers(shots: Sequence[OneShot]) -> tuple[tuple[OneShot, ...], ...]:
    """From soft to hard: by the names where all of them say it, else where measured loudness leaves a gap."""
    if all(shot.dynamic is not None for shot in shots):
        ranks = sorted({shot.dynamic for shot in shots if shot.dynamic is not None})
        named = [tuple(shot for shot in shots if shot.dynamic == rank) for rank in ranks]
        # Layers numbered from loud to soft are turned round; those of one level (normalised files) stay.
        levels = [float(np.mean([shot.loudness_db for shot in layer])) for layer in named]
        return tuple(reversed(named)) if levels[0] > levels[-1] + _LAYER_GAP_DB else tuple(named)
    ordered = sorted(shots, key=lambda shot: shot.loudness_db)
    layers: list[list[OneShot]] = []
    for shot in ordered:
        if not layers or shot.loudness_db - layers[-1][-1].loudness_db > _LAYER_GAP_DB:
            layers.append([])
        layers[-1].append(shot)
    return tuple(map(tuple, layers))


class ShotReader:
    """Samples of one-shots at one rate from their attack on; what was read last is kept, in bounded memory."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._kept: OrderedDict[str, Samples] = OrderedDict()
        self._bytes = 0

    def samples(self, shot: OneShot) -> Samples:
        """The whole of a one-shot, float32 [n, 2]; one channel is on both sides."""
        if shot.path in self._kept:
            self._kept.move_to_end(shot.path)
            return self._kept[shot.path]
        channels = None if shot.channels <= 2 else 2
        values = read_audio(shot.path, rate=self.rate, channels=channels).values
        both = np.repeat(values[:, None], 2, axis=1) if values.ndim == 1 else values
        both = np.asarray(both if both.shape[1] == 2 else np.repeat(both[:, :1], 2, axis=1), np.float32)
        self._kept[shot.path] = both
        self._bytes += both.nbytes
        while self._bytes > _CACHE_BYTES and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= gone.nbytes
        return both
