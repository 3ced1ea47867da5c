"""One source file to its clips: one pass over it, whatever is asked for, and files that appear whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from genlock import __version__, speech
from genlock.core.errors import InputError, MediaError, OutputError
from genlock.core.files import TEMPORARY, sha256_of
from genlock.core.grid import Cells, Grid
from genlock.core.spans import Span
from genlock.core.time import Exact, exact, fraction_text
from genlock.data.cutting import ClipLayout, ClipSamples, ClipSpan, PictureCutter, SampleTaker, SoundCutter
from genlock.data.ledger import Item, Output
from genlock.data.native_counts import NativeSound, frame_counts
from genlock.data.output_makers import (
    BothMaker,
    FaceMaker,
    FeatureMaker,
    FramesMaker,
    Made,
    PictureFeatureMaker,
    PictureMaker,
    SoundMaker,
    VideoMaker,
    WaveMaker,
    keep,
)
from genlock.data.output_spec import Wanted, parse_outputs
from genlock.extractors import (
    AudioExtractor,
    BothFeature,
    FaceFeature,
    Feature,
    PictureFeature,
    make_extractor,
)
from genlock.extractors.face.watching import FaceWatch
from genlock.extractors.registry import FILE_FORMS
from genlock.lipsync.evidence.collect import EvidenceCollector
from genlock.lipsync.fusion import Fusion
from genlock.media import AudioBlock, AudioForm, Consumer, MediaInfo, VideoForm, frame_cells, probe, read
from genlock.media.read import FrameTimesOnly
from genlock.pipeline import SoundSpool, SpooledSound
from genlock.speech.mouths import MouthSpool

__all__ = ["DATA_VERSION", "MadeClips", "Plan", "make_clips", "require_makeable", "staging_left"]

#: Raised whenever the bytes of an output may change for the same source and options.
DATA_VERSION = 4


# Made of the main face whenever anything of faces is.
_OF_EVERY_FACE = ("landmarks:lips", "mouth:shape")
# Features that a dataset holds as files.
_FILES = ("sound", "frames")
# Where outputs are written until all of their source are whole.
_STAGING = Path(".genlock") / "staging"


@dataclass(frozen=True)
class Plan:
    """Everything that decides about the outputs, apart from the sources."""

    outputs: str
    """Outputs of each clip, separated by commas; see :mod:`genlock.data.output_spec`."""
    clip_seconds: Exact | None = None
    """Length of a clip in seconds, above zero; None: each source is one clip."""
    keep_tails: bool = True
    """Whether what is left at the end of a source is kept, marked as a tail."""

    def __post_init__(self) -> None:
        parse_outputs(self.outputs)
        if self.clip_seconds is not None:
            length = exact(self.clip_seconds)
            if length <= 0:
                raise InputError(f"clips of {self.clip_seconds} s are not possible; give a length above zero")
            object.__setattr__(self, "clip_seconds", fraction_text(length))

    @property
    def text(self) -> str:
        """The same for the same outputs: kept in the ledger and in the dataset."""
        names = [wanted.text for wanted in parse_outputs(self.outputs)]
        body = {**asdict(self), "outputs": names, "data_version": DATA_VERSION, "genlock": __version__}
        return json.dumps(body, sort_keys=True)


@dataclass(frozen=True)
class MadeClips:
    """What one source gave."""

    content: str
    """SHA-256 of the source."""
    clips: list[dict[str, Any]]
    """One entry a clip, for the index."""
    outputs: list[Output]
    """Every file that was written."""
    media_seconds: float
    """Length of the source."""
    notes: tuple[str, ...] = field(default=())
    """What had to be repaired on the way."""


def make_clips(item: Item, source: Path, dataset: Path, plan: Plan) -> MadeClips:
    """Make everything that the plan asks for of one source.

    Parameters
    ----------
    source : the folder that ``item.path`` is relative to
    dataset : the folder of the dataset; outputs are written to a folder of their own in it and renamed at the end

    Raises
    ------
    InputError
        If the source cannot be used: the reason to quarantine it.
    OutputError
        If the dataset cannot be written: a reason to stop.
    """
    path = source / item.path
    before = _state_of(path)
    content = _hash_of(path)
    staging = dataset / _STAGING
    staging.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{item.name}-", dir=staging))
    try:
        try:
            made = _Making(item, plan, folder).run(path)
        finally:  # whatever a file is found guilty of that is no longer the same, this is why
            _require_unchanged(path, before)
        for output in made.outputs:
            final = dataset / output.path
            final.parent.mkdir(parents=True, exist_ok=True)
            os.replace(folder / output.path, final)
        _sync_folders({(dataset / output.path).parent for output in made.outputs})
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"the dataset {str(dataset)!r} cannot be written: {error.strerror or error}"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return MadeClips(content, made.clips, made.outputs, made.seconds, made.notes)


def staging_left(dataset: Path) -> list[Path]:
    """What killed runs left: outputs in the staging folder, and files of the dataset's own that have no name yet."""
    folder = dataset / _STAGING
    staged = sorted(folder.iterdir()) if folder.is_dir() else []
    return [*staged, *sorted(file for file in dataset.glob(f"{TEMPORARY}*") if file.is_file())]


