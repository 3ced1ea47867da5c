"""Which films of impacts a set holds: every scene is drawn by a seed before anything is made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Annotated, Literal

import numpy as np
import tyro

from genlock.core.errors import OptionError
from genlock.core.time import Exact, exact, exact_rate
from genlock.synth.impacts.bodies import Body, Drop, Roll, Striker
from genlock.synth.impacts.materials import HELD_OUT, SEEN
from genlock.synth.impacts.scenes import SCENES, Ranges, draw_drops, draw_rolls, draw_strikers, place_bodies
from genlock.synth.impacts.views import View

__all__ = ["Disturbance", "ImpactOptions", "ImpactPlan", "plan_one", "read_size"]

HeldOut = Literal["materials", "sizes", "speeds", "rates"]

# Rates that films are made for, and others that nothing is trained on.
_SEEN_RATES = ("15", "24", "25", "30000/1001", "30", "12", "60", "variable")
_OTHER_RATES = ("10", "20", "48", "50", "18")


@dataclass(frozen=True)
class ImpactOptions:
    """What a set of films of impacts holds."""

    count: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 12
    """Number of films (with ``pairs``: of pairs), 1...1000000."""
    seed: int = 0
    """Seed of all that is drawn, not below zero; a larger set begins with a smaller one of the same seed."""
    seconds: Exact = 4
    """Length of each film, 1...600."""
    sizes: tuple[str, ...] = ("160x120", "128x128", "128x96")
    """Sizes of the picture in turn, ``WIDTHxHEIGHT``, even, 48x48...1920x1920."""
    rates: tuple[str, ...] = ()
    """Frame rates in turn; ``variable``: frames of 1/2 to 2 times 1/30 s; none: 12 to 60, or the held-out ones."""
    stamp: Literal["start", "middle"] = "start"
    """When a frame was taken: ``start``: as cameras do, from its stamp on; ``middle``: at the middle of its cell."""
    sound_rate: int = 24000
    """Samples per second, 8000...192000."""
    scenes: tuple[str, ...] = SCENES
    """What happens, in turn: ``sticks``, ``hands``, ``drops``, ``rolls``, ``silent``; a name may stand there twice."""
    held_out: tuple[HeldOut, ...] = ()
    """What is taken from outside of what is otherwise made: ``materials``, ``sizes``, ``speeds``, ``rates``."""
    difficulty: float = 0.6
    """How much background, light, lens, noise and compression hamper, 0 (plain and sharp) ... 1."""
    distractors: float = 0.5
    """Share of the films with each kind of thing that leads astray, 0...1: silent motion, sound off screen, something
    in front, a camera that shakes, near misses."""
    painted: float = 0.0
    """Share of the things whose colour says nothing of what they are made of, 0...1."""
    pairs: bool = False
    """Make two films of each that differ in one factor (material, speed, size, distance), with equal contacts."""
    oneshots: str | None = None
    """Folder of real struck sounds (``tools/fetch_oneshots.py``) that are heard in half of the films."""
    films: bool = True
    """Make films; else only the sounds, as WAV, with the same truth."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "seconds", exact(self.seconds))
        shares = ("difficulty", "distractors", "painted")
        wrong = [f"{name}={getattr(self, name)}" for name in shares if not 0 <= getattr(self, name) <= 1]
        if wrong:
            raise OptionError(f"{', '.join(wrong)} must lie in 0...1")
        if not 1 <= self.count <= 1_000_000 or self.seed < 0 or not 8000 <= self.sound_rate <= 192_000:
            raise OptionError(
                f"count={self.count} must lie in 1...1000000, seed={self.seed} not below 0, sound_rate="
                f"{self.sound_rate} in 8000...192000"
            )
        if not 1 <= exact(self.seconds) <= 600 or not self.sizes or not self.scenes:
            raise OptionError(
                f"seconds={self.seconds} must lie in 1...600; sizes and scenes name at least one each"
            )
        unknown = [scene for scene in self.scenes if scene not in SCENES]
        if unknown:
            raise OptionError(f"there is no scene {unknown[0]!r}; there are: {', '.join(SCENES)}")
        for size in self.sizes:
            read_size(size)
        for rate in self.rates:
            if rate != "variable" and not 1 <= exact_rate(rate) <= 240:
                raise OptionError(f"a rate of {rate} frames a second lies outside 1...240")


