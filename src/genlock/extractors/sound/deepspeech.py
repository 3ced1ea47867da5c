"""DeepSpeech logits, as talking-head models take them: 29 numbers, 50 times a second, on the exact grid.

26 cepstral coefficients in python_speech_features' convention, every second frame, nine of those on each side
(zeros outside the sound), brought to zero mean and unit deviation over the whole clip, and through a
bidirectional network: the centre of value k is sample 199.5 + 320 k, its value depends on the whole clip.

VOCA and AD-NeRF take windows of 16 for each video frame: ``track.on(frames, "stack", count=16,
min_cover=0)``. Theirs lie 17.5 ms too early (:mod:`benchmarks.timing`); these are centred on the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingModel
from genlock.core.files import sha256_of
from genlock.core.grid import DEFAULT_CLOCK
from genlock.core.time import Exact, exact
from genlock.core.track import Track
from genlock.extractors.sound.base import AudioExtractor, AudioStream
from genlock.extractors.sound.framing import deepspeech
from genlock.extractors.sound.mfcc import Mfcc, MfccOptions
from genlock.extractors.spec import FeatureSpec

if TYPE_CHECKING:
    from genlock.models.deepspeech import DeepSpeechModel

__all__ = ["DeepSpeech", "DeepSpeechOptions"]

_CONTEXT = 9
_COEFFICIENTS = 26

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class DeepSpeechOptions:
    """Where the network's weights are."""

    model: str = ""
    """A safetensors file of converted weights (:mod:`genlock.models.deepspeech` lists the names), or its
    folder."""


class DeepSpeech(AudioExtractor):
    """Logits of 29 characters, float32 [T, 29]; not probabilities.

    Raises
    ------
    MissingModel
        If no weights are named, or the file is not there.
    FormatError
        If they are damaged or of another model.
    MissingDependency
        Without torch and safetensors.
    """

    name = "deepspeech"
    sample_rate = 16000
    framing = deepspeech()
    support = "whole"
    unit = "logit"

    def __init__(self, options: DeepSpeechOptions | None = None) -> None:
        self.options = options or DeepSpeechOptions()
        if not self.options.model:
            raise MissingModel(
                "the feature 'deepspeech' needs converted weights: name them, as deepspeech:FILE.safetensors"
            )
        # torch is an optional package: only who asks for this feature waits for it.
        from genlock.models.deepspeech import load_deepspeech

        self.model: DeepSpeechModel = load_deepspeech(self.options.model)
        file = Path(self.options.model)
        file = file / "deepspeech.safetensors" if file.is_dir() else file
        self.made_with = f"weights {file.name} (sha256 {sha256_of(file)[:16]})"
        self.context = f"{self.made_with}; whole"
        self.cepstra = Mfcc(MfccOptions(convention="psf", bands=_COEFFICIENTS, coefficients=_COEFFICIENTS))

    @classmethod
    def of_spec(cls, spec: FeatureSpec) -> Self:
        """``deepspeech:FILE``; a rate of one's own."""
        cls.check(spec)
        feature = cls(DeepSpeechOptions(spec.variant))
        feature.rate, feature.name = spec.rate, spec.text
        return feature

    @classmethod
    def check(cls, spec: FeatureSpec) -> None:
        """Raise OptionError if the spec says more than a file and a rate."""
        spec.require_only("variant", "rate")

    @classmethod
    def weights_of(cls, spec: FeatureSpec) -> str | None:
        """The file."""
        return spec.variant or None

    def open(self, origin: Exact = Fraction(0), clock: str = DEFAULT_CLOCK) -> AudioStream:
        """Begin a sound whose sample 0 is at ``origin`` seconds; its cepstra are kept until the end."""
        return _DeepSpeechStream(self, exact(origin), clock)

    def values(self, cepstra: Values) -> Values:
        """Logits [ceil(M / 2), 29] of all cepstra of a clip, [M, 26] at 100 Hz."""
        inputs = with_context(cepstra)
        if not len(inputs):
            return np.zeros((0, 29), np.float32)
        # Mean and deviation over everything at once, padding included, as the network was trained. A clip of
        # digital silence has none.
        deviation = inputs.std(dtype=np.float64)
        scaled = (inputs - inputs.mean(dtype=np.float64)) / (deviation if deviation > 0 else 1.0)
        return self.model.on_arrays(scaled.astype(np.float32))


def with_context(cepstra: Values) -> Values:
    """Every second row with nine of those before and after it, zeros outside: [M, 26] to [ceil(M / 2), 494].

    >>> with_context(np.ones((5, 26), np.float32)).sum(axis=1) / 26
    array([3., 3., 3.], dtype=float32)
    """
    kept = cepstra[::2]
    if not len(kept):
        return np.zeros((0, _COEFFICIENTS * (2 * _CONTEXT + 1)), np.float32)
    padded = np.pad(kept, ((_CONTEXT, _CONTEXT), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _CONTEXT + 1, axis=0)[: len(kept)]
    return np.ascontiguousarray(windows.transpose(0, 2, 1)).reshape(len(kept), -1)


class _DeepSpeechStream:
    """Streams the cepstra; the network waits for all of them."""

    def __init__(self, extractor: DeepSpeech, origin: Fraction, clock: str) -> None:
        self._extractor, self._origin, self._clock = extractor, origin, clock
        self._cepstra = extractor.cepstra.open(origin, clock)

    def push(self, samples: npt.ArrayLike) -> None:
        self._cepstra.push(samples)

    def finish(self) -> Track:
        extractor = self._extractor
        return Track(
            extractor.values(self._cepstra.finish().values),
            extractor.grid(self._origin, self._clock),
            name=extractor.name,
            unit=extractor.unit,
            support=extractor.support,
            context=extractor.context,
        )
