"""``genlock sync --live``: is what comes in right now in step?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from genlock.core.errors import OptionError
from genlock.core.one_line import one_line
from genlock.core.time import Exact, exact
from genlock.lipsync.estimators.base import DEFAULT
from genlock.lipsync.evidence.waveform_rows import SOUND_RATE
from genlock.lipsync.live import LiveWindow, SyncWatch
from genlock.media import AudioBlock, AudioForm, FrameTimes, ReadOptions, VideoCell, read
from genlock.media.background import Background
from genlock.media.consumers import Tap
from genlock.media.live_source import LiveSource

__all__ = ["LiveLine", "LiveOptions", "LiveResult", "sync_live"]


@dataclass(frozen=True)
class LiveOptions:
    """How a source is watched while it comes."""

    window: Exact = Fraction(8)
    """With --live: seconds that are measured at a time, 2...60."""
    hop: Exact = Fraction(2)
    """With --live: seconds from one measurement to the next, above 0 and at most a window."""
    alarm: float | None = None
    """With --live: milliseconds beyond which the offset is an alarm, where it surely is in two windows in a row; the
    exit status is then 1 at the end (3: no window could be told). Not given: by EBU R37, and --check sets it."""
    idle: float = 10.0
    """With --live: a file that has not grown for so many seconds has ended, above 0."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", exact(self.window))
        object.__setattr__(self, "hop", exact(self.hop))
        if self.alarm is not None and not self.alarm > 0:
            raise OptionError(f"alarm={self.alarm} ms must lie above 0")
        if not self.idle > 0:
            raise OptionError(f"idle={self.idle} s must lie above 0")


@dataclass(frozen=True, eq=False)
class LiveLine:
    """What a window says, and how old it is when it is told."""

    window: LiveWindow
    """The window."""
    behind_seconds: float
    """By how many seconds of the media clock its end lies behind the newest instant that was read."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """The keys of the window, and ``behind_seconds``."""
        return {**self.window.to_dict(), "behind_seconds": self.behind_seconds}

    def __str__(self) -> str:
        return f"{float(self.window.start):9.3f} to {float(self.window.end):9.3f} s: {self.window.sentence}"


@dataclass(frozen=True)
class LiveResult:
    """What is known at the end."""

    windows: int
    """How many windows were measured."""
    in_step: bool | None
    """False after an alarm, None if no window could be told, else True."""
    notes: tuple[str, ...] = ()
    """What the reader had to repair or leave out."""

    __repr__ = one_line

    def __str__(self) -> str:
        said = {True: "no alarm", False: "out of step", None: "no offset could be told"}[self.in_step]
        lines = [f"{self.windows} window{'' if self.windows == 1 else 's'}: {said}"]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def sync_live(
    source: LiveSource,
    tell: Callable[[LiveLine], None],
    options: LiveOptions | None = None,
    reading: ReadOptions | None = None,
    estimators: str = DEFAULT,
) -> LiveResult:
    """Measure a source while it comes, with bounded delay and memory, until it ends or is stopped.

    The picture and the sound are read once. Decoding goes on while a window is measured; where measuring is slower than
    what comes, the source waits.

    Parameters
    ----------
    source : a pipe, a file that grows or a URL; :meth:`~genlock.media.live_source.LiveSource.stop` ends it
    tell : told each window, in order, in a thread of its own
    estimators : who measures, names separated by commas

    Raises
    ------
    OptionError
        If a part of the source is asked for: nothing can be sought in it.
    MediaError
        If it cannot be read.
    """
    options, reading = options or LiveOptions(), reading or ReadOptions()
    if reading.cut != (None, None):
        raise OptionError("a live source is read from where it is: --start and --end belong to files")
    newest = _Newest(source)

    def line(window: LiveWindow) -> None:
        tell(LiveLine(window, max(0.0, round(float(newest.end - window.end), 3))))

    limit = None if options.alarm is None else options.alarm / 1000
    watch = SyncWatch(line, options.window, options.hop, limit, estimators)
    notes: tuple[str, ...] = watch.missing
    with Background(watch.consumers) as background:
        try:
            # The newest instant is noted by the thread that reads, before the others are served.
            report = read(source.address, [*newest.consumers, *background.consumers], reading)
            notes += tuple(str(note) for note in report.notes)
        except _Stop:
            for consumer in background.consumers:
                consumer.finish()
    return LiveResult(watch.windows, watch.in_step, notes)


class _Stop(Exception):
    """Somebody has asked for the end."""


class _Newest:
    """Notes up to which instant the source was read, and ends the read where somebody asks for it."""

    def __init__(self, source: LiveSource) -> None:
        self._source, self.end = source, Fraction(0)
        self.consumers = (Tap(AudioForm(SOUND_RATE, 1), self._push), Tap(FrameTimes(), self._push))

    def _push(self, item: AudioBlock | VideoCell) -> None:
        if self._source.stopped:
            raise _Stop
        self.end = max(self.end, item.end)
