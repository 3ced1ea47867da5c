"""The packets of a file, stamped as the file means it, where FFmpeg reads other stamps out of it.

Three kinds of files are known of which it does:

- MP4 and MOV whose edit list begins inside a frame, as a lossless cut leaves them. The next frame begins a little
  after zero. FFmpeg moves the picture, and not the sound, so that it begins at zero: up to a frame too early.
- MPEG program streams that FFmpeg wrote. The stamp of a packet is that of the first frame whose start code lies in
  it. FFmpeg's writer takes the first frame that begins in it, and so states the next one's stamp where the first bytes
  of a frame lie in the packet before. Decoding times are uniform, and a picture that others are made from is shown
  when the next such picture is decoded: what contradicts both is set right. It is so with sound (AC-3) too.
- Transport and program streams that were joined byte for byte: the clock starts again, of all streams at one place.
  What follows is put behind what came before, by the same length for all streams.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any, Protocol

import av

from genlock.core.time import round_fraction
from genlock.media.notes import NoteCounter
from genlock.media.opening import is_local, reopen

__all__ = ["packets_of"]

_MPEG_PICTURES = frozenset({"mpeg1video", "mpeg2video"})
_JOINED_BYTE_FOR_BYTE = frozenset({"mpeg", "mpegts"})
_RESTART = Fraction(1, 2)  # seconds: decoding times that go back by more are no jitter
_MOST_WAITING = 4096  # packets of a stream that waits for the one that decides
_BEFORE_A_RESTART = 8  # packets in order before it: one stamp that leaps ahead is no end of a clock
_ROUNDED = 2  # ticks by which stamps of sound are rounded
_LONGEST_RUN = 128  # packets: more frames do not lie between two stamps of a program stream
_MOST_BETWEEN = 16  # packets from one picture that others are made from to the next
_PICTURE_START = b"\0\0\1\0"
_BIDIRECTIONAL = 3
_TRUSTED_FROM = 4  # times that the rule held for each time that it did not


def packets_of(container: Any, streams: Sequence[Any], noted: NoteCounter | None = None) -> Iterator[Any]:
    """Demux streams of an open container; a few packets may come later than others of another stream.

    Parameters
    ----------
    container : PyAV's, from :func:`genlock.media.opening.open_source`
    streams : of the container; none gives no packet
    noted : told what was set right; None: nobody is

    Raises what PyAV raises, after what was held back was given.
    """
    if not streams:
        return  # PyAV takes no streams to mean all of them
    noted = noted or NoteCounter()
    joints, wanted = _Joints(noted), {stream.index for stream in streams}
    lines = {stream.index: _Line(_menders_of(container, stream, noted)) for stream in streams}
    watched = list(streams)
    if _names(container) & _JOINED_BYTE_FOR_BYTE:
        # All of them, so that the clock does not depend on which streams somebody wants.
        watched += [s for s in container.streams if s.type in ("video", "audio") and s.index not in wanted]
        deciding = min(watched, key=lambda stream: (stream.type != "video", stream.index))
        for stream in watched:
            stream.discard = av.stream.Discard.default
            joined = _Joined(joints, decides=stream is deciding)
            lines[stream.index] = _Line([joined, *lines.get(stream.index, _Line([])).menders])
    try:
        for packet in _demuxed(container, watched):
            ready = lines[packet.stream.index].take(packet)
            if packet.stream.index in wanted:
                yield from ready
    except Exception:
        yield from (packet for index in wanted for packet in lines[index].rest())
        raise
    yield from (packet for index in wanted for packet in lines[index].rest())


def _demuxed(container: Any, streams: Sequence[Any]) -> Iterator[Any]:
    """What PyAV gives; it stumbles over packets of streams that were not there yet when the file was opened."""
    while True:
        try:
            yield from container.demux(*streams)
            return
        except IndexError:
            continue


def _names(container: Any) -> set[str]:
    return set(container.format.name.split(","))


class _Mender(Protocol):
    """Sets the stamps of one stream right."""

    def take(self, packet: Any, /) -> list[Any]:
        """What is to be handed on now that a packet came."""

    def rest(self) -> list[Any]:
        """What waits at the end."""


class _Line:
    """What is done to the packets of one stream, one mender after the other."""

    def __init__(self, menders: Sequence[_Mender]) -> None:
        self.menders = menders

    def take(self, packet: Any) -> list[Any]:
        """A packet; the empty one that flushes a decoder comes behind all others."""
        if not packet.size:
            return [*self.rest(), packet]
        packets = [packet]
        for mender in self.menders:
            packets = [ready for each in packets for ready in mender.take(each)]
        return packets

    def rest(self) -> list[Any]:
        packets: list[Any] = []
        for mender in self.menders:
            packets = [ready for each in packets for ready in mender.take(each)] + mender.rest()
        return packets


def _menders_of(container: Any, stream: Any, noted: NoteCounter) -> list[_Mender]:
    """Whatever this stream needs; of most files nothing."""
    names, menders = _names(container), list[_Mender]()
    if "mpeg" in names and stream.codec_context is not None:
        of_frames = stream.type == "audio" or stream.codec_context.name in _MPEG_PICTURES
        menders += [_EvenDecoding(noted)] if of_frames else []
        menders += [_ShownInOrder(noted)] if of_frames and stream.type == "video" else []
    if "mp4" in names and stream.type == "video":
        late = _begins_late(container, stream)
        menders += [_Moved(late)] if late else []
    return menders


def _move(packet: Any, ticks: int) -> None:
    packet.pts = None if packet.pts is None else packet.pts + ticks
    packet.dts = None if packet.dts is None else packet.dts + ticks


# ---------------------------------------------------------------- an edit list that begins inside a frame


def _begins_late(container: Any, stream: Any) -> int:
    """By how many ticks FFmpeg has moved a picture whose first frames an edit list hides; 0 of all others.

    Without its handling of edit lists FFmpeg gives every frame the stamp that the boxes state: the difference is what
    it has moved them by.
    """
    shown = stream.index_entries
    if not len(shown) or not shown[0].is_discard or not is_local(container):
        return 0
    with reopen(container, {"advanced_editlist": "0"}) as plain:
        for entry in plain.streams[stream.index].index_entries:
            if entry.pos == shown[0].pos:
                return max(0, int(entry.timestamp - shown[0].timestamp))
    return 0


@dataclass
class _Moved:
    """All by the same number of ticks."""

    ticks: int

    def take(self, packet: Any) -> list[Any]:
        _move(packet, self.ticks)
        return [packet]

    def rest(self) -> list[Any]:
        return []


# ---------------------------------------------------------------- clocks that start again


@dataclass
class _Joints:
    """Where the clock of a file starts again, and by how much what follows is moved."""

    noted: NoteCounter
    moves: list[Fraction] = field(default_factory=lambda: [Fraction(0)])
    """Seconds, of the file's parts in order."""

    def add(self, move: Fraction, at: Fraction) -> None:
        """The next part is moved by so many seconds, and begins there."""
        self.moves.append(move)
        text = "time stamps start again, as in files joined byte for byte; what follows was put behind"
        self.noted.count("joint", text, at)


