"""What can be made of a clip: its sound, any feature of it, its frames, faces, flow, features of pictures.

A maker takes the sound or the frames of one clip after the other, and gives for each what is to be saved. Every
value keeps its exact grid; where the source has nothing, it is marked invalid.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, Protocol, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import soundfile

from genlock.core.errors import OptionError, OutputError
from genlock.core.files import atomic_file, write_bytes
from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.json_forms import dump_json
from genlock.core.time import fraction_text
from genlock.core.track import Track
from genlock.core.track_file import save_track
from genlock.data.cutting import ClipSamples, ClipSpan
from genlock.extractors import AudioExtractor
from genlock.extractors.face.mouth import LIPS, Mouth, MouthWatcher, aperture_of, width_of
from genlock.extractors.face.pose import RIGID, head_pose
from genlock.extractors.face.tracking import FaceOptions, FaceTracker, Sighting
from genlock.extractors.frame_cells import between_frames, ticks_of
from genlock.extractors.picture.flow import FlowOptions, OpticalFlow, pack_flow
from genlock.extractors.picture.rgb import FlowNet
from genlock.media import VideoCell, VideoForm, encode
from genlock.media.encode import Picture

__all__ = [
    "FaceMaker",
    "FeatureMaker",
    "FlowFeatureMaker",
    "FlowMaker",
    "FramesMaker",
    "Made",
    "NetMaker",
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
    return Made(kind, ".npz", lambda path: save_track(track, path), facts)


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
            "valid": len(sound.real),
            "first_valid": sound.real.start,
            "clipped": clipped,
            **({} if levels.any() else {"silent": True}),
        }
        return Made(self.kind, ".wav", save, facts)


@dataclass(frozen=True)
class FeatureMaker:
    """A sound feature, of the clip's own samples: what comes before and after the clip plays no part."""

    extractor: AudioExtractor
    """Which."""

    @property
    def kind(self) -> str:
        """The feature's name; a colon becomes a hyphen."""
        return self.extractor.name.replace(":", "-")

    @property
    def rate(self) -> int:
        """Samples per second that it takes."""
        return self.extractor.sample_rate

    def __call__(self, sound: ClipSamples) -> Made:
        """The feature of one clip; cells whose centre lies where the source has no sound are invalid."""
        track = self.extractor(sound.samples, sound.grid.center(0), sound.grid.clock)
        if len(sound.real) < len(sound.samples):
            centers = track.centers
            low, high = float(sound.grid.edge(sound.real.start)), float(sound.grid.edge(sound.real.stop))
            there = (centers >= low) & (centers < high) & (len(sound.real) > 0)
            track = Track(
                track.values,
                track.grid,
                track.valid & there,
                track.name,
                track.unit,
                track.support,
                track.context,
            )
        return made_of_track(self.kind, track)


# ---------------------------------------------------------------- picture


class PictureMaker(Protocol):
    """Takes the frames of a clip; see :class:`genlock.data.cutting.FrameTaker`."""

    form: VideoForm

    def begin(self, clip: ClipSpan) -> None: ...
    def frame(self, cell: VideoCell) -> None: ...
    def end(self, clip: ClipSpan) -> None: ...


class _Cells:
    """The cells of the frames of one clip."""

    def __init__(self, rate: Fraction | None) -> None:
        self.rate, self.clock = rate, ""
        self.edges: list[Fraction] = []

    def add(self, cell: VideoCell) -> None:
        if not self.edges:
            self.edges, self.clock = [cell.start], cell.clock
        self.edges.append(cell.end)

    def __len__(self) -> int:
        return max(0, len(self.edges) - 1)

    def get(self) -> Cells:
        """A Grid where a rate was asked for, else the ticks of the source."""
        if self.rate is not None:
            return Grid(self.rate, self.edges[0], self.clock)
        return ticks_of(self.edges, self.clock)

    def between(self) -> Cells:
        """Cells from the middle of the frame before to the middle of the frame."""
        return between_frames(self.get())


def _form_rate(form: VideoForm) -> Fraction | None:
    return form.rate  # type: ignore[return-value] # an exact rate since its birth


