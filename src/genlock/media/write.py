"""Write media without touching what need not change: copy streams together, cut out a part, move the sound.

A copied packet keeps its bytes; only its time stamps are written anew, on the media clock of its file (so the
encoder delay that an MP3 states, say, is in them). What a container cannot hold is said in the report, or
done by encoding the sound again, which the report says too.
"""

from __future__ import annotations

import heapq
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np

from genlock.core.errors import InputError, NoStream, OptionError, OutputError
from genlock.core.files import atomic_path
from genlock.core.grid import Grid, Ticks
from genlock.core.time import Exact, exact, fraction_text, round_fraction
from genlock.media.consumers import AudioBlock, AudioForm, VideoForm
from genlock.media.encode import Picture, Sound, encode
from genlock.media.opening import Source, locate, open_source, reason_of
from genlock.media.priming import read_priming
from genlock.media.probe import MediaInfo, VideoInfo, probe
from genlock.media.read import ReadOptions, frame_cells, read, read_frames
from genlock.media.scan import scan
from genlock.media.streams import choose_picture, choose_sound

__all__ = ["Copy", "Picture", "Sound", "WriteReport", "encode", "mux", "retime", "trim"]

_FAILURES = (av.FFmpegError, ValueError, RuntimeError)
# Containers that can say that a stream begins later than another; of AVI, raw streams and files of sound only
# one thing is known: sample 0 and frame 0 are simultaneous.
_CARRY_STARTS = frozenset(
    {"mp4", "mov", "ipod", "3gp", "3g2", "psp", "matroska", "webm", "mpegts", "mpeg", "vob", "flv", "nut"}
)
_EDIT_LISTS = frozenset({"mp4", "mov", "ipod", "3gp", "3g2", "psp"})
_ADVICE = "its container may not take these streams: try .mkv"
_FINEST_TIMESCALE = 14_112_000
# For a container that must have its streams encoded again: sound lossless where it takes that, and a file to
# hold it.
_SOUND_CODECS = {
    "avi": "pcm_s16le",
    "mov": "pcm_s16le",
    "wav": "pcm_s16le",
    "matroska": "flac",
    "flac": "flac",
    "webm": "libopus",
    "ogg": "libopus",
    "opus": "libopus",
    "mp3": "libmp3lame",
    "mpeg": "mp2",
    "vob": "mp2",
}
_SOUND_FILES = {
    "pcm_s16le": ".wav",
    "flac": ".flac",
    "libopus": ".ogg",
    "libmp3lame": ".mp3",
    "mp2": ".mp2",
    "aac": ".m4a",
}
_PICTURE_CODECS: dict[str, tuple[str, dict[str, str]]] = {
    "avi": ("mpeg4", {"qmin": "2", "qmax": "2"}),
    "webm": ("libvpx-vp9", {"crf": "12", "b": "0", "cpu-used": "4"}),
    "mpeg": ("mpeg2video", {"qmin": "2", "qmax": "2"}),
    "vob": ("mpeg2video", {"qmin": "2", "qmax": "2"}),
}
_PREROLL_PACKETS_SECONDS = Fraction(1, 4)  # sound before a cut that the decoder needs to settle


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
    """The same as probed in the output: containers round it. None where there is no picture or no sound."""
    notes: tuple[str, ...] = field(default=())
    """What could not be kept."""

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
        }

    def __str__(self) -> str:
        parts = [f"{kind} {how}" for kind, how in (("video", self.video), ("sound", self.sound)) if how]
        return "\n".join([f"{self.path}: {', '.join(parts)}", *(f"- {note}" for note in self.notes)])


# ---------------------------------------------------------------- mux


