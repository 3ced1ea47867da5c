"""Who makes the sound of ``genlock sound`` where no library is given: struck bodies, or a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np

from genlock.core.errors import MissingModel, OptionError
from genlock.core.plugins import plugin_class, plugin_names
from genlock.core.track import Track
from genlock.foley.events import Event, Events
from genlock.foley.mixing import Mixer, Placed, pan_gains
from genlock.foley.sounding import Choice, MixedTake, Samples, Sounder, place_of
from genlock.models.foley.sampling import Sampling
from genlock.synth.impacts.materials import SEEN, material_of
from genlock.synth.impacts.sound import struck

__all__ = ["GROUP", "Attends", "ModalSounder", "make_sounder"]

#: The entry-point group of models that sound. Each entry makes a :class:`genlock.foley.sounding.Sounder` of the name of
#: its weights (None: those that are shipped) and raises MissingModel where they are not here.
GROUP = "genlock.sounders"
# A blow of the film's hard ones: newton seconds, metres a second, and metres across of what is struck.
_IMPULSE, _SPEED, _SIZE = 0.3, 2.5, 0.15
_SIZES = 0.02, 1.0  # metres: what is smaller or larger sounds as these


@runtime_checkable
class _KnowsClasses(Protocol):
    """A sounder that may have learnt classes."""

    def of_class(self, name: str) -> Sounder:
        """The same, for one of them; raises OptionError if there is none of that name."""
        ...


@runtime_checkable
class _Draws(Protocol):
    """A sounder that draws codes at random, one after the other."""

    def drawing(self, sampling: Sampling, prime: str) -> Sounder:
        """The same, its codes drawn in another way, or after a given sound."""
        ...


@runtime_checkable
class Attends(Protocol):
    """A sounder whose columns attend to those before them."""

    def attention(self, take: Any) -> Track:
        """What the columns of one of its takes attended to, from the beginning on, [n, layers, heads, reach]."""
        ...


class ModalSounder:
    """Struck bodies of the world of impacts: damped modes of each event's material, straight from the events.

    >>> events = Events([Event("0.5", material="wood"), Event(1, impulse=0.25, material="wood")], 0, 2)
    >>> take = ModalSounder(24000).take(events, seed=1)
    >>> sound = take.block(0, 48000)
    >>> bool(abs(sound[:12000]).max() == 0), bool(abs(sound[12000]).max() > 0), take.choices[1].sound
    (True, True, 'wood')
    """

    name = "modal"
    about = "damped modes of struck bodies, computed; nothing was recorded or learnt"

    def __init__(self, rate: int = 48000, width: float = 0.7, material: str | None = None) -> None:
        self.rate, self._width = rate, width
        self._default = material or SEEN[0]
        material_of(self._default)
        pan_gains(0.5, width)

    def take(self, events: Events, seed: int) -> MixedTake:
        """A struck body on every event."""
        placed, choices, other = [], [], set()
        for number, (event, strength) in enumerate(zip(events, events.strengths().tolist(), strict=True)):
            name = _known(event.material)
            if name is None:
                other.add(event.material)
            placed.append(
                Placed(
                    place_of(event, events, self.rate),
                    self._maker(event, name or self._default, strength, seed, number, events.absolute),
                )
            )
            choices.append(Choice(event, name or self._default, 0.0))
        return MixedTake(Mixer(placed), tuple(choices), tuple(self._notes(other)))

    def _notes(self, other: set[str]) -> list[str]:
        notes = []
        if "" in other:
            notes.append(
                f"materials are not known to the finder: what it does not name sounds as {self._default}"
            )
        strange = sorted(other - {""})
        if strange:
            notes.append(f"{', '.join(strange)} cannot be struck here and sounds as {self._default}")
        return notes

    def _maker(
        self, event: Event, name: str, strength: float, seed: int, number: int, absolute: bool
    ) -> Callable[[], Samples]:
        size, impulse, away = _SIZE, _IMPULSE * max(strength, 0.02), 1.0
        if absolute and event.distance is not None:
            size, impulse, away = float(np.clip(event.size, *_SIZES)), event.impulse, max(event.distance, 0.3)

        def make() -> Samples:
            sound = struck(
                material_of(name),
                size,
                seed,
                impulse,
                _SPEED * max(impulse / _IMPULSE, 0.1) ** 0.5,
                rate=self.rate,
                touch=number,
            )
            gains = np.array(pan_gains(event.x, self._width)) * np.sqrt(2)
            return np.asarray(sound[:, None] * gains / away, np.float32)

        return make


def _known(material: str) -> str | None:
    try:
        return material_of(material).name if material else None
    except OptionError:
        return None


def make_sounder(
    model: str,
    rate: int,
    width: float,
    material: str | None,
    class_name: str = "",
    sampling: Sampling | None = None,
    prime: str = "",
) -> Sounder:
    """The sounder of a name; ``auto``: a model that is here, else struck bodies.

    Parameters
    ----------
    model : ``modal``, ``auto``, a registered name, or ``NAME:WEIGHTS`` for weights of your own
    class_name : kind of sound, of a model that has learnt classes; empty: whatever fits
    sampling : how codes are drawn, of a model that draws; None: as it advises
    prime : a sound that such a model goes on with; empty: none

    Raises
    ------
    OptionError
        If there is none of that name, it knows no such class, or it draws nothing.
    MissingModel
        If its weights are not here.
    """
    sounder = _sounder_of(model, rate, width, material)
    if class_name:
        if not isinstance(sounder, _KnowsClasses):
            raise OptionError(
                f"{sounder.name!r} has learnt no classes of sound: leave out --class {class_name!r}"
            )
        sounder = sounder.of_class(class_name)
    if prime or (sampling is not None and sampling != Sampling()):
        if not isinstance(sounder, _Draws):
            raise OptionError(
                f"{sounder.name!r} draws no codes: leave out --temperature, --top-k, --top-p, --guidance, --prime"
            )
        sounder = sounder.drawing(sampling or Sampling(), prime)
    return sounder


def _sounder_of(model: str, rate: int, width: float, material: str | None) -> Sounder:
    names = plugin_names(GROUP)
    if model == "auto":
        for name in names:
            try:
                return _registered(name, None)
            except MissingModel:
                continue  # its weights are not here; the result says who sounds instead
        return ModalSounder(rate, width, material)
    if model == "modal":
        return ModalSounder(rate, width, material)
    name, _, weights = model.partition(":")
    if name not in names:
        raise OptionError(f"the model {model!r} is not known; there are: {', '.join(['modal', *names])}")
    return _registered(name, weights or None)


def _registered(name: str, weights: str | None) -> Sounder:
    made: Callable[[str | None], Sounder] = plugin_class(GROUP, name)
    return made(weights)
