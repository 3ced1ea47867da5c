"""Reading a long film in windows: by seeking, until what they say is clear; see :mod:`genlock.lipsync.spread`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from genlock.core.errors import MissingDependency, MissingModel
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.extractors.face.tracking import FaceOptions
from genlock.lipsync.evidence.base import Evidence
from genlock.lipsync.evidence.collect import EvidenceCollector
from genlock.lipsync.fusion import Fusion, FusionOptions
from genlock.lipsync.measurement import SyncMeasurement
from genlock.lipsync.spread import PartsRead, Spread, SpreadOptions, Window, measure_spread
from genlock.media import MediaInfo, ReadOptions
from genlock.media.background import Background
from genlock.media.opening import is_url
from genlock.media.read import can_seek
from genlock.pipeline import ClipRequest, read_clip

__all__ = ["WindowsMeasured", "measure_windows"]

# A seek goes a second and a half before a window, so that the sound has settled; the picture is then decoded from the
# key frame before that on.
_AFTER_KEY = Fraction(2)


@dataclass(frozen=True, eq=False)
class WindowsMeasured:
    """What windows of a film say of it."""

    measurement: SyncMeasurement
    """The offset, as of a film of which all was read."""
    read: PartsRead
    """Which parts those were."""
    notes: tuple[str, ...] = ()
    """What the reader had to repair."""
    unavailable: MissingModel | MissingDependency | None = None
    """Why no faces could be looked for; None: they were."""

    __repr__ = one_line


def measure_windows(
    file: str | os.PathLike[str],
    info: MediaInfo,
    estimators: str,
    reading: ReadOptions,
    progress: Progress = silent,
    options: SpreadOptions | None = None,
) -> WindowsMeasured | None:
    """Measure a long film by windows of it.

    Parameters
    ----------
    info : what the file is
    estimators : who measures, names separated by commas

    Returns
    -------
    WindowsMeasured
        None where all of the film has to be read: it is short, it cannot be read from the middle on, no offset is
        known by its windows, or it changes too often.

    Raises
    ------
    MediaError
        If the file cannot be read.
    """
    spread = _spread(file, info, reading, options or SpreadOptions())
    if spread is None:
        return None
    notes: dict[str, None] = {}
    lacking: list[MissingModel | MissingDependency] = []
    asked = FusionOptions(estimators=estimators)
    first = Fusion(asked)
    mouths, sight, faces = first.mouths, first.sight, FaceOptions() if first.by_faces else None

    def look(window: Window) -> Sequence[Evidence]:
        pieces: list[Evidence] = []
        length = max(window.end - window.start, Fraction(10))
        collector = EvidenceCollector(
            pieces.append, piece_seconds=length, faces=faces, mouths=mouths, sight=sight
        )
        part = replace(reading, start=window.start, end=window.end)
        with Background(collector.consumers) as background:
            request = ClipRequest(consumers=background.consumers, frames=False, reading=part)
            with read_clip(file, request, info=info) as clip:
                notes.update((note, None) for note in (*clip.notes, *collector.notes))
        if collector.unavailable is not None and sight is None:
            lacking.append(collector.unavailable)
        return pieces

    # Whoever looks at whole pictures needs as many hours for a film as it lasts, and more.
    seen = measure_spread(
        spread, look, lambda: Fusion(asked, first.estimators), progress, first_alone=sight is not None
    )
    return None if seen is None else WindowsMeasured(*seen, tuple(notes), next(iter(lacking), None))


def _spread(
    file: str | os.PathLike[str], info: MediaInfo, reading: ReadOptions, options: SpreadOptions
) -> Spread | None:
    """The windows of a film that is long enough, and that can be read from any place on."""
    picture, sound = info.picture(reading.video_stream), info.sound(reading.audio_stream)
    if picture is None or sound is None or is_url(os.fspath(file)) or not can_seek(info.container):
        return None
    spans = [
        (each.start, each.start + each.duration)
        for each in (picture, sound)
        if each.start is not None and each.duration is not None
    ]
    if len(spans) < 2:
        return None
    # Where both are there: before and after there is nothing to compare.
    start, end = max(first for first, _ in spans), min(last for _, last in spans)
    low, high = reading.cut
    cells = picture.cells
    entries = [] if cells is None else [cells.edge(number) + _AFTER_KEY for number in picture.key_frames]
    spread = Spread(max(start, low or start), min(end, high or end), options, entries)
    return spread if spread.worth_it else None