@dataclass(frozen=True)
class Disturbance:
    """What is between the scene and the file."""

    background: int = 0
    """Kind of the background: 0 is plain."""
    clutter: int = 0
    """Things that only lie there."""
    contrast: float = 1.0
    """Of the picture, 0.5...1.3."""
    light: float = 1.0
    """Overall light, 0.5...1.3."""
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Colour of the light."""
    flicker: float = 0.0
    """How much the light changes while the film runs, as a share."""
    blur: float = 0.0
    """Standard deviation of the lens' blur, shares of the width."""
    noise: float = 0.0
    """Standard deviation of the sensor's noise, 0...255."""
    shake: float = 0.0
    """How far the camera trembles, shares of the width."""
    quality: int = 20
    """CRF of the encoder, 10...40."""
    hiss_decibels: float = -70.0
    """RMS of the room, dB of full scale."""
    silent_motion: int = 0
    """Things that move without a sound."""
    off_screen: int = 0
    """Contacts that are heard and not seen."""
    in_front: bool = False
    """Whether something hides a part of the picture."""


@dataclass(frozen=True)
class ImpactPlan:
    """One film before it is made."""

    name: str
    """Of the film, without ending."""
    seed: int
    """Of all that is drawn while it is made."""
    scene: str
    """What happens."""
    view: View
    """From where it is seen."""
    rate: Fraction
    """Frames per second; of a variable rate the nominal one."""
    variable_rate: bool
    """Whether frames last differently long."""
    seconds: Fraction
    """Length."""
    shutter: float
    """Share of a frame for which the shutter is open."""
    ground: str
    """What the ground is made of."""
    stamp: Literal["start", "middle"] = "start"
    """When a frame was taken: from its stamp on, or at the middle of its cell."""
    bodies: tuple[Body, ...] = ()
    """What lies there."""
    strikers: tuple[Striker, ...] = ()
    """What strikes."""
    drops: tuple[Drop, ...] = ()
    """What falls."""
    rolls: tuple[Roll, ...] = ()
    """What rolls."""
    disturbance: Disturbance = field(default_factory=Disturbance)
    """What hampers."""
    materials: tuple[str, ...] = SEEN
    """Of which things off screen are made."""
    factor: tuple[str, float | str, str] | None = None
    """In a pair: what differs, its value here, the name of the other film."""


def plan_one(options: ImpactOptions, number: int) -> ImpactPlan:
    """The film of a number."""
    draw = np.random.default_rng([options.seed, number, 41])
    other = {name: name in options.held_out for name in ("materials", "sizes", "speeds", "rates")}
    rates = options.rates or (_OTHER_RATES if other["rates"] else _SEEN_RATES)
    rate = rates[int(draw.integers(len(rates)))] if not options.rates else rates[number % len(rates)]
    scene = options.scenes[number % len(options.scenes)]
    width, height = read_size(options.sizes[number % len(options.sizes)])
    materials = HELD_OUT if other["materials"] else SEEN
    ranges = Ranges.of(materials, other["sizes"], other["speeds"], options.painted)
    view = _view(width, height, options.difficulty, draw)
    seconds = exact(options.seconds)
    plan = ImpactPlan(
        name=f"{number:06d}",
        seed=int(draw.integers(2**31)),
        scene=scene,
        view=view,
        rate=Fraction(30) if rate == "variable" else exact_rate(rate),
        variable_rate=rate == "variable",
        seconds=seconds,
        shutter=float(draw.uniform(0.08, 0.15 + 0.75 * options.difficulty)),
        ground=str(draw.choice([m for m in materials if m not in ("glass", "plastic")])),
        stamp=options.stamp,
        materials=materials,
    )
    return _with_scene(plan, ranges, _disturbance(options, draw), options.distractors, draw)


