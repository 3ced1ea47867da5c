"""Self-supervised speech features: any wav2vec 2.0, HuBERT or WavLM checkpoint, any layer, on the exact grid.

The centre of a frame is exact: sample 199.5 + 320 k. Its *value* depends on how much of the sound the model
was shown. ``whole`` shows it everything. In chunks it sees ``left_seconds`` and ``right_seconds`` more on
both sides, and the mean and variance that the model takes over a clip (input normalisation, group norm) are
taken over the whole clip first, so that only the transformer's far context differs.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt

from genlock.core.errors import OptionError
from genlock.core.files import sha256_of
from genlock.core.grid import DEFAULT_CLOCK
from genlock.core.time import Exact, exact
from genlock.core.track import Support, Track
from genlock.extractors.sound.base import AudioExtractor, AudioStream, checked_samples
from genlock.extractors.sound.framing import conv_stack
from genlock.extractors.spec import FeatureSpec
from genlock.models.speech.chunks import Chunking, SampleReader, run_chunks
from genlock.weights import require

if TYPE_CHECKING:
    from genlock.models.speech.encoder import SpeechEncoder

__all__ = ["OWN_MODEL", "Ssl", "SslOptions", "with_layer"]

#: The checkpoint that is taken if none is named, and its layer that says most about phones (its card has the figures).
OWN_MODEL, OWN_LAYER = "speech-nano", 0


@dataclass(frozen=True)
class SslOptions:
    """Which checkpoint, which of its layers, and how much of the sound it sees at once."""

    model: str = ""
    """A folder with ``config.json`` and ``model.safetensors``, or a name in the local Hugging Face cache; empty: our
    own small model (``speech-nano``), of 2.1 hours of sound: see its card."""
    layer: int | Literal["conv"] | None = None
    """Hidden state: 0 is the transformer's input, 1 the first layer's output, negative counts from the last;
    ``conv`` the convolutions' output. None: the last one; of our own model 0, which says most about phones."""
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
    """Whether a group-norm model in chunks uses the norm of the whole clip (one more pass of its first
    layer). False lets each chunk have its own, as most code does, with a warning."""

    def __post_init__(self) -> None:
        self.chunking  # noqa: B018 - lengths out of range are told at birth
        if self.batch < 1:
            raise OptionError(f"batch={self.batch} is below 1")

    @classmethod
    def of_spec(cls, spec: FeatureSpec) -> SslOptions:
        """``ssl[:CHECKPOINT][#LAYER[+SECONDSs]]``: a layer, and the length of chunks.

        >>> SslOptions.of_spec(FeatureSpec.parse("ssl:models/hubert#9+20s"))
        SslOptions(model='models/hubert', layer=9, layer_weights=(), chunk_seconds=20.0, ...)

        Raises OptionError if there is no such layer, or the chunks have no length.
        """
        match = re.fullmatch(r"(?P<layer>-?\d+|conv)?(\+(?P<seconds>\d+(\.\d+)?)s)?", spec.part)
        if match is None:
            raise OptionError(
                f"{spec.text!r}: after # goes a layer, a number or conv, and +20s for chunks of 20 s"
            )
        layer: Any = match["layer"] if match["layer"] in (None, "conv") else int(match["layer"])
        return cls(
            spec.variant, layer, chunk_seconds=None if match["seconds"] is None else float(match["seconds"])
        )

    @property
    def chunking(self) -> Chunking | None:
        """How the sound is cut, or None for the whole."""
        if self.chunk_seconds is None:
            return None
        return Chunking(self.chunk_seconds, self.left_seconds, self.right_seconds)


def with_layer(spec: FeatureSpec, layer: str | None, chunk_seconds: float | None) -> FeatureSpec:
    """The same spec; of ``ssl`` with this layer and these chunks where it names none itself.

    >>> with_layer(FeatureSpec.parse("ssl:hubert#9"), "6", 20).text
    'ssl:hubert#9+20s'
    """
    if spec.name != "ssl":
        return spec
    own, _, chunks = spec.part.partition("+")
    chunks = chunks or ("" if chunk_seconds is None else f"{chunk_seconds:g}s")
    return replace(spec, part=(own or layer or "") + (f"+{chunks}" if chunks else ""))


