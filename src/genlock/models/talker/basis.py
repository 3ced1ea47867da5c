"""How a face is told in few numbers: a resting mesh, its principal movements, and movements that have names.

Points are those of the face mesh, upright: position, size and tilt of the head removed, in eye distances, x to the
right as seen, y down, z away from the camera (:mod:`genlock.extractors.face.pose`). A face of another shape has its own
resting mesh; the movements are added to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import FormatError, OptionError

__all__ = ["POINTS", "FaceBasis", "non_negative"]

Array: TypeAlias = npt.NDArray[np.float32]

#: Points of the mesh.
POINTS = 468
_SWEEPS = 60


@dataclass(frozen=True, eq=False)
class FaceBasis:
    """A resting face and what moves it.

    >>> basis = FaceBasis.planted(components=3)
    >>> weights = np.array([[1.0, -0.5, 2.0]], np.float32)
    >>> np.allclose(basis.weights(basis.points(weights)), weights, atol=1e-4)
    True

    Raises
    ------
    FormatError
        If shapes do not fit.
    """

    neutral: Array
    """The mean closed, resting face, [468, 3]."""
    components: Array
    """Displacement from rest at weight 1, [K, 468, 3]; weights have variance 1 over the training data."""
    point_weights: Array
    """How much each point counts where weights are solved for, [468]; at least 0."""
    errors: Mapping[str, float] = field(default_factory=dict)
    """Root mean square distance of held-out faces from what the components make of them, by part of the face."""
    shapes: Mapping[str, Array] = field(default_factory=dict)
    """Movements with names (those of ARKit), displacement at weight 1, [468, 3] each."""

    def __post_init__(self) -> None:
        wanted = {
            "neutral": (self.neutral, (POINTS, 3)),
            "components": (self.components, (len(self.components), POINTS, 3)),
            "point_weights": (self.point_weights, (POINTS,)),
        }
        wanted |= {f"the shape {name}": (shape, (POINTS, 3)) for name, shape in self.shapes.items()}
        for name, (array, shape) in wanted.items():
            if array.shape != shape:
                raise FormatError(f"{name} of a face basis has shape {array.shape}, not {shape}")

    @classmethod
    def planted(cls, components: int = 4, seed: int = 0) -> FaceBasis:
        """A basis of random movements, for tests and examples."""
        random = np.random.default_rng(seed)
        neutral = random.normal(0, 0.4, (POINTS, 3)).astype(np.float32)
        moves = random.normal(0, 0.02, (components, POINTS, 3)).astype(np.float32)
        shapes = {"jawOpen": moves[0].copy()}
        return cls(neutral, moves, np.ones(POINTS, np.float32), {}, shapes)

    @property
    def size(self) -> int:
        """Number of components."""
        return len(self.components)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the shapes, in their order."""
        return tuple(self.shapes)

    def points(self, weights: npt.ArrayLike, neutral: npt.ArrayLike | None = None) -> Array:
        """Weights [..., K] to points [..., 468, 3]; ``neutral`` [468, 3] is the resting mesh of another face."""
        found = np.asarray(weights, np.float32)
        if found.shape[-1] != self.size:
            raise OptionError(f"weights of shape {found.shape} do not fit {self.size} components")
        moved = found @ self.components.reshape(self.size, -1)
        return np.asarray(moved.reshape(*found.shape[:-1], POINTS, 3) + self._rest(neutral), np.float32)

    def weights(self, points: npt.ArrayLike, neutral: npt.ArrayLike | None = None) -> Array:
        """Points [..., 468, 2 or 3] to the weights [..., K] that come nearest; z is not looked at.

        A camera sees x and y well and only guesses z.
        """
        moved = _flat(np.asarray(points, np.float32)[..., :2] - self._rest(neutral)[:, :2])
        return np.asarray(moved @ self._solver, np.float32)

    def shape_weights(self, faces: npt.ArrayLike, neutral: npt.ArrayLike | None = None) -> Array:
        """How far each named shape is there, 0...1, float32 [..., S].

        ``faces`` are weights [..., K], or points [..., 468, 2 or 3] of a face that rests as ``neutral``.

        Raises OptionError if the basis has no named shapes.
        """
        if not self.shapes:
            raise OptionError("this face basis has no named shapes")
        given = np.asarray(faces, np.float32)
        if given.ndim >= 2 and given.shape[-2] == POINTS and given.shape[-1] in (2, 3):
            moved = given[..., :2] - self._rest(neutral)[:, :2]
        else:
            moved = self.points(given)[..., :2] - self.neutral[:, :2]
        flat = _flat(moved) * self._roots
        shapes = np.stack([_flat(shape[:, :2]) for shape in self.shapes.values()]) * self._roots
        rows = flat.reshape(-1, flat.shape[-1])
        return non_negative(rows, shapes, most=1.0).reshape(*flat.shape[:-1], len(self.shapes))

    def _rest(self, neutral: npt.ArrayLike | None) -> Array:
        if neutral is None:
            return self.neutral
        own = np.asarray(neutral, np.float32)
        if own.shape == (POINTS, 2):
            own = np.concatenate([own, self.neutral[:, 2:]], axis=1)
        if own.shape != (POINTS, 3):
            raise OptionError(f"a resting mesh has shape [{POINTS}, 3], not {list(own.shape)}")
        return own

    @cached_property
    def _roots(self) -> Array:
        """Square root of what each coordinate counts, [936]."""
        return np.repeat(np.sqrt(self.point_weights), 2).astype(np.float32)

    @cached_property
    def _solver(self) -> Array:
        """Takes displacements in the picture's plane, flat [936], to weights, [936, K]."""
        plane = _flat(self.components[..., :2]).astype(np.float64) * self._roots
        gram = plane @ plane.T
        gram += np.eye(len(gram)) * 1e-9 * np.trace(gram)
        return np.asarray((np.linalg.solve(gram, plane) * self._roots).T, np.float32)

    # ------------------------------------------------------------ as arrays

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All of it by name, for a file; :meth:`of_arrays` takes it back with :meth:`facts`."""
        found: dict[str, npt.NDArray[Any]] = {
            "basis_neutral": self.neutral,
            "basis_components": self.components,
            "basis_point_weights": self.point_weights,
        }
        if self.shapes:
            found["basis_shapes"] = np.stack(list(self.shapes.values()))
        return found

    def facts(self) -> dict[str, Any]:
        """Names of the shapes and errors, for the header of a file."""
        return {"shapes": list(self.shapes), "errors": dict(self.errors)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], facts: Mapping[str, Any]) -> FaceBasis:
        """What :meth:`arrays` and :meth:`facts` gave.

        Raises FormatError if they do not fit, KeyError if one is missing.
        """
        names = list(facts["shapes"])
        shapes = (
            np.asarray(arrays["basis_shapes"], np.float32) if names else np.zeros((0, POINTS, 3), np.float32)
        )
        if len(shapes) != len(names):
            raise FormatError(f"a face basis names {len(names)} shapes and holds {len(shapes)}")
        return cls(
            np.asarray(arrays["basis_neutral"], np.float32),
            np.asarray(arrays["basis_components"], np.float32),
            np.asarray(arrays["basis_point_weights"], np.float32),
            dict(facts["errors"]),
            dict(zip(names, shapes, strict=True)),
        )


def _flat(places: npt.NDArray[np.float32]) -> Array:
    return places.reshape(*places.shape[:-2], -1)


def non_negative(
    rows: npt.ArrayLike, shapes: npt.ArrayLike, most: float = np.inf, weight: float = 1e-4
) -> Array:
    """Weights in 0...``most`` whose sum of shapes comes nearest to each row (least squares), float32 [T, S].

    Parameters
    ----------
    rows : what is to be explained, [T, D]
    shapes : what it is made of, [S, D]
    most : greatest weight
    weight : of a ridge against shapes that can stand for each other, as a share of their mean power

    Notes
    -----
    Coordinate descent, all rows at once: each weight in turn takes its best value while the others stay, which
    converges for this convex problem.

    >>> shapes = np.array([[1.0, 0, 0], [0, 1, 0]])
    >>> non_negative([[0.5, -1, 0], [2, 0.25, 0]], shapes, most=1).tolist()
    [[0.5, 0.0], [1.0, 0.25]]
    """
    made, wanted = np.asarray(shapes, np.float64), np.asarray(rows, np.float64)
    gram, target = made @ made.T, wanted @ made.T
    power = max(float(np.trace(gram)) / max(len(gram), 1), 1e-12)
    gram = gram + np.eye(len(gram)) * weight * power if len(gram) > 1 and _overlap(gram) else gram
    found = np.zeros_like(target)
    for _ in range(_SWEEPS):
        before = found.copy()
        for k in range(len(gram)):
            rest = target[:, k] - found @ gram[:, k] + found[:, k] * gram[k, k]
            found[:, k] = np.clip(rest / max(gram[k, k], 1e-12), 0, most)
        if np.abs(found - before).max(initial=0) < 1e-6:
            break
    return found.astype(np.float32)


def _overlap(gram: npt.NDArray[np.float64]) -> bool:
    return bool(np.abs(gram - np.diag(np.diag(gram))).max() > 0)
