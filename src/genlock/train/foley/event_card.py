"""The card of a watcher of events: what it is, what it learnt from, how to make it again, what it can and cannot do."""

from __future__ import annotations

from genlock.models.foley.watcher import Watcher
from genlock.train.foley.event_options import EVENTS_LOOP, EventTraining
from genlock.train.foley.films import Films
from genlock.train.option_flags import changed_flags
from genlock.train.options import LoopOptions

__all__ = ["event_card"]

_CARD = """# What sounds in a picture

What it is: a network that looks at {side} x {side} pictures at their own instants, at any frame rate, and says fifty
times a second how likely something begins to sound, where within those 20 ms, how hard, of what size and material, and
where in the picture. {parameters:,} parameters, in numpy alone.

- Data: {data}.
- Split as the index of the dataset says: {learnt} films to learn from, {held} to choose and to fit the reading of
  instants on, {reported} to report on.
- Materials: {materials}.
- Made by: `genlock train events DATASET -o DIR{flags}`, seed {seed}, {steps} updates of {batch} films.
- Films are changed at random (frames left out evenly and not, motion blur, cut, mirrored, shaken, other light and
  colours, noise).
- Its answer is final {frames} frames and {ahead:.0f} ms after an instant.
- An event is told from a probability of {threshold:.2f} on; {late:.1f} ms are taken off its instant.

| on the films to report on | |
|---|---|
{table}

Limits: it has learnt from drawn films only, and was not tried on real ones.
"""

_ROWS = {
    "f_50ms": "F of onsets at 50 ms",
    "f_20ms": "F of onsets at 20 ms",
    "another_film_f_50ms": "... at 50 ms, events of another film",
    "metronome_f_50ms": "... a metronome at the mean rate",
    "motion_peaks_f_50ms": "... falls of motion, as many as sound on average",
    "silence_f_50ms": "... nothing",
    "late_ms": "median offset, ms",
    "scatter_ms": "median of its size, ms",
    "material_right": "material right",
    "impulse_correlation": "correlation of the logarithm of the impulse",
    "size_correlation": "correlation of the logarithm of the size",
    "x_correlation": "correlation of the place in the picture",
}


def event_card(watcher: Watcher, training: EventTraining, films: Films, loop: LoopOptions) -> str:
    """The card as Markdown."""
    frames, seconds = watcher.latency
    report = watcher.facts.get("report", {})
    return _CARD.format(
        side=watcher.shape.side,
        parameters=sum(array.size for array in watcher.arrays.values()),
        data=training.data.rstrip("."),
        learnt=len(films.learnt),
        held=len(films.held),
        reported=len(films.reported),
        materials=", ".join(watcher.materials),
        flags="".join(
            f" {f}" for f in [*changed_flags(training, EventTraining()), *changed_flags(loop, EVENTS_LOOP)]
        ),
        seed=loop.seed,
        steps=loop.steps,
        batch=training.batch,
        frames=frames,
        ahead=1000 * float(seconds),
        threshold=watcher.reading.threshold,
        late=1000 * watcher.reading.late_seconds,
        table="\n".join(
            f"| {title} | {report[name]:.3f} |" for name, title in _ROWS.items() if name in report
        ),
    )
