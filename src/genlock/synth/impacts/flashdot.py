"""``genlock synth flashdot``: dots that flash, each with a beep that starts at the very instant of its first frame.

The generator of the same name that is published with PerceptAlign puts the beep on the right frame in a fifth of the
dots; here both are placed by exact fractions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
import numpy.typing as npt
import tyro

from genlock.core.errors import OptionError
from genlock.core.files import make_folders
from genlock.core.grid import Cells, Grid
from genlock.core.json_forms import write_json
from genlock.core.progress import Progress, silent
from genlock.core.time import Exact, exact, exact_rate
from genlock.drawing.opencv import cv2
from genlock.media import Picture, Sound, clock_of, encode
from genlock.synth.impacts.plans import read_size
from genlock.synth.impacts.sound import first_sample, late_by
from genlock.synth.impacts.stage import fixed
from genlock.synth.impacts.truth import IMPACT_VERSION, Contact, ImpactTruth, truth_path
from genlock.synth.impacts.world import Impacts
from genlock.synth.signals.clips import uneven_ticks
from genlock.synth.worlds import World

__all__ = ["FLASHDOT", "FlashDotOptions", "make_flashdots"]

Pixels: TypeAlias = npt.NDArray[np.uint8]
Samples: TypeAlias = npt.NDArray[np.float32]

_BEEP_SECONDS = 0.08


@dataclass(frozen=True)
class FlashDotOptions:
    """What a set of flashing dots holds."""

    count: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 12
    """Number of films, 1...1000000."""
    seed: int = 0
    """Seed of all that is drawn, not below zero."""
    seconds: Exact = 4
    """Length of each film, 1...600."""
    dots: int = 5
    """Dots in each, at least 1; they are a fifth of a second apart or more, so there may be fewer."""
    sizes: tuple[str, ...] = ("128x128", "160x120")
    """Sizes of the picture in turn, ``WIDTHxHEIGHT``."""
    rates: tuple[str, ...] = ("25", "30000/1001", "15", "60", "variable")
    """Frame rates in turn; ``variable``: frames of 1/2 to 2 times 1/30 s."""
    sound_rate: int = 24000
    """Samples per second, 8000...192000."""
    level: float = 0.5
    """Peak of the beeps, above 0, at most 1."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "seconds", exact(self.seconds))
        if not 1 <= self.count <= 1_000_000 or self.seed < 0 or self.dots < 1 or not 0 < self.level <= 1:
            raise OptionError(
                f"count={self.count} lies in 1...1000000, seed={self.seed} is not below 0, dots={self.dots} at least "
                f"1, level={self.level} above 0 and at most 1"
            )
        if not 1 <= exact(self.seconds) <= 600 or not 8000 <= self.sound_rate <= 192_000:
            raise OptionError(
                f"seconds={self.seconds} must lie in 1...600, sound_rate={self.sound_rate} in 8000...192000"
            )
        if not self.sizes or not self.rates:
            raise OptionError("sizes and rates name at least one each")
        for size in self.sizes:
            read_size(size)


def make_flashdots(
    directory: str | os.PathLike[str], options: FlashDotOptions | None = None, progress: Progress = silent
) -> Impacts:
    """Make a set of films in a folder, each with ``NAME.mp4.truth.json``; ``flashdot.json``, written last, lists them.

    The truth has the form of impacts': a contact of kind ``flash`` begins with its first frame, to the sample.

    Raises OutputError if a file cannot be written.
    """
    how, folder = options or FlashDotOptions(), Path(directory)
    make_folders(folder)
    truths, names = [], []
    for number in range(how.count):
        target = folder / f"{number:06d}.mp4"
        truth, frames, samples = _render(how, number)
        timing: dict[str, object] = {"rate": Fraction(30)}
        if isinstance(truth.cells, Grid):
            timing = {"rate": truth.cells.rate, "start": truth.cells.edge(0)}
        else:
            timing |= {"pts": truth.cells.pts.tolist(), "time_base": truth.cells.time_base}
        picture = Picture(frames, codec="libx264", options={"crf": "16", "preset": "ultrafast"}, **timing)  # type: ignore[arg-type]
        encode(target, picture, Sound(samples, how.sound_rate, 0, "flac"))
        truth = truth.on_clock(clock_of(target))
        truth.save(truth_path(target))
        truths.append(truth)
        names.append(target.name)
        progress("flashdot", number + 1, how.count)
    made = Impacts(folder, tuple(truths), tuple(names))
    write_json(
        folder / "flashdot.json",
        {"kind": "flashdot", "version": IMPACT_VERSION, "clips": made.to_dict()["clips"]},
    )
    return made


