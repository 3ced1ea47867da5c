"""``genlock align``, the main job: probe, features on the video's frames, words, and a report."""

from __future__ import annotations

import json
import os
import shlex
import threading
import webbrowser
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from html import escape
from pathlib import Path
from subprocess import list2cmdline
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from genlock import __version__, speech
from genlock.core.draw import lanes_svg
from genlock.core.errors import FormatError, MediaError, NoStream, OptionError, OutputError
from genlock.core.files import atomic_folder
from genlock.core.grid import Cells, Grid
from genlock.core.json_forms import read_json_file, write_json
from genlock.core.plugins import did_you_mean
from genlock.core.progress import Progress, silent
from genlock.core.time import fraction_text
from genlock.core.track import Track
from genlock.extractors import Feature
from genlock.extractors.face.watching import FaceWatch
from genlock.lipsync.repair import needs_repair, repaired_name
from genlock.media import AudioBlock, AudioForm, Consumer, MediaInfo, probe
from genlock.media.opening import is_url
from genlock.media.preview import PreviewWriter, preview_ending
from genlock.pipeline import SPEECH_RATE, Clip, ClipRequest, SpooledSound, read_clip
from genlock.report import (
    Envelope,
    FaceRows,
    OutputFile,
    Preview,
    PreviewOptions,
    ReportContent,
    SeenFaces,
    make_preview,
    write_report,
)
from genlock.speech import Words
from genlock.speech.mouths import SpooledMouths
from genlock.speech.subtitles import Cue, Transcript, cues_from_words, find_rules
from genlock.tasks.extract_features import (
    DEFAULT_FEATURES,
    SavedTrack,
    make_extractors,
    on_frames,
    save_tracks,
)
from genlock.tasks.files import result_folder
from genlock.tasks.find_words import (
    WordOptions,
    language_line,
    load_transcript,
    model_options,
    mouth_spool,
    repaired_of,
    spoken_span,
    transcript_notes,
    write_all_forms,
)
from genlock.tasks.on_frames import SnapToPicture
from genlock.tasks.sync_video import SyncProbe, SyncResult, not_measured
from genlock.tasks.who_speaks import WhoSpeaks
from genlock.tasks.word_files import are_done

__all__ = ["AlignOptions", "Alignment", "align_video", "alignment_is_done"]

_MARKER = "summary.json"
# A larger film is not copied into its results, but made small for the report; 200 MB are a quarter of an hour of 1080p.
_COPIED_BYTES = 200_000_000
# Its picture is left out beyond this.
_LONGEST_PICTURE_SECONDS = 3 * 3600.0
# With any feature of faces comes this one: the report shows it as a lane.
_OPENING = "mouth:aperture"
_LANES = 6  # tracks that a notebook shows below the words


@dataclass(frozen=True)
class AlignOptions(WordOptions):
    """Options of ``genlock align``: those of ``genlock words``, and the features."""

    feature: str = DEFAULT_FEATURES
    """Features of sound, picture and faces to put on the video's frames, separated by commas, as ``genlock features``
    takes them (on their own grid without a picture). With any of faces comes ``mouth:aperture``, a lane of the
    report."""
    how: Literal["mean", "sample", "nearest"] = "mean"
    """How values pass to the frames: ``mean`` of what a frame spans, ``sample`` at its middle, or ``nearest``."""
    sync: bool = True
    """Measure the offset of sound against picture; it takes looking at every frame."""


