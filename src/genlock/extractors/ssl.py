"""Self-supervised speech features: any wav2vec 2.0, HuBERT or WavLM checkpoint, any layer, on the exact grid.

The centre of a frame is exact: sample 199.5 + 320 k. Its *value* depends on how much of the sound the model was
shown. ``whole`` shows it everything. In chunks it sees ``left_seconds`` and ``right_seconds`` more on both sides,
and the mean and variance that the model takes over a clip (input normalisation, group norm) are taken over the
whole clip first, so that only the transformer's far context differs.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from genlock.core.errors import MissingModel, OptionError
from genlock.core.grid import DEFAULT_CLOCK
from genlock.core.time import Exact, exact, round_fraction
from genlock.core.track import Support, Track
from genlock.extractors.base import AudioExtractor, AudioStream, checked_samples
from genlock.extractors.framing import conv_stack

if TYPE_CHECKING:
    from genlock.models.speech_encoder import SpeechEncoder

__all__ = ["Chunk", "Ssl", "SslOptions", "plan_chunks"]


@dataclass(frozen=True)
class SslOptions:
    """Which checkpoint, which of its layers, and how much of the sound it sees at once."""

    model: str = ""
    """A folder with ``config.json`` and ``model.safetensors``, or a name in the local Hugging Face cache."""
    layer: int | Literal["conv"] = -1
    """Hidden state: 0 is the transformer's input, 1 the first layer's output, negative counts from the last;
    ``conv`` the convolutions' output."""
    layer_weights: tuple[float, ...] = ()
    """Weights of hidden states 0...L, to take their sum instead of one layer; empty for one layer."""
    chunk_seconds: float | None = None
    """Length of a chunk without its context, in seconds above 0; None shows the model the whole sound."""
    left_seconds: float = 4.0
    """Sound before a chunk that the model also sees."""
    right_seconds: float = 4.0
    """Sound after a chunk that the model also sees."""
    batch: int = 4
    """Chunks of equal length that are computed together; at least 1. Nothing is ever padded."""
    clip_statistics: bool = True
    """Whether a group-norm model in chunks uses the norm of the whole clip (one more pass of its first layer).
    False lets each chunk have its own, as most code does, with a warning."""

    def __post_init__(self) -> None:
        if self.chunk_seconds is not None and not self.chunk_seconds > 0:
            raise OptionError(
                f"chunk_seconds={self.chunk_seconds} is not above zero; None shows the whole sound"
            )
        if not (self.left_seconds >= 0 and self.right_seconds >= 0):
            raise OptionError(
                f"a context of {self.left_seconds} and {self.right_seconds} s: neither is below zero"
            )
        if self.batch < 1:
            raise OptionError(f"batch={self.batch} is below 1")


@dataclass(frozen=True)
class Chunk:
    """Frames to keep, and the frames that the model computes around them. All counted from the clip's first."""

    keep: range
    """Frames whose values are kept."""
    see: range
    """Frames that are computed; ``keep`` and its context, inside the clip."""


def plan_chunks(frames: int, length: int, left: int, right: int) -> list[Chunk]:
    """Cut ``frames`` into chunks of ``length`` with context, all in frames.

    Chunks that see equally many frames can be computed together; the context is cut at the clip's ends, never
    padded.

    >>> [(c.keep, c.see) for c in plan_chunks(10, 4, 1, 2)]
    [(range(0, 4), range(0, 6)), (range(4, 8), range(3, 10)), (range(8, 10), range(7, 10))]
    """
    starts = range(0, frames, length)
    return [
        Chunk(range(k, min(k + length, frames)), range(max(0, k - left), min(k + length + right, frames)))
        for k in starts
    ]


