"""A copy of a video that every browser plays, with every presentation time kept.

A browser has one clock for one file: it starts at 0 and knows no instant below it. So the preview is the
file moved by one exact constant, ``zero``: preview time t is the instant ``t + zero`` on the media clock, for
the picture and for the sound alike. A stream that browsers play is copied packet for packet; one that they do not play
is encoded again, small, frame by frame at the same times. Both come out of one pass over the file, which may be that
of somebody else: a :class:`PreviewWriter` is a few more consumers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import lcm
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import av
import numpy as np

from genlock.core.errors import MediaError, NoStream, OptionError, OutputError
from genlock.core.files import atomic_path
from genlock.core.grid import Grid
from genlock.core.progress import Progress, silent
from genlock.core.time import round_fraction
from genlock.media.background import Background
from genlock.media.consumers import AudioBlock, AudioForm, Consumer, PacketForm, VideoCell, VideoForm
from genlock.media.copy import CopiedStream, add_copied_stream
from genlock.media.encode import PictureEncoder, SoundEncoder, has_encoder, movie_timescale, open_output
from genlock.media.opening import reason_of
from genlock.media.probe import AudioInfo, MediaInfo, VideoInfo, probe
from genlock.media.read import ReadOptions, read

__all__ = ["Preview", "PreviewOptions", "PreviewWriter", "make_preview", "preview_ending"]

STAGE = "preview"

# What every current browser plays of each container. Of H.264 not every profile, and 8 bits of 4:2:0 only.
_PLAYABLE_PICTURES = {".mp4": frozenset({"h264", "vp9", "av1"}), ".webm": frozenset({"vp8", "vp9", "av1"})}
_PLAYABLE_SOUNDS = {".mp4": frozenset({"aac", "mp3", "opus"}), ".webm": frozenset({"opus", "vorbis"})}
_PLAYABLE_PIXELS = frozenset({"yuv420p", "yuvj420p"})
_UNPLAYABLE_PROFILES = ("High 10", "High 4:2:2", "High 4:4:4", "CAVLC 4:4:4", "Extended", "Multiview")
_FIELDS_OR_FRAMES = frozenset({"h264"})  # codecs of which a packet may be half a frame
# Containers that can state the priming of sound, and whose packets mean the same in MP4 and WebM.
_COPY_SOUND_FROM = frozenset({"mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm"})
_WEBM = frozenset({"matroska", "webm"})  # both count in milliseconds, so that WebM keeps what Matroska says
_AAC_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})
_OPUS_RATE = 48000
_FINEST_TICKS = 10_000_000  # a second; MP4 counts in 32 bits
_COMMON_TICKS = 90_000
_WIDEST = Fraction(
    16, 9
)  # most of the longer over the shorter side's limit of a picture that is encoded again
_SHARED_LONGEST_SIDE = (
    640  # the form in which faces are looked for: a picture of this size is made once for both
)
_HASTY_FROM_SECONDS = 600  # beyond it, time matters more than looks
_HASTY_SHORT_SIDE = 240
_TIME_TOLERANCE = Fraction(1, 1000)  # a copy whose frames or sound lie further off is not used
_FAILURES = (av.FFmpegError, ValueError)


@dataclass(frozen=True)
class PreviewOptions:
    """How a preview is made.

    >>> PreviewOptions(short_side=240).short_side
    240
    """

    short_side: int = field(default=360)
    """Pixels of the shorter side of a picture that is encoded again, 64...2160; at most 240 beyond ten minutes. Never
    enlarged; the longer side is at most 16/9 of it, which is 640."""
    quality: int = field(default=21)
    """x264's constant rate factor, 0 (best)...51, for a picture that is encoded again."""
    copy: bool = True
    """Whether streams that browsers play are copied as they are, whatever their size; False encodes everything."""
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
    """The file: MP4, or WebM for VP8, and for VP9 and AV1 out of Matroska."""
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
        return (
            f"{'video' if self.has_picture else 'audio'}/{'webm' if self.path.suffix == '.webm' else 'mp4'}"
        )

    @property
    def zero_seconds(self) -> float:
        """:attr:`zero` as a float."""
        return float(self.zero)


