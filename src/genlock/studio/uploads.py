"""Uploads go to the disk piece by piece, are looked at, and only then get their name."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from genlock.core.errors import InputError, MediaError, OutputError
from genlock.core.files import no_room
from genlock.media import MediaInfo, probe
from genlock.studio.folder import StudioFolder, file_name_of

__all__ = ["AlreadyThere", "TooLarge", "receive_upload", "take_in"]

_ROOM_LEFT = 500_000_000  # bytes of the disk that an upload never takes


class TooLarge(InputError):
    """An upload is larger than the studio takes, or than the disk has room for."""


class AlreadyThere(InputError):
    """A file of that name is there already, and nothing is overwritten."""


async def receive_upload(
    folder: StudioFolder, name: str, stated: int | None, pieces: AsyncIterator[bytes], most: int
) -> Path:
    """Write an upload beside its place, in a file without a name of its own yet; memory for one piece.

    Parameters
    ----------
    stated : bytes that the sender says will come; None: it does not say
    most : bytes that are taken at most

    Raises
    ------
    InputError
        If the name is none, or not all that was stated came.
    TooLarge
        If more comes than is taken; nothing is left of it.
    AlreadyThere
        If a file of that name is there.
    """
    target = folder.root / file_name_of(name)
    if os.path.lexists(target):
        raise AlreadyThere(f"a file {name!r} is there already; rename yours, nothing is overwritten")
    room = min(most, shutil.disk_usage(folder.own).free - _ROOM_LEFT)
    if stated is not None and stated > room:
        raise TooLarge(f"{name!r} has {stated} bytes, and at most {max(room, 0)} are taken")
    part = folder.own / "uploads" / f"{secrets.token_hex(12)}{target.suffix}"
    count = 0
    try:
        with open(part, "xb") as out:
            async for piece in pieces:
                count += len(piece)
                if count > room:
                    raise TooLarge(f"{name!r} has more than the {max(room, 0)} bytes that are taken")
                out.write(piece)
        if stated is not None and count != stated:
            raise InputError(f"of {name!r} {count} bytes came and {stated} were announced: send it again")
    except OSError as error:
        part.unlink(missing_ok=True)
        if no_room(error):
            raise TooLarge(f"the disk is full: {name!r} was not kept") from error
        raise OutputError(f"cannot write the upload {name!r}: {error.strerror}") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part


def take_in(folder: StudioFolder, part: Path, name: str) -> None:
    """Look at what was uploaded, and give it its name if it is a film or a sound.

    Raises MediaError if it is neither, AlreadyThere if a file of that name has come in the meantime.
    """
    target = folder.root / file_name_of(name)
    try:
        info = _looked_at(part, name)
        if not info.video and not info.audio:
            raise InputError(f"{name!r} holds neither a picture nor a sound")
        try:
            os.link(part, target, follow_symlinks=False)  # unlike a rename, it never overwrites
        except FileExistsError as error:
            raise AlreadyThere(
                f"a file {name!r} is there already; rename yours, nothing is overwritten"
            ) from error
        except OSError as error:
            raise OutputError(f"cannot write {name!r}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _looked_at(part: Path, name: str) -> MediaInfo:
    """What is in an upload; the message names what the sender calls it, and not where it lies."""
    try:
        return probe(part)
    except MediaError as error:
        raise MediaError(str(error).replace(repr(str(part)), repr(name)).replace(str(part), name)) from error
