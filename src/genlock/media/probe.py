"""What is in a file: every stream's exact rate and start on the media clock, and what else bears on time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from genlock.core.errors import MediaError
from genlock.core.grid import Cells
from genlock.core.json_forms import SCHEMA
from genlock.core.one_line import LONGEST, one_line, shortened
from genlock.core.time import fraction_text
from genlock.media.frame_rate import Cadence, cadence_of
from genlock.media.notes import NoteCounter
from genlock.media.opening import Address, Source, locate, open_source
from genlock.media.scan import FirstFrame, StreamScan, scan
from genlock.media.streams import is_cover, is_default, pictures, sounds, stated_rates

__all__ = ["AudioInfo", "MediaInfo", "OtherInfo", "StreamInfo", "VideoInfo", "probe"]

# Some ten hours of picture and sound; a longer file is judged by its first packets, and says so.
_MOST_PACKETS = 4_000_000
_MOST_PACKETS_OF_A_URL = 5_000
_FIELD_ORDERS = {
    1: "progressive",
    2: "top field first",
    3: "bottom field first",
    4: "top field first",
    5: "bottom field first",
}


@dataclass(frozen=True)
class VideoInfo:
    """A stream of pictures."""

    index: int
    """Number of the stream in the container, from 0."""
    number: int
    """Number among the video streams, as ``--video-stream`` counts; covers are not counted and have -1."""
    codec: str
    """FFmpeg's name of the codec."""
    width: int
    """Pixels across, as stored (before any rotation)."""
    height: int
    """Pixels down, as stored."""
    pixels: str | None
    """FFmpeg's name of the pixel format."""
    sample_aspect: Fraction
    """Width of a pixel over its height; 1 where the file does not say."""
    rotation_degrees: int
    """By how much a player turns the stored picture, counter-clockwise: 0, 90, 180 or 270."""
    mirrored: bool
    """True if a player also mirrors it."""
    interlacing: str
    """``progressive``, ``top field first``, ``bottom field first``, ``interlaced`` or ``unknown``."""
    rate: Fraction | None
    """Frames per second, exactly; None if it varies or no frame has a time stamp."""
    variable_rate: bool
    """True if no uniform grid explains the frames' time stamps."""
    nominal_rate: Fraction | None
    """The rate that the header states; a hint only."""
    start: Fraction | None
    """Start of the first frame, in exact seconds on the media clock."""
    duration: Fraction | None
    """From the start of the first frame to the end of the last, in exact seconds."""
    frames: int | None
    """Frames counted; None if the file was not read to its end."""
    frames_from_header: int | None
    """Frames that the header states; a hint only."""
    cells: Cells | None
    """The cells of the frames: a Grid if the rate is constant, else Ticks."""
    frames_judged: int
    """How many frames the rate was judged by."""
    packets_are_frames: bool
    """True if counting needed no decoding; else a frame that does not decode is counted all the same."""
    timecode: str | None
    """SMPTE timecode of the first frame, ``HH:MM:SS:FF`` (``;`` before FF: drop-frame); None without one."""
    language: str | None
    """Language tag."""
    attached_picture: bool
    """True for a cover: a still picture that is not video."""
    profile: str | None = None
    """FFmpeg's name of the codec's profile; None if unknown."""
    default: bool = False
    """True if the file marks it as what plays unless another one is chosen."""
    key_frames: tuple[int, ...] = field(default=(), repr=False)
    """Numbers, among ``cells``, of the frames from which decoding can begin; empty where they are not known."""

    kind = "video"

    __repr__ = one_line

    def to_dict(self) -> dict[str, object]:
        """A JSON form; keys as ``genlock probe --json`` prints them."""
        return {
            "kind": self.kind,
            "index": self.index,
            "number": self.number,
            "codec": self.codec,
            "rate": _text(self.rate),
            "start": _text(self.start),
            "start_seconds": _float(self.start),
            "duration_seconds": _float(self.duration),
            "variable_rate": self.variable_rate,
            "nominal_rate": _text(self.nominal_rate),
            "timecode": self.timecode,
            "width": self.width,
            "height": self.height,
            "pixels": self.pixels,
            "sample_aspect": _text(self.sample_aspect),
            "rotation": self.rotation_degrees,
            "mirrored": self.mirrored,
            "interlacing": self.interlacing,
            "frames": self.frames,
            "frames_from_header": self.frames_from_header,
            "frames_judged": self.frames_judged,
            "language": self.language,
            "attached_picture": self.attached_picture,
            "profile": self.profile,
            "default": self.default,
        }

    def __str__(self) -> str:
        if self.attached_picture:
            return f"#{self.index} cover picture, {self.codec} {self.width}x{self.height}: not video"
        parts = [
            f"{self.codec} {self.width}x{self.height}",
            _rate_words(self),
            f"starts at {_seconds(self.start)}",
        ]
        parts.append(
            f"lasts {_seconds(self.duration)}"
            + (f" ({self.frames} frames)" if self.frames is not None else "")
        )
        if self.rotation_degrees or self.mirrored:
            parts.append(
                f"turned by {self.rotation_degrees} degrees" + (" and mirrored" if self.mirrored else "")
            )
        if self.sample_aspect != 1:
            parts.append(f"pixels {self.sample_aspect} as wide as high")
        if self.interlacing not in ("progressive", "unknown"):
            parts.append(self.interlacing)
        if self.timecode:
            parts.append(f"timecode {self.timecode}")
        if self.language:
            parts.append(self.language)
        return f"#{self.index} video {self.number}: " + ", ".join(parts)


