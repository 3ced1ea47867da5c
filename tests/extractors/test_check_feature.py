"""The checker passes what is right and catches what is deliberately wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from genlock.core import Grid, Track
from genlock.core.grid import Cells
from genlock.extractors import BothFeature, Energy, FaceFeature, Mel, Mfcc, make_extractor
from genlock.extractors.base import Row
from genlock.extractors.face.tracking import Sighting
from genlock.extractors.sound.base import FramedStream
from genlock.testing import check_feature

BUILT_IN = [
    "mel",
    "mel:kaldi",
    "mel:whisper",
    "mel:whisper-local",
    "mel:specvqgan",
    "mfcc",
    "mfcc:psf",
    "mfcc:kaldi39",
    "mfcc:psf39",
    "mfcc:hubert",
    "logfbank",
    "logfbank:avhubert",
    "energy",
    "energy:rms",
    "onset",
    "flow/64x48",
    "frames@25/32",
    "frames",
    "mouth",
    "mouth/48",
    "mouth:aperture",
    "mouth:motion",
    "mouth:shape",
    "landmarks:68",
    "landmarks:lips",
]


@pytest.mark.parametrize("spec", BUILT_IN)
def test_ours_are_right(spec: str) -> None:
    check_feature(make_extractor(spec))


class Shifted(Mel):
    """Its grid is off by a share of a cell."""

    def __init__(self, cells: Fraction) -> None:
        super().__init__(Mel.presets["kaldi"])
        self.cells = cells

    def grid(self, origin=0, clock="media"):  # type: ignore[no-untyped-def]
        grid = super().grid(origin, clock)
        return grid.shifted(self.cells / grid.rate)


@pytest.mark.parametrize(
    "cells", [Fraction(1, 2), Fraction(-1, 2), Fraction(1), Fraction(1, 4), Fraction(-1, 10)]
)
def test_a_grid_that_is_off(cells: Fraction) -> None:
    with pytest.raises(AssertionError, match="grid's start"):
        check_feature(Shifted(cells))


class HopInSeconds(Mfcc):
    """10 ms at 22,050 Hz is not a whole number of samples."""

    def grid(self, origin=0, clock="media"):  # type: ignore[no-untyped-def]
        return Grid(100, super().grid(origin, clock).start, clock)

    sample_rate = 22050


def test_a_hop_that_drifts() -> None:
    extractor = HopInSeconds()
    extractor.sample_rate = 22050
    with pytest.raises(AssertionError, match=r"hop of 220\.5000 samples"):
        check_feature(extractor)


class WrongHop(Energy):
    """Says 200 samples, takes 160."""

    def grid(self, origin=0, clock="media"):  # type: ignore[no-untyped-def]
        return Grid(80, super().grid(origin, clock).start, clock)


def test_a_hop_that_is_another() -> None:
    with pytest.raises(AssertionError):
        check_feature(WrongHop())


class OneShort(Energy):
    """Keeps the last value to itself."""

    def __call__(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        track = super().__call__(*args, **kwargs)
        return track.part(range(max(0, len(track) - 1)))


def test_a_count_that_is_not_made() -> None:
    with pytest.raises(AssertionError, match=r"count\(\) says"):
        check_feature(OneShort())


def test_a_support_that_is_too_small() -> None:
    slopes = make_extractor("mfcc:kaldi39")
    slopes.support = Fraction(400, 16000)
    with pytest.raises(AssertionError, match="support is declared as 0.025"):
        check_feature(slopes)


class Forgetful(Energy):
    """Loses the first sample of every piece but the first."""

    def open(self, origin=0, clock="media"):  # type: ignore[no-untyped-def]
        stream = super().open(origin, clock)
        push, first = stream.push, [True]

        def lossy(samples):  # type: ignore[no-untyped-def]
            push(samples if first else samples[1:])
            first.clear()

        stream.push = lossy
        return stream


def test_a_stream_that_loses_samples() -> None:
    with pytest.raises(AssertionError, match="the values differ from one push"):
        check_feature(Forgetful())


class Normalised(Energy):
    """Divides by the loudest value of all and calls itself local."""

    def whole(self, values: np.ndarray) -> np.ndarray:
        return values / max(1e-30, np.abs(values).max()) if values.size else values


def test_a_hidden_look_at_the_whole() -> None:
    extractor = Normalised(Energy.presets["rms"])
    with pytest.raises(AssertionError, match="of the scale|of their scale"):
        check_feature(extractor)


class NotANumber(Energy):
    """The logarithm of silence."""

    def kernel(self):  # type: ignore[no-untyped-def]
        def energies(frames: np.ndarray) -> np.ndarray:
            with np.errstate(divide="ignore"):
                return np.log((frames**2).sum(axis=1) * 0)

        return energies


def test_a_value_that_is_not_a_number() -> None:
    with pytest.raises(AssertionError, match="not finite"):
        check_feature(NotANumber())


class OriginLost(Mfcc):
    """Begins every sound at zero."""

    def open(self, origin=0, clock="media") -> FramedStream:  # type: ignore[no-untyped-def]
        return super().open(0, clock)


def test_an_origin_that_is_ignored() -> None:
    with pytest.raises(AssertionError, match="the Track lies on"):
        check_feature(OriginLost())


class Opening(FaceFeature):
    """A feature of faces as it should be."""

    name = "opening"

    def open(self) -> Callable[[Sighting], Row]:
        return lambda face: np.float32(np.ptp(face.lips[:, 1]))


class FrameLate(Opening):
    """It tells of each frame what it saw in the one before."""

    def open(self) -> Callable[[Sighting], Row]:
        before: dict[int, Row] = {}

        def take(face: Sighting) -> Row:
            now = np.float32(np.ptp(face.lips[:, 1]))
            found, before[face.face] = before.get(face.face, now), now
            return found

        return take


class OneStateForAll(Opening):
    """It smooths over all faces as if they were one."""

    def open(self) -> Callable[[Sighting], Row]:
        state = [np.float32(0)]

        def take(face: Sighting) -> Row:
            state[0] = np.float32(0.5) * state[0] + np.float32(np.ptp(face.lips[:, 1]))
            return state[0]

        return take


class SeesNobody(Opening):
    """It has no value for a face that is small."""

    def open(self) -> Callable[[Sighting], Row]:
        return lambda face: None


class CountsFrames(Opening):
    """It knows the number of the frame."""

    def open(self) -> Callable[[Sighting], Row]:
        return lambda face: np.float32(face.frame + face.lips[0, 0])


class ElsewhereAltogether(Opening):
    """Its Track lies on cells of its own."""

    def track(self, rows: Sequence[Row], cells: Cells) -> Track:
        return super().track(rows, cells.shifted("1/50"))


def test_features_of_faces() -> None:
    check_feature(Opening())
    for wrong, said in (
        (FrameLate(), "shows most in row 9"),
        (OneStateForAll(), "keep a state for each"),
        (SeesNobody(), "is invalid, and the face is seen"),
        (CountsFrames(), "one frame later"),
        (ElsewhereAltogether(), "the Track lies on"),
    ):
        with pytest.raises(AssertionError, match=said):
            check_feature(wrong)


class Louder(BothFeature):
    """Loudness where a mouth is open."""

    name = "louder"
    parts = ("energy", "mouth:aperture")

    def join(self, tracks: Mapping[str, Track]) -> Track:
        mouth = tracks["mouth:aperture"]
        loud = tracks["energy"].on(mouth.grid, "mean", length=len(mouth))
        return replace(mouth, values=loud.values * mouth.values, valid=loud.valid & mouth.valid)


class AlwaysSure(Louder):
    """Says something even where nothing is known."""

    def join(self, tracks: Mapping[str, Track]) -> Track:
        found = super().join(tracks)
        return replace(found, valid=np.ones(len(found), bool))


class FromZero(Louder):
    """Forgets where the clock stands."""

    def join(self, tracks: Mapping[str, Track]) -> Track:
        found = super().join(tracks)
        return replace(found, grid=Grid(25, 0, found.clock))


def test_features_of_sound_and_picture_together() -> None:
    check_feature(Louder())
    for wrong, said in ((AlwaysSure(), "no value of its parts is"), (FromZero(), "move it otherwise")):
        with pytest.raises(AssertionError, match=said):
            check_feature(wrong)
