"""The card of a talker: what it is, what it learnt from, how to make it again, what it can and cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genlock.models.talker.talker import Talker
from genlock.train.option_flags import changed_flags
from genlock.train.options import LoopOptions
from genlock.train.talker.films import TalkingFilms
from genlock.train.talker.options import TALKER_LOOP, TalkerTraining

__all__ = ["card_of"]

_CARD = """# A face that moves with a voice

What it is: a network ({kind}) that hears {heard} and says, fifty times a second, how 468 points of a face lie: as
weights of {components} movements, added to the resting face of whoever shall speak. {parameters:,} parameters, in
numpy alone.

- Data: {data}.{made}
- Split as the index of the dataset says: {learnt} clips of {speakers} speakers to learn from, {held} to choose and to
  fit the emphasis on, {reported} to report on.
- Licence: that of the data, with credit to its makers.
- Made by: `genlock train talker DATASET -o DIR{flags}`, seed {seed}, {steps} updates of {batch} clips.
- Sound is changed at random (vocal tract, speed, noise, rooms, microphones, missing bands), so that it does not matter
  who speaks where.
- It looks ahead {ahead}.
- Emphasis, fitted on the clips to choose on so that the lips move as much as the true ones: all movement x {gain:.3f},
  quick movement x {sharp:.2f} more.
- The basis errs on held-out faces (root mean square, eye distances): lips {mouth:.4f}, jaw {jaw:.4f}; by the named
  shapes alone, lips {shapes:.4f}; the lips move by {moves:.4f}.

| on the clips to report on | talker | fitted rest | own manner | line from loudness | another sound |
|---|---|---|---|---|---|
{table}
*Fitted rest*: the resting face of a film is found with what the talker says of the film's own sound. *Own manner*: as
the talker learnt this speaker to speak. *Another sound*: the talker heard another clip.
A mean face has 0, correlation 0 and energy 0. Intervals are of 95 %, over clips{drawn}.

Limits: speech of one person, in English, said calmly; what cannot be heard (a smile, where somebody looks) is not told.
"""

_ROWS: Mapping[str, str] = {
    "mouth_lmd_below_mean": "error of the lips below that of the clip's own mean face",
    "mouth_lmd_below_speaker_mean": "... below that of the speaker's mean face",
    "mouth_lmd": "error of the lips, eye distances",
    "correlation": "correlation of the opening",
    "energy": "energy of motion against the true one",
    "velocity_error": "error of the lips' velocity, eye distances per second",
    "lag_ms": "lips late by, ms",
    "closures": "share of the closures that are there",
    "false_closures": "share of the closures made that should not be",
}


def card_of(talker: Talker, training: TalkerTraining, films: TalkingFilms, loop: LoopOptions) -> str:
    """The card as Markdown."""
    ahead, errors = talker.lookahead_seconds, talker.basis.errors
    return _CARD.format(
        kind=talker.shape.kind,
        heard=", ".join(training.hears),
        components=talker.basis.size,
        parameters=sum(array.size for array in talker.arrays.values()),
        data=training.data.rstrip("."),
        made=f"\n- Talkers that were made, in a manner of their own: {films.voices}." if films.voices else "",
        learnt=sum(not clip.made for clip in films.learnt),
        speakers=len({clip.speaker for clip in films.learnt if not clip.made}),
        held=len(films.held),
        reported=len(films.reported),
        flags="".join(
            f" {flag}"
            for flag in [*changed_flags(training, TalkerTraining()), *changed_flags(loop, TALKER_LOOP)]
        ),
        seed=loop.seed,
        steps=loop.steps,
        batch=training.batch,
        ahead="over the whole sound" if ahead is None else f"{1000 * float(ahead):.0f} ms",
        gain=talker.emphasis.gain,
        sharp=talker.emphasis.sharp,
        mouth=errors["mouth"],
        jaw=errors["jaw"],
        shapes=errors["shapes"],
        moves=errors["mouth_moves"],
        table=_table(talker.facts.get("report", {})),
        drawn=" and speakers" if len({clip.speaker for clip in films.reported}) > 1 else "",
    )


def _table(found: Mapping[str, Mapping[str, Any]]) -> str:
    lines = []
    for name, title in _ROWS.items():
        cells = [
            _cell(found.get(who, {}).get(name))
            for who in ("talker", "fitted_rest", "in_own_manner", "loudness_line", "another_sound")
        ]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(figure: Mapping[str, float | None] | None) -> str:
    if figure is None or figure["value"] is None:
        return ""
    return f"{figure['value']:.3f} ({figure['low']:.3f}...{figure['high']:.3f})"
