"""Files and folders of results that appear whole or not at all: written beside their target and renamed."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from genlock.core.errors import GenlockError, OutputError

__all__ = [
    "TEMPORARY",
    "atomic_file",
    "atomic_folder",
    "atomic_path",
    "make_folders",
    "no_room",
    "sha256_of",
    "unmake_folders",
    "write_bytes",
    "write_text",
]

#: How the names of files begin that have no name of their own yet; a kill may leave one.
TEMPORARY = ".genlock-"


@contextmanager
def atomic_path(target: str | os.PathLike[str], *, make_parents: bool = True) -> Iterator[Path]:
    """A path beside ``target`` to write to; renamed onto ``target`` if the block ends well, else removed.

    The temporary name keeps the target's ending, because writers choose the format by it. A target that is
    a link stays one: what it points to is replaced. Folders that had to be made go again if the block fails.

    Raises
    ------
    OutputError
        If the folder cannot be written, the target is no file, or the disk is full; nothing is left behind.
        What the block raises about anything else passes through.
    """
    try:
        final = Path(os.path.realpath(target))
        made = make_folders(final.parent) if make_parents else []
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        raise _cannot_write(target, error) from error
    temporary: Path | None = None
    try:
        temporary = _claim_beside(target, final)
        yield temporary
        os.replace(temporary, final)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        unmake_folders(made)
        # An OSError with the name of another file is about that file; writing names none.
        about = (None, str(temporary), str(final))
        named = None if not isinstance(error, OSError) else _without_protocol(error.filename)
        if isinstance(error, OSError) and not isinstance(error, GenlockError) and named in about:
            raise _cannot_write(target, error) from error
        raise


def _cannot_write(
    target: str | os.PathLike[str], error: Exception, advice: str = "nothing was kept of it"
) -> OutputError:
    reason = getattr(error, "strerror", None) or error
    return OutputError(f"cannot write {os.fspath(target)!r}: {reason}; {advice}")


def make_folders(folder: Path) -> list[Path]:
    """Make a folder and those above it; those that were made, the uppermost first.

    Raises
    ------
    OutputError
        If one of them is a file, or cannot be made; those that were made are gone again.
    """
    missing: list[Path] = []
    try:
        missing = [f for f in (folder, *folder.parents) if not f.exists()][::-1]
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        unmake_folders(missing)
        blocked = next((f for f in (folder, *folder.parents) if os.path.isfile(f)), None)
        reason = getattr(error, "strerror", None) or error
        why = reason if blocked is None else f"{str(blocked)!r} is a file"
        raise OutputError(f"cannot make the folder {str(folder)!r}: {why}; choose another folder") from error
    return missing


def unmake_folders(made: list[Path]) -> None:
    """Remove folders that :func:`make_folders` made, as far as they are still empty."""
    for folder in reversed(made):
        with suppress(OSError):  # no longer empty: another process is using it too
            folder.rmdir()


def _claim_beside(target: str | os.PathLike[str], final: Path) -> Path:
    """A new empty file beside ``final``, with the rights that a file made by hand would have."""
    if final.exists() and not final.is_file():
        what = "a folder" if final.is_dir() else "not a plain file"
        raise OutputError(f"cannot write {os.fspath(target)!r}: it is {what}; choose another target")
    temporary = final.with_name(f"{TEMPORARY}{secrets.token_hex(6)}{final.suffix}")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise _cannot_write(target, error) from error
    return temporary


@contextmanager
def atomic_file(target: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write to in the place of ``target``, as :func:`atomic_path`; on the disk before it has that name."""
    with atomic_path(target) as path, open(path, "wb") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


def write_bytes(target: str | os.PathLike[str], data: bytes) -> None:
    """Write a file atomically and durably."""
    with atomic_file(target) as out:
        out.write(data)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, hexadecimal. Raises OSError if it cannot be read."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(target: str | os.PathLike[str], text: str) -> None:
    """Write a UTF-8 text file atomically, with the line ends that ``text`` has.

    What UTF-8 cannot say (half a surrogate pair, from a file name in another encoding) is written as the
    escape ``\\udcff``, which JSON reads back as it was.
    """
    write_bytes(target, text.encode("utf-8", "backslashreplace"))


@contextmanager
def atomic_folder(target: str | os.PathLike[str], *, marker: str) -> Iterator[Path]:
    """A new folder beside ``target`` to fill; renamed onto ``target`` if the block ends well, else removed.

    Parameters
    ----------
    target : the folder that shall hold the results
    marker : the name of a file that every such folder holds. A folder that exists is replaced only if it
        is empty or holds this file, so that nobody's own folder is ever lost.

    Raises
    ------
    OutputError
        If the target is a file or somebody's own folder, or cannot be written.
    """
    final = Path(os.path.abspath(target))
    try:
        with suppress(FileNotFoundError):
            final.lstat()  # refuses names that nothing can have
        if final.exists() and not final.is_dir():
            raise OutputError(
                f"cannot write the folder {str(target)!r}: a file has that name; choose another with -o"
            )
        if final.is_dir() and not (final / marker).exists() and any(final.iterdir()):
            raise OutputError(
                f"the folder {str(target)!r} exists and is not a result of genlock (it has no {marker}); "
                "choose another with -o"
            )
        made = make_folders(final.parent)
        fresh = final.with_name(f"{TEMPORARY}{secrets.token_hex(6)}")
        fresh.mkdir()
    except OutputError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        raise _cannot_write(target, error, "choose another with -o") from error
    try:
        yield fresh
        _replace(fresh, final)
    except OSError as error:
        # An OSError with the name of a file elsewhere is about that file; a full disk names none.
        elsewhere = error.filename is not None and not _inside(error.filename, fresh, final)
        if isinstance(error, GenlockError) or elsewhere:
            raise
        raise _cannot_write(target, error) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        if not final.exists():
            unmake_folders(made)


def no_room(error: BaseException) -> bool:
    """Whether something could not be written because the disk is full, or a limit reached."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _without_protocol(name: object) -> str | None:
    """A file's name as FFmpeg tells it."""
    return None if name is None else str(name).removeprefix("file:")


def _inside(name: object, *folders: Path) -> bool:
    path = Path(os.path.abspath(_without_protocol(name) or ""))
    return any(path == folder or folder in path.parents for folder in folders)


def _replace(fresh: Path, final: Path) -> None:
    """Rename onto the target; a folder that is there steps aside first and comes back if the rename fails."""
    if not final.exists():
        os.rename(fresh, final)
        return
    aside = Path(tempfile.mkdtemp(prefix=".genlock-old-", dir=final.parent))
    old = aside / "old"
    os.rename(final, old)
    try:
        os.rename(fresh, final)
    except OSError:
        os.rename(old, final)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