def mux(
    target: str | os.PathLike[str], copies: Sequence[Copy], *, metadata: Mapping[str, str] | None = None
) -> WriteReport:
    """Copy streams of one or several files into one file, each on its own media clock plus its shift.

    Parameters
    ----------
    target : its ending names the container
    copies : the streams, in the order in which they shall be in the file
    metadata : tags of the file

    Raises
    ------
    OutputError
        If the container takes none of a codec, or the file cannot be written.

    Examples
    --------
    >>> import tempfile, numpy as np
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
    with atomic_path(target) as temporary:
        _mux(temporary, [_Line(copy) for copy in copies], dict(metadata or {}), str(target))
    kinds = {copy.kind for copy in copies}
    return WriteReport(
        os.fspath(target),
        "copied" if "video" in kinds else None,
        "copied" if "audio" in kinds else None,
        Fraction(0),
    )


@dataclass
class _Line:
    """One stream on its way from an input to the output."""

    copy: Copy
    first: Fraction | None = None
    """Leave out packets that end before this instant (of a picture, before the key frame before it)."""
    stop: Fraction | None = None
    """Leave out packets that are shown from this instant on."""
    hidden: bool = True
    """Keep packets before ``first`` that others need; the container hides them."""

    stream: Any = None
    out: Any = None
    back: Fraction = Fraction(0)
    latest: int | None = None

    def open(self, stack: ExitStack) -> None:
        """Open the input and read what its clock needs."""
        address = locate(self.copy.source)
        container = stack.enter_context(open_source(address))
        choose = choose_picture if self.copy.kind == "video" else choose_sound
        self.stream = choose(container, self.copy.number, address)
        self.back = _clock_shift(self.copy) if self.copy.kind == "audio" else Fraction(0)
        self.container = container

    def packets(self) -> Iterator[Any]:
        """The packets to copy, in the order of the input."""
        for packet in self.container.demux(self.stream):
            if packet.size:
                yield packet

    def instant(self, packet: Any) -> Fraction:
        """When the packet is to be decoded, on the output's clock."""
        stamp = packet.dts if packet.dts is not None else packet.pts
        return Fraction((stamp or 0) * packet.time_base) - self.back + exact(self.copy.shift)

    def send(self, packet: Any, output: Any) -> None:
        """Stamp a packet for the output and hand it over."""
        base = self.out.time_base
        move = exact(self.copy.shift) - self.back
        for name in ("pts", "dts"):
            stamp = getattr(packet, name)
            if stamp is not None:
                setattr(packet, name, round_fraction((stamp * packet.time_base + move) / base, "nearest"))
        packet.duration = round_fraction((packet.duration or 0) * packet.time_base / base, "nearest")
        packet.time_base = base
        packet.stream = self.out
        if self.copy.kind == "video" and output.format.name == "avi" and packet.pts is not None:
            if self.latest is not None and packet.pts < self.latest:
                raise OutputError(
                    "AVI cannot say when frames that are stored out of order are shown; write .mkv"
                )
            self.latest = packet.pts
        output.mux_one(packet)


def _clock_shift(copy: Copy) -> Fraction:
    """What the media clock of a sound stream subtracts from its stamps (the delay of an MP3)."""
    address = locate(copy.source)
    with open_source(address) as container:
        stream = choose_sound(container, copy.number, address)
        for packet in container.demux(stream):
            if packet.size:
                return read_priming(packet, stream.codec_context.sample_rate, container).shift
    return Fraction(0)


def _mux(temporary: Path, lines: list[_Line], metadata: dict[str, str], target: str) -> None:
    with ExitStack() as stack:
        for line in lines:
            line.open(stack)
        options = _muxer_options(temporary, lines)
        try:
            with av.open(f"file:{temporary}", "w", container_options=options) as output:
                output.metadata.update(metadata)
                for line in lines:
                    line.out = _copy_stream(output, line.stream)
                output.start_encoding()
                queues = [_keyed(line, number) for number, line in enumerate(lines)]
                for _, _, packet, line in heapq.merge(*queues, key=lambda item: item[:2]):
                    line.send(packet, output)
        except _FAILURES as error:
            if isinstance(error, InputError):
                raise
            raise OutputError(f"cannot write {target!r} ({reason_of(error)}); {_ADVICE}") from error
    _check_kept(temporary, lines, target)


def _check_kept(temporary: Path, lines: list[_Line], target: str) -> None:
    """Some muxers take any stream and write it in a way that nothing can read back."""
    try:
        made = probe(temporary, whole=False)
    except InputError as error:
        raise OutputError(
            f"cannot write {target!r}: what was written cannot be read back; {_ADVICE}"
        ) from error
    for kind, streams in (("video", made.video), ("audio", made.audio)):
        if len(streams) != sum(line.copy.kind == kind for line in lines):
            raise OutputError(f"cannot write {target!r}: its container does not keep this {kind}; {_ADVICE}")


def _keyed(line: _Line, number: int) -> Iterator[tuple[Fraction, int, Any, _Line]]:
    for packet in _chosen(line):
        yield line.instant(packet), number, packet, line


