"""``genlock words --recognizer tones``: hears which of three tones sounds."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from genlock.speech.heard import Heard

RATE = 16000
WORDS = {"low": 300, "mid": 700, "high": 1500}
_BLOCK = 160  # samples: 10 ms
_LEVEL = 0.02


def loud_parts(samples: npt.NDArray[np.floating]) -> list[tuple[int, int]]:
    """First sample of each loud part and the first one after it, in whole blocks of 10 ms."""
    count = len(samples) // _BLOCK
    blocks = np.asarray(samples[: count * _BLOCK], np.float64).reshape(count, _BLOCK)
    loud = np.sqrt((blocks**2).mean(axis=1)) > _LEVEL
    turns = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(np.int8), [0]])))
    return [(int(a) * _BLOCK, int(b) * _BLOCK) for a, b in zip(turns[::2], turns[1::2], strict=True)]


class ToneRecognizer:
    """Knows the language of tones, and answers to ``en`` too, so that it can be tried without another flag."""

    name = "tones"
    languages: tuple[str, ...] = ("en", "tones")
    mouth_side: int | None = None

    @classmethod
    def missing(cls) -> str | None:
        """It needs nothing but numpy."""
        return None

    def hear(self, samples: npt.NDArray[np.float32], language: str) -> list[Heard]:
        """Words in at most 30 s of 16 kHz sound, float32 [n]; times count from its first sample."""
        heard = []
        for first, stop in loud_parts(samples):
            spectrum = np.abs(np.fft.rfft(samples[first:stop]))
            hertz = float(spectrum.argmax()) * RATE / (stop - first)
            word = min(WORDS, key=lambda name: abs(np.log(WORDS[name] / max(hertz, 1.0))))
            heard.append(Heard(word, Fraction(first, RATE), Fraction(stop, RATE), 0.9))
        return heard
