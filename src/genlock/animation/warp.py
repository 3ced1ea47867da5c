"""A person's own picture that talks: warped along its mesh, with an inner mouth painted where there was none."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.animation.brush import Brush, Points, curve
from genlock.animation.faces.base import FaceFrame
from genlock.animation.identity import Footage
from genlock.animation.mesh import OVAL, mesh_triangles, trace_triangles
from genlock.drawing.opencv import cv2
from genlock.extractors.face.pose import LIPS, RIGID, HeadPose, head_pose

__all__ = ["WarpedFace"]

Pixels: TypeAlias = npt.NDArray[np.uint8]
Floats: TypeAlias = npt.NDArray[np.float32]

# Rings around the face: how far out, and how much of what the face does they still do.
_RINGS = ((1.16, 0.62), (1.4, 0.22), (1.8, 0.0))
_UPPER_LIDS = ((161, 160, 159, 158, 157), (388, 387, 386, 385, 384))
_LOWER_LIDS = ((163, 144, 145, 153, 154), (390, 373, 374, 380, 381))
_LID_CORNERS = ((246, 173, 7, 155), (466, 398, 249, 382))
# A photograph bears less than a drawing.
_HEAD_SHARE = 0.45
_LEAST_OPENING = 0.012
_INNER_UPPER, _INNER_LOWER = list(LIPS[21:30]), list(LIPS[:30:-1])


class WarpedFace:
    """Draws a person from frames of one's own.

    Parameters
    ----------
    footage : the frames, each with its mesh
    """

    title: ClassVar[str] = "the person of a picture or a film"

    def __init__(self, footage: Footage) -> None:
        self.size = footage.size
        self._footage = footage
        self._resting = footage.resting.astype(np.float64)
        self._triangles = mesh_triangles(self._with_rings(self._resting[:, :2]), holes=())
        width, height = footage.size
        self._grid = [axis.astype(np.float32) for axis in np.meshgrid(np.arange(width), np.arange(height))]
        self._kept: tuple[int, Pixels] | None = None

    def draw(self, frame: FaceFrame, k: int = 0) -> Pixels:
        """One frame over frame k of the footage, RGB uint8 [H, W, 3]."""
        image = self._picture(k)
        mesh = self._footage.meshes[k].astype(np.float64)
        pose = head_pose(mesh[list(RIGID)])
        seen = pose.to_head(mesh)
        wanted = self._wanted(seen, mesh[:, 2] / float(pose.scale), frame)
        source = pose.to_image(self._with_rings(seen))
        target = pose.to_image(self._moved_rings(seen, wanted))
        made = self._warped(image, source, target)
        self._paint_mouth(made, image, wanted, pose)
        return made

    def mesh(self, frame: FaceFrame, k: int = 0) -> Points:
        """Where the mesh lies in what :meth:`draw` draws, [468, 3], in pixels."""
        found = self._footage.meshes[k].astype(np.float64)
        pose = head_pose(found[list(RIGID)])
        wanted = self._wanted(pose.to_head(found), found[:, 2] / float(pose.scale), frame)
        found[:, :2] = pose.to_image(wanted)
        return np.asarray(found)

    def _picture(self, k: int) -> Pixels:
        if self._kept is None or self._kept[0] != k:
            self._kept = (k, self._footage.picture(k))
        return self._kept[1]

    def _wanted(self, seen: Points, depth: Points, frame: FaceFrame) -> Points:
        """Where the mesh shall lie, upright, [468, 2]: the lower face as the motion says, the rest as it was."""
        moved = (frame.points[:, :2] - frame.neutral[:, :2]).astype(np.float64)
        y = self._resting[:, 1]
        share = np.clip((y - 0.28) / 0.3, 0, 1)[:, None]
        share = share * share * (3 - 2 * share)
        wanted = seen + share * (self._resting[:, :2] + moved - seen)
        upper, lower = wanted[_INNER_UPPER], wanted[_INNER_LOWER]
        crossed = np.maximum(upper[:, 1] - lower[:, 1], 0)
        wanted[_INNER_UPPER, 1] -= 0.5 * crossed
        wanted[_INNER_LOWER, 1] += 0.5 * crossed
        for upper_lid, lower_lid in zip(_UPPER_LIDS, _LOWER_LIDS, strict=True):
            way = wanted[list(lower_lid)] - wanted[list(upper_lid)]
            wanted[list(upper_lid)] += 0.92 * frame.blink * way
        return self._turned(wanted, depth, frame)

    def _turned(self, places: Points, depth: Points, frame: FaceFrame) -> Points:
        """The head turned a little, as far as a flat picture bears it: near points go further than far ones."""
        if len(self._footage) > 1:
            return places  # whoever is filmed moves by himself
        yaw, pitch, roll = _HEAD_SHARE * frame.turn
        near = (depth.max() - depth)[:, None]
        shift = near * np.array([0.4 * yaw, 0.4 * pitch])
        pivot = np.array([0.0, 1.5])
        c, s = np.cos(roll), np.sin(roll)
        return np.asarray((places - pivot) @ np.array([[c, s], [-s, c]]) + pivot + shift)

    def _with_rings(self, mesh: Points) -> Points:
        oval = mesh[list(OVAL)]
        middle = oval.mean(axis=0)
        return np.concatenate([mesh, *(middle + (oval - middle) * wide for wide, _ in _RINGS)])

    def _moved_rings(self, seen: Points, wanted: Points) -> Points:
        whole = self._with_rings(seen)
        whole[:468] = wanted
        moved = (wanted - seen)[list(OVAL)]
        count = len(OVAL)
        for number, (_, share) in enumerate(_RINGS):
            first = 468 + number * count
            whole[first : first + count] += share * moved
        return whole

    def _warped(self, image: Pixels, source: Points, target: Points) -> Pixels:
        height, width = image.shape[:2]
        low = np.clip(np.floor(np.minimum(source, target).min(axis=0)).astype(int) - 1, 0, [width, height])
        high = np.clip(np.ceil(np.maximum(source, target).max(axis=0)).astype(int) + 2, 0, [width, height])
        (x0, y0), (x1, y1) = low.tolist(), high.tolist()
        made = image.copy()
        if x1 <= x0 or y1 <= y0:
            return made
        map_x, map_y = (axis[y0:y1, x0:x1].copy() for axis in self._grid)
        # Pixels are numbered by their middles here.
        trace_triangles(map_x, map_y, target - 0.5 - low, source - 0.5, self._triangles)
        cv2.remap(
            image, map_x, map_y, cv2.INTER_LINEAR, dst=made[y0:y1, x0:x1], borderMode=cv2.BORDER_REPLICATE
        )
        return made

    def _paint_mouth(self, made: Pixels, image: Pixels, wanted: Points, pose: HeadPose) -> None:
        inner = wanted[list(LIPS[20:])]
        opening = float((wanted[_INNER_LOWER, 1] - wanted[_INNER_UPPER, 1]).max())
        if opening < _LEAST_OPENING:
            return
        scale = float(pose.scale)
        rim = np.concatenate(
            [
                curve(inner[:11], closed=False, steps=4)[:-1],
                curve(np.concatenate([inner[10:], inner[:1]]), closed=False, steps=4)[:-1],
            ]
        )
        outline = pose.to_image(rim)
        low = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 4, 0)
        high = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 5, made.shape[1::-1])
        if (high - low < 3).any():
            return
        (x0, y0), (x1, y1) = low.tolist(), high.tolist()
        lips = self._colour(image, self._footage.meshes[0][list(LIPS[:20]), :2])
        painted = self._inside((y1 - y0, x1 - x0), low, inner, pose, lips)
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillPoly(mask, [np.rint((outline - low - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        soft = max(0.6, 0.006 * scale)
        share = cv2.GaussianBlur(mask, (0, 0), soft).astype(np.float32)[..., None] / 255
        under = made[y0:y1, x0:x1]
        under[:] = (under + share * (painted - under) + 0.5).astype(np.uint8)

    def _inside(
        self, shape: tuple[int, int], low: npt.NDArray[np.int64], inner: Points, pose: HeadPose, lips: Floats
    ) -> Floats:
        """Dark, tongue and teeth, lit as the lips are, float32 [h, w, 3]."""
        light = float(np.clip(lips.mean() / 120, 0.35, 1.15))
        dark = np.clip(lips * np.array([0.26, 0.16, 0.17], np.float32), 6, 80)
        page = np.empty((*shape, 3), np.uint8)
        page[:] = dark.astype(np.uint8)
        brush = Brush(
            page, float(pose.scale), _offset(pose, low), (0.0, 0.0, 0.0), (0.0, 0.0, float(pose.rotation))
        )
        left, right = inner[0], inner[10]
        middle, half = 0.5 * (left + right), 0.5 * float(right[0] - left[0])
        floor, rest = float(inner[:, 1].max()), float(self._resting[list(LIPS[20:]), 1].mean())
        tongue = _shade((168, 74, 76), light)
        brush.fill(_arch(middle[0], 0.6 * half, floor + 0.3, floor - 0.035, -0.05), tongue)
        teeth = _shade((226, 216, 200), light)
        lower = max(rest + 0.07, floor - 0.03)
        brush.fill(_arch(middle[0], 0.52 * half, lower + 0.3, lower, -0.02), _shade((150, 138, 126), light))
        # The upper teeth hang from the skull: they do not move with the lip that bares them.
        edge = rest + 0.022
        brush.fill(_arch(middle[0], 0.8 * half, rest - 0.4, edge, 0.035), teeth)
        for k in (-2, -1, 0, 1, 2):
            x = middle[0] + 0.068 * k
            brush.line([(x, rest - 0.1), (x, edge - 0.004)], _shade((196, 184, 168), light), 0.008)
        blurred = cv2.GaussianBlur(page, (0, 0), max(0.5, 0.008 * float(pose.scale))).astype(np.float32)
        return _darkened(blurred, inner, pose, low)

    @staticmethod
    def _colour(image: Pixels, places: npt.NDArray[np.float32]) -> Floats:
        """Mean colour of the image around some pixels."""
        x = np.clip(places[:, 0].astype(int), 0, image.shape[1] - 1)
        y = np.clip(places[:, 1].astype(int), 0, image.shape[0] - 1)
        return np.asarray(image[y, x].mean(axis=0), np.float32)


def _offset(pose: HeadPose, low: npt.NDArray[np.int64]) -> tuple[float, float]:
    return float(pose.origin.real) - float(low[0]), float(pose.origin.imag) - float(low[1])


def _arch(middle: float, half: float, back: float, edge: float, bend: float) -> Points:
    """A row that bends away to the sides, from far behind to its edge."""
    across = np.linspace(-1, 1, 15)
    rim = np.column_stack([middle + half * across, edge - bend * across**2])
    return np.concatenate([rim, [(middle + half, back), (middle - half, back)]])


def _shade(colour: tuple[int, int, int], light: float) -> tuple[int, int, int]:
    red, green, blue = (min(255, round(part * light)) for part in colour)
    return red, green, blue


def _darkened(page: Floats, inner: Points, pose: HeadPose, low: npt.NDArray[np.int64]) -> Floats:
    """Less light the nearer to the corners, and under the upper lip."""
    y, x = np.mgrid[: page.shape[0], : page.shape[1]].astype(np.float32)
    places = pose.to_head(np.stack([x + 0.5 + low[0], y + 0.5 + low[1]], axis=-1).reshape(-1, 2)).reshape(
        *x.shape, 2
    )
    middle = 0.5 * (inner[0] + inner[10])
    half = max(0.5 * float(inner[10, 0] - inner[0, 0]), 1e-6)
    aside = np.clip(np.abs(places[..., 0] - middle[0]) / half, 0, 1)
    top = np.interp(places[..., 0], inner[:11, 0], inner[:11, 1])
    under = np.clip((places[..., 1] - top) / 0.06, 0, 1)
    light = (1 - 0.75 * aside**3) * (0.45 + 0.55 * under)
    return np.asarray(page * light[..., None], np.float32)
