"""What is done to one clip, in one pass over its file; the same for one file and for a million.

Whoever wants something of a file says so in a :class:`ClipRequest`; :func:`read_clip` probes the file once, unless
somebody has done so, and then decodes each stream that anybody asks for once: it feeds every feature, the spool for
the recogniser and whoever else asks while it reads. Memory does not grow with the length of the file, except by the
results.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from types import TracebackType
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MediaError, OutputError
from genlock.core.grid import Cells
from genlock.core.one_line import one_line
from genlock.core.progress import Progress, silent
from genlock.core.spans import Span
from genlock.core.track import Track
from genlock.extractors import Feature
from genlock.extractors.face.watching import FaceWatch
from genlock.extractors.feeds import feeds_of
from genlock.media import (
    AudioBlock,
    AudioForm,
    Consumer,
    FrameTimes,
    MediaInfo,
    PacketForm,
    ReadOptions,
    VideoForm,
    probe,
    read,
)
from genlock.media.read import FrameTimesOnly, stated_cells

__all__ = ["SPEECH_RATE", "Clip", "ClipRequest", "SoundSpool", "SpooledSound", "read_clip"]

#: Samples per second of the sound that recognisers and aligners of speech take.
SPEECH_RATE = 16000


@dataclass(frozen=True)
class ClipRequest:
    """What is wanted of a file."""

    extractors: tuple[Feature, ...] = ()
    """Features of sound, of the picture, of faces; those whose stream the file has not give nothing."""
    watch: FaceWatch | None = None
    """Who looks for faces and tells features of them too; its consumers are among ``consumers`` already. None: one of
    their own."""
    speech: bool = False
    """Whether the sound is kept, mono at 16 kHz, in a temporary file for recognisers and aligners."""
    consumers: tuple[Consumer, ...] = ()
    """Other consumers that are fed from the same pass; left alone where the file has no such stream."""
    frames: bool = True
    """Whether the cells of the video frames are wanted. They cost nothing where the packets tell them, or where
    somebody wants the picture; else the picture is decoded for them."""
    reading: ReadOptions = field(default_factory=ReadOptions)
    """Which streams, and which part of them."""
    on_speech: Callable[[SpooledSound], None] | None = None
    """With ``speech``: told the sound as soon as its first samples are there. Another thread may read it while it still
    grows, and has to be done with it before the clip is closed."""


@dataclass(frozen=True)
class Clip:
    """What one pass over a file gave. Close it (or use ``with``) to drop the spooled sound."""

    info: MediaInfo
    """What the file is."""
    frames: Cells | None
    """The cells of the video frames; None without a picture, or if nobody wanted them."""
    frame_count: int
    """How many video frames were found."""
    tracks: dict[str, Track]
    """Each wanted feature by name, on its own grid; of faces ``NAME.face0`` and so on."""
    speech: SpooledSound | None
    """The sound for recognisers, or None."""
    notes: tuple[str, ...]
    """What the reader had to repair or leave out, in words."""

    __repr__ = one_line

    def __enter__(self) -> Clip:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary sound file."""
        if self.speech is not None:
            self.speech.close()


def read_clip(
    path: str | os.PathLike[str],
    request: ClipRequest,
    progress: Progress = silent,
    info: MediaInfo | None = None,
) -> Clip:
    """Read a file once and give everything that was asked for.

    Parameters
    ----------
    info : what :func:`genlock.media.probe` says of the file, if that is known already

    Raises
    ------
    MediaError
        If the file cannot be read.
    """
    info = probe(path) if info is None else info
    feeds = feeds_of(request.extractors, request.watch)
    spool = SoundSpool(request.on_speech) if request.speech and info.audio else None
    asked: list[Consumer] = [consumer for feed in feeds for consumer in feed.consumers]
    asked += [*([spool] if spool is not None else []), *request.consumers]
    consumers = [each for each in asked if (info.audio if _of_sound(each) else info.video)]
    stated = stated_cells(info, request.reading) if request.frames else None
    wants_frames = request.frames and bool(info.video)
    if wants_frames and stated is None and not any(_decodes_picture(each) for each in consumers):
        consumers.append(FrameTimesOnly())
    notes: tuple[str, ...] = info.notes
    gaps: tuple[Span, ...] = ()
    if consumers:
        try:
            report = read(path, consumers, request.reading, lambda done, total: progress("read", done, total))
        except BaseException:
            if spool is not None:
                spool.discard()
            raise
        # What probing met, the read has met again.
        notes += tuple(str(n) for n in report.notes if not any(known.startswith(n.text) for known in notes))
        gaps = tuple(report.gaps)
        if wants_frames and stated is None:
            stated = None if report.cells is None else (report.cells, report.cell_count)
        notes += tuple(note for feed in feeds for note in feed.notes)
    if wants_frames and stated is None:
        raise MediaError(f"{os.fspath(path)!r} has no frame in the part that was asked for")
    frames, frame_count = (None, 0) if stated is None else stated
    return Clip(
        info=info,
        frames=frames,
        frame_count=frame_count,
        tracks={name: track for feed in feeds for name, track in feed.tracks(frames, gaps).items()},
        speech=spool.sound() if spool is not None else None,
        notes=notes,
    )


