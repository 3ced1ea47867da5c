"""Heads that turn away: how far lips seem to move, and what sync says of them, by how far a head is turned.

Talkers are drawn whose lips and voice are known (:mod:`genlock.synth.talkers`), their heads turned to the side by a
constant and swaying about it, nodding as well; the tracker of faces looks at what is drawn. ``in the plane`` is the
pose that crops are made by, ``in space`` what the lips are seen by. Windows of three seconds with their own sound, in
step, and with another talker's.

    python benchmarks/sync_side_on.py [--talkers 8] [--seconds 6]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Grid
from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.extractors.face.pose import LIPS
from genlock.extractors.face.tracking import FaceTracker, Sighting
from genlock.extractors.sound.energy import Energy
from genlock.extractors.sound.mel import Mel
from genlock.lipsync.confidence import Confidence
from genlock.lipsync.estimators.lips import LipsSync
from genlock.lipsync.evidence.base import Evidence, FaceEvidence
from genlock.lipsync.evidence.editing import cut, with_sound_of
from genlock.lipsync.evidence.waveform_rows import SOUND_MEL, SOUND_RATE
from genlock.media import VideoCell
from genlock.synth.talkers.face import Camera
from genlock.synth.talkers.films import render_talker
from genlock.synth.talkers.motion import STATE
from genlock.synth.talkers.plans import TalkerOptions, TalkerPlan, plan_talkers
from genlock.synth.talkers.render import FaceRenderer
from genlock.train.lipsync.calibration import Kind
from genlock.train.lipsync.figures import told_of
from genlock.train.lipsync.people import Measured, curve_of

RATE = 25
#: Degrees to the side, and by how much a head sways about that.
TURNS = ((0, 0), (20, 0), (40, 0), (60, 0), (0, 15), (20, 15), (40, 15), (0, 30))
WINDOW, STEP = Fraction(3), Fraction(1, 2)
POSES = ("in the plane", "in space")

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Seen:
    """One talker as the tracker saw him."""

    lips: dict[str, Track]
    """By the pose that was taken out."""
    sound: npt.NDArray[np.float32]
    """Mono, at :data:`SOUND_RATE`."""

    def evidence(self, pose: str) -> Evidence:
        """What sync looks at."""
        lips = self.lips[pose]
        flat = Track(np.zeros(len(lips), np.float32), lips.grid, np.zeros(len(lips), bool))
        faces = (FaceEvidence(0, lips, flat, flat, flat, 60.0),) if lips.valid.any() else ()
        first, clock = Fraction(1, 2 * SOUND_RATE), lips.clock
        return Evidence(
            clock=clock,
            start=lips.start,
            end=lips.end,
            frames=lips.grid,
            mel=Mel(SOUND_MEL)(self.sound, first, clock),
            loudness=Energy()(self.sound, first, clock),
            faces=faces,
            luma=None,
            motion=None,
            flashes=Spans([], clock, "flashes"),
            beeps=Spans([], clock, "beeps"),
            cuts=(),
        )


def sway(seconds: Array, random: np.random.Generator) -> Array:
    """A smooth motion between about -1 and 1 of 0.35 and 0.8 turns a second, [T]."""
    one, other = random.uniform(0, 2 * np.pi, 2)
    return np.asarray(
        (np.sin(2 * np.pi * 0.35 * seconds + one) + 0.5 * np.sin(2 * np.pi * 0.8 * seconds + other)) / 1.2
    )


def watched(plan: TalkerPlan, turn: tuple[int, int], seconds: float, seed: int) -> Seen:
    """Draw a talker with his head turned, and look at it."""
    truth, _, sound = render_talker(replace(plan, camera=Camera(256, 256, 64.0)), sound_rate=SOUND_RATE)
    states = truth.state().values[: Grid(RATE).index(Fraction(seconds), "floor")].copy()
    random, instants = np.random.default_rng(seed), Grid(RATE).centers(len(states))
    states[:, STATE.index("yaw")] += np.deg2rad(turn[0] + turn[1] * sway(instants, random))
    states[:, STATE.index("pitch")] += np.deg2rad(0.4 * turn[1] * sway(instants, random))
    renderer = FaceRenderer(truth.speaker, truth.look, truth.camera, finer=1)
    found: dict[int, Sighting] = {}

    def note(face: Sighting) -> None:
        found.setdefault(face.frame, face)

    tracker = FaceTracker((note,))
    grid = Grid(RATE)
    for k, state in enumerate(states):
        tracker.push(VideoCell(renderer.draw(state), k, grid.edge(k), grid.edge(k + 1), "media"))
    valid = np.array([k in found for k in range(len(states))])
    tracks = {}
    for pose, name in zip(POSES, ("lips_in_plane", "lips"), strict=True):
        values = np.zeros((len(states), len(LIPS), 2), np.float32)
        for k, face in found.items():
            values[k] = getattr(face, name)
        tracks[pose] = Track(values, grid, valid, name="lips")
    samples = Grid(SOUND_RATE).index(grid.edge(len(states)), "floor")
    return Seen(tracks, np.asarray(sound[:samples], np.float32))


def films(all_seen: Sequence[Seen], pose: str, estimator: LipsSync) -> list[Measured]:
    """Windows of everybody, with their own sound and with that of the next one."""
    evidence = [seen.evidence(pose) for seen in all_seen]
    found = []
    for k, own in enumerate(evidence):
        foreign = with_sound_of(own, evidence[(k + 1) % len(evidence)])
        for film, truth in ((own, 0.0), (foreign, None)):
            start = film.start
            while film.faces and start + WINDOW <= film.end:
                curve = curve_of(cut(film, start, start + WINDOW), estimator)
                if curve is not None:
                    what: Kind = "clean" if truth is not None else "voice-over"
                    found.append(Measured(str(k), float(WINDOW), what, curve, truth))
                start += STEP
    return found


def figures(all_seen: Sequence[Seen], pose: str) -> str:
    """Cells of the table: windows, best lag, answered rightly, own sound against foreign."""
    estimator = LipsSync()
    confidence = Confidence.of(estimator.calibration)
    measured = films(all_seen, pose, estimator)
    told = told_of(measured, lambda _: confidence)
    own = [t for t in told if t.own]
    if not own or len(own) == len(told):
        return "- | - | - | -"
    mine, foreign = (np.array([t.belongs for t in told if t.own is kind]) for kind in (True, False))
    area = float(np.mean(mine[:, None] > foreign) + np.mean(mine[:, None] == foreign) / 2)
    best = np.mean([t.error <= 0.08 for t in own])
    right = np.mean([t.answered and t.error <= 0.08 for t in own])
    return f"{len(own)} | {best:.2f} | {right:.2f} | {area:.2f}"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--talkers", type=int, default=8, help="at least 2")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    options = TalkerOptions(
        count=4 * chosen.talkers,
        speakers=4 * chosen.talkers,
        seed=chosen.seed,
        rates=("25",),
        commands=0.0,
        rooms=0.0,
        microphones=0.0,
    )
    plans = [plan for plan in plan_talkers(options) if len(plan.words) >= 10][: chosen.talkers]
    print("| turned | sways by | seen | pose out | windows | best lag | answered, right | area |")
    print("|---|---|---|---|---|---|---|---|")
    for turn in TURNS:
        all_seen = [
            watched(plan, turn, chosen.seconds, 100 * chosen.seed + k) for k, plan in enumerate(plans)
        ]
        share = np.mean([seen.lips[POSES[0]].valid.mean() for seen in all_seen])
        for pose in POSES:
            print(f"| {turn[0]} | {turn[1]} | {share:.2f} | {pose} | {figures(all_seen, pose)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
