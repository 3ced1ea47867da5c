"""What is installed and what would not work on this machine: the answer of ``genlock doctor``."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from genlock import __version__
from genlock.core.one_line import one_line
from genlock.core.optional import EXTRA_OF, extra_command, is_installed, with_this_pip
from genlock.weights.registry import default_registry, list_models

__all__ = ["Diagnosis", "Finding", "diagnose"]

_FACE_MODELS = ("mediapipe-face-detection", "mediapipe-face-mesh")
#: What people want to do, the packages and the models of the table that it takes.
_NEEDS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("times of words (words --transcript)", ("numba",), ("pocketsphinx-en-us", "g2p-en")),
    ("recognised words (words, align)", ("faster_whisper", "ctranslate2", "numba"), ("whisper-tiny.en",)),
    ("words in 99 languages", ("faster_whisper", "ctranslate2"), ("whisper-base",)),
    ("sync by lips, features of faces", ("cv2", "ai_edge_litert"), _FACE_MODELS),
    ("features of the picture, sound for films", ("cv2",), ()),
    ("faces that speak (animate)", ("cv2", "numba"), ("talker-nano",)),
    ("aligners of other languages", ("hama",), ()),
    ("training and public checkpoints", ("torch", "transformers", "accelerate", "safetensors"), ()),
    ("datasets (prepare, export)", ("pyarrow",), ()),
    ("many machines (prepare --engine ray)", ("ray",), ()),
    ("the studio", ("fastapi", "uvicorn"), ()),
)
_PROGRAMS = {"espeak-ng": "pronounces other languages", "ffmpeg": "not needed; used by some benchmarks"}


@dataclass(frozen=True)
class Finding:
    """One thing that people want to do, and whether this machine can."""

    what: str
    """What it is."""
    missing: tuple[str, ...]
    """What to type for what is not here; none: it works."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``what``, ``works``, ``missing[]``."""
        return {"what": self.what, "works": not self.missing, "missing": list(self.missing)}


@dataclass(frozen=True)
class Diagnosis:
    """Everything that was looked at."""

    facts: dict[str, str]
    """Versions, folders, room and machine, in words."""
    findings: tuple[Finding, ...]
    """What works and what does not."""
    programs: dict[str, str | None]
    """Programs that some commands call, and where they are; None: not here."""

    __repr__ = one_line

    def to_dict(self) -> dict[str, Any]:
        """``facts``, ``findings[]``, ``programs``."""
        findings = [finding.to_dict() for finding in self.findings]
        return {"facts": self.facts, "findings": findings, "programs": self.programs}

    def __str__(self) -> str:
        wide = max(len(name) for name in self.facts)
        lines = [f"{name:<{wide}}  {value}" for name, value in self.facts.items()]
        lines += ["", "core: probe, features of sound, sync of signals, repair: ok"]
        for finding in self.findings:
            lines.append(f"{finding.what}: {'ok' if not finding.missing else 'missing'}")
            lines += [f"    {with_this_pip(command)}" for command in finding.missing]
        for name, place in self.programs.items():
            lines.append(f"program {name} ({_PROGRAMS[name]}): {place or 'not here'}")
        return "\n".join(lines)


def diagnose() -> Diagnosis:
    """Look at packages, models, programs and the machine; nothing is imported, nothing is fetched.

    >>> diagnose().facts["genlock"].split(",")[0] == __version__
    True
    """
    here = {status.model.name for status in list_models() if status.path is not None}
    findings = tuple(Finding(what, _missing(packages, models, here)) for what, packages, models in _NEEDS)
    programs = {name: shutil.which(name) for name in _PROGRAMS}
    return Diagnosis(_facts(), findings, programs)


def _missing(packages: tuple[str, ...], models: tuple[str, ...], here: set[str]) -> tuple[str, ...]:
    extras = dict.fromkeys(EXTRA_OF[package] for package in packages if not is_installed(package))
    lacking = [name for name in models if name not in here]
    # It comes with the extra, but for Pythons for which the package has no wheel.
    fetched = [name for name in lacking if not (extras and name == "pocketsphinx-en-us")]
    commands = [extra_command(extra) for extra in extras]
    return (*commands, *([f"genlock models fetch {' '.join(fetched)}"] if fetched else []))


def _facts() -> dict[str, str]:
    cache = default_registry().cache
    folder = next(place for place in (cache, *cache.parents) if place.exists())
    room = shutil.disk_usage(folder).free
    return {
        "genlock": f"{__version__}, {Path(__file__).parents[1]}",
        "python": f"{platform.python_version()}, {sys.prefix}",
        "system": platform.platform(),
        "processors": str(os.cpu_count()),
        "GPU": _gpu(),
        "FFmpeg": f"the libraries of av {metadata.version('av')}",
        "models": f"{cache} ({room / 1e9:.1f} GB free)",
    }


def _gpu() -> str:
    """What computes Whisper and torch, as far as their packages are here."""
    if is_installed("ctranslate2"):
        import ctranslate2

        count = int(ctranslate2.get_cuda_device_count())
        return f"{count} for CUDA" if count else "none: everything is computed on the processor"
    return "not looked for (the extra speech is not installed)"