@dataclass(frozen=True)
class Alignment:
    """Everything that ``genlock align`` found about one video, on its media clock."""

    media: MediaInfo
    """What the file is."""
    frames: Cells | None
    """The cells of the video frames; None without a picture."""
    frame_count: int
    """How many video frames there are."""
    words: Words
    """The words with their times; empty without sound."""
    tracks: dict[str, Track]
    """Each feature by name, on its own grid."""
    sync: SyncResult
    """The offset of sound against picture, or why it is unknown."""
    notes: tuple[str, ...]
    """What could not be done, or had to be repaired, in words."""
    directory: Path | None = None
    """The folder of results, if one was written."""

    def __repr__(self) -> str:
        lasts = "" if self.media.duration is None else f"{float(self.media.duration):.1f} s, "
        placed = sum(word.start is not None for word in self.words)
        words = f"{placed} word{'' if placed == 1 else 's'}"
        told = f"{len(self.tracks)} tracks, {self.sync.short}"
        return f"Alignment({Path(self.media.path).name[-60:]}: {lasts}{words}, {told})"

    def _repr_html_(self) -> str:
        """For notebooks: what the file is, words and tracks on one axis of time, sound against picture, the words."""
        head = escape(repr(self).removeprefix("Alignment(").removesuffix(")"))
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        tracks = [
            (f"{name}, dB" if track.unit == "power" else name, track) for name, track in self.tracks.items()
        ]
        lanes = lanes_svg([("words", self.words.spans), *tracks[:_LANES]])
        return (
            f"<p><b>{head}</b></p>{lanes}{self.sync._repr_html_()}{self.words._repr_html_()}<ul>{notes}</ul>"
        )

    def open_report(self) -> Path:
        """Open the report in a browser; its path.

        Raises OptionError if no folder was written: give ``output`` to :func:`genlock.align`.
        """
        if self.directory is None:
            raise OptionError(
                "there is no report: say where to write one, genlock.align(file, output=FOLDER)"
            )
        page = (self.directory / "report.html").resolve()
        webbrowser.open(page.as_uri())
        return page

    def track(self, name: str) -> Track:
        """One feature on its own grid; ``.on(frames)`` puts it on the video's frames.

        Raises OptionError if it was not extracted; the message names those that were.
        """
        if name not in self.tracks:
            raise OptionError(
                f"there is no track {name!r}; there are: {', '.join(self.tracks) or 'none'}"
                f"{did_you_mean(name, list(self.tracks))}"
            )
        return self.tracks[name]

    def to_dict(self) -> dict[str, Any]:
        """``directory``, ``media``, ``sync``, ``words``, ``notes[]``; the tracks are listed in ``summary.json``."""
        return {
            "directory": None if self.directory is None else str(self.directory),
            "media": self.media.to_dict(),
            "sync": self.sync.to_dict(),
            **self.words.to_dict(),
            "notes": list(self.notes),
        }

    def _by(self) -> str:
        """Names who found the words and their times, for people."""
        heard, placed = self.words.recognizer, self.words.aligner
        parts = [f"recognised by {heard}" if heard else "", f"aligned by {placed}" if placed else ""]
        return "".join(f", {part}" for part in parts if part)

    def __str__(self) -> str:
        aligned = sum(word.status == "aligned" for word in self.words)
        lines = [
            str(self.media),
            *([f"{self.frame_count} {_rate_words(self.frames)}"] if self.frames is not None else []),
            *language_line(self.words),
            _placed_words(aligned, len(self.words)) + self._by(),
            f"sound against picture: {self.sync.sentence.removeprefix('sound ')}",
            *([self.sync.basis] if self.sync.basis else []),
            *(f"note: {note}" for note in self.notes),
        ]
        if self.directory is not None:
            lines.append(f"open {self.directory / 'report.html'}")
        return "\n".join(lines)


