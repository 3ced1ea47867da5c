"""A folder of results that appears whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from genlock.core.errors import GenlockError, OutputError
from genlock.core.serial import make_folders, unmake_folders

__all__ = ["atomic_folder"]


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
        fresh = final.with_name(f".genlock-{secrets.token_hex(6)}")
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
        raise _cannot_write(target, error, "nothing was kept of it") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        if not final.exists():
            unmake_folders(made)


def _cannot_write(target: str | os.PathLike[str], error: Exception, advice: str) -> OutputError:
    reason = getattr(error, "strerror", None) or error
    return OutputError(f"cannot write {os.fspath(target)!r}: {reason}; {advice}")


def _inside(name: object, *folders: Path) -> bool:
    path = Path(os.path.abspath(str(name).removeprefix("file:")))  # FFmpeg names files so
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
