"""Lips against speech by all that Genlock has learnt: the linear model and the towers, their curves added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from genlock.core.time import Exact
from genlock.core.track import Track
from genlock.lipsync.estimators.linear import LinearModel, LinearSync, Shapes, View
from genlock.lipsync.estimators.tower import TowerModel, default_tower, picture_tower, sound_tower
from genlock.lipsync.evidence.base import FaceEvidence

__all__ = ["LipsSync"]


class LipsSync(LinearSync):
    """Estimator of the offset from speech and lips: the linear model and the towers.

    Parameters
    ----------
    model : the linear one that comes with Genlock if not given
    tower : the one that comes with Genlock if not given
    reach_seconds : the largest offset that is looked for, to either side; 0.1...10

    Examples
    --------
    >>> from genlock.lipsync.evidence.collect import gather
    >>> from genlock.testing import example_video
    >>> (piece,) = gather(example_video(), faces=None)
    >>> LipsSync().cues(piece)[0].reason
    'no face is seen'
    """

    def __init__(
        self,
        model: LinearModel | None = None,
        tower: TowerModel | None = None,
        reach_seconds: Exact = Fraction(6, 5),
    ) -> None:
        super().__init__(model, reach_seconds)
        self.tower = default_tower() if tower is None else tower

    @property
    def calibration(self) -> Mapping[str, float]:
        """What is known about the errors of both together."""
        return self.tower.calibration

    def _heard(self, mel: Track) -> tuple[Track, ...]:
        return (*super()._heard(mel), sound_tower(mel, self.tower))

    def _compared(self, heard: Sequence[Track], face: FaceEvidence, seen: Shapes) -> list[View]:
        share = self.tower.share
        rest = [
            replace(view, share=view.share * (1 - share)) for view in super()._compared(heard, face, seen)
        ]
        said = picture_tower(face, self.tower, seen)
        return [*rest, View(heard[-1], said, self.tower.arrays["weights"], share)]
