"""Films of sticks and hands that strike, drawn over real pictures, with their contacts known: another world.

What moves, how it moves and what it strikes have nothing in common with ``genlock synth impacts``; what lies behind
are frames of real films. They are measured on and nothing is trained on them. The pictures are no part of the project:
folders of any videos (``$GENLOCK_DATA`` with ``grid_more`` and ``ordinary`` as it comes); where there is none it is
skipped.

    python benchmarks/strikes_on_pictures.py -o films [-n 16] [--seed 77] [--pictures FOLDER ...]
    python benchmarks/found_contacts.py films
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from _data import DATA

from genlock.core.grid import Grid
from genlock.media import Picture, VideoForm, clock_of, encode, read_frames
from genlock.synth.impacts.truth import Contact, ImpactTruth, truth_path

WIDTH, HEIGHT, EDGE = 320, 240, 20
SECONDS, STEP = 6.0, 1 / 960
RATES = (15, 15, 24, 30)
ENDINGS = {".mp4", ".mkv", ".mpg", ".avi", ".mov", ".webm"}
_BINS = 4  # cv2 takes sixteenths of a pixel


@dataclass
class Path2D:
    """Where a tip is, every 1/960 s: how high above what it strikes (1: a whole lift), and how far aside."""

    high: np.ndarray
    aside: np.ndarray
    contacts: list[tuple[float, str, float, float]] = field(default_factory=list)
    """When, of what kind, how fast, till when."""


def eased(count: int) -> np.ndarray:
    """From 0 to 1 and at rest at both ends."""
    k = np.linspace(0, 1, max(count, 1))
    return 3 * k**2 - 2 * k**3


def drawn_path(random: np.random.Generator) -> Path2D:
    """Hits, pokes, scratches and near misses, unevenly apart."""
    count = int(SECONDS / STEP)
    path = Path2D(np.full(count, random.uniform(0.3, 1.0)), np.zeros(count))
    pause, rebound, soft = random.uniform(0.3, 1.0), random.choice([0.1, 0.25, 0.45]), random.random() < 0.35
    last, high, aside = 0.0, float(path.high[0]), 0.0
    while True:
        at = last + max(pause * random.uniform(0.6, 1.5), 0.28)
        if at > SECONDS - 0.15:
            break
        kind = str(random.choice(["hit"] * 5 + ["scratch", "near", "poke"]))
        last, high, aside = _strike(path, kind, (last, at), (high, aside), rebound, soft, random)
    path.high[int(last / STEP) :], path.aside[int(last / STEP) :] = high, aside
    return path


def _strike(
    path: Path2D,
    kind: str,
    when: tuple[float, float],
    where: tuple[float, float],
    rebound: float,
    soft: bool,
    random: np.random.Generator,
) -> tuple[float, float, float]:
    """Lift, strike and leave; gives when that ends, and where the tip then is."""
    (last, at), (high, aside) = when, where
    lift = random.uniform(0.25, 1.0)
    slow = {"hit": (0.06, 0.16), "scratch": (0.12, 0.25), "near": (0.07, 0.16), "poke": (0.15, 0.3)}[kind]
    down = min(random.uniform(*slow) * (0.6 + 0.5 * lift), 0.6 * (at - last))
    begin, fall, touch = int(last / STEP), int((at - down) / STEP), int(at / STEP)
    next_aside = random.normal(0, 0.25)
    path.high[begin:fall] = high + (lift - high) * eased(fall - begin)
    path.aside[begin:fall] = aside + (next_aside - aside) * eased(fall - begin)
    path.aside[fall:touch] = next_aside
    k = np.linspace(0, 1, max(touch - fall, 1))
    if kind == "near":  # it turns round smoothly, above what it might have struck
        low = random.uniform(0.15, 0.45) * lift
        path.high[fall:touch] = lift + (low - lift) * eased(touch - fall)
        return at, low, next_aside
    power = 1.2 if kind == "poke" else random.uniform(1.4, 2.4)
    path.high[fall:touch] = lift * (1 - k**power)
    speed = lift * power / max(down, 1e-3)
    if kind == "scratch":
        strokes = int(random.integers(2, 6))
        stop = min(len(path.high), touch + int(strokes * random.uniform(0.1, 0.2) / STEP))
        k = np.linspace(0, 1, max(stop - touch, 1))
        path.high[touch:stop] = 0
        path.aside[touch:stop] = next_aside + random.uniform(0.2, 0.5) * np.sin(np.pi * strokes * k)
        path.contacts.append((at, "scrape", speed, stop * STEP))
        return stop * STEP, 0.0, float(path.aside[stop - 1])
    path.contacts.append((at, kind, speed, at))
    stay = random.uniform(0, 0.12) if kind == "poke" or random.random() < 0.3 else 0.0
    sinking = random.uniform(0.02, 0.06) if soft else 0.0
    leave = min(len(path.high), touch + int((sinking + stay) / STEP))
    since = np.arange(leave - touch) * STEP
    path.high[touch:leave] = -min(0.32 * speed * sinking, 0.12) * np.sin(
        np.minimum(since / max(sinking, 1e-3), 1) * np.pi
    )
    back = lift * rebound * random.uniform(0.6, 1.2) if kind == "hit" else 0.0
    stop = min(len(path.high), leave + int(random.uniform(0.06, 0.15) / STEP))
    path.high[leave:stop] = back * (1 - (1 - np.linspace(0, 1, max(stop - leave, 1))) ** 2)
    path.aside[touch:stop] = next_aside
    return stop * STEP, back, next_aside


def backdrop(film: Path, count: int, random: np.random.Generator) -> list[np.ndarray]:
    """A part of a film's frames, to and fro, RGB with an edge to shake in; of most only the first."""
    moving = random.random() < 0.35
    wide, high = WIDTH + 2 * EDGE, HEIGHT + 2 * EDGE
    zoom, (left, top), tint = random.uniform(1, 1.8), random.random(2), random.uniform(0.7, 1.3, 3)
    flip = -1 if random.random() < 0.5 else 1
    found: list[np.ndarray] = []
    for cell in read_frames(film, form=VideoForm(longest_side=480)):
        rows, columns = cell.pixels.shape[:2]
        scale = min(columns / wide, rows / high) / zoom
        y, x = int(top * (rows - high * scale)), int(left * (columns - wide * scale))
        part = cell.pixels[y : y + int(high * scale), x : x + int(wide * scale)]
        shown = cv2.resize(
            part, (wide, high), interpolation=cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
        )
        found.append(np.clip(shown[:, ::flip] * tint, 0, 255).astype(np.uint8))
        if len(found) >= (count if moving else 1):
            break
    there_and_back = [*found, *found[::-1]]
    return [there_and_back[k % len(there_and_back)] for k in range(count)]


