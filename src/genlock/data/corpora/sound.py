"""Films whose sound belongs to what is seen: VAS, VGGSound and the Greatest Hits, told apart by what lies there.

VAS (Chen et al. 2020): a folder a class. VGGSound (Chen et al. 2020): films named ``ID_START_END`` in milliseconds, or
``ID_START`` in seconds, and ``vggsound.csv`` of ``id,start,class,split``. The Greatest Hits (Owens et al. 2016):
``NAME_denoised.mp4`` or ``NAME_mic.mp4`` with ``NAME_denoised_times.txt`` or ``NAME_times.txt``: a hit a line, its
second and what is hit how; ``train.txt`` and ``test.txt`` name the films.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

from genlock.core.errors import FormatError
from genlock.data.corpora.base import Corpus, CorpusFolder, SourceFile, Trouble
from genlock.data.corpora.folder import FOLDER, VIDEOS
from genlock.data.corpora.text_files import read_text
from genlock.data.splits import NAMES

__all__ = ["SOUND", "read_hits", "read_vggsound"]

_OFFICIAL: Mapping[str, tuple[str, ...]] = {"train": ("train", "valid"), "test": ("test",)}
_ENDINGS = ("_denoised", "_mic", "")


def read_vggsound(path: Path) -> dict[tuple[str, int], tuple[str, str]]:
    """Class and split by YouTube name and second, out of ``vggsound.csv``.

    Raises FormatError if it cannot be read or a line has not four columns.
    """
    known, bad = _vggsound_lines(path)
    for what in bad.values():
        raise FormatError(f"{str(path)!r} is not the list of VGGSound, id,start,class,split: {what}")
    return known


def _vggsound_lines(path: Path) -> tuple[dict[tuple[str, int], tuple[str, str]], dict[str, str]]:
    """What the lines say, and by the name that they begin with what is wrong with those that say nothing."""
    found, bad = {}, {}
    try:
        listed = list(csv.reader(io.StringIO(read_text(path, "list of VGGSound"))))
    except csv.Error as error:
        raise FormatError(
            f"the list of VGGSound {str(path)!r} cannot be read ({error}); repair that file"
        ) from error
    for number, row in enumerate(listed, 1):
        if not row:
            continue
        try:
            name, second, label, split = row
            if split not in _OFFICIAL:
                raise ValueError(f"the split {split!r} is not train or test")
            found[name, int(second)] = (label, split)
        except ValueError as error:
            bad[row[0]] = f"line {number}, {','.join(row)!r}: {error}"
    return found, bad


def read_hits(path: Path) -> tuple[dict[str, Any], ...]:
    """The hits of a film of the Greatest Hits: instant in seconds, and what is hit, how, and what it does.

    Raises FormatError if it cannot be read or a line does not begin with a finite number.
    """
    hits = []
    for line in read_text(path, "list of hits").splitlines():
        if line.strip():
            second, *what = line.split()
            try:
                at = float(Fraction(second))
            except (ArithmeticError, ValueError) as error:
                raise FormatError(
                    f"the hits {str(path)!r} cannot be read ({line!r} begins with no number of seconds); repair or "
                    "remove that file"
                ) from error
            hits.append({"label": " ".join(what), "at_seconds": at})
    return tuple(hits)


def _sources(corpus: CorpusFolder) -> list[SourceFile]:
    listed = [path for path in corpus.ending_with("vggsound.csv") if path.name == "vggsound.csv"]
    if listed:
        known, bad = _vggsound_lines(listed[0])
        if not known:
            what = next(iter(bad.values()), "it is empty")
            raise FormatError(f"{str(listed[0])!r} is not the list of VGGSound, id,start,class,split: {what}")
        for line in bad.values():
            corpus.leave_out(corpus.relative(listed[0]), "line of a list that cannot be used", line)
        return _vggsound(corpus, known, bad)
    if corpus.ending_with("_times.txt"):
        return _greatest_hits(corpus)
    return FOLDER.sources(corpus)


def _vggsound(
    corpus: CorpusFolder, known: Mapping[tuple[str, int], tuple[str, str]], bad: Mapping[str, str]
) -> list[SourceFile]:
    found, unlisted = [], 0
    for film in corpus.files(VIDEOS):
        path = corpus.relative(film)
        # The eleven signs of a YouTube name may themselves be _ and digits.
        match = re.fullmatch(r"(?P<name>.{11})_(?P<start>\d+)(_(?P<end>\d+))?", film.stem)
        if match is None:
            corpus.leave_out(path, "film that is not named as in VGGSound", "such as ---g-f_I2yQ_000001.mp4")
            continue
        start = int(match["start"]) // (1000 if match["end"] else 1)
        name, trouble = match["name"], None
        if (name, start) not in known and name in bad:
            trouble = Trouble("line of a list that cannot be used", f"vggsound.csv, {bad[name]}")
        unlisted += (name, start) not in known and name not in bad
        label, split = known.get((name, start), ("", "train"))
        found.append(SourceFile(path, label=label, group=name, splits=_OFFICIAL[split], trouble=trouble))
    if unlisted:
        corpus.notes.append(
            f"{unlisted} films are not in vggsound.csv: they have no class and are never in test"
        )
    if not found:
        raise FormatError(
            f"no film of {str(corpus.path)!r} is named as in VGGSound, such as ---g-f_I2yQ_000001.mp4; name its folder"
        )
    return found


def _greatest_hits(corpus: CorpusFolder) -> list[SourceFile]:
    films: dict[tuple[Path, str], dict[str, Path]] = {}
    for film in corpus.files(VIDEOS):
        ending = next(ending for ending in _ENDINGS if film.stem.endswith(ending))
        films.setdefault((film.parent, film.stem.removesuffix(ending)), {})[ending] = film
    times = {corpus.relative(path) for path in corpus.ending_with("_times.txt")}
    official = _official(corpus)
    found = []
    for (_, name), takes in films.items():
        film = next(takes[ending] for ending in _ENDINGS if ending in takes)
        for other in takes.values():
            if other is not film:
                corpus.leave_out(corpus.relative(other), "other take of a film", f"{film.name!r} is taken")
        path = corpus.relative(film)
        beside = (str(PurePosixPath(path).with_name(f"{name}{ending}_times.txt")) for ending in _ENDINGS)
        own = next((one for one in beside if one in times), None)
        if own is None:
            # Masks and the like.
            corpus.leave_out(path, "film without a list of hits", f"there is no {name}_times.txt beside it")
            continue
        hits: tuple[dict[str, Any], ...] = ()
        trouble: Trouble | None = None
        try:
            hits = read_hits(corpus.path / own)
        except FormatError as error:
            trouble = corpus.bad_text(error)
        splits = official.get(name, NAMES)
        found.append(SourceFile(path, events=hits, group=name, splits=splits, trouble=trouble))
    return found


def _official(corpus: CorpusFolder) -> dict[str, tuple[str, ...]]:
    """The allowed splits by the names of films, out of ``train.txt`` and ``test.txt``."""
    found = {}
    for split, allowed in _OFFICIAL.items():
        for path in corpus.ending_with(f"{split}.txt"):
            if path.name != f"{split}.txt":
                continue
            # A list of a split that cannot be read is no single source's: without it test films would be trained on.
            found.update(dict.fromkeys(read_text(path, f"list of the split {split}").split(), allowed))
    return found


#: ``--recipe sound``.
SOUND = Corpus("sound", "sound@22050,mel:specvqgan,video@21.5/340x256", _sources, clip_seconds="10")
