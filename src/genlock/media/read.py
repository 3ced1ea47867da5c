"""Read sound and picture in one pass over a file, on its media clock, with bounded memory.

The media clock is presentation time, ``pts x time_base`` after edit lists, less the encoder delay that a
stream states (:mod:`genlock.media.priming`). It is never shifted to zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import av
import numpy as np

from genlock.core.errors import MediaError, OptionError
from genlock.core.grid import Cells, Grid
from genlock.core.one_line import one_line
from genlock.core.spans import Spans
from genlock.core.time import Exact, clock_seconds, exact
from genlock.core.track import Track
from genlock.media.consumers import (
    AudioBlock,
    AudioForm,
    Consumer,
    Form,
    FrameTimes,
    PacketForm,
    VideoCell,
    VideoForm,
)
from genlock.media.demux import packets_of
from genlock.media.frame_rate import Cadence, cadence_of
from genlock.media.notes import Note, NoteCounter
from genlock.media.opening import Address, Source, locate, open_source, reason_of
from genlock.media.picture import PictureTimeline
from genlock.media.priming import Priming, read_priming
from genlock.media.probe import MediaInfo
from genlock.media.scan import scan
from genlock.media.seek_check import Landing, SeekedTooFar
from genlock.media.sound import SoundTimeline
from genlock.media.streams import choose_picture, choose_sound, prepare_decoder, stated_rates

__all__ = [
    "Progress",
    "ReadOptions",
    "ReadReport",
    "can_seek",
    "frame_cells",
    "read",
    "read_audio",
    "read_frames",
]

#: Told how far a read is: seconds done, seconds in all (None where the file does not say).
Progress: TypeAlias = Callable[[float, float | None], None]

# What PyAV may raise while it reads or decodes a damaged file.
_FAILURES = (av.FFmpegError, OSError, ValueError, RuntimeError, MemoryError)
_PREROLL = Fraction(1)  # seconds before what is needed to which a first seek goes
_TOLD_EVERY = 8  # packets from one word of progress to the next
_NEAR_THE_BEGINNING = 4  # seconds: to here a seek is not worth it
_SETTLING = Fraction(1, 2)  # seconds of sound after which a decoder's bit reservoir and overlap have settled
# Containers whose time stamps are as good after a seek as before it. Not MPEG program streams: few of their
# frames carry stamps, and those that FFmpeg guesses after a seek are off by half a frame.
_SEEKABLE = ("mp4", "wav", "mpegts", "aiff", "w64", "matroska")
_BAD_PACKETS_IN_A_ROW = 5000  # after so many that do not decode, and none that did, the stream is given up


def can_seek(container: str) -> bool:
    """Whether files of a container, by FFmpeg's name of it, are read from the middle on as well as from the beginning.

    >>> can_seek("mov,mp4,m4a,3gp,3g2,mj2"), can_seek("mpeg")
    (True, False)
    """
    return any(name in container.split(",") for name in _SEEKABLE)


@dataclass(frozen=True)
class ReadOptions:
    """What to read of a file.

    >>> ReadOptions(start="1.5", end=3).start
    Fraction(3, 2)
    """

    start: Exact | None = None
    """Seconds on the media clock, or 1:30 and 1:02:03.5; sound from the first sample at or after it, frames whose cell
    reaches past it. None: from the beginning."""
    end: Exact | None = None
    """The same; sound before it, frames that begin before it. None: to the end."""
    audio_stream: int | None = None
    """Number among the sound streams, from 0; None: the default one."""
    audio_channel: int | None = None
    """Number among the channels of the sound, from 0, that is heard alone, as one side of a call; None: all of them."""
    video_stream: int | None = None
    """Number among the video streams, from 0, covers not counted; None: the default one."""
    upright: bool = True
    """Turn frames as the file says that they are to be seen (phones film sideways)."""
    threads: int = 1
    """Threads that decode the picture, 1...64. One is the fastest on two cores that have other work."""
    max_gap_seconds: Exact = 3600
    """How many seconds of silence may be filled into gaps of the sound in all, and how long a frame may be
    shown; a longer jump of the time stamps is not followed."""

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else clock_seconds(value))
        object.__setattr__(self, "max_gap_seconds", exact(self.max_gap_seconds))
        start, end = self.cut
        if start is not None and end is not None and end <= start:
            raise OptionError(
                f"the part from {self.start} s to {self.end} s is empty; the end lies after the start"
            )
        for name in ("audio_stream", "video_stream", "audio_channel"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise OptionError(f"{name} is {value}; {name.rpartition('_')[2]}s are counted from 0")
        if not 1 <= self.threads <= 64:
            raise OptionError(f"{self.threads} threads are outside 1...64")

    @property
    def cut(self) -> tuple[Fraction | None, Fraction | None]:
        """Start and end."""
        return self.start, self.end  # type: ignore[return-value]


@dataclass(frozen=True)
class ReadReport:
    """What was read, and what had to be repaired on the way."""

    clock: str
    """Name of the file's time axis."""
    sound_start: Fraction | None
    """Instant of the first sample of the whole stream, in exact seconds; None if no sound was asked for."""
    picture_start: Fraction | None
    """Start of the first frame of the whole stream, in exact seconds; None if no picture was asked for."""
    samples: int
    """Samples decoded, at the stream's own rate."""
    frames: int
    """Frames decoded."""
    cells: Cells | None
    """Cells of the frames that lie in the part that was read: a Grid if their rate is constant, else Ticks. Cell 0 is
    the first of them. None if no picture was decoded or none lies in the part."""
    cell_count: int
    """How many frames those are."""
    gaps: Spans
    """Where the sound was missing and silence was put."""
    lost: Spans
    """Where packets of the picture were lost, and the frame before them stands in."""
    notes: tuple[Note, ...] = field(default=())
    """What had to be repaired or left out."""

    __repr__ = one_line

    def __str__(self) -> str:
        lines = [f"{self.frames} frames and {self.samples} samples on clock {self.clock!r}"]
        return "\n".join(lines + [f"- {note}" for note in self.notes])

    def to_dict(self) -> dict[str, object]:
        """A JSON form."""
        return {
            "clock": self.clock,
            "sound_start": _text(self.sound_start),
            "picture_start": _text(self.picture_start),
            "samples": self.samples,
            "frames": self.frames,
            "gaps": [span.to_dict() for span in self.gaps],
            "lost": [span.to_dict() for span in self.lost],
            "notes": [note.to_dict() for note in self.notes],
        }


