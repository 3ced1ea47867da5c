"""Move the sound against the picture, and lose nothing of the file on the way.

Where the copy is to be a file of the same kind, it is the original byte for byte but for the few that say when the
sound plays (:mod:`genlock.media.patch`). Else the packets of every stream are copied into the other container, and
what that has no place for is named. A container that cannot say when a stream starts gets its sound cut to the
sample and encoded again.
"""

from __future__ import annotations

import io
import os
from collections.abc import Collection
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from genlock.core.errors import NoStream, OutputError
from genlock.core.files import atomic_path
from genlock.core.time import Exact, exact
from genlock.media.containers import require_one_file
from genlock.media.encode import EDIT_LIST_CONTAINERS
from genlock.media.opening import Address, Source, locate, open_source
from genlock.media.patch.sounds import CannotPatch, Move, Patched, can_patch, patch_sounds
from genlock.media.probe import probe
from genlock.media.recoded import sound_file
from genlock.media.remux import Copy, Job, WriteReport
from genlock.media.streams import choose_sound, pictures, sounds

__all__ = ["CARRY_STARTS", "check_retime_target", "number_of_the_sound", "retime", "write_retimed"]

#: Containers that can say that a stream begins later than another; of AVI, raw streams and files of sound only
#: one thing is known: sample 0 and frame 0 are simultaneous.
CARRY_STARTS = EDIT_LIST_CONTAINERS | {"matroska", "webm", "mpegts", "mpeg", "vob", "svcd", "flv", "nut"}
# Their writers need frame rates and sizes of packets that a copied stream does not say.
_NOT_WRITTEN = frozenset({"mxf", "mxf_opatom", "gxf", "dv", "swf"})


def check_retime_target(target: str | os.PathLike[str]) -> None:
    """Say what speaks against a target before minutes of work, not after.

    Raises
    ------
    OutputError
        If its ending names no container, or one that cannot hold a repaired film in one file.

    Examples
    --------
    >>> check_retime_target("talk.mp4")
    >>> check_retime_target("talk.wav")
    Traceback (most recent call last):
    genlock.core.errors.OutputError: 'talk.wav': WAV / WAVE (Waveform Audio) holds no picture; use .mp4, .mkv or .mov
    """
    name = require_one_file(target)
    writer = av.format.ContainerFormat(name, "w").long_name
    if name in _NOT_WRITTEN:
        raise OutputError(
            f"{os.fspath(target)!r}: {writer} files ({Path(target).suffix}) cannot be repaired: what says when their "
            "sound plays is its place among the frames; use .mov or .mkv"
        )
    with av.open(io.BytesIO(), "w", format=name) as output:
        if output.default_video_codec == "none":
            raise OutputError(f"{os.fspath(target)!r}: {writer} holds no picture; use .mp4, .mkv or .mov")


def retime(
    source: Source, target: str | os.PathLike[str], shift: Exact, *, only: Collection[int] | None = None
) -> WriteReport:
    """Move the sound against the picture; positive: the sound plays later.

    All packets are copied; only the time stamps of the sound change, by the shift rounded to the container's
    ticks (1 ms in Matroska, a sample in MP4). The picture keeps its own: sound that would come before the file's
    beginning is hidden by an edit list (MP4, MOV) or left out. A container that cannot say that a stream starts
    late (AVI) gets its sound cut or padded to the sample and encoded again, losslessly where it takes that.

    Parameters
    ----------
    source : a file or URL with picture and sound
    target : the file to write; its ending names the container
    shift : seconds to add to the sound's time stamps; give a measured offset (positive: sound early) as it is
    only : numbers of the sounds to move, counted from 0; None: all of them

    Returns
    -------
    WriteReport
        ``left_out`` names everything of the original that the copy does not hold.

    Raises
    ------
    NoStream
        If there is no picture or no sound.
    OutputError
        If the target's container is none that can be written, or does not take the streams.
    """
    with atomic_path(target) as temporary:
        return write_retimed(source, temporary, target, exact(shift), only)


