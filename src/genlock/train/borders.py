"""How far a CTC model's word borders lie from the true ones, and its own constant bias."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from genlock.aligners.ctc import CtcOptions
from genlock.core import Grid, Track
from genlock.core.serial import write_json
from genlock.metrics.timing import BoundaryErrors, boundary_errors
from genlock.speech.hf_ctc import CtcModelOptions, HfCtc
from genlock.speech.sound import TrackSound
from genlock.train.sounds import RATE, SoundSet

__all__ = ["border_errors", "write_bias"]


def border_errors(
    model: str | Path, sounds: SoundSet, *, bias_seconds: Fraction | None = None
) -> tuple[BoundaryErrors, BoundaryErrors]:
    """Errors of the starts and of the ends of words, where the clips' word times are known.

    Parameters
    ----------
    model : folder of a CTC checkpoint; the clips' own texts are aligned with it
    sounds : clips; those without word times are left out
    bias_seconds : taken off every time; None: what the checkpoint states
    """
    options = None if bias_seconds is None else CtcOptions(bias_seconds=bias_seconds)
    aligner = HfCtc(CtcModelOptions(str(model)))
    true: list[tuple[float, float]] = []
    found: list[tuple[float | None, float | None]] = []
    for clip in sounds:
        if not clip.words:
            continue
        sound = TrackSound(Track(sounds.samples(clip), Grid.of_samples(RATE)))
        with aligner.listen(sound) as heard:
            words = heard.align_texts([word for word, _, _ in clip.words], options).words
        true += [(start, end) for _, start, end in clip.words]
        found += [
            (None, None) if w.start is None or w.end is None else (float(w.start), float(w.end))
            for w in words
        ]
    starts, ends = ([pair[k] for pair in true] for k in (0, 1))
    found_starts, found_ends = ([pair[k] for pair in found] for k in (0, 1))
    return boundary_errors(starts, found_starts), boundary_errors(ends, found_ends)


def write_bias(model: str | Path, sounds: SoundSet) -> Fraction | None:
    """Measure the bias, the median of all borders' errors, and keep it in the checkpoint's ``genlock.json``.

    Only clips that the model is not reported on should be used. Returns None, and writes nothing, if no word
    time is known or nothing could be aligned.
    """
    starts, ends = border_errors(model, sounds, bias_seconds=Fraction(0))
    errors = np.concatenate([starts.signed_seconds, ends.signed_seconds])
    if len(errors) == 0:
        return None
    bias = Fraction(round(1000 * float(np.median(errors))), 1000)
    write_json(Path(model) / "genlock.json", {"bias_seconds": str(bias), "borders": len(errors)})
    return bias
