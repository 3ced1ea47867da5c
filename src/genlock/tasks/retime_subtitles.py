"""``genlock words FILM --retime SUBTITLES``: subtitles of another cut, moved to where they belong in this film."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from genlock import speech
from genlock.core.errors import NoStream, OptionError
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.core.time import fraction_text
from genlock.media import probe
from genlock.media.sound_source import SoundSource
from genlock.pipeline import ClipRequest, read_clip
from genlock.speech import Cue, Words, write_words
from genlock.speech.activity import speech_spans
from genlock.speech.alike import phones_of
from genlock.speech.heard import Heard
from genlock.speech.subtitles import find_rules
from genlock.speech.subtitles.retimed import Retimed, Spoken, retimed
from genlock.speech.text import tokenize
from genlock.speech.text_check import compare_text
from genlock.tasks.files import result_folder
from genlock.tasks.find_words import WordOptions, load_transcript, model_options
from genlock.tasks.on_frames import SnapToPicture

__all__ = ["RetimeBy", "RetimeResult", "retime_subtitles"]

#: What tells where subtitles belong.
RetimeBy = Literal["speech", "words"]
#: Forms that subtitles are written in.
ENDINGS = (".srt", ".vtt", ".ass", ".ttml", ".tsv", ".txt")


@dataclass(frozen=True)
class RetimeResult:
    """What ``genlock words --retime`` found."""

    found: Retimed
    """The subtitles with their new times."""
    written: tuple[Path, ...] = ()
    """The file that was written."""
    notes: tuple[str, ...] = ()
    """What the reader had to repair or leave out."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``speed``, ``moved[]``, ``left_out[]``, ``cues``, ``written[]``, ``notes[]``."""
        moved = [
            {
                "first": part.first,
                "count": part.count,
                "shift_seconds": float(part.shift),
                "shift": fraction_text(part.shift),
                "within_seconds": float(part.within),
                "fits": round(part.fits, 3),
            }
            for part in self.found.moved
        ]
        return {
            "speed": fraction_text(self.found.speed),
            "moved": moved,
            "left_out": [
                {"text": cue.plain, "start_seconds": float(cue.start)} for cue in self.found.left_out
            ],
            "cues": len(self.found.cues),
            "written": [str(path) for path in self.written],
            "notes": [*self.found.notes, *self.notes],
        }

    def __str__(self) -> str:
        lines = [*self.found.notes, *(f"wrote {path}" for path in self.written)]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def retime_subtitles(
    file: str | os.PathLike[str],
    subtitles: str,
    options: WordOptions | None = None,
    by: RetimeBy = "speech",
    output: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> RetimeResult:
    """Move subtitles to where they belong in a film; write them where ``output`` says.

    Texts, line breaks, styles and positions stay. The film's language may be another one than the subtitles'.

    Parameters
    ----------
    subtitles : a file of subtitles in whatever form, or ``-`` for standard input
    by : ``speech``: when somebody speaks; ``words``: also the words that subtitles and film have in common
    output : a file whose ending says the form, or a folder, in which they are NAME.srt

    Raises
    ------
    NoStream
        If the film has no sound.
    TranscriptError
        If there are no subtitles, or they cannot be read.
    OptionError
        If there is too little to compare, or a transcript is named as well.
    """
    options = options or WordOptions()
    if options.transcript is not None:
        raise OptionError(
            "--retime moves subtitles without looking at each word, --transcript puts each word on the clock; name one"
        )
    given = load_transcript(subtitles, options.encoding)
    if given is None or given.cues is None:
        raise OptionError(f"--retime {subtitles!r}: it has no times; name subtitles (SRT, VTT, ASS, ...)")
    target = None if output is None else _target(file, Path(output))
    with ExitStack() as stack:
        info = probe(file)
        snap = SnapToPicture(options.snap, info)
        request = ClipRequest(
            speech=True, consumers=snap.consumers, frames=snap.wanted, reading=options.reading
        )
        clip = stack.enter_context(read_clip(file, request, progress, info))
        if clip.speech is None:
            raise NoStream(f"{os.fspath(file)!r} has no sound, so nothing tells when somebody speaks")
        start = clip.speech.origin
        end = start + Fraction(clip.speech.count, clip.speech.rate)
        words = _common_words(clip.speech, given.cues, options, progress) if by == "words" else ()
        film = Spoken(start, end, tuple(speech_spans(clip.speech, progress)), words)
    found = retimed(given.cues, film)
    written: tuple[Path, ...] = ()
    if target is not None:
        shown = snap.moved(found.cues, clip.frames, clip.frame_count, find_rules(options.profile))
        write_words(Words(language=options.language), target, shown=shown, on_frames=snap.wanted)
        written = (target,)
    return RetimeResult(found, written, (*given.notes, *clip.notes))


def _target(file: str | os.PathLike[str], output: Path) -> Path:
    """The file to write."""
    if output.suffix.lower() in ENDINGS and not output.is_dir():
        return output
    if output.is_dir() or output.suffix in ("", ".genlock"):
        return output / f"{result_folder(file, None).stem}.srt"
    raise OptionError(f"-o {str(output)!r}: subtitles are written as {', '.join(ENDINGS)}, or into a folder")


def _common_words(
    sound: SoundSource, cues: Sequence[Cue], options: WordOptions, progress: Progress
) -> tuple[tuple[Fraction, Fraction], ...]:
    """Words that subtitles and sound have in common: when each should be said, and when it is."""
    words = speech.recognize_and_align(
        sound,
        language=options.language,
        recognizer=options.recognizer,
        aligner=options.aligner,
        model=model_options(options),
        progress=progress,
    )
    heard = [Heard(w.text, w.start, w.end, 1.0) for w in words if w.start is not None and w.end is not None]
    tokens = [token for cue in cues for token in tokenize(cue.plain, words.language)]
    should = [
        cue.start + (cue.end - cue.start) * Fraction(place, count)
        for cue in cues
        for count in [len(cue.plain.split())]
        for place in range(count)
    ]
    found = compare_text(tokens, heard, phones_of(words.language), words.language)
    return tuple((should[x], heard[y].start) for x, y in sorted(found.beside.items()) if found.kept[x])
