"""One film of impacts: frames are drawn at their own instants, sound is made, both are encoded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile

from genlock.core.errors import OutputError
from genlock.core.files import atomic_path
from genlock.core.grid import Cells, Grid
from genlock.drawing.opencv import cv2
from genlock.media import Picture, Sound, clock_of, encode
from genlock.synth.impacts.bodies import Body, Striker, drop_path, roll_path, tip_path
from genlock.synth.impacts.contacts import Front, events_of, front_of, hear
from genlock.synth.impacts.figures import Bystander, Splash, draw_shadow, draw_striker, poses
from genlock.synth.impacts.oneshots import OneShots
from genlock.synth.impacts.plans import ImpactPlan
from genlock.synth.impacts.stage import Cutout, cut_out, fixed, paint_bodies, paint_stage
from genlock.synth.impacts.truth import Contact, ImpactTruth, truth_path
from genlock.synth.impacts.views import View
from genlock.synth.signals.clips import uneven_ticks

__all__ = ["cells_of", "frames_of", "make_impact", "render_impact", "stage_of"]

Array: TypeAlias = npt.NDArray[np.float64]
Pixels: TypeAlias = npt.NDArray[np.uint8]
Samples: TypeAlias = npt.NDArray[np.float32]
#: Draws something into a canvas at instant number k of the film.
Painter: TypeAlias = Callable[[Pixels, int], None]

_SPLASHING = {"water": (200, 220, 240), "leaves": (70, 120, 40), "stone": (170, 160, 150)}


def make_impact(
    folder: str | os.PathLike[str],
    plan: ImpactPlan,
    *,
    sound_rate: int = 24000,
    film: bool = True,
    shots: OneShots | None = None,
) -> ImpactTruth:
    """Write one film (or WAV) into a folder, with ``NAME.mp4.truth.json`` beside it.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    truth, frames, samples = render_impact(plan, sound_rate=sound_rate, shots=shots)
    target = Path(folder) / f"{plan.name}{'.mp4' if film else '.wav'}"
    if film:
        _encode(target, plan, truth, frames, samples)
    else:
        with atomic_path(target) as temporary:
            try:
                soundfile.write(temporary, samples, sound_rate, subtype="PCM_16")
            except soundfile.SoundFileError as error:
                raise OutputError(f"cannot write {str(target)!r}: {error}") from error
    truth = truth.on_clock(clock_of(target))
    truth.save(truth_path(target))
    return truth


def render_impact(
    plan: ImpactPlan, *, sound_rate: int = 24000, shots: OneShots | None = None
) -> tuple[ImpactTruth, Iterator[Pixels], Samples]:
    """A film before it is encoded: truth, frames (RGB uint8 [H, W, 3], one at a time) and sound [n].

    The frames are drawn only if they are asked for. Both streams begin at 0.
    """
    samples, contacts, sources = hear(plan, events_of(plan), sound_rate, shots)
    cells, count = cells_of(plan)
    how = plan.disturbance
    named = {
        "silent motion": how.silent_motion > 0,
        "off screen": how.off_screen > 0,
        "in front": how.in_front,
        "shake": how.shake > 0,
        "near misses": any(swing.gap for striker in plan.strikers for swing in striker.swings),
    }
    name, value, other = plan.factor or ("", "", "")
    truth = ImpactTruth(
        contacts=contacts,
        cells=cells,
        frame_count=count,
        sound_rate=sound_rate,
        seconds=plan.seconds,
        shutter=plan.shutter,
        stamp=plan.stamp,
        seed=plan.seed,
        scene=plan.scene,
        distractors=tuple(distractor for distractor, there in named.items() if there),
        sources=sources,
        pair={"name": plan.name[:-1], "factor": name, "value": value, "other": other} if plan.factor else {},
    )
    return truth, frames_of(plan, contacts, range(count)), samples


def cells_of(plan: ImpactPlan) -> tuple[Cells, int]:
    """When the frames of a film are shown, and how many there are."""
    if plan.variable_rate:
        ticks = uneven_ticks(plan.rate, 0, plan.seconds, plan.seed)
        return ticks, len(ticks)
    grid = Grid(plan.rate)
    return grid, max(2, grid.index(plan.seconds, "floor"))


