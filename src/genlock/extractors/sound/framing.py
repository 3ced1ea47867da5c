"""How many frames a convention makes of N samples, and which instant each of them describes.

Every convention in use is one :class:`Framing`: pure integer arithmetic, no sound. The named functions below
are the conventions themselves, with the software that each comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, overload

import numpy as np
import numpy.typing as npt

from genlock.core import Grid
from genlock.core.errors import OptionError
from genlock.core.grid import DEFAULT_CLOCK
from genlock.core.time import Exact

__all__ = [
    "Framing",
    "conv_stack",
    "deepspeech",
    "kaldi",
    "kaldi_no_snip",
    "python_speech_features",
    "stft_centered",
    "stft_inside",
    "wav2vec2",
    "whisper_encoder",
    "whisper_mel",
]

#: Which frames exist. ``inside``: those that lie wholly inside the (padded) sound. ``covering``: as many as
#: cover every sample, the last one padded, at least one. ``nearest``: one for each hop, rounded to the
#: nearest.
FrameRule = Literal["inside", "covering", "nearest"]


@dataclass(frozen=True)
class Framing:
    """Frame k looks at samples ``[hop k - left, hop k - left + window)``.

    Examples
    --------
    >>> framing = stft_centered(n_fft=2048, hop=512)
    >>> framing.count(22050), framing.center(3)
    (44, Fraction(1536, 1))
    >>> wav2vec2().count(61334), wav2vec2().grid(16000).start
    (191, Fraction(79, 32000))

    Raises
    ------
    OptionError
        If a length is out of range.
    """

    window: int
    """Samples that one frame looks at; at least 1."""
    hop: int
    """Samples from one frame to the next; at least 1."""
    middle: Fraction
    """Centre of symmetry of the window, in samples from its first: ``(window - 1)/2`` for a symmetric window,
    ``window/2`` for a periodic one (a periodic Hann window is symmetric about its sample window/2)."""
    left: int = 0
    """Samples of padding before the sound; frame 0 begins there. Not negative."""
    right: int = 0
    """Samples of padding after the sound that the rule may count on. Not negative."""
    rule: FrameRule = "inside"
    """Which frames exist: ``inside``, ``covering`` or ``nearest``."""

    def __post_init__(self) -> None:
        if self.window < 1 or self.hop < 1:
            raise OptionError(
                f"a window of {self.window} and a hop of {self.hop} samples: both are at least 1"
            )
        if self.left < 0 or self.right < 0:
            raise OptionError(f"padding of {self.left} and {self.right} samples: neither is below zero")

    @overload
    def count(self, samples: int) -> int: ...
    @overload
    def count(self, samples: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]: ...
    def count(self, samples: int | npt.NDArray[np.int64]) -> int | npt.NDArray[np.int64]:
        """Number of frames of a sound of so many samples (an integer, or an int64 array of them)."""
        total = np.asarray(samples, dtype=np.int64)
        if np.any(total < 0):
            raise OptionError(f"{samples} samples: a length is not below zero")
        if self.rule == "inside":
            frames = 1 + (total + self.left + self.right - self.window) // self.hop
        elif self.rule == "covering":
            # A sound without samples has no frame; the conventions that pad do not say, or crash.
            missing = -(-(total + self.left + self.right - self.window) // self.hop)
            frames = np.where(total > 0, 1 + np.maximum(missing, 0), 0)
        else:
            frames = (total + self.hop // 2) // self.hop
        frames = np.maximum(frames, 0)
        return int(frames) if np.ndim(samples) == 0 else frames

    @property
    def first_center(self) -> Fraction:
        """Centre of frame 0, in samples from the first sample of the sound."""
        return self.middle - self.left

    def center(self, k: int) -> Fraction:
        """Centre of frame k, in samples from the first sample of the sound."""
        return self.first_center + k * self.hop

    def grid(self, sample_rate: Exact, origin: Exact = Fraction(0), clock: str = DEFAULT_CLOCK) -> Grid:
        """The grid on which ``center(k)`` is frame k's centre; sample 0 is at ``origin`` seconds."""
        return Grid.of_windows(
            sample_rate=sample_rate, hop=self.hop, first_center=self.first_center, origin=origin, clock=clock
        )

    def every(self, stride: int, before: int = 0, after: int = 0) -> Framing:
        """Every ``stride``-th frame, each with so many frames of context before and after it.

        Only for framings whose frames lie inside the sound or cover it; the context is padded and changes
        neither the count nor the centre.
        """
        hop = self.hop * stride
        if self.rule == "inside":
            # ceil(count / stride) frames: one exists as soon as the first of its stride does.
            left = self.left + before * self.hop
            window = self.window + (before + after) * self.hop
            right = self.right + after * self.hop
            return Framing(window, hop, self.middle + before * self.hop, left, right)
        raise OptionError(f"frames by the rule {self.rule!r} cannot be thinned; 'inside' frames can")