def preview_ending(info: MediaInfo, reading: ReadOptions | None = None) -> Literal[".mp4", ".webm"]:
    """The ending of a preview's name: ``.webm`` where the file's picture can only or best be copied into WebM.

    >>> from genlock.testing import example_video
    >>> preview_ending(probe(example_video()))
    '.mp4'
    """
    reading = reading or ReadOptions()
    picture, sound = info.picture(reading.video_stream), info.sound(reading.audio_stream)
    if picture is None or not _WEBM & set(info.container.split(",")) or reading.cut != (None, None):
        return ".mp4"
    fits = sound is None or sound.codec in _PLAYABLE_SOUNDS[".webm"] or picture.codec == "vp8"
    return ".webm" if picture.codec in _PLAYABLE_PICTURES[".webm"] and fits else ".mp4"


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
    target : file to write; its ending is ``.mp4``, or ``.webm`` where :func:`preview_ending` says so
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
    info, options = info or probe(source), options or PreviewOptions()
    with atomic_path(target) as temporary:
        for chosen in (options, replace(options, copy=False)):
            with PreviewWriter(temporary, info, chosen, reading, ending=Path(target).suffix) as writer:
                length = None if info.duration is None else float(info.duration)
                read(
                    source,
                    writer.consumers,
                    reading,
                    lambda done, total: progress(STAGE, done, total if length is None else length),  # noqa: B023
                )
                made = writer.preview(Path(target))
            if made is not None:
                progress(STAGE, length or 0.0, length or 0.0)
                return made
    raise AssertionError("a preview that is encoded is always made")


