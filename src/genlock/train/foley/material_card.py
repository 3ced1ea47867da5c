"""The card of a reader of materials: what it is, what it learnt from, how to make it again, what it can and cannot."""

from __future__ import annotations

from genlock.models.foley.materials import MaterialReader
from genlock.train.foley.glimpses import Glimpses
from genlock.train.foley.material_options import MATERIALS_LOOP, MaterialTraining
from genlock.train.option_flags import changed_flags
from genlock.train.options import LoopOptions

__all__ = ["material_card"]

_CARD = """# What is struck

What it is: a network that looks for the place where something is struck in three grey pictures of 64 x 64 pixels that
follow each other, and one that looks at {side} x {side} pixels around it, in a picture whose longer side has 160, and
says of which material it is and how large. {parameters:,} parameters, in numpy alone.

- Data: {data}.
- Split as the index of the dataset says: {learnt} pictures of contacts to learn from, {held} to choose on, {reported}
  to report on; the frames before and after each contact that is seen.
{drawn}- Materials: {materials}.
- Made by: `genlock train materials DATASET -o DIR{flags}`, seed {seed}, {steps} updates of {batch} pictures.
- Pictures are changed at random (moved, mirrored, enlarged, other light and colours, noise).

| on the pictures to report on, the place given | |
|---|---|
{table}

Limits: it has learnt from drawn films only, in which a material has its colours and its texture; what it says of real
things is a guess, and held-out materials it takes for the likest.
"""

_DRAWN = """- Of those to learn from, the contacts of {places:,} places were drawn for it alone, each three frames long.
"""

_ROWS = {
    "material_right": "material right",
    "most_frequent_right": "... always the most frequent one",
    "placed": "place found to a tenth of the picture, the instant given",
    "place_error": "median error of the place, shares of the picture",
    "size_correlation": "correlation of the logarithm of the size",
}


def material_card(
    reader: MaterialReader, training: MaterialTraining, glimpses: Glimpses, loop: LoopOptions
) -> str:
    """The card as Markdown."""
    report = reader.facts.get("report", {})
    flags = [*changed_flags(training, MaterialTraining()), *changed_flags(loop, MATERIALS_LOOP)]
    return _CARD.format(
        side=reader.shape.side,
        parameters=sum(array.size for array in reader.arrays.values()),
        data=training.data.rstrip("."),
        learnt=len(glimpses.learnt),
        drawn=_DRAWN.format(places=training.drawn) if training.drawn else "",
        held=len(glimpses.held),
        reported=len(glimpses.reported),
        materials=", ".join(reader.materials),
        flags="".join(f" {flag}" for flag in flags),
        seed=loop.seed,
        steps=loop.steps,
        batch=training.batch,
        table="\n".join(
            f"| {title} | {report[name]:.3f} |" for name, title in _ROWS.items() if name in report
        ),
    )