def align_video(
    file: str | os.PathLike[str],
    options: AlignOptions | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
    *,
    write: bool = True,
) -> Alignment:
    """Probe a video, extract its features, find its words, and write the folder of results.

    Parameters
    ----------
    file : path or URL of a video or sound
    output : the folder; by default ``NAME.genlock`` beside the file
    write : False computes only

    Raises
    ------
    MediaError
        If the file cannot be read; NoStream if it has neither sound nor picture.
    OutputError
        If the folder cannot be written, or holds something else. Nothing is left half-written.
    """
    options = options or AlignOptions()
    features = make_extractors(options.feature)
    watch = None
    if any("faces" in feature.needs for feature in features):
        watch = FaceWatch()
        if all(feature.name != _OPENING for feature in features):
            features += make_extractors(_OPENING)
    given = load_transcript(options.transcript, options.encoding)
    rules = find_rules(options.profile)
    folder = result_folder(file, output)
    if write:
        _require_ours(folder, file)
    info = probe(file)
    if not info.audio and not info.video:
        raise NoStream(
            f"{os.fspath(file)!r} has neither sound nor picture, so there is nothing to align; "
            "a text or subtitles go with --transcript"
        )
    outline, in_turn = _Outline(), _InTurn(progress, info.duration)
    with ExitStack() as stack:
        fresh = stack.enter_context(atomic_folder(folder, marker=_MARKER)) if write else None
        spool = stack.enter_context(mouth_spool(options))
        if spool is not None:
            watch = watch or FaceWatch()
            watch.sinks = (*watch.sinks, spool)
        listener = stack.enter_context(_Listener(given, options, in_turn))
        looks = options.sync or options.diarize
        sync_probe = stack.enter_context(SyncProbe(watch=watch)) if looks else None
        faces = WhoSpeaks(info, sync_probe) if sync_probe is not None and options.diarize else None
        seen = SeenFaces()
        if sync_probe is not None and sync_probe.face_watch is not None:
            sync_probe.face_watch.sinks = (*sync_probe.face_watch.sinks, seen)
        preview, why = (None, "") if fresh is None else _preview_writer(stack, fresh, info, options)
        consumers: list[Consumer] = [outline] if write else []
        consumers += sync_probe.consumers if sync_probe is not None else ()
        consumers += preview.consumers if preview is not None else ()
        snap = SnapToPicture(options.snap, info)
        consumers += snap.consumers
        # Sync looks at every face anyway; without it somebody has to feed who looks for the recogniser.
        shared = watch if sync_probe is not None or spool is not None else None
        consumers += watch.consumers if watch is not None and spool is not None and sync_probe is None else ()
        request = ClipRequest(
            features,
            shared,
            speech=True,
            consumers=tuple(consumers),
            reading=options.reading,
            # Whoever reads lips has to wait for the last of them.
            on_speech=listener.listen if spool is None else None,
        )
        clip = stack.enter_context(read_clip(file, request, in_turn, info))
        if spool is not None and clip.speech is not None:
            listener.listen(clip.speech, spool.mouths(clip.frames))
        sync = sync_probe.result(info) if sync_probe is not None and options.sync else not_measured(info)
        words = listener.words(clip)
        words = words if faces is None else faces.said(words)
        found = repaired_of(given, words, options.karaoke)
        outlined = _faces_of(seen, sync_probe, sync)
        told = (*transcript_notes(given, found), *(() if faces is None else faces.notes))
        result = _alignment(clip, words, sync, told)
        if fresh is None:
            return result
        shown = cues_from_words(words, rules, options.karaoke) if found is None else found.cues
        shown = snap.moved(shown, clip.frames, clip.frame_count, rules)
        made: Preview | None = None
        if preview is not None:
            made, result = _made_preview(preview, file, fresh, result, options, in_turn)
        _write_folder(
            fresh,
            folder,
            file,
            clip,
            features,
            (outline, outlined),
            result,
            (made, why),
            shown,
            options,
            in_turn,
        )
    return replace(result, directory=folder)


def alignment_is_done(
    file: str | os.PathLike[str], options: AlignOptions, folder: str | os.PathLike[str]
) -> bool:
    """Whether a folder holds the results of a file with these options, no older than the file and its transcript.

    >>> alignment_is_done("no-such-film.mp4", AlignOptions(), "no-such-folder")
    False
    """
    marker, page, name = Path(folder) / _MARKER, Path(folder) / "report.html", os.fspath(file)
    if not (page.is_file() and os.path.isfile(name) and are_done(name, [marker], options.transcript)):
        return False
    try:
        found = read_json_file(marker)
    except FormatError:
        return False
    plain = json.loads(json.dumps(_plain_options(options), default=str))
    same = found.get("file") == Path(name).name and found.get("genlock") == __version__
    return same and found.get("options") == plain


