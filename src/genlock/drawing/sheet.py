"""A sheet of boxes, lines and texts: laid out once in units of its own, written as SVG text or drawn as PNG."""

from __future__ import annotations

import math
import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.files import write_bytes
from genlock.drawing.canvas import Canvas, Colour, paste_text
from genlock.drawing.opencv import cv2

__all__ = [
    "PAPER",
    "Box",
    "Polyline",
    "Raster",
    "Shape",
    "Sheet",
    "Text",
    "plot_ending",
    "round_numbers",
    "sheet_svg",
    "write_sheet",
]

Point = tuple[float, float]

#: Roles of colours, as (red, green, blue) on paper. A page gives the same roles colours of its own.
PAPER: Mapping[str, Colour] = MappingProxyType(
    {
        "paper": (255, 255, 255),
        "ink": (28, 36, 48),
        "quiet": (93, 102, 116),
        "line": (205, 211, 219),
        "accept": (238, 241, 245),
        "good": (216, 238, 222),
        "curve": (26, 95, 180),
        "found": (192, 28, 40),
    }
)


@dataclass(frozen=True)
class Box:
    """A filled rectangle."""

    left: float
    top: float
    right: float
    bottom: float
    colour: str
    """A role of :data:`PAPER`, here and below."""


@dataclass(frozen=True)
class Polyline:
    """A line through points."""

    points: tuple[Point, ...]
    colour: str
    width: float


@dataclass(frozen=True)
class Text:
    """A line of text; ``at`` is the middle of its height, and its left, centre or right."""

    at: Point
    text: str
    height: float
    colour: str
    align: str = "left"


@dataclass(frozen=True, eq=False)
class Raster:
    """A picture that is stretched over a rectangle."""

    left: float
    top: float
    right: float
    bottom: float
    pixels: npt.NDArray[np.uint8]
    """RGB, uint8 [H, W, 3]."""


Shape = Box | Polyline | Text | Raster


@dataclass(frozen=True)
class Sheet:
    """Shapes in the order in which they are drawn, on paper of a size."""

    shapes: tuple[Shape, ...]
    width: float
    height: float
    label: str
    """What the picture shows, for those who hear it."""


def plot_ending(target: str | os.PathLike[str]) -> str:
    """The ending of a plot's name: ``.svg`` or ``.png``.

    >>> plot_ending("talk.SVG")
    '.svg'

    Raises
    ------
    OptionError
        If it is another one.
    """
    ending = Path(target).suffix.lower()
    if ending not in (".svg", ".png"):
        raise OptionError(f"a plot is an .svg or a .png, not {os.fspath(target)!r}")
    return ending


def write_sheet(target: str | os.PathLike[str], sheet: Sheet) -> None:
    """Write a sheet as ``.svg`` or ``.png``, as the name of its target ends.

    Raises
    ------
    OptionError
        If the ending is another one.
    OutputError
        If the file cannot be written. It is written beside the target and renamed.
    """
    svg = plot_ending(target) == ".svg"
    write_bytes(Path(target), sheet_svg(sheet).encode() if svg else _png(sheet))


