"""What is planted in a film of impacts, and its JSON form."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError
from genlock.core.grid import Cells
from genlock.core.json_forms import cells_from_dict, described, read_json_file, write_json
from genlock.core.one_line import one_line
from genlock.core.spans import Span, Spans
from genlock.core.time import exact, fraction_text
from genlock.synth.signals.truth import truth_path

__all__ = ["IMPACT_VERSION", "KINDS", "Contact", "ImpactTruth", "load_impact_truth", "truth_path"]

#: Goes up whenever the same options give another film than before.
IMPACT_VERSION = 1
#: What a contact can be; flashes are those of ``genlock synth flashdot``.
KINDS = ("strike", "bounce", "scrape", "roll", "flash")


@dataclass(frozen=True)
class Contact:
    """One touch of two things."""

    time: Fraction
    """When it begins, in exact seconds on the film's clock."""
    kind: str
    """One of :data:`KINDS`."""
    material: str
    """What the thing that sounds is made of."""
    impulse: float
    """Momentum that is handed over, N s; of scrapes and rolls that of the first touch."""
    mass: float
    """Of what moves, kg."""
    speed: float
    """At the touch, m/s; of scrapes and rolls the largest along the surface."""
    size: float
    """How large the thing that sounds is across, metres."""
    distance: float
    """From the camera, metres."""
    x: float
    """In the picture: 0 is its left edge, 1 its right one; outside of 0...1 it is off screen."""
    y: float
    """0 is its upper edge, 1 its lower one."""
    audible: bool = True
    """Whether it is heard."""
    visible: bool = True
    """Whether the place where it happens is seen when it happens."""
    end: Fraction | None = None
    """When a scrape or a roll ends; None of a contact without a length."""
    striker: str = ""
    """What it was hit with: ``stick``, ``mallet``, ``hand``, ``body``."""
    body: int = -1
    """The same number is the same thing; the ground is -1."""

    def to_dict(self) -> dict[str, Any]:
        """A JSON form: times exact and readable."""
        known: dict[str, Any] = asdict(self)
        known["time"], known["time_seconds"] = fraction_text(self.time), float(self.time)
        known["end"] = None if self.end is None else fraction_text(self.end)
        known["end_seconds"] = None if self.end is None else float(self.end)
        return known

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Contact:
        """Read :meth:`to_dict`; keys of later versions are passed over."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        known["time"] = exact(known["time"])
        known["end"] = None if known.get("end") is None else exact(known["end"])
        return cls(**known)


@dataclass(frozen=True)
class ImpactTruth:
    """Everything that is planted in one film."""

    contacts: tuple[Contact, ...]
    """In order of time."""
    cells: Cells
    """The frames."""
    frame_count: int
    """How many there are."""
    sound_rate: int
    """Samples per second; sample n is at ``n / sound_rate``."""
    seconds: Fraction
    """Length of the film, exact."""
    shutter: float
    """Share of a frame for which the shutter is open, 0...1."""
    stamp: str = "start"
    """``start``: frame k shows what was there from its own left edge on, as long as the shutter was open; ``middle``:
    around the middle of its cell."""
    seed: int = 0
    """Of all that was drawn."""
    scene: str = ""
    """What happens: ``sticks``, ``hands``, ``drops``, ``rolls``, ``silent``."""
    distractors: tuple[str, ...] = ()
    """What leads astray."""
    sources: tuple[str, ...] = ()
    """Real sounds that are heard, each with its licence."""
    pair: Mapping[str, Any] = field(default_factory=dict)
    """Of a film of a counterfactual pair: ``name`` of the pair, ``factor`` that differs, ``value`` here, ``other``
    film."""
    version: int = IMPACT_VERSION
    """Of the generator."""

    __repr__ = one_line

    def seen(self) -> tuple[Contact, ...]:
        """Strikes, bounces and beginnings of scrapes that are seen and heard: what sound for the picture must hit."""
        return tuple(c for c in self.contacts if c.visible and c.audible and c.kind != "roll")

    def allowed(self) -> tuple[Contact, ...]:
        """What may sound, but need not: contacts that are heard and not seen, or seen and not heard, and what lasts."""
        return tuple(
            c for c in self.contacts if not (c.visible and c.audible) or c.kind in ("scrape", "roll")
        )

    def spans(self) -> Spans:
        """The contacts as intervals labelled ``kind material``; what lies within a longer contact shortens that."""
        spans: list[Span] = []
        for contact in sorted(self.contacts, key=lambda c: c.time):
            if spans and spans[-1].end > contact.time:
                spans[-1] = Span(spans[-1].start, contact.time, spans[-1].label)
            end = contact.time if contact.end is None else contact.end
            spans.append(Span(contact.time, end, f"{contact.kind} {contact.material}"))
        return Spans(spans, self.cells.clock, "contacts")

    def on_clock(self, clock: str) -> ImpactTruth:
        """The same truth on a clock of another name (an assertion of the caller's, not a conversion)."""
        return replace(self, cells=self.cells.on_clock(clock))

    def to_dict(self) -> dict[str, Any]:
        """A JSON form; :func:`load_impact_truth` reads it."""
        return {
            "kind": "impacts",
            "version": self.version,
            "seed": self.seed,
            "scene": self.scene,
            "contacts": [contact.to_dict() for contact in self.contacts],
            "cells": self.cells.to_dict(),
            "frame_count": self.frame_count,
            "sound_rate": self.sound_rate,
            "seconds": fraction_text(self.seconds),
            "shutter": self.shutter,
            "stamp": self.stamp,
            "distractors": list(self.distractors),
            "sources": list(self.sources),
            "pair": dict(self.pair),
        }

    def save(self, target: str | os.PathLike[str]) -> None:
        """Write it as JSON, atomically."""
        write_json(target, self.to_dict())

    def __str__(self) -> str:
        kinds = {kind: sum(c.kind == kind for c in self.contacts) for kind in KINDS}
        told = ", ".join(f"{kind} {count}" for kind, count in kinds.items() if count)
        return f"{self.scene}: {told or 'nothing touches'}"


def load_impact_truth(path: str | os.PathLike[str]) -> ImpactTruth:
    """Read what :meth:`ImpactTruth.save` wrote.

    Raises FormatError if the file is damaged, not ours or of a newer schema.
    """
    data = read_json_file(Path(path))
    if data.get("kind") != "impacts":
        raise FormatError(f"{str(path)!r} is {data.get('kind')!r}, not the truth of a film of impacts")
    with described(f"{str(path)!r} is damaged; make the film again"):
        return ImpactTruth(
            contacts=tuple(Contact.from_dict(one) for one in data["contacts"]),
            cells=cells_from_dict(data["cells"]),
            frame_count=int(data["frame_count"]),
            sound_rate=int(data["sound_rate"]),
            seconds=exact(data["seconds"]),
            shutter=float(data["shutter"]),
            stamp=str(data["stamp"]),
            seed=int(data["seed"]),
            scene=str(data["scene"]),
            distractors=tuple(data["distractors"]),
            sources=tuple(data["sources"]),
            pair=data["pair"],
            version=int(data["version"]),
        )
