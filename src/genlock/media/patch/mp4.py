"""Move sounds of an MP4 or MOV file where it lies: their edit lists change, the media and all else stay as they are.

In a file of fragments, the decode times of the sound's fragments change instead, which are exact in its own ticks.
Every other box is kept byte for byte: tags of any kind, covers, chapters, timecode and its reel names, HDR and
colour boxes, sample descriptions (``hvc1``), tracks of unknown data.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from genlock.core.time import round_fraction
from genlock.media.patch.base import Buffer, CannotPatch, Move, Patched

__all__ = ["Box", "NewIndex", "boxes", "has_fragments", "patch_fragments", "patch_index"]

_FINEST_TIMESCALE = 14_112_000
_CONTAINERS = frozenset({b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl"})
# Boxes beside the index that may be moved, since they point nowhere or are set right.
_MOVABLE = frozenset(
    b"ftyp moov mdat free skip wide udta uuid styp pnot moof mfra sidx ssix emsg prft".split()
)
# Boxes that point into the file in ways of their own: the media must not be moved then.
_POINTERS = (b"saio", b"iloc", b"gps ")
_CHUNK_OFFSETS = {b"stco": ">I", b"co64": ">Q"}
_BARE = b""  # bytes in no box
_ONE = 0x10000  # the rate of an edit that plays at the normal speed


@dataclass
class Box:
    """One box: what is in it, or the boxes that are."""

    kind: bytes
    """Its four letters."""
    body: bytearray = field(default_factory=bytearray)
    """Its bytes after the header, where it holds no boxes that are looked at."""
    inside: list[Box] | None = None
    """The boxes in it, where it is one of those that are looked into."""

    def dump(self) -> bytes:
        """Its bytes, header included.

        >>> Box(b"free", bytearray(2)).dump()
        b'\\x00\\x00\\x00\\nfree\\x00\\x00'
        """
        body = bytes(self.body) if self.inside is None else b"".join(box.dump() for box in self.inside)
        if self.kind == _BARE:
            return body
        if len(body) + 8 < 1 << 32:
            return struct.pack(">I4s", len(body) + 8, self.kind) + body
        return struct.pack(">I4sQ", 1, self.kind, len(body) + 16) + body

    def find(self, *path: bytes) -> Box | None:
        """The first box on a path below this one."""
        if not path:
            return self
        found = (box for box in self.inside or () if box.kind == path[0])
        return next((deep for box in found if (deep := box.find(*path[1:])) is not None), None)

    def the(self, *path: bytes) -> Box:
        """The same, where a file without it is damaged."""
        found = self.find(*path)
        if found is None:
            raise CannotPatch(f"its {self.kind.decode('latin-1')} has no {b'/'.join(path).decode('latin-1')}")
        return found

    def all(self, *path: bytes) -> Iterator[Box]:
        """Every box on a path below this one."""
        if not path:
            yield self
            return
        for box in self.inside or ():
            if box.kind == path[0]:
                yield from box.all(*path[1:])


def boxes(data: Buffer, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """The boxes of a stretch of bytes: four letters, where each begins, where its body begins, where it ends."""
    place = start
    while place + 8 <= end:
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        body = place + 8
        if size == 1:
            size, body = struct.unpack(">Q", data[place + 8 : place + 16])[0], place + 16
        elif size == 0:
            size = end - place
        if size < body - place or place + size > end:
            raise CannotPatch(f"its box {kind.decode('latin-1')!r} is cut short")
        yield kind, place, body, place + size
        place += size


def _parse(data: Buffer, kind: bytes, body: int, end: int) -> Box:
    if kind not in _CONTAINERS:
        return Box(kind, bytearray(data[body:end]))
    inside = [_parse(data, inner, at, stop) for inner, _, at, stop in boxes(data, body, end)]
    rest = max((stop for _, _, _, stop in boxes(data, body, end)), default=body)
    if rest < end:  # QuickTime ends some lists with 32 zero bits
        inside.append(Box(_BARE, bytearray(data[rest:end])))
    return Box(kind, inside=inside)


@dataclass(frozen=True)
class NewIndex:
    """A new ``moov`` box, and how the file is put together with it."""

    pieces: tuple[tuple[int, int] | bytes, ...]
    """The new file: stretches of the old one (start, end), and new bytes."""
    done: Patched
    """What was done."""


# ---------------------------------------------------------------- edit lists


@dataclass
class _Edit:
    """One entry of an edit list."""

    length: int
    """In units of the movie."""
    start: int
    """First instant of the media that is shown, in units of the track; -1: nothing is shown."""
    rate: int = _ONE


def patch_index(data: Buffer, moves: Sequence[Move]) -> NewIndex:
    """Move sounds by their edit lists.

    Raises
    ------
    CannotPatch
        If the file is damaged, or built in a way that has no room for it.
    """
    top = list(boxes(data, 0, len(data)))
    found = [box for box in top if box[0] == b"moov"]
    if len(found) != 1:
        raise CannotPatch(f"it has {len(found)} boxes 'moov'")
    _, place, body, end = found[0]
    moov = _parse(data, b"moov", body, end)
    done = _Movie(moov).move(moves)
    return NewIndex(_put_together(data, top, place, end, moov), done)


class _Movie:
    """The parts of a ``moov`` box that a move touches."""

    def __init__(self, moov: Box) -> None:
        self.moov = moov
        self.header = moov.the(b"mvhd")
        self.tracks = {
            _u32(trak.the(b"tkhd").body, _after_times(trak.the(b"tkhd"))): trak for trak in moov.all(b"trak")
        }

    def move(self, moves: Sequence[Move]) -> Patched:
        wanted = {}
        for move in moves:
            if move.ident not in self.tracks:
                raise CannotPatch(f"it has no track {move.ident}")
            rate = self.timescale(self.tracks[move.ident].the(b"mdia", b"mdhd"))
            wanted[move] = (rate, Fraction(round_fraction(move.by * rate, "nearest"), rate))
        self.refine([rate for move, (rate, by) in wanted.items() if by > 0 or self.gap(move)])
        done = Patched()
        for move, (rate, by) in wanted.items():
            done.made[move.number] = self.move_track(self.tracks[move.ident], rate, by)
        lengths = [self.length(trak.the(b"tkhd"), 4) for trak in self.tracks.values()]
        self.set_length(self.header, 0, max([self.length(self.header, 0), *lengths]))
        return done

    def gap(self, move: Move) -> bool:
        """Whether an empty edit says that the track starts late."""
        found = self.tracks[move.ident].find(b"edts", b"elst")
        edits = _edits_of(found) if found is not None else []
        return bool(edits) and edits[0].start == -1

    def timescale(self, header: Box) -> int:
        return _u32(header.body, _after_times(header))

    def refine(self, rates: Sequence[int]) -> None:
        """Make the units of the movie so fine that a start that falls on a sample can be said exactly."""
        units = self.timescale(self.header)
        finer = math.lcm(units, *rates)
        if finer == units or finer > _FINEST_TIMESCALE:
            return
        factor = finer // units
        struct.pack_into(">I", self.header.body, _after_times(self.header), finer)
        self.set_length(self.header, 0, self.length(self.header, 0) * factor)
        for trak in self.moov.all(b"trak"):
            self.set_length(trak.the(b"tkhd"), 4, self.length(trak.the(b"tkhd"), 4) * factor)
            edits = trak.find(b"edts", b"elst")
            if edits is not None:
                edits.body = _dump_edits(
                    [_Edit(edit.length * factor, edit.start, edit.rate) for edit in _edits_of(edits)]
                )
        for extends in self.moov.all(b"mvex"):
            self.refine_fragments(extends, factor)

    def refine_fragments(self, extends: Box, factor: int) -> None:
        """``mehd`` counts in the units of the movie too."""
        for kind, _, body, _ in boxes(extends.body, 0, len(extends.body)):
            if kind == b"mehd":
                code, at = (">Q", body + 4) if extends.body[body] else (">I", body + 4)
                struct.pack_into(
                    code, extends.body, at, struct.unpack_from(code, extends.body, at)[0] * factor
                )

    def length(self, header: Box, after: int) -> int:
        """A header's duration; ``after``: bytes of reserved space before it and after the number before that."""
        code = ">Q" if header.body[0] else ">I"
        return int(struct.unpack_from(code, header.body, _after_times(header) + 4 + after)[0])

    def set_length(self, header: Box, after: int, length: int) -> None:
        at = _after_times(header) + 4 + after
        if header.body[0] == 0 and length >= 1 << 32:  # the larger form of the header
            header.body = _widened(header.body, at)
            at = _after_times(header) + 4 + after
        struct.pack_into(">Q" if header.body[0] else ">I", header.body, at, length)

    def move_track(self, trak: Box, rate: int, by: Fraction) -> Fraction:
        """Move one track; how far it was moved in fact."""
        units = self.timescale(self.header)
        media = self.length(trak.the(b"mdia", b"mdhd"), 0)
        found = trak.find(b"edts", b"elst")
        edits = _edits_of(found) if found is not None else []
        if not edits:
            edits = [_Edit(math.ceil(Fraction(media * units, rate)), 0)]
        gap = 0
        while edits and edits[0].start == -1:
            gap += edits.pop(0).length
        wanted = Fraction(gap, units) + by
        made = by
        if wanted >= 0:
            new = round_fraction(wanted * units, "nearest")
            made = Fraction(new - gap, units)
            if new:
                edits.insert(0, _Edit(new, -1))
        else:
            _cut(edits, -wanted, units, rate)
        if not any(edit.start >= 0 for edit in edits):
            raise CannotPatch("nothing of the sound would be left")
        self.set_edits(trak, edits)
        self.set_length(trak.the(b"tkhd"), 4, sum(edit.length for edit in edits))
        return made

    def set_edits(self, trak: Box, edits: list[_Edit]) -> None:
        body = _dump_edits(edits)
        edts = trak.find(b"edts")
        if edts is None:
            edts = Box(b"edts", inside=[])
            assert trak.inside is not None
            trak.inside.insert(trak.inside.index(trak.the(b"tkhd")) + 1, edts)
        elst = edts.find(b"elst")
        if elst is not None:
            elst.body = body
        else:
            assert edts.inside is not None
            edts.inside.append(Box(b"elst", body))