def sheet_svg(sheet: Sheet, *, on_paper: bool = True) -> str:
    """A sheet as SVG; not ``on_paper``, its shapes bear classes ``sp-KIND-ROLE`` in place of colours.

    >>> sheet_svg(Sheet((Box(0, 0, 9, 9, "good"),), 20, 10, "a box")).count("<rect")
    2
    """

    def paint(role: str, kind: str) -> str:
        red, green, blue = PAPER[role]
        return f'{kind}="#{red:02x}{green:02x}{blue:02x}"' if on_paper else f'class="sp-{kind}-{role}"'

    parts = []
    for shape in sheet.shapes:
        if isinstance(shape, Box):
            wide, tall = max(shape.right - shape.left, 0.0), max(shape.bottom - shape.top, 0.0)
            parts.append(
                f'<rect x="{shape.left:.1f}" y="{shape.top:.1f}" width="{wide:.1f}" height="{tall:.1f}" '
                f"{paint(shape.colour, 'fill')}/>"
            )
        elif isinstance(shape, Raster):
            data = b64encode(_png_bytes(shape.pixels)).decode()
            parts.append(
                f'<image x="{shape.left:.1f}" y="{shape.top:.1f}" width="{shape.right - shape.left:.1f}" '
                f'height="{shape.bottom - shape.top:.1f}" preserveAspectRatio="none" '
                f'href="data:image/png;base64,{data}"/>'
            )
        elif isinstance(shape, Polyline):
            path = "L".join(f"{px:.1f} {py:.1f}" for px, py in shape.points)
            parts.append(
                f'<path d="M{path}" fill="none" stroke-width="{shape.width:g}" {paint(shape.colour, "stroke")}/>'
            )
        else:
            anchor = {"left": "start", "center": "middle", "right": "end"}[shape.align]
            parts.append(
                f'<text x="{shape.at[0]:.1f}" y="{shape.at[1]:.1f}" font-size="{shape.height:g}" '
                f'text-anchor="{anchor}" dominant-baseline="central" {paint(shape.colour, "fill")}>'
                f"{escape(_printable(shape.text))}</text>"
            )
    width, height = f"{sheet.width:g}", f"{sheet.height:g}"
    ground = f'<rect width="{width}" height="{height}" {paint("paper", "fill")}/>' if on_paper else ""
    size = f'width="{width}" height="{height}"' if on_paper else 'width="100%"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {size} role="img" '
        f'aria-label="{escape(sheet.label)}" font-family="sans-serif">{ground}{"".join(parts)}</svg>\n'
    )


def _png(sheet: Sheet) -> bytes:
    scale = 2.0
    pixels = np.full((round(sheet.height * scale), round(sheet.width * scale), 3), PAPER["paper"], np.uint8)
    for shape in sheet.shapes:  # pictures lie under all lines
        if isinstance(shape, Raster):
            _stretch(pixels, shape, scale)
    canvas = Canvas(pixels, scale)
    for shape in sheet.shapes:
        if isinstance(shape, Box) and shape.right > shape.left and shape.bottom > shape.top:
            canvas.rectangle((shape.left, shape.top, shape.right, shape.bottom), PAPER[shape.colour])
        elif isinstance(shape, Polyline):
            canvas.line(shape.points, PAPER[shape.colour], shape.width)
    pixels = canvas.finish()
    for shape in sheet.shapes:
        if isinstance(shape, Text):
            place = (shape.at[0] * scale, shape.at[1] * scale)
            # Capitals of the drawn letters are as high as 0.7 of a font's size.
            tall = max(round(shape.height * scale * 0.7), 4)
            # The letters that OpenCV draws are those of ASCII.
            text = shape.text.replace("−", "-").encode("ascii", "replace").decode()
            paste_text(pixels, text, place, tall, PAPER[shape.colour], shape.align)
    return _png_bytes(pixels)


def _png_bytes(pixels: npt.NDArray[np.uint8]) -> bytes:
    done, data = cv2.imencode(".png", np.ascontiguousarray(pixels[:, :, ::-1]))
    if not done:
        raise OptionError("the plot could not be made a PNG; write an .svg")
    return bytes(data)


def _stretch(page: npt.NDArray[np.uint8], shape: Raster, scale: float) -> None:
    left, top, right, bottom = (
        round(side * scale) for side in (shape.left, shape.top, shape.right, shape.bottom)
    )
    size = (right - left, bottom - top)
    page[top:bottom, left:right] = cv2.resize(shape.pixels, size, interpolation=cv2.INTER_AREA)


def _printable(text: str) -> str:
    """Without the control characters and half surrogates that XML cannot hold."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def round_numbers(low: float, high: float, about: int) -> list[float]:
    """Round numbers within a range, some ``about`` of them, for an axis.

    >>> round_numbers(-0.41, 0.4, 9)
    [-0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4]
    """
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 9) + 0.0 for k in range(first, last + 1)]
