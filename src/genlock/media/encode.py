"""Encode frames and samples at stated instants: test clips, previews, and whatever a model drew or said.

Nothing here chooses a time: every frame and every sample is written at the instant that the caller names. This is
also the only module that opens a file for FFmpeg to write to (:func:`open_output`).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer

from genlock.core.errors import OptionError, OutputError
from genlock.core.files import atomic_path, no_room
from genlock.core.time import Exact, exact, exact_rate, round_fraction

__all__ = [
    "EDIT_LIST_CONTAINERS",
    "Picture",
    "PictureEncoder",
    "Sound",
    "SoundEncoder",
    "encode",
    "has_encoder",
    "layout_of",
    "movie_timescale",
    "open_output",
]

#: Containers whose edit lists say when a stream starts, in units of the whole file.
EDIT_LIST_CONTAINERS = frozenset({"mp4", "mov", "ipod", "3gp", "3g2", "psp"})
_BLOCK = 1024  # samples handed to the encoder at once
_FINEST_TIMESCALE = 14_112_000  # a multiple of every usual sample rate
_COARSEST_TIMESCALE = 1000  # FFmpeg's own choice, which rounds every start to a millisecond
_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


@dataclass(frozen=True)
class Picture:
    """Frames to encode, and when each is shown.

    Frame k is shown from ``start + k/rate``, or from ``pts[k] * time_base`` where ``pts`` is given.
    """

    frames: Iterable[npt.NDArray[np.uint8]]
    """RGB ``[H, W, 3]`` or grey ``[H, W]``, uint8, all of one size; taken one at a time. With ``planar`` the planes of
    yuv420p, ``[3 H/2, W]``, as :class:`genlock.media.VideoForm` gives them."""
    rate: Exact = 25
    """Frames per second; with ``pts`` only what the header states."""
    start: Exact = 0
    """Instant of the first frame, in seconds; not used with ``pts``."""
    pts: Sequence[int] | None = None
    """Left edges of the frames in ticks, strictly increasing, for a variable rate."""
    time_base: Exact | None = None
    """Seconds per tick of ``pts``. The container may round it: Matroska keeps milliseconds."""
    codec: str | None = None
    """FFmpeg's name of the encoder, such as ``libx264``; None: what the container prefers."""
    pixels: str = "yuv420p"
    """FFmpeg's name of the pixel format."""
    rotation: int = 0
    """Degrees counter-clockwise that a player turns the picture by (display matrix): 0, 90, 180, 270."""
    aspect: Exact = 1
    """Width of one pixel over its height."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Options of the encoder, such as ``{"crf": "18", "g": "25"}``."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Tags of the stream, such as ``{"timecode": "01:00:00:00"}``."""
    planar: bool = False
    """Whether ``frames`` are planes of yuv420p, which is then taken as it is, and not turned to RGB and back."""


@dataclass(frozen=True)
class Sound:
    """Samples to encode; sample n lies at ``start + n/rate``."""

    samples: npt.NDArray[np.floating[Any]]
    """``[n]`` or ``[n, channels]``, -1...1."""
    rate: int = 48000
    """Samples per second."""
    start: Exact = 0
    """Instant of sample 0, in seconds; rounded to the nearest sample period."""
    codec: str | None = None
    """FFmpeg's name of the encoder, such as ``aac``; None: what the container prefers."""
    layout: str | None = None
    """FFmpeg's name of the channel layout, such as ``5.1``; None: the usual one for the count."""
    bit_rate: int = 0
    """Bits per second; 0: the encoder's default."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Options of the encoder."""


