"""What is planted in a talking test card, and its JSON form."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from genlock.core.errors import FormatError
from genlock.core.grid import Cells
from genlock.core.json_forms import cells_from_dict, read_json_file, spans_from_dict, write_json
from genlock.core.one_line import one_line
from genlock.core.spans import Spans
from genlock.core.time import exact, fraction_text
from genlock.core.track import Track

__all__ = ["CardTruth", "load_truth"]


@dataclass(frozen=True)
class CardTruth:
    """Everything that was planted: sound at the instants when it is heard, picture when it is seen."""

    offset_seconds: Fraction
    """Sound early (positive) or late against the picture, exactly."""
    cells: Cells
    """The frames: when each is shown."""
    frame_count: int
    """How many there are."""
    sound_rate: int
    """Samples per second."""
    sound_start: Fraction
    """Instant of sample 0."""
    sound_samples: int
    """How many there are."""
    phones: Spans
    """ARPAbet phones and pauses, as heard."""
    words: Spans
    """Words, as heard."""
    beeps: Spans
    """Beeps, as heard."""
    flashes: Spans
    """Flashes: the instants at which the event happens. It shows from the frame that contains the start."""
    flash_frames: tuple[int, ...]
    """The first frame of each flash."""
    closures: Spans
    """When the lips are shut in /p b m/, as seen."""
    aperture: Track
    """Opening of the mouth in each frame, 0...1, at its middle."""
    mouth_width: Track
    """Width of the mouth in each frame, 0...1, at its middle."""
    hand_turns: Track
    """The clock's hand in each frame, in turns 0...1 clockwise from the top, at its middle."""

    __repr__ = one_line

    @property
    def clock(self) -> str:
        """Name of the media clock that all this lies on."""
        return self.cells.clock

    @property
    def transcript(self) -> str:
        """What is said, on one line."""
        return " ".join(word.label for word in self.words)

    def to_dict(self) -> dict[str, object]:
        """A JSON form; :func:`load_truth` reads it."""
        return {
            "kind": "card truth",
            "clock": self.clock,
            "offset_seconds": fraction_text(self.offset_seconds),
            "cells": self.cells.to_dict(),
            "frame_count": self.frame_count,
            "sound_rate": self.sound_rate,
            "sound_start": fraction_text(self.sound_start),
            "sound_samples": self.sound_samples,
            "phones": self.phones.to_dict(),
            "words": self.words.to_dict(),
            "beeps": self.beeps.to_dict(),
            "flashes": self.flashes.to_dict(),
            "flash_frames": list(self.flash_frames),
            "closures": self.closures.to_dict(),
            "aperture": self.aperture.values.tolist(),
            "mouth_width": self.mouth_width.values.tolist(),
            "hand_turns": self.hand_turns.values.tolist(),
            "transcript": self.transcript,
        }

    def on_clock(self, clock: str) -> CardTruth:
        """The same truth on a clock of another name (an assertion of the caller's, not a conversion)."""
        cells = self.cells.on_clock(clock)
        spans = {
            name: replace(getattr(self, name), clock=clock)
            for name in ("phones", "words", "beeps", "flashes", "closures")
        }
        tracks = {
            name: replace(getattr(self, name), grid=cells)
            for name in ("aperture", "mouth_width", "hand_turns")
        }
        return replace(self, cells=cells, **spans, **tracks)

    def save(self, target: str | os.PathLike[str]) -> None:
        """Write it as JSON, atomically."""
        write_json(target, self.to_dict())

    def __str__(self) -> str:
        early = float(self.offset_seconds)
        sync = (
            "in sync" if early == 0 else f"sound {1000 * abs(early):g} ms {'early' if early > 0 else 'late'}"
        )
        return (
            f"test card of {self.frame_count} frames ({self.cells}), {len(self.words)} words, "
            f"{len(self.flashes)} flashes, {sync}"
        )


def load_truth(path: str | os.PathLike[str]) -> CardTruth:
    """Read what :meth:`CardTruth.save` wrote.

    Raises FormatError if the file is damaged, not ours or of a newer schema.
    """
    data: dict[str, Any] = read_json_file(path)
    if data.get("kind") != "card truth":
        raise FormatError(f"{str(path)!r} is {data.get('kind')!r}, not the truth of a test card")
    try:
        cells = cells_from_dict(data["cells"])

        def spans(name: str) -> Spans:
            return spans_from_dict(data[name])

        def track(name: str) -> Track:
            return Track(np.array(data[name], np.float64), cells, name=name.replace("_", " "))

        return CardTruth(
            exact(data["offset_seconds"]),
            cells,
            data["frame_count"],
            data["sound_rate"],
            exact(data["sound_start"]),
            data["sound_samples"],
            spans("phones"),
            spans("words"),
            spans("beeps"),
            spans("flashes"),
            tuple(data["flash_frames"]),
            spans("closures"),
            track("aperture"),
            track("mouth_width"),
            track("hand_turns"),
        )
    except (KeyError, TypeError) as error:
        raise FormatError(f"{str(path)!r} is damaged ({error}); make the card again") from error
