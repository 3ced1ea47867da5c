"""Look at every packet of a file without decoding more than the first frame of each stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from genlock.media.demux import packets_of
from genlock.media.notes import NoteCounter
from genlock.media.priming import Priming, read_priming
from genlock.media.streams import ONE_PACKET_ONE_FRAME, orientation_of, prepare_decoder

__all__ = ["FirstFrame", "StreamScan", "scan"]

_FAILURES = (av.FFmpegError, OSError, ValueError, RuntimeError, MemoryError)
_PACKETS_TO_FIRST_FRAME = 3000
_FIELD_CODED = frozenset({"h264", "hevc", "vc1"})


@dataclass(frozen=True)
class FirstFrame:
    """What only a decoded frame tells."""

    pts: int | None
    """Its time stamp, in ticks."""
    interlaced: bool | None
    """For a picture: stored as two fields."""
    orientation: tuple[int, int, int, int]
    """For a picture: its display matrix; see :func:`genlock.media.streams.orientation_of`."""
    timecode: str | None
    """For a picture: SMPTE timecode of a GOP header or of side data."""
    sample_rate: int
    """For sound: samples per second."""
    layout: str
    """For sound: FFmpeg's name of the channel layout."""
    channels: int
    """For sound: number of channels."""


@dataclass
class StreamScan:
    """What the packets of one stream say."""

    kind: str
    """``video`` or ``audio``, or another kind of FFmpeg's."""
    codec: str
    """FFmpeg's name of the codec."""
    whole: bool = True
    """False if the scan stopped before the end of the file."""
    packets: int = 0
    """Packets with data."""
    pts: list[int] = field(default_factory=list)
    """For a picture: time stamps in the order of the file."""
    keys: list[int] = field(default_factory=list)
    """For a picture: stamps of the key frames among them."""
    end: int | None = None
    """For sound: the latest stamp plus duration."""
    last: int | None = None
    """For sound: the latest stamp."""
    durations: dict[int, int] = field(default_factory=dict)
    """For a picture: stated duration of the last few packets, by stamp."""
    first: FirstFrame | None = None
    """The first frame, if one decoded."""
    priming: Priming | None = None
    """For sound: the stated encoder delay."""
    doubtful: bool = False
    """True if a packet has no stamp, is damaged, or comes before the first key frame."""

    def stamps(self) -> npt.NDArray[np.int64]:
        """For a picture: the stamps in order of presentation, each once, from the first decoded frame."""
        # numpy.unique brings numpy.ma: a fortieth of a second for whoever only looks what is in a file.
        stamps = np.array(sorted(set(self.pts)), dtype=np.int64)
        if self.first is not None and self.first.pts is not None:
            stamps = stamps[stamps >= self.first.pts]
        return stamps

    def last_duration(self) -> int:
        """For a picture: the duration that the last packet (in order of presentation) states, or 0."""
        return self.durations.get(max(self.pts), 0) if self.pts else 0

    @property
    def trusted(self) -> bool:
        """For a picture: True if the packets are the frames, one for one."""
        if self.codec not in ONE_PACKET_ONE_FRAME or self.doubtful or not self.pts or self.first is None:
            return False
        if self.first.interlaced and self.codec in _FIELD_CODED:
            return False
        return self.first.pts == min(self.pts) and len(set(self.pts)) == len(self.pts)


def scan(
    container: Any,
    streams: Sequence[Any],
    threads: int = 1,
    most_packets: int | None = None,
    noted: NoteCounter | None = None,
) -> dict[int, StreamScan]:
    """Scan packets to the end, or ``most_packets`` of them; the result by stream index.

    Parameters
    ----------
    noted : told which time stamps were set right; None: nobody is
    """
    found = {s.index: StreamScan(s.type, _codec_name(s)) for s in streams}
    for stream in container.streams:
        if stream.index not in found:
            stream.discard = av.stream.Discard.all
    for stream in streams:
        if stream.codec_context is not None:
            prepare_decoder(stream, threads)
    seen = 0
    try:
        for packet in packets_of(container, streams, noted):
            _take(found[packet.stream.index], packet, container)
            seen += 1
            if most_packets is not None and seen >= most_packets:
                for each in found.values():
                    each.whole = False
                break
    except _FAILURES:
        for each in found.values():
            each.doubtful = True
    return found


def _codec_name(stream: Any) -> str:
    return stream.codec_context.codec.canonical_name if stream.codec_context is not None else "unknown"


def _take(found: StreamScan, packet: Any, container: Any) -> None:
    if packet.size:
        found.packets += 1
        if found.kind == "video":
            _take_picture(found, packet)
        else:
            _take_sound(found, packet, container)
    if found.first is None and found.packets <= _PACKETS_TO_FIRST_FRAME and found.kind in ("video", "audio"):
        found.first = _first_frame(packet, found)


def _take_picture(found: StreamScan, packet: Any) -> None:
    if packet.is_corrupt or (found.packets == 1 and not packet.is_keyframe):
        found.doubtful = True
    if packet.pts is None:
        found.doubtful = True
    elif not packet.is_discard:
        found.pts.append(packet.pts)
        if packet.is_keyframe:
            found.keys.append(packet.pts)
        found.durations[packet.pts] = packet.duration or 0
        if (
            len(found.durations) > 64
        ):  # the last frame shown is among the last packets, whatever the reordering
            del found.durations[next(iter(found.durations))]


def _take_sound(found: StreamScan, packet: Any, container: Any) -> None:
    if found.priming is None and found.kind == "audio" and packet.stream.codec_context is not None:
        found.priming = read_priming(packet, packet.stream.codec_context.sample_rate, container)
    if packet.pts is None or packet.is_discard:
        return
    end = packet.pts + (packet.duration or 0)
    found.last = packet.pts if found.last is None else max(found.last, packet.pts)
    found.end = end if found.end is None else max(found.end, end)


def _first_frame(packet: Any, found: StreamScan) -> FirstFrame | None:
    if packet.stream.codec_context is None:
        return None
    try:
        frames = packet.decode()
    except (*_FAILURES, EOFError):
        found.doubtful = True
        return None
    if not frames:
        return None
    frame = frames[0]
    if found.kind == "video":
        return FirstFrame(
            frame.pts, frame.interlaced_frame, orientation_of(frame), frame.metadata.get("timecode"), 0, "", 0
        )
    return FirstFrame(
        frame.pts, None, (1, 0, 0, 1), None, frame.sample_rate, frame.layout.name, len(frame.layout.channels)
    )
