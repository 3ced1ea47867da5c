"""Every model file by name: find it, require it, fetch it, verify it.

Only :func:`fetch` touches the network. Fetched files lie in ``~/.cache/genlock/models/NAME``, or in
``$GENLOCK_CACHE/models/NAME``.

>>> [status.model.name for status in list_models()][0]
'whisper-tiny.en'
"""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from genlock.core.errors import FormatError, MissingModel, OptionError, OutputError
from genlock.core.files import sha256_of
from genlock.core.one_line import one_line
from genlock.weights.downloads import SourceError
from genlock.weights.sources import FetchProgress, LocalSource, ModelSource, RemoteSource, source_from_dict

__all__ = [
    "FetchResult",
    "Model",
    "ModelFile",
    "ModelStatus",
    "Registry",
    "Verification",
    "default_registry",
    "fetch",
    "find",
    "list_models",
    "require",
    "verify",
]

TABLE = Path(__file__).with_name("table.toml")
_OWN = TABLE.parent
_STAGING = ".fetch-"
# A fetch that was killed leaves its staging folder; nothing takes this long while alive.
_STALE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class ModelFile:
    """One file of a model."""

    path: str
    """Relative to the model's folder, with ``/``."""
    size_bytes: int
    """Exact size."""
    sha256: str
    """Hash of the content, 64 hexadecimal digits."""

    __repr__ = one_line

    def __post_init__(self) -> None:
        plain = self.path and not self.path.startswith("/") and ".." not in self.path.split("/")
        if not plain or self.size_bytes < 0 or len(self.sha256) != 64:
            raise FormatError(f"damaged model table: {self.path!r} needs a path, a size and a SHA-256")

    def problem(self, folder: Path, *, read: bool) -> str | None:
        """What is wrong with the copy in ``folder``, or None; the content is hashed only if ``read``."""
        path = folder / self.path
        try:
            size = path.stat().st_size
            if size != self.size_bytes:
                return f"{self.path} has {size} bytes instead of {self.size_bytes}"
            if read and sha256_of(path) != self.sha256:
                return f"{self.path} has another content (SHA-256 differs)"
        except FileNotFoundError:
            return f"{self.path} is missing"
        except OSError as error:
            return f"{self.path} cannot be read: {error.strerror}"
        return None

    def to_dict(self) -> dict[str, Any]:
        """``path``, ``size_bytes``, ``sha256``."""
        return {"path": self.path, "size_bytes": self.size_bytes, "sha256": self.sha256}


@dataclass(frozen=True)
class Model:
    """What the table says about one model."""

    name: str
    """The name by which it is asked for."""
    title: str
    """What it is, in a few words."""
    licence: str
    """SPDX identifier."""
    credit: str
    """Who made it."""
    default: bool
    """Whether set-up fetches it."""
    files: tuple[ModelFile, ...]
    """Its files, at least one."""
    sources: tuple[ModelSource, ...]
    """Where it comes from, in the order in which they are tried."""

    __repr__ = one_line

    def __post_init__(self) -> None:
        if not self.files or not self.sources:
            raise FormatError(f"damaged model table: {self.name!r} needs a file and a source")

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return sum(file.size_bytes for file in self.files)

    def handle(self, folder: Path) -> Path:
        """What a user of the model opens: the file of a one-file model, else the folder."""
        return folder / self.files[0].path if len(self.files) == 1 else folder

    def problems(self, folder: Path, *, read: bool) -> tuple[str, ...]:
        """What is wrong with the copy in ``folder``, file by file."""
        found = (file.problem(folder, read=read) for file in self.files)
        return tuple(problem for problem in found if problem)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the table, and ``size_bytes``."""
        return {
            "name": self.name,
            "title": self.title,
            "licence": self.licence,
            "credit": self.credit,
            "default": self.default,
            "size_bytes": self.size_bytes,
            "files": [file.to_dict() for file in self.files],
            "sources": [source.to_dict() for source in self.sources],
        }


@dataclass(frozen=True)
class ModelStatus:
    """A model, and whether it is on this machine (by the sizes of its files)."""

    model: Model
    """What the table says."""
    path: Path | None
    """Its file, or its folder if it has several; None if it is not here."""

    __repr__ = one_line

    def __str__(self) -> str:
        kilobytes = self.model.size_bytes / 1e3
        size = f"{kilobytes / 1e3:.1f} MB" if kilobytes >= 100 else f"{kilobytes:.0f} kB"
        return f"{self.model.name:<24}  {size:>8}  {self.model.licence:<12}  {self._place()}"

    def _place(self) -> str:
        """Where it is, in words; the path stands in :meth:`to_dict`."""
        if self.path is None:
            return "not here"
        return "with Genlock" if self.path.is_relative_to(_OWN) else "here"

    def to_dict(self) -> dict[str, Any]:
        """The model's keys, ``present`` and ``path``."""
        return {**self.model.to_dict(), "present": self.path is not None, "path": _text(self.path)}


