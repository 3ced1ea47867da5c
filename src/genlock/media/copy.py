"""Copy packets: the one place where packets go from a file into another without being decoded.

A copied packet keeps its bytes; its time stamps are moved by an exact length and written in the ticks of the
output. Everything that a stream's header says goes with it: codec tag, language and every other tag, disposition,
rotation, colour, HDR and stereo metadata. Streams of sound, picture, subtitles and data can be copied, and covers
and attachments, which have no packets.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av.container import OutputContainer

from genlock.core.errors import OutputError
from genlock.core.time import fraction_text, round_fraction
from genlock.media.demux import packets_of
from genlock.media.encode import EDIT_LIST_CONTAINERS
from genlock.media.notes import NoteCounter
from genlock.media.streams import is_cover

__all__ = ["CopiedStream", "NoPlace", "add_copied_stream", "copy_packets", "decode_instant"]

_PREROLL_SECONDS = Fraction(1, 4)  # sound before a cut that the decoder needs to settle
_MOST_WITHOUT_DTS = 32  # packets at a stream's start whose decoding times a container may leave out
# A stamp that goes back by more than this is no rounding and no reordering: the clock started again.
_RESTART_SECONDS = Fraction(1, 2)


class NoPlace(ValueError):
    """The output's container has no place for a stream; the message says why."""