def _chosen(line: _Line) -> Iterator[Any]:
    """The packets of a part: from the key frame (or the preroll) before ``first`` to ``stop``."""
    if line.first is None and line.stop is None:
        yield from line.packets()
        return
    held: list[Any] = []
    begun = line.first is None
    for packet in line.packets():
        at = (packet.pts if packet.pts is not None else packet.dts or 0) * packet.time_base - line.back
        if not begun and line.first is not None:
            held = _hold(held, packet, at, line)
            end = at + (packet.duration or 0) * packet.time_base
            begun = at >= line.first or (line.copy.kind == "audio" and end > line.first)
            if begun:
                yield from held
            continue
        if (line.stop is None or at < line.stop) and (line.hidden or line.first is None or at >= line.first):
            yield packet


def _hold(held: list[Any], packet: Any, at: Fraction, line: _Line) -> list[Any]:
    """Packets that may be needed: since the last key frame at or before the cut, or within the preroll."""
    assert line.first is not None
    if line.copy.kind == "video":
        return [packet] if packet.is_keyframe and at <= line.first else [*held, packet]
    early = line.first - _PREROLL_PACKETS_SECONDS
    kept = [p for p in held if (p.pts or 0) * p.time_base - line.back >= early]
    return [*kept, packet]


def _copy_stream(output: Any, stream: Any) -> Any:
    made = output.add_stream_from_template(stream, opaque=True)
    made.time_base = stream.time_base
    for key in ("language", "timecode", "title"):
        if key in stream.metadata:
            made.metadata[key] = stream.metadata[key]
    return made


def _muxer_options(temporary: Path, lines: list[_Line]) -> dict[str, str]:
    """MP4 counts how late a stream starts in units that FFmpeg sets to 1 ms: take finer ones."""
    if _container_of(temporary) not in _EDIT_LISTS:
        return {}
    scale = 1
    for line in lines:
        finer = math.lcm(scale, line.stream.time_base.denominator)
        scale = finer if finer <= _FINEST_TIMESCALE else scale
    return {"movie_timescale": str(max(scale, 1000)), "use_editlist": "1"}


def _container_of(path: Path) -> str:
    """FFmpeg's name of the container that a path's ending means."""
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            av.open(f"file:{folder}/probe{path.suffix}", "w") as container,
        ):
            return str(container.format.name)
    except _FAILURES:
        raise OutputError(
            f"{str(path)!r}: the ending {path.suffix!r} names no container; use .mp4, .mkv, .mov or .webm"
        ) from None


# ---------------------------------------------------------------- retime


def retime(source: Source, target: str | os.PathLike[str], shift: Exact) -> WriteReport:
    """Move the sound against the picture; positive: the sound plays later.

    All packets are copied; only the time stamps of the sound change, by the shift rounded to the container's
    ticks (1 ms in Matroska and FLV, a sample in MP4). A container that cannot say that a stream starts late
    (AVI) gets its sound cut or padded to the sample and encoded again, losslessly where it takes that. Sound
    that would begin before the picture of an MP4 is hidden up to the picture's start by an edit list.

    Parameters
    ----------
    source : a file or URL with picture and sound
    target : the file to write; its ending names the container
    shift : seconds to add to the sound's time stamps; give a measured offset (positive: sound early) as it is

    Raises
    ------
    NoStream
        If there is no picture or no sound.
    """
    by = exact(shift)
    before = probe(source)
    _require_both(before, "nothing can be in step with something else")
    with atomic_path(target) as temporary:
        notes = _lost_streams(before)
        if _container_of(Path(target)) in _CARRY_STARTS:
            _mux(temporary, _all_lines(source, before, by), {}, str(target))
            how = "copied"
        else:
            how = "encoded"
            notes.append(
                f"{Path(target).suffix} cannot say that the sound starts late or early: the sound was cut "
                "to the sample and encoded again"
            )
            _retime_by_cutting(source, temporary, before, by, str(target))
        made = (
            _sound_end_beside_picture(temporary) - _sound_end_beside_picture(source)
            if how == "copied"
            else by
        )
    return WriteReport(os.fspath(target), "copied", how, Fraction(0), by, made, tuple(notes))


def _require_both(info: MediaInfo, why: str) -> None:
    for kind, streams in (("picture", info.video), ("sound", info.audio)):
        if not streams:
            raise NoStream(f"{info.path!r} has no {kind}: {why}")


