"""Let VocalTractLab speak one row of segments; run as a program of its own, for the engine is GPL and has crashed.

``python vtl_child.py FOLDER``, with ``{"segments": [[name, seconds]], "semitones": [[value, seconds]], "stops":
[[first second, last second]]}`` as JSON on standard input; FOLDER, if not empty, holds the package
``vocaltractlab_cython``. Answers on standard output: a line of JSON (``rate``, ``count``, ``step`` in samples,
``states``, ``names``, ``closed`` as ``[number of the stop, first state, first state after it]``), then ``count``
samples and ``states`` rows of tract parameters, all float32.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from typing import Any

# Square centimetres: the engine's own area of a closed tube is 0.0001.
_SHUT = 0.002
_COARSE = 3  # every third state is looked at, and then those beside an edge


def main(folder: str) -> None:
    """Read the request, speak, answer."""
    # What the engine prints must not reach the answer.
    answer_to = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asked: dict[str, Any] = json.load(sys.stdin)
    if folder:
        sys.path.insert(0, folder)
    import numpy as np
    import vocaltractlab_cython as vtl

    with tempfile.TemporaryDirectory() as where:
        phones, gestures, motor = (os.path.join(where, name) for name in ("phones", "gestures", "motor"))
        with open(phones, "w", encoding="utf-8") as out:
            out.writelines(
                f"name = {name}; duration_s = {seconds:.6f};\n" for name, seconds in asked["segments"]
            )
        vtl.phoneme_file_to_gesture_file(phones, gestures)
        with open(gestures, encoding="utf-8") as file:
            score = file.read()
        with open(gestures, "w", encoding="utf-8") as out:
            out.write(_with_pitch(score, asked["semitones"]))
        audio = np.asarray(vtl.gesture_file_to_audio(gestures), np.float32)
        vtl.gesture_file_to_motor_file(gestures, motor)
        states = np.array(_tract_rows(motor))
    constants = vtl.get_constants()
    step, rate = int(constants["n_samples_per_state"]), int(constants["sr_audio"])
    closed = []
    for number, (first, last) in enumerate(asked["stops"]):
        found = _closure(vtl, states, round(first * rate / step), round(last * rate / step))
        if found:
            closed.append((number, *found))
    head = {
        "rate": rate,
        "count": len(audio),
        "step": step,
        "states": len(states),
        "names": [each["name"] for each in vtl.get_param_info("tract")],
        "closed": closed,
    }
    answer_to.write(json.dumps(head).encode() + b"\n" + audio.astype("<f4").tobytes())
    answer_to.write(states.astype("<f4").tobytes())
    answer_to.close()


def _with_pitch(score: str, semitones: list[tuple[float, float]]) -> str:
    """The score with a contour of pitch, in semitones above 1 Hz, instead of its own."""
    lines = "".join(
        f'    <gesture value="{value:.6f}" slope="0.000000" duration_s="{seconds:.6f}" '
        'time_constant_s="0.020000" neutral="0" />\n'
        for value, seconds in semitones
    )
    pattern = r'(<gesture_sequence type="f0-gestures" unit="st">\n).*?(  </gesture_sequence>)'
    return re.sub(pattern, lambda found: found[1] + lines + found[2], score, flags=re.DOTALL)


def _tract_rows(motor: str) -> list[list[float]]:
    with open(motor, encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")][2:]
    return [[float(value) for value in line.split()] for line in lines[1::2]]


def _closure(vtl: Any, states: Any, first: int, last: int) -> tuple[int, int] | None:
    """The longest run of states, between two, in which the tract is shut somewhere; None if it never is."""
    known: dict[int, bool] = {}

    def shut(state: int) -> bool:
        if state not in known:
            tube = vtl.tract_state_to_tube_state(states[state])
            # The last sections are the windpipe and the glottis side; a mouth shuts in the upper half.
            known[state] = float(min(tube["tube_area"][len(tube["tube_area"]) // 3 :])) < _SHUT
        return known[state]

    first, last = max(0, first), min(len(states) - 1, last)
    best: tuple[int, int] | None = None
    state = first
    while state <= last:
        if not shut(state):
            state += _COARSE
            continue
        begin = state
        while begin > first and shut(begin - 1):
            begin -= 1
        end = state
        while end < last and shut(end + 1):
            end += 1
        if best is None or end + 1 - begin > best[1] - best[0]:
            best = (begin, end + 1)
        state = end + 1
    return best


if __name__ == "__main__":
    main(sys.argv[1])
