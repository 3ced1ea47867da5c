"""espeak-ng: many voices, variants and languages by formants; it says itself at which sample each phone begins.

The engine is GPL and runs in a process of its own (:mod:`genlock.synth.talkers.espeak_child`). Its fricatives and
bursts are recordings that come with it, so its sound is marked with its licence.
"""

from __future__ import annotations

import ctypes.util
import json
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency, OptionError
from genlock.synth.talkers import espeak_child
from genlock.synth.talkers.children import run_child
from genlock.synth.talkers.heard import release_in
from genlock.synth.talkers.phone_sets import SILENCE, STOPS, VOICELESS_STOPS, from_ipa
from genlock.synth.talkers.voices import Manner, Spoken, Text, assemble, framed, plain_words

__all__ = ["ESPEAK_LANGUAGES", "ESPEAK_VARIANTS", "Espeak"]

#: The languages that are named by :meth:`Espeak.voices`; any other that espeak-ng has can be asked for by name.
ESPEAK_LANGUAGES = (
    "en-us",
    "en",
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
    "en-029",
)
#: Variants with a clean sound: heads of other sizes, other pitches, other voices. Croaks, whispers, robots and
#: those with an echo, which sounds on while the mouth is shut, are left out.
ESPEAK_VARIANTS = (
    "",
    *("f1", "linda", "steph", "belinda", "anika", "aunty"),
    *("m1", "m3", "m4", "m5", "m6", "m7", "m8", "Michael", "boris", "david", "edward", "john", "norbert"),
    *("paul", "quincy", "robert", "victor", "zac"),
)

_WORDS_PER_MINUTE = 160
# A closure within speech is no longer than this; what is longer is a pause before it.
_LONGEST_CLOSURE_SECONDS = 0.09
# What is so much quieter than the phone before it is the silence of a closure.
_SILENT = 0.03
_FLAP = "ɾ"
_FLOOR = 1e-4
_MARKS = ".,;:!?"


@dataclass(frozen=True)
class Espeak:
    """The engine espeak-ng, if its library is on the machine."""

    name: str = "espeak-ng"
    """As in ``espeak-ng:en-us+f3``."""
    licence: str = "GPL-3.0-or-later"
    """espeak-ng's own: recordings that come with it are part of the sound."""
    phone_accuracy_seconds: Fraction = Fraction(3, 1000)
    """Measured on onsets, bursts and fricatives; see the tests."""

    def missing(self) -> str | None:
        """How to get it, if it is not there."""
        return None if _library() else "espeak-ng is not on this machine: apt install espeak-ng"

    def voices(self) -> tuple[str, ...]:
        """English voices in every clean variant."""
        if self.missing():
            return ()
        return tuple(
            f"{language}+{variant}" if variant else language
            for language in ESPEAK_LANGUAGES
            for variant in ESPEAK_VARIANTS
        )

    def speak(self, text: Text, voice: str, manner: Manner) -> Spoken:
        """Speak a text in any voice that ``espeak-ng --voices`` names, with a variant after a ``+``."""
        library = _library()
        if library is None:
            raise MissingDependency(str(self.missing()))
        plain = plain_words(text)
        if "[[" in plain:
            raise OptionError(f"{plain!r}: espeak-ng takes [[ for phones of its own; leave it out")
        asked = {
            "text": plain,
            "voice": voice,
            "speed": round(_WORDS_PER_MINUTE * manner.speed),
            # The library's tab goes from half the pitch at 0 over the voice's own at 50 to twice at 99.
            "pitch": min(99, round(50 + 50 * manner.pitch / 12)),
            "range": 50,
        }
        head, body = run_child(self.name, espeak_child.__file__, [library], json.dumps(asked))
        samples = np.frombuffer(body, "<i2", int(head["count"])) / 32768
        heard = _Heard(samples, int(head["rate"]), head["phones"], head["words"], plain)
        return heard.spoken(
            manner,
            voice=f"{self.name}:{voice}",
            engine=self.name,
            licence=self.licence,
            phone_accuracy_seconds=self.phone_accuracy_seconds,
            seed=manner.seed,
        )


