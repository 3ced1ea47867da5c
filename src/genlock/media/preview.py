"""A copy of a video that every browser plays, with every presentation time kept.

A browser has one clock for one file: it starts at 0 and knows no instant below it. So the preview is the
file moved by one exact constant, ``zero``: preview time t is the instant ``t + zero`` on the media clock, for
the picture and for the sound alike. Streams that a browser plays are copied packet for packet; others are
read once and encoded again, frame by frame, at the same times.
"""

from __future__ import annotations

import heapq
import math
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from genlock.core.errors import MediaError, NoStream, OptionError
from genlock.core.files import atomic_path
from genlock.core.grid import Grid
from genlock.core.progress import Progress, silent
from genlock.core.time import round_fraction
from genlock.media import (
    AudioBlock,
    AudioForm,
    AudioInfo,
    MediaInfo,
    ReadOptions,
    VideoCell,
    VideoForm,
    VideoInfo,
    probe,
    read,
)
from genlock.media.opening import locate, open_source
from genlock.media.streams import choose_picture, choose_sound

__all__ = ["Preview", "PreviewOptions", "make_preview"]

STAGE = "preview"

# Browsers decode 8-bit 4:2:0 only; of H.264 not every profile.
_PLAYABLE_PIXELS = frozenset({"yuv420p", "yuvj420p"})
_UNPLAYABLE_H264 = ("High 10", "High 4:2:2", "High 4:4:4", "CAVLC 4:4:4", "Extended", "Multiview")
# Containers that can state the priming of AAC, and whose packets mean the same in MP4.
_COPY_SOUND_FROM = frozenset({"mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm"})
_AAC_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})
_OPUS_RATE = 48000
_FINEST_TICKS = 10_000_000  # a second; MP4 counts in 32 bits
_COMMON_TICKS = 90_000
_HASTY_FROM_SECONDS = 600  # beyond it, time matters more than looks
_HASTY_SHORT_SIDE = 240
_PAD_BLOCK = 4096  # samples of silence at once
_TIME_TOLERANCE = Fraction(1, 1000)  # a copy whose frames or sound lie further off is not used


@dataclass(frozen=True)
class PreviewOptions:
    """How a preview is made.

    >>> PreviewOptions(short_side=240).short_side
    240
    """

    short_side: int = field(default=360)
    """Pixels of the shorter side of a picture that is encoded again, 64...2160; at most 240 beyond ten
    minutes. Never enlarged."""
    quality: int = field(default=21)
    """x264's constant rate factor, 0 (best)...51, for a picture that is encoded again."""
    copy_up_to_bytes: int = field(default=24_000_000)
    """A playable file up to this size is copied as it is."""
    encode_up_to_seconds: float = field(default=300.0)
    """A larger playable file is made small if it is no longer than this, else copied as it is."""
    picture_up_to_seconds: float = field(default=3600.0)
    """A picture that must be encoded again and is longer than this is left out: the sound alone plays."""

    def __post_init__(self) -> None:
        if not 64 <= self.short_side <= 2160:
            raise OptionError(f"short_side={self.short_side} lies outside 64...2160 pixels")
        if not 0 <= self.quality <= 51:
            raise OptionError(f"quality={self.quality} lies outside 0...51")


@dataclass(frozen=True)
class Preview:
    """A preview that was made, and how its clock lies on the media clock."""

    path: Path
    """The file: MP4 with H.264 and AAC (VP9 and Opus where this PyAV cannot encode those)."""
    zero: Fraction
    """The instant on the media clock that preview time 0 is, in exact seconds."""
    duration_seconds: float
    """Preview time of the end of the last frame or sample."""
    has_picture: bool
    """Whether there is a picture."""
    has_sound: bool
    """Whether there is sound."""
    copied: bool
    """True if the streams were copied, False if any was encoded again."""
    frame_count: int
    """Number of frames in it."""
    size_bytes: int
    """Size of the file."""
    note: str = ""
    """What was left out, and why; a sentence."""

    @property
    def mime(self) -> str:
        """What a browser is told that it is."""
        return "video/mp4" if self.has_picture else "audio/mp4"

    @property
    def zero_seconds(self) -> float:
        """:attr:`zero` as a float."""
        return float(self.zero)