def _cut(edits: list[_Edit], length: Fraction, units: int, rate: int) -> None:
    """Cut so much off the beginning of what is shown; whatever remains begins on a sample."""
    while edits and length > 0:
        edit = edits[0]
        lasts = Fraction(edit.length, units)
        if edit.length and lasts <= length:
            edits.pop(0)
            length -= lasts
            continue
        if edit.start >= 0:
            if edit.rate != _ONE:
                raise CannotPatch("its sound is played at another speed by an edit list")
            edit.start += round_fraction(length * rate, "nearest")
        if edit.length:
            edit.length = max(1, math.ceil((lasts - length) * units))
        length = Fraction(0)


def _edits_of(elst: Box) -> list[_Edit]:
    code, size = (">Qq i", 20) if elst.body[0] else (">Ii i", 12)
    count = _u32(elst.body, 4)
    return [_Edit(*struct.unpack_from(code.replace(" ", ""), elst.body, 8 + size * k)) for k in range(count)]


def _dump_edits(edits: Sequence[_Edit]) -> bytearray:
    wide = any(edit.length >= 1 << 32 or edit.start >= 1 << 31 for edit in edits)
    code = ">Qqi" if wide else ">Iii"
    head = struct.pack(">II", int(wide) << 24, len(edits))
    return bytearray(head + b"".join(struct.pack(code, edit.length, edit.start, edit.rate) for edit in edits))