def stft_centered(n_fft: int, hop: int) -> Framing:
    """A short-time Fourier transform with ``center=True`` and a periodic window (librosa, torch).

    1 + floor(N / hop) frames for an even ``n_fft``, frame k centred on sample ``hop k``.
    """
    return Framing(n_fft, hop, Fraction(n_fft // 2), left=n_fft // 2, right=n_fft // 2)


def stft_inside(n_fft: int, hop: int) -> Framing:
    """A short-time Fourier transform with ``center=False`` and a periodic window (librosa, torch).

    1 + floor((N - n_fft) / hop) frames, frame k centred on ``hop k + n_fft/2``: a window that is shorter than
    ``n_fft`` sits in its middle.
    """
    return Framing(n_fft, hop, Fraction(n_fft, 2))


def kaldi(window: int = 400, hop: int = 160) -> Framing:
    """Kaldi's filterbanks and MFCC with ``snip_edges=True``: centres ``hop k + (window - 1)/2``."""
    return Framing(window, hop, Fraction(window - 1, 2))


def kaldi_no_snip(window: int = 400, hop: int = 160) -> Framing:
    """Kaldi with ``snip_edges=False``: floor((N + hop/2) / hop) frames, centres ``hop k + hop/2 - 1/2``."""
    return Framing(window, hop, Fraction(window - 1, 2), left=window // 2 - hop // 2, rule="nearest")


def python_speech_features(window: int = 400, hop: int = 160) -> Framing:
    """python_speech_features: 1 + ceil((N - window) / hop) frames, at least one, zeros after the end."""
    return Framing(window, hop, Fraction(window - 1, 2), rule="covering")


def conv_stack(
    kernels: Sequence[int], strides: Sequence[int], paddings: Sequence[int] | None = None
) -> Framing:
    """The framing of a stack of convolutions, from its input to its last layer.

    Layer i makes ``floor((n + 2 padding - kernel) / stride) + 1`` values of n, and so does the whole stack
    with the window, hop and padding that come out.

    >>> stack = conv_stack([10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2])
    >>> stack.window, stack.hop, stack.first_center
    (400, 320, Fraction(399, 2))
    """
    pads = [0] * len(kernels) if paddings is None else list(paddings)
    if not len(kernels) == len(strides) == len(pads) or min(*kernels, *strides, 1) < 1 or min(*pads, 0) < 0:
        raise OptionError(
            f"kernels {list(kernels)}, strides {list(strides)}, paddings {pads} are not a stack"
        )
    window, hop, left = 1, 1, 0
    for kernel, stride, padding in zip(kernels, strides, pads, strict=True):
        window += (kernel - 1) * hop
        left += padding * hop
        hop *= stride
    return Framing(window, hop, Fraction(window - 1, 2), left=left, right=left)


def wav2vec2() -> Framing:
    """wav2vec 2.0, HuBERT, WavLM at 16 kHz: window [320 k, 320 k + 399], centre 199.5 + 320 k."""
    return conv_stack([10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2])


def whisper_mel() -> Framing:
    """Whisper's log-mel at 16 kHz: a centred STFT of 400 and 160 without its last frame; floor(N / 160)
    frames.

    30 s give 3000 frames, frame k centred on sample 160 k.
    """
    return Framing(400, 160, Fraction(200), left=200, right=40)


def whisper_encoder() -> Framing:
    """Whisper's encoder: two convolutions of 3 (strides 1 and 2, padding 1) over the mel frames.

    30 s give 1500 frames, frame k centred on sample 320 k. (Its transformer sees the whole 30 s.)
    """
    return whisper_mel().every(2, before=2, after=2)


def deepspeech(window: int = 400, hop: int = 160) -> Framing:
    """DeepSpeech 0.1 at 16 kHz: every second MFCC frame with 9 frames of that rate on each side.

    Centre 199.5 + 320 k; ceil(M / 2) frames, where M is the count of :func:`python_speech_features`. (Mean,
    standard deviation and the recurrent network see the whole clip.)
    """
    context = 9 * 2 * hop
    middle = Fraction(window - 1, 2) + context
    # ceil((1 + ceil((N - W) / h)) / 2) is 1 + ceil((N - W - h) / 2h): one hop less of padding than of
    # context.
    return Framing(window + 2 * context, 2 * hop, middle, left=context, right=context - hop, rule="covering")
