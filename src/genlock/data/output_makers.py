"""What can be made of a clip: files (sound, films, pictures), and every feature as a Track.

A maker takes the sound or the frames of one clip after the other, and gives for each what is to be saved. Every
value keeps its exact grid; where the source has nothing, it is marked invalid.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile

from genlock.core.errors import OutputError
from genlock.core.files import atomic_file, write_bytes
from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.json_forms import dump_json
from genlock.core.time import fraction_text
from genlock.core.track import Track
from genlock.core.track_file import save_track
from genlock.data.cutting import ClipSamples, ClipSpan
from genlock.drawing.opencv import cv2
from genlock.extractors import AudioExtractor, BothFeature, FaceFeature, Feature, PictureFeature
from genlock.extractors.face.rows import FaceRows
from genlock.extractors.face.watching import FaceWatch
from genlock.extractors.frame_cells import FrameCells
from genlock.media import VideoCell, VideoForm, encode
from genlock.media.encode import Picture

__all__ = [
    "BothMaker",
    "FaceMaker",
    "FeatureMaker",
    "FramesMaker",
    "Made",
    "PictureFeatureMaker",
    "PictureMaker",
    "SoundMaker",
    "Tell",
    "VideoMaker",
    "WaveMaker",
    "keep",
    "made_of_track",
]


@dataclass(frozen=True)
class Made:
    """One output of one clip."""

    kind: str
    """What it is, as the folder is called."""
    suffix: str
    """Ending of the file."""
    save: Callable[[Path], None]
    """Writes it, atomically."""
    facts: dict[str, Any] = field(default_factory=dict)
    """``rate``, ``start`` (exact), ``length``, ``shape``, ``support``, ``valid`` and the like, for the index."""
    track: Track | None = None
    """What it is, where it is a Track."""


#: Told of everything that was made, with its clip.
Tell: TypeAlias = Callable[[ClipSpan, Made], None]


def keep(made: Made, clip: str, folder: Path) -> dict[str, Any]:
    """Save an output of a clip in the folder of a dataset; its entry in the index."""
    # Folders of a million files are slow everywhere: 256 folders a kind.
    place = f"{made.kind}/{hashlib.sha256(clip.encode()).hexdigest()[:2]}/{clip}{made.suffix}"
    made.save(folder / place)
    data = (folder / place).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return {"kind": made.kind, "path": place, "bytes": len(data), "sha256": digest, **made.facts}


def made_of_track(kind: str, track: Track) -> Made:
    """A Track as an output."""
    support = track.support if track.support == "whole" else fraction_text(Fraction(track.support))
    facts = {
        **_facts_of_cells(track.grid),
        "length": len(track),
        "shape": list(track.values.shape),
        "dtype": str(track.values.dtype),
        "support": support,
        "valid": int(track.valid.sum()),
    }
    return Made(kind, ".npz", lambda path: save_track(track, path, readable=False), facts, track)


def _facts_of_cells(cells: Cells) -> dict[str, Any]:
    rate = fraction_text(cells.rate) if isinstance(cells, Grid) else None
    return {"rate": rate, "start": fraction_text(cells.edge(0))}


# ---------------------------------------------------------------- sound


class SoundMaker(Protocol):
    """Makes something of the sound of a clip."""

    @property
    def kind(self) -> str: ...
    @property
    def rate(self) -> int: ...
    def __call__(self, sound: ClipSamples, /) -> Made: ...


@dataclass(frozen=True)
class WaveMaker:
    """The sound itself, WAV of 16 bits, mono."""

    rate: int
    """Samples per second."""

    @property
    def kind(self) -> str:
        """``sound_16000``."""
        return f"sound_{self.rate}"

    def __call__(self, sound: ClipSamples) -> Made:
        """The sound of one clip; what exceeds full scale is clipped and counted."""
        clipped = int((np.abs(sound.samples) > 1).sum())
        levels = np.clip(np.rint(sound.samples * 32768.0), -32768, 32767).astype(np.int16)

        def save(path: Path) -> None:
            buffer = io.BytesIO()
            soundfile.write(buffer, levels, self.rate, format="WAV", subtype="PCM_16")
            write_bytes(path, buffer.getvalue())

        facts = {
            "rate": str(self.rate),
            "start": fraction_text(sound.grid.edge(0)),
            "length": len(levels),
            "shape": [len(levels)],
            "dtype": "int16",
            "support": "0",
            "valid": int(sound.heard.sum()),
            "first_valid": sound.real.start,
            "clipped": clipped,
            **({"lost": lost} if (lost := _lost_within(sound)) else {}),
            **({} if levels.any() else {"silent": True}),
        }
        return Made(self.kind, ".wav", save, facts)


def on_clip(feature: Feature, track: Track, clip: ClipSpan, origin: Fraction) -> Track:
    """A Track of a clip on the rate that was asked for: cells counted from ``origin`` whose middles the clip holds."""
    if feature.rate is None:
        return track
    grid = Grid(feature.rate, origin, track.clock)
    cells = grid.cells(clip.start, clip.end, "centers")
    return feature.placed(track, grid.edge(cells.start), len(cells))


@dataclass(frozen=True)
class FeatureMaker:
    """A sound feature, of the clip's own samples: what comes before and after the clip plays no part."""

    extractor: AudioExtractor
    """Which."""
    kind: str
    """How its folder is called."""
    origin: Fraction
    """Where the source's first clip begins."""

    @property
    def rate(self) -> int:
        """Samples per second that it takes."""
        return self.extractor.sample_rate

    def __call__(self, sound: ClipSamples) -> Made:
        """The feature of one clip; cells whose centre lies where the source has no sound are invalid."""
        stream = self.extractor.open(sound.grid.center(0), sound.grid.clock)
        stream.push(sound.samples)
        track = stream.finish()
        if len(sound.real) < len(sound.samples):
            centers = track.centers
            low, high = float(sound.grid.edge(sound.real.start)), float(sound.grid.edge(sound.real.stop))
            there = (centers >= low) & (centers < high) & (len(sound.real) > 0)
            track = replace(track, valid=track.valid & there)
        for first, stop in _lost_within(sound):
            reach = self._reach(track)
            low, high = float(sound.grid.center(first)) - reach, float(sound.grid.center(stop - 1)) + reach
            untouched = (track.centers <= low) | (track.centers >= high)
            track = replace(track, valid=track.valid & untouched)
        return made_of_track(self.kind, on_clip(self.extractor, track, sound.clip, self.origin))

    def _reach(self, track: Track) -> float:
        """Seconds to each side of its middle that a value looks at."""
        window = Fraction(self.extractor.framing.window, self.extractor.sample_rate)
        return float((window if isinstance(track.support, str) else track.support) / 2)


