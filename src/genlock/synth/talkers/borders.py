"""Borders of phones as they are heard, against where an engine puts them: how its stated accuracy is measured."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from genlock.core.one_line import one_line
from genlock.core.time import round_fraction
from genlock.synth.talkers.heard import audible_edges, release_in
from genlock.synth.talkers.voices import Spoken

__all__ = ["Border", "find_borders"]

_BURSTS = frozenset(["P", "T", "K"])
_RELEASE_REACH_SECONDS = 0.03  # a burst is looked for so far from where it is said to be


@dataclass(frozen=True)
class Border:
    """A border that the sound shows."""

    kind: str
    """``onset``, ``offset``: voice after or before silence; ``hiss``, ``hiss end``: a fricative beside a vowel;
    ``closing``: a voiceless stop after a vowel; ``release``: the burst of one."""
    left: str
    """The phone before it."""
    right: str
    """The phone after it."""
    said: float
    """Where the engine puts it, in seconds from the first sample."""
    heard: float
    """Where the sound shows it, in seconds from the first sample."""

    __repr__ = one_line

    @property
    def error_seconds(self) -> float:
        """Positive: the engine puts it too late."""
        return self.said - self.heard


def find_borders(spoken: Spoken) -> tuple[Border, ...]:
    """The borders that are to be heard in the sound, each with where the engine puts it.

    >>> from genlock.synth.talkers.speaking import speak
    >>> found = find_borders(speak("bin blue at five again", "own"))
    >>> max(abs(border.error_seconds) for border in found) < 0.02
    True
    """
    samples, rate = np.asarray(spoken.samples, np.float64), spoken.rate
    start = spoken.phones[0].start

    def sample(instant: Fraction) -> int:
        return round_fraction((instant - start) * rate, "nearest")

    labels = [span.label for span in spoken.phones]
    edges = [sample(span.start) for span in spoken.phones] + [len(samples)]
    borders = [
        Border(kind, labels[k - 1], labels[k], edges[k] / rate, heard / rate)
        for k, (kind, heard) in audible_edges(samples, rate, edges, labels).items()
    ]
    reach = round(_RELEASE_REACH_SECONDS * rate)
    for shut in spoken.closures:
        opens = sample(shut.end)
        if shut.label in _BURSTS and not spoken.closures_heard:
            found = release_in(samples, rate, max(0, opens - reach), opens + reach)
            if found is not None:
                borders.append(Border("release", shut.label, "", opens / rate, found / rate))
    return tuple(sorted(borders, key=lambda border: border.said))
