"""What every feature is: something of sound, of the picture or of faces, as a Track with its exact cells and support.

A feature of sound is a :class:`~genlock.extractors.sound.base.AudioExtractor`; a :class:`PictureFeature` is fed frames
of one form, a :class:`FaceFeature` each face of each frame; a :class:`~genlock.extractors.both.base.BothFeature` is
made of the Tracks of others. All register by an entry point of the group ``genlock.features`` and are asked for in one
grammar, :mod:`genlock.extractors.spec`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.grid import Cells, Grid
from genlock.core.track import How, Support, Track
from genlock.extractors.frame_cells import FrameCells, between_frames
from genlock.extractors.spec import FeatureSpec
from genlock.media import VideoCell, VideoForm

if TYPE_CHECKING:
    from genlock.extractors.face.tracking import Sighting

__all__ = ["FaceFeature", "Feature", "FrameFeature", "PictureFeature", "PictureStream", "Pixels", "Row"]

Pixels: TypeAlias = npt.NDArray[np.uint8]
#: The value of one frame, [...]; None where there is none.
Row: TypeAlias = npt.NDArray[Any] | None


class Feature(ABC):
    """One kind of feature. What it takes is said by its subclass; what it gives is a Track on one media clock."""

    takes: ClassVar[Literal["sound", "picture", "faces", "both"]]
    """What it is made of; ``both``: of the Tracks of other features."""
    name: str
    """What its Tracks are called: the spec that it was asked for by, such as ``mel:kaldi``."""
    support: Support = Fraction(0)
    """Seconds around ``center(k)`` that value k depends on, in all, or ``"whole"``."""
    unit: str = ""
    """The unit of the values."""
    context: str = "whole"
    """How the signal is cut for the computation, and by which model; ``"whole"``: as if it came at once."""
    rate: Fraction | None = None
    """Values per second that its Tracks are put on; None: those of the feature itself."""
    presets: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """Names of variants and the option object of each; the first one is the default. May be empty."""
    to_rate: How = "mean"
    """How values pass to a rate of one's own."""
    made_with: str = ""
    """The model that it was made with, in words with its hash; empty without one."""

    @property
    def needs(self) -> frozenset[str]:
        """Which of ``sound``, ``picture`` and ``faces`` a file must have for it."""
        return frozenset({self.takes})

    @classmethod
    def of_spec(cls, spec: FeatureSpec) -> Self:
        """The feature that a spec means: by default a preset, on a rate of one's own where the spec names one.

        Raises OptionError if the spec says what this feature does not take.
        """
        cls.check(spec)
        options = cls.preset(spec)
        feature = cls() if options is None else cls(options)  # type: ignore[call-arg]
        return feature._at(spec)

    @classmethod
    def check(cls, spec: FeatureSpec) -> None:
        """Raise OptionError if a spec cannot be meant; nothing is loaded for it."""
        spec.require_only("variant", "rate")
        cls.preset(spec)

    @classmethod
    def weights_of(cls, spec: FeatureSpec) -> str | None:
        """The file, folder or model that a spec names, on whose content its values depend; None without one."""
        return None

    @classmethod
    def preset(cls, spec: FeatureSpec) -> Any:
        """The options of the preset that a spec names, or of the default one; None without presets."""
        if not spec.variant:
            return next(iter(cls.presets.values()), None)
        if spec.variant not in cls.presets:
            known = ", ".join(f"{spec.name}:{key}" for key in cls.presets)
            known = known or f"only {spec.name!r}, without presets"
            raise OptionError(f"the feature {spec.name!r} has no preset {spec.variant!r}; there are: {known}")
        return cls.presets[spec.variant]

    def at(self, rate: Fraction, how: How | None = None) -> None:
        """Put the values on so many a second, unless the spec named a rate; ``how`` is for those of sound."""
        if self.rate is None:
            self.rate = rate
            self.to_rate = how if how is not None and self.takes == "sound" else self.to_rate

    def placed(self, track: Track, start: Fraction, length: int | None = None) -> Track:
        """The Track on the rate that was asked for, its cells counted from ``start``; unchanged where none was.

        Whole numbers (pictures) are those of the nearest cell, sound is the mean of what a cell spans, what is seen on
        frames is sampled at a cell's middle.
        """
        if self.rate is None:
            return track
        how: How = "nearest" if track.values.dtype.kind in "biu" else self.to_rate
        return track.on(Grid(self.rate, start, track.clock), how, length=length)

    def _at(self, spec: FeatureSpec) -> Self:
        if spec.rate is not None:
            self.rate, self.name = spec.rate, f"{self.name}{FeatureSpec('', rate=spec.rate).text}"
        return self


