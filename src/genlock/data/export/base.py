"""What every export shares: which clips and outputs, where to, and that each file appears whole or not at all.

The same dataset and options give the same bytes. An export that was stopped goes on with the same command: files
that are there are whole, because each is written beside its name and renamed.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock import __version__
from genlock.core.errors import FormatError, InputError, OptionError, OutputError
from genlock.core.grid import Grid
from genlock.core.json_forms import read_json_file, write_json
from genlock.core.one_line import one_line
from genlock.core.plugins import did_you_mean, load_plugin, plugin_names
from genlock.core.progress import Progress, silent
from genlock.core.track import Track
from genlock.data.corpora.listing import printable
from genlock.data.index import read_index
from genlock.data.options import ExportOptions
from genlock.data.output_files import read_output, track_of_output
from genlock.data.splits import NAMES

__all__ = [
    "EXPORTERS",
    "ExportOptions",
    "Exported",
    "Exporter",
    "Job",
    "Row",
    "export_dataset",
    "filled",
    "first_instant",
    "in_groups",
]

#: The entry-point group of exporters.
EXPORTERS = "genlock.exporters"
# Tells that a folder is an export of ours, and of what.
_MARKER = ".genlock-export.json"

#: One row of the index.
Row: TypeAlias = Mapping[str, Any]


@dataclass
class Job:
    """One export: what it is made of, and where it goes."""

    dataset: Path
    """Folder of the dataset, absolute."""
    target: Path
    """Folder of the export, absolute; it exists."""
    rows: Sequence[Row]
    """The clips, by name; ``outputs`` of each are those that were asked for, by kind."""
    options: ExportOptions
    """As given."""
    progress: Progress = silent
    """Is told how many clips are done."""
    notes: list[str] = field(default_factory=list)
    """What whoever uses the export must know; one line each."""
    files: list[Path] = field(default_factory=list)
    """Every file of the export, relative to ``target``."""
    _done: int = 0
    _left_out: dict[str, str] = field(default_factory=dict)

    @property
    def kinds(self) -> list[str]:
        """The outputs that any clip has, sorted."""
        return sorted({made["kind"] for row in self.rows for made in row["outputs"]})

    def splits(self) -> Iterator[tuple[str, list[Row]]]:
        """The splits that have clips, with these."""
        for split in NAMES:
            rows = [row for row in self.rows if row["split"] == split]
            if rows:
                yield split, rows

    def output(self, row: Row, kind: str) -> Mapping[str, Any] | None:
        """The entry of one output of a clip; None if the clip has none."""
        return next((made for made in row["outputs"] if made["kind"] == kind), None)

    def bytes_of(self, made: Mapping[str, Any]) -> bytes:
        """The bytes of an output, checked against the index."""
        return read_output(self.dataset, made)

    def track(self, row: Row, kind: str) -> Track | None:
        """The Track of one output of a clip, checked; None if the clip has none."""
        made = self.output(row, kind)
        return None if made is None else track_of_output(made, self.bytes_of(made), str(row["clock"]))

    def leave_out(self, row: Row, reason: str) -> None:
        """Note that a clip is not in the export, for a reason that others share: ``no sound``."""
        self._left_out[str(row["clip"])] = reason

    @property
    def left_out(self) -> dict[str, int]:
        """How many clips were left out for each reason."""
        return dict(Counter(self._left_out.values()).most_common())

    @property
    def written(self) -> dict[str, int]:
        """How many clips of each split are in the export."""
        counts = {
            split: sum(str(row["clip"]) not in self._left_out for row in rows)
            for split, rows in self.splits()
        }
        return {split: count for split, count in counts.items() if count}

    def note_what_is_lacking(self) -> None:
        """Note for each output how many clips have none; for forms that take clips as they are."""
        for kind in self.kinds:
            without = sum(self.output(row, kind) is None for row in self.rows)
            if without:
                self.notes.append(f"{without} of {len(self.rows)} clips have no {kind}")

    def require_clips(self) -> None:
        """Raise InputError, with the reasons, if every clip was left out."""
        if not self.written:
            reasons = "; ".join(f"{reason} in {count}" for reason, count in self.left_out.items())
            raise InputError(
                f"nothing to export of the {len(self.rows)} clips of {str(self.dataset)!r}: {reasons}"
            )

    def put(self, name: str, write: Callable[[Path], None]) -> Path:
        """Have one file of the export written, unless an earlier run did; ``write`` must write atomically."""
        path = self.target / name
        if not path.is_file():
            write(path)
        self.files.append(Path(name))
        return path

    def tick(self) -> None:
        """One more clip is done."""
        self._done += 1
        self.progress("export", float(self._done), float(len(self.rows)))

    def text_of(self, row: Row) -> str | None:
        """What is said in a clip: its transcript, else its words."""
        return row["transcript"] or " ".join(word["text"] for word in row["words"] or ()) or None


#: Makes one form of export; the object that an entry point of :data:`EXPORTERS` names.
Exporter: TypeAlias = Callable[[Job], None]


@dataclass(frozen=True)
class Exported:
    """What an export gave."""

    folder: Path
    """Where it lies."""
    form: str
    """As in ``--to``."""
    clips: dict[str, int]
    """Number of clips that were written, by split."""
    files: int
    """Number of files."""
    bytes: int
    """Their length."""
    notes: tuple[str, ...] = ()
    """What whoever uses it must know."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Number of clips, and of sources in quarantine, that are not in it, by reason."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``folder``, ``form``, ``clips``, ``files``, ``bytes``, ``notes[]``, ``left_out``."""
        return {**asdict(self), "folder": printable(str(self.folder)), "notes": list(self.notes)}

    def __str__(self) -> str:
        counts = ", ".join(f"{split} {count}" for split, count in self.clips.items())
        size = f"{self.files} files, {self.bytes / 1e6:.1f} MB"
        first = f"{printable(str(self.folder))}: {self.form}, clips: {counts}; {size}"
        left = [f"left out {count} x {reason}" for reason, count in self.left_out.items()]
        return "\n".join([first, *left, *(f"- {note}" for note in self.notes)])


def export_dataset(
    dataset: str | Path, target: str | Path, options: ExportOptions | None = None, progress: Progress = silent
) -> Exported:
    """Write a prepared dataset in the form of another tool.

    Parameters
    ----------
    dataset : folder that ``genlock prepare`` made
    target : folder for the export: new, empty, or of an export of the same that was stopped

    Raises
    ------
    OptionError
        For an unknown form, or one that needs outputs that the dataset lacks; the message says which.
    InputError
        If no clip is left to export.
    FormatError
        If the dataset is damaged.
    OutputError
        If the folder holds something else, or cannot be written; what is whole stays, and the same command goes on.
    """
    options = options or ExportOptions()
    if options.to not in plugin_names(EXPORTERS):
        names = plugin_names(EXPORTERS)
        raise OptionError(
            f"--to {options.to!r} is unknown; there are: {', '.join(names)}{did_you_mean(options.to, names)}"
        )
    exporter: Exporter = load_plugin(EXPORTERS, options.to)
    place, folder = Path(dataset).resolve(), Path(target).resolve()
    rows, left_out = _rows(place, options)
    print_ = hashlib.sha256((place / "index.parquet").read_bytes())
    print_.update(json.dumps([asdict(options), str(place), __version__], sort_keys=True).encode())
    try:
        _claim(folder, print_.hexdigest(), options)
        job = Job(place, folder, rows, options, progress)
        try:
            exporter(job)
            job.require_clips()
        finally:
            _leave_nothing_empty(folder)
        sizes = [(folder / file).stat().st_size for file in job.files]
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"the export {str(target)!r} cannot be written: {error.strerror or error}"
        ) from error
    left_out = {**left_out, **job.left_out}
    return Exported(
        Path(target),
        options.to,
        job.written,
        len(sizes),
        sum(sizes),
        tuple(map(printable, job.notes)),
        left_out,
    )


def _rows(dataset: Path, options: ExportOptions) -> tuple[list[Row], dict[str, int]]:
    """The clips that an export is made of, and how many others there are for each reason."""
    listed = read_index(dataset / "index.parquet").to_pylist()
    left_out = Counter(f"in quarantine: {row['reason_kind']}" for row in listed if row["status"] != "done")
    found = [row for row in listed if row["status"] == "done"]
    there = sorted({made["kind"] for row in found for made in row["outputs"] or ()})
    wanted = (
        there
        if options.kinds is None
        else [kind.strip() for kind in options.kinds.split(",") if kind.strip()]
    )
    unknown = [kind for kind in wanted if kind not in there]
    if unknown or not wanted:
        raise OptionError(
            f"the dataset {str(dataset)!r} has no output {unknown[0] if unknown else options.kinds!r}; it has: "
            f"{', '.join(there)}"
        )
    rows: list[Row] = []
    for row in found:
        outputs = [made for made in row["outputs"] or () if made["kind"] in wanted]
        if not options.tails and row["tail"]:
            left_out["tail"] += 1
        elif not outputs:
            left_out["clip without the outputs that were asked for"] += 1
        else:
            rows.append({**row, "outputs": outputs})
    if not rows:
        raise InputError(
            f"no clip of {str(dataset)!r} has {', '.join(wanted)}: nothing to export"
            + "".join(f"; left out {count} x {reason}" for reason, count in left_out.items())
        )
    return rows, dict(left_out.most_common())


def _claim(folder: Path, fingerprint: str, options: ExportOptions) -> None:
    """Somebody's own folder, or the export of something else, is not written into."""
    marker = folder / _MARKER
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"cannot export to {str(folder)!r}: a file has that name; choose another with -o")
    if folder.is_dir() and any(folder.iterdir()):
        found: Mapping[str, Any] = {}
        if marker.is_file():
            try:
                found = read_json_file(marker)
            except FormatError:
                found = {}
        if found.get("fingerprint") != fingerprint:
            what = "the export of something else" if found else "not an export of genlock"
            raise OutputError(
                f"the folder {str(folder)!r} exists and is {what}; remove it or choose another with -o"
            )
        return
    write_json(marker, {"kind": "export", "to": options.to, "fingerprint": fingerprint})


