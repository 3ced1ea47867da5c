"""Packages that only an extra installs: what each is for, and what to say where one is not here.

The core installs in 300 MB. What weighs more (decoders of speech, nets for faces, torch) comes with an extra,
and whoever needs one that is not here is told which, in a line, when it is needed and not before.
"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from json import loads
from pathlib import Path
from shlex import quote
from shutil import which
from types import MappingProxyType, ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from genlock.core.errors import MissingDependency

__all__ = [
    "EXTRA_OF",
    "extra_command",
    "is_installed",
    "missing_package",
    "not_installed",
    "optional_module",
    "require_packages",
    "with_this_pip",
]

#: The extra that installs each package, by the name it is imported by.
EXTRA_OF: Mapping[str, str] = MappingProxyType(
    {
        "cv2": "faces",
        "ai_edge_litert": "faces",
        "numba": "speech",
        "pocketsphinx": "speech",
        "faster_whisper": "speech",
        "ctranslate2": "speech",
        "onnxruntime": "speech",
        "huggingface_hub": "speech",
        "hama": "languages",
        "uroman": "languages",
        "ctc_beam_decoder": "beam",
        "accelerate": "models",
        "safetensors": "models",
        "tokenizers": "models",
        "torch": "models",
        "transformers": "models",
        "pyarrow": "data",
        "sklearn": "data",
        "ray": "cluster",
        "fastapi": "studio",
        "uvicorn": "studio",
    }
)


def extra_command(extra: str) -> str:
    """What a person types to install an extra.

    >>> extra_command("faces")
    "pip install 'genlock[faces]'"
    """
    return f"pip install 'genlock[{extra}]'"


def with_this_pip(text: str) -> str:
    """A message in which what is to be typed installs into the Python that runs this, and not into another one.

    ``pip`` alone is another Python's where Genlock was begun by its path, as ``.venv/bin/genlock`` is; and
    ``genlock[faces]`` is found nowhere where Genlock came out of a folder: the folder is named then.

    >>> with_this_pip("nothing to install here")
    'nothing to install here'
    """
    text = _from_where_it_came(text)
    found = which("pip")
    if found is not None and Path(found).absolute().parent == Path(sys.executable).parent:
        return text
    return re.sub(r"(?<!-m )\bpip install ", lambda _: f"{quote(sys.executable)} -m pip install ", text)


def _from_where_it_came(text: str) -> str:
    """``genlock[faces]`` as pip finds it that installed this Genlock (PEP 610)."""
    if "'genlock[" not in text:
        return text
    try:
        told = _METADATA.distribution("genlock").read_text("direct_url.json")
    except _METADATA.PackageNotFoundError:
        return text
    if told is None:  # from an index
        return text
    origin = loads(told)
    folder = unquote(urlsplit(origin["url"]).path)
    folder = folder[1:] if re.match("/[A-Za-z]:/", folder) else folder  # a drive of Windows
    if origin.get("dir_info", {}).get("editable"):
        return re.sub(r"'genlock\[([^\]']+)\]'", lambda found: f"-e {quote(f'{folder}[{found[1]}]')}", text)
    kind = origin.get("vcs_info", {}).get("vcs")
    url = f"{kind}+{origin['url']}" if kind else origin["url"]
    return re.sub(r"'genlock\[([^\]']+)\]'", lambda found: quote(f"genlock[{found[1]}] @ {url}"), text)


def not_installed(package: str, what: str = "this") -> MissingDependency:
    """The error for a package that is not here.

    Parameters
    ----------
    package : the name it is imported by, one of :data:`EXTRA_OF`
    what : what needs it, as the subject of a sentence

    >>> print(not_installed("cv2", "the contact sheet"))
    the contact sheet needs cv2, which is not installed: pip install 'genlock[faces]'
    """
    if package == "ai_edge_litert" and (sys.platform, platform.machine()) == ("darwin", "x86_64"):
        return MissingDependency(
            f"{what} needs {package}, of which there is none for Macs with Intel processors; all else works there"
        )
    return MissingDependency(
        f"{what} needs {package}, which is not installed: {extra_command(EXTRA_OF[package])}"
    )


def require_packages(*packages: str, what: str) -> None:
    """Say all at once what somebody lacks, so that they install once and not one package after the other.

    Parameters
    ----------
    packages : names that they are imported by, each one of :data:`EXTRA_OF`
    what : what needs them, as the subject of a sentence

    Raises
    ------
    MissingDependency
        If some are not installed; the line names all extras that bring them.

    Examples
    --------
    >>> require_packages(what="nothing")
    """
    missing = [package for package in packages if not is_installed(package)]
    if not missing:
        return
    if len(missing) == 1:
        raise not_installed(missing[0], what)
    extras = ",".join(dict.fromkeys(EXTRA_OF[package] for package in missing))
    *most, last = missing
    raise MissingDependency(
        f"{what} needs {', '.join(most)} and {last}, which are not installed: {extra_command(extras)}"
    )


def missing_package(error: ImportError, what: str = "this") -> MissingDependency | None:
    """The error to tell in place of one that an import raised; None if it is about no package of an extra.

    >>> print(missing_package(ModuleNotFoundError("No module named 'cv2'", name="cv2")))
    this needs cv2, which is not installed: pip install 'genlock[faces]'
    >>> missing_package(ModuleNotFoundError("No module named 'tempo'", name="tempo")) is None
    True
    """
    name = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or name not in EXTRA_OF:
        return None
    return not_installed(name, what)


def is_installed(*packages: str) -> bool:
    """Whether packages are here, by the names they are imported by; none is imported.

    >>> is_installed("json"), is_installed("json", "no_such_package")
    (True, False)
    """
    try:
        return all(find_spec(package) is not None for package in packages)
    except (ModuleNotFoundError, ValueError):  # somebody keeps it from being imported
        return False


class _Later(ModuleType):
    """Stands for a module until something of it is used; then it has all that the module has."""

    def __getattr__(self, name: str) -> Any:
        # Who looks at a module from outside (doctest, inspect, pickle) asks for such names; that is no use of it.
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            module = import_module(self.__name__)
        except ModuleNotFoundError as error:
            told = missing_package(error)
            if told is None:
                raise
            raise told from error
        self.__dict__.update(vars(module))
        return getattr(module, name)


def optional_module(name: str) -> Any:
    """A module of an extra, imported when something of it is first used.

    Using it raises :class:`~genlock.core.errors.MissingDependency` where it is not installed.

    >>> optional_module("json").dumps([1])
    '[1]'
    """
    return _Later(name)


_METADATA = optional_module("importlib.metadata")
