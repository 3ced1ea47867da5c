"""What a report shows, checked before anything is written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.time import exact
from genlock.core.track import Track
from genlock.lipsync.measurement import SyncMeasurement
from genlock.media.preview import Preview
from genlock.report.seen_faces import FaceRows

__all__ = ["OutputFile", "ReportContent"]

_STATES = ("aligned", "unaligned")


@dataclass(frozen=True)
class OutputFile:
    """A file beside the report, as its Files panel lists it."""

    name: str
    """Path relative to the report, with forward slashes."""
    explanation: str = ""
    """One line: what is in it."""
    size_bytes: int | None = None
    """Its size; None: looked up when the report is written, if the file is there by then."""


@dataclass(frozen=True)
class ReportContent:
    """Everything that goes into one report. All tracks and times lie on one media clock.

    Examples
    --------
    >>> word = {"text": "blue", "start_seconds": 0.5, "end_seconds": 0.8, "status": "aligned"}
    >>> content = ReportContent("talk.mp4", words=[word], frame_edges=np.arange(76) / 25)
    >>> content.frame_count, content.span_seconds
    (75, (0.0, 3.0))

    Raises
    ------
    OptionError
        If edges do not increase, an aligned word has no times, or a track has another shape than stated here.
    """

    title: str
    """Heading of the page, such as the file's name."""
    media: Mapping[str, Any] = field(default_factory=dict)
    """What ``genlock probe`` says of the file (the object with ``streams``)."""
    sync: Mapping[str, Any] = field(default_factory=lambda: {"status": "unknown", "reason": "not measured"})
    """What ``genlock sync`` says: ``offset_seconds`` (positive: sound early) or None, ``reason``,
    ``sentence``, ``verdicts``."""
    measurement: SyncMeasurement | None = None
    """What it rests on, to be drawn."""
    repair_command: str = ""
    """The command that writes a copy whose sound is in step; empty: nothing is to be repaired, or it is too unsure."""
    move_command: str = ""
    """The command that writes a copy whose sound is moved by milliseconds that are to follow; empty: there is none."""
    words: Sequence[Mapping[str, Any]] = ()
    """Words in order of the text: ``text``, ``start_seconds``, ``end_seconds``, ``status`` (``aligned`` or
    ``unaligned``), ``confidence`` (0...1 or None), ``reason``; also ``within_50ms`` (0...1 or None), ``speaker``, and
    ``start`` and ``end``, the exact seconds as text."""
    words_about: Mapping[str, Any] = field(default_factory=dict)
    """What stands beside ``words`` in words.json, for the JSON that the page saves."""
    cues: Sequence[Mapping[str, Any]] = ()
    """The subtitles as they were written: ``text``, ``start`` and ``end`` in seconds; the page saves corrected ones."""
    spoken_seconds: tuple[float, float] | None = None
    """From where to where the sound lasts, for the TextGrid that the page saves; None: from zero to the end."""
    frame_edges: npt.NDArray[np.float64] | None = None
    """Edges of the frames' cells on the media clock, seconds, float64 [T + 1]; None without a picture."""
    waveform: Track | None = None
    """Lowest and highest sample of each cell, [T, 2], in -1...1; see :class:`genlock.report.Envelope`."""
    spectrogram: Track | None = None
    """[T, bands], low bands first, in decibels or another logarithmic unit."""
    curves: Sequence[Track] = ()
    """Features to show as curves, [T]; each with its ``name`` and ``unit``."""
    faces: FaceRows | None = None
    """Where faces are in each frame, to be drawn over the picture."""
    notes: Sequence[str] = ()
    """Sentences for the reader: what was repaired, left out, or could not be done."""
    preview: Preview | None = None
    """The playable copy, from :func:`genlock.report.make_preview`; None: the page shows but does not play."""
    preview_reason: str = ""
    """Why there is no preview, as half a sentence."""
    versions: Mapping[str, str | None] = field(default_factory=dict)
    """Name and version of what took part, such as ``{"genlock": "0.1.0"}``; None: it was not used."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The options that were used; anything with a JSON form."""
    command: str = ""
    """The command that made this, as typed."""
    files: Sequence[OutputFile] = ()
    """Files beside the report."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(_checked_word(word) for word in self.words))
        for name in ("curves", "notes", "files", "cues"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.frame_edges is not None:
            object.__setattr__(self, "frame_edges", _checked_edges(self.frame_edges))
        _check_shape("waveform", self.waveform, lambda shape: len(shape) == 2 and shape[1] == 2, "[T, 2]")
        _check_shape(
            "spectrogram", self.spectrogram, lambda shape: len(shape) == 2 and shape[1] > 0, "[T, bands]"
        )
        for curve in self.curves:
            _check_shape(f"curve {curve.name!r}", curve, lambda shape: shape[1:] in ((), (1,)), "[T]")

    @property
    def frame_count(self) -> int:
        """Number of frames; 0 without a picture."""
        return 0 if self.frame_edges is None else len(self.frame_edges) - 1

    @property
    def has_both(self) -> bool:
        """Whether the file has a sound and a picture (a cover is none)."""
        streams = [s for s in self.media.get("streams") or [] if not s.get("attached_picture")]
        return {"audio", "video"} <= {s.get("kind") for s in streams}

    @property
    def span_seconds(self) -> tuple[float, float]:
        """First and last instant of the media clock that the page shows."""
        spans = []
        if self.frame_edges is not None:
            spans.append((float(self.frame_edges[0]), float(self.frame_edges[-1])))
        if self.preview is not None:
            zero = self.preview.zero_seconds
            spans.append((zero, zero + self.preview.duration_seconds))
        tracks = [self.waveform] if self.waveform is not None else [self.spectrogram, *self.curves]
        spans += [(float(t.start), float(t.end)) for t in tracks if t is not None and len(t)]
        if not spans:
            placed = [word for word in self.words if word["start_seconds"] is not None]
            spans = [(0.0, max((word["end_seconds"] for word in placed), default=1.0))]
        start = min(low for low, _ in spans)
        # Half a sample before the first frame there is no frame to show: the page opens on the frame.
        if self.frame_edges is not None and start < self.frame_edges[0] < start + 1e-3:
            start = float(self.frame_edges[0])
        return start, max(start + 1e-3, max(high for _, high in spans))


def _checked_word(word: Mapping[str, Any]) -> dict[str, Any]:
    text, status = str(word.get("text", "")), word.get("status", "aligned")
    start, end, confidence = word.get("start_seconds"), word.get("end_seconds"), word.get("confidence")
    if status not in _STATES:
        raise OptionError(f"the word {text!r} has the status {status!r}; it is 'aligned' or 'unaligned'")
    if status == "aligned":
        if start is None or end is None or not (math.isfinite(start) and math.isfinite(end)) or end < start:
            raise OptionError(f"the word {text!r} is aligned, but its times are {start!r} and {end!r}")
        start, end = float(start), float(end)
    else:
        start = end = None
    told = [
        None if at is None else str(word.get(name) or exact(repr(at)))
        for name, at in (("start", start), ("end", end))
    ]
    if confidence is not None:
        confidence = float(confidence) if math.isfinite(confidence) else None
    return {
        "text": text,
        "start_seconds": start,
        "end_seconds": end,
        "status": status,
        "confidence": confidence,
        "reason": str(word.get("reason") or ""),
        "within_50ms": word.get("within_50ms"),
        "speaker": word.get("speaker"),
        "start": told[0],
        "end": told[1],
    }


def _checked_edges(edges: npt.ArrayLike) -> npt.NDArray[np.float64] | None:
    array = np.array(edges, dtype=np.float64)
    if array.ndim != 1 or len(array) == 1 or not np.all(np.isfinite(array)) or np.any(np.diff(array) <= 0):
        raise OptionError(f"frame_edges of shape {array.shape} must be [T + 1] finite seconds that increase")
    array.setflags(write=False)
    return array if len(array) else None


def _check_shape(what: str, track: Track | None, fits: Any, wanted: str) -> None:
    if track is not None and not fits(track.values.shape):
        raise OptionError(f"the {what} has shape {list(track.values.shape)}; a report shows {wanted}")
