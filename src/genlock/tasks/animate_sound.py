"""``genlock animate``: a face that moves with a voice, as a film or as a file of another program."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np

from genlock.animation.arkit import absent_shapes
from genlock.animation.audio2face import Audio2FaceMover
from genlock.animation.export import FORMS, MotionHead, motion_file
from genlock.animation.faces.base import DEFAULT as DEFAULT_FACE
from genlock.animation.faces.base import make_face
from genlock.animation.film import FILM_ENDINGS, FilmSound, film_writer
from genlock.animation.identity import Footage, load_footage
from genlock.animation.show import Show, ShowPlan
from genlock.animation.stills import StillSheet
from genlock.animation.voice import Mover, TalkerMover
from genlock.animation.warp import WarpedFace
from genlock.core.errors import OptionError
from genlock.core.grid import Cells, Grid, Ticks
from genlock.core.one_line import one_line
from genlock.core.optional import require_packages
from genlock.core.progress import Progress, silent
from genlock.core.spans import Span, Spans
from genlock.core.time import Exact, exact, exact_rate
from genlock.media import ReadOptions, frame_cells
from genlock.models.audio2face import load_audio2face
from genlock.models.talker.talker import TALKER_NAME, load_talker
from genlock.speech import Words, write_words
from genlock.speech.subtitles import cues_from_words
from genlock.tasks.animate_hearing import FileSound, Hearing, StandardInput
from genlock.tasks.find_words import WordOptions, find_words

__all__ = ["ANIMATE_ENDINGS", "AnimateOptions", "AnimateResult", "animate_sound"]

_AUDIO2FACE = "audio2face:"
#: Endings by which ``-o`` means one file.
ANIMATE_ENDINGS = tuple(
    dict.fromkeys([*FILM_ENDINGS, *(ending for form in FORMS.values() for ending in form)])
)
_FORM_OF_ENDING = {".json": "json", ".npz": "npz", ".csv": "csv", ".tsv": "visemes", ".dat": "visemes"}


@dataclass(frozen=True)
class AnimateOptions:
    """Options of ``genlock animate``."""

    identity: str = "neutral"
    """Whose face it is: a picture or a film of a person, or ``neutral``: a face that is drawn."""
    face: str = DEFAULT_FACE
    """Which face is drawn without an identity: toon, ink, robot, bust, or one that another package registers."""
    model: str = TALKER_NAME
    """Who moves the face: a talker by its name, its folder or file, or ``audio2face:FOLDER``, a copy of NVIDIA's
    Audio2Face-3D of your own."""
    speaker: str | None = None
    """In whose manner it speaks, of those that the model knows by name. None: nobody's."""
    format: Literal["film", "json", "npz", "csv", "arkit", "visemes"] | None = None
    """What is written: a film, or the motion for other programs. None: what the ending of -o says."""
    rate: Exact | None = None
    """Frames per second. None: those of the film that is the identity, else 25."""
    frames_of: str | None = None
    """A film whose frames, of whatever rate, the frames are to be; over and over where the sound is longer."""
    side: int = 512
    """Width and height of a drawn face in pixels, an even number in 64...4096."""
    gain: float = 1.0
    """How much more the face moves than the model says, 0...4."""
    hold: bool = False
    """Play the film of an identity once and hold its last frame; else it runs back and forth."""
    no_blinks: bool = False
    """Do not blink and look about."""
    no_head: bool = False
    """Do not move the head."""
    words: bool = False
    """Recognise the words, write them into the picture, and as .srt beside it."""
    transcript: str | None = None
    """With words: a text or subtitle file with what is said, instead of recognising it."""
    language: str = "en"
    """With words: the language, ISO 639-1."""
    sheet: str | None = None
    """Picture of still frames over the waveform to write, .png."""
    pipe_rate: int = 16000
    """Samples per second of bare samples on standard input (SOUND is ``-``); WAV says its own."""
    seed: int = 0
    """Of blinks, head and the character that is drawn; not below 0."""
    reading: ReadOptions = field(default_factory=ReadOptions)
    """Which sound, and which part of it."""

    def __post_init__(self) -> None:
        if not 0 <= self.gain <= 4 or self.seed < 0:
            raise OptionError(f"gain={self.gain} lies in 0...4, seed={self.seed} is not below 0")
        if self.rate is not None:
            rate = exact_rate(self.rate)
            if not 1 <= rate <= 240:
                raise OptionError(f"rate={self.rate}: a face is made of 1...240 frames a second")
            object.__setattr__(self, "rate", rate)
        if self.rate is not None and self.frames_of is not None:
            raise OptionError("--rate and --frames-of exclude each other: both say which frames there are")
        if self.transcript is not None and not self.words:
            raise OptionError("--transcript goes with --words")