def make_preview(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    options: PreviewOptions | None = None,
    *,
    reading: ReadOptions | None = None,
    info: MediaInfo | None = None,
    progress: Progress = silent,
) -> Preview:
    """Write a browser-playable copy of a media file, atomically, with bounded memory.

    Parameters
    ----------
    source : a file or a URL
    target : file to write; its ending should be ``.mp4``
    reading : which streams, and which part of them; a part is always encoded again
    info : what :func:`genlock.media.probe` says of the source, if that is known already
    progress : told of the stage ``"preview"``, in seconds of the recording

    Raises
    ------
    MediaError
        If the file cannot be read; NoStream if it holds neither picture nor sound.
    OutputError
        If the target cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from genlock.media import Picture, Sound, encode
    >>> picture = Picture([np.full((48, 64), 10 * k, np.uint8) for k in range(5)], rate=25, start="0.5")
    >>> sound = Sound(np.zeros(16000), 16000, start="0.3", codec="flac")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     encode(f"{folder}/a.mkv", picture, sound)
    ...     preview = make_preview(f"{folder}/a.mkv", f"{folder}/preview.mp4")
    >>> preview.zero, preview.frame_count
    (Fraction(3, 10), 5)
    """
    job = _Job(source, options or PreviewOptions(), reading or ReadOptions(), info or probe(source), progress)
    with atomic_path(target) as temporary:
        copied = job.may_copy() and job.copy(temporary)
        if not copied:
            job.encode(temporary)
        size = temporary.stat().st_size
        with av.open(f"file:{temporary}") as container:
            length = float(Fraction(container.duration or 0, av.time_base))
    return Preview(
        Path(target),
        job.zero,
        length,
        job.picture is not None,
        job.sound is not None,
        copied,
        job.frames,
        size,
        job.note,
    )


