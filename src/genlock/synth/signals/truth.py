"""What is planted in a clip about its sync, and its JSON form."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from genlock.core.errors import FormatError
from genlock.core.grid import DEFAULT_CLOCK
from genlock.core.json_forms import read_json_file, spans_from_dict, warp_from_dict, write_json
from genlock.core.one_line import one_line
from genlock.core.spans import Spans
from genlock.core.time import exact, fraction_text
from genlock.core.warp import Warp

__all__ = ["SyncTruth", "find_truths", "load_sync_truth", "truth_path"]


@dataclass(frozen=True)
class SyncTruth:
    """How sound and picture of one clip really lie to each other, or that they do not belong together.

    >>> truth = SyncTruth("flashes", Warp.sync("0.08", 100, at=5), at=Fraction(5))
    >>> truth.offset_seconds, str(truth)
    (Fraction(2, 25), 'flashes: sound 80 ms early')
    """

    kind: str
    """What the clip is: ``flashes``, ``motion``, ``card``, ``recut``..."""
    warp: Warp | None
    """Sound time to picture time on the media clock; None where no offset is right (a wrong speaker, say)."""
    at: Fraction = Fraction(0)
    """The instant at which the offset is quoted: the middle of the clip."""
    clock: str = DEFAULT_CLOCK
    """Name of the media clock."""
    speaking: bool = True
    """Whether there is a mouth to be seen that speaks what is heard (else only signals, or nothing)."""
    corruptions: tuple[str, ...] = ()
    """What was done to it, in order."""
    flashes: Spans = field(default_factory=Spans)
    """The cells of the frames that flash up."""
    beeps: Spans = field(default_factory=Spans)
    """Beeps, as heard."""
    seed: int = 0
    """Seed of all that was drawn."""
    version: int = 1
    """Version of the generator; the same version and seed give the same clip."""

    __repr__ = one_line

    @property
    def offset_seconds(self) -> Fraction | None:
        """Positive: the sound is early; at the instant ``at``. None where no offset is right."""
        return None if self.warp is None else self.warp.offset_at(self.at)

    @property
    def drift_ppm(self) -> float | None:
        """How much slower than the picture the sound runs where the offset is quoted, in millionths."""
        if self.warp is None:
            return None
        piece = next(p for p in self.warp.pieces() if p.end is None or p.end > self.at)
        return float((piece.slope - 1) * 1_000_000)

    def on_clock(self, clock: str) -> SyncTruth:
        """The same truth on a clock of another name (an assertion of the caller's, not a conversion)."""
        moved = {name: replace(getattr(self, name), clock=clock) for name in ("flashes", "beeps")}
        return replace(self, clock=clock, **moved)

    def to_dict(self) -> dict[str, object]:
        """A JSON form; :func:`load_sync_truth` reads it."""
        offset = self.offset_seconds
        return {
            "kind": "sync truth",
            "what": self.kind,
            "clock": self.clock,
            "version": self.version,
            "seed": self.seed,
            "speaking": self.speaking,
            "corruptions": list(self.corruptions),
            "offset_seconds": None if offset is None else fraction_text(offset),
            "drift_ppm": self.drift_ppm,
            "at": fraction_text(self.at),
            "warp": None if self.warp is None else self.warp.to_dict(),
            "flashes": self.flashes.to_dict(),
            "beeps": self.beeps.to_dict(),
        }

    def save(self, target: str | os.PathLike[str]) -> None:
        """Write it as JSON, atomically."""
        write_json(target, self.to_dict())

    def __str__(self) -> str:
        offset = self.offset_seconds
        if offset is None:
            sync = "no offset is right"
        elif offset == 0:
            sync = "in sync"
        else:
            sync = f"sound {1000 * abs(float(offset)):g} ms {'early' if offset > 0 else 'late'}"
        return ", ".join([f"{self.kind}: {sync}", *self.corruptions])


def truth_path(clip: str | os.PathLike[str]) -> Path:
    """Where the truth of a clip lies: beside it.

    >>> str(truth_path("set/flash.mp4"))
    'set/flash.mp4.truth.json'
    """
    path = Path(clip)
    return path.with_name(f"{path.name}.truth.json")


def find_truths(folder: str | os.PathLike[str]) -> dict[Path, SyncTruth]:
    """The clips of a folder that have a truth beside them, in order of name."""
    ending = ".truth.json"
    found = sorted(Path(folder).rglob(f"*{ending}"))
    return {path.with_name(path.name.removesuffix(ending)): load_sync_truth(path) for path in found}


def load_sync_truth(path: str | os.PathLike[str]) -> SyncTruth:
    """Read what :meth:`SyncTruth.save` wrote.

    Raises FormatError if the file is damaged, not ours or of a newer schema.
    """
    data: dict[str, Any] = read_json_file(path)
    if data.get("kind") != "sync truth":
        raise FormatError(f"{str(path)!r} is {data.get('kind')!r}, not the sync truth of a clip")
    try:
        return SyncTruth(
            kind=data["what"],
            warp=None if data["warp"] is None else warp_from_dict(data["warp"]),
            at=exact(data["at"]),
            clock=data["clock"],
            speaking=data["speaking"],
            corruptions=tuple(data["corruptions"]),
            flashes=spans_from_dict(data["flashes"]),
            beeps=spans_from_dict(data["beeps"]),
            seed=data["seed"],
            version=data["version"],
        )
    except (KeyError, TypeError) as error:
        raise FormatError(f"{str(path)!r} is damaged ({error}); make the clip again") from error