class FrameFeature(Feature):
    """A feature with one value a frame, or one between each two frames."""

    to_rate = "sample"
    facts: Mapping[str, Any] = MappingProxyType({})
    """What else the index of a dataset says of it."""
    between: bool = False
    """Whether value k lies between frame k - 1 and frame k: what compares two frames does."""
    rest: int = 0
    """What stands where there is no value."""
    value_shape: tuple[int, ...] | None = None
    """Shape of one value, where it is known beforehand."""
    dtype: Any = np.float32
    """Type of the values."""

    def track(self, rows: Sequence[Row], cells: Cells) -> Track:
        """The one assembly of frames into a Track: value k is row k, and invalid where there is none.

        Parameters
        ----------
        rows : one for each frame; None where nothing was seen
        cells : the cells of these frames
        """
        shape = next((row.shape for row in rows if row is not None), self.value_shape or ())
        values = np.full((len(rows), *shape), self.rest, self.dtype)
        valid = np.array([row is not None for row in rows], bool)
        if valid.any():
            values[valid] = np.stack([row for row in rows if row is not None])
        return Track(
            values,
            between_frames(cells) if self.between else cells,
            valid,
            name=self.name,
            unit=self.unit,
            support=self.support,
            context=self.context,
        )


class PictureFeature(FrameFeature):
    """A feature of whole frames.

    A subclass says ``name``, ``form``, and gives :meth:`kernel`.
    """

    takes = "picture"
    form: VideoForm
    """The frames that it takes: size, pixels, rate."""
    batch: int = 1
    """How many frames the kernel is given at once, except at the end."""

    @classmethod
    def of_spec(cls, spec: FeatureSpec) -> Self:
        """The feature; by default it is made without arguments and has no variants."""
        cls.check(spec)
        return cls()

    @classmethod
    def check(cls, spec: FeatureSpec) -> None:
        """Raise OptionError for what it does not understand; by default for all but its name."""
        spec.require_only()

    def at(self, rate: Fraction, how: How | None = None) -> None:
        """Take frames at this rate, unless the spec named one."""
        if self.form.rate is None:
            self.form = replace(self.form, rate=rate)

    @abstractmethod
    def kernel(self) -> Callable[[list[Pixels]], Sequence[Row]]:
        """A fresh function from consecutive frames to as many rows; it may keep state."""

    def whole(self, rows: Sequence[Row]) -> Sequence[Row]:
        """What is done once to all rows of a clip; by default nothing."""
        return rows

    def open(self) -> PictureStream:
        """Begin a film."""
        return PictureStream(self)


class PictureStream:
    """Feeds one picture feature; each :meth:`take` gives the frames that came since the one before."""

    def __init__(self, feature: PictureFeature) -> None:
        self._feature, self._kernel = feature, feature.kernel()
        self._cells = FrameCells(feature.form.rate)
        self._waiting: list[Pixels] = []
        self._rows: list[Row] = []
        self._lost: list[int] = []

    def push(self, cell: VideoCell) -> None:
        """Take the next frame, in the feature's form. Its row is invalid if the frame stands in for a lost one."""
        if cell.lost:
            self._lost.append(len(self._cells))
        self._cells.add(cell)
        self._waiting.append(cell.pixels)
        if len(self._waiting) == self._feature.batch:
            self._run()

    def take(self, cells: Cells | None = None) -> Track | None:
        """The Track of the frames since the last take; None if there were none. State between frames stays.

        Parameters
        ----------
        cells : of all frames of the film, where they are known; else the Track lies on ticks of what was seen
        """
        if self._waiting:
            self._run()
        seen, rows = self._cells, list(self._feature.whole(self._rows))
        for k in self._lost:
            rows[k] = None
        self._cells, self._rows, self._lost = FrameCells(self._feature.form.rate), [], []
        if not rows or (self._feature.value_shape is None and all(row is None for row in rows)):
            return None
        return self._feature.track(rows, seen.get(cells))

    def _run(self) -> None:
        self._rows.extend(self._kernel(self._waiting))
        self._waiting = []


class FaceFeature(FrameFeature):
    """A feature of each face that is seen; the face nets run once a frame, whatever is asked of the faces."""

    takes = "faces"
    value_shape: tuple[int, ...] = ()

    @abstractmethod
    def open(self) -> Callable[[Sighting], Row]:
        """A fresh function from one face of one frame to its row; it may keep state for each face."""
