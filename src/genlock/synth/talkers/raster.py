"""Draws lit, textured triangles into a picture with a depth buffer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from genlock.core.compiled import compiled

__all__ = ["Light", "Part", "Pixels", "draw_part", "normals_of"]

Array = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Light:
    """What lights a scene, the same from everywhere."""

    direction: tuple[float, float, float] = (-0.45, -0.6, -0.66)
    """Where the key light comes from: x to the right, y down, z away from the camera; of length 1."""
    key: tuple[float, float, float] = (0.74, 0.72, 0.68)
    """Its colour and strength."""
    fill: tuple[float, float, float] = (0.42, 0.43, 0.46)
    """The light from all sides."""
    rim: float = 0.12
    """How much brighter edges are that turn away from the camera."""


@dataclass(frozen=True, eq=False)
class Part:
    """Something that is drawn: a mesh with a texture."""

    points: Array
    """In eye distances of the upright head, [P, 3]."""
    triangles: npt.NDArray[np.int32]
    """Corners, [T, 3]."""
    uv: npt.NDArray[np.float32]
    """Place of each point in the texture, 0...1, [P, 2]."""
    texture: Pixels
    """RGB, [H, W, 3]."""
    shine: float = 0.0
    """How much it reflects the light like something wet, 0...1."""
    lit: float = 1.0
    """How much light matters to it, 0 (its own colour) ... 1."""
    behind: float = 0.0
    """How much further away it counts as being, in eye distances."""


def normals_of(points: Array, triangles: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    """The direction that the surface faces at each point, float32 [P, 3], of any length.

    >>> flat = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    >>> normals_of(flat, np.array([[0, 1, 2]], np.int32))[0].tolist()
    [0.0, 0.0, 1.0]
    """
    out = np.zeros(points.shape, np.float32)
    _add_normals(np.ascontiguousarray(points, np.float32), triangles, out)
    return out


@compiled
def _add_normals(points, triangles, out):  # type: ignore[no-untyped-def]
    for t in range(len(triangles)):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, az = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1], points[j, 2] - points[i, 2]
        bx, by, bz = points[k, 0] - points[i, 0], points[k, 1] - points[i, 1], points[k, 2] - points[i, 2]
        x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for corner in (i, j, k):
            out[corner, 0] += x
            out[corner, 1] += y
            out[corner, 2] += z


def draw_part(
    image: Pixels, depth: npt.NDArray[np.float32], part: Part, seen: Array, unit: float, light: Light
) -> None:
    """Draw a part, in place.

    Parameters
    ----------
    image : RGB, [H, W, 3]
    depth : of what is there already, [H, W]; greater is further away
    part : what is drawn
    seen : its points as the camera sees them, [P, 3], in pixels of the image
    unit : pixels in an eye distance, for what lies behind
    light : Light
    """
    flat = np.ascontiguousarray(seen, np.float32)
    flat[:, 2] += np.float32(part.behind * unit)
    _fill(
        image,
        depth,
        flat,
        normals_of(seen, part.triangles),
        part.triangles,
        part.uv,
        part.texture,
        np.array(light.direction, np.float32),
        np.array(light.key, np.float32) * np.float32(part.lit),
        np.array(light.fill, np.float32) * np.float32(part.lit) + np.float32(1 - part.lit),
        np.float32(light.rim * part.lit),
        np.float32(part.shine),
    )


@compiled(fastmath=True)
def _fill(  # type: ignore[no-untyped-def]
    image, depth, points, normals, triangles, uv, texture, direction, key, fill, rim, shine
):
    height, width = depth.shape
    one, zero, tiny = np.float32(1.0), np.float32(0.0), np.float32(1e-9)
    tall, wide = np.float32(texture.shape[0] - 1), np.float32(texture.shape[1] - 1)
    # Halfway between the light and the camera, which looks along z.
    hx, hy, hz = direction[0], direction[1], direction[2] - one
    norm = np.sqrt(hx * hx + hy * hy + hz * hz)
    hx, hy, hz = hx / norm, hy / norm, hz / norm
    for t in range(len(triangles)):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0 = points[i, 0], points[i, 1]
        x1, y1 = points[j, 0], points[j, 1]
        x2, y2 = points[k, 0], points[k, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < tiny:
            continue
        top = max(int(np.ceil(min(y0, y1, y2) - 0.5)), 0)
        bottom = min(int(np.floor(max(y0, y1, y2) - 0.5)), height - 1)
        left = max(int(np.ceil(min(x0, x1, x2) - 0.5)), 0)
        right = min(int(np.floor(max(x0, x1, x2) - 0.5)), width - 1)
        # Shares of the corners grow evenly from pixel to pixel.
        b_step, c_step = (y2 - y0) / area, -(y1 - y0) / area
        for row in range(top, bottom + 1):
            py = np.float32(row) + np.float32(0.5)
            px = np.float32(left) + np.float32(0.5)
            b = ((px - x0) * (y2 - y0) - (x2 - x0) * (py - y0)) / area - b_step
            c = ((x1 - x0) * (py - y0) - (px - x0) * (y1 - y0)) / area - c_step
            for column in range(left, right + 1):
                b += b_step
                c += c_step
                a = one - b - c
                if a < np.float32(-1e-4) or b < np.float32(-1e-4) or c < np.float32(-1e-4):
                    continue
                z = a * points[i, 2] + b * points[j, 2] + c * points[k, 2]
                if z >= depth[row, column]:
                    continue
                depth[row, column] = z
                nx = a * normals[i, 0] + b * normals[j, 0] + c * normals[k, 0]
                ny = a * normals[i, 1] + b * normals[j, 1] + c * normals[k, 1]
                nz = a * normals[i, 2] + b * normals[j, 2] + c * normals[k, 2]
                scale = one / (np.sqrt(nx * nx + ny * ny + nz * nz) + tiny)
                # What is seen faces the camera, whichever way its corners go round.
                if nz > zero:
                    scale = -scale
                nx, ny, nz = nx * scale, ny * scale, nz * scale
                lambert = nx * direction[0] + ny * direction[1] + nz * direction[2]
                soft = max((lambert + np.float32(0.35)) * np.float32(1 / 1.35), zero)
                edge = rim * (one + nz) * (one + nz)
                gloss = zero
                if shine > zero:
                    gloss = max(nx * hx + ny * hy + nz * hz, zero)
                    gloss = gloss * gloss
                    gloss = gloss * gloss
                    gloss = gloss * gloss
                    gloss = gloss * gloss
                    gloss = np.float32(255) * shine * gloss * gloss
                u = min(
                    max((a * uv[i, 0] + b * uv[j, 0] + c * uv[k, 0]) * wide, zero), wide - np.float32(0.01)
                )
                v = min(
                    max((a * uv[i, 1] + b * uv[j, 1] + c * uv[k, 1]) * tall, zero), tall - np.float32(0.01)
                )
                iu, iv = int(u), int(v)
                fu, fv = u - np.float32(iu), v - np.float32(iv)
                w00, w01 = (one - fu) * (one - fv), fu * (one - fv)
                w10, w11 = (one - fu) * fv, fu * fv
                for channel in range(3):
                    base = (
                        np.float32(texture[iv, iu, channel]) * w00
                        + np.float32(texture[iv, iu + 1, channel]) * w01
                        + np.float32(texture[iv + 1, iu, channel]) * w10
                        + np.float32(texture[iv + 1, iu + 1, channel]) * w11
                    )
                    value = base * (fill[channel] + key[channel] * soft + edge) + gloss * key[channel]
                    image[row, column, channel] = np.uint8(min(max(value, zero), np.float32(255)))