class _Job:
    """One preview: what is in the source, where its clock begins, and the two ways to write it."""

    def __init__(
        self, source: Any, options: PreviewOptions, reading: ReadOptions, info: MediaInfo, progress: Progress
    ) -> None:
        self.source, self.info, self.progress = source, info, progress
        self.options, self.reading = options, reading
        self.picture: VideoInfo | None = _chosen(info.video, reading.video_stream)
        self.sound: AudioInfo | None = _chosen(info.audio, reading.audio_stream)
        starts = [s.start for s in (self.picture, self.sound) if s is not None and s.start is not None]
        if not starts:
            raise NoStream(f"{info.path!r} has neither a picture nor sound that can be played")
        first = min(starts)
        cut = reading.cut[0]
        self.zero: Fraction = first if cut is None else max(first, cut)
        self.frames = 0
        self.note = ""

    def ticks_per_second(self) -> int:
        """A time scale that says the starts of both streams exactly, where one within reason does."""
        parts = [] if self.picture is None else [_tick(self.picture, self.zero).denominator]
        parts += [] if self.sound is None else [int(self.sound.rate)]
        scale = math.lcm(1000, *parts)
        return scale if scale <= _FINEST_TICKS else _COMMON_TICKS

    # ------------------------------------------------------------ copying

    def may_copy(self) -> bool:
        """Whether every browser plays the streams as they are, and the size is no obstacle."""
        size, length = self.info.size_bytes, self.info.duration
        if size is None or length is None or self.reading.cut != (None, None):
            return False
        if size > self.options.copy_up_to_bytes and length <= self.options.encode_up_to_seconds:
            return False
        return (self.picture is None or _plays_picture(self.picture, self._profile())) and (
            self.sound is None or self._plays_sound(self.sound)
        )

    def _profile(self) -> str:
        address = locate(self.source)
        with open_source(address) as container:
            return choose_picture(container, self.reading.video_stream, address).codec_context.profile or ""

    def _plays_sound(self, sound: AudioInfo) -> bool:
        return sound.codec == "aac" and bool(_COPY_SOUND_FROM & set(self.info.container.split(",")))

    def copy(self, target: Path) -> bool:
        """Copy the packets, moved by ``-zero``; False if that did not keep the times."""
        address = locate(self.source)
        with ExitStack() as keep:
            output = keep.enter_context(_new_file(target, self.ticks_per_second()))
            lines = []
            for wanted, choose, number in (
                (self.picture, choose_picture, self.reading.video_stream),
                (self.sound, choose_sound, self.reading.audio_stream),
            ):
                if wanted is not None:
                    stream = choose(keep.enter_context(open_source(address)), number, address)
                    lines.append(_CopiedLine(output, stream, self.zero))
            try:
                self._mux_in_order(output, lines)
            except (av.FFmpegError, ValueError):  # a stream that MP4 cannot hold as it is
                return False
        if not all(line.usable for line in lines) or not self._times_kept(target):
            return False
        self.frames = lines[0].packets_written if self.picture is not None else 0
        return True

    def _mux_in_order(self, output: Any, lines: list[_CopiedLine]) -> None:
        def when(packet: Any) -> float:
            return float(packet.dts * packet.time_base)

        length = float(self.info.duration or 0)
        for number, packet in enumerate(heapq.merge(*(line.packets() for line in lines), key=when)):
            if number % 256 == 0:
                self.progress(STAGE, min(max(when(packet), 0.0), length), length)
            output.mux(packet)
        self.progress(STAGE, length, length)

    def _times_kept(self, target: Path) -> bool:
        """Read the copy back: its frames and its sound must lie where they lie in the source."""
        try:
            made = probe(target)
        except MediaError:
            return False
        if self.picture is not None:
            meant, found = self.picture.cells, made.video[0].cells if made.video else None
            # Of ten hours and more, as many frames as the probe looked at.
            count = self.picture.frames or self.picture.frames_judged
            if meant is None or found is None or made.video[0].frames not in (count, None) or not count:
                return False
            off = meant.edges(count)[:-1] - float(self.zero) - found.edges(count)[:-1]
            if np.abs(off).max() > float(_TIME_TOLERANCE):
                return False
        if self.sound is not None:
            start = made.audio[0].start if made.audio else None
            if start is None or self.sound.start is None:
                return False
            return abs(start - (self.sound.start - self.zero)) <= _TIME_TOLERANCE
        return True

    # ------------------------------------------------------------ encoding

    def encode(self, target: Path) -> None:
        """Read the source once; write every frame and every sample at its own time."""
        self._leave_out_a_long_picture()
        length = None if self.info.duration is None else float(self.info.duration)
        with _new_file(target, self.ticks_per_second()) as output:
            consumers: list[Any] = []
            picture = sound = None
            if self.picture is not None:
                picture = _PictureWriter(output, self.picture, self.zero, self.options)
                consumers.append(picture)
            if self.sound is not None:
                sound = _SoundWriter(output, self.sound, self.zero)
                consumers.append(sound)
            read(
                self.source,
                consumers,
                self.reading,
                progress=lambda done, total: self.progress(STAGE, done, length if total is None else total),
            )
        self.frames = 0 if picture is None else picture.count
        self.picture = None if picture is None or not picture.count else self.picture
        self.sound = None if sound is None or not sound.written else self.sound
        if self.picture is None and self.sound is None:
            raise NoStream(f"{self.info.path!r} has neither picture nor sound in the part that was asked for")

    def _leave_out_a_long_picture(self) -> None:
        if self.picture is None or self.sound is None or self.picture.duration is None:
            return
        low, high = self.reading.cut
        start = self.picture.start or Fraction(0)
        end = start + self.picture.duration
        length = min(end, end if high is None else high) - max(start, start if low is None else low)
        if length <= self.options.picture_up_to_seconds:
            return
        limit = self.options.picture_up_to_seconds / 60
        self.note = (
            f"The picture ({self.picture.codec}) is none that browsers play, and longer than {limit:g} minutes: "
            "only the sound plays here."
        )
        self.picture = None


def _chosen(streams: tuple[Any, ...], number: int | None) -> Any:
    """The stream of a number, by default the first; None where none of it decodes."""
    found = next((s for s in streams if s.number == (number or 0)), None)
    return found if found is not None and found.start is not None else None


