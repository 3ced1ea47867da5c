"""Other people's ``.pt`` files, which are pickles, read without running anything that they ask for.

A pickle may name any function of this machine and have it called. This reader knows tensors, numbers, texts, lists,
tuples, dicts and sets; whatever else a pickle names becomes a :class:`Stub`, an object that does nothing and remembers
what it was given, so that settings kept in a class of somebody's own can still be read. Tensors come as
:class:`StoredTensor`: only those that are asked for leave the disk, so that an optimiser's state costs nothing.

Both forms of ``torch.save`` are read: the zip archive (since torch 1.6) and the older one.
"""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import IO, Any

from genlock.core.errors import FormatError, MissingDependency, MissingModel

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise MissingDependency(
        f"checkpoints need torch ({error}); install it: pip install 'genlock[models]'"
    ) from error

__all__ = ["StoredTensor", "Stub", "plain", "read_inert"]

# A pickle itself holds settings and names; weights lie beside it.
_LARGEST_PICKLE = 256 << 20
_MOST_SETTINGS, _DEEPEST = 200_000, 50
_LEGACY_MAGIC, _LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_TYPES: Mapping[str, torch.dtype] = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_PLAIN_CLASSES: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("builtins", "list"): list,
    ("builtins", "dict"): dict,
    ("builtins", "complex"): complex,
    ("torch", "Size"): tuple,
}


