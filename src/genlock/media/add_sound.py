"""A sound put beside a picture that is copied: in the place of the sound that was there, or as one more."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

from genlock.core.files import atomic_path
from genlock.core.time import Exact, exact
from genlock.media.opening import Source, locate
from genlock.media.recoded import sound_file
from genlock.media.remux import Copy, Job, WriteReport
from genlock.media.retime import check_retime_target
from genlock.media.streams import choose_sound, sounds

__all__ = ["add_sound", "write_with_sound"]


def add_sound(
    source: Source,
    target: str | os.PathLike[str],
    sound: str | os.PathLike[str],
    start: Exact,
    *,
    audio_stream: int | None = None,
) -> WriteReport:
    """Copy a film with another sound. All other streams come along; the picture's packets and stamps are untouched.

    Parameters
    ----------
    source : a file or URL with picture
    target : the file to write; its ending names the container, and the codec of the sound with it
    sound : a file of sound, whose first sample is heard at ``start``
    start : seconds on the film's clock
    audio_stream : number of the sound whose place it takes, if there are sounds; None: the default one

    Raises
    ------
    OutputError
        If the container takes no picture or not these streams, or cannot be written; nothing is left half-written.
    """
    check_retime_target(target)
    with atomic_path(target) as temporary:
        return write_with_sound(source, temporary, target, sound, exact(start), audio_stream)


def write_with_sound(
    source: Source,
    temporary: Path,
    target: str | os.PathLike[str],
    sound: str | os.PathLike[str],
    start: Fraction,
    audio_stream: int | None = None,
) -> WriteReport:
    """What :func:`add_sound` does, into a file that will be renamed to the target by whoever made it."""
    with Job(temporary, target) as job:
        container = job.open(source)
        job.take_all(source, {})
        made = job.keep.enter_context(
            sound_file(os.fspath(sound), temporary, job.container, Fraction(0), None)
        )
        copy = Copy(made, "audio", shift=start)
        if sounds(container):
            job.replace(choose_sound(container, audio_stream, locate(source)), copy)
        else:
            _append(job, copy)
        left_out = job.write()
        return WriteReport(
            os.fspath(target),
            "copied",
            "encoded",
            Fraction(0),
            notes=tuple(job.notes),
            left_out=tuple(left_out),
        )


def _append(job: Job, copy: Copy) -> None:
    """Put a sound behind the pictures; it is no stream of a file that the user named."""
    made = sounds(job.open(copy.source))[0]
    line = job.line(copy.source, made, exact(copy.shift))
    line.like = made
    behind = max(k for k, each in enumerate(job.lines) if each.stream.type == "video") + 1
    job.lines.insert(behind, line)