class Ssl(AudioExtractor):
    """Features of a self-supervised speech model; 50 values a second for all common ones.

    ``ssl:CHECKPOINT#LAYER+20s``, see :meth:`SslOptions.of_spec`. Its Tracks say model, layer and chunks in ``context``.

    Raises
    ------
    MissingModel
        If it is not on this machine.
    MissingDependency
        Without torch and transformers.
    """

    name = "ssl"

    def __init__(self, options: SslOptions | None = None) -> None:
        self.options = options or SslOptions()
        # torch is an optional package: only who asks for this feature waits for it.
        from genlock.models.speech.encoder import load_speech_encoder

        self.encoder: SpeechEncoder = load_speech_encoder(self.options.model or str(require(OWN_MODEL)))
        self.sample_rate = self.encoder.sample_rate
        self.framing = conv_stack(self.encoder.kernels, self.encoder.strides)
        self.layer = _layer(self.options, self.encoder.layers)
        layer = "a sum of layers" if self.options.layer_weights else f"layer {self.layer}"
        name = Path(self.options.model).name if self.options.model else f"{OWN_MODEL}, our own small one"
        self.made_with = f"model {name} (sha256 {_hash_of(self.encoder)[:16]}), {layer}"
        self.support, cut = self._policy()
        self.context = f"{self.made_with}; {cut}"
        if (
            self.encoder.group_norm
            and self.options.chunk_seconds is not None
            and not self.options.clip_statistics
        ):
            warnings.warn(
                f"{self.encoder.source!r} normalises its first layer over the whole clip; with "
                "clip_statistics=False every chunk gets its own norm and all values change "
                "(docs/speech-features.md shows how much)",
                stacklevel=2,
            )

    @classmethod
    def of_spec(cls, spec: FeatureSpec) -> Self:
        """A checkpoint, a layer, chunks; a rate of one's own."""
        cls.check(spec)
        feature = cls(SslOptions.of_spec(spec))
        feature.rate, feature.name = spec.rate, spec.text
        return feature

    @classmethod
    def check(cls, spec: FeatureSpec) -> None:
        """Raise OptionError if a layer or chunks cannot be meant."""
        spec.require_only("variant", "part", "rate")
        SslOptions.of_spec(spec)

    @classmethod
    def weights_of(cls, spec: FeatureSpec) -> str | None:
        """The checkpoint."""
        return spec.variant or None

    def _policy(self) -> tuple[Support, str]:
        options = self.options
        local = self.layer == "conv" and not self.encoder.group_norm and not self.encoder.normalize
        window: Support = Fraction(self.framing.window, self.sample_rate) if local else "whole"
        if options.chunk_seconds is None:
            return window, "whole"
        norm = "of the whole clip" if options.clip_statistics else "of each chunk"
        return window, (
            f"chunks of {options.chunk_seconds:g} s with {options.left_seconds:g} s before and "
            f"{options.right_seconds:g} s after, normalisation {norm}"
        )

    def open(self, origin: Exact = Fraction(0), clock: str = DEFAULT_CLOCK) -> AudioStream:
        """Begin a sound whose sample 0 is at ``origin`` seconds. The sound is kept in memory: 230 MB an
        hour."""
        return _SslStream(self, exact(origin), clock)

    def values(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Features [T, width] of a whole clip, samples [n] at the model's rate."""
        frames = self.framing.count(len(samples))
        if frames == 0:
            return np.zeros((0, self._width()), np.float32)

        def read(first: int, stop: int) -> npt.NDArray[np.float32]:
            return samples[first:stop]

        chunking = self.options.chunking
        if chunking is None:
            statistics = self.encoder.clip_statistics(read, len(samples))
            return np.asarray(self._compute(self.encoder.prepared(samples, *statistics)[None])[0])
        if not self.options.clip_statistics:
            return self._in_chunks(read, frames, chunking, None)
        statistics = self.encoder.clip_statistics(read, len(samples))
        with self.encoder.with_clip_norm(read, len(samples), *statistics):
            return self._in_chunks(read, frames, chunking, statistics)

    def _in_chunks(
        self, read: SampleReader, frames: int, chunking: Chunking, statistics: tuple[float, float] | None
    ) -> npt.NDArray[np.float32]:
        def prepared(piece: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
            own = statistics or self.encoder.clip_statistics(lambda a, b: piece[a:b], len(piece))
            return self.encoder.prepared(piece, *own)

        out = np.zeros((frames, self._width()), np.float32)
        window, hop = self.framing.window, self.framing.hop
        plan = chunking.plan(frames, hop, self.sample_rate)
        for kept, values in run_chunks(
            plan, read, self._compute, window=window, hop=hop, prepare=prepared, batch=self.options.batch
        ):
            out[kept.start : kept.stop] = values
        return out

    def _compute(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Features [batch, T, width] of prepared samples [batch, n]."""
        if self.layer == "conv":
            found: npt.NDArray[np.float32] = self.encoder.convolved(batch)
            return found
        states = self.encoder.hidden(batch)
        if self.options.layer_weights:
            total: Any = sum(w * state for w, state in zip(self.options.layer_weights, states, strict=True))
        else:
            total = states[self.layer]
        values: npt.NDArray[np.float32] = total.float().cpu().numpy()
        return values

    def _width(self) -> int:
        config = self.encoder.base.config
        return int(config.conv_dim[-1] if self.layer == "conv" else config.hidden_size)


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


def _hash_of(encoder: SpeechEncoder) -> str:
    """SHA-256 of the file of weights; of a checkpoint in the hub's cache or in several files, of the weights in it."""
    file = Path(encoder.source) / "model.safetensors"
    if file.is_file():
        return sha256_of(file)
    digest = hashlib.sha256()
    for name, tensor in sorted(encoder.model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()


def _layer(options: SslOptions, layers: int) -> int | Literal["conv"]:
    """The layer that is meant; of a sum of layers, none is asked."""
    if options.layer_weights and len(options.layer_weights) != layers + 1:
        raise OptionError(
            f"{len(options.layer_weights)} layer_weights, but this model has hidden states 0...{layers}"
        )
    if options.layer is None:
        return -1 if options.model else OWN_LAYER
    if options.layer != "conv" and not -layers - 1 <= options.layer <= layers:
        raise OptionError(f"layer {options.layer} does not exist: this model has hidden states 0...{layers}")
    return options.layer