def _after_times(header: Box) -> int:
    """Where the number after the two dates of mvhd, tkhd or mdhd lies."""
    return 4 + (16 if header.body[0] else 8)


def _widened(body: bytearray, at: int) -> bytearray:
    """A header whose dates and duration are given 64 bits instead of 32."""
    dates = b"".join(bytes(4) + body[k : k + 4] for k in (4, 8))
    return bytearray(b"\x01" + body[1:4] + dates + body[12:at] + bytes(4) + body[at:])


def _u32(body: bytearray, at: int) -> int:
    return int(struct.unpack_from(">I", body, at)[0])


# ---------------------------------------------------------------- putting the file together


def _put_together(
    data: Buffer, top: Sequence[tuple[bytes, int, int, int]], place: int, end: int, moov: Box
) -> tuple[tuple[int, int] | bytes, ...]:
    new, last = moov.dump(), end == len(data)
    room = end - place
    behind = next((box for box in top if box[1] == end and box[0] in (b"free", b"skip")), None)
    if behind is not None:
        room, after = behind[3] - place, behind[3]
    else:
        after = end
    if last or len(new) == room or (behind is not None and len(new) <= room - 8):
        padding = b"" if last or len(new) == room else Box(b"free", bytearray(room - len(new) - 8)).dump()
        return (0, place), new + padding, (after if not last else end, len(data))
    if _may_move_the_media(data, top, moov):
        by = len(new) - (end - place)
        _move_offsets(moov, place, by)
        _move_fragment_offsets(data, top, place, by)
        return (0, place), moov.dump(), (end, len(data))
    # Something else points into the media: leave it where it is, and write the index behind it.
    return (0, place), Box(b"free", bytearray(end - place - 8)).dump(), (end, len(data)), new