@dataclass
class CopiedStream:
    """One stream on its way from an open input to an open output.

    >>> CopiedStream(stream=None, move=Fraction(1, 10)).count
    0
    """

    stream: Any
    """PyAV's stream of the input."""
    move: Fraction = Fraction(0)
    """Seconds that are added to every stamp."""
    first: Fraction | None = None
    """Instant (of the input) before which packets are left out; of a picture, before the key frame before it."""
    stop: Fraction | None = None
    """Instant (of the input) from which on packets are left out."""
    hidden: bool = True
    """Whether packets before ``first`` that others need are kept; the output's container has to hide them."""
    whole_only: bool = False
    """Whether a packet without stamps, or hidden inside the stream by an edit list, is an error (NoPlace)."""
    floor: Fraction | None = None
    """Instant of the output before which no packet of sound may begin; such packets are left out."""
    like: Any = None
    """The stream whose tags and dispositions the output gets, where ``stream`` was made of it; None: ``stream``."""
    tags: dict[str, str] = field(default_factory=dict)
    """Tags that replace those of the stream; an empty value leaves one out."""

    out: Any = field(default=None, init=False)
    """PyAV's stream of the output; set by :func:`add_copied_stream`."""
    count: int = field(default=0, init=False)
    """Packets that were copied."""
    cut: int = field(default=0, init=False)
    """Packets that ``floor`` left out."""
    moved: Fraction = field(default=Fraction(0), init=False)
    """By how much the last packet was moved in fact, in the ticks of the output."""

    _early: list[Any] = field(default_factory=list, init=False, repr=False)
    _held: list[Any] = field(default_factory=list, init=False, repr=False)
    _stamped: bool = field(default=False, init=False, repr=False)
    _begun: bool = field(default=False, init=False, repr=False)
    _shown: bool = field(default=False, init=False, repr=False)
    _last: Fraction | None = field(default=None, init=False, repr=False)

    def take(self, packet: Any) -> list[Any]:
        """What is to be written now that a packet was read: none, this one, or several that had to wait."""
        taken = [kept for ready in self._with_decoding_time(packet) for kept in self._of_the_part(ready)]
        return [kept for kept in taken if not self._below_the_floor(kept)]

    def rest(self) -> list[Any]:
        """What still waits at the end of the input."""
        waiting, self._early = self._early, []
        return [kept for ready in waiting for kept in self._of_the_part(ready)]

    def send(self, packet: Any, output: OutputContainer) -> None:
        """Stamp a packet for the output and hand it over."""
        self._check(packet)
        base = self.out.time_base
        for name in ("pts", "dts"):
            stamp = getattr(packet, name)
            if stamp is not None:
                instant = stamp * packet.time_base + self.move
                new = round_fraction(instant / base, "nearest")
                setattr(packet, name, new)
                self.moved = new * base - instant + self.move
        packet.duration = round_fraction((packet.duration or 0) * packet.time_base / base, "nearest")
        if self.first is not None and self.stream.type == "subtitle" and packet.pts is not None:
            self._shorten(packet)
        packet.time_base = base
        packet.stream = self.out
        self.count += 1
        output.mux_one(packet)

    def _shorten(self, packet: Any) -> None:
        """A subtitle that began before the part is shown from the part's beginning on."""
        early = min(0, packet.pts)
        packet.pts -= early
        packet.dts = packet.pts
        packet.duration = max(0, packet.duration + early)

    def _with_decoding_time(self, packet: Any) -> list[Any]:
        """Matroska leaves out the decoding times at its start, since it knows no negative ones."""
        if self._stamped or packet.pts is None:
            return [packet]
        if packet.dts is None and len(self._early) < _MOST_WITHOUT_DTS:
            self._early.append(packet)
            return []
        if self._early and packet.dts is not None:
            step = max(1, packet.duration or self._early[0].duration or 1)
            for number, early in enumerate(self._early):
                early.dts = packet.dts - step * (len(self._early) - number)
        ready, self._early, self._stamped = [*self._early, packet], [], True
        return ready

    def _of_the_part(self, packet: Any) -> list[Any]:
        if self.first is None and self.stop is None:
            return [packet]
        at, end = _shown(packet)
        if self.stream.type not in ("video", "audio"):
            begins = self.first is None or at >= self.first or end > self.first
            return [packet] if begins and (self.stop is None or at < self.stop) else []
        if not self._begun and self.first is not None:
            self._hold(packet, at)
            self._begun = at >= self.first or (self.stream.type == "audio" and end > self.first)
            ready = self._held if self._begun else []
            return [each for each in ready if self._wanted(each)]
        return [packet] if self._wanted(packet) else []

    def _wanted(self, packet: Any) -> bool:
        at, _ = _shown(packet)
        return (self.stop is None or at < self.stop) and (
            self.hidden or self.first is None or at >= self.first
        )

    def _hold(self, packet: Any, at: Fraction) -> None:
        """Keep what may be needed: since the last key frame at or before the cut, or within the preroll."""
        assert self.first is not None
        if self.stream.type == "video":
            keep = [] if packet.is_keyframe and at <= self.first else self._held
        else:
            keep = [each for each in self._held if _shown(each)[0] >= self.first - _PREROLL_SECONDS]
        self._held = [*keep, packet]

    def _below_the_floor(self, packet: Any) -> bool:
        if (
            self.floor is None
            or packet.pts is None
            or packet.pts * packet.time_base + self.move >= self.floor
        ):
            return False
        self.cut += 1
        return True

    def _check(self, packet: Any) -> None:
        if self.whole_only:
            begins_later = self.stream.type == "audio" and not self._shown
            if packet.pts is None or packet.dts is None or (packet.is_discard and not begins_later):
                raise NoPlace("some packets have no time stamps, or are hidden inside the stream")
            self._shown = self._shown or not packet.is_discard
        at = decode_instant(packet)
        if at is None:
            return
        if self._last is not None and at < self._last - _RESTART_SECONDS:
            raise OutputError(
                f"the time stamps of stream {self.stream.index} ({self.stream.type}) start again at "
                f"{float(self._last):.3f} s: {fraction_text(at)} s follows; join the parts properly first, or "
                "write a file of the same kind as the original"
            )
        self._last = at if self._last is None else max(self._last, at)


