"""``genlock sound``: sound for a silent film, placed on what strikes in its picture."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from genlock.core.errors import OptionError
from genlock.core.files import atomic_path
from genlock.core.one_line import one_line
from genlock.core.optional import require_packages
from genlock.core.progress import Progress, silent
from genlock.core.time import Exact, exact
from genlock.drawing.sheet import plot_ending
from genlock.foley.event_files import EVENT_ENDINGS, write_events
from genlock.foley.events import Events
from genlock.foley.finding import EventOptions, find_events
from genlock.foley.given import GivenEvents, read_events
from genlock.foley.library import LibrarySounder
from genlock.foley.one_shots import open_library
from genlock.foley.sounding import Sounder
from genlock.media import MediaInfo, ReadOptions, probe
from genlock.media.add_sound import write_with_sound
from genlock.media.retime import check_retime_target
from genlock.models.foley.sampling import Sampling
from genlock.report.attention_plot import write_attention_plot
from genlock.report.sound_plot import MotionCurve, write_sound_plot
from genlock.tasks.sound_models import Attends, make_sounder
from genlock.tasks.sound_retime import retimed_take
from genlock.tasks.sound_takes import Made, best_take, mixed_under

__all__ = ["SOUND_ENDINGS", "SoundOptions", "SoundResult", "require_one_film", "sound_video"]

#: Endings by which ``-o`` means one file.
SOUND_ENDINGS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".ts", ".wav")


@dataclass(frozen=True)
class SoundOptions:
    """Options of ``genlock sound``."""

    library: str | None = None
    """Folder of one-shots of your own, which are placed on what strikes in the picture. Sub-folders are materials."""
    retime: str | None = None
    """A sound that was made elsewhere, to be moved onto what strikes in the picture."""
    model: str = "auto"
    """Who makes sound without a library: a model, ``modal`` (struck bodies, nothing learnt), or ``auto``: the shipped
    model if it is here, else ``modal``."""
    class_name: Annotated[str, tyro.conf.arg(aliases=["--class"])] = ""
    """Kind of sound, of a model that has learnt classes (``genlock train writer --classes``). Empty: whatever fits."""
    sampling: Sampling = field(default_factory=Sampling)
    """How codes are drawn, of a model that writes them one after the other."""
    prime: str | None = None
    """A sound that stands at the beginning of the film, and that such a model goes on with."""
    finder: str = "auto"
    """Who finds what strikes: ``contacts`` (has learnt from motion alone), ``learned`` (the same, and materials by what
    the picture shows there), ``motion`` (nothing learnt), or ``auto``: the first of ``learned``, ``contacts`` and
    ``motion`` whose models are here."""
    finder_model: str | None = None
    """Model of the finder (``genlock train contacts`` or ``touches``): a name or a file. None: its own."""
    materials_model: str | None = None
    """Model that ``learned`` reads materials with (``genlock train materials``): a name or a file. None: its own."""
    least_probability: float | None = None
    """Events that are less likely are left out, 0...1. None: what the finder advises."""
    frame_instant: Exact = Fraction(1, 6)
    """Where in the time over which a frame is shown its picture was taken, 0...1."""
    material: str | None = None
    """Material of events of which it is not known, or which the library does not have: one of its classes."""
    same_as: tuple[str, ...] = ()
    """Materials and the class of the library that stands for each, such as stone=tiles."""
    retime_by: Literal["cut", "stretch"] = "cut"
    """How a sound is moved: cut between its onsets, or stretched between its attacks."""
    takes: int = 1
    """How many takes are made, each with its own seed, 1...32; the one whose onsets fit the picture best is kept."""
    seed: int = 0
    """Of what is drawn at random, not below 0."""
    keep_sound: bool = False
    """Mix under the sound that is there, instead of replacing it."""
    gain_db: float | None = None
    """Level of the new sound, -60...24 dB. None: 0, and -6 under a sound that is kept."""
    width: float = 0.7
    """Width of the stereo picture, 0 (all in the middle) ... 1."""
    sound_rate: int = 48000
    """Samples per second of what is made, 8000...192000."""
    wav: str | None = None
    """File to write the new sound to, alone, .wav."""
    events: tuple[str, ...] = ()
    """Files to write the events to: .csv (a table), .otio (markers for editing programs)."""
    events_from: str | None = None
    """Table of events to sound, .csv as --events writes it, perhaps corrected by hand. None: they are looked for."""
    plot: str | None = None
    """Picture to write, .svg or .png: the sound's spectrogram and onsets over the motion and the events."""
    attention: str | None = None
    """Picture to write, .svg or .png: what a model that writes listened to of what it had written, in the
    first 20 s."""
    reading: ReadOptions = field(default_factory=ReadOptions)
    """Which picture, and which sound is kept or replaced."""

    def __post_init__(self) -> None:
        if self.library is not None and self.retime is not None:
            raise OptionError(
                "--library and --retime exclude each other: both say where the sound comes from"
            )
        if self.library is not None or self.retime is not None:
            self._refuse_what_is_for_models()
        if not 1 <= self.takes <= 32 or self.seed < 0:
            raise OptionError(f"takes={self.takes} lies in 1...32, seed={self.seed} is not below 0")
        if self.takes > 1 and self.retime is not None:
            raise OptionError("--takes makes several sounds, --retime moves one: leave one of them out")
        if self.gain_db is not None and not -60 <= self.gain_db <= 24:
            raise OptionError(f"gain_db={self.gain_db} lies in -60...24")
        if not 0 <= self.width <= 1:
            raise OptionError(f"width={self.width} lies in 0...1")
        if not 8000 <= self.sound_rate <= 192000:
            raise OptionError(f"sound_rate={self.sound_rate} lies in 8000...192000")
        if self.reading.cut != (None, None):
            raise OptionError("a film gets its sound whole: leave out --start and --end")
        for pair in self.same_as:
            if pair.count("=") != 1 or not all(pair.split("=")):
                raise OptionError(f"--same-as {pair!r}: give MATERIAL=CLASS, such as stone=tiles")
        for name in self.events:
            if Path(name).suffix.lower() not in EVENT_ENDINGS:
                raise OptionError(f"--events {name!r}: events are written as {' or '.join(EVENT_ENDINGS)}")
        if self.events_from is not None and Path(self.events_from).suffix.lower() != ".csv":
            raise OptionError(f"--events-from {self.events_from!r} is to end in .csv")
        if self.wav is not None and Path(self.wav).suffix.lower() != ".wav":
            raise OptionError(f"--wav {self.wav!r} is to end in .wav")
        for picture in (self.plot, self.attention):
            if picture is not None:
                plot_ending(picture)
        object.__setattr__(self, "frame_instant", exact(self.frame_instant))
        self.finding()  # refuses what lies out of range

    def _refuse_what_is_for_models(self) -> None:
        if self.class_name:
            raise OptionError(
                "--class is for a model that has learnt classes: leave out --library and --retime"
            )
        if self.sampling != Sampling() or self.prime is not None or self.attention is not None:
            raise OptionError(
                "--temperature, --top-k, --top-p, --guidance, --prime and --attention are for a model that writes: "
                "leave out --library and --retime"
            )

    def finding(self) -> EventOptions:
        """How events are found."""
        return EventOptions(
            self.finder,
            self.finder_model,
            self.least_probability,
            self.frame_instant,
            self.reading,
            self.materials_model,
        )


