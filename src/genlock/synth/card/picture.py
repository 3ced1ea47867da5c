"""The picture of the talking test card: what a frame looks like in a given state.

One layout of 640 x 360 units, scaled into any size: a face in the circle, a clock whose hand turns once a
second, a square that flashes, colour bars and grey steps, timecode, words, and the frame's number as a
strip of bars.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.drawing.canvas import Canvas, Colour, paste_digits, paste_text
from genlock.synth.card.barcode import draw_number
from genlock.synth.card.face import MOUTH_BOX, draw_eyes, draw_head, draw_mouth

__all__ = ["Card", "CardState"]

Pixels = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]
#: A part of the frame, in pixels, and a canvas of its still ground.
Cut = tuple[tuple[int, int, int, int], Canvas]

_BACK: Colour = (24, 30, 42)
_GRID: Colour = (44, 54, 72)
_PANEL: Colour = (15, 19, 28)
_EDGE: Colour = (78, 92, 116)
_INK: Colour = (232, 237, 244)
_QUIET: Colour = (140, 154, 178)
_ACCENT: Colour = (255, 184, 76)
_ROOM_TOP: Colour = (92, 148, 164)
_ROOM_BOTTOM: Colour = (44, 84, 108)
_WHITE: Colour = (255, 255, 255)
# 75 % bars, as EBU and SMPTE draw them.
_BARS: tuple[Colour, ...] = (
    (191, 191, 191),
    (191, 191, 0),
    (0, 191, 191),
    (0, 191, 0),
    (191, 0, 191),
    (191, 0, 0),
    (0, 0, 191),
)

_CIRCLE, _RADIUS = (320.0, 143.0), 126.0
_HEAD, _HEAD_SIZE = (320.0, 136.0), 74.0
_CLOCK, _CLOCK_RADIUS = (100.0, 116.0), 62.0
_FLASH: Box = (478.0, 54.0, 602.0, 178.0)
_WIDTH, _HEIGHT = 640, 360


@dataclass(frozen=True)
class CardState:
    """What one frame shows."""

    number: int
    """Frame number, in words and as bars."""
    label: str
    """Timecode."""
    turn: float
    """The clock's hand: turns since it pointed upwards; it turns once a second."""
    aperture: float = 0.0
    """Opening of the mouth, 0...1."""
    width: float = 0.5
    """Width of the mouth, 0...1."""
    flash: bool = False
    """The white square is lit."""
    word: str = ""
    """The word that is being spoken."""
    eyes: float = 1.0
    """Opening of the eyes, 0...1."""
    brows: float = 0.0
    """Lift of the brows, 0...1."""


