"""Move sounds of an MPEG transport or program stream where it lies: the stamps of their PES packets change.

Program tables, clock references, subtitles, private data and the picture stay as they are, byte for byte. So do time
stamps that start again in the middle of a file: each is moved by the same number of ticks, modulo 2^33.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.media.patch.base import Buffer, CannotPatch, Move, Patched, ticks_of

__all__ = ["patch_program_stream", "patch_transport_stream"]

_TICK = Fraction(1, 90_000)
_WRAP = 1 << 33
_WRAPPED_WITHIN = 60 * 90_000  # a stamp so close below 2^33 is before a wrap, not late
_PES_HEADER = 19  # bytes up to the end of both stamps
_SYNC = 0x47
_NO_PROGRAM = 0x1FFF  # the PID of packets that carry nothing
_ROWS = 65_536  # transport packets looked at together
_IN_STEP = 5  # packets that must follow each other before a 0x47 is believed to begin one


class _Stamps:
    """Moves the stamps of one stream's PES packets, which are handed over one after another."""

    def __init__(self, ticks: int) -> None:
        self.ticks = ticks
        self.count = self.dropped = 0
        self.before = 0
        self.dropping = False
        """Whether the last stamp lay before 0; packets without a stamp belong to it."""

    def move(self, data: Buffer, at: Sequence[int], flags: int) -> bool:
        """Move the stamps that begin at ``at``; False if the packet would come before 0.

        Parameters
        ----------
        at : where each byte of the stamps lies, 5 or 10 places
        flags : bit 1: there is a PTS, bit 0: a DTS follows it
        """
        places = [at[:5]] + ([at[5:10]] if flags & 1 else [])
        shown = _stamp(data, places[0])
        wrapped = self.before > _WRAP - _WRAPPED_WITHIN
        self.before = shown
        self.dropping = shown + self.ticks < 0 and not wrapped
        if self.dropping:
            self.dropped += 1
            return False
        for place in places:
            _set_stamp(data, place, (_stamp(data, place) + self.ticks) % _WRAP)
        self.count += 1
        return True


