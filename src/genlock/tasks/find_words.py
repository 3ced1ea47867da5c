"""``genlock words``: words with times, recognised or from a transcript."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from genlock import speech
from genlock.core.errors import NoStream, OptionError, TranscriptError
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.core.time import round_fraction
from genlock.extractors.face.watching import FaceWatch
from genlock.media import Consumer, ReadOptions, probe
from genlock.media.sound_source import SilentSound, SoundSource
from genlock.pipeline import SPEECH_RATE, Clip, ClipRequest, read_clip
from genlock.speech import Cue, Words, write_words
from genlock.speech.ctc.options import CtcModelOptions
from genlock.speech.mouths import MouthSpool
from genlock.speech.subtitles import (
    FORMS,
    Repaired,
    SubtitleRules,
    Transcript,
    cues_from_words,
    find_rules,
    open_transcript,
    repaired,
)
from genlock.speech.subtitles.rules import PLAIN
from genlock.speech.whisper.models import is_whisper
from genlock.speech.whisper.options import ComputeType, Device, Task, WhisperOptions
from genlock.tasks.files import result_folder
from genlock.tasks.on_frames import Snap, SnapToPicture
from genlock.tasks.who_speaks import WhoSpeaks

__all__ = [
    "WORD_FORMS",
    "WordOptions",
    "WordResult",
    "find_words",
    "language_line",
    "load_transcript",
    "model_options",
    "mouth_spool",
    "repaired_of",
    "spoken_span",
    "transcript_notes",
    "write_all_forms",
]

#: The word files that ``genlock align`` and ``genlock words -o FOLDER`` write.
WORD_FORMS = (".json", ".srt", ".vtt", ".TextGrid", ".ctm")

#: Forms that hold nothing but what has a time.
_OF_CUES = frozenset({".srt", ".vtt", ".ass", ".ttml"})


@dataclass(frozen=True)
class WordOptions:
    """Options of ``genlock words``."""

    transcript: str | None = None
    """The words that are spoken: a text, subtitles or annotations (SRT, VTT, ASS, TTML, LRC, TextGrid, ELAN, ...), or
    ``-`` for standard input. None: recognise them."""
    encoding: str | None = None
    """Encoding of the transcript, such as windows-1251. None: Unicode where it is that, else the likeliest."""
    profile: str = "plain"
    """Rules that subtitles made of words keep to: plain, netflix-en or bbc. Given subtitles stay as they are."""
    language: str = "auto"
    """Language of the speech, ISO 639-1. ``auto``: told by the transcript, or heard by a Whisper model of many
    languages, and said in the result; English where nothing tells."""
    recognizer: str = "auto"
    """What recognises speech: ``whisper``, ``pocketsphinx``, ``hf-ctc`` (with a model), or ``auto``, the best
    one present. ``avsr:FOLDER`` hears and reads lips, by the folder of ``genlock train avsr``."""
    aligner: str = "auto"
    """What puts words on the clock: ``pocketsphinx``, ``ctc`` (with a model, or the language's own),
    ``ctc:FOLDER-OR-NAME``, ``avsr:FOLDER``, or ``auto``, the best one present; what ``avsr:FOLDER`` recognises it
    aligns itself."""
    model: str | None = None
    """What recognises: a Whisper model by name (``tiny`` ... ``large-v3``, ``turbo``, ``distil-large-v3``, ``small.en``
    ...), folder or hub name; or a CTC checkpoint (wav2vec 2.0, HuBERT, WavLM), which aligns as well. Names are looked
    up in the hub's cache on this machine; ``genlock models fetch NAME`` puts them there."""
    task: Task = "transcribe"
    """With Whisper: ``translate`` writes English words, whatever is spoken."""
    beam_size: int = 5
    """With Whisper: hypotheses that its search keeps."""
    initial_prompt: str | None = None
    """With Whisper: a text that is taken to come before what is said (names, spelling, style)."""
    hotwords: str | None = None
    """With Whisper: words that are likely to be said."""
    vad: bool = True
    """With Whisper: a detector of voices decides what is heard at all."""
    device: Device = "auto"
    """With Whisper: where it is computed; ``auto``: on a GPU if there is one."""
    compute_type: ComputeType = "auto"
    """With Whisper: what its weights are computed in; ``auto``: int8 on the CPU, float16 on a GPU."""
    beam: int = 0
    """With a CTC checkpoint: prefixes that the beam search keeps; 0 takes the likeliest symbol of each frame."""
    language_model: str | None = None
    """With a beam: a KenLM n-gram file (.arpa or .bin)."""
    resume: str | None = None
    """With a CTC checkpoint: a file to keep its emissions in, so that an interrupted run goes on where it was."""
    karaoke: bool = False
    """Subtitles have the time of each word inside: ``<00:00:01.000>`` in WebVTT, ``\\k`` in ASS."""
    least_matched: float = 0.5
    """With a transcript: the share of its words, 0...1, that must be heard. Below it the text is not what is said:
    words that are not heard get no times, and the exit status is 3. 0 takes the text as it is, without listening."""
    snap: Snap = "none"
    """Move the borders of subtitles to those of ``frames``, or those within half a second of a change of shot to that
    (``shots``), as the profile has it. It takes a picture."""
    diarize: bool = False
    """Say who speaks, by whose mouth moves with the sound: each word has a ``speaker``, ``face0`` and so on, as the
    faces of ``genlock sync`` are numbered; none where nobody who is seen says it. It takes a picture."""
    reading: ReadOptions = field(default_factory=ReadOptions)
    """Which streams, and which part of them."""


@dataclass(frozen=True)
class WordResult:
    """What ``genlock words`` found."""

    words: Words
    """The words, on the media clock."""
    written: tuple[Path, ...] = ()
    """The files that were written."""
    notes: tuple[str, ...] = ()
    """What the reader had to repair or leave out."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``words[]``, ``recognizer``, ``aligner``, ``language``, ``written[]``, ``notes[]``."""
        return {
            **self.words.to_dict(),
            "written": [str(path) for path in self.written],
            "notes": [*self.words.notes, *self.notes],
        }

    def __str__(self) -> str:
        # What a text has to do with the sound comes before all else.
        head, *rest = str(self.words).split("\n", 1)
        differs = self.words.check is not None and self.words.check.differs
        told = [*language_line(self.words)]
        shown = [head, *told, *rest] if differs else [*told, head, *rest]
        lines = [*shown, *(f"wrote {path}" for path in self.written)]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def find_words(
    file: str | os.PathLike[str],
    options: WordOptions | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
    *,
    files: Sequence[Path] = (),
) -> WordResult:
    """Find the words of a file and their times; write them where ``output`` says.

    Parameters
    ----------
    files : files to write instead, each in the form of its ending
    output : a file whose ending says the form (.srt .vtt .TextGrid .ctm .json .eaf .otio), or a folder for all of them

    Raises
    ------
    NoStream
        If the file has no sound, or has no picture that says who speaks.
    TranscriptError
        If the transcript cannot be read.
    """
    options = options or WordOptions()
    given = load_transcript(options.transcript, options.encoding)
    rules = find_rules(options.profile)
    if output is not None:
        _check_form(Path(output))
    info = probe(file)
    with ExitStack() as stack:
        spool = stack.enter_context(mouth_spool(options))
        watchers: tuple[Consumer, ...] = () if spool is None else FaceWatch([spool]).consumers
        faces = stack.enter_context(WhoSpeaks(info)) if options.diarize else None
        watchers += () if faces is None else faces.consumers
        snap = SnapToPicture(options.snap, info)
        watchers += snap.consumers
        with_frames = spool is not None or snap.wanted
        request = ClipRequest(speech=True, consumers=watchers, frames=with_frames, reading=options.reading)
        clip = stack.enter_context(read_clip(file, request, progress, info))
        words = speech.recognize_and_align(
            _sound_of(clip, file, lips=spool is not None),
            transcript=None if given is None else given.text,
            cues=None if given is None else given.cues,
            language=options.language,
            recognizer=options.recognizer,
            aligner=options.aligner,
            model=model_options(options),
            mouths=None if spool is None else spool.mouths(clip.frames),
            least_matched=options.least_matched,
            progress=progress,
        )
        if faces is not None:
            words = faces.said(words)
    found = repaired_of(given, words, options.karaoke)
    written: tuple[Path, ...] = ()
    empty: list[Path] = []
    if output is not None or files:
        stem, film = result_folder(file, None).stem, Path(file).name
        shown = cues_from_words(words, rules, options.karaoke) if found is None else found.cues
        shown = snap.moved(shown, clip.frames, clip.frame_count, rules)
        targets = [Path(output)] if output is not None and not files else list(files)
        # Subtitles of words without times are none: an empty file would say that nobody speaks.
        empty = [
            target for target in targets if target.suffix.lower() in _OF_CUES and len(words) and not shown
        ]
        targets = [target for target in targets if target not in empty]
        span = spoken_span(clip)
        rate = clip.info.video[0].rate if clip.info.video else None
        written = tuple(
            path
            for target in targets
            for path in _write(words, shown, target, stem, film, span, rules, snap.wanted, rate)
        )
    notes = (*transcript_notes(given, found), *(() if faces is None else faces.notes), *clip.notes)
    notes += tuple(f"{target} is not written: no word has a time" for target in empty)
    return WordResult(words, written, notes)


def _sound_of(clip: Clip, file: str | os.PathLike[str], lips: bool) -> SoundSource:
    """The sound of a film; silence as long as its picture where it has none and somebody reads ``lips``.

    Raises NoStream if there is no sound, and no lips are read.
    """
    if clip.speech is not None:
        return clip.speech
    if not lips or clip.frames is None or not clip.frame_count:
        raise NoStream(
            f"{os.fspath(file)!r} has no sound, so it has no words; a text or subtitles go with --transcript"
        )
    start, end = clip.frames.edge(0), clip.frames.edge(clip.frame_count)
    return SilentSound(start, round_fraction((end - start) * SPEECH_RATE, "floor"), clip.frames.clock)


@contextmanager
def mouth_spool(options: WordOptions) -> Iterator[MouthSpool | None]:
    """Keeps the mouths of the film for the recogniser or the aligner; gives None if both only hear."""
    with_ctc = options.model is not None and not is_whisper(options.model)
    wanted = speech.mouths_of(options.recognizer, options.language, with_ctc, options.aligner)
    if wanted is None:
        yield None
        return
    with closing(MouthSpool(wanted)) as spool:
        yield spool


def model_options(options: WordOptions) -> CtcModelOptions | WhisperOptions | None:
    """The CTC checkpoint, or the Whisper and how it listens, that the options name; None: whatever suits.

    Raises OptionError if options of one are given to the other.
    """
    whisper = WhisperOptions(
        options.model,
        options.task,
        options.beam_size,
        options.initial_prompt,
        options.hotwords,
        options.vad,
        options.device,
        options.compute_type,
    )
    plain = whisper == WhisperOptions(options.model)
    of_ctc = bool(options.beam) or options.language_model is not None or options.resume is not None
    if options.model is None or is_whisper(options.model):
        if of_ctc:
            raise OptionError(
                "--beam, --language-model and --resume go with a CTC checkpoint; name it with --model "
                "(Whisper has --beam-size)"
            )
        return None if options.model is None and plain else whisper
    if not plain:
        raise OptionError(
            f"--task, --beam-size, --initial-prompt, --hotwords, --no-vad, --device and --compute-type are Whisper's; "
            f"the model {options.model!r} is a CTC checkpoint"
        )
    return CtcModelOptions(
        options.model, beam=options.beam, language_model=options.language_model, keep=options.resume
    )


def load_transcript(source: str | None, encoding: str | None = None) -> Transcript | None:
    """The transcript that options name; ``-`` reads standard input; None: none is named.

    Raises
    ------
    OptionError
        If an encoding is named without a transcript, or there is none of that name.
    TranscriptError
        If it is no text, or cannot be read.
    """
    if source is None:
        if encoding is not None:
            raise OptionError("--encoding says how a transcript is encoded; name one with --transcript")
        return None
    if source == "-":
        return open_transcript(sys.stdin.buffer.read(), "standard input", encoding)
    try:
        data = Path(source).read_bytes()
    except OSError as error:
        raise TranscriptError(
            f"cannot read the transcript {source!r}: {error.strerror}; give a text or subtitle file"
        ) from error
    return open_transcript(data, source, encoding)


def repaired_of(given: Transcript | None, words: Words, karaoke: bool = False) -> Repaired | None:
    """The subtitles that were the transcript, with the times of their words; None: it was none or had none."""
    return None if given is None or given.cues is None else repaired(given.cues, words, karaoke)


def language_line(words: Words) -> tuple[str, ...]:
    """What was found out about the language, for people; empty if it was told, or taken for English.

    >>> language_line(Words((), language="de", language_probability=0.975))
    ('language: de (found, probability 0.97)',)
    """
    sure = words.language_probability
    return () if sure is None else (f"language: {words.language} (found, probability {sure:.2f})",)


def transcript_notes(given: Transcript | None, found: Repaired | None) -> tuple[str, ...]:
    """What had to be guessed of a transcript, and which of its subtitles were left out."""
    lost = () if found is None or found.note is None else (found.note,)
    return (*(() if given is None else given.notes), *lost)


def spoken_span(clip: Clip) -> tuple[Fraction, Fraction] | None:
    """From where to where the sound lasts whose words were found; None: there is none."""
    if clip.speech is None:
        return None
    return clip.speech.origin, clip.speech.origin + Fraction(clip.speech.count, clip.speech.rate)


def write_all_forms(
    words: Words,
    shown: Sequence[Cue] | None,
    folder: Path,
    stem: str,
    span: tuple[Fraction, Fraction] | None = None,
    rules: SubtitleRules = PLAIN,
    on_frames: bool = False,
) -> tuple[Path, ...]:
    """Write the words in every form into a folder, as ``STEM.srt`` and so on; no ``shown``: subtitles of the words."""
    if shown is None:
        shown = cues_from_words(words, rules)
    paths = tuple(folder / f"{stem}{ending}" for ending in WORD_FORMS)
    for path in paths:
        write_words(words, path, shown=shown, span=span, rules=rules, on_frames=on_frames)
    return paths


def _is_one_file(output: Path) -> bool:
    return not output.is_dir() and output.suffix.lower() in (ending.lower() for ending in FORMS)


def _check_form(output: Path) -> None:
    if not (output.is_dir() or _is_one_file(output) or output.suffix in ("", ".genlock")):
        raise OptionError(
            f"-o {str(output)!r}: the ending {output.suffix!r} is unknown; use {', '.join(FORMS)}, or a folder"
        )


def _write(
    words: Words,
    shown: Sequence[Cue] | None,
    output: Path,
    stem: str,
    film: str,
    span: tuple[Fraction, Fraction] | None,
    rules: SubtitleRules,
    on_frames: bool,
    rate: Fraction | None,
) -> tuple[Path, ...]:
    if _is_one_file(output):
        write_words(
            words, output, shown=shown, film=film, span=span, rules=rules, on_frames=on_frames, rate=rate
        )
        return (output,)
    return write_all_forms(words, shown, output, stem, span, rules, on_frames)
