"""The card of a finder of contacts: what it is, what it learnt from, how to make it again, what it can do."""

from __future__ import annotations

from collections.abc import Mapping

from genlock.models.foley.contacts import ContactModel
from genlock.train.foley.contact_options import CONTACTS_LOOP, ContactTraining
from genlock.train.option_flags import changed_flags
from genlock.train.options import LoopOptions

__all__ = ["contact_card"]

_CARD = """# When something touches, by its motion alone

What it is: a network that looks at what moves by itself in a film (optical flow without the camera's, and changes of
grey, in maps of {rows} x {columns} places) and tells of each frame how likely something touches near it, when between
frames, how hard and where. It never sees what things look like. {parameters:,} parameters, in numpy alone.

- Data: {data}.
- Split as the index of the dataset says: {train} films to learn from, {valid} to choose and to fit the reading on,
  {test} to report on.
- Made by: `genlock train contacts DATASET -o DIR{flags}`, seed {seed}, {steps} updates of {batch} films.
- A contact is told from a probability of {threshold:.2f} on; {late:.1f} ms are taken off its instant.
- Its answer is final {reach} frames after a contact.

| on the films to report on | |
|---|---|
{table}

Limits: it has learnt from drawn films only. It does not know materials.
"""

_ROWS = {
    "f_50ms": "F of contacts at 50 ms",
    "f_20ms": "F of contacts at 20 ms",
    "another_film_f_50ms": "... at 50 ms, contacts of another film",
    "metronome_f_50ms": "... a metronome at the mean rate",
    "late_ms": "median offset, ms",
    "impulse_correlation": "correlation of the logarithm of the impulse",
}


def contact_card(
    model: ContactModel, training: ContactTraining, counts: Mapping[str, int], loop: LoopOptions
) -> str:
    """The card as Markdown."""
    report = model.facts.get("report", {})
    changed = [*changed_flags(training, ContactTraining()), *changed_flags(loop, CONTACTS_LOOP)]
    return _CARD.format(
        rows=model.shape.rows,
        columns=model.shape.columns,
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
        reach=model.shape.reach + 1,
        table="\n".join(
            f"| {title} | {report[name]:.3f} |" for name, title in _ROWS.items() if name in report
        ),
    )
