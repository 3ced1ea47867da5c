"""Twenty-two made films of things that do not talk.

Picture and sound have nothing to do with each other, each in a way that films have: music over pictures, somebody who
tells off screen, weather, games, cartoons, screens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genlock.media import Picture, Sound, encode
from genlock.synth import speak

HEIGHT, WIDTH, RATE, SECONDS = 144, 256, 25, 12
SOUND = 16_000
COUNT = RATE * SECONDS
DOWN, RIGHT = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)

Frames = Iterator[npt.NDArray[np.uint8]]
Wave = npt.NDArray[np.float32]


def rgb(*bands: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Bands of 0...1 as a picture; one is grey."""
    return np.stack([np.clip(255 * band, 0, 255).astype(np.uint8) for band in (bands * 3)[:3]], axis=-1)


def disc(picture: npt.NDArray[np.uint8], x: float, y: float, radius: float, colour: tuple[int, ...]) -> None:
    picture[(RIGHT - x) ** 2 + (DOWN - y) ** 2 < radius**2] = colour


# ---------------------------------------------------------------- pictures


def red_dot(draw: np.random.Generator) -> Frames:
    """A dot that wanders, as in a test of the eyes."""
    place = np.array([WIDTH / 2, HEIGHT / 2])
    for _ in range(COUNT):
        place = np.clip(place + draw.normal(0, 4, 2), 10, [WIDTH - 10, HEIGHT - 10])
        picture = np.full((HEIGHT, WIDTH, 3), 240, np.uint8)
        disc(picture, *place, 9, (220, 20, 20))
        yield picture


def snow(draw: np.random.Generator) -> Frames:
    for _ in range(COUNT):
        yield rgb(draw.random((HEIGHT, WIDTH)))


def plasma(draw: np.random.Generator) -> Frames:
    a, b, c = draw.uniform(0.02, 0.08, 3)
    for k in range(COUNT):
        t = k / RATE
        wave = np.sin(a * RIGHT + t) + np.sin(b * DOWN - 1.7 * t) + np.sin(c * (RIGHT + DOWN) + 0.6 * t)
        yield rgb(0.5 + wave / 6, 0.5 + np.roll(wave, 30, 1) / 6, 0.5 - wave / 6)


def fractal(draw: np.random.Generator) -> Frames:
    centre = complex(-0.743643887, 0.131825904)
    for k in range(COUNT):
        scale = 3.0 * 0.985**k
        c = centre + scale * ((RIGHT / WIDTH - 0.5) + 1j * (DOWN / HEIGHT - 0.5) * HEIGHT / WIDTH)
        z, out = np.zeros_like(c), np.zeros(c.shape)
        for n in range(24):
            inside = np.abs(z) < 2
            z[inside] = z[inside] ** 2 + c[inside]
            out[inside] = n
        yield rgb(out / 24, (out / 24) ** 2, 1 - out / 24)


def stars(draw: np.random.Generator) -> Frames:
    where = draw.uniform(-1, 1, (180, 3))
    for _ in range(COUNT):
        where[:, 2] -= 0.02
        where[where[:, 2] < -0.95, 2] = 1.0
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        depth = where[:, 2] + 1.05
        x = (WIDTH / 2 + 60 * where[:, 0] / depth).astype(int)
        y = (HEIGHT / 2 + 60 * where[:, 1] / depth).astype(int)
        seen = (x >= 0) & (x < WIDTH) & (y >= 0) & (y < HEIGHT)
        picture[y[seen], x[seen]] = 255
        yield picture


def life(draw: np.random.Generator) -> Frames:
    cells = draw.random((36, 64)) < 0.3
    for k in range(COUNT):
        if k % 5 == 0:
            near = sum(
                np.roll(cells, (a, b), (0, 1)) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)
            )
            cells = (near == 3) | (cells & (near == 2))
        yield rgb(np.kron(cells.astype(float), np.ones((4, 4))))


def rain(draw: np.random.Generator) -> Frames:
    x, y = draw.uniform(0, WIDTH, 90), draw.uniform(0, HEIGHT, 90)
    for _ in range(COUNT):
        y = (y + 13) % HEIGHT
        picture = np.full((HEIGHT, WIDTH, 3), 70, np.uint8)
        for a, b in zip(x.astype(int), y.astype(int), strict=True):
            picture[max(b - 8, 0) : b, a] = (150, 160, 180)
        yield picture


def scrolling_text(draw: np.random.Generator) -> Frames:
    """A page that is scrolled in jerks, as in the recording of a screen."""
    page = np.full((1600, WIDTH, 3), 250, np.uint8)
    for row in range(10, 1590, 12):
        for word in range(10, int(draw.uniform(120, 240)), 26):
            page[row : row + 6, word : word + int(draw.uniform(8, 22))] = 40
    at = 0
    for _ in range(COUNT):
        at += int(draw.choice([0, 0, 0, 0, 24])) if at < 1600 - HEIGHT - 24 else 0
        yield page[at : at + HEIGHT].copy()


