"""What a timeline needs of a file, out of one pass: a playable copy, the sound as samples, tiles at every zoom."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

from genlock.core.errors import FormatError, MediaError
from genlock.core.files import atomic_folder
from genlock.core.grid import Cells, Grid
from genlock.core.json_forms import cells_from_dict, read_json_file, write_json
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.core.time import fraction_text
from genlock.core.track import Track
from genlock.media import AudioBlock, AudioForm, Consumer, MediaInfo, probe
from genlock.media.preview import Preview, PreviewOptions, PreviewWriter, make_preview, preview_ending
from genlock.pipeline import ClipRequest, read_clip
from genlock.report.arrays import spectrogram_rows
from genlock.report.facts import timecode_of
from genlock.report.pyramid import Pyramid, SoundFile, write_pyramid, write_sound_pyramid
from genlock.tasks.extract_features import make_extractors

__all__ = ["TimelineClip", "open_timeline", "prepare_timeline"]

_MARKER = "timeline.json"
_SPECTROGRAM = "mel:kaldi"
_ALL_ROWS = 1 << 40  # of a spectrogram: nothing is decimated, that is what the levels are for


@dataclass(frozen=True)
class TimelineClip:
    """A file that was prepared for a timeline."""

    folder: Path
    """Where it lies."""
    frames: Cells | None
    """The cells of the video frames; None without a picture."""
    frame_count: int
    """How many there are."""
    preview: Path | None
    """The copy that browsers play; None if there is none."""
    sound: SoundFile | None
    """The sound, of one channel; None without sound."""
    waveform: Pyramid | None
    """Its outline; None without sound."""
    spectrogram: Pyramid | None
    """Its mel spectrogram; None without sound."""
    facts: dict[str, Any]
    """What else a page must know: ``zero``, ``start``, ``end``, ``media``, ``notes`` and more."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """What a page must know of it."""
        return {
            **self.facts,
            "frames": None if self.frames is None else {**self.frames.to_dict(), "count": self.frame_count},
            "waveform": None if self.waveform is None else self.waveform.to_dict(),
            "spectrogram": None if self.spectrogram is None else self.spectrogram.to_dict(),
            "sound": None
            if self.sound is None
            else {
                "rate": self.sound.rate,
                "origin": fraction_text(self.sound.origin),
                "count": self.sound.count,
            },
        }


def prepare_timeline(
    file: str | os.PathLike[str], target: str | os.PathLike[str], progress: Progress = silent
) -> TimelineClip:
    """Read a file once and write what a timeline needs of it into a folder, which appears whole.

    Raises
    ------
    MediaError
        If the file cannot be read.
    OutputError
        If the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from genlock.testing import example_video
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clip = prepare_timeline(example_video(), f"{folder}/clip")
    ...     same = open_timeline(f"{folder}/clip")
    >>> (same.frame_count == clip.frame_count, same.facts == clip.facts, clip.waveform is None)
    (True, True, False)
    """
    info = probe(file)
    with atomic_folder(target, marker=_MARKER) as fresh, ExitStack() as stack:
        sound = stack.enter_context(_SoundWriter(fresh / "sound.i16")) if info.audio else None
        writer, why = _preview_writer(stack, fresh, info)
        consumers: list[Consumer] = [] if sound is None else [sound]
        consumers += () if writer is None else writer.consumers
        features = make_extractors(_SPECTROGRAM) if info.audio else ()
        with read_clip(file, ClipRequest(features, consumers=tuple(consumers)), progress, info) as clip:
            preview = None if writer is None else writer.preview()
            if writer is not None and preview is None:
                preview = make_preview(
                    file, fresh / "preview.mp4", PreviewOptions(copy=False), info=info, progress=progress
                )
            progress("timeline", 0, 1)
            heard = None if sound is None else sound.finished()
            if heard is not None:
                (fresh / "waveform").mkdir()
                write_sound_pyramid(fresh / "waveform", heard, {"full": _peak(heard)})
            for track in clip.tracks.values():
                _write_spectrogram(fresh, track)
            write_json(fresh / _MARKER, _facts(info, clip.frames, clip.frame_count, preview, why, heard))
        progress("timeline", 1, 1)
    return open_timeline(target)


def open_timeline(folder: str | os.PathLike[str]) -> TimelineClip:
    """A clip that was prepared. Raises FormatError if the folder holds none."""
    place = Path(folder)
    told = read_json_file(place / _MARKER)
    try:
        frames = None if told["cells"] is None else cells_from_dict(told["cells"])
        heard = told["sound"]
        sound = (
            None
            if heard is None
            else SoundFile(place / "sound.i16", heard["rate"], Fraction(heard["origin"]))
        )
        preview = told["page"]["preview"]
        return TimelineClip(
            place,
            frames,
            told["frame_count"],
            None if preview is None else place / preview["name"],
            sound,
            None if sound is None else Pyramid(place / "waveform", sound),
            Pyramid(place / "spectrogram") if (place / "spectrogram").is_dir() else None,
            told["page"],
        )
    except KeyError as error:
        raise FormatError(f"{str(place / _MARKER)!r} has no {error}: prepare the timeline again") from error


def _facts(
    info: MediaInfo,
    frames: Cells | None,
    count: int,
    preview: Preview | None,
    why: str,
    sound: SoundFile | None,
) -> dict[str, Any]:
    spans = []
    if frames is not None:
        spans.append((frames.edge(0), frames.edge(count)))
    if sound is not None:
        spans.append((sound.origin, sound.origin + Fraction(sound.count, sound.rate)))
    media = info.to_dict()
    page = {
        "start": fraction_text(min(low for low, _ in spans)),
        "end": fraction_text(max(high for _, high in spans)),
        "timecode": timecode_of(media),
        "media": media,
        "preview": None
        if preview is None
        else {
            "name": preview.path.name,
            "mime": preview.mime,
            "zero": fraction_text(preview.zero),
            "has_picture": preview.has_picture,
            "has_sound": preview.has_sound,
            "note": preview.note,
        },
        "preview_reason": why,
    }
    heard = None if sound is None else {"rate": sound.rate, "origin": fraction_text(sound.origin)}
    return {
        "cells": None if frames is None else frames.to_dict(),
        "frame_count": count,
        "sound": heard,
        "page": page,
    }


def _preview_writer(stack: ExitStack, fresh: Path, info: MediaInfo) -> tuple[PreviewWriter | None, str]:
    """What writes the playable copy, or why there is none: a timeline can be read without."""
    target = fresh / f"preview{preview_ending(info)}"
    try:
        return stack.enter_context(PreviewWriter(target, info)), ""
    except MediaError as error:
        return None, str(error)


class _SoundWriter:
    """Takes the sound at its own rate, of one channel, to the disk."""

    form = AudioForm(channels=1)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._out: IO[bytes] = open(path, "wb")  # noqa: SIM115 - closed by __exit__
        self._origin: Fraction | None = None
        self._rate = 0

    def __enter__(self) -> _SoundWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()

    def push(self, block: AudioBlock) -> None:
        if self._origin is None:
            self._origin, self._rate = block.start, block.rate
        scaled = np.clip(np.rint(block.samples[:, 0] * 32767), -32767, 32767)
        self._out.write(scaled.astype("<i2").tobytes())

    def finish(self) -> None:
        """Nothing to do."""

    def finished(self) -> SoundFile | None:
        """The sound, once all of it is there; None if there was no sample."""
        self._out.flush()
        return None if self._origin is None else SoundFile(self._path, self._rate, self._origin)


def _peak(sound: SoundFile) -> int:
    """The loudest sample, at least 1: what fills a lane."""
    step = 1 << 22
    return (
        max(
            (
                int(np.abs(sound.samples(first, step).astype(np.int32)).max())
                for first in range(0, sound.count, step)
            ),
            default=1,
        )
        or 1
    )


def _write_spectrogram(fresh: Path, track: Track) -> None:
    rows = spectrogram_rows(track, _ALL_ROWS)
    values = np.frombuffer(rows.data, np.uint8).reshape(-1, rows.facts["width"])
    assert isinstance(track.grid, Grid)
    (fresh / "spectrogram").mkdir()
    shown = {"note": rows.facts["note"], "label": rows.facts["label"]}
    write_pyramid(fresh / "spectrogram", values, track.grid, "mean", shown)