@dataclass(frozen=True)
class SoundResult:
    """What ``genlock sound`` made."""

    output: Path | None
    """The film with sound, or the sound alone."""
    model: str
    """Who made the sound."""
    about: str
    """Where the sounds come from, or what the model has learnt from."""
    finder: str
    """Who found the events."""
    finder_about: str
    """What the finder has learnt from."""
    seed: int
    """Of the take that was kept."""
    events: Events
    """What strikes in the picture."""
    measures: dict[str, Any]
    """Onsets of the sound against the events: ``f_50_ms``, ``f_100_ms``, ``median_offset_ms``, and their numbers."""
    takes: tuple[dict[str, Any], ...] = ()
    """The same of each take, with its seed."""
    moved: tuple[dict[str, Any], ...] = ()
    """With ``--retime``: each onset, where it went, and by how much."""
    library: dict[str, Any] | None = None
    """With ``--library``: its classes and layers, and what is not used."""
    written: tuple[Path, ...] = ()
    """All files that were written."""
    notes: tuple[str, ...] = ()
    """What to beware of."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``output``, ``model``, ``about``, ``finder``, ``seed``, ``measures``, ``takes[]``, ``moved[]``, ``events[]``,
        ``library``, ``written[]``, ``notes[]``."""
        return {
            **vars(self),
            "output": None if self.output is None else str(self.output),
            "events": [event.to_dict() for event in self.events],
            "takes": list(self.takes),
            "moved": list(self.moved),
            "written": [str(path) for path in self.written],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        count = len(self.events)
        found = f"{count} event{'' if count == 1 else 's'} ({self.finder})"
        # Silence fits no event at all, which says nothing.
        fit = self.measures.get("f_50_ms") if count else None
        # Against what was found, which may be wrong itself: no measure of truth.
        said = "" if fit is None else f"; its onsets against these events, within 50 ms: F {fit:.2f}"
        lines = [
            f"{found}, sound by {self.model}{said}",
            f"sound: {self.about}",
            f"events: {self.finder_about}",
        ]
        return "\n".join([*lines, *(f"wrote {p}" for p in self.written), *(f"note: {n}" for n in self.notes)])


def require_one_film(films: Sequence[str], options: SoundOptions) -> None:
    """Refuse options that name one file where several films are to be done.

    >>> require_one_film(["a.mp4", "b.mp4"], SoundOptions(wav="a.wav"))
    Traceback (most recent call last):
    genlock.core.errors.OptionError: --wav names one file, and 2 films are to be done; do them one by one
    """
    named = {
        "--wav": options.wav,
        "--events": options.events,
        "--plot": options.plot,
        "--attention": options.attention,
    }
    given = [name for name, value in named.items() if value]
    if len(films) > 1 and given:
        raise OptionError(
            f"{given[0]} names one file, and {len(films)} films are to be done; do them one by one"
        )


def sound_video(
    file: str | os.PathLike[str],
    options: SoundOptions | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> SoundResult:
    """Give a film sound that is in step with its picture.

    Parameters
    ----------
    file : a film of any frame rate and length
    output : a film, whose picture is copied; a ``.wav``; or a folder for ``STEM.mp4`` and the rest. None:
        ``STEM.sound`` with the film's ending, beside it

    Raises
    ------
    NoStream, MediaError
        If there is no picture, or a file cannot be read.
    InputError
        If the film has one frame, the library no sound that can be used, or a sound does not fit the picture.
    MissingModel
        If a model that was asked for is not here.
    OutputError
        If a result cannot be written; nothing is left half-written.
    """
    how, named = options or SoundOptions(), os.fspath(file)
    target = _target(named, output)
    if how.events_from is None:
        require_packages("cv2", what="looking for what strikes in a picture")
    alone = target.suffix.lower() == ".wav"
    if not alone:
        check_retime_target(target)
    info = probe(named)
    sounder = None if how.retime is not None else _sounder(how)
    attends = None if how.attention is None else _attending(sounder, how.attention)
    curve = MotionCurve()
    given = how.events_from
    with ExitStack() as stack:
        # Every file is claimed before minutes of work, and appears at the end.
        places = {path: stack.enter_context(atomic_path(path)) for path in _outputs(how, target)}
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="genlock-sound-")))
        events = find_events(
            named,
            how.finding(),
            lambda done, total: progress("events", done, total),
            also=[curve] if how.plot is not None else [],
            finder=None if given is None else GivenEvents(read_events(given), Path(given).name),
        )
        gain = (-6.0 if how.keep_sound and info.audio else 0.0) if how.gain_db is None else how.gain_db
        if sounder is None:
            made = retimed_take(str(how.retime), events, how.retime_by, how.sound_rate, gain, folder)
        else:
            made = best_take(sounder, events, range(how.seed, how.seed + how.takes), gain, folder, progress)
        notes = [*events.notes, *made.notes, *_stream_notes(how, info)]
        if not alone:
            notes += _write_film(named, how, info, events, made, target, places[target], folder)
        _write_beside(named, how, info, events, made, places, curve)
        if attends is not None and how.attention is not None:
            instants = [event.instant for event in events]
            attended = attends.attention(made.take)
            write_attention_plot(places[Path(how.attention)], attended, instants, Path(named).name)
    return SoundResult(
        output=target,
        model=made.model,
        about=made.about,
        finder=events.finder,
        finder_about=events.about,
        seed=made.seed,
        events=events,
        measures=made.scores[made.seed].to_dict(),
        takes=tuple({"seed": seed, **score.to_dict()} for seed, score in made.scores.items()),
        moved=tuple(made.moved),
        library=sounder.library.to_dict() if isinstance(sounder, LibrarySounder) else None,
        written=tuple(places),
        notes=tuple(notes),
    )


