"""Everything that a file says about itself, so that what a copy of it does not say can be named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

from genlock.media.streams import is_cover

__all__ = ["Inventory", "StreamRecord", "kind_of", "missing_in", "take_inventory"]

# What the writer of a file says about itself and its way to write, not about what is in it.
_OF_THE_WRITER = frozenset({"encoder", "major_brand", "minor_version", "compatible_brands"})
_NOTHING_SAID = {"language": "und", "vendor_id": "[0][0][0][0]"}
# Numbers that Matroska's writers count anew, such as NUMBER_OF_FRAMES and _STATISTICS_TAGS.
_COUNTED = ("_statistics", "number_of_", "bps", "duration")
_USUAL = {"sample_aspect_ratio": 1}
_LOOKED_AT_PACKETS = 64  # of a picture, until a frame says how it is to be turned and shown
_SIDE_DATA = {
    "DISPLAYMATRIX": "rotation",
    "STEREO3D": "stereo layout",
    "SPHERICAL": "spherical projection",
    "MASTERING_DISPLAY_METADATA": "HDR mastering display",
    "CONTENT_LIGHT_LEVEL": "HDR content light level",
    "ICC_PROFILE": "colour profile",
    "AMBIENT_VIEWING_ENVIRONMENT": "HDR viewing environment",
    "DOVI_METADATA": "Dolby Vision",
    "DYNAMIC_HDR_PLUS": "HDR10+",
}


@dataclass(frozen=True)
class StreamRecord:
    """What a file says about one of its streams."""

    index: int
    """Number of the stream in the container."""
    kind: str
    """``video``, ``audio``, ``subtitle``, ``data``, ``attachment`` or ``cover``."""
    codec: str
    """FFmpeg's name of the codec."""
    tags: Mapping[str, str]
    """Its tags, such as language and title, keys in small letters."""
    dispositions: frozenset[str]
    """What it is meant for: ``default``, ``forced``, ``comment`` ..."""
    facts: Mapping[str, str]
    """What else its header says: codec tag, colours, shape of the pixels, rotation, HDR."""

    def __str__(self) -> str:
        parts = [
            self.codec,
            *(self.tags[key] for key in ("language", "title", "filename") if key in self.tags),
        ]
        return f"stream {self.index} ({', '.join((self.kind, *parts))})"


@dataclass(frozen=True)
class Inventory:
    """What a file says about itself."""

    streams: tuple[StreamRecord, ...]
    """Its streams."""
    tags: Mapping[str, str]
    """Tags of the whole file, keys in small letters."""
    chapters: tuple[tuple[Fraction, Fraction, str], ...]
    """Start, end (seconds) and title of each chapter."""


def kind_of(stream: Any) -> str:
    """The kind of a stream, covers apart from video."""
    return "cover" if is_cover(stream) else str(stream.type)


def take_inventory(container: Any) -> Inventory:
    """What an open input says about itself. Some packets of it are read where a picture's frame says more.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from genlock.media import Sound, encode
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     encode(f"{folder}/a.wav", sound=Sound(np.zeros(800), 8000), metadata={"title": "A"})
    ...     with av.open(f"{folder}/a.wav") as container:
    ...         found = take_inventory(container)
    >>> str(found.streams[0]), found.tags["title"]
    ('stream 0 (audio, pcm_s16le)', 'A')
    """
    chapters = tuple(
        (
            Fraction(each["start"] * each["time_base"]),
            Fraction(each["end"] * each["time_base"]),
            each["metadata"].get("title", ""),
        )
        for each in container.chapters()
    )
    seen = _shown(container)
    records = tuple(_record(stream, seen.get(stream.index, {})) for stream in container.streams)
    return Inventory(records, _plain(container.metadata), chapters)


def _record(stream: Any, seen: Mapping[str, str]) -> StreamRecord:
    context = stream.codec_context
    facts = dict(seen)
    if context is not None:
        facts["codec tag"] = context.codec_tag
        if stream.type == "video":
            for key, name in (
                ("color_primaries", "colour primaries"),
                ("color_trc", "transfer curve"),
                ("colorspace", "colour matrix"),
                ("color_range", "colour range"),
                ("sample_aspect_ratio", "shape of the pixels"),
            ):
                facts[name] = str(getattr(context, key, None) or _USUAL.get(key))
    codec = context.name if context is not None else getattr(stream, "name", None) or "unknown"
    given = frozenset(str(flag.name) for flag in av.stream.Disposition if stream.disposition & flag)
    return StreamRecord(stream.index, kind_of(stream), codec, _plain(stream.metadata), given, facts)