def _text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def read(
    path: Source | Address,
    consumers: Sequence[Consumer],
    options: ReadOptions | None = None,
    progress: Progress | None = None,
) -> ReadReport:
    """Read a file once and feed every consumer.

    Parameters
    ----------
    path : a file, a URL, or the address of a source that still grows (:mod:`genlock.media.live_source`)
    consumers : objects with ``form``, ``push(item)`` and ``finish()``; see :mod:`genlock.media.consumers`
    options : which part and which streams
    progress : told how far it is, some ten times a second of media at most

    Raises
    ------
    NoStream
        If a consumer asks for sound or picture that the file does not have.
    MediaError
        If the file cannot be opened, or nothing of a stream decodes. What decodes only in part is read as far
        as it goes, and the report says so.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from genlock.media import AudioForm, Sound, encode
    >>> class Peak:
    ...     form, value = AudioForm(16000), 0.0
    ...     def push(self, block): self.value = max(self.value, float(np.abs(block.samples).max()))
    ...     def finish(self): pass
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     encode(f"{folder}/a.wav", sound=Sound(np.full(8000, 0.5), 8000))
    ...     peak = Peak()
    ...     report = read(f"{folder}/a.wav", [peak])
    >>> report.samples, 0.4 < peak.value
    (8000, True)
    """
    if not consumers:
        raise OptionError("there is no consumer: give at least one object with form, push and finish")
    reading = _Reading(path, consumers, options or ReadOptions(), progress)
    for _ in reading.steps():
        pass
    for consumer in consumers:
        if not _of_packets(consumer):
            consumer.finish()
    return reading.report()