def _shown(packet: Any) -> tuple[Fraction, Fraction]:
    """From when to when a packet is shown or heard, in seconds on its file's clock."""
    stamp = packet.pts if packet.pts is not None else packet.dts or 0
    at = Fraction(stamp * packet.time_base)
    return at, at + (packet.duration or 0) * packet.time_base


def decode_instant(packet: Any) -> Fraction | None:
    """When a packet is to be decoded, in seconds on its file's clock; None without a stamp."""
    stamp = packet.dts if packet.dts is not None else packet.pts
    return None if stamp is None else Fraction(stamp * packet.time_base)


def copy_packets(
    output: OutputContainer,
    streams: Sequence[CopiedStream],
    progress: Callable[[float], None] | None = None,
    noted: NoteCounter | None = None,
) -> None:
    """Copy the packets of streams of one or several open inputs; each input is read once.

    Parameters
    ----------
    output : from :func:`genlock.media.encode.open_output`; every stream was added by :func:`add_copied_stream`
    streams : what is to be copied
    progress : told now and then up to which second of the inputs the copy is
    noted : told which time stamps were set right; None: nobody is

    Raises
    ------
    NoPlace
        If a stream that is ``whole_only`` cannot be copied whole.
    OutputError
        If the time stamps of an input start again somewhere.
    av.FFmpegError, ValueError
        If the container takes none of a packet.
    """
    inputs: dict[int, list[CopiedStream]] = defaultdict(list)
    for each in streams:
        inputs[id(each.stream.container)].append(each)
    queues = [_packets_of(group, number, noted) for number, group in enumerate(inputs.values())]
    merged = queues[0] if len(queues) == 1 else heapq.merge(*queues, key=lambda item: item[:2])
    for number, (at, _, packet, each) in enumerate(merged):
        if progress is not None and number % 256 == 0:
            progress(float(at))
        each.send(packet, output)


def _packets_of(
    group: Sequence[CopiedStream], number: int, noted: NoteCounter | None
) -> Iterator[tuple[Fraction, int, Any, CopiedStream]]:
    """The packets of the streams of one input: instant on the output's clock, number of the input, packet, stream."""
    of = {each.stream.index: each for each in group}
    at = Fraction(0)
    for packet in packets_of(group[0].stream.container, [each.stream for each in group], noted):
        each = of.get(packet.stream_index)
        if each is None or not packet.size:
            continue
        for ready in each.take(packet):
            instant = decode_instant(ready)
            at = at if instant is None else max(at, instant + each.move)
            yield at, number, ready, each
    for each in group:
        for ready in each.rest():
            yield at, number, ready, each


def add_copied_stream(output: OutputContainer, copied: CopiedStream, *, tag: bool = True) -> None:
    """Add a stream like the input's to the output, with everything that its header says.

    Parameters
    ----------
    tag : whether the codec tag (``hvc1``) is asked for too, where both containers use such tags

    Raises
    ------
    NoPlace
        If the container has no place for it.
    """
    stream = copied.stream
    if is_cover(stream) and output.format.name in ("matroska", "webm"):
        raise NoPlace("a cover is an attachment in Matroska")
    try:
        made: Any = output.add_stream_from_template(stream, opaque=True)
    except ValueError as error:
        raise NoPlace(str(error)) from error
    made.time_base = stream.time_base
    said = copied.like or stream
    made.disposition = said.disposition
    if is_cover(stream):  # MP4's writer knows a cover by this alone
        made.disposition = av.stream.Disposition.attached_pic
    for key, value in {**said.metadata, **copied.tags}.items():
        if value:
            made.metadata[key] = value
    if (
        tag
        and made.codec_context is not None
        and _same_tags(stream.container.format.name, output.format.name)
    ):
        made.codec_context.codec_tag = stream.codec_context.codec_tag
    copied.out = made


def _same_tags(given: str, wanted: str) -> bool:
    return wanted in EDIT_LIST_CONTAINERS and bool(EDIT_LIST_CONTAINERS & set(given.split(",")))