@dataclass(frozen=True)
class AudioInfo:
    """A stream of sound."""

    index: int
    """Number of the stream in the container, from 0."""
    number: int
    """Number among the sound streams, as ``--audio-stream`` counts."""
    codec: str
    """FFmpeg's name of the codec."""
    rate: Fraction
    """Samples per second."""
    channels: int
    """Number of channels."""
    layout: str
    """FFmpeg's name of the channel layout, such as ``stereo`` or ``5.1``."""
    start: Fraction | None
    """Instant of the first sample, in exact seconds on the media clock, the encoder delay taken out."""
    duration: Fraction | None
    """From the first sample to the end of the last packet, in seconds, to the container's resolution."""
    encoder_delay_samples: int | None
    """Samples that the encoder put before the sound, as the stream states it (at the decoder's rate); they
    are dropped and taken out of the clock. None if the stream does not say: nothing is guessed."""
    language: str | None
    """Language tag."""
    default: bool = False
    """True if the file marks it as what plays unless another one is chosen."""

    kind = "audio"
    variable_rate = False
    timecode = None

    __repr__ = one_line

    def to_dict(self) -> dict[str, object]:
        """A JSON form; keys as ``genlock probe --json`` prints them."""
        return {
            "kind": self.kind,
            "index": self.index,
            "number": self.number,
            "codec": self.codec,
            "rate": _text(self.rate),
            "start": _text(self.start),
            "start_seconds": _float(self.start),
            "duration_seconds": _float(self.duration),
            "variable_rate": False,
            "timecode": None,
            "channels": self.channels,
            "layout": self.layout,
            "encoder_delay_samples": self.encoder_delay_samples,
            "language": self.language,
            "default": self.default,
        }

    def __str__(self) -> str:
        parts = [f"{self.codec} {self.rate} Hz {self.layout}", f"starts at {_seconds(self.start)}"]
        parts.append(f"lasts {_seconds(self.duration)}")
        if self.encoder_delay_samples:
            parts.append(f"encoder delay {self.encoder_delay_samples} samples (taken out)")
        if self.language:
            parts.append(self.language)
        return f"#{self.index} sound {self.number}: " + ", ".join(parts)