def _state_of(path: Path) -> tuple[int, int] | None:
    """Size and time of the last change; None if there is no such file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


def _require_unchanged(path: Path, before: tuple[int, int] | None) -> None:
    after = _state_of(path)
    if after is None and before is not None:
        raise InputError("removed while it was read: prepare again when it is back")
    if after != before:
        raise InputError("changed while it was read: prepare it again when nobody writes it")


def _hash_of(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise MediaError(f"cannot be read: {error.strerror or error}") from error


def _sync_folders(folders: set[Path]) -> None:
    """Make renames outlive a power cut."""
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class _Making:
    """Everything of one source."""

    def __init__(self, item: Item, plan: Plan, folder: Path) -> None:
        self.item, self.plan, self.folder = item, plan, folder
        self.outputs: list[Output] = []
        self.clips: list[dict[str, Any]] = []
        self.seconds = 0.0
        self.notes: tuple[str, ...] = ()
        self._entries: dict[int, dict[str, Any]] = {}
        self._of_both: list[BothMaker] = []

    def run(self, path: Path) -> _Making:
        """Read the source once and make everything.

        Clips are cut where probing says that the source begins and ends. Where that turns out not to be so, which only
        decoding can tell of some sources, everything is made once more.
        """
        info = probe(path)
        if not info.video and not info.audio:
            raise MediaError("has neither sound nor picture")
        extent = _told_extent(info) or _read_extent(path, info)
        try:
            return self._make(path, info, extent)
        except OutputError:
            raise
        except _Elsewhere as error:
            extent = error.extent
        except (InputError, IndexError, ValueError):
            if extent.sure:
                raise
            extent = _read_extent(path, info)
        self._forget()
        return self._make(path, info, extent)

    def _forget(self) -> None:
        """Drop what was made."""
        self.outputs, self.clips, self.notes, self._entries = [], [], (), {}
        for left in self.folder.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()

    def _make(self, path: Path, info: MediaInfo, extent: _Extent) -> _Making:
        wanted = parse_outputs(self.plan.outputs)
        cells, count = extent.cells, extent.count
        cuts = tuple(Fraction(cut) for cut in self.item.facts.get("cuts", ()))
        layout = ClipLayout(extent.origin, _length(self.plan), extent.end, cuts)
        features = self._features(wanted, layout)
        self.seconds = float(extent.end - extent.origin)
        for clip in layout.clips():
            self._entries[clip.number] = self._entry(clip, info.clock, whole=layout.count == 1)
        consumers: list[Consumer] = []
        native = NativeSound()
        if info.audio:
            sounds = self._sound_consumers(wanted, features, layout)
            consumers += [native, *sounds] if sounds else []
        watch: FaceWatch | None = None
        if cells is not None:
            makers, watch = self._picture_makers(wanted, features, layout, cells)
            forms = dict.fromkeys(maker.form for maker in makers)
            consumers += [
                PictureCutter(layout, form, [m for m in makers if m.form == form]) for form in forms
            ]
        whole = _WholeSource({one.name for one in wanted}, info, cells, watch)
        consumers += whole.consumers
        span = _Span()
        if not extent.sure:
            consumers.append(FrameTimesOnly() if cells is not None else span)
        try:
            if consumers:
                report = read(path, consumers)
                self.notes = tuple(str(note) for note in report.notes)
                self._note_lost({"sound": report.gaps, "picture": report.lost})
                if not extent.sure:
                    seen = report.cells
                    _require_same(
                        extent, span.extent() if seen is None else _extent_of(seen, report.cell_count)
                    )
            counts = [native.counts(layout)]
            if cells is not None:
                counts.append(frame_counts(layout, cells, count))
            for number, found in (pair for known in counts for pair in known.items()):
                self._entries[number].update(found)
            for entry in self._entries.values():
                entry.update(whole.facts_of(Fraction(entry["start"]), Fraction(entry["end"])))
        finally:
            whole.close()
        keep = [e for e in self._entries.values() if self.plan.keep_tails or not e["tail"]]
        self.clips = sorted(keep, key=lambda entry: entry["number"])
        for entry in self.clips:  # whatever order the streams came in
            entry["outputs"].sort(key=lambda made: made["kind"])
        kept = {made["path"] for entry in self.clips for made in entry["outputs"]}
        self.outputs = sorted((o for o in self.outputs if o.path in kept), key=lambda output: output.path)
        return self

    def _entry(self, clip: ClipSpan, clock: str, *, whole: bool) -> dict[str, Any]:
        return {
            "clip": f"{self.item.name}-{clip.number:05d}",
            "number": clip.number,
            "clock": clock,
            "start": fraction_text(clip.start),
            "end": fraction_text(clip.end),
            "tail": clip.tail,
            "whole": whole,
            "outputs": [],
        }

    def _note_lost(self, of_source: Mapping[str, Iterable[Span]]) -> None:
        """Say in each clip what of the source's sound and of its picture was lost in it."""
        for entry in self._entries.values():
            start, end = Fraction(entry["start"]), Fraction(entry["end"])
            told = []
            for stream, spans in of_source.items():
                lost = [
                    (max(start, s.start), min(end, s.end)) for s in spans if s.start < end and s.end > start
                ]
                if not lost:
                    continue
                told.append(
                    f"{float(sum(high - low for low, high in lost)):.3f} s of its {stream} are lost between "
                    f"{float(lost[0][0]):.3f} s and {float(lost[-1][1]):.3f} s"
                )
                entry.setdefault("damage", []).extend(
                    {"kind": "lost", "stream": stream, "start_seconds": float(a), "end_seconds": float(b)}
                    for a, b in lost
                )
            if told:
                entry["reason"] = f"the source is damaged: {', '.join(told)}"

    def _tell(self, clip: ClipSpan, made: Made) -> None:
        """Save one output and note it."""
        entry = self._entries[clip.number]
        if clip.tail and not self.plan.keep_tails:
            return
        if any(maker.take(clip, made) for maker in self._of_both):
            return
        kept = keep(made, str(entry["clip"]), self.folder)
        self.outputs.append(Output(kept["path"], kept["bytes"], kept["sha256"]))
        entry["outputs"].append(kept)

    def _features(self, wanted: tuple[Wanted, ...], layout: ClipLayout) -> dict[str, Feature]:
        """Every feature to be made, by kind, those included that others of sound and picture together are made of."""
        features = {
            one.kind: feature
            for one in wanted
            if one.name not in _FILES and (feature := feature_of(one.text)) is not None
        }
        self._of_both = [
            BothMaker(feature, kind, self._tell, layout.origin)
            for kind, feature in features.items()
            if isinstance(feature, BothFeature)
        ]
        return {**features, **{kind: part for maker in self._of_both for kind, part in maker.parts.items()}}

    def _sound_consumers(
        self, wanted: tuple[Wanted, ...], features: Mapping[str, Feature], layout: ClipLayout
    ) -> list[Consumer]:
        """One cutter for each rate, whoever takes it."""
        makers: list[SoundMaker] = [
            WaveMaker(int(one.rate)) for one in wanted if one.name == "sound" and one.rate is not None
        ]
        for kind, feature in features.items():
            if isinstance(feature, AudioExtractor):
                makers.append(FeatureMaker(feature, kind, layout.origin))

        def taker(rate: int) -> SampleTaker:
            mine = [maker for maker in makers if maker.rate == rate]

            def take(sound: ClipSamples) -> None:
                if len(sound.samples):
                    for maker in mine:
                        self._tell(sound.clip, maker(sound))

            return take

        rates = dict.fromkeys(maker.rate for maker in makers)
        return [SoundCutter(layout, rate, taker(rate)) for rate in rates]

    def _picture_makers(
        self, wanted: tuple[Wanted, ...], features: Mapping[str, Feature], layout: ClipLayout, cells: Cells
    ) -> tuple[list[PictureMaker], FaceWatch | None]:
        """Makers of films, pictures and features, and the watch of faces where one of them needs it."""
        makers: list[PictureMaker] = []
        faces: dict[str, FaceFeature] = {}
        for one in wanted:
            if one.name == "frames":
                makers.append(FramesMaker(VideoForm(one.size, "bgr24", one.rate), one.kind, self._tell))
            elif one.name == "video":
                form = VideoForm(one.size, "yuv420p", one.rate)
                makers.append(VideoMaker(form, one.kind, self._tell, cells, self.folder))
        for kind, feature in features.items():
            if isinstance(feature, PictureFeature):
                makers.append(PictureFeatureMaker(feature, kind, self._tell))
            elif isinstance(feature, FaceFeature):
                faces[kind] = feature
        if not faces:
            return makers, None
        watch = FaceWatch()
        always = {Wanted.parse(text).kind: feature_of(text) for text in _OF_EVERY_FACE}
        both = {**always, **faces}
        return [*makers, FaceMaker(both, watch, self._tell, layout.origin)], watch  # type: ignore[arg-type]


