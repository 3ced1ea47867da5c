"""The functions that ``import genlock`` offers: the tasks, with keyword options instead of option objects."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import Any, TypeVar

from genlock.core.errors import OptionError
from genlock.core.plugins import did_you_mean
from genlock.core.track import Track
from genlock.media import MediaInfo, ReadOptions
from genlock.media import probe as probe_media
from genlock.speech import Words
from genlock.tasks.align_video import Alignment, AlignOptions, align_video
from genlock.tasks.animate_sound import AnimateOptions, AnimateResult, animate_sound
from genlock.tasks.extract_features import DEFAULT_FEATURES, FeatureOptions, read_features
from genlock.tasks.find_words import WordOptions, find_words
from genlock.tasks.sound_video import SoundOptions, SoundResult, sound_video
from genlock.tasks.sync_video import SyncOptions, SyncResult, sync_video

__all__ = ["align", "animate", "features", "probe", "sound", "sync", "words"]

Source = str | os.PathLike[str]
Options = TypeVar("Options")
_READING = frozenset(ReadOptions.__dataclass_fields__)


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


def features(
    file: Source,
    names: str = DEFAULT_FEATURES,
    *,
    layer: int | str | None = None,
    chunk_seconds: float | None = None,
    **reading: Any,
) -> dict[str, Track]:
    """Features of the sound and the faces of a file, each on its own exact grid.

    Parameters
    ----------
    file : path or URL
    names : separated by commas, each ``name[:preset][@rate][/size]``, such as ``"mel:whisper,mouth/48,ssl:MODEL#9"``
    layer, chunk_seconds : of every ``ssl`` that names none: a number or ``"conv"``; length of chunks, None: one
    reading : ``start``, ``end`` (seconds), ``audio_stream``, ``video_stream``

    Returns
    -------
    dict of Track
        By name; float32 [T, ...]. Features of faces are called ``NAME.face0`` and so on, one for each face, on the
        video's own cells from its first frame to its last; none if no face was seen. What needs a stream that the
        file has not is left out.

    Raises
    ------
    MediaError, OptionError, MissingModel
        If the file cannot be read, a name is unknown, or a learnt feature has no model.

    Examples
    --------
    >>> from genlock.testing import example_video
    >>> mel = features(example_video(), "mel:kaldi")["mel:kaldi"]
    >>> mel.grid.rate, mel.values.shape[1]
    (Fraction(100, 1), 80)
    """
    options = FeatureOptions(
        feature=names,
        layer=None if layer is None else str(layer),
        chunk_seconds=chunk_seconds,
        reading=ReadOptions(**reading),
    )
    return read_features(file, options).tracks


def words(file: Source, transcript: Source | None = None, **options: Any) -> Words:
    """Words with their times on the media clock: recognised, or those of a transcript.

    Parameters
    ----------
    file : path or URL
    transcript : a text, SRT or VTT file whose words are spoken; None recognises them
    options : ``language``, ``recognizer``, ``aligner``, and what :func:`features` takes for reading

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
    return find_words(file, _options(WordOptions, "words", options, transcript=_text(transcript))).words


def sync(file: Source, fix: Source | None = None, **options: Any) -> SyncResult:
    """How early or late the sound is against the picture, what the standards say, and a repaired copy.

    Parameters
    ----------
    file : path or URL of a video
    fix : file to write a repaired copy to, if it turns out better; None only measures
    options : ``plot`` (an .svg or .png to write), ``least_probability``, and what :func:`features` takes for reading

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
    named = {name: _text(value) if name == "plot" else value for name, value in options.items()}
    return sync_video(file, _options(SyncOptions, "sync", named, fix=_text(fix)))


def align(
    file: Source, transcript: Source | None = None, output: Source | None = None, **options: Any
) -> Alignment:
    """The main job: features, words and frames of a video, on its one clock.

    Parameters
    ----------
    file : path or URL
    transcript : a text, SRT or VTT file whose words are spoken; None recognises them
    output : folder to write ``summary.json``, tracks, word files and ``report.html`` to; None writes nothing
    options : ``feature`` (names separated by commas), ``language``, ``recognizer``, ``aligner``, ``how``, and what
        :func:`features` takes for reading

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
    chosen = _options(AlignOptions, "align", options, transcript=_text(transcript))
    return align_video(file, chosen, output, write=output is not None)


def animate(file: Source, output: Source, **options: Any) -> AnimateResult:
    """A face that moves with a voice: a film of it, or its motion for other programs.

    Parameters
    ----------
    file : a sound, or a film with sound
    output : a film (.mp4, .mov, .mkv), a file of motion (.json, .npz, .csv, .tsv, .dat), or a folder
    options : the fields of :class:`genlock.tasks.AnimateOptions`, and what :func:`features` takes for reading

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
    return animate_sound(file, _options(AnimateOptions, "animate", options), output)


def sound(file: Source, output: Source, **options: Any) -> SoundResult:
    """Sound for a silent film, in step with what strikes in its picture.

    Parameters
    ----------
    file : a film
    output : a film, whose picture is copied, or a .wav
    options : the fields of :class:`genlock.tasks.SoundOptions`: ``library`` (a folder of one-shots) or ``retime`` (a
        sound that was made elsewhere) or ``model``; ``keep_sound``, ``takes``, ``events``, ``plot``, ...

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
    return sound_video(file, _options(SoundOptions, "sound", options), output)


def _text(path: Source | None) -> str | None:
    return None if path is None else os.fspath(path)


def _options(kind: type[Options], what: str, given: dict[str, Any], **own: Any) -> Options:
    """The options of a task out of keywords, those of reading gathered into one ReadOptions.

    Raises OptionError for a name that is none, with the nearest.
    """
    names = {field.name for field in fields(kind)} - {"reading"}  # type: ignore[arg-type]
    known = sorted(names | _READING)
    for name in given:
        if name not in known:
            near = did_you_mean(name, known) or f"; there are: {', '.join(known)}"
            raise OptionError(f"genlock.{what} has no option {name!r}{near}")
    reading = {name: value for name, value in given.items() if name in _READING}
    rest = {name: value for name, value in given.items() if name not in _READING}
    return kind(**{**own, **rest, "reading": ReadOptions(**reading)})