# ---------------------------------------------------------------- what is to be made


def _target(named: str, output: str | os.PathLike[str] | None) -> Path:
    stem, ending = Path(named.split("?")[0]).stem, Path(named.split("?")[0]).suffix or ".mp4"
    if output is None:
        target = Path(named).with_name(f"{stem}.sound{ending}")
    elif Path(output).is_dir() or Path(output).suffix.lower() in ("", ".genlock"):
        target = Path(output) / f"{stem}{ending}"
    else:
        target = Path(output)
    if target.exists() and Path(named).exists() and target.samefile(named):
        raise OptionError(f"-o {str(target)!r} is the film itself; choose another name")
    return target


def _outputs(how: SoundOptions, target: Path) -> list[Path]:
    beside = [how.wav, *how.events, how.plot, how.attention]
    wanted = [target, *(Path(name) for name in beside if name is not None)]
    if len({os.path.realpath(path) for path in wanted}) < len(wanted):
        raise OptionError(
            f"two results would be one file: {', '.join(map(str, wanted))}; give each its own name"
        )
    return wanted


def _sounder(how: SoundOptions) -> Sounder:
    if how.library is None:
        if how.same_as:
            raise OptionError("--same-as names classes of a library: give --library as well")
        return make_sounder(
            how.model, how.sound_rate, how.width, how.material, how.class_name, how.sampling, how.prime or ""
        )
    same = dict(pair.split("=") for pair in how.same_as)
    return LibrarySounder(open_library(how.library), how.sound_rate, how.material, same, how.width)