def _of_sound(consumer: Consumer) -> bool:
    form = consumer.form
    return isinstance(form, AudioForm) or (isinstance(form, PacketForm) and form.kind == "audio")


def _decodes_picture(consumer: Consumer) -> bool:
    return isinstance(consumer.form, VideoForm | FrameTimes)


class SoundSpool:
    """Keeps the sound for recognisers in a temporary file: hours of it would not fit the memory.

    Parameters
    ----------
    on_sound : told the sound once its first samples are there; it grows from then on
    """

    form = AudioForm(rate=SPEECH_RATE, channels=1)

    def __init__(self, on_sound: Callable[[SpooledSound], None] | None = None) -> None:
        self._on_sound = on_sound
        self._sound: SpooledSound | None = None

    def push(self, block: AudioBlock) -> None:
        if self._sound is None:
            self._sound = SpooledSound(block.start, block.clock)
            if self._on_sound is not None:
                self._on_sound(self._sound)
        self._sound.append(block.samples[:, 0])

    def finish(self) -> None:
        if self._sound is not None:
            self._sound.end()

    def sound(self) -> SpooledSound | None:
        """The sound; None if there was no sample."""
        return self._sound

    def discard(self) -> None:
        """Drop the file: the read has failed."""
        if self._sound is not None:
            self._sound.close()


class SpooledSound:
    """Mono sound at 16 kHz in a temporary file that vanishes when closed. Reads never hold more than a piece.

    It may be read in other threads while it still grows: whoever asks for samples that are not there yet, or for their
    number, waits for them.

    Parameters
    ----------
    origin : instant of sample 0, in exact seconds
    clock : name of the time axis

    Examples
    --------
    >>> with SpooledSound(Fraction(0), "media") as sound:
    ...     sound.append(np.ones(100, np.float32))
    ...     sound.end()
    ...     sound.count, sound.samples(90, 200).shape
    (100, (10,))
    """

    rate: int = SPEECH_RATE
    """Samples per second."""

    def __init__(self, origin: Fraction, clock: str) -> None:
        self.origin, self.clock = origin, clock
        self._file: BinaryIO = tempfile.TemporaryFile(prefix="genlock-sound-")  # noqa: SIM115 - close() closes it
        self._changed = threading.Condition()
        self._held = 0
        self._ended = False

    def __repr__(self) -> str:
        grows = ", growing" if self.growing else ""
        return f"<SpooledSound: {self._held} samples at {self.rate} Hz from {self.origin} s on {self.clock!r}{grows}>"

    def __enter__(self) -> SpooledSound:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def growing(self) -> bool:
        """True as long as samples may follow."""
        return not self._ended

    @property
    def count(self) -> int:
        """Number of samples, once all are there."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended)
            return self._held

    def append(self, samples: npt.NDArray[np.float32]) -> None:
        """Take the next samples, float32 [n].

        Raises OutputError if the temporary folder cannot take them.
        """
        with self._changed:
            try:
                self._file.seek(4 * self._held)
                self._file.write(np.ascontiguousarray(samples, np.float32).data)
                self._file.flush()
            except OSError as error:
                raise OutputError(
                    f"the temporary folder {tempfile.gettempdir()!r} cannot take the sound ({error.strerror}); "
                    "free some space there, or set TMPDIR to another folder"
                ) from error
            self._held += len(samples)
            self._changed.notify_all()

    def end(self) -> None:
        """No more samples follow."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def samples(self, first: int, stop: int) -> npt.NDArray[np.float32]:
        """Samples ``first ... stop - 1``, clipped to what there is; float32 [n].

        Raises MediaError if the sound was closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._held >= stop)
            if self._file.closed:
                raise MediaError(
                    "the sound is closed: the file that it comes from could not be read to its end"
                )
            first, stop = max(0, first), min(stop, self._held)
            if stop <= first:
                return np.zeros(0, np.float32)
            self._file.seek(4 * first)
            return np.frombuffer(self._file.read(4 * (stop - first)), np.float32)

    def close(self) -> None:
        """Drop the file; whoever waits for samples is told."""
        with self._changed:
            self._file.close()
            self._ended = True
            self._changed.notify_all()