def _placed_words(placed: int, count: int) -> str:
    if placed == count:
        return f"{count or 'no'} word{'' if count == 1 else 's'}" + (" with times" if count else "")
    return f"{count - placed} of {count} words without a time (see the report)"


class _InTurn:
    """Progress that several threads tell; the stages that do not know how long the sound is are told that too."""

    def __init__(self, progress: Progress, duration: Fraction | None) -> None:
        self._progress, self._lock = progress, threading.Lock()
        self._duration = None if duration is None else float(duration)

    def __call__(self, stage: str, done: float, total: float | None) -> None:
        if total is None and self._duration is not None:
            total = max(done, self._duration)
        with self._lock:
            self._progress(stage, done, total)


class _Listener:
    """Finds the words in a thread of its own, which begins as soon as there is sound, while the file is still read."""

    def __init__(self, given: Transcript | None, options: AlignOptions, progress: Progress) -> None:
        self._options, self._progress = options, progress
        self._text = None if given is None else given.text
        self._cues = None if given is None else given.cues
        self._model = model_options(options)
        self._pool = ThreadPoolExecutor(1, "genlock-words")
        self._words: Future[Words] | None = None

    def __enter__(self) -> _Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def listen(self, sound: SpooledSound, mouths: SpooledMouths | None = None) -> None:
        """Begin; told by the pass over the file."""
        self._words = self._pool.submit(
            speech.recognize_and_align,
            sound,
            transcript=self._text,
            cues=self._cues,
            language=self._options.language,
            recognizer=self._options.recognizer,
            aligner=self._options.aligner,
            model=self._model,
            mouths=mouths,
            least_matched=self._options.least_matched,
            progress=self._progress,
        )

    def words(self, clip: Clip) -> Words:
        """The words, once the pass has ended; raises what finding them raised."""
        if self._words is None:
            return Words.none(clip.info.clock, "the file has no sound", self._text)
        return self._words.result()


def _preview_writer(
    stack: ExitStack, fresh: Path, info: MediaInfo, options: AlignOptions
) -> tuple[PreviewWriter | None, str]:
    """What writes a playable copy; a file that cannot have one still gets its report, which says why."""
    target = fresh / f"preview{preview_ending(info, options.reading)}"
    try:
        return stack.enter_context(PreviewWriter(target, info, _preview_options(info), options.reading)), ""
    except MediaError as error:
        return None, str(error)


def _preview_options(info: MediaInfo) -> PreviewOptions:
    """A small film is copied as it is, a large one made small: its report would be as large as the film again."""
    if (info.size_bytes or 0) <= _COPIED_BYTES:
        return PreviewOptions()
    return PreviewOptions(copy=False, picture_up_to_seconds=_LONGEST_PICTURE_SECONDS)


def _made_preview(
    preview: PreviewWriter,
    file: str | os.PathLike[str],
    fresh: Path,
    result: Alignment,
    options: AlignOptions,
    progress: Progress,
) -> tuple[Preview, Alignment]:
    """The copy that the pass made, or another one where copying its streams did not keep every time."""
    made = preview.preview()
    if made is not None:
        return made, result
    note = (
        "copying the streams for the preview did not keep every time: the file was read again, to encode it"
    )
    made = make_preview(
        file,
        fresh / "preview.mp4",
        PreviewOptions(copy=False),
        reading=options.reading,
        info=result.media,
        progress=progress,
    )
    return made, replace(result, notes=(*result.notes, note))


def _alignment(clip: Clip, words: Words, sync: SyncResult, told: tuple[str, ...]) -> Alignment:
    missing = _missing(clip)
    more = (*told, *clip.notes, *words.notes, *sync.notes)
    return Alignment(
        media=clip.info,
        frames=clip.frames,
        frame_count=clip.frame_count,
        words=words,
        tracks=clip.tracks,
        sync=sync,
        # "the file has no sound" is not said again where it is said what follows from it.
        notes=(*missing, *(note for note in more if not any(each.startswith(note) for each in missing))),
        directory=None,
    )


