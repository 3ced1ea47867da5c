"""A film of any length through the encoder, in windows that see real neighbours on both sides.

The encoder looks at all it is given, and its cost grows with the square of that; it was trained on clips of seconds. So
a long film is cut into windows, each seen with some seconds before and after, of which only the window itself is kept.
Memory does not grow with the film.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingDependency, OptionError
from genlock.models.avhubert.encoder import AVHuBERT
from genlock.models.speech.chunks import plan_chunks

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise MissingDependency(
        f"AV-HuBERT needs torch and transformers ({error}); install them: pip install 'genlock[models]'"
    ) from error

__all__ = ["WHOLE", "EncoderWindows", "Pictures", "encode_windows"]

FloatArray: TypeAlias = npt.NDArray[np.float32]
#: Gives the pictures of frames ``first ... stop - 1``, levelled as the model was trained, float32 [n, H, W].
Pictures: TypeAlias = Callable[[int, int], FloatArray]


@dataclass(frozen=True)
class EncoderWindows:
    """How a film is cut, in frames of 25 a second.

    Raises OptionError if a number is out of range.
    """

    length: int = 500
    """Frames that are kept of a window; at least 1."""
    context: int = 100
    """Frames before and after it that are seen as well; at least 0."""

    def __post_init__(self) -> None:
        if self.length < 1 or self.context < 0:
            raise OptionError(f"{self}: a window has at least one frame, its context at least none")


#: Windows of 20 s with 4 s on both sides.
WHOLE = EncoderWindows()


def encode_windows(
    model: AVHuBERT,
    sound: FloatArray | None,
    pictures: Pictures | None,
    frames: int,
    layer: int | None = None,
    windows: EncoderWindows = WHOLE,
) -> Iterator[tuple[range, FloatArray]]:
    """Values of a layer, window by window.

    Parameters
    ----------
    sound : float32 [T, 104], normed; rows of zeros count as no sound. None: there is none
    pictures : gives the pictures; frames of zeros count as unseen. None: there are none
    frames : how many there are, T
    layer : 0 is the transformer's input, 1 its first layer ...; None: the encoder's output
    windows : how the film is cut

    Yields
    ------
    (frames, values [len(frames), W])

    Raises
    ------
    OptionError
        If there is no such layer.

    Examples
    --------
    >>> from genlock.models.avhubert.shape import preset
    >>> model = AVHuBERT(preset("nano")).eval()
    >>> sound = np.random.default_rng(1).standard_normal((30, 104)).astype(np.float32)
    >>> cut = encode_windows(model, sound, None, 30, windows=EncoderWindows(20, 5))
    >>> [(kept, values.shape) for kept, values in cut]
    [(range(0, 20), (20, 192)), (range(20, 30), (10, 192))]
    """
    if layer is not None and not 0 <= layer <= model.shape.layers:
        raise OptionError(f"layer {layer} does not exist: this model has layers 0...{model.shape.layers}")
    for chunk in plan_chunks(frames, windows.length, windows.context, windows.context):
        first, stop = chunk.see.start, chunk.see.stop
        heard = None if sound is None else torch.from_numpy(sound[first:stop].T[None].copy())
        seen = None if pictures is None else torch.from_numpy(pictures(first, stop)[None, None])
        values = _run(model, heard, seen, layer)
        skip = chunk.keep.start - first
        yield chunk.keep, values[skip : skip + len(chunk.keep)]


def _run(model: AVHuBERT, heard: Tensor | None, seen: Tensor | None, layer: int | None) -> FloatArray:
    with torch.inference_mode():
        rows, shown = model.fronts(heard, seen)
        # What a frame lacks is a missing stream there, as in training: zeros after the front.
        if rows is not None and heard is not None:
            rows = rows * heard.any(1)[..., None]
        if shown is not None and seen is not None:
            shown = shown * seen.flatten(3).any(3)[:, 0, :, None]
        found = model.encode(rows, shown, layers=layer is not None)
        values: FloatArray = (found.last if layer is None else found.layers[layer])[0].numpy()
    return values
