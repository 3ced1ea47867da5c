"""flite: CMU's small synthesiser, with voices made of statistics (slt, awb, rms) and of diphones (kal, kal16)."""

from __future__ import annotations

import ctypes.util
import json
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from genlock.core.errors import MissingDependency, OptionError
from genlock.synth.talkers import flite_child
from genlock.synth.talkers.children import run_child
from genlock.synth.talkers.heard import heard_closures
from genlock.synth.talkers.phone_sets import SILENCE, from_flite
from genlock.synth.talkers.voices import Manner, Spoken, Text, assemble, framed, plain_words

__all__ = ["FLITE_VOICES", "Flite"]

#: Voices by the libraries that hold them: a woman and a man of the United States, a Scotsman, and two of diphones.
FLITE_VOICES = {
    "slt": "cmu_us_slt",
    "rms": "cmu_us_rms",
    "awb": "cmu_us_awb",
    "kal16": "cmu_us_kal16",
    "kal": "cmu_us_kal",
}


@dataclass(frozen=True)
class Flite:
    """The engine flite, if its libraries are on the machine."""

    name: str = "flite"
    """As in ``flite:slt``."""
    licence: str = "LicenseRef-flite"
    """CMU's own, free for any use with its notice."""
    phone_accuracy_seconds: Fraction = Fraction(20, 1000)
    """Measured on onsets, closures and fricatives; see the tests."""

    def missing(self) -> str | None:
        """How to get it, if it is not there."""
        return None if _library("flite") else "flite is not on this machine: apt install flite"

    def voices(self) -> tuple[str, ...]:
        """The voices whose libraries are here."""
        if self.missing():
            return ()
        return tuple(name for name, library in FLITE_VOICES.items() if _library(f"flite_{library}"))

    def speak(self, text: Text, voice: str, manner: Manner) -> Spoken:
        """Speak a text; flite finds its phones itself."""
        if self.missing():
            raise MissingDependency(str(self.missing()))
        if voice not in self.voices():
            raise OptionError(f"flite has no voice {voice!r}; it has {', '.join(self.voices())}")
        plain = plain_words(text)
        if not plain.isascii():
            raise OptionError(f"{plain!r}: flite reads ASCII only; write it so, or choose espeak-ng")
        asked = {"text": plain, "stretch": 1 / manner.speed, "shift": 2 ** (manner.pitch / 12)}
        library = FLITE_VOICES[voice]
        names = ["flite", "flite_usenglish", "flite_cmulex", f"flite_{library}"]
        paths = [str(_library(name)) for name in names]
        head, body = run_child(
            self.name, flite_child.__file__, [*paths, f"register_{library}"], json.dumps(asked)
        )
        if all(from_flite(name) == SILENCE for _, name in head["phones"]):
            raise OptionError(f"{plain!r} has no words for flite to say")
        return self._spoken(head, body, manner, f"{self.name}:{voice}")

    def _spoken(self, head: dict[str, Any], body: bytes, manner: Manner, voice: str) -> Spoken:
        rate = int(head["rate"])
        samples = np.frombuffer(body, "<i2", int(head["count"])) / 32768
        labels = [from_flite(name) for _, name in head["phones"]]
        ends = [min(round(end * rate), len(samples)) for end, _ in head["phones"]]
        starts = [0, *ends[:-1]]
        spoken = [place for place, label in enumerate(labels) if label != SILENCE]
        first, last = spoken[0], spoken[-1]
        sound, moved = framed(samples, rate, (starts[first], ends[last]), manner)
        edges = [0, *(starts[k] + moved for k in range(first, last + 1)), ends[last] + moved, len(sound)]
        row = [SILENCE, *labels[first : last + 1], SILENCE]
        words, place = [], 0
        own = [place for place, label in enumerate(row) if label != SILENCE]
        for word, count in head["words"]:
            if count:
                words.append((own[place], own[place + count - 1] + 1, word.lower()))
            place += count
        return assemble(
            sound,
            rate,
            edges,
            row,
            words,
            heard_closures(sound, rate, edges, row),
            voice=voice,
            engine=self.name,
            licence=self.licence,
            phone_accuracy_seconds=self.phone_accuracy_seconds,
            closures_heard=True,
            seed=manner.seed,
        )


@lru_cache(maxsize=16)
def _library(name: str) -> str | None:
    return ctypes.util.find_library(name)