def _missing(clip: Clip) -> tuple[str, ...]:
    notes = []
    if not clip.info.audio:
        notes.append("the file has no sound: no features, no words")
    if clip.frames is None:
        notes.append("the file has no picture: features stay on their own grids")
    return tuple(notes)


def _require_ours(folder: Path, file: str | os.PathLike[str]) -> None:
    """A result of another file (talk.mov beside talk.mp4) is not overwritten."""
    if not (folder / _MARKER).exists():
        return
    try:
        owner = read_json_file(folder / _MARKER).get("file")
    except FormatError:
        return  # damaged: it may be replaced
    name = Path(os.fspath(file)).name
    if owner not in (None, name):
        raise OutputError(f"the folder {str(folder)!r} holds the result of {owner!r}; choose another with -o")


# ---------------------------------------------------------------- the folder


def _write_folder(
    fresh: Path,
    folder: Path,
    file: str | os.PathLike[str],
    clip: Clip,
    features: tuple[Feature, ...],
    outlines: tuple[_Outline, FaceRows | None],
    result: Alignment,
    made: tuple[Preview | None, str],
    shown: tuple[Cue, ...],
    options: AlignOptions,
    progress: Progress,
) -> None:
    """Fill ``fresh``, which will be called ``folder``."""
    tracks = result.tracks
    if clip.frames is not None:
        tracks = on_frames(tracks, features, clip.frames, clip.frame_count, options.how)
    saved = save_tracks(tracks, fresh / "tracks", folder / "tracks")
    span, told = spoken_span(clip), result.words.to_dict()
    word_files = write_all_forms(result.words, shown, fresh, "words", span)
    (preview, why), (outline, faces) = made, outlines
    content = ReportContent(
        title=Path(os.fspath(file)).name,
        media=result.media.to_dict(),
        sync=result.sync.to_dict(),
        measurement=result.sync.measurement,
        repair_command=_repair_command(file) if needs_repair(result.sync.measurement) else "",
        move_command=_repair_command(file, "--by"),
        words=told["words"],
        words_about={name: value for name, value in told.items() if name != "words"},
        cues=[{"text": c.text, "start": float(c.start), "end": float(c.end)} for c in shown],
        spoken_seconds=None if span is None else (float(span[0]), float(span[1])),
        frame_edges=None if clip.frames is None else clip.frames.edges(clip.frame_count),
        waveform=outline.track,
        spectrogram=_in_decibels(result.tracks),
        curves=_curves(result.tracks, faces, clip),
        faces=faces,
        notes=result.notes,
        preview=preview,
        preview_reason=why,
        versions={
            "genlock": __version__,
            "recognizer": result.words.recognizer,
            "aligner": result.words.aligner,
        },
        options=_plain_options(options),
        files=[
            *_track_files(saved),
            *_word_files(word_files),
            OutputFile(_MARKER, "all facts, for programs"),
        ],
    )
    progress("report", 0, 1)
    written = write_report(fresh / "report.html", content)
    if preview is not None and written.preview is None:
        preview.path.unlink()  # it lies inside the page
    write_json(fresh / _MARKER, _summary(file, result, saved, options))
    progress("report", 1, 1)


def _faces_of(seen: SeenFaces, sync_probe: SyncProbe | None, sync: SyncResult) -> FaceRows | None:
    if sync_probe is None or sync_probe.face_watch is None:
        return None
    return seen.rows(
        sync_probe.face_watch.size, [face.face for face in sync.measurement.faces if face.speaks]
    )