@dataclass(frozen=True)
class FetchResult:
    """Where a fetched model lies and where it came from."""

    name: str
    """The model."""
    path: Path
    """Its file, or its folder if it has several."""
    source: str
    """The source in words."""
    fetched: bool
    """False where a sound copy was already here."""

    __repr__ = one_line

    def __str__(self) -> str:
        how = "fetched from" if self.fetched else "already here,"
        return f"{self.name}: {how} {self.source}: {self.path}"

    def to_dict(self) -> dict[str, Any]:
        """``name``, ``path``, ``source``, ``fetched``."""
        return {"name": self.name, "path": str(self.path), "source": self.source, "fetched": self.fetched}


@dataclass(frozen=True)
class Verification:
    """Whether every byte of a model is what the table says."""

    name: str
    """The model."""
    state: Literal["sound", "damaged", "missing"]
    """``missing``: no copy at all."""
    path: Path | None
    """Its file, or its folder; None if missing."""
    problems: tuple[str, ...] = ()
    """What is wrong, file by file."""

    __repr__ = one_line

    def __str__(self) -> str:
        if self.state == "sound":
            return f"{self.name}: ok"
        return f"{self.name}: {self.state} ({'; '.join(self.problems)}): genlock models fetch {self.name}"

    def to_dict(self) -> dict[str, Any]:
        """``name``, ``state``, ``path``, ``problems``."""
        return {
            "name": self.name,
            "state": self.state,
            "path": _text(self.path),
            "problems": list(self.problems),
        }


@dataclass(frozen=True)
class Registry:
    """The models of one table, and the cache folder that they are fetched into."""

    models: Mapping[str, Model] = field(repr=False)
    """By name, in the table's order."""
    cache: Path
    """Fetched models lie in folders of their name below it."""

    @classmethod
    def read(cls, table: Path, cache: Path) -> Registry:
        """The registry of a table file (TOML).

        Raises
        ------
        FormatError
            If the table lacks a key or has one that is not known.
        """
        with open(table, "rb") as stream:
            entries = tomllib.load(stream)["model"]
        try:
            models = {name: _model(name, entry) for name, entry in entries.items()}
        except (KeyError, TypeError) as error:
            raise FormatError(f"the model table {str(table)!r} is damaged: {error!r}") from error
        return cls(models, cache)

    def model(self, name: str) -> Model:
        """What the table says about ``name``.

        Raises
        ------
        OptionError
            If there is no such model; the message names the nearest.
        """
        if name in self.models:
            return self.models[name]
        near = difflib.get_close_matches(name, self.models, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(self.models)}"
        raise OptionError(f"no model is called {name!r}; {hint}")

    def list_models(self) -> tuple[ModelStatus, ...]:
        """Every model and whether it is here, in the table's order."""
        return tuple(ModelStatus(model, self.find(name)) for name, model in self.models.items())

    def find(self, name: str) -> Path | None:
        """The model's file, or its folder if it has several files; None if it is not on this machine.

        Never touches the network. Judges by the files' sizes; :meth:`verify` reads them.
        """
        model = self.model(name)
        for folder in self._folders(model):
            if not model.problems(folder, read=False):
                return model.handle(folder)
        return None

    def require(self, name: str) -> Path:
        """Does what :meth:`find` does, for those who cannot do without the model.

        Raises
        ------
        MissingModel
            If it is not here; the message says in one line how to get it.
        """
        return self.require_all(name)[0]

    def require_all(self, *names: str) -> list[Path]:
        """Does what :meth:`require` does for several, so that all that is missing is told and fetched at once.

        Raises
        ------
        MissingModel
            If one is not here; the message says in one line how to get all that are not.
        """
        paths = [(name, self.find(name)) for name in names]
        missing = [name for name, path in paths if path is None]
        if missing:
            many, them = ("s", "them") if len(missing) > 1 else ("", "it")
            told, wanted = " and ".join(map(repr, missing)), " ".join(missing)
            error = MissingModel(
                f"the model{many} {told} {'are' if many else 'is'} not on this machine; "
                f"get {them} with: genlock models fetch {wanted}"
            )
            error.fetch = wanted
            raise error
        return [path for _, path in paths if path is not None]

    def verify(self, name: str) -> Verification:
        """Read every byte of the copy that :meth:`find` would take, or of the damaged one in its place."""
        model = self.model(name)
        problems: tuple[str, ...] = ()
        damaged: Path | None = None
        for folder in self._folders(model):
            if not folder.is_dir():
                continue
            problems = model.problems(folder, read=True)
            if not problems:
                return Verification(name, "sound", model.handle(folder))
            damaged = damaged or model.handle(folder)
        if damaged is None:
            return Verification(name, "missing", None, ("it is not on this machine",))
        return Verification(name, "damaged", damaged, problems)

    def fetch(self, name: str, *, progress: Callable[[FetchProgress], None] | None = None) -> FetchResult:
        """Make sure that a sound copy is here: take the first source that delivers what the table says.

        A copy that is here is read and kept if every byte is right. Several processes may fetch the same
        model at once. What is cut short leaves nothing behind.

        Parameters
        ----------
        progress : callable
            Called with a :class:`FetchProgress` a few times a second while bytes arrive.

        Raises
        ------
        MissingModel
            If no source delivers; the message says of each why not.
        OutputError
            If the cache cannot be written.
        """
        model = self.model(name)
        found = self.verify(name)
        if found.state == "sound" and found.path is not None:
            return FetchResult(name, found.path, self._origin(model, found.path), fetched=False)
        failures = []
        for source in model.sources:
            if not isinstance(source, RemoteSource):
                failures.append(f"{source}: not there, or damaged; install it again")
                continue
            try:
                self._fetch_from(model, source, progress)
            except SourceError as error:
                failures.append(f"{source}: {error}")
            else:
                return FetchResult(name, model.handle(self.cache / name), str(source), fetched=True)
        raise MissingModel(f"the model {name!r} could not be fetched: {'; '.join(failures)}")

    def _folders(self, model: Model) -> list[Path]:
        """Where a copy may lie, the best first."""
        local = [source.local_folder() for source in model.sources if isinstance(source, LocalSource)]
        return [folder for folder in local if folder] + [self.cache / model.name]

    def _origin(self, model: Model, path: Path) -> str:
        for source in model.sources:
            folder = source.local_folder() if isinstance(source, LocalSource) else None
            if folder and model.handle(folder) == path:
                return str(source)
        return "the cache"

    def _fetch_from(
        self, model: Model, source: RemoteSource, progress: Callable[[FetchProgress], None] | None
    ) -> None:
        def on_bytes(done: int, total: int) -> None:
            if progress:
                progress(FetchProgress(model.name, str(source), min(done, total), total))

        staging = self._staging()
        try:
            source.deliver({file.path: file.size_bytes for file in model.files}, staging, on_bytes)
            problems = model.problems(staging, read=True)
            if problems:
                raise SourceError("; ".join(problems))
            self._keep(model, staging)
        except OSError as error:
            raise _unwritable(self.cache, error) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _staging(self) -> Path:
        """A fresh folder on the cache's own disk, so that a file moves from it by a rename."""
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            for old in self.cache.glob(_STAGING + "*"):
                if time.time() - old.stat().st_mtime > _STALE_SECONDS:
                    shutil.rmtree(old, ignore_errors=True)
            return Path(tempfile.mkdtemp(prefix=_STAGING, dir=self.cache))
        except OSError as error:
            raise _unwritable(self.cache, error) from error

    def _keep(self, model: Model, staging: Path) -> None:
        # File by file: each rename is atomic and puts a sound file in place, so that two processes doing the
        # same, or one replacing a damaged copy, can only make it better. find() says yes when all are there.
        for file in model.files:
            target = self.cache / model.name / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(staging / file.path, target)