def typing(draw: np.random.Generator) -> Frames:
    picture = np.full((HEIGHT, WIDTH, 3), 20, np.uint8)
    x, y = 8, 8
    for _ in range(COUNT):
        if draw.random() < 0.3:
            picture[y : y + 8, x : x + 5] = (80, 220, 120)
            x += 8
            if x > WIDTH - 12:
                x, y = 8, (y + 12) % (HEIGHT - 12)
        yield picture.copy()


def slides(draw: np.random.Generator) -> Frames:
    """Photographs, one after the other."""
    k = 0
    while k < COUNT:
        small = draw.random((6, 8, 3))
        picture = (np.kron(small, np.ones((HEIGHT // 6, WIDTH // 8, 1))) * 255).astype(np.uint8)
        for _ in range(min(int(draw.uniform(40, 90)), COUNT - k)):
            k += 1
            yield picture


def zooming_still(draw: np.random.Generator) -> Frames:
    big = np.kron(draw.random((12, 20, 3)), np.ones((40, 40, 1)))
    for k in range(COUNT):
        top, left = k // 2, k
        yield (big[top : top + HEIGHT, left : left + WIDTH] * 255).astype(np.uint8)


def bouncing_ball(draw: np.random.Generator) -> Frames:
    """A cartoon, whose sound is somebody else's."""
    for k in range(COUNT):
        t = (k / RATE) % 0.9
        height = 110 * (1 - (2 * t / 0.9 - 1) ** 2)
        picture = np.full((HEIGHT, WIDTH, 3), (150, 210, 250), np.uint8)
        picture[130:] = (90, 160, 70)
        disc(picture, (40 + 2 * k) % WIDTH, 122 - height, 10, (230, 120, 30))
        yield picture


def cartoon_dance(draw: np.random.Generator) -> Frames:
    for k in range(COUNT):
        t = k / RATE
        picture = np.full((HEIGHT, WIDTH, 3), (250, 240, 200), np.uint8)
        x, y = WIDTH / 2 + 30 * np.sin(2 * np.pi * 0.9 * t), HEIGHT / 2 + 10 * np.sin(2 * np.pi * 1.8 * t)
        disc(picture, x, y + 25, 26, (90, 60, 200))
        disc(picture, x, y - 12, 16, (250, 200, 160))
        for side in (-1, 1):
            disc(picture, x + side * (34 + 8 * np.sin(5 * t + side)), y + 15, 7, (90, 60, 200))
        yield picture


def clock(draw: np.random.Generator) -> Frames:
    for k in range(COUNT):
        angle = 2 * np.pi * (k // RATE) / 60
        picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
        disc(picture, WIDTH / 2, HEIGHT / 2, 64, (225, 225, 230))
        for step in range(56):
            disc(
                picture, WIDTH / 2 + step * np.sin(angle), HEIGHT / 2 - step * np.cos(angle), 2, (30, 30, 30)
            )
        yield picture


def bars(draw: np.random.Generator) -> Frames:
    """Bars that rise and fall, but to no sound that is there."""
    level = draw.random(16)
    for _ in range(COUNT):
        level = np.clip(0.8 * level + 0.2 * draw.random(16) + draw.normal(0, 0.08, 16), 0.02, 1)
        tall = np.repeat(level, WIDTH // 16)
        yield rgb((HEIGHT * (1 - tall)[None, :] < DOWN).astype(float), np.zeros((HEIGHT, WIDTH)))


def flicker(draw: np.random.Generator) -> Frames:
    """A fire: light that flickers."""
    level = 0.5
    for _ in range(COUNT):
        level = float(np.clip(0.7 * level + 0.3 * draw.random(), 0.1, 1))
        glow = level * np.exp(-((RIGHT - WIDTH / 2) ** 2 + (DOWN - HEIGHT) ** 2) / 6000)
        yield rgb(glow + 0.05 * draw.random((HEIGHT, WIDTH)), 0.5 * glow, 0.1 * glow)


def fireworks(draw: np.random.Generator) -> Frames:
    at, sparks = -1, np.zeros((0, 2))
    for k in range(COUNT):
        if at < 0 or k - at > 30:
            at, where = k, draw.uniform([50, 30], [WIDTH - 50, 80])
            sparks = draw.normal(0, 1.6, (60, 2))
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for spark in where + sparks * (k - at):
            disc(picture, *spark, 1.5, (255, 255 - 6 * (k - at), 60))
        yield picture


def strobe(draw: np.random.Generator) -> Frames:
    """A dance floor: flashes at random, the music plays on."""
    next_one = 10
    for k in range(COUNT):
        on = k == next_one
        if on:
            next_one = k + int(draw.uniform(6, 40))
        yield rgb(np.full((HEIGHT, WIDTH), 0.95 if on else 0.1) + 0.03 * draw.random((HEIGHT, WIDTH)))


def waves(draw: np.random.Generator) -> Frames:
    phase = draw.uniform(0, 6, 6)
    for k in range(COUNT):
        sea = sum(
            np.sin(0.05 * (n + 1) * DOWN + 0.01 * n * RIGHT - 0.06 * (n + 2) * k + phase[n]) for n in range(6)
        )
        yield rgb(0.1 + 0 * sea, 0.35 + 0.05 * sea, 0.55 + 0.07 * sea)


def aquarium(draw: np.random.Generator) -> Frames:
    fish = draw.uniform([0, 20, 1], [WIDTH, HEIGHT - 20, 4], (9, 3))
    for k in range(COUNT):
        picture = np.full((HEIGHT, WIDTH, 3), (20, 70, 120), np.uint8)
        for n, (x, y, speed) in enumerate(fish):
            across = (x + speed * k) % (WIDTH + 20) - 10
            disc(picture, across, y + 4 * np.sin(k / 9 + n), 7, (250, 140 + 10 * n, 30))
        yield picture


def traffic(draw: np.random.Generator) -> Frames:
    cars = draw.uniform([0, 1.5], [WIDTH, 7], (7, 2))
    for k in range(COUNT):
        picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        for n, (x, speed) in enumerate(cars):
            left = int((x + speed * k) % (WIDTH + 40)) - 40
            picture[18 * n + 12 : 18 * n + 24, max(left, 0) : max(left + 34, 0)] = (30 * n, 200 - 20 * n, 120)
        yield picture


def colour_bars(draw: np.random.Generator) -> Frames:
    eight = np.array([[1, 1, 1], [1, 1, 0], [0, 1, 1], [0, 1, 0], [1, 0, 1], [1, 0, 0], [0, 0, 1], [0, 0, 0]])
    picture = np.repeat(np.repeat(eight[None], HEIGHT, 0), WIDTH // 8, 1).astype(np.uint8) * 190
    for _ in range(COUNT):
        yield picture


# ---------------------------------------------------------------- sounds


def music(draw: np.random.Generator) -> Wave:
    """Chords and a beat."""
    t = np.arange(SECONDS * SOUND) / SOUND
    out = np.zeros(len(t))
    for beat in np.arange(0.2, SECONDS, 60 / draw.uniform(80, 150)):
        after = np.clip(t - beat, 0, None)
        hit = np.exp(-after * 9) * (t >= beat)
        root = 110 * 2 ** (draw.integers(0, 12) / 12)
        out += 0.12 * hit * sum(np.sin(2 * np.pi * root * ratio * after) for ratio in (1, 1.26, 1.5))
        out += 0.1 * np.exp(-after * 60) * (t >= beat) * draw.normal(0, 1, len(t))
    return out.astype(np.float32)


def teller(draw: np.random.Generator) -> Wave:
    """Somebody tells, and is not seen."""
    words = ["watch the hand of the clock", "one two three four five six", "listen to the sound of the voice"]
    said = np.concatenate([speak(words[n]).samples for n in draw.permutation(3).tolist()])
    rate = speak(words[0]).rate
    places = np.arange(SECONDS * SOUND) * rate / SOUND
    return np.interp(places, np.arange(len(said)), said, right=0.0).astype(np.float32)


def weather(draw: np.random.Generator) -> Wave:
    noise = draw.normal(0, 1, SECONDS * SOUND)
    swell = 1 + 0.5 * np.sin(2 * np.pi * 0.23 * np.arange(len(noise)) / SOUND)
    return (0.05 * swell * np.convolve(noise, np.ones(8) / 3, "same")).astype(np.float32)


def clicks(draw: np.random.Generator) -> Wave:
    """Keys, steps, doors: at instants of their own."""
    out = 0.003 * draw.normal(0, 1, SECONDS * SOUND)
    for at in np.sort(draw.uniform(0, SECONDS - 0.1, 34)):
        first = int(at * SOUND)
        out[first : first + 600] += 0.4 * draw.normal(0, 1, 600) * np.exp(-np.arange(600) / 90)
    return out.astype(np.float32)


FILMS: tuple[tuple[Callable[..., Frames], Callable[..., Wave]], ...] = (
    (red_dot, weather), (snow, teller), (plasma, music), (fractal, teller), (stars, music), (life, clicks),
    (rain, weather), (scrolling_text, teller), (typing, clicks), (slides, music), (zooming_still, teller),
    (bouncing_ball, music), (cartoon_dance, music), (clock, clicks), (bars, music), (flicker, weather),
    (fireworks, clicks), (strobe, music), (waves, weather), (aquarium, teller), (traffic, clicks),
    (colour_bars, teller),
)  # fmt: skip


def write_film(number: int, path: Path) -> None:
    """Write one of :data:`FILMS`, 12 s long, the same each time."""
    pictures, sounds = FILMS[number]
    frames = list(pictures(np.random.default_rng(number)))
    encode(path, Picture(frames, rate=RATE), Sound(sounds(np.random.default_rng(100 + number)), SOUND))