class Scene:
    """A stick or a hand and what it strikes, at any instant."""

    def __init__(self, path: Path2D, random: np.random.Generator) -> None:
        self.path, self.hand = path, bool(random.random() < 0.3)
        self.side = float(random.choice([-1, 1]))
        self.base = np.array([WIDTH / 2 + random.uniform(-60, 60), HEIGHT * random.uniform(0.5, 0.8)]) + EDGE
        length = random.uniform(20, 35) if self.hand else random.uniform(60, 130)
        lean = random.uniform(-0.25, 0.9)
        self.grip = self.base + length * np.array([self.side * np.cos(lean), -np.sin(lean)])
        self.thick = random.uniform(18, 24) if self.hand else random.uniform(2.5, 6)
        self.lift, self.follows = random.uniform(25, 85), random.uniform(0.25, 0.6)
        self.elbow = np.array([self.side * 140, random.uniform(-30, 60)])
        skin = random.uniform(90, 230) * np.array([1, 0.78, 0.62])
        self.colours = (
            random.uniform(40, 240, 3),
            skin,
            random.uniform(10, 230, 3),
            random.uniform(40, 200, 3),
        )
        self.block = random.uniform((40, 25), (90, 60)) if random.random() < 0.6 else None
        self.reaction = str(random.choice(["still", "still", "dip", "push"]))

    def draw(self, page: np.ndarray, at: float) -> np.ndarray:
        """One instant, float32."""
        now = min(int(at / STEP), len(self.path.high) - 1)
        high, aside = float(self.path.high[now]), 35 * float(self.path.aside[now])
        across, dip = self._moved(at)
        image = page.astype(np.float32)
        stick, skin, sleeve, block = (tuple(map(float, colour)) for colour in self.colours)
        if self.block is not None:
            corner = np.add(self.base, (across - self.block[0] / 2, dip))
            cv2.rectangle(image, _at(corner), _at(corner + self.block), block, -1, cv2.LINE_AA, _BINS)
        tip = np.add(self.base, (aside, dip * (high < 0.02) - high * self.lift))
        grip = np.add(self.grip, (0.9 * aside, -high * self.lift * self.follows))
        wrist = grip + 0.25 * self.elbow
        cv2.line(image, _at(grip + self.elbow), _at(wrist), sleeve, 34, cv2.LINE_AA, _BINS)
        cv2.line(image, _at(wrist), _at(grip), skin, 24, cv2.LINE_AA, _BINS)
        colour = skin if self.hand else stick
        cv2.line(image, _at(grip), _at(tip), colour, max(2, round(self.thick)), cv2.LINE_AA, _BINS)
        cv2.circle(image, _at(grip), (17 if self.hand else 14) << _BINS, skin, -1, cv2.LINE_AA, _BINS)
        return image

    def _moved(self, at: float) -> tuple[float, float]:
        """How far what is struck has moved across and down."""
        across = dip = 0.0
        for touch, _, speed, _ in self.path.contacts:
            since = at - touch
            if since > 0 and self.reaction == "dip":
                dip += min(1.2 * speed, 8) * np.exp(-since / 0.08) * np.sin(min(since / 0.05, 1) * np.pi / 2)
            if since > 0 and self.reaction == "push":
                across -= self.side * min(speed, 6) * (1 - np.exp(-since / 0.08))
        return across, dip


