"""The making of a film or a file: sound in, frames out, one piece after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.animation.export import MotionFile, frame_lines
from genlock.animation.faces.base import DrawnFace, FaceFrame
from genlock.animation.film import FilmWriter
from genlock.animation.life import Life, life_at
from genlock.animation.motion import FaceMotion
from genlock.animation.stills import StillSheet
from genlock.animation.visemes import mouth_letter
from genlock.animation.voice import MotionReader, Mover, Samples
from genlock.animation.warp import WarpedFace
from genlock.core.errors import InputError
from genlock.core.grid import DEFAULT_CLOCK, Cells
from genlock.core.spans import Spans
from genlock.drawing.canvas import paste_text
from genlock.extractors.face.mouth import width_of
from genlock.extractors.face.pose import LIPS

__all__ = ["MotionFigures", "Show", "ShowPlan"]

Pixels: TypeAlias = npt.NDArray[np.uint8]

# Frames that are drawn between two looks at what is known: pieces of sound may be long.
_FRAMES_AT_ONCE = 64


@dataclass
class MotionFigures:
    """What can be told of a motion without a truth."""

    frames: int = 0
    """Frames made."""
    unheard: int = 0
    """Frames of which nothing was known: the face rests in them."""
    open_sum: float = 0.0
    shut: int = 0
    speed_sum: float = 0.0
    """Sums over the frames; see :meth:`to_dict`."""
    _last: tuple[npt.NDArray[np.float32], float] | None = field(default=None, repr=False)

    def add(self, motion: FaceMotion) -> None:
        """Count a piece."""
        lips, apertures = motion.lips.values, motion.aperture.values
        times = motion.points.centers
        self.frames += len(apertures)
        self.unheard += int((~motion.points.valid).sum())
        self.open_sum += float(apertures.sum())
        self.shut += int((apertures < 0.014).sum())
        if self._last is not None:
            lips, times = (
                np.concatenate([self._last[0][None], lips]),
                np.concatenate([[self._last[1]], times]),
            )
        if len(lips) > 1:
            speed = np.diff(lips, axis=0) / np.diff(times)[:, None, None]
            self.speed_sum += float((speed**2).sum(axis=2).mean(axis=1).sum())
        self._last = lips[-1], float(times[-1])

    def to_dict(self) -> dict[str, Any]:
        """``frames``, ``unheard``, ``mean_opening`` (eye distances), ``shut_share`` and ``lip_speed`` (RMS)."""
        count = max(self.frames, 1)
        return {
            "frames": self.frames,
            "unheard": self.unheard,
            "mean_opening": round(self.open_sum / count, 5),
            "shut_share": round(self.shut / count, 4),
            "lip_speed": round(float(np.sqrt(self.speed_sum / count)), 5),
        }


@dataclass(frozen=True, eq=False)
class ShowPlan:
    """What is to be made of a voice."""

    mover: Mover
    """Who moves the face."""
    cells: Cells
    """The frames, from 0 on, which is the first sample."""
    face: DrawnFace | WarpedFace | None = None
    """Who draws it; None: nobody."""
    order: npt.NDArray[np.int64] | None = None
    """Which frame of the footage lies under each of ours."""
    gain: float = 1.0
    """How much more the face moves than the mover says."""
    seed: int = 0
    """Of blinks and head."""
    blinks: bool = True
    """Whether it blinks and looks about."""
    head: bool = True
    """Whether it moves its head."""
    cues: Spans | None = None
    """Subtitles to be written into the picture."""
    live: bool = False
    """Whether each frame is wanted as soon as possible."""


class Show:
    """Takes sound at 16 kHz and gives frames to whoever wants them.

    Parameters
    ----------
    plan : what is made
    film : takes the pictures
    files : take the motion
    lines : is told each frame as a line of JSON
    sheet : collects stills
    """

    def __init__(
        self,
        plan: ShowPlan,
        film: FilmWriter | None = None,
        files: Sequence[MotionFile] = (),
        lines: Callable[[str], None] | None = None,
        sheet: StillSheet | None = None,
    ) -> None:
        self.plan, self._film, self._files, self._lines, self._sheet = plan, film, files, lines, sheet
        self._voice = plan.mover.open(Fraction(0), DEFAULT_CLOCK, plan.live)
        self._reader = MotionReader(plan.mover, plan.cells, plan.gain, plan.seed)
        self.figures = MotionFigures()
        self.samples = 0
        """Samples heard so far, at 16 kHz."""

    @property
    def seconds(self) -> Fraction:
        """Sound heard so far."""
        return Fraction(self.samples, 16000)

    def hear(self, samples: Samples) -> None:
        """Take the next samples, [n], at 16 kHz."""
        self.samples += len(samples)
        if self._sheet is not None:
            self._sheet.sound(samples)
        self._make(self._reader.push(self._voice.push(samples)))

    def finish(self, end: Fraction | None = None) -> None:
        """Nothing follows; ``end`` is the sound's end where it is known more exactly.

        Raises InputError if the sound was too short for anything to be heard.
        """
        last = self.seconds if end is None else end
        if not self.samples:
            raise InputError("there is no sound, so nothing moves; give a file with sound")
        self._make(self._reader.finish(self._voice.finish(), last))
        for file in self._files:
            file.finish(last)

    def _make(self, motion: FaceMotion | None) -> None:
        if motion is None:
            return
        for first in range(0, len(motion.points), _FRAMES_AT_ONCE):
            self._make_piece(motion.part(range(first, min(first + _FRAMES_AT_ONCE, len(motion.points)))))

    def _make_piece(self, motion: FaceMotion) -> None:
        plan, first = self.plan, self.figures.frames
        life = life_at(motion.points.centers, plan.seed, blinks=plan.blinks, head=plan.head)
        self.figures.add(motion)
        for file in self._files:
            file.add(motion, life)
        if self._lines is not None:
            for line in frame_lines(motion, life, plan.mover, first):
                self._lines(line)
        if plan.face is not None and (self._film is not None or self._sheet is not None):
            self._draw(motion, life, first)

    def _draw(self, motion: FaceMotion, life: Life, first: int) -> None:
        times, points = motion.points.centers, motion.points.values
        apertures, widths = motion.aperture.values, motion.width.values
        rest = float(width_of(motion.neutral[list(LIPS), :2]))
        for k in range(len(times)):
            frame = FaceFrame.of(points[k], motion.neutral, float(times[k]), life, k)
            image = self._picture(frame, first + k)
            if self.plan.cues is not None:
                cue = self.plan.cues.at(motion.points.grid.center(k))
                if cue is not None:
                    write_cue(image, cue.label)
            if self._film is not None:
                self._film.frame(image)
            if self._sheet is not None:
                letter = mouth_letter(float(apertures[k]), float(widths[k]) / max(rest, 1e-6))
                self._sheet.frame(float(times[k]), letter, image)

    def _picture(self, frame: FaceFrame, number: int) -> Pixels:
        face, order = self.plan.face, self.plan.order
        if isinstance(face, WarpedFace):
            return face.draw(frame, 0 if order is None else int(order[min(number, len(order) - 1)]))
        assert face is not None
        return face.draw(frame)


def write_cue(image: Pixels, text: str) -> None:
    """Write a subtitle of one or two lines at the bottom of a picture, in place."""
    height, width = image.shape[:2]
    tall = max(8, round(0.034 * height))
    lines = text.split("\n")
    for number, line in enumerate(lines):
        shown = line.encode("ascii", "replace").decode()
        # Hershey's letters are about 0.9 of their height wide.
        size = min(tall, max(6, round(width * 0.94 / max(len(shown), 1) / 0.95)))
        y = height - (len(lines) - number) * round(1.75 * tall) + 0.2 * tall
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1), (1, 1)):
            paste_text(image, shown, (width / 2 + dx, y + dy), size, (12, 14, 18), "center")
        paste_text(image, shown, (width / 2, y), size, (255, 255, 255), "center")
