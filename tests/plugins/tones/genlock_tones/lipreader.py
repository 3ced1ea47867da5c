"""``genlock words --recognizer watcher``: says how many frames of a mouth it saw: one that asks for mouths."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.core.track import Track
from genlock.speech.heard import Heard


class Watcher:
    """Understands nothing, but watches: one word a piece, ``mouthFRAMESxSIDE``."""

    name = "watcher"
    languages: tuple[str, ...] = ("tones",)
    mouth_side: int | None = 64

    @classmethod
    def missing(cls) -> str | None:
        """It needs nothing but numpy."""
        return None

    def hear(
        self, samples: npt.NDArray[np.float32], language: str, mouths: Sequence[Track] = ()
    ) -> list[Heard]:
        """One word that lasts as long as the piece; ``mouths`` are crops, uint8 [T, 64, 64], by face."""
        if not mouths:
            return [Heard("nobody", Fraction(0), Fraction(len(samples), 16000), 0.5)]
        seen = mouths[0]
        text = f"mouth{int(seen.valid.sum())}x{seen.values.shape[1]}"
        return [Heard(text, Fraction(0), Fraction(len(samples), 16000), 0.9)]