def write_retimed(
    source: Source,
    temporary: Path,
    target: str | os.PathLike[str],
    by: Fraction,
    only: Collection[int] | None = None,
) -> WriteReport:
    """What :func:`retime` does, into a file that will be renamed to the target by whoever made it.

    Parameters
    ----------
    temporary : a file that may be written
    target : the name that the user gave: its ending names the container, and messages say it
    """
    address, wanted = locate(source), require_one_file(target)
    check_retime_target(target)
    with open_source(address) as container:
        moved = _sounds_to_move(container, address, only)
        notes: list[str] = []
        if address.local and can_patch(container.format.name, _brand(container), wanted):
            moves = [Move(number, stream.id, by) for number, stream in moved.items()]
            try:
                done = patch_sounds(address.given, temporary, container.format.name, moves)
                return _patched(target, by, done)
            except CannotPatch as error:
                notes.append(f"the file could not be changed where it lies ({error}), so it was written anew")
        numbers = {number: stream.index for number, stream in moved.items()}
        if wanted in CARRY_STARTS:
            return _remuxed(source, temporary, target, by, numbers, notes)
        return _cut(source, temporary, target, by, numbers, notes)


def number_of_the_sound(source: Source, number: int | None = None) -> tuple[int, int]:
    """Which sound is meant where this one is asked for (None: the default one), and how many there are.

    Raises NoStream if there is none, OptionError if the number is too high.
    """
    address = locate(source)
    with open_source(address) as container:
        chosen = choose_sound(container, number, address)
        found = [stream.index for stream in sounds(container)]
        return found.index(chosen.index), len(found)


def _sounds_to_move(container: Any, address: Address, only: Collection[int] | None) -> dict[int, Any]:
    """The sounds to move by number, where there is a picture that they can be moved against."""
    for kind, found in (("picture", pictures(container)), ("sound", sounds(container))):
        if not found:
            raise NoStream(f"{address.given!r} has no {kind}: nothing can be in step with something else")
    heard = dict(enumerate(sounds(container)))
    chosen = heard if only is None else {number: heard[number] for number in only if number in heard}
    if not chosen:
        raise NoStream(f"{address.given!r} has {len(heard)} sounds, counted from 0: there is no {only}")
    return chosen


def _brand(container: Any) -> str:
    name = container.format.name
    if "matroska" in name:
        return "webm" if str(container.name).lower().endswith(".webm") else "matroska"
    return str(container.metadata.get("major_brand", ""))


def _patched(target: str | os.PathLike[str], by: Fraction, done: Patched) -> WriteReport:
    made = next(iter(done.made.values()))
    left_out = tuple(done.left_out)
    return WriteReport(
        os.fspath(target), "copied", "copied", Fraction(0), by, made, tuple(done.notes), left_out
    )


def _remuxed(
    source: Source,
    temporary: Path,
    target: str | os.PathLike[str],
    by: Fraction,
    numbers: dict[int, int],
    notes: list[str],
) -> WriteReport:
    with Job(temporary, target) as job:
        job.take_all(source, dict.fromkeys(numbers.values(), by))
        lines = [line for line in job.lines if line.stream.index in numbers.values()]
        if by < 0 and job.container not in EDIT_LIST_CONTAINERS:
            for line in lines:
                line.floor = Fraction(0)
        left_out = job.write()
        notes += job.notes
        picture = next(line for line in job.lines if line.stream in pictures(job.open(source)))
        made = lines[0].moved - picture.moved
    left_out += [
        f"{line.cut} packets of sound that would come before 0 s were left out" for line in lines if line.cut
    ]
    return WriteReport(
        os.fspath(target), "copied", "copied", Fraction(0), by, made, tuple(notes), tuple(left_out)
    )


def _cut(
    source: Source,
    temporary: Path,
    target: str | os.PathLike[str],
    by: Fraction,
    numbers: dict[int, int],
    notes: list[str],
) -> WriteReport:
    """Sound and picture begin together in this container: cut every sound to the sample where the picture begins."""
    notes.append(
        f"{Path(target).suffix} cannot say that the sound starts late or early: the sound was cut "
        "to the sample and encoded again"
    )
    with Job(temporary, target) as job:
        container = job.open(source)
        zero = probe(source, whole=False).video[0].start or Fraction(0)
        job.take_all(source, {}, move=-zero)
        together = container.format.name == "avi"  # there the other sounds begin with the picture already
        for number, stream in enumerate(sounds(container)):
            if number not in numbers and together:
                continue
            begin = zero - by if number in numbers else zero
            cut = job.keep.enter_context(sound_file(source, temporary, job.container, begin, None, number))
            job.replace(stream, Copy(cut, "audio"))
        left_out = job.write()
        notes += job.notes
    return WriteReport(
        os.fspath(target), "copied", "encoded", Fraction(0), by, by, tuple(notes), tuple(left_out)
    )
