"""A folder of results that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genlock.core.errors import OutputError

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
    if final.exists() and not final.is_dir():
        raise OutputError(
            f"cannot write the folder {str(target)!r}: a file has that name; choose another with -o"
        )
    try:
        if final.is_dir() and not (final / marker).exists() and any(final.iterdir()):
            raise OutputError(
                f"the folder {str(target)!r} exists and is not a result of genlock (it has no {marker}); "
                "choose another with -o"
            )
        final.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".genlock-", dir=final.parent))
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"cannot write {str(target)!r}: {error.strerror or error}; choose another with -o"
        ) from error
    try:
        yield fresh
        os.chmod(fresh, 0o777 & ~_umask())
        _replace(fresh, final)
    except OSError as error:
        if (
            isinstance(error, OutputError)
            or error.filename is None
            or not _inside(error.filename, fresh, final)
        ):
            raise
        raise OutputError(
            f"cannot write {str(target)!r}: {error.strerror or error}; nothing was kept of it"
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
