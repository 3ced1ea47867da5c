"""Write streams of one or several files into one file, packet for packet, and name whatever does not fit in it."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av

from genlock.core.errors import GenlockError, InputError, OptionError, OutputError
from genlock.core.files import atomic_path, no_room
from genlock.core.one_line import one_line
from genlock.core.time import Exact, exact, fraction_text
from genlock.media.containers import require_one_file
from genlock.media.copy import CopiedStream, NoPlace, add_copied_stream, copy_packets
from genlock.media.encode import EDIT_LIST_CONTAINERS, movie_timescale, open_output
from genlock.media.inventory import Inventory, StreamRecord, kind_of, missing_in, take_inventory
from genlock.media.notes import NoteCounter
from genlock.media.opening import Source, locate, open_source, reason_of
from genlock.media.priming import read_priming
from genlock.media.streams import choose_picture, choose_sound, is_cover

__all__ = ["ADVICE", "Copy", "Job", "WriteReport", "mux"]

ADVICE = "its container may not take these streams: try .mkv"
_FAILURES = (av.FFmpegError, ValueError, RuntimeError)
_MATROSKA = frozenset({"matroska", "webm"})
_HOLD_COVERS = EDIT_LIST_CONTAINERS | {"matroska"}
_COVER_KINDS = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}
# Tags that MP4 and MOV have places of their own for; others need the free form, which fewer players read.
_MP4_TAGS = frozenset(
    {
        "title",
        "artist",
        "album",
        "album_artist",
        "composer",
        "date",
        "comment",
        "genre",
        "copyright",
        "track",
        "disc",
        "description",
        "synopsis",
        "show",
        "episode_id",
        "network",
        "lyrics",
        "grouping",
        "encoder",
        "creation_time",
        "major_brand",
        "minor_version",
        "compatible_brands",
        "media_type",
        "hd_video",
        "gapless_playback",
        "compilation",
        "rating",
        "season_number",
        "episode_sort",
        "sort_name",
    }
)


@dataclass(frozen=True)
class Copy:
    """One stream of one file, to be copied packet for packet."""

    source: Source
    """A file or a URL."""
    kind: Literal["video", "audio"]
    """Which kind of stream."""
    number: int | None = None
    """Number among the streams of that kind, from 0; None: the default one."""
    shift: Exact = 0
    """Seconds by which the stream is moved; positive: it plays later."""


@dataclass(frozen=True)
class WriteReport:
    """What was written, and how."""

    path: str
    """The file that was written."""
    video: str | None
    """``copied``, ``encoded`` or None (there is none)."""
    sound: str | None
    """``copied``, ``encoded`` or None."""
    zero: Fraction
    """The instant of the input's media clock that is 0 in the output (before what the muxer adds)."""
    shift: Fraction = Fraction(0)
    """By how much the sound was moved against the picture, as asked for, in exact seconds."""
    shift_made: Fraction | None = None
    """The same as it is in the output: containers round it. None where there is no picture or no sound."""
    notes: tuple[str, ...] = field(default=())
    """What else to know about how it was written."""
    left_out: tuple[str, ...] = field(default=())
    """Everything of the original that the copy does not hold, each with the reason."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, object]:
        """A JSON form."""
        return {
            "path": self.path,
            "video": self.video,
            "sound": self.sound,
            "zero": fraction_text(self.zero),
            "shift_seconds": float(self.shift),
            "shift_made_seconds": None if self.shift_made is None else float(self.shift_made),
            "notes": list(self.notes),
            "left_out": list(self.left_out),
        }

    def __str__(self) -> str:
        parts = [f"{kind} {how}" for kind, how in (("video", self.video), ("sound", self.sound)) if how]
        lines = [f"{self.path}: {', '.join(parts)}", *(f"- {note}" for note in self.notes)]
        return "\n".join([*lines, *(f"- {line}" for line in self.left_out)])


def mux(
    target: str | os.PathLike[str], copies: Sequence[Copy], *, metadata: Mapping[str, str] | None = None
) -> WriteReport:
    """Copy streams of one or several files into one file, each on its own media clock plus its shift.

    What belongs to the file of the first copy as a whole (chapters, attachments, covers and the tags that
    ``metadata`` does not name) comes too. Whatever else is in the files is named in the report.

    Parameters
    ----------
    target : its ending names the container
    copies : the streams, in the order in which they shall be in the file
    metadata : tags of the file

    Returns
    -------
    WriteReport
        ``left_out`` names what was not asked for, and what the container has no place for.

    Raises
    ------
    OutputError
        If the container takes none of a codec, or the file cannot be written.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from genlock.media import Picture, Sound, encode
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     encode(f"{folder}/v.mp4", Picture([np.zeros((32, 32), np.uint8)] * 25, codec="libx264"))
    ...     encode(f"{folder}/a.wav", sound=Sound(np.zeros(16000), 16000))
    ...     copies = [Copy(f"{folder}/v.mp4", "video"), Copy(f"{folder}/a.wav", "audio")]
    ...     report = mux(f"{folder}/both.mkv", copies)
    >>> report.video, report.sound
    ('copied', 'copied')
    """
    if not copies:
        raise OptionError("there is nothing to copy: give at least one stream")
    with atomic_path(target) as temporary, Job(temporary, target) as job:
        for number, copy in enumerate(copies):
            job.take(copy, attached=number == 0)
        left_out, notes = job.write(metadata), job.notes
    kinds = {copy.kind for copy in copies}
    return WriteReport(
        os.fspath(target),
        "copied" if "video" in kinds else None,
        "copied" if "audio" in kinds else None,
        Fraction(0),
        notes=tuple(notes),
        left_out=tuple(left_out),
    )


class Job:
    """One file that is written from streams of others: open it, say what goes into it, write.

    Parameters
    ----------
    temporary : where it is written
    target : the name that the user gave, for messages and for its ending
    """

    def __init__(self, temporary: Path, target: str | os.PathLike[str]) -> None:
        self.temporary, self.target = temporary, os.fspath(target)
        self.container = require_one_file(target)
        self.keep = ExitStack()
        self.lines: list[CopiedStream] = []
        self.opened: dict[Source, Any] = {}
        self.main: Source | None = None  # whose tags and chapters the file gets
        self.why: dict[tuple[Source, int], str] = {}
        self.covers: list[Any] = []
        self.chapters_move = Fraction(0)
        self.part: tuple[Fraction | None, Fraction | None] = (None, None)
        self.noted = NoteCounter()

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *_: object) -> None:
        self.keep.close()

    # ------------------------------------------------------------ what goes in

    def open(self, source: Source) -> Any:
        """The open container of a source; the same for every stream of it."""
        if source not in self.opened:
            self.opened[source] = self.keep.enter_context(open_source(locate(source)))
        return self.opened[source]

    def take(self, copy: Copy, attached: bool = False) -> CopiedStream:
        """Add one stream; with ``attached`` also what belongs to its file as a whole."""
        container, address = self.open(copy.source), locate(copy.source)
        self.main = self.main or copy.source
        choose = choose_picture if copy.kind == "video" else choose_sound
        stream = choose(container, copy.number, address)
        line = self.line(copy.source, stream, exact(copy.shift))
        self.lines.append(line)
        if attached:
            others = [s for s in container.streams if kind_of(s) in ("attachment", "cover")]
            self.lines += [CopiedStream(other) for other in others]
        return line

    def take_all(self, source: Source, moves: Mapping[int, Fraction], move: Fraction = Fraction(0)) -> None:
        """Add every stream of a source.

        Parameters
        ----------
        moves : seconds by which a stream of this number in the container is moved besides
        move : seconds by which all are moved
        """
        self.main, self.chapters_move = source, move
        for stream in self.open(source).streams:
            self.lines.append(self.line(source, stream, move + moves.get(stream.index, 0)))

    def replace(self, stream: Any, copy: Copy) -> None:
        """Take what was made of a stream in its place; tags and dispositions stay those of the stream."""
        number = next(k for k, line in enumerate(self.lines) if line.stream is stream)
        choose = choose_picture if copy.kind == "video" else choose_sound
        made = choose(self.open(copy.source), copy.number, locate(copy.source))
        self.lines[number] = self.line(copy.source, made, exact(copy.shift))
        self.lines[number].like = stream

    def line(self, source: Source, stream: Any, move: Fraction) -> CopiedStream:
        """One stream on its way; what its media clock subtracts from its stamps is in the move."""
        back = _clock_shift(source, stream) if stream.type == "audio" else Fraction(0)
        return CopiedStream(stream, move=move - back)

    # ------------------------------------------------------------ writing

    def write(self, metadata: Mapping[str, str] | None = None) -> list[str]:
        """Write the file; what of the main source it does not hold, a line each.

        Raises
        ------
        OutputError
            If no picture or no sound of those that were asked for fits in, or writing fails.
        """
        self._find_places()
        for tag in (True, False):
            try:
                self._write(metadata, tag)
                break
            except _TagRefused:
                continue
            except _FAILURES as error:
                if isinstance(error, GenlockError) or no_room(error):
                    raise
                raise OutputError(f"cannot write {self.target!r} ({reason_of(error)}); {ADVICE}") from error
        return self._compare(metadata)

    def _find_places(self) -> None:
        """Sort out the streams that the container has no place for."""
        kept = []
        for line in self.lines:
            reason = self._no_place_for(line)
            if reason is None:
                kept.append(line)
            elif _is_readable(line.stream):
                raise OutputError(f"cannot write {self.target!r} ({reason}); {ADVICE}")
            else:
                self.why[self._source_of(line.stream), line.stream.index] = reason
        self.covers = [line.stream for line in kept if self._is_attached_cover(line)]
        self.lines = [line for line in kept if not self._is_attached_cover(line)]

    def _is_attached_cover(self, line: CopiedStream) -> bool:
        return is_cover(line.stream) and self.container in _MATROSKA

    def _no_place_for(self, line: CopiedStream) -> str | None:
        """Why the container does not take a stream, as the muxer itself says when it is asked; None: it does."""
        stream, kind = line.stream, kind_of(line.stream)
        none = f"{Path(self.target).suffix} has no place for"
        if kind == "cover":
            return None if self.container in _HOLD_COVERS else f"{none} covers"
        if kind == "attachment" and self.container != "matroska":
            return f"{none} attachments"
        if kind == "data" and _is_chapter_track(stream) and self.container in EDIT_LIST_CONTAINERS:
            return "the chapters were written anew"
        if stream.type in ("video", "audio") and stream.codec_context is None:
            return "no decoder for it is known"
        trial = CopiedStream(stream)
        try:
            with av.open(io.BytesIO(), "w", format=self.container) as output:
                add_copied_stream(output, trial, tag=False)
                output.start_encoding()
                if kind == "data":
                    packet = av.Packet(bytes(8))
                    packet.pts = packet.dts = 0
                    packet.time_base, packet.stream = trial.out.time_base, trial.out
                    output.mux_one(packet)
        except _FAILURES as error:
            said = f": {error}" if isinstance(error, NoPlace) else ""
            return f"{none} {'this ' if kind in ('video', 'audio') else ''}{kind} of this kind{said}"
        return None

    def _write(self, metadata: Mapping[str, str] | None, tag: bool) -> None:
        with open_output(self.temporary, self.container, self._options(metadata)) as output:
            for line in self.lines:
                add_copied_stream(output, line, tag=tag)
            for number, cover in enumerate(self.covers):
                _attach_cover(output, cover, number, self._source_of(cover))
            output.metadata.update(self._tags(metadata))
            output.set_chapters(self._chapters())
            try:
                output.start_encoding()
            except _FAILURES as error:
                if tag:
                    raise _TagRefused from error
                raise
            self.noted = NoteCounter()
            streams = [line for line in self.lines if line.stream.type != "attachment"]
            copy_packets(output, streams, noted=self.noted)

    @property
    def notes(self) -> list[str]:
        """What was set right on the way, once the file is written."""
        return [str(note) for note in self.noted.notes]

    def _tags(self, metadata: Mapping[str, str] | None) -> dict[str, str]:
        own = dict(self.open(self.main).metadata) if self.main is not None else {}
        return {**own, **(metadata or {})}

    def _chapters(self) -> list[Any]:
        """The chapters, moved; of a part, those that overlap it."""
        found = []
        for each in self.open(self.main).chapters() if self.main is not None else ():
            base, (first, stop) = each["time_base"], self.part
            start, end = each["start"] * base, each["end"] * base
            start = start if first is None else max(start, first)
            end = end if stop is None else min(end, stop)
            if end <= start and self.part != (None, None):
                continue
            ticks = [int((at + self.chapters_move) / base) for at in (start, end)]
            found.append({**each, "start": max(0, ticks[0]), "end": ticks[1]})
        return found

    def _options(self, metadata: Mapping[str, str] | None) -> dict[str, str]:
        if self.container in EDIT_LIST_CONTAINERS:
            # MP4 counts how late a stream starts in units that FFmpeg sets to 1 ms: take finer ones.
            bases = [line.stream.time_base for line in self.lines if line.stream.time_base]
            options = {"movie_timescale": movie_timescale(*bases), "use_editlist": "1"}
            free = {key.lower() for key in self._tags(metadata)} - _MP4_TAGS
            if free and not any(is_cover(line.stream) for line in self.lines):
                options["movflags"] = "use_metadata_tags"
            return options
        if self.container in _MATROSKA:
            return {"avoid_negative_ts": "disabled"}  # the picture stays where it was
        return {}

    def _compare(self, metadata: Mapping[str, str] | None) -> list[str]:
        """What the file does not hold; some muxers take any stream and write it so that nothing can read it."""
        after = self._read_back()
        lines = []
        for source in self._sources():
            with open_source(locate(source)) as container:  # anew: the other one is at its end
                before = take_inventory(container)
            main = source == self.main
            if main:
                named = {key.lower() for key in metadata or {}}
                before = replace(before, tags={k: v for k, v in before.tags.items() if k not in named})
                before = replace(before, streams=tuple(self._without_changed(r) for r in before.streams))
            why = {record.index: "it was not asked for" for record in before.streams}
            why |= {index: reason for (of, index), reason in self.why.items() if of == source}
            places = self._places(source, after)
            found = missing_in(after, before, places, why, chapters=main and self.part == (None, None))
            lines += found if main else [f"{Path(os.fsdecode(source)).name}: {line}" for line in found]
        return lines

    def _without_changed(self, record: StreamRecord) -> StreamRecord:
        """What the main source says about a stream, without the tags that were changed on purpose."""
        container = self.opened[self.main] if self.main is not None else None
        for line in self.lines:
            stream = line.like or line.stream
            if stream.container is container and stream.index == record.index:
                changed = {key.lower() for key in line.tags}
                kept = {key: value for key, value in record.tags.items() if key not in changed}
                return replace(record, tags=kept)
        return record

    def _sources(self) -> list[Source]:
        """The files that the user named; not those that were made of their streams on the way."""
        made = {id(line.stream.container) for line in self.lines if line.like is not None}
        return [source for source, container in self.opened.items() if id(container) not in made]

    def _read_back(self) -> Inventory:
        try:
            with open_source(locate(self.temporary)) as container:
                after = take_inventory(container)
        except InputError as error:
            raise OutputError(
                f"cannot write {self.target!r}: what was written cannot be read back; {ADVICE}"
            ) from error
        for kind in ("video", "audio"):
            wanted = sum(kind_of(line.stream) == kind for line in self.lines)
            if sum(record.kind == kind for record in after.streams) != wanted:
                raise OutputError(
                    f"cannot write {self.target!r}: its container does not keep this {kind}; {ADVICE}"
                )
        return after

    def _places(self, source: Source, after: Inventory) -> dict[int, int]:
        """Number of each stream of a source to its number in what was written: of each kind in order."""
        places: dict[int, int] = {}
        for kind in {record.kind for record in after.streams}:
            made = [record.index for record in after.streams if record.kind == kind]
            lines = [line.like or line.stream for line in self.lines if kind_of(line.stream) == kind]
            lines += self.covers if kind == "cover" else []
            for stream, place in zip(lines, made, strict=False):
                if stream.container is self.opened[source]:
                    places[stream.index] = place
        return places

    def _source_of(self, stream: Any) -> Source:
        return next(source for source, container in self.opened.items() if container is stream.container)


class _TagRefused(Exception):
    """The muxer refuses a codec tag."""


def _is_readable(stream: Any) -> bool:
    """Whether it is a picture or a sound that can be decoded: a file without one of those is not written."""
    return stream.type in ("video", "audio") and stream.codec_context is not None and not is_cover(stream)


def _is_chapter_track(stream: Any) -> bool:
    """QuickTime's chapters are a track of text, which FFmpeg shows as a data stream besides the chapters."""
    return bool(stream.container.chapters()) and "mp4" in stream.container.format.name


def _attach_cover(output: Any, cover: Any, number: int, source: Source) -> None:
    with open_source(locate(source)) as again:
        data = next((bytes(p) for p in again.demux(again.streams[cover.index]) if p.size), b"")
    name, mime = _COVER_KINDS.get(cover.codec_context.name, (f"cover.{cover.codec_context.name}", "image"))
    name = cover.metadata.get("filename", name if not number else f"{number}-{name}")
    made = output.add_attachment(name, cover.metadata.get("mimetype", mime), data)
    made.metadata.update({key: value for key, value in cover.metadata.items() if key != "mimetype"})


def _clock_shift(source: Source, stream: Any) -> Fraction:
    """What the media clock of a sound stream subtracts from its stamps (the delay of an MP3)."""
    container = stream.container
    if container.format.name != "mp3" and "iTunSMPB" not in container.metadata:
        return Fraction(0)
    with open_source(locate(source)) as again:
        of = again.streams[stream.index]
        for packet in again.demux(of):
            if packet.size:
                return read_priming(packet, of.codec_context.sample_rate, again).shift
    return Fraction(0)
