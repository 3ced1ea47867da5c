"""The CTC checkpoint that aligns a language: which one it is, whether it is here, and how to get it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from genlock.core.optional import not_installed
from genlock.core.progress import Progress, silent
from genlock.media.sound_source import SoundSource
from genlock.speech.ctc.checkpoint import CtcListening, HfCtc
from genlock.speech.ctc.options import CtcModelOptions
from genlock.speech.mouths import SpooledMouths
from genlock.weights import hub_models

__all__ = ["LanguageAligner", "aligner_in_cache", "how_to_align", "language_of_checkpoint", "named_aligner"]

#: What is read of a checkpoint besides its weights.
_FILES = ("config.json", "vocab.json")
_TORCH = "pip install 'genlock[models]'"


@dataclass(frozen=True)
class LanguageAligner:
    """A CTC checkpoint that puts words of one language on the clock. Equal ones mean equal models: each is run once."""

    source: str
    """Its folder."""
    name: str
    """How people know it: the repository's name, or the folder."""
    romanized: bool = False
    """Whether it knows Roman letters alone, so that texts are to be transliterated."""

    def listen(
        self, sound: SoundSource, progress: Progress = silent, mouths: SpooledMouths | None = None
    ) -> CtcListening:
        """Run the model over a sound."""
        return HfCtc(CtcModelOptions(self.source), romanized=self.romanized).listen(sound, progress)


def aligner_in_cache(language: str) -> LanguageAligner | None:
    """The checkpoint of a language that the hub's cache on this machine has; None if it, or torch, is not here.

    Languages without one of their own take that of Roman letters, if it is here and the package uroman is installed.
    """
    if not _installed("torch", "transformers"):
        return None
    own = hub_models.aligner_repository(language)
    if own is not None:
        folder = hub_models.cached_folder(own, *_FILES)
        if folder is not None:
            return LanguageAligner(str(folder), own)
    roman = hub_models.romanized_repository()
    folder = hub_models.cached_folder(roman, *_FILES) if _installed("uroman") else None
    return None if folder is None else LanguageAligner(str(folder), roman, romanized=True)


def named_aligner(name: str) -> LanguageAligner:
    """The checkpoint that ``--aligner ctc:NAME`` means: a folder, or a name of the hub that is in its cache.

    Raises
    ------
    MissingDependency
        If torch is not installed, or uroman where texts are to be transliterated.
    MissingModel
        If it is not on this machine.
    """
    if not _installed("torch", "transformers"):
        raise not_installed("torch", "a CTC checkpoint")
    roman = name == hub_models.romanized_repository()
    if roman and not _installed("uroman"):
        raise not_installed("uroman", f"{name!r}, which knows Roman letters alone,")
    if Path(name).is_dir():
        return LanguageAligner(name, name)
    folder = hub_models.cached_folder(name, *_FILES) if hub_models.is_hub_name(name) else None
    if folder is None:
        raise hub_models.missing_model(name, "the aligner")
    return LanguageAligner(str(folder), name, roman)


def how_to_align(language: str, small: bool = True) -> str:
    """What is to be fetched or installed before a language can be aligned, in one line.

    ``small`` also names what is small and less exact.

    >>> "genlock models fetch jonatasgrosman/wav2vec2-large-xlsr-53-german" in how_to_align("de")
    True
    """
    own = hub_models.aligner_repository(language)
    steps = [] if _installed("torch", "transformers") else [_TORCH]
    if own is None and not _installed("uroman"):
        steps.append("pip install uroman")
    large = " && ".join([*steps, hub_models.how_to_get(own or hub_models.romanized_repository())])
    if not small:
        return large
    floor = "apt-get install espeak-ng" if _installed("hama") else "pip install hama, and espeak-ng"
    return f"{large} (or, small and less exact: {floor})"


def language_of_checkpoint(name: str) -> str | None:
    """The language whose checkpoint of the table a name is; None if it is none of them.

    >>> language_of_checkpoint("jonatasgrosman/wav2vec2-large-xlsr-53-dutch")
    'nl'
    """
    return next((language for language, own in hub_models.aligners().items() if own == name), None)


def _installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) is not None for package in packages)
