"""VocalTractLab: an articulatory synthesiser; its jaw, lips and tongue *cause* the sound.

The package ``vocaltractlab-cython`` is GPL-3 and ended once in a segmentation fault, so it runs in a process of its own
(:mod:`genlock.synth.talkers.vtl_child`), with a limit of time, and is never imported here. Its phones are German:
what English has beyond them is made of its nearest shapes. Durations and melody are those of the project's own
voice.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from genlock.core.errors import MissingDependency, OptionError
from genlock.core.grid import Grid
from genlock.core.track import Track
from genlock.synth.talkers import vtl_child
from genlock.synth.talkers.children import engine_folder, run_child
from genlock.synth.talkers.phone_sets import SILENCE, STOPS
from genlock.synth.talkers.pronounce import words_of
from genlock.synth.talkers.voices import Manner, Spoken, Text, assemble
from genlock.synth.voice.phones import parse_phone
from genlock.synth.voice.prosody import Segment, pitch_contour, plan_segments

__all__ = ["VTL_VOICES", "VocalTractLab"]

#: Mean fundamental frequency of each voice in Hz; the speaker is one and the same.
VTL_VOICES = {"jd3": 110.0, "jd3-low": 90.0, "jd3-high": 140.0}

#: The segments of each phone, in VocalTractLab's SAMPA, with the share of the phone's time that each takes.
_SEGMENTS: dict[str, tuple[tuple[str, float], ...]] = {
    "AA": (("a:", 1),), "AE": (("E:", 1),), "AH": (("6", 1),), "AO": (("O", 1),), "AW": (("aU", 1),),
    "AY": (("aI", 1),), "B": (("b", 1),), "CH": (("tS", 1),), "D": (("d", 1),), "DH": (("D", 1),),
    "EH": (("E", 1),), "ER": (("9", 1),), "EY": (("e:", 0.6), ("I", 0.4)), "F": (("f", 1),), "G": (("g", 1),),
    "HH": (("h", 1),), "IH": (("I", 1),), "IY": (("i:", 1),), "JH": (("dZ", 1),), "K": (("k", 1),),
    "L": (("l", 1),), "M": (("m", 1),), "N": (("n", 1),), "NG": (("N", 1),), "OW": (("O", 0.5), ("U", 0.5)),
    "OY": (("OY", 1),), "P": (("p", 1),), "R": (("9", 1),), "S": (("s", 1),), "SH": (("S", 1),),
    "T": (("t", 1),), "TH": (("T", 1),), "UH": (("U", 1),), "UW": (("u:", 1),), "V": (("v", 1),),
    "W": (("u:", 1),), "Y": (("j", 1),), "Z": (("z", 1),), "ZH": (("Z", 1),),
}  # fmt: skip
_UNSTRESSED_AH = (("@", 1.0),)
# The engine's tables start with air that is not yet pressed: it needs this much silence around speech.
_LEAST_SILENCE = Fraction(1, 10)
_RATE = 44100
_SECONDS = 300.0
_PEAK = 0.6
_PITCH_STEP_SECONDS = 0.02


@dataclass(frozen=True)
class VocalTractLab:
    """The engine VocalTractLab, if its package is on the machine."""

    name: str = "vtl"
    """As in ``vtl:jd3``."""
    licence: str = "GPL-3.0-only"
    """The engine's; its vocal tract is a measured speaker's, and part of it."""
    phone_accuracy_seconds: Fraction = Fraction(20, 1000)
    """Measured on onsets and fricatives; closures are those of the tract itself, to 2.5 ms."""

    def missing(self) -> str | None:
        """How to get it, if it is not there."""
        if _folder() is not None:
            return None
        return (
            "VocalTractLab is not on this machine: python tools/fetch_voices.py --engines vtl, or pip install "
            "--no-deps vocaltractlab-cython (GPL-3)"
        )

    def voices(self) -> tuple[str, ...]:
        """By how high they are."""
        return () if self.missing() else tuple(VTL_VOICES)

    def speak(self, text: Text, voice: str, manner: Manner) -> Spoken:
        """Speak; ``gestures`` of the result are the tract's parameters, 401 times a second.

        Raises :class:`~genlock.synth.talkers.children.EngineFailed` if the engine crashes or hangs.
        """
        folder = _folder()
        if folder is None:
            raise MissingDependency(str(self.missing()))
        if voice not in VTL_VOICES:
            raise OptionError(f"vtl has no voice {voice!r}; it has {', '.join(VTL_VOICES)}")
        words = words_of(text)
        lead, tail = (max(_LEAST_SILENCE, each) for each in (manner.lead_seconds, manner.tail_seconds))
        plan = plan_segments(words, _RATE, manner.speed, 1000 * float(lead), 1000 * float(tail))
        hertz = VTL_VOICES[voice] * 2 ** (manner.pitch / 12)
        asked = {
            "segments": _rows(plan),
            "semitones": _melody(plan, hertz),
            "stops": [_reach(segment) for segment in plan if _shuts(segment)],
        }
        head, body = run_child(self.name, vtl_child.__file__, [folder], json.dumps(asked), seconds=_SECONDS)
        return self._spoken(head, body, plan, [word.text.lower() for word in words], voice, manner.seed)

    def _spoken(
        self,
        head: dict[str, Any],
        body: bytes,
        plan: Sequence[Segment],
        words: list[str],
        voice: str,
        seed: int,
    ) -> Spoken:
        count, step = int(head["count"]), int(head["step"])
        sound = np.frombuffer(body, "<f4", count).astype(np.float64)
        states = np.frombuffer(body, "<f4", offset=4 * count).reshape(int(head["states"]), -1)
        length = plan[-1].end
        sound = np.concatenate([sound[:length], np.zeros(max(0, length - count))])
        sound *= _PEAK / max(float(np.abs(sound).max()), 1e-9)
        stops = [place for place, segment in enumerate(plan) if _shuts(segment)]
        shut = [
            (stops[number], min(first * step, length), min(stop * step, length))
            for number, first, stop in head["closed"]
        ]
        labels = [_label(segment) for segment in plan]
        spans = []
        for number, word in enumerate(words):
            own = [place for place, segment in enumerate(plan) if segment.word == number]
            spans.append((own[0], own[-1] + 1, word))
        edges = _edges(plan, labels, shut)
        grid = Grid.of_windows(sample_rate=_RATE, hop=step, first_center=0)
        return assemble(
            sound,
            _RATE,
            edges,
            labels,
            spans,
            _apart([(first, stop, labels[place]) for place, first, stop in shut]),
            voice=f"{self.name}:{voice}",
            engine=self.name,
            licence=self.licence,
            phone_accuracy_seconds=self.phone_accuracy_seconds,
            gestures=Track(states, grid, name="tract", unit="cm"),
            gesture_names=tuple(head["names"]),
            seed=seed,
        )


def _folder() -> str | None:
    """Where the package lies: fetched for us, or among the installed ones (then an empty name); None if nowhere."""
    own = engine_folder("vtl")
    if (own / "vocaltractlab_cython").is_dir():
        return str(own)
    return "" if importlib.util.find_spec("vocaltractlab_cython") else None


def _shuts(segment: Segment) -> bool:
    return _label(segment) in STOPS | {"M"}


def _label(segment: Segment) -> str:
    name = parse_phone(segment.label)[0]
    return SILENCE if name == "SIL" else name


def _rows(plan: Sequence[Segment]) -> list[tuple[str, float]]:
    rows: list[tuple[str, float]] = []
    for segment in plan:
        seconds = (segment.end - segment.start) / _RATE
        name, stress = parse_phone(segment.label)
        parts = _UNSTRESSED_AH if (name, stress) == ("AH", 0) else _SEGMENTS.get(name, (("", 1.0),))
        rows += [(part, seconds * share) for part, share in parts]
    return rows


def _melody(plan: Sequence[Segment], hertz: float) -> list[tuple[float, float]]:
    count = int(plan[-1].end / _RATE / _PITCH_STEP_SECONDS)
    times = np.asarray((np.arange(count) + 0.5) * _PITCH_STEP_SECONDS, np.float64)
    contour = pitch_contour(plan, _RATE, times, hertz)
    return [(float(12 * np.log2(max(value, 40.0))), _PITCH_STEP_SECONDS) for value in contour]


def _reach(segment: Segment) -> tuple[float, float]:
    """Where the tract may be shut for a stop: from a little before it to its end."""
    return segment.start / _RATE - 0.05, segment.end / _RATE + 0.01


def _edges(plan: Sequence[Segment], labels: Sequence[str], shut: Sequence[tuple[int, int, int]]) -> list[int]:
    """The edges of the plan, those where a mouth shuts moved to where it does."""
    edges = [segment.start for segment in plan] + [plan[-1].end]
    for place, first, stop in shut:
        begin, end = _reach(plan[place])
        cut = first <= begin * _RATE + _RATE // 200
        if place and labels[place - 1] != SILENCE and not cut:
            edges[place] = first
        if labels[place] == "M" and labels[place + 1] != SILENCE and stop < end * _RATE:
            edges[place + 1] = stop
    for place in range(1, len(edges)):
        edges[place] = max(edges[place - 1], edges[place])
    return edges


def _apart(closed: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """In order, each starting no earlier than the one before it ends."""
    out: list[tuple[int, int, str]] = []
    for first, stop, label in sorted(closed):
        begin = max(first, out[-1][1]) if out else first
        if stop > begin:
            out.append((begin, stop, label))
    return out