@dataclass(frozen=True)
class AnimateResult:
    """What ``genlock animate`` made."""

    output: Path | None
    """The film or the file; None where lines were written to standard output."""
    model: str
    """Who moved the face."""
    face: str
    """Whose face it is."""
    seed: int
    """Of blinks and head."""
    seconds: float
    """Length of the sound."""
    rate: str
    """Frames per second, or ``variable``."""
    lookahead_seconds: float | None
    """Sound that the model needs after an instant; None: all of it."""
    measures: dict[str, Any]
    """What can be told of the motion and of the sound."""
    absent_shapes: tuple[str, ...] = ()
    """ARKit's shapes that nothing is known of, where shapes were written."""
    written: tuple[Path, ...] = ()
    """All files that were written."""
    notes: tuple[str, ...] = ()
    """What to beware of."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``output``, ``model``, ``face``, ``seed``, ``seconds``, ``rate``, ``lookahead_seconds``, ``measures``,
        ``absent_shapes[]``, ``written[]``, ``notes[]``."""
        return {
            **vars(self),
            "output": None if self.output is None else str(self.output),
            "absent_shapes": list(self.absent_shapes),
            "written": [str(path) for path in self.written],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        about = f"{self.measures['frames']} frames ({self.rate} a second) for {self.seconds:.2f} s of sound"
        lines = [f"{self.face} by {self.model}: {about}"]
        lines += [f"absent of ARKit's shapes: {', '.join(self.absent_shapes)}"] if self.absent_shapes else []
        return "\n".join(
            [*lines, *(f"wrote {p}" for p in self.written), *(f"note: {note}" for note in self.notes)]
        )


def animate_sound(
    file: str | os.PathLike[str],
    options: AnimateOptions | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
    lines: Callable[[str], None] | None = None,
) -> AnimateResult:
    """Make a face talk.

    Parameters
    ----------
    file : a sound, a film with sound, or ``-``: WAV or bare samples on standard input, as they come
    output : a file whose ending says what it is, or a folder for ``STEM.mp4``; None: ``STEM.animated.mp4`` beside the
        sound. With ``lines`` it may be None: nothing is then written
    lines : is told each frame as a line of JSON, as soon as it is known

    Raises
    ------
    NoStream, MediaError
        If there is no sound, or a file cannot be read.
    InputError
        If the identity has no face that could talk, or the sound is too short.
    MissingModel, MissingDependency
        If the model is not here, or what draws a film.
    OutputError
        If the result cannot be written; nothing is left half-written.
    """
    how = options or AnimateOptions()
    named = os.fspath(file)
    source = StandardInput(how.pipe_rate) if named == "-" else FileSound(named, how.reading)
    form, target = _target(named, how, output, lines is not None)
    draws = form == "film" or how.sheet is not None
    if draws:
        require_packages("numba", "cv2", what="a film of a face")
    mover = _mover(how)
    footage = None if how.identity == "neutral" else load_footage(how.identity)
    cells, order = _cells(how, footage, source)
    words = _words(named, how) if how.words else None
    notes: list[str] = [*source.notes, *(footage.notes if footage is not None else ())]
    if how.words and form != "film":
        notes.append("words are written into films; beside a file of motion they are in the .srt alone")
    plan = ShowPlan(
        mover,
        cells,
        _drawer(how, footage) if draws else None,
        order,
        how.gain,
        how.seed,
        not how.no_blinks,
        not how.no_head,
        None if words is None else _cues(words, source.start),
        live=lines is not None,
    )
    sheet = None if how.sheet is None else StillSheet()
    hearing = Hearing()
    with ExitStack() as stack:
        film, files = None, []
        if target is not None and form == "film":
            assert plan.face is not None
            kept = FilmSound.of(target, source.rate, source.channels)
            film = stack.enter_context(film_writer(target, plan.face.size, cells, kept, _stated(cells)))
            source.also(kept, film.sound)
        elif target is not None:
            head = MotionHead(mover, cells, named, how.seed)
            files = [stack.enter_context(motion_file(target, form, head))]
        show = Show(plan, film, files, lines, sheet)
        end = source.play(hearing, show.hear, progress)
        show.finish(end)
    written = [] if target is None else [target]
    written += _beside(how, target, words, sheet, named)
    shaped = form in ("arkit", "json", "csv") and mover.basis is not None and bool(mover.basis.names)
    return AnimateResult(
        output=target,
        model=mover.name,
        face=how.face if footage is None else how.identity,
        seed=how.seed,
        seconds=float(end),
        rate=str(cells.rate) if isinstance(cells, Grid) else "variable",
        lookahead_seconds=None if mover.lookahead_seconds is None else float(mover.lookahead_seconds),
        measures={**show.figures.to_dict(), **hearing.to_dict()},
        absent_shapes=absent_shapes(mover.basis) if shaped else (),
        written=tuple(written),
        notes=(*notes, *hearing.notes()),
    )


# ---------------------------------------------------------------- what is to be made


def _target(
    named: str, how: AnimateOptions, output: str | os.PathLike[str] | None, told: bool
) -> tuple[str, Path | None]:
    """The form, and the file that is to be written."""
    if output is None and (told or named == "-"):
        if not told:
            raise OptionError("name a file with -o: the sound comes from standard input and has no name")
        return how.format or "lines", None
    stem = "standard-input" if named == "-" else Path(named.split("?")[0]).stem
    if output is not None and Path(output).suffix.lower() in ANIMATE_ENDINGS and not Path(output).is_dir():
        target = Path(output)
        form = how.format or _FORM_OF_ENDING.get(target.suffix.lower(), "film")
    else:
        form = how.format or "film"
        ending = next(iter(FILM_ENDINGS)) if form == "film" else FORMS[form][0]
        if output is None:
            target = Path(named).with_name(f"{stem}.animated{ending}")
        elif Path(output).suffix in ("", ".genlock") or Path(output).is_dir():
            target = Path(output) / f"{stem}{ending}"
        else:
            raise OptionError(
                f"-o {os.fspath(output)!r}: the ending {Path(output).suffix!r} is unknown; use "
                f"{', '.join(ANIMATE_ENDINGS)}, or a folder"
            )
    allowed = tuple(FILM_ENDINGS) if form == "film" else FORMS[form]
    if target.suffix.lower() not in allowed:
        raise OptionError(f"-o {str(target)!r}: {form} is written as {', '.join(allowed)}")
    if named != "-" and target.exists() and Path(named).exists() and target.samefile(named):
        raise OptionError(f"-o {str(target)!r} is the sound itself; choose another name")
    return form, target


def _mover(how: AnimateOptions) -> Mover:
    if how.model.startswith(_AUDIO2FACE):
        if how.speaker is not None:
            raise OptionError("Audio2Face knows no speakers by name; leave out --speaker")
        return Audio2FaceMover(load_audio2face(how.model.removeprefix(_AUDIO2FACE)), load_talker().basis)
    return TalkerMover(load_talker(how.model), how.model, how.speaker)


def _drawer(how: AnimateOptions, footage: Footage | None) -> Any:
    return make_face(how.face, how.side, how.seed) if footage is None else WarpedFace(footage)


def _cells(
    how: AnimateOptions, footage: Footage | None, source: FileSound | StandardInput
) -> tuple[Cells, Any]:
    """The frames, from 0 on, and which frame of the footage lies under each."""
    order = None
    if how.frames_of is not None:
        cells = _from_zero(*frame_cells(how.frames_of), source)
    elif how.rate is not None or footage is None or footage.cells is None:
        cells = Grid(how.rate if how.rate is not None else 25)
    else:
        return footage.back_and_forth(
            source.seconds("the frames of a film are laid out beforehand"), how.hold
        )
    if footage is not None and footage.cells is not None:
        order = _resampled(footage, cells, source, how.hold)
    return cells, order


def _resampled(footage: Footage, cells: Cells, source: FileSound | StandardInput, hold: bool) -> Any:
    """Of the footage that runs back and forth, what is on show at the middle of each frame."""
    seconds = source.seconds("the frames of a film are laid out beforehand")
    own, order = footage.back_and_forth(seconds, hold)
    count = cells.index(seconds, "ceil") + 1 if cells.length is None else cells.length
    middles = cells.centers(count)
    edges = own.edges(len(order))
    return order[np.clip(np.searchsorted(edges, middles, "right") - 1, 0, len(order) - 1)]


def _from_zero(cells: Cells, count: int, source: FileSound | StandardInput) -> Cells:
    """The frames of a film from 0 on, over and over until the sound is over."""
    if isinstance(cells, Grid):
        return Grid(cells.rate)
    seconds = source.seconds("frames of a variable rate are laid out beforehand")
    steps = np.diff(cells.stamps(count))
    rounds = int(seconds / (int(steps.sum()) * cells.tick)) + 1
    lengths = np.tile(steps, rounds)
    edges = np.concatenate([[0], np.cumsum(lengths)])
    last = int(np.searchsorted(edges, float(seconds / cells.tick), "left"))
    return Ticks(edges[: max(last, 1)], cells.tick, int(lengths[max(last, 1) - 1]))


def _stated(cells: Cells) -> Fraction:
    if isinstance(cells, Grid):
        return cells.rate
    lengths = np.diff(cells.stamps(len(cells)))
    return 1 / (int(np.median(lengths)) * cells.tick)


# ---------------------------------------------------------------- words and what lies beside


def _words(named: str, how: AnimateOptions) -> Words:
    if named == "-":
        raise OptionError(
            "--words needs the whole sound before the first frame; give a file, not standard input"
        )
    options = WordOptions(transcript=how.transcript, language=how.language, reading=how.reading)
    return find_words(named, options).words


def _cues(words: Words, start: Fraction) -> Spans:
    """Subtitles on the film's clock, which begins with the first sample."""
    cues, items, done = cues_from_words(words), [], Fraction(0)
    for cue in cues:
        low, high = max(exact(cue.start) - start, done), exact(cue.end) - start
        if high > low:
            items.append(Span(low, high, cue.text))
            done = high
    return Spans(items, name="subtitles")


def _beside(
    how: AnimateOptions, target: Path | None, words: Words | None, sheet: StillSheet | None, named: str
) -> list[Path]:
    made = []
    if words is not None and target is not None:
        path = target.with_suffix(".srt")
        write_words(words.shifted(-FileSound(named, how.reading).start), path)
        made.append(path)
    if sheet is not None and how.sheet is not None:
        sheet.save(how.sheet)
        made.append(Path(how.sheet))
    return made
