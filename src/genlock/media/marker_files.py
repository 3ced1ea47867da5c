"""Markers on a film as files that editing programs open: OpenTimelineIO, FCPXML, EDL, and a table (CSV).

OTIO and CSV keep instants exactly; FCPXML and EDL count frames, each instant on the nearest one. An EDL has its markers
as ``LOC`` lines, as Avid writes them, below one event that is the whole film; its timecode drops no numbers and begins
with the film at 00:00:00:00.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from xml.sax.saxutils import quoteattr

from genlock.core.errors import OptionError
from genlock.core.files import write_text
from genlock.core.time import fraction_text, round_fraction
from genlock.core.timecode import Timecode
from genlock.media.markers import Marker, otio_markers

__all__ = ["MARKER_ENDINGS", "markers_text", "require_marker_ending", "write_markers"]

#: Endings of files of markers.
MARKER_ENDINGS = (".otio", ".fcpxml", ".edl", ".csv")
_COLUMNS = ("name", "start", "end", "start_seconds", "end_seconds", "start_timecode", "end_timecode")


def require_marker_ending(target: str | os.PathLike[str]) -> str:
    """The ending of a file of markers.

    Raises OptionError if it is none of :data:`MARKER_ENDINGS`.

    >>> require_marker_ending("cut.EDL")
    '.edl'
    """
    ending = Path(target).suffix.lower()
    if ending not in MARKER_ENDINGS:
        raise OptionError(f"{os.fspath(target)!r}: markers are written as {', '.join(MARKER_ENDINGS)}")
    return ending


def write_markers(
    target: str | os.PathLike[str],
    film: str | os.PathLike[str],
    span: tuple[Fraction, Fraction],
    markers: Sequence[Marker],
    rate: Fraction | None,
) -> None:
    """Write markers; the ending says the form. Parameters and errors as :func:`markers_text` has them.

    Raises OutputError if the file cannot be written; nothing is left of it.
    """
    write_text(target, markers_text(require_marker_ending(target), film, span, markers, rate))


def markers_text(
    ending: str,
    film: str | os.PathLike[str],
    span: tuple[Fraction, Fraction],
    markers: Sequence[Marker],
    rate: Fraction | None,
) -> str:
    """The text of a file of markers.

    Parameters
    ----------
    ending : one of :data:`MARKER_ENDINGS`
    film : what the markers belong to
    span : first instant of the film and the first after it, in exact seconds on the media clock
    markers : each with exact instants on the same clock
    rate : frames per second of the film; None: it has none that is constant

    Raises OptionError if FCPXML or an EDL, which count frames, are wanted without a rate.

    >>> one = Marker("in step", Fraction(1), Fraction(2))
    >>> print(markers_text(".edl", "talk.mp4", (Fraction(0), Fraction(4)), [one], Fraction(25)))
    TITLE: talk.mp4
    FCM: NON-DROP FRAME
    <BLANKLINE>
    001  AX       V     C        00:00:00:00 00:00:04:00 00:00:00:00 00:00:04:00
    * FROM CLIP NAME: talk.mp4
    * LOC: 00:00:01:00 GREEN in step
    <BLANKLINE>
    """
    if rate is None and ending in (".fcpxml", ".edl"):
        raise OptionError(
            f"{ending} counts frames, and {os.fspath(film)!r} has no picture of a constant rate; "
            "write .otio or .csv, which count seconds"
        )
    return _FORMS[ending](Path(os.fspath(film)), span, markers, rate)


def _otio(
    film: Path, span: tuple[Fraction, Fraction], markers: Sequence[Marker], rate: Fraction | None
) -> str:
    return otio_markers(film, span, markers, rate, color="GREEN")


def _edl(
    film: Path, span: tuple[Fraction, Fraction], markers: Sequence[Marker], rate: Fraction | None
) -> str:
    name = _one_line(film.name)
    first, last = (_timecode(instant - span[0], rate) for instant in span)
    head = [f"TITLE: {name}", "FCM: NON-DROP FRAME", ""]
    event = [f"001  AX       V     C        {first} {last} {first} {last}", f"* FROM CLIP NAME: {name}"]
    places = [
        f"* LOC: {_timecode(marker.start - span[0], rate)} GREEN {_one_line(marker.name)}"
        for marker in markers
    ]
    return "\n".join([*head, *event, *places]) + "\n"


def _fcpxml(
    film: Path, span: tuple[Fraction, Fraction], markers: Sequence[Marker], rate: Fraction | None
) -> str:
    """Version 1.9 of https://developer.apple.com/documentation/professional-video-applications/fcpxml-reference"""
    frame = 1 / Fraction(rate or 1)
    name, length = quoteattr(_one_line(film.name)), _on_frame(span[1] - span[0], frame)
    clip_of = f'name={name} start="0s" duration="{_time(length)}"'
    rows = []
    for marker in markers:
        start = _on_frame(marker.start - span[0], frame)
        lasts = max(_on_frame(marker.end - span[0], frame) - start, frame)
        rows.append(
            f'<marker start="{_time(start)}" duration="{_time(lasts)}" value={quoteattr(_one_line(marker.name))}/>'
        )
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            "<!DOCTYPE fcpxml>",
            '<fcpxml version="1.9">',
            "<resources>",
            f'<format id="r1" frameDuration="{_time(frame)}"/>',
            f'<asset id="r2" {clip_of} hasVideo="1" format="r1">',
            f'<media-rep kind="original-media" src={quoteattr(film.absolute().as_uri())}/>',
            "</asset>",
            "</resources>",
            f"<library><event name={name}><project name={name}>",
            f'<sequence format="r1" duration="{_time(length)}"><spine>',
            f'<asset-clip ref="r2" offset="0s" {clip_of}>',
            *rows,
            "</asset-clip>",
            "</spine></sequence>",
            "</project></event></library>",
            "</fcpxml>",
            "",
        ]
    )


def _table(
    film: Path, span: tuple[Fraction, Fraction], markers: Sequence[Marker], rate: Fraction | None
) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    more = sorted({key for marker in markers for key in marker.metadata} - set(_COLUMNS))
    writer.writerow([*_COLUMNS, *more])
    for marker in markers:
        ends = (marker.start, marker.end)
        codes = ["" if rate is None else _timecode(instant - span[0], rate) for instant in ends]
        told = [*map(fraction_text, ends), *(f"{float(instant):.6f}" for instant in ends), *codes]
        writer.writerow(
            [marker.name, *told, *("" if (it := marker.metadata.get(key)) is None else it for key in more)]
        )
    return out.getvalue()


_FORMS: MappingProxyType[
    str, Callable[[Path, tuple[Fraction, Fraction], Sequence[Marker], Fraction | None], str]
] = MappingProxyType({".otio": _otio, ".fcpxml": _fcpxml, ".edl": _edl, ".csv": _table})


def _timecode(seconds: Fraction, rate: Fraction | None) -> Timecode:
    frames = Fraction(rate or 1)
    return Timecode(max(round_fraction(seconds * frames, "nearest"), 0), frames)


def _on_frame(seconds: Fraction, frame: Fraction) -> Fraction:
    return max(round_fraction(seconds / frame, "nearest"), 0) * frame


def _time(seconds: Fraction) -> str:
    return f"{fraction_text(seconds)}s"


def _one_line(text: str) -> str:
    """Without what would end a line, or what XML cannot hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