class _Joined:
    """One stream of a file whose clock may start again.

    The stream that decides about the moves goes on evenly over every joint, and the others wait until it is there.
    """

    def __init__(self, joints: _Joints, decides: bool) -> None:
        self.joints, self.decides, self.part = joints, decides, 0
        self.recent: deque[int] = deque(maxlen=_BEFORE_A_RESTART)
        self.end = 0
        self.reached = -(2**63)
        self.doubted: Any = None
        self.waiting: list[Any] = []

    def take(self, packet: Any) -> list[Any]:
        """A stamp that goes back counts if the next one goes on from it."""
        ready = self._settle(packet)
        if packet.dts is not None and self._goes_back(packet):
            self.doubted = packet
            return ready
        if packet.dts is not None:
            self.recent.append(packet.dts)
            self.end = packet.dts + (packet.duration or 0)
        return [*ready, *self._moved(packet)]

    def rest(self) -> list[Any]:
        doubted, self.doubted = self.doubted, None
        if doubted is not None:
            self.waiting.append(doubted)
        return self._released(now=True)

    def _settle(self, following: Any) -> list[Any]:
        doubted, self.doubted = self.doubted, None
        if doubted is None:
            return []
        if following.dts is not None and following.dts >= doubted.dts and self._goes_back(following):
            self.part += 1
            self.move = self.joints.moves[-1] + (self.end - doubted.dts) * doubted.time_base
            if self.decides:
                self.joints.add(self.move, doubted.dts * doubted.time_base + self.move)
            self.recent.clear()
            self.recent.append(doubted.dts)
        return self._moved(doubted)

    def _goes_back(self, packet: Any) -> bool:
        full = len(self.recent) == _BEFORE_A_RESTART
        return full and (min(self.recent) - packet.dts) * packet.time_base > _RESTART

    def _moved(self, packet: Any) -> list[Any]:
        self.waiting.append(packet)
        return self._released(now=len(self.waiting) > _MOST_WAITING)

    def _released(self, now: bool) -> list[Any]:
        """What waits, once it is known by how much it is moved; ``now`` the stream decides by itself."""
        while self.waiting and self.part >= len(self.joints.moves):
            if not now:
                return []
            self.joints.add(self.move, self.end * self.waiting[0].time_base + self.move)
        ready, self.waiting = self.waiting, []
        if self.part:
            for packet in ready:
                _move(packet, round_fraction(self.joints.moves[self.part] / packet.time_base, "nearest"))
            ready = [packet for packet in ready if not self._overlaps(packet)]
        self.reached = next((p.dts for p in reversed(ready) if p.dts is not None), self.reached)
        return ready

    def _overlaps(self, packet: Any) -> bool:
        """Whether a packet lies in the part before, which may go on longer than that of the stream that decides."""
        overlaps = packet.dts is not None and packet.dts <= self.reached
        if overlaps:
            text = "sound that overlaps what came before it was left out"
            self.joints.noted.count("overlap", text, packet.dts * packet.time_base)
        return bool(overlaps)