class Stub:
    """Stands for an object of a class that is not built: inert, with what it was made of.

    >>> Stub.kind
    'unknown'
    """

    kind = "unknown"
    """The class or function that the pickle named, as ``module.name``."""
    given: tuple[Any, ...] = ()
    """What it was called with."""
    state: Any = None
    """What it was filled with: usually the dict of its attributes."""
    items: dict[Any, Any]
    """What was put into it by key, as into a dict."""
    entries: list[Any]
    """What was put into it in order, as into a list."""

    def __new__(cls, *given: Any, **named: Any) -> Stub:
        made = super().__new__(cls)
        made.given, made.items, made.entries = given, dict(named), []
        return made

    def __init__(self, *given: Any, **named: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        object.__setattr__(self, "state", state)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items[key] = value

    def append(self, value: Any) -> None:
        """Take the next item of what was a list."""
        self.entries.append(value)

    def extend(self, values: Any) -> None:
        """Take the next items of what was a list."""
        self.entries.extend(values)

    def __call__(self, *given: Any, **named: Any) -> Stub:
        """Calling it does nothing but be remembered."""
        return Stub(self, *given, **named)

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<inert {self.kind}>"


class _Unchanged:
    """What was checked once is not filled anew by the pickle."""

    def __setstate__(self, state: Any) -> None:
        raise FormatError("it changes a tensor after it was made")


@dataclass(frozen=True, eq=False)
class _Storage(_Unchanged):
    """Bytes of one storage on the disk."""

    dtype: torch.dtype
    count: int
    read: Callable[[], bytes]


@dataclass(frozen=True, eq=False)
class StoredTensor(_Unchanged):
    """A tensor that is still on the disk."""

    shape: tuple[int, ...]
    """Its shape."""
    dtype: torch.dtype
    """Its type."""
    _storage: _Storage = field(repr=False)
    _offset: int = field(repr=False)
    _stride: tuple[int, ...] = field(repr=False)

    def read(self) -> Tensor:
        """The tensor, with memory of its own.

        Raises FormatError if the file is too short for it.
        """
        data = self._storage.read()
        size = self._storage.count * _width(self.dtype)
        if len(data) < size:
            raise FormatError(
                f"a tensor of the checkpoint has {len(data)} bytes instead of {size}: it is cut short"
            )
        if not size:
            return torch.zeros(self.shape, dtype=self.dtype)
        whole = torch.frombuffer(bytearray(data[:size]), dtype=self.dtype)
        return whole.as_strided(self.shape, self._stride, self._offset).clone()


def read_inert(path: str | os.PathLike[str]) -> Any:
    """What a file of ``torch.save`` holds, see the module.

    Raises
    ------
    MissingModel
        If there is no such file.
    FormatError
        If it is no such file, is cut short, or asks for what makes no sense; the message says what.
    """
    file = Path(path)
    if not file.is_file():
        raise MissingModel(f"there is no file {str(file)!r}; give a checkpoint")
    try:
        if zipfile.is_zipfile(file):
            return _read_zip(file)
        with file.open("rb") as stream:
            return _read_legacy(file, stream)
    except FormatError as error:
        raise FormatError(f"{str(file)!r} is no checkpoint that can be read: {error}") from error
    except Exception as error:
        # A damaged pickle may raise anything: IndexError, KeyError, UnicodeDecodeError ...
        raise FormatError(
            f"{str(file)!r} is no checkpoint that can be read ({type(error).__name__}: {error}); it is damaged or cut "
            "short: fetch it again"
        ) from error


def plain(value: Any) -> Any:
    """Stubs of settings as what they hold: a namespace or a DictConfig as a dict, a ListConfig as a list.

    Stubs within that are something else stay.

    >>> namespace = Stub()
    >>> namespace.__setstate__({"layers": 12})
    >>> plain({"model": namespace})
    {'model': {'layers': 12}}
    """
    return _plain(value, iter(range(_MOST_SETTINGS)))


def _plain(value: Any, left: Iterator[int], depth: int = 0) -> Any:
    # A pickle of a hundred bytes may hold a list of lists of the same lists, which is endless when it is walked.
    if next(left, None) is None or depth > _DEEPEST:
        raise FormatError("the settings of the checkpoint are too many or nested too deeply")
    if isinstance(value, Stub) and isinstance(value.state, dict):
        # OmegaConf's containers have _content, its values _val.
        inner = next((value.state[key] for key in ("_content", "_val") if key in value.state), value.state)
        return _plain(inner, left, depth + 1)
    if isinstance(value, dict):
        return {key: _plain(each, left, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, left, depth + 1) for each in value]
    return value


# ---------------------------------------------------------------- the unpickler


class _Unpickler(pickle._Unpickler):
    """Gives nothing that could do harm, whatever the pickle names.

    The one that is written in Python: the fast one takes as much memory as a pickle says it needs.
    """

    def __init__(self, stream: IO[bytes], storage: Callable[[torch.dtype, str, int], _Storage]) -> None:
        super().__init__(stream, encoding="utf-8", errors="replace")
        self._storage = storage
        self._seen: dict[str, Any] = {}

    def find_class(self, module: str, name: str) -> Any:
        known = _PLAIN_CLASSES.get((module.replace("__builtin__", "builtins"), name))
        if known is not None:
            # Never the class itself: a pickle may fill what it was given with attributes.
            return lambda *given: known(*given)
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        if (module, name) in (("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor")):
            return lambda *given: _tensor(*given)
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        if (module, name) == ("_codecs", "encode"):  # bytes, in the protocol that torch uses
            return lambda text, *_: str(text).encode("latin-1")
        kind = f"{module}.{name}"
        if kind not in self._seen:
            self._seen[kind] = type("Stub", (Stub,), {"kind": kind})
        return self._seen[kind]

    def persistent_load(self, key: Any) -> _Storage:
        match key:
            case ("storage", torch.dtype() as dtype, str() as name, _, int() as count, *view) if count >= 0:
                if any(each is not None for each in view):
                    raise FormatError("it holds views of storages, which only files before torch 0.4 do")
                return self._storage(dtype, name, count)
        raise FormatError("it refers to something outside that is no storage of a tensor")


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> StoredTensor:
    """A tensor as ``torch._utils._rebuild_tensor_v2`` is asked for it, if it lies within its storage."""
    numbers = (offset, *shape, *stride)
    if not isinstance(storage, _Storage) or len(shape) != len(stride):
        raise FormatError("it holds a tensor without a storage")
    if any(type(n) is not int or n < 0 for n in numbers):
        raise FormatError("it holds a tensor whose shape or stride are not numbers from 0 on")
    last = offset + sum((n - 1) * step for n, step in zip(shape, stride, strict=True))
    # More values than the storage has would be one value many times: a small file that fills the memory.
    if prod(shape) and (last >= storage.count or prod(shape) > storage.count):
        raise FormatError(f"it holds a tensor of shape {list(shape)} in a storage of {storage.count} values")
    return StoredTensor(tuple(shape), storage.dtype, storage, offset, tuple(stride))


def _width(dtype: torch.dtype) -> int:
    return torch.empty(0, dtype=dtype).element_size()


# ---------------------------------------------------------------- the two forms


def _read_zip(file: Path) -> Any:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        pickled = next((n for n in names if n.endswith("/data.pkl") and n.count("/") == 1), None)
        if pickled is None:
            raise FormatError("it is a zip archive, but not one of torch.save (it has no data.pkl)")
        root = pickled.removesuffix("data.pkl")
        if f"{root}byteorder" in names and archive.read(f"{root}byteorder") != b"little":
            raise FormatError("its numbers are big-endian; save it on a usual machine")
        if any(each.compress_type != zipfile.ZIP_STORED for each in archive.infolist()):
            raise FormatError("its members are compressed, which torch.save never does")
        if archive.getinfo(pickled).file_size > _LARGEST_PICKLE:
            raise FormatError("its list of contents is larger than 256 MB")

        def storage(dtype: torch.dtype, name: str, count: int) -> _Storage:
            member = f"{root}data/{name}"
            if member not in names:
                raise FormatError(f"its member {member!r} is missing")
            if archive.getinfo(member).file_size < count * _width(dtype):
                raise FormatError(f"its member {member!r} is shorter than {count} values")
            return _Storage(dtype, count, lambda: _member(file, member))

        with archive.open(pickled) as stream:
            return _Unpickler(stream, storage).load()


def _member(file: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.read(name)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise FormatError(f"{str(file)!r} is damaged at {name!r}: {error}; fetch it again") from error


def _read_legacy(file: Path, stream: IO[bytes]) -> Any:
    """Magic number, protocol, facts about the machine, the objects, names of storages, and then the storages."""
    wanted: dict[str, tuple[torch.dtype, int]] = {}
    places: dict[str, int] = {}

    def storage(dtype: torch.dtype, name: str, count: int) -> _Storage:
        wanted[name] = (dtype, count)
        return _Storage(dtype, count, lambda: _span(file, places.get(name), count * _width(dtype)))

    def load() -> Any:
        return _Unpickler(stream, storage).load()

    if load() != _LEGACY_MAGIC or load() != _LEGACY_PROTOCOL:
        raise FormatError("it is neither a zip archive nor an old file of torch.save")
    about = load()
    if isinstance(about, dict) and about.get("little_endian") is False:
        raise FormatError("its numbers are big-endian; save it on a usual machine")
    found, names = load(), load()
    for name in names:
        if name not in wanted:
            raise FormatError(f"its storage {name!r} belongs to no tensor")
        dtype, count = wanted[name]
        (stored,) = struct.unpack("<q", stream.read(8))
        if stored != count:
            raise FormatError(f"its storage {name!r} has {stored} values instead of {count}")
        places[name] = stream.tell()
        stream.seek(count * _width(dtype), os.SEEK_CUR)
    if stream.tell() > file.stat().st_size:
        raise FormatError("it is cut short")
    return found


def _span(file: Path, place: int | None, size: int) -> bytes:
    if place is None:
        raise FormatError(f"a storage of {str(file)!r} is missing; it is cut short: fetch it again")
    with file.open("rb") as stream:
        stream.seek(place)
        return stream.read(size)