def _render(how: FlashDotOptions, number: int) -> tuple[ImpactTruth, Iterator[Pixels], Samples]:
    draw = np.random.default_rng([how.seed, number, 97])
    width, height = read_size(how.sizes[number % len(how.sizes)])
    seconds, rate = exact(how.seconds), how.rates[number % len(how.rates)]
    cells: Cells
    if rate == "variable":
        ticks = uneven_ticks(30, 0, seconds, how.seed + number)
        cells, count = ticks, len(ticks)
    else:
        cells = Grid(exact_rate(rate))
        count = max(2, cells.index(seconds, "floor"))
    frames: list[int] = []
    for frame in sorted(
        draw.choice(np.arange(1, count - 1), min(count - 2, 4 * how.dots), replace=False).tolist()
    ):
        if len(frames) < how.dots and (
            not frames or cells.edge(frame) - cells.edge(frames[-1]) >= Fraction(1, 5)
        ):
            frames.append(frame)
    places = draw.uniform(0.15, 0.85, (len(frames), 2))
    radii = draw.uniform(0.04, 0.12, len(frames)) * min(width, height)
    hertz = float(draw.uniform(500, 2000))
    samples = np.zeros(first_sample(seconds, how.sound_rate))
    contacts = []
    for frame, (x, y), radius in zip(frames, places.tolist(), radii.tolist(), strict=True):
        at = cells.edge(frame)
        _add_beep(samples, how, at, hertz)
        contacts.append(Contact(at, "flash", "tone", 0.0, 0.0, 0.0, radius / width, 1.0, x, y, striker="dot"))
    truth = ImpactTruth(
        tuple(contacts), cells, count, how.sound_rate, seconds, 1.0, seed=how.seed, scene="flashdot"
    )
    return truth, _frames(count, (width, height), frames, places, radii), samples.astype(np.float32)


def _add_beep(samples: npt.NDArray[np.float64], how: FlashDotOptions, at: Fraction, hertz: float) -> None:
    """A beep whose first sample is the first at or after an instant; it begins with its steepest rise."""
    first = first_sample(at, how.sound_rate)
    count = min(round(_BEEP_SECONDS * how.sound_rate), len(samples) - first)
    since = np.arange(count) / how.sound_rate + late_by(at, how.sound_rate)
    fade = np.clip((_BEEP_SECONDS - since) / 0.02, 0, 1)
    samples[first : first + count] += how.level * fade * np.sin(2 * np.pi * hertz * since + 0.5)


def _frames(
    count: int,
    size: tuple[int, int],
    flashes: list[int],
    places: npt.NDArray[np.float64],
    radii: npt.NDArray[np.float64],
) -> Iterator[Pixels]:
    dots = {
        frame: (place, float(radius)) for frame, place, radius in zip(flashes, places, radii, strict=True)
    }
    for number in range(count):
        picture = np.full((size[1], size[0], 3), 16, np.uint8)
        if number in dots:
            place, radius = dots[number]
            middle = fixed(place * np.array(size))
            cv2.circle(picture, middle.tolist(), round(radius * 16), (240, 240, 240), -1, cv2.LINE_AA, 4)
        yield picture


FLASHDOT = World(
    "flashdot",
    "dots that flash, each with a beep from the very instant of its frame on",
    FlashDotOptions,
    make_flashdots,
)
