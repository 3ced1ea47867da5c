"""Cut out a part of a file, exactly, with everything in it that belongs to the part."""

from __future__ import annotations

import math
import os
from fractions import Fraction
from typing import Any

from genlock.core.errors import NoStream, OptionError
from genlock.core.files import atomic_path
from genlock.core.time import Exact, exact, round_fraction
from genlock.core.timecode import Timecode
from genlock.media.copy import CopiedStream
from genlock.media.demux import packets_of
from genlock.media.encode import EDIT_LIST_CONTAINERS
from genlock.media.inventory import kind_of
from genlock.media.opening import Source, locate, open_source
from genlock.media.probe import MediaInfo, VideoInfo, probe
from genlock.media.read import ReadOptions, frame_cells
from genlock.media.recoded import picture_file, sound_file
from genlock.media.remux import Copy, Job, WriteReport

__all__ = ["trim"]


def trim(source: Source, target: str | os.PathLike[str], start: Exact, end: Exact) -> WriteReport:
    """Cut out a part of a file, exactly.

    The part begins with the frame that is on show at ``start`` (without a picture, with the first sample at
    or after it), and its clock's zero is that frame's first instant: ``zero`` of the report says which
    instant that is. It holds the frames that begin before ``end``.

    The picture is copied if it can be: if no frame of the part needs one that lies behind it, and if the part
    begins with a key frame or the container is MP4 or MOV, where an edit list hides what lies before. Else it
    is encoded again (H.264, nearly lossless). The sound is copied where an edit list can hide its beginning;
    else it is cut to the sample and encoded again (losslessly in Matroska, AVI, WAV and FLAC). So it is with each
    picture and each sound of the file. Subtitles, data, chapters, covers, attachments and tags come along; a
    timecode is moved on to the part's first frame.

    Parameters
    ----------
    start, end : seconds on the media clock

    Returns
    -------
    WriteReport
        ``left_out`` names what the container has no place for.

    Raises
    ------
    OptionError
        If the part is empty.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from genlock.media import Sound, encode
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     encode(f"{folder}/a.wav", sound=Sound(np.zeros(16000), 8000))
    ...     trim(f"{folder}/a.wav", f"{folder}/b.wav", 0.5, 1).zero
    Fraction(1, 2)
    """
    low, high = exact(start), exact(end)
    if high <= low:
        raise OptionError(f"the part from {start} to {end} s is empty; its end has to lie after its start")
    info = probe(source)
    zero = _zero_of_part(source, info, ReadOptions(start=start, end=end), low)
    with atomic_path(target) as temporary, Job(temporary, target) as job:
        part = _Part(source, info, job, zero, high)
        part.take()
        left_out = job.write(part.tags())
    return WriteReport(
        os.fspath(target),
        part.video,
        part.sound,
        zero,
        notes=(*part.notes, *job.notes),
        left_out=tuple(left_out),
    )


def _zero_of_part(source: Source, info: MediaInfo, options: ReadOptions, low: Fraction) -> Fraction:
    if info.video:
        cells, _ = frame_cells(source, options)
        return cells.edge(0)
    if not info.audio:
        raise NoStream(f"{info.path!r} has neither picture nor sound: there is nothing to cut")
    origin, rate = info.audio[0].start or Fraction(0), info.audio[0].rate
    return max(origin, origin + Fraction(math.ceil((low - origin) * rate)) / rate)


class _Part:
    """A part says what of a file goes into it, and how."""

    def __init__(self, source: Source, info: MediaInfo, job: Job, zero: Fraction, high: Fraction) -> None:
        self.source, self.info, self.job, self.zero, self.high = source, info, job, zero, high
        self.hides = job.container in EDIT_LIST_CONTAINERS
        self.video: str | None = None
        self.sound: str | None = None
        self.notes: list[str] = []

    def take(self) -> None:
        """Hand every stream over, copied or encoded again."""
        self.job.part = (self.zero, self.high)
        self.job.take_all(self.source, {}, move=-self.zero)
        for line in list(self.job.lines):
            kind = kind_of(line.stream)
            line.tags = self.moved_timecode(line.stream)
            if kind in ("video", "audio") and line.stream.codec_context is None:
                continue  # nothing decodes it, so it will be left out and named
            if kind == "video":
                self.take_picture(line)
            elif kind == "audio":
                self.take_sound(line)
            elif kind in ("subtitle", "data"):
                line.first, line.stop = self.zero, self.high
        if self.sound == "copied":
            self.notes.append(
                "an edit list hides what lies before the part; its sound ends with a whole packet"
            )

    def take_picture(self, line: CopiedStream) -> None:
        """One picture."""
        info = next(each for each in self.info.video if each.index == line.stream.index)
        if _can_copy_picture(self.source, info, self.zero, self.high, self.hides):
            line.first, line.stop, line.hidden = self.zero, self.high, self.hides
            self.video = self.video or "copied"
            return
        made, move = self.job.keep.enter_context(
            picture_file(self.source, self.job.temporary, self.job.container, info, self.zero, self.high)
        )
        tags = line.tags
        self.job.replace(line.stream, Copy(made, "video", shift=move))
        next(each for each in self.job.lines if each.like is line.stream).tags = tags
        self.video = "encoded"

    def take_sound(self, line: CopiedStream) -> None:
        """One sound."""
        if self.hides:
            back = -self.zero - line.move  # what its media clock subtracts from its stamps
            line.first, line.stop = self.zero + back, self.high + back
            self.sound = self.sound or "copied"
            return
        info = next(each for each in self.info.audio if each.index == line.stream.index)
        made = self.job.keep.enter_context(
            sound_file(self.source, self.job.temporary, self.job.container, self.zero, self.high, info.number)
        )
        self.job.replace(line.stream, Copy(made, "audio"))
        self.sound = "encoded"

    def tags(self) -> dict[str, str]:
        """Tags of the whole file that differ from the original's."""
        return self.moved_timecode(self.job.open(self.source))

    def moved_timecode(self, said: Any) -> dict[str, str]:
        """The timecode that a stream or the file states, moved on to the part's first frame."""
        key = next((key for key in said.metadata if key.lower() == "timecode"), None)
        picture = self.info.video[0] if self.info.video else None
        rate = None if picture is None else picture.rate or picture.nominal_rate
        if key is None or picture is None or rate is None:
            return {}
        given = said.metadata[key]
        try:
            of = Timecode.parse(given, rate)
        except OptionError:
            self.note(f"the timecode {given} was left out: it counts no frames at {float(rate):g} a second")
            return {key: ""}
        frames = round_fraction((self.zero - (picture.start or 0)) * rate, "nearest")
        moved = str(Timecode(of.frame + frames, of.rate, of.drop))
        self.note(f"the timecode {given} was moved on to the part's first frame: {moved}")
        return {key: moved}

    def note(self, text: str) -> None:
        """Say something once."""
        if text not in self.notes:
            self.notes.append(text)


def _can_copy_picture(source: Source, info: VideoInfo, zero: Fraction, high: Fraction, hides: bool) -> bool:
    """Does the part begin with a key frame (or may one be hidden), and need nothing stored behind its end?"""
    with open_source(locate(source)) as container:
        begins, behind = hides, False
        for packet in packets_of(container, [container.streams[info.index]]):
            if not packet.size:
                continue
            if packet.pts is None:
                return False
            at = packet.pts * packet.time_base
            begins = begins or (at == zero and packet.is_keyframe)
            if zero <= at < high and (behind or not begins):
                return False
            behind = behind or at >= high
    return begins