class _Reading:
    """One read: the container, a timeline for each kind of stream, and the loop over packets."""

    def __init__(
        self,
        path: Source | Address,
        consumers: Sequence[Consumer],
        options: ReadOptions,
        progress: Progress | None,
    ) -> None:
        self.address: Address = locate(path)
        self.consumers, self.options, self.progress = consumers, options, progress
        self.noted = NoteCounter()
        self.sound: SoundTimeline | None = None
        self.picture: PictureTimeline | None = None
        self.container: Any = None
        self.sound_stream: Any = None
        self.picture_stream: Any = None
        self.priming: Priming | None = None
        self.reached = False

    # ------------------------------------------------------------ set up

    def _open(self) -> None:
        self.container = open_source(self.address)
        forms = [consumer.form for consumer in self.consumers]
        for form in forms:
            if not isinstance(form, AudioForm | VideoForm | FrameTimes | PacketForm):
                raise OptionError(
                    f"a consumer asks for {form!r}; give an AudioForm, a VideoForm, FrameTimes or a PacketForm"
                )
        self.priming = None
        if any(map(_of_sound, forms)):
            self.sound_stream = choose_sound(self.container, self.options.audio_stream, self.address)
        if not all(map(_of_sound, forms)):
            self.picture_stream = choose_picture(self.container, self.options.video_stream, self.address)
        chosen = [s for s in (self.picture_stream, self.sound_stream) if s is not None]
        for stream in self.container.streams:
            if stream not in chosen:
                stream.discard = av.stream.Discard.all
        for stream in chosen:
            prepare_decoder(stream, self.options.threads)

    def _make_lines(self) -> None:
        """New timelines, without memory of an earlier attempt."""
        clock, cut = self.address.clock, self.options.cut
        max_gap = exact(self.options.max_gap_seconds)
        self.noted = NoteCounter()
        self.copiers: dict[int, list[Consumer]] = {}
        decoded = [consumer.form for consumer in self.consumers if not _of_packets(consumer)]
        if any(isinstance(form, AudioForm) for form in decoded):
            self.sound = SoundTimeline(clock, cut, max_gap, self.noted, self.options.audio_channel)
        if not all(isinstance(form, AudioForm) for form in decoded):
            self.picture = PictureTimeline(
                self.picture_stream,
                clock,
                cut,
                self.options.upright,
                max_gap,
                self.noted,
                keeps_stamps=not self.address.live,
            )
        for consumer in self.consumers:
            if _of_packets(consumer):
                stream = self.sound_stream if _of_sound(consumer.form) else self.picture_stream
                self.copiers.setdefault(stream.index, []).append(consumer)
                consumer.begin(stream)  # type: ignore[attr-defined] # consumers of packets have it
            else:
                timeline: Any = self.sound if isinstance(consumer.form, AudioForm) else self.picture
                timeline.attach(consumer.form, consumer.push)

    # ------------------------------------------------------------ the passes

    def steps(self) -> Iterator[None]:
        """Read; control comes back after every packet. The container is closed however it ends."""
        try:
            self._open()
            yield from self._attempts()
        finally:
            if self.container is not None:
                self.container.close()
        self._check()

    def _attempts(self) -> Iterator[None]:
        if self._may_seek():
            beginnings = self._read_beginnings()
            if beginnings is not None:
                yield from self._attempt_from_seeks(beginnings)
                if self.reached:
                    return
            self.container.close()
            self._open()
        self._make_lines()
        yield from self._pass(None)
        for copiers in self.copiers.values():
            for copier in copiers:
                copier.finish()  # while the streams that their packets come from are there

    def _attempt_from_seeks(self, beginnings: dict[int, Fraction]) -> Iterator[None]:
        """Seek to before the cut, further and further back until every stream has landed before what it needs."""
        preroll = _PREROLL
        while True:
            self._make_lines()
            self._begin_from(beginnings)
            needed = self._needed_from()
            target = min(needed.values()) - preroll
            if target <= min(beginnings.values()):
                return
            try:
                self.container.seek(int(target * av.time_base))
            except _FAILURES:
                return
            try:
                yield from self._pass(Landing(needed, beginnings))
            except SeekedTooFar:
                preroll *= 8
            else:
                self.reached = True
                return

    def _may_seek(self) -> bool:
        """False if the file is better read from its beginning."""
        start = self.options.cut[0]
        if any(map(_of_packets, self.consumers)):
            return False
        if start is None or start <= _NEAR_THE_BEGINNING or not can_seek(self.container.format.name):
            return False
        # Where stamps are coarser than samples, a sample is only found again by counting from the beginning.
        stream = self.sound_stream
        return stream is None or stream.time_base * stream.codec_context.sample_rate <= 1

    def _needed_from(self) -> dict[int, Fraction]:
        """From which instant on each stream must be decoded, by its index."""
        start = self.options.cut[0]
        assert start is not None
        needed = {}
        if self.sound is not None:
            needed[self.sound_stream.index] = self.sound.needed_from - _SETTLING
        if self.picture is not None:
            forms = [consumer.form for consumer in self.consumers]
            periods = [1 / exact(form.rate) for form in forms if isinstance(form, VideoForm) and form.rate]
            needed[self.picture_stream.index] = start - max(periods, default=Fraction(0))
        return needed

    def _read_beginnings(self) -> dict[int, Fraction] | None:
        """The instants at which the streams start, by decoding one frame of each; None if that fails."""
        found: dict[int, Fraction] = {}
        wanted = [s for s in (self.sound_stream, self.picture_stream) if s is not None]
        self._beginning_frames: dict[int, Any] = {}
        for packet in self._packets(wanted):
            stream = packet.stream
            if stream.index in found:
                continue
            self._note_priming(packet)
            for frame in self._decode(packet, quiet=True):
                if frame.pts is not None and stream.index not in found:
                    found[stream.index] = (
                        self._sound_origin(frame)
                        if stream is self.sound_stream
                        else frame.pts * stream.time_base
                    )
                    self._beginning_frames[stream.index] = frame
            if len(found) == len(wanted):
                return found
        return None

    def _pass(self, landing: Landing | None) -> Iterator[None]:
        """One demux pass from wherever the container stands."""
        wanted = [s for s in (self.sound_stream, self.picture_stream) if s is not None]
        timelines = {s.index: timeline for s in wanted if (timeline := self._timeline_of(s)) is not None}
        open_timelines = set(timelines)
        failed: dict[int, int] = dict.fromkeys(timelines, 0)
        told = 0
        for packet in self._packets(wanted):
            index = packet.stream.index
            if index in open_timelines:
                self._note_priming(packet)
                before = self.noted.how_often("damaged")
                frames = self._decode(packet)
                damaged = self.noted.how_often("damaged") > before
                if packet.stream is self.picture_stream and packet.size:
                    timelines[index].expect(packet.pts, damaged or packet.is_corrupt)
                for frame in frames:
                    if landing is not None:
                        self._land(landing, packet.stream, frame)
                    self._feed(packet.stream, frame)
                failed[index] = failed[index] + 1 if damaged else 0
                if timelines[index].done or failed[index] > _BAD_PACKETS_IN_A_ROW:
                    open_timelines.discard(index)
                    if not open_timelines and not self.copiers:
                        break
                if (told := told + 1) % _TOLD_EVERY == 1:
                    self._tell()
            if packet.size:
                for copier in self.copiers.get(index, ()):
                    copier.push(packet)
            yield
        if landing is not None:
            landing.finish()
        for timeline in timelines.values():
            if timeline.origin is not None:
                timeline.finish()
        self._tell(last=True)
        yield

    def _land(self, landing: Landing, stream: Any, frame: Any) -> None:
        sound = stream is self.sound_stream
        shift = self._shift if sound else Fraction(0)
        instant = None if frame.pts is None else frame.pts * frame.time_base - shift
        if landing.arrive(stream.index, instant) and sound:
            assert self.sound is not None
            assert instant is not None
            self.sound.resume(instant)

    def _timeline_of(self, stream: Any) -> Any:
        return self.sound if stream is self.sound_stream else self.picture

    def _begin_from(self, beginnings: dict[int, Fraction]) -> None:
        if self.picture is not None:
            self.picture.begin(beginnings[self.picture_stream.index])
        if self.sound is not None:
            frame = self._beginning_frames[self.sound_stream.index]
            self._begin_sound(frame, beginnings[self.sound_stream.index])

    # ------------------------------------------------------------ packets and frames

    def _packets(self, streams: list[Any]) -> Iterator[Any]:
        """Packets up to the end, or to where the file is cut short; then the empty ones that flush."""
        try:
            yield from packets_of(self.container, streams, self.noted)
        except _FAILURES as error:
            self.noted.count(
                "cut short", f"the file ends early or is damaged ({reason_of(error)}); read as far as it goes"
            )
            for stream in streams:
                flush = av.Packet()
                flush.stream = stream
                flush.time_base = stream.time_base
                yield flush

    def _decode(self, packet: Any, quiet: bool = False) -> list[Any]:
        try:
            frames: list[Any] = packet.decode()
        except EOFError:
            return []
        except _FAILURES as error:
            if not quiet:
                kind = "sound" if packet.stream.type == "audio" else "picture"
                self.noted.count(
                    "damaged",
                    f"packets that do not decode were left out, first of the {kind}: {reason_of(error)}",
                )
            return []
        return frames

    def _note_priming(self, packet: Any) -> None:
        if self.priming is None and packet.stream is self.sound_stream and packet.size:
            self.priming = read_priming(packet, packet.stream.codec_context.sample_rate, self.container)

    @property
    def _shift(self) -> Fraction:
        return self.priming.shift if self.priming else Fraction(0)

    def _sound_origin(self, frame: Any) -> Fraction:
        """Instant of the stream's first sample: as the packet states, unless the frame contradicts it."""
        first = (frame.pts or 0) * frame.time_base - self._shift
        stated = self.priming.origin if self.priming else None
        if stated is not None and abs(stated - first) <= Fraction(1, 1000) + 2 * frame.time_base:
            return stated
        return Fraction(first)

    def _begin_sound(self, frame: Any, origin: Fraction) -> None:
        assert self.sound is not None
        if frame.sample_rate <= 0:
            raise MediaError(
                f"{self.address.given!r} states a sample rate of {frame.sample_rate}; convert it first"
            )
        names, only = tuple(channel.name for channel in frame.layout.channels), self.options.audio_channel
        if only is not None and only >= len(names):
            raise OptionError(
                f"audio_channel is {only}, but the sound of {self.address.given!r} has {len(names)} "
                f"channel{'s' * (len(names) > 1)}; they are counted from 0"
            )
        names = names if only is None else names[only : only + 1]
        self.sound.begin(origin, frame.sample_rate, names, frame.time_base)

    def _feed(self, stream: Any, frame: Any) -> None:
        if stream is self.sound_stream:
            assert self.sound is not None
            if frame.samples == 0:
                return
            if self.sound.origin is None:
                self._begin_sound(frame, self._sound_origin(frame))
            stamp = None if frame.pts is None else frame.pts * frame.time_base - self._shift
            self.sound.feed(frame, stamp)
        else:
            assert self.picture is not None
            self.picture.feed(frame)

    # ------------------------------------------------------------ the end

    def _tell(self, last: bool = False) -> None:
        if self.progress is None:
            return
        positions = [timeline.position for timeline in (self.sound, self.picture) if timeline is not None]
        known = [p for p in positions if p is not None]
        if not known and not last:
            return
        start = self.options.cut[0]
        begin = Fraction((self.container.start_time or 0), av.time_base) if start is None else start
        end = self.options.cut[1]
        if end is None and self.container.duration:
            end = Fraction((self.container.start_time or 0) + self.container.duration, av.time_base)
        total = None if end is None else max(0.0, float(end - begin))
        done = max(0.0, float(max(known) - begin)) if known else 0.0
        if total is not None:
            done = total if last else min(done, total)
        self.progress(done, total)

    def _check(self) -> None:
        """A stream of which nothing decodes is an error, not an empty result."""
        for timeline, kind in ((self.sound, "sound"), (self.picture, "picture")):
            if timeline is not None and timeline.origin is None:
                why = "; ".join(str(note) for note in self.noted.notes) or "it holds no data"
                raise MediaError(
                    f"{self.address.given!r}: nothing of the {kind} can be decoded ({why}); "
                    "get an undamaged copy or convert it with another program"
                )

    def report(self) -> ReadReport:
        gaps = self.sound.gaps if self.sound is not None else []
        cadence = self.picture.cadence() if self.picture is not None else None
        return ReadReport(
            clock=self.address.clock,
            sound_start=self.sound.origin if self.sound is not None else None,
            picture_start=self.picture.origin if self.picture is not None else None,
            samples=self.sound.decoded if self.sound is not None else 0,
            frames=self.picture.frames if self.picture is not None else 0,
            cells=None if cadence is None else cadence.cells,
            cell_count=0 if cadence is None else cadence.length,
            gaps=Spans(gaps, self.address.clock, "gaps"),
            lost=Spans(self.picture.lost if self.picture else (), self.address.clock, "lost"),
            notes=self.noted.notes,
        )


