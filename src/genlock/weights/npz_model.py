"""The file of a model of our own: a header and arrays in one ``.npz``, without pickle."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError
from genlock.core.files import atomic_file, write_bytes
from genlock.core.json_forms import dump_json, load_json
from genlock.core.track_file import write_arrays
from genlock.weights import registry

__all__ = [
    "arrays_in",
    "load_once",
    "model_beside",
    "model_path",
    "put_beside",
    "read_model",
    "shape_in",
    "write_model",
]

Model = TypeVar("Model")
#: Arrays of a model by name.
Arrays = Mapping[str, npt.NDArray[Any]]


def model_path(model: str | os.PathLike[str]) -> Path:
    """The file of a model that is named as users name it: by the registry, as a file, or as a folder with it.

    Raises MissingModel if a model of that name is known, and not on this machine.
    """
    path = registry.require(str(model)) if _is_name(model) else Path(model)
    return path / "model.npz" if path.is_dir() else path


def _is_name(model: str | os.PathLike[str]) -> bool:
    path = Path(model)
    return not path.exists() and path.parent == Path() and not path.suffix


def put_beside(model: str, folder: str | os.PathLike[str], name: str) -> str:
    """What another model's file is to say of a model that it needs, so that both can be moved together.

    A name of the registry stays. A file is copied into the folder under ``name``, which is then what is said.

    Raises FormatError if the file cannot be read, OutputError if it cannot be copied.

    >>> put_beside("foley-codec", "anywhere", "codec.npz")
    'foley-codec'
    """
    if _is_name(model):
        return model
    path = model_path(model)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(
            f"the model {model!r} cannot be read ({error}); give a file, or a folder with model.npz"
        ) from error
    write_bytes(Path(folder) / name, data)
    return name


def model_beside(model: str, path: str | os.PathLike[str]) -> str:
    """Where a model lies that the file ``path`` says it needs: beside it, or else as it is named.

    >>> model_beside("foley-codec", "anywhere/model.npz")
    'foley-codec'
    """
    there = Path(path).parent / model
    return str(there) if Path(model).suffix and there.exists() else model


def shape_in(header: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a model's shape as they were written: JSON has lists where they were tuples.

    >>> shape_in({"shape": {"layers": 2, "widths": [8, 16]}})
    {'layers': 2, 'widths': (8, 16)}
    """
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in header["shape"].items()
    }


def arrays_in(found: Arrays) -> dict[str, npt.NDArray[np.float32]]:
    """The arrays of a model's file by name, in float32, without its header."""
    return {name: np.asarray(found[name], np.float32) for name in found if name != "header"}


def write_model(
    target: str | os.PathLike[str],
    kind: str,
    header: Mapping[str, Any],
    arrays: Arrays,
    *,
    half: bool = False,
) -> None:
    """Write a model as ``.npz``, atomically, in float32; byte for byte the same for the same model.

    ``half`` stores its numbers in 16 bits, half as many bytes.

    Raises OutputError if the target cannot be written.
    """
    text = dump_json({"genlock_schema": 1, "kind": kind, **header})
    plain: dict[str, npt.NDArray[Any]] = {"header": np.frombuffer(text.encode(), np.uint8)}
    plain |= {
        name: np.ascontiguousarray(array, np.float16 if half else np.float32)
        for name, array in arrays.items()
    }
    with atomic_file(target) as out:
        write_arrays(out, plain)


def load_once(
    model: str | os.PathLike[str], kind: str, what: str, build: Callable[[Mapping[str, Any], Arrays], Model]
) -> Model:
    """A model that is named as users name it, read once for each file; a file that was written anew is read anew.

    ``kind``, ``what`` and ``build`` are those of :func:`read_model`; ``build`` is a function of a module. It
    raises what :func:`read_model` and :func:`model_path` do.
    """
    path = model_path(model)
    try:
        found = path.stat()
        state = (found.st_mtime_ns, found.st_size)
    except OSError:
        state = (0, 0)  # reading says what is wrong
    once: Model = _read_once(path, state, kind, what, build)
    return once


@lru_cache(maxsize=32)
def _read_once(path: Path, state: tuple[int, int], kind: str, what: str, build: Callable[..., Any]) -> Any:
    return read_model(path, kind, what, build)


def read_model(
    path: str | os.PathLike[str], kind: str, what: str, build: Callable[[Mapping[str, Any], Arrays], Model]
) -> Model:
    """Read a model that :func:`write_model` wrote; ``build`` makes it of its header and arrays.

    Raises FormatError if it is not there, damaged, or of another kind than ``kind``, in words ``what``.
    """
    origin = repr(os.fspath(path))
    try:
        with np.load(path, allow_pickle=False) as archive:
            header = load_json(archive["header"].tobytes().decode(), origin)
            if header.get("kind") != kind:
                raise FormatError(f"{origin} holds a {header.get('kind')!r}, not a {what}")
            return build(header, archive)
    except FormatError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(f"{origin} is not a whole {what} ({error}); train it again") from error