def _with_scene(
    plan: ImpactPlan, ranges: Ranges, disturbance: Disturbance, distractors: float, draw: np.random.Generator
) -> ImpactPlan:
    scene, seconds, view = plan.scene, plan.seconds, plan.view
    bodies = place_bodies(view, ranges, draw, least=scene == "sticks" or scene == "hands")
    plan = replace(plan, bodies=bodies, disturbance=disturbance)
    misses = draw.random() < distractors
    if scene in ("sticks", "hands"):
        kinds = ("hand",) if scene == "hands" else ("stick", "stick", "stick", "mallet")
        return replace(plan, strikers=draw_strikers(kinds, bodies, view, ranges, seconds, misses, draw))
    if scene == "drops":
        return replace(plan, drops=draw_drops(bodies, view, ranges, seconds, draw))
    if scene == "rolls":
        return replace(plan, rolls=draw_rolls(bodies, view, ranges, seconds, draw))
    # Silent: swings that never touch, and things that move.
    never = draw_strikers(("stick", "hand"), bodies, view, ranges, seconds, True, draw, touch=False)
    moving = replace(disturbance, silent_motion=max(1, disturbance.silent_motion))
    return replace(plan, strikers=never, disturbance=moving)


def _view(width: int, height: int, difficulty: float, draw: np.random.Generator) -> View:
    roll = draw.normal(0, 0.06 + 0.1 * difficulty)
    if draw.random() < 0.12 * difficulty:
        # A wall that is struck is a ground that is seen from the side.
        roll += draw.choice([-1.0, 1.0]) * np.pi / 2
    span = float(draw.uniform(0.45, 0.8 + 0.5 * difficulty))
    return View(
        width,
        height,
        distance=float(span * draw.uniform(1.0, 2.5)),
        pitch=float(draw.uniform(0.15, 0.5 + 0.8 * difficulty)),
        roll=float(roll),
        span=span,
    )


def _disturbance(options: ImpactOptions, draw: np.random.Generator) -> Disturbance:
    hard, often = options.difficulty, options.distractors
    chance = draw.random(8)
    return Disturbance(
        background=0 if hard == 0 else int(draw.integers(1, 6)),
        clutter=int(draw.integers(0, 1 + round(8 * hard))),
        contrast=float(draw.uniform(1 - 0.5 * hard, 1 + 0.3 * hard)),
        light=float(draw.uniform(1 - 0.5 * hard, 1 + 0.25 * hard)),
        tint=tuple(draw.uniform(1 - 0.15 * hard, 1 + 0.1 * hard, 3).tolist()),
        flicker=float(draw.uniform(0, 0.25)) * (chance[0] < 0.4 * hard),
        blur=float(draw.uniform(0, 0.006) * hard) * (chance[1] < 0.5),
        noise=float(draw.uniform(0, 9)) * hard,
        shake=float(draw.uniform(0.002, 0.02)) * (chance[2] < often),
        quality=int(draw.integers(16, 18 + round(20 * hard))),
        hiss_decibels=float(draw.uniform(-75, -75 + 30 * hard)),
        silent_motion=int(draw.integers(1, 3)) * (chance[3] < 0.6 * often),
        off_screen=int(draw.integers(1, 4)) * (chance[4] < 0.5 * often),
        in_front=bool(chance[5] < 0.3 * often),
    )


def read_size(text: str) -> tuple[int, int]:
    """Width and height of ``WIDTHxHEIGHT``.

    Raises OptionError if it is none, or not even, or outside 48...1920.
    """
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise OptionError(f"the size {text!r} is not WIDTHxHEIGHT, such as 128x96")
    found = int(width), int(height)
    if not all(48 <= side <= 1920 and side % 2 == 0 for side in found):
        raise OptionError(f"the size {text!r} must be even, 48x48...1920x1920")
    return found
