"""Draws a talker: a lit head whose skin is the mesh of 468 points, in one frame after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.drawing.opencv import cv2
from genlock.synth.talkers import heads, paint
from genlock.synth.talkers.face import Camera, place, points_of
from genlock.synth.talkers.looks import Look
from genlock.synth.talkers.motion import STATE
from genlock.synth.talkers.raster import Part, Pixels, draw_part
from genlock.synth.talkers.shapes import Surface, ball, finer_skin
from genlock.synth.talkers.speakers import Speaker, resting_face

__all__ = ["FaceRenderer"]

Array = npt.NDArray[np.float64]

_JAW, _TONGUE = STATE.index("jaw"), STATE.index("tongue")
_GAZE = STATE.index("gaze_x"), STATE.index("gaze_y")
_TURNS = [STATE.index(name) for name in ("yaw", "pitch", "roll")]
_NECK_TURNS = 0.35
_FAR = np.float32(1e9)
_NOISES = 8


class FaceRenderer:
    """Draws one talker before one camera.

    >>> from genlock.synth.talkers.face import Camera
    >>> renderer = FaceRenderer(Speaker(), Look(), Camera(96, 96, 30))
    >>> renderer.draw(np.zeros(len(STATE))).shape
    (96, 96, 3)

    Parameters
    ----------
    speaker, look : who is drawn, and how
    camera : from where
    finer : pixels across that are drawn for one of the picture's, 1...4; 2 gives smooth edges
    """

    def __init__(self, speaker: Speaker, look: Look, camera: Camera, finer: int = 2) -> None:
        if not 1 <= finer <= 4:
            raise OptionError(f"finer={finer} lies outside 1...4")
        self.speaker, self.look, self.camera, self._finer = speaker, look, camera, finer
        self._big = replace(
            camera,
            width=camera.width * finer,
            height=camera.height * finer,
            eye_distance=camera.eye_distance * finer,
        )
        rest = resting_face(speaker)
        self._anatomy = heads.Anatomy(rest)
        self._operator, self._triangles = finer_skin()
        self._skin_uv = paint.skin_uv(self._operator @ rest)
        self._skin = paint.skin(rest, look)
        self._plain, self._shaded = paint.flat_skin(look), paint.flat_skin(look, 0.93)
        self._eye, self._hair, self._gloom = paint.eye(look), paint.hair(look), paint.gloom()
        self._teeth = paint.tooth(True), paint.tooth(False)
        self._tongue = paint.plain((150, 66, 70))
        self._metal = paint.plain((40, 38, 40))
        # What no movement of the face changes is built once.
        self._hair_before, self._hair_behind = self._hair_parts()
        self._ears = [_part(ear, self._shaded) for ear in heads.ears(self._anatomy)]
        self._neck = _part(heads.neck(), self._shaded)
        frame = [] if look.glasses == "none" else heads.glasses(self._anatomy, look.glasses)
        self._glasses = [_part(surface, self._metal, shine=0.4) for surface in frame]
        self._still = self._static_scene()
        draw = np.random.default_rng([look.seed, 61])
        shape = (camera.height, camera.width, 3)
        spread = max(look.noise, 1e-6)
        self._noise = (
            [draw.normal(0, spread, shape).astype(np.float32) for _ in range(_NOISES)] if look.noise else []
        )

    def draw(self, state: npt.NDArray[np.floating], number: int = 0, hidden: float = 0.0) -> Pixels:
        """One frame, RGB uint8 [height, width, 3].

        Parameters
        ----------
        state : of the face, [20], at the middle of the frame's cell
        number : of the frame; chooses the noise
        hidden : how far a hand is before the mouth, 0 (not in the picture) ... 1
        """
        row = np.asarray(state, np.float64)[None]
        points = points_of(row, self.speaker)[0]
        image, depth = self._still[0].copy(), self._still[1].copy()
        parts = self._parts(points, row[0], hidden)
        for part, seen in zip([part for part, _ in parts], self._seen(parts), strict=True):
            draw_part(image, depth, part, seen, self._big.eye_distance, self.look.light)
        return self._finish(image, number)

    def landmarks(self, states: npt.ArrayLike) -> Array:
        """Where the mesh lies in frames of states [T, 20]: x, y in pixels, z in the same scale, [T, 468, 3]."""
        rows = np.asarray(states, np.float64)
        return place(points_of(rows, self.speaker), rows, self.camera)

    # ------------------------------------------------------------ parts

    def _parts(self, points: Array, row: Array, hidden: float) -> list[tuple[Part, Array]]:
        """What moves, and the state that it is placed by."""
        anatomy = self._anatomy
        neck_row = row.copy()
        neck_row[_TURNS] *= _NECK_TURNS
        still = np.zeros_like(row)
        upper, lower = heads.teeth(anatomy, row[_JAW])
        gaze = float(row[_GAZE[0]]), float(row[_GAZE[1]])
        # What is near comes first: what it hides need not be painted.
        parts = (
            [(_part(s, self._shaded, shine=0.05), still) for s in heads.hand(hidden)] if hidden > 0 else []
        )
        parts += [(part, row) for part in self._glasses]
        skin = Part(self._operator @ points, self._triangles, self._skin_uv, self._skin, shine=0.07)
        front, back = self._hair_before, self._hair_behind
        eyes = [heads.eyeball(anatomy, k, gaze) for k in (0, 1)]
        return [
            *parts,
            *((part, row) for part in front),
            (skin, row),
            *((_part(eye, self._eye, shine=0.5, lit=0.75, behind=0.07), row) for eye in eyes),
            (_part(upper, self._teeth[0], shine=0.05, lit=0.9), row),
            (_part(lower, self._teeth[1], shine=0.03, lit=0.9), row),
            (_part(heads.tongue(anatomy, row[_JAW], row[_TONGUE]), self._tongue, 0.15, 0.8), row),
            (_part(heads.mouth_bag(points), self._gloom, lit=0.4), row),
            *((ear, row) for ear in self._ears),
            (_part(heads.skull(points), self._plain), row),
            (self._neck, neck_row),
            *((part, row) for part in back),
        ]

    def _hair_parts(self) -> tuple[list[Part], list[Part]]:
        """Hair before the face, and behind it."""
        look, anatomy = self.look, self._anatomy
        rest = anatomy.rest
        if look.hair == "none":
            return [], []

        def draw(kind: int) -> np.random.Generator:
            return np.random.default_rng([look.seed, kind])

        front, back = [heads.cap(rest, look, draw(62))], []
        if look.hair in ("fringe", "parted", "long"):
            front.append(heads.fringe(rest, look, draw(63)))
        if look.hair in ("long", "curly"):
            back.append(heads.long_hair(look, anatomy, draw(64)))
        if look.hair == "bun":
            back.append(ball((0.0, -0.98, 0.85), (0.36, 0.32, 0.36), 10, 16))
        before, behind = ([_part(each, self._hair, shine=0.08) for each in some] for some in (front, back))
        return before, behind

    def _static_scene(self) -> tuple[Pixels, npt.NDArray[np.float32]]:
        """Ground, clothes and what stands before them, with their depth."""
        big, look = self._big, self.look
        image = paint.ground(look, big.width, big.height)
        depth = np.full((big.height, big.width), _FAR, np.float32)
        still = np.zeros(len(STATE))
        weave = paint.cloth(look)
        for surface in heads.body(look.collar):
            self._add(image, depth, _part(surface, weave), still)
        if look.occluder == "microphone":
            ball, grip = heads.microphone()
            self._add(image, depth, _part(ball, paint.plain((58, 58, 62)), shine=0.25), still)
            self._add(image, depth, _part(grip, paint.plain((30, 30, 34)), shine=0.35), still)
        return image, depth

    def _add(self, image: Pixels, depth: npt.NDArray[np.float32], part: Part, row: Array) -> None:
        (seen,) = self._seen([(part, row)])
        draw_part(image, depth, part, seen, self._big.eye_distance, self.look.light)

    def _seen(self, parts: list[tuple[Part, Array]]) -> list[Array]:
        """Where the points of parts lie in the big picture; those of one state are placed together."""
        found: dict[int, Array] = {}
        for row in {id(row): row for _, row in parts}.values():
            mine = [k for k, (_, own) in enumerate(parts) if own is row]
            together = np.concatenate([parts[k][0].points for k in mine])
            seen = place(together[None], row[None], self._big)[0]
            edges = np.cumsum([len(parts[k][0].points) for k in mine])[:-1]
            found |= dict(zip(mine, np.split(seen, edges), strict=True))
        return [found[k] for k in range(len(parts))]

    # ------------------------------------------------------------ the camera

    def _finish(self, image: Pixels, number: int) -> Pixels:
        """The lens, the sensor, and the picture's own size."""
        camera, look = self.camera, self.look
        if self._finer > 1:
            image = np.asarray(
                cv2.resize(image, (camera.width, camera.height), interpolation=cv2.INTER_AREA), np.uint8
            )
        if look.blur:
            image = np.asarray(
                cv2.GaussianBlur(image, (0, 0), max(look.blur * camera.height / 360, 0.05)), np.uint8
            )
        if look.exposure == 1 and not look.noise:
            return image
        light = image.astype(np.float32) * np.float32(look.exposure)
        if self._noise:
            # One of a few patterns, moved: the sensor never repeats itself where anybody looks.
            pattern = self._noise[number % _NOISES]
            light += np.roll(pattern, (number * 37) % camera.height, axis=0)
        return np.asarray(np.clip(light + np.float32(0.5), 0, 255), np.uint8)


def _part(
    surface: Surface, texture: Pixels, shine: float = 0.0, lit: float = 1.0, behind: float = 0.0
) -> Part:
    points, triangles, uv = surface
    return Part(points, triangles, uv, texture, shine, lit, behind)
