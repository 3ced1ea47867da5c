"""What a recogniser that hears and sees is asked for, in numpy; the networks behind it are in ``genlock.models``.

A front end runs once a clip: its rows can then be moved against each other, left out or silenced without running it
anew. Everything counts frames, 25 a second, on one Grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["AudioVisualModel", "Encoded", "Rows", "ShiftEstimate", "Spelling", "TokenSet"]

Rows: TypeAlias = npt.NDArray[np.float32]


class TokenSet(Protocol):
    """The symbols of a recogniser: one row of them for the CTC head and for the decoder."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every column's symbol."""
        ...

    @property
    def blank(self) -> int:
        """Column of the CTC blank."""
        ...

    @property
    def begin(self) -> int:
        """Column of what stands before the first symbol of a sentence."""
        ...

    @property
    def end(self) -> int:
        """Column of what stands after its last one; it may be the same."""
        ...

    @property
    def silent(self) -> tuple[int, ...]:
        """Columns that spell nothing: the blank, those two, padding, what is unknown."""
        ...

    @property
    def delimiter(self) -> int | None:
        """Column of the symbol between words; None if words border without one."""
        ...

    def text(self, tokens: Sequence[int]) -> str:
        """The sentence that symbols spell, words parted by single blanks."""
        ...

    def spell(self, word: str) -> tuple[tuple[int, ...], str]:
        """The columns that spell one word, and its characters that have none."""
        ...


@dataclass(frozen=True, eq=False)
class Encoded:
    """One clip as the encoder gives it to whoever spells."""

    memory: Rows
    """What the decoder attends to, float32 [T, W]."""
    log_probs: Rows
    """Log-probabilities of the CTC head, float32 [T, V]."""
    there: npt.NDArray[np.bool_]
    """Whether anything was heard or seen in each frame, [T]."""


@dataclass(frozen=True, eq=False)
class ShiftEstimate:
    """How far the sound of a clip is early against its picture, by the model's own alignment."""

    shifts: npt.NDArray[np.int64]
    """Candidates in frames, [K], ascending; positive: sound early."""
    curve: npt.NDArray[np.float64]
    """Similarity at each candidate, [K]; NaN where too little overlaps."""
    frames: float | None
    """The estimate, to a fraction of a frame; None: the model abstains."""
    probability: float | None
    """That it is right within a frame, calibrated, 0...1; None if the model does not say."""
    reason: str = ""
    """Why it abstains."""

    @property
    def best(self) -> int:
        """The best candidate, whether the model is sure of it or not; 0 if there is none."""
        return int(self.shifts[np.nanargmax(self.curve)]) if np.isfinite(self.curve).any() else 0


class Spelling(Protocol):
    """The decoder over a batch of clips, several hypotheses each; it remembers what each of them has spelt."""

    def step(self, parents: npt.NDArray[np.int64], tokens: npt.NDArray[np.int64]) -> Rows:
        """Append a token to hypotheses, and say what may follow.

        Parameters
        ----------
        parents : which hypothesis of the step before each one continues, [N]; clips keep their places
        tokens : the token that it appends, [N]

        Returns
        -------
        float32 [N, V]
            Log-probabilities of the next token.
        """
        ...


class AudioVisualModel(Protocol):
    """A recogniser of heard and seen speech."""

    @property
    def tokens(self) -> TokenSet:
        """What it writes."""
        ...

    @property
    def name(self) -> str:
        """A short name for tables."""
        ...

    @property
    def language(self) -> str:
        """ISO 639-1 code of what it writes."""
        ...

    @property
    def decodes(self) -> bool:
        """Whether it has a decoder; without one, words come from the CTC head alone."""
        ...

    @property
    def spells_frames(self) -> bool:
        """Whether it has a CTC head; without one, words have no times, and the decoder is on its own."""
        ...

    @property
    def longest_frames(self) -> int:
        """Length of the longest clips that it was trained on: longer ones are cut."""
        ...

    @property
    def mouth(self) -> str:
        """The crops that it sees, as a feature: ``mouth/96``, or ``mouth:avhubert/96`` as published."""
        ...

    def hear(self, sounds: Sequence[Rows]) -> list[Rows]:
        """Rows of the sound's front end, float32 [T, C] each, of features [T, 104] each."""
        ...

    def see(
        self, pictures: Sequence[npt.NDArray[np.uint8]], seen: Sequence[npt.NDArray[np.bool_]]
    ) -> list[Rows]:
        """Rows of the picture's front end, float32 [T, C] each, of grey mouths uint8 [T, side, side] each; ``seen``
        says in which frames there is one, [T] each."""
        ...

    def encode(self, heard: Sequence[Rows] | None, seen: Sequence[Rows] | None) -> list[Encoded]:
        """Both streams, or one of them, frame by frame; rows of zeros are frames that were not heard or seen."""
        ...

    def shifts(self, alone: Sequence[Encoded], lips: Sequence[Encoded]) -> list[ShiftEstimate]:
        """How far each sound is early against its picture, of clips encoded from the one and from the other alone."""
        ...

    def helps(self, alone: Encoded, lips: Encoded, both: Encoded, found: ShiftEstimate | None) -> bool:
        """Whether the picture helps, or the sound alone is the better one; True always if nobody taught it."""
        ...

    def spelling(self, memories: Sequence[Rows], hypotheses: int) -> Spelling:
        """A decoder for clips, ``hypotheses`` rows each, in the clips' order."""
        ...