class Ssl(AudioExtractor):
    """Features of a self-supervised speech model; 50 values a second for all common ones.

    Raises
    ------
    MissingModel
        If no checkpoint is named, or it is not on this machine.
    MissingDependency
        Without torch and transformers.
    """

    name = "ssl"

    def __init__(self, options: SslOptions | None = None) -> None:
        self.options = options or SslOptions()
        if not self.options.model:
            raise MissingModel("the feature 'ssl' needs a checkpoint: name its folder with --model FOLDER")
        # torch is an optional package: only who asks for this feature waits for it.
        from genlock.models.speech_encoder import load_speech_encoder

        self.encoder: SpeechEncoder = load_speech_encoder(
            Path(self.options.model) if Path(self.options.model).exists() else self.options.model
        )
        self.sample_rate = self.encoder.sample_rate
        self.framing = conv_stack(self.encoder.kernels, self.encoder.strides)
        _check_layer(self.options, self.encoder.layers)
        self.support, self.context = self._policy()
        if (
            self.encoder.group_norm
            and self.options.chunk_seconds is not None
            and not self.options.clip_statistics
        ):
            warnings.warn(
                f"{self.encoder.source!r} normalises its first layer over the whole clip; with clip_statistics=False "
                "every chunk gets its own norm and all values change (docs/speech-features.md shows how much)",
                stacklevel=2,
            )

    def _policy(self) -> tuple[Support, str]:
        options = self.options
        local = options.layer == "conv" and not self.encoder.group_norm and not self.encoder.normalize
        window: Support = Fraction(self.framing.window, self.sample_rate) if local else "whole"
        if options.chunk_seconds is None:
            return window, "whole"
        norm = "of the whole clip" if options.clip_statistics else "of each chunk"
        return window, (
            f"chunks of {options.chunk_seconds:g} s with {options.left_seconds:g} s before and "
            f"{options.right_seconds:g} s after, normalisation {norm}"
        )

    def open(self, origin: Exact = Fraction(0), clock: str = DEFAULT_CLOCK) -> AudioStream:
        """Begin a sound whose sample 0 is at ``origin`` seconds. The sound is kept in memory: 230 MB an hour."""
        return _SslStream(self, exact(origin), clock)

    def values(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Features [T, width] of a whole clip, samples [n] at the model's rate."""
        frames = self.framing.count(len(samples))
        if frames == 0:
            return np.zeros((0, self._width()), np.float32)
        mean, deviation = self.encoder.clip_statistics(samples)
        if self.options.chunk_seconds is None:
            return self._compute(self.encoder.prepared(samples, mean, deviation)[None])[0]
        return self._in_chunks(samples, frames, mean, deviation)

    def _in_chunks(
        self, samples: npt.NDArray[np.float32], frames: int, mean: float, deviation: float
    ) -> npt.NDArray[np.float32]:
        per_frame = Fraction(self.framing.hop, self.sample_rate)
        assert self.options.chunk_seconds is not None
        length = max(1, round_fraction(exact(self.options.chunk_seconds) / per_frame, "nearest"))
        left, right = (
            round_fraction(exact(s) / per_frame, "ceil")
            for s in (self.options.left_seconds, self.options.right_seconds)
        )
        chunks = plan_chunks(frames, length, left, right)
        out = np.zeros((frames, self._width()), np.float32)
        if not self.options.clip_statistics:
            return self._fill(out, chunks, samples, None)
        block = 30 * self.sample_rate
        pieces = (
            self.encoder.prepared(samples[at : at + block], mean, deviation)
            for at in range(0, len(samples), block)
        )
        with self.encoder.with_clip_statistics(pieces):
            return self._fill(out, chunks, samples, (mean, deviation))

    def _fill(
        self,
        out: npt.NDArray[np.float32],
        chunks: list[Chunk],
        samples: npt.NDArray[np.float32],
        statistics: tuple[float, float] | None,
    ) -> npt.NDArray[np.float32]:
        for group in _equal_lengths(chunks, self.options.batch):
            batch = []
            for chunk in group:
                first = chunk.see.start * self.framing.hop
                part = samples[first : first + (len(chunk.see) - 1) * self.framing.hop + self.framing.window]
                batch.append(self.encoder.prepared(part, *(statistics or self.encoder.clip_statistics(part))))
            for chunk, values in zip(group, self._compute(np.stack(batch)), strict=True):
                skip = chunk.keep.start - chunk.see.start
                out[chunk.keep.start : chunk.keep.stop] = values[skip : skip + len(chunk.keep)]
        return out

    def _compute(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Features [batch, T, width] of prepared samples [batch, n]."""
        if self.options.layer == "conv":
            return self.encoder.convolved(batch)
        states = self.encoder.hidden(batch)
        if self.options.layer_weights:
            total: Any = sum(w * state for w, state in zip(self.options.layer_weights, states, strict=True))
        else:
            total = states[self.options.layer]
        values: npt.NDArray[np.float32] = total.float().cpu().numpy()
        return values

    def _width(self) -> int:
        config = self.encoder.base.config
        return int(config.conv_dim[-1] if self.options.layer == "conv" else config.hidden_size)


class _SslStream:
    """Collects the sound: the model looks at all of it."""

    def __init__(self, extractor: Ssl, origin: Fraction, clock: str) -> None:
        self._extractor, self._origin, self._clock = extractor, origin, clock
        self._pieces: list[npt.NDArray[np.float32]] = []
        self._count = 0

    def push(self, samples: npt.ArrayLike) -> None:
        piece = checked_samples(samples, self._extractor, self._origin, self._count)
        self._pieces.append(piece)
        self._count += len(piece)

    def finish(self) -> Track:
        extractor = self._extractor
        samples = np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.float32)
        self._pieces = []
        return Track(
            extractor.values(samples),
            extractor.grid(self._origin, self._clock),
            name=extractor.name,
            support=extractor.support,
            context=extractor.context,
        )


def _check_layer(options: SslOptions, layers: int) -> None:
    if options.layer_weights and len(options.layer_weights) != layers + 1:
        raise OptionError(
            f"{len(options.layer_weights)} layer_weights, but this model has hidden states 0...{layers}"
        )
    if options.layer != "conv" and not -layers - 1 <= options.layer <= layers:
        raise OptionError(f"layer {options.layer} does not exist: this model has hidden states 0...{layers}")


def _equal_lengths(chunks: list[Chunk], most: int) -> Iterator[list[Chunk]]:
    """Runs of at most ``most`` chunks that see equally many frames."""
    group: list[Chunk] = []
    for chunk in chunks:
        if group and (len(group) == most or len(chunk.see) != len(group[0].see)):
            yield group
            group = []
        group.append(chunk)
    if group:
        yield group
