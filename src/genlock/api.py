"""The functions that ``import genlock`` offers: the tasks, with keyword options instead of option objects."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from genlock.core.errors import InputError
from genlock.core.progress import Progress
from genlock.core.time import Exact
from genlock.core.track import Track
from genlock.data.options import ExportOptions, PrepareOptions
from genlock.media import MediaInfo, ReadOptions
from genlock.media import probe as probe_media
from genlock.speech import Words
from genlock.tasks.align_video import Alignment, AlignOptions, align_video
from genlock.tasks.animate_sound import AnimateOptions, AnimateResult, animate_sound
from genlock.tasks.extract_features import DEFAULT_FEATURES, FeatureOptions, read_features
from genlock.tasks.find_words import WordOptions, find_words
from genlock.tasks.keyword_options import options_of, takes
from genlock.tasks.keywords import (
    AlignKeywords,
    AnimateKeywords,
    ExportKeywords,
    PrepareKeywords,
    ReadingKeywords,
    SoundKeywords,
    SyncKeywords,
    WordKeywords,
)
from genlock.tasks.notebook_bar import watched
from genlock.tasks.prepare_dataset import export_dataset, prepare_dataset
from genlock.tasks.result import Result
from genlock.tasks.sound_video import SoundOptions, SoundResult, sound_video
from genlock.tasks.sync_video import SyncOptions, SyncResult, sync_video

if TYPE_CHECKING:
    from genlock.data.prepare_report import Prepared
    from genlock.data.reading import ClipSet

__all__ = [
    "align",
    "animate",
    "export",
    "features",
    "open_dataset",
    "prepare",
    "probe",
    "sound",
    "sync",
    "words",
]

Source = str | os.PathLike[str]


def probe(file: Source) -> MediaInfo:
    """What is in a file: every stream's exact rate, start and duration, timecode, rotation, encoder delay.

    Parameters
    ----------
    file : path or URL

    Returns
    -------
    MediaInfo
        Rates in cells per second and starts in seconds, as exact Fractions on the media clock.

    Raises
    ------
    MediaError
        If the file cannot be read.

    Examples
    --------
    >>> from genlock.testing import example_video
    >>> info = probe(example_video())
    >>> info.video[0].rate, info.video[0].start
    (Fraction(25, 1), Fraction(0, 1))
    """
    return probe_media(file)


@takes(ReadOptions)
def features(
    file: Source,
    names: str | Sequence[str] = DEFAULT_FEATURES,
    *,
    on: Exact = "native",
    how: Literal["mean", "sample", "nearest"] = "mean",
    layer: int | str | None = None,
    chunk_seconds: float | None = None,
    progress: Progress | None = None,
    **reading: Unpack[ReadingKeywords],
) -> dict[str, Track]:
    """Features of the sound and the faces of a file, each on its own exact grid.

    Parameters
    ----------
    file : path or URL
    names : separated by commas or a list, each ``name[:preset][@rate][/size]``: ``"mel:whisper,mouth/48,ssl:MODEL#9"``
    on : cells that the values lie on: the feature's own (``"native"``), the video's (``"frames"``), or so many a second
    how : how values of sound pass to other cells: their ``"mean"``, a ``"sample"`` in the middle, or the ``"nearest"``
    layer, chunk_seconds : of every ``ssl`` that names none: a number or ``"conv"``; length of chunks, None: one
    progress : is told how far the work is; None: a bar in a notebook, else nobody
    reading : ``start``, ``end`` (seconds), ``audio_stream``, ``video_stream`` and more: :class:`ReadingKeywords
        <genlock.tasks.keywords.ReadingKeywords>`

    Returns
    -------
    dict of Track
        By name; float32 [T, ...]. Features of faces are called ``NAME.face0`` and so on, one for each face, on the
        video's own cells from its first frame to its last; none if no face was seen. What needs a stream that the
        file has not is left out.

    Raises
    ------
    MediaError, NoStream, OptionError, MissingModel
        If the file cannot be read, has no frames to put values on, a name is unknown, or a learnt feature has no model.

    Examples
    --------
    >>> from genlock.testing import example_video
    >>> mel = features(example_video(), "mel:kaldi")["mel:kaldi"]
    >>> mel.grid.rate, mel.values.shape[1]
    (Fraction(100, 1), 80)
    >>> features(example_video(), "mel", on="frames")["mel"].values.shape
    (50, 128)
    """
    own: dict[str, Any] = {
        "feature": names if isinstance(names, str) else ",".join(names),
        "layer": None if layer is None else str(layer),
        "chunk_seconds": chunk_seconds,
        "on": str(on),
        "how": how,
    }
    options = options_of(
        FeatureOptions, "features", reading, named=("names", *list(own)[1:]), without=("sheet",), **own
    )
    with watched(progress) as told:
        return read_features(file, options, progress=told).tracks


@takes(WordOptions)
def words(
    file: Source,
    transcript: Source | None = None,
    *,
    progress: Progress | None = None,
    **options: Unpack[WordKeywords],
) -> Words:
    """Words with their times on the media clock: recognised, or those of a transcript.

    Parameters
    ----------
    file : path or URL
    transcript : a text, SRT or VTT file whose words are spoken; None recognises them
    progress : is told how far the work is; None: a bar in a notebook, else nobody
    options : ``language``, ``recognizer``, ``aligner``, ``diarize`` and more: :class:`WordKeywords
        <genlock.tasks.keywords.WordKeywords>`

    Returns
    -------
    Words
        Every word with ``start`` and ``end`` (exact seconds), or with a status that says why not.

    Raises
    ------
    NoStream, TranscriptError, MediaError
        If there is no sound, or a file cannot be read.

    Examples
    --------
    >>> from genlock.testing import example_video
    >>> found = words(example_video())
    >>> len(found)
    0
    """
    chosen = options_of(WordOptions, "words", options, transcript=_text(transcript))
    with watched(progress) as told:
        return find_words(file, chosen, progress=told).words


@takes(SyncOptions)
def sync(
    file: Source,
    fix: Source | None = None,
    *,
    progress: Progress | None = None,
    **options: Unpack[SyncKeywords],
) -> SyncResult:
    """How early or late the sound is against the picture, what the standards say, and a repaired copy.

    Parameters
    ----------
    file : path or URL of a video
    fix : file to write a repaired copy to, if it turns out better; None only measures
    progress : is told how far the work is; None: a bar in a notebook, else nobody
    options : ``plot`` (an .svg or .png to write), ``least_probability``, ``thorough`` and more: :class:`SyncKeywords
        <genlock.tasks.keywords.SyncKeywords>`

    Returns
    -------
    SyncResult
        ``offset_seconds`` (positive: sound early) or None with a ``reason``, ``interval_seconds`` (90 %),
        ``probability`` (that the error is at most 40 ms), ``verdicts``, ``sentence``, ``repair``.

    Raises
    ------
    MediaError, OutputError
        If the file cannot be read, or a file cannot be written.

    Examples
    --------
    >>> from genlock.testing import example_video
    >>> found = sync(example_video())
    >>> found.offset_seconds is None, found.sentence.startswith("unknown: ")
    (True, True)
    """
    chosen = options_of(SyncOptions, "sync", options, fix=_text(fix))
    with watched(progress) as told:
        return sync_video(file, chosen, told)


@takes(AlignOptions)
def align(
    file: Source,
    transcript: Source | None = None,
    output: Source | None = None,
    *,
    progress: Progress | None = None,
    **options: Unpack[AlignKeywords],
) -> Alignment:
    """The main job: features, words and frames of a video, on its one clock.

    Parameters
    ----------
    file : path or URL
    transcript : a text, SRT or VTT file whose words are spoken; None recognises them
    output : folder to write ``summary.json``, tracks, word files and ``report.html`` to; None writes nothing
    progress : is told how far the work is; None: a bar in a notebook, else nobody
    options : ``feature`` (names separated by commas), ``language``, ``sync``, ``how`` and more: :class:`AlignKeywords
        <genlock.tasks.keywords.AlignKeywords>`

    Returns
    -------
    Alignment
        ``.words``, ``.frames`` (Grid or Ticks), ``.track(name)`` on its own grid; ``.track(name).on(clip.frames)``
        has one row for each video frame.

    Raises
    ------
    MediaError, TranscriptError, OutputError
        If a file cannot be read, or the folder cannot be written.

    Examples
    --------
    >>> from genlock.testing import example_video
    >>> clip = align(example_video(), feature="mel")
    >>> clip.track("mel").on(clip.frames, length=clip.frame_count).values.shape
    (50, 128)
    """
    chosen = options_of(AlignOptions, "align", options, transcript=_text(transcript))
    with watched(progress) as told:
        return align_video(file, chosen, output, told, write=output is not None)


@takes(AnimateOptions)
def animate(
    file: Source, output: Source, *, progress: Progress | None = None, **options: Unpack[AnimateKeywords]
) -> AnimateResult:
    """A face that moves with a voice: a film of it, or its motion for other programs.

    Parameters
    ----------
    file : a sound, or a film with sound
    output : a film (.mp4, .mov, .mkv), a file of motion (.json, .npz, .csv, .tsv, .dat), or a folder
    progress : is told how far the work is; None: a bar in a notebook, else nobody
    options : ``identity``, ``face``, ``words``, ``rate`` and more: :class:`AnimateKeywords
        <genlock.tasks.keywords.AnimateKeywords>`

    Returns
    -------
    AnimateResult
        ``output``, ``model``, ``measures``, ``notes`` and whatever else was written.

    Raises
    ------
    MediaError, InputError, MissingModel, OutputError
        If there is no sound, the identity has no face that could talk, a model is not here, or nothing can be written.

    Examples
    --------
    >>> import tempfile
    >>> from genlock.testing import example_video
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = animate(example_video(), f"{folder}/mouth.tsv")
    >>> made.rate, made.notes[0].split(":")[0]
    ('25', '0 % of the sound is speech')
    """
    chosen = options_of(AnimateOptions, "animate", options)
    with watched(progress) as told:
        return animate_sound(file, chosen, output, told)


@takes(SoundOptions)
def sound(
    file: Source, output: Source, *, progress: Progress | None = None, **options: Unpack[SoundKeywords]
) -> SoundResult:
    """Sound for a silent film, in step with what strikes in its picture.

    Parameters
    ----------
    file : a film
    output : a film, whose picture is copied, or a .wav
    progress : is told how far the work is; None: a bar in a notebook, else nobody
    options : ``library`` (a folder of one-shots) or ``retime`` (a sound that was made elsewhere) or ``model``;
        ``keep_sound``, ``takes``, ``events``, ``plot`` and more: :class:`SoundKeywords
        <genlock.tasks.keywords.SoundKeywords>`

    Returns
    -------
    SoundResult
        ``output``, ``events`` (with exact instants), ``measures`` of onsets against events, ``notes``.

    Raises
    ------
    MediaError, InputError, MissingModel, OutputError
        If the film cannot be read or has one frame, a library or a sound does not fit, a model is not here, or nothing
        can be written.

    Examples
    --------
    >>> import tempfile
    >>> from genlock.testing import example_video
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = sound(example_video(), f"{folder}/sound.wav", finder="motion", model="modal")
    >>> len(made.events), made.model
    (0, 'modal')
    """
    chosen = options_of(SoundOptions, "sound", options)
    with watched(progress) as told:
        return sound_video(file, chosen, output, told)


@takes(PrepareOptions)
def prepare(
    source: Source, dataset: Source, *, progress: Progress | None = None, **options: Unpack[PrepareKeywords]
) -> Prepared:
    """From a folder of videos to training data: clips, features on exact grids, an index. A stopped run goes on.

    Parameters
    ----------
    source : folder of the corpus
    dataset : folder of the dataset, new or made by an earlier run
    progress : is told how far the work is; None: a bar in a notebook, else nobody
    options : ``outputs`` (names separated by commas), ``clip_seconds``, ``recipe``, ``workers`` and more:
        :class:`PrepareKeywords <genlock.tasks.keywords.PrepareKeywords>`

    Returns
    -------
    Prepared
        How many clips there are, what is in quarantine and why.

    Raises
    ------
    InputError, OptionError, OutputError, MissingDependency
        If the source holds nothing that can be used, options contradict what the dataset has, it cannot be written, or
        pyarrow is not installed.

    Examples
    --------
    >>> import os, shutil, tempfile
    >>> from genlock.testing import example_video
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     os.mkdir(f"{folder}/films")
    ...     _ = shutil.copy(example_video(), f"{folder}/films")
    ...     made = prepare(f"{folder}/films", f"{folder}/set", outputs="mel", clip_seconds=1, workers=1)
    ...     clips = open_dataset(f"{folder}/set")
    ...     made.clips, len(clips), clips[0].tracks["mel"].values.shape
    (2, 2, (44, 128))
    """
    with watched(progress) as told:
        return prepare_dataset(source, dataset, options_of(PrepareOptions, "prepare", options), told)


@takes(ExportOptions)
def export(
    dataset: Source, target: Source, *, progress: Progress | None = None, **options: Unpack[ExportKeywords]
) -> Result:
    """A prepared dataset in the form of another tool.

    Parameters
    ----------
    dataset : folder that :func:`prepare` made
    target : folder of the export
    progress : is told how far the work is; None: a bar in a notebook, else nobody
    options : ``to`` (webdataset, huggingface, lhotse, avhubert, regnet), ``kinds`` and more: :class:`ExportKeywords
        <genlock.tasks.keywords.ExportKeywords>`

    Returns
    -------
    Result
        What was written; it prints itself.

    Raises
    ------
    InputError, OptionError, OutputError, MissingDependency
        If it is no dataset, the form is unknown, the target cannot be written, or pyarrow is not installed.

    Examples
    --------
    >>> export("ds", "shards", to="webdataset")  # doctest: +SKIP
    """
    with watched(progress) as told:
        return export_dataset(dataset, target, options_of(ExportOptions, "export", options), told)


def open_dataset(
    dataset: Source | Sequence[Source],
    kinds: Sequence[str] | None = None,
    split: Literal["train", "valid", "test"] | None = None,
    *,
    tails: bool = True,
    check: bool = True,
) -> ClipSet:
    """The clips of a dataset that :func:`prepare` made, or of its tar shards, in order of their names.

    Parameters
    ----------
    dataset : a folder, or several
    kinds : outputs to load, as the folders are called; None: all that the first folder lists
    split : None: all clips
    tails : whether what is left at the end of a source is taken too
    check : whether the bytes of each output are checked against the index when it is read

    Returns
    -------
    ClipSet
        A sequence of clips, each with ``tracks`` (on exact grids), ``transcript``, ``words``, ``speaker``.
        ``torch.utils.data.DataLoader`` takes it as it is.

    Raises
    ------
    FormatError, InputError, MissingDependency
        If there is no index, an output is not there, no clip is left, or pyarrow is not installed.

    Examples
    --------
    >>> clips = open_dataset("ds", ["mouth_96", "mel"], "train")  # doctest: +SKIP
    """
    # pyarrow is an optional package: only who reads datasets waits for it.
    from genlock.data.reading import ClipSet, kinds_of

    folders = [Path(dataset)] if isinstance(dataset, (str, os.PathLike)) else [Path(one) for one in dataset]
    if not folders:
        raise InputError("no dataset was named: give a folder that genlock prepare made")
    return ClipSet(folders, kinds_of(folders[0]) if kinds is None else kinds, split, check=check, tails=tails)


def _text(path: Source | None) -> str | None:
    return None if path is None else os.fspath(path)
