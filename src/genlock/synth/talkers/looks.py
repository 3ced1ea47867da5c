"""What a talker looks like, apart from the shape of the face: colours, hair, light, what stands before and behind."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from genlock.core.errors import OptionError
from genlock.synth.talkers.raster import Light

__all__ = ["BEARDS", "GROUNDS", "HAIRS", "Look", "draw_look"]

Colour = tuple[int, int, int]
Hair = Literal["none", "short", "parted", "fringe", "long", "curly", "bun"]
Beard = Literal["none", "stubble", "moustache", "full"]
Ground = Literal["studio", "wall", "room", "window", "dark"]

HAIRS: tuple[Hair, ...] = ("none", "short", "parted", "fringe", "long", "curly", "bun")
BEARDS: tuple[Beard, ...] = ("none", "stubble", "moustache", "full")
GROUNDS: tuple[Ground, ...] = ("studio", "wall", "room", "window", "dark")

# Skin from light to dark, in the order of the Monk scale (E. Monk, 2022), the very palest and darkest left out.
_SKINS: tuple[Colour, ...] = (
    (240, 212, 190), (232, 196, 168), (224, 180, 146), (208, 160, 122), (184, 134, 98), (150, 104, 74),
    (120, 80, 56), (92, 62, 44),
)  # fmt: skip
_HAIR_COLOURS: tuple[Colour, ...] = (
    (32, 26, 24), (52, 36, 28), (84, 56, 36), (124, 84, 50), (176, 134, 84), (208, 176, 124), (142, 66, 38),
    (150, 148, 146),
)  # fmt: skip
_IRISES: tuple[Colour, ...] = ((74, 48, 30), (98, 66, 36), (104, 110, 62), (72, 108, 136), (94, 112, 124))
_CLOTHES: tuple[Colour, ...] = (
    (38, 58, 96), (120, 40, 46), (44, 88, 76), (206, 204, 198), (50, 50, 56), (158, 116, 62), (96, 74, 122),
    (70, 110, 150),
)  # fmt: skip
_GROUND_COLOURS: tuple[Colour, ...] = (
    (126, 152, 168), (176, 164, 146), (146, 158, 136), (188, 182, 178), (104, 116, 140), (164, 138, 132),
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How a talker is painted.

    >>> draw_look(1).hair in HAIRS
    True
    """

    skin: Colour = (224, 180, 146)
    """Colour of the skin in plain light."""
    lips: float = 0.5
    """How much redder the lips are than the skin, 0...1."""
    blush: float = 0.3
    """How red cheeks and nose are, 0...1."""
    freckles: float = 0.0
    """0...1."""
    age: float = 0.2
    """How deep the folds are, 0...1."""
    hair: Hair = "short"
    """Cut of the hair."""
    hair_colour: Colour = (84, 56, 36)
    """Colour of the hair; brows and beard are near it."""
    beard: Beard = "none"
    """What grows around the mouth."""
    iris: Colour = (98, 66, 36)
    """Colour of the eyes."""
    glasses: Literal["none", "round", "square"] = "none"
    """Glasses."""
    clothes: Colour = (38, 58, 96)
    """Colour of what is worn."""
    collar: bool = False
    """Whether it has a collar."""
    ground: Ground = "studio"
    """What is behind."""
    ground_colour: Colour = (126, 152, 168)
    """Its colour."""
    light: Light = field(default_factory=Light)
    """What lights the face."""
    occluder: Literal["none", "microphone", "hand"] = "none"
    """What stands before the mouth: a microphone below it, or a hand that covers it for a while."""
    blur: float = 0.0
    """Standard deviation of the lens' blur, in pixels of a picture of 360 lines, 0...3."""
    noise: float = 1.5
    """Standard deviation of the sensor's noise, in grey levels, 0...20."""
    exposure: float = 1.0
    """Brightness of the whole picture, 0.4...1.6."""
    seed: int = 0
    """Seed of the patterns: of hairs, freckles, what stands in the room."""

    def __post_init__(self) -> None:
        shares = {name: getattr(self, name) for name in ("lips", "blush", "freckles", "age")}
        wrong = [f"{name}={value}" for name, value in shares.items() if not 0 <= value <= 1]
        if wrong:
            raise OptionError(f"{', '.join(wrong)} of a look must lie in 0...1")
        if not 0 <= self.blur <= 3 or not 0 <= self.noise <= 20 or not 0.4 <= self.exposure <= 1.6:
            raise OptionError(
                f"blur={self.blur} of a look must lie in 0...3, noise={self.noise} in 0...20, "
                f"exposure={self.exposure} in 0.4...1.6"
            )


