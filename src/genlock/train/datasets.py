"""What a recipe is given to learn from: prepared datasets, or folders that are prepared first.

Every recipe states with :class:`Needs` what a dataset must hold. A dataset that lacks an output is refused with the
command that adds it; a plain folder is prepared once, into the folder of the run.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from genlock.core.errors import InputError, OptionError, OutputError
from genlock.core.files import make_folders
from genlock.core.json_forms import read_json_file, write_json
from genlock.core.progress import Progress, silent
from genlock.data.options import PrepareOptions
from genlock.data.prepare import prepare, source_of
from genlock.data.reading import INDEX, ClipSet, is_dataset, kinds_of
from genlock.data.shards import SHARDS
from genlock.data.splits import NAMES

__all__ = ["Needs", "Opened", "each_clip", "left_out_notes", "open_datasets", "split_by"]

#: Folder of the run that holds what was prepared for it.
OWN = "dataset"
#: Folder of the run with links to files that were named one by one.
OWN_SOURCES = "sources"
LEFT_OUT = "left_out.json"


@dataclass(frozen=True)
class Needs:
    """What a recipe needs of a dataset."""

    outputs: Mapping[str, str]
    """Kinds of outputs, as the folders of a dataset are called, and what ``genlock prepare --outputs`` calls what makes
    them."""
    recipe: str
    """The recipe of ``genlock prepare`` by which a plain folder is prepared."""


@dataclass(frozen=True)
class Opened:
    """Datasets that have what a recipe needs."""

    datasets: tuple[Path, ...]
    """Their folders."""
    notes: tuple[str, ...] = ()
    """What was prepared, in words."""


def split_by(what: Literal["clip", "speaker"]) -> PrepareOptions:
    """How a plain folder is prepared so that clips, or whole speakers, are kept apart."""
    return PrepareOptions(group="speaker" if what == "speaker" else "source")


def open_datasets(
    named: Sequence[str | Path],
    run: str | Path,
    needs: Needs,
    progress: Progress = silent,
    options: PrepareOptions | None = None,
) -> Opened:
    """Datasets as they are, and plain folders prepared into ``RUN/dataset``, once.

    Parameters
    ----------
    named : folders of datasets, of their shards, plain folders, or files
    run : the folder of the run
    needs : what the datasets must hold
    options : how a plain folder is prepared, beside recipe and outputs

    Raises
    ------
    OptionError
        If speakers are to be kept apart, and a dataset does not do so.
    InputError
        If nothing is named, there is no such folder, or a dataset is not finished or lacks an output; the message
        says the command that mends it.
    OutputError
        If the run folder cannot be written.
    """
    if not named:
        raise InputError("what to learn from? Name a prepared dataset, or a folder of sounds or videos")
    found, notes = [], []
    folders = _with_folders(named, Path(run) / OWN_SOURCES)
    for number, folder in enumerate(folders):
        if is_dataset(folder):
            _require(folder, needs)
            if options is not None and options.group == "speaker":
                _require_speakers(folder)
            found.append(folder)
            continue
        _refuse_unfinished(folder)
        own = Path(run) / OWN if len(folders) == 1 else Path(run) / OWN / f"{number}-{folder.resolve().name}"
        if not (own / INDEX).is_file():
            outputs = ",".join(dict.fromkeys(needs.outputs.values()))
            how = replace(options or PrepareOptions(), recipe=needs.recipe, outputs=outputs)
            prepare(folder, own, how, progress)
        notes.append(f"{str(folder)!r} was prepared by the recipe {needs.recipe} into {str(own)!r}")
        found.append(own)
    return Opened(tuple(found), tuple(notes))


def each_clip(
    opened: Opened, needs: Needs, left_out: list[tuple[str, str]], progress: Progress = silent
) -> Iterator[tuple[str, ClipSet, int]]:
    """The clips of each split: its name, its clips, and which of them is next.

    ``left_out`` is told the clips that lack an output, each with the reason; a split without a clip is passed over.
    """
    for split in NAMES:
        try:
            clips = ClipSet(opened.datasets, tuple(needs.outputs), split)
        except InputError:  # such as a small dataset without a clip in valid
            continue
        left_out += clips.left_out
        for number in range(len(clips)):
            progress(f"read {split}", number, len(clips))
            yield split, clips, number
        progress(f"read {split}", len(clips), len(clips))


def _with_folders(named: Sequence[str | Path], sources: Path) -> list[Path]:
    """The folders that are named; files are linked into one folder of their own, under their own names."""
    folders = [Path(name) for name in named if not Path(name).is_file()]
    files = sorted({Path(name).resolve() for name in named if Path(name).is_file()})
    if not files:
        return folders
    for number, file in enumerate(files):
        alone = sum(other.name == file.name for other in files) == 1
        link = sources / file.name if alone else sources / f"{number}" / file.name
        try:
            make_folders(link.parent)
            if not link.is_symlink():
                link.symlink_to(file)
        except OSError as error:
            raise OutputError(
                f"cannot write {str(link)!r}: {error.strerror}; choose another with -o"
            ) from error
    return [*folders, sources]


def _require(folder: Path, needs: Needs) -> None:
    """Refuse a dataset that lacks an output, with the command that adds it."""
    there = kinds_of(folder)
    lacking = list(dict.fromkeys(text for kind, text in needs.outputs.items() if kind not in there))
    if not lacking:
        return
    if (folder / SHARDS).is_file():
        advice = "add it to the dataset that these shards were exported from, and export again"
    else:
        source = shlex.quote(source_of(folder) or "SOURCE")
        advice = (
            f"add it: genlock prepare {source} -o {shlex.quote(str(folder))} --outputs {','.join(lacking)}"
        )
    missing = ", ".join(kind for kind in needs.outputs if kind not in there)
    raise InputError(f"the dataset {str(folder)!r} has no {missing} (it has {', '.join(there)}); {advice}")


def _require_speakers(folder: Path) -> None:
    """A dataset keeps its split: one that was drawn by clips is not taken for one by speakers."""
    about = folder / "dataset.json"
    if not about.is_file() or read_json_file(about).get("group") != "speaker":
        raise OptionError(
            f"the dataset {str(folder)!r} has its own split; to keep speakers apart, prepare it with --group speaker"
        )


def _refuse_unfinished(folder: Path) -> None:
    if not folder.is_dir():
        raise InputError(
            f"there is no folder {str(folder)!r}; name a prepared dataset, or a folder of sounds or videos"
        )
    if (folder / ".genlock" / "ledger.sqlite").is_file():
        raise InputError(
            f"the dataset {str(folder)!r} is not finished: it has no {INDEX}; give the same genlock prepare again"
        )
    if (folder / "sounds.s16").is_file():
        raise InputError(
            f"{str(folder)!r} was prepared by an older genlock, in a form that is no more; name the folder of "
            "sounds that it was made from"
        )


def left_out_notes(left_out: Sequence[tuple[str, str]], run: str | Path) -> tuple[str, ...]:
    """One line for each reason, with the number of clips and the first of their names; all are listed in a file.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> for note in left_out_notes([("a", "too short"), ("b", "no text"), ("c", "too short")], folder):
    ...     print(note.partition(" (all")[0])
    2 clips left out: too short: a, c
    1 clip left out: no text: b
    """
    if not left_out:
        return ()
    path = Path(run) / LEFT_OUT
    listed = [{"clip": name, "reason": reason} for name, reason in left_out]
    write_json(path, {"kind": "left out", "clips": listed})
    by_reason: dict[str, list[str]] = {}
    for name, reason in left_out:
        by_reason.setdefault(reason.partition(": ")[0], []).append(name)
    lines = []
    for reason, names in by_reason.items():
        shown = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
        lines.append(f"{len(names)} clip{'s' * (len(names) > 1)} left out: {reason}: {shown}")
    return (*lines[:-1], f"{lines[-1]} (all are in {path})")