@dataclass(frozen=True, eq=False)
class _Heard:
    """What the library answered: samples, and where it says that phones and words begin."""

    samples: npt.NDArray[np.float64]
    rate: int
    phones: list[tuple[int, str]]
    words: list[tuple[int, int, int]]
    text: str

    def spoken(self, manner: Manner, **fields: Any) -> Spoken:
        events = self._events()
        sounding = [number for number, (_, _, label, _) in enumerate(events) if label != SILENCE]
        if not sounding:
            raise OptionError(f"{self.text!r} has nothing to say for {fields['voice']}")
        begins = [start for start, _, _, _ in events]
        stop = self._end_of(events, sounding[-1])
        sound, moved = framed(self.samples, self.rate, (begins[sounding[0]], stop), manner)
        edges, labels, owners, closed = [0], [SILENCE], [-1], []
        for number in range(sounding[0], sounding[-1] + 1):
            start, release, label, word = events[number]
            edges.append(start + moved)
            labels.append(label)
            owners.append(word)
            if label in STOPS:
                closed.append((start + moved, release + moved, label))
        edges.append(stop + moved)
        labels.append(SILENCE)
        owners.append(-1)
        closed += [
            (a, b, "M") for (a, b), label in zip(pairwise(edges), labels, strict=False) if label == "M"
        ]
        edges.append(len(sound))
        return assemble(sound, self.rate, edges, labels, self._words(owners), sorted(closed), **fields)

    def _events(self) -> list[tuple[int, int, str, int]]:
        """``(start, release, ARPABET, number of its word)``, the phones of one symbol sharing its time."""
        starts = [start for start, _ in self.phones] + [len(self.samples)]
        begun = sorted(self.words)
        out: list[tuple[int, int, str, int]] = []
        word = -1
        for (marked, symbol), following in zip(self.phones, starts[1:], strict=True):
            labels = from_ipa(symbol) or self._without_phone(marked, following)
            if not labels:
                continue  # a glide or a mark that belongs to the phone before it
            first_of_word = False
            while word + 1 < len(begun) and begun[word + 1][0] <= marked and labels != (SILENCE,):
                word, first_of_word = word + 1, True
            begin, release = marked, marked
            if labels[0] in STOPS:
                begin = self._closing(marked, begun[word][0] if first_of_word else None, out)
                if symbol == _FLAP or labels[0] not in VOICELESS_STOPS:
                    # Its mark is where it closes, or where its silence ends.
                    near, far = (round(seconds * self.rate) for seconds in (0.002, 0.005))
                    release = release_in(self.samples, self.rate, marked - near, following - far) or marked
            for share, label in enumerate(labels):
                at = marked + (following - marked) * share // len(labels)
                owner = -1 if label == SILENCE else word
                out.append((at if share else begin, at if share else release, label, owner))
        return out

    def _without_phone(self, marked: int, following: int) -> tuple[str, ...]:
        """Of a symbol that names no phone: silence, if it is silent there."""
        part = np.abs(self.samples[marked:following])
        return () if len(part) and float(part.mean()) > _FLOOR else (SILENCE,)

    def _closing(self, marked: int, word: int | None, before: list[tuple[int, int, str, int]]) -> int:
        """The sample at which a stop closes: where the silence in front of its mark begins.

        After a pause, which is silent too, it closes at the word's own mark.
        """
        floor = max(before[-1][1] if before else 0, marked - round(_LONGEST_CLOSURE_SECONDS * self.rate))
        if word is not None and (not before or before[-1][2] == SILENCE):
            return max(word, floor)
        size = np.abs(self.samples[floor:marked])
        louder = np.flatnonzero(size > _SILENT * float(size.max(initial=0.0)))
        return floor + int(louder[-1]) + 1 if len(louder) else marked

    def _end_of(self, events: list[tuple[int, int, str, int]], last: int) -> int:
        """Where the last phone's sound ends: the silence after it is not its own."""
        stop = events[last + 1][0] if last + 1 < len(events) else len(self.samples)
        while stop > events[last][1] + 1 and self.samples[stop - 1] == 0:
            stop -= 1
        return stop

    def _words(self, owners: list[int]) -> list[tuple[int, int, str]]:
        spans = []
        begun = sorted(self.words)
        # Words that it speaks as one, as "of the", have one mark: they stay together.
        ends = [place for _, place, _ in begun[1:]] + [len(self.text)]
        for number, ((_, place, _), end) in enumerate(zip(begun, ends, strict=True)):
            own = [k for k, owner in enumerate(owners) if owner == number]
            if own:
                written = (part.strip(_MARKS).lower() for part in self.text[place:end].split())
                spans.append((own[0], own[-1] + 1, " ".join(part for part in written if part)))
        return spans


@lru_cache(maxsize=1)
def _library() -> str | None:
    """The library's name as the loader takes it."""
    return ctypes.util.find_library("espeak-ng")