def _curves(tracks: dict[str, Track], faces: FaceRows | None, clip: Clip) -> list[Track]:
    """The features that are one number at a time, and how far the mouth is open where nobody asked for it."""
    curves = [track for track in tracks.values() if track.values.ndim == 1]
    if faces is None or clip.frames is None or any(track.name.startswith(_OPENING) for track in curves):
        return curves
    opening = faces.opening(clip.frames, clip.frame_count)
    return curves if opening is None else [*curves, opening]


def _repair_command(file: str | os.PathLike[str], *more: str) -> str:
    """What to type for a copy whose sound is in step."""
    name = os.fspath(file)
    near = name.split("?")[0].rsplit("/", 1)[-1] if is_url(name) else name
    words = ["genlock", "sync", name, "--fix", repaired_name(near), *more]
    return list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _summary(
    file: str | os.PathLike[str], result: Alignment, saved: tuple[SavedTrack, ...], options: AlignOptions
) -> dict[str, Any]:
    words = result.words.to_dict()
    return {
        "genlock": __version__,
        "file": Path(os.fspath(file)).name,
        "media": result.media.to_dict(),
        "sync": result.sync.to_dict(),
        "words": words["words"],
        "recognizer": words["recognizer"],
        "aligner": words["aligner"],
        "language": words["language"],
        "frames": None
        if result.frames is None
        else {"length": result.frame_count, **_rate_of(result.frames)},
        "tracks": [{**track.to_dict(), "path": f"tracks/{track.path.name}"} for track in saved],
        "notes": list(result.notes),
        "options": _plain_options(options),
    }


def _rate_words(frames: Cells) -> str:
    rate = f"at {fraction_text(frames.rate)} per second" if isinstance(frames, Grid) else "of uneven length"
    return f"frames {rate}, the first at {fraction_text(frames.edge(0))} s"


def _rate_of(frames: Cells) -> dict[str, Any]:
    rate = fraction_text(frames.rate) if isinstance(frames, Grid) else None
    return {"rate": rate, "start": fraction_text(frames.edge(0)), "variable_rate": rate is None}


def _plain_options(options: AlignOptions) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, Fraction) else value for name, value in asdict(options).items()
    }


def _in_decibels(tracks: dict[str, Track]) -> Track | None:
    """The first feature with bands, on a logarithmic scale, for the spectrogram lane."""
    track = next((t for name, t in tracks.items() if name.startswith("mel") and t.values.ndim == 2), None)
    if track is None or track.unit != "power":
        return track
    return track.map(_decibels_for_the_eye, unit="dB")


def _decibels_for_the_eye(power: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    """Piece by piece, to 0.06 dB: hours of bands would need three copies of themselves otherwise."""
    shown = np.empty(power.shape, np.float16)
    for first in range(0, len(power), 65_536):
        piece = power[first : first + 65_536]
        shown[first : first + 65_536] = 10 * np.log10(np.maximum(piece, 1e-10))
    return shown


def _track_files(saved: tuple[SavedTrack, ...]) -> list[OutputFile]:
    return [
        OutputFile(
            f"tracks/{item.path.name}", f"{item.track.name}, {list(item.track.values.shape)}: one row a cell"
        )
        for item in saved
    ]


def _word_files(paths: tuple[Path, ...]) -> list[OutputFile]:
    what = {
        ".json": "words with times, for programs",
        ".srt": "subtitles",
        ".vtt": "subtitles for the web",
        ".TextGrid": "words for Praat",
        ".ctm": "words, as NIST scoring reads them",
    }
    return [OutputFile(path.name, what[path.suffix]) for path in paths]


class _Outline:
    """The outline of the waveform, for the report, out of the same pass."""

    form = AudioForm(rate=SPEECH_RATE, channels=1)

    def __init__(self) -> None:
        self.track: Track | None = None
        self._envelope: Envelope | None = None

    def push(self, block: AudioBlock) -> None:
        if self._envelope is None:
            self._envelope = Envelope(block.rate, block.start, block.clock)
        self._envelope.push(block.samples[:, 0])

    def finish(self) -> None:
        if self._envelope is not None:
            self.track = self._envelope.finish()
