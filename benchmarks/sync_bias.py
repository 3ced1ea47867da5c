"""The bias and the slope of each estimator of lips and speech on a vocal tract whose own lips make the sound.

VocalTractLab says sentences; the distance and the rounding of its lips and the angle of its jaw, 401 times a second,
move the lips of a talker's face, which are read at 25 frames a second. So the same lips are heard and seen, and
nothing is tracked. Each talker is moved by thirteen offsets. An estimator that sees the offset as it is has a bias of
0 and a slope of 1; the bias is the mean over talkers of what it says too much, with its 95 % interval; the slope is
that of what it says against what was planted, of the shifts that it sees within 80 ms. Always 0 is beside it. The
voice is GPL: nothing is trained on it.

    python benchmarks/sync_bias.py [--count 40] [--seed 11]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import soxr

from genlock.aligners.curves import find_peak, weighted
from genlock.core.errors import MissingDependency, MissingModel
from genlock.core.grid import Grid
from genlock.core.spans import Spans
from genlock.core.track import Track
from genlock.extractors.face.mouth import aperture_of, width_of
from genlock.extractors.face.pose import LIPS
from genlock.extractors.sound.energy import Energy
from genlock.extractors.sound.mel import Mel
from genlock.lipsync.estimators.linear import LinearSync
from genlock.lipsync.estimators.lips import LipsSync
from genlock.lipsync.evidence.base import Evidence, FaceEvidence
from genlock.lipsync.evidence.editing import with_offset
from genlock.lipsync.evidence.waveform_rows import SOUND_MEL
from genlock.synth.talkers.face import points_of
from genlock.synth.talkers.motion import STATE
from genlock.synth.talkers.plans import TalkerOptions, TalkerPlan, plan_talkers
from genlock.synth.talkers.speaking import speak
from genlock.synth.talkers.voices import Spoken

SHIFTS = tuple(Fraction(k, 1000) for k in range(-390, 391, 65))
FRAMES = Grid(25)
RATE = 16000
#: The tract's lips touch where their distance is below the first, and are wide apart at the second, in cm.
TOUCH, APART = 0.06, 0.95
#: Angles of its jaw, shut and open, in degrees; protrusion of its lips, spread and rounded, in cm.
JAW, ROUND = (-2.6, -5.4), (0.08, 0.95)

Array = npt.NDArray[np.float64]


def lips_of_tract(spoken: Spoken, plan: TalkerPlan) -> Track:
    """The lips of the talker's face as the tract moves its own: float32 [T, 40, 2] at 25 frames a second."""
    gestures = spoken.gestures
    assert gestures is not None
    assert isinstance(gestures.grid, Grid)
    count = FRAMES.index(Fraction(len(spoken.sound), spoken.rate), "floor")
    instants = FRAMES.centers(count)
    known = gestures.grid.centers(len(gestures))
    at = {
        name: np.interp(instants, known, gestures.values[:, number])
        for number, name in enumerate(spoken.gesture_names)
    }
    apart = np.clip((at["LD"] - TOUCH) / (APART - TOUCH), 0, 1)
    jaw = np.clip((at["JA"] - JAW[0]) / (JAW[1] - JAW[0]), 0, 1)
    state = np.zeros((count, len(STATE)))
    columns = {
        "jaw": 0.3 * jaw + 0.4 * apart,
        "lower": 0.3 * apart,
        "upper": 0.2 * apart,
        "round": np.clip((at["LP"] - ROUND[0]) / (ROUND[1] - ROUND[0]), 0, 1),
        "close": np.clip(1 - apart / 0.25, 0, 1),
    }
    for name, values in columns.items():
        state[:, STATE.index(name)] = values
    points = points_of(state, plan.speaker)[:, list(LIPS), :2].astype(np.float32)
    return Track(points, FRAMES, name="lips", unit="eye distances")


def evidence_of(plan: TalkerPlan) -> Evidence:
    """What is heard and seen of one talker."""
    spoken = speak(plan.words, plan.voice, plan.manner)
    lips = lips_of_tract(spoken, plan)
    samples = soxr.resample(np.asarray(spoken.sound.values, np.float32), spoken.rate, RATE).astype(np.float32)
    first, clock = Fraction(1, 2 * RATE), lips.grid.clock
    flat = Track(np.zeros(len(lips), np.float32), lips.grid, np.zeros(len(lips), bool))
    face = FaceEvidence(
        face=0,
        lips=lips,
        aperture=replace(flat, values=aperture_of(lips.values), valid=lips.valid),
        width=replace(flat, values=width_of(lips.values), valid=lips.valid),
        motion=flat,
        size_pixels=0.0,
    )
    return Evidence(
        clock=clock,
        start=Fraction(0),
        end=FRAMES.edge(len(lips)),
        frames=FRAMES,
        mel=Mel(SOUND_MEL)(samples, first, clock),
        loudness=Energy()(samples, first, clock),
        faces=(face,),
        luma=None,
        motion=None,
        flashes=Spans([], clock, "flashes"),
        beeps=Spans([], clock, "beeps"),
        cuts=(),
    )


def seen(estimator: LinearSync, evidence: Evidence) -> list[float]:
    """The best lag of each shift, in seconds; NaN where there is none."""
    lags = []
    for shift in SHIFTS:
        curve = estimator.cues(with_offset(evidence, shift))[0].curve
        peak = None if curve is None else find_peak(weighted(curve))
        lags.append(np.nan if peak is None else peak.lag_seconds)
    return lags


def row(name: str, found: Sequence[Sequence[float]]) -> str:
    """Bias, slope, and how many are right, of lags [talkers, shifts]."""
    planted = np.array([float(shift) for shift in SHIFTS])
    lags = np.asarray(found)
    right = np.abs(lags - planted) <= 0.08
    whole = [k for k in range(len(lags)) if right[k].sum() >= 3]
    bias = 1000 * np.array([(lags[k] - planted)[right[k]].mean() for k in whole])
    slope = np.array([np.polyfit(planted[right[k]], lags[k][right[k]], 1)[0] for k in whole])
    slack = [1.96 * each.std(ddof=1) / np.sqrt(len(each)) for each in (bias, slope)]
    cells = [
        f"{bias.mean():+.1f} +- {slack[0]:.1f}",
        f"{bias.std(ddof=1):.1f}",
        f"{slope.mean():.4f} +- {slack[1]:.4f}",
        f"{right.mean():.2f}",
    ]
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=40, help="talkers, at least 2")
    parser.add_argument("--seed", type=int, default=11)
    chosen = parser.parse_args()
    people = []
    try:
        for plan in plan_talkers(
            TalkerOptions(count=chosen.count, voices=("vtl",), rooms=0, seed=chosen.seed)
        ):
            people.append(evidence_of(plan))
            print(f"\rtalkers: {len(people)} of {chosen.count}", end="", file=sys.stderr)
    except (MissingDependency, MissingModel) as error:
        print(f"skipped: {error}")
        return
    print(file=sys.stderr)
    print(f"{len(people)} talkers with the tract's own lips, {len(SHIFTS)} shifts within 390 ms of each\n")
    print("| | bias, ms | scatter over talkers, ms | slope | best lag within 80 ms |\n|---|---|---|---|---|")
    for name, estimator in (("linear", LinearSync()), ("linear and towers", LipsSync())):
        print(row(name, [seen(estimator, evidence) for evidence in people]), flush=True)
    print(row("always 0", [[0.0] * len(SHIFTS) for _ in people]))


if __name__ == "__main__":
    main()
