"""Mouth shapes of 2D animation, A to F and X, read off the lips; and the files that animators' programs take.

The shapes are those of Rhubarb Lip Sync: A closed (P, B, M), B slightly open (K, S, EE), C open (EH, AE), D wide open
(AA), E slightly rounded (AO, ER), F puckered (UW, W), X at rest. G (F, V) and H (L) are told by teeth and tongue, which
no point of the mesh shows: they are not used.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.files import write_text
from genlock.core.grid import DEFAULT_CLOCK, Cells
from genlock.core.spans import Span, Spans
from genlock.core.time import Exact, exact_rate, round_fraction

__all__ = ["ENDINGS", "PRESTON_BLAIR", "mouth_letter", "viseme_spans", "write_visemes"]

#: Endings of the files that can be written.
ENDINGS = (".tsv", ".json", ".dat")
#: Names that OpenToonz knows, by letter.
PRESTON_BLAIR = MappingProxyType(
    {"A": "MBP", "B": "etc", "C": "E", "D": "AI", "E": "O", "F": "U", "X": "rest"}
)

# Openings between the lips in eye distances, and widths as a share of the width at rest.
_SHUT, _SLIGHT, _WIDE = 0.014, 0.042, 0.082
_PUCKERED, _ROUNDED = 0.93, 0.965
# Lips that stay shut for so long are at rest; what lasts less than this is no shape of its own.
_REST_SECONDS, _LEAST_SECONDS = Fraction(1, 4), Fraction(1, 20)


def mouth_letter(aperture: float, width: float) -> str:
    """The shape of a mouth: A, B, C, D, E or F.

    Parameters
    ----------
    aperture : opening between the lips, in eye distances
    width : between the corners, as a share of the width at rest

    >>> [mouth_letter(a, w) for a, w in ((0, 1), (0.02, 1), (0.06, 1), (0.1, 1), (0.06, 0.95), (0.03, 0.9))]
    ['A', 'B', 'C', 'D', 'E', 'F']
    """
    if aperture < _SHUT:
        return "A"
    if width < _PUCKERED and aperture < _WIDE:
        return "F"
    if width < _ROUNDED and aperture >= _SLIGHT:
        return "E"
    return "B" if aperture < _SLIGHT else "C" if aperture < _WIDE else "D"


def viseme_spans(
    apertures: npt.ArrayLike, widths: npt.ArrayLike, cells: Cells, rest_width: float, end: Exact
) -> Spans:
    """Mouth shapes one after the other, without gaps, from the first frame to ``end``.

    Parameters
    ----------
    apertures, widths : of the mouth on each frame, [T], in eye distances
    cells : the frames
    rest_width : width of the mouth at rest
    end : where the last shape ends, in seconds
    """
    letters = [
        mouth_letter(float(a), float(w) / rest_width)
        for a, w in zip(np.asarray(apertures), np.asarray(widths), strict=True)
    ]
    runs = _without_short(_runs(letters, cells))
    return Spans(_resting(runs, Span(0, end).end), DEFAULT_CLOCK, "mouth shapes")


def _runs(letters: Sequence[str], cells: Cells) -> list[Span]:
    runs: list[Span] = []
    for k, letter in enumerate(letters):
        start, stop = cells.edge(k), cells.edge(k + 1)
        if runs and runs[-1].label == letter:
            runs[-1] = Span(runs[-1].start, stop, letter)
        else:
            runs.append(Span(start, stop, letter))
    return runs


def _without_short(runs: list[Span]) -> list[Span]:
    """A shape too short to be seen goes to the one before it; closed lips are always seen."""
    kept: list[Span] = []
    for run in runs:
        short = run.duration < _LEAST_SECONDS and run.label != "A"
        if kept and (short or kept[-1].label == run.label):
            kept[-1] = Span(kept[-1].start, run.end, kept[-1].label)
        else:
            kept.append(run)
    return kept


def _resting(runs: list[Span], end: Fraction) -> list[Span]:
    found = []
    for number, run in enumerate(runs):
        last = number == len(runs) - 1
        stop = end if last and end > run.start else run.end
        at_edge = number == 0 or last
        label = "X" if run.label == "A" and (run.duration >= _REST_SECONDS or at_edge) else run.label
        found.append(Span(run.start, stop, label))
    return found


def write_visemes(target: str | os.PathLike[str], spans: Spans, sound: str, frame_rate: Exact = 24) -> None:
    """Write mouth shapes as Rhubarb does.

    Parameters
    ----------
    target : ``.tsv`` (start and shape a line, the end last), ``.json`` (``metadata`` and ``mouthCues``), or ``.dat``
        (switch data of Moho and OpenToonz, in frames from 1 on, by the names that OpenToonz knows)
    spans : from :func:`viseme_spans`
    sound : name of the sound
    frame_rate : of ``.dat``

    Raises
    ------
    OptionError
        If the ending is another one.
    OutputError
        If the file cannot be written.
    """
    ending = Path(target).suffix.lower()
    if ending not in ENDINGS:
        raise OptionError(f"{os.fspath(target)!r}: mouth shapes are written as {', '.join(ENDINGS)}")
    if ending == ".tsv":
        write_text(target, _tsv(spans))
    else:
        write_text(target, _json(spans, sound) if ending == ".json" else _dat(spans, frame_rate))


def _tsv(spans: Spans) -> str:
    lines = [f"{_hundredths(span.start)}\t{span.label}" for span in spans]
    return "\n".join([*lines, f"{_hundredths(spans[-1].end)}\tX"]) + "\n"


def _json(spans: Spans, sound: str) -> str:
    cues: list[dict[str, Any]] = [
        {"start": float(_hundredths(s.start)), "end": float(_hundredths(s.end)), "value": s.label}
        for s in spans
    ]
    body = {
        "metadata": {"soundFile": sound, "duration": float(_hundredths(spans[-1].end))},
        "mouthCues": cues,
    }
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def _dat(spans: Spans, frame_rate: Exact) -> str:
    rate = exact_rate(frame_rate)
    lines, last = ["MohoSwitch1"], 0
    for span in spans:
        frame = 1 + round_fraction(span.start * rate, "floor")
        if frame != last:
            lines.append(f"{frame} {PRESTON_BLAIR[span.label]}")
            last = frame
    end = max(1 + round_fraction(spans[-1].end * rate, "floor"), last + 1)
    return "\n".join([*lines, f"{end} rest"]) + "\n"


def _hundredths(seconds: Fraction) -> str:
    """Seconds cut to hundredths, as the form wants them."""
    count = round_fraction(seconds * 100, "floor")
    return f"{count // 100}.{count % 100:02d}"