@dataclass(frozen=True)
class OtherInfo:
    """Subtitles, data, attachments, or a stream that FFmpeg has no decoder for."""

    index: int
    """Number of the stream in the container, from 0."""
    kind: str
    """FFmpeg's name of the kind."""
    codec: str | None
    """FFmpeg's name of the codec; None if unknown."""
    timecode: str | None
    """SMPTE timecode that a timecode track states."""
    language: str | None
    """Language tag."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, object]:
        """A JSON form; the keys that have no meaning here are null."""
        return {
            "kind": self.kind,
            "index": self.index,
            "codec": self.codec,
            "rate": None,
            "start": None,
            "duration_seconds": None,
            "variable_rate": False,
            "timecode": self.timecode,
            "language": self.language,
        }

    def __str__(self) -> str:
        tail = f", timecode {self.timecode}" if self.timecode else ""
        return f"#{self.index} {self.kind}: {self.codec or 'unknown codec'}{tail}"


#: Any stream.
StreamInfo: TypeAlias = VideoInfo | AudioInfo | OtherInfo


@dataclass(frozen=True)
class MediaInfo:
    """What is in a file."""

    path: str
    """What was asked for."""
    clock: str
    """Name of the file's time axis, shared by its sound and its picture."""
    container: str
    """FFmpeg's name of the container."""
    size_bytes: int | None
    """Size of the file; None for a URL."""
    streams: tuple[StreamInfo, ...]
    """All streams in the container's order."""
    timecode: str | None = None
    """SMPTE timecode of the first video stream, else of a timecode track, else of the header."""
    notes: tuple[str, ...] = field(default=())
    """What could not be told, and why."""

    def __repr__(self) -> str:
        length = "length unknown" if self.duration is None else _seconds(self.duration)
        parts = [_container_words(self.container, self.path), length]
        parts += [f"{one.codec} {one.width}x{one.height} at {one.rate} a second" for one in self.video]
        parts += [f"{one.codec} {one.rate} Hz, {one.channels} channels" for one in self.audio]
        told = f"{shortened(Path(self.path).name or self.path, 80)}: {', '.join(parts)}"
        return f"MediaInfo({shortened(told, LONGEST - len('MediaInfo()'))})"

    @property
    def video(self) -> tuple[VideoInfo, ...]:
        """The video streams, without covers."""
        return tuple(s for s in self.streams if isinstance(s, VideoInfo) and not s.attached_picture)

    @property
    def audio(self) -> tuple[AudioInfo, ...]:
        """The sound streams."""
        return tuple(s for s in self.streams if isinstance(s, AudioInfo))

    def picture(self, number: int | None = None) -> VideoInfo | None:
        """The video stream that is read where this number, or none, is asked for; None if there is none."""
        return _chosen(self.video, number)

    def sound(self, number: int | None = None) -> AudioInfo | None:
        """The sound stream that is read where this number, or none, is asked for; None if there is none."""
        return _chosen(self.audio, number)

    @property
    def duration(self) -> Fraction | None:
        """From the earliest start to the latest end of sound and picture, in exact seconds, if known."""
        streams: list[VideoInfo | AudioInfo] = [*self.video, *self.audio]
        starts = [s.start for s in streams if s.start is not None]
        ends = [s.start + s.duration for s in streams if s.start is not None and s.duration is not None]
        return max(ends) - min(starts) if ends else None

    @property
    def sound_minus_picture_start(self) -> Fraction | None:
        """Start of the first sound stream minus that of the first video stream, in exact seconds.

        Positive: the sound starts later. A fact of the file, not an offset. None if one of them is missing.
        """
        if not self.video or not self.audio:
            return None
        sound, picture = self.audio[0].start, self.video[0].start
        return None if sound is None or picture is None else sound - picture

    def to_dict(self) -> dict[str, object]:
        """A JSON form; keys as ``genlock probe --json`` prints them."""
        return {
            "genlock_schema": SCHEMA,
            "path": self.path,
            "clock": self.clock,
            "container": self.container,
            "size_bytes": self.size_bytes,
            "duration_seconds": _float(self.duration),
            "timecode": self.timecode,
            "sound_minus_picture_start_seconds": _float(self.sound_minus_picture_start),
            "streams": [stream.to_dict() for stream in self.streams],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        size = "" if self.size_bytes is None else f", {self.size_bytes / 1e6:.1f} MB"
        lines = [
            f"{self.path}: {_container_words(self.container, self.path)}{size}, {_seconds(self.duration)}"
        ]
        lines += [f"  {stream}" for stream in self.streams]
        apart = self.sound_minus_picture_start
        if apart is not None:
            lines.append(f"  {_apart_words(apart)}")
        return "\n".join(lines + [f"  note: {note}" for note in self.notes])


#: What people call the containers of which FFmpeg's names are lists or unknown to them.
_CONTAINERS = {
    "mov,mp4,m4a,3gp,3g2,mj2": "MP4",
    "matroska,webm": "Matroska",
    "mpegts": "MPEG transport stream",
    "mpeg": "MPEG program stream",
    "asf": "Windows Media",
    "flv": "Flash video",
}


def _container_words(container: str, path: str) -> str:
    """A container's name for people; one reader reads several, which the file's ending tells apart.

    >>> _container_words("mov,mp4,m4a,3gp,3g2,mj2", "a.MOV"), _container_words("matroska,webm", "a.webm")
    ('MOV', 'WebM')
    >>> _container_words("avi", "a"), _container_words("mpegts", "a.ts")
    ('AVI', 'MPEG transport stream')
    """
    ending = path.rpartition(".")[2].lower()
    if ending == "webm" and ending in container:
        return "WebM"
    if ending in ("mov", "m4a", "3gp") and ending in container.split(","):
        return ending.upper()
    return _CONTAINERS.get(container, container.upper())


_AnyInfo = TypeVar("_AnyInfo", VideoInfo, AudioInfo)


def _chosen(streams: tuple[_AnyInfo, ...], number: int | None) -> _AnyInfo | None:
    """Chooses as :func:`genlock.media.streams.choose_picture` does among the streams of an open file."""
    if number is not None:
        return next((s for s in streams if s.number == number), None)
    return next((s for s in streams if s.default), streams[0] if streams else None)


def probe(path: Source, *, whole: bool | None = None) -> MediaInfo:
    """Say what is in a file: from headers, the first frame of each stream, and the packets' time stamps.

    Parameters
    ----------
    path : a file or a URL
    whole : True reads every packet (without decoding), False the first 5,000. By default a file is read whole
        (up to 4,000,000 packets, some ten hours) and a URL is not.

    Raises
    ------
    MediaError
        If it cannot be opened, or holds neither sound nor picture nor anything else.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from genlock.media import Picture, Sound, encode
    >>> frames = [np.zeros((32, 48, 3), np.uint8)] * 30
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     picture = Picture(frames, "30000/1001", start="0.5", codec="libx264")
    ...     encode(f"{folder}/a.mkv", picture, Sound(np.zeros(8000), 8000, codec="flac"))
    ...     info = probe(f"{folder}/a.mkv")
    >>> str(info.video[0].rate), info.audio[0].start, info.sound_minus_picture_start
    ('30000/1001', Fraction(0, 1), Fraction(-1, 2))
    """
    address = locate(path)
    limit = _MOST_PACKETS if whole or (whole is None and address.local) else _MOST_PACKETS_OF_A_URL
    with open_source(address) as container:
        wanted = [*pictures(container), *sounds(container)]
        noted = NoteCounter()
        found = scan(container, wanted, most_packets=limit, noted=noted)
        notes = [str(note) for note in noted.notes]
        streams = tuple(_describe(s, found, container, address, notes) for s in container.streams)
        if not streams:
            raise MediaError(
                f"{address.given!r} holds no stream at all; it may be cut short: get a whole copy"
            )
        timecode = _timecode_of_file(streams, container)
        return MediaInfo(
            address.given,
            address.clock,
            container.format.name,
            address.size_bytes,
            streams,
            timecode,
            tuple(notes),
        )


def _describe(
    stream: Any, found: dict[int, StreamScan], container: Any, address: Address, notes: list[str]
) -> StreamInfo:
    scanned = found.get(stream.index)
    if stream.codec_context is None or (scanned is None and not is_cover(stream)):
        codec = None if stream.codec_context is None else stream.codec_context.codec.canonical_name
        if stream.type in ("video", "audio"):
            notes.append(f"stream {stream.index} ({stream.type}): no decoder for it is known")
        return OtherInfo(stream.index, stream.type, codec, _tag(stream, "timecode"), _language(stream))
    if scanned is not None and scanned.packets == 0:
        notes.append(f"stream {stream.index} ({stream.type}) holds no data")
    elif scanned is not None and scanned.first is None:
        notes.append(f"stream {stream.index} ({stream.type}): nothing of it decodes")
    if stream.type == "video":
        return _describe_video(stream, scanned, container, address, notes)
    assert scanned is not None
    return _describe_audio(stream, scanned, container)


def _describe_video(
    stream: Any, scanned: StreamScan | None, container: Any, address: Address, notes: list[str]
) -> VideoInfo:
    context = stream.codec_context
    cadence, first = None, None
    if scanned is not None:
        first = scanned.first
        stamps = scanned.stamps()
        if len(stamps):
            cadence = cadence_of(
                stamps, stream.time_base, scanned.last_duration(), stated_rates(stream), address.clock
            )
        if not scanned.whole:
            notes.append(f"stream {stream.index}: the rate is judged by the first {len(stamps)} frames")
        elif scanned.doubtful:
            notes.append(
                f"stream {stream.index}: some packets have no time stamp, are damaged or cannot be decoded"
            )
    known = cadence is not None and cadence.length > 0
    keys = _key_frames(scanned) if known and scanned is not None else ()
    rotation, mirrored = _rotation(first)
    cover = is_cover(stream)
    return VideoInfo(
        index=stream.index,
        number=-1 if cover else [s.index for s in pictures(container)].index(stream.index),
        codec=context.codec.canonical_name,
        width=context.width,
        height=context.height,
        pixels=context.pix_fmt,
        sample_aspect=stream.sample_aspect_ratio or context.sample_aspect_ratio or Fraction(1),
        rotation_degrees=rotation,
        mirrored=mirrored,
        interlacing=_interlacing(context, first),
        rate=cadence.rate if cadence is not None else None,
        variable_rate=cadence.variable if cadence is not None else False,
        nominal_rate=next((rate for rate in stated_rates(stream) if rate), None),
        start=cadence.ticks.edge(0) if cadence is not None and known else None,
        duration=_duration(cadence, scanned, stream) if not cover else None,
        frames=cadence.length if cadence is not None and scanned is not None and scanned.whole else None,
        frames_from_header=stream.frames or None,
        cells=cadence.cells if cadence is not None and known else None,
        frames_judged=cadence.length if cadence is not None else 0,
        packets_are_frames=scanned is not None and scanned.trusted,
        timecode=_tag(stream, "timecode") or (first.timecode if first is not None else None),
        language=_language(stream),
        attached_picture=cover,
        profile=context.profile or None,
        default=is_default(stream),
        key_frames=keys,
    )


def _key_frames(scanned: StreamScan) -> tuple[int, ...]:
    """Numbers of the key frames among all, in order of presentation."""
    keys = set(scanned.keys)
    return tuple(number for number, stamp in enumerate(scanned.stamps().tolist()) if stamp in keys)


def _duration(cadence: Cadence | None, scanned: StreamScan | None, stream: Any) -> Fraction | None:
    if cadence is not None and cadence.length and scanned is not None and scanned.whole:
        return cadence.ticks.edge(cadence.length) - cadence.ticks.edge(0)
    return stream.duration * stream.time_base if stream.duration else None


def _describe_audio(stream: Any, scanned: StreamScan, container: Any) -> AudioInfo:
    context, first, priming = stream.codec_context, scanned.first, scanned.priming
    start = None
    if priming is not None and priming.origin is not None:
        start = priming.origin
    elif first is not None and first.pts is not None:
        start = first.pts * stream.time_base - (priming.shift if priming is not None else 0)
    duration = stream.duration * stream.time_base if stream.duration else None
    if scanned.whole and scanned.end is not None and start is not None:
        shift = priming.shift if priming is not None else Fraction(0)
        duration = max(Fraction(0), scanned.end * stream.time_base - shift - start)
    return AudioInfo(
        index=stream.index,
        number=[s.index for s in sounds(container)].index(stream.index),
        codec=context.codec.canonical_name,
        rate=Fraction(first.sample_rate if first is not None else context.sample_rate),
        channels=first.channels if first is not None else len(context.layout.channels),
        layout=first.layout if first is not None else context.layout.name,
        start=start,
        duration=duration,
        encoder_delay_samples=priming.delay_samples if priming is not None else None,
        language=_language(stream),
        default=is_default(stream),
    )


def _rotation(first: FirstFrame | None) -> tuple[int, bool]:
    """Degrees counter-clockwise, and whether the picture is mirrored first (left to right)."""
    if first is None:
        return 0, False
    a, b, c, d = first.orientation
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    # The image of the stored x axis, with y pointing down: its angle, counter-clockwise.
    return round(math.degrees(math.atan2(-b, a))) % 360, mirrored


def _interlacing(context: Any, first: FirstFrame | None) -> str:
    named = _FIELD_ORDERS.get(context.field_order, "unknown")
    if first is None or first.interlaced is None:
        return named
    if first.interlaced:
        return named if named not in ("progressive", "unknown") else "interlaced"
    return "progressive" if named == "unknown" else named


def _timecode_of_file(streams: tuple[StreamInfo, ...], container: Any) -> str | None:
    for stream in sorted(streams, key=lambda s: s.kind != "video"):
        if stream.timecode:
            return stream.timecode
    return _tag(container, "timecode")


def _tag(tagged: Any, name: str) -> str | None:
    """A tag of a stream or container; Matroska writes the names in capitals."""
    return next((value for key, value in tagged.metadata.items() if key.lower() == name), None)


def _language(stream: Any) -> str | None:
    tag = _tag(stream, "language")
    return tag if tag and tag != "und" else None


def _text(value: Fraction | None) -> str | None:
    return None if value is None else fraction_text(value)


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _seconds(value: Fraction | None) -> str:
    return "unknown" if value is None else f"{float(value):.6g} s"


def _rate_words(info: VideoInfo) -> str:
    if info.rate is not None:
        exact = "" if info.rate.denominator == 1 else f" = {float(info.rate):.3f}"
        return f"{info.rate}{exact} frames per second"
    if info.variable_rate:
        about = f", about {float(info.nominal_rate):.3f}" if info.nominal_rate else ""
        return f"variable frame rate{about}"
    return "unknown frame rate"


def _apart_words(apart: Fraction) -> str:
    if apart == 0:
        return "sound and picture start together"
    later = "later" if apart > 0 else "earlier"
    return f"the sound starts {abs(float(apart)) * 1000:.3f} ms {later} than the picture"
