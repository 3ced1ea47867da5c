"""From decoded frames to cells: exact spans, no frame twice, one scaler for each form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from genlock.core.grid import Grid
from genlock.core.spans import Span
from genlock.core.time import round_fraction
from genlock.media.consumers import LARGEST_SIDE, FrameTimes, VideoCell, VideoForm
from genlock.media.frame_rate import Cadence, cadence_of
from genlock.media.notes import NoteCounter
from genlock.media.streams import ONE_PACKET_ONE_FRAME, orientation_of, sample_aspect_of, stated_rates

__all__ = ["PictureTimeline"]

Pixels = npt.NDArray[np.uint8]

_LEAP = (
    10  # seconds: a frame stamped so far after the one before is accepted only if the next one confirms it
)
_DAMAGE_REACHES = 4  # frames behind a damaged one in which a gap belongs to the same damage
# Pictures in these forms are made small before their colours are converted, which takes half the time: for pictures
# that are not scaled FFmpeg has a short cut, and colour is stored at half the size anyway.
_SHRUNK_FIRST = ("yuv420p", "yuvj420p")


#: What of a form says how a frame looks.
_Look: TypeAlias = tuple[tuple[int, int] | None, int | None, int | None, str, bool]


def _look_of(form: VideoForm) -> _Look:
    return form.size, form.longest_side, form.shortest_side, form.pixels, form.as_seen


@dataclass
class _Shown:
    """A frame that is on show, converted once for each form that wants it."""

    frame: Any
    pts: int
    draw: _Scaler

    def __post_init__(self) -> None:
        self._made: dict[_Look, Pixels] = {}

    def pixels(self, form: VideoForm) -> Pixels:
        key = _look_of(form)
        if key not in self._made:
            self._made[key] = self.draw(self.frame, form)
        return self._made[key]


class _Scaler:
    """Scales, converts and turns a frame; every frame of a read has one size."""

    def __init__(self, upright: bool, noted: NoteCounter, aspect: Fraction = Fraction(1)) -> None:
        self.upright, self.noted, self.aspect = upright, noted, aspect
        self.orientation: tuple[int, int, int, int] | None = None
        self.stored: tuple[int, int] | None = None
        self.scalers: dict[tuple[str, _Look], VideoReformatter] = {}
        self.sides: dict[_Look, tuple[int, int]] = {}

    def __call__(self, frame: Any, form: VideoForm) -> Pixels:
        if self.orientation is None or self.stored is None:
            self.orientation = orientation_of(frame) if self.upright else (1, 0, 0, 1)
            self.stored = (frame.width, frame.height)
        if (frame.width, frame.height) != self.stored:
            self.noted.count("resized", "frames of another size were scaled to the size of the first")
        if (sides := self.sides.get(_look_of(form))) is None:
            sides = self.sides[_look_of(form)] = self._sides_of(form)
        width, height = sides
        planar = form.pixels == "yuv420p"
        if form.longest_side is not None and width < frame.width and frame.format.name in _SHRUNK_FIRST:
            frame = self._reformat("shrink", form, frame, width, height, frame.format.name, "AREA")
        # FFmpeg's own program scales bicubically, and public weights that ask for a shorter side saw its pictures.
        how = "BILINEAR" if form.shortest_side is None else "BICUBIC"
        image: Any = self._reformat("convert", form, frame, width, height, form.pixels, how).to_ndarray()
        pixels: Pixels = np.ascontiguousarray(
            _planes_upright(image, width, self.orientation) if planar else _upright(image, self.orientation)
        )
        pixels.setflags(write=False)
        return pixels

    def _sides_of(self, form: VideoForm) -> tuple[int, int]:
        """Width and height of the pictures of a form, before they are turned; the same for every frame."""
        assert self.orientation is not None
        assert self.stored is not None
        across = bool(self.orientation[0])
        width, height = self.stored
        if form.size is not None:
            width, height = form.size if across else form.size[::-1]
        elif form.as_seen:
            width = round_fraction(width * max(self.aspect, Fraction(1)), "nearest")
            height = round_fraction(height / min(self.aspect, Fraction(1)), "nearest")
        if form.longest_side is not None and max(width, height) > form.longest_side:
            ratio = Fraction(form.longest_side, max(width, height))
            width, height = (max(1, round_fraction(side * ratio, "nearest")) for side in (width, height))
        if form.shortest_side is not None:
            ratio = Fraction(form.shortest_side, min(width, height))
            width, height = (
                min(LARGEST_SIDE, max(1, round_fraction(side * ratio, "floor"))) for side in (width, height)
            )
        if form.pixels == "yuv420p":
            width, height = (max(2, side // 2 * 2) for side in (width, height))
        return width, height

    def _reformat(
        self, step: str, form: VideoForm, frame: Any, width: int, height: int, pixels: str, how: str
    ) -> Any:
        # One reformatter for each step: VideoFrame.reformat sets a scaler up anew for every frame, 1 ms each.
        scaler = self.scalers.setdefault((step, _look_of(form)), VideoReformatter())
        return scaler.reformat(frame, width=width, height=height, format=pixels, threads=1, interpolation=how)


def _upright(image: Pixels, orientation: tuple[int, int, int, int]) -> Pixels:
    """An image or one plane of it, [H, W, ...], turned and mirrored as its display matrix says."""
    a, b, c, d = orientation
    if not a:
        image = image.swapaxes(0, 1)
    if (a or c) < 0:
        image = image[:, ::-1]
    if (d or b) < 0:
        image = image[::-1]
    return image


def _planes_upright(image: Pixels, width: int, orientation: tuple[int, int, int, int]) -> Pixels:
    """The planes of yuv420p, [3 H/2, W], each turned by itself: a quarter turn changes what H and W are."""
    if orientation == (1, 0, 0, 1):
        return image
    luma = image.shape[0] * 2 // 3
    chroma = image[luma:].reshape(2, luma // 2, width // 2)
    turned = [_upright(plane, orientation) for plane in (image[:luma], *chroma)]
    wide = turned[0].shape[1]
    return np.concatenate(
        [turned[0], *(np.ascontiguousarray(plane).reshape(-1, wide) for plane in turned[1:])]
    )


class _Tap:
    """Hands the cells of one form to the consumers that asked for it."""

    def __init__(
        self, form: VideoForm | FrameTimes, clock: str, cut: tuple[Fraction | None, Fraction | None]
    ):
        self.form, self.clock = form, clock
        self.start, self.end = cut
        self.sinks: list[Callable[[VideoCell], None]] = []
        self.index = 0
        self.done = False
        self.grid: Grid | None = None

    def begin(self, origin: Fraction) -> None:
        """Takes the start of the picture's first frame (of the whole file), before the first cell."""
        if isinstance(self.form, VideoForm) and self.form.rate is not None:
            self.grid = Grid(self.form.rate, origin, self.clock)
            self.index = 0 if self.start is None else max(0, self.grid.index(self.start, "floor"))

    def push(self, shown: _Shown, start: Fraction, end: Fraction, seen_until: Fraction) -> None:
        """A frame, its cell, and from where on it only stands in for frames that were lost."""
        if self.grid is not None:
            self._push_rate(self.grid, shown, (start, end), seen_until)
        elif self.end is not None and start >= self.end:
            self.done = True
        elif self.start is None or end > self.start:
            pixels = shown.pixels(self.form) if isinstance(self.form, VideoForm) else None
            lost = (start + end) / 2 >= seen_until
            self._deliver(VideoCell(pixels, self.index, start, end, self.clock, lost=lost))  # type: ignore[arg-type]

    def _push_rate(
        self, grid: Grid, shown: _Shown, span: tuple[Fraction, Fraction], seen_until: Fraction
    ) -> None:
        assert isinstance(self.form, VideoForm)
        while not self.done and grid.center(self.index) < span[1]:
            low, high = grid.edge(self.index), grid.edge(self.index + 1)
            if self.end is not None and low >= self.end:
                self.done = True
                return
            lost = grid.center(self.index) >= seen_until
            pixels = shown.pixels(self.form)
            self._deliver(VideoCell(pixels, self.index, low, high, self.clock, span, lost))

    def _deliver(self, cell: VideoCell) -> None:
        for sink in self.sinks:
            sink(cell)
        self.index += 1