def _lost_within(sound: ClipSamples) -> list[tuple[int, int]]:
    """First and stop of the runs of lost samples between the first and the last that the source has."""
    runs = _runs_of(~sound.heard[sound.real.start : sound.real.stop])
    return [(first + sound.real.start, stop + sound.real.start) for first, stop in runs]


def _runs_of(marked: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and stop of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    return [(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]


def _facts_of_frames(count: int, lost: list[int]) -> dict[str, Any]:
    """What the index says of frames, of which those numbered ``lost`` only stand in for others."""
    facts: dict[str, Any] = {"length": count, "valid": count - len(lost), "support": "0"}
    return {**facts, "lost": _runs_of(np.isin(np.arange(count), lost))} if lost else facts


# ---------------------------------------------------------------- picture


class PictureMaker(Protocol):
    """Takes the frames of a clip; see :class:`genlock.data.cutting.FrameTaker`."""

    form: VideoForm

    def begin(self, clip: ClipSpan) -> None: ...
    def frame(self, cell: VideoCell) -> None: ...
    def end(self, clip: ClipSpan) -> None: ...


class FramesMaker:
    """Frames as JPEG pictures in one uncompressed ZIP, numbered from 0; times in the index and in ``cells.json``."""

    def __init__(self, form: VideoForm, kind: str, tell: Tell, quality: int = 95) -> None:
        self.form, self.kind, self.quality, self._tell = form, kind, quality, tell
        self._cells, self._images, self._lost = FrameCells(form.rate), list[bytes](), list[int]()

    def begin(self, clip: ClipSpan) -> None:
        """A new clip."""
        self._cells, self._images, self._lost = FrameCells(self.form.rate), [], []

    def frame(self, cell: VideoCell) -> None:
        """Take one frame (blue, green, red)."""
        self._lost += [len(self._cells)] * cell.lost
        self._cells.add(cell)
        made, data = cv2.imencode(".jpg", cell.pixels, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        if not made:
            raise OutputError("a frame cannot be encoded as JPEG")
        self._images.append(data.tobytes())

    def end(self, clip: ClipSpan) -> None:
        """Tell what the clip gave."""
        images = self._images
        if not images:
            return
        cells = self._cells.get()

        def save(path: Path) -> None:
            with atomic_file(path) as out, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
                for k, data in enumerate(images):
                    archive.writestr(zipfile.ZipInfo(f"{k:06d}.jpg", (1980, 1, 1, 0, 0, 0)), data)
                times = zipfile.ZipInfo("cells.json", (1980, 1, 1, 0, 0, 0))
                archive.writestr(times, dump_json({"genlock_schema": 1, **cells.to_dict()}))

        facts = {**_facts_of_cells(cells), **_facts_of_frames(len(images), self._lost)}
        self._tell(clip, Made(self.kind, ".zip", save, facts))


class VideoMaker:
    """The picture as H.264 in MP4, every frame at its true time; held in memory encoded, not decoded.

    Takes frames as planes (``yuv420p``), which are encoded as they are; H.264 has even sides only.

    Parameters
    ----------
    source : the cells of all frames of the source, for frames at their own times
    folder : where to encode
    """

    def __init__(
        self, form: VideoForm, kind: str, tell: Tell, source: Cells, folder: Path, crf: int = 18
    ) -> None:
        self.form, self.kind, self.crf = form, kind, crf
        self._tell, self._source, self._folder = tell, source, folder
        self._encoding: _Encoding | None = None
        self._cells, self._lost = FrameCells(form.rate), list[int]()

    def begin(self, clip: ClipSpan) -> None:
        """A new clip."""
        self._cells, self._lost, self._encoding = FrameCells(self.form.rate), [], None
        self._timing = self._timing_of(clip)

    def frame(self, cell: VideoCell) -> None:
        """Take one frame."""
        self._lost += [len(self._cells)] * cell.lost
        self._cells.add(cell)
        if self._encoding is None:
            self._encoding = _Encoding(self._folder / f"{self.kind}.mp4", self._timing, self.crf)
        self._encoding.put(cell.pixels)

    def _timing_of(self, clip: ClipSpan) -> dict[str, Any]:
        """How the encoder places the frames: frame 0 of a file of ours is shown at 0."""
        rate: Any = self.form.rate
        if rate is None and isinstance(self._source, Grid):
            rate = self._source.rate
        if rate is not None:
            return {"rate": rate}
        assert isinstance(self._source, Ticks)
        cells = self._source.cells(clip.start, clip.end, "centers")
        pts = self._source.pts[cells.start : cells.stop]
        return {"pts": (pts - pts[:1].sum()).tolist(), "time_base": self._source.time_base}

    def end(self, clip: ClipSpan) -> None:
        """Tell what the clip gave."""
        if self._encoding is None:
            return
        data = self._encoding.finish()
        facts = {**_facts_of_cells(self._cells.get()), **_facts_of_frames(len(self._cells), self._lost)}
        self._tell(clip, Made(self.kind, ".mp4", lambda path: write_bytes(path, data), facts))


class _Encoding:
    """One clip being encoded in a thread, because the encoder asks for frames and the reader brings them."""

    def __init__(self, path: Path, timing: dict[str, Any], crf: int) -> None:
        self.path, self._timing, self._crf = path, timing, crf
        self._queue: Queue[npt.NDArray[np.uint8] | None] = Queue(maxsize=8)
        self._failure: BaseException | None = None
        self._drained = False
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, frame: npt.NDArray[np.uint8]) -> None:
        self._queue.put(frame)

    def finish(self) -> bytes:
        """The file. Raises what the encoder raised."""
        self._queue.put(None)
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        data = self.path.read_bytes()
        self.path.unlink()
        return data

    def _frames(self) -> Iterator[npt.NDArray[np.uint8]]:
        while (frame := self._queue.get()) is not None:
            yield frame
        self._drained = True

    def _run(self) -> None:
        options = {"crf": str(self._crf), "preset": "veryfast", "threads": "1"}
        try:
            encode(
                self.path,
                Picture(self._frames(), codec="libx264", options=options, planar=True, **self._timing),
            )
        except BaseException as error:  # noqa: BLE001 - told to the thread that waits
            self._failure = error
        while not self._drained and self._queue.get() is not None:
            pass  # whoever brings frames must not wait for ever


class PictureFeatureMaker:
    """A feature of frames, on the cells of the clip's frames. State between frames goes on from clip to clip."""

    def __init__(self, feature: PictureFeature, kind: str, tell: Tell) -> None:
        self.form, self.feature, self.kind, self._tell = feature.form, feature, kind, tell
        self._stream = feature.open()

    def begin(self, clip: ClipSpan) -> None:
        """A new clip."""

    def frame(self, cell: VideoCell) -> None:
        """Take one frame."""
        self._stream.push(cell)

    def end(self, clip: ClipSpan) -> None:
        """Tell what the clip gave."""
        track = self._stream.take()
        if track is not None:
            made = made_of_track(self.kind, replace(track, name=self.kind))
            self._tell(clip, replace(made, facts={**made.facts, **self.feature.facts}))


class FaceMaker:
    """The main face of each clip: its lips, what a number says of its mouth, and each feature that is asked for.

    Parameters
    ----------
    features : by the name of their folder
    watch : of faces; somebody feeds it, before or after this maker
    origin : where the source's first clip begins
    """

    def __init__(
        self, features: Mapping[str, FaceFeature], watch: FaceWatch, tell: Tell, origin: Fraction
    ) -> None:
        self.form, self._tell, self._features, self._origin = watch.form, tell, dict(features), origin
        self._rows = FaceRows(list(self._features.values()))
        watch.sinks = (*watch.sinks, self._rows)
        self._cells = FrameCells()

    def begin(self, clip: ClipSpan) -> None:
        """A new clip."""
        self._cells = FrameCells()

    def frame(self, cell: VideoCell) -> None:
        """Note the cell of one frame."""
        self._cells.add(cell)

    def end(self, clip: ClipSpan) -> None:
        """Tell what the clip gave: of the face that is seen longest and largest. Without a face all is invalid."""
        if not len(self._cells):
            return
        cells = self._cells.get()
        frames = range(self._cells.first, self._cells.first + len(self._cells))
        main = self._rows.main(frames)
        for kind, feature in self._features.items():
            track = replace(self._rows.track(main, feature, frames, cells), name=kind)
            made = made_of_track(kind, on_clip(feature, track, clip, self._origin))
            facts = {**made.facts, "faces": len(self._rows.faces(frames))}
            self._tell(clip, replace(made, facts=facts))
        self._rows.forget(frames.stop)


class BothMaker:
    """A feature of sound and picture together: waits for what is made of its parts, clip by clip.

    Parameters
    ----------
    origin : where the source's first clip begins
    """

    def __init__(self, feature: BothFeature, kind: str, tell: Tell, origin: Fraction) -> None:
        self.feature, self.kind, self._tell, self._origin = feature, kind, tell, origin
        self._specs = {f"{kind} of {spec}": spec for spec in feature.made_of}
        self._waiting: dict[int, dict[str, Track]] = {}

    @property
    def parts(self) -> dict[str, Feature]:
        """What is to be made for it, by the kind under which it is told."""
        return {kind: self.feature.made_of[spec] for kind, spec in self._specs.items()}

    def take(self, clip: ClipSpan, made: Made) -> bool:
        """Take what was made of a clip, if it is a part of this one; says whether it is."""
        if made.kind not in self._specs or made.track is None:
            return False
        tracks = self._waiting.setdefault(clip.number, {})
        tracks[self._specs[made.kind]] = made.track
        if len(tracks) == len(self._specs):
            joined = self.feature.join(self._waiting.pop(clip.number))
            track = on_clip(self.feature, replace(joined, name=self.kind), clip, self._origin)
            self._tell(clip, made_of_track(self.kind, track))
        return True