class FramesMaker:
    """Frames as JPEG pictures in one uncompressed ZIP, numbered from 0; times in the index and in ``cells.json``."""

    def __init__(self, form: VideoForm, kind: str, tell: Tell, quality: int = 95) -> None:
        self.form, self.kind, self.quality, self._tell = form, kind, quality, tell
        self._cells, self._images = _Cells(_form_rate(form)), list[bytes]()

    def begin(self, clip: ClipSpan) -> None:
        """A new clip."""
        self._cells, self._images = _Cells(_form_rate(self.form)), []

    def frame(self, cell: VideoCell) -> None:
        """Take one frame (blue, green, red)."""
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

        facts = {**_facts_of_cells(cells), "length": len(images), "valid": len(images), "support": "0"}
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
        self._cells = _Cells(_form_rate(form))

    def begin(self, clip: ClipSpan) -> None:
        """A new clip."""
        self._cells, self._encoding = _Cells(_form_rate(self.form)), None
        self._timing = self._timing_of(clip)

    def frame(self, cell: VideoCell) -> None:
        """Take one frame."""
        self._cells.add(cell)
        if self._encoding is None:
            self._encoding = _Encoding(self._folder / f"{self.kind}.mp4", self._timing, self.crf)
        self._encoding.put(cell.pixels)

    def _timing_of(self, clip: ClipSpan) -> dict[str, Any]:
        """How the encoder places the frames: frame 0 of a file of ours is shown at 0."""
        rate = _form_rate(self.form)
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
        facts = {
            **_facts_of_cells(self._cells.get()),
            "length": len(self._cells),
            "valid": len(self._cells),
            "support": "0",
        }
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


class FaceMaker:
    """The main face of each clip: its mesh, its mouth, and what a number says of it. One pass of the face models."""

    def __init__(
        self, tell: Tell, *, landmarks: bool = True, upright: bool = False, mouth_side: int | None = 96
    ) -> None:
        self.form = VideoForm(pixels="rgb24")
        self._tell, self._landmarks, self._upright, self._side = tell, landmarks, upright, mouth_side
        self._points: dict[int, dict[int, npt.NDArray[np.float32]]] = {}
        self._mouths: dict[int, dict[int, Mouth]] = {}
        sinks: list[Callable[[Sighting], None]] = [MouthWatcher(self._take_mouth, mouth_side or 48)]
        if landmarks or upright:
            sinks.insert(0, self._take_points)
        self._tracker = FaceTracker(sinks, FaceOptions(), self.form)
        self._cells, self._first = _Cells(None), 0

    def _take_points(self, sighting: Sighting) -> None:
        self._points.setdefault(sighting.face, {})[sighting.frame] = sighting.points

    def _take_mouth(self, mouth: Mouth) -> None:
        self._mouths.setdefault(mouth.face, {})[mouth.frame] = mouth

    def begin(self, clip: ClipSpan) -> None:
        """A new clip."""
        self._points, self._mouths, self._cells = {}, {}, _Cells(None)
        self._first = self._tracker.frames

    def frame(self, cell: VideoCell) -> None:
        """Take one frame."""
        self._cells.add(cell)
        self._tracker.push(cell)

    def end(self, clip: ClipSpan) -> None:
        """Tell what the clip gave: of the face that is seen longest and largest. Without a face all is invalid."""
        length = len(self._cells)
        if not length:
            return
        cells = self._cells.get()
        sizes = {face: sum(m.eye_pixels for m in seen.values()) for face, seen in self._mouths.items()}
        main = max(sizes, key=lambda face: (sizes[face], -face)) if sizes else None
        mouths = {} if main is None else self._mouths[main]
        rows = np.array(sorted(mouths), np.int64)
        valid = np.zeros(length, bool)
        valid[rows - self._first] = True
        facts = {"faces": len(sizes)}

        def tell(kind: str, values: npt.NDArray[Any], unit: str = "") -> None:
            made = made_of_track(kind, Track(values, cells, valid, name=kind, unit=unit))
            self._tell(clip, Made(made.kind, made.suffix, made.save, {**made.facts, **facts}))

        def filled(shape: tuple[int, ...], dtype: Any, items: Sequence[npt.ArrayLike]) -> npt.NDArray[Any]:
            values = np.zeros((length, *shape), dtype)
            if len(items):
                values[rows - self._first] = np.stack(items)
            return values

        lips = filled((len(LIPS), 2), np.float32, [mouths[k].lips for k in rows])
        tell("lips", lips, "eye distances")
        shape = np.stack([aperture_of(lips), width_of(lips)], axis=1)
        tell("mouth_shape", shape, "eye distances")
        points = {} if main is None or not (self._landmarks or self._upright) else self._points[main]
        if self._landmarks:
            tell("landmarks", filled((468, 3), np.float32, [points[k] for k in rows]), "pixels")
        if self._upright:
            upright = [head_pose(points[k][list(RIGID)]).to_head(points[k]) for k in rows]
            tell("landmarks-upright", filled((468, 2), np.float32, upright), "eye distances")
        if self._side is not None:
            crops = filled((self._side, self._side), np.uint8, [mouths[k].crop for k in rows])
            tell(f"mouth_{self._side}", crops)