def encode(
    path: str | os.PathLike[str],
    picture: Picture | None = None,
    sound: Sound | None = None,
    *,
    container: str | None = None,
    options: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a file with the picture and the sound at the instants that they state.

    Parameters
    ----------
    path : written atomically; its ending names the container unless ``container`` does
    picture, sound : at least one of them
    container : FFmpeg's name of the container, such as ``matroska``
    options : options of the container, such as ``{"movflags": "faststart"}``
    metadata : tags of the file, such as ``{"title": "..."}``

    Raises
    ------
    OptionError
        If there is nothing to encode, or pts and frames disagree.
    OutputError
        If the container cannot hold what is asked for, or the file cannot be written.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from genlock.media import probe
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     frames = [np.zeros((32, 32), np.uint8)] * 5
    ...     encode(f"{folder}/a.mp4", Picture(frames, rate="30000/1001", codec="libx264"))
    ...     print(probe(f"{folder}/a.mp4").video[0].rate)
    30000/1001
    """
    if picture is None and sound is None:
        raise OptionError("there is nothing to encode: give a picture, a sound or both")
    with atomic_path(path) as temporary:
        try:
            _encode(temporary, picture, sound, container, dict(options or {}), dict(metadata or {}))
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, OptionError) or no_room(error):
                raise
            raise OutputError(
                f"cannot encode {str(path)!r}: {error}; choose another container, codec or rate"
            ) from error


def open_output(
    path: str | os.PathLike[str], container: str | None = None, options: Mapping[str, str] | None = None
) -> OutputContainer:
    """Open a file for FFmpeg to write to; use it in a ``with``.

    Parameters
    ----------
    path : a file; its ending names the container unless ``container`` does
    container : FFmpeg's name of the container, such as ``matroska``
    options : options of the container, such as ``{"movflags": "faststart"}``

    Raises
    ------
    av.FFmpegError, ValueError
        If the container is unknown or cannot be opened; callers name the user's file and what to do.
    """
    return av.open(f"file:{os.fspath(path)}", "w", format=container, container_options=dict(options or {}))


def movie_timescale(*lengths: Fraction) -> str:
    """Units a second in which MP4 and MOV count how late a stream starts, fine enough for all these lengths.

    >>> movie_timescale(Fraction(1, 25), Fraction(1, 44100))
    '44100'
    """
    scale = 1
    for length in lengths:
        finer = math.lcm(scale, length.denominator)
        scale = finer if finer <= _FINEST_TIMESCALE else scale
    return str(scale * math.ceil(_COARSEST_TIMESCALE / scale))


def has_encoder(name: str) -> bool:
    """Whether this build of FFmpeg has the encoder.

    >>> has_encoder("flac"), has_encoder("nonsense")
    (True, False)
    """
    try:
        av.codec.Codec(name, "w")
    except ValueError:
        return False
    return True


def layout_of(channels: int) -> str:
    """FFmpeg's name of the usual layout of so many channels.

    Raises OptionError where there is none.

    >>> layout_of(6)
    '5.1'
    """
    if channels not in _USUAL_LAYOUTS:
        raise OptionError(f"{channels} channels have no usual layout; name one, such as '5.1'")
    return _USUAL_LAYOUTS[channels]


class PictureEncoder:
    """One stream of pictures in an open file: takes frames with their stamps, one at a time.

    Parameters
    ----------
    output : from :func:`open_output`
    codec : FFmpeg's name of the encoder; None: what the container prefers
    size : width and height in pixels
    rate : frames per second, which the header states
    tick : seconds per tick of the stamps
    start : seconds that are added to every stamp
    pixels : FFmpeg's name of the pixel format that is encoded
    options : options of the encoder
    """

    def __init__(
        self,
        output: OutputContainer,
        codec: str | None,
        size: tuple[int, int],
        *,
        rate: Fraction,
        tick: Fraction,
        start: Fraction = Fraction(0),
        pixels: str = "yuv420p",
        options: Mapping[str, str] | None = None,
    ) -> None:
        self._output, self._tick, self._start = output, tick, start
        self._unit = _common_unit(start, tick)
        self._ends: dict[int, int] = {}
        name = codec or output.default_video_codec
        self.stream = cast(Any, output.add_stream(name, rate=rate, options=dict(options or {})))
        """FFmpeg's stream, for what else its header is to say; before the first frame."""
        self.stream.width, self.stream.height = size
        self.stream.pix_fmt = pixels
        self.stream.time_base = self._unit
        # MPEG-1 and -2 know only frame counts of a few rates: the encoder counts, packets are moved later.
        self.stream.codec_context.time_base = tick

    def write(self, pixels: npt.NDArray[np.uint8], stamp: int, end: int | None = None) -> None:
        """Encode one frame.

        Parameters
        ----------
        pixels : RGB ``[H, W, 3]``, grey ``[H, W]``, or the planes of yuv420p ``[3 H/2, W]``; uint8
        stamp : when it is shown, in ticks; larger than the last one
        end : when it is no longer shown, in ticks; None: what the encoder says
        """
        form = "rgb24" if pixels.ndim == 3 else "gray"
        if pixels.ndim == 2 and pixels.shape[0] != self.stream.height:
            form = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=form)
        frame.pts, frame.time_base = stamp, self._tick
        if end is not None:
            self._ends[stamp] = end
        self._mux(self.stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._mux(self.stream.encode(None))

    def _mux(self, packets: list[Any]) -> None:
        """Mux packets at the unit that holds the start exactly, moved to where they belong."""
        factor, shift = int(self._tick / self._unit), int(self._start / self._unit)
        for packet in packets:
            end = self._ends.pop(packet.pts, None)
            length = (packet.duration or 0) if end is None else max(1, end - packet.pts)
            packet.duration = length * factor
            packet.pts = packet.pts * factor + shift
            packet.dts = packet.dts * factor + shift
            packet.time_base = self._unit
        self._output.mux(packets)


class SoundEncoder:
    """One stream of sound in an open file: takes contiguous samples, a block at a time.

    Parameters
    ----------
    output : from :func:`open_output`
    codec : FFmpeg's name of the encoder; None: what the container prefers
    rate : samples per second
    layout : FFmpeg's name of the channel layout
    origin : number of the first sample, counted at ``rate`` from instant 0
    bit_rate : bits per second; 0: the encoder's default
    options : options of the encoder
    """

    def __init__(
        self,
        output: OutputContainer,
        codec: str | None,
        rate: int,
        layout: str,
        *,
        origin: int = 0,
        bit_rate: int = 0,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self._output, self._rate, self._layout = output, rate, layout
        name = codec or output.default_audio_codec
        self.stream = cast(Any, output.add_stream(name, rate=rate, options=dict(options or {})))
        """FFmpeg's stream, for what else its header is to say; before the first sample."""
        self.stream.layout = layout
        if bit_rate:
            self.stream.bit_rate = bit_rate
        self.position = origin
        """Number of the sample that comes next."""
        self.written = 0
        """Samples written so far."""

    def write(self, samples: npt.NDArray[np.floating[Any]]) -> None:
        """Encode samples ``[n, channels]``, -1...1, that follow those before."""
        for first in range(0, len(samples), _BLOCK):
            part = np.ascontiguousarray(samples[first : first + _BLOCK], np.float32)
            frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), format="flt", layout=self._layout)
            frame.sample_rate, frame.time_base = self._rate, Fraction(1, self._rate)
            frame.pts = self.position
            self._output.mux(self.stream.encode(frame))
            self.position += len(part)
            self.written += len(part)

    def write_silence_up_to(self, position: int) -> None:
        """Encode silence up to the sample of this number, if that lies ahead."""
        channels = self.stream.codec_context.channels
        while self.position < position:
            self.write(np.zeros((min(position - self.position, _BLOCK), channels), np.float32))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._output.mux(self.stream.encode(None))


