"""Move sounds of a Matroska or WebM file where it lies: the stamps of their blocks change, nothing else does.

A block's stamp is a signed 16-bit count of ticks from its cluster's, so that it can be changed in place. Blocks
that would be shown before 0 become Void elements of the same size.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from genlock.media.patch.base import Buffer, CannotPatch, Move, Patched, ticks_of

__all__ = ["patch_matroska"]

_SEGMENT, _INFO, _TRACKS, _CLUSTER, _CUES = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675, 0x1C53BB6B
_LEVEL_ONE = frozenset({_INFO, _TRACKS, _CLUSTER, _CUES, 0x114D9B74, 0x1254C367, 0x1043A770, 0x1941A469})
_CRC, _VOID = 0xBF, 0xEC
_TIMESTAMP_SCALE, _DURATION = 0x2AD7B1, 0x4489
_TRACK_ENTRY, _TRACK_NUMBER, _TRACK_TYPE, _TRACK_SCALE = 0xAE, 0xD7, 0x83, 0x23314F
_CLUSTER_TIME, _SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK = 0xE7, 0xA3, 0xA0, 0xA1
_CUE_POINT, _CUE_TIME, _CUE_POSITIONS, _CUE_TRACK = 0xBB, 0xB3, 0xB7, 0xF7
_SOUND = 2


@dataclass(frozen=True)
class _Element:
    """One EBML element; ``end`` is the end of the file or of its parent where its size is unknown."""

    ident: int
    place: int
    body: int
    end: int
    sized: bool


def patch_matroska(data: Buffer, moves: Sequence[Move]) -> Patched:
    """Move sounds in the bytes of a Matroska file.

    Raises
    ------
    CannotPatch
        If a stamp does not fit where it lies, or the file is damaged.
    """
    try:
        return _Editor(data, moves).run()
    except (IndexError, struct.error) as error:
        raise CannotPatch(f"the Matroska file is damaged ({error})") from error


class _Editor:
    def __init__(self, data: Buffer, moves: Sequence[Move]) -> None:
        self.data, self.moves = data, moves
        self.scale = 1_000_000
        self.ticks: dict[int, int] = {}  # number of the track to its move
        self.last: dict[int, tuple[int, int]] = {}  # of a moved track: its last two stamps
        self.duration: tuple[_Element, _Element] | None = None
        self.voided = 0

    def run(self) -> Patched:
        segment = next((e for e in self.children(0, len(self.data)) if e.ident == _SEGMENT), None)
        if segment is None:
            raise CannotPatch("it has no Matroska segment")
        for part in self.children(segment.body, segment.end):
            if part.ident == _INFO:
                self.read_info(part)
            elif part.ident == _TRACKS:
                self.read_tracks(part)
            elif part.ident == _CLUSTER:
                self.move_blocks(part)
            elif part.ident == _CUES:
                self.move_cues(part)
        if not self.last:
            raise CannotPatch("the sound that is to be moved has no block before the end of the file")
        self.lengthen()
        tick = Fraction(self.scale, 1_000_000_000)
        done = Patched({move.number: ticks_of(move.by, tick) * tick for move in self.moves})
        if self.voided:
            done.left_out.append(f"{self.voided} packets of sound that would come before 0 s were left out")
        return done

    # ------------------------------------------------------------ reading

    def children(self, start: int, end: int) -> Iterator[_Element]:
        place = start
        while place < end:
            found = self.element(place, end)
            if found is None:
                return
            if not found.sized and found.ident == _CLUSTER:
                found = self.end_of_unsized(found)
            yield found
            place = found.end

    def element(self, place: int, end: int) -> _Element | None:
        first = self.data[place]
        if not first:
            return None  # zeros at the end, or damage
        width = 9 - first.bit_length()
        ident = int.from_bytes(self.data[place : place + width], "big")
        at = place + width
        if width > 4 or at >= end:
            return None
        length = 9 - self.data[at].bit_length()
        if length > 8:
            return None
        size = int.from_bytes(self.data[at : at + length], "big") & ((1 << 7 * length) - 1)
        unknown = size == (1 << 7 * length) - 1
        body = at + length
        return _Element(ident, place, body, end if unknown else min(body + size, end), not unknown)

    def end_of_unsized(self, cluster: _Element) -> _Element:
        place = cluster.body
        while place < cluster.end:
            inner = self.element(place, cluster.end)
            if inner is None or inner.ident in _LEVEL_ONE:
                break
            place = inner.end
        return _Element(cluster.ident, cluster.place, cluster.body, place, True)

    def number(self, element: _Element) -> int:
        return int.from_bytes(self.data[element.body : element.end], "big")

    def read_info(self, info: _Element) -> None:
        for part in self.children(info.body, info.end):
            if part.ident == _TIMESTAMP_SCALE:
                self.scale = self.number(part)
            elif part.ident == _DURATION:
                self.duration = (info, part)

    def read_tracks(self, tracks: _Element) -> None:
        sounds: list[int] = []
        for entry in self.children(tracks.body, tracks.end):
            if entry.ident != _TRACK_ENTRY:
                continue
            fields = {part.ident: part for part in self.children(entry.body, entry.end)}
            if _TRACK_TYPE in fields and self.number(fields[_TRACK_TYPE]) == _SOUND:
                sounds.append(self.number(fields[_TRACK_NUMBER]))
                if _TRACK_SCALE in fields and self.real(fields[_TRACK_SCALE]) != 1.0:
                    raise CannotPatch("a track of it counts in ticks of its own")
        tick = Fraction(self.scale, 1_000_000_000)
        for move in self.moves:
            if move.number >= len(sounds):
                raise CannotPatch(f"it has no sound track {move.number}")
            self.ticks[sounds[move.number]] = ticks_of(move.by, tick)

    def real(self, element: _Element) -> float:
        code = ">f" if element.end - element.body == 4 else ">d"
        return float(struct.unpack(code, self.data[element.body : element.end])[0])

    # ------------------------------------------------------------ moving

    def move_blocks(self, cluster: _Element) -> None:
        began = 0
        changed = False
        for part in self.children(cluster.body, cluster.end):
            if part.ident == _CLUSTER_TIME:
                began = self.number(part)
            elif part.ident == _SIMPLE_BLOCK:
                changed |= self.move_block(part, part, began)
            elif part.ident == _BLOCK_GROUP:
                for block in self.children(part.body, part.end):
                    if block.ident == _BLOCK:
                        changed |= self.move_block(block, part, began)
        if changed:
            self.seal(cluster)

    def move_block(self, block: _Element, whole: _Element, began: int) -> bool:
        width = 9 - self.data[block.body].bit_length()
        track = int.from_bytes(self.data[block.body : block.body + width], "big") & ((1 << 7 * width) - 1)
        move = self.ticks.get(track)
        if move is None:
            return False
        at = block.body + width
        stamp = struct.unpack(">h", self.data[at : at + 2])[0] + move
        before = self.last.get(track)
        self.last[track] = (began + stamp if before is None else before[1], began + stamp)
        if began + stamp < 0:
            self.data[whole.place] = _VOID  # of one byte, as the ids of blocks and groups are
            self.voided += 1
            return True
        if not -32768 <= stamp <= 32767:
            raise CannotPatch("a Matroska block can be moved by 32 s from its cluster at most")
        self.data[at : at + 2] = struct.pack(">h", stamp)
        return True

    def move_cues(self, cues: _Element) -> None:
        changed = False
        for point in self.children(cues.body, cues.end):
            if point.ident != _CUE_POINT:
                continue
            parts = list(self.children(point.body, point.end))
            times = [part for part in parts if part.ident == _CUE_TIME]
            tracks = {
                self.number(inner)
                for part in parts
                if part.ident == _CUE_POSITIONS
                for inner in self.children(part.body, part.end)
                if inner.ident == _CUE_TRACK
            }
            if len(times) != 1 or len(tracks) != 1 or not tracks <= self.ticks.keys():
                continue
            time, size = times[0], times[0].end - times[0].body
            moved = max(0, self.number(time) + self.ticks[tracks.pop()])
            if moved < 1 << 8 * size:
                self.data[time.body : time.end] = moved.to_bytes(size, "big")
                self.seal(point)
                changed = True
        if changed:
            self.seal(cues)

    def lengthen(self) -> None:
        """State the end of the sound as the file's, where it now is later."""
        if self.duration is None:
            return
        info, stated = self.duration
        end = max(2 * last - before for before, last in self.last.values())
        if end > self.real(stated):
            code = ">f" if stated.end - stated.body == 4 else ">d"
            self.data[stated.body : stated.end] = struct.pack(code, float(end))
            self.seal(info)

    def seal(self, master: _Element) -> None:
        """Write the checksum of an element whose inside was changed, where it has one."""
        first = self.element(master.body, master.end)
        if first is not None and first.ident == _CRC and first.end - first.body == 4:
            checksum = zlib.crc32(self.data[first.end : master.end])
            self.data[first.body : first.end] = struct.pack("<I", checksum)