def _encode(
    target: Path, plan: ImpactPlan, truth: ImpactTruth, frames: Iterator[Pixels], samples: Samples
) -> None:
    cells = truth.cells
    timing: dict[str, object] = {"rate": plan.rate, "start": cells.edge(0)}
    if not isinstance(cells, Grid):
        timing = {"rate": plan.rate, "pts": cells.pts.tolist(), "time_base": cells.time_base}
    how = {"crf": str(plan.disturbance.quality), "preset": "ultrafast", "threads": "1"}
    encode(
        target,
        Picture(frames, codec="libx264", options=how, **timing),  # type: ignore[arg-type]
        # Every sample stays where it is and as it is.
        Sound(samples, truth.sound_rate, 0, "flac"),
    )


# ---------------------------------------------------------------- frames


def stage_of(plan: ImpactPlan) -> Pixels:
    """What stands behind and below everything, RGB uint8: of plans that differ only in what lies and happens there."""
    return paint_stage(plan, _margin(plan))


def _margin(plan: ImpactPlan) -> int:
    return 2 + round(2.5 * plan.disturbance.shake * plan.view.width)


def frames_of(
    plan: ImpactPlan, contacts: Sequence[Contact], numbers: Sequence[int], stage: Pixels | None = None
) -> Iterator[Pixels]:
    """Frames of a film by their numbers, RGB uint8 [H, W, 3]: as its camera takes them, before they are encoded.

    Each shows what was there while the shutter was open, from the frame's own instant on. The grain of the sensor is
    drawn frame by frame: a frame that is asked for alone has another one.

    Parameters
    ----------
    contacts : of :func:`genlock.synth.impacts.contacts.events_of`; what they touch moves
    numbers : which, in order
    stage : what :func:`stage_of` gives, where it is known already
    """
    margin = _margin(plan)
    exposures = 1 if plan.shutter < 0.2 else 3 if plan.shutter < 0.55 else 4
    cells, count = cells_of(plan)
    edges, shown = cells.edges(count), np.array(numbers, np.int64)
    open_for = plan.shutter * np.minimum(np.diff(edges), 1.5 / float(plan.rate))
    opens = edges[:-1] if plan.stamp == "start" else cells.centers(count) - open_for / 2
    exposed = (np.arange(exposures) + 0.5) / exposures
    instants = (opens[shown, None] + open_for[shown, None] * exposed).ravel()
    stage = stage_of(plan) if stage is None else stage.copy()
    painters = _painters(plan, contacts, instants, margin, stage)
    lens = _Lens(plan, margin)
    total = np.zeros(stage.shape, np.float32)
    for number, frame in enumerate(shown.tolist()):
        if exposures == 1:
            picture = stage.copy()
            for paint in painters:
                paint(picture, number)
        else:
            total[:] = 0
            for k in range(number * exposures, (number + 1) * exposures):
                picture = stage.copy()
                for paint in painters:
                    paint(picture, k)
                cv2.accumulate(picture, total)
            picture = np.asarray(cv2.convertScaleAbs(total, alpha=1 / exposures), np.uint8)
        yield lens.seen(picture, float(edges[frame]))