def _encode(
    target: Path,
    picture: Picture | None,
    sound: Sound | None,
    container: str | None,
    options: dict[str, str],
    metadata: dict[str, str],
) -> None:
    with open_output(target, container, options) as output:
        if output.format.name in EDIT_LIST_CONTAINERS and "movie_timescale" not in options:
            output.container_options["movie_timescale"] = movie_timescale(*_starts(picture, sound))
        output.metadata.update(metadata)
        feeds: list[_PictureFeed | _SoundFeed] = []
        if picture is not None:
            feeds.append(_PictureFeed(output, picture))
        if sound is not None:
            feeds.append(_SoundFeed(output, sound))
        # The feed that is behind goes next, so that the muxer never has to hold much back.
        waiting = list(feeds)
        while waiting:
            feed = min(waiting, key=lambda each: each.now)
            if not feed.step():
                waiting.remove(feed)


class _PictureFeed:
    """Feeds one encoder of pictures a frame at a time."""

    def __init__(self, output: OutputContainer, picture: Picture) -> None:
        self.picture = picture
        frames = iter(picture.frames)
        first = next(frames, None)
        if first is None:
            raise OptionError("the picture has no frame; give at least one")
        self.frames = chain([first], frames)
        self.count = 0
        self.rate = exact_rate(picture.rate)
        start, self.tick = self._timing()
        height, width = first.shape[:2]
        self.encoder = PictureEncoder(
            output,
            picture.codec,
            (width, height * 2 // 3 if picture.planar else height),
            rate=self.rate,
            tick=self.tick,
            start=start,
            pixels=picture.pixels,
            options=picture.options,
        )
        stream = self.encoder.stream
        stream.codec_context.sample_aspect_ratio = exact(picture.aspect)
        if picture.rotation % 360:
            stream.set_display_rotation(picture.rotation)
        stream.metadata.update(picture.metadata)

    def _timing(self) -> tuple[Fraction, Fraction]:
        """Where the encoder's tick 0 lies, and the length of its tick."""
        if self.picture.pts is None:
            return exact(self.picture.start), 1 / self.rate
        if self.picture.time_base is None:
            raise OptionError("pts are ticks: give their time_base as well")
        return Fraction(0), exact(self.picture.time_base)

    @property
    def now(self) -> Fraction:
        """Instant of the frame that comes next."""
        pts = self.picture.pts
        if pts is None:
            return exact(self.picture.start) + self.count / self.rate
        return int(pts[min(self.count, len(pts) - 1)]) * self.tick

    def step(self) -> bool:
        """Encode one frame; False when there was none left."""
        pixels, pts = next(self.frames, None), self.picture.pts
        if pixels is None:
            if pts is not None and len(pts) != self.count:
                raise OptionError(f"{self.count} frames do not fit {len(pts)} pts")
            self.encoder.finish()
            return False
        if pts is not None and self.count >= len(pts):
            raise OptionError(f"there are more frames than pts ({len(pts)})")
        self.encoder.write(pixels, self.count if pts is None else int(pts[self.count]))
        self.count += 1
        return True


class _SoundFeed:
    """Feeds one encoder of sound a block at a time."""

    def __init__(self, output: OutputContainer, sound: Sound) -> None:
        samples = np.asarray(sound.samples, dtype=np.float32)
        self.samples = samples[:, None] if samples.ndim == 1 else samples
        self.rate = sound.rate
        self.encoder = SoundEncoder(
            output,
            sound.codec,
            sound.rate,
            sound.layout or layout_of(self.samples.shape[1]),
            origin=round_fraction(exact(sound.start) * sound.rate, "nearest"),
            bit_rate=sound.bit_rate,
            options=sound.options,
        )

    @property
    def now(self) -> Fraction:
        """Instant of the sample that comes next."""
        return Fraction(self.encoder.position, self.rate)

    def step(self) -> bool:
        """Encode one block; False when there was none left."""
        block = self.samples[self.encoder.written : self.encoder.written + _BLOCK]
        if not len(block):
            self.encoder.finish()
            return False
        self.encoder.write(block)
        return True


def _common_unit(*lengths: Fraction) -> Fraction:
    """The largest length of which all these are integer multiples."""
    denominator = math.lcm(*(length.denominator for length in lengths))
    return Fraction(math.gcd(*(int(length * denominator) for length in lengths)), denominator)


def _starts(picture: Picture | None, sound: Sound | None) -> list[Fraction]:
    """Lengths of which both starts are multiples."""
    found = [] if sound is None else [Fraction(1, sound.rate)]
    if picture is not None:
        found.append(exact(picture.start) if picture.pts is None else exact(picture.time_base or 1))
    return found
