"""What the phone model is told of a sound: 80 log mel bands a hundred times a second, at one level for all sounds."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from genlock.extractors.sound.mel import Mel, MelOptions
from genlock.speech.sound import SAMPLE_RATE

__all__ = ["BANDS", "FLOOR", "HOP", "at_one_level", "heard"]

Array = npt.NDArray[np.float32]

#: Samples from frame to frame; a frame stands in the middle of its cell, and the first cell begins with the sound.
HOP = SAMPLE_RATE // 100
#: Bands of a frame.
BANDS = 80
#: What a band says of silence: e^-10 is added to all of them, some 60 dB below loud speech, so that exact zeros and the
#: quiet of a room are heard alike. (A floor of e^-5 hid weak consonants, closures and the ends of words.)
FLOOR = -10.0
# The loudest twentieth of the cells is brought to this root mean square.
_LOUD, _LOUD_SHARE = 0.1, 95
_QUIETEST, _NOTHING = 1e-5, 1e-11


def at_one_level(samples: npt.NDArray[np.floating]) -> Array:
    """The sound with its loudest twentieth brought to -20 dB below full scale; NaN and infinities as zero.

    >>> round(float(np.abs(at_one_level(np.full(1600, 0.001, np.float32))).max()), 3)
    0.1
    """
    clean = np.nan_to_num(np.asarray(samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    cells = clean[: len(clean) // HOP * HOP].reshape(-1, HOP)
    if not len(cells):
        return clean
    power = np.mean(np.square(cells, dtype=np.float64), axis=1)
    sounding = power[power > _NOTHING]  # exact zeros of editors and gates say nothing about the level
    loud = math.sqrt(float(np.percentile(sounding, _LOUD_SHARE))) if len(sounding) else 0.0
    return np.asarray(clean * np.float32(_LOUD / max(loud, _QUIETEST)), np.float32)


def heard(samples: npt.NDArray[np.floating]) -> Array:
    """The frames of a sound, float32 [n // 160, 80].

    Parameters
    ----------
    samples : float [n], 16 kHz, full scale +-1

    >>> heard(np.zeros(16000, np.float32)).shape, float(heard(np.zeros(16000, np.float32)).max())
    ((100, 80), -10.0)
    """
    bands = _mel()(at_one_level(samples)).values
    return np.asarray(np.log(bands + np.float32(math.exp(FLOOR))), np.float32)


@lru_cache(maxsize=1)
def _mel() -> Mel:
    return Mel(
        MelOptions(
            sample_rate=SAMPLE_RATE,
            window=400,
            n_fft=512,
            hop=HOP,
            bands=BANDS,
            low_hz=40.0,
            scale="kaldi",
            frames="cells",
        )
    )