def _lost_streams(info: MediaInfo) -> list[str]:
    lost = [
        s
        for s in info.streams
        if s.kind not in ("video", "audio") or (isinstance(s, VideoInfo) and s.attached_picture)
    ]
    return [f"stream {s.index} ({s.kind}) was left out" for s in lost]


def _all_lines(source: Source, info: MediaInfo, by: Fraction) -> list[_Line]:
    pictures = [_Line(Copy(source, "video", s.number)) for s in info.video]
    return pictures + [_Line(Copy(source, "audio", s.number, by)) for s in info.audio]


def _sound_end_beside_picture(source: Source) -> Fraction:
    """Instant of the last packet of sound less that of the first frame.

    The *first* packet tells less: a stream that is moved may show its priming, or have its beginning hidden.
    """
    address = locate(source)
    with open_source(address) as container:
        picture, sound = choose_picture(container, None, address), choose_sound(container, None, address)
        found = scan(container, [picture, sound])
        last, shift = found[sound.index].last, found[sound.index].priming
        assert last is not None
        first = int(found[picture.index].stamps()[0]) * picture.time_base
        return Fraction(last * sound.time_base - (shift.shift if shift is not None else 0) - first)


def _retime_by_cutting(source: Source, temporary: Path, info: MediaInfo, by: Fraction, target: str) -> None:
    zero = info.video[0].start or Fraction(0)
    with _sound_file(source, temporary, zero - by, None) as cut:
        _mux(temporary, [_Line(Copy(source, "video", shift=-zero)), _Line(Copy(cut, "audio"))], {}, target)


# ---------------------------------------------------------------- trim


def trim(source: Source, target: str | os.PathLike[str], start: Exact, end: Exact) -> WriteReport:
    """Cut out a part of a file, exactly.

    The part begins with the frame that is on show at ``start`` (without a picture, with the first sample at
    or after it), and its clock's zero is that frame's first instant: ``zero`` of the report says which
    instant that is. It holds the frames that begin before ``end``.

    The picture is copied if it can be: if no frame of the part needs one that lies behind it, and if the part
    begins with a key frame or the container is MP4 or MOV, where an edit list hides what lies before. Else it
    is encoded again (H.264, nearly lossless). The sound is copied where an edit list can hide its beginning;
    else it is cut to the sample and encoded again (losslessly in Matroska, AVI, WAV and FLAC).

    Parameters
    ----------
    start, end : seconds on the media clock

    Raises
    ------
    OptionError
        If the part is empty.
    """
    options = ReadOptions(start=start, end=end)
    low, high = exact(start), exact(end)
    info = probe(source)
    zero = _zero_of_part(source, info, options, low)
    hides = _container_of(Path(target)) in _EDIT_LISTS
    notes = _lost_streams(info)
    with atomic_path(target) as temporary, ExitStack() as stack:
        lines: list[_Line] = []
        copied = bool(info.video) and _can_copy_picture(source, zero, high, hides)
        if copied:
            lines.append(_Line(Copy(source, "video", shift=-zero), zero, high, hides))
        elif info.video:
            lines.append(_Line(stack.enter_context(_picture_file(source, temporary, zero, high))))
        if info.audio and hides:
            lines.append(_Line(Copy(source, "audio", shift=-zero), zero, high))
            notes.append("an edit list hides what lies before the part; its sound ends with a whole packet")
        elif info.audio:
            lines.append(
                _Line(Copy(stack.enter_context(_sound_file(source, temporary, zero, high)), "audio"))
            )
        _mux(temporary, lines, {}, str(target))
    video = ("copied" if copied else "encoded") if info.video else None
    sound = ("copied" if hides else "encoded") if info.audio else None
    return WriteReport(os.fspath(target), video, sound, zero, notes=tuple(notes))


def _zero_of_part(source: Source, info: MediaInfo, options: ReadOptions, low: Fraction) -> Fraction:
    if info.video:
        cells, _ = frame_cells(source, options)
        return cells.edge(0)
    if not info.audio:
        raise NoStream(f"{info.path!r} has neither picture nor sound: there is nothing to cut")
    origin, rate = info.audio[0].start or Fraction(0), info.audio[0].rate
    return max(origin, origin + Fraction(math.ceil((low - origin) * rate)) / rate)