class _WholeSource:
    """What is found in a source as a whole: the offset of sound against picture, and the words that are said."""

    def __init__(
        self, wanted: set[str], info: MediaInfo, cells: Cells | None, watch: FaceWatch | None
    ) -> None:
        """``watch`` is fed here where features of faces need it; each frame is looked at once. ``cells`` are those of
        the frames."""
        self._cells = cells
        self.consumers: list[Consumer] = []
        self._fusion: Fusion | None = None
        self._mouths: MouthSpool | None = None
        self._spool: SoundSpool | None = None
        self._sound: SpooledSound | None = None
        self._found: dict[str, Any] | None = None
        if "words" in wanted and info.audio:
            self._spool = SoundSpool()
            self.consumers.append(self._spool)
            side = speech.mouth_side_of("auto", "en") if info.video else None
            if side is not None:
                self._mouths = MouthSpool(side)
                watch = watch or FaceWatch()
                watch.sinks = (*watch.sinks, self._mouths)
        if "offset" in wanted and info.audio and info.video:
            self._fusion = Fusion()
            self.consumers += EvidenceCollector(self._fusion.add, watch=watch).consumers
        elif watch is not None:
            self.consumers += watch.consumers

    def facts_of(self, start: Fraction, end: Fraction) -> dict[str, Any]:
        """The facts that belong to a clip: words by where they begin."""
        if self._found is None:
            self._found = {**self._offset(), **self._words()}
        found = dict(self._found)
        if "words" in found:
            found["words"] = [
                word for word in found["words"] if start <= Fraction(word["start_seconds"]) < end
            ]
        return found

    def _offset(self) -> dict[str, Any]:
        if self._fusion is None:
            return {}
        estimate = self._fusion.finish().estimate
        return {"offset_seconds": estimate.offset_seconds, "offset_probability": estimate.probability}

    def _words(self) -> dict[str, Any]:
        self._sound = None if self._spool is None else self._spool.sound()
        if self._sound is None:
            return {}
        mouths = None if self._mouths is None else self._mouths.mouths(self._cells)
        words = speech.recognize_and_align(self._sound, mouths=mouths).to_dict()["words"]
        return {
            "words": [
                {key: word[key] for key in ("text", "start_seconds", "end_seconds")}
                for word in words
                if word["status"] == "aligned"
            ]
        }

    def close(self) -> None:
        """Drop the spooled sound and mouths."""
        if self._mouths is not None:
            self._mouths.close()
        if self._sound is not None:
            self._sound.close()
        elif self._spool is not None:
            self._spool.discard()


