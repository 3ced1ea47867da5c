"""The card of a model of phones: what it is, what it learnt from, how to make it again, what it can and cannot."""

from __future__ import annotations

from collections.abc import Sequence

from genlock.models.speech.phones import PhoneModel
from genlock.train.option_flags import changed_flags
from genlock.train.options import LoopOptions
from genlock.train.speech.phone_clips import PhoneClip
from genlock.train.speech.phone_options import PHONES_LOOP, PhonesTraining

__all__ = ["phone_card"]

_CARD = """# Phones in speech

What it is: a network of convolutions that says of each hundredth of a second which of {symbols} phones is heard there
(one set for all languages, silence among them); {parameters:,} parameters, in numpy alone. `genlock words` places the
words of a text with it.

- Data: {data}.
- {clips} clips, {minutes:.0f} minutes, {speakers} speakers; languages: {languages}.
- Made by: `genlock train phones DATASETS -o DIR{flags}`, seed {seed}, {rounds} rounds, the first of {steps} updates.

| on the clips that decided which weights were kept | |
|---|---|
{table}

Limits: read speech of few speakers. Singing, shouting, whispering and children were not met.
"""

_ROWS = {
    "nats": "nats a frame",
    "frames_right": "share of frames whose phone is the likeliest",
    "start_ms": "mean error of the starts of words, ms (clips with known times)",
    "end_ms": "mean error of their ends, ms",
}


def phone_card(
    model: PhoneModel, training: PhonesTraining, learnt: Sequence[PhoneClip], loop: LoopOptions
) -> str:
    """The card as Markdown."""
    report = model.facts.get("report", {})
    flags = [*changed_flags(training, PhonesTraining()), *changed_flags(loop, PHONES_LOOP)]
    return _CARD.format(
        symbols=len(model.symbols),
        parameters=sum(array.size for array in model.arrays.values()),
        data=training.data.rstrip("."),
        clips=len(learnt),
        minutes=sum(len(clip.frames) for clip in learnt) / 6000,
        speakers=len({clip.speaker for clip in learnt}),
        languages=", ".join(sorted({clip.language for clip in learnt})),
        flags="".join(f" {flag}" for flag in flags),
        seed=loop.seed,
        rounds=training.rounds,
        steps=loop.steps,
        table="\n".join(
            f"| {title} | {report[name]:.3f} |" for name, title in _ROWS.items() if name in report
        ),
    )
