"""Encode frames and samples at stated instants: test clips, and whatever a model drew or said.

Nothing here chooses a time: every frame and every sample is written at the instant that the caller names.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError, OutputError
from genlock.core.files import atomic_path
from genlock.core.time import Exact, exact, exact_rate, round_fraction

__all__ = ["Picture", "Sound", "encode"]

_BLOCK = 1024  # samples handed to the encoder at once
_FINEST_TIMESCALE = 14_112_000  # a multiple of every usual sample rate


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
            if isinstance(error, OptionError):
                raise
            raise OutputError(
                f"cannot encode {str(path)!r}: {error}; choose another container, codec or rate"
            ) from error


def _encode(
    target: Path,
    picture: Picture | None,
    sound: Sound | None,
    container: str | None,
    options: dict[str, str],
    metadata: dict[str, str],
) -> None:
    with av.open(f"file:{target}", "w", format=container, container_options=options) as output:
        if (
            output.format.name in ("mp4", "mov", "ipod", "3gp", "3g2", "psp")
            and "movie_timescale" not in options
        ):
            output.container_options["movie_timescale"] = _movie_timescale(picture, sound)
        output.metadata.update(metadata)
        lines: list[_PictureLine | _SoundLine] = []
        if picture is not None:
            lines.append(_PictureLine(output, picture))
        if sound is not None:
            lines.append(_SoundLine(output, sound))
        # The line that is behind goes next, so that the muxer never has to hold much back.
        waiting = list(lines)
        while waiting:
            line = min(waiting, key=lambda each: each.now)
            if not line.step():
                waiting.remove(line)


class _PictureLine:
    """Feeds one encoder of pictures a frame at a time."""

    def __init__(self, output: Any, picture: Picture) -> None:
        self.output, self.picture = output, picture
        self.rate = exact_rate(picture.rate)
        self.start, self.period = self._timing()
        self.unit = _common_unit(self.start, self.period)
        frames = iter(picture.frames)
        first = next(frames, None)
        if first is None:
            raise OptionError("the picture has no frame; give at least one")
        self.frames = chain([first], frames)
        self.count = 0
        self.now = self._instant(0)
        height, width = first.shape[:2]
        self.stream = self._open(height * 2 // 3 if picture.planar else height, width)

    def _timing(self) -> tuple[Fraction, Fraction]:
        """Where the encoder's tick 0 lies, and the length of its tick."""
        if self.picture.pts is None:
            return exact(self.picture.start), 1 / self.rate
        if self.picture.time_base is None:
            raise OptionError("pts are ticks: give their time_base as well")
        return Fraction(0), exact(self.picture.time_base)

    def _instant(self, k: int) -> Fraction:
        pts = self.picture.pts
        if pts is None:
            return exact(self.picture.start) + k / self.rate
        if k > len(pts):
            raise OptionError(f"there are more frames than pts ({len(pts)})")
        return int(pts[min(k, len(pts) - 1)]) * self.period

    def _open(self, height: int, width: int) -> Any:
        codec = self.picture.codec or self.output.default_video_codec
        stream = self.output.add_stream(codec, rate=self.rate, options=dict(self.picture.options))
        stream.width, stream.height = width, height
        stream.pix_fmt = self.picture.pixels
        stream.time_base = self.unit
        # MPEG-1 and -2 know only frame counts of a few rates: the encoder counts, packets are moved later.
        stream.codec_context.time_base = self.period
        stream.codec_context.sample_aspect_ratio = exact(self.picture.aspect)
        if self.picture.rotation % 360:
            stream.set_display_rotation(self.picture.rotation)
        stream.metadata.update(self.picture.metadata)
        return stream

    def step(self) -> bool:
        """Encode one frame; False when there was none left."""
        pixels = next(self.frames, None)
        if pixels is None:
            if self.picture.pts is not None and len(self.picture.pts) != self.count:
                raise OptionError(f"{self.count} frames do not fit {len(self.picture.pts)} pts")
            self._mux(self.stream.encode(None))
            return False
        flat = "yuv420p" if self.picture.planar else "gray"
        frame = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(pixels), format=flat if pixels.ndim == 2 else "rgb24"
        )
        frame.pts = int((self.now - self.start) / self.period)
        frame.time_base = self.period
        self._mux(self.stream.encode(frame))
        self.count += 1
        self.now = self._instant(self.count)
        return True

    def _mux(self, packets: list[Any]) -> None:
        """Mux packets at the unit that holds the start exactly, moved to where they belong."""
        factor, shift = int(self.period / self.unit), int(self.start / self.unit)
        for packet in packets:
            packet.pts = packet.pts * factor + shift
            packet.dts = packet.dts * factor + shift
            packet.duration = (packet.duration or 0) * factor
            packet.time_base = self.unit
        self.output.mux(packets)


class _SoundLine:
    """Feeds one encoder of sound a block at a time."""

    def __init__(self, output: Any, sound: Sound) -> None:
        self.output, self.sound = output, sound
        samples = np.asarray(sound.samples, dtype=np.float32)
        self.samples = samples[:, None] if samples.ndim == 1 else samples
        self.origin = round_fraction(exact(sound.start) * sound.rate, "nearest")
        self.position = 0
        self.layout = sound.layout or _layout_of(self.samples.shape[1])
        codec = sound.codec or output.default_audio_codec
        self.stream = output.add_stream(codec, rate=sound.rate, options=dict(sound.options))
        self.stream.layout = self.layout
        if sound.bit_rate:
            self.stream.bit_rate = sound.bit_rate

    @property
    def now(self) -> Fraction:
        return Fraction(self.origin + self.position, self.sound.rate)

    def step(self) -> bool:
        """Encode one block; False when there was none left."""
        block = self.samples[self.position : self.position + _BLOCK]
        if not len(block):
            self.output.mux(self.stream.encode(None))
            return False
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block.reshape(1, -1)), format="flt", layout=self.layout
        )
        frame.sample_rate = self.sound.rate
        frame.time_base = Fraction(1, self.sound.rate)
        frame.pts = self.origin + self.position
        self.output.mux(self.stream.encode(frame))
        self.position += len(block)
        return True


def _common_unit(*lengths: Fraction) -> Fraction:
    """The largest length of which all these are integer multiples."""
    denominator = math.lcm(*(length.denominator for length in lengths))
    return Fraction(math.gcd(*(int(length * denominator) for length in lengths)), denominator)


def _movie_timescale(picture: Picture | None, sound: Sound | None) -> str:
    """Units in which MP4 counts how late a stream starts: fine enough to hold both starts exactly.

    FFmpeg's own choice of 1000 rounds the start of every stream to a millisecond.
    """
    scale = sound.rate if sound is not None else 1
    if picture is not None:
        start = exact(picture.start) if picture.pts is None else exact(picture.time_base or 1)
        scale = math.lcm(scale, start.denominator)
    return str(scale if 1000 <= scale <= _FINEST_TIMESCALE else _FINEST_TIMESCALE)


def _layout_of(channels: int) -> str:
    named = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
    if channels not in named:
        raise OptionError(f"{channels} channels have no usual layout; name one, such as '5.1'")
    return named[channels]