def _can_copy_picture(source: Source, zero: Fraction, high: Fraction, hides: bool) -> bool:
    """Does the part begin with a key frame (or may one be hidden), and need nothing stored behind its end?"""
    address = locate(source)
    with open_source(address) as container:
        stream = choose_picture(container, None, address)
        begins, behind = hides, False
        for packet in container.demux(stream):
            if not packet.size:
                continue
            if packet.pts is None:
                return False
            at = packet.pts * packet.time_base
            begins = begins or (at == zero and packet.is_keyframe)
            if zero <= at < high and (behind or not begins):
                return False
            behind = behind or at >= high
    return begins


@contextmanager
def _picture_file(source: Source, beside: Path, zero: Fraction, high: Fraction) -> Iterator[Copy]:
    """The frames of a part, encoded nearly losslessly at their own times, in a file that goes away again."""
    part = ReadOptions(start=zero, end=high, upright=False)
    cells, _ = frame_cells(source, part)
    codec, options = _PICTURE_CODECS.get(_container_of(beside), ("libx264", {"crf": "10", "preset": "fast"}))
    timing: dict[str, Any] = {"rate": cells.rate} if isinstance(cells, Grid) else _timing_of(cells, zero)
    form = VideoForm()
    first = next(read_frames(source, form, part)).pixels
    even = all(side % 2 == 0 for side in first.shape[:2])
    frames = (cell.pixels for cell in read_frames(source, form, part))
    with tempfile.TemporaryDirectory(prefix=".genlock-", dir=beside.parent) as folder:
        clip = Path(folder) / "picture.nut"  # keeps any time base exactly
        encode(
            clip,
            Picture(frames, codec=codec, pixels="yuv420p" if even else "yuv444p", options=options, **timing),
        )
        began = probe(clip).video[0].start or Fraction(0)  # muxers without negative times move all of it
        yield Copy(clip, "video", shift=-began)


def _timing_of(ticks: Ticks, zero: Fraction) -> dict[str, Any]:
    """Stamps of a variable rate, counted from the part's zero."""
    moved = ticks.shifted(-zero)
    length = len(moved)
    rate = length / (moved.edge(length) - moved.edge(0))
    return {"rate": rate.limit_denominator(1001), "pts": moved.pts.tolist(), "time_base": moved.time_base}


class _SoundFile:
    """A consumer that writes sound to a file as it comes, from a stated instant on."""

    def __init__(self, path: Path, zero: Fraction, codec: str) -> None:
        self.path, self.zero, self.codec = path, zero, codec
        self.form = AudioForm(48000 if codec == "libopus" else None, None)
        self.output: Any = None
        self.stream: Any = None
        self.position = 0

    def push(self, block: AudioBlock) -> None:
        if self.output is None:
            self._open(block)
        at = round_fraction((block.start - self.zero) * block.rate, "nearest")
        if at > self.position:  # the sound begins after the picture: silence up to it
            self._encode(np.zeros((at - self.position, block.samples.shape[1]), np.float32), block.rate)
        self._encode(block.samples[max(0, self.position - at) :], block.rate)

    def _open(self, block: AudioBlock) -> None:
        self.output = av.open(f"file:{self.path}", "w")
        self.stream = self.output.add_stream(self.codec, rate=block.rate)
        channels = block.samples.shape[1]
        self.layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}.get(channels, f"{channels}c")
        self.stream.layout = self.layout

    def _encode(self, samples: Any, rate: int) -> None:
        for first in range(0, len(samples), 65536):
            part = np.ascontiguousarray(samples[first : first + 65536])
            frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), format="flt", layout=self.layout)
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), self.position
            self.output.mux(self.stream.encode(frame))
            self.position += len(part)

    def finish(self) -> None:
        if self.output is not None:
            self.output.mux(self.stream.encode(None))
            self.close()

    def close(self) -> None:
        """Close the file, also after a failure."""
        if self.output is not None:
            self.output.close()
            self.output = None


@contextmanager
def _sound_file(source: Source, beside: Path, zero: Fraction, high: Fraction | None) -> Iterator[Path]:
    """The sound from an instant on, cut to the sample and encoded again, in a file that goes away again."""
    codec = _SOUND_CODECS.get(_container_of(beside), "aac")
    with tempfile.TemporaryDirectory(prefix=".genlock-", dir=beside.parent) as folder:
        path = Path(folder) / f"sound{_SOUND_FILES[codec]}"
        writer = _SoundFile(path, zero, codec)
        try:
            read(source, [writer], ReadOptions(start=zero, end=high))
        finally:
            writer.close()
        yield path
