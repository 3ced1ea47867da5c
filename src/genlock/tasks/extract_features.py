"""``genlock features``: features of sound and of faces, on their own grid or on the video's frames."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from textwrap import wrap
from typing import Any, Literal

from genlock.core.errors import GenlockError, NoStream, OptionError
from genlock.core.grid import Cells, Grid
from genlock.core.one_line import one_line
from genlock.core.plugins import plugin_names
from genlock.core.progress import Progress, silent
from genlock.core.time import exact_rate, fraction_text
from genlock.core.track import Track
from genlock.core.track_file import save_track
from genlock.extractors import Feature, make_extractor
from genlock.extractors.face.contact_sheet import ContactSheet, points_of
from genlock.extractors.face.watching import FaceWatch
from genlock.extractors.frame_cells import on_whole_row
from genlock.extractors.registry import GROUP, feature_class
from genlock.extractors.sound.ssl import with_layer
from genlock.extractors.spec import FeatureSpec, file_stem, parse_features
from genlock.media import ReadOptions
from genlock.pipeline import Clip, ClipRequest, read_clip
from genlock.tasks.files import note_owner, own_name, owner_of, result_folder, source_of

__all__ = [
    "DEFAULT_FEATURES",
    "FeatureOptions",
    "FeatureResult",
    "SavedTrack",
    "extract_features",
    "list_features",
    "make_extractors",
    "on_frames",
    "read_features",
    "save_tracks",
]

#: What ``genlock align`` and ``genlock features`` extract unless told otherwise.
DEFAULT_FEATURES = "mel,mfcc,energy,onset"


@dataclass(frozen=True)
class FeatureOptions:
    """Options of ``genlock features``."""

    feature: str = DEFAULT_FEATURES
    """Features, separated by commas, each ``name[:preset][@rate][/size]``: of sound ``mel,mel:whisper,mfcc:psf@25``,
    ``ssl:MODEL#LAYER``, ``deepspeech:FILE``; of the picture ``frames@25/96``, ``flow:tvl1@25``, ``flow-energy``,
    ``shots`` (where another shot begins), ``rgb:FILE``, ``rgb:package.module:name``; of faces ``landmarks``,
    ``landmarks:68``, ``landmarks:lips``, ``landmarks:upright``, ``mouth``, ``mouth/48``, ``mouth:aperture``,
    ``mouth:width``, ``mouth:motion``; of sound and lips together ``avhubert:MODEL#LAYER``; each face gives its own
    track, ``NAME.face0`` and so on."""
    layer: str | None = None
    """Layer of every ``ssl`` that names none: a number (0 is the transformer's input, negative counts from the last) or
    ``conv``; default: the last."""
    chunk_seconds: float | None = None
    """Compute every ``ssl`` in chunks of so many seconds, with 4 s more of the sound on both sides; default: whole."""
    on: str = "native"
    """Which cells the values lie on: those of the video's ``frames``, so many a second (``25``, ``29.97``), or the
    feature's own (``native``)."""
    how: Literal["mean", "sample", "nearest"] = "mean"
    """How values of sound pass to other cells: ``mean`` of what a cell spans, ``sample`` at its middle, or ``nearest``.
    Features of faces are on the frames already."""
    sheet: str | None = None
    """Also draw the faces' landmarks into a picture: a PNG file with some of the frames."""
    reading: ReadOptions = field(default_factory=ReadOptions)
    """Which streams, and which part of them."""

    def __post_init__(self) -> None:
        self.rate  # noqa: B018 - what cannot be read is told at birth

    @property
    def rate(self) -> Fraction | None:
        """Cells per second that the values are put on; None for ``frames`` and ``native``."""
        return None if self.on in ("frames", "native") else exact_rate(self.on)


@dataclass(frozen=True)
class SavedTrack:
    """One track and the file that holds it."""

    track: Track
    """The values."""
    path: Path
    """Its ``.npz``, as :func:`genlock.load_track` reads it."""

    __repr__ = one_line

    def __str__(self) -> str:
        grid, pace = self.track.grid, ""
        if isinstance(grid, Grid):
            exactly = "" if grid.rate.denominator == 1 else f" = {float(grid.rate):.3f}"
            pace = f"{grid.rate}{exactly} a second"
        return f"{self.path}: {self.track.described(pace)}"

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
        lines = [str(saved) for saved in self.tracks]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def list_features() -> str:
    """A line for each feature: its name, its presets, and what it is.

    >>> "mel" in list_features()
    True
    """
    lines = []
    for name in plugin_names(GROUP):
        try:
            kind = feature_class(FeatureSpec(name))
        except GenlockError as error:
            lines.append(f"{name}: {error}")
            continue
        what = re.sub(r":\w+:`([^`]*)`", r"\1", (kind.__doc__ or "").strip().partition("\n")[0])
        what = what.replace("``", "")
        presets = f" ({', '.join(f'{name}:{preset}' for preset in kind.presets)})" if kind.presets else ""
        lines += wrap(f"{name}{presets}: {what}", 80, subsequent_indent="    ", break_on_hyphens=False)
    return "\n".join([*lines, "", "Each is asked for as NAME[:PRESET][@RATE][/SIZE]; several with commas."])


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
        If a feature needs a model that is not here.
    """
    options = options or FeatureOptions()
    folder, moved = _own_folder(file, output)
    points = points_of(part.strip() for part in options.feature.split(","))
    sheet = ContactSheet(points=points) if options.sheet is not None else None
    clip = read_features(file, options, sheet, progress, require_streams=True)
    if sheet is not None and options.sheet is not None:
        sheet.save(options.sheet, clip.frames)
    saved = save_tracks(clip.tracks, folder, folder)
    if saved and output is not None:
        note_owner(folder, file)
    return FeatureResult(folder, saved, (*moved, *clip.notes))


def _own_folder(
    file: str | os.PathLike[str], output: str | os.PathLike[str] | None
) -> tuple[Path, tuple[str, ...]]:
    """The folder for the tracks, and what is to be said of it: that of another file's features is not written over."""
    if output is None:
        return result_folder(file, None) / "tracks", ()
    owner = owner_of(output)
    if owner is None or owner == source_of(file):
        return Path(output), ()
    own = Path(output) / f"{result_folder(file, None).stem}-{own_name(file)}"
    return own, (f"{os.fspath(output)!r} holds the features of {owner!r}; these are in {str(own)!r}",)


def read_features(
    file: str | os.PathLike[str],
    options: FeatureOptions,
    sheet: ContactSheet | None = None,
    progress: Progress = silent,
    *,
    require_streams: bool = False,
) -> Clip:
    """The clip with the wanted tracks, by name: those whose stream the file has.

    Parameters
    ----------
    sheet : takes every face
    require_streams : raise NoStream if the file lacks one that a feature takes

    Raises NoStream if the values are to lie on frames, and there is no picture.
    """
    features = make_extractors(options.feature, options.layer, options.chunk_seconds)
    if options.rate is not None:
        for feature in features:
            feature.at(options.rate, options.how)
    watch = None if sheet is None else FaceWatch([sheet])
    request = ClipRequest(
        features,
        watch=watch,
        consumers=() if watch is None else watch.consumers,
        frames=options.on == "frames" or watch is not None or any(_needs_frames(f) for f in features),
        reading=options.reading,
    )
    with read_clip(file, request, progress) as clip:
        if require_streams:
            _require_streams(file, clip, features, options)
        if options.on == "frames" and not clip.info.video:
            name = repr(os.fspath(file))
            raise NoStream(f"{name} has no picture, so no frames; use --on native, or --on 25")
        tracks, notes = clip.tracks, (*_models(features), *clip.notes)
        if options.on == "frames" and clip.frames is not None:
            tracks = on_frames(tracks, features, clip.frames, clip.frame_count, options.how)
        if _no_face(features, tracks, watch):
            notes = (*notes, "no face was seen, so there are no tracks of faces")
        return replace(clip, tracks=tracks, notes=notes)


def _needs_frames(feature: Feature) -> bool:
    """Whether it lies on the video's frames, or is counted from the first one."""
    return feature.takes != "sound" or feature.rate is not None


def _require_streams(
    file: str | os.PathLike[str], clip: Clip, features: Sequence[Feature], options: FeatureOptions
) -> None:
    name, taken = repr(os.fspath(file)), {need for feature in features for need in feature.needs}
    if "sound" in taken and not clip.info.audio:
        raise NoStream(f"{name} has no sound, so it has no sound features")
    if not clip.info.video and (taken & {"faces", "picture"} or options.sheet is not None):
        what = "faces" if "faces" in taken or options.sheet is not None else "pictures"
        raise NoStream(f"{name} has no picture, so it has no {what}")


def _no_face(features: Sequence[Feature], tracks: Mapping[str, Track], watch: FaceWatch | None) -> bool:
    """Whether faces were looked for, and none was seen."""
    names = [f"{feature.name}.face" for feature in features if "faces" in feature.needs]
    if names:
        return not any(track.startswith(name) for track in tracks for name in names)
    return watch is not None and watch.faces == 0


def _models(features: Sequence[Feature]) -> tuple[str, ...]:
    """Which model each learnt feature is of, in words."""
    return tuple(f"{feature.name}: {feature.made_with}" for feature in features if feature.made_with)


def make_extractors(
    names: str, layer: str | None = None, chunk_seconds: float | None = None
) -> tuple[Feature, ...]:
    """The features of a comma-separated list, once each.

    Parameters
    ----------
    layer, chunk_seconds : of every ``ssl`` that names none itself

    Raises OptionError for an empty list, an unknown name, or a layer where no ``ssl`` is asked for.
    """
    specs = parse_features(names)
    if (layer is not None or chunk_seconds is not None) and all(spec.name != "ssl" for spec in specs):
        raise OptionError(
            f"--layer and --chunk-seconds go with the feature ssl, not with --feature {names!r}"
        )
    features = []
    for spec in specs:
        feature = make_extractor(with_layer(spec, layer, chunk_seconds))
        if spec.name == "ssl":
            feature.name = spec.text  # as it was asked for: its context says the layer
        features.append(feature)
    return tuple(features)


def on_frames(
    tracks: Mapping[str, Track],
    features: Sequence[Feature],
    frames: Cells,
    count: int,
    how: Literal["mean", "sample", "nearest"] = "mean",
) -> dict[str, Track]:
    """Every track on the cells of the video frames: row k belongs to frame k.

    Parameters
    ----------
    features : that the tracks are of; what was seen on frames keeps its values, what else there is passes to them as
        ``how`` says
    """
    of_sound = {feature.name for feature in features if feature.takes == "sound"}
    return {
        name: track.on(frames, how=how, length=count)
        if name in of_sound
        else on_whole_row(track, frames, count)
        for name, track in tracks.items()
    }


def save_tracks(tracks: dict[str, Track], fresh: Path, final: Path) -> tuple[SavedTrack, ...]:
    """Write tracks into ``fresh``, a folder that will be called ``final``; the paths are those in ``final``."""
    saved = []
    for name, track in tracks.items():
        file = f"{file_stem(name)}.npz"
        save_track(track, fresh / file)
        saved.append(SavedTrack(track, final / file))
    return tuple(saved)
