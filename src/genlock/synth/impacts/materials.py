"""What things are made of: how each material sounds when it is hit, and what it looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from genlock.core.errors import OptionError

__all__ = ["HELD_OUT", "MATERIALS", "SEEN", "Material", "material_of"]

Colour: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class Material:
    """One material."""

    name: str
    """Its name, which is also its class."""
    pitch_hz: float
    """Lowest mode of a body 0.1 m across, in hertz."""
    ratios: tuple[float, ...]
    """Modes over the lowest one."""
    decay_seconds: float
    """Time in which the lowest mode falls by 60 dB."""
    tilt: float
    """How much faster higher modes die: their time is divided by ``ratio ** tilt``."""
    noise: float
    """Share of the sound that is a burst of noise and no mode, 0...1."""
    noise_hz: tuple[float, float]
    """Band of that burst, in hertz."""
    noise_seconds: float
    """Time in which the burst falls by 60 dB."""
    contact_seconds: float
    """How long a touch of 1 m/s lasts: long ones leave the high modes alone."""
    glide: float
    """How much the pitch has risen after a tenth of a second, as a share; bubbles do that."""
    density: float
    """Mass over the square of the size, kg/m^2: things are hollow."""
    restitution: float
    """Speed after a bounce over the speed before it, 0...1."""
    colours: tuple[tuple[Colour, Colour], ...]
    """Pairs of RGB colours between which its surface lies."""
    texture: str
    """``grain``, ``brushed``, ``clear``, ``speckle``, ``plain``, ``weave``, ``leaves``, ``waves`` or ``ribs``."""
    gloss: float
    """How strong its highlight is, 0...1."""


def _material(name: str, sound: tuple[float, ...], modes: tuple[float, ...], **rest: object) -> Material:
    pitch, decay, tilt, noise, low, high, burst, contact = sound
    return Material(
        name,
        pitch,
        modes,
        decay,
        tilt,
        noise,
        (low, high),
        burst,
        contact,
        **rest,  # type: ignore[arg-type]
    )


_BAR = (1.0, 2.756, 5.404, 8.933, 13.34, 18.64)
_PLATE = (1.0, 1.73, 2.33, 3.91, 4.11, 6.3, 6.71, 8.2, 9.4, 12.1)

#: What films are made of unless they are asked to hold a material out.
SEEN = ("wood", "metal", "glass", "plastic", "stone", "cloth", "leaves", "water")
#: What is only there if it is asked for, so that nothing is trained on it.
HELD_OUT = ("ceramic", "cardboard", "skin")

_ALL = (
    #         pitch  decay tilt noise  band         burst  contact
    _material(
        "wood", (620, 0.16, 0.7, 0.15, 300, 4000, 0.03, 0.0009), _BAR,
        glide=0.0, density=3.5, restitution=0.45, texture="grain", gloss=0.15,
        colours=(((120, 78, 42), (186, 138, 88)), ((74, 46, 28), (128, 84, 52)), ((176, 140, 96), (222, 190, 146))),
    ),
    _material(
        "metal", (1150, 1.6, 0.45, 0.05, 2000, 10000, 0.02, 0.0003), _PLATE,
        glide=0.0, density=12.0, restitution=0.6, texture="brushed", gloss=0.9,
        colours=(((96, 102, 110), (176, 182, 190)), ((130, 130, 134), (206, 208, 212)),
                 ((70, 76, 86), (140, 148, 160))),
    ),
    _material(
        "glass", (2350, 0.75, 0.5, 0.04, 3000, 11000, 0.012, 0.0002), (1.0, 2.32, 4.25, 6.63, 9.38, 12.2),
        glide=0.0, density=9.0, restitution=0.65, texture="clear", gloss=1.0,
        colours=(((120, 190, 188), (196, 236, 232)), ((96, 172, 150), (170, 224, 204)),
                 ((150, 196, 224), (210, 236, 248))),
    ),
    _material(
        "plastic", (480, 0.07, 0.55, 0.25, 400, 5000, 0.025, 0.0007), (1.0, 1.58, 2.44, 3.2, 4.61, 6.1, 7.7),
        glide=0.0, density=2.0, restitution=0.62, texture="plain", gloss=0.5,
        colours=(((206, 36, 40), (238, 70, 64)), ((30, 84, 200), (64, 126, 236)), ((236, 190, 24), (252, 220, 80)),
                 ((200, 60, 170), (236, 110, 206))),
    ),
    _material(
        "stone", (1750, 0.045, 0.3, 0.45, 1200, 9000, 0.018, 0.0003), (1.0, 1.42, 1.97, 2.71, 3.6, 4.4),
        glide=0.0, density=20.0, restitution=0.35, texture="speckle", gloss=0.05,
        colours=(((96, 92, 86), (160, 154, 146)), ((128, 118, 108), (186, 176, 164)), ((84, 84, 88), (136, 136, 142))),
    ),
    _material(
        "cloth", (95, 0.06, 1.2, 0.75, 60, 900, 0.07, 0.006), (1.0, 1.6, 2.3),
        glide=0.0, density=4.0, restitution=0.12, texture="weave", gloss=0.0,
        colours=(((70, 52, 104), (118, 92, 156)), ((150, 84, 96), (204, 136, 144)), ((216, 206, 190), (246, 238, 226))),
    ),
    _material(
        "leaves", (900, 0.02, 0.5, 0.97, 1800, 10000, 0.16, 0.002), (1.0, 2.1),
        glide=0.0, density=1.0, restitution=0.08, texture="leaves", gloss=0.1,
        colours=(((36, 66, 18), (116, 166, 52)), ((56, 70, 20), (150, 170, 70)), ((20, 56, 28), (80, 140, 70))),
    ),
    _material(
        "water", (520, 0.14, 0.3, 0.55, 500, 6000, 0.11, 0.003), (1.0, 1.37, 1.9, 2.6, 3.3),
        glide=0.6, density=5.0, restitution=0.05, texture="waves", gloss=0.8,
        colours=(((20, 62, 120), (64, 132, 190)), ((16, 84, 116), (58, 150, 178)), ((40, 70, 100), (110, 150, 184))),
    ),
    _material(
        "ceramic", (1500, 0.28, 0.55, 0.1, 1500, 9000, 0.015, 0.0003), (1.0, 1.9, 3.1, 4.7, 6.4, 8.5),
        glide=0.0, density=10.0, restitution=0.5, texture="plain", gloss=0.8,
        colours=(((206, 200, 186), (250, 246, 238)), ((176, 104, 72), (214, 146, 110))),
    ),
    _material(
        "cardboard", (210, 0.04, 0.8, 0.55, 150, 2200, 0.04, 0.002), (1.0, 1.8, 2.9, 4.1),
        glide=0.0, density=0.8, restitution=0.3, texture="ribs", gloss=0.02,
        colours=(((150, 112, 70), (196, 156, 110)),),
    ),
    _material(
        "skin", (150, 0.35, 0.6, 0.12, 200, 2500, 0.03, 0.0022), (1.0, 1.594, 2.136, 2.296, 2.653, 2.918),
        glide=0.0, density=1.5, restitution=0.7, texture="clear", gloss=0.2,
        colours=(((226, 214, 188), (246, 238, 220)),),
    ),
)  # fmt: skip

#: Every material by its name; the held-out ones come last.
MATERIALS = tuple(one.name for one in _ALL)
_BY_NAME = {one.name: one for one in _ALL}


def material_of(name: str) -> Material:
    """The material of a name.

    >>> material_of("wood").texture, len(MATERIALS)
    ('grain', 11)

    Raises OptionError for an unknown name.
    """
    if name not in _BY_NAME:
        raise OptionError(f"there is no material {name!r}; there are: {', '.join(MATERIALS)}")
    return _BY_NAME[name]