def _leave_nothing_empty(folder: Path) -> None:
    """An export that failed before its first file leaves no folder."""
    if [path.name for path in folder.iterdir()] == [_MARKER]:
        (folder / _MARKER).unlink()
        folder.rmdir()


def in_groups(rows: Sequence[Row], most: int, overhead: int = 0) -> Iterator[list[Row]]:
    """Rows in turn, with at most so many bytes of outputs in a group, but at least one; decided by the index alone.

    ``overhead`` is what each output takes beside its own bytes.
    """
    held: list[Row] = []
    size = 0
    for row in rows:
        own = sum(made["bytes"] + overhead for made in row["outputs"])
        if held and size + own > most:
            yield held
            held, size = [], 0
        held.append(row)
        size += own
    if held:
        yield held


def first_instant(made: Mapping[str, Any]) -> Fraction:
    """The middle of the first cell of an output: of sound, the exact instant of sample 0."""
    return Grid(made["rate"], made["start"]).center(0)


def filled(track: Track) -> npt.NDArray[np.generic]:
    """The values, those that are invalid replaced by the nearest valid one (a tie: the earlier)."""
    there = np.flatnonzero(track.valid)
    cells = np.arange(len(track))
    after = np.clip(np.searchsorted(there, cells), 0, len(there) - 1)
    before = np.clip(after - 1, 0, None)
    nearer = np.abs(there[before] - cells) <= np.abs(there[after] - cells)
    chosen: npt.NDArray[np.generic] = track.values[there[np.where(nearer, before, after)]]
    return chosen
