"""What a model gives back, to be seen and heard: written beside it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile

from genlock.core.errors import OutputError
from genlock.core.files import write_bytes
from genlock.drawing.opencv import cv2
from genlock.extractors.sound.griffin_lim import griffin_lim
from genlock.models.foley.codec import Codec
from genlock.models.foley.vocoder import SOUND_RATE, Vocoder
from genlock.train.foley.figures import whole_cells
from genlock.train.foley.sounds import SoundClip, mel_of

__all__ = ["bands_picture", "write_bands", "write_heard", "write_wav"]

Array: TypeAlias = npt.NDArray[np.float32]

_SECONDS = 4
_LOW, _HIGH = -8.0, 8.0


def write_heard(model: Codec | Vocoder, clips: Sequence[SoundClip], folder: Path) -> None:
    """``heard/K-true.wav`` and ``heard/K-made.wav`` of clips, and ``heard/K.png`` of both, the true one above.

    What a codec gives back is heard by Griffin-Lim, without a vocoder. Raises OutputError if it cannot be written.
    """
    for number, clip in enumerate(clips):
        samples = whole_cells(clip)[: _SECONDS * SOUND_RATE]
        true = mel_of(samples)
        if isinstance(model, Codec):
            bands = model.decode(model.encode(true))
            made = griffin_lim(bands, iterations=16)
        else:
            made = model.sound(true)
            bands = mel_of(made)
        write_wav(folder / "heard" / f"{number}-true.wav", samples)
        write_wav(folder / "heard" / f"{number}-made.wav", made)
        write_bands(folder / "heard" / f"{number}.png", true, bands)


def write_bands(path: Path, true: Array, made: Array) -> None:
    """Write two spectrograms [T, 80] as one picture, the true one above. Raises OutputError if it cannot be written."""
    picture = np.concatenate([bands_picture(true), np.zeros((6, len(true)), np.uint8), bands_picture(made)])
    done, data = cv2.imencode(".png", cv2.applyColorMap(picture, cv2.COLORMAP_MAGMA))
    if not done:
        raise OutputError(f"the picture {str(path)!r} cannot be encoded")
    write_bytes(path, data.tobytes())


def bands_picture(mel: Array) -> npt.NDArray[np.uint8]:
    """Bands [T, 80] as a grey picture, low bands below, [80, T].

    >>> bands_picture(np.full((3, 80), -8.0)).shape
    (80, 3)
    """
    shown = np.clip((np.asarray(mel) - _LOW) / (_HIGH - _LOW), 0, 1) * 255
    return np.ascontiguousarray(shown.T[::-1]).astype(np.uint8)


def write_wav(path: Path, samples: Array) -> None:
    """Samples at 24 kHz as 16 bits; what is louder than full scale is turned down. Raises OutputError if it cannot."""
    buffer = io.BytesIO()
    loud = samples / max(float(np.abs(samples).max(initial=0.0)), 1.0)
    soundfile.write(buffer, loud, SOUND_RATE, format="WAV", subtype="PCM_16")
    write_bytes(path, buffer.getvalue())