def _plain(tags: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in tags.items()}


def _shown(container: Any) -> dict[int, dict[str, str]]:
    """What the first frame of each picture says: rotation, HDR, projection."""
    wanted = [
        s for s in container.streams if s.type == "video" and not is_cover(s) and s.codec_context is not None
    ]
    found: dict[int, dict[str, str]] = {}
    if not wanted:
        return found
    for looked, packet in enumerate(container.demux(wanted), 1):
        if packet.stream_index not in found:
            try:
                frames = packet.decode()
            except (av.FFmpegError, ValueError, RuntimeError):
                frames = []  # damage is the reader's business
            if frames:
                found[packet.stream_index] = {
                    _SIDE_DATA[side.type.name]: bytes(side).hex()
                    for side in frames[0].side_data
                    if side.type.name in _SIDE_DATA
                }
        if len(found) == len(wanted) or looked >= _LOOKED_AT_PACKETS:
            break
    return found


def missing_in(
    copy: Inventory,
    original: Inventory,
    places: Mapping[int, int],
    why: Mapping[int, str],
    chapters: bool = True,
) -> list[str]:
    """What the original says and its copy does not, one line each.

    Parameters
    ----------
    places : number of a stream in the original to its number in the copy
    why : number of a stream that has no place to the reason
    chapters : whether the copy is to have every chapter of the original
    """
    lines = []
    made = {record.index: record for record in copy.streams}
    for record in original.streams:
        place = places.get(record.index)
        if place is None or place not in made:
            again = _written_anew(record, copy, original)
            if again is not None:
                lines += [f"{record}: {line}" for line in _missing_of(record, again)]
                continue
            reason = why.get(record.index, "the copy does not hold it")
            lines.append(f"{record} was left out: {reason}")
        else:
            lines += [f"{record}: {line}" for line in _missing_of(record, made[place])]
    lines += [
        f"the tag {key}={value!r} of the file was left out"
        for key, value in _lost_tags(original.tags, copy.tags)
        if key not in _OF_THE_WRITER
    ]
    if chapters:
        titles = [title for _, _, title in copy.chapters]
        gone = [title for _, _, title in original.chapters if title not in titles]
        if len(copy.chapters) < len(original.chapters):
            lines.append(f"{len(original.chapters) - len(copy.chapters)} chapters were left out")
        elif gone:
            lines.append(f"the titles of {len(gone)} chapters were left out")
    return lines


def _written_anew(record: StreamRecord, copy: Inventory, original: Inventory) -> StreamRecord | None:
    """The track that MP4 made again in place of one of its own: of the picture's timecode, or of the chapters."""
    if record.kind != "data":
        return None
    if "timecode" in record.tags:
        found = (made for made in copy.streams if made.kind == "data" and "timecode" in made.tags)
        return next(found, None)
    chapters = len(original.chapters)
    return record if record.codec == "bin_data" and 0 < chapters == len(copy.chapters) else None


def _missing_of(before: StreamRecord, after: StreamRecord) -> Iterator[str]:
    for key, value in _lost_tags(before.tags, after.tags):
        became = after.tags.get(key)
        yield f"the tag {key}={value!r} " + ("was left out" if became is None else f"became {became!r}")
    gone = before.dispositions - after.dispositions - {"attached_pic"}
    if gone:
        yield f"it is no longer marked as {', '.join(sorted(gone))}"
    for key, value in before.facts.items():
        now = after.facts.get(key)
        if value in ("None", "", "0", "2", "\0\0\0\0") or now == value:  # 2: colours that are not stated
            continue
        if key == "codec tag":
            if before.facts[key].isalnum() and (now or "").isalnum():
                yield f"its codec tag {value} became {now}"
        elif key in _SIDE_DATA.values():
            if now is None:
                yield f"its {key} was left out"
        else:
            yield f"its {key} is not stated any more"


def _lost_tags(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, value in before.items():
        if key.startswith(_COUNTED) or after.get(key) == value or _NOTHING_SAID.get(key) == value:
            continue
        if key == "creation_time" and after.get(key, "")[:19] == value[:19]:
            continue
        yield key, value