def _may_move_the_media(data: Buffer, top: Sequence[tuple[bytes, int, int, int]], moov: Box) -> bool:
    if any(kind not in _MOVABLE for kind, _, _, _ in top):
        return False
    whole = moov.dump()
    if any(pointer in whole for pointer in _POINTERS):
        return False
    offsets = [box for kind in _CHUNK_OFFSETS for box in moov.all(b"trak", b"mdia", b"minf", b"stbl", kind)]
    # A 32-bit offset has to stay one.
    return all(box.kind == b"co64" for box in offsets) or len(data) + (1 << 20) < 1 << 32


def _move_offsets(moov: Box, place: int, by: int) -> None:
    for kind, code in _CHUNK_OFFSETS.items():
        for box in moov.all(b"trak", b"mdia", b"minf", b"stbl", kind):
            size = struct.calcsize(code)
            for at in range(8, 8 + size * _u32(box.body, 4), size):
                offset = struct.unpack_from(code, box.body, at)[0]
                if offset > place:
                    struct.pack_into(code, box.body, at, offset + by)


def _move_fragment_offsets(
    data: Buffer, top: Sequence[tuple[bytes, int, int, int]], place: int, by: int
) -> None:
    """``tfhd`` and ``tfra`` may say where in the file something lies."""
    for kind, _, start, end in top:
        if kind not in (b"moof", b"mfra"):
            continue
        for inner, _, body, stop in boxes(data, start, end):
            if inner == b"traf":
                for header, _, at, _ in boxes(data, body, stop):
                    if header == b"tfhd" and data[at + 3] & 1:
                        _add(data, at + 8, ">Q", by if _u64(data, at + 8) > place else 0)
            elif inner == b"tfra":
                code, first, size, count = _table(data, body)
                for k in range(count):
                    _add(data, body + first + k * size + struct.calcsize(code), code, by)


def _u64(data: Buffer, at: int) -> int:
    return int(struct.unpack(">Q", data[at : at + 8])[0])


# ---------------------------------------------------------------- fragments