def _painters(
    plan: ImpactPlan, contacts: Sequence[Contact], instants: Array, margin: int, stage: Pixels
) -> list[Painter]:
    """What is drawn anew at each instant, back to front."""
    view, how = plan.view, plan.disturbance
    height, width = stage.shape[:2]
    painters: list[Painter] = []
    draw = np.random.default_rng([plan.seed, 71])
    bystanders = [Bystander(int(draw.integers(2**31)), (width, height)) for _ in range(how.silent_motion)]
    behind = bystanders[: len(bystanders) // 2]
    painters += [_bystander(one, instants) for one in behind]
    moving = paint_bodies(stage, plan, margin)
    painters += [_reacting(cut, plan, contacts, instants) for cut in moving]
    painters += [
        painter
        for drop in plan.drops
        if (painter := _moved(drop.body, plan, *drop_path(drop, instants), margin))
    ]
    painters += [
        painter
        for roll in plan.rolls
        if (painter := _moved(roll.body, plan, *roll_path(roll, instants), margin))
    ]
    splashes = [s for c in contacts if (s := _splash(c, plan)) is not None]
    if splashes:
        painters.append(_splashing(splashes, plan, instants, margin))
    light = (float(draw.normal(0, 0.6)), float(draw.normal(0, 0.4)), float(draw.uniform(0.15, 0.5)))
    shadowed = draw.random() < 0.6
    lit = light if shadowed else None
    painters += [_striking(striker, view, instants, lit, margin) for striker in plan.strikers]
    painters += [_bystander(one, instants) for one in bystanders[len(behind) :]]
    front = front_of(plan)
    if front is not None:
        painters.append(_hiding(front, plan, margin))
    return painters


def _bystander(one: Bystander, instants: Array) -> Painter:
    return lambda picture, k: one.draw(picture, float(instants[k]))


def _striking(
    striker: Striker, view: View, instants: Array, light: tuple[float, float, float] | None, margin: int
) -> Painter:
    seen = poses(striker, view, *tip_path(striker, instants), margin)
    shadow = None if light is None else seen.shadows(view, light, margin)

    def paint(picture: Pixels, k: int) -> None:
        if shadow is not None and light is not None:
            draw_shadow(picture, striker, shadow.pixels[k], shadow.scales[k], light[2])
        draw_striker(picture, striker, seen.pixels[k], seen.scales[k])

    return paint


def _reacting(cut: Cutout, plan: ImpactPlan, contacts: Sequence[Contact], instants: Array) -> Painter:
    """A body that is pushed or trembles after each hit."""
    body = plan.bodies[cut.number]
    draw = np.random.default_rng([body.seed, 73])
    moves, turns = np.zeros((len(instants), 2)), np.zeros(len(instants))
    scale = plan.view.focal / plan.view.distance * body.size
    for contact in contacts:
        if contact.body != cut.number:
            continue
        since = np.maximum(instants - float(contact.time), 0)
        hard = min(contact.impulse / 0.15, 1.0)
        if body.reaction == "push":
            # Pushes go to and fro, so that it stays near.
            way = draw.normal(0, 0.03, 2) * scale * hard
            moves += np.outer(1 - np.exp(-since / 0.06), way)
        else:
            turns += (
                0.08 * hard * draw.choice([-1, 1]) * np.exp(-since / 0.18) * np.sin(2 * np.pi * 7 * since)
            )
    moves = np.clip(moves, -0.12 * scale, 0.12 * scale)
    return lambda picture, k: cut.draw(picture, (float(moves[k, 0]), float(moves[k, 1])), float(turns[k]))


def _moved(body: Body, plan: ImpactPlan, places: Array, turns: Array, margin: int) -> Painter | None:
    """A thing that falls or rolls: painted once, then moved, turned and made larger as it comes nearer."""
    alone = Body(
        body.shape,
        body.material,
        body.size,
        (0.0, 0.0, 0.0),
        body.height,
        body.turn,
        body.seed,
        "still",
        body.painted,
    )
    cut = cut_out(alone, plan, margin, -1)
    if cut is None:
        return None
    half = body.height / 2
    middle, own = plan.view.project([0, 0, half])
    anchor = (float(middle[0]) + margin - cut.corner[0], float(middle[1]) + margin - cut.corner[1])
    pixels, scales = plan.view.project(places + np.array([0, 0, half]))

    reach = 2 + np.hypot(*cut.cover.shape[:2])

    def paint(picture: Pixels, k: int) -> None:
        size = float(scales[k] / own)
        around = pixels[k] + margin
        # Only where it can be is anything drawn.
        left, top = np.maximum(np.floor(around - reach * size).astype(int), 0).tolist()
        right, bottom = np.minimum(np.ceil(around + reach * size).astype(int), picture.shape[1::-1]).tolist()
        if left >= right or top >= bottom:
            return
        way = cv2.getRotationMatrix2D(anchor, np.degrees(turns[k]), size)
        way[:, 2] += around - anchor - (left, top)
        box = (right - left, bottom - top)
        cover = cv2.warpAffine(cut.cover[..., 0], way, box)[..., None]
        here = picture[top:bottom, left:right]
        here[:] = (here * (1 - cover) + cv2.warpAffine(cut.pixels, way, box)).astype(np.uint8)

    return paint


def _splash(contact: Contact, plan: ImpactPlan) -> Splash | None:
    if contact.material not in _SPLASHING or not contact.visible or contact.kind not in ("strike", "bounce"):
        return None
    draw = np.random.default_rng([plan.seed, int(contact.time * 1_000_000) % 2**31])
    if draw.random() < (0.1 if contact.material == "water" else 0.5):
        return None
    point = _point(contact, plan)
    if point is None:
        return None
    return Splash(
        contact, point, _SPLASHING[contact.material], int(draw.integers(2**31)), contact.material == "water"
    )


def _point(contact: Contact, plan: ImpactPlan) -> tuple[float, float, float] | None:
    """Where a strike was, in metres."""
    for striker in plan.strikers:
        for swing in striker.swings:
            if swing.at == contact.time and not swing.gap:
                return swing.point
    return None


def _splashing(splashes: list[Splash], plan: ImpactPlan, instants: Array, margin: int) -> Painter:
    def paint(picture: Pixels, k: int) -> None:
        for splash in splashes:
            splash.draw(picture, plan.view, float(instants[k]), margin)

    return paint


def _hiding(front: Front, plan: ImpactPlan, margin: int) -> Painter:
    left, top, right, bottom = front.box
    size = np.array([plan.view.width, plan.view.height])
    corners = fixed(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) * size + margin)
    return lambda picture, k: cv2.fillConvexPoly(picture, corners, front.colour, cv2.LINE_AA, 4)  # type: ignore[return-value]


