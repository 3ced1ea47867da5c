"""How words of a hundred languages are pronounced, by the program espeak-ng, where it is installed.

It is called as a program of its own (it is GPL-3); only the text that it prints is read.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache

from genlock.core.errors import MissingDependency

__all__ = ["espeak_languages", "espeak_program", "ipa_of_words"]

#: Voices whose pronunciations stand side by side, where a language is spoken in more than one way.
_VOICES = {"es": ("es", "es-419"), "pt": ("pt", "pt-br"), "zh": ("cmn",), "no": ("nb",)}
_SECONDS = 60.0
# espeak-ng says so where it reads a word in another language: "(en)ˈɒnlaɪn(fr)".
_SWITCHED = re.compile(r"\([a-z-]+\)")


def espeak_program() -> str | None:
    """The program, or None if it is not installed."""
    return shutil.which("espeak-ng")


@lru_cache(maxsize=1)
def espeak_languages() -> frozenset[str]:
    """The codes of the languages that it pronounces: ISO 639-1, or 639-3 where there is none; empty without it."""
    program = espeak_program()
    if program is None:
        return frozenset()
    listed = _run([program, "--voices"], "").splitlines()[1:]
    codes = {line.split()[1].split("-")[0] for line in listed if len(line.split()) > 1}
    return frozenset(
        codes | {code for code, voices in _VOICES.items() if {v.split("-")[0] for v in voices} <= codes}
    )


def ipa_of_words(words: Sequence[str], language: str) -> list[tuple[str, ...]]:
    """Pronunciations of words in IPA, each said alone; empty where it says nothing.

    Parameters
    ----------
    words : in letters of the language, without spaces
    language : ISO 639-1

    Raises MissingDependency if espeak-ng is not installed, or fails.
    """
    program = espeak_program()
    if program is None:
        raise MissingDependency(
            f"pronouncing {language!r} needs the program espeak-ng, which is not installed: apt-get install espeak-ng, "
            "brew install espeak-ng, or its installer for Windows"
        )
    columns = []
    for voice in _VOICES.get(language, (language,)):
        command = [program, "-q", "--ipa", "-v", voice]
        lines = _run(command, "\n".join(words) + "\n").splitlines()
        if len(lines) != len(words):  # a word that it takes for two sentences
            lines = [" ".join(_run(command, f"{word}\n").split("\n")) for word in words]
        columns.append([_SWITCHED.sub("", line).replace(" ", "") for line in lines])
    return [tuple(dict.fromkeys(said for said in row if said)) for row in zip(*columns, strict=True)]


def _run(command: list[str], text: str) -> str:
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingDependency(f"{command[0]} does not answer ({error}); install it anew") from error
    return done.stdout.decode("utf-8", "replace")
