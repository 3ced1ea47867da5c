"""The card of a model of touches: what it is, what it learnt from, how to make it again, what it can do."""

from __future__ import annotations

from collections.abc import Mapping

from genlock.models.foley.small_pictures import CELL, HIGH, WIDE
from genlock.models.foley.touches import TouchModel
from genlock.train.foley.touch_options import TOUCHES_LOOP, TouchTraining
from genlock.train.option_flags import changed_flags
from genlock.train.options import LoopOptions

__all__ = ["touch_card"]

_CARD = """# Whether something touches, when and where, looked at closely

What it is: a network that looks at nine frames around a moment and a place at which motion says that something may
touch: at {side} x {side} pixels in colour, of a picture of {wide} x {high}. It knows what a network of motion alone
(`contacts`, which is inside) knows of each place there, and tells how likely something touches near each of the five
frames in the middle, where in the picture, when between frames, and how hard. {parameters:,} parameters, in numpy.

- Data: {data}.
- Split as the index of the dataset says: {looks} looks in {train} films to learn from, {valid} films to choose and to
  fit the reading on, {test} to report on.
- Made by: `genlock train touches DATASET -o DIR{flags}`, seed {seed}, {steps} updates of {batch} looks.
- A contact is told from a probability of {threshold:.2f} on; {late:.1f} ms are taken off its instant.
- Its answer is final {reach} frames after a contact.

| on the films to report on | |
|---|---|
{table}

Limits: it has learnt from drawn films only. Where motion sees nothing, it does not look.
"""

_ROWS = {
    "f_50ms": "F of contacts at 50 ms",
    "f_20ms": "F of contacts at 20 ms",
    "motion_f_50ms": "... at 50 ms, by motion alone",
    "motion_f_20ms": "... at 20 ms, by motion alone",
    "another_film_f_50ms": "... at 50 ms, contacts of another film",
    "metronome_f_50ms": "... a metronome at the mean rate",
    "late_ms": "median offset, ms",
    "impulse_correlation": "correlation of the logarithm of the impulse",
}


def touch_card(
    model: TouchModel, training: TouchTraining, counts: Mapping[str, int], loop: LoopOptions
) -> str:
    """The card as Markdown."""
    report = model.facts.get("report", {})
    changed = [*changed_flags(training, TouchTraining()), *changed_flags(loop, TOUCHES_LOOP)]
    return _CARD.format(
        wide=WIDE,
        high=HIGH,
        side=model.shape.side * CELL,
        looks=model.facts.get("looks", 0),
        parameters=sum(array.size for array in model.arrays.values()),
        data=training.data.rstrip("."),
        train=counts.get("train", 0),
        valid=counts.get("valid", 0),
        test=counts.get("test", 0),
        flags="".join(f" {flag}" for flag in changed),
        seed=loop.seed,
        steps=loop.steps,
        batch=training.batch,
        threshold=model.reading.threshold,
        late=1000 * model.reading.late_seconds,
        reach=model.shape.reach,
        table="\n".join(
            f"| {title} | {report[name]:.3f} |" for name, title in _ROWS.items() if name in report
        ),
    )
