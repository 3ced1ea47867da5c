"""Move sounds of a file by changing the few bytes that say when they play: a copy in which nothing else differs."""

from __future__ import annotations

import mmap
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from genlock.media.patch.base import CannotPatch, Move, Patched
from genlock.media.patch.matroska import patch_matroska
from genlock.media.patch.mp4 import has_fragments, patch_fragments, patch_index
from genlock.media.patch.mpeg import patch_program_stream, patch_transport_stream

__all__ = ["CannotPatch", "Move", "Patched", "can_patch", "patch_sounds"]

_IN_PLACE: dict[str, Callable[[mmap.mmap, Sequence[Move]], Patched]] = {
    "matroska": patch_matroska,
    "mpegts": patch_transport_stream,
    "mpeg": patch_program_stream,
}
# FFmpeg's names of containers, by the reader's name of the same thing.
_FAMILIES = {
    "mp4": {"mp4", "ipod", "3gp", "3g2", "psp"},
    "mov": {"mov"},
    "matroska": {"matroska"},
    "webm": {"webm"},
    "mpegts": {"mpegts"},
    "mpeg": {"mpeg", "vob", "svcd", "dvd", "vcd"},
}
_CHUNK = 1 << 22


def can_patch(given: str, brand: str, wanted: str) -> bool:
    """Whether a file of one container can stay as it is where another is asked for by the target's ending.

    Parameters
    ----------
    given : FFmpeg's name of the reader, such as ``mov,mp4,m4a,3gp,3g2,mj2``
    brand : of an MP4 or MOV file, its major brand; of Matroska, its document type; else empty
    wanted : FFmpeg's name of the writer that the target's ending means

    >>> can_patch("mov,mp4,m4a,3gp,3g2,mj2", "qt  ", "mov"), can_patch("mpegts", "", "matroska")
    (True, False)
    """
    return wanted in _FAMILIES.get(_family(given, brand), ())


def _family(given: str, brand: str) -> str:
    if "mp4" in given.split(","):
        return "mov" if brand.strip() in ("qt", "") else "mp4"
    if "matroska" in given.split(","):
        return "webm" if brand == "webm" else "matroska"
    return given


def patch_sounds(
    source: str | os.PathLike[str], target: str | os.PathLike[str], given: str, moves: Sequence[Move]
) -> Patched:
    """Write a copy of a file with some sounds moved.

    Parameters
    ----------
    source : a file
    target : a file that may be written; what is in it is lost
    given : FFmpeg's name of the reader of the source

    Returns
    -------
    Patched
        By how much the sounds were moved in fact.

    Raises
    ------
    CannotPatch
        If this file is not built in a way that allows it.
    OSError
        If the target cannot be written.
    """
    if "mp4" in given.split(","):
        return _patch_mp4(source, target, moves)
    editor = _IN_PLACE[given.split(",")[0]]
    shutil.copyfile(source, target)
    with _mapped(target, mmap.ACCESS_WRITE) as data:
        return editor(data, moves)


def _patch_mp4(
    source: str | os.PathLike[str], target: str | os.PathLike[str], moves: Sequence[Move]
) -> Patched:
    with _mapped(source, mmap.ACCESS_COPY) as data:  # what is changed in it goes to the target alone
        if has_fragments(data):
            shutil.copyfile(source, target)
            with suppress(CannotPatch), _mapped(target, mmap.ACCESS_WRITE) as copy:
                return patch_fragments(copy, moves)
            # Before 0 an edit list has to say what the fragments cannot.
        new = patch_index(data, moves)
        with open(target, "wb") as out:
            for piece in new.pieces:
                if isinstance(piece, bytes):
                    out.write(piece)
                    continue
                for place in range(*piece, _CHUNK):
                    out.write(data[place : min(place + _CHUNK, piece[1])])
        return new.done


@contextmanager
def _mapped(path: str | os.PathLike[str], access: int) -> Iterator[mmap.mmap]:
    """The bytes of a file, without reading them all."""
    with (
        open(path, "r+b" if access == mmap.ACCESS_WRITE else "rb") as file,
        mmap.mmap(file.fileno(), 0, access=access) as data,
    ):
        yield data