def _attending(sounder: object, picture: str) -> Attends:
    if not isinstance(sounder, Attends):
        name = getattr(sounder, "name", "a sound that is moved")
        raise OptionError(f"{name!r} attends to nothing: leave out --attention {picture!r}")
    return sounder


def _stream_notes(how: SoundOptions, info: MediaInfo) -> list[str]:
    if how.keep_sound and not info.audio:
        return ["the film has no sound that could be kept"]
    if info.audio and not how.keep_sound:
        return ["the sound that was there is replaced; --keep-sound mixes with it"]
    return []


# ---------------------------------------------------------------- files


def _write_film(
    named: str,
    how: SoundOptions,
    info: MediaInfo,
    events: Events,
    made: Made,
    target: Path,
    temporary: Path,
    folder: Path,
) -> list[str]:
    """Put the sound beside the picture; gives what to beware of."""
    sound, start, notes = made.path, made.start, list[str]()
    if how.keep_sound and info.audio:
        sound, start, notes = mixed_under(named, made, how.sound_rate, how.reading, folder, events.end)
    stream = how.reading.audio_stream
    report = write_with_sound(named, temporary, target, sound, start, stream if info.audio else None)
    return [*notes, *report.notes, *report.left_out]


def _write_beside(
    named: str,
    how: SoundOptions,
    info: MediaInfo,
    events: Events,
    made: Made,
    places: dict[Path, Path],
    curve: MotionCurve,
) -> None:
    picture = info.picture(how.reading.video_stream)
    rate = None if picture is None else picture.rate
    for path, temporary in places.items():
        ending = path.suffix.lower()
        if ending == ".wav":
            shutil.copyfile(made.path, temporary)
        elif str(path) in how.events:
            write_events(temporary, events, named, rate, made.choices)
        elif how.plot is not None and path == Path(how.plot):
            write_sound_plot(temporary, made.path, made.start, made.onsets, events, curve, Path(named).name)
