"""What is planted in a film of a talker, and its JSON form."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from genlock.core.errors import FormatError
from genlock.core.grid import Cells
from genlock.core.json_forms import cells_from_dict, described, read_json_file, spans_from_dict, write_json
from genlock.core.one_line import one_line
from genlock.core.spans import Spans
from genlock.core.time import exact, fraction_text
from genlock.core.track import Track
from genlock.core.warp import Warp
from genlock.synth.signals.truth import SyncTruth
from genlock.synth.talkers.face import Camera, place, points_of
from genlock.synth.talkers.looks import Look
from genlock.synth.talkers.motion import Motion
from genlock.synth.talkers.raster import Light
from genlock.synth.talkers.speakers import Speaker
from genlock.synth.talkers.tracker import tracker_noise

__all__ = ["TALKER_VERSION", "TalkerTruth", "load_talker_truth", "talker_path"]

#: Goes up whenever the same options give another talker than before.
TALKER_VERSION = 1


@dataclass(frozen=True)
class TalkerTruth:
    """Everything that is known of one talker's film; all instants on its media clock."""

    text: str
    """What is said."""
    phones: Spans
    """Phones as they are heard, ARPABET and ``sil``."""
    words: Spans
    """Words as they are heard."""
    closures: Spans
    """When the mouth of /p b m/ is shut, as it is heard; seen ``offset_seconds`` later."""
    offset_seconds: Fraction
    """How early the sound is against the picture, in exact seconds; positive: early."""
    cells: Cells
    """The frames."""
    frame_count: int
    """How many there are."""
    sound_rate: int
    """Samples per second."""
    hidden: Spans
    """When a hand is before the mouth."""
    speaker: Speaker
    """Whose face it is, and its manner."""
    look: Look
    """How it is painted."""
    camera: Camera
    """From where it is seen."""
    person: str
    """Who speaks: a face with its voice."""
    voice: str
    """The voice, as :func:`genlock.synth.talkers.speaking.speak` takes it."""
    engine: str
    """What spoke."""
    licence: str
    """Of the voice's sound."""
    phone_accuracy_seconds: Fraction
    """Edges of phones are heard within so many exact seconds of what is stated."""
    changes: tuple[str, ...] = ()
    """What was done to the sound."""
    seed: int = 0
    """Of the movement."""
    version: int = TALKER_VERSION
    """Of the generator."""

    __repr__ = one_line

    def motion(self) -> Motion:
        """The movement of the face, on the picture's clock, at any instant."""
        seen = {
            name: getattr(self, name).shifted(self.offset_seconds) for name in ("phones", "words", "closures")
        }
        return Motion(seen["phones"], self.speaker, seen["closures"], self.seed, seen["words"])

    def state(self) -> Track:
        """The face's state at the middles of the frames, float64 [T, 20]; :data:`~.motion.STATE` names the columns."""
        return Track(self.motion().at(self.cells.centers(self.frame_count)), self.cells, name="face state")

    def landmarks(self, noise: float = 0.0) -> Track:
        """The mesh in each frame: x, y in pixels and z in the same scale, float32 [T, 468, 3]; the hidden ones too.

        ``noise`` is how much of a tracker's noise they have, 0 (exact) ... 1 (as measured on still faces;
        :func:`~genlock.synth.talkers.tracker.tracker_noise`).
        """
        rows = self.state().values
        seen = place(points_of(rows, self.speaker), rows, self.camera)
        if noise:
            instants = self.cells.centers(self.frame_count)
            seen[..., :2] += (
                noise * self.camera.eye_distance * tracker_noise(instants, seen.shape[1], self.seed)
            )
        return Track(seen.astype(np.float32), self.cells, name="landmarks", unit="pixels")

    def sync(self) -> SyncTruth:
        """What is known of its sync, in the form that all clips with a planted offset have."""
        middle = (self.cells.edge(0) + self.cells.edge(self.frame_count)) / 2
        return SyncTruth(
            "talker",
            Warp.sync(self.offset_seconds, 0, at=middle),
            middle,
            self.cells.clock,
            seed=self.seed,
            version=self.version,
        )

    def on_clock(self, clock: str) -> TalkerTruth:
        """The same truth on a clock of another name (an assertion of the caller's, not a conversion)."""
        spans = {
            name: replace(getattr(self, name), clock=clock)
            for name in ("phones", "words", "closures", "hidden")
        }
        return replace(self, cells=self.cells.on_clock(clock), **spans)

    def to_dict(self) -> dict[str, Any]:
        """A JSON form; :func:`load_talker_truth` reads it."""
        return {
            "kind": "talker",
            "version": self.version,
            "seed": self.seed,
            "text": self.text,
            "person": self.person,
            "voice": self.voice,
            "engine": self.engine,
            "licence": self.licence,
            "changes": list(self.changes),
            "phone_accuracy_seconds": fraction_text(self.phone_accuracy_seconds),
            "offset_seconds": fraction_text(self.offset_seconds),
            "cells": self.cells.to_dict(),
            "frame_count": self.frame_count,
            "sound_rate": self.sound_rate,
            "phones": self.phones.to_dict(),
            "words": self.words.to_dict(),
            "closures": self.closures.to_dict(),
            "hidden": self.hidden.to_dict(),
            "speaker": asdict(self.speaker),
            "look": asdict(self.look),
            "camera": asdict(self.camera),
        }

    def save(self, target: str | os.PathLike[str]) -> None:
        """Write it as JSON, atomically."""
        write_json(target, self.to_dict())

    def __str__(self) -> str:
        return f"{self.person} ({self.voice}): {self.text}; {self.sync()}"


def talker_path(film: str | os.PathLike[str]) -> Path:
    """Where the truth of a film lies: beside it.

    >>> str(talker_path("set/0001.mp4"))
    'set/0001.talker.json'
    """
    return Path(film).with_suffix(".talker.json")


def load_talker_truth(path: str | os.PathLike[str]) -> TalkerTruth:
    """Read what :meth:`TalkerTruth.save` wrote.

    Raises FormatError if the file is damaged, not ours or of a newer schema.
    """
    data = read_json_file(path)
    if data.get("kind") != "talker":
        raise FormatError(f"{str(path)!r} is {data.get('kind')!r}, not the truth of a talker")
    with described(f"{str(path)!r} is damaged; make the talker again"):
        spans: dict[str, Any] = {
            name: spans_from_dict(data[name]) for name in ("phones", "words", "closures", "hidden")
        }
        plain = {
            name: data[name]
            for name in (
                "text",
                "frame_count",
                "sound_rate",
                "person",
                "voice",
                "engine",
                "licence",
                "seed",
                "version",
            )
        }
        return TalkerTruth(
            offset_seconds=exact(data["offset_seconds"]),
            phone_accuracy_seconds=exact(data["phone_accuracy_seconds"]),
            cells=cells_from_dict(data["cells"]),
            changes=tuple(data["changes"]),
            speaker=Speaker(**data["speaker"]),
            look=_look(data["look"]),
            camera=Camera(**data["camera"]),
            **spans,
            **plain,
        )


def _look(data: Mapping[str, Any]) -> Look:
    def tuples(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}

    return Look(**{**tuples(data), "light": Light(**tuples(data["light"]))})
