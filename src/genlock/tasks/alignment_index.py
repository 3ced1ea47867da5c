"""One page and one table of many alignments: what is in step and what is not, the worst first."""

from __future__ import annotations

import base64
import csv
import html
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

import av
import numpy as np

from genlock.core.errors import GenlockError
from genlock.core.files import write_text
from genlock.core.json_forms import read_json_file
from genlock.lipsync.summary import known_by, mark_of
from genlock.media import ReadOptions, VideoCell, VideoForm, probe, read
from genlock.media.consumers import Tap
from genlock.media.opening import is_url
from genlock.tasks.written import is_ours, note_written

__all__ = ["AlignmentIndex", "still_of"]

PAGE, TABLE = "index.html", "summary.csv"
_MARKS = ("failed", "bad", "warn", "none", "good")  # the worst first
_FORM = Path(__file__).with_suffix(".html")
_STILL_SIDE = 240  # pixels of the longer side


@dataclass(frozen=True)
class _Row:
    """One film."""

    file: str
    """As it was named."""
    report: Path | None
    """Its report; None if there is none."""
    mark: str
    """One of :data:`_MARKS`."""
    sentence: str
    """Sound against picture, or why the film could not be done."""
    offset: float | None
    """In seconds; None: unknown."""
    probability: float | None
    """That it is right within 40 ms."""
    words: int
    """Words with a time."""
    all_words: int
    """All of its words."""
    seconds: float | None
    """How long it lasts."""
    text: str = ""
    """How what is said begins."""


@dataclass
class AlignmentIndex:
    """Rows of films, and where their page and table go."""

    folder: Path
    """Where the page and the table are written."""
    rows: list[_Row] = field(default_factory=list)
    """The films so far."""

    @classmethod
    def of_files(cls, named: Sequence[str], output: str | None) -> AlignmentIndex:
        """The index of what was named: in the folder of ``output``, else in the folder that holds all of it. Addresses,
        and files that share nothing but their disk, have theirs in the current folder.

        >>> AlignmentIndex.of_files(["films/a.mp4", "films/more/b.mp4"], None).folder
        PosixPath('films')
        """
        if output is not None:
            return cls(Path(output))
        local = [name for name in named if not is_url(name)]
        folders = [Path(name) if Path(name).is_dir() else Path(name).parent for name in local]
        return cls(_shared_folder(folders))

    @property
    def where(self) -> str:
        """What will be written, and where, in words."""
        folder = "the current folder" if self.folder == Path() else str(self.folder)
        return f"{PAGE} and {TABLE} of all go into {folder}"

    def add(self, file: str, folder: Path) -> None:
        """Add a film by its folder of results."""
        told = read_json_file(folder / "summary.json")
        sync, words = told.get("sync") or {}, told.get("words") or []
        known = known_by(sync)
        self.rows.append(
            _Row(
                file,
                folder / "report.html",
                mark_of(sync),
                str(sync.get("sentence") or "unknown"),
                sync.get("offset_seconds") if known else None,
                sync.get("probability") if known else None,
                sum(word.get("start") is not None for word in words),
                len(words),
                (told.get("media") or {}).get("duration_seconds"),
                " ".join(str(word.get("text", "")) for word in words[:14]),
            )
        )

    def add_failure(self, file: str, error: str) -> None:
        """Add a film that could not be done."""
        self.rows.append(_Row(file, None, "failed", error, None, None, 0, 0, None))

    def write(self) -> str | None:
        """Write the page and the table; what to say of them, None: nothing. Files of others stay, and that is said."""
        if not self.rows:
            return None
        rows = sorted(self.rows, key=lambda row: (_MARKS.index(row.mark), -abs(row.offset or 0.0), row.file))
        written, others = [], []
        for name, text in ((PAGE, self._page(rows)), (TABLE, self._table(rows))):
            place = self.folder / name
            if place.exists() and not is_ours(place):
                others.append(str(place))
                continue
            write_text(place, text)
            written.append(str(place))
        note_written(written)
        told = [f"all {len(rows)} in {' and '.join(written)}"] if written else []
        if others:
            told.append(f"{' and '.join(others)} stays: Genlock did not write it; -o FOLDER writes elsewhere")
        return "\n".join(told)

    def _relative(self, place: Path) -> str:
        try:
            return os.path.relpath(place, self.folder).replace(os.sep, "/")
        except ValueError:  # another drive
            return str(place)

    def _table(self, rows: Sequence[_Row]) -> str:
        out = io.StringIO()
        table = csv.writer(out, lineterminator="\n")
        table.writerow(
            [
                "file",
                "mark",
                "offset_ms",
                "probability",
                "sentence",
                "words",
                "all_words",
                "seconds",
                "report",
            ]
        )
        for row in rows:
            offset = "" if row.offset is None else f"{1000 * row.offset:.1f}"
            offset = "0.0" if offset == "-0.0" else offset
            sure = "" if row.probability is None else f"{row.probability:.3f}"
            report = "" if row.report is None else self._relative(row.report)
            lasts = "" if row.seconds is None else f"{row.seconds:.3f}"
            table.writerow(
                [row.file, row.mark, offset, sure, row.sentence, row.words, row.all_words, lasts, report]
            )
        return out.getvalue()

    def _page(self, rows: Sequence[_Row]) -> str:
        counts = {mark: sum(row.mark == mark for row in rows) for mark in _MARKS}
        said = {
            "failed": "could not be done", "bad": "out of step", "warn": "between", "none": "unknown",
            "good": "in step",
        }  # fmt: skip
        head = ", ".join(f"{count} {said[mark]}" for mark, count in counts.items() if count)
        items = "\n".join(self._item(row) for row in rows)
        return _FORM.read_text("utf-8").format(count=len(rows), head=html.escape(head), items=items)

    def _item(self, row: _Row) -> str:
        still = None if row.report is None else still_of(row.file)
        picture = (
            "<span class=no></span>"
            if still is None
            else f'<img alt="" loading=lazy src="data:image/jpeg;base64,{base64.b64encode(still).decode()}">'
        )
        name = html.escape(row.file)
        link = "" if row.report is None else f' href="{html.escape(quote(self._relative(row.report)))}"'
        words = f"{row.words} of {row.all_words} words" if row.all_words else ""
        return (
            f"<li><a{link}>{picture}</a><div><a{link}><b>{name}</b></a>"
            f'<p><i class="{row.mark}"></i>{html.escape(row.sentence)}</p>'
            f"<p class=quiet>{words}{' · ' if words and row.text else ''}{html.escape(row.text)}</p></div></li>"
        )


