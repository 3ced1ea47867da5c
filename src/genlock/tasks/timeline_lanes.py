"""Lanes of a timeline beside words and sound: curves, bands and labelled spans of a clip, each with its own grid."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from genlock.core.errors import OptionError
from genlock.core.files import atomic_folder
from genlock.core.grid import Grid
from genlock.core.json_forms import write_json
from genlock.core.one_line import one_line
from genlock.core.plugins import plugin_class
from genlock.core.progress import Progress, silent
from genlock.core.spans import Span, Spans
from genlock.core.time import microseconds
from genlock.core.track import Track
from genlock.core.track_file import load_track
from genlock.extractors.picture.shots import shot_changes
from genlock.media import ReadOptions
from genlock.media.sound_source import SoundSource
from genlock.pipeline import ClipRequest, read_clip
from genlock.report.arrays import curve_rows, spectrogram_rows
from genlock.report.pyramid import Pyramid, write_pyramid
from genlock.speech import Words
from genlock.speech.text import tokenize
from genlock.tasks.extract_features import SavedTrack, make_extractors, save_tracks

__all__ = ["LaneOptions", "Lanes", "find_lanes", "phones_of", "write_lane"]

_ALL_ROWS = 1 << 40
_MOST_BANDS = 1024
_RUN_SECONDS, _RUN_PAUSE = 20, Fraction(3, 10)  # words whose phones are looked for together
_MARGIN = Fraction(1, 10)


@dataclass(frozen=True)
class LaneOptions:
    """What is looked for, to be shown on the timeline."""

    feature: str = "mouth:aperture,flow-energy,shots"
    """Features, separated by commas, as ``genlock features`` takes them. ``shots`` gives the shot changes too."""
    phones: bool = True
    """The phones of the words as they stand; English only."""
    reading: ReadOptions = field(default_factory=ReadOptions)
    """Which streams, and which part of them."""


@dataclass(frozen=True)
class Lanes:
    """What was found."""

    tracks: tuple[SavedTrack, ...]
    """Each track and its file."""
    spans: tuple[Spans, ...]
    """Labelled spans: ``phones``, ``shots``."""
    notes: tuple[str, ...] = ()
    """What could not be found, and why."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``tracks[]``, ``spans[]`` (names and counts), ``notes[]``."""
        return {
            "tracks": [saved.to_dict() for saved in self.tracks],
            "spans": [{"name": spans.name, "count": len(spans)} for spans in self.spans],
            "notes": list(self.notes),
        }