class PreviewWriter:
    """Writes a preview out of a pass over the file: hand its consumers to the pass, then ask for the preview.

    What is encoded is encoded in a thread of its own, which ``close`` (or ``with``) ends; if a stream is copied, all is
    done in the thread that reads.

    Parameters
    ----------
    target : file to write
    info : what :func:`genlock.media.probe` says of the source
    ending : ``.mp4`` or ``.webm``: the container; by default as the target ends

    Raises
    ------
    NoStream
        If the file holds neither picture nor sound that decodes.
    OutputError
        If the target cannot be written.
    """

    def __init__(
        self,
        target: Path,
        info: MediaInfo,
        options: PreviewOptions | None = None,
        reading: ReadOptions | None = None,
        *,
        ending: str | None = None,
    ) -> None:
        self._target, self._info = target, info
        self._options, self._reading = options or PreviewOptions(), reading or ReadOptions()
        self._ending = ".webm" if (ending or target.suffix) == ".webm" else ".mp4"
        self._picture = _with_start(info.picture(self._reading.video_stream))
        self._sound = _with_start(info.sound(self._reading.audio_stream))
        starts = [s.start for s in (self._picture, self._sound) if s is not None and s.start is not None]
        if not starts:
            raise NoStream(f"{info.path!r} has neither a picture nor sound that can be played")
        cut = self._reading.cut[0]
        self._zero: Fraction = min(starts) if cut is None else max(min(starts), cut)
        self._note = ""
        self._copies_picture = self._picture is not None and self._plays_picture(self._picture)
        self._copies_sound = self._sound is not None and self._plays_sound(self._sound)
        if not self._copies_picture:
            self._leave_out_a_long_picture()
        try:
            self._output: Any = self._open()
        except OSError as error:
            raise OutputError(f"the preview {str(target)!r} cannot be written: {error.strerror}") from error
        self._writers = [*self._writers_of_picture(), *self._writers_of_sound()]
        self._background = Background(self._writers)
        copies = self._copies_picture or self._copies_sound
        self.consumers: tuple[Consumer, ...] = tuple(self._writers) if copies else self._background.consumers
        """The consumers that the pass has to feed."""

    def __enter__(self) -> PreviewWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the thread and close the file, whatever is in it."""
        self._background.close()
        if self._output is not None:
            output, self._output = self._output, None
            with suppress(*_FAILURES):  # given up: whoever wants the preview has closed it
                output.close()

    def preview(self, path: Path | None = None) -> Preview | None:
        """What was made, after the pass has ended; None if the copy does not keep the times: encode it instead.

        Parameters
        ----------
        path : the name that the file will have; by default that of ``target``
        """
        copied = self._copies_picture or self._copies_sound
        picture, sound = (self._written(kind) for kind in ("video", "audio"))
        failure = next((w.failure for w in self._writers if isinstance(w, _PacketWriter) and w.failure), None)
        if not copied and not picture and not sound:
            raise NoStream(
                f"{self._info.path!r} has neither picture nor sound in the part that was asked for"
            )
        try:
            if self._output is not None:
                output, self._output = self._output, None
                output.close()
        except _FAILURES as error:
            failure = reason_of(error)
            if not copied:
                raise OutputError(
                    f"the preview {str(self._target)!r} cannot be written: {failure}"
                ) from error
        if copied and (failure is not None or not self._times_kept()):
            return None
        with av.open(f"file:{self._target}") as container:
            length = float(Fraction(container.duration or 0, av.time_base))
        return Preview(
            path or self._target,
            self._zero,
            length,
            has_picture=picture > 0,
            has_sound=sound > 0,
            copied=all(isinstance(writer, _PacketWriter) for writer in self._writers),
            frame_count=picture,
            size_bytes=self._target.stat().st_size,
            note=self._note,
        )

    # ------------------------------------------------------------ what is done with each stream

    def _plays_picture(self, picture: VideoInfo) -> bool:
        """Whether every browser plays the picture as it is."""
        return (
            self._options.copy
            and self._reading.cut == (None, None)
            and picture.codec in _PLAYABLE_PICTURES[self._ending]
            and (self._ending != ".webm" or bool(_WEBM & set(self._info.container.split(","))))
            and picture.pixels in _PLAYABLE_PIXELS
            and not (picture.profile or "").startswith(_UNPLAYABLE_PROFILES)
            and picture.interlacing in ("progressive", "unknown")
            and (picture.packets_are_frames or picture.codec not in _FIELDS_OR_FRAMES)
        )

    def _plays_sound(self, sound: AudioInfo) -> bool:
        """Whether every browser plays the sound as it is, and at the same times."""
        return (
            self._options.copy
            and self._reading.cut == (None, None)
            and sound.codec in _PLAYABLE_SOUNDS[self._ending]
            and bool(_COPY_SOUND_FROM & set(self._info.container.split(",")))
            # MP4 has no place for the delay that an MP3 states: the browser would play it.
            and not (sound.codec == "mp3" and sound.encoder_delay_samples)
        )

    def _leave_out_a_long_picture(self) -> None:
        picture = self._picture
        if picture is None or self._sound is None or picture.duration is None:
            return
        low, high = self._reading.cut
        start = picture.start or Fraction(0)
        end = start + picture.duration
        length = min(end, end if high is None else high) - max(start, start if low is None else low)
        if length <= self._options.picture_up_to_seconds:
            return
        limit = self._options.picture_up_to_seconds / 60
        self._note = (
            f"The picture ({picture.codec}) is none that browsers play, and longer than {limit:g} minutes: "
            "only the sound plays here."
        )
        self._picture = None

    def _open(self) -> Any:
        if self._ending == ".webm":
            return open_output(self._target, "webm")
        # A late start is an empty edit, counted in the file's own time scale: 1/1000 s unless it is set.
        lengths = [] if self._picture is None else [_tick(self._picture, self._zero)]
        lengths += [] if self._sound is None else [1 / self._sound.rate]
        options = {"movflags": "faststart", "movie_timescale": movie_timescale(*lengths), "use_editlist": "1"}
        return open_output(self._target, "mp4", options)

    def _writers_of_picture(self) -> list[_Writer]:
        if self._picture is None:
            return []
        if self._copies_picture:
            return [_PacketWriter(self._output, "video", self._zero, self._may_write)]
        return [_PictureWriter(self._output, self._picture, self._zero, self._options)]

    def _writers_of_sound(self) -> list[_Writer]:
        if self._sound is None:
            return []
        if self._copies_sound:
            return [_PacketWriter(self._output, "audio", self._zero, self._may_write)]
        return [_SoundWriter(self._output, self._sound, self._zero, opus=self._ending == ".webm")]

    def _may_write(self) -> bool:
        """False once copying has failed: then nothing more is written."""
        return not any(w.failure for w in self._writers if isinstance(w, _PacketWriter))

    def _written(self, kind: str) -> int:
        return sum(writer.count for writer in self._writers if writer.kind == kind)

    def _times_kept(self) -> bool:
        """Read the copy back: its frames and its sound must lie where they lie in the source."""
        try:
            made = probe(self._target)
        except MediaError:
            return False
        if self._copies_picture and not (made.video and self._picture_kept(made.video[0])):
            return False
        if self._sound is not None and self._copies_sound:
            start = made.audio[0].start if made.audio else None
            if start is None or self._sound.start is None:
                return False
            return bool(abs(start - (self._sound.start - self._zero)) <= _TIME_TOLERANCE)
        return True

    def _picture_kept(self, made: VideoInfo) -> bool:
        picture = self._picture
        assert picture is not None
        looks = [(p.rotation_degrees, p.mirrored, p.sample_aspect) for p in (picture, made)]
        # Of ten hours and more, as many frames as the probe looked at.
        count = picture.frames or picture.frames_judged
        if looks[0] != looks[1] or picture.cells is None or made.cells is None or not count:
            return False
        if made.frames not in (count, None) and picture.frames is not None:
            return False
        off = picture.cells.edges(count)[:-1] - float(self._zero) - made.cells.edges(count)[:-1]
        return bool(np.abs(off).max() <= float(_TIME_TOLERANCE))


def _with_start(stream: Any) -> Any:
    """The stream, or None where none of it decodes."""
    return stream if stream is not None and stream.start is not None else None


class _PacketWriter:
    """Packets taken over as they are, all moved by ``-zero``. A failure is kept: the pass goes on for others."""

    def __init__(
        self, output: Any, kind: Literal["video", "audio"], zero: Fraction, may_write: Callable[[], bool]
    ) -> None:
        self.output, self.kind, self.zero, self.may_write = output, kind, zero, may_write
        self.form = PacketForm(kind)
        self.failure = ""
        self.count = 0
        self._copied: CopiedStream | None = None

    def begin(self, stream: Any) -> None:
        """Takes the stream of the input, before the first packet."""
        self._copied = CopiedStream(stream, move=-self.zero, whole_only=True)
        try:
            add_copied_stream(self.output, self._copied, tag=False)
        except _FAILURES as error:
            self.failure = str(error)

    def push(self, packet: Any) -> None:
        """Copy one packet."""
        if self._copied is not None and self.may_write():
            self._send(self._copied, self._copied.take(packet))

    def finish(self) -> None:
        """Write what still waits."""
        if self._copied is not None and self.may_write():
            self._send(self._copied, self._copied.rest())

    def _send(self, copied: CopiedStream, packets: list[Any]) -> None:
        try:
            for packet in packets:
                copied.send(packet, self.output)
                self.count += 1
        except (*_FAILURES, OutputError) as error:  # a stream that the container cannot hold as it is
            self.failure = str(error)


class _PictureWriter:
    """Takes each frame with its cell, upright and small, and encodes it at its own time."""

    kind = "video"

    def __init__(self, output: Any, picture: VideoInfo, zero: Fraction, options: PreviewOptions) -> None:
        self.zero = zero
        hasty = (picture.duration or 0) > _HASTY_FROM_SECONDS
        size = _fitted(picture, min(options.short_side, _HASTY_SHORT_SIDE) if hasty else options.short_side)
        self.form = _form_of(picture, size)
        self.base = _tick(picture, zero)
        rate = picture.rate or picture.nominal_rate or Fraction(25)
        name, settings = _video_codec(options.quality)
        # Key frames lie close together, so that stepping is quick.
        settings["g"] = str(max(1, round_fraction(rate / 2, "nearest")))
        self.encoder = PictureEncoder(
            output, name, size, rate=rate.limit_denominator(1001000), tick=self.base, options=settings
        )
        self.count = 0
        self.previous = -1

    def push(self, cell: VideoCell) -> None:
        """Encode one frame."""
        stamp = max(0, self._stamp(cell.start))  # the first frame of a part may begin before the part
        if stamp <= self.previous:
            return
        self.previous = stamp
        self.count += 1
        self.encoder.write(cell.pixels, stamp, max(stamp + 1, self._stamp(cell.end)))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self.count:
            self.encoder.finish()

    def _stamp(self, instant: Fraction) -> int:
        return round_fraction((instant - self.zero) / self.base, "nearest")


class _SoundWriter:
    """Takes contiguous samples and encodes them from preview time 0 on; before the first one is silence."""

    kind = "audio"

    def __init__(self, output: Any, sound: AudioInfo, zero: Fraction, opus: bool) -> None:
        self.zero = zero
        channels = 1 if sound.channels == 1 else 2
        aac = not opus and has_encoder("aac")
        own_rate_fits = sound.rate in (_AAC_RATES if aac else {_OPUS_RATE})
        rate = int(sound.rate) if own_rate_fits else _OPUS_RATE
        self.form = AudioForm(rate, channels)
        self.encoder = SoundEncoder(
            output,
            "aac" if aac else "libopus",
            rate,
            "mono" if channels == 1 else "stereo",
            bit_rate=72_000 * channels,
        )

    @property
    def count(self) -> int:
        """Samples written so far."""
        return self.encoder.written

    def push(self, block: AudioBlock) -> None:
        """Encode a block; the first one is preceded by silence up to its start."""
        samples = block.samples
        if not self.count:
            first = round_fraction((block.start - self.zero) * block.rate, "nearest")
            samples = samples[max(0, -first) :]
            self.encoder.write_silence_up_to(first)
        if len(samples):
            self.encoder.write(np.clip(samples, -1.0, 1.0))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self.count:
            self.encoder.finish()


_Writer = _PacketWriter | _PictureWriter | _SoundWriter


def _video_codec(quality: int) -> tuple[str, dict[str, str]]:
    # One thread: recognition and the search for faces go on beside it.
    if has_encoder("libx264"):
        return "libx264", {
            "crf": str(quality),
            "preset": "superfast",
            "profile": "high",
            "bf": "0",
            "threads": "1",
        }
    return "libvpx-vp9", {"crf": str(quality + 8), "b": "0", "deadline": "realtime", "cpu-used": "6"}


def _tick(picture: VideoInfo, zero: Fraction) -> Fraction:
    """A tick of the form 1/n that says every stamp, where n stays within what MP4 and encoders take."""
    cells = picture.cells
    if isinstance(cells, Grid):
        denominator = lcm(cells.start.denominator, cells.period.denominator, zero.denominator)
    else:
        denominator = lcm(1000 if cells is None else cells.time_base.denominator, zero.denominator)
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
    scale = min(Fraction(1), short_side / min(width, height), short_side * _WIDEST / max(width, height))
    return _even(width * scale), _even(height * scale)


def _form_of(picture: VideoInfo, size: tuple[int, int]) -> VideoForm:
    """Frames of a size; in the form that the search for faces has too, where that gives the same size."""
    sides = (picture.width, picture.height)
    ratio = min(Fraction(1), Fraction(_SHARED_LONGEST_SIDE, max(sides)))
    shared = tuple(round_fraction(side * ratio, "nearest") for side in sides)
    if picture.rotation_degrees in (90, 270):
        shared = shared[::-1]
    if shared == size:
        return VideoForm(pixels="rgb24", longest_side=_SHARED_LONGEST_SIDE)
    return VideoForm(size=size, pixels="rgb24")


def _even(pixels: Fraction) -> int:
    return max(16, 2 * round_fraction(pixels / 2, "nearest"))