def _of_packets(consumer: Consumer) -> bool:
    return isinstance(consumer.form, PacketForm)


def _of_sound(form: Form) -> bool:
    return isinstance(form, AudioForm) or (isinstance(form, PacketForm) and form.kind == "audio")


# ------------------------------------------------------------ conveniences


class _Gather:
    """Keeps what it is given."""

    def __init__(self, form: Any) -> None:
        self.form = form
        self.items: list[Any] = []

    def push(self, item: Any) -> None:
        self.items.append(item)

    def finish(self) -> None:
        """Nothing to do."""


def read_audio(
    path: Source,
    rate: int | None = 16000,
    channels: int | None = 1,
    options: ReadOptions | None = None,
    progress: Progress | None = None,
) -> Track:
    """The waveform of a file, whole, in memory.

    Parameters
    ----------
    rate : samples per second; None: the stream's own
    channels : 1, 2, or None for the stream's own; see :class:`genlock.media.AudioForm`

    Returns
    -------
    Track
        ``waveform``, float32 [n] for one channel, else [n, channels], on ``Grid.of_samples``: sample n lies
        at ``grid.center(n)``. ``valid`` is False where a gap in the file was filled with silence.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from genlock.media import Sound, encode
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     encode(f"{folder}/a.wav", sound=Sound(np.zeros(48000), 48000))
    ...     track = read_audio(f"{folder}/a.wav", rate=16000)
    >>> len(track), track.grid.center(0)
    (16000, Fraction(0, 1))
    """
    gather = _Gather(AudioForm(rate, channels))
    report = read(path, [gather], options, progress)
    blocks: list[AudioBlock] = gather.items
    if not blocks:
        chosen = options or ReadOptions()
        raise MediaError(
            f"{str(path)!r} has no sound between {_seconds(chosen.cut[0], 'its start')} and "
            f"{_seconds(chosen.cut[1], 'its end')}; its sound starts at {_seconds(report.sound_start, '?')}"
        )
    samples = np.concatenate([block.samples for block in blocks])
    grid = Grid.of_samples(blocks[0].rate, blocks[0].start, report.clock)
    valid = np.ones(len(samples), bool)
    for gap in report.gaps:
        silent = grid.cells(gap.start, gap.end, "centers")
        valid[max(0, silent.start) : max(0, silent.stop)] = False
    return Track(samples[:, 0] if channels == 1 else samples, grid, valid, name="waveform")