class FlowMaker:
    """Optical flow in 8 bits, [T, H, W, 2]; row k lies between frame k-1 and frame k, also across clips."""

    def __init__(self, form: VideoForm, kind: str, tell: Tell, options: FlowOptions) -> None:
        self.form, self.kind, self._tell, self.options = form, kind, tell, options
        self._flow = OpticalFlow(options)
        self._cells, self._rows = _Cells(_form_rate(form)), list[npt.NDArray[np.uint8] | None]()

    def begin(self, clip: ClipSpan) -> None:
        """A new clip."""
        self._cells, self._rows = _Cells(_form_rate(self.form)), []

    def frame(self, cell: VideoCell) -> None:
        """Take one frame, grey."""
        self._cells.add(cell)
        flow = self._flow(cell.pixels)
        self._rows.append(None if flow is None else pack_flow(flow, self.options.bound))

    def end(self, clip: ClipSpan) -> None:
        """Tell what the clip gave."""
        if not self._rows:
            return
        shape = next((row.shape for row in self._rows if row is not None), (1, 1, 2))
        rest = np.full(shape, 128, np.uint8)
        values = np.stack([rest if row is None else row for row in self._rows])
        valid = np.array([row is not None for row in self._rows])
        track = Track(
            values,
            self._cells.between(),
            valid,
            name=self.kind,
            unit=f"{self.options.bound:g} pixels / 127.5",
        )
        made = made_of_track(self.kind, track)
        self._tell(clip, Made(made.kind, made.suffix, made.save, {**made.facts, "bound": self.options.bound}))


class FlowFeatureMaker(FlowMaker):
    """What a network says of the flow at each frame, [T, width]: N frames give N rows, where their flows lie.

    Row k is of the flow between frame k-1 and frame k, and of as many before and after as the network takes; beyond
    the clip's ends the outermost flow stands for those that are not there. Row 0 of a source has no flow: invalid.
    """

    def __init__(
        self, form: VideoForm, kind: str, tell: Tell, options: FlowOptions, net: FlowNet, batch: int = 16
    ) -> None:
        super().__init__(form, kind, tell, options)
        self._net, self.batch = net, batch

    def end(self, clip: ClipSpan) -> None:
        """Tell what the clip gave."""
        there = [k for k, row in enumerate(self._rows) if row is not None]
        if not there:
            return
        low, high, reach = there[0], there[-1], self._net.stack // 2
        found = []
        for first in range(0, len(there), self.batch):
            stacks = [
                np.concatenate(
                    [self._flow_at(min(max(j, low), high)) for j in range(k - reach, k + reach + 1)], axis=2
                )
                for k in there[first : first + self.batch]
            ]
            found.append(self._net.run(np.stack(stacks)))
        rows = np.concatenate(found)
        values, valid = (
            np.zeros((len(self._rows), rows.shape[1]), np.float32),
            np.zeros(len(self._rows), bool),
        )
        values[there], valid[there] = rows, True
        made = made_of_track(self.kind, Track(values, self._cells.between(), valid, name=self.kind))
        facts = {**made.facts, "bound": self.options.bound, "stack": self._net.stack}
        self._tell(clip, Made(made.kind, made.suffix, made.save, facts))

    def _flow_at(self, k: int) -> npt.NDArray[np.uint8]:
        row = self._rows[k]
        assert row is not None  # only the first one of a source, or of a new size, has none
        return row


class NetMaker:
    """What a network says of each frame, [T, width]: any function of frames [N, H, W, 3] to features [N, width]."""

    def __init__(
        self,
        form: VideoForm,
        kind: str,
        tell: Tell,
        net: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]],
        batch: int = 16,
    ) -> None:
        self.form, self.kind, self._tell, self._net, self.batch = form, kind, tell, net, batch
        self._cells = _Cells(_form_rate(form))
        self._waiting: list[npt.NDArray[np.uint8]] = []
        self._rows: list[npt.NDArray[np.float32]] = []

    def begin(self, clip: ClipSpan) -> None:
        """A new clip."""
        self._cells, self._waiting, self._rows = _Cells(_form_rate(self.form)), [], []

    def frame(self, cell: VideoCell) -> None:
        """Take one frame."""
        self._cells.add(cell)
        self._waiting.append(cell.pixels)
        if len(self._waiting) == self.batch:
            self._run()

    def _run(self) -> None:
        self._rows.append(self._net(np.stack(self._waiting)))
        self._waiting = []

    def end(self, clip: ClipSpan) -> None:
        """Tell what the clip gave."""
        if self._waiting:
            self._run()
        if self._rows:
            values = np.concatenate(self._rows)
            self._tell(clip, made_of_track(self.kind, Track(values, self._cells.get(), name=self.kind)))


def load_net(path: str) -> Any:
    """The object that ``package.module:name`` means.

    Raises OptionError if it cannot be imported.
    """
    module, colon, name = path.partition(":")
    if not colon:
        raise OptionError(f"{path!r} is no import path; give package.module:name")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise OptionError(f"{path!r} cannot be imported: {error}") from error