class PictureTimeline:
    """Takes decoded frames in order of presentation; gives each cell once its end is known."""

    def __init__(
        self,
        stream: Any,
        clock: str,
        cut: tuple[Fraction | None, Fraction | None],
        upright: bool,
        max_gap: Fraction,
        noted: NoteCounter,
        keeps_stamps: bool = True,
    ) -> None:
        self.keeps_stamps = keeps_stamps  # of all frames, for the cells in the report
        self.stream, self.clock, self.cut, self.noted = stream, clock, cut, noted
        self.rates = stated_rates(stream)
        self.time_base: Fraction = stream.time_base
        self.longest = int(max_gap / self.time_base)
        self.leap = int(_LEAP / self.time_base)
        self.doubted: tuple[Any, int] | None = None
        self.scaler = _Scaler(upright, noted, sample_aspect_of(stream))
        self.taps: dict[VideoForm | FrameTimes, _Tap] = {}
        self.origin: Fraction | None = None
        self.held: _Shown | None = None
        self.steps: Counter[int] = Counter()
        self.frames = 0
        self.shown: list[int] = []
        self.shown_until = 0
        self.lost: list[Span] = []
        self.damage: list[int] = []
        self.awaited: set[int] = set()

    def attach(self, form: VideoForm | FrameTimes, sink: Callable[[VideoCell], None]) -> None:
        """Add a consumer; equal forms share their arrays."""
        if form not in self.taps:
            self.taps[form] = _Tap(form, self.clock, self.cut)
        self.taps[form].sinks.append(sink)

    @property
    def done(self) -> bool:
        """True once no consumer needs another frame."""
        return bool(self.taps) and all(tap.done for tap in self.taps.values())

    @property
    def position(self) -> Fraction | None:
        """Start of the frame on show, for progress."""
        return self.held.pts * self.time_base if self.held else None

    def begin(self, origin: Fraction) -> None:
        """Fix the instant at which the picture of the whole file starts."""
        self.origin = origin
        for tap in self.taps.values():
            tap.begin(origin)

    def cadence(self) -> Cadence | None:
        """The cells of the frames within the cut, once all are there; None if there is none."""
        if not self.shown:
            return None
        last = self.shown_until - self.shown[-1]
        pts = np.array(self.shown, dtype=np.int64)
        return cadence_of(pts, self.time_base, last, self.rates, self.clock)

    def expect(self, pts: int | None, damaged: bool) -> None:
        """Takes the stamp of each packet, and whether it is damaged or does not decode."""
        if pts is not None and damaged:
            self.damage.append(pts)
        elif pts is not None and self.stream.codec_context.codec.canonical_name in ONE_PACKET_ONE_FRAME:
            self.awaited.add(pts)

    def feed(self, frame: Any) -> None:
        """Take the next decoded frame."""
        pts = frame.pts
        if frame.is_corrupt and pts is not None:
            self.damage.append(pts)
        if pts is None:
            pts = self.held.pts + self._usual_step(frame) if self.held else 0
            self.noted.count(
                "unstamped", "frames without a time stamp were placed one frame after the one before"
            )
        if self.doubted is not None:
            self._settle_doubt(pts)
        if self.held is not None and pts - self.held.pts > self.leap:
            self.doubted = (frame, pts)
        else:
            self._accept(frame, pts)

    def _settle_doubt(self, next_pts: int | None) -> None:
        """A frame far ahead of the others counts only if the next one does not come from before it."""
        assert self.doubted is not None
        assert self.held is not None
        frame, pts = self.doubted
        self.doubted = None
        contradicted = next_pts is not None and self.held.pts < next_pts < pts
        if contradicted or pts - self.held.pts > self.longest:
            self.noted.count("leap", "frames whose time stamp leaps far ahead were left out")
        else:
            self._accept(frame, pts)

    def _accept(self, frame: Any, pts: int) -> None:
        if self.held is not None and pts <= self.held.pts:
            self.noted.count("backward", "frames stamped at or before the frame before them were left out")
            return
        if self.origin is None:
            self.begin(pts * self.time_base)
        if self.held is not None:
            self.steps[pts - self.held.pts] += 1
            self._show(pts)
        self.held = _Shown(frame, pts, self.scaler)
        self.frames += 1

    def finish(self) -> None:
        """Show the last frame for as long as it states, else for the median of the steps before it."""
        if self.doubted is not None:
            self._settle_doubt(None)
        if self.held is not None:
            last = self.held.frame.duration or self._usual_step(self.held.frame)
            if last > self.longest:
                self.noted.count("leap", "a duration of the last frame that cannot be was passed over")
                last = self._usual_step(None)
            self._show(self.held.pts + max(1, last))
            self.held = None

    def _show(self, end_pts: int) -> None:
        assert self.held is not None
        start, end = self.held.pts * self.time_base, end_pts * self.time_base
        low, high = self.cut
        if (low is None or end > low) and (high is None or start < high):
            if self.keeps_stamps:
                self.shown.append(self.held.pts)
            self.shown_until = end_pts
        seen_until = self._seen_until(self.held.pts, end_pts) * self.time_base
        if seen_until < end:
            text = "where packets of the picture were lost, the frame before them stands in"
            self.noted.count("lost", text, seen_until)
            self.lost.append(Span(seen_until, end, "lost"))
        for tap in self.taps.values():
            if not tap.done:
                tap.push(self.held, start, end, seen_until)

    def _seen_until(self, pts: int, end_pts: int) -> int:
        """From where on a frame only stands in for others: a cell longer than usual, beside what is damaged.

        Where nothing is damaged, a long cell is a film of a variable rate.
        """
        self.damage += [at for at in self.awaited if pts < at < end_pts]
        self.awaited = {at for at in self.awaited if at >= end_pts}
        if not self.damage:
            return end_pts
        usual = self._usual_step(None)
        self.damage = [at for at in self.damage if at >= pts - _DAMAGE_REACHES * usual]
        beside = any(at <= end_pts + usual for at in self.damage)
        return pts + usual if beside and 2 * (end_pts - pts) > 3 * usual else end_pts

    def _usual_step(self, frame: Any | None) -> int:
        """The median of the steps so far; before the second frame, the stated duration or rate."""
        if self.steps:
            half = (sum(self.steps.values()) - 1) // 2
            for step in sorted(self.steps):
                half -= self.steps[step]
                if half < 0:
                    return step
        stated = next((rate for rate in self.rates if rate), None)
        duration = frame.duration if frame is not None else 0
        return max(1, duration or (round(1 / (stated * self.time_base)) if stated else 1))