def _seconds(value: Fraction | None, otherwise: str) -> str:
    return otherwise if value is None else f"{float(value):.6g} s"


def read_frames(
    path: Source, form: VideoForm | None = None, options: ReadOptions | None = None
) -> Iterator[VideoCell]:
    """The frames of a file one after the other, as they are decoded; memory for one frame.

    Raises NoStream if there is no video, MediaError if nothing of it decodes.
    """
    gather = _Gather(form or VideoForm())
    reading = _Reading(path, [gather], options or ReadOptions(), None)
    for _ in reading.steps():
        yield from gather.items
        gather.items.clear()


def frame_cells(
    path: Source, options: ReadOptions | None = None, info: MediaInfo | None = None
) -> tuple[Cells, int]:
    """The cells of the video frames and their number.

    From the time stamps of the packets alone, without decoding, where those can be trusted to be the frames
    (:attr:`genlock.media.scan.StreamScan.trusted`); else, and for a part of a file, by decoding. A read that decodes
    the picture anyhow says the same in its report.

    Parameters
    ----------
    info : what :func:`genlock.media.probe` says of the file, if that is known; then no packet is read again

    Returns
    -------
    cells : Grid if the rate is constant, else Ticks; cell 0 is the first frame (that is read)
    length : number of frames
    """
    chosen = options or ReadOptions()
    if info is not None:
        stated = stated_cells(info, chosen)
        if stated is not None:
            return stated
    elif chosen.cut == (None, None):
        cadence = _cadence_from_packets(path, chosen)
        if cadence is not None:
            return cadence.cells, cadence.length
    report = read(path, [FrameTimesOnly()], chosen)
    if report.cells is None:
        raise MediaError(f"{str(path)!r} has no frame in the part that was asked for")
    return report.cells, report.cell_count


class FrameTimesOnly:
    """A consumer that wants the picture decoded, so that the report knows its cells, and nothing of it."""

    form = FrameTimes()

    def push(self, item: Any) -> None:
        """Nothing to do."""

    def finish(self) -> None:
        """Nothing to do."""


def stated_cells(info: MediaInfo, options: ReadOptions) -> tuple[Cells, int] | None:
    """The cells of the frames and their number as probing knows them; None where only decoding tells.

    Parameters
    ----------
    info : what :func:`genlock.media.probe` says of the file
    options : a part of a file is only known by decoding
    """
    picture = info.picture(options.video_stream)
    if picture is None or options.cut != (None, None) or not picture.packets_are_frames:
        return None
    return None if picture.cells is None or picture.frames is None else (picture.cells, picture.frames)


def _cadence_from_packets(path: Source, options: ReadOptions) -> Cadence | None:
    address = locate(path)
    with open_source(address) as container:
        stream = choose_picture(container, options.video_stream, address)
        found = scan(container, [stream], options.threads)[stream.index]
        if not found.trusted or not found.whole:
            return None
        return cadence_of(
            found.stamps(), stream.time_base, found.last_duration(), stated_rates(stream), address.clock
        )