def has_fragments(data: Buffer) -> bool:
    """Whether the media of an MP4 file are in fragments."""
    return any(kind == b"moof" for kind, _, _, _ in boxes(data, 0, len(data)))


def patch_fragments(data: Buffer, moves: Sequence[Move]) -> Patched:
    """Move sounds of a file of fragments by the decode times of these.

    Raises
    ------
    CannotPatch
        If a fragment would begin before 0, or does not say when it begins.
    """
    top = list(boxes(data, 0, len(data)))
    fragments = [box for box in top if box[0] == b"moof"]
    moov = next((_parse(data, kind, body, end) for kind, _, body, end in top if kind == b"moov"), None)
    if moov is None:
        raise CannotPatch("it has no box 'moov'")
    done, ticks = Patched(), {}
    for move in moves:
        rate = _rate_of(moov, move.ident)
        ticks[move.ident] = round_fraction(move.by * rate, "nearest")
        done.made[move.number] = Fraction(ticks[move.ident], rate)
    if any(_has_samples(trak) for trak in moov.all(b"trak")):
        raise CannotPatch("some of its sound is in fragments, and some is not")
    for _, _, body, end in fragments:
        for kind, _, at, stop in boxes(data, body, end):
            if kind == b"traf":
                _move_fragment(data, at, stop, ticks)
    for kind, _, body, end in top:
        if kind == b"mfra":
            _move_table(data, body, end, ticks)
        elif kind == b"sidx" and _u32(bytearray(data[body + 4 : body + 8]), 0) in ticks:
            raise CannotPatch("it has an index of the sound's segments")
    return done


def _rate_of(moov: Box, ident: int) -> int:
    for trak in moov.all(b"trak"):
        header = trak.the(b"tkhd")
        if _u32(header.body, _after_times(header)) == ident:
            media = trak.the(b"mdia", b"mdhd")
            return _u32(media.body, _after_times(media))
    raise CannotPatch(f"it has no track {ident}")


def _has_samples(trak: Box) -> bool:
    sizes = trak.find(b"mdia", b"minf", b"stbl", b"stsz")
    return sizes is not None and _u32(sizes.body, 8) > 0


def _move_fragment(data: Buffer, start: int, end: int, ticks: dict[int, int]) -> None:
    ident, time = 0, None
    for kind, _, body, _ in boxes(data, start, end):
        if kind == b"tfhd":
            ident = int(struct.unpack(">I", data[body + 4 : body + 8])[0])
        elif kind == b"tfdt":
            time = body
    if ident not in ticks:
        return
    if time is None:
        raise CannotPatch("its fragments do not say when they begin")
    _add(data, time + 4, ">Q" if data[time] else ">I", ticks[ident])


def _move_table(data: Buffer, start: int, end: int, ticks: dict[int, int]) -> None:
    """``tfra``: where which instant of a track is."""
    for kind, _, body, _ in boxes(data, start, end):
        if kind != b"tfra":
            continue
        ident = int(struct.unpack(">I", data[body + 4 : body + 8])[0])
        if ident not in ticks:
            continue
        code, first, size, count = _table(data, body)
        for k in range(count):
            _add(data, body + first + k * size, code, ticks[ident])


def _table(data: Buffer, body: int) -> tuple[str, int, int, int]:
    """How ``tfra`` writes instants and places, where its rows begin, how long one is, and how many there are."""
    lengths, count = struct.unpack(">II", data[body + 8 : body + 16])
    code = ">Q" if data[body] else ">I"
    size = 2 * struct.calcsize(code) + sum((lengths >> shift & 3) + 1 for shift in (4, 2, 0))
    return code, 16, size, count


def _add(data: Buffer, at: int, code: str, ticks: int) -> None:
    size = struct.calcsize(code)
    moved = struct.unpack(code, data[at : at + size])[0] + ticks
    if not 0 <= moved < 1 << 8 * size:
        raise CannotPatch("a fragment of the sound would begin before 0")
    data[at : at + size] = struct.pack(code, moved)