def _plays_picture(picture: VideoInfo, profile: str) -> bool:
    return (
        picture.codec == "h264"
        and picture.pixels in _PLAYABLE_PIXELS
        and not profile.startswith(_UNPLAYABLE_H264)
        and picture.interlacing in ("progressive", "unknown")
        and picture.packets_are_frames
        and not picture.rotation_degrees
        and not picture.mirrored
        and picture.sample_aspect == 1
    )


def _new_file(target: Path, ticks_per_second: int) -> Any:
    # A late start is an empty edit, counted in the file's own time scale: 1/1000 s unless it is set.
    options = {"movflags": "faststart", "movie_timescale": str(ticks_per_second)}
    return av.open(f"file:{target}", "w", format="mp4", container_options=options)


class _CopiedLine:
    """Packets taken over as they are, all moved by ``-zero``."""

    def __init__(self, output: Any, source: Any, zero: Fraction) -> None:
        self.source, self.sound = source, source.type == "audio"
        self.stream = output.add_stream_from_template(source, opaque=True)
        self.ticks = round_fraction(zero / Fraction(source.time_base), "nearest")
        self.usable = True
        self.packets_written = 0

    def packets(self) -> Iterator[Any]:
        """The packets in decoding order, on the preview's clock."""
        begun = False
        for packet in _with_decoding_times(self.source.container.demux(self.source)):
            if packet.pts is None or packet.dts is None or (packet.is_discard and (begun or not self.sound)):
                # Stamps that the container lacks, or an edit list that cuts inside the stream.
                self.usable = False
                return
            begun = begun or not packet.is_discard
            packet.pts -= self.ticks
            packet.dts -= self.ticks
            packet.stream = self.stream
            self.packets_written += 1
            yield packet


def _with_decoding_times(packets: Iterator[Any]) -> Iterator[Any]:
    """Packets with the decoding times that Matroska leaves out at the start (it knows no negative ones)."""
    waiting: list[Any] = []
    begun = False
    for packet in packets:
        if packet.size == 0:
            continue
        if packet.dts is None and packet.pts is not None and not begun and len(waiting) < 32:
            waiting.append(packet)
            continue
        if waiting and packet.dts is not None:
            step = max(1, packet.duration or waiting[0].duration or 1)
            for number, early in enumerate(waiting):
                early.dts = packet.dts - step * (len(waiting) - number)
        yield from waiting
        waiting.clear()
        begun = True
        yield packet
    yield from waiting