def _at(point: np.ndarray) -> tuple[int, int]:
    x, y = np.rint(np.asarray(point) * 2**_BINS).astype(int).tolist()
    return x, y


def make(target: Path, pictures: list[Path], seed: int) -> None:
    """One film with its truth beside it."""
    random = np.random.default_rng([seed, 5])
    rate = int(random.choice(RATES))
    count, shutter = int(SECONDS * rate), random.uniform(0.2, 0.95)
    pages = backdrop(pictures[int(random.integers(len(pictures)))], count, random)
    path = drawn_path(random)
    scene = Scene(path, random)
    shake, hertz, phase = (
        float(random.choice([0, 0, 1.5, 4])),
        random.uniform(0.4, 5, 2),
        random.uniform(0, 6, 2),
    )
    noise, quality = random.uniform(0, 5), int(random.integers(20, 34))

    def frames() -> Iterator[np.ndarray]:
        for k in range(count):
            opens = [(k + shutter * (j + 0.5) / 5) / rate for j in range(5)]
            image = np.mean([scene.draw(pages[k], at) for at in opens], axis=0)
            x, y = shake * np.sin(2 * np.pi * hertz * opens[0] + phase) - EDGE
            image = cv2.warpAffine(image, np.array([[1, 0, x], [0, 1, y]]), (WIDTH, HEIGHT))
            yield np.clip(image + random.normal(0, noise, (HEIGHT, WIDTH, 1)), 0, 255).astype(np.uint8)

    how = {"preset": "ultrafast", "crf": str(quality), "threads": "1"}
    encode(target, Picture(frames(), rate=rate, codec="libx264", options=how))
    place = (scene.base - EDGE) / (WIDTH, HEIGHT)
    contacts = tuple(
        Contact(
            Fraction(round(at * 10**6), 10**6), "scrape" if kind == "scrape" else "strike", "wood", 0.05 * speed,
            0.05, speed, 0.1, 1.0, float(place[0]), float(place[1]),
            audible=kind != "poke" or speed >= 2,  # the softest need not be heard
            end=Fraction(round(end * 10**6), 10**6) if kind == "scrape" else None,
            striker="hand" if scene.hand else "stick",
        )
        for at, kind, speed, end in path.contacts
    )  # fmt: skip
    ImpactTruth(
        contacts, Grid(Fraction(rate), clock=clock_of(target)), count, 24000, Fraction(SECONDS), float(shutter),
        seed=seed, scene="hands" if scene.hand else "sticks", distractors=("near misses",),
    ).save(truth_path(target))  # fmt: skip


def main() -> None:
    """Films into a folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("-n", "--count", type=int, default=16)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--pictures", nargs="+", type=Path, default=[DATA / "grid_more", DATA / "ordinary"])
    given = parser.parse_args()
    pictures = [
        p for folder in given.pictures for p in sorted(folder.rglob("*")) if p.suffix.lower() in ENDINGS
    ]
    if not pictures:
        print(f"skipped: no videos in {', '.join(map(str, given.pictures))} (--pictures names other folders)")
        sys.exit(0)
    given.output.mkdir(parents=True, exist_ok=True)
    for number in range(given.count):
        make(given.output / f"{number:04d}.mp4", pictures, 1000 * given.seed + number)


if __name__ == "__main__":
    main()