def _shared_folder(folders: Sequence[Path]) -> Path:
    """The deepest folder that holds all of these, as it was named where that is one of them; else the current one."""
    if not folders:
        return Path()
    try:
        common = Path(os.path.commonpath([os.path.abspath(folder) for folder in folders]))
    except ValueError:  # two drives
        return Path()
    if common == Path(common.anchor):
        return Path()
    return next((folder for folder in folders if Path(os.path.abspath(folder)) == common), _from_here(common))


def _from_here(folder: Path) -> Path:
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def still_of(file: str) -> bytes | None:
    """A small JPEG out of the first third of a film; None if it has no picture.

    >>> from genlock.testing import example_video
    >>> still_of(example_video())[:2].hex()
    'ffd8'
    """
    seen: list[Any] = []
    try:
        info = probe(file)
        picture = info.picture(None)
        if picture is None:
            return None
        start = picture.start or Fraction(0)
        at = start + (picture.duration or Fraction(0)) / 3
        form = VideoForm(pixels="rgb24", longest_side=_STILL_SIDE, as_seen=True)

        def take(cell: VideoCell) -> None:
            if not seen:
                seen.append(cell.pixels)

        read(file, [Tap(form, take)], ReadOptions(start=at, end=at + 1))
        return _jpeg(np.ascontiguousarray(seen[0])) if seen else None
    except GenlockError:
        return None  # a page without a picture is still a page


def _jpeg(rgb: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    height, width = (side - side % 2 for side in rgb.shape[:2])
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb[:height, :width]), "rgb24")
    coder: Any = av.CodecContext.create("mjpeg", "w")
    coder.width, coder.height, coder.pix_fmt = width, height, "yuvj420p"
    coder.time_base = Fraction(1, 25)
    frame = frame.reformat(format="yuvj420p")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*coder.encode(frame), *coder.encode(None)])
