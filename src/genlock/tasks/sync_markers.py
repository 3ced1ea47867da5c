"""What was measured of the sound against the picture as markers, for editing programs."""

from __future__ import annotations

import os
from fractions import Fraction

from genlock.lipsync.measurement import Segment, SyncMeasurement
from genlock.lipsync.summary import is_known
from genlock.media import MediaInfo, probe
from genlock.media.marker_files import write_markers
from genlock.media.markers import Marker

__all__ = ["sync_markers", "write_sync_markers"]


def sync_markers(found: SyncMeasurement) -> tuple[Marker, ...]:
    """A marker on each stretch between splices, with the offset of its sound; unknown where the whole is.

    >>> from genlock.lipsync.estimators.base import Estimate
    >>> stretch = Segment(Fraction(0), Fraction(9), -0.063, (-0.08, -0.05), 0.95)
    >>> sure = SyncMeasurement(Estimate(-0.063, (-0.08, -0.05), 0.95, "lips"), Fraction(3), segments=(stretch,))
    >>> [marker.name for marker in sync_markers(sure)]
    ['sound 63 ms late']
    """
    known = is_known(found)
    return tuple(_marker(segment, known) for segment in found.segments)


def write_sync_markers(
    target: str | os.PathLike[str], file: str | os.PathLike[str], found: SyncMeasurement
) -> None:
    """Write them; the ending of the target says the form.

    Raises OptionError for an ending that is none of markers, OutputError if the file cannot be written.
    """
    info = probe(file)
    markers = sync_markers(found)
    edges = [*_span(info), *(edge for marker in markers for edge in (marker.start, marker.end))]
    rate = info.video[0].rate if info.video else None
    write_markers(target, file, (min(edges), max(edges)), markers, rate)


def _span(info: MediaInfo) -> tuple[Fraction, Fraction]:
    """From where to where the picture lasts; the sound, where there is none."""
    streams = info.video or info.audio
    start = streams[0].start if streams and streams[0].start is not None else Fraction(0)
    lasts = streams[0].duration if streams else None
    return start, start + (lasts or info.duration or 0)


def _marker(segment: Segment, known: bool) -> Marker:
    low, high = segment.interval_seconds or (None, None)
    more = {
        "offset_seconds": segment.offset_seconds,
        "low_seconds": low,
        "high_seconds": high,
        "probability": segment.probability,
    }
    return Marker(_told(segment.offset_seconds if known else None), segment.start, segment.end, more)


def _told(offset: float | None) -> str:
    if offset is None:
        return "offset unknown"
    milliseconds = round(abs(offset) * 1000)
    return f"sound {milliseconds} ms {'early' if offset > 0 else 'late'}" if milliseconds else "sound in step"