def default_registry() -> Registry:
    """Our own table with the user's cache, as the environment has it now."""
    root = os.environ.get("GENLOCK_CACHE")
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(root) if root else Path(user) / "genlock"
    return Registry(_own_models(), folder / "models")


def list_models() -> tuple[ModelStatus, ...]:
    """Every model and whether it is on this machine; see :meth:`Registry.list_models`.

    >>> list_models()[0].model.licence
    'MIT'
    """
    return default_registry().list_models()


def find(name: str) -> Path | None:
    """The model's file or folder, None if it is not on this machine; see :meth:`Registry.find`.

    >>> find("pocketsphinx-en-us").is_dir()
    True
    """
    return default_registry().find(name)


def require(name: str) -> Path:
    """The model's file or folder, or :class:`MissingModel` with the line that gets it.

    >>> require("whisper-tiny")
    Traceback (most recent call last):
    genlock.core.errors.OptionError: no model is called 'whisper-tiny'; did you mean 'whisper-tiny.en'?
    """
    return default_registry().require(name)


def require_all(*names: str) -> list[Path]:
    """The files or folders of several models, or :class:`MissingModel` with the line that gets all of them.

    >>> [path.is_dir() for path in require_all("pocketsphinx-en-us", "speech-nano")]
    [True, True]
    """
    return default_registry().require_all(*names)


def fetch(name: str, *, progress: Callable[[FetchProgress], None] | None = None) -> FetchResult:
    """Make sure that a sound copy is here, from the first source that delivers; see :meth:`Registry.fetch`.

    >>> fetch("pocketsphinx-en-us").fetched
    False
    """
    return default_registry().fetch(name, progress=progress)


def verify(name: str) -> Verification:
    """Whether every byte of the model is what the table says; see :meth:`Registry.verify`.

    >>> print(verify("pocketsphinx-en-us"))
    pocketsphinx-en-us: ok
    """
    return default_registry().verify(name)


@cache
def _own_models() -> Mapping[str, Model]:
    return Registry.read(TABLE, Path()).models


def _model(name: str, entry: Mapping[str, Any]) -> Model:
    fields = dict(entry)
    files = tuple(ModelFile(**each) for each in fields.pop("files"))
    sources = tuple(source_from_dict(each) for each in fields.pop("sources"))
    return Model(name=name, files=files, sources=sources, **{"default": False, **fields})


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _unwritable(cache_folder: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    return OutputError(
        f"the model cache {str(cache_folder)!r} cannot be written: {reason}; GENLOCK_CACHE sets another folder"
    )
