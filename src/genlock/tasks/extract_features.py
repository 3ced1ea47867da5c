"""``genlock features``: features of sound and of faces, on their own grid or on the video's frames."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from genlock.core.errors import NoStream, OptionError
from genlock.core.grid import Cells, Grid
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.core.time import fraction_text
from genlock.core.track import Track
from genlock.core.track_file import save_track
from genlock.extractors import AudioExtractor, make_extractor
from genlock.extractors.face.contact_sheet import ContactSheet
from genlock.extractors.face.features import FACE_FEATURES, FaceFeatures, on_whole_row
from genlock.extractors.sound.deepspeech import DeepSpeechOptions
from genlock.extractors.sound.ssl import SslOptions
from genlock.media import ReadOptions
from genlock.pipeline import Clip, ClipRequest, read_clip
from genlock.tasks.files import result_folder

__all__ = [
    "DEFAULT_FEATURES",
    "FeatureOptions",
    "FeatureResult",
    "SavedTrack",
    "extract_features",
    "make_extractors",
    "on_frames",
    "read_features",
    "save_tracks",
    "split_features",
]

#: What ``genlock align`` and ``genlock features`` extract unless told otherwise.
DEFAULT_FEATURES = "mel,mfcc,energy,onset"
# The features that need a checkpoint.
_LEARNT = ("ssl", "deepspeech")
_OF_FACES = frozenset(name.partition(":")[0] for name in FACE_FEATURES)


@dataclass(frozen=True)
class FeatureOptions:
    """Options of ``genlock features``."""

    feature: str = DEFAULT_FEATURES
    """Names of features, separated by commas, each with an optional preset: ``mel,mel:whisper,mfcc:psf``. Of faces:
    ``landmarks``, ``landmarks:68``, ``landmarks:lips``, ``mouth``, ``mouth:48``, ``mouth:aperture``, ``mouth:width``,
    ``mouth:motion``; each face gives its own track, ``NAME.face0`` and so on."""
    model: str | None = None
    """Checkpoint for ``ssl`` or ``deepspeech``: a folder, or for ``ssl`` a name in the local Hugging Face cache."""
    layer: str | None = None
    """Layer of ``ssl``: a number (0 is the transformer's input, negative counts from the last) or ``conv``;
    default: the last."""
    chunk_seconds: float | None = None
    """Compute ``ssl`` in chunks of so many seconds, with 4 s more of the sound on both sides; default: whole."""
    on: Literal["frames", "native"] = "native"
    """Which cells the values lie on: those of the video's ``frames``, or the feature's own (``native``)."""
    how: Literal["mean", "sample", "nearest"] = "mean"
    """How values pass to the frames: ``mean`` of what a frame spans, ``sample`` at its middle, or ``nearest``.
    Features of faces are on the frames already."""
    sheet: str | None = None
    """Also draw the faces' landmarks into a picture: a PNG file with some of the frames."""
    reading: ReadOptions = field(default_factory=ReadOptions)
    """Which streams, and which part of them."""


@dataclass(frozen=True)
class SavedTrack:
    """One track and the file that holds it."""

    track: Track
    """The values."""
    path: Path
    """Its ``.npz``, as :func:`genlock.load_track` reads it."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``name``, ``rate`` (exact; null if variable), ``start`` (exact), ``length``, ``path`` and more."""
        grid = self.track.grid
        return {
            "name": self.track.name,
            "rate": fraction_text(grid.rate) if isinstance(grid, Grid) else None,
            "start": fraction_text(self.track.start),
            "length": len(self.track),
            "shape": list(self.track.values.shape),
            "unit": self.track.unit,
            "support": "whole" if self.track.support == "whole" else {"seconds": float(self.track.support)},
            "context": self.track.context,
            "valid_cells": int(self.track.valid.sum()),
            "path": str(self.path),
        }


@dataclass(frozen=True)
class FeatureResult:
    """What ``genlock features`` found."""

    directory: Path
    """The folder that holds the tracks."""
    tracks: tuple[SavedTrack, ...]
    """One for each feature."""
    notes: tuple[str, ...] = ()
    """What the reader had to repair or leave out."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``directory``, ``tracks[]``, ``notes[]``."""
        return {
            "directory": str(self.directory),
            "tracks": [saved.to_dict() for saved in self.tracks],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        lines = [f"{saved.path}: {saved.track}" for saved in self.tracks]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def extract_features(
    file: str | os.PathLike[str],
    options: FeatureOptions | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> FeatureResult:
    """Extract features of a file and save each as ``NAME.npz``.

    They go into the folder ``output``, or into ``tracks`` in the file's ``.genlock`` folder.

    Raises
    ------
    NoStream
        If the file has no sound but features of sound are wanted; or no picture but features of faces, a sheet, or
        ``on="frames"``.
    MissingModel
        If features of faces are wanted and their models are not here.
    """
    options = options or FeatureOptions()
    folder = Path(output) if output is not None else result_folder(file, None) / "tracks"
    sheet = ContactSheet() if options.sheet is not None else None
    clip = read_features(file, options, sheet, progress)
    _require_streams(file, clip, options)
    if sheet is not None and options.sheet is not None:
        sheet.save(options.sheet)
    return FeatureResult(folder, save_tracks(clip.tracks, folder, folder), clip.notes)


def read_features(
    file: str | os.PathLike[str],
    options: FeatureOptions,
    sheet: ContactSheet | None = None,
    progress: Progress = silent,
) -> Clip:
    """The clip with the wanted tracks, by name: those whose stream the file has.

    Parameters
    ----------
    sheet : is told of every face
    """
    of_sound, of_faces = split_features(options.feature)
    extractors: tuple[AudioExtractor, ...] = ()
    if of_sound or not of_faces:
        extractors = make_extractors(",".join(of_sound), options.model, options.layer, options.chunk_seconds)
    elif (options.model, options.layer, options.chunk_seconds) != (None, None, None):
        raise OptionError(
            f"--model, --layer and --chunk-seconds go with {' and '.join(_LEARNT)}, not with features of faces"
        )
    faces = FaceFeatures(of_faces, sinks=[sheet] if sheet else []) if of_faces or sheet else None
    request = ClipRequest(
        extractors=extractors,
        consumers=(faces.consumer,) if faces else (),
        frames=options.on == "frames" or faces is not None,
        reading=options.reading,
    )
    with read_clip(file, request, progress) as clip:
        tracks, notes = clip.tracks, clip.notes
        if options.on == "frames" and clip.frames is not None:
            tracks = on_frames(tracks, clip.frames, clip.frame_count, options.how)
        if faces is not None and clip.frames is not None:
            seen = faces.tracks(clip.frames)
            if options.on == "frames":
                seen = {
                    name: on_whole_row(track, clip.frames, clip.frame_count) for name, track in seen.items()
                }
            tracks = {**tracks, **seen}
            if not faces.consumer.faces:
                notes = (*notes, "no face was seen, so there are no tracks of faces")
        return replace(clip, tracks=tracks, notes=notes)


def _require_streams(file: str | os.PathLike[str], clip: Clip, options: FeatureOptions) -> None:
    of_sound, of_faces = split_features(options.feature)
    if of_sound and not clip.info.audio:
        raise NoStream(f"{os.fspath(file)!r} has no sound, so it has no sound features")
    if (of_faces or options.sheet is not None) and not clip.info.video:
        raise NoStream(f"{os.fspath(file)!r} has no picture, so it has no faces")
    if options.on == "frames" and not clip.info.video:
        raise NoStream(f"{os.fspath(file)!r} has no picture, so no frames; use --on native")


def split_features(names: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The features of sound and those of faces in a comma-separated list, once each.

    >>> split_features("mel, mouth:48,landmarks,mel")
    (('mel',), ('mouth:48', 'landmarks'))
    """
    listed = [name.strip() for name in names.split(",") if name.strip()]
    both = dict.fromkeys(listed)
    return (
        tuple(name for name in both if name.partition(":")[0] not in _OF_FACES),
        tuple(name for name in both if name.partition(":")[0] in _OF_FACES),
    )


def make_extractors(
    names: str, model: str | None = None, layer: str | None = None, chunk_seconds: float | None = None
) -> tuple[AudioExtractor, ...]:
    """The extractors of a comma-separated list, once each; the options belong to the learnt ones.

    Raises OptionError for an empty list, an unknown name, or an option that nothing in the list takes.
    """
    specs = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if not specs:
        raise OptionError(f"--feature {names!r} names no feature; try --feature {DEFAULT_FEATURES}")
    of_faces = split_features(names)[1]
    if of_faces:
        raise OptionError(
            f"{of_faces[0]!r} is a feature of faces, not of sound; ask `genlock features` for it"
        )
    learnt = [spec for spec in specs if spec in _LEARNT]
    if model is not None and len(learnt) != 1:
        raise OptionError(
            f"--model goes with exactly one of {' and '.join(_LEARNT)}, not with --feature {names!r}"
        )
    if (layer is not None or chunk_seconds is not None) and "ssl" not in specs:
        raise OptionError(
            f"--layer and --chunk-seconds go with the feature ssl, not with --feature {names!r}"
        )
    own: dict[str, object] = {}
    if "ssl" in specs:
        own["ssl"] = SslOptions(model or "", **_ssl_layer(layer), chunk_seconds=chunk_seconds)
    if "deepspeech" in specs and model is not None:
        own["deepspeech"] = DeepSpeechOptions(model)
    return tuple(make_extractor(spec, own.get(spec)) for spec in specs)


def _ssl_layer(layer: str | None) -> dict[str, Any]:
    if layer is None:
        return {}
    if layer == "conv":
        return {"layer": "conv"}
    try:
        return {"layer": int(layer)}
    except ValueError as error:
        raise OptionError(f"--layer {layer!r} is neither a number nor conv") from error


def on_frames(
    tracks: dict[str, Track], frames: Cells, count: int, how: Literal["mean", "sample", "nearest"] = "mean"
) -> dict[str, Track]:
    """Every track on the cells of the video frames: row k belongs to frame k."""
    return {name: track.on(frames, how=how, length=count) for name, track in tracks.items()}


def save_tracks(tracks: dict[str, Track], fresh: Path, final: Path) -> tuple[SavedTrack, ...]:
    """Write tracks into ``fresh``, a folder that will be called ``final``; the paths are those in ``final``."""
    saved = []
    for name, track in tracks.items():
        file = f"{name.replace(':', '-')}.npz"
        save_track(track, fresh / file)
        saved.append(SavedTrack(track, final / file))
    return tuple(saved)
