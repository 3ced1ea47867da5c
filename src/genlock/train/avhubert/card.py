"""Cards of what is trained here: what it is, what it learnt from, how to make it again, what it can and cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from genlock.train.avhubert.clips import AVFilms
from genlock.train.avhubert.options import (
    AVHUBERT_LOOP,
    AVSR_LOOP,
    AVHubertTraining,
    AvsrTraining,
    AVTraining,
)
from genlock.train.options import LoopOptions

if TYPE_CHECKING:
    from genlock.models.avhubert.recognizer import AVRecognizer

__all__ = ["avhubert_card", "avsr_card", "flags_of"]

_COMMON = """- Data: {data}.
- Split as the index of the dataset says: {learnt} clips of {speakers} speakers to learn from, {held} to choose
  on.{apart}
- Licence: that of the data, with credit to its makers.
- Made by: `genlock train {name} DATASET -o DIR{flags}`, seed {seed}.
- Form: {parameters:,} parameters in the form of AV-HuBERT: 25 frames a second, grey mouths of {crop} pixels, four log
  filterbanks a frame; {layers} transformer layers of {width}.
"""
# Where the data is from stands in a line of its own; the others change no weight.
_TELLS_NOTHING = ("data", "save_every", "evaluate_every", "log_every", "keep", "workers", "seed")


def avhubert_card(
    model: AVRecognizer,
    training: AVHubertTraining,
    films: AVFilms,
    loop: LoopOptions,
    figures: Mapping[str, float],
) -> str:
    """The card of a pretrained encoder, as Markdown."""
    road = (
        f"distilled from frames of `{training.distill}`"
        if training.distill
        else f"pretrained by masked prediction of {training.network.encoder.clusters} clusters, "
        f"iteration {training.iteration}"
    )
    return (
        f"# An AV-HuBERT, {road}\n\nWhat it is: an encoder of sound and lips without text.\n\n"
        + _common("avhubert", model, training, films, loop, AVHUBERT_LOOP)
        + _table("on held-out clips", figures)
    )


def avsr_card(
    model: AVRecognizer,
    training: AvsrTraining,
    films: AVFilms,
    loop: LoopOptions,
    figures: Mapping[str, float],
) -> str:
    """The card of a recogniser, as Markdown."""
    groups = model.facts.get("gate", {}).get("groups", {})
    rows = "".join(
        f"| {name} | {row['clips']} | {row['alone']} | {row['both']} | {row['gated']} | {row['share']:.2f} |\n"
        for name, row in sorted(groups.items())
    )
    gate = (
        "\nThe gate was fitted on these clips (a beam of 4, two in five out of step, a fifth with other "
        "lips); words wrong:\n\n| who, noise | clips | sound alone | both | gated | picture taken |\n"
        "|---|---|---|---|---|---|\n"
        f"{rows}"
        if rows
        else "\nNo clip was held out: the gate is shut, and the sound alone is read.\n"
    )
    return (
        "# Speech from sound and lips\n\nWhat it is: a recogniser that hears, sees, and finds by how much the two are "
        "out of step.\n\n"
        + _common("avsr", model, training, films, loop, AVSR_LOOP)
        + _table("word errors on held-out clips, read greedily by the CTC head", figures)
        + gate
        + "\nLimits: it knows the sentences and the speakers that it learnt from; other people and other sentences are "
        "read badly.\n"
    )


def flags_of(options: Any, defaults: Any) -> str:
    """The flags that differ from defaults, as the command line takes them."""
    words = []
    for field in fields(options):
        value, usual = getattr(options, field.name), getattr(defaults, field.name)
        if value == usual or field.name in _TELLS_NOTHING:
            continue
        if is_dataclass(value):
            words.append(flags_of(value, usual).strip())
            continue
        flag = f"--{field.name.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
        elif isinstance(value, tuple):
            words.append(f"{flag} {' '.join(map(str, value))}")
        else:
            words.append(f"{flag} {value}")
    return "".join(f" {word}" for word in words if word)


def _common(
    name: str,
    model: AVRecognizer,
    training: AVTraining,
    films: AVFilms,
    loop: LoopOptions,
    usual: LoopOptions,
) -> str:
    apart = [
        f" {', '.join(who)}: {what}."
        for who, what in ((training.leave_out, "never heard or seen"), (training.choose_on, "only chosen on"))
        if who
    ]
    shape = model.parts.encoder
    return _COMMON.format(
        data=training.data,
        learnt=model.facts["clips"],
        speakers=len(model.facts["speakers"]),
        held=len(films.held),
        apart="".join(apart),
        name=name,
        flags=flags_of(training, type(training)()) + flags_of(loop, usual),
        seed=loop.seed,
        parameters=sum(weight.numel() for weight in model.parameters()),
        crop=shape.crop,
        layers=shape.layers,
        width=shape.width,
    )


def _table(what: str, figures: Mapping[str, float]) -> str:
    if not figures:
        return "\nNothing was held out, so there are no figures.\n"
    rows = "".join(f"| {name} | {value:.3f} |\n" for name, value in sorted(figures.items()))
    return f"\n| {what} | |\n|---|---|\n{rows}"
