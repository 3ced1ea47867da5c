"""Public models by the names that people know: found in the hub's cache on this machine, fetched only when asked.

>>> whisper_repository("large-v3"), aligner_repository("de")
('Systran/faster-whisper-large-v3', 'jonatasgrosman/wav2vec2-large-xlsr-53-german')
>>> print(how_to_get("large-v3"))
genlock models fetch large-v3
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from genlock.core.errors import MissingModel
from genlock.weights.registry import FetchResult

__all__ = [
    "aligner_repository",
    "aligners",
    "cached_folder",
    "estimator_files",
    "fetch_repository",
    "how_to_get",
    "is_hub_name",
    "missing_model",
    "repository_of",
    "romanized_repository",
    "whisper_names",
    "whisper_repository",
]

TABLE = Path(__file__).with_name("hub_table.toml")
#: Prefixes by which the makers of Whisper and of its distilled forms name theirs.
_WHISPER_PREFIX = re.compile(r"^(?:openai/|distil-whisper/)?(?:whisper-)?(?=.)")


def whisper_names() -> tuple[str, ...]:
    """The names of Whisper models, as whisper's own command knows them.

    >>> whisper_names()[:3]
    ('tiny.en', 'tiny', 'base.en')
    """
    return tuple(_table()["whisper"])


def whisper_repository(name: str) -> str | None:
    """The repository of a Whisper model in faster-whisper's form; None if it is none of the names that are known.

    >>> whisper_repository("openai/whisper-small"), whisper_repository("whisper-tiny.en"), whisper_repository("huge")
    ('Systran/faster-whisper-small', 'Systran/faster-whisper-tiny.en', None)
    """
    return _table()["whisper"].get(_WHISPER_PREFIX.sub("", name))


def aligner_repository(language: str) -> str | None:
    """The repository of the CTC checkpoint that aligns a language; None if the table has none of its own."""
    return _table()["aligners"].get(language)


def aligners() -> Mapping[str, str]:
    """Language to the repository of the CTC checkpoint that aligns it.

    >>> len(aligners()) >= 40
    True
    """
    return _table()["aligners"]


def estimator_files() -> Mapping[str, str]:
    """Public weights of estimators, as ``--estimators`` takes them, to what each is and whose page leads to it.

    >>> "syncnet:syncnet_v2.model" in estimator_files()
    True
    """
    return _table()["estimators"]


def romanized_repository() -> str:
    """The repository of the checkpoint of Roman letters, for languages that have none of their own."""
    return _table()["romanized"]["*"]


def is_hub_name(name: str) -> bool:
    """Whether a name can be one of the hub's, ``owner/name``, and no path.

    >>> is_hub_name("facebook/wav2vec2-base-960h"), is_hub_name("./models/mine"), is_hub_name("large-v3")
    (True, False, False)
    """
    return re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name) is not None


def repository_of(name: str) -> str | None:
    """The repository that a name means: a Whisper model of the table, or the hub's ``owner/name`` itself."""
    return whisper_repository(name) or (name if is_hub_name(name) else None)


def cached_folder(repository: str, *files: str) -> Path | None:
    """The folder in the hub's cache that holds a repository with these files; None if it is not on this machine.

    Never touches the network. Heeds ``HF_HOME`` and ``HF_HUB_CACHE`` as the hub's own library does.
    """
    folder = _hub_cache() / f"models--{repository.replace('/', '--')}"
    try:
        revision = (folder / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    snapshot = folder / "snapshots" / revision
    return snapshot if all((snapshot / file).is_file() for file in files or ("config.json",)) else None


def _hub_cache() -> Path:
    """Where the hub's library keeps what it fetched, as the environment has it now."""
    if os.environ.get("HF_HUB_CACHE"):
        return Path(os.environ["HF_HUB_CACHE"])
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("HF_HOME") or Path(user) / "huggingface") / "hub"


def how_to_get(name: str) -> str:
    """The one line that fetches a model."""
    return f"genlock models fetch {name}"


def missing_model(name: str, what: str = "the model") -> MissingModel:
    """The error that a model of the hub is not on this machine; it carries the name to fetch.

    >>> print(missing_model("large-v3")); missing_model("large-v3").fetch
    the model 'large-v3' is not on this machine; get it with: genlock models fetch large-v3
    'large-v3'
    """
    error = MissingModel(f"{what} {name!r} is not on this machine; get it with: {how_to_get(name)}")
    error.fetch = name
    return error


def fetch_repository(name: str) -> FetchResult:
    """Fetch what a name means into the hub's cache, in a program of its own; what is there already is kept.

    Raises
    ------
    MissingModel
        If the name means nothing, the hub cannot be reached or has no such repository.
    """
    repository = repository_of(name)
    if repository is None:
        raise MissingModel(f"{name!r} is no name of the hub; a name there is OWNER/NAME")
    before = cached_folder(repository)
    command = [sys.executable, "-m", "genlock.weights.hub", "--snapshot", repository]
    shown = None if sys.stderr.isatty() else subprocess.DEVNULL
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if shown else None,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_DISABLE_TELEMETRY": "1"},
    )
    answer = done.stdout.strip().splitlines()
    if done.returncode or not answer:
        reason = answer[-1].removeprefix("ERROR: ") if answer else f"exit status {done.returncode}"
        raise MissingModel(f"the model {name!r} could not be fetched: the hub's {repository}: {reason}")
    return FetchResult(name, Path(answer[-1]), f"the hub's {repository}", fetched=before is None)


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    with open(TABLE, "rb") as stream:
        return tomllib.load(stream)