def find_lanes(
    file: str | os.PathLike[str],
    words: Words,
    options: LaneOptions | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> Lanes:
    """Look for what a timeline shows, in one pass over a file; write it where ``output`` says.

    Tracks go to ``NAME.npz``, spans to ``NAME.spans.json``. What a file has no stream for is left out, with a note.

    Raises
    ------
    OptionError
        If a feature is unknown.
    MissingModel
        If a feature needs a model that is not here.
    """
    options = options or LaneOptions()
    features = make_extractors(options.feature) if options.feature.strip() else ()
    phones = options.phones and words.language == "en" and any(word.start is not None for word in words)
    request = ClipRequest(features, speech=phones, frames=bool(features), reading=options.reading)
    found: list[Spans] = []
    with read_clip(file, request, progress) as clip:
        notes = list(clip.notes)
        missing = [
            f.name
            for f in features
            if not any(t == f.name or t.startswith(f"{f.name}.") for t in clip.tracks)
        ]
        notes += [f"there is no {name}: nothing that it is made of was seen or heard" for name in missing]
        if "shots" in clip.tracks:
            found.append(_shots(clip.tracks["shots"]))
        if phones and clip.speech is not None:
            found.append(phones_of(words, clip.speech, progress))
        elif options.phones:
            notes.append("phones are found of English words that have times; there are none")
        tracks: tuple[SavedTrack, ...] = ()
        if output is not None:
            folder = Path(output)
            folder.mkdir(parents=True, exist_ok=True)
            tracks = save_tracks(clip.tracks, folder, folder)
            for spans in found:
                told = {"name": spans.name, "spans": [span.to_dict() for span in spans]}
                write_json(folder / f"{spans.name}.spans.json", told)
    return Lanes(tracks, tuple(found), tuple(notes))


def _shots(track: Track) -> Spans:
    """The shots, each from its first frame to the next one's."""
    if not len(track):
        return Spans([], track.clock, "shots")
    begins = [0, *shot_changes(track)]
    ends = [*begins[1:], len(track)]
    cells = track.grid
    shots = [
        Span(cells.edge(first), cells.edge(last), str(number))
        for number, (first, last) in enumerate(zip(begins, ends, strict=True), start=1)
    ]
    return Spans(shots, track.clock, "shots")


def phones_of(words: Words, sound: SoundSource, progress: Progress = silent) -> Spans:
    """The phones of English words, each within the times of its word.

    Parameters
    ----------
    words : with times; those that have none are passed over
    sound : 16 kHz
    """
    # By name: its compiled loops are imported where phones are looked for, and by no other command.
    aligner, found = plugin_class("genlock.aligners", "pocketsphinx")(), []
    total = float(Fraction(sound.count, sound.rate))
    grid = Grid.of_samples(sound.rate, sound.origin, sound.clock)
    for run in _runs(words.spans):
        start, end = run[0].start - _MARGIN, run[-1].end + _MARGIN
        first, stop = max(0, grid.index(start)), min(sound.count, grid.index(end) + 1)
        heard = aligner.phones(
            sound.samples(first, stop), tokenize(" ".join(s.label for s in run), words.language)
        )
        origin = grid.center(first)
        found += [
            Span(origin + microseconds(low), origin + microseconds(high), name) for name, low, high in heard
        ]
        progress("phones", float(end), total)
    return Spans(_apart(found), sound.clock, "phones")


def _runs(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """Words that follow each other without a pause, of at most some seconds."""
    run: list[Span] = []
    for span in spans:
        if run and (span.start - run[-1].end > _RUN_PAUSE or span.end - run[0].start > _RUN_SECONDS):
            yield run
            run = []
        run.append(span)
    if run:
        yield run


def _apart(spans: Sequence[Span]) -> list[Span]:
    """In order and apart: margins of two runs may meet."""
    kept: list[Span] = []
    for span in spans:
        start = max(span.start, kept[-1].end) if kept else span.start
        if span.end > start:
            kept.append(Span(start, span.end, span.label))
    return kept


def write_lane(track_file: str | os.PathLike[str], target: str | os.PathLike[str]) -> Pyramid:
    """Write the levels of a track of numbers, one or some hundreds a cell, for a page that asks for tiles.

    Raises
    ------
    FormatError
        If the file holds no track.
    OptionError
        If a cell holds no number, or more than a lane shows.
    """
    track = load_track(track_file)
    width = int(np.prod(track.values.shape[1:])) if track.values.ndim > 1 else 1
    if not 1 <= width <= _MOST_BANDS or track.values.ndim > 2 or track.values.dtype.kind not in "fiub":
        shape = " x ".join(map(str, track.values.shape[1:]))
        raise OptionError(f"a lane shows one to {_MOST_BANDS} numbers a cell; {track.name!r} has {shape}")
    rows = curve_rows(track, _ALL_ROWS) if width == 1 else spectrogram_rows(track, _ALL_ROWS)
    values = np.frombuffer(rows.data, np.uint8).reshape(-1, width)
    grid = track.grid if isinstance(track.grid, Grid) else _mean_grid(track)
    shown = {"note": rows.facts["note"], "label": rows.facts["label"]}
    with atomic_folder(target, marker="pyramid.json") as fresh:
        write_pyramid(fresh, values, grid, "mean", shown)
    return Pyramid(Path(target))


def _mean_grid(track: Track) -> Grid:
    """The Grid on which rows of a variable rate are shown (:func:`genlock.report.arrays.curve_rows`)."""
    if not len(track):
        return Grid(1, 0, track.clock)
    rate = (len(track) / (track.end - track.start)).limit_denominator(100_000)
    return Grid(rate, track.start, track.clock)
