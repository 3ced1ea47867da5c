"""How far a CTC model's word borders lie from the true ones, and its own constant bias."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from genlock.aligners.ctc.words import CtcOptions
from genlock.core import Grid, Track
from genlock.core.json_forms import write_json
from genlock.media.sound_source import TrackSound
from genlock.metrics.timing import BoundaryErrors, boundary_errors
from genlock.speech.ctc.checkpoint import HfCtc
from genlock.speech.ctc.options import CtcModelOptions
from genlock.train.speech.utterances import RATE, Utterances

__all__ = ["border_errors", "write_bias"]


def border_errors(
    model: str | Path, utterances: Utterances, *, bias_seconds: Fraction | None = None
) -> tuple[BoundaryErrors, BoundaryErrors]:
    """Errors of the starts and of the ends of words, where the clips' word times are known.

    Parameters
    ----------
    model : folder of a CTC checkpoint; the clips' own texts are aligned with it
    utterances : clips; those without word times are left out
    bias_seconds : taken off every time, and nothing else; None: what the checkpoint states, bias and widening
    """
    options = None if bias_seconds is None else CtcOptions(bias_seconds=bias_seconds)
    aligner = HfCtc(CtcModelOptions(str(model)))
    true: list[tuple[float, float]] = []
    found: list[tuple[float | None, float | None]] = []
    for number, known in enumerate(utterances.words):
        if not known:
            continue
        sound = TrackSound(Track(utterances.samples(number), Grid.of_samples(RATE)))
        with aligner.listen(sound) as heard:
            words = heard.align_texts([word for word, _, _ in known], options).words
        true += [(start, end) for _, start, end in known]
        found += [
            (None, None) if w.start is None or w.end is None else (float(w.start), float(w.end))
            for w in words
        ]
    starts, ends = ([pair[k] for pair in true] for k in (0, 1))
    found_starts, found_ends = ([pair[k] for pair in found] for k in (0, 1))
    return boundary_errors(starts, found_starts), boundary_errors(ends, found_ends)


def write_bias(model: str | Path, utterances: Utterances) -> Fraction | None:
    """Measure the bias, the median of all borders' errors, and keep it in the checkpoint's ``genlock.json``; with it
    how much too narrow words are at each side, half of what starts come later than ends.

    Only clips that the model is not reported on should be used. Returns None, and writes nothing, if no word
    time is known or nothing could be aligned.
    """
    starts, ends = border_errors(model, utterances, bias_seconds=Fraction(0))
    errors = np.concatenate([starts.signed_seconds, ends.signed_seconds])
    if len(errors) == 0:
        return None
    bias = _thousandths(float(np.median(errors)))
    apart = float(np.median(starts.signed_seconds) - np.median(ends.signed_seconds))
    stated = {"bias_seconds": str(bias), "widen_seconds": str(_thousandths(max(apart / 2, 0.0)))}
    write_json(Path(model) / "genlock.json", {**stated, "borders": len(errors)})
    return bias


def _thousandths(seconds: float) -> Fraction:
    return Fraction(round(1000 * seconds), 1000)
