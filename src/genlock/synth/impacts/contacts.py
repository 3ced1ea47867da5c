"""The contacts of a planned film, each with what sounds, and how all of them sound together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.time import round_fraction
from genlock.synth.impacts.bodies import GROUND, Body, Roll, Striker, tip_path
from genlock.synth.impacts.materials import material_of
from genlock.synth.impacts.oneshots import OneShots
from genlock.synth.impacts.plans import ImpactPlan
from genlock.synth.impacts.scenes import instant
from genlock.synth.impacts.sound import (
    LONGEST,
    add_sliding,
    add_struck,
    first_sample,
    late_by,
    limited,
    struck,
)
from genlock.synth.impacts.truth import Contact
from genlock.synth.signals.sounds import room_noise

__all__ = ["Event", "Front", "events_of", "front_of", "hear"]

Samples: TypeAlias = npt.NDArray[np.float32]
Box: TypeAlias = tuple[float, float, float, float]

# The ground is as large as this to a blow.
_GROUND_SIZE = 0.14
# A blow is heard if the RMS of its first 30 ms is above this, and so many times that of the room.
_INAUDIBLE = 0.0005
_ABOVE_ROOM = 1.5


@dataclass(frozen=True)
class Event:
    """A contact and the thing that sounds."""

    contact: Contact
    """What is told of it."""
    seed: int
    """Of the thing."""
    path: Striker | Roll | None = None
    """What slides, where something does."""


@dataclass(frozen=True)
class Front:
    """Something before the scene, in shares of the picture."""

    box: Box
    """Left, top, right, bottom."""
    colour: tuple[int, int, int]
    """RGB."""

    def hides(self, x: float, y: float) -> bool:
        """Whether a place lies behind it."""
        left, top, right, bottom = self.box
        return left <= x <= right and top <= y <= bottom


def front_of(plan: ImpactPlan) -> Front | None:
    """What hides a part of the picture, if anything does."""
    if not plan.disturbance.in_front:
        return None
    draw = np.random.default_rng([plan.seed, 23])
    middle, half = draw.uniform(0.1, 0.9), draw.uniform(0.05, 0.13)
    upright = draw.random() < 0.7
    box = (middle - half, -0.1, middle + half, 1.1) if upright else (-0.1, middle - half, 1.1, middle + half)
    return Front(tuple(map(float, box)), tuple(draw.integers(10, 220, 3).tolist()))  # type: ignore[arg-type]


def events_of(plan: ImpactPlan) -> tuple[Event, ...]:
    """All contacts within the film, in order of time."""
    found = [*_strikes(plan), *_bounces(plan), *_rolls(plan), *_off_screen(plan)]
    front = front_of(plan)
    within = [
        replace(event, contact=_judged(event.contact, plan, front))
        for event in found
        if 0 <= event.contact.time < plan.seconds
    ]
    return tuple(sorted(within, key=lambda event: event.contact.time))


def _judged(contact: Contact, plan: ImpactPlan, front: Front | None) -> Contact:
    inside = 0.01 <= contact.x <= 0.99 and 0.01 <= contact.y <= 0.99
    hidden = front is not None and front.hides(contact.x, contact.y)
    end = None if contact.end is None else min(contact.end, plan.seconds)
    return replace(contact, visible=contact.visible and inside and not hidden, end=end)


def _strikes(plan: ImpactPlan) -> Iterator[Event]:
    for striker in plan.strikers:
        for swing in striker.swings:
            if swing.gap:
                continue
            body = _ground(plan) if swing.body == GROUND else plan.bodies[swing.body]
            scraped = swing.slide != (0.0, 0.0)
            speed = swing.speed if not scraped else 0.6 * swing.speed
            impulse = striker.mass * speed * (1 + 0.5 * material_of(body.material).restitution)
            contact = _contact(
                plan,
                swing.at,
                "scrape" if scraped else "strike",
                body,
                swing.point,
                impulse,
                striker.mass,
                speed,
            )
            end = swing.end if scraped else None
            yield Event(
                replace(contact, end=end, striker=striker.kind, body=swing.body),
                body.seed,
                replace(striker, swings=(swing,)) if scraped else None,
            )


def _bounces(plan: ImpactPlan) -> Iterator[Event]:
    for number, drop in enumerate(plan.drops):
        body, speeds = drop.body, drop.speeds()
        mass = material_of(body.material).density * body.size**2
        for k, (at, speed) in enumerate(zip(drop.contacts, speeds, strict=True)):
            away = speeds[k + 1] if k + 1 < len(speeds) else 0.0
            where = np.array(body.place[:2]) + float(at - drop.contacts[0]) * np.array(drop.velocity)
            point = (float(where[0]), float(where[1]), body.place[2])
            contact = _contact(plan, at, "bounce", body, point, mass * (speed + away), mass, speed)
            yield Event(replace(contact, striker="body", body=100 + number), body.seed)


def _rolls(plan: ImpactPlan) -> Iterator[Event]:
    for number, roll in enumerate(plan.rolls):
        ball = roll.body
        mass = material_of(ball.material).density * ball.size**2
        first = float(np.hypot(*roll.velocity))
        contact = _contact(plan, roll.start, "roll", ball, ball.place, 0.0, mass, first)
        yield Event(replace(contact, end=roll.end, striker="body", body=200 + number), ball.seed, roll)
        if roll.against is not None:
            goal = plan.bodies[roll.against]
            side = np.sign(ball.place[0] - goal.place[0])
            point = (goal.place[0] + float(side) * goal.size / 2, goal.place[1], ball.size / 2)
            last = first * (1 - roll.slowing)
            hit = _contact(plan, roll.end, "strike", goal, point, 1.2 * mass * last, mass, last)
            yield Event(replace(hit, striker="body", body=roll.against), goal.seed)


def _off_screen(plan: ImpactPlan) -> Iterator[Event]:
    draw = np.random.default_rng([plan.seed, 29])
    for _ in range(plan.disturbance.off_screen):
        material = str(draw.choice(list(plan.materials)))
        size, mass, speed = draw.uniform(0.07, 0.16), draw.uniform(0.03, 0.12), draw.uniform(1, 3)
        at = instant(float(draw.uniform(0, float(plan.seconds))))
        away = plan.view.distance * draw.uniform(0.8, 2.0)
        yield Event(
            Contact(
                at,
                "strike",
                material,
                float(mass * speed),
                float(mass),
                float(speed),
                float(size),
                float(away),
                float(draw.choice([-0.3, 1.3])),
                0.5,
                visible=False,
                striker="stick",
                body=300,
            ),
            int(draw.integers(2**31)),
        )


def _ground(plan: ImpactPlan) -> Body:
    return Body("plate", plan.ground, _GROUND_SIZE, (0.0, 0.0, 0.0), 0.0, 0.0, plan.seed)


def _contact(
    plan: ImpactPlan,
    at: Fraction,
    kind: str,
    body: Body,
    point: tuple[float, float, float],
    impulse: float,
    mass: float,
    speed: float,
) -> Contact:
    pixels, _ = plan.view.project(point)
    return Contact(
        time=at,
        kind=kind,
        material=body.material,
        impulse=float(impulse),
        mass=float(mass),
        speed=float(speed),
        size=float(body.size),
        distance=plan.view.away(point),
        x=float(pixels[0]) / plan.view.width,
        y=float(pixels[1]) / plan.view.height,
    )


# ---------------------------------------------------------------- heard


def hear(
    plan: ImpactPlan,
    events: tuple[Event, ...],
    rate: int,
    shots: OneShots | None = None,
    longest: float = LONGEST,
) -> tuple[Samples, tuple[Contact, ...], tuple[str, ...]]:
    """The sound of a film, float32 [n]; its contacts with what is heard of them; real sounds in it, with licences.

    ``longest``: seconds after which a ring is cut; less is made faster.
    """
    count = round_fraction(plan.seconds * rate, "floor")
    sound = np.zeros(count)
    contacts, sources = [], set()
    for number, event in enumerate(events):
        contact, material = event.contact, material_of(event.contact.material)
        if event.path is not None:
            _slide(sound, rate, event)
        if contact.kind != "roll":
            late = late_by(contact.time, rate)
            real = None if shots is None else shots.of(contact, rate, event.seed, number)
            if real is not None:
                samples, source = real
                sources.add(source)
            else:
                samples = struck(
                    material,
                    contact.size,
                    event.seed,
                    contact.impulse,
                    contact.speed,
                    rate=rate,
                    late=late,
                    striker=contact.striker,
                    touch=number,
                    longest=longest,
                )
            samples = samples / max(contact.distance, 0.3)
            add_struck(sound, rate, contact.time, samples)
            contact = replace(contact, audible=_is_heard(samples, rate, plan))
        contacts.append(contact)
    if plan.disturbance.hiss_decibels > -100:
        sound += room_noise(count, rate, plan.disturbance.hiss_decibels, plan.seed)
    return limited(sound), tuple(contacts), tuple(sorted(sources))


def _is_heard(samples: npt.NDArray[np.float64], rate: int, plan: ImpactPlan) -> bool:
    first = samples[: max(1, round(0.03 * rate))]
    room = 10 ** (plan.disturbance.hiss_decibels / 20)
    return bool(np.sqrt((first**2).mean()) > max(_INAUDIBLE, _ABOVE_ROOM * room))


def _slide(sound: npt.NDArray[np.float64], rate: int, event: Event) -> None:
    contact, path = event.contact, event.path
    assert contact.end is not None
    assert path is not None
    first = first_sample(contact.time, rate)
    count = max(0, first_sample(contact.end, rate) - first)
    instants = (first + np.arange(count)) / rate
    if isinstance(path, Roll):
        speeds, level = path.speed_at(instants), 0.05
    else:
        speeds, level = _sliding_speed(path, instants), 0.06
    add_sliding(
        sound,
        rate,
        contact.time,
        contact.end,
        speeds,
        material_of(contact.material),
        contact.size,
        event.seed,
        level=level / max(contact.distance, 0.3),
        low=isinstance(path, Roll),
    )


def _sliding_speed(striker: Striker, instants: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if len(instants) < 2:
        return np.zeros(len(instants))
    # Speeds change slowly: a hundred a second are enough.
    coarse = np.linspace(instants[0], instants[-1], max(8, int(100 * (instants[-1] - instants[0]))))
    places, _ = tip_path(striker, coarse)
    speed = np.linalg.norm(np.gradient(places, coarse, axis=0), axis=1)
    return np.asarray(np.interp(instants, coarse, speed))
