"""A talker in its least form, fitted in seconds by least squares to a voice and a face of our own: real code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Cells, Grid
from genlock.core.track import Track
from genlock.extractors.registry import make_extractor
from genlock.models.talker.basis import FaceBasis
from genlock.models.talker.inputs import Listening, hear
from genlock.models.talker.networks import NetworkShape, array_shapes, run_network
from genlock.models.talker.talker import Talker
from genlock.synth.talkers.face import points_of
from genlock.synth.talkers.motion import Motion
from genlock.synth.talkers.speakers import draw_speaker, resting_face
from genlock.synth.talkers.speaking import speak
from genlock.synth.talkers.voices import Spoken

SPEAKER = replace(draw_speaker(3))
NEUTRAL = np.asarray(resting_face(SPEAKER), np.float32)
LINES = (
    "Bob may be more than happy to pick a map of my home.",
    "We five saw a very warm fire on the farm by the water.",
    "Ask them for two big blue boxes, please, and pay them now.",
)
_COMPONENTS, _WIDTH = 6, 128


@dataclass(frozen=True)
class Clip:
    """One spoken line, and how its face truly moves."""

    spoken: Spoken
    motion: Motion

    def sound(self, rate: int = 16000) -> npt.NDArray[np.float32]:
        return np.asarray(self.spoken.sound.values, np.float32)

    def points(self, cells: Cells, count: int) -> Track:
        state = self.motion.at(cells.centers(count))
        return Track(np.asarray(points_of(state, SPEAKER), np.float32), cells, name="points")


@cache
def clip(line: int = 0) -> Clip:
    spoken = speak(LINES[line], "own")
    return Clip(spoken, Motion(spoken.phones, SPEAKER, closures=spoken.lips_shut, seed=1))


@cache
def face_basis() -> FaceBasis:
    """Principal movements of the lines' faces, and three shapes with names."""
    moved = np.concatenate([clip(k).points(Grid(50), 150).values - NEUTRAL for k in range(len(LINES))])
    flat = moved.reshape(len(moved), -1).astype(np.float64)
    _, size, axes = np.linalg.svd(flat, full_matrices=False)
    spread = size[:_COMPONENTS] / np.sqrt(len(flat))
    components = (axes[:_COMPONENTS] * spread[:, None]).reshape(-1, 468, 3).astype(np.float32)
    jaw = components[0] * np.sign(components[0, 14, 1])
    narrow = components[1] * -np.sign(components[1, 291, 0])
    shapes = {"jawOpen": 3 * jaw, "mouthPucker": 2 * narrow, "mouthSmileLeft": -2 * narrow}
    return FaceBasis(
        NEUTRAL,
        components,
        np.ones(468, np.float32),
        {},
        {k: s.astype(np.float32) for k, s in shapes.items()},
    )


@cache
def stand_in() -> Talker:
    """Random features of the sound, and a ridge regression from them to the weights."""
    mel = make_extractor("mel:kaldi")
    heard = [mel(_at_16k(clip(k))) for k in range(len(LINES))]  # type: ignore[operator]
    usual = np.concatenate([track.values for track in heard]).mean(axis=0)
    listening = replace(Listening(), mean={"mel:kaldi": (usual - usual.max()).astype(np.float32)})
    shape = NetworkShape("convolution", width=_WIDTH, dilations=(1, 2, 4))
    random = np.random.default_rng(0)
    arrays = {}
    for name, size in array_shapes(shape, listening.width, _COMPONENTS).items():
        if name.endswith("bias"):
            arrays[name] = np.zeros(size, np.float32)
        elif len(size) == 1:
            arrays[name] = np.ones(size, np.float32)
        else:
            arrays[name] = random.normal(0, 1 / np.sqrt(np.prod(size[1:])), size).astype(np.float32)
    inside = arrays | {
        "out.weight": np.eye(_WIDTH, dtype=np.float32),
        "out.bias": np.zeros(_WIDTH, np.float32),
    }
    rows, targets = [], []
    for number, track in enumerate(heard):
        whole = hear({"mel:kaldi": track}, listening)
        count = len(whole)
        rows.append(np.asarray(run_network(whole.values, inside, shape))[5:-5])
        truth = clip(number).points(whole.grid, count)
        targets.append(face_basis().weights(truth.values, NEUTRAL)[5:-5])
    a = np.concatenate([np.concatenate(rows), np.ones((sum(map(len, rows)), 1))], axis=1).astype(np.float64)
    solved = np.linalg.solve(a.T @ a + 0.3 * np.eye(a.shape[1]), a.T @ np.concatenate(targets))
    arrays |= {"out.weight": solved[:-1].T.astype(np.float32), "out.bias": solved[-1].astype(np.float32)}
    return Talker(face_basis(), listening, shape, arrays)


def _at_16k(one: Clip) -> Track:
    track = one.spoken.sound
    assert isinstance(track.grid, Grid)
    if track.grid.rate == 16000:
        return track
    import soxr

    samples = soxr.resample(np.asarray(track.values, np.float32), int(track.grid.rate), 16000)
    return Track(samples.astype(np.float32), Grid.of_samples(16000, track.grid.center(0)))


def sound_16k(one: Clip) -> npt.NDArray[np.float32]:
    return np.asarray(_at_16k(one).values, np.float32)


def seconds(one: Clip) -> Fraction:
    return Fraction(len(sound_16k(one)), 16000)