def draw_look(seed: int, difficulty: float = 0.5) -> Look:
    """A look by number, the same everywhere.

    ``difficulty``, 0...1, is how often glasses and beards come, and how strong noise, blur and slanting light are;
    nothing stands before the mouth.
    """
    if seed < 0 or not 0 <= difficulty <= 1:
        raise OptionError(f"seed={seed} of a look must not be below 0, difficulty={difficulty} in 0...1")
    draw = np.random.default_rng([seed, 41])

    def one_of(things: tuple[Colour, ...]) -> Colour:
        base = np.array(things[int(draw.integers(len(things)))])
        red, green, blue = (
            np.clip(base * draw.uniform(0.93, 1.06) + draw.normal(0, 3, 3), 8, 250).astype(int).tolist()
        )
        return red, green, blue

    skin = one_of(_SKINS)
    dark = sum(skin) < 420
    hair = HAIRS[int(draw.choice(len(HAIRS), p=[0.07, 0.25, 0.18, 0.15, 0.18, 0.1, 0.07]))]
    bearded = hair not in ("long", "bun") and draw.random() < 0.2 + 0.5 * difficulty
    beard = BEARDS[int(draw.integers(1, len(BEARDS)))] if bearded else "none"
    return Look(
        skin=skin,
        lips=float(draw.uniform(0.3, 0.9)),
        blush=float(draw.uniform(0.1, 0.5)),
        freckles=float(draw.uniform(0, 1)) if not dark and draw.random() < 0.2 else 0.0,
        age=float(draw.uniform(0, 0.7)),
        hair=hair,
        hair_colour=one_of(_HAIR_COLOURS[:3] if dark else _HAIR_COLOURS),
        beard=beard,
        iris=one_of(_IRISES[:2] if dark else _IRISES),
        glasses=("none", "round", "square")[
            int(draw.choice(3, p=[1 - 0.5 * difficulty, 0.25 * difficulty, 0.25 * difficulty]))
        ],
        clothes=one_of(_CLOTHES),
        collar=bool(draw.random() < 0.5),
        ground=GROUNDS[int(draw.integers(len(GROUNDS)))],
        ground_colour=one_of(_GROUND_COLOURS),
        light=_light(draw, difficulty),
        blur=float(draw.uniform(0, 0.9) * difficulty),
        noise=float(draw.uniform(0.5, 2 + 6 * difficulty)),
        exposure=float(draw.uniform(1 - 0.22 * difficulty, 1 + 0.12 * difficulty)),
        seed=int(draw.integers(2**31)),
    )


def _light(draw: np.random.Generator, difficulty: float) -> Light:
    aside = draw.uniform(-1, 1) * (0.5 + 0.6 * difficulty)
    direction = np.array([np.sin(aside), -draw.uniform(0.25, 0.75), -np.cos(aside)])
    direction /= np.linalg.norm(direction)
    warm = draw.uniform(-0.07, 0.09)
    key = draw.uniform(0.66, 0.8) * np.array([1 + warm, 1.0, 1 - warm])
    fill = draw.uniform(0.34, 0.5) * np.array([1 - warm / 2, 1.0, 1 + warm / 2])
    return replace(
        Light(),
        direction=_three(direction),
        key=_three(key),
        fill=_three(fill),
        rim=float(draw.uniform(0, 0.25)),
    )


def _three(values: np.ndarray) -> tuple[float, float, float]:
    a, b, c = (round(float(v), 4) for v in values)
    return a, b, c
