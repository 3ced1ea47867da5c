"""What a face does beside speaking: it blinks, looks about, lifts its brows, moves its head a little, smiles.

Everything is a function of time, drawn slot by slot, so that no length is too long and any instant can be asked for.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from genlock.core.spans import Spans
from genlock.synth.talkers.speakers import Speaker

__all__ = ["LIFE", "Life"]

Array = npt.NDArray[np.float64]

#: Columns: 0...1 of smile, blinks and brows; gaze in -1...1; the head's turns in radians, shifts in eye distances.
LIFE: tuple[str, ...] = (
    "smile", "blink_right", "blink_left", "brows", "gaze_x", "gaze_y",
    "yaw", "pitch", "roll", "shift_x", "shift_y", "size",
)  # fmt: skip

# Blinks (D. Caffier, U. Erdmann and P. Ullsperger, Eur. J. Appl. Physiol. 89, 2003: closing 63 ms, 202 ms in all).
_CLOSING, _SHUT, _REOPENING = 0.065, 0.025, 0.13
_BLINK_SLOT = 0.5
_GAZE_SLOT, _SACCADE = 1.1, 0.04
# The head sways below 1.6 Hz; further up it moves less (spectrum about 1/f).
_SWAY_HZ = np.array([0.09, 0.17, 0.31, 0.53, 0.87, 1.43])
_SWAY = {"yaw": 0.05, "pitch": 0.035, "roll": 0.03, "shift_x": 0.07, "shift_y": 0.05, "size": 0.02}
_NOD, _NOD_SECONDS = 0.05, 0.16


class Life:
    """The rest of a face, by a seed; ``words`` are where it may nod and lift its brows.

    >>> life = Life(Speaker(blinks_a_minute=60), 1)
    >>> blinks = life.at(np.linspace(0, 60, 6000))[:, LIFE.index("blink_left")]
    >>> 30 < int(((blinks[1:] > 0.5) & (blinks[:-1] <= 0.5)).sum()) < 70
    True
    """

    def __init__(self, speaker: Speaker, seed: int, words: Spans | None = None) -> None:
        self.speaker, self.seed = speaker, seed
        draw = np.random.default_rng([seed, 31])
        self._phases = draw.uniform(0, 2 * np.pi, (len(_SWAY), len(_SWAY_HZ)))
        self._weights = draw.uniform(0.3, 1, (len(_SWAY), len(_SWAY_HZ))) / np.sqrt(_SWAY_HZ / _SWAY_HZ[0])
        self._weights /= np.sqrt((self._weights**2).sum(axis=1, keepdims=True) / 2)
        stressed = [] if words is None else [w for w in words if draw.random() < 0.3]
        self._accents = np.array([float(w.start + w.duration * 2 / 5) for w in stressed])
        self._strengths = draw.uniform(0.3, 1, len(stressed))

    def at(self, instants: Array) -> Array:
        """Values at instants, float64 [T, 12]."""
        accents = self._accent(instants)
        gaze = self._gaze(instants)
        blink = self._blink(instants)
        sway = self._sway(instants)
        sway[:, 1] += _NOD * accents * self.speaker.head_motion
        smile = self.speaker.smile + 0.06 * np.sin(0.7 * instants + self._phases[0, 0])
        rows = [smile, blink, blink, np.clip(0.9 * accents, 0, 1), *gaze.T, *sway.T]
        return np.stack(rows, axis=1)

    def _slot(self, kind: int, number: int) -> np.random.Generator:
        # Slots before zero exist too; a seed may not be below zero.
        return np.random.default_rng([self.seed, kind, number + 10**6])

    def _blink(self, instants: Array) -> Array:
        out = np.zeros(len(instants))
        if not len(instants):
            return out
        chance = self.speaker.blinks_a_minute / 60 * _BLINK_SLOT
        first, last = (int(np.floor(edge / _BLINK_SLOT)) for edge in (instants.min() - 0.3, instants.max()))
        for number in range(first, last + 1):
            draw = self._slot(32, number)
            if draw.random() < chance:
                # Within the first half of its slot: a blink is over before the next can begin.
                since = instants - (number + 0.5 * draw.random()) * _BLINK_SLOT
                down = np.clip(since / _CLOSING, 0, 1)
                up = np.clip((since - _CLOSING - _SHUT) / _REOPENING, 0, 1)
                out = np.maximum(out, _smooth(down) - _smooth(up))
        return out

    def _gaze(self, instants: Array) -> Array:
        """Fixations with quick jumps between them, [T, 2]."""
        if not len(instants):
            return np.zeros((0, 2))
        slots = np.floor(instants / _GAZE_SLOT).astype(int)
        places = {
            number: np.clip(self._slot(33, number).normal(0, [0.22, 0.12]), -0.7, 0.7)
            for number in range(int(slots.min()) - 1, int(slots.max()) + 1)
        }
        now = np.array([places[n] for n in slots.tolist()])
        before = np.array([places[n - 1] for n in slots.tolist()])
        share = _smooth(np.clip((instants - slots * _GAZE_SLOT) / _SACCADE, 0, 1))[:, None]
        return np.asarray(before + (now - before) * share)

    def _sway(self, instants: Array) -> Array:
        """Slow movement of the head, [T, 6]."""
        waves = np.sin(2 * np.pi * instants[:, None, None] * _SWAY_HZ + self._phases)
        reach = np.array(list(_SWAY.values())) * self.speaker.head_motion
        return np.asarray((waves * self._weights).sum(axis=2) * reach)

    def _accent(self, instants: Array) -> Array:
        if not len(self._accents):
            return np.zeros(len(instants))
        near = (self._accents > instants.min(initial=0) - 2) & (self._accents < instants.max(initial=0) + 2)
        apart = (instants[:, None] - self._accents[near]) / _NOD_SECONDS
        return np.asarray((np.exp(-(apart**2)) * self._strengths[near]).sum(axis=1))


def _smooth(share: Array) -> Array:
    return share * share * (3 - 2 * share)