class _Lens:
    """Camera and sensor: what a canvas becomes as a frame."""

    def __init__(self, plan: ImpactPlan, margin: int) -> None:
        self.how, self.margin = plan.disturbance, margin
        self.size = (plan.view.width, plan.view.height)
        draw = np.random.default_rng([plan.seed, 79])
        self.draw = draw
        self.hertz = draw.uniform(0.3, 6.0, (3, 3))
        self.phase = draw.uniform(0, 2 * np.pi, (3, 3))
        grain = draw.normal(0, self.how.noise, (2 * self.size[1], 2 * self.size[0], 1)).repeat(3, axis=2)
        self.more, self.less = (np.clip(sign * grain, 0, 255).astype(np.uint8) for sign in (1, -1))
        self.flicker = float(draw.uniform(0.2, 3.0))

    def seen(self, canvas: Pixels, now: float) -> Pixels:
        """The frame, RGB uint8 [H, W, 3]."""
        picture = self._framed(canvas, now)
        if self.how.blur:
            radius = max(self.how.blur * self.size[0], 0.2)
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), radius), np.uint8)
        picture = np.asarray(cv2.LUT(picture, self._table(now)), np.uint8)
        if self.how.noise >= 0.5:
            top, left = self.draw.integers(0, self.size[::-1])
            here = np.s_[top : top + self.size[1], left : left + self.size[0]]
            brighter = cv2.add(picture, self.more[here])
            picture = np.asarray(cv2.subtract(brighter, self.less[here]), np.uint8)
        return np.ascontiguousarray(picture)

    def _framed(self, canvas: Pixels, now: float) -> Pixels:
        margin, (width, height) = self.margin, self.size
        if not self.how.shake:
            return canvas[margin : margin + height, margin : margin + width]
        x, y, turn = np.sin(2 * np.pi * self.hertz * now + self.phase).mean(axis=1).tolist()
        reach = self.how.shake * width
        way = cv2.getRotationMatrix2D(
            (canvas.shape[1] / 2, canvas.shape[0] / 2), 40 * self.how.shake * turn, 1.0
        )
        way[:, 2] += (reach * x - margin, reach * y - margin)
        moved = cv2.warpAffine(canvas, way, (width, height), borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.uint8)

    def _table(self, now: float) -> Pixels:
        how = self.how
        light = how.light * (1 + how.flicker * np.sin(2 * np.pi * self.flicker * now))
        levels = np.arange(256)[:, None] * light * np.array(how.tint)
        bent = 128 + how.contrast * (levels - 128)
        return np.asarray(np.clip(bent, 0, 255).astype(np.uint8)[None])
