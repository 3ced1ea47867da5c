"""``genlock words --aligner tones``: the k-th word that can be spoken is the k-th loud part of the sound."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.grid import Grid
from genlock.speech.sphinx.align import Placed
from genlock.speech.text import Token
from genlock_tones.recognizer import RATE, loud_parts


class ToneAligner:
    """Puts words on the clock."""

    name = "tones"
    languages: tuple[str, ...] = ("en", "tones")

    def align(
        self,
        samples: npt.NDArray[np.floating],
        tokens: Sequence[Token],
        origin: Fraction = Fraction(0),
        clock: str = "media",
    ) -> list[Placed]:
        """One place for each token, in order, in a piece of 16 kHz sound whose sample 0 is at ``origin``."""
        grid = Grid(RATE, origin, clock)
        parts = iter(loud_parts(samples))
        places = []
        for token in tokens:
            part = next(parts, None) if token.forms else None
            if part is None:
                places.append(Placed(None, None, 0.0, token.reason or "no tone is left for it"))
            else:
                places.append(Placed(grid.edge(part[0]), grid.edge(part[1]), 1.0))
        return places
