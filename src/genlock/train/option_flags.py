"""What of options differs from the defaults, as it is typed: for the cards of models."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

__all__ = ["changed_flags"]

# Where the data is from stands in a line of its own; the others change no weight.
_TELLS_NOTHING = ("data", "save_every", "evaluate_every", "log_every", "keep", "workers")


def changed_flags(options: Any, usual: Any) -> list[str]:
    """What differs from the defaults, as it is typed; what says nothing about the result is left out.

    >>> from genlock.train.options import LoopOptions
    >>> changed_flags(LoopOptions(steps=7, keep=9), LoopOptions())
    ['--steps 7']
    """
    found = []
    for field in fields(options):
        own, default = getattr(options, field.name), getattr(usual, field.name)
        if is_dataclass(own):
            found += changed_flags(own, default)
        elif own != default and field.name not in _TELLS_NOTHING:
            words = own if isinstance(own, (tuple, list)) else [own]
            named = f"--{field.name.replace('_', '-')}"
            found.append(named if own is True else f"{named} {' '.join(map(str, words))}")
    return found
