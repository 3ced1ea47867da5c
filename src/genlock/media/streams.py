"""Which streams a container has, which of them are meant, and what their headers say."""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import Any

import av

from genlock.core.errors import NoStream, OptionError
from genlock.media.opening import Address

__all__ = [
    "ONE_PACKET_ONE_FRAME",
    "choose_picture",
    "choose_sound",
    "is_cover",
    "is_default",
    "orientation_of",
    "pictures",
    "sample_aspect_of",
    "sounds",
    "stated_rates",
]

#: Codecs of which one packet is one frame that is shown. Not VP8 (packets that are never shown), not MPEG-4
#: part 2 (several frames in a packet), not field-coded pictures (two packets to a frame).
ONE_PACKET_ONE_FRAME = frozenset(
    {
        "h264",
        "hevc",
        "av1",
        "vp9",
        "mpeg1video",
        "mpeg2video",
        "mjpeg",
        "ffv1",
        "prores",
        "png",
        "rawvideo",
        "dnxhd",
    }
)
_COVER = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
# The largest frame that is decoded: 16K video is 132.7 million pixels; a damaged header can claim anything.
_MOST_PIXELS = 2**27


def is_cover(stream: Any) -> bool:
    """True for a still picture that belongs to the file, such as an album cover: it is not video."""
    return stream.type == "video" and bool(stream.disposition & _COVER)


def is_default(stream: Any) -> bool:
    """True if the file marks the stream as what plays unless another one is chosen."""
    return bool(stream.disposition & av.stream.Disposition.default)


def pictures(container: Any) -> list[Any]:
    """The video streams, without covers."""
    return [s for s in container.streams if s.type == "video" and not is_cover(s)]


def sounds(container: Any) -> list[Any]:
    """The sound streams."""
    return [s for s in container.streams if s.type == "audio"]


def choose_picture(container: Any, number: int | None, address: Address) -> Any:
    """The video stream of this number among the video streams; None: the default one.

    Raises NoStream if there is none, OptionError if the number is too high.
    """
    found = pictures(container)
    if not found and any(is_cover(s) for s in container.streams):
        raise NoStream(f"{address.given!r} has no video, only a cover picture; give a file with video")
    return _choose(found, number, "video", address)


def choose_sound(container: Any, number: int | None, address: Address) -> Any:
    """The sound stream of this number among the sound streams; None: the default one."""
    return _choose(sounds(container), number, "sound", address)


def _choose(found: list[Any], number: int | None, kind: str, address: Address) -> Any:
    if not found:
        raise NoStream(f"{address.given!r} has no {kind}; `genlock probe` lists what is in it")
    if number is None:
        default = [s for s in found if is_default(s)]
        stream = (default or found)[0]
    elif 0 <= number < len(found):
        stream = found[number]
    else:
        raise OptionError(
            f"{address.given!r} has no {kind} stream {number}: it has {len(found)}, counted from 0"
        )
    if stream.codec_context is None:
        raise NoStream(
            f"{address.given!r}: no decoder is known for its {kind}; convert it with another program"
        )
    return stream


def prepare_decoder(stream: Any, threads: int) -> None:
    """Set how a stream is decoded, before its first packet."""
    context = stream.codec_context
    if stream.type == "video":
        context.options = {**context.options, "max_pixels": str(_MOST_PIXELS)}
        context.thread_type = "NONE" if threads == 1 else "AUTO"
        context.thread_count = threads


def stated_rates(stream: Any) -> list[Fraction | None]:
    """Frame rates that the headers state, the most trusted first."""
    return [stream.average_rate, stream.codec_context.framerate, stream.guessed_rate, stream.base_rate]


def orientation_of(frame: Any) -> tuple[int, int, int, int]:
    """How the stored picture is to be turned: the signs (a, b, c, d) of its display matrix.

    A stored pixel (x, y) goes to (a x + c y, b x + d y), y downwards. (1, 0, 0, 1) is upright.
    """
    for side in frame.side_data:
        if side.type.name == "DISPLAYMATRIX" and len(bytes(side)) >= 36:
            m = struct.unpack("=9i", bytes(side)[:36])
            a, b, c, d = m[0], m[1], m[3], m[4]
            if abs(a * d) >= abs(b * c):
                return (-1 if a < 0 else 1, 0, 0, -1 if d < 0 else 1)
            return (0, -1 if b < 0 else 1, -1 if c < 0 else 1, 0)
    return (1, 0, 0, 1)


def sample_aspect_of(stream: Any) -> Fraction:
    """Width of a pixel over its height; 1 where the file does not say, or says what no picture has."""
    said = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or Fraction(1)
    return said if Fraction(1, 4) <= said <= 4 else Fraction(1)
