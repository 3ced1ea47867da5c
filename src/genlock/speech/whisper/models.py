"""Which Whisper model a name means, and where it lies on this machine. Nothing here touches the network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from genlock.core.errors import InputError, MissingModel, OptionError
from genlock.weights import hub_models, registry

__all__ = ["ENGLISH", "MULTILINGUAL", "default_model", "find_whisper", "is_whisper", "require_whisper"]

#: The model of English alone that set-up fetches, and the one of many languages that ``make words-all`` fetches.
ENGLISH, MULTILINGUAL = "whisper-tiny.en", "whisper-base"
#: Those of our own table, which pins every byte of them, by the names that people know.
_OWN = {"tiny.en": ENGLISH, "base": MULTILINGUAL}
#: What faster-whisper needs to open a folder.
_FILES = ("config.json", "model.bin")


def is_whisper(name: str) -> bool:
    """Whether ``--model NAME`` means a Whisper model; else it is taken for a CTC checkpoint.

    >>> is_whisper("large-v3"), is_whisper("openai/whisper-tiny"), is_whisper("facebook/wav2vec2-base-960h")
    (True, True, False)

    Raises
    ------
    InputError
        If it is a folder of Whisper in the form of another program; the message says how to convert it.
    """
    if hub_models.whisper_repository(name) is not None:
        return True
    folder = Path(name)
    if not folder.is_dir():
        found = hub_models.cached_folder(name) if hub_models.is_hub_name(name) else None
        if found is None:
            return hub_models.is_hub_name(name) and "whisper" in name.lower()
        folder = found
    if all((folder / file).is_file() for file in _FILES):
        return True
    if _model_type(folder) == "whisper":
        raise InputError(
            f"{name!r} is Whisper in the form of transformers; convert it for faster-whisper: "
            f"ct2-transformers-converter --model {name} --output_dir {folder.name}-ct2 --quantization float16 "
            "--copy_files tokenizer.json preprocessor_config.json"
        )
    return False


def find_whisper(name: str) -> Path | None:
    """The folder of a Whisper model; None if it is not on this machine.

    >>> find_whisper("large-v1") is None or (find_whisper("large-v1") / "model.bin").is_file()
    True

    Raises
    ------
    OptionError
        If the name is neither a folder, nor one that is known, nor one of the hub.
    """
    if Path(name).is_dir():
        return Path(name)
    repository = hub_models.repository_of(name)
    if repository is None:
        raise OptionError(
            f"no Whisper model is called {name!r}; there are {', '.join(hub_models.whisper_names())}, folders in "
            "faster-whisper's form, and names of the hub (OWNER/NAME)"
        )
    for short, own in _OWN.items():
        if hub_models.whisper_repository(short) == repository:
            here = registry.find(own)
            if here is not None:
                return here
    return hub_models.cached_folder(repository, *_FILES)


def require_whisper(name: str) -> Path:
    """Does what :func:`find_whisper` does, for those who cannot do without.

    Raises
    ------
    MissingModel
        If it is not here; the message says in one line what to fetch.
    InputError
        If the folder is no Whisper model.
    """
    found = find_whisper(name)
    if found is None:
        raise _missing(name)
    lacking = [file for file in _FILES if not (found / file).is_file()]
    if lacking:
        raise InputError(
            f"{name!r} lacks {' and '.join(lacking)}, so it is no Whisper model in faster-whisper's form"
        )
    return found


def default_model(language: str) -> str | None:
    """The name of the model that hears a language where none is named; None if nothing here does.

    For English the small one of English alone comes first; ``auto``, or another language, needs one of many languages.
    """
    names = (["tiny.en"] if language == "en" else []) + ["base", *_several()]
    names += ["small.en", "base.en"] if language == "en" else []
    return next((name for name in names if find_whisper(name) is not None), None)


def _several() -> Iterator[str]:
    """Models of many languages, those first that a machine without a GPU can run."""
    yield from ("small", "turbo", "medium", "large-v3", "large-v2", "distil-large-v3", "tiny", "large-v1")


def _missing(name: str) -> MissingModel:
    own = next((own for short, own in _OWN.items() if name in (short, f"whisper-{short}")), None)
    return hub_models.missing_model(own or name)


def _model_type(folder: Path) -> str | None:
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError):
        return None
    return kind if isinstance(kind, str) else None