class _PictureWriter:
    """Takes each frame with its cell, upright and small, and encodes it at its own time."""

    def __init__(self, output: Any, picture: VideoInfo, zero: Fraction, options: PreviewOptions) -> None:
        self.output, self.zero = output, zero
        hasty = (picture.duration or 0) > _HASTY_FROM_SECONDS
        size = _fitted(picture, min(options.short_side, _HASTY_SHORT_SIDE) if hasty else options.short_side)
        self.form = VideoForm(size=size, pixels="rgb24")
        self.base = _tick(picture, zero)
        rate = picture.rate or picture.nominal_rate or Fraction(25)
        name, settings = _video_codec(options.quality, hasty)
        self.stream = output.add_stream(name, rate=rate.limit_denominator(1001000), options=settings)
        self.stream.time_base = self.base
        context = self.stream.codec_context
        context.width, context.height = size
        context.pix_fmt, context.time_base, context.max_b_frames = "yuv420p", self.base, 0
        context.gop_size = max(1, round_fraction(rate / 2, "nearest"))  # short, so that stepping is quick
        self.count = 0
        self.previous = -1
        self.waiting: Any = None
        self.last_end = 0

    def push(self, cell: VideoCell) -> None:
        """Encode one frame."""
        stamp = max(0, self._stamp(cell.start))  # the first frame of a part may begin before the part
        if stamp <= self.previous:
            return
        self.previous, self.last_end = stamp, self._stamp(cell.end)
        frame = av.VideoFrame.from_ndarray(cell.pixels, format="rgb24")
        frame.pts, frame.time_base = stamp, self.base
        self.count += 1
        self._write(self.stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if not self.count:
            return
        self._write(self.stream.encode(None))
        if self.waiting is not None:
            self._mux(
                self.waiting, round_fraction(self.last_end * self.base / self.waiting.time_base, "nearest")
            )

    def _stamp(self, instant: Fraction) -> int:
        return round_fraction((instant - self.zero) / self.base, "nearest")

    def _write(self, packets: list[Any]) -> None:
        # One late, so that each packet can say for how long its frame is shown.
        for packet in packets:
            if self.waiting is not None:
                self._mux(self.waiting, packet.pts)
            self.waiting = packet

    def _mux(self, packet: Any, end: int) -> None:
        packet.duration = max(1, end - packet.pts)
        self.output.mux(packet)


class _SoundWriter:
    """Takes contiguous samples and encodes them from preview time 0 on; before the first one is silence."""

    def __init__(self, output: Any, sound: AudioInfo, zero: Fraction) -> None:
        self.output, self.zero = output, zero
        channels = 1 if sound.channels == 1 else 2
        aac = _has_encoder("aac")
        own_rate_fits = sound.rate in (_AAC_RATES if aac else {_OPUS_RATE})
        self.rate = int(sound.rate) if own_rate_fits else _OPUS_RATE
        self.form = AudioForm(self.rate, channels)
        self.layout = "mono" if channels == 1 else "stereo"
        self.stream = output.add_stream("aac" if aac else "libopus", rate=self.rate, layout=self.layout)
        self.stream.codec_context.bit_rate = 72_000 * channels
        self.written = 0

    def push(self, block: AudioBlock) -> None:
        """Encode a block; the first one is preceded by silence up to its start."""
        samples = block.samples
        if not self.written:
            first = round_fraction((block.start - self.zero) * block.rate, "nearest")
            samples = samples[max(0, -first) :]
            while self.written < first:
                self._encode(np.zeros((min(first - self.written, _PAD_BLOCK), samples.shape[1]), np.float32))
        if len(samples):
            self._encode(samples)

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self.written:
            self.output.mux(self.stream.encode(None))

    def _encode(self, samples: Any) -> None:
        loud = np.clip(samples, -1.0, 1.0)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(loud.T), format="fltp", layout=self.layout)
        frame.sample_rate, frame.pts, frame.time_base = self.rate, self.written, Fraction(1, self.rate)
        self.written += len(samples)
        self.output.mux(self.stream.encode(frame))


def _video_codec(quality: int, hasty: bool) -> tuple[str, dict[str, str]]:
    if _has_encoder("libx264"):
        preset = "superfast" if hasty else "veryfast"
        return "libx264", {"crf": str(quality), "preset": preset, "profile": "high"}
    return "libvpx-vp9", {"crf": str(quality + 8), "b": "0", "deadline": "realtime", "cpu-used": "6"}


def _has_encoder(name: str) -> bool:
    try:
        av.codec.Codec(name, "w")
    except ValueError:
        return False
    return True


def _tick(picture: VideoInfo, zero: Fraction) -> Fraction:
    """A tick of the form 1/n that says every stamp, where n stays within what MP4 and encoders take."""
    cells = picture.cells
    if isinstance(cells, Grid):
        denominator = math.lcm(cells.start.denominator, cells.period.denominator, zero.denominator)
    else:
        denominator = math.lcm(1000 if cells is None else cells.time_base.denominator, zero.denominator)
    return Fraction(1, denominator) if denominator <= _FINEST_TICKS else Fraction(1, _COMMON_TICKS)


def _fitted(picture: VideoInfo, short_side: int) -> tuple[int, int]:
    """Width and height of the upright picture with square pixels, small, and even as 4:2:0 needs it."""
    width, height = Fraction(picture.width), Fraction(picture.height)
    if picture.sample_aspect >= 1:
        width *= picture.sample_aspect
    else:
        height /= picture.sample_aspect
    if picture.rotation_degrees in (90, 270):
        width, height = height, width
    scale = min(Fraction(1), short_side / min(width, height))
    # A very long strip stays within what encoders take.
    scale = min(scale, Fraction(4096) / max(width, height))
    return _even(width * scale), _even(height * scale)


def _even(pixels: Fraction) -> int:
    return max(16, 2 * round_fraction(pixels / 2, "nearest"))
