"""Films whose sound belongs to what is seen: VAS, VGGSound and the Greatest Hits, told apart by what lies there.

VAS (Chen et al. 2020): a folder a class. VGGSound (Chen et al. 2020): films named ``ID_START_END`` in milliseconds, or
``ID_START`` in seconds, and ``vggsound.csv`` of ``id,start,class,split``. The Greatest Hits (Owens et al. 2016):
``NAME_denoised.mp4`` or ``NAME_mic.mp4`` with ``NAME_denoised_times.txt`` or ``NAME_times.txt``: a hit a line, its
second and what is hit how; ``train.txt`` and ``test.txt`` name the films.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError
from genlock.data.corpora.base import Corpus, Source, files_below
from genlock.data.corpora.folder import FOLDER, VIDEOS

__all__ = ["SOUND", "read_hits", "read_vggsound"]

_OFFICIAL: Mapping[str, tuple[str, ...]] = {"train": ("train", "valid"), "test": ("test",)}
_ENDINGS = ("_denoised", "_mic", "")


def read_vggsound(path: Path) -> dict[tuple[str, int], tuple[str, str]]:
    """Class and split by YouTube name and second, out of ``vggsound.csv``.

    Raises FormatError if it cannot be read or a line has not four columns.
    """
    found = {}
    try:
        with open(path, encoding="utf-8", newline="") as lines:
            for number, row in enumerate(csv.reader(lines), 1):
                if not row:
                    continue
                name, second, label, split = row
                if split not in _OFFICIAL:
                    raise ValueError(f"line {number} has the split {split!r}, not train or test")
                found[name, int(second)] = (label, split)
    except (OSError, ValueError) as error:
        raise FormatError(
            f"{str(path)!r} is not the list of VGGSound, id,start,class,split: {error}"
        ) from error
    return found


def read_hits(path: Path) -> tuple[dict[str, Any], ...]:
    """The hits of a film of the Greatest Hits: instant in seconds, and what is hit, how, and what it does.

    Raises FormatError if it cannot be read or a line does not begin with a number.
    """
    hits = []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                second, *what = line.split()
                hits.append({"label": " ".join(what), "at_seconds": float(second)})
    except (OSError, ValueError) as error:
        raise FormatError(
            f"the hits {str(path)!r} cannot be read ({error}); repair or remove that file"
        ) from error
    return tuple(hits)


def _sources(folder: Path) -> list[Source]:
    listed = sorted(folder.rglob("vggsound.csv"))
    if listed:
        return _vggsound(folder, read_vggsound(listed[0]))
    if any(folder.rglob("*_times.txt")):
        return _greatest_hits(folder)
    return FOLDER.sources(folder)


def _vggsound(folder: Path, known: Mapping[tuple[str, int], tuple[str, str]]) -> list[Source]:
    found = []
    for film in files_below(folder, VIDEOS):
        # The eleven signs of a YouTube name may themselves be _ and digits.
        match = re.fullmatch(r"(?P<name>.{11})_(?P<start>\d+)(_(?P<end>\d+))?", film.stem)
        if match is None:
            continue
        start = int(match["start"]) // (1000 if match["end"] else 1)
        label, split = known.get((match["name"], start), ("", "train"))
        path = film.relative_to(folder).as_posix()
        found.append(Source(path, label=label, group=match["name"], splits=_OFFICIAL[split]))
    if not found:
        raise FormatError(
            f"no film of {str(folder)!r} is named as in VGGSound, such as ---g-f_I2yQ_000001.mp4; name its folder"
        )
    return found


def _greatest_hits(folder: Path) -> list[Source]:
    official = {
        name.strip(): _OFFICIAL[split]
        for split in _OFFICIAL
        for file in sorted(folder.rglob(f"{split}.txt"))
        for name in file.read_text(encoding="utf-8").split()
    }
    films: dict[tuple[Path, str], dict[str, Path]] = {}
    for film in files_below(folder, VIDEOS):
        ending = next(ending for ending in _ENDINGS if film.stem.endswith(ending))
        films.setdefault((film.parent, film.stem.removesuffix(ending)), {})[ending] = film
    found = []
    for (place, name), takes in films.items():
        times = [place / f"{name}{ending}_times.txt" for ending in _ENDINGS]
        hits = next((read_hits(path) for path in times if path.is_file()), None)
        if hits is None:
            continue  # masks and other films that have no hits
        film = next(takes[ending] for ending in _ENDINGS if ending in takes)
        splits = official.get(name, ("train", "valid", "test"))
        found.append(Source(film.relative_to(folder).as_posix(), events=hits, group=name, splits=splits))
    return found


#: ``--recipe sound``.
SOUND = Corpus("sound", "sound@22050,mel:specvqgan,video@21.5/340x256", _sources, clip_seconds="10")