class Card:
    """Draws frames of one size.

    >>> card = Card(320, 180, "25 fps")
    >>> card.draw(CardState(7, "00:00:00:07", 0.3)).shape
    (180, 320, 3)
    """

    def __init__(self, width: int, height: int, caption: str = "") -> None:
        """``width`` and ``height`` in pixels, even, 160 x 90 or more; ``caption`` is for the upper right."""
        if width < 160 or height < 90 or width > 7680 or height > 7680 or width % 2 or height % 2:
            raise OptionError(
                f"a card of {width}x{height} is not possible; sizes are even, 160x90 to 7680x7680"
            )
        self.width, self.height, self.caption = width, height, caption
        self.scale = min(width / _WIDTH, height / _HEIGHT)
        self._left = (width - _WIDTH * self.scale) / 2
        self._top = (height - _HEIGHT * self.scale) / 2

    def draw(self, state: CardState) -> Pixels:
        """One frame, RGB uint8 [height, width, 3]."""
        image = self._base.copy()
        self._patch(image, self._clock_patch, lambda c: _draw_hand(c, state.turn % 1))
        if state.eyes < 1 or state.brows > 0:
            self._patch(
                image, self._eyes_patch, lambda c: draw_eyes(c, _HEAD, _HEAD_SIZE, state.eyes, state.brows)
            )
        else:
            self._paste(image, self._open_eyes, self._eyes_patch)
        self._patch(
            image, self._mouth_patch, lambda c: draw_mouth(c, _HEAD, _HEAD_SIZE, state.aperture, state.width)
        )
        if state.flash:
            left, top, right, bottom = self._pixels(_FLASH)
            image[top:bottom, left:right] = _WHITE
        self._digits(image, state.label, (320, 319), 19, _INK)
        self._digits(image, f"{state.number:05d}", (580, 319), 10, _QUIET)
        if state.word:
            self._text(image, state.word, (320, 288), 17, _ACCENT, "center")
        draw_number(image, state.number)
        return image

    # ------------------------------------------------------------ places

    def _pixels(self, box: Box) -> tuple[int, int, int, int]:
        """A box of units in whole pixels: ``(left, top, right, bottom)``."""
        left, top, right, bottom = box
        return (
            round(self._left + left * self.scale),
            round(self._top + top * self.scale),
            round(self._left + right * self.scale),
            round(self._top + bottom * self.scale),
        )

    def _canvas(self, image: Pixels, corner: tuple[int, int] = (0, 0)) -> Canvas:
        """A canvas on a part of the frame whose upper left pixel is ``corner``."""
        left, top = (corner[0] - self._left) / self.scale, (corner[1] - self._top) / self.scale
        return Canvas(image, self.scale, left, top, 4 if self.scale < 0.8 else 2)

    def _cut(self, box: Box) -> Cut:
        where = self._pixels(box)
        left, top, right, bottom = where
        return where, self._canvas(self._base[top:bottom, left:right], (left, top))

    def _patch(self, image: Pixels, cut: Cut, paint: Callable[[Canvas], None]) -> None:
        fresh = cut[1].copy()
        paint(fresh)
        self._paste(image, fresh.finish(), cut)

    @staticmethod
    def _paste(image: Pixels, pixels: Pixels, cut: Cut) -> None:
        left, top, right, bottom = cut[0]
        image[top:bottom, left:right] = pixels

    def _text(
        self, image: Pixels, text: str, at: tuple[float, float], height: float, colour: Colour, align: str
    ) -> None:
        pixels = round(height * self.scale)
        if pixels >= 4:  # smaller cannot be read
            place = (self._left + at[0] * self.scale, self._top + at[1] * self.scale)
            paste_text(image, text, place, pixels, colour, align)

    def _digits(
        self, image: Pixels, text: str, at: tuple[float, float], height: float, colour: Colour
    ) -> None:
        pixels = round(height * self.scale)
        if pixels >= 4:
            place = (self._left + at[0] * self.scale, self._top + at[1] * self.scale)
            paste_digits(image, text, place, pixels, colour)

    # ------------------------------------------------------------ what does not move

    @cached_property
    def _base(self) -> Pixels:
        image = np.full((self.height, self.width, 3), _BACK, np.uint8)
        canvas = self._canvas(image)
        self._draw_ground(canvas)
        _draw_circle(canvas)
        canvas.ellipse(_CLOCK, (_CLOCK_RADIUS + 4, _CLOCK_RADIUS + 4), _EDGE)
        canvas.ellipse(_CLOCK, (_CLOCK_RADIUS + 2.4, _CLOCK_RADIUS + 2.4), _PANEL)
        _draw_ticks(canvas)
        left, top, right, bottom = _FLASH
        canvas.rectangle((left - 4, top - 4, right + 4, bottom + 4), _EDGE)
        canvas.rectangle((left - 2.4, top - 2.4, right + 2.4, bottom + 2.4), _PANEL)
        _draw_bars(canvas)
        canvas.rounded((222, 303, 418, 334), 6, _EDGE)
        canvas.rounded((223.2, 304.2, 416.8, 332.8), 5, _PANEL)
        image = canvas.finish()
        self._text(image, "GENLOCK", (38, 27), 14, _INK, "left")
        self._text(image, self.caption, (602, 27), 10, _QUIET, "right")
        self._text(image, "frame", (552, 319), 10, _QUIET, "right")
        self._text(image, "one turn a second", (100, 192), 8, _QUIET, "center")
        self._text(image, "flash with beep", (540, 192), 8, _QUIET, "center")
        return image

    def _draw_ground(self, canvas: Canvas) -> None:
        first_x, first_y = -self._left / self.scale, -self._top / self.scale
        last_x, last_y = _WIDTH - first_x, _HEIGHT - first_y
        for x in range(int(first_x // 40) * 40, int(last_x) + 1, 40):
            canvas.line([(x, first_y), (x, last_y)], _GRID, 0.8)
        for y in range(int(first_y // 40) * 40 - 14, int(last_y) + 1, 40):
            canvas.line([(first_x, y), (last_x, y)], _GRID, 0.8)
        # Castellations: they show at a glance what a player crops off.
        for step in range(int((last_x - first_x) // 20) + 1):
            colour, left = _INK if step % 2 else _PANEL, first_x + 20 * step
            canvas.rectangle((left, first_y, left + 20, first_y + 6), colour)
        for step in range(int((last_y - first_y) // 20) + 1):
            colour, top = _PANEL if step % 2 else _INK, first_y + 6 + 20 * step
            canvas.rectangle((first_x, top, first_x + 6, top + 20), colour)
            canvas.rectangle((last_x - 6, top, last_x, top + 20), colour)

    # ------------------------------------------------------------ what moves, on its own ground

    @cached_property
    def _clock_patch(self) -> Cut:
        reach = _CLOCK_RADIUS + 1
        return self._cut((_CLOCK[0] - reach, _CLOCK[1] - reach, _CLOCK[0] + reach, _CLOCK[1] + reach))

    @cached_property
    def _mouth_patch(self) -> Cut:
        return self._cut(_head_box(MOUTH_BOX))

    @cached_property
    def _eyes_patch(self) -> Cut:
        return self._cut(_head_box((-0.62, -0.48, 0.62, 0.12)))

    @cached_property
    def _open_eyes(self) -> Pixels:
        canvas = self._eyes_patch[1].copy()
        draw_eyes(canvas, _HEAD, _HEAD_SIZE)
        return canvas.finish()


def _head_box(box: Box) -> Box:
    left, top, right, bottom = box
    return (
        _HEAD[0] + left * _HEAD_SIZE,
        _HEAD[1] + top * _HEAD_SIZE,
        _HEAD[0] + right * _HEAD_SIZE,
        _HEAD[1] + bottom * _HEAD_SIZE,
    )


def _draw_circle(canvas: Canvas) -> None:
    x, y = _CIRCLE
    canvas.ellipse(_CIRCLE, (_RADIUS + 3, _RADIUS + 3), _INK)
    # A room that darkens downwards, in steps too fine to see, then the face; the circle cuts both.
    steps = 48
    for step in range(steps):
        share = step / (steps - 1)
        low, high = -1 + 2 * step / steps, -1 + 2 * (step + 1) / steps
        colour = tuple(round(a + (b - a) * share) for a, b in zip(_ROOM_TOP, _ROOM_BOTTOM, strict=True))
        slices = np.linspace(low, min(high + 0.01, 1), 6)
        right = [(x + _RADIUS * float(np.sqrt(max(1 - s * s, 0))), y + _RADIUS * float(s)) for s in slices]
        left = [(2 * x - px, py) for px, py in right]
        canvas.polygon(right + left[::-1], colour)  # type: ignore[arg-type]
    draw_head(canvas, _HEAD, _HEAD_SIZE)
    # What hangs over the circle is painted over: a ring of ground as wide as the shoulders are.
    angles = np.linspace(0, np.pi, 61)
    rim = [(x + (_RADIUS + 3) * float(np.cos(a)), y + (_RADIUS + 3) * float(np.sin(a))) for a in angles]
    canvas.polygon(
        [
            *rim,
            (x - _RADIUS - 40, y),
            (x - _RADIUS - 40, y + 300),
            (x + _RADIUS + 40, y + 300),
            (x + _RADIUS + 40, y),
        ],
        _BACK,
    )
    for column in range(160, 481, 40):
        low = y + float(np.sqrt(max((_RADIUS + 3) ** 2 - (column - x) ** 2, 0)))
        canvas.line([(column, low), (column, y + 300)], _GRID, 0.8)
    for row in range(146, 347, 40):
        inside = max((_RADIUS + 3) ** 2 - (row - y) ** 2, 0) ** 0.5
        canvas.line([(x - _RADIUS - 40, row), (x - inside, row)], _GRID, 0.8)
        canvas.line([(x + inside, row), (x + _RADIUS + 40, row)], _GRID, 0.8)
    canvas.arc(_CIRCLE, (_RADIUS + 1.5, _RADIUS + 1.5), 0, 360, _INK, 3)


def _draw_ticks(canvas: Canvas) -> None:
    for tenth in range(50):
        angle = 2 * np.pi * tenth / 50
        long = tenth % 5 == 0
        reach = (_CLOCK_RADIUS - (9 if long else 5), _CLOCK_RADIUS - 1)
        ends = [(_CLOCK[0] + r * float(np.sin(angle)), _CLOCK[1] - r * float(np.cos(angle))) for r in reach]
        canvas.line(ends, _INK if long else _EDGE, 1.8 if long else 1.0)


def _draw_hand(canvas: Canvas, turn: float) -> None:
    angle = 2 * np.pi * turn
    along, across = (
        (float(np.sin(angle)), -float(np.cos(angle))),
        (float(np.cos(angle)), float(np.sin(angle))),
    )

    def at(far: float, aside: float) -> tuple[float, float]:
        return (
            _CLOCK[0] + far * along[0] + aside * across[0],
            _CLOCK[1] + far * along[1] + aside * across[1],
        )

    # The tail of the last fifth of a second fades behind the hand.
    for step in range(12, 0, -1):
        share = (1 - step / 12) * 0.55
        colour = tuple(round(p + (a - p) * share) for p, a in zip(_PANEL, _ACCENT, strict=True))
        first, last = 360 * turn - 90 - 6 * step, 360 * turn - 90 - 6 * (step - 1)
        canvas.arc(_CLOCK, (_CLOCK_RADIUS - 16,) * 2, first, last, colour, 5)  # type: ignore[arg-type]
    canvas.polygon(
        [at(-10, -2.6), at(-10, 2.6), at(_CLOCK_RADIUS - 11, 0.9), at(_CLOCK_RADIUS - 11, -0.9)], _ACCENT
    )
    canvas.ellipse(_CLOCK, (5.5, 5.5), _ACCENT)
    canvas.ellipse(_CLOCK, (2.2, 2.2), _PANEL)


def _draw_bars(canvas: Canvas) -> None:
    left, right, top, bottom = 38.0, 162.0, 212.0, 296.0
    wide = (right - left) / len(_BARS)
    for number, colour in enumerate(_BARS):
        canvas.rectangle((left + number * wide, top, left + (number + 1) * wide, bottom), colour)
    left, right = 478.0, 602.0
    steps = 8
    wide = (right - left) / steps
    for number in range(steps):
        grey = round(255 * number / (steps - 1))
        canvas.rectangle((left + number * wide, top, left + (number + 1) * wide, 254), (grey, grey, grey))
    # Lines of rising fineness: what the codec or the scaler leaves of them is its sharpness.
    x = left
    for period in (10.0, 6.0, 4.0, 3.0):
        stop = x + (right - left) / 4
        while x < stop - 1e-6:
            canvas.rectangle((x, 254, min(x + period / 2, stop), bottom), _WHITE)
            canvas.rectangle((min(x + period / 2, stop), 254, min(x + period, stop), bottom), (0, 0, 0))
            x = min(x + period, stop)