def _stamp(data: Buffer, at: Sequence[int]) -> int:
    a, b, c, d, e = (data[place] for place in at)
    return int((a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1)


def _set_stamp(data: Buffer, at: Sequence[int], value: int) -> None:
    new = (
        data[at[0]] & 0xF1 | (value >> 30) << 1,
        value >> 22 & 0xFF,
        data[at[2]] & 0x01 | (value >> 15 & 0x7F) << 1,
        value >> 7 & 0xFF,
        data[at[4]] & 0x01 | (value & 0x7F) << 1,
    )
    for place, byte in zip(at, new, strict=True):
        data[place] = byte


def _report(moves: Sequence[Move], stamps: dict[int, _Stamps]) -> Patched:
    done = Patched({move.number: ticks_of(move.by, _TICK) * _TICK for move in moves})
    for move in moves:
        if not stamps[move.ident].count:
            raise CannotPatch(f"sound {move.number} has no time stamp that could be moved")
        if stamps[move.ident].dropped:
            done.left_out.append(
                f"{stamps[move.ident].dropped} packets of sound that would come before 0 s were left out"
            )
    return done


# ---------------------------------------------------------------- transport streams


def patch_transport_stream(data: Buffer, moves: Sequence[Move]) -> Patched:
    """Move sounds in the bytes of a transport stream (packets of 188, 192 or 204 bytes).

    Raises
    ------
    CannotPatch
        If it is scrambled, or no transport stream.
    """
    size, start = _packet_size(data)
    stamps = {move.ident: _Stamps(ticks_of(move.by, _TICK)) for move in moves}
    begun: dict[int, list[int]] = {}  # PID to the places of the bytes of a PES header that is not whole yet
    dropping: set[int] = set()
    idents = np.array(sorted(stamps))
    for place in _packets_of(data, size, start, idents):
        pid = (data[place + 1] & 0x1F) << 8 | data[place + 2]
        if data[place + 3] & 0xC0:
            raise CannotPatch("the sound is scrambled")
        starts = bool(data[place + 1] & 0x40)
        if starts:
            begun[pid] = []
            dropping.discard(pid)
        body = place + 4 + (1 + data[place + 4] if data[place + 3] & 0x20 else 0)
        if pid in begun and data[place + 3] & 0x10:
            header = begun[pid]
            header += range(body, min(place + 188, body + _PES_HEADER - len(header)))
            if _header_is_whole(data, header):
                del begun[pid]
                if not _move_transport_header(data, header, stamps[pid]):
                    dropping.add(pid)
        if pid in dropping:
            data[place + 1] = data[place + 1] & 0x80 | _NO_PROGRAM >> 8
            data[place + 2] = _NO_PROGRAM & 0xFF
    return _report(moves, stamps)


def _header_is_whole(data: Buffer, header: list[int]) -> bool:
    if len(header) < 9:
        return False
    flags = data[header[7]] >> 6
    return len(header) >= (14 if flags == 2 else 19 if flags == 3 else 9)


def _move_transport_header(data: Buffer, header: list[int], stamps: _Stamps) -> bool:
    if [data[place] for place in header[:3]] != [0, 0, 1]:
        raise CannotPatch("a packet of the sound does not begin as one, the file is damaged")
    flags = data[header[7]] >> 6
    return stamps.move(data, header[9:], flags) if flags & 2 else not stamps.dropping


def _packet_size(data: Buffer) -> tuple[int, int]:
    """Bytes from one packet's 0x47 to the next, and where the first is."""
    for start in range(min(len(data), 4096)):
        if data[start] != _SYNC:
            continue
        for size in (188, 192, 204):
            if all(data[k] == _SYNC for k in range(start, min(len(data), start + _IN_STEP * size), size)):
                return size, start
    raise CannotPatch("it is no transport stream")


def _packets_of(data: Buffer, size: int, start: int, idents: npt.NDArray[np.int64]) -> Iterator[int]:
    """Where the packets of these PIDs begin; after damage, from where the packets are in step again."""
    place = start
    while place + 188 <= len(data):
        rows = min(_ROWS, (len(data) - place + size - 188) // size)
        chunk = np.frombuffer(data[place : place + rows * size].ljust(rows * size, b"\0"), np.uint8)
        table = chunk.reshape(rows, size)
        bad = np.flatnonzero(table[:, 0] != _SYNC)
        good = int(bad[0]) if len(bad) else rows
        pids = (table[:good, 1].astype(np.int64) & 0x1F) << 8 | table[:good, 2]
        for row in np.flatnonzero(np.isin(pids, idents)):
            yield place + int(row) * size
        place += good * size
        if good < rows:
            place = _next_in_step(data, size, place + 1)


def _next_in_step(data: Buffer, size: int, place: int) -> int:
    while True:
        place = data.find(b"G", place)  # 0x47
        if place < 0:
            return len(data)
        if all(data[k] == _SYNC for k in range(place, min(len(data), place + _IN_STEP * size), size)):
            return place
        place += 1


# ---------------------------------------------------------------- program streams

_PACK, _SYSTEM_HEADER, _END, _PRIVATE = 0xBA, 0xBB, 0xB9, 0xBD
_SOUND_SUBSTREAMS = range(0x80, 0xD0)  # AC-3, DTS and LPCM of DVDs, in private stream 1


def patch_program_stream(data: Buffer, moves: Sequence[Move]) -> Patched:
    """Move sounds in the bytes of a program stream of MPEG-1 or MPEG-2 (``.mpg``, ``.vob``).

    Raises
    ------
    CannotPatch
        If it is no program stream.
    """
    stamps = {move.ident: _Stamps(ticks_of(move.by, _TICK)) for move in moves}
    place = data.find(b"\0\0\1\xba")
    if place < 0:
        raise CannotPatch("it is no program stream")
    while 0 <= place < len(data) - 6:
        if data[place : place + 3] != b"\0\0\1":
            place = data.find(b"\0\0\1\xba", place)  # damage: the next pack
            continue
        code = data[place + 3]
        if code == _PACK:
            two = data[place + 4] >> 6 == 1
            place += 14 + (data[place + 13] & 7) if two else 12
        elif code == _END:
            place += 4
        else:
            end = place + 6 + (data[place + 4] << 8 | data[place + 5])
            if code == _PRIVATE or 0xC0 <= code <= 0xDF:
                _move_program_packet(data, place, end, stamps)
            place = end
    return _report(moves, stamps)


def _move_program_packet(data: Buffer, place: int, end: int, stamps: dict[int, _Stamps]) -> None:
    if end > len(data):
        return
    flags, at, body = _program_header(data, place, end)
    ident = 0x100 + data[place + 3]
    if data[place + 3] == _PRIVATE:
        if body >= end or data[body] not in _SOUND_SUBSTREAMS:
            return
        ident = data[body]
    if ident not in stamps:
        return
    of = stamps[ident]
    kept = of.move(data, range(at, at + 10), flags) if flags & 2 else not of.dropping
    if not kept:
        data[place + 3] = 0xBE  # a padding stream of the same size


def _program_header(data: Buffer, place: int, end: int) -> tuple[int, int, int]:
    """Which stamps there are (bit 1: PTS, bit 0: DTS), where they begin, and where the payload does."""
    at = place + 6
    if data[at] >> 6 == 2:  # MPEG-2
        return data[at + 1] >> 6, at + 3, at + 3 + data[at + 2]
    while at < end and data[at] == 0xFF:
        at += 1
    if data[at] >> 6 == 1:  # the size of the decoder's buffer
        at += 2
    kind = data[at] >> 4
    if kind == 2:
        return 2, at, at + 5
    if kind == 3:
        return 3, at, at + 10
    return 0, at, at + 1