# ---------------------------------------------------------------- stamps of the next picture


_STAMP_OF_THE_NEXT = "frames that the file stamps with the time of the next one were put where they belong"


class _EvenDecoding:
    """Decoding goes on evenly. A run that does not, and after which it goes on as if it had, is put in its place."""

    def __init__(self, noted: NoteCounter) -> None:
        self.noted = noted
        self.expected: int | None = None
        self.held: list[tuple[Any, int]] = []
        """A run, with the decoding time that each packet should have."""

    def take(self, packet: Any) -> list[Any]:
        if packet.dts is None or not packet.duration:
            return [*self.rest(), packet]
        if self.expected is None or abs(packet.dts - self.expected) <= _ROUNDED:
            ready = self._put_in_place()
        elif len(self.held) < _LONGEST_RUN:
            self.held.append((packet, self.expected))
            self.expected += packet.duration
            return []
        else:
            ready = self.rest()
        self.expected = packet.dts + packet.duration
        return [*ready, packet]

    def rest(self) -> list[Any]:
        held, self.held, self.expected = self.held, [], None
        return [packet for packet, _ in held]

    def _put_in_place(self) -> list[Any]:
        held, self.held = self.held, []
        for packet, expected in held:
            _move(packet, expected - packet.dts)
        if held:
            first = held[0][0]
            self.noted.count("next stamp", _STAMP_OF_THE_NEXT, first.dts * first.time_base)
        return [packet for packet, _ in held]


class _ShownInOrder:
    """Shows a picture that others are made from when the next such picture is decoded, and all others at once."""

    def __init__(self, noted: NoteCounter) -> None:
        self.noted = noted
        self.held: list[Any] = []
        self.held_to = self.broken = 0

    def take(self, packet: Any) -> list[Any]:
        kind = _picture_type(packet)
        if kind is None or packet.dts is None or packet.pts is None or len(self.held) > _MOST_BETWEEN:
            return [*self.rest(), packet]
        if kind == _BIDIRECTIONAL:
            if not self.held:
                return [packet]
            self.held.append(packet)
            return []
        ready = self._shown_until(packet)
        self.held = [packet]
        return ready

    def rest(self) -> list[Any]:
        ready, self.held = self.held, []
        return ready

    def _shown_until(self, following: Any) -> list[Any]:
        """The held ones, set right if the rule has held for the stream so far and decoding goes evenly."""
        ready = self.rest()
        even = all(b.dts - a.dts == a.duration for a, b in pairwise([*ready, following]))
        if not ready or not even:
            return ready
        right = [following.dts, *(packet.dts for packet in ready[1:])]
        if all(packet.pts == pts for packet, pts in zip(ready, right, strict=True)):
            self.held_to += 1
            return ready
        self.broken += 1
        if self.held_to >= _TRUSTED_FROM * self.broken:
            for packet, pts in zip(ready, right, strict=True):
                packet.pts = pts
            self.noted.count("next stamp", _STAMP_OF_THE_NEXT, right[0] * following.time_base)
        return ready


def _picture_type(packet: Any) -> int | None:
    """1: made from no other picture, 2: from one before, 3: from one before and one after; None if it does not say."""
    data = bytes(packet)
    at = data.find(_PICTURE_START)
    return data[at + 5] >> 3 & 7 if 0 <= at < len(data) - 5 else None
