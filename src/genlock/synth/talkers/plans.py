"""Which talkers a set holds: who says what in which picture, drawn by a seed before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Annotated

import numpy as np
import tyro

from genlock.core.errors import OptionError
from genlock.core.time import Exact, exact, exact_rate
from genlock.synth.talkers.changes import Change, draw_change
from genlock.synth.talkers.face import Camera
from genlock.synth.talkers.looks import Look, draw_look
from genlock.synth.talkers.speakers import Speaker, draw_speaker
from genlock.synth.talkers.speaking import find_voice
from genlock.synth.talkers.texts import Sentence, draw_sentences
from genlock.synth.talkers.voices import Manner

__all__ = ["TalkerOptions", "TalkerPlan", "plan_talkers"]


@dataclass(frozen=True)
class TalkerOptions:
    """What a set of talkers holds.

    >>> TalkerOptions(reach_seconds="0.6").reach_seconds
    Fraction(3, 5)
    """

    count: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 12
    """Number of films, 1...1000000."""
    seed: int = 0
    """Seed of all that is drawn, not below zero; a larger set begins with a smaller one of the same seed."""
    voices: tuple[str, ...] = ("own",)
    """Voices in turn: ``ENGINE:VOICE``, or ``ENGINE`` for all of its voices (``own``, ``flite``, ...)."""
    speakers: int = 0
    """How many people speak, each with one face and one voice; 0: another one in every film."""
    commands: float = 0.5
    """Share of GRID's commands ("bin blue at f two now") among the sentences, 0...1."""
    rates: tuple[str, ...] = ("25", "30000/1001", "24", "50", "variable")
    """Frame rates in turn; ``variable``: frames of 1/2 to 2 times 1/30 s."""
    sizes: tuple[str, ...] = ("256x256", "320x240", "288x288")
    """Sizes of the picture in turn, ``WIDTHxHEIGHT``, even, 64x64...1920x1920."""
    reach_seconds: Exact = 0
    """Offsets are drawn evenly within +- so many seconds, to the microsecond, 0...1.5; 0: all in step."""
    sound_rate: int = 48000
    """Samples per second, 8000...48000."""
    difficulty: float = 0.5
    """How much light, lens, noise, glasses, beards, turns of the head and compression hamper, 0...1."""
    hidden: float = 0.0
    """Share of the films in which a hand is before the mouth for a while, 0...1."""
    microphones: float = 0.05
    """Share of the films in which a microphone stands before the chin, 0...1."""
    rooms: float = 0.5
    """Share of the films whose sound is changed: another pitch or vocal tract, a room, noise; 0...1."""
    films: bool = True
    """Make films; else only the sounds, as WAV, with the same truth: thirty times as fast, for models of landmarks."""
    landmarks: bool = True
    """Write the landmarks of each film too, 5.6 kB a frame; they can be made anew from its truth."""
    tracker_noise: float = 0.0
    """How much of a face tracker's noise these have, 0 (exact) ... 1 (as measured on still faces), at most 4."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reach_seconds", exact(self.reach_seconds))
        shares = ("commands", "difficulty", "hidden", "microphones", "rooms")
        wrong = [f"{name}={getattr(self, name)}" for name in shares if not 0 <= getattr(self, name) <= 1]
        if wrong:
            raise OptionError(f"{', '.join(wrong)} must lie in 0...1")
        if not 1 <= self.count <= 1_000_000 or self.seed < 0 or self.speakers < 0:
            raise OptionError(
                f"count={self.count} must lie in 1...1000000, seed={self.seed} and speakers={self.speakers} not below 0"
            )
        if not 0 <= exact(self.reach_seconds) <= Fraction(3, 2) or not 8000 <= self.sound_rate <= 48000:
            raise OptionError(
                f"reach_seconds={self.reach_seconds} must lie in 0...1.5, sound_rate={self.sound_rate} in 8000...48000"
            )
        if not 0 <= self.tracker_noise <= 4:
            raise OptionError(f"tracker_noise={self.tracker_noise} must lie in 0...4")
        if not self.voices or not self.rates or not self.sizes:
            raise OptionError("voices, rates and sizes name at least one each")
        for size in self.sizes:
            _size(size)
        for rate in self.rates:
            if rate != "variable" and not 1 <= exact_rate(rate) <= 240:
                raise OptionError(f"a rate of {rate} frames a second lies outside 1...240")


@dataclass(frozen=True)
class TalkerPlan:
    """One talker before it is made."""

    name: str
    """Of the film, without ending."""
    words: Sentence
    """What is said."""
    voice: str
    """The voice that says it."""
    manner: Manner
    """How it is said."""
    change: Change | None
    """What befalls the sound on its way."""
    person: str
    """Who it is."""
    speaker: Speaker
    """The face."""
    look: Look
    """How it is painted."""
    camera: Camera
    """From where it is seen."""
    rate: Fraction
    """Frames per second; of a variable rate the nominal one."""
    variable_rate: bool
    """Whether frames last differently long."""
    offset_seconds: Fraction
    """How early the sound is; positive: early."""
    hand: tuple[float, float] | None
    """Where in the speech a hand comes and goes, as shares of its length."""
    quality: int
    """CRF of H.264."""
    seed: int
    """Of the movement."""


def plan_talkers(options: TalkerOptions) -> Iterator[TalkerPlan]:
    """What the films of a set will be, one after the other.

    >>> plans = list(plan_talkers(TalkerOptions(count=2)))
    >>> plans[0] == next(plan_talkers(TalkerOptions(count=1)))
    True

    Raises OptionError, MissingDependency or MissingModel if a voice is unknown or not on this machine.
    """
    voices = [voice for named in options.voices for voice in _voices(named)]
    for number, words in enumerate(draw_sentences(options.count, options.seed, commands=options.commands)):
        yield _plan(options, number, words, voices)


def _voices(named: str) -> list[str]:
    engine, voice = find_voice(named)
    return (
        [f"{engine.name}:{voice}"] if ":" in named else [f"{engine.name}:{each}" for each in engine.voices()]
    )


def _plan(options: TalkerOptions, number: int, words: Sentence, voices: list[str]) -> TalkerPlan:
    draw = np.random.default_rng([options.seed, 71, number])
    who = number if not options.speakers else int(draw.integers(options.speakers))
    person = np.random.default_rng([options.seed, 72, who])
    face, painted = int(person.integers(2**31)), int(person.integers(2**31))
    voice = voices[int(person.integers(len(voices)))] if options.speakers else voices[number % len(voices)]
    hard = options.difficulty
    look = draw_look(painted, hard)
    # A person keeps skin and hair, but not the place, the light and the camera.
    place = draw_look(int(draw.integers(2**31)), hard)
    kept = {
        name: getattr(place, name)
        for name in ("ground", "ground_colour", "light", "blur", "noise", "exposure")
    }
    look = replace(look, **kept, occluder="microphone" if draw.random() < options.microphones else "none")
    reach = int(exact(options.reach_seconds) * 10**6)
    offset = Fraction(int(draw.integers(-reach, reach + 1)), 10**6)
    margin = Fraction(3, 10) + abs(offset)
    hides = draw.random() < options.hidden
    begins = float(draw.uniform(0.1, 0.5))
    rate = options.rates[number % len(options.rates)]
    width, height = _size(options.sizes[int(draw.integers(len(options.sizes)))])
    return TalkerPlan(
        name=f"{number:06d}",
        words=words,
        voice=voice,
        manner=Manner(
            speed=round(float(draw.uniform(0.85, 1.15)), 3),
            # Voices that were recorded have a pitch of their own.
            pitch=round(float(person.uniform(-1.5, 1.5)), 2) if voice.startswith("own:") else 0.0,
            lead_seconds=margin,
            tail_seconds=margin,
            seed=int(draw.integers(2**31)),
        ),
        change=draw_change(int(draw.integers(2**31))) if draw.random() < options.rooms else None,
        person=f"t{who:06d}",
        speaker=draw_speaker(face),
        look=look,
        camera=_camera(draw, width, height, hard),
        rate=Fraction(30) if rate == "variable" else exact_rate(rate),
        variable_rate=rate == "variable",
        offset_seconds=offset,
        hand=(begins, min(begins + float(draw.uniform(0.3, 0.45)), 0.95)) if hides else None,
        quality=int(draw.integers(17, 20 + round(10 * hard))),
        seed=int(draw.integers(2**31)),
    )


def _camera(draw: np.random.Generator, width: int, height: int, hard: float) -> Camera:
    side = min(width, height)
    return Camera(
        width,
        height,
        eye_distance=round(float(draw.uniform(0.24, 0.33)) * side, 3),
        x=round(float(draw.uniform(0.44, 0.56)), 4),
        y=round(float(draw.uniform(0.4, 0.46)), 4),
        yaw=round(float(draw.normal(0, 0.14 * hard)), 4),
        pitch=round(float(draw.normal(0, 0.08 * hard)), 4),
        roll=round(float(draw.normal(0, 0.06 * hard)), 4),
        distance=round(float(draw.uniform(6.5, 14)), 3),
    )


def _size(text: str) -> tuple[int, int]:
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise OptionError(f"{text!r} is no size; write WIDTHxHEIGHT, such as 320x320")
    width, height = int(parts[0]), int(parts[1])
    if width % 2 or height % 2 or not (64 <= width <= 1920 and 64 <= height <= 1920):
        raise OptionError(f"a picture of {text} is not possible; sizes are even, 64x64...1920x1920")
    return width, height
