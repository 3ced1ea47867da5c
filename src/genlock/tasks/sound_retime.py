"""``genlock sound --retime``: a sound that was made elsewhere, moved onto what strikes in the picture."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Literal

from genlock.foley.events import Events
from genlock.foley.mixing import Mixer
from genlock.foley.moved_sound import moved_pieces
from genlock.foley.onsets import OnsetListener
from genlock.foley.retiming import Retiming, plan_retiming
from genlock.foley.sounding import MixedTake
from genlock.foley.spool import SpooledSound
from genlock.foley.takes import score_take
from genlock.tasks.sound_takes import Made, listen, write_take

__all__ = ["retimed_take"]

_NAMED = 8


def retimed_take(
    source: str, events: Events, by: Literal["cut", "stretch"], rate: int, gain_db: float, folder: Path
) -> Made:
    """Move a sound onto events.

    Raises
    ------
    InputError
        If it does not fit the picture.
    """
    listener = OnsetListener()
    sound = SpooledSound(source, folder / "retimed.f32", rate, also=(listener,))
    plan = plan_retiming(listener.instants, events)
    pieces = moved_pieces(sound, plan.moves, events.start, events.end, by)
    path = folder / "take.wav"
    notes = write_take(path, MixedTake(Mixer(pieces), ()), events, rate, gain_db)
    onsets = listen(path, events.start)
    return Made(
        path,
        events.start,
        f"{Path(source).name}, {by}",
        f"the sound of {source}, moved",
        0,
        {0: score_take(onsets, events)},
        onsets,
        moved=[move.to_dict() for move in plan.moves],
        notes=[*plan.notes, *_told(plan), *notes],
    )


def _told(plan: Retiming) -> list[str]:
    moved = sorted(abs(move.by) for move in plan.moves)
    told = [
        f"{len(moved)} onsets were moved onto events, by {float(moved[len(moved) // 2]) * 1000:.0f} ms in the median, "
        f"{float(moved[-1]) * 1000:.0f} ms at most"
    ]
    if plan.left_onsets:
        told.append(
            f"{len(plan.left_onsets)} onsets fit no event and go along with what is before them: "
            f"{_listed(plan.left_onsets)}"
        )
    if plan.left_events:
        told.append(f"{len(plan.left_events)} events have no onset: {_listed(plan.left_events)}")
    return told


def _listed(instants: tuple[Fraction, ...]) -> str:
    more = f" and {len(instants) - _NAMED} more" if len(instants) > _NAMED else ""
    return ", ".join(f"{float(t):.2f} s" for t in instants[:_NAMED]) + more