def require_makeable(outputs: Iterable[str]) -> None:
    """Make every feature once, before any source is touched.

    Raises what a name with a typing error, weights that are not here or a broken plug-in raise: what is wrong with the
    question is no fault of the sources.
    """
    for text in outputs:
        if Wanted.parse(text).name not in FILE_FORMS:
            make_extractor(text)


@lru_cache(maxsize=64)
def feature_of(text: str) -> Feature | None:
    """The feature of an output; None of what is no feature. Made once in a worker, not for each source: reading a
    checkpoint takes longer than using it on a clip."""
    return None if Wanted.parse(text).name in FILE_FORMS else make_extractor(text)


def _length(plan: Plan) -> Fraction | None:
    return None if plan.clip_seconds is None else exact(plan.clip_seconds)


@dataclass(frozen=True)
class _Extent:
    """Where a source begins and ends."""

    cells: Cells | None
    """The cells of its frames; None without a picture."""
    count: int
    """How many frames there are."""
    origin: Fraction
    """Where it begins, in exact seconds."""
    end: Fraction
    """Where it ends."""
    sure: bool = True
    """False if packets say so that may not be the frames, or not all of the sound."""

    def same_as(self, other: _Extent) -> bool:
        """Whether both say the same."""
        if (self.count, self.origin, self.end) != (other.count, other.origin, other.end):
            return False
        if self.cells is None or other.cells is None:
            return self.cells is other.cells
        same_kind = isinstance(self.cells, Grid) == isinstance(other.cells, Grid)
        return same_kind and bool(np.array_equal(self.cells.edges(self.count), other.cells.edges(self.count)))


