"""The films of a set, and counterfactual pairs: two films that differ in one factor, with equal contact instants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from genlock.synth.impacts.bodies import Body, Striker
from genlock.synth.impacts.plans import ImpactOptions, ImpactPlan, plan_one
from genlock.synth.impacts.scenes import Ranges, draw_drops, draw_strikers

__all__ = ["FACTORS", "draw_pair", "plan_impacts"]

#: What can differ in a pair.
FACTORS = ("material", "speed", "size", "distance")
# How much more: a speed and a size twice as large are loud and clear, and still look like themselves.
_RATIOS = {"speed": 2.2, "size": 1.8, "distance": 2.0}


def plan_impacts(options: ImpactOptions) -> Iterator[ImpactPlan]:
    """The films of a set, in order; each depends on the options and its own number only.

    >>> [plan.name for plan in plan_impacts(ImpactOptions(count=2))]
    ['000000', '000001']
    >>> a, b = plan_impacts(ImpactOptions(count=1, pairs=True))
    >>> a.name, b.factor[0], a.factor[2]
    ('000000a', 'material', '000000b')
    """
    for number in range(options.count):
        plan = plan_one(options, number)
        if options.pairs:
            yield from draw_pair(plan, FACTORS[number % len(FACTORS)])
        else:
            yield plan


def draw_pair(plan: ImpactPlan, factor: str) -> tuple[ImpactPlan, ImpactPlan]:
    """Two films of one thing that is hit or falls, equal but for one factor; which of them has more of it is drawn."""
    draw = np.random.default_rng([plan.seed, 83])
    base = _simple(plan, draw)
    plans = _both(base, factor, draw)
    if draw.random() < 0.5:
        plans = [plans[1], plans[0]]
    names = f"{plan.name}a", f"{plan.name}b"
    found = [
        replace(one, name=name, factor=(factor, value, other))
        for (one, value), name, other in zip(plans, names, names[::-1], strict=True)
    ]
    return found[0], found[1]


def _simple(plan: ImpactPlan, draw: np.random.Generator) -> ImpactPlan:
    """One thing in the middle that is hit some times, or that falls, without anything that leads astray."""
    how = plan.disturbance
    calm = replace(how, silent_motion=0, off_screen=0, in_front=False, shake=0.0, hiss_decibels=-75.0)
    chosen = list(plan.materials)
    body = Body(
        "box" if draw.random() < 0.5 else "can",
        chosen[int(draw.integers(len(chosen)))],
        float(draw.uniform(0.08, 0.11)),
        (0.0, 0.0, 0.0),
        0.05,
        float(draw.uniform(0, 6)),
        int(draw.integers(2**31)),
    )
    calm_plan = replace(plan, bodies=(body,), strikers=(), drops=(), rolls=(), disturbance=calm)
    ranges = Ranges.of(plan.materials, False, False, 0.0)
    if draw.random() < 0.5:
        made = draw_drops((), plan.view, ranges, plan.seconds, draw)[0]
        ball = replace(body, shape="ball", height=body.size)
        return replace(
            calm_plan, scene="drops", bodies=(), drops=(replace(made, body=ball, velocity=(0.0, 0.0)),)
        )
    strikers = draw_strikers(("stick", "mallet"), (body,), plan.view, ranges, plan.seconds, False, draw)
    hits = [s for s in strikers[0].swings if s.body == 0 and s.slide == (0.0, 0.0)]
    if not hits:
        return _simple(plan, draw)
    return replace(calm_plan, scene="sticks", strikers=(replace(strikers[0], swings=tuple(hits)),))


def _both(plan: ImpactPlan, factor: str, draw: np.random.Generator) -> list[tuple[ImpactPlan, float | str]]:
    """The film with less of the factor and the film with more, each with the factor's value."""
    if factor == "material":
        one, two = draw.choice(len(plan.materials), 2, replace=False).tolist()
        return [(_with_body(plan, material=plan.materials[k]), plan.materials[k]) for k in (one, two)]
    ratio = _RATIOS[factor]
    if factor == "size":
        sizes = (_body(plan).size, _body(plan).size * ratio)
        return [(_with_body(plan, size=size), size) for size in sizes]
    if factor == "distance":
        aways = (plan.view.distance, plan.view.distance * ratio)
        # The lens stays as it is: what is twice as far is half as large.
        views = [replace(plan.view, distance=away, span=plan.view.span * away / aways[0]) for away in aways]
        return [(replace(plan, view=view), view.distance) for view in views]
    speeds = (1.0, ratio)
    return [(_faster(plan, times), times) for times in speeds]


def _body(plan: ImpactPlan) -> Body:
    return plan.bodies[0] if plan.bodies else plan.drops[0].body


def _with_body(plan: ImpactPlan, **changes: object) -> ImpactPlan:
    body = replace(_body(plan), **changes)  # type: ignore[arg-type]
    if plan.bodies:
        return replace(plan, bodies=(body,))
    if body.shape == "ball":
        body = replace(body, height=body.size)
    return replace(plan, drops=(replace(plan.drops[0], body=body),))


def _faster(plan: ImpactPlan, times: float) -> ImpactPlan:
    """Every way down is so many times as high, and takes as long."""
    return replace(
        plan,
        drops=tuple(replace(drop, gravity=drop.gravity * times) for drop in plan.drops),
        strikers=tuple(_higher(striker, times) for striker in plan.strikers),
    )


def _higher(striker: Striker, times: float) -> Striker:
    return replace(
        striker, swings=tuple(replace(swing, raised=swing.raised * times) for swing in striker.swings)
    )
