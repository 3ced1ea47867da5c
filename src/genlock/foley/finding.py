"""Events are found in one pass over a film by a finder: motion alone, or one that has learnt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

from genlock.core.errors import InputError, MissingModel, OptionError
from genlock.core.plugins import plugin_class, plugin_names
from genlock.core.time import Exact, exact
from genlock.foley.events import Event, Events
from genlock.foley.given import GivenEvents
from genlock.media import Consumer, FrameTimes, ReadOptions, VideoCell, read

__all__ = ["GROUP", "SURE", "EventOptions", "Finder", "find_events", "make_finder", "unlike_what_was_learnt"]

#: The entry-point group of finders. Each entry is a class, or a function, that makes one of :class:`EventOptions`.
GROUP = "genlock.finders"
# The one that knows most first; the last one needs no model.
_AUTO: tuple[str, ...] = ("learned", "contacts", "motion")
_SLOW_RATE = 10
#: Events of this probability are told as sure.
SURE = 0.8


@dataclass(frozen=True)
class EventOptions:
    """How events are found."""

    finder: str = "auto"
    """Who finds them: ``contacts`` (has learnt how motion ends where things touch), ``learned`` (looks closely at the
    pictures there too, and reads materials off them), ``motion`` (nothing learnt), or one that another package
    registers. ``auto``: the first of ``learned``, ``contacts`` and ``motion`` whose models are here."""
    model: str | None = None
    """Model of a finder that has learnt (for ``contacts`` of motion, for ``learned`` of touches): a name, or a file.
    None: its own."""
    least_probability: float | None = None
    """Events that are less likely are left out, 0...1. None: what the finder advises."""
    frame_instant: Exact = Fraction(1, 6)
    """Where in the time over which a frame is shown its picture was taken, 0 (its start) ... 1 (its end). Cameras open
    the shutter at a frame's stamp, for a part of its time: that part's middle."""
    reading: ReadOptions = field(default_factory=ReadOptions)
    """Which part of the film, and which of its streams."""
    materials: str | None = None
    """Model that ``learned`` reads materials with: a name, or a file. None: its own."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "frame_instant", exact(self.frame_instant))
        if not 0 <= exact(self.frame_instant) <= 1:
            raise OptionError(f"frame_instant={self.frame_instant} lies in 0...1")
        if self.least_probability is not None and not 0 <= self.least_probability <= 1:
            raise OptionError(f"least_probability={self.least_probability} lies in 0...1")


class Finder(Protocol):
    """A consumer of frames (:class:`genlock.media.consumers.Consumer`) that knows of events when it is finished."""

    form: Any
    """A :class:`genlock.media.VideoForm`; read once, before the first push."""
    name: str
    """What it is called in results."""
    about: str
    """What it has learnt from, in a sentence that a user reads."""
    least_probability: float
    """Events below this are not worth a sound, unless the user says otherwise."""

    def push(self, cell: VideoCell) -> None:
        """Take the next frame."""

    def finish(self) -> None:
        """Nothing follows."""

    def events(self) -> list[Event]:
        """What was found, after ``finish``; unlikely ones too."""
        ...

    def notes(self) -> list[str]:
        """What to beware of, after ``finish``."""
        ...


class _Extent:
    """Notes from when to when the picture lasts, and how many frames there are."""

    form = FrameTimes()

    def __init__(self) -> None:
        self.start: Fraction | None = None
        self.end = Fraction(0)
        self.frames, self.longest, self.clock = 0, Fraction(0), ""

    def push(self, cell: VideoCell) -> None:
        """Take the next frame's times."""
        self.start = cell.start if self.start is None else self.start
        self.end, self.clock = cell.end, cell.clock
        self.frames += 1
        self.longest = max(self.longest, cell.end - cell.start)

    def finish(self) -> None:
        """Nothing is held."""


def make_finder(options: EventOptions) -> Finder:
    """The finder that options name, ready to be fed.

    Raises OptionError if there is none of that name, MissingModel if its model is not here.

    >>> make_finder(EventOptions("motion")).name
    'motion'
    """
    if options.finder != "auto":
        return _made(options.finder, options)
    for name in _AUTO[:-1]:
        if name in plugin_names(GROUP):
            try:
                return _made(name, options)
            except MissingModel:
                if options.model is not None:
                    raise
    return _made(_AUTO[-1], options)


def _made(name: str, options: EventOptions) -> Finder:
    made: Callable[[EventOptions], Finder] = plugin_class(GROUP, name)
    return made(options)


def unlike_what_was_learnt(found: Sequence[Event], about: str) -> list[str]:
    """What a user is to know where a finder that has learnt is unsure of most of what it found.

    >>> unlike_what_was_learnt([Event(1, 0.99), Event(2, 0.5), Event(3, 0.45)], "drawn films")
    ['1 of 3 events are sure (at least .8): this film looks unlike what the finder has learnt from (drawn films)']
    """
    sure = sum(event.probability >= SURE for event in found)
    if 2 * sure >= len(found):
        return []
    return [
        f"{sure} of {len(found)} events are sure (at least .8): this film looks unlike what the finder has learnt from "
        f"({about})"
    ]


def find_events(
    video: Any,
    options: EventOptions | None = None,
    progress: Callable[[float, float | None], None] | None = None,
    also: Sequence[Consumer] = (),
    finder: Finder | None = None,
) -> Events:
    """What strikes in a film, and when.

    Parameters
    ----------
    video : path or URL of a film of any frame rate
    options : how
    progress : told seconds done, and in all
    also : other consumers of the picture, which are fed in the same pass
    finder : who finds them; None: the one that the options name

    Raises
    ------
    NoStream, MediaError
        If there is no picture, or the film cannot be read.
    InputError
        If it has one frame only: nothing can move.
    MissingModel
        If the finder's model is not here.

    Examples
    --------
    >>> from genlock.testing import example_video
    >>> found = find_events(example_video(), EventOptions("motion"))
    >>> found.finder, float(found.end)
    ('motion', 2.0)
    """
    how = options or EventOptions()
    finder, extent = finder or make_finder(how), _Extent()
    read(video, [finder, extent, *also], how.reading, progress)
    if extent.frames < 2 or extent.start is None:
        raise InputError(f"{str(video)!r} has one frame: nothing moves in it; give a film of at least two")
    least = finder.least_probability if how.least_probability is None else how.least_probability
    found = [event for event in finder.events() if event.probability >= least]
    notes = list(finder.notes())
    rate = extent.frames / (extent.end - extent.start)
    if rate < _SLOW_RATE:
        half = float(1 / rate) * 500
        notes.append(f"{float(rate):.3g} frames a second: an instant is known to {half:.0f} ms either way")
    if not found:
        given = finder.name == GivenEvents.name
        notes.append(
            "the table of events is empty"
            if given
            else "nothing in the picture strikes anything: no event was found"
        )
    elif finder.name not in (_AUTO[-1], GivenEvents.name):
        notes += unlike_what_was_learnt(found, finder.about)
    return Events(found, extent.start, extent.end, extent.clock, finder.name, finder.about, notes)