class _Elsewhere(Exception):
    """A source begins or ends elsewhere than its packets say; nothing of it may be kept."""

    def __init__(self, extent: _Extent) -> None:
        super().__init__("the packets lie")
        self.extent = extent


def _require_same(stated: _Extent, found: _Extent | None) -> None:
    if found is None:
        raise MediaError("has no sound that decodes")
    if not found.same_as(stated):
        raise _Elsewhere(found)


def _extent_of(cells: Cells, count: int, sure: bool = True) -> _Extent:
    return _Extent(cells, count, cells.edge(0), cells.edge(count), sure)


def _told_extent(info: MediaInfo) -> _Extent | None:
    """What probing says of a source; None if only decoding tells."""
    picture, sound = info.picture(), info.sound()
    if picture is not None:
        if picture.cells is None or not picture.frames:
            return None
        return _extent_of(picture.cells, picture.frames, picture.packets_are_frames)
    if sound is None or sound.start is None or not sound.duration:
        return None
    return _Extent(None, 0, sound.start, sound.start + sound.duration, sure=False)


def _read_extent(path: Path, info: MediaInfo) -> _Extent:
    """Where a source begins and ends, found by decoding: headers may lie."""
    if info.video:
        cells, count = frame_cells(path, info=info)
        if count:
            return _extent_of(cells, count)
    span = _Span()
    read(path, [span])
    found = span.extent()
    if found is None:
        raise MediaError("has no sound that decodes")
    return found


class _Span:
    """A consumer that notes where the sound begins and ends."""

    form = AudioForm(None, None)

    def __init__(self) -> None:
        self._span: tuple[Fraction, Fraction] | None = None

    def push(self, block: AudioBlock) -> None:
        self._span = (block.start if self._span is None else self._span[0], block.end)

    def finish(self) -> None:
        pass

    def extent(self) -> _Extent | None:
        """From the first sample to the end of the last one's period; None if there is none."""
        if self._span is None or self._span[1] <= self._span[0]:
            return None
        return _Extent(None, 0, *self._span)
