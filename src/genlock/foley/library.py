"""Sound from a user's own one-shots: chosen by material and impulse, never the same twice in a row, on the sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soxr

from genlock.core.errors import OptionError
from genlock.core.plugins import did_you_mean
from genlock.foley.events import Event, Events
from genlock.foley.mixing import Mixer, Placed, pan_gains
from genlock.foley.one_shots import Library, OneShot, ShotReader
from genlock.foley.sounding import Choice, MixedTake, level_of, place_of

__all__ = ["LibrarySounder"]

Samples: TypeAlias = npt.NDArray[np.float32]

_GAINS_DB = (-36.0, 12.0)
# A layer of fewer sounds than this is varied by playing them a little faster or slower.
_FEW = 3
_SPEEDS = (1.0, 0.985, 1.012, 0.993, 1.02)
# Where sizes are known in metres: a one-shot is taken for one of a thing so large, and played so much faster for a
# smaller one. A recording bears less than physics asks for, which is the power 1.
_USUAL_SIZE, _PITCH_POWER, _PITCHES = 0.11, 0.5, (0.6, 1.6)
# Beside a pan by power, one channel of two is as loud as both together.
_CENTRE_DB = 3.0103


class LibrarySounder:
    """A :class:`genlock.foley.sounding.Sounder` over a :class:`genlock.foley.one_shots.Library`.

    Parameters
    ----------
    library : from :func:`genlock.foley.one_shots.open_library`
    rate : samples per second of what is made
    material : the class for events whose material is not known or not there; None: the first class
    same_as : other names of materials: ``{"stone": "kitchen/tiles"}``
    width : of the stereo picture, 0 (all in the middle) ... 1
    """

    name = "library"

    def __init__(
        self,
        library: Library,
        rate: int = 48000,
        material: str | None = None,
        same_as: Mapping[str, str] | None = None,
        width: float = 0.7,
    ) -> None:
        self.library, self.rate, self._width = library, rate, width
        self.about = f"{library.count} one-shots of {library.folder}, as they were recorded"
        self._default = _known_class(library, material) if material else next(iter(library.groups))
        self._stated = material is not None
        self._same_as = {m: _known_class(library, c) for m, c in (same_as or {}).items()}
        self._reader = ShotReader(rate)
        pan_gains(0.5, width)  # refuses a width out of range

    def take(self, events: Events, seed: int) -> MixedTake:
        """Place a sound on every event."""
        bag = _Bag(np.random.default_rng([seed, 15]))
        placed: list[Placed] = []
        choices: list[Choice] = []
        missing: set[str] = set()
        unknown = 0
        for event, strength in zip(events, events.strengths().tolist(), strict=True):
            group, known = self._class_of(event)
            unknown += not event.material
            if event.material and not known:
                missing.add(event.material)
            layers = self.library.groups[group]
            layer = _layer_of(layers, strength)
            shot, speed = bag.draw(group, layer, layers[layer])
            speed *= _speed_of(event) if events.absolute else 1.0
            gain = _gain_of(shot, layers, strength)
            first = place_of(event, events, self.rate, shot.attack / Fraction(speed))
            placed.append(Placed(first, self._maker(shot, speed, gain, event.x)))
            choices.append(Choice(event, shot.path, round(gain, 2)))
        return MixedTake(Mixer(placed), tuple(choices), tuple(self._notes(missing, unknown)))

    def _class_of(self, event: Event) -> tuple[str, bool]:
        if event.material in self._same_as:
            return self._same_as[event.material], True
        found = self.library.classes_of(event.material) if event.material else ()
        return (found[0], True) if found else (self._default, False)

    def _notes(self, missing: set[str], unknown: int) -> list[str]:
        notes = []
        if missing:
            known = ", ".join(self.library.groups)
            notes.append(
                f"the library has no class for {', '.join(sorted(missing))}, which sound as {self._default!r}; "
                f"it has: {known}"
            )
        if unknown and len(self.library.groups) > 1 and not self._stated:
            notes.append(
                f"the materials of {unknown} events are not known: they sound as {self._default!r}, the first class "
                "of the library"
            )
        if self.library.left_out:
            few = "; ".join(self.library.left_out[:3])
            notes.append(f"{len(self.library.left_out)} files of the library are not used: {few}")
        return notes

    def _maker(self, shot: OneShot, speed: float, gain_db: float, x: float) -> Callable[[], Samples]:
        def make() -> Samples:
            samples = self._reader.samples(shot)
            if speed != 1:
                samples = np.asarray(soxr.resample(samples, self.rate * speed, self.rate), np.float32)
            left, right = pan_gains(x, self._width)
            gain = 10 ** ((gain_db + _CENTRE_DB) / 20)
            return np.asarray(samples * np.array([left * gain, right * gain], np.float32), np.float32)

        return make


def _known_class(library: Library, name: str) -> str:
    if name in library.groups:
        return name
    found = library.classes_of(name)
    if not found:
        names = list(library.groups)
        raise OptionError(
            f"the library has no class {name!r}{did_you_mean(name, names)}; it has: {', '.join(names)}"
        )
    return found[0]


def _layer_of(layers: tuple[tuple[OneShot, ...], ...], strength: float) -> int:
    """The layer whose loudness is nearest to the event's; equal shares where the layers are equally loud."""
    levels = np.array([np.mean([shot.loudness_db for shot in layer]) for layer in layers])
    if len(levels) > 1 and levels[-1] - levels[0] >= 6:
        return int(np.abs(levels - (levels.max() + level_of(strength))).argmin())
    return min(int(strength * len(layers)), len(layers) - 1)


def _gain_of(shot: OneShot, layers: tuple[tuple[OneShot, ...], ...], strength: float) -> float:
    """So that the event is as loud beside the hard ones as its strength asks for."""
    top = max(float(np.mean([each.loudness_db for each in layer])) for layer in layers)
    return float(np.clip(top + level_of(strength) - shot.loudness_db, *_GAINS_DB))


def _speed_of(event: Event) -> float:
    """How much faster a thing of this size is to be played: what is small sounds high."""
    return float(np.clip((_USUAL_SIZE / max(event.size, 1e-3)) ** _PITCH_POWER, *_PITCHES))


class _Bag:
    """Draws from each layer until all have been drawn, then anew; no sound follows itself while there is another."""

    def __init__(self, draw: np.random.Generator) -> None:
        self._draw = draw
        self._left: dict[tuple[str, int], list[tuple[OneShot, float]]] = {}
        self._last: dict[tuple[str, int], tuple[OneShot, float]] = {}

    def draw(self, group: str, layer: int, shots: tuple[OneShot, ...]) -> tuple[OneShot, float]:
        """A sound of a layer, and how much faster it is played."""
        key = (group, layer)
        if not self._left.get(key):
            speeds = _SPEEDS if len(shots) < _FEW else _SPEEDS[:1]
            every = [(shot, speed) for shot in shots for speed in speeds]
            order = [every[k] for k in self._draw.permutation(len(every)).tolist()]
            if len(order) > 1 and order[-1] == self._last.get(key):
                order.insert(0, order.pop())
            self._left[key] = order
        self._last[key] = self._left[key].pop()
        return self._last[key]
